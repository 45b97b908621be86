#!/usr/bin/env bats
# tests/cli/pcap.bats -- --pcap: where it goes, what it must not show, what becomes of it; the key log of TLS. What Wireshark
# and sngrep make of it is in tests/interop/capture.bats.

load helper

setup() {
	fresh_home
	export PW=k4n4ry-pw
	pcap=$HOME/pcap
}
teardown() {
	reap_all
}

# register ARG...: alice over UDP
register() {
	rte register --server="$udp" --password=env:PW "$@" sip:alice@test.invalid
}
# u32 OFFSET FILE: a little-endian number
u32() {
	od -An -tu4 --endian=little -j "$1" -N 4 "$2" | tr -d ' '
}
# packets FILE: how many are in it; fails when one is not whole
packets() {
	local at=24 n=0 size
	size=$(stat -c %s "$1")
	while [ "$at" -lt "$size" ]; do
		at=$((at + 16 + $(u32 $((at + 8)) "$1")))
		n=$((n + 1))
	done
	echo "$n"
	[ "$at" = "$size" ]
}
# is_capture FILE N: with N packets
is_capture() {
	[ "$(od -An -tx1 -N 4 "$1" | tr -d ' ')" = d4c3b2a1 ]
	[ "$(u32 20 "$1")" = 101 ]
	[ "$(packets "$1")" = "$2" ] || {
		packets "$1"
		return 1
	}
}

@test "every message of both sides, whatever it is about" {
	serve_start --add-user=alice:env:PW --pcap="$HOME/serve"
	register --pcap="$pcap"
	ended_with 0
	[ -z "$stderr" ] || what_happened
	says '^registered'
	is_capture "$pcap" 4
	grep -aq 'REGISTER sip:test\.invalid SIP/2\.0' "$pcap"
	is_capture "$HOME/serve" 4
	register --json --pcap="$pcap" -t tcp --server="$tcp"
	records
	is_capture "$pcap" 4
	register --pcap="$pcap" -n # nothing is sent
	ended_with 0
	is_capture "$pcap" 0
	rte resolve --pcap="$pcap" 127.0.0.1
	is_capture "$pcap" 0
}

@test "retransmissions are packets of their own" {
	serve_start --auth=none --reply='OPTIONS=200;after=700ms'
	rte options --pcap="$pcap" --t1=200ms "udp:$udp"
	ended_with 0
	[ "$(packets "$pcap")" -ge 4 ]
	[ "$(grep -ac 'CSeq: 1 OPTIONS' "$pcap")" -ge 4 ]
}

@test "standard output: the result moves to standard error; --json and -o - do not go with it" {
	serve_start --add-user=alice:env:PW
	"$RTE" register --pcap=- --server="$udp" --password=env:PW sip:alice@test.invalid >"$pcap" 2>"$HOME/err"
	is_capture "$pcap" 4
	grep -q '^registered' "$HOME/err"
	"$RTE" register --pcap=- -q --server="$udp" --password=env:PW sip:alice@test.invalid >"$pcap" 2>"$HOME/err"
	is_capture "$pcap" 4
	[ ! -s "$HOME/err" ]
	"$RTE" register --pcap=- --json -o "$HOME/records" --server="$udp" --password=env:PW sip:alice@test.invalid >"$pcap"
	is_capture "$pcap" 4
	check_records <"$HOME/records"
	register --pcap=- --json
	ended_with 2
	records
	[ "$(record 'select(.type == "error") | .detail')" = '--pcap: - is where the records of --json go' ]
	register --pcap=- -o -
	usage_error '^rte: register: --pcap: - is where the output goes$'
	register --pcap="$pcap" -o "$pcap"
	usage_error '^rte: register: --pcap: .* is where the output goes$'
	register --pcap="$pcap" --trace="$pcap"
	usage_error '^rte: register: --pcap: .* is where the trace goes$'
	register --pcap=%
	usage_error '^rte: register: --pcap: standard error is for people$'
	register --pcap-secrets
	usage_error '^rte: register: --pcap-secrets without --pcap$'
}

@test "a full disk, no such folder: exit 20; a closed stdout: exit 1; nobody reads: SIGPIPE" {
	serve_start --add-user=alice:env:PW
	register --pcap=/dev/full
	ended_with 20 '^rte: register: cannot write the capture: No space left on device$'
	for option in pcap trace; do
		register --json --$option=/dev/full
		ended_with 20
		[ -z "$stderr" ] || what_happened
		records
		[ "$(record 'select(.type == "error") | .detail')" = "cannot write the ${option/pcap/capture}: No space left on device" ]
	done
	"$RTE" register --trace=% --server="$udp" --password=env:PW sip:alice@test.invalid 2>/dev/full # nobody relies on that
	register --pcap="$HOME/none/pcap"
	ended_with 20 '^rte: register: --pcap: .*/none/pcap: No such file or directory$'
	code=0
	"$RTE" register --pcap=- --server="$udp" --password=env:PW sip:alice@test.invalid >/dev/full 2>"$HOME/err" || code=$?
	[ "$code" = 1 ]
	grep -qx 'rte: register: cannot write the capture: No space left on device' "$HOME/err"
	code=0
	"$RTE" register --pcap=- --server="$udp" --password=env:PW sip:alice@test.invalid >&- 2>"$HOME/err" || code=$?
	[ "$code" = 1 ]
	mkfifo "$HOME/fifo"
	"$RTE" options -c 10000 --interval=50ms --pcap=- "udp:$udp" >"$HOME/fifo" 2>/dev/null 3>&- &
	spawned=$!
	reap+=("$spawned")
	head -c 100 <"$HOME/fifo" >"$HOME/first" # and the reader closes it
	[ "$(od -An -tx1 -N 4 "$HOME/first" | tr -d ' ')" = d4c3b2a1 ]
	spawned_ends 141 serve
}

