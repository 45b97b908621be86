#!/usr/bin/env bats
# tests/cli/request.bats -- rte request: any method and header, templates, raw bytes, and what is done with a call

load helper

setup() {
	fresh_home
	export PW=pw-alice
	cat >"$HOME/options.sip" <<-'TEXT'
		{{method}} {{request_uri}} SIP/2.0
		Via: SIP/2.0/{{transport}} {{local}};branch={{branch}};rport
		f: {{who}} <sip:{{who}}@{{local}}>;tag={{from_tag}}
		t: <{{request_uri}}>
		i: {{uuid}}
		CSeq: {{seq}} {{method}}
		X-Rand: {{rand:8}} {{env:PW}}
	TEXT
}
teardown() {
	reap_all
	silent_stop
}

# listen_start ARG...: as in message.bats
listen_start() {
	local ready=$BATS_TEST_TMPDIR/listen.ready
	rm -f "$ready"
	spawn listen listen --p2p --ready-file="$ready" "$@"
	wait_for 10 test -s "$ready"
	udp=$(sed -n 's/^udp://p' "$ready")
	tcp=$(sed -n 's/^tcp://p' "$ready")
}
types() {
	record .type | tr '\n' ' '
}

# ---- any request

@test "any method, and a line for each message that comes back" {
	serve_start --auth=none
	rte request OPTIONS sip:echo@test.invalid --p2p --proxy="sip:$udp"
	ended_with 0
	[[ $output =~ ^"200 OK  OPTIONS  from $udp udp  "[0-9.]+" ms"$ ]] || what_happened
	rte request FROBNICATE sip:echo@test.invalid --p2p --proxy="sip:$udp"
	ended_with 5 'request sip:echo@test.invalid: 501 '
	says '^501 .*  FROBNICATE  from '
	rte request -j OPTIONS sip:echo@test.invalid --p2p --proxy="sip:$udp" -d hi
	ended_with 0
	records
	[ "$(types)" = 'start endpoint request response end ' ] || what_happened
	[ "$(record 'select(.type == "request") | [.method, .direction] | join(" ")')" = 'OPTIONS sent' ]
	[ "$(record 'select(.type == "response") | [.status_code, .direction] | join(" ")')" = '200 received' ]
	rte request OPTIONS sip:127.0.0.1:1
	ended_with 11 'connection refused'
	silent_start
	rte request --timeout=200ms OPTIONS "udp:127.0.0.1:$silent"
	ended_with 14
	rte request --expect=501 FROBNICATE sip:echo@test.invalid --p2p --proxy="sip:$udp"
	ended_with 0
}

@test "a challenge is answered by a server-based endpoint, with a template, too; never peer to peer" {
	serve_start --add-user=alice:env:PW
	for how in '' "--template=$HOME/options.sip --set=who=alice -H From:<sip:alice@test.invalid>;tag=1"; do
		# shellcheck disable=SC2086
		rte request -v -j $how --server="$udp" -a sip:alice@test.invalid --password=env:PW MESSAGE sip:echo@test.invalid
		ended_with 0
		records
		[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '407 200 ' ] ||
			[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '401 200 ' ] || what_happened
		# the same call and a higher number (RFC 3261 22.2)
		[ "$(record 'select(.type == "request" and .direction == "sent") | .call_id' | sort -u | wc -l)" = 1 ] || what_happened
		[ "$(record 'select(.type == "request" and .direction == "sent") | .cseq' | tr '\n' ' ')" = '1 2 ' ] || what_happened
	done
	rte request --p2p --proxy="sip:$udp" -a sip:alice@test.invalid MESSAGE sip:echo@test.invalid
	ended_with 22
}

