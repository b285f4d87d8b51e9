#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The issuer's keys by the built `jiaozi` command: two people make a key, keys
# get new versions, and what was made under the old ones keeps working.
#
#	JIAOZI=PROGRAM test/cli/keys.sh
#
# Prints a line for each part and for each case that fails.
#
# shellcheck disable=SC2086 # $P, $A: options
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-keys.XXXXXX")
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK=${CANARY_BANK:-correct horse}
WRONG=${CANARY_WRONG:-wrong horse}
ALICE='first half'
BOB='second half'
PIN=${CANARY_PIN:-123456}
LC_ALL=C
export BANK WRONG ALICE BOB PIN LC_ALL
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE

P='--passphrase env:BANK'
bank() { # EXIT COMMAND ARGUMENT...
	code=$1
	shift
	want "$code" issuer "$@" $P
}

# new_card NAME ACCOUNT: personalised by the bank as it is now.
new_card() {
	want 0 card create "$1.card"
	want 0 card personalise --card "virtual:$1.card" --issuer bank $P \
		--account "$2" --holder "$1" --pin env:PIN
}

part 'founding'

want 0 issuer init bank $P
for name in alice bob; do
	bank 0 account-open bank $name --holder $name
	bank 0 deposit bank $name 500
done
bank 0 keys bank
says 'CNJZROOT00001'
says 'keys/admin.key'
new_card alice alice

part 'two people make a key'

seed() { # EXIT FILE PART CEREMONY NAME PASSPHRASE
	want "$1" issuer seed create "$2" --part "$3" --ceremony "$4" \
		--by "$5" --passphrase "$6"
}
seed 0 a.seed 1 7 Alice env:ALICE
says 'check value'
seed 0 b.seed 2 7 Bob env:BOB
seed 11 a.seed 1 7 Alice env:ALICE
seed 2 c.seed 3 7 Alice env:ALICE
seed 2 c.seed 0 7 Alice env:ALICE
seed 2 c.seed 1x 7 Alice env:ALICE
seed 2 c.seed 1 0 Alice env:ALICE
seed 2 c.seed 1 4294967296 Alice env:ALICE
seed 2 c.seed 1 7 '' env:ALICE
seed 2 c.seed 1 7 ' Alice' env:ALICE
want 2 issuer seed create c.seed --by Alice --passphrase env:ALICE
want 2 issuer seed create c.seed --part 1 --passphrase env:ALICE
[ ! -e c.seed ] || wrong 'a refused seed was written'
want 0 issuer seed show a.seed --passphrase env:ALICE
says Alice
want 0 issuer seed show a.seed --passphrase env:ALICE --json
says '"ceremony": 7'
want 4 issuer seed show a.seed --passphrase env:WRONG

combine() { # EXIT FILE PASSPHRASE FILE PASSPHRASE
	want "$1" issuer seed combine bank "$2" "$4" $P \
		--passphrase-1 "$3" --passphrase-2 "$5"
}
seed 0 a8.seed 1 8 Alice env:ALICE
seed 0 a2.seed 2 7 ALICE env:BOB
combine 4 a.seed env:ALICE a.seed env:ALICE
complains 'same half'
combine 4 a8.seed env:ALICE b.seed env:BOB
complains 'two ceremonies'
combine 4 a.seed env:ALICE a2.seed env:BOB
complains 'one person'
complains 'Alice'
combine 4 a.seed env:WRONG b.seed env:BOB
complains 'wrong passphrase'
complains 'a.seed'
combine 4 a.seed env:ALICE b.seed env:WRONG
complains 'b.seed'
combine 10 a.seed env:ALICE none.seed env:BOB
cp b.seed bad.seed
printf x | dd of=bad.seed bs=1 seek=60 conv=notrunc 2>/dev/null
combine 4 a.seed env:ALICE bad.seed env:BOB
complains 'damaged'
want 2 issuer seed combine bank a.seed $P --passphrase-1 env:ALICE
bank 0 keys bank --json
grep -q '"version": 2' out && wrong 'a refused pair made a key'
combine 0 b.seed env:BOB a.seed env:ALICE
says 'card master 2'
bank 0 keys bank
says 'ceremony 7: Alice, Bob'
grep -q 'card master 2, .*part 1 by "Alice", part 2 by "Bob"' \
	bank/keys/audit.log || wrong 'the audit log lacks the makers'
grep -q 'refused (SEED_PERSON): .*"Alice".*"ALICE"' bank/keys/audit.log ||
	wrong 'the audit log lacks the one who tried'

part 'cards of two versions'

# The one of version 1 works, and moves; a new one has version 2.
A='--card virtual:alice.card --issuer bank'
want 0 card keys --card virtual:alice.card
says 'version 01'
{
	want 0 card apps $A $P
	new_card bob bob
	want 0 card keys --card virtual:bob.card
	says 'version 02'
	want 0 card apps --card virtual:bob.card --issuer bank $P
	want 10 card put-key 03 --new-keys issuer $A $P
	complains 'key roll'
	want 0 card put-key 02 --new-keys issuer $A $P
	want 0 card keys --card virtual:alice.card
	says 'version 02'
	want 0 card apps $A $P
}
bank 0 key roll bank
says 'version 3'
want 4 issuer key roll bank --passphrase env:WRONG
want 2 issuer key roll bank nonsense $P
{
	want 0 card apps $A $P
	want 0 card put-key 03 --new-keys issuer $A $P
	want 0 card apps $A $P
	want 0 card apps --card virtual:bob.card --issuer bank $P
}

