/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OFP-12: from either side's upload alone the issuer shows both IDs, amount,
 * time and signatures of any payment, and whoever has the two certificates and
 * the root verifies them; what was altered verifies for nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define LOADED 5000
#define PRICE  1200

struct pair {
	struct fakecard payer, payee;
	struct jz_payment payment;
};

static void
make_pair(struct rig *r, struct pair *p)
{
	rig_card(r, &p->payer, 2 * LOADED);
	rig_card(r, &p->payee, 0);
	(void)rig_load(r, &p->payer, LOADED);
	rig_settle(r, &p->payer);
}

static void
pay(struct rig *r, struct pair *p)
{
	make_pair(r, p);
	fakecard_pay(&p->payer, &p->payee, PRICE);
	p->payment = fakecard_record(&p->payer, 2)->payment;
}

static struct jz_bank_statement
statement(struct rig *r, const struct jz_payment *p)
{
	struct jz_bank_statement s;

	assert_int_equal(
	    jz_issuer_statement(r->issuer, p->request_digest, &s), 0);
	return s;
}

static struct jz_verdict
judge(struct rig *r, const struct jz_bank_statement *s)
{
	struct jz_verdict v;

	/* With the tester's own engine: nothing of the issuer's is asked. */
	jz_statement_verify(&r->engine, jz_issuer_root(r->issuer), s, &v);
	return v;
}

static void
check_payment(const struct pair *p, const struct jz_verdict *v)
{
	assert_int_equal(v->err, 0);
	assert_memory_equal(v->payment.payer_id, p->payer.id, JZ_ID_BYTES);
	assert_memory_equal(v->payment.payee_id, p->payee.id, JZ_ID_BYTES);
	assert_int_equal(v->payment.amount, PRICE);
	assert_int_equal(v->payment.time, p->payee.now);
}

/* proves: OFP-12 (the payer's upload: confirmation and completion) */
static void
test_from_the_payers_upload(void **state)
{
	struct rig *r = *state;
	struct jz_bank_statement s;
	struct jz_verdict v;
	struct pair p;

	pay(r, &p);
	assert_int_equal(
	    jz_issuer_statement(r->issuer, p.payment.request_digest, &s),
	    JZ_ERR_NOT_FOUND);
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	v = judge(r, &s);
	check_payment(&p, &v);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.proof[0].kind, JZ_KIND_CONFIRMATION);
	assert_false(v.proof[0].by_payer);
	assert_int_equal(v.proof[1].kind, JZ_KIND_COMPLETION);
	assert_true(v.proof[1].by_payer);
	assert_int_equal(v.proof[1].time, p.payer.now + 1);
	assert_true(v.proof[0].from_payer && v.proof[1].from_payer);
	assert_int_equal(s.postings, 2);
	assert_string_equal(s.posting[0].kind, "paid");
	assert_int_equal(s.posting[0].amount, -PRICE);
	assert_int_equal(s.posting[1].amount, PRICE);
	rig_settle(r, &p.payee);
}

/* proves: OFP-12 (the payee's upload: completion and receipt) */
static void
test_from_the_payees_upload(void **state)
{
	struct rig *r = *state;
	struct jz_bank_statement s;
	struct jz_verdict v;
	struct pair p;

	pay(r, &p);
	rig_settle(r, &p.payee);
	s = statement(r, &p.payment);
	v = judge(r, &s);
	check_payment(&p, &v);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.proof[0].kind, JZ_KIND_COMPLETION);
	assert_true(v.proof[0].by_payer);
	assert_int_equal(v.proof[1].kind, JZ_KIND_RECEIPT);
	assert_false(v.proof[1].by_payer);
	assert_int_equal(v.proof[1].time, p.payee.now + 2);
	/* And both. */
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	v = judge(r, &s);
	check_payment(&p, &v);
	assert_int_equal(v.n, 4);
	assert_int_equal(s.postings, 4);
}

static void
test_a_payment_given_up(void **state)
{
	struct rig *r = *state;
	struct jz_bank_statement s;
	struct jz_verdict v;
	struct pair p;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, true, JZ_OUTCOME_CLAIM);
	p.payment = fakecard_record(&p.payee, 1)->payment;
	rig_settle(r, &p.payee);
	s = statement(r, &p.payment);
	v = judge(r, &s);
	check_payment(&p, &v);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.proof[0].kind, JZ_KIND_EXCEPTION);
	assert_int_equal(v.outcome, JZ_OUTCOME_CLAIM);
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	v = judge(r, &s);
	check_payment(&p, &v);
	assert_int_equal(v.n, 3);
	assert_string_equal(s.posting[2].kind, "claimed");
}

