/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509: what we write, OpenSSL reads and judges as it judges anybody's; each
 * fault of a chain has its own error (requirement ALL-4).
 */
#define _GNU_SOURCE

#include "../../keys/store/x509.h"

#include "fixture.h"

#include "../../keys/secret.h"

#define DAY  INT64_C(86400)
#define NOW  INT64_C(1782864000) /* 2026-07-01 */
#define FROM (NOW - 30 * DAY)
#define TO   (NOW + 300 * DAY)

struct der {
	size_t len;
	uint8_t bytes[JZ_X509_MAX];
};

struct world {
	struct jz_engine engine;
	struct jz_key_pair root, ca, leaf;
	struct jz_x509_issuer by_root, by_ca;
	struct der root_der, ca_der, server_der, user_der;
};

static struct jz_span
span(const struct der *d)
{
	return jz_span(d->bytes, d->len);
}

static int
certify(struct world *w, const struct jz_x509_issuer *by,
    const struct jz_x509_terms *t, struct der *out)
{
	struct jz_buffer b = jz_buffer(out->bytes, sizeof(out->bytes));
	int rc = jz_x509_certify(&w->engine, by, t, &b);

	out->len = b.len;
	return rc;
}

static const char *const DNS[] = {"bank.example", "*.pay.example"};
static const char *const IP[] = {"192.0.2.7", "2001:db8::1"};

static struct jz_x509_terms
server_terms(const struct world *w)
{
	struct jz_x509_terms t = {.purpose = JZ_X509_SERVER,
	    .subject = {"CN", "Bank", NULL, "bank.example"},
	    .from = FROM,
	    .to = TO,
	    .dns = DNS,
	    .n_dns = 2,
	    .ip = IP,
	    .n_ip = 2};

	memcpy(t.public_key, w->leaf.public_key, sizeof(t.public_key));
	return t;
}

static struct jz_x509_terms
user_terms(const struct world *w, enum jz_x509_purpose purpose)
{
	struct jz_x509_terms t = {.purpose = purpose,
	    .subject = {NULL, NULL, NULL, "爱丽丝"},
	    .from = FROM,
	    .to = TO,
	    .email = "alice@bank.example"};

	memcpy(t.public_key, w->leaf.public_key, sizeof(t.public_key));
	return t;
}

static struct jz_x509_terms
ca_terms(const struct jz_key_pair *key, const char *name, unsigned path)
{
	struct jz_x509_terms t = {.purpose = JZ_X509_CA,
	    .subject = {"CN", "Bank", NULL, name},
	    .from = FROM,
	    .to = TO,
	    .path = path};

	memcpy(t.public_key, key->public_key, sizeof(t.public_key));
	return t;
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct jz_x509_terms t;

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0)
		return -1;
	w->engine.crypto->generate(w->engine.state, &w->root);
	w->engine.crypto->generate(w->engine.state, &w->ca);
	w->engine.crypto->generate(w->engine.state, &w->leaf);
	t = ca_terms(&w->root, "root", 1);
	w->by_root = (struct jz_x509_issuer){t.subject, &w->root};
	assert_int_equal(certify(w, &w->by_root, &t, &w->root_der), 0);
	t = ca_terms(&w->ca, "CA", 0);
	w->by_ca = (struct jz_x509_issuer){t.subject, &w->ca};
	assert_int_equal(certify(w, &w->by_root, &t, &w->ca_der), 0);
	t = server_terms(w);
	assert_int_equal(certify(w, &w->by_ca, &t, &w->server_der), 0);
	t = user_terms(w, JZ_X509_SIGNER);
	assert_int_equal(certify(w, &w->by_ca, &t, &w->user_der), 0);
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	jz_openssl_free(&w->engine);
	jz_wipe(w, sizeof(*w));
	free(w);
	return 0;
}

/* Judged under the root with the CA between. */
static int
judge(const struct world *w, const struct der *d, enum jz_x509_purpose purpose,
    const char *host, int64_t now)
{
	const struct jz_span between = span(&w->ca_der);
	const struct jz_x509_trust by = {.root = span(&w->root_der),
	    .between = &between,
	    .n_between = 1,
	    .purpose = purpose,
	    .host = host,
	    .now = now};

	return jz_x509_verify(span(d), &by);
}

