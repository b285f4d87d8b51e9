/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's side of docs/protocol.md sections 3 to 5.
 */
#include "bank.h"
#include "gpclient.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TAG_PUBLIC    0x7F49
#define TAG_POINT     0x86
#define FIELDS_BEFORE 12 /* of FF41 in INITIALIZE's answer */
#define ROUNDS_MAX    16

/* Of every session: what is on the wire is the same in every run. */
static const uint8_t CHALLENGE[JZ_SCP03_CHALLENGE_BYTES] = {
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
/* INSTALL [for personalisation]'s data: six objects, the third the AID. */
static const uint8_t FOR_PURSE[] = {
    0, 0, 8, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0, 0, 0};

static const char ROOT_ID[] = "CNJIAOZIRT00001";
static const char CA_ID[] = "CNJIAOZICA00001";
static const char HOST_ID[] = "CNJIAOZIHO00001";

static struct jz_certificate
fields_of(const struct bank *b, enum jz_role role, const char *authority,
    const char *holder, const uint8_t *point)
{
	struct jz_certificate c;
	int64_t today = b->now - b->now % BANK_DAY;

	memset(&c, 0, sizeof(c));
	memcpy(c.authority, authority, strlen(authority));
	memcpy(c.holder, holder, strlen(holder));
	memcpy(c.public_key, point, sizeof(c.public_key));
	c.suite = b->engine.crypto->suite;
	c.role = role;
	c.assurance = JZ_ASSURANCE_TEST;
	c.generation = 1;
	c.from = today - 30 * BANK_DAY;
	c.to = today + 1000 * BANK_DAY;
	return c;
}

struct blob
bank_certify(const struct bank *b, const struct jz_certificate *c,
    const struct jz_key_pair *by)
{
	struct blob out;
	struct jz_buffer buf = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_certificate_sign(&b->engine, c, by, &buf), 0);
	out.len = buf.len;
	return out;
}

void
bank_new(struct bank *b, const struct jz_engine *e, int64_t now)
{
	struct jz_certificate root;

	memset(b, 0, sizeof(*b));
	b->engine = *e;
	b->now = now;
	assert_int_equal(e->crypto->generate(e->state, &b->root), 0);
	assert_int_equal(e->crypto->generate(e->state, &b->ca), 0);
	assert_int_equal(e->crypto->generate(e->state, &b->host), 0);
	root = fields_of(b, JZ_ROLE_ROOT, ROOT_ID, ROOT_ID, b->root.public_key);
	b->ca_fields =
	    fields_of(b, JZ_ROLE_CA, ROOT_ID, CA_ID, b->ca.public_key);
	b->host_fields =
	    fields_of(b, JZ_ROLE_HOST, CA_ID, HOST_ID, b->host.public_key);
	b->root_certificate = bank_certify(b, &root, &b->root);
	b->ca_certificate = bank_certify(b, &b->ca_fields, &b->root);
	b->host_certificate = bank_certify(b, &b->host_fields, &b->ca);
}

/* ---- revocation --------------------------------------------------------- */

struct blob
bank_revoke(const struct bank *b, uint32_t version, uint16_t generation,
    const char *const *ids)
{
	uint8_t revoked[JZ_REVOCATION_MAX * JZ_ID_BYTES];
	struct jz_message m = {0};
	struct blob out;
	struct jz_buffer buf = jz_buffer(out.data, sizeof(out.data));
	size_t n = 0;

	for (; ids != NULL && ids[n] != NULL; n++) {
		assert_true(n < JZ_REVOCATION_MAX);
		memcpy(revoked + n * JZ_ID_BYTES, ids[n], JZ_ID_BYTES);
	}
	m.list_version = version;
	m.generation = generation;
	m.payment.time = b->now;
	m.revoked = jz_span(revoked, n * JZ_ID_BYTES);
	assert_int_equal(jz_revocation_sign(
			     &b->engine, &m, b->ca_fields.holder, &b->ca, &buf),
	    0);
	out.len = buf.len;
	return out;
}

void
bank_roll(struct bank *b, unsigned number)
{
	const struct jz_crypto *c = b->engine.crypto;

	assert_true(number >= 2 && number <= 9);
	assert_int_equal(c->generate(b->engine.state, &b->ca), 0);
	assert_int_equal(c->generate(b->engine.state, &b->host), 0);
	b->ca_fields.holder[14] = (uint8_t)('0' + number);
	memcpy(b->ca_fields.public_key, b->ca.public_key, JZ_POINT_BYTES);
	b->host_fields.holder[14] = (uint8_t)('0' + number);
	memcpy(b->host_fields.public_key, b->host.public_key, JZ_POINT_BYTES);
	memcpy(
	    b->host_fields.authority, b->ca_fields.holder, JZ_REFERENCE_BYTES);
	b->ca_certificate = bank_certify(b, &b->ca_fields, &b->root);
	b->host_certificate = bank_certify(b, &b->host_fields, &b->ca);
}

