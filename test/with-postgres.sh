#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# with-postgres.sh COMMAND...: runs it with a PostgreSQL of its own: a data
# directory that is made and removed, no TCP, a socket in that directory.  The
# command finds it by JIAOZI_TEST_POSTGRES, a URI.  It may end the process that
# POSTGRES_PIDFILE begins with, by any signal: another one is started.  Exits
# with 77 when there is none.
#
# As root it runs as nobody: PostgreSQL refuses to be root.
set -eu

bin=
for d in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /usr/bin; do
	if [ -x "$d/initdb" ] && [ -x "$d/postgres" ]; then
		bin=$d
	fi
done
if [ -z "$bin" ]; then
	echo 'skipped: no PostgreSQL (package postgresql)'
	exit 77
fi

# Somebody else, whom root runs it as, may not enter root's TMPDIR.
[ "$(id -u)" -ne 0 ] || TMPDIR=/tmp
dir=$(mktemp -d "${TMPDIR:-/tmp}/jz-postgres.XXXXXX")
pid=

as=
if [ "$(id -u)" -eq 0 ]; then
	if ! command -v setpriv >/dev/null 2>&1; then
		echo 'skipped: root, and no setpriv to be somebody else'
		rmdir "$dir"
		exit 77
	fi
	as='setpriv --reuid=65534 --regid=65534 --clear-groups'
	chown 65534:65534 "$dir"
fi

stop()
{
	[ -n "$pid" ] || return 0
	: >"$dir/stopping"
	p=$(sed -n 1p "$dir/data/postmaster.pid" 2>/dev/null) || p=
	[ -z "$p" ] || kill -INT "$p" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	pid=
}
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM

# shellcheck disable=SC2086 # a command, or nothing
(cd "$dir" && $as "$bin/initdb" -D data -U jiaozi -A trust -E UTF8 \
	--locale=C --no-sync) >"$dir/log" 2>&1 || {
	cat "$dir/log"
	echo 'initdb failed' >&2
	exit 1
}
# What is lost with the machine matters to nobody here; what is lost with a
# process is not.
# shellcheck disable=SC2086
while [ ! -e "$dir/stopping" ]; do
	(cd "$dir" && exec $as "$bin/postgres" -D data -k "$dir" \
		-c listen_addresses= -c port=5432 -c max_connections=60 \
		-c fsync="${POSTGRES_FSYNC:-off}") || :
	sleep 0.05
done >>"$dir/log" 2>&1 &
pid=$!
n=0
until "$bin/pg_isready" -q -h "$dir" -U jiaozi -d postgres; do
	n=$((n + 1))
	if [ $n -gt 200 ] || ! kill -0 "$pid" 2>/dev/null; then
		cat "$dir/log"
		echo 'PostgreSQL does not start' >&2
		exit 1
	fi
	sleep 0.05
done

host=$(printf '%s' "$dir" | sed 's|/|%2F|g')
JIAOZI_TEST_POSTGRES="postgresql://jiaozi@$host/postgres"
POSTGRES_PIDFILE=$dir/data/postmaster.pid
export JIAOZI_TEST_POSTGRES POSTGRES_PIDFILE
"$@"
