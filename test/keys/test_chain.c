/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card-verifiable certificates for people and in chains: each field in its
 * place, each fault where it is, each link judged (requirement ALL-4).
 */
#define _DEFAULT_SOURCE

#include "../../keys/store/chain.h"
#include "../../keys/store/cvc_view.h"

#include "fixture.h"

#define DAY   INT64_C(86400)
#define FROM  INT64_C(1767225600) /* 2026-01-01 */
#define UNTIL INT64_C(1798761600) /* 2027-01-01 */
#define NOW   (FROM + 100 * DAY)

struct cvc {
	struct jz_certificate fields;
	struct jz_key_pair key;
	uint8_t bytes[JZ_CERTIFICATE_MAX + 8];
	size_t len;
};

struct world {
	struct jz_engine engine;
	struct cvc root, ca, card;
};

static struct jz_span
span(const struct cvc *c)
{
	return jz_span(c->bytes, c->len);
}

static void
make(struct world *w, struct cvc *c, const char *holder, enum jz_role role,
    const struct cvc *by)
{
	struct jz_buffer b = jz_buffer(c->bytes, JZ_CERTIFICATE_MAX);

	memset(&c->fields, 0, sizeof(c->fields));
	/* A root's authority is itself: the name first. */
	memcpy(c->fields.holder, holder, strlen(holder));
	memcpy(c->fields.authority, by->fields.holder, JZ_REFERENCE_BYTES);
	memcpy(c->fields.public_key, c->key.public_key, JZ_PUBLIC_BYTES_EC);
	c->fields.suite = JZ_SUITE_NIST;
	c->fields.role = role;
	c->fields.assurance = JZ_ASSURANCE_HARDWARE;
	c->fields.flags = role == JZ_ROLE_CARD ? JZ_FLAG_PAYEE_ONLY : 0;
	c->fields.generation = 300;
	c->fields.from = FROM;
	c->fields.to = UNTIL;
	assert_int_equal(
	    jz_certificate_sign(&w->engine, &c->fields, &by->key, &b), 0);
	c->len = b.len;
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0)
		return -1;
	w->engine.crypto->generate(w->engine.state, &w->root.key);
	w->engine.crypto->generate(w->engine.state, &w->ca.key);
	w->engine.crypto->generate(w->engine.state, &w->card.key);
	make(w, &w->root, "CNJZROOT00001", JZ_ROLE_ROOT, &w->root);
	make(w, &w->ca, "CNJZISSUER00001", JZ_ROLE_CA, &w->root);
	make(w, &w->card, "CN00000000100001", JZ_ROLE_CARD, &w->ca);
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

/* ---- for people --------------------------------------------------------- */

#define ROWS_MAX 32

struct seen {
	struct jz_cvc_row row[ROWS_MAX];
	size_t n, faults;
	const struct jz_cvc_row *fault; /* the first */
};

static void
keep(const struct jz_cvc_row *row, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < ROWS_MAX);
	s->row[s->n] = *row;
	if (row->fault[0] != NULL && s->faults++ == 0)
		s->fault = &s->row[s->n];
	s->n++;
}

static const struct jz_cvc_row *
find(const struct seen *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->row[i].name[0], name) == 0)
			return &s->row[i];
	}
	fail_msg("no row %s", name);
	return NULL;
}

