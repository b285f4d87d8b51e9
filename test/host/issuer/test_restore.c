/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALL-2: a ledger that was put back from a backup books what it lacks, with an
 * alarm, when two people have said that it was; and not before.
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

static struct jz_operator zhang, li;

static void
found(struct rig *r, const char *name, struct jz_operator *out)
{
	snprintf(out->name, sizeof(out->name), "%s", name);
	assert_int_equal(
	    r->engine.crypto->generate(r->engine.state, &out->key), 0);
	assert_int_equal(
	    jz_issuer_operator_found(r->issuer, out->name, out->key.public_key),
	    0);
}

/* Two people say that the ledger was put back. */
static void
declare(struct rig *r)
{
	struct jz_proposal p = {.kind = JZ_PROPOSE_RESTORED};

	snprintf(p.subject, sizeof(p.subject), "ledger");
	assert_int_equal(jz_issuer_propose(r->issuer, &zhang, &p), 0);
	assert_int_equal(
	    jz_issuer_decide(r->issuer, &li, p.id, p.digest, true), 0);
}

struct world {
	struct fakecard payer, payee, late;
};

/*
 * Before the backup: payer and payee, money on one.  After it, and lost with
 * it: a payment, both settled; a load; a card.  Not settled: a payment more.
 */
static void
make_world(struct rig *r, struct world *w)
{
	rig_card(r, &w->payer, 4 * LOADED);
	rig_card(r, &w->payee, 0);
	(void)rig_load(r, &w->payer, LOADED);
	rig_settle(r, &w->payer);
	if (zhang.name[0] == '\0') {
		found(r, "zhang", &zhang);
		found(r, "li", &li);
	}
	jz_issuer_free(&r->issuer);
	rig_backup(r);
	r->issuer = rig_open(r);
	fakecard_pay(&w->payer, &w->payee, PRICE);
	rig_settle(r, &w->payer);
	rig_settle(r, &w->payee);
	(void)rig_load(r, &w->payer, LOADED);
	rig_card(r, &w->late, 0);
	fakecard_pay(&w->payer, &w->payee, PRICE);
	fakecard_pay(&w->payer, &w->late, 7);
	jz_issuer_free(&r->issuer);
	rig_put_back(r);
	r->issuer = rig_open(r);
}

static unsigned
incidents(struct rig *r, const struct fakecard *c, enum jz_incident_kind kind)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
	    "SELECT COUNT(*) FROM incident WHERE card = '%.16s' AND kind = %d",
	    (const char *)c->id, (int)kind);
	return (unsigned)rig_number(r, sql);
}

/* proves: ALL-2, OFP-10 (after a restore nothing is dropped) */
static void
test_what_a_restored_ledger_lacks_is_booked(void **state)
{
	struct rig *r = *state;
	struct letter batch;
	struct world w;
	uint64_t before;
	bool revoked;

	make_world(r, &w);
	rig_sign_in(r, &w.payee);
	batch = rig_batch(&w.payee, 1);
	before = rig_booked(r);
	rig_refused(
	    r, rig_give_batch(r, &batch), JZ_REFUSAL_RECORD_NUMBER, before);
	declare(r);
	/* The payee's record 2; its record 1 is lost with the ledger. */
	rig_settle(r, &w.payee);
	assert_int_equal(
	    incidents(r, &w.payee, JZ_INCIDENT_RESTORED_RECORD), 1);
	assert_int_equal(rig_shadow(r, &w.payee), PRICE);
	assert_true(rig_books(r).balanced);
	/* The payer's has the load too, and a payment to a card that the
	 * ledger does not know. */
	rig_sign_in(r, &w.payer);
	batch = rig_batch(&w.payer, JZ_BATCH_RECORDS);
	before = rig_booked(r);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_EVIDENCE, before);
	assert_int_equal(jz_issuer_alarm(r->issuer), JZ_INCIDENT_UNKNOWN_CARD);
	assert_int_equal(
	    jz_issuer_readmit(
		r->issuer, jz_span(w.late.certificate, w.late.certificate_len)),
	    0);
	assert_int_equal(incidents(r, &w.late, JZ_INCIDENT_RESTORED_CARD), 1);
	assert_int_equal(
	    jz_issuer_readmit(
		r->issuer, jz_span(w.late.certificate, w.late.certificate_len)),
	    0);
	rig_settle(r, &w.payer);
	rig_settle(r, &w.late);
	assert_int_equal(rig_shadow(r, &w.late), 7);
	assert_int_equal(
	    incidents(r, &w.payer, JZ_INCIDENT_RESTORED_RECORD), 1);
	/* The load that it knew nothing of is on the shadow, from "lost". */
	assert_int_equal(rig_shadow(r, &w.payer), 2 * LOADED - PRICE - 7);
	assert_int_equal(rig_books(r).lost, -LOADED);
	assert_int_equal(rig_books(r).transit_payment, 0);
	assert_true(rig_books(r).balanced);
	assert_int_equal(jz_issuer_revoked(r->issuer, w.payer.id, &revoked), 0);
	assert_false(revoked);
}

