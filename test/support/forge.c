/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of docs/protocol.md section 4 with contents of a test's choice.
 */
#include "forge.h"
#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void
forger_certify(
    struct forger *f, const struct bank *b, const struct jz_key_pair *by)
{
	f->certificate = bank_certify(b, &f->fields, by);
}

void
forger_new(struct forger *f, const struct bank *b, const char *id)
{
	const struct jz_crypto *crypto = b->engine.crypto;
	struct profile p = profile_of(id);

	memset(f, 0, sizeof(*f));
	f->engine = b->engine;
	assert_int_equal(crypto->generate(b->engine.state, &f->key), 0);
	assert_int_equal(crypto->generate(b->engine.state, &f->ephemeral), 0);
	f->fields = bank_card_fields(b, &p, f->key.public_key);
	forger_certify(f, b, &b->ca);
}

struct jz_message
forger_request(const struct forger *f, uint64_t amount, int64_t time)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_REQUEST;
	m.payment.amount = amount;
	m.payment.currency = BANK_CURRENCY;
	m.payment.time = time;
	m.payment.payee_counter = 1;
	memcpy(m.payment.payee_id, f->fields.holder, JZ_ID_BYTES);
	memset(m.nonce, 0x77, sizeof(m.nonce));
	memcpy(m.payee_key, f->ephemeral.public_key, JZ_POINT_BYTES);
	m.certificate = blob_span(&f->certificate);
	return m;
}

struct jz_message
forger_agreement(struct forger *f, const struct blob *request)
{
	struct jz_message in, m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_AGREEMENT;
	assert_int_equal(
	    jz_message_decode(blob_span(request), JZ_KIND_REQUEST, &in), 0);
	m.payment = in.payment;
	assert_int_equal(
	    jz_message_digest(&f->engine, &in, m.payment.request_digest), 0);
	m.payment.payer_counter = 1;
	memcpy(m.payment.payer_id, f->fields.holder, JZ_ID_BYTES);
	memcpy(m.payee_key, in.payee_key, JZ_POINT_BYTES);
	memcpy(m.payer_key, f->ephemeral.public_key, JZ_POINT_BYTES);
	m.certificate = blob_span(&f->certificate);
	assert_int_equal(
	    jz_working_keys(&f->engine, f->ephemeral.private_key, in.payee_key,
		m.payment.request_digest, m.payer_key, &f->keys),
	    0);
	return m;
}

struct blob
forger_sign(const struct forger *f, struct jz_message *m)
{
	assert_int_equal(jz_message_sign(&f->engine, m, &f->key), 0);
	return bank_encode(m);
}

struct blob
forge_sealed(const struct jz_engine *e, struct jz_message *m,
    const struct jz_key_pair *signer, const uint8_t *key,
    const uint8_t *payer_key, const uint8_t *digest)
{
	uint8_t nonce[JZ_SEAL_NONCE_BYTES] = {0};
	uint8_t aad[2 + 2 + JZ_DIGEST_BYTES + 2 + JZ_POINT_BYTES];
	uint8_t sealed[BLOB_MAX];
	struct jz_buffer a = jz_buffer(aad, sizeof(aad)), b;
	struct blob clear, out;

	if (signer != NULL)
		assert_int_equal(jz_message_sign(e, m, signer), 0);
	clear = bank_encode(m);
	jz_put_u16(&a, (uint16_t)m->kind);
	jz_tlv_put(&a, JZ_TAG_REQUEST_DIGEST,
	    digest != NULL ? digest : m->payment.request_digest,
	    JZ_DIGEST_BYTES);
	if (payer_key != NULL)
		jz_tlv_put(&a, JZ_TAG_PAYER_KEY, payer_key, JZ_POINT_BYTES);
	jz_set_be(nonce + sizeof(nonce) - 2, 2, (uint64_t)m->kind);
	assert_int_equal(e->crypto->seal(e->state, key, nonce,
			     jz_buffer_span(&a), clear.data, clear.len, sealed),
	    0);
	b = jz_buffer(out.data, sizeof(out.data));
	jz_tlv_put_header(&b, JZ_KIND_SEALED,
	    a.len - 2 +
		jz_tlv_header_size(
		    JZ_TAG_SEALED, clear.len + JZ_SEAL_TAG_BYTES) +
		clear.len + JZ_SEAL_TAG_BYTES);
	jz_put(&b, aad + 2, a.len - 2);
	jz_tlv_put(&b, JZ_TAG_SEALED, sealed, clear.len + JZ_SEAL_TAG_BYTES);
	assert_false(a.bad || b.bad);
	out.len = b.len;
	return out;
}

struct blob
forger_answer(struct forger *f, const struct answer *hello,
    struct jz_message *m, const struct jz_key_pair *signer)
{
	struct jz_message greeting;
	struct jz_buffer b;
	struct blob out;

	assert_int_equal(
	    jz_message_decode(answer_span(hello), JZ_KIND_HELLO, &greeting), 0);
	assert_int_equal(
	    jz_sealed_keys(&f->engine, f->ephemeral.private_key,
		greeting.payer_key, &greeting, m->payee_key, &f->keys),
	    0);
	if (m->payer_key[0] == 0)
		memcpy(m->payer_key, greeting.payer_key, JZ_POINT_BYTES);
	assert_int_equal(
	    jz_message_digest(&f->engine, m, m->payment.request_digest), 0);
	assert_int_equal(jz_message_sign(&f->engine, m, signer), 0);
	b = jz_buffer(out.data, sizeof(out.data));
	assert_int_equal(
	    jz_message_seal(&f->engine, m, f->keys.to_payer, m->payee_key, &b),
	    0);
	out.len = b.len;
	return out;
}
