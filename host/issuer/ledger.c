/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: double entry, append-only.  A transaction is a list of entries
 * on accounts; debits are negative.
 *
 * Invariants, kept by jz_ledger_post() and looked for by jz_ledger_audit():
 *   L1  the entries of a transaction sum to zero;
 *   L2  what a transaction is for (reason and reference) is posted once;
 *   L3  a customer's account is never below zero;
 *   L4  the balance kept for an account is the sum of its entries;
 *   L5  transactions are numbered from 1 without gaps;
 *   L6  what is in transit is what was permitted and neither reported nor
 *       cancelled, and what was paid and neither received nor, when the
 *       payee gave it up, paid out, nor written off;
 *   L7  no load is both reported and cancelled;
 *   L8  what an unload's proof says is what its account was credited with.
 */
#include "sql.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

static const char *const KINDS[] = {
    [JZ_LEDGER_KIND_CASH] = "cash",
    [JZ_LEDGER_KIND_CUSTOMER] = "customer",
    [JZ_LEDGER_KIND_CARD] = "card",
    [JZ_LEDGER_KIND_TRANSIT_LOAD] = "transit-load",
    [JZ_LEDGER_KIND_TRANSIT_PAYMENT] = "transit-payment",
    [JZ_LEDGER_KIND_FRAUD] = "fraud",
    [JZ_LEDGER_KIND_LOST] = "lost",
};

/* As the ledger has it, and in Chinese. */
static const struct {
	const char *name, *zh;
} REASONS[] = {
    [JZ_LEDGER_DEPOSIT] = {"deposit", "存入"},
    [JZ_LEDGER_LOAD_PERMITTED] = {"load permitted", "圈存许可"},
    [JZ_LEDGER_LOAD_REPORTED] = {"load reported", "圈存到卡"},
    [JZ_LEDGER_LOAD_CANCELLED] = {"load cancelled", "圈存取消"},
    [JZ_LEDGER_PAID] = {"paid", "付款"},
    [JZ_LEDGER_RECEIVED] = {"received", "收款"},
    [JZ_LEDGER_CLAIMED] = {"claimed", "主张付给收款方"},
    [JZ_LEDGER_RELEASED] = {"released", "退回付款方"},
    [JZ_LEDGER_TRANSFER] = {"transfer", "转账"},
    [JZ_LEDGER_WRITTEN_OFF] = {"written off", "核销"},
    [JZ_LEDGER_RESOLVED] = {"resolved", "裁定付给"},
    [JZ_LEDGER_CARD_LOST] = {"card lost", "卡遗失"},
    [JZ_LEDGER_CLONE_LOSS] = {"clone loss", "复制卡损失"},
    [JZ_LEDGER_RESTORED] = {"restored", "账本恢复补记"},
    [JZ_LEDGER_UNLOADED] = {"unloaded", "圈提"},
};

_Static_assert(sizeof("account:") + JZ_ACCOUNT_MAX <= JZ_LEDGER_NAME_MAX,
    "a customer's account has room");
_Static_assert(sizeof("card:") + JZ_ID_BYTES <= JZ_LEDGER_NAME_MAX,
    "a card's shadow has room");

const char *
jz_ledger_text(const char *reason, enum jz_lang lang)
{
	for (size_t k = JZ_LEDGER_DEPOSIT;
	     k < sizeof(REASONS) / sizeof(REASONS[0]); k++)
		if (strcmp(REASONS[k].name, reason) == 0)
			return lang == JZ_LANG_ZH ? REASONS[k].zh : reason;
	return reason;
}

struct jz_ledger_name
jz_ledger_customer(const char *account)
{
	struct jz_ledger_name name;

	/* A longer one than an account may be is cut, and not found. */
	snprintf(name.text, sizeof(name.text), "account:%.*s",
	    JZ_ACCOUNT_MAX + 1, account);
	return name;
}

struct jz_ledger_name
jz_ledger_card(const uint8_t id[static JZ_ID_BYTES])
{
	struct jz_ledger_name name;

	snprintf(name.text, sizeof(name.text), "card:%.*s", JZ_ID_BYTES,
	    (const char *)id);
	return name;
}

