/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every single bit of every message of a payment and of what the issuer says at
 * settlement, turned over on its way: it is refused with the status word that
 * docs/protocol.md has for it, changes nothing, and the genuine message is
 * accepted after all.
 */
#include "../../support/refusals.h"
#include "../../../apdu/tlv.h"
#include "../../support/stride.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX  4
#define FIELDS_MAX 12
/* Of a certificate that is damaged anywhere: its form, suite, authority, role,
 * signature, dates; whose it is comes after. */
#define CERTIFICATE_WORDS 0

/* The status words that docs/protocol.md has for a field that is not what it
 * should be; tag, length, and the template itself: 6A80. */
struct field {
	uint32_t tag;
	uint16_t words[WORDS_MAX];
};

static bool
of_a_certificate(uint16_t sw)
{
	return (sw >= JZ_SW_CERT_FORGED && sw <= JZ_SW_CERT_MALFORMED) ||
	    sw == JZ_SW_DATA || sw == JZ_SW_MISMATCH || sw == JZ_SW_MAC;
}

/* The field that a byte of a message is in, and whether in its value. */
static const struct field *
field_at(
    const struct field *fields, struct jz_span data, size_t at, bool *value)
{
	struct jz_cursor outer = jz_cursor(data), c;
	struct jz_tlv t, whole;

	*value = false;
	assert_int_equal(jz_tlv_next(&outer, &whole), 0);
	c = jz_cursor(whole.value);
	while (jz_tlv_next(&c, &t) == 0) {
		const uint8_t *byte = data.data + at;

		if (byte < t.whole.data || byte >= t.whole.data + t.whole.len)
			continue;
		*value = byte >= t.value.data;
		for (unsigned i = 0; i < FIELDS_MAX; i++)
			if (fields[i].tag == t.tag)
				return &fields[i];
		fail_msg("field %X is not expected", (unsigned)t.tag);
	}
	return NULL;
}

static void
check_word(const struct field *fields, uint32_t header, struct jz_span data,
    size_t bit, uint16_t sw)
{
	bool value;
	const struct field *f = field_at(fields, data, bit / 8, &value);

	if (f != NULL && f->tag == JZ_TAG_CERTIFICATE && of_a_certificate(sw))
		return;
	if (f == NULL || !value) {
		if (sw == JZ_SW_DATA)
			return;
	} else {
		for (unsigned i = 0; i < WORDS_MAX; i++)
			if (f->words[i] == sw && sw != 0)
				return;
	}
	fail_msg("%08X: bit %zu (field %X) is %04X", header, bit,
	    f == NULL ? 0u : (unsigned)f->tag, sw);
}

/*
 * Every bit turned over: the documented status word, nothing said, and the
 * image of the card is the one before.
 */
static void
check_flips(struct rig_card *card, uint32_t header, struct jz_span data,
    const struct field *fields)
{
	struct rig_snapshot *s = rig_save(card);
	uint8_t before[32], after[32];
	struct answer a;
	struct blob b;

	rig_hash(card, before);
	for (size_t bit = 0; bit < data.len * 8; bit += test_stride()) {
		blob_set(&b, data);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (port_send(&card->port, header, blob_span(&b), &a) ==
		    JZ_SW_OK)
			fail_msg("%08X: bit %zu is accepted", header, bit);
		check_word(fields, header, data, bit, a.sw);
		assert_int_equal(a.len, 0);
		if (!rig_unchanged(card, s))
			fail_msg("%08X: bit %zu changes", header, bit);
	}
	rig_hash(card, after);
	assert_memory_equal(before, after, sizeof(before));
	rig_snapshot_free(&s);
}

#define SIGNED_ONLY                                                            \
	{                                                                      \
		JZ_SW_MAC, JZ_SW_DATA                                          \
	}
