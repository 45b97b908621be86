#!/usr/bin/env bats
# tests/cli/drift.bats -- help and completions cannot drift from the option tables (cli.md section 15)

load helper

setup() {
	fresh_home
}

commands() {
	"$RTE" --dump-options | cut -f 1 | uniq | grep -v '^rte$'
}

# ---- completions-fresh

fresh() { # SHELL FILE
	"$RTE" "--dump-completion=$1" | diff "$top/completions/$2" - || {
		echo "make it anew: build/cli/rte --dump-completion=$1 >completions/$2"
		return 1
	}
}
@test "completions-fresh: bash" {
	fresh bash rte
}
@test "completions-fresh: zsh" {
	fresh zsh _rte
}
@test "completions-fresh: fish" {
	fresh fish rte.fish
}

# ---- help-shape

shape() { # ARG...: the words before --help
	local form
	for form in --help --help-all --usage; do
		rte "$@" "$form"
		[ "$status" = 0 ] || what_happened
		[ -z "$stderr" ] || what_happened
		says '^Usage: rte'
		! awk 'length > 80' <<<"$output" | grep . || return 1
		run -1 --separate-stderr bash -c '"$@" >/dev/full' - "$RTE" "$@" "$form"
		[ "$(wc -l <<<"$stderr")" = 1 ]
	done
	[ "$("$RTE" "$@" -h)" = "$("$RTE" "$@" --help)" ]
	rte "$@" --no-such-option
	usage_error 'unknown option "--no-such-option"'
}
@test "help-shape: rte" {
	shape
}
@test "help-shape: every command" {
	for command in $(commands); do
		shape "$command"
	done
}
@test "help-shape: a narrow and a wide terminal change nothing below 80 columns, COLUMNS nothing at all" {
	for command in $(commands); do
		[ "$(COLUMNS=20 "$RTE" "$command" --help-all)" = "$("$RTE" "$command" --help-all)" ]
	done
}

# ---- completion-works

# complete WORD...: what bash offers for the last word, sorted, on one line. Words are split as readline does it.
complete() {
	env -i HOME="$HOME" PATH="$PATH" bash --norc -c '
		source "$1"
		shift
		COMP_WORDS=(rte "$@")
		COMP_CWORD=$#
		_rte
		printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "' - "$top/completions/rte" "$@"
}
offers() { # EXPECTED WORD...
	local expected=$1 got
	shift
	got=$(complete "$@")
	[ "$got" = "$expected" ] || {
		echo "for: $*"
		echo "wanted: $expected"
		echo "got:    $got"
		return 1
	}
}

@test "completion-works: bash, commands and options" {
	offers 'refer register request resolve' re
	offers 'ping' pi
	offers 'register' help reg
	offers '--expect-body= --expect-header= --expect= --expires=' register --exp
	offers '--timeout= --timestamps' register --tim
	offers '--timeout= --timestamps' ping --tim
	offers '--json' version --j
	offers '' version --timeo
	offers '--dns=' --dn
	offers 'refer register request resolve' -a x re
	offers 'refer register request resolve' --aor = sip : x@y re
	offers 'refer register request resolve' --aor sip : x@y re
	offers 'refer register request resolve' -v --json re
	offers '' options sip:x
	offers '' serve -- re
	for command in $(commands); do
		wanted=$("$RTE" --dump-options | awk -F '\t' -v c="$command" \
			'$1 == c && $6 !~ /hidden/ { print "--" $2 ($4 == "" ? "" : "=") }' | sort | paste -sd ' ')
		offers "$wanted" "$command" --
	done
}

@test "completion-works: bash, values" {
	offers 'tcp tls udp' register --transport = ''
	offers 'tcp tls udp' register --transport =
	offers 'tcp tls' register -t t
	offers 'udp' register -t u
	offers 'digest,none' register --auth = digest,n
	offers 'cmd: env: fd: file: prompt stdin' register --password = ''
	printf 'timeout = 5s\n[profile lab]\n[ profile  home ]\n' >"$HOME/.config/rte/config"
	offers 'home lab' register -P ''
	offers 'lab' -P l
	touch "$HOME/one.pem" "$HOME/two.pem"
	mkdir "$HOME/three"
	offers "$HOME/one.pem" register --cacert = "$HOME/o"
	offers "$HOME/three" register --capath = "$HOME/t"
	offers "$HOME/one.pem" register --password = file : "$HOME/o"
	offers '' register --epid = ''
}

@test "completion-works: bash-completion loads it" {
	[ -r /usr/share/bash-completion/bash_completion ] || missing "bash-completion is not installed"
	mkdir -p "$HOME/share/bash-completion/completions"
	cp "$top/completions/rte" "$HOME/share/bash-completion/completions/"
	run env -i HOME="$HOME" PATH="$PATH" XDG_DATA_HOME="$HOME/share" bash --norc -c '
		shopt -s progcomp
		source /usr/share/bash-completion/bash_completion
		_completion_loader rte
		complete -p rte'
	[ "$output" = 'complete -o filenames -F _rte rte' ]
}

@test "completion-works: zsh" {
	need zsh
	zsh -n "$top/completions/_rte"
	# the specifications are well formed: zsh reads every one of them
	run zsh -fc '
		fpath=('"$top"'/completions $fpath)
		autoload -Uz compinit && compinit -u -d '"$BATS_TEST_TMPDIR"'/dump
		autoload +X _rte
		print $_comps[rte]'
	[ "$status" = 0 ]
	[ "$output" = _rte ]
}

# type TEXT: what zsh shows for TEXT and Tab on a terminal
zsh_shows() {
	need zsh script
	cat >"$HOME/.zshrc" <<-RC
		fpath=($top/completions \$fpath)
		autoload -Uz compinit && compinit -u -d $BATS_TEST_TMPDIR/dump
		zstyle ':completion:*' list-max 1000
		LISTMAX=1000
		PS1='ready> '
	RC
	(sleep 5; printf '%s\t' "$1"; sleep 2; printf '\x03'; sleep 0.3; printf 'exit\r'; sleep 0.5) |
		TERM=xterm ZDOTDIR=$HOME script -qec 'stty cols 200 rows 50; zsh -i' /dev/null 2>&1 | tr -d '\r'
}
@test "completion-works: zsh offers options and values" {
	run zsh_shows 'rte register --transport=u'
	[[ $output == *transport=udp* ]] || what_happened
	run zsh_shows 'rte regi'
	[[ $output == *'rte register'* ]] || what_happened
	run zsh_shows 'rte register --on-d'
	[[ $output == *--on-drop* ]] || what_happened
}

@test "completion-works: fish" {
	need fish
	fish -n "$top/completions/rte.fish"
	offered() {
		fish --no-config -c "source $top/completions/rte.fish; complete -C 'rte $1'" | cut -f 1 | sort | paste -sd ' '
	}
	[ "$(offered 're')" = 'refer register request resolve' ]
	[ "$(offered 'register --expi')" = '--expires=' ] || [ "$(offered 'register --expi')" = '--expires' ]
	[ "$(offered 'register -t ')" = 'tcp tls udp' ]
	[ "$(offered 'register --transport=t')" = '--transport=tcp --transport=tls' ]
	[ "$(offered 'version --time')" = '' ]
	[ "$(offered '-a x re')" = 'refer register request resolve' ]
}
