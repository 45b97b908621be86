#!/usr/bin/env bats
# tests/cli/secret.bats -- where secrets come from: cli.md section 11, ruling 23. That the right one is used shows in the
# registrations of the other tests; here: that it is read, what is refused, and that it shows nowhere.

load helper

setup() {
	fresh_home
	canary=k4n4ry-$RANDOM$RANDOM
	silent=1 # nobody listens there: what comes after the secret is "refused"
}

# ask ARG...: a command that reads its secrets and then finds nobody
ask() {
	rte options -vvv --server=127.0.0.1:$silent -t udp -a sip:alice@example.com "$@" sip:example.com
	! grep -q "$canary" <<<"$output$stderr" || what_happened
}
read_well() {
	ended_with 11 refused
}

@test "every source" {
	export SECRET_X=$canary
	ask --password=env:SECRET_X
	read_well
	printf '%s\nsecond line\n' "$canary" >"$HOME/pw"
	ask --password="file:$HOME/pw"
	read_well
	ask --password='file:~/pw'
	read_well
	ask --password=stdin <"$HOME/pw"
	read_well
	ask --password=fd:7 7<"$HOME/pw"
	read_well
	ask --password="cmd:cat $HOME/pw"
	read_well
	ask --password="pass:$canary"
	read_well
	notes '\* password = pass:<masked> \(command line\)'
	RTE_PASSWORD=$canary ask
	read_well
}

@test "a bare word is refused with a hint that does not repeat it" {
	for word in "$canary" "env:" "file:" "cmd:" "ENV:$canary" "stdin:$canary"; do
		ask --password="$word"
		usage_error '^rte: options: --password: not a source; say env:NAME'
	done
	ask --password=fd:x
	usage_error 'fd: wants a number'
	ask --passwort="$canary"
	usage_error 'unknown option "--passwort"'
}

@test "what cannot be read is exit 20 and says why" {
	ask --password=env:NOT_THERE
	ended_with 20 'NOT_THERE is not in the environment'
	ask --password=file:/nonexistent
	ended_with 20 '/nonexistent: No such file'
	ask --password=fd:77
	ended_with 20 'descriptor 77: Bad file descriptor'
	ask --password=stdin </dev/null
	ended_with 20 'the secret is empty'
	head -c 5000 /dev/zero | tr '\0' a >"$HOME/long"
	ask --password="file:$HOME/long"
	ended_with 20 'longer than 4096 bytes|too large'
	RTE_PASSWORD= ask
	ended_with 2 'RTE_PASSWORD: the value is empty'
}

@test "commands: no shell, popt's words, stderr is ours, status and time are judged" {
	ask --password='cmd:printf "%s\n" "$HOME; touch ran" second'
	read_well
	[ ! -e ran ]
	ask --password='cmd:false'
	ended_with 20 'command false: exit status 1'
	ask --password='cmd:/nonexistent/program x'
	ended_with 20 'command /nonexistent/program: No such file'
	ask --password='cmd:"unfinished'
	[ "$status" = 2 ] || [ "$status" = 20 ]
	ask --password="cmd:sh -c 'echo $canary; kill -9 \$\$'"
	ended_with 20 'command sh: ended by signal 9'
	ask --password='cmd:ls /nonexistent'
	ended_with 20 'exit status'
	notes "ls: .*/nonexistent"
	ask --password='cmd:sh -c "yes | head -c 100000"'
	ended_with 20 'more than 4096 bytes'
	ask --password='cmd:cat' # its stdin is empty
	ended_with 20 'the secret is empty'
}

@test "a command that does not end is killed at --timeout" {
	start=$(date +%s%N)
	ask --timeout=300ms --password='cmd:sleep 77.25'
	ended_with 20 'command sleep: killed: no answer in time'
	[ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ]
	! pgrep -f 'sleep 77.25'
	ask --timeout=300ms --password="cmd:sh -c 'echo $canary; exec >&-; exec sleep 77.25'"
	ended_with 20 'command sh: ended by signal 9'
	! pgrep -f 'sleep 77.25'
}

@test "pass:TEXT is blanked in the arguments that everybody can see" {
	silent_start
	for form in "--password=pass:$canary" "--password pass:$canary"; do
		# shellcheck disable=SC2086
		"$RTE" options --server="127.0.0.1:$silent" -t udp -a sip:alice@example.com $form --timeout=20s \
			sip:example.com 2>/dev/null 3>&- &
		pid=$!
		wait_for 5 catches_signals "$pid"
		! tr '\0' ' ' <"/proc/$pid/cmdline" | grep "$canary"
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- '--password.pass:'
		kill "$pid"
		wait "$pid" || true
	done
	silent_stop
}

@test "a password needs a user" {
	export SECRET_X=$canary
	rte options --server=127.0.0.1:1 --password=env:SECRET_X sip:example.com
	ended_with 2 'add --user or --aor'
	rte options --server=127.0.0.1:1 -t udp --user=alice --password=env:SECRET_X sip:example.com
	read_well
}

@test "a dry run reads no secret" {
	ask -n --password='cmd:touch ran'
	[ "$status" = 0 ]
	[ ! -e ran ]
}

@test "first hit wins: the option, RTE_PASSWORD, the profile, the credentials file" {
	printf '[profile lab]\npassword = env:NOT_THERE\n' | config
	ask -P lab
	ended_with 20 NOT_THERE
	RTE_PASSWORD=$canary ask -P lab
	read_well
	ask -P lab --password=pass:x
	read_well
	echo 'nonsense' | config credentials
	chmod 600 "$XDG_CONFIG_HOME/rte/credentials"
	RTE_PASSWORD=$canary ask
	read_well
	ask
	ended_with 2 'credentials:1: '
	ask --auth=none
	read_well
}

