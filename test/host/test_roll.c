/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer rolls its keys while cards are out and money is on its way: cards
 * of the old CA pay cards of the new, are loaded by its host, and settle what
 * they did before.
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"

#define LOADED 10000
#define PAID   2500

static const struct jz_terms TERMS = {.amount_minor = PAID,
    .currency = TORN_CNY,
    .time = 1769903999,
    .reference = "noodles"};

/* The bank's handle after a roll; *before goes on with the keys of before. */
static void
roll(struct world *w, bool ca, struct jz_issuer **before)
{
	unsigned version = 0;

	assert_int_equal(
	    jz_issuer_roll_chain(w->dir, torn_passphrase(), ca, &version), 0);
	assert_true(version > 1);
	if (before != NULL)
		*before = w->issuer;
	else
		jz_issuer_free(&w->issuer);
	assert_int_equal(
	    jz_issuer_open(w->dir, torn_passphrase(), &w->issuer), 0);
}

static int
pay(struct torn *payer, struct torn *payee, struct jz_pay_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&payer->session, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_pay(&payer->session, &payee->session, &TERMS, r, NULL, NULL);
}

/* Both CAs, old and new, as a terminal has them. */
struct shelf {
	uint8_t bytes[2][JZ_CERTIFICATE_MAX];
	struct jz_known known;
};

static void
put_ca(struct shelf *s, const struct jz_issuer *issuer)
{
	struct jz_span ca = jz_issuer_ca(issuer);
	size_t n = s->known.n++;

	memcpy(s->bytes[n], ca.data, ca.len);
	s->known.certificate[n] = jz_span(s->bytes[n], ca.len);
}

/* Alice's card is of the first CA and has money; Bob's is of the second. */
static void
begin(struct world *w, struct shelf *s)
{
	memset(s, 0, sizeof(*s));
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_load(w, &w->alice, LOADED), 0);
	put_ca(s, w->issuer);
	roll(w, true, NULL);
	put_ca(s, w->issuer);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
}

/* What is of no use to the card is passed over. */
static void
many_certificates(struct world *w, const struct shelf *s)
{
	struct jz_known many = {0};
	struct jz_pay_result r;

	many.certificate[many.n++] = jz_issuer_root(w->issuer);
	many.certificate[many.n++] = jz_span("nonsense", 8);
	many.certificate[many.n++] = jz_issuer_host(w->issuer);
	many.certificate[many.n++] = s->known.certificate[0];
	many.certificate[many.n++] = s->known.certificate[1];
	assert_int_equal(jz_purse_select(&w->alice.session), 0);
	assert_int_equal(jz_purse_select(&w->bob.session), 0);
	w->alice.session.known = w->bob.session.known = many;
	assert_int_equal(pay(&w->alice, &w->bob, &r), 0);
}

static void
settle_both(struct world *w)
{
	struct jz_settle_result r;

	assert_int_equal(jz_purse_select(&w->alice.session), 0);
	assert_int_equal(jz_purse_select(&w->bob.session), 0);
	assert_int_equal(jz_settle(&w->alice.session, w->issuer, &r), 0);
	assert_int_equal(jz_settle(&w->bob.session, w->issuer, &r), 0);
	(void)world_books(w);
}

/*
 * At every exchange one loses its power: it is told again, or the payment is
 * taken up; and no money is made.
 */
static void
power_cuts(struct world *w, const struct shelf *s)
{
	struct jz_pay_result r;
	unsigned paid = 0;
	bool cut = true;

	w->alice.session.known = w->bob.session.known = s->known;
	for (unsigned n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = false;
		for (int side = 0; side < 4; side++) {
			struct torn *t = side & 1 ? &w->bob : &w->alice;

			settle_both(w);
			if (torn_balance(&w->alice) < PAID)
				assert_int_equal(
				    world_load(w, &w->alice, LOADED), 0);
			assert_int_equal(jz_purse_select(&w->alice.session), 0);
			torn_cut_at(t, n, (side & 2) != 0);
			paid += pay(&w->alice, &w->bob, &r) == 0;
			cut = torn_was_cut(t) || cut;
		}
	}
	settle_both(w);
	assert_false(cut);
	assert_true(paid > 4);
}

