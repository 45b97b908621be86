#!/usr/bin/env bats
# tests/cli/nagios.bats -- rte options --nagios: one line, an exit code of 0 to 3, whatever happens

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
}

# state CODE PATTERN ARG...: the only line of stdout, and nothing on stderr
state() {
	local code=$1 pattern=$2
	shift 2
	rte options --nagios "$@"
	[ "$status" = "$code" ] && [ "$(wc -l <<<"$output")" = 1 ] && [ -z "$stderr" ] || what_happened
	says "$pattern"
}

@test "one probe" {
	serve_start
	state 0 '^SIP OK - 200 OK, [0-9]+\.[0-9] ms\|time=[0-9]+\.[0-9]ms;;;0$' --server="$udp" sip:echo@test.invalid
	state 2 '^SIP CRITICAL - 404 Not Found, [0-9.]+ ms\|time=' --server="$udp" sip:404@test.invalid
	state 2 '^SIP CRITICAL - no response from .* within ' --server="$udp" --timeout=200ms sip:silent@test.invalid
	state 2 '^SIP CRITICAL - 127\.0\.0\.1:1 udp: connection refused$' --server=127.0.0.1:1 sip:x@test.invalid
	state 2 '^SIP CRITICAL - no result within --max-time=300ms$' --server="$udp" --max-time=300ms sip:silent@test.invalid
	state 0 '^SIP OK - 404 Not Found' --server="$udp" --expect=404 sip:404@test.invalid
	state 2 '^SIP CRITICAL - --expect: wanted 404, found 200 OK' --server="$udp" --expect=404 sip:echo@test.invalid
}

@test "limits of time" {
	serve_start
	state 0 ';20000;30000;0$' --server="$udp" --nagios-limits=20000,30000 sip:echo@test.invalid
	state 1 '^SIP WARNING - 200 OK' --server="$udp" --nagios-limits=0,30000 sip:echo@test.invalid
	state 2 '^SIP CRITICAL - 200 OK' --server="$udp" --nagios-limits=0,0 sip:echo@test.invalid
	state 2 '^SIP CRITICAL - 404 Not Found' --server="$udp" --nagios-limits=20000,30000 sip:404@test.invalid
}

@test "many probes" {
	serve_start
	state 0 '^SIP OK - 3 of 3 answered well, [0-9.]+ ms\|time=[0-9.]+ms;;;0 ok=3;;;0;3$' --server="$udp" -c 3 -i 0 sip:echo@test.invalid
	state 2 '^SIP CRITICAL - 1 of 2 answered well: no response .*ok=1;;;0;2$' --server="$udp" --timeout=1s sip:echo@test.invalid \
		sip:silent@test.invalid
	state 0 '^SIP OK - 1 of 2 answered well' --server="$udp" --timeout=1s --min-ok=1 sip:echo@test.invalid sip:silent@test.invalid
	state 2 '^SIP CRITICAL - 0 of 1 answered well: .*\|ok=0;;;0;1$' -c 1 --server=127.0.0.1:1 sip:x@test.invalid
}

@test "what is wrong with us is unknown" {
	state 3 '^SIP UNKNOWN - unknown option "--nonesuch"$' --nonesuch sip:x@test.invalid
	state 3 '^SIP UNKNOWN - missing argument: URI' -c 1
	state 3 '^SIP UNKNOWN - --nagios-limits: two numbers' --nagios-limits=5 sip:x@test.invalid
	state 3 '^SIP UNKNOWN - --nagios-limits: "x" is not a number' --nagios-limits=5,x sip:x@test.invalid
	state 3 '^SIP UNKNOWN - --nagios-limits: the first is for the warning' --nagios-limits=5,1 sip:x@test.invalid
	state 3 '^SIP UNKNOWN - --nagios with --json$' --json sip:x@test.invalid
	state 3 '^SIP UNKNOWN - --nagios with --dry-run$' -n sip:x@test.invalid
	state 3 '^SIP UNKNOWN - --nagios with --trace-route$' --trace-route sip:x@test.invalid
	state 3 '^SIP UNKNOWN - .*nonesuch' --cacert=/nonesuch -t tls --server=127.0.0.1:1 sip:x@test.invalid
	rte options --nagios-limits=5,6 sip:x@test.invalid
	usage_error '^rte: options: --nagios-limits without --nagios$'
	code=0
	"$RTE" options --nagios --server=127.0.0.1:1 sip:x@test.invalid >/dev/full || code=$?
	[ "$code" = 3 ]
}

@test "a bar of the peer's begins no figures, and its bytes no colours" {
	peer_start udp
	peer_answer <<<"SIP/2.0 404 a|b=1 "$'\e'"[31m
$peer_head
Content-Length: 0
"
	state 2 '^SIP CRITICAL - 404 a/b=1 \\x1b\[31m, [0-9.]+ ms\|time=[0-9.]+ms;;;0$' --server="$peer" -t udp sip:x@test.invalid
}
@test "asked for in the environment it holds for what is wrong in the line, too, and for no other command" {
	RTE_NAGIOS=1 rte options --no-such-option
	ended_with 3
	says '^SIP UNKNOWN - unknown option'
	RTE_NAGIOS=1 rte options --no-nagios --no-such-option
	ended_with 2 'unknown option'
	RTE_NAGIOS=1 rte register --no-such-option
	ended_with 2 'unknown option'
}
