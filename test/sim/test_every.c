/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every interleaving of one payment between two purses, and of the settlement
 * of both: in each state that can come about each message that was ever said is
 * given to either card, everything is asked for again, the payment is proved
 * not to be paid, dropped, given up, booked, cleared, relayed, and each card is
 * reset.  In every state the sum is right.  docs/simulator.md.
 *
 * A state is known again by a hash of both purses, of what the issuer has
 * booked and of what was said; a search over it ends by itself.  For that the
 * random bytes of a command follow from the card, the command and its counter.
 *
 * Every commit is cut too: then the purse is the one before or the one after,
 * both of which the search has, with and without what was answered.
 *
 *	JIAOZI_SIM=wide	     three agreements to it
 *	JIAOZI_SIM=two	     two requests, fewer cuts: hours
 *	JIAOZI_SIM_TRACES=D  writes ways through the states into every-SUITE.trace
 *
 * proves: ALL-1 ALL-2 ALL-3 OFP-4 OFP-6 OFP-7
 */
#include "set.h"
#include "sim.h"
#include "../support/stride.h"
#include "../support/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"

#define PAYER	   0u
#define PAYEE	   1u
#define BOTH	   2u
#define FUNDS	   900u
#define AMOUNT	   400u
#define MAIL_MAX   64u
#define FACTS_MAX  16u
#define DEPTH_MAX  256u
#define STATES_MAX (1u << 22) /* a power of two */
#define BOOKS_MAX  512u
#define WAYS_MAX   40u /* traces that are kept */
#define WAYS_EVERY 7u
#define TWO_STRIDE 251u

struct mail {
	uint32_t header; /* of the command that takes it */
	struct sim_key hash;
	struct blob data;
};

struct frame {
	struct rig_snapshot *card[BOTH];
	struct sim_key hash[BOTH];
	struct sim_fact fact[FACTS_MAX];
	size_t facts, mails, trace_len, books;
	uint32_t booked[BOTH];
	uint8_t posted[BOTH][JZ_HASH_BYTES];
	unsigned next; /* the next action to try */
	bool leaf;
};

struct books {
	struct sim_key hash;
	struct sqlite3 *db;
};

struct every {
	struct sim s;
	unsigned hellos, requests, agreements; /* at most */
	uint32_t request_0, agreement_0;
	uint8_t seed[BOTH][JZ_GENERATOR_BYTES];
	struct jz_generator generator[BOTH];
	struct mail mail[MAIL_MAX];
	size_t mails;
	struct sim_key hash[BOTH]; /* of the cards now */
	struct frame *stack;
	size_t depth;
	struct books books[BOOKS_MAX];
	size_t n_books, now; /* which of them the issuer has */
	struct sim_set states, refused, cut;
	unsigned cut_stride;
	unsigned long transitions, leaves, cuts, refusals;
	size_t deepest;
	struct sim_text ways[WAYS_MAX];
	unsigned n_ways;
};

static struct sim_key
hash_of(const struct every *e, const struct jz_span *parts, size_t n)
{
	const struct jz_engine *engine = &e->s.rig.engine;
	uint8_t out[JZ_HASH_BYTES];

	assert_int_equal(engine->crypto->hash(engine->state, parts, n, out), 0);
	return (struct sim_key){jz_get_be(out, 8) | 1, jz_get_be(out + 8, 8)};
}

#define BYTES(x) jz_span(&(x), sizeof(x))

/* ---- a state ------------------------------------------------------------ */

/* What of a card's transient state decides anything. */
static struct sim_key
hash_card(const struct every *e, unsigned card)
{
	const struct rig_card *c = e->s.card[card].rig;
	const struct purse_cod *cod = purse_cod(&c->card.applet[0]);
	const uint8_t open[] = {cod->pin_ok, cod->stage, (uint8_t)card};
	const struct jz_span parts[] = {
	    jz_span(rig_purse(c), sizeof(struct purse_nvm)), BYTES(open),
	    BYTES(cod->batch_first), BYTES(cod->batch_count),
	    BYTES(cod->batch_digest)};

	return hash_of(e, parts, 5);
}

/* What has been posted, in its order: the rest follows from it. */
static struct sim_key
hash_books(const struct every *e)
{
	const struct jz_span parts[] = {
	    BYTES(e->s.card[PAYER].posted), BYTES(e->s.card[PAYEE].posted)};

	return hash_of(e, parts, BOTH);
}

