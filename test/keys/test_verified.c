/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that are remembered: never another one than was verified
 * (requirement ALL-4).
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include "../../keys/openssl/internal.h"
#include "../support/stride.h"

#define MANY 200u

struct signed_message {
	struct jz_key_pair key;
	uint8_t message[40], signature[JZ_SIG_BYTES];
};

static int
verify(const struct jz_engine *e, const struct signed_message *m)
{
	struct jz_span part = jz_span(m->message, sizeof(m->message));

	return e->crypto->verify(
	    e->state, m->key.public_key, &part, 1, m->signature);
}

static void
make(const struct jz_engine *e, struct signed_message *m, uint8_t first)
{
	struct jz_span part = jz_span(m->message, sizeof(m->message));

	memset(m, 0, sizeof(*m));
	m->message[0] = first;
	assert_int_equal(e->crypto->generate(e->state, &m->key), 0);
	assert_int_equal(
	    e->crypto->sign(e->state, &m->key, &part, 1, m->signature), 0);
}

static bool
remembered(const struct jz_engine *e, const struct signed_message *m)
{
	struct jz_span part = jz_span(m->message, sizeof(m->message));
	uint8_t digest[JZ_HASH_BYTES];

	assert_int_equal(e->crypto->hash(e->state, &part, 1, digest), 0);
	return jz_verified_has(
	    e->state, m->key.public_key, digest, m->signature);
}

/* Each bit of each of the three makes another one. */
static void
test_only_the_same(void **state)
{
	struct jz_engine *e = *state;
	struct signed_message m, other, bad;

	make(e, &m, 1);
	make(e, &other, 1);
	assert_int_equal(jz_openssl_remember(e, 64), 0);
	assert_false(remembered(e, &m));
	assert_int_equal(verify(e, &m), 0);
	assert_true(remembered(e, &m));
	assert_int_equal(verify(e, &m), 0);
	for (size_t bit = 0; bit < 8 * sizeof(m.message);
	     bit += 3 * test_stride()) {
		bad = m;
		bad.message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(verify(e, &bad), JZ_ERR_SIGNATURE);
		assert_false(remembered(e, &bad));
	}
	for (size_t bit = 0; bit < 8 * JZ_SIG_BYTES; bit += test_stride()) {
		bad = m;
		bad.signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(verify(e, &bad), JZ_ERR_SIGNATURE);
		assert_false(remembered(e, &bad));
	}
	bad = m;
	memcpy(bad.key.public_key, other.key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(verify(e, &bad), JZ_ERR_SIGNATURE);
	bad.key.public_key[0] = 0x06; /* the hybrid form */
	assert_int_equal(verify(e, &bad), JZ_ERR_KEY);
	/* Once refused, always. */
	assert_int_equal(verify(e, &bad), JZ_ERR_KEY);
}

/* More than there is room for: the last stay, and the table does not grow. */
static void
test_bounded(void **state)
{
	static struct signed_message m[MANY];
	struct jz_engine *e = *state;
	struct jz_openssl *o = e->state;
	unsigned left = 0;
	size_t sets;

	assert_int_equal(jz_openssl_remember(e, 16), 0);
	sets = o->verified_sets;
	for (unsigned i = 0; i < MANY; i++) {
		make(e, &m[i], (uint8_t)i);
		assert_int_equal(verify(e, &m[i]), 0);
		assert_true(remembered(e, &m[i]));
	}
	for (unsigned i = 0; i < MANY; i++)
		left += remembered(e, &m[i]);
	assert_int_equal(o->verified_sets, sets);
	assert_true(left <= 4 * sets);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(verify(e, &m[i]), 0);
	jz_openssl_forget(e);
	for (unsigned i = 0; i < MANY; i++)
		assert_false(remembered(e, &m[i]));
}

/* What another engine has verified. */
static void
test_told(void **state)
{
	struct jz_engine *e = *state;
	struct signed_message m;
	struct jz_span part = jz_span(m.message, sizeof(m.message));

	make(e, &m, 7);
	assert_int_equal(
	    jz_openssl_verified(e, m.key.public_key, &part, 1, m.signature), 0);
	assert_null(((struct jz_openssl *)e->state)->verified);
	assert_int_equal(jz_openssl_remember(e, 16), 0);
	assert_int_equal(
	    jz_openssl_verified(e, m.key.public_key, &part, 1, m.signature), 0);
	assert_true(remembered(e, &m));
	/* A larger table is another one, a smaller one the same. */
	assert_int_equal(jz_openssl_remember(e, 8), 0);
	assert_true(remembered(e, &m));
	assert_int_equal(jz_openssl_remember(e, 4096), 0);
	assert_false(remembered(e, &m));
	assert_int_equal(verify(e, &m), 0);
}

/* An engine for each test. */
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fx_open_engine, fx_close_engine)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_only_the_same),
	    TEST(test_bounded),
	    TEST(test_told),
	};

	return FX_RUN_BOTH(tests, NULL, NULL);
}
