#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The modules that claims name are where docs/architecture.md says: each row of
# its tables names a file that defines this function, and a build that has it.
#
#	BUILD=FOLDER test/docs/claims.sh
#
# proves: LOD-11
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$here/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
cd "$here"

table=$(mktemp "${TMPDIR:-/tmp}/jiaozi-modules.XXXXXX")
trap 'rm -f "$table"' EXIT
trap 'exit 130' HUP INT TERM
# A row is: | ROW-n | module | file | symbol |
grep -E '^\| [A-Z]{3}-[0-9]+ \|.*\| [a-z/_]+\.c \| [a-z_0-9]+ \|$' \
	docs/architecture.md >"$table" || :

rows=0
bad=0
while IFS='|' read -r _ row module file symbol _; do
	row=$(echo "$row" | tr -d ' ')
	file=$(echo "$file" | tr -d ' ')
	symbol=$(echo "$symbol" | tr -d ' ')
	rows=$((rows + 1))
	object=$BUILD/${file%.c}.o
	if ! grep -q "^$symbol(" "$file" 2>/dev/null; then
		echo "FAIL $row:$module: $file has no $symbol"
		bad=$((bad + 1))
	elif [ -e "$object" ] && ! nm "$object" | grep -q " [Tt] $symbol\$"; then
		echo "FAIL $row:$module: $object has no $symbol"
		bad=$((bad + 1))
	fi
done <"$table"
echo "$rows modules, $bad missing"
[ "$rows" -gt 15 ] && [ "$bad" -eq 0 ]
