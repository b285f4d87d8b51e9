#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The table of modules in docs/esign.md is the code: each symbol is defined in
# the object of its file, and the caller's object calls it.
#
# proves: JPS-16
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
command -v nm >/dev/null 2>&1 || {
	echo 'skipped: no nm'
	exit 77
}

modules=0
bad=0
# | module | 模块 | `file` | `symbol` | `called by` |
# shellcheck disable=SC2016 # the page's backquotes
rows=$(grep -E '^\| [a-z ]+ \| [^|]+ \| `[a-z/]+\.c` \| `[a-z_]+` \|' \
	"$top/docs/esign.md" | tr -d '` ')
for row in $rows; do
	file=$(echo "$row" | cut -d '|' -f 4)
	symbol=$(echo "$row" | cut -d '|' -f 5)
	caller=$(echo "$row" | cut -d '|' -f 6)
	modules=$((modules + 1))
	nm "$BUILD/${file%.c}.o" | grep -q " T $symbol\$" || {
		echo "$file does not define $symbol"
		bad=1
	}
	nm "$BUILD/${caller%.c}.o" | grep -q " U $symbol\$" || {
		echo "$caller does not call $symbol"
		bad=1
	}
done
# Transceiver, password generation, signing, encryption, display, keys.
for module in transceiver 'password generation' signing encryption display \
	keys; do
	grep -q "^| $module | " "$top/docs/esign.md" || {
		echo "docs/esign.md has no module $module"
		bad=1
	}
done
echo "$modules modules"
[ "$modules" -ge 6 ] && [ "$bad" -eq 0 ]
