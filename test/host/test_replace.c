/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card replaced by another of the same account, cut off at whatever command
 * of either and done again: all of its money is on the new card, once.
 *
 * proves: ALL-1 ALL-2 (replacement of a card)
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"

#define LOADED 80000u
#define OWN    300u /* what the new card has already */

/* Alice's card and its successor, in the place of Bob's. */
static void
world_two_cards(struct world *w, uint64_t on_old, uint64_t on_new)
{
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "alice"), 0);
	if (on_old > 0)
		assert_int_equal(world_load(w, &w->alice, on_old), 0);
	if (on_new > 0)
		assert_int_equal(world_load(w, &w->bob, on_new), 0);
}

static int
replace_by(struct world *w, struct torn *old, struct torn *new,
    struct jz_replace_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&old->session, TORN_PIN, &tries);

	if (err == 0)
		err = jz_purse_verify_pin(&new->session, TORN_PIN, &tries);
	return err != 0 ? err
			: jz_replace(&old->session, &new->session, w->issuer,
			      TORN_TERMINAL, r);
}

static int
replace(struct world *w, struct jz_replace_result *r)
{
	return replace_by(w, &w->alice, &w->bob, r);
}

static void
assert_moved(
    struct world *w, struct torn *old, struct torn *new, uint64_t on_new)
{
	struct jz_purse_info info;
	int64_t account;
	bool revoked;

	assert_int_equal(torn_balance(old), 0);
	assert_int_equal(torn_balance(new), on_new);
	assert_int_equal(
	    jz_issuer_account_balance(w->issuer, "alice", &account), 0);
	assert_int_equal(account, TORN_DEPOSIT - (int64_t)on_new);
	assert_int_equal(world_books(w).cards, on_new);
	assert_int_equal(world_books(w).transit_load, 0);
	assert_int_equal(jz_purse_info(&old->session, &info), 0);
	assert_int_equal(jz_issuer_revoked(w->issuer, info.id, &revoked), 0);
	assert_true(revoked);
}

static void
test_a_replacement(void **state)
{
	struct jz_replace_result r;
	struct world w = {0};

	(void)state;
	world_two_cards(&w, LOADED, OWN);
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(replace(&w, &r), 0);
		assert_int_equal(r.moved_minor, LOADED);
		assert_moved(&w, &w.alice, &w.bob, LOADED + OWN);
	}
	world_free(&w);
}

static void
test_an_empty_card(void **state)
{
	struct jz_replace_result r;
	struct world w = {0};

	(void)state;
	world_two_cards(&w, 0, OWN);
	assert_int_equal(replace(&w, &r), 0);
	assert_int_equal(r.moved_minor, 0);
	assert_moved(&w, &w.alice, &w.bob, OWN);
	world_free(&w);
}

/*
 * Cut at command n of one of the cards, then done again; and the old card's
 * place is taken by a new one.
 */
static bool
cut_at(struct world *w, struct torn *old, struct torn *new,
    struct torn *cut_one, unsigned n, bool carried_out)
{
	struct jz_replace_result r;
	bool cut;

	torn_cut_at(cut_one, n, carried_out);
	(void)replace_by(w, old, new, &r);
	cut = torn_was_cut(cut_one);
	assert_true(world_books(w).balanced);
	assert_int_equal(replace_by(w, old, new, &r), 0);
	assert_int_equal(r.moved_minor, LOADED);
	assert_moved(w, old, new, LOADED);
	torn_new_card(old);
	assert_int_equal(world_personalise(w, old, "alice"), 0);
	return cut;
}

/* Bounded: every third command, the answer lost or the command in turn. */
static void
cut_everywhere(bool of_old)
{
	const char *mode = getenv("JIAOZI_TEAR");
	bool full = mode != NULL && strcmp(mode, "full") == 0;
	struct world w = {0};
	unsigned n = 1, k = 0;
	bool cut = true;

	world_two_cards(&w, LOADED, 0);
	for (; cut && n < TORN_CUTS_MAX; k++) {
		struct torn *old = k % 2 == 0 ? &w.alice : &w.bob;
		struct torn *new = k % 2 == 0 ? &w.bob : &w.alice;

		cut = cut_at(&w, old, new, of_old ? old : new, n, k % 2 == 0);
		n += full ? k % 2 : 3;
	}
	assert_true(k > 4 && n < TORN_CUTS_MAX);
	world_free(&w);
}

