/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working keys and sealed envelopes (requirement ALL-4; the encrypted profile
 * of offline payment).
 */
#define _DEFAULT_SOURCE

#include "../../keys/signed.h"

#include "fixture.h"

#include "../../apdu/tlv.h"

static const enum jz_kind SEALED_KINDS[] = {JZ_KIND_AGREEMENT,
    JZ_KIND_CONFIRMATION, JZ_KIND_COMPLETION, JZ_KIND_RECEIPT};
#define SEALED_KINDS_COUNT (sizeof(SEALED_KINDS) / sizeof(SEALED_KINDS[0]))

struct world {
	struct jz_engine engine;
	struct jz_key_pair key, other;
	struct jz_working_keys keys;
};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(fx_suite, &w->engine) != 0 ||
	    w->engine.crypto->generate(w->engine.state, &w->key) != 0 ||
	    w->engine.crypto->generate(w->engine.state, &w->other) != 0)
		return -1;
	memset(w->keys.to_payer, 0x11, JZ_KEY_BYTES);
	memset(w->keys.to_payee, 0x22, JZ_KEY_BYTES);
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	jz_openssl_free(&w->engine);
	free(w);
	return 0;
}

/* A message of any kind: what the kind does not have is left out. */
static void
fill(const struct world *w, enum jz_kind kind, struct jz_message *m)
{
	static const uint8_t CERTIFICATE[] = {0x7F, 0x21, 0x01, 0x00};
	static const uint8_t RECORDS[] = {0xFF, 0x56, 0x01, 0x00};

	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->payment.amount = 1234;
	m->payment.currency = 156;
	m->payment.time = INT64_C(1767225600);
	memset(m->payment.payee_id, 'P', JZ_ID_BYTES);
	memset(m->payment.payer_id, 'C', JZ_ID_BYTES);
	m->payment.payee_counter = 7;
	m->payment.payer_counter = 8;
	memset(m->payment.request_digest, 0x8A, JZ_DIGEST_BYTES);
	memset(m->payment.agreement_digest, 0x8B, JZ_DIGEST_BYTES);
	memcpy(m->payer_key, w->key.public_key, JZ_POINT_BYTES);
	memcpy(m->payee_key, w->other.public_key, JZ_POINT_BYTES);
	m->payer_time = m->payment.time + 1;
	m->payee_time = m->payment.time + 2;
	m->payer_record = 3;
	m->payee_record = 4;
	m->balance = 5;
	m->count = 1;
	m->account = jz_span("6222020000000001", 16);
	m->identity = jz_span("alice", 5);
	m->certificate = jz_span(CERTIFICATE, sizeof(CERTIFICATE));
	m->records = jz_span(RECORDS, sizeof(RECORDS));
}

