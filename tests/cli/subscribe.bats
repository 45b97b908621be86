#!/usr/bin/env bats
# tests/cli/subscribe.bats -- rte subscribe: what a user can type, how it ends, what it prints. Foreign notifiers are in
# tests/interop.

load helper

setup() {
	fresh_home
	orders=$BATS_TEST_TMPDIR/orders
}
teardown() {
	reap_all
	silent_stop
}

# order TEXT: the server carries it out
order() {
	echo "$1" >"$orders"
	wait_for 5 grep -q "^control     $1\$" "$BATS_TEST_TMPDIR/serve.out"
}

@test "usage" {
	while IFS='|' read -r pattern options; do
		# shellcheck disable=SC2086
		rte subscribe $options
		usage_error "$pattern"
	done <<-'TABLE'
		--event: say which package|sip:bob@127.0.0.1
		URI: name somebody, or --each=FILE|-e presence
		--event: the value is empty|-e= sip:bob@127.0.0.1
		"pre,sence" is not an event package|-e pre,sence sip:bob@127.0.0.1
		--count: "0" is not a number from 1|-e x -c 0 sip:bob@127.0.0.1
		--for: the time must be more than 0|-e x --for=0 sip:bob@127.0.0.1
		--until: "open" is not one of pending.active.terminated|-e x --until=open sip:bob@127.0.0.1
		--expires: 0 is --fetch|-e x -x 0 sip:bob@127.0.0.1
		--fetch with --count|-e x --fetch -c 1 sip:bob@127.0.0.1
		--fetch with --until|-e x --fetch --until=active sip:bob@127.0.0.1
		--fetch with --expires|-e x --fetch -x 5 sip:bob@127.0.0.1
		--once with --count|-e x --once -c 1 sip:bob@127.0.0.1
		--count with --until|-e x -c 1 --until=active sip:bob@127.0.0.1
		--accept: |-e x --accept=nonsense sip:bob@127.0.0.1
		--type without --data|-e x --type=a/b sip:bob@127.0.0.1
		--data: say its --type|-e x -d body sip:bob@127.0.0.1
		--list with --data|-e x --list -d body --type=a/b sip:bob@127.0.0.1
		--list-uri without --list|-e x --list-uri=sip:l@x sip:bob@127.0.0.1
		--list: say whom to ask|-e x --list sip:bob@127.0.0.1
		"a,b" is not an entity tag|-e x --suppress=a,b sip:bob@127.0.0.1
		is not a SIP URI|-e x sip:
		--p2p with --server|-e x --p2p --server=127.0.0.1 sip:bob@127.0.0.1
		--proxy with --server|-e x --proxy=sip:127.0.0.1 --server=127.0.0.1 sip:bob@127.0.0.1
		a peer-to-peer endpoint cannot authenticate|-e x --p2p --user=a sip:bob@127.0.0.1
	TABLE
	rte subscribe -e x --each=/nonexistent/list
	ended_with 20 '--each: /nonexistent/list: No such file'
}

@test "dry run: the first SUBSCRIBE" {
	rte subscribe -n -e 'dialog;call-id=a' -x 10m -a sip:alice@example.com sip:bob@example.com
	ended_with 0
	says '^SUBSCRIBE sip:bob@example\.com SIP/2\.0'
	says '^Event: dialog;call-id=a'
	says '^Expires: 600'
	says '^Accept: application/dialog-info\+xml, multipart/related, application/rlmi\+xml'
	says '^Supported: eventlist'
	says '^Contact: <sip:'
	rte subscribe -n -e presence --fetch --accept=application/pidf+xml --accept=text/plain --suppress='*' -H 'X-A: b' \
		-d '<f/>' --type=application/simple-filter+xml sip:bob@example.com
	says '^Expires: 0'
	says '^Accept: application/pidf\+xml'
	says '^Accept: text/plain'
	says '^Suppress-If-Match: \*'
	says '^X-A: b'
	says '^Content-Type: application/simple-filter\+xml'
	says '^<f/>$'
	rte subscribe -n -e presence --list -a sip:alice@example.com sip:bob@example.com carol@example.com
	says '^SUBSCRIBE sip:example\.com SIP/2\.0'
	says '^Require: recipient-list-subscribe'
	says '^<entry uri="sip:carol@example\.com"/>'
	[ "$(grep -c ^SUBSCRIBE <<<"$output")" = 1 ]
	rte subscribe -n -j -e presence sip:bob@example.com sip:carol@example.com
	ended_with 0
	records
	[ "$(record 'select(.type == "request" and .unsent) | .request_uri')" = $'sip:bob@example.com\nsip:carol@example.com' ]
}

