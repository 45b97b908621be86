#!/usr/bin/env bats
# tests/interop/register_kamailio.bats -- rte register at Kamailio; its own location table is what counts

load client

setup() {
	client_home
}
teardown() {
	kept_stop
}
teardown_file() {
	rigs_stop
}

instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6

# round USER TRANSPORT SERVER ALGORITHM: register, be seen, go
round() {
	local user=$1 transport=$2 at=$3 algorithm=$4 name=$1-$2
	keep "$name" "$user" -t "$transport" -x 300
	stays "$name"
	run kamailio contacts "$user"
	echo "$output"
	[ "${#lines[@]}" = 1 ]
	[[ $output == "sip:$user@$at:"* && $output == *'user-agent=rte/'* ]]
	case $transport in
	udp) [[ $output == *"received=sip:$at:"* && $output == *"socket=udp:$at:5060"* ]] ;;
	*) [[ $output == "sip:$user@$at:"*";transport=$transport "* ]] ;;
	esac
	within 290 300 "$(detail "$user" expires)"
	# what rte says is what Kamailio has
	[ "$(records "$name" "$active" | jq -r '.contact[] | select(.own) | .uri')" = "${output%% *}" ]
	[ "$(records "$name" "$active" | jq -r .expires)" = 300 ]
	[ "$(records "$name" '.type == "auth"' | jq -r '.scheme, .chosen, .realm, .user, .qop' | tr '\n' ' ')" = \
		"digest $algorithm rte.test $user auth " ]
	stop "$name"
	contacts_are 0 "$user"
	saw "$name" 1 '.type == "registration" and .state == "terminated" and .cause == "unregistered"'
}

@test "MD5: registers, is in the location table, and goes: UDP, TCP, TLS, IPv4 and IPv6" {
	kamailio_with
	for address in 127.0.0.1 '[::1]'; do
		for transport in udp tcp tls; do
			round alice "$transport" "$address" md5
		done
	done
}

@test "SHA-256: registers, is in the location table, and goes: UDP, TCP, TLS, IPv4 and IPv6" {
	kamailio_with ALGORITHM=SHA-256
	for address in 127.0.0.1 '[::1]'; do
		for transport in udp tcp tls; do
			round alice "$transport" "$address" sha-256
		done
	done
}

@test "a challenge without qop, as RFC 2069 had it" {
	kamailio_with QOP=
	register alice
	ended_with 0
	contacts_are 1 alice
}

@test "the server's proof (Authentication-Info) is checked and accepted, MD5 and SHA-256" {
	for algorithm in MD5 SHA-256; do
		kamailio_with "ALGORITHM=$algorithm" AUTH_INFO=yes
		register alice -vv
		ended_with 0
		notes 'Authentication-Info: .*rspauth='
	done
}

@test "the text of a registration: state, contact, way, note" {
	kamailio_with
	register alice -x 90
	ended_with 0
	says '^registered +sip:alice@rte\.test +200 OK +expires 90$'
	says '^ +contact +sip:alice@127\.0\.0\.1:[0-9]+ +expires 90$'
	says '^ +via +udp 127\.0\.0\.1:5060 +auth Digest MD5 realm rte\.test$'
	says '^ +time .*total [0-9.]+ ms$'
	says '^ +note .*--keep'
}

@test "a wrong password is sent once, exit 7" {
	kamailio_with
	for transport in udp tcp tls; do
		secret=wrong register alice -j -t "$transport"
		exits 7 '401 Unauthorized after credentials were sent \(realm "rte.test", user "alice", MD5\)'
		[ "$(record 'select(.type == "error") | .cause')" = invalid_credentials ]
		[ "$(record 'select(.type == "end") | .sent')" = 2 ]
	done
	secret=wrong register alice
	ended_with 7 '^rte: register sip:alice@rte\.test: 401 Unauthorized after credentials were sent \(realm "rte\.test", user "alice", MD5\)$'
	[ -z "$output" ]
}

@test "an unknown user: 403 after credentials, exit 7" {
	kamailio_with
	register ghost -j
	exits 7 '403 No such account'
	[ "$(record 'select(.type == "error") | .cause')" = forbidden ]
	[ "$(record 'select(.type == "error") | .status_code')" = 403 ]
}

