#!/usr/bin/env bats
# bats file_tags=serial
# tests/interop/hostile.bats -- servers that are silent, dead or wrong: SIPp, and answer.sh behind socat. Each ends with the
# documented exit code, one line that says what was wrong, and within its time.

load client

setup_file() {
	pki
}
setup() {
	client_home
}
teardown() {
	kept_stop
	sipp_stop
	server_stop
}
teardown_file() {
	rigs_stop
}

# try ARG...: `rte register -j` at port 5070, one second at most
try() {
	at=127.0.0.1:5070 register alice -j --timeout=1s "$@"
}
# try_over TRANSPORT HOW [ARG...]: the same at answer.sh HOW
try_over() {
	local transport=$1 how=$2
	shift 2
	server_start "$how" "$transport"
	try -t "$transport" "$@"
}
# best LOW HIGH COMMAND...: of three runs, one took so many ms; each ends with the right code, which COMMAND checks
best() {
	local low=$1 high=$2 turn
	shift 2
	for turn in 1 2 3; do
		"$@"
		echo "run $turn: $(took) ms"
		within "$low" "$high" "$(took)" && return
	done
	return 1
}
# one_line: what text mode says about the last `try_over`-like run is one line on stderr that begins as it must
one_line() {
	[ "$(wc -l <<<"$stderr")" = 1 ] || what_happened
	[[ $stderr == 'rte: '* && -z $output ]] || what_happened
}

# ---- silent and dead: the times of the contract

silent_run() { # TRANSPORT PORT PATTERN
	at=127.0.0.1:$2 register alice -j -t "$1" --timeout=1s
	exits 14 "$3"
}
silent_options() { # TRANSPORT PORT
	rte options -j -t "$1" --timeout=1s "sip:127.0.0.1:$2"
	exits 14
}
@test "a silent peer, --timeout=1s: exit 14 in 1.0 to 1.2 s; UDP, TCP, and TLS" {
	sipp_start silent
	server_start deaf tcp 5071
	best 1000 1200 silent_run udp 5070 'no response from 127\.0\.0\.1:5070 udp within 1(\.0[0-9])? s'
	best 1000 1200 silent_run tcp 5071 'no response from 127\.0\.0\.1:5071 tcp within 1(\.0[0-9])? s'
	best 1000 1200 silent_run tls 5071 '127\.0\.0\.1:5071 tls: no TLS handshake within 1 s'
	best 1000 1200 silent_options udp 5070
	best 1000 1200 silent_options tcp 5071
	best 1000 1200 silent_options tls 5071
	server_stop 5071
}

closed_run() {
	rte options -j -t "$1" "sip:$2:5070"
	exits 11 "$2\\]?:5070 $1: connection refused"
}
@test "a closed port: exit 11 in under 50 ms; UDP, TCP, TLS, IPv4 and IPv6" {
	for transport in udp tcp; do
		best 0 50 closed_run "$transport" 127.0.0.1
	done
	closed_run tls 127.0.0.1
	best 0 50 closed_run udp '[::1]'
	best 0 50 closed_run tcp '[::1]'
	registered_run() {
		try -t "$transport"
		exits 11 'connection refused'
	}
	for transport in udp tcp; do
		best 0 50 registered_run
	done
	at=127.0.0.1:5070 register alice
	ended_with 11
	one_line
}

@test "no way to the host: exit 11 at once" {
	rte options -j sip:192.0.2.1
	exits 11 '192\.0\.2\.1.*unreachable'
	within 0 500 "$(took)"
	rte options -j -t tcp 'sip:[2001:db8::1]'
	exits 11 'unreachable'
}

@test "a refused port is tried again with --retry-connrefused, until the server is there" {
	rte options -j --retry=2 --retry-delay=100ms sip:127.0.0.1:5070
	exits 11
	[ -z "$(record 'select(.type == "retry")')" ]
	(
		sleep 0.5
		sipp_start ok
	) 3>&- &
	local later=$!
	rte options -j --retry=6 --retry-delay=200ms --retry-connrefused sip:127.0.0.1:5070
	wait "$later"
	exits 0
	[ "$(record 'select(.type == "retry") | .because' | sort -u)" = connect ]
}

