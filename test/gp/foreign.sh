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

# shellcheck source=test/pcsc/served.sh
. "$(dirname "$0")/../pcsc/served.sh"

isd='00A4040008A00000015100000000'
python=/usr/bin/python3

# The applet of docs/applet.md: small, so that many fit on the card.
add_counter()
{
	mkdir "$dir/include"
	ln -s "$(cd "$here/../.." && pwd)" "$dir/include/jiaozi"
	"${CC:-cc}" -shared -fPIC -O2 -nostartfiles -Wl,-z,relro,-z,now \
	    -I"$dir/include" -o "$dir/counter.so" "$here/../../docs/counter.c" &&
	    "$jiaozi" card install "$dir/counter.so" --params 0331323334 \
	    --card "virtual:$dir/gp.card" --keys default >/dev/null || exit 1
}

check_opensc_tool()
{
	have opensc-tool opensc || return
	opensc-tool -r 0 -c default -s "$isd" -s 80CA9F7F00 -s 80CA00E000 \
	    -s 8050000008010203040506070800 >"$dir/out" 2>&1
	expect 'opensc-tool: four answers' 'Received \(SW1=0x90, SW2=0x00\)'
	if [ "$(grep -c 'SW1=0x90, SW2=0x00' "$dir/out")" -ne 4 ]; then
		echo 'not ok opensc-tool: each answer is 9000'
		sed 's/^/    /' "$dir/out"
		failed=$((failed + 1))
	fi
	# Its drivers' probing must not disturb the card.
	opensc-tool -r 0 -s "$isd" -s 80CA006600 >"$dir/out" 2>&1
	expect 'opensc-tool: after all drivers have probed' '^66 .*2A 86 48 86 FC 6B'
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
	"$python" -B "$here/judge.py" "$reader" || failed=$((failed + 1))
}

# shellcheck disable=SC2086 # none, or two words
"$jiaozi" card create "$dir/gp.card" ${SUITE:+--suite $SUITE} >/dev/null ||
	exit 1
add_counter
insert gp.card
check_opensc_tool
check_judge
[ "$failed" -eq 0 ]
