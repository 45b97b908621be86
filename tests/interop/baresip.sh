#!/bin/bash
# tests/interop/baresip.sh -- a phone for the tests: baresip without a screen, a microphone or a terminal
#
#   baresip.sh start DIR [NAME=VALUE...]    start; returns when it takes commands (and is registered). Its files are in DIR
#   baresip.sh stop DIR                     at once
#   baresip.sh ask DIR COMMAND [PARAMS]     a command of its menu (dial, accept, hangup, hold, resume ...): the answer
#   baresip.sh events DIR                   what it told so far, a JSON object a line
#   baresip.sh wire DIR START [N]           the Nth (1) message of its trace, either way, that begins with START
#
# Options (default): USER (phone) PORT (5070: udp and tcp; tls one above) CONTROL (4444) TRANSPORT (udp)
# ANSWER (auto; manual) PKI (DIR/pki, made by pki.sh) DOMAIN (rte.test)
# CONTACTS (none; URIs: `contact_next` goes to the next of them, `message TEXT` is for that one)
# SERVER (none; HOST:PORT: registers there over TRANSPORT, with the password pw-USER) REGISTER (yes; no: only sends there)
set -eu
here=$(cd "$(dirname "$0")" && pwd)

if [ $# -lt 2 ]; then
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
command=$1 dir=$2
shift 2

modules() {
	local folder
	for folder in /usr/lib/baresip/modules /usr/lib/*/baresip/modules; do
		[ ! -e "$folder/menu.so" ] || echo "$folder"
	done | head -n 1
}

# Sound goes in circles: aubridge alone works at the 8 kHz of G.711. Without a module for sound it never answers.
write_config() {
	cat >"$dir/config" <<-END
	poll_method epoll
	sip_listen 127.0.0.1:$PORT
	sip_certificate $dir/identity.pem
	sip_cafile $PKI/ca.pem
	sip_trans_def udp
	net_interface 127.0.0.1
	call_local_timeout 60
	call_max_calls 8
	audio_player aubridge,nil
	audio_source aubridge,nil
	audio_alert aubridge,nil
	ausrc_srate 8000
	auplay_srate 8000
	jitter_buffer_delay 5-10
	rtp_ports $((PORT + 20000))-$((PORT + 20100))
	rtp_stats no
	statmode_default off
	ctrl_tcp_listen 127.0.0.1:$CONTROL
	module_path $(modules)
	module g711.so
	module aubridge.so
	module ctrl_tcp.so
	module_tmp account.so
	module_app menu.so
	module_app contact.so
	END
}
write_account() {
	local host=$DOMAIN register="regint=60;outbound=\"sip:$SERVER;transport=$TRANSPORT\""
	if [ -z "$SERVER" ]; then
		host=127.0.0.1 register=regint=0
	fi
	[ "$REGISTER" = yes ] || register=${register/60/0}
	# parameters of this URI would be added to every URI that it dials
	printf '<sip:%s@%s>;auth_user=%s;auth_pass=pw-%s;answermode=%s;audio_codecs=PCMU,PCMA;%s\n' \
		"$USER" "$host" "$USER" "$USER" "$ANSWER" "$register" >"$dir/accounts"
}

running() {
	[ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}
is_ready() {
	grep -q 'baresip is ready' "$dir/log" || return 1
	[ -z "$SERVER" ] || [ "$REGISTER" = no ] || grep -Eq '\{0/[A-Z]+/v4\} 200 OK' "$dir/log"
}

start() {
	USER=phone PORT=5070 CONTROL=4444 TRANSPORT=udp ANSWER=auto PKI=$dir/pki DOMAIN=rte.test SERVER= REGISTER=yes CONTACTS=
	local option
	for option; do
		[ -z "$option" ] || declare -g "$option"
	done
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	"$here/pki.sh" "$PKI" "$DOMAIN"
	cat "$PKI/server.pem" "$PKI/server.key" >"$dir/identity.pem"
	write_config
	write_account
	# the first is passed over by the first contact_next
	: >"$dir/contacts"
	for option in sip:nobody@127.0.0.1 $CONTACTS; do
		printf '"somebody" <%s>\n' "$option" >>"$dir/contacts"
	done
	: >"$dir/log"
	: >"$dir/events"
	setsid baresip -4 -s -v -f "$dir" >"$dir/log" 2>&1 </dev/null 3>&- &
	echo $! >"$dir/pid"
	local i
	for ((i = 0; i < 250; i++)); do
		! is_ready || break
		running || break
		sleep 0.02
	done
	if ! is_ready; then
		echo "baresip.sh: it did not start:" >&2
		tail -n 20 "$dir/log" >&2
		stop
		exit 1
	fi
	# It has one control connection, on which events come, too: kept open by a reader of what `ask` writes.
	rm -f "$dir/asked"
	mkfifo "$dir/asked"
	setsid socat - "TCP:127.0.0.1:$CONTROL" <>"$dir/asked" >"$dir/events" 2>/dev/null 3>&- &
	echo $! >"$dir/control.pid"
	ask listcalls >/dev/null # from now on it hears us, and we hear it
}

stop() {
	local name
	for name in control.pid pid; do
		[ -s "$dir/$name" ] || continue
		kill -KILL "$(cat "$dir/$name")" 2>/dev/null || true
		rm -f "$dir/$name"
	done
}

# Netstrings of JSON objects, of which none holds another
events() {
	grep -ao '{"[^{}]*}' "$dir/events" || true
}

ask() {
	local token=$RANDOM$RANDOM json i
	json=$(jq -nc --arg command "$1" --arg params "${2:-}" --arg token "$token" '{command: $command, params: $params, token: $token}')
	printf '%d:%s,' "${#json}" "$json" >"$dir/asked"
	for ((i = 0; i < 150; i++)); do
		events | grep -F "\"token\":\"$token\"" | jq -r .data | grep -v '^$' && return
		! events | grep -qF "\"token\":\"$token\"" || return 0
		sleep 0.02
	done
	echo "baresip.sh: no answer to $1" >&2
	return 1
}

# Its trace: a coloured line "#", "TRANSPORT FROM -> TO", the message, and the end of the colour
wire() {
	tr -d '\r' <"$dir/log" | awk -v start="$1" -v wanted="${2:-1}" '
		/^\033\[36;1m#/ { line = 1; next }
		line == 1 { line = 2; next }
		line == 2 { line = 3; hit = index($0, start) == 1 && ++n == wanted }
		line && hit { end = sub(/\033\[;m.*/, ""); if (!end || length()) print; if (end) exit }
		/\033\[;m/ { line = 0 }' | grep .
}

case $command in
start) start "$@" ;;
stop) stop ;;
ask) ask "$@" ;;
events) events ;;
wire) wire "$@" ;;
*)
	echo "baresip.sh: unknown command $command" >&2
	exit 2
	;;
esac
