# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the scripts beside this one share.  They are run from anywhere, work in
# the top folder and write below build/ alone.

cd "$(dirname "$0")/.." || exit 1

: "${JOBS:=$(nproc 2>/dev/null || echo 1)}"
export JOBS

# For builds that check our code, slowly: see keys/store/keyfile.c.
# shellcheck disable=SC2034 # others use it
WEAK_SCRYPT=-DJZ_WEAK_SCRYPT_N_LOG2=10

# The program of LLVM 14, or the one that this release has.
tool()
{
	command -v "$1-14" || command -v "$1" || {
		echo "$1 is not installed: .ci/setup ci" >&2
		return 1
	}
}

# The C sources, or the headers, of these folders.
sources()
{
	find "$@" -name '*.c' | LC_ALL=C sort
}

headers()
{
	find "$@" -name '*.h' | LC_ALL=C sort
}

layers='apdu keys applet reader host'

# The value of a list in the Makefile.
list()
{
	make -s --no-print-directory "print-$1"
}
