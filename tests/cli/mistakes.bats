#!/usr/bin/env bats
# tests/cli/mistakes.bats -- what other programs of this kind get wrong (cli.md section 1), each shown to be absent here. The
# programs that this document measured are not needed: the peers are `rte serve`, sockets of socat and scripts.

load helper

setup() {
	fresh_home
	export PW=pw-alice BAD=pw-wrong
}
teardown() {
	reap_all
	silent_stop
}

# one_line TEXT: it is one line, and not an empty one
one_line() {
	[ -n "$1" ] && [[ $1 != *$'\n'* ]] || what_happened
}
# took: elapsed_ms of the end record, without its fraction
took() {
	record 'select(.type == "end") | .elapsed_ms | floor'
}
# least N COMMAND...: the least time of so many runs of rte
least() {
	local n=$1 best=1000000 ms
	shift
	while [ $((n--)) -gt 0 ]; do
		rte "$@"
		ms=$(took)
		best=$((ms < best ? ms : best))
	done
	echo "$best"
}

# ---- the status of the program

@test "a success is exit 0, and one line says so" {
	serve_start --auth=none
	for command in options 'message -d hello'; do
		# shellcheck disable=SC2086
		rte $command --server="$udp" sip:echo@test.invalid
		ended_with 0
		one_line "$output"
		[[ $output == *'200 OK'* ]] || what_happened
		[ -z "$stderr" ] || what_happened
	done
	# a 202 is one, too
	serve_end
	serve_start --auth=none --reply='OPTIONS=202'
	rte options "udp:$udp"
	ended_with 0
	one_line "$output"
}

@test "a final 404 is exit 4 with its words, whatever was asked: not 148, not 0" {
	serve_start --auth=none --reply='OPTIONS=404' --reply='REGISTER=404' --reply='INVITE=404' --reply='MESSAGE=404' \
		--reply='SUBSCRIBE=404' --reply='PUBLISH=404' --reply='INFO=404'
	while read -r line; do
		# shellcheck disable=SC2086
		rte $line --server="$udp" sip:nobody@test.invalid
		ended_with 4 "^rte: ${line%% *} .*: 404 Not Found"
		[[ $output != *'200 OK'* ]] || what_happened
	done <<-'TABLE'
		options
		register
		invite
		message -d hello
		subscribe -e presence
		publish --status=open
		request INFO
	TABLE
}

@test "a wrong password is exit 7: not 0, and not that of a wrong option or of an unknown host" {
	serve_start --add-user=alice:env:PW
	rte register --server="$udp" --password=env:BAD sip:alice@test.invalid
	ended_with 7 '401 Unauthorized after credentials were sent'
	[[ $output != *registered* ]] || what_happened
	rte invite --server="$udp" -a sip:alice@test.invalid --password=env:BAD sip:echo@test.invalid
	ended_with 7 '407 Proxy Authentication Required after credentials were sent'
	rte invite --register --server="$udp" -a sip:alice@test.invalid --password=env:BAD sip:echo@test.invalid
	ended_with 7 'REGISTER: 401 Unauthorized after credentials were sent'
	# the same with the right one: it is the password that decided
	rte register --server="$udp" --password=env:PW sip:alice@test.invalid
	ended_with 0
	rte invite --register --server="$udp" -a sip:alice@test.invalid --password=env:PW sip:echo@test.invalid
	ended_with 0
	rte register --server="$udp" --passwort=env:BAD sip:alice@test.invalid
	ended_with 2
	rte register --password=env:BAD sip:alice@nosuch.invalid
	ended_with 10
}

@test "a wrong option is exit 2 and one short line, from every command" {
	for command in '' $("$RTE" --dump-options | cut -f 1 | uniq | grep -v '^rte$'); do
		# shellcheck disable=SC2086
		rte $command --wrong-option
		usage_error 'unknown option "--wrong-option"'
		[ "${#stderr}" -le 100 ] || what_happened
		# shellcheck disable=SC2086
		rte $command -Z
		usage_error 'unknown option "-Z"'
		[ "${#stderr}" -le 100 ] || what_happened
	done
}

# ---- who does not answer

