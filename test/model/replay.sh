#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# replay.sh TRACE...: whether payment.pml and load.pml accept each trace, which
# docs/model.md describes.  Exit 0: all of them; 1: one is refused, and the line
# is printed at which; 2: one is no trace; 77: there is no spin.

set -u

command -v spin >/dev/null || {
	echo 'spin is not installed: .ci/setup ci'
	exit 77
}
here=$(cd "$(dirname "$0")" && pwd) || exit 2
work=$(mktemp -d "${TMPDIR:-/tmp}/jz-replay-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP
cp "$here/payment.pml" "$here/load.pml" "$work" || exit 2

# replay MODEL TRACE: prints what spin says of it.
replay()
{
	awk -v model="$1" -f "$here/trace.awk" "$2" >"$work/replay.h" ||
		return 2
	(cd "$work" && spin -T -DREPLAY "$1.pml" </dev/null) >"$work/out" 2>&1
	if grep -q '^accepted: ' "$work/out"; then
		return 0
	fi
	if grep -q '^refused: ' "$work/out"; then
		echo "$2: $1 $(grep '^refused: ' "$work/out")"
		return 1
	fi
	# A property that the steps, each allowed, have broken; or a fault.
	echo "$2: $1 $(grep -m 1 '^spin:' "$work/out")"
	return 1
}

status=0
for trace; do
	for model in payment load; do
		replay "$model" "$trace"
		case $? in
		0) ;;
		1) [ "$status" -eq 2 ] || status=1 ;;
		*) status=2 ;;
		esac
	done
done
exit $status
