#!/usr/bin/env bats
# tests/interop/lapse.bats -- hours in seconds: rte under a faster clock (ruling 35). Its peers keep real time, and what is
# judged are the times in its own records.

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
	rigs_stop
}

tell_kamailio() { # SIGNAL: STOP makes a server that takes everything and says nothing
	local pid=$BATS_FILE_TMPDIR/kamailio/pid
	[ ! -s "$pid" ] || kill "-$1" -- "-$(cat "$pid")" 2>/dev/null || true
}
# at_ms NAME FILTER: when those records were written
at_ms() {
	records "$1" "$2" | jq .elapsed_ms
}
# waits NAME: the waits that the retry records announced
waits() {
	records "$1" '.type == "retry"' | jq .wait_ms
}
# series FIRST...: each of the numbers on stdin is within 20 % of the seconds given, the last of which stays
series() {
	awk -v want="$*" '
		BEGIN { n = split(want, w, " ") }
		{ s = 1000 * w[NR < n ? NR : n]; print $1 " ms, wanted " s; if ($1 < s * 0.8 - 0.001 || $1 > s * 1.2 + 0.001) bad = 1 }
		END { exit bad || NR < n }'
}
# bereave NAME...: they are registered, and then their server is gone
bereave() {
	stays "$@"
	kamailio stop
}

@test "an hour of --keep -x 600: six refreshes at 90 %, over UDP, TCP and TLS; a quiet hour of -x 3600 keeps its flow" {
	kamailio_with
	lapsing 120
	for transport in udp tcp tls; do
		keep "$transport" "$transport" -t "$transport" -x 600 -m 1h --timeout=10m
	done
	keep quiet quiet -t tcp -x 3600 -m 50m --timeout=10m
	stays udp tcp tls quiet
	local began=$SECONDS
	while [ $((SECONDS - began)) -lt 20 ]; do
		for name in udp tcp tls quiet; do
			contacts_are 1 "$name"
		done
		sleep 1
	done
	ends quiet 10 0
	contacts_are 0 quiet
	[ "$(records quiet '.type == "disconnected"' | jq -r .cause)" != idle ]
	[ "$(records quiet '.type == "connected"' | wc -l)" = 1 ]
	[ "$(records quiet "$active" | wc -l)" = 1 ]
	for name in udp tcp tls; do
		# Kamailio saw the challenge, the registration, and six refreshes with the nonce or a new one
		wait_for 5 eval '[ "$(records '$name' "$active" | wc -l)" = 7 ]'
		ends "$name" 15 0
		contacts_are 0 "$name"
		at_ms "$name" '.type == "registration" and .cause == "refreshed"' | awk -v lag="$lag" '
			{ print; if ($1 < NR * 540000 || $1 > NR * 550000 + lag) bad = 1 }
			END { exit bad || NR != 6 }'
		lapsed 3600000 3620000 "$(at_ms "$name" '.type == "end"')"
		[ -z "$(waits "$name")" ]
	done
}

@test "refreshes at 90 % of what was granted, not of what was asked" {
	kamailio_with MAX_EXPIRES=200
	lapsing 60
	keep udp udp -x 3600 -m 10m --timeout=10m
	ends udp 14 0
	at_ms udp '.type == "registration" and .cause == "refreshed"' | awk -v lag="$lag" '
		{ print; if ($1 < NR * 180000 || $1 > NR * 185000 + lag) bad = 1 }
		END { exit bad || NR != 3 }'
}

@test "a dead server, TCP: at once, after 1, 2, 4 ... 30 s with 20 % jitter; after five minutes exit 19" {
	kamailio_with
	lapsing 60
	keep tcp tcp -t tcp
	keep tls tls -t tls
	bereave tcp tls
	for name in tcp tls; do
		ends "$name" 10 19
		# the drop itself is followed by a try at once, which needs no record
		waits "$name" | series 1 2 4 8 16 30
		local dropped over
		dropped=$(at_ms "$name" '.type == "disconnected" and .action == "refresh"')
		over=$(at_ms "$name" '.type == "end"')
		apart 265000 301000 "$(awk "BEGIN { print $over - $dropped }")"
		saw "$name" 1 '.type == "error" and .exit_name == "lost" and (.detail | test("refused"))'
	done
	# 20 % jitter: not all waits are whole
	[ "$(cat <(waits tcp) <(waits tls) | awk '$1 % 1000' | wc -l)" -gt 5 ]
}

