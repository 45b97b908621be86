#!/usr/bin/env bats
# tests/cli/output.bats -- streams, traces, colours, what becomes of a broken output, secrets: cli.md 10.1, 10.2, ruling 18, 31

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
}

# lines [ARG...]: `rte serve` prints a line and ends
lines() {
	"$RTE" serve --for=1ms "$@"
}

@test "a full disk, a closed stdout: exit 1, and the cause on stderr" {
	need stat
	code=0
	lines >/dev/full 2>"$HOME/err" || code=$?
	[ "$code" = 1 ]
	grep -qx 'rte: serve: cannot write the output: No space left on device' "$HOME/err"
	for more in '' --json; do
		code=0
		# shellcheck disable=SC2086
		lines $more >&- 2>"$HOME/err" || code=$?
		[ "$code" = 1 ]
		grep -qx 'rte: serve: cannot write the output: Bad file descriptor' "$HOME/err"
	done
	code=0
	"$RTE" options --nosuch --json >/dev/full 2>"$HOME/err" || code=$?
	[ "$code" = 1 ]
	code=0
	lines -v 2>&- >"$HOME/out" || code=$? # what nobody wants to see is no failure
	[ "$code" = 0 ]
	grep -q '^listening' "$HOME/out"
}

@test "a file that an option names: exit 20" {
	rte serve --for=1ms --output=/dev/full
	ended_with 20 'cannot write the output: No space left'
	rte serve --for=1ms --trace=/dev/full -v
	ended_with 20 'cannot write the trace: No space left'
}

@test "nobody reads any more: an orderly end, then death by SIGPIPE" {
	serve_start -v --add-user=alice:env:PW --min-expires=1
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	"$RTE" register --keep -x 2 --server="$udp" --password=env:PW sip:alice@test.invalid >"$BATS_TEST_TMPDIR/fifo" 2>/dev/null 3>&- &
	spawned=$!
	reap+=("$spawned")
	read -r line <"$BATS_TEST_TMPDIR/fifo" # and the reader closes it
	[[ $line == registered* ]]
	spawned_ends 141 serve
	wait_for 5 grep -q '^unregistered' "$BATS_TEST_TMPDIR/serve.out"
}

@test "a closed stdout never lets text into a socket" {
	serve_start --auth=none
	code=0
	"$RTE" options -vvv --server="$tcp" -t tcp sip:test.invalid >&- 2>&- <&- || code=$?
	[ "$code" = 1 ]
	! grep -q refused "$BATS_TEST_TMPDIR/serve.err" || false
}

@test "--output: the result into a file; - is stdout, % stderr" {
	rte serve --for=1ms -o "$HOME/out"
	ended_with 0
	[ -z "$output$stderr" ] || what_happened
	grep -q '^listening' "$HOME/out"
	rte serve --for=1ms -o -
	says '^listening'
	rte serve --for=1ms -o %
	notes '^listening'
	[ -z "$output" ] || what_happened
	rte serve --for=1ms --json -o "$HOME/out"
	check_records <"$HOME/out"
}

@test "--quiet: only errors; JSON is complete" {
	rte serve --for=1ms -q
	ended_with 0
	[ -z "$output$stderr" ] || what_happened
	rte options -q udp:127.0.0.1:1
	ended_with 11 refused
	rte options -q --json udp:127.0.0.1:1
	records
}

@test "colours: for a terminal only, and only when nobody says no" {
	need script
	escape=$'\x1b'
	rte serve --for=1ms
	[[ $output != *$escape* ]] || what_happened
	rte serve --for=1ms --color=always
	[ "${output%%   *}" = "${escape}[32mlistening${escape}[0m" ] || what_happened
	on_tty() { # ENVIRONMENT... : what a terminal gets
		env "$@" script -qec "'$RTE' serve --for=1ms" /dev/null </dev/null
	}
	[[ $(on_tty TERM=xterm) == *"$escape[32m"* ]]
	[[ $(on_tty TERM=dumb) != *$escape* ]]
	[[ $(on_tty TERM=xterm NO_COLOR=1) != *$escape* ]]
	[[ $(on_tty TERM=xterm NO_COLOR=) == *$escape* ]]
	[[ $(env TERM=xterm script -qec "'$RTE' serve --for=1ms --color=never" /dev/null </dev/null) != *$escape* ]]
	rte serve --for=1ms --color=sometimes
	usage_error 'color'
}

@test "--timestamps before text lines, not in traces" {
	rte options --timestamps -v udp:127.0.0.1:1
	notes '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6} rte: options '
	notes '^\* endpoint'
	rte serve --timestamps --for=1ms
	says '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6} listening'
}

