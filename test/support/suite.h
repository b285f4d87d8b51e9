/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite of cryptography that a program's tests run on.  The Makefile's list
 * GM_TESTS names those that make check runs on both.
 */
#ifndef JZ_TEST_SUPPORT_SUITE_H
#define JZ_TEST_SUPPORT_SUITE_H

#include <stdlib.h>
#include <string.h>

#include "../../keys/crypto.h"

/* JIAOZI_TEST_SUITE: gm, or nist as without it. */
static inline enum jz_suite
test_suite(void)
{
	const char *name = getenv("JIAOZI_TEST_SUITE");

	return name != NULL && strcmp(name, "gm") == 0 ? JZ_SUITE_GM
						       : JZ_SUITE_NIST;
}

static inline enum jz_suite
test_other_suite(void)
{
	return test_suite() == JZ_SUITE_GM ? JZ_SUITE_NIST : JZ_SUITE_GM;
}

#endif
