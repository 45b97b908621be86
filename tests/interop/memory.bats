#!/usr/bin/env bats
# tests/interop/memory.bats -- what a running rte has of passwords, hashes and session keys in its memory, once the security
# association is freed; and none of it in what it prints. Cores are gdb's. The keys to look for come from gss-ntlmssp and MIT's
# Kerberos, at the other end.

load security

setup_file() {
	kdc_start
}
setup() {
	security_setup
	need gdb perl openssl
	scheme=ntlm transport=tcp canary=cAn4ry-of-alice
	echo "RTE:alice:$canary" >"$NTLM_USER_FILE"
	echo "$canary" >"$BATS_TEST_TMPDIR/password" # not in the environment, which is memory, too
	export HALF_KEYS=yes
}
teardown() {
	security_teardown
}
teardown_file() {
	kdc_stop
}

# ---- bytes, in hex

hex() {
	perl -0777 -ne 'print unpack("H*", $_)'
}
utf16() { # TEXT
	printf %s "$1" | iconv -t UTF-16LE | hex
}
bytes() { # HEX
	perl -e 'print pack("H*", shift)' "$1"
}
# md5_of KEY DIRECTION PURPOSE: NTLM's signing or sealing key ([MS-NLMP] 3.4.5)
md5_of() {
	{
		bytes "$1"
		printf '%s\0' "session key to $2 $3 key magic constant"
	} | openssl dgst -md5 -binary | hex
}
# nt_hash PASSWORD, and v2_hash PASSWORD USER-AND-DOMAIN ([MS-NLMP] 3.3.1, 3.3.2)
nt_hash() {
	bytes "$(utf16 "$1")" | openssl dgst -md4 -provider legacy -provider default -binary | hex
}
v2_hash() {
	bytes "$(utf16 "$2")" | openssl dgst -md5 -mac HMAC -macopt "hexkey:$(nt_hash "$1")" -binary | hex
}
# ntlm_secrets KEY: it, and what is made of it
ntlm_secrets() {
	local way what
	echo "$1"
	for way in client-to-server server-to-client; do
		for what in signing sealing; do
			md5_of "$1" "$way" "$what"
		done
	done
}
# of_password: what NTLM makes of the canary
of_password() {
	utf16 "$canary"
	echo
	nt_hash "$canary"
	echo
	v2_hash "$canary" ALICERTE
}

# ---- cores

# core PID FILE
core() {
	gcore -o "$2" "$1" >"$2.log" 2>&1 || {
		cat "$2.log"
		return 1
	}
	mv "$2.$1" "$2"
}
# found CORE HEX...: how many of them are in it, at least once each
found() {
	perl -0777 -e 'open F, "<", shift; binmode F; my $all = <F>; my $n = 0;
		for (@ARGV) { length >= 16 or die "too short: $_"; $n++ if index($all, pack("H*", $_)) >= 0 } print $n' "$@"
}
# at_exit ARG...: runs rte until its very last system call, and its memory then is the core `last`
at_exit() {
	rm -f last
	KRB5CCNAME=$(cache alice) timeout 60 gdb -batch -nx -ex 'set confirm off' \
		-ex 'catch syscall exit_group' -ex run -ex 'gcore last' -ex continue --args "$RTE" "$@" >gdb.out 2>&1 </dev/null || true
	[ -e last ] && grep -q 'exited normally' gdb.out || {
		cat gdb.out
		return 1
	}
}
# keys NAME: the session keys of the peer so far, the latest last
keys() {
	sed -n "s/^key ${2:-accepts} //p" "$1.err"
}
key_count() {
	[ "$(keys "$1" "${3:-accepts}" | wc -l)" -ge "$2" ]
}
home() {
	peer_up home home_server 0 120 "$@"
	at=$(peer_at home)
}

@test "NTLM: the hashes of the password never, the keys of an association as long as it lives" {
	home 4 NTLM forget:2
	begin a register --server="$at" -t tcp --dialect=ocs --auth=ntlm --user='RTE\alice' \
		--password="file:$BATS_TEST_TMPDIR/password" --keep -x 2 sip:alice@rte.test
	wait_for 15 key_count home 2 || peer_says home
	comes 8 a 2 '.type == "registration" and .cause == "refreshed"'
	core "${kept[a]}" running
	local first second
	first=$(keys home | sed -n 1p) second=$(keys home | sed -n 2p)
	[ -n "$first" ] && [ "$first" != "$second" ]
	is 0 "$(found running $(of_password))"
	is 0 "$(found running $(ntlm_secrets "$first"))"
	# the search finds what is there: the password, to make the next association with, and the keys of this one
	is 1 "$(found running "$(printf %s "$canary" | hex)")"
	is 1 "$(found running "$(md5_of "$second" client-to-server signing)")"
	stop a
}

