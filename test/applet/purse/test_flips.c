/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every single bit of every message of a payment, turned over on its way: it
 * is refused, changes nothing, and the genuine message is accepted after all.
 */
#include "../../support/refusals.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
check_flips(struct rig_card *card, uint32_t header, struct jz_span data)
{
	struct rig_snapshot *s = rig_save(card);
	struct answer a;
	struct blob b;

	for (size_t bit = 0; bit < data.len * 8; bit++) {
		blob_set(&b, data);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (port_send(&card->port, header, blob_span(&b), &a) ==
		    JZ_SW_OK)
			fail_msg("%08X: bit %zu is accepted", header, bit);
		assert_int_equal(a.len, 0);
		if (!rig_unchanged(card, s))
			fail_msg("%08X: bit %zu changes", header, bit);
	}
	rig_snapshot_free(&s);
}

static struct rig_card *
card_of(struct fixture *f, enum step step)
{
	return payment_card(&f->pay, step) == &f->payee->port ? f->payee
							      : f->payer;
}

static void
check_step(void **state, enum step step)
{
	struct fixture *f = *state;
	struct rig_card *cards[] = {f->payee, f->payer};

	assert_int_equal(payment_run(&f->pay, step - 1), JZ_SW_OK);
	check_flips(card_of(f, step), payment_header(step),
	    payment_data(&f->pay, step));
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(rig_total(cards, 2), REFUSAL_FUNDS);
	assert_int_equal(port_balance(&f->payee->port), REFUSAL_AMOUNT);
}

/* proves: OFP-2 (an altered request), ALL-4 */
static void
test_no_flipped_request_is_agreed_to(void **state)
{
	struct fixture *f = *state;

	f->pay.terms = terms_of(REFUSAL_AMOUNT, BANK_CURRENCY, RIG_NOW, "ref");
	check_step(state, STEP_AGREE);
}

/* proves: OFP-3 (an altered agreement), ALL-4 */
static void
test_no_flipped_agreement_is_confirmed(void **state)
{
	check_step(state, STEP_CONFIRM);
}

/* proves: OFP-4 (an altered confirmation debits nothing), ALL-4 */
static void
test_no_flipped_confirmation_debits(void **state)
{
	check_step(state, STEP_COMPLETE);
}

/* proves: OFP-6 (an altered completion credits nothing), ALL-4 */
static void
test_no_flipped_completion_credits(void **state)
{
	check_step(state, STEP_CREDIT);
}

static void
test_no_flipped_receipt_is_taken(void **state)
{
	check_step(state, STEP_ACKNOWLEDGE);
}

/* The resend is no way around the checks. */
static void
test_no_flipped_completion_gets_the_receipt_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_CREDIT), JZ_SW_OK);
	check_flips(f->payee, AT_CREDIT, payment_data(&f->pay, STEP_CREDIT));
	rig_accepts(
	    f->payee, AT_CREDIT, payment_data(&f->pay, STEP_CREDIT), NULL);
}

static void
test_no_flipped_agreement_gets_the_confirmation_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	check_flips(f->payee, AT_CONFIRM, payment_data(&f->pay, STEP_CONFIRM));
	rig_accepts(
	    f->payee, AT_CONFIRM, payment_data(&f->pay, STEP_CONFIRM), NULL);
}

/* Every message cut short at every byte. */
static void
test_no_message_cut_short_is_accepted(void **state)
{
	struct fixture *f = *state;

	for (enum step s = STEP_AGREE; s < STEPS; s++) {
		struct rig_snapshot *was;
		struct rig_card *card;

		assert_int_equal(payment_run(&f->pay, s - 1), JZ_SW_OK);
		card = card_of(f, s);
		was = rig_save(card);
		for (size_t n = 0; n < payment_data(&f->pay, s).len; n++) {
			struct jz_span cut =
			    jz_span(payment_data(&f->pay, s).data, n);

			assert_int_not_equal(port_send(&card->port,
						 payment_header(s), cut, NULL),
			    JZ_SW_OK);
			assert_true(rig_unchanged(card, was));
		}
		rig_snapshot_free(&was);
	}
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, refusal_setup, refusal_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_no_flipped_request_is_agreed_to),
	    TEST(test_no_flipped_agreement_is_confirmed),
	    TEST(test_no_flipped_confirmation_debits),
	    TEST(test_no_flipped_completion_credits),
	    TEST(test_no_flipped_receipt_is_taken),
	    TEST(test_no_flipped_completion_gets_the_receipt_again),
	    TEST(test_no_flipped_agreement_gets_the_confirmation_again),
	    TEST(test_no_message_cut_short_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
