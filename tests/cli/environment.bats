#!/usr/bin/env bats
# tests/cli/environment.bats -- RTE_<OPTION>: every row of --dump-options, of every command, can be set by a variable (cli.md
# section 12, ENVIRONMENT of rte(1)). Nobody needs to add a new option here.

load helper

teardown() {
	reap_all
}
setup() {
	need jq
	fresh_home
	printf '[profile lab]\n' | config # RTE_PROFILE may name it, and finds nothing in it
	"$RTE" --dump-options >"$HOME/rows"
}

commands() {
	cut -f 1 "$HOME/rows" | uniq
}
# options COMMAND: what people are told of, as NAME TAB VARIABLE TAB WORD, which is empty for a flag; help is none to set
options() {
	awk -F '\t' -v c="$1" '$1 == c && $6 !~ /hidden/ && $5 != "Help" {
		variable = "RTE_" toupper($2)
		gsub(/-/, "_", variable)
		print $2 "\t" variable "\t" $4
	}' "$HOME/rows"
}

@test "every option of every command has its variable, which is what is looked at" {
	local command name variable word value own
	# rte config has options itself, and takes the same variables for them: its line says otherwise
	own=(--json --output=- --no-quiet --no-verbose --no-ladder --no-dry-run --no-timestamps --no-pcap-secrets --color=never
		--write-out='%{stderr}' --trace="$HOME/trace" --pcap="$HOME/pcap" --tap="$HOME/tap" --junit="$HOME/junit")
	for command in $(commands); do
		local -a set=()
		: >"$HOME/wanted"
		while IFS=$'\t' read -r name variable word; do
			[ "$name" != password ] || continue # the next test
			# any word will do: it is the command itself that judges it
			case $name in
			profile) value=lab ;;
			key-password | add-user | push) value=env:V ;; # of what is sensitive a source is shown
			config) value=$XDG_CONFIG_HOME/rte/config ;;
			*) value=v-$name ;;
			esac
			[ -n "$word" ] || value=yes
			set+=("$variable=$value")
			printf '%s %s environment %s\n' "$name" "$value" "$variable" >>"$HOME/wanted"
		done < <(options "$command")
		sort -o "$HOME/wanted" "$HOME/wanted"
		[ "$(wc -l <"$HOME/wanted")" -ge 1 ] || [[ $command == @(help|version) ]]
		# shellcheck disable=SC2046
		captured env "${set[@]}" "$RTE" config "${own[@]}" $([ "$command" = rte ] || echo "$command")
		ended_with 0
		record 'select(.type == "option") | [.name, .value // "", .layer, .origin] | join(" ")' | sort >"$HOME/got"
		diff "$HOME/wanted" "$HOME/got" || {
			echo "rte config $command"
			return 1
		}
	done
}

# Where no table leads: what a command really does with its variables. -v tells of each value that is not built in.
@test "what stands in a variable is what the command goes by, and says so" {
	RTE_USER_AGENT=from-a-variable RTE_COMPACT=yes RTE_VERBOSE=1 RTE_DRY_RUN=yes RTE_MAX_FORWARDS=7 \
		rte options sip:example.com
	ended_with 0
	for line in 'user-agent = from-a-variable \(RTE_USER_AGENT\)' 'compact = yes \(RTE_COMPACT\)' \
		'max-forwards = 7 \(RTE_MAX_FORWARDS\)'; do
		notes "^\\* $line\$"
	done
	says '^User-Agent: .*from-a-variable$'
	says '^Max-Forwards: 7'
	says '^f: '
	# the command line has the last word
	RTE_MAX_FORWARDS=7 rte options -n --max-forwards=8 sip:example.com
	says '^Max-Forwards: 8'
	# and a variable is judged as an option is
	for command in register options listen serve; do
		RTE_TIMEOUT=soon RTE_FOR=soon rte "$command" sip:alice@example.com
		ended_with 2
	done
}

@test "the exceptions: RTE_PASSWORD is the secret, RTE_NO_CONFIG is for the aliases, too" {
	export PW=k4n4ry-pw
	serve_start --add-user=alice:env:PW
	unset PW
	RTE_PASSWORD=k4n4ry-pw rte config --origin register
	ended_with 0
	[ -z "$output" ] || what_happened # it is no value of --password, and shown nowhere
	# what would be a source is none there
	RTE_PASSWORD=k4n4ry-pw rte register --server="$udp" sip:alice@test.invalid
	ended_with 0
	RTE_PASSWORD=env:X X=k4n4ry-pw rte register --server="$udp" sip:alice@test.invalid
	ended_with 7
	RTE_PASSWORD=k4n4ry-pw rte register --server="$udp" -vvv --json sip:alice@test.invalid
	[[ $output$stderr != *k4n4ry* ]] || what_happened
	echo 'rte-options alias --alias-of-mine --max-forwards=9' >"$HOME/.popt"
	rte options -n --alias-of-mine sip:example.com
	says '^Max-Forwards: 9'
	RTE_NO_CONFIG=1 rte options -n --alias-of-mine sip:example.com
	usage_error 'unknown option'
}

@test "help cannot be asked for by a variable, nor can a hidden option be set" {
	RTE_HELP=yes RTE_HELP_ALL=yes RTE_USAGE=yes RTE_DUMP_OPTIONS=yes RTE_NO_COMPACT=yes rte config --origin options
	ended_with 0
	[ -z "$output" ] || what_happened
}
