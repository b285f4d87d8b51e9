#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# foreign.sh BUILD/test: programs of others judge a served card.
#
# pcsc_scan, opensc-tool, scriptor and pyscard use a card that `jiaozi card
# serve` shows through a
# private PC/SC daemon.  A program that is not installed is named and left
# out; 77 when none is, or no daemon.  The last line counts what was checked.

set -u

bin=${1:?usage: foreign.sh BUILD/test}
here=$(dirname "$0")
if [ -z "${JIAOZI_VPCD_PORT:-}" ]; then
	exec "$bin/with-pcscd" -- "$0" "$bin"
fi

jiaozi=${JIAOZI:-$bin/../jiaozi}
reader='Virtual PCD 00 00'
select='00A4040008F04A49414F5A490100'
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-foreign-XXXXXX") || exit 1
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

# Whether the last program's output has a line that matches.
expect()
{
	if grep -Eq -- "$2" "$dir/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1: no line matches: $2"
		sed 's/^/    /' "$dir/out"
	fi
}

have()
{
	if command -v "$1" >/dev/null 2>&1; then
		return 0
	fi
	echo "skipped: no $1 (package $2)"
	skipped=$((skipped + 1))
	return 1
}

# Serves a card and waits until the daemon has seen it.
insert()
{
	: >"$dir/events"
	"$jiaozi" card serve "$dir/foreign.card" --lang en \
	    >>"$dir/events" 2>&1 &
	card=$!
	i=0
	until grep -q 'power on' "$dir/events"; do
		i=$((i + 1))
		if [ $i -gt 100 ]; then
			echo 'FAILED: the daemon does not see the card'
			cat "$dir/events"
			exit 1
		fi
		sleep 0.1
	done
}

check_pcsc_scan()
{
	have pcsc_scan pcsc-tools || return
	timeout 5 pcsc_scan -r >"$dir/out" 2>&1
	expect 'pcsc_scan -r' "0: $reader\$"
	expect 'pcsc_scan -r' '1: Virtual PCD 00 01$'
	# It never ends of itself.
	timeout 2 pcsc_scan -n >"$dir/out" 2>&1
	expect 'pcsc_scan -n' "Reader 0: .*$reader"
	expect 'pcsc_scan -n' 'Card inserted'
	expect 'pcsc_scan -n' 'ATR: .*3B '
	expect 'pcsc_scan -n' 'Card removed|Card state: .*removed'
}

check_opensc_tool()
{
	have opensc-tool opensc || return
	opensc-tool -l >"$dir/out" 2>&1
	expect 'opensc-tool -l' "^0 +Yes +$reader"
	expect 'opensc-tool -l' '^1 +No +Virtual PCD 00 01'
	opensc-tool -r 0 -a >"$dir/out" 2>&1
	expect 'opensc-tool -a' '^3b(:[0-9a-f]{2})+$'
	opensc-tool -r 0 -c default -s "$select" -s 80FF000000 \
	    >"$dir/out" 2>&1
	expect 'opensc-tool -s' 'SW1=0x90, SW2=0x00'
	expect 'opensc-tool -s' 'SW1=0x6D, SW2=0x00'
	# With every driver's probing first.
	opensc-tool -r 0 -s "$select" >"$dir/out" 2>&1
	expect 'opensc-tool, all drivers' 'SW1=0x90, SW2=0x00'
}

check_scriptor()
{
	have scriptor pcsc-tools || return
	printf 'reset\n00 A4 04 00 08 F0 4A 49 41 4F 5A 49 01 00\n%s\n' \
	    '80 FF 00 00 00' | timeout 10 scriptor -r "$reader" \
	    >"$dir/out" 2>&1
	expect scriptor '< OK: 3B '
	expect scriptor '90 00 : Normal processing'
	expect scriptor '6D 00 : '
}

check_pyscard()
{
	python=/usr/bin/python3
	if ! "$python" -c 'import smartcard' 2>/dev/null; then
		echo 'skipped: no pyscard (package python3-pyscard)'
		skipped=$((skipped + 1))
		return
	fi
	# As others would run it: without our file for compiled modules.
	"$python" -B "$here/foreign.py" "$reader" >"$dir/out" 2>&1
	expect pyscard '^pyscard: all is well$'
}

# Lists the readers until a line matches, for the daemon looks at them only
# every 400 ms, and a busy machine less often.
listed()
{
	i=0
	while :; do
		opensc-tool -l >"$dir/out" 2>&1
		grep -Eq -- "$1" "$dir/out" && return
		i=$((i + 1))
		[ $i -lt 50 ] || return
		sleep 0.1
	done
}

# The daemon must tell of a card that goes and of one that comes.
check_replug()
{
	have opensc-tool opensc || return
	eject
	listed "^0 +No +$reader"
	expect 'after removal' "^0 +No +$reader"
	insert
	listed "^0 +Yes +$reader"
	expect 'after insertion' "^0 +Yes +$reader"
}

"$jiaozi" card create "$dir/foreign.card" >/dev/null || exit 1
insert
check_pcsc_scan
check_opensc_tool
check_scriptor
check_pyscard
check_replug

echo "foreign programs: $passed passed, $failed failed, $skipped skipped"
if [ "$failed" -gt 0 ]; then
	exit 1
fi
[ "$passed" -gt 0 ] || exit 77
