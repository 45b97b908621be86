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
. tests/root.sh
root_make root
checkout "$worktree" "$root/rte"

status=0
took "sh cli/quickstart.sh (with its packages)" inside /rte 'sh cli/quickstart.sh' || status=1
sed -n '/^== sh cli\/quickstart/,$p' "$log" | sed '1d; s/^/    /'
if [ $status = 0 ]; then
	took "sh cli/quickstart.sh (the packages are there)" inside /rte 'rm -rf build && sh cli/quickstart.sh' || status=1
fi
took "sh tests/run.sh $quick (with its packages)" inside /rte "sh tests/run.sh $quick" || status=1
sed -n '/^== sh tests\/run/,$p' "$log" | sed -n '/^build (release)/,$s/^/    /p'
exit $status