int
jz_ledger_open(struct jz_store *s, enum jz_ledger_kind kind, const char *name)
{
	int64_t id;
	int err = jz_store_next(s, "ledger account", &id);

	if (err == 0)
		err = jz_sql_run(s, JZ_SQL_LEDGER_ACCOUNT_ADD,
		    JZ_VALUES(
			jz_v_int(id), jz_v_text(KINDS[kind]), jz_v_text(name)));
	if (err == 0)
		err = jz_sql_run(
		    s, JZ_SQL_LEDGER_BALANCE_ADD, JZ_VALUES(jz_v_int(id)));
	return err;
}

struct account {
	int64_t id;
	int64_t balance;
	bool customer;
};

/* FNV-1a. */
static struct jz_ledger_known *
place_of(struct jz_store *s, const char *name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
	return &s->known[hash % JZ_LEDGER_KNOWN];
}

static int
read_account(struct jz_store *s, const char *name, struct jz_ledger_known *out)
{
	char kind[32];
	struct jz_rows *st;
	int err = jz_sql_query(
	    s, JZ_SQL_LEDGER_ACCOUNT, JZ_VALUES(jz_v_text(name)), &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !jz_sql_text(st, 1, kind, sizeof(kind)))
		err = jz_sql_wrong(s, "an account's row is damaged");
	if (err == 0) {
		snprintf(out->name.text, sizeof(out->name.text), "%s", name);
		out->id = jz_sql_int(st, 0);
		out->customer =
		    strcmp(kind, KINDS[JZ_LEDGER_KIND_CUSTOMER]) == 0;
	}
	jz_sql_done(st);
	return err;
}

static int
find_account(struct jz_store *s, const char *name, struct account *out)
{
	struct jz_ledger_known *k = place_of(s, name);
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (k->id == 0 || strcmp(k->name.text, name) != 0)
		err = read_account(s, name, k);
	if (err != 0)
		return err;
	out->id = k->id;
	out->customer = k->customer;
	return jz_sql_number(s, JZ_SQL_LEDGER_BALANCE,
	    JZ_VALUES(jz_v_int(k->id)), &out->balance);
}

static int
post_entry(struct jz_store *s, int64_t posting, const struct jz_ledger_entry *e)
{
	struct account a;
	int64_t balance;
	int err = find_account(s, e->account, &a);

	if (err == JZ_ERR_NOT_FOUND)
		return jz_sql_wrong(s, "an account of the ledger is missing");
	if (err != 0)
		return err;
	if (__builtin_add_overflow(a.balance, e->amount, &balance))
		return JZ_ERR_RANGE;
	if (a.customer && balance < 0) /* L3 */
		return JZ_ERR_FUNDS;
	err = jz_sql_run(s, JZ_SQL_LEDGER_ENTRY_ADD,
	    JZ_VALUES(jz_v_int(posting), jz_v_int(a.id), jz_v_int(e->amount)));
	if (err == 0)
		err = jz_sql_run(s, JZ_SQL_LEDGER_BALANCE_SET, /* L4 */
		    JZ_VALUES(jz_v_int(balance), jz_v_int(a.id)));
	return err;
}

/* L1 */
static bool
sums_to_zero(const struct jz_ledger_entry *entries, size_t n)
{
	int64_t sum = 0;

	for (size_t k = 0; k < n; k++) {
		if (__builtin_add_overflow(sum, entries[k].amount, &sum))
			return false;
	}
	return sum == 0;
}

int
jz_ledger_post(struct jz_store *s, int64_t time, enum jz_ledger_reason reason,
    const char *reference, const struct jz_ledger_entry *entries, size_t n)
{
	int64_t posting;
	int err;

	if (n < 2 || n > JZ_LEDGER_ENTRIES_MAX || !sums_to_zero(entries, n))
		return JZ_ERR_INTERNAL;
	err = jz_store_next(s, "posting", &posting); /* L5 */
	if (err == 0)
		err = jz_sql_run(s, JZ_SQL_LEDGER_TRANSACTION_ADD, /* L2 */
		    JZ_VALUES(jz_v_int(posting), jz_v_int(time),
			jz_v_text(REASONS[reason].name), jz_v_text(reference)));
	for (size_t k = 0; err == 0 && k < n; k++)
		err = post_entry(s, posting, &entries[k]);
	return err;
}