/* ---- personalisation ---------------------------------------------------- */

struct profile
profile_of(const char *id)
{
	return (struct profile){
	    .id = id,
	    .pin = "123456",
	    .pin_limit = 3,
	    .currency = BANK_CURRENCY,
	    .max_balance = 1000000,
	    .max_single = 500000,
	    .pin_above = 10000,
	    .max_offline_sum = 1000000,
	    .max_offline_count = 100,
	    .assurance = JZ_ASSURANCE_TEST,
	};
}

struct jz_certificate
bank_card_fields(const struct bank *b, const struct profile *p,
    const uint8_t point[static JZ_POINT_BYTES])
{
	struct jz_certificate c =
	    fields_of(b, JZ_ROLE_CARD, CA_ID, p->id, point);

	memcpy(c.authority, b->ca_fields.holder, JZ_REFERENCE_BYTES);
	c.flags = p->flags;
	c.assurance = p->assurance;
	if (p->from != 0)
		c.from = p->from;
	if (p->to != 0)
		c.to = p->to;
	return c;
}

struct blob
bank_encode(const struct jz_message *m)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_message_encode(m, JZ_SIGNED, &b), 0);
	out.len = b.len;
	return out;
}

struct blob
bank_parameters(const struct profile *p)
{
	static const char account[] = "6222020000000001234";
	uint8_t pin[JZ_PIN_BYTES_MAX];
	size_t n = strlen(p->pin) / 2;
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_PERSONALISATION;
	memset(m.asn, 0x62, sizeof(m.asn));
	m.payment.currency = p->currency;
	m.max_balance = p->max_balance;
	m.max_single = p->max_single;
	m.max_offline_sum = p->max_offline_sum;
	m.max_offline_count = p->max_offline_count;
	m.pin_above = p->pin_above;
	m.pin_sum = p->pin_sum;
	m.pin_count = p->pin_count;
	m.payer_level = (uint8_t)p->payer_level;
	m.payer_cap = p->payer_cap;
	m.profile = (uint8_t)p->profile;
	m.confirm = p->confirm;
	if (p->load_key != NULL)
		memcpy(m.payee_key, p->load_key, sizeof(m.payee_key));
	m.account = jz_span(account, sizeof(account) - 1);
	m.identity = jz_span(p->id, strlen(p->id));
	assert_true(n <= sizeof(pin));
	for (size_t i = 0; i < n; i++)
		pin[i] = (uint8_t)((p->pin[2 * i] - '0') << 4 |
		    (p->pin[2 * i + 1] - '0'));
	m.pin = jz_span(pin, n);
	m.pin_limit = p->pin_limit;
	return bank_encode(&m);
}

uint16_t
bank_begin(const struct bank *b, const struct port *card, struct gp *g)
{
	struct jz_scp03_keys keys = gp_test_keys();
	uint16_t sw;

	*g = (struct gp){.port = card, .engine = b->engine, .domain = GP_ISD};
	memcpy(g->host_challenge, CHALLENGE, sizeof(g->host_challenge));
	if ((sw = gp_select(g, &GP_ISD, NULL)) != JZ_SW_OK ||
	    (sw = gp_begin(g, JZ_GP_KVN_INITIAL, &keys)) != JZ_SW_OK ||
	    (sw = gp_authenticate(g, GP_LEVEL_ALL)) != JZ_SW_OK)
		return sw;
	return gp_send(g, GP_AT_INSTALL(JZ_GP_FOR_PERSONALISATION),
	    jz_span(FOR_PURSE, sizeof(FOR_PURSE)), NULL);
}

uint16_t
bank_generate(struct gp *g, uint8_t block, uint8_t point[static JZ_POINT_BYTES])
{
	static const uint8_t make[] = {0x7F, 0x49, 0x00};
	struct jz_cursor c;
	struct jz_span key;
	struct answer a;
	uint16_t sw;

	sw =
	    gp_send(g, GP_AT_STORE(JZ_GP_STORE_TLV | JZ_GP_STORE_ANSWER, block),
		jz_span(make, sizeof(make)), &a);
	if (sw != JZ_SW_OK)
		return sw;
	c = jz_cursor(answer_span(&a));
	assert_int_equal(jz_tlv_expect(&c, TAG_PUBLIC, &key), 0);
	assert_true(jz_cursor_end(&c));
	c = jz_cursor(key);
	assert_int_equal(
	    jz_tlv_expect_bytes(&c, TAG_POINT, point, JZ_POINT_BYTES), 0);
	assert_true(jz_cursor_end(&c));
	return sw;
}

