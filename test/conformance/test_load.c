/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load (LOD), the card's side, seen from outside.
 */
#include "../support/conform.h"

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AMOUNT	2100u
#define NOTHING jz_span(NULL, 0)

struct load {
	struct answer initialized;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message request, permission;
	struct blob data;
};

static void
initialize(struct conform *c, struct load *l)
{
	struct blob data = load_of(AMOUNT);

	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(port_send(&c->card, AT_INITIALIZE, blob_span(&data),
			     &l->initialized),
	    JZ_SW_OK);
	l->request = bank_read_load_request(
	    &c->bank, &c->card, &l->initialized, l->digest);
	l->permission = bank_permission(&c->bank, &l->request, l->digest);
	l->data = bank_sign(&c->bank, &l->permission);
	l->data = bank_credit_data(l->permission.payment.time, &l->data);
}

/* proves: LOD-4 */
static void
test_the_request_is_signed_and_says_what_it_must(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	uint32_t counter = port_info(&c->card).online_counter;
	struct load l;

	initialize(c, &l);
	conform_signed(c, &l.request);
	assert_memory_equal(l.request.card_id, c->card_id, JZ_ID_BYTES);
	assert_true(l.request.identity.len > 0);
	assert_true(l.request.account.len > 0);
	assert_int_equal(l.request.balance, before);
	assert_int_equal(l.request.payment.amount, AMOUNT);
	assert_int_equal(l.request.online_counter, counter + 1);
	assert_int_equal(l.request.key_version, 1);
	assert_int_equal(l.request.algorithm, c->engine.crypto->suite);
	/* The field's own fields, before the template. */
	assert_int_equal(jz_get_be(l.initialized.data, 4), before);
	assert_int_equal(
	    jz_get_be(l.initialized.data + 4, 2), (counter + 1) & 0xFFFF);
	assert_memory_equal(l.initialized.data + 8, l.request.nonce, 4);
	assert_int_equal(port_balance(&c->card), before);
}

/* proves: LOD-4 (the same request again, also after power off) */
static void
test_a_lost_request_is_given_again(void **state)
{
	struct conform *c = conform_begin(state);
	struct load l, again;

	initialize(c, &l);
	conform_power(c);
	initialize(c, &again);
	assert_int_equal(l.initialized.len, again.initialized.len);
	assert_memory_equal(
	    l.initialized.data, again.initialized.data, l.initialized.len);
}

/* proves: LOD-6 */
static void
test_a_good_permission_credits_once_and_is_reported(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct answer first, again;
	struct jz_message report;
	struct load l;

	initialize(c, &l);
	port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), &first);
	assert_int_equal(first.sw, JZ_SW_OK);
	assert_int_equal(port_balance(&c->card), before + AMOUNT);
	assert_int_equal(jz_message_decode(
			     answer_span(&first), JZ_KIND_LOAD_REPORT, &report),
	    0);
	conform_signed(c, &report);
	assert_int_equal(report.payment.amount, AMOUNT);
	assert_int_equal(report.balance, before + AMOUNT);
	assert_int_equal(report.online_counter, l.request.online_counter);
	assert_int_equal(
	    jz_message_digest(&c->engine, &l.permission, digest), 0);
	assert_memory_equal(
	    report.payment.agreement_digest, digest, sizeof(digest));
	/* Its answer was lost: the same report, and no money. */
	conform_power(c);
	port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), &again);
	assert_int_equal(again.sw, JZ_SW_OK);
	assert_memory_equal(first.data, again.data, first.len);
	assert_int_equal(port_balance(&c->card), before + AMOUNT);
}

/* proves: LOD-6 (a bad permission credits nothing) */
static void
test_a_bad_permission_credits_nothing(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message m;
	struct blob data;
	struct load l;

	initialize(c, &l);
	/* Not the host's signature. */
	m = l.permission;
	assert_int_equal(jz_message_sign(&c->engine, &m, &c->bank.ca), 0);
	data = bank_encode(&m);
	data = bank_credit_data(m.payment.time, &data);
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MAC);
	/* More than was asked for. */
	m.payment.amount++;
	data = bank_sign(&c->bank, &m);
	data = bank_credit_data(m.payment.time, &data);
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MISMATCH);
	/* Another host. */
	m = l.permission;
	m.host_id[14] ^= 1;
	data = bank_sign(&c->bank, &m);
	data = bank_credit_data(m.payment.time, &data);
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_CERT_ISSUER);
	/* The good one after all. */
	assert_int_equal(
	    port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), NULL),
	    JZ_SW_OK);
}

