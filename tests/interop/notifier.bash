# tests/interop/notifier.bash -- SIPp as notifier and as event state compositor: load notifier, which brings calls.bash
#
# A ladder (ladder.awk) says what SIPp does. Its usual parts are functions that print lines of one.

load calls

package=presence
target=sip:bob@rte.test

# pidf [STATUS]: lines of a body
pidf() {
	cat <<-END
	|<?xml version="1.0"?>
	|<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="$target"><tuple id="a"><status><basic>${1:-open}</basic></status></tuple></presence>
	END
}
# notify STATE [WORDS [LINE...]]: a NOTIFY with that Subscription-State (empty: none), with these words and lines of the ladder
notify() {
	echo "> NOTIFY ${2:-}"
	echo "+ Event: $package"
	[ -z "$1" ] || echo "+ Subscription-State: $1"
	[ $# -lt 3 ] || printf '%s\n' "${@:3}"
}
# opens [EXPIRES]: a subscription and its first notification
opens() {
	printf '%s\n' '< SUBSCRIBE' '> 200 OK' "+ Expires: ${1:-600}"
	notify "active;expires=${1:-600}"
	echo '< 200'
}
# refreshes [EXPIRES [CHECK...]]: the next SUBSCRIBE of the dialog, granted
refreshes() {
	printf '%s\n' '< SUBSCRIBE' '+ To: ;tag=sipp' '+ !Expires: ^ *0$'
	[ $# -lt 2 ] || printf '%s\n' "${@:2}"
	printf '%s\n' '> 200 OK' "+ Expires: ${1:-600}"
}
# closes [WORDS]: the end as the subscriber wants it: RFC 6665 4.1.2.3
closes() {
	printf '%s\n' '< SUBSCRIBE' '+ Expires: ^ *0$' '+ To: ;tag=' '> 200 OK' '+ Expires: 0'
	notify 'terminated;reason=timeout' "${1:-}"
	echo '< 200'
}

# subscribes CODE ARG...: rte at the notifier; its records are in $output, both ends are checked
subscribes() {
	local code=$1
	shift
	rte subscribe --json --server="$(in_uri "$ip"):$port" -t "$transport" -e "$package" -m 20s "$@" "$target"
	exits "$code"
	phone_ends
}
# publishes CODE ARG...
publishes() {
	local code=$1
	shift
	rte publish --json --server="$(in_uri "$ip"):$port" -t "$transport" -m 20s "$@" sip:alice@rte.test
	exits "$code"
	phone_ends
}
# background NAME ARG...: `rte subscribe`, see begin of client.bash
background() {
	local name=$1
	shift
	begin "$name" subscribe --server="$(in_uri "$ip"):$port" -t "$transport" -e "$package" -m 30s "$@" "$target"
	reap+=("${kept[$name]}")
}
# story: the subscription records of $output, as state/cause[/reason]
story() {
	events 'select(.type == "subscription") | [.state, .cause, .reason // empty] | join("/")'
}
# publications: the same of the publication records
publications() {
	events 'select(.type == "publication") | [.state, .cause] | join("/")'
}
# of_notify FIELDS: of each notify record
of_notify() {
	events "select(.type == \"notify\") | $1"
}
# waited: what the retry records announced, in ms
waited() {
	events 'select(.type == "retry") | .wait_ms'
}
# near WANTED FOUND: ms, with 20 % of jitter and a bit
near() {
	within "$(awk "BEGIN { print $1 * 0.79 }")" "$(awk "BEGIN { print $1 * 1.21 + 20 }")" "$2"
}
