#!/usr/bin/env bats
# tests/interop/exit_calls.bats -- every exit status that invite, message, refer and listen can give, each provoked by a foreign
# peer; in text and in JSON

load calls

setup() {
	client_home
}
teardown() {
	sipp_last
	reap_all
	sipp_stop
	server_stop 5079
}
teardown_file() {
	rigs_stop
}

# comes_to CODE NAME ARG...: rte ends so, in words and in JSON, and says the same in both
comes_to() {
	local code=$1 name=$2
	shift 2
	rte "$@"
	[ "$status" = "$code" ] || what_happened
	[ "$code" = 0 ] || notes "^rte: $1.*: ."
	rte "$@" --json
	exits "$code"
	[ "$code" = 0 ] || is "$code $name" "$(record 'select(.type == "error") | "\(.exit_code) \(.exit_name)"' | head -n 1)"
	is "$name" "$(record 'select(.type == "end") | .exit_name')"
}
# statuses STATUS...: SIPp answers sip:STATUS@ with that status, and sip:STATUS-ringing@ with 180 first. It wants the status
# of a response to stand in the scenario: so there is a branch for each.
statuses() {
	local status file=$BATS_TEST_TMPDIR/statuses.xml
	local head='[last_Via:]
[last_From:]
[last_To:];tag=sipp[call_number]
[last_Call-ID:]
[last_CSeq:]'
	{
		echo '<?xml version="1.0" encoding="us-ascii"?><scenario name="statuses"><label id="6"/><recv request="[A-Z]+" regexp_match="true"><action>'
		echo '<ereg regexp="^INVITE" search_in="msg" assign_to="invite"/>'
		echo '<ereg regexp="-ringing@" search_in="msg" assign_to="ringing"/>'
		for status; do
			echo "<ereg regexp=\"sip:$status[-@]\" search_in=\"msg\" assign_to=\"is$status\"/>"
		done
		echo '</action></recv><nop next="1" test="ringing"/><nop next="2"/><label id="1"/><send><![CDATA['
		printf 'SIP/2.0 180 Ringing\n%s\nContact: <sip:a@192.0.2.9>\nContent-Length: 0\n\n' "$head"
		echo ']]></send><label id="2"/>'
		for status; do
			echo "<nop next=\"$status\" test=\"is$status\"/>"
		done
		for status; do
			echo "<label id=\"$status\"/><send next=\"3\"><![CDATA["
			printf 'SIP/2.0 %s Because\n%s\nContact: <sip:a@192.0.2.9>\n' "$status" "$head"
			[ "$status" != 401 ] || echo 'WWW-Authenticate: Digest realm="rte.test", nonce="n", algorithm=MD5'
			[ "$status" != 407 ] || echo 'Proxy-Authenticate: Digest realm="rte.test", nonce="n", algorithm=MD5'
			printf 'Content-Length: 0\n\n'
			echo ']]></send>'
		done
		echo '<label id="3"/><nop next="4" test="invite"/><nop next="5"/><label id="4"/><recv request="ACK"/><label id="5"/><nop next="6"/></scenario>'
	} >"$file"
	call_count=9999 phone -sf "$file" -default_behaviors all,-bye
}
# of_status COMMAND...: lines CODE NAME STATUS on stdin, answered by SIPp
of_status() {
	local code name answer all
	all=$(cat)
	statuses $(awk '{ sub(/-.*/, "", $3); print $3 }' <<<"$all" | sort -u)
	while read -r code name answer; do
		echo "$1: $answer shall be $code"
		comes_to "$code" "$name" "$@" "sip:$answer@127.0.0.1:5070" </dev/null
	done <<<"$all"
	reap_all
}

@test "invite: final responses" {
	of_status invite --no-retry-after <<-'L'
	3 redirected 300
	3 redirected 302
	3 redirected 380
	4 client_failure 400
	22 no_credentials 401
	4 client_failure 403
	4 client_failure 404
	4 client_failure 405
	22 no_credentials 407
	4 client_failure 408
	9 no_answer 408-ringing
	4 client_failure 415
	4 client_failure 420
	4 client_failure 422
	4 client_failure 481
	9 no_answer 480
	8 busy_declined 486
	8 busy_declined 486-ringing
	4 client_failure 487
	4 client_failure 488
	4 client_failure 499
	5 server_failure 500
	5 server_failure 503
	5 server_failure 513
	8 busy_declined 600
	8 busy_declined 603
	6 global_failure 604
	6 global_failure 606
	8 busy_declined 607
	8 busy_declined 608
	L
}