static const struct field REQUEST[FIELDS_MAX] = {
    {JZ_TAG_AMOUNT, {JZ_SW_MAC}},
    {JZ_TAG_CURRENCY, SIGNED_ONLY},
    {JZ_TAG_PAYEE_ID, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYEE_COUNTER, {JZ_SW_MAC}},
    {JZ_TAG_TIME, SIGNED_ONLY},
    {JZ_TAG_NONCE, {JZ_SW_MAC}},
    {JZ_TAG_PAYEE_KEY, {JZ_SW_MAC}},
    {JZ_TAG_LIST_VERSION, {JZ_SW_MAC}},
    {JZ_TAG_REFERENCE, SIGNED_ONLY},
    {JZ_TAG_CERTIFICATE, {CERTIFICATE_WORDS}},
    {JZ_TAG_SIGNATURE, {JZ_SW_MAC}},
};
/* All that travels in an envelope. */
static const struct field SEALED[FIELDS_MAX] = {
    {JZ_TAG_REQUEST_DIGEST, {JZ_SW_NO_PAYMENT}},
    {JZ_TAG_PAYER_KEY, {JZ_SW_CERT_SUITE}},
    {JZ_TAG_SEALED, {JZ_SW_DECRYPT}},
};
/* A payment that is pending has its keys: its payer's point is not looked at. */
static const struct field SEALED_AGAIN[FIELDS_MAX] = {
    {JZ_TAG_REQUEST_DIGEST, {JZ_SW_NO_PAYMENT}},
    {JZ_TAG_PAYER_KEY, {JZ_SW_DECRYPT}},
    {JZ_TAG_SEALED, {JZ_SW_DECRYPT}},
};
static const struct field PROOF[FIELDS_MAX] = {
    {JZ_TAG_PAYEE_ID, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYER_ID, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYEE_COUNTER, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYER_COUNTER, {JZ_SW_MISMATCH}},
    {JZ_TAG_REQUEST_DIGEST, {JZ_SW_NO_PAYMENT}},
    {JZ_TAG_SIGNATURE, {JZ_SW_MAC}},
};
static const struct field CONFIRMED[FIELDS_MAX] = {
    {JZ_TAG_CARD_ID, {JZ_SW_MISMATCH, JZ_SW_DATA}},
    {JZ_TAG_NONCE, {JZ_SW_MISMATCH}},
    {JZ_TAG_HOST_NONCE, {JZ_SW_MISMATCH}},
    {JZ_TAG_TIME, SIGNED_ONLY},
    {JZ_TAG_HOST_ID, {JZ_SW_CERT_ISSUER}},
    {JZ_TAG_SIGNATURE, {JZ_SW_MAC}},
};
static const struct field PROCESSED[FIELDS_MAX] = {
    {JZ_TAG_CARD_ID, {JZ_SW_MISMATCH, JZ_SW_DATA}},
    {JZ_TAG_HOST_NONCE, {JZ_SW_MISMATCH}},
    {JZ_TAG_RECORD, {JZ_SW_MISMATCH}},
    {JZ_TAG_COUNT, {JZ_SW_MISMATCH}},
    {JZ_TAG_COMPLETION_DIGEST, {JZ_SW_MISMATCH}},
    {JZ_TAG_HOST_ID, {JZ_SW_CERT_ISSUER}},
    {JZ_TAG_SIGNATURE, {JZ_SW_MAC}},
};
static const struct field COMPLETION[FIELDS_MAX] = {
    {JZ_TAG_AMOUNT, {JZ_SW_MISMATCH}},
    {JZ_TAG_CURRENCY, {JZ_SW_MISMATCH, JZ_SW_DATA}},
    {JZ_TAG_PAYEE_ID, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYER_ID, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYEE_COUNTER, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYER_COUNTER, {JZ_SW_MISMATCH}},
    {JZ_TAG_TIME, {JZ_SW_MISMATCH, JZ_SW_DATA}},
    {JZ_TAG_REQUEST_DIGEST, {JZ_SW_NO_PAYMENT}},
    {JZ_TAG_AGREEMENT_DIGEST, {JZ_SW_MISMATCH}},
    {JZ_TAG_PAYER_RECORD, {JZ_SW_MAC}},
    {JZ_TAG_PAYER_TIME, SIGNED_ONLY},
    {JZ_TAG_SIGNATURE, {JZ_SW_MAC}},
};

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
	    payment_data(&f->pay, step), step == STEP_AGREE ? REQUEST : SEALED);
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
	check_flips(
	    f->payee, AT_CREDIT, payment_data(&f->pay, STEP_CREDIT), SEALED);
	rig_accepts(
	    f->payee, AT_CREDIT, payment_data(&f->pay, STEP_CREDIT), NULL);
}

