/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Customers' accounts: opened, paid into, asked.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

/* What a card can carry in its load request: 1 to 34 printable characters. */
int
jz_issuer_check_account(const char *account)
{
	size_t len = strlen(account);

	if (len == 0 || len > JZ_ACCOUNT_MAX)
		return JZ_ERR_RANGE;
	for (size_t k = 0; k < len; k++) {
		if (account[k] < 0x21 || account[k] > 0x7E)
			return JZ_ERR_ARGUMENT;
	}
	return 0;
}

/* Likewise 1 to 32 bytes; any text but control characters. */
int
jz_issuer_check_holder(const char *holder)
{
	size_t len = strlen(holder);

	if (len == 0 || len > JZ_IDENTITY_MAX)
		return JZ_ERR_RANGE;
	for (size_t k = 0; k < len; k++) {
		if ((uint8_t)holder[k] < 0x20 || holder[k] == 0x7F)
			return JZ_ERR_ARGUMENT;
	}
	return 0;
}

int
jz_issuer_add_account(
    struct jz_issuer *i, const char *account, const char *holder)
{
	struct jz_ledger_name name = jz_ledger_customer(account);
	bool blocked;
	int err = jz_store_customer(i->store, account, &blocked);

	if (err == 0)
		return JZ_ERR_EXISTS;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_store_customer_add(i->store, account, holder);
	if (err == 0)
		err = jz_ledger_open(
		    i->store, JZ_LEDGER_KIND_CUSTOMER, name.text);
	return err;
}

int
jz_issuer_account_open(
    struct jz_issuer *i, const char *account, const char *holder)
{
	int err;

	jz_issuer_start(i);
	err = jz_issuer_check_account(account);
	if (err == 0)
		err = jz_issuer_check_holder(holder);
	if (err == 0)
		err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(
	    i->store, jz_issuer_add_account(i, account, holder));
}

int
jz_issuer_check_customer(struct jz_issuer *i, const char *account)
{
	bool blocked;
	int err = jz_store_customer(i->store, account, &blocked);

	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_ACCOUNT);
	if (err == 0 && blocked)
		return jz_refuse(i, JZ_REFUSAL_ACCOUNT_BLOCKED);
	return err;
}

static int
deposit(struct jz_issuer *i, const char *account, uint64_t amount)
{
	struct jz_ledger_name name = jz_ledger_customer(account);
	char reference[24];
	int64_t number;
	int err = jz_issuer_check_customer(i, account);

	if (err == 0 && (amount == 0 || amount > JZ_ISSUER_DEPOSIT_MAX))
		return jz_refuse(i, JZ_REFUSAL_AMOUNT);
	if (err == 0)
		err = jz_store_next(i->store, "deposit", &number);
	if (err != 0)
		return err;
	snprintf(reference, sizeof(reference), "%lld", (long long)number);
	err = jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_DEPOSIT,
	    reference, JZ_LEDGER_CASH, name.text, (int64_t)amount);
	if (err == JZ_ERR_RANGE)
		return jz_refuse(i, JZ_REFUSAL_AMOUNT);
	return err != 0
	    ? err
	    : jz_audit_note(i, JZ_ACTOR_ISSUER, "deposit %s: %lld to %s",
		  reference, (long long)amount, account);
}

int
jz_issuer_deposit(
    struct jz_issuer *i, const char *account, uint64_t amount_minor)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store, deposit(i, account, amount_minor));
}

int
jz_issuer_account_balance(
    struct jz_issuer *i, const char *account, int64_t *minor)
{
	struct jz_ledger_name name = jz_ledger_customer(account);

	jz_issuer_start(i);
	return jz_ledger_balance(i->store, name.text, minor);
}

static int
statement(struct jz_issuer *i, const char *account, bool last,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg)
{
	struct jz_ledger_name name = jz_ledger_customer(account);
	int64_t unused;
	int err;

	jz_issuer_start(i);
	err = jz_ledger_balance(i->store, name.text, &unused);
	return err != 0 ? err
			: jz_ledger_lines(i->store, name.text, last, each, arg);
}

int
jz_issuer_account_statement(struct jz_issuer *i, const char *account,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg)
{
	return statement(i, account, false, each, arg);
}

int
jz_issuer_account_last(struct jz_issuer *i, const char *account,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg)
{
	return statement(i, account, true, each, arg);
}

static int
block(struct jz_issuer *i, const char *account, bool blocked)
{
	int err = jz_store_customer_block(i->store, account, blocked);

	return err != 0 ? err
			: jz_audit_note(i, JZ_ACTOR_ISSUER, "account %s %s",
			      account, blocked ? "blocked" : "unblocked");
}

int
jz_issuer_block_account(struct jz_issuer *i, const char *account, bool blocked)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err
			: jz_store_end(i->store, block(i, account, blocked));
}
