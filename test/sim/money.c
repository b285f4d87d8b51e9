/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of all money: what the accounts have, what the purses have, and what
 * is on its way, found on cards and in the issuer's books alone.
 */
#include "sim.h"
#include "../../apdu/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool wrong(struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool
wrong(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->wrong[0] != '\0')
		return false;
	va_start(args, format);
	vsnprintf(s->wrong, sizeof(s->wrong), format, args);
	va_end(args);
	return false;
}

struct sim_fact *
sim_fact(struct sim *s, const struct jz_payment *p)
{
	/* The newest are asked about most. */
	for (size_t i = s->facts; i-- > 0;)
		if (memcmp(s->fact[i].payment.request_digest, p->request_digest,
			JZ_DIGEST_BYTES) == 0 &&
		    s->fact[i].payment.payer_counter == p->payer_counter &&
		    memcmp(s->fact[i].payment.payer_id, p->payer_id,
			JZ_ID_BYTES) == 0)
			return &s->fact[i];
	if (s->facts == s->facts_cap) {
		s->facts_cap = 2 * s->facts_cap + 64;
		s->fact = realloc(s->fact, s->facts_cap * sizeof(*s->fact));
		assert_non_null(s->fact);
	}
	s->fact[s->facts] = (struct sim_fact){.payment = *p};
	return &s->fact[s->facts++];
}

/* ---- the books ---------------------------------------------------------- */

static int
read_payment(const struct jz_payment_story *story, void *arg)
{
	struct sim *s = arg;
	struct sim_fact *f = sim_fact(s, &story->payment);
	unsigned out = f->bits & SIM_BOOK_OUT;

	f->bits &=
	    ~(unsigned)(SIM_BOOK_PAID | SIM_BOOK_RECEIVED | SIM_BOOK_OUT);
	f->bits |= (story->from_payer ? SIM_BOOK_PAID : 0u) |
	    (story->from_payee ? SIM_BOOK_RECEIVED : 0u) |
	    (story->paid_out ? SIM_BOOK_OUT : 0u) |
	    (story->outcome == JZ_OUTCOME_CLAIM ? SIM_BOOK_CLAIM : 0u);
	if (story->outcome != 0)
		f->bits |= SIM_BOOK_GIVEN_UP;
	if (story->paid_out && out == 0)
		sim_say_payment(s,
		    story->outcome == JZ_OUTCOME_CLAIM ? "pay" : "refund",
		    &story->payment);
	return 0;
}

void
sim_read_books(struct sim *s)
{
	struct jz_books b;

	assert_int_equal(jz_issuer_each_payment(s->issuer, read_payment, s), 0);
	for (size_t i = 0; i < s->loads; i++) {
		struct sim_load *l = &s->load[i];

		if (l->story.state == JZ_LOAD_REPORTED ||
		    l->story.state == JZ_LOAD_CANCELLED)
			continue;
		assert_int_equal(
		    jz_issuer_load_story(
			s->issuer, s->card[l->card].id, l->counter, &l->story),
		    0);
	}
	assert_int_equal(jz_issuer_books(s->issuer, &b), 0);
	if (!b.balanced)
		wrong(s, "the books: %s", jz_issuer_detail(s->issuer));
}

/* What a customer has: the deposit, less the loads permitted and not given
 * back, and what was paid out to who should have it. */
static uint64_t
owed_to(const struct sim *s, unsigned card)
{
	uint64_t sum = SIM_DEPOSIT;

	for (size_t i = 0; i < s->loads; i++)
		if (s->load[i].card == card &&
		    (s->load[i].story.state == JZ_LOAD_PERMITTED ||
			s->load[i].story.state == JZ_LOAD_REPORTED))
			sum -= s->load[i].story.amount_minor;
	for (size_t i = 0; i < s->facts; i++) {
		const struct sim_fact *f = &s->fact[i];
		const uint8_t *to = (f->bits & SIM_BOOK_CLAIM) != 0
		    ? f->payment.payee_id
		    : f->payment.payer_id;

		if ((f->bits & SIM_BOOK_OUT) != 0 &&
		    memcmp(to, s->card[card].id, JZ_ID_BYTES) == 0)
			sum += f->payment.amount;
	}
	return sum;
}

static uint64_t
in_accounts(struct sim *s)
{
	uint64_t sum = 0;
	int64_t one;

	for (unsigned i = 0; i < s->n; i++) {
		assert_int_equal(jz_issuer_account_balance(
				     s->issuer, s->card[i].account, &one),
		    0);
		if ((uint64_t)one != owed_to(s, i))
			wrong(s, "account %s has %lld", s->card[i].account,
			    (long long)one);
		sum += (uint64_t)one;
	}
	return sum;
}

