/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement (OFP-10) and evidence (OFP-12), the card's side, seen from
 * outside.
 */
#include "../support/conform.h"

#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AMOUNT	400u
#define NOTHING jz_span(NULL, 0)

/* One payment each way; what came before is settled. */
static struct conform *
two_payments(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment in, out;
	uint32_t n;

	assert_int_equal(bank_settle(&c->bank, &c->card, &n), JZ_SW_OK);
	in = payment_of(&c->card, &c->other, AMOUNT, c->bank.now);
	out = payment_of(&c->other, &c->card, AMOUNT + 1, c->bank.now);
	assert_int_equal(payment_run(&in, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(payment_run(&out, STEP_ACKNOWLEDGE), JZ_SW_OK);
	return c;
}

static struct jz_message
batch(struct conform *c, struct answer *a)
{
	struct jz_message m;

	port_send(&c->card, AT_SETTLE(4), NOTHING, a);
	assert_int_equal(a->sw, JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(a), JZ_KIND_BATCH, &m), 0);
	conform_signed(c, &m);
	return m;
}

/* proves: OFP-10 (six steps; no balance moves) */
static void
test_the_six_steps(void **state)
{
	struct conform *c = two_payments(state);
	uint32_t before = port_balance(&c->card);
	struct jz_message asked, signed_in, m;
	struct blob data;
	struct answer a;

	port_send(&c->card, AT_SETTLE(1), NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_SIGN_IN_REQUEST, &asked),
	    0);
	assert_memory_equal(asked.card_id, c->card_id, JZ_ID_BYTES);
	m = bank_challenge(&c->bank);
	data = bank_encode(&m);
	port_send(&c->card, AT_SETTLE(2), blob_span(&data), &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_SIGN_IN, &signed_in), 0);
	conform_signed(c, &signed_in);
	assert_memory_equal(signed_in.nonce, asked.nonce, JZ_NONCE_BYTES);
	assert_memory_equal(signed_in.host_nonce, m.host_nonce, JZ_NONCE_BYTES);
	assert_int_equal(signed_in.count, 2);
	assert_int_equal(signed_in.balance, before);
	m = bank_confirmed(&c->bank, &signed_in);
	data = bank_sign(&c->bank, &m);
	assert_int_equal(
	    port_send(&c->card, AT_SETTLE(3), blob_span(&data), NULL),
	    JZ_SW_OK);
	m = batch(c, &a);
	assert_int_equal(m.count, 2);
	m = bank_processed(&c->bank, &m);
	data = bank_sign(&c->bank, &m);
	assert_int_equal(
	    port_send(&c->card, AT_SETTLE(5), blob_span(&data), NULL),
	    JZ_SW_OK);
	assert_int_equal(port_info(&c->card).count, 0);
	assert_int_equal(port_balance(&c->card), before);
	conform_refuses(c, AT_SETTLE(4), NOTHING, JZ_SW_RECORD);
}

/* proves: OFP-10 (the card verifies the issuer) */
static void
test_only_the_issuer_signs_in_and_clears(void **state)
{
	struct conform *c = two_payments(state);
	struct jz_message m, forged;
	struct blob data;
	struct answer a;

	port_send(&c->card, AT_SETTLE(1), NOTHING, &a);
	m = bank_challenge(&c->bank);
	data = bank_encode(&m);
	port_send(&c->card, AT_SETTLE(2), blob_span(&data), &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_SIGN_IN, &m), 0);
	m = bank_confirmed(&c->bank, &m);
	forged = m;
	assert_int_equal(jz_message_sign(&c->engine, &forged, &c->bank.ca), 0);
	data = bank_encode(&forged);
	conform_refuses(c, AT_SETTLE(3), blob_span(&data), JZ_SW_MAC);
	conform_refuses(c, AT_SETTLE(4), NOTHING, JZ_SW_CONDITIONS);
	data = bank_sign(&c->bank, &m);
	assert_int_equal(
	    port_send(&c->card, AT_SETTLE(3), blob_span(&data), NULL),
	    JZ_SW_OK);
	m = batch(c, &a);
	m = bank_processed(&c->bank, &m);
	forged = m;
	assert_int_equal(jz_message_sign(&c->engine, &forged, &c->bank.ca), 0);
	data = bank_encode(&forged);
	conform_refuses(c, AT_SETTLE(5), blob_span(&data), JZ_SW_MAC);
	forged.completion_digest[0] ^= 1;
	data = bank_sign(&c->bank, &forged);
	conform_refuses(c, AT_SETTLE(5), blob_span(&data), JZ_SW_MISMATCH);
	data = bank_sign(&c->bank, &m);
	assert_int_equal(
	    port_send(&c->card, AT_SETTLE(5), blob_span(&data), NULL),
	    JZ_SW_OK);
}

