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
# one NUMBER CODE ARGUMENT...: what it prints in out.NUMBER and err.NUMBER, `NUMBER WANTED FOUND ARGUMENTS` in codes
one() {
	local code=0 number=$1 wanted=$2
	shift 2
	"$RTE" "$1" --json "${@:2}" >"$HOME/out.$number" 2>"$HOME/err.$number" </dev/null || code=$?
	echo "$number $wanted $code $*" >>"$HOME/codes"
}
export -f one

# batch: 250 of them
batch() {
	need jq
	serve_start --add-user=alice:env:PW --min-expires=1
	export RTE_SERVER=$udp
	commands 250 | shuf | nl -w 1 -s ' ' >"$HOME/list"
	timeout 170 xargs -P 8 -L 1 bash -c 'one "$@"' one <"$HOME/list"
	[ "$(wc -l <"$HOME/codes")" = 250 ]
	run awk '$2 != $3' "$HOME/codes"
	[ "$output" = '' ]
	# the last record of each tells the same code
	jq -nr 'reduce inputs as $r ({}; .[input_filename] = $r) | to_entries[] |
		"\(.key | sub(".*out[.]"; "")) \(.value | select(.type == "end").exit_code)"' "$HOME"/out.* | sort -n >"$HOME/told"
	diff <(sort -n "$HOME/codes" | awk '{ print $1, $3 }') "$HOME/told"
	run cat "$HOME"/err.*
	[ "$output" = '' ]
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
