/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool with a seed: the same seed and commands give the same bytes.
 */
#include "../../reader/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/bank.h"
#include "../support/payment.h"

#define NOW	   INT64_C(1769904000)
#define YEAR	   (366 * INT64_C(86400))
#define PIN	   "123456"
#define SAID_MAX   (64u * 1024u)
#define HASH_BYTES 32

static const char *const IDS[] = {"CN00000000100001", "CN00000000200001"};

/* All that two cards said, and what they were at the end. */
struct run {
	struct jz_virtual *card[2];
	size_t said;
	uint8_t log[SAID_MAX];
	uint8_t hash[2][HASH_BYTES];
};

struct tap {
	struct run *run;
	struct jz_virtual *card;
};

static size_t
listen(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct tap *t = state;
	size_t n = jz_virtual_process(t->card, cmd, len, rsp, cap);

	assert_true(n <= SAID_MAX - t->run->said);
	memcpy(t->run->log + t->run->said, rsp, n);
	t->run->said += n;
	return n;
}

/* Made, loaded, and the one pays the other. */
static struct run *
run_of(uint8_t seed)
{
	const uint8_t bytes[JZ_VIRTUAL_SEED_BYTES] = {seed};
	const uint8_t bank_bytes[JZ_SEED_BYTES] = {0};
	struct run *r = calloc(1, sizeof(*r));
	struct jz_virtual_options o = {.compact = true};
	struct jz_engine engine;
	struct bank bank;
	struct tap taps[2];
	struct port ports[2];
	struct payment pay;

	assert_non_null(r);
	assert_int_equal(
	    jz_openssl_new_seeded(JZ_SUITE_NIST, bank_bytes, &engine), 0);
	bank_new(&bank, &engine, NOW);
	assert_int_equal(jz_virtual_pool_new_seeded(bytes, NOW, &o.pool), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct profile p = profile_of(IDS[i]);

		assert_int_equal(jz_virtual_create(&o, &r->card[i]), 0);
		taps[i] = (struct tap){r, r->card[i]};
		ports[i] = (struct port){listen, &taps[i]};
		assert_int_equal(
		    bank_personalise(&bank, &ports[i], &p), JZ_SW_OK);
		assert_int_equal(
		    bank_load(&bank, &ports[i], PIN, 20000), JZ_SW_OK);
	}
	assert_int_equal(port_verify(&ports[1], PIN), JZ_SW_OK);
	pay = payment_of(&ports[0], &ports[1], 15000, NOW);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    jz_virtual_image_hash(r->card[i], r->hash[i]), 0);
		jz_virtual_free(&r->card[i]);
	}
	jz_virtual_pool_free(&o.pool);
	jz_openssl_free(&engine);
	return r;
}

static void
test_the_same_seed_gives_the_same_bytes(void **state)
{
	struct run *a = run_of(1), *b = run_of(1), *other = run_of(2);

	(void)state;
	assert_true(a->said > 2048);
	assert_int_equal(a->said, b->said);
	assert_memory_equal(a->log, b->log, a->said);
	assert_memory_equal(a->hash, b->hash, sizeof(a->hash));
	assert_memory_not_equal(a->log, other->log, a->said);
	assert_memory_not_equal(a->hash[0], other->hash[0], HASH_BYTES);
	free(a);
	free(b);
	free(other);
}

/* A certificate that is valid at the pool's time is not so a year before. */
static void
test_the_clock_stands_where_it_was_set(void **state)
{
	const uint8_t seed[JZ_VIRTUAL_SEED_BYTES] = {1};
	struct jz_virtual_options o = {0};
	struct jz_engine engine;
	struct bank bank;
	struct run *r = calloc(1, sizeof(*r));
	struct profile p = profile_of(IDS[0]);
	struct tap tap;
	struct port port;

	(void)state;
	assert_non_null(r);
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &engine), 0);
	bank_new(&bank, &engine, NOW);
	assert_int_equal(
	    jz_virtual_pool_new_seeded(seed, NOW - YEAR, &o.pool), 0);
	assert_int_equal(jz_virtual_create(&o, &r->card[0]), 0);
	tap = (struct tap){r, r->card[0]};
	port = (struct port){listen, &tap};
	assert_int_equal(
	    bank_personalise(&bank, &port, &p), JZ_SW_CERT_NOT_YET);
	jz_virtual_pool_set_time(o.pool, NOW);
	jz_virtual_free(&r->card[0]);
	assert_int_equal(jz_virtual_create(&o, &r->card[0]), 0);
	tap.card = r->card[0];
	assert_int_equal(bank_personalise(&bank, &port, &p), JZ_SW_OK);
	jz_virtual_free(&r->card[0]);
	jz_virtual_pool_free(&o.pool);
	jz_openssl_free(&engine);
	free(r);
}

/* Money that anybody could make again. */
static void
test_a_card_with_a_file_has_no_seed(void **state)
{
	const uint8_t seed[JZ_VIRTUAL_SEED_BYTES] = {1};
	struct jz_virtual_options o = {.path = "seeded.card"};
	struct jz_virtual *v = NULL;

	(void)state;
	assert_int_equal(jz_virtual_pool_new_seeded(seed, NOW, &o.pool), 0);
	assert_int_equal(jz_virtual_create(&o, &v), JZ_ERR_ARGUMENT);
	assert_null(v);
	assert_int_equal(jz_virtual_open(&o, &v), JZ_ERR_ARGUMENT);
	assert_null(v);
	jz_virtual_pool_free(&o.pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same_seed_gives_the_same_bytes),
	    cmocka_unit_test(test_the_clock_stands_where_it_was_set),
	    cmocka_unit_test(test_a_card_with_a_file_has_no_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
