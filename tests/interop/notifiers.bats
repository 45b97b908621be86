#!/usr/bin/env bats
# tests/interop/notifiers.bats -- rte subscribe at notifiers of SIPp, which do what RFC 6665, RFC 5839 and RFC 4662 allow and
# what they forbid; the ladders are as SIPp sees them (ladder.awk)

load notifier

setup() {
	client_home
	cd "$BATS_TEST_TMPDIR"
}
teardown() {
	sipp_last
	reap_all
}

# ---- the plain subscription

plain() {
	phone <<-L
	$(opens)
	$(closes)
	L
	subscribes 0 -c 1
	is 'active/subscribed terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
	is 'SUBSCRIBE SUBSCRIBE' "$(events 'select(.type == "request" and .direction == "sent") | .method')"
	is "$transport" "$(events 'select(.type == "request" and .direction == "sent") | .remote.transport' | cut -d ' ' -f 1)"
}
udp4() { port=5071 plain; }
tcp4() { port=5072 transport=tcp plain; }
udp6() { port=5073 ip=::1 plain; }
tcp6() { port=5074 ip=::1 transport=tcp plain; }

@test "one notification and the end: UDP and TCP, IPv4 and IPv6" {
	together udp4 tcp4 udp6 tcp6
}

@test "what each request says of itself" {
	phone <<-L
	< SUBSCRIBE
	+ CSeq: ^ *1 SUBSCRIBE
	+ !To: ;tag=
	+ From: ;tag=
	+ Event: ^ *presence$
	+ Expires: ^ *1800$
	+ Accept: application/pidf\+xml
	+ Accept: multipart/related
	+ Accept: application/rlmi\+xml
	+ Supported: eventlist
	+ Contact: ^ *<sip:[^>]*127.0.0.1:[0-9]+
	+ Max-Forwards: ^ *70
	+ Content-Length: ^ *0
	> 200 OK
	+ Expires: 1800
	$(notify 'active;expires=1800' body=application/pidf+xml "$(pidf)")
	< 200
	+ CSeq: ^ *1 NOTIFY
	+ !Content-Type: .
	< SUBSCRIBE
	+ CSeq: ^ *2 SUBSCRIBE
	+ To: ;tag=sipp
	+ Event: ^ *presence$
	+ Expires: ^ *0$
	+ Contact: ^ *<sip:
	> 200 OK
	+ Expires: 0
	$(notify 'terminated;reason=timeout')
	< 200
	L
	subscribes 0 -c 1 -x 30m
	is "$(got SUBSCRIBE | field From)" "$(got SUBSCRIBE 2 | field From)"
	is "$(got SUBSCRIBE | field Call-ID)" "$(got SUBSCRIBE 2 | field Call-ID)"
	is "SUBSCRIBE $target SIP/2.0" "$(got SUBSCRIBE | head -n 1)"
	# RFC 3261 12.2.1.1: the remote target is the notifier's Contact
	is 'SUBSCRIBE sip:sipp@127.0.0.1:5070;transport=UDP SIP/2.0' "$(got SUBSCRIBE 2 | head -n 1)"
	is "1800 900 $target presence" "$(events 'select(.cause == "subscribed") | .expires, .refresh_in, .uri, .event')"
	is 'd1' "$(events 'select(.type == "subscription" and .state == "active") | .dialog')"
	is "$(got SUBSCRIBE | field Call-ID)" "$(events 'select(.cause == "subscribed") | .call_id')"
	is "presence active 1800 application/pidf+xml $target open" \
		"$(of_notify '.event, .subscription_state, .expires, .content_type, .body.entity, (.body.tuple[0].status.basic)' | cut -d ' ' -f 1-6)"
}

@test "the lines for people" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600' body=application/pidf+xml "$(pidf)")
	< 200
	$(notify 'active;expires=590' body=text/plain '|It is quiet here.')
	< 200
	$(notify 'terminated;reason=noresource')
	< 200
	L
	rte subscribe --server=127.0.0.1:5070 -t udp -e presence "$target"
	ended_with 18 'the notifier ended the subscription'
	phone_ends
	says "^subscribed  $target  presence  active  expires 600$"
	says "^notify      $target  presence  active  application/pidf\+xml$"
	says '^  .*open'
	says "^notify      $target  presence  active  text/plain$"
	says '^  It is quiet here\.$'
	says "^terminated  $target  presence  ended  reason noresource$"
}

@test "peer to peer and without a scheme of its own: the NOTIFY comes where the SUBSCRIBE came from" {
	phone <<-L
	$(opens)
	$(closes)
	L
	rte subscribe --json --p2p -e presence -c 1 sip:sipp@127.0.0.1:5070
	exits 0
	phone_ends
	transport=tcp phone <<-L
	$(opens)
	$(closes)
	L
	rte subscribe --json --p2p -e presence -c 1 'sip:sipp@127.0.0.1:5070;transport=tcp'
	exits 0
	phone_ends
}