# bats test_tags=serial,release
@test "a silent peer is exit 14 after --timeout, not before and not much later" {
	silent_start
	while read -r line; do
		# shellcheck disable=SC2086
		best=$(least 3 $line --json --timeout=600ms)
		[ "$best" -ge 600 ] && [ "$best" -le 800 ] || {
			echo "$line: $best ms"
			return 1
		}
		# shellcheck disable=SC2086
		rte $line --timeout=600ms
		ended_with 14 "no response from 127\.0\.0\.1:$silent udp within 0\.[67]"
	done <<-TABLE
		options udp:127.0.0.1:$silent
		register --server=127.0.0.1:$silent sip:alice@test.invalid
		message -d x udp:127.0.0.1:$silent
		request INFO udp:127.0.0.1:$silent
	TABLE
	# who takes the connection and says nothing
	socat -u TCP4-LISTEN:0,bind=127.0.0.1,fork OPEN:/dev/null 2>/dev/null 3>&- &
	reap+=($!)
	wait_for 5 peer_port $!
	best=$(least 3 options --json --timeout=600ms "tcp:127.0.0.1:$(peer_port $!)")
	[ "$best" -ge 600 ] && [ "$best" -le 800 ]
	# --max-time is the bound of all there is, whatever --timeout says
	best=$(least 3 options --json --timeout=1m --max-time=600ms "udp:127.0.0.1:$silent")
	[ "$best" -ge 600 ] && [ "$best" -le 800 ]
}

# bats test_tags=serial,release
@test "a closed UDP port is exit 11 at once, whatever is asked of it" {
	while read -r line; do
		# shellcheck disable=SC2086
		best=$(least 3 $line --json)
		[ "$best" -lt 50 ] || {
			echo "$line: $best ms"
			return 1
		}
		# shellcheck disable=SC2086
		rte $line
		ended_with 11 '127\.0\.0\.1:1 udp: connection refused'
	done <<-'TABLE'
		options udp:127.0.0.1:1
		register --server=127.0.0.1:1 sip:alice@test.invalid
		invite sip:bob@127.0.0.1:1
		message -d x sip:bob@127.0.0.1:1
		subscribe -e presence --p2p sip:bob@127.0.0.1:1
	TABLE
}

# tells_response: what ran last speaks of a response somewhere: in its output, its trace, its capture or its reports. In text
# that is a status line, a line that begins with a status, or a status with its reason phrase.
tells_response() {
	local text='SIP/2\.0 [1-6][0-9][0-9]|^[1-6][0-9][0-9]( |$)|: [1-6][0-9][0-9] [A-Z]|(408|503) [A-Z]|Request Timeout|Service Unavailable'
	grep -aEq -e "$text" <<<"$output$stderr" ||
		grep -aEq -e "$text" "$HOME/trace" "$HOME/pcap" "$HOME/tap" "$HOME/junit" 2>/dev/null
}
# tells_response_record: the same of records
tells_response_record() {
	jq -e 'select(.type == "response" or has("status_code") or has("reason_phrase") or has("by_status"))' <<<"$output" >/dev/null ||
		grep -q 'SIP/2\.0 [1-6][0-9][0-9]' <<<"$output"
}
# everywhere COMMAND ARG...: text with the whole story, a trace, a capture and reports
everywhere() {
	rm -f "$HOME"/{trace,pcap,tap,junit}
	rte "$@" -vvv --ladder --trace="$HOME/trace" --pcap="$HOME/pcap" --tap="$HOME/tap" --junit="$HOME/junit"
	for file in trace pcap tap junit; do
		[ -s "$HOME/$file" ] || what_happened
	done
}

@test "where nothing has answered no response is told: not in text, JSON, trace, capture or report" {
	silent_start
	while read -r code line; do
		# shellcheck disable=SC2086
		everywhere $line
		ended_with "$code" '^rte: '
		! tells_response || what_happened
		# shellcheck disable=SC2086
		rte $line -j -vvv
		ended_with "$code"
		records
		! tells_response_record || what_happened
		[ "$(record 'select(.type == "error") | .detail' | head -n 1 | wc -c)" -gt 10 ] || what_happened
		# shellcheck disable=SC2086
		rte $line -q -w '<%{status_code}>'
		[ "$output" = '<>' ] || what_happened
	done <<-TABLE
		14 options --timeout=100ms udp:127.0.0.1:$silent
		14 register --timeout=100ms --server=127.0.0.1:$silent sip:alice@test.invalid
		14 invite --timeout=100ms sip:bob@127.0.0.1:$silent;transport=udp
		14 message --timeout=100ms -d x sip:bob@127.0.0.1:$silent;transport=udp
		11 options udp:127.0.0.1:1
		11 options tcp:127.0.0.1:1
		11 register --server=127.0.0.1:1 sip:alice@test.invalid
		11 invite sip:bob@127.0.0.1:1
		11 message -d x sip:bob@127.0.0.1:1
		10 options nosuch.invalid
		10 register sip:alice@nosuch.invalid
		10 invite sip:bob@nosuch.invalid
		10 message -d x sip:bob@nosuch.invalid
	TABLE
	rte options --timeout=100ms -c 2 -i 10ms "udp:127.0.0.1:$silent"
	ended_with 14
	says '^no response '
	! tells_response || what_happened
	rte options --timeout=100ms --nagios "udp:127.0.0.1:$silent"
	! tells_response || what_happened
}