part 'a new CA'

# A record of the old days, and money on both cards.
load() { # CARD AMOUNT
	want 0 load --card "virtual:$1.card" --issuer bank $P --amount "$2" \
		--pin env:PIN
}
pay() { # EXIT PAYER PAYEE OPTION...
	code=$1 payer=$2 payee=$3
	shift 3
	want "$code" pay --payer "virtual:$payer.card" \
		--payee "virtual:$payee.card" --amount 1 --pin env:PIN "$@"
}
load alice 100
pay 0 alice bob
bank 0 key roll bank ca
says 'ca'
bank 0 keys bank
says 'CNJZISSUER00002'
says 'keys/host-2.key'
bank 0 account-open bank carol --holder carol
bank 0 deposit bank carol 500
new_card carol carol
load carol 100
load alice 100
pay 8 alice carol
complains 'issuer'
mkdir terminal
cp bank/keys/ca.cvcert bank/keys/ca-2.cvcert terminal
pay 0 alice carol --authorities terminal
pay 0 carol alice --authorities terminal
JIAOZI_AUTHORITIES=terminal
export JIAOZI_AUTHORITIES
pay 0 alice carol
# Step by step, and whatever else lies in the folder.
cp bank/keys/root.cvcert terminal
echo nonsense >terminal/x.cvcert
echo nonsense >terminal/y
want 0 pay request --card virtual:alice.card --amount 1 --out 1
want 0 pay agree --card virtual:carol.card --pin env:PIN --in 1 --out 2
want 0 pay confirm --card virtual:alice.card --in 2 --out 3
want 0 pay complete --card virtual:carol.card --in 3 --out 4
want 0 pay credit --card virtual:alice.card --in 4 --out 5
want 0 pay acknowledge --card virtual:carol.card --in 5
pay 10 alice carol --authorities nowhere
dd if=/dev/zero of=terminal/z.cvcert bs=1 count=300 2>/dev/null
pay 8 alice carol
unset JIAOZI_AUTHORITIES
bank 0 key roll bank host
for name in alice bob carol; do
	want 0 settle --card "virtual:$name.card" --issuer bank $P
	want 0 card apps --card "virtual:$name.card" --issuer bank $P
done
bank 0 books bank
says 'balance'

part 'in Chinese'

bank 0 keys bank --lang zh
says '今后所用'
want 4 issuer seed combine bank a.seed a2.seed $P --lang zh \
	--passphrase-1 env:ALICE --passphrase-2 env:BOB
complains '同一人'

part 'a list of revoked X.509 certificates'

if command -v openssl >/dev/null 2>&1; then
	for name in one two; do
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -keyout $name.pkey -subj "/CN=$name.example" \
			-out $name.csr >out 2>err || wrong 'no request'
		want 0 issuer x509 bank $name.csr --role server \
			--host $name.example --out $name.pem \
			--passphrase env:BANK
	done
	want 0 issuer x509 bank --out x.pem --passphrase env:BANK
	crl() { want "$1" issuer crl bank --out x.crl --passphrase env:BANK $2; }
	# judged NAME [CODE]: by OpenSSL, list and certificate.
	judged() {
		cases=$((cases + 1))
		openssl crl -in x.crl -noout -CAfile x.pem >out 2>&1
		grep -q 'verify OK' out || wrong 'not verified: the list'
		got=0
		openssl verify -crl_check -CAfile x.pem -CRLfile x.crl \
			-untrusted $1.pem $1.pem >out 2>&1 || got=$?
		[ "$got" -eq "${2:-0}" ] || wrong "openssl verify: $got, $1"
	}
	crl 0 ''
	judged one
	judged two
	crl 0 one.pem
	judged one 2
	grep -q revoked out || wrong 'not revoked'
	judged two
	# What was revoked stays so, and once.
	crl 0 one.pem
	crl 0 ''
	judged one 2
	want 0 certificate show x.crl --json
	says '"number": 4'
	[ "$(openssl crl -in x.crl -noout -text | grep -c 'Serial Number')" \
		-eq 1 ] || wrong 'named twice'
	want 8 certificate verify one.pem --root x.pem --revocation x.crl
	complains 'certificate revoked'
	serial=$(openssl x509 -in two.pem -noout -serial | cut -d = -f 2)
	crl 0 "serial:$serial"
	judged two 2
	want 0 certificate show x.crl
	says "$serial"

	crl 2 serial:
	crl 2 serial:xy
	crl 2 serial:010203040506070809101112131415161718192021
	crl 10 nowhere.pem
	crl 8 one.csr
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout other.pkey -subj /CN=other -out other.pem >out 2>err
	crl 8 other.pem
	complains 'unknown issuer'
	cp bank/keys/ca-*.crl kept.crl
	[ "$(wc -c <kept.crl)" -gt 100 ] || wrong 'no list is kept'
	list=$(echo bank/keys/ca-*.crl)
	# Altered, and another's: neither is gone on from.
	last=$(tail -c 1 kept.crl | od -An -tu1 | tr -d ' ')
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$(printf %03o $(((last + 1) % 256)))" |
		dd of="$list" bs=1 conv=notrunc \
		seek=$(($(wc -c <kept.crl) - 1)) >err 2>&1
	crl 8 ''
	echo nonsense >"$list"
	crl 4 ''
	cp kept.crl "$list"
	crl 0 ''
	want 0 certificate show x.crl --json
	says '"number": 6'
else
	echo 'skipped: no openssl to judge a list'
fi

finish