@test "a body, more header fields, other media types, parameters of Event" {
	package='dialog;call-id="a84b4c76e66710";from-tag=x'
	phone <<-L
	< SUBSCRIBE
	+ Event: ^ *dialog *; *call-id="a84b4c76e66710" *; *from-tag=x
	+ Accept: text/x-mine
	+ X-More: and more
	+ Content-Type: application/simple-filter\+xml
	+ body: ^<filter-set/>
	> 200 OK
	+ Expires: 600
	> NOTIFY
	+ Event: dialog;call-id="a84b4c76e66710";from-tag=x
	+ Subscription-State: active;expires=600
	< 200
	< SUBSCRIBE
	+ Event: ^ *dialog *; *call-id="a84b4c76e66710" *; *from-tag=x
	+ Expires: ^ *0$
	> 200 OK
	> NOTIFY
	+ Event: dialog;call-id="a84b4c76e66710";from-tag=x
	+ Subscription-State: terminated;reason=timeout
	< 200
	L
	subscribes 0 -c 1 --accept=text/x-mine -H 'X-More: and more' -d '<filter-set/>' --type=application/simple-filter+xml
	is dialog "$(events 'select(.cause == "subscribed") | .event')"
}

@test "the id of Event is in every request of the dialog (RFC 6665 8.2.1)" {
	package='presence;id=7'
	phone <<-L
	< SUBSCRIBE
	+ Event: ^ *presence *; *id=7$
	> 200 OK
	$(notify 'active;expires=2')
	< 200
	< SUBSCRIBE
	+ Event: ^ *presence *; *id=7$
	+ !Expires: ^ *0$
	> 200 OK
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	subscribes 0 -c 2
}

@test "the NOTIFY is there before the 200" {
	phone <<-L
	< SUBSCRIBE
	$(notify 'active;expires=600' body=application/pidf+xml "$(pidf)")
	< 200
	pause 300
	> 200 OK for=SUBSCRIBE
	+ Expires: 600
	$(notify 'active;expires=500')
	< 200
	$(closes)
	L
	subscribes 0 -c 2
	is 'active/subscribed terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
	is 'd1 d1' "$(of_notify .dialog | cut -d ' ' -f 1-2)"
	is '600 500' "$(of_notify '.expires // empty')"
}

@test "202 Accepted, pending, active; --until" {
	ladder() {
		cat <<-L
		< SUBSCRIBE
		> 202 Accepted
		+ Expires: 600
		$(notify 'pending;expires=600')
		< 200
		pause 200
		$(notify 'active;expires=500')
		< 200
		L
	}
	phone < <(ladder; closes)
	subscribes 0 --until=active
	is 'pending/subscribed active/notified terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
	is 'pending active' "$(of_notify .subscription_state | cut -d ' ' -f 1-2)"
	phone < <(ladder; notify 'terminated;reason=rejected'; echo '< 200')
	subscribes 0 --until=terminated
	is 'pending/subscribed active/notified terminated/ended/rejected' "$(story)"
	phone < <(ladder | sed '/pause/,$d'; closes)
	subscribes 0 --until=pending
}

@test "a forked SUBSCRIBE: every notifier is a dialog of its own, with its own refreshes and its own end" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK tag=a
	+ Expires: 600
	$(notify 'active;expires=600' 'tag=a cseq=1')
	< 200
	$(notify 'active;expires=600' 'tag=b cseq=1')
	< 200
	$(notify 'active;expires=600' 'tag=b cseq=2')
	< 200
	< SUBSCRIBE
	+ To: ;tag=a
	+ Expires: ^ *0$
	< SUBSCRIBE
	+ To: ;tag=b
	+ Expires: ^ *0$
	> 200 OK for=SUBSCRIBE2
	$(notify 'terminated' 'tag=a cseq=2')
	< 200
	> 200 OK for=SUBSCRIBE3
	$(notify 'terminated' 'tag=b cseq=3')
	< 200
	L
	subscribes 0 -c 3
	is 'd1 d2 d2' "$(of_notify .dialog | cut -d ' ' -f 1-3)"
	is 'd1 d2' "$(events 'select(.cause == "subscribed") | .dialog')"
	is 'd1 d2' "$(events 'select(.cause == "unsubscribed") | .dialog')"
}

# A notifier of those that the SUBSCRIBE came to answered none of it with its 2xx; RFC 6665 4.4.1 knows them by the NOTIFY.
@test "a fork: the NOTIFY of the one whose 2xx was not passed on comes first" {
	phone <<-L
	< SUBSCRIBE
	$(notify 'active;expires=600' 'tag=b cseq=1')
	< 200
	> 200 OK tag=a for=SUBSCRIBE
	+ Expires: 600
	$(notify 'active;expires=600' 'tag=a cseq=1')
	< 200
	< SUBSCRIBE
	+ Expires: ^ *0$
	< SUBSCRIBE
	+ Expires: ^ *0$
	> 200 OK for=SUBSCRIBE2
	> 200 OK for=SUBSCRIBE3
	L
	subscribes 0 -c 2 --t1=50ms
	is 'd1 d2' "$(of_notify .dialog)"
}

