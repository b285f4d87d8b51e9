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

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "../crypto.h"
#include "generator.h"

#define JZ_CACHED_PUBLIC  32
#define JZ_CACHED_PRIVATE 8
/* SEQUENCE of two INTEGERs of up to 33 bytes each. */
#define JZ_DER_SIG_MAX 72
/* Names are copied whole: OpenSSL's parameters want writable strings. */
#define JZ_CIPHER_NAME_MAX 16
#define JZ_GROUP_NAME_MAX  8

/* SM2 hashes this before every message: ENTL, the default identity, a, b, the
 * base point (GB/T 32918.2 5.5); then the public key. */
#define JZ_IDENTITY_BYTES (2 + 16 + 4 * 32)

/* A key as bytes and as OpenSSL wants it; free when ctx is NULL. */
struct jz_cached_key {
	uint8_t bytes[sizeof(struct jz_key_pair)];
	EVP_PKEY_CTX *ctx;	   /* initialised to verify, or to sign */
	uint8_t za[JZ_HASH_BYTES]; /* of a suite whose signature has it */
	uint64_t used;		   /* when, in ticks of the engine */
};

/* A cipher context and the key that it was last set up with. */
struct jz_keyed {
	EVP_CIPHER_CTX *ctx;
	uint8_t key[JZ_KEY_BYTES];
	bool set;
};

/* The same of a CMAC. */
struct jz_keyed_mac {
	EVP_MAC_CTX *ctx;
	uint8_t key[JZ_KEY_BYTES];
	bool set;
};

/* What a block cipher is used for as it is. */
struct jz_block_cipher {
	EVP_CIPHER *cbc_cipher;
	struct jz_keyed cbc[2]; /* decrypts, encrypts */
	struct jz_keyed_mac mac;
};

/* The names of one suite's algorithms, and what its signature is like. */
struct jz_openssl_suite {
	const struct jz_crypto *crypto;
	const char *hash, *seal;
	char cbc[JZ_CIPHER_NAME_MAX];
	const char *key_type;
	char group[JZ_GROUP_NAME_MAX];
	int nid;
	/* SM2's: with an identity in the digest, and a nonce that OpenSSL
	 * draws from the generator alone. */
	bool sm2;
};

struct jz_openssl {
	const struct jz_openssl_suite *suite;
	OSSL_LIB_CTX *lib;   /* owned; NULL: OpenSSL's default */
	struct jz_rand rand; /* of an own context */
	EVP_MD *md;
	EVP_MD_CTX *md_ctx;
	EVP_MAC *mac;
	struct jz_block_cipher block; /* the suite's cipher */
	struct jz_block_cipher aes;   /* where that is not AES; for SCP03 */
	EVP_CIPHER *seal_cipher;
	struct jz_keyed seal;
	struct jz_keyed_mac seal_mac; /* where seal_cipher makes no tag */
	EC_GROUP *group;
	BIGNUM *end; /* private keys are 1 to this, less 1 */
	BN_CTX *bn;
	BIGNUM *scalar;	  /* zero between operations */
	BIGNUM *x;	  /* zero between operations */
	EVP_PKEY *params; /* the curve without a key */
	uint8_t identity[JZ_IDENTITY_BYTES];
	uint64_t tick;
	struct jz_cached_key public_keys[JZ_CACHED_PUBLIC];
	struct jz_cached_key private_keys[JZ_CACHED_PRIVATE];
	struct jz_verified *verified; /* NULL: nothing is remembered */
	size_t verified_sets;
};

/*
 * A public key ready to verify, lent from the cache until the next call.
 * JZ_ERR_KEY when it is not an uncompressed point of the curve.
 */
int jz_cached_public(struct jz_openssl *o,
    const uint8_t key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_cached_key **out);
/*
 * A private key ready to sign, lent from the cache until the next call.
 * JZ_ERR_KEY as jz_openssl_scalar.
 */
int jz_cached_private(struct jz_openssl *o, const struct jz_key_pair *key,
    const struct jz_cached_key **out);
/* Drops all cached keys and wipes them. */
void jz_cached_clear(struct jz_openssl *o);

/* verified.c: o->verified is not NULL.  `digest` is the hash of the message
 * alone, also where the suite signs another. */
bool jz_verified_has(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const uint8_t digest[static JZ_HASH_BYTES],
    const uint8_t sig[static JZ_SIG_BYTES]);
void jz_verified_add(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const uint8_t digest[static JZ_HASH_BYTES],
    const uint8_t sig[static JZ_SIG_BYTES]);
void jz_verified_clear(struct jz_openssl *o);

/*
 * To be called at the end of whatever may have drawn random bytes.  OpenSSL has
 * them from generators of the library context and the thread, and would look
 * for them in a freed context when the thread ends after the engine.
 */
void jz_openssl_leave(struct jz_openssl *o);

/* Reads a private key into o->scalar; the caller clears it.  JZ_ERR_KEY: zero
 * or too high. */
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
/* The same with AES, of a suite whose cipher is another. */
int jz_openssl_aes_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES]);
int jz_openssl_aes_cbc(void *state, bool encrypt,
    const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len);
/* The hash of head, unless it is NULL, and the parts. */
int jz_openssl_hash_after(struct jz_openssl *o, const uint8_t *head,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_HASH_BYTES]);

/* symmetric.c: steps over contexts that are kept; false: OpenSSL failed. */
bool jz_keyed_start(struct jz_keyed *k, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t *iv, bool encrypt);
/* out NULL: associated data.  len has been checked against the maximum. */
bool jz_keyed_update(
    struct jz_keyed *k, uint8_t *out, const uint8_t *in, size_t len);
/* key NULL: the key that it has. */
bool jz_keyed_mac(struct jz_keyed_mac *m, const uint8_t *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES]);
/* Another key takes the place of what they remember. */
void jz_keyed_forget(struct jz_keyed *k);
void jz_keyed_mac_forget(struct jz_keyed_mac *m);
/* OpenSSL counts the bytes of ciphers in int. */
#define JZ_CIPHER_BYTES_MAX ((size_t)INT_MAX)

/* aead.c: GCM, of suite nist. */
int jz_openssl_gcm_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out);
int jz_openssl_gcm_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out);
/* aead.c: CTR and CMAC, of suite gm. */
int jz_openssl_ctr_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out);
int jz_openssl_ctr_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
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

/* signature.c: what the two suites share. */
int jz_openssl_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES]);
int jz_openssl_verify(void *state,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES]);

#endif
