/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of certificates: the good one byte by byte, and every malformed
 * neighbour of it (requirement ALL-4).
 */
#define _DEFAULT_SOURCE

#include "../../keys/certificate.h"

#include "fixture.h"

#include "../../apdu/tlv.h"

#define FROM  INT64_C(1767225600) /* 2026-01-01 */
#define UNTIL INT64_C(1798761600) /* 2027-01-01: the last day is 2026-12-31 */

#define BODY_OBJECTS 7
#define OBJECT_MAX   128

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

/* Header and fixed objects byte for byte: what other programs read. */
static void
test_encoding(void **state)
{
	const struct world *w = *state;
	struct jz_span body, part;
	struct jz_span all = jz_span(w->bytes, w->len);

	fx_assert_hex(all.data, 3, "7F2181");
	assert_int_equal(jz_tlv_find(all, 0x7F21, &part), 0);
	assert_int_equal(jz_tlv_find(part, 0x7F4E, &body), 0);
	fx_assert_hex(body.data, 4 + 2 + 15,
	    "5F290100 42 0F 434E4A5A495353554552 3030303031");
	if (fx_suite == JZ_SUITE_GM)
		fx_assert_hex(body.data + 21, 3 + 10 + 2,
		    "7F494D 0608 2A811CCF55018375 8641");
	else
		fx_assert_hex(body.data + 21, 3 + 12 + 2,
		    "7F494F 060A 04007F00070202020203 8641");
	assert_int_equal(jz_tlv_find(body, 0x5F20, &part), 0);
	assert_memory_equal(part.data, "CN00000004200001", part.len);
	assert_int_equal(jz_tlv_find(body, 0x7F4C, &part), 0);
	fx_assert_hex(part.data, part.len,
	    "0614 69819599C68BDEB9929281B6A081C6C998BE8330 5305 0002000102");
	assert_int_equal(jz_tlv_find(body, 0x5F25, &part), 0);
	fx_assert_hex(part.data, part.len, "020600010001");
	assert_int_equal(jz_tlv_find(body, 0x5F24, &part), 0);
	fx_assert_hex(part.data, part.len, "020601020301");
}

/*
 * 2.25 is 105 in the first byte; the rest must be the UUID as one number
 * (ITU-T X.667 7).  Read back here by another way than it was made.
 */
static void
test_role_oid_is_the_uuid(void **state)
{
	const struct world *w = *state;
	struct jz_span level, oid;
	uint8_t uuid[16] = {0};

	assert_int_equal(
	    jz_tlv_find(jz_span(w->bytes, w->len), 0x7F21, &level), 0);
	assert_int_equal(jz_tlv_find(level, 0x7F4E, &level), 0);
	assert_int_equal(jz_tlv_find(level, 0x7F4C, &level), 0);
	assert_int_equal(jz_tlv_find(level, 0x06, &oid), 0);
	assert_int_equal(oid.data[0], 2 * 40 + 25);
	for (size_t i = 1; i < oid.len; i++) {
		unsigned carry = oid.data[i] & 0x7Fu;

		assert_int_equal(oid.data[i] >> 7, i + 1 < oid.len);
		for (size_t j = sizeof(uuid); j-- > 0;) {
			carry |= (unsigned)uuid[j] << 7;
			uuid[j] = (uint8_t)carry;
			carry >>= 8;
		}
	}
	fx_assert_hex(uuid, sizeof(uuid), "4a998c2ef3924480b6400634930f81b0");
}

/* One object of a body under construction. */
struct object {
	uint32_t tag;
	uint8_t value[OBJECT_MAX];
	size_t len;
};

static size_t
split(struct jz_span level, struct object *out, size_t max)
{
	struct jz_cursor c = jz_cursor(level);
	struct jz_tlv t;
	size_t n = 0;

	while (jz_tlv_next(&c, &t) == 0) {
		assert_true(n < max && t.value.len <= OBJECT_MAX);
		out[n].tag = t.tag;
		out[n].len = t.value.len;
		memcpy(out[n].value, t.value.data, t.value.len);
		n++;
	}
	assert_true(jz_cursor_end(&c));
	return n;
}

