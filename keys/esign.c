/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The joint password on its way to the issuer, and the signature beside it.
 */
#include "esign.h"

#include <string.h>

#include "../apdu/error.h"
#include "../apdu/tlv.h"
#include "secret.h"
#include "signed.h"

#define UNCOMPRESSED 0x04
#define POINT_SENT   (JZ_POINT_BYTES - 1)
#define BLOCK_MAX    (JZ_JOINT_MAX + JZ_JOINT_RANDOM_BYTES + JZ_DIGEST_BYTES)
#define BLOCK_FIXED  (JZ_JOINT_RANDOM_BYTES + JZ_DIGEST_BYTES)
#define SHARED_BYTES 32
#define UNSIGNED_MAX (400 + JZ_ESIGN_ORDER_MAX)
#define AAD_MAX	     96
_Static_assert(JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX) ==
	POINT_SENT + BLOCK_MAX + JZ_SEAL_TAG_BYTES,
    "key, block and tag");

static const uint8_t LABEL[] = {'j', 'i', 'a', 'o', 'z', 'i', ' ', 'j', 'o',
    'i', 'n', 't', ' ', 'p', 'a', 's', 's', 'w', 'o', 'r', 'd'};

int
jz_esign_digest(const struct jz_engine *e, struct jz_span order,
    uint8_t out[static JZ_DIGEST_BYTES])
{
	return e->crypto->hash(e->state, &order, 1, out);
}

/* Whose keys meet: on the card's side ephemeral and card, on the other the
 * issuer's one key twice. */
struct ends {
	const uint8_t *own_private, *peer_public;
	const uint8_t *own_static, *peer_static;
	const uint8_t *ephemeral, *issuer; /* public */
};

/* What the ciphertext belongs to. */
static struct jz_span
associated(const struct jz_esign_signature *s, uint8_t bytes[static AAD_MAX])
{
	struct jz_buffer b = jz_buffer(bytes, AAD_MAX);

	jz_put_u16(&b, (uint16_t)s->kind);
	jz_put(&b, s->card_id, sizeof(s->card_id));
	jz_put_u32(&b, s->counter);
	jz_put(&b, s->nonce, sizeof(s->nonce));
	jz_put_u8(&b, s->key_version);
	jz_put(&b, s->order_digest, sizeof(s->order_digest));
	return jz_buffer_span(&b);
}

/* Two Diffie-Hellmans where the card must show itself, else one. */
static int
derive(const struct jz_engine *e, const struct ends *k,
    const struct jz_esign_signature *s, uint8_t key[static JZ_KEY_BYTES])
{
	const struct jz_span info[] = {jz_span(LABEL, sizeof(LABEL)),
	    jz_span(k->ephemeral, JZ_POINT_BYTES),
	    jz_span(k->issuer, JZ_POINT_BYTES)};
	bool both =
	    s->kind == JZ_ESIGN_SEPARATE || jz_esign_binds_password(s->kind);
	uint8_t shared[2 * SHARED_BYTES];
	int err =
	    e->crypto->agree(e->state, k->own_private, k->peer_public, shared);

	if (err == 0 && both)
		err = e->crypto->agree(e->state, k->own_static, k->peer_static,
		    shared + SHARED_BYTES);
	if (err == 0)
		err = jz_kdf(e,
		    jz_span(shared, both ? sizeof(shared) : SHARED_BYTES), info,
		    sizeof(info) / sizeof(info[0]), key, JZ_KEY_BYTES);
	jz_wipe(shared, sizeof(shared));
	return err;
}

int
jz_joint_seal(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *card,
    const uint8_t issuer_key[static JZ_POINT_BYTES], const struct jz_joint *j,
    uint8_t *out)
{
	static const uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t block[BLOCK_MAX], aad[AAD_MAX], key[JZ_KEY_BYTES];
	struct jz_buffer b = jz_buffer(block, sizeof(block));
	struct jz_key_pair ephemeral;
	int err;

	if (j->len < JZ_JOINT_MIN || j->len > JZ_JOINT_MAX)
		return JZ_ERR_RANGE;
	jz_put(&b, j->password, j->len);
	jz_put(&b, j->random, sizeof(j->random));
	jz_put(&b, j->order_digest, sizeof(j->order_digest));
	err = e->crypto->generate(e->state, &ephemeral);
	if (err == 0)
		err = derive(e,
		    &(const struct ends){ephemeral.private_key, issuer_key,
			card->private_key, issuer_key, ephemeral.public_key,
			issuer_key},
		    s, key);
	if (err == 0) {
		memcpy(out, ephemeral.public_key + 1, POINT_SENT);
		err = e->crypto->seal(e->state, key, nonce, associated(s, aad),
		    block, b.len, out + POINT_SENT);
	}
	jz_wipe(&ephemeral, sizeof(ephemeral));
	jz_wipe(key, sizeof(key));
	jz_wipe(block, sizeof(block));
	return err;
}

