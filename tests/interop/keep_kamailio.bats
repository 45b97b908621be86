#!/usr/bin/env bats
# tests/interop/keep_kamailio.bats -- rte register --keep at Kamailio: refreshes, lost servers, lost flows, the end.
# Kamailio's own location table is read while rte runs.

load client

setup() {
	client_home
	tell_kamailio CONT
}
teardown() {
	kept_stop
	tell_kamailio CONT
}
teardown_file() {
	edge stop
	rigs_stop
}

# tell_kamailio SIGNAL: STOP makes a server that takes everything and says nothing, CONT ends that
tell_kamailio() {
	local pid=$BATS_FILE_TMPDIR/kamailio/pid
	[ ! -s "$pid" ] || kill "-$1" -- "-$(cat "$pid")" 2>/dev/null || true
}
# where NAME: the contact URI that rte last registered
where() {
	records "$1" "$active" | tail -n 1 | jq -r '.contact[] | select(.own) | .uri'
}
# cseq_is NAME USER: the binding of USER is what rte registered last
cseq_is() {
	[ "$(detail "$2" cseq)" = "$(records "$1" '.type == "request" and .direction == "sent"' | tail -n 1 | jq .cseq)" ]
}
six='udp4 tcp4 tls4 udp6 tcp6 tls6'
# six_keep [ARG...]: one rte for each of $six, users of the same names
six_keep() {
	local name
	for name in $six; do
		case $name in
		*4) at=127.0.0.1 ;;
		*6) at='[::1]' ;;
		esac
		keep "$name" "$name" -t "${name:0:3}" "$@"
	done
	stays $six
}

@test "three refreshes: the binding is there all the time, over UDP, TCP, TLS, IPv4 and IPv6, MD5" {
	kamailio_with
	refreshes
}
@test "three refreshes: the binding is there all the time, over UDP, TCP, TLS, IPv4 and IPv6, SHA-256" {
	kamailio_with ALGORITHM=SHA-256
	refreshes
}
refreshes() {
	local name count
	six_keep -x 3
	for name in $six; do
		contacts_are 1 "$name"
	done
	# expiry is 3 s: for 5 s the table is read again and again
	for count in 1 2 3; do
		for name in $six; do
			comes 4 "$name" "$count" '.type == "registration" and .cause == "refreshed"'
			contacts_are 1 "$name"
			[ "$(kamailio contacts "$name" | cut -d ' ' -f 1)" = "$(where "$name")" ]
		done
	done
	for name in $six; do
		wait_for 5 cseq_is "$name" "$name"
		within 1 3 "$(detail "$name" expires)"
		saw "$name" 0 '.type == "disconnected"'
		[ "$(records "$name" '.type == "connected"' | wc -l)" -le 1 ]
	done
	stop $six
	for name in $six; do
		contacts_are 0 "$name"
	done
}

@test "the server dies and comes back: TCP and TLS connect and register by themselves" {
	kamailio_with
	local name
	for name in tcp4 tls4 tcp6 tls6; do
		at=127.0.0.1
		[[ $name == *4 ]] || at='[::1]'
		keep "$name" "$name" -t "${name:0:3}" -x 600
	done
	stays tcp4 tls4 tcp6 tls6
	kamailio stop
	for name in tcp4 tls4 tcp6 tls6; do
		comes 2 "$name" 1 '.type == "disconnected" and .action == "refresh" and .cause == "peer"'
		comes 2 "$name" 1 '.type == "retry"'
	done
	kamailio restart
	for name in tcp4 tls4 tcp6 tls6; do
		comes 6 "$name" 2 "$active"
		contacts_are 1 "$name"
		[ "$(kamailio contacts "$name" | cut -d ' ' -f 1)" = "$(where "$name")" ]
	done
	[ "$(records tls4 '.type == "connected"' | jq -c .tls.verified | tr '\n' ' ')" = 'true true ' ]
	stop tcp4 tls4 tcp6 tls6
	for name in tcp4 tls4 tcp6 tls6; do
		contacts_are 0 "$name"
	done
}