static struct sim_key
hash_state(const struct every *e)
{
	struct sim_key said = {0, 0}, books = hash_books(e);

	for (size_t i = 0; i < e->mails; i++) {
		said.low += e->mail[i].hash.low;
		said.high += e->mail[i].hash.high;
	}
	const struct jz_span parts[] = {BYTES(e->hash[PAYER]),
	    BYTES(e->hash[PAYEE]), BYTES(books), BYTES(said)};

	return hash_of(e, parts, 4);
}

/* The books as they are now, kept once. */
static size_t
keep_books(struct every *e)
{
	struct sim_key h = hash_books(e);

	for (size_t i = 0; i < e->n_books; i++)
		if (sim_same_key(e->books[i].hash, h))
			return i;
	assert_true(e->n_books < BOOKS_MAX);
	e->books[e->n_books] = (struct books){h, sim_save_books(&e->s)};
	return e->n_books++;
}

static void
push(struct every *e)
{
	struct frame *f = &e->stack[e->depth++];

	assert_true(e->depth < DEPTH_MAX && e->s.facts <= FACTS_MAX);
	if (e->depth > e->deepest)
		e->deepest = e->depth;
	memset(f, 0, sizeof(*f));
	for (unsigned i = 0; i < BOTH; i++) {
		f->card[i] = rig_save(e->s.card[i].rig);
		f->hash[i] = e->hash[i];
		f->booked[i] = e->s.card[i].booked;
		memcpy(f->posted[i], e->s.card[i].posted, JZ_HASH_BYTES);
	}
	f->facts = e->s.facts;
	for (size_t i = 0; i < f->facts; i++)
		f->fact[i] = e->s.fact[i];
	f->mails = e->mails;
	f->trace_len = e->s.trace.len;
	f->books = e->now = keep_books(e);
	f->leaf = true;
}

static void
go_back(struct every *e, const struct frame *f)
{
	for (unsigned i = 0; i < BOTH; i++) {
		if (!sim_same_key(e->hash[i], f->hash[i]))
			rig_restore(e->s.card[i].rig, f->card[i]);
		e->hash[i] = f->hash[i];
		e->s.card[i].booked = f->booked[i];
		memcpy(e->s.card[i].posted, f->posted[i], JZ_HASH_BYTES);
	}
	e->s.facts = f->facts;
	for (size_t i = 0; i < f->facts; i++)
		e->s.fact[i] = f->fact[i];
	e->mails = f->mails;
	e->s.trace.len = f->trace_len;
	if (e->now != f->books) {
		sim_restore_books(&e->s, e->books[f->books].db);
		e->now = f->books;
	}
}

/* ---- what a card is told ------------------------------------------------ */

static void
say(struct every *e, uint32_t header, struct jz_span data)
{
	const struct jz_span parts[] = {BYTES(header), data};
	struct sim_key h = hash_of(e, parts, 2);

	if (header == 0 || data.len == 0)
		return;
	for (size_t i = 0; i < e->mails; i++)
		if (sim_same_key(e->mail[i].hash, h))
			return;
	assert_true(e->mails < MAIL_MAX);
	e->mail[e->mails].header = header;
	e->mail[e->mails].hash = h;
	blob_set(&e->mail[e->mails++].data, data);
}

static struct sim_key
question(
    const struct every *e, unsigned card, uint32_t header, struct jz_span data)
{
	const struct jz_span parts[] = {
	    BYTES(e->hash[card]), BYTES(header), data};

	return hash_of(e, parts, 3);
}

/* Random bytes that follow from who is asked what. */
static void
steady(struct every *e, unsigned card, uint32_t header, struct jz_span data)
{
	struct rig_card *c = e->s.card[card].rig;
	const struct jz_span parts[] = {BYTES(card), BYTES(header),
	    BYTES(rig_purse(c)->offline_counter), data};

	memo_rewind(c->memo, hash_of(e, parts, 4).low >> 8 << 8);
	memcpy(c->nvm + offsetof(struct jz_nvm_root, generator), e->seed[card],
	    JZ_GENERATOR_BYTES);
	c->card.generator = e->generator[card];
}

/*
 * The same command again, with the power cut at bytes of its commit: the purse
 * is the one before, or the one after.  (VERIFY has two: test/tear.)
 */
static void
cut_everywhere(struct every *e, unsigned card, uint32_t header,
    struct jz_span data, const struct rig_snapshot *before)
{
	struct rig_card *c = e->s.card[card].rig;
	struct purse_nvm *was = malloc(sizeof(*was));
	struct purse_nvm *is = malloc(sizeof(*is));
	bool cut = true;

	assert_non_null(was);
	assert_non_null(is);
	*is = *rig_purse(c);
	for (uint64_t at = 0; cut; at += e->cut_stride) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		struct answer a;