@test "message and refer: final responses" {
	of_status message -d hello --no-retry-after <<-'L'
	0 ok 200
	0 ok 202
	3 redirected 302
	22 no_credentials 401
	4 client_failure 404
	22 no_credentials 407
	4 client_failure 408
	4 client_failure 480
	4 client_failure 486
	5 server_failure 500
	6 global_failure 600
	6 global_failure 603
	L
	of_status refer --to=sip:carol@192.0.2.1 --no-retry-after <<-'L'
	3 redirected 302
	22 no_credentials 401
	4 client_failure 405
	5 server_failure 503
	8 busy_declined 603
	6 global_failure 604
	L
	# RFC 4488 section 4: no subscription when both say so
	phone <<-'L'
	< REFER
	+ Refer-Sub: ^ *false
	> 202 Accepted
	+ Refer-Sub: false
	L
	rte refer --json --no-subscription --to=sip:carol@192.0.2.1 sip:sipp@127.0.0.1:5070
	exits 0
	phone_ends
}

@test "0 and 17: --expect takes any status; checks that do not hold" {
	statuses 200 404 486
	comes_to 0 ok invite --expect=486 sip:486@127.0.0.1:5070
	comes_to 0 ok message -d x --expect=4xx sip:404@127.0.0.1:5070
	comes_to 17 check_failed invite --expect=2xx sip:486@127.0.0.1:5070
	comes_to 17 check_failed message -d x --expect=404 sip:200@127.0.0.1:5070
	comes_to 17 check_failed message -d x '--expect-header=Server: kamailio' sip:200@127.0.0.1:5070
	comes_to 17 check_failed refer --to=sip:c@192.0.2.1 --expect=2xx sip:404@127.0.0.1:5070
}

@test "7: credentials that do not help" {
	statuses 401 407
	local command
	for command in invite 'message -d x' 'refer --to=sip:c@192.0.2.1'; do
		SECRET=no comes_to 7 auth_failed $command --server=127.0.0.1:5070 --aor=sip:a@rte.test --user=a --password=env:SECRET sip:401@rte.test
		SECRET=no comes_to 7 auth_failed $command --server=127.0.0.1:5070 --aor=sip:a@rte.test --user=a --password=env:SECRET sip:407@rte.test
		comes_to 22 no_credentials $command --server=127.0.0.1:5070 --aor=sip:a@rte.test sip:401@rte.test
	done
}

@test "2 and 20: options, and files that are not there" {
	for command in 'invite --sdp=late --codec=nothing' 'message' 'refer' 'listen --answer=99' 'invite --p2p --register' 'listen --server=127.0.0.1'; do
		comes_to 2 usage $command sip:a@127.0.0.1
	done
	comes_to 20 local invite --sdp=/nowhere sip:a@127.0.0.1
	comes_to 20 local message -d @/nowhere sip:a@127.0.0.1
	comes_to 20 local invite --local=192.0.2.77 sip:a@127.0.0.1
	comes_to 20 local listen --listen=udp:192.0.2.77:5999
	comes_to 20 local invite --sdp='cmd:false' sip:a@127.0.0.1
}

@test "10, 11, 12, 14: no name, nobody there, no TLS, no answer" {
	names_start
	sipp_start silent udp
	hangup_start 5079
	local command
	for command in invite 'message -d x' 'refer --to=sip:c@192.0.2.1'; do
		comes_to 10 dns $command sip:a@nosuch.rte.test
		comes_to 11 connect $command sip:a@127.0.0.1:5999
		comes_to 11 connect $command 'sip:a@127.0.0.1:5999;transport=tcp'
		comes_to 11 connect $command 'sip:a@127.0.0.1:5079;transport=tcp'
		comes_to 12 tls $command 'sip:a@127.0.0.1:5079;transport=tls'
		comes_to 14 timeout $command --timeout=200ms sip:a@127.0.0.1:5070
		comes_to 14 timeout $command --max-time=200ms sip:a@127.0.0.1:5070
	done
	comes_to 14 timeout listen -c 1 --for=200ms
	comes_to 0 ok listen --for=200ms
}