@test "nothing burns while it waits: no CPU at a silent peer, at half a message, at half a body" {
	local how cpu before
	for how in deaf half-stay body-short-stay; do
		server_start "$how" tcp
		at=127.0.0.1:5070 keep waits alice -t tcp --timeout=2s
		comes 2 waits 1 '.type == "request"'
		sleep 0.2
		before=$(cut -d ' ' -f 1 "/proc/${kept[waits]}/schedstat")
		sleep 1
		cpu=$((($(cut -d ' ' -f 1 "/proc/${kept[waits]}/schedstat") - before) / 1000))
		echo "$how: $cpu us of CPU in a second"
		[ "$cpu" -lt 5000 ]
		ends waits 3 14
	done
}

# ---- challenges without end

@test "endless challenges: exit 7 after few rounds; with stale=true for ever, too" {
	sipp_start endless-401
	try
	exits 7
	within 2 3 "$(sipp_seen REGISTER)"
	sipp_start stale-for-ever
	try
	exits 7
	within 2 4 "$(sipp_seen REGISTER)"
	at=127.0.0.1:5070 register alice
	ended_with 7
	one_line
}

@test "401 without a challenge: exit 7, one request" {
	sipp_start bare-401
	try
	exits 7
	[ "$(sipp_seen REGISTER)" = 1 ]
	[ "$(record 'select(.type == "error") | .cause')" = no_common_scheme ]
}

@test "403 after credentials, and 200 with a false proof of the server: exit 7" {
	sipp_start forbidden
	try
	exits 7 '403'
	[ "$(record 'select(.type == "error") | .cause')" = forbidden ]
	sipp_start wrong-rspauth
	try
	exits 7
	[ "$(record 'select(.type == "error") | .cause')" = server_proof ]
}

# ---- loops

@test "423 that grows for ever: exit 4 after one more try; that names less than was asked: exit 4 at once" {
	for transport in udp tcp; do
		sipp_start growing-423 "$transport"
		try -t "$transport"
		exits 4 '423'
		[ "$(sipp_seen REGISTER)" = 2 ]
		[ "$(record 'select(.type == "request") | .cseq' | tr '\n' ' ')" = '1 2 ' ]
	done
	try_over udp lower-423
	exits 4 '423'
	[ "$(record 'select(.type == "end") | .sent')" = 1 ]
}

@test "a redirect to itself, or from one to the next for ever: exit 3; REGISTER follows three, others as many as --follow says" {
	local transport
	for transport in udp tcp; do
		# RFC 3261 8.1.3.4: no URI is tried twice
		sipp_start redirect-loop "$transport"
		try -t "$transport"
		exits 3 '302'
		within 1 2 "$(sipp_seen REGISTER)"
		rte options -j "sip:127.0.0.1:5070;transport=$transport"
		exits 3 '302'
		[ "$(sipp_seen OPTIONS)" = 1 ]
		try_over "$transport" redirect-on
		exits 3 '302'
		[ "$(record 'select(.type == "end") | .sent')" = 4 ]
		rte options -j --follow=5 "sip:127.0.0.1:5070;transport=$transport"
		exits 3 '302'
		[ "$(record 'select(.type == "end") | .sent')" = 6 ]
	done
}

@test "a redirect to five hundred dead places ends soon; from sips to sip it is not followed" {
	try_over tcp contacts-500 --follow=5
	[ "$status" = 3 ] || [ "$status" = 11 ]
	within 0 900 "$(took)"
	server_start downgrade tls 5071
	rte options -j --follow=3 --cacert="$RTE_PKI/ca.pem" --timeout=1s sips:127.0.0.1:5071
	exits 3 '302'
	[ "$(record 'select(.type == "request") | .remote.transport' | sort -u)" = tls ]
	server_stop 5071
}

