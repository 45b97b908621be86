#!/bin/bash
# tests/bench/subscriptions.sh [SUBSCRIPTIONS [SECONDS [RUNS]]] -- what being notified costs: CPU of the subscriber for
# SUBSCRIPTIONS (1000) subscriptions with one notification a second each for SECONDS (20), from tests/peers/notifier, without
# its start and its end; rte subscribe beside SIPp with the same (run/subscriber.xml), medians of RUNS (3) alternating runs.
# rte decodes each body and prints its record (json), prints it as it came (raw), or prints nothing (quiet). SIPp decodes
# nothing. Then what memory a subscription takes.
set -u
. "$(dirname "$0")/common.bash"
n=${1:-1000}
seconds=${2:-20}
runs=${3:-3}
notifier=$programs/notifier
[ -x "$notifier" ] || { echo "$0: no $notifier: ninja -C build-bench" >&2; exit 1; }

seq -f 'sip:u%g@rte.test' "$n" >"$work/uris"
sed "s/@COUNT@/1000000/" "$top/tests/bench/run/subscriber.xml" >"$work/subscriber.xml"

rte_json() { exec "$RTE" subscribe --json "${common[@]}"; }
rte_raw() { exec "$RTE" subscribe --json --raw "${common[@]}"; }
rte_quiet() { exec "$RTE" subscribe -q "${common[@]}"; }
sipp_all() {
	exec sipp -sf "$work/subscriber.xml" 127.0.0.1:5070 -i 127.0.0.1 -t "${transport:0:1}1" -m "$n" -l "$n" -r "$n" -nostdin
}
ticks() { # PID: CPU ms so far
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"
}
memory() { # PID: KiB that are its own
	awk '/^RssAnon/ { print $2 }' "/proc/$1/status"
}
# comes WORD: the notifier prints it
comes() {
	local word
	while read -r -t $((seconds + 30)) word said <&7; do
		[ "$word" != "$1" ] || return 0
	done
	echo "no $1 from the notifier: $program over $transport" >&2
	cat "$work/out" >&2
	exit 1
}
# measured PROGRAM TRANSPORT: appends the CPU ms of a run and KiB per subscription
measured() {
	program=$1 transport=$2
	common=(--server=127.0.0.1:5070 -t "$transport" -e presence -x 1h --each="$work/uris")
	exec 7< <("$notifier" "$transport" 5070 "$n" 1 "$seconds" 2>&1)
	notifier_pid=$!
	comes ready
	"$program" >"$work/out" 2>"$work/err" </dev/null &
	local subscriber=$! before after
	comes subscribed
	before=$(ticks $subscriber)
	comes sent
	after=$(ticks $subscriber)
	awk -v a="$before" -v b="$after" -v kib="$(memory $subscriber)" -v n="$n" 'BEGIN { print b - a, kib / n }' \
		>>"$work/$program-$transport"
	if ! awk '{ exit !($3 >= 0.99 * $1 && $5 == 0) }' <<<"$said"; then
		echo "$program over $transport: sent $said" >&2
		exit 1
	fi
	kill -KILL $subscriber $notifier_pid
	wait $subscriber 2>/dev/null
	exec 7<&-
}
us() { # PROGRAM TRANSPORT
	awk -v ms="$(median "$work/$1-$2" 1)" -v n="$((n * seconds))" 'BEGIN { print ms * 1000 / n }'
}

echo "subscriber CPU us a notification, $n subscriptions, one a second each for $seconds s; medians of $runs runs, alternating"
printf '%-5s %9s %9s %9s %9s %10s %10s\n' over json raw quiet SIPp json/SIPp quiet/SIPp
for transport in udp tcp; do
	for ((i = 0; i < runs; i++)); do
		for program in rte_json rte_raw rte_quiet sipp_all; do
			measured $program $transport
		done
	done
	printf '%-5s %9.1f %9.1f %9.1f %9.1f %10s %10s\n' $transport "$(us rte_json $transport)" "$(us rte_raw $transport)" \
		"$(us rte_quiet $transport)" "$(us sipp_all $transport)" "$(ratio "$(us rte_json $transport)" "$(us sipp_all $transport)")" \
		"$(ratio "$(us rte_quiet $transport)" "$(us sipp_all $transport)")"
done
printf '\n%-5s %14s %14s\n' over 'rte KiB each' 'SIPp KiB each'
for transport in udp tcp; do
	printf '%-5s %14.1f %14.1f\n' $transport "$(median "$work/rte_json-$transport" 2)" "$(median "$work/sipp_all-$transport" 2)"
done
