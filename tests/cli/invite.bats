#!/usr/bin/env bats
# tests/cli/invite.bats -- rte invite: what is sent, what is printed, how it ends. The phones are SIPp's (sipp/), and so
# foreign; `rte serve --reply` gives the statuses

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
	silent_stop
}

# states: of the dialog records, in one line
states() {
	record 'select(.type == "dialog") | [.dialog, .state, .cause // empty] | join(" ")' | paste -sd ,
}
# The error of text and JSON are the same; for what fails in the same way each time: fails CODE PATTERN ARG...
fails() {
	local code=$1 pattern=$2 json
	shift 2
	rte invite "$@"
	ended_with "$code" "^rte: invite .*: $pattern"
	rte invite -j "$@"
	[ "$status" = "$code" ] || what_happened
	[ -z "$stderr" ] || what_happened
	records
	json=$(record 'select(.type == "error") | .detail' | head -n 1)
	grep -Eq "^$pattern" <<<"$json" || what_happened
}

@test "usage: values and what does not go together" {
	while IFS='|' read -r pattern options; do
		# shellcheck disable=SC2086
		rte invite $options sip:127.0.0.1:1
		usage_error "$pattern"
	done <<-'TABLE'
		--ring-timeout: "x" is not a time|--ring-timeout=x
		--ring-timeout: the time must be more|--ring-timeout=0
		--duration: "-1" is not a time|--duration=-1
		--cancel-after: "2xx" is not a time|--cancel-after=2xx
		--cancel-after: neither 1xx nor|--cancel-after=0
		--codec: "mp3" is not one of|--codec=pcmu,mp3
		--codec with --sdp|--codec=pcmu --sdp=none
		--100rel: "maybe" is not one of|--100rel=maybe
		--min-se: less than 90s|--min-se=89
		--session-expires: less than 90s|--session-expires=89
		--session-expires: less than --min-se|--session-expires=100 --min-se=200
		--session-expires: not T|--session-expires=100;us
		--on-reinvite: neither accept nor|--on-reinvite=200
		--on-refer: "yes" is not one of|--on-refer=yes
		--replaces: not CALL-ID|--replaces=a;to-tag=b
		--privacy: "me" is not|--privacy=me
		--privacy: none with|--privacy=id,none
		--data: the body of an INVITE is --sdp|-d hello
		--type: the body of an INVITE is --sdp|--type=text/plain
		--do: "dance" is no step; there are wait hold resume .* bye|--do=dance
		--do: "resum" is no step; did you mean resume|--do=resum
		--do: hold takes no value|--do=hold:1
		--do: wait: without a value|--do=wait
		--do: message: without a value; say message:TEXT|--do=message:
		--do: "1x" is not a time|--do=wait:1x
		--do: info wants MIME@FILE|--do=info:text/plain
		--do: "text" is not a media type|--do=info:text@/dev/null
		--do: a step behind bye|--do=bye --do=hold
	TABLE
	rte invite
	usage_error .
	rte invite -j --do=dance sip:127.0.0.1:1
	ended_with 2
	records
}

@test "usage: files and commands that do not work are 20" {
	rte invite --sdp=/nonexistent/sdp sip:127.0.0.1:1
	ended_with 20 '--sdp: /nonexistent/sdp: No such file'
	rte invite --do=reinvite:/nonexistent/sdp sip:127.0.0.1:1
	ended_with 20 '--do: /nonexistent/sdp: No such file'
	rte invite --sdp=cmd:false sip:127.0.0.1:1
	ended_with 20 '--sdp: command false: exit status 1'
	rte invite --sdp='cmd:sleep 10' --timeout=300ms sip:127.0.0.1:1
	ended_with 20 'killed: no answer in time'
	echo 'hello' >"$BATS_TEST_TMPDIR/no.sdp"
	rte invite --sdp="$BATS_TEST_TMPDIR/no.sdp" sip:127.0.0.1:1
	ended_with 2 '--sdp: .*no\.sdp: session description, line 1'
	rte invite --sdp='cmd:echo hello' sip:127.0.0.1:1
	ended_with 2 '--sdp: cmd:echo hello: session description, line 1'
}

