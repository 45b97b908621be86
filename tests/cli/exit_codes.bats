#!/usr/bin/env bats
# tests/cli/exit_codes.bats -- every exit code that these commands can give, provoked, in text and in JSON: cli.md section 9

load helper

setup() {
	fresh_home
	export PW=pw-alice BAD=pw-wrong
}
teardown() {
	reap_all
	silent_stop
}

# gives CODE NAME PATTERN COMMAND ARG...: in text one line on stderr that looks like PATTERN; in JSON an error record with
# this code and name, and the same detail
gives() {
	local code=$1 name=$2 pattern=$3 detail
	shift 3
	rte "$@"
	ended_with "$code" "^rte: $1.*: .*($pattern)"
	! grep -q 'exit [0-9]' <<<"$stderr" || what_happened
	text=$stderr
	rte "$1" --json "${@:2}"
	[ "$status" = "$code" ] || what_happened
	[ -z "$stderr" ] || what_happened
	records
	[ "$(record 'select(.type == "error") | .exit_code' | head -n 1)" = "$code" ] || what_happened
	[ "$(record 'select(.type == "end") | .exit_name')" = "$name" ] || what_happened
	detail=$(record 'select(.type == "error") | .detail' | head -n 1)
	grep -Eq -e "$pattern" <<<"$detail" || what_happened
}
# because CAUSE: in the error record of what ran last
because() {
	[ "$(record 'select(.type == "error") | .cause')" = "$1" ] || what_happened
}
alice() {
	local code=$1 name=$2 pattern=$3
	shift 3
	gives "$code" "$name" "$pattern" register --server="$udp" --timeout=5s "$@" sip:alice@test.invalid
}

@test "0: what was asked happened" {
	serve_start --add-user=alice:env:PW
	rte register --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	rte register -j --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "end") | .exit_name')" = ok ]
	rte options "udp:$udp"
	ended_with 0
	rte options -j "tcp:$tcp"
	ended_with 0
	records
}

@test "2: usage; nothing was sent" {
	gives 2 usage 'unknown option "--nosuch"' options --nosuch sip:127.0.0.1:9
	gives 2 usage 'not a SIP URI' options 'sip:a@b@c'
	gives 2 usage 'expires' register --expires=tomorrow sip:a@b
	gives 2 usage 'unexpected argument' serve sh
	gives 2 usage 'from-naptr with --from-srv' resolve --from-naptr --from-srv example.com
}

@test "3: a redirect that is not followed, and one that leads in a circle" {
	serve_start --auth=none --reply='OPTIONS=302' --reply='REGISTER=301'
	gives 3 redirected '302 Moved Temporarily' options "udp:$udp"
	alice 3 redirected '301 Moved Permanently'
	peer_start udp
	peer_answer <<-TEXT
		SIP/2.0 302 Moved Temporarily
		$peer_head
		Contact: <sip:$peer>
		Content-Length: 0
	TEXT
	# RFC 3261 8.1.3.4: no URI is tried twice. The target has ;transport=udp, the Contact has not.
	gives 3 redirected '302 Moved Temporarily' options --follow=3 "udp:$peer"
	[ "$(record 'select(.type == "end") | .sent')" = 2 ] || what_happened
}

@test "4, 5, 6: final responses" {
	serve_start --auth=none --reply='OPTIONS nobody=404' --reply='OPTIONS gone=410 Not Here' --reply='OPTIONS ill=500' \
		--reply='OPTIONS busy=503;retry-after=90' --reply='OPTIONS no=606' --reply='REGISTER=488'
	gives 4 client_failure '404 Not Found' options --server="$udp" sip:nobody@test.invalid
	gives 4 client_failure '410 Not Here' options --server="$udp" sip:gone@test.invalid
	gives 5 server_failure '500 Server Internal Error' options --server="$udp" sip:ill@test.invalid
	gives 5 server_failure '503 Service Unavailable' options --server="$udp" sip:busy@test.invalid
	[ "$(record 'select(.type == "error") | .retry_after')" = 90 ] || what_happened
	grep -Eq '^  retry-after +90 s' <<<"$text" || what_happened
	gives 6 global_failure '606 Not Acceptable' options --server="$udp" sip:no@test.invalid
	alice 4 client_failure '488'
}

@test "7: credentials were refused" {
	serve_start --add-user=alice:env:PW --digest=sha-256
	alice 7 auth_failed '401 Unauthorized after credentials were sent \(realm "test.invalid", user "alice", SHA-256\)' \
		--password=env:BAD
	because invalid_credentials
	alice 7 auth_failed 'MD5|SHA-256|scheme|algorithm' --password=env:PW --digest=md5
	because no_common_scheme
	gives 7 auth_failed '403' register --server="$udp" --user=alice --password=env:PW sip:bob@test.invalid
	because forbidden
}

