#!/usr/bin/env bats
# tests/cli/json.bats -- the records of --json: cli.md 10.3 and 10.4. That all of them fit the schema is checked wherever a test
# says `records`; here: the checker itself, the printed schema, and the same facts in text and JSON.

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
}

# refuses PATTERN: the checker, for what is on stdin
refuses() {
	run check_records
	[ "$status" = 1 ] || what_happened
	grep -Eq -e "$1" <<<"$output" || what_happened
}
start='{"command":"x","elapsed_ms":0.0,"pid":1,"seq":1,"time":"2026-11-22T12:00:00.000112Z","type":"start","v":1,"version":"0"}'
end='{"command":"x","elapsed_ms":1.5,"exit_code":0,"exit_name":"ok","received":0,"retransmissions":0,"sent":0,"seq":2,"time":"2026-11-22T12:00:00.000112Z","type":"end","v":1}'

@test "the checker takes what is right, and tells the line of what is not" {
	printf '%s\n' "$start" "$end" | check_records
	printf '%s\n' "$start" "$end" "$start" "$end" | check_records
	printf '%s\n' "$end" | check_records -c
	printf '%s\n' "$start" | refuses 'no end record'
	printf '%s\n' "$end" | refuses 'line 1: end before start'
	refuses 'no records' </dev/null
	printf '%s' "$start" | refuses 'has no end'
	printf '%s\n' "$start" "${end/\"seq\":2/\"seq\":3}" | refuses 'line 2: seq 3 after 1'
	printf '%s\n' "$start" "${end/1.5/-1.5}" | refuses 'elapsed_ms'
	printf '%s\n' "$start" "${end/\"sent\":0,/}" | refuses 'end.sent is missing'
	printf '%s\n' "$start" "${end/\"sent\":0/\"sent\":\"0\"}" | refuses 'end.sent is "0"'
	printf '%s\n' "$start" "${end/\"sent\":0/\"sent\":0,\"sent2\":0}" | refuses 'end.sent2 is in no row'
	printf '%s\n' "$start" "${end/\"sent\":0/\"sent\":0,\"sent\":0}" | refuses 'not JSON: duplicate'
	printf '%s\n' "$start" "${end/,\"sent\"/, \"sent\"}" | refuses 'not compact'
	printf '%s\n' "$start" "${end/\"v\":1/\"v\":2}" | refuses 'v is not 1'
	printf '%s\n' "$start" "${end/type\":\"end/type\":\"fin}" | refuses 'type "fin"'
	printf '%s\n' "$start" "${end/\"ok\"/\"é\"}" | refuses 'byte 0xc3'
	printf '%s\n' "$start" "${end/00.000112Z/00Z}" | refuses 'kind time'
	printf '%s\n' "$start" "${end/command\":\"x/command\":\"y}" | refuses 'the command was x'
	printf '%s\n' "$start" '' "$end" | refuses 'line 2: not JSON'
}

