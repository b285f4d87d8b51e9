/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: signing, reading back, every flipped bit, and each refusal of
 * the verifier (requirements ALL-4, LOD-1).
 */
#define _DEFAULT_SOURCE

#include "../../keys/certificate.h"

#include "fixture.h"

#include "../../apdu/status.h"
#include "../support/stride.h"

#define DAY   86400
#define FROM  INT64_C(1767225600) /* 2026-01-01 */
#define UNTIL INT64_C(1798761600) /* 2027-01-01: the last day is 2026-12-31 */

struct world {
	struct jz_engine engine;
	struct jz_key_pair ca, card;
	struct jz_authority authority;
	struct jz_certificate fields;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	size_t len;
};

static void
set_reference(uint8_t ref[static JZ_REFERENCE_BYTES], const char *text)
{
	memset(ref, 0, JZ_REFERENCE_BYTES);
	memcpy(ref, text, strlen(text));
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct jz_buffer b;

	*state = w;
	if (w == NULL || jz_openssl_new(fx_suite, &w->engine) != 0 ||
	    w->engine.crypto->generate(w->engine.state, &w->ca) != 0 ||
	    w->engine.crypto->generate(w->engine.state, &w->card) != 0)
		return -1;
	set_reference(w->authority.reference, "CNJZISSUER00001");
	memcpy(w->authority.public_key, w->ca.public_key, JZ_PUBLIC_BYTES_EC);
	set_reference(w->fields.authority, "CNJZISSUER00001");
	set_reference(w->fields.holder, "CN00000004200001");
	memcpy(w->fields.public_key, w->card.public_key, JZ_PUBLIC_BYTES_EC);
	w->fields.suite = fx_suite;
	w->fields.role = JZ_ROLE_CARD;
	w->fields.assurance = JZ_ASSURANCE_SOFTWARE;
	w->fields.generation = 0x0102;
	w->fields.from = FROM;
	w->fields.to = UNTIL;
	b = jz_buffer(w->bytes, sizeof(w->bytes));
	if (jz_certificate_sign(&w->engine, &w->fields, &w->ca, &b) != 0)
		return -1;
	w->len = b.len;
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

static int
parse(const struct world *w, struct jz_span in, struct jz_certificate *out)
{
	memset(out, 0xEE, sizeof(*out));
	return jz_certificate_parse(in, w->engine.crypto, out);
}

static void
parse_good(const struct world *w, struct jz_certificate *out)
{
	assert_int_equal(parse(w, jz_span(w->bytes, w->len), out), 0);
}

static void
test_round_trip(void **state)
{
	const struct world *w = *state;
	struct jz_certificate c;

	parse_good(w, &c);
	assert_memory_equal(
	    c.authority, w->fields.authority, JZ_REFERENCE_BYTES);
	assert_memory_equal(c.holder, w->fields.holder, JZ_REFERENCE_BYTES);
	assert_memory_equal(
	    c.public_key, w->fields.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(c.suite, fx_suite);
	assert_int_equal(c.role, JZ_ROLE_CARD);
	assert_int_equal(c.assurance, JZ_ASSURANCE_SOFTWARE);
	assert_int_equal(c.flags, 0);
	assert_int_equal(c.generation, 0x0102);
	assert_int_equal(c.from, FROM);
	assert_int_equal(c.to, UNTIL);
	assert_int_equal(jz_certificate_verify(
			     &w->engine, &c, &w->authority, JZ_ROLE_CARD, FROM),
	    0);
}

/* A single day is a period: its first and last day are the same. */
static void
test_one_day(void **state)
{
	const struct world *w = *state;
	struct jz_certificate fields = w->fields, c;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	fields.to = FROM + DAY;
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &fields, &w->ca, &b), 0);
	assert_int_equal(parse(w, jz_buffer_span(&b), &c), 0);
	assert_int_equal(c.from, FROM);
	assert_int_equal(c.to, FROM + DAY);
}

/* Dates hold days: a time within one is rounded so that nothing is lost. */
static void
test_times_are_rounded_outward(void **state)
{
	const struct world *w = *state;
	struct jz_certificate fields = w->fields, c;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	fields.from = FROM + 12345;
	fields.to = UNTIL + 1;
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &fields, &w->ca, &b), 0);
	assert_int_equal(parse(w, jz_buffer_span(&b), &c), 0);
	assert_int_equal(c.from, FROM);
	assert_int_equal(c.to, UNTIL + DAY);
}

