#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# units.sh: the units of a payment card that the claims name (OFP-11) can be
# pointed at: docs/architecture.md has a row for each, and file and symbol of
# every row are there.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
page=$top/docs/architecture.md
status=0

# | unit | file | symbol |, between the two marks.
# shellcheck disable=SC2016 # no expansions
rows=$(sed -n '/^<!-- units -->$/,/^<!-- end of units -->$/p' "$page" |
    sed -n 's/^| \([a-z][^|]*[^| ]\) *| `\([^`]*\)` *| `\([^`]*\)` *|.*/\1|\2|\3/p')

for unit in 'storage' 'signing' 'transceiver' 'authentication' \
    'funds management' 'transaction records' 'encryption' 'decryption' \
    'networking'; do
	echo "$rows" | grep -q "^$unit|" || {
		echo "$page: no row for $unit"
		status=1
	}
done

# A definition: the name at the beginning of a line, or a member's.
while IFS='|' read -r unit file symbol; do
	if ! [ -f "$top/$file" ]; then
		echo "$unit: there is no $file"
		status=1
	elif ! grep -qE "^$symbol\(|[	 ]$symbol(\[|;)|^struct $symbol " \
	    "$top/$file"; then
		echo "$unit: $file does not define $symbol"
		status=1
	fi
done <<END
$rows
END
exit $status
