#!/bin/bash
# tests/lint/layering.sh -- includes point down only, a library is known to its layer only, lib is silent
# (DESIGN.md section 2, style.md 2.1, 2.7)
set -eu
cd "$(dirname "$0")/../.."

# What the files of a layer may include, by folder.
declare -A may=(
	[base]='base'
	[net]='base net'
	[sip]='base sip'
	[auth]='base sip auth'
	[endpoint]='base net sip auth endpoint'
	[serve]='base net sip auth endpoint serve'
	[cli]='base endpoint serve cli'
)

# Which files may include the header of a library: an extended regular expression on the path without lib/.
declare -A library=(
	['ev.h']='^(net|endpoint|serve|cli)/'
	['openssl/*']='^(net/tls[a-z_]*\.[ch]|base/hash\.c|auth/ntlm_crypto\.c)$'
	['ares.h']='^net/dns[a-z_]*\.[ch]$'
	['arpa/nameser.h']='^net/dns[a-z_]*\.[ch]$'
	['popt.h']='^cli/'
	['jansson.h']='^cli/'
	['ntlm.h']='^auth/ntlm[a-z0-9_]*\.c$'
	['gssapi*']='^auth/kerberos([a-z_]*\.c|_impl\.h)$' # never the public kerberos.h
	['krb5*']='^auth/kerberos_[a-z]*\.c$'
	['expat.h']='^sip/xml\.c$'
	['cmocka.h']='^$'
	['pthread.h']='^$'
	['threads.h']='^$'
	['ctype.h']='^cli/'
)

# Calls that lib/ never makes: it returns, cli/ speaks.
# One exception: the child that net/child.c forks ends with _exit. It cannot return into the loop of its parent, and exit
# would run the parent's atexit handlers and write out once more what stands in its stdio buffers.
calls='printf fprintf vprintf vfprintf dprintf vdprintf puts fputs putchar putc fputc fwrite perror psignal
	syslog warn warnx err errx exit _exit _Exit quick_exit atexit getenv secure_getenv setenv putenv setlocale'
excepted='^lib/net/child\.c:[0-9]+:[[:space:]]*_exit\([01]\);$'

mapfile -t files < <(find lib cli -name '*.[ch]' -o -name '*.def' | sort)
bad=0
say() {
	echo "$1"
	bad=$((bad + 1))
}

includes=0
while IFS=: read -r file line code; do
	path=${file#lib/}
	layer=${path%%/*}
	includes=$((includes + 1))
	header=$(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]\([^">]*\)[">].*/\1/p' <<<"$code")
	[ -n "$header" ] || { say "$file:$line: an include by macro: $code"; continue; }
	if [[ $code == *\"* ]]; then
		if [[ $header != */* ]]; then
			# cli's own headers stand beside their users
			[ "$layer" = cli ] && [ -e "cli/$header" ] || say "$file:$line: \"$header\" without its folder"
			continue
		fi
		target=${header%%/*}
		[[ " ${may[$layer]} " == *" $target "* ]] || say "$file:$line: $layer may not include $header"
		[[ $header != *impl.h || $target == "$layer" ]] || say "$file:$line: $header is private to $target"
		[ -e "lib/$header" ] || [ -e "$header" ] || say "$file:$line: $header does not exist"
	else
		for name in "${!library[@]}"; do
			# shellcheck disable=SC2053
			if [[ $header == $name && ! $path =~ ${library[$name]} ]]; then
				say "$file:$line: <$header> does not belong here (allowed: ${library[$name]})"
			fi
		done
	fi
done < <(awk -v strings=1 -f tests/lint/strip.awk "${files[@]}" | grep -E ':[[:space:]]*#[[:space:]]*include' || true)

pattern="\\<($(echo $calls | tr ' ' '|'))[[:space:]]*\\(|\\<(stdout|stderr|stdin|environ)\\>"
while read -r hit; do
	say "${hit%%:*}:$(cut -d: -f2 <<<"$hit"): lib neither prints, exits nor reads the environment: $(cut -d: -f3- <<<"$hit" | sed 's/^[[:space:]]*//')"
done < <(find lib -name '*.[ch]' | sort | xargs awk -f tests/lint/strip.awk | grep -E "$pattern" | grep -vE "$excepted" || true)

echo "${#files[@]} files, $includes includes, $bad violations"
[ "$bad" = 0 ]
