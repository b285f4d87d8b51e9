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
#define SHARED_BYTES 32
#define AAD_MAX	     96
#define SCALARS_MAX  8	  /* the first but one in 2^32 is a key */
#define PADDING	     0x80 /* ISO/IEC 9797-1, padding method 2 */
_Static_assert(JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX) ==
	POINT_SENT + BLOCK_MAX + JZ_SEAL_TAG_BYTES,
    "key, block and tag");

static const char PASSWORD_LABEL[] = "jiaozi joint password";
static const char SCALAR_LABEL[] = "jiaozi joint scalar";
static const char DIGEST_LABEL[] = "jiaozi joint digest";
/* Without its NUL. */
#define LABEL(l) jz_span(l, sizeof(l) - 1)

static bool
is_symmetric(const struct jz_esign_signature *s)
{
	return (s->scheme & JZ_SCHEME_SYMMETRIC) != 0;
}

static bool
is_bare(const struct jz_esign_signature *s)
{
	return (s->scheme & JZ_SCHEME_BARE) != 0;
}

static bool
has_keyed_digest(const struct jz_esign_signature *s)
{
	return (s->scheme & (JZ_SCHEME_MAC | JZ_SCHEME_CIPHERTEXT)) != 0 &&
	    s->kind != JZ_ESIGN_DIRECT;
}

bool
jz_esign_is_secret(uint32_t kind, uint8_t scheme)
{
	const struct jz_esign_signature s = {
	    .kind = (enum jz_esign_kind)kind, .scheme = scheme};

	return jz_esign_binds_password(kind) || has_keyed_digest(&s);
}

/* Whether the block must show that the card has made it. */
static bool
seals_by_both(const struct jz_esign_signature *s)
{
	return is_symmetric(s) || s->kind == JZ_ESIGN_SEPARATE ||
	    jz_esign_binds_password(s->kind);
}

int
jz_esign_meet(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *own, const uint8_t peer[static JZ_POINT_BYTES],
    struct jz_esign_ends *out)
{
	memset(out, 0, sizeof(*out));
	out->own = own;
	out->peer = peer;
	if (!seals_by_both(s) && !has_keyed_digest(s))
		return 0;
	return e->crypto->agree(e->state, own->private_key, peer, out->shared);
}

int
jz_esign_order(const struct jz_engine *e, struct jz_span order,
    struct jz_esign_signature *s)
{
	s->order = order;
	return e->crypto->hash(e->state, &order, 1, s->order_digest);
}

void
jz_esign_bind(struct jz_esign_signature *s, const struct jz_joint *j)
{
	memcpy(s->password, j->password, sizeof(s->password));
	s->password_len = (uint8_t)j->len;
	memcpy(s->random, j->random, sizeof(s->random));
}

/* ---- the encrypted password --------------------------------------------- */

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
	jz_put_u8(&b, s->scheme);
	jz_put(&b, s->order_digest, sizeof(s->order_digest));
	return jz_buffer_span(&b);
}

/* The two keys that meet for one block, beside those of both ends. */
struct sealing {
	const uint8_t *own_private, *peer_public;
	struct jz_span ephemeral; /* none in a symmetric scheme */
	const uint8_t *issuer;
	struct jz_span associated;
};

static int
derive(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *ends, const struct sealing *k,
    uint8_t key[static JZ_KEY_BYTES])
{
	const struct jz_span info[] = {LABEL(PASSWORD_LABEL), k->ephemeral,
	    jz_span(k->issuer, JZ_POINT_BYTES), k->associated};
	uint8_t secret[2 * SHARED_BYTES];
	size_t len = 0;
	int err = 0;

	if (!is_symmetric(s)) {
		err = e->crypto->agree(
		    e->state, k->own_private, k->peer_public, secret);
		len = SHARED_BYTES;
	}
	if (seals_by_both(s)) {
		memcpy(secret + len, ends->shared, SHARED_BYTES);
		len += SHARED_BYTES;
	}
	if (err == 0)
		err = jz_kdf(e, jz_span(secret, len), info,
		    sizeof(info) / sizeof(info[0]), key, JZ_KEY_BYTES);
	jz_wipe(secret, sizeof(secret));
	return err;
}