@test "the notifier decides how long: its 2xx, and then each Subscription-State (RFC 6665 4.1.2.1, 4.1.3)" {
	phone <<-L
	< SUBSCRIBE
	+ Expires: ^ *600$
	> 200 OK
	+ Expires: 300
	$(notify 'active;expires=200')
	< 200
	$(notify 'active;expires=2')
	< 200
	$(refreshes 100 '+ Expires: ^ *600$')
	$(notify 'active;expires=100')
	< 200
	$(closes)
	L
	subscribes 0 -c 3 -x 600
	is '200 100' "$(events 'select(.cause == "subscribed") | .expires, .refresh_in')"
	is '100' "$(events 'select(.cause == "refreshed") | .expires')"
}

@test "a NOTIFY without expires changes no time" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 2
	$(notify 'active')
	< 200
	$(refreshes 600)
	$(closes)
	L
	background rte
	comes 5 rte 1 '.type == "subscription" and .cause == "refreshed"'
	send rte INT
	ends rte 5 0
	phone_ends
	within 800 1700 "$(records rte '.cause == "refreshed"' | jq .elapsed_ms)"
}

@test "INT and TERM: Expires: 0 within the dialog, its last NOTIFY is taken, exit 0" {
	for signal in INT TERM; do
		phone <<-L
		$(opens)
		$(closes)
		L
		background rte
		comes 5 rte 1 '.type == "notify"'
		send rte $signal
		ends rte 4 0
		phone_ends
		records rte '.type == "subscription"' | tail -n 1 | jq -e '.state == "terminated" and .cause == "unsubscribed"'
	done
}

@test "--for: exit 0 at its end; with -c that was not reached, 14" {
	phone <<-L
	$(opens)
	$(closes)
	L
	subscribes 0 --for=300ms
	phone <<-L
	$(opens)
	$(closes)
	L
	subscribes 14 --for=300ms -c 2
}

# ---- fetch

@test "--fetch: Expires: 0 and one NOTIFY; also when it comes first, and without a body" {
	phone <<-L
	< SUBSCRIBE
	+ Expires: ^ *0$
	> 200 OK
	+ Expires: 0
	$(notify 'terminated;reason=timeout' body=application/pidf+xml "$(pidf closed)")
	< 200
	L
	subscribes 0 --fetch
	is closed "$(of_notify '.body.tuple[0].status.basic')"
	phone <<-L
	< SUBSCRIBE
	+ Expires: ^ *0$
	$(notify 'terminated')
	< 200
	pause 200
	> 200 OK for=SUBSCRIBE
	+ Expires: 0
	L
	subscribes 0 --fetch
	is terminated "$(of_notify '.subscription_state')"
}

@test "no NOTIFY within 64*T1 is exit 14, fetched or subscribed; what did not come is not told" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 0
	L
	subscribes 14 --fetch --t1=10ms
	within 600 1500 "$(took)"
	is '' "$(of_notify .event)"
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	L
	subscribes 14 -c 1 --t1=10ms
	within 600 2500 "$(took)"
}

# ---- the first SUBSCRIBE is refused

refused() { # CODE STATUS REASON [LINE...]
	local code=$1 answer=$2 reason=$3
	shift 3
	phone < <(echo "< SUBSCRIBE"; echo "> $answer $reason"; printf '%s\n' "$@")
	subscribes "$code" -c 1
	is "$answer" "$(events 'select(.type == "error") | .status_code')"
	is '' "$(story)"
}
refused_4xx() {
	port=5071
	refused 4 403 Forbidden
	refused 4 404 'Not Found'
	refused 4 420 'Bad Extension' '+ Unsupported: eventlist'
	refused 4 481 'No subscription'
	refused 4 489 'Bad Event' '+ Allow-Events: dialog'
	got SUBSCRIBE >/dev/null
	sent 'SIP/2.0 489' >/dev/null
}
refused_others() {
	port=5072
	refused 5 500 'Server Error'
	refused 5 503 'Service Unavailable'
	refused 6 603 Decline
	refused 6 604 'Nowhere'
	refused 22 401 Unauthorized '+ WWW-Authenticate: Digest realm="rte.test", nonce="n", algorithm=MD5, qop="auth"'
	refused 3 302 'Moved' "+ Contact: <sip:carol@127.0.0.1:5073>"
}
@test "the first SUBSCRIBE is refused: the exit code is that of its status" {
	together refused_4xx refused_others
}

