/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a step has changed in a purse, as steps of the model: by the purse
 * before and after, whatever the card has answered; and where it has answered
 * and nothing changed, what was said again.
 */
#include "sim.h"
#include "../../apdu/tlv.h"
#include "../../keys/signed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct note {
	struct sim *s;
	unsigned card;
	const struct purse_nvm *was, *is;
};

static void
say_kept(struct note *n, const char *verb, const struct purse_nvm *p,
    const struct purse_payment *kept, enum purse_side own)
{
	struct jz_payment pay;

	purse_payment_load(p, &pay, kept, own);
	sim_say_payment(n->s, verb, &pay);
}

static const char *
made(const struct purse_record *r)
{
	switch (r->type) {
	case JZ_TYPE_EP_PURCHASE:
		return "complete";
	case JZ_TYPE_EP_RECEIVED:
		return "credit";
	case JZ_TYPE_EP_CLAIMED:
		return "claim";
	default:
		return "release";
	}
}

static const char *
cleared(const struct purse_record *r)
{
	switch (r->type) {
	case JZ_TYPE_EP_PURCHASE:
		return "clear_paid";
	case JZ_TYPE_EP_RECEIVED:
		return "clear_received";
	case JZ_TYPE_EP_CLAIMED:
		return "clear_claim";
	default:
		return "clear_release";
	}
}

static void
say_record(struct note *n, const struct purse_nvm *p,
    const struct purse_record *r, bool clear)
{
	char name = n->s->card[n->card].name;

	if (r->type == JZ_TYPE_EP_LOAD) {
		sim_say(n->s, "%s %c %u\n",
		    clear ? "clear_load" : "credit_load", name,
		    r->payment.payee_counter);
		return;
	}
	say_kept(n, clear ? cleared(r) : made(r), p, &r->payment,
	    purse_paid(r) ? PURSE_PAYER : PURSE_PAYEE);
}

/* Requests and agreements, each of which has taken a counter. */
static bool
note_counters(struct note *n)
{
	const struct purse_nvm *is = n->is;
	char name = n->s->card[n->card].name;

	if (is->offline_counter == n->was->offline_counter)
		return false;
	if (is->agreement.open != 0 &&
	    is->agreement.payment.payer_counter == is->offline_counter)
		say_kept(n, "agree", is, &is->agreement.payment, PURSE_PAYER);
	else if (is->request.counter == is->offline_counter)
		sim_say(n->s, "request %c %u %llu\n", name, is->request.counter,
		    (unsigned long long)is->request.amount);
	else
		snprintf(n->s->wrong, sizeof(n->s->wrong),
		    "card %c: a counter rose for nothing", name);
	return true;
}

static bool
has_pending(const struct purse_nvm *p, const struct purse_pending *e)
{
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0 &&
		    memcmp(p->pending[i].payment.request_digest,
			e->payment.request_digest, JZ_DIGEST_BYTES) == 0)
			return true;
	return false;
}

/* New entries, and those that are gone without a record. */
static bool
note_pending(struct note *n)
{
	bool recorded = n->is->next_record != n->was->next_record;
	bool found = false;

	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++) {
		const struct purse_pending *is = &n->is->pending[i];
		const struct purse_pending *was = &n->was->pending[i];

		if (is->used != 0 && !has_pending(n->was, is)) {
			say_kept(
			    n, "confirm", n->is, &is->payment, PURSE_PAYEE);
			found = true;
		}
		if (was->used != 0 && !has_pending(n->is, was) && !recorded) {
			say_kept(n, "drop", n->was, &was->payment, PURSE_PAYEE);
			found = true;
		}
	}
	return found;
}

static bool
note_records(struct note *n)
{
	for (uint32_t k = n->was->next_record; k < n->is->next_record; k++)
		say_record(n, n->is, purse_slot(n->is, k), false);
	for (uint32_t k = n->was->first_unsettled; k < n->is->first_unsettled;
	     k++)
		say_record(n, n->was, purse_slot(n->was, k), true);
	return n->is->next_record != n->was->next_record ||
	    n->is->first_unsettled != n->was->first_unsettled;
}

static bool
note_load(struct note *n)
{
	char name = n->s->card[n->card].name;
	const struct purse_load *is = &n->is->load, *was = &n->was->load;

	if (is->open == LOAD_OPEN && is->counter != was->counter)
		sim_say(n->s, "open_load %c %u %llu\n", name, is->counter,
		    (unsigned long long)is->amount);
	else if (is->open == LOAD_CANCELLED && was->open == LOAD_OPEN)
		sim_say(n->s, "cancel_load %c %u\n", name, is->counter);
	else
		return false;
	return true;
}

