/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole transactions over real purses and a real issuer, with the card torn
 * from its power at every command, before it is carried out and after.
 *
 * What must hold each time: no value is created (ALL-1), all of it is
 * accounted for (ALL-2), and doing the same again finishes the work.
 */
#include "../../host/bank.h"
#include "../support/suite.h"
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LOADED 10000

static const struct jz_terms TERMS = {.amount_minor = 2500,
    .currency = TORN_CNY,
    .time = 1769903999,
    .reference = "noodles"};

static int
pay(struct world *w, struct jz_pay_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&w->alice.session, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_pay(&w->alice.session, &w->bob.session, &TERMS, r, NULL, NULL);
}

/* OFP-1 to OFP-6, OFP-10, LOD-4 to LOD-7. */
static void
test_nothing_goes_wrong(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};
	uint8_t suite;

	(void)state;
	world_new(&w);
	/* NAME-gm would else tell the same story again. */
	assert_int_equal(jz_purse_suite(&w.alice.session, &suite), 0);
	assert_int_equal(suite, test_suite());
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), JZ_ERR_STATE);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(pay(&w, &r), 0);
	assert_int_equal(torn_balance(&w.alice), LOADED - 2500);
	assert_int_equal(torn_balance(&w.bob), 2500);
	assert_int_equal(world_books(&w).cards, LOADED);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s), 0);
	assert_int_equal(s.records, 2);
	assert_int_equal(world_books(&w).transit_payment, 2500);
	world_assert_settled(&w);
	world_free(&w);
}

/* E0 12 { C0 04 id kvn 88 10 ... }: one set of three keys, of this version. */
static void
assert_one_set(struct jz_span keys, uint8_t kvn)
{
	assert_int_equal(keys.len, 20);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(keys.data[2 + 6 * i + 3], kvn);
}

/* The issuer's keys alone open the card, and it is SECURED. */
static void
assert_issued(struct world *w, struct torn *t)
{
	uint8_t bytes[64], state;
	struct jz_buffer keys = jz_buffer(bytes, sizeof(bytes));
	struct jz_scp03_keys k;
	struct jz_gp g;

	jz_gp_init(&g, &t->session, jz_issuer_engine(w->issuer));
	assert_int_equal(jz_gp_select(&g, NULL), 0);
	assert_int_equal(jz_gp_get_data(&g, JZ_GP_TAG_KEYS, &keys), 0);
	assert_one_set(jz_buffer_span(&keys), JZ_ISSUER_KVN);
	assert_int_equal(jz_gp_begin(&g, JZ_GP_KVN_ANY), 0);
	assert_int_equal(
	    jz_issuer_card_keys(w->issuer, g.kdd, JZ_ISSUER_KVN, &k), 0);
	assert_int_equal(jz_gp_authenticate(&g, &k, JZ_GP_LEVEL_ALL), 0);
	assert_int_equal(jz_gp_card_state(&g, &state), 0);
	assert_int_equal(state, JZ_GP_SECURED);
	jz_gp_close(&g);
	assert_int_equal(jz_purse_select(&t->session), 0);
}

/* Torn at command n, and once more in the second try; then it is finished. */
static void
personalise_cut_at(struct world *w, unsigned n, bool carried_out, bool *cut)
{
	struct torn *t = &w->alice;
	int err;

	torn_new_card(t);
	torn_cut_at(t, n, carried_out);
	err = world_personalise(w, t, "alice");
	*cut = torn_was_cut(t);
	assert_int_equal(err != 0, *cut);
	torn_cut_at(t, n, !carried_out);
	err = world_personalise(w, t, "alice");
	/* Done after all: the answer to the last command was lost. */
	if (torn_was_cut(t) || !*cut)
		assert_int_not_equal(err, 0);
	else
		assert_true(err == 0 || err == JZ_ERR_STATE);
	err = world_personalise(w, t, "alice");
	assert_true(err == 0 || err == JZ_ERR_STATE);
	assert_issued(w, t);
}

static void
test_personalisation_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		personalise_cut_at(&w, n, false, &cut);
		personalise_cut_at(&w, n, true, &cut);
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	}
	/* SELECT to SELECT: sixteen commands at least. */
	assert_true(n > 16 && n < TORN_CUTS_MAX);
	world_books(&w);
	world_free(&w);
}

/* Money is on the card once or not at all; the same again puts it there. */
static void
load_cut_at(struct world *w, unsigned n, bool carried_out, bool *cut)
{
	uint64_t before = torn_balance(&w->alice), after;
	int err;

	torn_cut_at(&w->alice, n, carried_out);
	err = world_load(w, &w->alice, LOADED);
	*cut = torn_was_cut(&w->alice);
	after = torn_balance(&w->alice);
	world_books(w);
	if (err != 0) {
		assert_int_equal(after, before);
		assert_int_equal(world_load(w, &w->alice, LOADED), 0);
	}
	assert_int_equal(torn_balance(&w->alice), before + LOADED);
	assert_int_equal(world_books(w).transit_load, 0);
}

