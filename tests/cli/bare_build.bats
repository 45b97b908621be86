#!/usr/bin/env bats
# tests/cli/bare_build.bats -- a build without NTLM, Kerberos and the test server says so: exit 21

load helper

setup_file() {
	cd "$(dirname "$BATS_TEST_FILENAME")/../.." || return
	meson setup "$BATS_FILE_TMPDIR/bare" -Dntlm=disabled -Dkerberos=disabled -Dserve=false -Dtests=false \
		-Dbuildtype=debug -Db_lto=false >"$BATS_FILE_TMPDIR/log" 2>&1 &&
		ninja -C "$BATS_FILE_TMPDIR/bare" cli/rte >>"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -n 20 "$BATS_FILE_TMPDIR/log" >&2
		return 1
	}
}
setup() {
	fresh_home
	RTE=$BATS_FILE_TMPDIR/bare/cli/rte
}

@test "what is not in the build is told, exit 21" {
	for scheme in ntlm kerberos ntlm,digest ntlmv1; do
		rte register --auth="$scheme" --server=127.0.0.1:1 sip:alice@test.invalid
		ended_with 21 "${scheme%%[,v]*} is not in this build"
	done
	rte serve
	ended_with 21 'not in this build'
}

@test "its version lists neither the features nor the libraries" {
	rte version
	[ "$status" = 0 ] || what_happened
	! grep -Eq 'ntlm|kerberos|krb5|serve' <<<"$output" || what_happened
}
