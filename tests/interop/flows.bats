#!/usr/bin/env bats
# tests/interop/flows.bats -- when connections come and go (rows PP-10, PP-11, CM-12 to CM-17), as the kernel's table of
# sockets shows them. rte's clock runs faster (ruling 35); its peers, and `ss`, keep real time.

load pair

setup() {
	client_home
	pki
}
teardown() {
	kept_stop
	baresip_stop
	sipp_stop
}
teardown_file() {
	rigs_stop
}

# to PORT: the client ends of connections to the local port PORT, one a line: their ports
to() {
	ss -tnH state established "dport = :$1" | awk '{ sub(/.*:/, "", $3); print $3 }' | sort
}
# are N PORT: exactly so many
are() {
	[ "$(to "$2" | wc -l)" = "$1" ]
}
# watch PORT FILE: until it is killed, how many `to` shows, a line each time it has changed
watch() {
	local count last=
	while :; do
		count=$(to "$1" | wc -l)
		if [ "$count" != "$last" ]; then
			echo "$count" >>"$2"
			last=$count
		fi
		sleep 0.02
	done
}
# watching PORT: watch in the background; seen stops it and gives "COUNT COUNT ..."
watching() {
	watched=$BATS_TEST_TMPDIR/watched-$1
	: >"$watched"
	watch "$1" "$watched" 3>&- &
	kept[watch]=$!
	wait_for 5 test -s "$watched"
}
seen() {
	sleep 0.1
	kill "${kept[watch]}"
	unset "kept[watch]"
	paste -sd ' ' "$watched"
}
# lasted NAME [N]: for how many ms of rte's clock its Nth (1) connection lived, as its records tell; `seen` tells that they are true
lasted() {
	jq -nrR --argjson n "${2:-1}" '[inputs | fromjson?] | [.[] | select(.type == "connected")][$n - 1] as $from |
		first(.[] | select(.seq > $from.seq and (.type == "disconnected" and .local == $from.local or .type == "end"))) |
		.elapsed_ms - $from.elapsed_ms' "$BATS_TEST_TMPDIR/$1"
}

@test "peer to peer: a connection is let go a minute after its use; within the minute it is used again" {
	sipp_start ok tcp
	lapsing 40
	watching 5070
	begin rte options -c 3 -i 45s -t tcp --timeout=10m sip:127.0.0.1:5070
	ends rte 8 0
	is '0 1 0' "$(seen)"
	apart 90000 120000 "$(lasted rte)" # twice 45 s, and the end
	watching 5070
	# the third comes and goes with the end of rte
	begin rte options -c 3 -i 100s -t tcp --timeout=10m sip:127.0.0.1:5070
	ends rte 8 0
	[[ $(seen) == '0 1 0 1 0'* ]]
	apart 60000 90000 "$(lasted rte)"
	is linger "$(records rte '.type == "disconnected"' | head -n 1 | jq -r .cause)"
	# the peer has them no more, too
	is 0 "$(ss -tnH state established 'sport = :5070' | wc -l)"
}

@test "--linger: another time; 0 lets go at once" {
	sipp_start ok tcp
	lapsing 20
	watching 5070
	begin rte options -c 3 -i 40s --linger=20s -t tcp --timeout=10m sip:127.0.0.1:5070
	ends rte 8 0
	[[ $(seen) == '0 1 0 1 0'* ]]
	apart 20000 30000 "$(lasted rte)"
	begin rte options -c 3 -i 20s --linger=0 -t tcp --timeout=10m sip:127.0.0.1:5070
	comes 2 rte 1 '.type == "connected"'
	wait_for 1 are 0 5070
	! gone "${kept[rte]}" || false
	ends rte 8 0
	is 3 "$(records rte '.type == "connected"' | wc -l)"
}

