/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encrypted profile: every message of a payment, the request included,
 * travels under the working key.
 *
 * The payer's card says hello first: a point and a random number, which name
 * nobody.  The payee's card answers with a point of its own in the envelope of
 * the request, and from the two both have the keys.  Request and agreement sign
 * both points, so that whoever stands between two hellos is found out.
 *
 * The hello and the keys live in the non-volatile memory, which is sealed in a
 * virtual card's file: there may be days and power cuts between any two steps.
 */
#include "purse.h"
#include "../../keys/secret.h"

#include <string.h>

/* FF21 of a point and a number. */
static void
hello_of(const struct purse_hello *h, struct jz_message *m)
{
	memset(m, 0, sizeof(*m));
	m->kind = JZ_KIND_HELLO;
	memcpy(m->payer_key, h->key.public_key, sizeof(m->payer_key));
	memcpy(m->nonce, h->nonce, sizeof(m->nonce));
}

/* One hello is open; a new one takes its place. */
uint16_t
purse_greet(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_hello h = {0};
	struct jz_message m;
	int err;

	if (!purse_encrypted(p))
		return JZ_SW_PROFILE;
	if ((err = e->crypto->generate(e->state, &h.key)) == 0)
		err = jz_card_random(self, h.nonce, sizeof(h.nonce));
	h.open = 1;
	if (err == 0)
		err = jz_write(self, &p->hello, &h, sizeof(h));
	jz_wipe(&h, sizeof(h));
	if (err != 0)
		return purse_status(err);
	hello_of(&p->hello, &m);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

int
purse_answer_hello(const struct jz_applet *self, struct jz_span hello,
    const struct jz_key_pair *own, struct purse_answer *out)
{
	struct jz_message m;
	int err = jz_message_decode(hello, JZ_KIND_HELLO, &m);

	if (err != 0)
		return err;
	memcpy(out->payer_key, m.payer_key, sizeof(out->payer_key));
	return jz_sealed_keys(jz_card_engine(self), own->private_key,
	    m.payer_key, &m, own->public_key, &out->keys);
}

uint16_t
purse_open_request(const struct jz_applet *self, struct jz_span in,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_working_keys *keys,
    struct jz_message *out)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_sealed s;
	int err;

	if (jz_sealed_parse(in, &s) != 0 || !s.has_payee_key)
		return JZ_SW_DATA;
	if (p->hello.open == 0)
		return JZ_SW_NO_PAYMENT;
	hello_of(&p->hello, out);
	err = jz_sealed_keys(
	    e, p->hello.key.private_key, s.payee_key, out, s.payee_key, keys);
	if (err == 0)
		err = jz_message_open(
		    e, &s, JZ_KIND_REQUEST, keys->to_payer, plain, out);
	if (err != 0)
		return purse_status(err);
	return memcmp(
		   out->payer_key, p->hello.key.public_key, JZ_POINT_BYTES) == 0
	    ? JZ_SW_OK
	    : JZ_SW_MISMATCH;
}
