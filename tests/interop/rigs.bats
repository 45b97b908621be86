#!/usr/bin/env bats
# tests/interop/rigs.bats -- the rigs themselves, tried with foreign clients: no rte here

load helper

teardown_file() {
	rigs_stop
}

# request METHOD URI CSEQ [LINE...]: a request by hand, in a file of the test; $from is its sender, if not the target
request() {
	local method=$1 uri=$2 cseq=$3 user=${from:-${2#sip:}}
	shift 3
	user=${user%@*}
	printf '%s\r\n' "$method $uri SIP/2.0" \
		"Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK-$cseq-$BATS_TEST_NUMBER;rport" \
		'Max-Forwards: 70' "From: <sip:$user@rte.test>;tag=f" "To: <sip:$user@rte.test>" \
		"Call-ID: $BATS_TEST_NUMBER@rigs" "CSeq: $cseq $method" "Contact: <sip:$user@127.0.0.1:5999>" \
		"$@" 'Content-Length: 0' '' >"$BATS_TEST_TMPDIR/request"
	echo "$BATS_TEST_TMPDIR/request"
}
# ask CSEQ [LINE...]: a REGISTER to whom dial has called, and what comes back
ask() {
	tell "$(request REGISTER sip:alice@rte.test "$@")"
}
scenario() { # NAME
	sipp_start "$1"
	dial 5070
}
# The next tests share one Kamailio; each can be run alone.
kamailio_up() {
	kamailio rpc core.uptime >/dev/null 2>&1 || kamailio_start
}
credentials='Authorization: Digest username="alice", realm="rte.test", nonce="n", uri="sip:x", response="0", cnonce="c"'
statuses() { # of what ask printed
	tr -d '\r' | sed -n 's/^SIP\/2.0 //p' | tr '\n' ','
}

@test "a namespace of our own: no neighbour on our ports, lo is up, IPv6 too" {
	run ss -Hlntu
	[ -z "$output" ]
	run ip -o addr show dev lo
	[[ $output == *127.0.0.1/8* && $output == *::1/128* ]]
}

@test "certificates: each is what its name says" {
	pki
	cd "$RTE_PKI"
	openssl verify -CAfile ca.pem server.pem nameonly.pem urionly.pem wrongname.pem wildcard.pem cnonly.pem client.pem
	run openssl verify -CAfile ca.pem expired.pem
	[[ $status != 0 && $output == *'certificate has expired'* ]]
	run openssl verify -CAfile ca.pem untrusted.pem
	[[ $status != 0 && $output == *'unable to get local issuer'* ]]
	openssl verify -CAfile other-ca.pem untrusted.pem
	openssl x509 -in server.pem -noout -checkhost rte.test | grep 'does match'
	openssl x509 -in server.pem -noout -checkip ::1 | grep 'does match'
	openssl x509 -in server.pem -noout -ext subjectAltName | grep -F 'URI:sip:rte.test'
	openssl x509 -in wrongname.pem -noout -checkhost rte.test | grep 'does NOT match'
	run openssl x509 -in cnonly.pem -noout -ext subjectAltName
	[[ $output != *DNS* ]]
}

@test "kamailio: up in five seconds, answers OPTIONS of sipsak and of sofia over udp, tcp, tls, IPv4 and IPv6" {
	need sipsak sip-options openssl
	run kamailio_start
	echo "$output"
	[ "$status" = 0 ]
	[[ $output =~ ready\ in\ ([0-9]+)\ ms ]]
	[ "${BASH_REMATCH[1]}" -lt 5000 ]
	sipsak -s sip:127.0.0.1:5060
	sip-options --all sip:127.0.0.1:5060 | grep -F 'SIP/2.0 200 OK'
	sip-options --all 'sip:127.0.0.1:5060;transport=tcp' | grep -F 'SIP/2.0 200 OK'
	run openssl s_client -connect '[::1]:5061' -CAfile "$RTE_PKI/ca.pem" -verify_hostname rte.test -verify_return_error </dev/null
	[[ $output == *'Verify return code: 0 (ok)'* ]]
	request OPTIONS sip:127.0.0.1:5061 1 >/dev/null
	run bash -c '(cat "$0"; sleep 0.5) | openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:5061 2>/dev/null' \
		"$BATS_TEST_TMPDIR/request"
	[[ $output == 'SIP/2.0 200 OK'* ]]
	listening udp 5060
	listening tcp 5061
}

@test "kamailio: SIPp registers with Digest over udp and tcp, IPv4 and IPv6; the location table shows it" {
	kamailio_up
	sipp_register alice
	run kamailio contacts alice
	[[ $output == 'sip:alice@127.0.0.1:'*'expires='* ]]
	contacts_are 1 alice
	sipp_register bob 127.0.0.1:5060 tcp
	sipp_register carol '[::1]:5060'
	contacts_are 1 carol
	contacts_are 0 nobody
}

@test "kamailio: a wrong password is challenged again, an unknown user refused" {
	kamailio_up
	run sipp_register dave 127.0.0.1:5060 udp 60 wrong
	[ "$status" != 0 ]
	grep -F 'SIP/2.0 401' "$BATS_FILE_TMPDIR/register.err"
	run sipp_register ghost
	[ "$status" != 0 ]
	grep -F 'SIP/2.0 403' "$BATS_FILE_TMPDIR/register.err"
}

@test "kamailio: the actors answer as their names say" {
	kamailio_up
	need sip-options
	sip-options --all sip:code-486@127.0.0.1:5060 | grep -F 'SIP/2.0 486'
	sip-options --all sip:retry-503@127.0.0.1:5060 | grep -F 'Retry-After: 1'
	sip-options --all sip:redirect-bob@127.0.0.1:5060 | grep -F 'Contact: <sip:bob@127.0.0.1'
	sip-options --all sip:nobody@127.0.0.1:5060 | grep -F 'SIP/2.0 404'
	dial 5060
	[ -z "$(tell "$(from=openbob request OPTIONS sip:blackhole@127.0.0.1 1)")" ]
}

@test "kamailio: a request to a registered user arrives there" {
	kamailio_up
	sipp_start ok udp 5099
	dial 5060
	local binding
	binding=$(request REGISTER sip:openeve@rte.test 1)
	sed -i 's/127.0.0.1:5999>/127.0.0.1:5099>/' "$binding"
	[[ $(tell "$binding") == 'SIP/2.0 200'* ]]
	contacts_are 1 openeve
	# the flow of the binding is our socket: what Kamailio relays comes back to it
	run tell "$(request OPTIONS sip:openeve@127.0.0.1 2)"
	echo "$output"
	[[ $output == *'OPTIONS sip:openeve@127.0.0.1:5099 SIP/2.0'* ]]
}

@test "kamailio: outbound and GRUU for who asks; the table has instance, reg-id and Path" {
	kamailio_up
	dial 5060
	local message instance='<urn:uuid:00000000-0000-1000-8000-000a95a0e128>'
	message=$(request REGISTER sip:opengus@rte.test 1 'Supported: path, outbound, gruu' 'Path: <sip:127.0.0.1:5999;lr>')
	sed -i "s/^Contact: <[^>]*>/&;+sip.instance=\"$instance\";reg-id=1/" "$message"
	run tell "$message"
	echo "$output"
	[[ $output == 'SIP/2.0 200'* && $output == *'Require: outbound'* && $output == *'Flow-Timer: 25'* ]]
	[[ $output == *'pub-gruu="sip:opengus@rte.test;gr=urn:uuid:00000000-0000-1000-8000-000a95a0e128"'* ]]
	[[ $output == *'temp-gruu='* && $output == *'Path: <sip:127.0.0.1:5999;lr>'* ]]
	run kamailio contacts opengus
	echo "$output"
	[[ $output == *"instance=$instance"* && $output == *'reg-id=1'* && $output == *'path=<sip:127.0.0.1:5999;lr>'* ]]
}

@test "kamailio: stop and restart; every binding is forgotten" {
	kamailio_up
	sipp_register alice
	contacts_are 1 alice
	kamailio restart
	contacts_are 0 alice
	sipp_register alice
	contacts_are 1 alice
	kamailio stop
	! listening tcp 5060
}

@test "kamailio: options: SHA-256, 423, short nonces, Authentication-Info, wrong certificate, client certificate" {
	kamailio_start ALGORITHM=SHA-256 MIN_EXPIRES=120 NONCE_EXPIRE=1 AUTH_INFO=yes CERT=wrongname CLIENT_CERT=yes
	dial 5060
	[[ $(ask 1) == *'algorithm=SHA-256'* ]]
	run tell "$(request REGISTER sip:openfred@rte.test 2 'Expires: 60')"
	[[ $output == 'SIP/2.0 423'* && $output == *'Min-Expires: 120'* ]]
	run openssl s_client -connect 127.0.0.1:5061 -CAfile "$RTE_PKI/ca.pem" -verify_hostname rte.test -verify_return_error </dev/null
	[[ $output == *'hostname mismatch'* ]]
	# TLS 1.3 tells of a missing certificate with the first read
	run openssl s_client -connect 127.0.0.1:5061 -tls1_2 </dev/null
	[[ $output == *'alert handshake failure'* ]]
	run openssl s_client -connect 127.0.0.1:5061 -tls1_2 -cert "$RTE_PKI/client.pem" -key "$RTE_PKI/client.key" </dev/null
	[ "$status" = 0 ]
	kamailio stop
}

@test "dns: the zone answers over udp and tcp, IPv4 and IPv6; sofia sees the order of RFC 3263" {
	need dig sip-dig
	names_start
	[ "$(dig +short @127.0.0.1 rte.test NAPTR | awk '$1 == 10 { print $4 }')" = '"SIPS+D2T"' ]
	[ "$(dig +short @::1 _sip._udp.rte.test SRV)" = '0 0 5060 sip.rte.test.' ]
	dig +short +tcp @127.0.0.1 sip.rte.test AAAA | grep -qx ::1
	dig +ignore +bufsize=1232 @127.0.0.1 _sip._tcp.big.rte.test SRV | grep -q 'flags:.* tc'
	run sip-dig sip:rte.test
	echo "$output"
	[ "$status" = 0 ]
	[[ $(head -n 1 <<<"$output") == *tls*5061* ]]
	names_stop
}

@test "sipp: ok, silent, bare-401, late-100, twice-200" {
	scenario ok
	[ "$(ask 1 | statuses)" = '200 OK,' ]
	[ "$(ask 2 | statuses)" = '200 OK,' ]
	[ "$(sipp_seen REGISTER)" = 2 ]
	scenario silent
	[ -z "$(ask 1)" ]
	wait_for 5 eval '[ "$(sipp_seen REGISTER)" = 1 ]'
	scenario bare-401
	run ask 1
	[[ $output == 'SIP/2.0 401'* && $output != *Authenticate* ]]
	scenario late-100
	[ -z "$(tell "$(request REGISTER sip:alice@rte.test 1)" 0.2)" ]
	[ "$(timeout 2 cat <&9 | statuses)" = '100 Trying,' ]
	scenario twice-200
	[ "$(ask 1 | statuses)" = '200 OK,200 OK,' ]
}

@test "sipp: endless-401 and stale-for-ever have a new nonce each time" {
	for name in endless-401 stale-for-ever; do
		scenario "$name"
		first=$(ask 1 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
		second=$(ask 2 | sed -n 's/.*nonce="\([^"]*\)".*/\1/p')
		[ -n "$first" ]
		[ -n "$second" ]
		[ "$first" != "$second" ]
	done
	[[ $(ask 3) == *stale=true* ]]
	need sipsak
	# sipsak gives up after its second 401 with credentials, as it should
	run timeout 20 sipsak -U -s sip:alice@127.0.0.1:5070 -C sip:alice@127.0.0.1:5999 -a pw-alice
	[ "$status" != 0 ]
	[ "$(sipp_seen REGISTER)" -ge 4 ]
}

@test "sipp: growing-423 wants ten times of what is asked" {
	scenario growing-423
	ask 1 'Expires: 60' | grep -x 'Min-Expires: 600'
	ask 2 'Expires: 600' | grep -x 'Min-Expires: 6000'
}

@test "sipp: redirect-loop points to itself" {
	scenario redirect-loop
	run ask 1
	[[ $output == 'SIP/2.0 302'* && $output == *'Contact: <sip:127.0.0.1:5070'* ]]
	sipp_start redirect-loop tcp
	listening tcp 5070
}

@test "sipp: busy-once says 503 once" {
	scenario busy-once
	run ask 1
	[[ $output == 'SIP/2.0 503'* && $output == *'Retry-After: 1'* ]]
	[ "$(ask 2 | statuses)" = '200 OK,' ]
	sip-options --all sip:127.0.0.1:5070 | grep -F 'SIP/2.0 200 OK'
}

@test "sipp: forbidden and wrong-rspauth see the credentials" {
	scenario forbidden
	[ "$(ask 1 | statuses)" = '401 Unauthorized,' ]
	[ "$(ask 2 "$credentials" | statuses)" = '403 Forbidden,' ]
	scenario wrong-rspauth
	[ "$(ask 1 | statuses)" = '401 Unauthorized,' ]
	run ask 2 "$credentials"
	echo "$output"
	[[ $output == 'SIP/2.0 200'* && $output == *'rspauth="00000000000000000000000000000000", cnonce="c"'* ]]
}

@test "sipp: malformed-contact, short-body, wrong-branch" {
	scenario malformed-contact
	[[ $(ask 1) == *'Contact: <sip:alice@127.0.0.1;expires=60'* ]]
	scenario short-body
	[[ $(ask 1) == *'Content-Length: 500'* ]]
	scenario wrong-branch
	run ask 1
	[[ $output == *'Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK-nobody-sent-this'* ]]
}

@test "streams: one that hangs up, one that is deaf, one that is reset" {
	hangup_start 5071
	run timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/5071; echo x >&3; cat <&3'
	[ "$status" = 0 ]
	deaf_start 5072
	run timeout 0.5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/5072; echo x >&3; cat <&3'
	[ "$status" = 124 ]
	timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/5072; cat <&3' &
	client=$!
	wait_for 5 eval '[ -n "$(ss -Htn sport = :5072)" ]'
	drop_tcp 5072
	run wait "$client"
	[ "$status" != 124 ]
}

@test "the clock: 120 s of a sleeping program pass in two" {
	start=$(date +%s%N)
	run lapse 60 sh -c 'a=$(date +%s); sleep 120; echo $(($(date +%s) - a))'
	took=$((($(date +%s%N) - start) / 1000000))
	echo "$took ms, $output s"
	[ "$took" -lt 4000 ]
	[ "$output" -ge 119 ]
}
