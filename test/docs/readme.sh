#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The tour in README.md does what it says: its commands are run as they stand,
# and the last line of output is the one that the text promises.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$top/build/jiaozi}
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-readme-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP

# shellcheck disable=SC2016 # the marks of a block
sed -n '/^```sh$/,/^```$/p' "$top/README.md" | sed '/^```/d' >"$dir/tour"
# shellcheck disable=SC2016
promised=$(sed -n 's/^The last line says `\([^`]*\)`.*/\1/p' "$top/README.md")
if [ ! -s "$dir/tour" ] || [ -z "$promised" ]; then
	echo 'README.md has no tour, or does not say how it ends'
	exit 1
fi

mkdir "$dir/bin"
ln -s "$JIAOZI" "$dir/bin/jiaozi"
cd "$dir"
PATH=$dir/bin:$PATH sh -eu tour >out 2>&1 || {
	cat out
	echo 'a command of the tour failed'
	exit 1
}
if [ "$(tail -n 1 out)" != "$promised" ]; then
	cat out
	echo "the tour does not end with: $promised"
	exit 1
fi
