#!/usr/bin/env bats
# tests/interop/dns_knot.bats -- server location (RFC 3263) against knot with the zone of tests/data/dns, and by it to Kamailio

load client

setup_file() {
	need ip
	# what is sent there is never heard of again
	ip route add 192.0.2.0/24 dev lo src 127.0.0.1
	names_start
	kamailio_start CERT=nameonly
}
setup() {
	client_home
}
teardown() {
	silent_stop
	sipp_stop
}
teardown_file() {
	rigs_stop
}

# targets URI ARG...: what `rte resolve` gives, in its order: transport address port host, comma between them
targets() {
	rte resolve -j "$@"
	[ "$status" = 0 ] || what_happened
	check_records <<<"$output"
	record 'select(.type == "resolved") | [.targets[] | "\(.transport) \(.address) \(.port) \(.host)"] | join(", ")'
}
# asked: the questions of the last `rte`: type name rcode
asked() {
	record 'select(.type == "resolved") | .queries[] | "\(.rrtype) \(.name) \(.rcode)"'
}
# goes_to URI TARGETS [ARG...]
goes_to() {
	local uri=$1 want=$2
	shift 2
	rte resolve -j "$@" "$uri"
	echo "$output"
	[ "$status" = 0 ]
	check_records <<<"$output"
	[ "$(record 'select(.type == "resolved") | [.targets[] | "\(.transport) \(.address):\(.port) \(.host)"] | join(", ")')" = "$want" ]
}
# fails_to URI PATTERN [ARG...]: exit 10, and one line that says which question
fails_to() {
	local uri=$1 why=$2
	shift 2
	rte resolve -j "$@" "$uri"
	exits 10 "$why"
	rte resolve "$@" "$uri"
	ended_with 10 "^rte: resolve .*$why"
	[ "$(wc -l <<<"$stderr")" = 1 ]
}
# probe ARG...: `rte options -j`
probe() {
	rte options -j --cacert="$RTE_PKI/ca.pem" "$@"
}
# reached: who answered: transport address:port
reached() {
	record 'select(.type == "response") | .remote | "\(.transport) \(.address):\(.port)"' | tail -n 1
}

@test "NAPTR: the least order first, other applications ignored; SRV; addresses" {
	goes_to sip:rte.test 'tls ::1:5061 sip.rte.test, tls 127.0.0.1:5061 sip.rte.test'
	[ "$(asked | cut -d ' ' -f 1 | tr '\n' ' ')" = 'NAPTR SRV A AAAA ' ]
	goes_to sip:prefer.rte.test 'tcp 127.0.0.1:5060 live.rte.test'
	goes_to sip:mixed.rte.test 'tcp 127.0.0.1:5060 live.rte.test'
	goes_to sip:aflag.rte.test 'udp 127.0.0.1:5060 live.rte.test'
}

@test "NAPTR whose SRV is missing; NAPTR of no use" {
	goes_to sip:halfbroken.rte.test 'tcp 127.0.0.1:5060 live.rte.test'
	goes_to sip:broken.rte.test 'tcp 127.0.0.1:5060 broken.rte.test'
	goes_to sip:useless.rte.test 'udp 127.0.0.1:5060 useless.rte.test'
}

@test "no NAPTR: the SRV of each transport, by priority" {
	goes_to sip:failover.rte.test 'udp 127.0.0.1:1 dead.rte.test, udp 127.0.0.1:5060 live.rte.test'
	goes_to 'sip:failover.rte.test;transport=tcp' 'tcp 127.0.0.1:1 dead.rte.test, tcp 127.0.0.1:5060 live.rte.test'
	[ "$(asked | head -n 1)" = 'SRV _sip._tcp.failover.rte.test NOERROR' ]
	goes_to sip:failover.rte.test 'tls 127.0.0.1:1 dead.rte.test, tls 127.0.0.1:5061 live.rte.test' -t tls
	goes_to sip:noudp.rte.test 'tcp 127.0.0.1:5060 live.rte.test'
	goes_to sip:srvalias.rte.test 'udp 127.0.0.1:1 dead.rte.test, udp 127.0.0.1:5060 live.rte.test'
}

@test "no SRV: addresses at the default port, both families, aliases" {
	goes_to sip:v4only.rte.test 'udp 127.0.0.1:5060 v4only.rte.test'
	goes_to sip:v6only.rte.test 'udp ::1:5060 v6only.rte.test'
	goes_to sip:alias.rte.test 'udp 127.0.0.1:5060 alias.rte.test'
	goes_to 'sip:v4only.rte.test;transport=tcp' 'tcp 127.0.0.1:5060 v4only.rte.test'
	goes_to sips:v4only.rte.test 'tls 127.0.0.1:5061 v4only.rte.test'
	goes_to sip:multi.rte.test 'udp 127.0.0.1:5060 multi.rte.test, udp 127.0.0.21:5060 multi.rte.test'
}