@test "423: once more with Min-Expires" {
	phone <<-L
	< SUBSCRIBE
	+ Expires: ^ *60$
	> 423 Interval Too Brief
	+ Min-Expires: 300
	< SUBSCRIBE
	+ Expires: ^ *300$
	+ CSeq: ^ *2 SUBSCRIBE
	> 200 OK
	+ Expires: 300
	$(notify 'active;expires=300')
	< 200
	$(closes)
	L
	subscribes 0 -c 1 -x 60
	phone <<-L
	< SUBSCRIBE
	> 423 Interval Too Brief
	+ Min-Expires: 300
	< SUBSCRIBE
	> 423 Interval Too Brief
	+ Min-Expires: 3000
	L
	subscribes 4 -c 1 -x 60
}

@test "503 with Retry-After: once more when it is over (ruling 4)" {
	phone <<-L
	< SUBSCRIBE
	> 503 Later
	+ Retry-After: 1
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	subscribes 0 -c 1
	is 'retry-after 1000' "$(events 'select(.type == "retry") | .because, .wait_ms')"
	within 1000 2500 "$(took)"
}

challenged() { # STATUS CHALLENGE ANSWER
	phone <<-L
	< SUBSCRIBE
	+ !$3: .
	> $1 Who are you
	+ $2: Digest realm="rte.test", nonce="abc", algorithm=MD5, qop="auth"
	< SUBSCRIBE
	+ $3: username="alice".*nonce="abc".*response="[0-9a-f]{32}"
	+ CSeq: ^ *2 SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	SECRET=pw-alice subscribes 0 -c 1 -a sip:alice@rte.test --password=env:SECRET
}
@test "401 and 407 are answered" {
	challenged 401 WWW-Authenticate Authorization
	challenged 407 Proxy-Authenticate Proxy-Authorization
}

@test "302: not followed without --follow; with it the subscription is at the other" {
	port=5071 phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	phone <<-L
	< SUBSCRIBE
	> 302 Moved Temporarily contact=sip:carol@127.0.0.1:5071
	L
	rte subscribe --json --p2p -e presence -c 1 --follow=2 sip:bob@127.0.0.1:5070
	exits 0
	phone_ends
	port=5071 phone_ends
	is 'SUBSCRIBE sip:carol@127.0.0.1:5071 SIP/2.0' "$(port=5071 got SUBSCRIBE | head -n 1)"
}

# ---- notifications that are not ours, or not right

# unwelcome STATUS WORDS LINE...: a NOTIFY in a living dialog that gets this status; it counts for nothing
unwelcome() {
	local answer=$1 words=$2
	shift 2
	phone < <(
		opens
		echo "> NOTIFY $words"
		[ "$1" = '' ] || printf '%s\n' "$@"
		echo "< $answer"
		[ "$answer" != 489 ] || echo '+ Allow-Events: presence'
		notify 'active;expires=600'
		echo '< 200'
		closes
	)
	subscribes 0 -c 2
	is 'active active' "$(of_notify .subscription_state | cut -d ' ' -f 1-2)"
	is 'active/subscribed terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
}
unwelcome_event() {
	port=5071
	unwelcome 489 '' '+ Event: dialog' '+ Subscription-State: active'
	unwelcome 489 '' '+ Event: presence.winfo' '+ Subscription-State: active'
	unwelcome 489 '' '+ Subscription-State: active'
	unwelcome 481 '' '+ Event: presence;id=other' '+ Subscription-State: active'
}
unwelcome_dialog() {
	port=5072
	unwelcome 481 'call=other///[call_id]' '+ Event: presence' '+ Subscription-State: active'
	unwelcome 481 'to=<sip:rte@127.0.0.1>;tag=other' '+ Event: presence' '+ Subscription-State: active'
}
unwelcome_form() {
	port=5073
	unwelcome 400 '' '+ Event: presence'
	unwelcome 420 '' '+ Event: presence' '+ Subscription-State: active' '+ Require: nothing-we-know'
}
@test "a NOTIFY of another package or of none (489), another id, an unknown dialog (481), without Subscription-State (400), with an unknown Require (420)" {
	together unwelcome_event unwelcome_dialog unwelcome_form
}

@test "a NOTIFY out of order: 500, as in any dialog (RFC 3261 12.2.2); gaps are fine" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600' cseq=10)
	< 200
	$(notify 'active;expires=600' cseq=9)
	< 500
	$(notify 'active;expires=600' cseq=12)
	< 200
	$(notify 'active;expires=600' cseq=13)
	< 200
	$(closes)
	L
	subscribes 0 -c 3
	is 'active active active' "$(of_notify .subscription_state | cut -d ' ' -f 1-3)"
}

@test "a BENOTIFY gets no answer, and counts" {
	phone <<-L
	$(opens)
	> BENOTIFY
	+ Event: presence
	+ Subscription-State: active;expires=600
	silence 400
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	subscribes 0 -c 3
	is 'active active active' "$(of_notify .subscription_state | cut -d ' ' -f 1-3)"
}

@test "a NOTIFY after the end: 481" {
	call_count=2 phone <<-L
	< SUBSCRIBE
	turn 2 5
	> 200 OK
	+ Expires: 600
	$(notify 'terminated;reason=probation;retry-after=1')
	< 200
	$(notify 'active;expires=600')
	< 481
	goto 6
	label 5
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	label 6
	L
	subscribes 0 -c 2
}

