#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The built `jiaozi` command in good and bad use: what it does, that every exit
# code of its table means what the table says, that --json is one JSON object,
# and that a card file which is refused is left as it was.
#
#	JIAOZI=PROGRAM test/cli/cli.sh
#
# Prints a line for each part and for each case that fails.
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-cli.XXXXXX")
server=
cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	fi
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK=${CANARY_BANK:-correct horse}
WRONG=${CANARY_WRONG:-wrong horse}
PIN=${CANARY_PIN:-123456}
BAD_PIN=${CANARY_WRONG_PIN:-111111}
LETTERS=12ab56
EMPTY=
LC_ALL=C
PCSCLITE_CSOCK_NAME=$dir/no-daemon
export BANK WRONG PIN BAD_PIN LETTERS EMPTY LC_ALL PCSCLITE_CSOCK_NAME
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE JIAOZI_VPCD_PORT NOT_SET

command -v python3 >/dev/null 2>&1 || {
	echo 'skipped: no python3 to read JSON with'
	exit 77
}

# The last output is one JSON object, for which this expression holds.
json() {
	cases=$((cases + 1))
	python3 -c '
import json, sys
d = json.load(open("out", encoding="utf-8"))
assert isinstance(d, dict)
assert eval(sys.argv[1], {}, {"d": d, "len": len}), d
' "$1" 2>json.err || {
		wrong "JSON is not: $1"
		tail -n 1 json.err
	}
}

same() {
	cases=$((cases + 1))
	cmp -s "$1" "$2" || wrong "$1 was changed"
}

balance() { # CARD MINOR
	want 0 card balance --card "virtual:$1.card" --json
	json "d['balance_minor'] == $2"
}

books() {
	want 0 issuer books bank --passphrase env:BANK --json
	json "d['balanced'] and d['cash_minor'] == $1"
}

# ---- use and misuse ---------------------------------------------------------

part 'use and misuse'

want 2
want 2 nonsense
want 2 issuer
want 2 issuer nonsense
want 2 card info --nonsense
want 2 card info extra --card virtual:x
want 2 card info --card
want 2 card info --card virtual:x --card virtual:y
want 2 card info
want 2 card create
want 2 issuer deposit bank alice
want 2 load --card virtual:x
want 2 pay --payer virtual:x --amount 1
want 2 pay --payer virtual:x --payee virtual:x --amount 1
want 2 card info --card nonsense:x
want 2 card info --card virtual:
want 2 card info --json
json "d['error']['name'] == 'ARGUMENT' and d['error']['exit'] == 2"
want 2 nonsense --json
json "d['error']['exit'] == 2"
want 2 status 93
want 2 status 93022
want 2 status zzzz
want 0 status 9302
says 'MAC'
want 0 status 63C2 --json
json "d['sw'] == '63C2' and d['name'] and d['customer']"
want 10 status 1234
want 0 status
want 0 error CARD_LOCKED
says 'in use'
want 0 error -- -307
want 0 error 307 --json
json "d['errors'][0]['name'] == 'CARD_LOCKED' and d['errors'][0]['exit'] == 4"
want 10 error NONSENSE
want 0 error --json
json "all(e['exit'] in range(1, 16) for e in d['errors']) and len(d['errors']) > 50"
want 0 version
want 0 --version
want 0 version --json
json "d['version']"
want 0 --help
want 0 help
want 10 help nonsense
want 0 help exit-codes
cases=$((cases + 1))
[ "$(wc -l <out)" -eq 16 ] || wrong 'help exit-codes has not 16 lines'
for topic in readers secrets keys environment; do
	want 0 help "$topic"
	want 0 help "$topic" --lang zh
done

# Each command teaches itself, in both languages.
want 0 help --json
python3 -c '
import json
for c in json.load(open("out"))["commands"]:
    print(c["path"])
' >paths
while read -r path; do
	# shellcheck disable=SC2086
	want 0 $path --help
	says 'Usage'
	says "jiaozi $path"
	says 'Exit codes'
	# shellcheck disable=SC2086
	want 0 --lang zh $path --help
	says '用法'
	says '退出码'
done <paths
cases=$((cases + 1))
[ "$(wc -l <paths)" -ge 47 ] || wrong 'too few commands'

# Languages.
want 2 version --lang fr
want 2 nonsense --lang zh
complains '参数错误'
LC_ALL=zh_CN.UTF-8 want 2 nonsense
complains '参数错误'
LC_ALL=zh_CN.UTF-8 want 2 --lang en nonsense
complains 'invalid argument'
LC_ALL='' LC_MESSAGES='' LANG=zh_CN.UTF-8 want 2 nonsense
complains '参数错误'

# Nowhere to write to.
cases=$((cases + 1))
got=0
"$JIAOZI" status >/dev/full 2>err || got=$?
[ "$got" -eq 12 ] || wrong "exit $got, not 12, with a full disk"

# ---- readers ----------------------------------------------------------------

part 'readers'

want 3 reader list
want 3 reader list --json
json "d['error']['name'] in ('NO_DAEMON', 'NO_READER')"
want 3 card info --card 'pcsc:*'
want 10 card info --card virtual:none.card
JIAOZI_READER=virtual:none.card want 10 card info
complains none.card

# ---- card files -------------------------------------------------------------

part 'card files'

