/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random generator of ours underneath OpenSSL, in one library context.
 *
 * It has OpenSSL's own generator for a source, or a seed, for runs that must
 * give the same bytes again, signatures included: never for a card that holds
 * money.
 *
 * While it is hedged, each draw is mixed with a secret that follows from what
 * is signed and with which key.  A signature whose algorithm takes its nonce
 * from the generator alone then has another nonce for another message or key,
 * even where the source says again what it has said (docs/adr/0009).
 */
#ifndef JZ_KEYS_OPENSSL_GENERATOR_H
#define JZ_KEYS_OPENSSL_GENERATOR_H

#include <openssl/types.h>
#include <stdint.h>

#include "openssl.h"

#define JZ_HEDGE_BYTES 32

/* What was loaded into a context; all NULL: nothing. */
struct jz_rand {
	OSSL_PROVIDER *own, *algorithms;
};

/*
 * Makes every random byte of this library context come from a generator of
 * ours, and loads OpenSSL's algorithms.  With a seed (JZ_SEED_BYTES; NULL:
 * OpenSSL's generator) the bytes are SHA-256(seed || 0), SHA-256(seed || 1),
 * ...  To be called before the context's first use of randomness.  0 or
 * JZ_ERR_CRYPTO, and then nothing is loaded.
 */
int
jz_rand_load(OSSL_LIB_CTX *context, const uint8_t *seed, struct jz_rand *out);
/* Wipes it and lets go of what was loaded; before the context is freed. */
void jz_rand_unload(struct jz_rand *g);

/*
 * From now on the i-th block of 32 bytes that is drawn, from 0, is
 * SHA-256(secret || i in 8 bytes || 32 bytes of the source).
 */
void jz_rand_hedge(
    const struct jz_rand *g, const uint8_t secret[static JZ_HEDGE_BYTES]);
/* The source's bytes again; wipes the secret. */
void jz_rand_unhedge(const struct jz_rand *g);

#endif
