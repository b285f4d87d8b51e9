#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Settlement as people use it: statements in their three forms, verified without
# the issuer; a copied card; four eyes; the audit log; settling at a set time;
# payments that were killed, finished by `jiaozi recover`.
# OFP-10, OFP-12, ALL-1, ALL-2.
#
#	JIAOZI=PROGRAM test/cli/books.sh
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-books.XXXXXX")
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK='correct horse'
PIN=123456
ZHANG='battery'
LI='staple'
LC_ALL=C
export BANK PIN ZHANG LI LC_ALL
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE JIAOZI_AUTHORITIES

bank() {
	code=$1
	shift
	want "$code" issuer "$@" --passphrase env:BANK
}

settle() {
	want 0 settle --card "virtual:$1.card" --issuer bank \
	    --passphrase env:BANK
}

pay() {
	want 0 pay --payer virtual:alice.card --payee virtual:bob.card \
	    --amount "$1" --pin env:PIN
}

# balance CARD AMOUNT
balance() {
	want 0 card balance --card "virtual:$1.card"
	says "$2"
}

part 'an issuer and two cards'
bank 0 init bank --currency CNY
for name in alice bob; do
	bank 0 account-open bank "$name"
	bank 0 deposit bank "$name" 500.00
	want 0 card create "$name.card"
	want 0 card personalise --card "virtual:$name.card" --issuer bank \
	    --account "$name" --pin env:PIN --passphrase env:BANK
done
want 0 load --card virtual:alice.card --issuer bank --passphrase env:BANK \
    --amount 100.00 --pin env:PIN

part 'a statement from one upload, in three forms'
pay 25.00
settle bob
bank 0 statement bank --form text
says '25.00 CNY'
says 'step 4, completion: the payer has paid'
says 'step 5, receipt: the payee was credited'
says 'verifies with the two certificates'
says 'transit:payment'
settle alice
bank 0 statement bank --form json --out statement.json
bank 0 statement bank --form html --out statement.html
cp statement.html out
says '<!DOCTYPE html>'
says '25.00 CNY'
says 'class="good"'
cases=$((cases + 1))
if grep -qiE 'src=|href=|<script|@import|url\(' statement.html; then
	wrong 'the page needs something from elsewhere'
fi
digest=$(sed -n 's/.*"request_digest": "\([0-9A-Fa-f]*\)".*/\1/p' \
    statement.json | head -n 1)
bank 0 statement bank "$digest"
says ' paid '
says 'step 3, confirmation'
bank 0 statement bank "$digest" --json
says '"signed_message"'
bank 0 statement bank "$digest" --lang zh
says ' 付款  card:'
bank 0 account-statement bank alice --lang zh
says '圈存许可'
bank 0 statement bank --form html --lang zh --out statement.html
cp statement.html out
says '<td>付款</td>'
bank 10 statement bank "$(printf '%064d' 1)"
bank 2 statement bank "$digest" --form pdf

