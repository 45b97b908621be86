#!/usr/bin/env bats
# tests/interop/compositors.bats -- rte publish at event state compositors of SIPp (RFC 3903); the ladders are as SIPp sees them

load notifier

setup() {
	client_home
	cd "$BATS_TEST_TMPDIR"
}
teardown() {
	sipp_last
	reap_all
}

# published ETAG [EXPIRES]: lines of the answer
published() {
	printf '%s\n' '> 200 OK' "+ SIP-ETag: $1" "+ Expires: ${2:-600}"
}

plain() {
	phone <<-L
	< PUBLISH
	$(published tag1)
	L
	publishes 0 --status=open
	is "active/published tag1 600" "$(publications) $(events 'select(.type == "publication") | .sip_etag, .expires')"
}
udp4() { port=5071 plain; }
tcp4() { port=5072 transport=tcp plain; }
udp6() { port=5073 ip=::1 plain; }
tcp6() { port=5074 ip=::1 transport=tcp plain; }
@test "one publication: UDP and TCP, IPv4 and IPv6" {
	together udp4 tcp4 udp6 tcp6
}

@test "what a PUBLISH says of itself; presence from options; the line for people" {
	phone <<-L
	< PUBLISH
	+ To: ^ *<sip:alice@rte.test>$
	+ From: <sip:alice@rte.test>;tag=
	+ Event: ^ *presence$
	+ Expires: ^ *900$
	+ !SIP-If-Match: .
	+ Content-Type: ^ *application/pidf\+xml
	+ CSeq: PUBLISH
	+ Max-Forwards: ^ *70
	+ X-More: and more
	+ body: <basic>closed</basic>
	+ body: entity="sip:alice@rte.test"
	+ body: in a meeting &amp; more
	+ body: <[a-z]*:?meeting ?/>
	$(published dx200xyz 800)
	L
	rte publish --server=127.0.0.1:5070 -t udp -x 900 --status=closed --note='in a meeting & more' --activity=meeting \
		-H 'X-More: and more' sip:alice@rte.test
	ended_with 0
	phone_ends
	is 'PUBLISH sip:alice@rte.test SIP/2.0' "$(got PUBLISH | head -n 1)"
	says '^published   sip:alice@rte.test  presence  200 OK  expires 800  etag dx200xyz$'
}

@test "any other package and body" {
	phone <<-L
	< PUBLISH
	+ Event: ^ *message-summary$
	+ Content-Type: ^ *application/simple-message-summary
	+ body: ^Messages-Waiting: yes
	$(published tag1)
	L
	publishes 0 -e message-summary -d 'Messages-Waiting: yes' --type=application/simple-message-summary
	is message-summary "$(events 'select(.type == "publication") | .event')"
}

@test "--if-match: without a body a refresh, with one a modification, --remove (RFC 3903 4.1)" {
	phone <<-L
	< PUBLISH
	+ SIP-If-Match: ^ *tag1$
	+ Expires: ^ *600$
	+ !Content-Type: .
	+ Content-Length: ^ *0$
	$(published tag2)
	L
	publishes 0 --if-match=tag1 -x 600
	is "active/refreshed tag2" "$(publications) $(events 'select(.type == "publication") | .sip_etag')"
	phone <<-L
	< PUBLISH
	+ SIP-If-Match: ^ *tag2$
	+ Content-Type: application/pidf
	+ body: <basic>open</basic>
	$(published tag3)
	L
	publishes 0 --if-match=tag2 --status=open
	is "active/modified tag3" "$(publications) $(events 'select(.type == "publication") | .sip_etag')"
	phone <<-L
	< PUBLISH
	+ SIP-If-Match: ^ *tag3$
	+ Expires: ^ *0$
	+ !Content-Type: .
	> 200 OK
	+ SIP-ETag: tag4
	+ Expires: 0
	L
	publishes 0 --if-match=tag3 --remove
	is terminated/removed "$(publications)"
}

# ---- refused

