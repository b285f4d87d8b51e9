#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A secret cannot be printed by mistake: each way that comes to mind must not
# compile, and what is allowed must.
#
#	CC=COMPILER test/secrets/unprintable.sh
#
# Prints a line for each way that compiles and should not.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
CC=${CC:-cc}
command -v "$CC" >/dev/null 2>&1 || {
	echo "skipped: no compiler ($CC)"
	exit 77
}
dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-unprintable.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM

# compiles STATEMENT: with `s` a secret, `p` its address, `c` a command's state.
compiles() {
	{
		echo '#include <stdio.h>'
		echo '#include "host/cli/cli.h"'
		echo 'int f(struct jz_cli *, struct jz_secret *);'
		echo 'int f(struct jz_cli *c, struct jz_secret *p)'
		echo '{ struct jz_secret s = *p; (void)c; (void)s;'
		echo "$1; return 0; }"
	} >"$dir/way.c"
	"$CC" -std=c17 -fsyntax-only -Wall -Wextra -Werror -I"$here" \
		"$dir/way.c" >"$dir/out" 2>&1
}

bad=0
n=0
while read -r way; do
	n=$((n + 1))
	! compiles "$way" || {
		echo "not ok: compiles: $way"
		bad=$((bad + 1))
	}
done <<'WAYS'
printf("%s", s)
printf("%s", p)
printf("%s", s.hidden)
printf("%s", &s.hidden)
printf("%02x", s.hidden)
printf("%x", s)
fprintf(stderr, "%.*s", (int)p->len, p->hidden)
puts(s)
puts(p)
fputs(p, stderr)
jz_cli_say(c, "%s", p)
jz_cli_line(c, "PIN", "%s", p)
jz_cli_line(c, "PIN", "%s", s)
jz_cli_fail(c, 1, "%s", p)
jz_cli_put(c, "pin", json_string(p))
jz_cli_put(c, "pin", jz_cli_string(p))
jz_cli_put(c, "pin", jz_cli_hex(p))
jz_cli_put(c, "pin", jz_cli_hex(s))
WAYS
# What must compile, or nothing above means anything.
if ! compiles 'printf("%zu", s.len)' ||
	! compiles 'jz_cli_say(c, "%s", "text")'; then
	cat "$dir/out"
	echo 'not ok: nothing compiles'
	bad=$((bad + 1))
fi
[ "$bad" -eq 0 ] || exit 1
echo "$n ways to print a secret, none compiles"
