/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile channel, step by step.
 */
#include "channel.h"
#include "../../apdu/error.h"
#include "../../apdu/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECENT	     12u
#define WAITING	     4u
#define RECENT_FACTS 8u
#define COMMIT_MAX   900u /* bytes that a commit of a purse writes */
#define AMOUNT_MAX   12000u
#define LOAD_MAX     15000u

enum kind {
	REQUEST,
	AGREEMENT,
	CONFIRMATION,
	COMPLETION,
	RECEIPT,
	PROOF,
	CHALLENGE,
	CONFIRMED,
	PROCESSED,
	PERMISSION,
	HELLO,		 /* encrypted profile; the request answers it */
	SIGN_IN_REQUEST, /* from here on for the issuer */
	SIGN_IN,
	BATCH,
	LOAD_REQUEST,
	REPORT,
	CANCEL,
	NOTHING_,
};

/* What takes a message, and what is its answer. */
static const struct {
	uint32_t header;
	enum sim_office office;
	enum kind answer;
	bool payee; /* it is for the payee's card */
	bool open;  /* unsigned: another one is as good */
} KINDS[] = {
    [REQUEST] = {AT_AGREE, 0, AGREEMENT, false, false},
    [AGREEMENT] = {AT_CONFIRM, 0, CONFIRMATION, true, false},
    [CONFIRMATION] = {AT_COMPLETE, 0, COMPLETION, false, false},
    [COMPLETION] = {AT_CREDIT, 0, RECEIPT, true, false},
    [RECEIPT] = {AT_ACKNOWLEDGE, 0, NOTHING_, false, false},
    [PROOF] = {AT_DROP, 0, NOTHING_, true, false},
    [CHALLENGE] = {AT_SETTLE(2), 0, SIGN_IN, false, true},
    [CONFIRMED] = {AT_SETTLE(3), 0, NOTHING_, false, false},
    [PROCESSED] = {AT_SETTLE(5), 0, NOTHING_, false, false},
    [PERMISSION] = {AT_CREDIT_LOAD, 0, REPORT, false, false},
    [HELLO] = {AT_REQUEST, 0, REQUEST, true, true},
    [SIGN_IN_REQUEST] = {0, SIM_CHALLENGE, CHALLENGE, false, true},
    [SIGN_IN] = {0, SIM_SIGN_IN, CONFIRMED, false, false},
    [BATCH] = {0, SIM_BATCH, PROCESSED, false, false},
    [LOAD_REQUEST] = {0, SIM_PERMIT, PERMISSION, false, false},
    [REPORT] = {0, SIM_REPORT, NOTHING_, false, false},
    [CANCEL] = {0, SIM_CANCEL, NOTHING_, false, false},
};

struct mail {
	enum kind kind;
	unsigned payer, payee; /* where there is one: the card */
	bool delivered;
	size_t len;
	uint8_t *data;
};

struct channel {
	struct sim *s;
	uint64_t state;
	struct mail *mail;
	size_t n, cap;
	bool calm;   /* nothing is lost, cut or altered */
	bool seldom; /* do cards settle */
	struct channel_count count;
};

/* ---- chance ------------------------------------------------------------- */

