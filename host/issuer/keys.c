/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's keys as they age: new versions of the cards' master, and what
 * there is of them.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "../../keys/store/audit.h"

#define KEYS		"keys"
#define AUDIT		"keys/audit.log"
#define SEQUENCE_DIGITS 5

static int
beside(char out[static JZ_PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, JZ_PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_RANGE : 0;
}

uint8_t
jz_issuer_kvn(const struct jz_issuer *i)
{
	const struct jz_masters *m = &i->pki.masters;

	return m->n > 0 ? m->list[m->n - 1].version : 0;
}

bool
jz_issuer_has_master(const struct jz_issuer *i, uint8_t version)
{
	const struct jz_master *m = jz_masters_find(&i->pki.masters, version);

	return m != NULL && m->version == version;
}

static int
add_master(const char *dir, struct jz_span passphrase,
    const struct jz_issuer *i, const struct jz_master *m, uint8_t *version)
{
	char path[JZ_PATH_MAX];
	int err = beside(path, dir, KEYS);

	return err != 0 ? err
			: jz_pki_add_master(&i->engine, path, passphrase,
			      jz_issuer_now(i), m, version);
}

int
jz_issuer_roll_master(
    const char *dir, struct jz_span passphrase, uint8_t *version)
{
	struct jz_issuer *i = NULL;
	int err = jz_issuer_open(dir, passphrase, &i);

	if (err == 0)
		err = add_master(dir, passphrase, i, NULL, version);
	jz_issuer_free(&i);
	return err;
}

/* Who tried is written down as well; the refusal stands whatever comes of it. */
static void
audit_refusal(const char *dir, const struct jz_issuer *i,
    const struct jz_seed *a, const struct jz_seed *b, int why)
{
	char path[JZ_PATH_MAX];

	if (beside(path, dir, AUDIT) == 0)
		(void)jz_audit(path, jz_issuer_now(i),
		    "refused (%s): seeds of ceremony %lu by \"%s\" and of "
		    "ceremony %lu by \"%s\"",
		    jz_error_name(why), (unsigned long)a->ceremony, a->by,
		    (unsigned long)b->ceremony, b->by);
}

int
jz_issuer_combine(const char *dir, struct jz_span passphrase,
    const struct jz_seed *a, const struct jz_seed *b, uint8_t *version)
{
	struct jz_master m = {0};
	struct jz_issuer *i = NULL;
	int err = jz_issuer_open(dir, passphrase, &i);

	if (err != 0)
		return err;
	err = jz_seed_combine(&i->engine, a, b, jz_issuer_now(i), &m);
	if (err == 0)
		err = add_master(dir, passphrase, i, &m, version);
	else
		audit_refusal(dir, i, a, b, err);
	jz_wipe(&m, sizeof(m));
	jz_issuer_free(&i);
	return err;
}

/* ---- what there is ------------------------------------------------------ */

/* The digits at the end of a reference: TR-03110 part 3, A.6.1. */
static unsigned
sequence_of(const char *reference)
{
	size_t len = strlen(reference);
	unsigned n = 0;

	for (size_t k = len > SEQUENCE_DIGITS ? len - SEQUENCE_DIGITS : 0;
	     k < len; k++)
		n = n * 10 + (unsigned)(reference[k] - '0');
	return n;
}

static int
describe_pair(const struct jz_issuer *i, const char *name, const char *where,
    const struct jz_certificate *c, struct jz_issuer_key *out)
{
	const struct jz_span key = jz_span(c->public_key, JZ_PUBLIC_BYTES_EC);
	uint8_t hash[JZ_HASH_BYTES];
	int err = i->engine.crypto->hash(i->engine.state, &key, 1, hash);

	memset(out, 0, sizeof(*out));
	out->name = name;
	out->where = where;
	out->current = true;
	memcpy(out->reference, c->holder, JZ_REFERENCE_BYTES);
	out->version = sequence_of(out->reference);
	memcpy(out->check, hash, sizeof(out->check));
	out->from = c->from;
	out->to = c->to;
	return err;
}

static int
each_pair(struct jz_issuer *i,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	const struct {
		const char *name, *where;
		const struct jz_certificate *c;
	} pairs[] = {
	    {"root", "keys/root.key", &i->pki.root.certificate},
	    {"ca", "keys/ca.key", &i->pki.ca.certificate},
	    {"host", "keys/host.key", &i->pki.host.certificate},
	};
	struct jz_issuer_key k;
	int err = 0;

	for (size_t n = 0; err == 0 && n < 3; n++) {
		err = describe_pair(
		    i, pairs[n].name, pairs[n].where, pairs[n].c, &k);
		if (err == 0)
			err = each(&k, arg);
	}
	return err;
}

static int
each_master(struct jz_issuer *i,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	int err = 0;

	for (size_t n = 0; err == 0 && n < i->pki.masters.n; n++) {
		const struct jz_master *m = &i->pki.masters.list[n];
		struct jz_issuer_key k = {.name = "admin",
		    .version = m->version,
		    .current = n + 1 == i->pki.masters.n,
		    .where = "keys/admin.key",
		    .from = m->made,
		    .master = m};

		err = jz_check_value(&i->engine, k.name, m->key, k.check);
		if (err == 0)
			err = each(&k, arg);
	}
	return err;
}

int
jz_issuer_each_key(struct jz_issuer *i,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	int err = each_pair(i, each, arg);

	return err != 0 ? err : each_master(i, each, arg);
}
