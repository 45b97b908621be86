#!/usr/bin/env bats
# tests/cli/help.bats -- --help and its kind, help, version, the hidden dumps

load helper

setup() {
	fresh_home
}

@test "rte --help lists the commands, --help-all the common options, too" {
	rte --help
	[ "$status" = 0 ] && [ -z "$stderr" ]
	says '^Usage: rte \[OPTION\.\.\.\] COMMAND'
	for command in $("$RTE" --dump-options | cut -f 1 | sort -u | grep -v '^rte$'); do
		says "^  $command +[A-Z]"
	done
	! grep -q -- --timeout <<<"$output" || false
	rte --help-all
	says '^Time:$'
	says '^      --timeout=T '
}

@test "rte COMMAND --help: own options on one screen; --help-all: the groups, too" {
	rte register --help
	[ "$status" = 0 ] && [ -z "$stderr" ]
	says '^Usage: rte register \[OPTION\.\.\.\] AOR$'
	says '^  -x, --expires=T '
	! grep -q -- --cacert <<<"$output" || false
	[ "$(wc -l <<<"$output")" -le 40 ]
	rte register --help-all
	says '^TLS:$'
	says '^      --cacert=FILE '
	! grep -q -- --no-keep <<<"$output" || false
	rte register --usage
	says '^Usage: rte register '
	says '\[-x\|--expires=T\]'
}

@test "help wins over what stands behind it, not over what stands before it" {
	rte register --help --nonsense
	[ "$status" = 0 ]
	rte register --nonsense --help
	[ "$status" = 2 ]
	rte register -vh
	[ "$status" = 0 ]
	rte -v --help
	[ "$status" = 0 ]
}

@test "rte help: the commands, or one of them; without a manual page its --help" {
	MANPATH=/nonexistent rte help
	[ "$status" = 0 ]
	says '^Commands:$'
	MANPATH=/nonexistent rte help register
	[ "$status" = 0 ]
	[ "$output" = "$("$RTE" register --help)" ]
	MANPATH=/nonexistent rte help ping
	says '^Usage: rte options '
	rte help nonsense
	usage_error 'unknown command "nonsense"'
}

@test "rte help shows the manual page when it is installed" {
	need mandoc man
	mkdir -p "$BATS_TEST_TMPDIR/man/man1"
	printf '.TH RTE-REGISTER 1\n.SH NAME\nrte-register \\- the page\n' >"$BATS_TEST_TMPDIR/man/man1/rte-register.1"
	MANPATH=$BATS_TEST_TMPDIR/man MANPAGER=cat rte help register
	[ "$status" = 0 ]
	says 'the page'
}

@test "rte version, in text and JSON" {
	rte version
	[ "$status" = 0 ]
	says '^rte [0-9]+\.[0-9]+\.[0-9]+$'
	says '^features .*digest'
	rte -V
	says '^rte [0-9]+\.'
	rte --version --nonsense
	[ "$status" = 0 ]
	for form in "version --json" "--json version" "-jV"; do
		# shellcheck disable=SC2086
		rte $form
		[ "$status" = 0 ]
		[ "$(wc -l <<<"$output")" = 1 ]
		[ "$(record '.type + " " + (.seq | tostring) + " " + .command')" = 'version 1 version' ]
		[ "$(record '.libraries | keys | join(" ")')" = 'c-ares expat jansson krb5 libev libntlm openssl popt' ]
		[ "$(record '.rfc | index(3261) != null')" = true ]
	done
	! RTE_JSON=yes rte version --no-json || says '^rte '
}

@test "the exit codes" {
	rte --dump-exit-codes
	[ "$status" = 0 ]
	says $'^0\tok\t'
	says $'^22\tno_credentials\t'
	says $'^70\tout_of_memory\t'
	[ "$(cut -f 1 <<<"$output")" = "$(cut -f 1 <<<"$output" | sort -n | uniq)" ]
}

@test "the dump of the options: six columns, no name or letter twice in a command" {
	rte --dump-options
	[ "$status" = 0 ]
	! awk -F '\t' 'NF != 6' <<<"$output" | grep . || false
	! awk -F '\t' '{ print $1, $2 }' <<<"$output" | sort | uniq -d | grep . || false
	! awk -F '\t' '$3 != "" { print $1, $3 }' <<<"$output" | sort | uniq -d | grep . || false
	says $'^register\texpires\tx\tT\t\t$'
	says $'^register\ttimeout\t\tT\tTime\t$'
	says $'^options\tpassword\t\tSOURCE\tCredentials\tsensitive$'
	says $'^options\tno-json\t\t\tHidden\thidden$'
	says $'^rte\tdump-options\t\t\tHelp\thidden$'
}

@test "one option, one meaning: letter and argument word are the same in every command" {
	! "$RTE" --dump-options | awk -F '\t' '$6 !~ /hidden/ && $5 != "" { print $2 "\t" $3 "\t" $4 }' | sort -u |
		cut -f 1 | uniq -d | grep . || false
	! "$RTE" --dump-options | awk -F '\t' '$3 != "" { print $3 "\t" $2 }' | sort -u | cut -f 1 | uniq -d | grep .
}

@test "dumps and help need no configuration, not even a sane one" {
	echo nonsense | config
	for option in --dump-options --dump-exit-codes --dump-completion=bash --help --version; do
		RTE_TIMEOUT=soon rte "$option"
		[ "$status" = 0 ]
	done
	RTE_TIMEOUT=soon rte options --help
	[ "$status" = 0 ]
	rte --dump-completion=tcsh
	usage_error '"tcsh" is not one of bash\|zsh\|fish'
}
