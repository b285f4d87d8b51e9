/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: what people have done to the issuer and what it has found
 * wrong, each in the commit of the thing itself.
 *
 *   hash(n) = H("jiaozi audit entry" || hash(n - 1) || n || time ||
 *             host || length of actor || actor || text)
 *
 * with numbers of eight bytes, the length of one, and zeros before the first.
 * The host signs each hash.  So what is changed, dropped, put in or moved shows;
 * what is cut off at the end shows when a later entry is known elsewhere
 * (jz_issuer_audit_head).
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

#define PURPOSE "jiaozi audit head"

/* ---- signing as the host ------------------------------------------------ */

int
jz_host_sign(struct jz_issuer *i, const char *purpose, struct jz_span what,
    uint8_t host[static JZ_ID_BYTES],
    uint8_t signature[static JZ_SIGNATURE_BYTES])
{
	const struct jz_engine *e = &i->engine;
	const struct jz_span parts[] = {
	    jz_span(purpose, strlen(purpose)), what};

	memcpy(host, i->pki.host.certificate.holder, JZ_ID_BYTES);
	return e->crypto->sign(e->state, &i->pki.host.key, parts, 2, signature);
}

/* A host of this issuer by its name, of whichever version. */
static int
find_host(const struct jz_issuer *i, const uint8_t name[static JZ_ID_BYTES],
    struct jz_certificate *out)
{
	const struct jz_pki *p = &i->pki;

	*out = p->host.certificate;
	if (memcmp(out->holder, name, JZ_ID_BYTES) == 0)
		return 0;
	for (unsigned v = 1; v < p->host_version; v++) {
		const struct jz_pki_certificate *old = &p->old_host[v - 1];

		if (jz_certificate_parse(jz_span(old->bytes, old->len),
			i->engine.crypto, out) == 0 &&
		    memcmp(out->holder, name, JZ_ID_BYTES) == 0)
			return 0;
	}
	return JZ_ERR_CERT_ISSUER;
}

int
jz_host_verify(const struct jz_issuer *i, const char *purpose,
    struct jz_span what, const uint8_t host[static JZ_ID_BYTES],
    const uint8_t signature[static JZ_SIGNATURE_BYTES])
{
	const struct jz_engine *e = &i->engine;
	const struct jz_span parts[] = {
	    jz_span(purpose, strlen(purpose)), what};
	struct jz_certificate c;
	int err = find_host(i, host, &c);

	return err != 0
	    ? err
	    : e->crypto->verify(e->state, c.public_key, parts, 2, signature);
}

/* ---- writing ------------------------------------------------------------ */

static int
hash_of(const struct jz_engine *e, const struct jz_audit_entry *x,
    uint8_t out[static JZ_DIGEST_BYTES])
{
	static const char domain[] = "jiaozi audit entry";
	uint8_t numbers[16], length = (uint8_t)strlen(x->actor);
	const struct jz_span parts[] = {
	    jz_span(domain, sizeof(domain) - 1),
	    jz_span(x->previous, JZ_DIGEST_BYTES),
	    jz_span(numbers, sizeof(numbers)),
	    jz_span(x->host, JZ_ID_BYTES),
	    jz_span(&length, 1),
	    jz_span(x->actor, length),
	    jz_span(x->text, strlen(x->text)),
	};

	jz_set_be(numbers, 8, (uint64_t)x->number);
	jz_set_be(numbers + 8, 8, (uint64_t)x->time);
	return e->crypto->hash(
	    e->state, parts, sizeof(parts) / sizeof(parts[0]), out);
}

static int
append(struct jz_issuer *i, struct jz_audit_entry *x)
{
	struct jz_audit_entry last = {0};
	int err = jz_store_audit_last(i->store, &last);

	if (err == 0)
		memcpy(x->previous, last.hash, JZ_DIGEST_BYTES);
	else if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_store_next(i->store, "audit", &x->number);
	x->time = jz_issuer_now(i);
	memcpy(x->host, i->pki.host.certificate.holder, JZ_ID_BYTES);
	if (err == 0)
		err = hash_of(&i->engine, x, x->hash);
	if (err == 0)
		err = jz_host_sign(i, PURPOSE,
		    jz_span(x->hash, JZ_DIGEST_BYTES), x->host, x->signature);
	return err != 0 ? err : jz_store_audit_add(i->store, x);
}