@test "dry run: the INVITE, and no network" {
	rte invite -n -a sip:alice@example.com sip:bob@192.0.2.1
	ended_with 0
	says '^INVITE sip:bob@192\.0\.2\.1 SIP/2\.0$'
	says '^From: <sip:alice@example\.com>;tag='
	says '^Content-Type: application/sdp$'
	says '^m=audio [0-9]+ RTP/AVP 0 8 [0-9]+$'
	says '^Supported: .*100rel.*timer.*replaces'
	! grep -q '^Session-Expires:' <<<"$output" || what_happened
	rte invite -n -j sip:bob@192.0.2.1
	ended_with 0
	records
	[ "$(record 'select(.type == "request") | [.method, .unsent] | join(" ")')" = 'INVITE true' ] || what_happened
}

@test "dry run: what the options do" {
	rte invite -n --100rel=require --session-expires=5m\;uas --min-se=2m --privacy=user,id \
		--replaces='abc@x;to-tag=1;from-tag=2' -H 'Subject: hello' sip:bob@192.0.2.1
	ended_with 0
	says '^Require: .*100rel'
	says '^Session-Expires: 300;refresher=uas$'
	says '^Min-SE: 120$'
	says '^Privacy: user;id$'
	says '^Replaces: abc@x;to-tag=1;from-tag=2$'
	says '^Subject: hello$'
	rte invite -n --100rel=no --codec=opus,pcma sip:bob@192.0.2.1
	! grep -Eq '^(Supported|Require): .*100rel' <<<"$output" || what_happened
	says '^a=rtpmap:[0-9]+ opus/48000/2$'
	says '^m=audio [0-9]+ RTP/AVP [0-9]+ 8$'
	for none in none late; do
		rte invite -n --sdp=$none sip:bob@192.0.2.1
		ended_with 0
		says '^Content-Length: 0$'
	done
	printf 'v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n' \
		>"$BATS_TEST_TMPDIR/my.sdp"
	rte invite -n --sdp="$BATS_TEST_TMPDIR/my.sdp" sip:bob@192.0.2.1
	says '^m=audio 4000 RTP/AVP 8'
	rte invite -n --sdp="cmd:cat $BATS_TEST_TMPDIR/my.sdp" sip:bob@192.0.2.1
	says '^m=audio 4000 RTP/AVP 8'
}

@test "a call: ringing, answer, end" {
	phone_start phone
	rte invite "sip:bob@$phone"
	ended_with 0
	phone_content
	[[ $output =~ ^"180 Ringing  "[0-9.]+" s"$'\n'"200 OK       "[0-9.]+" s  PCMU"$'\n'"ended        local  "[0-9.]+" s  duration "[0-9.]+" s"$ ]] ||
		what_happened
	[ -z "$stderr" ] || what_happened
	phone_heard '^BYE '
}

@test "a call in JSON: the dialog, with what identifies it" {
	phone_start phone
	rte invite -j "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	[ "$(states)" = 'd1 trying,d1 early,d1 confirmed,d1 terminated local-bye' ] || what_happened
	record 'select(.type == "dialog" and .state == "confirmed")' >"$BATS_TEST_TMPDIR/dialog"
	[ "$(jq -r '[.direction, .status_code, .codec, .remote_target, (.route_set | length)] | join(" ")' <"$BATS_TEST_TMPDIR/dialog")" = \
		"initiator 200 PCMU/8000 sip:phone@$phone;transport=UDP 0" ] || what_happened
	# its names are those on the wire
	[ "$(jq -r .call_id <"$BATS_TEST_TMPDIR/dialog")" = \
		"$(record 'select(.type == "request" and .method == "INVITE") | .call_id')" ]
	[ "$(jq -r .local_tag <"$BATS_TEST_TMPDIR/dialog")" = \
		"$(record 'select(.type == "request" and .method == "BYE") | .from.tag')" ]
	[ "$(jq -r .remote_tag <"$BATS_TEST_TMPDIR/dialog")" = \
		"$(record 'select(.type == "request" and .method == "BYE") | .to.tag')" ]
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .rtp_received')" = 0 ] || what_happened
	[ "$(record 'select(.type == "end") | .status_code')" = 200 ]
}

@test "--duration: it stays so long" {
	phone_start phone
	rte invite -j --duration=700ms "sip:bob@$phone"
	ended_with 0
	phone_content
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .duration_ms | . >= 690 and . < 2000')" = true ] ||
		what_happened
}

