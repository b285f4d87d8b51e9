#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# An issuer whose keys are in a PKCS#11 token (SoftHSM2, its own, in a directory
# of this test): the same commands, the demonstration, and what goes wrong.
#
#	JIAOZI=PROGRAM test/cli/token.sh
#
# Prints a line for each part and for each case that fails.
#
# shellcheck disable=SC2086 # $P: options
set -eu

. "$(dirname "$0")/lib.sh"
export JIAOZI

MODULE=${JIAOZI_SOFTHSM:-/usr/lib/softhsm/libsofthsm2.so}
if ! command -v softhsm2-util >/dev/null 2>&1 || [ ! -e "$MODULE" ]; then
	echo 'skipped: no SoftHSM2 (Debian: softhsm2)'
	exit 77
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-token.XXXXXX")
trap 'cd /; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

# conf NAME: a store of tokens of its own.
conf() {
	mkdir "$1"
	printf '%s\n' "directories.tokendir = $dir/$1" \
		'objectstore.backend = file' 'log.level = ERROR' >"$1.conf"
}
conf tokens
conf empty
SOFTHSM2_CONF=$dir/tokens.conf
# What the demonstration takes for the bank's passphrase, too.
BANK=${CANARY_BANK:-the bank keeps this secret}
WRONG=${CANARY_WRONG:-wrong horse}
PIN=${CANARY_PIN:-123456}
LC_ALL=C
export SOFTHSM2_CONF BANK WRONG PIN LC_ALL
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE JIAOZI_AUTHORITIES
softhsm2-util --init-token --free --label bank --so-pin 12345678 \
	--pin "$BANK" >out 2>&1 || {
	cat out
	echo 'softhsm2-util made no token'
	exit 1
}
URI="pkcs11:token=bank?module-path=$MODULE"

# objects: what the token holds.
objects() {
	pkcs11-tool --module "$MODULE" --token-label bank -l --pin "$BANK" \
		-O 2>/dev/null
}

P='--passphrase env:BANK'

part 'founding'

for uri in pkcs11: pkcs11:token= token=bank "pkcs11:object=x" "$URI&x=y" \
	'pkcs11:token=bank?pin-value=1' 'pkcs11:token=%0' \
	'pkcs11:token=123456789012345678901234567890123'; do
	want 2 issuer init bank $P --token "$uri"
done
want 4 issuer init bank --passphrase env:WRONG --token "$URI"
complains 'wrong token PIN'
want 4 issuer init bank $P --token "pkcs11:token=nobody?module-path=$MODULE"
complains 'no token of that name'
want 4 issuer init bank $P --token pkcs11:token=bank?module-path=/nowhere.so
complains 'PKCS#11 module'
want 2 issuer init bank $P --suite gm --token "$URI"
complains 'suite nist alone'
want 2 issuer init bank $P --suite gm --token "$URI" --lang zh
complains '不支持 gm'
[ ! -e bank ] || wrong 'a refused issuer was made'
if command -v pkcs11-tool >/dev/null 2>&1; then
	[ -z "$(objects)" ] || wrong 'a refused issuer left keys in the token'
fi
want 0 issuer init bank $P --token "$URI"
want 11 issuer init bank $P --token "$URI"
want 0 issuer keys bank $P
says 'pkcs11:ca-1'
for key in root ca host; do
	[ ! -e bank/keys/$key.key ] || wrong "$key.key is in a file"
done
if command -v pkcs11-tool >/dev/null 2>&1; then
	objects >out
	[ "$(grep -c 'never extractable' out)" -eq 4 ] ||
		wrong 'not four keys that cannot be taken out'
fi

part 'the same commands'

want 0 issuer account-open bank alice $P
want 0 issuer account-open bank bob $P
want 0 issuer deposit bank alice 500 $P
for name in alice bob; do
	want 0 card create $name.card
	want 0 card personalise --card virtual:$name.card --issuer bank $P \
		--account $name --pin env:PIN
done
load() {
	want 0 load --card virtual:alice.card --issuer bank $P --amount 10 \
		--pin env:PIN
}
settle() {
	for name in alice bob; do
		want 0 settle --card virtual:$name.card --issuer bank $P
	done
	want 0 issuer books bank $P
}
load
want 0 pay --payer virtual:alice.card --payee virtual:bob.card --amount 1 \
	--pin env:PIN
want 0 issuer key roll bank ca $P
want 0 issuer key roll bank host $P
want 0 issuer key roll bank admin $P
want 0 issuer keys bank $P
says 'pkcs11:host-3'
load
settle
want 0 card put-key 02 --new-keys issuer --card virtual:alice.card \
	--issuer bank $P
if command -v pkcs11-tool >/dev/null 2>&1; then
	objects >out
	if grep -q 'ca-1\|host-1\|host-2' out; then
		wrong 'a rolled key is still in the token'
	fi
fi

# The PIN seals no file: a thief of it could try PINs where no token counts.
want 0 card esign --card virtual:bob.card --issuer bank $P --account bob \
	--pin env:PIN
want 4 issuer seed show bank/keys/esign.key $P
complains 'wrong passphrase'

part 'what goes wrong'

want 4 issuer books bank --passphrase env:WRONG
complains 'wrong token PIN'
SOFTHSM2_CONF=$dir/empty.conf
want 4 issuer books bank $P
complains 'no token of that name'
SOFTHSM2_CONF=$dir/tokens.conf
cp bank/keys/token kept
sed 's,module-path=.*,module-path=/nowhere.so,' kept >bank/keys/token
want 4 issuer books bank $P
complains 'PKCS#11 module'
echo nonsense >bank/keys/token
want 4 issuer books bank $P
complains 'damaged'
# Another issuer's keys are not ours, and without "token" there are none.
sed 's,^jiaozi-.*,jiaozi-00000000/,' kept >bank/keys/token
want 4 issuer books bank $P
complains 'does not have the key'
rm bank/keys/token
want 10 issuer books bank $P
cp kept bank/keys/token
want 0 issuer books bank $P
if command -v pkcs11-tool >/dev/null 2>&1; then
	name="$(sed -n 2p kept)host-3"
	# The same name, and another key.
	for type in privkey pubkey; do
		pkcs11-tool --module "$MODULE" --token-label bank -l \
			--pin "$BANK" --delete-object --type $type \
			--label "$name" >out 2>&1 || wrong 'no deletion'
	done
	want 4 issuer books bank $P
	complains 'does not have the key'
	pkcs11-tool --module "$MODULE" --token-label bank -l --pin "$BANK" \
		--keypairgen --key-type EC:prime256v1 --label "$name" \
		>out 2>&1 || wrong 'no key pair'
	want 4 issuer books bank $P
	complains 'does not have the key'
else
	echo 'skipped: no pkcs11-tool to take a key away with'
fi
want 4 issuer books bank --passphrase env:WRONG --lang zh
complains '令牌 PIN 错误'

part 'the demonstration'

cases=$((cases + 1))
TOKEN=$URI READERS=virtual "$here/test/demo/demo.sh" >out 2>err ||
	wrong 'the demonstration failed'

finish
