#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# t0.sh BUILD/test: programs of others judge a T=0 card.
#
# scriptor and pyscard see 61xx and 6Cxx, opensc-tool follows them.  The card
# is one that `jiaozi card create --protocol T=0` made, served to a private
# PC/SC daemon.  A program that is not installed is named and left out; 77 when
# none is, or no daemon.

set -u

# shellcheck source=test/pcsc/served.sh
. "$(dirname "$0")/served.sh"

aid='F04A49414F5A4901'

# scriptor sends what it is given, and follows nothing.
check_scriptor()
{
	have scriptor pcsc-tools || return
	printf 'reset\n00 A4 04 00 08 %s\n00 C0 00 00 01\n00 CA FF 61 01\n' \
	    "$(echo $aid | sed 's/../& /g')" |
	    timeout 10 scriptor -r "$reader" -p T=0 >"$dir/out" 2>&1
	expect 'scriptor: the ATR' '< OK: 3B 05 80 73 C6 21 9F'
	expect 'scriptor: SELECT' '^< 61 [0-9A-F]{2} '
	expect 'scriptor: GET RESPONSE' '^< 6F 61 [0-9A-F]{2} '
	expect 'scriptor: GET DATA' '^< 6C [0-9A-F]{2} '
}

# OpenSC's library follows both, and reports what comes in the end.
check_opensc_tool()
{
	have opensc-tool opensc || return
	opensc-tool -r 0 -c default -s "00A4040008${aid}00" -s 00CAFF6100 \
	    >"$dir/out" 2>&1
	expect 'opensc-tool: SELECT' 'SW1=0x90, SW2=0x00'
	expect 'opensc-tool: the FCI' '^6F .. 84 08 F0 4A 49'
	expect 'opensc-tool: GET DATA' '^FF 61 '
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
	"$python" -B "$here/t0.py" "$reader" >"$dir/out" 2>&1
	expect pyscard '^pyscard: all is well$'
}

"$jiaozi" card create "$dir/t0.card" --protocol T=0 >/dev/null || exit 1
insert t0.card
check_scriptor
check_opensc_tool
check_pyscard

[ "$failed" -eq 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
