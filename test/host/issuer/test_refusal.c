/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALL-4: everything that the issuer refuses is refused for the first reason
 * that applies, and changes nothing.  Batches have test_evidence.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"
#include "../../support/suite.h"
#include "../../support/stride.h"

/* ---- the load request --------------------------------------------------- */

enum load_fault {
	L_UNKNOWN,
	L_BLOCKED,
	L_EXPIRED,
	L_SIGNATURE,
	L_ACCOUNT,
	L_USER,
	L_ACCOUNT_BLOCKED,
	L_CURRENCY,
	L_AMOUNT,
	L_CANCELLED,
	L_EXISTS,
	L_FUNDS,
	L_FAULTS,
};

static const enum jz_refusal LOAD_REFUSALS[L_FAULTS] = {
    JZ_REFUSAL_UNKNOWN_CARD,
    JZ_REFUSAL_CARD_BLOCKED,
    JZ_REFUSAL_CERT_EXPIRED,
    JZ_REFUSAL_SIGNATURE,
    JZ_REFUSAL_WRONG_ACCOUNT,
    JZ_REFUSAL_WRONG_USER,
    JZ_REFUSAL_ACCOUNT_BLOCKED,
    JZ_REFUSAL_CURRENCY,
    JZ_REFUSAL_AMOUNT,
    JZ_REFUSAL_CANCELLED,
    JZ_REFUSAL_EXISTS_DIFFERENT,
    JZ_REFUSAL_FUNDS,
};

/* The counters of loads that the issuer knows. */
enum { TAKEN = 1, TAKEN_CANCELLED, CANCELLED };

#define HAS(faults, fault) (((faults) >> (fault)&1u) != 0)

/* A request with these faults; what stands at the issuer is set alike. */
static struct letter
faulty_request(struct rig *r, struct fakecard *c, unsigned faults)
{
	struct jz_message m = fakecard_load_request(c, RIG_AMOUNT);
	struct letter l;

	if (HAS(faults, L_UNKNOWN))
		memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	if (HAS(faults, L_ACCOUNT))
		m.account = jz_span("other", 5);
	if (HAS(faults, L_USER))
		m.identity = jz_span("other", 5);
	if (HAS(faults, L_CURRENCY))
		m.payment.currency = 840;
	if (HAS(faults, L_FUNDS))
		m.payment.amount = RIG_DEPOSIT + 1;
	if (HAS(faults, L_AMOUNT))
		m.payment.amount = (uint64_t)JZ_ISSUER_AMOUNT_MAX + 1;
	if (HAS(faults, L_EXISTS))
		m.online_counter = TAKEN;
	if (HAS(faults, L_CANCELLED))
		m.online_counter =
		    HAS(faults, L_EXISTS) ? TAKEN_CANCELLED : CANCELLED;
	l = fakecard_sign(c, &m);
	if (HAS(faults, L_SIGNATURE))
		l.data[l.len - 1] ^= 1;
	assert_int_equal(
	    jz_issuer_block_card(r->issuer, c->id, HAS(faults, L_BLOCKED)), 0);
	assert_int_equal(jz_issuer_block_account(r->issuer, c->account,
			     HAS(faults, L_ACCOUNT_BLOCKED)),
	    0);
	r->now = r->begin + (HAS(faults, L_EXPIRED) ? 6 * 366 * RIG_DAY : 0);
	return l;
}

static void
try_request(struct rig *r, struct fakecard *c, unsigned a, unsigned b)
{
	struct letter l = faulty_request(r, c, 1u << a | 1u << b);
	uint64_t before = rig_snapshot(r);

	rig_refused(
	    r, rig_give_permit(r, &l), LOAD_REFUSALS[a < b ? a : b], before);
}

/* LOD-5: each fault alone, and each two together. */
static void
test_load_requests(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct letter l;

	rig_card(r, &c, RIG_DEPOSIT);
	(void)rig_load(r, &c, 1);
	for (unsigned counter = TAKEN_CANCELLED; counter <= CANCELLED;
	     counter++) {
		struct jz_message m = fakecard_load_request(&c, 1);

		l = fakecard_sign(&c, &m);
		if (counter == TAKEN_CANCELLED)
			(void)rig_permit(r, &l);
		m = fakecard_load_cancel(&c, &m);
		l = fakecard_sign(&c, &m);
		assert_int_equal(rig_give_cancel(r, &l), 0);
	}
	assert_int_equal(c.online_counter, CANCELLED);
	for (unsigned a = 0; a < L_FAULTS; a++) {
		for (unsigned b = a; b < L_FAULTS; b++)
			try_request(r, &c, a, b);
	}
	/* And without any it is permitted. */
	l = faulty_request(r, &c, 0);
	assert_int_equal(rig_give_permit(r, &l), 0);
	assert_int_equal(rig_balance(r, &c), RIG_DEPOSIT - 1 - RIG_AMOUNT);
}

