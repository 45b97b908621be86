# tests/interop/pair.bash -- both ends of a call at once: load pair, which brings client.bash
#
# The ends run in the background (begin of client.bash) and are known by their names.

load client

# identity NAME: arguments that give a TLS end the certificate of pki.sh with that name, and the CA that signed it
identity() {
	echo "--cacert=$RTE_PKI/ca.pem --cert=$RTE_PKI/$1.pem --key=$RTE_PKI/$1.key"
}
# await NAME ARG...: `rte listen`, back when its sockets are bound
await() {
	local name=$1
	shift
	begin "$name" listen "$@"
	comes 10 "$name" 1 '.type == "listening"'
}
# port_of NAME TRANSPORT [ADDRESS]: where it listens
port_of() {
	records "$1" '.type == "listening"' | jq -r --arg t "$2" --arg a "${3:-127.0.0.1}" \
		'.local[] | select(.transport == $t and .address == $a) | .port'
}
# is WANTED FOUND
is() {
	[ "$1" = "$2" ] || {
		printf 'wanted: %s\nfound:  %s\n' "$1" "$2"
		return 1
	}
}
# story NAME: what its dialogs went through: "d1 early d1 confirmed d1 terminated/remote-bye"
story() {
	records "$1" '.type == "dialog"' | jq -r '.dialog + " " + .state + (if .change then "/" + .change else "" end)
		+ (if .cause then "/" + .cause else "" end)' | uniq | paste -sd ' '
}
# has_story NAME PATTERN: an extended regular expression for all of it
has_story() {
	story "$1" | grep -Eqx -e "$2" || {
		echo "wanted: $2"
		echo "found:  $(story "$1")"
		return 1
	}
}
# last NAME FILTER FIELDS: FIELDS (of jq) of the last record that is FILTER
last() {
	jq -nrR "[inputs | fromjson? | select($2)] | last // empty | $3" "$BATS_TEST_TMPDIR/$1"
}
confirmed='.type == "dialog" and .state == "confirmed"'
terminated='.type == "dialog" and .state == "terminated"'
# one_dialog A B: the last dialog of both is the same one, seen from its two ends (RFC 3261 section 12)
one_dialog() {
	is "$(last "$1" "$terminated" '[.call_id, .local_tag, .remote_tag] | join(" ")')" \
		"$(last "$2" "$terminated" '[.call_id, .remote_tag, .local_tag] | join(" ")')"
	is 'initiator recipient' "$(last "$1" "$terminated" .direction) $(last "$2" "$terminated" .direction)"
}
# methods NAME sent|received: the requests, in order; the ACK to anything but a 2xx belongs to the INVITE and is no record
methods() {
	records "$1" ".type == \"request\" and .direction == \"$2\"" | jq -r .method | paste -sd ' '
}
# failed_with NAME PATTERN: some error record reads so
failed_with() {
	records "$1" '.type == "error"' | jq -r .detail | grep -Eq -e "$2" || kept_is "$1"
}

# ---- at the Kamailio of client.bash

# member NAME COMMAND USER ARG...: as USER of rte.test, with the right password, everything through Kamailio at $at
member() {
	local name=$1 command=$2 user=$3
	shift 3
	SECRET=${secret:-pw-$user} begin "$name" "$command" --server="${at:-127.0.0.1}" --cacert="$RTE_PKI/ca.pem" \
		--password=env:SECRET -a "sip:$user@rte.test" "$@"
}
# phone NAME USER ARG...: `rte listen --register`, back when it is registered
phone() {
	local name=$1 user=$2
	shift 2
	member "$name" listen "$user" --register "$@"
	stays "$name"
}

# ---- baresip: see baresip.sh

baresip_start() { # [NAME=VALUE...]
	need baresip socat jq
	pki
	"$interop/baresip.sh" start "$BATS_FILE_TMPDIR/baresip" PKI="$RTE_PKI" "$@" 3>&-
}
baresip_stop() {
	"$interop/baresip.sh" stop "$BATS_FILE_TMPDIR/baresip"
}
baresip() { # ask COMMAND [PARAMS], events, wire START [N]
	local command=$1
	shift
	"$interop/baresip.sh" "$command" "$BATS_FILE_TMPDIR/baresip" "$@" 3>&-
}
# baresip_saw N TYPE: it told at least N times of TYPE
baresip_saw() {
	[ "$(baresip events | jq -r .type | grep -cx "$2")" -ge "$1" ]
}
# baresip_soon N TYPE
baresip_soon() {
	wait_for 5 baresip_saw "$@" || {
		baresip events
		return 1
	}
}