@test "a port or a number is asked for no NAPTR and no SRV" {
	goes_to sip:rte.test:5062 'udp ::1:5062 rte.test, udp 127.0.0.1:5062 rte.test'
	[ "$(asked | cut -d ' ' -f 1 | tr '\n' ' ')" = 'A AAAA ' ]
	for hop in '127.0.0.1 udp 127.0.0.1:5060 127.0.0.1' '[::1] udp ::1:5060 ::1' '127.0.0.1:5070;transport=tcp tcp 127.0.0.1:5070 127.0.0.1' \
		'127.0.0.1;transport=tls tls 127.0.0.1:5061 127.0.0.1'; do
		goes_to "sip:${hop%% *}" "${hop#* }"
		[ -z "$(asked)" ]
	done
	goes_to sips:127.0.0.1 'tls 127.0.0.1:5061 127.0.0.1'
	goes_to 'sip:rte.test;maddr=127.0.0.1' 'udp 127.0.0.1:5060 127.0.0.1'
}

@test "sips: TLS alone, whatever else is there" {
	goes_to sips:rte.test 'tls ::1:5061 sip.rte.test, tls 127.0.0.1:5061 sip.rte.test'
	goes_to 'sips:rte.test;transport=tcp' 'tls ::1:5061 sip.rte.test, tls 127.0.0.1:5061 sip.rte.test'
	goes_to sips:plain.rte.test 'tls 127.0.0.1:5061 live.rte.test'
	goes_to sips:failover.rte.test 'tls 127.0.0.1:1 dead.rte.test, tls 127.0.0.1:5061 live.rte.test'
}

@test "-4, -6, --resolve, --dns by IPv6, /etc/hosts" {
	goes_to sip:rte.test 'tls 127.0.0.1:5061 sip.rte.test' -4
	goes_to sip:rte.test 'tls ::1:5061 sip.rte.test' -6
	fails_to sip:v4only.rte.test 'AAAA v4only\.rte\.test' -6
	goes_to sip:rte.test:5060 'udp 192.0.2.5:5060 rte.test' --resolve=rte.test:5060:192.0.2.5
	[ -z "$(asked)" ]
	goes_to sip:v4only.rte.test 'udp 127.0.0.1:5060 v4only.rte.test' --dns='[::1]:53'
	goes_to sip:v4only.rte.test 'udp 127.0.0.1:5060 v4only.rte.test' --dns=127.0.0.1
	goes_to sip:localhost 'udp 127.0.0.1:5060 localhost' -4
}

@test "more than a UDP answer holds: asked again over TCP; what is too much is left out" {
	rte resolve -j 'sip:big.rte.test;transport=tcp'
	exits 0
	[ "$(record 'select(.type == "resolved") | .targets[0].priority')" = 1 ]
	[ "$(record 'select(.type == "resolved") | .targets | length')" -ge 20 ]
	record 'select(.type == "resolved") | .targets[].priority' | sort -nc
}

@test "a thousand draws of four SRV records of one priority: 0, 10, 30 and 60 per cent" {
	local uris=()
	for ((i = 0; i < 1000; i++)); do
		uris+=('sip:weight.rte.test;transport=udp')
	done
	rte resolve -j "${uris[@]}"
	[ "$status" = 0 ]
	record 'select(.type == "resolved") | .targets[0].address' | sort | uniq -c | tee "$BATS_TEST_TMPDIR/first"
	# RFC 2782: a number from 0 to 100 against the sums 0, 10, 40, 100 (w0 comes first); five standard deviations
	awk '{ n[$2] = $1; all += $1 }
		function far(got, part, sd) { sd = sqrt(1000 * part * (1 - part)); return got < 1000 * part - 5 * sd || got > 1000 * part + 5 * sd }
		END { exit all != 1000 || far(n["127.0.0.10"], 1 / 101) || far(n["127.0.0.11"], 10 / 101) ||
			far(n["127.0.0.12"], 30 / 101) || far(n["127.0.0.13"], 60 / 101) }' "$BATS_TEST_TMPDIR/first"
	# each draw names all four
	[ "$(record 'select(.type == "resolved") | [.targets[].address] | sort | join(" ")' | sort -u)" = \
		'127.0.0.10 127.0.0.11 127.0.0.12 127.0.0.13' ]
	# the second choice follows the weights of those that are left: w3 before w2 two times in three, when w1 was first
	record 'select(.type == "resolved") | [.targets[].address] | select(.[0] == "127.0.0.11") | .[1]' | sort | uniq -c
	record 'select(.type == "resolved") | [.targets[].address] | select(.[0] == "127.0.0.11") | .[1]' | awk '
		{ n[$1]++; all++ }
		END { p = 60 / 91; sd = sqrt(all * p * (1 - p)); d = n["127.0.0.13"] - all * p; exit d < -5 * sd || d > 5 * sd }'
	check_records <<<"$output"
}

