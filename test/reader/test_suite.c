/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual cards of both suites: chosen when a card is made, found in its file,
 * side by side in one pool (ALL-6).
 */
#define _POSIX_C_SOURCE 200809L

#include "../../reader/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/bank.h"
#include "../support/temp.h"

#define NOW	  ((int64_t)1768478400) /* 2026-01-15T12:00:00Z */
#define PLACE_MAX 256
#define SUITES	  2
#define PIN	  "123456"

static const enum jz_suite SUITE[SUITES] = {JZ_SUITE_NIST, JZ_SUITE_GM};

struct place {
	char dir[PLACE_MAX - 16], path[PLACE_MAX], key[PLACE_MAX];
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	*state = p;
	assert_true(temp_new(p->dir, sizeof(p->dir), "jiaozi-suite"));
	snprintf(p->path, sizeof(p->path), "%s/a.card", p->dir);
	snprintf(p->key, sizeof(p->key), "%s/a.card.key", p->dir);
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	(void)unlink(p->path);
	(void)unlink(p->key);
	assert_int_equal(rmdir(p->dir), 0); /* nothing else is left */
	free(p);
	return 0;
}

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	return jz_virtual_process(state, cmd, len, rsp, cap);
}

static struct port
port_of(struct jz_virtual *v)
{
	return (struct port){transmit, v};
}

/* What the card's public file says. */
static unsigned
suite_of(struct jz_virtual *v)
{
	static const uint8_t read[] = {0x00, 0xB0, 0x95, 0x00, 0x00};
	const struct port port = port_of(v);
	struct answer a;

	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(
	    port_raw(&port, jz_span(read, sizeof(read)), &a), JZ_SW_OK);
	assert_int_equal(a.len, 30);
	return a.data[29];
}

static void
test_the_file_says_the_suite(void **state)
{
	const struct place *p = *state;

	for (unsigned i = 0; i < SUITES; i++) {
		struct jz_virtual_options o = {
		    .path = p->path, .suite = SUITE[i]};
		struct jz_virtual *v = NULL;

		assert_int_equal(jz_virtual_create(&o, &v), 0);
		assert_int_equal(suite_of(v), SUITE[i]);
		jz_virtual_free(&v);
		/* Whatever the options say: they are of a new card. */
		o.suite = SUITE[1 - i];
		assert_int_equal(jz_virtual_open(&o, &v), 0);
		assert_int_equal(suite_of(v), SUITE[i]);
		jz_virtual_free(&v);
		assert_int_equal(unlink(p->path), 0);
	}
}

static void
test_no_such_suite(void **state)
{
	const struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->path, .suite = 3};
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), JZ_ERR_UNSUPPORTED);
	assert_null(v);
	assert_int_not_equal(access(p->path, F_OK), 0);
	assert_int_not_equal(access(p->key, F_OK), 0);
}

/* Two banks, a card of each in one pool, and a copy of either: each loads. */
static void
test_both_in_one_pool(void **state)
{
	struct jz_virtual_pool *pool = NULL;
	struct jz_virtual *card[SUITES], *copy[SUITES];
	struct jz_engine engine[SUITES];
	struct bank bank[SUITES];

	(void)state;
	assert_int_equal(jz_virtual_pool_new(&pool), 0);
	for (unsigned i = 0; i < SUITES; i++) {
		const struct jz_virtual_options o = {
		    .pool = pool, .compact = true, .suite = SUITE[i]};
		struct profile profile = profile_of("CN00000000100001");
		struct jz_virtual_options other = o;
		struct jz_virtual_snapshot *s = NULL;
		struct port port;

		assert_int_equal(jz_openssl_new(SUITE[i], &engine[i]), 0);
		bank_new(&bank[i], &engine[i], NOW);
		assert_int_equal(jz_virtual_create(&o, &card[i]), 0);
		port = port_of(card[i]);
		assert_int_equal(
		    bank_personalise(&bank[i], &port, &profile), JZ_SW_OK);
		assert_int_equal(jz_virtual_save(card[i], &s), 0);
		other.suite = SUITE[1 - i];
		assert_int_equal(jz_virtual_fork(&other, s, &copy[i]), 0);
		jz_virtual_snapshot_free(&s);
	}
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < SUITES; i++) {
			struct port a = port_of(card[i]);
			struct port b = port_of(copy[i]);

			assert_int_equal(suite_of(card[i]), SUITE[i]);
			assert_int_equal(suite_of(copy[i]), SUITE[i]);
			assert_int_equal(
			    bank_load(&bank[i], &a, PIN, 100), JZ_SW_OK);
			assert_int_equal(
			    bank_load(&bank[i], &b, PIN, 200), JZ_SW_OK);
			assert_int_equal(port_balance(&a), 100 * (round + 1));
			assert_int_equal(port_balance(&b), 200 * (round + 1));
		}
	for (unsigned i = 0; i < SUITES; i++) {
		jz_virtual_free(&card[i]);
		jz_virtual_free(&copy[i]);
		jz_openssl_free(&engine[i]);
	}
	jz_virtual_pool_free(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_the_file_says_the_suite, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_no_such_suite, setup, teardown),
	    cmocka_unit_test(test_both_in_one_pool),
	};

	return cmocka_run_group_tests_name("suite", tests, NULL, NULL);
}
