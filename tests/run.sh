#!/bin/sh
# tests/run.sh -- install what the tests need, build, run every test, and say `N passed, N failed`
#
#   sh tests/run.sh                    everything
#   sh tests/run.sh --quick            the release build only: lint, unit, cli
#   sh tests/run.sh [--quick] PART...  of: lint unit cli interop fuzz valgrind
#
# Builds: build/ (release), build-asan/ (gcc, ASan and UBSan), build-fuzz/ (clang, libFuzzer). Logs: tests/.work/run/.
# With CI=true what is missing (a peer, the corpus) is a failure; elsewhere those tests say that they did not run.
# RTE_FUZZ_SECONDS: how long each fuzz target runs, 10 by default.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
work=$top/tests/.work/run

quick=no
parts=
for arg; do
	case $arg in
	--quick) quick=yes ;;
	lint | unit | cli | interop | fuzz | valgrind) parts="$parts $arg" ;;
	*)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
if [ -z "$parts" ]; then
	parts='lint unit cli interop fuzz valgrind'
	[ "$quick" = no ] || parts='lint unit cli'
fi
wants() {
	case " $parts " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}
# All that is also run with sanitizers.
sanitized() {
	[ "$quick" = no ]
}

sh tests/deps.sh build test || exit 1

exec </dev/null
rm -rf "$work"
mkdir -p "$work/home" "$work/asan"
results=$work/results     # pass|fail|skip TAB suite TAB name
failures=$work/failures   # the same for people, with what the test said
: >"$results"
: >"$failures"
jobs=$(nproc 2>/dev/null || echo 1)
began=$(date +%s)

# Nothing of the caller's settings or files may change a result.
for name in $(env | sed -n 's/^\(RTE_[A-Z0-9_]*\)=.*/\1/p'); do
	[ "$name" = RTE_FUZZ_SECONDS ] || unset "$name"
done
unset XDG_CONFIG_HOME XDG_STATE_HOME NOTIFY_SOCKET SSLKEYLOGFILE NO_COLOR LANGUAGE
export HOME="$work/home" LC_ALL=C.UTF-8 TERM=dumb TZ=UTC
export BATS_TEST_TIMEOUT=180
export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:exitcode=99:log_path=$work/asan/log"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:exitcode=99:log_path=$work/asan/log"

# ---- results

