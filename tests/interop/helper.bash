# tests/interop/helper.bash -- rigs for the bats files of this folder: load helper
#
# A file runs in a network namespace of its own (ns.sh), where these ports are private:
#   5060 5061  Kamailio: UDP and TCP, TLS    5070  SIPp    53  DNS
#   5070 5071  baresip: UDP and TCP, TLS; 4444 its control    5080 5081  rte    6001 6002  socat (signed.bats)
# Put  # bats file_tags=serial  into the second line of a file that measures time: tests/run.sh runs it alone.
# Start rigs in setup_file, and end them in teardown_file with rigs_stop; what is left ends with the namespace.

load ../helper

if [ "${RTE_NS:-}" != yes ]; then
	echo "fixed ports: run this file by  tests/interop/ns.sh bats $BATS_TEST_FILENAME" >&2
	exit 1
fi

interop=$top/tests/interop
# The certificates of pki.sh, made once a run.
export RTE_PKI=${RTE_PKI:-$BATS_RUN_TMPDIR/pki}
pki() {
	"$interop/pki.sh" "$RTE_PKI"
}

# ---- Kamailio: kamailio_start [NAME=VALUE...], options as in kamailio.sh

kamailio_start() {
	need kamailio kamcmd openssl
	pki
	"$interop/kamailio.sh" start "$BATS_FILE_TMPDIR/kamailio" PKI="$RTE_PKI" "$@" 3>&-
}
kamailio() { # COMMAND...: stop, restart, contacts USER, rpc COMMAND
	local command=$1
	shift
	"$interop/kamailio.sh" "$command" "$BATS_FILE_TMPDIR/kamailio" "$@" 3>&-
}
kamailio_log() {
	cat "$BATS_FILE_TMPDIR/kamailio/log"
}
# contacts_are N USER: Kamailio has exactly N bindings of USER
contacts_are() {
	[ "$(kamailio contacts "$2" | wc -l)" = "$1" ]
}

# ---- DNS with the zone of tests/data/dns: names_start [PORT]; at 53 it is also what /etc/resolv.conf names

names_start() {
	. "$interop/dns.sh"
	dns_have || missing "no DNS server: knot and bind9-dnsutils are not installed"
	dns_start "$BATS_FILE_TMPDIR/dns" "${1:-53}" 5060 5061 3>&-
}
names_stop() {
	. "$interop/dns.sh"
	dns_stop "$BATS_FILE_TMPDIR/dns"
}

# ---- SIPp as a server that misbehaves: sipp_start SCENARIO [udp|tcp] [PORT]; the scenarios are in sipp/

