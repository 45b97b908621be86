#!/usr/bin/env bats
# tests/cli/config_cmd.bats -- rte config: what is set, for whom, and where it comes from

load helper

setup() {
	fresh_home
	file=$XDG_CONFIG_HOME/rte/config
	config <<-'EOF'
		# a comment
		timeout = 5s
		quiet = no
		expires = 30
		password = pass:k4n4ry
		[profile lab]
		timeout = 3s
		header = X-B: 2
		header = X-A: 1
		compact
	EOF
}

@test "the options of all commands, of one, and of a profile; the winning layer only" {
	rte config
	ended_with 0
	[ "$output" = $'password = pass:<masked>\nquiet = no\ntimeout = 5s' ] || what_happened
	rte config register
	[ "$output" = $'expires = 30\npassword = pass:<masked>\nquiet = no\ntimeout = 5s' ] || what_happened
	rte config -P lab message
	[ "$output" = $'compact\nheader = X-B: 2\nheader = X-A: 1\npassword = pass:<masked>\nquiet = no\ntimeout = 3s' ] || what_happened
	RTE_TIMEOUT=1s RTE_PROFILE=lab rte config options
	says '^timeout = 1s$'
	says '^compact$'
	rte config version
	ended_with 0
	[ -z "$output" ] || what_happened
	rte config --no-config
	[ -z "$output" ] || what_happened
}

@test "origins: files with lines, variables" {
	RTE_RETRY=3 rte config --origin -P lab message
	ended_with 0
	says "^# RTE_RETRY\$"
	diff <(printf '%s\n' "# $file:10" compact "# $file:8" 'header = X-B: 2' "# $file:9" 'header = X-A: 1' "# $file:5" \
		'password = pass:<masked>' "# $file:3" 'quiet = no' '# RTE_RETRY' 'retry = 3' "# $file:7" 'timeout = 3s') \
		<(echo "$output") || what_happened
}

@test "what it prints is a configuration" {
	rte config -P lab message
	grep -v '^password' <<<"$output" >"$HOME/again"
	rte config --config="$HOME/again" message
	[ "$output" = "$(cat "$HOME/again")" ] || what_happened
}

@test "what says which file is read is a comment in what it prints" {
	printf 'timeout = 5s\n[profile lab]\nfollow = 2\n' >"$HOME/other"
	RTE_CONFIG=$HOME/other RTE_PROFILE=lab RTE_NO_CONFIG=no rte config options
	ended_with 0
	says '^# profile = lab$'
	says '^timeout = 5s$'
	printf '%s\n' "$output" >"$HOME/again"
	rte config --config="$HOME/again" options
	ended_with 0
	says '^follow = 2$'
}

@test "where a secret comes from is shown, and stays a configuration" {
	for source in env:NAME "file:$HOME/secret" fd:7 stdin prompt; do
		printf 'password = %s\nkey-password = %s\n' "$source" "$source" >"$HOME/sources"
		rte config --config="$HOME/sources" register
		ended_with 0
		[ "$output" = "key-password = $source"$'\n'"password = $source" ] || what_happened
		rte config --json --config="$HOME/sources" register
		[ "$(record 'select(.type == "option") | .value' | sort -u)" = "$source" ] || what_happened
	done
	RTE_PUSH=acme,k4n4ry rte config --no-config register
	[ "$output" = 'push = <masked>' ] || what_happened
}

@test "records" {
	RTE_RETRY=3 rte config --json -P lab message
	ended_with 0
	records
	[ "$(record 'select(.type == "option" and .name == "timeout") | [.value, .layer, .origin] | join(" ")')" = \
		"3s profile $file:7" ] || what_happened
	[ "$(record 'select(.type == "option" and .name == "retry") | [.value, .layer, .origin] | join(" ")')" = \
		'3 environment RTE_RETRY' ] || what_happened
	[ "$(record 'select(.type == "option" and .name == "compact") | has("value")')" = false ] || what_happened
	! grep -q k4n4ry <<<"$output" || what_happened
}

@test "what is wrong" {
	rte config nosuch
	usage_error '^rte: config: no such command: nosuch$'
	rte config register message
	usage_error '^rte: config: too many arguments: "message"$'
	rte config -P nosuch
	usage_error '^rte: config: --profile: there is no \[profile nosuch\] in '
	rte config --config=/nonexistent
	ended_with 20 '/nonexistent: No such file or directory'
	RTE_TIMEOUT= rte config
	usage_error '^rte: config: RTE_TIMEOUT: the value is empty$'
	echo 'timeuot = 5s' >>"$file"
	rte config
	usage_error "^rte: config: $file:11: unknown key \"timeuot\"\$"
	rte config --json
	ended_with 2
	records
}