@test "-v: notes and start lines; -vv: whole messages; -vvv: state machines; --trace FILE as -vv" {
	serve_start --tls-auto --add-user=alice:env:PW
	reg=(register --server="$tls" -t tls --cacert="$ca" --password=env:PW sip:alice@test.invalid)
	rte "${reg[@]}" -v
	notes '^\* endpoint server based, sip:alice@test\.invalid, home server '
	notes "^\* tls $tls TLSv1\.3 [A-Z0-9_]+ verified: "
	notes '^\* auth digest sha-512-256 .* user "alice", password from env; offered: sha-512-256 sha-256 md5$'
	notes "^>~ [0-9:.]{15} 127\.0\.0\.1:[0-9]+ -> $tls tls [0-9]+ bytes$"
	notes '^>~ REGISTER sip:test\.invalid SIP/2\.0$'
	notes "^<~ [0-9:.]{15} $tls -> 127\.0\.0\.1:[0-9]+ tls [0-9]+ bytes$"
	notes '^<~ SIP/2\.0 401 Unauthorized$'
	notes '^\* exit 0 ok$'
	! grep -Eq '^.. (Via|CSeq):' <<<"$stderr" || what_happened
	rte "${reg[@]}" -vv
	notes '^>~ CSeq: 1 REGISTER$'
	notes '^<~ CSeq: 2 REGISTER$'
	! grep -q 'transaction z9hG4bK' <<<"$stderr" || what_happened
	rte "${reg[@]}" -vvv
	notes '^\* transaction z9hG4bK[a-z0-9]+: trying -> '
	rte "${reg[@]}" --trace="$HOME/trace"
	[ -z "$stderr" ] || what_happened
	grep -q '^>~ CSeq: 1 REGISTER$' "$HOME/trace"
	grep -q '^\* tls ' "$HOME/trace"
	rte "${reg[@]}" -v --trace="$HOME/trace"
	! grep -q '^>~ CSeq' <<<"$stderr" || what_happened
	grep -q '^>~ CSeq: 1 REGISTER$' "$HOME/trace"
	rte "${reg[@]}" --trace=-
	says '^>~ CSeq: 1 REGISTER$'
	rte "${reg[@]}" --trace=%
	notes '^>~ CSeq: 1 REGISTER$'
	rte "${reg[@]}" --json --trace=-
	ended_with 2
	records
	rte "${reg[@]}" --json --trace=%
	records
	notes '^>~ CSeq: 1 REGISTER$'
}

@test "plain hops, retransmissions and strays have their columns" {
	serve_start --auth=none --reply='OPTIONS=200;after=700ms'
	rte options -vv --t1=200ms "udp:$udp"
	notes '^>  OPTIONS sip:'
	notes '^> !OPTIONS sip:'
	notes '^<  SIP/2\.0 200 OK$'
}

@test "control bytes of the wire are shown, never sent to a terminal" {
	peer_start udp
	printf 'SIP/2.0 404 \x1b[31mNot\x07 Found\n%s\nWarning: 399 x "a\x1b]0;title"\nContent-Length: 0\n\n' "$peer_head" |
		peer_answer
	for more in '' -vvv --color=always; do
		# shellcheck disable=SC2086
		rte options $more --timeout=2s "udp:$peer"
		[[ $stderr != *$'\x1b[31mNot'* && $stderr != *$'\x07'* && $stderr != *$'\x1b]'* ]] || what_happened
	done
	rte options -j -v --timeout=2s "udp:$peer"
	records
}

@test "a canary password shows nowhere: ps, output, traces, JSON, files" {
	canary=k4n4ry$RANDOM$RANDOM
	export PW=$canary
	serve_start -vvv --trace="$BATS_TEST_TMPDIR/serve.trace" --add-user=alice:env:PW --add-user=bob:pass:"$canary"
	for source in env:PW "pass:$canary" "cmd:printenv PW"; do
		for how in -vvv --json '-vvv --json' "--trace=$HOME/trace"; do
			# shellcheck disable=SC2086
			rte register $how --server="$udp" --password="$source" sip:alice@test.invalid
			ended_with 0
			! grep -q "$canary" <<<"$output$stderr" || what_happened
		done
	done
	rte register -vvv --server="$udp" --password=pass:"$canary-wrong" sip:alice@test.invalid
	ended_with 7
	! grep -q "$canary" <<<"$output$stderr" || what_happened
	spawn keep register --keep -vvv --push="acme,$canary-prid" --server="$udp" --password="pass:$canary" sip:bob@test.invalid
	printed keep '^registered'
	for pid in "$spawned" "$serve"; do
		! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "$canary" || {
			tr '\0' ' ' <"/proc/$pid/cmdline"
			[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"acme,$canary-prid"* ]] # an identifier, no password
			! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -v acme, | grep -q "$canary"
		}
	done
	! grep -rq "$canary" "$BATS_TEST_TMPDIR"/{keep,serve}.{out,err} "$BATS_TEST_TMPDIR/serve.trace" "$HOME" || false
	grep -q 'response=<masked>' "$BATS_TEST_TMPDIR/keep.err"
	grep -q 'pn-prid=<masked>' "$BATS_TEST_TMPDIR/keep.err"
	grep -q 'response=<masked>' "$BATS_TEST_TMPDIR/serve.trace"
}

@test "passwords in URIs and keys in bodies are masked, too" {
	printf 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c4n4ryKEY|2^20|1:4\r\n' >"$HOME/sdp"
	for how in -vvv --json '-v --json' -n '-n --json'; do
		# shellcheck disable=SC2086
		rte options $how -d "@$HOME/sdp" --type=application/sdp -H 'X-Test: <sip:bob:c4n4ryPW@example.com>' \
			-H 'Subject: sip:x:y sip:a@b' 'sip:carol:c4n4ryPW@127.0.0.1:1'
		[ "$status" = 11 ] || [[ $how == -n* && $status = 0 ]] || what_happened
		! grep -q c4n4ry <<<"$output${stderr//options sip:carol:c4n4ryPW/}" || what_happened
	done
	rte options -n -d "@$HOME/sdp" -H 'Subject: sip:x:y sip:a@b' sip:carol@127.0.0.1:1
	says '^Subject: sip:x:y sip:a@b$'
	says 'inline:<masked>$'
}