@test "fetch: text and JSON carry the same facts" {
	serve_start
	rte publish --server="$udp" --status=open --activity=busy --note='gone fishing' sip:alice@test.invalid
	ended_with 0
	rte subscribe --server="$udp" -e presence --fetch sip:alice@test.invalid
	ended_with 0
	says '^notify      sip:alice@test\.invalid  presence  terminated  .*application/pidf\+xml$'
	says '^  entity  sip:alice@test\.invalid$'
	says 'basic open$'
	says 'text gone fishing$'
	says 'busy$'
	rte subscribe -j --server="$udp" -e presence --fetch sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "notify") | .body | .entity, .tuple[0].status.basic, .person[0].note[0].text')" = \
		$'sip:alice@test.invalid\nopen\ngone fishing' ] || what_happened
	[ "$(record 'select(.type == "subscription") | [.state, .cause] | join(" ")')" = 'terminated unsubscribed' ] || what_happened
	rte subscribe --server="$udp" -e presence --fetch --raw sip:alice@test.invalid
	says '^  <\?xml '
	rte subscribe -j --server="$udp" -e presence --fetch --raw sip:alice@test.invalid
	records
	[[ $(record 'select(.type == "notify") | .body') == '<?xml'* ]] || what_happened
}

@test "count: so many notifications, and it unsubscribes" {
	serve_start --control="$orders" --mwi=alice=1/0 -v
	spawn watch subscribe --server="$udp" -e message-summary -c 2 sip:alice@test.invalid
	printed watch 'new 1'
	order 'mwi alice 7/3'
	spawned_ends 0 watch
	printed watch 'new 7  old 3'
	[ "$(grep -c ^notify "$BATS_TEST_TMPDIR/watch.out")" = 2 ]
	printed watch '^terminated  sip:alice@test\.invalid  message-summary  unsubscribed'
	[ "$(grep -c 'SUBSCRIBE sip:' "$BATS_TEST_TMPDIR/serve.err")" -ge 2 ]
}

@test "until a signal: exit 0 when it was subscribed, 128 + n before" {
	serve_start
	spawn watch subscribe --server="$tcp" -t tcp -e presence sip:alice@test.invalid
	printed watch '^notify '
	kill -INT "$spawned"
	spawned_ends 0 watch
	printed watch '^terminated .* unsubscribed'
	silent_start
	spawn watch subscribe --server="127.0.0.1:$silent" -e presence sip:alice@test.invalid
	wait_for 5 catches_signals "$spawned"
	kill -TERM "$spawned"
	spawned_ends 143 watch
}

@test "for: an end by itself, and a limit for what was to come" {
	serve_start
	rte subscribe --server="$udp" -e presence --for=200ms sip:alice@test.invalid
	ended_with 0
	says '^subscribed '
	rte subscribe --server="$udp" -e presence -c 2 --for=200ms sip:alice@test.invalid
	ended_with 14 '1 of 2 notifications within --for=200ms$'
	rte subscribe --server="$udp" -e presence --until=pending --for=200ms sip:alice@test.invalid
	ended_with 14 'not pending within --for=200ms$'
	silent_start
	rte subscribe --server="127.0.0.1:$silent" -e presence --for=200ms sip:alice@test.invalid
	ended_with 14 '0 of 1 subscribed at the end of --for=200ms$'
	# one of two that is silent is a failure
	rte subscribe -j --p2p -e presence --for=300ms "sip:alice@$udp" "sip:bob@127.0.0.1:$silent"
	ended_with 14
	records
	[ "$(record 'select(.type == "error") | .detail')" = '1 of 2 subscribed at the end of --for=300ms' ] || what_happened
	rte subscribe --p2p -e presence --fetch --for=300ms "sip:alice@$udp" "sip:bob@127.0.0.1:$silent"
	ended_with 14 '1 of 2 subscribed'
}

@test "until: a state" {
	serve_start --control="$orders"
	rte subscribe --server="$udp" -e presence --until=active sip:alice@test.invalid sip:bob@test.invalid
	ended_with 0
	spawn watch subscribe --server="$udp" -e presence --until=terminated sip:alice@test.invalid
	printed watch '^notify '
	order 'terminate alice presence noresource'
	spawned_ends 0 watch
	# who has failed is not waited for, and gives the code
	rte subscribe --server="$udp" -e presence --until=active --max-time=10s sip:403@test.invalid sip:alice@test.invalid
	ended_with 4 'sip:403@test\.invalid: 403'
}

@test "the notifier ends it: for good, or it is subscribed anew" {
	serve_start --control="$orders"
	spawn watch subscribe --server="$udp" -e presence sip:alice@test.invalid
	printed watch '^notify '
	order 'terminate alice presence deactivated'
	printed watch '^terminated .* ended  reason deactivated'
	wait_for 10 eval '[ "$(grep -c ^subscribed "$BATS_TEST_TMPDIR/watch.out")" = 2 ]'
	order 'terminate alice presence rejected'
	spawned_ends 18 watch 'rte: subscribe sip:alice@test\.invalid: the notifier ended the subscription'
	printed watch '^terminated .* ended  reason rejected'
	spawn watch subscribe --no-resubscribe --server="$udp" -e presence sip:alice@test.invalid
	printed watch '^notify '
	order 'terminate alice presence deactivated'
	spawned_ends 18 watch
}

