/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the world: a command to a card, a message to the issuer.
 */
#include "sim.h"
#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_MAX_ 160u

/* ---- the trace ---------------------------------------------------------- */

void
sim_say(struct sim *s, const char *format, ...)
{
	struct sim_text *t = &s->trace;
	va_list args;
	int n;

	if (t->cap - t->len < LINE_MAX_) {
		t->cap = 2 * t->cap + 4 * LINE_MAX_;
		t->data = realloc(t->data, t->cap);
		assert_non_null(t->data);
	}
	va_start(args, format);
	n = vsnprintf(t->data + t->len, LINE_MAX_, format, args);
	va_end(args);
	assert_true(n > 0 && (size_t)n < LINE_MAX_);
	t->len += (size_t)n;
}

void
sim_show(const struct sim_text *t, unsigned lines)
{
	size_t from = t->len;

	while (from > 0 && lines > 0)
		if (t->data[--from] == '\n' && from + 1 < t->len &&
		    --lines == 0)
			from++;
	fwrite(t->data + from, 1, t->len - from, stderr);
}

void
sim_say_payment(struct sim *s, const char *verb, const struct jz_payment *p)
{
	unsigned payer = sim_find(s, p->payer_id);
	unsigned payee = sim_find(s, p->payee_id);

	assert_true(payer < s->n && payee < s->n);
	sim_say(s, "%s %c %u %c %u\n", verb, s->card[payer].name,
	    p->payer_counter, s->card[payee].name, p->payee_counter);
}

/* ---- a card ------------------------------------------------------------- */

uint16_t
sim_command(struct sim *s, unsigned card, uint32_t header, struct jz_span data,
    const struct jz_fault_plan *plan, struct answer *out)
{
	struct rig_card *c = s->card[card].rig;
	struct purse_nvm before = *rig_purse(c);
	struct answer own;

	out = out == NULL ? &own : out;
	if (plan != NULL)
		jz_fault_plan(c->fault, plan);
	port_send(&c->port, header, data, out);
	if (plan != NULL && jz_fault_is_cut(c->fault)) {
		/* It says that, if anything, and nobody hears it. */
		assert_int_equal(out->sw, JZ_SW_MEMORY_FAILURE);
		out->len = 0;
		rig_restart(c);
		sim_note(s, card, &before, 0, data, false);
		sim_say(s, "reset %c\n", s->card[card].name);
	} else {
		if (plan != NULL)
			jz_fault_power_up(c->fault);
		sim_note(s, card, &before, header, data, out->sw == JZ_SW_OK);
	}
	s->steps++;
	sim_check(s);
	return out->sw;
}

void
sim_reset(struct sim *s, unsigned card)
{
	rig_restart(s->card[card].rig);
	sim_say(s, "reset %c\n", s->card[card].name);
	s->steps++;
	sim_check(s);
}

uint32_t
sim_next_header(uint32_t header)
{
	switch (header) {
	case AT_FETCH:
		return AT_CREDIT;
	case AT_FETCH_CONFIRMATION:
		return AT_COMPLETE;
	case AT_PROVE:
		return AT_DROP;
	case AT_REQUEST:
	case AT_AGREE:
	case AT_CONFIRM:
	case AT_COMPLETE:
	case AT_CREDIT:
		return header + 0x10000u;
	default:
		return 0;
	}
}

/* ---- the issuer --------------------------------------------------------- */

static const char *
verb_of(const struct jz_message *record, bool book)
{
	switch (record->kind) {
	case JZ_KIND_RECORD_PAID:
		return book ? "book_paid" : "clear_paid";
	case JZ_KIND_RECORD_RECEIVED:
		return book ? "book_received" : "clear_received";
	default:
		if (record->outcome == JZ_OUTCOME_CLAIM)
			return book ? "book_claim" : "clear_claim";
		return book ? "book_release" : "clear_release";
	}
}

