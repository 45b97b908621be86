#!/usr/bin/env bats
# tests/interop/hostile_calls.bats -- what hostile callers do to the program, found by review and kept as cases
load ../cli/helper

setup() {
	fresh_home
	need socat
}
teardown() {
	reap_all
}

# say HOST:PORT USER FROM: a MESSAGE of a foreign hand over UDP; prints all that comes back within a second
say() {
	count=$((${count:-0} + 1))
	printf '%s\r\n' "MESSAGE sip:$2@test.invalid SIP/2.0" "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-say-$count;rport" \
		'Max-Forwards: 70' "From: <$3>;tag=1" "To: <sip:$2@test.invalid>" "Call-ID: say-$count" 'CSeq: 1 MESSAGE' \
		'Content-Length: 0' '' | timeout 3 socat -t 1 - "UDP4:$1" | tr -d '\r'
}

@test "--exec: callers who give up free their places for those who wait" {
	ready=$BATS_TEST_TMPDIR/ready
	cat >"$HOME/decide" <<-'END'
		#!/bin/sh
		if grep -q last@example.com; then echo 486; else echo "$$" >>"$HOME/pids"; exec sleep 60; fi
	END
	chmod +x "$HOME/decide"
	"$RTE" listen --p2p -j --timeout=60s --ready-file="$ready" --exec="$HOME/decide" >"$BATS_TEST_TMPDIR/listen.out" 2>&1 3>&- &
	reap+=($!)
	wait_for 10 test -s "$ready"
	udp=$(sed -n 's/^udp://p' "$ready")
	for i in $(seq 16); do
		"$RTE" invite -q --p2p --cancel-after=4s "sip:bob@$udp" >/dev/null 2>&1 3>&- &
		reap+=($!)
	done
	wait_for 5 sh -c '[ "$(wc -l <"$HOME/pids")" = 16 ]'
	rte invite -q -a sip:last@example.com --p2p --max-time=12s "sip:bob@$udp"
	ended_with 8 486
}

@test "serve: an echo does not answer an echo" {
	serve_start --auth=none
	say "$udp" echo sip:bob@example.com >"$BATS_TEST_TMPDIR/answers"
	grep -q '^SIP/2.0 200' "$BATS_TEST_TMPDIR/answers"
	grep -q '^MESSAGE sip:bob@example.com' "$BATS_TEST_TMPDIR/answers"
	for from in sip:echo@test.invalid sip:%65cho@example.com; do
		say "$udp" echo "$from" >"$BATS_TEST_TMPDIR/answers"
		grep -q '^SIP/2.0 200' "$BATS_TEST_TMPDIR/answers"
		run ! grep -q ^MESSAGE "$BATS_TEST_TMPDIR/answers"
	done
}

@test "a caller's control characters reach no terminal and no log (A52, A71)" {
	ready=$BATS_TEST_TMPDIR/ready
	for form in -v -j; do
		rm -f "$ready"
		"$RTE" listen --p2p $form --answer=486 --once --for=10s --ready-file="$ready" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		listener=$!
		reap+=("$listener")
		wait_for 10 test -s "$ready"
		{
			printf '%s\r\n' 'INVITE sip:bob@example.com SIP/2.0' 'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-ansi;rport' \
				'Max-Forwards: 70' 'To: <sip:bob@example.com>' 'Call-ID: ansi' 'CSeq: 1 INVITE' 'Contact: <sip:x@127.0.0.1:9>' \
				'Content-Length: 0'
			printf 'From: "\\\033[2J\\\007\302\233red" <sip:x@127.0.0.1>;tag=1\r\n'
			printf 'Subject: one\r\n two\033]0;title\007\r\nReason: SIP;text="\302\233"\r\n\r\n'
		} | timeout 3 socat -t 1 - "UDP4:$(sed -n 's/^udp://p' "$ready")" | tr -d '\r' >"$BATS_TEST_TMPDIR/answer"
		wait_for 12 gone "$listener"
		run ! grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err"
		[ -s "$BATS_TEST_TMPDIR/answer" ]
	done
}

@test "a transferred call that is transferred again, for ever: no more than five deep" {
	ready=$BATS_TEST_TMPDIR/ready
	"$RTE" listen --p2p -q --do=refer:sip:bob@loop.example --do=wait:30s --ready-file="$ready" >/dev/null 2>&1 3>&- &
	reap+=($!)
	wait_for 10 test -s "$ready"
	rte invite --p2p -j --proxy="sip:$(sed -n 's/^udp://p' "$ready");lr" --on-refer=follow --duration=4s sip:bob@loop.example
	[ "$(record 'select(.type == "request" and .direction == "sent" and .method == "INVITE") | 1' | wc -l)" = 6 ] || what_happened
	[ "$(record 'select(.type == "transfer" and .state == "terminated") | .status_code')" = 503 ] || what_happened
}

@test "line ends and NULs in what goes into calls are usage errors; nothing is sent (A69)" {
	local bad=$'x\r\nInjected: yes' option
	silent_start
	for option in -H"Subject: $bad" --add-header="Subject: $bad" --privacy="$bad" --replaces="$bad;to-tag=1;from-tag=2" \
		--display-name="$bad" --aor="sip:$bad@example.com" --from="sip:$bad@example.com" --user-agent="$bad" --require="$bad" \
		--supported="$bad" --contact="sip:$bad@example.com" --do="refer:sip:$bad@example.com" --do="info:text/$bad@/dev/null" \
		--route="sip:$bad@example.com"; do
		rte invite --p2p --max-time=2s "$option" "sip:bob@127.0.0.1:$silent"
		ended_with 2
	done
	rte invite --p2p --max-time=2s "sip:$bad@127.0.0.1:$silent"
	ended_with 2
	for option in --to="sip:$bad@example.com" --replaces="$bad;to-tag=1;from-tag=2" --method="$bad"; do
		rte refer --p2p --max-time=2s --to=sip:a@example.com "$option" "sip:bob@127.0.0.1:$silent"
		ended_with 2
	done
	for option in --answer="486 $bad" --redirect="sip:$bad@example.com" --reply="INVITE=486 $bad" --challenge="$bad"; do
		rte listen --p2p --for=1s "$option"
		ended_with 2
	done
	rte message --p2p --max-time=2s --type="text/$bad" -d x "sip:bob@127.0.0.1:$silent"
	ended_with 2
	silent_stop
}
