#!/usr/bin/env bats
# tests/cli/listen.bats -- rte listen: what it takes, what it answers, when it ends

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
}

# listen_start ARG...: peer to peer; $udp and $tcp are where it is reached, $listener is its process
listen_start() {
	local ready=$BATS_TEST_TMPDIR/listen.ready
	rm -f "$ready"
	spawn listen listen --p2p --ready-file="$ready" "$@"
	listener=$spawned
	wait_for 10 test -s "$ready" || {
		cat "$BATS_TEST_TMPDIR"/listen.{out,err}
		return 1
	}
	udp=$(sed -n 's/^udp://p' "$ready")
	tcp=$(sed -n 's/^tcp://p' "$ready")
}
# listen_ends CODE: by itself; what it printed is in $output and $stderr
listen_ends() {
	status=0
	wait_for 10 gone "$listener"
	wait "$listener" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/listen.out")
	stderr=$(<"$BATS_TEST_TMPDIR/listen.err")
	[ "$status" = "$1" ] || what_happened
}
# replies STATUS...: what the requests got, in order, from the records
replies() {
	[ "$(record 'if .type == "message" or .type == "notify" then .replied // 0
		elif .type == "response" and .direction == "sent" then .status_code else empty end' | tr '\n' ' ')" = "$* " ] || what_happened
}
# raw REQUEST-LINE HEADER...: a request over UDP from a foreign hand; prints the answer
raw() {
	local first=$1 method=${1%% *}
	shift
	raw_count=$((${raw_count:-0} + 1))
	{
		printf '%s\r\n' "$first" "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-raw-$raw_count;rport" 'Max-Forwards: 70' \
			"Call-ID: raw-$raw_count" "CSeq: 1 $method" "$@"
	} | timeout 3 socat -t 1 - "UDP4:$udp" | tr -d '\r'
}
party=('From: <sip:foreign@example.net>;tag=1' 'To: <sip:bob@example.com>')

# ---- readiness

@test "ready: on udp and tcp of one free port of loopback, told in four ways" {
	need socat
	socat -u UNIX-RECV:"$HOME/notify" OPEN:"$HOME/notified",creat 3>&- &
	reap+=($!)
	wait_for 5 test -S "$HOME/notify"
	mkfifo "$HOME/fd"
	cat "$HOME/fd" >"$HOME/line" 3>&- &
	reap+=($!)
	NOTIFY_SOCKET=$HOME/notify "$RTE" listen --ready-file="$HOME/ready" --ready-fd=7 7>"$HOME/fd" \
		>"$BATS_TEST_TMPDIR/l.out" 3>&- &
	reap+=($!)
	wait_for 10 grep -q READY=1 "$HOME/notified"
	printed l '^listening   udp 127\.0\.0\.1:[0-9]+, tcp 127\.0\.0\.1:[0-9]+$'
	[ "$(wc -l <"$HOME/ready")" = 2 ]
	[ "$(sed 's/^[a-z]*://' "$HOME/ready" | uniq | wc -l)" = 1 ]
	[ "$(paste -sd ' ' "$HOME/ready")" = "$(<"$HOME/line")" ]
	[ "$(stat -c %a "$HOME/ready" | cut -c1)" -ge 4 ]
}

@test "--listen: where it was told, and nowhere else" {
	listen_start --listen=tcp:127.0.0.1:0
	[ -z "$udp" ]
	rte message -d x "tcp:$tcp"
	ended_with 0
	rte message -d x "udp:$tcp"
	ended_with 11
	rte listen --listen=tcp:"$tcp"
	ended_with 20 'in use'
}

@test "server based: over the flow of the registration, and --server alone is refused" {
	serve_start --add-user=alice:env:PW
	spawn listen listen -j --once --register --server="$udp" -a sip:alice@test.invalid --password=env:PW \
		--ready-file="$HOME/ready"
	listener=$spawned
	wait_for 10 test -e "$HOME/ready"
	rte message --server="$udp" -a sip:alice@test.invalid --password=env:PW -d hello sip:alice@test.invalid
	ended_with 0
	listen_ends 0
	records
	[ "$(record 'select(.type == "message") | .body')" = hello ] || what_happened
	# the binding is gone at the end
	[ "$(record 'select(.type == "registration") | .cause' | tr '\n' ' ')" = 'registered unregistered ' ] || what_happened
	rte listen --server="$udp"
	usage_error 'add --register or --listen' # ruling 20
	RTE_SERVER=$udp rte listen
	usage_error 'add --register or --listen'
}

# ---- what is taken

@test "MESSAGE, INFO and OPTIONS get 200 and are told, in text and in JSON" {
	need socat
	listen_start -c 3
	rte message -a sip:alice@example.com --display-name=Alice -d $'Watson, come here.' "sip:bob@$udp"
	ended_with 0
	raw "INFO sip:bob@$udp SIP/2.0" "${party[@]}" 'Content-Length: 0' '' | grep -q '^SIP/2.0 200 OK$'
	rte options -v "udp:$udp"
	ended_with 0
	# RFC 3261 11.2
	rte options -j -v "udp:$udp" || true
	listen_ends 0
	says '^message +received +from "Alice" <sip:alice@example\.com>  200 OK  text/plain; charset=UTF-8$'
	says '^  Watson, come here\.$'
	says '^info +received +from <sip:foreign@example\.net>  200 OK$'
	says '^request +OPTIONS  sip:.*  200 OK$'
	listen_start -j -c 2
	rte message -a sip:alice@example.com --display-name=Alice -d 'Watson, come here.' "sip:bob@$udp"
	rte options -j -v "udp:$udp"
	record 'select(.type == "response") | .raw' | tr -d '\r' >"$HOME/answer"
	listen_ends 0
	records
	for field in Allow Accept Supported; do grep -q "^$field: ." "$HOME/answer"; done
	grep '^Allow: ' "$HOME/answer" | grep -q MESSAGE
	[ "$(record 'select(.type == "message") | [.direction, .method, .from.uri, .from.display_name, .body, .replied] | join("|")')" = \
		'received|MESSAGE|sip:alice@example.com|Alice|Watson, come here.|200' ] || what_happened
	replies 200 200
}

@test "what is not for it is refused by itself and does not count" {
	need socat
	listen_start -j --once -a sip:bob@example.com
	raw "SUBSCRIBE sip:bob@example.com SIP/2.0" "${party[@]}" 'Event: x' 'Content-Length: 0' '' >"$HOME/answer"
	grep -q '^SIP/2.0 405 ' "$HOME/answer"
	grep -q '^Allow: .*INVITE' "$HOME/answer" # RFC 3261 8.2.1
	raw "FROBNICATE sip:bob@example.com SIP/2.0" "${party[@]}" 'Content-Length: 0' '' | grep -q '^SIP/2.0 501 '
	raw "MESSAGE sip:bob@example.com SIP/2.0" "${party[@]}" 'Require: teleportation' 'Content-Length: 0' '' >"$HOME/answer"
	grep -q '^SIP/2.0 420 ' "$HOME/answer"
	grep -q '^Unsupported: teleportation$' "$HOME/answer"
	raw "MESSAGE sip:bob@example.com SIP/2.0" "${party[@]/%tag=1/tag=1}" 'Content-Length: 0' '' | grep -q '^SIP/2.0 200 '
	listen_ends 0
	records
	rte listen -n -a sip:bob@example.com
	ended_with 0
}

@test "NOTIFY outside of a subscription: 481, with --unsolicited 200; a BENOTIFY gets nothing" {
	need socat
	local body=(Content-Type:\ text/plain 'Content-Length: 2' '' hi)
	listen_start -j --for=1500ms
	raw "NOTIFY sip:bob@example.com SIP/2.0" "${party[@]}" 'Event: x' 'Subscription-State: active' 'Content-Length: 0' '' |
		grep -q '^SIP/2.0 481 ' # ruling 9
	listen_ends 0
	! record .type | grep -q notify || what_happened
	listen_start -j -c 2 --unsolicited
	raw "NOTIFY sip:bob@example.com SIP/2.0" "${party[@]}" 'Event: message-summary;id=1' 'Subscription-State: active;expires=5' \
		"${body[@]}" | grep -q '^SIP/2.0 200 '
	[ -z "$(raw "BENOTIFY sip:bob@example.com SIP/2.0" "${party[@]}" 'Event: presence' 'Content-Length: 0' '')" ]
	listen_ends 0
	records
	[ "$(record 'select(.type == "notify") | [.event, .subscription_state // "", .content_type // "", .replied // 0] | join(" ")' | tr '\n' ,)" = \
		'message-summary active text/plain 200,presence   0,' ] || what_happened
}

@test "control characters reach no terminal, in text as in JSON; bytes are base64" {
	need socat
	# A52: ANSI escapes, C1, a line that looks like one of ours
	printf 'one\x1b[2Jtwo\r\nlistening   udp 127.0.0.1:1\r\n\xc2\x9b31m' >"$HOME/evil"
	listen_start -c 3
	rte message --type=text/plain -d @"$HOME/evil" "sip:bob@$udp"
	ended_with 0
	raw "MESSAGE sip:bob@example.com SIP/2.0" $'From: "\x1b]0;title\x07" <sip:foreign@example.net>;tag=1' \
		'To: <sip:bob@example.com>' 'Content-Type: text/plain' 'Content-Length: 0' '' >/dev/null || true
	printf '\x89PNG\r\n\x00\xff' >"$HOME/bytes"
	rte message --type=image/png -d @"$HOME/bytes" "sip:bob@$udp"
	rte message -d last "sip:bob@$udp"
	listen_ends 0
	! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]' <<<"$output" || what_happened
	! LC_ALL=C grep -q $'\xc2\x9b' <<<"$output" || what_happened
	says '^  one\\x1b\[2Jtwo$'
	[ "$(grep -c '^listening ' <<<"$output")" = 1 ] || what_happened
	[ "$(grep -A1 '^  base64$' <<<"$output" | tail -n 1 | tr -d ' ' | base64 -d | cksum)" = "$(cksum <"$HOME/bytes")" ] || what_happened
	listen_start -j -c 1
	rte message --type=text/plain -d @"$HOME/evil" "sip:bob@$udp"
	listen_ends 0
	records
	! LC_ALL=C grep -q $'[^\x20-\x7e]' <<<"$output" || what_happened
	record 'select(.type == "message") | .body' | tr -d '\n' | cmp - <(tr -d '\n' <"$HOME/evil")
}