/* ---- what is written ---------------------------------------------------- */

static void
test_a_server_says_what_it_is(void **state)
{
	const struct world *w = *state;
	struct jz_x509_view v;

	assert_int_equal(jz_x509_read(span(&w->server_der), &v), 0);
	assert_string_equal(v.subject, "CN=bank.example,O=Bank,C=CN");
	assert_string_equal(v.issuer, "CN=CA,O=Bank,C=CN");
	assert_int_equal(v.serial_len, 16);
	assert_int_equal(v.from, FROM);
	assert_int_equal(v.to, TO);
	assert_string_equal(v.algorithm, "ecdsa-with-SHA256");
	assert_string_equal(v.key, "prime256v1");
	assert_true(v.ours && v.suite == JZ_SUITE_NIST && !v.ca);
	assert_memory_equal(
	    v.public_key, w->leaf.public_key, sizeof(v.public_key));
	assert_string_equal(v.usage, "digitalSignature");
	assert_string_equal(v.purposes, "TLS Web Server Authentication");
	assert_string_equal(v.names,
	    "DNS:bank.example, DNS:*.pay.example, IP:192.0.2.7, "
	    "IP:2001:db8:0:0:0:0:0:1");
}

static void
test_a_user_says_who_he_is(void **state)
{
	const struct world *w = *state;
	struct jz_x509_view v;

	assert_int_equal(jz_x509_read(span(&w->user_der), &v), 0);
	assert_string_equal(v.subject, "CN=爱丽丝");
	assert_string_equal(v.usage, "digitalSignature, nonRepudiation");
	assert_string_equal(v.purposes, "E-mail Protection");
	assert_string_equal(v.names, "email:alice@bank.example");
	assert_int_equal(jz_x509_read(span(&w->root_der), &v), 0);
	assert_true(v.ca && v.path == 1);
	assert_string_equal(v.usage, "keyCertSign, cRLSign");
}

static void
test_after_2049(void **state)
{
	struct world *w = *state;
	struct jz_x509_terms t = server_terms(w);
	struct jz_x509_view v;
	struct der d;

	t.to = INT64_C(4102444800); /* 2100-01-01 */
	assert_int_equal(certify(w, &w->by_ca, &t, &d), 0);
	assert_int_equal(jz_x509_read(span(&d), &v), 0);
	assert_int_equal(v.to, t.to);
	assert_int_equal(judge(w, &d, JZ_X509_SERVER, NULL, NOW), 0);
}

/* ---- what cannot be written --------------------------------------------- */

static void
check_range(struct world *w, const struct jz_x509_terms *t)
{
	struct der d;

	assert_int_equal(certify(w, &w->by_ca, t, &d), JZ_ERR_RANGE);
	assert_int_equal(d.len, 0);
}

static void
test_terms_that_cannot_be(void **state)
{
	static const char *const HOSTS[] = {"", "a b", "bank..example",
	    ".example", "bank.example.", "*", "bank\texample", "-x", "*.*.x"};
	static const char *const MAILS[] = {
	    "", "alice", "@x", "a b@x", "a@", "alice@x..y"};
	struct world *w = *state;
	struct jz_x509_terms t = server_terms(w);
	char longer[JZ_X509_TEXT_MAX + 2];

	for (size_t i = 0; i < sizeof(HOSTS) / sizeof(HOSTS[0]); i++) {
		t = server_terms(w);
		t.dns = &HOSTS[i];
		t.n_dns = 1;
		check_range(w, &t);
		t.n_dns = 0;
		t.ip = &HOSTS[i];
		t.n_ip = 1;
		check_range(w, &t);
	}
	for (size_t i = 0; i < sizeof(MAILS) / sizeof(MAILS[0]); i++) {
		t = user_terms(w, JZ_X509_CLIENT);
		t.email = MAILS[i];
		check_range(w, &t);
	}
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	t = server_terms(w);
	t.subject.common = longer;
	check_range(w, &t);
	t.subject.common = NULL;
	check_range(w, &t);
	t.subject.common = "a\x01";
	check_range(w, &t);
	t.subject.common = "\xC3(";
	check_range(w, &t);
	t = server_terms(w);
	t.subject.country = "China";
	check_range(w, &t);
	t = server_terms(w);
	t.to = t.from;
	check_range(w, &t);
	t = server_terms(w);
	t.email = "alice@bank.example";
	check_range(w, &t);
	t = user_terms(w, JZ_X509_SIGNER);
	t.ip = IP;
	t.n_ip = 1;
	check_range(w, &t);
	t = server_terms(w);
	t.public_key[0] = 0x02;
	check_range(w, &t);
}

