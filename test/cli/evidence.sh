#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A transaction out of a QR code, signed by a card with a display, and what
# openssl alone says of the signature: with the commands of docs/esign.md, on
# both suites; once by the issuer's directory, once by its daemon.
#
#	JIAOZI=PROGRAM test/cli/evidence.sh
#
# proves: JPS-1 JPS-4 JPS-12 JPS-21
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$here/build/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac

for tool in tmux openssl; do
	command -v $tool >/dev/null 2>&1 || {
		echo "skipped: no $tool"
		exit 77
	}
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-evidence.XXXXXX")
screen() {
	tmux -f /dev/null -S "$dir/tmux-$suite" "$@"
}
daemon=
cleanup() {
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || :
	screen kill-server >/dev/null 2>&1 || :
	cd /
	rm -rf "$dir"
}
suite=nist
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
cd "$dir"

BANK='correct horse'
PIN=123456
LC_ALL=C.UTF-8
export BANK PIN LC_ALL
unset JIAOZI_READER JIAOZI_TRACE JIAOZI_ISSUER TMUX

fail() {
	echo "FAIL $suite: $*"
	screen capture-pane -p 2>/dev/null | sed 's/^/    /' || :
	cat out 2>/dev/null || :
	exit 1
}

shows() {
	n=0
	until screen capture-pane -p | grep -qF -- "$1"; do
		n=$((n + 1))
		[ "$n" -lt 100 ] || fail "the terminal does not show: $1"
		sleep 0.1
	done
}

mkdir bin
ln -s "$JIAOZI" bin/jiaozi
PATH=$dir/bin:$PATH

