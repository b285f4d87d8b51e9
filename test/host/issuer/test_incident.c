/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OFP-10, ALL-1, ALL-2: what is wrong with a card's records is named, kept and
 * has its card revoked; nobody who kept the rules loses by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"
#include "../../support/stride.h"

#define LOADED 5000
#define PRICE  1200

/* A payer with money and two payees. */
struct three {
	struct fakecard payer, a, b;
};

static void
make_three(struct rig *r, struct three *t)
{
	rig_card(r, &t->payer, 2 * LOADED);
	rig_card(r, &t->a, 0);
	rig_card(r, &t->b, 0);
	(void)rig_load(r, &t->payer, LOADED);
	rig_settle(r, &t->payer);
}

/* ---- what was written --------------------------------------------------- */

struct seen {
	const uint8_t *card;
	enum jz_incident_kind kind;
	unsigned n;
	uint32_t number;
	size_t evidence_len;
	uint8_t evidence[JZ_BATCH_MAX];
};

static int
see(const struct jz_incident *x, void *arg)
{
	struct seen *s = arg;

	if (memcmp(x->card_id, s->card, JZ_ID_BYTES) != 0 || x->kind != s->kind)
		return 0;
	s->n++;
	s->number = x->number;
	s->evidence_len = x->evidence.len;
	memcpy(s->evidence, x->evidence.data, x->evidence.len);
	return 0;
}

static struct seen
incidents(struct rig *r, const struct fakecard *c, enum jz_incident_kind kind)
{
	struct seen s = {.card = c->id, .kind = kind};

	assert_int_equal(jz_issuer_each_incident(r->issuer, see, &s), 0);
	return s;
}

static bool
is_revoked(struct rig *r, const struct fakecard *c)
{
	bool revoked;

	assert_int_equal(jz_issuer_revoked(r->issuer, c->id, &revoked), 0);
	return revoked;
}

/* Once, with this record number, whether the card was revoked for it or not;
 * and in the audit log, which is sound. */
static void
check_incident(struct rig *r, const struct fakecard *c,
    enum jz_incident_kind kind, uint32_t number)
{
	struct seen s = incidents(r, c, kind);
	char sql[256];
	int64_t entries;

	assert_int_equal(s.n, 1);
	assert_int_equal(s.number, number);
	assert_true(s.evidence_len > 0);
	assert_int_equal(is_revoked(r, c), jz_incident_blacklists(kind));
	snprintf(sql, sizeof(sql),
	    "SELECT COUNT(*) FROM audit WHERE text LIKE '%%%s, card %.16s,%%'",
	    jz_incident_name(kind), (const char *)c->id);
	assert_int_equal(rig_number(r, sql), 1);
	assert_int_equal(jz_issuer_audit_verify(r->issuer, NULL, &entries), 0);
	assert_true(entries > 0);
}

/* The batch is refused, twice, for this; nothing is booked. */
static void
refused(struct rig *r, const struct letter *batch, enum jz_refusal why,
    enum jz_incident_kind kind)
{
	uint64_t before = rig_booked(r);

	for (unsigned k = 0; k < 2; k++) {
		rig_refused(r, rig_give_batch(r, batch), why, before);
		assert_string_equal(
		    jz_incident_name(jz_issuer_alarm(r->issuer)),
		    jz_incident_name(kind));
	}
}

/* ---- a copied card ------------------------------------------------------ */

/* Payer and copy have paid two payees with one counter. */
static struct fakecard
pay_twice(struct three *t)
{
	struct fakecard clone = t->payer;

	fakecard_pay(&t->payer, &t->a, PRICE);
	fakecard_pay(&clone, &t->b, PRICE);
	return clone;
}

/* Both payees are paid; the copy's payment is the fraud account's. */
static void
check_doubled(struct rig *r, const struct three *t, int64_t fraud_before)
{
	struct jz_books books = rig_books(r);

	assert_int_equal(
	    incidents(r, &t->payer, JZ_INCIDENT_DOUBLED_COUNTER).n, 1);
	assert_true(is_revoked(r, &t->payer));
	assert_false(is_revoked(r, &t->a));
	assert_false(is_revoked(r, &t->b));
	assert_int_equal(rig_shadow(r, &t->a), PRICE);
	assert_int_equal(rig_shadow(r, &t->b), PRICE);
	assert_int_equal(rig_shadow(r, &t->payer), LOADED - PRICE);
	assert_int_equal(books.transit_payment, 0);
	assert_int_equal(books.fraud - fraud_before, -PRICE);
	assert_true(books.balanced);
}