@test "503 with Retry-After: once more after that time; not if it is longer than --timeout, or nonsense" {
	sipp_start busy-once
	at=127.0.0.1:5070 register alice -j
	exits 0
	[ "$(record 'select(.type == "retry") | [.because, .wait_ms] | @csv')" = '"retry-after",1000' ]
	within 1000 2000 "$(took)"
	sipp_start busy-once
	try --no-retry-after
	exits 5 '503'
	for after in 4294967295 99999999999999999999 -1 x 3600; do
		try_over udp "retry-after-$after"
		exits 5 '503'
		within 0 900 "$(took)"
	done
	at=127.0.0.1:5070 register alice
	ended_with 5
	[ "$(wc -l <<<"$stderr")" = 2 ]
	notes '^ +retry-after +3600 s$'
}

@test "provisional answers for ever do not keep it alive: exit 14" {
	try_over udp ringing
	exits 14
	within 1000 2000 "$(took)"
	sipp_start late-100
	try
	exits 14
	within 1000 2000 "$(took)"
}

# ---- answers that are not ours, and answers that are none

@test "an answer of another branch, sent-by, method, or to several Vias is nobody's: exit 14" {
	sipp_start wrong-branch
	try
	exits 14
	[ -z "$(record 'select(.type == "response")')" ]
	sipp_stop
	for how in sent-by cseq-method call-id second-via status-700 no-headers; do
		try_over udp "$how" -v
		exits 14 'no response'
		[ -z "$(record 'select(.type == "response")')" ]
		notes '^\* (dropped: |a response that belongs to no request of ours)'
	done
}

@test "an answer from another port: dropped by a connected socket, taken and noted by one that listens" {
	try_over udp elsewhere
	exits 14
	try_over udp elsewhere -vv --listen=udp:127.0.0.1:0
	exits 0
	local port
	port=$(grep -A 1 '^< ' <<<"$stderr" | sed -n 's/^< .* 127\.0\.0\.1:\([0-9]*\) -> .*/\1/p')
	echo "the answer came from port $port"
	[ "$port" != 5070 ]
}

@test "noise before the answer: dropped, and the answer is taken" {
	try_over udp garbage
	exits 0
	sipp_start twice-200
	try
	exits 0
}

@test "a datagram that is shorter than it says is dropped (RFC 3261 18.3): exit 14" {
	sipp_start short-body
	try
	exits 14
}

@test "a Contact that is none: exit 15, and the header field is named" {
	try_over udp bad-contact
	exits 15 'Contact'
	try_over tcp bad-contact
	exits 15 'Contact'
}

@test "200 without our Contact, or with a time of 0: exit 15; a time beyond all bounds is cut" {
	try_over udp not-ours
	exits 15 'contact'
	try_over udp expires-0
	exits 15
	for expires in 4294967295 99999999999999999999; do
		server_start "expires-$expires" udp
		at=127.0.0.1:5070 keep alice alice
		stays alice
		sleep 0.3
		[ "$(records alice '.type == "request"' | wc -l)" = 1 ] # no refresh in a hurry
		within 3240 2592000 "$(records alice "$active" | jq .refresh_in)"
		send alice INT
		ends alice 4 0
	done
	# the granted time may stand nowhere: what was asked counts
	try_over udp no-expires -x 77
	exits 0
	[ "$(record "select($active) | .expires")" = 77 ]
}

@test "the server ends the registration at a refresh: exit 18" {
	for how in drop-binding forget-binding; do
		server_start "$how" tcp
		at=127.0.0.1:5070 keep "$how" alice -t tcp
		stays "$how"
		ends "$how" 3 18
		saw "$how" 1 '.type == "registration" and .state == "terminated" and .cause == "deactivated"'
	done
}

