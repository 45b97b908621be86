#!/usr/bin/env bats
# tests/cli/serve.bats -- rte serve as a command: readiness, -- COMMAND, users, rules. What it answers is in the unit tests.

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
}

@test "-- COMMAND: its streams, its arguments untouched, its status" {
	rte serve -- sh -c 'printf "%s|" "$@"; cat; echo err >&2; exit 5' sh -v --json -- '' 'a b' <<<input
	ended_with 5
	[ "$output" = '-v|--json|--||a b|input' ] || what_happened
	[ "$stderr" = err ] || what_happened
	rte serve -v -- true
	ended_with 0
	[ -z "$output" ] || what_happened
	notes '^listening   udp 127\.0\.0\.1:'
	rte serve -j -- true
	[ -z "$output" ] || what_happened
	check_records <<<"$stderr"
	rte serve -j -o "$HOME/records" -- true
	[ -z "$output$stderr" ] || what_happened
	check_records <"$HOME/records"
}

@test "its end counts what it received and sent" {
	rte serve -j -- "$RTE" options -q -c 2 -i 1ms test.invalid
	ended_with 0
	[ "$(jq -r 'select(.type == "end") | [.received, .sent] | @csv' <<<"$stderr")" = 2,2 ] || what_happened
}

@test "-- COMMAND: what it finds in its environment" {
	RTE_SERVE_TLS=old rte serve --tls-auto --domain=example.test -- sh -c 'env | grep ^RTE_SERV; test -s "$RTE_CACERT"'
	ended_with 0
	server=$(sed -n 's/^RTE_SERVER=//p' <<<"$output")
	[[ $server =~ ^127\.0\.0\.1:[0-9]+$ ]]
	says "^RTE_SERVE_UDP=$server$"
	says "^RTE_SERVE_TCP=$server$"
	says '^RTE_SERVE_TLS=127\.0\.0\.1:[0-9]+$'
	says '^RTE_SERVE_DOMAIN=example\.test$'
	[ "$(wc -l <<<"$output")" = 5 ] || what_happened
	rte serve --listen=tcp:0.0.0.0:0 --auth=none -- sh -c 'echo $RTE_SERVER ${RTE_SERVE_UDP-no} ${RTE_CACERT-no}'
	says '^127\.0\.0\.1:[0-9]+ no no$'
	rte serve --tls-auto --listen=tls:127.0.0.1:0 -- sh -c '"$RTE" options sip:test.invalid'
	ended_with 0
	says '^200 OK  from 127\.0\.0\.1:[0-9]+ tls'
}

@test "-- COMMAND: rte inside of it needs no --server" {
	rte serve --tls-auto --add-user=alice:env:PW -- sh -c '
		"$RTE" register --password=env:PW sip:alice@test.invalid &&
		"$RTE" register -t tcp --password=env:PW sip:alice@test.invalid &&
		"$RTE" register -t tls --password=env:PW sip:alice@test.invalid &&
		"$RTE" options sip:test.invalid'
	ended_with 0
	[ "$(grep -c '^registered' <<<"$output")" = 3 ] || what_happened
	says '^  via       tls .*  TLSv1\.3'
}

@test "-- COMMAND: signals are handed on, and nothing is left behind" {
	# the shell tells what it got
	spawn serve serve -- sh -c 'trap "echo got TERM; exit 7" TERM; trap "echo got HUP" HUP; echo up; while :; do sleep 0.05; done'
	printed serve '^up$'
	kill -HUP "$spawned"
	printed serve '^got HUP$'
	kill -TERM "$spawned"
	spawned_ends 7 serve
	printed serve '^got TERM$'
	# one that does not listen is killed
	spawn serve serve -- sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done'
	printed serve '^[0-9]'
	child=$(cat "$BATS_TEST_TMPDIR/serve.out")
	kill -TERM "$spawned"
	spawned_ends 137 serve
	! kill -0 "$child" 2>/dev/null || false
	# nor does it outlive a second signal
	TMPDIR=$BATS_TEST_TMPDIR spawn serve serve --tls-auto -v -- sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; done'
	printed serve '^[0-9]'
	child=$(cat "$BATS_TEST_TMPDIR/serve.out")
	kill -TERM "$spawned"
	wait_for 5 grep -q '^\* terminated' "$BATS_TEST_TMPDIR/serve.err"
	kill -TERM "$spawned"
	spawned_ends 143 serve
	wait_for 5 gone "$child"
	[ ! -e "$(echo "$BATS_TEST_TMPDIR"/rte-*)" ]
}

