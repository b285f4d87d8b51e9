#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# judge.sh: the GlobalPlatform judge, before it judges a card.
#
# Its SCP03 must agree with published traces of real cards, and it must pass a
# right card of paper and see each fault of a wrong one.  77 without Python's
# cryptography.

set -u

here=$(dirname "$0")
python=/usr/bin/python3
if ! "$python" -c 'import cryptography' 2>/dev/null; then
	echo 'skipped: no cryptography for Python (package python3-cryptography)'
	exit 77
fi

# Without our files for compiled modules.
bad=0
"$python" -B "$here/test_vectors.py" || bad=1
"$python" -B "$here/test_judge.py" || bad=1
exit $bad
