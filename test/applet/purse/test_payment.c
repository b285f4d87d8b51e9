/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment between two purses, with a host that loses, repeats and swaps
 * messages: the money is in one purse, in the other, or on its way.
 */
#include "../../support/cardrig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID "CN00000000100001"
#define PAYER_ID "CN00000000200001"
#define THIRD_ID "CN00000000300001"
#define PIN	 "123456"
#define FUNDS	 50000u
#define AMOUNT	 1200u
#define NOTHING	 jz_span(NULL, 0)

struct fixture {
	struct rig rig;
	struct rig_card *payee, *payer, *third;
	struct rig_card *all[3];
	struct payment pay;
};

static struct rig_card *
new_card(struct fixture *f, const char *id)
{
	struct profile p = profile_of(id);
	struct rig_card *c = rig_purse_new(&f->rig, &p);

	assert_int_equal(
	    bank_load(&f->rig.bank, &c->port, PIN, FUNDS), JZ_SW_OK);
	return c;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->all[0] = f->payee = new_card(f, PAYEE_ID);
	f->all[1] = f->payer = new_card(f, PAYER_ID);
	f->all[2] = f->third = new_card(f, THIRD_ID);
	f->pay =
	    payment_of(&f->payee->port, &f->payer->port, AMOUNT, RIG_NOW - 60);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++)
		rig_card_free(&f->all[i]);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static void
check_total(struct fixture *f)
{
	assert_int_equal(rig_total(f->all, 3), 3 * FUNDS);
}

/* Runs up to a step, the sum of all money watched after each. */
static void
run(struct fixture *f, struct payment *pay, enum step last)
{
	while (pay->next <= last) {
		enum step next = pay->next;

		if (payment_run(pay, next) != JZ_SW_OK)
			fail_msg("step %d is refused", (int)next);
		check_total(f);
	}
}

static uint32_t
balance(const struct rig_card *c)
{
	return port_balance(&c->port);
}

/* proves: ALL-1, ALL-2 (in every step) */
static void
test_a_payment_moves_the_amount_once(void **state)
{
	struct fixture *f = *state;
	struct rig_card *two[] = {f->payee, f->payer};

	run(f, &f->pay, STEP_CONFIRM);
	assert_int_equal(balance(f->payer), FUNDS);
	assert_int_equal(balance(f->payee), FUNDS);
	run(f, &f->pay, STEP_COMPLETE);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
	assert_int_equal(balance(f->payee), FUNDS);
	assert_int_equal(rig_in_flight(two, 2), AMOUNT);
	run(f, &f->pay, STEP_CREDIT);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
	assert_int_equal(rig_in_flight(two, 2), 0);
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	assert_int_equal(f->pay.message[STEP_ACKNOWLEDGE].len, 0);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

/* proves: OFP-7 (record: data, completion to the second, authentic ID) */
static void
test_both_cards_keep_a_record(void **state)
{
	struct fixture *f = *state;
	const struct purse_record *paid, *received;
	struct jz_payment pay;

	rig_set_time(f->payer, RIG_NOW + 5);
	rig_set_time(f->payee, RIG_NOW + 9);
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	paid = purse_slot(rig_purse(f->payer), 2);
	received = purse_slot(rig_purse(f->payee), 2);
	assert_int_equal(paid->type, JZ_TYPE_EP_PURCHASE);
	assert_int_equal(received->type, JZ_TYPE_EP_RECEIVED);
	purse_payment_load(
	    rig_purse(f->payer), &pay, &paid->payment, PURSE_PAYER);
	assert_true(purse_payment_equal(
	    rig_purse(f->payee), &received->payment, PURSE_PAYEE, &pay));
	assert_int_equal(pay.amount, AMOUNT);
	assert_int_equal(pay.time, RIG_NOW - 60);
	assert_memory_equal(pay.payee_id, PAYEE_ID, JZ_ID_BYTES);
	assert_memory_equal(pay.payer_id, PAYER_ID, JZ_ID_BYTES);
	assert_int_equal(purse_time(paid->payer_time), RIG_NOW + 5);
	assert_int_equal(purse_time(received->payer_time), RIG_NOW + 5);
	assert_int_equal(purse_time(received->payee_time), RIG_NOW + 9);
	assert_int_equal(received->peer_number, paid->number);
	assert_int_equal(paid->peer_number, received->number);
	assert_int_equal(paid->balance, FUNDS - AMOUNT);
	assert_int_equal(received->balance, FUNDS + AMOUNT);
}

/* proves: ALL-5 (working keys are erased after use) */
static void
test_working_keys_are_erased_after_use(void **state)
{
	static const struct jz_working_keys none;
	struct fixture *f = *state;
	const struct purse_nvm *payee = rig_purse(f->payee);
	const struct purse_nvm *payer = rig_purse(f->payer);
	static const struct purse_pending no_pending;
	static const struct purse_agreement no_agreement;
	static const struct purse_request no_request;
	uint32_t n;

	run(f, &f->pay, STEP_CONFIRM);
	assert_memory_equal(&payee->request, &no_request, sizeof(no_request));
	run(f, &f->pay, STEP_COMPLETE);
	assert_memory_equal(
	    &payer->agreement, &no_agreement, sizeof(no_agreement));
	run(f, &f->pay, STEP_CREDIT);
	assert_memory_equal(
	    &payee->pending[0], &no_pending, sizeof(no_pending));
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	assert_memory_equal(&purse_slot(payer, 2)->keys, &none, sizeof(none));
	assert_memory_not_equal(
	    &purse_slot(payee, 2)->keys, &none, sizeof(none));
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payee->port, &n), JZ_SW_OK);
	/* Kept until the record is overwritten, for the same receipt again. */
	assert_memory_not_equal(
	    &purse_slot(payee, 2)->keys, &none, sizeof(none));
}

