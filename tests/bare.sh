#!/bin/bash
# tests/bare.sh -- both commands of the README on a bare Debian 12: by hand, as root, with debootstrap
#
#   bash tests/bare.sh [--worktree] [--keep] [--quick]
#
# Makes a minimal bookworm in a temporary directory with this machine's package sources, copies the checkout there (HEAD;
# with --worktree the files as they are now) and runs `sh cli/quickstart.sh` and `sh tests/run.sh` in it. It lives in
# a mount and PID namespace of its own: nothing stays mounted or running. --keep leaves the directory; --quick runs
# `sh tests/run.sh --quick`. Prints the times and ends with 0 when both commands did.
set -eu
cd "$(dirname "$0")/.."

worktree=no keep=no quick=
for arg; do
	case $arg in
	--worktree) worktree=yes ;;
	--keep) keep=yes ;;
	--quick) quick=--quick ;;
	*)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
[ "$(id -u)" = 0 ] || { echo "bare.sh: a chroot needs root" >&2; exit 1; }
for program in debootstrap unshare chroot; do
	PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || { echo "bare.sh: $program is missing" >&2; exit 1; }
done

base=$(mktemp -d "${TMPDIR:-/tmp}/rte-bare.XXXXXX")
root=$base/root log=$base/log
mkdir "$root"
clean() {
	[ "$keep" = yes ] && echo "kept: $base" && return
	rm -rf --one-file-system "$base"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# took TITLE COMMAND...: its output goes into the log, its time is printed
took() {
	local title=$1 began=$SECONDS status=0
	shift
	echo "== $title" >>"$log"
	"$@" >>"$log" 2>&1 </dev/null || status=$?
	printf '%-44s %4d s%s\n' "$title" $((SECONDS - began)) "$([ $status = 0 ] || echo "  exit code $status")"
	return $status
}
or_log() {
	tail -n 60 "$log" >&2
	exit 1
}

# ---- the root: where this machine gets Debian from, it does too

mirror=$(apt-cache policy | sed -n 's/^ *[0-9]* \(https*:[^ ]*\) bookworm\/main .*/\1/p' | head -n 1)
: "${mirror:=http://deb.debian.org/debian}"
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "${proxy:-}" ] || export http_proxy="$proxy"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
took "debootstrap, minbase, $mirror" \
	debootstrap --variant=minbase ${keyring:+--keyring="$keyring"} bookworm "$root" "$mirror" || or_log

# Sources, keys and how to fetch; no credentials and no hooks.
rm -f "$root/etc/apt/sources.list"
for part in sources.list sources.list.d trusted.gpg trusted.gpg.d keyrings; do
	[ ! -e "/etc/apt/$part" ] || cp -aT "/etc/apt/$part" "$root/etc/apt/$part"
done
cp -a /usr/share/keyrings/. "$root/usr/share/keyrings/"
apt-config dump | grep -E '^Acquire::(https?::(Proxy|Timeout|Pipeline)|Check-|Retries|Languages|Force)' \
	>"$root/etc/apt/apt.conf.d/90host" || true
if grep -rqs 'https:' "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d" && [ -d /etc/ssl/certs ]; then
	mkdir -p "$root/etc/ssl/certs"
	cp -aL /etc/ssl/certs/. "$root/etc/ssl/certs/"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

mkdir "$root/rte"
if [ "$worktree" = yes ]; then
	git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || echo "$f"; done |
		tar cf - -T - | tar xf - -C "$root/rte"
else
	git archive HEAD | tar xf - -C "$root/rte"
fi
chown -R 0:0 "$root/rte"

# ---- inside

inside() { # SHELL-COMMAND
	unshare --mount --pid --fork --kill-child --propagation private sh -c '
		mount --bind "$0" "$0" && mount -t proc proc "$0/proc" || exit 1
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts" || true
		mount -t tmpfs tmpfs "$0/dev/shm" || true
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
			${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
			sh -c "cd /rte && $1"' "$root" "$1"
}

status=0
took "sh cli/quickstart.sh (with its packages)" inside 'sh cli/quickstart.sh' || status=1
sed -n '/^== sh cli\/quickstart/,$p' "$log" | sed '1d; s/^/    /'
if [ $status = 0 ]; then
	took "sh cli/quickstart.sh (the packages are there)" inside 'rm -rf build && sh cli/quickstart.sh' || status=1
fi
took "sh tests/run.sh $quick (with its packages)" inside "sh tests/run.sh $quick" || status=1
sed -n '/^== sh tests\/run/,$p' "$log" | sed -n '/^build (release)/,$s/^/    /p'
exit $status
