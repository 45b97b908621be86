#!/bin/bash
# tests/interop/kdc.sh -- an MIT KDC for the tests: realm RTE.TEST at 127.0.0.1, no root and no /etc/krb5.conf needed
#
#   kdc.sh start DIR [NAME=VALUE...]    start; returns when it answers: `ready in N ms`. Its files are in DIR
#   kdc.sh stop DIR                     at once; the database stays, and start goes on with it
#   kdc.sh restart DIR [NAME=VALUE...]  stop and start at the same port
#   kdc.sh kinit DIR USER [ARG...]      a ticket-granting ticket into the default cache, or into another one by -c
#   kdc.sh admin DIR QUERY              kadmin.local
#
# Options (default): PORT (a free one) FAKETIME (none; +10m: its clock is that far ahead)
# DIR/env, for `.`: KRB5_CONFIG, KRB5CCNAME (FILE:DIR/cc), KRB5_KTNAME (FILE:DIR/sip.keytab)
# Users, each with the password pw-NAME: alice bob carol; strict (pre-authentication required), brief (tickets of 3 s),
# stale (the password has expired), gone (the account has expired), locked.
# Services, their keys in DIR/sip.keytab: sip/rte.test sip/sip.rte.test sip/127.0.0.1 sip/localhost, and host/rte.test, whose
# key alone is in DIR/host.keytab, too. sip/rekeyed.rte.test has a newer key than DIR/sip.keytab.
set -eu
PATH=$PATH:/usr/sbin:/sbin
realm=RTE.TEST

if [ $# -lt 2 ]; then
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
command=$1 dir=$2
shift 2

admin() {
	kadmin.local -r "$realm" -q "$1" >>"$dir/kadmin.log" 2>&1
}
running() {
	[ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}
answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}
environment() {
	export KRB5_CONFIG="$dir/krb5.conf" KRB5_KDC_PROFILE="$dir/kdc.conf" KRB5CCNAME="FILE:$dir/cc"
}

# Nobody else may be asked: no DNS, neither for KDCs nor for names of hosts.
configure() {
	cat >"$dir/krb5.conf" <<-END
	[libdefaults]
	default_realm = $realm
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
	default_ccache_name = FILE:$dir/cc
	default_keytab_name = FILE:$dir/sip.keytab
	[realms]
	$realm = {
		kdc = 127.0.0.1:$PORT
	}
	[domain_realm]
	.rte.test = $realm
	rte.test = $realm
	END
	cat >"$dir/kdc.conf" <<-END
	[kdcdefaults]
	kdc_listen = 127.0.0.1:$PORT
	kdc_tcp_listen = 127.0.0.1:$PORT
	[realms]
	$realm = {
		database_name = $dir/principal
		key_stash_file = $dir/stash
		acl_file = $dir/kadm5.acl
		max_life = 10h
		max_renewable_life = 7d
		supported_enctypes = aes256-cts:normal,aes128-cts:normal
	}
	[logging]
	kdc = FILE:$dir/kdc.log
	END
	: >"$dir/kadm5.acl"
	cat >"$dir/env" <<-END
	export KRB5_CONFIG='$dir/krb5.conf' KRB5CCNAME='FILE:$dir/cc' KRB5_KTNAME='FILE:$dir/sip.keytab'
	END
}
populate() {
	local name
	kdb5_util create -s -r "$realm" -P master >"$dir/kadmin.log" 2>&1
	for name in alice bob carol; do
		admin "addprinc -pw pw-$name $name"
	done
	admin 'addprinc -pw pw-strict +requires_preauth strict'
	admin 'addprinc -pw pw-brief -maxlife 3s brief'
	admin 'addprinc -pw pw-stale -pwexpire yesterday stale'
	admin 'addprinc -pw pw-gone -expire yesterday gone'
	admin 'addprinc -pw pw-locked -allow_tix locked'
	for name in rte.test sip.rte.test 127.0.0.1 localhost rekeyed.rte.test; do
		admin "addprinc -randkey sip/$name"
		admin "ktadd -k $dir/sip.keytab sip/$name"
	done
	admin 'change_password -randkey sip/rekeyed.rte.test'
	admin 'addprinc -randkey host/rte.test'
	admin "ktadd -k $dir/host.keytab host/rte.test"
	admin "ktadd -norandkey -k $dir/sip.keytab host/rte.test"
}

# serve: the KDC at $PORT; fails when that is taken
serve() {
	local faketime=()
	[ -z "$FAKETIME" ] || faketime=(env "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1)" "FAKETIME=$FAKETIME")
	configure
	[ -e "$dir/principal" ] || populate
	setsid "${faketime[@]}" krb5kdc -n -r "$realm" </dev/null >"$dir/kdc.out" 2>&1 3>&- &
	echo $! >"$dir/pid"
	local i
	for i in $(seq 250); do
		running || return 1
		answers && return
		sleep 0.02
	done
	return 1
}
start() {
	PORT='' FAKETIME=
	local option tries=20 began
	for option; do
		[ -z "$option" ] || declare -g "$option"
	done
	mkdir -p "$dir"
	chmod 700 "$dir"
	dir=$(cd "$dir" && pwd)
	if running; then
		echo "kdc.sh: already running in $dir" >&2
		exit 1
	fi
	environment
	began=$(date +%s%N)
	if [ -n "$PORT" ]; then
		serve && tries=-1
	else
		# It cannot bind port 0: tried until one is free.
		while [ $((tries -= 1)) -gt 0 ]; do
			PORT=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
			answers && continue
			serve && tries=-1
		done
	fi
	if [ "$tries" -ge 0 ]; then
		cat "$dir/kdc.out" "$dir/kadmin.log" >&2
		echo "kdc.sh: the KDC does not answer" >&2
		exit 1
	fi
	echo "$PORT" >"$dir/port"
	echo "ready in $((($(date +%s%N) - began) / 1000000)) ms"
}
stop() {
	running || return 0
	local pid
	pid=$(cat "$dir/pid")
	kill -KILL "$pid"
	rm -f "$dir/pid"
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.01
	done
}

case $command in
start) start "$@" ;;
stop) stop ;;
restart)
	stop
	start "PORT=$(cat "$dir/port")" "$@"
	;;
kinit)
	dir=$(cd "$dir" && pwd)
	user=$1
	shift
	environment
	printf 'pw-%s\n' "$user" | kinit "$@" "$user" >/dev/null
	;;
admin)
	dir=$(cd "$dir" && pwd)
	environment
	kadmin.local -r "$realm" -q "$1"
	;;
*) exit 2 ;;
esac
