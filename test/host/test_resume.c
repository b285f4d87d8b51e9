/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LOD-6, LOD-7, LOD-8, LOD-12: a load over a network that loses any one question
 * or answer, with a card that loses its power at any command, is finished by
 * jz_bank_resume() or given up by it; account, card and transit sum up all
 * along, and both logs tell the same story.
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/bank.h"

#define AMOUNT	  100u
#define CALLS_MAX 8u /* more than a load or a resumption asks */

/* A bank behind a network that loses its n-th question, or the answer to it. */
struct lossy {
	struct jz_bank bank;
	struct jz_bank *real;
	unsigned count, lose; /* from 1; 0: none */
	bool arrives;	      /* the question does, the answer does not */
	bool lost;
};

static struct lossy *
of(struct jz_bank *b)
{
	return (struct lossy *)b;
}

/* Whether this question is asked at all. */
static bool
goes(struct lossy *l)
{
	l->count++;
	if (l->count != l->lose)
		return true;
	l->lost = true;
	return l->arrives;
}

static int
comes(struct lossy *l, int err)
{
	l->bank.refusal = l->real->refusal;
	return l->lost && l->count == l->lose ? JZ_ERR_NETWORK : err;
}

#define ASK(b, call) (goes(of(b)) ? comes(of(b), (call)) : JZ_ERR_NETWORK)

static int
known(struct jz_bank *b, struct jz_known *out)
{
	return ASK(b, of(b)->real->ops->known(of(b)->real, out));
}

static int
permit(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->permit(of(b)->real, in, out));
}

static int
report(struct jz_bank *b, struct jz_span in)
{
	return ASK(b, of(b)->real->ops->report(of(b)->real, in));
}

static int
cancel(struct jz_bank *b, struct jz_span in, struct jz_cancel_result *r)
{
	return ASK(b, of(b)->real->ops->cancel(of(b)->real, in, r));
}

static int
find(struct jz_bank *b, struct jz_span in, uint32_t counter,
    struct jz_load_story *story, struct jz_buffer *out)
{
	return ASK(
	    b, of(b)->real->ops->find(of(b)->real, in, counter, story, out));
}

static int
unload_permit(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->unload_permit(of(b)->real, in, out));
}

static int
unload(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->unload(of(b)->real, in, out));
}

static int
challenge(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->challenge(of(b)->real, in, out));
}

static int
sign_in(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->sign_in(of(b)->real, in, out));
}

static int
list(struct jz_bank *b, struct jz_buffer *out)
{
	return ASK(b, of(b)->real->ops->list(of(b)->real, out));
}

static const struct jz_bank_ops LOSSY = {
    .known = known,
    .permit = permit,
    .report = report,
    .cancel = cancel,
    .find = find,
    .unload_permit = unload_permit,
    .unload = unload,
    .challenge = challenge,
    .sign_in = sign_in,
    .list = list,
};

static void
lossy_new(struct lossy *l, struct world *w)
{
	memset(l, 0, sizeof(*l));
	l->bank.ops = &LOSSY;
	assert_int_equal(jz_bank_of_issuer(w->issuer, &l->real), 0);
}

static void
lose(struct lossy *l, unsigned n, bool arrives)
{
	l->count = 0;
	l->lose = n;
	l->arrives = arrives;
	l->lost = false;
}

/* ---- what must hold ------------------------------------------------------ */

/* A card whose loads are enciphered, where the test says so. */
static void
world_of(struct world *w, void **state)
{
	const bool *sealed = *state;

	world_new(w);
	w->alice.sealed = sealed != NULL && *sealed;
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
}

struct before {
	int64_t account;
	uint64_t card;
};

static int64_t
account(struct world *w)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(w->issuer, "alice", &minor), 0);
	return minor;
}

static struct before
before(struct world *w)
{
	return (struct before){account(w), torn_balance(&w->alice)};
}

