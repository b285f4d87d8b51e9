#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# batch.sh BUILD/test: `jiaozi card batch --card pcsc:...` makes the cards that
# are put into a reader, one after the other, and goes on after it was killed
# with a card in it.  Through a private PC/SC daemon; 77 when there is none.

set -u

bin=${1:?usage: batch.sh BUILD/test}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
if [ -z "${JIAOZI_VPCD_PORT:-}" ]; then
	exec "$bin/with-pcscd" -- "$0" "$bin"
fi

jiaozi=${JIAOZI:-$bin/../jiaozi}
case $jiaozi in /*) ;; *) jiaozi=$PWD/$jiaozi ;; esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-reader.XXXXXX") || exit 1
card=
batch=
failed=0

end()
{
	if [ -n "$1" ]; then
		kill "-$2" "$1" 2>/dev/null
		wait "$1" 2>/dev/null
	fi
}

clean()
{
	end "$batch" KILL
	end "$card" TERM
	cd /
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP
cd "$dir" || exit 1

BANK=${CANARY_BANK:-correct horse}
MAIL='sealed letters'
LC_ALL=C
export BANK MAIL LC_ALL

bad()
{
	echo "FAILED: $*"
	sed 's/^/    /' err
	failed=$((failed + 1))
}

start()
{
	"$jiaozi" card batch real --issuer bank --passphrase env:BANK \
		--count 3 --mailer pins --mailer-passphrase env:MAIL \
		--card 'pcsc:*00 00' --report real.csv >out 2>err &
	batch=$!
}

# Waits until the line has been said so many times.
said()
{
	tries=0
	until [ "$(grep -c "$1" err)" -ge "$2" ]; do
		tries=$((tries + 1))
		if [ "$tries" -gt 300 ]; then
			bad "not said: $1"
			exit 1
		fi
		sleep 0.1
	done
}

insert()
{
	"$jiaozi" card serve "$1.card" >serve.log 2>&1 &
	card=$!
}

remove()
{
	end "$card" TERM
	card=
}

"$jiaozi" issuer init bank --passphrase env:BANK >out 2>err || bad 'no bank'
for name in one two three; do
	"$jiaozi" card create $name.card >out 2>err || bad "no card $name"
done

start
said 'insert the next card' 1
insert one
said 'made card' 1
remove
said 'insert the next card' 2
end "$batch" KILL
echo 'ok the first card, and killed'

start
said 'insert the next card' 1
insert two
said 'made card' 1
remove
insert three
said 'made card' 2
remove
wait "$batch" || bad "exit code $?"
batch=
grep -q '3 made (1 of them before)' out || bad 'not three cards'
[ "$(grep -c ',done,' real.csv)" -eq 3 ] || bad 'not three in the report'
echo 'ok the others, by another run'

"$jiaozi" card mailer pins --mailer-passphrase env:MAIL >letters 2>err ||
	bad 'no letters'
for name in one two three; do
	number=$("$jiaozi" card info --card virtual:$name.card |
		sed -n 's/^card number *//p')
	PIN=$(sed -n "s/^$number	.*	//p" letters)
	export PIN
	"$jiaozi" card log --card virtual:$name.card --pin env:PIN \
		>out 2>err || bad "card $name and its letter"
done
echo 'ok every card has its letter'
[ "$failed" -eq 0 ]
