#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# chaos.sh HELPERS [RUNS]: half of the runs with the books in a file, half in
# PostgreSQL.
set -eu

chaos=$1/chaos/chaos
runs=${2:-20}
half=$((runs / 2))

"$chaos" $half 1
status=0
"$(dirname "$0")/../with-postgres.sh" "$chaos" $half 100001 || status=$?
# Without PostgreSQL half of it has been shown.
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