static void
split_body(const struct world *w, struct object out[static BODY_OBJECTS])
{
	struct jz_certificate c;
	struct jz_span content;

	parse_good(w, &c);
	assert_int_equal(jz_tlv_find(c.body, 0x7F4E, &content), 0);
	assert_int_equal(split(content, out, BODY_OBJECTS), BODY_OBJECTS);
}

static size_t
join(const struct object *objects, size_t n, uint8_t *out, size_t cap)
{
	struct jz_buffer b = jz_buffer(out, cap);

	for (size_t i = 0; i < n; i++)
		jz_tlv_put(
		    &b, objects[i].tag, objects[i].value, objects[i].len);
	assert_false(b.bad);
	return b.len;
}

/*
 * A body of these objects, rightly signed: what is refused then is refused
 * for its form alone.
 */
static int
parse_objects(const struct world *w, const struct object *objects, size_t n)
{
	uint8_t content[512], bytes[640], signature[JZ_SIG_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	size_t len = join(objects, n, content, sizeof(content));
	size_t mark = jz_tlv_open(&b, 0x7F21);
	size_t start = b.len;
	struct jz_span body;
	struct jz_certificate c;
	int rc;

	jz_tlv_put(&b, 0x7F4E, content, len);
	body = jz_span(bytes + start, b.len - start);
	assert_int_equal(w->engine.crypto->sign(
			     w->engine.state, &w->ca, &body, 1, signature),
	    0);
	jz_tlv_put(&b, 0x5F37, signature, sizeof(signature));
	jz_tlv_close(&b, mark);
	assert_false(b.bad);
	rc = parse(w, jz_buffer_span(&b), &c);
	if (rc != 0)
		fx_assert_zero(&c, sizeof(c));
	return rc;
}

static void
test_objects_in_order_are_good(void **state)
{
	struct object o[BODY_OBJECTS];

	split_body(*state, o);
	assert_int_equal(parse_objects(*state, o, BODY_OBJECTS), 0);
}

static void
test_missing_object(void **state)
{
	struct object o[BODY_OBJECTS];

	for (size_t i = 0; i < BODY_OBJECTS; i++) {
		split_body(*state, o);
		memmove(&o[i], &o[i + 1],
		    (BODY_OBJECTS - i - 1) * sizeof(struct object));
		assert_int_equal(parse_objects(*state, o, BODY_OBJECTS - 1),
		    JZ_ERR_CERT_MALFORMED);
	}
}

static void
test_doubled_object(void **state)
{
	struct object o[BODY_OBJECTS + 1];

	for (size_t i = 0; i < BODY_OBJECTS; i++) {
		split_body(*state, o);
		memmove(&o[i + 1], &o[i],
		    (BODY_OBJECTS - i) * sizeof(struct object));
		assert_int_equal(parse_objects(*state, o, BODY_OBJECTS + 1),
		    JZ_ERR_CERT_MALFORMED);
	}
}

static void
test_swapped_objects(void **state)
{
	struct object o[BODY_OBJECTS], swap;

	for (size_t i = 0; i + 1 < BODY_OBJECTS; i++) {
		split_body(*state, o);
		swap = o[i];
		o[i] = o[i + 1];
		o[i + 1] = swap;
		assert_int_equal(parse_objects(*state, o, BODY_OBJECTS),
		    JZ_ERR_CERT_MALFORMED);
	}
}

static void
test_object_one_byte_longer_or_shorter(void **state)
{
	struct object o[BODY_OBJECTS];

	for (size_t i = 0; i < BODY_OBJECTS; i++) {
		split_body(*state, o);
		o[i].value[o[i].len++] = 0;
		assert_int_equal(parse_objects(*state, o, BODY_OBJECTS),
		    JZ_ERR_CERT_MALFORMED);
		/* References may be shorter, yet not by their last digit. */
		split_body(*state, o);
		o[i].len--;
		if (o[i].tag == 0x42 || o[i].tag == 0x5F20)
			o[i].value[o[i].len - 1] = 'X';
		assert_int_equal(parse_objects(*state, o, BODY_OBJECTS),
		    JZ_ERR_CERT_MALFORMED);
	}
}

/* The places in a body that the cases below change. */
enum { PROFILE, AUTHORITY, PUBLIC_KEY, HOLDER, ROLE, FROM_DATE, TO_DATE };
/* From the last byte of the algorithm on, whose length is the suite's. */
#define OID_END 99

static void
test_values(void **state)
{
	static const struct {
		size_t object, offset;
		uint8_t value;
		int expect;
	} CASES[] = {
	    {PROFILE, 0, 1, JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 0, 'c', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 1, '1', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 2, ' ', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 2, 0, JZ_ERR_CERT_MALFORMED}, {AUTHORITY, 2, 'z', 0},
	    {AUTHORITY, 2, '[', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 2, '{', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 14, 'A', JZ_ERR_CERT_MALFORMED},
	    {AUTHORITY, 10, ':', JZ_ERR_CERT_MALFORMED},
	    {HOLDER, 0, '[', JZ_ERR_CERT_MALFORMED},
	    {HOLDER, 15, '/', JZ_ERR_CERT_MALFORMED},
	    {PUBLIC_KEY, 0, 0x05, JZ_ERR_CERT_MALFORMED}, /* tag of the OID */
	    /* ECDSA SHA-384; SM2 with SHA-1 */
	    {OID_END, 0, 0x04, JZ_ERR_CERT_MALFORMED},
	    {OID_END, 1, 0x87, JZ_ERR_CERT_MALFORMED}, /* tag of point */
	    {OID_END, 3, 0x02, JZ_ERR_CERT_MALFORMED}, /* compressed */
	    {ROLE, 0, 0x05, JZ_ERR_CERT_MALFORMED},
	    {ROLE, 21, 0x31, JZ_ERR_CERT_MALFORMED}, /* another OID */
	    {ROLE, 24, 0x40, 0}, {ROLE, 24, 0x80, 0}, {ROLE, 24, 0xC0, 0},
	    {ROLE, 24, 0x01, JZ_ERR_CERT_MALFORMED},
	    {ROLE, 24, 0xFF, JZ_ERR_CERT_MALFORMED},
	    {ROLE, 25, 0, JZ_ERR_CERT_MALFORMED}, {ROLE, 25, 1, 0},
	    {ROLE, 25, 3, 0}, {ROLE, 25, 4, JZ_ERR_CERT_MALFORMED},
	    {ROLE, 26, 1, 0}, {ROLE, 26, 2, 0}, {ROLE, 26, 3, 0},
	    {ROLE, 26, 4, JZ_ERR_CERT_MALFORMED},
	    {ROLE, 26, 0x80, JZ_ERR_CERT_MALFORMED}, {ROLE, 27, 0xFF, 0},
	    {FROM_DATE, 2, 2, JZ_ERR_CERT_MALFORMED}, /* month 21 */
	    {FROM_DATE, 0, 0x0A, JZ_ERR_CERT_MALFORMED},
	    {FROM_DATE, 1, 7, JZ_ERR_CERT_MALFORMED}, /* after the end */
	    {TO_DATE, 4, 4, JZ_ERR_CERT_MALFORMED},   /* 41 December */
	    {TO_DATE, 1, 5, JZ_ERR_CERT_MALFORMED},   /* before the start */
	};
	struct object o[BODY_OBJECTS];

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		size_t object = CASES[i].object, at = CASES[i].offset;

		split_body(*state, o);
		if (object == OID_END) {
			object = PUBLIC_KEY;
			at += 1u + o[object].value[1];
		}
		assert_true(at < o[object].len);
		o[object].value[at] = CASES[i].value;
		if (parse_objects(*state, o, BODY_OBJECTS) != CASES[i].expect)
			fail_msg("case %zu", i);
	}
}

