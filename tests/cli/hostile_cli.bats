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

# ---- what a terminal must not get: the text of others is text, and stays what it is where it can be read

# bad: all that is to be shown as \xNN: C0, DEL, C1 as UTF-8 and as bytes, line separators, what turns the order of a line (each
# kind in its form of three bytes), and what is no UTF-8: cut off, overlong, a surrogate
bad=$'\x1b[31m\x07\x7f|\xc2\x80\xc2\x9b\xc2\x9f|\x80\x9b\x9f|\xe2\x80\xa8\xe2\x80\xa9|\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae|\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9|\xc3|\xc0\xaf|\xed\xa0\x80'
shown='\x1b[31m\x07\x7f|\xc2\x80\xc2\x9b\xc2\x9f|\x80\x9b\x9f|\xe2\x80\xa8\xe2\x80\xa9|\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae|\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9|\xc3|\xc0\xaf|\xed\xa0\x80'
# good: what can be read is left alone: Latin, Greek, a script from right to left, wide letters, beyond U+FFFF
good='Zoë Ωmega שלום 電話機 🙂'

# exits CODE COMMAND...
exits() {
	local want=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" = "$want" ] || {
		echo "exit code $code"
		return 1
	}
}
# fit FILE: UTF-8 in which nothing but letters and line ends is
fit() {
	[ -s "$1" ] || return 1
	iconv -f UTF-8 -t UTF-8 "$1" >/dev/null &&
		! LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$1" || {
		cat -v "$1"
		return 1
	}
}
# told TEXT FILE...: each is fit, and has the TEXT as it stands
told() {
	local text=$1 file
	shift
	for file; do
		fit "$file"
		grep -Fq -e "$text" "$file" || {
			cat "$file"
			return 1
		}
	done
}

# unfit TEXT: fit finds it
unfit() {
	printf 'a%sb\n' "$1" >"$HOME/text"
	! fit "$HOME/text" >/dev/null 2>&1 || {
		echo "not found: $(cat -v "$HOME/text")"
		return 1
	}
}

@test "these checks find what a terminal must not get" {
	need iconv
	for text in $'\x1b' $'\x07' $'\t' $'\x7f' $'\xc2\x80' $'\xc2\x9b' $'\xc2\x9f' $'\x80' $'\x9b' $'\xc3' $'\xed\xa0\x80' \
		$'\xe2\x80\xa8' $'\xe2\x80\xae' $'\xe2\x81\xa6' $'\xe2\x81\xa9'; do
		unfit "$text"
	done
	printf '%s\n%s\n' "$good" "$shown" >"$HOME/text"
	fit "$HOME/text"
}

@test "a reason phrase and a warning: error lines, -vv, --trace, --write-out, reports, --nagios" {
	need iconv
	peer_start udp
	printf 'SIP/2.0 404 %s %s\n%s\nWarning: 399 x "%s %s"\nServer: %s %s\nContent-Length: 0\n\n' "$good" "$bad" "$peer_head" \
		"$good" "$bad" "$good" "$bad" | peer_answer
	for more in '' -vv '--color=never -vvv'; do
		# shellcheck disable=SC2086
		exits 4 "$RTE" options $more --timeout=5s "udp:$peer" >"$HOME/out" 2>"$HOME/err"
		told "404 $good $shown" "$HOME/err"
		grep -E '^  warning +399 x ' "$HOME/err" | grep -Fq "\"$good $shown\""
	done
	exits 4 "$RTE" options -q --timeout=5s --trace="$HOME/trace" --tap="$HOME/tap" "udp:$peer" 2>"$HOME/err"
	told "404 $good $shown" "$HOME/err" "$HOME/trace"
	told "404 $good ${shown//\\/\\\\}" "$HOME/tap" # which is YAML
	exits 4 "$RTE" options -q --timeout=5s -w '%{reason_phrase}|%{header{Server}}\n' "udp:$peer" >"$HOME/out" 2>"$HOME/err"
	told "$good $shown|$good $shown" "$HOME/out"
	exits 2 "$RTE" options --nagios --timeout=5s "udp:$peer" >"$HOME/out"
	fit "$HOME/out"
	# JSON is ASCII, and has the letters
	rte options -j --timeout=5s "udp:$peer"
	records
	! LC_ALL=C grep -q '[^ -~]' <<<"$output" || what_happened
	[[ $(record 'select(.type == "response") | .reason_phrase') == "$good "* ]] || what_happened
}

