#!/usr/bin/env bats
# tests/interop/request.bats -- rte request at Kamailio and at SIPp: what it writes is taken, and no call is left behind

load calls

setup() {
	client_home
}
teardown() {
	sipp_last
	reap_all
}
teardown_file() {
	rigs_stop
}

# raw METHOD USER AT CALL-ID TRANSPORT: a message as a capture has it
raw() {
	printf '%s\r\n' "$1 sip:$2@$3 SIP/2.0" "Via: SIP/2.0/$5 127.0.0.1:9;rport;branch=z9hG4bK$4" 'Max-Forwards: 70' \
		'From: <sip:raw@rte.test>;tag=raw' "To: <sip:$2@$3>" "Call-ID: $4" "CSeq: 1 $1" 'Contact: <sip:raw@127.0.0.1:9>' \
		'Content-Length: 0' ''
}

@test "Kamailio: a REGISTER by request, from a template, with an answer to its challenge, makes a binding" {
	kamailio_with
	cat >"$HOME/register.sip" <<-'TEXT'
		REGISTER sip:rte.test SIP/2.0
		Via: SIP/2.0/{{transport}} {{local}};branch={{branch}};rport
		From: <sip:alice@rte.test>;tag={{from_tag}}
		To: <sip:alice@rte.test>
		Call-ID: {{call_id}}
		CSeq: {{seq}} REGISTER
		Contact: <sip:{{rand:8}}@{{local}}>
		Expires: 60
	TEXT
	for form in "--template=$HOME/register.sip REGISTER sip:rte.test" \
		'REGISTER sip:rte.test -H To:<sip:alice@rte.test> --add-header Contact:<sip:second@127.0.0.1:9>'; do
		# shellcheck disable=SC2086
		rte request -j --server=127.0.0.1 -a sip:alice@rte.test -u alice --password=pass:pw-alice $form
		ended_with 0
		[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '401 200 ' ] || what_happened
	done
	run kamailio contacts alice
	[[ $output == *second@127.0.0.1:9* ]] || what_happened
	# what is raw answers no challenge
	raw REGISTER alice rte.test raw1 TCP >"$HOME/raw"
	rte request -j -t tcp --raw="$HOME/raw" --connect=127.0.0.1:5060
	ended_with 7
	[ "$(record 'select(.type == "response") | .status_code')" = 401 ] || what_happened
}

@test "SIPp: an INVITE is acknowledged and hung up, ours and raw bytes, over UDP and TCP" {
	for transport in udp tcp; do
		port=5071 phone -sn uas -reconnect_close false </dev/null
		rte request -j INVITE "sip:bob@127.0.0.1:5071;transport=$transport"
		ended_with 0
		port=5071 phone_ends
		raw INVITE bob 127.0.0.1:5072 "raw$transport" "${transport^^}" >"$HOME/raw"
		port=5072 phone -sn uas -reconnect_close false </dev/null
		rte request -j -t "$transport" --raw="$HOME/raw" --connect=127.0.0.1:5072
		ended_with 0
		[ "$(record 'select(.type == "response" and .method == "BYE") | .status_code')" = 200 ] || what_happened
		port=5072 phone_ends
	done
}
