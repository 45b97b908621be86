#!/usr/bin/env bats
# tests/interop/one_flow.bats -- one server-based endpoint registers, writes, watches, publishes and calls at Kamailio over one
# connection, before and after the loss of it (SE-, CM-, RG-22): tests/peers/one_flow.c, and Kamailio's own list of connections

load pair

setup() {
	client_home
	cd "$BATS_TEST_TMPDIR"
	one_flow=${RTE%/cli/rte}/tests/peers/one_flow
	[ -x "$one_flow" ] || { echo "$one_flow is not built"; return 1; }
	kamailio_with CFG=presence
	phone bob bob -t udp --max-time=1m
}
teardown() {
	kept_stop
	[ -z "${party:-}" ] || kill -KILL "$party" 2>/dev/null || true
}
teardown_file() {
	rigs_stop
}

# said N LINE: the party said it at least N times
said() {
	[ "$(grep -cFx "$2" out)" -ge "$1" ]
}
says_soon() {
	wait_for "${3:-8}" said "$1" "$2" || {
		cat out err
		return 1
	}
}
# connections: how many the server has
connections() {
	kamailio rpc core.tcp_list | grep -c '^[[:space:]]*id:' || true
}
# all_over_one TRANSPORT: what the party did went over the one connection that the server has
all_over_one() {
	is 1 "$(connections)"
	kamailio rpc core.tcp_list | grep -Eiq "type: $1"
	is "$(grep '^connected ' out | tail -n 1 | cut -d ' ' -f 2)" "$(kamailio rpc core.tcp_list | sed -n 's/.*src_port: *//p')"
	is '' "$(grep '^astray' out || true)"
	contacts_are 1 alice
	is 1 "$(kamailio table active_watchers watcher_username | grep -cx alice)"
	is 1 "$(kamailio table presentity username event | grep -cx 'alice presence')"
}

one_flow() { # TRANSPORT PORT
	mkfifo orders
	"$one_flow" "$1" "127.0.0.1:$2" "$RTE_PKI/ca.pem" alice bob <orders >out 2>err 3>&- &
	party=$!
	exec 8>orders
	says_soon 1 'round 1'
	for what in registered message notified published called; do
		says_soon 1 $what
	done
	all_over_one "$1"
	is 1 "$(grep -c ^connected out)"

	# the server's side of the connection goes
	drop_tcp "$2"
	says_soon 1 "disconnected $(sed -n 's/^connected //p' out)"
	says_soon 2 registered
	# its subscription comes back by itself, once it is registered
	says_soon 2 notified
	is "$(grep -nx registered out | tail -n 1 | cut -d : -f 1)" "$(grep -nx -e registered -e notified out | tail -n 2 | head -n 1 | cut -d : -f 1)"
	echo again >&8
	says_soon 1 'round 2'
	says_soon 2 called
	all_over_one "$1"
	is 2 "$(grep -c ^connected out)"

	# and once more, with a server that has forgotten everything
	kamailio restart
	wait_for 8 contacts_are 1 alice
	wait_for 8 eval '[ "$(kamailio table active_watchers watcher_username | grep -cx alice)" = 1 ]'
	comes 10 bob 1 "$active"
	exec 8>&-
	local code=0
	wait_for 8 gone "$party"
	wait "$party" || code=$?
	is 0 "$code"
	contacts_are 0 alice
	is 0 "$(kamailio table active_watchers watcher_username | grep -cx alice)"
}

@test "registration, MESSAGE, SUBSCRIBE, PUBLISH and a call: one TCP connection, lost and found" {
	one_flow tcp 5060
}
@test "registration, MESSAGE, SUBSCRIBE, PUBLISH and a call: one TLS connection, lost and found" {
	one_flow tls 5061
}
