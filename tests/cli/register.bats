#!/usr/bin/env bats
# tests/cli/register.bats -- rte register against rte serve and scripted peers; Kamailio is in tests/interop

load helper

setup() {
	fresh_home
	export PW=pw-alice
}
teardown() {
	reap_all
}

# server ARG...: rte serve with the user alice
server() {
	serve_start --add-user=alice:env:PW "$@"
}
register() {
	rte register --server="$udp" --password=env:PW "$@" sip:alice@test.invalid
}
# bindings: the Contact URIs that a query shows
bindings() {
	register --query --json
	[ "$status" = 0 ] || what_happened
	record 'select(.type == "registration") | .contact // [] | .[].uri'
}

@test "an address of record without a user: what --dry-run prints can be parsed" {
	rte register -n -o "$HOME/message" sip:example.com
	ended_with 0
	rte parse "$HOME/message"
	ended_with 0
}

@test "one shot: the lines, and the note that nobody will answer" {
	server
	register
	ended_with 0
	says '^registered  sip:alice@test\.invalid  200 OK  expires 3600$'
	says '^  contact   sip:alice@127\.0\.0\.1:[0-9]+  expires 3600$'
	says "^  via       udp $udp  auth Digest SHA-512-256 realm test\.invalid$"
	says '^  time      total [0-9.]+ ms$'
	says '^  note      .*--keep'
	[ -z "$stderr" ] || what_happened
	register --json
	records
	[ "$(record 'select(.type == "end") | .reachable')" = false ]
	[ "$(record 'select(.type == "registration") | [.state, .cause, .expires, (.contact | length)] | @csv')" = \
		'"active","registered",3600,2' ] || what_happened
	[ "$(record 'select(.type == "auth") | [.scheme, .chosen, .user, .source] | join(" ")')" = 'digest sha-512-256 alice env' ]
}

@test "over TCP and TLS, which is named with version and times" {
	server --tls-auto
	rte register -t tcp --server="$tcp" --password=env:PW sip:alice@test.invalid
	says "^  via       tcp $tcp  auth"
	rte register -t tls --cacert="$ca" --server="$tls" --password=env:PW sip:alice@test.invalid
	ended_with 0
	says '^  contact   sip:alice@.*;transport=tls'
	says "^  via       tls $tls  TLSv1\.3  auth"
	says '^  time      .*tls [0-9.]+ ms  total'
	rte register -j -t tls --cacert="$ca" --server="$tls" --password=env:PW sip:alice@test.invalid
	records
	[ "$(record 'select(.type == "connected") | [.tls.version, .tls.verified, .tls.identity] | join(" ")')" = \
		'TLSv1.3 true IP:127.0.0.1' ] || what_happened
	[ "$(record 'select(.type == "end") | .time_ms.tls > 0')" = true ]
}

@test "--expires; 423 is repeated once with what the server wants" {
	server --min-expires=100 --max-expires=500
	register -x 200
	says 'expires 200$'
	register --expires=10m
	says 'expires 500$'
	register -j -x 5
	records
	[ "$(record 'select(.type == "response") | .status_code' | tr '\n' ' ')" = '401 423 200 ' ] || what_happened
	[ "$(record 'select(.type == "registration") | .expires')" = 100 ]
	register -x 0
	usage_error '--expires: 0 would remove'
}

@test "query, remove, remove all" {
	server
	[ -z "$(bindings)" ]
	register --query
	says '^unregistered  sip:alice@test\.invalid  200 OK$'
	register --contact=sip:one@192.0.2.1 --contact='sip:two@192.0.2.2;transport=tcp' --q=0.5 -x 100
	ended_with 0
	says '^  contact   sip:one@192\.0\.2\.1  expires 100  q 0\.5$'
	! grep -q keep <<<"$output" || what_happened
	register
	[ "$(bindings | wc -l)" = 3 ]
	register --remove --contact=sip:one@192.0.2.1
	ended_with 0
	says '^unregistered'
	[ "$(bindings | wc -l)" = 2 ]
	register --remove # what this host has made
	ended_with 0
	[ "$(bindings)" = 'sip:two@192.0.2.2;transport=tcp' ]
	register --remove-all
	ended_with 0
	says '^unregistered'
	[ -z "$(bindings)" ]
}

