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
	run --separate-stderr "$RTE" "$@"
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
	[ $# = 1 ] || grep -Eq -e "$2" <<<"$stderr" || what_happened
}
# usage_error PATTERN: exit 2, one line on stderr, nothing on stdout
usage_error() {
	ended_with 2 "$1"
	[ -z "$output" ] || what_happened
	[ "$(wc -l <<<"$stderr")" = 1 ] || what_happened
}
# says PATTERN: some line of stdout
says() {
	grep -Eq -e "$1" <<<"$output" || what_happened
}
# notes PATTERN: some line of stderr
notes() {
	grep -Eq -e "$1" <<<"$stderr" || what_happened
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
