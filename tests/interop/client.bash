# tests/interop/client.bash -- rte against the rigs: load client, which brings helper.bash of this folder and of ../cli
#
# Users, realm and passwords are those of kamailio.cfg.in: rte.test, and pw-U for user U.

load helper
load ../cli/helper

# client_home: fresh_home, but the certificates stay where they are; for setup()
client_home() {
	local certificates=$RTE_PKI
	fresh_home
	RTE_PKI=$certificates
}

# kamailio_with [NAME=VALUE...]: the Kamailio of this file runs with these options; it is only started when it must be
kamailio_with() {
	local dir=$BATS_FILE_TMPDIR/kamailio
	if kamailio rpc core.uptime >/dev/null 2>&1 && [ "$(tr '\0' ' ' <"$dir/with")" = "$(printf '%s\0' "$@" | tr '\0' ' ')" ]; then
		return
	fi
	kamailio stop
	kamailio_start "$@"
	printf '%s\0' "$@" >"$dir/with"
}
# detail USER NAME: a detail of the only binding of USER in Kamailio's location table: cseq, expires, q, path ...
detail() {
	kamailio contacts "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# register USER ARG...: `rte register` as USER, with the right password, at $at (127.0.0.1); see rte
register() {
	local user=$1
	shift
	SECRET=${secret:-pw-$user} rte register --server="${at:-127.0.0.1}" --cacert="$RTE_PKI/ca.pem" \
		--password=env:SECRET "$@" "sip:$user@rte.test"
}
# exits CODE [PATTERN]: what `rte --json` or `register -j` came to, and how some error record reads; the records are valid
exits() {
	[ "$status" = "$1" ] || what_happened
	check_records <<<"$output" || what_happened
	[[ ${output##*$'\n'} == *'"exit_code":'"$1",*'"type":"end"'* ]] || what_happened
	[ $# = 1 ] || record 'select(.type == "error") | .detail' | grep -Eq -e "$2" || what_happened
}
# took: elapsed_ms of the end record
took() {
	record 'select(.type == "end") | .elapsed_ms'
}
# within LOW HIGH NUMBER
within() {
	awk -v low="$1" -v high="$2" -v n="$3" 'BEGIN { exit !(n != "" && n + 0 >= low && n + 0 <= high) }' || {
		echo "$3 is not within $1 and $2"
		return 1
	}
}
# lapsed LOW HIGH NUMBER: the same with the ms of a clock that runs faster (lapsing): what a busy machine is late, it is late so
# many times more
lapsed() {
	within "$1" "$(($2 + lag))" "$3"
}
# apart LOW HIGH NUMBER: the same with the ms from one record to another. The first is written after what it tells of has begun, and
# what a busy machine is late with it (0.1 s is much) makes the rest shorter
apart() {
	lapsed "$(($1 - lag / 3))" "$2" "$3"
}

# ---- in the background: `rte register --keep --json`, its records in $BATS_TEST_TMPDIR/NAME

declare -gA kept=()
with=()
# keep NAME USER ARG...; what stands in the array `with` comes before rte: see lapsing
keep() {
	local name=$1 user=$2
	shift 2
	SECRET=pw-$user "${with[@]}" "$RTE" register --json --keep --server="${at:-127.0.0.1}" --cacert="$RTE_PKI/ca.pem" \
		--password=env:SECRET "$@" "sip:$user@rte.test" \
		>"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" </dev/null 3>&- &
	kept[$name]=$!
}
# begin NAME COMMAND ARG...: any other command, in the same way
begin() {
	local name=$1 command=$2
	shift 2
	"${with[@]}" "$RTE" "$command" --json "$@" >"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" </dev/null 3>&- &
	kept[$name]=$!
}
# lapsing FACTOR: the clock of what keep and begin start runs so much faster; see lapse. Its times and records are of that clock.
lapsing() {
	local library
	for library in /usr/lib/*/faketime/libfaketime.so.1; do
		[ -e "$library" ] || missing "libfaketime is not installed"
	done
	with=(env "LD_PRELOAD=$library" "FAKETIME=+0 x$1")
	lag=$((300 * $1))
}
# records NAME FILTER: the records so far that are FILTER, one a line
records() {
	jq -cR "fromjson? | select($2)" "$BATS_TEST_TMPDIR/$1"
}
# saw NAME N FILTER: at least N records are FILTER
saw() {
	jq -neR "[inputs | fromjson? | select($3)] | length >= $2" "$BATS_TEST_TMPDIR/$1" >/dev/null
}
# comes SECONDS NAME N FILTER: soon there are N such records
comes() {
	wait_for "$1" saw "$2" "$3" "$4" || kept_is "$2"
}
active='.type == "registration" and .state == "active"'
# stays NAME...: each is registered
stays() {
	local name
	for name; do
		comes 5 "$name" 1 "$active"
	done
}
kept_is() {
	cat "$BATS_TEST_TMPDIR/$1" "$BATS_TEST_TMPDIR/$1.err"
	return 1
}
# send NAME SIGNAL
send() {
	kill "-$2" "${kept[$1]}"
}
# ends NAME SECONDS CODE: it ends by itself, with CODE; its records are valid
ends() {
	local code=0
	wait_for "$2" gone "${kept[$1]}" || kept_is "$1"
	wait "${kept[$1]}" || code=$?
	unset "kept[$1]"
	echo "$1: exit $code"
	[ "$code" = "$3" ] || kept_is "$1"
	check_records <"$BATS_TEST_TMPDIR/$1" || kept_is "$1"
	[ "$(ended "$BATS_TEST_TMPDIR/$1")" = "$3" ] || kept_is "$1"
}
# stop NAME...: TERM, and an orderly end
stop() {
	local name
	for name; do
		send "$name" TERM
	done
	for name; do
		ends "$name" 4 0
	done
}
# kept_stop: for teardown()
kept_stop() {
	local name
	for name in "${!kept[@]}"; do
		kill -KILL "${kept[$name]}" 2>/dev/null || true
	done
}