/* Once for each card: then its numbers have to follow on again. */
static void
test_one_gap_only(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer;
	struct letter batch;

	rig_card(r, &c, 0);
	rig_card(r, &peer, 0);
	for (unsigned k = 0; k < 6; k++)
		fakecard_pay(&peer, &c, 10);
	rig_sign_in(r, &c);
	batch = rig_batch_of(&c, 2, 1);
	assert_int_equal(rig_give_batch(r, &batch), 0);
	batch = rig_batch_of(&c, 4, 1);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_RECORD_NUMBER,
	    rig_booked(r));
	/* Nor is the gap filled afterwards by something else. */
	batch = rig_batch_of(&c, 1, 1);
	rig_refused(
	    r, rig_give_batch(r, &batch), JZ_REFUSAL_CONFLICT, rig_booked(r));
	batch = rig_batch_of(&c, 3, 4);
	assert_int_equal(rig_give_batch(r, &batch), 0);
}

/* The backup is put back, and two people say so; c was made before it. */
static void
put_back(struct rig *r)
{
	jz_issuer_free(&r->issuer);
	rig_put_back(r);
	r->issuer = rig_open(r);
	declare(r);
}

static void
back_up(struct rig *r)
{
	jz_issuer_free(&r->issuer);
	rig_backup(r);
	r->issuer = rig_open(r);
}

/* The card's next record is of what the ledger has lost: there is no gap. */
static void
test_a_lost_load_without_a_gap(void **state)
{
	struct rig *r = *state;
	struct letter request, batch;
	struct jz_load_story story;
	struct fakecard c, late;
	struct jz_message m;
	uint64_t before;

	rig_card(r, &c, 4 * LOADED);
	rig_card(r, &late, 4 * LOADED);
	back_up(r);
	m = fakecard_load_request(&c, LOADED);
	request = fakecard_sign(&c, &m);
	batch = rig_permit(r, &request);
	(void)fakecard_load_report(&c, &batch);
	put_back(r);
	rig_settle(r, &c);
	assert_int_equal(incidents(r, &c, JZ_INCIDENT_RESTORED_RECORD), 1);
	assert_int_equal(rig_shadow(r, &c), LOADED);
	assert_int_equal(rig_books(r).transit_load, 0);
	assert_true(rig_books(r).balanced);
	assert_int_equal(
	    jz_issuer_load_story(r->issuer, c.id, c.online_counter, &story), 0);
	assert_int_equal(story.state, JZ_LOAD_REPORTED);
	/* Whoever has kept its request debits nobody with it. */
	before = rig_snapshot(r);
	rig_refused(r, rig_give_permit(r, &request),
	    JZ_REFUSAL_EXISTS_DIFFERENT, before);
	/* What was permitted after that the ledger must know. */
	m = fakecard_load_request(&late, LOADED);
	request = fakecard_sign(&late, &m);
	batch = rig_permit(r, &request);
	assert_int_equal(
	    jz_message_decode(letter_span(&batch), JZ_KIND_LOAD_PERMISSION, &m),
	    0);
	m.payment.time += RIG_DAY;
	batch = letter_of(&m);
	(void)fakecard_load_report(&late, &batch);
	rig_sign_in(r, &late);
	batch = rig_batch(&late, 1);
	before = rig_booked(r);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_NO_LOAD, before);
}