# ---- what is answered

@test "--answer: to everything, with its phrase" {
	need socat
	listen_start -j -c 3 --answer='480 Gone Fishing'
	rte message -d x "sip:bob@$udp"
	ended_with 4 '480 Gone Fishing'
	raw "PUBLISH sip:bob@example.com SIP/2.0" "${party[@]}" 'Event: presence' 'Content-Length: 0' '' | grep -q '^SIP/2.0 480 Gone Fishing$'
	rte invite "sip:bob@$udp"
	ended_with 9 '480 Gone Fishing'
	listen_ends 0
	records
	replies 480 480 480
}

@test "--redirect: 302 with every Contact, or the 3xx of --answer" {
	listen_start -j -c 2 --redirect=sip:one@192.0.2.1 --redirect='sip:two@192.0.2.2;transport=tcp'
	rte message -j -v -d x "sip:bob@$udp"
	ended_with 3
	[ "$(record 'select(.type == "response") | .raw' | tr -d '\r' | grep '^Contact: ' | sort | tr '\n' ,)" = \
		'Contact: <sip:one@192.0.2.1>,Contact: <sip:two@192.0.2.2;transport=tcp>,' ] || what_happened
	rte invite -j -v "sip:bob@$udp"
	ended_with 3
	[ "$(record 'select(.type == "response" and .status_code == 302) | .raw' | tr -d '\r' | grep -c '^Contact: ')" = 2 ] || what_happened
	listen_ends 0
	replies 302 302
	listen_start --once --answer=301 --redirect=sip:one@192.0.2.1
	rte message -d x "sip:bob@$udp"
	ended_with 3 '301 Moved Permanently'
}