@test "a final status is an exit code: 3xx 3, 4xx 4, 5xx 5, 6xx 6" {
	kamailio_with
	local pair
	for pair in code-404:4 code-480:4 code-486:4 code-500:5 code-513:5 code-600:6 code-603:6 redirect-bob:3; do
		rte options -j --no-retry-after "sip:${pair%:*}@127.0.0.1"
		exits "${pair#*:}"
	done
	rte options -j sip:127.0.0.1
	exits 0
	# a port that somebody has
	rte register -j --server=127.0.0.1 --listen=udp:127.0.0.1:5060 sip:openalice@rte.test
	exits 20 '127\.0\.0\.1:5060'
	rte options -j --local=192.0.2.77 sip:127.0.0.1
	exits 20 '192\.0\.2\.77'
}

# ---- streams

@test "a server that closes at once, after half a message, or in the body: exit 11" {
	hangup_start 5072
	at=127.0.0.1:5072 register alice -j -t tcp --timeout=1s
	exits 11 '127\.0\.0\.1:5072 tcp'
	within 0 900 "$(took)"
	for how in half body-short; do
		try_over tcp "$how"
		exits 11 '127\.0\.0\.1:5070 tcp'
		within 0 900 "$(took)"
	done
	at=127.0.0.1:5070 register alice -t tcp
	ended_with 11
	one_line
}

@test "a server that closes after its challenge: exit 11, not what the challenge would be" {
	try_over tcp challenge-close
	exits 11 'closed by the peer'
	[ "$(record 'select(.type == "error") | .status_code')" = null ]
}

@test "half a message and silence: exit 14; a byte now and then, too" {
	for how in half-stay body-short-stay drip; do
		try_over tcp "$how"
		exits 14
		within 1000 2000 "$(took)"
	done
}

@test "several messages at once, and keep-alives around them" {
	try_over tcp two
	exits 0
	[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '100 200 ' ]
	try_over tcp pings
	exits 0
}

@test "Content-Length that is none: exit 15, and the connection is closed" {
	for how in length-4294967328 length-99999999999999999999 length--999 length-abc length-+5 'length-5_5' lengths; do
		try_over tcp "$how"
		exits 15 'Content-Length'
		within 0 900 "$(took)"
	done
}

@test "messages over the limits: exit 15, and the limit is named; --max-message moves it" {
	try_over tcp huge-100000
	exits 15 '65536'
	try --max-message=200000 -t tcp
	[ "$status" != 0 ] || exits 0
	exits 0
	for how in headers line endless; do
		try_over tcp "$how"
		exits 15 '(limit|long|large|many|more than)'
		within 0 900 "$(took)"
	done
}

@test "answers that nobody asked for, without end: exit 14 in its time" {
	try_over tcp messages
	exits 14
	within 1000 2000 "$(took)"
}

@test "no SIP at all on the stream: exit 15" {
	try_over tcp http
	exits 15
	try_over tcp random
	exits 15
	try_over tls http
	exits 15
	at=127.0.0.1:5070 register alice -t tls
	ended_with 15
	one_line
}

@test "a TLS port that talks HTTP in clear: exit 12" {
	server_start http-at-once tcp
	try -t tls
	exits 12 '127\.0\.0\.1:5070'
	within 0 900 "$(took)"
	hangup_start 5072
	at=127.0.0.1:5072 register alice -j -t tls --timeout=1s
	[ "$status" = 11 ] || [ "$status" = 12 ]
	within 0 900 "$(took)"
}

# ---- a listening endpoint under fire

# still_answers PORT: the endpoint called `target` serves OPTIONS over UDP at once
still_answers() {
	run timeout 5 sip-options --all "sip:alice@127.0.0.1:$1"
	[[ $output == *'SIP/2.0 200'* || $output == *'SIP/2.0 500'* ]]
}
under_fire() {
	need sip-options
	kamailio_with
	keep target alice --listen=udp:127.0.0.1:5090 --listen=tcp:127.0.0.1:5090 --listen=tls:127.0.0.1:5091 \
		--cert="$RTE_PKI/server.pem" --key="$RTE_PKI/server.key" "$@"
	stays target
	still_answers 5090
}

