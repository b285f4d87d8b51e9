#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# jiaozi pay in both profiles and both suites: two readers, message by message
# with the revocation list beside, and two terminals over a socket; refunds,
# records, certificates that a card keeps.
#
#	JIAOZI=PROGRAM test/cli/far.sh
#
# proves: OFP-2 OFP-6 OFP-7 OFP-9 OFP-13 (at the command)
set -u

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-far.XXXXXX") || exit 1
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir" || exit 1

BANK='correct horse' PIN=123456
LC_ALL=C.UTF-8
JIAOZI_ISSUER=bank
export BANK PIN LC_ALL JIAOZI_ISSUER

# json EXPRESSION: true of the last output, as d.
json() {
	cases=$((cases + 1))
	python3 -c '
import json, sys
d = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || wrong "not so: $1"
}

person() { # CARD OPTION...: a card of this suite, with 100.00 if it can pay
	name=$1
	shift
	want 0 card create "$name.card" --suite "$suite"
	want 0 card personalise --card "virtual:$name.card" --passphrase env:BANK \
	    --account alice --pin env:PIN --pin-above 500 "$@"
}

fund() {
	want 0 load --card "virtual:$1.card" --passphrase env:BANK \
	    --amount 100.00 --pin env:PIN
}

balance() { # CARD MINOR
	want 0 card balance --card "virtual:$1.card" --json
	json "d['balance_minor'] == $2"
}

# far PAYEE PAYER AMOUNT ADDRESS EXIT-OF-PAYEE EXIT-OF-PAYER OPTION-OF-PAYER...
far() {
	payee=$1 payer=$2 amount=$3 address=$4 to=$5 from=$6
	shift 6
	cases=$((cases + 2))
	"$JIAOZI" pay receive --card "virtual:$payee.card" --amount "$amount" \
	    --listen "$address" --timeout 20 >out-payee 2>err-payee &
	pid=$!
	got=12
	tries=0
	# It may not be listening yet.
	while [ "$tries" -lt 100 ]; do
		got=0
		"$JIAOZI" pay send --card "virtual:$payer.card" --connect "$address" \
		    --timeout 20 "$@" >out 2>err || got=$?
		grep -qE 'No such file|refused$' err || break
		sleep 0.1
		tries=$((tries + 1))
	done
	[ "$got" -eq "$from" ] || wrong "payer: exit $got, not $from"
	got=0
	wait "$pid" || got=$?
	[ "$got" -eq "$to" ] || {
		cat err-payee
		wrong "payee: exit $got, not $to"
	}
}

# A peer of the payee that sends these bytes (hexadecimal) and waits or hangs up.
stranger() { # EXIT HEX KEEP OPTION...
	code=$1 bytes=$2 hold=$3
	shift 3
	cases=$((cases + 1))
	"$JIAOZI" pay receive --card virtual:shop.card --amount 1 \
	    --listen unix:sock "$@" >out 2>err &
	pid=$!
	python3 -c '
import socket, sys, time
for i in range(100):
    try:
        s = socket.socket(socket.AF_UNIX)
        s.connect("sock")
        break
    except OSError:
        time.sleep(0.05)
try:
    s.sendall(bytes.fromhex(sys.argv[1]))
    while sys.argv[2] == "hold" and s.recv(4096): pass
except ConnectionError:
    pass
' "$bytes" "$hold"
	got=0
	wait "$pid" || got=$?
	[ "$got" -eq "$code" ] || wrong "exit $got, not $code, of bytes $bytes"
	complains 'no money moved'
}

