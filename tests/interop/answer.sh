#!/bin/bash
# tests/interop/answer.sh HOW -- a server that misbehaves, once or for a connection: requests on stdin, on stdout what HOW
# makes of them. socat runs it; see server_start in helper.bash.
set -u
how=$1
cr=$'\r'

# bash writes line by line, which would be a datagram a line
printf() {
	env printf "$@"
}
# request: reads one; sets $method, $uri, $via, $from, $to, $call_id, $cseq, $contact
request() {
	local line name value length=0
	method='' uri='' via='' from='' to='' call_id='' cseq='' contact=''
	read -r method uri line || return 1
	while read -r line; do
		line=${line%"$cr"}
		[ -n "$line" ] || break
		name=${line%%:*} value=${line#*: }
		case ${name,,} in
		via) via=${via:-$value} ;;
		from) from=$value ;;
		to) to=$value ;;
		call-id) call_id=$value ;;
		cseq) cseq=$value ;;
		contact) contact=$value ;;
		content-length) length=$value ;;
		esac
	done
	[ "$length" = 0 ] || head -c "$length" >/dev/null
}
# answer STATUS [LINE...]: the response with these header lines; the last is followed by the blank one
answer() {
	local status=$1
	shift
	printf '%s\r\n' "SIP/2.0 $status" "Via: $via" "From: $from" "To: $to;tag=x" "Call-ID: $call_id" "CSeq: $cseq" "$@" ''
}
none='Content-Length: 0'
# ok: as a registrar says it
ok() {
	answer '200 OK' ${contact:+"Contact: ${contact%%;expires=*};expires=60"} "$none"
}
stay() { # until the other side goes
	cat >/dev/null
}

case $how in
# ---- datagrams
garbage) # noise before the answer
	request
	head -c 700 /dev/urandom
	sleep 0.05
	printf '\r\n\r\n'
	sleep 0.05
	printf 'x'
	sleep 0.05
	printf 'HTTP/1.1 200 OK\r\n\r\n'
	sleep 0.05
	printf 'SIP/2.0 200 OK\r\n'
	sleep 0.05
	ok
	;;
elsewhere) # the answer comes from another port
	request
	ok >"/dev/udp/$SOCAT_PEERADDR/$SOCAT_PEERPORT"
	;;
sent-by)
	request
	via=${via/ *;branch/ 192.0.2.1:5060;branch}
	ok
	;;
cseq-method)
	request
	cseq="${cseq%% *} PUBLISH"
	ok
	;;
call-id)
	request
	call_id=another
	ok
	;;
status-700)
	request
	answer '700 What' "$none"
	;;
second-via)
	request
	answer '200 OK' 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-other' "$none"
	;;
no-headers)
	request
	printf 'SIP/2.0 200 OK\r\n\r\n'
	;;
ringing) # provisional answers for ever
	request
	while answer '180 Ringing' "$none"; do
		sleep 0.1
	done
	;;
retry-after-*) # with that Retry-After
	request
	answer '503 Service Unavailable' "Retry-After: ${how#retry-after-}" "$none"
	;;
drop-binding) # granted for 2 s, and at the refresh no more
	request
	answer '200 OK' "Contact: ${contact%%;expires=*};expires=2" "$none"
	request
	answer '200 OK' "Contact: ${contact%%;expires=*};expires=0" "$none"
	stay
	;;
forget-binding) # at the refresh only somebody else is bound
	request
	answer '200 OK' "Contact: ${contact%%;expires=*};expires=2" "$none"
	request
	answer '200 OK' 'Contact: <sip:somebody@192.0.2.9>;expires=60' "$none"
	stay
	;;
lower-423) # the least is less than what was asked
	request
	answer '423 Interval Too Brief' 'Min-Expires: 5' "$none"
	;;
not-ours) # 200 with somebody else's Contact
	request
	answer '200 OK' 'Contact: <sip:somebody@192.0.2.9>;expires=60' "$none"
	;;
expires-*) # 200 with our Contact and that time
	request
	answer '200 OK' "Contact: ${contact%%;expires=*};expires=${how#expires-}" "$none"
	;;
no-expires)
	request
	answer '200 OK' "Contact: ${contact%%;expires=*}" "$none"
	;;
bad-contact)
	request
	answer '200 OK' 'Contact: <sip:alice@127.0.0.1;expires=60' "$none"
	;;
contacts-500) # a redirect to five hundred places, none of which answers
	request
	list=
	for ((i = 0; i < 500; i++)); do
		list+="<sip:127.0.0.1:$((6000 + i));transport=tcp>, "
	done
	answer '302 Moved Temporarily' "Contact: ${list%, }" "$none"
	;;
redirect-on) # to somebody else, each time
	while request; do
		answer '302 Moved Temporarily' "Contact: <sip:u$RANDOM$RANDOM@127.0.0.1:5070;transport=${via:8:3}>" "$none"
	done
	;;
downgrade)
	request
	answer '302 Moved Temporarily' 'Contact: <sip:127.0.0.1:5060>' "$none"
	stay
	;;
# ---- streams
deaf)
	stay
	;;
challenge-close) # and no more
	request
	answer '401 Unauthorized' 'WWW-Authenticate: Digest realm="rte.test", nonce="n", qop="auth", algorithm=MD5' "$none"
	request
	;;
half)
	request
	answer '200 OK' "$none" | head -c 60
	;;
half-stay)
	request
	answer '200 OK' "$none" | head -c 60
	stay
	;;
body-short) # and then the end
	request
	answer '200 OK' 'Content-Length: 500'
	printf 'short'
	;;
body-short-stay)
	request
	answer '200 OK' 'Content-Length: 500'
	printf 'short'
	stay
	;;
drip) # a byte now and then
	request
	answer '200 OK' "$none" | while IFS= read -r -d '' -n 1 byte; do
		printf %s "$byte" || exit
		sleep 0.2
	done
	;;
two) # two at once, and then one byte by byte
	request
	answer '100 Trying' "$none"
	ok
	stay
	;;
pings) # keep-alives around the answer
	request
	printf '\r\n\r\n\r\n'
	ok
	printf '\r\n'
	stay
	;;
length-*) # with that Content-Length
	request
	answer '200 OK' "Content-Length: ${how#length-}"
	stay
	;;
lengths)
	request
	answer '200 OK' 'Content-Length: 0' 'Content-Length: 3'
	stay
	;;
huge-*) # so many bytes of body
	request
	answer '200 OK' "Content-Length: ${how#huge-}"
	head -c "${how#huge-}" /dev/zero | tr '\0' x
	stay
	;;
headers) # that never end
	request
	printf '%s\r\n' 'SIP/2.0 200 OK' "Via: $via"
	yes "X-More: and more$cr"
	;;
line) # that never ends
	request
	printf 'SIP/2.0 200 OK\r\nX: '
	yes x | tr -d '\n'
	;;
endless) # a body that never ends
	request
	answer '200 OK' 'Content-Length: 2000000000'
	yes
	;;
messages) # answers to questions that nobody asked, for ever
	request
	branch=0
	while printf '%s\r\n' 'SIP/2.0 200 OK' "Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK$((branch++))" "From: $from" "To: $to" \
		"Call-ID: $call_id" "CSeq: $cseq" "$none" ''; do
		:
	done
	;;
http)
	request
	printf 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
	;;
http-at-once)
	head -c 5 >/dev/null
	printf 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
	;;
random)
	request
	head -c 100000 /dev/urandom
	stay
	;;
esac
