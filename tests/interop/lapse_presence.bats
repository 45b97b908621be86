#!/usr/bin/env bats
# tests/interop/lapse_presence.bats -- hours of subscriptions and publications in seconds: rte under a faster clock (ruling 35).
# Kamailio keeps real time; what is judged are the times in rte's own records.

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

# refreshed_at NAME FIRST LEAST: the refreshes came FIRST seconds after what was before each; at least so many
refreshed_at() {
	records "$1" '(.type == "subscription" or .type == "publication") and .state == "active" and (.cause == "subscribed" or .cause == "published" or .cause == "refreshed")' |
		jq .elapsed_ms | awk -v s="$2" -v least="$3" -v lag="$lag" '
			NR > 1 { print $1 - last " ms"; if ($1 - last < s * 1000 - lag / 3 || $1 - last > s * 1000 + 3000 + lag) bad = 1; n++ }
			{ last = $1 }
			END { exit bad || n < least }'
}

@test "three periods of ten minutes, refreshed at half of each: UDP, TCP, TLS, subscribed and published" {
	kamailio_with CFG=presence
	lapsing 100
	local t
	for t in udp tcp tls; do
		member "s-$t" subscribe "$t" -t "$t" -e presence -x 600 --timeout=10m --t1=4s sip:alice@rte.test
		member "p-$t" publish "$t" -t "$t" --keep -x 600 --status=open --timeout=10m --t1=4s "sip:$t@rte.test"
	done
	for t in udp tcp tls; do
		comes 20 "s-$t" 4 '.type == "subscription" and .state == "active" and (.cause == "subscribed" or .cause == "refreshed")'
		refreshed_at "s-$t" 300 3
	done
	stop s-udp s-tcp s-tls
	for t in udp tcp tls; do
		comes 25 "p-$t" 3 '.cause == "refreshed"'
	done
	stop p-udp p-tcp p-tls
	for t in udp tcp tls; do
		is 0 "$(records "p-$t" '.type == "retry"' | wc -l)"
		is 0 "$(records "s-$t" '.type == "retry"' | wc -l)"
		# three times before it had expired
		records "p-$t" '.type == "publication" and .state == "active"' | jq .elapsed_ms |
			awk 'NR > 1 && $1 - last > 600000 { bad = 1 } { last = $1 } END { exit bad || NR < 4 }'
	done
}

@test "an hour and a half: fifteen minutes before the hour is over (SB-03)" {
	kamailio_with CFG=presence
	lapsing 240
	member s subscribe bob -t tcp -e presence -x 3600 --timeout=10m --t1=4s sip:alice@rte.test
	comes 30 s 2 '.type == "subscription" and .state == "active" and (.cause == "subscribed" or .cause == "refreshed")'
	refreshed_at s 2700 1
	stop s
}

@test "the server is gone for a quarter of an hour of an hour's subscription: it is refreshed in its dialog, not made anew" {
	kamailio_with CFG=presence
	lapsing 60
	member s subscribe bob -t udp -e presence -x 200 --t1=2s --retry-max-time=10m sip:alice@rte.test
	comes 5 s 1 '.type == "subscription" and .cause == "subscribed"'
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/kamailio/pid")
	kill -STOP -- "-$pid"
	comes 8 s 1 '.type == "retry"'
	kill -CONT -- "-$pid"
	comes 8 s 1 '.type == "subscription" and (.cause == "refreshed" or .cause == "subscribed") and .elapsed_ms > 100000'
	stop s
}
