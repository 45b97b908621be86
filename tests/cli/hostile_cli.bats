#!/usr/bin/env bats
# What hostile neighbours do to the program: found by review, kept as cases.
load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
}

@test "serve --control: what is not a FIFO is refused, not read for ever" {
	printf 'drop alice\n' >"$BATS_TEST_TMPDIR/plain"
	for path in "$BATS_TEST_TMPDIR/plain" /dev/null; do
		rte serve --control="$path" --for=5s
		ended_with 20 'is not a FIFO'
	done
}

@test "a reader that does not read: a signal ends the command all the same" {
	serve_start --auth=none
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	sleep 20 <"$BATS_TEST_TMPDIR/pipe" 3>&- &
	reader=$!
	"$RTE" options -j -v -c 100000 -i 1ms "udp:$udp" >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	writer=$!
	reap+=("$reader" "$writer")
	sleep 1
	kill -TERM "$writer"
	code=0
	wait_for 5 sh -c "! kill -0 $writer 2>/dev/null || grep -q '^State:.Z' /proc/$writer/status"
	wait "$writer" || code=$?
	[ "$code" = 1 ]
}