@test "no password and no terminal: exit 22, and one request" {
	kamailio_with
	captured setsid -w "$RTE" register -j --server=127.0.0.1 sip:alice@rte.test </dev/null
	exits 22 'rte\.test'
	[ "$(record 'select(.type == "error") | .cause')" = missing_credentials ]
	[ "$(record 'select(.type == "end") | .sent')" = 1 ]
}

@test "no account for the realm, no algorithm in common, no scheme allowed" {
	kamailio_with
	register alice -j --realm=elsewhere.example
	exits 22 'rte\.test'
	register alice -j --digest=sha-256,sha-512-256
	exits 7
	[ "$(record 'select(.type == "error") | .cause')" = no_common_scheme ]
	register alice -j --auth=none
	exits 22
}

@test "a registration without a challenge: fine, but not when a scheme was named" {
	kamailio_with
	register openalice -j
	exits 0
	register openalice -j --auth=digest
	exits 7 '200 OK without a challenge'
	[ "$(record 'select(.type == "error") | .cause')" = unchallenging_server ]
	register openalice -j --auth=digest,none
	exits 0
}

@test "--query shows what others have bound, and binds nothing" {
	kamailio_with
	register open1 -j --query
	exits 0
	[ "$(record 'select(.type == "registration") | .contact // [] | length')" = 0 ]
	contacts_are 0 open1
	sipp_register quentin
	register quentin -j --query
	exits 0
	[ "$(record "select($active) | .contact[] | [.uri, .own] | @tsv")" = "$(kamailio contacts quentin | cut -d ' ' -f 1)"$'\tfalse' ]
	contacts_are 1 quentin
}

@test "several contacts with q; --remove takes one of them, --remove-all the rest" {
	kamailio_with
	register carol -j -x 200 --contact=sip:carol@127.0.0.1:7001 --contact='sip:carol@127.0.0.1:7002;transport=tcp' --q=0.5
	exits 0
	[ "$(kamailio contacts carol | cut -d ' ' -f 1 | sort)" = \
		$'sip:carol@127.0.0.1:7001\nsip:carol@127.0.0.1:7002;transport=tcp' ]
	[ "$(kamailio contacts carol | grep -c 'q=0.5')" = 2 ]
	[ "$(record "select($active) | [.contact[] | select(.q == 0.5)] | length")" = 2 ]
	register carol -j --remove --contact=sip:carol@127.0.0.1:7001
	exits 0
	[ "$(kamailio contacts carol | cut -d ' ' -f 1)" = 'sip:carol@127.0.0.1:7002;transport=tcp' ]
	register carol --remove-all
	ended_with 0
	contacts_are 0 carol
}

@test "--remove without --contact takes what this host has bound, and leaves the others" {
	kamailio_with
	register dave --contact=sip:dave@192.0.2.77:5060
	register dave
	ended_with 0
	contacts_are 2 dave
	register dave --remove
	ended_with 0
	[ "$(kamailio contacts dave | cut -d ' ' -f 1)" = sip:dave@192.0.2.77:5060 ]
}

@test "Path is stored, and said" {
	kamailio_with
	register eve -j --path='sip:edge1.example;lr' --path='sip:edge2.example;lr'
	exits 0
	[ "$(detail eve path)" = '<sip:edge1.example;lr>,<sip:edge2.example;lr>' ] ||
		[ "$(detail eve path)" = '<sip:edge1.example;lr>,_<sip:edge2.example;lr>' ]
	[ "$(record "select($active) | .path | length")" = 2 ]
}

@test "--expires: what was asked, what was granted" {
	kamailio_with MAX_EXPIRES=100
	register alice -j -x 2h
	exits 0
	[ "$(record "select($active) | .expires")" = 100 ]
	within 98 100 "$(detail alice expires)"
}

@test "423: once more with Min-Expires" {
	kamailio_with MIN_EXPIRES=120
	register alice -j -x 60
	exits 0
	[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '401 423 200 ' ]
	[ "$(record "select($active) | .expires")" = 120 ]
	within 118 120 "$(detail alice expires)"
}