@test "the server dies and comes back: UDP registers with the next refresh" {
	kamailio_with
	keep udp4 udp4 -t udp -x 10
	at='[::1]' keep udp6 udp6 -t udp -x 10
	stays udp4 udp6
	kamailio restart
	contacts_are 0 udp4
	contacts_are 0 udp6
	for name in udp4 udp6; do
		comes 8 "$name" 2 "$active"
		contacts_are 1 "$name"
	done
	stop udp4 udp6
	contacts_are 0 udp4
}

@test "the server is away when UDP wants to refresh: tried again at once, after 1 s, 2 s ... until it is back" {
	kamailio_with
	keep udp udp -t udp -x 2
	stays udp
	kamailio stop
	comes 5 udp 2 '.type == "retry" and .because == "connect"'
	kamailio restart
	comes 6 udp 1 '.type == "registration" and .seq > 12 and .state == "active"'
	wait_for 5 contacts_are 1 udp
	[ "$(records udp '.type == "retry"' | jq .wait_ms | head -n 1)" = 0 ]
	within 800 1200 "$(records udp '.type == "retry"' | jq .wait_ms | sed -n 2p)"
	stop udp
}

@test "one connection is reset while the server lives: back at once" {
	kamailio_with
	keep tcp tcp -t tcp -x 600
	keep tls tls -t tls -x 600
	stays tcp tls
	drop_tcp 5060
	drop_tcp 5061
	for name in tcp tls; do
		comes 3 "$name" 1 '.type == "disconnected" and .action == "refresh"'
		comes 3 "$name" 2 "$active"
		wait_for 5 contacts_are 1 "$name"
	done
	[ "$(kamailio contacts tcp | cut -d ' ' -f 1)" = "$(where tcp)" ]
	saw tls 1 '.type == "connected" and .seq > 8'
	stop tcp tls
}

@test "--on-drop=unregister: reports, does not come back, exit 19" {
	kamailio_with
	keep tcp tcp -t tcp --on-drop=unregister
	keep tls tls -t tls --on-drop=unregister
	stays tcp tls
	SECRET=pw-text "$RTE" register --keep --on-drop=unregister --server=127.0.0.1 -t tcp --password=env:SECRET \
		sip:text@rte.test >"$BATS_TEST_TMPDIR/text" 2>"$BATS_TEST_TMPDIR/text.err" 3>&- &
	kept[text]=$!
	wait_for 5 contacts_are 1 text
	kamailio stop
	for name in tcp tls; do
		ends "$name" 2 19
		saw "$name" 1 '.type == "disconnected" and .action == "unregister"'
		saw "$name" 1 '.type == "registration" and .cause == "connection-dropped"'
		saw "$name" 1 '.type == "error" and (.detail | test("connection was lost"))'
	done
	wait_for 5 gone "${kept[text]}"
	local code=0
	wait "${kept[text]}" || code=$?
	unset 'kept[text]'
	cat "$BATS_TEST_TMPDIR"/text*
	[ "$code" = 19 ]
	grep -Eq '^dropped +tcp 127\.0\.0\.1:5060 ' "$BATS_TEST_TMPDIR/text"
	[ "$(cat "$BATS_TEST_TMPDIR/text.err")" = 'rte: register sip:text@rte.test: the connection was lost' ]
}

@test "the server does not come back: exit 19 after --retry-max-time" {
	kamailio_with
	keep tcp tcp -t tcp --retry-max-time=2s
	keep udp udp -t udp -x 2 --retry-max-time=2s
	stays tcp udp
	kamailio stop
	for name in tcp udp; do
		ends "$name" 6 19
		saw "$name" 1 '.type == "error" and .exit_name == "lost"'
	done
}

@test "the password is no longer right at a refresh: exit 7, no back-off" {
	kamailio_with NONCE_EXPIRE=1
	keep alice alice -x 4
	stays alice
	# another realm's server answers here now
	sed -i 's/pw-\$au/pw2-$au/' "$BATS_FILE_TMPDIR/kamailio/kamailio.cfg"
	kamailio stop
	rm -f "$BATS_FILE_TMPDIR/kamailio/ctl"
	(
		cd "$BATS_FILE_TMPDIR/kamailio"
		setsid kamailio -f kamailio.cfg -w "$PWD" -Y "$PWD" -P "$PWD/kamailio.pid" -m 64 -M 8 -DD -E -A WITH_AUTH \
			>>log 2>&1 </dev/null 3>&- &
		echo $! >pid
	)
	wait_for 5 kamailio rpc core.uptime
	ends alice 6 7
	saw alice 1 '.type == "registration" and .cause == "rejected"'
	saw alice 0 '.type == "retry"'
	kamailio stop
}

