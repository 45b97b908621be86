#!/usr/bin/env bats
# tests/cli/run.bats -- rte run: the file, the endpoints, the steps and what is reported of them, as rte-run(5) says it

load helper

setup() {
	fresh_home
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR"
}
teardown() {
	reap_all
	silent_stop
}

# scenario <TEXT: the file `play` takes
scenario() {
	cat >s
}
# steps <TEXT: a file with the endpoints alice, bob and carol, peer to peer, and these steps from its line 6 on
steps() {
	printf '%s\n' '[endpoint alice]' '[endpoint bob]' '[endpoint carol]' 'on-refer = follow' '[steps]' >s
	cat >>s
}
# play CODE [ARG...]
play() {
	local code=$1
	shift
	rte run "$@" s
	ended_with "$code"
}
# played CODE [ARG...]: the same in JSON; the records are valid
played() {
	play "$@" --json
	records
	[ "$(record 'select(.type == "end") | .exit_code')" = "$1" ] || what_happened
}
# served CODE [ARG...]: in JSON below a server that has the users alice and bob and carol (the password is pw)
served() {
	local code=$1
	shift
	PW=pw captured "$RTE" serve --add-user=alice:env:PW --add-user=bob:env:PW --add-user=carol:env:PW \
		"${serve_with[@]}" -- "$RTE" run --json "$@" s
	ended_with "$code"
	records
}
serve_with=()
# members <TEXT: a file with alice, bob and carol of that server, and these steps from its line 9 on
members() {
	printf '%s\n' 'password = env:PW' '[endpoint alice]' 'aor = sip:alice@test.invalid' '[endpoint bob]' \
		'aor = sip:bob@test.invalid' '[endpoint carol]' 'aor = sip:carol@test.invalid' '[steps]' >s
	cat >>s
}
# fails CODE LINE WHY [ARG...]: the records say that this line failed, and why (an extended regular expression)
fails() {
	local code=$1 line=$2 why=$3 step
	shift 3
	step=$(sed -n "${line}p" s)
	played "$code" "$@"
	[ "$(record 'select(.type == "step" and (.passed | not)) | [.file, .line, .step] | join(" ")')" = "s $line $step" ] || what_happened
	failed_because "$(record 'select(.type == "step" and (.passed | not)) | .detail')" "$why"
	[ "$(record 'select(.type == "error") | .exit_code')" = "$code" ] || what_happened
	[ "$(record 'select(.type == "error") | .detail')" = \
		"s:$line: $step: $(record 'select(.type == "step" and (.passed | not)) | .detail')" ] || what_happened
}
failed_because() {
	grep -Eq -e "$2" <<<"$1" || what_happened
}
# by PARTY FILTER FIELDS: of the records of that endpoint, on one line
by() {
	record "select(.party == \"$1\") | select($2) | $3" | paste -sd ' '
}
sent_by() { # PARTY: the methods of its requests; PRACK comes when it comes
	by "$1" '.type == "request" and .direction == "sent" and .method != "PRACK"' .method
}

# ---- the examples of the manual

@test "the manual: rings, is answered, held, and ended by the callee" {
	scenario <<-'S'
		timeout = 5s

		[endpoint alice]
		aor = sip:alice@test.invalid

		[endpoint bob]
		aor = sip:bob@test.invalid

		[steps]
		alice register
		bob register
		alice invite bob as call1
		bob ring call1
		expect alice call1 early 180 within 2s
		bob answer call1
		expect alice call1 confirmed
		alice hold call1
		expect bob call1 hold
		bob bye call1
		expect alice call1 remote-bye
	S
	captured "$RTE" serve -- "$RTE" run --json s
	ended_with 0
	records
	[ "$(sent_by alice)" = 'REGISTER INVITE ACK INVITE ACK REGISTER' ] || what_happened
	[ "$(sent_by bob)" = 'REGISTER BYE REGISTER' ] || what_happened
	[ "$(record 'select(.type == "step") | .line' | paste -sd ' ')" = '10 11 12 13 14 15 16 17 18 19 20' ] || what_happened
	[ "$(record 'select(.type == "step") | .passed' | sort -u)" = true ] || what_happened
	# server based: they do not listen
	[ -z "$(record 'select(.type == "listening")')" ] || what_happened
}

@test "the manual: peer to peer, a caller who gives up" {
	scenario <<-'S'
		[endpoint alice]
		p2p

		[endpoint bob]
		p2p
		reply = MESSAGE=503

		[steps]
		alice message bob Are you there? expect 503
		alice invite bob as call1
		bob ring call1
		alice cancel call1
		expect bob call1 cancelled
	S
	played 0
	[ "$(sent_by alice)" = 'MESSAGE INVITE CANCEL' ] || what_happened
	[ "$(by bob '.type == "message"' .body)" = 'Are you there?' ] || what_happened
	[ "$(by bob '.type == "dialog" and .state == "terminated"' .cause)" = cancelled ] || what_happened
}

@test "the manual: presence" {
	scenario <<-'S'
		[endpoint alice]
		aor = sip:alice@test.invalid
		[endpoint bob]
		aor = sip:bob@test.invalid

		[steps]
		bob register
		bob subscribe alice presence as watch1
		expect bob watch1 active
		alice publish closed "at lunch"
		expect bob watch1 notified at lunch
	S
	captured "$RTE" serve -- "$RTE" run --json s
	ended_with 0
	records
	[ "$(sent_by alice)" = 'PUBLISH PUBLISH' ] || what_happened
	[ "$(sent_by bob)" = 'REGISTER SUBSCRIBE SUBSCRIBE REGISTER' ] || what_happened
}

# ---- text, JSON, reports

@test "text: lines begin with the name of the endpoint, steps with ok; blanks and comments count as lines" {
	scenario <<-'S'
		# a comment
		[endpoint alice]

		[endpoint robert]
		# another one
		[steps]

		  alice   message  robert   hello
		expect robert message hello
		wait 20ms
	S
	play 0
	[ -z "$stderr" ] || what_happened
	says '^alice   listening +udp 127\.0\.0\.1:[0-9]+, tcp 127\.0\.0\.1:[0-9]+$'
	says '^robert  message +received +from <sip:[^>]*>  200 OK  text/plain'
	says '^ok +8  alice +message +robert +hello  [0-9.]+ ms$'
	says '^ok +9  expect robert message hello  [0-9.]+ ms$'
	says '^ok +10  wait 20ms  [0-9.]+ ms$'
	[ -z "$(grep -Ev '^(alice  |robert|ok)' <<<"$output")" ] || what_happened
	play 0 -q
	[ -z "$output$stderr" ] || what_happened
	play 0 -v
	notes '^> MESSAGE sip:|^> .*MESSAGE'
	play 0 --output=out
	[ -z "$output" ] || what_happened
	grep -q '^ok  *8  ' out
}

@test "a failure: file and line, the ladder, exit 17; what follows is not done" {
	steps <<-'S'
		alice message bob one
		expect bob message two within 200ms
		alice message bob three
	S
	play 17
	[ "$(head -n 1 <<<"$stderr")" = 'rte: run: s:7: expect bob message two within 200ms: none has come after 0.2 s' ] || what_happened
	[ "$(sed -n 2p <<<"$stderr" | xargs)" = 'alice bob' ] || what_happened
	[ "$(grep -c -e '- MESSAGE -' <<<"$stderr")" = 1 ] || what_happened
	says '^ok +6  alice message bob one'
	says '^failed +7  expect bob message two'
	! grep -q three <<<"$output$stderr" || what_happened
	play 17 -q
	[ "$(wc -l <<<"$stderr")" = 1 ] || what_happened
	[ -z "$output" ] || what_happened
	played 17
	[ -z "$stderr" ] || what_happened
	[ "$(record 'select(.type == "step") | [.line, .passed] | join(" ")' | paste -sd ,)" = '6 true,7 false' ] || what_happened
	[ "$(sent_by alice)" = MESSAGE ] || what_happened
	for how in --json -q; do
		play 17 --ladder $how
		grep -Eq '^ *alice +bob$' <<<"$stderr" || what_happened
	done
	# without a failure only when asked for
	steps <<<'alice message bob one'
	play 0
	[ -z "$stderr" ] || what_happened
	play 0 --ladder
	notes '^ *alice +bob$'
}

