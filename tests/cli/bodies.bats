#!/usr/bin/env bats
# tests/cli/bodies.bats -- bodies of notifications: decoded in text and JSON, malformed ones as they came with the reason,
# nothing of them reaching a terminal; and those of the corpus against the schema.

load helper

setup() {
	fresh_home
	need socat
}
teardown() {
	reap_all
}

# listen_start ARG...: $udp is where it is reached
listen_start() {
	local ready=$BATS_TEST_TMPDIR/listen.ready
	rm -f "$ready"
	spawn listen listen --p2p --unsolicited --listen=udp:127.0.0.1:0 --ready-file="$ready" "$@"
	listener=$spawned
	wait_for 10 test -s "$ready"
	udp=$(sed -n 's/^udp://p' "$ready")
}
# listen_ends CODE: by itself; what it printed is in $output and $stderr
listen_ends() {
	status=0
	wait_for 10 gone "$listener"
	wait "$listener" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/listen.out")
	stderr=$(<"$BATS_TEST_TMPDIR/listen.err")
	[ "$status" = "$1" ] || what_happened
}
# notify TYPE <BODY: an unsolicited NOTIFY, which must get a 200
notify() {
	local id=$RANDOM$RANDOM answer # this runs behind a pipe, so it cannot count
	cat >"$HOME/body"
	{
		printf '%s\r\n' "NOTIFY sip:bob@$udp SIP/2.0" "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-n-$id;rport" \
			'Max-Forwards: 70' 'From: <sip:pbx@example.com>;tag=1' "To: <sip:bob@$udp>" "Call-ID: n-$id" 'CSeq: 1 NOTIFY' \
			'Event: x' 'Subscription-State: active' "Content-Type: $1" "Content-Length: $(wc -c <"$HOME/body")" ''
		cat "$HOME/body"
	} >"$HOME/message" # whole, so that it is one datagram
	answer=$(timeout 3 socat -t 1 - "UDP4:$udp" <"$HOME/message")
	[[ $answer == 'SIP/2.0 200 '* ]] || {
		echo "answered: $answer"
		return 1
	}
}

summary=$'Messages-Waiting: yes\r\nMessage-Account: sip:bob@vmail.example.com\r\nVoice-Message: 4/8 (1/2)\r\n'

@test "a body of a known type is an object in JSON" {
	listen_start -j -c 1
	printf %s "$summary" | notify application/simple-message-summary
	listen_ends 0
	records
	[ "$(record 'select(.type == "notify") | .body | tojson')" = \
		'{"message_account":"sip:bob@vmail.example.com","messages_waiting":true,"voice_message":{"new":4,"old":8,"urgent_new":1,"urgent_old":2}}' ] ||
		what_happened
}

@test "the same facts are lines for people" {
	listen_start -c 1
	printf %s "$summary" | notify application/simple-message-summary
	listen_ends 0
	says '^  messages_waiting  yes$'
	says '^  message_account   sip:bob@vmail\.example\.com$'
	says '^  voice_message     new 4  old 8  urgent_new 1  urgent_old 2$'
}

@test "a malformed one gets its 200, and is shown as it came with line and column" {
	listen_start -j -c 2
	printf '<presence>\r\n<tuple></presence>' | notify application/pidf+xml
	printf '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>' | notify application/dialog-info+xml
	listen_ends 0
	records
	[ "$(record 'select(.type == "notify") | .body_error')" = $'line 2 column 10: mismatched tag\nline 1 column 13: a document type declaration (DTD) is not taken' ] ||
		what_happened
	[ "$(record 'select(.type == "notify") | .body | type' | sort -u)" = string ] || what_happened
	listen_start -c 1
	printf '<presence>\r\n<tuple></presence>' | notify application/pidf+xml
	listen_ends 0
	says '^  <tuple></presence>$'
	says '^  malformed  line 2 column 10: mismatched tag$'
}

@test "types that are not decoded are text or base64" {
	listen_start -j -c 2
	printf '<kpml-response version="1.0" code="200"/>' | notify application/kpml-response+xml
	printf '\x89PNG\xff' | notify image/png
	listen_ends 0
	records
	[ "$(record 'select(.type == "notify") | .body // .body_base64')" = $'<kpml-response version="1.0" code="200"/>\niVBOR/8=' ] || what_happened
	[ "$(record 'select(.type == "notify") | has("body_error")' | sort -u)" = false ] || what_happened
}

@test "control characters and passwords of a body reach no terminal" {
	local body='<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a:s3cret@b"><note>x&#x9b;31m&#10;notify  y</note></presence>'
	listen_start -c 1
	printf %s "$body" | notify application/pidf+xml
	listen_ends 0
	! LC_ALL=C grep -q $'\xc2\x9b' <<<"$output" || what_happened
	! grep -q s3cret <<<"$output" || what_happened
	[ "$(grep -c '^notify ' <<<"$output")" = 1 ] || what_happened
	says '^  entity  sip:a:<masked>@b$'
	listen_start -j -c 1
	printf %s "$body" | notify application/pidf+xml
	listen_ends 0
	records
	! grep -q s3cret <<<"$output" || what_happened
}

@test "every body of the corpus makes a record that fits the schema" {
	local bodies="$top/../shared/corpus/bodies" tools="${RTE%/cli/rte}/tests/tools" all=0 folder type n
	[ -r "$bodies/manifest.tsv" ] || missing "no corpus at $bodies"
	while read -r folder type; do
		"$tools/bodyjson" "$type" "$bodies/$folder"/* >"$HOME/records" 2>"$HOME/counts"
		check_records <"$HOME/records" || {
			echo "$folder"
			return 1
		}
		# what is malformed says where
		jq -r 'select(.body_error) | .body_error' "$HOME/records" >"$HOME/errors"
		! grep -Ev '^line [1-9][0-9]* column [1-9][0-9]*[ :]' "$HOME/errors" || return 1
		n=$(jq -r 'select(.type == "notify") | .type' "$HOME/records" | wc -l)
		echo "# $folder: $n: $(cat "$HOME/counts")" >&3
		all=$((all + n))
	done <<-TABLE
		pidf application/pidf+xml
		dialog-info application/dialog-info+xml
		reginfo application/reginfo+xml
		conference-info application/conference-info+xml
		watcherinfo application/watcherinfo+xml
		rlmi application/rlmi+xml
		iscomposing application/im-iscomposing+xml
		message-summary -
		sipfrag -
		multipart -
		kpml application/kpml-response+xml
		resource-lists application/resource-lists+xml
		rls-services application/rls-services+xml
		filter-set application/simple-filter+xml
		common-policy application/auth-policy+xml
		media-control application/media_control+xml
		xcap-diff application/xcap-diff+xml
	TABLE
	echo "# $all bodies of the corpus" >&3
	[ "$all" = "$(cat "$bodies/manifest.tsv" "$bodies/parts.tsv" | grep -vc '^file	')" ]
}