@test "INT and TERM remove the binding, exit 0; --leave lets it stand" {
	kamailio_with
	for signal in INT TERM; do
		for transport in udp tcp tls; do
			keep "$transport" "$transport" -t "$transport"
		done
		stays udp tcp tls
		for transport in udp tcp tls; do
			contacts_are 1 "$transport"
			send "$transport" "$signal"
		done
		for transport in udp tcp tls; do
			ends "$transport" 2 0
			contacts_are 0 "$transport"
		done
	done
	keep leaver leaver --leave
	stays leaver
	send leaver INT
	ends leaver 2 0
	contacts_are 1 leaver
}

@test "--max-time is the end of --keep, too: the binding goes, exit 0" {
	kamailio_with
	keep alice alice -m 1.5s
	stays alice
	contacts_are 1 alice
	ends alice 3 0
	contacts_are 0 alice
	within 1500 2200 "$(records alice '.type == "end"' | jq .elapsed_ms)"
}

@test "the server is silent at the end: exit 0 within 3 s; a second signal ends it at once, 128+n" {
	kamailio_with
	for name in first second third; do
		keep "$name" "$name" -t udp
	done
	keep tcp tcp -t tcp
	keep short short -t udp --timeout=1s
	stays first second third tcp short
	tell_kamailio STOP
	for name in first second third tcp short; do
		send "$name" TERM
	done
	wait_for 5 saw second 1 '.type == "request" and .cseq == 3'
	wait_for 5 saw third 1 '.type == "request" and .cseq == 3'
	send second INT
	send third TERM
	for name in second third; do
		wait_for 1 gone "${kept[$name]}"
	done
	code=0
	wait "${kept[second]}" || code=$?
	[ "$code" = 130 ]
	code=0
	wait "${kept[third]}" || code=$?
	[ "$code" = 143 ]
	unset 'kept[second]' 'kept[third]'
	ends short 1.6 0
	ends first 3.3 0
	ends tcp 3.3 0
	# its own clock: from the removal, whose record may come 0.1 s behind its deadline's beginning, to the end
	within 2900 4000 "$(records first '(.type == "request" and .cseq == 3) or .type == "end"' | jq .elapsed_ms |
		awk '{ t[NR] = $1 } END { print t[2] - t[1] }')"
}

@test "the server is dead at the end: UDP hears it by ICMP, exit 0 at once" {
	kamailio_with
	keep udp udp -t udp
	stays udp
	kamailio stop
	send udp INT
	ends udp 1 0
}

@test "INT while the server is away and is tried again: exit 0 at once" {
	kamailio_with
	keep tcp tcp -t tcp
	keep udp udp -t udp -x 2
	stays tcp udp
	kamailio stop
	comes 3 tcp 1 '.type == "retry"'
	comes 3 udp 1 '.type == "retry"'
	for name in tcp udp; do
		send "$name" INT
		ends "$name" 1 0
	done
}

@test "a signal before the first answer: 128+n, nothing left behind" {
	kamailio_with
	tell_kamailio STOP
	keep udp udp -t udp
	comes 2 udp 1 '.type == "request"'
	send udp TERM
	ends udp 4 143
	tell_kamailio CONT
	sleep 0.2 # Kamailio reads what was sent while it slept
	contacts_are 0 udp
}

# ---- who is registered can be reached

# ask_for METHOD URI: a request by hand to Kamailio's UDP port, and what comes back
ask_for() {
	local id=$RANDOM-$RANDOM
	dial 5060
	printf '%s\r\n' "$1 $2 SIP/2.0" "Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK-$id;rport" \
		'Max-Forwards: 70' 'From: <sip:someone@127.0.0.1>;tag=f' "To: <$2>" "Call-ID: $id" \
		"CSeq: 1 $1" 'Content-Length: 0' '' >"$BATS_TEST_TMPDIR/request"
	tell "$BATS_TEST_TMPDIR/request"
}

