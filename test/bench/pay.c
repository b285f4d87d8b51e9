/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole offline payment between two cards in this process, against the
 * public-key operations that docs/protocol.md asks for in it (docs/bench.md
 * lists them).  Before each one the cards are set back to a snapshot, as their
 * logs hold no more than a few dozen.
 */
#include "bench.h"
#include "world.h"

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

/* As world_crypto() does them. */
const struct world_list world_payment = {5, 6, 2, 2};

struct paying {
	struct world *world;
	struct world_keys keys;
	struct jz_virtual_snapshot *payer, *payee;
};

static int
pay_ours(void *arg)
{
	static const struct jz_terms terms = {.amount_minor = 1,
	    .currency = WORLD_CURRENCY,
	    .time = 1769903999,
	    .reference = "bench"};
	struct paying *p = arg;
	struct world *w = p->world;
	struct jz_pay_result result;
	int e = jz_virtual_restore(w->payer.card, p->payer);

	if (e == 0)
		e = jz_virtual_restore(w->payee.card, p->payee);
	return e != 0 ? e
		      : jz_pay(&w->payer.session, &w->payee.session, &terms,
			    &result, NULL, NULL);
}

static int
pay_least(void *arg)
{
	struct paying *p = arg;

	return world_crypto(&p->keys, &world_payment);
}

int
bench_pay(struct bench *b, struct world *w)
{
	struct paying p = {.world = w};
	const struct bench_case what = {w->suite == JZ_SUITE_GM
		? "offline payment, all six steps, suite gm"
		: "offline payment, all six steps, suite nist",
	    "its 5 signatures, 6 verifications, 2 key pairs, 2 agreements",
	    pay_ours, pay_least, &p, 0, "90 % of the cryptography's speed",
	    1 / 0.9, BENCH_CPU};
	int e = world_keys_new(&p.keys, w->suite);

	if (e == 0)
		e = jz_virtual_save(w->payer.card, &p.payer);
	if (e == 0)
		e = jz_virtual_save(w->payee.card, &p.payee);
	if (e == 0)
		e = bench_run(b, &what);
	jz_virtual_snapshot_free(&p.payer);
	jz_virtual_snapshot_free(&p.payee);
	world_keys_free(&p.keys);
	return e;
}
