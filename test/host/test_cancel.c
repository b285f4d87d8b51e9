/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads that are refused, left open and given up, over real purses and a real
 * issuer: the card is freed, the money is back in the account or on the card,
 * and wherever it is cut off, doing the same again finishes it.
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../support/issuerrig.h"
#include "../support/script.h"

#define AMOUNT 10000u
#define OTHER  2500u

struct opened {
	uint8_t request_bytes[JZ_MESSAGE_MAX];
	uint8_t permission_bytes[JZ_MESSAGE_MAX];
	struct jz_span request, permission;
	int64_t account; /* before it */
	uint64_t card;
	uint32_t counter; /* its own */
};

static int64_t
account(struct world *w)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(w->issuer, "alice", &minor), 0);
	return minor;
}

static uint32_t
counter(struct torn *t)
{
	struct jz_purse_info info;

	assert_int_equal(jz_purse_info(&t->session, &info), 0);
	return info.online_counter;
}

static void
world_with_card(struct world *w)
{
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
}

/* The card asks, and the terminal goes away. */
static void
leave_open(struct world *w, struct opened *o)
{
	struct jz_buffer b =
	    jz_buffer(o->request_bytes, sizeof(o->request_bytes));
	struct torn *t = &w->alice;
	unsigned tries;

	o->account = account(w);
	o->card = torn_balance(t);
	assert_int_equal(jz_purse_verify_pin(&t->session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_purse_load_request(&t->session, AMOUNT, TORN_TERMINAL, &b), 0);
	o->request = jz_buffer_span(&b);
	o->counter = counter(t);
}

/* The issuer permits as well: the money is in transit. */
static void
leave_permitted(struct world *w, struct opened *o)
{
	struct jz_buffer b =
	    jz_buffer(o->permission_bytes, sizeof(o->permission_bytes));

	leave_open(w, o);
	assert_int_equal(jz_issuer_load_permit(w->issuer, o->request, &b), 0);
	o->permission = jz_buffer_span(&b);
	assert_int_equal(account(w), o->account - AMOUNT);
	assert_int_equal(world_books(w).transit_load, AMOUNT);
}

/* All of the load is back where it came from. */
static void
assert_undone(struct world *w, const struct opened *o)
{
	assert_int_equal(world_books(w).transit_load, 0);
	assert_int_equal(account(w), o->account);
	assert_int_equal(torn_balance(&w->alice), o->card);
}

static void
assert_refusal(struct world *w, enum jz_refusal why)
{
	assert_string_equal(jz_refusal_name(jz_issuer_refusal(w->issuer)),
	    jz_refusal_name(why));
}

static void
block(struct world *w, bool blocked)
{
	assert_int_equal(
	    jz_issuer_block_account(w->issuer, "alice", blocked), 0);
}

/* ---- refused by the issuer ---------------------------------------------- */

/* LOD-5, LOD-6: the reason is told, and the card is free for another load. */
static void
test_refused_for_funds(void **state)
{
	struct world w = {0};

	(void)state;
	world_new(&w);
	world_customer(&w, "carol", OTHER);
	assert_int_equal(world_personalise(&w, &w.alice, "carol"), 0);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), JZ_ERR_REFUSED);
	assert_refusal(&w, JZ_REFUSAL_FUNDS);
	assert_int_equal(torn_balance(&w.alice), 0);
	assert_int_equal(world_books(&w).transit_load, 0);
	assert_int_equal(world_books(&w).accounts, w.cash);
	assert_int_equal(world_load(&w, &w.alice, OTHER), 0);
	assert_refusal(&w, JZ_REFUSAL_NONE);
	assert_int_equal(torn_balance(&w.alice), OTHER);
	assert_int_equal(world_books(&w).accounts, w.cash - OTHER);
	/* A card's own refusal is not told as the issuer's before it. */
	assert_int_equal(world_load(&w, &w.alice, 1), JZ_ERR_REFUSED);
	assert_int_equal(world_load(&w, &w.alice, 500000), JZ_ERR_STATUS);
	assert_int_equal(w.alice.session.sw, JZ_SW_BALANCE_LIMIT);
	assert_refusal(&w, JZ_REFUSAL_NONE);
	world_free(&w);
}

/* LOD-7, ALL-2: refused when it was permitted before: the money comes back. */
static void
test_refused_after_the_permission(void **state)
{
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	leave_permitted(&w, &o);
	block(&w, true);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), JZ_ERR_REFUSED);
	assert_refusal(&w, JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_undone(&w, &o);
	block(&w, false);
	assert_int_equal(world_load(&w, &w.alice, OTHER), 0);
	assert_int_equal(account(&w), o.account - OTHER);
	world_assert_settled(&w);
	world_free(&w);
}

