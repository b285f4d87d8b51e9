#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# chaos.sh HELPERS [RUNS]: half of the runs with the books in a file, a quarter
# with them in PostgreSQL, a quarter with the cards in a process of their own,
# at a PC/SC daemon.
#
# A seed that fails fails again: as below, with 1 and the seed for what is there.
set -eu

chaos=$1/chaos/chaos
runs=${2:-20}
quarter=$((runs / 4))

"$chaos" $((runs - 2 * quarter)) 1
status=0
"$(dirname "$0")/../with-postgres.sh" "$chaos" $quarter 100001 || status=$?
# Without PostgreSQL, or PC/SC, the rest has been shown.
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
status=0
"$1/with-pcscd" -- "$chaos" $quarter 200001 || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
