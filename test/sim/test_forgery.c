/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are genuine in the wrong place, and messages that the wrong
 * one has signed: replayed, swapped between two payments, signed by another
 * card, by the issuer's host, CA or root, by a key of the other suite, or under a certificate of the other
 * suite.  Each is refused with the status word that docs/protocol.md has, and
 * the image of the card is the one before; so are the issuer's books.
 *
 * What single bits do: test/applet/purse/test_flips.  Certificates that are
 * expired, not yet valid, of another role or issuer:
 * test/applet/purse/test_refusals_payee and _payer, test_revocation.
 *
 * proves: OFP-2 OFP-3 OFP-4 OFP-6 OFP-10 ALL-4
 */
#include "sim.h"
#include "../../apdu/error.h"
#include "../support/forge.h"
#include "../support/suite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FUNDS	5000u
#define AMOUNT	700u
#define NOTHING jz_span(NULL, 0)

enum { A, B, C, D, CARDS };

/* The cards but one, host, CA, root; a host of the other suite. */
#define SIGNERS (CARDS + 4)

struct signer {
	const struct jz_engine *engine;
	const struct jz_key_pair *key;
};

struct fixture {
	struct sim s;
	struct rig foreign;   /* of the other suite */
	struct payment pay;   /* A pays B */
	struct payment other; /* C pays D */
};

static struct rig_card *
card(struct fixture *f, unsigned i)
{
	return f->s.card[i].rig;
}

/* One issuer for all. */
static int
group_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sim_new(&f->s, test_suite());
	rig_new_of(&f->foreign, test_other_suite());
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	const struct sim_terms terms = {100000, 50000, 50000, 1000000, 100};
	struct fixture *f = *state;

	sim_clear(&f->s);
	for (unsigned i = 0; i < CARDS; i++)
		sim_add(&f->s, &terms, i == D);
	for (unsigned i = 0; i < CARDS; i++)
		sim_fund(&f->s, i, FUNDS);
	return 0;
}

static int
group_teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(&f->foreign);
	sim_free(&f->s);
	free(f);
	return 0;
}

/* Both payments, carried up to this step. */
static void
begin(struct fixture *f, enum step last)
{
	f->pay =
	    payment_of(&card(f, B)->port, &card(f, A)->port, AMOUNT, RIG_NOW);
	f->other =
	    payment_of(&card(f, D)->port, &card(f, C)->port, AMOUNT, RIG_NOW);
	assert_int_equal(payment_run(&f->pay, last), JZ_SW_OK);
	assert_int_equal(payment_run(&f->other, last), JZ_SW_OK);
}

static struct rig_card *
card_of(struct fixture *f, enum step step)
{
	return payment_card(&f->pay, step) == &card(f, A)->port ? card(f, A)
								: card(f, B);
}

static struct jz_span
said(const struct payment *pay, enum step step)
{
	return blob_span(&pay->message[step]);
}