int
jz_audit_note(struct jz_issuer *i, const char *actor, const char *format, ...)
{
	struct jz_audit_entry x = {0};
	va_list ap;
	int n;

	snprintf(x.actor, sizeof(x.actor), "%s", actor);
	va_start(ap, format);
	n = vsnprintf(x.text, sizeof(x.text), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(x.text))
		return JZ_ERR_SPACE;
	return append(i, &x);
}

/* ---- reading ------------------------------------------------------------ */

int
jz_issuer_each_audit(struct jz_issuer *i,
    int (*each)(const struct jz_audit_entry *e, void *arg), void *arg)
{
	jz_issuer_start(i);
	return jz_store_each_audit(i->store, each, arg);
}

int
jz_issuer_audit_head(struct jz_issuer *i, struct jz_audit_entry *out)
{
	jz_issuer_start(i);
	return jz_store_audit_last(i->store, out);
}

struct walk {
	struct jz_issuer *issuer;
	const struct jz_audit_entry *known;
	struct jz_audit_entry last; /* number 0: none before */
	const char *fault;
};

static int
signed_by_host(const struct jz_issuer *i, const struct jz_audit_entry *x)
{
	return jz_host_verify(i, PURPOSE, jz_span(x->hash, JZ_DIGEST_BYTES),
	    x->host, x->signature);
}

static const char *
fault_of(const struct walk *w, const struct jz_audit_entry *x)
{
	uint8_t hash[JZ_DIGEST_BYTES];

	if (x->number != w->last.number + 1)
		return "is missing, before the one here";
	if (memcmp(x->previous, w->last.hash, JZ_DIGEST_BYTES) != 0)
		return "does not follow the one before";
	if (hash_of(&w->issuer->engine, x, hash) != 0 ||
	    memcmp(hash, x->hash, JZ_DIGEST_BYTES) != 0)
		return "was changed";
	if (signed_by_host(w->issuer, x) != 0)
		return "is not signed by the issuer's host";
	if (w->known != NULL && w->known->number == x->number &&
	    memcmp(w->known->hash, x->hash, JZ_DIGEST_BYTES) != 0)
		return "is not the one of the head that is known";
	return NULL;
}

static int
look_at(const struct jz_audit_entry *x, void *arg)
{
	struct walk *w = arg;

	w->fault = fault_of(w, x);
	if (w->fault != NULL)
		return JZ_ERR_LOG_ALTERED;
	w->last = *x;
	return 0;
}

/* Whether what comes last is what came last. */
static const char *
fault_at_the_end(const struct walk *w)
{
	int64_t next = 0;

	if (w->known != NULL && signed_by_host(w->issuer, w->known) != 0)
		return "is not reached: the head that is known is not signed "
		       "by the issuer's host";
	if (w->known != NULL && w->known->number > w->last.number)
		return "is missing at the end: the head that is known is later";
	if (jz_store_audit_next(w->issuer->store, &next) != 0 ||
	    next != w->last.number + 1)
		return "is missing at the end";
	return NULL;
}

int
jz_issuer_audit_verify(
    struct jz_issuer *i, const struct jz_audit_entry *known, int64_t *entries)
{
	struct walk w = {.issuer = i, .known = known};
	char detail[JZ_AUDIT_TEXT_MAX];
	int err;

	*entries = 0;
	jz_issuer_start(i);
	err = jz_store_begin(i->store, false);
	if (err != 0)
		return err;
	err = jz_store_each_audit(i->store, look_at, &w);
	if (err == 0) {
		w.fault = fault_at_the_end(&w);
		err = w.fault != NULL ? JZ_ERR_LOG_ALTERED : 0;
	}
	err = jz_store_end(i->store, err);
	if (w.fault != NULL) {
		snprintf(detail, sizeof(detail), "entry %lld %s",
		    (long long)w.last.number + 1, w.fault);
		jz_store_set_detail(i->store, detail);
	}
	*entries = w.last.number;
	return err;
}
