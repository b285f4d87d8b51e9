/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: INITIALIZE FOR LOAD and CANCEL LOAD; the same request again, and never
 * an execution after its cancellation was signed.
 */
#include "../../support/loading.h"
#include "../../support/suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID LOADING_ID
#define PIN	LOADING_PIN
#define AMOUNT	LOADING_AMOUNT
#define NOTHING jz_span(NULL, 0)

static void
refuses_initialize(struct loading *f, const struct blob *data, uint16_t sw)
{
	rig_refuses(f->card, AT_INITIALIZE, blob_span(data), sw);
}

static void
test_a_load(void **state)
{
	struct loading *f = *state;
	const uint8_t *answer = f->initialized.data;
	struct jz_message report;
	struct answer a;

	assert_int_equal(bank_load(f->bank, f->port, PIN, 700), JZ_SW_OK);
	loading_initialize(f, AMOUNT);
	assert_int_equal(jz_get_be(answer, 4), 700);
	assert_int_equal(jz_get_be(answer + 4, 2), 2);
	assert_int_equal(answer[6], 1);
	assert_int_equal(answer[7], test_suite());
	assert_memory_equal(answer + 8, f->request.nonce, 4);
	assert_int_equal(f->purse->balance, 700);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &a);
	assert_int_equal(port_balance(f->port), 700 + AMOUNT);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_LOAD_REPORT, &report),
	    0);
	assert_int_equal(jz_message_verify(
			     &f->rig.engine, &report, f->purse->key.public_key),
	    0);
	assert_memory_equal(report.card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(report.online_counter, 2);
	assert_int_equal(report.payment.amount, AMOUNT);
	assert_int_equal(report.payment.currency, BANK_CURRENCY);
	assert_int_equal(report.balance, 700 + AMOUNT);
	assert_int_equal(report.record, 2);
	assert_int_equal(
	    jz_message_digest(&f->rig.engine, &f->permission, f->digest), 0);
	assert_memory_equal(
	    report.payment.agreement_digest, f->digest, JZ_DIGEST_BYTES);
}

/* proves: LOD-4 (what the request carries) */
static void
test_the_request_says_what_it_must(void **state)
{
	struct loading *f = *state;
	const struct jz_message *m = &f->request;

	loading_initialize(f, AMOUNT);
	assert_memory_equal(m->card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(m->identity.len, strlen(CARD_ID));
	assert_memory_equal(m->identity.data, CARD_ID, m->identity.len);
	assert_int_equal(m->account.len, f->purse->account_len);
	assert_memory_equal(m->account.data, f->purse->account, m->account.len);
	assert_int_equal(m->balance, 0);
	assert_int_equal(m->payment.amount, AMOUNT);
	assert_int_equal(m->payment.currency, BANK_CURRENCY);
	assert_int_equal(m->online_counter, 1);
	assert_int_equal(m->key_version, 1);
	assert_int_equal(m->algorithm, test_suite());
	assert_int_equal(m->payment.time, RIG_NOW);
	assert_memory_equal(m->terminal, PORT_TERMINAL, JZ_TERMINAL_BYTES);
}

static void
test_two_requests_have_two_random_numbers(void **state)
{
	struct loading *f = *state;
	uint8_t nonce[JZ_NONCE_BYTES];

	loading_initialize(f, AMOUNT);
	memcpy(nonce, f->request.nonce, sizeof(nonce));
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	loading_initialize(f, AMOUNT);
	assert_memory_not_equal(nonce, f->request.nonce, sizeof(nonce));
}

/* Each breaks the rule named and all that come after it. */
static void
test_refusals_of_initialize_in_their_order(void **state)
{
	struct loading *f = *state;
	struct blob bad = load_of(0), over = load_of(0x80000000u);
	struct blob high = load_of((uint32_t)f->profile.max_balance + 1);

	rig_poke_u32(f->card, &f->purse->online_counter, JZ_PURSE_COUNTER_MAX);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_RECORDS + 1);
	bad.data[0] = 2;
	refuses_initialize(f, &bad, JZ_SW_KEY_INDEX);
	bad.data[0] = 1;
	refuses_initialize(f, &bad, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &bad, JZ_SW_DATA);
	refuses_initialize(f, &over, JZ_SW_DATA);
	refuses_initialize(f, &high, JZ_SW_BALANCE_LIMIT);
	high = load_of((uint32_t)f->profile.max_balance);
	refuses_initialize(f, &high, JZ_SW_COUNTER);
	rig_poke_u32(
	    f->card, &f->purse->online_counter, JZ_PURSE_LOADS_MAX - 1);
	refuses_initialize(f, &high, JZ_SW_LOG_FULL);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_RECORDS);
	/* A refusal has not used up the PIN; and this is the last counter. */
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&high), NULL);
	assert_int_equal(f->purse->online_counter, JZ_PURSE_LOADS_MAX);
}

