#!/usr/bin/env bats
# tests/interop/call_sipp_uas.bats -- rte calls SIPp; the ladders are as SIPp sees them (ladder.awk)

load calls

setup() {
	client_home
}
teardown() {
	sipp_last
	reap_all
}

# ---- the plain call

builtin_uas() {
	# it lingers for 4 s to answer repeated BYEs, and calls a connection that closes meanwhile a failure
	phone -sn uas -reconnect_close false </dev/null
	invites 0 --duration=50ms
	is 'd1:trying d1:early d1:confirmed d1:terminated/local-bye' "$(dialogs)"
	is '180 200 200' "$(events 'select(.type == "response") | .status_code')"
	is 'INVITE ACK BYE' "$(events 'select(.type == "request") | .method')"
	is "$transport" "$(events 'select(.type == "request" and .method == "BYE") | .remote.transport')"
	is "$ip" "$(events 'select(.type == "request" and .method == "BYE") | .remote.address')"
}

udp4() { port=5071 builtin_uas; }
tcp4() { port=5072 transport=tcp builtin_uas; }
udp6() { port=5073 ip=::1 builtin_uas; }
tcp6() { port=5074 ip=::1 transport=tcp builtin_uas; }

@test "SIPp's own uas scenario: UDP and TCP, IPv4 and IPv6" {
	together udp4 tcp4 udp6 tcp6
}

@test "a call from 100 to BYE: what each request says of itself; the lines for people" {
	phone <<-'L'
	< INVITE
	+ Max-Forwards: ^ *70
	+ Contact: ^ *<sip:[^@>]+@127.0.0.1:[0-9]+>
	+ Content-Type: application/sdp
	+ Allow: INVITE.*ACK.*CANCEL.*BYE
	+ CSeq: ^ *1 INVITE
	+ body: m=audio [1-9][0-9]* RTP/AVP 0
	> 100 Trying
	> 180 Ringing
	> 200 OK sdp
	< ACK
	+ CSeq: ^ *1 ACK
	+ To: ;tag=sipp
	+ Max-Forwards: ^ *70
	+ Content-Length: ^ *0
	< BYE
	+ CSeq: ^ *2 BYE
	+ To: ;tag=sipp
	> 200 OK
	L
	rte invite sip:sipp@127.0.0.1:5070
	[ "$status" = 0 ] || what_happened
	phone_ends
	says '^180 Ringing +[0-9]\.[0-9] s$'
	says '^200 OK +[0-9]\.[0-9] s  PCMU$'
	says '^ended +local  [0-9.]+ s  duration 0\.0 s$'
	is 3 "$(wc -l <<<"$output")"
	# 13.2.2.4: a new transaction for the ACK; 12.1.2: the dialog's tags and target
	is 3 "$(printf '%s\n' "$(got INVITE | field Via)" "$(got ACK | field Via)" "$(got BYE | field Via)" | sort -u | wc -l)"
	is "$(got INVITE | field From)" "$(got ACK | field From)"
	is "$(got INVITE | field From)" "$(got BYE | field From)"
	is 'ACK sip:sipp@127.0.0.1:5070;transport=UDP SIP/2.0' "$(got ACK | head -n 1)"
	is 'BYE sip:sipp@127.0.0.1:5070;transport=UDP SIP/2.0' "$(got BYE | head -n 1)"
}

@test "the remote target is the Contact of the 2xx, not the one of the INVITE's answer before" {
	phone <<-'L'
	< INVITE
	> 180 Ringing contact=sip:ringing@127.0.0.1:5070
	> 200 OK sdp contact=sip:answered@127.0.0.1:5070;x=1
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	is 'ACK sip:answered@127.0.0.1:5070;x=1 SIP/2.0' "$(got ACK | head -n 1)"
	is 'BYE sip:answered@127.0.0.1:5070;x=1 SIP/2.0' "$(got BYE | head -n 1)"
	is 'sip:answered@127.0.0.1:5070;x=1' "$(events 'select(.state == "confirmed") | .remote_target')"
}

@test "the callee hangs up, with a Reason; with steps left that is exit 18" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> BYE
	+ Reason: Q.850;cause=16;text="Normal call clearing"
	< 200
	L
	invites 0 --duration=5s
	is 'd1:trying d1:confirmed d1:terminated/remote-bye' "$(dialogs)"
	is 'Q.850;cause=16;text="Normal call clearing"' "$(events 'select(.cause == "remote-bye") | .reason')"
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> BYE
	< 200
	L
	invites 18 --do=wait:5s --do=message:late
}

# ---- forks

@test "two early dialogs, one answer: the other branch ends with it" {
	phone <<-'L'
	< INVITE
	> 180 Ringing tag=a
	> 183 Progress tag=b
	> 200 OK sdp tag=b
	< ACK
	+ To: ;tag=b
	< BYE
	+ To: ;tag=b
	> 200 OK
	L
	invites 0 --duration=100ms
	is 'a b' "$(events 'select(.type == "dialog" and .state == "early") | .remote_tag')"
	is b "$(events 'select(.type == "dialog" and .state == "confirmed") | .remote_tag')"
	is 'a b' "$(events 'select(.type == "dialog" and .state == "terminated") | .remote_tag' | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
}

@test "two 2xx of one INVITE: each gets its ACK, the second a BYE at once" {
	phone <<-'L'
	< INVITE
	> 180 Ringing tag=a
	> 200 OK sdp tag=a
	< ACK
	+ To: ;tag=a
	> 200 OK sdp tag=b for=INVITE
	< ACK
	+ To: ;tag=b
	+ CSeq: ^ *1 ACK
	< BYE
	+ To: ;tag=b
	+ CSeq: ^ *2 BYE
	> 200 OK
	< BYE
	+ To: ;tag=a
	+ CSeq: ^ *2 BYE
	> 200 OK
	L
	invites 0 --duration=300ms
	is 'd1:trying d1:early d1:confirmed d2:confirmed/extra d2:terminated/local-bye/extra d1:terminated/local-bye' "$(dialogs)"
}

@test "the second 2xx comes when the first is hung up already" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp tag=a
	< ACK
	+ To: ;tag=a
	< BYE
	+ To: ;tag=a
	> 200 OK sdp tag=b for=INVITE
	< ACK
	+ To: ;tag=b
	< BYE
	+ To: ;tag=b
	> 200 OK
	> 200 OK for=BYE1
	L
	# RFC 3261 13.2.2.4 and the manual: nobody who answers late is forgotten
	invites 0
}

