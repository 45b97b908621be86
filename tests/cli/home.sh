#!/bin/bash
# tests/cli/home.sh DIR -- a scripted home server for socat's EXEC: answers the N-th request of a connection with DIR/METHOD.N
# or DIR/METHOD, where {Via}, {From}, {To}, {Call-ID}, {CSeq}, {Contact}, {uri} (of the Contact) and {tag} (of From) stand for
# what the request has; then it sends DIR/METHOD.N.then, if there is one. Line ends become CRLF. All that came is in DIR/heard.
dir=$1
count=0
say() { # FILE
	local text name
	text=$(cat "$1"; echo .)
	text=${text%.}
	for name in "${!has[@]}"; do
		text=${text//"{$name}"/"${has[$name]}"}
	done
	printf '%s' "${text//$'\n'/$'\r\n'}" | cat # one write
}
while IFS= read -r first; do
	first=${first%$'\r'}
	if [ -z "$first" ]; then
		echo '(empty line)' >>"$dir/heard"
		continue
	fi
	declare -A has=([Contact]='')
	echo "$first" >>"$dir/heard"
	while IFS= read -r line; do
		line=${line%$'\r'}
		echo "$line" >>"$dir/heard"
		[ -n "$line" ] || break
		[[ $line != *:* ]] || has[${line%%:*}]=${line#*: }
	done
	[ "${has[Content-Length]:-0}" = 0 ] || head -c "${has[Content-Length]}" >>"$dir/heard"
	[[ $first != SIP/2.0* ]] || continue
	method=${first%% *}
	count=$((count + 1))
	has[uri]=${has[Contact]#*<}
	has[uri]=${has[uri]%%>*}
	has[tag]=${has[From]#*tag=}
	has[tag]=${has[tag]%%;*}
	file=$dir/$method
	[ ! -e "$file.$count" ] || file=$file.$count
	[ ! -e "$file" ] || say "$file"
	[ ! -e "$dir/$method.$count.then" ] || say "$dir/$method.$count.then"
done
