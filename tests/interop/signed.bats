#!/usr/bin/env bats
# tests/interop/signed.bats -- every message of rte and of rte serve inside a security association is signed as it must be: between
# them is tests/peers/signing_relay.c, where gss-ntlmssp and MIT's Kerberos verify each one and sign it anew

load security

setup_file() {
	kdc_start
}
setup() {
	security_setup
	need socat
}
teardown() {
	security_teardown
}
teardown_file() {
	kdc_stop
}

# relay [ORDER...]: the relay before the server of this test; with $transport tls it has TLS on both sides. $at is where.
relay() {
	if [ "$transport" = tcp ]; then
		peer_up relay signing_relay 0 "$tcp" 120 "$@"
		at=$(peer_at relay)
		return
	fi
	tls_to 6001 "$tls"
	peer_up relay signing_relay 0 127.0.0.1:6001 120 "$@"
	tls_from 6002 "$(peer_at relay)"
	at=127.0.0.1:6002
}
# tls_to PORT HOST:PORT: what comes there in clear goes on over TLS; tls_from: the other way round
tls_to() {
	socat "TCP4-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" "OPENSSL:$2,cafile=$RTE_PKI/ca.pem,commonname=rte.test" 3>&- &
	reap+=("$!")
	wait_for 5 listening tcp "$1"
}
tls_from() {
	socat "OPENSSL-LISTEN:$1,bind=127.0.0.1,pf=ip4,reuseaddr,fork,verify=0,cert=$RTE_PKI/server.pem,key=$RTE_PKI/server.key" \
		"TCP4:$2" 3>&- &
	reap+=("$!")
	wait_for 5 listening tcp "$1"
}
refreshed='.type == "registration" and .cause == "refreshed"'
watching='.type == "subscription"'

# all_signed HANDSHAKES: what the relay has seen, and what rte and rte serve say of it
all_signed() {
	local name
	peer_down relay 0
	is "$1 0" "$(total relay handshakes) $(total relay wrong)"
	# nothing was excepted but the challenges, and a 100
	is '' "$(grep ' plain$' relay | grep -v ' << 100 INVITE plain$' || true)"
	# three requests with NTLM, two with Kerberos
	is "$1 $1" "$(lines relay '[0-9]+ >> REGISTER open') $(lines relay '[0-9]+ >> REGISTER(/1)? token .*')"
	is "$([ "$scheme" = ntlm ] && echo "$1" || echo 0)" "$(lines relay '[0-9]+ >> REGISTER begin')"
	if [ "$version" = 4 ]; then
		is "$1" "$(lines relay '[0-9]+ >> REGISTER/1 verified')"
	else # what has the token has no signature
		is 0 "$(lines relay '[0-9]+ >> REGISTER/1 token .*')"
	fi
	is "$1" "$(lines relay '[0-9]+ << 200 REGISTER/1 verified')"
	! served_has 1 '.type == "discarded"'
}
# verified N PATTERN: at least so many were
verified() {
	[ "$(lines relay "[0-9]+ $2/[0-9]+ verified")" -ge "$1" ] || {
		echo "wanted: $1 of $2"
		peer_says relay
	}
}

# whole_day SCHEME VERSION TRANSPORT: a registration and its refreshes, a message, a subscription and its refresh, a call
whole_day() {
	scheme=$1 version=$2 transport=$3
	server "$scheme" --ms-version="$version" --min-expires=1s
	relay
	secured bob listen bob $(as bob) --register --max-time=2m
	secured alice register alice --keep -x 3 sip:alice@rte.test
	stays bob alice
	secured watch subscribe alice $(as alice) --register -e presence -x 3 sip:bob@rte.test
	secured note message carol $(as carol) --register -d 'Watson, come here.' sip:bob@rte.test
	ends note 8 0
	comes 5 bob 1 '.type == "message" and .direction == "received" and .body == "Watson, come here."'
	secured call invite carol $(as carol) --register --duration=200ms sip:bob@rte.test
	ends call 8 0
	comes 5 bob 1 "$terminated"
	comes 8 alice 2 "$refreshed"
	comes 8 watch 1 "$watching and .cause == \"refreshed\""
	stop watch alice bob
	all_signed 5
	verified 2 '>> REGISTER'
	verified 2 '<< 200 REGISTER'
	verified 1 '>> MESSAGE'
	verified 1 '<< MESSAGE'
	verified 1 '>> 200 MESSAGE'
	verified 1 '<< 200 MESSAGE'
	verified 3 '>> SUBSCRIBE' # and its end
	verified 2 '<< (NOTIFY|BENOTIFY|200 SUBSCRIBE)'
	verified 1 '>> INVITE'
	verified 1 '<< INVITE'
	verified 1 '>> 200 INVITE'
	verified 1 '<< 200 INVITE'
	verified 1 '>> ACK'
	verified 1 '<< ACK'
	verified 1 '>> BYE'
	verified 1 '<< BYE'
	verified 1 '>> 200 BYE'
	verified 1 '<< 200 BYE'
	serve_end
	reap_all
}

@test "NTLM over TCP: versions 2, 3 and 4" {
	for v in 2 3 4; do
		whole_day ntlm $v tcp
	done
}
@test "NTLM over TLS: versions 2, 3 and 4" {
	for v in 2 3 4; do
		whole_day ntlm $v tls
	done
}
@test "Kerberos over TCP: versions 2, 3 and 4" {
	kerberos
	for v in 2 3 4; do
		whole_day kerberos $v tcp
	done
}
@test "Kerberos over TLS: versions 2, 3 and 4" {
	kerberos
	for v in 2 3 4; do
		whole_day kerberos $v tls
	done
}

# numbered ORDER CODE: carol's message to bob with a number that is not the next one, but signed as it must be; how it ends
numbered() {
	server ntlm
	relay "$1"
	secured bob listen bob $(as bob) --register --max-time=1m
	stays bob
	secured note message carol $(as carol) --register --timeout=2s -d 'Watson, come here.' sip:bob@rte.test
	ends note 8 "$2"
	[ "$(lines relay 'renumbered [0-9]+')" = 1 ] || peer_says relay
	# what comes after it is taken
	stop bob
	peer_down relay 0
	is "$(($2 == 0))" "$(records bob '.type == "message" and .direction == "received"' | wc -l)"
	serve_end
	is "$(($2 != 0))" "$(jq -s 'map(select(.type == "end") | .discarded // 0) | add' "$BATS_TEST_TMPDIR"/{bob,note} "$served")"
}

@test "numbers: 256 ahead of the highest one are taken, 257 and what has been are not, in either direction" {
	scheme=ntlm version=4 transport=tcp
	local direction
	for direction in in out; do
		numbered $direction:MESSAGE:+255 0
		numbered $direction:MESSAGE:+256 14
		numbered $direction:MESSAGE:=1 14
	done
	numbered in:MESSAGE:=0 14
}
