#!/bin/bash
# tests/deb.sh -- the Debian package: by hand, as root, with debootstrap
#
#   bash tests/deb.sh [--worktree] [--keep]
#
# Builds the source package of the checkout (HEAD; with --worktree the files as they are now) and from it the binary package in a
# bare Debian 12, asks lintian about both, installs the package on a second bare root, and runs the cookbook there. Prints the
# times and ends with 0 when all that went well and lintian had no error and no warning.
set -eu
cd "$(dirname "$0")/.."

worktree=no keep=no
for arg; do
	case $arg in
	--worktree) worktree=yes ;;
	--keep) keep=yes ;;
	*)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
. tests/root.sh

version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
tree=rte-$version

root_make build
mkdir "$root/src"
checkout "$worktree" "$root/src/$tree"
tar czf "$root/src/rte_$version.orig.tar.gz" -C "$root/src" --exclude="$tree/debian" "$tree"
took 'apt-get build-dep' inside "/src/$tree" 'apt-get -q update && apt-get -qy install --no-install-recommends build-essential lintian &&
	apt-get -qy --no-install-recommends build-dep ./' || or_log
took dpkg-buildpackage inside "/src/$tree" 'dpkg-buildpackage -us -uc' || or_log
took lintian inside /src 'lintian --fail-on error,warning --info *.changes' || or_log
cp "$root"/src/rte_"$version"-*_*.deb "$base/"

root_make install
checkout "$worktree" "$root/rte"
cp "$base"/rte_*.deb "$root/"
took 'apt-get install ./rte.deb' inside / 'apt-get -q update && apt-get -qy install --no-install-recommends ./rte_*.deb' || or_log
took 'rte version, man page, completions' inside / 'rte version && test -s /usr/share/man/man1/rte.1.gz &&
	test -s /usr/share/man/man7/rte-cookbook.7.gz && test -s /usr/share/bash-completion/completions/rte &&
	test -s /usr/share/zsh/vendor-completions/_rte && test -s /usr/share/fish/vendor_completions.d/rte.fish' || or_log
took 'what the cookbook'"'"'s tests need' inside / 'apt-get -qy install --no-install-recommends bats jq procps mandoc' || or_log
took 'the cookbook' inside /rte 'RTE=/usr/bin/rte bats -f cookbook tests/cli/docs.bats' || or_log
took 'apt-get purge' inside / 'apt-get -qy purge rte && ! dpkg -L rte 2>/dev/null' || or_log
