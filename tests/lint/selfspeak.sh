#!/bin/bash
# tests/lint/selfspeak.sh -- the sources speak of rte, not of the machine or the day on which they were written
set -eu
cd "$(dirname "$0")/../.."

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
else
	mapfile -t files < <(find . -type f ! -path './build*' ! -path './tests/.work/*' ! -path './.git/*' | sed 's,^\./,,')
fi
bad=0
say() {
	echo "$1"
	bad=$((bad + 1))
}

# Paths of this machine: of the checkout, of what stands beside it, of the user's home. Not those that every machine has.
paths=()
for path in "$PWD" "$(dirname "$PWD")" "${HOME:-/}"; do
	case $path in
	/ | /rte | /root | /home | /tmp | /var/tmp | /srv | /opt | /mnt | /src | /usr/src | /build | /builds) ;;
	"$PWD"/*) ;; # the home that tests/run.sh makes
	*) paths+=("$path/") ;;
	esac
done
for path in "${paths[@]}"; do
	while IFS= read -r hit; do
		say "a path of this machine: $hit"
	done < <(grep -InF -e "$path" -- "${files[@]}" | cut -c 1-160 || true)
done

# Work that is left is an issue, not a comment.
words='TODO|FIXME|XXX|HACK|WIP'
phrases='\b[Nn]ot (yet )?implemented|temporary hack|in a later issue|next landing|placeholder|stub\b'
while IFS= read -r hit; do
	say "left open: $hit"
done < <(printf '%s\n' "${files[@]}" | grep -E '^(lib|cli|man|completions)/' |
	xargs -r grep -InE -e "\\b($words)\\b" | cut -c 1-160 || true)
while IFS= read -r hit; do
	say "left open: $hit"
done < <(printf '%s\n' "${files[@]}" | grep -E '^(lib|cli)/.*\.([ch]|def)$' |
	xargs -r grep -InE -e "$phrases" | cut -c 1-160 || true)

echo "${#files[@]} files, ${#paths[@]} paths, $bad violations"
[ "$bad" = 0 ]