static void
test_lengths_of_initialize(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT);

	data.len--;
	refuses_initialize(f, &data, JZ_SW_LENGTH);
	data.len += 2;
	refuses_initialize(f, &data, JZ_SW_LENGTH);
}

static void
test_the_highest_balance_is_reached_and_not_passed(void **state)
{
	struct loading *f = *state;
	struct blob data;

	assert_int_equal(bank_load(f->bank, f->port, PIN,
			     (uint32_t)f->profile.max_balance - 10),
	    JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	data = load_of(11);
	refuses_initialize(f, &data, JZ_SW_BALANCE_LIMIT);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 10), JZ_SW_OK);
	assert_int_equal(f->purse->balance, f->profile.max_balance);
}

/* What is pending counts as if it were there (P1). */
static void
test_a_pending_payment_counts_towards_the_highest_balance(void **state)
{
	struct loading *f = *state;
	struct profile other = profile_of("CN00000000200001");
	struct rig_card *payer = rig_bare_purse_new(&f->rig, &other);
	struct payment pay = payment_of(f->port, &payer->port, 1000, RIG_NOW);
	struct blob data = load_of((uint32_t)f->profile.max_balance - 999);

	assert_int_equal(bank_load(f->bank, &payer->port, PIN, 1000), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_BALANCE_LIMIT);
	data = load_of((uint32_t)f->profile.max_balance - 1000);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), NULL);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	rig_card_free(&payer);
}

static void
test_one_pin_serves_one_initialize(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT);

	loading_initialize(f, AMOUNT);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), NULL);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
}

static void
test_deselection_and_reset_forget_the_pin(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT);

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	assert_int_equal(port_select(f->port), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_reset(f->card);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_restart(f->card);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	port_verify(f->port, "123457");
	refuses_initialize(f, &data, JZ_SW_SECURITY);
}

/* proves: LOD-4 (the same request after a lost answer) */
static void
test_the_same_initialize_gives_the_same_request_again(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT);
	uint8_t before[32], after[32];
	struct answer a;

	loading_initialize(f, AMOUNT);
	rig_hash(f->card, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_reset(f->card);
		if (i == 2)
			rig_restart(f->card);
		assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
		rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &a);
		assert_int_equal(a.len, f->initialized.len);
		assert_memory_equal(a.data, f->initialized.data, a.len);
		rig_hash(f->card, after);
		assert_memory_equal(before, after, 32);
	}
	/* The request is of then, whatever the clock says now. */
	rig_set_time(f->card, RIG_NOW + 3600);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &a);
	assert_memory_equal(a.data, f->initialized.data, a.len);
	loading_still_credits(f);
}

static void
test_another_initialize_while_one_is_open_is_6985(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT + 1);

	loading_initialize(f, AMOUNT);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_CONDITIONS);
	data = load_of(AMOUNT);
	data.data[data.len - 1] ^= 1;
	refuses_initialize(f, &data, JZ_SW_CONDITIONS);
	loading_still_credits(f);
}