/* What the inner templates contain beside what belongs there. */
static void
test_inner_objects(void **state)
{
	static const size_t TEMPLATES[] = {PUBLIC_KEY, ROLE};
	struct object o[BODY_OBJECTS], inner[4];

	for (size_t t = 0; t < 2; t++) {
		struct object *outer = &o[TEMPLATES[t]];

		/* swapped, the second left out, the second doubled */
		for (size_t what = 0; what < 3; what++) {
			size_t n = 2;

			split_body(*state, o);
			assert_int_equal(
			    split(jz_span(outer->value, outer->len), inner, 4),
			    2);
			if (what == 0) {
				inner[2] = inner[0];
				inner[0] = inner[1];
				inner[1] = inner[2];
			} else if (what == 1) {
				n = 1;
			} else {
				inner[2] = inner[0];
				n = 3;
			}
			outer->len = join(inner, n, outer->value, OBJECT_MAX);
			assert_int_equal(parse_objects(*state, o, BODY_OBJECTS),
			    JZ_ERR_CERT_MALFORMED);
		}
	}
}

/* The other suite's: known, not ours.  Only a sound certificate gets that
 * answer. */
static void
test_other_suite(void **state)
{
	static const uint8_t SM2[] = {
	    0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75};
	static const uint8_t ECDSA[] = {
	    0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03};
	bool gm = fx_suite == JZ_SUITE_GM;
	size_t len = gm ? sizeof(ECDSA) : sizeof(SM2);
	struct object o[BODY_OBJECTS], inner[2];

	split_body(*state, o);
	assert_int_equal(
	    split(jz_span(o[PUBLIC_KEY].value, o[PUBLIC_KEY].len), inner, 2),
	    2);
	memcpy(inner[0].value, gm ? ECDSA : SM2, len);
	inner[0].len = len;
	o[PUBLIC_KEY].len = join(inner, 2, o[PUBLIC_KEY].value, OBJECT_MAX);
	assert_int_equal(
	    parse_objects(*state, o, BODY_OBJECTS), JZ_ERR_CERT_SUITE);
	o[ROLE].value[26] = 0x80;
	assert_int_equal(
	    parse_objects(*state, o, BODY_OBJECTS), JZ_ERR_CERT_MALFORMED);
}

