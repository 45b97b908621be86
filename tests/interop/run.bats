#!/usr/bin/env bats
# tests/interop/run.bats -- rte run: scenarios whose endpoints meet each other through Kamailio, and foreign phones

load calls

setup() {
	client_home
	cd "$BATS_TEST_TMPDIR"
}
teardown() {
	sipp_last
	reap_all
	"$interop/baresip.sh" stop "$BATS_FILE_TMPDIR/baresip"
}
teardown_file() {
	rigs_stop
}

# members TRANSPORT <STEPS: alice and bob are users of Kamailio; the steps begin with line 13
members() {
	cat >s <<-S
		server = ${at:-127.0.0.1}
		transport = $1
		cacert = $RTE_PKI/ca.pem
		timeout = 5s
		[endpoint alice]
		aor = sip:alice@rte.test
		password = env:PW_ALICE
		[endpoint bob]
		aor = sip:bob@rte.test
		password = env:PW_BOB

		[steps]
	S
	cat >>s
	export PW_ALICE=pw-alice PW_BOB=pw-bob
}
# played CODE: its records are in $output and valid
played() {
	rte run --json s
	exits "$1"
}
# by PARTY FILTER FIELDS: of the records of that endpoint, on one line
by() {
	record "select(.party == \"$1\") | select($2) | $3" | tr '\n' ' ' | sed 's/ $//'
}
# requests PARTY: what it sent, one after another; PRACK comes when it comes. What is sent again is one: after a 401 or
# 407, and after a 491, when a re-INVITE has overtaken the ACK of the one before it in the proxy
requests() {
	record "select(.party == \"$1\" and .type == \"request\" and .direction == \"sent\" and .method != \"PRACK\") | .method" |
		uniq | tr '\n' ' ' | sed 's/ $//'
}
# call_story: both ring, talk, hold, and the callee hangs up
call_story() {
	members "$1" <<-'S'
		alice register
		bob register
		alice invite bob as call1
		bob ring call1
		expect alice call1 early 180
		bob answer call1
		expect alice call1 confirmed 200
		expect bob call1 confirmed
		alice hold call1
		expect bob call1 hold
		alice resume call1
		expect bob call1 resume
		alice message call1 Come here.
		expect bob message ^Come here
		bob bye call1
		expect alice call1 remote-bye
		alice unregister
		expect alice unregistered
	S
	played 0
	is 'REGISTER INVITE ACK INVITE ACK INVITE ACK MESSAGE REGISTER' "$(requests alice)"
	# 401 and 407 are answered
	is '401 407' "$(by alice '.type == "response" and (.status_code == 401 or .status_code == 407)' .status_code)"
	is "$1" "$(record 'select(.type == "request") | .remote.transport' | sort -u)"
	is 'remote-bye local-bye' "$(by alice '.cause == "remote-bye"' .cause) $(by bob '.cause == "local-bye"' .cause)"
	# nothing is left at the registrar
	wait_for 5 contacts_are 0 alice
	wait_for 5 contacts_are 0 bob
}

@test "two endpoints call each other through Kamailio: UDP, TCP, TLS" {
	kamailio_with
	local t
	for t in udp tcp tls; do
		call_story "$t"
		is 1 "$(record 'select(.type == "dialog") | .call_id' | sort -u | wc -l)"
	done
}

@test "Call-IDs change on the way: names are those of the two sides all the same; the calls come one after another" {
	kamailio_with HIDING=yes
	call_story udp
	is 2 "$(record 'select(.type == "dialog") | .call_id' | sort -u | wc -l)"
	# two calls: the first that no other step has named
	members tcp <<-'S'
		alice register
		bob register
		alice invite bob as call1
		bob ring call1
		alice invite bob as call2
		bob answer call2
		expect alice call2 confirmed
		bob answer call1 486
		expect alice call1 rejected 486
		alice bye call2
		expect bob call2 remote-bye
	S
	played 0
}

@test "refused, cancelled, not there, wrong password: what Kamailio makes of it" {
	kamailio_with
	members udp <<-'S'
		alice register
		alice invite bob as call0
		expect alice call0 rejected 404
		bob register
		alice invite bob as call1
		bob answer call1 603 Not now
		expect alice call1 rejected 603
		alice invite bob as call2
		bob ring call2
		expect alice call2 early
		alice cancel call2
		expect alice call2 cancelled 487
		expect bob call2 cancelled
		alice message sip:nobody@rte.test hello expect 404
		alice message sip:nobody@rte.test hello
	S
	played 4
	is 27 "$(record 'select(.type == "step" and (.passed | not)) | .line')"
	wait_for 5 contacts_are 0 bob
	members udp <<<'bob register'
	PW_BOB=wrong played 7
	contacts_are 0 bob
}

@test "SIPp's phone is called: confirmed, then bye; a state that does not come fails, and the call is ended" {
	phone -sn uas -reconnect_close false </dev/null
	printf '%s\n' '[endpoint alice]' '[steps]' 'alice invite sip:sipp@127.0.0.1:5070;transport=udp as call1' \
		'expect alice call1 early 180' 'expect alice call1 confirmed 200' 'wait 50ms' 'alice bye call1' \
		'expect alice call1 local-bye' >s
	played 0
	phone_ends
	is 'INVITE ACK BYE' "$(requests alice)"
	port=5071 phone -sn uas -reconnect_close false </dev/null
	sed -i 's/5070/5071/; s/^expect alice call1 confirmed.*/expect alice call1 rejected within 300ms/' s
	played 17
	port=5071 phone_ends
	is 'INVITE ACK BYE' "$(requests alice)"
}

@test "SIPp hangs up by itself" {
	phone <<-'L'
	< INVITE
	> 183 Progress sdp
	> 200 OK sdp
	< ACK
	> BYE
	< 200
	L
	printf '%s\n' '[endpoint alice]' '[steps]' 'alice invite sip:sipp@127.0.0.1:5070;transport=udp as call1' \
		'expect alice call1 remote-bye' >s
	played 0
	phone_ends
}

@test "baresip is called: confirmed, held, resumed, bye" {
	need baresip socat jq
	pki
	"$interop/baresip.sh" start "$BATS_FILE_TMPDIR/baresip" PKI="$RTE_PKI" 3>&-
	printf '%s\n' '[endpoint alice]' '[steps]' 'alice invite sip:phone@127.0.0.1:5070;transport=tcp as call1' \
		'expect alice call1 confirmed' 'wait 200ms' 'alice hold call1' 'expect alice call1 hold' 'alice resume call1' \
		'alice bye call1' >s
	played 0
	is 'INVITE ACK INVITE ACK INVITE ACK BYE' "$(requests alice)"
	wait_for 5 baresip_closed
}
baresip_closed() {
	"$interop/baresip.sh" events "$BATS_FILE_TMPDIR/baresip" | grep -q CALL_CLOSED
}

@test "presence through Kamailio: subscribed, published, notified, removed" {
	kamailio_with CFG=presence
	members tcp <<-'S'
		bob subscribe alice presence as watch1
		expect bob watch1 active
		alice publish open at her desk
		expect bob watch1 notified at her desk
		alice publish closed "gone  fishing"
		expect bob watch1 notified "<basic>closed"
		alice unpublish
		bob unsubscribe watch1
		expect bob watch1 terminated
	S
	played 0
	wait_for 5 no_watchers
}
no_watchers() {
	[ "$(kamailio table active_watchers presentity_uri event | grep -cFx 'sip:alice@rte.test presence')" = 0 ]
}
