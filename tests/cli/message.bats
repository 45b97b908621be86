#!/usr/bin/env bats
# tests/cli/message.bats -- rte message: to one, to many, what the body may be, message/cpim

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
	silent_stop
}

# listen_start ARG...: `rte listen` peer to peer; $udp and $tcp are where it is reached, $listener is its process
listen_start() {
	local ready=$BATS_TEST_TMPDIR/listen.ready
	rm -f "$ready"
	spawn listen listen --p2p --ready-file="$ready" "$@"
	listener=$spawned
	wait_for 10 test -s "$ready"
	udp=$(sed -n 's/^udp://p' "$ready")
	tcp=$(sed -n 's/^tcp://p' "$ready")
}
listened() {
	json "$BATS_TEST_TMPDIR/listen.out" "$1"
}

# ---- one

@test "one message, one line, and it has arrived" {
	listen_start -j -c 2
	rte message -d 'Watson, come here.' "sip:bob@$udp"
	ended_with 0
	[[ $output =~ ^"200 OK  from $udp udp  "[0-9.]+" ms"$ ]] || what_happened
	rte message -j -d again "tcp:$tcp"
	ended_with 0
	records
	[ "$(record .type | tr '\n' ' ')" = 'start endpoint connected request response end ' ] || what_happened
	[ "$(record 'select(.type == "request") | [.method, .direction] | join(" ")')" = 'MESSAGE sent' ]
	spawned_ends 0 listen
	check_records <"$BATS_TEST_TMPDIR/listen.out"
	[ "$(listened 'select(.type == "message") | .body' | tr '\n' ,)" = 'Watson, come here.,again,' ]
	# ME-03
	[ "$(listened 'select(.type == "message") | .content_type' | uniq)" = 'text/plain; charset=UTF-8' ]
}

@test "text, bytes and JSON arrive as they are, of any size" {
	listen_start -j -c 4 --max-message=1000000
	printf 'a\0b\xff' >"$HOME/bytes"
	rte message --type=application/octet-stream -d @"$HOME/bytes" "sip:bob@$udp"
	ended_with 0
	echo '{"door":"open"}' >"$HOME/state.json"
	rte message --type=application/json -d @"$HOME/state.json" "sip:bob@$udp"
	ended_with 0
	# RFC 3261 18.1.1: more than 1,300 bytes go by TCP, also where UDP was found
	head -c 200000 /dev/zero | tr '\0' x >"$HOME/large"
	rte message -j --max-message=1000000 -d @"$HOME/large" "sip:bob@$udp"
	ended_with 0
	[ "$(record 'select(.type == "response") | .remote.transport')" = tcp ] || what_happened
	rte message -d @- "sip:bob@$udp" <<<$'one\ntwo'
	ended_with 0
	spawned_ends 0 listen
	check_records <"$BATS_TEST_TMPDIR/listen.out"
	listened 'select(.type == "message") | .body_base64 // empty' | base64 -d | cmp - "$HOME/bytes"
	[ "$(listened 'select(.content_type == "application/json") | .body | fromjson | .door')" = open ]
	[ "$(listened 'select(.type == "message") | .body // "" | length' | sort -n | tail -n 1)" = 200000 ]
	[ "$(listened 'select(.type == "message") | .body // empty' | tail -n 3 | tr '\n' ,)" = 'one,two,,' ]
}

@test "what a peer says about it is the result" {
	listen_start --reply='MESSAGE gone=410;retry-after=1' --reply='MESSAGE later=202' --reply='MESSAGE=603 No'
	rte message -d x "sip:later@$udp"
	ended_with 0
	says '^202 Accepted  from '
	rte message --no-retry-after -d x "sip:gone@$udp"
	ended_with 4 '410 Gone'
	[ -z "$output" ] || what_happened
	rte message -d x "sip:bob@$udp"
	ended_with 6 '603 No'
	rte message -d x sip:127.0.0.1:1
	ended_with 11 'connection refused'
	silent_start
	rte message --timeout=200ms -d x "udp:127.0.0.1:$silent"
	ended_with 14
}

@test "a server that challenges: with --server the password is used, peer to peer never" {
	serve_start --add-user=alice:env:PW
	spawn listen listen -j --once --register --server="$udp" -a sip:alice@test.invalid --password=env:PW
	printed listen '"type":"registration"'
	rte message --server="$udp" -a sip:alice@test.invalid --password=env:PW -d hello sip:alice@test.invalid
	ended_with 0
	spawned_ends 0 listen
	[ "$(listened 'select(.type == "message") | [.body, .replied] | join(" ")')" = 'hello 200' ]
	rte message -a sip:alice@test.invalid --proxy="sip:$udp;lr" -d hello sip:alice@test.invalid
	ended_with 22
}

# ---- many

