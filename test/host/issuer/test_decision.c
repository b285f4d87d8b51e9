/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four eyes: what moves value by people's decision takes two of them, each by
 * her own key, over the very same proposal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../../keys/secret.h"
#include "../../support/issuerrig.h"

#define LOADED 5000
#define PRICE  1200
/* A certificate's life and the settlement period, and more. */
#define LATER ((int64_t)6 * 366 * RIG_DAY)

static struct jz_operator zhang, li, wang;

/* The first test founds them, in a program's one issuer. */
static void
person(struct rig *r, const char *name, struct jz_operator *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", name);
	assert_int_equal(
	    r->engine.crypto->generate(r->engine.state, &out->key), 0);
}

static int
found(struct rig *r, const struct jz_operator *o)
{
	return jz_issuer_operator_found(r->issuer, o->name, o->key.public_key);
}

static void
hex(const uint8_t *in, size_t len, char *out)
{
	for (size_t k = 0; k < len; k++)
		snprintf(out + 2 * k, 3, "%02x", (unsigned)in[k]);
}

static struct jz_proposal
proposal(enum jz_proposal_kind kind, const char *subject, const char *target)
{
	struct jz_proposal p = {.kind = kind};

	snprintf(p.subject, sizeof(p.subject), "%.*s", JZ_SUBJECT_MAX, subject);
	snprintf(p.target, sizeof(p.target), "%s", target);
	snprintf(p.reason, sizeof(p.reason), "because");
	return p;
}

static struct jz_proposal
about_card(
    enum jz_proposal_kind kind, const struct fakecard *c, const char *target)
{
	char id[JZ_ID_BYTES + 1] = {0};

	memcpy(id, c->id, JZ_ID_BYTES);
	return proposal(kind, id, target);
}

static struct jz_proposal
about_payment(
    enum jz_proposal_kind kind, const struct jz_payment *p, const char *target)
{
	char digest[JZ_SUBJECT_MAX + 1];

	hex(p->request_digest, JZ_DIGEST_BYTES, digest);
	return proposal(kind, digest, target);
}

static int
propose(struct rig *r, struct jz_proposal *p)
{
	return jz_issuer_propose(r->issuer, &zhang, p);
}

static int
approve(
    struct rig *r, const struct jz_operator *by, const struct jz_proposal *p)
{
	return jz_issuer_decide(r->issuer, by, p->id, p->digest, true);
}

/* One proposes, the other approves. */
static void
both(struct rig *r, struct jz_proposal p)
{
	uint64_t before = rig_booked(r);

	assert_int_equal(propose(r, &p), 0);
	/* Nothing moves by one alone. */
	assert_int_equal(approve(r, &zhang, &p), JZ_ERR_OPERATOR_SAME);
	if (p.amount != 0)
		assert_int_not_equal(before, 0);
	assert_int_equal(approve(r, &li, &p), 0);
	assert_true(rig_books(r).balanced);
}

/* ---- operators ---------------------------------------------------------- */

struct tally {
	unsigned n, retired;
};

static int
count(const struct jz_operator_story *o, void *arg)
{
	struct tally *t = arg;

	t->n++;
	t->retired += o->retired != 0;
	return 0;
}

static void
test_the_first_two_and_the_third(void **state)
{
	struct rig *r = *state;
	struct jz_operator double_ = {0};
	struct jz_proposal p;
	struct tally t = {0};
	char key[JZ_TARGET_MAX + 1];

	person(r, "zhang", &zhang);
	person(r, "li", &li);
	person(r, "wang", &wang);
	person(r, "ZHANG", &double_);
	p = proposal(JZ_PROPOSE_RESTORED, "ledger", "");
	assert_int_equal(propose(r, &p), JZ_ERR_OPERATOR_UNKNOWN);
	assert_int_equal(found(r, &zhang), 0);
	assert_int_equal(found(r, &zhang), JZ_ERR_EXISTS);
	assert_int_equal(found(r, &double_), JZ_ERR_EXISTS);
	double_ = zhang;
	snprintf(double_.name, sizeof(double_.name), "zhao");
	assert_int_equal(found(r, &double_), JZ_ERR_EXISTS); /* her key */
	assert_int_equal(found(r, &li), 0);
	assert_int_equal(found(r, &wang), JZ_ERR_STATE);
	hex(wang.key.public_key, JZ_POINT_BYTES, key);
	both(r, proposal(JZ_PROPOSE_OPERATOR, "wang", key));
	assert_int_equal(jz_issuer_each_operator(r->issuer, count, &t), 0);
	assert_int_equal(t.n, 3);
}

