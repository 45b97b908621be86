#!/usr/bin/env bats
# tests/interop/call_baresip.bats -- calls between rte and baresip, a phone with a stack of its own: both directions, direct
# and through Kamailio

load pair

setup() {
	client_home
	pki
}
teardown() {
	kept_stop
	baresip_stop
}
teardown_file() {
	rigs_stop
}

phone_at() { # TRANSPORT: where baresip listens
	case $1 in
	tls) echo 'sip:phone@127.0.0.1:5071;transport=tls' ;;
	*) echo "sip:phone@127.0.0.1:5070;transport=$1" ;;
	esac
}
# we_listen ARG...: rte listen as `rte`, for baresip to call at we_are TRANSPORT
we_listen() {
	await rte --listen=udp:127.0.0.1:5080 --listen=tcp:127.0.0.1:5080 --listen=tls:127.0.0.1:5081 $(identity server) "$@"
}
we_are() {
	case $1 in
	tls) echo 'sip:rte@127.0.0.1:5081;transport=tls' ;;
	*) echo "sip:rte@127.0.0.1:5080;transport=$1" ;;
	esac
}
header() { # NAME, of the message on stdin
	sed -n "s/^$1: *//p" | head -n 1
}
@test "baresip answers: UDP, TCP, TLS: hold, resume, re-INVITE, and rte hangs up" {
	local t n=0 id
	baresip_start
	for t in udp tcp tls; do
		n=$((n + 1))
		begin rte invite --cacert="$RTE_PKI/ca.pem" -a sip:rte@rte.test --do=wait:300ms --do=hold --do=wait:100ms --do=resume --do=reinvite \
			"$(phone_at "$t")"
		ends rte 8 0
		has_story rte 'd1 trying d1 early d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 confirmed/reinvite d1 terminated/local-bye'
		is 'PCMU/8000 sendrecv' "$(last rte "$confirmed" '[.codec, .media_direction] | join(" ")')"
		baresip_soon $n CALL_CLOSED
		baresip_saw $n CALL_ESTABLISHED
		# it is the call that baresip had
		id=$(last rte "$confirmed" .call_id)
		is "$id sip:rte@rte.test" "$(baresip events | jq -r 'select(.type == "CALL_CLOSED") | .id + " " + .peeruri' | tail -n 1)"
		# its sound reached our port, as long as we did not hold (from then on this baresip is silent)
		[ "$(last rte "$terminated" .rtp_received)" -gt 5 ] || kept_is rte
		is "${t^^}" "$(baresip wire "BYE " $n | header Via | cut -d / -f 3 | cut -d ' ' -f 1)"
		is "$id" "$(baresip wire "BYE " $n | header Call-ID)"
	done
	# hold, resume and reinvite are three offers in each call, and baresip took each
	is 12 "$(baresip events | jq -r 'select(.type == "CALL_REMOTE_SDP") | .param' | grep -c offer)"
}

@test "baresip answers and hangs up: UDP, TCP, TLS; it holds and resumes" {
	local t n=0
	baresip_start
	for t in udp tcp tls; do
		n=$((n + 1))
		begin rte invite --cacert="$RTE_PKI/ca.pem" --duration=9s "$(phone_at "$t")"
		comes 5 rte 1 "$confirmed"
		baresip_soon $n CALL_ESTABLISHED
		baresip ask hold
		comes 5 rte 1 '.type == "dialog" and .change == "hold" and .media_direction == "recvonly"'
		baresip ask resume
		comes 5 rte 1 '.type == "dialog" and .change == "resume" and .media_direction == "sendrecv"'
		baresip ask hangup
		ends rte 5 0
		has_story rte 'd1 trying d1 early d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 terminated/remote-bye'
		# 12.2.1.1: re-INVITE and BYE came where the call was: over the one connection that rte had opened
		[ "$(records rte '.type == "connected"' | wc -l)" -le 1 ] || kept_is rte
		baresip_soon $n CALL_CLOSED
	done
}

@test "baresip calls: UDP, TCP, TLS: it hangs up, with hold and resume before" {
	local t n=0
	baresip_start
	we_listen --count=3 --ring=200ms
	for t in udp tcp tls; do
		n=$((n + 1))
		baresip ask dial "$(we_are "$t")"
		baresip_soon $n CALL_RINGING
		baresip_soon $n CALL_ESTABLISHED
		baresip ask hold
		comes 5 rte $n '.type == "dialog" and .change == "hold" and .media_direction == "recvonly"'
		baresip ask resume
		comes 5 rte $n '.type == "dialog" and .change == "resume" and .media_direction == "sendrecv"'
		baresip ask hangup
		baresip_soon $n CALL_CLOSED
		comes 5 rte $n "$terminated"
		is "remote-bye sip:phone@127.0.0.1" "$(last rte "$terminated" '.cause + " " + .peer.uri')"
		is "$(last rte "$terminated" .call_id)" "$(baresip events | jq -r 'select(.type == "CALL_CLOSED") | .id' | tail -n 1)"
	done
	ends rte 5 0
	is 'udp tcp tls' "$(records rte '.type == "request" and .method == "BYE"' | jq -r .remote.transport | paste -sd ' ')"
}

