#!/bin/bash
# tests/bench/calls.sh [N [RUNS]] -- what answering calls costs: server CPU for N calls (5000) of SIPp's built-in uac
# (INVITE, 200, ACK, BYE), rte listen beside SIPp with the same (run/uas.xml), medians of RUNS (5) alternating runs; a run of one call is subtracted,
# so starting is not counted. Then the memory of a call that is held open, and what a call costs while others are. Both send the
# same description (--sdp): SIPp opens no RTP socket.
set -u
. "$(dirname "$0")/common.bash"
n=${1:-5000}
runs=${2:-5}
rate=${RATE:-1000}

cat >"$work/media.sdp" <<-SDP
	v=0
	o=- 1 1 IN IP4 127.0.0.1
	s=-
	c=IN IP4 127.0.0.1
	t=0 0
	m=audio 40000 RTP/AVP 0
	a=rtpmap:0 PCMU/8000
SDP
sed -i 's/$/\r/' "$work/media.sdp"

rte_server() { # TRANSPORT N
	echo "$RTE" listen -q --sdp="$work/media.sdp" -c "$2" --listen="$1:127.0.0.1:7060" --t1=100ms
}
sipp_server() {
	echo sipp -sf "$top/tests/bench/run/uas.xml" -i 127.0.0.1 -p 7060 -t "${1:0:1}1" -m "$2" -nostdin
}
uas_server() { # its built-in scenario: a 180, too, and a pause behind the call that fails it when a TCP caller leaves
	echo sipp -sn uas -i 127.0.0.1 -p 7060 -t "${1:0:1}1" -m "$2" -nostdin
}
# until_bound TRANSPORT: the server's socket is there
until_bound() {
	local i
	for ((i = 0; i < 200; i++)); do
		ss -Hln --"$1" 'sport = :7060' | grep -q . && return 0
		sleep 0.02
	done
	echo "no server at port 7060" >&2
	exit 1
}
# caller TRANSPORT N [ARG...]
caller() {
	local transport=$1 calls=$2
	shift 2
	if ! sipp -sn uac 127.0.0.1:7060 -i 127.0.0.1 -t "${transport:0:1}1" -m "$calls" -r "$rate" -l 2000 -d 0 -nostdin "$@" \
		>"$work/uac" 2>&1 </dev/null; then
		echo "calls failed:" >&2
		tail -n 40 "$work/uac" >&2
		exit 1
	fi
}
# answer FILE PROGRAM TRANSPORT N
answer() {
	local server
	"$programs/measure" "$1" $("$2_server" "$3" "$4") >"$work/out" 2>&1 </dev/null &
	server=$!
	until_bound "$3"
	caller "$3" "$4"
	wait $server || { echo "$2 over $3 ended with $?" >&2; cat "$work/out" >&2; exit 1; }
}
cost() { # PROGRAM TRANSPORT
	awk -v many="$(median "$work/$1-$2-many" 2)" -v one="$(median "$work/$1-$2-one" 2)" -v n="$n" \
		'BEGIN { print (many - one) * 1000 / (n - 1) }'
}

echo "server CPU ms per 1,000 calls at $rate a second; medians of $runs runs of $n, alternating"
printf '%-5s %8s %8s %10s %12s %10s\n' over rte SIPp rte/SIPp 'SIPp -sn uas' 'rte/that'
for transport in udp tcp; do
	programs_here='rte sipp'
	[ $transport = tcp ] || programs_here+=' uas'
	for ((i = 0; i < runs; i++)); do
		for program in $programs_here; do
			answer "$work/$program-$transport-one" $program $transport 1
			answer "$work/$program-$transport-many" $program $transport "$n"
		done
	done
	ours=$(cost rte $transport)
	theirs=$(cost sipp $transport)
	printf '%-5s %8.1f %8.1f %10s' $transport "$ours" "$theirs" "$(ratio "$ours" "$theirs")"
	if [ $transport = udp ]; then
		builtin=$(cost uas $transport)
		printf ' %12.1f %10s' "$builtin" "$(ratio "$ours" "$builtin")"
	fi
	echo
done

# ---- calls that stay open

memory() { # PID: KiB that are its own
	awk '/^(RssAnon|VmRSS)/ { kib[$1] = $2 } END { print kib["RssAnon:"] ? kib["RssAnon:"] : kib["VmRSS:"] }' "/proc/$1/status"
}
ticks() { # PID: CPU ms so far
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"
}
printf '\n%-5s %8s %16s %24s\n' over open 'KiB a call' 'CPU ms per 1,000 beside'
for open in 1000 10000; do
	$(rte_server udp 1000000) >"$work/out" 2>&1 </dev/null &
	server=$!
	until_bound udp
	caller udp 100
	before=$(memory $server)
	sipp -sn uac 127.0.0.1:7060 -i 127.0.0.1 -p 7070 -m "$open" -r "$rate" -l "$open" -d 600000 -nostdin >/dev/null 2>&1 </dev/null &
	holder=$!
	sleep $((open / rate + 8)) # Timer L of their INVITEs is 64*T1 (6.4 s): then their transactions are gone
	held=$(memory $server)
	cpu=$(ticks $server)
	caller udp 2000
	cpu_beside=$(awk -v a="$cpu" -v b="$(ticks $server)" 'BEGIN { printf "%.1f", (b - a) / 2 }')
	printf '%-5s %8d %16s %24s\n' udp "$open" \
		"$(awk -v a="$before" -v b="$held" -v n="$open" 'BEGIN { printf "%.2f", (b - a) / n }')" "$cpu_beside"
	kill -KILL $holder
	kill -INT $server
	wait $holder $server 2>/dev/null
done