/* proves: ALL-1, ALL-2, OFP-10 (a doubled counter, in each order) */
static void
test_a_doubled_counter(void **state)
{
	static const uint8_t ORDERS[][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct rig *r = *state;

	for (size_t n = 0; n < sizeof(ORDERS) / sizeof(ORDERS[0]); n++) {
		struct three t;
		struct fakecard *const cards[] = {&t.payer, &t.a, &t.b};
		int64_t before = rig_books(r).fraud;

		make_three(r, &t);
		(void)pay_twice(&t);
		for (unsigned k = 0; k < 3; k++) {
			rig_settle(r, cards[ORDERS[n][k]]);
			assert_true(rig_books(r).balanced);
		}
		check_doubled(r, &t, before);
		/* Again: the same. */
		for (unsigned k = 0; k < 3; k++) {
			cards[k]->first_unsettled = cards[k]->next_record - 1;
			rig_settle(r, cards[k]);
		}
		check_doubled(r, &t, before);
	}
}

/* proves: OFP-10 (a cloned card: two records of one number) */
static void
test_a_cloned_card(void **state)
{
	struct rig *r = *state;
	struct fakecard clone;
	struct letter batch;
	struct seen s;
	struct three t;

	make_three(r, &t);
	clone = pay_twice(&t);
	rig_settle(r, &t.payer);
	rig_sign_in(r, &clone);
	batch = rig_batch(&clone, 1);
	refused(r, &batch, JZ_REFUSAL_CONFLICT, JZ_INCIDENT_CLONED_CARD);
	check_incident(r, &t.payer, JZ_INCIDENT_CLONED_CARD, 2);
	/* What was uploaded is kept. */
	s = incidents(r, &t.payer, JZ_INCIDENT_CLONED_CARD);
	assert_int_equal(s.evidence_len, batch.len);
	assert_memory_equal(s.evidence, batch.data, batch.len);
	/* It gets no more money. */
	{
		struct jz_message m = fakecard_load_request(&t.payer, 1);
		struct letter l = fakecard_sign(&t.payer, &m);

		rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_CARD_REVOKED,
		    rig_booked(r));
	}
	rig_settle(r, &t.a);
	rig_settle(r, &t.b);
}

/* proves: OFP-10, ALL-1 (a negative shadow; the payee is paid) */
static void
test_a_negative_shadow(void **state)
{
	struct rig *r = *state;
	struct jz_books books;
	struct three t;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, LOADED);
	fakecard_pay(&t.payer, &t.a, 1);
	/* Afterwards it is above zero again: too late. */
	fakecard_pay(&t.b, &t.payer, 500);
	rig_settle(r, &t.payer);
	rig_settle(r, &t.a);
	check_incident(r, &t.payer, JZ_INCIDENT_NEGATIVE_SHADOW, 3);
	assert_int_equal(rig_shadow(r, &t.a), LOADED + 1);
	rig_settle(r, &t.b);
	check_incident(r, &t.b, JZ_INCIDENT_NEGATIVE_SHADOW, 1);
	books = rig_books(r);
	assert_true(books.balanced);
	assert_int_equal(books.transit_payment, 0);
}

/* A card that spends all it has is no clone. */
static void
test_a_shadow_of_zero_is_none(void **state)
{
	struct rig *r = *state;
	struct three t;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, LOADED);
	fakecard_pay(&t.a, &t.b, LOADED);
	rig_settle(r, &t.a);
	rig_settle(r, &t.payer);
	rig_settle(r, &t.b);
	assert_int_equal(rig_shadow(r, &t.payer), 0);
	assert_false(is_revoked(r, &t.payer));
	assert_false(is_revoked(r, &t.a));
}

/* ---- altered, missing, doubled ------------------------------------------ */