/* Its request came once more, to the ledger that had forgotten it. */
static void
test_a_lost_load_is_debited_once(void **state)
{
	struct rig *r = *state;
	struct letter request, permission;
	struct jz_message m;
	struct fakecard c;
	struct jz_books before = rig_books(r);

	rig_card(r, &c, 4 * LOADED);
	back_up(r);
	m = fakecard_load_request(&c, LOADED);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	(void)fakecard_load_report(&c, &permission);
	put_back(r);
	r->now++;
	(void)rig_permit(r, &request);
	rig_settle(r, &c);
	assert_int_equal(incidents(r, &c, JZ_INCIDENT_RESTORED_RECORD), 1);
	assert_int_equal(rig_shadow(r, &c), LOADED);
	assert_int_equal(rig_balance(r, &c), 3 * LOADED);
	assert_int_equal(rig_books(r).transit_load, before.transit_load);
	assert_int_equal(rig_books(r).lost, before.lost);
	assert_true(rig_books(r).balanced);
}

/* The card has been told that the account has the money, and the account has
 * not: its record brings it, once, with an alarm. */
static void
test_a_lost_unload_is_credited_once(void **state)
{
	struct rig *r = *state;
	struct letter proof;
	struct fakecard c;

	rig_card(r, &c, LOADED);
	(void)rig_load(r, &c, LOADED);
	rig_settle(r, &c);
	back_up(r);
	proof = rig_debit_card(r, &c, PRICE);
	assert_int_equal(rig_give_unload(r, &proof), 0);
	assert_int_equal(rig_balance(r, &c), PRICE);
	put_back(r);
	assert_int_equal(rig_balance(r, &c), 0);
	rig_settle(r, &c);
	assert_int_equal(incidents(r, &c, JZ_INCIDENT_RESTORED_RECORD), 1);
	assert_int_equal(rig_balance(r, &c), PRICE);
	assert_int_equal(rig_shadow(r, &c), LOADED - PRICE);
	/* Somebody has kept the proof. */
	assert_int_equal(rig_give_unload(r, &proof), 0);
	assert_int_equal(rig_balance(r, &c), PRICE);
	/* One that it knows is no news. */
	proof = rig_debit_card(r, &c, PRICE);
	assert_int_equal(rig_give_unload(r, &proof), 0);
	rig_settle(r, &c);
	assert_int_equal(incidents(r, &c, JZ_INCIDENT_RESTORED_RECORD), 1);
	assert_int_equal(rig_balance(r, &c), 2 * PRICE);
	assert_true(rig_books(r).balanced);
}

static void
test_only_cards_of_this_issuer_come_back(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_certificate fields;
	struct jz_key_pair key;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	uint64_t before;

	rig_card(r, &c, 0);
	assert_int_equal(
	    jz_certificate_parse(jz_span(c.certificate, c.certificate_len),
		r->engine.crypto, &fields),
	    0);
	memcpy(fields.holder, "CN99999999900001", JZ_ID_BYTES);
	assert_int_equal(r->engine.crypto->generate(r->engine.state, &key), 0);
	assert_int_equal(jz_certificate_sign(&r->engine, &fields, &key, &b), 0);
	before = rig_snapshot(r);
	assert_int_equal(jz_issuer_readmit(r->issuer, jz_buffer_span(&b)),
	    JZ_ERR_CERT_FORGED);
	assert_int_equal(jz_issuer_readmit(r->issuer, jz_span(bytes, 20)),
	    JZ_ERR_CERT_MALFORMED);
	assert_true(rig_snapshot(r) == before);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_what_a_restored_ledger_lacks_is_booked),
	    T(test_one_gap_only),
	    T(test_a_lost_load_without_a_gap),
	    T(test_a_lost_load_is_debited_once),
	    T(test_a_lost_unload_is_credited_once),
	    T(test_only_cards_of_this_issuer_come_back),
	};

	return cmocka_run_group_tests_name(
	    "restored ledger", tests, rig_setup, rig_teardown);
}
