#!/usr/bin/env bats
# tests/cli/docs.bats -- the manual pages and the README cannot drift from the program (cli.md section 15)
#
# What the pages keep to, so that they can be checked:
#   .It Fl x , Fl -name Ns = Ns Ar WORD     a row of OPTIONS; in rte(1) below the .Ss of its group
#   .It N Em name                           a row of EXIT STATUS in rte(1), then its text; elsewhere .It N
#   .It Li field / KIND[, optional].        a row of a table in rte-events(5)
#   $ COMMAND                               in a literal block of EXAMPLES, or in a ```console block of README.md: it
#                                           is run and must exit 0; lines below it are its output, in which only
#                                           numbers may differ, and `...` stands for what is left out. A
#                                           block without a $ is not run.

load helper

setup() {
	need mandoc jq
	fresh_home
	cd "$top" || return
}

pages() {
	ls man/*.[1-8]
}
# section PAGE NAME: the source of a section
section() {
	awk -v name="$2" '/^\.Sh / { on = substr($0, 5) == name; next } on' "$1"
}
# rendered PAGE NAME: a section as text
rendered() {
	mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g' |
		awk -v name="$2" '/^[A-Z]/ { on = $0 == name; next } on && NF' | sed 's/^ *//'
}
# commands that have a page
commands() {
	"$RTE" --dump-options | cut -f 1 | uniq | grep -vx -e rte -e help -e version
}
same() { # WHAT FILE FILE
	diff "$2" "$3" >"$BATS_TEST_TMPDIR/diff" && return
	echo "$1: < stands there, > is true"
	cat "$BATS_TEST_TMPDIR/diff"
	return 1
}

# ---- man-options

# options_of PAGE: group, long name, letter, argument word, text: a line for each row
options_of() {
	section "$1" OPTIONS | sed 's/\\(aq/'\''/g; s/\\&//g' | awk '
		function flush() { if (name) print group "\t" name "\t" letter "\t" word "\t" text; name = text = "" }
		/^\.Ss / { flush(); group = substr($0, 5); next }
		/^\.El/ { flush(); next }
		/^\.It Fl / {
			flush()
			sub(/^\.It Fl /, "")
			letter = word = ""
			if (match($0, /^[A-Za-z0-9] , Fl /)) {
				letter = substr($0, 1, 1)
				$0 = substr($0, RLENGTH + 1)
			}
			if (i = index($0, " Ns = Ns Ar ")) {
				word = substr($0, i + 12)
				$0 = substr($0, 1, i - 1)
			}
			name = substr($0, 2)
			next
		}
		name { text = text " " $0 }'
}
# page_options COMMAND PAGE: rows and words, against the tables
page_options() {
	local column=2
	[ "$1" != rte ] || column=1
	options_of "$2" | cut -f "$column-4" | sort >"$BATS_TEST_TMPDIR/page"
	"$RTE" --dump-options | awk -F '\t' -v c="$1" '$1 == c && $6 !~ /hidden/ && (c == "rte" || $5 == "") {
		print (c == "rte" ? $5 "\t" : "") $2 "\t" $3 "\t" $4 }' | sort >"$BATS_TEST_TMPDIR/table"
	same "$2" "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table"
}
@test "man-options: rte(1) has every common option, in its group, and no other" {
	page_options rte man/rte.1
}
@test "man-options: the page of a command has every option of its own, and no other" {
	for command in $(commands); do
		page_options "$command" "man/rte-$command.1"
	done
}
@test "man-options: the text names every value of a choice" {
	for page in man/rte*.1; do
		options_of "$page" | awk -F '\t' -v page="$page" '
			$4 ~ /^[a-z0-9.|-]+$/ && $4 ~ /\|/ {
				n = split($4, words, "|")
				for (i = 1; i <= n; i++)
					if (index(" " $5 " ", " " words[i] " ") == 0) {
						print page ": --" $2 ": nothing about " words[i]
						bad = 1
					}
			}
			$5 == "" { print page ": --" $2 " has no text"; bad = 1 }
			END { exit bad }'
	done
}
@test "man-options: a page names the groups that its command takes" {
	for command in $(commands); do
		rendered "man/rte-$command.1" OPTIONS | tr '\n' ' ' |
			sed -n 's/^The common options of rte(1) apply: the groups \([^.]*\)\..*/\1/p' |
			sed 's/ and /, /; s/, */\n/g' | sort >"$BATS_TEST_TMPDIR/page"
		"$RTE" --dump-options | awk -F '\t' -v c="$command" '
			$1 == c && $5 != "" && $5 != "Help" && $6 !~ /hidden/ { print $5 }' |
			sort -u >"$BATS_TEST_TMPDIR/table"
		same "$command" "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table"
	done
}
@test "man-options: pages and README speak of no option that is not there" {
	"$RTE" --dump-options | cut -f 2 | sort -u >"$BATS_TEST_TMPDIR/known"
	for page in $(pages) README.md; do
		# in rte-serve(1) behind `--` stand options of other programs
		case $page in
		README.md) cat "$page" ;;
		*) mandoc -T ascii "$page" | sed 's/.\x08//g' ;;
		esac | grep -Eo -e '(^|[^-a-zA-Z0-9])--[a-z0-9][a-z0-9-]*' | sed 's/.*--//' | sort -u |
			grep -vxF -f "$BATS_TEST_TMPDIR/known" >"$BATS_TEST_TMPDIR/unknown" || true
		sed -i '/^no-$/d; /^prefix$/d' "$BATS_TEST_TMPDIR/unknown"
		[ ! -s "$BATS_TEST_TMPDIR/unknown" ] || {
			echo "$page: $(paste -sd ' ' "$BATS_TEST_TMPDIR/unknown")"
			return 1
		}
	done
}