@test "steps: hold, resume, descriptions, INFO, MESSAGE, in order" {
	phone_start phone
	printf 'v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n' \
		>"$BATS_TEST_TMPDIR/my.sdp"
	printf 'Signal=1\r\n' >"$BATS_TEST_TMPDIR/dtmf"
	rte invite -j --do=hold --do=wait:200ms --do=resume --do="reinvite:$BATS_TEST_TMPDIR/my.sdp" --do=update \
		--do="info:application/dtmf-relay@$BATS_TEST_TMPDIR/dtmf" --do='message:Come here.' --do=bye "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	[ "$(record 'select(.type == "request" and .direction == "sent") | .method' | paste -sd ' ')" = \
		'INVITE ACK INVITE ACK INVITE ACK INVITE ACK UPDATE INFO MESSAGE BYE' ] || what_happened
	phone_heard '^a=sendonly'
	phone_heard '^m=audio 4000 RTP/AVP 0'
	phone_heard '^Content-Type: application/dtmf-relay'
	phone_heard '^Signal=1'
	phone_heard '^Come here\.'
	[ "$(record 'select(.type == "dialog" and .change) | .change' | paste -sd ' ')" = 'hold resume reinvite update' ] ||
		what_happened
	[ "$(record 'select(.type == "message") | [.direction, .method, .dialog, .status_code] | join(" ")' | paste -sd ,)" = \
		'sent INFO d1 200,sent MESSAGE d1 200' ] || what_happened
}

@test "Replaces and Privacy: the first is of the first INVITE alone (RFC 3891 section 3)" {
	phone_start phone
	rte invite -vv --replaces='a@b;to-tag=1;from-tag=2' --privacy=id --do=hold "sip:bob@$phone"
	ended_with 0
	phone_content
	[ "$(grep -c '^>  Replaces: a@b;to-tag=1;from-tag=2$' <<<"$stderr")" = 1 ] || what_happened
	[ "$(grep -c '^>  Privacy: id$' <<<"$stderr")" = 2 ] || what_happened
}

@test "steps in text" {
	phone_start phone
	rte invite --do=hold --do=message:hello "sip:bob@$phone"
	ended_with 0
	phone_content
	says '^hold         sendonly  PCMU'
	says '^message      sent  to .*  200 OK  text/plain$'
	says '^  hello$'
	says '^ended        local'
}

@test "a step that is refused: its status decides, the call is hung up" {
	phone_start refuses_hold
	rte invite --do=hold --do=message:never "sip:bob@$phone"
	ended_with 4 ': hold: 488 Not Acceptable Here$'
	notes '^  warning +305 phone "Incompatible media format"$'
	phone_content
	phone_start refuses_hold
	rte invite -j --do=hold "sip:bob@$phone"
	ended_with 4
	records
	phone_content
	[ "$(record 'select(.type == "error") | [.status_code, .warning] | join(" ")')" = \
		'488 305 phone "Incompatible media format"' ] || what_happened
}

@test "the peer says something and hangs up" {
	phone_start hangs_up
	rte invite --duration=20s "sip:bob@$phone"
	ended_with 0
	phone_content
	says '^message      received  from <sip:phone@127\.0\.0\.1>  200  text/plain$'
	says '^  Watson, come here\.$'
	says '^info         received  .*  application/dtmf-relay$'
	says '^  Signal=5$'
	says '^ended        remote  .*Q\.850;cause=16;text="normal"$'
	phone_start hangs_up
	rte invite -j --duration=20s "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	[ "$(record 'select(.type == "message") | [.direction, .method, .dialog, .replied, .from.uri] | join(" ")' | head -n 1)" = \
		'received MESSAGE d1 200 sip:phone@127.0.0.1' ] || what_happened
	[ "$(record 'select(.state == "terminated") | [.cause, .reason] | join(" ")')" = \
		'remote-bye Q.850;cause=16;text="normal"' ] || what_happened
}

@test "the peer hangs up before the steps are done: 18; a wait is no step to miss" {
	phone_start hangs_up
	rte invite --do=wait:20s --do=message:late "sip:bob@$phone"
	ended_with 18 ': message:late: the peer has hung up before$'
	phone_content
	phone_start hangs_up
	rte invite --do=wait:20s "sip:bob@$phone"
	ended_with 0
}

@test "a late offer is answered in the ACK" {
	phone_start phone
	rte invite -j --sdp=late "sip:bob@$phone"
	ended_with 0
	phone_content
	[ "$(record 'select(.state == "confirmed") | .codec')" = PCMU/8000 ] || what_happened
	awk '/^ACK /, /message (sent|received)/' "$BATS_TEST_TMPDIR/phone/messages" | grep -q '^m=audio'
}