static void
test_cards_of_two_cas_pay_each_other(void **state)
{
	struct jz_pay_result r;
	struct world w = {0};
	struct shelf s;

	(void)state;
	begin(&w, &s);
	assert_int_equal(pay(&w.alice, &w.bob, &r), JZ_ERR_CERT_ISSUER);
	assert_int_equal(r.step, JZ_STEP_AGREE);
	assert_int_equal(r.sw, JZ_SW_CERT_ISSUER);
	w.alice.session.known = s.known;
	assert_int_equal(pay(&w.alice, &w.bob, &r), JZ_ERR_CERT_ISSUER);
	assert_int_equal(r.step, JZ_STEP_CONFIRM);
	w.bob.session.known = s.known;
	assert_int_equal(pay(&w.alice, &w.bob, &r), 0);
	assert_int_equal(torn_balance(&w.bob), PAID);
	/* Once told, as long as they are selected they need no telling. */
	w.alice.session.known.n = w.bob.session.known.n = 0;
	assert_int_equal(pay(&w.bob, &w.alice, &r), 0);
	assert_int_equal(torn_balance(&w.alice), LOADED);
	many_certificates(&w, &s);
	power_cuts(&w, &s);
	world_assert_settled(&w);
	world_free(&w);
}

/* Cut off at any command, and done again. */
static void
load_cuts(struct world *w, uint64_t balance)
{
	bool cut = true;

	for (unsigned n = 1; cut && n < TORN_CUTS_MAX; n++) {
		torn_cut_at(&w->alice, n, n % 2 == 0);
		(void)world_load(w, &w->alice, 100);
		cut = torn_was_cut(&w->alice);
		if (torn_balance(&w->alice) == balance)
			assert_int_equal(world_load(w, &w->alice, 100), 0);
		balance += 100;
		assert_int_equal(torn_balance(&w->alice), balance);
	}
	assert_false(cut);
}

static void
test_the_new_host_loads_an_old_card(void **state)
{
	struct world w = {0};
	struct shelf s;

	(void)state;
	begin(&w, &s);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(torn_balance(&w.alice), 2 * LOADED);
	/* The session is the caller's again. */
	assert_int_equal(w.alice.session.known.n, 0);
	assert_int_equal(world_load(&w, &w.bob, LOADED), 0);
	/* And once more, with a host that only Alice's card does not know. */
	roll(&w, false, NULL);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(world_load(&w, &w.bob, LOADED), 0);
	load_cuts(&w, 3 * LOADED);
	world_assert_settled(&w);
	world_free(&w);
}

/*
 * Before the roll: a payment, and a load that is permitted.  After it the load
 * is executed and reported, and the payment is settled, by one card with a
 * process that was running over the roll, by the other with a host of the third
 * CA.
 */
/* The new CA's list reaches a card of the old one, which then refuses a card of
 * the new; the lists of before the roll are still known for the issuer's. */
static void
test_lists_go_on(void **state)
{
	struct jz_settle_result r;
	struct jz_purse_info bob;
	struct jz_pay_result paid;
	struct world w = {0};
	struct shelf s;

	(void)state;
	begin(&w, &s);
	assert_int_equal(jz_issuer_revoke_below(w.issuer, 1, "before"), 0);
	roll(&w, true, NULL);
	assert_int_equal(jz_issuer_revocation_audit(w.issuer), 0);
	assert_int_equal(jz_purse_info(&w.bob.session, &bob), 0);
	assert_int_equal(jz_issuer_revoke(w.issuer, bob.id, "lost"), 0);
	assert_int_equal(jz_issuer_revocation_audit(w.issuer), 0);
	assert_int_equal(jz_purse_select(&w.alice.session), 0);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(r.list_version, 2);
	w.alice.session.known = w.bob.session.known = s.known;
	assert_int_equal(jz_purse_select(&w.alice.session), 0);
	assert_int_equal(pay(&w.alice, &w.bob, &paid), JZ_ERR_CERT_REVOKED);
	assert_int_equal(paid.step, JZ_STEP_AGREE);
	world_free(&w);
}