static void
test_every_field_is_shown(void **state)
{
	static const struct {
		const char *name, *text;
	} ROWS[] = {{"authority", "CNJZISSUER00001"},
	    {"holder", "CN00000000100001"}, {"role", "card"},
	    {"assurance", "hardware"}, {"flags", "payee only"},
	    {"generation", "300"}, {"valid from", "2026-01-01"},
	    {"valid through", "2026-12-31"},
	    {"algorithm", "ECDSA P-256, SHA-256 (nist)"}};
	const struct world *w = *state;
	struct seen s = {.n = 0};

	assert_int_equal(jz_cvc_view(span(&w->card), keep, &s), 0);
	assert_int_equal(s.faults, 0);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		assert_string_equal(find(&s, ROWS[i].name)->text, ROWS[i].text);
	assert_memory_equal(find(&s, "point")->value.data,
	    w->card.key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(find(&s, "signature")->value.len, JZ_SIG_BYTES);
	assert_string_equal(find(&s, "role")->word[1], "卡");
	assert_int_equal(jz_cvc_suite(span(&w->card)), JZ_SUITE_NIST);
	/* Offsets are where the tags are. */
	for (size_t i = 0; i < s.n; i++) {
		uint32_t tag = s.row[i].tag;
		size_t len = tag > 0xFF ? 2 : 1;

		if (tag != 0)
			assert_int_equal(
			    jz_get_be(w->card.bytes + s.row[i].offset, len),
			    tag);
	}
}

/* One byte of one object changed: the fault is told at this object. */
static void
test_a_fault_is_told_where_it_is(void **state)
{
	static const struct {
		const char *name; /* of the row whose value is changed */
		size_t at;	  /* in its value */
		uint8_t flip;
	} ROWS[] = {{"profile version", 0, 1}, {"authority", 0, 0x20},
	    {"algorithm", 9, 0x40}, {"point", 0, 1}, {"holder", 15, 0x40},
	    {"kind of authorisation", 3, 1}, {"role", 0, 0x01},
	    {"assurance", 0, 0x08}, {"flags", 0, 0x02}, {"valid from", 2, 0x02},
	    {"valid through", 0, 0x0F}};
	const struct world *w = *state;
	struct seen good = {.n = 0};

	(void)jz_cvc_view(span(&w->card), keep, &good);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		const struct jz_cvc_row *row = find(&good, ROWS[i].name);
		struct cvc c = w->card;
		struct seen s = {.n = 0};

		c.bytes[(size_t)(row->value.data - w->card.bytes) +
		    ROWS[i].at] ^= ROWS[i].flip;
		assert_int_equal(
		    jz_cvc_view(span(&c), keep, &s), JZ_ERR_CERT_MALFORMED);
		if (s.fault == NULL || s.fault->offset != row->offset ||
		    strcmp(s.fault->name[0], ROWS[i].name) != 0)
			fail_msg("%s: told of %s", ROWS[i].name,
			    s.fault != NULL ? s.fault->name[0] : "nothing");
		assert_string_not_equal(s.fault->fault[0], s.fault->fault[1]);
		/* The walk goes on. */
		assert_int_equal(s.n, good.n);
	}
}

static void
test_what_ends_early_or_late(void **state)
{
	const struct world *w = *state;

	for (size_t len = 0; len < w->card.len; len++) {
		struct seen s = {.n = 0};

		assert_int_equal(
		    jz_cvc_view(jz_span(w->card.bytes, len), keep, &s),
		    JZ_ERR_CERT_MALFORMED);
		assert_int_equal(s.fault->offset, 0);
	}
	{
		struct cvc c = w->card;
		struct seen s = {.n = 0};

		c.bytes[c.len++] = 0;
		assert_int_equal(
		    jz_cvc_view(span(&c), keep, &s), JZ_ERR_CERT_MALFORMED);
		assert_int_equal(s.fault->offset, w->card.len);
		assert_string_equal(s.fault->fault[0], "bytes left over");
	}
}

/* A tag in the middle that is another one: what should be there is named. */
static void
test_another_object(void **state)
{
	const struct world *w = *state;
	struct seen good = {.n = 0}, s = {.n = 0};
	struct cvc c = w->card;

	(void)jz_cvc_view(span(&w->card), keep, &good);
	c.bytes[find(&good, "holder")->offset + 1] = 0x21;
	assert_int_equal(
	    jz_cvc_view(span(&c), keep, &s), JZ_ERR_CERT_MALFORMED);
	assert_string_equal(s.fault->name[0], "holder");
	assert_string_equal(s.fault->fault[0], "another object stands here");
}

/* ---- chains ------------------------------------------------------------- */

static struct jz_chain
trust(const struct world *w, struct jz_span *between)
{
	*between = span(&w->ca);
	return (struct jz_chain){.root = span(&w->root),
	    .between = between,
	    .n_between = 1,
	    .any_role = true,
	    .now = NOW};
}

