/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of hashes, as large as it is made.
 */
#ifndef JZ_TEST_SIM_SET_H
#define JZ_TEST_SIM_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_key {
	uint64_t low, high; /* not both 0 */
};

/* Open-addressed. */
struct sim_set {
	struct sim_key *slot;
	size_t size, n;
};

/* size: a power of two; half of it can be used, more fails the test. */
void sim_set_new(struct sim_set *s, size_t size);
void sim_set_free(struct sim_set *s);
/* Whether the key was not there. */
bool sim_set_add(struct sim_set *s, struct sim_key k);
bool sim_set_has(const struct sim_set *s, struct sim_key k);

static inline bool
sim_same_key(struct sim_key a, struct sim_key b)
{
	return a.low == b.low && a.high == b.high;
}

#endif
