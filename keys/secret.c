/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping and comparing secrets in portable C17: no compiler extension, so the
 * same code runs in the chip and in the test.
 */
#include "secret.h"

#include <string.h>

#include "../apdu/error.h"

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

/* ---- the type ----------------------------------------------------------- */

void
jz_secret_wipe(struct jz_secret *s)
{
	jz_wipe(s, sizeof(*s));
}

uint8_t *
jz_secret_fill(struct jz_secret *s, size_t len)
{
	jz_secret_wipe(s);
	s->len = len < JZ_SECRET_MAX ? len : JZ_SECRET_MAX;
	return s->hidden.bytes;
}

int
jz_secret_set(struct jz_secret *s, struct jz_span bytes)
{
	jz_secret_wipe(s);
	if (bytes.len > JZ_SECRET_MAX)
		return JZ_ERR_SPACE;
	if (bytes.len > 0)
		memcpy(s->hidden.bytes, bytes.data, bytes.len);
	s->len = bytes.len;
	return 0;
}

int
jz_secret_add(struct jz_secret *s, uint8_t byte)
{
	if (s->len >= JZ_SECRET_MAX)
		return JZ_ERR_SPACE;
	s->hidden.bytes[s->len++] = byte;
	return 0;
}

void
jz_secret_cut(struct jz_secret *s, size_t len)
{
	if (len >= s->len)
		return;
	jz_wipe(s->hidden.bytes + len, s->len - len);
	s->len = len;
}

struct jz_span
jz_secret_span(const struct jz_secret *s)
{
	return jz_span(s->hidden.bytes, s->len);
}

bool
jz_secret_equal(const struct jz_secret *a, const struct jz_secret *b)
{
	/* What stands behind the end is zero in both. */
	bool same = jz_equal_secret(
	    a->hidden.bytes, b->hidden.bytes, sizeof(a->hidden.bytes));

	return same && a->len == b->len;
}