# ---- reliable provisional responses (RFC 3262)

@test "--100rel=require: Require in the INVITE; the PRACK names the response; answer in the 183" {
	phone <<-'L'
	< INVITE
	+ Require: 100rel
	> 183 Progress sdp
	+ Require: 100rel
	+ RSeq: 4711
	< PRACK
	+ RAck: ^ *4711 1 INVITE
	+ CSeq: ^ *2 PRACK
	+ To: ;tag=sipp
	> 200 OK
	> 200 OK for=INVITE
	< ACK
	+ CSeq: ^ *1 ACK
	< BYE
	+ CSeq: ^ *3 BYE
	> 200 OK
	L
	invites 0 --100rel=require
	is PCMU/8000 "$(events 'select(.state == "confirmed") | .codec')"
}

@test "100rel is offered unasked; a repeated 18x gets one PRACK, one out of order none" {
	phone -nr <<-'L'
	< INVITE
	+ Supported: 100rel
	+ !Require: 100rel
	> 180 Ringing
	+ Require: 100rel
	+ RSeq: 100
	< PRACK
	+ RAck: ^ *100 1 INVITE
	> 180 Ringing for=INVITE
	+ Require: 100rel
	+ RSeq: 100
	> 180 Ringing for=INVITE
	+ Require: 100rel
	+ RSeq: 102
	silence 150
	> 200 OK for=PRACK
	> 180 Ringing for=INVITE
	+ Require: 100rel
	+ RSeq: 101
	< PRACK
	+ RAck: ^ *101 1 INVITE
	+ CSeq: ^ *3 PRACK
	> 200 OK
	> 200 OK sdp for=INVITE
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	is 2 "$(count PRACK)"
}

@test "reliable 18x of two branches: each has its own RSeq" {
	phone <<-'L'
	< INVITE
	> 180 Ringing tag=a
	+ Require: 100rel
	+ RSeq: 7
	< PRACK
	+ To: ;tag=a
	+ RAck: ^ *7 1 INVITE
	> 200 OK
	> 180 Ringing tag=b for=INVITE
	+ Require: 100rel
	+ RSeq: 7
	< PRACK
	+ To: ;tag=b
	+ RAck: ^ *7 1 INVITE
	> 200 OK
	> 200 OK sdp tag=b for=INVITE
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
}

@test "a PRACK that is refused: the call goes on with the 2xx; --100rel=no says nothing of it" {
	phone <<-'L'
	< INVITE
	> 180 Ringing
	+ Require: 100rel
	+ RSeq: 1
	< PRACK
	> 481 Call/Transaction Does Not Exist
	> 200 OK sdp for=INVITE
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	phone <<-'L'
	< INVITE
	+ !Supported: 100rel
	+ !Require: 100rel
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	invites 0 --100rel=no
}

# ---- offers and answers

@test "late offer: none in the INVITE, the answer in the ACK; in the PRACK when the 183 offers" {
	phone <<-'L'
	< INVITE
	+ !Content-Type: .
	+ Content-Length: ^ *0
	> 200 OK sdp
	< ACK
	+ Content-Type: application/sdp
	+ body: m=audio [1-9][0-9]* RTP/AVP 0
	< BYE
	> 200 OK
	L
	invites 0 --sdp=late
	is PCMU/8000 "$(events 'select(.state == "confirmed") | .codec')"
	phone <<-'L'
	< INVITE
	+ Content-Length: ^ *0
	> 183 Progress sdp
	+ Require: 100rel
	+ RSeq: 5
	< PRACK
	+ Content-Type: application/sdp
	+ body: m=audio [1-9][0-9]* RTP/AVP 0
	> 200 OK
	> 200 OK for=INVITE
	< ACK
	+ Content-Length: ^ *0
	< BYE
	> 200 OK
	L
	invites 0 --sdp=late
}

@test "an answer that cannot be used: ACK and BYE, exit 16" {
	phone <<-'L'
	< INVITE
	> 200 OK body=application/sdp
	|v=what
	|o=sipp
	< ACK
	< BYE
	> 200 OK
	L
	invites 16
	phone <<-'L'
	< INVITE
	> 200 OK
	< ACK
	< BYE
	> 200 OK
	L
	invites 16
	# a late offer of a codec that we do not have is answered with the stream refused, or ended: not taken
	phone <<-'L'
	< INVITE
	> 200 OK body=application/sdp
	|v=0
	|o=sipp 1 1 IN IP4 127.0.0.1
	|s=-
	|c=IN IP4 127.0.0.1
	|t=0 0
	|m=audio 40000 RTP/AVP 97
	|a=rtpmap:97 SPEEX/16000
	< ACK
	+ body: m=audio 0 RTP/AVP 97
	< BYE
	> 200 OK
	L
	invites 16 --sdp=late
}

@test "hold and resume: re-INVITE with the direction and a new version of the description" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INVITE
	+ CSeq: ^ *2 INVITE
	+ To: ;tag=sipp
	+ body: a=sendonly
	> 200 OK sdp=recvonly
	< ACK
	+ CSeq: ^ *2 ACK
	< INVITE
	+ CSeq: ^ *3 INVITE
	+ body: a=sendrecv
	> 200 OK sdp=sendrecv
	< ACK
	< BYE
	+ CSeq: ^ *4 BYE
	> 200 OK
	L
	invites 0 --do=hold --do=resume
	is 'd1:trying d1:confirmed d1:confirmed/hold d1:confirmed/resume d1:terminated/local-bye' "$(dialogs)"
	is 'sendrecv sendonly sendrecv' "$(events 'select(.state == "confirmed") | .media_direction')"
	# RFC 3264 section 8: same origin, version + 1
	is "$(got 'INVITE' 1 | sed -n 's/^o=//p' | awk '{ print $2, $3 + 1 }')" "$(got INVITE 2 | sed -n 's/^o=//p' | awk '{ print $2, $3 }')"
	is "$(got 'INVITE' 2 | sed -n 's/^o=//p' | awk '{ print $2, $3 + 1 }')" "$(got INVITE 3 | sed -n 's/^o=//p' | awk '{ print $2, $3 }')"
}

