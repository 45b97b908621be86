#!/usr/bin/env bats
# tests/interop/ntlm.bats -- lib/auth's NTLM against two implementations that are not ours: gss-ntlmssp, as a server and as a
# client without a connection (tests/peers/ntlm_acceptor.c), and Samba's ntlm_auth, a server with one

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	peers=${RTE%/cli/rte}/tests/peers
	[ -x "$peers/ntlm_side" ] || { echo "$peers/ntlm_side is not built"; return 1; }
	ls /usr/lib/*/gssntlmssp/gssntlmssp.so >/dev/null 2>&1 || missing "gss-ntlmssp is not installed"
	declare -gA to=() from=()
	running=()
	cat >users.txt <<-'END'
		CONTOSO:alice:p@ssw0rd
		CONTOSO:Jürgen:päss€
		CONTOSO:Жанна:пароль
	END
	export NTLM_USER_FILE=$PWD/users.txt NETBIOS_COMPUTER_NAME=SERVER NETBIOS_DOMAIN_NAME=CONTOSO LM_COMPAT_LEVEL=3
	export NTLM_PASSWORD='p@ssw0rd' LC_ALL=C
}
teardown() {
	local pid
	for pid in "${running[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
}

# ---- programs that are spoken to by lines

# talk NAME COMMAND...: starts it; an earlier one of that name ends
talk() {
	local name=$1 fd
	shift
	[ -z "${to[$name]:-}" ] || { fd=${to[$name]} && exec {fd}>&-; fd=${from[$name]} && exec {fd}<&-; }
	rm -f "$name.to" "$name.from"
	mkfifo "$name.to" "$name.from"
	"$@" <"$name.to" >"$name.from" 2>>"$name.err" 3>&- &
	running+=($!)
	disown
	exec {fd}>"$name.to"
	to[$name]=$fd
	exec {fd}<"$name.from"
	from[$name]=$fd
}
# hears NAME WORD: the next line begins with WORD; what follows it is in $heard
hears() {
	local line
	IFS= read -r -t 10 line <&"${from[$1]}" || { echo "$1 says nothing" && cat "$1.err" && return 1; }
	[[ $line == "$2" || $line == "$2 "* ]] || { echo "$1 says: $line, not $2" && return 1; }
	heard=${line#"$2"}
	heard=${heard# }
}
# asks NAME WORD LINE...: hears the answer to LINE
asks() {
	local name=$1 word=$2
	shift 2
	echo "$*" >&"${to[$name]}"
	hears "$name" "$word"
}
hex() { # TEXT
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}
# flip HEX AT: with another byte at AT (from the end when it is below 0)
flip() {
	local at=$(($2 < 0 ? ${#1} / 2 + $2 : $2))
	printf '%s%02x%s' "${1:0:at*2}" $((0x${1:at*2:2} ^ 0x40)) "${1:at*2+2}"
}
# le16 HEX AT: the number there
le16() {
	echo $((0x${1:$2*2+2:2}${1:$2*2:2}))
}
base64_of() { # HEX
	printf %s "${1^^}" | basenc --base16 -d | base64 -w 0
}
hex_of() { # BASE64
	printf %s "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n'
}

# ---- gss-ntlmssp is the server

# challenged CLIENT-ARG...: a new pair, and our answer: $challenge $answer
challenged() {
	talk gss "$peers/ntlm_acceptor" accept
	hears gss challenge
	challenge=$heard
	talk side "$peers/ntlm_side" client "$@"
	asks side authenticate challenge "$challenge"
	answer=$heard
}
# sign_both A B: three signatures each way, then forgeries
sign_both() {
	local n text mic from_to
	for n in 1 2 3; do
		for from_to in "$1 $2" "$2 $1"; do
			set -- $from_to
			text=$(hex "<NTLM><0a0b0c0d><$n><message from $1>")
			asks "$1" mic sign "$text"
			mic=$heard
			[ "${mic:24}" = 64000000 ]
			asks "$2" good verify "$text" "$mic"
		done
	done
	for from_to in "$1 $2" "$2 $1"; do
		set -- $from_to
		asks "$1" mic sign "$text"
		mic=$heard
		asks "$2" bad verify "$(flip "$text" 3)" "$mic"
		asks "$2" bad verify "$text" "$(flip "$mic" 5)"
		asks "$2" bad verify "$text" "$(flip "$mic" 11)"
		asks "$2" bad verify "$text" "${mic:0:24}65000000"
		asks "$1" bad verify "$text" "$mic" # reflected
		asks "$2" good verify "$text" "$mic"
	done
}

@test "gss-ntlmssp accepts us with a MIC and without, and both sign" {
	challenged 'CONTOSO\alice'
	[ "$(le16 "$answer" 32)" = 88 ] # the domain is behind the MIC
	asks gss 'complete CONTOSO\alice' authenticate "$answer"
	sign_both side gss
	challenged 'CONTOSO\alice' no-mic workstation=DESK
	[ "$(le16 "$answer" 32)" = 72 ]
	asks gss 'complete CONTOSO\alice' authenticate "$answer"
	sign_both side gss
}
@test "gss-ntlmssp accepts names and passwords that are not ASCII" {
	NTLM_PASSWORD='päss€' challenged 'CONTOSO\Jürgen' workstation=Büro
	asks gss 'complete CONTOSO\Jürgen' authenticate "$answer"
	sign_both side gss
	NTLM_PASSWORD='пароль' challenged 'CONTOSO\Жанна'
	asks gss 'complete CONTOSO\Жанна' authenticate "$answer"
	sign_both side gss
}
@test "gss-ntlmssp: a user without a domain gets the server's" {
	challenged alice
	asks gss 'complete CONTOSO\alice' authenticate "$answer"
	sign_both side gss
}
@test "gss-ntlmssp refuses a wrong password, an unknown user, a flipped proof, MIC or key" {
	local nt
	NTLM_PASSWORD=wrong challenged 'CONTOSO\alice'
	asks gss refused authenticate "$answer"
	challenged 'CONTOSO\mallory'
	asks gss refused authenticate "$answer"
	challenged 'CONTOSO\alice'
	asks gss refused authenticate "$(flip "$answer" 75)" # the MIC
	challenged 'CONTOSO\alice' no-mic
	nt=$(le16 "$answer" 24)
	asks gss refused authenticate "$(flip "$answer" "$nt")" # the proof
	challenged 'CONTOSO\alice'
	asks gss refused authenticate "$(flip "$answer" -1)" # the session key: the MIC tells
	challenged 'CONTOSO\alice'
	asks gss 'complete CONTOSO\alice' authenticate "$answer"
}
@test "gss-ntlmssp without extended session security: we refuse it as weak" {
	export LM_COMPAT_LEVEL=0
	talk gss "$peers/ntlm_acceptor" accept
	hears gss challenge
	challenge=$heard
	talk side "$peers/ntlm_side" client 'CONTOSO\alice'
	asks side refused challenge "$challenge"
	[[ $heard == *'too weak: it lacks EXTENDED_SESSIONSECURITY'* ]]
	talk side "$peers/ntlm_side" client 'CONTOSO\alice' v1
	asks side authenticate challenge "$challenge"
}
@test "gss-ntlmssp takes the NTLM2 session response, when NTLMv1 is asked for" {
	challenged 'CONTOSO\alice' v1
	[ "$(le16 "$answer" 20)" = 24 ]
	asks gss 'complete CONTOSO\alice' authenticate "$answer"
	sign_both side gss
	# It does not look at the response of NTLMv1 (Samba does, see below), but its keys are other ones.
	NTLM_PASSWORD=wrong challenged 'CONTOSO\alice' v1
	asks gss complete authenticate "$answer"
	asks side mic sign "$(hex text)"
	asks gss bad verify "$(hex text)" "$heard"
}

# ---- gss-ntlmssp is the client

# answered USER SERVER-ARG...: a new pair, and its answer to our challenge: $challenge $answer
answered() {
	local user=$1
	shift
	talk side "$peers/ntlm_side" server "$@"
	hears side challenge
	challenge=$heard
	talk gss "$peers/ntlm_acceptor" initiate "$user"
	asks gss authenticate challenge "$challenge"
	answer=$heard
}

@test "our server accepts gss-ntlmssp, with a time and without, and both sign" {
	answered 'CONTOSO\alice' CONTOSO SERVER
	asks side 'complete CONTOSO\alice' authenticate "$answer"
	sign_both gss side
	answered 'CONTOSO\alice' CONTOSO SERVER no-time
	asks side 'complete CONTOSO\alice' authenticate "$answer"
	sign_both gss side
	answered 'CONTOSO\alice' Büro Straße
	asks side 'complete CONTOSO\alice' authenticate "$answer"
	sign_both gss side
}
@test "our server accepts gss-ntlmssp with names that are not ASCII" {
	export NTLM_PASSWORD='päss€'
	answered 'CONTOSO\Jürgen' CONTOSO SERVER
	asks side 'complete CONTOSO\Jürgen' authenticate "$answer"
	sign_both gss side
}
@test "our server refuses gss-ntlmssp with a wrong password, a flipped proof or name" {
	talk side env NTLM_PASSWORD=other "$peers/ntlm_side" server CONTOSO SERVER
	hears side challenge
	talk gss "$peers/ntlm_acceptor" initiate 'CONTOSO\alice'
	asks gss authenticate challenge "$heard"
	asks side refused authenticate "$heard"
	[[ $heard == *'is not right' ]]
	answered 'CONTOSO\alice' CONTOSO SERVER
	asks side refused authenticate "$(flip "$answer" "$(le16 "$answer" 24)")"
	asks side refused authenticate "$(flip "$answer" "$(le16 "$answer" 40)")"
	asks side refused authenticate "$(flip "$answer" "$(le16 "$answer" 32)")"
	asks side 'complete CONTOSO\alice' authenticate "$answer"
	# It sends no MIC, so only the signatures tell that the session key was changed.
	answered 'CONTOSO\alice' CONTOSO SERVER
	asks side complete authenticate "$(flip "$answer" "$(le16 "$answer" 56)")"
	asks gss mic sign "$(hex text)"
	asks side bad verify "$(hex text)" "$heard"
}
@test "our weak server accepts gss-ntlmssp's NTLMv1 and NTLMv2, and verifies without extended session security" {
	local level mic
	for level in 0 2 3; do
		export LM_COMPAT_LEVEL=$level
		answered 'CONTOSO\alice' CONTOSO SERVER weak
		asks side 'complete CONTOSO\alice' authenticate "$answer"
		# only the first: then its RC4 stream does not begin anew
		asks gss mic sign "$(hex first)"
		mic=$heard
		asks side bad verify "$(hex other)" "$mic"
		asks side good verify "$(hex first)" "$mic"
		talk side env NTLM_PASSWORD=other "$peers/ntlm_side" server CONTOSO SERVER weak
		hears side challenge
		talk gss "$peers/ntlm_acceptor" initiate 'CONTOSO\alice'
		asks gss authenticate challenge "$heard"
		asks side refused authenticate "$heard"
	done
}

# ---- Samba is the server; it has a connection, so we leave the MIC out (it would cover its NEGOTIATE too)

negotiate=4E544C4D5353500001000000978208E200000000000000000000000000000000 # and the version:
negotiate+=0601B01D0000000F
key=00112233445566778899aabbccddeeff

# samba USER DOMAIN [SETTING]: $challenge
samba() {
	need ntlm_auth
	printf '[global]\n%s\n' "${3:-}" >smb.conf
	talk samba ntlm_auth --helper-protocol=squid-2.5-ntlmssp --username="$1" --domain="$2" --password="$NTLM_PASSWORD" \
		--configfile=smb.conf
	asks samba TT YR "$(base64_of $negotiate)"
	challenge=$(hex_of "$heard")
}

@test "Samba's ntlm_auth accepts us and has the same session key" {
	samba alice CONTOSO
	talk side "$peers/ntlm_side" client 'CONTOSO\alice' connected no-mic key=$key
	asks side authenticate challenge "$challenge"
	asks samba 'AF CONTOSO\alice' KK "$(base64_of "$heard")"
	asks samba GK GK
	[ "$(hex_of "$heard")" = $key ]
}
@test "Samba's ntlm_auth accepts a name that is not ASCII" {
	export NTLM_PASSWORD='päss€' LC_ALL=C.UTF-8
	samba Jürgen CONTOSO
	talk side "$peers/ntlm_side" client 'CONTOSO\Jürgen' connected no-mic key=$key
	asks side authenticate challenge "$challenge"
	asks samba 'AF CONTOSO\Jürgen' KK "$(base64_of "$heard")"
	asks samba GK GK
	[ "$(hex_of "$heard")" = $key ]
}
@test "Samba's ntlm_auth refuses a wrong password and a flipped proof" {
	samba alice CONTOSO
	talk side env NTLM_PASSWORD=wrong "$peers/ntlm_side" client 'CONTOSO\alice' connected no-mic
	asks side authenticate challenge "$challenge"
	asks samba NA KK "$(base64_of "$heard")"
	samba alice CONTOSO
	talk side "$peers/ntlm_side" client 'CONTOSO\alice' connected no-mic
	asks side authenticate challenge "$challenge"
	asks samba NA KK "$(base64_of "$(flip "$heard" "$(le16 "$heard" 24)")")"
}

@test "Samba's ntlm_auth, told to, takes the NTLM2 session response" {
	local v1='ntlm auth = yes'
	samba alice CONTOSO "$v1"
	talk side "$peers/ntlm_side" client 'CONTOSO\alice' connected v1 key=$key
	asks side authenticate challenge "$challenge"
	asks samba 'AF CONTOSO\alice' KK "$(base64_of "$heard")"
	asks samba GK GK
	[ "$(hex_of "$heard")" = $key ]
	samba alice CONTOSO "$v1"
	talk side env NTLM_PASSWORD=wrong "$peers/ntlm_side" client 'CONTOSO\alice' connected v1
	asks side authenticate challenge "$challenge"
	asks samba NA KK "$(base64_of "$heard")"
}

# ---- OpenSSL

@test "without OpenSSL's legacy provider NTLM says what it needs" {
	talk side env OPENSSL_MODULES=/nonexistent "$peers/ntlm_side" server CONTOSO SERVER
	hears side refused
	[[ $heard == *"NTLM needs OpenSSL's legacy provider (legacy.so)" ]]
}
@test "an openssl.cnf that asks for FIPS does not take NTLM away" {
	cat >openssl.cnf <<-'END'
		openssl_conf = all
		[all]
		alg_section = evp
		[evp]
		default_properties = fips=yes
	END
	talk side env OPENSSL_CONF="$PWD/openssl.cnf" "$peers/ntlm_side" server CONTOSO SERVER
	hears side challenge
}