static void
test_no_flipped_agreement_gets_the_confirmation_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	check_flips(f->payee, AT_CONFIRM, payment_data(&f->pay, STEP_CONFIRM),
	    SEALED_AGAIN);
	rig_accepts(
	    f->payee, AT_CONFIRM, payment_data(&f->pay, STEP_CONFIRM), NULL);
}

/* As the issuer passes it on: its signature alone makes it good. */
static void
test_no_flipped_completion_in_clear_credits(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct blob clear;

	assert_int_equal(payment_run(&f->pay, STEP_COMPLETE), JZ_SW_OK);
	purse_completion_of(
	    rig_purse(f->payer), purse_slot(rig_purse(f->payer), 2), &m);
	clear = bank_encode(&m);
	check_flips(f->payee, AT_CREDIT, blob_span(&clear), COMPLETION);
	rig_accepts(f->payee, AT_CREDIT, blob_span(&clear), NULL);
	assert_int_equal(port_balance(&f->payee->port), REFUSAL_AMOUNT);
}

static void
test_no_flipped_proof_drops(void **state)
{
	struct fixture *f = *state;
	const struct purse_nvm *p = rig_purse(f->payer);
	struct jz_payment pay;
	struct blob question, proof;
	struct answer a;

	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	purse_payment_load(p, &pay, &p->agreement.payment, PURSE_PAYER);
	question = question_of(&pay);
	rig_accepts(f->payer, AT_PROVE, blob_span(&question), &a);
	blob_set(&proof, answer_span(&a));
	check_flips(f->payee, AT_DROP, blob_span(&proof), PROOF);
	rig_accepts(f->payee, AT_DROP, blob_span(&proof), NULL);
}

/* Settlement, from the issuer to the card. */
static void
test_no_flipped_settlement_clears(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct answer a;
	struct blob data;

	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	rig_accepts(f->payer, AT_SETTLE(1), jz_span(NULL, 0), &a);
	m = bank_challenge(f->bank);
	data = bank_encode(&m);
	rig_accepts(f->payer, AT_SETTLE(2), blob_span(&data), &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_SIGN_IN, &m), 0);
	m = bank_confirmed(f->bank, &m);
	data = bank_sign(f->bank, &m);
	check_flips(f->payer, AT_SETTLE(3), blob_span(&data), CONFIRMED);
	rig_accepts(f->payer, AT_SETTLE(3), blob_span(&data), NULL);
	rig_accepts(f->payer, AT_SETTLE(4), jz_span(NULL, 0), &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_BATCH, &m), 0);
	m = bank_processed(f->bank, &m);
	data = bank_sign(f->bank, &m);
	check_flips(f->payer, AT_SETTLE(5), blob_span(&data), PROCESSED);
	rig_accepts(f->payer, AT_SETTLE(5), blob_span(&data), NULL);
	assert_int_equal(port_info(&f->payer->port).count, 0);
}

/* ---- the encrypted profile ---------------------------------------------- */

/* FF2F around a request. */
static const struct field SEALED_REQUEST[FIELDS_MAX] = {
    {JZ_TAG_REQUEST_DIGEST, {JZ_SW_DECRYPT}},
    {JZ_TAG_PAYEE_KEY, {JZ_SW_CERT_SUITE}},
    {JZ_TAG_SEALED, {JZ_SW_DECRYPT}},
};

/* proves: OFP-2 (an altered sealed request), OFP-9, ALL-4 */
static void
test_no_flipped_sealed_request_is_agreed_to(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_REQUEST), JZ_SW_OK);
	check_flips(f->payer, AT_AGREE, payment_data(&f->pay, STEP_AGREE),
	    SEALED_REQUEST);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&f->payee->port), REFUSAL_AMOUNT);
}

/* proves: OFP-3, OFP-4, OFP-6, OFP-9, ALL-4 */
static void
test_no_flipped_message_of_the_encrypted_profile(void **state)
{
	struct fixture *f = *state;

	for (enum step s = STEP_CONFIRM; s < STEPS; s++) {
		assert_int_equal(payment_run(&f->pay, s - 1), JZ_SW_OK);
		check_flips(card_of(f, s), payment_header(s),
		    payment_data(&f->pay, s), SEALED);
	}
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&f->payee->port), REFUSAL_AMOUNT);
}

/*
 * A hello is not signed and names nobody: what was altered in it the payee's
 * card answers, if it is a point at all, and the payer's card refuses the
 * answer, unchanged; then the genuine hello is answered.
 */
