/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every refusal of the payer's three payment commands, in the order of
 * docs/protocol.md section 5.  What a test cannot get from a genuine card, a
 * forged one says, with a certificate and keys of its own.
 */
#include "../../support/refusals.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FORGER_ID REFUSAL_FORGER
#define FUNDS	  REFUSAL_FUNDS
#define AMOUNT	  REFUSAL_AMOUNT
#define ROWS(t)	  t, sizeof(t) / sizeof((t)[0])

/* ---- AGREE -------------------------------------------------------------- */

/* What a forged request is made of: its fields, then its certificate. */
static void
request_with(struct fixture *f, struct blob *data, uint64_t amount)
{
	struct jz_message m = forger_request(&f->forger, amount, RIG_NOW);

	*data = forger_sign(&f->forger, &m);
}

static void
request_certified(
    struct fixture *f, struct blob *data, const struct jz_key_pair *by)
{
	forger_certify(&f->forger, f->bank, by);
	request_with(f, data, AMOUNT);
}

static void
no_certificate(struct fixture *f, struct blob *data)
{
	f->forger.certificate.len = 2;
	memcpy(f->forger.certificate.data, "\x7F\x21", 2);
	f->forger.certificate.data[f->forger.certificate.len++] = 1;
	f->forger.certificate.data[f->forger.certificate.len++] = 0;
	request_with(f, data, AMOUNT);
}

static void
other_issuer(struct fixture *f, struct blob *data)
{
	f->forger.fields.authority[14] ^= 1;
	request_certified(f, data, &f->bank->ca);
}

static void
a_hosts_certificate(struct fixture *f, struct blob *data)
{
	f->forger.fields.role = JZ_ROLE_HOST;
	request_certified(f, data, &f->bank->host);
}

static void
forged_certificate(struct fixture *f, struct blob *data)
{
	f->forger.fields.from += 31 * BANK_DAY;
	request_certified(f, data, &f->bank->host);
}

static void
future_certificate(struct fixture *f, struct blob *data)
{
	f->forger.fields.from += 31 * BANK_DAY;
	request_certified(f, data, &f->bank->ca);
}

static void
old_certificate(struct fixture *f, struct blob *data)
{
	f->forger.fields.to = f->forger.fields.from + 30 * BANK_DAY;
	request_certified(f, data, &f->bank->ca);
}

/* The same card, with another key pair. */
static void
own_other_key(struct fixture *f, struct blob *data)
{
	memcpy(f->forger.fields.holder, "CN00000000200002", JZ_ID_BYTES);
	request_certified(f, data, &f->bank->ca);
}

static void
other_holder(struct fixture *f, struct blob *data)
{
	struct jz_message m = forger_request(&f->forger, 0, RIG_NOW);

	m.payment.payee_id[10] ^= 1;
	*data = bank_encode(&m); /* the signature is wrong too */
}

static void
bad_signature(struct fixture *f, struct blob *data)
{
	/* Amount 0, and the currency is wrong too. */
	struct jz_message m = forger_request(&f->forger, 0, RIG_NOW);

	m.payment.currency = 840;
	*data = forger_sign(&f->forger, &m);
	data->data[data->len - 1] ^= 1;
}

static void
payee_only(struct fixture *f, struct blob *data)
{
	static const uint8_t flag = JZ_FLAG_PAYEE_ONLY;
	struct jz_message m = forger_request(&f->forger, 0, RIG_NOW);

	rig_poke(f->payer, &rig_purse(f->payer)->flags, &flag, 1);
	m.payment.currency = 840;
	*data = forger_sign(&f->forger, &m);
}

static void
request_in_dollars(struct fixture *f, struct blob *data)
{
	struct jz_message m = forger_request(&f->forger, 0, RIG_NOW);

	m.payment.currency = 840;
	*data = forger_sign(&f->forger, &m);
}

static void
request_of_nothing(struct fixture *f, struct blob *data)
{
	request_with(f, data, 0);
}

static void
above_single(struct fixture *f, struct blob *data)
{
	request_with(f, data, 500001);
}

static void
above_balance(struct fixture *f, struct blob *data)
{
	request_with(f, data, FUNDS + 1);
}

static void
needs_pin(struct fixture *f, struct blob *data)
{
	rig_poke_u32(
	    f->payer, &rig_purse(f->payer)->offline_counter, UINT32_MAX);
	request_with(f, data, 10001);
}