@test "where something has answered it is told, so that the test before this one can fail" {
	serve_start --auth=none --reply='OPTIONS=408' --reply='REGISTER=503'
	everywhere options "udp:$udp"
	tells_response || what_happened
	rm -f "$HOME"/{trace,pcap,tap,junit}
	rte options "udp:$udp"
	tells_response || what_happened
	rte register --server="$udp" --no-retry-after sip:alice@test.invalid
	tells_response || what_happened
	rte options -j "udp:$udp"
	tells_response_record || what_happened
	rte options -q -w '<%{status_code}>' "udp:$udp"
	[ "$output" = '<408>' ] || what_happened
}

# ---- addresses

@test "an IPv6 literal works: as a target, as a server, on each transport" {
	serve_start --tls-auto --listen='udp:[::1]:0' --listen='tcp:[::1]:0' --listen='tls:[::1]:0' --add-user=alice:env:PW
	for t in udp tcp tls; do
		[[ ${!t} == '[::1]:'* ]]
		rte options -v --cacert="$ca" "$t:${!t}"
		ended_with 0
		says "^200 OK  from \[::1\]:${!t##*:} $t "
		notes "^>. OPTIONS sip:\[::1\]:${!t##*:}(;transport=$t)? SIP/2\.0$"
		rte register -t $t --server="${!t}" --cacert="$ca" --password=env:PW sip:alice@test.invalid
		ended_with 0
		says '^  contact   sip:alice@\[::1\]:[0-9]+'
	done
	rte options -t udp "sip:[::1]:${udp##*:}"
	says "^200 OK  from \[::1\]:${udp##*:} udp "
	# nobody there: as with IPv4
	rte options 'udp:[::1]:1'
	ended_with 11 '\[::1\]:1 udp: connection refused'
}

@test "a port of five digits is whole where the request goes, in Request-URI and in To" {
	need socat ss
	socat -u UDP4-RECV:0,bind=127.0.0.1 CREATE:"$HOME/heard" 3>&- &
	silent_pid=$!
	wait_for 5 silent_port
	silent=$(silent_port)
	[ "${#silent}" = 5 ] # ports that the kernel gives
	rte options -j --timeout=200ms "sip:bob@127.0.0.1:$silent;transport=udp"
	ended_with 14
	tr -d '\r' <"$HOME/heard" >"$HOME/lines"
	grep -Eqx "OPTIONS sip:bob@127\.0\.0\.1:$silent(;transport=udp)? SIP/2\.0" "$HOME/lines"
	grep -Eqx "To: <sip:bob@127\.0\.0\.1:$silent(;transport=udp)?>" "$HOME/lines"
	[ "$(record 'select(.type == "request") | .remote.port')" = "$silent" ] || what_happened
	for port in 10000 15060 65535; do
		rte options -n "sip:bob@127.0.0.1:$port"
		says "^OPTIONS sip:bob@127\.0\.0\.1:$port SIP/2\.0"
		says "^To: <sip:bob@127\.0\.0\.1:$port>"
	done
	for port in 65536 150600; do
		rte options -n "sip:bob@127.0.0.1:$port"
		ended_with 2
	done
}

# ---- secrets

# seen_args PID: its arguments, as everybody can read them
seen_args() {
	tr '\0' ' ' <"/proc/$1/cmdline"
	echo
	ps -ww -o args= -p "$1"
}

