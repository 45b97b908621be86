#!/usr/bin/env bats
# tests/interop/capture.bats -- what tshark and sngrep make of --pcap

load helper
load ../cli/helper

setup() {
	need tshark
	fresh_home
	export PW=k4n4ry-pw
	pcap=$HOME/pcap
}
teardown() {
	reap_all
	[ ! -d "$HOME/kdc" ] || "$interop/kdc.sh" stop "$HOME/kdc"
}

# shark FILE ARG...: tshark with checksums checked, and for a port by chance another protocol's looking at the content first
shark() {
	local file=$1
	shift
	tshark -n -r "$file" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-o tcp.try_heuristic_first:TRUE -o udp.try_heuristic_first:TRUE "$@" 2>"$HOME/tshark.err"
}
# flow FILE: what tshark finds in each packet: METHOD or STATUS
flow() {
	shark "$1" -T fields -e sip.Method -e sip.Status-Code | tr -d '\t' | tr '\n' ' '
}
# sound FILE: nothing in it is malformed, of a wrong checksum, or a reason to warn; no secret is in it
sound() {
	shark "$1" -Y '_ws.malformed or _ws.expert.severity >= warning or ip.checksum.status == 0 or udp.checksum.status == 0 or not sip' \
		-T fields -e frame.number -e _ws.col.Info -e _ws.expert.message >"$HOME/unsound"
	[ ! -s "$HOME/unsound" ] || {
		cat "$HOME/unsound"
		return 1
	}
	! grep -aE 'k4n4ry|response="?[0-9a-f]{8}|rspauth="?[0-9a-f]{8}|TlRM' "$1" || false
}
# hears FILE FLOW: all of it, and soundly
hears() {
	[ "$(flow "$1")" = "$2" ] || {
		cat "$HOME/tshark.err"
		echo "heard: $(flow "$1")"
		ls -l "$1"
		return 1
	}
	sound "$1"
}

@test "these checks find what is broken" {
	serve_start --auth=none
	rte options --pcap="$pcap" "udp:$udp"
	sound "$pcap"
	printf X | dd of="$pcap" bs=1 seek=100 conv=notrunc status=none
	run sound "$pcap"
	[[ $status != 0 && $output == *checksum* ]] || what_happened
}

@test "Digest over UDP, TCP and TLS: the addresses, the ports, the messages in clear" {
	serve_start --tls-auto --add-user=alice:env:PW --pcap="$HOME/serve"
	for t in udp tcp tls; do
		rte register -t $t --server="${!t}" --cacert="$ca" --password=env:PW --pcap="$pcap.$t" sip:alice@test.invalid
		ended_with 0
		hears "$pcap.$t" 'REGISTER 401 REGISTER 200 '
		[ "$(shark "$pcap.$t" -T fields -e ip.src -e ip.dst | sort -u)" = $'127.0.0.1\t127.0.0.1' ]
		[ "$(shark "$pcap.$t" -Y sip.Method -T fields -e udp.dstport | sort -u)" = "${!t#*:}" ]
		[ "$(shark "$pcap.$t" -Y sip.Status-Code -T fields -e udp.srcport | sort -u)" = "${!t#*:}" ]
		# the way back is the way there
		[ "$(shark "$pcap.$t" -Y sip.Method -T fields -e udp.srcport | sort -u)" = \
			"$(shark "$pcap.$t" -Y sip.Status-Code -T fields -e udp.dstport | sort -u)" ]
	done
	serve_end TERM
	hears "$HOME/serve" "$(printf 'REGISTER 401 REGISTER 200 %.0s' 1 2 3)"
}

@test "IPv6" {
	serve_start --listen='udp:[::1]:0' --listen='tcp:[::1]:0' --add-user=alice:env:PW
	rte register --server="$udp" --password=env:PW --pcap="$pcap" sip:alice@test.invalid
	ended_with 0
	hears "$pcap" 'REGISTER 401 REGISTER 200 '
	[ "$(shark "$pcap" -T fields -e ipv6.src -e ipv6.dst | sort -u)" = $'::1\t::1' ]
}

@test "a call with its session descriptions, read whole while the server still runs" {
	serve_start --auth=none --pcap="$HOME/serve"
	rte invite --server="$udp" -a sip:alice@test.invalid --duration=100ms --pcap="$pcap" sip:echo@test.invalid
	ended_with 0
	hears "$pcap" 'INVITE 200 ACK BYE 200 '
	[ "$(shark "$pcap" -Y sdp | wc -l)" = 2 ]
	hears "$HOME/serve" 'INVITE 200 ACK BYE 200 '
}