@test "a session keeps its connection, far beyond the minute; BYE goes over it" {
	baresip_start
	lapsing 120
	watching 5070
	begin rte invite --cacert="$RTE_PKI/ca.pem" --duration=12m --timeout=10m 'sip:phone@127.0.0.1:5070;transport=tcp'
	begin tls invite --cacert="$RTE_PKI/ca.pem" --duration=12m --timeout=10m 'sip:phone@127.0.0.1:5071;transport=tls'
	comes 5 rte 1 "$confirmed"
	comes 5 tls 1 "$confirmed"
	# RFC 5923 and PP-11: one connection a call
	are 1 5070
	are 1 5071
	ends rte 10 0
	ends tls 10 0
	is '0 1 0' "$(seen)"
	apart 720000 800000 "$(lasted rte)"
	is 'local-bye local-bye' "$(last rte "$terminated" .cause) $(last tls "$terminated" .cause)"
	is 2 "$(baresip events | jq -r .type | grep -c CALL_CLOSED)"
}

@test "a call that is silent for 15 minutes loses its connection, not its life: the BYE makes a new one" {
	baresip_start
	lapsing 150
	watching 5070
	begin rte invite --duration=20m --timeout=10m 'sip:phone@127.0.0.1:5070;transport=tcp'
	begin tls invite --cacert="$RTE_PKI/ca.pem" --duration=20m --timeout=10m 'sip:phone@127.0.0.1:5071;transport=tls'
	ends rte 14 0
	ends tls 5 0
	[[ $(seen) == '0 1 0'* ]] # the second one is gone before we look
	apart 900000 1000000 "$(lasted rte)"
	for name in rte tls; do
		is "idle" "$(records $name '.type == "disconnected"' | head -n 1 | jq -r .cause)"
		is 2 "$(records $name '.type == "connected"' | wc -l)"
		# baresip saw it come from another port than the call
		new=127.0.0.1:$(last $name '.type == "connected"' .local.port)
		[ "$new" != "127.0.0.1:$(records $name '.type == "connected"' | head -n 1 | jq -r .local.port)" ]
		is "$new" "$(tr -d '\r' <"$BATS_FILE_TMPDIR/baresip/log" | grep -a -B 1 '^BYE ' | awk -v from="$new" '$2 == from { print $2 }')"
		is 'local-bye 200' "$(last $name "$terminated" .cause) $(last $name '.type == "response" and .method == "BYE"' .status_code)"
	done
	is 2 "$(baresip events | jq -r .type | grep -c CALL_CLOSED)"
}

@test "a BYE of rte listen after the idle time finds the caller's Contact" {
	baresip_start
	lapsing 150
	await rte --listen=tcp:127.0.0.1:5080 --once --do=wait:20m --do=bye --timeout=10m
	baresip ask dial 'sip:rte@127.0.0.1:5080;transport=tcp'
	baresip_soon 1 CALL_ESTABLISHED
	are 1 5080
	comes 9 rte 1 '.type == "disconnected" and .incoming and .cause == "idle"'
	are 0 5080
	lapsed 899000 960000 "$(last rte '.type == "disconnected"' .elapsed_ms)"
	ends rte 6 0
	is local-bye "$(last rte "$terminated" .cause)"
	is "5070" "$(last rte '.type == "connected" and (.incoming | not)' .remote.port)"
	baresip_soon 1 CALL_CLOSED
}

@test "--idle-timeout=HOST:PORT=T: for that peer alone; 0 is never" {
	baresip_start
	lapsing 60
	begin rte invite --duration=4m --idle-timeout=127.0.0.1:5070=2m --timeout=10m 'sip:phone@127.0.0.1:5070;transport=tcp'
	begin other invite --duration=4m --idle-timeout=127.0.0.1:5075=2m --timeout=10m 'sip:phone@127.0.0.1:5070;transport=tcp'
	begin never invite --duration=4m --idle-timeout=2m --idle-timeout=127.0.0.1:5070=0 --timeout=10m 'sip:phone@127.0.0.1:5070;transport=tcp'
	comes 5 never 1 "$confirmed"
	comes 5 other 1 "$confirmed"
	comes 5 rte 1 "$confirmed"
	are 3 5070
	comes 4 rte 1 '.type == "disconnected" and .cause == "idle"'
	wait_for 1 are 2 5070
	! to 5070 | grep -qx "$(last rte '.type == "connected"' .local.port)" || false
	lapsed 119000 130000 "$(last rte '.type == "disconnected"' .elapsed_ms)"
	ends rte 6 0
	ends other 3 0
	ends never 3 0
	is '2 1 1' "$(for name in rte other never; do records $name '.type == "connected"' | wc -l; done | paste -sd ' ')"
	wait_for 5 eval '[ "$(baresip events | jq -r .type | grep -c CALL_CLOSED)" = 3 ]'
}

