/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as every kind of certificate, list, request, key and signature, as
 * links of a chain, and as PEM.  What is taken must be written again as the
 * same bytes, and what people are told must agree with what machines judge; a
 * violation traps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/store/chain.h"
#include "../../keys/store/cvc_view.h"
#include "../../keys/store/x509.h"

#define BLOCKS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void
one_row(const struct jz_cvc_row *row, void *arg)
{
	const struct jz_span *in = arg;

	require(row->offset <= in->len || row->offset == JZ_CERTIFICATE_MAX);
	require(row->name[0] != NULL && row->name[1] != NULL);
	require((row->fault[0] == NULL) == (row->fault[1] == NULL));
	require(memchr(row->text, 0, sizeof(row->text)) != NULL);
	require(row->value.len == 0 ||
	    (row->value.data >= in->data &&
		row->value.data + row->value.len <= in->data + in->len));
}

/* What is shown without a fault is what is parsed without one. */
static void
card_verifiable(const struct jz_engine *e, struct jz_span in)
{
	struct jz_certificate c;
	int parsed = jz_certificate_parse(in, e->crypto, &c);
	int shown = jz_cvc_view(in, one_row, &in);
	struct jz_crypto names;

	require((shown == 0) == (parsed == 0 || parsed == JZ_ERR_CERT_SUITE));
	require(shown == 0 || shown == JZ_ERR_CERT_MALFORMED);
	if (shown == 0) {
		require(jz_cvc_crypto(jz_cvc_suite(in), &names));
		require(jz_certificate_parse(in, &names, &c) == 0);
	}
}

static void
list(struct jz_span in)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_certificate c = {0};
	struct jz_message m;

	if (jz_revocation_parse(in, &m) != 0)
		return;
	require(m.revoked.len <= JZ_REVOCATION_MAX * JZ_ID_BYTES);
	require(jz_message_encode(&m, JZ_SIGNED, &b) == 0);
	require(jz_span_equal(jz_buffer_span(&b), in));
	c.generation = UINT16_MAX;
	require(jz_revocation_judge(m.generation, m.revoked, &c) == 0);
	if (m.revoked.len > 0) {
		memcpy(c.holder, m.revoked.data, sizeof(c.holder));
		require(jz_revocation_judge(m.generation, m.revoked, &c) ==
		    JZ_ERR_CERT_REVOKED);
	}
}

/* The input as the certificate, what is between, the root, and the list. */
static void
chains(const struct jz_engine *e, struct jz_span in)
{
	const struct jz_chain by = {in, &in, 1, in, true, JZ_ROLE_CARD, 0};
	const struct jz_chain alone = {
	    in, &in, 1, {NULL, 0}, true, JZ_ROLE_CARD, 0};
	const struct jz_x509_trust trust = {.root = in,
	    .between = &in,
	    .n_between = 1,
	    .crl = in,
	    .purpose = JZ_X509_SERVER,
	    .host = "bank.example"};
	const struct jz_x509_trust bare = {.root = in, .purpose = JZ_X509_ANY};
	struct jz_chain_result r;

	/* A list is none of the things that it would be a list for. */
	require(jz_chain_verify(e, in, &by, &r) != 0);
	require(jz_x509_verify(in, &trust) != 0);
	(void)jz_chain_verify(e, in, &alone, &r);
	(void)jz_x509_verify(in, &bare);
}

static void
x509(struct jz_span in)
{
	struct jz_x509_view v;
	struct jz_x509_wish w;

	if (jz_x509_read(in, &v) == 0) {
		require(memchr(v.subject, 0, sizeof(v.subject)) != NULL);
		require(memchr(v.names, 0, sizeof(v.names)) != NULL);
		require(v.serial_len <= sizeof(v.serial));
	}
	if (jz_x509_request_read(in, &w) == 0)
		require(w.n_dns <= JZ_X509_NAMES_MAX &&
		    w.n_ip <= JZ_X509_NAMES_MAX);
	(void)jz_x509_is_crl(in);
}

static void
conversions(struct jz_span in)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC], raw[JZ_SIG_BYTES];
	uint8_t bytes[JZ_SPKI_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	enum jz_suite suite;

	if (jz_spki_read(in, &suite, point) == 0) {
		require(jz_spki_write(suite, point, &b) == 0);
		require(in.data[0] != 0x30 ||
		    jz_span_equal(jz_buffer_span(&b), in));
	}
	b = jz_buffer(bytes, sizeof(bytes));
	if (jz_signature_from_der(in, raw) == 0) {
		require(jz_signature_to_der(raw, &b) == 0);
		require(jz_span_equal(jz_buffer_span(&b), in));
	}
}

static void
one(const struct jz_engine *e, struct jz_span in)
{
	card_verifiable(e, in);
	list(in);
	chains(e, in);
	x509(in);
	conversions(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t der[4096];
	struct jz_span in = jz_span(data, size);
	struct jz_engine e;

	/* Anew each time: what one input leaves behind shows no other. */
	if (jz_openssl_new(JZ_SUITE_NIST, &e) != 0)
		return 0;
	one(&e, in);
	for (unsigned i = 0; i < BLOCKS_MAX; i++) {
		struct jz_buffer b = jz_buffer(der, sizeof(der));
		char label[JZ_PEM_LABEL_MAX];
		size_t before = in.len;

		if (jz_pem_read(&in, label, &b) != 0)
			break;
		require(in.len < before);
		one(&e, jz_buffer_span(&b));
	}
	jz_openssl_free(&e);
	return 0;
}
