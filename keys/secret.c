/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping and comparing secrets in portable C17: no compiler extension, so the
 * same code runs in the chip and in the test.
 */
#include "secret.h"

#include <string.h>

void
jz_wipe(void *p, size_t len)
{
	/*
	 * A call through a volatile pointer cannot be removed: the compiler
	 * must assume that it does more than memset.
	 */
	void *(*volatile wipe)(void *, int, size_t) = memset;

	if (len > 0)
		(void)wipe(p, 0, len);
}

bool
jz_equal_secret(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;
	size_t diff = 0;
	volatile size_t all;
	size_t i = 0;
	size_t u, v;

	/* No way out before the end: the time says nothing about the place. */
	for (; len - i >= sizeof(u); i += sizeof(u)) {
		memcpy(&u, x + i, sizeof(u));
		memcpy(&v, y + i, sizeof(v));
		diff |= u ^ v;
	}
	for (; i < len; i++)
		diff |= (size_t)(x[i] ^ y[i]);
	all = diff;
	return all == 0;
}