@test "final statuses: their exit codes" {
	need socat
	while read -r code reply; do
		serve_start --auth=none --reply="INVITE=$reply"
		fails "$code" "${reply%%;*}" --p2p --no-retry-after "sip:bob@$udp"
		[ "$(record 'select(.type == "error") | .status_code')" = "${reply%% *}" ] || what_happened
		serve_end
	done <<-'TABLE'
		3 302 Moved Temporarily
		4 404 Not Found
		4 488 Not Acceptable Here
		5 500 Server Internal Error
		5 503 Service Unavailable
		6 604 Does Not Exist Anywhere
		8 486 Busy Here
		8 600 Busy Everywhere
		8 603 Decline
		9 480 Temporarily Unavailable
		22 401 Unauthorized
	TABLE
}

@test "nobody answers: CANCEL after --ring-timeout, 9" {
	serve_start --auth=none
	rte invite -j --server="$udp" --ring-timeout=500ms sip:ring@test.invalid
	ended_with 9
	records
	[ "$(record 'select(.type == "request" and .direction == "sent") | .method' | paste -sd ' ')" = 'INVITE PRACK CANCEL' ] ||
		what_happened
	[ "$(record 'select(.type == "error") | .status_code')" = 487 ] || what_happened
	rte invite --server="$udp" --ring-timeout=500ms sip:ring@test.invalid
	ended_with 9
	says '^180 Ringing  0\.[0-9] s$'
}

@test "--cancel-after: a time, or the first ringing" {
	serve_start --auth=none
	rte invite -j --server="$udp" --cancel-after=1xx sip:ring@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "end") | [.status_code, .elapsed_ms < 3000] | join(" ")')" = '487 true' ] || what_happened
	[ "$(states)" = 'd1 trying,d1 early,d1 terminated cancelled' ] || what_happened
	rte invite --server="$udp" --cancel-after=300ms sip:ring@test.invalid
	ended_with 0
	says '^487 Request Terminated  cancelled$'
	# the answer was faster
	phone_start phone
	rte invite --cancel-after=20s "sip:bob@$phone"
	ended_with 0
}

@test "local failures: refused, silent, --max-time" {
	fails 11 '.*refused' "sip:bob@127.0.0.1:1;transport=tcp"
	silent_start
	fails 14 '' --timeout=300ms "sip:bob@127.0.0.1:$silent"
	fails 14 'no result within --max-time=300ms' --max-time=300ms "sip:bob@127.0.0.1:$silent"
	fails 10 '' --dns=127.0.0.1:1 --timeout=1s sip:bob@nowhere.invalid
}

@test "an answer that is no description: ACK, BYE, 16" {
	phone_start no_codec
	rte invite "sip:bob@$phone"
	ended_with 16
	phone_content
	phone_heard '^BYE '
	phone_start no_codec
	rte invite -j "sip:bob@$phone"
	ended_with 16
	records
	[ "$(record 'select(.type == "error") | .exit_name')" = media ] || what_happened
}

@test "a BYE that nobody answers: 14" {
	phone_start deaf_bye
	rte invite --timeout=500ms "sip:bob@$phone"
	ended_with 14 ': BYE: nobody answered it$'
	says '^200 OK'
}

@test "a signal: BYE in a call, CANCEL before" {
	phone_start phone
	spawn call invite --duration=1m "sip:bob@$phone"
	printed call '^200 OK'
	kill -INT "$spawned"
	spawned_ends 130 call
	phone_content
	phone_heard '^BYE '
	serve_start --auth=none
	spawn ringing invite -j --server="$udp" sip:ring@test.invalid
	printed ringing '"state":"early"'
	kill -TERM "$spawned"
	spawned_ends 143 ringing
	grep -q '"method":"CANCEL"' "$BATS_TEST_TMPDIR/ringing.out"
	check_records <"$BATS_TEST_TMPDIR/ringing.out"
}

