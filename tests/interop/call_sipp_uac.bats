#!/usr/bin/env bats
# tests/interop/call_sipp_uac.bats -- SIPp calls rte listen; the ladders are as SIPp sees them (ladder.awk)

load calls

setup() {
	client_home
}
teardown() {
	sipp_last
	reap_all
}

# ---- the plain call

builtin_uac() {
	listens --once
	caller -sn uac -s rte -d 50 </dev/null
	listened 0
	is 'd1:confirmed d1:terminated/remote-bye' "$(dialogs)"
	is 'INVITE ACK BYE' "$(events 'select(.type == "request") | .method')"
	is "$transport" "$(record 'select(.type == "request") | .remote.transport' | sort -u)"
}
udp4() { port=5071 builtin_uac; }
tcp4() { port=5072 transport=tcp builtin_uac; }
udp6() { port=5073 ip=::1 builtin_uac; }
tcp6() { port=5074 ip=::1 transport=tcp builtin_uac; }

@test "SIPp's own uac scenario: UDP and TCP, IPv4 and IPv6" {
	together udp4 tcp4 udp6 tcp6
}

@test "the answer: 180, 200 with To tag, Contact, Allow, Supported and SDP; the lines for people" {
	spawn people listen --listen=udp:127.0.0.1:5080 --once --ring=100ms
	wait_for 5 listening udp 5080
	listen_port=5080
	caller <<-'L'
	> INVITE sdp
	< 180
	+ To: ;tag=
	+ Contact: sip:[^>]*127.0.0.1:5080
	< 200
	+ To: ;tag=
	+ Contact: sip:[^>]*127.0.0.1:5080
	+ Allow: INVITE
	+ Supported: replaces
	+ Content-Type: application/sdp
	+ body: m=audio [1-9][0-9]* RTP/AVP 0
	> ACK
	> BYE
	< 200
	L
	spawned_ends 0 people
	is "$(got 'SIP/2.0 180' | field To)" "$(got 'SIP/2.0 200' | field To)"
	output=$(cat "$BATS_TEST_TMPDIR/people.out")
	says '^request +INVITE  sip:sipp@127\.0\.0\.1  200 OK$'
	says "^ended +remote"
}

@test "refusals: --redirect, --reply, --answer" {
	listens --reply='INVITE carol=603;after=50ms' --reply='INVITE dave=503;retry-after=7' --redirect=sip:other@192.0.2.7
	caller <<-'L'
	> INVITE sdp
	< 302
	+ Contact: sip:other@192.0.2.7
	> ACK
	L
	caller <<-'L'
	> INVITE sdp to=<sip:carol@127.0.0.1>
	< 603
	> ACK
	L
	caller <<-'L'
	> INVITE sdp to=<sip:dave@127.0.0.1>
	< 503
	+ Retry-After: ^ *7
	> ACK
	L
	listen_stops 0
	listens --answer='486 Not now'
	caller <<-'L'
	> INVITE sdp
	< 486
	> ACK
	L
	is 'SIP/2.0 486 Not now' "$(got SIP/2.0 1 | head -n 1)"
	listen_stops 0
	is 'd1:terminated/rejected' "$(dialogs)"
}

@test "what no answer can help: 420, 415, 488, 400; each call is over with its ACK" {
	listens
	caller <<-'L'
	> INVITE sdp
	+ Require: foo, 100rel, bar
	< 420
	+ Unsupported: foo
	+ Unsupported: bar
	+ !Unsupported: 100rel
	> ACK
	L
	caller <<-'L'
	> INVITE body=application/foo
	|x
	< 415
	+ Accept: application/sdp
	> ACK
	L
	caller <<-'L'
	> INVITE sdp
	+ Content-Encoding: gzip
	< 415
	+ Accept-Encoding: .
	> ACK
	L
	caller <<-'L'
	> INVITE body=application/sdp
	|v=0
	|o=sipp 1 1 IN IP4 127.0.0.1
	|s=-
	|c=IN IP4 127.0.0.1
	|t=0 0
	|m=audio 40000 RTP/AVP 97
	|a=rtpmap:97 SPEEX/16000
	< 100 optional
	< 488
	+ Warning: 30[0-9]
	> ACK
	L
	caller <<-'L'
	> INVITE body=application/sdp
	|v=what
	< 100 optional
	< 400
	> ACK
	L
	# the first failure decides: no common codec
	listen_stops 16
}

