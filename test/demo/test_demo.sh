#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The demonstration can fail: a program that lies about one minor unit, on a
# card or in the books, is found out by its sums.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$here/build/jiaozi}
TRUTHFUL=$JIAOZI
export TRUTHFUL
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-test-demo.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
failed=0

# lie NAME COMMAND SED-SCRIPT: the demo must end with 1 and say why.
lie() {
	cat >"$dir/liar" <<-LIAR
		#!/bin/sh
		case "\$1 \$2" in
		'$2') "\$TRUTHFUL" "\$@" | sed '$3' ;;
		*) exec "\$TRUTHFUL" "\$@" ;;
		esac
	LIAR
	chmod +x "$dir/liar"
	got=0
	LC_ALL=C READERS=virtual JIAOZI=$dir/liar \
		"$here/test/demo/demo.sh" >"$dir/log" 2>&1 || got=$?
	if [ "$got" -eq 1 ] && grep -q 'the sum is off' "$dir/log"; then
		printf 'ok %s\n' "$1"
	else
		printf 'not ok %s: exit %s\n' "$1" "$got"
		tail -n 12 "$dir/log"
		failed=1
	fi
}

lie 'a card that holds more than it should' 'card balance' \
	's/"balance_minor": 0/"balance_minor": 1/'
lie 'an account that lost money' 'issuer books' \
	's/"balance_minor": 50000/"balance_minor": 49999/'
lie 'cash that was never brought in' 'issuer books' \
	's/"cash_minor": 60000/"cash_minor": 60001/'
exit "$failed"
