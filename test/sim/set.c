/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of hashes.
 */
#include "set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void
sim_set_new(struct sim_set *s, size_t size)
{
	s->slot = calloc(size, sizeof(*s->slot));
	assert_non_null(s->slot);
	s->size = size;
	s->n = 0;
}

void
sim_set_free(struct sim_set *s)
{
	free(s->slot);
	s->slot = NULL;
}

/* Its slot, or the free one where it belongs. */
static struct sim_key *
find(const struct sim_set *s, struct sim_key k)
{
	size_t at = (size_t)k.low & (s->size - 1);

	while ((s->slot[at].low != 0 || s->slot[at].high != 0) &&
	    !sim_same_key(s->slot[at], k))
		at = (at + 1) & (s->size - 1); /* ends: half is free */
	return &s->slot[at];
}

bool
sim_set_has(const struct sim_set *s, struct sim_key k)
{
	return sim_same_key(*find(s, k), k);
}

bool
sim_set_add(struct sim_set *s, struct sim_key k)
{
	struct sim_key *at = find(s, k);

	if (sim_same_key(*at, k))
		return false;
	assert_true(s->n < s->size / 2);
	*at = k;
	s->n++;
	return true;
}