part 'it is verified without the issuer'
cp bank/keys/root.cvcert root
mv bank elsewhere
want 0 statement verify statement.json --root root
says '25.00 CNY'
sed 's/"amount": "25.00"/"amount": "26.00"/' statement.json >forged.json
want 8 statement verify forged.json --root root
sed 's/"signed_by": "payer"/"signed_by": "payee"/' statement.json >forged.json
want 8 statement verify forged.json --root root
sed 's/"request_digest"/"given_up": "release", &/' statement.json >forged.json
want 8 statement verify forged.json --root root
sed 's/\("payee_record": "[0-9A-Fa-f]*\)0"/\11"/
t
s/\("payee_record": "[0-9A-Fa-f]*\)[1-9A-Fa-f]"/\10"/' statement.json \
    >forged.json
want 8 statement verify forged.json --root root
want 2 statement verify statement.json
echo '{}' >none.json
want 8 statement verify none.json --root root
mv elsewhere bank
bank 0 init other --currency CNY
want 8 statement verify statement.json --root other/keys/root.cvcert

part 'a copied card is found, named and revoked'
for file in alice.card*; do
	cp "$file" "clone${file#alice}"
done
pay 1.00
want 0 pay --payer virtual:clone.card --payee virtual:bob.card \
    --amount 2.00 --pin env:PIN
settle alice
want 7 settle --card virtual:clone.card --issuer bank --passphrase env:BANK
complains CLONED_CARD
want 7 settle --card virtual:clone.card --issuer bank \
    --passphrase env:BANK --lang zh
complains '卡被复制'
if command -v openssl >/dev/null 2>&1; then
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout server.key -subj /CN=localhost -out server.csr 2>/dev/null
	bank 0 x509 bank --out root.pem
	bank 0 x509 bank server.csr --role server --host localhost \
	    --out server.pem
	"$JIAOZI" issuer serve bank --listen 127.0.0.1:0 \
	    --certificate server.pem --certificate-key server.key \
	    --passphrase env:BANK >served 2>&1 &
	server=$!
	tries=0
	until grep -q ', port ' served || [ "$tries" -eq 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	port=$(sed -n 's/.*, port \([0-9]*\).*/\1/p' served)
	want 7 settle --card virtual:clone.card --ca root.pem \
	    --issuer "https://localhost:$port"
	complains CLONED_CARD
	kill "$server"
	wait "$server" || wrong "the server: exit $?"
	server=
else
	echo '     skipped: no openssl'
fi
settle bob
bank 0 incidents bank
says CLONED_CARD
says DOUBLED_COUNTER
bank 0 revocation bank
says CLONED_CARD
bank 0 books bank
says '-2.00 CNY'
want 7 load --card virtual:alice.card --issuer bank --passphrase env:BANK \
    --amount 1.00 --pin env:PIN

part 'four eyes'
want 0 issuer operator create zhang.key --by zhang --passphrase env:ZHANG
want 11 issuer operator create zhang.key --by zhang --passphrase env:ZHANG
want 0 issuer operator create li.key --by li --passphrase env:LI
want 0 issuer operator create wu.key --by wu --passphrase env:LI
bank 0 operator add bank zhang.key --operator-passphrase env:ZHANG
bank 4 operator add bank li.key --operator-passphrase env:ZHANG
bank 0 operator add bank li.key --operator-passphrase env:LI
bank 7 operator add bank wu.key --operator-passphrase env:LI
bank 0 operators bank
says zhang
bank 0 propose bank restored ledger --operator zhang.key \
    --operator-passphrase env:ZHANG --reason 'disk failed'
digest=$(sed -n 's/^    \([0-9a-f]\{64\}\)$/\1/p' out)
bank 7 approve bank 1 "$digest" --operator zhang.key \
    --operator-passphrase env:ZHANG
complains 'cannot approve'
bank 7 approve bank 1 "$(printf '%064d' 7)" --operator li.key \
    --operator-passphrase env:LI
complains 'not the one that was signed'
bank 7 approve bank 1 "$digest" --operator wu.key \
    --operator-passphrase env:LI
bank 0 approve bank 1 "$digest" --operator li.key --operator-passphrase env:LI
bank 7 reject bank 1 "$digest" --operator li.key --operator-passphrase env:LI
bank 0 proposals bank
says 'approved, li'
bank 2 propose bank nonsense x --operator li.key --operator-passphrase env:LI

part 'the audit log'
bank 0 audit bank
says 'proposal 1 of zhang approved'
bank 0 audit head bank --out head.json
bank 0 deposit bank bob 1.00
bank 0 audit verify bank --head head.json
says 'is sound'
sed 's/"number": [0-9]*/"number": 9999/' head.json >later.json
bank 13 audit verify bank --head later.json
complains 'altered'
bank 8 audit verify bank --head none.json

part 'settling at a set time'
want 2 settle --at 25:00 --card virtual:bob.card --issuer bank \
    --passphrase env:BANK
want 2 settle --at noon --card virtual:bob.card --issuer bank \
    --passphrase env:BANK
want 0 settle --at "$(date -u +%H:%M)" --card virtual:bob.card --issuer bank \
    --passphrase env:BANK

part 'on a terminal there is a bar'
for name in carol dave; do
	bank 0 account-open bank "$name"
	bank 0 deposit bank "$name" 50.00
	want 0 card create "$name.card"
	want 0 card personalise --card "virtual:$name.card" --issuer bank \
	    --account "$name" --pin env:PIN --passphrase env:BANK
done
want 0 load --card virtual:carol.card --issuer bank --passphrase env:BANK \
    --amount 10.00 --pin env:PIN
want 0 pay --payer virtual:carol.card --payee virtual:dave.card \
    --amount 3.00 --pin env:PIN
want 0 pay --payer virtual:dave.card --payee virtual:carol.card \
    --amount 2.00 --pin env:PIN --refund-of 1
if command -v script >/dev/null 2>&1; then
	script -qec "'$JIAOZI' settle --card virtual:carol.card --issuer bank \
	    --passphrase env:BANK" /dev/null >out </dev/null || wrong 'settle'
	says '[..............................] 0/3'
	says '[##############################] 3/3'
	settle dave
	[ ! -s err ] || wrong 'a bar without a terminal'
else
	echo '     skipped: no script(1)'
	settle carol
	settle dave
fi

part 'a refund in a statement'
bank 0 statement bank --form json --out refund.json
cp refund.json out
says '"refund_of": 1'
want 0 statement verify refund.json --root root
says 'refund of the payer'
sed 's/"refund_of": 1/"refund_of": 2/' refund.json >forged.json
want 8 statement verify forged.json --root root
bank 0 statement bank --form text
says 'refund of the payer'
bank 0 statement bank --form html
says 'refund of</th><td>1<'

finish
