#!/usr/bin/env bats
# tests/cli/live.bats -- the line on a terminal that says what is being waited for: cli.md 10.1
#
# Each command runs on a pseudo-terminal of its own, of a width that is set. tests/tools/screen shows what that looks like:
# whatever of the line is left behind, wraps or comes out as a control sequence is seen there.

load helper

setup() {
	fresh_home
	export TERM=xterm LC_ALL=C.UTF-8 SHELL=/bin/bash
	need script stty
}
teardown() {
	reap_all
	silent_stop
}

# on_terminal NAME COLUMNS COMMAND: a shell command in the background; what the terminal is sent is in $BATS_TEST_TMPDIR/NAME
on_terminal() {
	local keys=$BATS_TEST_TMPDIR/$1.keys
	mkfifo "$keys"
	script -qec "stty cols $2 rows 24; $3" /dev/null <"$keys" >"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
	terminals[$1]=$!
	reap+=($!)
	columns[$1]=$2
	exec {keyboard}>"$keys" # of the latest one
}
declare -gA terminals columns
# type_keys TEXT
type_keys() {
	# shellcheck disable=SC2059
	printf "$1" >&"$keyboard"
}
# sent NAME PATTERN: within 20 s
sent() {
	wait_for 20 grep -aEq -e "$2" "$BATS_TEST_TMPDIR/$1" || {
		cat -v "$BATS_TEST_TMPDIR/$1"
		return 1
	}
}
# terminal_ends NAME CODE
terminal_ends() {
	local code=0
	wait_for 20 gone "${terminals[$1]}"
	wait "${terminals[$1]}" || code=$?
	[ "$code" = "$2" ] || {
		echo "exit code $code"
		cat -v "$BATS_TEST_TMPDIR/$1"
		return 1
	}
}
# screen NAME: what the terminal shows
screen() {
	"${RTE%/cli/rte}/tests/tools/screen" "${columns[$1]}" <"$BATS_TEST_TMPDIR/$1"
}
# shows NAME TEXT: that, and nothing else
shows() {
	[ "$(screen "$1")" = "$2" ] || {
		cat -v "$BATS_TEST_TMPDIR/$1"
		screen "$1"
		return 1
	}
}
# no_line NAME: it was never drawn
no_line() {
	! grep -aEq $'\r[a-z]|\x1b\\[K|waiting' "$BATS_TEST_TMPDIR/$1" || {
		cat -v "$BATS_TEST_TMPDIR/$1"
		return 1
	}
}

@test "after a second: what is waited for and for how long; in the end the screen is as without" {
	silent_start
	register="register --server=127.0.0.1:$silent -t udp --timeout=4s sip:alice@example.com"
	on_terminal term 120 "$RTE $register"
	sent term $'\rregister sip:alice@example\\.com: [1-4] s, waiting for an answer from 127\\.0\\.0\\.1:'"$silent"$' udp \\(of 4 s\\)\x1b\\[K'
	terminal_ends term 14
	[ "$(grep -ao 'waiting for' "$BATS_TEST_TMPDIR/term" | wc -l)" -gt 1 ]
	# shellcheck disable=SC2086
	rte $register
	ended_with 14
	[ "$(screen term | sed 's/within 4.*/within 4 s/')" = "${stderr%within 4*}within 4 s" ] || shows term "$stderr"
}

@test "it never wraps: 80 columns, and 20, and what Ctrl-C echoes" {
	silent_start
	register="$RTE register --server=127.0.0.1:$silent -t udp --timeout=20s sip:alice-with-a-long-name@sub.domain.example.com"
	on_terminal wide 80 "$register"
	first=$keyboard
	on_terminal narrow 20 "$register"
	sent wide 'waiting'
	sent narrow $'\x1b\\[K'
	screen wide | grep -Eqx 'register sip:alice-with-a-long-name@sub\.domain\.example\.com: [0-9]+ s, waiting for ?'
	[ "$(screen wide | wc -l)" = 1 ]
	shows narrow 'register sip:alic'
	type_keys '\003'
	keyboard=$first
	type_keys '\003'
	terminal_ends wide 130
	terminal_ends narrow 130
	! screen wide | grep 'waiting\|\^C\|^register' || false
	! screen narrow | grep 'waiting\|\^C\|^register' || false
}