static void
test_amounts_at_their_limits(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint64_t amount;
		enum jz_refusal why;
	} CASES[] = {
	    {0, JZ_REFUSAL_AMOUNT},
	    {UINT64_MAX, JZ_REFUSAL_AMOUNT},
	    {(uint64_t)JZ_ISSUER_AMOUNT_MAX + 1, JZ_REFUSAL_AMOUNT},
	    {JZ_ISSUER_AMOUNT_MAX, JZ_REFUSAL_FUNDS},
	    {RIG_DEPOSIT + 1, JZ_REFUSAL_FUNDS},
	};
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(CASES) / sizeof(CASES[0]); k++) {
		struct jz_message m =
		    fakecard_load_request(&c, CASES[k].amount);
		struct letter l = fakecard_sign(&c, &m);

		rig_refused(r, rig_give_permit(r, &l), CASES[k].why, before);
	}
}

/* LOD-1: before its first day a certificate is as little worth as after. */
static void
test_certificate_not_yet_valid(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter l;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	m = fakecard_load_request(&c, RIG_AMOUNT);
	l = fakecard_sign(&c, &m);
	before = rig_snapshot(r);
	r->now -= 2 * RIG_DAY;
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_CERT_NOT_YET, before);
}

/* LOD-5: a card cannot ask in the name of another one. */
static void
test_another_cards_signature(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter l;
	struct fakecard c, thief;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &thief, 0);
	before = rig_snapshot(r);
	m = fakecard_load_request(&c, RIG_AMOUNT);
	l = fakecard_sign(&thief, &m);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_SIGNATURE, before);
	/* Nor load from another's account with its own name. */
	m = fakecard_load_request(&c, RIG_AMOUNT);
	memcpy(m.card_id, thief.id, JZ_ID_BYTES);
	l = fakecard_sign(&thief, &m);
	rig_refused(
	    r, rig_give_permit(r, &l), JZ_REFUSAL_WRONG_ACCOUNT, before);
	m.account = jz_span(thief.account, strlen(thief.account));
	l = fakecard_sign(&thief, &m);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_WRONG_USER, before);
}

static void
test_other_suites_algorithm(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter l;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	before = rig_snapshot(r);
	m = fakecard_load_request(&c, RIG_AMOUNT);
	m.algorithm = (uint8_t)test_other_suite();
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_SUITE, before);
}

/* ---- the report --------------------------------------------------------- */

/* LOD-7: a report that is not of this permission moves nothing. */
static void
test_reports(void **state)
{
	struct rig *r = *state;
	struct letter request, permission, l;
	struct jz_message m, good;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	m = fakecard_load_request(&c, RIG_AMOUNT);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	good = fakecard_load_report(&c, &permission);
	before = rig_snapshot(r);
	m = good;
	memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_UNKNOWN_CARD, before);
	m = good;
	m.payment.currency = 840;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_CURRENCY, before);
	m = good;
	m.payment.amount = 0;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_AMOUNT, before);
	m = good;
	m.online_counter = 99;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_NO_LOAD, before);
	m = good;
	m.payment.agreement_digest[0] ^= 1;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_NO_LOAD, before);
	m = good;
	m.payment.amount = RIG_AMOUNT + 1;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_CONFLICT, before);
	l = letter_of(&good);
	assert_int_equal(rig_give_report(r, &l), 0);
	/* Booked: another report of the same load contradicts it. */
	before = rig_snapshot(r);
	m = good;
	m.balance++;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_report(r, &l), JZ_REFUSAL_CONFLICT, before);
}

/* ---- sign-in ------------------------------------------------------------ */

