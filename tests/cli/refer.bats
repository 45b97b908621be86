#!/usr/bin/env bats
# tests/cli/refer.bats -- rte refer: REFER outside of calls, with SIPp as the one who is referred (sipp/)

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
	silent_stop
}

@test "usage" {
	while IFS='|' read -r pattern options; do
		# shellcheck disable=SC2086
		rte refer $options sip:127.0.0.1:1
		usage_error "$pattern"
	done <<-'TABLE'
		--to: say whom|-v
		--to: |--to=sip:
		--method: not a method|--to=sip:x@y --method=B(YE
		--replaces: not CALL-ID|--to=sip:x@y --replaces=a
		--replaces with --method=BYE|--to=sip:x@y --replaces=a;to-tag=b;from-tag=c --method=BYE
		--data: a REFER has no body|--to=sip:x@y -d text
	TABLE
	rte refer --to=sip:x@y
	usage_error .
}

@test "dry run" {
	rte refer -n --to=sip:carol@example.com -a sip:alice@example.com sip:bob@192.0.2.1
	ended_with 0
	says '^REFER sip:bob@192\.0\.2\.1 SIP/2\.0$'
	says '^Refer-To: <sip:carol@example\.com>$'
	says '^Contact: '
	! grep -q '^Refer-Sub:' <<<"$output" || what_happened
	rte refer -n --no-subscription --method=BYE --to=sip:carol@example.com sip:bob@192.0.2.1
	says '^Refer-Sub: false$'
	says '^Refer-To: <sip:carol@example\.com;method=BYE>$'
	# RFC 3891 section 2, RFC 3261 19.1.1: what a header of a URI may not hold is escaped
	rte refer -n --replaces='a@b;to-tag=1;from-tag=2' --to=sip:carol@example.com sip:bob@192.0.2.1
	says '^Refer-To: <sip:carol@example\.com\?Replaces=a%40b%3[Bb]to-tag%3[Dd]1%3[Bb]from-tag%3[Dd]2>$'
	rte refer -n -j --to=sip:carol@example.com sip:bob@192.0.2.1
	ended_with 0
	records
}

@test "the NOTIFYs are followed to the last" {
	phone_start transferee -key result '200 OK'
	rte refer --to=sip:carol@example.com "sip:bob@$phone"
	ended_with 0
	phone_content
	says '^transfer     to sip:carol@example\.com  .*active  SIP/2\.0 100 Trying'
	says '^transfer     to sip:carol@example\.com  .*active  SIP/2\.0 180 Ringing'
	says '^transfer     to sip:carol@example\.com  .*terminated  SIP/2\.0 200 OK  noresource'
	phone_start transferee -key result '200 OK'
	rte refer -j --to=sip:carol@example.com "sip:bob@$phone"
	ended_with 0
	phone_content
	records
	[ "$(record 'select(.type == "transfer" and .sipfrag) | [.direction, .state, .status_code] | join(" ")' | paste -sd ,)" = \
		'sent active 100,sent active 180,sent terminated 200' ] || what_happened
	[ "$(record 'select(.type == "end") | .status_code')" = 200 ]
}

@test "the status in the last one decides" {
	while read -r code result; do
		phone_start transferee -key result "$result"
		rte refer --to=sip:carol@example.com "sip:bob@$phone"
		ended_with "$code" "^rte: refer .*: $result"
		phone_content
	done <<-'TABLE'
		3 302 Moved Temporarily
		4 404 Not Found
		5 503 Service Unavailable
		6 604 Does Not Exist Anywhere
		8 486 Busy Here
		9 480 Temporarily Unavailable
	TABLE
}

@test "a REFER that is refused" {
	serve_start --auth=none --reply='REFER=603 Decline'
	rte refer --p2p --to=sip:carol@example.com "sip:bob@$udp"
	ended_with 8 '603 Decline'
	rte refer -j --p2p --to=sip:carol@example.com "sip:bob@$udp"
	ended_with 8
	records
	[ "$(record 'select(.type == "error") | [.status_code, .exit_name] | join(" ")')" = '603 busy_declined' ] || what_happened
}

@test "no NOTIFY: --max-time ends it, 14" {
	phone_start silent_transferee -key extra 'Refer-Sub: true'
	rte refer --max-time=700ms --to=sip:carol@example.com "sip:bob@$phone"
	ended_with 14 '--max-time=700ms'
}

@test "--no-subscription: the answer is the result" {
	phone_start silent_transferee -key extra 'Refer-Sub: false'
	rte refer -j --no-subscription --to=sip:carol@example.com "sip:bob@$phone"
	ended_with 0
	records
	phone_heard '^Refer-Sub: false'
	[ "$(record 'select(.type == "response") | .status_code')" = 202 ] || what_happened
	[ "$(record 'select(.type == "end") | .status_code')" = 202 ] || what_happened
}

@test "local failures" {
	rte refer --to=sip:carol@example.com 'sip:bob@127.0.0.1:1;transport=tcp'
	ended_with 11 'refused'
	silent_start
	rte refer --timeout=300ms --to=sip:carol@example.com "sip:bob@127.0.0.1:$silent"
	ended_with 14
}
