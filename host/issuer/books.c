/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: what was brought in, and where it is now.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

static int
read_sums(struct jz_store *s, struct jz_books *out)
{
	const struct {
		enum jz_ledger_kind kind;
		int64_t *sum;
	} sums[] = {
	    {JZ_LEDGER_KIND_CASH, &out->cash},
	    {JZ_LEDGER_KIND_CUSTOMER, &out->accounts},
	    {JZ_LEDGER_KIND_CARD, &out->cards},
	    {JZ_LEDGER_KIND_TRANSIT_LOAD, &out->transit_load},
	    {JZ_LEDGER_KIND_TRANSIT_PAYMENT, &out->transit_payment},
	    {JZ_LEDGER_KIND_FRAUD, &out->fraud},
	    {JZ_LEDGER_KIND_LOST, &out->lost},
	};
	int err = 0;

	for (size_t k = 0; err == 0 && k < sizeof(sums) / sizeof(sums[0]); k++)
		err = jz_ledger_sum(s, sums[k].kind, sums[k].sum);
	/* Cash stands on the debit side. */
	if (err == 0 && __builtin_sub_overflow(0, out->cash, &out->cash))
		err = JZ_ERR_RANGE;
	return err;
}

static bool
adds_up(const struct jz_books *b)
{
	int64_t sum = b->accounts;

	return !__builtin_add_overflow(sum, b->cards, &sum) &&
	    !__builtin_add_overflow(sum, b->transit_load, &sum) &&
	    !__builtin_add_overflow(sum, b->transit_payment, &sum) &&
	    !__builtin_add_overflow(sum, b->fraud, &sum) &&
	    !__builtin_add_overflow(sum, b->lost, &sum) && sum == b->cash;
}

static int
books(struct jz_issuer *i, struct jz_books *out)
{
	unsigned faults;
	int err = read_sums(i->store, out);

	if (err == 0)
		err = jz_ledger_audit(i->store, &faults);
	if (err == 0)
		out->balanced = faults == 0 && adds_up(out);
	return err;
}

int
jz_issuer_books(struct jz_issuer *i, struct jz_books *out)
{
	int err;

	jz_issuer_start(i);
	memset(out, 0, sizeof(*out));
	/* One view, whatever others write meanwhile. */
	err = jz_store_begin(i->store, false);
	if (err == 0)
		err = jz_store_end(i->store, books(i, out));
	if (err != 0)
		memset(out, 0, sizeof(*out));
	return err;
}

int
jz_issuer_each_account(struct jz_issuer *i,
    int (*each)(const char *name, int64_t balance, void *arg), void *arg)
{
	jz_issuer_start(i);
	return jz_ledger_each(i->store, each, arg);
}

int
jz_issuer_each_payment(struct jz_issuer *i,
    int (*each)(const struct jz_payment_story *p, void *arg), void *arg)
{
	jz_issuer_start(i);
	return jz_store_each_payment(i->store, each, arg);
}