# ---- the ACK (13.3.1.4)

@test "the ACK is lost: the 200 comes again at T1, 2 T1 ... T2, and after 64*T1 a BYE" {
	listens --once --t1=10ms --t2=80ms
	caller -nr <<-'L'
	> INVITE sdp
	< 200
	< 200
	< 200
	< 200
	< 200
	< 200
	< 200
	< 200
	< 200
	< 200
	# the last one is due at 63 T1
	< 200 optional
	< BYE
	+ CSeq: [0-9]+ BYE
	> 200 OK
	L
	listened 14 'no ACK came'
	within 600 1500 "$(jq -n "$(events 'select(.type == "request" and .method == "BYE") | .elapsed_ms') - $(events 'select(.type == "request" and .method == "INVITE") | .elapsed_ms')")"
}

@test "the 200 is repeated on TCP too; an ACK with another CSeq is none (A57)" {
	for transport in udp tcp; do
		listens --once --t1=50ms
		caller -nr <<-'L'
		> INVITE sdp
		< 200
		> ACK cseq=9
		< 200
		< 200
		> ACK
		silence 250
		> BYE
		< 200
		L
		listened 0
		is 'd1:confirmed d1:terminated/remote-bye' "$(dialogs)"
	done
}

@test "the INVITE is repeated: the last response again, and one call only (A60)" {
	listens --once --ring=150ms
	caller -nr <<-'L'
	> INVITE sdp
	< 180
	> INVITE sdp again
	< 180
	< 200
	> ACK
	> BYE
	< 200
	L
	listened 0
	is 'd1:early d1:confirmed d1:terminated/remote-bye' "$(dialogs)"
	listens --answer=486 --t1=400ms
	caller -nr <<-'L'
	> INVITE sdp
	< 486
	> INVITE sdp again
	< 486
	# 17.2.1: and by itself, until the ACK
	< 486
	> ACK
	silence 900
	L
	listen_stops 0
}

# ---- reliable provisional responses (RFC 3262)

@test "100rel required: the 180 is reliable, with RSeq; the PRACK gets 200, then the answer comes" {
	listens --once --ring=100ms
	caller <<-'L'
	> INVITE sdp
	+ Require: 100rel
	< 180
	+ Require: 100rel
	+ RSeq: [1-9]
	+ Contact: sip:
	> PRACK
	+ RAck: [$rseq] 1 INVITE
	< 200
	+ CSeq: PRACK
	< 200
	+ CSeq: INVITE
	> ACK cseq=1
	> BYE
	< 200
	L
	listened 0
}

@test "no PRACK: the 180 comes again with a doubled wait; a wrong RAck is 481; after 64*T1 it is over with 5xx" {
	listens --once --ring=10s --t1=50ms
	caller -nr <<-'L'
	> INVITE sdp
	+ Require: 100rel
	< 180
	< 180
	> PRACK
	+ RAck: 1 1 INVITE
	< 481
	> PRACK
	+ RAck: [$rseq] 2 INVITE
	< 481
	< 180
	> PRACK
	+ RAck: [$rseq] 1 INVITE
	< 200
	silence 300
	# and once more: nothing waits for it
	> PRACK
	+ RAck: [$rseq] 1 INVITE
	< 481
	> CANCEL
	< 200
	< 487
	> ACK
	L
	listened 0
	is 1 "$(for i in 1 2 3; do got 'SIP/2.0 180' $i | field RSeq; done | sort -u | wc -l)"
	listens --once --ring=10s --t1=10ms
	caller -nr <<-'L'
	> INVITE sdp
	+ Require: 100rel
	< 180
	< 180 optional
	< 180 optional
	< 180 optional
	< 180 optional
	< 180 optional
	< 180 optional
	< 180 optional
	< 504
	> ACK
	L
	listened 0
}

