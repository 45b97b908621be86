#!/usr/bin/env bats
# tests/interop/call_direct.bats -- rte calls rte, with no server between them (rows PP-, CM-08, TL-02 to TL-09)

load pair

setup() {
	client_home
	pki
}
teardown() {
	kept_stop
}

# everywhere: --listen arguments of ADDRESS for all transports, any port
everywhere() {
	echo "--listen=udp:$1:0 --listen=tcp:$1:0 --listen=tls:$1:0 $(identity server)"
}
# bare ADDRESS: as records show it
bare() {
	local address=${1#[}
	echo "${address%]}"
}
# target NAME TRANSPORT [ADDRESS]: the URI at which NAME listens
target() {
	local address=${3:-127.0.0.1}
	echo "sip:bob@$address:$(port_of "$1" "$2" "$(bare "$address")");transport=$2"
}

# calls_over ADDRESS: three calls to one rte listen, each over another transport
calls_over() {
	local t name
	await bob $(everywhere "$1") --count=3
	is "3 sockets 3 ports" "$(last bob '.type == "listening"' '"\(.local | length) sockets \([.local[].port] | unique | length) ports"')"
	for t in udp tcp tls; do
		listening "${t/tls/tcp}" "$(port_of bob "$t" "$(bare "$1")")"
		name=alice-$t
		begin "$name" invite $(identity client) "$(target bob "$t" "$1")"
		ends "$name" 10 0
		has_story "$name" 'd1 trying (d1 early )?d1 confirmed d1 terminated/local-bye'
		comes 2 bob "$((++count))" "$terminated"
		one_dialog "$name" bob
		is "$t $(bare "$1") 200" "$(last "$name" '.type == "response" and .method == "BYE"' '[.remote.transport, .remote.address, .status_code] | join(" ")')"
		is 'PCMU/8000 sendrecv' "$(last "$name" "$confirmed" '[.codec, .media_direction] | join(" ")')"
		is 'INVITE ACK BYE' "$(methods "$name" sent)"
	done
	saw alice-tls 1 '.type == "connected" and .tls.verified and .remote.transport == "tls"'
	ends bob 5 0
	is 'INVITE ACK BYE INVITE ACK BYE INVITE ACK BYE' "$(methods bob received)"
	has_story bob '(d. trying )?d1 confirmed d1 terminated/remote-bye (d. trying )?d2 confirmed d2 terminated/remote-bye (d. trying )?d3 confirmed d3 terminated/remote-bye'
}

@test "IPv4: a call over UDP, TCP and TLS to one rte listen with three sockets" {
	count=0
	calls_over 127.0.0.1
}
@test "IPv6: a call over UDP, TCP and TLS to one rte listen with three sockets" {
	count=0
	calls_over '[::1]'
}

@test "the callee hangs up: over the connection of the call, UDP, TCP, TLS; the caller does not listen" {
	local t
	await bob $(everywhere 127.0.0.1) --count=3 --do=wait:100ms --do=bye
	for t in udp tcp tls; do
		begin "$t" invite $(identity client) --duration=9s "$(target bob "$t")"
		ends "$t" 5 0
		has_story "$t" 'd1 trying (d1 early )?d1 confirmed d1 terminated/remote-bye'
		is 'BYE' "$(methods "$t" received)"
		is 1 "$(records "$t" '.type == "connected"' | wc -l | sed s/0/1/)" # UDP has none
	done
	ends bob 5 0
	is 'BYE BYE BYE' "$(methods bob sent)"
	# RFC 3261 12.2.1.1, PP-11: no second connection, for which the caller would have to listen
	is 0 "$(records bob '.type == "connected" and (.incoming | not)' | wc -l)"
}

@test "steps from both ends: hold, resume, MESSAGE, INFO" {
	echo Signal=1 >"$BATS_TEST_TMPDIR/dtmf"
	await bob $(everywhere 127.0.0.1) --once --do=wait:1500ms --do=hold --do=resume --do='message:Come here.' --do=bye
	begin alice invite $(identity client) --duration=9s --do=hold --do=resume --do=update --do=message:Watson \
		--do="info:application/dtmf-relay@$BATS_TEST_TMPDIR/dtmf" "$(target bob tls)"
	ends alice 8 0
	ends bob 5 0
	one_dialog alice bob
	has_story alice '.*d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 confirmed/update d1 confirmed/hold d1 confirmed/resume d1 terminated/remote-bye'
	has_story bob '.*d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 confirmed(/update)? d1 confirmed/hold d1 confirmed/resume d1 terminated/local-bye'
	is 'sendonly recvonly' "$(records alice '.type == "dialog" and .change == "hold"' | jq -r .media_direction | tr '\n' ' ' | sed 's/ $//')"
	is 'recvonly sendonly' "$(records bob '.type == "dialog" and .change == "hold"' | jq -r .media_direction | tr '\n' ' ' | sed 's/ $//')"
	is 'MESSAGE Watson' "$(records bob '.type == "message" and .direction == "received" and .method == "MESSAGE"' | jq -r '.method + " " + .body')"
	is INFO "$(records bob '.type == "message" and .direction == "received" and .method == "INFO"' | jq -r .method)"
	is 'Come here.' "$(last alice '.type == "message" and .direction == "received"' .body)"
}

@test "refused, redirected, cancelled, given up: exit codes at both ends" {
	await busy --listen=tcp:127.0.0.1:0 --once --answer='486 Not today'
	begin alice invite "$(target busy tcp)"
	ends alice 5 8
	failed_with alice '486 Not today'
	has_story alice 'd1 trying d1 terminated/rejected'
	ends busy 5 0
	await carol --listen=udp:127.0.0.1:0 --once
	await away --listen=udp:127.0.0.1:0 --count=2 --redirect="$(target carol udp)"
	begin alice invite "$(target away udp)"
	ends alice 5 3
	begin alice invite --follow=1 "$(target away udp)"
	ends alice 5 0
	ends carol 5 0
	ends away 5 0
	await slow --listen=udp:127.0.0.1:0 --listen=tcp:127.0.0.1:0 --ring=20s --count=2
	begin alice invite --cancel-after=400ms "$(target slow udp)"
	ends alice 5 0
	is 'INVITE PRACK CANCEL' "$(methods alice sent)"
	is '180 487' "$(records alice '.type == "response" and .method == "INVITE" and .status_code > 100' | jq -r .status_code | paste -sd ' ')"
	begin alice invite --ring-timeout=300ms "$(target slow tcp)"
	ends alice 5 9
	ends slow 5 0
	is 'INVITE PRACK CANCEL INVITE PRACK CANCEL' "$(methods slow received)"
	is '180 487 180 487' "$(records slow '.type == "response" and .direction == "sent" and .method == "INVITE" and .status_code > 100' | jq -r .status_code | paste -sd ' ')"
	has_story slow 'd1 (trying d1 )?early d1 terminated/cancelled d2 (trying d2 )?early d2 terminated/cancelled'
}

@test "0.0.0.0 and [::] listen on every address; what we say of ourselves is an address that answers" {
	local address t
	for address in 0.0.0.0 '[::]'; do
		await bob --listen="udp:$address:0" --listen="tcp:$address:0" --count=2
		for t in udp tcp; do
			host=127.0.0.1
			[ "$address" = 0.0.0.0 ] || host='[::1]'
			begin alice invite --do=message:hi "sip:bob@$host:$(port_of bob "$t" "$(bare "$address")");transport=$t"
			ends alice 5 0
			[[ $(last alice "$terminated" .remote_target) == sip:*"@$host:"* ]] || kept_is alice
		done
		ends bob 5 0
	done
}

@test "a port that is taken: exit 20, before anything else" {
	await bob --listen=tcp:127.0.0.1:0
	rte listen --json --listen="tcp:127.0.0.1:$(port_of bob tcp)"
	exits 20 '[Aa]ddress (already )?in use'
	stop bob
}

@test "MESSAGE: over UDP, TCP and TLS, IPv4 and IPv6; a long one leaves UDP for TCP (RFC 3261 18.1.1)" {
	local address t n=0 long port
	for address in 127.0.0.1 '[::1]'; do
		await bob $(everywhere "$address") --count=3
		for t in udp tcp tls; do
			rte message --json $(identity client) -d "over $t" "$(target bob "$t" "$address")"
			exits 0
		done
		ends bob 5 0
		is 'over udp,over tcp,over tls' "$(records bob '.type == "message"' | jq -r .body | paste -sd ,)"
	done
	long=$(head -c 2000 /dev/zero | tr '\0' x)
	await bob --listen=udp:127.0.0.1:5080 --listen=tcp:127.0.0.1:5080 --once
	rte message --json -d "$long" sip:bob@127.0.0.1:5080
	exits 0
	is tcp "$(record 'select(.type == "response") | .remote.transport')"
	ends bob 5 0
	is "$long" "$(last bob '.type == "message"' .body)"
	# nobody is there on TCP: back to UDP
	await bob --listen=udp:127.0.0.1:5080 --once
	rte message --json -d "$long" sip:bob@127.0.0.1:5080
	exits 0
	is udp "$(record 'select(.type == "response") | .remote.transport')"
	ends bob 5 0
}

# ---- TLS: who is who

@test "the callee's certificate: another name, another CA: exit 12, and no INVITE gets there" {
	local cert
	for cert in wrongname untrusted expired; do
		await bob --listen=tls:127.0.0.1:0 $(identity $cert)
		begin alice invite --cacert="$RTE_PKI/ca.pem" "$(target bob tls)"
		ends alice 5 12
		case $cert in
		wrongname) failed_with alice 'other\.example' ;;
		untrusted) failed_with alice 'issuer|self-signed|unknown CA' ;;
		expired) failed_with alice 'expired' ;;
		esac
		# RFC 5922 7.3: reported where it happened; CM-13: and at the side that listens
		comes 5 bob 1 '.type == "disconnected" and .incoming and .cause != "idle"'
		stop bob
		is '' "$(methods bob received)"
	done
	# ruling 12: the common name of a server is nobody's
	await bob --listen=tls:127.0.0.1:0 $(identity cnonly)
	begin alice invite --cacert="$RTE_PKI/ca.pem" --tls-name=rte.test "$(target bob tls)"
	ends alice 5 12
	stop bob
	# the same with its right name
	await bob --listen=tls:127.0.0.1:0 $(identity wrongname) --once
	begin alice invite --cacert="$RTE_PKI/ca.pem" --tls-name=other.example "$(target bob tls)"
	ends alice 5 0
	ends bob 5 0
}

