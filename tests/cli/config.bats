#!/usr/bin/env bats
# tests/cli/config.bats -- configuration file, profiles and RTE_*: cli.md section 12. What counts is seen in the dry run.

load helper

setup() {
	fresh_home
}

# agent ARG...: what --user-agent came to be
agent() {
	rte "$@" -n sip:example.com
	[ "$status" = 0 ] || what_happened
	sed -n 's/^\(> \)\{0,1\}User-Agent: rte\/[^ ]* *//p' <<<"$output" | tr -d '\r'
}

@test "each layer wins over the one before: file, profile, environment, line" {
	[ -z "$(agent options)" ]
	config <<-'FILE'
		# for all
		user-agent = file
		[profile lab]
		user-agent = profile
		[profile other]
		user-agent = other
	FILE
	[ "$(agent options)" = file ]
	[ "$(agent options -P lab)" = profile ]
	[ "$(agent -P lab options)" = profile ]
	[ "$(RTE_PROFILE=lab agent options)" = profile ]
	[ "$(RTE_PROFILE=lab agent options -P other)" = other ]
	[ "$(RTE_USER_AGENT=environment agent options -P lab)" = environment ]
	[ "$(RTE_USER_AGENT=environment agent options -P lab --user-agent=line)" = line ]
	[ "$(RTE_USER_AGENT=environment agent --user-agent=line options)" = line ]
}

@test "the order of the parts of a file does not matter; spaces and comments do not either" {
	sed 's/@$//' <<-'FILE' | config

		[profile lab]
		  user-agent   =   with blanks inside  @
		# [profile lab]
		[ profile   rest ]
		user-agent=x
		[profile lab]
		compact
	FILE
	rte options -n -P lab sip:example.com
	says 'User-Agent: .* with blanks inside.?$'
	says '^(> )?f: '
	[ "$(agent options -P rest)" = x ]
}

@test "--config names another file, and ~ is the home" {
	echo 'user-agent = mine' >"$HOME/other"
	[ "$(agent options --config="$HOME/other")" = mine ]
	[ "$(RTE_CONFIG=~/other agent options)" = mine ]
	[ "$(RTE_CONFIG='~/other' agent options)" = mine ]
	rte options -n --config=/nonexistent sip:example.com
	ended_with 20 '/nonexistent: No such file'
	rte options -n --config=/ sip:example.com
	ended_with 20 'Is a directory'
}

@test "XDG_CONFIG_HOME, else ~/.config; a relative one is passed over" {
	unset XDG_CONFIG_HOME
	echo 'user-agent = home' >"$HOME/.config/rte/config"
	[ "$(agent options)" = home ]
	mkdir -p "$HOME/xdg/rte"
	echo 'user-agent = xdg' >"$HOME/xdg/rte/config"
	[ "$(XDG_CONFIG_HOME=$HOME/xdg agent options)" = xdg ]
	cd "$HOME"
	[ "$(XDG_CONFIG_HOME=xdg agent options)" = home ]
	unset HOME
	[ -z "$(agent options)" ]
}

@test "--no-config and RTE_NO_CONFIG pass the file over" {
	echo 'user-agent = file' | config
	[ -z "$(agent options --no-config)" ]
	[ -z "$(RTE_NO_CONFIG=1 agent options)" ]
	rte options -n --no-config -P lab sip:example.com
	usage_error '--profile with --no-config'
	[ -z "$(RTE_PROFILE=lab agent options --no-config)" ]
}

@test "a profile that is not there" {
	rte options -n -P lab sip:example.com
	usage_error '--profile: there is no .*/rte/config'
	echo 'user-agent = file' | config
	rte options -n -P lab sip:example.com
	usage_error '--profile: there is no \[profile lab\] in .*/rte/config'
}

