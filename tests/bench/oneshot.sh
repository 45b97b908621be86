#!/bin/bash
# tests/bench/oneshot.sh [RUNS [PART...]] -- one request, from exec to exit, beside sipsak, sip-options, SIPp and bare socket
# calls, all at one Kamailio. The runs of all programs alternate. RUNS is 50; PART of: options-udp options-tcp options-tls
# register-udp register-tcp register-tls. RTE names the program (build-bench/cli/rte).
set -u
. "$(dirname "$0")/common.bash"
runs=${1:-50}
shift || true
parts=${*:-options-udp options-tcp options-tls register-udp register-tcp register-tls}

names=() # of the programs of this part
declare -A commands=()
# add NAME COMMAND...
add() {
	local name=$1
	shift
	names+=("$name")
	commands[$name]=$(printf '%q ' "$@")
}
sipp_once() { # SCENARIO TRANSPORT [ARG...]
	local scenario=$1 transport=$2
	shift 2
	echo sipp 127.0.0.1:5060 -sf "$scenario" -m 1 -i 127.0.0.1 -t "${transport:0:1}1" -nostdin "$@"
}
programs_of() { # PART
	local transport=${1#*-} uri='sip:127.0.0.1:5060'
	local contact=--contact=sip:alice@127.0.0.1:5099 # one binding, however often
	case $1 in
	options-udp | options-tcp)
		[ "$transport" = udp ] || uri+=';transport=tcp'
		add rte "$RTE" options "$uri"
		! have sip-options || add sip-options sip-options "$uri"
		! have sipsak || add sipsak sipsak -E "$transport" -s sip:127.0.0.1:5060
		add sipp $(sipp_once "$top/tests/bench/run/options.xml" "$transport")
		add bare "$programs/bare" "$transport" 127.0.0.1 5060
		;;
	options-tls)
		add rte "$RTE" options --cacert="$ca" 'sip:127.0.0.1:5061;transport=tls'
		add bare "$programs/bare_tls" tls 127.0.0.1 5061 "$ca"
		;;
	register-udp | register-tcp)
		add rte "$RTE" register --server=127.0.0.1 -t "$transport" --password=env:PW "$contact" sip:alice@rte.test
		! have sipsak || [ "$transport" = tcp ] ||
			add sipsak sipsak -U -s sip:alice@127.0.0.1:5060 -C sip:alice@127.0.0.1:5099 -x 60 -a pw-alice
		printf 'SEQUENTIAL\nalice;[authentication username=alice password=pw-alice];60\n' >"$work/alice.csv"
		add sipp $(sipp_once "$top/tests/interop/sipp/register.xml" "$transport" -inf "$work/alice.csv")
		;;
	register-tls)
		add rte "$RTE" register --server=127.0.0.1 -t tls --cacert="$ca" --password=env:PW "$contact" \
			sip:alice@rte.test
		;;
	*)
		echo "oneshot.sh: there is no part $1" >&2
		exit 2
		;;
	esac
}
part() {
	local name i cpu
	names=()
	commands=()
	programs_of "$1"
	for name in "${names[@]}"; do # the first run fills caches
		eval "once '$work/$1-warm' ${commands[$name]}"
	done
	for ((i = 0; i < runs; i++)); do
		for name in "${names[@]}"; do
			eval "once '$work/$1-$name' ${commands[$name]}"
		done
	done
	cpu=$(median "$work/$1-rte" 2)
	for name in "${names[@]}"; do
		printf '%-13s %-12s %8.2f %8.2f %8.1f' "$1" "$name" "$(median "$work/$1-$name" 1)" \
			"$(median "$work/$1-$name" 2)" "$(awk "BEGIN { print $(median "$work/$1-$name" 3) / 1024 }")"
		[ "$name" = rte ] || printf '   %6s %6s' "$(ratio "$cpu" "$(median "$work/$1-$name" 2)")" \
			"$(ratio "$(median "$work/$1-rte" 1)" "$(median "$work/$1-$name" 1)")"
		echo
	done
}

echo "medians of $runs runs each, alternating; rte/it: what rte takes of what the other takes"
printf '%-13s %-12s %8s %8s %8s   %6s %6s\n' part program 'wall ms' 'CPU ms' 'MiB' 'rte/it' 'rte/it'
printf '%-13s %-12s %8s %8s %8s   %6s %6s\n' '' '' '' '' '' CPU wall
for p in $parts; do
	part "$p"
done