static void
test_sign_in(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter l, answer;
	struct jz_buffer b = jz_buffer(answer.data, sizeof(answer.data));
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 0);
	m = fakecard_sign_in_request(&c);
	memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	l = letter_of(&m);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_challenge(r, &l), JZ_REFUSAL_UNKNOWN_CARD, before);
	memcpy(m.card_id, c.id, JZ_ID_BYTES);
	l = letter_of(&m);
	assert_int_equal(
	    jz_issuer_challenge(r->issuer, letter_span(&l), &b), 0);
	answer.len = b.len;
	before = rig_snapshot(r);
	m = fakecard_sign_in(&c, &answer);
	l = fakecard_sign(&c, &m);
	l.data[l.len - 1] ^= 1;
	rig_refused(r, rig_give_sign_in(r, &l), JZ_REFUSAL_SIGNATURE, before);
	m.host_nonce[0] ^= 1;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_sign_in(r, &l), JZ_REFUSAL_NO_SESSION, before);
	m.host_nonce[0] ^= 1;
	m.nonce[0] ^= 1;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_sign_in(r, &l), JZ_REFUSAL_NO_SESSION, before);
	m.nonce[0] ^= 1;
	memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	l = fakecard_sign(&c, &m);
	rig_refused(
	    r, rig_give_sign_in(r, &l), JZ_REFUSAL_UNKNOWN_CARD, before);
}

/* ---- any bytes ---------------------------------------------------------- */

struct sample {
	struct letter letter;
	rig_give *give;
};

#define SAMPLES 5

/* A good message of each signed kind that the issuer takes. */
static void
make_samples(struct rig *r, struct fakecard *c, struct sample *out)
{
	struct fakecard peer;
	struct jz_buffer b;
	struct jz_message m;
	struct letter l;

	rig_paid_and_loaded(r, c, &peer);
	m = fakecard_load_request(c, RIG_AMOUNT);
	out[0] = (struct sample){fakecard_sign(c, &m), rig_give_permit};
	m = fakecard_load_request(c, RIG_AMOUNT);
	l = fakecard_sign(c, &m);
	l = rig_permit(r, &l);
	{
		struct fakecard copy = *c;

		m = fakecard_load_report(&copy, &l);
	}
	out[1] = (struct sample){letter_of(&m), rig_give_report};
	out[2] = (struct sample){
	    rig_batch_of(c, c->first_unsettled, 2), rig_give_batch};
	m = fakecard_sign_in_request(c);
	l = letter_of(&m);
	b = jz_buffer(out[3].letter.data, sizeof(out[3].letter.data));
	assert_int_equal(
	    jz_issuer_challenge(r->issuer, letter_span(&l), &b), 0);
	out[3].letter.len = b.len;
	m = fakecard_sign_in(c, &out[3].letter);
	out[3] = (struct sample){fakecard_sign(c, &m), rig_give_sign_in};
	m = fakecard_load_request(c, RIG_AMOUNT);
	l = fakecard_sign(c, &m);
	(void)rig_permit(r, &l);
	m = fakecard_load_cancel(c, &m);
	out[4] = (struct sample){fakecard_sign(c, &m), rig_give_cancel};
}

static void
test_cut_off_and_too_long(void **state)
{
	struct rig *r = *state;
	struct sample samples[SAMPLES];
	struct fakecard c;
	uint64_t before;

	make_samples(r, &c, samples);
	before = rig_snapshot(r);
	for (unsigned k = 0; k < SAMPLES; k++) {
		struct letter l = samples[k].letter;
		size_t len = l.len;

		for (l.len = 0; l.len < len; l.len += test_stride()) {
			assert_int_equal(
			    samples[k].give(r, &l), JZ_ERR_REFUSED);
			assert_int_equal(
			    jz_issuer_refusal(r->issuer), JZ_REFUSAL_MALFORMED);
		}
		l.data[len] = 0;
		l.len = len + 1;
		rig_refused(
		    r, samples[k].give(r, &l), JZ_REFUSAL_MALFORMED, before);
		/* A message of another kind. */
		l = samples[(k + 1) % SAMPLES].letter;
		rig_refused(
		    r, samples[k].give(r, &l), JZ_REFUSAL_MALFORMED, before);
	}
	{
		struct letter empty = {.len = 0};

		rig_refused(r, rig_give_challenge(r, &empty),
		    JZ_REFUSAL_MALFORMED, before);
		rig_refused(r, rig_give_challenge(r, &samples[0].letter),
		    JZ_REFUSAL_MALFORMED, before);
	}
}

