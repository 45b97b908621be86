#!/usr/bin/env bats
# tests/cli/check.bats -- the options of the group Check: --expect, --expect-header, --expect-body, --stop-after, --drop-after
# (cli.md sections 7, 9 and 10.4); the steps of a call are in tests/unit/test_cli_check.c, too

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	silent_stop
	reap_all
}

# checks: what the records say, a line for each check
checks() {
	record 'select(.type == "check") | .check + "|" + .wanted + "|" + (.found // "-") + "|" + (.passed | tostring)'
}
# expected CODE STATUS EXPECT: what `rte options --expect` makes of a status
expected() {
	rte options -j --expect="$3" "sip:u$2@$udp"
	ended_with "$1"
	records
}

# ---- --expect

@test "--expect: a final status gives 0 or 17, nothing else" {
	serve_start --auth=none --reply='OPTIONS u200=200' --reply='OPTIONS u202=202' --reply='OPTIONS u302=302' \
		--reply='OPTIONS u404=404' --reply='OPTIONS u503=503' --reply='OPTIONS u603=603'
	expected 0 200 200
	[ "$(checks)" = 'expect|200|200 OK|true' ] || what_happened
	expected 0 202 2xx
	expected 0 404 200,404
	[ "$(checks)" = 'expect|200,404|404 Not Found|true' ] || what_happened
	[ -z "$(record 'select(.type == "error") | .type')" ] || what_happened
	expected 0 503 '4xx,5xx'
	expected 0 302 302
	expected 0 603 6xx
	for row in '200 404' '202 200' '302 2xx' '404 405,5xx' '503 504' '603 4xx'; do
		# shellcheck disable=SC2086
		expected 17 $row
		[ "$(record 'select(.type == "check") | .passed')" = false ] || what_happened
		[ "$(record 'select(.type == "error") | "\(.exit_code) \(.exit_name) \(.status_code)"')" = \
			"17 check_failed ${row% *}" ] || what_happened
	done
}

@test "--expect in text: the result, what was checked, and an error when it did not hold" {
	serve_start --auth=none --reply='OPTIONS=404'
	rte options --expect=404 "udp:$udp"
	ended_with 0
	says "^404 Not Found  from $udp udp  "
	says '^passed      expect  404  found 404 Not Found$'
	[ -z "$stderr" ] || what_happened
	rte options --expect=200,3xx "udp:$udp"
	ended_with 17 '^rte: options udp:.*: --expect: wanted 200,3xx, found 404 Not Found$'
	says '^failed      expect  200,3xx  found 404 Not Found$'
	rte options -q --expect=200 "udp:$udp"
	ended_with 17 'wanted 200, found 404'
	[ -z "$output" ] || what_happened
}

@test "--expect: without a final status the code stays" {
	silent_start
	rte options -j --expect=2xx --timeout=200ms "udp:127.0.0.1:$silent"
	ended_with 14
	[ -z "$(checks)" ] || what_happened
	rte options -j --expect=4xx tcp:127.0.0.1:1
	ended_with 11
	[ -z "$(checks)" ] || what_happened
}

@test "--expect=401: that a server challenges can be what is wanted" {
	serve_start --add-user=alice:env:PW --reply='OPTIONS=401'
	rte options --expect=401 "udp:$udp"
	ended_with 0
	rte options --expect=200 "udp:$udp"
	ended_with 22
	rte register --expect=401 --server="$udp" sip:alice@test.invalid
	ended_with 0
	PW=wrong rte register --expect=401,403 --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	PW=wrong rte register --expect=200 --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 17
}

@test "--expect does not make a registration good that was not challenged" {
	serve_start --auth=none
	rte register --expect=200 --auth=digest --server="$udp" sip:alice@test.invalid
	ended_with 7 'without a challenge'
}

@test "--expect: redirects and retries go before it" {
	serve_start --auth=none --reply='OPTIONS=503;retry-after=0'
	rte options -j --expect=503 "udp:$udp"
	ended_with 0
	[ "$(checks | wc -l)" = 1 ] || what_happened
}