# ---- bodies

@test "bodies: none, text, malformed XML (200 all the same, and where it is wrong)" {
	phone <<-L
	$(opens)
	$(notify 'active' body=text/plain '|just text')
	< 200
	$(notify 'active' body=application/pidf+xml '|<presence>' '|<tuple></presence>')
	< 200
	$(notify 'active' body=application/octet-stream '|anything')
	< 200
	$(closes)
	L
	subscribes 0 -c 4
	is 'just text' "$(record 'select(.type == "notify" and .content_type == "text/plain") | .body' | tr -d '\r')"
	record 'select(.type == "notify" and .content_type == "application/pidf+xml") | .body_error' | grep -E 'line 2 column [0-9]+'
	record 'select(.type == "notify" and .content_type == "application/pidf+xml") | .body' | grep '<tuple></presence>'
	is 1 "$(record 'select(.body_error) | .seq' | wc -l)"
	# what was not there is not told
	is false "$(record 'select(.type == "notify") | has("body")' | head -n 1)"
}

@test "a message summary is decoded (RFC 3842)" {
	package=message-summary
	phone <<-L
	$(opens)
	$(notify 'active' body=application/simple-message-summary '|Messages-Waiting: yes' '|Message-Account: sip:bob@vmail.example.com' \
		'|Voice-Message: 4/8 (1/2)')
	< 200
	$(closes)
	L
	subscribes 0 -c 2
	is '{"message_account":"sip:bob@vmail.example.com","messages_waiting":true,"voice_message":{"new":4,"old":8,"urgent_new":1,"urgent_old":2}}' \
		"$(record 'select(.type == "notify" and .content_type == "application/simple-message-summary") | .body | tojson')"
}

dialog_info() { # VERSION STATE DIALOG...
	echo '|<?xml version="1.0"?>'
	echo "|<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"$1\" state=\"$2\" entity=\"$target\">"
	local dialog
	for dialog in "${@:3}"; do
		echo "|<dialog id=\"${dialog%=*}\"><state>${dialog#*=}</state></dialog>"
	done
	echo '|</dialog-info>'
}
@test "partial documents: the whole is told; a missing version and an old one are noted" {
	package=dialog
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Expires: 600
	$(notify active body=application/dialog-info+xml "$(dialog_info 0 full a=early b=confirmed)")
	< 200
	$(notify active body=application/dialog-info+xml "$(dialog_info 1 partial a=confirmed)")
	< 200
	$(notify active body=application/dialog-info+xml "$(dialog_info 1 partial a=terminated)")
	< 200
	$(notify active body=application/dialog-info+xml "$(dialog_info 5 partial c=trying)")
	< 200
	< SUBSCRIBE
	> 200 OK
	L
	subscribes 0 -c 4 --t1=20ms
	is '2 1 1 1' "$(of_notify '.body.dialog | length')"
	is 'a=confirmed,b=confirmed' "$(record 'select(.type == "notify") | select(.body.version == 1 and .body.dialog[0].state == "confirmed") | [.state.dialog[] | .id + "=" + .state] | sort | join(",")')"
	is 2 "$(record 'select(.type == "notify") | .note // empty' | wc -l)"
}

part() { # CID NAME
	printf '|%s\n' --part "Content-ID: <$1@rte>" 'Content-Type: application/pidf+xml' '' \
		"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:$2@rte.test\"><tuple id=\"a\"><status><basic>$3</basic></status></tuple></presence>"
}
rlmi() { # VERSION FULL NAME...
	printf '|%s\n' --part 'Content-ID: <list@rte>' 'Content-Type: application/rlmi+xml;charset="UTF-8"' '' \
		"<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:friends@rte.test\" version=\"$1\" fullState=\"$2\">"
	local name
	for name in "${@:3}"; do
		echo "|<resource uri=\"sip:$name@rte.test\"><instance id=\"i\" state=\"active\" cid=\"$name@rte\"/></resource>"
	done
	echo '|</list>'
}
related='multipart/related;type="application/rlmi+xml";start="<list@rte>";boundary=part'
@test "a list: the whole, then what changed (RFC 4662)" {
	phone <<-L
	< SUBSCRIBE
	+ Supported: eventlist
	> 200 OK
	+ Require: eventlist
	$(notify 'active;expires=600' "body=$related" '+ Require: eventlist' "$(rlmi 0 true alice bob)" "$(part alice alice open)" "$(part bob bob closed)" '|--part--')
	< 200
	$(notify 'active;expires=600' "body=$related" '+ Require: eventlist' "$(rlmi 1 false bob)" "$(part bob bob open)" '|--part--')
	< 200
	$(closes)
	L
	subscribes 0 -c 2
	record 'select(.type == "notify") | tojson' | head -n 1 | grep -q 'sip:alice@rte.test.*sip:bob@rte.test'
	is 2 "$(record 'select(.type == "notify" and .body) | .seq' | wc -l)"
	is '' "$(record 'select(.body_error) | .body_error')"
	# after the second one all of the list is still known
	record 'select(.type == "notify" and .state) | .state | tojson' | tail -n 1 | grep -q 'alice' || what_happened
}

