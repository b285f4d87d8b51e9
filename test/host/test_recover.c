/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment torn at any command, and then finished by jz_recover(), which is
 * torn itself; with the PIN of either card alone, or of both.  And what neither
 * card can finish, by the issuer.
 *
 * What must hold each time: no value is created (ALL-1), all of it is
 * accounted for (ALL-2), and afterwards neither card waits for anything.
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"

#define LOADED 100000
#define PRICE  2500

static const struct jz_terms TERMS = {.amount_minor = PRICE,
    .currency = TORN_CNY,
    .time = 1769903999,
    .reference = NULL};

enum pins { PAYER_PIN = 1, PAYEE_PIN = 2 };

struct seen {
	unsigned n[JZ_RECOVERY_SENT + 1];
};

static void
see(enum jz_recovery what, const struct jz_payment *p, void *arg)
{
	static const uint8_t none[JZ_DIGEST_BYTES];
	struct seen *s = arg;

	assert_memory_not_equal(p->request_digest, none, sizeof(none));
	s->n[what]++;
}

static void
new_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
	assert_int_equal(world_load(w, &w->alice, LOADED), 0);
}

static void
pin(struct torn *t)
{
	unsigned tries;

	assert_int_equal(jz_purse_select(&t->session), 0);
	assert_int_equal(jz_purse_verify_pin(&t->session, TORN_PIN, &tries), 0);
}

/* Both cards selected anew, and these PINs verified. */
static void
power_up(struct world *w, unsigned pins)
{
	assert_int_equal(jz_purse_select(&w->alice.session), 0);
	assert_int_equal(jz_purse_select(&w->bob.session), 0);
	if ((pins & PAYER_PIN) != 0)
		pin(&w->alice);
	if ((pins & PAYEE_PIN) != 0)
		pin(&w->bob);
}

static int
recover(struct world *w, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	return jz_recover(&w->alice.session, &w->bob.session, see, s);
}

/* Neither card waits for the other. */
static void
check_finished(struct world *w)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_payment p;

	power_up(w, PAYER_PIN | PAYEE_PIN);
	assert_int_equal(
	    jz_purse_pending(&w->bob.session, 0, &p), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_purse_agreed(&w->alice.session, &p), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_purse_unacknowledged(&w->alice.session, 0, &b),
	    JZ_ERR_NOT_FOUND);
}

/* The payment is torn at command n of t, the recovery at command m of u. */
static bool
cut_and_recover(struct world *w, struct torn *t, unsigned n, bool carried_out,
    struct torn *u, unsigned m, unsigned pins)
{
	uint64_t payer = torn_balance(&w->alice), payee = torn_balance(&w->bob);
	struct jz_pay_result r = {0};
	struct seen s;
	bool cut;

	power_up(w, PAYER_PIN);
	torn_cut_at(t, n, carried_out);
	(void)jz_pay(
	    &w->alice.session, &w->bob.session, &TERMS, &r, NULL, NULL);
	cut = torn_was_cut(t);
	power_up(w, pins);
	torn_cut_at(u, m, carried_out);
	(void)recover(w, &s);
	(void)torn_was_cut(u);
	power_up(w, pins);
	assert_int_equal(recover(w, &s), 0);
	power_up(w, pins);
	assert_int_equal(recover(w, &s), 0);
	check_finished(w);
	assert_int_equal(
	    torn_balance(&w->alice) + torn_balance(&w->bob), payer + payee);
	assert_true(torn_balance(&w->bob) == payee ||
	    torn_balance(&w->bob) == payee + PRICE);
	return cut;
}

