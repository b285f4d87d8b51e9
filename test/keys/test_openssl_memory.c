/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine when memory runs out: every allocation that OpenSSL makes fails
 * once, in turn.  Each call must say so, give nothing out, and work again
 * afterwards (requirement ALL-4).
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <malloc.h>
#include <pthread.h>

#include <openssl/crypto.h>

#define ALLOCATIONS_MAX 5000

/* How many allocations still succeed; negative: all. */
static int left = -1;

static bool
runs_out(void)
{
	if (left < 0)
		return false;
	if (left == 0) {
		left = -1;
		return true;
	}
	left--;
	return false;
}

static void *
test_allocate(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return runs_out() ? NULL : malloc(n);
}

static void *
test_reallocate(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return runs_out() ? NULL : realloc(p, n);
}

static void
test_release(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	/* So that whoever still looks there does not find what was there. */
	if (p != NULL)
		memset(p, 0xEE, malloc_usable_size(p));
	free(p);
}

/* One call whose output is looked at: 0, or an error and zeros. */
struct call {
	const char *name;
	int (*run)(const struct jz_engine *e, uint8_t out[static 128]);
	size_t len;
};

static const struct jz_span PART = {(const uint8_t *)"jiaozi", 6};
static const uint8_t KEY[JZ_KEY_BYTES] = {1};
static const uint8_t IN[32] = {2};
static struct jz_key_pair pair;

static int
run_hash(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->hash(e->state, &PART, 1, out);
}

static int
run_cmac(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->cmac(e->state, KEY, &PART, 1, out);
}

static int
run_cbc(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->cbc(e->state, true, KEY, KEY, IN, out, 32);
}

static int
run_seal(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->seal(e->state, KEY, KEY, PART, IN, 32, out);
}

static int
run_aes_cmac(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->aes_cmac(e->state, KEY, &PART, 1, out);
}

static int
run_aes_cbc(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->aes_cbc(e->state, true, KEY, KEY, IN, out, 32);
}

static int
run_random(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->random(e->state, out, 32);
}

static int
run_generate(const struct jz_engine *e, uint8_t out[static 128])
{
	struct jz_key_pair k;
	int rc;

	memset(&k, 0xEE, sizeof(k));
	rc = e->crypto->generate(e->state, &k);
	memcpy(out, &k, sizeof(k));
	return rc;
}

static int
run_derive(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->derive_public(e->state, pair.private_key, out);
}

static int
run_agree(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->agree(
	    e->state, pair.private_key, pair.public_key, out);
}

static int
run_sign(const struct jz_engine *e, uint8_t out[static 128])
{
	return e->crypto->sign(e->state, &pair, &PART, 1, out);
}

static int
run_scrypt(const struct jz_engine *e, uint8_t out[static 128])
{
	(void)e;
	return jz_openssl_scrypt(JZ_SECRET("p"), PART, 10, 1, 1, out, 32);
}

static const struct call CALLS[] = {
    {"hash", run_hash, JZ_HASH_BYTES},
    {"cmac", run_cmac, JZ_KEY_BYTES},
    {"cbc", run_cbc, 32},
    {"seal", run_seal, 48},
    {"aes_cmac", run_aes_cmac, JZ_KEY_BYTES},
    {"aes_cbc", run_aes_cbc, 32},
    {"random", run_random, 32},
    {"generate", run_generate, sizeof(struct jz_key_pair)},
    {"derive", run_derive, JZ_PUBLIC_BYTES_EC},
    {"agree", run_agree, 32},
    {"sign", run_sign, JZ_SIG_BYTES},
    {"scrypt", run_scrypt, 32},
};

/* Calls with the n-th allocation failing; false when there was no n-th. */
static bool
fails_at(const struct call *c, struct jz_engine *e, int n)
{
	uint8_t out[128];
	bool reached;
	int rc;

	memset(out, 0xEE, sizeof(out));
	jz_openssl_forget(e);
	left = n;
	rc = c->run(e, out);
	reached = left < 0;
	left = -1;
	if (rc != 0 && rc != JZ_ERR_CRYPTO && rc != JZ_ERR_KEY)
		fail_msg("%s at %d: %s", c->name, n, jz_error_name(rc));
	if (rc != 0)
		fx_assert_zero(out, c->len);
	assert_true(rc == 0 || reached);
	return reached;
}

static void
test_calls(void **state)
{
	struct jz_engine *e = *state;
	uint8_t out[128];

	assert_int_equal(e->crypto->generate(e->state, &pair), 0);
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
		int n = 0;

		while (n < ALLOCATIONS_MAX && fails_at(&CALLS[i], e, n))
			n++;
		assert_true(n < ALLOCATIONS_MAX);
		assert_int_equal(CALLS[i].run(e, out), 0);
	}
}

