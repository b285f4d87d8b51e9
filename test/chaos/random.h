/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that follow from a seed.
 */
#ifndef JZ_TEST_CHAOS_RANDOM_H
#define JZ_TEST_CHAOS_RANDOM_H

#include <stdint.h>

/* Of seeds that are next to each other, too (SplitMix64); not 0. */
static inline uint64_t
random_state(uint64_t seed)
{
	uint64_t z = seed + UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (z ^ z >> 31) | 1;
}

/* xorshift64*; the state is not 0. */
static inline uint64_t
random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}

#endif
