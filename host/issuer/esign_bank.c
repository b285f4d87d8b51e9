/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor that is the bank itself: a signed transfer from account to
 * account in its own books.
 */
#include "esign.h"
#include "internal.h"

#include <stdio.h>

#include "../../apdu/error.h"

/* Another bank's account is none of ours. */
static int
find_customer(
    struct jz_issuer *i, struct jz_span account, struct jz_ledger_name *name)
{
	char text[JZ_ACCOUNT_MAX + 1];
	bool blocked = false;
	int err;

	snprintf(text, sizeof(text), "%.*s", (int)account.len,
	    (const char *)account.data);
	*name = jz_ledger_customer(text);
	err = jz_store_customer(i->store, text, &blocked);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_ACCOUNT);
	if (err == 0 && blocked)
		return jz_refuse(i, JZ_REFUSAL_ACCOUNT_BLOCKED);
	return err;
}

static int
check(struct jz_issuer *i, const struct jz_esign_order *o)
{
	if (o->currency != i->currency)
		return jz_refuse(i, JZ_REFUSAL_CURRENCY);
	if (o->amount == 0 || o->amount > JZ_ISSUER_DEPOSIT_MAX)
		return jz_refuse(i, JZ_REFUSAL_AMOUNT);
	return 0;
}

/* Within a transaction of the store. */
static int
transfer(struct jz_issuer *i, const struct jz_esign_transfer *t)
{
	struct jz_ledger_name from, to;
	bool posted;
	int err = jz_ledger_posted(
	    i->store, JZ_LEDGER_TRANSFER, t->reference, &posted);

	if (err != 0 || posted)
		return err;
	err = find_customer(i, t->order.account, &from);
	if (err == 0)
		err = find_customer(i, t->order.to_account, &to);
	if (err == 0)
		err = check(i, &t->order);
	if (err != 0)
		return err;
	/* From an account to itself nothing moves. */
	if (jz_span_equal(t->order.account, t->order.to_account))
		return jz_refuse(i, JZ_REFUSAL_WRONG_ACCOUNT);
	err = jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_TRANSFER,
	    t->reference, from.text, to.text, (int64_t)t->order.amount);
	return err == JZ_ERR_FUNDS ? jz_refuse(i, JZ_REFUSAL_FUNDS) : err;
}

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	struct jz_issuer *i = arg;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err : jz_store_end(i->store, transfer(i, t));
}

struct jz_esign_executor
jz_esign_bank(struct jz_issuer *issuer)
{
	return (struct jz_esign_executor){execute, issuer};
}
