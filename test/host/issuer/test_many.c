/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/issuer/many.c: numbers are given once, a certificate alone registers
 * nothing, and what is registered is registered once.
 */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

static const uint8_t ORDER_A[JZ_ISSUER_ORDER_BYTES] = {1};
static const uint8_t ORDER_B[JZ_ISSUER_ORDER_BYTES] = {2};
static const uint8_t ORDER_C[JZ_ISSUER_ORDER_BYTES] = {3};

static struct jz_issuer_card
new_card(struct rig *r, uint32_t number, const char *account)
{
	struct jz_issuer_card c = {.number = number};
	struct jz_key_pair key;

	assert_int_equal(r->engine.crypto->generate(r->engine.state, &key), 0);
	memcpy(c.public_key, key.public_key, sizeof(c.public_key));
	snprintf(c.account, sizeof(c.account), "%s", account);
	snprintf(c.holder, sizeof(c.holder), "%s", account);
	return c;
}

static void
test_numbers(void **state)
{
	struct rig *r = *state;
	uint32_t a, again, b;

	assert_int_equal(jz_issuer_reserve(r->issuer, ORDER_A, 0, 10, &a), 0);
	assert_int_equal(
	    jz_issuer_reserve(r->issuer, ORDER_A, 0, 10, &again), 0);
	assert_int_equal(a, again);
	assert_int_equal(jz_issuer_reserve(r->issuer, ORDER_B, 0, 5, &b), 0);
	assert_int_equal(b, a + 10);
	assert_int_equal(
	    jz_issuer_reserve(r->issuer, ORDER_C, b, 1, &again), JZ_ERR_EXISTS);
	assert_int_equal(
	    jz_issuer_reserve(r->issuer, ORDER_C, 0, 0, &again), JZ_ERR_RANGE);
	assert_int_equal(jz_issuer_reserve(r->issuer, ORDER_C,
			     JZ_ISSUER_NUMBER_MAX, 2, &again),
	    JZ_ERR_RANGE);
	/* What was refused has taken none. */
	assert_int_equal(
	    jz_issuer_reserve(r->issuer, ORDER_C, 0, 1, &again), 0);
	assert_int_equal(again, b + 5);
}

static void
test_a_certificate_registers_nothing(void **state)
{
	struct rig *r = *state;
	struct jz_issuer_card c = new_card(r, 500001, "none"), known;
	uint64_t before = rig_snapshot(r);

	assert_int_equal(jz_issuer_certificate(r->issuer, &c), 0);
	assert_true(c.certificate_len > 0);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(
	    jz_issuer_registered(r->issuer, c.id, &known), JZ_ERR_NOT_FOUND);
}

static void
test_registered_once(void **state)
{
	struct rig *r = *state;
	struct jz_issuer_card c[3], other, known = {0};
	uint64_t before;

	assert_int_equal(jz_issuer_account_open(r->issuer, "many", "Many"), 0);
	c[0] = new_card(r, 600001, "many");
	c[1] = new_card(r, 600002, "nobody");
	c[2] = new_card(r, 600003, "600003");
	c[2].own_account = true;
	for (int k = 0; k < 3; k++)
		assert_int_equal(jz_issuer_certificate(r->issuer, &c[k]), 0);
	assert_int_equal(jz_issuer_register(r->issuer, c, 3), 0);
	assert_int_equal(c[0].error, 0);
	assert_int_equal(c[1].error, JZ_ERR_NOT_FOUND);
	assert_int_equal(c[2].error, 0);
	assert_int_equal(jz_issuer_registered(r->issuer, c[2].id, &known), 0);
	assert_memory_equal(
	    known.certificate, c[2].certificate, c[2].certificate_len);
	before = rig_snapshot(r);
	c[1] = c[0];
	assert_int_equal(jz_issuer_register(r->issuer, c, 3), 0);
	other = new_card(r, 600001, "many");
	assert_int_equal(jz_issuer_certificate(r->issuer, &other), 0);
	assert_int_equal(jz_issuer_register(r->issuer, &other, 1), 0);
	assert_int_equal(other.error, JZ_ERR_EXISTS);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(jz_issuer_block_account(r->issuer, "many", true), 0);
	other = new_card(r, 600004, "many");
	assert_int_equal(jz_issuer_certificate(r->issuer, &other), 0);
	assert_int_equal(jz_issuer_register(r->issuer, &other, 1), 0);
	assert_int_equal(other.error, JZ_ERR_STATE);
}

static void
test_bad_cards(void **state)
{
	struct rig *r = *state;
	struct jz_issuer_card c = new_card(r, 0, "x");

	assert_int_equal(jz_issuer_certificate(r->issuer, &c), JZ_ERR_RANGE);
	c.number = JZ_ISSUER_NUMBER_MAX + 1;
	assert_int_equal(jz_issuer_certificate(r->issuer, &c), JZ_ERR_RANGE);
	c = new_card(r, 700001, "tab\there");
	assert_int_equal(jz_issuer_certificate(r->issuer, &c), JZ_ERR_ARGUMENT);
	c = new_card(r, 700001, "x");
	c.public_key[5] ^= 1;
	assert_int_equal(jz_issuer_certificate(r->issuer, &c), JZ_ERR_KEY);
}

/* The same for the same, digits alone, none that anybody would try first. */
static void
test_pins(void **state)
{
	struct rig *r = *state;
	uint8_t salt[JZ_ISSUER_SALT_BYTES] = {7};
	struct jz_secret drawn = {0}, again;
	const uint8_t *pin = jz_secret_span(&drawn).data;
	unsigned digit[10] = {0}, same = 0;

	for (uint32_t n = 1; n <= 20000; n++) {
		int step;

		salt[0] = 7;
		assert_int_equal(
		    jz_issuer_card_pin(r->issuer, salt, n, &drawn), 0);
		assert_int_equal(drawn.len, 6);
		step = pin[1] - pin[0];
		assert_false(step >= -1 && step <= 1 &&
		    pin[2] - pin[1] == step && pin[3] - pin[2] == step &&
		    pin[4] - pin[3] == step && pin[5] - pin[4] == step);
		for (int k = 0; k < 6; k++) {
			assert_in_range(pin[k], '0', '9');
			digit[pin[k] - '0']++;
		}
		assert_int_equal(
		    jz_issuer_card_pin(r->issuer, salt, n, &again), 0);
		assert_true(jz_secret_equal(&drawn, &again));
		salt[0] = 8;
		assert_int_equal(
		    jz_issuer_card_pin(r->issuer, salt, n, &again), 0);
		same += jz_secret_equal(&drawn, &again);
	}
	/* 12000 of each are expected, with a deviation of 104. */
	for (int k = 0; k < 10; k++)
		assert_in_range(digit[k], 11000, 13000);
	assert_true(same < 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_a_certificate_registers_nothing),
	    cmocka_unit_test(test_registered_once),
	    cmocka_unit_test(test_bad_cards),
	    cmocka_unit_test(test_pins),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