@test "--100rel=no with Require: 420; --100rel=require and no support: 421" {
	listens --once --100rel=no
	caller <<-'L'
	> INVITE sdp
	+ Require: 100rel
	< 420
	+ Unsupported: 100rel
	> ACK
	L
	listened 0
	listens --once --100rel=require --ring=50ms
	caller <<-'L'
	> INVITE sdp
	< 421
	+ Require: 100rel
	> ACK
	L
	listened 0
	listens --once --100rel=no --ring=50ms
	caller <<-'L'
	> INVITE sdp
	+ Supported: 100rel
	< 180
	+ !Require: 100rel
	+ !RSeq: .
	< 200
	> ACK
	> BYE
	< 200
	L
	listened 0
}

# ---- offers and answers

@test "an INVITE without an offer: ours is in the 200, theirs in the ACK; without one BYE and exit 16" {
	listens --once
	caller <<-'L'
	> INVITE
	< 200
	+ Content-Type: application/sdp
	+ body: m=audio [1-9][0-9]* RTP/AVP 0 8
	> ACK sdp
	> BYE
	< 200
	L
	listened 0
	is PCMU/8000 "$(events 'select(.type == "dialog" and .state == "confirmed") | .codec')"
	listens --once
	caller <<-'L'
	> INVITE
	< 200
	> ACK
	< BYE
	+ Reason: 488
	> 200 OK
	L
	listened 16
}

@test "an INVITE without an offer and 100rel: our offer in the 180, the answer in the PRACK" {
	listens --once --ring=100ms
	caller <<-'L'
	> INVITE
	+ Require: 100rel
	< 180
	+ Content-Type: application/sdp
	+ body: m=audio
	> PRACK sdp
	+ RAck: [$rseq] 1 INVITE
	< 200
	+ CSeq: PRACK
	< 200
	+ CSeq: INVITE
	+ Content-Length: ^ *0
	> ACK cseq=1
	> BYE
	< 200
	L
	listened 0
}

@test "hold, resume and an empty re-INVITE of the caller; UPDATE; the peer's new target is used" {
	listens --once --do=wait:400ms --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	> INVITE sdp=sendonly
	< 200
	+ body: a=recvonly
	> ACK
	> INVITE sdp=sendrecv contact=sip:moved@127.0.0.1:5070
	< 200
	+ body: a=sendrecv
	> ACK
	> INVITE contact=sip:moved@127.0.0.1:5070
	< 200
	+ body: m=audio
	> ACK sdp
	> UPDATE sdp=sendonly contact=sip:moved@127.0.0.1:5070
	< 200
	+ body: a=recvonly
	< BYE
	+ CSeq: [0-9]+ BYE
	> 200 OK
	L
	listened 0
	is 'BYE sip:moved@127.0.0.1:5070 SIP/2.0' "$(got BYE | head -n 1)"
	is 'recvonly sendrecv sendrecv recvonly' "$(events 'select(.type == "dialog" and .change) | .media_direction')"
}

@test "hold and resume of ours; glare: ours is refused with 491 and goes again within 2 s" {
	listens --once --do=hold --do=resume --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< INVITE
	+ CSeq: ^ *1 INVITE
	+ body: a=sendonly
	> 200 OK sdp=recvonly
	< ACK
	< INVITE
	+ body: a=sendrecv
	> INVITE sdp
	< 491
	> ACK
	> 491 Request Pending for=INVITE
	< ACK
	< INVITE
	+ CSeq: ^ *3 INVITE
	> 200 OK sdp=sendrecv
	< ACK
	< BYE
	> 200 OK
	L
	listened 0
	# 14.1: the Call-ID is theirs: 0 to 2 s
	within 0 2050 "$(jq -n "$(events 'select(.type == "request" and .method == "INVITE" and .direction == "sent" and .cseq == 3) | .elapsed_ms') - $(events 'select(.type == "response" and .direction == "received" and .status_code == 491) | .elapsed_ms')")"
}

