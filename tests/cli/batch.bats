#!/usr/bin/env bats
# tests/cli/batch.bats -- a thousand mixed commands as a CI job runs them: in parallel, with --json, each with an exit code that is
# known beforehand

load helper

setup() {
	fresh_home
	export PW=pw-alice WRONG=wrong
}
teardown() {
	reap_all
}

# commands N: N lines `CODE ARGUMENTS`, mixed
commands() {
	local i
	printf 'OPTIONS sip:a@b SIP/2.0\r\nnothing\r\n\r\n' >"$HOME/malformed"
	for ((i = 0; i < $1; i++)); do
		case $((i % 20)) in
		0) echo "0 options sip:echo@test.invalid" ;;
		1) echo "4 options sip:404@test.invalid" ;;
		2) echo "5 options --no-retry-after sip:503@test.invalid" ;;
		3) echo "6 options sip:604@test.invalid" ;;
		4) echo "0 options --expect=404 sip:404@test.invalid" ;;
		5) echo "17 options --expect=404 sip:echo@test.invalid" ;;
		6) echo "0 message -d hello$i sip:echo@test.invalid" ;;
		7) echo "0 register --password=env:PW sip:alice@test.invalid" ;;
		8) echo "7 register --password=env:WRONG sip:alice@test.invalid" ;;
		9) echo "22 register --auth=none sip:alice@test.invalid" ;;
		10) echo "0 invite --register -a sip:alice@test.invalid --password=env:PW sip:echo@test.invalid" ;;
		11) echo "8 invite --register -a sip:alice@test.invalid --password=env:PW sip:busy@test.invalid" ;;
		12) echo "0 publish --keep --max-time=200ms --password=env:PW --status=open sip:alice@test.invalid" ;;
		13) echo "0 subscribe --password=env:PW -a sip:alice@test.invalid -e presence --fetch sip:alice@test.invalid" ;;
		14) echo "11 options --server=127.0.0.1:1 sip:x@test.invalid" ;;
		15) echo "14 options --timeout=300ms sip:silent@test.invalid" ;;
		16) echo "15 parse $HOME/malformed" ;;
		17) echo "0 request -t tcp INFO sip:echo@test.invalid" ;;
		18) echo "2 options --nonesuch sip:x@test.invalid" ;;
		19) echo "0 resolve sip:192.0.2.1" ;;
		esac
	done
}
# one NUMBER CODE ARGUMENT...: the exit code, the last record, and a line when something is wrong
one() {
	local code=0 out=$HOME/out.$1 wanted=$2
	shift 2
	"$RTE" "$1" --json "${@:2}" >"$out" 2>"$out.err" </dev/null || code=$?
	[ "$code" = "$wanted" ] && [ "$(tail -n 1 "$out" | jq -r '.type + " " + (.exit_code | tostring)')" = "end $code" ] &&
		[ ! -s "$out.err" ] || echo "wanted $wanted, exit $code: $*: $(tail -n 2 "$out" | tr '\n' ' ') $(cat "$out.err")"
	echo done >>"$HOME/done"
}
export -f one

# batch: 250 of them
batch() {
	need parallel jq
	serve_start --add-user=alice:env:PW --min-expires=1
	export RTE_SERVER=$udp
	commands 250 | shuf >"$HOME/list"
	# each word of a line is an argument of its own
	SHELL=/bin/bash timeout 170 parallel --will-cite -j 8 --colsep ' ' 'one {#} {=uq=}' :::: "$HOME/list" >"$HOME/wrong" 2>&1 || true
	[ ! -s "$HOME/wrong" ] || {
		head -n 20 "$HOME/wrong"
		return 1
	}
	[ "$(wc -l <"$HOME/done")" = 250 ]
	# and all that they said fits the schema
	cat "$HOME"/out.* | check_records
}

# Four tests, so that none takes long.
# bats test_tags=release
@test "a thousand mixed commands in parallel, no wrong exit code: the first quarter" {
	batch
}
# bats test_tags=release
@test "a thousand mixed commands: the second quarter" {
	batch
}
# bats test_tags=release
@test "a thousand mixed commands: the third quarter" {
	batch
}
# bats test_tags=release
@test "a thousand mixed commands: the last quarter" {
	batch
}
