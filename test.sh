#!/bin/bash
# test.sh [--quick]   installs what the tests need, builds with warnings as errors, runs the whole suite.
#   --quick   without the peers that are real programs (Chromium, SIPp, baresip, Kamailio)
# Builds: build-test/asan (ASan and UBSan; all tests), build-test/plain (optimised and hardened: its binary is looked
# at), build-test/thread (TSan; the tests of what has threads). The last line sums everything.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
top=$PWD
build=$top/build-test/asan
jobs=$(nproc)
quick=0
for option in "$@"; do
	case $option in
	--quick) quick=1 ;;
	*) sed -n '2,5s/^# \?//p' "$0"; exit 2 ;;
	esac
done
export PATH=/usr/bin:$PATH # Debian's python3 has Debian's pytest
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
export TSAN_OPTIONS=halt_on_error=1:exitcode=99:suppressions=$top/tests/support/tsan.suppressions

passed=0 failed=0 skipped=0
started=$SECONDS
say() { printf '\n=== %s (%d s)\n' "$1" $((SECONDS - started)); }
finish() {
	printf '\n'
	if [ $skipped -gt 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	[ $failed = 0 ] && [ $passed -gt 0 ]
	exit
}
give_up() {
	echo "$1" >&2
	failed=$((failed + 1))
	finish
}

# Of a test-suite's .trs files: what the finest grain is that each test tells (cmocka's lines), else the program itself.
count_make_check() {
	local trs log cases result
	while IFS= read -r trs; do
		log=${trs%.trs}.log
		result=$(sed -n 's/^:test-result: //p' "$trs" | head -n 1)
		cases=$(grep -c '^\[       OK \]' "$log" || true)
		case $result in
		PASS*) passed=$((passed + (cases > 0 ? cases : 1))) ;;
		SKIP*) skipped=$((skipped + 1)) ;;
		*)
			failed=$((failed + 1))
			passed=$((passed + cases))
			printf '\n--- %s\n' "${log#"$top"/}"
			tail -n 60 "$log"
			;;
		esac
	done < <(find "$1" -name '*.trs' -newer "$2" | sort)
}

# make_check FOLDER [VARIABLE...]
make_check() {
	local folder=$1 mark
	shift
	mark=$(mktemp "$folder/.mark.XXXXXX")
	make -C "$folder" -s -k -j"$jobs" check "$@" >"$folder/check.log" 2>&1 </dev/null
	local status=$?
	grep -E '^(PASS|FAIL|ERROR|SKIP|XPASS):' "$folder/check.log" | sort
	local before=$failed
	count_make_check "$folder" "$mark"
	rm -f "$mark"
	if [ $status != 0 ] && [ $failed = "$before" ]; then
		tail -n 40 "$folder/check.log"
		failed=$((failed + 1))
	fi
}

# configure_and_build FOLDER TARGETS -- CONFIGURE-OPTIONS...
configure_and_build() {
	local folder=$1 targets=$2
	shift 3
	mkdir -p "$folder"
	if [ ! -e "$folder/config.status" ] || [ "$top/configure" -nt "$folder/config.status" ]; then
		(cd "$folder" && "$top/configure" -q "$@") >"$folder/configure.log" 2>&1 || {
			tail -n 20 "$folder/configure.log"
			give_up "configure failed in $folder"
		}
	fi
	# shellcheck disable=SC2086 # several targets
	make -C "$folder" -s -j"$jobs" $targets >"$folder/make.log" 2>&1 </dev/null || {
		grep -v '^make' "$folder/make.log" | tail -n 60
		give_up "the build failed in $folder"
	}
}

# run_pytest NAME FOLDER OPTIONS...
run_pytest() {
	local name=$1 folder=$2 counts
	shift 2
	# shellcheck disable=SC2144 # one glob, any match
	ls "$folder"/test_*.py >/dev/null 2>&1 || return 0
	/usr/bin/python3 -B -m pytest -p no:cacheprovider --timeout=180 "$@" "$folder" 2>&1 </dev/null | tee "$build/$name.log"
	local status=${PIPESTATUS[0]}
	counts=$(tail -n 1 "$build/$name.log")
	number() { grep -oE "[0-9]+ $1" <<<"$counts" | head -n 1 | grep -oE '^[0-9]+' || echo 0; }
	passed=$((passed + $(number passed)))
	skipped=$((skipped + $(number skipped)))
	local bad=$(($(number failed) + $(number error)))
	[ "$status" = 0 ] || [ $bad -gt 0 ] || bad=1 # it ended in another way than its last line tells
	failed=$((failed + bad))
}

# The peers that are real programs, driven by node's own test runner.
run_interop() {
	local log=$build/interop.log
	timeout -k 10 1200 tests/interop/run "$build" 2>&1 </dev/null | tee "$log" |
		grep -vE '^ *(---|\.\.\.|duration_ms:|type:)' | grep -vE '^ *# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) '
	local status=${PIPESTATUS[0]}
	number() { sed -n "s/^# $1 //p" "$log" | tail -n 1 | grep . || echo 0; }
	passed=$((passed + $(number pass)))
	skipped=$((skipped + $(number skipped)))
	local bad=$(($(number fail) + $(number cancelled)))
	[ "$status" = 0 ] || [ $bad -gt 0 ] || bad=1
	failed=$((failed + bad))
}

say 'packages'
sets=(build page test)
tests/support/install-packages "${sets[@]}" || give_up 'the packages that the tests need could not be installed'
if [ $quick = 0 ] && ! tests/support/install-packages interop; then
	echo 'SKIPPED: the peers for the interoperability tests could not be installed' >&2
	skipped=$((skipped + 1))
	quick=1
fi

say 'build with ASan and UBSan'
# After a change of the build files only; make does the rest.
if [ ! -e configure ] || [ -n "$(find configure.ac Makefile.am src plugins html -maxdepth 2 \( -name '*.am' -o -name '*.ac' -o -name '*.m4' \) -newer configure)" ]; then
	autoreconf -fi >/dev/null 2>"$top/autoreconf.log" || { cat "$top/autoreconf.log"; give_up 'autoreconf failed'; }
	rm -f "$top/autoreconf.log"
fi
configure_and_build "$build" all -- --enable-page --enable-g729 --enable-g723 --enable-sanitize=address,undefined \
	CFLAGS='-g -O1'

say 'unit tests, fuzzing corpora, lint'
make_check "$build"

say 'the whole daemon'
export TANDEM=$build/tandem
run_pytest integration "$top/tests/integration" -n "$((jobs * 2))" --dist=loadfile

say 'what crosses in a call'
run_pytest races "$top/tests/races"

if [ $quick = 0 ]; then
	say 'browsers and telephones'
	run_interop
fi

say 'tests of what has threads, with TSan'
configure_and_build "$top/build-test/thread" libtandem.a -- --disable-page --enable-sanitize=thread CFLAGS='-g -O1'
threaded=$(cd "$top" && grep -lE 'g_thread_new|pthread_create|loop_run|media_bench' tests/unit/*.c |
	sed 's/\.c$//' | while read -r name; do grep -qF "$name " "$top/build-test/thread/Makefile" && echo "$name"; done | tr '\n' ' ')
make_check "$top/build-test/thread" TESTS="$threaded" check_PROGRAMS="$threaded"

say 'the optimised build: hardening, installation'
configure_and_build "$top/build-test/plain" all -- --disable-page
make_check "$top/build-test/plain" TESTS=tests/lint/binary.py check_PROGRAMS=

finish
