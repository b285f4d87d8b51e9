/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tests put their files.
 */
#ifndef JZ_TEST_SUPPORT_TEMP_H
#define JZ_TEST_SUPPORT_TEMP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A new folder below TMPDIR, or below /tmp when none is set or its name does
 * not fit.  The caller removes it.  False when there is none; *out is "" then.
 */
bool temp_new(char *out, size_t cap, const char *name);

#endif
