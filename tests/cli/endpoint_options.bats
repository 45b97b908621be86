#!/usr/bin/env bats
# tests/cli/endpoint_options.bats -- options of endpoints that no other file has: cli.md sections 5.3 and 7

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
}

@test "--advertise: what Via and Contact say" {
	rte message -n --p2p --advertise=sip.example.net:5099 -d x sip:bob@192.0.2.1
	ended_with 0
	says '^Via: SIP/2\.0/UDP sip\.example\.net:5099;'
	serve_start -vv
	rte register --server="$udp" --advertise=192.0.2.9:5099 sip:alice@test.invalid
	ended_with 0
	says '^  contact   sip:alice@192\.0\.2\.9:5099 '
	rte options --advertise=192.0.2.9:x sip:bob@192.0.2.1
	usage_error '^rte: options: --advertise: '
}

@test "--any-to: requests for others" {
	local answer
	for answer in 500 200; do
		rm -f "$HOME/ready"
		spawn listen listen --p2p -a sip:me@example.com --once --max-time=10s --ready-file="$HOME/ready" \
			$([ $answer = 500 ] || echo --any-to)
		wait_for 10 test -s "$HOME/ready"
		rte message --p2p -d hello --connect="$(sed -n 's/^udp://p' "$HOME/ready" | head -n 1)" sip:else@example.net
		ended_with $([ $answer = 500 ] && echo 5 || echo 0)
		[ $answer = 200 ] || kill "$spawned"
		wait "$spawned" || true
	done
}

@test "--first-message-timeout: a connection that says nothing is closed" {
	need socat
	spawn listen listen --json --p2p --listen=tcp:127.0.0.1:0 --first-message-timeout=200ms --max-time=10s --ready-file="$HOME/ready"
	wait_for 10 test -s "$HOME/ready"
	timeout 8 socat -u "TCP:$(sed -n 's/^tcp://p' "$HOME/ready")" - >"$HOME/said" # ends when it is closed
	[ ! -s "$HOME/said" ]
	printed listen '"cause":"first-message"'
	kill "$spawned"
}

@test "--interface: through that one, or an error" {
	serve_start
	rte options --interface=lo --server="$udp" sip:echo@test.invalid
	ended_with 0
	rte options --interface=nonesuch0 --server="$udp" sip:echo@test.invalid
	ended_with 20 'nonesuch0'
}

@test "--key-password: of a key that is encrypted" {
	need openssl
	export KP=open-sesame
	openssl req -x509 -newkey rsa:2048 -passout env:KP -keyout "$HOME/key" -out "$HOME/cert" -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
	grep -q ENCRYPTED "$HOME/key"
	rte listen --p2p --listen=tls:127.0.0.1:0 --cert="$HOME/cert" --key="$HOME/key" --key-password=env:KP --for=100ms
	ended_with 0
	says '^listening   tls 127\.0\.0\.1:'
	KP=wrong rte listen --p2p --listen=tls:127.0.0.1:0 --cert="$HOME/cert" --key="$HOME/key" --key-password=env:KP --for=100ms
	[ "$status" != 0 ] || what_happened
	! grep -q open-sesame <<<"$output$stderr" || what_happened
}

@test "--no-retransmit: each request once" {
	silent_start
	rte options --json --timeout=1500ms --t1=100ms -t udp --server="127.0.0.1:$silent" sip:x@test.invalid
	ended_with 14
	[ "$(record 'select(.type == "end").retransmissions')" -ge 2 ] || what_happened
	rte options --json --timeout=1500ms --t1=100ms --no-retransmit -t udp --server="127.0.0.1:$silent" sip:x@test.invalid
	ended_with 14
	[ "$(record 'select(.type == "end").retransmissions')" = 0 ] || what_happened
	silent_stop
}
