/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every refusal of the payee's three payment commands, in the order of
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

/* ---- REQUEST ------------------------------------------------------------ */

static void
zero_amount(struct fixture *f, struct blob *data)
{
	(void)f;
	*data = terms_of(0, BANK_CURRENCY, RIG_NOW, "");
}

static void
huge_amount(struct fixture *f, struct blob *data)
{
	(void)f;
	*data = terms_of(0x80000000u, BANK_CURRENCY, RIG_NOW, "");
}

static void
no_time(struct fixture *f, struct blob *data)
{
	(void)f;
	data->data[data->len - 1] = 0x61; /* 61 seconds */
}

static void
no_digits(struct fixture *f, struct blob *data)
{
	(void)f;
	data->data[13] = 0x5A; /* currency 015A */
}

static void
long_reference(struct fixture *f, struct blob *data)
{
	(void)f;
	*data = terms_of(AMOUNT, BANK_CURRENCY, RIG_NOW,
	    "0123456789ABCDEF0123456789ABCDEFx");
}

static void
empty_reference(struct fixture *f, struct blob *data)
{
	(void)f;
	data->data[data->len++] = JZ_TAG_REFERENCE;
	data->data[data->len++] = 0;
}

static void
other_order(struct fixture *f, struct blob *data)
{
	uint8_t amount[10];

	(void)f;
	memcpy(amount, data->data, sizeof(amount));
	memmove(data->data, data->data + 10, 4);
	memcpy(data->data + 4, amount, sizeof(amount));
}

static void
too_short(struct fixture *f, struct blob *data)
{
	(void)f;
	data->len = 22;
}

static void
dollars(struct fixture *f, struct blob *data)
{
	rig_poke_u32(
	    f->payee, &rig_purse(f->payee)->offline_counter, UINT32_MAX);
	*data = terms_of(0x7FFFFFFF, 840, RIG_NOW, "");
}

static void
above_highest(struct fixture *f, struct blob *data)
{
	rig_poke_u32(f->payee, &rig_purse(f->payee)->next_record, 33);
	*data = terms_of(1000001, BANK_CURRENCY, RIG_NOW, "");
}

static void
log_full(struct fixture *f, struct blob *data)
{
	(void)data;
	fill_pending(f->payee, JZ_PURSE_PENDING);
	rig_poke_u32(f->payee, &rig_purse(f->payee)->next_record,
	    1 + JZ_PURSE_RECORDS - JZ_PURSE_PENDING);
}

static void
no_slot(struct fixture *f, struct blob *data)
{
	(void)data;
	fill_pending(f->payee, JZ_PURSE_PENDING);
	rig_poke_u32(
	    f->payee, &rig_purse(f->payee)->offline_counter, UINT32_MAX);
}

static void
counter_used_up(struct fixture *f, struct blob *data)
{
	(void)data;
	rig_poke_u32(
	    f->payee, &rig_purse(f->payee)->offline_counter, UINT32_MAX);
}

static const struct row REQUEST[] = {
    {"amount 0", zero_amount, JZ_SW_DATA},
    {"amount above 7FFFFFFF", huge_amount, JZ_SW_DATA},
    {"no time of day", no_time, JZ_SW_DATA},
    {"no digits in the currency", no_digits, JZ_SW_DATA},
    {"reference of 33 bytes", long_reference, JZ_SW_DATA},
    {"empty reference", empty_reference, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"other order", other_order, JZ_SW_DATA},
    {"too short", too_short, JZ_SW_LENGTH},
    {"currency", dollars, JZ_SW_CURRENCY},
    {"highest balance", above_highest, JZ_SW_BALANCE_LIMIT},
    {"log full", log_full, JZ_SW_LOG_FULL},
    {"no pending slot", no_slot, JZ_SW_PENDING},
    {"counter", counter_used_up, JZ_SW_COUNTER},
};

static void
test_refusals_of_request(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, -1);
	refusal_check(f, f->payee, STEP_REQUEST, ROWS(REQUEST));
}

/* ---- CONFIRM ------------------------------------------------------------ */

