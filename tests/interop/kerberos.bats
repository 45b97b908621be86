#!/usr/bin/env bats
# bats file_tags=serial
# tests/interop/kerberos.bats -- tickets and contexts of a real MIT KDC: lib/auth/kerberos.h through lib/endpoint/ticket.h
# (ruling 15), with MIT's own GSSAPI as the other side of every MIC: tests/peers/kerberos_probe.c

load helper

setup_file() {
	need krb5kdc kadmin.local kdb5_util kinit klist socat
	"$interop/kdc.sh" start "$BATS_FILE_TMPDIR/kdc" 3>&-
}
setup() {
	cd "$BATS_TEST_TMPDIR"
	probe=${RTE%/cli/rte}/tests/peers/kerberos_probe
	[ -x "$probe" ] || { echo "$probe is not built"; return 1; }
	kdc=$BATS_FILE_TMPDIR/kdc
	. "$kdc/env"
	# each test has caches of its own; MIT's acceptor would refuse a token in the same second as a replay
	export KRB5CCNAME=FILE:$BATS_TEST_TMPDIR/cc KRB5RCACHENAME=none:
}
teardown() {
	[ -z "${deaf:-}" ] || kill -KILL $deaf 2>/dev/null || true
	[ ! -e "$kdc/port" ] || [ -s "$kdc/pid" ] || "$interop/kdc.sh" start "$kdc" "PORT=$(cat "$kdc/port")" 3>&-
}
teardown_file() {
	"$interop/kdc.sh" stop "$BATS_FILE_TMPDIR/kdc"
}

log_on() { # USER [ARG...]
	"$interop/kdc.sh" kinit "$kdc" "$@" -c "$KRB5CCNAME"
}
# probe COMMAND ARG...: its lines are in `out`; what must hold, holds
probe() {
	local code=0
	"$probe" "$@" >out 2>err </dev/null 3>&- || code=$?
	judge "$code"
}
with_password() { # PASSWORD COMMAND ARG...
	local code=0 password=$1 command=$2
	shift 2
	"$probe" "$command" -p "$@" >out 2>err 3>&- <<<"$password" || code=$?
	judge "$code"
}
judge() {
	if [ "$1" != 0 ] || [ -s err ] || grep -q '^not ok' out || ! grep -q '^ok no child' out; then
		cat out err
		return 1
	fi
}
# what NAME: its value, the last of them
what() {
	sed -n "s/^$1 //p" out | tail -n 1
}
is() { # WANTED GOT
	[ "$1" = "$2" ] || { echo "got <$2>, want <$1>"; cat out err; return 1; }
}
# because CAUSE PATTERN: no ticket, nor a trace of one
because() {
	is "$1" "$(what cause)"
	what reason | grep -Eq -e "$2" || { cat out; return 1; }
	is 0 "$(what token)"
	is 0 "$(what context)"
	is 0 "$(what life)"
}
within() { # LOW HIGH NUMBER
	[ "$3" -ge "$1" ] && [ "$3" -le "$2" ] || { echo "$3 is not within $1 and $2"; cat out; return 1; }
}
fails() { # COMMAND...
	if "$@"; then return 1; fi
}
oks() { # N: so many things held
	is "$1" "$(grep -c '^ok ' out)"
}
# other_conf SED: KRB5_CONFIG with a change
other_conf() {
	sed "$1" "$kdc/krb5.conf" >krb5.conf
	export KRB5_CONFIG=$PWD/krb5.conf
}
# deaf_kdc: a port that takes connections and datagrams, and says nothing
deaf_kdc() {
	deaf_start 5070
	socat -u UDP-RECV:5070,bind=127.0.0.1 OPEN:/dev/null </dev/null >/dev/null 2>&1 3>&- &
	deaf=$!
	disown
	wait_for 5 listening udp 5070
	other_conf 's/kdc = .*/kdc = 127.0.0.1:5070/'
}

@test "the default cache: a ticket, and MICs in both directions that MIT makes and checks" {
	log_on alice
	probe mics sip/rte.test
	is granted "$(what cause)"
	is alice@RTE.TEST "$(what principal)"
	within 35900 36000 "$(what life)"
	is 28 "$(what mic)"
	oks 11
	# of the ticket-granting ticket alone
	probe ask
	is granted "$(what cause)"
	is alice@RTE.TEST "$(what principal)"
	is 0 "$(what token)"
	# and by its credential, which is the name of the cache
	probe mics -c sip/127.0.0.1
	is granted "$(what first)"
	oks 11
	probe mics sip/localhost
	oks 11
}