static void
test_working_keys_agree(void **state)
{
	const struct world *w = *state;
	const struct jz_key_pair *payer = &w->key, *payee = &w->other;
	uint8_t digest[JZ_DIGEST_BYTES] = {1};
	struct jz_working_keys a, b;

	assert_int_equal(jz_working_keys(&w->engine, payer->private_key,
			     payee->public_key, digest, payer->public_key, &a),
	    0);
	assert_int_equal(jz_working_keys(&w->engine, payee->private_key,
			     payer->public_key, digest, payer->public_key, &b),
	    0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(a.to_payer, a.to_payee, JZ_KEY_BYTES);
	/* another request, and another payer's key: other working keys */
	digest[0] = 2;
	assert_int_equal(jz_working_keys(&w->engine, payee->private_key,
			     payer->public_key, digest, payer->public_key, &b),
	    0);
	assert_memory_not_equal(&a, &b, sizeof(a));
	digest[0] = 1;
	assert_int_equal(jz_working_keys(&w->engine, payee->private_key,
			     payer->public_key, digest, payee->public_key, &b),
	    0);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

/* The derivation written out: SHA-256(Z || 00000001 || info). */
static void
test_working_keys_derivation(void **state)
{
	static const uint8_t COUNTER[] = {0, 0, 0, 1};
	const struct world *w = *state;
	const uint8_t digest[JZ_DIGEST_BYTES] = {1, 2, 3};
	uint8_t z[32], want[JZ_HASH_BYTES];
	struct jz_working_keys keys;
	const struct jz_span parts[] = {
	    jz_span(z, sizeof(z)),
	    jz_span(COUNTER, sizeof(COUNTER)),
	    jz_span("jiaozi working key", 18),
	    jz_span(digest, sizeof(digest)),
	    jz_span(w->key.public_key, JZ_POINT_BYTES),
	};

	assert_int_equal(w->engine.crypto->agree(w->engine.state,
			     w->key.private_key, w->other.public_key, z),
	    0);
	assert_int_equal(
	    w->engine.crypto->hash(w->engine.state, parts, 5, want), 0);
	assert_int_equal(
	    jz_working_keys(&w->engine, w->key.private_key, w->other.public_key,
		digest, w->key.public_key, &keys),
	    0);
	assert_memory_equal(keys.to_payer, want, JZ_KEY_BYTES);
	assert_memory_equal(keys.to_payee, want + JZ_KEY_BYTES, JZ_KEY_BYTES);
}

/* The same for the encrypted profile, byte by byte. */
static void
test_sealed_keys_derivation(void **state)
{
	static const uint8_t COUNTER[] = {0, 0, 0, 1};
	const struct world *w = *state;
	const struct jz_crypto *crypto = w->engine.crypto;
	uint8_t z[32], want[JZ_HASH_BYTES], hello[JZ_HASH_BYTES];
	uint8_t answer[JZ_HASH_BYTES];
	struct jz_message m;
	struct jz_working_keys keys;
	const struct jz_span greeting[] = {
	    /* FF21 { 89 point, 87 nonce } */
	    jz_span("\xFF\x21\x55\x89\x41", 5),
	    jz_span(w->other.public_key, JZ_POINT_BYTES),
	    jz_span("\x87\x10", 2),
	    jz_span(m.nonce, JZ_NONCE_BYTES),
	};
	const struct jz_span point[] = {
	    jz_span("\x88\x41", 2),
	    jz_span(w->key.public_key, JZ_POINT_BYTES),
	};
	const struct jz_span parts[] = {
	    jz_span(z, sizeof(z)),
	    jz_span(COUNTER, sizeof(COUNTER)),
	    jz_span("jiaozi sealed payment", 21),
	    jz_span(hello, sizeof(hello)),
	    jz_span(answer, sizeof(answer)),
	};

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_HELLO;
	memcpy(m.payer_key, w->other.public_key, JZ_POINT_BYTES);
	memset(m.nonce, 0x5A, sizeof(m.nonce));
	assert_int_equal(crypto->hash(w->engine.state, greeting, 4, hello), 0);
	assert_int_equal(crypto->hash(w->engine.state, point, 2, answer), 0);
	assert_int_equal(crypto->agree(w->engine.state, w->key.private_key,
			     w->other.public_key, z),
	    0);
	assert_int_equal(crypto->hash(w->engine.state, parts, 5, want), 0);
	assert_int_equal(jz_sealed_keys(&w->engine, w->key.private_key,
			     w->other.public_key, &m, w->key.public_key, &keys),
	    0);
	assert_memory_equal(keys.to_payer, want, JZ_KEY_BYTES);
	assert_memory_equal(keys.to_payee, want + JZ_KEY_BYTES, JZ_KEY_BYTES);
}

static void
test_working_keys_bad_point(void **state)
{
	const struct world *w = *state;
	const uint8_t digest[JZ_DIGEST_BYTES] = {0};
	uint8_t point[JZ_POINT_BYTES];
	struct jz_working_keys keys;

	memcpy(point, w->key.public_key, sizeof(point));
	point[64] ^= 1;
	memset(&keys, 0xEE, sizeof(keys));
	assert_int_equal(jz_working_keys(&w->engine, w->other.private_key,
			     point, digest, point, &keys),
	    JZ_ERR_KEY);
	fx_assert_zero(&keys, sizeof(keys));
}

static const uint8_t *
payer_key_of(const struct jz_message *m)
{
	return m->kind == JZ_KIND_AGREEMENT ? m->payer_key : NULL;
}

static void
seal(const struct world *w, enum jz_kind kind, struct jz_message *m,
    struct jz_buffer *out)
{
	fill(w, kind, m);
	assert_int_equal(jz_message_sign(&w->engine, m, &w->key), 0);
	assert_int_equal(jz_message_seal(&w->engine, m, w->keys.to_payee,
			     payer_key_of(m), out),
	    0);
}

static int
open_sealed(const struct world *w, struct jz_span in, enum jz_kind kind,
    const uint8_t *key, uint8_t *plain, struct jz_message *out)
{
	struct jz_sealed s;
	int rc = jz_sealed_parse(in, &s);

	if (rc != 0) {
		fx_assert_zero(&s, sizeof(s));
		return rc;
	}
	memset(plain, 0xEE, JZ_MESSAGE_MAX);
	rc = jz_message_open(&w->engine, &s, kind, key, plain, out);
	if (rc != 0)
		fx_assert_zero(out, sizeof(*out));
	return rc;
}

static void
test_seal_and_open(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024], plain[JZ_MESSAGE_MAX];
	struct jz_message m, got;
	struct jz_buffer b;

	for (size_t i = 0; i < SEALED_KINDS_COUNT; i++) {
		b = jz_buffer(bytes, sizeof(bytes));
		seal(w, SEALED_KINDS[i], &m, &b);
		assert_int_equal(
		    jz_message_peek(jz_buffer_span(&b)), JZ_KIND_SEALED);
		assert_int_equal(
		    open_sealed(w, jz_buffer_span(&b), SEALED_KINDS[i],
			w->keys.to_payee, plain, &got),
		    0);
		assert_int_equal(got.kind, SEALED_KINDS[i]);
		assert_memory_equal(
		    got.signature, m.signature, JZ_SIGNATURE_BYTES);
		assert_int_equal(
		    jz_message_verify(&w->engine, &got, w->key.public_key), 0);
	}
}

/* A message fetched again is the same bytes again. */
static void
test_sealing_twice_gives_the_same(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[2][1024];
	struct jz_buffer b[2] = {jz_buffer(bytes[0], sizeof(bytes[0])),
	    jz_buffer(bytes[1], sizeof(bytes[1]))};
	struct jz_message m;

	seal(w, JZ_KIND_COMPLETION, &m, &b[0]);
	assert_int_equal(
	    jz_message_seal(&w->engine, &m, w->keys.to_payee, NULL, &b[1]), 0);
	assert_int_equal(b[0].len, b[1].len);
	assert_memory_equal(bytes[0], bytes[1], b[0].len);
}

/* The form of docs/protocol.md, taken apart and deciphered by hand. */
static void
test_envelope_layout(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024], plain[JZ_MESSAGE_MAX], clear[JZ_MESSAGE_MAX];
	uint8_t aad[2 + 34 + 67] = {0xFF, 0x23};
	const uint8_t nonce[JZ_SEAL_NONCE_BYTES] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0x23};
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer p = jz_buffer(plain, sizeof(plain));
	struct jz_span content, digest, key, sealed;
	struct jz_cursor c;
	struct jz_message m;

	seal(w, JZ_KIND_AGREEMENT, &m, &b);
	c = jz_cursor(jz_buffer_span(&b));
	assert_int_equal(jz_tlv_expect(&c, 0xFF2F, &content), 0);
	assert_true(jz_cursor_end(&c));
	c = jz_cursor(content);
	assert_int_equal(jz_tlv_expect(&c, 0x8A, &digest), 0);
	assert_int_equal(jz_tlv_expect(&c, 0x89, &key), 0);
	assert_int_equal(jz_tlv_expect(&c, 0x8D, &sealed), 0);
	assert_true(jz_cursor_end(&c));
	assert_memory_equal(
	    digest.data, m.payment.request_digest, JZ_DIGEST_BYTES);
	assert_memory_equal(key.data, m.payer_key, JZ_POINT_BYTES);
	memcpy(aad + 2, content.data, 34 + 67);
	assert_int_equal(
	    w->engine.crypto->open(w->engine.state, w->keys.to_payee, nonce,
		jz_span(aad, sizeof(aad)), sealed.data, sealed.len, clear),
	    0);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &p), 0);
	assert_int_equal(p.len, sealed.len - JZ_SEAL_TAG_BYTES);
	assert_memory_equal(clear, plain, p.len);
}