@test "the callee holds, resumes, asks for our offer, and sends UPDATE: each is answered in kind" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> INVITE sdp=sendonly
	< 200
	+ body: a=recvonly
	> ACK
	> INVITE sdp=inactive
	< 200
	+ body: a=inactive
	> ACK
	> INVITE
	< 200
	+ Content-Type: application/sdp
	+ body: a=sendrecv
	> ACK sdp=sendrecv
	> UPDATE sdp=sendonly
	< 200
	+ body: a=recvonly
	> UPDATE sdp=sendrecv
	< 200
	+ body: a=sendrecv
	> BYE
	< 200
	L
	invites 0 --duration=5s
	is 'recvonly inactive sendrecv recvonly sendrecv' "$(events 'select(.type == "dialog" and .change) | .media_direction')"
	is 0 "$(got 'SIP/2.0 200' 1 | grep -c '^a=sendonly' || true)"
}

@test "UPDATE of ours; a re-INVITE that is refused leaves the call as it was" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	+ Allow: INVITE, ACK, CANCEL, BYE, UPDATE
	< ACK
	< UPDATE
	+ CSeq: ^ *2 UPDATE
	+ Contact: sip:
	+ body: m=audio
	> 200 OK sdp
	< BYE
	+ CSeq: ^ *3 BYE
	> 200 OK
	L
	invites 0 --do=update
	is 'd1:trying d1:confirmed d1:confirmed/update d1:terminated/local-bye' "$(dialogs)"
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INVITE
	> 488 Not Acceptable Here
	+ Warning: 305 sipp "Incompatible media format"
	< ACK
	+ CSeq: ^ *2 ACK
	< BYE
	> 200 OK
	L
	invites 4 --do=hold
	is '305 sipp "Incompatible media format"' "$(events 'select(.type == "error") | .warning')"
	is 'd1:trying d1:confirmed d1:terminated/local-bye' "$(dialogs)"
}

@test "--on-reinvite=488: re-INVITE and UPDATE are refused, the call stays" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> INVITE sdp=sendonly
	< 488
	> ACK
	> UPDATE sdp=sendonly
	< 488
	> BYE
	< 200
	L
	invites 0 --duration=5s --on-reinvite=488
	is 'd1:trying d1:confirmed d1:terminated/remote-bye' "$(dialogs)"
}

@test "an offer within that cannot be taken: 488, 415, and the call stays" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> INVITE body=application/sdp
	|v=0
	|o=sipp 1 9 IN IP4 127.0.0.1
	|s=-
	|c=IN IP4 127.0.0.1
	|t=0 0
	|m=audio 40000 RTP/AVP 97
	|a=rtpmap:97 SPEEX/16000
	< 488
	> ACK
	> INVITE body=application/foo
	|bar
	< 415
	+ Accept: application/sdp
	> ACK
	> BYE
	< 200
	L
	invites 0 --duration=5s
}

# ---- glare (14.1, 14.2)

glare() {
	port=5071
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INVITE
	+ CSeq: ^ *2 INVITE
	> INVITE sdp=sendonly
	< 491
	> ACK
	> 491 Request Pending for=INVITE
	< ACK
	+ CSeq: ^ *2 ACK
	< INVITE
	+ CSeq: ^ *3 INVITE
	+ body: a=sendonly
	> 200 OK sdp=recvonly
	< ACK
	< BYE
	> 200 OK
	L
	invites 0 --do=hold
	is 'd1:trying d1:confirmed d1:confirmed/hold d1:terminated/local-bye' "$(dialogs)"
	# we own the Call-ID: 2.1 to 4 s
	within 2100 4050 "$(jq -n "$(events 'select(.type == "request" and .method == "INVITE" and .cseq == 3) | .elapsed_ms') - $(events 'select(.type == "response" and .status_code == 491 and .direction == "received") | .elapsed_ms')")"
}
glare_update() {
	port=5072
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	+ Allow: INVITE, ACK, CANCEL, BYE, UPDATE
	< ACK
	< UPDATE
	> UPDATE sdp
	< 491
	> 200 OK sdp for=UPDATE
	< BYE
	> 200 OK
	L
	invites 0 --do=update
}
glare_twice() {
	port=5073
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INVITE
	> 491 Request Pending
	< ACK
	< INVITE
	> 491 Request Pending
	< ACK
	< BYE
	> 200 OK
	L
	invites 4 --do=reinvite
}

@test "glare: 491 to theirs while ours is on its way; ours goes again after 2.1 to 4 s, once" {
	together glare glare_update glare_twice
}

# ---- session timers (RFC 4028), an hour in seconds