@test "a display name and a text of somebody else: what is told of a message and of an INFO" {
	need iconv
	spawn heard listen --listen=udp:127.0.0.1:0 --ready-file="$HOME/ready" --count=2 -vv
	wait_for 10 test -s "$HOME/ready"
	to=$(sed -n 's/^udp://p' "$HOME/ready" | head -n 1)
	exec 9<>"/dev/udp/${to%:*}/${to#*:}"
	# a quoted string has no raw bytes and no bare control, so this is what may come there
	name="$good"$' \xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\\\x1b'
	name_shown="$good"' \xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\\x1b'
	printf '%s' "$name" >"$HOME/body" # a text that is no UTF-8 would be shown as base64
	for method in MESSAGE INFO; do
		printf '%s\r\n' "$method sip:bob@$to SIP/2.0" "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK$method" \
			"From: \"$name\" <sip:a@example.net>;tag=1" "To: <sip:bob@$to>" "Call-ID: $method" "CSeq: 1 $method" \
			'Content-Type: text/plain' "Subject: $good "$'\xc2\x9b\xe2\x80\xae' \
			"Content-Length: $(wc -c <"$HOME/body")" '' >"$HOME/request"
		cat "$HOME/body" >>"$HOME/request"
		cat "$HOME/request" >&9
	done
	spawned_ends 0 heard
	exec 9>&-
	told "from \"$name_shown\" <sip:a@example.net>" "$BATS_TEST_TMPDIR/heard.out"
	told "  $name_shown" "$BATS_TEST_TMPDIR/heard.out"
	told "From: \"$name_shown\"" "$BATS_TEST_TMPDIR/heard.err"
}

@test "--ladder: a wide or hostile name takes the room of its letters, and no line is longer than 80" {
	need iconv
	peer_start udp
	wide=$(printf '電%.0s' {1..60})
	for phrase in "$good $bad" "$wide" "$(printf '\xff%.0s' {1..60})"; do
		printf 'SIP/2.0 404 %s\n%s\nContent-Length: 0\n\n' "$phrase" "$peer_head" | peer_answer
		for locale in C C.UTF-8; do
			LC_ALL=$locale exits 4 "$RTE" options --ladder -q --timeout=5s "udp:$peer" 2>"$HOME/err"
			fit "$HOME/err"
			sed 1d "$HOME/err" >"$HOME/ladder" # the error line above it
			[ "$(wc -l <"$HOME/ladder")" -ge 3 ]
			[ "$(LC_ALL=C.UTF-8 wc -L <"$HOME/ladder")" -le 80 ] # of columns: a wide letter has two
			# what is shown of the name is one column a letter
			! sed 's/[│─→←]//g' "$HOME/ladder" | LC_ALL=C grep '[^ -~]' || false
		done
	done
}

@test "help has 80 columns whatever the program is called, and arguments of ours are text in errors" {
	need iconv
	long=$HOME/$(printf '電%.0s' {1..60})
	ln -s "$RTE" "$long"
	for arguments in --help '--help-all' 'register --help' 'serve --help-all' 'invite --usage'; do
		# shellcheck disable=SC2086
		"$long" $arguments >"$HOME/out"
		fit "$HOME/out"
		[ "$(LC_ALL=C.UTF-8 wc -L <"$HOME/out")" -le 80 ]
	done
	for arguments in "--$bad" "sip:$bad@127.0.0.1" "--timeout=$bad" "--transport=$good $bad" "--profile=$good $bad"; do
		rte options "$arguments" sip:127.0.0.1:1
		ended_with 2
		printf '%s\n' "$stderr" >"$HOME/err"
		fit "$HOME/err"
	done
	rte "$bad"
	ended_with 2
	printf '%s\n' "$stderr" >"$HOME/err"
	fit "$HOME/err"
	rte options --trace="$HOME/no/$good$bad" sip:127.0.0.1:1
	ended_with 20
	printf '%s\n' "$stderr" >"$HOME/err"
	told "$good$shown" "$HOME/err"
}