static void
test_every_flipped_bit_is_refused(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_certificate c;
	int rc;

	memcpy(bytes, w->bytes, w->len);
	for (size_t bit = 0; bit < 8 * w->len; bit += test_stride()) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = parse(w, jz_span(bytes, w->len), &c);
		if (rc == 0)
			rc = jz_certificate_verify(
			    &w->engine, &c, &w->authority, JZ_ROLE_CARD, FROM);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc != JZ_ERR_CERT_MALFORMED && rc != JZ_ERR_CERT_FORGED &&
		    rc != JZ_ERR_CERT_ISSUER && rc != JZ_ERR_CERT_ROLE)
			fail_msg("bit %zu: %s", bit, jz_error_name(rc));
	}
}

static int
verify(const struct world *w, const struct jz_certificate *c, int64_t now)
{
	return jz_certificate_verify(
	    &w->engine, c, &w->authority, JZ_ROLE_CARD, now);
}

static void
test_dates(void **state)
{
	const struct world *w = *state;
	struct jz_certificate c;

	parse_good(w, &c);
	assert_int_equal(verify(w, &c, FROM - 1), JZ_ERR_CERT_NOT_YET);
	assert_int_equal(verify(w, &c, FROM), 0);
	assert_int_equal(verify(w, &c, UNTIL - 1), 0);
	assert_int_equal(verify(w, &c, UNTIL), JZ_ERR_CERT_EXPIRED);
	/* no clock */
	assert_int_equal(verify(w, &c, 0), 0);
}

static void
test_roles(void **state)
{
	static const enum jz_role ROLES[] = {
	    JZ_ROLE_CARD, JZ_ROLE_HOST, JZ_ROLE_CA, JZ_ROLE_ROOT};
	const struct world *w = *state;
	struct jz_certificate c;

	parse_good(w, &c);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(jz_certificate_verify(&w->engine, &c,
				     &w->authority, ROLES[i], FROM),
		    ROLES[i] == JZ_ROLE_CARD ? 0 : JZ_ERR_CERT_ROLE);
}

static void
test_other_issuer(void **state)
{
	const struct world *w = *state;
	struct jz_authority by = w->authority;
	struct jz_certificate c;

	parse_good(w, &c);
	by.reference[14] = '2';
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_CARD, FROM),
	    JZ_ERR_CERT_ISSUER);
}

/* The right name with somebody else's key. */
static void
test_forged(void **state)
{
	const struct world *w = *state;
	struct jz_authority by = w->authority;
	struct jz_certificate c;

	parse_good(w, &c);
	memcpy(by.public_key, w->card.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_CARD, FROM),
	    JZ_ERR_CERT_FORGED);
	/* An authority whose key is no key has no certificates at all. */
	memset(by.public_key, 0, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_CARD, FROM),
	    JZ_ERR_KEY);
}

/* Where several things are wrong, the first of the list is said. */
static void
test_order_of_refusals(void **state)
{
	const struct world *w = *state;
	struct jz_authority by = w->authority;
	struct jz_certificate c;

	parse_good(w, &c);
	memcpy(by.public_key, w->card.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_CARD, UNTIL),
	    JZ_ERR_CERT_FORGED);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_HOST, UNTIL),
	    JZ_ERR_CERT_ROLE);
	by.reference[0] = 'X';
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_HOST, UNTIL),
	    JZ_ERR_CERT_ISSUER);
}

/* A root signs itself, and its certificate verifies under its own key. */
static void
test_root(void **state)
{
	const struct world *w = *state;
	struct jz_certificate fields = w->fields, c;
	struct jz_authority by = w->authority;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	set_reference(fields.authority, "CNJZROOT00001");
	set_reference(fields.holder, "CNJZROOT00001");
	memcpy(fields.public_key, w->ca.public_key, JZ_PUBLIC_BYTES_EC);
	fields.role = JZ_ROLE_ROOT;
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &fields, &w->ca, &b), 0);
	assert_int_equal(parse(w, jz_buffer_span(&b), &c), 0);
	memcpy(by.reference, c.holder, JZ_REFERENCE_BYTES);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &c, &by, JZ_ROLE_ROOT, FROM), 0);
}