@test "no width, an absurd width" {
	silent_start
	for width in 0 1 3 4; do
		on_terminal "w$width" "$width" "$RTE options --timeout=2500ms udp:127.0.0.1:$silent"
	done
	for width in 0 1 3 4; do
		terminal_ends "w$width" 14
	done
	grep -aq 'options udp:127.0.0.1:.* s, waiting for' "$BATS_TEST_TMPDIR/w0"
	! grep -aq '^.options' "$BATS_TEST_TMPDIR/w3" || false
	grep -aq $'\ro\x1b\\[K' "$BATS_TEST_TMPDIR/w4"
}

@test "what a peer says stays in the line" {
	peer_start udp
	printf 'SIP/2.0 183 \x1b[2JHa\x07\xc2\x9b5m%s\n%s\nContent-Length: 0\n\n' 中中中中中中中中中中中中 "$peer_head" | peer_answer
	on_terminal long 200 "$RTE options --timeout=60s udp:$peer"
	first=$keyboard
	on_terminal short 60 "$RTE options --timeout=60s udp:$peer"
	sent long ', 183 \\x1b\[2JHa\\x07\\xc2\\x9b5m中+, waiting for a final answer from '"$peer udp"
	sent short ', 183 '
	[ "$(screen long | wc -l)" = 1 ]
	[ "$(screen short | wc -l)" = 1 ]
	[ "$(screen short | wc -m)" -lt 60 ]
	type_keys '\003'
	keyboard=$first
	type_keys '\003'
	terminal_ends long 130
	terminal_ends short 130
	shows long ''
	shows short ''
}

@test "batches: how many of how many, and how many failed" {
	silent_start
	printf 'udp:127.0.0.1:%s\n' "$silent" 1 "$silent" >"$HOME/list"
	each="--each=$HOME/list --timeout=4s"
	on_terminal options 100 "$RTE options -c 2 -i 1s --timeout=2s udp:127.0.0.1:$silent udp:127.0.0.1:1"
	on_terminal message 100 "$RTE message -d x $each"
	on_terminal subscribe 100 "$RTE subscribe --p2p -e presence $each"
	sent options $'\roptions: [1-4] of 4, [1-4] failed, [0-9]+ s\x1b\\[K'
	sent message $'\rmessage: 1 of 3, 1 failed, [0-9]+ s\x1b\\[K'
	sent subscribe $'\rsubscribe: 1 of 3, 1 failed, [0-9]+ s\x1b\\[K'
	for name in "${!terminals[@]}"; do
		wait_for 20 gone "${terminals[$name]}"
		[ "$(screen "$name" | grep -c .)" -gt 2 ]
		! screen "$name" | grep ' of [34], ' || false
	done
	[ "$(screen options | tail -n 1 | cut -d, -f1)" = '4 sent' ]
	[ "$(screen options | wc -l)" = 5 ]
}

