/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's X.509: what it certifies leads to its root, and cards' keys and
 * names are the same in both forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

struct chain {
	uint8_t root[JZ_X509_MAX], ca[JZ_X509_MAX];
	struct jz_span ca_span;
	struct jz_x509_trust by;
};

static void
chain_of(struct rig *r, struct chain *c, enum jz_x509_purpose purpose)
{
	struct jz_buffer root = jz_buffer(c->root, sizeof(c->root));
	struct jz_buffer ca = jz_buffer(c->ca, sizeof(c->ca));

	assert_int_equal(jz_issuer_x509_root(r->issuer, &root), 0);
	assert_int_equal(jz_issuer_x509_ca(r->issuer, &ca), 0);
	c->ca_span = jz_buffer_span(&ca);
	c->by = (struct jz_x509_trust){.root = jz_buffer_span(&root),
	    .between = &c->ca_span,
	    .n_between = 1,
	    .purpose = purpose,
	    .now = r->now};
}

/* proves: LOD-1 (the server's certificate) */
static void
test_a_server_and_a_user(void **state)
{
	static const char *const dns[] = {"bank.example"};
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct rig *r = *state;
	struct jz_x509_terms t = {.purpose = JZ_X509_SERVER,
	    .subject = {.common = "bank.example"},
	    .dns = dns,
	    .n_dns = 1};
	struct fakecard card;
	struct chain c;

	rig_card(r, &card, 1);
	memcpy(t.public_key, card.key.public_key, sizeof(t.public_key));
	assert_int_equal(jz_issuer_x509_certify(r->issuer, &t, &b), 0);
	chain_of(r, &c, JZ_X509_SERVER);
	c.by.host = "bank.example";
	assert_int_equal(jz_x509_verify(jz_buffer_span(&b), &c.by), 0);
	c.by.host = "bank.example.org";
	assert_int_equal(
	    jz_x509_verify(jz_buffer_span(&b), &c.by), JZ_ERR_CERT_NAME);
	b.len = 0;
	t = (struct jz_x509_terms){.purpose = JZ_X509_SIGNER,
	    .subject = {.common = "Alice"},
	    .email = "alice@bank.example"};
	memcpy(t.public_key, card.key.public_key, sizeof(t.public_key));
	assert_int_equal(jz_issuer_x509_certify(r->issuer, &t, &b), 0);
	chain_of(r, &c, JZ_X509_SIGNER);
	assert_int_equal(jz_x509_verify(jz_buffer_span(&b), &c.by), 0);
	t.purpose = JZ_X509_CA;
	assert_int_equal(
	    jz_issuer_x509_certify(r->issuer, &t, &b), JZ_ERR_RANGE);
}

static void
test_the_view_of_a_card(void **state)
{
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct rig *r = *state;
	struct jz_x509_view v;
	struct fakecard card;
	char expected[64];
	struct chain c;

	rig_card(r, &card, 1);
	assert_int_equal(
	    jz_issuer_x509_of_card(
		r->issuer, jz_span(card.certificate, card.certificate_len), &b),
	    0);
	chain_of(r, &c, JZ_X509_CLIENT);
	assert_int_equal(jz_x509_verify(jz_buffer_span(&b), &c.by), 0);
	assert_int_equal(jz_x509_read(jz_buffer_span(&b), &v), 0);
	snprintf(expected, sizeof(expected), "CN=%.16s,OU=card,O=jiaozi",
	    (const char *)card.id);
	assert_string_equal(v.subject, expected);
	assert_memory_equal(
	    v.public_key, card.key.public_key, sizeof(v.public_key));
	/* Somebody else's certificate gets no view of ours. */
	card.certificate[card.certificate_len - 1] ^= 1;
	assert_int_equal(
	    jz_issuer_x509_of_card(
		r->issuer, jz_span(card.certificate, card.certificate_len), &b),
	    JZ_ERR_CERT_FORGED);
}

static void
test_a_list(void **state)
{
	uint8_t bytes[JZ_X509_MAX], list[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer crl = jz_buffer(list, sizeof(list));
	struct rig *r = *state;
	struct jz_x509_terms t = {
	    .purpose = JZ_X509_CLIENT, .subject = {.common = "Alice"}};
	struct jz_x509_serial serial = {.len = 16};
	static struct jz_x509_serial many[JZ_X509_REVOKED_MAX + 1];
	struct jz_x509_view v;
	struct fakecard card;
	struct chain c;

	rig_card(r, &card, 1);
	memcpy(t.public_key, card.key.public_key, sizeof(t.public_key));
	assert_int_equal(jz_issuer_x509_certify(r->issuer, &t, &b), 0);
	assert_int_equal(jz_x509_read(jz_buffer_span(&b), &v), 0);
	memcpy(serial.bytes, v.serial, serial.len);
	assert_int_equal(jz_issuer_x509_crl(r->issuer, 1, &serial, 1, &crl), 0);
	memset(many, 0, sizeof(many));
	assert_int_equal(jz_issuer_x509_crl(
			     r->issuer, 1, many, JZ_X509_REVOKED_MAX + 1, &crl),
	    JZ_ERR_SPACE);
	chain_of(r, &c, JZ_X509_CLIENT);
	c.by.crl = jz_buffer_span(&crl);
	assert_int_equal(
	    jz_x509_verify(jz_buffer_span(&b), &c.by), JZ_ERR_CERT_REVOKED);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_a_server_and_a_user),
	    T(test_the_view_of_a_card),
	    T(test_a_list),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