@test "--keep refreshes, and removes the binding at the end; --leave leaves it" {
	server --min-expires=1
	spawn keep register --keep -x 2 --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '^refreshed   sip:alice@test\.invalid  200 OK  expires 2$'
	! grep -q 'use --keep' "$BATS_TEST_TMPDIR/keep.out" || false
	kill -INT "$spawned"
	spawned_ends 0 keep
	printed keep '^unregistered'
	[ -z "$(bindings)" ]
	spawn keep register --keep --leave -j --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '"registration"'
	kill -TERM "$spawned"
	spawned_ends 0 keep
	check_records <"$BATS_TEST_TMPDIR/keep.out"
	[ "$(bindings | wc -l)" = 1 ]
}

@test "--keep --max-time ends in order" {
	server
	register --keep --max-time=500ms
	ended_with 0
	says '^unregistered'
	[ -z "$(bindings)" ]
}

@test "--keep: a connection that drops is made anew" {
	server --control="$BATS_TEST_TMPDIR/orders"
	spawn keep register --keep -t tcp --server="$tcp" --password=env:PW sip:alice@test.invalid
	printed keep '^registered'
	echo 'drop alice' >"$BATS_TEST_TMPDIR/orders"
	printed keep '^refreshed'
	printed keep "^dropped     tcp $tcp  closed by the peer$"
	kill "$spawned"
	spawned_ends 0 keep
}

@test "--keep: a removal that fails is told" {
	server
	spawn keep register --keep --timeout=1s --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '^registered'
	kill -STOP "$serve"
	kill "$spawned"
	spawned_ends 0 keep
	kill -CONT "$serve"
	grep -Eq 'warning: the (orderly end|binding)|cut short' "$BATS_TEST_TMPDIR/keep.err" || {
		cat "$BATS_TEST_TMPDIR/keep.err"
		false
	}
}

@test "outbound: instance, reg-ids, and the server's word for it; GRUU" {
	server
	register --outbound --gruu -t tcp --server="$tcp" --instance=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6
	ended_with 0
	says 'reg-id 1  instance urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6  gruu sip:alice@test\.invalid;gr=urn:uuid:f81d4fae'
	register --outbound --reg-id=3 --reg-id=4 -j
	records
	[ "$(record 'select(.type == "registration") | [.reg_id, .outbound] | join(" ")' | sort | tr '\n' ' ')" = '3 true 4 true ' ] ||
		what_happened
	register --outbound --reg-id=1 --reg-id=1
	usage_error '--reg-id: 1 stands there twice'
	register --outbound --reg-id=0
	usage_error '--reg-id: "0" is not a number from 1'
	register --outbound --reg-id=1 --reg-id=2 --reg-id=3 --reg-id=4 --reg-id=5
	ended_with 2 'at most 4 reg-ids'
}

@test "--instance=auto keeps one URN" {
	server
	for i in 1 2; do
		register --instance=auto --query
		ended_with 0
		urn=$(cat "$XDG_STATE_HOME/rte/instance")
		[ "${first:=$urn}" = "$urn" ]
	done
	grep -Eqx 'urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' <<<"$urn"
	register --instance=auto
	says "instance $urn"
	register --gruu # needs one, so it takes it
	says "gruu sip:alice@test\.invalid;gr=$urn"
	echo nonsense >"$XDG_STATE_HOME/rte/instance"
	register --instance=auto
	ended_with 20 'rte/instance: it holds no URN'
	register --instance=nonsense
	usage_error '--instance: "nonsense" is neither a URN nor auto'
}