@test "7: a server that does not challenge, although --auth names schemes" {
	serve_start --auth=none
	alice 7 auth_failed '200 OK without a challenge' --auth=digest --password=env:PW
	because unchallenging_server
	[ "$(record 'select(.type == "error") | .status_code')" = 200 ] || what_happened
	rte register --server="$udp" --auth=digest,none --password=env:PW sip:alice@test.invalid
	ended_with 0
}

@test "10: a name could not be resolved, and which question failed" {
	gives 10 dns 'nosuch\.invalid.*NXDOMAIN' options nosuch.invalid
	gives 10 dns 'host\.example' options --dns=127.0.0.1:1 host.example
	gives 10 dns 'host\.example' resolve --dns=127.0.0.1:1 host.example
	gives 10 dns 'host\.example' register --dns=127.0.0.1:1 sip:alice@host.example
}

@test "11: refused, over each transport" {
	gives 11 connect '127\.0\.0\.1:1 udp: connection refused' options udp:127.0.0.1:1
	gives 11 connect '127\.0\.0\.1:1 tcp: connection refused' options tcp:127.0.0.1:1
	gives 11 connect '127\.0\.0\.1:1 tls: connection refused' options tls:127.0.0.1:1
	gives 11 connect 'connection refused' register --server=127.0.0.1:1 sip:alice@test.invalid
}

@test "11: a peer that closes the connection in place of an answer" {
	need socat ss
	socat TCP4-LISTEN:0,bind=127.0.0.1,fork EXEC:true 2>/dev/null 3>&- &
	reap+=($!)
	wait_for 5 peer_port $!
	gives 11 connect 'closed|reset' options "tcp:127.0.0.1:$(peer_port $!)"
}

# bats test_tags=serial,release
@test "11: a closed port is told in less than 50 ms" {
	for target in udp:127.0.0.1:1 tcp:127.0.0.1:1; do
		best=1000
		for i in 1 2 3; do
			rte options -j "$target"
			ms=$(record 'select(.type == "end") | .elapsed_ms | floor')
			best=$((ms < best ? ms : best))
		done
		[ "$best" -lt 50 ] || what_happened
	done
}

@test "12: the certificate has another name, is not trusted, is not the pinned one" {
	serve_start --tls-auto --auth=none
	gives 12 tls 'wanted sip\.example\.net' options --cacert="$ca" --tls-name=sip.example.net "tls:$tls"
	gives 12 tls 'issuer|self-signed|trust' options "tls:$tls"
	gives 12 tls 'pin' options -q -k --pinnedpubkey=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "tls:$tls"
	rte options --cacert="$ca" "tls:$tls"
	ended_with 0
	gives 12 tls '.' options --timeout=2s "tls:$tcp"
}

@test "14: nobody answers: --timeout and --max-time" {
	silent_start
	gives 14 timeout "no response from 127\.0\.0\.1:$silent udp within" options --timeout=200ms "udp:127.0.0.1:$silent"
	gives 14 timeout 'no response' register --timeout=200ms --server="127.0.0.1:$silent" sip:alice@test.invalid
	gives 14 timeout 'max-time=300ms' options --max-time=300ms --timeout=1m "udp:127.0.0.1:$silent"
	gives 14 timeout 'max-time=300ms' resolve --max-time=300ms --dns="127.0.0.1:$silent" host.example
	gives 14 timeout 'for=300ms' serve --output=- --for=300ms -- sleep 20
}

# bats test_tags=serial,release
@test "14: a silent peer with --timeout=1s takes 1.0 to 1.2 s" {
	silent_start
	best=100000
	for i in 1 2 3; do
		rte options -j --timeout=1s "udp:127.0.0.1:$silent"
		ended_with 14
		ms=$(record 'select(.type == "end") | .elapsed_ms | floor')
		[ "$ms" -ge 1000 ] || what_happened
		best=$((ms < best ? ms : best))
	done
	[ "$best" -le 1200 ] || what_happened
}

@test "15: what is no SIP, and a registrar that does not list our contact" {
	peer_start tcp
	peer_answer <<<'HTTP/1.1 400 Bad Request'
	gives 15 protocol 'not SIP|HTTP' options "tcp:$peer"
	peer_start udp
	peer_answer <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Contact: <sip:somebody@192.0.2.1>;expires=60
		Content-Length: 0
	TEXT
	gives 15 protocol 'our contact is not among the bindings' register --server="$peer" sip:alice@test.invalid
}

@test "18: the server has dropped the binding" {
	peer_start udp
	peer_answer .1 <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Contact: {Contact};expires=1
		Content-Length: 0
	TEXT
	peer_answer .2 <<-TEXT
		SIP/2.0 200 OK
		$peer_head
		Contact: <sip:somebody@192.0.2.1>;expires=60
		Content-Length: 0
	TEXT
	gives 18 ended_by_server 'dropped the binding' register --keep --server="$peer" sip:alice@test.invalid
	[ "$(record 'select(.type == "registration") | .cause' | tail -n 1)" = deactivated ] || what_happened
}

