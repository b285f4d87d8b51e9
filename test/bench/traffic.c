/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs of software cards that pay, in batches.
 */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define LOADED 20000u

static int
load(struct traffic *t, struct fakecard *c)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));
	struct jz_message m = fakecard_load_request(c, LOADED);
	struct letter request = fakecard_sign(c, &m), report;
	int e =
	    jz_issuer_load_permit(t->world->issuer, letter_span(&request), &b);

	if (e != 0)
		return e;
	l.len = b.len;
	m = fakecard_load_report(c, &l);
	report = letter_of(&m);
	return jz_issuer_load_report(t->world->issuer, letter_span(&report));
}

static int
sign_in(struct traffic *t, struct fakecard *c)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));
	struct jz_message m = fakecard_sign_in_request(c);
	struct letter ask = letter_of(&m), answer;
	int e = jz_issuer_challenge(t->world->issuer, letter_span(&ask), &b);

	if (e != 0)
		return e;
	l.len = b.len;
	m = fakecard_sign_in(c, &l);
	answer = fakecard_sign(c, &m);
	b = jz_buffer(l.data, sizeof(l.data));
	return jz_issuer_sign_in(t->world->issuer, letter_span(&answer), &b);
}

static struct letter
next_batch(struct fakecard *c, uint32_t n)
{
	struct letter records;
	struct jz_message m =
	    fakecard_batch(c, c->first_unsettled, n, &records);

	c->first_unsettled += n;
	return fakecard_sign(c, &m);
}

/* Its load's record is settled, so that batches are of payments alone. */
static int
settle_load(struct traffic *t, struct fakecard *c)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct letter l = next_batch(c, 1);

	return jz_issuer_batch(t->world->issuer, letter_span(&l), &b);
}

static int
new_card(struct traffic *t, struct fakecard *c)
{
	struct jz_buffer b = jz_buffer(c->certificate, sizeof(c->certificate));
	int e;

	fakecard_new(c, &t->engine, (int64_t)time(NULL));
	(void)snprintf(c->account, sizeof(c->account), WORLD_ACCOUNT);
	(void)snprintf(c->holder, sizeof(c->holder), WORLD_ACCOUNT);
	e = jz_issuer_certify(t->world->issuer, WORLD_ACCOUNT, WORLD_ACCOUNT,
	    c->key.public_key, 0, c->id, c->asn, &b);
	c->certificate_len = b.len;
	if (e == 0)
		e = jz_issuer_deposit(t->world->issuer, WORLD_ACCOUNT, LOADED);
	if (e == 0)
		e = load(t, c);
	if (e == 0)
		e = sign_in(t, c);
	return e != 0 ? e : settle_load(t, c);
}

int
traffic_new(struct traffic *t, struct world *w, unsigned pairs)
{
	int e;

	memset(t, 0, sizeof(*t));
	t->world = w;
	t->n_pairs = pairs;
	t->payer = calloc(pairs, sizeof(*t->payer));
	t->payee = calloc(pairs, sizeof(*t->payee));
	if (t->payer == NULL || t->payee == NULL)
		return JZ_ERR_MEMORY;
	e = jz_openssl_new(w->suite, &t->engine);
	for (unsigned i = 0; i < pairs && e == 0; i++) {
		e = new_card(t, &t->payer[i]);
		if (e == 0)
			e = new_card(t, &t->payee[i]);
	}
	return e;
}

void
traffic_free(struct traffic *t)
{
	free(t->payer);
	free(t->payee);
	jz_openssl_free(&t->engine);
}

void
traffic_batches(struct traffic *t, const struct jz_engine *e, unsigned pair,
    struct letter out[static 2])
{
	struct fakecard *payer = &t->payer[pair], *payee = &t->payee[pair];

	payer->engine = payee->engine = *e;
	for (unsigned i = 0; i < JZ_BATCH_RECORDS; i++)
		fakecard_pay(payer, payee, 1);
	out[0] = next_batch(payer, JZ_BATCH_RECORDS);
	out[1] = next_batch(payee, JZ_BATCH_RECORDS);
}