# ---- the credentials file

credentials() {
	config credentials
	chmod 600 "$XDG_CONFIG_HOME/rte/credentials"
}

@test "the credentials file: every form" {
	export canary
	credentials <<-FILE
		# realm               user              secret

		realm example.com     user alice        password "s3 cret # \\" \\\\ $canary"
		realm asterisk        user 1001         ha1 5f4dcc3b5aa765d61d8327deb882cf99 algorithm md5
		realm asterisk user 1001 ha1 5f4dcc3b5aa765d61d8327deb882cf99
		user 1002 ha1 $(printf '0%.0s' {1..64}) realm asterisk algorithm SHA-256
		realm corp.example    user CORP\\alice   password-cmd "printf $canary"        # NTLM
		realm "two words"     user bob          password guest#1
		realm *               user guest        password guest
	FILE
	ask
	read_well
	rm -f "$XDG_CONFIG_HOME/rte/credentials"
	ask
	read_well
}

@test "the credentials file: what is wrong, with file and line, without the secret" {
	while IFS= read -r line; do
		printf '# first line\n%s\n' "$line" | credentials
		ask
		ended_with 2 '/rte/credentials:2: ' || echo "line: $line"
	done <<-FILE
		nonsense
		realm example.com
		realm example.com user alice
		realm example.com user alice password
		realm example.com user alice password ""
		realm "" user alice password $canary
		user alice password $canary
		realm example.com password $canary
		realm example.com user alice password $canary ha1 5f4dcc3b5aa765d61d8327deb882cf99
		realm example.com user alice password $canary algorithm md5
		realm example.com user alice password $canary password $canary
		realm example.com user alice ha1 $canary
		realm example.com user alice ha1 5f4dcc3b5aa765d61d8327deb882cf99 algorithm sha-256
		realm example.com user alice ha1 5f4dcc3b5aa765d61d8327deb882cf99 algorithm rot13
		realm example.com user alice secret $canary
		realm example.com user alice password "$canary
	FILE
}

@test "the credentials file: nobody else may touch it" {
	echo "realm * user alice password $canary" | credentials
	ask
	read_well
	for mode in 640 604 644 660 622; do
		chmod "$mode" "$XDG_CONFIG_HOME/rte/credentials"
		ask
		ended_with 2 "rte/credentials: .*mode $mode"
	done
}

@test "the credentials file: --credentials, RTE_CREDENTIALS, --no-config" {
	echo nonsense >"$HOME/mine"
	chmod 600 "$HOME/mine"
	ask --credentials="$HOME/mine"
	ended_with 2 'mine:1: '
	RTE_CREDENTIALS=$HOME/mine ask
	ended_with 2 'mine:1: '
	ask --credentials='~/mine'
	ended_with 2 'mine:1: '
	ask --credentials=/nonexistent
	ended_with 20 '/nonexistent: No such file'
	echo nonsense | credentials
	ask --no-config
	read_well
}

@test "password-cmd runs for the user and the realm that are asked for" {
	credentials <<-FILE
		realm example.com user alice password-cmd "touch $HOME/alice"
		realm example.com user CORP\\bob password-cmd "sh -c 'touch $HOME/bob; echo $canary'"
		realm other user bob password-cmd "touch $HOME/other"
	FILE
	ask --user=bob --realm=example.com
	read_well
	[ -e "$HOME/bob" ]
	[ ! -e "$HOME/alice" ]
	[ ! -e "$HOME/other" ]
	ask --user=alice
	ended_with 2 'credentials:1: the secret is empty'
	credentials <<<'realm * user alice password-cmd "false"'
	ask
	ended_with 20 'credentials:1: command false: exit status 1'
}

# ---- the prompt

# on_a_terminal COMMAND: a terminal of its own; what is typed stands on stdin
on_a_terminal() {
	need script
	script -qec "$1" "$BATS_TEST_TMPDIR/typescript" >/dev/null 2>&1
}

@test "--password=prompt asks on the terminal before the first packet, without echo" {
	(sleep 1; printf '%s\r' "wrong"$'\x15'"${canary}x"$'\x7f'; sleep 1) |
		on_a_terminal "$RTE options --server=127.0.0.1:1 -t udp -a sip:alice@example.com --password=prompt sip:example.com" ||
		code=$?
	[ "$code" = 11 ]
	grep -q 'Password for alice: ' "$BATS_TEST_TMPDIR/typescript"
	! grep -q "$canary" "$BATS_TEST_TMPDIR/typescript"
}

@test "Ctrl-C at the prompt ends the command, and the terminal has its echo back" {
	(sleep 1; printf '\x03'; sleep 1) |
		on_a_terminal "sh -c '$RTE options --server=127.0.0.1:1 -a sip:alice@example.com --password=prompt sip:example.com; echo code \$?; stty -a'" || true
	grep -q 'code 130' "$BATS_TEST_TMPDIR/typescript"
	grep -Eq '(^|[^-])echo ' "$BATS_TEST_TMPDIR/typescript"
	grep -Eq '(^|[^-])isig' "$BATS_TEST_TMPDIR/typescript"
}

@test "no terminal, no prompt: exit 22" {
	need setsid
	run --separate-stderr setsid "$RTE" options --server=127.0.0.1:1 -t udp -a sip:alice@example.com \
		--password=prompt sip:example.com
	ended_with 22 'no terminal'
}