want 0 card create a.card
want 0 card info --card virtual:a.card
says 'not personalised'
cp a.card before
want 11 card create a.card
same a.card before
want 11 card create a.card --json
json "d['error']['name'] == 'EXISTS'"
want 0 card info --card virtual:a.card --json
json "d['personalised'] is False and d['balance_minor'] == 0"
same a.card before
JIAOZI_READER=virtual:a.card want 0 card balance
want 0 card reset --card virtual:a.card
says 'ATR 3B'
want 0 card reset --warm --card virtual:a.card --json
json "d['cold'] is False and d['atr'].startswith('3B')"

want 0 card create t0.card --protocol T=0 --json
json "d['protocol'] == 'T=0'"
want 0 card reset --card virtual:t0.card
says 'ATR 3B058073C6219F'
want 0 card info --card virtual:t0.card
says 'not personalised'
want 0 card create t1.card --protocol T=1 --json
json "d['protocol'] == 'T=1'"
for protocol in T=2 T0 0 ''; do
	want 2 card create p.card --protocol "$protocol"
	complains 'T=0 or T=1'
done
cases=$((cases + 1))
[ ! -e p.card ] || wrong 'p.card was made with no protocol'

# refused EXIT NAME FILE: the file is refused by name and not touched.
refused() {
	cp "$3" before
	want "$1" card info --card "virtual:$3?key=a.card.key" --json
	json "d['error']['name'] == '$2'"
	same "$3" before
}

cp a.card header.card
printf X | dd of=header.card bs=1 seek=0 conv=notrunc 2>/dev/null
refused 4 CARD_HEADER header.card
cp a.card version.card
printf '\377\377\377\377' | dd of=version.card bs=1 seek=8 conv=notrunc 2>/dev/null
refused 4 CARD_VERSION version.card
head -c 40 a.card >cut.card
refused 4 CARD_CUT cut.card
: >empty.card
cp empty.card before
want 4 card info --card 'virtual:empty.card?key=a.card.key'
same empty.card before
cp a.card tampered.card
printf '\125\252\125\252' | dd of=tampered.card bs=1 seek=200 conv=notrunc 2>/dev/null
refused 4 CARD_TAMPERED tampered.card
want 0 card create other.card
cp a.card before
want 4 card info --card 'virtual:a.card?key=other.card.key' --json
json "d['error']['name'] == 'CARD_KEY'"
same a.card before
want 4 card info --card 'virtual:a.card?key=none.key'
printf 'no key\n' >bad.key
want 4 card info --card 'virtual:a.card?key=bad.key'
same a.card before

want 0 card create sealed.card --passphrase env:BANK
want 0 card info --card 'virtual:sealed.card?passphrase=env:BANK'
cp sealed.card before
want 4 card info --card 'virtual:sealed.card?passphrase=env:WRONG'
want 4 card info --card virtual:sealed.card
same sealed.card before
want 2 card create p.card --passphrase secret
want 2 card create p.card --passphrase env:EMPTY
cases=$((cases + 1))
[ ! -e p.card ] || wrong 'p.card was made without a passphrase'

