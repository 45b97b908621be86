# tests/bench/common.bash -- for oneshot.sh and load.sh: the programs, one Kamailio in a network namespace, medians

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${RTE:=$top/build-bench/cli/rte}"
programs=${RTE%/cli/rte}/tests/bench
export RTE
PATH=$PATH:/usr/sbin:/sbin

if [ ! -x "$RTE" ] || [ ! -x "$programs/measure" ]; then
	echo "$0: no $RTE or no $programs/measure: meson setup build-bench -Dbench=true && ninja -C build-bench" >&2
	exit 1
fi
# ports of our own, and a server that ends with us
[ "${RTE_NS:-}" = yes ] || exec "$top/tests/interop/ns.sh" "$0" "$@"

for name in kamailio kamcmd sipp openssl; do
	command -v "$name" >/dev/null || { echo "$0: $name is missing: sh tests/deps.sh bench" >&2; exit 1; }
done
work=$(mktemp -d)
export HOME=$work PW=pw-alice RTE_NO_CONFIG=1
unset RTE_NS SSLKEYLOGFILE
finish() {
	"$top/tests/interop/kamailio.sh" stop "$work/kamailio"
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
"$top/tests/interop/kamailio.sh" start "$work/kamailio" PKI="$work/pki" NONCE_EXPIRE=3600 >/dev/null
ca=$work/pki/ca.pem

have() {
	command -v "$1" >/dev/null
}
# once FILE COMMAND...: how long it took goes into FILE; a run that failed ends everything
once() {
	local file=$1
	shift
	if ! "$programs/measure" "$file" "$@" >"$work/out" 2>&1 </dev/null; then
		echo "this failed: $*" >&2
		cat "$work/out" >&2
		exit 1
	fi
}
# median FILE COLUMN
median() {
	cut -d ' ' -f "$2" "$1" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}
