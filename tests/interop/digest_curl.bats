#!/usr/bin/env bats
# tests/interop/digest_curl.bats -- our Digest against curl's (ruling 40). curl answers the challenges of
# tests/peers/http_digest.c, which judges with lib/auth. It answers GET, whose body is empty also for auth-int.

setup_file() {
	local build=${RTE_BUILD:-$BATS_TEST_DIRNAME/../../build}
	export PEER=$build/tests/peers/http_digest
	[ -x "$PEER" ] || { echo "$PEER is not built"; return 1; }
	command -v curl || { echo "curl is missing"; return 1; }
}

# challenge ALGORITHM QOP USER PASSWORD [userhash] [stale]: sets $verdict to what the peer says of curl's answer
challenge() {
	local ready port
	exec 8< <("$PEER" "$@")
	read -r ready port <&8
	[ "$ready" = ready ]
	curl -s -o /dev/null --max-time 10 --noproxy '*' --digest -u "$3:$4" "${curl_options[@]}" \
		"http://127.0.0.1:$port/dir/index.html?q=1"
	read -r verdict <&8
	exec 8<&-
	echo "$verdict"
}

sha256() {
	printf %s "$1" | sha256sum | cut -d ' ' -f 1
}

# field NAME: its value in the answer that $verdict shows
field() {
	sed -n "s/.*[ ,]$1=\"\{0,1\}\([^\",]*\).*/\1/p" <<<"$verdict"
}

# Is the refused answer to alice and 'Circle Of Life' right but for its algorithm, which is SHA-256?
is_sha256() {
	local a1 a2
	a1=$(sha256 'alice:http "digest" \ peer:Circle Of Life')
	a2=$(sha256 "GET:$(field uri)")
	[ "$(field response)" = \
		"$(sha256 "$a1:$(field nonce):$(field nc):$(field cnonce):auth:$a2")" ]
}

# same ALGORITHM...: each with auth, with auth-int alone, and with both
same() {
	local algorithm
	for algorithm; do
		challenge "$algorithm" auth alice 'Circle Of Life'
		[ "$verdict" = "verified $algorithm auth nc=1" ]
		challenge "$algorithm" auth-int alice 'Circle Of Life'
		[ "$verdict" = "verified $algorithm auth-int nc=1" ]
		challenge "$algorithm" auth,auth-int alice 'Circle Of Life'
		[ "$verdict" = "verified $algorithm auth nc=1" ]
	done
}

@test "MD5 and MD5-sess" {
	same MD5 MD5-sess
}

@test "SHA-256 and SHA-256-sess" {
	same SHA-256 SHA-256-sess
}

@test "SHA-512-256 and SHA-512-256-sess" {
	challenge SHA-512-256 auth alice 'Circle Of Life'
	if [[ $verdict == wrong* ]]; then
		# An older curl (Debian 12's 7.88) hashes with SHA-256 under that name, which must not pass.
		[ "$(field algorithm)" = SHA-512-256 ]
		is_sha256
		skip "$(curl --version | sed -n '1s/^\(curl [^ ]*\).*/\1/p') computes SHA-256 for SHA-512-256"
	fi
	same SHA-512-256 SHA-512-256-sess
}

@test "the form of RFC 2069, without qop" {
	challenge MD5 '' alice 'Circle Of Life'
	[ "$verdict" = "verified MD5  nc=0" ]
	challenge SHA-256 '' alice 'Circle Of Life'
	[ "$verdict" = "verified SHA-256  nc=0" ]
}

@test "a user and a password that need quoting, and UTF-8" {
	challenge SHA-256 auth 'al"i\ce' 'pass"wo\rd:'
	[ "$verdict" = "verified SHA-256 auth nc=1" ]
	challenge SHA-256 auth 'Jäsøn Doe' 'Secret, or not? é'
	[ "$verdict" = "verified SHA-256 auth nc=1" ]
}

@test "userhash" {
	challenge SHA-256 auth alice secret userhash
	[ "$verdict" = "verified SHA-256 auth nc=1" ]
}

@test "a stale nonce" {
	challenge SHA-256 auth alice secret stale
	[ "$verdict" = "verified SHA-256 auth nc=1" ]
}

@test "a wrong password is refused" {
	local curl_options=(-u alice:wrong)
	challenge SHA-256 auth alice secret
	[[ $verdict == "wrong the response is wrong"* ]]
}
