#!/bin/bash
# tests/bench/messages.sh [N [RUNS]] -- N messages (10000) to one peer-to-peer listener: how many a second `rte message --each` sends,
# and SIPp the same work (run/message.xml), each beside its own CPU; medians of RUNS (5) alternating runs. The listener is
# `rte listen` for both, on the same processor.
set -u
. "$(dirname "$0")/common.bash"
n=${1:-10000}
runs=${2:-5}

seq -f 'sip:u%.0f@127.0.0.1:7060' "$n" >"$work/targets"
sed 's/$/;transport=tcp/' "$work/targets" >"$work/targets-tcp"
cp "$work/targets" "$work/targets-udp"
rte_client() { # TRANSPORT
	echo "$RTE" message -q --each="$work/targets-$1" -d Watson-come-here
}
sipp_client() {
	echo sipp 127.0.0.1:7060 -sf "$top/tests/bench/run/message.xml" -i 127.0.0.1 -t "${1:0:1}1" -m "$n" -l 100 -r 100000 -rp 1000 -nostdin
}

"$RTE" listen -q --listen=udp:127.0.0.1:7060 --listen=tcp:127.0.0.1:7060 --ready-file="$work/ready" >"$work/listen" 2>&1 </dev/null &
server=$!
until [ -s "$work/ready" ]; do sleep 0.05; done
printf '%d messages to one listener; medians of %d runs, alternating\n' "$n" "$runs"
printf '%-5s %12s %12s %10s   %s\n' over 'rte a second' SIPp rte/SIPp 'CPU ms per 1,000: rte, SIPp'
for transport in udp tcp; do
	for ((i = 0; i < runs; i++)); do
		for program in rte sipp; do
			once "$work/$program-$transport" $("${program}_client" $transport)
		done
	done
	awk -v t=$transport -v n="$n" -v rw="$(median "$work/rte-$transport" 1)" -v sw="$(median "$work/sipp-$transport" 1)" \
		-v rc="$(median "$work/rte-$transport" 2)" -v sc="$(median "$work/sipp-$transport" 2)" \
		'BEGIN { printf "%-5s %12.0f %12.0f %10.2f   %.1f, %.1f\n", t, n * 1000 / rw, n * 1000 / sw, sw / rw, rc * 1000 / n, sc * 1000 / n }'
done
kill -INT $server
wait $server