/* Account, card and transit: the transit is what the card has not, yet. */
static void
assert_sum(struct world *w, const struct before *b)
{
	int64_t card = (int64_t)torn_balance(&w->alice);
	int64_t transit = world_books(w).transit_load;

	assert_true(account(w) + card == b->account + (int64_t)b->card ||
	    account(w) + card + transit == b->account + (int64_t)b->card);
}

/* Executed once or cancelled once, and known to be so on both sides. */
static void
assert_settled(struct world *w, const struct before *b)
{
	struct jz_load_story story;
	struct jz_purse_info p;
	int64_t moved = b->account - account(w);

	assert_int_equal(jz_purse_info(&w->alice.session, &p), 0);
	assert_int_equal(world_books(w).transit_load, 0);
	assert_true(moved == 0 || moved == AMOUNT);
	assert_int_equal((int64_t)(p.balance_minor - b->card), moved);
	assert_int_equal(
	    jz_issuer_load_story(w->issuer, p.id, p.online_counter, &story), 0);
	if (moved != 0)
		assert_int_equal(story.state, JZ_LOAD_REPORTED);
	else
		assert_true(story.state != JZ_LOAD_PERMITTED);
}

static int
attempt(struct world *w, struct jz_bank *bank)
{
	struct jz_session *s = &w->alice.session;
	unsigned tries;
	int err = jz_purse_verify_pin(s, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_bank_load(s, bank, AMOUNT, TORN_TERMINAL, NULL, NULL);
}

/* Until it says that there is nothing more to do. */
static enum jz_resumption
resume(struct world *w, struct jz_bank *bank)
{
	struct jz_session *s = &w->alice.session;
	struct jz_resume_result first, r;

	assert_int_equal(jz_purse_select(s), 0);
	assert_int_equal(jz_bank_resume(s, bank, &first), 0);
	assert_int_equal(jz_bank_resume(s, bank, &r), 0);
	assert_int_equal(r.what, JZ_RESUME_NOTHING);
	return first.what;
}

/* ---- the tests ----------------------------------------------------------- */

/* Every question of a load is lost once, and every answer. */
static void
test_network_lost(void **state)
{
	unsigned met[JZ_RESUME_RETURNED + 1] = {0};
	struct world w = {0};
	struct lossy l;

	world_of(&w, state);
	lossy_new(&l, &w);
	for (unsigned n = 1; n < 2 * CALLS_MAX; n++) {
		struct before b;
		int err;

		/* From a card that has nothing to bring. */
		assert_int_equal(attempt(&w, l.real), 0);
		b = before(&w);
		lose(&l, n / 2 + 1, n % 2 == 1);
		err = attempt(&w, &l.bank);
		if (!l.lost) {
			assert_int_equal(err, 0);
			break;
		}
		assert_sum(&w, &b);
		lose(&l, 0, false);
		met[resume(&w, &l.bank)]++;
		assert_settled(&w, &b);
	}
	assert_false(l.lost);
	assert_true(met[JZ_RESUME_FINISHED] > 0);
	assert_true(met[JZ_RESUME_REPORTED] > 0);
	assert_true(met[JZ_RESUME_CANCELLED] > 0);
	jz_bank_free(&l.real);
	world_free(&w);
}

/* An unload likewise: it was not begun, or is done by the resumption. */
static void
test_network_lost_unload(void **state)
{
	struct jz_unload_result r;
	struct world w = {0};
	unsigned found = 0, tries;
	struct lossy l;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_load(&w, &w.alice, 100 * AMOUNT), 0);
	lossy_new(&l, &w);
	for (unsigned n = 1; n < 2 * CALLS_MAX; n++) {
		struct jz_session *s = &w.alice.session;
		struct before b = before(&w);
		int64_t moved;
		int err;

		assert_int_equal(jz_purse_verify_pin(s, TORN_PIN, &tries), 0);
		lose(&l, n / 2 + 1, n % 2 == 1);
		err = jz_bank_unload(s, &l.bank, AMOUNT, TORN_TERMINAL, &r);
		assert_int_equal(err, l.lost ? JZ_ERR_NETWORK : 0);
		lose(&l, 0, false);
		assert_int_equal(jz_bank_unload_resume(s, &l.bank, &r), 0);
		moved = account(&w) - b.account;
		found += r.found;
		assert_true(moved == AMOUNT || (moved == 0 && !r.found));
		assert_int_equal(
		    (int64_t)torn_balance(&w.alice), (int64_t)b.card - moved);
		assert_int_equal(jz_bank_unload_resume(s, &l.bank, &r), 0);
		assert_false(r.found);
		if (err == 0)
			break;
	}
	assert_int_equal(found, 2);
	jz_bank_free(&l.real);
	world_free(&w);
}

