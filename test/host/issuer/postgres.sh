#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The issuer's tests once more, with the books in PostgreSQL.  Those that alter
# the tables from outside are left out by themselves: they are of triggers that
# only SQLite has.
set -eu

BUILD=${BUILD:-build}
[ -n "${JIAOZI_TEST_POSTGRES:-}" ] ||
	exec "$(dirname "$0")/../../with-postgres.sh" "$0" "$@"

status=0
for t in account audit batches books cancel decision evidence exception \
	incident load many password refusal restore revocation settle \
	statement store unload serve/test_gate serve/test_handle \
	serve/test_serve ../test_daemons ../test_https; do
	case $t in
	serve/*) program=$BUILD/test/host/issuer/$t ;;
	../*) program=$BUILD/test/host/${t#../} ;;
	*) program=$BUILD/test/host/issuer/test_$t ;;
	esac
	if said=$("$program" 2>&1); then
		echo "ok $t"
		printf '%s\n' "$said" | sed -n "s|^\[ *SKIPPED *\] \(test_.*\)|\
skipped: $t: \1: of triggers that only SQLite has|p" | sed '/^$/d' | sort -u
	else
		printf 'not ok %s\n%s\n' "$t" "$said"
		status=1
	fi
done
exit $status