/* ---- chains ------------------------------------------------------------- */

/* proves: LOD-1, ALL-4 (each verifies the other; by name what is wrong) */
static void
test_a_chain(void **state)
{
	const struct world *w = *state;
	const struct der *s = &w->server_der, *u = &w->user_der;

	assert_int_equal(judge(w, s, JZ_X509_SERVER, NULL, NOW), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "bank.example", NOW), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "a.pay.example", NOW), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "192.0.2.7", NOW), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "2001:db8::1", NOW), 0);
	assert_int_equal(judge(w, u, JZ_X509_SIGNER, NULL, NOW), 0);
	assert_int_equal(judge(w, &w->ca_der, JZ_X509_CA, NULL, NOW), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, NULL, 0), 0);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, NULL, FROM), 0);
	/* The last second of all is past, by OpenSSL. */
	assert_int_equal(judge(w, s, JZ_X509_SERVER, NULL, TO - 2), 0);
}

static void
test_each_fault_of_a_chain(void **state)
{
	const struct world *w = *state;
	const struct der *s = &w->server_der, *u = &w->user_der;

	assert_int_equal(
	    judge(w, s, JZ_X509_SERVER, NULL, FROM - 1), JZ_ERR_CERT_NOT_YET);
	assert_int_equal(
	    judge(w, s, JZ_X509_SERVER, NULL, TO + 1), JZ_ERR_CERT_EXPIRED);
	assert_int_equal(
	    judge(w, s, JZ_X509_CLIENT, NULL, NOW), JZ_ERR_CERT_ROLE);
	assert_int_equal(
	    judge(w, u, JZ_X509_SERVER, NULL, NOW), JZ_ERR_CERT_ROLE);
	assert_int_equal(
	    judge(w, s, JZ_X509_SIGNER, NULL, NOW), JZ_ERR_CERT_ROLE);
	assert_int_equal(judge(w, s, JZ_X509_CA, NULL, NOW), JZ_ERR_CERT_ROLE);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "bank.example.org", NOW),
	    JZ_ERR_CERT_NAME);
	assert_int_equal(judge(w, s, JZ_X509_SERVER, "a.b.pay.example", NOW),
	    JZ_ERR_CERT_NAME);
	assert_int_equal(
	    judge(w, s, JZ_X509_SERVER, "192.0.2.8", NOW), JZ_ERR_CERT_NAME);
}

static void
test_forged_and_strange(void **state)
{
	struct world *w = *state;
	struct jz_x509_terms t = server_terms(w);
	struct jz_x509_issuer by = w->by_ca;
	struct jz_x509_trust alone = {
	    .root = span(&w->root_der), .purpose = JZ_X509_SERVER, .now = NOW};
	struct der d = w->server_der, other;

	d.bytes[d.len - 1] ^= 1;
	assert_int_equal(
	    judge(w, &d, JZ_X509_SERVER, NULL, NOW), JZ_ERR_CERT_FORGED);
	d = w->server_der;
	d.len--;
	assert_int_equal(
	    judge(w, &d, JZ_X509_SERVER, NULL, NOW), JZ_ERR_CERT_MALFORMED);
	/* The CA is not there. */
	assert_int_equal(
	    jz_x509_verify(span(&w->server_der), &alone), JZ_ERR_CERT_ISSUER);
	/* Another root of the same name. */
	by = (struct jz_x509_issuer){w->by_root.name, &w->leaf};
	t = ca_terms(&w->leaf, "root", 1);
	assert_int_equal(certify(w, &by, &t, &other), 0);
	alone.root = span(&other);
	assert_true(jz_x509_verify(span(&w->ca_der), &alone) != 0);
	/* A server is no CA: it is not even asked whether it signed. */
	t = server_terms(w);
	by.name = t.subject;
	assert_int_equal(certify(w, &by, &t, &other), 0);
	{
		const struct jz_span between[] = {
		    span(&w->ca_der), span(&w->server_der)};
		const struct jz_x509_trust by_server = {
		    .root = span(&w->root_der),
		    .between = between,
		    .n_between = 2,
		    .purpose = JZ_X509_SERVER,
		    .now = NOW};

		assert_int_equal(jz_x509_verify(span(&other), &by_server),
		    JZ_ERR_CERT_ISSUER);
	}
}

