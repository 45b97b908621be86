#!/usr/bin/env bats
# tests/cli/serve_secure.bats -- rte serve with NTLM, Kerberos and the forms of Communications Server, as a command. What it
# answers is in the unit tests (test_serve_secure, test_serve_ocs); foreign clients and witnesses are in tests/interop.

load helper

setup() {
	fresh_home
	export PW=pw-alice
	"$RTE" version | grep -q '^features.* ntlm' || missing "this build has no NTLM"
}
teardown() {
	reap_all
}

# ms_serve ARG...: for alice of rte.test
ms_serve() {
	serve_start --domain=rte.test --add-user=alice:env:PW "$@"
}
# ms_register ARG...: RTE\alice
ms_register() {
	rte register -t tcp --server="$tcp" --auth=ntlm --user='RTE\alice' --password=env:PW --timeout=5s "$@" sip:alice@rte.test
}
# served PATTERN: some line that the server has printed
served() {
	grep -Eq -e "$1" "$BATS_TEST_TMPDIR/serve.out"
}

@test "options that are wrong" {
	rte serve --auth=kerberos --add-user=alice:env:PW
	usage_error '^rte: serve: --auth: kerberos needs --keytab$'
	rte serve --auth=none,ntlm
	usage_error '^rte: serve: --auth: none with another scheme$'
	rte serve --auth=ntlm,ntlm
	usage_error '^rte: serve: --auth: '
	rte serve --ms-version=1
	usage_error '^rte: serve: --ms-version: "1" is not a number from 2 to 4$'
	rte serve --dialect=lync
	usage_error '^rte: serve: --dialect: '
	rte serve --association-life=0
	usage_error '^rte: serve: --association-life: the time must be more than 0$'
	rte serve --home=alice
	usage_error '^rte: serve: --home: "alice" is not USER=URI$'
	rte serve --targetname=rte.test:5060
	usage_error '^rte: serve: --targetname: it has no port and no brackets$'
	rte serve --fault=unsigned:x
	usage_error '^rte: serve: --fault: '
	rte serve --auth=kerberos --keytab="$HOME/none" --add-user=alice:env:PW
	ended_with 20 '^rte: serve: Kerberos: keytab .*/none'
}

@test "NTLM in versions 2, 3 and 4, over TCP and TLS, in both dialects" {
	local version dialect
	for version in 2 3 4; do
		for dialect in standard ocs; do
			ms_serve --auth=ntlm --ms-version=$version --dialect=$dialect --tls-auto
			ms_register --dialect=$dialect
			ended_with 0
			says "^  via       tcp .*  auth N[Tt][Ll][Mm] [vV]$version realm SIP Communications Service"
			rte register -t tls --cacert="$ca" --server="$tls" --auth=ntlm --user='RTE\alice' --password=env:PW \
				--dialect=$dialect --timeout=5s sip:alice@rte.test
			ended_with 0
			serve_end
			! served '^discarded' || false
		done
	done
}

@test "wrong passwords, unknown users, other domains: one answer to each challenge" {
	ms_serve --auth=ntlm --json
	for user in 'RTE\carol' 'OTHER\alice' 'alice@other.test'; do
		rte register -t tcp --server="$tcp" --auth=ntlm --user="$user" --password=env:PW sip:alice@rte.test
		ended_with 7
	done
	PW=wrong ms_register
	ended_with 7
	ms_register --realm='SIP Communications Service'
	ended_with 0
	serve_end
	# three requests each
	[ "$(grep -c '"type":"request"' "$BATS_TEST_TMPDIR/serve.out")" = 15 ]
	check_records <"$BATS_TEST_TMPDIR/serve.out"
}

@test "--realm, --ntlm-domain, --targetname" {
	ms_serve --auth=ntlm --realm=Lab --ntlm-domain=CORP --targetname=front.rte.test
	ms_register
	ended_with 7
	rte register -t tcp --server="$tcp" --auth=ntlm --user='CORP\alice' --password=env:PW --json sip:alice@rte.test
	ended_with 0
	[ "$(record 'select(.type == "auth") | .realm' | sort -u)" = Lab ] || what_happened
	[ "$(record 'select(.type == "auth") | .target' | sort -u)" = front.rte.test ] || what_happened
}

@test "faults of the server" {
	local fault
	for fault in unsigned badsign endless weak; do
		ms_serve --auth=ntlm --fault=$fault
		ms_register
		ended_with 7
		serve_end
	done
	# what comes after the handshake
	ms_serve --auth=ntlm --fault=unsigned:1
	ms_register
	ended_with 0
}