@test "keys in bodies and passwords in URIs are masked, SDP stays SDP" {
	serve_start --auth=none
	printf '%s\r\n' v=0 'o=- 1 1 IN IP4 127.0.0.1' s=- 'c=IN IP4 127.0.0.1' 't=0 0' 'm=audio 40000 RTP/SAVP 0' \
		'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4' >"$HOME/sdp"
	rte options -d "@$HOME/sdp" --type=application/sdp -H 'X-Test: <sip:bob:k4n4ry@example.com>' --pcap="$pcap" "udp:$udp"
	ended_with 0
	hears "$pcap" 'OPTIONS 200 '
	! grep -a WVNfX19z "$pcap" || false
	[ "$(shark "$pcap" -Y sdp -T fields -e sdp.media.media)" = audio ]
}

@test "NTLM in dialect ocs: tokens and signatures are masked" {
	"$RTE" version | grep -q '^features.* ntlm' || missing "this build has no NTLM"
	serve_start --domain=rte.test --auth=ntlm --dialect=ocs --add-user=alice:env:PW --pcap="$HOME/serve"
	rte register -t tcp --server="$tcp" --auth=ntlm --dialect=ocs --user='RTE\alice' --password=env:PW --pcap="$pcap" sip:alice@rte.test
	ended_with 0
	hears "$pcap" 'REGISTER 401 REGISTER 401 REGISTER 200 '
	hears "$HOME/serve" 'REGISTER 401 REGISTER 401 REGISTER 200 '
	grep -aq 'gssapi-data="xxxx' "$pcap"
	grep -aq 'rspauth="xxxx' "$pcap"
	rte register -t tcp --server="$tcp" --auth=ntlm --dialect=ocs --user='RTE\alice' --password=env:PW \
		--pcap="$HOME/open" --pcap-secrets sip:alice@rte.test
	[ "$(flow "$HOME/open")" = 'REGISTER 401 REGISTER 401 REGISTER 200 ' ]
	grep -aq 'gssapi-data="TlRM' "$HOME/open"
}