/* ---- the cards ---------------------------------------------------------- */

static void
mark(struct sim *s, const struct purse_nvm *p, const struct purse_payment *kept,
    enum purse_side own, unsigned bit)
{
	struct jz_payment pay;

	purse_payment_load(p, &pay, kept, own);
	sim_fact(s, &pay)->bits |= bit;
}

static void
read_card(struct sim *s, const struct purse_nvm *p)
{
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0)
			mark(s, p, &p->pending[i].payment, PURSE_PAYEE,
			    SIM_PENDING);
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++) {
		const struct purse_record *r = &p->record[i];

		if (r->number == 0 || r->type == JZ_TYPE_EP_LOAD)
			continue;
		mark(s, p, &r->payment,
		    purse_paid(r) ? PURSE_PAYER : PURSE_PAYEE,
		    purse_paid(r)			 ? SIM_PAID
			: r->type == JZ_TYPE_EP_RECEIVED ? SIM_RECEIVED
							 : SIM_GIVEN_UP);
	}
}

/* P1 and P2; and a card clears what the issuer has, no more. */
static bool
check_purse(struct sim *s, unsigned card)
{
	const struct purse_nvm *p = sim_purse(s, card);
	char name = s->card[card].name;

	if (p->balance + purse_promised(p) > p->max_balance)
		return wrong(s, "card %c: above its highest balance", name);
	if (purse_log_room(p) > JZ_PURSE_RECORDS)
		return wrong(s, "card %c: more promised than its log", name);
	if (p->first_unsettled > s->card[card].booked + 1)
		return wrong(s, "card %c: cleared, and never booked", name);
	return true;
}

/* A permission that no card has executed yet. */
static uint64_t
loads_in_transit(struct sim *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->loads; i++) {
		const struct sim_load *l = &s->load[i];
		const struct purse_nvm *p = sim_purse(s, l->card);
		bool credited = false;

		if (l->story.state != JZ_LOAD_PERMITTED)
			continue;
		for (unsigned k = 0; k < JZ_PURSE_RECORDS; k++)
			credited |= p->record[k].number != 0 &&
			    p->record[k].type == JZ_TYPE_EP_LOAD &&
			    p->record[k].payment.payee_counter == l->counter;
		if (!credited)
			sum += l->story.amount_minor;
	}
	return sum;
}

/* A payment that was debited and is neither credited nor paid out. */
static bool
check_fact(struct sim *s, const struct sim_fact *f, uint64_t *transit)
{
	unsigned b = f->bits;
	bool paid = (b & (SIM_PAID | SIM_BOOK_PAID)) != 0;
	bool ended = (b & (SIM_RECEIVED | SIM_BOOK_RECEIVED)) != 0;

	if (ended && (b & SIM_BOOK_OUT) != 0)
		return wrong(s, "credited and paid out");
	if (ended &&
	    (b & (SIM_PENDING | SIM_GIVEN_UP | SIM_BOOK_GIVEN_UP)) != 0)
		return wrong(s, "credited, and yet awaited or given up");
	/* A record that was overwritten was booked before. */
	if (!paid && ended && (b & SIM_RECEIVED) != 0)
		return wrong(s, "credited without a debit");
	if (!paid || ended || (b & SIM_BOOK_OUT) != 0)
		return true;
	if ((b & (SIM_PENDING | SIM_GIVEN_UP | SIM_BOOK_GIVEN_UP)) == 0)
		return wrong(s, "paid, and the payee knows nothing of it");
	*transit += f->payment.amount;
	return true;
}

bool
sim_check(struct sim *s)
{
	uint64_t transit = 0, sum = in_accounts(s) + loads_in_transit(s);

	for (size_t i = 0; i < s->facts; i++)
		s->fact[i].bits &= ~(unsigned)SIM_ON_CARDS;
	for (unsigned i = 0; i < s->n; i++) {
		read_card(s, sim_purse(s, i));
		sum += sim_purse(s, i)->balance;
		check_purse(s, i);
	}
	for (size_t i = 0; i < s->facts; i++)
		check_fact(s, &s->fact[i], &transit);
	if (sum + transit != s->total)
		return wrong(s, "the sum is %llu, not %llu",
		    (unsigned long long)(sum + transit),
		    (unsigned long long)s->total);
	return s->wrong[0] == '\0';
}