/* proves: four eyes are two people, whatever the second is called */
static void
test_who_may_approve(void **state)
{
	struct rig *r = *state;
	struct jz_operator mallory, thief = wang;
	struct jz_proposal p = proposal(JZ_PROPOSE_RETIRE, "wang", "");
	uint64_t before;

	assert_int_equal(propose(r, &p), 0);
	before = rig_snapshot(r);
	assert_int_equal(approve(r, &zhang, &p), JZ_ERR_OPERATOR_SAME);
	person(r, "mallory", &mallory);
	assert_int_equal(approve(r, &mallory, &p), JZ_ERR_OPERATOR_UNKNOWN);
	/* Somebody with another key, under a name that is known. */
	person(r, "li", &mallory);
	assert_int_equal(approve(r, &mallory, &p), JZ_ERR_OPERATOR_UNKNOWN);
	/* The key of one under the name of the other. */
	snprintf(thief.name, sizeof(thief.name), "li");
	assert_int_equal(approve(r, &thief, &p), JZ_ERR_OPERATOR_UNKNOWN);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(approve(r, &li, &p), 0);
	assert_int_equal(approve(r, &li, &p), JZ_ERR_PROPOSAL_DECIDED);
	/* Who is one no more neither proposes nor approves. */
	p = proposal(JZ_PROPOSE_RESTORED, "ledger", "");
	assert_int_equal(
	    jz_issuer_propose(r->issuer, &wang, &p), JZ_ERR_OPERATOR_UNKNOWN);
	assert_int_equal(propose(r, &p), 0);
	assert_int_equal(approve(r, &wang, &p), JZ_ERR_OPERATOR_UNKNOWN);
	assert_int_equal(
	    jz_issuer_decide(r->issuer, &zhang, p.id, p.digest, false), 0);
	assert_int_equal(approve(r, &li, &p), JZ_ERR_PROPOSAL_DECIDED);
	/* Two are left: they stay. */
	p = proposal(JZ_PROPOSE_RETIRE, "li", "");
	assert_int_equal(propose(r, &p), JZ_ERR_STATE);
}

static void
test_who_is_in_the_database_alone(void **state)
{
	struct rig *r = *state;
	struct jz_proposal p = proposal(JZ_PROPOSE_RESTORED, "ledger", "");
	struct jz_operator mallory;
	char key[2 * JZ_POINT_BYTES + 1], sql[512];

	person(r, "mallory", &mallory);
	hex(mallory.key.public_key, JZ_POINT_BYTES, key);
	snprintf(sql, sizeof(sql),
	    "INSERT INTO operator SELECT 'mallory', x'%s', time, host,"
	    " signature FROM operator WHERE name = 'li'",
	    key);
	assert_int_equal(rig_sql(r, sql), SQLITE_OK);
	assert_int_equal(propose(r, &p), 0);
	assert_int_equal(approve(r, &mallory, &p), JZ_ERR_OPERATOR_UNKNOWN);
	/* Nor can another program enter an approval by the one who proposed. */
	assert_int_equal(
	    rig_sql(r,
		"INSERT INTO decision SELECT id, time, 1, operator, signature"
		" FROM proposal WHERE id = (SELECT MAX(id) FROM proposal)"),
	    SQLITE_CONSTRAINT);
	assert_int_equal(
	    jz_issuer_decide(r->issuer, &zhang, p.id, p.digest, false), 0);
	/* Mallory's row counts for nothing, so two are left: they stay. */
	assert_int_equal(
	    rig_sql(r, "INSERT INTO operator_end VALUES ('mallory', 1)"),
	    SQLITE_OK);
	p = proposal(JZ_PROPOSE_RETIRE, "li", "");
	assert_int_equal(propose(r, &p), JZ_ERR_STATE);
}

