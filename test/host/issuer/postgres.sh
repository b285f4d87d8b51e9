#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The issuer's tests once more, with the books in PostgreSQL.  Those that alter
# the tables from outside are left out by themselves: they are of triggers that
# only SQLite has.  Not run at all: audit, decision and restore, which alter or
# copy the file of the books.
set -eu

BUILD=${BUILD:-build}
[ -n "${JIAOZI_TEST_POSTGRES:-}" ] ||
	exec "$(dirname "$0")/../../with-postgres.sh" "$0" "$@"

status=0
for t in account audit batches books cancel decision evidence exception \
	incident load many password refusal restore revocation settle \
	statement serve/test_handle ../test_https; do
	case $t in
	serve/*) program=$BUILD/test/host/issuer/$t ;;
	../*) program=$BUILD/test/host/${t#../} ;;
	*) program=$BUILD/test/host/issuer/test_$t ;;
	esac
	if said=$("$program" 2>&1); then
		printf '%s\n' "$said" |
			sed -n 's/^\[ *PASSED *\]/&/p; s/^\[ *SKIPPED *\] *[0-9]/&/p' |
			sed "s|^|$t: |"
	else
		printf '%s: failed\n%s\n' "$t" "$said"
		status=1
	fi
done
exit $status