/* SplitMix64. */
static uint64_t
draw(struct channel *c)
{
	uint64_t z = c->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static unsigned
below(struct channel *c, unsigned n)
{
	return (unsigned)(draw(c) % n);
}

static bool
percent(struct channel *c, unsigned n)
{
	return !c->calm && below(c, 100) < n;
}

static unsigned
any_card(struct channel *c)
{
	return below(c, c->s->n);
}

/* ---- mail --------------------------------------------------------------- */

static void
post(struct channel *c, enum kind kind, unsigned payer, unsigned payee,
    struct jz_span data)
{
	struct mail *m;

	if (kind == NOTHING_ || data.len == 0 || percent(c, 4)) /* lost */
		return;
	if (c->n == c->cap) {
		c->cap = 2 * c->cap + 64;
		c->mail = realloc(c->mail, c->cap * sizeof(*c->mail));
		assert_non_null(c->mail);
	}
	m = &c->mail[c->n++];
	*m = (struct mail){kind, payer, payee, false, data.len, NULL};
	m->data = malloc(data.len);
	assert_non_null(m->data);
	memcpy(m->data, data.data, data.len);
}

/* A command, now and then with a power cut in it.  The SW. */
static uint16_t
command(struct channel *c, unsigned card, uint32_t header, struct jz_span data,
    struct answer *out)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	bool cut = percent(c, 25);
	uint16_t sw;

	if (cut) {
		plan.cut_after = below(c, COMMIT_MAX);
		plan.keep = draw(c);
	}
	sw = sim_command(c->s, card, header, data, cut ? &plan : NULL, out);
	c->count.cuts += cut && sw == JZ_SW_MEMORY_FAILURE;
	c->count.log_full += sw == JZ_SW_LOG_FULL;
	c->count.no_slot += sw == JZ_SW_PENDING;
	c->count.offline_limit += sw == JZ_SW_OFFLINE_LIMIT;
	c->count.balance_limit += sw == JZ_SW_BALANCE_LIMIT;
	return sw;
}

/* CREDIT FOR LOAD's data begins with the date of the permission. */
static struct blob
permission_data(const struct mail *m)
{
	struct blob plain, out;
	struct jz_message p;

	blob_set(&plain, jz_span(m->data, m->len));
	if (jz_message_decode(blob_span(&plain), JZ_KIND_LOAD_PERMISSION, &p) !=
	    0)
		p.payment.time = RIG_NOW;
	out = bank_credit_data(p.payment.time, &plain);
	return out;
}

/* REQUEST's data: terms of the payee's terminal, and the hello. */
static struct blob
answer_data(struct channel *c, const struct mail *m)
{
	struct blob out =
	    terms_of(1 + below(c, AMOUNT_MAX), BANK_CURRENCY, c->s->now, "");

	assert_in_range(out.len + m->len, 1, sizeof(out.data));
	memcpy(out.data + out.len, m->data, m->len);
	out.len += m->len;
	return out;
}

static void
next_batch(struct channel *c, unsigned card)
{
	struct answer a;

	if (command(c, card, AT_SETTLE(4), jz_span(NULL, 0), &a) == JZ_SW_OK)
		post(c, BATCH, card, card, answer_span(&a));
}

/* Hands a message to a card, or to the issuer.  Whether it was taken. */
static bool
deliver(struct channel *c, const struct mail *m, unsigned card)
{
	struct answer a;
	struct blob data;
	bool taken;

	c->count.delivered++;
	if (m->kind >= SIGN_IN_REQUEST) {
		taken = sim_office(c->s, KINDS[m->kind].office,
			    jz_span(m->data, m->len), &a) == 0;
	} else if (m->kind == PERMISSION) {
		data = permission_data(m);
		taken = command(c, card, AT_CREDIT_LOAD, blob_span(&data),
			    &a) == JZ_SW_OK;
	} else if (m->kind == HELLO) {
		data = answer_data(c, m);
		taken = command(c, card, AT_REQUEST, blob_span(&data), &a) ==
		    JZ_SW_OK;
	} else {
		taken = command(c, card, KINDS[m->kind].header,
			    jz_span(m->data, m->len), &a) == JZ_SW_OK;
	}
	if (!taken)
		return false;
	c->count.accepted++;
	post(c, KINDS[m->kind].answer, m->payer, m->payee, answer_span(&a));
	c->count.settled += m->kind == PROCESSED;
	if (m->kind == CONFIRMED || m->kind == PROCESSED)
		next_batch(c, card);
	return true;
}

static unsigned
addressee(const struct mail *m)
{
	return KINDS[m->kind].payee ? m->payee : m->payer;
}

/* As it lies in c->mail, which may move. */
static bool
deliver_at(struct channel *c, size_t i)
{
	struct mail m = c->mail[i];

	c->mail[i].delivered = true;
	return deliver(c, &m, addressee(&m));
}