int
jz_ledger_posted(struct jz_store *s, enum jz_ledger_reason reason,
    const char *reference, bool *posted)
{
	int64_t n = 0;
	int err = jz_sql_number(s, JZ_SQL_LEDGER_POSTED,
	    JZ_VALUES(jz_v_text(REASONS[reason].name), jz_v_text(reference)),
	    &n);

	*posted = n != 0;
	return err;
}

int
jz_ledger_move(struct jz_store *s, int64_t time, enum jz_ledger_reason reason,
    const char *reference, const char *from, const char *to, int64_t amount)
{
	const struct jz_ledger_entry entries[] = {
	    {from, -amount}, {to, amount}};

	if (amount <= 0)
		return JZ_ERR_INTERNAL;
	return jz_ledger_post(s, time, reason, reference, entries, 2);
}

int
jz_ledger_balance(struct jz_store *s, const char *name, int64_t *out)
{
	struct account a;
	int err = find_account(s, name, &a);

	*out = a.balance;
	return err;
}

int
jz_ledger_sum(struct jz_store *s, enum jz_ledger_kind kind, int64_t *out)
{
	return jz_sql_number(
	    s, JZ_SQL_LEDGER_SUM, JZ_VALUES(jz_v_text(KINDS[kind])), out);
}

int
jz_ledger_each(struct jz_store *s,
    int (*each)(const char *name, int64_t balance, void *arg), void *arg)
{
	char name[JZ_LEDGER_NAME_MAX];
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(s, JZ_SQL_LEDGER_EACH, NULL, 0, &st);

	while (err == 0) {
		err = jz_sql_row(s, st);
		if (err != 0)
			break;
		if (!jz_sql_text(st, 0, name, sizeof(name)))
			err = jz_sql_wrong(s, "an account's row is damaged");
		else
			stop = each(name, jz_sql_int(st, 1), arg);
		if (stop != 0)
			break;
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

int
jz_ledger_lines(struct jz_store *s, const char *name, bool last,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg)
{
	char reason[32], reference[96];
	struct jz_rows *st;
	int stop = 0;
	int err =
	    jz_sql_query(s, last ? JZ_SQL_LEDGER_LAST : JZ_SQL_LEDGER_LINES,
		JZ_VALUES(jz_v_text(name)), &st);

	while (err == 0 && stop == 0) {
		err = jz_sql_row(s, st);
		if (err == 0 &&
		    (!jz_sql_text(st, 1, reason, sizeof(reason)) ||
			!jz_sql_text(st, 2, reference, sizeof(reference))))
			err = jz_sql_wrong(s, "an entry's row is damaged");
		if (err == 0)
			stop = each(&(struct jz_account_line){jz_sql_int(st, 0),
					reason, reference, jz_sql_int(st, 3)},
			    arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

static const struct {
	enum jz_statement which;
	const char *name;
} AUDITS[] = {
    {JZ_SQL_AUDIT_UNBALANCED, "transactions that do not sum to zero (L1)"},
    {JZ_SQL_AUDIT_ORPHANS, "entries without transaction or account (L1)"},
    {JZ_SQL_AUDIT_OVERDRAWN, "customer accounts below zero (L3)"},
    {JZ_SQL_AUDIT_BALANCES, "balances that are not their entries' sum (L4)"},
    {JZ_SQL_AUDIT_GAPS, "missing transactions (L5)"},
    {JZ_SQL_AUDIT_LOADS, "loads in transit: difference (L6)"},
    {JZ_SQL_AUDIT_LOADS_TWICE, "loads both reported and cancelled (L7)"},
    {JZ_SQL_AUDIT_PAYMENTS, "payments in transit: difference (L6)"},
    {JZ_SQL_AUDIT_UNLOADS, "unloads and their credits: difference (L8)"},
};

int
jz_ledger_audit(struct jz_store *s, unsigned *faults)
{
	int64_t n;
	int err = 0;

	*faults = 0;
	for (size_t k = 0; k < sizeof(AUDITS) / sizeof(AUDITS[0]); k++) {
		err = jz_sql_number(s, AUDITS[k].which, NULL, 0, &n);
		if (err == JZ_ERR_NOT_FOUND)
			err = jz_sql_wrong(s, "a sequence is missing");
		if (err != 0)
			break;
		if (n == 0)
			continue;
		++*faults;
		snprintf(s->detail, sizeof(s->detail), "%s: %lld",
		    AUDITS[k].name, (long long)n);
	}
	return err;
}
