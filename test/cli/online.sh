#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A card and its issuer, end to end: what leaves a card for its account.
#
#	JIAOZI=PROGRAM test/cli/online.sh
#
# proves: ALL-1 ALL-2 (unload)
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-online.XXXXXX")
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK='correct horse'
PIN=123456
LC_ALL=C.UTF-8
JIAOZI_ISSUER=bank
export BANK PIN LC_ALL JIAOZI_ISSUER
unset JIAOZI_READER JIAOZI_TRACE

# json EXPRESSION: of the last output, or the last complaint, as d.
json() {
	cases=$((cases + 1))
	python3 -c '
import json, sys
text = open("out").read() or open("err").read()
d = json.loads(text)
sys.exit(not eval(sys.argv[1]))
' "$1" || wrong "not so: $1"
}
# new CARD ACCOUNT: made and personalised.
new() {
	want 0 card create "$1.card"
	want 0 card personalise --card "virtual:$1.card" --issuer bank \
		--passphrase env:BANK --account "$2" --holder "$2" --pin env:PIN
}
balance() { # CARD MINOR
	want 0 card balance --card "virtual:$1.card" --json
	json "d['balance_minor'] == $2"
}
account() { # NAME MINOR
	want 0 issuer accounts bank --passphrase env:BANK --json
	json "[a['balance_minor'] for a in d['accounts'] if '$1' in str(a)] == [$2]"
}
books() {
	want 0 issuer books bank --passphrase env:BANK
}
# unload CARD AMOUNT EXIT
unload() {
	want "$3" unload --card "virtual:$1.card" --passphrase env:BANK \
		--amount "$2" --pin env:PIN --json
}

part 'an issuer and a card'
want 0 issuer init bank --passphrase env:BANK --currency CNY
want 0 issuer account-open bank alice --holder alice --passphrase env:BANK
want 0 issuer deposit bank alice 500.00 --passphrase env:BANK
new a alice
want 0 load --card virtual:a.card --passphrase env:BANK --amount 100.00 \
	--pin env:PIN

part 'an unload'
unload a 30.00 0
json "d['outcome'] == 'unloaded' and d['credited_minor'] == 3000 and d['balance_minor'] == 7000"
balance a 7000
account alice 43000
unload a 70.01 9
balance a 7000
want 0 unload --card virtual:a.card --passphrase env:BANK --amount 1 \
	--pin env:PIN --lang zh
says '圈提成功'
want 0 card log --card virtual:a.card --pin env:PIN --json
json "d['log'][0]['amount_minor'] == -100"
books

part 'what it does not take'
want 2 unload --card virtual:a.card --passphrase env:BANK
complains '--resume'
want 2 unload --card virtual:a.card --passphrase env:BANK --resume --amount 1
want 2 unload --card virtual:a.card --passphrase env:BANK --resume \
	--pin env:PIN
want 2 unload --card virtual:a.card --passphrase env:BANK --amount 0.001 \
	--pin env:PIN

part 'an unload cut off'
want 0 unload --card virtual:a.card --passphrase env:BANK --resume --json
json "d['outcome'] == 'nothing_open'"
# The issuer fails after the debit.
python3 -c '
import sqlite3
with sqlite3.connect("bank/issuer.db") as db:
    db.execute("CREATE TRIGGER broken BEFORE INSERT ON unload"
               " BEGIN SELECT RAISE(ABORT, \"broken\"); END")'
unload a 9.00 12
json "d['error']['debited']"
complains 'unload --resume'
balance a 6000
account alice 43100
python3 -c '
import sqlite3
with sqlite3.connect("bank/issuer.db") as db:
    db.execute("DROP TRIGGER broken")'
want 0 unload --card virtual:a.card --passphrase env:BANK --resume --json
json "d['credited_minor'] == 900 and d['balance_minor'] == 6000"
account alice 44000
want 0 unload --card virtual:a.card --passphrase env:BANK --resume
says 'nothing to finish'
books

part 'loads that are enciphered'
want 0 issuer account-open bank dora --holder dora --passphrase env:BANK
want 0 issuer deposit bank dora 9.00 --passphrase env:BANK
want 0 card create d.card
want 0 card personalise --card virtual:d.card --issuer bank --sealed-loads \
	--passphrase env:BANK --account dora --holder dora --pin env:PIN
JIAOZI_TRACE=d.trace
export JIAOZI_TRACE
want 0 load --card virtual:d.card --passphrase env:BANK --amount 8.00 \
	--pin env:PIN
unset JIAOZI_TRACE
balance d 800
JIAOZI_TRACE=u.trace
export JIAOZI_TRACE
unload d 8.00 0
unset JIAOZI_TRACE
want 7 load --card virtual:d.card --passphrase env:BANK --amount 9.01 \
	--pin env:PIN
# "dora", whom the card names in every request.
cases=$((cases + 1))
named() {
	tr -d ' \n' <"$1" | grep -qi 646f7261
}
! named d.trace || wrong 'an enciphered load names the user'
named u.trace || wrong 'an unload does not name the user'

part 'a key whose holder is asked'
want 0 card create k.card
want 0 card personalise --card virtual:k.card --issuer bank --confirm-loads \
	--passphrase env:BANK --account dora --holder dora --pin env:PIN