@test "the ladder has a column for each endpoint and for who else took part" {
	serve_start
	scenario <<-S
		[endpoint alice]
		aor = sip:alice@test.invalid
		server = $udp
		[endpoint bob]
		[steps]
		alice register
		bob options udp:$udp
	S
	play 0 --ladder
	[ "$(head -n 1 <<<"$stderr" | xargs)" = "alice bob $udp" ] || what_happened
	# a message between two endpoints is one arrow
	steps <<<'alice message bob one'
	play 0 --ladder
	[ "$(grep -c MESSAGE <<<"$stderr")" = 2 ] || what_happened
}

@test "JSON: records of an endpoint say whose they are; steps have a time" {
	steps <<-'S'
		alice message bob one
		wait 100ms
	S
	played 0
	[ "$(by alice '.type == "endpoint"' .kind) $(by bob '.type == "listening"' '(.local | length)')" = 'p2p 2' ] || what_happened
	[ "$(record 'select(.type == "request" or .type == "response" or .type == "message" or .type == "endpoint") | .party' | sort -u | xargs)" = 'alice bob carol' ] ||
		what_happened
	[ "$(record 'select(.type == "step" and .line == 6) | [.file, .party, .step, .passed] | join("|")')" = 's|alice|alice message bob one|true' ] || what_happened
	[ "$(record 'select(.type == "step" and .line == 7) | .took_ms | . >= 99 and . < 1500')" = true ] || what_happened
	[ "$(record 'select(.type == "start" or .type == "end" or (.type == "step" and .line == 7)) | .party')" = $'null\nnull\nnull' ] || what_happened
	[ "$(record 'select(.type == "step" and .passed) | .detail')" = $'null\nnull' ] || what_happened
}

@test "TAP and JUnit: a case for each step, those not reached are skipped" {
	need prove xmllint
	steps <<-'S'
		alice message bob "<&>"
		expect bob no message within 100ms
		wait 10ms
		wait 20ms
	S
	play 17 -q --tap=s.tap --junit=s.xml
	[ "$(head -n 3 s.tap)" = $'TAP version 13\n1..4\nok 1 - rte run s:6: alice message bob "<&>"' ]
	grep -qx 'not ok 2 - rte run s:7: expect bob no message within 100ms' s.tap
	grep -Eqx '  kind: check_failed' s.tap
	grep -Eqx 'ok 3 - rte run s:8: wait 10ms # SKIP .*' s.tap
	run -1 prove --exec cat s.tap
	grep -q 'Failed 1/4 subtests' <<<"$output"
	grep -q '2 skipped' <<<"$output"
	xmllint --noout s.xml
	[ "$(xmllint --xpath 'string(/testsuites/testsuite/@tests)' s.xml)" = 4 ]
	[ "$(xmllint --xpath 'string(/testsuites/testsuite/@failures)' s.xml)" = 1 ]
	[ "$(xmllint --xpath 'count(//testcase/skipped)' s.xml)" = 2 ]
	[[ $(xmllint --xpath 'string(//testcase[1]/@name)' s.xml) == *'s:6: alice message bob "<&>"' ]]
	[ "$(xmllint --xpath 'string(//testcase[2]/failure/@type)' s.xml)" = check_failed ]
	[ "$(xmllint --xpath 'string(//testcase[2]/failure/@message)' s.xml)" = 'one has come' ]
	steps <<<'wait 10ms'
	rte run -q --tap=- s
	ended_with 0
	[ "$output" = $'TAP version 13\n1..1\nok 1 - rte run s:6: wait 10ms' ] || what_happened
	prove --exec cat <(echo "$output")
}

@test "capture: a message between two endpoints is one packet; trace and write-out" {
	need tshark
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		alice bye call1
	S
	play 0 --pcap=s.pcap --trace=s.trace -w '%{exit_code} %{exit_name}\n'
	[ "$(tail -n 1 <<<"$output")" = '0 ok' ] || what_happened
	[ "$(tshark -r s.pcap -o udp.try_heuristic_first:TRUE -T fields -e sip.Method -e sip.Status-Code 2>/dev/null | xargs)" = 'INVITE 200 ACK BYE 200' ] || {
		tshark -r s.pcap
		return 1
	}
	grep -q '^>.* INVITE sip:' s.trace
}

# ---- the file

# bad LINE PATTERN <FILE: exit 2, with the line
bad() {
	cat >s
	rte run s
	usage_error "^rte: run( alice)?: s:$1: ($2)"
}

@test "the file: with --json its errors are records, and nothing is sent; a dry run finds them" {
	for line in 'alice mesage bob two' 'bobb message alice two' 'bob answer call1 99'; do
		steps <<-S
			alice message bob one
			$line
		S
		rte run --json s
		ended_with 2
		check_records <<<"$output"
		[ "$(record 'select(.type == "error") | .exit_code')" = 2 ] || what_happened
		record 'select(.type == "error") | .detail' | grep -q '^s:7: ' || what_happened
		[ -z "$(record 'select(.type == "request" or .type == "listening" or .type == "step")')" ] || what_happened
		rte run -n s
		usage_error '^rte: run: s:7: '
	done
	printf '%s\n' '[endpoint alice]' 'timeout = soon' '[steps]' 'wait 1ms' >s
	rte run --json s
	ended_with 2
	check_records <<<"$output"
	record 'select(.type == "error") | .detail' | grep -q '^s:2: ' || what_happened
	rte run -n s
	usage_error '^rte: run( alice)?: s:2: '
}

