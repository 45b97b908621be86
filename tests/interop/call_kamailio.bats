#!/usr/bin/env bats
# tests/interop/call_kamailio.bats -- calls between rte and rte through Kamailio: registrar, Digest, Record-Route, forks

load pair

setup() {
	client_home
}
teardown() {
	kept_stop
}
teardown_file() {
	rigs_stop
}

# call FROM TO [ADDRESS]: alice calls over the transport FROM, bob waits over TO; alice hangs up
call() {
	local at=${3:-127.0.0.1} from=$1 to=$2
	phone bob bob -t "$to" --once
	contacts_are 1 bob
	# Kamailio has several processes: without a pause what follows may overtake the ACK
	member alice invite alice --register -t "$from" --duration=200ms sip:bob@rte.test
	ends alice 8 0
	ends bob 8 0
	one_dialog alice bob
	has_story alice 'd1 trying (d1 proceeding )?(d1 early )?d1 confirmed d1 terminated/local-bye'
	has_story bob '(d1 trying )?(d1 early )?d1 confirmed d1 terminated/remote-bye'
	# RFC 3261 22.3: the INVITE again, with credentials and the next CSeq; ACK and BYE follow the Record-Route (12.2.1.1)
	is 'REGISTER REGISTER INVITE INVITE ACK BYE REGISTER' "$(methods alice sent)"
	is '407 200' "$(records alice '.type == "response" and .method == "INVITE" and .status_code >= 200' | jq -r .status_code | tr '\n' ' ' | sed 's/ $//')"
	[ "$(last alice "$confirmed" '.route_set | length')" -ge 1 ] || kept_is alice
	[ "$(last bob "$confirmed" '.route_set | length')" -ge 1 ] || kept_is bob
	# where transports differ there are two Record-Routes, and each end has them in its own order (12.1.1, 12.1.2)
	is "$(last alice "$confirmed" '.route_set | map(sub(";ftag=.*|>$"; "")) | join(" ")')" \
		"$(last bob "$confirmed" '.route_set | reverse | map(sub(";ftag=.*|>$"; "")) | join(" ")')"
	# all of it over the connection that was registered with
	is "$([ "$from" = udp ] && echo 0 || echo 1)" "$(records alice '.type == "connected"' | wc -l)"
	is "$([ "$to" = udp ] && echo 0 || echo 1)" "$(records bob '.type == "connected"' | wc -l)"
	contacts_are 0 alice
	contacts_are 0 bob
}

@test "UDP, TCP, TLS: registered calls registered, 407, Record-Route, BYE of the caller" {
	kamailio_with
	for transport in udp tcp tls; do
		call "$transport" "$transport"
	done
}
@test "UDP to TLS, TLS to TCP, TCP to UDP: two Record-Routes" {
	kamailio_with
	call udp tls
	call tls tcp
	call tcp udp
}
@test "IPv6, and SHA-256" {
	kamailio_with ALGORITHM=SHA-256
	call udp tcp '[::1]'
}

@test "BYE of the callee, hold and resume and MESSAGE from either side, through the proxy" {
	kamailio_with
	local from
	for from in udp tls; do
		phone bob bob -t tcp --once --do=wait:1500ms --do=hold --do=resume --do='message:Come here.' --do=bye
		member alice invite alice --register -t $from --duration=9s --do=wait:200ms --do=hold --do=resume --do=message:Watson sip:bob@rte.test
		ends alice 9 0
		ends bob 5 0
		one_dialog alice bob
		has_story alice '.*d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 confirmed/hold d1 confirmed/resume d1 terminated/remote-bye'
		has_story bob '.*d1 confirmed d1 confirmed/hold d1 confirmed/resume d1 confirmed/hold d1 confirmed/resume d1 terminated/local-bye'
		is Watson "$(last bob '.type == "message" and .direction == "received"' .body)"
		is 'Come here.' "$(last alice '.type == "message" and .direction == "received"' .body)"
	done
}