/* Those of the last that nobody has got. */
static unsigned
waiting(const struct channel *c, size_t at[static 4 * RECENT])
{
	size_t from = c->n > 4 * RECENT ? c->n - 4 * RECENT : 0;
	unsigned n = 0;

	for (size_t i = from; i < c->n; i++)
		if (!c->mail[i].delivered)
			at[n++] = i;
	return n;
}

static void
deliver_new(struct channel *c)
{
	size_t at[4 * RECENT];
	unsigned n = waiting(c, at);

	if (n > 0)
		deliver_at(c, at[below(c, n)]);
}

static size_t
recent(struct channel *c)
{
	size_t n = c->n < RECENT ? c->n : RECENT;

	return c->n - 1 - below(c, (unsigned)n);
}

static void
deliver_to_another(struct channel *c)
{
	struct mail m = c->mail[recent(c)];

	deliver(c, &m, any_card(c));
}

/* One bit turned over, or the end cut off. */
static void
deliver_corrupted(struct channel *c)
{
	struct mail m = c->mail[recent(c)];
	unsigned card = addressee(&m);
	struct purse_nvm before = *sim_purse(c->s, card);
	uint8_t *copy = malloc(m.len);
	unsigned bit = below(c, (unsigned)m.len * 8);
	bool taken;

	assert_non_null(copy);
	memcpy(copy, m.data, m.len);
	m.data = copy;
	if (below(c, 4) == 0)
		m.len = 1 + below(c, (unsigned)m.len - 1);
	else
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	c->count.corrupted++;
	taken = deliver(c, &m, card);
	free(copy);
	if (KINDS[m.kind].open)
		return;
	if (taken || memcmp(&before, sim_purse(c->s, card), sizeof(before)))
		snprintf(c->s->wrong, sizeof(c->s->wrong),
		    "a corrupted message of kind %d was taken", m.kind);
}

/* ---- what terminals begin ------------------------------------------------ */

static void
begin_payment(struct channel *c)
{
	/* The last is the merchant. */
	unsigned payee =
	    c->seldom && below(c, 2) == 0 ? c->s->n - 1 : any_card(c);
	unsigned payer = any_card(c);
	struct answer a;
	struct blob terms =
	    terms_of(1 + below(c, AMOUNT_MAX), BANK_CURRENCY, c->s->now, "");

	if (payer == payee && below(c, 8) != 0)
		payer = (payer + 1) % c->s->n;
	if (c->s->encrypted) {
		if (command(c, payer, AT_HELLO, jz_span(NULL, 0), &a) ==
		    JZ_SW_OK)
			post(c, HELLO, payer, payee, answer_span(&a));
		return;
	}
	if (command(c, payee, AT_REQUEST, blob_span(&terms), &a) == JZ_SW_OK)
		post(c, REQUEST, payer, payee, answer_span(&a));
}

static void
begin_settlement(struct channel *c, unsigned card)
{
	struct answer a;

	if (command(c, card, AT_SETTLE(1), jz_span(NULL, 0), &a) == JZ_SW_OK)
		post(c, SIGN_IN_REQUEST, card, card, answer_span(&a));
}

static void
verify(struct channel *c, unsigned card)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};

	command(c, card, AT_VERIFY, jz_span(pin, sizeof(pin)), NULL);
}

/* The proof that this card has, to the issuer, as a host must before the next
 * load. */
static void
bring_proof(struct channel *c, unsigned card)
{
	struct answer proof, a;

	if (sim_command(c->s, card, AT_CANCEL, jz_span(NULL, 0), NULL,
		&proof) == JZ_SW_OK)
		sim_office(c->s, SIM_CANCEL, answer_span(&proof), &a);
}

static void
begin_load(struct channel *c)
{
	unsigned card = any_card(c);
	const struct purse_load *open = &sim_purse(c->s, card)->load;
	uint32_t amount = 1 + below(c, LOAD_MAX);
	struct blob data;
	struct answer a;

	if (open->open == LOAD_CANCELLED)
		bring_proof(c, card);
	if (open->open == LOAD_OPEN)
		amount = (uint32_t)open->amount;
	data = load_of(amount);
	verify(c, card);
	if (command(c, card, AT_INITIALIZE, blob_span(&data), &a) == JZ_SW_OK)
		post(c, LOAD_REQUEST, card, card,
		    jz_span(
			a.data + SIM_FIELDS_BEFORE, a.len - SIM_FIELDS_BEFORE));
}

