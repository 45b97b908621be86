#!/usr/bin/env bats
# tests/interop/presence_kamailio.bats -- rte subscribe and rte publish at Kamailio's presence server (presence.cfg.in): what one
# publishes the other sees, and the server's own tables say the same

load pair

setup() {
	client_home
	cd "$BATS_TEST_TMPDIR"
}
teardown() {
	kept_stop
}
teardown_file() {
	rigs_stop
}

# watch NAME USER ARG...: USER subscribes, in the background, and has the first notification
watch() {
	local name=$1 user=$2
	shift 2
	member "$name" subscribe "$user" "$@"
	comes 5 "$name" 1 "$notify"
}
# publish USER ARG...: in the foreground
publish() {
	local user=$1
	shift
	SECRET=${secret:-pw-$user} rte publish --json --server="${at:-127.0.0.1}" --cacert="$RTE_PKI/ca.pem" --password=env:SECRET \
		"$@" "sip:$user@rte.test"
}
# fetch USER ARG...
fetch() {
	local user=$1
	shift
	SECRET=${secret:-pw-$user} rte subscribe --json --fetch --server="${at:-127.0.0.1}" --cacert="$RTE_PKI/ca.pem" \
		--password=env:SECRET -a "sip:$user@rte.test" "$@"
}
notify='.type == "notify"'
subscribed='.type == "subscription" and .cause == "subscribed"'
refreshed='.cause == "refreshed"'
etag() {
	record 'select(.type == "publication") | .sip_etag'
}
# watchers_are N URI [EVENT]: so many subscriptions to URI are in the server's table
watchers_are() {
	[ "$(kamailio table active_watchers presentity_uri event | grep -cFx "$2 ${3:-presence}")" = "$1" ]
}
# states_are N USER [EVENT]: so many publications of USER are
states_are() {
	[ "$(kamailio table presentity username event | grep -cFx "$2 ${3:-presence}")" = "$1" ]
}
# state_tag USER: the entity tag of the only one
state_tag() {
	kamailio table presentity username etag | sed -n "s/^$1 //p"
}
basic() { # STATUS: a notify record with that status in it
	echo "$notify and ([.body | .. | objects | .basic? // empty] == [\"$1\"])"
}

presence_story() {
	local t=$1 w=bob-$1 p=alice-$1
	watch "$w" "$w" -t "$t" -e presence "sip:$p@rte.test"
	watchers_are 1 "sip:$p@rte.test"
	publish "$p" -t "$t" --status=open -x 600
	exits 0
	is "active published 600" "$(record 'select(.type == "publication") | .state, .cause, .expires' | tr '\n' ' ' | sed 's/ $//')"
	states_are 1 "$p"
	is "$(etag)" "$(state_tag "$p")"
	comes 5 "$w" 1 "$(basic open)"
	publish "$p" -t "$t" --if-match="$(etag)" --status=closed --note="gone fishing"
	exits 0
	is modified "$(record 'select(.type == "publication") | .cause')"
	comes 5 "$w" 1 "$(basic closed)"
	saw "$w" 1 "$notify and (.body | tojson | test(\"gone fishing\"))"
	publish "$p" -t "$t" --if-match="$(etag)"
	exits 0
	is refreshed "$(record 'select(.type == "publication") | .cause')"
	is "$(etag)" "$(state_tag "$p")"
	fetch "$w" -t "$t" -e presence "sip:$p@rte.test"
	exits 0
	is closed "$(record 'select(.type == "notify") | .body.tuple[0].status.basic')"
	watchers_are 1 "sip:$p@rte.test"
	local before
	before=$(records "$w" "$notify" | wc -l)
	publish "$p" -t "$t" --if-match="$(state_tag "$p")" --remove
	exits 0
	is terminated/removed "$(record 'select(.type == "publication") | .state + "/" + .cause')"
	states_are 0 "$p"
	# the watcher is told of it
	wait_for 5 eval '[ "$(records "$w" "$notify" | wc -l)" -gt "$before" ]'
	stop "$w"
	wait_for 5 watchers_are 0 "sip:$p@rte.test"
	is "terminated unsubscribed" "$(last "$w" '.type == "subscription"' '.state + " " + .cause')"
}

@test "published, seen, modified, seen, refreshed, fetched, removed, unsubscribed: UDP" {
	kamailio_with CFG=presence
	presence_story udp
}
@test "published, seen, modified, seen, refreshed, fetched, removed, unsubscribed: TCP" {
	kamailio_with CFG=presence
	presence_story tcp
}
@test "published, seen, modified, seen, refreshed, fetched, removed, unsubscribed: TLS, SHA-256" {
	kamailio_with CFG=presence ALGORITHM=SHA-256
	presence_story tls
}
@test "over IPv6, TCP" {
	kamailio_with CFG=presence
	at='[::1]'
	presence_story tcp
}