@test "many: each probe is checked, the first that failed decides, --min-ok relaxes" {
	serve_start --auth=none --reply='OPTIONS good=404' --reply='OPTIONS bad=200'
	rte options -j -c 3 -i 0 --expect=404 "sip:good@$udp"
	ended_with 0
	records
	[ "$(checks | sort | uniq -c | tr -s ' ')" = ' 3 expect|404|404 Not Found|true' ] || what_happened
	[ "$(record 'select(.type == "summary") | "\(.ok) \(.failed)"')" = '3 0' ] || what_happened
	rte options -j --expect=404 "sip:good@$udp" "sip:bad@$udp"
	ended_with 17
	records
	[ "$(record 'select(.type == "summary") | "\(.ok) \(.failed) \(.by_exit.check_failed)"')" = '1 1 1' ] || what_happened
	[ "$(record 'select(.type == "error") | .uri')" = "sip:bad@$udp" ] || what_happened
	rte options --min-ok=1 --expect=404 "sip:good@$udp" "sip:bad@$udp"
	ended_with 0
}

# ---- --expect-header, --expect-body

@test "--expect-header and --expect-body look at the final response" {
	peer_start udp
	peer_answer <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Server: kamailio (5.8)
		Allow: INVITE
		Allow: OPTIONS, BYE
		Content-Type: text/plain
		Content-Length: 13

		one
		two 22
	TEXT
	rte options -j --expect-header='server: ^kamailio \([0-9.]+\)$' --expect-header='Allow: OPT.*BYE' \
		--expect-body='^two 2{2}$' "udp:$peer"
	ended_with 0
	records
	[ "$(checks)" = 'expect-header|server: ^kamailio \([0-9.]+\)$|kamailio (5.8)|true
expect-header|Allow: OPT.*BYE|OPTIONS, BYE|true
expect-body|^two 2{2}$|two 22|true' ] || what_happened
	rte options --expect-header='Server: asterisk' --expect-header='X-None: .' --expect-body=three --expect=200 "udp:$peer"
	ended_with 17 '^rte: options udp:[^ ]*: a check did not hold|^rte: .*--expect'
	says '^passed      expect  200  found 200 OK$'
	says '^failed      expect-header  Server: asterisk  found kamailio \(5\.8\)$'
	says '^failed      expect-header  X-None: \.  found nothing$'
	says '^failed      expect-body  three  found nothing$'
}

@test "a failure keeps its code, whatever the header fields are" {
	serve_start --auth=none --reply='OPTIONS=404'
	rte options --expect-header='Server: nothing' "udp:$udp"
	ended_with 4 '404 Not Found'
	says '^failed      expect-header'
	rte options --expect=404 --expect-header='Server: nothing' "udp:$udp"
	ended_with 17
}

@test "what a server says is shown as text: no control byte, no secret" {
	peer_start udp
	printf 'SIP/2.0 200 OK\n%s\nServer: a\x1b[31mb\x01\nContent-Length: 0\n' "$peer_head" | peer_answer
	rte options --expect-header='Server: b' "udp:$peer"
	ended_with 0
	! grep -q $'\x1b' <<<"$output" || what_happened
	says 'found a\\x1b\[31mb'
	rte options -j --expect-header='Server: b' "udp:$peer"
	records
}

@test "register: one shot, and --keep, which ends when a check does not hold" {
	serve_start --auth=none
	rte register --expect=200 --expect-header='Contact: sip:alice@' --server="$udp" sip:alice@test.invalid
	ended_with 0
	rte register -j --keep --expect=202 --server="$udp" sip:alice@test.invalid
	ended_with 17
	records
	[ "$(checks)" = 'expect|202|200 OK|false' ] || what_happened
	[ "$(record 'select(.type == "registration") | .cause' | paste -sd ' ')" = 'registered unregistered' ] || what_happened
	spawn keep register -j --keep --expect=200 --expect-header='Server: rte' --server="$udp" sip:alice@test.invalid
	printed keep '"state":"active"'
	kill "$spawned"
	spawned_ends 0 keep
	[ "$(json "$BATS_TEST_TMPDIR/keep.out" 'select(.type == "check") | .passed' | paste -sd ' ')" = 'true true' ]
}

# ---- --stop-after, --drop-after

# stopped CODE ARG...: the step is the last ARG's check
stopped() {
	local code=$1
	shift
	rte options -j "$@"
	ended_with "$code"
	records
}
methods() {
	record 'select(.type == "request" and .direction == "sent") | .method' | paste -sd ' '
}

@test "--stop-after: exit 0 at the step, the steps before it are not enough" {
	serve_start --auth=none --reply='OPTIONS=404' --tls-auto
	for step in connect send answer; do
		for option in stop-after drop-after; do
			stopped 0 "--$option=$step" "tcp:$tcp"
			[ "$(checks)" = "$option|$step|$step|true" ] || what_happened
			[ -z "$(record 'select(.type == "error") | .type')" ] || what_happened
		done
	done
	stopped 0 --stop-after=tls -k "tls:$tls"
	[ "$(record .type | grep -x -e connected -e request | paste -sd ' ')" = connected ] || what_happened
	stopped 4 --stop-after=established "tcp:$tcp"
	stopped 4 --stop-after=1xx "tcp:$tcp"
	stopped 4 --stop-after=tls "tcp:$tcp"
}

@test "--stop-after=resolve and connect: no request goes out" {
	serve_start --auth=none
	for option in stop-after drop-after; do
		stopped 0 "--$option=connect" "tcp:$tcp"
		[ "$(methods)" = '' ] || what_happened
		[ "$(record .type | grep -c '^connected$')" = 1 ] || what_happened
		stopped 0 "--$option=resolve" --resolve="host.example:${tcp#*:}:127.0.0.1" "sip:host.example:${tcp#*:};transport=tcp"
		[ "$(methods)" = '' ] || what_happened
	done
}

@test "a step that is never reached: 17 after a success, else the code of the failure" {
	serve_start --auth=none
	stopped 17 --stop-after=ack "udp:$udp"
	[ "$(checks)" = 'stop-after|ack|-|false' ] || what_happened
	rte options --stop-after=1xx "udp:$udp"
	ended_with 17 '--stop-after: the step 1xx was not reached$'
	stopped 0 --stop-after=established "udp:$udp"
	stopped 11 --stop-after=send tcp:127.0.0.1:1
	silent_start
	stopped 14 --stop-after=answer --timeout=200ms "udp:127.0.0.1:$silent"
	stopped 0 --stop-after=send --timeout=20s "udp:127.0.0.1:$silent"
}

@test "--stop-after ends in order, --drop-after leaves the binding where it is" {
	serve_start --auth=none
	bound() {
		"$RTE" register --query --json --server="$udp" sip:alice@test.invalid |
			jq -r 'select(.type == "registration") | .contact // [] | length'
	}
	register=(--register -a sip:alice@test.invalid --server="$udp")
	for step in send answer established; do
		stopped 0 "${register[@]}" --stop-after=$step sip:alice@test.invalid
		[ "$(bound)" = 0 ] || what_happened
		[ "$(methods)" = 'REGISTER OPTIONS REGISTER' ] || what_happened
	done
	stopped 0 "${register[@]}" --drop-after=answer sip:alice@test.invalid
	[ "$(methods)" = 'REGISTER OPTIONS' ] || what_happened
	[ "$(bound)" = 1 ] || what_happened
	rte register --keep --stop-after=answer --server="$udp" sip:bob@test.invalid
	ended_with 0
	says '^unregistered'
	rte register --keep --drop-after=answer --server="$udp" sip:bob@test.invalid
	ended_with 0
	says '^registered'
	! grep -q '^unregistered' <<<"$output" || what_happened
}

# ---- calls

# call CODE ARG...: `rte invite`; what was sent goes into $sent, on one line
call() {
	local code=$1
	shift
	rte invite -j --server="$udp" "$@"
	ended_with "$code"
	records
	sent=$(methods)
}
@test "calls: --expect decides about the final response, the checks look at the 2xx" {
	serve_start --auth=none
	call 0 --expect=486 sip:busy@test.invalid
	[ "$(checks)" = 'expect|486|486 Busy Here|true' ] || what_happened
	call 8 sip:busy@test.invalid
	call 17 --expect=2xx sip:busy@test.invalid
	call 0 --expect=200 --expect-header='Contact: sip:' --expect-body='^m=audio [0-9]+ ' sip:echo@test.invalid
	[ "$(record 'select(.type == "check") | .passed' | paste -sd ' ')" = 'true true true' ] || what_happened
	call 17 --expect=486 sip:echo@test.invalid
	[ "$sent" = 'INVITE ACK BYE' ] || what_happened
}

@test "calls: --stop-after ends in order: CANCEL or BYE" {
	serve_start --auth=none
	for step in send 1xx early; do
		call 0 --100rel=no --stop-after=$step sip:ring@test.invalid
		[ "$sent" = 'INVITE CANCEL' ] || what_happened
	done
	for step in answer ack established; do
		call 0 --duration=20s --stop-after=$step sip:echo@test.invalid
		[ "$sent" = 'INVITE ACK BYE' ] || what_happened
	done
	call 8 --stop-after=established sip:busy@test.invalid
}

@test "calls: --drop-after says nothing more: no PRACK, no ACK, no CANCEL, no BYE" {
	serve_start --auth=none
	for step in send 1xx early; do
		call 0 --drop-after=$step sip:early@test.invalid
		[ "$sent" = INVITE ] || what_happened
	done
	call 0 --drop-after=answer sip:echo@test.invalid
	[ "$sent" = INVITE ] || what_happened
	for step in ack established; do
		call 0 --drop-after=$step sip:echo@test.invalid
		[ "$sent" = 'INVITE ACK' ] || what_happened
	done
	call 0 --register -a sip:alice@test.invalid --drop-after=ack sip:echo@test.invalid
	[ "$sent" = 'REGISTER INVITE ACK' ] || what_happened
}

@test "calls: --register goes first and ends last" {
	serve_start --auth=none
	call 0 --register -a sip:alice@test.invalid sip:echo@test.invalid
	[ "$sent" = 'REGISTER INVITE ACK BYE REGISTER' ] || what_happened
	call 8 --register -a sip:alice@test.invalid sip:busy@test.invalid
	[ "$sent" = 'REGISTER INVITE REGISTER' ] || what_happened
}

# ---- values

@test "usage errors" {
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte options $options udp:127.0.0.1:1
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--expect:_not_a_list_of_final_statuses --expect=20
		--expect:_not_a_list --expect=1xx
		--expect:_not_a_list --expect=180
		--expect:_not_a_list --expect=200,
		--expect:_not_a_list --expect=700
		--expect-header:_not_of_the_form --expect-header=Server
		--expect-header:_.*[Uu]nmatched --expect-header=Server:(
		--expect-body:_.*[Uu]nmatched --expect-body=a(b
		--stop-after:_.*is_not_one_of_resolve\|connect --stop-after=soon
		--drop-after:_.*is_not_one_of --drop-after=STEP
		--stop-after_with_--drop-after --stop-after=send --drop-after=send
	TABLE
	RTE_EXPECT=nothing rte options udp:127.0.0.1:1
	usage_error '^rte: options: RTE_EXPECT: not a list'
}

@test "listen: --expect-header and --expect-body are about the requests that it takes, --expect is refused" {
	rte listen --expect=200
	usage_error '^rte: listen: --expect: '
	listener() { # WANTED-CODE ARG...
		local wanted=$1
		shift
		rm -f "$HOME/ready"
		spawn l listen --once --listen=udp:127.0.0.1:0 --ready-file="$HOME/ready" "$@"
		wait_for 5 test -s "$HOME/ready"
		"$RTE" message -q -H 'Subject: lunch' -d 'at noon' "$(<"$HOME/ready")"
		spawned_ends "$wanted" l
	}
	listener 0 --expect-header='Subject: ^lun' --expect-body=noon
	listener 17 --expect-header='Subject: ^din'
	listener 17 --expect-body=midnight
	rte listen --for=200ms --expect-body=x
	ended_with 17 'no request came that could be checked'
}
