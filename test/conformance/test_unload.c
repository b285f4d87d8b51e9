/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unload (圈提), the card's side, seen from outside.
 */
#include "../support/conform.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AMOUNT	1700u
#define NOTHING jz_span(NULL, 0)

struct unload {
	struct jz_message request, proof;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data, word;
	struct answer initialized, debited;
};

static void
initialize(struct conform *c, struct unload *u)
{
	struct blob data = load_of(AMOUNT);
	struct jz_message m;

	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->card, AT_UNLOAD, blob_span(&data), &u->initialized),
	    JZ_SW_OK);
	u->request = bank_read_unload_request(
	    &c->bank, &c->card, &u->initialized, u->digest);
	m = bank_permission(&c->bank, &u->request, u->digest);
	u->data = bank_sign(&c->bank, &m);
	u->data = bank_credit_data(m.payment.time, &u->data);
}

static void
debit(struct conform *c, struct unload *u)
{
	struct jz_message m;

	port_send(&c->card, AT_DEBIT, blob_span(&u->data), &u->debited);
	assert_int_equal(u->debited.sw, JZ_SW_OK);
	assert_int_equal(jz_message_decode(answer_span(&u->debited),
			     JZ_KIND_UNLOAD_PROOF, &u->proof),
	    0);
	conform_signed(c, &u->proof);
	m = bank_acknowledged(&c->bank, &u->proof);
	u->word = bank_sign(&c->bank, &m);
}

/* proves: ALL-1 ALL-2 (the card debits once, and proves it until told) */
static void
test_an_unload_is_debited_once_and_proved(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	struct answer again;
	struct unload u;

	initialize(c, &u);
	conform_signed(c, &u.request);
	assert_int_equal(port_balance(&c->card), before);
	debit(c, &u);
	assert_int_equal(port_balance(&c->card), before - AMOUNT);
	assert_int_equal(u.proof.payment.amount, AMOUNT);
	assert_int_equal(u.proof.balance, before - AMOUNT);
	assert_int_equal(u.proof.online_counter, u.request.online_counter);
	conform_power(c);
	port_send(&c->card, AT_DEBIT, blob_span(&u.data), &again);
	assert_int_equal(again.len, u.debited.len);
	assert_memory_equal(again.data, u.debited.data, again.len);
	port_send(&c->card, AT_FETCH_UNLOAD, NOTHING, &again);
	assert_int_equal(again.len, u.debited.len);
	assert_memory_equal(again.data, u.debited.data, again.len);
	assert_int_equal(port_balance(&c->card), before - AMOUNT);
	assert_int_equal(
	    port_send(&c->card, AT_DEBITED, blob_span(&u.word), NULL),
	    JZ_SW_OK);
	conform_refuses(c, AT_FETCH_UNLOAD, NOTHING, JZ_SW_NO_PAYMENT);
}

/* proves: ALL-3 (an open unload survives the loss of power) */
static void
test_an_open_unload_survives(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	struct unload u;

	initialize(c, &u);
	conform_power(c);
	debit(c, &u);
	assert_int_equal(port_balance(&c->card), before - AMOUNT);
	port_send(&c->card, AT_DEBITED, blob_span(&u.word), NULL);
}

/* proves: ALL-4 (unload) */
static void
test_a_bad_permission_debits_nothing(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message m;
	struct blob bad;
	struct unload u;

	initialize(c, &u);
	m = bank_permission(&c->bank, &u.request, u.digest);
	assert_int_equal(jz_message_sign(&c->engine, &m, &c->bank.ca), 0);
	bad = bank_encode(&m);
	bad = bank_credit_data(m.payment.time, &bad);
	conform_refuses(c, AT_DEBIT, blob_span(&bad), JZ_SW_MAC);
	m.payment.amount--;
	bad = bank_sign(&c->bank, &m);
	bad = bank_credit_data(m.payment.time, &bad);
	conform_refuses(c, AT_DEBIT, blob_span(&bad), JZ_SW_MISMATCH);
	debit(c, &u);
	port_send(&c->card, AT_DEBITED, blob_span(&u.word), NULL);
}

/* An unload asks for the PIN, each time. */
static void
test_an_unload_needs_the_pin(void **state)
{
	struct conform *c = conform_begin(state);
	struct blob data = load_of(AMOUNT);

	port_select(&c->card);
	conform_refuses(c, AT_UNLOAD, blob_span(&data), JZ_SW_SECURITY);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_unload_is_debited_once_and_proved),
	    cmocka_unit_test(test_an_open_unload_survives),
	    cmocka_unit_test(test_a_bad_permission_debits_nothing),
	    cmocka_unit_test(test_an_unload_needs_the_pin),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
