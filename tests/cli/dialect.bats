#!/usr/bin/env bats
# tests/cli/dialect.bats -- --dialect=ocs and --epid at the command line, against a scripted home server and `rte serve`

load helper

setup() {
	fresh_home
	reap=()
	trace=$BATS_TEST_TMPDIR/trace
}
teardown() {
	reap_all
}

aor=sip:alice@rte.test
# What a home server says to REGISTER, for 300 seconds.
granted='SIP/2.0 200 OK
Via: {Via}
From: {From}
To: {To};tag=home
Call-ID: {Call-ID}
CSeq: {CSeq}
Contact: {Contact};expires=300
Expires: 300
presence-state: register-action="%s"
Content-Length: 0
'

# home_start: a scripted home server over TCP at $home; its files are in $says (see home.sh)
home_start() {
	need socat ss
	says=$BATS_TEST_TMPDIR/says
	mkdir -p "$says"
	socat -t 10 TCP4-LISTEN:0,bind=127.0.0.1,fork EXEC:"$BATS_TEST_DIRNAME/home.sh $says" 2>/dev/null 3>&- &
	reap+=($!)
	wait_for 5 peer_port $!
	home=127.0.0.1:$(peer_port $!)
}
grant() { # FILE ACTION
	# shellcheck disable=SC2059
	printf "$granted\n" "$2" >"$says/$1"
}
# ocs_start: `rte serve` in that dialect, with an order book at $orders
ocs_start() {
	orders=$BATS_TEST_TMPDIR/orders
	mkfifo "$orders"
	serve_start --dialect=ocs --auth=none --domain=rte.test --tls-auto --add-user=alice:pass:x \
		--add-user=bob:pass:y --control="$orders"
	exec 8<>"$orders"
	ocs=(--dialect=ocs --auth=none -t tcp --server="$tcp")
}
# sent PATTERN, received PATTERN: lines of the trace
sent() {
	grep -Ec -e "^>  $1" "$trace"
}
received() {
	grep -Ec -e "^<  $1" "$trace"
}

@test "where the dialect is possible" {
	rte message --dialect=ocs -d hi sip:bob@rte.test
	usage_error '--dialect: ocs needs a server-based endpoint'
	rte message --dialect=ocs --p2p -d hi sip:bob@rte.test
	usage_error '--dialect: ocs needs a server-based endpoint'
	rte message --dialect=ocs --proxy=sip:h -d hi sip:bob@rte.test
	usage_error '--dialect: ocs needs a server-based endpoint'
	rte register --dialect=ocs -t udp "$aor"
	usage_error '--dialect: ocs goes over tcp or tls'
	rte register --dialect=ocs --outbound "$aor"
	usage_error '--outbound with --dialect=ocs'
	rte register -n --dialect=ocs --server='sip:h;transport=udp' "$aor"
	ended_with 2 'does not go over UDP'
	rte register -n --dialect=lcs "$aor"
	usage_error '--dialect: '
	# in a file it is passed over where it cannot be
	config <<<'dialect = ocs'
	rte message -n -v -d hi sip:bob@192.0.2.1
	ended_with 0 'dialect is not used by a peer-to-peer endpoint'
}

@test "what is sent: the Contact, its instance, no lifetime unless somebody wants one" {
	rte register -n --dialect=ocs --epid=c8ca638a15 "$aor"
	[ "$status" = 0 ] || what_happened
	says '^REGISTER sip:rte.test SIP/2.0'
	says '^Via: SIP/2.0/TLS '
	says '^From: <sip:alice@rte.test>;tag=[a-z0-9]+;epid=c8ca638a15'
	says '^Contact: <sip:local.invalid;ms-opaque=[0-9a-f]{10}>;methods="[^"]*NOTIFY[^"]*";proxy=replace;\+sip.instance="<urn:uuid:34d859db-6585-5f91-a3b4-de853c15347d>"'
	says '^Event: registration'
	says '^ms-keep-alive: UAC;hop-hop=yes'
	[[ $output != *Expires* ]] || what_happened
	rte register -n --dialect=ocs --expires=10m "$aor"
	says '^Expires: 600'
	says 'epid=[0-9a-f]{10}'
	rte message -n --dialect=ocs --register --register-expires=20m -a "$aor" -d hi sip:bob@rte.test
	says '^Expires: 1200'
	# RG-19
	rte register -n --dialect=ocs --supported=ms-forking "$aor"
	says '^Supported: ms-forking'
	# RG-05
	rte register -n --dialect=ocs --methods=INVITE,BYE "$aor"
	ended_with 0 'warning: --methods without NOTIFY'
	says 'methods="INVITE,BYE"'
	rte register -n --dialect=ocs '--methods=INVITE, NOTIFY' "$aor"
	[ -z "$stderr" ] || what_happened
	# the dialect of others stays as it was
	rte register -n --epid=c8ca638a15 "$aor"
	says 'epid=c8ca638a15'
	[[ $output != *instance* && $output != *proxy=replace* ]] || what_happened
}