/* What sign refuses, parse would refuse, or the struct would lose. */
static void
test_sign_refuses(void **state)
{
	static const char *const REFERENCES[] = {
	    "", "CN00001", "cnJZISSUER00001", "CNJZISSUER0000X", "CNJZ-00001"};
	const struct world *w = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_certificate bad[] = {w->fields, w->fields, w->fields,
	    w->fields, w->fields, w->fields, w->fields, w->fields, w->fields};
	struct jz_certificate c;

	bad[0].role = (enum jz_role)0x20;
	bad[1].assurance = (enum jz_assurance)0;
	bad[2].flags = 0x04;
	bad[3].public_key[0] = 0x02;
	bad[4].to = bad[4].from;
	bad[5].from = 0;		 /* before 2000 */
	bad[6].to = INT64_C(4102444801); /* 2100 */
	bad[7].holder[3] = 0;		 /* bytes behind the padding */
	bad[8].authority[3] = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    jz_certificate_sign(&w->engine, &bad[i], &w->ca, &b),
		    JZ_ERR_RANGE);
	for (size_t i = 0; i < sizeof(REFERENCES) / sizeof(REFERENCES[0]);
	     i++) {
		c = w->fields;
		set_reference(c.holder, REFERENCES[i]);
		assert_int_equal(
		    jz_certificate_sign(&w->engine, &c, &w->ca, &b),
		    JZ_ERR_RANGE);
	}
	c = w->fields;
	c.suite = fx_suite == JZ_SUITE_GM ? JZ_SUITE_NIST : JZ_SUITE_GM;
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &c, &w->ca, &b), JZ_ERR_CERT_SUITE);
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

static void
test_sign_with_a_bad_key(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const struct jz_key_pair none = {{0}, {0}};

	assert_int_equal(
	    jz_certificate_sign(&w->engine, &w->fields, &none, &b), JZ_ERR_KEY);
	assert_int_equal(b.len, 0);
}

static void
test_sign_without_room(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b;

	for (size_t cap = 1; cap < w->len; cap += 16) {
		b = jz_buffer(bytes, cap);
		jz_put_u8(&b, 0xAB);
		assert_int_equal(
		    jz_certificate_sign(&w->engine, &w->fields, &w->ca, &b),
		    JZ_ERR_SPACE);
		assert_int_equal(b.len, 1);
	}
	/* It appends: what stood there stays. */
	b = jz_buffer(bytes, sizeof(bytes));
	jz_put_u8(&b, 0xAB);
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &w->fields, &w->ca, &b), 0);
	assert_int_equal(bytes[0], 0xAB);
	assert_int_equal(b.len, w->len + 1);
}

static void
test_status(void **state)
{
	static const struct {
		int error;
		uint16_t sw;
	} CASES[] = {
	    {0, 0x9000},
	    {JZ_ERR_CERT_FORGED, 0x9420},
	    {JZ_ERR_CERT_EXPIRED, 0x9421},
	    {JZ_ERR_CERT_NOT_YET, 0x9422},
	    {JZ_ERR_CERT_REVOKED, 0x9423},
	    {JZ_ERR_CERT_ROLE, 0x9424},
	    {JZ_ERR_CERT_ISSUER, 0x9425},
	    {JZ_ERR_CERT_SUITE, 0x9426},
	    {JZ_ERR_CERT_MALFORMED, 0x9427},
	    {JZ_ERR_CRYPTO, 0x6400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(
		    jz_certificate_status(CASES[i].error), CASES[i].sw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_one_day),
	    cmocka_unit_test(test_times_are_rounded_outward),
	    cmocka_unit_test(test_every_flipped_bit_is_refused),
	    cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_roles),
	    cmocka_unit_test(test_other_issuer),
	    cmocka_unit_test(test_forged),
	    cmocka_unit_test(test_order_of_refusals),
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_sign_refuses),
	    cmocka_unit_test(test_sign_with_a_bad_key),
	    cmocka_unit_test(test_sign_without_room),
	    cmocka_unit_test(test_status),
	};

	return FX_RUN_BOTH(tests, open_world, close_world);
}
