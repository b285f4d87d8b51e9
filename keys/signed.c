/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures, digests and sealed envelopes of the messages in apdu/message.h,
 * and the key derivation function of ANSI X9.63-2011 5.6.3.
 */
#include "signed.h"

#include <string.h>

#include "../apdu/error.h"
#include "../apdu/tlv.h"
#include "secret.h"

#define KIND_BYTES 2
/* Our callers have three parts at most. */
#define KDF_INFO_MAX  6
#define KDF_BYTES_MAX (255u * JZ_HASH_BYTES)
/* The kind, and the envelope's content before the ciphertext. */
#define ENVELOPE_MAX (KIND_BYTES + 2 + JZ_DIGEST_BYTES + 2 + JZ_POINT_BYTES)
#define KEY_OBJECT   (2 + JZ_POINT_BYTES)
/* An empty template is the shortest message. */
#define SEALED_MIN (JZ_SEAL_TAG_BYTES + 1)
#define SEALED_MAX (JZ_SEAL_TAG_BYTES + JZ_MESSAGE_MAX)

static const uint8_t SEALED_KEY_LABEL[] = {'j', 'i', 'a', 'o', 'z', 'i', ' ',
    's', 'e', 'a', 'l', 'e', 'd', ' ', 'p', 'a', 'y', 'm', 'e', 'n', 't'};
static const uint8_t WORKING_KEY_LABEL[] = {'j', 'i', 'a', 'o', 'z', 'i', ' ',
    'w', 'o', 'r', 'k', 'i', 'n', 'g', ' ', 'k', 'e', 'y'};

_Static_assert((unsigned)JZ_PUBLIC_BYTES_EC == (unsigned)JZ_POINT_BYTES &&
	JZ_HASH_BYTES == JZ_DIGEST_BYTES && JZ_SIG_BYTES == JZ_SIGNATURE_BYTES,
    "the suite's sizes are the messages'");
_Static_assert(sizeof(struct jz_working_keys) == 2 * JZ_KEY_BYTES,
    "two keys and no padding");

int
jz_message_sign(const struct jz_engine *e, struct jz_message *m,
    const struct jz_key_pair *key)
{
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int rc;

	memset(m->signature, 0, sizeof(m->signature));
	if (!jz_kind_signed(m->kind))
		return JZ_ERR_ARGUMENT;
	rc = jz_message_encode(m, JZ_UNSIGNED, &b);
	if (rc != 0)
		return rc;
	part = jz_buffer_span(&b);
	return e->crypto->sign(e->state, key, &part, 1, m->signature);
}

int
jz_message_verify(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int rc;

	if (!jz_kind_signed(m->kind))
		return JZ_ERR_ARGUMENT;
	rc = jz_message_encode(m, JZ_UNSIGNED, &b);
	if (rc != 0)
		return rc;
	part = jz_buffer_span(&b);
	return e->crypto->verify(e->state, public_key, &part, 1, m->signature);
}

int
jz_message_digest(const struct jz_engine *e, const struct jz_message *m,
    uint8_t out[static JZ_DIGEST_BYTES])
{
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int rc;

	memset(out, 0, JZ_DIGEST_BYTES);
	rc = jz_message_encode(m, JZ_UNSIGNED, &b);
	if (rc != 0)
		return rc;
	part = jz_buffer_span(&b);
	return e->crypto->hash(e->state, &part, 1, out);
}

int
jz_kdf(const struct jz_engine *e, struct jz_span secret,
    const struct jz_span *info, size_t n_info, uint8_t *out, size_t len)
{
	struct jz_span parts[2 + KDF_INFO_MAX];
	uint8_t counter[4] = {0};
	uint8_t block[JZ_HASH_BYTES];
	size_t done = 0;
	int rc = 0;

	if (len > KDF_BYTES_MAX)
		return JZ_ERR_RANGE;
	if (n_info > KDF_INFO_MAX) {
		jz_wipe(out, len);
		return JZ_ERR_RANGE;
	}
	parts[0] = secret;
	parts[1] = jz_span(counter, sizeof(counter));
	for (size_t i = 0; i < n_info; i++)
		parts[2 + i] = info[i];
	for (uint32_t i = 1; rc == 0 && done < len; i++) {
		size_t n =
		    len - done < sizeof(block) ? len - done : sizeof(block);

		jz_set_be(counter, sizeof(counter), i);
		rc = e->crypto->hash(e->state, parts, 2 + n_info, block);
		memcpy(out + done, block, n);
		done += n;
	}
	jz_wipe(block, sizeof(block));
	if (rc != 0)
		jz_wipe(out, len);
	return rc;
}