# ---- man-synopsis

@test "man-synopsis: SYNOPSIS is the usage line" {
	[ "$(rendered man/rte.1 SYNOPSIS)" = "$("$RTE" --help | sed -n '1s/^Usage: //p')" ]
	for command in $(commands); do
		[ "$(rendered "man/rte-$command.1" SYNOPSIS)" = "$("$RTE" "$command" --help | sed -n '1s/^Usage: //p')" ]
	done
}

# ---- man-exit

@test "man-exit: rte(1) has every code, with the name and the text of the program" {
	"$RTE" --dump-exit-codes >"$BATS_TEST_TMPDIR/table"
	section man/rte.1 'EXIT STATUS' | awk '
		/^\.It / { code = $2; name = $4; getline; sub(/[:;.]$/, ""); print code "\t" name "\t" $0 }' \
		>"$BATS_TEST_TMPDIR/page"
	same "rte(1)" "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table"
}
@test "man-exit: the page of a command has only codes that there are, 0, 2 and 70 among them" {
	"$RTE" --dump-exit-codes | cut -f 1 | sort >"$BATS_TEST_TMPDIR/table"
	for command in $(commands); do
		section "man/rte-$command.1" 'EXIT STATUS' | sed -n 's/^\.It \([0-9]*\)$/\1/p' | sort >"$BATS_TEST_TMPDIR/page"
		run comm -23 "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table"
		[ -z "$output" ] || what_happened
		for code in 0 2 70; do
			grep -qx "$code" "$BATS_TEST_TMPDIR/page"
		done
	done
}

# ---- man-lint

@test "man-lint: mandoc has nothing to say" {
	for page in $(pages); do
		run mandoc -T lint -W warning "$page"
		[ "$status" = 0 ] && [ -z "$output" ] || what_happened
	done
}
@test "man-lint: a page for each command, a command for each page, and all of them are installed" {
	[ "$(commands | sort)" = "$(ls man/rte-*.1 | sed 's,man/rte-\(.*\)\.1$,\1,' | sort)" ]
	[ "$(pages | sed 's,man/,,' | sort)" = "$(sed -n "s/^  '\(.*\)',$/\1/p" man/meson.build | sort)" ]
}
@test "man-lint: sections stand in one order" {
	order='NAME SYNOPSIS DESCRIPTION OPTIONS RECORDS OBJECTS ENVIRONMENT FILES "EXIT STATUS" EXAMPLES "SEE ALSO" STANDARDS CAVEATS'
	for page in $(pages); do
		sed -n 's/^\.Sh //p' "$page" >"$BATS_TEST_TMPDIR/page"
		eval "printf '%s\n' $order" | grep -xF -f "$BATS_TEST_TMPDIR/page" >"$BATS_TEST_TMPDIR/wanted"
		same "$page" "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/wanted"
	done
}
@test "man-lint: a page refers to pages that there are" {
	for page in $(pages); do
		for other in $(sed -n 's/^\.Xr \(rte[^ ]*\) \([0-9]\).*/\1.\2/p' "$page"); do
			[ -e "man/$other" ]
		done
	done
}

