# tests/helper.bash -- what every bats file may use: load ../helper
#
# $RTE is the program under test (tests/run.sh sets it), $top the checkout. With $RTE_SANITIZED set it is the
# sanitizer build, which is slow: tests of times carry the tag `release` and do not run then.

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
: "${RTE:=$top/build/cli/rte}"
export RTE

# need PROGRAM...: without one of them the test did not run; with CI=true that is a failure.
need() {
	local program
	for program; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null && continue
		missing "$program is not installed"
	done
}
# missing WHY: for whatever else a test cannot do without
missing() {
	if [ "${CI:-}" = true ]; then
		echo "$1" >&2
		return 1
	fi
	skip "$1"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when the time is over. SECONDS may be a fraction.
wait_for() {
	local limit=$1 fraction=000000 deadline
	shift
	[[ $limit != *.* ]] || fraction=${limit#*.}00000
	deadline=$((${EPOCHREALTIME/[.,]/} + 10#0${limit%%.*}${fraction:0:6}))
	until "$@" >/dev/null 2>&1; do
		if ((${EPOCHREALTIME/[.,]/} >= deadline)); then
			echo "waited $limit s in vain for: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

# captured COMMAND...: $status, $output (stdout) and $stderr, each of them whole; `run --separate-stderr` without its four processes
captured() {
	local files=$BATS_TEST_TMPDIR/captured.$BASHPID
	status=0
	"$@" >"$files.out" 2>"$files.err" || status=$?
	output=$(<"$files.out")
	stderr=$(<"$files.err")
}
# any_line PATTERN TEXT: some line of TEXT looks like PATTERN (an extended regular expression)
any_line() {
	local line
	if ((${#2} > 4000)); then # grep is worth its process
		grep -Eq -e "$1" <<<"$2"
		return
	fi
	while IFS= read -r line; do
		[[ ! $line =~ $1 ]] || return 0
	done <<<"$2"
	return 1
}

# lapse FACTOR COMMAND...: COMMAND with a clock that runs FACTOR times faster: `lapse 60 $RTE register --keep ...`
# sees an hour pass in a minute. Give rte a long --timeout (ruling 35): its peers keep real time.
lapse() {
	local factor=$1 library
	shift
	for library in /usr/lib/*/faketime/libfaketime.so.1; do
		[ -e "$library" ] || missing "libfaketime is not installed"
	done
	LD_PRELOAD=$library FAKETIME="+0 x$factor" "$@"
}

# json FILE FILTER: what jq -r makes of the records of FILE: json out 'select(.type == "end") | .exit_code'
json() {
	jq -r "$2" "$1"
}
# ended FILE: the exit code that the last record names
ended() {
	tail -n 1 "$1" | sed -n 's/.*"exit_code":\([0-9]*\),.*"type":"end".*/\1/p'
}

# check_records [-c] <FILE: every record fits cli/events.def and the order of a run; -c: of a piece of one
check_records() {
	"${RTE%/cli/rte}/tests/tools/jsoncheck" "$@"
}
