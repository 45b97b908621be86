#!/usr/bin/env bats
# tests/cli/options.bats -- the command line: cli.md sections 4 to 8 and 13, and what is refused before anything is sent

load helper

setup() {
	fresh_home
}
teardown() {
	silent_stop
}

# The options of a command that take a value, one a line.
valued() {
	"$RTE" --dump-options | awk -F '\t' -v c="$1" '$1 == c && $4 != "" && $6 !~ /hidden/ { print $2 }'
}

# ---- popt

@test "an unknown option is named, and its value is not: it may be a secret" {
	rte register --pass-word=hunter2 sip:alice@example.com
	usage_error '^rte: register: unknown option "--pass-word"; did you mean --password\?$'
	rte register -Z sip:alice@example.com
	usage_error 'unknown option "-Z"'
	rte options -vZ sip:example.com
	usage_error 'unknown option "-Z"'
	rte --nonsense
	usage_error 'unknown option "--nonsense"'
}

@test "long options are not abbreviated" {
	rte options --time=5s sip:example.com
	usage_error 'unknown option "--time"'
}

@test "a flag takes no value, an option without its value is refused" {
	rte options --json=1 sip:example.com
	[ "$status" = 2 ]
	rte options --quiet=1 sip:example.com
	usage_error 'option "--quiet" takes no value'
	rte options --timeout
	usage_error 'option "--timeout" needs a value'
}

@test "no option takes an empty value: it is an unset shell variable" {
	for option in $(valued options); do
		rte options "--$option=" sip:example.com
		usage_error "^rte: options: --$option: the value is empty\$"
	done
	rte register --expires= sip:alice@example.com
	usage_error '--expires: the value is empty'
}

@test "no option takes CR or LF, and no argument does" {
	for option in $(valued options); do
		rte options "--$option=a"$'\r'"b" sip:example.com
		usage_error "^rte: options: --$option: the value holds a line break\$"
		rte options "--$option" "a"$'\n'"b" sip:example.com
		usage_error "^rte: options: --$option: the value holds a line break\$"
	done
	rte options $'sip:a\r\nX: y@example.com'
	usage_error 'argument "sip:a\\x0d\\x0aX: y@example.com" holds a line break'
	rte register $'sip:a@example.com\n'
	usage_error 'holds a line break'
}

@test "an empty argument, too few and too many" {
	rte options ''
	usage_error 'argument 1 \(URI\.\.\.\) is empty'
	rte options
	usage_error 'missing argument: URI'
	rte register
	usage_error 'missing argument: AOR'
	rte register sip:a@example.com sip:b@example.com
	usage_error 'too many arguments: "sip:b@example.com"'
	rte version now
	usage_error 'too many arguments: "now"'
}

@test "values stand behind = or in a word of their own; -- ends the options" {
	rte options -n --user-agent=one -- sip:example.com
	[ "$status" = 0 ]
	says '^(> )?User-Agent: .* one'
	rte options -n --user-agent two sip:example.com
	says 'User-Agent: .* two'
	rte options -n -H 'Subject: a' -HSubject:b sip:example.com
	says 'Subject: b'
	rte options -n -- --user-agent
	[ "$status" = 2 ]
}

# ---- commands

@test "an unknown command suggests the nearest" {
	rte regsiter sip:a@example.com
	usage_error '^rte: unknown command "regsiter"; did you mean register\?$'
	rte reg sip:a@example.com
	usage_error 'did you mean register\?'
	rte frobnicate
	usage_error 'unknown command "frobnicate"; rte --help lists them'
	rte
	usage_error 'no command'
}

@test "ping is options, and rte-options is rte options" {
	rte ping -n sip:example.com
	[ "$status" = 0 ]
	says 'OPTIONS sip:example.com SIP/2.0'
	ln -s "$RTE" "$BATS_TEST_TMPDIR/rte-options"
	captured "$BATS_TEST_TMPDIR/rte-options" -n sip:example.com
	[ "$status" = 0 ]
	says 'OPTIONS sip:example.com SIP/2.0'
	captured "$BATS_TEST_TMPDIR/rte-options" --nonsense
	usage_error '^rte: options: unknown option'
}