@test "the schema is JSON, names every type, and every reference in it leads somewhere" {
	rte help --schema
	ended_with 0
	jq -e . <<<"$output" >/dev/null
	types=$(sed -n 's/^EVENT(\([a-z_]*\),.*/\1/p' "$top/cli/events.def" | sort)
	[ "$(jq -r '.oneOf[]["$ref"]' <<<"$output" | sed 's|#/$defs/event_||' | sort)" = "$types" ] || what_happened
	[ -z "$(jq -r '[.. | objects | .["$ref"] // empty | sub("#/\\$defs/"; "")] - (.["$defs"] | keys) | .[]' <<<"$output")" ]
	[ "$(jq -r '.["$defs"].event_end.required | index("exit_code") != null' <<<"$output")" = true ]
}

@test "a usage error is NDJSON, too, between start and end" {
	for args in '--json --nosuch x' '-j -x' 'sip:a@b --nosuch --json'; do
		# shellcheck disable=SC2086
		rte register $args
		ended_with 2
		records
		[ -z "$stderr" ] || what_happened
		[ "$(record .type | tr '\n' ' ')" = 'start error end ' ] || what_happened
	done
}

@test "text of the wire that is no UTF-8 becomes U+FFFD; -v keeps the bytes" {
	peer_start udp
	printf 'SIP/2.0 404 Nicht gefunden \xfc\n%s\nServer: caf\xc3\xa9\nContent-Length: 0\n\n' "$peer_head" | peer_answer
	rte options -j --timeout=2s "udp:$peer"
	ended_with 4
	records
	[ "$(record 'select(.type == "response") | .reason_phrase')" = $'Nicht gefunden \xef\xbf\xbd' ] || what_happened
	[ "$(record 'select(.type == "response") | .server')" = $'caf\xc3\xa9' ] || what_happened
	LC_ALL=C grep -q '[^ -~]' <<<"$output" && what_happened
	rte options -j -v --timeout=2s "udp:$peer"
	records
	record 'select(.type == "response") | .raw_base64' | base64 -d | LC_ALL=C grep -q $'gefunden \xfc'
	[ "$(record 'select(.type == "request") | .raw | startswith("OPTIONS sip:")')" = true ] || what_happened
}

@test "what a peer says about its failure" {
	peer_start udp
	peer_answer <<-TEXT
		SIP/2.0 480 Temporarily Unavailable
		$peer_head
		Warning: 399 example.com "gone fishing"
		Reason: Q.850;cause=19
		Retry-After: 900
		ms-diagnostics: 1001;reason="x"
		Content-Length: 0
	TEXT
	rte options -j --timeout=2s "udp:$peer"
	ended_with 4
	records
	wanted='399 example.com "gone fishing"|Q.850;cause=19|900|1001;reason="x"|480'
	[ "$(record 'select(.type == "error") | [.warning, .reason, .retry_after, .ms_diagnostics, .status_code] | join("|")')" = "$wanted" ] ||
		what_happened
	rte options --timeout=2s "udp:$peer"
	ended_with 4 '^rte: options udp:.*: 480 Temporarily Unavailable$'
	notes '^  warning         399 example\.com "gone fishing"$'
	notes '^  reason          Q\.850;cause=19$'
	notes '^  retry-after     900 s$'
	notes '^  ms-diagnostics  1001 x$'
}

# facts: of what ran last with --json, as lines of text
@test "text and JSON carry the same facts: register" {
	serve_start --tls-auto --add-user=alice:env:PW
	reg=(register -t tls --cacert="$ca" --server="$tls" --password=env:PW --instance=urn:x-a:b --gruu --contact=';+sip.audio'
		--path='sip:e.example.com;lr' --q=0.5 sip:alice@test.invalid)
	rte "${reg[@]}"
	ended_with 0
	text=$output
	rte "${reg[@]}" --json
	records
	record 'select(.type == "registration") | .aor, "expires \(.expires)", (.contact[] | select(.own) | .pub_gruu, "q \(.q)", "instance \(.instance)"), .path[]' \
		>"$HOME/facts"
	record 'select(.type == "connected") | .tls.version, "\(.remote.transport) \(.remote.address):\(.remote.port)"' >>"$HOME/facts"
	record 'select(.type == "auth") | "realm \(.realm)", (.chosen | ascii_upcase)' >>"$HOME/facts"
	record 'select(.type == "response" and .status_code < 300) | "\(.status_code) \(.reason_phrase)"' >>"$HOME/facts"
	while IFS= read -r fact; do
		grep -Fq -e "$fact" <<<"$text" || {
			echo "not in the text: $fact"
			echo "$text"
			false
		}
	done <"$HOME/facts"
	[ "$(wc -l <"$HOME/facts")" = 11 ]
}

@test "every type that these commands can give is seen" {
	serve_start -j --add-user=alice:env:PW --min-expires=1 --control="$BATS_TEST_TMPDIR/orders"
	spawn keep register --keep -j -t tcp --server="$tcp" --password=env:PW sip:alice@test.invalid
	printed keep '"registration"'
	echo 'drop alice' >"$BATS_TEST_TMPDIR/orders"
	printed keep '"disconnected"'
	kill "$spawned"
	spawned_ends 0 keep
	serve_end
	cp "$BATS_TEST_TMPDIR/serve.out" "$HOME/served"
	# an ACK in the name of an endpoint whose messages are signed
	serve_start -j --auth=ntlm --add-user=alice:env:PW
	spawn signed register --keep -j -t tcp --server="$tcp" --epid=0a1b2c --password=env:PW sip:alice@test.invalid
	printed signed '"registration"'
	printf '%s\r\n' 'ACK sip:bob@test.invalid SIP/2.0' 'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx' \
		'From: <sip:alice@test.invalid>;tag=1;epid=0a1b2c' 'To: <sip:bob@test.invalid>;tag=2' 'Call-ID: c' 'CSeq: 1 ACK' \
		'Content-Length: 0' '' >"/dev/tcp/${tcp%:*}/${tcp##*:}"
	wait_for 5 grep -q '"type":"discarded"' "$BATS_TEST_TMPDIR/serve.out"
	kill "$spawned"
	spawned_ends 0 signed
	serve_end
	cat "$BATS_TEST_TMPDIR/serve.out" >>"$HOME/served"
	spawn listen listen -j --unsolicited -c 2 --listen=udp:127.0.0.1:0 --ready-file="$HOME/ready"
	wait_for 5 test -s "$HOME/ready"
	local at
	at=$(sed 's/^udp://' "$HOME/ready")
	"$RTE" message -d x "udp:$at"
	printf '%s\r\n' "NOTIFY sip:$at SIP/2.0" 'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKn' 'Max-Forwards: 70' 'From: <sip:a@b>;tag=1' \
		"To: <sip:$at>" 'Call-ID: n' 'CSeq: 1 NOTIFY' 'Event: x' 'Subscription-State: active' 'Content-Length: 0' '' >"$HOME/notify"
	cat "$HOME/notify" >"/dev/udp/${at/:/\/}"
	spawned_ends 0 listen
	{
		cat "$BATS_TEST_TMPDIR/keep.out" "$HOME/served"
		"$RTE" options -j --retry=1 --retry-delay=1ms --retry-connrefused udp:127.0.0.1:1 || true
		"$RTE" options -j -c 1 udp:127.0.0.1:1 || true
		"$RTE" options -j --stop-after=send "udp:127.0.0.1:1"
		"$RTE" resolve -j localhost
		"$RTE" version -j
		"$RTE" serve -- sh -c '"$0" invite -j --p2p --duration=100ms "sip:timer90@$RTE_SERVER"
			"$0" invite -j --p2p --duration=2s "sip:refer@$RTE_SERVER"' "$RTE" || true
		"$RTE" serve -- sh -c '"$0" publish -j --status=open sip:alice@test.invalid
			"$0" subscribe -j -e presence -c 1 sip:alice@test.invalid' "$RTE"
		cat "$BATS_TEST_TMPDIR/listen.out"
		"$RTE" parse -j "$HOME/notify"
		RTE_RETRY=3 "$RTE" config -j
		"$RTE" credentials -j --credentials="$HOME/cred" --add --realm=r --user=u --password=pass:x
		"$RTE" request -j -n --raw="$HOME/ready" --connect=127.0.0.1:1
		printf '%s\n' '[endpoint a]' '[steps]' 'a options a' | "$RTE" run -j -
	} >"$HOME/all"
	check_records <"$HOME/all"
	sed -n 's/^EVENT(\([a-z_]*\),.*/\1/p' "$top/cli/events.def" | sort >"$HOME/wanted"
	jq -r .type <"$HOME/all" | sort -u | diff "$HOME/wanted" -
}