@test "--epid=auto: one for each AOR, and it stays" {
	for _ in 1 2; do
		rte register -n --epid=auto "$aor"
		[ "$status" = 0 ] || what_happened
		grep -o 'epid=[0-9a-f]*' <<<"$output" >>"$BATS_TEST_TMPDIR/alice"
	done
	[ "$(uniq "$BATS_TEST_TMPDIR/alice" | wc -l)" = 1 ]
	rte register -n --epid=auto sip:bob@rte.test
	! grep -q "$(head -n 1 "$BATS_TEST_TMPDIR/alice")" <<<"$output" || what_happened
	file="$XDG_STATE_HOME/rte/epid/sip%3Aalice@rte.test"
	[ "epid=$(cat "$file")" = "$(head -n 1 "$BATS_TEST_TMPDIR/alice")" ]
	[ "$(stat -c %a "$file")" = 600 ]
	# several at once agree
	rm "$file"
	for i in 1 2 3 4 5 6 7 8; do
		"$RTE" register -n --epid=auto "$aor" >"$BATS_TEST_TMPDIR/$i" 3>&- &
		reap+=($!)
	done
	wait "${reap[@]}"
	[ "$(cat "$BATS_TEST_TMPDIR"/[1-8] | grep -o 'epid=[0-9a-f]*' | sort -u | wc -l)" = 1 ]
	echo 'what is this' >"$file"
	rte register -n --epid=auto "$aor"
	ended_with 20 '--epid: .*it holds no endpoint id'
	rte options -n --epid=auto sip:192.0.2.1
	usage_error '--epid: auto needs --aor'
	rte options -n --epid=12345678901234567 sip:192.0.2.1
	usage_error '--epid: '
}

@test "the endpoint record has dialect and epid; TLS where nobody says otherwise" {
	ocs_start
	rte register -j --dialect=ocs --auth=none --server="$tls" --cacert="$ca" "$aor"
	[ "$status" = 0 ] || what_happened
	records
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "endpoint") | .dialect')" = ocs ]
	epid=$(json <(printf '%s\n' "$output") 'select(.type == "endpoint") | .epid')
	[[ $epid =~ ^[0-9a-f]{10}$ ]]
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "connected") | .tls.version')" = TLSv1.3 ]
	# our binding, with its GRUU
	json <(printf '%s\n' "$output") 'select(.type == "registration") | .contact[] | select(.own) | .pub_gruu' |
		grep -q '^sip:alice@rte.test;opaque=user:epid:.*;gruu$' || what_happened
	rte register -j --epid=abc --auth=none --server="$tcp" -t tcp "$aor"
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "endpoint") | .dialect')" = standard ]
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "endpoint") | .epid')" = abc ]
	# ruling 11: TLS inside of rte serve --, by itself
	rte serve --dialect=ocs --domain=rte.test --tls-auto -- \
		"$RTE" register -v --dialect=ocs "$aor"
	ended_with 0 'RTE_SERVE|tls'
	says ' tls 127.0.0.1'
}