static int
judge(const struct world *w, const struct cvc *c, const struct jz_chain *by,
    struct jz_chain_result *r)
{
	return jz_chain_verify(&w->engine, span(c), by, r);
}

static void
test_a_chain(void **state)
{
	const struct world *w = *state;
	struct jz_chain_result r;
	struct jz_span between;
	struct jz_chain by = trust(w, &between);

	assert_int_equal(judge(w, &w->card, &by, &r), 0);
	assert_memory_equal(
	    r.certificate.holder, w->card.fields.holder, JZ_REFERENCE_BYTES);
	assert_int_equal(judge(w, &w->ca, &by, &r), 0);
	assert_int_equal(judge(w, &w->root, &by, &r), 0);
	by.any_role = false;
	by.role = JZ_ROLE_CARD;
	assert_int_equal(judge(w, &w->card, &by, &r), 0);
	by.role = JZ_ROLE_HOST;
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_ROLE);
	by.any_role = true;
	by.now = FROM - 1;
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_NOT_YET);
	by.now = UNTIL;
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_EXPIRED);
	assert_true(r.above);
	by.now = 0;
	assert_int_equal(judge(w, &w->card, &by, &r), 0);
}

static void
test_links_that_do_not_hold(void **state)
{
	struct world *w = *state;
	struct jz_chain_result r;
	struct jz_span between;
	struct jz_chain by = trust(w, &between);
	struct cvc other = {.key = w->card.key}, c = w->card;

	/* Without the CA. */
	by.n_between = 0;
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_ISSUER);
	assert_true(r.above);
	/* A CA of that name that the root has not signed. */
	by = trust(w, &between);
	make(w, &other, "CNJZISSUER00001", JZ_ROLE_CA, &w->root);
	other.bytes[other.len - 1] ^= 1;
	between = span(&other);
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_FORGED);
	/* A card that signs cards. */
	make(w, &other, "CN00000000200001", JZ_ROLE_CARD, &w->card);
	between = span(&w->card);
	assert_int_equal(judge(w, &other, &by, &r), JZ_ERR_CERT_ISSUER);
	/* A root that has not signed itself. */
	by = trust(w, &between);
	by.root = span(&w->ca);
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_ISSUER);
	/* The certificate itself. */
	by = trust(w, &between);
	c.bytes[c.len - 1] ^= 1;
	assert_int_equal(judge(w, &c, &by, &r), JZ_ERR_CERT_FORGED);
	assert_false(r.above);
}

static void
test_a_list(void **state)
{
	struct world *w = *state;
	struct jz_message m = {.list_version = 1};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_chain_result r;
	struct jz_span between;
	struct jz_chain by = trust(w, &between);

	m.generation = 300;
	assert_int_equal(jz_revocation_sign(&w->engine, &m, w->ca.fields.holder,
			     &w->ca.key, &b),
	    0);
	by.list = jz_buffer_span(&b);
	assert_int_equal(judge(w, &w->card, &by, &r), 0);
	m.generation = 301;
	b.len = 0;
	assert_int_equal(jz_revocation_sign(&w->engine, &m, w->ca.fields.holder,
			     &w->ca.key, &b),
	    0);
	by.list = jz_buffer_span(&b);
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_CERT_REVOKED);
	assert_false(r.of_list);
	bytes[b.len - 1] ^= 1;
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_SIGNATURE);
	assert_true(r.of_list);
	by.list = span(&w->ca);
	assert_int_equal(judge(w, &w->card, &by, &r), JZ_ERR_MESSAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_field_is_shown),
	    cmocka_unit_test(test_a_fault_is_told_where_it_is),
	    cmocka_unit_test(test_what_ends_early_or_late),
	    cmocka_unit_test(test_another_object),
	    cmocka_unit_test(test_a_chain),
	    cmocka_unit_test(test_links_that_do_not_hold),
	    cmocka_unit_test(test_a_list),
	};

	return cmocka_run_group_tests_name(
	    "chains", tests, open_world, close_world);
}