/* A record of a batch that the issuer has taken. */
static void
note_record(
    struct sim *s, unsigned card, uint32_t number, const struct jz_message *r)
{
	struct sim_card *c = &s->card[card];

	if (number <= c->booked) {
		if (r->kind == JZ_KIND_RECORD_LOAD)
			sim_say(s, "book_load_again %c %u\n", c->name,
			    r->online_counter);
		return;
	}
	c->booked = number;
	if (r->kind == JZ_KIND_RECORD_LOAD) {
		/* The report may have come by itself. */
		bool again = false;

		for (size_t i = 0; i < s->loads; i++)
			again |= s->load[i].card == card &&
			    s->load[i].counter == r->online_counter &&
			    s->load[i].story.state == JZ_LOAD_REPORTED;
		sim_say(s, "%s %c %u\n",
		    again ? "book_load_again" : "book_load", c->name,
		    r->online_counter);
		return;
	}
	sim_say_payment(s, verb_of(r, true), &r->payment);
	if (r->kind == JZ_KIND_RECORD_EXCEPTION)
		sim_fact(s, &r->payment)->bits |= SIM_BOOK_GIVEN_UP;
}

static void
hash_posted(struct sim *s, struct sim_card *c, struct jz_span record)
{
	const struct jz_engine *e = &s->rig.engine;
	const struct jz_span parts[] = {
	    jz_span(c->posted, sizeof(c->posted)), record};
	uint8_t out[JZ_HASH_BYTES];

	assert_int_equal(e->crypto->hash(e->state, parts, 2, out), 0);
	memcpy(c->posted, out, sizeof(out));
}

static void
note_batch(struct sim *s, struct jz_span in)
{
	struct jz_message batch, r;
	struct jz_cursor c;
	struct jz_tlv t;
	uint32_t number;
	unsigned card;

	assert_int_equal(jz_message_decode(in, JZ_KIND_BATCH, &batch), 0);
	card = sim_find(s, batch.card_id);
	assert_true(card < s->n);
	c = jz_cursor(batch.records);
	for (number = batch.record; jz_tlv_next(&c, &t) == 0; number++) {
		assert_int_equal(
		    jz_message_decode(t.whole, jz_message_peek(t.whole), &r),
		    0);
		if (number > s->card[card].booked)
			hash_posted(s, &s->card[card], t.whole);
		note_record(s, card, number, &r);
	}
}

static struct sim_load *
load_of_card(struct sim *s, const struct jz_message *m)
{
	unsigned card = sim_find(s, m->card_id);

	assert_true(card < s->n);
	for (size_t i = 0; i < s->loads; i++)
		if (s->load[i].card == card &&
		    s->load[i].counter == m->online_counter)
			return &s->load[i];
	if (s->loads == s->loads_cap) {
		s->loads_cap = 2 * s->loads_cap + 16;
		s->load = realloc(s->load, s->loads_cap * sizeof(*s->load));
		assert_non_null(s->load);
	}
	s->load[s->loads] =
	    (struct sim_load){.card = card, .counter = m->online_counter};
	return &s->load[s->loads++];
}

/* What the issuer has taken of a load: the first time, or again. */
static void
note_load(struct sim *s, enum sim_office what, struct jz_span in)
{
	static const struct {
		enum jz_kind kind;
		enum jz_load_state done;
		const char *first, *again;
	} SAYS[] = {
	    [SIM_PERMIT] = {JZ_KIND_LOAD_REQUEST, JZ_LOAD_PERMITTED, "permit",
		"permit_again"},
	    [SIM_REPORT] = {JZ_KIND_LOAD_REPORT, JZ_LOAD_REPORTED, "book_load",
		"book_load_again"},
	    [SIM_CANCEL] = {JZ_KIND_LOAD_CANCEL, JZ_LOAD_CANCELLED,
		"refund_load", "refund_again"},
	};
	struct sim_load *l;
	struct jz_message m;
	bool again;

	assert_int_equal(jz_message_decode(in, SAYS[what].kind, &m), 0);
	l = load_of_card(s, &m);
	again = l->story.state == SAYS[what].done ||
	    (what == SIM_PERMIT && l->story.state == JZ_LOAD_REPORTED);
	sim_say(s, "%s %c %u\n", again ? SAYS[what].again : SAYS[what].first,
	    s->card[l->card].name, l->counter);
}

