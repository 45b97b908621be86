#!/usr/bin/env bats
# tests/cli/ladder.bats -- --ladder: who sent what to whom; its layout is in the unit test (test_cli_ladder)

load helper

setup() {
	fresh_home
	export PW=k4n4ry-pw LC_ALL=C
}
teardown() {
	reap_all
}

# rungs TEXT: the ladder in it, without times and dashes: "> INVITE"
rungs() {
	sed -n 's/^ *[0-9]*\.[0-9][0-9][0-9] \([ !]\) *|\(.*\)|$/\1 \2/p' <<<"$1" | sed 's/-\+/ /g; s/ \+/ /g; s/^ //; s/ $//' |
		sed 's/\(.*\) >$/> \1/; s/^! \(.*\) >$/> \1/' | tr '\n' ','
}

@test "a registration with Digest: every message, on stderr at the end" {
	serve_start --add-user=alice:env:PW
	rte register --ladder --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	says '^registered'
	[ "$(rungs "$stderr")" = '> REGISTER,< 401 Unauthorized (REGISTER),> REGISTER,< 200 OK (REGISTER),' ] || what_happened
	[ "$(head -n 1 <<<"$stderr" | xargs)" = "rte register $udp" ] || what_happened
	[ "$(awk 'length > 80' <<<"$stderr" | wc -l)" = 0 ] || what_happened
}

@test "--json, -q and other streams: always on stderr" {
	serve_start --add-user=alice:env:PW
	for how in --json -q '-q --json' "-o $HOME/out" --pcap="$HOME/pcap" --trace="$HOME/trace"; do
		# shellcheck disable=SC2086
		rte register $how --ladder --server="$udp" --password=env:PW sip:alice@test.invalid
		ended_with 0
		[ "$(rungs "$stderr")" = '> REGISTER,< 401 Unauthorized (REGISTER),> REGISTER,< 200 OK (REGISTER),' ] || what_happened
		[[ $how != *json* ]] || records
		[[ $how != -o* ]] || grep -q '^registered' "$HOME/out"
	done
}

@test "a failure, and the ladder below it; a dry run sends nothing" {
	rte options --ladder udp:127.0.0.1:1
	ended_with 11
	[ "$(rungs "$stderr")" = '> OPTIONS,' ] || what_happened
	[[ $(head -n 1 <<<"$stderr") == 'rte: options '* ]] || what_happened
	rte options --ladder -n udp:127.0.0.1:1
	ended_with 0 '^no message was sent or received$'
	rte resolve --ladder 127.0.0.1
	ended_with 0 '^no message was sent or received$'
}

@test "retransmissions are marked" {
	serve_start --auth=none --ladder --reply='OPTIONS=200;after=700ms'
	rte options --ladder --t1=200ms "udp:$udp"
	ended_with 0
	notes '^ +0\.[0-9]{3}    \|-+ OPTIONS -+>\|$'
	notes '^ +0\.[0-9]{3} !  \|-+ OPTIONS -+>\|$'
	notes '^ +! a retransmission, or not expected$'
	serve_end
	grep -Eq '^ +[0-9]+\.[0-9]{3} !  \|<-+ OPTIONS -+\|$' "$BATS_TEST_TMPDIR/serve.err"
}

@test "a server: a column for each who came, and from the fourth on one for all" {
	serve_start --auth=none --ladder
	for _ in 1 2 3 4 5; do
		rte options "udp:$udp"
		ended_with 0
	done
	serve_end
	run cat "$BATS_TEST_TMPDIR/serve.err"
	says '^ +rte serve +127\.0\.0\.1:[0-9]+ +127\.0\.0\.1:[0-9]+ +others$'
	says '<-+ \[6\] OPTIONS -+\|$'
	says '^ +\[4\] 127\.0\.0\.1:[0-9]+$'
	says '^ +\[6\] 127\.0\.0\.1:[0-9]+$'
	[ "$(awk 'length > 80' <<<"$output" | wc -l)" = 0 ]
}

@test "only the last 200 messages, and how many were before" {
	serve_start --auth=none --ladder
	rte options -q -c 150 --interval=1ms --ladder "udp:$udp"
	ended_with 0 '^ +100 earlier messages are left out$'
	[ "$(grep -c 'OPTIONS' <<<"$stderr")" = 200 ] || what_happened
}

@test "UTF-8 where the locale is, colours as elsewhere" {
	serve_start --auth=none
	in_locale() { # NAME=VALUE...
		captured env -u LC_CTYPE -u LANG "$@" "$RTE" options --ladder "udp:$udp"
	}
	in_locale LC_ALL= LANG=en_US.UTF-8
	notes '│(─)+ OPTIONS (─)+→│$'
	in_locale LC_ALL= LC_CTYPE=C.utf8 LANG=C
	notes '│←(─)+ 200 OK \(OPTIONS\) (─)+│$'
	for locale in C POSIX en_US.ISO-8859-1; do
		in_locale LC_ALL=$locale LANG=C.UTF-8
		notes '\|-+ OPTIONS -+>\|$'
		! grep -q '[^ -~]' <<<"$stderr" || what_happened
	done
	rte options --ladder --color=always "udp:$udp"
	[[ $stderr == *$'\x1b[36m-'*'OPTIONS'*$'\x1b[32m<-'* ]] || what_happened
}

@test "bytes of the wire: no terminal sequence, no secret" {
	peer_start udp
	printf 'SIP/2.0 404 \x1b[3mN\x07 <sip:a:k4n4ry@b>\n%s\nContent-Length: 0\n\n' "$peer_head" | peer_answer
	rte options --ladder --timeout=2s "udp:$peer"
	ended_with 4
	notes '404 \?\[3mN\? <sip:a:<masked>@b>'
	[[ $stderr != *$'\x1b'* && $stderr != *$'\x07'* && $stderr != *k4n4ry* ]] || what_happened
}