@test "a second INVITE while the first rings: 500 with Retry-After (14.2)" {
	listens --once --ring=400ms
	caller -nr <<-'L'
	> INVITE sdp
	< 180
	> INVITE sdp cseq=2 to=[$peer] uri=[$target]
	< 500
	+ Retry-After: ^ *([0-9]|10)$
	> ACK cseq=2 uri=[$target]
	< 200
	> ACK cseq=1
	> BYE
	< 200
	L
	listened 0
}

# ---- CANCEL (9.2), BYE

@test "CANCEL while it rings: 200 and 487; behind the 200 it changes nothing; of nothing 481" {
	listens --once --ring=5s
	caller <<-'L'
	> INVITE sdp
	< 180
	pause 50
	> CANCEL
	+ Reason: SIP;cause=200;text="Call completed elsewhere"
	< 200
	+ CSeq: CANCEL
	< 487
	+ CSeq: INVITE
	> ACK
	L
	listened 0
	is 'd1:early d1:terminated/cancelled' "$(dialogs)"
	is 'SIP;cause=200;text="Call completed elsewhere"' "$(events 'select(.cause == "cancelled") | .reason')"
	# 9.2: the To tag of the 200 to the CANCEL is that of the INVITE's answers
	is "$(got 'SIP/2.0 487' | field To)" "$(got 'SIP/2.0 200' | field To)"
	listens --once
	caller <<-'L'
	> INVITE sdp
	< 200
	> CANCEL
	< 200
	+ CSeq: CANCEL
	> ACK cseq=1
	pause 50
	> BYE
	< 200
	L
	listened 0
	listens
	caller <<-'L'
	> CANCEL cseq=1 branch=z9hG4bKnone
	< 481
	L
	listen_stops 0
}

@test "BYE before the answer: 200, and 487 to the INVITE (15.1.2); a BYE of ours with --do=bye" {
	listens --once --ring=5s
	caller <<-'L'
	> INVITE sdp
	< 180
	> BYE uri=[$target]
	< 200
	+ CSeq: BYE
	< 487
	+ CSeq: INVITE
	> ACK cseq=1
	L
	listened 0
	listens --once --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< BYE
	+ CSeq: ^ *1 BYE
	+ From: ;tag=
	+ To: ;tag=sipp
	> 200 OK
	L
	listened 0
	is 'd1:confirmed d1:terminated/local-bye' "$(dialogs)"
	is "$(got 'SIP/2.0 200' | field To)" "$(got BYE | field From)"
	is "$(sent INVITE | field From)" "$(got BYE | field To)"
}

@test "a BYE with a Reason; requests for a call that is over or never was: 481" {
	listens
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	> BYE
	+ Reason: Q.850;cause=31
	< 200
	> BYE
	< 481
	> INFO
	< 481
	> INVITE sdp
	< 481
	> ACK uri=[$target] branch=z9hG4bKgone to=[$peer]
	L
	caller <<-'L'
	> BYE to=<sip:rte@127.0.0.1>;tag=never uri=sip:rte@127.0.0.1:5080
	< 481
	> UPDATE to=<sip:rte@127.0.0.1>;tag=never uri=sip:rte@127.0.0.1:5080
	< 481
	> NOTIFY to=<sip:rte@127.0.0.1>;tag=never
	+ Event: refer
	+ Subscription-State: active
	< 481
	L
	listen_stops 0
	is 'Q.850;cause=31' "$(events 'select(.cause == "remote-bye") | .reason')"
}

# ---- routes (12.1.1, 12.2.1.1)