int
sim_office(
    struct sim *s, enum sim_office what, struct jz_span in, struct answer *out)
{
	struct jz_buffer b = jz_buffer(out->data, sizeof(out->data));
	int err = JZ_ERR_INTERNAL;

	switch (what) {
	case SIM_CHALLENGE:
		err = jz_issuer_challenge(s->issuer, in, &b);
		break;
	case SIM_SIGN_IN:
		err = jz_issuer_sign_in(s->issuer, in, &b);
		break;
	case SIM_BATCH:
		err = jz_issuer_batch(s->issuer, in, &b);
		break;
	case SIM_PERMIT:
		err = jz_issuer_load_permit(s->issuer, in, &b);
		break;
	case SIM_REPORT:
		err = jz_issuer_load_report(s->issuer, in);
		break;
	case SIM_CANCEL:
		err = jz_issuer_load_cancel(s->issuer, in);
		break;
	}
	out->len = b.len;
	s->refusal = jz_issuer_refusal(s->issuer);
	if (err != 0 && err != JZ_ERR_REFUSED)
		fail_msg("the issuer fails: %s", jz_error_name(err));
	if (err == 0 && what == SIM_BATCH)
		note_batch(s, in);
	else if (err == 0 && what >= SIM_PERMIT)
		note_load(s, what, in);
	if (err == 0 && what >= SIM_BATCH)
		sim_read_books(s);
	s->steps++;
	sim_check(s);
	return err;
}

struct relaying {
	size_t n;
	struct blob completion[8];
};

static int
keep_completion(struct jz_span completion, void *arg)
{
	struct relaying *r = arg;

	if (r->n == sizeof(r->completion) / sizeof(r->completion[0]))
		return 1;
	blob_set(&r->completion[r->n++], completion);
	return 0;
}

void
sim_relay(struct sim *s, unsigned card,
    void (*each)(
	struct sim *s, unsigned card, struct jz_span completion, void *arg),
    void *arg)
{
	struct relaying r = {0};
	struct jz_message m;

	assert_in_range(jz_issuer_each_owed(
			    s->issuer, s->card[card].id, keep_completion, &r),
	    0, 1);
	for (size_t i = 0; i < r.n; i++) {
		assert_int_equal(jz_message_decode(blob_span(&r.completion[i]),
				     JZ_KIND_COMPLETION, &m),
		    0);
		sim_say_payment(s, "relay", &m.payment);
		each(s, card, blob_span(&r.completion[i]), arg);
	}
}

void
sim_fund(struct sim *s, unsigned card, uint32_t amount)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};
	struct blob data = load_of(amount);
	struct answer a, b;

	sim_command(s, card, AT_VERIFY, jz_span(pin, sizeof(pin)), NULL, NULL);
	sim_command(s, card, AT_INITIALIZE, blob_span(&data), NULL, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	assert_int_equal(
	    sim_office(s, SIM_PERMIT,
		jz_span(a.data + SIM_FIELDS_BEFORE, a.len - SIM_FIELDS_BEFORE),
		&b),
	    0);
	blob_set(&data, answer_span(&b));
	data = bank_credit_data(s->now, &data);
	assert_int_equal(
	    sim_command(s, card, AT_CREDIT_LOAD, blob_span(&data), NULL, &a),
	    JZ_SW_OK);
	assert_int_equal(sim_office(s, SIM_REPORT, answer_span(&a), &b), 0);
}
