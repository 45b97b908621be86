#!/usr/bin/env bats
# tests/cli/secret.bats -- where secrets come from: cli.md section 11, ruling 23. That the right one is used shows in the
# registrations of the other tests; here: that it is read, what is refused, and that it shows nowhere.

load helper

setup() {
	fresh_home
	canary=k4n4ry-$RANDOM$RANDOM
	port=1 # nobody listens there: what comes after the secret is "refused"
}
teardown() {
	[ -z "${challenger:-}" ] || kill "$challenger" 2>/dev/null || true
	silent_stop
}

# ask ARG...: a command that reads its secrets and then asks the server
ask() {
	rte options -vvv --server=127.0.0.1:$port -t udp --timeout=20s --t1=2s -a sip:alice@example.com "$@" sip:example.com
	! grep -q "$canary" <<<"$output$stderr" || what_happened
}
# The secret was read, and nobody was there to prove it to.
read_well() {
	ended_with 11 refused
}

# challenge USER: a server on $port that wants USER with the password $canary in realm "r", and believes nobody else
challenge() {
	need socat ss
	cat >"$BATS_TEST_TMPDIR/challenger" <<-'SCRIPT'
		#!/bin/bash
		hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
		request=
		while IFS= read -r line && [ -n "${line%$'\r'}" ]; do request+=${line%$'\r'}$'\n'; done
		field() { grep -i "^$1:" <<<"$request" | head -n 1; }
		value() { sed -n "s/.*[ ,]$1=\"\{0,1\}\([^\",]*\).*/\1/p" <<<"$proof"; }
		proof=$(field Authorization)
		status='401 Unauthorized'
		ha1=$(hash "$USER_WANTED:r:$PASSWORD_WANTED")
		ha2=$(hash "OPTIONS:$(value uri)")
		if [ "$(value response)" = "$(hash "$ha1:n:$(value nc):$(value cnonce):auth:$ha2")" ]; then
			status='200 OK'
		fi
		# one write is one datagram
		cat <<<"$(printf '%s\r\n' "SIP/2.0 $status" "$(field Via)" "$(field From)" "$(field To);tag=t" "$(field Call-ID)" \
			"$(field CSeq)" 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"' \
			'Content-Length: 0' '')"
	SCRIPT
	chmod +x "$BATS_TEST_TMPDIR/challenger"
	USER_WANTED=$1 PASSWORD_WANTED=$canary socat -t 10 UDP4-RECVFROM:0,bind=127.0.0.1,fork \
		EXEC:"$BATS_TEST_TMPDIR/challenger" 3>&- &
	challenger=$!
	wait_for 5 challenger_port
	port=$(challenger_port)
}
challenger_port() {
	ss -Hlunp | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$challenger,.*/\1/p" | grep .
}
# The secret was read and proved.
proved() {
	[ "$status" = 0 ] || what_happened
}

@test "every source gives just the secret" {
	challenge alice
	export SECRET_X=$canary
	ask --password=env:SECRET_X
	proved
	printf '%s\nsecond line\n' "$canary" >"$HOME/pw"
	ask --password="file:$HOME/pw"
	proved
	ask --password='file:~/pw'
	proved
	ask --password=stdin <"$HOME/pw"
	proved
	ask --password=fd:7 7<"$HOME/pw"
	proved
	ask --password="cmd:cat $HOME/pw"
	proved
	ask --password="pass:$canary"
	proved
	notes '\* password = pass:<masked> \(command line\)'
	RTE_PASSWORD=$canary ask
	proved
	printf '%s\r\nsecond line' "$canary" >"$HOME/pw"
	ask --password="file:$HOME/pw"
	proved
	printf %s "$canary" >"$HOME/pw"
	ask --password="file:$HOME/pw"
	proved
	ask --password=pass:wrong
	ended_with 7
	ask
	ended_with 22
}

@test "the user: --user, RTE_USER, the user of the AOR with its escapes" {
	challenge 'a user'
	ask --password="pass:$canary" --user='a user'
	proved
	RTE_USER='a user' RTE_PASSWORD=$canary ask
	proved
	rte options --server=127.0.0.1:$port -t udp --timeout=20s --t1=2s -a 'sip:a%20user@example.com' --password="pass:$canary" sip:x@y
	proved
	ask --password="pass:$canary"
	ended_with 7
}

