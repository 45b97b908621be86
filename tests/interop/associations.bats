#!/usr/bin/env bats
# tests/interop/associations.bats -- registrars of Communications Server's kind that do not do what a client hopes for, and how
# often it tries its password: tests/peers/home_server.c, where gss-ntlmssp and MIT's Kerberos count; and rte serve

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

# home VERSION SCHEMES [FAULT...]: a registrar that nobody wrote with rte, $at
home() {
	peer_up home home_server 0 120 "$@"
	at=$(peer_at home)
}
# tried NAME ARG...: alice registers, once, or as ARG say
tried() {
	local name=$1
	shift
	secured "$name" register alice --timeout=3s "$@" sip:alice@rte.test
}
# came_to NAME CODE CAUSE TOKENS: how it ends, why, and how many tokens the registrar has counted
came_to() {
	ends "$1" 8 "$2"
	is "$3" "$(last "$1" '.type == "error"' '.cause // ""')" || kept_is "$1"
	peer_down home 0
	is "$4" "$(total home tokens)" || peer_says home
}

@test "as it should be: NTLM in three requests and Kerberos in two, in versions 2, 3 and 4" {
	local v
	kerberos
	for v in 2 3 4; do
		for scheme in ntlm kerberos; do
			home $v NTLM,Kerberos,TLS-DSK
			secured a register alice --keep -x 2 sip:alice@rte.test
			comes 8 a 1 '.type == "registration" and .cause == "refreshed"'
			stop a
			peer_down home 0
			is 1 "$(total home tokens)"
			is "$([ $scheme = ntlm ] && echo 1 || echo 0)" "$(lines home 'REGISTER begin -> 401')"
			# the refresh and the end, and in version 4 what has the token
			[ "$(total home verified)" -ge $((v == 4 ? 3 : 2)) ]
		done
	done
}

@test "nobody asked: it is an error, unless that is allowed" {
	home 4 none
	tried a
	came_to a 7 unchallenging_server 0
	home 4 none
	tried a --auth=ntlm,none
	came_to a 0 '' 0
}

@test "no token is good enough, or there is always another challenge: one try" {
	kerberos
	local fault
	for fault in refuse endless; do
		home 4 NTLM,Kerberos $fault
		tried a
		came_to a 7 invalid_credentials 1
	done
	# one try of the next scheme that is allowed
	home 4 NTLM,Kerberos refuse
	tried a --auth=kerberos,ntlm --user='RTE.TEST\alice'
	came_to a 7 invalid_credentials 2
	scheme=kerberos
	home 4 NTLM,Kerberos refuse
	tried a
	came_to a 7 invalid_credentials 1
	home 4 NTLM,Kerberos endless
	tried a
	came_to a 7 invalid_credentials 1
}

@test "a wrong password, and a user who is none: one try" {
	home 4 NTLM
	secret=wrong tried a
	came_to a 7 invalid_credentials 1
	home 4 NTLM
	tried a --user='RTE\mallory'
	came_to a 7 invalid_credentials 1
}

@test "no password at all: none" {
	home 4 NTLM
	begin a register --server="$at" -t tcp --auth=ntlm --user='RTE\alice' --dialect=ocs sip:alice@rte.test
	came_to a 22 missing_credentials 0
}

@test "the scheme is not there: nothing is answered, and never by Digest unasked" {
	local offered
	for offered in TLS-DSK Kerberos Digest Digest,TLS-DSK; do
		home 4 $offered
		tried a
		came_to a 7 no_common_scheme 0
		has home 1 'REGISTER .*'
	done
}

@test "a weak challenge, or none that could be read: no answer to it" {
	export LM_COMPAT_LEVEL=0 # no extended session security, no 128 bits
	home 4 NTLM
	tried a
	ends a 5 7
	failed_with a 'weak|[Ff]lags|extended session security|128'
	peer_down home 0
	is '0 1' "$(total home tokens) $(lines home 'REGISTER begin -> 401')"
	export LM_COMPAT_LEVEL=3
	for fault in garbage garbled; do
		home 4 NTLM $fault
		tried a
		ends a 5 7
		peer_down home 0
		is '0 1' "$(total home tokens) $(lines home 'REGISTER begin -> 401')"
	done
}