@test "instance, reg-id, outbound, and both GRUUs" {
	kamailio_with
	keep gina gina -t tcp -x 300 --outbound --reg-id=3 --gruu --instance="$instance"
	stays gina
	run kamailio contacts gina
	echo "$output"
	[[ $output == *"instance=<$instance>"* && $output == *'reg-id=3'* ]]
	local record
	record=$(records gina "$active")
	echo "$record"
	[ "$(jq -r '.outbound, .reg_id, .contact[0].reg_id, .contact[0].instance' <<<"$record" | tr '\n' ' ')" = "true 3 3 $instance " ]
	[ "$(jq -r '.contact[0].pub_gruu' <<<"$record")" = "sip:gina@rte.test;gr=$instance" ]
	[[ $(jq -r '.contact[0].temp_gruu' <<<"$record") == 'sip:'*'@rte.test;gr' ]]
	stop gina
	contacts_are 0 gina
	register gina -t tcp --gruu --instance="$instance"
	ended_with 0
	says "gruu sip:gina@rte\.test;gr=$instance"
}

@test "--instance=auto is the same in the next run" {
	kamailio_with
	register hugo --instance=auto
	ended_with 0
	first=$(detail hugo instance)
	[[ $first == '<urn:uuid:'* ]]
	register hugo --instance=auto
	ended_with 0
	# RFC 5627, RFC 5626: the same instance replaces its binding, or stands there twice; never a new instance
	[ "$(detail hugo instance | sort -u)" = "$first" ]
}

@test "--methods and other parameters of the Contact" {
	kamailio_with
	register ivan -vv --methods=INVITE,BYE --contact=';+sip.text;audio'
	ended_with 0
	notes 'Contact: .*;methods="INVITE, ?BYE"'
	notes 'Contact: .*;\+sip\.text;audio'
	contacts_are 1 ivan
}

@test "one-time nonces: every refresh is challenged again and succeeds" {
	kamailio_with ONE_TIME_NONCE=yes
	keep jack jack -x 2
	comes 8 jack 3 "$active"
	[ "$(records jack '.type == "auth"' | wc -l)" -ge 3 ]
	contacts_are 1 jack
	stop jack
	contacts_are 0 jack
}

@test "a nonce that has run out: stale, and the same password again" {
	kamailio_with NONCE_EXPIRE=2
	keep kate kate -x 6
	comes 8 kate 2 "$active"
	records kate '.type == "auth"'
	saw kate 1 '.type == "auth" and .stale'
	contacts_are 1 kate
	stop kate
	contacts_are 0 kate
}

@test "a nonce that is still good is used again, with a higher count" {
	kamailio_with
	keep lea lea -x 2 -vv
	comes 5 lea 2 "$active"
	stop lea
	[ "$(records lea '.type == "auth"' | wc -l)" = 1 ]
	grep -q 'nc=00000002' "$BATS_TEST_TMPDIR/lea" "$BATS_TEST_TMPDIR/lea.err"
}

@test "further servers are the failover list; --connect skips the location" {
	kamailio_with
	at=127.0.0.1:5099 register alice -j --server=127.0.0.1:5098 --server='[::1]:5060'
	exits 0
	[ "$(record 'select(.type == "response") | .remote.address' | sort -u)" = ::1 ]
	at=127.0.0.1:5099 register alice -j --server=127.0.0.1:5098
	exits 11 '127\.0\.0\.1:5098'
	at=registrar.example register alice -j --connect=127.0.0.1:5060 -t tcp
	exits 0
	[ -z "$(record 'select(.type == "resolved")')" ]
}

@test "more than 1,300 bytes: TCP instead of UDP, back to UDP when that is refused, UDP with -t udp (RFC 3261 18.1.1)" {
	kamailio_with
	local pad
	pad="X-Pad: $(head -c 1300 /dev/zero | tr '\0' x)"
	register big -j -v -H "$pad"
	exits 0
	[[ $(kamailio contacts big) == *'socket=tcp:127.0.0.1:5060'* ||
		$(record 'select(.type == "response") | .remote.transport' | sort -u) == tcp ]]
	[ "$(record 'select(.type == "request") | .remote.transport' | sort -u)" = tcp ]
	notes 'too many for UDP'
	register big2 -j -v -t udp -H "$pad"
	exits 0
	[ "$(record 'select(.type == "request") | .remote.transport' | sort -u)" = udp ]
	sipp_start ok udp
	at=127.0.0.1:5070 register big3 -j -H "$pad"
	exits 0
	[ "$(record 'select(.type == "response") | .remote.transport' | sort -u)" = udp ]
	sipp_stop
}