# ---- examples

# example_blocks FILE: the literal blocks of EXAMPLES, or the console blocks of README, into $BATS_TEST_TMPDIR/block.N
example_blocks() {
	rm -f "$BATS_TEST_TMPDIR"/block.*
	case $1 in
	*.md)
		awk -v base="$BATS_TEST_TMPDIR/block." '
			/^```$/ { on = 0 }
			on { print >file }
			/^```console$/ { on = 1; file = sprintf("%s%02d", base, ++n) }' "$1"
		;;
	*)
		section "$1" EXAMPLES | awk -v base="$BATS_TEST_TMPDIR/block." '
			/^\.Ed/ { on = 0 }
			on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >file }
			/^\.Bd -literal/ { on = 1; file = sprintf("%s%02d", base, ++n) }'
		;;
	esac
}
# block_steps FILE: its commands into FILE.1, FILE.2 ..., what they print into FILE.1.out ...
block_steps() {
	local line step=0 open=no
	while IFS= read -r line; do
		if [ "$open" = yes ]; then
			printf '%s\n' "$line" >>"$1.$step"
		elif [[ $line == '$ '* ]]; then
			step=$((step + 1))
			printf '%s\n' "${line#'$ '}" >"$1.$step"
		else
			printf '%s\n' "$line" >>"$1.$step.out"
			continue
		fi
		open=no
		[[ $line != *[\\\|] ]] && bash -n "$1.$step" 2>/dev/null || open=yes
	done <"$1"
}
# Numbers may differ from run to run, the room they take, and what took no time.
blurred() {
	sed -E 's/^  time .*/  time/; s/[0-9a-f]{8,}/N/g; s/[0-9]+/N/g; s/N(\.N)+/N/g; s/ +/ /g; s/ $//' "$1"
}
# shows FILE FILE: the first is what the second says; in it `...` at the end of a line stands for anything
shows() {
	local pattern
	pattern=$(blurred "$1" | sed 's/[^a-zA-Z0-9]/\\&/g; s/\\\.\\\.\\\.$/*/')
	# shellcheck disable=SC2053 # it is a pattern
	[[ $(blurred "$2") == $pattern ]]
}
# run_blocks FILE: all of them, one after the other, in a shell whose server is `rte serve` with the user alice
run_blocks() {
	local block step here=$BATS_TEST_TMPDIR
	mkdir -p "$here/bin" "$here/cwd"
	ln -sf "$RTE" "$here/bin/rte"
	# what the examples take for granted
	printf '#!/bin/sh\necho secret\n' >"$here/bin/pass"
	chmod +x "$here/bin/pass"
	export PATH="$here/bin:$PATH" RTE_USER=alice RTE_PASSWORD=secret
	example_blocks "$1"
	case $1 in
	*-config.5) cp "$here/block.01" "$XDG_CONFIG_HOME/rte/config" ;;
	*-run.1) cp "$here/block.01" "$here/cwd/call.rte" ;;
	*-config.1) cp "$here/block.01" "$here/cwd/lab.conf" ;;
	*-credentials.5) install -m 600 "$here/block.01" "$XDG_CONFIG_HOME/rte/credentials" ;;
	esac
	# the steps share a shell: `export` holds for those that follow
	echo 'set -o pipefail' >"$here/script"
	case $1 in *-credentials.5) echo 'unset RTE_USER RTE_PASSWORD' >>"$here/script" ;; esac
	# nothing of the server's is to be seen there
	case $1 in *-config.1 | *-credentials.1) echo 'unset ${!RTE_*}' >>"$here/script" ;; esac
	for block in $(grep -l '^\$ ' "$here"/block.??); do
		block_steps "$block"
		for step in $(ls "$block".* | grep -v '\.out$' | sort -V); do
			echo ". '$step' >'$step.got' 2>&1 </dev/null || { echo \"exit \$?\"; cat '$step' '$step.got'; exit 1; }"
		done >>"$here/script"
	done
	(cd "$here/cwd" && timeout 60 rte serve --domain=example.com --tls-auto --add-user=alice:env:RTE_PASSWORD \
		-- bash "$here/script") || {
		echo "an example of $1 failed"
		return 1
	}
	[ -n "$(ls "$here"/block.*.got)" ]
	for step in $(ls "$here"/block.*.out 2>/dev/null); do
		shows "$step" "${step%.out}.got" || {
			echo "$1 shows for $(cat "${step%.out}")"
			cat "$step"
			echo "and it prints"
			cat "${step%.out}.got"
			return 1
		}
	done
}
@test "examples: rte(1)" {
	run_blocks man/rte.1
}
@test "examples: rte-register(1)" {
	run_blocks man/rte-register.1
}
@test "examples: rte-invite(1)" {
	run_blocks man/rte-invite.1
}
@test "examples: rte-refer(1)" {
	run_blocks man/rte-refer.1
}
@test "examples: rte-message(1)" {
	run_blocks man/rte-message.1
}
@test "examples: rte-subscribe(1)" {
	run_blocks man/rte-subscribe.1
}
@test "examples: rte-publish(1)" {
	run_blocks man/rte-publish.1
}
@test "examples: rte-listen(1)" {
	run_blocks man/rte-listen.1
}
@test "examples: rte-options(1)" {
	run_blocks man/rte-options.1
}
@test "examples: rte-request(1)" {
	run_blocks man/rte-request.1
}
@test "examples: rte-parse(1)" {
	run_blocks man/rte-parse.1
}
@test "examples: rte-resolve(1)" {
	run_blocks man/rte-resolve.1
}
@test "examples: rte-run(1)" {
	run_blocks man/rte-run.1
}
@test "examples: rte-serve(1)" {
	run_blocks man/rte-serve.1
}
@test "examples: rte-config(1)" {
	run_blocks man/rte-config.1
}
@test "examples: rte-credentials(1)" {
	run_blocks man/rte-credentials.1
}
@test "examples: rte-config(5)" {
	run_blocks man/rte-config.5
}
@test "examples: rte-credentials(5)" {
	run_blocks man/rte-credentials.5
}
@test "examples: rte-events(5)" {
	run_blocks man/rte-events.5
}
@test "examples: rte-cookbook(7), twenty of them" {
	[ "$(grep -c '^[0-9]*\.$' man/rte-cookbook.7)" = 20 ]
	run_blocks man/rte-cookbook.7
}
@test "examples: README.md" {
	run_blocks README.md
}
@test "examples: every page that has some is run" {
	for page in $(pages) README.md; do
		example_blocks "$page"
		! grep -q '^\$ ' "$BATS_TEST_TMPDIR"/block.* || grep -q "run_blocks $page\$" "$BATS_TEST_FILENAME"
	done
}

