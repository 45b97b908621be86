#!/usr/bin/env bats
# tests/cli/credentials_cmd.bats -- rte credentials: the file, without its secrets

load helper

setup() {
	fresh_home
	rm -rf "$XDG_CONFIG_HOME"
	file=$XDG_CONFIG_HOME/rte/credentials
	export SECRET='s3 "k4n4ry\'
}
teardown() {
	reap_all
}
# add REALM USER [ARG...]
add() {
	rte credentials --add --realm="$1" --user="$2" --password=env:SECRET "${@:3}"
	ended_with 0
}

@test "an entry is added, used, changed and removed; other lines stay" {
	rte credentials
	ended_with 0
	[ "$output" = "no entries  $file" ] || what_happened
	add example.com alice
	[ "$output" = 'added  realm example.com  user alice  password' ] || what_happened
	[ "$(stat -c '%a %a' "$file" | head -c 3)" = 600 ]
	[ "$(stat -c %a "$XDG_CONFIG_HOME/rte")" = 700 ]
	echo '# mine' >>"$file"
	add '*' 'CORP\bob'
	add 'a "realm"' 'carol x'
	serve_start --domain=example.com --add-user=alice:env:SECRET
	rte register --server="$udp" sip:alice@example.com
	ended_with 0
	SECRET=other add example.com alice
	rte register --server="$udp" sip:alice@example.com
	ended_with 7
	rte credentials
	[ "$output" = $'realm *  user CORP\\bob  password\nrealm a "realm"  user carol x  password\nrealm example.com  user alice  password' ] ||
		what_happened
	rte credentials --remove --realm='a "realm"' --user='carol x'
	ended_with 0
	[ "$output" = 'removed  realm a "realm"  user carol x  password' ] || what_happened
	rte credentials --user=bob
	[ "$output" = 'realm *  user CORP\bob  password' ] || what_happened
	rte credentials --remove --realm='*' --user=bob
	ended_with 20 'no such entry'
	grep -qx '# mine' "$file"
	[ "$(grep -c . "$file")" = 3 ]
	[ "$(stat -c %a "$file")" = 600 ]
	[ "$(ls "$XDG_CONFIG_HOME/rte")" = credentials ]
}

@test "hashes: each answers challenges of its algorithm" {
	local hash
	for hash in md5 sha-256 sha-512-256; do
		add r alice --ha1=$hash
		grep -Eq "^realm r user alice ha1 [0-9a-f]+ algorithm $hash\$" "$file"
		serve_start --domain=example.com --realm=r --digest=$hash --add-user=alice:env:SECRET
		rte register --server="$udp" sip:alice@example.com
		ended_with 0
	done
	[ "$(wc -l <"$file")" = 3 ]
	rte credentials --remove --realm=r --user=alice --ha1=md5
	[ "$(wc -l <"$file")" = 2 ]
	! grep -q k4n4ry "$file"
}

@test "check: each secret is read" {
	add example.com alice
	echo 'realm lab user bob password-cmd "echo x"' >>"$file"
	rte credentials --check
	ended_with 0
	[ "$output" = $'good  realm example.com  user alice  password\ngood  realm lab  user bob  password-cmd' ] || what_happened
	echo 'realm lab user carol password-cmd "false"' >>"$file"
	rte credentials --check
	ended_with 20 "$file:3: "
	rte credentials --check --user=bob
	ended_with 0
	rte credentials --check --user=nobody
	ended_with 22 'no such entry'
}

@test "records, without secrets" {
	add example.com alice
	add r alice --ha1=sha-256
	rte credentials --json
	ended_with 0
	records
	[ "$(record 'select(.type == "credential") | [.realm, .user, .kind, .algorithm // "-", .line] | join(" ")')" = \
		$'example.com alice password - 1\nr alice ha1 sha-256 2' ] || what_happened
	! grep -q k4n4ry <<<"$output" || what_happened
	rte credentials --json --remove --realm=r --user=alice
	records
	[ "$(record 'select(.type == "credential").state')" = removed ] || what_happened
}

@test "what is wrong" {
	rte credentials --add
	usage_error '^rte: credentials: --add needs --realm and --user$'
	rte credentials --remove --realm=r
	usage_error '^rte: credentials: --remove needs --realm and --user$'
	rte credentials --add --remove --realm=r --user=u
	usage_error '^rte: credentials: one of --add, --remove and --check$'
	rte credentials --password=env:SECRET
	usage_error '^rte: credentials: --password without --add$'
	rte credentials --add --realm='*' --user=u --ha1=md5 --password=env:SECRET
	usage_error '^rte: credentials: --ha1: a hash is of one realm, not of any$'
	rte credentials --add --realm=r --user=u --password=secret
	usage_error '^rte: credentials: --password: '
	SECRET= rte credentials --add --realm=r --user=u --password=env:SECRET
	ended_with 20 'the secret is empty'
	SECRET=$'a\tb' rte credentials --add --realm=r --user=u --password=env:SECRET
	ended_with 2 'control character'
	rte credentials --add --realm=r --user=u --password=env:NONESUCH
	ended_with 20 'NONESUCH'
	rte credentials --add --realm=r --user=u </dev/null
	ended_with 22 'no terminal'
	[ ! -e "$file" ]
	rte credentials --credentials=/nonexistent
	ended_with 20 '/nonexistent: No such file'
	add r u
	chmod 640 "$file"
	rte credentials
	ended_with 2 'others than its owner can use it'
	rte credentials --add --realm=r --user=v --password=env:SECRET
	ended_with 2 'others than its owner can use it'
	chmod 600 "$file"
	echo 'realm x' >>"$file"
	rte credentials --add --realm=r --user=v --password=env:SECRET
	ended_with 2 "$file:2: an entry needs realm and user"
	[ "$(wc -l <"$file")" = 2 ]
}

@test "a place that cannot be written" {
	add r u
	rte credentials --credentials="$file/credentials" --add --realm=r --user=v --password=env:SECRET
	ended_with 20 '/credentials: Not a directory$'
	[ "$(wc -l <"$file")" = 1 ]
}
