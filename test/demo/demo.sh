#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The whole story: a bank, two customers, two cards, one offline payment.
# After each step: who holds what, and the proof that no money appeared or
# disappeared.  Exits with 1 when a sum is off.
#
#	READERS=virtual   cards in this process's reach (the default)
#	READERS=pcsc      cards behind a private PC/SC daemon
#	PROTOCOL=T=0      T=0 cards
#	SUITE=gm          bank and cards of SM2, SM3 and SM4
#	JIAOZI=PROGRAM    BUILD=DIR   what to run, and where helpers are
#
# Chinese when LC_ALL, LC_MESSAGES or LANG says so.  Leaves nothing behind.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$here/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
JIAOZI=${JIAOZI:-$BUILD/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac
READERS=${READERS:-virtual}

zh=
for locale in "${LC_ALL:-}" "${LC_MESSAGES:-}" "${LANG:-}"; do
	[ -n "$locale" ] || continue
	case $locale in zh*) zh=yes ;; esac
	break
done

# One of two texts.
t() {
	if [ -n "$zh" ]; then printf '%s' "$2"; else printf '%s' "$1"; fi
}

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

[ -x "$JIAOZI" ] || die "$(t "no program $JIAOZI: run make" \
	"没有程序 $JIAOZI，请先运行 make")"
case $READERS in
virtual) ;;
pcsc)
	if [ -z "${DEMO_INSIDE:-}" ]; then
		with=$BUILD/test/with-pcscd
		[ -x "$with" ] || die "$(t "no $with: run make tests" \
			"没有 $with，请先运行 make tests")"
		DEMO_INSIDE=yes JIAOZI=$JIAOZI BUILD=$BUILD READERS=pcsc \
			exec "$with" -- "$0"
	fi
	;;
*) die "$(t "READERS is virtual or pcsc, not $READERS" \
	"READERS 只能是 virtual 或 pcsc，不能是 $READERS")" ;;
esac

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-demo.XXXXXX")
server=
daemon=