		rig_restore(c, before);
		*was = *rig_purse(c);
		steady(e, card, header, data);
		plan.cut_after = at;
		plan.keep = at * UINT64_C(0x9E3779B97F4A7C15);
		jz_fault_plan(c->fault, &plan);
		port_send(&c->port, header, data, &a);
		cut = jz_fault_is_cut(c->fault);
		if (!cut)
			break;
		assert_int_equal(rig_reopen(c), 0);
		e->cuts++;
		if (memcmp(rig_purse(c), was, sizeof(*was)) != 0 &&
		    memcmp(rig_purse(c), is, sizeof(*is)) != 0)
			fail_msg("%08X cut at byte %llu: neither before nor "
				 "after",
			    header, (unsigned long long)at);
	}
	jz_fault_power_up(c->fault);
	free(was);
	free(is);
}

/*
 * A command to a card.  What it has refused once in this state it refuses
 * again, so that is not asked twice.
 */
static bool
tell(struct every *e, unsigned card, uint32_t header, struct jz_span data,
    struct answer *a)
{
	struct rig_card *c = e->s.card[card].rig;
	struct sim_key asked = question(e, card, header, data),
		       was = e->hash[card];
	struct rig_snapshot *before;
	size_t at = e->s.trace.len;

	memset(a, 0, offsetof(struct answer, data));
	if (sim_set_has(&e->refused, asked))
		return false;
	before = rig_save(c);
	steady(e, card, header, data);
	sim_command(&e->s, card, header, data, NULL, a);
	e->hash[card] = hash_card(e, card);
	if (a->sw != JZ_SW_OK) {
		e->refusals++;
		if (!sim_same_key(was, e->hash[card]))
			fail_msg("%08X: %04X, and yet something changed",
			    header, a->sw);
		e->s.trace.len = at;
		sim_set_add(&e->refused, asked);
	} else if (header != AT_VERIFY && !sim_same_key(was, e->hash[card]) &&
	    sim_set_add(&e->cut, asked)) {
		struct rig_snapshot *after = rig_save(c);

		cut_everywhere(e, card, header, data, before);
		rig_restore(c, after);
		rig_snapshot_free(&after);
	}
	rig_snapshot_free(&before);
	return a->sw == JZ_SW_OK;
}

static bool
tell_and_keep(
    struct every *e, unsigned card, uint32_t header, struct jz_span data)
{
	struct answer a;

	if (!tell(e, card, header, data, &a))
		return false;
	say(e, sim_next_header(header), answer_span(&a));
	return true;
}

/* ---- actions ------------------------------------------------------------ */

/* The payer's hello, behind the terms of the payee's terminal. */
static bool
greet(struct every *e, struct blob *terms)
{
	struct answer a;
	unsigned said = 0;

	for (size_t i = 0; i < e->mails; i++)
		said += e->mail[i].header == AT_REQUEST;
	if (said >= e->hellos ||
	    !tell(e, PAYER, AT_HELLO, jz_span(NULL, 0), &a))
		return false;
	memcpy(terms->data + terms->len, a.data, a.len);
	terms->len += a.len;
	say(e, AT_REQUEST, blob_span(terms));
	return true;
}

static bool
request(struct every *e)
{
	struct blob terms = terms_of(AMOUNT, BANK_CURRENCY, RIG_NOW, "");

	if (e->s.encrypted)
		return greet(e, &terms);
	if (sim_purse(&e->s, PAYEE)->offline_counter - e->request_0 >=
	    e->requests)
		return false;
	return tell_and_keep(e, PAYEE, AT_REQUEST, blob_span(&terms));
}

static bool
give(struct every *e, const struct mail *m, unsigned card)
{
	if (m->header == AT_REQUEST &&
	    (card == PAYER ||
		sim_purse(&e->s, PAYEE)->offline_counter - e->request_0 >=
		    e->requests))
		return false;
	if (m->header == AT_AGREE &&
	    sim_purse(&e->s, card)->offline_counter - e->agreement_0 >=
		e->agreements)
		return false;
	return tell_and_keep(e, card, m->header, blob_span(&m->data));
}

static bool
fetch(struct every *e, unsigned card, uint32_t header, size_t fact)
{
	struct blob which = fetch_of(e->s.fact[fact].payment.request_digest);

	return tell_and_keep(e, card, header, blob_span(&which));
}

static bool
prove(struct every *e, size_t fact)
{
	struct blob which = question_of(&e->s.fact[fact].payment);

	return tell_and_keep(e, PAYER, AT_PROVE, blob_span(&which));
}

