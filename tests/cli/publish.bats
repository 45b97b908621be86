#!/usr/bin/env bats
# tests/cli/publish.bats -- rte publish: what a user can type, how it ends, what it prints. Foreign servers are in tests/interop.

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
	silent_stop
}

@test "usage" {
	while IFS='|' read -r pattern options; do
		# shellcheck disable=SC2086
		rte publish $options sip:alice@127.0.0.1:1
		usage_error "$pattern"
	done <<-'TABLE'
		there is nothing to publish|-v
		--status: "maybe" is not one of closed.open|--status=maybe
		--expires: 0 removes it|--status=open -x 0
		--remove: say what with --if-match|--remove
		--remove with a state to publish|--remove --if-match=a --status=open
		--remove with --keep|--remove --if-match=a --keep
		--leave without --keep|--status=open --leave
		--status: it is presence, not dialog|-e dialog --status=open
		--note: it is presence, not dialog|-e dialog --note=x
		--data with --status|--status=open -d x --type=a/b
		--data: say its --type|-d x
		--type without --data|--type=a/b --status=open
		"a,b" is not an entity tag|--if-match=a,b
		--p2p: publish needs a server|--p2p --status=open
		--proxy: publish uses --server|--proxy=sip:127.0.0.1 --status=open
	TABLE
	rte publish --status=open
	usage_error 'missing argument: AOR'
}

@test "dry run: presence is made of the options" {
	rte publish -n --status=closed --activity=on-the-phone --note='a < b & "c"' sip:alice@example.com
	ended_with 0
	says '^PUBLISH sip:alice@example\.com SIP/2\.0'
	says '^Event: presence'
	says '^Expires: 3600'
	says '^Content-Type: application/pidf\+xml'
	says '<basic>closed</basic>'
	says '<rpid:on-the-phone/>'
	says '<dm:note>a &lt; b &amp; &quot;c&quot;</dm:note>'
	sed '1,/^.\?$/d' <<<"$output" >"$HOME/body.xml"
	need xmllint
	xmllint --noout "$HOME/body.xml"
	rte publish -n --activity='juggling <knives>' sip:alice@example.com
	says '<rpid:other>juggling &lt;knives&gt;</rpid:other>'
	rte publish -n --if-match=tag sip:alice@example.com
	says '^SIP-If-Match: tag'
	says '^Content-Length: 0'
	rte publish -n --if-match=tag --remove sip:alice@example.com
	says '^Expires: 0'
	rte publish -n -j -e dialog -d '<x/>' --type=application/dialog-info+xml sip:alice@example.com
	ended_with 0
	records
}

@test "publish, change, refresh, remove; a tag that is gone" {
	local etag
	serve_start
	rte publish --server="$udp" --status=open sip:alice@test.invalid
	ended_with 0
	says '^published   sip:alice@test\.invalid  presence  200 OK  expires 3600  etag [^ ]+$'
	etag=$(sed -n 's/^published.*etag //p' <<<"$output")
	rte publish -j --server="$udp" --status=closed --if-match="$etag" sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "publication") | [.state, .cause, .expires, .event, .aor] | join(" ")')" = \
		'active modified 3600 presence sip:alice@test.invalid' ] || what_happened
	etag=$(record 'select(.type == "publication").sip_etag')
	rte subscribe --server="$udp" -e presence --fetch sip:alice@test.invalid
	says 'basic closed$'
	rte publish --server="$udp" --if-match="$etag" -x 10m sip:alice@test.invalid
	ended_with 0
	says '^refreshed   .*expires 600'
	etag=$(sed -n 's/^refreshed.*etag //p' <<<"$output")
	rte publish --server="$udp" --remove --if-match="$etag" sip:alice@test.invalid
	ended_with 0
	says '^removed     sip:alice@test\.invalid  presence  200 OK'
	rte publish --server="$udp" --remove --if-match="$etag" sip:alice@test.invalid
	ended_with 4 ': 412 '
	[ -z "$output" ] || what_happened
	rte publish --server="$udp" --status=open --if-match="$etag" sip:alice@test.invalid
	ended_with 4 ': 412 '
	rte publish --server="$udp" -e nonsense -d x --type=text/plain sip:alice@test.invalid
	ended_with 4 ': 489 '
	notes '^  allow-events    .*presence'
}

@test "keep: it is removed at the end, unless --leave" {
	serve_start
	spawn keep publish --keep --server="$tcp" -t tcp --status=open sip:alice@test.invalid
	printed keep '^published '
	rte subscribe --server="$udp" -e presence --fetch sip:alice@test.invalid
	says 'basic open$'
	kill "$spawned"
	spawned_ends 0 keep
	printed keep '^removed '
	rte subscribe --server="$udp" -e presence --fetch sip:alice@test.invalid
	says 'basic closed$'
	spawn keep publish --keep --leave --server="$tcp" -t tcp --status=open sip:alice@test.invalid
	printed keep '^published '
	kill -INT "$spawned"
	spawned_ends 0 keep
	rte subscribe --server="$udp" -e presence --fetch sip:alice@test.invalid
	says 'basic open$'
}

@test "keep: published anew when the server has forgotten it" {
	serve_start --min-expires=1
	local address=$udp
	spawn keep publish -j --keep -x 2 --server="$address" --timeout=1s --status=open sip:alice@test.invalid
	local kept=$spawned
	printed keep '"cause":"published"'
	serve_end
	serve_start --min-expires=1 --listen="udp:$address"
	printed keep '"cause":"republished"'
	kill "$kept"
	spawned_ends 0 keep
	check_records <"$BATS_TEST_TMPDIR/keep.out"
}

@test "failures: nobody there, silence, forbidden, a password that is wrong" {
	export PW=pw-alice
	rte publish --status=open sip:alice@127.0.0.1:1
	ended_with 11 'connection refused$'
	silent_start
	rte publish --timeout=200ms --server="127.0.0.1:$silent" --status=open sip:alice@test.invalid
	ended_with 14 'no response'
	serve_start --add-user=alice:env:PW --add-user=bob:env:PW
	rte publish --server="$udp" --status=open sip:alice@test.invalid
	ended_with 22
	PW=wrong rte publish --server="$udp" --user=alice --password=env:PW --status=open sip:alice@test.invalid
	ended_with 7
	rte publish --server="$udp" --user=bob --password=env:PW --status=open sip:alice@test.invalid
	ended_with 7 '403'
	rte publish --server="$udp" --user=alice --password=env:PW --status=open sip:alice@test.invalid
	ended_with 0
}

@test "register first, in the same process" {
	export PW=pw-alice
	serve_start --add-user=alice:env:PW
	rte publish -j --register -t tcp --server="$tcp" --user=alice --password=env:PW --status=open sip:alice@test.invalid
	ended_with 0
	records
	[ "$(record 'select(.type == "registration" or .type == "publication") | .cause' | paste -sd ' ')" = \
		'registered published unregistered' ] || what_happened
	[ "$(record 'select(.type == "connected") | .type' | wc -l)" = 1 ] || what_happened
}