static void
test_a_revocation_list(void **state)
{
	struct world *w = *state;
	const struct jz_span between = span(&w->ca_der);
	struct jz_x509_trust by = {.root = span(&w->root_der),
	    .between = &between,
	    .n_between = 1,
	    .purpose = JZ_X509_SERVER,
	    .now = NOW};
	struct jz_x509_serial serial = {.len = 16};
	struct jz_x509_view v;
	struct der crl;
	struct jz_buffer b;

	assert_int_equal(jz_x509_read(span(&w->server_der), &v), 0);
	memcpy(serial.bytes, v.serial, serial.len);
	for (unsigned n = 0; n < 2; n++) {
		b = jz_buffer(crl.bytes, sizeof(crl.bytes));
		assert_int_equal(jz_x509_crl(&w->engine, &w->by_ca, n + 1,
				     NOW - DAY, NOW + DAY, &serial, n, &b),
		    0);
		by.crl = jz_buffer_span(&b);
		by.now = NOW;
		assert_int_equal(jz_x509_verify(span(&w->server_der), &by),
		    n == 0 ? 0 : JZ_ERR_CERT_REVOKED);
		by.purpose = JZ_X509_SIGNER;
		assert_int_equal(jz_x509_verify(span(&w->user_der), &by), 0);
		by.purpose = JZ_X509_SERVER;
	}
	by.now = NOW + 2 * DAY;
	assert_int_equal(jz_x509_verify(span(&w->user_der), &by) != 0, 1);
	by.purpose = JZ_X509_SIGNER;
	assert_int_equal(
	    jz_x509_verify(span(&w->user_der), &by), JZ_ERR_LIST_OLD);
	by.now = NOW;
	b.data[b.len - 1] ^= 1;
	assert_int_equal(
	    jz_x509_verify(span(&w->user_der), &by), JZ_ERR_SIGNATURE);
	/* Another CA's list says nothing of this one's certificates. */
	b = jz_buffer(crl.bytes, sizeof(crl.bytes));
	assert_int_equal(jz_x509_crl(&w->engine, &w->by_root, 1, NOW - DAY,
			     NOW + DAY, NULL, 0, &b),
	    0);
	by.crl = jz_buffer_span(&b);
	assert_int_equal(
	    jz_x509_verify(span(&w->user_der), &by), JZ_ERR_CERT_ISSUER);
}

/* What was written is read, dates and all; and whose it is. */
static void
test_a_list_is_read(void **state)
{
	struct world *w = *state;
	const struct jz_x509_serial revoked[2] = {
	    {.bytes = {0x41, 2, 3}, .len = 3, .at = NOW - 3 * DAY},
	    {.bytes = {0xFF}, .len = 1}};
	struct jz_x509_list l;
	struct der crl;
	struct jz_buffer b = jz_buffer(crl.bytes, sizeof(crl.bytes));
	const uint8_t *ca = w->by_ca.key->public_key;

	assert_int_equal(jz_x509_crl(&w->engine, &w->by_ca, 70000, NOW,
			     NOW + DAY, revoked, 2, &b),
	    0);
	assert_int_equal(jz_x509_crl_read(jz_buffer_span(&b), &l), 0);
	assert_int_equal(l.number, 70000);
	assert_int_equal(l.n, 2);
	assert_memory_equal(&l.revoked[0], &revoked[0], sizeof(revoked[0]));
	assert_int_equal(l.revoked[1].bytes[0], 0xFF);
	assert_int_equal(l.revoked[1].at, NOW);
	assert_int_equal(
	    jz_x509_crl_signed(&w->engine, jz_buffer_span(&b), ca), 0);
	assert_int_equal(jz_x509_crl_signed(&w->engine, jz_buffer_span(&b),
			     w->by_root.key->public_key),
	    JZ_ERR_SIGNATURE);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(jz_x509_crl_read(jz_span(b.data, len), &l),
		    JZ_ERR_CERT_MALFORMED);
	assert_int_equal(
	    jz_x509_crl_read(span(&w->root_der), &l), JZ_ERR_CERT_MALFORMED);
}