/*
 * The host verifies the card, and the card the host, before anything is loaded:
 * unknown, expired and altered are refused by name.
 * proves: LOD-1
 */
static void
test_each_verifies_the_other(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	struct jz_message m;
	struct blob data;
	struct load l;

	/* The host: the request is of the card that its certificate names. */
	initialize(c, &l);
	conform_signed(c, &l.request);
	m = l.request;
	m.payment.amount++;
	assert_int_equal(
	    jz_message_verify(&c->engine, &m, c->card_key), JZ_ERR_SIGNATURE);
	/* The card: a host that it has no certificate of, one whose
	 * certificate had expired when it signed, a signature altered. */
	m = l.permission;
	m.host_id[14] ^= 1;
	data = bank_sign(&c->bank, &m);
	data = bank_credit_data(m.payment.time, &data);
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_CERT_ISSUER);
	m = l.permission;
	m.payment.time = c->bank.host_fields.to;
	data = bank_sign(&c->bank, &m);
	data = bank_credit_data(m.payment.time, &data);
	conform_refuses(
	    c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_CERT_EXPIRED);
	data = l.data;
	data.data[data.len - 1] ^= 1;
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MAC);
	assert_int_equal(port_balance(&c->card), before);
	assert_int_equal(
	    port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), NULL),
	    JZ_SW_OK);
}

/* The user identifies to the card; wrong is told, and loads nothing.
 * proves: LOD-2 */
static void
test_a_wrong_pin_loads_nothing(void **state)
{
	struct conform *c = conform_begin(state);
	struct blob data = load_of(AMOUNT);
	uint16_t sw;

	port_select(&c->card);
	sw = port_verify(&c->card, "000000");
	assert_int_equal(sw & 0xFFF0, JZ_SW_PIN_TRIES);
	assert_string_equal(jz_status_find(sw)->name, "PIN_TRIES");
	assert_true(strlen(jz_status_find(sw)->customer[JZ_LANG_EN]) > 0);
	assert_true(strlen(jz_status_find(sw)->customer[JZ_LANG_ZH]) > 0);
	conform_refuses(c, AT_INITIALIZE, blob_span(&data), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
}

/*
 * What the card says is signed and names its user: whoever alters the name, or
 * leaves it out, has no message of this card.
 * proves: LOD-13 (the card's messages)
 */
static void
test_the_user_is_named_and_signed_for(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message m, unused;
	struct blob data;
	struct load l;

	initialize(c, &l);
	m = l.request;
	assert_true(m.identity.len > 0);
	m.identity = jz_span("somebody", 8);
	assert_int_equal(
	    jz_message_verify(&c->engine, &m, c->card_key), JZ_ERR_SIGNATURE);
	data = bank_encode(&m);
	assert_int_equal(
	    jz_message_decode(blob_span(&data), JZ_KIND_LOAD_REQUEST, &unused),
	    0);
	data.len--;
	assert_int_equal(
	    jz_message_decode(blob_span(&data), JZ_KIND_LOAD_REQUEST, &unused),
	    JZ_ERR_MESSAGE);
	assert_int_equal(
	    port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), NULL),
	    JZ_SW_OK);
}