/* proves: OFP-10, OFP-12 (an altered record) */
static void
test_an_altered_record(void **state)
{
	struct rig *r = *state;
	struct jz_message good, *rec, m;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, PRICE);
	rig_sign_in(r, &t.payer);
	rec = fakecard_record(&t.payer, 2);
	good = *rec;
	rec->payment.amount--;
	batch = rig_batch_of(&t.payer, 2, 1);
	refused(r, &batch, JZ_REFUSAL_EVIDENCE, JZ_INCIDENT_ALTERED_RECORD);
	check_incident(r, &t.payer, JZ_INCIDENT_ALTERED_RECORD, 2);
	*rec = good;
	batch = rig_batch_of(&t.payer, 2, 1);
	assert_int_equal(rig_give_batch(r, &batch), 0);
	/* One that was posted, and is signed again otherwise. */
	rig_settle(r, &t.a);
	rec = fakecard_record(&t.a, 1);
	rec->payee_time += 60;
	m = fakecard_receipt_of(&r->engine, rec);
	(void)fakecard_sign(&t.a, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &t.a);
	batch = rig_batch_of(&t.a, 1, 1);
	refused(r, &batch, JZ_REFUSAL_CONFLICT, JZ_INCIDENT_ALTERED_RECORD);
	check_incident(r, &t.a, JZ_INCIDENT_ALTERED_RECORD, 1);
}

/* Only what the card has signed counts against it. */
static void
test_a_terminal_has_no_card_revoked(void **state)
{
	struct rig *r = *state;
	struct letter batch;
	struct three t;
	int64_t before;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, PRICE);
	rig_sign_in(r, &t.payer);
	batch = rig_batch(&t.payer, 1);
	before = rig_number(r, "SELECT COUNT(*) FROM incident");
	for (size_t n = 0; n < batch.len; n += test_stride()) {
		struct letter l = batch;

		l.data[n] ^= (uint8_t)(1u << n % 8);
		assert_int_equal(rig_give_batch(r, &l), JZ_ERR_REFUSED);
		assert_int_equal(jz_issuer_alarm(r->issuer), JZ_INCIDENT_NONE);
	}
	assert_int_equal(
	    rig_number(r, "SELECT COUNT(*) FROM incident"), before);
	assert_false(is_revoked(r, &t.payer));
	(void)rig_upload(r, &t.payer, &batch);
	rig_settle(r, &t.a);
}

/* proves: OFP-10 (a missing record) */
static void
test_a_missing_record(void **state)
{
	struct rig *r = *state;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, PRICE);
	fakecard_pay(&t.payer, &t.a, PRICE);
	rig_sign_in(r, &t.payer);
	batch = rig_batch_of(&t.payer, 3, 1);
	refused(
	    r, &batch, JZ_REFUSAL_RECORD_NUMBER, JZ_INCIDENT_MISSING_RECORD);
	check_incident(r, &t.payer, JZ_INCIDENT_MISSING_RECORD, 3);
	rig_settle(r, &t.payer);
	rig_settle(r, &t.a);
}

/* proves: ALL-1 (one payment as two records) */
static void
test_a_doubled_record(void **state)
{
	struct rig *r = *state;
	struct jz_message *rec, m;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	fakecard_pay(&t.payer, &t.a, PRICE);
	rig_settle(r, &t.payer);
	rig_settle(r, &t.a);
	rec = fakecard_record(&t.a, 2);
	*rec = *fakecard_record(&t.a, 1);
	rec->payee_record = t.a.next_record++;
	m = fakecard_receipt_of(&r->engine, rec);
	(void)fakecard_sign(&t.a, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &t.a);
	batch = rig_batch_of(&t.a, 2, 1);
	refused(r, &batch, JZ_REFUSAL_CONFLICT, JZ_INCIDENT_DOUBLED_RECORD);
	check_incident(r, &t.a, JZ_INCIDENT_DOUBLED_RECORD, 2);
}