refused() { # CODE STATUS [LINE...]
	local code=$1 answer=$2
	shift 2
	phone < <(printf '%s\n' '< PUBLISH' "> $answer No" "$@")
	publishes "$code" --status=open
	is "$answer" "$(events 'select(.type == "error") | .status_code')"
	is '' "$(publications | grep active)"
}
refused_1() {
	port=5071
	refused 4 400
	refused 4 403
	refused 4 404
	refused 4 406
	refused 4 412
}
refused_2() {
	port=5072
	refused 4 415 '+ Accept: text/plain'
	refused 4 423 # without Min-Expires there is nothing to go by
	refused 4 480
	refused 4 489 '+ Allow-Events: dialog'
}
refused_3() {
	port=5073
	refused 5 500
	refused 5 501
	refused 5 503
	refused 6 604
	refused 22 401 '+ WWW-Authenticate: Digest realm="rte.test", nonce="n", algorithm=MD5, qop="auth"'
	refused 3 302 '+ Expires: 10'
}
@test "refused: the exit code is that of the status" {
	together refused_1 refused_2 refused_3
}

@test "412 to a one-shot --if-match: exit 4, and it is not published anew" {
	phone <<-L
	< PUBLISH
	+ SIP-If-Match: ^ *gone$
	> 412 Conditional Request Failed
	L
	publishes 4 --if-match=gone --status=open
	is 1 "$(count PUBLISH)"
	record 'select(.type == "error") | .detail' | grep -q 412
}

@test "423: once more with Min-Expires; 503 with Retry-After once more; 401 and 407 are answered" {
	phone <<-L
	< PUBLISH
	+ Expires: ^ *60$
	> 423 Interval Too Brief
	+ Min-Expires: 300
	< PUBLISH
	+ Expires: ^ *300$
	+ body: <basic>open
	$(published tag1 300)
	L
	publishes 0 --status=open -x 60
	phone <<-L
	< PUBLISH
	> 503 Later
	+ Retry-After: 1
	< PUBLISH
	$(published tag1)
	L
	publishes 0 --status=open
	within 1000 2000 "$(took)"
	for way in '401 WWW-Authenticate Authorization' '407 Proxy-Authenticate Proxy-Authorization'; do
		set -- $way
		phone <<-L
		< PUBLISH
		> $1 Who are you
		+ $2: Digest realm="rte.test", nonce="abc", algorithm=MD5, qop="auth"
		< PUBLISH
		+ $3: username="alice".*nonce="abc".*uri="sip:alice@rte.test".*response="[0-9a-f]{32}"
		$(published tag1)
		L
		SECRET=pw-alice publishes 0 --status=open --password=env:SECRET
	done
}

# RFC 3903 section 6: a 2xx has both. Without the tag nothing can be refreshed; without Expires what was asked holds.
@test "a 2xx without SIP-ETag breaks the rules, exit 15; one without Expires can be lived with" {
	phone <<-L
	< PUBLISH
	> 200 OK
	+ Expires: 600
	L
	publishes 15 --status=open
	record 'select(.type == "error") | .detail' | grep -qi 'SIP-ETag'
	phone <<-L
	< PUBLISH
	> 200 OK
	+ SIP-ETag: tag1
	L
	publishes 0 --status=open -x 700
	is 700 "$(events 'select(.type == "publication") | .expires')"
}

@test "silence: exit 14; nobody there: exit 11" {
	phone <<-L
	< PUBLISH
	pause 1200
	L
	publishes 14 --status=open --timeout=1s
	rte publish --json --server=127.0.0.1:5079 -t udp --status=open sip:alice@rte.test
	exits 11
}

# ---- kept

keeper() { # NAME ARG...
	local name=$1
	shift
	begin "$name" publish --server=127.0.0.1:5070 -t "$transport" --keep -m 30s "$@" sip:alice@rte.test
	reap+=("${kept[$name]}")
}
causes() {
	records "$1" '.type == "publication"' | jq -r .cause | tr '\n' ' ' | sed 's/ $//'
}