/* proves: LOD-7 (the card's proof, and that it is true) */
static void
test_a_cancelled_load_is_proved_and_never_executed(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message proof;
	struct load l, next;
	struct answer a;

	initialize(c, &l);
	port_send(&c->card, AT_CANCEL, NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_LOAD_CANCEL, &proof), 0);
	conform_signed(c, &proof);
	assert_int_equal(proof.online_counter, l.request.online_counter);
	assert_memory_equal(
	    proof.payment.request_digest, l.digest, JZ_DIGEST_BYTES);
	conform_refuses(
	    c, AT_CREDIT_LOAD, blob_span(&l.data), JZ_SW_CONDITIONS);
	conform_power(c);
	conform_refuses(
	    c, AT_CREDIT_LOAD, blob_span(&l.data), JZ_SW_CONDITIONS);
	initialize(c, &next);
	conform_refuses(c, AT_CREDIT_LOAD, blob_span(&l.data), JZ_SW_MISMATCH);
}

/* proves: LOD-7 (no proof of what was executed) */
static void
test_an_executed_load_cannot_be_cancelled(void **state)
{
	struct conform *c = conform_begin(state);
	struct load l;

	initialize(c, &l);
	assert_int_equal(
	    port_send(&c->card, AT_CREDIT_LOAD, blob_span(&l.data), NULL),
	    JZ_SW_OK);
	conform_refuses(c, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
}

/* The batch that the card would settle, decoded. */
static struct jz_message
batch(struct conform *c, struct answer *a)
{
	struct jz_message m;

	assert_int_equal(bank_sign_in(&c->bank, &c->card), JZ_SW_OK);
	port_send(&c->card, AT_SETTLE(4), NOTHING, a);
	assert_int_equal(a->sw, JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(a), JZ_KIND_BATCH, &m), 0);
	conform_signed(c, &m);
	return m;
}

/* Executed loads are in the card's log with counter and amount, cancelled
 * ones are not.  proves: LOD-12 (the card's log) */
static void
test_the_log_has_what_was_executed_and_nothing_else(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message m, r;
	struct load cancelled, executed;
	struct jz_cursor cursor;
	struct answer a;
	struct jz_tlv t;

	/* What brought the card to its funds is settled first. */
	{
		uint32_t n;

		assert_int_equal(bank_settle(&c->bank, &c->card, &n), JZ_SW_OK);
	}
	initialize(c, &cancelled);
	assert_int_equal(
	    port_send(&c->card, AT_CANCEL, NOTHING, NULL), JZ_SW_OK);
	initialize(c, &executed);
	assert_int_equal(port_send(&c->card, AT_CREDIT_LOAD,
			     blob_span(&executed.data), NULL),
	    JZ_SW_OK);
	m = batch(c, &a);
	assert_int_equal(m.count, 1);
	cursor = jz_cursor(m.records);
	assert_int_equal(jz_tlv_next(&cursor, &t), 0);
	assert_int_equal(
	    jz_message_decode(t.whole, JZ_KIND_RECORD_LOAD, &r), 0);
	assert_true(jz_cursor_end(&cursor));
	assert_int_equal(r.online_counter, executed.request.online_counter);
	assert_int_equal(r.payment.amount, AMOUNT);
}

/* A load asks for the PIN, each time. */
static void
test_a_load_needs_the_pin(void **state)
{
	struct conform *c = conform_begin(state);
	struct blob data = load_of(AMOUNT);
	struct load l;

	port_select(&c->card);
	conform_refuses(c, AT_INITIALIZE, blob_span(&data), JZ_SW_SECURITY);
	initialize(c, &l);
	conform_refuses(c, AT_INITIALIZE, blob_span(&data), JZ_SW_SECURITY);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_request_is_signed_and_says_what_it_must),
	    cmocka_unit_test(test_a_lost_request_is_given_again),
	    cmocka_unit_test(
		test_a_good_permission_credits_once_and_is_reported),
	    cmocka_unit_test(test_a_bad_permission_credits_nothing),
	    cmocka_unit_test(test_each_verifies_the_other),
	    cmocka_unit_test(test_a_wrong_pin_loads_nothing),
	    cmocka_unit_test(test_the_user_is_named_and_signed_for),
	    cmocka_unit_test(
		test_a_cancelled_load_is_proved_and_never_executed),
	    cmocka_unit_test(test_an_executed_load_cannot_be_cancelled),
	    cmocka_unit_test(
		test_the_log_has_what_was_executed_and_nothing_else),
	    cmocka_unit_test(test_a_load_needs_the_pin),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