timer_update() {
	port=5071
	phone <<-'L'
	< INVITE
	+ Session-Expires: ^ *90;refresher=uac
	+ Supported: timer
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	+ Allow: INVITE, ACK, CANCEL, BYE, UPDATE
	< ACK
	< UPDATE
	+ Session-Expires: ^ *90;refresher=uac
	+ CSeq: ^ *2 UPDATE
	+ Content-Length: ^ *0
	> 200 OK
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	< UPDATE
	+ Session-Expires: ^ *90;refresher=uac
	> 200 OK
	+ Session-Expires: 90;refresher=uac
	< BYE
	> 200 OK
	L
	timed 0 '--session-expires=90;uac' --duration=120s
	is 'negotiated refreshed refreshed' "$(events 'select(.type == "session_timer") | .action')"
	is 'UPDATE UPDATE' "$(events 'select(.type == "session_timer" and .method) | .method')"
	# RFC 4028 section 7.2, 10: half of the interval
	lapsed 45000 50000 "$(events 'select(.type == "request" and .method == "UPDATE" and .cseq == 2) | .elapsed_ms')"
}
timer_reinvite() {
	port=5072
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	+ Allow: INVITE, ACK, CANCEL, BYE
	< ACK
	< INVITE
	+ CSeq: ^ *2 INVITE
	+ Session-Expires: ^ *90;refresher=uac
	+ body: m=audio
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	< ACK
	< BYE
	> 200 OK
	L
	timed 0 --session-expires=90 --duration=70s
	# section 7.4: the description is the same, so is its version
	is "$(got INVITE 1 | grep '^o=')" "$(got INVITE 2 | grep '^o=')"
	is INVITE "$(events 'select(.type == "session_timer" and .action == "refreshed") | .method')"
}
timer_peer() { # the callee refreshes, by both methods
	port=5073
	phone <<-'L'
	< INVITE
	+ Session-Expires: ^ *90;refresher=uas
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uas
	+ Require: timer
	< ACK
	pause 500
	> UPDATE
	+ Session-Expires: 90;refresher=uac
	+ Supported: timer
	< 200
	+ Session-Expires: ^ *90;refresher=uac
	+ Require: timer
	pause 500
	> INVITE sdp
	+ Session-Expires: 90;refresher=uac
	+ Supported: timer
	< 200
	+ Session-Expires: ^ *90;refresher=uac
	+ Require: timer
	> ACK
	< BYE
	> 200 OK
	L
	timed 0 '--session-expires=90;uas' --duration=110s
	is 'negotiated refreshed refreshed' "$(events 'select(.type == "session_timer") | .action')"
	is 'false false false' "$(events 'select(.type == "session_timer") | .local')"
}
timer_expires() { # nobody refreshes: BYE before the end (section 10)
	port=5074
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uas
	+ Require: timer
	< ACK
	< BYE
	> 200 OK
	L
	timed 19 '--session-expires=90;uas' --duration=500s
	is 'negotiated expired' "$(events 'select(.type == "session_timer") | .action')"
	is 'd1:trying d1:confirmed d1:terminated/timeout' "$(dialogs)"
	# min(32 s, a third) before the end
	lapsed 60000 66000 "$(events 'select(.type == "request" and .method == "BYE") | .elapsed_ms')"
}
timer_silent() { # our refresh gets no answer: the session is lost (section 10)
	port=5075
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	+ Session-Expires: 90;refresher=uac
	+ Require: timer
	+ Allow: INVITE, ACK, CANCEL, BYE, UPDATE
	< ACK
	< UPDATE
	> 481 Gone
	< BYE
	> 200 OK
	L
	timed 19 --session-expires=90 --duration=500s
}
# timed CODE ARG...: as invites, with a clock 60 times faster
timed() {
	local code=$1
	shift
	lapsing 60
	captured "${with[@]}" "$RTE" invite --json --timeout=10m --t1=30s --t2=30s "$@" "sip:sipp@127.0.0.1:$port"
	exits "$code"
	phone_ends
}

# bats test_tags=release
@test "session timers: refresh by UPDATE and by re-INVITE, by the callee, by nobody, in vain" {
	together timer_update timer_reinvite timer_peer timer_expires timer_silent
}

@test "422: again with its Min-SE; a Min-SE that grows for ever, or is below what was asked for, ends" {
	phone <<-'L'
	< INVITE
	+ Session-Expires: ^ *90
	+ !Min-SE: ^ *200
	> 422 Session Interval Too Small
	+ Min-SE: 200
	< ACK
	< INVITE
	+ CSeq: ^ *2 INVITE
	+ Session-Expires: ^ *(200|[2-9][0-9][0-9])
	+ Min-SE: ^ *200
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	invites 0 --session-expires=90
	is "$(got INVITE 1 | field Call-ID)" "$(got INVITE 2 | field Call-ID)"
	phone <<-'L'
	label 1
	< INVITE timeout=500 else=2
	> 422 Session Interval Too Small
	+ Min-SE: 9[cseq]0
	< ACK
	goto 1
	label 2
	L
	invites 4 --session-expires=90
	within 2 5 "$(count INVITE)"
	# A76: a Min-SE below what was asked for is no reason to go on
	phone <<-'L'
	label 1
	< INVITE timeout=500 else=2
	> 422 Session Interval Too Small
	+ Min-SE: 80
	< ACK
	goto 1
	label 2
	L
	invites 4 --session-expires=90
	within 1 3 "$(count INVITE)"
}

# ---- CANCEL (section 9)

@test "CANCEL as soon as it rings: 487, ACK, exit 0, which is what was asked for" {
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	+ CSeq: ^ *1 CANCEL
	+ Content-Length: ^ *0
	+ !Require: .
	> 200 OK
	> 487 Request Terminated for=INVITE
	< ACK
	+ CSeq: ^ *1 ACK
	L
	invites 0 --cancel-after=1xx
	is 'd1:trying d1:early d1:terminated/cancelled' "$(dialogs)"
	# 9.1, 17.1.1.3: Request-URI, Via, From, To, Call-ID of the INVITE; the ACK has the To of the response
	is "$(got INVITE | head -n 1 | awk '{ print $2 }')" "$(got CANCEL | head -n 1 | awk '{ print $2 }')"
	for name in Via From To Call-ID; do
		is "$(got INVITE | field "$name")" "$(got CANCEL | field "$name")"
	done
	is "$(got INVITE | field Via)" "$(got ACK | field Via)"
	is "$(got INVITE | head -n 1 | awk '{ print $2 }')" "$(got ACK | head -n 1 | awk '{ print $2 }')"
	is "$(sent 'SIP/2.0 487' | field To)" "$(got ACK | field To)"
}

@test "CANCEL waits for the first 1xx (9.1); ring time over; an interrupt" {
	phone -nr <<-'L'
	< INVITE
	silence 300
	> 100 Trying for=INVITE
	< CANCEL
	> 200 OK
	> 487 Request Terminated for=INVITE
	< ACK
	L
	invites 0 --cancel-after=100ms --t1=1s
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	> 200 OK
	> 487 Request Terminated for=INVITE
	< ACK
	L
	invites 9 --ring-timeout=200ms
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	> 200 OK
	> 487 Request Terminated for=INVITE
	< ACK
	L
	spawn interrupted invite sip:sipp@127.0.0.1:5070
	printed interrupted '^180 Ringing'
	kill -INT "$spawned"
	spawned_ends 130 interrupted
	phone_ends
}

@test "CANCEL crosses with the 200: ACK and BYE" {
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	> 200 OK
	> 200 OK sdp for=INVITE
	< ACK
	+ To: ;tag=sipp
	< BYE
	+ CSeq: ^ *2 BYE
	> 200 OK
	L
	invites 0 --cancel-after=1xx
	# the 2xx was on its way before the CANCEL
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	> 200 OK sdp for=INVITE
	< ACK
	< BYE
	> 481 Call/Transaction Does Not Exist for=CANCEL
	> 200 OK for=BYE
	L
	invites 0 --cancel-after=1xx
}

@test "CANCEL is answered, the INVITE never: given up after 64*T1 (9.1)" {
	phone <<-'L'
	< INVITE
	> 180 Ringing
	< CANCEL
	> 200 OK
	silence 900
	L
	rte invite -j --cancel-after=1xx --t1=10ms sip:sipp@127.0.0.1:5070
	exits 0
	within 600 2000 "$(took)"
	phone_ends
}