static void
cancel_load(struct channel *c)
{
	unsigned card = any_card(c);
	struct answer a;

	if (command(c, card, AT_CANCEL, jz_span(NULL, 0), &a) == JZ_SW_OK)
		post(c, CANCEL, card, card, answer_span(&a));
}

/* ---- recovery ----------------------------------------------------------- */

/* A payment of late. */
static bool
some_payment(struct channel *c, struct jz_payment *p)
{
	size_t n = c->s->facts < RECENT_FACTS ? c->s->facts : RECENT_FACTS;

	if (n == 0)
		return false;
	*p = c->s->fact[c->s->facts - 1 - below(c, (unsigned)n)].payment;
	return true;
}

static void
fetch(struct channel *c, uint32_t header, enum kind kind)
{
	struct jz_payment p;
	struct answer a;
	struct blob which;
	unsigned payer, payee;

	if (!some_payment(c, &p))
		return;
	payer = sim_find(c->s, p.payer_id);
	payee = sim_find(c->s, p.payee_id);
	which = fetch_of(p.request_digest);
	if (command(c, kind == COMPLETION ? payer : payee, header,
		blob_span(&which), &a) == JZ_SW_OK)
		post(c, kind, payer, payee, answer_span(&a));
}

static uint16_t
prove(struct channel *c, const struct jz_payment *p)
{
	unsigned payer = sim_find(c->s, p->payer_id);
	struct blob question = question_of(p);
	struct answer a;
	uint16_t sw = command(c, payer, AT_PROVE, blob_span(&question), &a);

	if (sw == JZ_SW_OK)
		post(c, PROOF, payer, sim_find(c->s, p->payee_id),
		    answer_span(&a));
	return sw;
}

static void
prove_some(struct channel *c)
{
	struct jz_payment p;

	if (some_payment(c, &p))
		prove(c, &p);
}

static void
abandon(struct channel *c, unsigned payee, const uint8_t *digest, bool claim)
{
	struct blob which = fetch_of(digest);

	if (!claim)
		verify(c, payee);
	if (command(c, payee, claim ? AT_CLAIM : AT_RELEASE, blob_span(&which),
		NULL) == JZ_SW_OK)
		c->count.given_up++;
}

static void
abandon_some(struct channel *c)
{
	struct jz_payment p;

	if (some_payment(c, &p))
		abandon(c, sim_find(c->s, p.payee_id), p.request_digest,
		    below(c, 2) == 0);
}

static void
post_relayed(struct sim *s, unsigned card, struct jz_span completion, void *arg)
{
	struct jz_message m;

	assert_int_equal(
	    jz_message_decode(completion, JZ_KIND_COMPLETION, &m), 0);
	post(
	    arg, COMPLETION, sim_find(s, m.payment.payer_id), card, completion);
}

/* ---- the adversary ------------------------------------------------------ */

static void
go_on(struct channel *c)
{
	unsigned what = below(c, 100);

	if (what < 76 || c->n == 0)
		deliver_new(c);
	else if (what < 80)
		deliver_at(c, recent(c));
	else if (what < 84)
		deliver_at(c, below(c, (unsigned)c->n));
	else if (what < 88)
		deliver_to_another(c);
	else
		deliver_corrupted(c);
}

