/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a payment (OFP-7), seen from outside: each sentence of it, in
 * the field's own format and in the signed form.
 */
#include "../support/conform.h"

#include "../../apdu/time.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AMOUNT	1300u
#define NOTHING jz_span(NULL, 0)

static struct jz_message
record(const struct port *card, unsigned n, enum jz_kind kind)
{
	static struct answer a;
	struct jz_message m;

	assert_int_equal(port_verify(card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(port_send(card, AT_RECORD(n), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(jz_message_decode(answer_span(&a), kind, &m), 0);
	return m;
}

static struct jz_certificate
certificate_of(const struct conform *c, const struct port *card)
{
	static struct answer a;
	struct jz_certificate cert;

	assert_int_equal(
	    port_send(card, AT_CERTIFICATE, NOTHING, &a), JZ_SW_OK);
	assert_int_equal(
	    jz_certificate_parse(answer_span(&a), c->engine.crypto, &cert), 0);
	return cert;
}

/* With the two certificates alone: the completion and the other's answer. */
static void
verify_record(const struct conform *c, const struct jz_message *r,
    const struct port *payer, const struct port *payee)
{
	struct jz_certificate from = certificate_of(c, payer);
	struct jz_certificate to = certificate_of(c, payee);
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_COMPLETION;
	m.payment = r->payment;
	m.payer_record = r->payer_record;
	m.payer_time = r->payer_time;
	memcpy(m.signature, r->payer_signature, sizeof(m.signature));
	assert_int_equal(jz_message_verify(&c->engine, &m, from.public_key), 0);
	if (r->kind == JZ_KIND_RECORD_PAID) {
		m.kind = JZ_KIND_CONFIRMATION;
	} else {
		assert_int_equal(
		    jz_message_digest(&c->engine, &m, m.completion_digest), 0);
		m.kind = JZ_KIND_RECEIPT;
		m.payee_record = r->payee_record;
		m.payee_time = r->payee_time;
	}
	memcpy(m.signature, r->payee_signature, sizeof(m.signature));
	assert_int_equal(jz_message_verify(&c->engine, &m, to.public_key), 0);
	/* It can fail. */
	m.payment.amount++;
	assert_int_not_equal(
	    jz_message_verify(&c->engine, &m, to.public_key), 0);
}

/* proves: OFP-7 OFP-12 (the sign, both IDs, both counters, both signatures) */
static void
test_a_payment_leaves_two_records_that_agree(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);
	struct jz_message payer_before = port_info(&c->card);
	struct jz_message payee_before = port_info(&c->other);
	struct jz_message paid, received;

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	/* The kind is the sign: paid -, received +. */
	paid = record(&c->card, 1, JZ_KIND_RECORD_PAID);
	received = record(&c->other, 1, JZ_KIND_RECORD_RECEIVED);
	assert_int_equal(paid.payment.amount, AMOUNT);
	assert_memory_equal(
	    paid.payment.payer_id, payer_before.card_id, JZ_ID_BYTES);
	assert_memory_equal(
	    paid.payment.payee_id, payee_before.card_id, JZ_ID_BYTES);
	assert_int_equal(
	    paid.payment.payer_counter, payer_before.payment.payee_counter + 1);
	assert_int_equal(
	    paid.payment.payee_counter, payee_before.payment.payee_counter + 1);
	assert_memory_equal(
	    &paid.payment, &received.payment, sizeof(paid.payment));
	/* The number, gapless, and the other's. */
	assert_int_equal(paid.payer_record, payer_before.record);
	assert_int_equal(received.payee_record, payee_before.record);
	assert_int_equal(received.payer_record, paid.payer_record);
	verify_record(c, &paid, &c->card, &c->other);
	verify_record(c, &received, &c->card, &c->other);
}

/* proves: OFP-7 OFP-12 (by its number, long after: GET TRANSACTION PROVE) */
static void
test_a_transaction_is_proved_by_its_serial(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);
	struct payment next = conform_payment(c, &c->other, &c->card, AMOUNT);
	static struct answer whole, a;
	struct jz_message m;
	uint8_t serial[JZ_SERIAL_BYTES];

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	m = record(&c->card, 1, JZ_KIND_RECORD_PAID);
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->card, AT_RECORD(1), NOTHING, &whole), JZ_SW_OK);
	assert_int_equal(payment_run(&next, STEP_ACKNOWLEDGE), JZ_SW_OK);

