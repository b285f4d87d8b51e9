/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile channel between the cards of a world and its issuer, by a seed: it
 * keeps all that was ever said, loses, repeats, delays, misdirects and corrupts
 * it, and cuts the power of a card at any byte that it stores.
 */
#ifndef JZ_TEST_SIM_CHANNEL_H
#define JZ_TEST_SIM_CHANNEL_H

#include "sim.h"

struct channel_count {
	unsigned long delivered, accepted, corrupted, cuts, resets;
	unsigned long payments; /* credited */
	unsigned long given_up, settled;
	/* Refused, for a limit that binds. */
	unsigned long log_full, no_slot, offline_limit, balance_limit;
};

struct channel;

/* The world is lent.  With an even seed cards settle seldom, and their logs and
 * limits fill. */
struct channel *channel_new(struct sim *s, uint64_t seed);
void channel_free(struct channel **c);

/* One step of the adversary.  False when something is wrong: s->wrong. */
bool channel_step(struct channel *c);
/*
 * Hosts that do what they should bring everything to its end: what was paid is
 * credited or paid out, and nothing is in transit any more.
 */
bool channel_finish(struct channel *c);

struct channel_count channel_count(const struct channel *c);

#endif