@test "presence.winfo: who watches comes and goes, and the partial documents make a whole" {
	kamailio_with CFG=presence
	watch winfo carol -t tcp -e presence.winfo sip:carol@rte.test
	watch bob bob -t udp -e presence sip:carol@rte.test
	comes 5 winfo 1 "$notify and (tojson | test(\"sip:bob@rte.test\"))"
	watch dave dave -t tls -e presence sip:carol@rte.test
	comes 5 winfo 1 "$notify and (tojson | test(\"sip:dave@rte.test\"))"
	stop bob
	# partial or full, as the server likes: without bob, and dave is still there
	comes 5 winfo 1 "$notify and ([(.state // .body) | .. | objects | select(.status? == \"active\") | .uri? // empty] == [\"sip:dave@rte.test\"])"
	stop dave winfo
	wait_for 5 watchers_are 0 sip:carol@rte.test presence.winfo
}

@test "message-summary: published by one, decoded by the other" {
	kamailio_with CFG=presence
	watch bob bob -t tcp -e message-summary sip:alice@rte.test
	printf '%s\r\n' 'Messages-Waiting: yes' 'Message-Account: sip:alice@rte.test' 'Voice-Message: 2/8 (1/2)' >mwi
	publish alice -t tcp -e message-summary -d @mwi --type=application/simple-message-summary
	exits 0
	comes 5 bob 1 "$notify and .body.voice_message.new == 2 and .body.messages_waiting == true"
	publish alice -t tcp -e message-summary --if-match="$(etag)" --remove
	exits 0
	stop bob
}

@test "dialog: published as a document" {
	kamailio_with CFG=presence
	watch bob bob -t udp -e dialog sip:alice@rte.test
	cat >dialog <<-'END'
	<?xml version="1.0"?>
	<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:alice@rte.test">
	<dialog id="as7d900as8" call-id="a84b4c76e66710" direction="initiator"><state>early</state></dialog>
	</dialog-info>
	END
	publish alice -t udp -e dialog -d @dialog --type=application/dialog-info+xml
	exits 0
	comes 5 bob 1 "$notify and .body.dialog[0].state == \"early\""
	stop bob
}

@test "dialog: a call through the server, as the server publishes it" {
	kamailio_with CFG=presence
	watch watcher carol -t tcp -e dialog sip:alice@rte.test
	phone callee bob -t tcp --once
	member caller invite alice -t tcp --duration=1s sip:bob@rte.test
	comes 5 watcher 1 "$notify and ([.body.dialog[]?.state] | index(\"confirmed\"))"
	ends caller 8 0
	ends callee 5 0
	comes 5 watcher 1 "$notify and ([.body.dialog[]?.state] | index(\"terminated\"))"
	stop watcher
}

@test "reg: bindings come and go, as the registrar publishes them (RFC 3680)" {
	kamailio_with CFG=presence
	watch watcher alice -t tcp -e reg sip:alice@rte.test
	keep phone alice -t tcp -x 600
	stays phone
	local contact
	contact=$(last phone "$active" '.contact[] | select(.own) | .uri')
	comes 5 watcher 1 "$notify and ([.body | .. | objects | select(.state? == \"active\") | .uri? // empty] | index(\"$contact\"))"
	stop phone
	comes 5 watcher 1 "$notify and ([.body | .. | objects | select(.state? == \"terminated\") | .uri? // empty] | index(\"$contact\"))"
	stop watcher
}

@test "conference: a document of RFC 4575" {
	kamailio_with CFG=presence
	watch bob bob -t udp -e conference sip:alice@rte.test
	cat >conference <<-'END'
	<?xml version="1.0"?>
	<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:alice@rte.test" state="full" version="1">
	<users><user entity="sip:carol@rte.test"><endpoint entity="sip:carol@192.0.2.1"><status>connected</status></endpoint></user></users>
	</conference-info>
	END
	publish alice -t udp -e conference -d @conference --type=application/conference-info+xml
	exits 0
	comes 5 bob 1 "$notify and (tojson | test(\"sip:carol@192.0.2.1\"))"
	stop bob
}

@test "a package that is not served: 489 to both, exit 4, and Allow-Events is told" {
	kamailio_with CFG=presence
	fetch bob -t udp -e moonlight sip:alice@rte.test
	exits 4 '489'
	publish alice -t udp -e moonlight -d x --type=text/plain
	exits 4 '489'
}