/*
 * A bank that does not know the card: the load is closed on the card, and its
 * proof is kept for the bank that has the money.
 */
static void
test_refused_by_another_bank(void **state)
{
	struct world w = {0}, other = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	world_new(&other);
	leave_permitted(&w, &o);
	for (unsigned k = 0; k < 3; k++) {
		unsigned tries;

		assert_int_equal(
		    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
		assert_int_equal(jz_load(&w.alice.session, other.issuer,
				     k < 2 ? AMOUNT : OTHER, TORN_TERMINAL),
		    JZ_ERR_REFUSED);
		assert_refusal(&other, JZ_REFUSAL_UNKNOWN_CARD);
		assert_int_equal(counter(&w.alice), o.counter);
	}
	assert_int_equal(world_load(&w, &w.alice, OTHER), 0);
	assert_int_equal(world_books(&w).transit_load, 0);
	assert_int_equal(account(&w), o.account - OTHER);
	assert_int_equal(torn_balance(&w.alice), OTHER);
	world_free(&other);
	world_free(&w);
}

/* ---- left open ---------------------------------------------------------- */

/* LOD-4: the same amount finishes an open load; another is told to wait. */
static void
test_open_load_is_finished(void **state)
{
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	leave_permitted(&w, &o);
	assert_int_equal(world_load(&w, &w.alice, OTHER), JZ_ERR_STATUS);
	assert_int_equal(w.alice.session.sw, JZ_SW_CONDITIONS);
	assert_refusal(&w, JZ_REFUSAL_NONE);
	assert_int_equal(world_books(&w).transit_load, AMOUNT);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
	assert_int_equal(counter(&w.alice), o.counter);
	assert_int_equal(torn_balance(&w.alice), AMOUNT);
	assert_int_equal(account(&w), o.account - AMOUNT);
	world_assert_settled(&w);
	world_free(&w);
}

/* LOD-7, ALL-2: the money goes back, once, and no PIN is asked for. */
static void
test_open_load_is_given_up(void **state)
{
	struct jz_cancel_result r;
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	assert_int_equal(
	    jz_load_cancel(&w.alice.session, w.issuer, &r), JZ_ERR_NOT_FOUND);
	leave_permitted(&w, &o);
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(
		    jz_load_cancel(&w.alice.session, w.issuer, &r), 0);
		assert_int_equal(r.returned_minor, AMOUNT);
		assert_int_equal(r.again, k > 0);
		assert_undone(&w, &o);
	}
	assert_int_equal(world_load(&w, &w.alice, OTHER), 0);
	assert_int_equal(
	    jz_load_cancel(&w.alice.session, w.issuer, &r), JZ_ERR_NOT_FOUND);
	assert_int_equal(torn_balance(&w.alice), OTHER);
	world_assert_settled(&w);
	world_free(&w);
}