# The block of docs/esign.md that begins with this command.
block() {
	awk -v first="$1" '
		/^```$/ { inside = !inside; fresh = 1; wanted = 0; next }
		inside && fresh { wanted = index($0, first) == 1; fresh = 0 }
		inside && wanted' "$here/docs/esign.md"
}
# The issuer's daemon, for suite gm; sets daemon and server.
serve() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout server.key -subj /CN=localhost -out server.pem \
		-addext subjectAltName=DNS:localhost 2>/dev/null
	jiaozi issuer serve bank --listen 127.0.0.1:0 --passphrase env:BANK \
		--certificate server.pem --certificate-key server.key \
		>serve.out 2>serve.log &
	daemon=$!
	n=0
	until grep -q ' port [0-9]*;' serve.out 2>/dev/null; do
		n=$((n + 1))
		[ "$n" -lt 400 ] || fail "the daemon does not start"
		sleep 0.05
	done
	server=https://localhost:$(sed -n 's/.* port \([0-9]*\);.*/\1/p' serve.out)
}

block 'jiaozi qr' >make.sh
block 'openssl x509' >judge-nist.sh
{
	echo 'openssl x509 -in alice.pem -noout -pubkey >alice.pub'
	block 'openssl dgst -sm3'
} >judge-gm.sh
for script in make.sh judge-nist.sh judge-gm.sh; do
	[ -s $script ] || fail "docs/esign.md has no block for $script"
done

for suite in nist gm; do
	mkdir $suite
	cd $suite
	{
		jiaozi issuer init bank --suite $suite --passphrase env:BANK &&
		jiaozi issuer account-open bank alice --holder Alice \
			--passphrase env:BANK &&
		jiaozi issuer account-open bank bob --holder Bob \
			--passphrase env:BANK &&
		jiaozi issuer deposit bank alice 1000 --passphrase env:BANK &&
		jiaozi card create alice.card --suite $suite &&
		jiaozi card personalise --card virtual:alice.card --issuer bank \
			--passphrase env:BANK --account alice --holder Alice \
			--pin env:PIN &&
		jiaozi card esign --card virtual:alice.card --issuer bank \
			--passphrase env:BANK --account alice --holder Alice \
			--pin env:PIN --pin-above 100
	} >out 2>&1 || fail 'no card'
	# The page's commands: the shop's code, the user's certificate, the signing.
	sed '/^jiaozi sign/,$d' ../make.sh | sh -eu >out 2>&1 || fail 'no code'
	sed -n '/^jiaozi sign/,$p' ../make.sh >sign.sh
	if [ $suite = gm ]; then
		serve
		sed -i "s|--issuer bank|--issuer $server --ca server.pem|
			s|--passphrase env:BANK||" sign.sh
		grep -q "$server" sign.sh || fail 'not by the daemon'
	fi
	screen new-session -d -x 80 -y 24 "cd '$dir/$suite'; sh -eu sign.sh; \
		echo exit=\$?; sleep 60"
	shows 'CNY 12.34'
	screen send-keys Down Down Down Down Down Down Down
	shows 'OK or CANCEL?'
	screen send-keys Enter
	shows 'Joint password'
	password=$(screen capture-pane -p | sed -n 3p | tr -dc 0-9)
	screen send-keys Enter
	shows 'on the card:'
	screen send-keys "$password" Enter
	shows 'exit=0'
	screen kill-server
	if [ -n "$daemon" ]; then
		kill "$daemon"
		wait "$daemon" || fail 'the daemon did not end well'
		daemon=
	fi

	sh -eu ../judge-$suite.sh >out 2>&1 || fail 'openssl says no'
	[ "$(grep -ciE 'verified (ok|successfully)' out)" -eq 2 ] ||
		fail 'openssl does not say yes twice'
	grep -q '^alice.pem: OK' out || fail 'not under this root'
	openssl x509 -in alice.pem -noout -subject | grep -q 'CN = Alice' ||
		fail 'not her name'
	grep -qa 'CN0000000' order.signed || fail 'no card ID in it'
	# Altered, it is not verified.
	cp order.signed kept
	printf 'x' | dd of=order.signed bs=1 seek=20 conv=notrunc 2>/dev/null
	if sh -eu ../judge-$suite.sh >out 2>&1; then
		fail 'openssl takes an altered one'
	fi
	cp kept order.signed
	# Where only card and issuer know what was signed, and where a guess
	# could be tested.
	if [ $suite = nist ]; then
		jiaozi card create carol.card >out 2>&1
		jiaozi card personalise --card virtual:carol.card --issuer bank \
			--passphrase env:BANK --account alice --holder Carol \
			--pin env:PIN >out 2>&1 || fail 'no second card'
		for profile in '--mode JPS-2 --scheme bare' '--scheme md5' \
			'--mode JPS-6' '--scheme direct' \
			'--mode JPS-7 --scheme direct,hash' '--scheme bare'; do
			code=0
			# shellcheck disable=SC2086 # several options
			jiaozi card esign --card virtual:carol.card --issuer bank \
				--passphrase env:BANK --account alice \
				--pin env:PIN $profile >out 2>&1 || code=$?
			[ "$code" -eq 2 ] || fail "exit $code for $profile"
		done
		grep -q 'may-be-guessed' out || fail 'does not say why'
		code=0
		jiaozi card esign --card virtual:carol.card --issuer bank \
			--passphrase env:BANK --account alice --pin env:PIN \
			--scheme bare --may-be-guessed >out 2>&1 || code=$?
		[ "$code" -eq 5 ] || fail "exit $code for six digits"
		jiaozi card esign --card virtual:carol.card --issuer bank \
			--passphrase env:BANK --account alice --pin env:PIN \
			--mode JPS-7 --scheme mac,symmetric >out 2>&1 ||
			fail 'no scheme'
		jiaozi card create dora.card >out 2>&1
		jiaozi card personalise --card virtual:dora.card --issuer bank \
			--passphrase env:BANK --account alice --holder Dora \
			--pin env:PIN >out 2>&1 || fail 'no third card'
		jiaozi card esign --card virtual:dora.card --issuer bank \
			--passphrase env:BANK --account alice --pin env:PIN \
			--mode JPS-7 --scheme direct >out 2>&1 ||
			fail 'no message signed directly'
		screen new-session -d -x 80 -y 24 "cd '$dir/$suite'; \
			'$JIAOZI' sign --screen --card virtual:carol.card \
			--issuer bank --passphrase env:BANK --account alice \
			--qr order.png --evidence none; echo exit=\$?; sleep 60"
		# The card has not signed: nobody has to look.
		shows 'only card and'
		screen capture-pane -p | grep -q 'CNY 12.34' &&
			fail 'the card signs what the terminal cannot use'
		screen kill-server
		[ ! -e none.signed ] || fail 'evidence of what nobody can judge'
	fi
	echo "ok $suite: openssl verifies what the card has signed"
	cd ..
done