# admitted CERT ARG...: a caller with this certificate gets through to rte listen --mutual-tls ARG...
admitted() {
	local cert=$1
	shift
	await bob --listen=tls:127.0.0.1:0 $(identity server) --mutual-tls "$@" --once
	begin alice invite $(identity "$cert") "$(target bob tls)"
	ends alice 5 0
	ends bob 5 0
	saw bob 1 '.type == "connected" and .incoming and .tls.verified'
	one_dialog alice bob
}
# turned_away CAUSE PATTERN CERT ARG...: it does not, and both ends say why; CERT - is none
turned_away() {
	local cause=$1 pattern=$2 cert=$3
	shift 3
	await bob --listen=tls:127.0.0.1:0 $(identity server) --mutual-tls "$@"
	if [ "$cert" = - ]; then
		begin alice invite --cacert="$RTE_PKI/ca.pem" "$(target bob tls)"
	else
		begin alice invite $(identity "$cert") "$(target bob tls)"
	fi
	ends alice 5 12
	failed_with alice 'alert|certificate'
	comes 5 bob 1 ".type == \"disconnected\" and .incoming and .cause == \"$cause\""
	last bob '.type == "disconnected"' .detail | grep -Eq -e "$pattern" || kept_is bob
	# the socket lives on for others
	listening tcp "$(port_of bob tls)"
	stop bob
	is '' "$(methods bob received)"
}

