/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A third party behind the issuer's verifier: who recharges bus cards (JPS-20).
 * The verifier asks it with what was signed and confirmed; it does each
 * reference once and remembers what it said, so that a lost answer is asked for
 * again.  A real one keeps its journal in a database.
 */
#include "../apdu/error.h"
#include "../host/issuer/esign.h"

#include <string.h>

#define BUS_CARDS    4
#define BUS_JOURNAL  64
#define BUS_MAX	     100000 /* on one card: 1000.00 */
#define BUS_CURRENCY 156

struct bus_operator {
	struct {
		char number[JZ_ACCOUNT_MAX + 1];
		uint64_t balance;
	} card[BUS_CARDS];
	struct {
		char reference[JZ_ESIGN_REFERENCE_CAP];
		int said;
	} journal[BUS_JOURNAL];
	unsigned entries;
};

static int
bus_recharge(struct bus_operator *o, const struct jz_esign_order *order)
{
	for (unsigned i = 0; i < BUS_CARDS; i++) {
		const char *number = o->card[i].number;

		if (!jz_span_equal(
			order->to_account, jz_span(number, strlen(number))))
			continue;
		if (order->currency != BUS_CURRENCY ||
		    order->amount > BUS_MAX - o->card[i].balance)
			return JZ_ERR_REFUSED;
		o->card[i].balance += order->amount;
		return 0;
	}
	return JZ_ERR_REFUSED; /* no such card */
}

static int
bus_execute(void *arg, const struct jz_esign_transfer *t)
{
	struct bus_operator *o = arg;

	for (unsigned i = 0; i < o->entries; i++)
		if (strcmp(o->journal[i].reference, t->reference) == 0)
			return o->journal[i].said;
	if (o->entries == BUS_JOURNAL)
		return JZ_ERR_SPACE; /* nothing done: ask again later */
	memcpy(o->journal[o->entries].reference, t->reference,
	    sizeof(t->reference));
	o->journal[o->entries].said = bus_recharge(o, &t->order);
	return o->journal[o->entries++].said;
}

struct jz_esign_executor bus_executor(struct bus_operator *o);

struct jz_esign_executor
bus_executor(struct bus_operator *o)
{
	return (struct jz_esign_executor){.execute = bus_execute, .arg = o};
}