# ---- retransmissions (section 17)

@test "an INVITE that is not answered goes again at T1, 2 T1, 4 T1; the same each time" {
	phone -nr <<-'L'
	< INVITE
	< INVITE
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	< BYE
	> 200 OK
	L
	invites 0 --t1=50ms
	is "$(got INVITE 1)" "$(got INVITE 2)"
	is "$(got INVITE 1)" "$(got INVITE 3)"
	is "$(got BYE 1)" "$(got BYE 2)"
	is 3 "$(events 'select(.type == "end") | .retransmissions')"
	is 'INVITE ACK BYE' "$(events 'select(.type == "request") | .method')"
}

@test "a repeated 2xx gets the ACK again, on TCP as well" {
	for transport in udp tcp; do
		phone -nr <<-'L'
		< INVITE
		> 200 OK sdp
		< ACK
		> 200 OK sdp for=INVITE
		< ACK
		> 200 OK sdp for=INVITE
		< ACK
		< BYE
		> 200 OK
		L
		invites 0 --duration=100ms
		is "$(got ACK 1 | field CSeq)" "$(got ACK 3 | field CSeq)"
		is 'd1:trying d1:confirmed d1:terminated/local-bye' "$(dialogs)"
	done
}

@test "a 2xx that comes again when the call is confirmed for long" {
	phone -nr <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	pause 100
	> 200 OK sdp for=INVITE
	< ACK
	+ CSeq: ^ *1 ACK
	> BYE
	< 200
	L
	invites 0 --duration=3s
}

@test "silence: seven INVITEs within 64 T1, exit 14" {
	phone -nr <<-'L'
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	silence 100
	L
	rte invite -j --t1=10ms sip:sipp@127.0.0.1:5070
	exits 14 'no response from 127\.0\.0\.1:5070 udp'
	within 640 1500 "$(took)"
	phone_ends
	is 6 "$(events 'select(.type == "end") | .retransmissions')"
}

@test "responses that are not ours change nothing (17.1.3, 18.1.2, 8.1.3.3)" {
	phone <<-'L'
	< INVITE
	# another branch, another sent-by, another method, a second Via
	> 486 Busy Here via=none for=INVITE
	+ Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKother
	> 486 Busy Here via=none for=INVITE
	+ Via: SIP/2.0/UDP 127.0.0.9:5060;[$branch_INVITE1]
	> 486 Busy Here cseq=none for=INVITE
	+ CSeq: 1 BYE
	> 486 Busy Here for=INVITE
	+ Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsecond
	pause 100
	> 200 OK sdp for=INVITE
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	is 'd1:trying d1:confirmed d1:terminated/local-bye' "$(dialogs)"
}

# ---- routes (12.2.1.1, 16.12.1)

@test "loose routes: the set of the 2xx in reverse order, the target in the Request-URI" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp contact=sip:far@192.0.2.1
	+ Record-Route: <sip:127.0.0.1:5070;lr;x=2>, <sip:p1.invalid;lr>
	+ Record-Route: <sip:127.0.0.1:5070;lr;x=1>
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	for method in ACK BYE; do
		is "$method sip:far@192.0.2.1 SIP/2.0" "$(got $method | head -n 1)"
		is '<sip:127.0.0.1:5070;lr;x=1>,<sip:p1.invalid;lr>,<sip:127.0.0.1:5070;lr;x=2>' \
			"$(got $method | field Route | tr '\n' ',' | sed 's/, */,/g; s/,$//')"
	done
	is '["<sip:127.0.0.1:5070;lr;x=1>","<sip:p1.invalid;lr>","<sip:127.0.0.1:5070;lr;x=2>"]' "$(record 'select(.state == "confirmed") | .route_set | tojson')"
}

@test "a strict router first: its URI is the Request-URI, the target the last Route" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp contact=sip:far@192.0.2.1
	+ Record-Route: <sip:second.invalid;lr>
	+ Record-Route: <sip:127.0.0.1:5070>
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	for method in ACK BYE; do
		is "$method sip:127.0.0.1:5070 SIP/2.0" "$(got $method | head -n 1)"
		is '<sip:second.invalid;lr>,<sip:far@192.0.2.1>' "$(got $method | field Route | tr '\n' ',' | sed 's/, */,/g; s/,$//')"
	done
}

@test "the PRACK of an early dialog has its routes; the 2xx may bring others (RFC 3261 13.2.2.4)" {
	phone <<-'L'
	< INVITE
	> 180 Ringing contact=sip:far@192.0.2.1
	+ Require: 100rel
	+ RSeq: 1
	+ Record-Route: <sip:127.0.0.1:5070;lr;early>
	< PRACK
	+ Route: <sip:127.0.0.1:5070;lr;early>
	> 200 OK
	> 200 OK sdp for=INVITE contact=sip:far@192.0.2.1
	+ Record-Route: <sip:127.0.0.1:5070;lr;late>
	< ACK
	+ Route: <sip:127.0.0.1:5070;lr;late>
	< BYE
	+ Route: <sip:127.0.0.1:5070;lr;late>
	> 200 OK
	L
	invites 0
	is 'PRACK sip:far@192.0.2.1 SIP/2.0' "$(got PRACK | head -n 1)"
}

# ---- redirects

@test "302: exit 3; with --follow the Contact is called, in the same call with a higher CSeq" {
	phone <<-'L'
	< INVITE
	> 302 Moved Temporarily contact=sip:other@127.0.0.1:5071
	< ACK
	L
	invites 3
	port=5071 phone <<-'L'
	< INVITE
	+ CSeq: ^ *2 INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	phone <<-'L'
	< INVITE
	> 302 Moved Temporarily contact=sip:other@127.0.0.1:5071
	< ACK
	+ CSeq: ^ *1 ACK
	L
	invites 0 --follow=1
	port=5071 phone_ends
	is "$(got INVITE | field Call-ID)" "$(port=5071 got INVITE | field Call-ID)"
	is 'INVITE sip:other@127.0.0.1:5071 SIP/2.0' "$(port=5071 got INVITE | head -n 1)"
}

