/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs and Diffie-Hellman: FIPS 186-4 B.4.2 (scalars drawn uniformly from
 * 1 to n-1, of SM2 to n-2, GB/T 32918.1 6.1), SP 800-56A 5.7.1.2 (cofactor 1).
 *
 * These work on points directly.  Their keys are mostly ephemeral, and for a
 * key that is used once OpenSSL's key objects cost more than they give.
 */
#include <string.h>

#include <openssl/err.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"

int
jz_openssl_scalar(
    struct jz_openssl *o, const uint8_t key[static JZ_PRIVATE_BYTES])
{
	if (BN_bin2bn(key, JZ_PRIVATE_BYTES, o->scalar) == NULL)
		return JZ_ERR_CRYPTO;
	if (BN_is_zero(o->scalar) || BN_cmp(o->scalar, o->end) >= 0)
		return JZ_ERR_KEY;
	return 0;
}

/* The public point of o->scalar. */
static int
public_of_scalar(
    struct jz_openssl *o, uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	EC_POINT *point = EC_POINT_new(o->group);
	int rc = JZ_ERR_CRYPTO;

	if (point != NULL &&
	    EC_POINT_mul(o->group, point, o->scalar, NULL, NULL, o->bn) == 1 &&
	    EC_POINT_point2oct(o->group, point, POINT_CONVERSION_UNCOMPRESSED,
		public_key, JZ_PUBLIC_BYTES_EC, o->bn) == JZ_PUBLIC_BYTES_EC)
		rc = 0;
	EC_POINT_free(point);
	return rc;
}

int
jz_openssl_generate(void *state, struct jz_key_pair *out)
{
	struct jz_openssl *o = state;
	int rc = JZ_ERR_CRYPTO;

	(void)ERR_set_mark();
	/* Zero comes up once in 2^256 draws: an error then is no loss. */
	if (BN_priv_rand_range_ex(o->scalar, o->end, 0, o->bn) == 1 &&
	    !BN_is_zero(o->scalar) &&
	    BN_bn2binpad(o->scalar, out->private_key, JZ_PRIVATE_BYTES) ==
		JZ_PRIVATE_BYTES)
		rc = public_of_scalar(o, out->public_key);
	BN_clear(o->scalar);
	if (rc != 0)
		jz_wipe(out, sizeof(*out));
	jz_openssl_leave(o);
	(void)ERR_pop_to_mark();
	return rc;
}

int
jz_openssl_derive_public(void *state,
    const uint8_t private_key[static JZ_PRIVATE_BYTES],
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	struct jz_openssl *o = state;
	int rc;

	(void)ERR_set_mark();
	rc = jz_openssl_scalar(o, private_key);
	if (rc == 0)
		rc = public_of_scalar(o, public_key);
	BN_clear(o->scalar);
	if (rc != 0)
		memset(public_key, 0, JZ_PUBLIC_BYTES_EC);
	jz_openssl_leave(o);
	(void)ERR_pop_to_mark();
	return rc;
}

/*
 * x of scalar * peer.  The curve has prime order, so the result is never the
 * point at infinity.
 */
static int
shared_x(struct jz_openssl *o, const EC_POINT *peer, uint8_t out[static 32])
{
	EC_POINT *shared = EC_POINT_new(o->group);
	int rc = JZ_ERR_CRYPTO;

	if (shared != NULL &&
	    EC_POINT_mul(o->group, shared, NULL, peer, o->scalar, o->bn) == 1 &&
	    EC_POINT_get_affine_coordinates(
		o->group, shared, o->x, NULL, o->bn) == 1 &&
	    BN_bn2binpad(o->x, out, 32) == 32)
		rc = 0;
	BN_clear(o->x);
	EC_POINT_clear_free(shared);
	return rc;
}

int
jz_openssl_agree(void *state,
    const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], uint8_t out[static 32])
{
	struct jz_openssl *o = state;
	EC_POINT *peer = NULL;
	int rc;

	(void)ERR_set_mark();
	rc = jz_openssl_scalar(o, private_key);
	if (rc != 0)
		goto out;
	peer = EC_POINT_new(o->group);
	if (peer == NULL) {
		rc = JZ_ERR_CRYPTO;
		goto out;
	}
	/* Decoding checks the equation of the curve. */
	if (public_key[0] != POINT_CONVERSION_UNCOMPRESSED ||
	    EC_POINT_oct2point(
		o->group, peer, public_key, JZ_PUBLIC_BYTES_EC, o->bn) != 1) {
		rc = JZ_ERR_KEY;
		goto out;
	}
	rc = shared_x(o, peer, out);
out:
	EC_POINT_free(peer);
	BN_clear(o->scalar);
	if (rc != 0)
		jz_wipe(out, 32);
	jz_openssl_leave(o);
	(void)ERR_pop_to_mark();
	return rc;
}