@test "common options may stand before the command word and add up" {
	rte -H 'X-One: 1' options -n -H 'X-Two: 2' sip:example.com
	[ "$status" = 0 ]
	says 'X-One: 1'
	says 'X-Two: 2'
	rte --user-agent=before options -n --user-agent=behind sip:example.com
	says 'User-Agent: .* behind'
	rte --p2p resolve sip:example.com
	usage_error '--p2p does not apply to resolve'
}

@test "--no-FOO clears a flag" {
	export RTE_COMPACT=yes
	rte options -n sip:example.com
	says '^(> )?f: '
	rte options -n --no-compact sip:example.com
	says '^(> )?From: '
	rte options --compact --no-compact -n sip:example.com
	says '^(> )?From: '
}

@test "aliases of ~/.popt work, exec lines do not" {
	cat >"$HOME/.popt" <<-'POPT'
		rte-options alias --mine --POPTdesc=$"my agent" --user-agent mine
		rte-options exec --run touch ran
		rte alias --lab --user-agent lab
	POPT
	rte options -n --mine sip:example.com
	[ "$status" = 0 ]
	says 'User-Agent: .* mine'
	rte --lab options -n sip:example.com
	says 'User-Agent: .* lab'
	rte options --help
	says '--mine +my agent'
	cd "$BATS_TEST_TMPDIR"
	rte options -n --run sip:example.com
	[ ! -e ran ]
	RTE_NO_CONFIG=1 rte options -n --mine sip:example.com
	usage_error 'unknown option "--mine"'
}

# ---- JSON (ruling 22)

json_usage() { # COMMAND
	[ "$status" = 2 ] || what_happened
	[ -z "$stderr" ] || what_happened
	[ "$(record .type | tr '\n' ' ')" = 'start error end ' ] || what_happened
	[ "$(record 'select(.type == "error") | .exit_name')" = usage ] || what_happened
	[ "$(record 'select(.type == "end") | .exit_code')" = 2 ] || what_happened
	[ -z "$1" ] || [ "$(record .command | sort -u)" = "$1" ] || what_happened
}

@test "with --json a usage error is NDJSON, wherever the option stands" {
	rte options --json --nonsense
	json_usage options
	rte options --nonsense -vj
	json_usage options
	rte -j options --timeout=soon sip:example.com
	json_usage options
	rte --json
	json_usage ''
	rte --json nonsense
	json_usage ''
	RTE_JSON=1 rte options --nonsense
	json_usage options
	rte options $'a\r\nb' -j
	json_usage options
	[ "$(record 'select(.type == "error") | .detail')" = 'argument "a\x0d\x0ab" holds a line break' ]
	rte options --nonsense -- --json
	usage_error nonsense
	RTE_JSON=1 rte options --no-json --nonsense
	usage_error nonsense
}

# ---- values

@test "values are checked, and the option is named" {
	while read -r option value; do
		rte options "--$option=$value" --server=127.0.0.1 sip:example.com
		usage_error "^rte: options: --$option: "
	done <<-'TABLE'
		timeout soon
		timeout 5x
		timeout -5
		timeout 0
		timeout 1e3
		timeout 100000h
		max-time 0
		t1 0
		t2 1ms
		retry -1
		retry 1x
		retry-delay x
		follow 21
		pool-size 0
		max-message 1
		max-forwards 256
		max-outstanding 0
		transport sctp
		transport UDP
		color blue
		on-drop retry
		tls-min 1.1
		auth basic
		auth digest,digest
		digest sha-1
		local host
		dns localhost
		connect 127.0.0.1
		connect host:5060
		connect 127.0.0.1:0
		advertise a:b:c:5060x
		resolve example.com
		listen 127.0.0.1:5060
		listen ws:127.0.0.1:5060
		type text
		aor :
		aor sip:
		server a b
		route <sip:a>
		require a,b
		header Subject
		header :x
		header Via:x
		header From:x
		header call-id:x
		header l:0
		add-header Subject:
		add-header i:x
		epid a b
		epid 12345678901234567
		epid auto
		dialect lcs
	TABLE
}

