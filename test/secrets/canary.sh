#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Secrets stay where they belong.  Runs the command in good and bad use with
# PINs, passphrases and keys that are known, every APDU traced, and looks for
# them in all that it writes: output, errors, traces, reports, databases, card
# files.  Each process ends in a core file after its last exit handler, and what
# it has given back must be gone from there, too.
#
#	JIAOZI=PROGRAM BUILD=DIR test/secrets/canary.sh [HELPERS]
#
# Prints a line for each part, and where a secret was found.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$here/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
JIAOZI=${JIAOZI:-$BUILD/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac
helpers=${1:-$BUILD/test}
case $helpers in /*) ;; *) helpers=$PWD/$helpers ;; esac

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-canary.XXXXXX")
cleanup() {
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
# What is written, beside the places where secrets belong.
mkdir "$dir/own" "$dir/seen" "$dir/cores"
cd "$dir/seen"
own=$dir/own

LC_ALL=C
PCSCLITE_CSOCK_NAME=$dir/no-daemon
JIAOZI_TRACE=$dir/seen/apdu.trace
export LC_ALL PCSCLITE_CSOCK_NAME JIAOZI_TRACE
unset JIAOZI_READER JIAOZI_ISSUER

# ---- the secrets ------------------------------------------------------------

bank_pass='canary of the bank 5d1f'
mail_pass='canary of the letters 90c2'
card_pass='canary of a card 77ab'
wrong_pass='canary of nobody 31fe'
pin=739154286053
list_pin=640817359206
wrong_pin=285906413728
bad_pin=48261a957304
new_key=9d31c76be2504fa88816b03cd5e97a24
new_key=$new_key$(printf '%s' "$new_key" | rev)b7640e93fd125ac8e1702b9f5683dc4a

printf '%s\n' "$bank_pass" >"$own/bank"
printf '%s\n' "$mail_pass" >"$own/mail"
printf '%s\n' "$card_pass" >"$own/card"
printf '%s\n' "$wrong_pass" >"$own/wrong"
printf '%s\n' "$pin" >"$own/pin"
printf '%s\n' "$wrong_pin" >"$own/wrong-pin"
printf '%s\n' "$bad_pin" >"$own/bad-pin"
printf '%s\n' "$new_key" >"$own/new-keys"

hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }

text_secret() { printf '%s %s\n' "$1" "$(hex "$2")" >>"$own/secrets"; }
key_secret() { printf '%s %s\n' "$1" "$2" >>"$own/secrets"; }

text_secret bank-passphrase "$bank_pass"
text_secret mailer-passphrase "$mail_pass"
text_secret card-passphrase "$card_pass"
text_secret wrong-passphrase "$wrong_pass"
text_secret pin "$pin"
text_secret list-pin "$list_pin"
text_secret wrong-pin "$wrong_pin"
text_secret bad-pin "$bad_pin"
key_secret new-key-enc "$(printf '%s' "$new_key" | cut -c 1-32)"
key_secret new-key-mac "$(printf '%s' "$new_key" | cut -c 33-64)"
key_secret new-key-dek "$(printf '%s' "$new_key" | cut -c 65-96)"

# ---- whether this machine makes core files ----------------------------------

cores=yes
preload=$helpers/end-in-core.so
no_cores() {
	cores=
	printf 'skipped: core files: %s\n' "$1"
}
case $(cat /proc/sys/kernel/core_pattern 2>/dev/null) in
'' | '|'* | */*) no_cores 'they do not go to the working directory' ;;
*)
	[ -e "$preload" ] || no_cores "no $preload"
	# shellcheck disable=SC3045 # dash and bash have it
	ulimit -c unlimited 2>/dev/null || no_cores 'the limit does not allow any'
	;;
esac
if [ -n "$cores" ]; then
	cd "$dir/cores"
	LD_PRELOAD=$preload "$JIAOZI" version >/dev/null 2>"$own/preload" || :
	cd "$dir/seen"
	set -- "$dir"/cores/core*
	[ -s "$1" ] || no_cores 'none came'
	rm -f "$dir"/cores/core*
fi

# ---- runs -------------------------------------------------------------------

n=0
failed=0