@test "the server signs nothing at all: --accept-unsigned takes it, but nothing that is signed wrongly" {
	home 4 NTLM unsigned
	tried a --keep --accept-unsigned -x 2
	comes 8 a 1 '.type == "registration" and .cause == "refreshed"'
	stop a
	peer_down home 0
	is 1 "$(total home tokens)" || peer_says home
	home 4 NTLM badsign
	tried a --accept-unsigned
	came_to a 7 server_proof 1
}

@test "the server proves nothing: its first answer unsigned, or signed wrongly" {
	local fault v
	kerberos
	for scheme in ntlm kerberos; do
		for fault in unsigned badsign; do
			for v in 3 4; do
				home $v NTLM,Kerberos $fault
				tried a
				came_to a 7 server_proof 1
			done
		done
	done
}

@test "forbidden: the reason of the server is shown" {
	home 4 NTLM forbidden
	tried a
	came_to a 7 forbidden 1
	records a '.type == "error"' | grep -q 'Not today'
}

@test "another clock: told when the password is refused" {
	home 4 Kerberos refuse slow
	kerberos
	scheme=kerberos tried a
	came_to a 7 skewed_clock 1
}

@test "the association is forgotten: one new handshake, and it goes on" {
	local v
	kerberos
	for scheme in ntlm kerberos; do
		for v in 2 3 4; do
			home $v NTLM,Kerberos forget
			secured a register alice --keep -x 2 sip:alice@rte.test
			comes 10 a 1 '.type == "registration" and .cause == "refreshed"'
			stop a
			peer_down home 0
			is '2 1' "$(total home tokens) $(lines home 'REGISTER unknown -> 401')" || peer_says home
		done
	done
}

@test "the number of its answers does not go on: they are replays" {
	home 4 NTLM stuck
	secured a register alice --keep -x 2 --timeout=1s --retry-max-time=1s sip:alice@rte.test
	comes 8 a 1 "$active"
	ends a 12 19
	peer_down home 0
	[ "$(last a '.type == "end"' .discarded)" -ge 1 ]
	[ "$(total home tokens)" -le 2 ]
}

@test "moved to another home server: a new association there, in the version of that one" {
	local v
	kerberos
	for scheme in ntlm kerberos; do
		for v in 2 3 4; do
			peer_up there home_server 0 60 $v NTLM,Kerberos
			home $((v == 4 ? 3 : 4)) NTLM,Kerberos "redirect:$(peer_at there)"
			secured a register alice --keep -x 2 sip:alice@rte.test
			comes 10 a 1 '.type == "registration" and .cause == "refreshed"'
			stop a
			peer_down home 0
			peer_down there 0
			is '0 1' "$(total home tokens) $(total there tokens)"
			[ "$(total there verified)" -ge $((v == 4 ? 3 : 2)) ]
		done
	done
}

# ---- rte serve in the same roles, with a relay that counts

# served_as SCHEMES ARG...
served_as() {
	server "$@"
	peer_up home mutate 0 "$tcp" 120
	at=$(peer_at home)
}

@test "rte serve: faults end as with others" {
	local fault
	for fault in unsigned:server_proof badsign:server_proof endless:invalid_credentials; do
		served_as ntlm --fault="${fault%:*}"
		tried a
		came_to a 7 "${fault#*:}" 1
		serve_end
	done
	served_as ntlm --fault=weak
	tried a
	ends a 5 7
	peer_down home 0
	is 0 "$(total home tokens)"
	serve_end
	served_as digest
	tried a
	came_to a 7 no_common_scheme 0
	serve_end
	served_as none
	tried a
	came_to a 7 unchallenging_server 0
}