static int
derive(const struct jz_engine *e, const uint8_t *own_private,
    const uint8_t *peer_public, const struct jz_span info[static 3],
    struct jz_working_keys *out)
{
	uint8_t shared[32];
	uint8_t keys[2 * JZ_KEY_BYTES];
	int rc;

	rc = e->crypto->agree(e->state, own_private, peer_public, shared);
	if (rc == 0)
		rc = jz_kdf(e, jz_span(shared, sizeof(shared)), info, 3, keys,
		    sizeof(keys));
	if (rc == 0) {
		memcpy(out->to_payer, keys, JZ_KEY_BYTES);
		memcpy(out->to_payee, keys + JZ_KEY_BYTES, JZ_KEY_BYTES);
	} else {
		jz_wipe(out, sizeof(*out));
	}
	jz_wipe(shared, sizeof(shared));
	jz_wipe(keys, sizeof(keys));
	return rc;
}

int
jz_working_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    const uint8_t payer_key[static JZ_POINT_BYTES], struct jz_working_keys *out)
{
	const struct jz_span info[] = {
	    jz_span(WORKING_KEY_LABEL, sizeof(WORKING_KEY_LABEL)),
	    jz_span(request_digest, JZ_DIGEST_BYTES),
	    jz_span(payer_key, JZ_POINT_BYTES),
	};

	return derive(e, own_private, peer_public, info, out);
}

int
jz_sealed_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const struct jz_message *hello,
    const uint8_t payee_key[static JZ_POINT_BYTES], struct jz_working_keys *out)
{
	uint8_t greeting[JZ_DIGEST_BYTES], answer[JZ_DIGEST_BYTES];
	const struct jz_span info[] = {
	    jz_span(SEALED_KEY_LABEL, sizeof(SEALED_KEY_LABEL)),
	    jz_span(greeting, sizeof(greeting)),
	    jz_span(answer, sizeof(answer)),
	};
	uint8_t bytes[KEY_OBJECT];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span part;
	int rc = jz_message_digest(e, hello, greeting);

	jz_tlv_put(&b, JZ_TAG_PAYEE_KEY, payee_key, JZ_POINT_BYTES);
	part = jz_buffer_span(&b);
	if (rc == 0)
		rc = e->crypto->hash(e->state, &part, 1, answer);
	if (rc != 0) {
		jz_wipe(out, sizeof(*out));
		return rc;
	}
	return derive(e, own_private, peer_public, info, out);
}

/*
 * Each key seals each kind at most once, and the same message again is the
 * same bytes again: so the kind is the nonce.
 */
static void
nonce_of(enum jz_kind kind, uint8_t nonce[static JZ_SEAL_NONCE_BYTES])
{
	jz_set_be(nonce, JZ_SEAL_NONCE_BYTES - KIND_BYTES, 0);
	jz_set_be(nonce + JZ_SEAL_NONCE_BYTES - KIND_BYTES, KIND_BYTES,
	    (uint64_t)kind);
}

/* The associated data; all but the kind also stands in the envelope. */
static struct jz_span
put_envelope(enum jz_kind kind, const uint8_t *request_digest,
    const uint8_t *point, uint8_t bytes[static ENVELOPE_MAX])
{
	struct jz_buffer b = jz_buffer(bytes, ENVELOPE_MAX);

	jz_put_u16(&b, (uint16_t)kind);
	jz_tlv_put(&b, JZ_TAG_REQUEST_DIGEST, request_digest, JZ_DIGEST_BYTES);
	if (point != NULL)
		jz_tlv_put(&b,
		    kind == JZ_KIND_REQUEST ? JZ_TAG_PAYEE_KEY
					    : JZ_TAG_PAYER_KEY,
		    point, JZ_POINT_BYTES);
	return jz_buffer_span(&b);
}

static bool
sealed_kind(enum jz_kind kind)
{
	return kind == JZ_KIND_REQUEST || kind == JZ_KIND_AGREEMENT ||
	    kind == JZ_KIND_CONFIRMATION || kind == JZ_KIND_COMPLETION ||
	    kind == JZ_KIND_RECEIPT;
}

/* A request carries a key, an agreement may, the others do not. */
static bool
kind_and_key_fit(enum jz_kind kind, bool has_key)
{
	return sealed_kind(kind) &&
	    (kind == JZ_KIND_AGREEMENT || has_key == (kind == JZ_KIND_REQUEST));
}

int
jz_message_seal(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t key[static JZ_KEY_BYTES], const uint8_t point[JZ_POINT_BYTES],
    struct jz_buffer *out)
{
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_buffer p = jz_buffer(plain, sizeof(plain));
	uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t envelope[ENVELOPE_MAX];
	struct jz_span aad;
	size_t start = out->len;
	uint8_t *ciphertext;
	size_t mark;
	int rc;

