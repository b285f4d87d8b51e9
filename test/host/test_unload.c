/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unloads over real purses and a real issuer: cut off at whatever command, the
 * money is on the card or in the account, and resuming finishes it.
 *
 * proves: ALL-1 ALL-2 ALL-3 (unload)
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"

#define LOADED 90000u
#define AMOUNT 700u

static int64_t
account(struct world *w)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(w->issuer, "alice", &minor), 0);
	return minor;
}

static void
world_loaded(struct world *w)
{
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
	assert_int_equal(world_load(w, &w->alice, LOADED), 0);
}

static int
unload(struct world *w, uint64_t amount, struct jz_unload_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&w->alice.session, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_unload(&w->alice.session, w->issuer, amount, TORN_TERMINAL, r);
}

/* Card and account, wherever the one unload is. */
static void
assert_money(struct world *w, uint64_t on_card)
{
	assert_int_equal(torn_balance(&w->alice), on_card);
	assert_int_equal(account(w), TORN_DEPOSIT - (int64_t)on_card);
	assert_int_equal(world_books(w).cards, on_card);
}

static void
test_an_unload(void **state)
{
	struct jz_unload_result r;
	struct world w = {0};

	(void)state;
	world_loaded(&w);
	assert_int_equal(jz_unload_resume(&w.alice.session, w.issuer, &r), 0);
	assert_false(r.found);
	assert_int_equal(r.counter, 0);
	assert_int_equal(unload(&w, AMOUNT, &r), 0);
	assert_false(r.found);
	assert_int_equal(r.counter, 2);
	assert_int_equal(r.credited_minor, AMOUNT);
	assert_money(&w, LOADED - AMOUNT);
	assert_int_equal(unload(&w, LOADED - AMOUNT, &r), 0);
	assert_money(&w, 0);
	assert_int_equal(unload(&w, 1, &r), JZ_ERR_FUNDS);
	world_assert_settled(&w);
	world_free(&w);
}

/* Cut at command n, then resumed: the unload is done or was not begun. */
static bool
cut_at(struct world *w, unsigned n, bool carried_out, uint64_t *on_card)
{
	struct jz_unload_result r;
	bool cut;
	int err;

	torn_cut_at(&w->alice, n, carried_out);
	err = unload(w, AMOUNT, &r);
	cut = torn_was_cut(&w->alice);
	if (err != 0)
		assert_int_equal(jz_purse_select(&w->alice.session), 0);
	if (err == 0 || torn_balance(&w->alice) != *on_card) {
		*on_card -= AMOUNT;
		assert_int_equal(
		    jz_unload_resume(&w->alice.session, w->issuer, &r), 0);
	}
	assert_money(w, *on_card);
	return cut;
}

static void
test_cut_at_every_command(void **state)
{
	struct world w = {0};
	uint64_t on_card = LOADED;
	bool cut = true;
	unsigned n;

	(void)state;
	world_loaded(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = cut_at(&w, n, false, &on_card);
		cut = cut_at(&w, n, true, &on_card) || cut;
		world_assert_settled(&w);
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	assert_true(on_card < LOADED - 2 * AMOUNT);
	world_free(&w);
}

/* The card has debited, and nobody was told. */
static void
debit_alone(struct world *w)
{
	uint8_t ask[JZ_MESSAGE_MAX], may[JZ_MESSAGE_MAX], did[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(ask, sizeof(ask));
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	struct jz_buffer proof = jz_buffer(did, sizeof(did));
	struct jz_session *s = &w->alice.session;
	unsigned tries;

	assert_int_equal(jz_purse_verify_pin(s, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_purse_unload_request(s, AMOUNT, TORN_TERMINAL, &request), 0);
	assert_int_equal(jz_issuer_unload_permit(
			     w->issuer, jz_buffer_span(&request), &permission),
	    0);
	assert_int_equal(
	    jz_purse_debit_for_unload(s, jz_buffer_span(&permission), &proof),
	    0);
}

static void
test_left_after_the_debit(void **state)
{
	struct jz_unload_result r;
	struct world w = {0};

	(void)state;
	world_loaded(&w);
	debit_alone(&w);
	assert_int_equal(account(&w), TORN_DEPOSIT - LOADED);
	assert_int_equal(jz_unload_resume(&w.alice.session, w.issuer, &r), 0);
	assert_true(r.found);
	assert_int_equal(r.credited_minor, AMOUNT);
	assert_money(&w, LOADED - AMOUNT);
	/* The next unload finishes what was left, too. */
	debit_alone(&w);
	assert_int_equal(unload(&w, AMOUNT, &r), 0);
	assert_true(r.found);
	assert_int_equal(r.counter, 4);
	assert_money(&w, LOADED - 3 * AMOUNT);
	/* And so does settlement, which needs no unload. */
	debit_alone(&w);
	world_assert_settled(&w);
	assert_money(&w, LOADED - 4 * AMOUNT);
	assert_int_equal(jz_unload_resume(&w.alice.session, w.issuer, &r), 0);
	assert_false(r.found);
	world_free(&w);
}

/* Refused by the issuer: nothing has changed anywhere. */
static void
test_refused(void **state)
{
	struct jz_unload_result r;
	struct world w = {0};

	(void)state;
	world_loaded(&w);
	assert_int_equal(jz_issuer_block_account(w.issuer, "alice", true), 0);
	assert_int_equal(unload(&w, AMOUNT, &r), JZ_ERR_REFUSED);
	assert_int_equal(
	    jz_issuer_refusal(w.issuer), JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_money(&w, LOADED);
	assert_int_equal(jz_issuer_block_account(w.issuer, "alice", false), 0);
	assert_int_equal(unload(&w, AMOUNT, &r), 0);
	assert_money(&w, LOADED - AMOUNT);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_unload),
	    cmocka_unit_test(test_cut_at_every_command),
	    cmocka_unit_test(test_left_after_the_debit),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