static void
test_cut_on_the_old_card(void **state)
{
	(void)state;
	cut_everywhere(true);
}

static void
test_cut_on_the_new_card(void **state)
{
	(void)state;
	cut_everywhere(false);
}

/* A load that was left open on the new card is another one. */
static void
test_a_load_open_on_the_new_card(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_replace_result r;
	struct jz_cancel_result c;
	struct world w = {0};
	unsigned tries;

	(void)state;
	world_two_cards(&w, LOADED, 0);
	assert_int_equal(
	    jz_purse_verify_pin(&w.bob.session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_purse_load_request(&w.bob.session, 77, TORN_TERMINAL, &b), 0);
	assert_int_equal(replace(&w, &r), JZ_ERR_STATUS);
	assert_int_equal(w.bob.session.sw, JZ_SW_CONDITIONS);
	assert_int_equal(jz_load_cancel(&w.bob.session, w.issuer, &c), 0);
	assert_int_equal(replace(&w, &r), 0);
	assert_moved(&w, &w.alice, &w.bob, LOADED);
	world_free(&w);
}

static void
test_what_is_no_successor(void **state)
{
	struct jz_replace_result r;
	struct world w = {0};
	struct torn third = {0};

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(replace(&w, &r), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(w.issuer), JZ_REFUSAL_WRONG_ACCOUNT);
	assert_int_equal(torn_balance(&w.alice), LOADED);
	/* The successor that it has is the only one. */
	torn_new_card(&w.bob);
	assert_int_equal(world_personalise(&w, &w.bob, "alice"), 0);
	assert_int_equal(replace(&w, &r), 0);
	torn_new_card(&third);
	assert_int_equal(world_personalise(&w, &third, "alice"), 0);
	assert_int_equal(replace_by(&w, &w.alice, &third, &r), JZ_ERR_REFUSED);
	assert_int_equal(
	    jz_issuer_refusal(w.issuer), JZ_REFUSAL_EXISTS_DIFFERENT);
	jz_reader_free(&third.reader);
	world_free(&w);
}

/* A payment that may still come to the old card is finished first. */
static void
test_a_payment_is_pending(void **state)
{
	struct jz_terms terms = {
	    .amount_minor = 500, .currency = TORN_CNY, .time = 1800000000};
	uint8_t one[JZ_MESSAGE_MAX], two[JZ_MESSAGE_MAX];
	struct jz_buffer a = jz_buffer(one, sizeof(one));
	struct jz_buffer b = jz_buffer(two, sizeof(two));
	struct jz_replace_result r;
	struct world w = {0};
	struct torn payer = {0};
	unsigned tries;

	(void)state;
	world_two_cards(&w, LOADED, 0);
	torn_new_card(&payer);
	assert_int_equal(world_personalise(&w, &payer, "bob"), 0);
	assert_int_equal(world_load(&w, &payer, 500), 0);
	assert_int_equal(jz_purse_request(&w.alice.session, &terms, &a), 0);
	assert_int_equal(
	    jz_purse_verify_pin(&payer.session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_purse_agree(&payer.session, jz_buffer_span(&a), &b), 0);
	a = jz_buffer(one, sizeof(one));
	assert_int_equal(
	    jz_purse_confirm(&w.alice.session, jz_buffer_span(&b), &a), 0);
	assert_int_equal(replace(&w, &r), JZ_ERR_STATE);
	b = jz_buffer(two, sizeof(two));
	assert_int_equal(
	    jz_purse_complete(&payer.session, jz_buffer_span(&a), &b), 0);
	a = jz_buffer(one, sizeof(one));
	assert_int_equal(
	    jz_purse_credit(&w.alice.session, jz_buffer_span(&b), &a), 0);
	assert_int_equal(replace(&w, &r), 0);
	assert_int_equal(r.moved_minor, LOADED + 500);
	assert_int_equal(torn_balance(&w.bob), LOADED + 500);
	jz_reader_free(&payer.reader);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_replacement),
	    cmocka_unit_test(test_an_empty_card),
	    cmocka_unit_test(test_cut_on_the_old_card),
	    cmocka_unit_test(test_cut_on_the_new_card),
	    cmocka_unit_test(test_a_load_open_on_the_new_card),
	    cmocka_unit_test(test_what_is_no_successor),
	    cmocka_unit_test(test_a_payment_is_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