/* proves: OFP-12 (no bit of it can be another) */
static void
test_what_is_altered_does_not_verify(void **state)
{
	struct rig *r = *state;
	struct jz_bank_statement s, bad;
	struct pair p;

	pay(r, &p);
	rig_settle(r, &p.payee);
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	for (size_t k = 0; k < s.payer_record.len; k++) {
		bad = s;
		bad.payer_record.bytes[k] ^= (uint8_t)(1u << k % 8);
		assert_int_not_equal(judge(r, &bad).err, 0);
	}
	for (size_t k = 0; k < s.payee_record.len; k++) {
		bad = s;
		bad.payee_record.bytes[k] ^= (uint8_t)(1u << k % 8);
		assert_int_not_equal(judge(r, &bad).err, 0);
	}
	for (size_t k = 0; k < s.payer.len; k++) {
		bad = s;
		bad.payer.bytes[k] ^= (uint8_t)(1u << k % 8);
		assert_int_not_equal(judge(r, &bad).err, 0);
	}
	for (size_t k = 0; k < s.payee_ca.len; k++) {
		bad = s;
		bad.payee_ca.bytes[k] ^= (uint8_t)(1u << k % 8);
		assert_int_not_equal(judge(r, &bad).err, 0);
	}
	bad = s;
	bad.request_digest[0] ^= 1;
	assert_int_equal(judge(r, &bad).err, JZ_ERR_DATA);
	bad = s;
	bad.payer = s.payee;
	assert_int_not_equal(judge(r, &bad).err, 0);
	/* A root of its own. */
	bad = s;
	bad.root.bytes[bad.root.len - 1] ^= 1;
	assert_int_equal(judge(r, &bad).err, JZ_ERR_CERT_ISSUER);
	/* Nothing at all is evidence of nothing. */
	bad = s;
	bad.payer_record.len = bad.payee_record.len = 0;
	assert_int_equal(judge(r, &bad).err, JZ_ERR_MESSAGE);
	assert_int_equal(judge(r, &s).err, 0);
}

/* Records of two payments, each genuine, are no story of one. */
static void
test_parts_of_two_payments(void **state)
{
	struct rig *r = *state;
	struct jz_bank_statement s, other;
	struct jz_payment second;
	struct pair p;

	pay(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	second = fakecard_record(&p.payer, 3)->payment;
	rig_settle(r, &p.payee);
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	other = statement(r, &second);
	s.payee_record = other.payee_record;
	assert_int_equal(judge(r, &s).err, JZ_ERR_DATA);
	s = statement(r, &p.payment);
	memcpy(s.request_digest, other.request_digest, JZ_DIGEST_BYTES);
	assert_int_equal(judge(r, &s).err, JZ_ERR_DATA);
}

/* Of one request, and yet of another amount: both signed by the payee. */
static void
test_an_exception_of_another_amount(void **state)
{
	struct rig *r = *state;
	struct jz_message *record, m;
	struct jz_bank_statement s;
	struct jz_buffer b;
	struct pair p;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, true, JZ_OUTCOME_CLAIM);
	p.payment = fakecard_record(&p.payee, 1)->payment;
	rig_settle(r, &p.payer);
	s = statement(r, &p.payment);
	assert_int_equal(judge(r, &s).err, 0);
	record = fakecard_record(&p.payee, 1);
	record->payment.amount++;
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	b = jz_buffer(s.exception.bytes, sizeof(s.exception.bytes));
	assert_int_equal(jz_message_encode(record, JZ_SIGNED, &b), 0);
	s.exception.len = b.len;
	assert_int_equal(judge(r, &s).err, JZ_ERR_DATA);
	/* As it was agreed it is the story's third part. */
	record->payment.amount--;
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_settle(r, &p.payee);
}

struct walk {
	unsigned n;
};

static int
count(const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg)
{
	struct walk *w = arg;

	(void)request_digest;
	w->n++;
	return 0;
}

static void
test_the_payments_of_a_card(void **state)
{
	struct rig *r = *state;
	struct walk all = {0}, one = {0};
	struct pair p;

	pay(r, &p);
	fakecard_give_up(&p.payer, &p.payee, 7, false, JZ_OUTCOME_RELEASE);
	rig_settle(r, &p.payee);
	assert_int_equal(
	    jz_issuer_each_traced(r->issuer, p.payer.id, count, &one), 0);
	assert_int_equal(one.n, 2);
	assert_int_equal(
	    jz_issuer_each_traced(r->issuer, NULL, count, &all), 0);
	assert_true(all.n > one.n);
	rig_settle(r, &p.payer);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_from_the_payers_upload),
	    T(test_from_the_payees_upload),
	    T(test_a_payment_given_up),
	    T(test_what_is_altered_does_not_verify),
	    T(test_parts_of_two_payments),
	    T(test_an_exception_of_another_amount),
	    T(test_the_payments_of_a_card),
	};

	return cmocka_run_group_tests_name(
	    "statements", tests, rig_setup, rig_teardown);
}