static void
test_every_flipped_bit_is_refused(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024], plain[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m, got;
	int rc;

	seal(w, JZ_KIND_AGREEMENT, &m, &b);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = open_sealed(w, jz_buffer_span(&b), JZ_KIND_AGREEMENT,
		    w->keys.to_payee, plain, &got);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc != JZ_ERR_MESSAGE && rc != JZ_ERR_DECRYPT)
			fail_msg("bit %zu: %s", bit, jz_error_name(rc));
	}
}

static void
test_wrong_key_and_wrong_kind(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024], plain[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_span in;
	struct jz_message m, got;

	seal(w, JZ_KIND_COMPLETION, &m, &b);
	in = jz_buffer_span(&b);
	assert_int_equal(open_sealed(w, in, JZ_KIND_COMPLETION,
			     w->keys.to_payer, plain, &got),
	    JZ_ERR_DECRYPT);
	fx_assert_zero(plain, sizeof(plain));
	assert_int_equal(
	    open_sealed(w, in, JZ_KIND_RECEIPT, w->keys.to_payee, plain, &got),
	    JZ_ERR_DECRYPT);
	/* An agreement may look like it from outside, and is sealed otherwise. */
	assert_int_equal(open_sealed(w, in, JZ_KIND_AGREEMENT, w->keys.to_payee,
			     plain, &got),
	    JZ_ERR_DECRYPT);
	/* A completion has no payee's key, so it cannot be a request. */
	assert_int_equal(
	    open_sealed(w, in, JZ_KIND_REQUEST, w->keys.to_payee, plain, &got),
	    JZ_ERR_MESSAGE);
}

