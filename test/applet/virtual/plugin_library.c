/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that the test program does not have, for CASE_library.
 */
#include <stdint.h>

uint32_t jz_case_library(void);

uint32_t
jz_case_library(void)
{
	return 1;
}