/* proves: ALL-1 (received, and never to be received) */
static void
test_a_contradiction(void **state)
{
	struct rig *r = *state;
	struct jz_message *rec, m;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	fakecard_give_up(&t.payer, &t.a, PRICE, true, JZ_OUTCOME_CLAIM);
	rig_settle(r, &t.a);
	rig_settle(r, &t.payer);
	rec = fakecard_record(&t.a, 2);
	*rec = *fakecard_record(&t.payer, 2);
	rec->kind = JZ_KIND_RECORD_RECEIVED;
	rec->payee_record = t.a.next_record++;
	rec->payee_time = t.a.now;
	m = fakecard_receipt_of(&r->engine, rec);
	(void)fakecard_sign(&t.a, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &t.a);
	batch = rig_batch_of(&t.a, 2, 1);
	refused(r, &batch, JZ_REFUSAL_CONFLICT, JZ_INCIDENT_CONTRADICTION);
	check_incident(r, &t.a, JZ_INCIDENT_CONTRADICTION, 2);
}

/* An exception that is not what was confirmed is the payee's doing, whoever
 * uploads last. */
static void
test_an_altered_exception_is_the_payees(void **state)
{
	struct rig *r = *state;
	struct jz_message *rec, m;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	fakecard_give_up(&t.payer, &t.a, PRICE, true, JZ_OUTCOME_CLAIM);
	rec = fakecard_record(&t.a, 1);
	rec->payment.amount++;
	m = fakecard_exception_of(rec);
	(void)fakecard_sign(&t.a, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_settle(r, &t.a);
	rig_sign_in(r, &t.payer);
	batch = rig_batch(&t.payer, 1);
	refused(r, &batch, JZ_REFUSAL_CONFLICT, JZ_INCIDENT_ALTERED_RECORD);
	check_incident(r, &t.a, JZ_INCIDENT_ALTERED_RECORD, 2);
	assert_false(is_revoked(r, &t.payer));
}

/* proves: ALL-2 (a payment with a card that nobody knows is not dropped) */
static void
test_an_unknown_peer(void **state)
{
	struct rig *r = *state;
	struct fakecard stranger;
	struct letter batch;
	struct three t;

	make_three(r, &t);
	stranger = t.a;
	memcpy(stranger.id, "CN99999999900001", JZ_ID_BYTES);
	fakecard_pay(&t.payer, &stranger, PRICE);
	rig_sign_in(r, &t.payer);
	batch = rig_batch(&t.payer, 1);
	refused(r, &batch, JZ_REFUSAL_EVIDENCE, JZ_INCIDENT_UNKNOWN_CARD);
	assert_int_equal(
	    incidents(r, &stranger, JZ_INCIDENT_UNKNOWN_CARD).n, 1);
	assert_false(is_revoked(r, &t.payer));
}

/* ---- the list is full --------------------------------------------------- */

static void
test_a_full_list_blocks_the_card(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer;
	struct jz_message m;
	struct letter l;
	int err = 0;

	rig_card(r, &peer, 0);
	for (unsigned k = 0; err == 0 && k <= JZ_REVOCATION_MAX; k++) {
		rig_card(r, &c, LOADED);
		err = jz_issuer_revoke(r->issuer, c.id, "");
	}
	assert_int_equal(err, JZ_ERR_LIST_FULL);
	fakecard_pay(&c, &peer, 1);
	rig_settle(r, &c);
	rig_settle(r, &peer);
	assert_int_equal(incidents(r, &c, JZ_INCIDENT_NEGATIVE_SHADOW).n, 1);
	assert_false(is_revoked(r, &c));
	m = fakecard_load_request(&c, 1);
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_CARD_BLOCKED,
	    rig_snapshot(r));
}

/* ---- a payee-only card -------------------------------------------------- */

/* The payment that was just made gives `first` back; 0: nothing. */
static void
is_refund_of(struct fakecard *payer, struct fakecard *payee, uint32_t first)
{
	fakecard_record(payer, payer->next_record - 1)->refund_of = first;
	fakecard_record(payee, payee->next_record - 1)->refund_of = first;
}

static void
buy(struct rig *r, struct fakecard *customer, struct fakecard *shop)
{
	rig_card(r, customer, LOADED);
	rig_shop(r, shop);
	(void)rig_load(r, customer, LOADED);
	fakecard_pay(customer, shop, PRICE);
}

static unsigned
not_refunds(struct rig *r, const struct fakecard *c)
{
	return incidents(r, c, JZ_INCIDENT_NOT_A_REFUND).n;
}

