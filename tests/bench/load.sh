#!/bin/bash
# tests/bench/load.sh [N [RUNS]] -- client CPU for N requests (5000) in one process, beside SIPp at one Kamailio; medians of RUNS
# (5) alternating runs. rte has no load command, so what is compared is
#   options    rte options -c N -i 0, one after another      SIPp: N calls of one OPTIONS
#   register   lib/endpoint alone (run/registrations.c): N     SIPp: N calls of sipp/register.xml
#              registrations with Digest over one flow, each challenged anew
# SIPp has ten calls at once, which costs it nothing; a single run of each (N = 1) is subtracted, so starting is not counted.
set -u
. "$(dirname "$0")/common.bash"
n=${1:-5000}
runs=${2:-5}

sipp_calls() { # SCENARIO TRANSPORT N [ARG...]
	local scenario=$1 transport=$2 calls=$3
	shift 3
	echo sipp 127.0.0.1:5060 -sf "$scenario" -m "$calls" -l 10 -r 20000 -i 127.0.0.1 -t "${transport:0:1}1" -nostdin "$@"
}
rte_options() { # TRANSPORT N
	local uri='sip:127.0.0.1:5060'
	[ "$1" = udp ] || uri+=';transport=tcp'
	echo "$RTE" options -q -c "$2" -i 0 "$uri"
}
rte_register() {
	echo "$programs/registrations" "$2" "$1" 127.0.0.1
}
sipp_options() {
	sipp_calls "$top/tests/bench/run/options.xml" "$1" "$2"
}
sipp_register() {
	printf 'SEQUENTIAL\nalice;[authentication username=alice password=pw-alice];600\n' >"$work/alice.csv"
	sipp_calls "$top/tests/interop/sipp/register.xml" "$1" "$2" -inf "$work/alice.csv"
}
# cost PROGRAM WHAT TRANSPORT: CPU ms per 1,000
cost() {
	awk -v many="$(median "$work/$1-$2-$3-many" 2)" -v one="$(median "$work/$1-$2-$3-one" 2)" -v n="$n" \
		'BEGIN { print (many - one) * 1000 / (n - 1) }'
}

echo "client CPU ms per 1,000; medians of $runs runs of $n, alternating"
printf '%-10s %-5s %8s %8s %10s\n' what over rte SIPp rte/SIPp
for what in options register; do
	for transport in udp tcp; do
		for ((i = 0; i < runs; i++)); do
			for program in rte sipp; do
				once "$work/$program-$what-$transport-one" $("${program}_$what" "$transport" 1)
				once "$work/$program-$what-$transport-many" $("${program}_$what" "$transport" "$n")
			done
		done
		ours=$(cost rte "$what" "$transport")
		theirs=$(cost sipp "$what" "$transport")
		printf '%-10s %-5s %8.1f %8.1f %10s\n' "$what" "$transport" "$ours" "$theirs" "$(ratio "$ours" "$theirs")"
	done
done