@test "what stands in the request" {
	reg() {
		rte register -n "$@" sip:alice@example.com
		ended_with 0
	}
	reg --methods=INVITE,BYE --q=0.7 --contact=';+sip.audio' --path=sip:p.example.com --push=acme,canary-prid,x1
	says '^REGISTER sip:example\.com SIP/2\.0$'
	says '^Contact: <sip:alice@[^>]*;pn-provider=acme;pn-prid=<masked>;pn-param=x1>;q=0\.7.*;methods="INVITE,BYE";\+sip\.audio$'
	says '^Path: <sip:p\.example\.com>$'
	! grep -q canary-prid <<<"$output" || what_happened
	reg --third-party=sip:secretary@example.com
	says '^From: <sip:secretary@example\.com>;tag='
	says '^To: <sip:alice@example\.com>$'
	reg --query
	! grep -q '^Contact' <<<"$output" || what_happened
	reg --remove-all
	says '^Contact: \*$'
	says '^Expires: 0$'
	reg --json
	records
	[ "$(record 'select(.type == "request") | [.unsent, .method, .request_uri, (.raw | startswith("REGISTER "))] | join(" ")')" = \
		'true REGISTER sip:example.com true' ] || what_happened
	reg -a sip:nobody@example.com --display-name=Alice
	says '^From: .?Alice.? <sip:alice@example\.com>'
}

@test "what does not go together" {
	while read -r pattern options; do
		# shellcheck disable=SC2086
		rte register $options sip:alice@example.com
		usage_error "${pattern//_/ }"
	done <<-'TABLE'
		--query_with_--remove --query --remove
		--remove_with_--remove-all --remove --remove-all
		--query_with_--keep --query --keep
		--remove_with_--expires --remove -x 60
		--leave_without_--keep --leave
		--keepalive_without_--keep --keepalive=crlf
		--reg-id_without_--outbound --reg-id=1
		--query_with_--contact --query --contact=sip:a@b
		--keepalive:_"x"_is_not_one_of --keep --keepalive=x
		--keepalive:_the_time --keep --keepalive=crlf,0
		--q:_"1.5" --q=1.5
		--push:_not_PROVIDER --push=canary
		--push:_not_PROVIDER --push=a,b,c,d
		--methods:_not_a_list --methods=INVITE;BYE
		--path: --path=sip:
		--contact: --contact=sip:a@b@c
		--p2p:_register_needs_a_server --p2p
	TABLE
}

@test "the keep-alive of --keep" {
	server
	spawn keep register --keep --keepalive=options,1s -j --server="$udp" --password=env:PW sip:alice@test.invalid
	printed keep '"method":"OPTIONS".*"type":"response"'
	kill "$spawned"
	spawned_ends 0 keep
	check_records <"$BATS_TEST_TMPDIR/keep.out"
}

@test "a service route and a path are shown" {
	server --service-route='sip:orig@127.0.0.1;lr'
	register --path='sip:edge.example.com;lr'
	says '^  path      <sip:edge\.example\.com;lr>$'
	says '^  route     <sip:orig@127\.0\.0\.1;lr>$'
	register -j
	[ "$(record 'select(.type == "registration") | .service_route[0]')" = '<sip:orig@127.0.0.1;lr>' ] || what_happened
}

@test "a binding that another one has made is shown as such" {
	server
	register --contact=sip:desk@192.0.2.7
	register
	says '^  other     sip:desk@192\.0\.2\.7'
	register -j
	[ "$(record 'select(.type == "registration") | [.contact[] | select(.own)] | length')" = 1 ] || what_happened
}

@test "a time-out of an endpoint that listens on TLS says what may be the cause" {
	# reference row SE-12, ruling 30: a server that does not trust this host just does not answer
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
		-keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	serve_start --auth=none --reply='REGISTER=0'
	rte register --server="$udp" --timeout=300ms --listen=tls:127.0.0.1:0 --cert="$BATS_TEST_TMPDIR/cert.pem" \
		--key="$BATS_TEST_TMPDIR/key.pem" sip:alice@test.invalid
	ended_with 14 'the server may not trust this host, which listens on TLS'
	rte register --server="$udp" --timeout=300ms sip:alice@test.invalid
	ended_with 14 'no response'
	[[ $stderr != *trust* ]] || what_happened
}