static bool
give_up(struct every *e, bool claim, size_t fact)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};
	const struct jz_payment *p = &e->s.fact[fact].payment;
	struct blob which = fetch_of(p->request_digest);
	struct answer a;

	if (purse_find_pending(sim_purse(&e->s, PAYEE), p->request_digest) ==
	    NULL)
		return false;
	if (!claim && !tell(e, PAYEE, AT_VERIFY, jz_span(pin, sizeof(pin)), &a))
		return false;
	return tell(
	    e, PAYEE, claim ? AT_CLAIM : AT_RELEASE, blob_span(&which), &a);
}

/* The card's sign-in and its batch, which the issuer books; its word on it is
 * said.  Given again, the batch gets the same word. */
static bool
book(struct every *e, unsigned card)
{
	const struct jz_span nothing = jz_span(NULL, 0);
	const struct purse_nvm *p = sim_purse(&e->s, card);
	struct answer a, again;
	struct blob in;

	if (p->first_unsettled == p->next_record)
		return false;
	assert_true(tell(e, card, AT_SETTLE(1), nothing, &a));
	assert_int_equal(
	    sim_office(&e->s, SIM_CHALLENGE, answer_span(&a), &again), 0);
	assert_true(tell(e, card, AT_SETTLE(2), answer_span(&again), &a));
	assert_int_equal(
	    sim_office(&e->s, SIM_SIGN_IN, answer_span(&a), &again), 0);
	assert_true(tell(e, card, AT_SETTLE(3), answer_span(&again), &a));
	assert_true(tell(e, card, AT_SETTLE(4), nothing, &a));
	if (sim_office(&e->s, SIM_BATCH, answer_span(&a), &again) != 0)
		fail_msg("the issuer refuses a batch: %s",
		    jz_refusal_name(e->s.refusal));
	blob_set(&in, answer_span(&again));
	assert_int_equal(
	    sim_office(&e->s, SIM_BATCH, answer_span(&a), &again), 0);
	assert_memory_equal(in.data, again.data, in.len);
	e->now = SIZE_MAX; /* the books are new */
	say(e, AT_SETTLE(5), blob_span(&in));
	return true;
}

static void
say_relayed(struct sim *s, unsigned card, struct jz_span completion, void *arg)
{
	(void)s;
	(void)card;
	say(arg, AT_CREDIT, completion);
}

static bool
relay(struct every *e)
{
	size_t before = e->mails;

	sim_relay(&e->s, PAYEE, say_relayed, e);
	return e->mails != before;
}

static bool
reset(struct every *e, unsigned card)
{
	rig_reset(e->s.card[card].rig);
	sim_say(&e->s, "reset %c\n", e->s.card[card].name);
	e->hash[card] = hash_card(e, card);
	return true;
}

/* Action k of a state; false when it is not allowed, *more when there is none
 * from here on. */
static bool
act(struct every *e, const struct frame *f, unsigned k, bool *more)
{
	*more = true;
	if (k < 6) {
		switch (k) {
		case 0:
			return request(e);
		case 1:
		case 2:
			return book(e, k - 1);
		case 3:
			return relay(e);
		default:
			return reset(e, k - 4);
		}
	}
	k -= 6;
	if (k < BOTH * f->mails) {
		struct mail m = e->mail[k / BOTH];

		return give(e, &m, k % BOTH);
	}
	k -= (unsigned)(BOTH * f->mails);
	if (k < 5 * f->facts) {
		size_t fact = k / 5;

		switch (k % 5) {
		case 0:
			return fetch(e, PAYER, AT_FETCH, fact);
		case 1:
			return fetch(e, PAYEE, AT_FETCH_CONFIRMATION, fact);
		case 2:
			return prove(e, fact);
		default:
			return give_up(e, k % 5 == 3, fact);
		}
	}
	*more = false;
	return false;
}

/* ---- the search --------------------------------------------------------- */

static void
keep_way(struct every *e)
{
	struct sim_text *w = &e->ways[e->n_ways];

	if (e->leaves++ % WAYS_EVERY != 0 || e->n_ways == WAYS_MAX)
		return;
	w->data = malloc(e->s.trace.len);
	assert_non_null(w->data);
	memcpy(w->data, e->s.trace.data, e->s.trace.len);
	w->len = e->s.trace.len;
	e->n_ways++;
}

