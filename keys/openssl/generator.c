/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenSSL 3 provider with one algorithm, a random generator (EVP_RAND,
 * provider-rand(7)).  It takes the place of the generator of one library
 * context, and no other context notices.
 */
#include "generator.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#include "../../apdu/bytes.h"
#include "../../apdu/error.h"
#include "../secret.h"

#define RAND_NAME     "JIAOZI"
#define RAND_PROVIDER "jiaozi"
#define BLOCK_BYTES   32
#define COUNTER_BYTES 8
#define MAX_REQUEST   65536
#define STRENGTH      256

/* One for each library context; shared by its three generators. */
struct source {
	bool seeded;
	uint8_t seed[JZ_SEED_BYTES];
	uint64_t counter;
	uint8_t block[BLOCK_BYTES];
	size_t left;
	bool hedged;
	uint8_t secret[JZ_HEDGE_BYTES];
	uint64_t drawn; /* blocks, since it is hedged */
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

/* SHA-256(head || n || tail): the next block of either kind. */
static int
make_block(const uint8_t head[static BLOCK_BYTES], uint64_t n,
    struct jz_span tail, uint8_t out[static BLOCK_BYTES])
{
	uint8_t in[BLOCK_BYTES + COUNTER_BYTES + BLOCK_BYTES];
	size_t len = BLOCK_BYTES + COUNTER_BYTES;
	int good;

	memcpy(in, head, BLOCK_BYTES);
	jz_set_be(in + BLOCK_BYTES, COUNTER_BYTES, n);
	if (tail.len > 0)
		memcpy(in + len, tail.data, tail.len);
	good = EVP_Digest(in, len + tail.len, out, NULL, EVP_sha256(), NULL);
	jz_wipe(in, sizeof(in));
	return good;
}

static int
draw_seeded(struct source *s, uint8_t *out, size_t len)
{
	while (len > 0) {
		size_t n;

		if (s->left == 0) {
			if (make_block(s->seed, s->counter, jz_span(NULL, 0),
				s->block) != 1)
				return 0;
			s->counter++;
			s->left = BLOCK_BYTES;
		}
		n = len < s->left ? len : s->left;
		memcpy(out, s->block + BLOCK_BYTES - s->left, n);
		s->left -= n;
		out += n;
		len -= n;
	}
	return 1;
}

static int
draw(struct source *s, uint8_t *out, size_t len)
{
	return s->seeded ? draw_seeded(s, out, len)
			 : RAND_priv_bytes_ex(NULL, out, len, 0);
}

static int
draw_hedged(struct source *s, uint8_t *out, size_t len)
{
	uint8_t raw[BLOCK_BYTES], mixed[BLOCK_BYTES];
	int good = 1;

	while (good == 1 && len > 0) {
		size_t n = len < BLOCK_BYTES ? len : BLOCK_BYTES;

		good = draw(s, raw, sizeof(raw));
		if (good == 1)
			good = make_block(s->secret, s->drawn++,
			    jz_span(raw, sizeof(raw)), mixed);
		if (good == 1)
			memcpy(out, mixed, n);
		out += n;
		len -= n;
	}
	jz_wipe(raw, sizeof(raw));
	jz_wipe(mixed, sizeof(mixed));
	return good;
}

static int
rand_generate(void *state, unsigned char *out, size_t len,
    unsigned int strength, int resistance, const unsigned char *extra,
    size_t extra_len)
{
	struct source *s = state;

	(void)strength;
	(void)resistance;
	(void)extra;
	(void)extra_len;
	return s->hedged ? draw_hedged(s, out, len) : draw(s, out, len);
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
    {0, NULL},
};

static const OSSL_ALGORITHM RANDS[] = {
    {RAND_NAME, "provider=" RAND_PROVIDER, RAND_CALLS, NULL},
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
	OPENSSL_clear_free(provider, sizeof(struct source));
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
	*provider = OPENSSL_zalloc(sizeof(struct source));
	*out = PROVIDER_CALLS;
	return *provider != NULL;
}

static bool
load(OSSL_LIB_CTX *context, const uint8_t *seed, struct jz_rand *g)
{
	struct source *s;

	if (OSSL_PROVIDER_add_builtin(context, RAND_PROVIDER, provider_init) !=
		1 ||
	    (g->own = OSSL_PROVIDER_load(context, RAND_PROVIDER)) == NULL ||
	    (g->algorithms = OSSL_PROVIDER_load(context, "default")) == NULL ||
	    RAND_set_DRBG_type(context, RAND_NAME, NULL, NULL, NULL) != 1)
		return false;
	s = OSSL_PROVIDER_get0_provider_ctx(g->own);
	if (seed != NULL) {
		memcpy(s->seed, seed, JZ_SEED_BYTES);
		s->seeded = true;
	}
	/* Now, so that no later draw has to make it. */
	return RAND_get0_primary(context) != NULL;
}

int
jz_rand_load(OSSL_LIB_CTX *context, const uint8_t *seed, struct jz_rand *out)
{
	memset(out, 0, sizeof(*out));
	if (load(context, seed, out))
		return 0;
	jz_rand_unload(out);
	return JZ_ERR_CRYPTO;
}

void
jz_rand_unload(struct jz_rand *g)
{
	if (g->own != NULL)
		(void)OSSL_PROVIDER_unload(g->own);
	if (g->algorithms != NULL)
		(void)OSSL_PROVIDER_unload(g->algorithms);
	memset(g, 0, sizeof(*g));
}

void
jz_rand_hedge(
    const struct jz_rand *g, const uint8_t secret[static JZ_HEDGE_BYTES])
{
	struct source *s = OSSL_PROVIDER_get0_provider_ctx(g->own);

	memcpy(s->secret, secret, sizeof(s->secret));
	s->drawn = 0;
	s->hedged = true;
}

void
jz_rand_unhedge(const struct jz_rand *g)
{
	struct source *s = OSSL_PROVIDER_get0_provider_ctx(g->own);

	s->hedged = false;
	jz_wipe(s->secret, sizeof(s->secret));
}