/* An agreement that is gone, and neither paid nor replaced: proved. */
static bool
note_proof(struct note *n)
{
	if (n->was->agreement.open == 0 || n->is->agreement.open != 0 ||
	    n->is->next_record != n->was->next_record)
		return false;
	say_kept(n, "prove", n->was, &n->was->agreement.payment, PURSE_PAYER);
	return true;
}

/* ---- said again --------------------------------------------------------- */

static const struct purse_payment *
payment_of_digest(const struct purse_nvm *p, const uint8_t *digest, bool entry)
{
	const struct purse_record *r;
	const struct purse_pending *e;

	if (entry) {
		e = purse_find_pending(p, digest);
		return e == NULL ? NULL : &e->payment;
	}
	r = purse_find_record(p, JZ_TYPE_EP_PURCHASE, digest);
	if (r == NULL)
		r = purse_find_record(p, JZ_TYPE_EP_RECEIVED, digest);
	return r == NULL ? NULL : &r->payment;
}

/* The digest that a sealed message, or a question, is about. */
static bool
digest_of(struct jz_span data, uint8_t digest[static JZ_DIGEST_BYTES])
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_sealed sealed;

	if (jz_sealed_parse(data, &sealed) == 0) {
		memcpy(digest, sealed.request_digest, JZ_DIGEST_BYTES);
		return true;
	}
	return jz_tlv_expect_bytes(
		   &c, JZ_TAG_REQUEST_DIGEST, digest, JZ_DIGEST_BYTES) == 0;
}

static void
say_proof_again(struct note *n, struct jz_span data)
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_payment p = {0};
	uint64_t payee, payer;

	assert_int_equal(
	    jz_tlv_expect_bytes(&c, JZ_TAG_PAYEE_ID, p.payee_id, JZ_ID_BYTES),
	    0);
	assert_int_equal(
	    jz_tlv_expect_uint(&c, JZ_TAG_PAYEE_COUNTER, 4, &payee), 0);
	assert_int_equal(
	    jz_tlv_expect_uint(&c, JZ_TAG_PAYER_COUNTER, 4, &payer), 0);
	memcpy(p.payer_id, n->is->id, JZ_ID_BYTES);
	p.payee_counter = (uint32_t)payee;
	p.payer_counter = (uint32_t)payer;
	sim_say_payment(n->s, "prove", &p);
}

static void
note_again(struct note *n, uint32_t header, struct jz_span data)
{
	static const struct {
		uint32_t header;
		const char *verb;
		bool entry;
	} AGAIN[] = {
	    {AT_CONFIRM, "confirm_again", true},
	    {AT_CREDIT, "credit_again", false},
	    {0x80767200u, "fetch_confirmation", true},
	    {AT_FETCH, "fetch_completion", false},
	    {AT_ACKNOWLEDGE, "acknowledge", false},
	};
	char name = n->s->card[n->card].name;
	const struct purse_payment *kept = NULL;
	uint8_t digest[JZ_DIGEST_BYTES];

	if (header == AT_PROVE)
		say_proof_again(n, data);
	if (header == AT_INITIALIZE)
		sim_say(n->s, "open_again %c %u\n", name, n->is->load.counter);
	if (header == AT_CANCEL)
		sim_say(
		    n->s, "cancel_again %c %u\n", name, n->is->load.counter);
	for (size_t i = 0; i < sizeof(AGAIN) / sizeof(AGAIN[0]); i++) {
		if (header != AGAIN[i].header || !digest_of(data, digest))
			continue;
		kept = payment_of_digest(n->is, digest, AGAIN[i].entry);
		if (kept == NULL)
			continue;
		say_kept(n, AGAIN[i].verb, n->is, kept,
		    header == AT_FETCH || header == AT_ACKNOWLEDGE
			? PURSE_PAYER
			: PURSE_PAYEE);
	}
}

void
sim_note(struct sim *s, unsigned card, const struct purse_nvm *before,
    uint32_t header, struct jz_span data, bool accepted)
{
	struct note n = {s, card, before, sim_purse(s, card)};
	bool changed = note_counters(&n);

	changed |= note_pending(&n);
	changed |= note_records(&n);
	changed |= note_load(&n);
	if (!changed)
		changed = note_proof(&n);
	if (accepted && !changed)
		note_again(&n, header, data);
}