/* Whatever somebody alters of it in the database, nobody approves it. */
static void
alter(struct rig *r, const struct jz_proposal *p)
{
	static const char *const ALTERATIONS[] = {
	    "subject = 'CN00000000000000'",
	    "target = 'x'",
	    "amount = amount + 1",
	    "reason = 'other'",
	    "expires = expires + 1000000000",
	    "kind = 7",
	    "operator = 'li'",
	    "time = time + 1",
	    "signature = zeroblob(64)",
	};
	char sql[256];

	assert_int_equal(rig_sql(r,
			     "CREATE TABLE kept AS SELECT * FROM proposal;"
			     "DROP TRIGGER proposal_no_update"),
	    SQLITE_OK);
	for (size_t k = 0; k < sizeof(ALTERATIONS) / sizeof(ALTERATIONS[0]);
	     k++) {
		snprintf(sql, sizeof(sql),
		    "UPDATE proposal SET %s WHERE id = %lld", ALTERATIONS[k],
		    (long long)p->id);
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		assert_int_equal(approve(r, &li, p), JZ_ERR_PROPOSAL_ALTERED);
		assert_int_equal(
		    rig_sql(r,
			"UPDATE proposal SET (time, expires, kind, subject,"
			" target, amount, reason, operator, signature) ="
			" (SELECT time, expires, kind, subject, target,"
			" amount, reason, operator, signature FROM kept k"
			" WHERE k.id = proposal.id)"),
		    SQLITE_OK);
	}
	assert_int_equal(rig_sql(r,
			     "DROP TABLE kept;"
			     "CREATE TRIGGER proposal_no_update BEFORE UPDATE"
			     " ON proposal BEGIN SELECT RAISE(ABORT, ''); END"),
	    SQLITE_OK);
}

static void
test_expired_altered_and_stale(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer;
	struct jz_proposal p, other;

	rig_card(r, &c, LOADED);
	rig_card(r, &peer, LOADED);
	fakecard_pay(&c, &peer, PRICE);
	rig_settle(r, &c);
	rig_settle(r, &peer);
	p = about_card(JZ_PROPOSE_CLONE_LOSS, &c, "");
	assert_int_equal(propose(r, &p), 0);
	assert_int_equal(p.amount, PRICE);
	other = p;
	other.digest[0] ^= 1; /* she has read something else */
	assert_int_equal(approve(r, &li, &other), JZ_ERR_PROPOSAL_ALTERED);
	alter(r, &p);
	/* Another sum by now. */
	fakecard_pay(&c, &peer, 1);
	rig_settle(r, &c);
	rig_settle(r, &peer);
	assert_int_equal(approve(r, &li, &p), JZ_ERR_PROPOSAL_STALE);
	p = about_card(JZ_PROPOSE_CLONE_LOSS, &c, "");
	assert_int_equal(propose(r, &p), 0);
	r->now += JZ_PROPOSAL_LIFE + 1;
	assert_int_equal(approve(r, &li, &p), JZ_ERR_PROPOSAL_EXPIRED);
	r->now -= 1;
	assert_int_equal(approve(r, &li, &p), 0);
	assert_int_equal(rig_shadow(r, &c), 0);
	assert_int_equal(rig_books(r).fraud, -PRICE - 1);
}

static int
none(const struct jz_proposal *p, void *arg)
{
	unsigned *n = arg;

	*n += !p->decided;
	assert_true(!p->decided || p->decided_by[0] != '\0');
	return 0;
}

static void
test_what_is_no_proposal(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_proposal p;
	unsigned open = 0;
	struct {
		struct jz_proposal p;
		int err;
	} cases[] = {
	    {proposal(0, "x", ""), JZ_ERR_ARGUMENT},
	    {proposal(99, "x", ""), JZ_ERR_ARGUMENT},
	    {proposal(JZ_PROPOSE_LOST, "CN1", ""), JZ_ERR_ARGUMENT},
	    {proposal(JZ_PROPOSE_LOST, "CN99999999900001", ""),
		JZ_ERR_NOT_FOUND},
	    {proposal(JZ_PROPOSE_WRITE_OFF, "12", ""), JZ_ERR_ARGUMENT},
	    {proposal(JZ_PROPOSE_RESTORED, "world", ""), JZ_ERR_ARGUMENT},
	    {proposal(JZ_PROPOSE_OPERATOR, "zhou", "04"), JZ_ERR_ARGUMENT},
	    {proposal(JZ_PROPOSE_RETIRE, "nobody", ""), JZ_ERR_NOT_FOUND},
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
		assert_int_equal(propose(r, &cases[k].p), cases[k].err);
	rig_card(r, &c, LOADED);
	p = about_card(JZ_PROPOSE_CLONE_LOSS, &c, "");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_FOUND);
	p.id = 12345;
	assert_int_equal(approve(r, &li, &p), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_issuer_each_proposal(r->issuer, none, &open), 0);
}

/* ---- lost cards --------------------------------------------------------- */

