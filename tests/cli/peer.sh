#!/bin/bash
# tests/cli/peer.sh FILE -- a scripted peer for socat's EXEC: reads one SIP request and answers with FILE, where {Via},
# {From}, {To}, {Call-ID}, {CSeq} and {Contact} stand for what the request has; line ends become CRLF. FILE.N, if there is
# one, is for the request with the CSeq N.
declare -A has=([Contact]='')
while IFS= read -r line; do
	line=${line%$'\r'}
	[ -n "$line" ] || break
	[[ $line != *:* ]] || has[${line%%:*}]=${line#*: }
done
file=$1
number=${has[CSeq]%% *}
[ ! -e "$file.$number" ] || file=$file.$number
text=$(cat "$file"; echo .)
text=${text%.}
for name in "${!has[@]}"; do
	text=${text//"{$name}"/"${has[$name]}"}
done
# cat, because bash would write it line by line, and each line would be a datagram
cat <<<"${text//$'\n'/$'\r\n'}"