/* The card loses its power at every command, before it and after it. */
static void
test_card_torn(void **state)
{
	struct world w = {0};
	struct jz_bank *bank = NULL;

	world_of(&w, state);
	assert_int_equal(jz_bank_of_issuer(w.issuer, &bank), 0);
	for (unsigned n = 2; n < 2 * TORN_CUTS_MAX; n++) {
		struct before b = before(&w);
		int err;

		torn_cut_at(&w.alice, n / 2, n % 2 == 1);
		err = attempt(&w, bank);
		if (!torn_was_cut(&w.alice)) {
			assert_int_equal(err, 0);
			break;
		}
		assert_sum(&w, &b);
		(void)resume(&w, bank);
		assert_settled(&w, &b);
	}
	jz_bank_free(&bank);
	world_free(&w);
}

/* A resumption that is cut off is itself resumed. */
static void
test_resumption_lost(void **state)
{
	struct jz_resume_result r;
	struct world w = {0};
	struct lossy l;

	world_of(&w, state);
	lossy_new(&l, &w);
	for (unsigned first = 2; first < 4; first++)
		for (unsigned n = 1; n < 2 * CALLS_MAX; n++) {
			struct before b = before(&w);

			lose(&l, first, true);
			(void)attempt(&w, &l.bank);
			lose(&l, n / 2 + 1, n % 2 == 1);
			(void)jz_bank_resume(&w.alice.session, &l.bank, &r);
			assert_sum(&w, &b);
			lose(&l, 0, false);
			(void)resume(&w, &l.bank);
			assert_settled(&w, &b);
		}
	jz_bank_free(&l.real);
	world_free(&w);
}

/* Given up on the card, and the proof lost: the money comes back by it. */
static void
test_proof_brought(void **state)
{
	struct jz_cancel_result c;
	struct world w = {0};
	struct before b;
	struct lossy l;

	world_of(&w, state);
	lossy_new(&l, &w);
	b = before(&w);
	lose(&l, 2, true); /* the permission */
	assert_int_equal(attempt(&w, &l.bank), JZ_ERR_NETWORK);
	assert_int_equal(world_books(&w).transit_load, AMOUNT);
	lose(&l, 1, false);
	assert_int_equal(
	    jz_bank_load_cancel(&w.alice.session, &l.bank, &c), JZ_ERR_NETWORK);
	assert_int_equal(world_books(&w).transit_load, AMOUNT);
	lose(&l, 0, false);
	assert_int_equal(resume(&w, &l.bank), JZ_RESUME_RETURNED);
	assert_settled(&w, &b);
	assert_int_equal(account(&w), b.account);
	jz_bank_free(&l.real);
	world_free(&w);
}

/* ---- messages that come again -------------------------------------------- */

#define KEPT 64

enum { KEPT_PERMIT, KEPT_REPORT, KEPT_CANCEL };

/* Everything that was ever sent, by whom it was for. */
static struct {
	int kind;
	size_t len;
	uint8_t bytes[JZ_MESSAGE_MAX];
} kept[KEPT];
static unsigned kept_n;