	if (!kind_and_key_fit(m->kind, point != NULL))
		return JZ_ERR_ARGUMENT;
	rc = jz_message_encode(m, JZ_SIGNED, &p);
	if (rc != 0)
		goto out;
	nonce_of(m->kind, nonce);
	aad = put_envelope(m->kind, m->payment.request_digest, point, envelope);
	mark = jz_tlv_open(out, JZ_KIND_SEALED);
	jz_put(out, aad.data + KIND_BYTES, aad.len - KIND_BYTES);
	jz_tlv_put_header(out, JZ_TAG_SEALED, p.len + JZ_SEAL_TAG_BYTES);
	ciphertext = jz_reserve(out, p.len + JZ_SEAL_TAG_BYTES);
	/* Closing may move the ciphertext, so it is made before. */
	rc = ciphertext == NULL ? JZ_ERR_SPACE
				: e->crypto->seal(e->state, key, nonce, aad,
				      p.data, p.len, ciphertext);
	jz_tlv_close(out, mark);
	if (rc == 0 && out->bad)
		rc = JZ_ERR_SPACE;
out:
	if (rc != 0)
		out->len = start;
	jz_wipe(plain, sizeof(plain));
	return rc;
}

int
jz_sealed_parse(struct jz_span in, struct jz_sealed *out)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_span content;
	bool good;

	memset(out, 0, sizeof(*out));
	good = jz_tlv_expect(&c, JZ_KIND_SEALED, &content) == 0 &&
	    jz_cursor_end(&c);
	c = jz_cursor(content);
	good = good &&
	    jz_tlv_expect_bytes(&c, JZ_TAG_REQUEST_DIGEST, out->request_digest,
		JZ_DIGEST_BYTES) == 0;
	if (good && jz_tlv_peek(&c) == JZ_TAG_PAYEE_KEY) {
		out->has_payee_key = true;
		good = jz_tlv_expect_bytes(&c, JZ_TAG_PAYEE_KEY, out->payee_key,
			   JZ_POINT_BYTES) == 0;
	} else if (good && jz_tlv_peek(&c) == JZ_TAG_PAYER_KEY) {
		out->has_payer_key = true;
		good = jz_tlv_expect_bytes(&c, JZ_TAG_PAYER_KEY, out->payer_key,
			   JZ_POINT_BYTES) == 0;
	}
	good = good &&
	    jz_tlv_expect(&c, JZ_TAG_SEALED, &out->ciphertext) == 0 &&
	    jz_cursor_end(&c) && out->ciphertext.len >= SEALED_MIN &&
	    out->ciphertext.len <= SEALED_MAX;
	if (good)
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

/* What the envelope says in clear must be what the message says. */
static bool
envelope_fits(
    const struct jz_engine *e, const struct jz_sealed *s, struct jz_message *m)
{
	if (m->kind == JZ_KIND_REQUEST &&
	    (jz_message_digest(e, m, m->payment.request_digest) != 0 ||
		memcmp(s->payee_key, m->payee_key, JZ_POINT_BYTES) != 0))
		return false;
	return memcmp(s->request_digest, m->payment.request_digest,
		   JZ_DIGEST_BYTES) == 0 &&
	    (!s->has_payer_key ||
		memcmp(s->payer_key, m->payer_key, JZ_POINT_BYTES) == 0);
}

int
jz_message_open(const struct jz_engine *e, const struct jz_sealed *s,
    enum jz_kind kind, const uint8_t key[static JZ_KEY_BYTES],
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *out)
{
	uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t envelope[ENVELOPE_MAX];
	struct jz_span aad;
	int rc = JZ_ERR_MESSAGE;

	memset(out, 0, sizeof(*out));
	if (!kind_and_key_fit(kind,
		kind == JZ_KIND_REQUEST ? s->has_payee_key
					: s->has_payer_key) ||
	    (kind != JZ_KIND_REQUEST && s->has_payee_key) ||
	    s->ciphertext.len < SEALED_MIN || s->ciphertext.len > SEALED_MAX)
		return rc;
	nonce_of(kind, nonce);
	aad = put_envelope(kind, s->request_digest,
	    s->has_payee_key	   ? s->payee_key
		: s->has_payer_key ? s->payer_key
				   : NULL,
	    envelope);
	rc = e->crypto->open(e->state, key, nonce, aad, s->ciphertext.data,
	    s->ciphertext.len, plain);
	if (rc == 0)
		rc = jz_message_decode(
		    jz_span(plain, s->ciphertext.len - JZ_SEAL_TAG_BYTES), kind,
		    out);
	if (rc == 0 && !envelope_fits(e, s, out))
		rc = JZ_ERR_MESSAGE;
	if (rc != 0) {
		jz_wipe(plain, JZ_MESSAGE_MAX);
		jz_wipe(out, sizeof(*out));
	}
	return rc;
}