@test "a transfer as a step: the status in the last NOTIFY decides" {
	phone_start transfers -key result '200 OK'
	rte invite -j --do=refer:sip:carol@example.com "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	phone_heard '^Refer-To: <sip:carol@example\.com>'
	[ "$(record 'select(.type == "transfer") | [.direction, .state, .status_code, .dialog] | join(" ")' | tail -n 1)" = \
		'sent terminated 200 d1' ] || what_happened
	phone_start transfers -key result '486 Busy Here'
	rte invite --do=refer:sip:carol@example.com --do=message:never "sip:bob@$phone"
	ended_with 8 ': refer:sip:carol@example\.com: 486'
	phone_content
	says '^transfer +to sip:carol@example\.com .*SIP/2\.0 486 Busy Here'
}

@test "a transfer that is refused: the answer to the REFER decides" {
	serve_start --auth=none
	rte invite --server="$udp" --do=refer:sip:carol@example.com sip:echo@test.invalid
	ended_with 8 ': refer:sip:carol@example\.com: 603 Decline$'
	says '^ended        local'
}

@test "forks: one answer is the call, the others get BYE" {
	serve_start --auth=none
	rte invite -j --server="$udp" sip:fork3@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "dialog" and .state == "confirmed") | .extra // false' | sort | paste -sd ' ')" = 'false true true' ] ||
		what_happened
	[ "$(record 'select(.type == "request" and .method == "BYE") | .to.tag' | sort -u | wc -l)" = 3 ] || what_happened
}

@test "--on-refer: declined unless told otherwise" {
	phone_start declined_transferor
	rte invite --duration=1s "sip:bob@$phone"
	ended_with 0
	phone_content
	says '^transfer     asked for: sip:carol@127\.0\.0\.1:9  .*pending'
	says '^transfer     asked for: sip:carol@127\.0\.0\.1:9  .*terminated  603'
}

@test "--on-refer=follow: the call is placed, reported, and goes on" {
	serve_start --auth=none
	phone_start transferor -key target "sip:echo@$udp"
	rte invite -j --p2p --on-refer=follow --duration=2s "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	phone_heard '^SIP/2\.0 100 Trying'
	phone_heard '^SIP/2\.0 200 OK'
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | [.dialog, .cause] | join(" ")' | paste -sd ,)" = \
		'd1 remote-bye,d2 local-bye' ] || what_happened
	record 'select(.type == "request" and .direction == "sent") | .request_uri' | grep -q "^sip:echo@$udp" || what_happened
}

@test "--on-refer=follow: what fails is reported, and decides" {
	phone_start transferor -key target 'sip:nobody@127.0.0.1:1;transport=tcp'
	rte invite --on-refer=follow --duration=1s "sip:bob@$phone"
	ended_with 11 'refused'
	phone_content
	phone_heard '^SIP/2\.0 503 '
}

@test "refer-replaces: the third party is called first, and its dialog is named" {
	serve_start --auth=none
	phone_start transfers -key result '200 OK'
	rte invite -j --p2p --do="refer-replaces:sip:echo@$udp" "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	record 'select(.type == "dialog" and .dialog == "d2" and .state == "confirmed")' >"$BATS_TEST_TMPDIR/d2"
	# as the third party sees it (RFC 3891 section 3): to-tag is its own tag
	wanted=$(jq -r '.call_id + ";to-tag=" + .remote_tag + ";from-tag=" + .local_tag' <"$BATS_TEST_TMPDIR/d2" |
		head -n 1 | jq -Rr @uri)
	[ "$(record 'select(.type == "transfer") | .refer_to' | head -n 1)" = "sip:echo@$udp?Replaces=$wanted" ] || what_happened
}

@test "a session timer is agreed on" {
	serve_start --auth=none
	rte invite -j --server="$udp" --session-expires=5m --duration=300ms sip:timer90@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "session_timer") | [.dialog, .action] | join(" ")' | head -n 1)" = 'd1 negotiated' ] || what_happened
	[ "$(record 'select(.type == "session_timer") | .session_expires | . >= 90 and . <= 300' | head -n 1)" = true ] || what_happened
	rte invite --server="$udp" --session-expires=5m --duration=300ms sip:timer90@test.invalid
	ended_with 0
	says '^timer        negotiated  [0-9]+ s  refresher (uac \(we\)|uas \(the peer\))$'
}

@test "a re-INVITE of the peer: accepted, or refused with a status" {
	serve_start --auth=none
	rte invite -j --server="$udp" --duration=1s sip:reinvite@test.invalid
	ended_with 0
	records
	[ -n "$(record 'select(.type == "dialog" and .change) | .change')" ] || what_happened
	rte invite -j --server="$udp" --on-reinvite=488 --duration=1s sip:reinvite@test.invalid
	ended_with 0
	[ -z "$(record 'select(.type == "dialog" and .change) | .change')" ] || what_happened
	rte invite -v --server="$udp" --on-reinvite=488 --duration=1s sip:reinvite@test.invalid
	notes '^>  SIP/2\.0 488 Not Acceptable Here'
}