/* ---- requests ----------------------------------------------------------- */

static void
test_a_request(void **state)
{
	struct world *w = *state;
	struct jz_x509_terms t = server_terms(w);
	struct jz_x509_wish wish;
	uint8_t text[2 * JZ_X509_MAX];
	struct jz_buffer pem = jz_buffer(text, sizeof(text));
	struct der d;
	struct jz_buffer b = jz_buffer(d.bytes, sizeof(d.bytes));

	assert_int_equal(jz_x509_request(&w->engine, &w->leaf, &t, &b), 0);
	d.len = b.len;
	assert_int_equal(jz_x509_request_read(span(&d), &wish), 0);
	assert_int_equal(wish.suite, JZ_SUITE_NIST);
	assert_memory_equal(
	    wish.public_key, w->leaf.public_key, sizeof(wish.public_key));
	assert_string_equal(wish.common, "bank.example");
	assert_string_equal(wish.organisation, "Bank");
	assert_string_equal(wish.country, "CN");
	assert_int_equal(wish.n_dns, 2);
	assert_string_equal(wish.dns[1], DNS[1]);
	assert_int_equal(wish.n_ip, 2);
	assert_string_equal(wish.ip[0], IP[0]);
	assert_int_equal(
	    jz_pem_write("CERTIFICATE REQUEST", span(&d), &pem), 0);
	assert_int_equal(jz_x509_request_read(jz_buffer_span(&pem), &wish), 0);
	for (size_t i = 0; i < d.len; i++) {
		d.bytes[i] ^= 1;
		assert_int_not_equal(jz_x509_request_read(span(&d), &wish), 0);
		d.bytes[i] ^= 1;
	}
	d.len--;
	assert_int_equal(
	    jz_x509_request_read(span(&d), &wish), JZ_ERR_CERT_MALFORMED);
}

/* ---- the view of a CVC -------------------------------------------------- */

static void
test_the_view_of_a_cvc(void **state)
{
	struct world *w = *state;
	struct jz_certificate c = {.suite = JZ_SUITE_NIST,
	    .role = JZ_ROLE_CARD,
	    .from = FROM,
	    .to = TO};
	struct jz_x509_view v;
	struct der d;
	struct jz_buffer b = jz_buffer(d.bytes, sizeof(d.bytes));

	memcpy(c.authority, "CNJZISSUER00001", 15);
	memcpy(c.holder, "CN00000000100001", 16);
	memcpy(c.public_key, w->leaf.public_key, sizeof(c.public_key));
	assert_int_equal(jz_x509_of_cvc(&w->engine, &c, &w->ca, &b), 0);
	d.len = b.len;
	assert_int_equal(jz_x509_read(span(&d), &v), 0);
	assert_string_equal(v.subject, "CN=CN00000000100001,OU=card,O=jiaozi");
	assert_string_equal(v.issuer, "CN=CNJZISSUER00001,OU=CA,O=jiaozi");
	assert_true(v.from == FROM && v.to == TO && !v.ca);
	assert_memory_equal(v.public_key, c.public_key, sizeof(c.public_key));
	c.suite = JZ_SUITE_GM;
	assert_int_equal(
	    jz_x509_of_cvc(&w->engine, &c, &w->ca, &b), JZ_ERR_CERT_SUITE);
}

/* ---- conversions -------------------------------------------------------- */

/* SEC 2 2.4.2: the base point of P-256 serves as a public key. */
#define G_POINT                                                                \
	"04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"  \
	"4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
#define SPKI_HEAD "3059301306072A8648CE3D020106082A8648CE3D030107034200"