@test "times" {
	for t in 500ms 5 5s 0.5s 2m 1h 1.5; do
		rte options -n "--timeout=$t" sip:example.com
		[ "$status" = 0 ] || what_happened
	done
	for t in 5S 5sec s ms 1.0005 0.0001s '5 s' +5 ' 5'; do
		rte options -n "--timeout=$t" sip:example.com
		usage_error "--timeout: "
	done
}

@test "a value that goes into a message holds no control character" {
	rte options -n --display-name=$'a\tb\x01' sip:example.com
	usage_error '--display-name: '
	rte options -n --user-agent=$'\x7f' sip:example.com
	usage_error '--user-agent: '
	rte options -n -H $'Subject: \x1b[31m' sip:example.com
	usage_error '--header: '
	! grep -q $'\x1b' <<<"$stderr" || false
	rte options -n --user-agent=$'\xff' sip:example.com
	usage_error '--user-agent: '
}

@test "a bad target is exit 2" {
	for uri in 'sip:' 'sip:a b' 'http://example.com' 'sip:[::1' 'sip:a@example.com:99999'; do
		rte options "$uri"
		[ "$status" = 2 ] || what_happened
	done
	rte register 'sip:'
	[ "$status" = 2 ]
	rte register 'tel:+15550123'
	[ "$status" = 2 ]
}

@test "a target with headers, or for another method, is exit 2; its own method is not sent" {
	local command
	for command in options message subscribe invite refer; do
		local args=()
		case $command in
		message) args=(-d x) ;;
		subscribe) args=(-e presence) ;;
		refer) args=(--to=sip:c@192.0.2.3) ;;
		esac
		rte "$command" -n "${args[@]}" 'sip:bob@192.0.2.1?Priority=urgent'
		ended_with 2 'has headers, which are not taken from a URI: use --header'
		[ -z "$output" ]
		rte "$command" -n "${args[@]}" 'sip:bob@192.0.2.1;method=PUBLISH'
		ended_with 2 "asks for PUBLISH, not ${command^^}"
		rte "$command" -n "${args[@]}" "sip:bob@192.0.2.1;method=${command^^};x=1"
		ended_with 0
		says "^${command^^} sip:bob@192\.0\.2\.1;x=1 SIP/2\.0"
	done
	# what a REFER names, and what `request` sends, is the user's
	rte refer -n --to='sip:c@192.0.2.3;method=INVITE?Subject=x' sip:bob@192.0.2.1
	ended_with 0
	says '^Refer-To: <sip:c@192\.0\.2\.3;method=INVITE\?Subject=x>'
	rte request -n OPTIONS 'sip:bob@192.0.2.1;method=BYE?Subject=x'
	ended_with 0
	says '^OPTIONS sip:bob@192\.0\.2\.1;method=BYE\?Subject=x SIP/2\.0'
}

@test "header fields from the line and from a file" {
	printf 'X-A: 1\r\n\nX-B: two: three\n' >"$BATS_TEST_TMPDIR/headers"
	rte options -n -H "@$BATS_TEST_TMPDIR/headers" --add-header 'X-A: 2' --require=foo --supported=bar \
		-H 'User-Agent: mine' sip:example.com
	[ "$status" = 0 ]
	says 'X-A: 1'
	says 'X-A: 2'
	says 'X-B: two: three'
	says 'Require: foo'
	says 'Supported: .*bar'
	says 'User-Agent: mine'
	[ "$(grep -c 'User-Agent' <<<"$output")" = 1 ]
	rte options -n -H 'User-Agent:' sip:example.com
	! says User-Agent 2>/dev/null || false
	printf 'Via: x\n' >"$BATS_TEST_TMPDIR/headers"
	rte options -n -H "@$BATS_TEST_TMPDIR/headers" sip:example.com
	usage_error '--header: Via'
	printf 'X-A: a\0b\n' >"$BATS_TEST_TMPDIR/headers"
	rte options -n -H "@$BATS_TEST_TMPDIR/headers" sip:example.com
	usage_error 'NUL'
	rte options -n -H @/nonexistent sip:example.com
	ended_with 20 '/nonexistent: No such file'
}