/* proves: OFP-10, ALL-2 (a lost card: revoked, expired, a period, two people) */
static void
lost_card(struct rig *r, bool to_holder)
{
	struct jz_books before, after;
	struct jz_proposal p;
	struct fakecard c;

	r->now = r->begin;
	rig_card(r, &c, 2 * LOADED);
	(void)rig_load(r, &c, LOADED);
	before = rig_books(r);
	p = about_card(JZ_PROPOSE_LOST, &c, to_holder ? c.account : "");
	r->now = r->begin + LATER;
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE); /* not revoked */
	r->now = r->begin;
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, "lost"), 0);
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE); /* valid yet */
	r->now = r->begin + (int64_t)5 * 366 * RIG_DAY;
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE); /* the period */
	r->now = r->begin + LATER;
	both(r, p);
	after = rig_books(r);
	assert_int_equal(rig_shadow(r, &c), 0);
	assert_int_equal(after.lost - before.lost, to_holder ? 0 : LOADED);
	assert_int_equal(rig_balance(r, &c), LOADED + (to_holder ? LOADED : 0));
	assert_int_equal(propose(r, &p), JZ_ERR_EXISTS);
}

static void
test_a_lost_card(void **state)
{
	lost_card(*state, false);
	lost_card(*state, true);
}

/* A payment whose payee's card is lost. */
struct stuck {
	struct fakecard payer, payee;
	struct jz_payment payment;
};

static void
make_stuck(struct rig *r, struct stuck *s)
{
	rig_card(r, &s->payer, 2 * LOADED);
	rig_card(r, &s->payee, 0);
	(void)rig_load(r, &s->payer, LOADED);
	fakecard_pay(&s->payer, &s->payee, PRICE);
	s->payment = fakecard_record(&s->payer, 2)->payment;
}

static void
lose(struct rig *r, const struct fakecard *c)
{
	assert_int_equal(jz_issuer_revoke(r->issuer, c->id, "lost"), 0);
	r->now = r->begin + LATER;
}

/* proves: ALL-1, ALL-2 (never on a completion alone; two people may) */
static void
test_a_payment_to_a_lost_card(void **state)
{
	struct rig *r = *state;
	struct jz_books before, after;
	struct jz_proposal p;
	struct stuck s;

	make_stuck(r, &s);
	before = rig_books(r);
	rig_settle(r, &s.payer);
	p = about_payment(JZ_PROPOSE_RESOLVE, &s.payment, "payee");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE);
	assert_int_equal(rig_balance(r, &s.payee), 0);
	lose(r, &s.payee);
	both(r, p);
	after = rig_books(r);
	assert_int_equal(rig_balance(r, &s.payee), PRICE);
	assert_int_equal(after.transit_payment, before.transit_payment);
	assert_int_equal(after.fraud, before.fraud);
	assert_int_equal(propose(r, &p), JZ_ERR_EXISTS);
	/* The card is found, and settles: booked, seen, at the fraud account's
	 * cost, for the money is on the card. */
	rig_settle(r, &s.payee);
	after = rig_books(r);
	assert_true(after.balanced);
	assert_int_equal(rig_shadow(r, &s.payee), PRICE);
	assert_int_equal(after.fraud, before.fraud - PRICE);
	assert_int_equal(after.transit_payment, before.transit_payment);
	assert_int_equal(
	    rig_number(r, "SELECT COUNT(*) FROM incident WHERE kind = 11"), 1);
}

static void
test_a_write_off(void **state)
{
	struct rig *r = *state;
	struct jz_books before, after;
	struct jz_proposal p;
	struct stuck s;

	make_stuck(r, &s);
	before = rig_books(r);
	rig_settle(r, &s.payee); /* the payer's card is lost */
	p = about_payment(JZ_PROPOSE_WRITE_OFF, &s.payment, "");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE);
	lose(r, &s.payer);
	both(r, p);
	after = rig_books(r);
	assert_int_equal(after.transit_payment, before.transit_payment);
	assert_int_equal(after.fraud, before.fraud - PRICE);
	/* It comes after all: made good. */
	rig_settle(r, &s.payer);
	after = rig_books(r);
	assert_true(after.balanced);
	assert_int_equal(after.fraud, before.fraud);
	assert_int_equal(after.transit_payment, before.transit_payment);
	p = about_payment(JZ_PROPOSE_WRITE_OFF, &s.payment, "");
	assert_int_equal(propose(r, &p), JZ_ERR_EXISTS);
}