# tokens FILE: what stands in gssapi-data, the answers and the challenges, each once
tokens() {
	grep -aoE 'gssapi-data="[A-Za-z0-9+/=]+"' "$1" | cut -d '"' -f 2 | sort -u
}
# holds_none_of FILE SECRETS: none of the lines of SECRETS is in FILE: as it is, from any third on, as bytes, as hexadecimal
holds_none_of() {
	local secret n
	while IFS= read -r secret; do
		n=$((${#secret} / 3))
		for piece in "${secret:0:24}" "${secret:n:24}" "${secret:2 * n:24}"; do
			! grep -aqF -e "$piece" "$1" || {
				echo "$1 holds $piece"
				return 1
			}
		done
	done <"$2"
}

@test "Kerberos, a registration and a message: tokens, signatures and the password are masked" {
	"$RTE" version | grep -q '^features.* kerberos' || missing "this build has no Kerberos"
	need krb5kdc kadmin.local kinit
	"$interop/kdc.sh" start "$HOME/kdc" 3>&-
	"$interop/kdc.sh" admin "$HOME/kdc" 'change_password -pw k4n4ry-pw alice' >/dev/null
	. "$HOME/kdc/env"
	export KRB5RCACHENAME=none:
	serve_start --domain=rte.test --auth=kerberos --dialect=ocs --keytab="$HOME/kdc/sip.keytab" --add-user=alice:env:PW \
		--reply='MESSAGE=200' --pcap="$HOME/serve"
	speak() { # ARG...: alice registers, and says something
		rte message --register -t tcp --server="$tcp" --auth=kerberos --dialect=ocs -a sip:alice@rte.test \
			--user=alice@RTE.TEST --password=env:PW -d hello "$@" sip:bob@rte.test
		ended_with 0
	}
	speak --pcap="$pcap"
	hears "$pcap" 'REGISTER 401 REGISTER 200 MESSAGE 200 REGISTER 200 '
	hears "$HOME/serve" 'REGISTER 401 REGISTER 200 MESSAGE 200 REGISTER 200 '
	grep -aq 'gssapi-data="xxxx' "$pcap"
	grep -aq 'rspauth="xxxx' "$pcap"
	[ -z "$(tokens "$pcap" | grep -v '^x*=*$')" ]
	[ -z "$(tokens "$HOME/serve" | grep -v '^x*=*$')" ]
	# what --pcap-secrets shows is what to look for: a token of the same kind, which begins as every Kerberos token does
	speak --pcap="$HOME/open" --pcap-secrets
	tokens "$HOME/open" >"$HOME/tokens"
	grep -q '^YI' "$HOME/tokens"
	! grep -aE 'gssapi-data="YI|YII[A-Za-z0-9+/]{20}' "$pcap" "$HOME/serve" || false
	# the capture of the server has both runs: the very tokens of the second one are not in it
	holds_none_of "$HOME/serve" "$HOME/tokens"
	# nor a ticket as bytes: the object identifier of Kerberos 5, the name of the realm
	! LC_ALL=C grep -aqP '\x2a\x86\x48\x86\xf7\x12\x01\x02\x02' "$pcap" "$HOME/serve" || false
	holds_none_of "$HOME/open" <(echo k4n4ry-pw)
	# these checks find what they look for
	run holds_none_of "$HOME/open" "$HOME/tokens"
	[ "$status" = 1 ]
}

@test "retransmissions are there, one packet each" {
	serve_start --auth=none --reply='OPTIONS=200;after=700ms'
	rte options --pcap="$pcap" --t1=200ms "udp:$udp"
	ended_with 0
	sound "$pcap"
	[[ $(flow "$pcap") == 'OPTIONS OPTIONS OPTIONS '*'200 ' ]]
}

@test "a message that no datagram can hold is cut, and tshark says so" {
	spawn listen listen --count=2 --listen=tcp:127.0.0.1:0 --listen='tcp:[::1]:0' --max-message=200000 --ready-file="$HOME/ready"
	wait_for 10 test -s "$HOME/ready"
	head -c 100000 /dev/zero | tr '\0' a >"$HOME/body"
	while read -r at; do
		rte message --pcap="$pcap" --max-message=200000 -d "@$HOME/body" "$at"
		ended_with 0
		hears "$pcap" 'MESSAGE 200 '
		[ "$(shark "$pcap" -Y 'frame.len > 100000 and frame.cap_len < 65600 and sip.Content-Length == 100000' | wc -l)" = 1 ]
	done <"$HOME/ready"
}

@test "tshark reads from the pipe" {
	serve_start --add-user=alice:env:PW
	"$RTE" register --pcap=- -q --server="$udp" --password=env:PW sip:alice@test.invalid |
		tshark -n -r - -T fields -e sip.Method -e sip.Status-Code 2>/dev/null | tr -d '\t' | tr '\n' ' ' >"$HOME/out"
	[ "$(cat "$HOME/out")" = 'REGISTER 401 REGISTER 200 ' ]
}

@test "sngrep takes every message of it" {
	need sngrep
	serve_start --auth=none
	rte invite --server="$udp" -a sip:alice@test.invalid --duration=100ms --pcap="$pcap" sip:echo@test.invalid
	ended_with 0
	sngrep -N -q -F -I "$pcap" -O "$HOME/again" >"$HOME/log" 2>&1
	[ "$(flow "$HOME/again")" = 'INVITE 200 ACK BYE 200 ' ]
}

@test "the key log: tshark decrypts what it captured itself, with the keys of the client and with those of the server" {
	need dumpcap
	SSLKEYLOGFILE=$HOME/served serve_start --tls-auto --add-user=alice:env:PW
	dumpcap -q -i lo -P -w "$HOME/wire" -f "tcp port ${tls#*:}" 2>"$HOME/log" 3>&- &
	capturing=$!
	reap+=("$capturing")
	wait_for 10 grep -q '^File:' "$HOME/log"
	rte register -t tls --server="$tls" --cacert="$ca" --password=env:PW --keylog="$HOME/keys" sip:alice@test.invalid
	ended_with 0
	for keys in keys served; do
		decrypted() {
			[ "$(tshark -n -r "$HOME/wire" -d "tcp.port==${tls#*:},tls" -d "tls.port==${tls#*:},sip" -o "tls.keylog_file:$HOME/$keys" \
				-Y sip -T fields -e sip.Method -e sip.Status-Code 2>/dev/null | tr -d '\t' | tr '\n' ' ')" = 'REGISTER 401 REGISTER 200 ' ]
		}
		wait_for 10 decrypted
	done
}
