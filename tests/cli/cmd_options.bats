#!/usr/bin/env bats
# tests/cli/cmd_options.bats -- rte options: one probe, many, statistics, the trace of a route

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
	silent_stop
}

@test "one probe: one line" {
	serve_start --auth=none
	rte options "udp:$udp"
	ended_with 0
	[[ $output =~ ^"200 OK  from $udp udp  "[0-9.]+" ms  rte/"[0-9.]+$ ]] || what_happened
	rte ping "tcp:$tcp"
	says "^200 OK  from $tcp tcp"
	rte options --server="$udp" sip:test.invalid
	says "^200 OK  from $udp udp"
	rte options -j "udp:$udp"
	records
	[ "$(record '.type' | tr '\n' ' ')" = 'start endpoint request response end ' ] || what_happened
	[ "$(record 'select(.type == "response") | .rtt_ms < 1000')" = true ]
}

@test "many: a line each and a summary, from stored samples" {
	serve_start --auth=none
	rte options -c 3 -i 1ms "udp:$udp"
	ended_with 0
	[ "$(grep -c "^200 OK  from $udp udp  seq [123]  [0-9.]* ms$" <<<"$output")" = 3 ] || what_happened
	says '^3 sent, 3 answered, 0 % lost, min/avg/max [0-9.]+/[0-9.]+/[0-9.]+ ms, p50/p95/p99'
	rte options -j -c 20 -i 0 "udp:$udp"
	records
	record 'select(.type == "summary")' >"$BATS_TEST_TMPDIR/summary"
	[ "$(jq -r '[.sent, .ok, .failed, .by_status["200"]] | join(" ")' <"$BATS_TEST_TMPDIR/summary")" = '20 20 0 20' ] || what_happened
	[ "$(jq '.rtt_ms | .min <= .p50 and .p50 <= .p95 and .p95 <= .p99 and .p99 <= .max and .min <= .mean and .mean <= .max' \
		<"$BATS_TEST_TMPDIR/summary")" = true ] || what_happened
	# they are the round-trip times of the responses
	[ "$(record 'select(.type == "response") | .rtt_ms' | sort -g | tail -n 1)" = "$(jq .rtt_ms.max <"$BATS_TEST_TMPDIR/summary")" ] ||
		what_happened
}

@test "probes overlap when the interval is shorter than the answer takes" {
	serve_start --auth=none --reply='OPTIONS=200;after=400ms'
	rte options -j -c 10 -i 20ms "udp:$udp"
	ended_with 0
	records
	[ "$(record 'select(.type == "end") | .elapsed_ms < 2000')" = true ] || what_happened
	[ "$(record .type | uniq | tr '\n' ' ')" = 'start endpoint request response summary end ' ] || what_happened
}

@test "several targets: one line each, the first failure decides, --min-ok relaxes" {
	serve_start --auth=none
	rte options --timeout=2s "udp:$udp" udp:127.0.0.1:1 "tcp:$tcp"
	ended_with 11
	says "^200 OK  from $udp udp  seq 1  .* udp:$udp$"
	says '^connection refused +seq 1  udp:127\.0\.0\.1:1$'
	says '^3 sent, 2 answered, 33 % lost'
	[ -z "$stderr" ] || what_happened
	rte options --min-ok=2 "udp:$udp" udp:127.0.0.1:1 "tcp:$tcp"
	ended_with 0
	rte options --min-ok=3 "udp:$udp" udp:127.0.0.1:1 "tcp:$tcp"
	ended_with 11
	rte options -q "udp:$udp" udp:127.0.0.1:1
	ended_with 11 '1 of 2 requests failed'
	[ -z "$output" ] || what_happened
	rte options -j "udp:$udp" udp:127.0.0.1:1
	ended_with 11
	records
	[ "$(record 'select(.type == "error") | [.uri, .exit_name] | join(" ")')" = 'udp:127.0.0.1:1 connect' ] || what_happened
	[ "$(record 'select(.type == "summary") | .by_exit.connect')" = 1 ]
}

@test "probes of many are not repeated: no Retry-After, no --retry" {
	serve_start --auth=none --reply='OPTIONS=503;retry-after=1'
	rte options -j -c 2 -i 1ms --retry=3 "udp:$udp"
	ended_with 5
	records
	[ "$(record 'select(.type == "end") | .sent')" = 2 ] || what_happened
	# a single one is, once
	rte options -j "udp:$udp"
	ended_with 5
	[ "$(record 'select(.type == "end") | .sent')" = 2 ] || what_happened
	[ "$(record 'select(.type == "retry") | .because')" = retry-after ]
	rte options -j --no-retry-after "udp:$udp"
	[ "$(record 'select(.type == "end") | .sent')" = 1 ] || what_happened
}