@test "a dead server, UDP: the refresh fails by ICMP, then 0, 1, 2, 4 ... 30 s; after five minutes exit 19" {
	kamailio_with
	lapsing 60
	keep udp udp -t udp -x 100
	bereave udp
	ends udp 12 19
	waits udp | series 0 1 2 4 8 16 30
	[ "$(records udp '.type == "retry"' | jq -r .because | sort -u)" = connect ]
	lapsed 90000 95000 "$(at_ms udp '.type == "retry"' | head -n 1)"
	# RFC 3261 10.2.4: once its time is over the binding is gone, and that is said
	saw udp 1 '.type == "registration" and .state == "terminated"'
}

@test "a server that falls silent: the refresh times out after 32 s, then the same schedule" {
	kamailio_with
	lapsing 60
	keep udp udp -t udp -x 100 --retry-max-time=2m
	stays udp
	tell_kamailio STOP
	ends udp 12 19
	[ "$(waits udp | head -n 1)" = 0 ]
	[ "$(records udp '.type == "retry"' | jq -r .because | sort -u)" = timeout ]
	lapsed 121000 126000 "$(at_ms udp '.type == "retry"' | head -n 1)"
	saw udp 1 '.type == "error" and .exit_name == "lost" and (.detail | test("no response"))'
}

@test "the server comes back after a minute: registered again, and the next refresh is at its usual time" {
	kamailio_with
	lapsing 30
	keep tcp tcp -t tcp -x 200 --timeout=10m
	stays tcp
	kamailio stop
	comes 5 tcp 6 '.type == "retry"' # 1 2 4 8 16 30: half a minute
	kamailio restart
	comes 4 tcp 2 "$active"
	contacts_are 1 tcp
	comes 9 tcp 3 "$active"
	stop tcp
	local back next
	back=$(at_ms tcp "$active" | sed -n 2p)
	next=$(at_ms tcp "$active" | sed -n 3p)
	apart 180000 185000 "$(awk "BEGIN { print $next - $back }")"
	contacts_are 0 tcp
}

@test "keep-alive: no CRLF comes back within 10 s, the flow is given up and a new one tried" {
	kamailio_with
	lapsing 20
	keep tcp tcp -t tcp --outbound --keepalive=crlf,40s --on-drop=unregister
	stays tcp
	tell_kamailio STOP
	ends tcp 7 19
	local lost
	lost=$(at_ms tcp '.type == "disconnected"')
	lapsed 42000 52000 "$lost" # 80 to 100 % of 40 s, and 10 s
	tell_kamailio CONT
	keep tcp tcp -t tcp --outbound --keepalive=crlf,20s --timeout=10m
	stays tcp
	tell_kamailio STOP
	comes 6 tcp 1 '.type == "disconnected" and .action == "refresh"'
	tell_kamailio CONT
	comes 5 tcp 2 "$active"
	stop tcp
}

@test "keep-alive: STUN goes unanswered: asked again with doubled waits, then the flow is given up" {
	kamailio_with
	lapsing 40
	keep udp udp -t udp --outbound --keepalive=stun,60s --on-drop=unregister
	stays udp
	tell_kamailio STOP
	ends udp 7 19
	# 48 to 60 s, then 0.5 + 1 + 2 + 4 + 8 + 16 + 16 s (RFC 8489 6.2.1)
	lapsed 95000 110000 "$(at_ms udp '.type == "registration" and .state == "terminated"')"
}

