#!/usr/bin/env bats
# tests/interop/mutations.bats -- whoever has no keys changes, repeats, withholds and strips what goes between rte and rte serve:
# tests/peers/mutate.c. Each forged message is discarded and counted, and nothing is done because of it.

load security

setup_file() {
	kdc_start
}
setup() {
	security_setup
	scheme=ntlm transport=tcp
}
teardown() {
	security_teardown
}
teardown_file() {
	kdc_stop
}

# between ORDER...: it stands before the server of this test, $at
between() {
	peer_up mutate mutate 0 "$tcp" 120 "$@"
	at=$(peer_at mutate)
}
# discards NAME...: what they say at their end that they have discarded, all together
discards() {
	local name
	for name; do
		records "$name" '.type == "end"'
	done | jq -s 'map(.discarded // 0) | add'
}
# nothing_done NAME...: no record of them knows of anything forged (mutate.c leaves its mark where no signature reaches); the
# server has told of requests that it then challenged, and of nothing that came of them
nothing_done() {
	local name marks='test("mutant|mallory"; "i")'
	for name in "$@" serve.out; do
		! records "$name" '.type != "discarded"' |
			jq -ec --arg name "$name" "select((.type == \"request\" and \$name == \"serve.out\") | not) | select(tostring | $marks)" || {
			echo "$name acted on something forged"
			return 1
		}
	done
}
# server_discarded N: and it ends
server_discarded() {
	serve_end || true
	is "$1" "$(jq -R 'fromjson? | select(.type == "end") | .discarded // 0' "$served")"
	is "$1" "$(jq -cR 'fromjson? | select(.type == "discarded")' "$served" | wc -l)"
}
received() { # NAME METHOD
	records "$1" ".type == \"request\" and .direction == \"received\" and .method == \"$2\"" | wc -l
}

# day: a registration and its refresh, a message, a subscription and its refresh, a call
day() {
	secured bob listen bob $(as bob) --register --max-time=2m
	secured alice register alice --keep -x 3 sip:alice@rte.test
	stays bob alice
	secured watch subscribe alice $(as alice) --register -e presence -x 3 sip:bob@rte.test
	secured note message carol $(as carol) --register -d 'Watson, come here.' sip:bob@rte.test
	ends note 8 0
	comes 5 bob 1 '.type == "message" and .direction == "received"'
	secured call invite carol $(as carol) --register --duration=200ms sip:bob@rte.test
	ends call 8 0
	comes 5 bob 1 "$terminated"
	comes 8 alice 1 '.type == "registration" and .cause == "refreshed"'
	comes 8 watch 1 '.type == "subscription" and .cause == "refreshed"'
	stop watch alice bob
}
# as_ever: what came of it is what comes of it without anybody between
as_ever() {
	is 'Watson, come here.' "$(last bob '.type == "message" and .direction == "received"' .body)"
	is '1 1 1 1' "$(received bob MESSAGE) $(received bob INVITE) $(received bob ACK) $(received bob BYE)"
	one_dialog call bob
	nothing_done alice bob watch note call
}

# forged_day SCHEME: before each signed message, in either direction, copies of it: in each another byte of another field
forged_day() {
	scheme=$1
	server "$1" --min-expires=1s
	between 'copies:out:*' 'copies:in:*'
	day
	peer_down mutate 0
	as_ever
	echo "mutants: $(total mutate mutants)"
	[ "$(total mutate mutants)" -ge 1000 ]
	is 0 "$(total mutate answered)"
	is "$(total mutate in)" "$(discards alice bob watch note call)"
	server_discarded "$(total mutate out)"
}

@test "NTLM: copies with a changed byte in a signed field, everywhere" {
	forged_day ntlm
}
@test "Kerberos: copies with a changed byte in a signed field, everywhere" {
	kerberos
	forged_day kerberos
}

