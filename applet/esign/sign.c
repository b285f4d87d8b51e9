/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGN: the one contact (JPS-18).  A transaction message comes in, a signature
 * in the card's mode and scheme goes out (JPS-2 to JPS-8), and the card is alone.
 */
#include "esign.h"
#include "../../apdu/error.h"
#include "../../keys/secret.h"

#include <string.h>

#define MODE_HIGH 0xFF00u /* of a kind, above its mode */

const uint8_t ESIGN_NONCE[JZ_SEAL_NONCE_BYTES];

/* What is made anew for each contact; wiped on every way out. */
struct contact {
	struct jz_joint joint;
	struct esign_standby standby;
	struct esign_pending pending;
	struct jz_esign_signature signature;
	uint8_t sealed[JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX)];
};

/* JPS-11 */
static enum esign_need
need_of(const struct esign_nvm *p, const struct jz_esign_order *order)
{
	if (order->amount <= p->pin_above && order->currency == p->currency)
		return NEED_KEY;
	return (p->flags & JZ_ESIGN_KEY_AFTER_PIN) != 0 ? NEED_PIN_AND_KEY
							: NEED_PIN;
}

/* Password, nonce and keys; a random number beside the password only where the
 * scheme has one. */
static int
draw(struct jz_applet *self, struct contact *c)
{
	const struct esign_nvm *p = esign_nvm(self);
	/* One draw for all three: each takes fresh entropy and four hashes. */
	struct {
		uint8_t random[sizeof(c->joint.random)];
		uint8_t nonce[sizeof(c->signature.nonce)];
		uint8_t key[sizeof(c->standby.key)];
	} drawn;
	int err = esign_draw(self, p->alphabet, c->joint.password, p->length);

	c->joint.len = p->length;
	if (err == 0)
		err = jz_card_random(self, &drawn, sizeof(drawn));
	if (err == 0) {
		if ((p->scheme & JZ_SCHEME_BARE) == 0)
			memcpy(c->joint.random, drawn.random,
			    sizeof(drawn.random));
		memcpy(c->signature.nonce, drawn.nonce, sizeof(drawn.nonce));
		memcpy(c->standby.key, drawn.key, sizeof(drawn.key));
	}
	jz_wipe(&drawn, sizeof(drawn));
	return err;
}

/* Which card, which contact, which message. */
static int
begin(struct jz_applet *self, struct jz_span order, struct contact *c)
{
	const struct esign_nvm *p = esign_nvm(self);
	struct jz_esign_signature *s = &c->signature;
	int err = jz_esign_order(jz_card_engine(self), order, s);

	s->kind = (enum jz_esign_kind)(MODE_HIGH | p->mode);
	s->scheme = p->scheme;
	memcpy(s->card_id, p->id, sizeof(s->card_id));
	memcpy(c->joint.order_digest, s->order_digest, JZ_DIGEST_BYTES);
	s->counter = p->counter + 1;
	s->key_version = p->key_version;
	s->sealed =
	    jz_span(c->sealed, jz_joint_sealed_bytes(p->scheme, c->joint.len));
	return err;
}

static int
make_signature(struct jz_applet *self, struct jz_span order, struct contact *c)
{
	const struct esign_nvm *p = esign_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_esign_ends ends;
	int err = begin(self, order, c);

	if (err == 0)
		err = jz_esign_meet(
		    e, &c->signature, &p->key, p->issuer_key, &ends);
	if (err != 0)
		return err;
	err = jz_joint_seal(e, &c->signature, &ends, &c->joint, c->sealed);
	jz_esign_bind(&c->signature, &c->joint);
	if (err == 0)
		err = jz_esign_sign(e, &c->signature, &ends);
	jz_wipe(&ends, sizeof(ends));
	return err;
}

/* E2 */
static int
make_pending(struct jz_applet *self, struct jz_span order, enum esign_need need,
    struct contact *c)
{
	const struct jz_engine *e = jz_card_engine(self);
	struct esign_pending *w = &c->pending;

	w->open = 1;
	w->need = (uint8_t)need;
	w->password_len = (uint8_t)c->joint.len;
	w->order_len = (uint16_t)order.len;
	memcpy(w->order, order.data, order.len);
	return e->crypto->seal(e->state, c->standby.key, ESIGN_NONCE,
	    jz_span(c->signature.order_digest, JZ_DIGEST_BYTES),
	    c->joint.password, JZ_JOINT_MAX, w->sealed);
}

/* E1 */
static int
commit(struct jz_applet *self, const struct contact *c)
{
	const struct esign_nvm *p = esign_nvm(self);

	jz_begin(self);
	jz_write_u32(self, &p->counter, c->signature.counter);
	jz_write(self, &p->pending, &c->pending, sizeof(c->pending));
	return jz_commit(self);
}

static uint16_t
sign(struct jz_applet *self, struct jz_apdu *apdu, enum esign_need need,
    struct contact *c)
{
	struct jz_span order = apdu->command.data;
	int err = draw(self, c);

	if (err == 0)
		err = make_signature(self, order, c);
	if (err == 0)
		err = make_pending(self, order, need, c);
	if (err == 0)
		err = commit(self, c);
	if (err == 0)
		err = jz_alone_begin(self, esign_go_on);
	if (err == 0)
		err = jz_standby_write(self, &c->standby, sizeof(c->standby));
	if (err == 0)
		err = jz_esign_put_signature(&c->signature, &apdu->out);
	return jz_runtime_status(err);
}

uint16_t
esign_sign(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct esign_nvm *p = esign_nvm(self);
	struct jz_esign_order order;
	enum esign_need need;
	struct contact c;
	uint16_t sw;

	if (jz_esign_get_order(apdu->command.data, &order) != 0)
		return JZ_SW_DATA;
	/* Without a display nobody sees what is signed. */
	if (jz_panel_lines(self) == 0)
		return JZ_SW_FUNCTION;
	need = need_of(p, &order);
	if (need != NEED_KEY && p->pin.tries == 0)
		return JZ_SW_BLOCKED;
	if (p->counter == JZ_ESIGN_COUNTER_MAX)
		return JZ_SW_COUNTER;
	memset(&c, 0, sizeof(c));
	sw = sign(self, apdu, need, &c);
	jz_wipe(&c, sizeof(c));
	return sw;
}
