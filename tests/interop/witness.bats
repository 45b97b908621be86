#!/usr/bin/env bats
# tests/interop/witness.bats -- the witnesses of signed.bats, mutations.bats and associations.bats are proved first, without
# rte: on the corpus, on real traces, and between pidgin-sipe, gss-ntlmssp and MIT's Kerberos

load security

setup() {
	security_setup
	# pidgin-sipe insists on what gss-ntlmssp leaves out
	export NTLM_IDENTIFY=yes
}
teardown() {
	security_teardown
}

# corpus FILE: of real messages, beside the checkout
corpus() {
	local file=$top/../shared/corpus/microsoft/$1
	[ -r "$file" ] || missing "no corpus at $file"
	echo "$file"
}

@test "signature inputs: every one that an independent registrar told of is found in the transcripts" {
	local said found name
	corpus signature-inputs.txt >/dev/null
	for name in bob-ntlm alice-krb5 carol-ntlm-wrongpw; do
		"$peers/signature_input" 3 "$(corpus $name.sip.txt)"
	done | sort >found
	sed -n 's/^SSPI [a-z]* \[\(<.*>\)\] .*/\1/p' "$(corpus signature-inputs.txt)" | sort >said
	is 18 "$(wc -l <found)"
	is 17 "$(wc -l <said)"
	# The last three of the registrar were for clients that had gone: no transcript has them. The four that it does not
	# have are those of a client's responses and of an ACK, which it does not verify; libpurple's do not tell.
	is 14 "$(comm -12 found said | wc -l)"
	is 3 "$(comm -13 found said | grep -c -e '<BYE>.*<200>' -e '<REGISTER>.*<0><200>')"
	is 4 "$(comm -23 found said | grep -c -e '<642844504><><><><200>' -e '<ACK>')"
}

@test "signature inputs: those of Communications Server 2007 and 2007 R2, versions 2 and 4" {
	# microsoft-auth.md 7.4, 7.5 and 7.3: names and numbers are those of real messages
	printf '%s\r\n' 'SIP/2.0 200 OK' 'From: "User"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15' \
		'To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664' \
		'Call-ID: 4037df9284354df39065195bd57a4b14' 'CSeq: 3 REGISTER' 'Expires: 7200' \
		'Contact: <sip:192.168.172.6:12723;transport=tls>;expires=1' \
		"Authentication-Info: NTLM rspauth=\"00\", srand=\"9616454F\", snum=\"1\", opaque=\"2BDBAC9D\", qop=\"auth\", \
targetname=\"cosmo-ocs-r2.cosmo.local\", realm=\"SIP Communications Service\"" '' >m
	run "$peers/signature_input" 4 - <m
	is '<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local><4037df9284354df39065195bd57a4b14><3>'"\
"'<REGISTER><sip:user@cosmo.local><3e49177a52><sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><><7200><200>' \
		"$output"
	printf '%s\r\n' 'SIP/2.0 180 Ringing' 'From: "sender"<sip:sender@company.com>;tag=2420628112;epid=1' \
		'To: <sip:recipient@company.com>;tag=7aee15546a' 'i: 41CEg82ECa' 'CSeq: 1 INVITE' \
		'P-Asserted-Identity: "Recipient, A"<SIP:recipient@company.com>, <tel:+420123456;ext=88463>' \
		'Authentication-Info: NTLM rspauth="00", srand="1B6D47A1", snum="11", targetname="S", realm="R"' '' >m
	run "$peers/signature_input" 4 - <m
	is '<NTLM><1B6D47A1><11><R><S><41CEg82ECa><1><INVITE><sip:sender@company.com><2420628112><sip:recipient@company.com>'"\
"'<7aee15546a><SIP:recipient@company.com><tel:+420123456;ext=88463><><180>' "$output"
	printf '%s\r\n' 'REGISTER sip:rte.test SIP/2.0' 'f: sip:alice@rte.test;tag=a' 't: sip:alice@rte.test' 'Call-ID: c' \
		'CSeq: 3 REGISTER' 'Authorization: Digest username="alice", response="11", realm="other"' \
		'Authorization: Kerberos qop="auth", realm="R", targetname="sip/S", crand="0a", cnum="2", response="00"' '' >m
	run "$peers/signature_input" 2 - <m
	is '<Kerberos><0a><2><R><sip/S><c><3><REGISTER><sip:alice@rte.test><a><><>' "$output"
}