@test "everything twice: a replay is discarded, a request in a transaction of its own, too" {
	server ntlm --min-expires=1s
	between 'replay:out:*' 'replay:in:*'
	day
	peer_down mutate 0
	as_ever
	is 0 "$(total mutate answered)"
	# the copy of the last response may come when its client has gone
	discarded=$(($(discards alice bob watch note call) + $(jq -cR 'fromjson? | select(.type == "discarded")' "$served" | wc -l)))
	within "$(($(total mutate replays) - $(total mutate late)))" "$(total mutate replays)" "$discarded"
	[ "$(total mutate late)" -le 5 ]
}

@test "in another order: both are taken" {
	server ntlm
	between hold:in:MESSAGE
	secured bob listen bob $(as bob) --register --max-time=1m
	stays bob
	at=$tcp
	secured first message alice $(as alice) --register -d first sip:bob@rte.test
	soon mutate held
	secured second message carol $(as carol) --register -d second sip:bob@rte.test
	ends second 5 0
	ends first 5 0
	stop bob
	peer_down mutate 0
	has mutate 1 released
	is 'second first' "$(records bob '.type == "message" and .direction == "received"' | jq -r .body | tr '\n' ' ' | sed 's/ $//')"
	is 0 "$(discards bob first second)"
	server_discarded 0
}

@test "without a signature: ACK and what the server sends are discarded, requests are challenged, nothing is done" {
	server ntlm --min-expires=1s
	between 'stripped:out:*' 'stripped:in:*'
	day
	peer_down mutate 0
	as_ever
	is "$(total mutate in)" "$(discards alice bob watch note call)"
	# every request of ours but the ACK had an answer of the server, a challenge
	is "$(total mutate answered)" "$(lines mutate 'answered [0-9]+ 401')"
	is "$(total mutate answered)" "$(lines mutate 'mutant [0-9]+ >> (REGISTER|MESSAGE|SUBSCRIBE|INVITE|BYE) stripped')"
	server_discarded "$(($(total mutate out) - $(total mutate answered)))"
}

# given_up ORDER...: alice gives up a call that rings at bob's for a second
given_up() {
	server ntlm
	between "$@"
	secured bob listen bob $(as bob) --register --ring=1s --max-time=1m
	stays bob
	secured call invite alice $(as alice) --register --cancel-after=100ms sip:bob@rte.test
	ends call 8 0
	comes 5 bob 1 "$terminated"
	stop bob
	peer_down mutate 0
	nothing_done call bob
}

@test "CANCEL: forged, repeated, unsigned" {
	given_up copies:out:CANCEL copies:in:CANCEL
	is '1 1' "$(received bob INVITE) $(received bob CANCEL)"
	[ "$(total mutate mutants)" -ge 60 ]
	is "$(total mutate in)" "$(discards call bob)"
	server_discarded "$(total mutate out)"
	given_up replay:out:CANCEL replay:in:CANCEL
	is '2 1' "$(total mutate replays) $(discards call bob)"
	server_discarded 1
	given_up stripped:out:CANCEL stripped:in:CANCEL
	is '2 1' "$(total mutate mutants) $(discards call bob)"
	server_discarded 1
}

@test "CANCEL: with nothing but forged ones the call is not cancelled" {
	given_up copies:out:CANCEL stripped:out:CANCEL swallow:out:CANCEL
	is '0 1 1' "$(received bob CANCEL) $(received bob ACK) $(received bob BYE)"
	server_discarded "$(total mutate out)"
	given_up copies:in:CANCEL stripped:in:CANCEL swallow:in:CANCEL
	is 0 "$(received bob CANCEL)"
	is "$(total mutate in)" "$(discards call bob)"
}

@test "in the place of the message: one byte of the answer to a token, of every field, is the end" {
	local field
	server ntlm
	for field in from-uri from-tag to-uri to-tag call-id cseq-number expires realm targetname rand number signature; do
		between "flip:in:200.REGISTER:$field"
		secured "$field" register alice --timeout=2s sip:alice@rte.test
		# another Call-ID: nobody's answer; another realm or target: nobody's association
		ends "$field" 5 "$([[ $field == @(call-id|realm|targetname) ]] && echo 14 || echo 7)"
		has mutate 1 flipped
		peer_down mutate 0
	done
	serve_end
}