static void
step_from(struct every *e, struct frame *f)
{
	bool more;

	go_back(e, f);
	if (!act(e, f, f->next++, &more)) {
		if (e->s.wrong[0] != '\0')
			fail_msg("%s", e->s.wrong);
		if (more)
			return;
		if (f->leaf)
			keep_way(e);
		for (unsigned i = 0; i < BOTH; i++)
			rig_snapshot_free(&f->card[i]);
		e->depth--;
		return;
	}
	e->transitions++;
	if (e->s.wrong[0] != '\0') {
		sim_show(&e->s.trace, DEPTH_MAX);
		fail_msg("%s", e->s.wrong);
	}
	if (!sim_set_add(&e->states, hash_state(e)))
		return;
	f->leaf = false;
	push(e);
}

static void
search(struct every *e)
{
	for (unsigned i = 0; i < BOTH; i++)
		e->hash[i] = hash_card(e, i);
	sim_set_add(&e->states, hash_state(e));
	push(e);
	while (e->depth > 0)
		step_from(e, &e->stack[e->depth - 1]);
}

/* ---- the world ---------------------------------------------------------- */

static void
settle_load(struct every *e)
{
	e->hash[PAYER] = hash_card(e, PAYER);
	assert_true(book(e, PAYER));
	assert_true(give(e, &e->mail[0], PAYER));
	e->mails = 0;
}

static void
every_new(struct every *e, enum jz_suite suite, bool encrypted)
{
	const struct sim_terms terms = {.max_balance = 1000,
	    .max_single = 1000,
	    .pin_above = 1000,
	    .max_offline_sum = 10000,
	    .max_offline_count = 10};
	const char *mode = getenv("JIAOZI_SIM");
	bool wide = mode != NULL && strcmp(mode, "wide") == 0;
	bool two = mode != NULL && strcmp(mode, "two") == 0;

	memset(e, 0, sizeof(*e));
	e->requests = two ? 2 : 1;
	e->agreements = wide ? 3 : 2;
	e->cut_stride = two ? TWO_STRIDE : test_stride();
	e->hellos = 2;
	sim_new(&e->s, suite);
	e->s.encrypted = encrypted;
	for (unsigned i = 0; i < BOTH; i++)
		sim_add(&e->s, &terms, false);
	sim_set_new(&e->states, two ? STATES_MAX : STATES_MAX / 16);
	sim_set_new(&e->refused, STATES_MAX / 16);
	sim_set_new(&e->cut, STATES_MAX / 16);
	e->stack = calloc(DEPTH_MAX, sizeof(*e->stack));
	assert_non_null(e->stack);
	for (unsigned i = 0; i < BOTH; i++) {
		const struct rig_card *c = e->s.card[i].rig;

		e->generator[i] = c->card.generator;
		memcpy(e->seed[i],
		    c->nvm + offsetof(struct jz_nvm_root, generator),
		    JZ_GENERATOR_BYTES);
	}
	sim_fund(&e->s, PAYER, FUNDS);
	settle_load(e);
	e->request_0 = sim_purse(&e->s, PAYEE)->offline_counter;
	e->agreement_0 = sim_purse(&e->s, PAYER)->offline_counter;
	sim_begin_trace(&e->s);
}

static void
every_free(struct every *e)
{
	for (size_t i = 0; i < e->n_books; i++)
		sim_free_books(&e->books[i].db);
	for (unsigned i = 0; i < e->n_ways; i++)
		free(e->ways[i].data);
	sim_set_free(&e->states);
	sim_set_free(&e->refused);
	sim_set_free(&e->cut);
	free(e->stack);
	sim_free(&e->s);
}

static void
every_interleaving(bool encrypted)
{
	struct every *e = calloc(1, sizeof(*e));
	const bool gm = test_suite() == JZ_SUITE_GM;
	const char *name = encrypted ? gm ? "gm-encrypted" : "nist-encrypted"
	    : gm		     ? "gm"
				     : "nist";

	assert_non_null(e);
	every_new(e, test_suite(), encrypted);
	search(e);
	print_message(
	    "          %s: %zu states, %lu transitions, %lu refusals, "
	    "%zu books, depth %zu, %lu cuts\n",
	    name, e->states.n, e->transitions, e->refusals, e->n_books,
	    e->deepest, e->cuts);
	assert_true(e->states.n > 100 && e->cuts > 100);
	sim_write_ways(e->ways, e->n_ways, name);
	every_free(e);
	free(e);
}

static void
test_every_interleaving_of_one_payment(void **state)
{
	(void)state;
	every_interleaving(false);
}

/* From the hello on.  proves: OFP-9 */
static void
test_every_interleaving_of_a_sealed_payment(void **state)
{
	(void)state;
	every_interleaving(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_interleaving_of_one_payment),
	    cmocka_unit_test(test_every_interleaving_of_a_sealed_payment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