@test "407: credentials without a registration; a wrong password; none; a foreign identity" {
	kamailio_with
	phone bob bob -t tcp --count=2
	member alice invite alice -t tcp sip:bob@rte.test
	ends alice 5 0
	is 'digest md5 rte.test alice' "$(last alice '.type == "auth"' '[.scheme, .chosen, .realm, .user] | join(" ")')"
	is 'INVITE INVITE ACK BYE' "$(methods alice sent)"
	# nothing was registered, so nothing is bound
	contacts_are 0 alice
	contacts_are 1 bob
	secret=wrong member mallory invite alice -t tcp sip:bob@rte.test
	ends mallory 5 7
	failed_with mallory '407 .* after credentials were sent \(realm "rte\.test", user "alice", MD5\)'
	is 'INVITE INVITE' "$(methods mallory sent)"
	begin nobody invite --server=127.0.0.1 -t tcp -a sip:alice@rte.test sip:bob@rte.test
	ends nobody 5 22
	member other invite alice --user=carol --from='<sip:alice@rte.test>' -t tcp sip:bob@rte.test
	ends other 5 7
	# peer to peer: never answered (PP-16, AU-09)
	begin direct invite -a sip:alice@rte.test --proxy='sip:127.0.0.1;transport=tcp' sip:bob@rte.test
	ends direct 5 22
	is peer_to_peer "$(last direct '.type == "error"' .cause)"
	saw bob 1 "$terminated"
	member alice invite alice -t tcp sip:bob@rte.test
	ends alice 5 0
	ends bob 5 0
	is 'INVITE ACK BYE INVITE ACK BYE' "$(methods bob received)"
}

@test "peer to peer with an outbound proxy: the proxy may carry a call of who is not asked" {
	kamailio_with
	phone bob bob -t tls --once
	begin open invite -a sip:openalice@rte.test --proxy='sip:127.0.0.1;transport=tcp;lr' --do=wait:200ms --do=hold sip:bob@rte.test
	ends open 5 0
	ends bob 5 0
	one_dialog open bob
	# PP-08: inside of the session it is the session's connection
	is 1 "$(records open '.type == "connected"' | wc -l)"
}

@test "MESSAGE through Kamailio: over each transport, to who is there, to nobody" {
	kamailio_with
	local t
	for t in udp tcp tls; do
		phone bob bob -t "$t" --once
		member alice message alice -t "$t" -d "over $t" sip:bob@rte.test
		ends alice 5 0
		ends bob 5 0
		is "over $t from sip:alice@rte.test" "$(last bob '.type == "message"' '.body + " from " + .from.uri')"
		is 'MESSAGE MESSAGE' "$(methods alice sent)"
	done
	member alice message alice -d lost sip:bob@rte.test
	ends alice 5 4
	failed_with alice 404
}

# ---- forks: several phones of one AOR

@test "MPOP: both ring, one answers, the other is cancelled; one dialog is confirmed" {
	kamailio_with
	local t
	for t in udp tls; do
		phone slow bob -t "$t" --ring=20s --once
		phone fast bob -t tcp --ring=300ms --once
		contacts_are 2 bob
		member alice invite alice -t "$t" --duration=300ms sip:bob@rte.test
		ends alice 8 0
		ends slow 5 0
		ends fast 5 0
		one_dialog alice fast
		# RFC 3261 16.7, 9.2: the proxy cancels the other branch, which answers 200 to that and 487 to its INVITE
		methods slow received | grep -qw CANCEL
		is '180 487' "$(records slow '.type == "response" and .direction == "sent" and .method == "INVITE" and .status_code > 100' | jq -r .status_code | paste -sd ' ')"
		has_story slow '(d1 trying )?d1 early d1 terminated/cancelled'
		has_story fast '(d1 trying )?d1 early d1 confirmed d1 terminated/remote-bye'
		# RFC 3261 13.2.2.1, 13.2.2.4: two early dialogs, by To tag; the answer ends what is not its own
		is 2 "$(records alice '.type == "dialog" and .state == "early"' | jq -r .remote_tag | sort -u | wc -l)"
		is 1 "$(records alice "$confirmed" | wc -l)"
	done
}