static void
test_load_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		load_cut_at(&w, n, false, &cut);
		load_cut_at(&w, n, true, &cut);
	}
	assert_true(n > 3 && n < TORN_CUTS_MAX);
	world_assert_settled(&w);
	world_free(&w);
}

/* Torn on one card at one command: paid, or not; never half. */
static bool
pay_cut_at(struct world *w, struct torn *t, unsigned n, bool carried_out)
{
	uint64_t payer = torn_balance(&w->alice), payee = torn_balance(&w->bob);
	struct jz_pay_result r = {0};
	bool cut, paid;
	int err;

	torn_cut_at(t, n, carried_out);
	err = pay(w, &r);
	cut = torn_was_cut(t);
	paid = torn_balance(&w->alice) != payer;
	assert_int_equal(
	    torn_balance(&w->alice) + torn_balance(&w->bob), payer + payee);
	assert_int_equal(torn_balance(&w->bob), payee + (paid ? 2500 : 0));
	if (err == 0 || r.step == JZ_STEP_ACKNOWLEDGE)
		assert_true(paid);
	if (!paid) {
		assert_int_equal(pay(w, &r), 0);
		assert_int_equal(torn_balance(&w->bob), payee + 2500);
	}
	return cut;
}

static void
test_payment_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = pay_cut_at(&w, &w.alice, n, false);
		cut = pay_cut_at(&w, &w.alice, n, true) || cut;
		cut = pay_cut_at(&w, &w.bob, n, false) || cut;
		cut = pay_cut_at(&w, &w.bob, n, true) || cut;
		world_assert_settled(&w);
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* Each record is posted once, whenever the card was torn off. */
static void
test_settlement_is_cut(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		assert_int_equal(pay(&w, &r), 0);
		torn_cut_at(&w.alice, n, (n & 1) != 0);
		assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s) != 0,
		    torn_was_cut(&w.alice));
		torn_cut_at(&w.bob, n, (n & 1) == 0);
		(void)jz_settle(&w.bob.session, w.issuer, &s);
		cut = torn_was_cut(&w.bob);
		world_books(&w);
		world_assert_settled(&w);
	}
	assert_true(n > 5 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* A card learns of a revoked one when it loads, another when it settles. */
static void
test_a_revoked_card(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_settle_result s;
	struct jz_purse_info bob;
	struct jz_pay_result r;
	struct world w = {0};

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s), 0);
	assert_int_equal(s.list_version, 0);
	assert_int_equal(jz_purse_list(&w.alice.session, &b), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_purse_info(&w.bob.session, &bob), 0);
	assert_int_equal(jz_issuer_revoke(w.issuer, bob.id, "lost"), 0);
	assert_int_equal(pay(&w, &r), 0);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &s), 0);
	assert_true(s.revoked && s.list_version == 1 && s.records == 1);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &s), 0);
	assert_true(s.revoked && s.list_version == 0);
	assert_int_equal(world_load(&w, &w.bob, LOADED), JZ_ERR_REFUSED);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(jz_purse_list(&w.alice.session, &b), 0);
	assert_int_equal(pay(&w, &r), JZ_ERR_CERT_REVOKED);
	world_assert_settled(&w);
	world_free(&w);
}

/* Sign-in does not name the suite: the issuer cannot know, its guest can. */
static void
test_settlement_at_an_issuer_of_the_other_suite(void **state)
{
	struct jz_issuer *other = NULL;
	struct jz_bank *bank = NULL;
	struct jz_settle_result s;
	struct world w = {0};
	char dir[80];

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	snprintf(dir, sizeof(dir), "%s-other", w.dir);
	assert_int_equal(jz_issuer_create_suite(dir, torn_passphrase(),
			     TORN_CNY, test_other_suite()),
	    0);
	assert_int_equal(jz_issuer_open(dir, torn_passphrase(), &other), 0);
	assert_int_equal(jz_bank_of_issuer(other, &bank), 0);
	assert_int_equal(
	    jz_bank_settle(&w.alice.session, bank, &s), JZ_ERR_REFUSED);
	assert_int_equal(jz_bank_refusal(bank), JZ_REFUSAL_SUITE);
	jz_bank_free(&bank);
	/* Its own issuer knows it still; a stranger of its suite does not. */
	assert_int_equal(jz_bank_of_issuer(w.issuer, &bank), 0);
	assert_int_equal(jz_bank_settle(&w.alice.session, bank, &s), 0);
	jz_bank_free(&bank);
	jz_issuer_free(&other);
	world_remove(dir);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_goes_wrong),
	    cmocka_unit_test(test_personalisation_is_cut),
	    cmocka_unit_test(test_load_is_cut),
	    cmocka_unit_test(test_payment_is_cut),
	    cmocka_unit_test(test_settlement_is_cut),
	    cmocka_unit_test(test_a_revoked_card),
	    cmocka_unit_test(test_settlement_at_an_issuer_of_the_other_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