@test "a refusal names what is known; the first failure gives the code" {
	serve_start
	rte subscribe --server="$udp" -e nonsense sip:alice@test.invalid
	ended_with 4 ': 489 Bad Event$'
	notes '^  allow-events    .*presence'
	rte subscribe -j --server="$udp" -e nonsense sip:alice@test.invalid
	records
	[[ $(record 'select(.type == "error") | .allow_events') == *presence* ]] || what_happened
	rte subscribe --server="$udp" -e presence --for=300ms sip:alice@test.invalid sip:503@test.invalid
	ended_with 5 'sip:503@test\.invalid: 503'
	says '^subscribed  sip:alice@test\.invalid'
	rte subscribe -e presence sip:bob@127.0.0.1:1
	ended_with 11 'connection refused$'
	silent_start
	rte subscribe --timeout=200ms --server="127.0.0.1:$silent" -e presence sip:bob@test.invalid
	ended_with 14 'no response'
}

@test "many: one process, one flow; --each, --list" {
	serve_start
	printf '%s\n' '# staff' sip:alice@test.invalid '' sip:bob@test.invalid >"$HOME/list"
	rte subscribe -j --server="$tcp" -t tcp -e presence -c 3 --each="$HOME/list" sip:carol@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "notify") | .uri' | sort | paste -sd ' ')" = \
		'sip:alice@test.invalid sip:bob@test.invalid sip:carol@test.invalid' ] || what_happened
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 1 ] || what_happened
	rte subscribe -j --server="$udp" -e presence --list --once --list-uri=sip:test.invalid sip:alice@test.invalid sip:bob@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "notify") | .body.resource[].uri' | sort | paste -sd ' ')" = \
		'sip:alice@test.invalid sip:bob@test.invalid' ] || what_happened
}

@test "register first, in the same process" {
	export PW=pw-alice
	serve_start --add-user=alice:env:PW
	rte subscribe -j --register -t tcp --server="$tcp" -a sip:alice@test.invalid --user=alice --password=env:PW -e reg --once \
		sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "registration") | .cause' | paste -sd ' ')" = 'registered unregistered' ] || what_happened
	[ "$(record 'select(.type == "notify") | .body.registration[0].state')" = active ] || what_happened
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 1 ] || what_happened
}

@test "checks look at the notifications" {
	serve_start
	rte publish --server="$udp" --status=open sip:alice@test.invalid
	rte subscribe --server="$udp" -e presence --fetch --expect-body='<basic>open' sip:alice@test.invalid
	ended_with 0
	says '^passed      expect-body'
	rte subscribe --server="$udp" -e presence --once --expect-body='<basic>closed' sip:alice@test.invalid
	ended_with 17
	rte subscribe --server="$udp" -e presence --once --expect-header='Event: presence' sip:alice@test.invalid
	ended_with 0
	rte subscribe --server="$udp" -e nonsense --expect=489 sip:alice@test.invalid
	ended_with 0
}

@test "a connection that is lost is made anew, and the subscription is refreshed" {
	serve_start --control="$orders"
	rte register --server="$tcp" -t tcp sip:alice@test.invalid
	spawn watch subscribe -j --register -t tcp --server="$tcp" -a sip:carol@test.invalid -e presence sip:alice@test.invalid
	printed watch '"type":"notify"'
	order 'drop carol'
	printed watch '"type":"disconnected"'
	printed watch '"cause":"refreshed".*"type":"subscription"'
	kill "$spawned"
	spawned_ends 0 watch
	check_records <"$BATS_TEST_TMPDIR/watch.out"
}

@test "a server that is away is tried again, and that is said; then exit 19" {
	serve_start
	spawn watch subscribe --server="$tcp" -t tcp -e presence --retry-max-time=3s sip:alice@test.invalid
	printed watch '^notify '
	kill -KILL "$serve"
	spawned_ends 19 watch 'the subscription was lost: .*connection refused$'
	# reset, if the answer to the NOTIFY was on its way
	printed watch '^trying      sip:alice@test\.invalid  now  .*(connection refused|connection reset by peer)$'
	printed watch '^trying      sip:alice@test\.invalid  in [0-9]\.[0-9] s  '
	printed watch '^terminated  sip:alice@test\.invalid  presence  lost$'
	# a JSON reader has the same
	serve_start
	spawn watch subscribe -j --server="$tcp" -t tcp -e presence --retry-max-time=1s sip:alice@test.invalid
	printed watch '"type":"notify"'
	kill -KILL "$serve"
	spawned_ends 19 watch
	check_records <"$BATS_TEST_TMPDIR/watch.out"
	[ "$(jq -s '[.[] | select(.type == "retry")] | length' "$BATS_TEST_TMPDIR/watch.out")" -ge 1 ]
}

@test "a closed pipe, a full disk" {
	serve_start
	rte subscribe --server="$udp" -e presence --once -o /dev/full sip:alice@test.invalid
	ended_with 20
	# the reader may go before or after the last line: it ends by itself in either case
	captured bash -c '"$0" subscribe --server="$1" -e presence --for=1s sip:alice@test.invalid | head -n 1' "$RTE" "$udp"
	[ "$status" = 0 ]
	[[ $output == subscribed* ]] || what_happened
}