@test "19: the connection is lost: --on-drop=unregister, and a server that does not come back" {
	serve_start --add-user=alice:env:PW --control="$BATS_TEST_TMPDIR/orders"
	for json in '' --json; do
		spawn keep register --keep $json --on-drop=unregister -t tcp --server="$tcp" --password=env:PW \
			sip:alice@test.invalid
		printed keep 'registered'
		echo 'drop alice' >"$BATS_TEST_TMPDIR/orders"
		[ -n "$json" ] || printed keep "^dropped     tcp $tcp"
		spawned_ends 19 keep
	done
	check_records <"$BATS_TEST_TMPDIR/keep.out"
	[ "$(ended "$BATS_TEST_TMPDIR/keep.out")" = 19 ]
	spawn keep register --keep --retry-max-time=1s -t tcp --server="$tcp" --password=env:PW sip:alice@test.invalid
	printed keep 'registered'
	serve_end
	spawned_ends 19 keep 'connection refused'
}

@test "20: what an option names cannot be bound, opened, written" {
	serve_start --auth=none
	gives 20 local "$udp" options --listen="udp:$udp" "udp:$udp"
	gives 20 local "$udp" serve --listen="udp:$udp"
	gives 20 local 'not_there' options --output="$HOME/not_there/file" "udp:$udp"
	gives 20 local 'not_there' options --trace="$HOME/not_there/file" "udp:$udp"
	gives 20 local 'not_there' serve --ready-file="$HOME/not_there/file" --for=1s
	gives 20 local 'not_there' options --cacert="$HOME/not_there" "tls:$udp"
	gives 20 local 'NOT_THERE' register --password=env:NOT_THERE sip:alice@test.invalid
	gives 20 local 'not_there' serve --users="$HOME/not_there"
	chmod 500 "$HOME"
	[ "$(id -u)" = 0 ] || gives 20 local instance register --instance=auto sip:alice@test.invalid
}

# 21 needs another build: bare_build.bats
@test "22: challenged, but there is no secret" {
	serve_start --add-user=alice:env:PW --reply='OPTIONS=401'
	alice 22 no_credentials 'no password for realm "test.invalid"'
	because missing_credentials
	alice 22 no_credentials 'allowed: none' --auth=none --password=env:PW
	gives 22 no_credentials 'peer-to-peer endpoint' options "udp:$udp"
	because peer_to_peer
}

@test "126, 127: a COMMAND that cannot run; else its own status" {
	run -127 --separate-stderr "$RTE" serve -- nosuch-command
	notes '^rte: serve: nosuch-command: command not found'
	run -127 --separate-stderr "$RTE" serve --json --output=- -- nosuch-command
	records
	gives 126 unknown 'Permission denied' serve --output=- -- /etc/passwd
	for code in 0 1 3 99; do
		rte serve -- sh -c "exit $code"
		ended_with "$code"
	done
	rte serve -- sh -c 'kill -9 $$'
	ended_with 137
}

@test "128 + n: a signal before the goal, and the second one" {
	silent_start
	for signal in INT:130 TERM:143; do
		spawn options options --timeout=1m -j "udp:127.0.0.1:$silent"
		printed options '"request"'
		kill "-${signal%:*}" "$spawned"
		spawned_ends "${signal#*:}" options
		check_records <"$BATS_TEST_TMPDIR/options.out"
		[ "$(ended "$BATS_TEST_TMPDIR/options.out")" = "${signal#*:}" ]
	done
	# the orderly end waits for the answer to the removal, which does not come
	serve_start --auth=none
	spawn keep register --keep -v --server="$udp" sip:alice@test.invalid
	printed keep '^registered'
	kill -STOP "$serve"
	kill -TERM "$spawned"
	wait_for 5 grep -q '^\* terminated' "$BATS_TEST_TMPDIR/keep.err"
	kill -INT "$spawned"
	spawned_ends 130 keep
	kill -CONT "$serve"
}

@test "0: after the goal, a signal is the orderly end" {
	serve_start -v --add-user=alice:env:PW
	for signal in INT TERM; do
		spawn keep register --keep --server="$udp" --password=env:PW sip:alice@test.invalid
		printed keep '^registered'
		kill "-$signal" "$spawned"
		spawned_ends 0 keep
		printed keep '^unregistered'
		[ "$(grep -c '^unregistered' "$BATS_TEST_TMPDIR/serve.out")" -ge 1 ]
	done
	serve_end TERM
}

# AddressSanitizer needs terabytes of addresses.
# bats test_tags=release
@test "70: memory runs out: a line on stderr, and nothing else" {
	local kib seen=no
	head -c 4000000 /dev/zero | tr '\0' a >"$HOME/big"
	for kib in 20000 16000 12000; do # what a program needs to begin with differs from one build to another
		captured bash -c 'ulimit -v "$1" && exec "$2" message -n --p2p -d "@$3" sip:x@127.0.0.1' - "$kib" "$RTE" "$HOME/big"
		[ "$status" = 70 ] || continue
		[ "$stderr" = 'rte: out of memory' ] && [ -z "$output" ] || what_happened
		seen=yes
	done
	[ $seen = yes ]
}