@test "compact header names, a display name that needs quoting, a User-Agent, sips" {
	kamailio_with
	register alice -j --compact
	exits 0
	register alice -vv --display-name='J. "Jim" Öz \' --user-agent='my-test/1.0'
	ended_with 0
	notes '^>  From: "J\. \\"Jim\\" Öz \\\\" <sip:alice@rte\.test>;tag='
	kamailio contacts alice | grep -q 'user-agent=rte/.*my-test/1.0'
	SECRET=pw-sec rte register -j --server=127.0.0.1 --cacert="$RTE_PKI/ca.pem" --password=env:SECRET sips:sec@rte.test
	exits 0
	[ "$(record 'select(.type == "request") | .remote.transport' | sort -u)" = tls ]
	[[ $(record "select($active) | .contact[] | select(.own) | .uri") == sips:sec@127.0.0.1:* ]]
}

@test "credentials from a file, by realm; a user name that is not the AOR's" {
	kamailio_with
	printf 'realm other.example user alice password wrong\nrealm rte.test user alice password pw-alice\nrealm * user x password y\n' \
		>"$BATS_TEST_TMPDIR/credentials"
	chmod 600 "$BATS_TEST_TMPDIR/credentials"
	rte register -j --server=127.0.0.1 --credentials="$BATS_TEST_TMPDIR/credentials" sip:alice@rte.test
	exits 0
	[ "$(record 'select(.type == "auth") | .source')" = credentials-file ]
	[ "$(record 'select(.type == "auth") | .user')" = alice ]
	# who says another user name than the AOR's is believed by Digest, and refused by this registrar
	SECRET=pw-bob rte register -j --server=127.0.0.1 --user=bob --password=env:SECRET sip:alice@rte.test
	exits 7 '403'
}

# ---- TLS

@test "tls: an unknown CA, a name that is not the server's, an expired certificate: exit 12, nothing registered" {
	kamailio_with
	SECRET=pw-alice rte register -j --server=127.0.0.1 -t tls --password=env:SECRET sip:alice@rte.test
	exits 12 '127\.0\.0\.1:5061.*(issuer|self|trust|CA)'
	kamailio_with CERT=untrusted
	register alice -j -t tls
	exits 12
	kamailio_with CERT=wrongname
	register alice -j -t tls
	exits 12 'certificate of 127\.0\.0\.1:5061 is for DNS:other\.example, wanted 127\.0\.0\.1'
	kamailio_with CERT=expired
	register alice -j -t tls
	exits 12 'expired'
	[ "$(record 'select(.type == "end") | .sent')" = 0 ]
	contacts_are 0 alice
}

@test "tls: the name comes from --server: SAN dNSName or URI, never a wildcard, never the common name" {
	local name=rte.test:5061:127.0.0.1
	for cert in nameonly urionly; do
		kamailio_with "CERT=$cert"
		at=rte.test:5061 register alice -j -t tls --resolve="$name"
		exits 0
		[ "$(record 'select(.type == "connected") | .tls.verified')" = true ]
	done
	[ "$(record 'select(.type == "connected") | .tls.identity')" = URI:sip:rte.test ]
	kamailio_with CERT=cnonly
	at=rte.test:5061 register alice -j -t tls --resolve="$name"
	exits 12
	kamailio_with CERT=wildcard
	at=sip.rte.test:5061 register alice -j -t tls --resolve=sip.rte.test:5061:127.0.0.1
	exits 12
	# a name in the certificate is no address
	kamailio_with CERT=nameonly
	register alice -j -t tls
	exits 12
	# another name, if the user says so
	register alice -j -t tls --tls-name=rte.test
	exits 0
	at=rte.test:5061 register alice -j -t tls --resolve="$name" --tls-name=other.example
	exits 12
}