@test "who is killed leaves whole packets" {
	serve_start --add-user=alice:env:PW
	spawn keep register --keep --pcap="$pcap" --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '^registered'
	kill -KILL "$spawned"
	wait "$spawned" || true
	is_capture "$pcap" 4
}

@test "secrets are masked; --pcap-secrets says what it does, and the file is for its owner" {
	serve_start --add-user=alice:env:PW --pcap="$HOME/serve"
	register --pcap="$pcap" --push="acme,k4n4ry-prid"
	ended_with 0
	for file in "$pcap" "$HOME/serve"; do
		grep -aq 'response="x*"' "$file"
		grep -aq 'pn-prid=x*' "$file"
		! grep -aE 'response="[0-9a-f]{8}|rspauth="[0-9a-f]{8}|k4n4ry' "$file" || false
	done
	: >"$pcap"
	chmod 644 "$pcap"
	register --pcap="$pcap" --pcap-secrets --push="acme,k4n4ry-prid"
	ended_with 0 "^rte: warning: --pcap-secrets: secrets are not masked in $pcap\$"
	[ "$(wc -l <<<"$stderr")" = 1 ] || what_happened
	[ "$(stat -c %a "$pcap")" = 600 ]
	is_capture "$pcap" 4
	grep -aqE 'response="[0-9a-f]{32}' "$pcap"
	grep -aq 'pn-prid=k4n4ry-prid' "$pcap"
	rm "$pcap"
	register --pcap="$pcap" --pcap-secrets
	[ "$(stat -c %a "$pcap")" = 600 ]
}

@test "a masked body keeps its length" {
	serve_start --auth=none
	printf 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c4n4ryKEY|2^20|1:4\r\n' >"$HOME/sdp"
	rte options --pcap="$pcap" -d "@$HOME/sdp" --type=application/sdp -H 'X-Test: <sip:bob:c4n4ryPW@example.com>' "udp:$udp"
	ended_with 0
	! grep -a c4n4ry "$pcap" || false
	grep -aq "^Content-Length: $(stat -c %s "$HOME/sdp")" "$pcap"
	grep -aq 'inline:xxxxxxxxxxxxxxxxxx' "$pcap"
	grep -aq '^X-Test: <sip:bob:xxxxxxxx@example\.com>' "$pcap"
}

@test "larger than a datagram: cut, but counted" {
	spawn listen listen --once --listen=tcp:127.0.0.1:0 --max-message=200000 --ready-file="$HOME/ready"
	wait_for 10 test -s "$HOME/ready"
	head -c 100000 /dev/zero | tr '\0' a >"$HOME/body"
	rte message --pcap="$pcap" --max-message=200000 -d "@$HOME/body" "$(head -n 1 "$HOME/ready")"
	ended_with 0
	is_capture "$pcap" 2
	[ "$(u32 32 "$pcap")" = 65535 ]
	[ "$(u32 36 "$pcap")" -gt 100000 ]
}

@test "the key log of TLS: --keylog and SSLKEYLOGFILE, of client, listener and server" {
	export SSLKEYLOGFILE=$HOME/served
	serve_start --tls-auto --add-user=alice:env:PW
	SSLKEYLOGFILE=$HOME/env register -t tls --server="$tls" --cacert="$ca"
	ended_with 0
	SSLKEYLOGFILE=$HOME/none register -t tls --server="$tls" --cacert="$ca" --keylog="$HOME/keys"
	ended_with 0
	[ ! -e "$HOME/none" ]
	for file in env keys; do # one connection each: two secrets of the handshake, two of the data, one for exporters
		[ "$(grep -Ec '^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+$' "$HOME/$file")" = 5 ]
		[ "$(stat -c %a "$HOME/$file")" = 600 ]
	done
	[ "$(sort "$HOME/served")" = "$(sort "$HOME/env" "$HOME/keys")" ] # both ends have the same secrets
	unset SSLKEYLOGFILE
	spawn listen listen --once --listen=tls:127.0.0.1:0 --cert="${ca%/*}/server.pem" --key="${ca%/*}/server.key" \
		--keylog="$HOME/heard" --ready-file="$HOME/ready"
	wait_for 10 test -s "$HOME/ready"
	rte options -k --keylog="$HOME/said" "$(head -n 1 "$HOME/ready")"
	ended_with 0
	[ "$(sort "$HOME/heard")" = "$(sort "$HOME/said")" ]
}
