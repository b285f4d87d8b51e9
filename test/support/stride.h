/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How closely a test looks where it tries every bit, or every byte that power is
 * cut at: all of them, or under valgrind and the sanitizers, which are for the
 * code and not for the bits, one of so many.
 */
#ifndef JZ_TEST_SUPPORT_STRIDE_H
#define JZ_TEST_SUPPORT_STRIDE_H

#include <stdlib.h>

/* JIAOZI_TEST_STRIDE, or 1. */
static inline unsigned
test_stride(void)
{
	const char *text = getenv("JIAOZI_TEST_STRIDE");
	unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 1;

	return n > 0 && n < 1000 ? (unsigned)n : 1;
}

#endif