/* The end of both: nothing was lost on the way. */
static void
done(struct fixture *f)
{
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(payment_run(&f->other, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_true(sim_check(&f->s));
}

/* ---- replayed ----------------------------------------------------------- */

static void
test_what_was_said_in_a_payment_is_said_in_vain(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *b;
	struct answer a;

	begin(f, STEP_ACKNOWLEDGE);
	rig_refuses(card(f, B), AT_CONFIRM, said(&f->pay, STEP_AGREE),
	    JZ_SW_NO_PAYMENT);
	rig_refuses(card(f, A), AT_COMPLETE, said(&f->pay, STEP_CONFIRM),
	    JZ_SW_NO_PAYMENT);
	rig_refuses(card(f, A), AT_ACKNOWLEDGE, said(&f->pay, STEP_CREDIT),
	    JZ_SW_NO_PAYMENT);
	/* The same receipt again, and nothing else. */
	b = rig_save(card(f, B));
	rig_accepts(card(f, B), AT_CREDIT, said(&f->pay, STEP_COMPLETE), &a);
	assert_true(jz_span_equal(answer_span(&a), said(&f->pay, STEP_CREDIT)));
	assert_true(rig_unchanged(card(f, B), b));
	rig_snapshot_free(&b);
	/* A request may be agreed to again: a counter and an agreement that
	 * nobody confirms. */
	rig_accepts(card(f, A), AT_AGREE, said(&f->pay, STEP_REQUEST), &a);
	rig_refuses(card(f, B), AT_CONFIRM, answer_span(&a), JZ_SW_NO_PAYMENT);
	assert_int_equal(rig_purse(card(f, A))->balance, FUNDS - AMOUNT);
	done(f);
}

static void
test_no_card_takes_what_is_for_another(void **state)
{
	/* By the card that it is given to. */
	static const struct {
		enum step said;
		uint16_t sw[CARDS];
	} ROWS[] = {
	    {STEP_REQUEST, {0, JZ_SW_SAME_CARD, 0, JZ_SW_CERT_ROLE}},
	    {STEP_AGREE,
		{JZ_SW_NO_PAYMENT, 0, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT}},
	    {STEP_CONFIRM,
		{0, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT}},
	    {STEP_COMPLETE,
		{JZ_SW_NO_PAYMENT, 0, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT}},
	    {STEP_CREDIT,
		{0, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT, JZ_SW_NO_PAYMENT}},
	};
	struct fixture *f = *state;

	begin(f, STEP_REQUEST);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		assert_int_equal(payment_run(&f->pay, ROWS[i].said), JZ_SW_OK);
		for (unsigned to = 0; to < CARDS; to++)
			if (ROWS[i].sw[to] != 0)
				rig_refuses(card(f, to),
				    payment_header(ROWS[i].said + 1),
				    said(&f->pay, ROWS[i].said),
				    ROWS[i].sw[to]);
	}
	done(f);
}

static void
test_an_old_agreement_confirms_no_new_request(void **state)
{
	struct fixture *f = *state;
	struct payment next;

	begin(f, STEP_AGREE);
	next =
	    payment_of(&card(f, B)->port, &card(f, A)->port, AMOUNT, RIG_NOW);
	assert_int_equal(payment_run(&next, STEP_REQUEST), JZ_SW_OK);
	rig_refuses(card(f, B), AT_CONFIRM, said(&f->pay, STEP_AGREE),
	    JZ_SW_NO_PAYMENT);
	assert_int_equal(payment_run(&next, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_true(sim_check(&f->s));
}

/* ---- swapped between two sessions ----------------------------------------- */

/* The envelope of one payment around what another has sealed. */
static struct blob
grafted(struct jz_span envelope, struct jz_span content)
{
	struct jz_message m, in;

	assert_int_equal(jz_message_decode(envelope, JZ_KIND_SEALED, &m), 0);
	assert_int_equal(jz_message_decode(content, JZ_KIND_SEALED, &in), 0);
	m.sealed = in.sealed;
	return bank_encode(&m);
}

static void
test_two_payments_are_not_mixed(void **state)
{
	struct fixture *f = *state;
	struct blob data;

	for (enum step step = STEP_AGREE; step <= STEP_CREDIT; step++) {
		begin(f, step);
		rig_refuses(card_of(f, step + 1), payment_header(step + 1),
		    said(&f->other, step), JZ_SW_NO_PAYMENT);
		data = grafted(said(&f->pay, step), said(&f->other, step));
		rig_refuses(card_of(f, step + 1), payment_header(step + 1),
		    blob_span(&data), JZ_SW_DECRYPT);
		done(f);
	}
}

/* The answer of one direction is none in the other. */
static void
test_no_message_stands_for_another_kind(void **state)
{
	struct fixture *f = *state;
	struct blob data;

	begin(f, STEP_COMPLETE);
	/* Own words, sent back. */
	data =
	    grafted(said(&f->pay, STEP_COMPLETE), said(&f->pay, STEP_CONFIRM));
	rig_refuses(card(f, B), AT_CREDIT, blob_span(&data), JZ_SW_DECRYPT);
	rig_refuses(card(f, A), AT_ACKNOWLEDGE, said(&f->pay, STEP_COMPLETE),
	    JZ_SW_DECRYPT);
	rig_refuses(
	    card(f, B), AT_CREDIT, said(&f->pay, STEP_CONFIRM), JZ_SW_DECRYPT);
	rig_refuses(
	    card(f, B), AT_DROP, said(&f->pay, STEP_COMPLETE), JZ_SW_DATA);
	done(f);
}

static void
ask_proof(struct fixture *f, unsigned payer, struct blob *out)
{
	const struct purse_nvm *p = rig_purse(card(f, payer));
	struct jz_payment pay;
	struct blob question;
	struct answer a;

	purse_payment_load(p, &pay, &p->agreement.payment, PURSE_PAYER);
	question = question_of(&pay);
	rig_accepts(card(f, payer), AT_PROVE, blob_span(&question), &a);
	blob_set(out, answer_span(&a));
}

static void
test_a_proof_of_another_payment_drops_nothing(void **state)
{
	struct fixture *f = *state;
	struct blob proof;

	begin(f, STEP_CONFIRM);
	ask_proof(f, C, &proof);
	rig_refuses(card(f, B), AT_DROP, blob_span(&proof), JZ_SW_NO_PAYMENT);
	rig_accepts(card(f, D), AT_DROP, blob_span(&proof), NULL);
	/* Replayed, it has nothing to drop. */
	rig_refuses(card(f, D), AT_DROP, blob_span(&proof), JZ_SW_NO_PAYMENT);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_true(sim_check(&f->s));
}

/* ---- signed by another -------------------------------------------------- */

/* Everybody but card `not`; the host is the first after the cards. */
static size_t
wrong_signers(
    struct fixture *f, unsigned not, struct signer out[static SIGNERS])
{
	const struct jz_engine *e = &f->s.rig.engine;
	const struct bank *b = &f->s.rig.bank;
	size_t n = 0;

	for (unsigned i = 0; i < CARDS; i++)
		if (i != not )
			out[n++] =
			    (struct signer){e, &rig_purse(card(f, i))->key};
	out[n++] = (struct signer){e, &b->host};
	out[n++] = (struct signer){e, &b->ca};
	out[n++] = (struct signer){e, &b->root};
	out[n++] = (struct signer){&f->foreign.engine, &f->foreign.bank.host};
	return n;
}

static void
sign_as(const struct signer *by, struct jz_message *m)
{
	assert_int_equal(jz_message_sign(by->engine, m, by->key), 0);
}

static void
test_a_request_is_signed_by_its_payee(void **state)
{
	struct signer wrong[SIGNERS];
	struct fixture *f = *state;
	struct jz_message m;
	struct blob data;
	size_t n = wrong_signers(f, B, wrong);

	begin(f, STEP_REQUEST);
	assert_int_equal(
	    jz_message_decode(said(&f->pay, STEP_REQUEST), JZ_KIND_REQUEST, &m),
	    0);
	for (size_t i = 0; i < n; i++) {
		sign_as(&wrong[i], &m);
		data = bank_encode(&m);
		rig_refuses(card(f, A), AT_AGREE, blob_span(&data), JZ_SW_MAC);
	}
	done(f);
}

/* The message of a step as it was before it was sealed. */
static struct jz_message
opened(struct fixture *f, enum step step, enum jz_kind kind, const uint8_t *key,
    uint8_t plain[static JZ_MESSAGE_MAX])
{
	struct jz_message m;
	struct jz_sealed s;

	assert_int_equal(jz_sealed_parse(said(&f->pay, step), &s), 0);
	assert_int_equal(
	    jz_message_open(&f->s.rig.engine, &s, kind, key, plain, &m), 0);
	return m;
}

static void
resealed(struct fixture *f, enum step step, enum jz_kind kind, unsigned signer,
    const struct jz_working_keys *keys)
{
	const uint8_t *key =
	    kind == JZ_KIND_CONFIRMATION ? keys->to_payer : keys->to_payee;
	struct signer wrong[SIGNERS];
	size_t n = wrong_signers(f, signer, wrong);
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m = opened(f, step, kind, key, plain);
	struct blob data;

	for (size_t i = 0; i < n; i++) {
		sign_as(&wrong[i], &m);
		data = forge_sealed(&f->s.rig.engine, &m, NULL, key,
		    kind == JZ_KIND_AGREEMENT ? m.payer_key : NULL, NULL);
		rig_refuses(card_of(f, step + 1), payment_header(step + 1),
		    blob_span(&data), JZ_SW_MAC);
	}
}

static void
test_each_step_is_signed_by_its_card(void **state)
{
	struct fixture *f = *state;
	struct jz_working_keys keys;

	begin(f, STEP_AGREE);
	keys = rig_purse(card(f, A))->agreement.keys;
	resealed(f, STEP_AGREE, JZ_KIND_AGREEMENT, A, &keys);
	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	resealed(f, STEP_CONFIRM, JZ_KIND_CONFIRMATION, B, &keys);
	assert_int_equal(payment_run(&f->pay, STEP_COMPLETE), JZ_SW_OK);
	resealed(f, STEP_COMPLETE, JZ_KIND_COMPLETION, A, &keys);
	done(f);
}

static void
test_a_proof_is_signed_by_its_payer(void **state)
{
	struct signer wrong[SIGNERS];
	struct fixture *f = *state;
	struct jz_message m;
	struct blob data;
	size_t n = wrong_signers(f, A, wrong);

	begin(f, STEP_CONFIRM);
	ask_proof(f, A, &data);
	assert_int_equal(
	    jz_message_decode(blob_span(&data), JZ_KIND_NOT_PAID, &m), 0);
	for (size_t i = 0; i < n; i++) {
		sign_as(&wrong[i], &m);
		data = bank_encode(&m);
		rig_refuses(card(f, B), AT_DROP, blob_span(&data), JZ_SW_MAC);
	}
}

/* A card that is good, in the other suite. */
static void
test_a_card_of_the_other_suite_is_refused(void **state)
{
	struct fixture *f = *state;
	struct forger stranger, forger;
	struct jz_message m;
	struct rig other;
	struct blob data;

	begin(f, STEP_REQUEST);
	rig_new_of(&other, test_other_suite());
	forger_new(&stranger, &other.bank, "CN00000000900001");
	m = forger_request(&stranger, AMOUNT, RIG_NOW);
	data = forger_sign(&stranger, &m);
	rig_refuses(card(f, A), AT_AGREE, blob_span(&data), JZ_SW_CERT_SUITE);
	/* Its certificate, with ephemeral keys of the right one. */
	forger_new(&forger, &f->s.rig.bank, "CN00000000900001");
	forger.certificate = stranger.certificate;
	m = forger_agreement(&forger, &f->pay.message[STEP_REQUEST]);
	data = forge_sealed(&f->s.rig.engine, &m, &forger.key,
	    forger.keys.to_payee, forger.ephemeral.public_key, NULL);
	rig_refuses(card(f, B), AT_CONFIRM, blob_span(&data), JZ_SW_CERT_SUITE);
	rig_free(&other);
	done(f);
}

/* ---- settlement --------------------------------------------------------- */

struct session {
	struct answer ask, challenge, sign_in, confirmed, batch, processed;
};

/* A card and the issuer, up to the issuer's word on the batch. */
static void
settle(struct fixture *f, unsigned i, struct session *s)
{
	rig_accepts(card(f, i), AT_SETTLE(1), NOTHING, &s->ask);
	assert_int_equal(sim_office(&f->s, SIM_CHALLENGE, answer_span(&s->ask),
			     &s->challenge),
	    0);
	rig_accepts(
	    card(f, i), AT_SETTLE(2), answer_span(&s->challenge), &s->sign_in);
	assert_int_equal(sim_office(&f->s, SIM_SIGN_IN,
			     answer_span(&s->sign_in), &s->confirmed),
	    0);
	rig_accepts(card(f, i), AT_SETTLE(3), answer_span(&s->confirmed), NULL);
	rig_accepts(card(f, i), AT_SETTLE(4), NOTHING, &s->batch);
	assert_int_equal(
	    sim_office(&f->s, SIM_BATCH, answer_span(&s->batch), &s->processed),
	    0);
}

/* The issuer's whole database. */
static void
hash_database(struct fixture *f, uint8_t out[static JZ_HASH_BYTES])
{
	const struct jz_engine *e = &f->s.rig.engine;
	sqlite3_int64 len = 0;
	unsigned char *bytes =
	    sqlite3_serialize(sim_books(&f->s), "main", &len, 0);
	struct jz_span all;

	assert_non_null(bytes);
	all = jz_span(bytes, (size_t)len);
	assert_int_equal(e->crypto->hash(e->state, &all, 1, out), 0);
	sqlite3_free(bytes);
}

static void
issuer_refuses(
    struct fixture *f, enum sim_office what, struct jz_span in, int why)
{
	uint8_t before[JZ_HASH_BYTES], after[JZ_HASH_BYTES];
	struct answer a;

	hash_database(f, before);
	assert_int_equal(sim_office(&f->s, what, in, &a), JZ_ERR_REFUSED);
	if ((int)f->s.refusal != why)
		fail_msg("%s", jz_refusal_name(f->s.refusal));
	hash_database(f, after);
	assert_memory_equal(before, after, sizeof(before));
}

static void
test_settlements_are_not_mixed_or_replayed(void **state)
{
	struct session *a = calloc(3, sizeof(*a)), *c = a + 1, *again = a + 2;
	struct fixture *f = *state;
	struct answer unused;

	assert_non_null(a);
	begin(f, STEP_ACKNOWLEDGE);
	settle(f, A, a);
	settle(f, C, c);
	rig_refuses(card(f, A), AT_SETTLE(5), answer_span(&c->processed),
	    JZ_SW_MISMATCH);
	rig_accepts(card(f, A), AT_SETTLE(5), answer_span(&a->processed), NULL);
	/* Out of its order, and in the next session. */
	rig_refuses(card(f, A), AT_SETTLE(5), answer_span(&a->processed),
	    JZ_SW_CONDITIONS);
	rig_refuses(card(f, A), AT_SETTLE(3), answer_span(&a->confirmed),
	    JZ_SW_CONDITIONS);
	rig_accepts(card(f, A), AT_SETTLE(1), NOTHING, &again->ask);
	rig_accepts(card(f, A), AT_SETTLE(2), answer_span(&a->challenge),
	    &again->sign_in);
	rig_refuses(card(f, A), AT_SETTLE(3), answer_span(&a->confirmed),
	    JZ_SW_MISMATCH);
	rig_refuses(card(f, A), AT_SETTLE(3), answer_span(&c->confirmed),
	    JZ_SW_MISMATCH);
	/* The issuer: a challenge that is not its last, and the same batch. */
	issuer_refuses(f, SIM_SIGN_IN, answer_span(&again->sign_in),
	    JZ_REFUSAL_NO_SESSION);
	assert_int_equal(
	    sim_office(&f->s, SIM_BATCH, answer_span(&a->batch), &unused), 0);
	assert_true(
	    jz_span_equal(answer_span(&unused), answer_span(&a->processed)));
	assert_true(sim_check(&f->s));
	free(a);
}

static void
refused_of_others(struct fixture *f, enum sim_office what, enum jz_kind kind,
    const struct answer *genuine)
{
	struct signer wrong[SIGNERS];
	size_t n = wrong_signers(f, A, wrong);
	struct jz_buffer b;
	struct jz_message m;
	struct answer forged;

	assert_int_equal(jz_message_decode(answer_span(genuine), kind, &m), 0);
	for (size_t i = 0; i < n; i++) {
		b = jz_buffer(forged.data, sizeof(forged.data));
		sign_as(&wrong[i], &m);
		assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
		issuer_refuses(
		    f, what, jz_buffer_span(&b), JZ_REFUSAL_SIGNATURE);
	}
}

static void
cleared_by_others(struct fixture *f, unsigned step, enum jz_kind kind,
    const struct answer *genuine)
{
	struct signer wrong[SIGNERS];
	const struct bank *b = &f->s.rig.bank;
	size_t n = wrong_signers(f, CARDS, wrong);
	struct jz_message m;
	struct blob data;

	assert_int_equal(jz_message_decode(answer_span(genuine), kind, &m), 0);
	for (size_t i = 0; i < n; i++) {
		if (wrong[i].key == &b->host)
			continue;
		sign_as(&wrong[i], &m);
		data = bank_encode(&m);
		rig_refuses(
		    card(f, A), AT_SETTLE(step), blob_span(&data), JZ_SW_MAC);
	}
}

static void
test_settlement_is_signed_on_both_sides(void **state)
{
	struct session *a = calloc(1, sizeof(*a));
	struct fixture *f = *state;

	assert_non_null(a);
	begin(f, STEP_ACKNOWLEDGE);
	settle(f, A, a);
	refused_of_others(f, SIM_SIGN_IN, JZ_KIND_SIGN_IN, &a->sign_in);
	refused_of_others(f, SIM_BATCH, JZ_KIND_BATCH, &a->batch);
	cleared_by_others(f, 5, JZ_KIND_PROCESSED, &a->processed);
	rig_accepts(card(f, A), AT_SETTLE(1), NOTHING, &a->ask);
	assert_int_equal(sim_office(&f->s, SIM_CHALLENGE, answer_span(&a->ask),
			     &a->challenge),
	    0);
	rig_accepts(
	    card(f, A), AT_SETTLE(2), answer_span(&a->challenge), &a->sign_in);
	assert_int_equal(sim_office(&f->s, SIM_SIGN_IN,
			     answer_span(&a->sign_in), &a->confirmed),
	    0);
	cleared_by_others(f, 3, JZ_KIND_SIGN_IN_CONFIRMED, &a->confirmed);
	rig_accepts(card(f, A), AT_SETTLE(3), answer_span(&a->confirmed), NULL);
	free(a);
}

/* Every bit of what a card says to the issuer. */
static void
flipped(struct fixture *f, enum sim_office what, const struct answer *genuine)
{
	uint8_t before[JZ_HASH_BYTES], after[JZ_HASH_BYTES];
	struct answer *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	struct jz_buffer b;
	int err;

	assert_non_null(in);
	assert_non_null(out);
	hash_database(f, before);
	for (size_t bit = 0; bit < genuine->len * 8; bit++) {
		memcpy(in->data, genuine->data, genuine->len);
		in->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		b = jz_buffer(out->data, sizeof(out->data));
		err = what == SIM_BATCH
		    ? jz_issuer_batch(
			  f->s.issuer, jz_span(in->data, genuine->len), &b)
		    : jz_issuer_sign_in(
			  f->s.issuer, jz_span(in->data, genuine->len), &b);
		if (err != JZ_ERR_REFUSED || b.len != 0)
			fail_msg("bit %zu: %d", bit, err);
		switch (jz_issuer_refusal(f->s.issuer)) {
		case JZ_REFUSAL_MALFORMED:
		case JZ_REFUSAL_UNKNOWN_CARD:
		case JZ_REFUSAL_SIGNATURE:
			break;
		default:
			fail_msg("bit %zu: %s", bit,
			    jz_refusal_name(jz_issuer_refusal(f->s.issuer)));
		}
	}
	hash_database(f, after);
	assert_memory_equal(before, after, sizeof(before));
	free(in);
	free(out);
}

static void
test_no_flipped_bit_is_booked(void **state)
{
	struct session *a = calloc(1, sizeof(*a));
	struct fixture *f = *state;

	assert_non_null(a);
	begin(f, STEP_ACKNOWLEDGE);
	settle(f, A, a);
	flipped(f, SIM_SIGN_IN, &a->sign_in);
	flipped(f, SIM_BATCH, &a->batch);
	free(a);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
	    T(test_what_was_said_in_a_payment_is_said_in_vain),
	    T(test_no_card_takes_what_is_for_another),
	    T(test_an_old_agreement_confirms_no_new_request),
	    T(test_two_payments_are_not_mixed),
	    T(test_no_message_stands_for_another_kind),
	    T(test_a_proof_of_another_payment_drops_nothing),
	    T(test_a_request_is_signed_by_its_payee),
	    T(test_each_step_is_signed_by_its_card),
	    T(test_a_proof_is_signed_by_its_payer),
	    T(test_a_card_of_the_other_suite_is_refused),
	    T(test_settlements_are_not_mixed_or_replayed),
	    T(test_settlement_is_signed_on_both_sides),
	    T(test_no_flipped_bit_is_booked),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