# ---- which kind of endpoint (cli.md 5.1 and 5.3)

kind() { # ARG...: of the endpoint record
	rte options -j -n "$@" sip:bob@example.com
	[ "$status" = 0 ] || what_happened
	record 'select(.type == "endpoint") | .kind + " " + .manager'
}

@test "server based or peer to peer" {
	[ "$(kind)" = 'p2p server' ]
	[ "$(kind --server=127.0.0.1)" = 'server client' ]
	[ "$(kind --p2p)" = 'p2p server' ]
	[ "$(kind --proxy=sip:127.0.0.1)" = 'p2p server' ]
	[ "$(kind --server=127.0.0.1 --listen=udp:127.0.0.1:0)" = 'server server' ]
}

@test "the command line wins over files and the environment" {
	export RTE_SERVER=127.0.0.1
	[ "$(kind)" = 'server client' ]
	[ "$(kind --p2p)" = 'p2p server' ]
	[ "$(kind --proxy=sip:127.0.0.2)" = 'p2p server' ]
	unset RTE_SERVER
	export RTE_P2P=yes
	[ "$(kind)" = 'p2p server' ]
	[ "$(kind --server=127.0.0.1)" = 'server client' ]
	export RTE_SERVER=127.0.0.1
	[ "$(kind --no-p2p)" = 'server client' ]
}

@test "register is server based, its home server the domain of the AOR" {
	rte register -j -n sip:alice@example.com
	[ "$status" = 0 ]
	[ "$(record 'select(.type == "endpoint") | .kind + " " + .home_server')" = 'server example.com' ]
	RTE_P2P=yes rte register -j -n sip:alice@example.com
	[ "$(record 'select(.type == "endpoint") | .kind')" = server ]
	rte register --p2p sip:alice@example.com
	usage_error '--p2p: register needs a server'
	rte register --proxy=sip:example.com sip:alice@example.com
	usage_error '--proxy'
}

@test "what does not go together" {
	rte options --p2p --server=127.0.0.1 sip:example.com
	usage_error '--p2p with --server'
	rte options --proxy=sip:a --server=127.0.0.1 sip:example.com
	usage_error '--proxy with --server'
	rte options --listen=tls:127.0.0.1:0 sip:example.com
	usage_error '--listen: tls needs --cert and --key'
	rte options --mutual-tls sip:example.com
	usage_error '--mutual-tls without --listen=tls'
	rte options --cert=x sip:example.com
	usage_error '--cert without --key'
	rte options -4 -6 sip:example.com
	usage_error '--ipv4 with --ipv6'
	rte options -n -a sip:alice@example.com:5060 sip:example.com
	ended_with 2 port
}

@test "a peer-to-peer endpoint takes no credentials" {
	for option in --user=alice --password=env:PW --credentials=x --realm=x --preauth --accept-unsigned --auth=digest; do
		rte options "$option" sip:example.com
		usage_error "^rte: options: ${option%%=*}: a peer-to-peer endpoint cannot authenticate; add --server"
	done
	rte options -n --auth=none sip:example.com
	[ "$status" = 0 ]
	RTE_USER=alice RTE_PASSWORD=x rte options -v -n sip:example.com
	[ "$status" = 0 ]
	notes 'user is not used by a peer-to-peer endpoint'
}

# ---- running

@test "--max-time ends a command that nobody answers" {
	silent_start
	rte options --max-time=300ms -t udp "sip:127.0.0.1:$silent"
	ended_with 14 'max-time'
}