pass() { printf 'pass\t%s\t%s\n' "$1" "$2" >>"$results"; }
# fail SUITE NAME [LOG]: the end of LOG goes into the summary
fail() {
	printf 'fail\t%s\t%s\n' "$1" "$2" >>"$results"
	{
		printf 'FAILED %s: %s\n' "$1" "$2"
		[ -z "${3:-}" ] || tail -n 40 "$3" | sed 's/^/    /'
	} >>"$failures"
}
# tap SUITE FILE STATUS [strict]: count what FILE, in TAP, says. STATUS is the exit code of the program that wrote it.
# strict: a test that did not run is a failure.
tap() {
	awk -v suite="$1" -v status="$3" -v strict="${4:-}" -v results="$results" -v failures="$failures" '
		/^1\.\.[0-9]+/ { sub(/^1\.\./, ""); planned += $1; plans++; failing = 0; next }
		/^ok / || /^not ok / {
			name = $0
			sub(/^(not )?ok *[0-9]* */, "", name)
			sub(/^- +/, "", name)
			kind = /^ok / ? "pass" : "fail"
			if (tolower(name) ~ /# skip/) # cmocka says: not ok 1 # SKIP name
				kind = strict ? "fail" : "skip"
			printf "%s\t%s\t%s\n", kind, suite, name >>results
			seen++
			count[kind]++
			failing = kind == "fail"
			lines = 0
			if (failing)
				printf "FAILED %s: %s\n", suite, name >>failures
			next
		}
		/^#/ { if (failing && ++lines <= 40) print "    " $0 >>failures; next }
		{ other = other "    " $0 "\n" }
		END {
			why = ""
			if (plans != 1)
				why = plans ? "more than one plan (one cmocka group a program)" : "no test was run"
			else if (seen != planned)
				why = (planned - seen) " of " planned " tests did not run"
			else if (status != 0 && !count["fail"])
				why = "exit code " status " after its last test"
			if (why != "") {
				printf "fail\t%s\t%s\n", suite, why >>results
				printf "FAILED %s: %s\n%s", suite, why, substr(other, 1, 4000) >>failures
			}
		}' "$2"
}
# run_part TITLE FUNCTION: how it went and how long it took, on one line
run_part() {
	title=$1
	shift
	start=$(date +%s)
	before=$(wc -l <"$results")
	printf '%-28s ' "$title"
	"$@"
	tail -n +"$((before + 1))" "$results" | awk -F '\t' -v s="$(($(date +%s) - start))" '
		{ n[$1]++ }
		END {
			printf "%4d passed, %d failed%s  (%d s)\n", n["pass"], n["fail"],
				n["skip"] ? ", " n["skip"] " not run" : "", s
		}'
}
finish() {
	echo
	awk -F '\t' '$1 == "skip" { print "not run: " $2 ": " $3 }' "$results"
	[ ! -s "$failures" ] || cat "$failures"
	echo "logs are in tests/.work/run; $(($(date +%s) - began)) s"
	awk -F '\t' '{ n[$1]++ } END { printf "%d passed, %d failed\n", n["pass"], n["fail"]; exit n["fail"] || !n["pass"] }' "$results"
	exit
}

# ---- builds

# setup DIR OPTION...: make it, or bring an old one up to date
setup() {
	dir=$1
	shift
	if [ -f "$dir/build.ninja" ]; then
		meson configure "$dir" "$@" && return
	fi
	rm -rf "$dir"
	meson setup "$dir" "$@"
}
# build DIR OPTION...
build() {
	log=$work/$1.log
	if ! setup "$@" >"$log" 2>&1; then
		fail build "$1: meson setup" "$log"
	elif ! ninja -C "$1" --quiet >"$log" 2>&1; then
		fail build "$1" "$log"
	else
		pass build "$1"
	fi
}
release() { build build -Dtests=true; }
asan() {
	CC=gcc build build-asan -Dtests=true -Dbuildtype=debugoptimized -Dwerror=false \
		-Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all
}
fuzzers() {
	CC=clang build build-fuzz -Dtests=false -Dfuzz=true -Dbuildtype=debugoptimized
}

# ---- parts

lints() {
	for lint in tests/lint/*.sh; do
		name=$(basename "$lint" .sh)
		log=$work/lint-$name.log
		if bash "$lint" >"$log" 2>&1; then
			pass lint "$name: $(tail -n 1 "$log")"
		else
			fail lint "$name" "$log"
		fi
	done
}

# units DIR LABEL [OPTION...]: meson test; each line of TAP counts
units() {
	dir=$1 label=$2
	shift 2
	rm -f "$dir/meson-logs/$label"*
	meson test -C "$dir" --suite unit --logbase "$label" "$@" >"$work/$label.log" 2>&1
	log=$(ls "$dir/meson-logs/$label"*.json 2>/dev/null) # with a wrapper its name is added
	if [ ! -s "$log" ]; then
		fail "$label" "the unit tests did not build" "$work/$label.log"
		return
	fi
	# A unit test needs the corpus at most, and CI has it (ruling 38).
	strict=
	[ "${CI:-}" != true ] || [ -n "${RTE_VALGRIND:-}" ] || strict=yes
	jq -r '.name' "$log" | sed 's/.* //' | sort -u >"$work/$label.names"
	while read -r name; do
		out=$work/$label-$name.tap
		jq -r --arg n "$name" 'select(.name | sub(".* "; "") == $n) | (.stdout // ""), (.stderr // "")' "$log" >"$out"
		status=$(jq -r --arg n "$name" 'select(.name | sub(".* "; "") == $n) |
			if .result == "TIMEOUT" then "timeout" else .returncode end' "$log")
		tap "$label $name" "$out" "$status" "$strict"
	done <"$work/$label.names"
}

# bats_cli LABEL TAGS JOBS
bats_cli() {
	if [ ! -x "$RTE" ] || ! ls tests/cli/*.bats >/dev/null 2>&1; then
		fail "$1" "no $RTE, or no tests in tests/cli"
		return
	fi
	timeout -k 10 1800 bats -F tap --jobs "$3" --filter-tags "$2" tests/cli/*.bats \
		>"$work/$1.tap" 2>"$work/$1.err"
	status=$?
	[ ! -s "$work/$1.err" ] || sed 's/^/! /' "$work/$1.err" >>"$work/$1.tap"
	tap "$1" "$work/$1.tap" "$status"
}
# Tests tagged `serial` measure time: they run alone. Tests tagged `release` do not fit the sanitizer build.
cli_release() {
	export RTE="$top/build/cli/rte"
	bats_cli cli '!serial' "$jobs"
	bats_cli cli-serial 'serial' 1
}
cli_asan() {
	export RTE="$top/build-asan/cli/rte" RTE_SANITIZED=1
	bats_cli cli-asan '!serial,!release' "$jobs"
	bats_cli cli-asan-serial 'serial,!release' 1
	unset RTE_SANITIZED
}

# Every file in a network namespace of its own, so fixed ports never clash; files tagged `serial` one by one. The largest first,
# so that none runs on alone at the end.
interop_one='
	name=$(basename "$1" .bats)
	timeout -k 10 1500 tests/interop/ns.sh bats -F tap "$1" >"$work/interop-$name.tap" 2>"$work/interop-$name.err"
	echo $? >"$work/interop-$name.status"'
interop() {
	export RTE="$top/build/cli/rte"
	export work
	serial='^# bats file_tags=.*serial'
	ls -S $(grep -L "$serial" tests/interop/*.bats) | xargs -P "$jobs" -I FILE sh -c "$interop_one" sh FILE
	ls -S $(grep -l "$serial" tests/interop/*.bats) | xargs -I FILE sh -c "$interop_one" sh FILE
	for file in tests/interop/*.bats; do
		name=$(basename "$file" .bats)
		[ ! -s "$work/interop-$name.err" ] || sed 's/^/! /' "$work/interop-$name.err" >>"$work/interop-$name.tap"
		tap "interop $name" "$work/interop-$name.tap" "$(cat "$work/interop-$name.status")"
	done
}

fuzz_one() {
	name=$(basename "$1" | sed 's/^fuzz_//')
	seconds=${RTE_FUZZ_SECONDS:-10}
	mkdir -p "$work/fuzz/$name"
	{
		timeout $((seconds + 60)) "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
			-print_final_stats=1 -artifact_prefix="$work/fuzz/$name-" \
			"$work/fuzz/$name" "tests/data/fuzz/$name"
		echo $? >"$work/fuzz-$name.status"
	} >"$work/fuzz-$name.log" 2>&1
}
fuzz() {
	meson introspect --targets build-fuzz | jq -r '.[] | select(.type == "executable" and
		(.defined_in | endswith("tests/fuzz/meson.build"))) | .filename[0]' >"$work/fuzz.targets"
	running=0
	while read -r target; do
		ASAN_OPTIONS= UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 fuzz_one "$target" &
		running=$((running + 1))
		if [ "$running" -ge "$jobs" ]; then
			wait
			running=0
		fi
	done <"$work/fuzz.targets"
	wait
	while read -r target; do
		name=$(basename "$target" | sed 's/^fuzz_//')
		log=$work/fuzz-$name.log
		if [ ! -d "tests/data/fuzz/$name" ]; then
			fail fuzz "$name: no seeds in tests/data/fuzz/$name"
		elif [ "$(cat "$work/fuzz-$name.status")" = 0 ]; then
			pass fuzz "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
		else
			fail fuzz "$name" "$log"
		fi
	done <"$work/fuzz.targets"
	[ -s "$work/fuzz.targets" ] || fail fuzz "no fuzz targets"
}

memcheck='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible
	--show-leak-kinds=definite,indirect,possible --num-callers=30'
valgrind_units() {
	# a test that cannot work there (of limits that valgrind itself meets) asks for RTE_VALGRIND
	export RTE_VALGRIND=yes
	units build memcheck --no-suite timed --wrapper "$(echo $memcheck)" -t 10
	unset RTE_VALGRIND
}
valgrind_one() { # NAME COMMAND...: behind a server that is watched, too
	log=$work/valgrind-$1.log
	name=$1
	shift
	if PW=pw-alice timeout 120 $memcheck build/cli/rte serve --add-user=alice:env:PW -- \
		$memcheck build/cli/rte "$@" >"$log" 2>&1; then
		pass valgrind "serve -- $name"
	else
		fail valgrind "serve -- $name" "$log"
	fi
}
valgrind_commands() {
	valgrind_one register register --user=alice --password=env:PW sip:alice@test.invalid
	valgrind_one invite invite --register -a sip:alice@test.invalid --password=env:PW --duration=200ms sip:echo@test.invalid
}

# Every report that a sanitizer wrote is a failure, whatever became of the test that caused it.
sanitizer_reports() {
	for report in "$work"/asan/log*; do
		if [ -s "$report" ]; then
			fail sanitizers "$(basename "$report")" "$report"
			found=yes
		fi
	done
	[ "${found:-no}" = yes ] || pass sanitizers "no report"
}

# ---- the run

if wants lint || wants unit || wants cli || wants interop || wants valgrind; then
	run_part "build (release)" release
	grep -q '^fail' "$results" && finish
fi
if wants lint; then run_part "lint" lints; fi
if wants unit; then run_part "unit (release)" units build unit; fi
if wants cli; then run_part "cli (release)" cli_release; fi
if wants interop; then run_part "interop" interop; fi
if sanitized && { wants unit || wants cli; }; then
	run_part "build (ASan, UBSan)" asan
	if ! grep -q '^fail.build' "$results"; then
		if wants unit; then run_part "unit (ASan, UBSan)" units build-asan unit-asan; fi
		if wants cli; then run_part "cli (ASan, UBSan)" cli_asan; fi
		run_part "sanitizer reports" sanitizer_reports
	fi
fi
if wants fuzz; then
	run_part "build (clang, libFuzzer)" fuzzers
	if [ -f build-fuzz/build.ninja ]; then run_part "fuzz" fuzz; fi
fi
if wants valgrind; then
	run_part "valgrind (unit)" valgrind_units
	run_part "valgrind (commands)" valgrind_commands
fi
finish