@test "--home: 301 without a challenge" {
	BATS_TEST_TMPDIR=$HOME ms_serve --auth=ntlm
	home=$tcp
	second=$serve
	ms_serve --auth=ntlm --home="alice=sip:$home;transport=tcp" --json
	ms_register --follow=0
	ended_with 3 '301 Moved Permanently'
	ms_register
	ended_with 0
	kill "$second"
	serve_end
	[ "$(jq -r 'select(.type == "request") | .replied' "$BATS_TEST_TMPDIR/serve.out" | sort -u)" = 301 ]
}

@test "forget: the next signed request is challenged, and nobody notices" {
	local orders=$BATS_TEST_TMPDIR/orders
	ms_serve --auth=ntlm --dialect=ocs --min-expires=1 --control="$orders" --json
	"$RTE" register -t tcp --server="$tcp" --auth=ntlm --dialect=ocs --user='RTE\alice' --password=env:PW --expires=2 --keep \
		sip:alice@rte.test >"$BATS_TEST_TMPDIR/client.out" 2>&1 3>&- &
	reap+=($!)
	wait_for 5 served '"cause":"created"'
	echo 'forget alice' >"$orders"
	wait_for 5 served '"cause":"refreshed"'
	kill $!
	wait $!
	serve_end
	check_records <"$BATS_TEST_TMPDIR/serve.out"
	# a handshake, a refresh that is refused, another handshake
	[[ $(jq -r 'select(.type == "request") | .replied' "$BATS_TEST_TMPDIR/serve.out" | tr '\n' ' ') =~ ^'401 401 200 401 '('401 ')?'401 200 ' ]]
}

@test "deregister: in dialect ocs the endpoint is told" {
	local orders=$BATS_TEST_TMPDIR/orders code=0
	ms_serve --auth=ntlm --dialect=ocs --control="$orders"
	"$RTE" register -t tcp --server="$tcp" --auth=ntlm --dialect=ocs --user='RTE\alice' --password=env:PW --keep --json \
		sip:alice@rte.test >"$BATS_TEST_TMPDIR/client.out" 2>&1 3>&- &
	wait_for 5 served '^created'
	echo 'deregister alice rejected' >"$orders"
	wait $! || code=$?
	[ "$code" != 0 ]
	[ "$(jq -r 'select(.type == "registration" and .state == "terminated") | .cause' "$BATS_TEST_TMPDIR/client.out")" = rejected ]
	served '^rejected '
	! served '^discarded'
}

@test "discarded messages are told and counted" {
	ms_serve --auth=ntlm --json
	"$RTE" register -t tcp --server="$tcp" --auth=ntlm --epid=0a1b2c --user='RTE\alice' --password=env:PW --keep \
		sip:alice@rte.test >"$BATS_TEST_TMPDIR/client.out" 2>&1 3>&- &
	reap+=($!)
	wait_for 5 served '"cause":"created"'
	# somebody else has a message for alice's calls
	printf '%s\r\n' 'ACK sip:bob@rte.test SIP/2.0' 'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx' \
		'From: <sip:alice@rte.test>;tag=1;epid=0a1b2c' 'To: <sip:bob@rte.test>;tag=2' 'Call-ID: c' 'CSeq: 1 ACK' \
		'Content-Length: 0' '' >"/dev/tcp/${tcp%:*}/${tcp##*:}"
	wait_for 5 served '"type":"discarded"'
	serve_end
	check_records <"$BATS_TEST_TMPDIR/serve.out"
	[ "$(jq -r 'select(.type == "discarded") | .why, .method' "$BATS_TEST_TMPDIR/serve.out" | tr '\n' ' ')" = "unsigned ACK " ]
	[ "$(jq -r 'select(.type == "end") | .discarded' "$BATS_TEST_TMPDIR/serve.out")" = 1 ]
}

@test "nobody has to prove anything: --auth=none in dialect ocs" {
	serve_start --domain=rte.test --auth=none --dialect=ocs
	rte register -t tcp --server="$tcp" --dialect=ocs --epid=c8ca638a15 sip:user@rte.test
	ended_with 0
	says 'gruu sip:user@rte\.test;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu'
}

@test "over UDP: an error that says what is needed" {
	ms_serve --auth=ntlm
	rte register --server="$udp" --password=env:PW sip:alice@rte.test
	ended_with 7 'with NTLM, which needs TCP or TLS$'
	rte register --server="$udp" --auth=digest,none --password=env:PW sip:alice@rte.test
	ended_with 7 'with NTLM; allowed: digest'
}