static void
payer_counter(struct fixture *f, struct blob *data)
{
	rig_poke_u32(
	    f->payer, &rig_purse(f->payer)->offline_counter, UINT32_MAX);
	rig_poke_u32(f->payer, &rig_purse(f->payer)->next_record, 33);
	request_with(f, data, AMOUNT);
}

static void
payer_log_full(struct fixture *f, struct blob *data)
{
	struct jz_message m = forger_request(&f->forger, AMOUNT, RIG_NOW);

	rig_poke_u32(f->payer, &rig_purse(f->payer)->next_record, 33);
	m.payee_key[64] ^= 1;
	*data = forger_sign(&f->forger, &m);
}

static void
no_point(struct fixture *f, struct blob *data)
{
	struct jz_message m = forger_request(&f->forger, AMOUNT, RIG_NOW);

	m.payee_key[64] ^= 1;
	*data = forger_sign(&f->forger, &m);
}

static void
point_of_another_form(struct fixture *f, struct blob *data)
{
	struct jz_message m = forger_request(&f->forger, AMOUNT, RIG_NOW);

	m.payee_key[0] = 0x02;
	*data = forger_sign(&f->forger, &m);
}

static const struct row AGREE[] = {
    {"cut short", cut_short, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"certificate without content", no_certificate, JZ_SW_CERT_MALFORMED},
    {"another issuer", other_issuer, JZ_SW_CERT_ISSUER},
    {"a host's certificate", a_hosts_certificate, JZ_SW_CERT_ROLE},
    {"forged certificate", forged_certificate, JZ_SW_CERT_FORGED},
    {"not yet valid", future_certificate, JZ_SW_CERT_NOT_YET},
    {"expired", old_certificate, JZ_SW_CERT_EXPIRED},
    {"this card, another key", own_other_key, JZ_SW_SAME_CARD},
    {"holder", other_holder, JZ_SW_MISMATCH},
    {"signature", bad_signature, JZ_SW_MAC},
    {"payee only", payee_only, JZ_SW_CERT_ROLE},
    {"currency", request_in_dollars, JZ_SW_CURRENCY},
    {"amount 0", request_of_nothing, JZ_SW_DATA},
    {"highest single amount", above_single, JZ_SW_SINGLE_LIMIT},
    {"balance", above_balance, JZ_SW_AMOUNT},
    {"PIN", needs_pin, JZ_SW_SECURITY},
    {"counter", payer_counter, JZ_SW_COUNTER},
    {"log full", payer_log_full, JZ_SW_LOG_FULL},
    {"no point", no_point, JZ_SW_CERT_SUITE},
    {"compressed point", point_of_another_form, JZ_SW_CERT_SUITE},
};

/* proves: OFP-2 (what is not legitimate is not agreed to) */
static void
test_refusals_of_agree(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, STEP_REQUEST);
	refusal_check(f, f->payer, STEP_AGREE, ROWS(AGREE));
}

/* ---- COMPLETE ----------------------------------------------------------- */

/* The confirmation that the payee gave, opened with the payer's keys. */
static struct jz_message
open_confirmation(struct fixture *f)
{
	const struct purse_agreement *a = &rig_purse(f->payer)->agreement;
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m;
	struct jz_sealed s;

	assert_int_equal(
	    jz_sealed_parse(blob_span(&f->pay.message[STEP_CONFIRM]), &s), 0);
	assert_int_equal(jz_message_open(&f->rig.engine, &s,
			     JZ_KIND_CONFIRMATION, a->keys.to_payer, plain, &m),
	    0);
	return m;
}

static void
seal_confirmation(struct fixture *f, struct jz_message *m, struct blob *data)
{
	*data = forge_sealed(&f->rig.engine, m, &rig_purse(f->payee)->key,
	    rig_purse(f->payer)->agreement.keys.to_payer, NULL, NULL);
}

static void
confirmation_wrong_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = open_confirmation(f);

	*data = forge_sealed(&f->rig.engine, &m, &rig_purse(f->payee)->key,
	    rig_purse(f->payer)->agreement.keys.to_payee, NULL, NULL);
}

static void
confirmation_amount(struct fixture *f, struct blob *data)
{
	struct jz_message m = open_confirmation(f);

	m.payment.amount--;
	seal_confirmation(f, &m, data);
}

static void
confirmation_payee(struct fixture *f, struct blob *data)
{
	struct jz_message m = open_confirmation(f);

	memcpy(m.payment.payee_id, FORGER_ID, JZ_ID_BYTES);
	seal_confirmation(f, &m, data);
}