static void
test_public_keys(void **state)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC], back[JZ_PUBLIC_BYTES_EC];
	uint8_t bytes[JZ_SPKI_MAX], text[JZ_SPKI_PEM_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer pem = jz_buffer(text, sizeof(text));
	enum jz_suite suite;

	(void)state;
	fx_bytes(G_POINT, point, sizeof(point));
	assert_int_equal(jz_spki_write(JZ_SUITE_NIST, point, &b), 0);
	fx_assert_hex(b.data, b.len, SPKI_HEAD G_POINT);
	assert_int_equal(jz_spki_read(jz_buffer_span(&b), &suite, back), 0);
	assert_int_equal(suite, JZ_SUITE_NIST);
	assert_memory_equal(back, point, sizeof(point));
	assert_int_equal(
	    jz_pem_write("PUBLIC KEY", jz_buffer_span(&b), &pem), 0);
	assert_int_equal(jz_spki_read(jz_buffer_span(&pem), &suite, back), 0);
	assert_memory_equal(back, point, sizeof(point));
	/* Not a bit of it can be another one. */
	for (size_t i = 0; i < 8 * b.len; i++) {
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(
		    jz_spki_read(jz_buffer_span(&b), &suite, back), JZ_ERR_KEY);
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	point[0] = 0x03;
	assert_int_equal(jz_spki_write(JZ_SUITE_NIST, point, &b), JZ_ERR_KEY);
}

/* RFC 6979 A.2.5, P-256, SHA-256, "sample". */
#define R "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
#define S "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"

static void
test_signatures(void **state)
{
	static const char *const BAD[] = {"", "3000", "3003020101",
	    "300602010102010100", "30080201010201010500", "3006020101020101FF",
	    "3008020200010201 01", "3006028101010201", "300602018102 0101",
	    "3007020101020200 01", "3006020101030101", "3006020101020180",
	    "300502000201 01"};
	uint8_t raw[JZ_SIG_BYTES], back[JZ_SIG_BYTES];
	uint8_t bytes[JZ_DER_SIG_MAX_BYTES], memory[64];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	(void)state;
	fx_bytes(R S, raw, sizeof(raw));
	assert_int_equal(jz_signature_to_der(raw, &b), 0);
	fx_assert_hex(b.data, b.len, "3046 022100" R "022100" S);
	assert_int_equal(jz_signature_from_der(jz_buffer_span(&b), back), 0);
	assert_memory_equal(raw, back, sizeof(raw));
	memset(raw, 0, sizeof(raw));
	raw[31] = 1;
	raw[63] = 0x80;
	b.len = 0;
	assert_int_equal(jz_signature_to_der(raw, &b), 0);
	fx_assert_hex(b.data, b.len, "3007 020101 02020080");
	assert_int_equal(jz_signature_from_der(jz_buffer_span(&b), back), 0);
	assert_memory_equal(raw, back, sizeof(raw));
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(
		    jz_signature_from_der(
			fx_span(BAD[i], memory, sizeof(memory)), back),
		    JZ_ERR_SIGNATURE);
		fx_assert_zero(back, sizeof(back));
	}
}

