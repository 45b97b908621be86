#!/usr/bin/env bats
# tests/cli/register_first.bats -- --register on other commands than `register` (cli.md sections 5 and 14): the binding goes
# first, lives beside the command, and is removed at its end

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	silent_stop
	reap_all
}

# server ARG...: rte serve with the user alice
server() {
	serve_start --add-user=alice:env:PW "$@"
}
alice() { # CODE ARG...: options as alice, registered
	local code=$1
	shift
	rte options --register -a sip:alice@test.invalid --server="$udp" --password=env:PW "$@"
	ended_with "$code"
}
# bindings: the Contact URIs of alice
bindings() {
	"$RTE" register --query --json --server="$udp" --password=env:PW sip:alice@test.invalid |
		jq -r 'select(.type == "registration") | .contact // [] | .[].uri'
}
# methods: those of the requests that were sent, on one line
methods() {
	record 'select(.type == "request" and .direction == "sent") | .method' | uniq | paste -sd ' '
}

# ---- its course

@test "the binding is there first, is ours, and is gone at the end" {
	server
	alice 0 sip:alice@test.invalid # comes back to us: we are bound, and answer
	says '^registered  sip:alice@test\.invalid  200 OK  expires 3600$'
	says "^200 OK  from $udp udp"
	says '^unregistered  sip:alice@test\.invalid  200 OK$'
	[ "$(sed 's/ .*//' <<<"$output" | grep -E '^(registered|200|unregistered)' | paste -sd ' ')" = \
		'registered 200 unregistered' ] || what_happened
	[ -z "$stderr" ] || what_happened
	[ -z "$(bindings)" ]
}

@test "in JSON: registration active, the command's requests, registration terminated, end" {
	server
	alice 0 --json sip:alice@test.invalid
	records
	[ "$(methods)" = 'REGISTER OPTIONS REGISTER' ] || what_happened
	[ "$(record 'select(.type == "registration") | .state + " " + .cause' | paste -sd ,)" = \
		'active registered,terminated unregistered' ] || what_happened
	[ "$(record 'select(.type == "registration" and .state == "active") | .contact[0].own')" = true ] || what_happened
	[ "$(record 'select(.type == "endpoint") | .kind')" = server ]
	# one flow for both
	[ "$(record 'select(.type == "request") | .remote.port' | sort -u)" = "${udp#*:}" ] || what_happened
}

@test "without --server the home server is the domain of the AOR" {
	rte options -n -j --register -a sip:alice@example.com sip:bob@example.net
	ended_with 0
	[ "$(record 'select(.type == "endpoint") | .kind + " " + .home_server')" = 'server example.com' ] || what_happened
	server
	rte options --register -a "sip:alice@$udp" --password=env:PW "sip:bob@$udp"
	says '^registered' || [ "$status" != 2 ] || what_happened
}

@test "the failure of the command decides, and the binding goes all the same" {
	server
	alice 4 sip:nobody@test.invalid
	notes '404 Not Found|480'
	says '^unregistered'
	[ -z "$(bindings)" ]
	alice 4 --json sip:nobody@test.invalid
	records
}

@test "--register-expires, and a refresh beside the command" {
	server --min-expires=1s
	alice 0 --register-expires=90 sip:alice@test.invalid
	says '^registered .* expires 90$'
	spawn many options -j --register --register-expires=2 -a sip:alice@test.invalid --server="$udp" --password=env:PW \
		-c 1000 -i 100ms sip:alice@test.invalid
	printed many '"cause":"refreshed"'
	kill "$spawned"
	spawned_ends 143 many
	check_records <"$BATS_TEST_TMPDIR/many.out"
	[ "$(json "$BATS_TEST_TMPDIR/many.out" 'select(.type == "registration") | .cause' | tail -n 1)" = unregistered ]
	[ -z "$(bindings)" ]
}