@test "Record-Route is in every answer that makes a dialog, and our requests follow it; a strict router first" {
	listens --once --ring=50ms --do=bye
	caller <<-'L'
	> INVITE sdp contact=sip:far@192.0.2.1
	+ Record-Route: <sip:127.0.0.1:5070;lr;x=1>, <sip:p1.invalid;lr>
	+ Record-Route: <sip:p2.invalid;lr>
	< 180
	+ Record-Route: <sip:127.0.0.1:5070;lr;x=1>
	< 200
	> ACK
	< BYE
	> 200 OK
	L
	listened 0
	is '<sip:127.0.0.1:5070;lr;x=1>,<sip:p1.invalid;lr>,<sip:p2.invalid;lr>' "$(got 'SIP/2.0 200' | field Record-Route | tr '\n' ',' | sed 's/, */,/g; s/,$//')"
	is '<sip:127.0.0.1:5070;lr;x=1>,<sip:p1.invalid;lr>,<sip:p2.invalid;lr>' "$(got BYE | field Route | tr '\n' ',' | sed 's/, */,/g; s/,$//')"
	is 'BYE sip:far@192.0.2.1 SIP/2.0' "$(got BYE | head -n 1)"
	listens --once --do=bye
	caller <<-'L'
	> INVITE sdp contact=sip:far@192.0.2.1
	+ Record-Route: <sip:127.0.0.1:5070>, <sip:second.invalid;lr>
	< 200
	> ACK
	< BYE
	> 200 OK
	L
	listened 0
	is 'BYE sip:127.0.0.1:5070 SIP/2.0' "$(got BYE | head -n 1)"
	is '<sip:second.invalid;lr>,<sip:far@192.0.2.1>' "$(got BYE | field Route | tr '\n' ',' | sed 's/, */,/g; s/,$//')"
}

# ---- session timers (RFC 4028)

@test "Session-Expires below 90: 422 with Min-SE; --min-se raises it; no support, no timer" {
	listens --min-se=200s
	caller <<-'L'
	> INVITE sdp
	+ Supported: timer
	+ Session-Expires: 100
	< 422
	+ Min-SE: ^ *200
	> ACK
	L
	# section 9: without support the timer is the server's own matter
	caller <<-'L'
	> INVITE sdp
	< 200
	+ !Session-Expires: .
	> ACK
	> BYE
	< 200
	L
	listen_stops 0
}

# timed ARG...: listens, with a clock 60 times ($factor) faster
timed() {
	listen_port=$((port + 10))
	lapsing "${factor:-60}"
	"${with[@]}" "$RTE" listen --json --once --listen="udp:127.0.0.1:$listen_port" --timeout=10m --t1=30s --t2=30s "$@" \
		>"$BATS_TEST_TMPDIR/listen-$port.out" 2>"$BATS_TEST_TMPDIR/listen-$port.err" </dev/null 3>&- &
	spawned=$!
	reap+=("$spawned")
	printed "listen-$port" '"type":"listening"'
}
# since_call METHOD: when the first such request went, in ms since the 200 that agreed on the session's time
since_call() {
	jq -n "$(events "select(.type == \"request\" and .method == \"$1\") | .elapsed_ms") - $(events 'select(.type == "session_timer" and .action == "negotiated") | .elapsed_ms')"
}
timer_we() {
	port=5071
	timed
	caller <<-'L'
	> INVITE sdp
	+ Supported: timer
	+ Allow: INVITE, ACK, CANCEL, BYE, UPDATE
	+ Session-Expires: 90;refresher=uas
	< 200
	+ Session-Expires: ^ *90;refresher=uas
	> ACK
	< UPDATE
	+ Session-Expires: ^ *90;refresher=uac
	> 200 OK
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	> BYE
	< 200
	L
	listened 0
	is 'negotiated refreshed' "$(events 'select(.type == "session_timer") | .action')"
	is 'true true' "$(events 'select(.type == "session_timer") | .local')"
	apart 45000 50000 "$(since_call UPDATE)"
}
timer_they() {
	port=5072
	factor=30 timed
	caller <<-'L'
	> INVITE sdp
	+ Supported: timer
	+ Session-Expires: 90;refresher=uac
	< 200
	+ Session-Expires: ^ *90;refresher=uac
	+ Require: timer
	> ACK
	pause 1200
	> INVITE sdp
	+ Supported: timer
	+ Session-Expires: 90;refresher=uac
	< 200
	+ Session-Expires: ^ *90;refresher=uac
	> ACK
	pause 1200
	> UPDATE
	+ Supported: timer
	+ Session-Expires: 90;refresher=uac
	< 200
	+ Session-Expires: ^ *90;refresher=uac
	> BYE
	< 200
	L
	listened 0
	is 'negotiated refreshed refreshed' "$(events 'select(.type == "session_timer") | .action')"
}
timer_nobody() {
	port=5073
	timed
	caller <<-'L'
	> INVITE sdp
	+ Supported: timer
	+ Session-Expires: 90;refresher=uac
	< 200
	> ACK
	< BYE
	> 200 OK
	L
	listened 19
	is 'negotiated expired' "$(events 'select(.type == "session_timer") | .action')"
	apart 60000 66000 "$(since_call BYE)"
}