uint16_t
bank_store(struct gp *g, uint8_t block, const struct blob *object, bool last)
{
	unsigned p1 = JZ_GP_STORE_TLV | (last ? JZ_GP_STORE_LAST : 0u);

	return gp_send(g, GP_AT_STORE(p1, block), blob_span(object), NULL);
}

uint16_t
bank_personalise(
    const struct bank *b, const struct port *card, const struct profile *p)
{
	uint8_t point[JZ_POINT_BYTES];
	struct blob own, parameters = bank_parameters(p);
	struct jz_certificate fields;
	struct gp g;
	uint16_t sw;

	if ((sw = bank_begin(b, card, &g)) != JZ_SW_OK ||
	    (sw = bank_generate(&g, 0, point)) != JZ_SW_OK)
		return sw;
	fields = bank_card_fields(b, p, point);
	own = bank_certify(b, &fields, &b->ca);
	const struct blob *const objects[] = {&b->root_certificate,
	    &b->ca_certificate, &b->host_certificate, &own, &parameters};

	for (uint8_t i = 0; i < 5 && sw == JZ_SW_OK; i++)
		sw = bank_store(&g, i + 1, objects[i], i == 4);
	return sw != JZ_SW_OK ? sw : port_select(card);
}

/* ---- load --------------------------------------------------------------- */

static void
card_key(const struct bank *b, const struct port *card,
    uint8_t point[static JZ_POINT_BYTES])
{
	struct jz_certificate c;
	struct answer a;

	assert_int_equal(
	    port_send(card, AT_CERTIFICATE, jz_span(NULL, 0), &a), JZ_SW_OK);
	assert_int_equal(
	    jz_certificate_parse(answer_span(&a), b->engine.crypto, &c), 0);
	memcpy(point, c.public_key, JZ_POINT_BYTES);
}

static struct jz_message
read_request(const struct bank *b, const struct port *card, enum jz_kind kind,
    const struct answer *initialized, uint8_t digest[static JZ_DIGEST_BYTES])
{
	uint8_t point[JZ_POINT_BYTES];
	struct jz_message m;

	card_key(b, card, point);
	assert_true(initialized->len > FIELDS_BEFORE);
	assert_int_equal(
	    jz_message_decode(jz_span(initialized->data + FIELDS_BEFORE,
				  initialized->len - FIELDS_BEFORE),
		kind, &m),
	    0);
	assert_int_equal(jz_message_verify(&b->engine, &m, point), 0);
	assert_int_equal(jz_message_digest(&b->engine, &m, digest), 0);
	return m;
}

struct jz_message
bank_read_load_request(const struct bank *b, const struct port *card,
    const struct answer *initialized, uint8_t digest[static JZ_DIGEST_BYTES])
{
	return read_request(b, card, JZ_KIND_LOAD_REQUEST, initialized, digest);
}

struct jz_message
bank_read_unload_request(const struct bank *b, const struct port *card,
    const struct answer *initialized, uint8_t digest[static JZ_DIGEST_BYTES])
{
	return read_request(
	    b, card, JZ_KIND_UNLOAD_REQUEST, initialized, digest);
}

struct jz_message
bank_permission(const struct bank *b, const struct jz_message *request,
    const uint8_t digest[static JZ_DIGEST_BYTES])
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = request->kind == JZ_KIND_UNLOAD_REQUEST
	    ? JZ_KIND_UNLOAD_PERMISSION
	    : JZ_KIND_LOAD_PERMISSION;
	memcpy(m.card_id, request->card_id, sizeof(m.card_id));
	m.online_counter = request->online_counter;
	memcpy(m.payment.request_digest, digest, JZ_DIGEST_BYTES);
	m.payment.amount = request->payment.amount;
	m.payment.currency = request->payment.currency;
	m.payment.time = b->now;
	memcpy(m.host_id, b->host_fields.holder, sizeof(m.host_id));
	return m;
}

struct blob
bank_sign(const struct bank *b, struct jz_message *m)
{
	assert_int_equal(jz_message_sign(&b->engine, m, &b->host), 0);
	return bank_encode(m);
}