want 5 load --card virtual:k.card --passphrase env:BANK --amount 1.00 \
	--pin env:PIN
complains '6985'
balance k 0

# For a payment a card without display has the PIN, as ever.
want 0 card create p.card
want 0 card personalise --card virtual:p.card --issuer bank --confirm-payments \
	--pin-above 0 --passphrase env:BANK --account dora --holder dora \
	--pin env:PIN
want 0 load --card virtual:p.card --passphrase env:BANK --amount 1.00 \
	--pin env:PIN
want 5 pay --payer virtual:p.card --payee virtual:a.card --amount 0.01
complains '6982'
want 0 pay --payer virtual:p.card --payee virtual:a.card --amount 0.01 \
	--pin env:PIN
want 0 pay --payer virtual:a.card --payee virtual:p.card --amount 0.01 \
	--pin env:PIN

part 'from a key to a card'
want 0 issuer account-open bank carol --holder carol --passphrase env:BANK
new ic carol
transfer() { # AMOUNT CARD-PIN EXIT
	want "$3" transfer --payer virtual:a.card --payee virtual:ic.card \
		--amount "$1" --pin env:PIN --payee-pin "$2" --json
}
WRONG=000000
export WRONG
transfer 5.00 env:PIN 5
complains 'list'
want 0 transfer --pair --payer virtual:a.card --payee virtual:ic.card \
	--pin env:PIN --payee-pin env:PIN
transfer 5.00 env:WRONG 6
json "d['error']['tries_left'] == 2"
balance ic 0
transfer 5.00 env:PIN 0
json "d['amount_minor'] == 500 and d['balance_minor'] == 500 and d['key_balance_minor'] == 5500"
want 0 transfer --payer virtual:a.card --payee virtual:ic.card \
	--amount 1 --payee-pin env:PIN --pin env:PIN --lang zh
says '卡内余额 5.00'
says '已转移'
want 2 transfer --payer virtual:a.card --payee-pin env:PIN --amount 1
want 2 transfer --payer virtual:a.card --payee virtual:ic.card \
	--payee-pin env:PIN

part 'a card built into the key'
SECOND=F04A49414F5A490102
want 0 card install F04A49414F5A4901 --instance $SECOND --card virtual:a.card \
	--issuer bank --passphrase env:BANK
want 0 card personalise --card virtual:a.card --instance $SECOND --issuer bank \
	--passphrase env:BANK --account carol --holder carol --pin env:PIN
want 0 transfer --pair --payer virtual:a.card --instance $SECOND \
	--pin env:PIN --payee-pin env:PIN
want 0 transfer --payer virtual:a.card --instance $SECOND --amount 2.50 \
	--pin env:PIN --payee-pin env:PIN --json
json "d['balance_minor'] == 250 and d['key_balance_minor'] == 5150"
want 0 card balance --card virtual:a.card --instance $SECOND --json
json "d['balance_minor'] == 250"
want 0 transfer --payer virtual:ic.card --payee virtual:a.card --pair \
	--pin env:PIN --payee-pin env:PIN
want 0 transfer --payer virtual:ic.card --payee virtual:a.card --amount 6.00 \
	--pin env:PIN --payee-pin env:PIN
balance a 5750

part 'a card replaced'
new n alice
new other alice
want 0 issuer account-open bank bob --holder bob --passphrase env:BANK
new b bob
replace() { # NEW EXIT
	want "$2" card replace --card virtual:a.card \
		--new-card "virtual:$1.card" --passphrase env:BANK \
		--pin env:PIN --new-pin env:PIN --json
}
replace b 7
complains 'not the one bound'
replace a 4
balance a 5750
replace n 0
json "d['moved_minor'] == 5750 and d['balance_minor'] == 5750"
balance a 0
balance n 5750
account alice 44000
replace n 0
json "d['moved_minor'] == 5750 and d['balance_minor'] == 5750"
replace other 7
want 0 card replace --card virtual:a.card --new-card virtual:n.card \
	--passphrase env:BANK --pin env:PIN --new-pin env:PIN --lang zh
says '旧卡已吊销'
want 0 issuer revocation bank --passphrase env:BANK
says 'replaced'
books

part 'the same on suite gm'
JIAOZI_ISSUER=gm
want 0 issuer init gm --passphrase env:BANK --currency CNY --suite gm
want 0 issuer account-open gm alice --holder alice --passphrase env:BANK
want 0 issuer deposit gm alice 50.00 --passphrase env:BANK
for card in g h; do
	want 0 card create $card.card --suite gm
	want 0 card personalise --card virtual:$card.card --issuer gm \
		--sealed-loads --passphrase env:BANK --account alice \
		--holder alice --pin env:PIN
done
want 0 load --card virtual:g.card --passphrase env:BANK --amount 20.00 \
	--pin env:PIN
unload g 5.00 0
want 0 transfer --pair --payer virtual:g.card --payee virtual:h.card \
	--pin env:PIN --payee-pin env:PIN
want 0 transfer --payer virtual:g.card --payee virtual:h.card \
	--amount 4.00 --pin env:PIN --payee-pin env:PIN
want 0 card replace --card virtual:g.card --new-card virtual:h.card \
	--passphrase env:BANK --pin env:PIN --new-pin env:PIN
balance g 0
balance h 1500
want 0 issuer books gm --passphrase env:BANK

finish