@test "an unknown key, a bad value, a bad line: exit 2 with file and line" {
	config <<-'FILE'

		timeouts = 5s
	FILE
	rte options -n sip:example.com
	usage_error '^rte: options: .*/rte/config:2: unknown key "timeouts"'
	printf 'compact = yes\ntimeout = soon\n' | config
	rte options -n sip:example.com
	usage_error '^rte: options: .*/rte/config:2: timeout: "soon" is not a time'
	printf '[profile lab]\ntimeout = soon\n' | config
	rte options -n sip:example.com
	[ "$status" = 0 ]
	rte options -n -P lab sip:example.com
	usage_error '^rte: options: .*/rte/config:2: timeout: "soon" is not a time'
	echo 'timeout =' | config
	rte options -n sip:example.com
	usage_error '/rte/config:1: timeout: the value is empty'
	echo 'timeout' | config
	rte options -n sip:example.com
	usage_error '/rte/config:1: timeout: needs a value'
	echo 'compact = perhaps' | config
	rte options -n sip:example.com
	usage_error '/rte/config:1: compact: neither yes nor no'
	for line in '[lab]' '[profile lab' '[profile lab] x' '[profile ]' '= x' 'no such key' 'help = yes' \
		'profile = lab' 'no-compact = yes' 'version'; do
		echo "$line" | config
		rte options -n sip:example.com
		usage_error '/rte/config:1: '
	done
	printf 'user-agent = a\0b\n' | config
	rte options -n sip:example.com
	usage_error '/rte/config:1: NUL'
	printf 'user-agent = a\rb\n' | config
	rte options -n sip:example.com
	usage_error '/rte/config:1: user-agent: the value holds a line break'
}

@test "a key of another command is no error" {
	printf 'expires = 10m\ncompact\n' | config
	rte options -n sip:example.com
	[ "$status" = 0 ]
	says '^(> )?f: '
}

@test "lists: a layer replaces the list of the one below, as a whole" {
	config <<-'FILE'
		header = X-A: file
		header = X-B: file
	FILE
	rte options -n sip:example.com
	says 'X-A: file'
	says 'X-B: file'
	rte options -n -H 'X-A: line' sip:example.com
	says 'X-A: line'
	! grep -q X-B <<<"$output" || false
	RTE_HEADER='X-C: environment' rte options -n sip:example.com
	says 'X-C: environment'
	! grep -q X-A <<<"$output"
}

@test "flags: yes and no in every spelling" {
	for word in yes true on 1 Yes ON; do
		RTE_COMPACT=$word rte options -n sip:example.com
		says '^(> )?f: '
	done
	echo compact | config
	for word in no false off 0; do
		RTE_COMPACT=$word rte options -n sip:example.com
		says '^(> )?From: '
	done
	RTE_COMPACT=maybe rte options -n sip:example.com
	usage_error '^rte: options: RTE_COMPACT: neither yes nor no'
}

@test "RTE_* exists for every long option that takes a value" {
	for option in $("$RTE" --dump-options | awk -F '\t' '$1 == "options" && $4 != "" { print $2 }'); do
		[ "$option" != password ] || continue
		name=RTE_$(tr a-z- A-Z_ <<<"$option")
		captured env "$name=" "$RTE" options -n sip:example.com
		usage_error "^rte: options: $name: the value is empty"
	done
	for option in $("$RTE" --dump-options | awk -F '\t' '$1 == "options" && $4 == "" && $6 == "" && $5 != "Help" { print $2 }'); do
		case $option in json | dry-run) continue ;; esac
		name=RTE_$(tr a-z- A-Z_ <<<"$option")
		captured env "$name=maybe" "$RTE" options -n sip:example.com
		usage_error "^rte: options: $name: neither yes nor no"
	done
}

@test "variables that name no option of the command are passed over" {
	RTE_NONSENSE=x RTE_EXPIRES=soon RTE_SERVE_UDP=127.0.0.1:1 RTE_=x RTE_HELP=1 RTE_user_agent=x \
		rte options -n sip:example.com
	[ "$status" = 0 ]
	! grep -q 'rte/[^ ]* x' <<<"$output" || false
	RTE_TIMEOUT=soon rte options -n sip:example.com
	usage_error '^rte: options: RTE_TIMEOUT: "soon" is not a time'
	RTE_TIMEOUT=soon rte options -n --timeout=1s sip:example.com
	[ "$status" = 0 ]
}

@test "-v says what is not built in, and where it came from" {
	printf '[profile lab]\nuser-agent = lab\n' | config
	RTE_TIMEOUT=2s rte options -v -n -P lab --follow=1 sip:example.com
	[ "$status" = 0 ]
	notes '^\* timeout = 2s \(RTE_TIMEOUT\)$'
	notes '^\* user-agent = lab \(.*/rte/config:2\)$'
	notes '^\* follow = 1 \(command line\)$'
	notes '^\* profile = lab \(command line\)$'
}

@test "a path in a file may begin with ~" {
	echo 'X-From-File: yes' >"$HOME/headers"
	mkdir "$HOME/store"
	printf 'capath = ~/store\nheader = @%s/headers\n' "$HOME" | config
	rte options -v -n sip:example.com
	notes "^\\* capath = $HOME/store "
	says 'X-From-File: yes'
}
