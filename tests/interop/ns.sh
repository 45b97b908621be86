#!/bin/sh
# tests/interop/ns.sh COMMAND... -- run COMMAND where the ports and the names are its own
#
# A new network namespace with only lo, so that rigs use fixed ports; a new PID namespace, so that every server that
# COMMAND started ends with it; /etc/resolv.conf that names 127.0.0.1 and /etc/hosts with localhost alone; an empty
# /dev/shm, for libfaketime names its shared memory by process id, and namespaces side by side have the same ones.
# Needs root or unprivileged user namespaces; a kernel that forbids both is a loud failure (ruling 39).
set -eu

flags='--net --mount --pid --fork --kill-child --mount-proc'
[ "$(id -u)" = 0 ] || flags="--map-root-user $flags"
if ! unshare $flags true; then
	echo "ns.sh: this kernel gives us no network namespace: run as root, or allow unprivileged user namespaces" >&2
	exit 1
fi
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
echo 'nameserver 127.0.0.1' >"$files/resolv.conf"
printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(uname -n)" >"$files/hosts"
export RTE_NS_FILES="$files" BATS_TEST_TIMEOUT="${BATS_TEST_TIMEOUT:-180}"
unshare $flags sh -c '
	ip link set lo up || exit 1
	mount -t tmpfs shm /dev/shm || exit 1
	for name in resolv.conf hosts; do
		[ ! -e "/etc/$name" ] || mount --bind "$RTE_NS_FILES/$name" "/etc/$name" || exit 1
	done
	unset RTE_NS_FILES
	export RTE_NS=yes
	exec "$@"' ns "$@"