@test "a given password: no cache is written, a short realm is known by krb5.conf" {
	with_password pw-bob mics -u bob@RTE.TEST sip/rte.test
	is bob@RTE.TEST "$(what principal)"
	oks 11
	with_password pw-bob mics -u bob sip/rte.test
	is bob@RTE.TEST "$(what principal)"
	with_password pw-bob mics -u 'rte.test\bob' sip/rte.test
	is bob@RTE.TEST "$(what principal)"
	with_password pw-strict mics -u strict sip/rte.test
	oks 11
	[ ! -e cc ]
}

@test "a password's ticket-granting ticket first, a service ticket by it later" {
	with_password pw-carol ask -u carol
	is granted "$(what cause)"
	is 0 "$(what token)"
	is carol@RTE.TEST "$(what principal)"
	with_password pw-carol mics -c -u carol sip/rte.test
	is granted "$(what first)"
	is carol@RTE.TEST "$(what principal)"
	oks 11
	[ ! -e cc ]
	# the life of a context ends with the ticket-granting ticket's
	with_password pw-brief ask -c -u brief sip/rte.test
	is granted "$(what cause)"
	within 1 3 "$(what life)"
}

@test "the cache of a principal among several" {
	mkdir caches
	export KRB5CCNAME=DIR:$PWD/caches
	log_on alice
	KRB5CCNAME=DIR::$PWD/caches/tktother log_on bob
	probe ask -u bob sip/rte.test
	is bob@RTE.TEST "$(what principal)"
	probe ask -u alice sip/rte.test
	is alice@RTE.TEST "$(what principal)"
	probe ask -u carol sip/rte.test
	because no-credential 'carol@RTE.TEST'
}

@test "no credential, an expired one" {
	probe ask sip/rte.test
	because no-credential 'No Kerberos credentials available .*/cc'
	probe ask
	because no-credential 'No Kerberos credentials available .*/cc'
	log_on alice -l 1s
	wait_for 5 eval '! klist -s'
	probe ask sip/rte.test
	because expired '[Ee]xpired'
	probe ask
	because expired '[Ee]xpired'
}

@test "wrong passwords, unknown and closed accounts" {
	with_password wrong ask -u alice sip/rte.test
	because wrong-password 'integrity check failed'
	with_password wrong ask -u strict sip/rte.test
	because wrong-password 'Preauthentication failed'
	with_password wrong ask -u strict
	because wrong-password 'Preauthentication failed'
	with_password pw-nobody ask -u nobody sip/rte.test
	because unknown-principal "'nobody@RTE.TEST' not found"
	with_password pw-stale ask -u stale sip/rte.test
	because expired 'Password has expired'
	with_password pw-gone ask -u gone sip/rte.test
	because expired 'expired'
	with_password pw-locked ask -u locked sip/rte.test
	because other 'revoked'
	with_password x ask -u a@b@RTE.TEST sip/rte.test
	because other 'Malformed'
	fails grep -r 'pw-\|wrong$' out err
}

@test "unknown services, and what is no service of SIP" {
	log_on alice
	probe ask sip/unknown.rte.test
	because unknown-service 'sip/unknown.rte.test@RTE.TEST not found'
	for target in host/rte.test sip/rte.test@OTHER.TEST sip@rte.test sip/ 'sip/rte.test/x' 'sip/a b'; do
		probe ask "$target"
		because unknown-service 'no sip/HOST'
	done
}

@test "the KDC's clock is not ours" {
	"$interop/kdc.sh" restart "$kdc" >/dev/null 3>&-
	log_on alice
	"$interop/kdc.sh" restart "$kdc" FAKETIME=+10m 3>&-
	probe ask sip/rte.test
	because skew '[Cc]lock skew'
	# libkrb5 goes by the KDC's clock where it may
	with_password pw-bob ask -u bob sip/rte.test
	is granted "$(what cause)"
	within 35900 36000 "$(what life)"
	other_conf 's/default_realm = .*/&\n\tkdc_timesync = 0/'
	with_password pw-bob ask -u bob sip/rte.test
	because skew '[Cc]lock skew'
	"$interop/kdc.sh" restart "$kdc" 3>&-
}