static void
keep(int kind, struct jz_span m)
{
	assert_true(kept_n < KEPT);
	kept[kept_n].kind = kind;
	kept[kept_n].len = m.len;
	memcpy(kept[kept_n++].bytes, m.data, m.len);
}

/* The first, again: the same permission. */
static int
permit_twice(struct jz_bank *b, struct jz_span in, struct jz_buffer *out)
{
	uint8_t again[JZ_MESSAGE_MAX];
	struct jz_buffer x = jz_buffer(again, sizeof(again));
	int err = permit(b, in, out);

	keep(KEPT_PERMIT, in);
	if (err != 0)
		return err;
	assert_int_equal(permit(b, in, &x), 0);
	assert_int_equal(x.len, out->len);
	assert_memory_equal(again, out->data, x.len);
	return 0;
}

static int
report_twice(struct jz_bank *b, struct jz_span in)
{
	int err = report(b, in);

	keep(KEPT_REPORT, in);
	assert_int_equal(report(b, in), err);
	return err;
}

static int
cancel_twice(struct jz_bank *b, struct jz_span in, struct jz_cancel_result *r)
{
	int err = cancel(b, in, r);
	struct jz_cancel_result again;

	keep(KEPT_CANCEL, in);
	assert_int_equal(cancel(b, in, &again), err);
	assert_true(err != 0 || again.again);
	return err;
}

/* All of it once more, the newest first; nothing moves. */
static void
replay(struct world *w, struct jz_bank *b)
{
	struct jz_books old = world_books(w), now;
	struct jz_cancel_result r;

	for (unsigned n = kept_n; n-- > 0;) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
		struct jz_span m = jz_span(kept[n].bytes, kept[n].len);

		if (kept[n].kind == KEPT_PERMIT)
			(void)permit(b, m, &out);
		else if (kept[n].kind == KEPT_REPORT)
			(void)report(b, m);
		else
			(void)cancel(b, m, &r);
	}
	now = world_books(w);
	assert_memory_equal(&now, &old, sizeof(now));
}

/* LOD-7: whatever the network repeats, and whenever, happens once. */
static void
test_messages_repeated(void **state)
{
	struct jz_bank_ops ops = LOSSY;
	struct jz_cancel_result r;
	struct world w = {0};
	struct lossy l;

	ops.permit = permit_twice;
	ops.report = report_twice;
	ops.cancel = cancel_twice;
	kept_n = 0;
	world_of(&w, state);
	lossy_new(&l, &w);
	l.bank.ops = &ops;
	for (unsigned n = 0; n < 6; n++) {
		struct before b = before(&w);

		if (n % 3 == 2) {
			/* The permission is lost, the load given up. */
			lose(&l, 2, true);
			(void)attempt(&w, &l.bank);
			lose(&l, 0, false);
			assert_int_equal(
			    jz_bank_load_cancel(&w.alice.session, &l.bank, &r),
			    0);
		} else
			assert_int_equal(attempt(&w, &l.bank), 0);
		assert_settled(&w, &b);
		replay(&w, &l.bank);
	}
	jz_bank_free(&l.real);
	world_free(&w);
}

/* Both profiles: LOD-8 for the second. */
#define CLEAR(f)                                                               \
	{                                                                      \
		"clear: " #f, f, NULL, NULL, NULL                              \
	}
#define SEALED(f)                                                              \
	{                                                                      \
		"sealed: " #f, f, NULL, NULL, &sealed                          \
	}

int
main(void)
{
	static bool sealed = true;
	const struct CMUnitTest tests[] = {
	    CLEAR(test_network_lost),
	    SEALED(test_network_lost),
	    cmocka_unit_test(test_network_lost_unload),
	    CLEAR(test_card_torn),
	    SEALED(test_card_torn),
	    CLEAR(test_resumption_lost),
	    SEALED(test_resumption_lost),
	    CLEAR(test_proof_brought),
	    SEALED(test_proof_brought),
	    CLEAR(test_messages_repeated),
	    SEALED(test_messages_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
