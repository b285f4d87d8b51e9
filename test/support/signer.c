/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include <stdio.h>
#include <string.h>

#include "../../keys/esign.h"
#include "../../keys/openssl/openssl.h"

int
signer_new(struct signer *s, const struct jz_esign_verifier *v, const char *id,
    const char *account)
{
	int err = jz_openssl_new(v->engine.crypto->suite, &s->engine);

	memcpy(s->id, id, sizeof(s->id));
	s->account = account;
	s->counter = 0;
	if (err == 0)
		err = s->engine.crypto->generate(s->engine.state, &s->key);
	return err != 0
	    ? err
	    : jz_esign_register(v, s->id, s->key.public_key, account);
}

void
signer_free(struct signer *s)
{
	jz_openssl_free(&s->engine);
}

/* The password from the random bytes of the contact. */
static void
draw(struct jz_joint *j)
{
	char text[SIGNER_PASSWORD + 1];
	unsigned n = j->random[0] * 256u + j->random[1];

	(void)snprintf(text, sizeof(text), "%06u", n * 15u);
	memcpy(j->password, text, SIGNER_PASSWORD);
	j->len = SIGNER_PASSWORD;
}

static int
put_order(
    const struct signer *s, const struct signer_order *o, struct jz_buffer *out)
{
	const struct jz_esign_order m = {
	    .account = jz_span(s->account, strlen(s->account)),
	    .amount = o->amount,
	    .currency = o->currency,
	    .to_account = jz_span(o->to, strlen(o->to))};

	return jz_esign_put_order(&m, out);
}

int
signer_sign(struct signer *s, const struct jz_esign_verifier *v,
    const struct signer_order *o, struct jz_buffer *out)
{
	const struct jz_engine *e = &s->engine;
	uint8_t order[JZ_ESIGN_ORDER_MAX], bytes[JZ_ESIGN_SIGNATURE_MAX];
	uint8_t sealed[JZ_JOINT_SEALED_BYTES(SIGNER_PASSWORD)];
	struct jz_buffer m = jz_buffer(order, sizeof(order));
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_esign_signature g = {
	    .kind = o->kind != 0 ? o->kind : JZ_ESIGN_SIGNATURE,
	    .counter = ++s->counter,
	    .key_version = v->key_version,
	    .scheme = o->scheme != 0 ? o->scheme : JZ_SCHEME_DEFAULT};
	struct jz_esign_submission all;
	struct jz_esign_ends ends;
	struct jz_joint joint = {0};
	int err = put_order(s, o, &m);

	memcpy(g.card_id, s->id, sizeof(g.card_id));
	if (err == 0)
		err = e->crypto->random(e->state, g.nonce, sizeof(g.nonce));
	if (err == 0)
		err = e->crypto->random(
		    e->state, joint.random, sizeof(joint.random));
	if (err == 0)
		err = jz_esign_order(e, jz_buffer_span(&m), &g);
	draw(&joint);
	memcpy(joint.order_digest, g.order_digest, JZ_DIGEST_BYTES);
	if (err == 0)
		err = jz_esign_meet(e, &g, &s->key, v->key->public_key, &ends);
	if (err == 0)
		err = jz_joint_seal(e, &g, &ends, &joint, sealed);
	g.sealed = jz_span(sealed, jz_joint_sealed_bytes(g.scheme, joint.len));
	if (jz_esign_binds_password(g.kind))
		jz_esign_bind(&g, &joint);
	if (err == 0)
		err = jz_esign_sign(e, &g, &ends);
	if (err == 0)
		err = jz_esign_put_signature(&g, &b);
	all = (struct jz_esign_submission){.order = jz_buffer_span(&m),
	    .signature = jz_buffer_span(&b),
	    .typed = jz_span(joint.password, joint.len)};
	return err != 0 ? err : jz_esign_put_submission(&all, out);
}
