# tests/interop/dns.sh -- functions around a DNS server (knot) with the zone tests/data/dns; to be sourced
#
#   dns_have                                  is there a server to start?
#   dns_conf DIR PORT [SIPPORT [SIPTLSPORT]]  writes the zone and DIR/knot.conf
#   dns_start DIR PORT [SIPPORT [SIPTLSPORT]] the same, and starts the server; returns when it answers
#   dns_stop DIR
#
# It listens at 127.0.0.1 and, where there is one, ::1, in the current network namespace. The ports go into the
# SRV records (5060 and 5061). The zone is rte.test; DIR is made, and holds everything that is written.
# A shell without BASH_SOURCE has to set DNS_DATA, the folder of the zone.

DNS_DATA=${DNS_DATA:-$(cd "$(dirname "${BASH_SOURCE:-$0}")/../data/dns" && pwd)}
PATH=$PATH:/usr/sbin

dns_have() {
	command -v knotd >/dev/null && command -v dig >/dev/null
}

dns_zone() { # SIPPORT SIPTLSPORT
	sed "s/@PORT@/$1/g; s/@TLSPORT@/$2/g" "$DNS_DATA/rte.test.zone.in"
	dns_n=1
	while [ "$dns_n" -le 80 ]; do
		echo "_sip._tcp.big SRV $dns_n 0 $1 h$dns_n-a-rather-long-host-name-that-fills-the-answer.big"
		dns_n=$((dns_n + 1))
	done
}

dns_conf() {
	mkdir -p "$1/run" "$1/db"
	dns_zone "${3:-5060}" "${4:-5061}" >"$1/rte.test.zone"
	dns_listen=127.0.0.1@$2
	if grep -q '^0*1 .* lo$' /proc/net/if_inet6 2>/dev/null; then
		dns_listen="$dns_listen, ::1@$2"
	fi
	cat >"$1/knot.conf" <<-CONF
		server:
		    rundir: "$1/run"
		    listen: [ $dns_listen ]
		    udp-workers: 1
		    tcp-workers: 1
		    background-workers: 1
		database:
		    storage: "$1/db"
		log:
		  - target: stderr
		    any: info
		zone:
		  - domain: rte.test
		    file: "$1/rte.test.zone"
		    zonefile-load: whole
		    journal-content: none
	CONF
}

dns_start() {
	dns_conf "$@"
	knotd -c "$1/knot.conf" >"$1/knot.log" 2>&1 </dev/null &
	echo $! >"$1/knot.pid"
	dns_n=0
	while [ "$dns_n" -lt 250 ]; do
		if dig +time=1 +tries=1 +short @127.0.0.1 -p "$2" rte.test A 2>/dev/null | grep -qx 127.0.0.1; then
			return 0
		fi
		kill -0 "$(cat "$1/knot.pid")" 2>/dev/null || break
		sleep 0.02
		dns_n=$((dns_n + 1))
	done
	echo "the DNS server does not answer:" >&2
	tail "$1/knot.log" >&2
	dns_stop "$1"
	return 1
}

dns_stop() {
	[ -s "$1/knot.pid" ] || return 0
	dns_pid=$(cat "$1/knot.pid")
	rm -f "$1/knot.pid"
	kill "$dns_pid" 2>/dev/null || return 0
	dns_n=0
	while kill -0 "$dns_pid" 2>/dev/null; do
		if [ "$dns_n" = 250 ]; then
			kill -9 "$dns_pid"
			return 0
		fi
		sleep 0.02
		dns_n=$((dns_n + 1))
	done
}
