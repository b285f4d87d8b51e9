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

# The runs: every state of a payment by nist, and two seeds and one of gm.
export JIAOZI_SIM_TRACES="$work"
export JIAOZI_SIM_STEPS="${JIAOZI_SIM_STEPS:-2000}"
if ! "$build/test/sim/test_random" >"$work/said" 2>&1 ||
    ! JIAOZI_SIM_SUITE=nist "$build/test/sim/test_every" >>"$work/said" 2>&1
then
	cat "$work/said"
	not_ok runs 'the simulator has found something'
fi

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

# Each trace has all of these steps.
for trace in "$work"/every-nist.trace "$work"/random-nist-1.trace; do
	name=$(basename "$trace" .trace)
	for verb in request agree confirm complete credit claim drop \
	    book_paid clear_paid book_received clear_received; do
		awk -v verb=$verb '
		    { print }
		    $1 == verb && !done { print; done = 1 }' \
		    "$trace" >"$work/forged"
		refused "$name with $verb twice" "$work/forged"
	done
	for verb in request agree confirm complete credit; do
		awk -v verb=$verb '
		    $1 == verb && !done { done = 1; next }
		    { print }' "$trace" >"$work/forged"
		refused "$name without $verb" "$work/forged"
	done
	# Cleared, and the issuer has not booked it.
	for side in paid received; do
		awk -v side=$side '
		    NR == FNR {
			if ($1 == "clear_" side && !line) {
				line = $0
				sub("clear", "book", line)
			}
			next
		    }
		    $0 != line' "$trace" "$trace" >"$work/forged"
		refused "$name without book_$side" "$work/forged"
	done
	# The first credit, before the completion that it is for.
	awk 'NR == FNR { if ($1 == "credit" && !line) line = $0; next }
	    $1 == "confirm" && substr($0, 9) == substr(line, 8) {
		print
		print line
		next
	    }
	    $0 == line && !done { done = 1; next }
	    { print }' "$trace" "$trace" >"$work/forged"
	refused "$name with a credit before its debit" "$work/forged"
done

exit $status
