# tests/interop/calls.bash -- calls between rte and SIPp: load calls, which brings client.bash
#
# SIPp speaks from a ladder (ladder.awk) on stdin. $port (5070) is its port, $transport udp or tcp, $ip its address; they may
# stand before a command:  transport=tcp phone <<LADDER. Its messages: `sent` and `got`.

load client

port=5070 transport=udp ip=127.0.0.1 me=127.0.0.1
declare -gA phones=()

# sipp_command ARG...: SIPp for one call, in the array `sipp`
sipp_command() {
	sipp=(timeout -k 0.1 60 sipp "$@" -i "$ip" -t "${transport:0:1}1" -p "$port" -m "${call_count:-1}" -nostdin -recv_timeout 12000 -timer_resol 1
		-trace_msg -message_file "$dir/messages" -trace_err -error_file "$dir/errors")
}
scenario() { # DIR [SIPP-ARG...]: the arguments that name it (-sn, -sf: it is there), in the array `scenario`
	dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	scenario=("$@")
	[[ ${1:-} != -s[nf] ]] || return 0
	awk -f "$interop/ladder.awk" >"$dir/xml"
	scenario+=(-sf "$dir/xml")
}
sipp_says() {
	cat "$1/errors" 2>/dev/null
	grep -v '^$' "$1/messages" 2>/dev/null || cat "$1/screen"
	return 1
}

# sipp_last: for teardown(): what SIPp saw, when the test has failed
sipp_last() {
	local dir
	[ -z "$BATS_TEST_COMPLETED" ] || return 0
	for dir in "$BATS_TEST_TMPDIR"/sipp-*; do
		[ ! -d "$dir" ] || sipp_says "$dir" || true
	done
}

# ---- SIPp is called

# phone [SIPP-ARG...] <LADDER: waits for one call
phone() {
	need sipp
	local dir
	scenario "$BATS_TEST_TMPDIR/sipp-$port" "$@"
	sipp_command "${scenario[@]}"
	"${sipp[@]}" </dev/null >"$dir/screen" 2>&1 3>&- &
	phones[$port]=$!
	reap+=($!)
	wait_for 5 listening "$transport" "$port"
}
# phone_ends: its ladder was gone through to its end
phone_ends() {
	local code=0
	wait_for 6 gone "${phones[$port]}" || sipp_says "$BATS_TEST_TMPDIR/sipp-$port"
	wait "${phones[$port]}" || code=$?
	[ "$code" = 0 ] || sipp_says "$BATS_TEST_TMPDIR/sipp-$port"
}
# invites CODE ARG...: rte calls the phone: its records are in $output, both ends are checked
invites() {
	local code=$1
	shift
	rte invite --json "$@" "sip:sipp@$(in_uri "$ip"):$port;transport=$transport"
	exits "$code"
	phone_ends
}
in_uri() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# ---- SIPp calls

# listens ARG...: rte waits at port 5080, in the background
listens() {
	listen_port=$((port + 10))
	spawn "listen-$port" listen --json --listen="udp:$(in_uri "$ip"):$listen_port" --listen="tcp:$(in_uri "$ip"):$listen_port" "$@"
	printed "listen-$port" '"type":"listening"'
}
# caller [SIPP-ARG...] <LADDER: one call to rte, in the foreground
caller() {
	need sipp
	local dir
	scenario "$BATS_TEST_TMPDIR/sipp-$port" "$@"
	sipp_command "$(in_uri "$ip"):$listen_port" "${scenario[@]}"
	"${sipp[@]}" </dev/null >"$dir/screen" 2>&1 3>&- || {
		sipp_says "$dir" || true
		cat "$BATS_TEST_TMPDIR/listen-$port.out" "$BATS_TEST_TMPDIR/listen-$port.err"
		return 1
	}
}
# listened CODE [PATTERN]: rte has ended by itself; its records are in $output, see exits
listened() {
	local code=0
	wait_for 6 gone "$spawned" || kill -KILL "$spawned"
	wait "$spawned" || code=$?
	status=$code
	output=$(cat "$BATS_TEST_TMPDIR/listen-$port.out")
	stderr=$(cat "$BATS_TEST_TMPDIR/listen-$port.err")
	exits "$@"
}
# listen_stops CODE: the same after a TERM
listen_stops() {
	kill "$spawned"
	listened "$@"
}

# ---- what was on the wire, as SIPp saw it

# wire sent|received START [N]: the Nth (1) message that SIPp sent or received and that begins with START
wire() {
	awk -v way="$1" -v start="$2" -v wanted="${3:-1}" '
		/^-----------------------------------------------/ { inside = hit = 0; next }
		/^(UDP|TCP) message / { next_is = index($0, " message " way) > 0; inside = 0; next }
		/^\r?$/ && next_is == 1 && !inside { inside = 1; next }
		inside == 1 { inside = 2; hit = next_is && index($0, start) == 1 && ++n == wanted; next_is = 0 }
		hit { sub(/\r$/, ""); print }' "$BATS_TEST_TMPDIR/sipp-$port/messages" | grep .
}
sent() { wire sent "$@"; }
got() { wire received "$@"; }
# count START: how many messages SIPp received that begin so
count() {
	local n=0
	while got "$1" $((n + 1)) >/dev/null; do n=$((n + 1)); done
	echo "$n"
}
# field NAME: of the message on stdin
field() {
	sed -n "s/^$1: *//Ip"
}
# events FILTER: the values, on one line
events() {
	record "$1" | paste -sd ' '
}
# dialogs: the dialog records, as state[/cause] and so on
dialogs() {
	events 'select(.type == "dialog") | .dialog + ":" + .state + (if .cause then "/" + .cause else "" end) + (if .change then "/" + .change else "" end) + (if .extra then "/extra" else "" end)'
}
# is WANTED FOUND
is() {
	[ "$1" = "$2" ] || {
		printf 'wanted: %s\nfound:  %s\n' "$1" "$2"
		return 1
	}
}
# together FUNCTION...: each in a process of its own, at once
together() {
	local f code=0 failed=0
	local -A jobs=()
	for f; do
		( # no `||` around it: that would switch off errexit
			reap=()
			trap reap_all EXIT
			"$f"
		) >"$BATS_TEST_TMPDIR/$f.log" 2>&1 3>&- &
		jobs[$f]=$!
	done
	for f; do
		wait "${jobs[$f]}" || {
			echo "---- $f"
			cat "$BATS_TEST_TMPDIR/$f.log"
			failed=1
		}
	done
	return "$failed"
}