static void
begin(struct channel *c)
{
	switch (below(c, 16)) {
	case 0:
	case 1:
	case 2:
		if (!c->seldom || below(c, 40) == 0)
			begin_settlement(c, any_card(c));
		break;
	case 3:
		begin_load(c);
		break;
	case 4:
		cancel_load(c);
		break;
	case 5:
		fetch(c, AT_FETCH, COMPLETION);
		break;
	case 6:
		fetch(c, AT_FETCH_CONFIRMATION, CONFIRMATION);
		break;
	case 7:
		prove_some(c);
		break;
	case 8:
		abandon_some(c);
		break;
	case 9:
		sim_relay(c->s, any_card(c), post_relayed, c);
		break;
	case 10:
		verify(c, any_card(c));
		break;
	case 11:
		sim_reset(c->s, any_card(c));
		c->count.resets++;
		break;
	case 12:
		sim_set_time(c->s, c->s->now + below(c, 600));
		break;
	default:
		begin_payment(c);
		break;
	}
}

bool
channel_step(struct channel *c)
{
	size_t unused[4 * RECENT];

	unsigned n = waiting(c, unused);

	/* Few at a time, or each puts an end to the others. */
	if (n == 0 || (n < WAITING && below(c, 5) == 0))
		begin(c);
	else
		go_on(c);
	return c->s->wrong[0] == '\0';
}

/* ---- the end ------------------------------------------------------------ */

/* Delivers what is waiting from here on, and what comes of it. */
static void
drain(struct channel *c, size_t from)
{
	for (size_t i = from; i < c->n; i++)
		if (!c->mail[i].delivered)
			deliver_at(c, i);
}

static void
settle_all(struct channel *c)
{
	for (unsigned i = 0; i < c->s->n; i++) {
		size_t from = c->n;

		begin_settlement(c, i);
		drain(c, from);
		sim_relay(c->s, i, post_relayed, c);
		drain(c, from);
	}
}

/* Proof and drop, or the completion, or else the issuer shall decide. */
static void
end_pending(struct channel *c, unsigned card, const struct purse_pending *e)
{
	const struct purse_nvm *p = sim_purse(c->s, card);
	size_t from = c->n;
	struct jz_payment pay;

	purse_payment_load(p, &pay, &e->payment, PURSE_PAYEE);
	prove(c, &pay);
	drain(c, from);
	if (e->used != 0)
		abandon(c, card, pay.request_digest, true);
}

bool
channel_finish(struct channel *c)
{
	struct jz_books b;
	uint64_t balances = 0;

	c->calm = true;
	for (unsigned i = 0; i < c->s->n; i++) {
		if (sim_purse(c->s, i)->load.open != LOAD_NONE)
			bring_proof(c, i);
	}
	settle_all(c);
	for (unsigned i = 0; i < c->s->n; i++)
		for (unsigned k = 0; k < JZ_PURSE_PENDING; k++)
			if (sim_purse(c->s, i)->pending[k].used != 0)
				end_pending(
				    c, i, &sim_purse(c->s, i)->pending[k]);
	settle_all(c);
	assert_int_equal(jz_issuer_books(c->s->issuer, &b), 0);
	for (unsigned i = 0; i < c->s->n; i++)
		balances += sim_purse(c->s, i)->balance;
	if (c->s->wrong[0] == '\0' &&
	    (b.transit_payment != 0 || b.transit_load != 0 ||
		(uint64_t)b.cards != balances))
		snprintf(c->s->wrong, sizeof(c->s->wrong),
		    "at the end: %lld and %lld in transit, shadows %lld, "
		    "balances %llu",
		    (long long)b.transit_payment, (long long)b.transit_load,
		    (long long)b.cards, (unsigned long long)balances);
	return c->s->wrong[0] == '\0';
}

/* ---- the handle --------------------------------------------------------- */

struct channel *
channel_new(struct sim *s, uint64_t seed)
{
	struct channel *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->s = s;
	c->state = seed;
	c->seldom = seed % 2 == 0;
	return c;
}

void
channel_free(struct channel **c)
{
	for (size_t i = 0; i < (*c)->n; i++)
		free((*c)->mail[i].data);
	free((*c)->mail);
	free(*c);
	*c = NULL;
}

struct channel_count
channel_count(const struct channel *c)
{
	struct channel_count n = c->count;

	for (size_t i = 0; i < c->s->facts; i++)
		n.payments += (c->s->fact[i].bits &
				  (SIM_RECEIVED | SIM_BOOK_RECEIVED)) != 0;
	return n;
}