@test "--retry: so many more, with their reason" {
	serve_start --auth=none --reply='OPTIONS=500'
	rte options -j --retry=2 --retry-delay=10ms "udp:$udp"
	ended_with 5
	records
	[ "$(record 'select(.type == "retry") | [.attempt, .of, .because] | join(" ")' | tr '\n' ,)" = '2 3 status,3 3 status,' ] ||
		what_happened
	rte options -j --retry=1 --retry-delay=10ms --retry-connrefused udp:127.0.0.1:1
	ended_with 11
	[ "$(record 'select(.type == "retry") | .because')" = connect ] || what_happened
	rte options -v --retry=1 --retry-delay=10ms "udp:$udp"
	notes '^\* trying again in 10 ms: 500 Server Internal Error \(attempt 2 of 2\)'
}

@test "a silent target: no response, and the time that was waited" {
	silent_start
	rte options -c 2 -i 10ms --timeout=200ms "udp:127.0.0.1:$silent"
	ended_with 14
	says '^no response +seq 1  timeout 200 ms$'
	says '^2 sent, 0 answered, 100 % lost$'
	rte options -j -c 2 -i 10ms --timeout=200ms "udp:127.0.0.1:$silent"
	records
	[ "$(record 'select(.type == "summary") | .by_exit.timeout')" = 2 ] || what_happened
	[ "$(record 'select(.type == "summary") | has("rtt_ms")')" = false ]
}

@test "a signal ends it, with the summary of what there was" {
	serve_start --auth=none
	spawn many options -c 1000 -i 50ms "udp:$udp"
	printed many 'seq 3'
	kill -INT "$spawned"
	spawned_ends 130 many
	printed many '^[0-9]+ sent, [0-9]+ answered'
}

@test "--trace-route: who answers 483, until the target does" {
	serve_start --add-user=alice:env:PW
	spawn alice register --keep --server="$udp" --password=env:PW sip:alice@test.invalid
	printed alice '^registered'
	route=(options --trace-route --server="$udp" -a sip:alice@test.invalid --password=env:PW)
	rte "${route[@]}" sip:alice@test.invalid
	ended_with 0
	says "^ 1  483 Too Many Hops  from $udp udp  [0-9.]+ ms  rte/"
	says "^ 2  200 OK  from $udp udp"
	rte "${route[@]}" -j sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "request") | .max_forwards' | tr '\n' ' ')" = '0 1 1 ' ] || what_happened
	! record .type | grep -q error || what_happened
	rte "${route[@]}" --max-hops=1 sip:alice@test.invalid
	ended_with 4 '483 Too Many Hops'
	rte "${route[@]}" sip:nobody@test.invalid
	ended_with 4 '404|480'
}

@test "what is sent: --dry-run, headers, a body" {
	rte options -n -H 'Subject: hello' -d text sip:one@192.0.2.1 sip:two@192.0.2.2
	ended_with 0
	[ "$(grep -c '^OPTIONS sip:' <<<"$output")" = 2 ] || what_happened
	says '^Subject: hello$'
	says '^Content-Type: text/plain$'
	says '^text$'
	rte options -n --max-forwards=5 -a sip:me@example.com tel:+1-201-555-0123
	says '^OPTIONS sip:\+12015550123@example\.com;user=phone SIP/2\.0$'
	says '^Max-Forwards: 5$'
	rte options -n -j sip:one@192.0.2.1
	records
}

@test "what does not go together" {
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte options $options sip:127.0.0.1:1
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--interval_without_--count -i 1
		--min-ok_without_--count --min-ok=1
		--min-ok:_"3"_is_not_a_number_from_1_to_2 --min-ok=3 -c 2
		--max-hops_without_--trace-route --max-hops=2
		--trace-route_takes_one_target --trace-route -c 2
		--trace-route_takes_one_target --trace-route sip:127.0.0.1:2
		--max-forwards_with_--trace-route --trace-route --max-forwards=2
		--count:_"0" -c 0
		--max-hops:_"257" --trace-route --max-hops=257
	TABLE
}

@test "a server that challenges" {
	serve_start --add-user=alice:env:PW
	rte options --server="$udp" -a sip:alice@test.invalid --password=env:PW sip:bob@test.invalid
	ended_with 4 '404|480'
	rte options -c 2 -i 1ms --server="$udp" -a sip:alice@test.invalid sip:bob@test.invalid
	ended_with 22
	says '^407 Proxy Authentication Required'
}