cleanup() {
	for p in $server $daemon; do
		kill "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
	done
	cd /
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

# Secrets come from the environment, never from the command line.
BANK=${CANARY_BANK:-the bank keeps this secret}
ALICE_PIN=${CANARY_PIN:-123456}
BOB_PIN=${CANARY_PIN_2:-654321}
export BANK ALICE_PIN BOB_PIN
unset JIAOZI_READER JIAOZI_ISSUER

alice=virtual:alice.card
bob=virtual:bob.card
brought_in=0 # by customers, in minor units: what every sum must be

title() {
	printf '\n== %s\n' "$(t "$1" "$2")"
}

# Shows a command, in lines of a terminal's width, then what it says.
run() {
	line=' $ jiaozi'
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_.:/=@%+,-]*) word="'$word'" ;;
		esac
		if [ $((${#line} + ${#word})) -gt 72 ]; then
			printf '  %s \\\n' "$line"
			line="      "
		fi
		line="$line $word"
	done
	printf '  %s\n' "$line"
	said=$("$JIAOZI" "$@") || die "$（t 'the command failed' '命令失败'）"
	printf '%s\n' "$said" | sed 's/^/     /'
}

# The number after "KEY": in JSON of one line; $2 is what stands before it.
number() {
	n=$(printf '%s\n' "$1" | sed -n "s/.*$2: \\(-\\{0,1\\}[0-9][0-9]*\\).*/\\1/p")
	printf '%s' "${n:-0}"
}

money() {
	m=$1 sign=
	if [ "$m" -lt 0 ]; then m=$((0 - m)) sign=-; fi
	printf '%s%d.%02d' "$sign" $((m / 100)) $((m % 100))
}

row() { # label, books, really
	if [ "$3" = - ]; then
		printf '   %s %12s %12s\n' "$1" "$(money "$2")" '-'
	else
		printf '   %s %12s %12s\n' "$1" "$(money "$2")" "$(money "$3")"
	fi
}

own_balance() {
	if [ -e "$1.card" ]; then
		json=$("$JIAOZI" card balance --card "$2" --json) ||
			die "$(t "$1's card does not answer" "$1 的卡没有应答")"
		number "$json" '"balance_minor"'
	else
		printf 0
	fi
}

# An account's balance, or that of the shadow of a card, by its ledger name.
in_ledger() {
	number "$books" "\"name\": \"$1\", \"balance_minor\""
}

holdings() {
	books=$("$JIAOZI" issuer books bank --passphrase env:BANK --json) ||
		die "$（t 'the books do not balance' '账目不平'）"
	a=$(in_ledger account:alice) b=$(in_ledger account:bob)
	sa=$(in_ledger "card:${alice_id:-none}")
	sb=$(in_ledger "card:${bob_id:-none}")
	load=$(number "$books" '"transit_load_minor"')
	pay=$(number "$books" '"transit_payment_minor"')
	ca=$(own_balance alice "$alice") cb=$(own_balance bob "$bob")
	by_books=$((a + b + sa + sb + load + pay))
	really=$((a + b + ca + cb + load))

	if [ -n "$zh" ]; then
		printf '\n   谁持有多少             发卡行账目     实际持有\n'
		row 'Alice 的账户        ' "$a" "$a"
		row 'Bob 的账户          ' "$b" "$b"
		row 'Alice 的卡          ' "$sa" "$ca"
		row 'Bob 的卡            ' "$sb" "$cb"
		row '圈存在途            ' "$load" "$load"
		row '付款在途            ' "$pay" -
		row '合计                ' "$by_books" "$really"
	else
		printf '\n   who holds what            the books       really\n'
		row "Alice's account     " "$a" "$a"
		row "Bob's account       " "$b" "$b"
		row "Alice's card        " "$sa" "$ca"
		row "Bob's card          " "$sb" "$cb"
		row 'loads in transit    ' "$load" "$load"
		row 'payments in transit ' "$pay" -
		row 'sum                 ' "$by_books" "$really"
	fi
	cash=$(number "$books" '"cash_minor"')
	for sum in "$by_books" "$really" "$cash"; do
		[ "$sum" -eq "$brought_in" ] || die "$(t \
			"the sum is off: $(money "$sum") is not $(money $brought_in)" \
			"合计不符：$(money "$sum") 不等于 $(money $brought_in)")"
	done
	printf '   %s\n' "$(t \
		"both sums are the $(money $brought_in) brought in: unchanged" \
		"两个合计都等于存入的 $(money $brought_in):未变")"
}

# Waits until both served cards are in their readers, and takes their names.
wait_for_readers() {
	tries=0
	until list=$("$JIAOZI" reader list 2>/dev/null) &&
		[ "$(printf '%s\n' "$list" | grep -c '^ *ATR ')" -ge 2 ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] ||
			die "$（t 'the cards do not appear' '卡没有出现'）"
		kill -0 "$server" 2>/dev/null ||
			die "$（t 'the card server ended' '卡服务已退出'）"
		sleep 0.1
	done
	alice=$(printf '%s\n' "$list" | sed -n '/^pcsc:/p' | sed -n 1p)
	bob=$(printf '%s\n' "$list" | sed -n '/^pcsc:/p' | sed -n 2p)
}

# A key and a certificate for the bank's server: by the bank's own CA, or, of a
# bank whose certificates no browser reads (gm), by itself.
certify_server() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout server.key -subj /CN=localhost -out server.csr \
		2>openssl.log || die "openssl: $(cat openssl.log)"
	if [ "${SUITE:-nist}" = gm ]; then
		openssl req -x509 -key server.key -subj /CN=localhost -days 2 \
			-addext subjectAltName=DNS:localhost -out root.pem \
			2>openssl.log || die "openssl: $(cat openssl.log)"
		cp root.pem server.pem
		return
	fi
	run issuer x509 bank server.csr --role server --host localhost \
		--out server.pem --passphrase env:BANK
	run issuer x509 bank --out root.pem --passphrase env:BANK
}

# The bank's daemon on a port that is free: sets `bank` to what reaches it.
start_daemon() {
	certify_server
	printf '   $ jiaozi issuer serve bank ... &\n'
	LC_ALL=C "$JIAOZI" issuer serve bank --listen 127.0.0.1:0 \
		--certificate server.pem --certificate-key server.key \
		--passphrase env:BANK --lang en >daemon.out 2>daemon.log &
	daemon=$!
	tries=0
	until port=$(sed -n 's/.* port \([0-9]*\);.*/\1/p' daemon.out) &&
		[ -n "$port" ]; do
		tries=$((tries + 1))
		if [ "$tries" -ge 200 ] || ! kill -0 "$daemon" 2>/dev/null; then
			die "$(t 'the daemon does not start' '服务没有启动')"
		fi
		sleep 0.05
	done
	bank="--issuer https://localhost:$port --ca root.pem"
}

id_of() {
	"$JIAOZI" card info --card "$1" --json |
		sed -n 's/.*"id": "\([^"]*\)".*/\1/p'
}

title '1. A bank, two customers, and the money that they bring' \
	'一、发卡行、两位客户和他们存入的钱'
# shellcheck disable=SC2086 # none, or two words
run issuer init bank --passphrase env:BANK --currency CNY \
	${SUITE:+--suite $SUITE} ${TOKEN:+--token "$TOKEN"}
run issuer account-open bank alice --holder Alice --passphrase env:BANK
run issuer account-open bank bob --holder Bob --passphrase env:BANK
run issuer deposit bank alice 500.00 --passphrase env:BANK
run issuer deposit bank bob 100.00 --passphrase env:BANK
brought_in=60000
holdings

title '2. Two cards: each makes its own key, the bank certifies it' \
	'二、两张卡：各自生成密钥，由发卡行签发证书'
# shellcheck disable=SC2086 # none, or two words
run card create alice.card ${PROTOCOL:+--protocol $PROTOCOL} \
	${SUITE:+--suite $SUITE}
# shellcheck disable=SC2086
run card create bob.card ${PROTOCOL:+--protocol $PROTOCOL} \
	${SUITE:+--suite $SUITE}
if [ "$READERS" = pcsc ]; then
	printf '   $ jiaozi card serve alice.card bob.card &\n'
	"$JIAOZI" card serve alice.card bob.card >serve.log 2>&1 &
	server=$!
	wait_for_readers
fi
run card personalise --card "$alice" --issuer bank --passphrase env:BANK \
	--account alice --holder Alice --pin env:ALICE_PIN
run card personalise --card "$bob" --issuer bank --passphrase env:BANK \
	--account bob --holder Bob --pin env:BOB_PIN
alice_id=$(id_of "$alice")
bob_id=$(id_of "$bob")
holdings

title '3. The bank opens its server; Alice loads 100.00 over TLS' \
	'三、发卡行开启服务；Alice 经 TLS 圈存 100.00'
bank='--issuer bank --passphrase env:BANK'
if command -v openssl >/dev/null 2>&1; then
	start_daemon
else
	echo "   $(t 'no openssl to make a key for TLS: beside the bank' \
		'没有 openssl，改为在发卡行本机圈存')"
fi
# shellcheck disable=SC2086 # options
run load --card "$alice" $bank --amount 100.00 --pin env:ALICE_PIN
holdings

title '4. Alice pays Bob 25.00: no network, no bank' \
	'四、Alice 脱机付给 Bob 25.00:无需网络与发卡行'
run pay --payer "$alice" --payee "$bob" --amount 25.00 --pin env:ALICE_PIN \
	--reference noodles
holdings

title '5. Alice settles: the bank learns what her card paid' \
	'五、Alice 结算：发卡行得知她的卡付了款'
# shellcheck disable=SC2086
run settle --card "$alice" $bank
holdings

title '6. Bob settles: what was in transit is his' \
	'六、Bob 结算：在途款项归他'
# shellcheck disable=SC2086
run settle --card "$bob" $bank
holdings

title '7. Bob unloads: from his card to his account, over TLS' \
	'七、Bob 圈提：经 TLS 从卡转入账户'
# shellcheck disable=SC2086
run unload --card "$bob" $bank --amount 25.00 --pin env:BOB_PIN
holdings

title 'The end' '结束'
run issuer statement bank --passphrase env:BANK
run issuer books bank --passphrase env:BANK