/* A key pair that follows from the password. */
static int
ephemeral_of(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *card, const struct jz_joint *j,
    struct jz_span aad, struct jz_key_pair *out)
{
	uint8_t secret[JZ_JOINT_MAX + SHARED_BYTES], i = 0;
	const struct jz_span info[] = {LABEL(SCALAR_LABEL),
	    jz_span(card->peer, JZ_POINT_BYTES), aad, jz_span(&i, 1)};
	size_t len = j->len;
	int err;

	memcpy(secret, j->password, j->len);
	if (seals_by_both(s)) {
		memcpy(secret + len, card->shared, SHARED_BYTES);
		len += SHARED_BYTES;
	}
	do {
		err = jz_kdf(e, jz_span(secret, len), info,
		    sizeof(info) / sizeof(info[0]), out->private_key,
		    sizeof(out->private_key));
		if (err == 0)
			err = e->crypto->derive_public(
			    e->state, out->private_key, out->public_key);
	} while (err == JZ_ERR_KEY && ++i < SCALARS_MAX);
	jz_wipe(secret, sizeof(secret));
	return err;
}

static int
make_ephemeral(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *card, const struct jz_joint *j,
    struct jz_span aad, struct jz_key_pair *out)
{
	if (is_symmetric(s))
		return 0;
	return is_bare(s) ? ephemeral_of(e, s, card, j, aad, out)
			  : e->crypto->generate(e->state, out);
}

static struct jz_span
put_block(const struct jz_esign_signature *s, const struct jz_joint *j,
    uint8_t block[static BLOCK_MAX])
{
	struct jz_buffer b = jz_buffer(block, BLOCK_MAX);

	jz_put(&b, j->password, j->len);
	if (!is_bare(s))
		jz_put(&b, j->random, sizeof(j->random));
	jz_put(&b, j->order_digest, sizeof(j->order_digest));
	return jz_buffer_span(&b);
}