static void
every_cut(unsigned pins)
{
	struct world w;
	bool cut = true;
	unsigned n;

	new_world(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = false;
		for (unsigned m = 1; m < 6; m++) {
			bool out = (m & 1) != 0;

			cut |= cut_and_recover(
			    &w, &w.alice, n, out, &w.bob, m, pins);
			cut |= cut_and_recover(
			    &w, &w.alice, n, !out, &w.alice, m, pins);
			cut |= cut_and_recover(
			    &w, &w.bob, n, out, &w.alice, m, pins);
			cut |= cut_and_recover(
			    &w, &w.bob, n, !out, &w.bob, m, pins);
		}
		world_assert_settled(&w);
	}
	assert_true(n > 3 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* proves: ALL-1, ALL-2, ALL-3 */
static void
test_with_both_pins(void **state)
{
	(void)state;
	every_cut(PAYER_PIN | PAYEE_PIN);
}

/* proves: ALL-2 */
static void
test_with_the_payers_pin_alone(void **state)
{
	(void)state;
	every_cut(PAYER_PIN);
}

/* One payment as far as the debit, message by message. */
static void
debit(struct world *w, uint8_t *completion, size_t cap, size_t *len)
{
	uint8_t x[JZ_MESSAGE_MAX], y[JZ_MESSAGE_MAX];
	struct jz_buffer a = jz_buffer(x, sizeof(x));
	struct jz_buffer b = jz_buffer(y, sizeof(y));
	struct jz_buffer c = jz_buffer(completion, cap);

	power_up(w, PAYER_PIN);
	assert_int_equal(jz_purse_request(&w->bob.session, &TERMS, &a), 0);
	assert_int_equal(
	    jz_purse_agree(&w->alice.session, jz_buffer_span(&a), &b), 0);
	a = jz_buffer(x, sizeof(x));
	assert_int_equal(
	    jz_purse_confirm(&w->bob.session, jz_buffer_span(&b), &a), 0);
	if (cap == 0)
		return;
	assert_int_equal(
	    jz_purse_complete(&w->alice.session, jz_buffer_span(&a), &c), 0);
	*len = c.len;
}

static void
test_what_is_told(void **state)
{
	uint8_t completion[JZ_MESSAGE_MAX];
	struct world w;
	struct seen s;
	size_t len;

	(void)state;
	new_world(&w);
	power_up(&w, 0);
	assert_int_equal(recover(&w, &s), JZ_ERR_STATUS);
	assert_int_equal(w.alice.session.sw, JZ_SW_SECURITY);
	debit(&w, completion, sizeof(completion), &len);
	power_up(&w, PAYEE_PIN);
	assert_int_equal(recover(&w, &s), 0);
	assert_int_equal(s.n[JZ_RECOVERY_CREDITED], 1);
	debit(&w, completion, sizeof(completion), &len);
	power_up(&w, PAYER_PIN);
	assert_int_equal(recover(&w, &s), 0);
	assert_int_equal(s.n[JZ_RECOVERY_ACKNOWLEDGED], 1);
	debit(&w, NULL, 0, NULL);
	power_up(&w, PAYEE_PIN);
	assert_int_equal(recover(&w, &s), 0);
	assert_int_equal(s.n[JZ_RECOVERY_DROPPED], 1);
	check_finished(&w);
	assert_int_equal(torn_balance(&w.bob), 2 * PRICE);
	world_free(&w);
}

/* Given up with a claim; the payer's card cannot deliver it any more. */
static void
test_a_payment_given_up_is_the_issuers(void **state)
{
	uint8_t completion[JZ_MESSAGE_MAX], bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_settle_result r;
	struct jz_payment p;
	struct world w;
	struct seen s;
	size_t len;
	int64_t before, after;

	(void)state;
	new_world(&w);
	debit(&w, completion, sizeof(completion), &len);
	pin(&w.bob);
	assert_int_equal(jz_purse_pending(&w.bob.session, 0, &p), 0);
	assert_int_equal(jz_purse_abandon(&w.bob.session, p.request_digest,
			     JZ_OUTCOME_CLAIM, &b),
	    0);
	power_up(&w, PAYER_PIN | PAYEE_PIN);
	assert_int_equal(recover(&w, &s), 0);
	assert_int_equal(s.n[JZ_RECOVERY_GIVEN_UP], 1);
	assert_int_equal(
	    jz_issuer_account_balance(w.issuer, "bob", &before), 0);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &r), 0);
	assert_int_equal(jz_issuer_account_balance(w.issuer, "bob", &after), 0);
	assert_int_equal(after - before, PRICE);
	world_assert_settled(&w);
	world_free(&w);
}