@test "a name that is not there, a service that is not offered, records of no use: exit 10" {
	fails_to sip:nowhere.rte.test 'nowhere\.rte\.test.*NXDOMAIN'
	fails_to sip:none.rte.test '_sip\._udp\.none\.rte\.test.*not offered|not offered.*_sip\._udp\.none\.rte\.test'
	fails_to sip:lost.rte.test 'A nowhere\.rte\.test: NXDOMAIN'
	fails_to sip:zero.rte.test 'no port'
	fails_to sip:any.rte.test 'no address'
	probe sip:nowhere.rte.test
	exits 10 'nowhere\.rte\.test'
	[ "$(record 'select(.type == "end") | .sent')" = 0 ]
}

@test "a DNS server that is dead: exit 10 at once; one that is silent: bounded by --max-time" {
	rte resolve -j --dns=127.0.0.1:5399 sip:rte.test
	exits 10 'rte\.test'
	within 0 2000 "$(took)"
	silent_start
	for command in resolve options; do
		rte "$command" -j -m 1s "--dns=127.0.0.1:$silent" sip:rte.test
		exits 14 'no result within --max-time=1s'
		within 1000 2000 "$(took)"
	done
	SECRET=x rte register -j -m 1s "--dns=127.0.0.1:$silent" sip:alice@rte.test
	exits 14
	within 1000 2000 "$(took)"
}

@test "a DNS server that is silent, without --max-time: exit 10 in the end" {
	silent_start
	rte resolve -j "--dns=127.0.0.1:$silent" sip:v4only.rte.test:5060
	exits 10 '(TIMEOUT|time|answer)'
	within 100 30000 "$(took)"
}

# ---- there and back

@test "options and register go where the zone says: TLS by NAPTR, its name that of the URI and not of the SRV target" {
	probe -4 sip:rte.test
	exits 0
	[ "$(reached)" = 'tls 127.0.0.1:5061' ]
	[ "$(record 'select(.type == "connected") | .tls | "\(.identity) \(.server_name)"')" = 'DNS:rte.test rte.test' ]
	probe sip:rte.test
	exits 0
	[ "$(reached)" = 'tls ::1:5061' ]
	SECRET=pw-alice rte register -j --cacert="$RTE_PKI/ca.pem" --password=env:SECRET sip:alice@rte.test
	exits 0
	# failover: the certificate must be for failover.rte.test, though the servers are those of rte.test
	probe sips:failover.rte.test
	exits 12 'failover\.rte\.test'
}

@test "transport of the URI and -t choose their SRV" {
	for transport in udp tcp; do
		probe -4 "sip:rte.test;transport=$transport"
		exits 0
		[ "$(reached)" = "$transport 127.0.0.1:5060" ]
		probe -4 -t "$transport" sip:rte.test
		exits 0
		[ "$(reached)" = "$transport 127.0.0.1:5060" ]
	done
}

@test "the first target is closed: the next one, at once; over UDP and TCP" {
	for transport in udp tcp; do
		probe "sip:failover.rte.test;transport=$transport"
		exits 0
		[ "$(reached)" = "$transport 127.0.0.1:5060" ]
		within 0 900 "$(took)"
	done
	SECRET=pw-alice rte register -j -t udp --server=failover.rte.test --password=env:SECRET sip:alice@rte.test
	exits 0
	[ "$(reached)" = 'udp 127.0.0.1:5060' ]
	probe sip:srvalias.rte.test
	exits 0
}

@test "the first target is silent: the next one after the time-out; over UDP and TCP" {
	for transport in udp tcp; do
		probe --timeout=1s "sip:blackhole.rte.test;transport=$transport"
		exits 0
		[ "$(reached)" = "$transport 127.0.0.1:5060" ]
		within 1000 2900 "$(took)"
	done
	probe --timeout=3s --connect-timeout=300ms 'sip:blackhole.rte.test;transport=tcp'
	exits 0
	within 300 2500 "$(took)"
}

@test "the first target says 503: the next one" {
	for transport in udp tcp; do
		sipp_start busy-once "$transport"
		probe "sip:busy.rte.test;transport=$transport"
		exits 0
		[ "$(reached)" = "$transport 127.0.0.1:5060" ]
		[ "$(sipp_seen OPTIONS)" = 1 ]
		[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '503 200 ' ]
		[ -z "$(record 'select(.type == "retry")')" ]
		within 0 900 "$(took)"
	done
}

@test "all targets are dead: the cause of the last, and how many were tried" {
	probe 'sip:dead.rte.test:1'
	exits 11 '127\.0\.0\.1:1 udp: .*refused'
	kamailio stop
	probe 'sip:failover.rte.test;transport=udp'
	exits 11 'refused'
	[ "$(record 'select(.type == "error") | [.targets_known, .targets_tried] | @csv')" = 2,2 ]
	kamailio restart
}

@test "a dead target is left alone for a while" {
	probe -c 3 -i 0 'sip:failover.rte.test;transport=udp'
	[ "$status" = 11 ]
	[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '200 200 ' ]
	probe -c 2 -i 0 --timeout=1s 'sip:blackhole.rte.test;transport=udp'
	[ "$status" = 14 ]
	[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '200 ' ]
	within 1000 2000 "$(took)"
}
