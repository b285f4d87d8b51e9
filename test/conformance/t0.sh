#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# t0.sh BUILD/test: the conformance tests with a card that speaks T=0.
set -u

bin=${1:?usage: t0.sh BUILD/test}
jiaozi=${JIAOZI:-$bin/../jiaozi}
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-t0-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
status=0

for program in encrypted known load payment records robust settlement; do
	"$jiaozi" card create "$dir/$program.card" --protocol T=0 \
	    >/dev/null || exit 1
	if "$bin/conformance/test_$program" \
	    --reader "virtual:$dir/$program.card" >"$dir/log" 2>&1; then
		sed -n 's/^\[       OK \]/ok/p; s/^\[  SKIPPED \]/skipped:/p' "$dir/log"
	else
		cat "$dir/log"
		echo "not ok $program"
		status=1
	fi
done
exit $status