static void
test_pem(void **state)
{
	const struct world *w = *state;
	uint8_t text[4 * JZ_X509_MAX], der[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(text, sizeof(text)), out;
	char label[JZ_PEM_LABEL_MAX];
	struct jz_span in;

	jz_put(&b, "hello\n", 6);
	assert_int_equal(
	    jz_pem_write("CERTIFICATE", span(&w->root_der), &b), 0);
	jz_put(&b, "and\n", 4);
	assert_int_equal(jz_pem_write("X509 CRL", span(&w->ca_der), &b), 0);
	in = jz_buffer_span(&b);
	out = jz_buffer(der, sizeof(der));
	assert_int_equal(jz_pem_read(&in, label, &out), 0);
	assert_string_equal(label, "CERTIFICATE");
	assert_true(jz_span_equal(jz_buffer_span(&out), span(&w->root_der)));
	out.len = 0;
	assert_int_equal(jz_pem_read(&in, label, &out), 0);
	assert_string_equal(label, "X509 CRL");
	assert_true(jz_span_equal(jz_buffer_span(&out), span(&w->ca_der)));
	assert_int_equal(jz_pem_read(&in, label, &out), JZ_ERR_NOT_FOUND);
	in = jz_span("-----BEGIN X-----\n!\n", 20);
	assert_int_equal(jz_pem_read(&in, label, &out), JZ_ERR_CERT_MALFORMED);
}

/* The other suite: chain, request and key, where this build has it. */
static void
test_the_other_suite(void **state)
{
	static struct world w;
	struct jz_x509_terms t;
	struct jz_x509_wish wish;
	struct jz_x509_view v;
	struct der d;
	struct jz_buffer b = jz_buffer(d.bytes, sizeof(d.bytes));

	(void)state;
	if (jz_openssl_new(JZ_SUITE_GM, &w.engine) != 0) {
		print_message("skipped: this build has no suite gm\n");
		skip();
	}
	w.engine.crypto->generate(w.engine.state, &w.root);
	w.engine.crypto->generate(w.engine.state, &w.ca);
	w.engine.crypto->generate(w.engine.state, &w.leaf);
	t = ca_terms(&w.root, "root", 1);
	w.by_root = (struct jz_x509_issuer){t.subject, &w.root};
	assert_int_equal(certify(&w, &w.by_root, &t, &w.root_der), 0);
	t = ca_terms(&w.ca, "CA", 0);
	w.by_ca = (struct jz_x509_issuer){t.subject, &w.ca};
	assert_int_equal(certify(&w, &w.by_root, &t, &w.ca_der), 0);
	t = server_terms(&w);
	assert_int_equal(certify(&w, &w.by_ca, &t, &w.server_der), 0);
	assert_int_equal(jz_x509_read(span(&w.server_der), &v), 0);
	assert_true(v.ours && v.suite == JZ_SUITE_GM);
	assert_string_equal(v.key, "SM2");
	assert_int_equal(
	    judge(&w, &w.server_der, JZ_X509_SERVER, "bank.example", NOW), 0);
	assert_int_equal(jz_x509_request(&w.engine, &w.leaf, &t, &b), 0);
	d.len = b.len;
	assert_int_equal(jz_x509_request_read(span(&d), &wish), 0);
	assert_int_equal(wish.suite, JZ_SUITE_GM);
	w.server_der.bytes[w.server_der.len - 1] ^= 1;
	assert_int_equal(judge(&w, &w.server_der, JZ_X509_SERVER, NULL, NOW),
	    JZ_ERR_CERT_FORGED);
	jz_openssl_free(&w.engine);
	jz_wipe(&w, sizeof(w));
}

/* proves: OFP-8 (no form in which a private key would be written) */
static void
test_no_private_key_goes_out(void **state)
{
	struct world *w = *state;
	const struct jz_key_pair *const keys[] = {&w->root, &w->ca, &w->leaf};
	const struct der *const ders[] = {
	    &w->root_der, &w->ca_der, &w->server_der, &w->user_der};

	for (size_t k = 0; k < 3; k++) {
		for (size_t d = 0; d < 4; d++)
			assert_null(memmem(ders[d]->bytes, ders[d]->len,
			    keys[k]->private_key, JZ_PRIVATE_BYTES));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_server_says_what_it_is),
	    cmocka_unit_test(test_a_user_says_who_he_is),
	    cmocka_unit_test(test_after_2049),
	    cmocka_unit_test(test_terms_that_cannot_be),
	    cmocka_unit_test(test_a_chain),
	    cmocka_unit_test(test_each_fault_of_a_chain),
	    cmocka_unit_test(test_forged_and_strange),
	    cmocka_unit_test(test_a_revocation_list),
	    cmocka_unit_test(test_a_list_is_read),
	    cmocka_unit_test(test_a_request),
	    cmocka_unit_test(test_the_view_of_a_cvc),
	    cmocka_unit_test(test_public_keys),
	    cmocka_unit_test(test_signatures),
	    cmocka_unit_test(test_pem),
	    cmocka_unit_test(test_the_other_suite),
	    cmocka_unit_test(test_no_private_key_goes_out),
	};

	return cmocka_run_group_tests_name(
	    "X.509", tests, open_world, close_world);
}
