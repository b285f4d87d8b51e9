/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generator with a seed, underneath OpenSSL: for runs that must give the
 * same bytes again, signatures included.  Never for a card that holds money.
 */
#ifndef JZ_KEYS_OPENSSL_SEEDED_H
#define JZ_KEYS_OPENSSL_SEEDED_H

#include <openssl/types.h>
#include <stdint.h>

#include "openssl.h"

#define JZ_SEED_PROVIDERS 2

/*
 * Makes every random byte of this library context follow from the seed: byte
 * string SHA-256(seed || 0), SHA-256(seed || 1), …  To be called before the
 * context's first use of randomness.  0 or JZ_ERR_CRYPTO.
 */
int
jz_openssl_seed(OSSL_LIB_CTX *context, const uint8_t seed[static JZ_SEED_BYTES],
    OSSL_PROVIDER *loaded[static JZ_SEED_PROVIDERS]);
/* Lets go of what that loaded; before the context is freed. */
void jz_openssl_unseed(OSSL_PROVIDER *loaded[static JZ_SEED_PROVIDERS]);

#endif
