#!/usr/bin/env bats
# tests/cli/actors.bats -- the well-known users of rte serve, as rte and SIPp (sipp/) meet them (cli.md section 16)

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
}

# within ARG...: rte ARG... around which an rte serve runs; $serve_with are the options of that
serve_with=()
within() {
	rte serve "${serve_with[@]}" -- timeout --foreground 20 "$RTE" "$@"
}
# states: of the first dialog, in one line
states() {
	record 'select(.type == "dialog" and .dialog == "d1") | [.state, .cause // empty] | join("/")' | paste -sd ' '
}
answers() {
	record 'select(.type == "response") | .status_code' | paste -sd ' '
}
# plays CODE PATTERN STATES USER ARG...: a call to it in text and in JSON: the exit code, a line (of stdout or stderr), and
# the states of the dialog
plays() {
	local code=$1 pattern=$2 states=$3 user=$4
	shift 4
	within invite "$@" "sip:$user@test.invalid"
	ended_with "$code"
	grep -Eq -e "$pattern" <<<"$output$stderr" || what_happened
	within invite -j "$@" "sip:$user@test.invalid"
	ended_with "$code"
	records
	[ "$(states)" = "$states" ] || what_happened
}

@test "echo@ answers, and ends with the caller" {
	plays 0 '^200 OK .*PCMU' 'trying confirmed terminated/local-bye' echo --duration=50ms
	plays 0 '^200 OK .*PCMU' 'trying confirmed terminated/local-bye' echo --duration=50ms -t tcp
}

@test "echo@ sends a MESSAGE back, within a call and outside of any" {
	within invite -j --do=message:hello --do=wait:300ms --do=bye sip:echo@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "message") | .body // .text // empty' | grep -c hello)" -ge 1 ] || what_happened
	within message -vv -d 'one two' sip:echo@test.invalid
	ended_with 0
	calls message_echo -trace_msg -message_file "$BATS_TEST_TMPDIR/messages"
	# the one that comes back has a Call-ID of its own, so for SIPp it is a stray
	grep -q '^MESSAGE sip:sipp@peer.test ' "$BATS_TEST_TMPDIR/messages" || cat "$BATS_TEST_TMPDIR/messages"
	[ "$(grep -c 'Hello to you' "$BATS_TEST_TMPDIR/messages")" -ge 2 ]
}

@test "ring@ rings, and is cancelled" {
	within invite -j --cancel-after=100ms sip:ring@test.invalid
	records
	[ "$(states)" = 'trying early terminated/cancelled' ] || what_happened
	within invite --ring-timeout=100ms sip:ring@test.invalid
	[ "$status" != 0 ] || what_happened
	says '^180 Ringing'
}

@test "busy@ and STATUS@" {
	plays 8 '486 Busy Here' 'trying terminated/rejected' busy
	plays 5 '503 Service Unavailable' 'trying terminated/rejected' 503 --no-retry-after
	plays 4 '404 Not Found' 'trying terminated/rejected' 404
	within message -j -d hello sip:486@test.invalid
	[ "$(record 'select(.type == "error") | .status_code')" = 486 ] || what_happened
	within options -j sip:603@test.invalid
	records
	[ "$(answers)" = 603 ] || what_happened
	# 1xx and what is no status are nobody
	for user in 199 700 0503 5030 50; do
		within invite -j "sip:$user@test.invalid"
		[ "$(record 'select(.type == "error") | .status_code')" = 480 ] || what_happened
	done
}

@test "slow-T@ answers after T" {
	plays 0 '^180 Ringing' 'trying early confirmed terminated/local-bye' slow-200ms --duration=10ms
	[ "$(record 'select(.type == "dialog" and .state == "confirmed") | .elapsed_ms >= 200' | head -n 1)" = true ] || what_happened
	within message -j -d hello sip:slow-200ms@test.invalid
	ended_with 0
	[ "$(record 'select(.type == "response") | .rtt_ms >= 200')" = true ] || what_happened
	# one that waits at the end is no trouble
	within message --timeout=200ms -d hello sip:slow-1h@test.invalid
	ended_with 14
}

@test "silent@ never answers" {
	within invite --timeout=200ms sip:silent@test.invalid
	ended_with 14
	[ -z "$output" ] || what_happened
	within options --timeout=200ms sip:silent@test.invalid
	ended_with 14
}

@test "early@: 183 with a description, then 200" {
	plays 0 '^183 Session Progress .*PCMU' 'trying early confirmed terminated/local-bye' early --duration=10ms
	plays 0 '^183 Session Progress .*PCMU' 'trying early confirmed terminated/local-bye' early --duration=10ms --100rel=require
}

@test "fork3@: three answer, one stays" {
	within invite -j --duration=300ms sip:fork3@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "dialog" and .state == "confirmed") | .dialog' | sort -u | wc -l)" = 3 ] || what_happened
	[ "$(record 'select(.type == "dialog" and .state == "terminated" and .cause == "local-bye") | .dialog' | sort -u | wc -l)" = 3 ] ||
		what_happened
	# before it is answered, it is cancelled
	within invite -j --cancel-after=50ms sip:fork3@test.invalid
	records
	[ "$(record 'select(.type == "dialog" and .state == "confirmed")')" = '' ] || what_happened
	# longer than the answers are repeated (64*T1): the call that stayed is still there
	within invite --t1=10ms --duration=1s -t tcp sip:fork3@test.invalid
	ended_with 0
}