@test "refusals: ghosts, no password, a wrong one, users that always say no" {
	kamailio_with CFG=presence
	fetch ghost -t tcp -e presence sip:alice@rte.test
	exits 7
	secret=wrong fetch bob -t tcp -e presence sip:alice@rte.test
	exits 7
	secret=wrong publish alice -t tcp --status=open
	exits 7
	rte subscribe --json --fetch --server=127.0.0.1 -t udp -a sip:bob@rte.test -e presence sip:alice@rte.test
	exits 22
	fetch bob -t udp -e presence sip:code-603@rte.test
	exits 6
	fetch bob -t udp -e presence sip:code-503@rte.test
	exits 5
	fetch bob -t udp -e presence sip:redirect-alice@rte.test
	exits 3
	fetch bob -t udp --follow=2 -e presence sip:redirect-alice@rte.test
	exits 0
}

@test "423: the server's least is taken, for both" {
	kamailio_with CFG=presence MIN_EXPIRES=120
	watch bob bob -t udp -e presence -x 60 sip:alice@rte.test
	is 120 "$(last bob "$subscribed" .expires)"
	stop bob
	publish alice -t tcp --status=open -x 60
	exits 0
	is 120 "$(record 'select(.type == "publication") | .expires')"
	publish alice -t tcp --if-match="$(etag)" --remove
	exits 0
}

@test "412: an entity tag that the server does not know; --keep publishes anew after a restart" {
	kamailio_with CFG=presence
	publish alice -t udp --if-match=a.1700000000.1.1.0 --status=open
	exits 4 '412'
	for t in udp tcp tls; do
		member "$t" publish "$t" -t "$t" --keep -x 4 --status=open "sip:$t@rte.test"
		comes 5 "$t" 1 '.type == "publication" and .cause == "published"'
		states_are 1 "$t"
	done
	kamailio restart
	for t in udp tcp tls; do
		comes 8 "$t" 1 '.type == "publication" and .cause == "republished"'
		states_are 1 "$t"
		# it may have been refreshed since
		saw "$t" 1 ".sip_etag == \"$(state_tag "$t")\""
	done
	stop udp tcp tls
	for t in udp tcp tls; do
		states_are 0 "$t"
		is removed "$(last "$t" '.type == "publication"' .cause)"
	done
}

@test "the server restarts and knows no subscription: all come back by themselves" {
	kamailio_with CFG=presence
	for t in udp tcp tls; do
		watch "$t" "$t" -t "$t" -e presence -x 4 sip:alice@rte.test
	done
	watch long long -t tcp -e presence -x 3600 sip:alice@rte.test
	kamailio restart
	for t in udp tcp tls long; do
		comes 10 "$t" 2 "$subscribed"
	done
	wait_for 5 watchers_are 4 sip:alice@rte.test
	publish alice -t udp --status=open
	exits 0
	for t in udp tcp tls long; do
		comes 5 "$t" 1 "$(basic open)"
	done
	stop udp tcp tls long
	watchers_are 0 sip:alice@rte.test
}

@test "--register: binding and subscription in one process, over one flow; both are gone at its end" {
	kamailio_with CFG=presence
	watch bob bob --register -t tcp -e presence sip:alice@rte.test
	contacts_are 1 bob
	watchers_are 1 sip:alice@rte.test
	is 1 "$(records bob '.type == "connected"' | wc -l)"
	# the server is lost: registered again first, then the subscription (RG-22)
	kamailio restart
	comes 8 bob 2 "$active"
	comes 8 bob 2 "$subscribed"
	contacts_are 1 bob
	stop bob
	contacts_are 0 bob
	watchers_are 0 sip:alice@rte.test
}

@test "several URIs in one process: each is told by its name, all are gone at the end" {
	kamailio_with CFG=presence
	member many subscribe bob -t tcp -e presence sip:a1@rte.test sip:a2@rte.test sip:a3@rte.test
	comes 5 many 3 "$subscribed"
	is 'sip:a1@rte.test sip:a2@rte.test sip:a3@rte.test ' "$(records many "$subscribed" | jq -r .uri | sort | tr '\n' ' ')"
	is 1 "$(records many '.type == "connected"' | wc -l)"
	publish a2 -t udp --status=open
	exits 0
	comes 5 many 1 "$(basic open) and .uri == \"sip:a2@rte.test\""
	stop many
	for n in 1 2 3; do
		watchers_are 0 "sip:a$n@rte.test"
	done
}

@test "a list of the server's (RFC 4662): the whole, and then what changed" {
	kamailio_with CFG=presence
	watch alice alice -t tcp -e presence sip:friends@rte.test
	publish bob -t udp --status=open
	exits 0
	comes 8 alice 1 "$notify and (.body | tojson | test(\"sip:bob@rte.test\")) and (tojson | test(\"open\"))"
	saw alice 0 '.body_error'
	is 0 "$(records alice '.body_error' | wc -l)"
	stop alice
}

@test "pending: nobody has allowed it" {
	kamailio_with CFG=presence FORCE_ACTIVE=0
	member bob subscribe bob -t udp -e presence --until=pending sip:carol@rte.test
	ends bob 8 0
	is 'pending' "$(last bob "$subscribed" .state)"
}