@test "a password is no argument: it comes from a source, and ps shows none" {
	need ps
	canary=k4n4ry$RANDOM$RANDOM
	export PW=$canary
	printf '%s\n' "$canary" >"$HOME/secret"
	chmod 600 "$HOME/secret"
	serve_start --add-user=alice:env:PW
	# a word that is no source is refused, and not repeated
	rte register --server="$udp" "--password=$canary" sip:alice@test.invalid
	usage_error '--password'
	[[ $stderr != *$canary* ]] || what_happened
	for source in env:PW "file:$HOME/secret" fd:8 "cmd:cat $HOME/secret" "pass:$canary"; do
		spawn keep register --keep --server="$udp" --password="$source" sip:alice@test.invalid 8<"$HOME/secret"
		printed keep '^registered'
		seen_args "$spawned" >"$HOME/seen"
		[ "$(grep -c 'register.*--password' "$HOME/seen")" = 2 ] # what is looked at is the right process
		! grep "$canary" "$HOME/seen" || false
		kill "$spawned"
		spawned_ends 0 keep
	done
	RTE_PASSWORD=$canary spawn keep register --keep --server="$udp" sip:alice@test.invalid
	printed keep '^registered'
	! seen_args "$spawned" | grep "$canary" || false
	seen_args "$serve" >"$HOME/seen"
	grep -q 'add-user=alice' "$HOME/seen"
	! grep "$canary" "$HOME/seen" || false
	# the identity is a URI without it
	! grep -rq "$canary" "$BATS_TEST_TMPDIR"/{keep,serve}.{out,err} || false
}

# ---- no terminal

# steady: what differs between two runs
steady() {
	tr -d '\r' | sed -E 's/127\.0\.0\.1:[0-9]+/ADDRESS/g; s/[0-9.]+ (ms|s)/TIME/g'
}
uncolored() {
	sed -E 's/\x1b\[[0-9;]*m//g'
}

@test "without a terminal it does the same, says the same, and writes no escape sequence" {
	need script setsid
	serve_start -v --add-user=alice:env:PW --reply='OPTIONS gone=404'
	at="--server=$udp --password=env:PW"
	while read -r code line; do
		rte register $at --remove-all sip:alice@test.invalid # each run finds what the other found
		same=0
		# no terminal at all, stdin closed, both streams into files
		setsid -w sh -c 'exec "$0" "$@" <&- >"$HOME/out" 2>"$HOME/err"' "$RTE" $line || same=$?
		[ "$same" = "$code" ]
		! grep -q $'\x1b' "$HOME/out" "$HOME/err" || false
		cat "$HOME/out" "$HOME/err" | steady >"$HOME/without"
		[ -s "$HOME/without" ]
		rte register $at --remove-all sip:alice@test.invalid
		same=0
		TERM=xterm script -qec "'$RTE' $line" "$HOME/typescript" </dev/null >"$HOME/tty" || same=$?
		[ "$same" = "$code" ]
		grep -q $'\x1b\\[[0-9]*m' "$HOME/tty" # it was a terminal: there are colours to be taken away
		uncolored <"$HOME/tty" | steady >"$HOME/with"
		diff "$HOME/without" "$HOME/with"
	done <<-TABLE
		0 register $at sip:alice@test.invalid
		0 options $at -a sip:alice@test.invalid sip:test.invalid
		4 options $at -a sip:alice@test.invalid sip:gone@test.invalid
		0 invite $at --register -a sip:alice@test.invalid --duration=10ms sip:echo@test.invalid
		2 options --wrong-option
		11 options udp:127.0.0.1:1
	TABLE
	# it has not just said so: the registrar has two bindings of each way
	[ "$(grep -c '^created' "$BATS_TEST_TMPDIR/serve.out")" = 4 ]
	for more in '' --help; do
		# shellcheck disable=SC2086
		captured setsid -w "$RTE" $more
		[[ $output$stderr != *$'\x1b'* ]] || what_happened
	done
}

# ---- completion

@test "completions for bash, zsh and fish are there, have every option, and are installed" {
	need meson jq
	"$RTE" --dump-options | awk -F '\t' '$6 !~ /hidden/ { print "--" $2 }' | sort -u >"$HOME/options"
	[ "$(wc -l <"$HOME/options")" -gt 100 ]
	for file in rte _rte rte.fish; do
		# fish has them as -l NAME
		sed 's/ -l \([a-z0-9]\)/ --\1/' "$top/completions/$file" | grep -oE -e '--[a-z0-9][a-z0-9-]*' | sort -u >"$HOME/has"
		comm -23 "$HOME/options" "$HOME/has" >"$HOME/missing"
		[ ! -s "$HOME/missing" ] || {
			echo "$file has not: $(paste -sd ' ' "$HOME/missing")"
			return 1
		}
		meson introspect --installed "${RTE%/cli/rte}" | jq -e --arg f "$top/completions/$file" 'has($f)' >/dev/null
	done
	# and bash offers them
	run env -i HOME="$HOME" PATH="$PATH" bash --norc -c '
		source "$1"
		COMP_WORDS=(rte register --exp) COMP_CWORD=2
		_rte
		echo "${COMPREPLY[*]}"' - "$top/completions/rte"
	[[ $output == *--expires=* ]] || what_happened
}

