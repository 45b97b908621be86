# tests/cli/helper.bash -- for the bats files of this folder: load helper

load ../helper
bats_require_minimum_version 1.5.0

# fresh_home: no settings of the caller, an empty home; for setup()
fresh_home() {
	local name
	for name in $(compgen -e RTE_); do
		[ "$name" = RTE_SANITIZED ] || unset "$name"
	done
	unset SSLKEYLOGFILE NO_COLOR POSIXLY_CORRECT
	export HOME=$BATS_TEST_TMPDIR/home
	export XDG_CONFIG_HOME=$HOME/.config XDG_STATE_HOME=$HOME/.local/state
	mkdir -p "$XDG_CONFIG_HOME/rte"
}

# rte ARG...: $status, $output (stdout) and $stderr, each of them whole
rte() {
	captured "$RTE" "$@"
}
# what_happened: for a test that fails
what_happened() {
	echo "status: $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
	return 1
}
# ended_with CODE [PATTERN]: the exit code, and what some line of stderr looks like (an extended regular expression)
ended_with() {
	[ "$status" = "$1" ] || what_happened
	[ $# = 1 ] || any_line "$2" "$stderr" || what_happened
}
# usage_error PATTERN: exit 2, one line on stderr, nothing on stdout
usage_error() {
	ended_with 2 "$1"
	[ -z "$output" ] || what_happened
	[[ $stderr != *$'\n'* ]] || what_happened
}
# says PATTERN: some line of stdout
says() {
	any_line "$1" "$output" || what_happened
}
# notes PATTERN: some line of stderr
notes() {
	any_line "$1" "$stderr" || what_happened
}
# record FILTER: of the records on stdout, with jq -r
record() {
	jq -r "$1" <<<"$output"
}
# config [NAME]: the configuration (or another file of that folder) is what stands on stdin
config() {
	cat >"$XDG_CONFIG_HOME/rte/${1:-config}"
}

# silent_start: a UDP socket of 127.0.0.1 that never answers; its port is $silent
silent_start() {
	need socat ss
	socat -u UDP4-RECV:0,bind=127.0.0.1 OPEN:/dev/null 3>&- &
	silent_pid=$!
	wait_for 5 silent_port
	silent=$(silent_port)
}
silent_port() {
	ss -Hlunp | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$silent_pid,.*/\1/p" | grep .
}
silent_stop() {
	[ -z "${silent_pid:-}" ] || kill "$silent_pid" 2>/dev/null || true
}

# catches_signals PID: INT and TERM have handlers, so the program is in its loop
catches_signals() {
	local mask
	mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
	((0x$mask & 0x2 && 0x$mask & 0x4000))
}

# ---- rte serve, scripted peers and other programs in the background; reap_all in teardown() ends them

declare -ga reap=()
reap_all() {
	local pid
	for pid in "${reap[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	reap=()
}

# serve_start ARG...: `rte serve`; its ports are $udp $tcp $tls (HOST:PORT), its CA $ca (with --tls-auto), what it prints in
# $BATS_TEST_TMPDIR/serve.out and serve.err, its process $serve
serve_start() {
	local ready=$BATS_TEST_TMPDIR/ready
	rm -f "$ready"
	TMPDIR=$BATS_TEST_TMPDIR "$RTE" serve --ready-file="$ready" "$@" >"$BATS_TEST_TMPDIR/serve.out" \
		2>"$BATS_TEST_TMPDIR/serve.err" 3>&- &
	serve=$!
	reap+=("$serve")
	wait_for 10 serve_settled
	[ -s "$ready" ] || {
		cat "$BATS_TEST_TMPDIR/serve.err"
		return 1
	}
	udp=$(sed -n 's/^udp://p' "$ready" | head -n 1)
	tcp=$(sed -n 's/^tcp://p' "$ready" | head -n 1)
	tls=$(sed -n 's/^tls://p' "$ready" | head -n 1)
	ca=$(echo "$BATS_TEST_TMPDIR"/rte-*/ca.pem)
}
serve_settled() {
	[ -s "$BATS_TEST_TMPDIR/ready" ] || gone "$serve"
}
# serve_end [SIGNAL]: ends it, and gives its exit code
serve_end() {
	local code=0
	kill "-${1:-TERM}" "$serve"
	wait "$serve" || code=$?
	return "$code"
}

# peer_start udp|tcp: a scripted peer that answers with the file $peer_says (and $peer_says.N); its address is $peer
peer_start() {
	need socat ss
	local listen=UDP4-RECVFROM:0,bind=127.0.0.1,fork
	[ "$1" = udp ] || listen=TCP4-LISTEN:0,bind=127.0.0.1,fork
	peer_says=$BATS_TEST_TMPDIR/peer.says
	# -t: how long an answer may take on a busy machine
	socat -t 10 "$listen" EXEC:"$BATS_TEST_DIRNAME/peer.sh $peer_says" 2>/dev/null 3>&- &
	reap+=($!)
	wait_for 5 peer_port $!
	peer=127.0.0.1:$(peer_port $!)
}
peer_port() {
	ss -Hlntup | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$1,.*/\1/p" | grep .
}
# peer_answer NAME <<TEXT: what it answers; NAME is empty, or .N
peer_answer() {
	cat >"$peer_says${1:-}"
}
# The usual header fields of an answer, for peer_answer.
peer_head='Via: {Via}
From: {From}
To: {To};tag=peer
Call-ID: {Call-ID}
CSeq: {CSeq}'

# phone_start SCENARIO [ARG...]: SIPp plays sipp/SCENARIO.xml once, over UDP; its address is $phone. ARG: -key NAME VALUE
phone_start() {
	need sipp ss
	local scenario=$1 dir=$BATS_TEST_TMPDIR/phone
	shift
	mkdir -p "$dir"
	: >"$dir/messages"
	for _ in 1 2 3 4 5; do
		phone=127.0.0.1:$((20000 + RANDOM % 10000))
		sipp -sf "$BATS_TEST_DIRNAME/sipp/$scenario.xml" -i 127.0.0.1 -p "${phone#*:}" -t u1 -m 1 -nostdin "$@" \
			-trace_msg -message_file "$dir/messages" -trace_err -error_file "$dir/errors" \
			</dev/null >"$dir/screen" 2>&1 3>&- &
		phone_pid=$!
		reap+=("$phone_pid")
		wait_for 5 phone_settled
		! gone "$phone_pid" || continue
		return 0
	done
	cat "$dir/screen"
	return 1
}
phone_settled() {
	ss -Hlun "sport = :${phone#*:}" | grep -q . || gone "$phone_pid"
}
# phone_content: the scenario was played to its end
phone_content() {
	wait_for 10 gone "$phone_pid"
	wait "$phone_pid" || {
		tail -n 40 "$BATS_TEST_TMPDIR/phone/errors" "$BATS_TEST_TMPDIR/phone/screen"
		return 1
	}
}
# phone_heard PATTERN: some line that it received
phone_heard() {
	awk '/ message received / { on = 1 } / message sent / { on = 0 } on' "$BATS_TEST_TMPDIR/phone/messages" |
		grep -Eq -e "$1" || {
		cat "$BATS_TEST_TMPDIR/phone/messages"
		return 1
	}
}

# spawn NAME ARG...: rte in the background: its process is $spawned, what it prints in $BATS_TEST_TMPDIR/NAME.out and .err
spawn() {
	local name=$1
	shift
	rm -f "$BATS_TEST_TMPDIR/$name".{out,err} # nobody shall find what an earlier one has said
	"$RTE" "$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
	spawned=$!
	reap+=("$spawned")
}
# printed NAME PATTERN: within 10 s
printed() {
	wait_for 10 grep -Eq -e "$2" "$BATS_TEST_TMPDIR/$1.out" || {
		cat "$BATS_TEST_TMPDIR/$1.out" "$BATS_TEST_TMPDIR/$1.err"
		return 1
	}
}
# spawned_ends CODE NAME [PATTERN]: the spawned one ends (within 10 s) with this code; a line of its stderr looks like PATTERN
spawned_ends() {
	local code=0
	wait_for 10 gone "$spawned"
	wait "$spawned" || code=$?
	[ "$code" = "$1" ] && { [ $# = 2 ] || grep -Eq -e "$3" "$BATS_TEST_TMPDIR/$2.err"; } || {
		echo "exit code $code"
		cat "$BATS_TEST_TMPDIR/$2.out" "$BATS_TEST_TMPDIR/$2.err"
		return 1
	}
}
# It is gone, or a zombie that we have yet to wait for.
gone() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	stat=${stat##*) }
	[ "${stat:0:1}" = Z ]
}

# records: what is on stdout fits the schema, and its end has the exit code
records() {
	check_records <<<"$output" || what_happened
	[ "$(ended <(printf '%s\n' "$output"))" = "$status" ] || what_happened
}
