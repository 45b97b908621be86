#!/bin/bash
# tests/interop/kamailio.sh -- a Kamailio for the tests, in the foreground of its own process group, no root needed
#
#   kamailio.sh start DIR [NAME=VALUE...]   start; returns when it answers: `ready in N ms`. Its files are in DIR
#   kamailio.sh stop DIR                    at once; nothing is kept
#   kamailio.sh restart DIR                 stop and start with the same options; the bindings are forgotten
#   kamailio.sh contacts DIR USER           the bindings of USER, one a line: URI, then NAME=VALUE for each detail
#   kamailio.sh rpc DIR COMMAND...          kamcmd
#   kamailio.sh table DIR NAME COLUMN...    CFG=presence: these columns of one of its tables as they are now, a row a line
#
# Options (default): PORT (5060: udp and tcp) TLSPORT (5061) DOMAIN (rte.test) AUTH (yes) ALGORITHM (MD5; SHA-256)
# QOP (auth; empty: RFC 2069) MIN_EXPIRES (0) MAX_EXPIRES (3600) NONCE_EXPIRE (300 s) FLOW_TIMER (25)
# AUTH_INFO (no; yes: Authentication-Info) ONE_TIME_NONCE (no) PKI (DIR/pki, made by pki.sh) CERT (server)
# HIDING (no; yes: the callee sees another Call-ID than the caller, and no Via but the proxy's)
# CLIENT_CERT (no; yes: a client certificate is required) TLS (TLSv1.2+) CFG (kamailio; edge: an edge proxy before it;
# presence: a presence server) FORCE_ACTIVE (1; 0: nobody has allowed the watchers, so they are pending)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