@test "mutual TLS: the exact name, a .suffix, any: admitted" {
	admitted nameonly --allow=rte.test
	admitted nameonly --allow=elsewhere.example --allow=RTE.test
	admitted wrongname --allow=.example
	admitted nameonly --allow=.test
	admitted urionly --allow=rte.test
	admitted cnonly --allow=rte.test # TL-04: the common name, where there is no subjectAltName
	admitted wrongname --allow=any
}

@test "mutual TLS: the wrong name, no certificate, another CA: refused, and reported at both ends" {
	turned_away not-allowed 'rte\.test' nameonly --allow=elsewhere.example
	turned_away not-allowed 'rte\.test' nameonly --allow=.rte.test
	turned_away not-allowed 'rte\.test' nameonly --allow=ort.test --allow=.te.test --allow=xrte.test
	# RFC 5922 7.1: it has a SIP URI, and so its dNSName sip.rte.test does not count; 7.2: no wildcards
	turned_away not-allowed 'rte\.test' server --allow=sip.rte.test --allow=.rte.test
	turned_away not-allowed . wildcard --allow=sip.rte.test --allow=.rte.test
	turned_away not-allowed 'rte\.test' nameonly # TL-02: by default our own host, and this is another
	turned_away tls . - --allow=any
	turned_away tls . untrusted --allow=any
	turned_away tls . expired --allow=any
}

@test "mutual TLS: --require-eku" {
	admitted nameonly --allow=any --require-eku=1.3.6.1.5.5.7.3.2
	turned_away tls . nameonly --allow=any --require-eku=1.3.6.1.5.5.7.3.20
}