@test "--realm: challenges of another realm are not answered" {
	challenge alice
	ask --password="pass:$canary" --realm=r
	proved
	ask --password="pass:$canary" --realm=other
	ended_with 22
	ask --password="pass:$canary" --auth=none
	ended_with 22
	ask --password="pass:$canary" --digest=md5
	[ "$status" != 0 ]
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
	! pgrep -f 'sleep 77.25' || false
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
		! tr '\0' ' ' <"/proc/$pid/cmdline" | grep "$canary" || false
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
	challenge alice
	printf '[profile lab]\npassword = env:NOT_THERE\n' | config
	ask -P lab
	ended_with 20 NOT_THERE
	RTE_PASSWORD=$canary ask -P lab
	proved
	RTE_PASSWORD=wrong ask -P lab --password="pass:$canary"
	proved
	echo 'nonsense' | config credentials
	chmod 600 "$XDG_CONFIG_HOME/rte/credentials"
	RTE_PASSWORD=$canary ask
	proved
	ask
	ended_with 2 'credentials:1: '
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

@test "the credentials file: the entry of the realm, of the user, of any" {
	challenge alice
	for line in "realm r user alice password $canary" "realm r user alice password \"$canary\"" \
		"realm * user alice password $canary" "realm r user alice password-cmd \"printf '%s\\\\n' $canary\"" \
		"realm r user alice ha1 $(printf %s "alice:r:$canary" | sha256sum | cut -d ' ' -f 1) algorithm sha-256"; do
		printf 'realm other user bob password wrong\n%s\n' "$line" | credentials
		ask
		proved
		ask --user=alice
		proved
		ask --user=bob
		ended_with 22
	done
	printf 'realm * user alice password wrong\nrealm r user alice password %s\n' "$canary" | credentials
	ask
	proved
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

# on_a_terminal COMMAND [TEXT]: a terminal of its own, where TEXT is typed at the prompt
on_a_terminal() {
	need script
	local code=0 over=$BATS_TEST_TMPDIR/over typescript=$BATS_TEST_TMPDIR/typescript
	rm -f "$over" "$typescript"
	{
		[ $# = 1 ] || {
			wait_for 10 grep -q 'Password for' "$typescript"
			printf '%s' "$2"
			wait_for 10 test -e "$over" # the end of what is typed would end the command
		}
	} | {
		NO_COLOR=1 script -qefc "$1" "$typescript" >/dev/null 2>&1 || code=$?
		touch "$over"
		return "$code"
	}
}

@test "--password=prompt asks on the terminal before the first packet, without echo" {
	code=0
	on_a_terminal "$RTE options --server=127.0.0.1:1 -t udp -a sip:alice@example.com --password=prompt sip:example.com" \
		"wrong"$'\x15'"${canary}x"$'\x7f\r' || code=$?
	[ "$code" = 11 ]
	grep -q 'Password for alice: ' "$BATS_TEST_TMPDIR/typescript"
	! grep -q "$canary" "$BATS_TEST_TMPDIR/typescript"
}

@test "Ctrl-C at the prompt ends the command, and the terminal has its echo back" {
	on_a_terminal "sh -c '$RTE options --server=127.0.0.1:1 -a sip:alice@example.com --password=prompt sip:example.com; echo code \$?; stty -a'" \
		$'\x03'
	grep -q 'code 130' "$BATS_TEST_TMPDIR/typescript"
	grep -Eq '(^|[^-])echo ' "$BATS_TEST_TMPDIR/typescript"
	grep -Eq '(^|[^-])isig' "$BATS_TEST_TMPDIR/typescript"
}

@test "no terminal, no prompt: exit 22" {
	need setsid
	captured setsid "$RTE" options --server=127.0.0.1:1 -t udp -a sip:alice@example.com \
		--password=prompt sip:example.com
	ended_with 22 'no terminal'
}

@test "without any secret a challenge asks on the terminal, once" {
	challenge alice
	command="$RTE options --server=127.0.0.1:$port -t udp -a sip:alice@example.com sip:example.com"
	on_a_terminal "$command" "$canary"$'\r'
	grep -q 'Password for alice: ' "$BATS_TEST_TMPDIR/typescript"
	grep -q '200 OK' "$BATS_TEST_TMPDIR/typescript"
	! grep -q "$canary" "$BATS_TEST_TMPDIR/typescript" || false
	code=0
	on_a_terminal "$command" $'wrong\rwrong\r' || code=$?
	[ "$code" = 7 ]
	[ "$(grep -c 'Password for alice: ' "$BATS_TEST_TMPDIR/typescript")" = 1 ]
	code=0
	on_a_terminal "$command" $'\r' || code=$?
	[ "$code" = 22 ]
	for quiet in -q -j '2>/dev/null'; do
		code=0
		on_a_terminal "$command $quiet" || code=$?
		[ "$code" = 22 ]
		! grep -q 'Password' "$BATS_TEST_TMPDIR/typescript" || false
	done
}
