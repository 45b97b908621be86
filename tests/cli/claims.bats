#!/usr/bin/env bats
# tests/cli/claims.bats -- the claims of cli.md section 18: where each is shown, and here what is shown nowhere else
#
# 1  every exit code, in text and JSON   cli/exit_codes.bats: all; cli/bare_build.bats (21); interop/exit_calls.bats (8, 9, 16);
#                                        cli/coverage.bats: every exit code is seen
# 2  a closed port, a silent peer        cli/exit_codes.bats: 11: a closed port ..., 14: a silent peer ...; interop/hostile.bats
#    a DNS black hole                    cli/exit_codes.bats: 14: nobody answers ...; interop/dns_knot.bats: a DNS server that
#                                        is dead ...
# 3  a hundred servers with a call each  cli/actors.bats: a hundred calls at once, each with a server of its own
# 4  each cell of 5.1, errors of 5.3     below; cli/options.bats, cli/register_first.bats, cli/dialect.bats
#    flows that close, pools             interop/flows.bats, interop/lapse.bats; --first-message-timeout: cli/endpoint_options.bats
#    --on-drop                           cli/register_first.bats: 19 ..., --on-drop=refresh ...; interop/keep_kamailio.bats;
#                                        unit/test_registration_flow.c
# 5  every line of --json fits           cli/json.bats; cli/exit_codes.bats: gives; interop/client.bash
# 6  no secret in ps, traces, captures   cli/output.bats: a canary password ...; cli/secret.bats; cli/pcap.bats: secrets are
#                                        masked ...; interop/capture.bats; interop/memory.bats: no secret in ...
# 7  the first three commands, no file   cli/docs.bats: examples: README.md; cli/mistakes.bats: there is a server ...

load helper

setup() {
	fresh_home
}

@test "4: each cell of 5.1: what a command builds" {
	# command and what it needs; then with --register, with --server, with neither, with --p2p: s is server based, p peer to
	# peer, x a usage error. `listen --server` alone is one (ruling 20), publish is as register (ruling 10).
	while IFS='|' read -r line cells; do
		set -- $cells
		for option in '--register -a sip:a@b.example' --server=h.example '' --p2p; do
			# shellcheck disable=SC2086
			rte ${line%% *} -n -j $option ${line#* }
			case $1 in
			x)
				[ "$status" = 2 ] || what_happened
				[ "$(record 'select(.type == "endpoint")')" = '' ] || what_happened
				;;
			*)
				[ "$status" = 0 ] || what_happened
				[ "$(record 'select(.type == "endpoint") | .kind[:1]')" = "$1" ] || {
					echo "$line $option: not $1"
					what_happened
				}
				;;
			esac
			shift
		done
	done <<-'TABLE'
		register sip:a@b.example|x s s x
		subscribe -e presence sip:bob@x.example|s s s p
		invite sip:bob@x.example|s s p p
		listen -q|s x p p
		message -d x sip:bob@x.example|s s p p
		refer --to=sip:c@d.example sip:bob@x.example|s s p p
		publish --status=open sip:a@b.example|s s s x
		options sip:bob@x.example|s s p p
		request INFO sip:bob@x.example|s s p p
	TABLE
	for command in resolve serve help version; do
		rte $command --p2p
		usage_error 'unknown option "--p2p"'
		rte --p2p $command
		usage_error "--p2p does not apply to $command"
	done
}

@test "4: each usage error of 5.3, of every command that builds an endpoint; nothing is sent" {
	while read -r command arguments; do
		while IFS='|' read -r option pattern; do
			# shellcheck disable=SC2086
			rte $command $option $arguments
			usage_error "$pattern"
		done <<-'TABLE'
			--p2p --server=h.example|--p2p with --server
			--p2p --register -a sip:a@b.example|--p2p with --register
			--proxy=sip:p.example --server=h.example|--proxy with --server
			--server=h.example --dialect=ocs --transport=udp|--dialect: ocs goes over tcp or tls
			--user=alice|a peer-to-peer endpoint cannot authenticate; add --server or --register
			--password=env:PW|a peer-to-peer endpoint cannot authenticate; add --server or --register
			--auth=digest|a peer-to-peer endpoint cannot authenticate; add --server or --register
			--p2p -a sip:a@b.example:5060|port
			--linger=-1|--linger
			--idle-timeout=-1s|--idle-timeout
			--pool-size=0|--pool-size
			--listen=tls:127.0.0.1:0|--listen: tls needs --cert and --key
			--mutual-tls|--mutual-tls without --listen=tls
		TABLE
	done <<-'TABLE'
		invite sip:bob@127.0.0.1:1
		message -d x sip:bob@127.0.0.1:1
		refer --to=sip:c@d.example sip:bob@127.0.0.1:1
		options sip:bob@127.0.0.1:1
		request INFO sip:bob@127.0.0.1:1
	TABLE
}
