#!/usr/bin/env bats
# tests/cli/resolve.bats -- rte resolve without a DNS server; zones are in tests/interop

load helper

setup() {
	fresh_home
}

@test "numeric hosts ask nothing" {
	rte resolve sip:192.0.2.1 'sip:192.0.2.1:5070;transport=tcp' sips:192.0.2.1 tls:[2001:db8::1]
	ended_with 0
	[ "$(grep -c '^   1  ' <<<"$output")" = 4 ] || what_happened
	says '^sip:192\.0\.2\.1$'
	says '^   1  udp 192\.0\.2\.1:5060 +192\.0\.2\.1$'
	says '^   1  tcp 192\.0\.2\.1:5070 '
	says '^   1  tls 192\.0\.2\.1:5061 '
	says '^   1  tls \[2001:db8::1\]:5061 '
	! grep -Eq 'NAPTR|SRV' <<<"$output" || what_happened
	rte resolve -j sip:192.0.2.1
	records
	[ "$(record 'select(.type == "resolved") | [.uri, (.queries | length), .targets[0].transport, .targets[0].port] | join(" ")')" = \
		'sip:192.0.2.1 0 udp 5060' ] || what_happened
}

@test "--transport, --resolve, -4 and -6" {
	rte resolve -t tcp sip:192.0.2.1
	says '^   1  tcp '
	rte resolve --resolve='example.com:5060:192.0.2.1,2001:db8::1' sip:example.com
	ended_with 0
	says '^   1  udp 192\.0\.2\.1:5060'
	says '^   2  udp \[2001:db8::1\]:5060'
	rte resolve -6 --resolve='example.com:5060:192.0.2.1,2001:db8::1' sip:example.com
	says '^   1  udp \[2001:db8::1\]:5060'
	rte resolve -6 sip:192.0.2.1
	ended_with 2
	rte resolve -4 -6 sip:192.0.2.1
	usage_error 'ipv4 with --ipv6'
}

@test "every question is shown with its answer, in 80 columns" {
	rte resolve localhost
	ended_with 0
	says '^  NAPTR  localhost +NXDOMAIN  [0-9.]+ ms$'
	says '^  SRV    _sip\._udp\.localhost'
	says '^  A      localhost +NOERROR'
	says '^           127\.0\.0\.1'
	[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' <<<"$output")" -le 80 ] || what_happened
	rte resolve -j localhost
	records
	[ "$(record 'select(.type == "resolved") | .queries[] | select(.rrtype == "A") | .answer | startswith("127.0.0.1")')" = true ] ||
		what_happened
	rte resolve -j --from-srv 'sip:localhost:5070'
	[ "$(record 'select(.type == "resolved") | .queries[0].rrtype')" = SRV ] || what_happened
	rte resolve -j --from-naptr 'sip:localhost:5070;transport=tcp'
	[ "$(record 'select(.type == "resolved") | .queries[0].rrtype')" = NAPTR ] || what_happened
}

@test "a name that is not there: exit 10 with the question, and what was asked before" {
	rte resolve nosuch.invalid
	ended_with 10 '^rte: resolve nosuch\.invalid: .*A nosuch\.invalid'
	says '^  NAPTR  nosuch\.invalid'
	rte resolve -j --dns=127.0.0.1:1 one.example 192.0.2.1 two.example
	ended_with 10
	records
	[ "$(record .type | tr '\n' ' ')" = 'start resolved error resolved resolved error end ' ] || what_happened
}

@test "usage" {
	rte resolve
	usage_error 'missing argument'
	rte resolve 'sip:a b'
	usage_error 'not a SIP URI'
	rte resolve --dns=example.com sip:192.0.2.1
	usage_error 'dns.*not an IP address'
	rte resolve --register sip:192.0.2.1
	usage_error 'unknown option'
	rte resolve -n sip:192.0.2.1
	ended_with 0
}