int
jz_joint_seal(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *card, const struct jz_joint *j, uint8_t *out)
{
	static const uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t bytes[BLOCK_MAX], aad[AAD_MAX], key[JZ_KEY_BYTES];
	struct sealing k = {
	    .issuer = card->peer, .associated = associated(s, aad)};
	struct jz_key_pair ephemeral;
	struct jz_span block;
	int err;

	if (j->len < JZ_JOINT_MIN || j->len > JZ_JOINT_MAX)
		return JZ_ERR_RANGE;
	block = put_block(s, j, bytes);
	err = make_ephemeral(e, s, card, j, k.associated, &ephemeral);
	if (err == 0 && !is_symmetric(s)) {
		k.own_private = ephemeral.private_key;
		k.peer_public = card->peer;
		k.ephemeral = jz_span(ephemeral.public_key, JZ_POINT_BYTES);
		memcpy(out, ephemeral.public_key + 1, POINT_SENT);
		out += POINT_SENT;
	}
	if (err == 0)
		err = derive(e, s, card, &k, key);
	if (err == 0)
		err = e->crypto->seal(e->state, key, nonce, k.associated,
		    block.data, block.len, out);
	jz_wipe(&ephemeral, sizeof(ephemeral));
	jz_wipe(key, sizeof(key));
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

/* The block, taken apart. */
static void
take_apart(const struct jz_esign_signature *s, const uint8_t *block, size_t len,
    struct jz_joint *out)
{
	size_t random = is_bare(s) ? 0 : sizeof(out->random);

	out->len = len - random - JZ_DIGEST_BYTES;
	memcpy(out->password, block, out->len);
	memcpy(out->random, block + out->len, random);
	memcpy(out->order_digest, block + out->len + random,
	    sizeof(out->order_digest));
}

int
jz_joint_open(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *issuer, struct jz_joint *out)
{
	static const uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t point[JZ_POINT_BYTES] = {UNCOMPRESSED};
	uint8_t block[BLOCK_MAX], aad[AAD_MAX], key[JZ_KEY_BYTES];
	struct sealing k = {.own_private = issuer->own->private_key,
	    .peer_public = point,
	    .issuer = issuer->own->public_key,
	    .associated = associated(s, aad)};
	struct jz_span in = s->sealed;
	int err;

	memset(out, 0, sizeof(*out));
	if (in.len < jz_joint_sealed_bytes(s->scheme, JZ_JOINT_MIN) ||
	    in.len > jz_joint_sealed_bytes(s->scheme, JZ_JOINT_MAX))
		return JZ_ERR_DECRYPT;
	if (!is_symmetric(s)) {
		memcpy(point + 1, in.data, POINT_SENT);
		k.ephemeral = jz_span(point, sizeof(point));
		in = jz_span(in.data + POINT_SENT, in.len - POINT_SENT);
	}
	err = derive(e, s, issuer, &k, key);
	if (err == 0)
		err = e->crypto->open(
		    e->state, key, nonce, k.associated, in.data, in.len, block);
	if (err == 0)
		take_apart(s, block, in.len - JZ_SEAL_TAG_BYTES, out);
	/* No point of the curve is no ciphertext of ours either. */
	if (err == JZ_ERR_KEY)
		err = JZ_ERR_DECRYPT;
	jz_wipe(block, sizeof(block));
	jz_wipe(key, sizeof(key));
	return err;
}

/* ---- digests ------------------------------------------------------------ */

struct digester {
	const struct jz_engine *e;
	uint8_t scheme;
	uint8_t key[2 * JZ_KEY_BYTES]; /* of the MAC, of the ciphertext */
};

/* Appends it encrypted in place, its bytes where they are. */
static int
put_ciphertext(const struct digester *d, const struct jz_span *parts, size_t n,
    struct jz_buffer *out)
{
	static const uint8_t iv[JZ_KEY_BYTES], zeros[JZ_KEY_BYTES];
	size_t start = out->len, len;

	for (size_t i = 0; i < n; i++)
		jz_put(out, parts[i].data, parts[i].len);
	jz_put_u8(out, PADDING);
	len = out->len - start;
	jz_put(out, zeros, (JZ_KEY_BYTES - len % JZ_KEY_BYTES) % JZ_KEY_BYTES);
	if (out->bad)
		return JZ_ERR_SPACE;
	return d->e->crypto->cbc(d->e->state, true, d->key + JZ_KEY_BYTES, iv,
	    out->data + start, out->data + start, out->len - start);
}

static int
put_digest(const struct digester *d, uint32_t tag, const struct jz_span *parts,
    size_t n, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, tag);
	uint8_t *at;
	int err = 0;

	if ((d->scheme & JZ_SCHEME_HASH) != 0) {
		at = jz_reserve(out, JZ_HASH_BYTES);
		err = at == NULL
		    ? JZ_ERR_SPACE
		    : d->e->crypto->hash(d->e->state, parts, n, at);
	}
	if (err == 0 && (d->scheme & JZ_SCHEME_MAC) != 0) {
		at = jz_reserve(out, JZ_KEY_BYTES);
		err = at == NULL
		    ? JZ_ERR_SPACE
		    : d->e->crypto->cmac(d->e->state, d->key, parts, n, at);
	}
	if (err == 0 && (d->scheme & JZ_SCHEME_CIPHERTEXT) != 0)
		err = put_ciphertext(d, parts, n, out);
	jz_tlv_close(out, mark);
	return err;
}