kept_over() {
	phone <<-L
	< PUBLISH
	+ Expires: ^ *600$
	$(published tag1 2)
	< PUBLISH
	+ SIP-If-Match: ^ *tag1$
	+ Expires: ^ *600$
	+ !Content-Type: .
	$(published tag2 2)
	< PUBLISH
	+ SIP-If-Match: ^ *tag2$
	+ !Content-Type: .
	$(published tag3)
	< PUBLISH
	+ SIP-If-Match: ^ *tag3$
	+ Expires: ^ *0$
	+ !Content-Type: .
	> 200 OK
	+ SIP-ETag: tag4
	+ Expires: 0
	L
	keeper rte -x 600 --status=open
	comes 8 rte 2 '.cause == "refreshed"'
	send rte INT
	ends rte 4 0
	phone_ends
	is 'published refreshed refreshed removed' "$(causes rte)"
	within 900 1900 "$(records rte '.cause == "refreshed"' | head -n 1 | jq .elapsed_ms)"
}
@test "--keep: refreshed with the tag of the last 2xx, before it expires; removed at the end (RFC 3903 4.1)" {
	kept_over
	transport=tcp kept_over
}

@test "--keep --leave: what is published stays" {
	phone <<-L
	< PUBLISH
	$(published tag1)
	L
	keeper rte --leave --status=open
	comes 5 rte 1 '.cause == "published"'
	send rte TERM
	ends rte 4 0
	phone_ends
}

@test "--keep: 412 to a refresh: published anew, with the whole state and without a tag (RFC 3903 4.1)" {
	phone <<-L
	< PUBLISH
	$(published tag1 2)
	< PUBLISH
	+ SIP-If-Match: ^ *tag1$
	> 412 Conditional Request Failed
	< PUBLISH
	+ !SIP-If-Match: .
	+ Content-Type: application/pidf
	+ body: <basic>closed</basic>
	$(published tag9)
	< PUBLISH
	+ SIP-If-Match: ^ *tag9$
	+ Expires: ^ *0$
	> 200 OK
	+ SIP-ETag: tag4
	+ Expires: 0
	L
	keeper rte --status=closed
	comes 8 rte 1 '.cause == "republished"'
	send rte INT
	ends rte 4 0
	phone_ends
	is 'published republished removed' "$(causes rte)"
}

@test "--keep: a refresh that fails for now is repeated; 403 ends it" {
	phone <<-L
	< PUBLISH
	$(published tag1 4)
	< PUBLISH
	> 500 Not now
	< PUBLISH
	+ SIP-If-Match: ^ *tag1$
	$(published tag2 2)
	< PUBLISH
	> 403 No more
	L
	keeper rte --status=closed
	ends rte 12 4
	phone_ends
	is 'published refreshed rejected' "$(causes rte)"
	saw rte 1 '.type == "retry"'
	saw rte 1 '.type == "error" and .status_code == 403'
}

@test "--keep: 423 to a refresh is heeded" {
	phone <<-L
	< PUBLISH
	$(published tag1 2)
	< PUBLISH
	> 423 Interval Too Brief
	+ Min-Expires: 900
	< PUBLISH
	+ SIP-If-Match: ^ *tag1$
	+ Expires: ^ *900$
	$(published tag2 900)
	< PUBLISH
	+ Expires: ^ *0$
	> 200 OK
	+ SIP-ETag: tag4
	+ Expires: 0
	L
	keeper rte -x 600 --status=closed
	comes 8 rte 1 '.cause == "refreshed"'
	send rte INT
	ends rte 4 0
	phone_ends
}

@test "--keep: the server is gone: tried again for --retry-max-time, then exit 19" {
	phone <<-L
	< PUBLISH
	$(published tag1 2)
	L
	keeper rte --status=closed --retry-max-time=3s --t1=50ms
	phone_ends
	ends rte 12 19
	saw rte 1 '.type == "retry"'
	saw rte 1 '.type == "error" and .exit_name == "lost"'
}

@test "--keep: the removal goes unanswered: the end does not wait for ever" {
	phone <<-L
	< PUBLISH
	$(published tag1)
	< PUBLISH
	+ Expires: ^ *0$
	pause 3500
	L
	keeper rte --status=closed
	comes 5 rte 1 '.cause == "published"'
	send rte INT
	ends rte 4 0
	phone_ends
}