/* proves: ALL-2 (a claim whose payer's card never comes) */
static void
test_a_claim_without_the_payer(void **state)
{
	struct rig *r = *state;
	struct jz_books before, after;
	struct jz_proposal p;
	struct stuck s;

	rig_card(r, &s.payer, 2 * LOADED);
	rig_card(r, &s.payee, 0);
	(void)rig_load(r, &s.payer, LOADED);
	fakecard_give_up(&s.payer, &s.payee, PRICE, true, JZ_OUTCOME_CLAIM);
	before = rig_books(r);
	rig_settle(r, &s.payee);
	s.payment = fakecard_record(&s.payee, 1)->payment;
	p = about_payment(JZ_PROPOSE_RESOLVE, &s.payment, "payer");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_FOUND);
	p = about_payment(JZ_PROPOSE_RESOLVE, &s.payment, "payee");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_DUE);
	assert_int_equal(rig_balance(r, &s.payee), 0);
	lose(r, &s.payer);
	both(r, p);
	assert_int_equal(rig_balance(r, &s.payee), PRICE);
	/* The payer comes: the fraud account gets it, nobody is paid again. */
	rig_settle(r, &s.payer);
	after = rig_books(r);
	assert_true(after.balanced);
	assert_int_equal(rig_balance(r, &s.payee), PRICE);
	assert_int_equal(after.fraud, before.fraud);
	assert_int_equal(after.transit_payment, before.transit_payment);
}

/* What needs no decision gets none. */
static void
test_a_payment_that_both_have_settled(void **state)
{
	struct rig *r = *state;
	struct jz_proposal p;
	struct stuck s;

	make_stuck(r, &s);
	rig_settle(r, &s.payee);
	rig_settle(r, &s.payer);
	lose(r, &s.payer);
	p = about_payment(JZ_PROPOSE_WRITE_OFF, &s.payment, "");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_FOUND);
	p = about_payment(JZ_PROPOSE_RESOLVE, &s.payment, "payee");
	assert_int_equal(propose(r, &p), JZ_ERR_NOT_FOUND);
}

/* ---- the log, files ----------------------------------------------------- */

static int
find_names(const struct jz_audit_entry *e, void *arg)
{
	bool *seen = arg;

	seen[0] |= strcmp(e->actor, "zhang") == 0 &&
	    strstr(e->text, "proposal") != NULL;
	seen[1] |=
	    strcmp(e->actor, "li") == 0 && strstr(e->text, "approved") != NULL;
	seen[2] |= strcmp(e->actor, "zhang") == 0 &&
	    strstr(e->text, "rejected") != NULL;
	return 0;
}

static void
test_decisions_are_in_the_audit_log(void **state)
{
	struct rig *r = *state;
	bool seen[3] = {false};
	int64_t n;

	assert_int_equal(jz_issuer_each_audit(r->issuer, find_names, seen), 0);
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(jz_issuer_audit_verify(r->issuer, NULL, &n), 0);
}

static void
test_an_operators_file(void **state)
{
	struct rig *r = *state;
	struct jz_operator made, again;
	const struct jz_secret *right = JZ_SECRET("own");
	const struct jz_secret *wrong = JZ_SECRET("other");
	char path[128];

	snprintf(path, sizeof(path), "%s/zhou.key", r->parent);
	assert_int_equal(jz_operator_create(&r->engine, path, right, "", &made),
	    JZ_ERR_RANGE);
	assert_int_equal(
	    jz_operator_create(&r->engine, path, right, " x", &made),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(
	    jz_operator_create(&r->engine, path, right, "周", &made), 0);
	assert_int_equal(
	    jz_operator_create(&r->engine, path, right, "周", &again),
	    JZ_ERR_EXISTS);
	assert_int_equal(jz_operator_read(&r->engine, path, wrong, &again),
	    JZ_ERR_PASSPHRASE);
	assert_int_equal(jz_operator_read(&r->engine, path, right, &again), 0);
	assert_string_equal(again.name, "周");
	assert_memory_equal(&again.key, &made.key, sizeof(made.key));
	jz_wipe(&made, sizeof(made));
	jz_wipe(&again, sizeof(again));
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_the_first_two_and_the_third),
	    T(test_who_may_approve),
	    T(test_who_is_in_the_database_alone),
	    T(test_expired_altered_and_stale),
	    T(test_what_is_no_proposal),
	    T(test_a_lost_card),
	    T(test_a_payment_to_a_lost_card),
	    T(test_a_write_off),
	    T(test_a_claim_without_the_payer),
	    T(test_a_payment_that_both_have_settled),
	    T(test_decisions_are_in_the_audit_log),
	    T(test_an_operators_file),
	};

	return cmocka_run_group_tests_name(
	    "decisions", tests, rig_setup, rig_teardown);
}
