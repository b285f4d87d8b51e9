/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making cards in number: one card made and personalised in memory, as a
 * batch does it, against the public-key operations in it.
 */
#include "bench.h"
#include "world.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../host/personalise.h"
#include "../../keys/openssl/openssl.h"

/*
 * The card makes its key pair.  The issuer looks whether the key is a point,
 * by a verification, and signs the certificate.  The card verifies root, CA,
 * host and its own certificate.
 */
#define KEY_PAIRS     1
#define SIGNATURES    1
#define VERIFICATIONS 5
#define GROUP	      32u

struct making {
	struct world *world;
	struct jz_virtual_pool *pool;
	struct jz_engine engine; /* the host's */
	struct jz_key_pair key;
	uint8_t signature[JZ_SIG_BYTES];
	uint32_t number;
};

static const uint8_t MESSAGE[JZ_HASH_BYTES] = {1};

static int
card_keys(void *arg, const uint8_t kdd[static JZ_GP_KDD_BYTES], uint8_t kvn,
    struct jz_scp03_keys *out)
{
	return jz_issuer_card_keys(arg, kdd, kvn, out);
}

static int
personalise(struct making *m, struct jz_reader *reader)
{
	const struct jz_personal p = {.holder = "bench",
	    .account = "bench",
	    .pin = JZ_SECRET("271828"),
	    .currency = WORLD_CURRENCY,
	    .max_balance_minor = 100000,
	    .max_single_minor = 100000};
	struct jz_issuer *issuer = m->world->issuer;
	struct jz_personalising r = {.personal = &p,
	    .keys = card_keys,
	    .arg = issuer,
	    .kvn = jz_issuer_kvn(issuer),
	    .root = jz_issuer_root(issuer),
	    .ca = jz_issuer_ca(issuer),
	    .host = jz_issuer_host(issuer)};
	struct jz_issuer_card card = {
	    .account = "bench", .holder = "bench", .number = ++m->number};
	struct jz_session session;
	int e;

	jz_session_init(&session, reader);
	e = jz_purse_select(&session);
	if (e == 0)
		e = jz_personal_begin(&r, &session, &m->engine);
	memcpy(card.public_key, r.public_key, sizeof(card.public_key));
	if (e == 0)
		e = jz_issuer_certificate(issuer, &card);
	if (e == 0)
		e = jz_personal_finish(&r,
		    jz_span(card.certificate, card.certificate_len), card.asn);
	jz_gp_close(&r.gp);
	return e;
}

static int
make_ours(void *arg)
{
	struct making *m = arg;
	const struct jz_virtual_options o = {
	    .suite = m->world->suite, .pool = m->pool, .compact = true};
	struct jz_reader *readers[GROUP] = {NULL};
	struct jz_virtual *card;
	int e = 0;

	for (unsigned i = 0; i < GROUP && e == 0; i++) {
		card = NULL;
		e = jz_virtual_create(&o, &card);
		if (e == 0)
			e = jz_reader_take_virtual(&card, &readers[i]);
		if (e == 0)
			e = personalise(m, readers[i]);
	}
	for (unsigned i = 0; i < GROUP; i++)
		jz_reader_free(&readers[i]);
	return e;
}

static int
make_least(void *arg)
{
	struct making *m = arg;
	const struct jz_crypto *c = m->engine.crypto;
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	struct jz_key_pair pair;
	uint8_t out[JZ_SIG_BYTES];
	int e = 0;

	for (unsigned i = 0; i < GROUP && e == 0; i++) {
		for (int k = 0; k < KEY_PAIRS && e == 0; k++)
			e = c->generate(m->engine.state, &pair);
		for (int k = 0; k < SIGNATURES && e == 0; k++)
			e = c->sign(m->engine.state, &m->key, &part, 1, out);
		for (int k = 0; k < VERIFICATIONS && e == 0; k++)
			e = c->verify(m->engine.state, m->key.public_key, &part,
			    1, m->signature);
	}
	return e;
}

int
bench_batch(struct bench *b, struct world *w)
{
	struct making m = {.world = w};
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	const struct bench_case what = {w->suite == JZ_SUITE_GM
		? "one card made and personalised, suite gm"
		: "one card made and personalised, suite nist",
	    "its key pair, signature and 5 verifications", make_ours,
	    make_least, &m, 0, "at most 1.3 times", 1.3, BENCH_CPU};
	int e = jz_openssl_new(w->suite, &m.engine);

	if (e == 0)
		e = jz_virtual_pool_new(&m.pool);
	if (e == 0)
		e = m.engine.crypto->generate(m.engine.state, &m.key);
	if (e == 0)
		e = m.engine.crypto->sign(
		    m.engine.state, &m.key, &part, 1, m.signature);
	if (e == 0)
		e = bench_run_parts(b, &what, GROUP);
	jz_virtual_pool_free(&m.pool);
	jz_openssl_free(&m.engine);
	return e;
}