/* Checks the proof that this counter was not executed. */
static void
check_cancel(struct loading *f, const struct answer *a)
{
	struct jz_message m;

	assert_int_equal(
	    jz_message_decode(answer_span(a), JZ_KIND_LOAD_CANCEL, &m), 0);
	assert_int_equal(
	    jz_message_verify(&f->rig.engine, &m, f->purse->key.public_key), 0);
	assert_memory_equal(m.card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(m.online_counter, f->request.online_counter);
	assert_memory_equal(
	    m.payment.request_digest, f->digest, JZ_DIGEST_BYTES);
}

/* proves: LOD-7 (the card's proof: not executed, and no longer can be) */
static void
test_a_cancelled_load_can_never_be_executed(void **state)
{
	struct loading *f = *state;
	struct answer a;

	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CANCEL, NOTHING, &a);
	check_cancel(f, &a);
	loading_refuses(f, JZ_SW_CONDITIONS);
	rig_restart(f->card);
	loading_refuses(f, JZ_SW_CONDITIONS);
	/* The proof may be asked for again. */
	rig_accepts(f->card, AT_CANCEL, NOTHING, &a);
	check_cancel(f, &a);
	/* Nor when the next load is open. */
	{
		struct blob old = f->data;

		loading_initialize(f, AMOUNT);
		rig_refuses(
		    f->card, AT_CREDIT_LOAD, blob_span(&old), JZ_SW_MISMATCH);
	}
	assert_int_equal(port_balance(f->port), 0);
	loading_still_credits(f);
}

static void
test_there_is_no_cancel_without_a_load(void **state)
{
	struct loading *f = *state;

	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
}

/* proves: LOD-7 (no proof for a load that was executed) */
static void
test_there_is_no_cancel_after_the_credit(void **state)
{
	struct loading *f = *state;

	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
	rig_restart(f->card);
	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
}

static void
test_a_cancelled_load_asked_for_again_changes_nothing(void **state)
{
	struct loading *f = *state;
	uint8_t before[32], after[32];

	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	rig_hash(f->card, before);
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	rig_hash(f->card, after);
	assert_memory_equal(before, after, 32);
}

static void
test_the_counter_rises_by_one_with_each_load(void **state)
{
	struct loading *f = *state;

	for (uint32_t i = 1; i <= 4; i++) {
		loading_initialize(f, AMOUNT);
		assert_int_equal(f->request.online_counter, i);
		assert_int_equal(f->purse->online_counter, i);
		if (i % 2 == 0)
			rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
		else
			loading_still_credits(f);
		rig_restart(f->card);
		assert_int_equal(f->purse->online_counter, i);
	}
}

static void
test_at_the_highest_counter_all_but_loading_works(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(AMOUNT);
	uint32_t n;

	rig_poke_u32(
	    f->card, &f->purse->online_counter, JZ_PURSE_LOADS_MAX - 1);
	assert_int_equal(bank_load(f->bank, f->port, PIN, AMOUNT), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_COUNTER);
	assert_int_equal(port_balance(f->port), AMOUNT);
	assert_int_equal(port_info(f->port).online_counter, JZ_PURSE_LOADS_MAX);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
}

static void
test_a_full_log_loads_nothing_until_it_is_settled(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(1);
	uint32_t n;

	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++)
		assert_int_equal(bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_LOG_FULL);
	assert_int_equal(port_info(f->port).count, JZ_PURSE_RECORDS);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, JZ_PURSE_RECORDS);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
	assert_int_equal(port_balance(f->port), JZ_PURSE_RECORDS + 1);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, loading_setup, loading_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_load),
	    TEST(test_the_request_says_what_it_must),
	    TEST(test_two_requests_have_two_random_numbers),
	    TEST(test_refusals_of_initialize_in_their_order),
	    TEST(test_lengths_of_initialize),
	    TEST(test_the_highest_balance_is_reached_and_not_passed),
	    TEST(test_a_pending_payment_counts_towards_the_highest_balance),
	    TEST(test_one_pin_serves_one_initialize),
	    TEST(test_deselection_and_reset_forget_the_pin),
	    TEST(test_the_same_initialize_gives_the_same_request_again),
	    TEST(test_another_initialize_while_one_is_open_is_6985),
	    TEST(test_a_cancelled_load_can_never_be_executed),
	    TEST(test_there_is_no_cancel_without_a_load),
	    TEST(test_there_is_no_cancel_after_the_credit),
	    TEST(test_a_cancelled_load_asked_for_again_changes_nothing),
	    TEST(test_the_counter_rises_by_one_with_each_load),
	    TEST(test_at_the_highest_counter_all_but_loading_works),
	    TEST(test_a_full_log_loads_nothing_until_it_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
