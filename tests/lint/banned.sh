#!/bin/bash
# tests/lint/banned.sh -- what the style forbids and a pattern can find (style.md section 3)
set -eu
cd "$(dirname "$0")/../.."

columns=110 # the formatter aims at 100; a row of a table may be a little longer

# Whom it concerns, the pattern in the code without comments and strings, and why.
rules() {
	cat <<'TABLE'
lib cli tests|\<(strcpy|stpcpy|strcat|strncat|sprintf|vsprintf|gets|strtok)[[:space:]]*\(|no bounds: use str, buf, snprintf
lib cli tests|\<(atoi|atol|atoll|atof)[[:space:]]*\(|no error report: use scan, str_u32
lib cli tests|\<alloca[[:space:]]*\(|no alloca
lib cli|\<(strtol|strtoul|strtoll|strtoull|sscanf|scanf|fscanf)[[:space:]]*\(|numbers by str_u32 and friends
lib|\<(isalpha|isdigit|isalnum|isspace|isupper|islower|isxdigit|ispunct|isprint|iscntrl|tolower|toupper)[[:space:]]*\(|depends on the locale: use the classes of scan.h
lib|\<(strcasecmp|strncasecmp|strcoll)[[:space:]]*\(|depends on the locale: use str_eq_case and friends
lib cli|\<(rand|srand|random|srandom|drand48)[[:space:]]*\(|no randomness: use text_token, getrandom
lib cli|\<(tmpnam|tempnam|mktemp)[[:space:]]*\(|a race: use mkstemp
lib|\<(localtime|gmtime|ctime|asctime|inet_ntoa|inet_addr|gethostbyname|getaddrinfo|usleep|sleep)[[:space:]]*\(|shared state, or it blocks
lib cli tests|\<typedef\>.*\<[a-z0-9_]+_t[[:space:]]*;|names in _t belong to POSIX
lib cli tests|//|comments are /* */
lib cli|\<(pthread_|thrd_|mtx_)|one thread
TABLE
}

sources() { # FOLDER...
	for folder in "$@"; do
		if [ "$folder" = tests ]; then
			find tests/unit tests/fuzz tests/peers tests/tools -name '*.[ch]'
		else
			find "$folder" -name '*.[ch]'
		fi
	done | sort
}

bad=0
say() {
	echo "$1"
	bad=$((bad + 1))
}

count=0
while IFS= read -r rule; do
	where=${rule%%|*}
	why=${rule##*|}
	pattern=${rule#*|}
	pattern=${pattern%|*}
	count=$((count + 1))
	# shellcheck disable=SC2086
	while IFS=: read -r file line code; do
		say "$file:$line: $why: $(sed 's/^[[:space:]]*//' <<<"$code")"
	done < <(sources $where | xargs awk -f tests/lint/strip.awk | grep -E ":[0-9]+:.*($pattern)" || true)
done < <(rules)

mapfile -t files < <(
	{ sources lib cli tests; find lib cli tests -name '*.def' -o -name meson.build -o -name '*.sh' -o -name '*.bats' \
		-o -name '*.bash'; ls meson.build; } | grep -v '^tests/\.work' | sort -u)
while IFS= read -r hit; do
	say "$hit"
done < <(awk -v columns="$columns" '
	FNR == 1 && last != "" && blank { print last ": empty line at the end" }
	{ last = FILENAME; blank = /^$/ }
	/[ \t]+$/ { print FILENAME ":" FNR ": white space at the end of the line" }
	/\r/ { print FILENAME ":" FNR ": carriage return" }
	/\.[ch]:/ || FILENAME ~ /\.(c|h|def)$/ {
		width = 0
		for (i = 1; i <= length($0); i++)
			width += substr($0, i, 1) == "\t" ? 8 - width % 8 : 1
		if (width > columns)
			print FILENAME ":" FNR ": " width " columns, at most " columns
	}
	END { if (blank) print last ": empty line at the end" }' "${files[@]}")

echo "${#files[@]} files, $((count + 4)) rules, $bad violations"
[ "$bad" = 0 ]