@test "four hundred idle connections (A61): UDP is served all the same, and memory stays small" {
	under_fire
	local before
	before=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${kept[target]}/status")
	setsid bash -c 'ulimit -n 1024; for ((i = 0; i < 400; i++)); do exec {fd}<>/dev/tcp/127.0.0.1/5090 || exit; done
		echo up; sleep 60' >"$BATS_TEST_TMPDIR/idle" 2>&1 3>&- &
	local idle=$!
	wait_for 10 grep -q up "$BATS_TEST_TMPDIR/idle"
	still_answers 5090
	within 0 8000 $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${kept[target]}/status") - before))
	kill -KILL -- "-$idle"
	still_answers 5090
	stop target
}

@test "connections reset in the handshake, in a message, and before the answer (A63, A64)" {
	under_fire
	local i
	(
		for ((i = 0; i < 150; i++)); do
			exec 8<>/dev/tcp/127.0.0.1/5091 && printf '\x16\x03\x01\x02\x00\x01' >&8
			exec 8>&-
			exec 8<>/dev/tcp/127.0.0.1/5090 && printf 'OPTIONS sip:alice@127' >&8
			exec 8>&-
			exec 8<>/dev/tcp/127.0.0.1/5090 && printf '%s\r\n' 'OPTIONS sip:alice@rte.test SIP/2.0' \
				"Via: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bK-$i" 'From: <sip:x@y>;tag=1' 'To: <sip:alice@rte.test>' \
				"Call-ID: $i" 'CSeq: 1 OPTIONS' 'Content-Length: 0' '' >&8
			exec 8>&-
		done
	) 3>&-
	still_answers 5090
	for ((i = 0; i < 20; i++)); do
		timeout 2 openssl s_client -connect 127.0.0.1:5091 -CAfile "$RTE_PKI/ca.pem" </dev/null >/dev/null 2>&1 || true
	done
	drop_tcp 5091
	still_answers 5090
	stop target
}

@test "noise at a listening socket: datagrams of all sorts, HTTP, a TLS hello in clear, NULs (A11)" {
	under_fire
	trap '' PIPE
	exec 8<>/dev/udp/127.0.0.1/5090
	local i
	for ((i = 0; i < 50; i++)); do
		head -c $((i * 20 + 1)) /dev/urandom >&8
	done
	printf '\0' >&8
	printf '\r\n\r\n' >&8
	head -c 3000 /dev/zero >&8
	exec 8>&-
	for i in 1 2 3; do
		exec 8<>/dev/tcp/127.0.0.1/5090
		printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&8 || true
		timeout 2 cat <&8 >/dev/null || true
		exec 8>&-
	done
	timeout 2 openssl s_client -connect 127.0.0.1:5090 </dev/null >/dev/null 2>&1 || true
	exec 8<>/dev/tcp/127.0.0.1/5091
	printf 'OPTIONS sip:x SIP/2.0\r\n\r\n' >&8
	timeout 2 cat <&8 >/dev/null || true
	exec 8>&-
	still_answers 5090
	stop target
}

@test "one address, two names: the connection of one is not used for the other (A65)" {
	kamailio_with CERT=nameonly
	rte options -j --cacert="$RTE_PKI/ca.pem" --resolve=rte.test:5061:127.0.0.1 --resolve=other.example:5061:127.0.0.1 \
		-c 2 -i 50ms sips:rte.test:5061 sips:other.example:5061
	[ "$status" = 12 ]
	check_records <<<"$output"
	# Kamailio answers those of rte.test, whatever it says to them; the others never leave
	[ "$(record 'select(.type == "request") | .request_uri' | sort -u)" = sips:rte.test:5061 ]
	[ "$(record 'select(.type == "error" and .exit_code == 12) | .detail' | grep -c 'other\.example')" = 2 ]
}