# bats test_tags=release
@test "session timers: we refresh, they refresh, nobody does" {
	together timer_we timer_they timer_nobody
}

# ---- Replaces and Join (RFC 3891, 3911)

# second LADDER: another SIPp calls while the first is at it
second() {
	port=5071 listen_port=$listen_port caller "$@"
}

@test "Replaces: the new call takes the old one's place, which ends with a BYE; unknown 481, early-only 486, twice 400; Join 481" {
	listens
	held=$listen_port
	sipp_hold <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< BYE
	> 200 OK
	L
	printed "listen-$port" '"state":"confirmed"'
	local tag call
	call=$(jq -rR 'fromjson? | select(.state == "confirmed") | .call_id' "$BATS_TEST_TMPDIR/listen-5070.out")
	tag=$(jq -rR 'fromjson? | select(.state == "confirmed") | .local_tag' "$BATS_TEST_TMPDIR/listen-5070.out")
	port=5071
	listen_port=$held
	replacing() { # STATUS HEADER...
		local status=$1
		shift
		caller <<-L
		> INVITE sdp tag=new
		$(printf '+ %s\n' "$@")
		< $status
		> ACK
		L
	}
	replacing 481 "Replaces: none@here;to-tag=$tag;from-tag=sipp"
	replacing 481 "Replaces: $call;to-tag=other;from-tag=sipp"
	replacing 481 "Replaces: $call;to-tag=sipp;from-tag=$tag"
	replacing 486 "Replaces: $call;to-tag=$tag;from-tag=sipp;early-only"
	replacing 400 "Replaces: $call;to-tag=$tag;from-tag=sipp" "Replaces: $call;to-tag=$tag;from-tag=sipp"
	replacing 400 "Replaces: $call;to-tag=$tag;from-tag=sipp" "Join: $call;to-tag=$tag;from-tag=sipp"
	replacing 481 "Join: $call;to-tag=$tag;from-tag=sipp"
	caller <<-L
	> INVITE sdp tag=new
	+ Require: replaces
	+ Replaces: $call;to-tag=$tag;from-tag=sipp
	< 200
	> ACK tag=new
	> BYE tag=new
	< 200
	L
	port=5070
	phone_ends
	listen_stops 0
	is replaced "$(events "select(.type == \"dialog\" and .call_id == \"$call\" and .state == \"terminated\") | .cause")"
}
# sipp_hold <LADDER: a caller in the background; phone_ends tells how it went
sipp_hold() {
	local dir
	scenario "$BATS_TEST_TMPDIR/sipp-$port"
	sipp_command "127.0.0.1:$listen_port" "${scenario[@]}"
	"${sipp[@]}" </dev/null >"$dir/screen" 2>&1 3>&- &
	phones[$port]=$!
	reap+=($!)
}

# ---- REFER

@test "REFER in the call: declined; followed; outside of a call: declined, and followed when asked for" {
	listens --once
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5071>
	< 603
	> BYE
	< 200
	L
	listened 0
	port=5071 phone <<-'L'
	< INVITE
	+ Referred-By: <sip:sipp@127.0.0.1>
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	listens --once --on-refer=follow
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5071>
	+ Referred-By: <sip:sipp@127.0.0.1>
	< 202
	< NOTIFY
	+ Event: ^ *refer
	+ body: SIP/2.0 100
	> 200 OK
	< NOTIFY
	+ Subscription-State: ^ *terminated
	+ body: SIP/2.0 200
	> 200 OK
	> BYE
	< 200
	L
	listened 0
	port=5071 phone_ends
	listens --once
	caller <<-'L'
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5071>
	< 603
	L
	listened 0
}