static void
seal_agreement(struct fixture *f, struct jz_message *m, struct blob *data)
{
	*data = forge_sealed(&f->rig.engine, m, &f->forger.key,
	    f->forger.keys.to_payee, f->forger.ephemeral.public_key, NULL);
}

static struct jz_message
agreement(struct fixture *f)
{
	return forger_agreement(&f->forger, &f->pay.message[STEP_REQUEST]);
}

static void
agreement_certified(
    struct fixture *f, struct blob *data, const struct jz_key_pair *by)
{
	struct jz_message m;

	forger_certify(&f->forger, f->bank, by);
	m = agreement(f);
	seal_agreement(f, &m, data);
}

static void
payer_key_no_point(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);
	uint8_t point[JZ_POINT_BYTES];

	memcpy(point, f->forger.ephemeral.public_key, sizeof(point));
	point[64] ^= 1;
	*data = forge_sealed(&f->rig.engine, &m, &f->forger.key,
	    f->forger.keys.to_payee, point, NULL);
}

static void
wrong_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);

	*data = forge_sealed(&f->rig.engine, &m, &f->forger.key,
	    f->forger.keys.to_payer, f->forger.ephemeral.public_key, NULL);
}

/* Sealed as an answer to the open request, and it is one to another. */
static void
other_digest_inside(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);
	uint8_t digest[JZ_DIGEST_BYTES];

	memcpy(digest, m.payment.request_digest, sizeof(digest));
	m.payment.request_digest[0] ^= 1;
	*data = forge_sealed(&f->rig.engine, &m, &f->forger.key,
	    f->forger.keys.to_payee, f->forger.ephemeral.public_key, digest);
}

static void
other_payee_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);

	m.payee_key[64] ^= 1;
	seal_agreement(f, &m, data);
}

static void
other_payer_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);

	m.payer_key[64] ^= 1;
	seal_agreement(f, &m, data);
}

static void
agreement_no_certificate(struct fixture *f, struct blob *data)
{
	struct jz_message m;

	f->forger.certificate.len = 4;
	memcpy(f->forger.certificate.data, "\x7F\x21\x01\x00", 4);
	m = agreement(f);
	seal_agreement(f, &m, data);
}

