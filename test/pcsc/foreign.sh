#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# foreign.sh BUILD/test: programs of others judge a served card.
#
# pcsc_scan, opensc-tool, scriptor and pyscard use a card that `jiaozi card
# serve` shows through a
# private PC/SC daemon.  A program that is not installed is named and left
# out; 77 when none is, or no daemon.

set -u

# shellcheck source=test/pcsc/served.sh
. "$(dirname "$0")/served.sh"

select='00A4040008F04A49414F5A490100'

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
	insert foreign.card
	listed "^0 +Yes +$reader"
	expect 'after insertion' "^0 +Yes +$reader"
}

"$jiaozi" card create "$dir/foreign.card" >/dev/null || exit 1
insert foreign.card
check_pcsc_scan
check_opensc_tool
check_scriptor
check_pyscard
check_replug

[ "$failed" -eq 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
