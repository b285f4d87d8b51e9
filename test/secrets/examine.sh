#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# examine.sh PID: run by end_in_core.c when a command of suite.sh has ended, in
# its folder and with its descriptors.  Learns the keys that it has made, keeps
# what it said into files, and looks for every secret in its core file.

pid=$1
[ ! -f /dev/stdout ] || cat /dev/stdout >"$CANARY_DIR/said/$pid.out.file"
[ ! -f /dev/stderr ] || cat /dev/stderr >"$CANARY_DIR/said/$pid.err.file"
exec >>"$CANARY_DIR/examined" 2>&1 </dev/null

# Keys that seal card files: 64 digits.
for key in *.key */*.key; do
	digits=
	[ ! -f "$key" ] || read -r digits <"$key" || :
	[ ${#digits} -ne 64 ] ||
		printf 'seal-key %s\n' "$digits" >>"$CANARY_DIR/secrets"
done
# An issuer's, where the passphrase is one that this test gave.
case $CANARY_RUN in
'issuer init '* | 'issuer key roll '* | 'issuer admin-key '*)
	for keys in */keys; do
		[ ! -d "$keys" ] || [ -e "$keys/token" ] ||
			"$CANARY_SHOW" "${keys%/keys}" "$CANARY_BANK" \
				>>"$CANARY_DIR/secrets" 2>/dev/null
	done
	;;
esac
for core in "$CANARY_DIR/cores/$pid"/core*; do
	[ -s "$core" ] || continue
	"$CANARY_FIND" "$CANARY_DIR/secrets" "$core" \
		>>"$CANARY_DIR/found" || echo "$pid" >>"$CANARY_DIR/bad"
	echo "$pid" >>"$CANARY_DIR/looked"
	rm -f "$core"
done
