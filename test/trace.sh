#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each requirement of docs/requirements.md and the tests that name it; at the
# end those that no test names.

set -eu

cd "$(dirname "$0")/.."
ids=$(sed -n 's/^| *\([A-Z]\{3\}-[0-9][0-9]*\) *|.*/\1/p' \
    docs/requirements.md)
[ -n "$ids" ] || {
	echo 'docs/requirements.md has no rows' >&2
	exit 1
}

named=0
none=
for id in $ids; do
	tests=$(grep -rlwE "$id" test --include='*.c' --include='*.sh' \
	    --include='*.py' --exclude=trace.sh | LC_ALL=C sort) || tests=
	if [ -n "$tests" ]; then
		named=$((named + 1))
		printf '%s\n' "$id"
		printf '%s\n' "$tests" | sed 's/^/    /'
	else
		none="$none $id"
	fi
done
printf '\n%d of %d requirements are named by a test.\n' "$named" \
    "$(echo "$ids" | wc -l)"
[ -z "$none" ] || printf 'Named by none:\n%s\n' "$(echo "${none# }" | fmt -w 76)"
