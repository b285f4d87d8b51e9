#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the place of the command, for test/secrets/suite.sh: keeps a copy of what
# it says and has a core file made of its end.
#
#	CANARY_DIR      where things are kept
#	CANARY_REAL     the command
#	CANARY_PRELOAD  end-in-core.so; empty: no core files
#	CANARY_EVERY    of every how many runs there is one

[ ! -p /dev/stdout ] || exec > >(exec tee -a "$CANARY_DIR/said/$$.out")
[ ! -p /dev/stderr ] || exec 2> >(exec tee -a "$CANARY_DIR/said/$$.err" >&2)
export CANARY_RUN="$*"
printf '%s: %s\n' "$$" "$*" >>"$CANARY_DIR/runs"
# The caller's files of secrets are no places where none belongs.
for word in "$@"; do
	case $word in
	*file:*) printf '%s\n' "${word#*file:}" >>"$CANARY_DIR/given" ;;
	*.csv) printf '%s\n' "$word" >>"$CANARY_DIR/given" ;;
	esac
done
# Every APDU is traced, whatever the script thinks of it.
JIAOZI_TRACE=${JIAOZI_TRACE:-$CANARY_DIR/said/$$.trace}
export JIAOZI_TRACE
if [ -n "$CANARY_PRELOAD" ] && [ $(($$ % ${CANARY_EVERY:-1})) -eq 0 ]; then
	ulimit -c unlimited
	LD_PRELOAD=$CANARY_PRELOAD exec "$CANARY_REAL" "$@"
fi
exec "$CANARY_REAL" "$@"
