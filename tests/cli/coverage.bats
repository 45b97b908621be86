#!/usr/bin/env bats
# tests/cli/coverage.bats -- every option, exit code and type of record is exercised by some test: a row that nobody tests is an
# error here. The tables are the program's own (--dump-options, --dump-exit-codes, cli/events.def).

load helper

setup() {
	fresh_home
	tests="$BATS_TEST_DIRNAME/*.bats $BATS_TEST_DIRNAME/../interop/*.bats $BATS_TEST_DIRNAME/../interop/*.bash"
}

# command_lines: what the tests run: without comments, names of tests and this file
command_lines() {
	# shellcheck disable=SC2086
	grep -hv -e '^[[:space:]]*#' -e '^@test' $(ls $tests | grep -v '/coverage\.bats$')
}

@test "every option is exercised" {
	local long short missing=
	command_lines >"$HOME/lines"
	while IFS=$'\t' read -r long short; do
		grep -qE -e "--$long([^a-z0-9-]|\$)" "$HOME/lines" ||
			{ [ -n "$short" ] && grep -qE -e "[ (]-[a-zA-Z]*$short( |\$)" "$HOME/lines"; } || missing+=" --$long"
	done < <("$RTE" --dump-options | awk -F '\t' '$6 !~ /hidden/ { print $2 "\t" $3 }' | sort -u)
	[ -z "$missing" ] || {
		echo "no test has$missing"
		return 1
	}
}

@test "every option of a command's own is exercised with that command" {
	local command long short missing= file
	while IFS=$'\t' read -r command long short; do
		file=$(grep -lE -e "--$long([^a-z0-9-]|\$)|[ (]-[a-zA-Z]*${short:-_}( |\$)" $tests |
			xargs -r grep -lwE -e "$command" | grep -v '/coverage\.bats$' | head -n 1)
		[ -n "$file" ] || missing+=" $command:--$long"
	done < <("$RTE" --dump-options | awk -F '\t' '$6 !~ /hidden/ && $5 == "" { print $1 "\t" $2 "\t" $3 }')
	[ -z "$missing" ] || {
		echo "no test has$missing"
		return 1
	}
}

@test "every exit code is seen" {
	local code name missing=
	command_lines >"$HOME/lines"
	while IFS=$'\t' read -r code name _; do
		[ "$name" != websocket ] || continue # reserved
		grep -qE "(ended_with|ends [^ ]+ [0-9]+|spawned_ends|came_to [^ ]+) $code( |\$)|= $code \]" "$HOME/lines" || missing+=" $code"
	done < <("$RTE" --dump-exit-codes)
	[ -z "$missing" ] || {
		echo "no test has$missing"
		return 1
	}
}

@test "every type of record is seen" {
	# json.bats compares what a run of everything prints with cli/events.def
	grep -q '^@test "every type that these commands can give is seen"' "$BATS_TEST_DIRNAME/json.bats"
	grep -q 'EVENT(' "$BATS_TEST_DIRNAME/json.bats"
}
