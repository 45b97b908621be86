#!/usr/bin/env bats
# tests/interop/mass.bats -- many calls: in a row, open at once, in parallel, and under loss; many subscriptions. At a tenth of
# what the tool is held to; RTE_SOAK=1 (tests/soak.sh) is the whole of it.

load client

setup() {
	scale=10
	[ -z "${RTE_SOAK:-}" ] || scale=1
	client_home # which knows no RTE_SOAK any more
	cd "$BATS_TEST_TMPDIR"
	need sipp iptables jq
	sdp >media.sdp
}
teardown() {
	iptables -F INPUT 2>/dev/null || true
	kill "${server:-}" 2>/dev/null || true
}
teardown_file() {
	rigs_stop
}

sdp() {
	printf '%s\r\n' v=0 'o=- 1 1 IN IP4 127.0.0.1' s=- 'c=IN IP4 127.0.0.1' 't=0 0' 'm=audio 40000 RTP/AVP 0'
}
# callee ARG...: an rte listen at 5070
callee() {
	rm -f ready
	"$RTE" listen --sdp=media.sdp --listen=udp:127.0.0.1:5070 --listen=tcp:127.0.0.1:5070 --ready-file=ready "$@" >callee.json 2>callee.err 3>&- &
	server=$!
	wait_for 10 test -s ready
}
# callee_ends [CODE]
callee_ends() {
	local status=0
	wait "$server" || status=$?
	[ "$status" = "${1:-0}" ] || { echo "rte listen: exit $status"; tail -n 5 callee.json callee.err; return 1; }
	server=
}
# uac udp|tcp CALLS ARG...
uac() {
	local transport=$1 calls=$2
	shift 2
	timeout 300 sipp -sn uac 127.0.0.1:5070 -i 127.0.0.1 -p 5071 -t "${transport:0:1}1" -m "$calls" -nostdin "$@" >uac.out 2>&1 </dev/null 3>&- ||
		{ tail -n 60 uac.out; return 1; }
}
resident() { # KiB
	awk '/^VmRSS/ { print $2 }' "/proc/$server/status"
}

@test "calls in a row from SIPp, over UDP and TCP: none fails, and memory is flat" {
	for transport in udp tcp; do
		callee -q --t1=20ms
		local before
		# The first round makes room for as many transactions as are alive at once; the second needs no more.
		for round in first second; do
			before=$(resident)
			uac $transport $((5000 / scale)) -r 500 -d 0
			sleep 2 # the last calls' transactions end after 64*T1
			echo "$transport, $round round: $before KiB before, $(resident) KiB after"
		done
		[ "$(resident)" -le $((before + before / 20 + 256)) ]
		kill -INT $server
		callee_ends
	done
}

@test "calls that are open at once: every one is there and ends when its caller says so" {
	local calls=$((1000 / scale)) shown
	callee -j -c $calls
	uac udp $calls -r 200 -l $calls -d $((1000 * calls / 200 + 1000))
	callee_ends
	shown=$(jq -s 'reduce (.[] | select(.type == "dialog")) as $d ([0, 0, 0];
		if $d.state == "confirmed" then [.[0] + 1, .[1], ([.[2], .[0] + 1 - .[1]] | max)]
		elif $d.state == "terminated" then [.[0], .[1] + 1, .[2]] else . end) | join(" ")' callee.json)
	echo "confirmed, terminated, most at once: $shown"
	[ "$shown" = "\"$calls $calls $calls\"" ]
}

@test "fifty rte invite at once: all are answered" {
	local calls=50 pids=() bad=0
	callee -q -c $calls
	for ((i = 0; i < calls; i++)); do
		"$RTE" invite -q --duration=200ms sip:127.0.0.1:5070 2>"invite.$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=$((bad + 1))
	done
	cat invite.*
	[ $bad = 0 ]
	callee_ends
}

# ---- 20 % of all datagrams are lost (attacks.md 2.5): T1 of 50 ms and T2, T4 in proportion

lossy() {
	iptables -A INPUT -p udp -m statistic --mode random --probability 0.20 -j DROP
}
short=(--t1=50ms --t2=400ms)

# least N PER-MILLION: how many of N must succeed, half a point below that rate
least() {
	awk -v n="$1" -v p="$2" 'BEGIN { x = n * (p / 1e6 - 0.005); print x == int(x) ? x : int(x) + 1 }'
}
# many N COMMAND...: 20 at a time; prints how many ended with 0, and the codes of the others into codes
many() {
	local n=$1
	shift
	export -f "$1"
	seq "$n" | xargs -P 20 -I{} bash -c "$1 {} >>many.out 2>&1; echo \$?" 3>&- | sort | uniq -c >codes
	awk '$2 == 0 { n = $1 } END { print n + 0 }' codes
}
one_call() {
	"$RTE" invite -q -t udp --t1=50ms --t2=400ms sip:127.0.0.1:5070
}
one_registration() { # NUMBER
	RTE_PASSWORD=pw-user$1 "$RTE" register -q -t udp --server=127.0.0.1:5060 --t1=50ms --t2=400ms "sip:user$1@rte.test"
}