@test "redirects are bounded: a loop to itself, hundreds of Contacts (A73)" {
	phone <<-'L'
	label 1
	< INVITE timeout=300 else=2
	> 302 Moved contact=sip:again[call_number]@127.0.0.1:5070
	< ACK
	goto 1
	label 2
	L
	invites 3 --follow=5
	within 1 6 "$(count INVITE)"
	phone <<-L
	< INVITE
	> 302 Moved contact=
	+ Contact: $(for i in {1..300}; do printf '<sip:u%s@127.0.0.1:5079>, ' "$i"; done)<sip:last@127.0.0.1:5079>
	< ACK
	L
	rte invite -j --follow=5 -t tcp sip:sipp@127.0.0.1:5070\;transport=udp
	phone_ends
	[ "$status" != 0 ] || what_happened
	[ "$(record 'select(.type == "request" and .method == "INVITE") | .request_uri' | wc -l)" -le 11 ] || what_happened
}

# ---- authentication, server based

serverbased() { # CODE ARG...
	local code=$1
	shift
	SECRET=pw-alice rte invite -j --server=127.0.0.1:5070 --aor=sip:alice@rte.test --user=alice --password=env:SECRET "$@" sip:bob@rte.test
	exits "$code"
	phone_ends
}

@test "401 and 407: answered in the same call, in the ACK and the BYE too; a second 407 is exit 7" {
	phone <<-'L'
	< INVITE
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n1", algorithm=MD5, qop="auth"
	< ACK
	+ CSeq: ^ *1 ACK
	< INVITE
	+ CSeq: ^ *2 INVITE
	+ Proxy-Authorization: Digest .*username="alice"
	+ Proxy-Authorization: nc=00000001
	> 401 Unauthorized
	+ WWW-Authenticate: Digest realm="other", nonce="n2", algorithm=SHA-256, qop="auth"
	< ACK
	< INVITE
	+ CSeq: ^ *3 INVITE
	> 200 OK sdp
	< ACK
	+ CSeq: ^ *3 ACK
	< BYE
	+ CSeq: ^ *4 BYE
	> 200 OK
	L
	serverbased 0
	is 'INVITE sip:bob@rte.test SIP/2.0' "$(got INVITE | head -n 1)"
	got INVITE 3 | field Authorization | grep -q 'realm="other".*algorithm=SHA-256'
	got INVITE 3 | field Proxy-Authorization | grep -q 'realm="rte.test".*nc=00000002'
	# 22.1: Call-ID, From and To stay; 13.2.2.4: the ACK has the credentials of the INVITE
	is "$(got INVITE 1 | field From)" "$(got INVITE 3 | field From)"
	is "$(got INVITE 1 | field Call-ID)" "$(got INVITE 3 | field Call-ID)"
	is "$(got INVITE 3 | field Authorization)" "$(got ACK 3 | field Authorization)"
	is "$(got INVITE 3 | field Proxy-Authorization)" "$(got ACK 3 | field Proxy-Authorization)"
	! got ACK 1 | grep -qi '^Proxy-Authorization' || false
	phone <<-'L'
	< INVITE
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n1", algorithm=MD5
	< ACK
	< INVITE
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n2", algorithm=MD5
	< ACK
	L
	serverbased 7
	is invalid_credentials "$(events 'select(.type == "error") | .cause')"
	phone <<-'L'
	< INVITE
	> 401 Unauthorized
	+ WWW-Authenticate: Digest realm="rte.test", nonce="n1", algorithm=MD5
	< ACK
	< INVITE
	> 403 Forbidden
	< ACK
	L
	serverbased 7
	is forbidden "$(events 'select(.type == "error") | .cause')"
}

@test "a challenge within the call is answered by the home server's client alone" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n1", algorithm=MD5
	< BYE
	+ CSeq: ^ *3 BYE
	+ Proxy-Authorization: realm="rte.test"
	> 200 OK
	L
	serverbased 0
	# A39: peer to peer nothing is answered
	phone <<-'L'
	< INVITE
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n1", algorithm=MD5
	< ACK
	L
	rte invite -j sip:sipp@127.0.0.1:5070
	exits 22
	phone_ends
	is peer_to_peer "$(events 'select(.type == "error") | .cause')"
}

@test "challenges for ever are not answered for ever (A34)" {
	phone <<-'L'
	label 1
	< INVITE timeout=300 else=2
	> 407 Proxy Authentication Required
	+ Proxy-Authenticate: Digest realm="rte.test", nonce="n[cseq]", algorithm=MD5, stale=true
	< ACK
	goto 1
	label 2
	L
	serverbased 7
	within 2 4 "$(count INVITE)"
}

# ---- Retry-After

retry_after() {
	port=5071
	phone -nr <<-'L'
	< INVITE
	> 503 Service Unavailable
	+ Retry-After: 1
	< ACK
	# 17.1.1.2: a repeated final response is acknowledged again
	> 503 Service Unavailable for=INVITE
	< ACK
	+ CSeq: ^ *1 ACK
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	invites 0
	is 'retry-after 1000' "$(record 'select(.type == "retry") | .because + " " + (.wait_ms | floor | tostring)')"
	within 1000 1500 "$(took)"
}
retry_after_once() {
	port=5072
	phone <<-'L'
	< INVITE
	> 480 Temporarily Unavailable
	+ Retry-After: 1 (soon);duration=60
	< ACK
	< INVITE
	> 480 Temporarily Unavailable
	+ Retry-After: 1
	< ACK
	silence 1300
	L
	invites 9
}
retry_after_not() {
	port=5073
	phone <<-'L'
	< INVITE
	> 503 Service Unavailable
	+ Retry-After: 1
	< ACK
	L
	invites 5 --no-retry-after
	is 1 "$(events 'select(.type == "error") | .retry_after')"
}

@test "Retry-After: the call is tried once more after that time, and only once" {
	together retry_after retry_after_once retry_after_not
}

# ---- final responses

@test "a refusal with Reason and Warning: both are told, in JSON and in words" {
	phone <<-'L'
	< INVITE
	> 488 Not Acceptable Here
	+ Warning: 304 sipp "Media type not available"
	+ Reason: Q.850;cause=65
	< ACK
	L
	invites 4
	is '304 sipp "Media type not available"' "$(events 'select(.type == "error") | .warning')"
	is 'Q.850;cause=65' "$(events 'select(.type == "error") | .reason')"
	is 488 "$(events 'select(.type == "error") | .status_code')"
	is 'd1:trying d1:terminated/rejected' "$(dialogs)"
	phone <<-'L'
	< INVITE
	> 486 Busy Here
	+ Warning: 399 sipp "In a [call_number]nd call"
	+ Reason: Q.850;cause=17;text="user busy"
	< ACK
	L
	rte invite sip:sipp@127.0.0.1:5070
	ended_with 8 '^rte: invite sip:sipp@127\.0\.0\.1:5070: 486 Busy Here'
	notes '399 sipp "In a 1nd call"'
	notes 'Q\.850;cause=17;text="user busy"'
	phone_ends
}