/* proves: OFP-10 (the issuer relays what the terminals have lost) */
static void
test_the_issuer_relays_a_lost_completion(void **state)
{
	uint8_t completion[JZ_MESSAGE_MAX];
	struct jz_settle_result r;
	struct world w;
	size_t len;

	(void)state;
	new_world(&w);
	debit(&w, completion, sizeof(completion), &len);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(r.relayed, 0);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &r), 0);
	assert_int_equal(r.relayed, 1);
	assert_int_equal(torn_balance(&w.bob), PRICE);
	world_assert_settled(&w);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &r), 0);
	assert_int_equal(r.relayed, 0);
	world_free(&w);
}

/* ---- one card, and the other's messages --------------------------------- */

#define BOX_MAX 16

struct box {
	struct {
		uint8_t bytes[JZ_MESSAGE_MAX];
		size_t len;
	} m[BOX_MAX];
	unsigned n;
};

static int
box_get(void *arg, unsigned n, struct jz_buffer *out)
{
	const struct box *b = arg;

	if (n >= b->n)
		return JZ_ERR_NOT_FOUND;
	jz_put(out, b->m[n].bytes, b->m[n].len);
	return 0;
}

static int
box_put(void *arg, struct jz_span message)
{
	struct box *b = arg;

	for (unsigned k = 0; k < b->n; k++) {
		if (jz_span_equal(message, jz_span(b->m[k].bytes, b->m[k].len)))
			return JZ_ERR_EXISTS;
	}
	assert_true(b->n < BOX_MAX && message.len <= JZ_MESSAGE_MAX);
	memcpy(b->m[b->n].bytes, message.data, message.len);
	b->m[b->n++].len = message.len;
	return 0;
}

static void
payee_alone(struct world *w, struct box *b, struct seen *s)
{
	const struct jz_mailbox box = {box_get, box_put, b};

	memset(s, 0, sizeof(*s));
	power_up(w, PAYEE_PIN);
	assert_int_equal(jz_recover_payee(&w->bob.session, &box, see, s), 0);
}

/* Without its PIN: by what is asked alone. */
static void
payer_alone(struct world *w, struct box *b, struct seen *s)
{
	const struct jz_mailbox box = {box_get, box_put, b};

	memset(s, 0, sizeof(*s));
	power_up(w, 0);
	assert_int_equal(jz_recover_payer(&w->alice.session, &box, see, s), 0);
}

/* proves: ALL-2 (a payer far away answers what it is asked) */
static void
test_what_is_asked_is_answered(void **state)
{
	uint8_t completion[JZ_MESSAGE_MAX];
	struct box b = {.n = 0};
	struct jz_mailbox nothing = {box_get, box_put, &b};
	struct world w;
	struct seen s;
	size_t len;

	(void)state;
	new_world(&w);
	power_up(&w, 0);
	assert_int_equal(jz_recover_payer(&w.alice.session, &nothing, see, &s),
	    JZ_ERR_STATUS);
	debit(&w, completion, sizeof(completion), &len);
	payee_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_ASKED], 1);
	payer_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_SENT], 1);
	payee_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_CREDITED], 1);
	payer_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_ACKNOWLEDGED], 1);
	check_finished(&w);
	assert_int_equal(torn_balance(&w.bob), PRICE);
	/* Once more, all of it: nothing moves, nothing is told. */
	payee_alone(&w, &b, &s);
	payer_alone(&w, &b, &s);
	assert_int_equal(torn_balance(&w.bob), PRICE);
	/* One that was agreed to and not paid. */
	debit(&w, NULL, 0, NULL);
	payee_alone(&w, &b, &s);
	payer_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_DROPPED], 1);
	payee_alone(&w, &b, &s);
	assert_int_equal(s.n[JZ_RECOVERY_DROPPED], 1);
	check_finished(&w);
	assert_int_equal(torn_balance(&w.bob), PRICE);
	world_assert_settled(&w);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_with_both_pins),
	    cmocka_unit_test(test_with_the_payers_pin_alone),
	    cmocka_unit_test(test_what_is_told),
	    cmocka_unit_test(test_a_payment_given_up_is_the_issuers),
	    cmocka_unit_test(test_the_issuer_relays_a_lost_completion),
	    cmocka_unit_test(test_what_is_asked_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