static void
test_the_reference_is_optional_and_signed(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;

	f->pay.terms = terms_of(AMOUNT, BANK_CURRENCY, RIG_NOW, "order 17");
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	assert_int_equal(
	    jz_message_decode(
		blob_span(&f->pay.message[STEP_REQUEST]), JZ_KIND_REQUEST, &m),
	    0);
	assert_int_equal(m.reference.len, 8);
	assert_memory_equal(m.reference.data, "order 17", 8);
}

/* proves: ALL-3 (power off between any two steps) */
static void
test_power_off_between_any_two_steps(void **state)
{
	struct fixture *f = *state;

	for (enum step s = STEP_REQUEST; s < STEPS; s++) {
		rig_restart(f->payee);
		rig_restart(f->payer);
		run(f, &f->pay, s);
	}
	rig_restart(f->payer);
	rig_restart(f->payee);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

/* The step's command once more is refused and changes nothing. */
static void
refuses_again(struct fixture *f, enum step step, uint16_t sw)
{
	struct rig_card *c = payment_card(&f->pay, step) == &f->payee->port
	    ? f->payee
	    : f->payer;

	rig_refuses(c, payment_header(step), payment_data(&f->pay, step), sw);
	check_total(f);
}

static void
test_the_same_agreement_gives_the_same_confirmation(void **state)
{
	struct fixture *f = *state;
	const struct blob *confirmation = &f->pay.message[STEP_CONFIRM];
	uint8_t before[32], after[32];
	struct answer a;

	run(f, &f->pay, STEP_CONFIRM);
	rig_hash(f->payee, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_restart(f->payee);
		if (i == 2)
			run(f, &f->pay, STEP_COMPLETE);
		rig_accepts(f->payee, AT_CONFIRM,
		    payment_data(&f->pay, STEP_CONFIRM), &a);
		assert_int_equal(a.len, confirmation->len);
		assert_memory_equal(a.data, confirmation->data, a.len);
		rig_hash(f->payee, after);
		assert_memory_equal(before, after, 32);
	}
	run(f, &f->pay, STEP_CREDIT);
	refuses_again(f, STEP_CONFIRM, JZ_SW_NO_PAYMENT);
}

static void
test_a_confirmation_debits_once(void **state)
{
	struct fixture *f = *state;

	run(f, &f->pay, STEP_COMPLETE);
	refuses_again(f, STEP_COMPLETE, JZ_SW_NO_PAYMENT);
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	refuses_again(f, STEP_COMPLETE, JZ_SW_NO_PAYMENT);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
}

/* proves: OFP-6 (credited once; the same completion, the same receipt) */
static void
test_a_completion_credits_once_and_gives_the_same_receipt(void **state)
{
	struct fixture *f = *state;
	const struct blob *receipt = &f->pay.message[STEP_CREDIT];
	uint8_t before[32], after[32];
	struct answer a;

	run(f, &f->pay, STEP_CREDIT);
	rig_hash(f->payee, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_restart(f->payee);
		if (i == 2)
			run(f, &f->pay, STEP_ACKNOWLEDGE);
		rig_accepts(f->payee, AT_CREDIT,
		    payment_data(&f->pay, STEP_CREDIT), &a);
		assert_int_equal(a.len, receipt->len);
		assert_memory_equal(a.data, receipt->data, a.len);
		rig_hash(f->payee, after);
		assert_memory_equal(before, after, 32);
	}
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
	check_total(f);
}

static void
test_after_settlement_the_receipt_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	uint32_t n;

	run(f, &f->pay, STEP_CREDIT);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payee->port, &n), JZ_SW_OK);
	rig_accepts(
	    f->payee, AT_CREDIT, payment_data(&f->pay, STEP_CREDIT), &a);
	assert_true(jz_span_equal(
	    answer_span(&a), blob_span(&f->pay.message[STEP_CREDIT])));
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

