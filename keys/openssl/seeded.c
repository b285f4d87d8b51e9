/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenSSL 3 provider with one algorithm, a random generator (EVP_RAND,
 * provider-rand(7)) that is set from a seed.  It replaces the generator of one
 * library context, so that key generation, nonces and signatures of that
 * context repeat, and no other context notices.
 */
#include "seeded.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../secret.h"

#define SEED_NAME     "JIAOZI-SEEDED"
#define SEED_PROVIDER "jiaozi-seeded"
#define SEED_PARAM    "seed"
#define BLOCK_BYTES   32
#define MAX_REQUEST   65536
#define STRENGTH      256

/* One for each library context; shared by its three generators. */
struct seeded {
	uint8_t seed[JZ_SEED_BYTES];
	uint64_t counter;
	uint8_t block[BLOCK_BYTES];
	size_t left;
};

static void *
rand_new(void *provider, void *parent, const OSSL_DISPATCH *calls)
{
	(void)parent;
	(void)calls;
	return provider;
}

static void
rand_free(void *state)
{
	(void)state; /* lives with the provider */
}

static int
rand_instantiate(void *state, unsigned int strength, int resistance,
    const unsigned char *pers, size_t pers_len, const OSSL_PARAM params[])
{
	(void)state;
	(void)strength;
	(void)resistance;
	(void)pers;
	(void)pers_len;
	(void)params;
	return 1;
}

static int
rand_uninstantiate(void *state)
{
	(void)state;
	return 1;
}

static int
next_block(struct seeded *s)
{
	uint8_t in[JZ_SEED_BYTES + 8];

	memcpy(in, s->seed, JZ_SEED_BYTES);
	for (unsigned i = 0; i < 8; i++)
		in[JZ_SEED_BYTES + i] = (uint8_t)(s->counter >> (56 - 8 * i));
	s->counter++;
	s->left = BLOCK_BYTES;
	return EVP_Digest(in, sizeof(in), s->block, NULL, EVP_sha256(), NULL);
}

static int
rand_generate(void *state, unsigned char *out, size_t len,
    unsigned int strength, int resistance, const unsigned char *extra,
    size_t extra_len)
{
	struct seeded *s = state;

	(void)strength;
	(void)resistance;
	(void)extra;
	(void)extra_len;
	while (len > 0) {
		size_t n;

		if (s->left == 0 && next_block(s) != 1)
			return 0;
		n = len < s->left ? len : s->left;
		memcpy(out, s->block + BLOCK_BYTES - s->left, n);
		s->left -= n;
		out += n;
		len -= n;
	}
	return 1;
}

static int
rand_lock(void *state)
{
	(void)state; /* an engine belongs to one thread */
	return 1;
}

static void
rand_unlock(void *state)
{
	(void)state;
}

static int
rand_get_params(void *state, OSSL_PARAM params[])
{
	OSSL_PARAM *p;

	(void)state;
	p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
	if (p != NULL && !OSSL_PARAM_set_int(p, EVP_RAND_STATE_READY))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
	if (p != NULL && !OSSL_PARAM_set_uint(p, STRENGTH))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
	if (p != NULL && !OSSL_PARAM_set_size_t(p, MAX_REQUEST))
		return 0;
	return 1;
}

static int
rand_set_params(void *state, const OSSL_PARAM params[])
{
	struct seeded *s = state;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, SEED_PARAM);

	if (p == NULL)
		return 1;
	if (p->data_size != JZ_SEED_BYTES)
		return 0;
	memcpy(s->seed, p->data, JZ_SEED_BYTES);
	s->counter = 0;
	s->left = 0;
	return 1;
}

/* The casts to void (*)(void) are how OpenSSL's dispatch tables are made. */
#define CALL(id, function)                                                     \
	{                                                                      \
		id, (void (*)(void))(function)                                 \
	}

static const OSSL_DISPATCH RAND_CALLS[] = {
    CALL(OSSL_FUNC_RAND_NEWCTX, rand_new),
    CALL(OSSL_FUNC_RAND_FREECTX, rand_free),
    CALL(OSSL_FUNC_RAND_INSTANTIATE, rand_instantiate),
    CALL(OSSL_FUNC_RAND_UNINSTANTIATE, rand_uninstantiate),
    CALL(OSSL_FUNC_RAND_GENERATE, rand_generate),
    CALL(OSSL_FUNC_RAND_ENABLE_LOCKING, rand_lock),
    CALL(OSSL_FUNC_RAND_LOCK, rand_lock),
    CALL(OSSL_FUNC_RAND_UNLOCK, rand_unlock),
    CALL(OSSL_FUNC_RAND_GET_CTX_PARAMS, rand_get_params),
    CALL(OSSL_FUNC_RAND_SET_CTX_PARAMS, rand_set_params),
    {0, NULL},
};

static const OSSL_ALGORITHM RANDS[] = {
    {SEED_NAME, "provider=" SEED_PROVIDER, RAND_CALLS, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *
provider_query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_RAND ? RANDS : NULL;
}

static void
provider_teardown(void *provider)
{
	OPENSSL_clear_free(provider, sizeof(struct seeded));
}

static const OSSL_DISPATCH PROVIDER_CALLS[] = {
    CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
    CALL(OSSL_FUNC_PROVIDER_TEARDOWN, provider_teardown),
    {0, NULL},
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provider)
{
	(void)handle;
	(void)in;
	*provider = OPENSSL_zalloc(sizeof(struct seeded));
	*out = PROVIDER_CALLS;
	return *provider != NULL;
}

static bool
replace_generator(OSSL_LIB_CTX *context, const OSSL_PARAM *params,
    OSSL_PROVIDER *loaded[static JZ_SEED_PROVIDERS])
{
	EVP_RAND_CTX *primary;

	if (OSSL_PROVIDER_add_builtin(context, SEED_PROVIDER, provider_init) !=
		1 ||
	    (loaded[0] = OSSL_PROVIDER_load(context, SEED_PROVIDER)) == NULL ||
	    (loaded[1] = OSSL_PROVIDER_load(context, "default")) == NULL ||
	    RAND_set_DRBG_type(context, SEED_NAME, NULL, NULL, NULL) != 1)
		return false;
	primary = RAND_get0_primary(context);
	return primary != NULL && EVP_RAND_CTX_set_params(primary, params) == 1;
}

int
jz_openssl_seed(OSSL_LIB_CTX *context, const uint8_t seed[static JZ_SEED_BYTES],
    OSSL_PROVIDER *loaded[static JZ_SEED_PROVIDERS])
{
	uint8_t copy[JZ_SEED_BYTES];
	OSSL_PARAM params[2];
	bool good;

	memcpy(copy, seed, sizeof(copy));
	loaded[0] = loaded[1] = NULL;
	params[0] =
	    OSSL_PARAM_construct_octet_string(SEED_PARAM, copy, sizeof(copy));
	params[1] = OSSL_PARAM_construct_end();
	good = replace_generator(context, params, loaded);
	jz_wipe(copy, sizeof(copy));
	if (good)
		return 0;
	jz_openssl_unseed(loaded);
	return JZ_ERR_CRYPTO;
}

void
jz_openssl_unseed(OSSL_PROVIDER *loaded[static JZ_SEED_PROVIDERS])
{
	for (unsigned i = 0; i < JZ_SEED_PROVIDERS; i++) {
		if (loaded[i] != NULL)
			(void)OSSL_PROVIDER_unload(loaded[i]);
		loaded[i] = NULL;
	}
}