# ---- events-doc

# record_example TYPE: its first example in rte-events(5), as the one line that it is
record_example() {
	section man/rte-events.5 RECORDS | awk -v type="$1" '
		/^\.Ss / { mine = substr($0, 5) == type }
		/^\.Ed/ { if (on) exit; next }
		on { sub(/^ +/, ""); gsub(/\\e/, "\\"); printf "%s", $0 }
		/^\.Bd / { on = mine }'
}
types() {
	sed -n 's/^EVENT(\([a-z_]*\),.*/\1/p' cli/events.def
}
# as_record TYPE COMMAND SEQ ELAPSED: the example as the record of a run
as_record() {
	record_example "$1" | sed -E 's/"command":"[a-z]+"/"command":"'"$2"'"/; s/"seq":[0-9]+/"seq":'"$3"'/
		s/"elapsed_ms":[0-9.]+(.*"type":"'"$1"'")/"elapsed_ms":'"$4"'\1/'
	echo
}
@test "events-doc: every type has a valid example" {
	[ "$(types | sort)" = "$(section man/rte-events.5 RECORDS | sed -n 's/^\.Ss //p' | sort)" ]
	for type in $(types); do
		command=$(record_example "$type" | jq -r .command)
		# the checker wants whole runs
		case $type in
		version) as_record version "$command" 1 0.0 ;;
		start | end)
			as_record start "$command" 1 0.0
			as_record end "$command" 2 1.0
			;;
		*)
			as_record start "$command" 1 0.0
			as_record "$type" "$command" 2 1.0
			as_record end "$command" 3 2.0
			;;
		esac >"$BATS_TEST_TMPDIR/run"
		[ "$(jq -r .type "$BATS_TEST_TMPDIR/run" | grep -cx "$type")" = 1 ]
		check_records <"$BATS_TEST_TMPDIR/run" || {
			cat "$BATS_TEST_TMPDIR/run"
			return 1
		}
	done
}