# A card in use: nothing answers at port 1, so the server waits and holds it.
"$JIAOZI" card serve a.card --port 1 >serve.log 2>&1 &
server=$!
tries=0
until [ -s serve.log ] || [ "$tries" -ge 100 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
cp a.card before
want 4 card info --card virtual:a.card --json
json "d['error']['name'] == 'CARD_LOCKED'"
same a.card before
kill "$server"
cases=$((cases + 1))
got=0
wait "$server" || got=$?
server=
[ "$got" -eq 0 ] || wrong "card serve ended with $got"
want 2 card serve a.card --port 0
want 2 card serve a.card --port 65536
want 2 card serve a.card --port x
want 10 card serve none.card --port 1

# ---- raw APDUs --------------------------------------------------------------

part 'raw APDUs'

want 0 card apdu --card virtual:a.card '00A40400 08 F04A49414F5A4901 00' \
	805C000204
says '00000000 9000 OK'
want 5 card apdu --card virtual:a.card 00A4040005F000000001
want 5 card apdu --card virtual:a.card 80FF000000 --json
json "d['error']['sw'] and d['error']['exchanges'][0]['command'] == '80FF000000'"
want 2 card apdu --card virtual:a.card 80F
want 2 card apdu --card virtual:a.card xx
printf '# select\n00A4040008F04A49414F5A490100\n\n805C000204 # balance\n' >script
cases=$((cases + 1))
"$JIAOZI" card apdu --card virtual:a.card <script >out 2>err ||
	wrong 'card apdu from standard input'
says '00000000 9000 OK'
# A PIN is never shown.
want 5 card apdu --card virtual:a.card 00200001020912
cases=$((cases + 1))
! grep -q 0912 out err || wrong 'card apdu shows a PIN'

# ---- the issuer -------------------------------------------------------------

part 'the issuer'

want 2 issuer init bank --passphrase "$BANK"
complains 'process list'
want 2 issuer init bank --passphrase env:EMPTY
want 10 issuer init bank --passphrase env:NOT_SET
want 10 issuer init bank --passphrase file:none
want 2 issuer init bank
complains 'no terminal'
want 2 issuer init bank --passphrase env:BANK --currency XYZ
cases=$((cases + 1))
[ ! -e bank ] || wrong 'a refused issuer init left something behind'
want 0 issuer init bank --passphrase env:BANK --currency CNY
want 11 issuer init bank --passphrase env:BANK
want 4 issuer books bank --passphrase env:WRONG
want 10 issuer books none --passphrase env:BANK
want 0 issuer account-open bank alice --holder Alice --passphrase env:BANK
want 0 issuer account-open bank bob --holder Bob --passphrase env:BANK
want 11 issuer account-open bank alice --holder Alice --passphrase env:BANK
want 7 issuer deposit bank carol 1.00 --passphrase env:BANK --json
json "d['error']['refusal'] == 'UNKNOWN_ACCOUNT'"
for amount in 1.005 -1 1,5 '' 1e3 '1 '; do
	want 2 issuer deposit bank alice --passphrase env:BANK -- "$amount"
done
want 0 issuer deposit bank alice 500.00 --passphrase env:BANK --json
json "d['balance_minor'] == 50000 and d['amount'] == '500.00'"
want 0 issuer deposit bank bob 100 --passphrase env:BANK
printf '%s\nsecond line\n' "$BANK" >pass
want 0 issuer accounts bank --passphrase file:pass --json
json "[a['balance_minor'] for a in d['accounts']] == [50000, 10000]"
want 0 issuer cards bank --passphrase env:BANK
want 0 issuer statement bank --passphrase env:BANK
says 'no payments'
books 60000

# ---- personalisation --------------------------------------------------------

part 'personalisation'

make() { # CARD ACCOUNT EXIT OPTION...
	card=$1 account=$2 code=$3
	shift 3
	want "$code" card personalise --card "virtual:$card.card" \
		--issuer bank --passphrase env:BANK --account "$account" "$@"
}
want 5 load --card virtual:a.card --issuer bank --passphrase env:BANK \
	--amount 1 --pin env:PIN
make a carol 10 --pin env:PIN
make a alice 2 --pin 123456
complains 'process list'
make a alice 2 --pin env:LETTERS
make a alice 2
make a alice 2 --pin env:PIN --max-balance 10 --max-single 11
make a alice 2 --pin env:PIN --max-balance x
make a alice 0 --pin env:PIN --holder Alice --max-balance 300 --max-single 200
make a alice 5 --pin env:PIN
make other bob 0 --pin env:PIN --holder Bob
mv other.card b.card
mv other.card.key b.card.key
want 0 card info --card virtual:a.card --json
json "d['personalised'] and d['max_balance_minor'] == 30000 and d['currency'] == 'CNY'"
want 5 card personalise --card virtual:a.card --issuer bank \
	--passphrase env:BANK --account alice --pin env:PIN --json
json "d['error']['name'] == 'STATE'"

# ---- load -------------------------------------------------------------------

part 'load'

load() { # CARD AMOUNT PIN EXIT
	want "$4" load --card "virtual:$1.card" --issuer bank \
		--passphrase env:BANK --amount "$2" --pin "$3" --json
}
load a 100.00 123456 2
complains 'process list'
load a 100.001 env:PIN 2
load a 0 env:PIN 2
load a 100.00 env:BAD_PIN 6
json "d['error']['name'] == 'PIN' and d['error']['tries_left'] == 2 and d['error']['sw'] == '63C2'"
balance a 0
load a 100.00 env:PIN 0
json "d['balance_minor'] == 10000 and d['balance'] == '100.00'"
load a 250.00 env:PIN 5
json "d['error']['sw'] == '9410'"
load b 100.01 env:PIN 7
json "d['error']['refusal'] == 'FUNDS'"
want 2 load --card virtual:a.card --passphrase env:BANK --amount 1 --pin env:PIN
JIAOZI_ISSUER=bank want 0 load --card virtual:a.card --passphrase env:BANK \
	--amount 1.00 --pin env:PIN --terminal 0102030405AB
want 2 load --card virtual:a.card --issuer bank --passphrase env:BANK \
	--amount 1 --pin env:PIN --terminal 01
balance a 10100
balance b 0
books 60000

# ---- a load given up --------------------------------------------------------

part 'a load given up'

cancel() { # CARD OUTCOME RETURNED
	want 0 load --cancel --card "virtual:$1.card" --issuer bank \
		--passphrase env:BANK --json
	json "d['outcome'] == '$2' and d['returned_minor'] == $3 and d['currency'] == 'CNY'"
}
# open_load CARD AMOUNT: what a terminal that goes away leaves behind.
open_load() {
	want 0 card apdu --card "virtual:$1.card" \
		00A4040008F04A49414F5A490100 \
		"002000010$((${#PIN} / 2))$PIN" \
		"805000020B01$(printf %08X "$2")00000000000100"
}
# sql STATEMENT
sql() {
	python3 -c '
import sqlite3, sys
with sqlite3.connect("bank/issuer.db") as db:
    db.execute(sys.argv[1])
' "$1"
}
want 2 load --card virtual:a.card --issuer bank --passphrase env:BANK
complains '--amount'
for option in '--amount 1' '--pin env:PIN' '--terminal 000000000001'; do
	# shellcheck disable=SC2086
	want 2 load --cancel --card virtual:a.card --issuer bank \
		--passphrase env:BANK $option
done
cancel a nothing_open 0
want 0 load --cancel --card virtual:a.card --issuer bank --passphrase env:BANK
says 'nothing to cancel'
# The issuer's refusal freed the card; the reason is told in both languages.
cancel b cancelled_before 0
load b 100.01 env:PIN 7
complains 'load failed: not enough money'
want 7 load --card virtual:b.card --issuer bank --passphrase env:BANK \
	--amount 100.02 --pin env:PIN --lang zh
complains '圈存失败: 账户余额不足'
# Open, and the issuer has never seen it.
open_load a 1000
load a 20.00 env:PIN 5
json "d['error']['sw'] == '6985' and 'open_minor' not in d['error']"
complains 'load --cancel'
cancel a cancelled 0
cancel a cancelled_before 0
# Open, and the money is in transit: the card's file as it was before the
# credit, and a report that could not be booked.
open_load a 1000
cp a.card kept.card
sql "CREATE TRIGGER broken BEFORE INSERT ON load_report
    BEGIN SELECT RAISE(ABORT, 'broken'); END"
load a 10.00 env:PIN 12
sql 'DROP TRIGGER broken'
mv kept.card a.card
books 60000
json "d['transit_load_minor'] == 1000"
load a 20.00 env:PIN 5
json "d['error']['open_minor'] == 1000"
complains '10.00 CNY'
want 0 load --cancel --card virtual:a.card --issuer bank --passphrase env:BANK
says 'load cancelled: 10.00 CNY went back to the account'
cancel a cancelled_before 1000
want 0 load --cancel --card virtual:a.card --issuer bank \
	--passphrase env:BANK --lang zh
says '已退回账户'
want 0 issuer accounts bank --passphrase env:BANK --json
json "[a['balance_minor'] for a in d['accounts']] == [39900, 10000]"
balance a 10100
balance b 0
books 60000
json "d['transit_load_minor'] == 0"

# ---- payment ----------------------------------------------------------------

part 'payment'

pay() { # AMOUNT EXIT OPTION...
	amount=$1 code=$2
	shift 2
	want "$code" pay --payer virtual:a.card --payee virtual:b.card \
		--amount "$amount" --json "$@"
}
pay 25.00 0 --pin env:PIN --reference noodles
json "d['payer']['balance_minor'] == 7600 and d['payee']['balance_minor'] == 2500 and len(d['steps']) == 5"
pay 25.00 5
json "d['error']['sw'] == '6982' and d['error']['step'] == 'agreement'"
complains 'no money moved'
pay 76.01 9 --pin env:PIN
json "d['error']['name'] == 'FUNDS' and d['error']['sw'] == '9401'"
pay 200.01 5 --pin env:PIN
json "d['error']['sw'] == '9411'"
pay 0 2 --pin env:PIN
pay 1 2 --pin 123456
pay 1 2 --pin env:PIN --reference 123456789012345678901234567890123
pay 1 6 --pin env:BAD_PIN
want 10 pay --payer virtual:none.card --payee virtual:b.card --amount 1
mkdir messages
pay 1.00 0 --pin env:PIN --messages messages
cases=$((cases + 1))
[ "$(find messages -name '*.tlv' | wc -l)" -eq 5 ] ||
	wrong 'pay --messages keeps not five messages'
pay 1.00 11 --pin env:PIN --messages messages
balance a 7500
balance b 2600

want 0 card log --card virtual:a.card --pin env:PIN --json
json "[l['amount_minor'] for l in d['log']] == [-100, -2500, 100, 10000]"
want 6 card log --card virtual:a.card --pin env:BAD_PIN

# Message by message, as one pipe over two cards.
a=virtual:a.card b=virtual:b.card
cases=$((cases + 1))
{
	"$JIAOZI" pay request --card $b --amount 4.00 |
		"$JIAOZI" pay agree --card $a --pin env:PIN |
		"$JIAOZI" pay confirm --card $b --hex |
		"$JIAOZI" pay complete --card $a |
		"$JIAOZI" pay credit --card $b |
		"$JIAOZI" pay acknowledge --card $a
} >out 2>err || wrong 'the payment as a pipe'
says 'finished'
balance a 7100
balance b 3000

# Message by message, with a channel that alters, repeats and loses.
step() { # EXIT COMMAND CARD OPTION...
	code=$1 command=$2 card=$3
	shift 3
	want "$code" pay "$command" --card "$card" "$@"
}
# alter FILE: flips the last bit.
alter() {
	python3 -c '
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[-1] ^= 1
open("altered", "wb").write(b)
' "$1"
}
step 0 request $b --amount 5.00 --out 1
alter 1
step 8 agree $a --pin env:PIN --in altered --json
json "d['error']['name'] == 'AUTHENTICATION' and d['error']['sw'] == '9302'"
step 0 agree $a --pin env:PIN --in 1 --out 2
alter 2
step 8 confirm $b --in altered --json
json "d['error']['sw'] == '942D'"
step 0 confirm $b --in 2 --out 3
alter 3
step 8 complete $a --in altered
balance a 7100
step 0 complete $a --in 3 --out 4
balance a 6600
alter 4
step 8 credit $b --in altered
balance b 3000
step 5 credit $a --in 4
for message in 1 2 3 4; do
	step 0 fetch $a --in $message --out again
	same again 4
done
step 0 credit $b --in again --out 5
step 0 credit $b --in 4 --out again
same again 5
balance b 3500
alter 5
step 8 acknowledge $a --in altered
step 0 acknowledge $a --in 5
step 5 fetch $a --in 1
step 10 agree $a --in none
step 8 agree $a --in /dev/null
printf 'no message' >text
step 8 agree $a --in text
head -c 9000 /dev/zero >long
step 8 agree $a --in long
step 12 request $b --amount 1 --out /none/x
step 2 request $b --amount x
step 0 request $b --amount 1 --json
json "d['message'].startswith('FF22')"

# A torn last record: the card opens at the state before it, and is not
# written by being looked at.
head -c "$(($(wc -c <a.card) - 10))" a.card >torn.card
cp torn.card before
want 0 card info --card 'virtual:torn.card?key=a.card.key' --json
json "d['balance_minor'] == 6600"
same torn.card before

# ---- settlement -------------------------------------------------------------

part 'settlement'

settle() { # CARD EXIT
	want "$2" settle --card "virtual:$1.card" --issuer bank \
		--passphrase env:BANK --json
}
settle a 0
json "d['records'] == 6 and d['batches'] == 2"
books 60000
settle b 0
json "d['records'] == 4"
settle b 0
json "d['records'] == 0"
books 60000
want 0 issuer cards bank --passphrase env:BANK --json
json "sorted(c['balance_minor'] for c in d['cards']) == [3500, 6600]"
want 0 issuer statement bank --passphrase env:BANK --json
json "len(d['payments']) == 4 and all(p['payer_settled'] and p['payee_settled'] for p in d['payments'])"
want 0 card info --card virtual:a.card --json
json "d['unsettled'] == 0"

# A card of another bank.
want 0 issuer init bank2 --passphrase env:BANK
want 7 settle --card virtual:a.card --issuer bank2 --passphrase env:BANK --json
json "d['error']['refusal'] == 'UNKNOWN_CARD'"

# ---- payments that stop half-way ---------------------------------------------

part 'payments that stop half-way'

confirmed() { # FILE: a payment of 1.00 as far as the confirmation
	step 0 request $b --amount 1.00 --out "$1"
	step 0 agree $a --pin env:PIN --in "$1" --out agreed
	step 0 confirm $b --in agreed --out confirmation
}
recover() { # EXIT OPTION...
	code=$1
	shift
	want "$code" recover --payer $a --payee $b --json "$@"
}
recover 2
recover 0 --pin env:PIN
json "d['payments'] == []"
confirmed stopped
step 0 complete $a --in confirmation --out lost
recover 0 --payee-pin env:PIN
json "[p['outcome'] for p in d['payments']] == ['credited']"
balance a 6500
balance b 3600
confirmed stopped
recover 0 --pin env:PIN
json "[p['outcome'] for p in d['payments']] == ['not paid']"
step 5 complete $a --in confirmation --json
json "d['error']['sw'] == '942B'"
confirmed stopped
want 10 pay pending 1 --card $b --pin env:PIN
want 0 pay pending --card $b --pin env:PIN --out pending
step 0 prove $a --in pending --out proof
alter proof
step 8 drop $b --in altered
step 0 drop $b --in proof
step 5 drop $b --in proof
confirmed stopped
want 0 pay pending --card $b --pin env:PIN --out pending
step 0 complete $a --in confirmation --out lost
step 5 prove $a --in pending --json
json "d['error']['sw'] == '942E'"
step 6 release $b --in stopped --pin env:BAD_PIN
step 0 claim $b --in stopped --out exception
step 5 credit $b --in lost --json
json "d['error']['sw'] == '9431'"
recover 0 --pin env:PIN
json "[p['outcome'] for p in d['payments']] == ['given up']"
settle b 0
settle a 0
want 0 issuer statement bank --passphrase env:BANK --json
json "[p['paid_out'] for p in d['payments'] if 'given_up' in p] == [True]"
books 60000
want 0 card log --card $b --pin env:PIN
says claimed
# What b was not given at the counter it is given by the bank.
confirmed stopped
step 0 complete $a --in confirmation --out lost
settle a 0
settle b 0
json "d['relayed'] == 1"
balance a 6300
balance b 3700

# ---- a blocked PIN ----------------------------------------------------------

part 'a blocked PIN'

for tries in 2 1; do
	load b 1.00 env:BAD_PIN 6
	json "d['error']['tries_left'] == $tries"
done
load b 1.00 env:BAD_PIN 6
load b 1.00 env:PIN 6
json "d['error']['name'] == 'PIN_BLOCKED' and d['error']['sw'] == '6983'"
# Settlement and receiving go on.
settle b 0
pay 1.00 0 --pin env:PIN
books 60000

# ---- revocation -------------------------------------------------------------

part 'revocation'

issuer() { # EXIT COMMAND ARGUMENT...
	code=$1 command=$2
	shift 2
	want "$code" issuer "$command" bank "$@" --passphrase env:BANK --json
}
card_id() {
	"$JIAOZI" card info --card "virtual:$1.card" --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'
}
ida=$(card_id a)
idb=$(card_id b)
issuer 0 revocation
json "d['revocations'] == []"
issuer 10 revocation --out none
issuer 2 revoke
issuer 2 revoke "$ida" --generation 2
issuer 2 revoke nobody
issuer 2 revoke --generation 0
issuer 10 revoke CN99999999900001
want 10 card revocation --card virtual:a.card
pay 1.00 0 --pin env:PIN
issuer 0 revoke "$idb" --reason stolen
json "d['version'] == 1 and d['list'].startswith('FF6A')"
issuer 11 revoke "$idb"
issuer 0 revocation --out 1.crl
json "[(r['card'], r['reason']) for r in d['revocations']] == [('$idb', 'stolen')]"
# Card a does not know yet; then it settles, or is given the list.
pay 1.00 0 --pin env:PIN
cp a.card kept.card
settle a 0
json "d['list_version'] == 1 and d['revoked'] is False"
pay 1.00 8 --pin env:PIN
json "d['error']['name'] == 'CERT_REVOKED' and d['error']['sw'] == '9423'"
want 0 card revocation --card virtual:a.card --out 2.crl --json
json "d['version'] == 1 and d['revoked'] == ['$idb']"
same 1.crl 2.crl
want 11 card revocation --card virtual:a.card --in 1.crl --json
json "d['error']['name'] == 'LIST_OLD' and d['error']['sw'] == '9430'"
want 0 card revocation --in 1.crl --card 'virtual:kept.card?key=a.card.key'
says "$idb"
rm kept.card
# The revoked card settles what it has, and is not loaded.
settle b 0
json "d['revoked'] is True"
books 60000
# A generation: every card of the first one.
issuer 0 revoke --generation 2
json "d['generation'] == 2 and d['version'] == 2"
issuer 11 revoke --generation 2
load a 1.00 env:PIN 7
json "d['error']['refusal'] == 'CARD_REVOKED'"
issuer 0 revocation
json "len(d['revocations']) == 2"
issuer 0 revocation --lang zh
books 60000

# ---- certificates -----------------------------------------------------------

part 'certificates'

cert() { # EXIT COMMAND ARGUMENT...
	code=$1 command=$2
	shift 2
	want "$code" certificate "$command" "$@"
}
cat bank/keys/root.cvcert bank/keys/ca.cvcert >bank.cvcert
cert 0 export --card virtual:a.card --out a.pem
cert 0 show a.pem
says "$ida"
says 'ECDSA P-256'
says 'fingerprint (SHA-256)'
cert 0 show a.pem --lang zh
says '卡可验证证书'
cert 0 show a.pem --json
json "d['objects'][0]['holder'] == '$ida' and d['objects'][0]['role'] == 'card'"
json "d['objects'][0]['generation'] == 1 and d['objects'][0]['faults'] == []"
cert 0 show bank.cvcert --json
json "[o['role'] for o in d['objects']] == ['root', 'CA']"
cert 0 show 1.crl
says "$idb"
# From form to form and back.
for form in der hex pem; do
	cert 0 convert a.pem --form $form --out a.$form
	cert 0 convert a.$form --form der --out again
	same again a.der
done
cert 0 convert a.der --form key-pem --out a.pub
cert 0 show a.pub
cert 2 convert a.der --form nonsense
cert 10 show none
cert 12 convert a.der --out /none/x
# What is wrong, and where.
head -c 100 a.der >short
cert 8 show short --json
json "d['error']['objects'][0]['faults'][0]['offset'] == 0"
python3 -c '
b = bytearray(open("a.der", "rb").read())
b[158] = 9
open("strange", "wb").write(b)
'
cert 8 show strange
says '*** a value that is not known'
cert 8 show strange --json
json "[(f['offset'], f['object']) for f in d['error']['objects'][0]['faults']] == [(158, 'assurance')]"
printf 'no certificate' >text
cert 8 show text
cert 8 show /dev/null
# A private key is not looked at.
printf -- '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n' >k.pem
cert 2 show k.pem
cert 2 convert k.pem
complains 'private key'

# Judged, each fault by its name.
fault() { # NAME ARGUMENT...
	name=$1
	shift
	cert 8 verify "$@" --json
	json "d['error']['name'] == '$name'"
}
cert 0 verify a.pem --root bank.cvcert --role card
says 'valid'
cert 0 verify a.pem --root bank.cvcert --at none --lang zh
cert 0 verify bank/keys/ca.cvcert --root bank.cvcert --role ca --json
json "d['valid'] and d['subject'] == 'CNJZISSUER00001'"
cert 2 verify a.pem
cert 2 verify a.pem --root bank.cvcert --role nonsense
cert 2 verify a.pem --root bank.cvcert --at yesterday
cert 0 verify a.pem --root bank.cvcert --revocation 1.crl
fault CERT_ISSUER a.pem --root bank/keys/root.cvcert
fault CERT_ISSUER a.pem --root bank2/keys/root.cvcert
fault CERT_ROLE a.pem --root bank.cvcert --role host
fault CERT_EXPIRED a.pem --root bank.cvcert --at 2090-01-01
fault CERT_NOT_YET a.pem --root bank.cvcert --at 2001-01-31T12:00:00Z
fault CERT_MALFORMED strange --root bank.cvcert
issuer 0 revocation --out 2.crl
fault CERT_REVOKED a.pem --root bank.cvcert --revocation 2.crl
python3 -c '
b = bytearray(open("a.der", "rb").read())
b[-1] ^= 1
open("forged", "wb").write(b)
'
fault CERT_FORGED forged --root bank.cvcert
fault MESSAGE a.pem --root bank.cvcert --revocation a.pem

# X.509: the issuer's own, a card's, a user's by the public key alone.
x509() { # EXIT ARGUMENT...
	code=$1
	shift
	want "$code" issuer x509 bank "$@" --passphrase env:BANK
}
x509 0 --out root.pem
cert 0 show root.pem --json
json "[o['ca'] for o in d['objects']] == [True, True]"
x509 0 a.pem --out card.pem
cert 0 verify card.pem --root root.pem --role client
says "$ida"
x509 2 a.pub --role signer
x509 2 a.pub --role ca --holder Alice
x509 2 a.pub --role signer --holder Alice --email nonsense
x509 0 a.pub --role signer --holder Alice --email alice@bank.example \
	--out user.pem
cert 0 verify user.pem --root root.pem --role signer
fault CERT_ROLE user.pem --root root.pem --role server
x509 0 a.pub --role server --host bank.example,192.0.2.7 --out server.pem
cert 0 verify server.pem --root root.pem --role server --host 192.0.2.7
fault CERT_NAME server.pem --root root.pem --role server --host bank.example.org
fault CERT_EXPIRED server.pem --root root.pem --at 2032-01-01
fault CERT_ISSUER server.pem --root bank.cvcert
x509 8 forged
if command -v openssl >/dev/null 2>&1; then
	cases=$((cases + 3))
	openssl verify -CAfile root.pem -purpose sslserver \
		-verify_hostname bank.example server.pem >out 2>err ||
		wrong 'openssl verify'
	openssl x509 -in server.pem -noout -text >out 2>err
	says 'TLS Web Server Authentication'
	openssl pkey -pubin -in a.pub -noout >out 2>err || wrong 'openssl pkey'
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout s.key -subj '/CN=pay.example' -out s.csr \
		-addext subjectAltName=DNS:pay.example 2>/dev/null
	cert 0 show s.csr
	says 'pay.example'
	x509 0 s.csr --role server --out s.pem
	cert 0 verify s.pem --root root.pem --role server --host pay.example
	openssl verify -CAfile root.pem s.pem >out 2>err ||
		wrong 'openssl verify'
	openssl req -new -newkey rsa:2048 -nodes -keyout r.key \
		-subj '/CN=x' -out r.csr 2>/dev/null
	x509 4 r.csr --role client
else
	echo 'skipped: no openssl to judge X.509'
fi

# ---- administration ---------------------------------------------------------

part 'administration'

PURSE=F04A49414F5A4901
SECOND=F04A49414F5A490102
NEW_KEYS=101112131415161718191A1B1C1D1E1F2021222324252627\
28292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F
SHORT_KEYS=1011
NO_KEYS=1011121314151617181920212223242X
export NEW_KEYS SHORT_KEYS NO_KEYS
m=virtual:m.card
new='--card virtual:m.card --keys default'
bank='--card virtual:m.card --issuer bank --passphrase env:BANK'

want 0 card create m.card
want 0 card data --card $m
says 'GlobalPlatform 2.3'
want 0 card data --card $m --lang zh
want 0 card data --card $m --json
json "d['card_data']['protocols'] == ['SCP03 i=70'] and d['resources']['applications'] == 1"
want 0 card keys --card $m
says 'version FF'
want 0 card keys --card $m --json
json "[(k['version'], k['id'], k['type'], k['bits']) for k in d['keys']] == [(255, i, 'AES', 128) for i in (1, 2, 3)]"

# Keys come from where secrets come from.
want 2 card apps --card $m
complains '--keys'
want 2 card apps --card $m --keys 404142434445464748494A4B4C4D4E4F
complains 'process list'
want 2 card apps --card $m --keys env:SHORT_KEYS
want 2 card apps --card $m --keys env:NO_KEYS
want 10 card apps --card $m --keys env:NOT_SET
want 2 card apps --card $m --keys default --key-version 100
want 2 card apps --card $m --keys default --key-version 00
want 8 card apps --card $m --keys env:NEW_KEYS --json
json "d['error']['name'] == 'AUTHENTICATION'"
complains 'key version: FF'
want 10 card apps --card $m --keys default --key-version 33 --json
json "d['error']['sw'] == '6A88'"
# shellcheck disable=SC2086 # options
want 8 card apps $bank

# shellcheck disable=SC2086
{
want 0 card apps $new
says $PURSE
says SELECTABLE
want 0 card apps $new --lang zh
want 0 card apps $new --json
json "d['domain'] == 'A000000151000000' and d['state'] != 'SECURED'"
json "[a['aid'] for a in d['applications']] == ['$PURSE'] and not d['applications'][0]['locked']"
json "['$PURSE'] in [f['modules'] for f in d['load_files']]"

# Install and delete.
want 2 card install
want 2 card install xyz $new
want 2 card install F04A $new
want 2 card install $PURSE $new --privileges nonsense
want 2 card install $PURSE $new --params 1
want 10 card install F000000000 $new
want 0 card install $PURSE $new --instance $SECOND --json
json "d['instance'] == '$SECOND' and d['module'] == '$PURSE'"
want 11 card install $PURSE $new --instance $SECOND
want 0 card apps $new
says $SECOND

# A locked application; it cannot be selected.
want 0 card lock $SECOND $new
says 'locked'
want 0 card apps $new --json
json "[a['locked'] for a in d['applications'] if a['aid'] == '$SECOND'] == [True]"
want 0 card unlock $SECOND $new --lang zh
says '已解锁'
want 0 card apps $new --json
json "[a['state'] for a in d['applications'] if a['aid'] == '$SECOND'] == ['SELECTABLE']"
want 10 card lock F000000000 $new
want 2 card lock nonsense $new
want 0 card delete $SECOND $new
want 10 card delete $SECOND $new
want 5 card delete A000000151000000 $new

# A card that is not yet secured cannot be locked.
want 5 card lock card $new --json
json "d['error']['sw'] == '6985'"

# New keys, beside the others and in their place.
want 2 card put-key 02 $new
want 2 card put-key 00 $new --new-keys env:NEW_KEYS
want 2 card put-key 80 $new --new-keys env:NEW_KEYS
want 2 card put-key 02 $new --new-keys "$NEW_KEYS"
want 0 card put-key 02 $new --new-keys env:NEW_KEYS
want 8 card apps $new
want 0 card apps --card $m --keys env:NEW_KEYS
want 0 card put-key 03 --card $m --keys env:NEW_KEYS --new-keys default --add
want 0 card apps $new
want 0 card apps --card $m --keys env:NEW_KEYS --key-version 02
want 8 card apps --card $m --keys env:NEW_KEYS --key-version 03

# The issuer takes over: nobody else administers the card any more.
want 2 card personalise $bank --account bob --pin env:PIN --key-version 03
want 8 card personalise $bank --account bob --pin env:PIN \
	--keys env:NEW_KEYS --key-version 03
want 0 card personalise $bank --account bob --pin env:PIN \
	--keys default --key-version 03
want 8 card apps $new
want 0 card apps $bank --json
json "d['state'] == 'SECURED'"
want 0 card keys --card $m --json
want 8 card apps --card $m --issuer bank2 --passphrase env:BANK

# The whole card locked: only its security domain answers.
want 0 card lock card $bank
want 5 card info --card $m
want 0 card apps $bank --json
json "d['state'] == 'CARD_LOCKED'"
want 0 card unlock card $bank
want 0 card info --card $m

# For good.
want 2 card terminate $bank
complains '--yes'
want 0 card info --card $m
want 0 card terminate $bank --yes
want 5 card info --card $m
want 0 card data --card $m
want 5 card apps $bank
}

# An issuer of an earlier release.
mv bank2/keys/admin.key kept.key
want 0 card create n.card
cp n.card before
want 10 card personalise --card virtual:n.card --issuer bank2 \
	--passphrase env:BANK --account bob --pin env:PIN
want 0 issuer account-open bank2 bob --holder Bob --passphrase env:BANK
want 10 card personalise --card virtual:n.card --issuer bank2 \
	--passphrase env:BANK --account bob --pin env:PIN
complains 'admin-key'
same n.card before
want 4 issuer admin-key bank2 --passphrase env:WRONG
want 0 issuer admin-key bank2 --passphrase env:BANK
want 11 issuer admin-key bank2 --passphrase env:BANK
want 0 card personalise --card virtual:n.card --issuer bank2 \
	--passphrase env:BANK --account bob --pin env:PIN

# ---- the two suites ---------------------------------------------------------

part 'the two suites'

want 2 issuer init gm --passphrase env:BANK --suite sm2
complains 'nist or gm'
want 2 card create gm.card --suite ''
want 0 issuer init gm --passphrase env:BANK --suite gm --json
json "d['suite'] == 'gm'"
want 0 issuer account-open gm gina --passphrase env:BANK
want 0 issuer deposit gm gina 50.00 --passphrase env:BANK
want 0 card create gm.card --suite gm --json
json "d['suite'] == 'gm'"
want 0 card create nist.card --json
json "d['suite'] == 'nist'"
want 0 card info --card virtual:gm.card --json
json "d['suite'] == 'gm'"

# An issuer of the other suite says so, and leaves the card as it is.
# stranger CARD ISSUER ACCOUNT
stranger() {
	cp "$1.card" before
	want 5 card personalise --card "virtual:$1.card" --issuer "$2" \
		--passphrase env:BANK --account "$3" --pin env:PIN --json
	json "d['error']['name'] == 'SUITE'"
	want 5 card personalise --card "virtual:$1.card" --issuer "$2" \
		--passphrase env:BANK --account "$3" --pin env:PIN
	complains 'of the other crypto suite'
	want 5 card personalise --card "virtual:$1.card" --issuer "$2" \
		--passphrase env:BANK --account "$3" --pin env:PIN --lang zh
	complains '卡的密码套件不符'
	same "$1.card" before
}
stranger gm bank alice
stranger nist gm gina
want 0 card personalise --card virtual:gm.card --issuer gm \
	--passphrase env:BANK --account gina --pin env:PIN
want 0 card personalise --card virtual:nist.card --issuer bank \
	--passphrase env:BANK --account alice --pin env:PIN
want 7 load --card virtual:gm.card --issuer bank --passphrase env:BANK \
	--amount 1 --pin env:PIN --json
json "d['error']['refusal'] == 'SUITE'"
want 0 load --cancel --card virtual:gm.card --issuer gm --passphrase env:BANK
want 7 load --card virtual:nist.card --issuer gm --passphrase env:BANK \
	--amount 1 --pin env:PIN --lang zh
complains '卡的密码套件与发卡行不符'
want 0 load --card virtual:gm.card --issuer gm --passphrase env:BANK \
	--amount 20.00 --pin env:PIN
balance gm 2000
# The administration's channel is of AES on either card.
want 0 card apps --card virtual:gm.card --issuer gm --passphrase env:BANK --json
json "d['state'] == 'SECURED'"
want 8 card apps --card virtual:gm.card --issuer bank --passphrase env:BANK

# Nor do their cards pay each other.
want 8 pay --payer virtual:gm.card --payee virtual:nist.card --amount 1 --json
json "d['error']['sw'] == '9426'"
want 8 pay --payer virtual:nist.card --payee virtual:gm.card --amount 1
complains 9426
balance gm 2000
balance nist 0

finish