@test "MPOP: the caller cancels: both are cancelled; the ring time is over: the same" {
	kamailio_with
	phone one bob -t udp --ring=20s --count=2
	phone two bob -t tls --ring=20s --count=2
	member alice invite alice --cancel-after=700ms sip:bob@rte.test
	ends alice 8 0
	is 487 "$(last alice '.type == "end"' .status_code)"
	member alice invite alice --ring-timeout=500ms sip:bob@rte.test
	ends alice 8 9
	ends one 5 0
	ends two 5 0
	for name in one two; do
		is 2 "$(methods "$name" received | tr ' ' '\n' | grep -cx CANCEL)"
		is '487 487' "$(records "$name" "$terminated" | jq -r .status_code | paste -sd ' ')"
		has_story "$name" '(d1 trying )?d1 early d1 terminated/cancelled (d2 trying )?d2 early d2 terminated/cancelled'
	done
}

@test "MPOP: one is busy, the other answers; both refuse: one status for all; 603 ends it everywhere" {
	kamailio_with
	phone busy bob -t udp --answer=486 --once
	phone free bob -t tcp --ring=300ms --once
	member alice invite alice sip:bob@rte.test
	ends alice 5 0
	ends busy 5 0
	ends free 5 0
	one_dialog alice free
	phone one bob -t udp --answer=486 --once
	phone two bob -t tcp --answer=486 --once
	member alice invite alice sip:bob@rte.test
	ends alice 5 8
	failed_with alice '486'
	ends one 5 0
	ends two 5 0
	# RFC 3261 16.7: a 6xx cancels the others
	phone ringing bob -t tcp --ring=20s --once
	phone declines bob -t udp --ring=300ms --answer=603 --once
	member alice invite alice sip:bob@rte.test
	ends alice 5 8
	failed_with alice '603'
	ends ringing 5 0
	ends declines 5 0
	has_story ringing '(d1 trying )?d1 early d1 terminated/cancelled'
}

@test "a MESSAGE forks, too: both phones get it, the sender one answer" {
	kamailio_with
	phone one bob -t udp --once
	phone two bob -t tls --once
	member alice message alice -d 'To all of you' sip:bob@rte.test
	ends alice 5 0
	ends one 5 0
	ends two 5 0
	is 'To all of you' "$(last one '.type == "message"' .body)"
	is 'To all of you' "$(last two '.type == "message"' .body)"
	is 1 "$(records alice '.type == "response" and .status_code == 200' | wc -l)"
}

# ---- what a proxy says by itself

@test "statuses: busy, declined, gone, unknown, redirected, later" {
	kamailio_with
	local code user pattern
	while read -r code user pattern; do
		member alice invite alice -t tcp "sip:$user@rte.test"
		ends alice 5 "$code"
		failed_with alice "$pattern"
		is 'INVITE INVITE' "$(methods alice sent)"
		has_story alice 'd1 trying (d1 proceeding )?d1 terminated/rejected'
	done <<-'TABLE'
		8 code-486 486
		8 code-603 603
		9 code-480 480
		4 code-410 410
		4 nobody 404
		5 code-500 500
		6 code-604 604
		7 code-403 403
		3 redirect-bob 302
	TABLE
	phone bob bob -t udp --once
	member alice invite alice -t tcp --follow=1 sip:redirect-bob@rte.test
	ends alice 5 0
	ends bob 5 0
	one_dialog alice bob
}

@test "a 100 and nothing more: --timeout bounds it; Retry-After is waited for once" {
	kamailio_with
	member alice invite alice -t tcp -m 1s sip:slow@rte.test
	ends alice 5 14
	member bob invite bob -t tcp sip:retry-503@rte.test
	ends bob 5 5
	is 'retry-after 1000' "$(last bob '.type == "retry"' '[.because, .wait_ms] | join(" ")')"
}

@test "GRUU: a call to it reaches the one instance, not the other phone of the user" {
	kamailio_with
	local instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf7 gruu
	keep alice alice -t tls --outbound --instance=$instance --gruu --methods=INVITE,BYE
	stays alice
	gruu=$(last alice "$active" '.contact[] | select(.own) | .pub_gruu')
	is "sip:alice@rte.test;gr=$instance" "$gruu"
	# it takes no calls, and says so
	phone bob alice -t udp
	contacts_are 2 alice
	member carol invite carol -t tcp "$gruu"
	ends carol 5 4
	failed_with carol '405|501'
	stop bob alice
	is '' "$(methods bob received)"
}