@test "the file: what is wrong with a step" {
	while IFS='|' read -r step pattern; do
		steps <<-S
			alice invite bob as call1
			alice subscribe bob presence as watch1
			$step
		S
		echo "step: $step"
		rte run s
		usage_error "^rte: run: s:8: $pattern"
	done <<-'TABLE'
		alise register|"alise" is no endpoint of this file; did you mean alice\?
		expekt alice call1 early|"expekt" is no endpoint of this file; did you mean expect\?
		zzzzzz register|"zzzzzz" is no endpoint of this file$
		alice|without a verb
		alice registr|unknown verb "registr"; did you mean register\?
		alice xyzzyx|unknown verb "xyzzyx"$
		alice register now|it is NAME register
		alice unregister now|it is NAME unregister
		alice invite|it is NAME invite TARGET as CALL
		alice invite bob|it is NAME invite TARGET as CALL
		alice invite bob call2|it is NAME invite TARGET as CALL
		alice invite bob as|it is NAME invite TARGET as CALL
		alice invite bob as a b|it is NAME invite TARGET as CALL
		alice invite bob as call1|there is one of this name: "call1"
		alice invite bob as watch1|there is one of this name: "watch1"
		alice subscribe bob presence as call1|there is one of this name: "call1"
		alice invite bob as c.1|no name
		alice invite bob as message|no call can be named "message"
		alice subscribe bob|it is NAME subscribe TARGET PACKAGE as NAME
		alice bye call2|no step before this one names a call "call2"
		alice bye call2x|no step before this one names a call "call2x"
		alice bye|it is NAME bye CALL
		alice bye watch1|a subscription and no call: "watch1"
		alice bye call1 now|it is NAME bye CALL
		alice cancel|it is NAME cancel CALL
		alice hold call2|no step before this one names a call
		alice hold call1 x|it is NAME hold CALL
		alice resume|it is NAME resume CALL
		alice reinvite call1 a b|it is NAME reinvite CALL \[FILE\]
		alice info call1|it is NAME info CALL MIME@FILE
		alice refer call1|it is NAME refer CALL TARGET
		alice refer-replaces call1|it is NAME refer-replaces CALL TARGET
		alice unsubscribe call1|no step before this one names a subscription "call1"
		alice unsubscribe|it is NAME unsubscribe NAME
		alice message bob|it is NAME message TARGET TEXT
		alice options|it is NAME options TARGET
		alice options bob x|it is NAME options TARGET
		alice request INFO|it is NAME request METHOD TARGET
		alice publish|it is NAME publish
		alice publish away|neither open nor closed: "away"
		alice unpublish x|it is NAME unpublish
		bob ring|it is NAME ring CALL \[STATUS\]
		bob ring call1 200|no status from 101 to 199: "200"
		bob ring call1 x|no status
		bob answer call1 180|no status from 200 to 699: "180"
		bob answer call1 700|no status from 200 to 699: "700"
		alice options bob expect 2000|.*expect
		alice options bob expect|it is NAME options TARGET
		alice options bob within|it is NAME options TARGET
		alice options bob within soon|.*"soon" is not a time
		alice options bob within 0|within: the time must be more than 0
		alice bye call1 within -1s|.*"-1s" is not a time
		wait|it is wait T
		wait soon|.*"soon" is not a time
		wait 1s 2s|it is wait T
		expect|it is expect NAME WHAT
		expect alice|it is expect NAME WHAT
		expect dave call1 early|"dave" is no endpoint of this file
		expect alice call1|it is expect NAME CALL STATE
		expect alice call1 erly|no state of a call: "erly"
		expect alice call1 active|no state of a call: "active"
		expect alice call1 early 99|no status: "99"
		expect alice call1 early 180 x|too many words: "x"
		expect alice call1 early withn 2s|no status: "withn"
		expect alice watch1 confirmed|no state of a subscription: "confirmed"
		expect alice watch1 active x|too many words: "x"
		expect alice watch1 notified (|.*[Pp]aren|.*\(
		expect alice watch2 active|no step before this one names "watch2"
		expect alice call7 early|no step before this one names "call7"
		expect alice registered x|too many words: "x"
		expect alice unregistered x|too many words: "x"
		expect alice no|it is expect NAME WHAT
		expect alice no registered|none of message, info and call: "registered"
		expect alice call x|a call has no text: "x"
		expect alice message [|.*
		expect alice info *(|.*
		alice message bob 'a b|a quote without its end
		alice message bob "a b|a quote without its end
	TABLE
}

@test "the file: words near a wrong state, call or verb are suggested" {
	while IFS='|' read -r step word; do
		steps <<-S
			alice invite bob as call1
			$step
		S
		rte run s
		usage_error "^rte: run: s:7: .*did you mean $word\\?"
	done <<-'TABLE'
		alic bye call1|alice
		alice byee call1|bye
		alice un-register|unregister
	TABLE
}

@test "the file: sections and settings" {
	bad 1 'neither \[endpoint NAME\] nor \[steps\]: "\[endpiont alice\]"' <<<'[endpiont alice]'
	bad 1 'no section' <<<'[endpoint alice'
	bad 1 'no section' <<<'[endpoint alice] p2p'
	bad 1 'neither|no name of an endpoint' <<<'[endpoint ]'
	bad 1 'neither|no name of an endpoint' <<<'[endpoint]'
	bad 1 'no name of an endpoint' <<<'[endpoint a b]'
	bad 1 'no name of an endpoint' <<<'[endpoint a.b]'
	bad 1 'no endpoint can have the name of a step: "wait"' <<<'[endpoint wait]'
	bad 3 'a second endpoint "alice"' <<<$'[endpoint alice]\np2p\n[endpoint alice]'
	bad 2 'unknown key "displayname"; did you mean display-name\?' <<<$'[endpoint alice]\ndisplayname = x\n[steps]\nwait 1'
	bad 2 'unknown key "zzzzzz"$' <<<$'[endpoint alice]\nzzzzzz = x\n[steps]\nwait 1'
	bad 1 'unknown key "tiemout"' <<<$'tiemout = 5s\n[endpoint alice]\n[steps]\nwait 1'
	# options of the run, and of other commands
	bad 2 'unknown key "json"' <<<$'[endpoint alice]\njson\n[steps]\nwait 1'
	bad 2 'unknown key "once"' <<<$'[endpoint alice]\nonce\n[steps]\nwait 1'
	bad 2 'register is a step' <<<$'[endpoint alice]\nregister\n[steps]\nwait 1'
	bad 2 'do is a step' <<<$'[endpoint alice]\ndo = hold\n[steps]\nwait 1'
	bad 1 'cannot be set in a file: "profile"' <<<$'profile = x\n[endpoint alice]\n[steps]\nwait 1'
	# a = that was forgotten: what stands behind the key is not shown
	bad 2 'neither KEY = VALUE nor a flag$' <<<$'[endpoint alice]\npassword hunter2\n[steps]\nwait 1'
	bad 1 'neither KEY = VALUE nor a flag$' <<<$'password\thunter2\n[endpoint alice]\n[steps]\nwait 1'
	# values
	bad 2 '.*"soon" is not a time' <<<$'[endpoint alice]\ntimeout = soon\n[steps]\nwait 1'
	bad 1 '.*"soon" is not a time' <<<$'timeout = soon\n[endpoint alice]\n[steps]\nwait 1'
	bad 2 '.*"maybe" is not' <<<$'[endpoint alice]\n100rel = maybe\n[steps]\nwait 1'
	bad 2 '.*without a value|.*value' <<<$'[endpoint alice]\naor =\n[steps]\nwait 1'
	bad 2 '.*"mp3"' <<<$'[endpoint alice]\ncodec = mp3\n[steps]\nwait 1'
	bad 2 '.*MESSAGE=5033' <<<$'[endpoint alice]\nreply = MESSAGE=5033\n[steps]\nwait 1'
	# what a step needs
	bad 1 '\[endpoint alice\] registers or publishes: it needs aor' <<<$'[endpoint alice]\n[steps]\nalice register'
}

@test "the file: nothing in it, bytes that cannot be, one that is not there" {
	: >s
	rte run s
	usage_error '^rte: run: s: there is no \[endpoint NAME\]$'
	echo '# nothing' >s
	rte run s
	usage_error '^rte: run: s: there is no \[endpoint NAME\]$'
	printf '[endpoint alice]\n' >s
	rte run s
	usage_error '^rte: run: s: there are no \[steps\]$'
	printf '[endpoint alice]\n[steps]\n# none\n' >s
	rte run s
	usage_error '^rte: run: s: there are no \[steps\]$'
	printf '[steps]\nwait 1\n' >s
	rte run s
	usage_error '^rte: run: s: there is no \[endpoint NAME\]$'
	printf '[endpoint alice]\np2p\n[steps]\nwait 1\0s\n' >s
	rte run s
	usage_error '^rte: run: s:4: a NUL byte$'
	printf '[endpoint a\e[31m]\n[steps]\nwait 1\n' >s
	rte run s
	usage_error '^rte: run: s:1: '
	[[ $stderr != *$'\e'* ]] || what_happened
	rte run nothing
	ended_with 20 '^rte: run: nothing: No such file or directory$'
	rte run .
	ended_with 20 '^rte: run: \.: '
	rte run
	usage_error .
	rte run s s
	usage_error .
}

@test "the file: CRLF, no newline at the end, a section twice, text before and behind [steps]" {
	printf '[endpoint alice]\r\n[endpoint bob]\r\n[steps]\r\nalice message bob hello\r\nexpect bob message ^hello$' >s
	play 0
	scenario <<-'S'
		[steps]
		alice message bob hello
		[endpoint alice]
		display-name = Alice
		[endpoint bob]
		[steps]
		expect bob message hello
	S
	played 0
	[ "$(record 'select(.type == "step") | .line' | paste -sd ' ')" = '2 7' ] || what_happened
}

@test "standard input is -" {
	steps <<<'alice message bob hello'
	captured "$RTE" run --json - <s
	ended_with 0
	records
	[ "$(sent_by alice)" = MESSAGE ] || what_happened
	steps <<<'alice mesage bob hello'
	captured "$RTE" run - <s
	usage_error '^rte: run: (stdin|-):6: unknown verb "mesage"; did you mean message\?$'
}

@test "dry run: the file and its endpoints, and no network" {
	peer_start udp
	peer_answer </dev/null
	scenario <<-S
		[endpoint alice]
		aor = sip:alice@test.invalid
		server = $peer
		[endpoint bob]
		listen = udp:127.0.0.1:1
		[steps]
		alice register
		bob message $peer hello
	S
	play 0 -n --trace=s.trace --pcap=s.pcap
	says '^ok  s: 2 endpoints, 2 steps$'
	run ! grep '^[<>]' s.trace
	[ "$(stat -c %s s.pcap)" = 24 ]
	if [ -z "${RTE_SANITIZED:-}" ]; then # LSan cannot be traced
		need strace
		strace -f -e trace=socket,bind,connect,sendto,sendmsg -o s.strace "$RTE" run -n s >/dev/null
		run ! grep -E 'AF_INET|sendto|sendmsg' s.strace
	fi
	played 0 -n
	[ -z "$(record 'select(.type == "request" or .type == "step" or .type == "listening")')" ] || what_happened
	# files of settings and certificates are looked at
	scenario <<-S
		[endpoint alice]
		sdp = /nonexistent/sdp
		[steps]
		wait 1
	S
	rte run -n s
	ended_with 20 '/nonexistent/sdp: No such file'
}

# ---- calls

@test "states of a call, each side; what is so already is fine" {
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		expect alice call1 early
		expect alice call1 early 180
		expect bob call1 early
		bob ring call1 183
		expect alice call1 early 183
		bob answer call1
		expect alice call1 confirmed 200
		expect bob call1 confirmed
		alice hold call1
		expect alice call1 hold
		expect bob call1 hold
		expect bob call1 confirmed
		alice resume call1
		expect alice call1 resume
		expect bob call1 resume
		bob hold call1
		expect alice call1 hold
		bob bye call1
		expect bob call1 local-bye
		expect alice call1 remote-bye
		expect alice call1 terminated
		expect bob call1 terminated
	S
	played 0
	[ "$(sent_by alice)" = 'INVITE ACK INVITE ACK INVITE ACK' ] || what_happened
	[ "$(sent_by bob)" = 'INVITE ACK BYE' ] || what_happened
	# the first 183 has a description, 180 has none; both are in the same dialog
	[ "$(record 'select(.type == "response" and .party == "alice" and .cseq == 1) | .status_code' | paste -sd ' ')" = '180 183 200' ] || what_happened
}

@test "answers: refused with a status and a reason, cancelled, never answered" {
	silent_start
	scenario <<-S
		[endpoint alice]
		timeout = 500ms
		[endpoint bob]
		[steps]
		alice invite bob as call1
		bob answer call1 486 Not "just  now"
		expect alice call1 rejected 486
		expect bob call1 rejected 486
		alice invite bob as call2
		expect bob call
		alice cancel call2
		expect alice call2 cancelled 487
		expect bob call2 cancelled 487
		alice invite udp:127.0.0.1:$silent as call3
		expect alice call3 trying
		expect alice call3 timeout
		alice invite tcp:127.0.0.1:1 as call4
		expect alice call4 error
		alice invite bob as call5
		bob answer call5 302
		expect alice call5 rejected 302
	S
	played 0
	[ "$(record 'select(.type == "response" and .status_code == 486) | .reason_phrase')" = 'Not just  now' ] || what_happened
	[[ $(sent_by alice) == 'INVITE INVITE CANCEL INVITE'* ]] || what_happened
}

@test "ring, answer, bye and in-call steps wait for the call, and for it to be confirmed" {
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		answer = 200
		ring = 400ms
		[steps]
		alice invite bob as call1
		alice hold call1
		expect bob call1 hold
		alice bye call1
	S
	played 0
	[ "$(record 'select(.type == "step" and .line == 7) | .took_ms | . >= 300')" = true ] || what_happened
	[ "$(by alice '.type == "response" and .method == "INVITE" and .status_code == 180' .status_code)" = 180 ] || what_happened
	# nobody comes: 14
	while IFS='|' read -r step why; do
		steps <<<"$step"
		echo "$step"
		fails 14 6 "$why"
	done <<-'TABLE'
		bob ring call1 within 100ms|no such call
		bob answer call1 within 100ms|no such call
	TABLE
	for step in hold resume reinvite update 'message' 'refer'; do
		case $step in
		message) step='message call1 hello' ;;
		refer) step='refer call1 carol' ;;
		*) step="$step call1" ;;
		esac
		steps <<-S
			alice invite bob as call1
			bob ring call1
			expect alice call1 early
			alice $step within 100ms
		S
		echo "$step"
		fails 14 9 'the call is early'
	done
}

@test "in a call: reinvite and update with a file, info, message; either side" {
	printf 'v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n' >my.sdp
	printf 'Signal=5\r\n' >dtmf
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice reinvite call1
		bob reinvite call1 my.sdp
		alice update call1
		bob update call1 my.sdp
		alice info call1 application/dtmf-relay@dtmf
		expect bob info ^Signal=5
		bob message call1 Come  "here,  Watson."
		expect alice message "^Come here,  Watson\.$"
		expect alice no message within 50ms
		alice bye call1
	S
	play 0 --trace=s.trace
	[ "$(grep -c '^>.*m=audio 4000' s.trace)" -ge 2 ] || what_happened
	grep -q '^>.*Content-Type: application/dtmf-relay' s.trace
	played 0
	[ "$(sent_by alice)" = 'INVITE ACK INVITE ACK UPDATE INFO BYE' ] || what_happened
	[ "$(sent_by bob)" = 'INVITE ACK UPDATE MESSAGE' ] || what_happened
	# the MESSAGE is in the dialog
	[ "$(record 'select(.type == "request" and .method == "MESSAGE") | .call_id' | sort -u)" = \
		"$(record 'select(.type == "request" and .method == "INVITE") | .call_id' | sort -u)" ] || what_happened
	# a file that is not there
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice info call1 text/plain@nothing
	S
	rte run s
	[[ $status = 20 && $stderr == 'rte: run: s:8: '*'nothing: No such file or directory'* ]] || what_happened
}

@test "two calls at once are told apart by their names: the second is answered first" {
	steps <<-'S'
		alice invite bob as call1
		expect bob call
		carol invite bob as call2
		bob ring call2
		bob answer call2
		expect carol call2 confirmed
		bob ring call1
		expect alice call1 early
		bob answer call1 486
		expect alice call1 rejected 486
		expect carol call2 confirmed
		bob bye call2
		expect carol call2 remote-bye
	S
	played 0
	# one caller, both calls, also without a step between them
	steps <<-'S'
		alice invite bob as call1
		alice invite bob as call2
		bob answer call2
		expect alice call2 confirmed
		expect alice call1 confirmed within 200ms
	S
	fails 17 10 'it is (trying|proceeding)'
}

@test "expect call: one without a name; after it has one there is none" {
	steps <<-'S'
		expect bob no call within 50ms
		alice invite bob as call1
		expect bob call
		expect bob call
		bob ring call1
		expect bob no call within 50ms
		expect bob call within 100ms
	S
	fails 17 12 'none has come after 0\.1 s'
	steps <<-'S'
		alice invite bob as call1
		expect bob no call within 1s
	S
	fails 17 7 'one has come'
}

@test "a call from elsewhere is named by ring or answer" {
	scenario <<-'S'
		[endpoint bob]
		listen = udp:127.0.0.1:0
		[steps]
		bob answer their
		expect bob their confirmed
		bob message their hello
		expect bob their remote-bye
	S
	spawn bob run --json s
	printed bob '"type":"listening"'
	port=$(jq -r 'select(.type == "listening") | .local[0].port' bob.out)
	rte invite --p2p --json --duration=300ms "sip:bob@127.0.0.1:$port"
	ended_with 0
	[ "$(record 'select(.type == "message") | .body')" = hello ] || what_happened
	spawned_ends 0 bob
	check_records <bob.out
}

missed() { # LINE PATTERN
	fails 17 "$1" "$2"
}

@test "states that do not come: exit 17, and what the call is instead" {
	for state in proceeding early confirmed terminated cancelled rejected replaced local-bye remote-bye error timeout hold resume; do
		steps <<-S
			alice invite bob as call1
			expect alice call1 $state within 100ms
		S
		echo "$state"
		rte run s
		ended_with 17 "^rte: run: s:7: expect alice call1 $state within 100ms: it is trying after 0\.1 s$"
	done
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		expect bob call1 early
		expect bob call1 trying within 100ms
	S
	missed 9 'it is early'
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		expect alice call1 early 183 within 300ms
	S
	missed 8 'it is early \(180\)'
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice hold call1
		expect bob call1 hold
		alice resume call1
		expect bob call1 resume
		expect bob call1 hold within 100ms
	S
	missed 12 'it is '
}

@test "a state with a status that comes later is waited for" {
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		[steps]
		alice invite bob as call1
		bob ring call1 180
		expect alice call1 early 180
		bob ring call1 183
		expect alice call1 early 183 within 2s
		bob ring call1 182
		expect alice call1 early 182 within 2s
	S
	for _ in 1 2 3 4 5; do
		play 0
	done
}

@test "a state that is over when it is looked at counts, in order, once, and not behind a wait" {
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		bob ring call1 183
		bob answer call1
		expect bob call1 confirmed within 20s
		expect alice call1 early 180
		expect alice call1 early 183
		expect alice call1 confirmed
		bob hold call1
		bob resume call1
		bob hold call1
		bob bye call1
		expect alice call1 hold
		expect alice call1 resume
		expect alice call1 hold
		expect alice call1 remote-bye
	S
	play 0
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		bob answer call1
		expect alice call1 confirmed
		expect alice call1 early within 100ms
	S
	missed 10 'it is confirmed'
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		bob answer call1
		wait 200ms
		expect alice call1 early within 100ms
	S
	missed 10 'it is confirmed'
	# nor for who did it
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice hold call1
		alice resume call1
		expect alice call1 hold within 100ms
	S
	missed 10 'it is confirmed'
	serve_with=(--auth=none)
	members <<-'S'
		bob subscribe alice presence as watch1
		expect bob watch1 notified closed
		bob unsubscribe watch1
		expect bob watch1 active
		expect bob watch1 terminated
	S
	served 0
}

@test "a call that has ended in another way fails at once" {
	for end in 'bob answer call1 486|cancelled|rejected \(486\)' 'bob answer call1 603|confirmed|rejected \(603\)' \
		'alice cancel call1|rejected|cancelled \(487\)' 'bob answer call1 486|rejected 603|rejected \(486\)'; do
		IFS='|' read -r step state why <<<"$end"
		steps <<-S
			alice invite bob as call1
			bob ring call1
			$step
			expect alice call1 $state within 20s
		S
		before=$(date +%s)
		fails 17 9 "it is $why"
		(($(date +%s) - before < 15)) || what_happened
	done
	# a step in a call that is over
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		bob bye call1
		alice hold call1
	S
	fails 18 10 'the call has ended: remote-bye'
	steps <<-'S'
		alice invite bob as call1
		bob answer call1 486
		expect alice call1 rejected
		wait 200ms
		bob bye call1
	S
	fails 18 10 'the call has ended: rejected'
}

@test "steps that the state of things forbids are no bug of ours" {
	for step in 'alice unregister' 'alice unpublish'; do
		printf '%s\n' '[endpoint alice]' '[steps]' "$step" >s
		fails 17 3 .
	done
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		bob ring call1
	S
	fails 17 9 .
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		bob answer call1
	S
	fails 17 9 .
	steps <<-'S'
		alice invite bob as call1
		expect bob call
		alice answer call1
	S
	fails 17 8 .
}

# ---- below a server

@test "register, unregister, refresh; expect registered and unregistered" {
	members <<-'S'
		expect alice unregistered
		alice register
		expect alice registered
		expect bob unregistered
		alice register
		alice unregister
		expect alice unregistered
		alice register expect 200
		alice unregister
		alice register
	S
	served 0
	# with the challenge; the last binding is removed at the end
	[ "$(record 'select(.type == "registration") | .state' | paste -sd ' ')" = 'active active terminated active terminated active terminated' ] || what_happened
	[ "$(by alice '.type == "auth" and .chosen' .user | xargs -n 1 | sort -u)" = alice ] || what_happened
	members <<-'S'
		expect alice registered within 100ms
	S
	served 17
	[ "$(record 'select(.type == "step") | .detail')" = 'it is not registered after 0.1 s' ] || what_happened
	members <<-'S'
		alice register
		expect alice unregistered within 100ms
	S
	served 17
	[ "$(record 'select(.type == "step" and (.passed | not)) | .detail')" = 'it is registered after 0.1 s' ] || what_happened
	# what was bound goes with a failure, too
	[ "$(record 'select(.type == "registration") | .state' | paste -sd ' ')" = 'active terminated' ] || what_happened
}

@test "a wrong password is 7, no password 22, refused 11, no answer 14; expect decides where it stands" {
	scenario <<-'S'
		[endpoint alice]
		aor = sip:alice@test.invalid
		password = pass:wrong
		[steps]
		alice register
	S
	served 7
	[ "$(record 'select(.type == "error") | .exit_code')" = 7 ] || what_happened
	sed -i 's/^password.*/auth = none/' s
	served 22
	scenario <<-'S'
		[endpoint alice]
		aor = sip:alice@test.invalid
		server = 127.0.0.1:1
		[steps]
		alice register
	S
	fails 11 5 refused
	silent_start
	sed -i "s/127.0.0.1:1/127.0.0.1:$silent/; 1i timeout = 200ms" s
	fails 14 6 .
	scenario <<-'S'
		[endpoint alice]
		aor = sip:alice@test.invalid
		password = pass:wrong
		[steps]
		alice register expect 401,403
		alice register expect 200
	S
	served 17
	[ "$(record 'select(.type == "step") | .passed' | paste -sd ' ')" = 'true false' ] || what_happened
}

@test "requests: message, options, request; their failures are the exit code, or are expected" {
	serve_with=(--auth=none)
	members <<-'S'
		alice options sip:echo@test.invalid
		alice message sip:404@test.invalid hello expect 404
		alice message sip:503@test.invalid hello expect 4xx,503
		alice request INFO sip:echo@test.invalid
		alice request SUBSCRIBE sip:603@test.invalid expect 2xx,489,603
		alice options sip:200@test.invalid expect 200
		alice options sip:200@test.invalid expect 404
	S
	served 17
	[ "$(record 'select(.type == "step" and (.passed | not)) | [.line, .detail] | join(" ")')" = '15 200 OK' ] || what_happened
	while read -r code status; do
		members <<<"alice options sip:$status@test.invalid"
		served "$code" --no-retry-after
		[ "$(record 'select(.type == "error") | .exit_code')" = "$code" ] || what_happened
		record 'select(.type == "step") | .detail' | grep -q "^$status" || what_happened
	done <<-'TABLE'
		3 302
		4 404
		5 500
		6 600
	TABLE
	# between two: it is told who said what
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		reply = MESSAGE=488 No
		[steps]
		alice message bob hello
	S
	fails 4 5 '488 No'
	# the expected status did not come, nor any other one
	scenario <<-'S'
		[endpoint alice]
		timeout = 200ms
		[endpoint bob]
		reply = OPTIONS=0
		[steps]
		alice options bob expect 200
	S
	fails 14 6 .
	scenario <<<$'[endpoint alice]\n[steps]\nalice options udp:127.0.0.1:1 expect 4xx'
	fails 11 3 refused
	# within is shorter than the timeout of a request
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		reply = OPTIONS=200;after=5s
		[steps]
		alice options bob within 200ms
	S
	fails 14 5 .
}

@test "TARGET: an endpoint, or a peer in any form" {
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		listen = udp:127.0.0.1:0
		[endpoint carol]
		listen = tcp:127.0.0.1:0
		[steps]
		alice message bob over udp
		expect bob message over udp
		alice message carol over tcp
		expect carol message over tcp
	S
	played 0
	[ "$(by alice '.type == "request"' .remote.transport)" = 'udp tcp' ] || what_happened
	peer_start udp
	peer_answer <<-S
	SIP/2.0 200 OK
	$peer_head
	Content-Length: 0
	S
	for target in "udp:$peer" "sip:x@$peer" "<sip:x@$peer>" "x@$peer"; do
		[ "$target" != "<sip:x@$peer>" ] || continue
		scenario <<<$'[endpoint alice]\ntransport = udp\n[steps]\nalice options '"$target"
		play 0
	done
	scenario <<<$'[endpoint alice]\n[steps]\nalice options foo:bar'
	rte run s
	[[ $status = 2 && $stderr == 'rte: run: s:3: '* ]] || what_happened
	# RFC 3261 19.1.5: before anything is sent
	scenario <<<$'[endpoint alice]\n[steps]\nalice options udp:127.0.0.1:9\nalice message sip:x@192.0.2.1;method=INVITE hello'
	rte run s
	[[ $status = 2 && $output != *ok* && $stderr == *'s:4: '*'asks for INVITE, not MESSAGE' ]] || what_happened
	scenario <<<$'[endpoint alice]\n[steps]\nalice invite udp:127.0.0.1:9 as c\nalice refer-replaces c sip:x@192.0.2.1?Subject=y'
	rte run s
	[[ $status = 2 && $output != *ok* && $stderr == *'s:4: '*'has headers, which are not taken from a URI: use --header' ]] || what_happened
	# nobody can name an endpoint that has a server and no name there
	peer_start udp
	scenario <<<$'[endpoint alice]\n[endpoint bob]\nserver = test.invalid\n[steps]\nalice options udp:'"$peer"$'\nalice options bob'
	for dry in '' -n; do
		rte run $dry s
		[[ $status = 2 && $output != *ok* && $stderr == 'rte: run: s:6: [endpoint bob] has no aor' ]] || what_happened
	done
}

@test "a STATUS is that of both ends" {
	steps <<-'S'
		alice invite bob as c
		bob ring c 183
		expect alice c early 183
		expect bob c early 183
		bob answer c
		expect alice c confirmed 200
		expect bob c confirmed 200
		alice bye c
		expect bob c terminated
	S
	play 0
	steps <<-'S'
		alice invite bob as c
		bob ring c
		expect bob c early 183 within 200ms
	S
	play 17
}

@test "texts: the one that is expected is taken, those before it stay; message and info are different" {
	printf 'first info' >body
	steps <<-'S'
		alice message bob one
		alice message bob two
		alice message bob two
		alice message bob line
		expect bob message ^two
		expect bob message ^one$
		expect bob message t(wo|en)$
		expect bob no message two within 50ms
		expect bob no info within 50ms
		expect bob message
		expect bob no message within 50ms
		expect alice no message within 50ms
	S
	played 0
	steps <<-'S'
		alice message bob one
		expect bob message one
		expect bob message one within 100ms
	S
	fails 17 8 'none has come after 0\.1 s'
	steps <<-'S'
		alice message bob one
		expect bob no message two within 50ms
		expect bob no message one within 5s
	S
	fails 17 8 'one has come'
	steps <<-'S'
		alice message bob one
		expect bob info within 50ms
	S
	fails 17 7 'none has come'
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice info call1 text/plain@body
		expect bob no info within 1s
	S
	fails 17 9 'one has come'
}

@test "subscriptions: active, notified, terminated; what does not come" {
	serve_with=(--auth=none)
	members <<-'S'
		bob subscribe alice presence as watch1
		expect bob watch1 active
		expect bob watch1 notified closed
		alice register
		expect bob watch1 notified open
		alice publish closed "at lunch"
		expect bob watch1 notified at lunch
		alice publish open
		expect bob watch1 notified <basic>open
		expect carol no message within 10ms
		alice unpublish
		bob subscribe alice reg as watch2
		expect bob watch2 active
		expect bob watch2 notified sip:alice@test
		bob unsubscribe watch1
		expect bob watch1 terminated
		expect bob watch1 active within 50ms
	S
	served 17
	[ "$(record 'select(.type == "step" and (.passed | not)) | .line')" = 25 ] || what_happened
	record 'select(.type == "step" and (.passed | not)) | .detail' | grep -q '^it is terminated' || what_happened
	[ "$(by alice '.type == "request" and .direction == "sent" and .method == "PUBLISH"' .method | wc -w)" = 3 ] || what_happened
	for what in 'notified nobody' pending terminated; do
		members <<-S
			bob subscribe alice presence as watch1
			expect bob watch1 $what within 200ms
		S
		served 17
		[ "$(record 'select(.type == "step" and (.passed | not)) | .line')" = 10 ] || what_happened
	done
	# a subscription that is refused
	members <<-'S'
		bob subscribe alice nothing as watch1
		expect bob watch1 active within 20s
	S
	served 17
	record 'select(.type == "step" and (.passed | not)) | .detail' | grep -q '^it is terminated: 489' || what_happened
	members <<-'S'
		bob subscribe alice nothing as watch1
		expect bob watch1 terminated
		bob unsubscribe watch1
	S
	served 17
	[ "$(record 'select(.type == "step" and (.passed | not)) | .line')" = 11 ] || what_happened
	# subscriptions of the run have ended behind it
	members <<<'bob subscribe alice presence as watch1'
	served 0
}

@test "calls through the server: each transport; names tell two calls apart" {
	members <<-'S'
		alice register
		bob register
		carol register
		alice invite bob as call1
		carol invite bob as call2
		bob answer call2
		expect carol call2 confirmed
		bob ring call1
		expect alice call1 early 180
		bob answer call1 486
		expect alice call1 rejected 486
		carol bye call2
		expect bob call2 remote-bye
	S
	for transport in udp tcp tls; do
		# shellcheck disable=SC2016
		PW=pw captured "$RTE" serve --tls-auto --add-user=alice:env:PW --add-user=bob:env:PW --add-user=carol:env:PW -- \
			sh -c '[ "$1" != tls ] || export RTE_SERVER=$RTE_SERVE_TLS; exec "$RTE" run --json -t "$1" s' sh "$transport"
		ended_with 0
		records
		[ "$(by alice '.type == "request"' .remote.transport | xargs -n 1 | sort -u)" = $transport ] || what_happened
		[ "$(record 'select(.type == "registration") | .state' | sort | uniq -c | xargs)" = '3 active 3 terminated' ] || what_happened
	done
}

@test "refer: to a third one who is called; what becomes of the calls" {
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		on-refer = follow
		[endpoint carol]
		[steps]
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		alice refer call1 carol
		carol answer call2
		expect carol call2 confirmed
		carol bye call2
		expect carol call2 local-bye
	S
	# the step waits for what the NOTIFYs tell; no step can answer at carol meanwhile: it fails after its time
	sed -i '/^alice refer/s/$/ within 1s/' s
	rte run --json s
	ended_with 14
	records
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		on-refer = follow
		[endpoint carol]
		answer = 200
		[steps]
		alice invite bob as call1
		bob answer call1
		alice refer call1 carol
		expect carol call2 confirmed within 1ms
	S
	rte run --json s
	ended_with 2 # call2 has no step that names it
	sed -i '$d' s
	echo 'expect carol call' >>s
	played 0
	[[ $(sent_by bob) == *'INVITE '* && $(sent_by alice) == *'REFER'* ]] || what_happened
	# the referrer's call stays: who has placed it ends it (or the end of the run does)
	sed -i '$d' s
	printf '%s\n' 'expect alice call1 confirmed' 'expect carol call' 'alice bye call1' 'expect bob call1 remote-bye' >>s
	played 0
	[ "$(by carol '.type == "dialog" and .state == "confirmed"' .state)" = confirmed ] || what_happened
	# with a call between them first, which is replaced by theirs
	sed 's/alice refer call1/alice refer-replaces call1/; s/^expect alice call1 confirmed/expect bob call1 confirmed/' s >s2
	rte run --json s2
	ended_with 0
	records
	[ "$(by carol '.type == "dialog" and .cause == "replaced"' .cause)" = replaced ] || what_happened
	# who does not follow declines: 603
	sed -i 's/^on-refer.*/on-refer = decline/' s
	rte run --json s
	[[ $status = [68] ]] || what_happened
	records
	[ "$(record 'select(.type == "step" and (.passed | not)) | .line')" = 9 ] || what_happened
}

# ---- settings

# aor_of ARG...: whom alice says she is
aor_of() {
	rte run --json "$@" s
	ended_with 0
	by alice '.type == "request" and .direction == "sent"' .from.uri
}

@test "settings: configuration, profile, environment, top, command line, section: the later one wins" {
	steps <<<'alice message carol hello'
	config <<-'C'
		aor = sip:config@x.invalid
		[profile lab]
		aor = sip:profile@x.invalid
	C
	[ "$(aor_of)" = sip:config@x.invalid ]
	[ "$(aor_of -P lab)" = sip:profile@x.invalid ]
	export RTE_AOR=sip:environment@x.invalid
	[ "$(aor_of -P lab)" = sip:environment@x.invalid ]
	sed -i '1i aor = sip:top@x.invalid' s
	[ "$(aor_of -P lab)" = sip:top@x.invalid ]
	[ "$(aor_of -a sip:line@x.invalid)" = sip:line@x.invalid ]
	sed -i 's/^\[endpoint alice\]/&\naor = sip:section@x.invalid/' s
	[ "$(aor_of -a sip:line@x.invalid)" = sip:section@x.invalid ]
	# the section of one is not that of another
	[ "$(record 'select(.type == "endpoint" and .party == "bob") | .aor')" != sip:section@x.invalid ]
	# -v says where each comes from
	rte run -v s
	ended_with 0
	notes 'alice: .*aor.*s:3'
}

@test "settings: the top of the file is for the run, too; json and quiet can stand there" {
	scenario <<-'S'
		json
		[endpoint alice]
		[steps]
		wait 10ms
	S
	rte run s
	ended_with 0
	records
	scenario <<-'S'
		max-time = 300ms
		[endpoint alice]
		[steps]
		wait 20s
	S
	rte run s
	ended_with 14
}

@test "settings: a server in the environment makes endpoints server based, p2p does not" {
	serve_start
	export RTE_SERVER=$udp
	scenario <<-'S'
		[endpoint alice]
		aor = sip:alice@test.invalid
		[endpoint bob]
		p2p
		[steps]
		alice options sip:echo@test.invalid
	S
	played 0
	[ "$(by alice '.type == "endpoint"' .kind) $(by bob '.type == "endpoint"' .kind)" = 'server p2p' ] || what_happened
}

@test "settings: ~/ is the home; files of steps are found from the working directory" {
	printf 'v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4242 RTP/AVP 0\r\n' >"$HOME/my.sdp"
	mkdir sub
	scenario <<-'S'
		[endpoint alice]
		sdp = ~/my.sdp
		[endpoint bob]
		[steps]
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		alice info call1 text/plain@here
	S
	echo here >here
	play 0 --trace=s.trace
	grep -q 'm=audio 4242' s.trace
	cd sub
	rte run ../s
	ended_with 20 '^rte: run: \.\./s:8: .*here: No such file'
}

@test "settings of an endpoint are its own: names, header fields, timers, 100rel, codecs" {
	scenario <<-'S'
		[endpoint alice]
		display-name = Alice A.
		header = X-One: 1
		user-agent = Phone/1
		session-expires = 5m
		codec = pcma
		100rel = no
		[endpoint bob]
		display-name = Bob
		[steps]
		alice invite bob as call1
		bob ring call1
		expect alice call1 early 180
		bob answer call1
		expect alice call1 confirmed
		bob message alice hello
	S
	play 0 --trace=s.trace
	for line in 'From: "?Alice A\."? <sip:' 'X-One: 1' 'User-Agent: .*Phone/1' 'Session-Expires: 300' 'm=audio [0-9]+ RTP/AVP 8 *$'; do
		echo "$line"
		grep -Eq "^>.*$line" s.trace
	done
	run ! grep -E '^>.*(PRACK sip:|RSeq:|Require: .*100rel)' s.trace
	# bob has none of these
	sed -n '/^>.*MESSAGE sip:/,/ bytes /p' s.trace >message
	grep -q 'From: "*Bob' message
	run ! grep -E 'X-One|Alice A|Phone/1|Session-Expires' message
	played 0
	[ "$(by alice '.type == "dialog" and .state == "confirmed"' .codec)" = PCMA/8000 ] || what_happened
}

@test "a step in a call waits for it, but not for ever; message with the name of a call is one" {
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		carol hold call1
	S
	fails 14 8 'no such call has come'
	steps <<-'S'
		alice invite bob as call1
		bob ring call1
		bob message call1 hello within 300ms
	S
	fails 14 8 'the call is early'
	# no step of bob has named his side before
	steps <<-'S'
		alice invite bob as call1
		bob message call1 hello
		expect alice message hello
	S
	sed -i '2a answer = 200' s
	played 0
	# the answer of a step that has begun does not come
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		on-refer = follow
		[endpoint carol]
		ring = 180
		[steps]
		alice invite bob as call1
		bob answer call1
		alice refer call1 carol within 300ms
	S
	fails 14 9 'no result in this time'
	steps <<-'S'
		alice subscribe bob presence as watch1
		alice message watch1 hello
	S
	rte run s
	ended_with 2 's:7: a subscription and no call: "watch1"'
}

@test "a step ends by its own result: a refresh meanwhile is none of it" {
	serve_with=(--min-expires=3s --max-expires=3s)
	members <<-'S'
		bob register
		alice register
		alice options bob
	S
	sed -i '/^aor = sip:bob/a reply = OPTIONS=404;after=4s' s
	served 4
	[ "$(record 'select(.type == "step" and (.passed | not)) | .detail')" = '404 Not Found' ] || what_happened
	# what is expected of the answer holds in a call, too
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		alice message call1 hello expect 200
		alice message call1 hello expect 503
	S
	fails 17 9 '^200 OK'
}

@test "a call from elsewhere is not taken for one that is on its way" {
	scenario <<-'S'
		[endpoint alice]
		[endpoint bob]
		[steps]
		expect bob call within 10s
		alice invite bob as call1
		bob answer call1 486
		expect alice call1 rejected 486
		bob answer other 603
	S
	(
		wait_for 10 grep -q '^bob *listening' out
		exec "$RTE" invite --quiet "sip:bob@$(sed -n 's/^bob *listening *udp \([^,]*\),.*/\1/p' out)"
	) &
	reap+=($!)
	"$RTE" run s >out 2>&1 || { cat out && false; }
}

@test "nor where a server is between the two, which takes its time" {
	members <<-'S'
		bob register
		expect bob call within 10s
		alice invite bob as call1
		bob answer call1 486
		expect alice call1 rejected 486
		bob answer other 603
	S
	# the stranger is declined, and call1 is not
	PW=pw "$RTE" serve --fault=delay:20ms --add-user=alice:env:PW --add-user=bob:env:PW --add-user=carol:env:PW -- \
		sh -c '"$0" run s >out 2>&1 & run=$!
			until grep -q "^bob *registered" out; do sleep 0.05; done
			"$0" invite --quiet -a sip:carol@test.invalid --password=env:PW sip:bob@test.invalid
			echo "stranger $?" >stranger
			wait $run' "$RTE" || { cat out && false; }
	[ "$(cat stranger)" = 'stranger 8' ]
}

@test "early media: 183 has a description, and is reliable when both can" {
	steps <<-'S'
		alice invite bob as call1
		bob ring call1 183
		expect alice call1 early 183
		bob answer call1
		expect alice call1 confirmed 200
	S
	play 0 --trace=s.trace
	sed -n '/^>.*SIP\/2\.0 183/,/ bytes /p' s.trace >early
	grep -q 'Content-Type: application/sdp' early
	grep -q 'RSeq: ' early
	grep -q 'PRACK sip:' s.trace
	# without 100rel no PRACK
	sed -i '1i 100rel = no' s
	play 0 --trace=s.trace2
	run ! grep -q 'PRACK sip:' s.trace2
	# 180 has none
	steps <<-'S'
		alice invite bob as call1
		bob ring call1 180
		expect alice call1 early 180
	S
	play 0 --trace=s.trace3
	sed -n '/^>.*SIP\/2\.0 180/,/ bytes /p' s.trace3 >ringing
	grep -q 'Contact:' ringing
	run ! grep -q 'application/sdp' ringing
}

@test "passwords: from the environment, not in any output" {
	members <<<'alice register'
	served 0
	! grep -q '"pw"' <<<"$output" || what_happened
	scenario <<<$'[endpoint alice]\naor = sip:alice@test.invalid\npassword = geheim-word\n[steps]\nalice register'
	rte run s
	ended_with 2
	! grep -q geheim-word <<<"$output$stderr" || what_happened
}

# ---- the end

# interrupted SIGNAL CODE
interrupted() {
	spawn it run --json s
	printed it '"state":"confirmed".*"party":"alice"|"party":"alice".*"state":"confirmed"'
	kill "-$1" "$spawned"
	spawned_ends "$2" it
	check_records <it.out
	[ "$(ended it.out)" = "$2" ]
}

@test "a signal in the middle: calls are hung up, bindings removed, 130 or 143" {
	serve_start
	scenario <<-S
		[endpoint alice]
		server = $udp
		aor = sip:alice@test.invalid
		[endpoint bob]
		aor = sip:bob@test.invalid
		server = $udp
		[steps]
		alice register
		bob register
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		wait 30s
		alice message bob never
	S
	interrupted INT 130
	[ "$(jq -r 'select(.type == "dialog" and .state == "terminated") | .party' it.out | sort -u | xargs)" = 'alice bob' ]
	[ "$(jq -r 'select(.type == "registration" and .state == "terminated") | .party' it.out | sort | xargs)" = 'alice bob' ]
	[ "$(jq -r 'select(.type == "request" and .direction == "sent") | .method' it.out | grep -c BYE)" -ge 1 ]
	run ! grep -q never it.out
	interrupted TERM 143
}

@test "--max-time ends the run at once, with 14; what can be said is said" {
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		wait 30s
	S
	played 14 --max-time=500ms
	grep -q BYE <<<"$(sent_by alice) $(sent_by bob)" || what_happened
	[ "$(record 'select(.type == "end") | .elapsed_ms | . >= 490 and . < 2500')" = true ] || what_happened
	play 14 -q --max-time=500ms --tap=s.tap
	grep -q '^not ok' s.tap
}

# bats test_tags=release
@test "it ends by itself, soon after the last step" {
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
	S
	played 0
	[ "$(record 'select(.type == "end") | .elapsed_ms | . < 1000')" = true ] || what_happened
	# calls that nobody answered, and subscriptions that nobody confirmed: three seconds, and some
	silent_start
	scenario <<-S
		[endpoint alice]
		[steps]
		alice invite udp:127.0.0.1:$silent as call1
		alice subscribe udp:127.0.0.1:$silent presence as watch1
		wait 100ms
	S
	rte run --json s
	[ "$(record 'select(.type == "end") | .elapsed_ms | . < 4000')" = true ] || what_happened
	records
}

@test "standard output is closed, or full" {
	steps <<<'alice message bob hello'
	run -1 --separate-stderr bash -c '"$RTE" run s >/dev/full'
	[[ $stderr == *'No space left'* ]] || what_happened
	code=0
	"$RTE" run s >&- 2>err || code=$?
	echo "exit $code"
	cat err
	((code < 128))
}

@test "a callee that hangs up, and one that never sends its 200: not what was wanted" {
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		bob bye call1
		expect alice call1 local-bye within 20s
	S
	fails 17 10 'it is remote-bye'
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect alice call1 confirmed
		bob bye call1
		alice info call1 text/plain@s
	S
	fails 18 10 'remote-bye'
}

@test "30 endpoints in one file" {
	{
		for i in {1..30}; do echo "[endpoint e$i]"; done
		echo '[steps]'
		for i in {1..29}; do
			echo "e$i message e$((i + 1)) from $i"
			echo "expect e$((i + 1)) message ^from $i\$"
			echo "e$i invite e$((i + 1)) as call$i"
			echo "e$((i + 1)) answer call$i"
		done
		for i in {1..29}; do echo "expect e$i call$i confirmed"; done
	} >s
	played 0
	[ "$(record 'select(.type == "step" and .passed) | .line' | wc -l)" = $((29 * 5)) ] || what_happened
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .party' | sort -u | wc -l)" = 30 ] || what_happened
	# the ladder has who took part
	sed -i '/^\[steps\]/q' s
	echo 'e17 message e28 hello' >>s
	play 0 --ladder
	[ "$(head -n 1 <<<"$stderr" | xargs)" = 'e17 e28' ] || what_happened
	# there are 64 at most
	{
		for i in {1..65}; do echo "[endpoint e$i]"; done
		echo '[steps]'
		echo 'wait 1ms'
	} >s
	rte run s
	usage_error '^rte: run: s:65: too many endpoints'
}

@test "the end record counts the messages of all" {
	steps <<<'alice message bob hello'
	played 0
	[ "$(record 'select(.type == "end") | [.sent, .received] | join(" ")')" = '2 2' ] || what_happened
}

@test "fields: --set, the environment and random ones, everywhere in the file; what has no value is an error with its line" {
	scenario <<-'S'
		[endpoint {{who}}]
		display-name = {{ name }}
		[steps]
		{{who}} message {{who}} {{env:WORDS}} {{rand:7}} {{uuid}}
		expect {{who}} message ^Come here [0-9a-z]{7} [0-9a-f-]{36}$
	S
	WORDS='Come here' play 0 --set=who=zoe --set=name=Nobody --set=name=Zoe
	says '^zoe  message      received  from "?Zoe"? <sip:zoe@127.0.0.1>  200 OK'
	says '^ok    4  zoe message zoe Come here '
	play 2 --set=who=zoe --set=name=x
	usage_error '^rte: run: s:4: \{\{env:WORDS\}\}: there is no such variable in the environment$'
	play 2
	usage_error '^rte: run: s:1: \{\{who\}\}: there is no such field; --set=NAME=VALUE makes one$'
	# it is no message that is written here
	scenario <<<$'[endpoint a]\n[steps]\na message a {{call_id}}'
	play 2
	usage_error '^rte: run: s:3: \{\{call_id\}\}: there is no such field'
	scenario <<<$'[endpoint a]\n[steps]\na message a {{open'
	play 2
	usage_error '^rte: run: s:3: \{\{open\}\}?: it is not closed on its line$'
	rte run --set=1x=y s
	usage_error '^rte: run: --set: "1x=y" is not NAME=VALUE$'
}

@test "the end: of two sides that are both here the caller hangs up; a caller from elsewhere is hung up on, too" {
	steps <<-'S'
		alice invite bob as call1
		bob answer call1
		expect bob call1 confirmed
		bob invite carol as call2
		carol ring call2
		expect bob call2 early
	S
	played 0
	[ "$(record 'select(.type == "request" and .direction == "sent" and (.method == "BYE" or .method == "CANCEL")) | [.party, .method] | join(" ")' | sort | xargs)" = \
		'alice BYE bob CANCEL' ] || what_happened
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | [.party, .cause] | join(" ")' | sort | xargs)" = \
		'alice local-bye bob cancelled bob remote-bye carol cancelled' ] || what_happened
	scenario <<<$'[endpoint bob]\nlisten = udp:127.0.0.1:0\n[steps]\nexpect bob call within 20s\nbob answer call1\nexpect bob call1 confirmed\nwait 200ms'
	spawn bob run s
	wait_for 10 grep -q listening "$BATS_TEST_TMPDIR/bob.out"
	rte invite --p2p --duration=20s "sip:bob@$(grep -o '127.0.0.1:[0-9]*' "$BATS_TEST_TMPDIR/bob.out" | head -n 1)"
	ended_with 0
	says '^ended        remote '
	spawned_ends 0 bob
}

@test "what interrupts a run fails the step that is under way; those behind it are skipped" {
	steps <<-'S'
		alice options bob
		wait 20s
		alice options carol
	S
	play 14 -q --max-time=300ms --tap=s.tap
	grep -qx 'ok 1 - rte run s:6: alice options bob' s.tap
	grep -qx 'not ok 2 - rte run s:7: wait 20s' s.tap
	grep -qx '  kind: timeout' s.tap
	grep -qx 'ok 3 - rte run s:8: alice options carol # SKIP not reached' s.tap
	grep -qx '1..3' s.tap
}

@test "a file of a step that cannot be read is found before anything is sent" {
	steps <<-'S'
		alice invite bob as call1
		alice info call1 text/plain@nowhere
	S
	play 20 -n
	notes '^rte: run: s:7: nowhere: No such file or directory$'
	played 20
	[ -z "$(record 'select(.type == "request")')" ] || what_happened
}

@test "who cannot be reached over the transport of the caller, and who answers a call of its own" {
	scenario <<<$'[endpoint alice]\ntransport = tls\n[endpoint bob]\n[steps]\nalice options bob'
	play 2
	notes '^rte: run: s:5: alice options bob: \[endpoint bob\] does not listen on the transport of alice$'
	steps <<<$'alice invite bob as c\nalice answer c'
	play 17
	notes '^rte: run: s:7: alice answer c: it has placed this call itself$'
	steps <<<'alice publish open'
	sed -i '/endpoint alice/a server = 127.0.0.1' s
	play 2
	notes '\[endpoint alice\] registers or publishes: it needs aor$'
}
