#!/usr/bin/env bats
# tests/cli/serve_events.bats -- the event agent of rte serve, as SIPp (sipp/) meets it: a foreign subscriber and publisher.
# Every status and document is in the unit tests.

load helper

setup() {
	fresh_home
	orders=$BATS_TEST_TMPDIR/orders
}
teardown() {
	reap_all
}

# watcher SCENARIO USER PACKAGE: SIPp subscribes; it has heard of the first NOTIFY
watcher() {
	phone_start "$1" "$udp" -key user "$2" -key event "$3" -recv_timeout 8000
	wait_for 5 heard 1
}
# heard N: it received so many NOTIFYs
heard() {
	[ "$(grep -c '^NOTIFY sip:sipp@' "$BATS_TEST_TMPDIR/phone/messages")" -ge "$1" ]
}
# plays SCENARIO USER: SIPp does something with presence to its end
plays() {
	need sipp
	mkdir -p "$BATS_TEST_TMPDIR/phone"
	timeout -k 1 20 sipp -sf "$BATS_TEST_DIRNAME/sipp/$1.xml" "$udp" -key user "$2" -key event presence -i 127.0.0.1 \
		-t u1 -m 1 -nostdin -trace_msg -message_file "$BATS_TEST_TMPDIR/phone/messages" -recv_timeout 5000 -trace_err -error_file "$BATS_TEST_TMPDIR/sipp.errors" </dev/null \
		>"$BATS_TEST_TMPDIR/screen" 2>&1 3>&- || {
		cat "$BATS_TEST_TMPDIR/screen" "$BATS_TEST_TMPDIR/sipp.errors"
		return 1
	}
}
# order TEXT: it was carried out
order() {
	echo "$1" >"$orders"
	wait_for 5 grep -q "^control     $1\$" "$BATS_TEST_TMPDIR/serve.out"
}

@test "publish, then watch the change, then unsubscribe" {
	serve_start
	watcher watches alice presence
	phone_heard '<basic>closed</basic>'
	rte publish --server="$udp" --status=open --note='from rte' sip:alice@test.invalid
	ended_with 0
	phone_content
	phone_heard 'from rte'
	phone_heard '^Subscription-State: active;expires=(600|599)'
	phone_heard '^Subscription-State: terminated;reason=timeout'
	serve_end
}

@test "a foreign publisher: entity tags, 412; the newest is fetched" {
	serve_start
	plays publishes alice
	plays fetches alice
	phone_heard '<note>second</note>'
	phone_heard '^Subscription-State: terminated;reason=timeout'
	phone_heard '^SIP-ETag: '
}

@test "reg: a binding comes" {
	serve_start
	watcher watches alice reg
	phone_heard 'state="init"'
	rte register --server="$udp" --contact=sip:alice@192.0.2.1 sip:alice@test.invalid
	ended_with 0
	phone_content
	phone_heard 'version="1" state="partial"'
	phone_heard 'event="created"'
	phone_heard '<uri>sip:alice@192.0.2.1</uri>'
}

@test "message-summary by option and by order; what is refused is said" {
	serve_start --mwi=alice=2/8 --control="$orders"
	watcher watches alice message-summary
	phone_heard '^Voice-Message: 2/8'
	order 'mwi alice 3/8'
	phone_content
	phone_heard '^Voice-Message: 3/8'
	echo 'mwi alice many' >"$orders"
	wait_for 5 grep -q '^control     refused: "many" is not NEW/OLD messages' "$BATS_TEST_TMPDIR/serve.out"
	echo 'notify alice message-summary' >"$orders"
	wait_for 5 grep -q '^control     refused: nobody has subscribed' "$BATS_TEST_TMPDIR/serve.out"
}

