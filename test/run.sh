#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run.sh LIST LOGS: runs the tests named in LIST, JOBS at a time.
#
# A line of LIST is a name and a command.  The command runs in the top folder
# with TMPDIR set to a directory of its own, which it must leave empty, and
# with its output in LOGS/NAME.log.  It fails when it exits with other than 0
# or 77 (skipped), takes longer than TEST_TIMEOUT seconds, or ends in the
# middle of a test.
#
# A cmocka program counts as its test functions.  Any other program counts as
# one, or as its lines that begin with "ok", "not ok" or "skipped:".  The line
# before cmocka's SKIPPED says why.
#
# TEST_WRAPPER is put before each command (valgrind).  The last line is
# "N passed, N failed, N skipped".

set -u

jobs=${JOBS:-2}
timeout=${TEST_TIMEOUT:-400}

# Passed, failed, skipped and unfinished tests of a log and an exit status.
count()
{
	awk -v status="$2" '
	/^\[ RUN      \]/		{ unfinished += open; open = 1 }
	open && /^\[       OK \]/	{ passed++; open = 0 }
	open && /^\[  SKIPPED \]/	{ skipped++; open = 0 }
	open && /^\[  FAILED  \]/	{ failed++; open = 0 }
	# "ERROR ---" tells why; "ERROR name" ends a test without set-up.
	open && /^\[  ERROR   \] [^-]/	{ failed++; open = 0 }
	/^ok( |$)/			{ passed++ }
	/^not ok( |$)/			{ failed++ }
	/^skipped:/			{ skipped++ }
	/^\[==========\]/		{ cmocka = 1 }
	END {
		if (status == 77 && skipped == 0)
			skipped = 1
		if (status == 0 && !cmocka && passed + failed == 0)
			passed = 1
		print passed + 0, failed + 0, skipped + 0, unfinished + open
	}' "$1"
}

# "name: why" for each skipped test of a log.
reasons()
{
	awk -v status="$2" -v program="$3" '
	/^\[ RUN      \]/	{ open = 1; why = "no reason given"; next }
	open && /^\[  SKIPPED \]/ {
		print "  " program " " $4 ": " why
		found = 1
	}
	/^\[/			{ open = 0; next }
	/^skipped:/		{ print "  " program ": " substr($0, 10)
				  found = 1 }
	{ why = $0; last = $0 }
	END {
		if (status == 77 && !found)
			print "  " program ": " (last ? last : "no reason given")
	}' "$1"
}

# One test: the logs, its name, and the command.
run_one()
{
	logs=$1 name=$2
	log=$logs/$(echo "$name" | tr / -)
	shift 2
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/jz-XXXXXX") || exit 1
	begin=$(date +%s%N)
	# shellcheck disable=SC2086 # a command and its arguments
	TMPDIR=$tmp timeout -k 5 "$timeout" ${TEST_WRAPPER:-} "$@" \
	    >"$log.log" 2>&1 </dev/null &
	# shellcheck disable=SC2064 # this child
	trap "kill $! 2>/dev/null" INT TERM HUP
	wait $!
	status=$?
	ms=$((($(date +%s%N) - begin) / 1000000))
	left=$(ls -A "$tmp")
	rm -rf "$tmp"

	# shellcheck disable=SC2046 # four numbers
	set -- $(count "$log.log" "$status")
	passed=$1 failed=$2 skipped=$3 unfinished=$4
	why=
	case $status in
	0 | 77) ;;
	124 | 137) why="longer than $timeout s" ;;
	*) why="exit status $status" ;;
	esac
	[ "$unfinished" -eq 0 ] || why="${why:+$why, }ended within a test"
	[ -z "$left" ] || why="${why:+$why, }left behind: $left"
	# What the tests have for canaries is in nobody's output.
	if [ -x "${BUILD:=build}/test/find-secrets" ] &&
		! "$BUILD/test/find-secrets" test/secrets/constants "$log.log" \
			>"$log.canaries"; then
		why="${why:+$why, }a secret is told: $(cat "$log.canaries")"
	fi
	rm -f "$log.canaries"
	if [ -n "$why" ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	reasons "$log.log" "$status" "$name" >"$log.skipped"
	if [ "$failed" -gt 0 ]; then
		word=FAILED
		echo "$name: ${why:-failed}" >"$log.failed"
	elif [ "$passed" -eq 0 ]; then
		word=skipped
	else
		word=ok
	fi
	printf '%-8s%-40s%5d passed%4d failed%4d skipped%4d.%03d s\n' "$word" "$name" \
	    "$passed" "$failed" "$skipped" $((ms / 1000)) $((ms % 1000))
	echo "$passed $failed $skipped" >"$log.result"
}

if [ "${1:-}" = --one ]; then
	# shellcheck disable=SC2086 # a line of the list
	run_one "$2" $3
	exit 0
fi

list=${1:?usage: run.sh LIST LOGS}
logs=${2:?usage: run.sh LIST LOGS}
# Two runs over one folder of logs would spoil each other's.
mkdir -p "$(dirname "$logs")" || exit 1
exec 9>"$logs.lock"
flock 9
rm -rf "$logs"
mkdir -p "$logs" || exit 1

# What a user has set must not change what a test sees.
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE JIAOZI_DEBUG JIAOZI_VPCD_PORT \
    PCSCLITE_CSOCK_NAME LANGUAGE
LC_ALL=C.UTF-8
export LC_ALL

xargs -d '\n' -n 1 -P "$jobs" "$0" --one "$logs" <"$list" 9>&-

for f in "$logs"/*.failed; do
	[ -e "$f" ] || continue
	printf '\n---- %s\n' "$(cat "$f")"
	tail -n 60 "${f%.failed}.log"
done
if [ -n "$(cat "$logs"/*.skipped)" ]; then
	printf '\nSkipped:\n'
	cat "$logs"/*.skipped
fi
echo
cat "$logs"/*.result | awk -v tests="$(wc -l <"$list")" '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		# A test without a result did not get that far.
		failed += tests - NR
		printf "%d passed, %d failed, %d skipped\n",
		    passed, failed, skipped
		exit failed > 0 || passed == 0
	}'
