/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offline payment (OFP), seen from outside.  The card is the payee in one half
 * of the tests and the payer in the other; the other side is a genuine card,
 * or one that a test makes say what it likes.
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

#define AMOUNT	   1300u
#define FORGER_ID  "CN00000000900001"
#define REVOKED_ID "CN00000000910001"
#define NOTHING	   jz_span(NULL, 0)

/* The other card pays, the card receives. */
static struct payment
receiving(const struct conform *c)
{
	return payment_of(&c->card, &c->other, AMOUNT, c->bank.now);
}

static struct payment
paying(const struct conform *c)
{
	return payment_of(&c->other, &c->card, AMOUNT, c->bank.now);
}

static void
done(struct payment *pay)
{
	assert_int_equal(payment_run(pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* proves: OFP-1 */
static void
test_the_payee_makes_a_signed_request(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = receiving(c);
	struct jz_certificate cert;
	struct jz_message m;

	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(
		blob_span(&pay.message[STEP_REQUEST]), JZ_KIND_REQUEST, &m),
	    0);
	assert_int_equal(m.payment.amount, AMOUNT);
	assert_int_equal(m.payment.currency, BANK_CURRENCY);
	assert_int_equal(m.payment.time, c->bank.now);
	assert_memory_equal(m.payment.payee_id, c->card_id, JZ_ID_BYTES);
	conform_signed(c, &m);
	/* With the certificate that goes with it. */
	assert_int_equal(
	    jz_certificate_parse(m.certificate, c->engine.crypto, &cert), 0);
	assert_memory_equal(cert.public_key, c->card_key, JZ_POINT_BYTES);
	done(&pay);
}

/* proves: OFP-8 (own ID, own certificate, key pair made on the card) */
static void
test_the_card_has_its_own_identity_and_key(void **state)
{
	struct conform *c = conform_begin(state);
	struct answer a, b;

	port_send(&c->card, AT_READ_KEY, NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(a.len, 5 + JZ_POINT_BYTES);
	assert_memory_equal(a.data + 5, c->card_key, JZ_POINT_BYTES);
	port_send(&c->other, AT_READ_KEY, NOTHING, &b);
	assert_memory_not_equal(a.data, b.data, a.len);
	assert_memory_equal(
	    port_info(&c->card).card_id, c->card_id, JZ_ID_BYTES);
	assert_memory_not_equal(
	    c->card_id, port_info(&c->other).card_id, JZ_ID_BYTES);
	/* No terminal makes another. */
	conform_refuses(c, AT_GENERATE, NOTHING, JZ_SW_P1P2);
}

/* proves: OFP-2 (a good request is agreed to) */
static void
test_the_payer_agrees_to_a_good_request(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_working_keys keys;
	struct jz_message request, m;
	struct forger payee;
	struct jz_sealed s;
	struct blob data;
	struct answer a;

	forger_new(&payee, &c->bank, FORGER_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_sign(&payee, &request);
	assert_int_equal(
	    port_send(&c->card, AT_AGREE, blob_span(&data), &a), JZ_SW_OK);
	assert_int_equal(jz_sealed_parse(answer_span(&a), &s), 0);
	assert_true(s.has_payer_key);
	assert_int_equal(
	    jz_working_keys(&c->engine, payee.ephemeral.private_key,
		s.payer_key, s.request_digest, s.payer_key, &keys),
	    0);
	m = conform_open(c, &a, JZ_KIND_AGREEMENT, keys.to_payee);
	assert_memory_equal(m.payment.payer_id, c->card_id, JZ_ID_BYTES);
	assert_memory_equal(
	    m.payee_key, payee.ephemeral.public_key, JZ_POINT_BYTES);
	conform_signed(c, &m);
}

/* The list that the card has may be of an earlier run: the next one. */
static uint32_t
next_version(const struct conform *c)
{
	struct jz_message m;
	struct answer a;
	uint16_t sw = port_send(&c->card, AT_LIST, jz_span(NULL, 0), &a);

	if (sw == JZ_SW_REFERENCE)
		return 1;
	assert_int_equal(sw, JZ_SW_OK);
	assert_int_equal(jz_revocation_parse(answer_span(&a), &m), 0);
	return m.list_version + 1;
}

/* proves: OFP-2 (a revoked payee is not legitimate) */
static void
test_the_payer_agrees_to_no_revoked_payee(void **state)
{
	static const char *const ids[] = {REVOKED_ID, NULL};
	struct conform *c = conform_begin(state);
	uint32_t version = next_version(c);
	struct jz_message request;
	struct forger payee;
	struct blob data, list;

	list = bank_revoke(&c->bank, version, 1, ids);
	assert_int_equal(
	    port_send(&c->card, AT_PUT_LIST, blob_span(&list), NULL), JZ_SW_OK);
	conform_refuses(c, AT_PUT_LIST, blob_span(&list), JZ_SW_LIST_OLD);
	list = bank_revoke(&c->bank, version + 1, 0, NULL);
	list.data[list.len - 1] ^= 1;
	conform_refuses(c, AT_PUT_LIST, blob_span(&list), JZ_SW_MAC);
	conform_power(c);
	forger_new(&payee, &c->bank, REVOKED_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_sign(&payee, &request);
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_CERT_REVOKED);
}

/* proves: OFP-2 (what is not legitimate is not agreed to) */
static void
test_the_payer_agrees_to_no_bad_request(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message request;
	struct forger payee;
	struct bank other;
	struct blob data;

	forger_new(&payee, &c->bank, FORGER_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_sign(&payee, &request);
	data.data[data.len - 1] ^= 1;
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MAC);
	data.data[data.len - 1] ^= 1;
	data.data[13] ^= 1; /* the amount */
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MAC);
	/* Certified by nobody we know. */
	bank_new(&other, &c->engine, c->bank.now);
	forger_new(&payee, &other, FORGER_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_sign(&payee, &request);
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_CERT_FORGED);
}

/* proves: OFP-3 OFP-6 */
static void
test_the_payee_confirms_and_credits_what_verifies(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	struct payment pay = receiving(c);
	struct jz_message agreement, confirmation, completion;
	struct forger payer;
	struct blob data;
	struct answer a;

	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	forger_new(&payer, &c->bank, FORGER_ID);
	agreement = forger_agreement(&payer, &pay.message[STEP_REQUEST]);
	/* Signed by another: no confirmation. */
	data = forge_sealed(&c->engine, &agreement, &c->bank.host,
	    payer.keys.to_payee, payer.ephemeral.public_key, NULL);
	conform_refuses(c, AT_CONFIRM, blob_span(&data), JZ_SW_MAC);
	data = forge_sealed(&c->engine, &agreement, &payer.key,
	    payer.keys.to_payee, payer.ephemeral.public_key, NULL);
	assert_int_equal(
	    port_send(&c->card, AT_CONFIRM, blob_span(&data), &a), JZ_SW_OK);
	confirmation =
	    conform_open(c, &a, JZ_KIND_CONFIRMATION, payer.keys.to_payer);
	assert_int_equal(confirmation.payment.amount, AMOUNT);
	conform_signed(c, &confirmation);
	/* Another amount, then another signature: no credit. */
	completion = confirmation;
	completion.kind = JZ_KIND_COMPLETION;
	completion.payer_record = 1;
	completion.payer_time = c->bank.now;
	completion.payment.amount++;
	data = forge_sealed(&c->engine, &completion, &payer.key,
	    payer.keys.to_payee, NULL, NULL);
	conform_refuses(c, AT_CREDIT, blob_span(&data), JZ_SW_MISMATCH);
	completion.payment.amount--;
	data = forge_sealed(&c->engine, &completion, &c->bank.host,
	    payer.keys.to_payee, NULL, NULL);
	conform_refuses(c, AT_CREDIT, blob_span(&data), JZ_SW_MAC);
	/* The entry was kept: what verifies is credited, once. */
	data = forge_sealed(&c->engine, &completion, &payer.key,
	    payer.keys.to_payee, NULL, NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    port_send(&c->card, AT_CREDIT, blob_span(&data), &a),
		    JZ_SW_OK);
		assert_int_equal(port_balance(&c->card), before + AMOUNT);
	}
	completion = conform_open(c, &a, JZ_KIND_RECEIPT, payer.keys.to_payer);
	conform_signed(c, &completion);
}

/* The digits of a card number as READ RECORD shows them. */
static void
counterparty(const uint8_t *id, uint8_t out[static 6])
{
	memset(out, 0, 6);
	for (unsigned i = 0; i < 9; i++) {
		unsigned digit = (unsigned)(id[2 + i] - '0');
		unsigned at = 3 + i;

		out[at / 2] |= (uint8_t)(at % 2 == 0 ? digit << 4 : digit);
	}
}

/* The newest record: type, amount, counterparty, and a time of just now. */
static void
check_newest(
    struct conform *c, enum jz_transaction_type type, const uint8_t *peer)
{
	uint8_t number[6];
	struct answer a;
	int64_t at;

	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	port_send(&c->card, AT_READ_LOG(1), NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(a.len, JZ_LOG_RECORD_BYTES);
	assert_int_equal(jz_get_be(a.data + 5, 4), AMOUNT);
	assert_int_equal(a.data[9], type);
	counterparty(peer, number);
	assert_memory_equal(a.data + 10, number, sizeof(number));
	assert_int_equal(jz_time_from_bcd(a.data + 16, &at), 0);
	assert_in_range(at, c->bank.now, c->bank.now + 3600);
	/* The PIN has served. */
	port_select(&c->card);
}

/* proves: OFP-4 OFP-5 OFP-7 */
static void
test_the_payer_debits_records_and_completes(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);
	struct jz_message request, m;
	struct jz_working_keys keys;
	struct forger payee;
	struct jz_sealed s;
	struct blob data;
	struct answer a;

	forger_new(&payee, &c->bank, FORGER_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_sign(&payee, &request);
	assert_int_equal(
	    port_send(&c->card, AT_AGREE, blob_span(&data), &a), JZ_SW_OK);
	assert_int_equal(jz_sealed_parse(answer_span(&a), &s), 0);
	assert_int_equal(
	    jz_working_keys(&c->engine, payee.ephemeral.private_key,
		s.payer_key, s.request_digest, s.payer_key, &keys),
	    0);
	m = conform_open(c, &a, JZ_KIND_AGREEMENT, keys.to_payee);
	assert_int_equal(port_balance(&c->card), before);
	/* The confirmation. */
	{
		struct jz_message confirmation;

		memset(&confirmation, 0, sizeof(confirmation));
		confirmation.kind = JZ_KIND_CONFIRMATION;
		confirmation.payment = request.payment;
		memcpy(confirmation.payment.payer_id, m.payment.payer_id,
		    JZ_ID_BYTES);
		confirmation.payment.payer_counter = m.payment.payer_counter;
		memcpy(confirmation.payment.request_digest, s.request_digest,
		    JZ_DIGEST_BYTES);
		assert_int_equal(jz_message_digest(&c->engine, &m,
				     confirmation.payment.agreement_digest),
		    0);
		data = forge_sealed(&c->engine, &confirmation, &c->bank.host,
		    keys.to_payer, NULL, NULL);
		conform_refuses(c, AT_COMPLETE, blob_span(&data), JZ_SW_MAC);
		data = forge_sealed(&c->engine, &confirmation, &payee.key,
		    keys.to_payer, NULL, NULL);
	}
	assert_int_equal(
	    port_send(&c->card, AT_COMPLETE, blob_span(&data), &a), JZ_SW_OK);
	assert_int_equal(port_balance(&c->card), before - AMOUNT);
	m = conform_open(c, &a, JZ_KIND_COMPLETION, keys.to_payee);
	assert_int_equal(m.payment.amount, AMOUNT);
	assert_memory_equal(m.payment.payee_id, FORGER_ID, JZ_ID_BYTES);
	assert_memory_equal(m.payment.payer_id, c->card_id, JZ_ID_BYTES);
	conform_signed(c, &m);
	check_newest(c, JZ_TYPE_EP_PURCHASE, (const uint8_t *)FORGER_ID);
}

/* proves: OFP-7 (received) */
static void
test_the_payee_records(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = receiving(c);

	done(&pay);
	check_newest(c, JZ_TYPE_EP_RECEIVED, (const uint8_t *)CONFORM_OTHER);
}

/* proves: ALL-1 ALL-2 (with a genuine card, both ways) */
static void
test_the_amount_moves_once_and_in_whole(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	uint32_t before = port_balance(&c->card);
	struct payment in = receiving(c), out = paying(c);

	done(&in);
	assert_int_equal(port_balance(&c->card), before + AMOUNT);
	assert_int_equal(conform_total(c), total);
	done(&out);
	assert_int_equal(port_balance(&c->card), before);
	assert_int_equal(conform_total(c), total);
}

/* proves: OFP-6 (the debit stays recoverable; fetched again, credits once) */
static void
test_a_lost_completion_is_fetched(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	struct payment pay = paying(c);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob lost, fetch;
	struct answer a;

	assert_int_equal(payment_run(&pay, STEP_COMPLETE), JZ_SW_OK);
	lost = pay.message[STEP_COMPLETE];
	payment_digest(&pay, digest);
	fetch = fetch_of(digest);
	conform_power(c);
	assert_int_equal(
	    port_send(&c->card, AT_FETCH, blob_span(&fetch), &a), JZ_SW_OK);
	assert_int_equal(a.len, lost.len);
	assert_memory_equal(a.data, lost.data, a.len);
	done(&pay);
	assert_int_equal(
	    port_send(&c->other, AT_CREDIT, blob_span(&lost), NULL), JZ_SW_OK);
	assert_int_equal(conform_total(c), total);
	conform_refuses(c, AT_FETCH, blob_span(&fetch), JZ_SW_NO_PAYMENT);
}

/* Privacy: who pays is in none of the messages that leave the two cards. */
static void
test_the_payer_is_in_no_message_in_clear(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = paying(c);

	done(&pay);
	for (enum step s = STEP_REQUEST; s < STEPS; s++) {
		const struct blob *b = &pay.message[s];

		for (size_t i = 0; i + JZ_ID_BYTES <= b->len; i++)
			assert_memory_not_equal(
			    b->data + i, c->card_id, JZ_ID_BYTES);
		for (size_t i = 0; i + JZ_POINT_BYTES <= b->len; i++)
			assert_memory_not_equal(
			    b->data + i, c->card_key, JZ_POINT_BYTES);
	}
}

/* No PIN up to the limit; above it, one PIN for one payment. */
static void
test_the_pin_policy(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay =
	    payment_of(&c->other, &c->card, 10001, c->bank.now);
	struct payment back =
	    payment_of(&c->card, &c->other, 10001, c->bank.now);

	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&c->card, "999999"), 0x63C2);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	done(&pay);
	assert_int_equal(port_verify(&c->other, CONFORM_PIN), JZ_SW_OK);
	done(&back);
	pay.next = STEP_REQUEST;
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SECURITY);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_payee_makes_a_signed_request),
	    cmocka_unit_test(test_the_card_has_its_own_identity_and_key),
	    cmocka_unit_test(test_the_payer_agrees_to_a_good_request),
	    cmocka_unit_test(test_the_payer_agrees_to_no_bad_request),
	    cmocka_unit_test(test_the_payer_agrees_to_no_revoked_payee),
	    cmocka_unit_test(test_the_payee_confirms_and_credits_what_verifies),
	    cmocka_unit_test(test_the_payer_debits_records_and_completes),
	    cmocka_unit_test(test_the_payee_records),
	    cmocka_unit_test(test_the_amount_moves_once_and_in_whole),
	    cmocka_unit_test(test_a_lost_completion_is_fetched),
	    cmocka_unit_test(test_the_payer_is_in_no_message_in_clear),
	    cmocka_unit_test(test_the_pin_policy),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