static void
test_a_receipt_is_taken_once(void **state)
{
	struct fixture *f = *state;

	run(f, &f->pay, STEP_ACKNOWLEDGE);
	refuses_again(f, STEP_ACKNOWLEDGE, JZ_SW_NO_PAYMENT);
}

/* proves: OFP-6 (the payer's debit stays recoverable) */
static void
test_a_lost_completion_is_fetched_and_credited_once(void **state)
{
	struct fixture *f = *state;
	struct blob *completion = &f->pay.message[STEP_COMPLETE];
	uint8_t digest[JZ_DIGEST_BYTES], before[32], after[32];
	struct blob fetch;
	struct answer a;

	run(f, &f->pay, STEP_COMPLETE);
	payment_digest(&f->pay, digest);
	fetch = fetch_of(digest);
	rig_hash(f->payer, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_restart(f->payer);
		rig_accepts(f->payer, AT_FETCH, blob_span(&fetch), &a);
		assert_int_equal(a.len, completion->len);
		assert_memory_equal(a.data, completion->data, a.len);
		rig_hash(f->payer, after);
		assert_memory_equal(before, after, 32);
	}
	blob_set(completion, answer_span(&a));
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
	/* Acknowledged: nothing to fetch. */
	rig_refuses(f->payer, AT_FETCH, blob_span(&fetch), JZ_SW_NO_PAYMENT);
}

