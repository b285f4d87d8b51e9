# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # the scripts that read this use them
#
# served.sh: a card in a private PC/SC daemon, for scripts that are called
# NAME BUILD/test and read this first.  They begin anew under the daemon; then
# $dir is theirs and goes in the end, and insert and eject serve a card there.

bin=${1:?usage: $0 BUILD/test}
here=$(dirname "$0")
if [ -z "${JIAOZI_VPCD_PORT:-}" ]; then
	exec "$bin/with-pcscd" -- "$0" "$bin"
fi

jiaozi=${JIAOZI:-$bin/../jiaozi}
reader='Virtual PCD 00 00'
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-served-XXXXXX") || exit 1
card=
passed=0
failed=0
skipped=0

# Takes the card out, if one is in.
eject()
{
	if [ -n "$card" ]; then
		kill "$card" 2>/dev/null
		wait "$card" 2>/dev/null
		card=
	fi
}

clean()
{
	eject
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP

# insert FILE: serves a card and waits until the daemon has seen it.
insert()
{
	: >"$dir/events"
	"$jiaozi" card serve "$dir/$1" --lang en >>"$dir/events" 2>&1 &
	card=$!
	i=0
	until grep -q 'power on' "$dir/events"; do
		i=$((i + 1))
		if [ $i -gt 100 ]; then
			echo 'not ok the daemon sees the card'
			cat "$dir/events"
			exit 1
		fi
		sleep 0.1
	done
}

# expect NAME PATTERN: the last program's output has a line that matches.
expect()
{
	if grep -Eq -- "$2" "$dir/out"; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "not ok $1: no line matches: $2"
		sed 's/^/    /' "$dir/out"
		failed=$((failed + 1))
	fi
}

# have PROGRAM PACKAGE
have()
{
	if command -v "$1" >/dev/null 2>&1; then
		return 0
	fi
	echo "skipped: no $1 (package $2)"
	skipped=$((skipped + 1))
	return 1
}