for suite in nist gm; do
	part "$suite: cards of both profiles"
	rm -rf bank ./*.card ./*.key
	want 0 issuer init bank --suite "$suite" --passphrase env:BANK
	want 0 issuer account-open bank alice --passphrase env:BANK
	want 0 issuer deposit bank alice 1000 --passphrase env:BANK
	person alice
	person shop --payee-only
	person secret --encrypted
	person hidden --encrypted --payee-only
	fund alice
	fund secret

	part "$suite: two readers"
	want 0 pay --payer virtual:secret.card --payee virtual:hidden.card \
	    --amount 5.00 --json
	json "[s['message'] for s in d['steps']] == ['hello', 'request', 'agreement', 'confirmation', 'completion', 'receipt']"
	want 0 pay --payer virtual:alice.card --payee virtual:shop.card \
	    --amount 5.00
	want 5 pay --payer virtual:alice.card --payee virtual:hidden.card \
	    --amount 1 --json
	json "d['error']['name'] == 'PROFILE'"
	want 5 --lang zh pay --payer virtual:secret.card \
	    --payee virtual:shop.card --amount 1
	complains '明文'
	balance secret 9500
	balance hidden 500

	part "$suite: message by message, enciphered"
	want 0 pay hello --card virtual:secret.card --out 0
	want 0 pay request --card virtual:hidden.card --amount 2.00 --hello 0 --out 1
	want 8 pay agree --card virtual:secret.card --in 1 --amount 2.01 --out 2
	complains 'data error'
	want 8 --lang zh pay agree --card virtual:secret.card --in 1 --amount 2.01 --out 2
	complains '数据有误'
	want 0 pay agree --card virtual:secret.card --in 1 --amount 2.00 --out 2
	want 0 pay confirm --card virtual:hidden.card --in 2 --out 3
	want 0 pay complete --card virtual:secret.card --in 3 --out 4
	# The last byte is of the seal.
	python3 -c 'b = bytearray(open("4", "rb").read()); b[-1] ^= 1
open("forged", "wb").write(b)'
	want 8 pay credit --card virtual:hidden.card --in forged --out 5
	complains 'authentication failed: the counterparty is not legitimate'
	want 8 --lang zh pay credit --card virtual:hidden.card --in forged --out 5
	complains '认证失败：交易的对象不合法'
	want 0 pay fetch --card virtual:secret.card --in 2 --out again
	cases=$((cases + 1))
	cmp -s 4 again || wrong 'another completion'
	want 0 pay credit --card virtual:hidden.card --in again --out 5
	want 0 pay acknowledge --card virtual:secret.card --in 5
	want 5 pay hello --card virtual:alice.card --out 0
	want 5 pay request --card virtual:hidden.card --amount 1 --out 1
	balance secret 9300
	balance hidden 700

	part "$suite: over a socket"
	far shop alice 3.00 unix:sock 0 0 --amount 3.00
	far hidden secret 3.00 unix:sock 0 0
	balance alice 9200
	balance shop 800
	balance secret 9000
	balance hidden 1000
	far shop secret 1 unix:sock 5 12
	far hidden alice 1 unix:sock 5 12
	far hidden secret 1.00 unix:sock 12 8 --amount 2.00
	balance secret 9000
	# The suite changes nothing of what follows.
	[ "$suite" = nist ] || continue
	far shop alice 1.00 tcp:127.0.0.1:35997 0 0

	part "$suite: what is no payer"
	stranger 8 00112233 hold
	stranger 8 FF2100FF410100 hold
	stranger 8 FF6A00FF2200 hold
	stranger 8 FF2184FFFFFFFF hold
	stranger 8 FF2182FFFF hold
	stranger 12 FF21 close
	stranger 12 FF2100 close
	stranger 3 FF21 hold --timeout 1
	want 12 pay send --card virtual:alice.card --connect unix:nobody
	want 2 pay send --card virtual:alice.card --connect nowhere
	want 2 pay send --card virtual:alice.card --connect unix:sock --timeout 0
	want 3 pay receive --card virtual:shop.card --amount 1 --listen unix:sock --timeout 1

	part "$suite: a refund"
	want 0 card records --card virtual:hidden.card --pin env:PIN --json
	json "[r['amount_minor'] for r in d['records']] == [300, 200, 500]"
	n=$(python3 -c '
import json
print(json.load(open("out"))["records"][0]["payee_counter"])')
	want 8 pay --payer virtual:hidden.card --payee virtual:secret.card --amount 1
	want 5 pay --payer virtual:hidden.card --payee virtual:secret.card \
	    --amount 3.01 --refund-of "$n"
	complains 9435
	want 0 pay --payer virtual:hidden.card --payee virtual:secret.card \
	    --amount 3.00 --refund-of "$n"
	want 0 card records --card virtual:hidden.card --pin env:PIN --json
	json "d['records'][0]['amount_minor'] == -300 and d['records'][0]['refund_of'] == $n"
	want 0 card records --card virtual:secret.card --pin env:PIN
	says "refund of $n"
	want 5 pay --payer virtual:hidden.card --payee virtual:secret.card \
	    --amount 0.01 --refund-of "$n"
	want 2 pay --payer virtual:hidden.card --payee virtual:secret.card \
	    --amount 1 --refund-of x
	for card in hidden secret; do
		want 0 settle --card virtual:$card.card --passphrase env:BANK
	done
	want 0 issuer books bank --passphrase env:BANK

	part "$suite: by ID alone"
	want 0 certificate export --card virtual:shop.card --form hex --out shop.cvc
	want 0 pay request --card virtual:shop.card --amount 1.00 --by-id --out 1
	want 8 pay agree --card virtual:alice.card --in 1 --out 2
	complains 'authentication failed'
	want 8 --lang zh pay agree --card virtual:alice.card --in 1 --out 2
	complains '认证失败'
	want 0 card known --card virtual:alice.card --pin env:PIN --keep shop.cvc --json
	json "len(d['known']) == 1"
	id=$(python3 -c 'import json; print(json.load(open("out"))["known"][0])')
	want 0 pay agree --card virtual:alice.card --in 1 --out 2
	want 0 card known --card virtual:alice.card --pin env:PIN --forget "$id" \
	    --json
	json "d['known'] == []"
	want 10 card known --card virtual:alice.card --pin env:PIN --forget "$id"

	part "$suite: the newer list goes along"
	id=$("$JIAOZI" card info --card virtual:secret.card --json |
	    python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
	want 0 issuer revoke bank "$id" --passphrase env:BANK
	want 0 settle --card virtual:shop.card --passphrase env:BANK
	want 0 pay request --card virtual:shop.card --amount 1.00 --out 1 \
	    --revocation-out list
	want 10 card revocation --card virtual:alice.card
	want 0 pay agree --card virtual:alice.card --in 1 --out 2 --revocation list
	want 0 card revocation --card virtual:alice.card --json
	json "d['version'] == 1"
	# Two readers, and a socket, do it by themselves.
	person carol
	fund carol
	person dora
	person erin
	want 10 card revocation --card virtual:dora.card
	far erin carol 1.00 unix:sock 0 0
	want 0 card revocation --card virtual:erin.card
	want 0 pay --payer virtual:carol.card --payee virtual:dora.card --amount 1
	want 0 card revocation --card virtual:dora.card
	printf 'FF6A' >bad
	want 8 pay agree --card virtual:alice.card --in 1 --out 2 --revocation bad
done
finish
