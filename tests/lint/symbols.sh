#!/bin/bash
# tests/lint/symbols.sh [BUILD] -- names that leave a file carry its noun; lib has no writable data of its own
# (style.md 2.8, ruling 32). Reads the objects of a release build, by default build/.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}

# A symbol of FOLDER/FILE.c may begin with
#   FILE_  or  FOLDER_FILE_            the noun of the file: base/buf.c buf_*, sip/via.c sip_via_*
#   the same for the first words       a noun split by phase: net/tls_conn.c net_tls_*, sip/tx_client.c sip_tx_*
#   one of the folder's nouns          below; a name that fits no better is counted as "by folder only"
declare -A nouns=(
	[base]='str scan buf arena list map mem text utf8 hash fail trace'
	[net]='net'
	[sip]='sip'
	[auth]='auth'
	[endpoint]='endpoint registration session subscription publication message request'
	[serve]='serve'
	[cli]='opt out cmd'
)
# Names that need no noun.
free='^main$'

# Writable data that lib may have (ruling 32): FOLDER/FILE SYMBOL.
data='
base/mem oom_hook
base/map key
base/map made
base/hash lib
base/hash md
auth/ntlm_crypto loaded
'

bad=0
say() {
	echo "$1"
	bad=$((bad + 1))
}

mapfile -t objects < <(find "$build/lib" "$build/cli" -name '*.c.o' 2>/dev/null | sort)
if [ "${#objects[@]}" = 0 ]; then
	echo "no objects under $build: build it first"
	exit 1
fi

fits() { # FOLDER FILE SYMBOL: 0 by file, 1 by folder only, 2 not at all
	local stem=$2 noun
	while :; do
		[[ $3 == "$stem" || $3 == "$stem"_* || $3 == "$1_$stem" || $3 == "$1_$stem"_* ]] && return 0
		[[ $stem == *_* ]] || break
		stem=${stem%_*}
	done
	for noun in ${nouns[$1]}; do
		[[ $3 == "$noun"_* ]] && return 1
	done
	return 2
}

exported=0
loose=()
for object in "${objects[@]}"; do
	# lib/libcore.a.p/base_arena.c.o, cli/rte.p/out_json.c.o
	name=$(basename "$object" .c.o)
	if [[ $object == "$build"/cli/* ]]; then
		folder=cli file=$name
	else
		folder=${name%%_*} file=${name#*_}
	fi
	if [ -z "${nouns[$folder]:-}" ]; then
		say "$folder/$file.c: a folder without nouns: name them in tests/lint/symbols.sh"
		continue
	fi
	while read -r symbol; do
		exported=$((exported + 1))
		[[ $symbol =~ $free ]] && continue
		result=0
		fits "$folder" "$file" "$symbol" || result=$?
		case $result in
		1) loose+=("$folder/$file.c: $symbol") ;;
		2) say "$folder/$file.c exports $symbol: wanted ${file}_*, ${folder}_${file}_* or a noun of: ${nouns[$folder]}" ;;
		esac
	done < <(nm -g --defined-only -P "$object" | awk '{ print $1 }')
	[ "$folder" != cli ] || continue
	# Constant tables that hold pointers are in .data.rel.ro, which the loader makes read-only.
	while read -r symbol; do
		symbol=${symbol%.[0-9]*}
		grep -qx "$folder/$file $symbol" <<<"$data" || say "$folder/$file.c: $symbol is writable data"
	done < <(nm -f sysv --defined-only "$object" | awk -F '|' '
		{ gsub(/ /, "", $1); gsub(/ /, "", $7) }
		$7 ~ /^(\.data|\.bss|\*COM\*)/ && $7 !~ /^\.data\.rel\.ro/ && $1 !~ /^\./ { print $1 }')
done

if [ "${#loose[@]}" -gt 0 ]; then
	echo "by the noun of the folder only:"
	printf '  %s\n' "${loose[@]}"
fi
echo "${#objects[@]} objects, $exported exported names (${#loose[@]} by folder only), $bad violations"
[ "$bad" = 0 ]
