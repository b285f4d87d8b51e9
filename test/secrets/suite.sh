#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The suite under watch: the scripts of the command and the demonstration, by
# which issuer, bureau and host work, run with canaries for PINs and passphrases,
# and with keys that are read out afterwards.  Then every secret is looked for in
# all that was written: outputs, errors, traces, reports, databases, card files;
# and in a core file of each run of the command.
#
#	JIAOZI=PROGRAM BUILD=DIR test/secrets/suite.sh [HELPERS]
#	CANARY=full       cli.sh and batch.sh, too: make canary
#
# HELPERS/weak-jiaozi is JIAOZI with a scrypt that takes no time.  Not looked
# into is what the caller gave (environment, arguments, file:PATH), and key files,
# whose purpose is to hold a secret.  The test programs have their canaries for
# constants (test/secrets/constants), which test/run.sh looks for in all of their
# output.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$here/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
helpers=${1:-$BUILD/test}
case $helpers in /*) ;; *) helpers=$PWD/$helpers ;; esac

top=$(mktemp -d "${TMPDIR:-/tmp}/jiaozi-suite.XXXXXX")
trap 'cd /; rm -rf "$top"' EXIT
trap 'exit 130' HUP INT TERM
cd "$top"
mkdir said cores kept bin tmp

CANARY_DIR=$top
CANARY_REAL=$helpers/weak-jiaozi
CANARY_SHOW=$helpers/weak-show-keys
CANARY_FIND=$helpers/find-secrets
CANARY_PRELOAD=$helpers/end-in-core.so
CANARY_EXAMINE=$here/test/secrets/examine.sh
export CANARY_DIR CANARY_REAL CANARY_SHOW CANARY_FIND CANARY_PRELOAD \
	CANARY_EXAMINE

# ---- the secrets ------------------------------------------------------------

CANARY_BANK='canary of the bank 83c5'
CANARY_WRONG='canary of nobody 5f0e'
CANARY_PIN=739154286053
CANARY_PIN_2=285906413728
CANARY_WRONG_PIN=160485937264
export CANARY_BANK CANARY_WRONG CANARY_PIN CANARY_PIN_2 CANARY_WRONG_PIN

secret() {
	printf '%s %s\n' "$1" "$(printf '%s' "$2" | od -An -v -tx1 |
		tr -d ' \n')" >>secrets
}
secret bank-passphrase "$CANARY_BANK"
secret wrong-passphrase "$CANARY_WRONG"
secret pin "$CANARY_PIN"
secret second-pin "$CANARY_PIN_2"
secret wrong-pin "$CANARY_WRONG_PIN"

# ---- what is kept -----------------------------------------------------------

# What a script would remove when it is done is looked at first.
cat >bin/rm <<'RM'
#!/bin/bash
if [ "$1" = -rf ] && [ $# -eq 2 ] && [ -d "$2" ]; then
	case $2 in
	"$CANARY_DIR"/tmp/*) exec mv "$2" "$CANARY_DIR/kept/$$" ;;
	esac
fi
exec /bin/rm "$@"
RM
chmod +x bin/rm

failed=0
case $(cat /proc/sys/kernel/core_pattern 2>/dev/null) in
'' | '|'* | */*)
	CANARY_PRELOAD=
	echo 'skipped: core files: they do not go to the working directory'
	;;
esac
# The sanitizers' program takes no library before theirs, and leaves no core.
if [ -n "$CANARY_PRELOAD" ]; then
	mkdir try
	(
		cd try
		# shellcheck disable=SC3045 # dash and bash have it
		ulimit -c unlimited
		env -u CANARY_DIR LD_PRELOAD="$CANARY_PRELOAD" \
			"$CANARY_REAL" version
	) >/dev/null 2>&1 || :
	set -- try/core*
	if [ ! -s "$1" ]; then
		CANARY_PRELOAD=
		echo 'skipped: core files: none came'
	fi
	/bin/rm -rf try
fi

# script PATH: under watch.
script() {
	name=$(basename "$1")
	status=0
	PATH=$top/bin:$PATH TMPDIR=$top/tmp JIAOZI=$here/test/secrets/watch.sh \
		"$here/$1" "$helpers" >"said/$name" 2>&1 </dev/null ||
		status=$?
	case $status in
	0) ;;
	77) echo "skipped: $name: $(tail -n 1 "said/$name")" ;;
	*)
		echo "not ok: $name ended with $status"
		tail -n 20 "said/$name"
		failed=1
		;;
	esac
}

if [ "${CANARY:-}" = full ]; then
	# More than a thousand runs: a core file of every eighth.
	(
		export CANARY_EVERY=8
		script test/cli/cli.sh
		exit "$failed"
	) &
	script test/cli/batch.sh
fi
# A PIN in an APDU of the command line.
(
	cd tmp
	"$here/test/secrets/watch.sh" card create raw.card
	"$here/test/secrets/watch.sh" card apdu --card virtual:raw.card \
		00A4040008F04A49414F5A490100 "0020000106$CANARY_PIN"
) >said/raw-apdu 2>&1 </dev/null || :
script test/demo/demo.sh
script test/cli/screen.sh
script test/cli/token.sh
script test/cli/keys.sh
if [ "${CANARY:-}" = full ]; then
	wait "$!" || failed=1
fi

# ---- looking ----------------------------------------------------------------

# Of ten runs, how many must have had a core file.
least=9
[ "${CANARY:-}" != full ] || least=2
runs=$(wc -l <runs)
looked=0
[ ! -e looked ] || looked=$(wc -l <looked)
echo "ok: $runs runs of the command, $looked core files looked into"
if [ -n "$CANARY_PRELOAD" ] &&
	[ "$((looked * 10))" -lt "$((runs * least))" ]; then
	echo 'not ok: of too many runs there is no core file'
	failed=1
fi
# A file that was given holds what the caller wrote into it.
touch given
find said kept tmp -type f ! -name '*.key' | awk -F/ '
	FILENAME == "given" { own[$NF] = 1; next }
	!($NF in own)' given - >files
sort -u -o secrets secrets
tr '\n' '\0' <files | xargs -0 "$CANARY_FIND" secrets >>found || :
sed "s,^$top/,,; s,^,not ok: ," found
[ ! -s found ] || {
	failed=1
	sed -n 's,.*cores/\([0-9]*\)/.*,\1,p' found | sort -u |
		while read -r pid; do
			sed -n "s/^$pid:/  core $pid: jiaozi/p" runs
		done
}
n=$(wc -l <files)
[ "$n" -gt 100 ] || {
	echo "not ok: only $n files were written"
	failed=1
}
# A search that finds nothing must be able to find something.
printf 'x%s' "$CANARY_PIN" | base64 >planted
if "$CANARY_FIND" secrets planted >/dev/null; then
	echo 'not ok: a planted secret was not found'
	failed=1
fi
[ "$failed" -eq 0 ] || exit 1
echo "ok: $(wc -l <secrets) secrets in none of $n files"