# ---- what users ask for

@test "TLS verifies the chain and the name unless it is told not to" {
	serve_start --tls-auto --auth=none --domain=right.example -v --trace="$HOME/trace"
	port=${tls#*:}
	names=(--resolve="right.example:$port:127.0.0.1" --resolve="wrong.example:$port:127.0.0.1" -t tls)
	rte options "${names[@]}" --cacert="$ca" "sip:right.example:$port"
	ended_with 0
	grep -q '^<~ OPTIONS ' "$HOME/trace"
	requests=$(grep -c '^<~ OPTIONS ' "$HOME/trace")
	rte options "${names[@]}" --cacert="$ca" "sip:wrong.example:$port"
	ended_with 12 'wanted wrong\.example'
	rte options "${names[@]}" "sip:right.example:$port" # its CA is none of this machine's
	ended_with 12
	rte register "${names[@]}" --cacert="$ca" --server="wrong.example:$port" sip:alice@right.example
	ended_with 12 'wanted wrong\.example'
	# none of them said anything to the server
	[ "$(grep -c '^<~ OPTIONS ' "$HOME/trace")" = "$requests" ]
	! grep -q '^<~ REGISTER ' "$HOME/trace" || false
	rte options "${names[@]}" --cacert="$ca" --tls-name=wrong.example "sip:right.example:$port"
	ended_with 12 'wanted wrong\.example'
	rte options "${names[@]}" --tls-name=wrong.example -k "sip:right.example:$port"
	ended_with 0 '^rte: warning: '
	[ "$(grep -c '^<~ OPTIONS ' "$HOME/trace")" = $((requests + 1)) ]
}

# sources METHOD: the addresses from which the server has got such requests, each once
sources() {
	awk -v method="$1" '/^< . ?[0-9:.]+ [0-9.]+:[0-9]+ -> / || /^<.. [0-9:.]+ [0-9.]+:[0-9]+ -> / { from = $3 }
		$0 ~ "^<.." method " " { print from }' "$HOME/trace" | sort -u
}

@test "one process registers and calls, over one flow" {
	serve_start --add-user=alice:env:PW --trace="$HOME/trace"
	rte invite --register -t tcp --server="$tcp" -a sip:alice@test.invalid --password=env:PW --duration=50ms sip:echo@test.invalid
	ended_with 0
	says '^registered'
	says '^200 OK .* PCMU'
	says '^unregistered'
	[ "$(sources REGISTER | wc -l)" = 1 ]
	[ "$(sources INVITE)" = "$(sources REGISTER)" ]
	[ "$(sources BYE)" = "$(sources REGISTER)" ]
}

@test "one process registers and is called" {
	serve_start --add-user=alice:env:PW --add-user=bob:env:PW --trace="$HOME/trace"
	spawn callee listen --register -t tcp --server="$tcp" -a sip:bob@test.invalid --password=env:PW --once
	printed callee '^registered'
	rte invite --server="$udp" -a sip:alice@test.invalid --password=env:PW --duration=50ms sip:bob@test.invalid
	ended_with 0
	says '^200 OK '
	spawned_ends 0 callee
	printed callee '^unregistered'
	[ "$(sources REGISTER | wc -l)" = 1 ]
}

@test "there is a server to test against: it needs no file, and is gone with the command" {
	rte serve --add-user=alice:env:PW -- sh -c '"$RTE" options sip:test.invalid &&
		"$RTE" register --password=env:PW sip:alice@test.invalid &&
		"$RTE" invite --register -a sip:alice@test.invalid --password=env:PW --duration=10ms sip:echo@test.invalid &&
		echo "at $RTE_SERVER"'
	ended_with 0
	says '^200 OK  from 127\.0\.0\.1:'
	says '^registered  sip:alice@test\.invalid'
	says '^ended '
	at=$(sed -n 's/^at //p' <<<"$output")
	rte options "udp:$at"
	ended_with 11
	[ -z "$(find "$HOME" -type f)" ]
}
