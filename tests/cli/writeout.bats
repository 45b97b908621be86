#!/usr/bin/env bats
# tests/cli/writeout.bats -- -w, --write-out: every variable of cli.md 10.5, where it goes, and what is wrong

load helper

setup() {
	fresh_home
	export PW=pw-alice
	unset RTE_WRITE_OUT
}
teardown() {
	reap_all
}

# wrote FORMAT COMMAND ARG...: with nothing else on stdout
wrote() {
	local format=$1
	shift
	rte "$@" --server="$udp" -q -w "$format"
}

@test "a call: the figures of its INVITE, and the time of the whole command" {
	serve_start --auth=none
	rte invite -q -t tcp --server="$tcp" --follow=1 --duration=300ms \
		-w '%{num_redirects} %{time_connect} %{time_first_response} %{time_total}' sip:redirect-echo@test.invalid
	ended_with 0
	[[ $output =~ ^1\ 0\.[0-9]{6}\ 0\.[0-9]{6}\ 0\.[3-9][0-9]{5}$ ]] || what_happened
	rte options -j -c 3 -i 50ms --server="$udp" test.invalid
	[ "$(record 'select(.type == "end") | .time_ms.total >= 100 and (.time_ms.total - .elapsed_ms | fabs) < 50')" = true ] || what_happened
}

@test "every variable that the manual names, of a registration" {
	serve_start --add-user=alice:env:PW
	local name
	for name in $(man_variables); do
		wrote "<%{$name}>" register --password=env:PW --epid=01ab23cd45 sip:alice@test.invalid
		ended_with 0
		case $name in
		status_code) is=200 ;;
		reason_phrase) is=OK ;;
		method) is=REGISTER ;;
		call_id | from_tag | to_tag) is='[a-z0-9]{8,}' ;;
		cseq) is=2 ;;
		request_uri) is=sip:test.invalid ;;
		remote_address | local_address) is=127\\.0\\.0\\.1 ;;
		remote_port) is=${udp##*:} ;;
		local_port) is='[0-9]+' ;;
		transport) is=udp ;;
		expires) is=3600 ;;
		contact) is='sip:alice@127\.0\.0\.1:[0-9]+' ;;
		epid) is=01ab23cd45 ;;
		header_json) is='\{.*"call-id":\["[^"]+"\].*"via":\["SIP/2.0/UDP [^"]+"\].*\}' ;;
		json) is='\{.*"exit_code":0.*"type":"end".*\}' ;;
		num_retransmissions | num_redirects | num_retries | exit_code) is=0 ;;
		time_resolve | time_connect | time_tls) is= ;;
		time_first_response | time_total) is='0\.[0-9]{6}' ;;
		exit_name) is=ok ;;
		error) is= ;;
		*) is='(no test)' ;;
		esac
		grep -Eqx -e "<$is>" <<<"$output" || what_happened
	done
}
# man_variables: as the manual lists them
man_variables() {
	sed -n '/^.Ss Write-out/,/^.Ss/s/^\.It Li %{\([a-z_]*\)}$/\1/p' man/rte.1
}

@test "the manual names each variable that the program knows" {
	diff <(man_variables | sort) <(sed -n 's/^\t{ "\([a-z_]*\)", [a-z_]*, \(true\|false\) },$/\1/p' cli/writeout_vars.c | sort)
}