@test "420, 415, 408 behind 180: 4, 4, 9; 2xx behind a fork's 486 is the call" {
	phone <<-'L'
	< INVITE
	> 420 Bad Extension
	+ Unsupported: 100rel
	< ACK
	L
	invites 4 --100rel=require
	phone <<-'L'
	< INVITE
	> 415 Unsupported Media Type
	+ Accept: application/other
	< ACK
	L
	invites 4
	phone <<-'L'
	< INVITE
	> 180 Ringing
	> 408 Request Timeout
	< ACK
	L
	invites 9
	# 13.2.2.3: the early dialogs end with the final response, whatever its tag
	phone <<-'L'
	< INVITE
	> 180 Ringing tag=a
	> 180 Ringing tag=b
	> 603 Decline tag=c
	< ACK
	+ To: ;tag=c
	L
	invites 8
	is 2 "$(record 'select(.type == "dialog" and .state == "terminated") | .dialog' | sort -u | wc -l)"
}

# ---- Replaces

@test "--replaces stands in the INVITE, and is required; 481 is exit 4" {
	phone <<-'L'
	< INVITE
	+ Replaces: ^ *12345@there;to-tag=t1;from-tag=f1
	+ Supported: replaces
	> 481 Call/Transaction Does Not Exist
	< ACK
	L
	invites 4 '--replaces=12345@there;to-tag=t1;from-tag=f1'
	phone <<-'L'
	< INVITE
	+ Replaces: early-only
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	invites 0 '--replaces=12345@there;to-tag=t1;from-tag=f1;early-only'
}

# ---- REFER, we transfer (RFC 3515)

@test "refer: accepted, the NOTIFYs tell of it, the last one decides" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< REFER
	+ Refer-To: <?sip:carol@127.0.0.1:5079>?
	+ CSeq: ^ *2 REFER
	+ Contact: sip:
	> 202 Accepted
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: active;expires=60
	|SIP/2.0 100 Trying
	< 200
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: terminated;reason=noresource
	|SIP/2.0 200 OK
	< 200
	< BYE
	+ CSeq: ^ *3 BYE
	> 200 OK
	L
	invites 0 --do=refer:sip:carol@127.0.0.1:5079
	is 'active terminated' "$(record 'select(.type == "transfer") | .state' | uniq | tr '\n' ' ' | sed 's/ $//')"
	is 'SIP/2.0 200 OK' "$(record 'select(.type == "transfer" and .state == "terminated") | .sipfrag' | tr -d '\r' | sed '/^$/d')"
	is 200 "$(events 'select(.type == "transfer" and .state == "terminated") | .status_code')"
}

@test "refer: the NOTIFY before the 202, and one with the id of the REFER" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< REFER
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer;id=2
	+ Subscription-State: active;expires=60
	|SIP/2.0 180 Ringing
	< 200
	> 202 Accepted for=REFER
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer;id=2
	+ Subscription-State: terminated;reason=noresource
	|SIP/2.0 200 OK
	< 200
	< BYE
	> 200 OK
	L
	invites 0 --do=refer:sip:carol@127.0.0.1:5079
}

@test "refer: the transfer fails, is refused; a NOTIFY of nothing that we know gets 481" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< REFER
	> 202 Accepted
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: terminated;reason=noresource
	|SIP/2.0 486 Busy Here
	< 200
	< BYE
	> 200 OK
	L
	invites 8 --do=refer:sip:carol@127.0.0.1:5079
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< REFER
	> 603 Decline
	< BYE
	> 200 OK
	L
	invites 8 --do=refer:sip:carol@127.0.0.1:5079
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: active
	|SIP/2.0 200 OK
	< 481
	> BYE
	< 200
	L
	invites 0 --duration=5s
}

@test "refer-replaces: Carol is called first; the callee is to take our place with her" {
	port=5071 phone <<-'L'
	< INVITE
	> 200 OK sdp tag=carol
	< ACK
	< BYE
	> 200 OK
	L
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< REFER
	+ Refer-To: Replaces=
	> 202 Accepted
	> NOTIFY body=message/sipfrag;version=2.0
	+ Event: refer
	+ Subscription-State: terminated;reason=noresource
	|SIP/2.0 200 OK
	< 200
	< BYE
	> 200 OK
	L
	invites 0 --do=refer-replaces:sip:carol@127.0.0.1:5071
	port=5071 phone_ends
	# RFC 3891 section 6.1: escaped; its tags as Carol knows them: to-tag is hers
	local call tag
	call=$(port=5071 got INVITE | field Call-ID)
	tag=$(port=5071 got INVITE | field From | sed 's/.*;tag=//')
	got REFER | field Refer-To | sed 's/%3[Bb]/;/g; s/%3[Dd]/=/g; s/%40/@/g' | grep -Fq "?Replaces=$call;to-tag=carol;from-tag=$tag"
}

# ---- REFER, we are transferred

@test "a REFER is declined unless asked for; accept says that it was done" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5079>
	< 603
	> BYE
	< 200
	L
	invites 0 --duration=5s
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5079>
	+ Referred-By: <sip:sipp@127.0.0.1>
	< 202
	< NOTIFY
	+ Event: ^ *refer
	+ Subscription-State: ^ *(active|terminated)
	+ Content-Type: message/sipfrag
	> 200 OK
	label 1
	< NOTIFY timeout=300 else=2
	> 200 OK
	label 2
	> BYE
	< 200
	L
	invites 0 --duration=5s --on-refer=accept
	is 'sip:carol@127.0.0.1:5079' "$(events 'select(.type == "transfer" and .state == "pending") | .refer_to')"
	got NOTIFY "$(count NOTIFY)" | field Subscription-State | grep -q '^terminated'
	got NOTIFY "$(count NOTIFY)" | grep -q '^SIP/2.0 200'
}