@test "--each: a line each, comments and blank lines are passed over, a summary" {
	listen_start -j -c 3
	printf '%s\n' '# night shift' "sip:a@$udp" '' "  sip:b@$udp  " '#' "sip:c@$udp" >"$HOME/list"
	rte message --each="$HOME/list" -d 'Fire drill.'
	ended_with 0
	for user in a b c; do
		says "^200 OK  from $udp udp  seq [123]  [0-9.]+ ms  sip:$user@$udp$"
	done
	says '^3 sent, 3 answered, 0 % lost, min/avg/max '
	spawned_ends 0 listen
	[ "$(listened 'select(.type == "message") | .to.uri' | sort | sed 's/@.*//' | tr '\n' ' ')" = 'sip:a sip:b sip:c ' ]
	# each of them is a request of its own
	[ "$(listened 'select(.type == "request") | .call_id' | sort -u | wc -l)" = 3 ]
}

@test "several URIs are many, and go before those of --each" {
	listen_start -c 3
	printf 'sip:c@%s\n' "$udp" | {
		captured "$RTE" message -d x --max-outstanding=1 --each=- "sip:a@$udp" "sip:b@$udp"
		ended_with 0
		[ "$(sed -n 's/.* seq \([0-9]\) .* sip:\([a-z]\)@.*/\1\2/p' <<<"$output" | tr '\n' ' ')" = '1a 2b 3c ' ] || what_happened
	}
	spawned_ends 0 listen
}

@test "many: the first failure decides, errors name the target" {
	listen_start --reply='MESSAGE nobody=404'
	rte message -d x --max-outstanding=1 "sip:a@$udp" "sip:nobody@$udp" sip:127.0.0.1:1 "sip:b@$udp"
	ended_with 4
	says "^404 Not Found  from $udp udp  seq 2 .* sip:nobody@$udp$"
	says '^connection refused +seq 3  sip:127\.0\.0\.1:1$'
	says '^4 sent, 3 answered, 25 % lost'
	[ -z "$stderr" ] || what_happened
	rte message -j -d x --max-outstanding=1 "sip:a@$udp" "sip:nobody@$udp" sip:127.0.0.1:1 "sip:b@$udp"
	ended_with 4
	records
	[ "$(record 'select(.type == "error") | [.uri, .exit_name] | join(" ")' | tr '\n' ,)" = \
		"sip:nobody@$udp client_failure,sip:127.0.0.1:1 connect," ] || what_happened
	[ "$(record 'select(.type == "summary") | [.sent, .ok, .failed, .by_status["404"], .by_exit.connect] | join(" ")')" = \
		'4 2 2 1 1' ] || what_happened
	rte message -q -d x "sip:a@$udp" "sip:nobody@$udp"
	ended_with 4 '1 of 2 messages failed'
}

@test "more than a datagram can hold: TCP, and no UDP behind its failure" {
	serve_start --auth=none
	head -c 70000 /dev/zero | tr '\0' a >"$HOME/big"
	rte message --server="$udp" --max-message=100000 -d "@$HOME/big" sip:echo@test.invalid
	ended_with 11 'tcp: closed by the peer' # the server takes 65,536 bytes
}

@test "many: the results are told in the order of their answers, and the end has the last one" {
	serve_start --auth=none
	for _ in 1 2 3; do
		rte message -j --server="$udp" -d x sip:echo@test.invalid sip:404@test.invalid sip:503@test.invalid sip:603@test.invalid
		[ "$(record 'select(.type == "end") | .status_code')" = "$(record 'select(.type == "response") | .status_code' | tail -n 1)" ] || what_happened
	done
}

@test "--rate: evenly, so many a second" {
	listen_start
	for i in $(seq 30); do echo "sip:u$i@$udp"; done >"$HOME/list"
	rte message -j --rate=50 --each="$HOME/list" -d x
	ended_with 0
	# 30 of them are 29 steps of 20 ms
	[ "$(record 'select(.type == "end") | .elapsed_ms | . >= 570 and . < 2500')" = true ] || what_happened
	# and no two that begin together: half of the distance is kept between neighbours, mostly
	[ "$(record 'select(.type == "request") | .elapsed_ms' | awk 'NR > 1 && $1 - last > 10 { n++ } { last = $1 } END { print (n > 20) }')" = 1 ] ||
		what_happened
}

@test "--max-outstanding: no more than so many wait for their answer" {
	listen_start --reply='MESSAGE=200;after=100ms'
	for i in $(seq 8); do echo "sip:u$i@$udp"; done >"$HOME/list"
	rte message -j --max-outstanding=2 --each="$HOME/list" -d x
	ended_with 0
	record 'select(.type == "request" or .type == "response") | .type' |
		awk '{ n += $1 == "request" ? 1 : -1; if (n > most) most = n } END { exit most != 2 }' || what_happened
}

@test "a signal ends it, with the summary of what there was" {
	listen_start
	for i in $(seq 1000); do echo "sip:u$i@$udp"; done >"$HOME/list"
	spawn many message --rate=20 --each="$HOME/list" -d x
	printed many 'seq 3'
	kill -INT "$spawned"
	spawned_ends 130 many
	printed many '^[0-9]+ sent, [0-9]+ answered'
}

