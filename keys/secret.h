/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: one type for them, wiping and comparing.  Portable, no allocation.
 *
 * What a person types (PIN, passphrase, a token's PIN, a joint password) and
 * what a host reads from a file or derives (a key that seals a card's file, a
 * master of the cards' keys, half a seed, what a token seals with) is a struct
 * jz_secret from where it comes in to where it is used, and is handed on by
 * address.  Whoever declares one wipes it, on every way out.
 *
 * No function turns it into text, and none can by mistake: its bytes are in a
 * structure of their own, for which no conversion of printf's is right, so that
 * compilers refuse it (-Wformat; test/secrets/unprintable.sh tries).  The way
 * to the bytes is jz_secret_span(), by name, for what computes with them.
 *
 * The border is struct jz_crypto (crypto.h): what stands at it, in card and
 * host alike, has the fixed size that an algorithm wants and is a structure
 * that says what it is (struct jz_key_pair, struct jz_scp03_keys, a working
 * key), wiped by its owner.  Those have no text either.  A PIN in a message is
 * BCD and lives in that message's buffer, which is wiped.
 */
#ifndef JZ_KEYS_SECRET_H
#define JZ_KEYS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../apdu/bytes.h"

#define JZ_SECRET_MAX 256

/* Up to 256 bytes; all zero: empty. */
struct jz_secret {
	struct {
		uint8_t bytes[JZ_SECRET_MAX];
	} hidden;
	size_t len;
};

/* A constant one, of a string literal: for tests, and what everybody knows. */
#define JZ_SECRET(text) (&(const struct jz_secret){{{text}}, sizeof(text) - 1})

/* Empty, and nothing of it left. */
void jz_secret_wipe(struct jz_secret *s);
/* A copy of these bytes; JZ_ERR_SPACE, and then it is empty. */
int jz_secret_set(struct jz_secret *s, struct jz_span bytes);
/* One byte more; JZ_ERR_SPACE. */
int jz_secret_add(struct jz_secret *s, uint8_t byte);
/* No more than the first len bytes: wipes the others. */
void jz_secret_cut(struct jz_secret *s, size_t len);
/*
 * Makes it len zeros, at most JZ_SECRET_MAX, for the one who computes it; lent.
 */
uint8_t *jz_secret_fill(struct jz_secret *s, size_t len);
/* Its bytes, lent: not to be kept, and never to be written for people. */
struct jz_span jz_secret_span(const struct jz_secret *s);
/* Whether they are equal, in time that says nothing of where they differ. */
bool jz_secret_equal(const struct jz_secret *a, const struct jz_secret *b);

/* Sets len bytes to zero, also when the compiler sees no use for it. */
void jz_wipe(void *p, size_t len);

/* Whether the bytes are equal, in time that depends on len alone. */
bool jz_equal_secret(const void *a, const void *b, size_t len);

#endif