static void
test_fetch_gives_nothing_that_is_not_unacknowledged(void **state)
{
	struct fixture *f = *state;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob fetch;

	run(f, &f->pay, STEP_CONFIRM);
	payment_digest(&f->pay, digest);
	fetch = fetch_of(digest);
	/* Agreed to, and not completed. */
	rig_refuses(f->payer, AT_FETCH, blob_span(&fetch), JZ_SW_NO_PAYMENT);
	run(f, &f->pay, STEP_COMPLETE);
	/* By the payee; another digest; another object; cut short. */
	rig_refuses(f->payee, AT_FETCH, blob_span(&fetch), JZ_SW_NO_PAYMENT);
	for (unsigned bit = 16; bit < 34 * 8; bit++) {
		fetch.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rig_refuses(
		    f->payer, AT_FETCH, blob_span(&fetch), JZ_SW_NO_PAYMENT);
		fetch.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	fetch.data[0] ^= 1;
	rig_refuses(f->payer, AT_FETCH, blob_span(&fetch), JZ_SW_DATA);
	fetch.data[0] ^= 1;
	rig_refuses(f->payer, AT_FETCH, jz_span(fetch.data, 33), JZ_SW_DATA);
	rig_accepts(f->payer, AT_FETCH, blob_span(&fetch), NULL);
}

/* A request has its place taken by the next; the first is then answered to
 * by nobody. */
static void
test_a_new_request_takes_the_place_of_the_open_one(void **state)
{
	struct fixture *f = *state;
	struct payment second = f->pay;

	run(f, &f->pay, STEP_AGREE);
	run(f, &second, STEP_REQUEST);
	refuses_again(f, STEP_CONFIRM, JZ_SW_NO_PAYMENT);
	run(f, &second, STEP_ACKNOWLEDGE);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

/* The same request brought twice: the second agreement takes the place of the
 * first, which can then never be completed. */
static void
test_a_request_brought_twice_is_paid_once(void **state)
{
	struct fixture *f = *state;
	struct payment again;

	run(f, &f->pay, STEP_CONFIRM);
	again = f->pay;
	again.next = STEP_AGREE;
	run(f, &again, STEP_AGREE);
	refuses_again(f, STEP_COMPLETE, JZ_SW_DECRYPT);
	assert_int_equal(payment_run(&again, STEP_CONFIRM), JZ_SW_DECRYPT);
	assert_int_equal(balance(f->payer), FUNDS);
	check_total(f);
}

/* After the payment too: the payer agrees, the payee no longer confirms. */
static void
test_an_old_request_brought_again_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct payment again;

	run(f, &f->pay, STEP_ACKNOWLEDGE);
	again = f->pay;
	again.next = STEP_AGREE;
	run(f, &again, STEP_AGREE);
	assert_int_equal(payment_run(&again, STEP_CONFIRM), JZ_SW_NO_PAYMENT);
	/* The confirmation of then does not fit the agreement of now. */
	refuses_again(f, STEP_COMPLETE, JZ_SW_DECRYPT);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
}

static void
test_a_new_agreement_ends_the_open_one(void **state)
{
	struct fixture *f = *state;
	struct payment other =
	    payment_of(&f->third->port, &f->payer->port, AMOUNT, RIG_NOW);

	run(f, &f->pay, STEP_CONFIRM);
	run(f, &other, STEP_CONFIRM);
	refuses_again(f, STEP_COMPLETE, JZ_SW_NO_PAYMENT);
	run(f, &other, STEP_ACKNOWLEDGE);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
}

/* Two payments to one payee at the same time, each message brought in the
 * place of the other's, under its own and under the other's digest. */
static void
test_messages_of_two_payments_swapped(void **state)
{
	struct fixture *f = *state;
	struct payment a = f->pay;
	struct payment b =
	    payment_of(&f->payee->port, &f->third->port, AMOUNT, RIG_NOW - 60);
	struct blob mixed;

	run(f, &a, STEP_CONFIRM);
	run(f, &b, STEP_CONFIRM);
	/* Confirmations crossed. */
	rig_refuses(f->payer, AT_COMPLETE, blob_span(&b.message[STEP_CONFIRM]),
	    JZ_SW_NO_PAYMENT);
	mixed = b.message[STEP_CONFIRM];
	memcpy(mixed.data, a.message[STEP_CONFIRM].data, mixed.len / 4);
	rig_refuses(f->payer, AT_COMPLETE, blob_span(&mixed), JZ_SW_DECRYPT);
	run(f, &a, STEP_COMPLETE);
	run(f, &b, STEP_COMPLETE);
	/* Completions crossed: a's content under b's digest. */
	mixed = a.message[STEP_COMPLETE];
	memcpy(mixed.data, b.message[STEP_COMPLETE].data, mixed.len / 4);
	rig_refuses(f->payee, AT_CREDIT, blob_span(&mixed), JZ_SW_DECRYPT);
	run(f, &b, STEP_CREDIT);
	run(f, &a, STEP_CREDIT);
	/* Receipts crossed. */
	rig_refuses(f->payer, AT_ACKNOWLEDGE,
	    blob_span(&b.message[STEP_CREDIT]), JZ_SW_NO_PAYMENT);
	run(f, &a, STEP_ACKNOWLEDGE);
	run(f, &b, STEP_ACKNOWLEDGE);
	assert_int_equal(balance(f->payee), FUNDS + 2 * AMOUNT);
}

/* Each message given to each command that it is not for. */
static void
test_messages_given_to_other_commands(void **state)
{
	struct fixture *f = *state;

	for (enum step done = STEP_REQUEST; done < STEPS; done++) {
		run(f, &f->pay, done);
		for (enum step m = STEP_REQUEST; m <= done; m++)
			for (enum step at = STEP_AGREE; at < STEPS; at++) {
				struct jz_span data =
				    blob_span(&f->pay.message[m]);

				if (at == m + 1 || data.len == 0)
					continue;
				if (port_send(&f->payee->port,
					payment_header(at), data,
					NULL) == JZ_SW_OK)
					fail_msg(
					    "payee: %d to %d", (int)m, (int)at);
				if (port_send(&f->payer->port,
					payment_header(at), data,
					NULL) == JZ_SW_OK)
					fail_msg(
					    "payer: %d to %d", (int)m, (int)at);
			}
		check_total(f);
	}
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

/* A message brought to the wrong one of the two cards. */
static void
test_messages_brought_to_the_wrong_card(void **state)
{
	struct fixture *f = *state;

	run(f, &f->pay, STEP_REQUEST);
	rig_refuses(f->payee, AT_AGREE, payment_data(&f->pay, STEP_AGREE),
	    JZ_SW_SAME_CARD);
	for (enum step s = STEP_CONFIRM; s < STEPS; s++) {
		struct rig_card *wrong;

		run(f, &f->pay, s - 1);
		wrong = payment_card(&f->pay, s) == &f->payee->port ? f->payer
								    : f->payee;
		rig_refuses(wrong, payment_header(s), payment_data(&f->pay, s),
		    JZ_SW_NO_PAYMENT);
		rig_refuses(f->third, payment_header(s),
		    payment_data(&f->pay, s), JZ_SW_NO_PAYMENT);
	}
}

/* One card pays and is paid in turn; each counter only rises. */
static void
test_counters_and_record_numbers_only_rise(void **state)
{
	struct fixture *f = *state;
	uint32_t counter = 0, record = 1;

	for (unsigned i = 0; i < 8; i++) {
		struct rig_card *other = i % 3 == 0 ? f->third : f->payer;
		struct payment pay = i % 2 == 0
		    ? payment_of(&f->payee->port, &other->port, 10 + i, RIG_NOW)
		    : payment_of(
			  &other->port, &f->payee->port, 10 + i, RIG_NOW);

		run(f, &pay, i == 7 ? STEP_CONFIRM : STEP_ACKNOWLEDGE);
		assert_int_equal(
		    rig_purse(f->payee)->offline_counter, counter + 1);
		assert_true(rig_purse(f->payee)->next_record >= record);
		counter = rig_purse(f->payee)->offline_counter;
		record = rig_purse(f->payee)->next_record;
	}
	/* The load, and seven of the eight payments. */
	assert_int_equal(record, 1 + 1 + 7);
}

/* proves: OFP-6 (a due credit goes through although a certificate expires) */
static void
test_from_the_confirmation_on_no_date_is_judged(void **state)
{
	struct fixture *f = *state;
	int64_t later = RIG_NOW + 5000 * BANK_DAY;

	run(f, &f->pay, STEP_CONFIRM);
	rig_set_time(f->payer, later);
	rig_set_time(f->payee, later);
	run(f, &f->pay, STEP_ACKNOWLEDGE);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
	/* A new one is refused. */
	f->pay.next = STEP_REQUEST;
	assert_int_equal(payment_run(&f->pay, STEP_AGREE), JZ_SW_CERT_EXPIRED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_payment_moves_the_amount_once),
	    TEST(test_both_cards_keep_a_record),
	    TEST(test_working_keys_are_erased_after_use),
	    TEST(test_the_reference_is_optional_and_signed),
	    TEST(test_power_off_between_any_two_steps),
	    TEST(test_the_same_agreement_gives_the_same_confirmation),
	    TEST(test_a_confirmation_debits_once),
	    TEST(test_a_completion_credits_once_and_gives_the_same_receipt),
	    TEST(test_after_settlement_the_receipt_is_the_same),
	    TEST(test_a_receipt_is_taken_once),
	    TEST(test_a_lost_completion_is_fetched_and_credited_once),
	    TEST(test_fetch_gives_nothing_that_is_not_unacknowledged),
	    TEST(test_a_new_request_takes_the_place_of_the_open_one),
	    TEST(test_a_request_brought_twice_is_paid_once),
	    TEST(test_an_old_request_brought_again_costs_nothing),
	    TEST(test_a_new_agreement_ends_the_open_one),
	    TEST(test_messages_of_two_payments_swapped),
	    TEST(test_messages_given_to_other_commands),
	    TEST(test_messages_brought_to_the_wrong_card),
	    TEST(test_counters_and_record_numbers_only_rise),
	    TEST(test_from_the_confirmation_on_no_date_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
