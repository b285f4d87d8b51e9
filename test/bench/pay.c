/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole offline payment between two cards in this process, against the
 * public-key operations that docs/protocol.md asks for in it.
 */
#include "bench.h"
#include "world.h"

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

/*
 * request: signed.  agreement: certificate and request verified, signed.
 * confirmation: certificate and agreement verified, signed.  completion:
 * confirmation verified, signed.  receipt: completion verified, signed; its
 * seal alone is looked at by the payer's card.  Each side makes one ephemeral
 * key pair and agrees on the working key once.
 */
#define SIGNATURES    5
#define VERIFICATIONS 6
#define SIDES	      2

struct paying {
	struct world *world;
	struct jz_engine engine;
	struct jz_key_pair key;
	uint8_t signature[JZ_SIG_BYTES];
};

static const uint8_t MESSAGE[JZ_HASH_BYTES] = {1};

static int
pay_ours(void *arg)
{
	static const struct jz_terms terms = {.amount_minor = 1,
	    .currency = WORLD_CURRENCY,
	    .time = 1769903999,
	    .reference = "bench"};
	struct paying *p = arg;
	struct jz_pay_result result;

	return jz_pay(&p->world->payer.session, &p->world->payee.session,
	    &terms, &result, NULL, NULL);
}

static int
pay_least(void *arg)
{
	struct paying *p = arg;
	const struct jz_crypto *c = p->engine.crypto;
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	struct jz_key_pair ephemeral;
	uint8_t out[JZ_SIG_BYTES], shared[JZ_HASH_BYTES];
	int e = 0;

	for (int i = 0; i < SIGNATURES && e == 0; i++)
		e = c->sign(p->engine.state, &p->key, &part, 1, out);
	for (int i = 0; i < VERIFICATIONS && e == 0; i++)
		e = c->verify(
		    p->engine.state, p->key.public_key, &part, 1, p->signature);
	for (int i = 0; i < SIDES && e == 0; i++) {
		e = c->generate(p->engine.state, &ephemeral);
		if (e == 0)
			e = c->agree(p->engine.state, ephemeral.private_key,
			    p->key.public_key, shared);
	}
	return e;
}

int
bench_pay(struct bench *b, struct world *w)
{
	struct paying p = {.world = w};
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	/* One payment a sample: the cards' logs hold no more. */
	const struct bench_case what = {"offline payment, all six steps",
	    "its 5 signatures, 6 verifications, 2 key pairs, 2 agreements",
	    pay_ours, pay_least, &p, 1, NULL};
	int e = jz_openssl_new(JZ_SUITE_NIST, &p.engine);

	if (e == 0)
		e = p.engine.crypto->generate(p.engine.state, &p.key);
	if (e == 0)
		e = p.engine.crypto->sign(
		    p.engine.state, &p.key, &part, 1, p.signature);
	if (e == 0)
		e = bench_run(b, &what);
	jz_openssl_free(&p.engine);
	return e;
}
