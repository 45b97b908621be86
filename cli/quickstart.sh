#!/bin/sh
# cli/quickstart.sh -- from a bare Debian 12 and this checkout to a registration:
#
#   sh cli/quickstart.sh
#
# Installs the packages that the build needs, builds rte into build/, and runs its main job against rte's own
# test server. Ends with the exit code of that run.
set -eu
cd "$(dirname "$0")/.."

log=
step() {
	echo "== $1"
}
quietly() {
	if ! "$@" >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		echo "quickstart: failed: $*" >&2
		exit 1
	fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "packages (only what is missing)"
quietly sh tests/deps.sh build

step "build rte into build/"
if [ ! -f build/build.ninja ]; then
	quietly meson setup build -Dtests=false
fi
quietly ninja -C build cli/rte

step "register alice with a test server that lives as long as the command behind --"
# The password goes by the environment: what stands in a command line can be read by every user of the machine.
PW=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export PW
export RTE_NO_CONFIG=1
cat <<'SHOWN'
$ rte serve --add-user=alice:env:PW -- \
      rte register --user=alice --password=env:PW sip:alice@test.invalid
SHOWN
code=0
build/cli/rte serve --add-user=alice:env:PW -- \
	build/cli/rte register --user=alice --password=env:PW sip:alice@test.invalid || code=$?
if [ "$code" = 0 ]; then
	step "it works. Next: build/cli/rte --help, README.md, and sh tests/run.sh"
else
	echo "quickstart: the registration ended with exit code $code" >&2
fi
exit "$code"