@test "the server ends a registration by NOTIFY: exit 18, and why" {
	ocs_start
	spawn reg register --keep -j "${ocs[@]}" "$aor"
	printed reg '"type":"registration"'
	echo 'deregister alice rejected' >&8
	spawned_ends 18 reg
	check_records <"$BATS_TEST_TMPDIR/reg.out"
	[ "$(json "$BATS_TEST_TMPDIR/reg.out" 'select(.type == "registration" and .state == "terminated") |
		.cause + " \(.ms_diagnostics_id)"')" = 'rejected 4141' ]
	json "$BATS_TEST_TMPDIR/reg.out" 'select(.type == "error") | .detail' | grep -q 'deregistered by the server: rejected.*4141'
	spawn reg register --keep "${ocs[@]}" "$aor"
	printed reg '^registered '
	echo 'deregister alice preferred-registrar-change' >&8
	spawned_ends 18 reg 'deregistered by the server: preferred-registrar-change'
	printed reg '^preferred-registrar-change  *sip:alice@rte.test'
	# --register, too
	spawn sub subscribe --register "${ocs[@]}" -a "$aor" -e presence sip:bob@rte.test
	printed sub '^notify '
	echo 'deregister alice unregistered' >&8
	spawned_ends 18 sub 'deregistered by the server: unregistered'
}

@test "who was moved registers anew, and is back" {
	ocs_start
	spawn reg register --keep "${ocs[@]}" --trace="$trace" "$aor"
	printed reg '^registered '
	echo 'deregister alice deactivated' >&8
	wait_for 10 eval "[ \$(grep -c '^registered ' '$BATS_TEST_TMPDIR/reg.out') = 2 ]"
	printed reg '^deactivated  *sip:alice@rte.test'
	kill -INT "$spawned"
	spawned_ends 0 reg
	[ "$(sed -n 's/^>  Call-ID: //p' "$trace" | sort -u | wc -l)" -ge 2 ]
	[ "$(sent 'CSeq: 1 REGISTER')" = 2 ]
}

@test "a refresh of what the server has forgotten: it begins anew" {
	home_start
	grant REGISTER added
	sed -i 's/300/1/' "$says/REGISTER"
	grant REGISTER.3 refreshed
	spawn reg register --keep --dialect=ocs -t tcp --server="$home" "$aor"
	wait_for 10 eval "[ \$(grep -c '^registered ' '$BATS_TEST_TMPDIR/reg.out') = 2 ]"
	printed reg '^binding-reset  *sip:alice@rte.test'
	grant REGISTER.4 refreshed # the removal
	kill -INT "$spawned"
	spawned_ends 0 reg
	[ "$(grep -c '^CSeq: 1 REGISTER' "$says/heard")" = 2 ]
	[ "$(grep '^Call-ID: ' "$says/heard" | sort -u | wc -l)" = 2 ]
	[ "$(tail -n 20 "$says/heard" | grep -c '^Expires: 0')" = 1 ]
}

@test "keep-alive as it was agreed on: an empty line, and no answer is wanted" {
	home_start
	grant REGISTER added
	sed -i 's/^Expires: 300/&\nms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=1/' "$says/REGISTER"
	spawn reg register --keep --dialect=ocs -t tcp --server="$home" "$aor"
	printed reg '^registered '
	wait_for 10 eval "[ \$(grep -c '(empty line)' '$says/heard') -ge 4 ]"
	kill -INT "$spawned"
	spawned_ends 0 reg
}

@test "a list and its notifications: adhoclist, the first in the 200, BENOTIFY without an answer" {
	ocs_start
	rte subscribe -j --register "${ocs[@]}" --trace="$trace" -a "$aor" -e presence --once --list \
		sip:bob@rte.test sip:carol@rte.test
	[ "$status" = 0 ] || what_happened
	records
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "notify") | .body.resource | length')" = 2 ]
	[ "$(sent 'Content-Type: application/adrl\+xml')" = 1 ]
	[ "$(sent 'Require: adhoclist')" = 1 ]
	[ "$(received 'ms-piggyback-cseq: ')" = 1 ]
	# of what changes, later
	spawn sub subscribe --register "${ocs[@]}" --trace="$trace" -a "$aor" -e presence -c 2 sip:bob@rte.test
	printed sub '^notify '
	rte register "${ocs[@]}" sip:bob@rte.test
	[ "$status" = 0 ] || what_happened
	spawned_ends 0 sub
	[ "$(received 'BENOTIFY ')" -ge 1 ]
	! grep -q '^>  SIP/2.0' "$trace" || what_happened
}

@test "a proxy that does not know BENOTIFY is asked without" {
	home_start
	cat >"$says/SUBSCRIBE" <<-TEXT
		SIP/2.0 420 Bad Extension
		Via: {Via}
		From: {From}
		To: {To};tag=home
		Call-ID: {Call-ID}
		CSeq: {CSeq}
		Unsupported: ms-benotify
		Content-Length: 0

	TEXT
	sed -e 's/420 Bad Extension/200 OK/' -e 's/^Unsupported: .*/Contact: <sip:home@127.0.0.1>\nExpires: 60\nms-piggyback-cseq: 1/' \
		-e 's/^Content-Length: 0/Content-Type: text\/plain\nContent-Length: 6/' "$says/SUBSCRIBE" >"$says/SUBSCRIBE.2"
	echo busy >>"$says/SUBSCRIBE.2"
	rte subscribe --dialect=ocs -t tcp --server="$home" -a "$aor" -e x-state --once sip:bob@rte.test --timeout=1s
	[ "$status" = 0 ] || what_happened
	says 'busy'
	[ "$(grep -c '^Proxy-Require: ms-benotify' "$says/heard")" = 1 ]
}

@test "ms-diagnostics: the number and the reason, in every dialect" {
	home_start
	cat >"$says/REGISTER" <<-TEXT
		SIP/2.0 403 Forbidden
		Via: {Via}
		From: {From}
		To: {To};tag=home
		Call-ID: {Call-ID}
		CSeq: {CSeq}
		ms-diagnostics: 4003;reason="User not \\"enabled\\" here";source="ocs.rte.test"
		Content-Length: 0

	TEXT
	rte register -t tcp --server="$home" "$aor"
	ended_with 4 'ms-diagnostics +4003 User not '
	rte register -j -t tcp --server="$home" "$aor"
	records
	[ "$(json <(printf '%s\n' "$output") 'select(.type == "error") | .ms_diagnostics_id')" = 4003 ]
	json <(printf '%s\n' "$output") 'select(.type == "response") | .ms_diagnostics_reason' | grep -q '^User not '
	sed -i 's/^ms-diagnostics: .*/ms-diagnostics-public: 4140;reason="Too many"/' "$says/REGISTER"
	rte register -t tcp --dialect=ocs --server="$home" "$aor"
	ended_with 4 'ms-diagnostics +4140 Too many'
}