# bats test_tags=serial,release
@test "ten thousand to one listener: all of them arrive and are answered, 1,000 a second and more" {
	local count=10000 each=1000
	listen_start -q -c "$count" --for=60s
	for i in $(seq "$count"); do echo "sip:u$i@$udp"; done >"$HOME/list"
	"$RTE" message -j --each="$HOME/list" -d x | grep -E '"type":"(summary|end)"' >"$HOME/out"
	spawned_ends 0 listen
	output=$(<"$HOME/out")
	[ "$(record 'select(.type == "summary") | [.sent, .ok, .failed] | join(" ")')" = "$count $count 0" ] || {
		cat "$HOME/out"
		return 1
	}
	[ "$(record 'select(.type == "end") | .elapsed_ms' | awk -v n="$count" -v least="$each" '{ print (n / $1 * 1000 > least) }')" = 1 ]
}

# ---- what is sent

@test "--dry-run: one for each target, text in UTF-8" {
	rte message -n -d 'grüß dich' sip:one@192.0.2.1 sip:two@192.0.2.2
	ended_with 0
	[ "$(grep -c '^MESSAGE sip:' <<<"$output")" = 2 ] || what_happened
	says '^Content-Type: text/plain; charset=UTF-8$'
	says '^Content-Length: 11$'
	says '^grüß dich$'
	rte message -n -j -d x sip:one@192.0.2.1
	records
	# RFC 3428 section 4: a MESSAGE has no Contact
	! record .raw | grep -q '^Contact' || what_happened
}

@test "--cpim: RFC 3862" {
	rte message -n -a sip:alice@example.com --display-name='A. "B"' --cpim --type='text/html' -d '<b>hi</b>' sip:bob@example.com
	ended_with 0
	says '^Content-Type: message/cpim$'
	says '^From: "A\. \\"B\\"" <sip:alice@example\.com>$'
	says '^To: <sip:bob@example\.com>$'
	says '^DateTime: [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$'
	! grep -q '^NS:' <<<"$output" || what_happened
	# the content is a MIME entity behind a blank line, and its size is the size of the rest
	body=$(sed '1,/^$/d' <<<"$output")
	[ "$(sed -n '/^$/,$p' <<<"$body" | sed 1d)" = $'Content-Type: text/html\nContent-Length: 9\n\n<b>hi</b>' ] || what_happened
	rte message -n -a sip:a@example.com --from='"Boss" <sip:boss@example.com>' --cpim -d hi sip:bob@example.com
	says '^From: <sip:boss@example\.com>$'
}

@test "--imdn: RFC 5438, and it implies --cpim" {
	rte message -n -a sip:alice@example.com --imdn=display,positive-delivery -d hi sip:bob@example.com
	ended_with 0
	says '^Content-Type: message/cpim$'
	says '^NS: imdn <urn:ietf:params:imdn>$'
	says '^imdn\.Disposition-Notification: positive-delivery, display$'
	one=$(grep '^imdn.Message-ID: ' <<<"$output")
	[ "${#one}" -ge 29 ] || what_happened
	# a name space is declared before its use (RFC 3862 section 3.4)
	[ "$(grep -n '^NS: ' <<<"$output" | cut -d: -f1)" -lt "$(grep -n '^imdn\.' <<<"$output" | head -n 1 | cut -d: -f1)" ]
	rte message -n -a sip:alice@example.com --imdn=display -d hi sip:bob@example.com
	[ "$(grep '^imdn.Message-ID: ' <<<"$output")" != "$one" ] || what_happened
}

@test "what does not go together" {
	printf 'x\n' >"$HOME/text"
	printf '\xff' >"$HOME/bytes"
	printf 'sip:a@example.com\nbob smith\n' >"$HOME/bad"
	printf '# nobody\n\n' >"$HOME/empty"
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte message ${options//HOME/$HOME}
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--data:_say_what_to_send sip:a@example.com
		URI:_name_somebody -d x
		--rate_without_--each --rate=5 -d x sip:a@example.com
		--rate:_"0" --rate=0 -d x --each=HOME/text
		--max-outstanding:_"0" --max-outstanding=0 -d x --each=HOME/text
		--data:_it_is_no_text_in_UTF-8 -d @HOME/bytes sip:a@example.com
		--imdn:_"read" --imdn=read -d x sip:a@example.com
		--each:_"bob_smith" --each=HOME/bad -d x
		--each:_.*empty_names_nobody --each=HOME/empty -d x
		--each=-_with_--data=@- --each=- -d @-
		--cpim:_say_from_whom --cpim -d x sip:a@example.com
		tel: -d x tel:+1-201-555-0123
	TABLE
	rte message --each="$HOME/none" -d x
	ended_with 20 'No such file'
	rte message -d @"$HOME/none" sip:a@example.com
	ended_with 20 'No such file'
}
