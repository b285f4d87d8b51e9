/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that have been verified, by all that went into the verdict: key,
 * digest of the message, signature.  Who comes with the same three again is
 * told the same, without the curve's arithmetic.
 *
 * A bounded table of sets, the entry used longest ago out first.  Only good
 * signatures are in it, so that nobody can push out another's with bad ones.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "../../apdu/error.h"
#include "internal.h"

#define WAYS	 4u
#define SETS_MAX (1u << 20)
#define INDEX_AT (JZ_SIG_BYTES / 2) /* s is as good as random */

struct jz_verified {
	uint64_t used; /* 0: free */
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	uint8_t digest[JZ_HASH_BYTES], signature[JZ_SIG_BYTES];
};

int
jz_openssl_remember(struct jz_engine *engine, size_t n)
{
	struct jz_openssl *o = engine->state;
	size_t sets = 1;

	while (sets < SETS_MAX && sets * WAYS < n)
		sets *= 2;
	if (o->verified != NULL && o->verified_sets >= sets)
		return 0;
	OPENSSL_free(o->verified);
	o->verified_sets = 0;
	(void)ERR_set_mark();
	o->verified = OPENSSL_zalloc(sets * WAYS * sizeof(*o->verified));
	(void)ERR_pop_to_mark();
	if (o->verified == NULL)
		return JZ_ERR_MEMORY;
	o->verified_sets = sets;
	return 0;
}

void
jz_verified_clear(struct jz_openssl *o)
{
	if (o->verified != NULL)
		memset(o->verified, 0,
		    o->verified_sets * WAYS * sizeof(*o->verified));
}

/* The entry, or the one to be replaced, with *hit. */
static struct jz_verified *
find(struct jz_openssl *o, const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const uint8_t digest[static JZ_HASH_BYTES],
    const uint8_t sig[static JZ_SIG_BYTES], bool *hit)
{
	const uint8_t *s = sig + INDEX_AT;
	size_t index = (size_t)s[0] << 16 | (size_t)s[1] << 8 | s[2];
	struct jz_verified *set =
	    &o->verified[(index & (o->verified_sets - 1)) * WAYS];
	struct jz_verified *oldest = set;

	*hit = true;
	for (size_t i = 0; i < WAYS; i++) {
		struct jz_verified *v = &set[i];

		if (v->used != 0 &&
		    memcmp(v->signature, sig, JZ_SIG_BYTES) == 0 &&
		    memcmp(v->digest, digest, JZ_HASH_BYTES) == 0 &&
		    memcmp(v->public_key, public_key, JZ_PUBLIC_BYTES_EC) == 0)
			return v;
		if (v->used < oldest->used)
			oldest = v;
	}
	*hit = false;
	return oldest;
}

bool
jz_verified_has(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const uint8_t digest[static JZ_HASH_BYTES],
    const uint8_t sig[static JZ_SIG_BYTES])
{
	struct jz_verified *v;
	bool hit;

	v = find(o, public_key, digest, sig, &hit);
	if (hit)
		v->used = ++o->tick;
	return hit;
}

void
jz_verified_add(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const uint8_t digest[static JZ_HASH_BYTES],
    const uint8_t sig[static JZ_SIG_BYTES])
{
	struct jz_verified *v;
	bool hit;

	v = find(o, public_key, digest, sig, &hit);
	memcpy(v->public_key, public_key, JZ_PUBLIC_BYTES_EC);
	memcpy(v->digest, digest, JZ_HASH_BYTES);
	memcpy(v->signature, sig, JZ_SIG_BYTES);
	v->used = ++o->tick;
}

int
jz_openssl_verified(struct jz_engine *engine,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES])
{
	struct jz_openssl *o = engine->state;
	uint8_t digest[JZ_HASH_BYTES];
	int rc;

	if (o->verified == NULL)
		return 0;
	rc = jz_openssl_hash(o, parts, n, digest);
	if (rc == 0)
		jz_verified_add(o, public_key, digest, sig);
	return rc;
}