@test "rte serve forgets an association, on order and after its life" {
	kerberos
	for scheme in ntlm kerberos; do
		mkfifo "orders-$scheme"
		served_as "$scheme" --min-expires=1s --control="orders-$scheme"
		secured a register alice --keep -x 2 sip:alice@rte.test
		stays a
		echo 'forget alice' >"orders-$scheme"
		comes 8 a 1 '.type == "registration" and .cause == "refreshed"'
		stop a
		peer_down home 0
		is 2 "$(total home tokens)"
		serve_end
		served_as "$scheme" --min-expires=1s --association-life=1s
		secured a register alice --keep -x 2 sip:alice@rte.test
		comes 8 a 1 '.type == "registration" and .cause == "refreshed"'
		stop a
		peer_down home 0
		[ "$(total home tokens)" -ge 2 ]
		[ "$(total home tokens)" -le 3 ] # it may be over again at the end
		serve_end
	done
}

@test "rte serve: the home of a user is elsewhere, where versions are others" {
	local other v
	for v in 2 3; do
		peer_up there home_server 0 60 $v NTLM
		served_as ntlm --home="alice=sip:$(peer_at there);transport=tcp"
		secured a register alice --keep -x 2 sip:alice@rte.test
		comes 8 a 1 '.type == "registration" and .cause == "refreshed"'
		stop a
		peer_down home 0
		peer_down there 0
		is '0 1' "$(total home tokens) $(total there tokens)"
		serve_end
	done
}

@test "the association is forgotten before a message, and before the BYE of a call: a new handshake, then it goes on" {
	kerberos
	for scheme in ntlm kerberos; do
		home 4 NTLM,Kerberos forget
		secured a message alice $(as alice) --register -d 'Watson, come here.' sip:bob@rte.test
		ends a 8 0
		peer_down home 0
		is 2 "$(total home tokens)" || peer_says home
		mkfifo "orders-$scheme"
		served_as "$scheme" --control="orders-$scheme"
		secured bob listen bob $(as bob) --register --max-time=1m
		stays bob
		secured a invite alice $(as alice) --register --duration=1s sip:bob@rte.test
		comes 8 a 1 "$confirmed"
		echo 'forget alice' >"orders-$scheme"
		ends a 8 0
		comes 5 bob 1 "$terminated"
		stop bob
		peer_down home 0
		is 3 "$(total home tokens)" || peer_says home
		serve_end
	done
}

@test "no association is ever known but for REGISTER: one renewal a request, and not as fast as it is asked for" {
	home 4 NTLM stranger
	secured a message alice $(as alice) --register -d 'Watson, come here.' sip:bob@rte.test
	ends a 8 7
	is invalid_credentials "$(last a '.type == "error"' '.cause // ""')"
	peer_down home 0
	is 2 "$(total home tokens)" || peer_says home
	# one after the other, as fast as they are refused: waits of 0, 1, 2, 4 ... s are between the renewals
	home 4 NTLM stranger
	local n
	for n in {1..40}; do
		echo "sip:bob$n@rte.test"
	done >targets
	secured a message alice $(as alice) --register -d 'Watson, come here.' --each="$PWD/targets" --rate=10 --max-time=6s
	wait_for 12 gone "${kept[a]}"
	kept_stop
	peer_down home 0
	[ "$(total home tokens)" -ge 2 ] && [ "$(total home tokens)" -le 5 ] || peer_says home
}

@test "one request at a time (--max-outstanding): the REGISTER that renews the association is not in its own way" {
	home 4 NTLM forget
	secured a message alice $(as alice) --register --max-outstanding=1 -d 'Watson, come here.' sip:bob@rte.test
	ends a 8 0
	peer_down home 0
	is 2 "$(total home tokens)" || peer_says home
}

@test "who connects to us directly does not pass for the server" {
	home 4 NTLM
	secured a listen alice $(as alice) --register --listen=tcp:127.0.0.1:0 --max-time=1m
	stays a
	comes 5 a 1 '.type == "listening"'
	begin b message -t tcp --p2p --timeout=2s -d 'I am the server' --connect="127.0.0.1:$(port_of a tcp)" sip:alice@rte.test
	ends b 8 14
	send a TERM
	ends a 8 0
	is 1 "$(last a '.type == "end"' .discarded)" || kept_is a
	is 0 "$(records a '.type == "message"' | wc -l)"
}