# fields_of SECTION: record or object, field, kind, and the words of its text: a line for each row of the tables
fields_of() {
	section man/rte-events.5 "$1" | awk '
		function flush() { if (field) print name "\t" field "\t" kind "\t" text; field = "" }
		/^\.Ss / { flush(); name = substr($0, 5); next }
		/^\.It Li / { flush(); field = $3; getline kind; sub(/\.$/, "", kind); text = ""; next }
		/^\.El/ { flush(); next }
		field { text = text " " $0 }
		END { flush() }'
}
# The same from the schema; the text is the words of an enum.
schema_fields() { # RECORDS|OBJECTS
	"$RTE" help --schema | jq -r --arg what "$1" '
		def kind: if ."$ref" then ."$ref" | sub(".*/"; "")
			elif .type == "array" then "list of " + (.items | kind)
			elif .type == "object" then "map to " + (.additionalProperties | kind)
			elif .format == "date-time" then "time"
			elif .enum then "string" else .type end;
		["v", "type", "seq", "time", "elapsed_ms", "command", "party"] as $common |
		."$defs" | to_entries[] | select((.key | startswith("event_")) == ($what == "RECORDS")) |
		(.key | sub("^event_"; "")) as $name | .value.required as $required | (.value.properties // {}) | to_entries[] |
		select($what == "OBJECTS" or (.key as $k | $common | index($k) | not)) |
		[$name, .key, (.value | kind) + (.key as $k | if ($required | index($k)) then "" else ", optional" end),
			((.value.enum // []) | join(" "))] | @tsv'
}
@test "events-doc: the tables of fields are those of the schema" {
	for part in RECORDS OBJECTS; do
		fields_of "$part" | sort >"$BATS_TEST_TMPDIR/page"
		schema_fields "$part" | sort >"$BATS_TEST_TMPDIR/table"
		cut -f -3 "$BATS_TEST_TMPDIR/page" >"$BATS_TEST_TMPDIR/page.3"
		cut -f -3 "$BATS_TEST_TMPDIR/table" >"$BATS_TEST_TMPDIR/table.3"
		same "$part" "$BATS_TEST_TMPDIR/page.3" "$BATS_TEST_TMPDIR/table.3"
		# every word that the schema knows is named
		paste "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table" | awk -F '\t' '{
			n = split($8, words, " ")
			for (i = 1; i <= n; i++)
				if (index(" " $4 " ", " " words[i] " ") == 0) {
					print $1 "." $2 ": nothing about " words[i]
					bad = 1
				}
		} END { exit bad }'
	done
}
@test "events-doc: what is one of several kinds names them all" {
	"$RTE" help --schema | jq -r '."$defs" | to_entries[] | select(.value.anyOf) | .key as $name | .value.anyOf[] |
		[$name, .type // (."$ref" | sub(".*/"; ""))] | @tsv' >"$BATS_TEST_TMPDIR/kinds"
	[ "$(cut -f 1 "$BATS_TEST_TMPDIR/kinds" | sort -u | tr '\n' ' ')" = 'body known ' ]
	while IFS=$'\t' read -r name kind; do
		section man/rte-events.5 OBJECTS | awk -v name="$name" '/^\.Ss / { on = substr($0, 5) == name; next } on' |
			grep -qw "$kind" || {
			echo "$name: nothing about $kind"
			return 1
		}
	done <"$BATS_TEST_TMPDIR/kinds"
}
@test "events-doc: what every record has" {
	section man/rte-events.5 DESCRIPTION | sed -n 's/^\.It Li //p' | sort >"$BATS_TEST_TMPDIR/page"
	"$RTE" help --schema | jq -r '[."$defs" | to_entries[] | select(.key | startswith("event_")) |
		.value.properties | keys] | .[0] - (.[0] - .[1]) | . as $two | $two[]' | sort >"$BATS_TEST_TMPDIR/two"
	"$RTE" help --schema | jq -r '[."$defs" | to_entries[] | select(.key | startswith("event_")) | .value.properties |
		keys] | . as $all | $all[0][] | select(. as $k | $all | all(index($k)))' | sort >"$BATS_TEST_TMPDIR/table"
	same DESCRIPTION "$BATS_TEST_TMPDIR/page" "$BATS_TEST_TMPDIR/table"
}