@test "OPTIONS of others, through Kamailio to the registered contact, is answered 200; other methods 405" {
	kamailio_with
	need sipsak sip-options
	for transport in udp tcp tls; do
		keep "$transport" "$transport" -t "$transport"
	done
	stays udp tcp tls
	for transport in udp tcp tls; do
		run sip-options --all "sip:$transport@127.0.0.1:5060"
		echo "$output"
		[[ $output == *'SIP/2.0 200 OK'* && $output == *Allow:*OPTIONS* ]]
		timeout 10 sipsak -s "sip:$transport@127.0.0.1:5060"
		saw "$transport" 2 '.type == "request" and .direction == "received" and .method == "OPTIONS" and .replied == 200'
		run ask_for MESSAGE "sip:$transport@127.0.0.1:5060"
		echo "$output"
		[[ $output == *'SIP/2.0 405 '* && $output == *'Allow: OPTIONS'* ]]
		saw "$transport" 1 '.type == "request" and .method == "MESSAGE" and .replied == 405'
	done
	stop udp tcp tls
}

@test "rte options through Kamailio: statistics, and the route by Max-Forwards" {
	kamailio_with
	keep alice alice -t tcp
	stays alice
	rte options -j -c 5 -i 20ms sip:alice@127.0.0.1
	exits 0
	[ "$(record 'select(.type == "summary") | [.sent, .ok, .failed] | @csv')" = 5,5,0 ]
	saw alice 5 '.type == "request" and .method == "OPTIONS" and .replied == 200'
	rte options --trace-route sip:alice@127.0.0.1
	ended_with 0
	[ "$(wc -l <<<"$output")" = 2 ] || what_happened
	says '^ 1  483 .*kamailio'
	says '^ 2  200 '
	stop alice
}

@test "GRUU: a request to the public and to the temporary GRUU arrives" {
	kamailio_with
	need sip-options
	keep alice alice -t tcp --gruu --instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6
	stays alice
	local pub temp
	pub=$(records alice "$active" | jq -r '.contact[0].pub_gruu')
	temp=$(records alice "$active" | jq -r '.contact[0].temp_gruu')
	for uri in "$pub" "$temp"; do
		run ask_for OPTIONS "$uri"
		echo "$output"
		[[ $output == *'SIP/2.0 200 OK'* ]]
	done
	saw alice 2 '.type == "request" and .method == "OPTIONS" and .replied == 200'
	stop alice
}

# ---- outbound, RFC 5626

@test "two reg-ids over two flows: two bindings of one instance; the loss of one leaves the other" {
	kamailio_with
	keep alice alice -t tcp --outbound --reg-id=1 --reg-id=2 --server='[::1]' \
		--instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6
	comes 5 alice 2 "$active"
	run kamailio contacts alice
	echo "$output"
	[ "${#lines[@]}" = 2 ]
	[ "$(grep -c 'instance=<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>' <<<"$output")" = 2 ]
	grep -q 'socket=tcp:127.0.0.1:5060.* reg-id=1' <<<"$output"
	grep -q 'socket=tcp:\[::1\]:5060.* reg-id=2' <<<"$output"
	ss -K -t 'src [::1]:5060' >/dev/null
	comes 3 alice 1 '.type == "disconnected"'
	comes 3 alice 3 "$active"
	[ "$(records alice "$active" | tail -n 1 | jq .reg_id)" = 2 ]
	# Kamailio replaces the binding of a reg-id, and forgets that of a lost connection
	wait_for 5 contacts_are 2 alice
	# one of the two is enough to be reached
	sipsak -s sip:alice@127.0.0.1:5060
	stop alice
	contacts_are 0 alice
}

edge() { # start | stop: an edge proxy at 5070 and 5071 before the registrar
	local dir=$BATS_FILE_TMPDIR/edge
	case $1 in
	start) "$interop/kamailio.sh" start "$dir" CFG=edge PORT=5070 TLSPORT=5071 "PKI=$RTE_PKI" 3>&- ;;
	stop) "$interop/kamailio.sh" stop "$dir" 3>&- ;;
	esac
}