@test "baresip calls, rte holds, resumes and hangs up: UDP, TCP, TLS" {
	local t n=0
	baresip_start
	we_listen --count=3 --do=wait:300ms --do=hold --do=wait:100ms --do=resume --do=wait:100ms --do=bye
	for t in udp tcp tls; do
		n=$((n + 1))
		baresip ask dial "$(we_are "$t")"
		baresip_soon $n CALL_ESTABLISHED
		baresip_soon $n CALL_CLOSED
		comes 5 rte $n "$terminated"
		is local-bye "$(last rte "$terminated" .cause)"
		[ "$(last rte "$terminated" .rtp_received)" -gt 5 ] || kept_is rte
	done
	ends rte 5 0
	is 'hold resume hold resume hold resume' "$(records rte '.type == "dialog" and .change' | jq -r .change | paste -sd ' ')"
	is 'INVITE ACK INVITE ACK BYE INVITE ACK INVITE ACK BYE INVITE ACK INVITE ACK BYE' "$(methods rte sent)"
}

@test "refused, cancelled, given up: what baresip says of it" {
	baresip_start
	we_listen --reply='INVITE=486' --count=1
	baresip ask dial "$(we_are udp)"
	baresip_soon 1 CALL_CLOSED
	is '486 Busy Here' "$(baresip events | jq -r 'select(.type == "CALL_CLOSED") | .param')"
	ends rte 5 0
	we_listen --ring=20s --count=1
	baresip ask dial "$(we_are tcp)"
	baresip_soon 1 CALL_RINGING
	baresip ask hangup
	comes 5 rte 1 "$terminated"
	is cancelled "$(last rte "$terminated" .cause)"
	ends rte 5 0
	# RFC 3261 9.1, 17.1.1.3: 200 to the CANCEL, 487 to the INVITE, and its ACK
	wait_for 5 baresip wire 'SIP/2.0 487'
	is "$(baresip wire 'CANCEL ' | header CSeq | cut -d ' ' -f 1) INVITE" "$(baresip wire 'SIP/2.0 487' | header CSeq)"
	baresip_stop
	baresip_start ANSWER=manual
	begin rte invite --ring-timeout=500ms "$(phone_at tcp)"
	ends rte 5 9
	has_story rte 'd1 trying d1 early d1 terminated/timeout'
	baresip_soon 1 CALL_CLOSED
	begin rte invite "$(phone_at udp)"
	baresip_soon 2 CALL_INCOMING
	baresip ask accept
	ends rte 5 0
	has_story rte 'd1 trying d1 early d1 confirmed d1 terminated/local-bye'
}

@test "MESSAGE both ways: UDP, TCP, TLS" {
	local t n=0 we
	we_listen --count=3
	for t in udp tcp tls; do
		n=$((n + 1))
		# its messages go to an address without parameters: the way there says the transport
		we=$(we_are "$t")
		we=${we#*@}
		baresip_start CONTACTS=sip:rte@127.0.0.1 SERVER="${we%;*}" TRANSPORT="$t" REGISTER=no
		rte message --json --cacert="$RTE_PKI/ca.pem" -d "Hello over $t" -a sip:rte@rte.test "$(phone_at "$t")"
		exits 0
		is "$t 200" "$(record 'select(.type == "response") | "\(.remote.transport) \(.status_code)"')"
		is "Hello over $t" "$(baresip wire "MESSAGE sip:phone@" | tail -n 1)"
		[[ $(baresip wire "MESSAGE sip:phone@" | header From) == '<sip:rte@rte.test>;tag='* ]]
		baresip ask contact_next
		baresip ask message "Salut-$t"
		comes 5 rte $n '.type == "message"'
		is "Salut-$t from sip:phone@rte.test by $t" "$(last rte '.type == "message"' '.body + " from " + .from.uri') by $(last rte '.type == "request"' .remote.transport)"
		wait_for 5 eval '[ "$(baresip wire "SIP/2.0 200" 2 | header CSeq | cut -d " " -f 2)" = MESSAGE ]'
		baresip_stop
	done
	ends rte 5 0
}

@test "both registered at Kamailio, over UDP, TCP, TLS: calls and messages both ways" {
	local t n server
	kamailio_with
	for t in udp tcp tls; do
		server=127.0.0.1:5060
		[ "$t" != tls ] || server=127.0.0.1:5061
		baresip_start USER=phone$t SERVER=$server TRANSPORT=$t CONTACTS=sip:bob@rte.test
		contacts_are 1 phone$t
		# rte over another transport than baresip
		case $t in
		udp) n=tls ;;
		tcp) n=udp ;;
		tls) n=tcp ;;
		esac
		member alice invite alice --register -t $n --do=wait:200ms --do=hold --do=resume --do=wait:100ms sip:phone$t@rte.test
		ends alice 8 0
		has_story alice 'd1 trying (d1 proceeding )?(d1 early )?d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 terminated/local-bye'
		[ "$(last alice "$confirmed" '.route_set | length')" -ge 1 ] || kept_is alice
		baresip_soon 1 CALL_CLOSED
		phone bob bob -t $n --count=2
		baresip ask dial sip:bob@rte.test
		baresip_soon 2 CALL_ESTABLISHED
		baresip ask hangup
		comes 5 bob 1 "$terminated"
		is remote-bye "$(last bob "$terminated" .cause)"
		baresip ask contact_next
		baresip ask message Salut
		ends bob 5 0
		is Salut "$(last bob '.type == "message"' .body)"
		member alice message alice -t $n -d 'Hello, phone' sip:phone$t@rte.test
		ends alice 5 0
		is 'Hello, phone' "$(baresip wire 'MESSAGE sip:phone' | tail -n 1)"
		baresip_stop
	done
}