/* Rightly enciphered nonsense, as only a holder of the key could make it. */
static int
open_crafted(
    const struct world *w, const struct jz_message *m, struct jz_span inner)
{
	uint8_t bytes[1024], sealed[JZ_MESSAGE_MAX + JZ_SEAL_TAG_BYTES];
	uint8_t aad[2 + 34 + 67], plain[JZ_MESSAGE_MAX];
	uint8_t nonce[JZ_SEAL_NONCE_BYTES] = {0};
	struct jz_buffer a = jz_buffer(aad, sizeof(aad));
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message got;
	size_t mark;
	int rc;

	jz_set_be(nonce + 10, 2, (uint64_t)m->kind);
	jz_put_u16(&a, (uint16_t)m->kind);
	jz_tlv_put(&a, 0x8A, m->payment.request_digest, JZ_DIGEST_BYTES);
	if (m->kind == JZ_KIND_AGREEMENT)
		jz_tlv_put(&a, 0x89, m->payer_key, JZ_POINT_BYTES);
	assert_int_equal(
	    w->engine.crypto->seal(w->engine.state, w->keys.to_payee, nonce,
		jz_buffer_span(&a), inner.data, inner.len, sealed),
	    0);
	mark = jz_tlv_open(&b, 0xFF2F);
	jz_put(&b, aad + 2, a.len - 2);
	jz_tlv_put(&b, 0x8D, sealed, inner.len + JZ_SEAL_TAG_BYTES);
	jz_tlv_close(&b, mark);
	assert_false(a.bad || b.bad);
	rc = open_sealed(
	    w, jz_buffer_span(&b), m->kind, w->keys.to_payee, plain, &got);
	if (rc != 0 && inner.len <= JZ_MESSAGE_MAX && inner.len > 0)
		fx_assert_zero(plain, sizeof(plain));
	return rc;
}

static void
test_crafted_content(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m, outside;

	/* the helper makes what opens */
	fill(w, JZ_KIND_AGREEMENT, &m);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	assert_int_equal(open_crafted(w, &m, jz_buffer_span(&b)), 0);
	/* no message at all */
	assert_int_equal(
	    open_crafted(w, &m, jz_span("nonsense", 8)), JZ_ERR_MESSAGE);
	/* one that says something else than the envelope */
	outside = m;
	outside.payment.request_digest[0] ^= 1;
	assert_int_equal(
	    open_crafted(w, &outside, jz_buffer_span(&b)), JZ_ERR_MESSAGE);
	outside = m;
	outside.payer_key[1] ^= 1;
	assert_int_equal(
	    open_crafted(w, &outside, jz_buffer_span(&b)), JZ_ERR_MESSAGE);
	/* one of another kind */
	outside = m;
	outside.kind = JZ_KIND_RECEIPT;
	assert_int_equal(
	    open_crafted(w, &outside, jz_buffer_span(&b)), JZ_ERR_MESSAGE);
}