@test "--reply: by method and user, with a phrase, later, with Retry-After" {
	listen_start -j -c 5 --reply='MESSAGE bob=486 Busy;retry-after=90' --reply='MESSAGE carol=202;after=300ms' \
		--reply='OPTIONS=503' --reply='MESSAGE=404'
	rte message -j --no-retry-after -d x "sip:bob@$udp"
	ended_with 4
	[ "$(record 'select(.type == "response") | [.status_code, .reason_phrase, .retry_after] | join(" ")')" = '486 Busy 90' ] || what_happened
	rte message -j -d x "sip:carol@$udp"
	ended_with 0
	[ "$(record 'select(.type == "response") | .rtt_ms | . >= 290 and . < 2000')" = true ] || what_happened
	rte message -d x "sip:dave@$udp"
	ended_with 4 '404 Not Found'
	rte options --no-retry-after "udp:$udp"
	ended_with 5 '503 Service Unavailable'
	rte invite "sip:bob@$udp"
	ended_with 0
	listen_ends 0
	records
}

@test "--reply: 0 never answers, and answers overlap" {
	listen_start -j -c 3 --reply='MESSAGE silent=0' --reply='MESSAGE=200;after=400ms'
	rte message --timeout=300ms -d x "sip:silent@$udp"
	ended_with 14
	rte message -j -d x "sip:a@$udp" "sip:b@$udp"
	ended_with 0
	[ "$(record 'select(.type == "end") | .elapsed_ms < 800')" = true ] || what_happened
	listen_ends 0
}

