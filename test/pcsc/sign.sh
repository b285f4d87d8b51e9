#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sign.sh BUILD/test: one contact through a PC/SC daemon with a card whose
# display is another terminal.
#
# The card is served with --screen in a terminal of tmux; `jiaozi sign` comes
# through the reader and goes.  The display goes on by itself, what it shows is
# typed, and the issuer executes once.  A second program at the reader ends what
# waits.  77 when there is no tmux or no daemon.
#
# proves: JPS-9 JPS-12 JPS-13 JPS-18
#
# JIAOZI_WRITE=1 writes the picture of the screen into docs/.

set -u

here=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
bin=${1:?usage: sign.sh BUILD/test}
command -v tmux >/dev/null 2>&1 || {
	echo 'skipped: no tmux to draw a terminal with'
	exit 77
}
if [ -z "${JIAOZI_VPCD_PORT:-}" ]; then
	exec "$bin/with-pcscd" -- "$0" "$bin"
fi

jiaozi=${JIAOZI:-$bin/../jiaozi}
case $jiaozi in /*) ;; *) jiaozi=$PWD/$jiaozi ;; esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-sign-XXXXXX") || exit 1
signer=

screen()
{
	tmux -f /dev/null -S "$dir/tmux" "$@"
}

clean()
{
	if [ -n "$signer" ]; then
		kill "$signer" 2>/dev/null
		wait "$signer" 2>/dev/null
	fi
	screen kill-server >/dev/null 2>&1
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP
cd "$dir" || exit 1

BANK=${CANARY_BANK:-correct horse}
PIN=${CANARY_PIN:-123456}
LC_ALL=C.UTF-8
JIAOZI_ISSUER=bank
JIAOZI_READER='pcsc:Virtual PCD 00 00'
export BANK PIN LC_ALL JIAOZI_ISSUER
unset TMUX JIAOZI_TRACE

fail()
{
	echo "FAILED: $*"
	cat out 2>/dev/null
	screen capture-pane -p 2>/dev/null | sed 's/^/    /'
	exit 1
}

shows()
{
	n=0
	until screen capture-pane -p | grep -qF -- "$1"; do
		n=$((n + 1))
		[ "$n" -lt 150 ] || fail "the display does not show: $1"
		sleep 0.1
	done
}

# The terminal as it is, for the picture of docs/esign.md; a joint password is
# another one each time, and so is the line about the reader.
picture()
{
	screen capture-pane -p | head -n 9 |
	    sed -E '3s/[0-9]{6}/314159/' >"$1.screen"
}

# One contact, which then waits for what is typed.
contact()
{
	rm -f typed
	amount=$1
	shift
	mkfifo typed
	"$jiaozi" sign --card "$JIAOZI_READER" --passphrase env:BANK \
	    --account alice --to bob --amount "$amount" --joint fd:3 "$@" \
	    3<>typed >out 2>&1 &
	signer=$!
}

{
	"$jiaozi" issuer init bank --passphrase env:BANK &&
	    "$jiaozi" issuer account-open bank alice --holder alice \
		--passphrase env:BANK &&
	    "$jiaozi" issuer account-open bank bob --holder bob \
		--passphrase env:BANK &&
	    "$jiaozi" issuer deposit bank alice 1000 --passphrase env:BANK &&
	    "$jiaozi" card create alice.card &&
	    "$jiaozi" card personalise --card virtual:alice.card \
		--passphrase env:BANK --account alice --holder alice \
		--pin env:PIN &&
	    "$jiaozi" card esign --card virtual:alice.card \
		--passphrase env:BANK --account alice --pin env:PIN \
		--pin-above 100
} >out 2>&1 || fail 'no card'
screen new-session -d -x 80 -y 24 "'$jiaozi' card serve alice.card --screen"
shows 'power on'

# Chinese, wide letters, and what would mislead.
contact 12.34 --name '张三' \
    --details "$(printf '龙井茶 2盒 ＡＢ \342\200\256evil\033[2J')"
shows 'CNY 12.34'
shows 'key DOWN'
picture 1
screen send-keys Enter
screen send-keys Down Down Down Down Down Down Down Down
shows 'OK or CANCEL?'
shows '龙井茶 2盒 ＡＢ'
shows '\u{202E}'
shows 'evil\u{1B}[2J'
picture 2
screen send-keys Up
shows '张三'
screen send-keys Enter
shows 'Joint password'
picture 3
password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
echo "$password" >typed
wait "$signer" || fail 'not executed'
signer=
grep -q 'executed: 12.34 CNY' out || fail 'not executed'
screen send-keys Enter
shows 'Finished'

# Another program at the reader: what waits is gone, and it learns nothing.
contact 5
shows 'CNY 5.00'
"$jiaozi" card apdu --card "$JIAOZI_READER" \
    '00A40400 08 F04A49414F5A4902 00' 00CAFF3A00 >answer 2>&1 || fail 'no reader'
n=0
while screen capture-pane -p | grep -q 'CNY 5.00'; do
	n=$((n + 1))
	[ "$n" -lt 50 ] || fail 'still on the display'
	sleep 0.1
done
screen send-keys Down Down Down Down Enter
echo 000000 >typed
wait "$signer" && fail 'executed'
signer=
grep -q 'wrong joint password' out || fail 'another refusal'
"$jiaozi" issuer accounts bank --passphrase env:BANK | grep -q 'bob .* 12.34 CNY' ||
	fail 'the books say something else'
echo 'signed through a reader: all is well'

# The picture in the docs is this very screen.
command -v python3 >/dev/null 2>&1 || {
	echo 'left out: the picture of the screen (no python3)'
	exit 0
}
python3 "$here/test/docs/screen_svg.py" 1.screen 2.screen 3.screen >new.svg
if [ -n "${JIAOZI_WRITE:-}" ]; then
	cp new.svg "$here/docs/esign-screen.svg"
fi
cmp -s new.svg "$here/docs/esign-screen.svg" ||
	fail 'docs/esign-screen.svg is another screen (JIAOZI_WRITE=1 makes it)'
echo 'the picture in the docs is the screen'