@test "--list: one SUBSCRIBE for several URIs, to the server's list URI" {
	phone <<-L
	< SUBSCRIBE
	+ Require: recipient-list-subscribe
	+ Supported: eventlist
	+ Content-Type: application/resource-lists\+xml
	+ Content-Disposition: recipient-list
	+ body: uri="sip:bob@rte.test"
	+ body: uri="sip:carol@rte.test"
	> 200 OK
	+ Require: eventlist
	$(notify 'active;expires=600' "body=$related" '+ Require: eventlist' "$(rlmi 0 true bob carol)" "$(part bob bob open)" "$(part carol carol closed)" '|--part--')
	< 200
	$(closes)
	L
	subscribes 0 --list --list-uri=sip:lists@rte.test -c 1 sip:carol@rte.test
	is 'SUBSCRIBE sip:lists@rte.test SIP/2.0' "$(got SUBSCRIBE | head -n 1)"
	is active/subscribed "$(story | cut -d ' ' -f 1)"
}

@test "--raw: the body as it came" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	$(notify active body=application/pidf+xml "$(pidf)")
	< 200
	$(closes)
	L
	subscribes 0 -c 1 --raw
	record 'select(.type == "notify") | .body' | sed -n 2p | grep -q '^<presence xmlns' || what_happened
}

# ---- the notifier ends it: RFC 6665 4.1.3

# ends_for_good REASON
ends_for_good() {
	phone < <(opens; notify "terminated;reason=$1"; echo '< 200')
	subscribes 18
	is "active/subscribed terminated/ended/$1" "$(story)"
	is 1 "$(count SUBSCRIBE)"
}
# begins_anew STATE LOW HIGH ARG...: after so many ms
begins_anew() {
	local state=$1 low=$2 high=$3
	shift 3
	call_count=2 phone <<-L
	< SUBSCRIBE
	turn 2 5
	> 200 OK
	+ Expires: 600
	$(notify "$state")
	< 200
	goto 6
	label 5
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	label 6
	L
	subscribes 0 -c 2 "$@"
	is 'ended subscribed unsubscribed' "$(events 'select(.type == "subscription") | .cause' | sed 's/^subscribed ended/ended/')"
	local ended again
	ended=$(events 'select(.cause == "ended") | .elapsed_ms')
	again=$(record 'select(.type == "request" and .method == "SUBSCRIBE") | .elapsed_ms' | sed -n 2p)
	within "$low" "$high" "$(awk "BEGIN { print $again - $ended }")"
}
good_1() { port=5071; ends_for_good rejected; }
good_2() { port=5072; ends_for_good noresource; }
good_3() { port=5073; ends_for_good invariant; }
@test "rejected, noresource, invariant: the end, exit 18, and no further SUBSCRIBE" {
	together good_1 good_2 good_3
}
anew_deactivated() { port=5071; begins_anew 'terminated;reason=deactivated' 0 1300; }
anew_timeout() { port=5072; begins_anew 'terminated;reason=timeout' 0 1300; }
anew_probation() { port=5073; begins_anew 'terminated;reason=probation;retry-after=2' 1990 2500; }
anew_giveup() { port=5074; begins_anew 'terminated;reason=giveup;retry-after=2' 1990 2500; }
anew_probation_now() { port=5075; begins_anew 'terminated;reason=probation' 0 1300; }
anew_none() { port=5076; begins_anew 'terminated' 0 1300; }
anew_later() { port=5077; begins_anew 'terminated;retry-after=2' 1990 2500; }
anew_unknown() { port=5078; begins_anew 'terminated;reason=moonlight;retry-after=2' 1990 2500; }
@test "deactivated, timeout, probation, giveup, none, an unknown word: subscribed anew, after retry-after" {
	together anew_deactivated anew_timeout anew_probation anew_giveup
	together anew_probation_now anew_none anew_later anew_unknown
}

@test "deactivated again and again is no busy loop: the waits grow" {
	call_count=9 phone < <(printf '%s\n' '< SUBSCRIBE' '> 200 OK'; notify 'terminated;reason=deactivated'; echo '< 200')
	local code=0
	rte subscribe --json --server=127.0.0.1:5070 -t udp -e presence --for=4s sip:bob@rte.test
	within 2 6 "$(count SUBSCRIBE)"
	kill "${phones[5070]}"
}

@test "--no-resubscribe: every end is the end, exit 18" {
	for reason in deactivated 'probation;retry-after=1'; do
		phone < <(opens; notify "terminated;reason=$reason"; echo '< 200')
		subscribes 18 --no-resubscribe
		is 1 "$(count SUBSCRIBE)"
	done
}

