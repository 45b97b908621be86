#!/usr/bin/env bats
# tests/interop/sipe.bats -- pidgin-sipe, a client of Communications Server that nobody here wrote, at rte serve: it signs on with
# NTLM and with Kerberos, stays, and talks with its like and with rte

load security

setup_file() {
	kdc_start
}
setup() {
	security_setup
	scheme=ntlm transport=tcp
}
teardown() {
	security_teardown
}
teardown_file() {
	kdc_stop
}

# binding USER CAUSE: for served_says
binding() {
	echo ".type == \"binding\" and .aor == \"sip:$1@rte.test\" and .cause == \"$2\""
}
# nothing_discarded: both sides took every message of the other one
nothing_discarded() {
	! grep -q 'Invalid message signature' "$BATS_TEST_TMPDIR"/sipe-*/debug || false
	! served_has 1 '.type == "discarded"'
}
# signed_on NAME USER HOW HOST:PORT tcp|tls [PASSWORD [ACCOUNT]]
signed_on() {
	local name=$1 user=$2 how=$3 where=$4 over=$5
	shift 5
	sipe "$name" "$user" "$where" "$over" "$how" "$@"
	soon "$name" signed-on
	served_says 2 1 "$(binding "$user" created)"
}

# It refreshes 30 seconds before the end: every two seconds.
stays_signed_on() {
	served_says 15 2 "$(binding alice refreshed)"
	[ "$(lines alice 'signed-off|error .*')" = 0 ] || peer_says alice
	is 3 "$(grep -c 'signature of incoming message validated' "$BATS_TEST_TMPDIR/sipe-alice/debug")"
	sipe_quits alice
	served_says 3 1 "$(binding alice unregistered)"
	nothing_discarded
}

@test "NTLM: pidgin-sipe signs on and stays over two refreshes" {
	server digest,ntlm --min-expires=1s --max-expires=32s
	signed_on alice alice ntlm "$tcp" tcp pw-alice
	stays_signed_on
}

@test "NTLM over TLS" {
	server ntlm --min-expires=1s --max-expires=32s
	sipe_trusts alice 127.0.0.1
	signed_on alice alice ntlm "$tls" tls pw-alice
	stays_signed_on
}

@test "NTLM in versions 2 and 3" {
	local version
	for version in 2 3; do
		server ntlm --ms-version=$version --min-expires=1s --max-expires=32s
		signed_on alice alice ntlm "$tcp" tcp pw-alice
		stays_signed_on
		serve_end
	done
}

@test "Kerberos: with its ticket, and with a password" {
	kerberos
	server ntlm,kerberos --min-expires=1s --max-expires=32s
	KRB5CCNAME=$(cache alice) signed_on alice alice krb5 "$tcp" tcp
	stays_signed_on
	signed_on bob bob krb5 "$tcp" tcp pw-bob 'bob@rte.test,RTE.TEST\bob'
	sipe_quits bob
	nothing_discarded
}

@test "refused: a wrong password, a user who is none, and nobody's ticket" {
	server ntlm
	sipe alice alice "$tcp" tcp ntlm wrong
	sipe_ends alice 1
	has alice 1 'error 2 .*'
	sipe mallory mallory "$tcp" tcp ntlm pw-mallory
	sipe_ends mallory 1
	has mallory 1 'error 2 .*'
	! served_has 1 '.type == "binding"'
}

@test "two of them: a conversation through rte serve" {
	server ntlm
	signed_on alice alice ntlm "$tcp" tcp pw-alice
	signed_on bob bob ntlm "$tcp" tcp pw-bob
	order alice 'im sip:bob@rte.test hello bob'
	soon bob 'im sip:alice@rte.test hello bob'
	order bob 'im sip:alice@rte.test hello alice'
	soon alice 'im sip:bob@rte.test hello alice'
	order alice 'im sip:bob@rte.test and good bye'
	soon bob 'im sip:alice@rte.test and good bye'
	sipe_quits alice
	sipe_quits bob
	nothing_discarded
}

# messages_are: the description of a session of instant messages, as pidgin-sipe has it, is in the file $sdp
messages_are() {
	sdp=$BATS_TEST_TMPDIR/messages.sdp
	printf '%s\r\n' v=0 'o=- 0 0 IN IP4 127.0.0.1' s=session 'c=IN IP4 127.0.0.1' 't=0 0' \
		'm=x-ms-message 5060 sip null' 'a=accept-types:text/plain' >"$sdp"
}

# talks SCHEME: pidgin-sipe with rte, each of them the first to speak
talks() {
	scheme=$1 at=$tcp
	messages_are
	secured bob listen bob $(as bob) --register --sdp="$sdp" --do=message:'hello alice' --max-time=1m
	stays bob
	order alice 'im sip:bob@rte.test hello bob'
	comes 8 bob 1 '.type == "message" and .direction == "received" and .body == "hello bob"'
	soon alice 'im sip:bob@rte.test hello alice'
	secured carol message carol $(as carol) --register -d 'out of the blue' sip:alice@rte.test
	ends carol 8 0
	soon alice 'im sip:carol@rte.test out of the blue'
	stop bob
	sipe_quits alice
	nothing_discarded
}

@test "NTLM: instant messages with rte, both ways" {
	server ntlm
	signed_on alice alice ntlm "$tcp" tcp pw-alice
	talks ntlm
}

@test "Kerberos: instant messages with rte, both ways" {
	kerberos
	server kerberos
	KRB5CCNAME=$(cache alice) signed_on alice alice krb5 "$tcp" tcp
	talks kerberos
}