@test "redirect-URI@: 302, and where to" {
	within invite sip:redirect-busy@test.invalid
	[ "$status" != 0 ] || what_happened
	notes '302 Moved Temporarily'
	within invite --follow=1 -j --duration=10ms sip:redirect-echo@test.invalid
	ended_with 0
	records
	within invite --follow=1 sip:redirect-busy@test.invalid
	ended_with 8 '486 Busy Here'
	within invite --follow=1 'sip:redirect-sip%3abusy%40test.invalid@test.invalid'
	ended_with 8 '486 Busy Here'
	within message -j -d hello 'sip:redirect-sip%3abob%40192.0.2.1%3a5070@test.invalid'
	[ "$(record 'select(.type == "error") | .status_code')" = 302 ] || what_happened
	# what would end the header field is part of a name, or refused
	within message -j -d hello 'sip:redirect-a%0d%0aX%3a%20y@test.invalid'
	[ "$(record 'select(.type == "error") | .status_code')" = 302 ] || what_happened
	within message -j -d hello 'sip:redirect-sip%3aa@b%3e%0d%0aX%3a%20y@test.invalid'
	[ "$status" != 0 ] || what_happened
	within message -j -d hello 'sip:redirect-sip%3aa%40b%3e%0d%0aX%3a%20y@test.invalid'
	[ "$(record 'select(.type == "error") | .status_code')" = 404 ] || what_happened
}

@test "refer@ asks the caller to call echo@" {
	within invite -j --duration=5s sip:refer@test.invalid
	records
	[ "$(record 'select(.type == "transfer") | .refer_to' | head -n 1)" = sip:echo@test.invalid ] || what_happened
	within invite -j --on-refer=follow --duration=1s sip:refer@test.invalid
	records
	[ "$(record 'select(.type == "dialog" and .state == "confirmed") | .dialog' | sort -u | wc -l)" = 2 ] || what_happened
}

@test "timer90@ and reinvite@" {
	within invite -j --duration=50ms sip:timer90@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "session_timer") | .session_expires' | head -n 1)" = 90 ] || what_happened
	plays 0 '^hold .*recvonly' 'trying confirmed confirmed confirmed terminated/local-bye' reinvite --duration=900ms
	says '"resume"'
}

@test "a caller of our domain is challenged, requests within the call are not" {
	export PW=secret
	serve_with=(--add-user=alice:env:PW)
	within invite -j -a sip:alice@test.invalid --user=alice --password=env:PW --do=message:x --do=hold --do=bye \
		sip:echo@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "response" and .status_code == 407) | .cseq' | wc -l)" -le 1 ] || what_happened
	[ "$(record 'select(.type == "auth" or .type == "challenge") | 1' | wc -l)" = 1 ] || what_happened
	within invite -a sip:alice@test.invalid --user=alice --password=pass:wrong sip:echo@test.invalid
	ended_with 7
	# strangers are let through, as the proxy does
	within invite -a sip:bob@elsewhere.example --duration=10ms sip:echo@test.invalid
	ended_with 0
}

@test "a user of that name, configured or registered, is no actor" {
	export PW=secret
	serve_with=(--add-user=echo:env:PW --auth=none)
	within invite -j sip:echo@test.invalid
	[ "$(record 'select(.type == "error") | .status_code')" = 480 ] || what_happened
	within invite --duration=10ms sip:early@test.invalid
	ended_with 0
	serve_start
	"$RTE" register --server="$udp" --contact=sip:busy@127.0.0.1:9 sip:busy@test.invalid
	rte invite --server="$udp" --timeout=200ms sip:busy@test.invalid
	[ "$status" != 8 ] || what_happened
	"$RTE" register --server="$udp" --remove-all sip:busy@test.invalid
	rte invite --server="$udp" sip:busy@test.invalid
	ended_with 8
}

@test "--fault=badsdp: the description cannot be used, 16" {
	serve_with=(--fault=badsdp)
	within invite sip:echo@test.invalid
	ended_with 16 'm= '
	within invite -j -t tcp sip:echo@test.invalid
	ended_with 16
	records
	# nothing else suffers
	within options -t tcp sip:echo@test.invalid
	ended_with 0
	within register sip:alice@test.invalid
	ended_with 0
}

# ---- foreign callers

# calls SCENARIO [ARG...]: SIPp plays it against the server
calls() {
	local scenario=$BATS_TEST_DIRNAME/sipp/$1.xml
	shift
	need sipp
	serve_start
	timeout -k 1 20 sipp -sf "$scenario" "$udp" "$@" -i 127.0.0.1 -t u1 -m 1 -nostdin -recv_timeout 5000 \
		-trace_err -error_file "$BATS_TEST_TMPDIR/sipp.errors" </dev/null >"$BATS_TEST_TMPDIR/screen" 2>&1 3>&- || {
		cat "$BATS_TEST_TMPDIR/screen" "$BATS_TEST_TMPDIR/sipp.errors"
		return 1
	}
}

@test "SIPp calls echo@" {
	calls calls_echo
}

@test "SIPp calls fork3@: each of the three branches has a dialog of its own" {
	calls calls_fork3
}

# bats test_tags=serial
@test "a hundred calls at once, each with a server of its own" {
	one() {
		"$RTE" serve -- "$RTE" invite --register -a sip:alice@test.invalid sip:echo@test.invalid >/dev/null
	}
	export -f one
	n=100
	[ -z "${RTE_SANITIZED:-}" ] || n=10
	[ -z "${ACTORS_CALLS:-}" ] || n=$ACTORS_CALLS
	for _ in $(seq "$n"); do
		one 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}
