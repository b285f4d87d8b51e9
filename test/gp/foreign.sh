#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# foreign.sh BUILD/test: a GlobalPlatform terminal that shares nothing with us
# judges a served card.
#
# judge.py uses a new card, with GlobalPlatform's test keys, that `jiaozi card
# serve` shows through a private PC/SC daemon.  opensc-tool looks at another.
# SUITE=gm: a card of SM2, SM3 and SM4, which is administered just so.
# 77 when there is no daemon, or no Python with pyscard and cryptography.

set -u

bin=${1:?usage: foreign.sh BUILD/test}
here=$(dirname "$0")
if [ -z "${JIAOZI_VPCD_PORT:-}" ]; then
	exec "$bin/with-pcscd" -- "$0" "$bin"
fi

jiaozi=${JIAOZI:-$bin/../jiaozi}
python=/usr/bin/python3
reader='Virtual PCD 00 00'
isd='00A4040008A00000015100000000'
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-gp-XXXXXX") || exit 1
card=
bad=0

clean()
{
	if [ -n "$card" ]; then
		kill "$card" 2>/dev/null
		wait "$card" 2>/dev/null
	fi
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP

# Makes a card, serves it and waits until the daemon has seen it.
insert()
{
	# shellcheck disable=SC2086 # none, or two words
	"$jiaozi" card create "$dir/gp.card" ${SUITE:+--suite $SUITE} \
	    >/dev/null || exit 1
	: >"$dir/events"
	"$jiaozi" card serve "$dir/gp.card" --lang en >>"$dir/events" 2>&1 &
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

# Whether opensc-tool's output has a line that matches.
expect()
{
	if grep -Eq -- "$2" "$dir/out"; then
		echo "ok opensc-tool: $1"
	else
		echo "not ok opensc-tool: $1: no line matches: $2"
		sed 's/^/    /' "$dir/out"
		bad=1
	fi
}

check_opensc_tool()
{
	if ! command -v opensc-tool >/dev/null 2>&1; then
		echo 'skipped: no opensc-tool (package opensc)'
		return
	fi
	opensc-tool -r 0 -c default -s "$isd" -s 80CA9F7F00 -s 80CA00E000 \
	    -s 8050000008010203040506070800 >"$dir/out" 2>&1
	expect 'four answers' 'Received \(SW1=0x90, SW2=0x00\)'
	if [ "$(grep -c 'SW1=0x90, SW2=0x00' "$dir/out")" -ne 4 ]; then
		echo 'not ok opensc-tool: each answer is 9000'
		sed 's/^/    /' "$dir/out"
		bad=1
	fi
	# Its drivers' probing must not disturb the card.
	opensc-tool -r 0 -s "$isd" -s 80CA006600 >"$dir/out" 2>&1
	expect 'after all drivers have probed' '^66 .*2A 86 48 86 FC 6B'
}

check_judge()
{
	for module in cryptography smartcard; do
		if ! "$python" -c "import $module" 2>/dev/null; then
			echo "skipped: no $module for $python (packages" \
			    'python3-cryptography, python3-pyscard)'
			return
		fi
	done
	# As others would run it: without our files for compiled modules.
	"$python" -B "$here/judge.py" "$reader" || bad=1
}

insert
check_opensc_tool
check_judge
[ "$bad" -eq 0 ]
