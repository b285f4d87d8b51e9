/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography that cards and hosts stand on, as one const table.
 *
 * A suite has one signature, one hash, one key agreement and one block cipher,
 * all with the same sizes, so that nothing above this header asks which suite
 * it is working with:
 *
 *            signature           hash      cipher    authenticated encryption
 *   nist     ECDSA P-256         SHA-256   AES-128   AES-128-GCM
 *   gm       SM2 (default ID)    SM3       SM4       SM4-CTR + SM4-CMAC
 *
 * Private keys are 32-byte big-endian scalars, public keys uncompressed
 * points, signatures raw r || s.  Messages and hash inputs are lists of spans,
 * taken as if joined.
 *
 * SM2 signs SM3(ZA || message), ZA = SM3(0080 || "1234567812345678" || a || b
 * || base point || public key): GB/T 32918.2 with the default identity of
 * GM/T 0009.  So the public half of the pair that signs must be the right one.
 *
 * No nonce of a signature comes from the random generator alone: another
 * message or key gets another nonce, also from a generator that was set back
 * (docs/adr/0009-randomness.md).
 *
 * SM4-CTR + SM4-CMAC (docs/adr/0010-authenticated-encryption.md), under key K,
 * with CMAC as below and numbers big-endian:
 *
 *   Ke = CMAC(K, 01 || "jiaozi seal" || 00 || 0100)      SP 800-108 4.1
 *   Km = CMAC(K, 02 || "jiaozi seal" || 00 || 0100)
 *   ciphertext = SM4-CTR(Ke, first counter block nonce || 00000001)
 *   tag = CMAC(Km, nonce || length of aad (4 bytes) || aad || ciphertext)
 *
 * The tag is judged first: nothing that was altered is deciphered.
 *
 * The table's functions take the state of their implementation first: for
 * OpenSSL an object with caches, for a chip its coprocessor.  One state is
 * used by one thread at a time.  All return 0 or an error of the 200 range;
 * on error, outputs are zeroed.
 */
#ifndef JZ_KEYS_CRYPTO_H
#define JZ_KEYS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../apdu/bytes.h"

#define JZ_PRIVATE_BYTES    32
#define JZ_PUBLIC_BYTES_EC  65
#define JZ_HASH_BYTES	    32
#define JZ_SIG_BYTES	    64
#define JZ_KEY_BYTES	    16 /* symmetric key, and cipher block */
#define JZ_SEAL_NONCE_BYTES 12
#define JZ_SEAL_TAG_BYTES   16

enum jz_suite {
	JZ_SUITE_NIST = 1,
	JZ_SUITE_GM = 2,
};

struct jz_key_pair {
	uint8_t private_key[JZ_PRIVATE_BYTES];
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
};

struct jz_crypto {
	enum jz_suite suite;
	const char *name; /* "nist", "gm" */
	/* Algorithm OID in certificates (content bytes). */
	uint8_t oid[16];
	uint8_t oid_len;

	int (*random)(void *state, uint8_t *out, size_t len);
	int (*hash)(void *state, const struct jz_span *parts, size_t n,
	    uint8_t out[static JZ_HASH_BYTES]);
	int (*generate)(void *state, struct jz_key_pair *out);
	/* The public key that belongs to a private one; JZ_ERR_KEY. */
	int (*derive_public)(void *state,
	    const uint8_t private_key[static JZ_PRIVATE_BYTES],
	    uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);
	int (*sign)(void *state, const struct jz_key_pair *key,
	    const struct jz_span *parts, size_t n,
	    uint8_t out[static JZ_SIG_BYTES]);
	/* JZ_ERR_SIGNATURE when it does not verify, JZ_ERR_KEY when the public
	 * key is not a point of the curve. */
	int (*verify)(void *state,
	    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
	    const struct jz_span *parts, size_t n,
	    const uint8_t sig[static JZ_SIG_BYTES]);
	/* Diffie-Hellman: the x coordinate; JZ_ERR_KEY for a bad point. */
	int (*agree)(void *state,
	    const uint8_t private_key[static JZ_PRIVATE_BYTES],
	    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
	    uint8_t out[static 32]);
	/* CMAC, NIST SP 800-38B, over the suite's cipher. */
	int (*cmac)(void *state, const uint8_t key[static JZ_KEY_BYTES],
	    const struct jz_span *parts, size_t n,
	    uint8_t out[static JZ_KEY_BYTES]);
	/* CBC without padding; len is a multiple of 16; in may equal out.
	 * JZ_ERR_RANGE. */
	int (*cbc)(void *state, bool encrypt,
	    const uint8_t key[static JZ_KEY_BYTES],
	    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in,
	    uint8_t *out, size_t len);
	/*
	 * Authenticated encryption: out has len bytes and the tag after them.
	 * in may equal out.  A nonce is used once under one key.
	 */
	int (*seal)(void *state, const uint8_t key[static JZ_KEY_BYTES],
	    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
	    const uint8_t *in, size_t len, uint8_t *out);
	/* len counts the tag; out gets len - 16 bytes.  JZ_ERR_DECRYPT. */
	int (*open)(void *state, const uint8_t key[static JZ_KEY_BYTES],
	    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
	    const uint8_t *in, size_t len, uint8_t *out);
	/*
	 * For GlobalPlatform alone, whose secure channel (SCP03) is of AES
	 * whatever the suite: cmac and cbc with AES-128.
	 */
	int (*aes_cmac)(void *state, const uint8_t key[static JZ_KEY_BYTES],
	    const struct jz_span *parts, size_t n,
	    uint8_t out[static JZ_KEY_BYTES]);
	int (*aes_cbc)(void *state, bool encrypt,
	    const uint8_t key[static JZ_KEY_BYTES],
	    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in,
	    uint8_t *out, size_t len);
};

/* A table with its state: what is handed around. */
struct jz_engine {
	const struct jz_crypto *crypto;
	void *state;
};

#endif
