/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card with display and keys whose holder confirms a load or a payment there,
 * seen from outside: APDUs on one side, the keys in the holder's hand on the other.  The
 * card is one in this process; who judges one in a reader presses its keys
 * himself.
 */
#include "../support/conform.h"
#include "../support/hand.h"
#include "../support/suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../reader/virtual.h"

#define ID     "CN00000000700001"
#define ABOVE  10000u /* of profile_of(): without the PIN */
#define AMOUNT (ABOVE + 23)
#define LOAD   2500u

struct key {
	struct jz_virtual *v;
	struct port port;
};

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	return jz_virtual_process(state, cmd, len, rsp, cap);
}

static void
key_of(struct conform *c, struct key *k, uint8_t confirm)
{
	const struct jz_virtual_options o = {
	    .suite = test_suite(), .panel = true};
	struct profile p = profile_of(ID);

	p.profile = c->profile;
	p.confirm = confirm;
	k->v = NULL;
	assert_int_equal(jz_virtual_create(&o, &k->v), 0);
	k->port = (struct port){transmit, k->v};
	assert_int_equal(bank_personalise(&c->bank, &k->port, &p), JZ_SW_OK);
}

static void
key_new(struct conform *c, struct key *k)
{
	key_of(c, k, JZ_CONFIRM_PAYMENTS);
	assert_int_equal(
	    bank_load(&c->bank, &k->port, CONFORM_PIN, 2 * CONFORM_FUNDS),
	    JZ_SW_OK);
}

static bool
sees(const struct key *k, const char *text)
{
	return hand_sees(k->v, jz_span(text, strlen(text)));
}

/* Asked again, with the same amount. */
static uint16_t
load(struct conform *c, const struct key *k)
{
	return bank_load(&c->bank, &k->port, CONFORM_PIN, LOAD);
}

/* proves: LOD-3 (shown on the key; no, and nobody in time: back to input)
 * LOD-10 (by display and by sound) */
static void
test_a_load_is_confirmed(void **state)
{
	struct conform *c = conform_begin(state);
	struct key k;

	key_of(c, &k, JZ_CONFIRM_LOADS);
	assert_int_equal(load(c, &k), JZ_SW_CONFIRM);
	hand_press(k.v, "");
	assert_true(sees(&k, "圈存"));
	assert_true(sees(&k, "25.00 CNY"));
	assert_int_equal(jz_virtual_sounds(k.v), 0);
	hand_press(k.v, "C");
	assert_true(sees(&k, "未确认"));
	assert_int_equal(jz_virtual_sounds(k.v), 1);
	assert_int_equal(load(c, &k), JZ_SW_DECLINED);
	jz_virtual_set_seconds(k.v, 1000);
	assert_int_equal(load(c, &k), JZ_SW_CONFIRM);
	jz_virtual_run(k.v);
	jz_virtual_set_seconds(k.v, 1061);
	jz_virtual_run(k.v);
	assert_int_equal(jz_virtual_sounds(k.v), 2);
	assert_int_equal(load(c, &k), JZ_SW_DECLINED);
	assert_int_equal(port_balance(&k.port), 0);
	assert_int_equal(port_info(&k.port).online_counter, 0);
	assert_int_equal(load(c, &k), JZ_SW_CONFIRM);
	hand_press(k.v, "");
	hand_press(k.v, "O");
	assert_int_equal(jz_virtual_sounds(k.v), 3);
	assert_int_equal(load(c, &k), JZ_SW_OK);
	assert_int_equal(port_balance(&k.port), LOAD);
	jz_virtual_free(&k.v);
}

/* proves: OFP-2 (the payer's cardholder is asked; one answer, one agreement) */
static void
test_a_key_stands_for_the_pin(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay, next;
	uint32_t before;
	struct key k;

	key_new(c, &k);
	before = port_balance(&k.port);
	pay = conform_payment(c, &c->other, &k.port, AMOUNT);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	hand_press(k.v, "");
	assert_true(sees(&k, "100.23 CNY"));
	assert_true(sees(&k, CONFORM_OTHER));
	hand_press(k.v, "O");
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&k.port), before - AMOUNT);
	next = conform_payment(c, &c->other, &k.port, AMOUNT);
	assert_int_equal(payment_run(&next, STEP_AGREE), JZ_SW_CONFIRM);
	jz_virtual_free(&k.v);
}

/* proves: OFP-2 (no, and nobody: not agreed to, nothing moves) */
static void
test_no_and_nobody(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay;
	uint32_t before;
	struct key k;

	key_new(c, &k);
	before = port_balance(&k.port);
	pay = conform_payment(c, &c->other, &k.port, AMOUNT);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	hand_press(k.v, "C");
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_DECLINED);
	jz_virtual_set_seconds(k.v, 1000);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	jz_virtual_run(k.v);
	jz_virtual_set_seconds(k.v, 1061);
	jz_virtual_run(k.v);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_DECLINED);
	assert_int_equal(port_balance(&k.port), before);
	/* No command is a key: the question is gone with it. */
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	assert_int_equal(port_balance(&k.port), before);
	hand_press(k.v, "O");
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	jz_virtual_free(&k.v);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_load_is_confirmed),
	    cmocka_unit_test(test_a_key_stands_for_the_pin),
	    cmocka_unit_test(test_no_and_nobody),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