@test "not a byte of it: pipes and files, -q, --json, traces, TERM=dumb, jobs in the background" {
	silent_start
	options="options --timeout=2500ms udp:127.0.0.1:$silent"
	on_terminal seen 100 "$RTE $options >$HOME/out"
	on_terminal file 100 "$RTE $options 2>$HOME/err"
	on_terminal pipe 100 "$RTE $options | cat"
	on_terminal quiet 100 "$RTE -q $options"
	on_terminal json 100 "$RTE --json $options"
	on_terminal verbose 100 "$RTE -v $options"
	on_terminal trace 100 "$RTE --trace=% $options"
	on_terminal dumb 100 "TERM=dumb $RTE $options"
	on_terminal empty 100 "TERM= $RTE $options"
	on_terminal unset 100 "unset TERM; $RTE $options"
	on_terminal job 100 "set -m; $RTE $options & wait"
	on_terminal resolve 100 "$RTE resolve 127.0.0.1; $RTE serve --for=2s"
	for name in "${!terminals[@]}"; do
		wait_for 20 gone "${terminals[$name]}"
		[ "$name" = seen ] || no_line "$name"
	done
	sent seen waiting
	[ ! -s "$HOME/out" ]
	[ ! -s "$BATS_TEST_TMPDIR/file" ]
	[[ $(cat "$HOME/err") == "rte: options udp:127.0.0.1:$silent: no response from 127.0.0.1:$silent udp within 2.5"* ]]
	[ "$(wc -l <"$HOME/err")" = 1 ]
	sent job '^.*rte:.* no response'
}

@test "a trace into a file does no harm" {
	silent_start
	on_terminal term 100 "$RTE options --trace=$HOME/trace --timeout=2500ms udp:127.0.0.1:$silent"
	terminal_ends term 14
	sent term waiting
	grep -q '^>  OPTIONS' "$HOME/trace"
	! grep -q waiting "$HOME/trace" || false
}

@test "listen: requests so far; Ctrl-C leaves a clean line" {
	on_terminal term 100 "$RTE listen --listen=udp:127.0.0.1:0"
	sent term 'listen: [0-9]+ s, listening, 0 requests so far'
	port=$(sed -n 's/.*udp 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/term" | head -n 1)
	rte options "udp:127.0.0.1:$port"
	ended_with 0
	sent term 'listen: [0-9]+ s, listening, 1 request so far'
	screen term | grep -q '^listen: .* 1 request so far$'
	type_keys '\003'
	terminal_ends term 0
	[ "$(screen term | head -n 1)" = "listening   udp 127.0.0.1:$port" ]
	! screen term | grep '^listen:\|so far\|\^C' || false
}

@test "a second Ctrl-C, which ends at once, leaves a clean line, too" {
	silent_start
	on_terminal term 100 "$RTE register --server=127.0.0.1:$silent -t udp --timeout=20s sip:alice@example.com"
	sent term waiting
	type_keys '\003'
	sent term $'\\^C\r\x1b\\[K' # the first one was noticed
	type_keys '\003'
	terminal_ends term 130
	shows term ''
}

@test "registered, ringing, in a call, subscribed, connecting" {
	need socat ss
	serve_start --auth=none
	on_terminal register 120 "$RTE register --keep -x 600 --server=$udp sip:alice@test.invalid"
	on_terminal invite 120 "$RTE invite --ring-timeout=2s udp:ring@$udp; $RTE invite --duration=3s sip:echo@$udp"
	on_terminal subscribe 120 "$RTE subscribe -e presence --server=$udp -a sip:bob@test.invalid sip:alice@test.invalid"
	sent register 's, registered, refresh in [0-9]+ min'
	sent subscribe 's, subscribed, 1 notification so far, refresh in [0-9]+ min'
	sent invite 's, ringing'
	sent invite 's, in a call'
	peer_start tcp
	on_terminal connect 120 "$RTE options --timeout=3s tls:$peer"
	sent connect "options tls:$peer: [0-9]+ s, resolving or connecting"
	on_terminal name 120 "$RTE options -4 --timeout=3s tls:localhost:${peer#*:}"
	sent name "connecting to $peer tls"
}

@test "rte run: the step that is under way" {
	printf '%s\n' '[endpoint a]' '[steps]' 'expect a no call within 4s' >"$BATS_TEST_TMPDIR/s"
	on_terminal steps 80 "$RTE run $BATS_TEST_TMPDIR/s"
	sent steps $'\rrun: [1-4] s, line 3, expect a no call within 4s \\(of 4 s\\)\x1b\\[K'
	terminal_ends steps 0
	screen steps | grep -Eq '^ok +3  expect a no call within 4s'
	! screen steps | grep '^run:' || false
}