struct jz_message
bank_acknowledged(const struct bank *b, const struct jz_message *proof)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_UNLOAD_ACKNOWLEDGED;
	memcpy(m.card_id, proof->card_id, sizeof(m.card_id));
	m.online_counter = proof->online_counter;
	assert_int_equal(
	    jz_message_digest(&b->engine, proof, m.completion_digest), 0);
	memcpy(m.host_id, b->host_fields.holder, sizeof(m.host_id));
	return m;
}

struct blob
bank_credit_data(int64_t time, const struct blob *permission)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));
	uint8_t bcd[JZ_TIME_BYTES];

	jz_time_to_bcd(time, bcd);
	jz_put(&b, bcd, sizeof(bcd));
	jz_put(&b, permission->data, permission->len);
	assert_false(b.bad);
	out.len = b.len;
	return out;
}

uint16_t
bank_load(const struct bank *b, const struct port *card, const char *pin,
    uint32_t amount)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data = load_of(amount);
	struct jz_message m;
	struct answer a;
	uint16_t sw;

	if ((sw = port_verify(card, pin)) != JZ_SW_OK ||
	    (sw = port_send(card, AT_INITIALIZE, blob_span(&data), &a)) !=
		JZ_SW_OK)
		return sw;
	m = bank_read_load_request(b, card, &a, digest);
	m = bank_permission(b, &m, digest);
	data = bank_sign(b, &m);
	data = bank_credit_data(m.payment.time, &data);
	return port_send(card, AT_CREDIT_LOAD, blob_span(&data), NULL);
}

/* ---- settlement --------------------------------------------------------- */

struct jz_message
bank_challenge(struct bank *b)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_CHALLENGE;
	memcpy(m.host_id, b->host_fields.holder, sizeof(m.host_id));
	jz_set_be(m.host_nonce, 4, ++b->nonces);
	return m;
}

struct jz_message
bank_confirmed(const struct bank *b, const struct jz_message *sign_in)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_SIGN_IN_CONFIRMED;
	memcpy(m.card_id, sign_in->card_id, sizeof(m.card_id));
	memcpy(m.nonce, sign_in->nonce, sizeof(m.nonce));
	memcpy(m.host_nonce, sign_in->host_nonce, sizeof(m.host_nonce));
	m.payment.time = b->now;
	memcpy(m.host_id, b->host_fields.holder, sizeof(m.host_id));
	return m;
}

struct jz_message
bank_processed(const struct bank *b, const struct jz_message *batch)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_PROCESSED;
	memcpy(m.card_id, batch->card_id, sizeof(m.card_id));
	memcpy(m.host_nonce, batch->host_nonce, sizeof(m.host_nonce));
	m.record = batch->record;
	m.count = batch->count;
	memcpy(m.host_id, b->host_fields.holder, sizeof(m.host_id));
	assert_int_equal(
	    jz_message_digest(&b->engine, batch, m.completion_digest), 0);
	return m;
}

uint16_t
bank_sign_in(struct bank *b, const struct port *card)
{
	struct jz_message m = bank_challenge(b);
	uint8_t point[JZ_POINT_BYTES];
	struct blob data = bank_encode(&m);
	struct answer a;
	uint16_t sw;

	card_key(b, card, point);
	if ((sw = port_send(card, AT_SETTLE(1), jz_span(NULL, 0), &a)) !=
		JZ_SW_OK ||
	    (sw = port_send(card, AT_SETTLE(2), blob_span(&data), &a)) !=
		JZ_SW_OK)
		return sw;
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_SIGN_IN, &m), 0);
	assert_int_equal(jz_message_verify(&b->engine, &m, point), 0);
	m = bank_confirmed(b, &m);
	data = bank_sign(b, &m);
	return port_send(card, AT_SETTLE(3), blob_span(&data), NULL);
}

uint16_t
bank_settle(struct bank *b, const struct port *card, uint32_t *n)
{
	uint16_t sw = bank_sign_in(b, card);
	struct jz_message m;
	struct blob data;
	struct answer a;

	*n = 0;
	for (unsigned i = 0; i < ROUNDS_MAX && sw == JZ_SW_OK; i++) {
		sw = port_send(card, AT_SETTLE(4), jz_span(NULL, 0), &a);
		if (sw == JZ_SW_RECORD)
			return JZ_SW_OK;
		if (sw != JZ_SW_OK)
			break;
		assert_int_equal(
		    jz_message_decode(answer_span(&a), JZ_KIND_BATCH, &m), 0);
		*n += m.count;
		m = bank_processed(b, &m);
		data = bank_sign(b, &m);
		sw = port_send(card, AT_SETTLE(5), blob_span(&data), NULL);
	}
	return sw;
}