static void
test_outer_objects(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX + 1];
	struct jz_certificate c, good;
	struct jz_buffer b;
	size_t mark;

	/* every shorter input, and one byte more */
	memcpy(bytes, w->bytes, w->len);
	bytes[w->len] = 0;
	for (size_t len = 0; len < w->len; len++)
		assert_int_equal(
		    parse(w, jz_span(bytes, len), &c), JZ_ERR_CERT_MALFORMED);
	assert_int_equal(
	    parse(w, jz_span(bytes, w->len + 1), &c), JZ_ERR_CERT_MALFORMED);
	/* longer than any certificate of ours */
	assert_int_equal(
	    parse(w, jz_span(bytes, sizeof(bytes)), &c), JZ_ERR_CERT_MALFORMED);
	/* signature first, signature missing, signature of 63 bytes, twice */
	parse_good(w, &good);
	for (size_t what = 0; what < 4; what++) {
		b = jz_buffer(bytes, sizeof(bytes));
		mark = jz_tlv_open(&b, 0x7F21);
		if (what == 0)
			jz_tlv_put(&b, 0x5F37, good.signature, JZ_SIG_BYTES);
		jz_put(&b, good.body.data, good.body.len);
		if (what == 2)
			jz_tlv_put(
			    &b, 0x5F37, good.signature, JZ_SIG_BYTES - 1);
		if (what == 3) {
			jz_tlv_put(&b, 0x5F37, good.signature, JZ_SIG_BYTES);
			jz_tlv_put_uint(&b, 0x80, 0, 1);
		}
		jz_tlv_close(&b, mark);
		assert_false(b.bad);
		assert_int_equal(
		    parse(w, jz_buffer_span(&b), &c), JZ_ERR_CERT_MALFORMED);
		fx_assert_zero(&c, sizeof(c));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_encoding),
	    cmocka_unit_test(test_role_oid_is_the_uuid),
	    cmocka_unit_test(test_objects_in_order_are_good),
	    cmocka_unit_test(test_missing_object),
	    cmocka_unit_test(test_doubled_object),
	    cmocka_unit_test(test_swapped_objects),
	    cmocka_unit_test(test_object_one_byte_longer_or_shorter),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_inner_objects),
	    cmocka_unit_test(test_other_suite),
	    cmocka_unit_test(test_outer_objects),
	};

	return FX_RUN_BOTH(tests, open_world, close_world);
}