/* The key of a party, by its ID, out of its certificate. */
static const uint8_t *
key_of(const struct conform *c, const uint8_t *id,
    const uint8_t other_key[static JZ_POINT_BYTES])
{
	return memcmp(id, c->card_id, JZ_ID_BYTES) == 0 ? c->card_key
							: other_key;
}

/* From one record: both IDs, amount, time, and two signatures. */
static void
check_evidence(const struct conform *c, const struct jz_message *r,
    const uint8_t other_key[static JZ_POINT_BYTES])
{
	struct jz_message completion, second;

	assert_int_equal(r->payment.time, c->bank.now);
	memset(&completion, 0, sizeof(completion));
	completion.kind = JZ_KIND_COMPLETION;
	completion.payment = r->payment;
	completion.payer_record = r->payer_record;
	completion.payer_time = r->payer_time;
	memcpy(completion.signature, r->payer_signature, JZ_SIGNATURE_BYTES);
	assert_int_equal(jz_message_verify(&c->engine, &completion,
			     key_of(c, r->payment.payer_id, other_key)),
	    0);
	memset(&second, 0, sizeof(second));
	second.kind = r->kind == JZ_KIND_RECORD_PAID ? JZ_KIND_CONFIRMATION
						     : JZ_KIND_RECEIPT;
	second.payment = r->payment;
	second.payee_record = r->payee_record;
	second.payee_time = r->payee_time;
	assert_int_equal(jz_message_digest(
			     &c->engine, &completion, second.completion_digest),
	    0);
	memcpy(second.signature, r->payee_signature, JZ_SIGNATURE_BYTES);
	assert_int_equal(jz_message_verify(&c->engine, &second,
			     key_of(c, r->payment.payee_id, other_key)),
	    0);
	/* One unit more, and it is evidence of nothing. */
	completion.payment.amount++;
	assert_int_not_equal(jz_message_verify(&c->engine, &completion,
				 key_of(c, r->payment.payer_id, other_key)),
	    0);
}

/* proves: OFP-12 */
static void
test_either_record_is_evidence_by_itself(void **state)
{
	static const enum jz_kind kinds[] = {
	    JZ_KIND_RECORD_RECEIVED, JZ_KIND_RECORD_PAID};
	struct conform *c = two_payments(state);
	struct jz_certificate other;
	struct jz_message m, r;
	struct answer a, cert;
	struct jz_cursor cursor;
	struct jz_tlv t;

	port_send(&c->other, AT_CERTIFICATE, NOTHING, &cert);
	assert_int_equal(
	    jz_certificate_parse(answer_span(&cert), c->engine.crypto, &other),
	    0);
	assert_int_equal(bank_sign_in(&c->bank, &c->card), JZ_SW_OK);
	m = batch(c, &a);
	assert_int_equal(m.count, 2);
	cursor = jz_cursor(m.records);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(jz_tlv_next(&cursor, &t), 0);
		assert_int_equal(jz_message_decode(t.whole, kinds[i], &r), 0);
		assert_int_equal(r.payment.amount, AMOUNT + i);
		check_evidence(c, &r, other.public_key);
	}
	assert_true(jz_cursor_end(&cursor));
}

/* Nothing is cleared by a session that ends early. */
static void
test_a_session_cut_off_loses_nothing(void **state)
{
	struct conform *c = two_payments(state);
	struct jz_message first, second;
	struct answer a, b;
	uint32_t n;

	assert_int_equal(bank_sign_in(&c->bank, &c->card), JZ_SW_OK);
	first = batch(c, &a);
	conform_power(c);
	conform_refuses(c, AT_SETTLE(4), NOTHING, JZ_SW_CONDITIONS);
	assert_int_equal(bank_sign_in(&c->bank, &c->card), JZ_SW_OK);
	second = batch(c, &b);
	assert_int_equal(first.record, second.record);
	assert_true(jz_span_equal(first.records, second.records));
	port_select(&c->card);
	assert_int_equal(bank_settle(&c->bank, &c->card, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_six_steps),
	    cmocka_unit_test(test_only_the_issuer_signs_in_and_clears),
	    cmocka_unit_test(test_either_record_is_evidence_by_itself),
	    cmocka_unit_test(test_a_session_cut_off_loses_nothing),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