# signs_on VERSION SCHEME [PASSWORD]: pidgin-sipe through the relay at a registrar that is not ours either, and writes to bob
signs_on() {
	peer_up home home_server 0 60 "$1" NTLM,Kerberos
	peer_up relay signing_relay 0 "$(peer_at home)" 60
	sipe alice alice "$(peer_at relay)" tcp "$2" "${3:-}"
	soon alice signed-on
	order alice 'im sip:bob@rte.test hello bob'
	soon alice 'sent sip:bob@rte.test hello bob'
	soon relay '1 >> MESSAGE/[0-9]+ verified'
	sipe_quits alice
	peer_down relay 0
	peer_down home 0
}

@test "the relay: pidgin-sipe signs on through it with NTLM and talks, in versions 2, 3 and 4" {
	local version
	for version in 2 3 4; do
		signs_on $version ntlm pw-alice
		is 1 "$(total relay handshakes)"
		has relay 1 '1 >> REGISTER open'
		has relay 1 '1 >> REGISTER begin'
		has relay 1 '1 >> REGISTER(/1)? token alice'
		# INVITE, ACK, MESSAGE, BYE, the last REGISTER, and in version 4 the one with the token
		is "$((version == 4 ? 6 : 5))" "$(total relay out)"
		is "$(total relay out)" "$(total home verified)"
	done
}

@test "the relay: pidgin-sipe is refused with a wrong password, at the first try" {
	peer_up home home_server 0 60 4 NTLM
	peer_up relay signing_relay 0 "$(peer_at home)" 60
	sipe alice alice "$(peer_at relay)" tcp ntlm wrong
	soon alice 'error 2 .*'
	sipe_ends alice 1
	peer_down relay 1
	peer_down home 0
	has relay 1 '1 >> REGISTER/1 refused .*'
	is '1 0' "$(total home tokens) $(total home verified)"
}

@test "the relay: what was changed on the way, it finds; each byte of each field, and what goes twice" {
	peer_up home home_server 0 60 4 NTLM
	peer_up relay signing_relay 0 "$(peer_at home)" 60
	peer_up mutate mutate 0 "$(peer_at relay)" 60 'copies:out:*' 'replay:out:*'
	sipe alice alice "$(peer_at mutate)" tcp ntlm pw-alice
	soon alice signed-on
	order alice 'im sip:bob@rte.test hello bob'
	soon relay "1 << 200 MESSAGE/[0-9]+ verified"
	sipe_quits alice
	peer_down mutate 0
	peer_down relay 1
	peer_down home 1
	[ "$(total mutate mutants)" -ge 100 ]
	is 0 "$(total mutate answered)"
	has relay "$(total mutate mutants)" '.* wrong signature'
	has relay "$(total mutate replays)" '.* wrong number'
	is "$(total relay out)" "$(total home verified)"
}

@test "pidgin-sipe: a changed answer is the end of the connection" {
	peer_up home home_server 0 60 4 NTLM
	peer_up mutate mutate 0 "$(peer_at home)" 60 'flip:in:200.REGISTER:signature'
	sipe alice alice "$(peer_at mutate)" tcp ntlm pw-alice
	soon alice 'error [0-9]+ .*'
	sipe_ends alice 1
	grep -q "Invalid message signature received" "$BATS_TEST_TMPDIR/sipe-alice/debug"
	has mutate 1 flipped
	peer_down mutate 0
}