@test "incoming: without a valid message closed after a minute; with one kept until it is idle for 15" {
	trap '' PIPE
	lapsing 90
	await rte --listen=tcp:127.0.0.1:5080 --timeout=10m
	exec 5<>/dev/tcp/127.0.0.1/5080 6<>/dev/tcp/127.0.0.1/5080 7<>/dev/tcp/127.0.0.1/5080
	wait_for 5 are 3 5080
	# 5: silent. 6: pings are no messages. 7: a request
	printf '\r\n\r\n' >&6
	printf '%s\r\n' 'OPTIONS sip:rte@127.0.0.1:5080 SIP/2.0' 'Via: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bKflows' 'From: <sip:a@127.0.0.1>;tag=1' \
		'To: <sip:rte@127.0.0.1>' 'Call-ID: flows' 'CSeq: 1 OPTIONS' 'Max-Forwards: 70' 'Content-Length: 0' '' >&7
	comes 3 rte 1 '.type == "request" and .method == "OPTIONS"'
	comes 3 rte 2 '.type == "disconnected" and .incoming and .cause == "first-message"'
	records rte '.type == "disconnected"' | jq .elapsed_ms | while read -r ms; do
		lapsed 60000 72000 "$ms"
	done
	are 1 5080
	read -r -t 2 answer <&7
	[[ $answer == 'SIP/2.0 200 '* ]]
	comes 13 rte 1 '.type == "disconnected" and .incoming and .cause == "idle"'
	lapsed 900000 925000 "$(last rte '.type == "disconnected"' .elapsed_ms)"
	are 0 5080
	exec 5>&- 6>&- 7>&-
	stop rte
}

@test "a pool: five connections to one host however many messages wait; --pool-size says otherwise" {
	with=()
	local i size
	for ((i = 0; i < 60; i++)); do
		echo "sip:user$i@127.0.0.1:5072;transport=tcp"
	done >"$BATS_TEST_TMPDIR/targets"
	deaf_start 5072
	for size in '' 2 1; do
		begin rte message --each="$BATS_TEST_TMPDIR/targets" -d hello --timeout=1s ${size:+--pool-size=$size}
		wait_for 5 are "${size:-5}" 5072
		ends rte 5 14
		is "${size:-5}" "$(records rte '.type == "connected"' | wc -l)"
		is 60 "$(last rte '.type == "summary"' .failed)"
		wait_for 5 are 0 5072
	done
	# where they are answered, a pool serves them all, too
	sipp_start ok tcp
	sed -i s/5072/5070/ "$BATS_TEST_TMPDIR/targets"
	begin rte message --each="$BATS_TEST_TMPDIR/targets" -d hello
	ends rte 5 0
	is 60 "$(last rte '.type == "summary"' .ok)"
	[ "$(records rte '.type == "connected"' | wc -l)" -le 5 ]
	is 60 "$(sipp_seen MESSAGE)"
}

@test "the connection of a call is torn away: the BYE makes a new one; behind a registration as well" {
	with=()
	baresip_start
	begin rte invite --duration=700ms 'sip:phone@127.0.0.1:5070;transport=tcp'
	comes 5 rte 1 "$confirmed"
	drop_tcp 5070
	ends rte 5 0
	is 'error 2' "$(records rte '.type == "disconnected"' | head -n 1 | jq -r .cause | sed s/peer/error/) $(records rte '.type == "connected"' | wc -l)"
	baresip_soon 1 CALL_CLOSED
	kamailio_with
	phone bob bob -t udp --once
	member alice invite alice --register -t tcp --duration=1s sip:bob@rte.test
	comes 5 alice 1 "$confirmed"
	ss -K -t "dport = :5060" >/dev/null
	ends alice 5 0
	ends bob 5 0
	one_dialog alice bob
	is 'active 2' "$(last alice "$active" .state) $(records alice "$active" | wc -l)"
	is 2 "$(records alice '.type == "connected"' | wc -l)"
}
