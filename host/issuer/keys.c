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
#define WHERE_MAX	32

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
add_master(const char *dir, const struct jz_secret *passphrase,
    const struct jz_issuer *i, const struct jz_master *m, uint8_t *version)
{
	char path[JZ_PATH_MAX];
	int err = beside(path, dir, KEYS);

	return err != 0 ? err
			: jz_pki_add_master(&i->engine, path,
			      jz_issuer_secret(i, passphrase), jz_issuer_now(i),
			      m, version);
}

int
jz_issuer_roll_master(
    const char *dir, const struct jz_secret *passphrase, uint8_t *version)
{
	struct jz_issuer *i = NULL;
	int err = jz_issuer_open(dir, passphrase, &i);

	if (err == 0)
		err = add_master(dir, passphrase, i, NULL, version);
	jz_issuer_free(&i);
	return err;
}

int
jz_issuer_roll_chain(const char *dir, const struct jz_secret *passphrase,
    bool ca, unsigned *version)
{
	struct jz_issuer *i = NULL;
	struct jz_pki pki = {0};
	char path[JZ_PATH_MAX];
	int err = jz_issuer_open(dir, passphrase, &i);

	if (err == 0)
		err = beside(path, dir, KEYS);
	if (err == 0)
		err = jz_pki_roll(&i->engine, path,
		    jz_issuer_secret(i, passphrase), ca, jz_issuer_now(i),
		    &pki);
	*version = ca ? pki.ca_version : pki.host_version;
	jz_pki_wipe(&pki);
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
jz_issuer_combine(const char *dir, const struct jz_secret *passphrase,
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

/* ---- what belongs together ---------------------------------------------- */

static bool
signed_by(const struct jz_issuer *i, struct jz_span certificate,
    const uint8_t reference[static JZ_REFERENCE_BYTES])
{
	struct jz_certificate c;

	return jz_certificate_parse(certificate, i->engine.crypto, &c) == 0 &&
	    memcmp(c.authority, reference, JZ_REFERENCE_BYTES) == 0;
}

static bool
held_by(const struct jz_issuer *i, struct jz_span certificate,
    const uint8_t reference[static JZ_REFERENCE_BYTES])
{
	struct jz_certificate c;

	return jz_certificate_parse(certificate, i->engine.crypto, &c) == 0 &&
	    memcmp(c.holder, reference, JZ_REFERENCE_BYTES) == 0;
}

int
jz_issuer_chain(const struct jz_issuer *i, struct jz_span certificate,
    struct jz_span *ca, struct jz_span *host)
{
	const struct jz_pki *p = &i->pki;
	struct jz_certificate c;
	int err = jz_certificate_parse(certificate, i->engine.crypto, &c);

	*ca = jz_issuer_ca(i);
	*host = jz_issuer_host(i);
	if (err != 0 || held_by(i, *ca, c.authority))
		return err;
	*ca = *host = jz_span(NULL, 0);
	for (unsigned v = 1; v < p->ca_version; v++) {
		struct jz_span s =
		    jz_span(p->old_ca[v - 1].bytes, p->old_ca[v - 1].len);

		if (held_by(i, s, c.authority))
			*ca = s;
	}
	for (unsigned v = 1; v < p->host_version; v++) {
		struct jz_span s =
		    jz_span(p->old_host[v - 1].bytes, p->old_host[v - 1].len);

		if (signed_by(i, s, c.authority))
			*host = s;
	}
	return ca->len > 0 && host->len > 0 ? 0 : JZ_ERR_CERT_ISSUER;
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
give_pair(const struct jz_issuer *i, const char *name,
    struct jz_span certificate, bool current,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	struct jz_issuer_key k = {.name = name, .current = current};
	uint8_t hash[JZ_HASH_BYTES];
	struct jz_certificate c;
	struct jz_span key;
	char where[WHERE_MAX] = "";
	int err = jz_certificate_parse(certificate, i->engine.crypto, &c);

	if (err != 0)
		return err;
	key = jz_span(c.public_key, JZ_PUBLIC_BYTES_EC);
	err = i->engine.crypto->hash(i->engine.state, &key, 1, hash);
	memcpy(k.reference, c.holder, JZ_REFERENCE_BYTES);
	k.version = sequence_of(k.reference);
	if (current && i->token != NULL)
		snprintf(where, sizeof(where), "pkcs11:%s-%u", name, k.version);
	else if (current && k.version == 1)
		snprintf(where, sizeof(where), "keys/%s.key", name);
	else if (current)
		snprintf(
		    where, sizeof(where), "keys/%s-%u.key", name, k.version);
	k.where = where;
	memcpy(k.check, hash, sizeof(k.check));
	k.from = c.from;
	k.to = c.to;
	return err != 0 ? err : each(&k, arg);
}

static int
each_old(struct jz_issuer *i, const char *name,
    const struct jz_pki_certificate *old, unsigned version,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	int err = 0;

	for (unsigned v = 1; err == 0 && v < version; v++)
		err = give_pair(i, name,
		    jz_span(old[v - 1].bytes, old[v - 1].len), false, each,
		    arg);
	return err;
}

static int
each_pair(struct jz_issuer *i,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg)
{
	const struct jz_pki *p = &i->pki;
	int err = give_pair(i, "root", jz_issuer_root(i), true, each, arg);

	if (err == 0)
		err = each_old(i, "ca", p->old_ca, p->ca_version, each, arg);
	if (err == 0)
		err = give_pair(i, "ca", jz_issuer_ca(i), true, each, arg);
	if (err == 0)
		err = each_old(
		    i, "host", p->old_host, p->host_version, each, arg);
	if (err == 0)
		err = give_pair(i, "host", jz_issuer_host(i), true, each, arg);
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

		err = jz_check_value(&i->engine, k.name, &m->key, k.check);
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
