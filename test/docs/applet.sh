#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs/applet.md does what it says: the applet that it shows has at most 25
# lines of code, its commands are run as they stand, the output is the one that
# it promises, and what it says is refused is refused with its own message.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
JIAOZI=${JIAOZI:-$top/build/jiaozi}
page=$top/docs/applet.md
LINES_MAX=25

dir=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-applet-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP
cd "$dir"
LC_ALL=C
export LC_ALL
failed=0

result() # NAME STATUS
{
	if [ "$2" -eq 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		failed=1
	fi
}

# The blocks of the page that begin with this fence.
blocks()
{
	awk -v fence="$1" '
	!open && $0 == fence	{ open = 1; next }
	!open && /^```/		{ open = 2; next }
	open && /^```$/		{ open = 0; next }
	open == 1' "$page"
}

# ---- the applet ----------------------------------------------------------

status=0
blocks '```c' >shown.c
sed 1d "$top/docs/counter.c" | cmp - shown.c || status=1
result 'the page shows docs/counter.c' $status

# Lines that hold more than blanks and comments.
code()
{
	awk '
	{
		line = $0
		text = ""
		while (line != "") {
			if (comment) {
				i = index(line, "*/")
				if (i == 0)
					break
				comment = 0
				line = substr(line, i + 2)
			} else {
				i = index(line, "/*")
				if (i == 0) {
					text = text line
					break
				}
				comment = 1
				text = text substr(line, 1, i - 1)
				line = substr(line, i + 2)
			}
		}
		n += text ~ /[^ \t]/
	}
	END { print n + 0 }' "$1"
}

format=$(command -v clang-format-14 || command -v clang-format || :)
if [ -z "$format" ]; then
	echo 'skipped: no clang-format to count the lines after'
else
	status=0
	cp "$top/.clang-format" .
	"$format" "$top/docs/counter.c" >formatted.c
	n=$(code formatted.c)
	[ "$n" -gt 10 ] && [ "$n" -le $LINES_MAX ] || status=1
	rm .clang-format
	result "the applet has at most $LINES_MAX lines of code: $n" $status
fi
status=0
[ "$(grep -c '^#include' "$top/docs/counter.c")" -eq 1 ] || status=1
result 'the applet includes one header' $status

for tool in cc pkg-config; do
	command -v $tool >/dev/null 2>&1 || {
		echo "skipped: no $tool to build the applet with"
		exit $failed
	}
done

# ---- the commands, as if jiaozi were installed ----------------------------

mkdir bin include
ln -s "$JIAOZI" bin/jiaozi
ln -s "$top" include/jiaozi
PATH=$dir/bin:$PATH
PKG_CONFIG_PATH=$dir
export PATH PKG_CONFIG_PATH
printf 'Name: jiaozi\nDescription: -\nVersion: 0\nCflags: -I%s/include\n' \
    "$dir" >jiaozi.pc
cp "$top/docs/counter.c" .

status=0
blocks '```sh' >commands
blocks '```' >promised
[ -s commands ] && [ -s promised ] || status=1
sh -eu commands >out 2>&1 || status=1
tail -n "$(wc -l <promised)" out | cmp - promised || status=1
[ $status -eq 0 ] || cat out
result 'the commands do what the page says' $status

card='--card virtual:alice.card'
SELECT=00A4040006F0434F554E54
VERIFY=002000000431323334
WRONG=002000000439393939
ADD=80100000
READ=8012000004

# apdu ANSWER APDU...: the last answer.  Each is a power cycle of its own.
apdu()
{
	want=$1
	shift
	# shellcheck disable=SC2086 # an option and its value
	jiaozi card apdu $card "$@" >out 2>&1 || :
	[ "$(tail -n 1 out)" = "<< $want" ] || grep -qxF "<< $want" out ||
		{ cat out; status=1; }
}

status=0
apdu '00000001 9000 OK' $SELECT $READ
apdu '6982 SECURITY' $SELECT $ADD
apdu '9000 OK' $SELECT $VERIFY $ADD $ADD
apdu '00000003 9000 OK' $SELECT $READ
result 'the counter survives a power cycle, the PIN does not' $status

status=0
apdu '63C2 PIN_TRIES' $SELECT $WRONG
apdu '63C1 PIN_TRIES' $SELECT $WRONG
apdu '9000 OK' $SELECT $VERIFY $ADD
apdu '63C2 PIN_TRIES' $SELECT $WRONG
apdu '63C1 PIN_TRIES' $SELECT $WRONG
apdu '6983 BLOCKED' $SELECT $WRONG
apdu '6983 BLOCKED' $SELECT $VERIFY
apdu '00000004 9000 OK' $SELECT $READ
result 'wrong tries are counted over power cycles' $status

# ---- what is refused ------------------------------------------------------

build() # NAME: NAME.c to NAME.so, by the page's command
{
	grep '^cc ' commands | sed "s/counter/$1/g" >build
	sh -eu build
}

# refused NAME MESSAGE WHAT: the plug-in is not taken, and changes nothing.
refused()
{
	status=0
	echo alice.card.applets/* >before
	# shellcheck disable=SC2086
	if jiaozi card install "$1.so" $card --keys default >out 2>&1; then
		status=1
	fi
	grep -qF -- "$2" out || status=1
	echo alice.card.applets/* | cmp -s - before || status=1
	[ $status -eq 0 ] || cat out
	result "refused: $3" $status
}

sed 's/^	uint32_t header = .*/	static int n;\
&\
	*ok = (uint8_t)++n;/' counter.c >variable.c
build variable
refused variable 'plug-in has writable static data' 'a static variable'

sed 's/^#include.*/&\
#undef JZ_ABI\
#define JZ_ABI 999/' counter.c >abi.c
build abi
refused abi 'plug-in made for another version of the card runtime' 'another ABI'

printf 'void jz_nobody(void);\n' >lost.c
sed 's/^	uint32_t header = .*/&\
	jz_nobody();/' counter.c >>lost.c
build lost
refused lost 'plug-in needs a function or library' 'an unknown function'

printf 'no object\n' >text.so
refused text 'not an applet plug-in for this machine' 'a file of another kind'

status=0
for copy in alice.card.applets/*.so; do
	printf 'x' >>"$copy"
done
apdu '6A82 FILE' $SELECT
grep -qF 'plug-in is not the file that the card knows' out || status=1
jiaozi card info --card virtual:alice.card >/dev/null 2>&1 || status=1
[ $status -eq 0 ] || cat out
result 'refused: a changed file, and the card lives' $status

status=0
# shellcheck disable=SC2086
jiaozi card install counter.so $card --keys default >out 2>&1 || status=1
apdu '00000004 9000 OK' $SELECT $READ
[ $status -eq 0 ] || cat out
result 'the right file brings the applet back' $status

# ---- what the program exports ---------------------------------------------

command -v nm >/dev/null 2>&1 || {
	echo 'skipped: no nm to list the exports with'
	exit $failed
}
status=0
sed -n 's/^	\(jz_[a-z0-9_]*\);$/\1/p' "$top/applet/virtual/plugin.syms" |
    sort >listed
nm -D --defined-only "$JIAOZI" | awk '$3 ~ /^jz_/ { print $3 }' |
    sort >exported
[ -s listed ] && cmp listed exported || status=1
result 'the program exports what plugin.syms lists' $status

# Each prototype of these headers; functions that are inline need no export.
status=0
headers='applet/runtime/applet.h apdu/apdu.h apdu/bytes.h apdu/time.h
    apdu/tlv.h keys/secret.h'
for header in $headers; do
	printf '#include "%s"\n' "$top/$header"
done | cc -E -x c - | awk -v headers="$headers" '
	BEGIN			{ n = split(headers, wanted, /[ \n]+/) }
	/^# [0-9]+ "/ {
		ours = 0
		for (i = 1; i <= n; i++)
			ours = ours || index($3, "/" wanted[i] "\"") > 0
		next
	}
	!ours			{ next }
				{ text = text " " $0 }
	END {
		# Bodies and structs are not declarations of functions.
		while (match(text, /\{[^{}]*\}/))
			text = substr(text, 1, RSTART - 1) "@" \
			    substr(text, RSTART + RLENGTH)
		n = split(text, part, ";")
		for (i = 1; i <= n; i++) {
			sub(/.*@/, "", part[i])
			if (part[i] !~ /typedef|_Static_assert|\(\*/ &&
			    match(part[i], /jz_[a-z0-9_]+ *\(/)) {
				name = substr(part[i], RSTART, RLENGTH - 1)
				sub(/ *$/, "", name)
				print name
			}
		}
	}' | sort -u >declared
[ -s declared ] && cmp listed declared || status=1
[ $status -eq 0 ] || diff listed declared || :
result 'plugin.syms lists what the headers declare' $status
exit $failed