@test "the end that was waited for: -c reached with it, --until=terminated, --fetch: exit 0" {
	phone < <(opens; notify 'terminated;reason=noresource'; echo '< 200')
	subscribes 0 -c 2
	phone < <(opens; notify 'terminated;reason=rejected'; echo '< 200')
	subscribes 0 --until=terminated
}

# ---- refreshes

@test "a refresh that gets 481: subscribed anew at once, in a new dialog" {
	call_count=2 phone <<-L
	< SUBSCRIBE
	+ !To: ;tag=
	turn 2 5
	> 200 OK
	+ Expires: 2
	$(notify 'active;expires=2')
	< 200
	< SUBSCRIBE
	+ To: ;tag=sipp
	> 481 Forgotten
	goto 6
	label 5
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	$(closes)
	label 6
	L
	subscribes 0 -c 2 -x 600
	is 'active/subscribed terminated/lost active/subscribed terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
	is 'd1 d2' "$(events 'select(.cause == "subscribed") | .dialog')"
}

# refused_later CODE STATUS [LINE...]: a refresh that ends everything
refused_later() {
	local code=$1 answer=$2
	shift 2
	phone < <(opens 2; printf '%s\n' '< SUBSCRIBE' '+ To: ;tag=sipp' "> $answer No more" "$@")
	subscribes "$code"
	is "active/subscribed $answer" "$(story | cut -d ' ' -f 1) $(events 'select(.type == "error") | .status_code')"
}
later_1() { port=5071; refused_later 4 403; }
later_2() { port=5072; refused_later 4 404; }
later_3() { port=5073; refused_later 4 489 '+ Allow-Events: dialog'; }
later_4() { port=5074; refused_later 6 604; }
@test "a refresh that gets 403, 404, 489, 604: the end, with the code of the status" {
	together later_1 later_2 later_3 later_4
}

# again LINES: a refresh that fails for now is repeated within the dialog
again() {
	local low=$1 high=$2
	shift 2
	phone <<-L
	$(opens 6)
	< SUBSCRIBE
	+ To: ;tag=sipp
	$(printf '%s\n' "$@")
	< SUBSCRIBE
	+ To: ;tag=sipp
	> 200 OK
	+ Expires: 600
	pause 100
	$(notify 'active;expires=600')
	< 200
	$(closes)
	L
	subscribes 0 -c 2 -x 6
	is 'active/subscribed active/refreshed terminated/unsubscribed' "$(story | sed 's,/timeout,,')"
	local first second
	first=$(record 'select(.type == "request" and .method == "SUBSCRIBE") | .elapsed_ms' | sed -n 2p)
	second=$(record 'select(.type == "request" and .method == "SUBSCRIBE") | .elapsed_ms' | sed -n 3p)
	within "$low" "$high" "$(awk "BEGIN { print $second - $first }")"
}
again_500() { port=5071; again 0 1400 '> 500 Not now'; }
again_503() { port=5072; again 1000 2000 '> 503 Later' '+ Retry-After: 1'; }
again_408() { port=5073; again 0 1400 '> 408 Too slow'; }
again_423() { port=5074; again 0 500 '> 423 Too brief' '+ Min-Expires: 60'; }
@test "a refresh that gets 500, 408, 503 with Retry-After, 423: once more within the dialog" {
	together again_500 again_503 again_408 again_423
}

@test "the notifier is gone: the refresh is tried again for --retry-max-time, then exit 19" {
	phone < <(opens 2)
	background rte -x 2 --retry-max-time=3s --t1=50ms
	phone_ends
	ends rte 12 19
	saw rte 1 '.type == "retry"'
	saw rte 1 '.type == "subscription" and .state == "terminated" and .cause == "lost"'
	saw rte 1 '.type == "error" and .exit_name == "lost"'
}

@test "the notifier is gone and comes back: what has expired is subscribed anew" {
	phone < <(opens 2)
	background rte -x 2 -c 2 --t1=50ms
	phone_ends
	comes 8 rte 1 '.type == "subscription" and .cause == "lost"'
	phone < <(opens; closes)
	ends rte 12 0
	phone_ends
}

@test "the notifier has restarted over TCP: the refresh goes over a new connection at once" {
	transport=tcp
	phone < <(opens)
	background rte -c 2
	comes 5 rte 1 '.type == "notify"'
	# SIPp has ended its call, and its connection with it
	phone_ends
	phone <<-L
	< SUBSCRIBE
	+ To: ;tag=sipp
	> 200 OK
	+ Expires: 600
	pause 100
	$(notify 'active;expires=600' cseq=2)
	< 200
	$(closes)
	L
	ends rte 12 0
	phone_ends
	saw rte 1 '.type == "disconnected"'
	saw rte 1 '.type == "subscription" and .cause == "refreshed"'
}

