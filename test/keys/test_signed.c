/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and digests of messages (requirement ALL-4). */
#define _DEFAULT_SOURCE

#include "../../keys/signed.h"

#include "fixture.h"

#include "../../apdu/tlv.h"
#include "../support/stride.h"

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

/* All kinds of this numbering that end with a signature. */
static size_t
signed_kinds(enum jz_kind *out, size_t max)
{
	size_t n = 0;

	for (unsigned k = 0xFF00; k <= 0xFFFF; k++) {
		if (jz_kind_signed((enum jz_kind)k)) {
			assert_true(n < max);
			out[n++] = (enum jz_kind)k;
		}
	}
	return n;
}

static void
test_sign_and_verify_every_kind(void **state)
{
	const struct world *w = *state;
	enum jz_kind kinds[32];
	size_t n = signed_kinds(kinds, 32);
	struct jz_message m;

	assert_true(n >= 12);
	for (size_t i = 0; i < n; i++) {
		fill(w, kinds[i], &m);
		assert_int_equal(jz_message_sign(&w->engine, &m, &w->key), 0);
		assert_int_equal(
		    jz_message_verify(&w->engine, &m, w->key.public_key), 0);
		assert_int_equal(
		    jz_message_verify(&w->engine, &m, w->other.public_key),
		    JZ_ERR_SIGNATURE);
	}
}

/* No signature can be taken for another kind's, though all fields agree. */
static void
test_signature_of_one_kind_is_none_of_another(void **state)
{
	const struct world *w = *state;
	enum jz_kind kinds[32];
	size_t n = signed_kinds(kinds, 32);
	struct jz_message m;

	for (size_t i = 0; i < n; i++) {
		fill(w, kinds[i], &m);
		assert_int_equal(jz_message_sign(&w->engine, &m, &w->key), 0);
		for (size_t j = 0; j < n; j++) {
			m.kind = kinds[j];
			assert_int_equal(jz_message_verify(
					     &w->engine, &m, w->key.public_key),
			    i == j ? 0 : JZ_ERR_SIGNATURE);
		}
	}
}

/* What is sent is what was signed: every bit of it. */
static void
test_every_bit_sent_is_signed(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m, got;
	int rc;

	fill(w, JZ_KIND_COMPLETION, &m);
	assert_int_equal(jz_message_sign(&w->engine, &m, &w->key), 0);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	for (size_t bit = 0; bit < 8 * b.len; bit += test_stride()) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = jz_message_decode(
		    jz_buffer_span(&b), JZ_KIND_COMPLETION, &got);
		if (rc == 0)
			rc = jz_message_verify(
			    &w->engine, &got, w->key.public_key);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc != JZ_ERR_MESSAGE && rc != JZ_ERR_SIGNATURE)
			fail_msg("bit %zu: %s", bit, jz_error_name(rc));
	}
}

static void
test_unsigned_kinds_are_not_signed(void **state)
{
	const struct world *w = *state;
	struct jz_message m;

	fill(w, JZ_KIND_SIGN_IN_REQUEST, &m);
	memset(m.signature, 0xEE, sizeof(m.signature));
	assert_int_equal(
	    jz_message_sign(&w->engine, &m, &w->key), JZ_ERR_ARGUMENT);
	fx_assert_zero(m.signature, sizeof(m.signature));
	assert_int_equal(jz_message_verify(&w->engine, &m, w->key.public_key),
	    JZ_ERR_ARGUMENT);
}

static void
test_what_cannot_be_encoded(void **state)
{
	const struct world *w = *state;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message m;

	fill(w, JZ_KIND_LOAD_REQUEST, &m);
	m.account.len = 0;
	memset(m.signature, 0xEE, sizeof(m.signature));
	memset(digest, 0xEE, sizeof(digest));
	assert_int_equal(
	    jz_message_sign(&w->engine, &m, &w->key), JZ_ERR_RANGE);
	fx_assert_zero(m.signature, sizeof(m.signature));
	assert_int_equal(
	    jz_message_verify(&w->engine, &m, w->key.public_key), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_message_digest(&w->engine, &m, digest), JZ_ERR_RANGE);
	fx_assert_zero(digest, sizeof(digest));
}

static void
test_sign_with_a_bad_key(void **state)
{
	const struct world *w = *state;
	const struct jz_key_pair none = {{0}, {0}};
	struct jz_message m;

	fill(w, JZ_KIND_REQUEST, &m);
	assert_int_equal(jz_message_sign(&w->engine, &m, &none), JZ_ERR_KEY);
	fx_assert_zero(m.signature, sizeof(m.signature));
	assert_int_equal(
	    jz_message_verify(&w->engine, &m, none.public_key), JZ_ERR_KEY);
}

/* The digest is the hash of the template without its last object. */
static void
test_digest(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_MESSAGE_MAX], want[JZ_HASH_BYTES];
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	struct jz_span part;

	fill(w, JZ_KIND_REQUEST, &m);
	assert_int_equal(jz_message_encode(&m, JZ_UNSIGNED, &b), 0);
	part = jz_buffer_span(&b);
	assert_int_equal(
	    w->engine.crypto->hash(w->engine.state, &part, 1, want), 0);
	assert_int_equal(jz_message_digest(&w->engine, &m, digest), 0);
	assert_memory_equal(digest, want, sizeof(digest));
	/* Signing changes nothing of it. */
	assert_int_equal(jz_message_sign(&w->engine, &m, &w->key), 0);
	assert_int_equal(jz_message_digest(&w->engine, &m, digest), 0);
	assert_memory_equal(digest, want, sizeof(digest));
}

static void
test_full_batch_is_signed(void **state)
{
	static uint8_t records[JZ_BATCH_MAX];
	const struct world *w = *state;
	struct jz_buffer b = jz_buffer(records, sizeof(records));
	uint8_t content[440] = {0};
	struct jz_message m;

	fill(w, JZ_KIND_BATCH, &m);
	for (size_t i = 0; i < JZ_BATCH_RECORDS; i++)
		jz_tlv_put(&b, JZ_KIND_RECORD_PAID, content, sizeof(content));
	assert_false(b.bad);
	m.records = jz_buffer_span(&b);
	assert_int_equal(jz_message_sign(&w->engine, &m, &w->key), 0);
	assert_int_equal(
	    jz_message_verify(&w->engine, &m, w->key.public_key), 0);
	content[0] = 1;
	b.len = 0;
	for (size_t i = 0; i < JZ_BATCH_RECORDS; i++)
		jz_tlv_put(&b, JZ_KIND_RECORD_PAID, content, sizeof(content));
	assert_int_equal(jz_message_verify(&w->engine, &m, w->key.public_key),
	    JZ_ERR_SIGNATURE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sign_and_verify_every_kind),
	    cmocka_unit_test(test_signature_of_one_kind_is_none_of_another),
	    cmocka_unit_test(test_every_bit_sent_is_signed),
	    cmocka_unit_test(test_unsigned_kinds_are_not_signed),
	    cmocka_unit_test(test_what_cannot_be_encoded),
	    cmocka_unit_test(test_sign_with_a_bad_key),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_full_batch_is_signed),
	};

	return FX_RUN_BOTH(tests, open_world, close_world);
}