@test "calls: taken, rung first, refused, given up by the caller" {
	listen_start -j -c 4 --ring=200ms --reply='INVITE busy=486'  --reply='INVITE ring=183'
	rte invite -j "sip:bob@$udp"
	ended_with 0
	[ "$(record 'select(.type == "response" and .method == "INVITE") | .status_code' | tr '\n' ' ')" = '180 200 ' ] || what_happened
	[ "$(record 'select(.type == "response" and .status_code == 200 and .method == "INVITE") | .rtt_ms >= 190')" = true ] || what_happened
	rte invite "sip:busy@$udp"
	ended_with 8 '486 Busy Here'
	rte invite --cancel-after=300ms "sip:ring@$udp"
	rte message -d x "sip:bob@$udp"
	ended_with 0
	listen_ends 0
	records
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .cause' | tr '\n' ' ')" = 'remote-bye rejected cancelled ' ] || what_happened
	[ "$(record 'select(.type == "response" and .direction == "sent") | .status_code' | tr '\n' ' ')" = '180 200 180 486 180 183 487 ' ] || what_happened
}

@test "--do: steps in the call, then it is hung up" {
	listen_start -j --once --do=wait:100ms --do=message:hello --do=bye
	rte invite -j --duration=5s "sip:bob@$udp"
	ended_with 0
	[ "$(record 'select(.type == "message" and .direction == "received") | .body')" = hello ] || what_happened
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .cause')" = remote-bye ] || what_happened
	listen_ends 0
	records
}

@test "--challenge: asked once, any answer is taken; what was challenged does not count" {
	listen_start -j -c 2 --challenge=lab
	rte message -d x "sip:bob@$udp"
	ended_with 22
	rte message --server="$udp" -a sip:alice@example.com --user=alice --password=env:PW -d x sip:bob@example.com
	ended_with 0
	rte invite --server="$udp" -a sip:alice@example.com --user=alice --password=env:PW sip:bob@example.com
	ended_with 0
	listen_ends 0
	records
	replies 401 401 200 401 200
}

@test "--on-refer: declined, unless told otherwise" {
	listen_start --once
	rte refer --to=sip:carol@192.0.2.1 "sip:bob@$udp"
	ended_with 8
	listen_ends 0
	listen_start --once --on-refer=accept
	rte refer --to=sip:carol@192.0.2.1 "sip:bob@$udp"
	ended_with 0
	listen_ends 0
}

# ---- --exec