@test "who calls or writes to us meanwhile: 486, and a record" {
	phone_start phone
	spawn call invite -j --listen=udp:127.0.0.1:0 --duration=1m "sip:bob@$phone"
	printed call '"state":"confirmed"'
	us=127.0.0.1:$(jq -r 'select(.type == "listening") | .local[0].port' <"$BATS_TEST_TMPDIR/call.out")
	rte invite "sip:rte@$us"
	ended_with 8 '486 Busy Here'
	rte message -d 'one moment' "sip:rte@$us"
	ended_with 0
	rte options "sip:rte@$us"
	ended_with 0
	kill -INT "$spawned"
	spawned_ends 130 call
	check_records <"$BATS_TEST_TMPDIR/call.out"
	[ "$(jq -r 'select(.type == "message") | [.direction, .body, has("dialog")] | join(" ")' <"$BATS_TEST_TMPDIR/call.out")" = \
		'received one moment false' ]
}

@test "--max-time in a call: BYE, 14" {
	phone_start phone
	rte invite --duration=1m --max-time=500ms "sip:bob@$phone"
	ended_with 14 'no result within --max-time'
	phone_content
	phone_heard '^BYE '
}

@test "RTP that arrives is counted" {
	need socat
	phone_start phone
	spawn call invite -j --duration=3s "sip:bob@$phone"
	printed call '"state":"confirmed"'
	port=$(sed -n 's/^m=audio \([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/phone/messages" | head -n 1)
	for number in 1 2 3; do
		printf '\200\000\000\00%d\000\000\000\000\000\000\000\001abcd' "$number" |
			socat -u - "UDP4:127.0.0.1:$port,bind=127.0.0.1:40000,reuseaddr"
	done
	spawned_ends 0 call
	[ "$(jq -r 'select(.state == "terminated") | .rtp_received' <"$BATS_TEST_TMPDIR/call.out")" = 3 ]
}

@test "a sips target: our Contact is a sips URI, RFC 3261 8.1.1.8, and so is the callee's, 12.1.1" {
	rte invite -n sips:bob@example.com
	says '^Contact: <sips:'
	rte invite -n sip:bob@example.com
	says '^Contact: <sip:'
	serve_start --tls-auto
	rte invite -vv -t tls --server="$tls" --tls-name=test.invalid --cacert="$ca" --do=hold sips:echo@test.invalid
	ended_with 0 '^>~ Contact: <sips:'
	notes '^<~ Contact: <sips:'
	says '^hold '
}

@test "a failure tells what would help: where to, what is not known, what is wanted" {
	spawn peer listen --p2p --ready-file="$HOME/ready" --redirect='sip:carol@example.com;x=y' --redirect=sip:dave@example.com
	wait_for 10 test -s "$HOME/ready"
	peer=$(head -n 1 "$HOME/ready")
	rte invite --p2p "$peer"
	ended_with 3 '^  contact +<sip:carol@example\.com;x=y>, <sip:dave@example\.com>$'
	rte invite -j --p2p "$peer"
	records
	[ "$(record 'select(.type == "error") | .contact')" = '<sip:carol@example.com;x=y>, <sip:dave@example.com>' ]
	rte invite --p2p --require=foo "$peer"
	ended_with 4 '^  unsupported +foo$'
	rm "$HOME/ready"
	spawn strict listen --p2p --ready-file="$HOME/ready" --100rel=require
	wait_for 10 test -s "$HOME/ready"
	rte invite --p2p --100rel=no "$(head -n 1 "$HOME/ready")"
	ended_with 4 '^  require +100rel$'
}

@test "a BYE that finds nobody: the cause, and its exit code" {
	spawn peer listen --p2p --ready-file="$HOME/ready"
	wait_for 10 test -s "$HOME/ready"
	peer=$spawned
	spawn call invite --p2p --duration=1s "$(head -n 1 "$HOME/ready")"
	printed call '^200 OK'
	kill -KILL "$peer"
	spawned_ends 11 call
	grep -q ': BYE: .* udp: connection refused$' "$BATS_TEST_TMPDIR/call.err"
}