@test "every header field may be set, added and removed, in its place" {
	rte request -n OPTIONS sip:a@192.0.2.1 -H 'Via: SIP/2.0/UDP x' -H 'f: <sip:x@y>' -H 'Call-ID: ()' -H 'CSeq: 9 FOO' \
		-H 'Max-Forwards: 300' -H 'User-Agent:' --add-header 'Contact: a' --add-header 'Contact: b' -H 'Authorization: x'
	ended_with 0
	[ "$output" = 'OPTIONS sip:a@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP x
Max-Forwards: 300
f: <sip:x@y>
To: <sip:a@192.0.2.1>
Call-ID: ()
CSeq: 9 FOO
Contact: a
Contact: b
Authorization: x
Content-Length: 0' ] || [ "$(grep -c . <<<"$output")" = 11 ] || what_happened
	# no other command does that
	rte options -n -H 'Via: x' sip:a@192.0.2.1
	usage_error 'Via has an option of its own'
	rte request -n OPTIONS sip:a@192.0.2.1 -H $'X: a\rb'
	ended_with 2
}

@test "what is missing is put right, unless --no-fix" {
	rte request -n OPTIONS sip:a@192.0.2.1 -H Via: -H CSeq: -H Max-Forwards: -H 'Content-Length: 7' -d hello
	ended_with 0
	says '^Via: SIP/2\.0/UDP '
	says '^CSeq: 1 OPTIONS'
	says '^Max-Forwards: 70'
	says '^Content-Length: 5'
	[[ $stderr = *'--no-fix'* ]] || what_happened
	rte request -n --no-fix OPTIONS sip:a@192.0.2.1 -H Via: -H CSeq: -H Max-Forwards: -H 'Content-Length: 7' -d hello
	ended_with 0
	! grep -E '^(Via|CSeq|Max-Forwards):' <<<"$output" || what_happened
	says '^Content-Length: 7'
	[ -z "$stderr" ] || what_happened
}

@test "a broken CSeq, Via or Call-ID reaches the peer, and its answer is the result" {
	peer_start udp
	peer_answer <<-TEXT
		SIP/2.0 400 Bad CSeq
		$peer_head
		Content-Length: 0

	TEXT
	rte request OPTIONS "udp:$peer" -H 'CSeq: 7 INVITE' --timeout=3s
	ended_with 4 '400 Bad CSeq'
	says '^400 Bad CSeq  INVITE  from '
	rte request -j OPTIONS "udp:$peer" -H 'Via: SIP/2.0/UDP 127.0.0.1' --timeout=3s
	ended_with 4
	records
}

# ---- calls

@test "an INVITE leaves no call behind: ACK and BYE for a 2xx, of each branch" {
	serve_start --auth=none
	rte request -j INVITE sip:fork3@test.invalid --p2p --proxy="sip:$udp"
	ended_with 0
	records
	sent=$(record 'select(.type == "request" and .direction == "sent") | .method')
	[ "$(grep -c '^INVITE$' <<<"$sent")" = 1 ] || what_happened
	[ "$(grep -c '^ACK$' <<<"$sent")" -ge 3 ] || what_happened
	[ "$(grep -c '^BYE$' <<<"$sent")" = 3 ] || what_happened
	[ "$(record 'select(.type == "response" and .method == "BYE") | .status_code' | tr '\n' ' ')" = '200 200 200 ' ] || what_happened
	# each to the one that answered
	[ "$(record 'select(.type == "request" and .method == "BYE" and .direction == "sent") | .to.tag' | sort -u | wc -l)" = 3 ] || what_happened
}

@test "an INVITE that is refused, busy or rings for ever" {
	serve_start --auth=none
	rte request INVITE sip:busy@test.invalid --p2p --proxy="sip:$udp"
	ended_with 8 '486 Busy Here'
	rte request -j INVITE sip:ring@test.invalid --p2p --proxy="sip:$udp" --timeout=300ms
	ended_with 9
	records
	[ "$(record 'select(.type == "request") | .method' | tr '\n' ' ')" = 'INVITE CANCEL ' ] || what_happened
	spawn ring request INVITE sip:ring@test.invalid --p2p --proxy="sip:$udp"
	printed ring '^180 Ringing'
	kill -INT "$spawned"
	spawned_ends 130 ring
	printed ring '^487 '
}

# ---- templates

@test "a template: every field is filled in" {
	listen_start -j --once
	rte request --template="$HOME/options.sip" --set=who=alice --set=who=bob MESSAGE "sip:x@$tcp;transport=tcp"
	ended_with 0
	spawned_ends 0 listen
	output=$(<"$BATS_TEST_TMPDIR/listen.out")
	[ "$(record 'select(.type == "message") | .from.display_name')" = bob ] || what_happened
	rte request -n --template="$HOME/options.sip" --set=who=alice OPTIONS sip:x@192.0.2.1
	ended_with 0
	says '^OPTIONS sip:x@192\.0\.2\.1 SIP/2\.0'
	says '^Via: SIP/2\.0/UDP local\.invalid;branch=z9hG4bK[a-z2-7]+;rport'
	says '^i: [0-9a-f]{8}-[0-9a-f]{4}-4'
	says '^CSeq: 1 OPTIONS'
	says '^X-Rand: [a-z2-7]{8} pw-alice'
	# the lines stay as they stand, what was missing comes behind them
	[ "$(sed 's/[: ].*//' <<<"$output" | tr '\n' ' ')" = 'OPTIONS Via f t i CSeq X-Rand Max-Forwards Content-Length ' ] ||
		[ "$(grep . <<<"$output" | sed 's/[: ].*//' | tr '\n' ' ')" = \
			'OPTIONS Via f t i CSeq X-Rand Max-Forwards Content-Length ' ] || what_happened
}

@test "a template from stdin, with changes by -H, and with a body" {
	captured "$RTE" request -n --template=- -H 'To: <sip:t@t>' -H 'B: 2' -H 'D:' --add-header 'E: 5' \
		OPTIONS sip:x@192.0.2.1 < <(printf '%s\n' 'OPTIONS sip:x SIP/2.0' 'A: 1' 'to: <sip:o>' 'B: 1' 'b: 1' 'Content-Length: 999' \
			'D: 4' 'Content-Type: application/sdp' '' 'v=0' 's=-')
	ended_with 0
	[ "$(grep . <<<"$output" | sed '/^Via\|^CSeq/d')" = 'OPTIONS sip:x SIP/2.0
A: 1
To: <sip:t@t>
B: 2
Content-Length: 10
Content-Type: application/sdp
Max-Forwards: 70
E: 5
v=0
s=-' ] || what_happened
}

@test "--no-fix: a template goes out byte for byte" {
	need socat
	printf 'OPTIONS sip:x SIP/2.0\nX: {{seq}}\n\nbody' >"$HOME/bad.sip"
	socat -u UDP4-RECVFROM:0,bind=127.0.0.1 CREATE:"$HOME/got" 3>&- &
	local peer_pid=$!
	reap+=("$peer_pid")
	wait_for 5 peer_port "$peer_pid"
	rte request -j --no-fix --template="$HOME/bad.sip" --timeout=200ms OPTIONS "udp:127.0.0.1:$(peer_port "$peer_pid")"
	[ "$status" != 0 ] || what_happened
	records
	wait_for 5 test -s "$HOME/got"
	printf 'OPTIONS sip:x SIP/2.0\nX: 1\n\nbody' | cmp - "$HOME/got"
}

@test "a template that is wrong: file and line, and nothing is sent" {
	printf 'OPTIONS x SIP/2.0\nA: {{no_such}}\n' >"$HOME/one.sip"
	printf 'OPTIONS x SIP/2.0\n\n{{method' >"$HOME/two.sip"
	printf 'OPTIONS x SIP/2.0\nA: {{env:NO_SUCH}}\n' >"$HOME/three.sip"
	: >"$HOME/empty.sip"
	while read -r file pattern; do
		rte request --template="$HOME/$file" OPTIONS sip:127.0.0.1:1
		usage_error "$pattern"
		rte request -j --template="$HOME/$file" OPTIONS sip:127.0.0.1:1
		ended_with 2
		records
	done <<-'TABLE'
		one.sip one\.sip:2: \{\{no_such\}\}: there is no such field
		two.sip two\.sip:3: \{\{method\}\}: it is not closed
		three.sip three\.sip:2: \{\{env:NO_SUCH\}\}: there is no such variable
		empty.sip is empty
	TABLE
	rte request --template="$HOME/none" OPTIONS sip:127.0.0.1:1
	ended_with 20 'none: No such file'
}

# ---- raw bytes

@test "--raw: byte for byte, and the final response is the result" {
	serve_start --auth=none
	printf '%s\r\n' 'OPTIONS sip:echo@test.invalid SIP/2.0' 'Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKraw1' \
		'Max-Forwards: 70' 'From: <sip:a@b>;tag=1' 'To: <sip:echo@test.invalid>' 'Call-ID: raw1' 'CSeq: 1 OPTIONS' '' >"$HOME/raw"
	rte request -v -j --raw="$HOME/raw" --connect="$udp"
	ended_with 0
	records
	[ "$(types)" = 'start endpoint request response end ' ] || what_happened
	record 'select(.type == "request") | .raw' | head -c -1 | cmp - "$HOME/raw"
	sed 's/UDP/TCP/; s/Call-ID: .*/Content-Length: 0\r/' "$HOME/raw" >"$HOME/bad"
	captured "$RTE" request -t tcp --raw=- --connect="$tcp" <"$HOME/bad"
	ended_with 4 '400 missing Call-ID header'
	printf 'this is no SIP\r\n\r\n' >"$HOME/junk"
	rte request -j --raw="$HOME/junk" --connect="$udp" --timeout=200ms
	ended_with 14
	records
	[ "$(record 'select(.type == "malformed") | [.direction, .raw] | join(" ")')" = $'sent this is no SIP\r\n\r' ] || what_happened
	rte request -n --raw="$HOME/raw" --connect="$udp"
	ended_with 0
	says '^OPTIONS sip:echo'
}

@test "--raw: an INVITE gets its ACK, and its call is hung up" {
	serve_start --auth=none
	printf '%s\r\n' 'INVITE sip:slow-0s@test.invalid SIP/2.0' 'Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKraw2' \
		'Max-Forwards: 70' 'From: <sip:a@b>;tag=1' 'To: <sip:x@test.invalid>' 'Call-ID: raw2' 'CSeq: 1 INVITE' \
		'Contact: <sip:a@127.0.0.1:9>' '' >"$HOME/raw"
	sed 's/slow-0s/404/' "$HOME/raw" >"$HOME/refused"
	sed 's/slow-0s/fork3/; s/raw2/raw3/' "$HOME/raw" >"$HOME/taken"
	rte request -j -vv --raw="$HOME/refused" --connect="$udp"
	ended_with 4
	[[ $stderr = *'>  ACK sip:404@test.invalid SIP/2.0'* ]] || what_happened
	rte request -j --raw="$HOME/taken" --connect="$udp"
	ended_with 0
	records
	[ "$(record 'select(.type == "request" and .direction == "sent") | .method' | sort -u | tr '\n' ' ')" = 'ACK BYE INVITE ' ] ||
		what_happened
}

@test "a malformed answer is told, not dropped: exit 15 when nothing better comes" {
	peer_start udp
	printf 'SIP/2.0 200 OK\nThis is no header\n\n' | peer_answer
	printf 'OPTIONS sip:a@b SIP/2.0\r\n\r\n' >"$HOME/raw"
	for how in "--raw=$HOME/raw --connect=$peer" "OPTIONS udp:$peer"; do
		# shellcheck disable=SC2086
		rte request -j --timeout=1500ms $how
		ended_with 15
		records
		[ "$(record 'select(.type == "malformed" and .direction == "received") | .detail' | sort -u)" = 'header line 1 has no name and colon' ] || what_happened
		[[ $(record 'select(.type == "error") | .detail') = *'malformed message'* ]] || what_happened
	done
	rte request --timeout=1500ms OPTIONS "udp:$peer"
	ended_with 15
	says "^malformed   from $peer  [0-9]+ bytes  header line 1 has no name and colon$"
	# of another transaction: it is shown, and does not count
	peer_answer <<-TEXT
		SIP/2.0 200 OK
		Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKother
		From: {From}
		To: {To};tag=peer
		Call-ID: {Call-ID}
		CSeq: {CSeq}
		Content-Length: 0

	TEXT
	rte request --timeout=1500ms OPTIONS "udp:$peer"
	ended_with 14
	says "^200 OK  OPTIONS  from $peer"
}

@test "a stream that is no SIP is told, too" {
	peer_start tcp
	printf 'HTTP/1.1 400 Bad Request\n\n' | peer_answer
	rte request -j -t tcp --timeout=2s OPTIONS "tcp:$peer"
	ended_with 15
	records
	[[ $(record 'select(.type == "malformed") | .raw') = 'HTTP/1.1 400 Bad Request'* ]] || what_happened
}

# ---- usage

@test "what does not go together" {
	echo x >"$HOME/raw"
	while IFS='|' read -r pattern options; do
		# shellcheck disable=SC2086
		rte request ${options//HOME/$HOME}
		usage_error "$pattern"
	done <<-'TABLE'
		say what to send and where to|
		say both|OPTIONS
		is not a method|OPT@IONS sip:a@b
		--set without --template|--set=a=b OPTIONS sip:a@b
		is not NAME=VALUE|--template=HOME/raw --set=a OPTIONS sip:a@b
		is not NAME=VALUE|--template=HOME/raw --set=1=2 OPTIONS sip:a@b
		--data with --template|--template=HOME/raw -d x OPTIONS sip:a@b
		--raw: say where to|--raw=HOME/raw
		leave out METHOD|--raw=HOME/raw --connect=127.0.0.1:1 OPTIONS sip:a@b
		--raw with --header|--raw=HOME/raw --connect=127.0.0.1:1 -H X:1
		--raw with --template|--raw=HOME/raw --connect=127.0.0.1:1 --template=HOME/raw
	TABLE
	rte request --raw="$HOME/none" --connect=127.0.0.1:1
	ended_with 20
}