@test "--exec: its first line is the answer, the request is on its stdin only" {
	cat >"$HOME/decide" <<-'END'
		#!/bin/sh
		cat >"$HOME/in.$$"
		printf '%s\n' "$@" >"$HOME/args.$$"
		env >"$HOME/env.$$"
		jq -r '.body // "200"' <"$HOME/in.$$"
		echo 'and more, which nobody wants'
	END
	chmod +x "$HOME/decide"
	listen_start -j -c 4 --exec="$HOME/decide 'two words' \$HOME ;"
	rte message -d '202' "sip:bob@$udp"
	ended_with 0
	rte message -d '486 Not Now' "sip:bob@$udp"
	ended_with 4 '486 Not Now'
	rte options "udp:$udp"
	ended_with 0
	rte invite "sip:bob@$udp"
	ended_with 0
	listen_ends 0
	records
	# split by popt's rules, no shell (ruling 23)
	[ "$(cat "$HOME"/args.* | sort -u | tr '\n' ,)" = '$HOME,;,two words,' ]
	for f in "$HOME"/in.*; do
		[ "$(wc -l <"$f")" = 1 ]
		jq -e '.v == 1 and .command == "listen" and (.raw | test("^(MESSAGE|OPTIONS|INVITE) sip:"))' "$f"
		check_records -c <"$f"
	done
}

@test "--exec: a hostile caller runs nothing (A70)" {
	need socat
	printf '#!/bin/sh\ncat >>"$HOME/in"\necho 200\n' >"$HOME/decide"
	chmod +x "$HOME/decide"
	cd "$HOME"
	listen_start -j -c 3 --exec="$HOME/decide"
	for name in '$(touch pwned)' '`touch pwned`' "';touch pwned;'" ; do
		raw "MESSAGE sip:bob@example.com SIP/2.0" "From: \"$name\" <sip:x;touch%20pwned@example.net>;tag=1" 'To: <sip:bob@example.com>' \
			'Subject: |touch pwned' 'Content-Type: text/plain' "Content-Length: ${#name}" '' "$name" >/dev/null
	done
	listen_ends 0
	[ ! -e pwned ]
	[ "$(jq -r .from.display_name "$HOME/in" | head -n 1)" = '$(touch pwned)' ]
}

@test "--exec: what fails, says nothing or is too slow is 500 and exit 20; others go on" {
	cat >"$HOME/decide" <<-'END'
		#!/bin/sh
		case $(jq -r .body) in
		fail) echo why >&2; echo 200; exit 3 ;;
		slow) sleep 20 ;;
		mute) ;;
		word) echo 'hello there' ;;
		early) echo 180 ;;
		long) head -c 5000 /dev/zero | tr '\0' 2; echo ;;
		deaf) exec <&-; echo 200 ;;
		*) echo 200 ;;
		esac
	END
	chmod +x "$HOME/decide"
	listen_start -c 8 --timeout=1500ms --exec="$HOME/decide"
	for word in fail slow mute word early long; do
		rte message -d "$word" --timeout=10s "sip:bob@$udp"
		ended_with 5 '500 Server Internal Error'
	done
	rte message -d deaf "sip:bob@$udp"
	ended_with 0
	head -c 40000 /dev/zero | tr '\0' x >"$HOME/large"
	rte message -d @"$HOME/large" "sip:bob@$udp"
	ended_with 0
	listen_ends 20
	notes '^why$'
	notes 'listen: --exec: .*/decide: exit status 3$'
	notes 'decide: killed: no answer in time$'
	[ "$(grep -c 'its first line is not STATUS\[ REASON\] from 200 to 699$' <<<"$stderr")" = 3 ] || what_happened
	notes 'its first line has more than 1024 bytes'
	listen_start --once --exec="$HOME/nowhere at all"
	rte message -d x "sip:bob@$udp"
	ended_with 5 '500'
	listen_ends 20
	notes 'nowhere: command not found'
}