@test "an edge proxy: Path with its flow token, Flow-Timer of its own, requests come down the flow" {
	kamailio_with
	edge start
	at=127.0.0.1:5071 keep alice alice -t tls --outbound --instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6
	at=127.0.0.1:5070 keep bob bob -t udp --outbound --instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf7
	stays alice bob
	run kamailio contacts alice
	echo "$output"
	[[ $output == *'path=<sip:'*'@127.0.0.1:507'*';ob>'* && $output == *'reg-id=1'* ]]
	[ "$(records alice "$active" | jq -c '[.outbound, (.path | length)]')" = '[true,1]' ]
	for user in alice bob; do
		run ask_for OPTIONS "sip:$user@127.0.0.1:5060"
		echo "$output"
		[[ $output == *'SIP/2.0 200 OK'* ]]
	done
	# the edge loses its connections: alice comes back over a new flow, with a new token
	first=$(detail alice path)
	drop_tcp 5071
	comes 4 alice 2 "$active"
	[ "$(detail alice path)" != "$first" ]
	run ask_for OPTIONS "sip:alice@127.0.0.1:5060"
	[[ $output == *'SIP/2.0 200 OK'* ]]
	stop alice bob
	contacts_are 0 alice
	contacts_are 0 bob
	edge stop
}

# relay_start udp|tcp PORT: to Kamailio, in clear; the bytes of both directions are in $BATS_FILE_TMPDIR/relay
relay_start() {
	need socat
	: >"$BATS_FILE_TMPDIR/relay"
	setsid socat -x "${1^^}4-LISTEN:$2,bind=127.0.0.1,reuseaddr,fork" "${1^^}4:127.0.0.1:5060" \
		</dev/null 2>"$BATS_FILE_TMPDIR/relay" 3>&- &
	relay=$!
	disown
	wait_for 5 listening "$1" "$2"
}
relay_stop() {
	kill -- "-$relay"
}
# passed DIRECTION HEX: such a chunk went through the relay, > to Kamailio, < from it
passed() {
	grep -A 1 "^$1 " "$BATS_FILE_TMPDIR/relay" | grep -q "^ $2"
}

@test "keep-alive on TCP: CRLF CRLF goes out, Kamailio's CRLF comes back, again and again" {
	kamailio_with
	relay_start tcp 5080
	at=127.0.0.1:5080 keep alice alice -t tcp --outbound --keepalive=crlf,0.3s
	stays alice
	pings() { [ "$(grep -A 1 "^$1 " "$BATS_FILE_TMPDIR/relay" | grep -c "^ $2\$")" -ge 3 ]; }
	wait_for 4 pings '>' '0d 0a 0d 0a'
	wait_for 5 pings '<' '0d 0a'
	contacts_are 1 alice
	saw alice 0 '.type == "disconnected"'
	stop alice
	contacts_are 0 alice
	relay_stop
}

@test "keep-alive on UDP: STUN by default with outbound, answered by Kamailio; OPTIONS and CRLF if asked for" {
	kamailio_with
	relay_start udp 5080
	at=127.0.0.1:5080 keep stun alice -t udp --outbound --keepalive=stun,0.3s
	stays stun
	wait_for 5 passed '>' '00 01 00 00 21 12 a4 42'
	wait_for 5 passed '<' '01 01 00'
	contacts_are 1 alice
	stop stun
	at=127.0.0.1:5080 keep options alice -t udp --keepalive=options,0.3s
	stays options
	wait_for 5 passed '>' '4f 50 54 49 4f 4e 53 20'
	wait_for 5 saw options 2 '.type == "response" and .method == "OPTIONS" and .status_code == 200'
	stop options
	at=127.0.0.1:5080 keep crlf alice -t udp --keepalive=crlf,0.3s
	stays crlf
	wait_for 5 passed '>' '0d 0a 0d 0a'
	stop crlf
	relay_stop
}

@test "without outbound there is no keep-alive; with it Flow-Timer sets the pace" {
	kamailio_with FLOW_TIMER=1
	relay_start tcp 5080
	at=127.0.0.1:5080 keep plain alice -t tcp
	stays plain
	at=127.0.0.1:5080 keep timed timed -t tcp --outbound
	stays timed
	wait_for 5 passed '>' '0d 0a 0d 0a'
	[ "$(grep -A 1 '^> ' "$BATS_FILE_TMPDIR/relay" | grep -c '^ 0d 0a 0d 0a')" -le 2 ]
	stop plain timed
	relay_stop
}