@test "a KDC that says nothing: the loop goes on, the time-out is obeyed" {
	log_on alice
	deaf_kdc
	probe ask -t 1000 sip/rte.test
	because unreachable '^no answer from a KDC within 1 s$'
	within 1000 1300 "$(what took)"
	within 50 110 "$(what ticks)"
	within 0 200 "$(what worst)"
	with_password pw-bob ask -t 300 -u bob
	because unreachable '^no answer from a KDC within 0.3 s$'
	within 300 600 "$(what took)"
	within 10 40 "$(what ticks)"
	# stopped: told of nothing, and nothing is left
	probe ask -x 200 sip/rte.test
	within 200 500 "$(what took)"
	is 0 "$(what told)"
	# by datagrams
	other_conf 's/kdc = .*/kdc = 127.0.0.1:5070/; s/udp_preference_limit = .*//'
	probe ask -t 500 sip/rte.test
	because unreachable '^no answer from a KDC'
	within 500 800 "$(what took)"
}

@test "no KDC: refused at once" {
	log_on alice
	other_conf 's/kdc = .*/kdc = 127.0.0.1:5079/'
	probe ask sip/rte.test
	because unreachable 'Cannot contact any KDC'
	within 0 1000 "$(what took)"
	with_password pw-bob ask -u bob
	because unreachable 'Cannot contact any KDC'
	with_password pw-bob ask -u bob@OTHER.TEST
	because unreachable 'Cannot find KDC for realm'
	# a proxy of the realm's that resets
	hangup_start 5071
	other_conf 's/kdc = .*/kdc = 127.0.0.1:5071/'
	probe ask sip/rte.test
	because unreachable 'Cannot contact any KDC'
}

@test "the child holds nothing of ours, and ends without our handlers and buffers" {
	log_on alice
	deaf_kdc
	probe alone sip/rte.test
	oks 5
	is 0 "$(what shared)"
	because other '^the process that asked for a ticket died of signal 15$'
	is 1 "$(grep -c '^pending$' out)"
	is 1 "$(grep -c '^atexit$' out)"
}

@test "the child ends when we are killed" {
	log_on alice
	deaf_kdc
	"$probe" ask sip/rte.test >out 2>err </dev/null 3>&- &
	local us=$! child
	disown
	wait_for 5 eval '[ -n "$(pgrep -P '$us')" ]'
	child=$(pgrep -P $us)
	kill -KILL $us
	wait_for 5 gone "$child"
}

@test "our acceptor: MIT's initiator, damaged tokens, other services, mutual authentication" {
	log_on alice
	"$probe" accept "$kdc/sip.keytab" sip@rte.test >out 2>err
	is alice@RTE.TEST "$(what principal)"
	within 35900 36300 "$(what life)"
	oks 17
	is 0 "$(grep -c '^not ok' out)"
	is 'Kerberos: the token was used before' "$(what again)"
	is 'Kerberos: the client wants more than one token' "$(what mutual)"
	# a ticket for another service of the keytab, one under a key that was replaced
	"$probe" accept "$kdc/sip.keytab" host@rte.test >out 2>err
	what refused | grep -q '^1 Kerberos: .*host/rte.test.* does not match'
	"$probe" accept "$kdc/sip.keytab" sip@rekeyed.rte.test >out 2>err
	what refused | grep -q '^1 Kerberos: .*kvno 3 not found in keytab'
	# keytabs that are none of ours
	fails "$probe" accept "$kdc/host.keytab" sip@rte.test >out 2>err
	what keytab | grep -q "^1 Kerberos: keytab $kdc/host.keytab: no key of a service sip/HOST"
	fails "$probe" accept "$PWD/none" sip@rte.test >out 2>err
	what keytab | grep -q "^1 Kerberos: keytab $PWD/none: .*not found"
	echo nonsense >none
	fails "$probe" accept "$PWD/none" sip@rte.test >out 2>err
	what keytab | grep -q "^1 Kerberos: keytab $PWD/none: "
}

@test "our acceptor: tickets and clients of other clocks" {
	log_on alice -l 1s
	wait_for 5 eval '! klist -s'
	"$interop/kdc.sh" restart "$kdc" FAKETIME=+10m 3>&-
	log_on alice
	"$probe" accept "$kdc/sip.keytab" sip@rte.test >out 2>err
	what refused | grep -Eq '^1 Kerberos: .*([Cc]lock skew|not yet valid)'
	"$interop/kdc.sh" restart "$kdc" 3>&-
}

@test "keys and passwords are not left in memory" {
	log_on alice
	"$probe" wiped sip/rte.test >out 2>err
	is 32 "$(what key)"
	oks 3
	"$probe" wiped -p -u bob sip/rte.test >out 2>err <<<pw-bob
	oks 5
	"$probe" wiped -p -c -u bob sip/rte.test >out 2>err <<<pw-bob
	oks 5
	is 0 "$(grep -c '^not ok' out)"
}
