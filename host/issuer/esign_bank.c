/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor that is the bank itself: a signed transfer from account to
 * account in its own books.  And the verifier in an issuer's directory.
 */
#include "esign.h"
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "../../keys/store/keyfile.h"

/* Another bank's account is none of ours. */
static int
find_customer(
    struct jz_issuer *i, struct jz_span account, struct jz_ledger_name *name)
{
	char text[JZ_ACCOUNT_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", (int)account.len,
	    (const char *)account.data);
	*name = jz_ledger_customer(text);
	return jz_issuer_check_customer(i, text);
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

/* What was said under this reference; JZ_ERR_NOT_FOUND: nothing. */
static int
said_before(struct jz_issuer *i, const struct jz_esign_transfer *t)
{
	bool posted;
	int64_t why;
	int err = jz_ledger_posted(
	    i->store, JZ_LEDGER_TRANSFER, t->reference, &posted);

	if (err != 0 || posted)
		return err;
	err = jz_store_refused(i->store, t->reference, &why);
	return err != 0 ? err : jz_refuse(i, (enum jz_refusal)why);
}

/* Within a transaction of the store. */
static int
transfer(struct jz_issuer *i, const struct jz_esign_transfer *t)
{
	struct jz_ledger_name from, to;
	int err = said_before(i, t);

	if (err != JZ_ERR_NOT_FOUND)
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

/* The user may have been told to sign anew: never executed after this, whoever
 * else asks at the same time.  It may have been, in the meantime. */
static int
refuse_for_good(struct jz_issuer *i, const struct jz_esign_transfer *t)
{
	const int64_t why = jz_issuer_refusal(i);
	int err = jz_store_begin(i->store, true);
	int said;

	if (err != 0)
		return err;
	said = said_before(i, t);
	err = said;
	if (err == JZ_ERR_NOT_FOUND)
		err = jz_store_refuse(
		    i->store, t->reference, why, jz_issuer_now(i));
	else if (err == JZ_ERR_REFUSED)
		err = 0;
	err = jz_store_end(i->store, err);
	return err != 0 || said == 0 ? err : JZ_ERR_REFUSED;
}

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	struct jz_issuer *i = arg;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, transfer(i, t));
	return err == JZ_ERR_REFUSED ? refuse_for_good(i, t) : err;
}

static int
begin(void *arg)
{
	return jz_issuer_group_begin(arg);
}

static int
end(void *arg, int rc)
{
	return jz_issuer_group_end(arg, rc);
}

struct jz_esign_executor
jz_esign_bank(struct jz_issuer *issuer)
{
	return (struct jz_esign_executor){
	    .execute = execute, .begin = begin, .end = end, .arg = issuer};
}

/* ---- in an issuer's directory ------------------------------------------- */

#define PATH_CAP    4096
#define KEY_VERSION 1

/* One that two programs make at once is the one that is found then. */
static int
read_key(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_key_pair *out)
{
	struct jz_buffer b =
	    jz_buffer(out->private_key, sizeof(out->private_key));
	struct jz_key_pair made;
	int err = jz_keyfile_read(e, path, passphrase, &b);

	if (err == JZ_ERR_NOT_FOUND) {
		err = e->crypto->generate(e->state, &made);
		if (err == 0)
			err = jz_keyfile_write(e, path, passphrase,
			    jz_span(
				made.private_key, sizeof(made.private_key)));
		jz_wipe(&made, sizeof(made));
		b.len = 0;
		if (err == 0 || err == JZ_ERR_EXISTS)
			err = jz_keyfile_read(e, path, passphrase, &b);
	}
	if (err == 0 && b.len != sizeof(out->private_key))
		err = JZ_ERR_KEYFILE;
	return err != 0 ? err
			: e->crypto->derive_public(
			      e->state, out->private_key, out->public_key);
}

int
jz_issuer_esign_open(struct jz_issuer *issuer, const char *dir,
    const struct jz_secret *passphrase, struct jz_issuer_esign *out)
{
	char path[PATH_CAP];
	uint32_t limit = 0;
	int n, err;

	memset(out, 0, sizeof(*out));
	n = snprintf(path, sizeof(path), "%s/keys/esign.key", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return JZ_ERR_RANGE;
	err = read_key(&issuer->engine, path,
	    jz_issuer_secret(issuer, passphrase), &out->key);
	if (err == 0) {
		(void)snprintf(path, sizeof(path), "%s/esign.db", dir);
		err = jz_esign_db_open(path, &out->db);
	}
	if (err == 0)
		err = jz_esign_db_open(path, &out->reader);
	if (err == 0)
		err = jz_esign_db_limit(out->db, &limit);
	if (err != 0) {
		jz_issuer_esign_close(out);
		return err;
	}
	out->verifier = (struct jz_esign_verifier){.engine = issuer->engine,
	    .key = &out->key,
	    .key_version = KEY_VERSION,
	    .limit = limit,
	    .store = &jz_esign_sqlite,
	    .store_state = out->db,
	    .reader = out->reader,
	    .executor = jz_esign_bank(issuer)};
	return 0;
}

void
jz_issuer_esign_close(struct jz_issuer_esign *e)
{
	jz_esign_db_free(&e->reader);
	jz_esign_db_free(&e->db);
	jz_wipe(e, sizeof(*e));
}