/* The block, taken apart. */
static void
take_apart(const uint8_t *block, size_t len, struct jz_joint *out)
{
	out->len = len - BLOCK_FIXED;
	memcpy(out->password, block, out->len);
	memcpy(out->random, block + out->len, sizeof(out->random));
	memcpy(out->order_digest, block + out->len + sizeof(out->random),
	    sizeof(out->order_digest));
}

int
jz_joint_open(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *issuer,
    const uint8_t card_key[static JZ_POINT_BYTES], struct jz_joint *out)
{
	static const uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t point[JZ_POINT_BYTES] = {UNCOMPRESSED};
	uint8_t block[BLOCK_MAX], aad[AAD_MAX], key[JZ_KEY_BYTES];
	size_t sealed = s->sealed.len;
	int err;

	memset(out, 0, sizeof(*out));
	if (sealed < JZ_JOINT_SEALED_BYTES(JZ_JOINT_MIN) ||
	    sealed > JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX))
		return JZ_ERR_DECRYPT;
	memcpy(point + 1, s->sealed.data, POINT_SENT);
	sealed -= POINT_SENT;
	err = derive(e,
	    &(const struct ends){issuer->private_key, point,
		issuer->private_key, card_key, point, issuer->public_key},
	    s, key);
	if (err == 0)
		err = e->crypto->open(e->state, key, nonce, associated(s, aad),
		    s->sealed.data + POINT_SENT, sealed, block);
	if (err == 0)
		take_apart(block, sealed - JZ_SEAL_TAG_BYTES, out);
	/* No point of the curve is no ciphertext of ours either. */
	if (err == JZ_ERR_KEY)
		err = JZ_ERR_DECRYPT;
	jz_wipe(block, sizeof(block));
	jz_wipe(key, sizeof(key));
	return err;
}

void
jz_esign_bind(struct jz_esign_signature *s, struct jz_span order,
    const struct jz_joint *j)
{
	s->order = order;
	memcpy(s->password, j->password, sizeof(s->password));
	s->password_len = (uint8_t)j->len;
	memcpy(s->random, j->random, sizeof(s->random));
}

/* Digests that are signed and not sent. */
static int
digest_parts(const struct jz_engine *e, struct jz_esign_signature *s)
{
	const struct jz_span password[] = {
	    jz_span(s->password, s->password_len),
	    jz_span(s->random, sizeof(s->random))};
	int err = e->crypto->hash(e->state, &s->sealed, 1, s->sealed_digest);

	return err != 0
	    ? err
	    : e->crypto->hash(e->state, password, 2, s->password_digest);
}

int
jz_esign_sign(const struct jz_engine *e, struct jz_esign_signature *s,
    const struct jz_key_pair *key)
{
	uint8_t bytes[UNSIGNED_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int err = digest_parts(e, s);

	memset(s->signature, 0, sizeof(s->signature));
	if (err == 0)
		err = jz_esign_put_signature(s, JZ_UNSIGNED, &b);
	if (err != 0)
		return err;
	part = jz_buffer_span(&b);
	err = e->crypto->sign(e->state, key, &part, 1, s->signature);
	jz_wipe(bytes, b.len);
	return err;
}

int
jz_esign_verify(const struct jz_engine *e, struct jz_esign_signature *s,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	uint8_t bytes[UNSIGNED_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int err = digest_parts(e, s);

	if (err == 0)
		err = jz_esign_put_signature(s, JZ_UNSIGNED, &b);
	if (err != 0)
		return err;
	part = jz_buffer_span(&b);
	err = e->crypto->verify(e->state, public_key, &part, 1, s->signature);
	jz_wipe(bytes, b.len);
	return err;
}
