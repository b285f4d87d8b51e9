/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct jz_crypto filled by OpenSSL 3.
 *
 * An engine holds fetched algorithms, contexts and parsed keys, so that a
 * signature costs what OpenSSL's own benchmark says.  One engine is used by
 * one thread at a time, and may be handed on and freed by another.
 *
 * Caveat: keys that were used stay in the engine's memory until others take
 * their place, or until jz_openssl_forget() or jz_openssl_free().
 */
#ifndef JZ_KEYS_OPENSSL_H
#define JZ_KEYS_OPENSSL_H

#include "../crypto.h"
#include "../secret.h"

#define JZ_SEED_BYTES 32

/* JZ_ERR_MEMORY; JZ_ERR_UNSUPPORTED for a suite that this build lacks. */
int jz_openssl_new(enum jz_suite suite, struct jz_engine *out);
/*
 * As jz_openssl_new, with every random byte following from the seed: the same
 * calls give the same keys, nonces and signatures.  For tests and worked
 * examples, never for a card that holds money.
 */
int jz_openssl_new_seeded(enum jz_suite suite,
    const uint8_t seed[static JZ_SEED_BYTES], struct jz_engine *out);
/* Wipes what the engine holds and clears *engine; takes NULL. */
void jz_openssl_free(struct jz_engine *engine);
/*
 * Wipes the keys that the engine remembers: the last few public and private
 * ones and the last key of each cipher.  It goes on working.
 */
void jz_openssl_forget(struct jz_engine *engine);

/*
 * From now on the engine remembers about n signatures that it has found good,
 * the last ones, by key, message and signature: the same three again are good
 * for the price of a hash.  For an issuer, who looks at the same certificates
 * with every record.  JZ_ERR_MEMORY: it remembers none, or as many as before.
 */
int jz_openssl_remember(struct jz_engine *engine, size_t n);
/* What another engine of the suite has verified, for this one to remember; the
 * caller vouches for it.  Nothing when it remembers none. */
int jz_openssl_verified(struct jz_engine *engine,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES]);

/*
 * scrypt (RFC 7914); n_log2 10-20, r 1-32, p 1-16.  JZ_ERR_RANGE,
 * JZ_ERR_CRYPTO; then out is zeroed.
 */
int jz_openssl_scrypt(const struct jz_secret *passphrase, struct jz_span salt,
    unsigned n_log2, uint32_t r, uint32_t p, uint8_t *out, size_t len);

#endif