sipp_start() {
	need sipp
	local scenario=$1 transport=${2:-udp} port=${3:-5070} dir=$BATS_FILE_TMPDIR/sipp-${3:-5070}
	sipp_stop "$port"
	server_stop "$port"
	mkdir -p "$dir"
	: >"$dir/messages"
	setsid sipp -sf "$interop/sipp/$scenario.xml" -i 127.0.0.1 -p "$port" -t "${transport:0:1}1" -nostdin \
		-trace_msg -message_file "$dir/messages" -trace_err -error_file "$dir/errors" \
		</dev/null >"$dir/screen" 2>&1 3>&- &
	echo $! >"$dir/pid"
	disown
	if ! wait_for 5 listening "$transport" "$port"; then
		cat "$dir/screen" "$dir/errors" >&2
		return 1
	fi
}
sipp_stop() { # [PORT]
	local dir=$BATS_FILE_TMPDIR/sipp-${1:-5070}
	[ -s "$dir/pid" ] || return 0
	kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
	wait_for 5 gone "$(cat "$dir/pid")"
	rm -f "$dir/pid"
}
# sipp_seen METHOD [PORT]: how many requests SIPp has received
sipp_seen() {
	awk -v method="$1" '/ message received / { next_is = 1; next } next_is && NF { n += $1 == method; next_is = 0 }
		END { print n + 0 }' "$BATS_FILE_TMPDIR/sipp-${2:-5070}/messages"
}
# sipp_register USER [SERVER [TRANSPORT [EXPIRES [PASSWORD]]]]: a foreign client registers at the registrar
sipp_register() {
	local csv=$BATS_FILE_TMPDIR/register.csv
	printf 'SEQUENTIAL\n%s;[authentication username=%s password=%s];%s\n' \
		"$1" "$1" "${5:-pw-$1}" "${4:-60}" >"$csv"
	local address=127.0.0.1
	[[ ${2:-} != \[* ]] || address=::1
	timeout 10 sipp "${2:-127.0.0.1:5060}" -sf "$interop/sipp/register.xml" -inf "$csv" -m 1 -i "$address" \
		-t "$(t=${3:-udp} && echo "${t:0:1}")1" -nostdin -trace_err -error_file "$BATS_FILE_TMPDIR/register.err" \
		</dev/null >"$BATS_FILE_TMPDIR/register.out" 2>&1 3>&-
}

# ---- streams that misbehave

# hangup_start PORT: a TCP server that ends every connection after its first bytes
hangup_start() {
	need socat
	setsid socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" 'SYSTEM:head -c 1 >/dev/null' </dev/null >/dev/null 2>&1 3>&- &
	disown
	wait_for 5 listening tcp "$1"
}
# deaf_start PORT: a TCP server that accepts and says nothing
deaf_start() {
	need socat
	setsid socat -u "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" OPEN:/dev/null </dev/null >/dev/null 2>&1 3>&- &
	disown
	wait_for 5 listening tcp "$1"
}
# server_start HOW udp|tcp|tls [PORT]: answer.sh HOW at 127.0.0.1, port 5070; TLS with the certificate of pki.sh
server_start() {
	need socat
	local how=$1 transport=$2 port=${3:-5070} address
	server_stop "$port"
	sipp_stop "$port"
	case $transport in
	udp) address=UDP4-RECVFROM:$port,bind=127.0.0.1,reuseaddr,fork ;;
	tcp) address=TCP4-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,backlog=50 ;;
	tls)
		pki
		address=OPENSSL-LISTEN:$port,bind=127.0.0.1,pf=ip4,reuseaddr,fork,verify=0,cert=$RTE_PKI/server.pem,key=$RTE_PKI/server.key
		;;
	esac
	setsid socat -t 10 "$address" "EXEC:$interop/answer.sh $how" </dev/null >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/server-$port"
	disown
	wait_for 5 listening "${transport/tls/tcp}" "$port"
}
server_stop() { # [PORT]
	local file=$BATS_FILE_TMPDIR/server-${1:-5070}
	[ -s "$file" ] || return 0
	kill -KILL -- "-$(cat "$file")" 2>/dev/null || true
	wait_for 5 gone "$(cat "$file")"
	rm -f "$file"
}
# drop_tcp PORT: resets every TCP connection to the local port PORT
drop_tcp() {
	ss -K -t "sport = :$1" >/dev/null
}

# ---- small things

listening() { # udp|tcp PORT
	[ -n "$(ss -Hln "--$1" "sport = :$2")" ]
}
gone() {
	! kill -0 "$1" 2>/dev/null
}
# dial PORT: a UDP socket of the test, for tell (SIPp answers a call where its first request came from)
dial() {
	exec 9<>"/dev/udp/127.0.0.1/$1"
}
# tell FILE [SECONDS]: sends FILE as one datagram and prints all that comes back within SECONDS (0.4)
tell() {
	cat "$1" >&9
	timeout "${2:-0.4}" cat <&9 | tr -d '\r' || true
}
rigs_stop() {
	kamailio stop
	names_stop
	local dir
	for dir in "$BATS_FILE_TMPDIR"/sipp-*; do
		[ ! -d "$dir" ] || sipp_stop "${dir##*-}"
	done
	for dir in "$BATS_FILE_TMPDIR"/server-*; do
		[ ! -e "$dir" ] || server_stop "${dir##*-}"
	done
}
