#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts of this folder share; each begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# and has then: here, the top folder; JIAOZI, the program; part, want, says,
# complains, wrong and finish.  A part prints "ok" or "not ok" when it ends.

here=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$here/build/jiaozi}
case $JIAOZI in /*) ;; *) JIAOZI=$PWD/$JIAOZI ;; esac

cases=0
failed=0
part=
failed_before=0

# Ends the part of the test before and begins another.
part() {
	if [ -n "$part" ]; then
		if [ "$failed" -eq "$failed_before" ]; then
			printf 'ok %s\n' "$part"
		else
			printf 'not ok %s\n' "$part"
		fi
	fi
	part=$1
	failed_before=$failed
}

wrong() {
	failed=$((failed + 1))
	printf 'FAIL %s\n' "$*"
	[ ! -e out ] || sed 's/^/     out: /' out | head -n 12
	[ ! -e err ] || sed 's/^/     err: /' err | head -n 12
}

# want EXIT ARGUMENT...: runs jiaozi with no terminal and no input.
want() {
	code=$1
	shift
	cases=$((cases + 1))
	got=0
	setsid -w "$JIAOZI" "$@" >out 2>err </dev/null || got=$?
	[ "$got" -eq "$code" ] || wrong "exit $got, not $code: $*"
	if [ "$code" -ne 0 ] && [ ! -s err ]; then
		wrong "says nothing on standard error: $*"
	fi
}

# The last output holds this text.
says() {
	cases=$((cases + 1))
	grep -qF -- "$1" out || wrong "output lacks: $1"
}

complains() {
	cases=$((cases + 1))
	grep -qF -- "$1" err || wrong "standard error lacks: $1"
}

# Ends the last part; fails if a case did.
finish() {
	part ''
	printf '%s cases, %s failed\n' "$cases" "$failed"
	[ "$failed" -eq 0 ]
}
