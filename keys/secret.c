/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping and comparing secrets in portable C17: no compiler extension, so the
 * same code runs in the chip and in the test.
 */
#include "secret.h"

#include <string.h>

/*
 * A call through a volatile pointer cannot be removed: the compiler must
 * assume that it does more than memset.
 */
static void *(*const volatile WIPE)(void *, int, size_t) = memset;

void
jz_wipe(void *p, size_t len)
{
	if (len > 0)
		WIPE(p, 0, len);
}

bool
jz_equal_secret(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;
	uint8_t diff = 0;
	volatile uint8_t all;

	/* No way out before the end: the time says nothing about the place. */
	for (size_t i = 0; i < len; i++)
		diff |= x[i] ^ y[i];
	all = diff;
	return all == 0;
}
