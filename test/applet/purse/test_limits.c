/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a purse allows itself: PIN, highest amounts, room in its log, pending
 * entries; and purses that only receive.
 */
#include "../../support/cardrig.h"
#include "../../support/forge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID  "CN00000000100001"
#define PAYER_ID  "CN00000000200001"
#define PIN	  "123456"
#define PIN_ABOVE 10000u
#define SINGLE	  500000u
#define HIGHEST	  1000000u
#define CARDS	  7
#define NOTHING	  jz_span(NULL, 0)

/* Card 0 is the payee, the others have money. */
struct fixture {
	struct rig rig;
	struct rig_card *card[CARDS];
	uint64_t total;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char id[] = "CN00000000100001";

	assert_non_null(f);
	rig_new(&f->rig);
	for (unsigned i = 0; i < CARDS; i++) {
		struct profile p;

		id[10] = (char)('1' + i);
		p = profile_of(id);
		f->card[i] = rig_purse_new(&f->rig, &p);
		if (i > 0)
			assert_int_equal(bank_load(&f->rig.bank,
					     &f->card[i]->port, PIN, HIGHEST),
			    JZ_SW_OK);
	}
	f->total = (CARDS - 1) * (uint64_t)HIGHEST;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rig_total(f->card, CARDS), f->total);
	for (unsigned i = 0; i < CARDS; i++)
		rig_card_free(&f->card[i]);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* From card i to card 0. */
static struct payment
from(struct fixture *f, unsigned i, uint64_t amount)
{
	return payment_of(
	    &f->card[0]->port, &f->card[i]->port, amount, RIG_NOW);
}

static uint16_t
pay(struct fixture *f, unsigned i, uint64_t amount)
{
	struct payment p = from(f, i, amount);

	return payment_run(&p, STEP_ACKNOWLEDGE);
}

static void
test_up_to_the_pin_limit_no_pin_is_asked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pay(f, 1, PIN_ABOVE), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_OK);
}

static void
test_one_pin_serves_one_agreement(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
	/* A small one uses it up too. */
	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(f, 1, 1), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
}

static void
test_a_refused_agreement_does_not_use_up_the_pin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(f, 1, SINGLE + 1), JZ_SW_SINGLE_LIMIT);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_OK);
}

static void
test_reset_and_deselection_forget_the_pin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	rig_reset(f->card[1]);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(port_select(&f->card[1]->port), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
}

/* What is agreed to is completed without the PIN. */
static void
test_completion_asks_for_no_pin(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, PIN_ABOVE + 1);

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&p, STEP_AGREE), JZ_SW_OK);
	rig_restart(f->card[1]);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* A blocked PIN stops what needs it, and never the end of a payment. */
static void
test_a_blocked_pin_stops_no_payment_below_the_limit_or_begun(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, PIN_ABOVE + 1);
	uint32_t n;

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&p, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(port_verify(&f->card[1]->port, "123457"), 0x63C2);
	assert_int_equal(port_verify(&f->card[1]->port, "1234"), 0x63C1);
	assert_int_equal(
	    port_verify(&f->card[1]->port, "12345678"), JZ_SW_BLOCKED);
	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_BLOCKED);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(pay(f, 1, PIN_ABOVE + 1), JZ_SW_SECURITY);
	assert_int_equal(pay(f, 1, PIN_ABOVE), JZ_SW_OK);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->card[1]->port, &n), JZ_SW_OK);
	assert_int_equal(n, 3);
}

static void
test_the_highest_single_amount(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(f, 1, SINGLE + 1), JZ_SW_SINGLE_LIMIT);
	assert_int_equal(pay(f, 1, SINGLE), JZ_SW_OK);
}

static void
test_the_whole_balance_may_be_paid_and_no_more(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
		assert_int_equal(pay(f, 1, SINGLE - i), JZ_SW_OK);
	}
	assert_int_equal(port_balance(&f->card[1]->port), 1);
	/* The payee has room for one more only, and takes it. */
	assert_int_equal(pay(f, 1, 2), JZ_SW_BALANCE_LIMIT);
	assert_int_equal(pay(f, 1, 1), JZ_SW_OK);
	assert_int_equal(port_balance(&f->card[1]->port), 0);
	assert_int_equal(port_balance(&f->card[0]->port), HIGHEST);
	{
		struct payment back = payment_of(
		    &f->card[1]->port, &f->card[0]->port, 1, RIG_NOW);
		struct payment none = from(f, 1, 2);

		assert_int_equal(
		    payment_run(&back, STEP_ACKNOWLEDGE), JZ_SW_OK);
		assert_int_equal(
		    payment_run(&none, STEP_AGREE), JZ_SW_BALANCE_LIMIT);
	}
}

