/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature card's one contact, in this process, against its public-key
 * operations; the card is set back to a snapshot before each.
 */
#include "bench.h"
#include "world.h"

#include "../../apdu/error.h"
#include "../../host/sign.h"
#include "../../keys/secret.h"
#include "../support/contact.h"

/* JPS-4: the joint password goes to the issuer under a key pair of its own,
 * and the whole is signed. */
const struct world_list world_contact = {1, 0, 1, 1};

struct signing {
	struct contact_card card;
	struct world_keys keys;
	struct jz_virtual_snapshot *ready;
	uint8_t order[JZ_ESIGN_ORDER_MAX];
	size_t order_len;
};

static int
sign_ours(void *arg)
{
	struct signing *s = arg;
	uint8_t bytes[JZ_ESIGN_SIGNATURE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int e = jz_virtual_restore(s->card.card, s->ready);

	return e != 0 ? e
		      : jz_sign_contact(&s->card.session,
			    jz_span(s->order, s->order_len), &b);
}

static int
sign_least(void *arg)
{
	struct signing *s = arg;

	return world_crypto(&s->keys, &world_contact);
}

int
bench_sign(struct bench *b, struct world *w)
{
	struct signing s = {0};
	const struct bench_case what = {w->suite == JZ_SUITE_GM
		? "e-signature contact, suite gm"
		: "e-signature contact, suite nist",
	    "its signature, key pair and agreement", sign_ours, sign_least, &s,
	    0, "90 % of the cryptography's speed", 1 / 0.9, BENCH_CPU};
	struct jz_issuer_esign desk;
	int e = jz_issuer_esign_open(
	    w->issuer, w->issuer_dir, WORLD_PASSPHRASE, &desk);

	if (e == 0)
		e = world_keys_new(&s.keys, w->suite);
	if (e == 0)
		e = contact_card_new(&s.card, w->issuer, &desk.verifier,
		    WORLD_ACCOUNT, w->suite, 0);
	if (e == 0)
		e = contact_order(WORLD_ACCOUNT, WORLD_ACCOUNT, s.order,
		    sizeof(s.order), &s.order_len);
	if (e == 0)
		e = jz_virtual_save(s.card.card, &s.ready);
	if (e == 0)
		e = bench_run(b, &what);
	jz_virtual_snapshot_free(&s.ready);
	contact_card_free(&s.card);
	world_keys_free(&s.keys);
	jz_issuer_esign_close(&desk);
	return e;
}