@test "calls under loss: they succeed as the timers allow, every failure is a time-out, no dialog is left behind" {
	export RTE
	local calls=$((1000 / scale)) good
	callee -j "${short[@]}"
	lossy
	good=$(many $calls one_call)
	iptables -F INPUT
	cat codes
	echo "$good of $calls calls; the floor is 99.92 %"
	[ "$good" -ge "$(least $calls 999220)" ]
	# 0, or no final response in time (14), or the answered call was lost (19)
	awk '$2 != 0 && $2 != 14 && $2 != 19 { bad = 1 } END { exit bad }' codes
	sleep 7 # 64*T1 for a 2xx without ACK, and as long for the BYE after it
	jq -es '[.[] | select(.type == "dialog")] | group_by(.dialog) | all(any(.state == "terminated"))' callee.json
	kill -INT $server
	callee_ends
}

@test "registrations under loss: they succeed as the timers allow, every failure is a time-out" {
	export RTE
	local count=$((1000 / scale)) good
	# Without qop: this registrar keeps no transactions, so it takes a repeated request for a replay of its nonce count.
	kamailio_with QOP=
	lossy
	good=$(many $count one_registration)
	iptables -F INPUT
	cat codes
	echo "$good of $count registrations; the floor of two exchanges is 99.997 %"
	[ "$good" -ge "$(least $count 999974)" ]
	awk '$2 != 0 && $2 != 14 { bad = 1 } END { exit bad }' codes
}

# ---- subscriptions: tests/peers/notifier.c is at the other end

# told WORD: what the notifier says of it
told() {
	local word rest
	while read -r -t 90 word rest <&7; do
		[ "$word" != "$1" ] || {
			echo "$rest"
			return 0
		}
	done
	echo "the notifier never said $1" >&2
	return 1
}

@test "subscriptions in one process, a notification a second each, over UDP and TCP: none is lost, and memory is flat" {
	local n=$((1000 / scale)) seconds=$((scale > 1 ? 12 : 60)) notifier=${RTE%/cli/rte}/tests/peers/notifier
	local count=$((n * (seconds + 1))) transport before after cpu said status
	[ -x "$notifier" ] || { echo "$notifier is not built"; return 1; }
	seq -f 'sip:u%g@rte.test' $n >"$BATS_TEST_TMPDIR/uris"
	for transport in udp tcp; do
		exec 7< <("$notifier" $transport 5070 $n 1 $seconds 2>&1 3>&-)
		told ready
		"$RTE" subscribe -j --server=127.0.0.1:5070 -t $transport -e presence -x 1h --t1=100ms --each="$BATS_TEST_TMPDIR/uris" \
			>"$BATS_TEST_TMPDIR/records" 2>"$BATS_TEST_TMPDIR/err" 3>&- 7<&- &
		server=$!
		told subscribed
		# over UDP every answer is kept for 64*T1, in case it is asked for again; from then on nothing grows
		wait_for 20 eval '[ "$(grep -c "\"type\":\"notify\"" "$BATS_TEST_TMPDIR/records")" -ge '$((9 * n))' ]'
		before=$(resident)
		cpu=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$server/stat")
		told sent
		wait_for 30 eval '[ "$(grep -c "\"type\":\"notify\"" "$BATS_TEST_TMPDIR/records")" -ge '$count' ]'
		after=$(resident)
		cpu=$(($(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$server/stat") - cpu))
		kill -INT $server
		said=$(told answered)
		exec 7<&-
		status=0
		wait $server || status=$?
		server=
		echo "$transport: $before KiB, $after KiB after $seconds s; $((cpu * 1000000 / $(getconf CLK_TCK) / (n * (seconds - 8)))) us CPU a notification; answered $said"
		[ $status = 0 ] || { tail -n 3 "$BATS_TEST_TMPDIR/records" "$BATS_TEST_TMPDIR/err"; return 1; }
		# every subscription has its first notification and those of the minute; each was told
		[[ $said == *" refused 0 ended $n "* ]]
		[ "${said%% *}" -ge "$count" ]
		[ "$(jq -r 'select(.type == "notify") | .uri' "$BATS_TEST_TMPDIR/records" | sort -u | wc -l)" = $n ]
		[ "$after" -le $((before + before / 20 + 256)) ]
	done
}