/* What is promised counts towards the highest balance (P1). */
static void
test_pending_payments_count_towards_the_highest_balance(void **state)
{
	struct fixture *f = *state;
	struct payment a = from(f, 1, SINGLE), b = from(f, 2, SINGLE);
	struct payment c = from(f, 3, 1);

	for (unsigned i = 1; i <= 2; i++)
		assert_int_equal(port_verify(&f->card[i]->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&a, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(payment_run(&b, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(payment_run(&c, STEP_REQUEST), JZ_SW_BALANCE_LIMIT);
	assert_int_equal(payment_run(&a, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(payment_run(&c, STEP_REQUEST), JZ_SW_BALANCE_LIMIT);
	assert_int_equal(payment_run(&b, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&f->card[0]->port), HIGHEST);
}

static void
test_as_many_pending_entries_as_slots(void **state)
{
	struct fixture *f = *state;
	struct payment p[JZ_PURSE_PENDING + 1];

	for (unsigned i = 0; i <= JZ_PURSE_PENDING; i++)
		p[i] = from(f, i + 1, 10 + i);
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		assert_int_equal(payment_run(&p[i], STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(
	    payment_run(&p[JZ_PURSE_PENDING], STEP_REQUEST), JZ_SW_PENDING);
	/* One is done: there is a slot again. */
	assert_int_equal(payment_run(&p[2], STEP_CREDIT), JZ_SW_OK);
	assert_int_equal(
	    payment_run(&p[JZ_PURSE_PENDING], STEP_CONFIRM), JZ_SW_OK);
	for (unsigned i = 0; i <= JZ_PURSE_PENDING; i++)
		assert_int_equal(
		    payment_run(&p[i], STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* A payer with a pending entry gets no second; the request stays open. */
static void
test_one_pending_entry_for_each_payer(void **state)
{
	struct fixture *f = *state;
	struct payment first = from(f, 1, 10), second = from(f, 1, 20);

	assert_int_equal(payment_run(&first, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(payment_run(&second, STEP_CONFIRM), JZ_SW_PENDING);
	/* Another payer answers the same request. */
	second.payer = &f->card[2]->port;
	second.next = STEP_AGREE;
	assert_int_equal(payment_run(&second, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&f->card[0]->port), 20);
	/* The first payer's second agreement has ended its first. */
	assert_int_equal(payment_run(&first, STEP_COMPLETE), JZ_SW_NO_PAYMENT);
}

/* Fills the log with loads and payments up to n unsettled records. */
static void
fill_log(struct fixture *f, unsigned card, uint32_t n)
{
	struct port *p = &f->card[card]->port;

	while (port_info(p).count < n) {
		struct payment back =
		    payment_of(&f->card[6]->port, p, 1, RIG_NOW);
		uint32_t settled;

		if (card == 0) {
			assert_int_equal(pay(f, 6, 1), JZ_SW_OK);
			assert_int_equal(bank_settle(&f->rig.bank,
					     &f->card[6]->port, &settled),
			    JZ_SW_OK);
			continue;
		}
		/* Room at card 6 for what it gets. */
		assert_int_equal(
		    payment_run(&back, STEP_ACKNOWLEDGE), JZ_SW_OK);
		assert_int_equal(
		    bank_settle(&f->rig.bank, &f->card[6]->port, &settled),
		    JZ_SW_OK);
	}
}

static void
test_a_full_log_receives_nothing(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, 5);
	uint32_t n;

	fill_log(f, 0, JZ_PURSE_RECORDS);
	assert_int_equal(payment_run(&p, STEP_REQUEST), JZ_SW_LOG_FULL);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->card[0]->port, &n), JZ_SW_OK);
	assert_int_equal(n, JZ_PURSE_RECORDS);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

static void
test_a_full_log_pays_nothing(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, 5);
	uint64_t less = HIGHEST - 100;
	uint32_t n;

	/* Room at card 6. */
	rig_poke(f->card[6], &rig_purse(f->card[6])->balance, &less, 8);
	f->total -= 100;
	fill_log(f, 1, JZ_PURSE_RECORDS);
	assert_int_equal(payment_run(&p, STEP_AGREE), JZ_SW_LOG_FULL);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->card[1]->port, &n), JZ_SW_OK);
	assert_int_equal(n, JZ_PURSE_RECORDS);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* Who may have to write a record has its room already (P2). */
static void
test_a_pending_payment_has_its_record(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, 5), q = from(f, 2, 6), r = from(f, 3, 7);

	fill_log(f, 0, JZ_PURSE_RECORDS - 2);
	assert_int_equal(payment_run(&p, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(payment_run(&q, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(payment_run(&r, STEP_REQUEST), JZ_SW_LOG_FULL);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(payment_run(&r, STEP_REQUEST), JZ_SW_LOG_FULL);
	assert_int_equal(payment_run(&q, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_info(&f->card[0]->port).count, JZ_PURSE_RECORDS);
}

static void
test_an_open_agreement_has_its_record(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, 5), q = from(f, 1, 6);
	struct payment back =
	    payment_of(&f->card[1]->port, &f->card[2]->port, 3, RIG_NOW);
	struct blob load = load_of(1);
	uint64_t less = HIGHEST - 100;

	rig_poke(f->card[6], &rig_purse(f->card[6])->balance, &less, 8);
	f->total -= 100;
	fill_log(f, 1, JZ_PURSE_RECORDS - 1);
	assert_int_equal(payment_run(&p, STEP_AGREE), JZ_SW_OK);
	/* The room is taken: for a load, and for receiving. */
	assert_int_equal(payment_run(&back, STEP_REQUEST), JZ_SW_LOG_FULL);
	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	rig_refuses(
	    f->card[1], AT_INITIALIZE, blob_span(&load), JZ_SW_LOG_FULL);
	/* A new agreement takes the place, and the room, of the open one. */
	assert_int_equal(payment_run(&q, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_info(&f->card[1]->port).count, JZ_PURSE_RECORDS);
}

static void
test_an_open_load_has_its_record_and_its_room(void **state)
{
	struct fixture *f = *state;
	struct payment p = from(f, 1, SINGLE), q = from(f, 2, SINGLE - 99);
	struct blob load = load_of(100);

	assert_int_equal(port_verify(&f->card[1]->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_verify(&f->card[0]->port, PIN), JZ_SW_OK);
	rig_accepts(f->card[0], AT_INITIALIZE, blob_span(&load), NULL);
	assert_int_equal(payment_run(&q, STEP_REQUEST), JZ_SW_BALANCE_LIMIT);
	rig_accepts(f->card[0], AT_CANCEL, NOTHING, NULL);
	assert_int_equal(port_verify(&f->card[2]->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&q, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* A purse whose certificate says "payee only". */
static void
test_a_payee_only_purse_receives_and_never_pays(void **state)
{
	struct fixture *f = *state;
	struct profile only = profile_of("CN00000009900001");
	struct rig_card *shop;
	struct payment in, out;
	struct rig_card *two[2];

	only.flags = JZ_FLAG_PAYEE_ONLY;
	shop = rig_purse_new(&f->rig, &only);
	in = payment_of(&shop->port, &f->card[1]->port, 500, RIG_NOW);
	out = payment_of(&f->card[0]->port, &shop->port, 100, RIG_NOW);
	two[0] = shop;
	two[1] = f->card[1];
	assert_int_equal(payment_run(&in, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(rig_total(two, 2), HIGHEST);
	assert_int_equal(payment_run(&out, STEP_AGREE), JZ_SW_CERT_ROLE);
	assert_int_equal(port_balance(&shop->port), 500);
	f->total -= 500;
	rig_card_free(&shop);
}

/* Purses of another currency do not trade. */
static void
test_another_currency_is_942a_on_both_sides(void **state)
{
	struct fixture *f = *state;
	struct profile p = profile_of("CN00000009900001");
	struct rig_card *other;
	struct payment out;

	p.currency = 840;
	other = rig_purse_new(&f->rig, &p);
	out = payment_of(&other->port, &f->card[1]->port, 100, RIG_NOW);
	assert_int_equal(payment_run(&out, STEP_REQUEST), JZ_SW_CURRENCY);
	out.terms = terms_of(100, 840, RIG_NOW, "");
	assert_int_equal(payment_run(&out, STEP_AGREE), JZ_SW_CURRENCY);
	assert_int_equal(out.next, STEP_AGREE);
	rig_card_free(&other);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_up_to_the_pin_limit_no_pin_is_asked),
	    TEST(test_one_pin_serves_one_agreement),
	    TEST(test_a_refused_agreement_does_not_use_up_the_pin),
	    TEST(test_reset_and_deselection_forget_the_pin),
	    TEST(test_completion_asks_for_no_pin),
	    TEST(test_a_blocked_pin_stops_no_payment_below_the_limit_or_begun),
	    TEST(test_the_highest_single_amount),
	    TEST(test_the_whole_balance_may_be_paid_and_no_more),
	    TEST(test_pending_payments_count_towards_the_highest_balance),
	    TEST(test_as_many_pending_entries_as_slots),
	    TEST(test_one_pending_entry_for_each_payer),
	    TEST(test_a_full_log_receives_nothing),
	    TEST(test_a_full_log_pays_nothing),
	    TEST(test_a_pending_payment_has_its_record),
	    TEST(test_an_open_agreement_has_its_record),
	    TEST(test_an_open_load_has_its_record_and_its_room),
	    TEST(test_a_payee_only_purse_receives_and_never_pays),
	    TEST(test_another_currency_is_942a_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