static void
test_what_is_in_flight(void **state)
{
	uint8_t x[JZ_MESSAGE_MAX], y[JZ_MESSAGE_MAX], z[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(x, sizeof(x));
	struct jz_buffer permission = jz_buffer(y, sizeof(y));
	struct jz_buffer report = jz_buffer(z, sizeof(z));
	struct jz_settle_result settled;
	struct jz_issuer *before;
	struct jz_pay_result r;
	struct world w = {0};
	unsigned tries;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(pay(&w.alice, &w.bob, &r), 0);
	assert_int_equal(
	    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(jz_purse_load_request(
			     &w.alice.session, LOADED, TORN_TERMINAL, &request),
	    0);
	assert_int_equal(jz_issuer_load_permit(
			     w.issuer, jz_buffer_span(&request), &permission),
	    0);
	roll(&w, true, &before);
	assert_int_equal(jz_purse_credit_for_load(&w.alice.session,
			     jz_buffer_span(&permission), &report),
	    0);
	assert_int_equal(
	    jz_issuer_load_report(w.issuer, jz_buffer_span(&report)), 0);
	assert_int_equal(torn_balance(&w.alice), 2 * LOADED - PAID);
	assert_int_equal(jz_settle(&w.alice.session, before, &settled), 0);
	assert_int_equal(settled.records, 3);
	jz_issuer_free(&before);
	assert_int_equal(world_books(&w).transit_payment, PAID);
	roll(&w, true, NULL);
	world_assert_settled(&w);
	world_free(&w);
}

/*
 * Cut off at each command, and the roll comes before it is done again: the
 * card gets what belongs together, and works.
 */
static void
test_personalisation_over_a_roll(void **state)
{
	struct jz_pay_result r;
	struct world w = {0};

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (unsigned n = 3; n < 15; n++) {
		bool cut;

		torn_new_card(&w.alice);
		torn_cut_at(&w.alice, n, true);
		(void)world_personalise(&w, &w.alice, "alice");
		cut = torn_was_cut(&w.alice);
		if (n == 6 || n == 11)
			roll(&w, true, NULL);
		assert_int_equal(jz_purse_select(&w.alice.session), 0);
		if (cut)
			assert_int_equal(
			    world_personalise(&w, &w.alice, "alice"), 0);
		assert_int_equal(world_load(&w, &w.alice, PAID), 0);
	}
	w.bob.session.known = jz_known_issuer(w.issuer);
	w.alice.session.known.n = 0;
	w.alice.session.known.certificate[0] =
	    jz_span(w.issuer->pki.old_ca[0].bytes, w.issuer->pki.old_ca[0].len);
	w.alice.session.known.n = 1;
	assert_int_equal(pay(&w.alice, &w.bob, &r), 0);
	world_free(&w);
}

/* New cards get keys of the new master; old ones are opened with the old. */
static void
test_the_cards_master(void **state)
{
	struct world w = {0};
	struct jz_scp03_keys keys;
	uint8_t version = 0;
	struct jz_gp g;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(
	    jz_issuer_roll_master(w.dir, torn_passphrase(), &version), 0);
	assert_int_equal(version, 2);
	assert_int_equal(jz_issuer_kvn(w.issuer), 1);
	jz_issuer_free(&w.issuer);
	assert_int_equal(
	    jz_issuer_open(w.dir, torn_passphrase(), &w.issuer), 0);
	assert_int_equal(jz_issuer_kvn(w.issuer), 2);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (uint8_t kvn = 1; kvn <= 2; kvn++) {
		struct torn *t = kvn == 1 ? &w.alice : &w.bob;

		jz_gp_init(&g, &t->session, jz_issuer_engine(w.issuer));
		assert_int_equal(jz_gp_select(&g, NULL), 0);
		assert_int_equal(jz_gp_begin(&g, JZ_GP_KVN_ANY), 0);
		assert_int_equal(g.kvn, kvn);
		assert_int_equal(
		    jz_issuer_card_keys(w.issuer, g.kdd, g.kvn, &keys), 0);
		assert_int_equal(
		    jz_gp_authenticate(&g, &keys, JZ_GP_LEVEL_ALL), 0);
		jz_gp_close(&g);
		assert_int_equal(jz_purse_select(&t->session), 0);
	}
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cards_of_two_cas_pay_each_other),
	    cmocka_unit_test(test_the_new_host_loads_an_old_card),
	    cmocka_unit_test(test_lists_go_on),
	    cmocka_unit_test(test_what_is_in_flight),
	    cmocka_unit_test(test_personalisation_over_a_roll),
	    cmocka_unit_test(test_the_cards_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
