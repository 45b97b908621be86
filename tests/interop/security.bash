# tests/interop/security.bash -- security associations of NTLM and Kerberos, and who else takes part in them: load security,
# which brings pair.bash
#
# Users are alice, bob and carol of the NTLM domain RTE and of the realm RTE.TEST, with the passwords pw-U. The programs of
# tests/peers have their mechanisms from gss-ntlmssp and MIT's Kerberos, which the environment of security_setup is for.

load pair

peers=${RTE%/cli/rte}/tests/peers
declare -gA peer_pids=()

# security_setup: for setup(); without gss-ntlmssp the test does not run
security_setup() {
	local user
	client_home
	need jq ss
	NTLMSSP_MODULE=$(echo /usr/lib/*/gssntlmssp/gssntlmssp.so)
	[ -e "$NTLMSSP_MODULE" ] || missing 'gss-ntlmssp is not installed'
	[ -x "$peers/signing_relay" ] || missing 'the peers for security associations are not built: no krb5-gssapi'
	export NTLMSSP_MODULE NTLM_USER_FILE=$BATS_TEST_TMPDIR/users
	export NETBIOS_COMPUTER_NAME=SERVER NETBIOS_DOMAIN_NAME=RTE LM_COMPAT_LEVEL=3
	for user in alice bob carol; do
		echo "RTE:$user:pw-$user"
	done >"$NTLM_USER_FILE"
	mkdir "$BATS_TEST_TMPDIR/peers" # what they print is not among the records of client.bash
	cd "$BATS_TEST_TMPDIR/peers"
}
# security_teardown: for teardown()
security_teardown() {
	local name
	kept_stop
	for name in "${!peer_pids[@]}"; do
		kill -KILL "${peer_pids[$name]}" 2>/dev/null || true
	done
	reap_all
}

# ---- peers in the background: what they print is in the file NAME

# peer_up NAME PROGRAM ARG...
peer_up() {
	local name=$1 program=$2
	shift 2
	# what libpurple and gss-ntlmssp leak is not ours to judge
	ASAN_OPTIONS=detect_leaks=0 "$peers/$program" "$@" >"$name" 2>"$name.err" </dev/null 3>&- &
	peer_pids[$name]=$!
	wait_for 5 peer_is_ready "$name" || peer_says "$name"
}
peer_is_ready() {
	grep -q '^ready ' "$1" || gone "${peer_pids[$1]}"
	grep -q '^ready ' "$1"
}
# peer_at NAME: where it listens
peer_at() {
	sed -n 's/^ready /127.0.0.1:/p' "$1"
}
# peer_says NAME: for a test that fails
peer_says() {
	echo "-- $1:"
	cat "$1" "$1.err"
	return 1
}
# peer_down NAME CODE: it ends at TERM, with CODE
peer_down() {
	local code=0
	kill -TERM "${peer_pids[$1]}" 2>/dev/null || true
	wait "${peer_pids[$1]}" || code=$?
	unset "peer_pids[$1]"
	[ "$code" = "$2" ] || {
		echo "$1: exit $code, wanted $2"
		peer_says "$1"
	}
}
# total NAME WORD: a figure of its last line
total() {
	sed -n "s/^total .*\\<$2 \\([0-9]*\\).*/\\1/p" "$1"
}
# lines NAME PATTERN: how many of its lines are that, whole (an extended regular expression)
lines() {
	grep -Ecx -e "$2" "$1" || true
}
# has NAME N PATTERN: exactly N lines
has() {
	is "$2 of $3" "$(lines "$1" "$3") of $3" || peer_says "$1"
}
# soon NAME PATTERN [SECONDS]: such a line comes
soon() {
	wait_for "${3:-8}" grep -Eqx -e "$2" "$1" || peer_says "$1"
}

# ---- pidgin-sipe: orders go to descriptor 8 of alice, 7 of bob ...

declare -gA sipe_fds=()
# sipe NAME USER HOST:PORT tcp|tls ntlm|krb5 [PASSWORD [ACCOUNT]]: without a password it is single sign-on
sipe() {
	local name=$1 user=$2 fd dir=$BATS_TEST_TMPDIR/sipe-$1
	[ -x "$peers/sipe" ] || missing 'libpurple-dev is not installed'
	[ -e /usr/lib/purple-2/libsipe.so ] || missing 'pidgin-sipe is not installed'
	mkdir -p "$dir"
	rm -f "$name.orders"
	mkfifo "$name.orders"
	env ${6:+"SIPE_PASSWORD=$6"} ASAN_OPTIONS=detect_leaks=0 "$peers/sipe" "$dir" "$3" "$4" "$5" 120 \
		"${7:-$user@rte.test,RTE\\$user}" <"$name.orders" >"$name" 2>"$name.err" 3>&- &
	peer_pids[$name]=$!
	exec {fd}>"$name.orders"
	sipe_fds[$name]=$fd
}
# order NAME TEXT
order() {
	echo "$2" >&"${sipe_fds[$1]}"
}
# sipe_quits NAME: in an orderly way
sipe_quits() {
	order "$1" quit
	sipe_ends "$1" 0
}
# sipe_ends NAME CODE [SECONDS]
sipe_ends() {
	local code=0 fd=${sipe_fds[$1]}
	wait_for "${3:-10}" gone "${peer_pids[$1]}" || peer_says "$1"
	wait "${peer_pids[$1]}" || code=$?
	unset "peer_pids[$1]"
	exec {fd}>&-
	[ "$code" = "$2" ] || {
		echo "$1: exit $code, wanted $2"
		peer_says "$1"
	}
}
# sipe_trusts NAME HOST: its certificate of pki.sh is the one that libpurple has seen before
sipe_trusts() {
	pki
	mkdir -p "$BATS_TEST_TMPDIR/sipe-$1/certificates/x509/tls_peers"
	cp "$RTE_PKI/server.pem" "$BATS_TEST_TMPDIR/sipe-$1/certificates/x509/tls_peers/$2"
}

# ---- the KDC of kdc.sh, one a file

# kdc_start: for setup_file()
kdc_start() {
	need krb5kdc kadmin.local kinit
	"$interop/kdc.sh" start "$BATS_FILE_TMPDIR/kdc" 3>&-
}
kdc_stop() {
	"$interop/kdc.sh" stop "$BATS_FILE_TMPDIR/kdc"
}
# kerberos: the environment of this test is that of the KDC; alice, bob and carol have tickets in the files of cache USER
kerberos() {
	local user
	. "$BATS_FILE_TMPDIR/kdc/env"
	export KRB5RCACHENAME=none:
	for user in alice bob carol; do
		"$interop/kdc.sh" kinit "$BATS_FILE_TMPDIR/kdc" "$user" -c "$(cache "$user")"
	done
}
cache() { # USER
	echo "FILE:$BATS_TEST_TMPDIR/cache-$1"
}

# ---- rte serve and rte

# server SCHEMES ARG...: `rte serve` in dialect ocs with alice, bob and carol; see serve_start. Its records are $served.
server() {
	local schemes=$1 user adds=()
	shift
	served=$BATS_TEST_TMPDIR/serve.out
	pki
	for user in alice bob carol; do
		export "PW_$user=pw-$user"
		adds+=("--add-user=$user:env:PW_$user")
	done
	[[ $schemes != *kerberos* ]] || adds+=("--keytab=${KRB5_KTNAME#FILE:}")
	serve_start --json --domain=rte.test --dialect=ocs --auth="$schemes" "${adds[@]}" \
		--cert="$RTE_PKI/server.pem" --key="$RTE_PKI/server.key" --listen=tcp:127.0.0.1:0 --listen=tls:127.0.0.1:0 "$@"
}
# served_says SECONDS N FILTER: soon N records of it are FILTER
served_says() {
	wait_for "$1" served_has "$2" "$3" || {
		cat "$served"
		return 1
	}
}
served_has() {
	jq -neR "[inputs | fromjson? | select($2)] | length >= $1" "$served" >/dev/null
}
# secured NAME COMMAND USER ARG...: rte in the background as USER, with $scheme, $transport and $dialect (ocs) through
# $at; see begin. NTLM has
# the user's password (or $secret), Kerberos the ticket cache.
secured() {
	local name=$1 command=$2 user=$3
	local -a credentials=("--auth=$scheme" "--dialect=${dialect:-ocs}")
	shift 3
	[ "$scheme" = kerberos ] || credentials+=("--user=RTE\\$user" --password=env:SECRET)
	SECRET=${secret:-pw-$user} KRB5CCNAME=$(cache "$user") begin "$name" "$command" --server="$at" -t "$transport" \
		--cacert="$RTE_PKI/ca.pem" "${credentials[@]}" "$@"
}
# as USER: the identity of one
as() {
	echo "-a sip:$1@rte.test"
}
