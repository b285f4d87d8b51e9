/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists: signing, reading back, every flipped bit, and what is
 * revoked by one (requirement ALL-4).
 */
#define _DEFAULT_SOURCE

#include "../../keys/revocation.h"

#include "fixture.h"

#include "../../apdu/tlv.h"

#define FULL (JZ_REVOCATION_MAX * JZ_ID_BYTES)

struct world {
	struct jz_engine engine;
	struct jz_key_pair ca;
	struct jz_authority authority;
	uint8_t entries[FULL + JZ_ID_BYTES];
	uint8_t bytes[JZ_MESSAGE_MAX];
};

static void
put_reference(uint8_t *at, unsigned number)
{
	char text[32];

	snprintf(text, sizeof(text), "CN%09u00001", number);
	memcpy(at, text, JZ_ID_BYTES);
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0 ||
	    w->engine.crypto->generate(w->engine.state, &w->ca) != 0)
		return -1;
	memcpy(w->authority.reference, "CNJZISSUER00001", 15);
	memcpy(w->authority.public_key, w->ca.public_key, JZ_PUBLIC_BYTES_EC);
	for (unsigned i = 0; i <= JZ_REVOCATION_MAX; i++)
		put_reference(w->entries + (size_t)i * JZ_ID_BYTES, 10 * i);
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

static struct jz_message
list_of(const struct world *w, unsigned n)
{
	struct jz_message m = {0};

	m.list_version = 3;
	m.generation = 0x0102;
	m.payment.time = 1767225600;
	m.revoked = jz_span(w->entries, (size_t)n * JZ_ID_BYTES);
	return m;
}

static int
sign(struct world *w, struct jz_message *m, struct jz_span *out)
{
	struct jz_buffer b = jz_buffer(w->bytes, sizeof(w->bytes));
	int rc = jz_revocation_sign(
	    &w->engine, m, w->authority.reference, &w->ca, &b);

	*out = jz_buffer_span(&b);
	return rc;
}

static void
test_round_trip(void **state)
{
	struct world *w = *state;

	for (unsigned n = 0; n <= JZ_REVOCATION_MAX; n++) {
		struct jz_message m = list_of(w, n), back;
		struct jz_span in;

		assert_int_equal(sign(w, &m, &in), 0);
		assert_int_equal(jz_revocation_parse(in, &back), 0);
		assert_int_equal(back.list_version, 3);
		assert_int_equal(back.generation, 0x0102);
		assert_int_equal(back.payment.time, 1767225600);
		assert_true(jz_span_equal(back.revoked, m.revoked));
		assert_int_equal(
		    jz_revocation_verify(&w->engine, &back, &w->authority), 0);
	}
}

static void
test_what_cannot_be_signed(void **state)
{
	struct world *w = *state;
	struct jz_message m = list_of(w, JZ_REVOCATION_MAX + 1);
	struct jz_span out;

	assert_int_equal(sign(w, &m, &out), JZ_ERR_LIST_FULL);
	m = list_of(w, 2);
	m.list_version = 0;
	assert_int_equal(sign(w, &m, &out), JZ_ERR_RANGE);
	assert_int_equal(out.len, 0);
}

/* The form alone is looked at: no signature is made for these. */
static void
check_entries(struct world *w, const uint8_t *entries, size_t len)
{
	uint8_t bytes[JZ_MESSAGE_MAX + 64];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m = list_of(w, 0), back;

	m.kind = JZ_KIND_REVOCATION;
	m.revoked = jz_span(entries, len);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	assert_int_equal(
	    jz_revocation_parse(jz_buffer_span(&b), &back), JZ_ERR_MESSAGE);
	fx_assert_zero(&back, sizeof(back));
}

static void
test_malformed_entries(void **state)
{
	struct world *w = *state;
	uint8_t two[2 * JZ_ID_BYTES + 1];

	check_entries(w, w->entries, FULL + JZ_ID_BYTES); /* too many */
	check_entries(w, w->entries, JZ_ID_BYTES + 1);	  /* not whole */
	put_reference(two, 5);
	put_reference(two + JZ_ID_BYTES, 4);
	check_entries(w, two, 2 * JZ_ID_BYTES); /* not in order */
	put_reference(two + JZ_ID_BYTES, 5);
	check_entries(w, two, 2 * JZ_ID_BYTES); /* twice */
	two[0] = 'c';
	check_entries(w, two, JZ_ID_BYTES); /* no reference */
	memset(two, 0, sizeof(two));
	check_entries(w, two, JZ_ID_BYTES);
}

/* proves: ALL-4 (no bit of a list can be changed) */
static void
test_every_flipped_bit(void **state)
{
	struct world *w = *state;
	struct jz_message m = list_of(w, 2), back;
	struct jz_span in;

	assert_int_equal(sign(w, &m, &in), 0);
	for (size_t bit = 0; bit < 8 * in.len; bit++) {
		w->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(jz_revocation_parse(in, &back) != 0 ||
		    jz_revocation_verify(&w->engine, &back, &w->authority) !=
			0);
		w->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
test_whose_it_is(void **state)
{
	struct world *w = *state;
	struct jz_authority other = w->authority;
	struct jz_message m = list_of(w, 1);
	struct jz_key_pair key;
	struct jz_span in;

	assert_int_equal(sign(w, &m, &in), 0);
	other.reference[0] = 'D';
	assert_int_equal(
	    jz_revocation_verify(&w->engine, &m, &other), JZ_ERR_CERT_ISSUER);
	other = w->authority;
	assert_int_equal(w->engine.crypto->generate(w->engine.state, &key), 0);
	memcpy(other.public_key, key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_revocation_verify(&w->engine, &m, &other), JZ_ERR_SIGNATURE);
}

static void
test_what_is_revoked(void **state)
{
	struct world *w = *state;
	struct jz_span all = jz_span(w->entries, FULL);
	struct jz_certificate c = {.generation = 7};

	for (unsigned i = 0; i < 10 * JZ_REVOCATION_MAX; i++) {
		put_reference(c.holder, i);
		assert_int_equal(jz_revocation_judge(7, all, &c),
		    i % 10 == 0 ? JZ_ERR_CERT_REVOKED : 0);
	}
	put_reference(c.holder, 1);
	assert_int_equal(jz_revocation_judge(8, all, &c), JZ_ERR_CERT_REVOKED);
	assert_int_equal(
	    jz_revocation_judge(8, jz_span(NULL, 0), &c), JZ_ERR_CERT_REVOKED);
	assert_int_equal(jz_revocation_judge(0, jz_span(NULL, 0), &c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_what_cannot_be_signed),
	    cmocka_unit_test(test_malformed_entries),
	    cmocka_unit_test(test_every_flipped_bit),
	    cmocka_unit_test(test_whose_it_is),
	    cmocka_unit_test(test_what_is_revoked),
	};

	return cmocka_run_group_tests_name(
	    "revocation lists", tests, open_world, close_world);
}