@test "follow: Carol is called, with Replaces and Referred-By; the NOTIFYs tell how it goes" {
	port=5071 phone <<-'L'
	< INVITE
	+ Replaces: ^ *abc@x;to-tag=1;from-tag=2
	+ Referred-By: <sip:sipp@127.0.0.1>
	> 180 Ringing
	pause 50
	> 200 OK sdp
	< ACK
	< BYE
	> 200 OK
	L
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5071?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>
	+ Referred-By: <sip:sipp@127.0.0.1>
	< 202
	+ Contact: sip:
	< NOTIFY
	+ Event: ^ *refer
	+ Subscription-State: ^ *active
	+ body: SIP/2.0 100
	> 200 OK
	< NOTIFY
	+ body: SIP/2.0 180
	> 200 OK
	< NOTIFY
	+ Subscription-State: ^ *terminated;reason=noresource
	+ body: SIP/2.0 200
	> 200 OK
	> BYE
	< 200
	L
	invites 0 --duration=600ms --on-refer=follow
	port=5071 phone_ends
	! got INVITE | grep -qi '^Replaces'
}

@test "follow: Carol refuses, and that is what the NOTIFY says; the first call stays" {
	port=5071 phone <<-'L'
	< INVITE
	> 486 Busy Here
	< ACK
	L
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> REFER
	+ Refer-To: <sip:carol@127.0.0.1:5071>
	< 202
	< NOTIFY
	> 200 OK
	< NOTIFY
	+ Subscription-State: ^ *terminated
	+ body: SIP/2.0 486
	> 200 OK
	> INFO
	< 200
	> BYE
	< 200
	L
	invites 8 --duration=5s --on-refer=follow
	port=5071 phone_ends
}

@test "REFERs that no one should follow: 400 without or with two Refer-To, never file: or BYE (A74)" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> REFER
	< 400
	> REFER
	+ Refer-To: <sip:a@127.0.0.1>
	+ Refer-To: <sip:b@127.0.0.1>
	< 400
	> REFER
	+ Refer-To: <file:///etc/passwd>
	< 416
	> REFER
	+ Refer-To: <sip:a@127.0.0.1:5079;method=BYE>
	< 501
	> BYE
	< 200
	L
	invites 0 --duration=5s --on-refer=follow
	is 0 "$(record 'select(.type == "request" and .method == "INVITE" and .direction == "sent")' | jq -s 'length - 1')"
}

# ---- MESSAGE, INFO and others within

@test "MESSAGE and INFO of ours within the call; a step that is refused decides" {
	echo '<dtmf/>' >"$BATS_TEST_TMPDIR/info"
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< MESSAGE
	+ CSeq: ^ *2 MESSAGE
	+ Content-Type: text/plain
	+ body: ^Watson
	> 200 OK
	< INFO
	+ CSeq: ^ *3 INFO
	+ Content-Type: application/dtmf-relay
	+ body: <dtmf/>
	> 200 OK
	< BYE
	> 200 OK
	L
	invites 0 --do=message:Watson "--do=info:application/dtmf-relay@$BATS_TEST_TMPDIR/info" --do=bye
	is 'MESSAGE INFO' "$(events 'select(.type == "message" and .direction == "sent") | .method')"
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< MESSAGE
	> 415 Unsupported Media Type
	< BYE
	> 200 OK
	L
	invites 4 --do=message:x --do=message:y
}

@test "MESSAGE, INFO, OPTIONS and the unknown of the callee; CSeq out of order is 500 (12.2.2)" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	> MESSAGE body=text/plain cseq=10
	|Come here.
	< 200
	> INFO body=text/plain cseq=11
	|x
	< 200
	> OPTIONS cseq=12
	< 200
	+ Allow: INVITE
	> WHAT cseq=13
	< 501
	> INFO cseq=12
	< 500
	> INFO cseq=4
	< 500
	# gaps are fine
	> INFO cseq=4000
	< 200
	> INFO cseq=4001 tag=another
	< 481
	> BYE cseq=4002
	< 200
	L
	invites 0 --duration=5s
	is 'MESSAGE INFO INFO' "$(events 'select(.type == "message" and .direction == "received") | .method')"
	record 'select(.type == "message" and .method == "MESSAGE") | .body' | grep -q 'Come here'
}

@test "481 or 408 to a request within: the call is lost, exit 19; 500 is not" {
	for status in 481 408; do
		phone <<-L
		< INVITE
		> 200 OK sdp
		< ACK
		< INFO
		> $status Gone
		< BYE
		> 481 Gone
		L
		echo x >"$BATS_TEST_TMPDIR/x"
		invites 19 "--do=info:text/plain@$BATS_TEST_TMPDIR/x" --duration=3s
	done
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INFO
	> 500 Server Error
	< BYE
	> 200 OK
	L
	invites 5 "--do=info:text/plain@$BATS_TEST_TMPDIR/x"
}

@test "a re-INVITE that gets no final response is given up, and the call with it (14.1)" {
	phone -nr <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< INVITE
	< BYE
	> 200 OK
	L
	rte invite -j --do=hold --t1=50ms sip:sipp@127.0.0.1:5070
	exits 19
	phone_ends
}

@test "our BYE crosses: with a BYE of the peer; with a re-INVITE (A53)" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> BYE
	< 200
	> 200 OK for=BYE
	L
	invites 0
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> INVITE sdp
	< 481
	> ACK
	> 200 OK for=BYE
	L
	invites 0
}

@test "a BYE that is refused or not answered ends the call all the same (15.1.1)" {
	phone <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	< BYE
	> 481 Call/Transaction Does Not Exist
	L
	invites 0
	is 'd1:trying d1:confirmed d1:terminated/local-bye' "$(dialogs)"
	phone -nr <<-'L'
	< INVITE
	> 200 OK sdp
	< ACK
	label 1
	< BYE timeout=600 else=2
	goto 1
	label 2
	L
	invites 14 --t1=10ms
	within 600 2500 "$(took)"
}

@test "TCP: all of a call goes over one connection" {
	transport=tcp phone <<-'L'
	< INVITE
	> 180 Ringing
	> 200 OK sdp
	< ACK
	< INVITE
	> 200 OK sdp=recvonly
	< ACK
	< BYE
	> 200 OK
	L
	transport=tcp invites 0 --do=hold
	is tcp "$(events 'select(.type == "request" and .method == "BYE") | .remote.transport')"
	# one connection for all of the call
	is 1 "$(record 'select(.type == "connected") | .type' | wc -l)"
}
