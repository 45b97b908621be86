#!/usr/bin/env bats
# tests/interop/message_sipp.bats -- MESSAGE, OPTIONS and other requests outside of calls between rte and SIPp, both ways

load calls

setup() {
	fresh_home
}
teardown() {
	reap_all
	sipp_stop
}

# asks WANTED METHOD HEADERS BODY: SIPp sends one request to rte, and wants this status
asks() {
	local file=$BATS_TEST_TMPDIR/asks.xml
	need sipp
	cat >"$file" <<-XML
		<?xml version="1.0" encoding="us-ascii"?>
		<scenario name="asks">
		<send retrans="500"><![CDATA[
		$2 sip:bob@[remote_ip]:[remote_port] SIP/2.0
		Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
		From: "SIPp" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]s[call_number]
		To: <sip:bob@[remote_ip]:[remote_port]>
		Call-ID: [call_id]
		CSeq: 1 $2
		Max-Forwards: 70
		${3:+$3
		}Content-Length: [len]

		$4
		]]></send>
		<recv response="$1"/>
		</scenario>
	XML
	timeout 20 sipp "127.0.0.1:$listen_port" -sf "$file" -i 127.0.0.1 -p "$port" -t "${transport:0:1}1" -m "${times:-1}" \
		-r "${rate:-10}" -nostdin -timeout 15s -recv_timeout 6000 -trace_err -error_file "$BATS_TEST_TMPDIR/errors" \
		</dev/null >"$BATS_TEST_TMPDIR/screen" 2>&1 3>&- || {
		cat "$BATS_TEST_TMPDIR/errors" "$BATS_TEST_TMPDIR/listen-$port.out"
		return 1
	}
}

@test "SIPp sends: MESSAGE, INFO, OPTIONS over udp and tcp, and what it wants is what it gets" {
	listens -c 5 --reply='OPTIONS=486 No' --unsolicited
	asks 200 MESSAGE 'Content-Type: text/plain' 'hello from SIPp'
	transport=tcp asks 200 INFO 'Content-Type: application/dtmf-relay' 'Signal=1'
	asks 486 OPTIONS '' ''
	asks 200 NOTIFY $'Event: presence\nSubscription-State: terminated;reason=timeout\nContent-Type: text/plain' 'x'
	transport=tcp asks 200 MESSAGE 'Content-Type: text/plain' 'again'
	listened 0
	is 'hello from SIPp Signal=1 again' "$(events 'select(.type == "message") | .body | sub("[\r\n]+$"; "")')"
	is 'presence terminated' "$(events 'select(.type == "notify") | .event + " " + .subscription_state')"
	is '486' "$(events 'select(.type == "response" and .direction == "sent") | .status_code')"
}

@test "SIPp sends 500 messages, 250 a second: each is answered, none is told twice" {
	listens -c 500
	times=500 rate=250 asks 200 MESSAGE 'Content-Type: text/plain' 'hello'
	listened 0
	is 500 "$(record 'select(.type == "message") | .replied' | grep -c '^200$')"
}

@test "rte sends: SIPp has it as it was, and answers" {
	sipp_start ok udp
	rte message -j -a sip:alice@example.com -d 'grüß dich' sip:bob@127.0.0.1:5070
	ended_with 0
	grep -q 'grüß dich' "$BATS_FILE_TMPDIR/sipp-5070/messages"
	grep -q '^Content-Length: 11' "$BATS_FILE_TMPDIR/sipp-5070/messages"
	grep -q '^Content-Type: text/plain; charset=UTF-8' "$BATS_FILE_TMPDIR/sipp-5070/messages"
	for i in $(seq 300); do echo "sip:u$i@127.0.0.1:5070"; done >"$HOME/list"
	rte message -j --rate=300 --each="$HOME/list" -d x
	ended_with 0
	is '300 300 0' "$(events 'select(.type == "summary") | "\(.sent) \(.ok) \(.failed)"')"
}