/* proves: OFP-10 (a refund is none), in any order */
static void
test_a_shop_that_gives_back_has_no_incident(void **state)
{
	struct rig *r = *state;
	struct fakecard customer, shop;

	for (unsigned shop_first = 0; shop_first < 2; shop_first++) {
		buy(r, &customer, &shop);
		for (unsigned k = 0; k < 2; k++) {
			fakecard_pay(&shop, &customer, PRICE / 2);
			is_refund_of(&shop, &customer, 1);
		}
		fakecard_pay(&customer, &shop, PRICE);
		rig_settle(r, shop_first ? &shop : &customer);
		rig_settle(r, shop_first ? &customer : &shop);
		assert_int_equal(not_refunds(r, &shop), 0);
		assert_int_equal(not_refunds(r, &customer), 0);
		assert_false(is_revoked(r, &shop));
	}
}

/* More than it was paid; to somebody else; and no refund at all. */
static void
test_a_shop_that_pays_is_revoked(void **state)
{
	struct rig *r = *state;
	struct fakecard customer, shop, other;

	for (unsigned k = 0; k < 3; k++) {
		uint32_t number;

		buy(r, &customer, &shop);
		rig_card(r, &other, LOADED);
		(void)rig_load(r, &other, LOADED);
		fakecard_pay(&other, &shop, PRICE);
		number = shop.next_record;
		if (k == 0)
			fakecard_pay(&shop, &customer, PRICE + 1);
		else if (k == 1)
			fakecard_pay(&shop, &other, PRICE);
		else
			fakecard_pay(&shop, &customer, PRICE);
		is_refund_of(&shop, k == 1 ? &other : &customer, k < 2);
		if (k == 1) { /* it has given back already */
			number = shop.next_record;
			fakecard_pay(&shop, &other, 1);
			is_refund_of(&shop, &other, 1);
		}
		rig_settle(r, &shop);
		check_incident(r, &shop, JZ_INCIDENT_NOT_A_REFUND, number);
		/* It is booked all the same. */
		rig_settle(r, &customer);
		rig_settle(r, &other);
		assert_int_equal(rig_books(r).transit_payment, 0);
		assert_int_equal(rig_shadow(r, &shop), shop.balance);
	}
}

/* A payee's word names no other card: it is the one that took it. */
static void
test_who_takes_more_than_a_refund_of_a_shop(void **state)
{
	struct rig *r = *state;
	struct fakecard customer, shop;

	buy(r, &customer, &shop);
	fakecard_pay(&shop, &customer, PRICE);
	is_refund_of(&shop, &customer, 1);
	fakecard_record(&customer, customer.next_record - 1)->refund_of = 0;
	rig_settle(r, &customer);
	rig_settle(r, &shop);
	assert_int_equal(not_refunds(r, &customer), 1);
	assert_true(is_revoked(r, &customer));
	assert_int_equal(not_refunds(r, &shop), 0);
	assert_false(is_revoked(r, &shop));
}

static void
test_names_and_texts(void **state)
{
	(void)state;
	for (int a = 0; a <= JZ_INCIDENT_LAST; a++) {
		enum jz_incident_kind k = (enum jz_incident_kind)a;

		assert_string_not_equal(jz_incident_text(k, JZ_LANG_EN),
		    jz_incident_text(k, JZ_LANG_ZH));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(jz_incident_name(k),
			    jz_incident_name((enum jz_incident_kind)b));
	}
	assert_string_equal(
	    jz_incident_name((enum jz_incident_kind)999), "NONE");
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_a_doubled_counter),
	    T(test_a_cloned_card),
	    T(test_a_negative_shadow),
	    T(test_a_shadow_of_zero_is_none),
	    T(test_an_altered_record),
	    T(test_a_terminal_has_no_card_revoked),
	    T(test_a_missing_record),
	    T(test_a_doubled_record),
	    T(test_a_contradiction),
	    T(test_an_altered_exception_is_the_payees),
	    T(test_an_unknown_peer),
	    T(test_a_shop_that_gives_back_has_no_incident),
	    T(test_a_shop_that_pays_is_revoked),
	    T(test_who_takes_more_than_a_refund_of_a_shop),
	    T(test_a_full_list_blocks_the_card), /* and it stays so */
	    T(test_names_and_texts),
	};

	return cmocka_run_group_tests_name(
	    "incidents", tests, rig_setup, rig_teardown);
}