/* Whatever one bit is turned over in a signed message, it is refused. */
static void
test_one_bit_turned(void **state)
{
	struct rig *r = *state;
	struct sample samples[SAMPLES];
	struct fakecard c;
	uint64_t before;

	make_samples(r, &c, samples);
	before = rig_snapshot(r);
	for (unsigned k = 0; k < SAMPLES; k++) {
		for (size_t n = 0; n < samples[k].letter.len;
		     n += test_stride()) {
			struct letter l = samples[k].letter;

			l.data[n] ^= (uint8_t)(1u << n % 8);
			assert_int_equal(
			    samples[k].give(r, &l), JZ_ERR_REFUSED);
		}
		assert_true(rig_snapshot(r) == before);
		/* The message itself is as good as ever. */
		assert_int_equal(samples[k].give(r, &samples[k].letter), 0);
		before = rig_snapshot(r);
	}
}

/* ---- names -------------------------------------------------------------- */

static void
test_names_and_texts(void **state)
{
	(void)state;
	assert_string_equal(jz_refusal_name(JZ_REFUSAL_NONE), "NONE");
	assert_string_equal(
	    jz_refusal_name(JZ_REFUSAL_WRONG_USER), "WRONG_USER");
	assert_string_equal(jz_refusal_name((enum jz_refusal)999), "NONE");
	for (int a = 0; a <= JZ_REFUSAL_CONFLICT; a++) {
		const char *en =
		    jz_refusal_text((enum jz_refusal)a, JZ_LANG_EN);
		const char *zh =
		    jz_refusal_text((enum jz_refusal)a, JZ_LANG_ZH);

		assert_true(strlen(en) > 0 && strlen(zh) > 0);
		assert_string_not_equal(en, zh);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
			    jz_refusal_name((enum jz_refusal)a),
			    jz_refusal_name((enum jz_refusal)b));
	}
}

static void
test_unknown_account(void **state)
{
	struct rig *r = *state;
	uint64_t before = rig_snapshot(r);

	rig_refused(r, jz_issuer_deposit(r->issuer, "nobody", 5),
	    JZ_REFUSAL_UNKNOWN_ACCOUNT, before);
	/* What succeeds has no refusal. */
	{
		struct fakecard c;

		rig_card(r, &c, 1);
	}
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_NONE);
}

/* The last test: the refusals that this program is about have been met. */
static void
test_every_refusal_was_met(void **state)
{
	static const enum jz_refusal EXPECTED[] = {
	    JZ_REFUSAL_MALFORMED,
	    JZ_REFUSAL_SUITE,
	    JZ_REFUSAL_UNKNOWN_CARD,
	    JZ_REFUSAL_CARD_BLOCKED,
	    JZ_REFUSAL_CERT_NOT_YET,
	    JZ_REFUSAL_CERT_EXPIRED,
	    JZ_REFUSAL_SIGNATURE,
	    JZ_REFUSAL_WRONG_ACCOUNT,
	    JZ_REFUSAL_WRONG_USER,
	    JZ_REFUSAL_UNKNOWN_ACCOUNT,
	    JZ_REFUSAL_ACCOUNT_BLOCKED,
	    JZ_REFUSAL_CURRENCY,
	    JZ_REFUSAL_AMOUNT,
	    JZ_REFUSAL_CANCELLED,
	    JZ_REFUSAL_EXISTS_DIFFERENT,
	    JZ_REFUSAL_FUNDS,
	    JZ_REFUSAL_NO_LOAD,
	    JZ_REFUSAL_NO_SESSION,
	    JZ_REFUSAL_CONFLICT,
	};
	struct rig *r = *state;

	for (size_t k = 0; k < sizeof(EXPECTED) / sizeof(EXPECTED[0]); k++) {
		if (!r->met[EXPECTED[k]])
			fail_msg(
			    "never refused: %s", jz_refusal_name(EXPECTED[k]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_load_requests, rig_after),
	    cmocka_unit_test_teardown(test_amounts_at_their_limits, rig_after),
	    cmocka_unit_test_teardown(
		test_certificate_not_yet_valid, rig_after),
	    cmocka_unit_test_teardown(test_another_cards_signature, rig_after),
	    cmocka_unit_test_teardown(test_other_suites_algorithm, rig_after),
	    cmocka_unit_test_teardown(test_reports, rig_after),
	    cmocka_unit_test_teardown(test_sign_in, rig_after),
	    cmocka_unit_test_teardown(test_cut_off_and_too_long, rig_after),
	    cmocka_unit_test_teardown(test_one_bit_turned, rig_after),
	    cmocka_unit_test_teardown(test_names_and_texts, rig_after),
	    cmocka_unit_test_teardown(test_unknown_account, rig_after),
	    cmocka_unit_test(test_every_refusal_was_met),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