@test "a signal ends a command that nobody answers: 128 + n" {
	silent_start
	for signal in INT:130 TERM:143; do
		"$RTE" options --timeout=20s -v -t udp "sip:127.0.0.1:$silent" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		pid=$!
		wait_for 5 catches_signals "$pid"
		kill "-${signal%:*}" "$pid"
		code=0
		wait "$pid" || code=$?
		[ "$code" = "${signal#*:}" ]
	done
}

@test "a signal ends register --keep, too; the binding that nobody confirmed is no goal" {
	silent_start
	"$RTE" register --keep --timeout=20s -t udp --server="127.0.0.1:$silent" sip:alice@example.com 3>&- &
	pid=$!
	wait_for 5 catches_signals "$pid"
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" = 143 ]
}

@test "after the goal a signal is the orderly end: the binding is removed, exit 0" {
	"$RTE" serve --ready-file="$BATS_TEST_TMPDIR/ready" 3>&- &
	server=$!
	wait_for 5 test -s "$BATS_TEST_TMPDIR/ready"
	where=$(sed -n 's/.*udp[^0-9]*\([0-9.]*:[0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/ready" | head -n 1)
	for signal in INT TERM; do
		"$RTE" register -j --keep --server="$where" sip:alice@test.invalid >"$BATS_TEST_TMPDIR/out" 3>&- &
		pid=$!
		wait_for 5 grep -q '"state":"active"' "$BATS_TEST_TMPDIR/out"
		kill "-$signal" "$pid"
		code=0
		wait "$pid" || code=$?
		[ "$code" = 0 ]
		json "$BATS_TEST_TMPDIR/out" 'select(.type == "registration") | .state' | tail -n 1 | grep -qx terminated
	done
	# --max-time is such an end, too
	rte register -j --keep --max-time=500ms --server="$where" sip:alice@test.invalid
	[ "$status" = 0 ] || what_happened
	[ "$(record 'select(.type == "registration") | .state' | tail -n 1)" = terminated ]

	# the server is gone: the orderly end is bounded, and a second signal does not wait for it
	for second in '' INT; do
		"$RTE" register -j --keep --timeout=20s --server="$where" sip:alice@test.invalid \
			>"$BATS_TEST_TMPDIR/out" 3>&- &
		pid=$!
		wait_for 5 grep -q '"state":"active"' "$BATS_TEST_TMPDIR/out"
		kill -STOP "$server"
		start=$(date +%s%N)
		kill -TERM "$pid"
		if [ -n "$second" ]; then
			sleep 0.3
			kill "-$second" "$pid"
		fi
		code=0
		wait "$pid" || code=$?
		took=$((($(date +%s%N) - start) / 1000000))
		kill -CONT "$server"
		if [ -n "$second" ]; then
			[ "$code" = 130 ] && [ "$took" -lt 2000 ]
		else
			[ "$code" = 0 ] && [ "$took" -ge 2500 ] && [ "$took" -lt 6000 ]
		fi || {
			echo "second: $second, code: $code, took: $took ms"
			return 1
		}
	done
	kill "$server"
	wait "$server" || true
}

@test "a closed port is told at once" {
	silent_start
	silent_stop
	wait_for 5 eval '! silent_port'
	rte options --timeout=10s -t udp "sip:127.0.0.1:$silent"
	ended_with 11 'refused'
}

@test "the soft limit of open files is raised" {
	silent_start
	(
		ulimit -Sn 256
		exec "$RTE" options --timeout=20s -v -t udp "sip:127.0.0.1:$silent"
	) 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	wait_for 5 catches_signals "$pid"
	soft=$(awk '/Max open files/ { print $4 }' "/proc/$pid/limits")
	hard=$(awk '/Max open files/ { print $5 }' "/proc/$pid/limits")
	kill "$pid"
	wait "$pid" || true
	[ "$soft" = "$hard" ]
}
