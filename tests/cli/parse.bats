#!/usr/bin/env bats
# tests/cli/parse.bats -- rte parse: what is in message files, and where what is wrong

load helper

setup() {
	fresh_home
	cd "$HOME" || return
}

# message NAME: stdin as a file with CRLF
message() {
	sed 's/$/\r/' >"$1"
}
good() {
	message "$1" <<-'TEXT'
		OPTIONS sip:bob@example.com SIP/2.0
		Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
		Max-Forwards: 70
		From: "Alice" <sip:alice@example.com>;tag=1
		To: <sip:bob@example.com>
		Call-ID: one@192.0.2.1
		CSeq: 7 OPTIONS
		Content-Length: 0

	TEXT
}
findings() {
	record 'select(.type == "parsed") | .finding[] | [.severity, .line, .column, .offset, .detail] | join(" ")'
}

@test "a good message: what is in it, as text and as JSON" {
	good one
	rte parse one
	ended_with 0
	[ "$output" = "one  OPTIONS sip:bob@example.com SIP/2.0  $(wc -c <one) bytes  accept
  Via               SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
  Max-Forwards      70
  From              \"Alice\" <sip:alice@example.com>;tag=1
  To                <sip:bob@example.com>
  Call-ID           one@192.0.2.1
  CSeq              7 OPTIONS
  Content-Length    0" ] || what_happened
	[ -z "$stderr" ] || what_happened
	rte parse -j -v one
	ended_with 0
	records
	[ "$(record .type | tr '\n' ' ')" = 'start parsed end ' ] || what_happened
	[ "$(record 'select(.type == "parsed") | [.method, .request_uri, .call_id, .cseq, .branch, .from.display_name, .to.uri, .valid,
		.verdict] | join(" ")')" = \
		'OPTIONS sip:bob@example.com one@192.0.2.1 7 z9hG4bK1 Alice sip:bob@example.com true accept' ] || what_happened
	[ "$(record 'select(.type == "parsed") | .header[] | .name' | paste -sd ' ')" = \
		'Via Max-Forwards From To Call-ID CSeq Content-Length' ] || what_happened
	# an offset is a byte of the file
	offset=$(record 'select(.type == "parsed") | .header[] | select(.name == "CSeq") | .offset')
	[ "$(tail -c "+$((offset + 1))" one | head -c 4)" = CSeq ] || what_happened
	record 'select(.type == "parsed") | .raw' | head -c -1 | cmp - one
	captured "$RTE" parse - <one
	ended_with 0
	says '^-  OPTIONS '
}

@test "a response, with a body" {
	message r <<-'TEXT'
		SIP/2.0 200 OK
		Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1
		From: <sip:a@b>;tag=1
		To: <sip:b@b>;tag=2
		Call-ID: 1
		CSeq: 7 MESSAGE
		Content-Type: text/plain
		Content-Length: 4

		hi
	TEXT
	rte parse -j r
	ended_with 0
	records
	[ "$(record 'select(.type == "parsed") | [.status_code, .reason_phrase, .method, .content_type, .body] | @json')" = \
		'[200,"OK","MESSAGE","text/plain","hi\r\n"]' ] || what_happened
}

@test "what is no message: where it ends to be one" {
	while IFS='|' read -r place detail text; do
		printf '%b' "$text" >bad
		rte parse -j bad
		ended_with 15
		records
		[ "$(findings | head -n 1)" = "error $place $detail" ] || what_happened
		[ "$(record 'select(.type == "parsed") | .valid')" = false ]
	done <<-'TABLE'
		1 1 0|there is no message|
		3 1 4|there is no message|\r\n\r\n
		1 8 7|no Request-URI behind the method|OPTIONS\r\n\r\n
		1 4 3|no start line: a byte that no method has|OPT@IONS sip:a SIP/2.0\r\n\r\n
		1 1 0|no start line: it begins with neither a method nor SIP/2.0|@ sip:a SIP/2.0\r\n\r\n
		1 9 8|no SIP version behind the Request-URI|OPTIONS sip:a\r\n\r\n
		1 15 14|the request line does not end in a SIP version|OPTIONS sip:a HTTP/1.1\r\n\r\n
		1 8 7|the status code is not three digits from 100 to 699|SIP/2.0 20 OK\r\n\r\n
		2 2 17|the header fields do not end: there is no blank line behind them|SIP/2.0 200 OK\r\n\r
		2 2 17|a header line without a name and a colon|SIP/2.0 200 OK\r\nA 1: x\r\n
	TABLE
}

@test "a line that is no header field: its line, column, byte, and a mark below it" {
	good one
	sed 's/^To:/To@/; s/^Call-ID:/Call ID:/' one >bad
	rte parse bad
	ended_with 15 '^rte: parse bad: line 5 column 3, byte 151: a header line without a name and a colon, and 1 more error$'
	says '^bad  no message  '
	says '^bad:5:3: error: a header line without a name and a colon  \(byte 151\)$'
	[ "$(grep -A 2 '^bad:5:3' <<<"$output" | tail -n 2)" = '    To@ <sip:bob@example.com>
      ^' ] || what_happened
	says '^bad:6:5: error: '
}

@test "an excerpt is safe for a terminal, and short" {
	good one
	{
		head -n 4 one
		printf 'X: %0100d\e[31m\x07\xff\x9b@@\r\nbad\x1b]0;x\x07 line\r\n' 0
		tail -n +5 one
	} >bad
	rte parse bad
	ended_with 15
	! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f-\xff]' <<<"$output$stderr" || what_happened
	[ "$(grep -A 1 '^bad:6:4' <<<"$output" | tail -n 1)" = '    bad.]0;x. line' ] || what_happened
	sed 's/^CSeq: 7/CSeq: \x1b7/' one >bad
	rte parse bad
	ended_with 15
	says '^bad:7:7: error: a control character in a header field'
	! LC_ALL=C grep -q $'\x1b' <<<"$output$stderr" || what_happened
}

@test "deep checks: every finding has its byte" {
	good one
	while IFS='|' read -r change place detail; do
		sed "$change" one >bad
		rte parse -j bad
		[ "$status" = 15 ] || what_happened
		records
		findings | grep -Eqx "error $place $detail" || what_happened
	done <<-'TABLE'
		/^Via/d|1 1 0|no Via header .*
		/^From/d|1 1 0|no From header .*
		/^To/d|1 1 0|no To header .*
		/^Call-ID/d|1 1 0|no Call-ID header .*
		/^CSeq/d|1 1 0|no CSeq header .*
		s/^OPTIONS /OPTIONS  /|1 8 7|more than one blank .*
		s/^OPTIONS sip:/OPTIONS sip /|1 9 8|malformed Request-URI
		s/sip:bob@example.com SIP/<sip:x> SIP/|1 9 8|malformed Request-URI
		s/2.0\r/3.0\r/|1 29 28|the version is not SIP/2\.0 .*
		s/;branch=.*\r/\r/|2 6 42|a Via without a branch .*
		s/UDP 192/UDP @192/|2 6 42|malformed Via header
		s/z9hG4bK1/z9hG4bK1, SIP@/|2 50 86|malformed Via header
		s/: 70/: 700/|3 15 100|malformed Max-Forwards header
		s/;tag=1//|4 7 110|a From without a tag .*
		s/<sip:bob@example.com>/<sip:bob@/|5 5 153|malformed To header
		s/^CSeq: 7 OPTIONS/CSeq: 7 INVITE/|7 9 208|the method of CSeq is not .*
		s/^CSeq: 7/CSeq: x/|7 7 206|malformed CSeq header
		s/^CSeq: 7/CSeq: 4294967296/|7 7 206|malformed CSeq header
		s/^Content-Length: 0/Content-Length: 5/|8 17 233|Content-Length is 5, but the body has 0 bytes
		s/^Content-Length: 0/Content-Length: -1/|8 17 233|malformed Content-Length header
		s/^Content-Length: 0/Contact: <sip:a@b>, <sip:/|8 21 237|malformed Contact header
		s/^Content-Length: 0/Call-ID: two/|8 10 226|a header field that may be there once .*
		s/^Content-Length: 0/Expires: never/|8 10 226|malformed Expires header
		s/^OPTIONS/INVITE/|1 1 0|an INVITE without a Contact .*
	TABLE
}

@test "bodies: their length, their type, and what is in them" {
	{
		good one
		sed 's/^Content-Length: 0/Content-Type: application\/sdp\r\nContent-Length: 62/' one
		printf 'v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio x RTP/AVP 0'
	} >bad
	rte parse -j bad
	ended_with 15
	records
	[ "$(findings | cut -d ' ' -f 1-4)" = 'error 15 1 326' ] || [ "$(findings | cut -d ' ' -f 1-2)" = 'error 15' ] || what_happened
	[[ $(findings) = *'session description, line 5'* ]] || what_happened
	{
		sed 's/^Content-Length: 0/Content-Length: 4/' one
		printf 'body'
	} >bad
	rte parse bad
	ended_with 15 'a body without a Content-Type'
	{
		sed 's/^Content-Length: 0/Content-Type: application\/pidf+xml\r\nContent-Length: 13/' one
		printf '<a>\r\n <b></a>'
	} >bad
	rte parse bad
	ended_with 15 'line 12 column 7, byte'
	{
		cat one
		printf 'more'
	} >bad
	rte parse bad
	ended_with 15 'Content-Length is 0, but 4 more bytes follow'
}

@test "warnings alone are no failure" {
	good one
	tr -d '\r' <one | sed '/^Max-F/d; /^Content-L/d; s/z9hG4bK1/old/' >odd
	rte parse -j odd
	ended_with 0
	records
	[ "$(findings | cut -d ' ' -f 1 | sort -u)" = warning ] || what_happened
	for what in 'LF alone' 'no Max-Forwards' 'no Content-Length' 'RFC 2543'; do
		[[ $(findings) = *"$what"* ]] || what_happened
	done
}

@test "several messages in a file, and several files: the first failure decides" {
	good one
	sed 's/^CSeq: 7/CSeq: 8/' one >two
	cat one two >both
	rte parse -j both
	ended_with 0
	records
	[ "$(record 'select(.type == "parsed") | [.index, .offset, .cseq] | join(" ")' | paste -sd ,)" = "1 0 7,2 $(wc -c <one) 8" ] ||
		what_happened
	sed 's/^CSeq: 7/CSeq: x/' one >bad
	rte parse one none bad
	ended_with 20 '^rte: parse: none: No such file'
	notes '^rte: parse: bad: line 7 column 7'
	rte parse bad none
	ended_with 15
	rte parse "$HOME"
	ended_with 20
	rte parse -q one bad
	ended_with 15
	[ -z "$output" ] || what_happened
	rte parse -j none
	ended_with 20
	records
}

@test "usage" {
	rte parse
	ended_with 2
	rte parse --nosuch x
	usage_error 'unknown option'
}

@test "torture: the messages of RFC 4475 and RFC 5118, with no fault that the stack knows and this does not" {
	local dir file
	for dir in "$top"/../shared/corpus/rfc4475/msg "$top"/../shared/corpus/rfc5118/msg; do
		[ -d "$dir" ] || missing "the corpus is not there"
		for file in "$dir"/*; do
			rte parse -j "$file"
			[ "$status" = 0 ] || [ "$status" = 15 ] || what_happened
			records
			# what is refused has an error
			[ -z "$(record 'select(.type == "parsed" and .verdict != "accept" and .valid)')" ] || what_happened
			! LC_ALL=C grep -q '[^ -~]' <<<"$output" || what_happened
		done
	done
}