	serial[0] = (uint8_t)(m.payment.payer_counter >> 8);
	serial[1] = (uint8_t)m.payment.payer_counter;
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(port_send(&c->card, AT_SERIAL(JZ_TYPE_EP_PURCHASE),
			     jz_span(serial, sizeof(serial)), &a),
	    JZ_SW_OK);
	assert_true(jz_span_equal(answer_span(&a), answer_span(&whole)));
	/* Of another type, of no such serial, and of an impossible length. */
	assert_int_equal(port_send(&c->card, AT_SERIAL(JZ_TYPE_EP_CLAIMED),
			     jz_span(serial, sizeof(serial)), &a),
	    JZ_SW_NO_MAC);
	serial[0] ^= 0x80;
	assert_int_equal(port_send(&c->card, AT_SERIAL(JZ_TYPE_EP_PURCHASE),
			     jz_span(serial, sizeof(serial)), &a),
	    JZ_SW_NO_MAC);
	assert_int_equal(port_send(&c->card, AT_SERIAL(JZ_TYPE_EP_PURCHASE),
			     jz_span(serial, 1), &a),
	    JZ_SW_LENGTH);
	serial[0] ^= 0x80;
	conform_power(c);
	assert_int_equal(port_send(&c->card, AT_SERIAL(JZ_TYPE_EP_PURCHASE),
			     jz_span(serial, sizeof(serial)), &a),
	    JZ_SW_SECURITY);
}

/* proves: OFP-7 (the digest of the exchange: of request and agreement) */
static void
test_a_record_has_the_digest_of_the_exchange(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->card, &c->other, AMOUNT);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message m, request;

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(blob_span(&pay.message[STEP_REQUEST]),
		JZ_KIND_REQUEST, &request),
	    0);
	assert_int_equal(jz_message_digest(&c->engine, &request, digest), 0);
	m = record(&c->card, 1, JZ_KIND_RECORD_RECEIVED);
	assert_memory_equal(m.payment.request_digest, digest, JZ_DIGEST_BYTES);
	memset(digest, 0, sizeof(digest));
	assert_memory_not_equal(
	    m.payment.agreement_digest, digest, JZ_DIGEST_BYTES);
}

/* proves: OFP-7 (the time to the second, in both forms) */
static void
test_the_time_is_the_completions(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->card, &c->other, AMOUNT);
	struct jz_message m;
	struct answer a;
	int64_t shown;

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	m = record(&c->card, 1, JZ_KIND_RECORD_RECEIVED);
	assert_in_range(m.payer_time, c->bank.now, c->bank.now + 3600);
	assert_in_range(m.payee_time, m.payer_time - 60, m.payer_time + 3600);
	assert_int_equal(
	    port_send(&c->card, AT_READ_LOG(1), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(a.len, JZ_LOG_RECORD_BYTES);
	assert_int_equal(jz_get_be(a.data + 5, 4), AMOUNT);
	assert_int_equal(a.data[9], JZ_TYPE_EP_RECEIVED);
	assert_int_equal(jz_time_from_bcd(a.data + 16, &shown), 0);
	assert_int_equal(shown, m.payee_time);
}

/* proves: OFP-7 (numbers have no gap, counters may) */
static void
test_numbers_have_no_gap(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t first = port_info(&c->card).record;

	for (uint32_t i = 0; i < 3; i++) {
		struct payment left =
		    conform_payment(c, &c->other, &c->card, AMOUNT);
		struct payment pay =
		    conform_payment(c, &c->other, &c->card, AMOUNT);

		/* A counter that nothing comes of. */
		assert_int_equal(payment_run(&left, STEP_AGREE), JZ_SW_OK);
		assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
		assert_int_equal(
		    record(&c->card, 1, JZ_KIND_RECORD_PAID).payer_record,
		    first + i);
	}
	assert_int_equal(
	    record(&c->card, 2, JZ_KIND_RECORD_PAID).payer_record, first + 1);
}

/* Who has no PIN reads no record; and there are no more than there are. */
static void
test_records_are_the_cardholders(void **state)
{
	struct conform *c = conform_begin(state);

	assert_int_equal(port_select(&c->card), JZ_SW_OK);
	conform_refuses(c, AT_RECORD(1), NOTHING, JZ_SW_SECURITY);
	conform_refuses(c, AT_READ_LOG(1), NOTHING, JZ_SW_SECURITY);
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	conform_refuses(c, AT_RECORD(0), NOTHING, JZ_SW_RECORD);
	conform_refuses(c, AT_RECORD(33), NOTHING, JZ_SW_RECORD);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_payment_leaves_two_records_that_agree),
	    cmocka_unit_test(test_a_transaction_is_proved_by_its_serial),
	    cmocka_unit_test(test_a_record_has_the_digest_of_the_exchange),
	    cmocka_unit_test(test_the_time_is_the_completions),
	    cmocka_unit_test(test_numbers_have_no_gap),
	    cmocka_unit_test(test_records_are_the_cardholders),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