@test "--listen: listening comes after the registration, before the command" {
	server
	alice 0 --json --listen=udp:127.0.0.1:0 sip:alice@test.invalid
	records
	[ "$(record 'select(.type == "registration" or .type == "listening" or .method == "OPTIONS") |
		select(.direction != "received") | .type' | head -n 3 | paste -sd ' ')" = 'registration listening request' ] ||
		what_happened
}

@test "--dry-run shows the REGISTER and the request" {
	rte options -n --register -a sip:alice@example.com sip:bob@example.net
	ended_with 0
	[ "$(grep -E '^[A-Z]+ sip:' <<<"$output" | paste -sd ,)" = \
		'REGISTER sip:example.com SIP/2.0,OPTIONS sip:bob@example.net SIP/2.0' ] || what_happened
	says '^Expires: 3600$'
}

# ---- what goes wrong

@test "a registration that fails is the end: its code, and nothing else is sent" {
	server --reply='REGISTER=403'
	rte options -j --register -a sip:alice@test.invalid --server="$udp" sip:alice@test.invalid
	ended_with 4
	records
	[ "$(methods)" = REGISTER ] || what_happened
	serve_end
	server
	PW=wrong alice 7 -j sip:alice@test.invalid
	[ "$(methods)" = REGISTER ] || what_happened
	rte options --register -a sip:alice@test.invalid --server="$udp" sip:alice@test.invalid
	ended_with 22 'no password'
	silent_start
	rte options --register --timeout=200ms -a sip:alice@test.invalid --server="127.0.0.1:$silent" sip:bob@test.invalid
	ended_with 14 'no response'
	rte options --register -a sip:alice@test.invalid --server=127.0.0.1:1 sip:bob@test.invalid
	ended_with 11 refused
}

@test "--expect is about the command's request, not about the REGISTER" {
	server --reply='REGISTER=403'
	rte options --register --expect=403 -a sip:alice@test.invalid --server="$udp" sip:alice@test.invalid
	ended_with 4 '403'
	! grep -q expect <<<"$output" || what_happened
}

@test "--auth=digest: a registrar that does not challenge is refused" {
	serve_start --auth=none
	rte options --register --auth=digest -a sip:alice@test.invalid --server="$udp" sip:alice@test.invalid
	ended_with 7 'without a challenge'
}

@test "18: the server has dropped the binding" {
	peer_start udp
	peer_answer .1 <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Contact: {Contact};expires=1
		Content-Length: 0
	TEXT
	peer_answer <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Contact: <sip:somebody@192.0.2.1>;expires=60
		Content-Length: 0
	TEXT
	rte options -j --register -a sip:alice@test.invalid --server="$peer" -c 1000 -i 50ms sip:bob@test.invalid
	ended_with 18
	records
	[ "$(record 'select(.type == "registration") | .cause' | tail -n 1)" = deactivated ] || what_happened
	[ "$(record 'select(.type == "error") | .exit_code' | head -n 1)" = 18 ] || what_happened
}

@test "19: the connection is lost: --on-drop=unregister" {
	server --control="$BATS_TEST_TMPDIR/orders"
	spawn many options --register --on-drop=unregister -t tcp -a sip:alice@test.invalid --server="$tcp" --password=env:PW \
		-c 1000 -i 300ms sip:alice@test.invalid
	printed many 'seq 2'
	echo 'drop alice' >"$BATS_TEST_TMPDIR/orders"
	printed many "^dropped     tcp $tcp"
	spawned_ends 19 many 'the connection was lost'
	printed many '^[0-9]+ sent, ' # in order
}

@test "--on-drop=refresh: a new connection, and the command goes on" {
	server --control="$BATS_TEST_TMPDIR/orders"
	spawn many options --register -t tcp -a sip:alice@test.invalid --server="$tcp" --password=env:PW \
		-c 8 -i 300ms sip:alice@test.invalid
	printed many 'seq 2'
	echo 'drop alice' >"$BATS_TEST_TMPDIR/orders"
	printed many '^refreshed'
	printed many 'seq 8'
	printed many '^unregistered'
}

# ---- the end

@test "a signal: the command ends, then the binding, in order" {
	server
	spawn many options --register -a sip:alice@test.invalid --server="$udp" --password=env:PW -c 1000 -i 50ms \
		sip:alice@test.invalid
	printed many 'seq 2'
	kill -INT "$spawned"
	spawned_ends 130 many
	[ "$(grep -Eo '^[0-9]+ sent|^unregistered' "$BATS_TEST_TMPDIR/many.out" | sed 's/.* //' | paste -sd ' ')" = \
		'sent unregistered' ]
	[ -z "$(bindings)" ]
}

@test "a signal before the registrar has answered" {
	silent_start
	spawn many options --register -a sip:alice@test.invalid --server="127.0.0.1:$silent" -c 1000 sip:bob@test.invalid
	wait_for 5 catches_signals "$spawned"
	sleep 0.2
	kill "$spawned"
	sleep 0.2
	kill "$spawned" 2>/dev/null || true # the second one waits for nothing
	spawned_ends 143 many
	! grep -q sent "$BATS_TEST_TMPDIR/many.out"
}

# bats test_tags=serial,release
@test "ruling 27: a registrar that has gone holds nobody up for more than 3 s" {
	server
	spawn many options -v --register -a sip:alice@test.invalid --server="$udp" --password=env:PW -c 1000 -i 50ms \
		sip:alice@test.invalid
	printed many 'seq 2'
	kill -STOP "$serve"
	begun=$(date +%s%N)
	kill -INT "$spawned"
	code=0
	wait "$spawned" || code=$?
	kill -CONT "$serve"
	took=$((($(date +%s%N) - begun) / 1000000))
	[ "$code" = 130 ]
	[ "$took" -ge 2000 ] && [ "$took" -le 3500 ]
	grep -Eq 'cut short' "$BATS_TEST_TMPDIR/many.err"
}

@test "--max-time: what can be said is said, nothing is waited for" {
	server --reply='OPTIONS=0'
	alice 14 --max-time=500ms --timeout=10s sip:alice@test.invalid
	notes 'max-time=500ms'
	wait_for 5 nothing_bound
}
nothing_bound() {
	[ -z "$(bindings)" ]
}

# ---- which endpoint

@test "usage errors: nothing is sent" {
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte options $options sip:bob@127.0.0.1:1
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		^rte:_options:_--p2p_with_--register$ --p2p --register -a sip:a@example.com
		^rte:_options:_--proxy_with_--register$ --proxy=sip:p --register -a sip:a@example.com
		^rte:_options:_--register:_it_needs_--aor$ --register
		^rte:_options:_--register:_it_needs_--aor$ --register --server=127.0.0.1:1
		^rte:_options:_--register-expires_without_--register$ --register-expires=60
		^rte:_options:_--register-expires:_it_must_be_more_than_0$ --register --register-expires=0 -a sip:a@b
		^rte:_options:_--register-expires:_ --register --register-expires=500ms -a sip:a@b
	TABLE
	rte options --user=alice sip:example.com
	usage_error 'a peer-to-peer endpoint cannot authenticate; add --server or --register$'
}

@test "from the environment or a profile; the command line wins" {
	kind() {
		record 'select(.type == "endpoint") | .kind'
	}
	export RTE_REGISTER=yes RTE_AOR=sip:alice@example.com
	rte options -n -j sip:bob@example.net
	[ "$(kind)" = server ] || what_happened
	[ "$(record 'select(.type == "request") | .method' | paste -sd ' ')" = 'REGISTER OPTIONS' ] || what_happened
	rte options -n -j --p2p sip:bob@example.net
	[ "$(kind)" = p2p ] || what_happened
	rte options -n -v --proxy=sip:proxy.example sip:bob@example.net
	notes 'register is not used by a peer-to-peer endpoint'
	rte options -n -j --no-register sip:bob@example.net
	[ "$(kind)" = p2p ] || what_happened
	RTE_P2P=yes rte options -n -j --register sip:bob@example.net
	[ "$(kind)" = server ] || what_happened
	RTE_AOR='' rte options -n sip:bob@example.net
	[ "$status" = 2 ]
	unset RTE_AOR
	rte options -n sip:bob@example.net
	usage_error '^rte: options: RTE_REGISTER: it needs --aor$'
	rte register -n sip:alice@example.com # means nothing to it
	ended_with 0
}

@test "rte register has no --register" {
	rte register --register sip:alice@example.com
	usage_error 'unknown option "--register"'
	rte --register register sip:alice@example.com
	usage_error '--register does not apply to register'
}

@test "of REGISTER and request the error names the one that failed" {
	rte invite --register -a sip:alice@127.0.0.1:1 sip:bob@example.com
	ended_with 11 '^rte: invite sip:bob@example\.com: REGISTER: 127\.0\.0\.1:1 udp: connection refused$'
}