/* LOD-6, ALL-1: the permission comes after the cancel: no credit. */
static void
test_permission_after_the_cancel(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer report = jz_buffer(bytes, sizeof(bytes));
	struct jz_cancel_result r;
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	leave_permitted(&w, &o);
	assert_int_equal(jz_load_cancel(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(
	    jz_purse_credit_for_load(&w.alice.session, o.permission, &report),
	    JZ_ERR_STATUS);
	assert_int_equal(w.alice.session.sw, JZ_SW_CONDITIONS);
	assert_undone(&w, &o);
	world_free(&w);
}

/* LOD-6, ALL-2: so does the request: nothing is taken for it. */
static void
test_request_after_the_cancel(void **state)
{
	struct jz_cancel_result r;
	struct world w = {0};
	struct opened o;
	struct jz_buffer b =
	    jz_buffer(o.permission_bytes, sizeof(o.permission_bytes));

	(void)state;
	world_with_card(&w);
	leave_open(&w, &o);
	assert_int_equal(jz_load_cancel(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(r.returned_minor, 0);
	assert_false(r.again);
	assert_int_equal(
	    jz_issuer_load_permit(w.issuer, o.request, &b), JZ_ERR_REFUSED);
	assert_refusal(&w, JZ_REFUSAL_CANCELLED);
	assert_undone(&w, &o);
	world_free(&w);
}

/* LOD-12: a load that the card has executed is not given up. */
static void
test_executed_load_is_not_given_up(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer report = jz_buffer(bytes, sizeof(bytes));
	struct jz_cancel_result r;
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	leave_permitted(&w, &o);
	assert_int_equal(
	    jz_purse_credit_for_load(&w.alice.session, o.permission, &report),
	    0);
	assert_int_equal(
	    jz_load_cancel(&w.alice.session, w.issuer, &r), JZ_ERR_NOT_FOUND);
	assert_int_equal(world_books(&w).transit_load, AMOUNT);
	world_assert_settled(&w);
	assert_int_equal(account(&w), o.account - AMOUNT);
	world_free(&w);
}

/* ---- cut off ------------------------------------------------------------ */

/*
 * ALL-2: the card has cancelled and the proof got lost: the next load brings
 * it before the card forgets it.
 */
static void
test_next_load_brings_the_proof(void **state)
{
	uint8_t lost[JZ_MESSAGE_MAX];
	struct world w = {0};
	struct opened o;

	(void)state;
	world_with_card(&w);
	for (unsigned k = 0; k < 2; k++) {
		struct jz_buffer b = jz_buffer(lost, sizeof(lost));

		leave_permitted(&w, &o);
		assert_int_equal(jz_purse_cancel_load(&w.alice.session, &b), 0);
		assert_int_equal(
		    world_load(&w, &w.alice, k == 0 ? OTHER : AMOUNT), 0);
		assert_int_equal(counter(&w.alice), o.counter + 1);
		assert_int_equal(world_books(&w).transit_load, 0);
	}
	assert_int_equal(account(&w), TORN_DEPOSIT - AMOUNT - OTHER);
	world_assert_settled(&w);
	world_free(&w);
}

/* Refused and cut off at command n; then the same again. */
static bool
refused_cut_at(struct world *w, unsigned n, bool carried_out)
{
	struct opened o;
	bool cut;

	leave_permitted(w, &o);
	block(w, true);
	torn_cut_at(&w->alice, n, carried_out);
	assert_int_not_equal(world_load(w, &w->alice, AMOUNT), 0);
	cut = torn_was_cut(&w->alice);
	(void)world_books(w);
	assert_int_equal(torn_balance(&w->alice), o.card);
	assert_int_equal(world_load(w, &w->alice, AMOUNT), JZ_ERR_REFUSED);
	assert_refusal(w, JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_undone(w, &o);
	block(w, false);
	return cut;
}

static void
test_refused_load_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_with_card(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = refused_cut_at(&w, n, false);
		cut = refused_cut_at(&w, n, true) || cut;
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	assert_int_equal(world_load(&w, &w.alice, OTHER), 0);
	world_assert_settled(&w);
	world_free(&w);
}

/* Refused and cut off; then another load, for which the account is good. */
static bool
another_after_cut_at(struct world *w, unsigned n, bool carried_out)
{
	struct jz_cancel_result r;
	struct opened o;
	bool cut;
	int err;

	leave_permitted(w, &o);
	block(w, true);
	torn_cut_at(&w->alice, n, carried_out);
	assert_int_not_equal(world_load(w, &w->alice, AMOUNT), 0);
	cut = torn_was_cut(&w->alice);
	block(w, false);
	err = world_load(w, &w->alice, OTHER);
	if (err != 0) {
		assert_int_equal(w->alice.session.sw, JZ_SW_CONDITIONS);
		assert_int_equal(
		    jz_load_cancel(&w->alice.session, w->issuer, &r), 0);
		assert_int_equal(r.returned_minor, AMOUNT);
		assert_int_equal(world_load(w, &w->alice, OTHER), 0);
	}
	assert_int_equal(world_books(w).transit_load, 0);
	assert_int_equal(account(w), o.account - OTHER);
	assert_int_equal(torn_balance(&w->alice), o.card + OTHER);
	return cut;
}

static void
test_another_load_after_a_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_with_card(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = another_after_cut_at(&w, n, false);
		cut = another_after_cut_at(&w, n, true) || cut;
		world_assert_settled(&w);
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* A lost answer is asked for once more; a lost command as well. */
static void
test_giving_up_is_cut(void **state)
{
	struct jz_cancel_result r;
	struct world w = {0};
	struct opened o;
	bool cut = true;
	unsigned n;
	int err;

	(void)state;
	world_with_card(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		leave_permitted(&w, &o);
		torn_cut_at(&w.alice, n, (n & 1) == 0);
		err = jz_load_cancel(&w.alice.session, w.issuer, &r);
		cut = torn_was_cut(&w.alice);
		assert_int_equal(err, 0);
		assert_int_equal(r.returned_minor, AMOUNT);
		assert_undone(&w, &o);
	}
	assert_true(n > 1 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* ---- a proof that the issuer does not believe --------------------------- */

static const char *
in_hex(const struct letter *l, char *out)
{
	for (size_t k = 0; k < l->len; k++)
		sprintf(out + 2 * k, "%02X", (unsigned)l->data[k]);
	sprintf(out + 2 * l->len, "9000");
	return out;
}

/*
 * ALL-1: the issuer has booked what the card says it has not executed, as after
 * an old copy of it was put back: it is told, and holds up no other load.
 */
static void
test_proof_against_the_books(void **state)
{
	static const int64_t balance = 500;
	struct rig *r = *state;
	char hex[2 * JZ_MESSAGE_MAX + 8];
	struct line lines[] = {
	    {"807A0000 00", hex, 0},
	    {NULL, "6985", 0},
	    {"807A0000 00", hex, 0},
	    {NULL, "9410", 0},
	};
	struct jz_cancel_result result;
	struct letter l, proof;
	struct jz_message m;
	struct fakecard c;
	struct script s;

	rig_card(r, &c, balance);
	m = fakecard_load_request(&c, (uint64_t)balance);
	l = fakecard_sign(&c, &m);
	m = fakecard_load_cancel(&c, &m);
	proof = fakecard_sign(&c, &m);
	l = rig_permit(r, &l);
	m = fakecard_load_report(&c, &l);
	l = letter_of(&m);
	assert_int_equal(rig_give_report(r, &l), 0);
	(void)in_hex(&proof, hex);
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(
	    jz_load_cancel(&s.session, r->issuer, &result), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_CONFLICT);
	assert_int_equal(
	    jz_load(&s.session, r->issuer, 1, TORN_TERMINAL), JZ_ERR_STATUS);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_NONE);
	assert_int_equal(rig_shadow(r, &c), balance);
	script_close(&s);
}

/* ---- a key that asks its holder ------------------------------------------ */

/* LOD-3: no, nobody, yes; and nothing is signed, let alone debited, before. */
static void
test_a_key_asks_first(void **state)
{
	static const struct {
		enum jz_virtual_key key; /* 0: nobody */
		int err;
		uint16_t sw;
	} ANSWERS[] = {
	    {JZ_VIRTUAL_KEY_CANCEL, JZ_ERR_STATUS, JZ_SW_DECLINED},
	    {0, JZ_ERR_STATUS, JZ_SW_DECLINED},
	    {JZ_VIRTUAL_KEY_OK, 0, JZ_SW_OK},
	};
	struct world w = {0};

	(void)state;
	world_new(&w);
	torn_new_key(&w.alice);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	jz_virtual_set_seconds(w.alice.card, 10);
	for (size_t k = 0; k < sizeof(ANSWERS) / sizeof(ANSWERS[0]); k++) {
		assert_int_equal(
		    world_load(&w, &w.alice, AMOUNT), JZ_ERR_STATUS);
		assert_int_equal(w.alice.session.sw, JZ_SW_CONFIRM);
		assert_int_equal(account(&w), TORN_DEPOSIT);
		assert_true(jz_virtual_run(w.alice.card));
		if (ANSWERS[k].key != 0)
			assert_int_equal(
			    jz_virtual_press(w.alice.card, ANSWERS[k].key), 0);
		else
			jz_virtual_set_seconds(w.alice.card, 100);
		assert_false(jz_virtual_run(w.alice.card));
		assert_int_equal(jz_virtual_sounds(w.alice.card), k + 1);
		assert_int_equal(
		    world_load(&w, &w.alice, AMOUNT), ANSWERS[k].err);
		if (ANSWERS[k].err != 0)
			assert_int_equal(w.alice.session.sw, ANSWERS[k].sw);
	}
	assert_int_equal(torn_balance(&w.alice), AMOUNT);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused_for_funds),
	    cmocka_unit_test(test_refused_after_the_permission),
	    cmocka_unit_test(test_a_key_asks_first),
	    cmocka_unit_test(test_refused_by_another_bank),
	    cmocka_unit_test(test_open_load_is_finished),
	    cmocka_unit_test(test_open_load_is_given_up),
	    cmocka_unit_test(test_permission_after_the_cancel),
	    cmocka_unit_test(test_request_after_the_cancel),
	    cmocka_unit_test(test_executed_load_is_not_given_up),
	    cmocka_unit_test(test_next_load_brings_the_proof),
	    cmocka_unit_test(test_refused_load_is_cut),
	    cmocka_unit_test(test_another_load_after_a_cut),
	    cmocka_unit_test(test_giving_up_is_cut),
	    cmocka_unit_test_setup_teardown(
		test_proof_against_the_books, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