@test "--exec: several run at a time, and not too many" {
	cat >"$HOME/decide" <<-'END'
		#!/bin/sh
		cat >/dev/null
		mkdir "$HOME/run/$$"
		ls "$HOME/run" | wc -l >>"$HOME/most"
		sleep 0.3
		rmdir "$HOME/run/$$"
		echo 200
	END
	chmod +x "$HOME/decide"
	mkdir "$HOME/run"
	listen_start -q -c 40 --exec="$HOME/decide"
	for i in $(seq 40); do echo "sip:u$i@$udp"; done >"$HOME/list"
	rte message -q -d x --each="$HOME/list"
	ended_with 0
	listen_ends 0
	most=$(sort -n "$HOME/most" | tail -n 1)
	((most > 1 && most <= 16)) || {
		echo "$most"
		return 1
	}
}

@test "--exec: nothing is left behind at the end" {
	printf '#!/bin/sh\necho $$ >"$HOME/pid"\nexec sleep 60\n' >"$HOME/decide"
	chmod +x "$HOME/decide"
	listen_start --exec="$HOME/decide"
	spawn sender message --timeout=10s -d x "sip:bob@$udp"
	wait_for 10 test -s "$HOME/pid"
	kill "$listener"
	listen_ends 0
	gone "$(<"$HOME/pid")"
	# who waited is told
	spawned_ends 4 sender '480'
}

# ---- when it ends

@test "-c and --once: after so many" {
	listen_start -c 2
	rte message -d 1 "sip:bob@$udp"
	rte message -d 2 "sip:bob@$udp"
	ended_with 0
	listen_ends 0
	listen_start --once
	rte invite --duration=300ms "sip:bob@$udp"
	ended_with 0
	listen_ends 0
	says '^ended +remote'
}

@test "--for: 0 without a count, 14 before it was reached" {
	rte listen --for=200ms
	ended_with 0
	rte listen -j --for=200ms
	records
	[ "$(record 'select(.type == "end") | .elapsed_ms | . >= 200 and . < 3000')" = true ] || what_happened
	listen_start -c 3 --for=1500ms
	rte message -d 1 "sip:bob@$udp"
	listen_ends 14
	notes '1 of 3 requests within --for=1500ms'
}

@test "a signal: 0 without a count, else 128 and the signal; calls are hung up" {
	listen_start -j
	spawn caller invite -j --duration=30s "sip:bob@$udp"
	printed caller '"state":"confirmed"'
	kill -INT "$listener"
	listen_ends 0
	records
	[ "$(record 'select(.type == "dialog" and .state == "terminated") | .cause')" = local-bye ] || what_happened
	spawned_ends 0 caller
	listen_start -c 2
	kill -TERM "$listener"
	listen_ends 143
}

@test "--dry-run: nothing is bound" {
	rte listen -n --ready-file="$HOME/ready"
	ended_with 0
	[ -z "$output$stderr" ] || what_happened
	[ ! -e "$HOME/ready" ]
}

# ---- usage

@test "what does not go together" {
	printf 'no description' >"$HOME/bad"
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte listen ${options//HOME/$HOME}
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--answer:_"180" --answer=180
		--answer:_"x" --answer=x
		--answer:_no_3xx --answer=486 --redirect=sip:a@example.com
		--redirect:_ --redirect=sip:
		--reply:_"x" --reply=x
		--reply:_180_is_for_INVITE --reply=MESSAGE=180
		--reply:_REFER_is --reply=REFER=202
		--exec_with_--answer --exec=true --answer=200
		--exec_with_--redirect --exec=true --redirect=sip:a@example.com
		--exec:_ --exec='
		--challenge:_a_realm --challenge=a"b
		--once_with_--count --once -c 2
		--count:_"0" -c 0
		--for:_the_time --for=0
		--ring: --ring=x
		--data:_listen_sends_no_body -d x
		--ready-fd: --ready-fd=99
		--on-refer --on-refer=never
		--do --do=dance
		too_many_arguments sip:bob@example.com
	TABLE
	rte listen --sdp="$HOME/none"
	ended_with 20 'No such file'
}

@test "a refused call is told with the words that were sent" {
	listen_start --once --answer='480 gone fishing'
	rte invite --p2p "udp:$udp"
	ended_with 9 '480 gone fishing$'
	listen_ends 0
	says '^480 gone fishing +rejected$'
}