static void
confirmation_agreement(struct fixture *f, struct blob *data)
{
	struct jz_message m = open_confirmation(f);

	m.payment.agreement_digest[31] ^= 1;
	seal_confirmation(f, &m, data);
}

static void
confirmation_signature(struct fixture *f, struct blob *data)
{
	uint64_t nothing = 0;
	struct jz_message m = open_confirmation(f);

	rig_poke(f->payer, &rig_purse(f->payer)->balance, &nothing, 8);
	*data = forge_sealed(&f->rig.engine, &m, &f->forger.key,
	    rig_purse(f->payer)->agreement.keys.to_payer, NULL, NULL);
}

static void
balance_gone(struct fixture *f, struct blob *data)
{
	uint64_t less = AMOUNT - 1;

	(void)data;
	rig_poke(f->payer, &rig_purse(f->payer)->balance, &less, 8);
}

static const struct row COMPLETE[] = {
    {"cut short", cut_short, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"with a payer key", with_payer_key, JZ_SW_DATA},
    {"no open agreement", other_digest_outside, JZ_SW_NO_PAYMENT},
    {"does not open", confirmation_wrong_key, JZ_SW_DECRYPT},
    {"amount", confirmation_amount, JZ_SW_MISMATCH},
    {"payee", confirmation_payee, JZ_SW_MISMATCH},
    {"agreement digest", confirmation_agreement, JZ_SW_MISMATCH},
    {"signature", confirmation_signature, JZ_SW_MAC},
    {"balance", balance_gone, JZ_SW_AMOUNT},
};

static void
test_refusals_of_complete(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, STEP_CONFIRM);
	refusal_check(f, f->payer, STEP_COMPLETE, ROWS(COMPLETE));
}

/* ---- ACKNOWLEDGE -------------------------------------------------------- */

/* The receipt that the payee gave, opened with its keys. */
static struct jz_message
receipt(struct fixture *f)
{
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m;
	struct jz_sealed s;

	assert_int_equal(
	    jz_sealed_parse(blob_span(&f->pay.message[STEP_CREDIT]), &s), 0);
	assert_int_equal(
	    jz_message_open(&f->rig.engine, &s, JZ_KIND_RECEIPT,
		purse_slot(rig_purse(f->payee), 1)->keys.to_payer, plain, &m),
	    0);
	return m;
}

static void
seal_receipt(struct fixture *f, struct jz_message *m, struct blob *data)
{
	*data = forge_sealed(&f->rig.engine, m, &rig_purse(f->payee)->key,
	    purse_slot(rig_purse(f->payee), 1)->keys.to_payer, NULL, NULL);
}

static void
receipt_wrong_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = receipt(f);

	*data = forge_sealed(&f->rig.engine, &m, &rig_purse(f->payee)->key,
	    purse_slot(rig_purse(f->payee), 1)->keys.to_payee, NULL, NULL);
}

static void
receipt_amount(struct fixture *f, struct blob *data)
{
	struct jz_message m = receipt(f);

	m.payment.amount--;
	seal_receipt(f, &m, data);
}

static void
receipt_payee(struct fixture *f, struct blob *data)
{
	struct jz_message m = receipt(f);

	memcpy(m.payment.payee_id, FORGER_ID, JZ_ID_BYTES);
	seal_receipt(f, &m, data);
}

static void
receipt_completion(struct fixture *f, struct blob *data)
{
	struct jz_message m = receipt(f);

	m.completion_digest[31] ^= 1;
	seal_receipt(f, &m, data);
}

static const struct row ACKNOWLEDGE[] = {
    {"cut short", cut_short, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"with a payer key", with_payer_key, JZ_SW_DATA},
    {"no payment", other_digest_outside, JZ_SW_NO_PAYMENT},
    {"does not open", receipt_wrong_key, JZ_SW_DECRYPT},
    {"amount", receipt_amount, JZ_SW_MISMATCH},
    {"payee", receipt_payee, JZ_SW_MISMATCH},
    {"completion digest", receipt_completion, JZ_SW_MISMATCH},
};

static void
test_refusals_of_acknowledge(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, STEP_CREDIT);
	refusal_check(f, f->payer, STEP_ACKNOWLEDGE, ROWS(ACKNOWLEDGE));
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, refusal_setup, refusal_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_refusals_of_agree),
	    TEST(test_refusals_of_complete),
	    TEST(test_refusals_of_acknowledge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
