#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The e-signature card in a real terminal, as docs/esign.md has it: what its
# display shows, what its keys do, and that the issuer executes once what was
# read off it.
#
#	JIAOZI=PROGRAM test/cli/screen.sh
#
# proves: JPS-9 JPS-11 JPS-12 JPS-13 JPS-14 JPS-21 (typed, or from a file)
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$here/build/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac

command -v tmux >/dev/null 2>&1 || {
	echo 'skipped: no tmux to draw a terminal with'
	exit 77
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-screen.XXXXXX")
terminals=0
screen() {
	tmux -f /dev/null -S "$dir/tmux$terminals" "$@"
}
cleanup() {
	screen kill-server >/dev/null 2>&1 || :
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK=${CANARY_BANK:-correct horse}
PIN=${CANARY_PIN:-123456}
WRONG=${CANARY_WRONG_PIN:-000000}
LC_ALL=C.UTF-8
JIAOZI_ISSUER=bank
export BANK PIN WRONG LC_ALL JIAOZI_ISSUER
unset JIAOZI_READER JIAOZI_TRACE TMUX

fail() {
	echo "FAIL $*"
	screen capture-pane -p 2>/dev/null | sed 's/^/    /' || :
	exit 1
}

# The terminal shows this text within ten seconds.
shows() {
	n=0
	until screen capture-pane -p | grep -qF -- "$1"; do
		n=$((n + 1))
		[ "$n" -lt 100 ] || fail "the terminal does not show: $1"
		sleep 0.1
	done
}

press() {
	screen send-keys "$@"
}

# A balance in minor units.
holds() {
	"$JIAOZI" issuer accounts bank --passphrase env:BANK | grep -q "^$1 .* $2 CNY" ||
		fail "$1 does not hold $2"
}

# sign ARGUMENT...: in a terminal of its own.  The server of the one before may
# not be gone yet.
sign() {
	screen kill-server >/dev/null 2>&1 || :
	terminals=$((terminals + 1))
	screen new-session -d -x 80 -y 24 "'$JIAOZI' sign --screen \
		--card virtual:alice.card --passphrase env:BANK $*; \
		echo exit=\$?; sleep 60"
}

# The page's own commands, as they stand, up to the signing.
# shellcheck disable=SC2016 # the marks of a block
sed -n '/^```$/,/^```$/p' "$here/docs/esign.md" |
	sed -e 1d -e '/^```$/,$d' -e '/^jiaozi sign/,$d' >tour
grep -q '^jiaozi card esign' tour || fail 'docs/esign.md has no tour'
mkdir bin
ln -s "$JIAOZI" bin/jiaozi
PATH=$dir/bin:$PATH sh -eu tour >out 2>&1 || { cat out; fail 'no card'; }
id=$(sed -n 's/^\(CN[0-9]*\) signs for account.*/\1/p' out)

# A small amount: a key.
sign --account alice --to bob --amount 12.34 --name 张三
shows 'CNY 12.34'
shows 'key DOWN'
press Enter
press Down Down Down
shows '张三'
shows 'OK or CANCEL?'
press Enter
shows 'Joint password'
password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
[ "${#password}" -eq 6 ] || fail 'no joint password'
press Enter
shows 'Joint password on the card:'
# The screen of the card is gone, with what was on it.
screen capture-pane -p | grep -q "$password" && fail 'the password is left'
press 999999x Enter
shows 'wrong joint password'
# What no card shows is wrong, and costs no try: it is not sent.
press 01234567890123456 Enter
press 91234567890123456 Enter
press "$password" Enter
shows 'executed: 12.34 CNY from alice to bob'
shows 'exit=0'
holds bob 12.34
echo 'ok a key shows the password of a small amount'

# A large one, out of a JSON object: the PIN, wrong once.
printf '{"account": "alice", "amount": "200", "to": "bob", "details": "a\\nb"}' \
	>order.json
sign --order order.json
shows 'CNY 200.00'
press Down Down Down Down
shows 'a\u{A}b'
press Enter
shows 'PIN, then OK'
press "$WRONG" Enter
shows 'Left: 2'
press "$PIN"
shows '******'
press Enter
shows 'Joint password'
password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
press Enter
shows 'on the card:'
press "$password" Enter
shows 'exit=0'
holds bob 212.34
echo 'ok the PIN shows the password of a large amount'

# Refused at the card: nothing is executed.
sign --account alice --to bob --amount 1
shows 'CNY 1.00'
press Escape
shows 'on the card:'
press "$PIN" Enter
shows 'wrong joint password'
press Enter
shows 'nothing was sent'
holds bob 212.34
echo 'ok what is cancelled on the card is not executed'

# Wrong ones lock the account, until an employee unlocks it.
sign --account alice --to bob --amount 1
shows 'CNY 1.00'
press Escape
for typed in 111111 222222 333333; do
	shows 'on the card:'
	press "$typed" Enter
	sleep 0.3
done
shows 'locked after too many wrong passwords'
shows 'exit=7'
"$JIAOZI" issuer unlock bank "$id" --passphrase env:BANK >out || fail 'unlock'
# Three, if the issuer says nothing else.
"$JIAOZI" issuer tries bank --passphrase env:BANK | grep -q '^3 wrong' ||
	fail 'another number than three'
for n in 0 11 x 2x ''; do
	code=0
	"$JIAOZI" issuer tries bank "$n" --passphrase env:BANK >out 2>&1 ||
		code=$?
	[ "$code" -eq 2 ] || fail "exit $code for $n tries"
done
"$JIAOZI" issuer tries bank 1 --passphrase env:BANK >out || fail 'one try'
sign --account alice --to bob --amount 1
shows 'CNY 1.00'
press Escape
shows 'on the card:'
press 111111 Enter
shows 'wrong joint password'
press 222222 Enter
shows 'locked after too many wrong passwords'
shows 'exit=7'
"$JIAOZI" issuer unlock bank "$id" --passphrase env:BANK >out || fail 'unlock'
"$JIAOZI" issuer tries bank 3 --passphrase env:BANK >out || fail 'three tries'
code=0
"$JIAOZI" issuer unlock bank CN99999999900001 --passphrase env:BANK \
	>out 2>err || code=$?
[ "$code" -eq 10 ] || fail "exit $code"
grep -q 'no card "CN99999999900001" signs' err || fail 'does not say why'
sign --account alice --to bob --amount 1
shows 'CNY 1.00'
press Down Down Down Enter
shows 'Joint password'
password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
press Enter
shows 'on the card:'
press "$password" Enter
shows 'exit=0'
holds bob 213.34
echo 'ok wrong passwords lock the account until it is unlocked'

# A card that wants PIN and key (JPS-9), of the same account.
{
	"$JIAOZI" card create two.card &&
	"$JIAOZI" card personalise --card virtual:two.card --passphrase env:BANK \
		--account alice --holder Alice --pin env:PIN &&
	"$JIAOZI" card esign --card virtual:two.card --passphrase env:BANK \
		--account alice --pin env:PIN --key-after-pin
} >out 2>&1 || { cat out; fail 'no second card'; }
mv alice.card kept.card
mv alice.card.key kept.card.key
mv two.card alice.card
mv two.card.key alice.card.key
sign --account alice --to bob --amount 1
shows 'CNY 1.00'
press Down Down Down Enter
shows 'PIN, then OK'
press "$PIN" Enter
shows 'OK to show it'
screen capture-pane -p | grep -q 'Joint password' && fail 'without the key'
press Enter
shows 'Joint password'
password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
press Enter
shows 'on the card:'
press "$password" Enter
shows 'exit=0'
holds bob 214.34
echo 'ok PIN and key show the password of a card that wants both'

# Chinese.
LC_ALL=zh_CN.UTF-8
export LC_ALL
"$JIAOZI" sign --help | grep -q 联合密码 || fail 'no Chinese'
LC_ALL=C.UTF-8

# A card whose display is a pipe, and one without.
code=0
"$JIAOZI" sign --screen --card virtual:alice.card --passphrase env:BANK \
	--account alice --to bob --amount 1 >out 2>err </dev/null || code=$?
[ "$code" -eq 2 ] || fail "exit $code"
grep -q 'needs a terminal' err || fail 'does not say why'

code=0
"$JIAOZI" sign --card virtual:alice.card --passphrase env:BANK \
	--account alice --to bob --amount 1 --joint env:PIN >out 2>err || code=$?
[ "$code" -eq 5 ] || fail "exit $code"
grep -q 6A81 err || fail 'does not say why'

# What no transaction is.
for bad in '{"amount": 12, "account": "alice", "to": "bob"}' '[]' '{' \
	'{"amount": "1", "account": "alice"}' \
	'{"amount": "1", "account": "alice", "to": "bob", "fee": "0"}' \
	'{"amount": "0", "account": "alice", "to": "bob"}'; do
	code=0
	echo "$bad" | "$JIAOZI" sign --order - --card virtual:alice.card \
		--passphrase env:BANK >out 2>err || code=$?
	[ "$code" -eq 2 ] || fail "exit $code for $bad"
done
"$JIAOZI" issuer books bank --passphrase env:BANK >out || fail 'books'
echo 'ok what cannot be signed says why'
