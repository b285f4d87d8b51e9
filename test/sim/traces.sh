#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the simulator's cards and issuer did, as the model's steps: the model
# accepts it, and refuses it with one step repeated, left out, or too early.
# docs/simulator.md.

set -u

command -v spin >/dev/null || {
	echo 'skipped: spin is not installed (.ci/setup ci)'
	exit 77
}
build=${BUILD:-build}
replay=test/model/replay.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/jz-traces-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP
status=0

ok()
{
	echo "ok $1"
}

not_ok()
{
	echo "not ok $1: $2"
	status=1
}

# The runs: every state of a payment by nist, and two seeds of each suite.
export JIAOZI_SIM_TRACES="$work"
export JIAOZI_SIM_STEPS="${JIAOZI_SIM_STEPS:-2000}"
for run in test_every test_random gm; do
	program=$run
	unset JIAOZI_TEST_SUITE
	if [ "$run" = gm ]; then
		program=test_random
		export JIAOZI_TEST_SUITE=gm
	fi
	"$build/test/sim/$program" >"$work/said" 2>&1 || {
		cat "$work/said"
		not_ok "$run" 'the simulator has found something'
	}
done

for trace in "$work"/*.trace; do
	name=$(basename "$trace" .trace)
	lines=$(wc -l <"$trace")
	if [ "$lines" -lt 100 ]; then
		not_ok "$name" 'a trace of nothing'
	elif said=$("$replay" "$trace"); then
		ok "$name is accepted, $lines lines"
	else
		not_ok "$name" "${said#"$work/"}"
	fi
done

# refused NAME TRACE: the model must not take it.
refused()
{
	"$replay" "$2" >"$work/said"
	case $? in
	1) ok "$1 is refused" ;;
	*) not_ok "$1" 'a forged trace is accepted' ;;
	esac
}

# forge_twice NAME TRACE VERB...: each of these steps twice, its first.
forge_twice()
{
	name=$1
	trace=$2
	shift 2
	for verb; do
		awk -v verb="$verb" '
		    { print }
		    $1 == verb && !done { print; done = 1 }' \
		    "$trace" >"$work/forged"
		refused "$name with $verb twice" "$work/forged"
	done
}

# The same, left out.
forge_without()
{
	name=$1
	trace=$2
	shift 2
	for verb; do
		awk -v verb="$verb" '
		    $1 == verb && !done { done = 1; next }
		    { print }' "$trace" >"$work/forged"
		refused "$name without $verb" "$work/forged"
	done
}

# Cleared, and the issuer has not booked it.
forge_clear()
{
	for side in paid received; do
		awk -v side=$side '
		    NR == FNR {
			if ($1 == "clear_" side && !line) {
				line = $0
				sub("clear", "book", line)
			}
			next
		    }
		    $0 != line' "$2" "$2" >"$work/forged"
		refused "$1 without book_$side" "$work/forged"
	done
}

# The first credit, before the debit that it is for.
forge_credit()
{
	awk 'NR == FNR { if ($1 == "credit" && !line) line = $0; next }
	    $1 == "confirm" && substr($0, 9) == substr(line, 8) {
		print
		print line
		next
	    }
	    $0 == line && !done { done = 1; next }
	    { print }' "$2" "$2" >"$work/forged"
	refused "$1 with a credit before its debit" "$work/forged"
}

# Both traces have all of these steps.
every=$work/every-nist.trace
random=$work/random-nist-1.trace
forge_twice every "$every" request agree confirm complete credit claim drop \
    book_paid clear_paid book_received clear_received
forge_without every "$every" request agree confirm complete credit
forge_clear every "$every"
forge_credit every "$every"
forge_twice random "$random" complete credit
forge_without random "$random" confirm complete
forge_clear random "$random"
forge_credit random "$random"

exit $status
