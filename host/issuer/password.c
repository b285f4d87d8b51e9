/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account's password (LOD-5): kept as scrypt makes it, counted, locked.
 *
 * A try is committed as failed before the password is looked at, as a card does
 * with its PIN: whoever cuts the comparison off has had a try.  scrypt takes its
 * time outside of any transaction.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"

#ifdef JZ_WEAK_SCRYPT_N_LOG2 /* for tests under tools that take their time */
#define N_LOG2 JZ_WEAK_SCRYPT_N_LOG2
#else
#define N_LOG2 15
#endif
#define R	     8
#define P	     1
#define PASSWORD_MIN 6

static int
make_hash(const struct jz_password_row *row, const struct jz_secret *password,
    uint8_t out[static 32])
{
	return jz_openssl_scrypt(password,
	    jz_span(row->salt, sizeof(row->salt)), N_LOG2, R, P, out, 32);
}

static int
set_password(
    struct jz_issuer *i, const char *account, const struct jz_password_row *row)
{
	bool unused;
	int err = jz_store_customer(i->store, account, &unused);

	if (err == 0)
		err = jz_store_password_set(
		    i->store, account, row, jz_issuer_now(i));
	return err != 0 ? err
			: jz_audit_note(i, JZ_ACTOR_ISSUER,
			      "account %s has a new password", account);
}

int
jz_issuer_account_password(
    struct jz_issuer *i, const char *account, const struct jz_secret *password)
{
	const struct jz_engine *e = &i->engine;
	struct jz_password_row row = {0};
	int err;

	jz_issuer_start(i);
	if (password->len < PASSWORD_MIN || password->len > JZ_PASSWORD_MAX)
		return JZ_ERR_RANGE;
	err = e->crypto->random(e->state, row.salt, sizeof(row.salt));
	if (err == 0)
		err = make_hash(&row, password, row.hash);
	if (err == 0)
		err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, set_password(i, account, &row));
	jz_wipe(&row, sizeof(row));
	return err;
}

/* The row, with one failure more, which the right password takes back. */
static int
count(struct jz_issuer *i, const char *account, struct jz_password_row *row)
{
	bool blocked;
	int err = jz_store_customer(i->store, account, &blocked);

	if (err == 0 && blocked)
		return jz_refuse(i, JZ_REFUSAL_ACCOUNT_BLOCKED);
	if (err == 0)
		err = jz_store_password(i->store, account, row);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_ACCOUNT);
	if (err == 0 && row->failures >= JZ_PASSWORD_TRIES)
		return jz_refuse(i, JZ_REFUSAL_PASSWORD_LOCKED);
	return err != 0
	    ? err
	    : jz_store_password_failures(i->store, account, row->failures + 1);
}

int
jz_issuer_password_count(
    struct jz_issuer *i, const char *account, struct jz_password_try *out)
{
	struct jz_password_row row = {0};
	int err;

	jz_issuer_start(i);
	memset(out, 0, sizeof(*out));
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, count(i, account, &row));
	if (err == 0) {
		memcpy(out->salt, row.salt, sizeof(out->salt));
		memcpy(out->hash, row.hash, sizeof(out->hash));
	}
	jz_wipe(&row, sizeof(row));
	return err;
}

int
jz_password_compare(const struct jz_password_try *t,
    const struct jz_secret *password, bool *right)
{
	struct jz_password_row row = {0};
	uint8_t hash[sizeof(row.hash)];
	int err;

	memcpy(row.salt, t->salt, sizeof(row.salt));
	err = make_hash(&row, password, hash);
	*right = err == 0 && jz_equal_secret(hash, t->hash, sizeof(hash));
	jz_wipe(hash, sizeof(hash));
	return err;
}

int
jz_issuer_password_right(struct jz_issuer *i, const char *account)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err
			: jz_store_end(i->store,
			      jz_store_password_failures(i->store, account, 0));
}

int
jz_issuer_account_check(
    struct jz_issuer *i, const char *account, const struct jz_secret *password)
{
	struct jz_password_try t;
	bool right = false;
	int err = jz_issuer_password_count(i, account, &t);

	if (err == 0)
		err = jz_password_compare(&t, password, &right);
	if (err == 0)
		err = right ? jz_issuer_password_right(i, account)
			    : jz_refuse(i, JZ_REFUSAL_PASSWORD);
	jz_wipe(&t, sizeof(t));
	return err;
}
