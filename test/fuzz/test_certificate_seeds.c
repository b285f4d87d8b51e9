/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of fuzz_certificate.c: one good thing of each kind.
 *
 *	test_certificate_seeds			whether they are so still
 *	test_certificate_seeds DIRECTORY	makes them anew
 */
#include "../support/bank.h"
#include "../support/seeds.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../keys/openssl/openssl.h"
#include "../../keys/store/x509.h"

#define NOW   ((int64_t)1768478400) /* 2026-01-15T12:00:00Z */
#define SEEDS "test/fuzz/seeds/certificate"

static void
card_verifiable(struct seeds *s, const struct bank *b)
{
	static const char *const ids[] = {
	    "CN00000000700001", "CN00000000800001", NULL};
	struct profile p = profile_of("CN00000000100001");
	struct jz_certificate c = bank_card_fields(b, &p, b->host.public_key);
	struct blob card = bank_certify(b, &c, &b->ca);
	struct blob list = bank_revoke(b, 7, 2, ids);

	seeds_end(s, "root", blob_span(&b->root_certificate));
	seeds_end(s, "ca", blob_span(&b->ca_certificate));
	seeds_end(s, "card", blob_span(&card));
	seeds_end(s, "list", blob_span(&list));
}

static void
x509(struct seeds *s, const struct bank *b)
{
	static const char *const dns[] = {"bank.example", "*.pay.example"};
	static const char *const ip[] = {"192.0.2.7", "2001:db8::1"};
	const struct jz_x509_issuer by = {
	    .name = {.common = "CA"}, .key = &b->ca};
	struct jz_x509_terms t = {.purpose = JZ_X509_SERVER,
	    .subject = {"CN", "Bank", "web", "bank.example"},
	    .from = NOW,
	    .to = NOW + 300 * BANK_DAY,
	    .dns = dns,
	    .n_dns = 2,
	    .ip = ip,
	    .n_ip = 2};
	const struct jz_x509_serial serial = {{0x40, 0x01}, 2, 0};
	uint8_t bytes[JZ_X509_MAX], text[2 * JZ_X509_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer pem = jz_buffer(text, sizeof(text));

	memcpy(t.public_key, b->host.public_key, sizeof(t.public_key));
	assert_int_equal(jz_x509_certify(&b->engine, &by, &t, &der), 0);
	seeds_end(s, "x509", jz_buffer_span(&der));
	assert_int_equal(
	    jz_pem_write("CERTIFICATE", jz_buffer_span(&der), &pem), 0);
	der.len = 0;
	assert_int_equal(jz_x509_request(&b->engine, &b->host, &t, &der), 0);
	seeds_end(s, "request", jz_buffer_span(&der));
	der.len = 0;
	assert_int_equal(jz_x509_crl(&b->engine, &by, 3, NOW, NOW + BANK_DAY,
			     &serial, 1, &der),
	    0);
	seeds_end(s, "crl", jz_buffer_span(&der));
	der.len = 0;
	assert_int_equal(
	    jz_spki_write(JZ_SUITE_NIST, b->ca.public_key, &der), 0);
	seeds_end(s, "key", jz_buffer_span(&der));
	assert_int_equal(
	    jz_pem_write("PUBLIC KEY", jz_buffer_span(&der), &pem), 0);
	seeds_end(s, "pem", jz_buffer_span(&pem));
}

int
main(int argc, char **argv)
{
	static const uint8_t seed[JZ_SEED_BYTES] = "certificate seeds";
	static struct seeds s;
	struct jz_engine e;
	struct bank b;

	s.folder = SEEDS;
	s.write = argc > 1 ? argv[1] : NULL;
	assert_int_equal(jz_openssl_new_seeded(JZ_SUITE_NIST, seed, &e), 0);
	bank_new(&b, &e, NOW);
	card_verifiable(&s, &b);
	x509(&s, &b);
	jz_openssl_free(&e);
	return s.stale != 0;
}