@test "the notifier moves: its Contact in a NOTIFY and in a 2xx is where the next SUBSCRIBE goes" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK contact=sip:first@127.0.0.1:5070
	+ Expires: 600
	$(notify 'active;expires=2' contact=sip:second@127.0.0.1:5070)
	< 200
	< SUBSCRIBE
	> 200 OK contact=sip:third@127.0.0.1:5070
	+ Expires: 600
	$(notify 'active;expires=600' contact=sip:third@127.0.0.1:5070)
	< 200
	< SUBSCRIBE
	> 200 OK
	$(notify terminated)
	< 200
	L
	subscribes 0 -c 2
	is 'SUBSCRIBE sip:second@127.0.0.1:5070 SIP/2.0' "$(got SUBSCRIBE 2 | head -n 1)"
	is 'SUBSCRIBE sip:third@127.0.0.1:5070 SIP/2.0' "$(got SUBSCRIBE 3 | head -n 1)"
}

@test "the Record-Route of the notification's path is the Route of what follows" {
	phone <<-L
	< SUBSCRIBE
	> 200 OK
	+ Record-Route: <sip:127.0.0.1:5070;lr;x=1>
	+ Expires: 600
	$(notify 'active;expires=600')
	< 200
	< SUBSCRIBE
	+ Route: <sip:127.0.0.1:5070;lr;x=1>
	+ Expires: ^ *0$
	> 200 OK
	$(notify terminated)
	< 200
	L
	subscribes 0 -c 1
}

@test "entity tags: the refresh carries the last one, 204 keeps everything as it is (RFC 5839)" {
	phone <<-L
	< SUBSCRIBE
	+ Suppress-If-Match: ^ *old1$
	> 200 OK
	+ Expires: 2
	$(notify 'active;expires=2' '' '+ SIP-ETag: tag1')
	< 200
	< SUBSCRIBE
	+ Suppress-If-Match: ^ *tag1$
	> 204 No Notification
	+ SIP-ETag: tag1
	+ Expires: 2
	< SUBSCRIBE
	+ Suppress-If-Match: ^ *tag1$
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600' '' '+ SIP-ETag: tag2')
	< 200
	$(closes)
	L
	subscribes 0 -c 2 --suppress=old1
	is 'tag1 tag2' "$(of_notify '.sip_etag // empty')"
	is 'subscribed refreshed refreshed unsubscribed' "$(events 'select(.type == "subscription") | .cause')"
}

@test "--suppress=* : nobody wants the state, 204 to the end is taken as well" {
	phone <<-L
	< SUBSCRIBE
	+ Suppress-If-Match: ^ *\*$
	> 200 OK
	+ Expires: 600
	$(notify 'active;expires=600' '' '+ SIP-ETag: tag1')
	< 200
	< SUBSCRIBE
	+ Expires: ^ *0$
	> 204 No Notification
	L
	subscribes 0 -c 1 '--suppress=*'
}

@test "one process, several URIs: each is a subscription with its own Call-ID" {
	call_count=3 phone <<-L
	$(opens)
	$(closes)
	L
	rte subscribe --json --server=127.0.0.1:5070 -t udp -e presence -c 3 sip:a@rte.test sip:b@rte.test sip:c@rte.test
	exits 0
	phone_ends
	is 3 "$(printf '%s\n' "$(got SUBSCRIBE 1 | field Call-ID)" "$(got SUBSCRIBE 2 | field Call-ID)" "$(got SUBSCRIBE 3 | field Call-ID)" | sort -u | wc -l)"
	is 'sip:a@rte.test sip:b@rte.test sip:c@rte.test' "$(record 'select(.cause == "subscribed") | .uri' | sort | tr '\n' ' ' | sed 's/ $//')"
	printf '%s\n' sip:a@rte.test '# comment' '' sip:b@rte.test >uris
	call_count=2 phone <<-L
	$(opens)
	$(closes)
	L
	rte subscribe --json --server=127.0.0.1:5070 -t udp -e presence -c 2 --each=uris
	exits 0
	phone_ends
}

# ---- what nobody asked for

unsolicited() { # STATUS EVENT TYPE LINE...
	local answer=$1 event=$2 type=$3
	shift 3
	caller < <(
		echo "> NOTIFY${type:+ body=$type}"
		echo "+ Event: $event"
		[ "$event" = check-sync ] || echo '+ Subscription-State: active'
		printf '|%s\n' "$@" | sed '/^|$/d'
		echo "< $answer"
	)
}
@test "unsolicited NOTIFYs: 481; with rte listen --unsolicited 200, and what they say (ruling 9)" {
	listens
	unsolicited 481 message-summary application/simple-message-summary 'Messages-Waiting: yes'
	unsolicited 481 check-sync ''
	listen_stops 0
	is '' "$(of_notify .event)"
	listens --unsolicited
	unsolicited 200 message-summary application/simple-message-summary 'Messages-Waiting: yes' 'Voice-Message: 2/1'
	unsolicited 200 check-sync ''
	listen_stops 0
	is 'message-summary check-sync' "$(of_notify .event)"
	is '2 true' "$(of_notify 'select(.body) | .body.voice_message.new, .body.messages_waiting')"
}
