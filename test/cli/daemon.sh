#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `jiaozi issuer serve` and its clients by the built command: from account to
# card over TLS, what is said when the network fails, resuming, a graceful end,
# and a log in which no secret is.
#
#	JIAOZI=PROGRAM test/cli/daemon.sh
#
# shellcheck disable=SC2086 # $P, $B: options
set -eu

. "$(dirname "$0")/lib.sh"

command -v openssl >/dev/null 2>&1 || {
	echo 'skipped: no openssl to make a key for TLS'
	exit 77
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-daemon.XXXXXX")
daemon=
cleanup() {
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || :
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK='a passphrase of the bank'
PIN=314159
BAD_PIN=271828
SHORT=short
LC_ALL=C
export BANK PIN BAD_PIN SHORT LC_ALL
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE
P='--passphrase env:BANK'

start() { # sets port, daemon
	: >serve.out
	"$JIAOZI" issuer serve bank --listen "127.0.0.1:${port:-0}" \
		--certificate server.pem --certificate-key server.key $P \
		>serve.out 2>>serve.log &
	daemon=$!
	tries=0
	until grep -q ' port [0-9]*;' serve.out; do
		tries=$((tries + 1))
		if [ $tries -gt 400 ] || ! kill -0 $daemon 2>/dev/null; then
			cat serve.log
			echo 'the daemon does not start'
			exit 1
		fi
		sleep 0.05
	done
	port=$(sed -n 's/.* port \([0-9]*\);.*/\1/p' serve.out)
	B="--card virtual:a.card --issuer https://localhost:$port --ca root.pem"
}

# stop SIGNAL EXIT
stop() {
	kill "-$1" $daemon
	got=0
	wait $daemon 2>/dev/null || got=$?
	[ $got -eq "$2" ] || wrong "the daemon ended with $got, not $2"
	daemon=
}

part 'set up'
want 0 issuer init bank $P
want 0 issuer account-open bank alice --holder Alice $P
want 0 issuer deposit bank alice 500 $P
want 0 card create a.card
want 0 card personalise --card virtual:a.card --issuer bank $P \
	--account alice --holder Alice --pin env:PIN
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout server.key -subj /CN=localhost -out server.csr 2>/dev/null
want 0 issuer x509 bank server.csr --role server --host localhost \
	--out server.pem $P
want 0 issuer x509 bank --out root.pem $P

part 'what it does not start with'
want 2 issuer serve bank $P
want 2 issuer serve bank --listen nowhere --certificate server.pem \
	--certificate-key server.key $P
want 2 issuer serve bank --listen 127.0.0.1:70000 --certificate server.pem \
	--certificate-key server.key $P
want 10 issuer serve bank --certificate none.pem --certificate-key server.key \
	--listen 127.0.0.1:0 $P
want 4 issuer serve bank --certificate server.key --certificate-key server.pem \
	--listen 127.0.0.1:0 $P

part 'from account to card'
start
want 0 load $B --amount 100 --pin env:PIN
says '+100.00, the card holds 100.00 CNY'
want 0 load --resume $B
says 'no load was cut off'
want 0 load --cancel $B
says 'nothing to cancel'
want 0 settle $B
says 'records 1, batches 1'
want 7 load $B --amount 400.01 --pin env:PIN
complains 'not enough money'
want 6 load $B --amount 1 --pin env:BAD_PIN

part 'who is not the bank'
want 8 load --card virtual:a.card --issuer "https://127.0.0.1:$port" \
	--ca root.pem --amount 1 --pin env:PIN
complains "is not the issuer's"
want 8 load --card virtual:a.card --issuer "https://localhost:$port" \
	--amount 1 --pin env:PIN
want 2 load --card virtual:a.card --issuer "http://localhost:$port" \
	--amount 1 --pin env:PIN
want 2 load --card virtual:a.card --issuer "https://localhost:$port/x" \
	--amount 1 --pin env:PIN
want 2 load --resume $B --amount 1
want 2 load --resume --cancel $B

part 'from card to account'
want 0 unload $B --amount 30 --pin env:PIN
says '30.00 CNY to the account, the card holds 70.00 CNY'
want 0 unload --resume $B
says 'no unload was cut off'
want 9 unload $B --amount 70.01 --pin env:PIN
want 6 unload $B --amount 1 --pin env:BAD_PIN
want 0 load $B --amount 30 --pin env:PIN

part 'a card in the place of another'
want 0 card create old.card
want 0 card personalise --card virtual:old.card --issuer bank $P \
	--account alice --holder Alice --pin env:PIN
O=${B#--card virtual:a.card}
R="--card virtual:old.card --new-card virtual:a.card --pin env:PIN \
	--new-pin env:PIN $O"
want 7 card replace $R
complains 'zero'
want 0 load --card virtual:old.card $O --amount 7 --pin env:PIN
want 0 card replace $R
says '7.00 CNY moved, the new card holds 107.00 CNY'
want 0 card replace $R --json
says '"moved_minor": 700'
want 7 load --card virtual:old.card $O --amount 7 --pin env:PIN
complains 'revoked'
want 0 unload $B --amount 7 --pin env:PIN

part 'nobody there'
stop TERM 0
want 15 load $B --amount 5 --pin env:PIN --timeout 1
complains 'jiaozi load --resume'
want 15 load --resume $B --timeout 1 --lang zh
complains '无法连接发卡行'
want 15 unload $B --amount 5 --pin env:PIN --timeout 1
want 15 unload --resume $B --timeout 1 --lang zh
complains '无法连接发卡行'
start
want 0 load --resume $B
says 'no load was cut off'
want 0 unload --resume $B
says 'no unload was cut off'
want 0 load $B --amount 5 --pin env:PIN --json
says '"balance_minor": 10500'
stop INT 0

part 'accounts'
ALICE='open sesame'
export ALICE
want 0 issuer account-password bank alice --password env:ALICE $P
want 10 issuer account-password bank nobody --password env:ALICE $P
want 2 issuer account-password bank alice --password env:SHORT $P
start
Q="--issuer https://localhost:$port --ca root.pem"
want 0 account alice $Q --password env:ALICE
says 'the account holds'
says '500.00 CNY  deposit'
want 0 account alice --issuer bank $P --password env:ALICE --json
says '"balance_minor":'
WRONG='open barley'
export WRONG
want 7 account alice $Q --password env:WRONG
complains 'password'
want 7 account nobody $Q --password env:ALICE
want 7 account alice $Q --password env:WRONG
want 7 account alice $Q --password env:WRONG
want 7 account alice $Q --password env:WRONG
want 7 account alice $Q --password env:WRONG
want 7 account alice $Q --password env:ALICE --lang zh
complains '锁定'
want 0 issuer account-password bank alice --password env:ALICE $P
want 0 account alice $Q --password env:ALICE
want 0 issuer account-block bank alice $P
want 7 load $B --amount 1 --pin env:PIN
complains 'the account is blocked'
want 7 unload $B --amount 1 --pin env:PIN
complains 'the account is blocked'
want 0 issuer account-unblock bank alice $P
want 0 load $B --amount 1 --pin env:PIN
want 10 issuer account-block bank nobody $P
want 0 issuer account-statement bank alice $P
says '500.00 CNY  deposit'
says '-100.00 CNY  load permitted    CN00000000100001:1'
stop TERM 0

part 'the log'
for secret in "$BANK" "$PIN" "$ALICE" "$WRONG" 6f70656e 'PRIVATE KEY' \
	ff41 ff45 ff47 7f4e; do
	if grep -qiF -- "$secret" serve.log serve.out; then
		wrong "the log holds: $secret"
	fi
done
grep -q '"path":"/v1/load/permit","status":402' serve.log ||
	wrong 'the log lacks the refused load'
grep -q '"event":"stopped"' serve.log || wrong 'the log lacks the end'
if grep -v '^{.*}$' serve.log; then
	wrong 'a line of the log is no JSON object'
fi
want 0 issuer books bank $P
says 'the books balance'
finish