static int
digester_of(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *ends, struct digester *d)
{
	const struct jz_span info[] = {
	    LABEL(DIGEST_LABEL), jz_span(s->card_id, sizeof(s->card_id))};

	memset(d, 0, sizeof(*d));
	d->e = e;
	d->scheme = s->scheme;
	if (!has_keyed_digest(s))
		return 0;
	return ends == NULL
	    ? JZ_ERR_ARGUMENT
	    : jz_kdf(e, jz_span(ends->shared, sizeof(ends->shared)), info, 2,
		  d->key, sizeof(d->key));
}

/* ---- the signature ------------------------------------------------------ */

/* JPS-2: all in clear, and 128 bits that nobody else knows. */
static void
put_direct(const struct jz_esign_signature *s, struct jz_buffer *out)
{
	jz_put(out, s->order.data, s->order.len);
	jz_tlv_put(out, JZ_TAG_PASSWORD, s->password, s->password_len);
	if (!is_bare(s))
		jz_tlv_put(out, JZ_TAG_RANDOM, s->random, sizeof(s->random));
}

/* JPS-7 signs the message directly or by its digest. */
static int
put_message(const struct digester *d, const struct jz_esign_signature *s,
    struct jz_buffer *out)
{
	if ((s->scheme & JZ_SCHEME_DIGESTS) != 0)
		return put_digest(d, JZ_TAG_ORDER_DIGEST, &s->order, 1, out);
	jz_put(out, s->order.data, s->order.len);
	return 0;
}

/* By the mode, beside the message. */
static int
put_password(const struct digester *d, const struct jz_esign_signature *s,
    struct jz_buffer *out)
{
	const struct jz_span password[] = {
	    jz_span(s->password, s->password_len),
	    jz_span(s->random, is_bare(s) ? 0 : sizeof(s->random))};

	switch (s->kind) {
	case JZ_ESIGN_DIGESTS:
		return put_digest(d, JZ_TAG_PASSWORD_DIGEST, password, 2, out);
	case JZ_ESIGN_SIGNATURE:
		jz_tlv_put(out, JZ_TAG_SEALED, s->sealed.data, s->sealed.len);
		return 0;
	case JZ_ESIGN_SEALED_DIGEST:
		return put_digest(d, JZ_TAG_SEALED_DIGEST, &s->sealed, 1, out);
	default:
		return 0;
	}
}

int
jz_esign_signed(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *ends, struct jz_buffer *out)
{
	struct digester d;
	size_t mark;
	int err = digester_of(e, s, ends, &d);

	if (ends == NULL && jz_esign_binds_password(s->kind))
		err = JZ_ERR_ARGUMENT;
	if (err != 0)
		return err;
	mark = jz_tlv_open(out, s->kind);
	jz_esign_put_head(s, out);
	if (s->kind == JZ_ESIGN_DIRECT) {
		put_direct(s, out);
	} else {
		err = put_message(&d, s, out);
		if (err == 0)
			err = put_password(&d, s, out);
	}
	jz_tlv_close(out, mark);
	jz_wipe(&d, sizeof(d));
	return err == 0 && out->bad ? JZ_ERR_SPACE : err;
}

int
jz_esign_sign(const struct jz_engine *e, struct jz_esign_signature *s,
    const struct jz_esign_ends *card)
{
	uint8_t bytes[JZ_ESIGN_SIGNED_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_esign_signed(e, s, card, &b);
	struct jz_span part = jz_buffer_span(&b);

	memset(s->signature, 0, sizeof(s->signature));
	if (err == 0)
		err = e->crypto->sign(
		    e->state, card->own, &part, 1, s->signature);
	jz_wipe(bytes, b.len);
	return err;
}

int
jz_esign_verify(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *issuer)
{
	uint8_t bytes[JZ_ESIGN_SIGNED_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_esign_signed(e, s, issuer, &b);
	struct jz_span part = jz_buffer_span(&b);

	if (err == 0)
		err = e->crypto->verify(
		    e->state, issuer->peer, &part, 1, s->signature);
	jz_wipe(bytes, b.len);
	return err;
}