@test "tls: --insecure connects, and says so once" {
	kamailio_with CERT=expired
	register alice -t tls -k
	ended_with 0
	[ "$(grep -c 'insecure' <<<"$stderr")" = 1 ]
	register alice -t tls -k -j
	exits 0
	[ "$(record 'select(.type == "connected") | .tls.verified')" = false ]
}

@test "tls: the pin of the key, right and wrong, also with --insecure" {
	kamailio_with
	local pin
	pin=sha256//$(openssl x509 -in "$RTE_PKI/server.pem" -pubkey -noout |
		openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64)
	register alice -j -t tls --pinnedpubkey="$pin"
	exits 0
	[ "sha256//$(record 'select(.type == "connected") | .tls.spki_sha256')" = "$pin" ]
	register alice -j -t tls --pinnedpubkey=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
	exits 12 'pin'
	register alice -j -t tls -k --pinnedpubkey=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
	exits 12 'pin'
	kamailio_with CERT=untrusted
	pin=sha256//$(openssl x509 -in "$RTE_PKI/untrusted.pem" -pubkey -noout |
		openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64)
	register alice -j -t tls -k --pinnedpubkey="$pin"
	exits 0
}

@test "tls: a client certificate that is required: exit 12 without, registered with it; TLS 1.2 and 1.3" {
	local version
	for version in TLSv1.2 TLSv1.3; do
		case $version in # Kamailio has no word for 1.3 alone
		TLSv1.2) kamailio_with CLIENT_CERT=yes TLS=TLSv1.2 ;;
		TLSv1.3) kamailio_with CLIENT_CERT=yes ;;
		esac
		register alice -j -t tls
		exits 12 '127\.0\.0\.1:5061 .*(certificate required|handshake failure)'
		register alice -j -t tls --cert="$RTE_PKI/client.pem" --key="$RTE_PKI/client.key"
		exits 0
		[ "$(record 'select(.type == "connected") | .tls.version')" = "$version" ]
		register alice -j -t tls --cert="$RTE_PKI/untrusted.pem" --key="$RTE_PKI/untrusted.key"
		exits 12
	done
}

@test "tls: --tls-min=1.3 refuses a server that has 1.2 alone" {
	kamailio_with TLS=TLSv1.2
	register alice -j -t tls
	exits 0
	register alice -j -t tls --tls-min=1.3
	exits 12 'version'
	kamailio_with
	register alice -j -t tls --tls-min=1.3
	exits 0
	[ "$(record 'select(.type == "connected") | .tls.version')" = TLSv1.3 ]
}

@test "tls: --tls-ciphers, and the key log" {
	kamailio_with
	register alice -j -t tls --tls-ciphers=TLS_CHACHA20_POLY1305_SHA256 --keylog="$BATS_TEST_TMPDIR/keys"
	exits 0
	[ "$(record 'select(.type == "connected") | .tls.cipher')" = TLS_CHACHA20_POLY1305_SHA256 ]
	grep -q '^CLIENT_HANDSHAKE_TRAFFIC_SECRET ' "$BATS_TEST_TMPDIR/keys"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/keys")" = 600 ]
}

@test "tls: a port that speaks no TLS: exit 14 after --timeout" {
	kamailio_with
	at=127.0.0.1:5060 register alice -j -t tls --timeout=1s
	exits 14 '127\.0\.0\.1:5060 tls: no TLS handshake within 1 s'
}

# ---- what must not be seen

@test "the password is nowhere: not in -vvv, not in JSON, not in the trace, not in ps" {
	kamailio_with
	secret=pw-mallory register mallory -vvv --trace="$BATS_TEST_TMPDIR/trace"
	ended_with 0
	[ -s "$BATS_TEST_TMPDIR/trace" ]
	run ! grep -F pw-mallory <<<"$output$stderr$(cat "$BATS_TEST_TMPDIR/trace")"
	run grep -o 'response=.[^,]*' "$BATS_TEST_TMPDIR/trace"
	[ "$output" = 'response=<masked>' ]
	keep mallory mallory -vvv
	stays mallory
	tr '\0' ' ' <"/proc/${kept[mallory]}/cmdline" >"$BATS_TEST_TMPDIR/ps"
	stop mallory
	run ! grep -rF pw-mallory "$BATS_TEST_TMPDIR"
}