@test "NTLM: at the end of the process nothing is left" {
	home 4 NTLM
	at_exit register --server="$at" -t tcp --dialect=ocs --auth=ntlm --user='RTE\alice' \
		--password="file:$BATS_TEST_TMPDIR/password" sip:alice@rte.test
	is 1 "$(keys home | wc -l)"
	is 0 "$(found last $(of_password) "$(printf %s "$canary" | hex)" $(ntlm_secrets "$(keys home)"))"
}

# serve_has_none HEX...: none is in its memory (any more)
serve_has_none() {
	core "$serve" after
	[ "$(found after "$@")" = 0 ]
}

@test "NTLM: rte serve, when the association is forgotten" {
	kerberos
	mkfifo orders
	PW=$canary serve_start --json --domain=rte.test --dialect=ocs --auth=ntlm --add-user=alice:env:PW --control=orders \
		--listen=tcp:127.0.0.1:0
	peer_up relay signing_relay 0 "$tcp" 120
	begin a register --server="$(peer_at relay)" -t tcp --dialect=ocs --auth=ntlm --user='RTE\alice' \
		--password="file:$BATS_TEST_TMPDIR/password" --keep sip:alice@rte.test
	stays a
	local key
	key=$(keys relay initiates)
	core "$serve" before
	is 1 "$(found before "$(md5_of "$key" server-to-client signing)")"
	is 0 "$(found before $(of_password))"
	echo 'forget alice' >orders
	wait_for 10 serve_has_none $(of_password) $(ntlm_secrets "$key")
}

@test "Kerberos: at the end of the process nothing is left, nor of an association before the present one" {
	kerberos
	scheme=kerberos
	home 4 Kerberos forget:2
	KRB5CCNAME=$(cache alice) begin a register --server="$at" -t tcp --dialect=ocs --auth=kerberos --keep -x 2 sip:alice@rte.test
	wait_for 15 key_count home 2 || peer_says home
	comes 8 a 2 '.type == "registration" and .cause == "refreshed"'
	core "${kept[a]}" running
	is 0 "$(found running "$(keys home | sed -n 1p)")"
	is 1 "$(found running "$(keys home | sed -n 2p)")"
	stop a
	peer_down home 0
	home 4 Kerberos
	printf pw-alice >"$BATS_TEST_TMPDIR/password"
	at_exit register --server="$at" -t tcp --dialect=ocs --auth=kerberos --user=alice@RTE.TEST \
		--password="file:$BATS_TEST_TMPDIR/password" sip:alice@rte.test
	is 1 "$(keys home | wc -l)"
	is 0 "$(found last "$(keys home)" "$(printf pw-alice | hex)")"
}

@test "no secret in trace, records, the libraries' logs and ps" {
	kerberos
	local key secret
	home 4 NTLM
	begin a register --server="$at" -t tcp --dialect=ocs --auth=ntlm --user='RTE\alice' --keep -vvv --trace="$PWD/trace" \
		--password="file:$BATS_TEST_TMPDIR/password" sip:alice@rte.test
	stays a
	ps -eo args >"$PWD/ps"
	stop a
	key=$(keys home)
	for secret in "$canary" $(of_password) $(ntlm_secrets "$key"); do
		for file in trace ps "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/a.err"; do
			! grep -qiF -e "$secret" "$file" || false
			! grep -qF -e "$(bytes "$secret" | base64 -w0 | head -c 20)" "$file" || false
		done
	done
	grep -q 'gssapi-data=' trace
	! grep -qE 'TlRMTVNTUAAD|gssapi-data="[A-Za-z0-9+/]{4}' trace "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/a.err" || false
	peer_down home 0
	home 4 Kerberos
	printf pw-alice >"$BATS_TEST_TMPDIR/password"
	KRB5_TRACE=$PWD/krb5 KRB5CCNAME=$(cache alice) begin b register --server="$at" -t tcp --dialect=ocs --auth=kerberos \
		--user=alice@RTE.TEST --password="file:$BATS_TEST_TMPDIR/password" -vvv --trace="$PWD/trace" sip:alice@rte.test
	ends b 10 0
	[ -s krb5 ]
	! grep -qF -e pw-alice -e "$(keys home)" trace krb5 "$BATS_TEST_TMPDIR/b" "$BATS_TEST_TMPDIR/b.err" || false
	! grep -qE 'gssapi-data="[A-Za-z0-9+/]{4}' trace "$BATS_TEST_TMPDIR/b" "$BATS_TEST_TMPDIR/b.err"
}
