#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `jiaozi card batch`: many cards in good and bad use, killed at any moment and
# run again, and that the cards then work.
#
#	JIAOZI=PROGRAM test/cli/batch.sh
#
# Prints a line for each part and for each case that fails.
set -eu

. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-batch.XXXXXX")
cleanup() {
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK=${CANARY_BANK:-correct horse}
MAIL='sealed letters'
LC_ALL=C
PCSCLITE_CSOCK_NAME=$dir/no-daemon
export BANK MAIL LC_ALL PCSCLITE_CSOCK_NAME
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE

bank='--issuer bank --passphrase env:BANK'
mailer='--mailer pins --mailer-passphrase env:MAIL'

want 0 issuer init bank --passphrase env:BANK
want 0 issuer account-open bank li --holder Li --passphrase env:BANK

# shellcheck disable=SC2086 # lists of words
{
	part 'an order, its report and its letters'
	want 0 card batch cards $bank $mailer --count 20 --report cards.csv
	[ "$(find cards -name '*.card' | wc -l)" -eq 20 ] || wrong 'not 20 cards'
	[ "$(wc -l <cards.csv)" -eq 21 ] || wrong 'not 21 rows in the report'
	grep -q '^20/20  ' err || wrong 'no progress line'
	! grep -q "$(printf '\r')" err || wrong 'a bar where no terminal is'
	want 0 card mailer pins --mailer-passphrase env:MAIL
	[ "$(wc -l <out)" -eq 20 ] || wrong 'not 20 letters'
	while read -r number _ pin; do
		card=virtual:cards/$number.card
		PIN=$pin want 0 card log --card "$card" --pin env:PIN
	done <out
	want 0 card batch cards $bank $mailer --count 20 --quiet --json
	[ ! -s err ] || wrong 'not quiet'
	grep -q '"before": 20' out || wrong 'made again'

	part 'what is wrong'
	want 2 card batch none $bank
	want 2 card batch none $bank --count 1
	want 2 card batch none $bank --count 0 $mailer
	want 2 card batch none $bank --count 1 $mailer --card virtual:x.card
	want 2 card batch none $bank --count 1 $mailer --jobs many
	want 2 card batch none $bank --count 1 $mailer --printer cat
	want 11 card batch none $bank --count 1 $mailer --first 1
	[ ! -e none ] || wrong 'something was left of a refused order'
	want 11 card batch cards $bank --count 21 $mailer
	want 10 card batch none/deep $bank --count 1 $mailer
	want 4 card batch none $bank --count 1 --mailer pins \
		--mailer-passphrase env:BANK
	want 4 card mailer pins --mailer-passphrase env:BANK
	want 2 card mailer pins --mailer-passphrase env:MAIL --json
	want 12 card batch printed $bank --count 1 --printer 'cat >/dev/null; exit 1'

	part 'a list'
	printf 'account,holder,pin\nli,Li,271828\nwho,Who,314159\n' >list.csv
	chmod 644 list.csv
	want 5 card batch listed $bank --list list.csv
	chmod 600 list.csv
	want 14 card batch listed $bank --list list.csv --report l.jsonl
	grep -q '"account":"who".*NOT_FOUND' l.jsonl || wrong 'not in the report'
	! grep -q 271828 l.jsonl listed/batch.jsonl || wrong 'a PIN in a report'
	want 0 issuer account-open bank who --holder Who --passphrase env:BANK
	want 0 card batch listed $bank --list list.csv
	LC_ALL=zh_CN.UTF-8 want 0 card batch listed $bank --list list.csv
	grep -q '制成 2 张' out || wrong 'no Chinese'

	part 'killed at any moment'
	tries=0
	for delay in 0.15 0.3 0.45 0.6 0.7 0.8 1.0; do
		"$JIAOZI" card batch torn $bank --mailer torn.pins \
			--mailer-passphrase env:MAIL --count 400 --quiet \
			--jobs 2 >out 2>err &
		pid=$!
		sleep "$delay"
		kill -KILL "$pid" 2>/dev/null || :
		code=0
		wait "$pid" 2>/dev/null || code=$?
		[ "$code" -ne 0 ] || break
		tries=$((tries + 1))
	done
	want 0 card batch torn $bank --mailer torn.pins \
		--mailer-passphrase env:MAIL --count 400
	[ "$tries" -gt 0 ] || wrong 'was never killed'
	[ "$(find torn -name '8*.card' | wc -l)" -eq 400 ] ||
		wrong 'not 400 cards'
	[ "$(find torn -name '.*.new' | wc -l)" -eq 0 ] || wrong 'something left'
	[ ! -e torn/batch.salt ] || wrong 'the salt is left'
	want 0 card mailer torn.pins --mailer-passphrase env:MAIL
	[ "$(cut -f 1 out | sort -u | wc -l)" -eq 400 ] || wrong 'not 400 letters'
	numbers=$(cut -f 1 out | sed -n '1p;200p;400p')
	want 0 issuer books bank --passphrase env:BANK
	for number in $numbers; do
		want 0 card info --card "virtual:torn/$number.card"
		grep -q '^state *personalised' out || wrong "half-made: $number"
	done
	printf '  killed %s times\n' "$tries"
}

finish
