#!/bin/sh
# tests/deps.sh -- install the Debian packages that are missing
#
#   sh tests/deps.sh build          to build rte
#   sh tests/deps.sh build test     to build and to test it
#   sh tests/deps.sh bench          what tests/bench compares with
#   sh tests/deps.sh --list test    print the packages, install nothing
#
# Asks dpkg first: when nothing is missing it is done in an instant and needs neither root nor the network.
# No service is started: the servers among the packages are started by the tests themselves.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config
	libev-dev libssl-dev libc-ares-dev libpopt-dev libjansson-dev libexpat1-dev
	libntlm0-dev libkrb5-dev'

test='libcmocka-dev clang llvm libclang-rt-dev binutils valgrind libc6-dbg
	bats parallel jq procps mandoc man-db bash-completion zsh fish
	faketime libfaketime openssl curl ca-certificates socat iproute2 iptables
	kamailio kamailio-tls-modules kamailio-outbound-modules kamailio-presence-modules
	sip-tester sipsak sofia-sip-bin baresip-core knot bind9-dnsutils
	gss-ntlmssp winbind krb5-kdc krb5-admin-server krb5-user
	pidgin-sipe libpurple-dev libglib2.0-dev gdb perl strace
	tshark sngrep libxml2-utils'

bench='libosip2-dev libsofia-sip-ua-dev libre-dev
	kamailio kamailio-tls-modules kamailio-outbound-modules
	sip-tester sipsak sofia-sip-bin openssl procps iproute2'

list=no
sets=
for arg; do
	case $arg in
	build | test | bench) sets="$sets $arg" ;;
	--list) list=yes ;;
	*) sets= && break ;;
	esac
done
if [ -z "$sets" ]; then
	echo "usage: sh tests/deps.sh [--list] build|test|bench..." >&2
	exit 2
fi

wanted=
for set in $sets; do
	eval "wanted=\"\$wanted \$$set\""
done
if [ "$list" = yes ]; then
	printf '%s\n' $wanted | sort -u
	exit 0
fi

if ! command -v dpkg-query >/dev/null; then
	echo "deps.sh: this is no Debian. Please install what these Debian packages hold, then try again:" >&2
	printf '%s\n' $wanted | sort -u | tr '\n' ' ' >&2
	echo >&2
	exit 1
fi

installed=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
	sed -n 's/ installed$//p' | tr '\n' ' ')"
missing=
for package in $wanted; do
	case $installed in
	*" $package "*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps.sh: packages are missing and this is neither root nor a machine with sudo. As root:" >&2
		echo "  apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
echo "installing:$missing"

# policy-rc.d that answers 101 keeps maintainer scripts from starting services. What was there comes back after.
policy=/usr/sbin/policy-rc.d
kept=$policy.kept-by-rte
restore() {
	if [ -e "$kept" ] || [ -L "$kept" ]; then
		$as_root mv -f "$kept" "$policy"
	else
		$as_root rm -f "$policy"
	fi
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
	[ -e "$kept" ] || $as_root mv "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
$as_root chmod 755 "$policy"

apt_get() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
		-o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
# The lists may be missing, as in a fresh image, or so old that the packages they name are gone.
updated=no
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
	apt_get update
	updated=yes
fi
if ! apt_get install --no-install-recommends $missing; then
	[ "$updated" = no ]
	apt_get update
	apt_get install --no-install-recommends $missing
fi