static void
test_no_request_to_a_flipped_hello_is_agreed_to(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *payee, *payer;
	struct blob terms = f->pay.terms, altered;
	struct answer hello, a;
	unsigned answered = 0;

	rig_accepts(f->payer, AT_HELLO, jz_span(NULL, 0), &hello);
	payee = rig_save(f->payee);
	payer = rig_save(f->payer);
	memcpy(terms.data + terms.len, hello.data, hello.len);
	for (size_t bit = 0; bit < hello.len * 8; bit += test_stride()) {
		altered = terms;
		altered.data[terms.len + bit / 8] ^= (uint8_t)(1u << bit % 8);
		altered.len = terms.len + hello.len;
		rig_restore(f->payee, payee);
		if (port_send(&f->payee->port, AT_REQUEST, blob_span(&altered),
			&a) != JZ_SW_OK) {
			assert_true(rig_unchanged(f->payee, payee));
			continue;
		}
		answered++;
		port_send(&f->payer->port, AT_AGREE, answer_span(&a), &a);
		assert_int_equal(a.sw, JZ_SW_DECRYPT);
		assert_true(rig_unchanged(f->payer, payer));
	}
	assert_true(answered >= 8 * JZ_NONCE_BYTES / test_stride());
	rig_restore(f->payee, payee);
	terms.len += hello.len;
	rig_accepts(f->payee, AT_REQUEST, blob_span(&terms), &a);
	rig_accepts(f->payer, AT_AGREE, answer_span(&a), NULL);
	rig_snapshot_free(&payee);
	rig_snapshot_free(&payer);
}

/* Of an earlier payment with the same card: no message takes another's place,
 * though its envelope is made to fit. */
static void
test_no_message_of_the_payment_before(void **state)
{
	struct fixture *f = *state;
	struct payment old = f->pay;
	struct jz_message m, in;
	struct blob mixed;

	assert_int_equal(payment_run(&old, STEP_ACKNOWLEDGE), JZ_SW_OK);
	for (enum step s = STEP_AGREE; s < STEPS; s++) {
		assert_int_equal(payment_run(&f->pay, s - 1), JZ_SW_OK);
		if (s != STEP_CREDIT) /* that has its receipt again */
			rig_refuses(card_of(f, s), payment_header(s),
			    payment_data(&old, s),
			    s == STEP_AGREE ? JZ_SW_DECRYPT : JZ_SW_NO_PAYMENT);
		assert_int_equal(jz_message_decode(payment_data(&f->pay, s),
				     JZ_KIND_SEALED, &m),
		    0);
		assert_int_equal(jz_message_decode(payment_data(&old, s),
				     JZ_KIND_SEALED, &in),
		    0);
		m.sealed = in.sealed;
		mixed = bank_encode(&m);
		rig_refuses(card_of(f, s), payment_header(s), blob_span(&mixed),
		    JZ_SW_DECRYPT);
	}
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
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
		for (size_t n = 0; n < payment_data(&f->pay, s).len;
		     n += test_stride()) {
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
#define ENCRYPTED(f)                                                           \
	cmocka_unit_test_setup_teardown(                                       \
	    f, refusal_setup_encrypted, refusal_teardown)
	const struct CMUnitTest tests[] = {
	    ENCRYPTED(test_no_flipped_sealed_request_is_agreed_to),
	    ENCRYPTED(test_no_flipped_message_of_the_encrypted_profile),
	    ENCRYPTED(test_no_request_to_a_flipped_hello_is_agreed_to),
	    ENCRYPTED(test_no_message_of_the_payment_before),
	    TEST(test_no_flipped_request_is_agreed_to),
	    TEST(test_no_flipped_agreement_is_confirmed),
	    TEST(test_no_flipped_confirmation_debits),
	    TEST(test_no_flipped_completion_credits),
	    TEST(test_no_flipped_receipt_is_taken),
	    TEST(test_no_flipped_completion_gets_the_receipt_again),
	    TEST(test_no_flipped_agreement_gets_the_confirmation_again),
	    TEST(test_no_flipped_completion_in_clear_credits),
	    TEST(test_no_flipped_proof_drops),
	    TEST(test_no_flipped_settlement_clears),
	    TEST(test_no_message_cut_short_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
