#!/bin/bash
# tests/interop/pki.sh DIR [DOMAIN] -- a throw-away PKI for tests: NAME.pem and NAME.key for each NAME
#
#   ca         signs all but untrusted                 other-ca   signs untrusted
#   server     DOMAIN, sip.DOMAIN, localhost, 127.0.0.1, ::1 and the URI sip:DOMAIN
#   nameonly   DOMAIN as dNSName alone                 urionly    DOMAIN as the URI sip:DOMAIN alone
#   wrongname  other.example                           wildcard   *.DOMAIN
#   cnonly     DOMAIN in the common name, no SAN       expired    as server, over since 2021
#   untrusted  as server, by a CA that nobody knows    client     alice@DOMAIN
#
# Nothing is done when DIR is complete.
set -eu
dir=$1 domain=${2:-rte.test}
mkdir -p "$dir"
cd "$dir"
[ ! -e complete ] || exit 0

log=$PWD/openssl.log
quietly() {
	"$@" >>"$log" 2>&1 || { cat "$log" >&2; echo "pki.sh: failed: $*" >&2; exit 1; }
}
key() { quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }

# authority NAME SUBJECT
authority() {
	key "$1"
	quietly openssl req -new -x509 -key "$1.key" -days 3650 -subj "$2" -out "$1.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
	mkdir -p "$1.d"
	: >"$1.d/index.txt"
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = %s\nnew_certs_dir = %s\nserial = %s\n' \
		"$1.d/index.txt" "$1.d" "$1.d/serial" >"$1.d/conf"
	printf 'default_md = sha256\npolicy = p\nunique_subject = no\nrand_serial = yes\n[p]\ncommonName = supplied\n' \
		>>"$1.d/conf"
}

# certificate NAME CN SAN CA [FROM TO]: times as openssl ca wants them, YYYYMMDDHHMMSSZ
certificate() {
	local from=${5:-$(date -u -d yesterday +%Y%m%d000000Z)} to=${6:-20491231000000Z}
	key "$1"
	quietly openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
	{
		printf 'keyUsage = digitalSignature\nextendedKeyUsage = serverAuth, clientAuth\n'
		[ -z "$3" ] || printf 'subjectAltName = %s\n' "$3"
	} >"$1.ext"
	quietly openssl ca -batch -notext -config "$4.d/conf" -cert "$4.pem" -keyfile "$4.key" \
		-in "$1.csr" -extfile "$1.ext" -startdate "$from" -enddate "$to" -out "$1.pem"
	rm -f "$1.csr" "$1.ext"
}

all="DNS:$domain, DNS:sip.$domain, DNS:localhost, IP:127.0.0.1, IP:::1, URI:sip:$domain"
authority ca '/CN=rte test CA'
authority other-ca '/CN=a CA that nobody knows'
certificate server "$domain" "$all" ca
certificate nameonly "$domain" "DNS:$domain" ca
certificate urionly "$domain" "URI:sip:$domain" ca
certificate wrongname other.example 'DNS:other.example' ca
certificate wildcard "$domain" "DNS:*.$domain" ca
certificate cnonly "$domain" '' ca
certificate expired "$domain" "$all" ca 20200101000000Z 20210101000000Z
certificate untrusted "$domain" "$all" other-ca
certificate client alice "URI:sip:alice@$domain, email:alice@$domain" ca
chmod 644 ./*.key # a server that runs as another user reads them
: >complete
