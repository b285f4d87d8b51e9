#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages name the options that their commands have, and no others.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$top/build/jiaozi}
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-man-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
bad=0
LC_ALL=C.UTF-8
export LC_ALL

# page COMMAND FILE: the items of its list against the command's own help.
page() {
	sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$top/$2" | sort >"$dir/page"
	# shellcheck disable=SC2086 # a command of two words
	"$JIAOZI" $1 --help | sed -n '/^Options/,/^$/p' |
	    sed -n 's/^ *\(-., \)*--\([a-z-]*\).*/\2/p' | grep -vxE 'json|lang|trace|help' |
	    sort >"$dir/help"
	diff "$dir/page" "$dir/help" || {
		echo "$2 has other options than jiaozi $1"
		bad=1
	}
	grep -q '^\.Sh EXAMPLES' "$top/$2" || bad=1
	grep -q '^\.Sh ERRORS' "$top/$2" || bad=1
	if command -v mandoc >/dev/null 2>&1; then
		mandoc -T lint -W error "$top/$2" || bad=1
	fi
}

page sign docs/jiaozi-sign.1
[ "$bad" -eq 0 ]
