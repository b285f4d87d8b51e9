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

here=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$here/build/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-batch.XXXXXX")
cleanup() {
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK='correct horse'
MAIL='sealed letters'
LC_ALL=C
PCSCLITE_CSOCK_NAME=$dir/no-daemon
export BANK MAIL LC_ALL PCSCLITE_CSOCK_NAME
unset JIAOZI_READER JIAOZI_ISSUER JIAOZI_TRACE

failed=0
part=
before=0

part() {
	if [ -n "$part" ]; then
		if [ "$failed" -eq "$before" ]; then
			printf 'ok %s\n' "$part"
		else
			printf 'not ok %s\n' "$part"
		fi
	fi
	part=$1
	before=$failed
}

bad() {
	printf '  %s: %s\n' "$part" "$*"
	failed=$((failed + 1))
}

# The exit code must be the first word's.
expect() {
	want=$1
	shift
	code=0
	"$JIAOZI" "$@" >out 2>err || code=$?
	[ "$code" -eq "$want" ] || {
		bad "exit code $code, not $want: jiaozi $*"
		sed 's/^/    /' err
	}
}

bank='--issuer bank --passphrase env:BANK'
mailer='--mailer pins --mailer-passphrase env:MAIL'

expect 0 issuer init bank --passphrase env:BANK
expect 0 issuer account-open bank li --holder Li --passphrase env:BANK

# shellcheck disable=SC2086 # lists of words
{
	part 'an order, its report and its letters'
	expect 0 card batch cards $bank $mailer --count 20 --report cards.csv
	[ "$(find cards -name '*.card' | wc -l)" -eq 20 ] || bad 'not 20 cards'
	[ "$(wc -l <cards.csv)" -eq 21 ] || bad 'not 21 rows in the report'
	grep -q '^20/20  ' err || bad 'no progress line'
	! grep -q "$(printf '\r')" err || bad 'a bar where no terminal is'
	expect 0 card mailer pins --mailer-passphrase env:MAIL
	[ "$(wc -l <out)" -eq 20 ] || bad 'not 20 letters'
	while read -r number _ pin; do
		card=virtual:cards/$number.card
		PIN=$pin expect 0 card log --card "$card" --pin env:PIN
	done <out
	expect 0 card batch cards $bank $mailer --count 20 --quiet --json
	[ ! -s err ] || bad 'not quiet'
	grep -q '"before": 20' out || bad 'made again'

	part 'what is wrong'
	expect 2 card batch none $bank
	expect 2 card batch none $bank --count 1
	expect 2 card batch none $bank --count 0 $mailer
	expect 2 card batch none $bank --count 1 $mailer --card virtual:x.card
	expect 2 card batch none $bank --count 1 $mailer --jobs many
	expect 2 card batch none $bank --count 1 $mailer --printer cat
	expect 11 card batch none $bank --count 1 $mailer --first 1
	[ ! -e none ] || bad 'something was left of a refused order'
	expect 11 card batch cards $bank --count 21 $mailer
	expect 10 card batch none/deep $bank --count 1 $mailer
	expect 4 card batch none $bank --count 1 --mailer pins \
		--mailer-passphrase env:BANK
	expect 4 card mailer pins --mailer-passphrase env:BANK
	expect 2 card mailer pins --mailer-passphrase env:MAIL --json
	expect 12 card batch printed $bank --count 1 --printer 'cat >/dev/null; exit 1'

	part 'a list'
	printf 'account,holder,pin\nli,Li,271828\nwho,Who,314159\n' >list.csv
	chmod 644 list.csv
	expect 5 card batch listed $bank --list list.csv
	chmod 600 list.csv
	expect 14 card batch listed $bank --list list.csv --report l.jsonl
	grep -q '"account":"who".*NOT_FOUND' l.jsonl || bad 'not in the report'
	! grep -q 271828 l.jsonl listed/batch.jsonl || bad 'a PIN in a report'
	expect 0 issuer account-open bank who --holder Who --passphrase env:BANK
	expect 0 card batch listed $bank --list list.csv
	LC_ALL=zh_CN.UTF-8 expect 0 card batch listed $bank --list list.csv
	grep -q '制成 2 张' out || bad 'no Chinese'

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
	expect 0 card batch torn $bank --mailer torn.pins \
		--mailer-passphrase env:MAIL --count 400
	[ "$tries" -gt 0 ] || bad 'was never killed'
	[ "$(find torn -name '8*.card' | wc -l)" -eq 400 ] ||
		bad 'not 400 cards'
	[ "$(find torn -name '.*.new' | wc -l)" -eq 0 ] || bad 'something left'
	[ ! -e torn/batch.salt ] || bad 'the salt is left'
	expect 0 card mailer torn.pins --mailer-passphrase env:MAIL
	[ "$(cut -f 1 out | sort -u | wc -l)" -eq 400 ] || bad 'not 400 letters'
	numbers=$(cut -f 1 out | sed -n '1p;200p;400p')
	expect 0 issuer books bank --passphrase env:BANK
	for number in $numbers; do
		expect 0 card info --card "virtual:torn/$number.card"
		grep -q '^state *personalised' out || bad "half-made: $number"
	done
	printf '  killed %s times\n' "$tries"
}

part ''
[ "$failed" -eq 0 ] || exit 1