@test "a header field, escapes, a per cent, a file" {
	serve_start
	wrote '%{header{Call-ID}}|%{header{i}}|%{header{X-None}}\t%%{a\\\n' options sip:echo@test.invalid
	ended_with 0
	[[ $output =~ ^([a-z0-9]+)\|([a-z0-9]+)\|$'\t'%\{a\\$ ]] || what_happened
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	echo '%{status_code} from a file' >"$HOME/format"
	wrote "@$HOME/format" options sip:echo@test.invalid
	[ "$output" = '200 from a file' ] || what_happened
}

@test "of a call it is the INVITE and its answer, with --register it is not the REGISTER" {
	serve_start --add-user=alice:env:PW
	wrote '%{status_code} %{method} %{request_uri}' invite sip:echo@test.invalid
	[ "$output" = '200 INVITE sip:echo@test.invalid' ] || what_happened
	wrote '%{status_code} %{method} %{exit_code} %{error}' invite sip:busy@test.invalid
	ended_with 8
	[ "$output" = '486 INVITE 8 486 Busy Here' ] || what_happened
	wrote '%{status_code} %{method} %{request_uri}' message --register -a sip:alice@test.invalid --password=env:PW -d hi sip:echo@test.invalid
	[ "$output" = '200 MESSAGE sip:echo@test.invalid' ] || what_happened
}

@test "what did not happen is empty" {
	serve_start
	wrote '<%{status_code}> <%{reason_phrase}> <%{header_json}> <%{exit_name}>' options --timeout=200ms sip:silent@test.invalid
	ended_with 14
	[ "$output" = '<> <> <{}> <timeout>' ] || what_happened
	rte options -q -w '<%{status_code}> <%{method}> <%{remote_port}> %{error}' --server=127.0.0.1:1 sip:x@test.invalid
	ended_with 11
	[ "$output" = '<> <OPTIONS> <1> 127.0.0.1:1 udp: connection refused' ] || what_happened
}

@test "where it goes" {
	serve_start
	wrote "out %{stderr}err %output{$HOME/one}file%output{$HOME/one}again%output{>>$HOME/one} and more%{stdout}out" options sip:echo@test.invalid
	ended_with 0 '^err *$'
	[ "$output" = 'out out' ] || what_happened
	[ "$(cat "$HOME/one")" = 'again and more' ]
	rte options --server="$udp" -o "$HOME/result" -w 'last\n' sip:echo@test.invalid
	[ "$output" = last ] || what_happened
	grep -q '^200 OK' "$HOME/result"
	rte options --server="$udp" --json -w '%{stderr}%{status_code}' sip:echo@test.invalid
	records
	[ "$stderr" = 200 ] || what_happened
	rte options --server="$udp" --json -o "$HOME/records" -w '%{status_code}' sip:echo@test.invalid
	[ "$output" = 200 ] || what_happened
	[ "$(tail -n 1 "$HOME/records" | jq -r .type)" = end ]
}

@test "it is wrong" {
	serve_start
	local format
	for format in '%{nonesuch}' '%{status_code' '%x' '%' '%output{}' '%{header{X}' '%output{>>}'; do
		rte options -w "$format" sip:x@test.invalid
		usage_error '^rte: options: --write-out: .* is not a variable of it$'
	done
	rte options -w '' sip:x@test.invalid
	usage_error '^rte: options: --write-out: '
	rte options -w '@/nonexistent' sip:x@test.invalid
	ended_with 20 'nonexistent: No such file or directory'
	rte options --json -w '%{stderr}a%{stdout}b' sip:x@test.invalid
	ended_with 2
	[[ $output == *'stdout is where the records of --json go'* ]] || what_happened
	rte options --server="$udp" -q -w "%output{$HOME/no/such}x" sip:echo@test.invalid
	ended_with 20 '^rte: options: --write-out: .*/no/such: No such file or directory$'
	rte options --server="$udp" -q -w "%output{$HOME/no/such}x" sip:503@test.invalid
	ended_with 5 'no/such: No such file' # the first failure decides
	code=0
	"$RTE" options --server="$udp" -q -w x sip:echo@test.invalid >/dev/full 2>"$HOME/err" || code=$?
	[ "$code" = 1 ]
	grep -q 'cannot write the output: No space left on device' "$HOME/err"
}

@test "bytes of the wire cannot reach the terminal, and secrets are masked" {
	peer_start udp
	peer_answer <<<"SIP/2.0 404 Not "$'\e'"[31mred
$peer_head
X-Evil: "$'\e]0;title\a'"
X-Uri: <sip:a:geheim@b>
Content-Length: 0
"
	rte options -q --server="$peer" -t udp -w '%{reason_phrase}|%{header{X-Evil}}|%{header{X-Uri}}|%{header_json}' sip:x@test.invalid
	ended_with 4
	says '^Not \\x1b\[31mred\|\\x1b\]0;title\\x07\|<sip:a:<masked>@b>\|\{'
	! grep -q -e $'\e' -e geheim <<<"$output" || what_happened
}