static void
agreement_other_issuer(struct fixture *f, struct blob *data)
{
	f->forger.fields.authority[14] ^= 1;
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_of_a_host(struct fixture *f, struct blob *data)
{
	f->forger.fields.role = JZ_ROLE_HOST;
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_forged(struct fixture *f, struct blob *data)
{
	agreement_certified(f, data, &f->bank->host);
}

static void
agreement_not_yet(struct fixture *f, struct blob *data)
{
	f->forger.fields.from += 31 * BANK_DAY;
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_expired(struct fixture *f, struct blob *data)
{
	f->forger.fields.to = f->forger.fields.from + 30 * BANK_DAY;
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_of_myself(struct fixture *f, struct blob *data)
{
	memcpy(f->forger.fields.holder, "CN00000000100002", JZ_ID_BYTES);
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_payee_only(struct fixture *f, struct blob *data)
{
	f->forger.fields.flags = JZ_FLAG_PAYEE_ONLY;
	agreement_certified(f, data, &f->bank->ca);
}

static void
agreement_other_holder(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);

	m.payment.payer_id[10] ^= 1;
	seal_agreement(f, &m, data);
}

static void
agreement_bad_signature(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);

	*data = forge_sealed(&f->rig.engine, &m, &f->bank->host,
	    f->forger.keys.to_payee, f->forger.ephemeral.public_key, NULL);
}

static void
payer_is_pending(struct fixture *f, struct blob *data)
{
	struct jz_message m = agreement(f);
	struct purse_pending p = {0};

	/* The same card, before its key pair was renewed. */
	p.used = 1;
	p.payment.amount = 1000000;
	memcpy(p.payment.peer_id, "CN00000000900007", JZ_ID_BYTES);
	rig_poke(f->payee, &rig_purse(f->payee)->pending[1], &p, sizeof(p));
	seal_agreement(f, &m, data);
}

static void
now_above_highest(struct fixture *f, struct blob *data)
{
	uint64_t balance = 1000000 - AMOUNT + 1;

	rig_poke(f->payee, &rig_purse(f->payee)->balance, &balance, 8);
	(void)data;
}

static void
now_log_full(struct fixture *f, struct blob *data)
{
	log_full(f, data);
}

static void
now_no_slot(struct fixture *f, struct blob *data)
{
	(void)data;
	fill_pending(f->payee, JZ_PURSE_PENDING);
}

static const struct row CONFIRM[] = {
    {"cut short", cut_short, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"no payer key", without_payer_key, JZ_SW_DATA},
    {"payer key is no point", payer_key_no_point, JZ_SW_CERT_SUITE},
    {"no open request", other_digest_outside, JZ_SW_NO_PAYMENT},
    {"does not open", wrong_key, JZ_SW_DECRYPT},
    {"request digest", other_digest_inside, JZ_SW_DATA},
    {"payee key", other_payee_key, JZ_SW_MISMATCH},
    {"payer key", other_payer_key, JZ_SW_DATA},
    {"no certificate", agreement_no_certificate, JZ_SW_CERT_MALFORMED},
    {"another issuer", agreement_other_issuer, JZ_SW_CERT_ISSUER},
    {"a host", agreement_of_a_host, JZ_SW_CERT_ROLE},
    {"forged", agreement_forged, JZ_SW_CERT_FORGED},
    {"not yet valid", agreement_not_yet, JZ_SW_CERT_NOT_YET},
    {"expired", agreement_expired, JZ_SW_CERT_EXPIRED},
    {"this card, another key", agreement_of_myself, JZ_SW_SAME_CARD},
    {"payee only", agreement_payee_only, JZ_SW_CERT_ROLE},
    {"holder", agreement_other_holder, JZ_SW_MISMATCH},
    {"signature", agreement_bad_signature, JZ_SW_MAC},
    {"payer is pending", payer_is_pending, JZ_SW_PENDING},
    {"highest balance", now_above_highest, JZ_SW_BALANCE_LIMIT},
    {"log full", now_log_full, JZ_SW_LOG_FULL},
    {"no slot", now_no_slot, JZ_SW_PENDING},
};

/* proves: OFP-3 (what is not legitimate is not confirmed) */
static void
test_refusals_of_confirm(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, STEP_AGREE);
	refusal_check(f, f->payee, STEP_CONFIRM, ROWS(CONFIRM));
}

/* A payment confirmed, and another agreement under the same keys. */
static void
test_another_agreement_to_a_confirmed_request_is_9429(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct blob data;

	refusal_begin(f, STEP_REQUEST);
	refusal_rewind(f);
	m = agreement(f);
	seal_agreement(f, &m, &data);
	rig_accepts(f->payee, AT_CONFIRM, blob_span(&data), NULL);
	rig_accepts(f->payee, AT_CONFIRM, blob_span(&data), NULL);
	m.payment.payer_counter++;
	seal_agreement(f, &m, &data);
	rig_refuses(f->payee, AT_CONFIRM, blob_span(&data), JZ_SW_MISMATCH);
}

/* ---- CREDIT ------------------------------------------------------------- */

static const struct jz_working_keys *
pending_keys(struct fixture *f)
{
	return &rig_purse(f->payee)->pending[0].keys;
}

/* The completion that the payer gave. */
static struct jz_message
completion(struct fixture *f)
{
	const struct purse_nvm *p = rig_purse(f->payer);
	struct jz_message m;

	purse_completion_of(p, purse_slot(p, 2), &m);
	assert_int_equal(m.payment.amount, AMOUNT);
	return m;
}

static void
seal_completion(struct fixture *f, struct jz_message *m, struct blob *data)
{
	*data = forge_sealed(&f->rig.engine, m, &rig_purse(f->payer)->key,
	    pending_keys(f)->to_payee, NULL, NULL);
}

static void
completion_wrong_key(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	*data = forge_sealed(&f->rig.engine, &m, &rig_purse(f->payer)->key,
	    pending_keys(f)->to_payer, NULL, NULL);
}

static void
completion_digest(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);
	uint8_t digest[JZ_DIGEST_BYTES];

	memcpy(digest, m.payment.request_digest, sizeof(digest));
	m.payment.request_digest[0] ^= 1;
	*data = forge_sealed(&f->rig.engine, &m, &rig_purse(f->payer)->key,
	    pending_keys(f)->to_payee, NULL, digest);
}

static void
completion_amount(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	m.payment.amount++;
	seal_completion(f, &m, data);
}

/* What the card keeps of them has fewer bytes, or leaves them out. */
static void
completion_long_amount(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	m.payment.amount += UINT64_C(1) << 32;
	seal_completion(f, &m, data);
}

static void
completion_currency(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	m.payment.currency++;
	seal_completion(f, &m, data);
}

static void
completion_payee(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	memcpy(m.payment.payee_id, FORGER_ID, JZ_ID_BYTES);
	seal_completion(f, &m, data);
}

static void
completion_payer(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	memcpy(m.payment.payer_id, FORGER_ID, JZ_ID_BYTES);
	seal_completion(f, &m, data);
}

static void
completion_counter(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	m.payment.payer_counter++;
	seal_completion(f, &m, data);
}

static void
completion_signature(struct fixture *f, struct blob *data)
{
	struct jz_message m = completion(f);

	*data = forge_sealed(&f->rig.engine, &m, &f->forger.key,
	    pending_keys(f)->to_payee, NULL, NULL);
}

static const struct row CREDIT[] = {
    {"cut short", cut_short, JZ_SW_DATA},
    {"surplus byte", surplus, JZ_SW_DATA},
    {"with a payer key", with_payer_key, JZ_SW_DATA},
    {"no pending entry", other_digest_outside, JZ_SW_NO_PAYMENT},
    {"does not open", completion_wrong_key, JZ_SW_DECRYPT},
    {"request digest", completion_digest, JZ_SW_DATA},
    {"amount", completion_amount, JZ_SW_MISMATCH},
    {"amount, the same low bytes", completion_long_amount, JZ_SW_MISMATCH},
    {"currency", completion_currency, JZ_SW_MISMATCH},
    {"payee", completion_payee, JZ_SW_MISMATCH},
    {"payer", completion_payer, JZ_SW_MISMATCH},
    {"counter", completion_counter, JZ_SW_MISMATCH},
    {"signature", completion_signature, JZ_SW_MAC},
};

/* proves: OFP-6 (signature and match, else no credit and the entry is kept) */
static void
test_refusals_of_credit(void **state)
{
	struct fixture *f = *state;

	refusal_begin(f, STEP_COMPLETE);
	refusal_check(f, f->payee, STEP_CREDIT, ROWS(CREDIT));
}

/* After the credit, what differs from the completion credited. */
static void
test_another_completion_of_a_credited_payment_is_9429(void **state)
{
	struct fixture *f = *state;
	const struct purse_record *r;
	struct jz_message m[4];
	struct blob data;

	refusal_begin(f, STEP_CREDIT);
	refusal_rewind(f);
	r = purse_slot(rig_purse(f->payee), 1);
	for (unsigned i = 0; i < 4; i++)
		m[i] = completion(f);
	m[0].payment.amount++;
	m[1].payer_time++;
	m[2].payer_record++;
	for (unsigned i = 0; i < 4; i++) {
		data = forge_sealed(&f->rig.engine, &m[i],
		    i == 3 ? &f->forger.key : &rig_purse(f->payer)->key,
		    r->keys.to_payee, NULL, NULL);
		rig_refuses(
		    f->payee, AT_CREDIT, blob_span(&data), JZ_SW_MISMATCH);
	}
	refusal_goes_on(f);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, refusal_setup, refusal_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_refusals_of_request),
	    TEST(test_refusals_of_confirm),
	    TEST(test_another_agreement_to_a_confirmed_request_is_9429),
	    TEST(test_refusals_of_credit),
	    TEST(test_another_completion_of_a_credited_payment_is_9429),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