# Runs the command; what it says goes to files of its own.
run() {
	want=$1
	shift
	n=$((n + 1))
	if [ -n "$cores" ]; then
		LD_PRELOAD=$preload "$JIAOZI" "$@" >"$n.out" 2>"$n.err" || :
		for core in core*; do
			[ -e "$core" ] && mv "$core" "$dir/cores/$n.core"
		done
		[ -s "$dir/cores/$n.core" ] || want="a core file"
	else
		"$JIAOZI" "$@" >"$n.out" 2>"$n.err" || :
	fi
	# The exit code is that of the end by SIGABRT.
	said=ok
	! grep -q '^jiaozi: ' "$n.err" || said=bad
	if [ "$want" != "$said" ]; then
		printf 'not ok: jiaozi %s\n' "$*"
		cat "$n.err"
		failed=$((failed + 1))
	fi
	printf '%s: %s\n' "$n" "$*" >>"$own/runs"
}

# The core files of a part, when all of its secrets are known.
look_in_cores() {
	set -- "$dir"/cores/*.core
	[ -e "$1" ] || return 0
	if ! "$helpers/find-secrets" "$own/secrets" "$@" \
		>"$own/found"; then
		sed "s,^$dir/cores/,    ," "$own/found"
		sed "s,^$dir/cores/,," "$own/found" | cut -d . -f 1 |
			sort -nu | while read -r run; do
			sed -n "s/^$run: /  $run.core: jiaozi /p" "$own/runs"
		done
		failed=$((failed + $(wc -l <"$own/found")))
	fi
	rm -f "$@"
}

part() {
	look_in_cores
	if [ "$failed" -eq "${before:-0}" ]; then
		printf 'ok %s\n' "$1"
	else
		printf 'not ok %s\n' "$1"
	fi
	before=$failed
}

bank="--issuer bank --passphrase file:$own/bank"
# shellcheck disable=SC2086 # lists of words
story() {
	run ok issuer init bank --passphrase "file:$own/bank"
	"$helpers/show-keys" bank "$bank_pass" >>"$own/secrets"
	run ok issuer account-open bank alice --holder Alice \
		--passphrase "file:$own/bank"
	run ok issuer account-open bank bob --holder Bob \
		--passphrase "file:$own/bank" --json
	run ok issuer deposit bank alice 500.00 --passphrase "file:$own/bank"
	run ok card create alice.card --trace --key "$own/alice.key"
	run ok card create bob.card --passphrase "file:$own/card"
	key_secret alice-seal-key "$(cat "$own/alice.key")"
	alice="virtual:alice.card?key=$own/alice.key"
	bob="virtual:bob.card?passphrase=file:$own/card"
	run ok card personalise --card "$alice" $bank --account alice \
		--holder Alice --pin "file:$own/pin" --trace
	run ok card personalise --card "$bob" $bank --account bob \
		--holder Bob --pin "file:$own/pin" --json
	run ok load --card "$alice" $bank --amount 100.00 \
		--pin "file:$own/pin" --trace
	run ok pay --payer "$alice" --payee "$bob" --amount 25.00 \
		--pin "file:$own/pin" --trace --json
	run ok settle --card "$alice" $bank --trace
	run ok settle --card "$bob" $bank
	run ok card log --card "$alice" --pin "file:$own/pin" --trace
	run ok card info --card "$alice" --trace
	run ok issuer books bank --passphrase "file:$own/bank" --json
	run ok issuer statement bank --passphrase "file:$own/bank"
}

# shellcheck disable=SC2086
errors() {
	run bad card log --card "$alice" --pin "file:$own/wrong-pin" --trace
	run bad card log --card "$alice" --pin "file:$own/bad-pin" --json
	run bad load --card "$alice" $bank --amount 1.00 \
		--pin "file:$own/wrong-pin" --trace
	run bad pay --payer "$alice" --payee "$bob" --amount 99999.00 \
		--pin "file:$own/pin" --trace
	run bad card info --card "virtual:bob.card?passphrase=file:$own/wrong"
	run bad issuer books bank --passphrase "file:$own/wrong" --json
	run bad issuer init bank --passphrase "file:$own/wrong"
	run bad card personalise --card "$alice" $bank --account alice \
		--pin "file:$own/pin" --trace
	run bad card personalise --card "$alice" $bank --account nobody \
		--pin "file:$own/bad-pin"
	run bad load --card "$alice" --issuer nowhere --amount 1.00 \
		--passphrase "file:$own/bank" --pin "file:$own/pin"
	printf 'cut' >damaged.card
	run bad card info --card "virtual:damaged.card?key=$own/alice.key"
}

# shellcheck disable=SC2086
administration() {
	run ok card apps --card "$alice" $bank --trace
	run ok card put-key 02 --card "$alice" $bank --add \
		--new-keys "file:$own/new-keys" --trace
	run ok card apps --card "$alice" --keys "file:$own/new-keys" \
		--key-version 02 --trace
	run bad card apps --card "$bob" --keys "file:$own/new-keys" --trace
	run ok card keys --card "$alice" --json
}

# shellcheck disable=SC2086
batch() {
	printf 'account,pin\nalice,%s\nbob,%s\nnobody,%s\n' "$list_pin" \
		"$list_pin" "$list_pin" >"$own/list.csv"
	chmod 600 "$own/list.csv"
	run bad card batch listed $bank --list "$own/list.csv" \
		--report listed.csv --jobs 2
	run ok card batch drawn $bank --count 3 --mailer drawn.pins \
		--mailer-passphrase "file:$own/mail" --report drawn.jsonl --trace
	# What is told a printer belongs to the printer.
	"$JIAOZI" card mailer drawn.pins --mailer-passphrase "file:$own/mail" \
		>"$own/letters"
	[ "$(wc -l <"$own/letters")" -eq 3 ] || failed=$((failed + 1))
	while read -r _ holder letter; do
		text_secret drawn-pin "$(printf '%s\t%s' "$holder" "$letter")"
		# Six digits alone may stand anywhere by chance.
		key_secret drawn-pin-alone "00$(hex "$letter")00"
	done <"$own/letters"
	run ok card batch printed $bank --count 2 \
		--printer "cat >$own/printed" --json
	run bad card batch drawn $bank --count 3 --mailer drawn.pins \
		--mailer-passphrase "file:$own/wrong"
	mv "$dir"/seen/listed/*.key "$dir"/seen/drawn/*.key \
		"$dir"/seen/printed/*.key "$own"
	for key in "$own"/8*.key; do
		key_secret "seal-key-of-${key##*/}" "$(cat "$key")"
	done
}

