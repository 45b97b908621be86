#!/bin/sh
# tests/soak.sh -- the full sizes of what tests/run.sh runs at a tenth or less, by hand before an issue is called resolved:
# each fuzz target for ten minutes, a thousand `rte serve -- ...` a hundred at a time, ten thousand calls, and a thousand
# subscriptions. About three hours.
#
#   sh tests/soak.sh [serve] [calls] [subscriptions] [fuzz]
set -u
cd "$(dirname "$0")/.." || exit 1
parts=${*:-serve calls subscriptions fuzz}
failed=0

# Issue 2: many at once, none may clash.
soak_serve() {
	[ -x build/cli/rte ] || sh tests/run.sh --quick lint || return 1
	clashes=$(mktemp)
	export RTE_PASSWORD=secret
	round=0
	while [ $round -lt 10 ]; do
		i=0
		while [ $i -lt 100 ]; do
			build/cli/rte serve --add-user=alice:env:RTE_PASSWORD -- sh -c \
				'build/cli/rte register sip:alice@test.invalid && build/cli/rte options sip:test.invalid' \
				>/dev/null 2>>"$clashes" || echo "round $round, run $i: exit $?" >>"$clashes" &
			i=$((i + 1))
		done
		wait
		round=$((round + 1))
	done
	cat "$clashes"
	bad=$(wc -l <"$clashes")
	rm -f "$clashes"
	echo "serve: 1000 runs, $bad lines of complaint"
	[ "$bad" = 0 ]
}

# Issue 3: calls in a row, open at once, in parallel, and under loss.
soak_calls() {
	[ -x build/cli/rte ] || sh tests/run.sh --quick lint || return 1
	RTE_SOAK=1 BATS_TEST_TIMEOUT=1200 tests/interop/ns.sh bats --filter 'call|registration' tests/interop/mass.bats
}

# Issue 4: a thousand subscriptions with a notification a second each for a minute.
soak_subscriptions() {
	[ -x build/cli/rte ] || sh tests/run.sh --quick lint || return 1
	RTE_SOAK=1 BATS_TEST_TIMEOUT=1200 tests/interop/ns.sh bats --print-output-on-failure --show-output-of-passing-tests \
		--filter subscriptions tests/interop/mass.bats
}

for part in $parts; do
	case $part in
	serve) soak_serve || failed=1 ;;
	calls) soak_calls || failed=1 ;;
	subscriptions) soak_subscriptions || failed=1 ;;
	fuzz) RTE_FUZZ_SECONDS=600 sh tests/run.sh fuzz || failed=1 ;;
	*)
		echo "soak.sh: $part is none of: serve calls subscriptions fuzz" >&2
		exit 2
		;;
	esac
done
exit $failed
