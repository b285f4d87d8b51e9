#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# QR codes of transactions: made, read again, read by other programs, made by
# other programs; and pictures that hold none.
#
#	JIAOZI=PROGRAM test/cli/qr.sh
#
# proves: JPS-21
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-qr.XXXXXX")
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"
LC_ALL=C.UTF-8
export LC_ALL
unset JIAOZI_READER JIAOZI_TRACE

part 'a code is read again as it was made'
want 0 qr --to bob --amount 12.34 --name 张三 --details 'order 7' --out a.png
want 0 qr --json --qr a.png --out b.png
says '\"to\":\"bob\"'
says '\"amount\":\"12.34\"'
says '\\u5F20\\u4E09'
says 'order 7'
cmp -s a.png b.png || wrong 'another picture of the same'
"$JIAOZI" qr --qr - --out c.png <a.png || wrong 'not from standard input'
cmp -s a.png c.png || wrong 'another one from standard input'
want 0 qr --to bob --amount 1
says '▀'
part 'what the code lacks is said by options, once'
want 0 qr --qr a.png --account alice --out e.png
want 2 qr --qr a.png --amount 1 --out e.png
complains 'is in the transaction that is read'
want 2 qr --qr a.png --order a.json
complains 'not both'
want 2 qr --to bob
complains 'are needed'
want 2 qr --to bob --amount 1 --currency XYZ
complains 'unknown currency'
want 2 qr --json --to bob --amount 1
complains 'needs --out'

part 'what a stranger has written is no command to the terminal'
esc=$(printf '\033')
for key in '\u001B[31mX' '\u0085' '\u202EX' '\u200BX'; do
	printf '{"%s":"b"}' "$key" >a.json
	want 2 qr --order a.json --out e.png
	complains 'is no text of a transaction'
	complains '"?'
	printf '{"to":"b","amount":"1","currency":"%s"}' "$key" >a.json
	want 2 qr --order a.json --out e.png
	complains '"?'
done
printf '[\033[31m' >a.json
want 2 qr --order a.json --out e.png
! grep -q "$esc" err || wrong 'a control character on the terminal'

part 'pictures that hold no transaction'
want 10 qr --qr nothing.png
echo 'not a picture' >text.png
want 2 qr --qr text.png
complains 'not a PNG picture'
head -c 200 a.png >cut.png
want 2 qr --qr cut.png
complains 'not a PNG picture'
: >empty.png
want 2 qr --qr empty.png
complains 'not a PNG picture'
# One white dot.
png='\211PNG\r\n\032\n\0\0\0\rIHDR'
rest='\010\0\0\0\0'
dots='\0\0\0\012IDATx\234c\370\017\0\001\001\001\0\2618\366\024\0\0\0\0IEND\256B`\202'
# shellcheck disable=SC2059 # octal numbers
printf "$png\\0\\0\\0\\001\\0\\0\\0\\001$rest:~\\233U$dots" >dot.png
want 2 qr --qr dot.png
complains 'no QR code'
# The same with a side of 65535 dots.
# shellcheck disable=SC2059 # octal numbers
printf "$png\\0\\0\\377\\377\\0\\0\\377\\377$rest\\223n\\206\\214$dots" >large.png
want 2 qr --qr large.png
complains 'more than 4096'
details=$(printf '%1024s' '' | tr ' ' x)
want 0 qr --to bob --amount 1 --details "$details" --out long.png
want 0 qr --json --qr long.png --out e.png
says "$details"
LC_ALL=zh_CN.UTF-8
want 2 qr --qr dot.png
complains '图片中没有二维码'
LC_ALL=C.UTF-8

if command -v zbarimg >/dev/null 2>&1 && command -v qrencode >/dev/null 2>&1
then
	part 'other programs read it, and it reads theirs'
	zbarimg -q --raw a.png >out 2>err || wrong 'zbarimg reads nothing'
	says '"to":"bob"'
	printf '%s' '{"to":"bob","amount":"3","name":"张三"}' | qrencode -o f.png
	want 0 qr --json --qr f.png --out e.png
	says '\\u5F20\\u4E09'
	for text in 'https://example.com/pay' '[]' '{"to":"bob","fee":"1"}' \
	    '{"to":"bob","amount":3}' '{"to":"bob","to":"eve","amount":"1"}'; do
		printf '%s' "$text" | qrencode -o g.png
		want 2 qr --qr g.png
	done
	printf '\200\201' | qrencode -8 -o g.png
	want 2 qr --qr g.png
	complains 'the QR code has no transaction'
	# Two in a picture.
	if command -v python3 >/dev/null 2>&1; then
		python3 "$here/test/cli/beside.py" a.png f.png two.png
		want 2 qr --qr two.png
		complains 'more than one QR code'
	fi
else
	echo 'left out: other programs (zbarimg, qrencode)'
fi
finish
