/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this card allows itself to pay and to take: its issuer's parameters,
 * and the room that it has.  Judged before a payment is agreed or confirmed,
 * and never after.
 */
#include "purse.h"

/* ---- to pay ------------------------------------------------------------- */

/* Sum and number of the payments made since the last settlement, this one
 * included, stay within what the issuer allows. */
static bool
within_offline_limits(const struct purse_nvm *p, uint64_t amount)
{
	uint64_t sum = amount;
	uint32_t count = 1;

	for (uint32_t n = p->first_unsettled; n != p->next_record; n++) {
		const struct purse_record *r = purse_slot(p, n);

		if (r->type != JZ_TYPE_EP_PURCHASE)
			continue;
		sum += r->payment.amount;
		count++;
	}
	return sum <= p->max_offline_sum && count <= p->max_offline_count;
}

/* Above a set amount, and after a set sum or number of agreements without. */
static bool
needs_pin(const struct purse_nvm *p, uint64_t amount)
{
	return amount > p->pin_above ||
	    (p->pin_sum != 0 && p->no_pin_sum + amount > p->pin_sum) ||
	    (p->pin_count != 0 && p->no_pin_count >= p->pin_count);
}

/* The payment that this card received under this counter of its own. */
static const struct purse_record *
received(const struct purse_nvm *p, uint32_t counter)
{
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++)
		if (p->record[i].number != 0 &&
		    p->record[i].type == JZ_TYPE_EP_RECEIVED &&
		    p->record[i].payment.payee_counter == counter)
			return &p->record[i];
	return NULL;
}

/*
 * P7.  The log overwrites the oldest first: while the payment is in it, so are
 * all its refunds.  An open agreement gives way to the new one, so it does not
 * count.
 */
static uint16_t
can_refund(const struct purse_nvm *p, const struct jz_message *request)
{
	const struct purse_record *first = received(p, request->refund_of);
	uint64_t sum = request->payment.amount;

	if (first == NULL || request->refund_of > JZ_PURSE_REFUND_MAX ||
	    !purse_same_card(first->payment.peer_id, request->payment.payee_id))
		return JZ_SW_REFUND;
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++)
		if (p->record[i].number != 0 &&
		    p->record[i].type == JZ_TYPE_EP_PURCHASE &&
		    purse_refund_of(&p->record[i].payment) ==
			request->refund_of)
			sum += p->record[i].payment.amount;
	return sum <= first->payment.amount ? JZ_SW_OK : JZ_SW_REFUND;
}

uint16_t
purse_can_pay(struct jz_applet *self, const struct jz_message *request)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_payment *pay = &request->payment;
	const bool unknown =
	    needs_pin(p, pay->amount) && purse_cod(self)->pin_ok == 0;
	uint16_t sw;

	if ((p->flags & JZ_FLAG_PAYEE_ONLY) != 0 && request->refund_of == 0)
		return JZ_SW_CERT_ROLE;
	if (pay->currency != p->currency)
		return JZ_SW_CURRENCY;
	if (pay->amount == 0)
		return JZ_SW_DATA;
	if (request->refund_of != 0 &&
	    (sw = can_refund(p, request)) != JZ_SW_OK)
		return sw;
	if (pay->amount > p->max_single)
		return JZ_SW_SINGLE_LIMIT;
	if (!within_offline_limits(p, pay->amount))
		return JZ_SW_OFFLINE_LIMIT;
	if (pay->amount > p->balance)
		return JZ_SW_AMOUNT;
	if (unknown && !purse_confirms_payments(self))
		return JZ_SW_SECURITY;
	if (p->offline_counter == JZ_PURSE_COUNTER_MAX)
		return JZ_SW_COUNTER;
	/* A new agreement takes the place of the open one, its room too. */
	if (purse_log_room(p) + (p->agreement.open != 0) == 0)
		return JZ_SW_LOG_FULL;
	/* The last of all: nobody is asked for nothing. */
	return unknown ? purse_payment_confirmed(self, request) : JZ_SW_OK;
}

/* What needs the PIN and has come here without it a key has stood for. */
void
purse_count_agreement(struct jz_applet *self, uint64_t amount, bool pin)
{
	const struct purse_nvm *p = purse_nvm(self);
	const bool known = pin || needs_pin(p, amount);

	if (known && p->no_pin_count == 0)
		return;
	jz_write_u64(self, &p->no_pin_sum, known ? 0 : p->no_pin_sum + amount);
	jz_write_u32(self, &p->no_pin_count, known ? 0 : p->no_pin_count + 1);
}

/* ---- to take ------------------------------------------------------------ */

/* P1, P2, a slot. */
uint16_t
purse_can_receive(const struct purse_nvm *p, uint64_t amount)
{
	if (amount > p->max_balance ||
	    p->balance + purse_promised(p) > p->max_balance - amount)
		return JZ_SW_BALANCE_LIMIT;
	if (purse_log_room(p) == 0)
		return JZ_SW_LOG_FULL;
	if (purse_free_pending(p) == NULL)
		return JZ_SW_PENDING;
	return JZ_SW_OK;
}

/* A virtual card's money can be copied with its file: its certificate says so,
 * and the issuer may cap what is taken from such a card, or refuse it. */
uint16_t
purse_can_receive_from(const struct purse_nvm *p, uint64_t amount,
    const struct jz_certificate *payer)
{
	return payer->assurance < p->payer_level && amount > p->payer_cap
	    ? JZ_SW_LEVEL
	    : JZ_SW_OK;
}