@test "-- COMMAND: --for bounds it" {
	rte serve --for=200ms -- sh -c 'trap "echo got TERM; exit 0" TERM; while :; do sleep 0.05; done'
	ended_with 14 'COMMAND did not end within --for=200ms'
	says '^got TERM$'
	rte serve --for=1m -- true
	ended_with 0
}

# bats test_tags=serial
@test "a hundred at once have a port each" {
	one() {
		"$RTE" serve --add-user=alice:env:PW -- sh -c \
			'"$RTE" register --password=env:PW sip:alice@test.invalid && "$RTE" options $RTE_SERVER' >/dev/null
	}
	export -f one
	n=100
	[ -z "${RTE_SANITIZED:-}" ] || n=20
	for i in $(seq "$n"); do
		one 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

@test "ready: the file is whole, the descriptor gets one line, the service manager a datagram" {
	need socat
	socat -u "UNIX-RECV:$BATS_TEST_TMPDIR/notify" "OPEN:$BATS_TEST_TMPDIR/notified,creat" 3>&- &
	reap+=($!)
	wait_for 5 test -S "$BATS_TEST_TMPDIR/notify"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify serve_start --ready-fd=7
	read -r -t 5 line <&7
	[ "$line" = "udp:$udp tcp:$tcp" ]
	[ "$(cat "$BATS_TEST_TMPDIR/ready")" = "udp:$udp
tcp:$tcp" ]
	wait_for 5 grep -q READY=1 "$BATS_TEST_TMPDIR/notified"
	[ "$udp" = "$tcp" ]
	grep -Eq "^listening   udp $udp, tcp $tcp$" "$BATS_TEST_TMPDIR/serve.out"
	rte serve --ready-fd=77
	usage_error 'descriptor 77 is not open for writing'
	rte serve --ready-fd=x
	usage_error 'ready-fd'
}

@test "by itself it runs until a signal or --for, exit 0; bindings are shown" {
	serve_start --add-user=alice:env:PW --min-expires=1
	rte register -x 1 --server="$udp" --password=env:PW sip:alice@test.invalid
	wait_for 5 grep -Eq '^expired     sip:alice@test\.invalid' "$BATS_TEST_TMPDIR/serve.out"
	grep -Eq '^created     sip:alice@test\.invalid  sip:alice@127\.0\.0\.1:[0-9]+  expires 1  rte/' "$BATS_TEST_TMPDIR/serve.out"
	serve_end INT
	serve_start --json
	rte options "udp:$udp"
	serve_end TERM
	check_records <"$BATS_TEST_TMPDIR/serve.out"
	[ "$(json "$BATS_TEST_TMPDIR/serve.out" 'select(.type == "request") | [.direction, .method, .replied] | join(" ")')" = \
		'received OPTIONS 200' ]
	rte serve --for=50ms
	ended_with 0
	spawn serve serve
	printed serve '^listening'
	kill -HUP "$spawned"
	spawned_ends 129 serve
}

@test "users: from the line and from a file; the challenge comes with them" {
	rte serve --add-user=alice
	usage_error 'alice has no password; add :SOURCE, or --auth=none'
	rte serve --add-user=:env:PW
	usage_error 'no name of a user'
	rte serve --add-user=alice:pw-alice
	usage_error 'add-user'
	! grep -q pw-alice <<<"$stderr" || what_happened
	rte serve --add-user=alice:env:PW --add-user=alice:env:PW -- true
	ended_with 0
	serve_start --add-user=alice --auth=none
	rte register --server="$udp" sip:alice@test.invalid
	ended_with 0
	serve_end
	printf 'realm * user alice password "%s"\nrealm x user bob ha1 %s\n' "$PW" \
		"$(printf 'bob:test.invalid:pw-bob' | md5sum | cut -d ' ' -f 1)" >"$HOME/users"
	chmod 600 "$HOME/users"
	serve_start --users="$HOME/users"
	rte register --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	BOB=pw-bob rte register --server="$udp" --digest=md5 --password=env:BOB sip:bob@test.invalid
	ended_with 0
	rte register --server="$udp" --user=bob --password=env:PW sip:bob@test.invalid
	ended_with 7
	serve_end
	chmod 644 "$HOME/users"
	rte serve --users="$HOME/users"
	ended_with 2 'others than its owner can use it'
}

@test "challenges: realm, algorithms, nonces that grow old" {
	serve_start --add-user=alice:env:PW --realm='the realm' --digest=md5 --nonce-expires=1s --min-expires=1
	rte register -j --server="$udp" --password=env:PW sip:alice@test.invalid
	[ "$(record 'select(.type == "auth") | [.realm, .offered[]] | join(",")')" = 'the realm,md5' ] || what_happened
	spawn keep register --keep -x 4 -j --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '"stale":true'
	kill "$spawned"
	spawned_ends 0 keep
}

@test "--reply, --fault and its seed, --control" {
	serve_start --auth=none --reply='OPTIONS bob=486 Not now;retry-after=5' --control="$BATS_TEST_TMPDIR/orders"
	rte options --server="$udp" sip:bob@test.invalid
	ended_with 4 '486 Not now'
	notes 'retry-after +5 s'
	spawn keep register --keep -t tcp --server="$tcp" sip:alice@test.invalid
	printed keep '^registered'
	echo 'deregister alice deactivated' >"$BATS_TEST_TMPDIR/orders"
	wait_for 5 grep -q '^deactivated  sip:alice@test.invalid' "$BATS_TEST_TMPDIR/serve.out"
	echo 'nonsense' >"$BATS_TEST_TMPDIR/orders"
	wait_for 5 grep -q '^control     refused: ' "$BATS_TEST_TMPDIR/serve.out"
	serve_end
	for i in 1 2; do
		serve_start --auth=none --fault=drop:50 --seed=7
		grep -qx 'seed        7' "$BATS_TEST_TMPDIR/serve.out"
		rte options -c 10 -i 1ms --timeout=1s --no-retransmit "udp:$udp"
		ended_with 14
		serve_end
		results+=("$(sed 's/ from.*seq/ seq/; s/  [0-9.]* ms$//; s/, min.*//' <<<"$output" | sort)")
	done
	[ "${results[0]}" = "${results[1]}" ] || printf '%s\n--\n%s\n' "${results[@]}"
	rte serve --fault=drop:50 --json --for=1ms
	records
	[ "$(record 'select(.type == "listening") | .seed > 0')" = true ]
}

@test "what does not go together" {
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte serve $options --for=1ms
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--cert_without_--key --cert=x
		--tls-auto_with_--cert --tls-auto --cert=x --key=y
		tls_needs_--tls-auto --listen=tls:127.0.0.1:0
		--reply:_ --reply=OPTIONS
		--fault:_ --fault=nonsense
		--route:_ --route=sip:app@test.invalid=sip:host.test
		--route:_ --route=sip:127.0.0.1:5080
		--trust:_ --trust=host.test
		--min-expires:_more_than --min-expires=2h
		--min-expires:_the_time --min-expires=0
		--nonce-expires:_the_time --nonce-expires=0
		--domain:_it_has_no_port --domain=example.com:5060
		--auth:_none_with_another_scheme --auth=none,digest
		--auth: --auth=basic
		--digest: --digest=sha-1
		--seed: --seed=0
		not_loopback --listen=udp:0.0.0.0:0
	TABLE
	rte serve --for=0
	usage_error '--for: the time'
	rte serve --for=1ms arg
	usage_error 'unexpected argument "arg"; a COMMAND stands behind --'
	rte serve arg -- true
	usage_error 'unexpected argument "arg"'
	rte serve --
	usage_error 'no COMMAND behind --'
	rte serve -n --listen=udp:192.0.2.1:1 --auth=none
	ended_with 0
}

@test "--tls-auto leaves nothing in TMPDIR" {
	mkdir "$BATS_TEST_TMPDIR/tmp"
	TMPDIR=$BATS_TEST_TMPDIR/tmp rte serve --tls-auto -- sh -c 'stat -c %a "$(dirname "$RTE_CACERT")"'
	ended_with 0
	[ "$output" = 700 ] || what_happened
	TMPDIR=$BATS_TEST_TMPDIR/tmp rte serve --tls-auto --listen=udp:192.0.2.1:1 --auth=none
	ended_with 20
	TMPDIR=$BATS_TEST_TMPDIR/tmp run -127 "$RTE" serve --tls-auto -- nosuch-command
	[ -z "$(ls "$BATS_TEST_TMPDIR/tmp")" ]
	TMPDIR=/nonexistent rte serve --tls-auto
	ended_with 20 '/nonexistent'
}