story
part 'a payment from the bank to the bank'
errors
part 'wrong PINs, passphrases and files'
administration
part 'keys put on a card'
batch
part 'many cards'

# ---- all that was written -----------------------------------------------------

find . -type f >"$own/files"
tr '\n' '\0' <"$own/files" | xargs -0 "$helpers/find-secrets" \
	"$own/secrets" || failed=$((failed + 1))
part "$(wc -l <"$own/files") files that were written"
grep -c '' apdu.trace >/dev/null || {
	echo 'not ok: nothing was traced'
	failed=$((failed + 1))
}

# A PIN in the environment stands in the core file: cores are looked through.
if [ -n "$cores" ]; then
	n=$((n + 1))
	PIN=$pin LD_PRELOAD=$preload "$JIAOZI" card log --card "$alice" \
		--pin env:PIN >"$n.out" 2>"$n.err" || :
	if "$helpers/find-secrets" "$own/secrets" core* \
		>/dev/null; then
		echo 'not ok: a PIN of the environment was not found'
		failed=$((failed + 1))
	fi
	rm -f core*
fi

# Ended in the middle, with the PIN read and the passphrase awaited.
if [ -n "$cores" ]; then
	mkfifo "$own/pipe"
	"$JIAOZI" load --card "$alice" --issuer bank --amount 1.00 \
		--passphrase "file:$own/pipe" --pin "file:$own/pin" \
		>ended.out 2>&1 &
	pid=$!
	sleep 0.5
	kill -ABRT "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq 134 ] || {
		printf 'not ok: ended with %s, not by SIGABRT\n' "$code"
		failed=$((failed + 1))
	}
	for core in core*; do
		[ ! -e "$core" ] || {
			echo 'not ok: a core file of a command in the middle'
			failed=$((failed + 1))
			rm -f "$core"
		}
	done
fi

# A search that finds nothing must be able to find something.
printf '%s' "$pin" >"$own/planted"
printf '%s' "$pin" | base64 >>"$own/planted"
if "$helpers/find-secrets" "$own/secrets" "$own/planted" \
	>/dev/null; then
	echo 'not ok: a planted secret was not found'
	failed=$((failed + 1))
fi

[ "$failed" -eq 0 ] || {
	printf '%s secrets got out\n' "$failed"
	exit 1
}
printf '%s runs, %s secrets, none got out%s\n' "$n" \
	"$(wc -l <"$own/secrets")" "${cores:+, core files included}"
