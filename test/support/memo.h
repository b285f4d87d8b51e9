/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine for tests that rewind: what it has computed once it gives again,
 * and its random bytes follow from a seed and a position.
 *
 * A test that runs one command a thousand times, from one snapshot, so gets
 * the same bytes each time, signatures included, and pays for the elliptic
 * curve once.  Hashing and ciphers go through.  Never for a real card: the
 * keys of two cards with one seed are equal.
 */
#ifndef JZ_TEST_SUPPORT_MEMO_H
#define JZ_TEST_SUPPORT_MEMO_H

#include <stdint.h>

#include "../../keys/crypto.h"

struct memo;

/* Wraps `under`, which is lent and must live longer.  0 or JZ_ERR_MEMORY. */
int memo_new(const struct jz_engine *under, struct memo **out);
void memo_free(struct memo **m);

struct jz_engine memo_engine(struct memo *m);

/* Where the random bytes stand; from one position the same bytes follow. */
uint64_t memo_position(const struct memo *m);
void memo_rewind(struct memo *m, uint64_t position);

#endif
