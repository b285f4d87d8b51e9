/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of an OpenSSL engine, shared by the files of this folder.
 *
 * Everything that OpenSSL would look up or allocate for each operation is made
 * once: fetched algorithms, contexts, the curve, and a bounded number of
 * parsed keys.  A suite chooses the names of its algorithms and the functions
 * in its table; the state is the same for all.
 */
#ifndef JZ_KEYS_OPENSSL_INTERNAL_H
#define JZ_KEYS_OPENSSL_INTERNAL_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "seeded.h"
#include "../crypto.h"

#define JZ_CACHED_PUBLIC  32
#define JZ_CACHED_PRIVATE 8
/* SEQUENCE of two INTEGERs of up to 33 bytes each. */
#define JZ_DER_SIG_MAX 72
/* Names are copied whole: OpenSSL's parameters want writable strings. */
#define JZ_CIPHER_NAME_MAX 16
#define JZ_GROUP_NAME_MAX  8

/* A key as bytes and as OpenSSL wants it; free when ctx is NULL. */
struct jz_cached_key {
	uint8_t bytes[JZ_PUBLIC_BYTES_EC];
	EVP_PKEY_CTX *ctx; /* initialised to verify, or to sign */
	uint64_t used;	   /* when, in ticks of the engine */
};

/* A cipher context and the key that it was last set up with. */
struct jz_keyed {
	EVP_CIPHER_CTX *ctx;
	uint8_t key[JZ_KEY_BYTES];
	bool set;
};

/* The names of one suite's algorithms. */
struct jz_openssl_suite {
	const struct jz_crypto *crypto;
	const char *hash, *aead;
	char cbc[JZ_CIPHER_NAME_MAX];
	char group[JZ_GROUP_NAME_MAX];
	int nid;
};

struct jz_openssl {
	OSSL_LIB_CTX *lib; /* owned; NULL: OpenSSL's default */
	OSSL_PROVIDER *seeded[JZ_SEED_PROVIDERS]; /* of a seeded engine */
	EVP_MD *md;
	EVP_MD_CTX *md_ctx;
	EVP_MAC *mac;
	EVP_MAC_CTX *mac_ctx;
	uint8_t mac_key[JZ_KEY_BYTES];
	bool mac_set;
	EVP_CIPHER *cbc_cipher;
	EVP_CIPHER *aead_cipher;
	struct jz_keyed cbc[2]; /* decrypts, encrypts */
	struct jz_keyed aead;
	EC_GROUP *group;
	BN_CTX *bn;
	BIGNUM *scalar;		/* zero between operations */
	BIGNUM *x;		/* zero between operations */
	const char *group_name; /* JZ_GROUP_NAME_MAX bytes */
	EVP_PKEY *params;	/* the curve without a key */
	uint64_t tick;
	struct jz_cached_key public_keys[JZ_CACHED_PUBLIC];
	struct jz_cached_key private_keys[JZ_CACHED_PRIVATE];
};

/*
 * A context that verifies under this public key, lent from the cache.
 * JZ_ERR_KEY when it is not an uncompressed point of the curve.
 */
int jz_cached_public(struct jz_openssl *o,
    const uint8_t key[static JZ_PUBLIC_BYTES_EC], EVP_PKEY_CTX **out);
/*
 * A context that signs with this private key, lent from the cache.
 * JZ_ERR_KEY when it is zero or not below the order.
 */
int jz_cached_private(struct jz_openssl *o,
    const uint8_t key[static JZ_PRIVATE_BYTES], EVP_PKEY_CTX **out);
/* Drops all cached keys and wipes them. */
void jz_cached_clear(struct jz_openssl *o);

/* Reads a private key into o->scalar; the caller clears it.  JZ_ERR_KEY. */
int jz_openssl_scalar(
    struct jz_openssl *o, const uint8_t key[static JZ_PRIVATE_BYTES]);

/* symmetric.c: what the two suites share. */
int jz_openssl_random(void *state, uint8_t *out, size_t len);
int jz_openssl_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES]);
int jz_openssl_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES]);
int jz_openssl_cbc(void *state, bool encrypt,
    const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len);
/* symmetric.c: GCM, of suite nist. */
int jz_openssl_gcm_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out);
int jz_openssl_gcm_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out);

/* curve.c: what the two suites share. */
int jz_openssl_generate(void *state, struct jz_key_pair *out);
int jz_openssl_derive_public(void *state,
    const uint8_t private_key[static JZ_PRIVATE_BYTES],
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);
int jz_openssl_agree(void *state,
    const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    uint8_t out[static 32]);

/* ecdsa.c: of suite nist. */
int jz_openssl_ecdsa_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES]);
int jz_openssl_ecdsa_verify(void *state,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES]);

#endif