/* A good signature may be refused when memory runs out, a bad one always is. */
static void
test_verify(void **state)
{
	struct jz_engine *e = *state;
	uint8_t signature[JZ_SIG_BYTES];
	int refused = 0, n = 0;
	bool reached = true;
	int rc;

	assert_int_equal(e->crypto->generate(e->state, &pair), 0);
	assert_int_equal(
	    e->crypto->sign(e->state, &pair, &PART, 1, signature), 0);
	for (; reached && n < ALLOCATIONS_MAX; n++) {
		jz_openssl_forget(e);
		left = n;
		rc = e->crypto->verify(
		    e->state, pair.public_key, &PART, 1, signature);
		reached = left < 0;
		left = -1;
		refused += rc != 0;
		jz_openssl_forget(e);
		left = n;
		signature[0] ^= 1;
		rc = e->crypto->verify(
		    e->state, pair.public_key, &PART, 1, signature);
		left = -1;
		signature[0] ^= 1;
		assert_int_not_equal(rc, 0);
	}
	assert_true(n < ALLOCATIONS_MAX);
	assert_true(refused > 0);
	assert_int_equal(
	    e->crypto->verify(e->state, pair.public_key, &PART, 1, signature),
	    0);
}

static void
test_new(void **state)
{
	struct jz_engine e;
	bool reached = true;
	int n, rc;

	(void)state;
	for (n = 0; reached && n < ALLOCATIONS_MAX; n++) {
		memset(&e, 0xEE, sizeof(e));
		left = n;
		rc = jz_openssl_new(fx_suite, &e);
		reached = left < 0;
		left = -1;
		if (rc == 0) {
			jz_openssl_free(&e);
			continue;
		}
		assert_int_equal(rc, JZ_ERR_MEMORY);
		assert_true(reached);
		assert_null(e.state);
		assert_null(e.crypto);
	}
	assert_true(n > 10 && n < ALLOCATIONS_MAX);
	assert_int_equal(jz_openssl_new(fx_suite, &e), 0);
	jz_openssl_free(&e);
}

/* Made and used by one thread, freed by another, and then the first ends. */
struct handed {
	struct jz_engine engine;
	pthread_barrier_t barrier;
	int e;
};

static void *
make_and_use(void *arg)
{
	const struct jz_span part = jz_span("jiaozi", 6);
	struct handed *h = arg;
	struct jz_engine *e = &h->engine;
	uint8_t out[JZ_SIG_BYTES];
	struct jz_key_pair k;

	h->e = jz_openssl_new(fx_suite, e);
	if (h->e == 0)
		h->e = e->crypto->generate(e->state, &k);
	if (h->e == 0)
		h->e = e->crypto->sign(e->state, &k, &part, 1, out);
	if (h->e == 0)
		h->e = e->crypto->agree(
		    e->state, k.private_key, k.public_key, out);
	if (h->e == 0)
		h->e = e->crypto->derive_public(
		    e->state, k.private_key, k.public_key);
	if (h->e == 0)
		h->e = e->crypto->random(e->state, out, sizeof(out));
	(void)pthread_barrier_wait(&h->barrier); /* made */
	(void)pthread_barrier_wait(&h->barrier); /* freed */
	return NULL;
}

static void
test_freed_by_another_thread(void **state)
{
	struct handed h = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_barrier_init(&h.barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, make_and_use, &h), 0);
	(void)pthread_barrier_wait(&h.barrier);
	assert_int_equal(h.e, 0);
	jz_openssl_free(&h.engine);
	(void)pthread_barrier_wait(&h.barrier);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_barrier_destroy(&h.barrier), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_freed_by_another_thread),
	};
	/*
	 * Of suite nist: the other one begins with a library context, and what
	 * OpenSSL 3.0 has made of one it does not free when memory runs out.
	 */
	const struct CMUnitTest nist[] = {
	    cmocka_unit_test(test_new),
	};
	int failed;

	/* Only before OpenSSL's first allocation. */
	if (CRYPTO_set_mem_functions(
		test_allocate, test_reallocate, test_release) != 1)
		return 1;
	failed = FX_RUN_BOTH(tests, fx_open_engine, fx_close_engine);
	fx_suite = JZ_SUITE_NIST;
	return failed +
	    cmocka_run_group_tests(nist, fx_open_engine, fx_close_engine);
}