@test "refer of ours from an answered call" {
	listens --once --do=refer:sip:carol@127.0.0.1:5079 --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< REFER
	+ Refer-To: sip:carol@127.0.0.1:5079
	+ CSeq: ^ *1 REFER
	> 202 Accepted
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: terminated;reason=noresource
	|SIP/2.0 200 OK
	< 200
	< BYE
	> 200 OK
	L
	listened 0
	is 200 "$(events 'select(.type == "transfer" and .state == "terminated") | .status_code')"
}

# ---- requests within

@test "MESSAGE, INFO, OPTIONS and the unknown within; CSeq out of order, and the same again" {
	listens --once
	caller <<-'L'
	> INVITE sdp cseq=100
	< 200
	> ACK cseq=100
	> MESSAGE body=text/plain cseq=101
	|hello
	< 200
	> INFO cseq=102
	< 200
	> OPTIONS cseq=103
	< 200
	+ Allow: INVITE
	> WHAT cseq=104
	< 501
	> INFO cseq=103
	< 500
	> INFO cseq=100
	< 500
	> BYE cseq=99
	< 500
	> INFO cseq=105
	+ Require: nothing
	< 420
	+ Unsupported: nothing
	> BYE cseq=106
	< 200
	L
	listened 0
	is 'MESSAGE INFO' "$(events 'select(.type == "message") | .method')"
}

@test "MESSAGE and INFO of ours within a call that was answered; 481 is lost: exit 19" {
	echo x >"$BATS_TEST_TMPDIR/x"
	listens --once --do=message:hello "--do=info:text/x@$BATS_TEST_TMPDIR/x" --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< MESSAGE
	+ CSeq: ^ *1 MESSAGE
	+ body: ^hello
	> 200 OK
	< INFO
	+ Content-Type: text/x
	> 200 OK
	< BYE
	> 200 OK
	L
	listened 0
	listens --once --do=message:hello --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< MESSAGE
	> 481 Gone
	< BYE
	> 481 Gone
	L
	listened 19
}

@test "a re-INVITE behind our BYE (A53): 481, and the BYE goes on" {
	listens --once --do=bye
	caller <<-'L'
	> INVITE sdp
	< 200
	> ACK
	< BYE
	> INVITE sdp
	< 481
	> ACK uri=[$target]
	> 200 OK for=BYE
	L
	listened 0
}

@test "--challenge: asked once, any answer is taken; the ACK of the 401 ends that transaction" {
	listens --once --challenge=rte.test
	caller <<-'L'
	> INVITE sdp
	< 401
	+ WWW-Authenticate: Digest .*realm="rte.test"
	> ACK
	> INVITE sdp
	+ Authorization: Digest username="a", realm="rte.test", nonce="x", uri="sip:x", response="00000000000000000000000000000000"
	< 200
	> ACK
	> BYE
	< 200
	L
	listened 0
}

@test "calls at once, each of its own: one answered, one ringing, one cancelled" {
	listens -c 3 --ring=100ms
	held=$listen_port
	one() { port=5071 listen_port=$held caller <<<"$two_calls"; }
	two() { port=5072 listen_port=$held caller <<<"$two_calls"; }
	three() {
		port=5073 listen_port=$held caller <<-'L'
		> INVITE sdp
		< 180
		pause 50
		> CANCEL
		< 200
		< 487
		> ACK
		L
	}
	two_calls='> INVITE sdp
	< 180
	< 200
	> ACK
	pause 100
	> BYE
	< 200'
	together one two three
	listened 0
	is 3 "$(record 'select(.type == "dialog" and .state == "terminated") | .dialog' | sort -u | wc -l)"
	is '1 cancelled 2 remote-bye' "$(record 'select(.type == "dialog" and .state == "terminated") | .cause' | sort | uniq -c | awk '{ printf "%s%s %s", s, $1, $2; s = " " }')"
}
