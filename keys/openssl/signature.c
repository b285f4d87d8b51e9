/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA (FIPS 186-4 6) and SM2 (GB/T 32918.2) with raw signatures.  OpenSSL
 * speaks DER, SEQUENCE of two INTEGERs (RFC 3279 2.2.3, GM/T 0009 7.3), so
 * signatures are turned there and back.
 *
 * SM2's digest is that of ZA and the message, ZA being the hash of signer's
 * identity, curve and public key; it is kept with the key.
 *
 * OpenSSL draws each nonce of ECDSA from the private key, the digest and fresh
 * random bytes together, so a generator that repeats does not give the key
 * away.  For SM2 it takes the generator's bytes as they are; we have the
 * generator hedged meanwhile.
 */
#include <string.h>

#include <openssl/err.h>

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"
#include "../secret.h"
#include "internal.h"

#define TAG_INTEGER  0x02
#define TAG_SEQUENCE 0x30
#define HALF	     (JZ_SIG_BYTES / 2)

/* An INTEGER is signed and minimal: no leading zero but before a high bit. */
static void
put_integer(struct jz_buffer *b, const uint8_t half[static HALF])
{
	uint8_t n[1 + HALF] = {0};
	size_t skip = 0;

	memcpy(n + 1, half, HALF);
	while (skip < HALF && n[skip] == 0 && n[skip + 1] < 0x80)
		skip++;
	jz_tlv_put(b, TAG_INTEGER, n + skip, sizeof(n) - skip);
}

static void
raw_to_der(const uint8_t raw[static JZ_SIG_BYTES], struct jz_buffer *der)
{
	size_t mark = jz_tlv_open(der, TAG_SEQUENCE);

	put_integer(der, raw);
	put_integer(der, raw + HALF);
	jz_tlv_close(der, mark);
}

static bool
take_integer(struct jz_cursor *c, uint8_t half[static HALF])
{
	struct jz_span v;

	if (jz_tlv_expect(c, TAG_INTEGER, &v) != 0)
		return false;
	if (v.len == HALF + 1 && v.data[0] == 0)
		v = jz_span(v.data + 1, HALF);
	if (v.len > HALF)
		return false;
	memset(half, 0, HALF - v.len);
	memcpy(half + HALF - v.len, v.data, v.len);
	return true;
}

static bool
der_to_raw(struct jz_span der, uint8_t raw[static JZ_SIG_BYTES])
{
	struct jz_cursor c = jz_cursor(der);
	struct jz_span content;

	if (jz_tlv_expect(&c, TAG_SEQUENCE, &content) != 0)
		return false;
	c = jz_cursor(content);
	return take_integer(&c, raw) && take_integer(&c, raw + HALF);
}

/* The generator's secret for a signature: of key and digest. */
static int
hedge(struct jz_openssl *o, const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t digest[static JZ_HASH_BYTES])
{
	static const char LABEL[] = "jiaozi nonce";
	const struct jz_span parts[] = {jz_span(LABEL, sizeof(LABEL) - 1),
	    jz_span(private_key, JZ_PRIVATE_BYTES),
	    jz_span(digest, JZ_HASH_BYTES)};
	uint8_t secret[JZ_HASH_BYTES];
	int rc = jz_openssl_hash(o, parts, 3, secret);

	if (rc == 0)
		jz_rand_hedge(&o->rand, secret);
	jz_wipe(secret, sizeof(secret));
	return rc;
}

_Static_assert(JZ_HASH_BYTES == JZ_HEDGE_BYTES, "the secret is a hash");

static int
sign_digest(struct jz_openssl *o, EVP_PKEY_CTX *ctx,
    const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t digest[static JZ_HASH_BYTES],
    uint8_t out[static JZ_SIG_BYTES])
{
	uint8_t der[JZ_DER_SIG_MAX] = {0};
	size_t len = sizeof(der);
	int rc = o->suite->sm2 ? hedge(o, private_key, digest) : 0;

	if (rc == 0 &&
	    (EVP_PKEY_sign(ctx, der, &len, digest, JZ_HASH_BYTES) != 1 ||
		len > sizeof(der) || !der_to_raw(jz_span(der, len), out)))
		rc = JZ_ERR_CRYPTO;
	if (o->suite->sm2)
		jz_rand_unhedge(&o->rand);
	return rc;
}

int
jz_openssl_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES])
{
	struct jz_openssl *o = state;
	uint8_t digest[JZ_HASH_BYTES];
	const struct jz_cached_key *k = NULL;
	int rc;

	(void)ERR_set_mark();
	rc = jz_cached_private(o, key, &k);
	if (rc == 0)
		rc = jz_openssl_hash_after(
		    o, o->suite->sm2 ? k->za : NULL, parts, n, digest);
	if (rc == 0)
		rc = sign_digest(o, k->ctx, key->private_key, digest, out);
	if (rc != 0)
		memset(out, 0, JZ_SIG_BYTES);
	jz_openssl_leave(o);
	(void)ERR_pop_to_mark();
	return rc;
}

static int
verify(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES])
{
	uint8_t digest[JZ_HASH_BYTES];
	uint8_t bytes[JZ_DER_SIG_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	const struct jz_cached_key *k = NULL;
	int rc;

	(void)ERR_set_mark();
	rc = jz_cached_public(o, public_key, &k);
	if (rc == 0)
		rc = jz_openssl_hash_after(
		    o, o->suite->sm2 ? k->za : NULL, parts, n, digest);
	if (rc == 0) {
		raw_to_der(sig, &der);
		/*
		 * OpenSSL's negative result, "cannot judge", also comes from
		 * signatures that lead to the point at infinity.
		 */
		if (EVP_PKEY_verify(
			k->ctx, der.data, der.len, digest, sizeof(digest)) != 1)
			rc = JZ_ERR_SIGNATURE;
	}
	(void)ERR_pop_to_mark();
	return rc;
}

/* The same as before, if it was. */
int
jz_openssl_verify(void *state,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES])
{
	struct jz_openssl *o = state;
	uint8_t digest[JZ_HASH_BYTES];
	int rc;

	if (o->verified == NULL)
		return verify(o, public_key, parts, n, sig);
	rc = jz_openssl_hash(o, parts, n, digest);
	if (rc != 0 || jz_verified_has(o, public_key, digest, sig))
		return rc;
	rc = verify(o, public_key, parts, n, sig);
	if (rc == 0)
		jz_verified_add(o, public_key, digest, sig);
	return rc;
}
