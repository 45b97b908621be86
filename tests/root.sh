# tests/root.sh -- bare Debian 12 roots, for bare.sh and deb.sh: . tests/root.sh
#
# Each root is made by debootstrap with this machine's package sources, in a temporary directory that goes at the end unless
# $keep is yes, and lives in a mount and PID namespace of its own: nothing stays mounted or running.

[ "$(id -u)" = 0 ] || { echo "$0: a chroot needs root" >&2; exit 1; }
for program in debootstrap unshare chroot; do
	PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || { echo "$0: $program is missing" >&2; exit 1; }
done

base=$(mktemp -d "${TMPDIR:-/tmp}/rte-bare.XXXXXX")
log=$base/log
clean() {
	[ "${keep:-no}" = yes ] && echo "kept: $base" && return
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

# root_make NAME: a minimal bookworm, $root, which gets Debian from where this machine does
root_make() {
	local mirror part keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	root=$base/$1
	mkdir "$root"
	mirror=$(apt-cache policy | sed -n 's/^ *[0-9]* \(https*:[^ ]*\) bookworm\/main .*/\1/p' | head -n 1)
	: "${mirror:=http://deb.debian.org/debian}"
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "${proxy:-}" ] || export http_proxy="$proxy"
	took "debootstrap, minbase, $mirror" debootstrap --variant=minbase --keyring="$keyring" bookworm "$root" "$mirror" || or_log

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
}
# checkout yes|no DIR: HEAD, or the files as they are now, there
checkout() {
	mkdir -p "$2"
	if [ "$1" = yes ]; then
		git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || echo "$f"; done |
			tar cf - -T - | tar xf - -C "$2"
	else
		git archive HEAD | tar xf - -C "$2"
	fi
	chown -R 0:0 "$2"
}
# inside DIR SHELL-COMMAND: in $root, where DIR is the current one
inside() {
	unshare --mount --pid --fork --kill-child --propagation private sh -c '
		mount --bind "$0" "$0" && mount -t proc proc "$0/proc" || exit 1
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts" || true
		mount -t tmpfs tmpfs "$0/dev/shm" || true
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive \
			${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
			sh -c "cd $1 && $2"' "$root" "$1" "$2"
}