if [ $# -lt 2 ]; then
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
command=$1 dir=$2
shift 2

rpc() {
	kamcmd -s "unix:$dir/ctl" "$@"
}

running() {
	[ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

start() {
	PORT=5060 TLSPORT=5061 DOMAIN=rte.test AUTH=yes ALGORITHM=MD5 QOP=auth MIN_EXPIRES=0 MAX_EXPIRES=3600
	NONCE_EXPIRE=300 FLOW_TIMER=25 AUTH_INFO=no ONE_TIME_NONCE=no PKI=$dir/pki CERT=server CLIENT_CERT=no
	TLS=TLSv1.2+ CFG=kamailio FORCE_ACTIVE=1 HIDING=no
	local option defines=()
	for option; do
		[ -z "$option" ] || declare -g "$option"
	done
	if running; then
		echo "kamailio.sh: already running in $dir" >&2
		exit 1
	fi
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	printf '%s\0' "$@" >"$dir/options"
	"$here/pki.sh" "$PKI" "$DOMAIN"

	local verify=no ca=$PKI/ca.pem
	[ "$CLIENT_CERT" = no ] || verify=yes
	cat >"$dir/tls.cfg" <<-END
	[server:default]
	method = $TLS
	verify_certificate = $verify
	require_certificate = $verify
	private_key = $PKI/$CERT.key
	certificate = $PKI/$CERT.pem
	ca_list = $ca
	[client:default]
	method = $TLS
	verify_certificate = no
	private_key = $PKI/server.key
	certificate = $PKI/server.pem
	ca_list = $ca
	END
	local script=
	for option in PORT TLSPORT DOMAIN ALGORITHM QOP MIN_EXPIRES MAX_EXPIRES NONCE_EXPIRE FLOW_TIMER FORCE_ACTIVE; do
		script+="s#@$option@#${!option}#g;"
	done
	sed -e "${script}s#@DIR@#$dir#g" "$here/$CFG.cfg.in" >"$dir/kamailio.cfg"
	for option in AUTH AUTH_INFO ONE_TIME_NONCE HIDING; do
		[ "${!option}" = no ] || defines+=(-A "WITH_$option")
	done

	[ "$CFG" != presence ] || tables

	rm -f "$dir/ctl"
	local began now
	began=$(date +%s%N)
	# 64 MB shared, 8 MB private memory; the log goes to stderr
	setsid kamailio -f "$dir/kamailio.cfg" -w "$dir" -Y "$dir" -P "$dir/kamailio.pid" -m 64 -M 8 -DD -E \
		"${defines[@]}" >>"$dir/log" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$dir/pid"
	while :; do
		# up when it answers a command and accepts connections
		if [ -S "$dir/ctl" ] && rpc core.uptime >/dev/null 2>&1 &&
			(exec 9<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
			now=$(date +%s%N)
			echo "ready in $(((now - began) / 1000000)) ms"
			return
		fi
		now=$(date +%s%N)
		if ! running || [ $(((now - began) / 1000000)) -gt 10000 ]; then
			echo "kamailio.sh: it did not start:" >&2
			tail -n 20 "$dir/log" >&2
			stop
			exit 1
		fi
		sleep 0.02
	done
}

# tables: the files of the presence server. They are empty but for a list, which its module looks up by who watches: alice
# and open have one, sip:friends@DOMAIN, of alice and bob.
tables() {
	local table number=0 user list
	rm -rf "$dir/tables"
	mkdir "$dir/tables"
	for table in version presentity active_watchers watchers xcap pua rls_watchers rls_presentity; do
		cp "/usr/share/kamailio/dbtext/kamailio/$table" "$dir/tables"
	done
	list='<?xml version="1.0"?><rls-services xmlns="urn:ietf:params:xml:ns:rls-services"'
	list+=' xmlns:rl="urn:ietf:params:xml:ns:resource-lists">'
	list+="<service uri=\"sip:friends@$DOMAIN\"><list><rl:entry uri=\"sip:alice@$DOMAIN\"/>"
	list+="<rl:entry uri=\"sip:bob@$DOMAIN\"/></list><packages><package>presence</package></packages></service></rls-services>"
	for user in alice open; do
		number=$((number + 1))
		echo "$number:$user:$DOMAIN:${list//:/\\:}:8:e$number:0:index:0"
	done >>"$dir/tables/xcap"
}

# Its process group at once: TERM takes two seconds, and a server that dies without a word is the better test.
stop() {
	[ -s "$dir/pid" ] || return 0
	local pid
	pid=$(cat "$dir/pid")
	kill -KILL -- "-$pid" 2>/dev/null || true
	while kill -0 -- "-$pid" 2>/dev/null && ! all_dead "$pid"; do
		sleep 0.01
	done
	rm -f "$dir/pid" "$dir/ctl"
}
# Zombies, which their parent has not collected yet, hold no port.
all_dead() {
	local group state
	while read -r group state; do
		[ "$group" != "$1" ] || [[ $state == Z* ]] || return 1
	done < <(ps -eo pgid=,stat=)
}

contacts() {
	# AoR: ... Contacts: { Contact: { Address: ... } }, a detail a line
	rpc ul.lookup location "$1" 2>/dev/null | awk '
		function out() {
			if (uri != "")
				print uri details
			uri = details = ""
		}
		{ sub(/^[ \t]+/, ""); key = $0; sub(/:.*/, "", key); value = $0; sub(/^[^:]*:[ \t]*/, "", value) }
		key == "Contact" { out() }
		key == "Address" { uri = value }
		key ~ /^(Expires|Q|Call-ID|CSeq|User-Agent|Received|Path|Instance|Reg-Id|Socket|Ruid|State)$/ {
			gsub(/[ \t]+/, "_", value)
			if (value != "[not_set]")
				details = details " " tolower(key) "=" value
		}
		END { out() }'
}

# Its head has blanks between the names, a row colons between the values; a colon within one is behind a backslash.
table() {
	local name=$1
	shift
	rpc db_text.dump >/dev/null
	sed 's/\\:/\x01/g; s/\\n/ /g' "$dir/tables/$name" | awk -F : -v wanted="$*" '
		NR == 1 {
			n = split($0, head, " ")
			for (i = 1; i <= n; i++) {
				sub(/\(.*/, "", head[i])
				at[head[i]] = i
			}
			n = split(wanted, column, " ")
			next
		}
		{
			line = ""
			for (i = 1; i <= n; i++)
				line = line (i > 1 ? " " : "") $at[column[i]]
			gsub(/\001/, ":", line)
			print line
		}'
}

case $command in
start) start "$@" ;;
stop) stop ;;
restart)
	stop
	mapfile -d '' options <"$dir/options"
	start "${options[@]}"
	;;
contacts) contacts "$1" ;;
rpc) rpc "$@" ;;
table) table "$@" ;;
*)
	echo "kamailio.sh: unknown command $command" >&2
	exit 2
	;;
esac