static void
test_seal_refuses_kinds_and_keys(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;

	fill(w, JZ_KIND_REQUEST, &m);
	assert_int_equal(
	    jz_message_seal(&w->engine, &m, w->keys.to_payer, NULL, &b),
	    JZ_ERR_ARGUMENT);
	fill(w, JZ_KIND_RECEIPT, &m);
	assert_int_equal(
	    jz_message_seal(&w->engine, &m, w->keys.to_payee, m.payer_key, &b),
	    JZ_ERR_ARGUMENT);
	fill(w, JZ_KIND_LOAD_REQUEST, &m);
	assert_int_equal(
	    jz_message_seal(&w->engine, &m, w->keys.to_payee, NULL, &b),
	    JZ_ERR_ARGUMENT);
	fill(w, JZ_KIND_COMPLETION, &m);
	m.payment.currency = 1000;
	assert_int_equal(
	    jz_message_seal(&w->engine, &m, w->keys.to_payee, NULL, &b),
	    JZ_ERR_RANGE);
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

static void
test_seal_without_room(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[1024];
	struct jz_message m;
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	size_t whole;

	seal(w, JZ_KIND_CONFIRMATION, &m, &b);
	whole = b.len;
	for (size_t cap = 1; cap <= whole; cap++) {
		b = jz_buffer(bytes, cap);
		jz_put_u8(&b, 0xAB);
		assert_int_equal(
		    jz_message_seal(&w->engine, &m, w->keys.to_payee, NULL, &b),
		    JZ_ERR_SPACE);
		assert_int_equal(b.len, 1);
	}
}

static void
test_sealed_parse_refuses(void **state)
{
	static const struct {
		const char *name, *head;
		size_t ciphertext; /* bytes in 8D; none when zero */
		const char *tail;
		bool good;
	} CASES[] = {
	    {"shortest", "", 17, "", true},
	    {"longest", "", JZ_MESSAGE_MAX + 16, "", true},
	    {"only a tag", "", 16, "", false},
	    {"too long", "", JZ_MESSAGE_MAX + 17, "", false},
	    {"no ciphertext", "", 0, "", false},
	    {"key of three bytes", "8903040000", 17, "", false},
	    {"something between", "8400", 17, "", false},
	    {"something after", "", 17, "8400", false},
	};
	uint8_t bytes[1200], digest[34] = {0x8A, 32}, head[8], tail[8];
	uint8_t sealed[JZ_MESSAGE_MAX + 32] = {0};
	struct jz_sealed s;

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
		struct jz_span h = fx_span(CASES[i].head, head, sizeof(head));
		struct jz_span t = fx_span(CASES[i].tail, tail, sizeof(tail));
		size_t mark = jz_tlv_open(&b, 0xFF2F);

		jz_put(&b, digest, sizeof(digest));
		jz_put(&b, h.data, h.len);
		if (CASES[i].ciphertext > 0)
			jz_tlv_put(&b, 0x8D, sealed, CASES[i].ciphertext);
		jz_put(&b, t.data, t.len);
		jz_tlv_close(&b, mark);
		assert_false(b.bad);
		if (jz_sealed_parse(jz_buffer_span(&b), &s) !=
		    (CASES[i].good ? 0 : JZ_ERR_MESSAGE))
			fail_msg("%s", CASES[i].name);
		/* every shorter input, and one byte more */
		bytes[b.len] = 0;
		assert_int_equal(jz_sealed_parse(jz_span(bytes, b.len + 1), &s),
		    JZ_ERR_MESSAGE);
		for (size_t len = 0; len < b.len; len += 7)
			assert_int_equal(
			    jz_sealed_parse(jz_span(bytes, len), &s),
			    JZ_ERR_MESSAGE);
	}
}

/* A caller who has filled struct jz_sealed himself gets no other rules. */
static void
test_open_checks_sizes(void **state)
{
	const struct world *w = *state;
	static const size_t SIZES[] = {
	    0, 16, JZ_MESSAGE_MAX + JZ_SEAL_TAG_BYTES + 1};
	static uint8_t bytes[JZ_MESSAGE_MAX + 64];
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_sealed s = {0};
	struct jz_message got;

	for (size_t i = 0; i < 3; i++) {
		s.ciphertext = jz_span(bytes, SIZES[i]);
		assert_int_equal(
		    jz_message_open(&w->engine, &s, JZ_KIND_RECEIPT,
			w->keys.to_payee, plain, &got),
		    JZ_ERR_MESSAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_working_keys_agree),
	    cmocka_unit_test(test_working_keys_derivation),
	    cmocka_unit_test(test_sealed_keys_derivation),
	    cmocka_unit_test(test_working_keys_bad_point),
	    cmocka_unit_test(test_seal_and_open),
	    cmocka_unit_test(test_sealing_twice_gives_the_same),
	    cmocka_unit_test(test_envelope_layout),
	    cmocka_unit_test(test_every_flipped_bit_is_refused),
	    cmocka_unit_test(test_wrong_key_and_wrong_kind),
	    cmocka_unit_test(test_crafted_content),
	    cmocka_unit_test(test_seal_refuses_kinds_and_keys),
	    cmocka_unit_test(test_seal_without_room),
	    cmocka_unit_test(test_sealed_parse_refuses),
	    cmocka_unit_test(test_open_checks_sizes),
	};

	return FX_RUN_BOTH(tests, open_world, close_world);
}