@test "15: a response that breaks the rules" {
	# RFC 3261 12.1.1, 8.1.3: a 2xx without a Contact makes no dialog
	for format in '' --json; do
		phone <<-'L'
		< INVITE
		> 200 OK sdp contact=
		L
		rte invite $format sip:sipp@127.0.0.1:5070
		[ "$status" = 15 ] || what_happened
		phone_ends
	done
	exits 15
}

@test "128 + n: an interrupt before and behind the goal" {
	for signal in INT:130 TERM:143; do
		phone <<-'L'
		< INVITE
		> 180 Ringing
		< CANCEL
		> 200 OK
		> 487 Request Terminated for=INVITE
		< ACK
		L
		spawn early invite --json sip:sipp@127.0.0.1:5070
		printed early '"state":"early"'
		kill "-${signal%:*}" "$spawned"
		spawned_ends "${signal#*:}" early
		check_records <"$BATS_TEST_TMPDIR/early.out"
		phone_ends
		phone <<-'L'
		< INVITE
		> 200 OK sdp
		< ACK
		< BYE
		> 200 OK
		L
		spawn late invite --json --duration=20s sip:sipp@127.0.0.1:5070
		printed late '"state":"confirmed"'
		kill "-${signal%:*}" "$spawned"
		spawned_ends "${signal#*:}" late # it has not lasted as long as it should
		phone_ends
		spawn waiting listen --json -c 1
		printed waiting '"type":"listening"'
		kill "-${signal%:*}" "$spawned"
		spawned_ends "${signal#*:}" waiting
		spawn open listen --json
		printed open '"type":"listening"'
		kill "-${signal%:*}" "$spawned"
		spawned_ends 0 open
	done
	sipp_start silent
	spawn message message --json -d x sip:a@127.0.0.1:5070
	printed message '"type":"request"'
	kill -INT "$spawned"
	spawned_ends 130 message
}

@test "refer: what the NOTIFYs tell is the result: 0, 8, 5; none of them is 14" {
	local answer code
	for answer in '200 OK:0' '486 Busy Here:8' '503 Unavailable:5' '302 Moved:3'; do
		code=${answer#*:}
		phone <<-L
		< REFER
		> 202 Accepted
		> NOTIFY body=message/sipfrag;version=2.0
		+ Event: refer
		+ Subscription-State: active;expires=60
		|SIP/2.0 100 Trying
		< 200
		> NOTIFY body=message/sipfrag;version=2.0
		+ Event: refer
		+ Subscription-State: terminated;reason=noresource
		|SIP/2.0 ${answer%:*}
		< 200
		L
		rte refer --json --to=sip:carol@192.0.2.1 sip:sipp@127.0.0.1:5070
		exits "$code"
		phone_ends
	done
	phone <<-'L'
	< REFER
	> 202 Accepted
	silence 700
	L
	rte refer --json --max-time=400ms --to=sip:carol@192.0.2.1 sip:sipp@127.0.0.1:5070
	exits 14
}

@test "every exit status of invite(1), message(1) and refer(1) that needs a peer is provoked here or in call_sipp_uas.bats" {
	# 16 18 19: call_sipp_uas.bats; 1 and 70: cli/exit_codes.bats; 21: a build without the feature
	local code
	for code in $(mandoc -T utf8 "$top/man/rte-invite.1" | col -b | sed -n '/^EXIT STATUS/,/^EXAMPLES/s/^     \([0-9][0-9]*\)  .*/\1/p'); do
		case $code in
		1 | 21 | 70) continue ;;
		esac
		grep -Eq "(comes_to|invites|exits|serverbased|timed|spawned_ends|^	)[ ]?$code( |$)|status\" = $code|:$code" "$BATS_TEST_FILENAME" "$BATS_TEST_DIRNAME/call_sipp_uas.bats" || {
			echo "exit status $code is in the manual and in no test"
			return 1
		}
	done
}