@test "silence, UDP: register gives up after 32 s and eleven requests, options after 5 s" {
	sipp_start silent
	lapsing 10
	captured "${with[@]}" "$RTE" register -j --server=127.0.0.1:5070 sip:alice@rte.test
	exits 14 'no response from 127\.0\.0\.1:5070 udp within 32 s'
	lapsed 32000 33000 "$(took)"
	[ "$(record 'select(.type == "end") | .retransmissions')" = 10 ]
	[ "$(sipp_seen REGISTER)" = 11 ]
	captured "${with[@]}" "$RTE" options -j sip:127.0.0.1:5070
	exits 14
	lapsed 5000 5600 "$(took)"
	[ "$(sipp_seen OPTIONS)" = 4 ] # at 0, 0.5, 1.5 and 3.5 s; 7.5 is too late
}

@test "--retry: 1, 2, 4 s after a status that may pass; Retry-After once without it" {
	kamailio_with
	lapsing 10
	captured "${with[@]}" "$RTE" options -j --retry=3 sip:code-503@127.0.0.1
	exits 5 '503'
	[ "$(record 'select(.type == "retry") | .wait_ms' | tr '\n' ' ')" = '1000 2000 4000 ' ]
	[ "$(record 'select(.type == "retry") | [.attempt, .of] | @csv' | tr '\n' ' ')" = '2,4 3,4 4,4 ' ]
	lapsed 7000 7600 "$(took)"
	captured "${with[@]}" "$RTE" options -j --retry=9 --retry-max-time=5s sip:code-480@127.0.0.1
	exits 4 '480'
	[ "$(record 'select(.type == "retry") | .wait_ms' | tr '\n' ' ')" = '1000 2000 ' ]
	captured "${with[@]}" "$RTE" options -j sip:retry-503@127.0.0.1
	exits 5 '503'
	[ "$(record 'select(.type == "retry") | [.because, .wait_ms] | @csv')" = '"retry-after",1000' ]
	lapsed 1000 1300 "$(took)"
	captured "${with[@]}" "$RTE" options -j --no-retry-after sip:retry-503@127.0.0.1
	exits 5
	within 0 900 "$(took)"
}

@test "peer to peer: a flow without traffic closes after --idle-timeout, one without users after --linger" {
	kamailio_with
	lapsing 20
	captured "${with[@]}" "$RTE" options -j -c 2 -i 30s --idle-timeout=10s -t tcp --timeout=20s sip:127.0.0.1
	exits 0
	[ "$(record 'select(.type == "disconnected") | .cause' | head -n 1)" = idle ]
	lapsed 10000 11500 "$(record 'select(.type == "disconnected" and .cause == "idle") | .elapsed_ms' | head -n 1)"
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 2 ]
	captured "${with[@]}" "$RTE" options -j -c 2 -i 90s -t tcp --timeout=20s sip:127.0.0.1
	exits 0
	[ "$(record 'select(.type == "disconnected") | .cause' | head -n 1)" = linger ]
	lapsed 60000 61500 "$(record 'select(.type == "disconnected" and .cause == "linger") | .elapsed_ms' | head -n 1)"
	captured "${with[@]}" "$RTE" options -j -c 3 -i 30s -t tcp --timeout=20s sip:127.0.0.1
	exits 0
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 1 ]
	captured "${with[@]}" "$RTE" options -j -c 2 -i 20s --linger=5s -t tcp --timeout=10s sip:127.0.0.1
	exits 0
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 2 ]
	lapsed 5000 6500 "$(record 'select(.type == "disconnected" and .cause == "linger") | .elapsed_ms' | head -n 1)"
}

@test "who connects and says nothing is let go after a minute; who drips, too" {
	kamailio_with
	lapsing 30
	keep alice alice -t udp --listen=tcp:127.0.0.1:5090
	stays alice
	trap '' PIPE
	exec 8<>/dev/tcp/127.0.0.1/5090
	exec 7<>/dev/tcp/127.0.0.1/5090
	for ((i = 0; i < 30; i++)); do
		printf O >&7 2>/dev/null || break
		sleep 0.1
	done
	comes 2 alice 2 '.type == "disconnected" and .incoming and .cause == "first-message"'
	[ -z "$(timeout 1 cat <&8)" ]
	exec 7>&- 8>&-
	at_ms alice '.type == "disconnected"' | while read -r ms; do
		lapsed 60000 66000 "$ms"
	done
	stop alice
}