@test "conference: the file, and another one by order" {
	local ns=urn:ietf:params:xml:ns:conference-info
	echo "<conference-info xmlns='$ns' entity='sip:room@test.invalid' version='1'><users/></conference-info>" \
		>"$HOME/one.xml"
	echo "<conference-info xmlns='$ns' entity='sip:room@test.invalid' version='1'><note/></conference-info>" \
		>"$HOME/two.xml"
	serve_start --conference=room="$HOME/one.xml" --control="$orders"
	watcher watches room conference
	phone_heard "version='1'><users/>"
	order "conference room $HOME/two.xml"
	phone_content
	phone_heard "version='2'><note/>"
}

@test "dialog: a call to an actor" {
	serve_start
	watcher watches_on echo dialog
	phone_heard 'version="0" state="full"'
	rte invite --server="$udp" --duration=1s sip:echo@test.invalid
	ended_with 0
	wait_for 5 phone_heard '<state event="remote-bye">terminated</state>'
	phone_heard '<state>confirmed</state>'
	phone_heard 'direction="recipient"'
}

@test "it is ended by order, with the reason that was ordered" {
	serve_start --control="$orders"
	watcher watches_end alice presence
	order 'terminate alice presence probation;retry-after=7'
	phone_content
	phone_heard '^Subscription-State: terminated;reason=probation;retry-after=7'
}

@test "the end of the server is told to who has subscribed, by a signal and by --for" {
	serve_start
	watcher watches_end alice presence
	serve_end TERM
	phone_content
	phone_heard '^Subscription-State: terminated;reason=probation'
	serve_start --for=4s
	watcher watches_end alice presence
	wait_for 10 gone "$serve"
	wait "$serve"
	phone_content
	phone_heard '^Subscription-State: terminated;reason=probation'
	# one that is not there any more does not hold it up for long
	serve_start
	watcher watches_end alice presence
	kill -KILL "$phone_pid"
	SECONDS=0
	serve_end TERM
	[ "$SECONDS" -lt 5 ]
}

@test "records fit the schema" {
	serve_start --json --control="$orders" --mwi=alice=1/1
	watcher watches_end alice message-summary
	echo 'terminate alice message-summary noresource' >"$orders"
	phone_content
	serve_end
	check_records <"$BATS_TEST_TMPDIR/serve.out"
	[ "$(json "$BATS_TEST_TMPDIR/serve.out" 'select(.type == "request") | [.method, .replied] | join(" ")')" = 'SUBSCRIBE 200' ]
}

@test "--list: rte watches several at once" {
	serve_start --list=friends=sip:alice@test.invalid,sip:bob@test.invalid
	rte subscribe --server="$udp" -e presence --fetch sip:friends@test.invalid
	ended_with 0
	says 'multipart/related'
	rte subscribe --server="$udp" -e presence --fetch --list --list-uri=sip:test.invalid sip:alice@test.invalid sip:bob@test.invalid
	ended_with 0
	says 'multipart/related'
}

@test "options that are wrong" {
	rte serve --events=presence,foo
	usage_error '--events: "foo" is not a package'
	rte serve --mwi=alice
	usage_error '--mwi: "alice" is not USER=NEW/OLD'
	rte serve --conference=room
	usage_error '--conference: "room" is not USER=FILE'
	rte serve --list=friends=nobody
	usage_error '--list: "nobody" is not a URI'
	rte serve --conference=room=/nonexistent
	ended_with 20 'cannot read /nonexistent'
	rte serve --events=none -- sh -c '"$RTE" subscribe --fetch -e presence sip:alice@test.invalid'
	[ "$status" -ne 0 ] || what_happened
}

@test "a conference is a file: neither a device nor a pipe, and of a limited size" {
	rte serve --conference=c=/dev/zero -- true
	ended_with 20 '/dev/zero'
	mkfifo "$HOME/pipe"
	rte serve --conference=c="$HOME/pipe" -- true
	ended_with 20 'pipe'
	head -c 1000000 /dev/zero | tr '\0' x >"$HOME/long"
	rte serve --conference=c="$HOME/long" -- true
	[ "$status" != 0 ] || what_happened
	notes 'has more than [0-9]+ bytes'
}
