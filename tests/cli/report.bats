#!/usr/bin/env bats
# tests/cli/report.bats -- --tap and --junit: what CI systems read

load helper

setup() {
	fresh_home
}
teardown() {
	reap_all
}
# xml PATH: a value of the JUnit report, by xmllint of libxml2, which nobody here wrote
xml() {
	xmllint --xpath "string($1)" "$HOME/junit.xml"
}

@test "TAP: the operation, and each check" {
	serve_start
	rte options -q --server="$udp" --tap=- sip:echo@test.invalid
	ended_with 0
	[ "$output" = $'TAP version 13\n1..1\nok 1 - rte options sip:echo@test.invalid' ] || what_happened
	rte options -q --server="$udp" --tap=- --expect=200 --expect-header='Server: ^"x#' sip:echo@test.invalid
	ended_with 17
	[ "$output" = "$(printf '%s\n' 'TAP version 13' 1..3 'ok 1 - rte options expect 200' \
		'not ok 2 - rte options expect-header Server: ^"x\#' '  ---' '  kind: check_failed' \
		'  message: "wanted Server: ^\"x#, found nothing"' '  ...' 'ok 3 - rte options sip:echo@test.invalid')" ] || what_happened
	rte options -q --tap=% --server=127.0.0.1:1 sip:x@test.invalid
	ended_with 11 '^not ok 1 - rte options sip:x@test.invalid$'
	notes '^  message: "127\.0\.0\.1:1 udp: connection refused"$'
	rte options -q --server="$udp" -c 1 --tap="$HOME/tap" sip:404@test.invalid sip:echo@test.invalid
	ended_with 4
	grep -qx 'not ok 1 - rte options' "$HOME/tap"
	grep -qx '  message: "404 Not Found"' "$HOME/tap"
}

@test "JUnit: well-formed, with the same facts" {
	need xmllint
	serve_start
	rte options --server="$udp" --junit="$HOME/junit.xml" --expect=404 --expect-header='Server: ^<&">' sip:echo@test.invalid
	ended_with 17
	xmllint --noout "$HOME/junit.xml"
	[ "$(xml /testsuites/testsuite/@name) $(xml /testsuites/testsuite/@tests) $(xml /testsuites/testsuite/@failures)" = 'rte options 3 2' ]
	[ "$(xml '//testcase[2]/@name')" = 'expect-header Server: ^<&">' ]
	[ "$(xml '//testcase[1]/failure/@message')" = 'wanted 404, found 200 OK' ]
	[ "$(xml '//testcase[3]/@name') $(xml 'count(//testcase[3]/failure)')" = 'sip:echo@test.invalid 0' ]
	[[ $(xml '//testcase[3]/@time') =~ ^[0-9]+\.[0-9]{6}$ ]]
	rte options --server="$udp" --timeout=200ms --junit="$HOME/junit.xml" sip:silent@test.invalid
	ended_with 14
	[ "$(xml '//testcase[1]/failure/@type')" = timeout ]
}

@test "bytes of the wire and secrets" {
	need xmllint
	peer_start udp
	peer_answer <<<"SIP/2.0 404 a<b "$'\e'"[31m
$peer_head
Content-Length: 0
"
	rte options -q --server="$peer" -t udp --junit="$HOME/junit.xml" --tap="$HOME/tap" sip:x:geheim@test.invalid
	ended_with 4
	[ "$(xml '//failure/@message')" = '404 a<b \x1b[31m' ]
	! grep -q -e geheim -e $'\e' "$HOME/junit.xml" "$HOME/tap"
}

@test "files and streams" {
	serve_start
	rte options --server="$udp" --tap=/dev/full sip:echo@test.invalid
	ended_with 20 'cannot write the report: No space left'
	rte options --server="$udp" --junit=/nonexistent/x sip:echo@test.invalid
	ended_with 20 '^rte: options: --junit: /nonexistent/x: No such file or directory$'
	rte options --json --tap=- sip:x@test.invalid
	ended_with 2
	rte options --pcap=- --junit=- sip:x@test.invalid
	usage_error '^rte: options: --pcap: - is where a report goes$'
	rte options --server="$udp" --json --tap="$HOME/tap" sip:echo@test.invalid
	ended_with 0
	records
	grep -qx 'ok 1 - rte options sip:echo@test.invalid' "$HOME/tap"
}
