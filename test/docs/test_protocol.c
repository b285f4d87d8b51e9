/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/protocol.md against the code: its examples are one run of two cards and
 * an issuer whose randomness follows from a seed, carried out again here and
 * compared byte for byte; its table of messages is compared with the table
 * that encodes them.
 *
 *   test_protocol             checks ../docs/protocol.md (JIAOZI_SOURCE names
 *                             the source folder, default ".")
 *   test_protocol --write     writes the examples into it
 */
#include "../support/gpclient.h"
#include "../support/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/apdu.h"
#include "../../apdu/tlv.h"
#include "../../keys/openssl/openssl.h"

#define PAGE	    "docs/protocol.md"
#define COMMAND_MAX 2048
#define EXTENDED_LE 65536u

struct story {
	struct rig rig;
	struct rig_card *alice, *bob; /* A pays B */
	struct profile alice_profile, bob_profile;
	struct page *page;
};

/* One command in extended form, which must succeed. */
static struct answer
send(struct port *p, uint32_t header, struct jz_span data)
{
	uint8_t memory[COMMAND_MAX];
	struct jz_buffer b = jz_buffer(memory, sizeof(memory));
	struct jz_command c = {.extended = true, .has_le = true};
	static struct answer a;

	c.cla = (uint8_t)(header >> 24);
	c.ins = (uint8_t)(header >> 16);
	c.p1 = (uint8_t)(header >> 8);
	c.p2 = (uint8_t)header;
	c.data = data;
	c.ne = EXTENDED_LE;
	assert_int_equal(jz_command_build(&c, &b), 0);
	assert_int_equal(port_raw(p, jz_buffer_span(&b), &a), JZ_SW_OK);
	return a;
}

static struct jz_span
nothing(void)
{
	return jz_span(NULL, 0);
}

/* ---- the run ------------------------------------------------------------ */

static void
make_cards(struct story *s)
{
	static const uint8_t seed[JZ_SEED_BYTES] = "the worked examples";

	assert_int_equal(
	    jz_openssl_new_seeded(JZ_SUITE_NIST, seed, &s->rig.openssl), 0);
	assert_int_equal(memo_new(&s->rig.openssl, &s->rig.memo), 0);
	s->rig.engine = memo_engine(s->rig.memo);
	bank_new(&s->rig.bank, &s->rig.engine, RIG_NOW);
	s->alice = rig_empty_purse_new(&s->rig, false);
	s->bob = rig_empty_purse_new(&s->rig, false);
	s->alice_profile = profile_of("CN00000000100001");
	s->bob_profile = profile_of("CN00000000200001");
}

static void
free_cards(struct story *s)
{
	rig_card_free(&s->alice);
	rig_card_free(&s->bob);
	rig_free(&s->rig);
}

/* One command of a secure channel, in clear, with what the channel's own port
 * writes down between. */
static void
in_channel(
    struct story *s, struct gp *g, uint32_t header, const struct blob *data)
{
	uint8_t memory[COMMAND_MAX];
	struct jz_buffer b = jz_buffer(memory, sizeof(memory));
	struct answer a;

	jz_put_u32(&b, header);
	jz_put_u8(&b, (uint8_t)data->len);
	jz_put(&b, data->data, data->len);
	jz_put_u8(&b, 0);
	page_bytes(s->page, "= ", jz_buffer_span(&b));
	assert_int_equal(gp_send(g, header, blob_span(data), &a), JZ_SW_OK);
	b = jz_buffer(memory, sizeof(memory));
	jz_put(&b, a.data, a.len);
	jz_put_u16(&b, a.sw);
	page_bytes(s->page, "= ", jz_buffer_span(&b));
}

static void
store_objects(struct story *s, struct gp *g)
{
	const struct bank *b = &s->rig.bank;
	struct jz_certificate fields = bank_card_fields(
	    b, &s->alice_profile, rig_purse(s->alice)->key.public_key);
	struct blob own = bank_certify(b, &fields, &b->ca);
	struct blob parameters = bank_parameters(&s->alice_profile);
	const struct blob *const objects[] = {&b->root_certificate,
	    &b->ca_certificate, &b->host_certificate, &own, &parameters};

	page_begin(s->page, "store-data");
	for (unsigned i = 0; i < 4; i++)
		in_channel(
		    s, g, GP_AT_STORE(JZ_GP_STORE_TLV, i + 1), objects[i]);
	in_channel(s, g, GP_AT_STORE(JZ_GP_STORE_TLV | JZ_GP_STORE_LAST, 5),
	    objects[4]);
}

static void
personalise(struct story *s, struct port *a)
{
	static const struct blob make = {3, {0x7F, 0x49, 0x00}};
	const struct bank *b = &s->rig.bank;
	struct gp g;

	page_begin(s->page, "select");
	assert_int_equal(port_select(a), JZ_SW_OK);
	page_begin(s->page, "secure-channel");
	assert_int_equal(bank_begin(b, a, &g), JZ_SW_OK);
	page_begin(s->page, "generate-key");
	in_channel(
	    s, &g, GP_AT_STORE(JZ_GP_STORE_TLV | JZ_GP_STORE_ANSWER, 0), &make);
	g.port = &s->alice->port;
	store_objects(s, &g);
	assert_int_equal(port_select(&s->alice->port), JZ_SW_OK);
	page_begin(s->page, "read-key");
	port_send(a, AT_READ_KEY, nothing(), NULL);
	assert_int_equal(
	    bank_personalise(b, &s->bob->port, &s->bob_profile), JZ_SW_OK);
}

static void
load(struct story *s, struct port *a)
{
	const struct bank *b = &s->rig.bank;
	struct blob data = load_of(10000), permission;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message request, m;
	struct answer answer;

	page_begin(s->page, "verify");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	page_begin(s->page, "initialize-for-load");
	answer = send(a, AT_INITIALIZE, blob_span(&data));
	request = bank_read_load_request(b, &s->alice->port, &answer, digest);
	m = bank_permission(b, &request, digest);
	permission = bank_sign(b, &m);
	data = bank_credit_data(m.payment.time, &permission);
	page_begin(s->page, "credit-for-load");
	send(a, AT_CREDIT_LOAD, blob_span(&data));
	page_begin(s->page, "cancel-load");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	data = load_of(500);
	send(a, AT_INITIALIZE, blob_span(&data));
	send(a, AT_CANCEL, nothing());
	page_begin(s->page, "balance");
	assert_int_equal(port_balance(a), 10000);
}

/* Under which keys, and as what, the answer of a step is sealed. */
static const enum jz_kind STEP_KINDS[STEPS] = {JZ_KIND_REQUEST,
    JZ_KIND_AGREEMENT, JZ_KIND_CONFIRMATION, JZ_KIND_COMPLETION,
    JZ_KIND_RECEIPT, 0};

/* Writes the clear message, which no capture shows. */
static void
put_clear(struct story *s, const struct jz_working_keys *keys, enum step i,
    struct jz_span sealed)
{
	bool to_payer =
	    i == STEP_REQUEST || i == STEP_CONFIRM || i == STEP_CREDIT;
	uint8_t plain[JZ_MESSAGE_MAX], clear[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(clear, sizeof(clear));
	struct jz_message m;
	struct jz_sealed env;

	assert_int_equal(jz_sealed_parse(sealed, &env), 0);
	assert_int_equal(
	    jz_message_open(&s->rig.engine, &env, STEP_KINDS[i],
		to_payer ? keys->to_payer : keys->to_payee, plain, &m),
	    0);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	page_bytes(s->page, "clear = ", jz_buffer_span(&b));
}

/* Writes what step i tells beyond its bytes. */
static void
put_hidden(struct story *s, enum step i, const struct payment *pay)
{
	const struct purse_nvm *a = rig_purse(s->alice);
	const struct purse_nvm *b = rig_purse(s->bob);
	static struct jz_working_keys keys;

	if (i == STEP_REQUEST)
		page_bytes(s->page, "private key of field 88 = ",
		    jz_span(
			b->request.ephemeral.private_key, JZ_PRIVATE_BYTES));
	if (i == STEP_AGREE) {
		keys = a->agreement.keys;
		page_bytes(s->page, "key to the payer = ",
		    jz_span(keys.to_payer, JZ_KEY_BYTES));
		page_bytes(s->page, "key to the payee = ",
		    jz_span(keys.to_payee, JZ_KEY_BYTES));
	}
	if (i >= STEP_AGREE && i <= STEP_CREDIT)
		put_clear(s, &keys, i, blob_span(&pay->message[i]));
}

static const char *const STEP_NAMES[STEPS] = {
    "request", "agree", "confirm", "complete", "credit", "acknowledge"};

static void
pay(struct story *s, struct port *a, struct port *b)
{
	struct payment pay = payment_of(b, a, 2500, RIG_NOW);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob fetch;

	for (enum step i = STEP_REQUEST; i < STEPS; i++) {
		struct answer answer;
		struct port *card = payment_card(&pay, i) == a ? a : b;

		if (i == STEP_ACKNOWLEDGE) {
			page_begin(s->page, "fetch");
			payment_digest(&pay, digest);
			fetch = fetch_of(digest);
			send(a, AT_FETCH, blob_span(&fetch));
		}
		page_begin(s->page, STEP_NAMES[i]);
		answer = send(card, payment_header(i), payment_data(&pay, i));
		blob_set(&pay.message[i], answer_span(&answer));
		put_hidden(s, i, &pay);
		pay.next = i + 1;
	}
}

static void
read_out(struct story *s, struct port *a)
{
	page_begin(s->page, "get-data");
	send(a, AT_CERTIFICATE, nothing());
	send(a, AT_ASN, nothing());
	send(a, AT_INFO, nothing());
	send(a, AT_PUBLIC, nothing());
	page_begin(s->page, "read-record");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	send(a, AT_READ_LOG(1), nothing());
	send(a, AT_READ_LOG(2), nothing());
}

static void
settle(struct story *s, const char *name, struct port *a)
{
	struct bank *b = &s->rig.bank;
	struct jz_message m, in;
	struct blob data;
	struct answer answer;

	page_begin(s->page, name);
	send(a, AT_SETTLE(1), nothing());
	m = bank_challenge(b);
	data = bank_encode(&m);
	answer = send(a, AT_SETTLE(2), blob_span(&data));
	assert_int_equal(
	    jz_message_decode(answer_span(&answer), JZ_KIND_SIGN_IN, &in), 0);
	m = bank_confirmed(b, &in);
	data = bank_sign(b, &m);
	send(a, AT_SETTLE(3), blob_span(&data));
	answer = send(a, AT_SETTLE(4), nothing());
	assert_int_equal(
	    jz_message_decode(answer_span(&answer), JZ_KIND_BATCH, &in), 0);
	m = bank_processed(b, &in);
	data = bank_sign(b, &m);
	send(a, AT_SETTLE(5), blob_span(&data));
}

static void
revoke(struct story *s, struct port *a)
{
	static const char *const ids[] = {
	    "CN00000000700001", "CN00000000800002", NULL};
	struct blob list = bank_revoke(&s->rig.bank, 1, 1, ids);

	page_begin(s->page, "put-list");
	send(a, AT_PUT_LIST, blob_span(&list));
	send(a, AT_LIST, nothing());
}

/* Two payments that stop after the confirmation: the one is proved not to be
 * paid, the other given up. */
static void
stop(struct story *s, struct port *a, struct port *b)
{
	struct payment pay =
	    payment_of(&s->bob->port, &s->alice->port, 300, RIG_NOW);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data, proof;
	struct answer answer;
	struct jz_message m;

	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	page_begin(s->page, "fetch-unfinished");
	assert_int_equal(port_verify(b, "123456"), JZ_SW_OK);
	answer = send(b, AT_PENDING(0), nothing());
	assert_int_equal(
	    jz_message_decode(answer_span(&answer), JZ_KIND_UNFINISHED, &m), 0);
	page_begin(s->page, "prove");
	data = question_of(&m.payment);
	answer = send(a, AT_PROVE, blob_span(&data));
	blob_set(&proof, answer_span(&answer));
	page_begin(s->page, "drop");
	send(b, AT_DROP, blob_span(&proof));
	pay = payment_of(&s->bob->port, &s->alice->port, 300, RIG_NOW);
	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	payment_digest(&pay, digest);
	data = fetch_of(digest);
	page_begin(s->page, "abandon");
	send(b, AT_CLAIM, blob_span(&data));
}

/* A certificate that is kept, and a record whole. */
static void
keep(struct story *s, struct port *a)
{
	struct answer certificate;
	struct port *b = &s->bob->port;
	uint8_t bytes[2 + JZ_ID_BYTES];
	struct jz_buffer id = jz_buffer(bytes, sizeof(bytes));

	port_send(b, AT_CERTIFICATE, nothing(), &certificate);
	jz_tlv_put(&id, JZ_TAG_CARD_ID, rig_purse(s->bob)->id, JZ_ID_BYTES);
	page_begin(s->page, "peers");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	send(a, AT_PEER(JZ_PEER_PUT), answer_span(&certificate));
	send(a, AT_PEER(JZ_PEER_LIST), nothing());
	send(a, AT_PEER(JZ_PEER_REMOVE), jz_buffer_span(&id));
	page_begin(s->page, "fetch-record");
	send(a, AT_RECORD(1), nothing());
}

/* The encrypted profile, up to the agreement. */
static void
seal(struct story *s)
{
	struct profile cp = profile_of("CN00000000500001");
	struct profile dp = profile_of("CN00000000600001");
	struct rig_card *card[2];
	struct page_recorder rc, rd;
	struct port c, d;
	struct payment pay;
	struct answer a;

	cp.profile = dp.profile = JZ_PROFILE_ENCRYPTED;
	card[0] = rig_purse_new(&s->rig, &cp);
	card[1] = rig_purse_new(&s->rig, &dp);
	assert_int_equal(
	    bank_load(&s->rig.bank, &card[0]->port, "123456", 1000), JZ_SW_OK);
	rc = (struct page_recorder){s->page, &card[0]->port, "C> ", "C< "};
	rd = (struct page_recorder){s->page, &card[1]->port, "D> ", "D< "};
	c = page_port(&rc);
	d = page_port(&rd);
	pay = payment_of(&d, &c, 700, RIG_NOW);
	page_begin(s->page, "hello");
	a = send(&c, AT_HELLO, nothing());
	memcpy(pay.terms.data + pay.terms.len, a.data, a.len);
	pay.terms.len += a.len;
	page_begin(s->page, "sealed-request");
	a = send(&d, AT_REQUEST, blob_span(&pay.terms));
	page_bytes(s->page, "key to the payer = ",
	    jz_span(rig_purse(card[1])->answer.keys.to_payer, JZ_KEY_BYTES));
	page_bytes(s->page, "key to the payee = ",
	    jz_span(rig_purse(card[1])->answer.keys.to_payee, JZ_KEY_BYTES));
	put_clear(
	    s, &rig_purse(card[1])->answer.keys, STEP_REQUEST, answer_span(&a));
	a = send(&c, AT_AGREE, answer_span(&a));
	put_clear(s, &rig_purse(card[0])->agreement.keys, STEP_AGREE,
	    answer_span(&a));
	rig_card_free(&card[0]);
	rig_card_free(&card[1]);
}

static void
unload(struct story *s, struct port *a)
{
	static const uint8_t serial[] = {0, 3};
	const struct bank *b = &s->rig.bank;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data = load_of(4000);
	struct jz_message m;
	struct answer answer;

	page_begin(s->page, "unload");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	answer = send(a, AT_UNLOAD, blob_span(&data));
	m = bank_read_unload_request(b, &s->alice->port, &answer, digest);
	m = bank_permission(b, &m, digest);
	data = bank_sign(b, &m);
	data = bank_credit_data(m.payment.time, &data);
	send(a, AT_DEBIT, blob_span(&data));
	answer = send(a, AT_FETCH_UNLOAD, nothing());
	assert_int_equal(
	    jz_message_decode(answer_span(&answer), JZ_KIND_UNLOAD_PROOF, &m),
	    0);
	m = bank_acknowledged(b, &m);
	data = bank_sign(b, &m);
	send(a, AT_DEBITED, blob_span(&data));
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	send(a, AT_SERIAL(JZ_TYPE_UNLOAD), jz_span(serial, sizeof(serial)));
}

static void
identify(struct story *s, struct port *a, struct port *b)
{
	struct blob data = {JZ_ID_BYTES, {0}};
	struct answer answer;

	page_begin(s->page, "pair");
	assert_int_equal(port_verify(a, "123456"), JZ_SW_OK);
	memcpy(data.data, s->bob_profile.id, JZ_ID_BYTES);
	send(a, AT_PAIR(JZ_PAIR_ADD), blob_span(&data));
	answer = send(a, AT_PAIR(JZ_PAIR_CHALLENGE), nothing());
	data.len = JZ_NONCE_BYTES + JZ_ID_BYTES;
	memcpy(data.data, answer.data, JZ_NONCE_BYTES);
	memcpy(data.data + JZ_NONCE_BYTES, s->alice_profile.id, JZ_ID_BYTES);
	answer = send(b, AT_PAIR(JZ_PAIR_IDENTIFY), blob_span(&data));
	send(a, AT_PAIR(JZ_PAIR_VERIFY), answer_span(&answer));
}

static struct story *
tell(void)
{
	struct story *s = calloc(1, sizeof(*s));
	struct page_recorder ra, rb;
	struct port a, b;

	assert_non_null(s);
	s->page = page_new();
	make_cards(s);
	ra = (struct page_recorder){s->page, &s->alice->port, "A> ", "A< "};
	rb = (struct page_recorder){s->page, &s->bob->port, "B> ", "B< "};
	a = page_port(&ra);
	b = page_port(&rb);
	personalise(s, &a);
	load(s, &a);
	pay(s, &a, &b);
	read_out(s, &a);
	settle(s, "settle", &a);
	settle(s, "settle-payee", &b);
	revoke(s, &a);
	stop(s, &a, &b);
	unload(s, &a);
	identify(s, &a, &b);
	keep(s, &a);
	seal(s);
	free_cards(s);
	return s;
}

static void
forget(struct story *s)
{
	page_free(&s->page);
	free(s);
}

/* ---- the page ----------------------------------------------------------- */

/* proves: LOD-4, LOD-5, LOD-6, OFP-1, OFP-2, OFP-3, OFP-4, OFP-5, OFP-6 (the
 * documented bytes of each message are the bytes that the cards exchange). */
static void
examples_are_the_code(void **state)
{
	struct story *s = tell();

	(void)state;
	page_check(s->page, PAGE);
	forget(s);
}

static void
every_example_is_run(void **state)
{
	struct story *s = tell();

	(void)state;
	page_check_marks(s->page, PAGE);
	forget(s);
}

/* ---- the table of messages ---------------------------------------------- */

#define PAYMENT_DATA "payment data"

static const uint32_t PAYMENT_TAGS[] = {
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x8A, 0x8B};

struct row {
	const char *at; /* in the page's cell */
	unsigned in_payment;
};

/* The next tag that the page's cell names, 0 at its end. */
static uint32_t
next_tag(struct row *r)
{
	char *end;
	unsigned long tag;

	if (r->in_payment > 0) {
		uint32_t t = PAYMENT_TAGS[9 - r->in_payment];

		r->in_payment--;
		return t;
	}
	while (*r->at == ' ' || *r->at == ',' || *r->at == '[')
		r->at++;
	if (*r->at == '|' || *r->at == '\0')
		return 0;
	if (strncmp(r->at, PAYMENT_DATA, strlen(PAYMENT_DATA)) == 0) {
		r->at += strlen(PAYMENT_DATA);
		r->in_payment = 8;
		return PAYMENT_TAGS[0];
	}
	tag = strtoul(r->at, &end, 16);
	assert_true(end > r->at);
	r->at = end + strcspn(end, ",|");
	return (uint32_t)tag;
}

static void
check_field(const struct jz_field *f, void *arg)
{
	assert_int_equal(next_tag(arg), f->tag);
}

static void
table_is_the_code(void **state)
{
	static const enum jz_kind kinds[] = {JZ_KIND_REQUEST, JZ_KIND_AGREEMENT,
	    JZ_KIND_CONFIRMATION, JZ_KIND_COMPLETION, JZ_KIND_RECEIPT,
	    JZ_KIND_NOT_PAID, JZ_KIND_EXCEPTION, JZ_KIND_RECORD_EXCEPTION,
	    JZ_KIND_UNFINISHED, JZ_KIND_IDENTIFICATION, JZ_KIND_SEALED,
	    JZ_KIND_LOAD_REQUEST, JZ_KIND_LOAD_PERMISSION, JZ_KIND_LOAD_REPORT,
	    JZ_KIND_LOAD_CANCEL, JZ_KIND_UNLOAD_REQUEST,
	    JZ_KIND_UNLOAD_PERMISSION, JZ_KIND_UNLOAD_PROOF,
	    JZ_KIND_UNLOAD_ACKNOWLEDGED, JZ_KIND_RECORD_UNLOAD,
	    JZ_KIND_ONLINE_SEALED, JZ_KIND_SIGN_IN_REQUEST, JZ_KIND_CHALLENGE,
	    JZ_KIND_SIGN_IN, JZ_KIND_SIGN_IN_CONFIRMED, JZ_KIND_BATCH,
	    JZ_KIND_RECORD_PAID, JZ_KIND_RECORD_RECEIVED, JZ_KIND_RECORD_LOAD,
	    JZ_KIND_PROCESSED, JZ_KIND_PURSE_INFO, JZ_KIND_PERSONALISATION,
	    JZ_KIND_REVOCATION};
	char *doc = page_read(PAGE);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char head[16];
		struct row r = {NULL, 0};

		snprintf(head, sizeof(head), "\n| %04X |", kinds[i]);
		r.at = strstr(doc, head);
		if (r.at == NULL)
			fail_msg("no row for %04X", kinds[i]);
		r.at += strlen(head);
		for (int cell = 0; cell < 2; cell++)
			r.at = strchr(r.at, '|') + 1;
		assert_int_equal(jz_kind_fields(kinds[i], check_field, &r), 0);
		assert_int_equal(next_tag(&r), 0);
	}
	free(doc);
}

static void
atr_is_the_code(void **state)
{
	struct page *page = page_new();
	char *doc = page_read(PAGE);
	char text[128];
	struct rig rig;
	struct rig_card *card;

	(void)state;
	rig_new(&rig);
	card = rig_card_new(&rig, NULL, 0, false);
	page_begin(page, "ATR");
	page_bytes(page, "`", jz_card_atr(&card->card));
	snprintf(text, sizeof(text), "%s", page_so_far(page));
	text[strlen(text) - 1] = '`'; /* in the place of the line's end */
	assert_non_null(strstr(doc, text));
	page_free(&page);
	rig_card_free(&card);
	rig_free(&rig);
	free(doc);
}

/* ---- writing the page --------------------------------------------------- */

static void
write_examples(void **state)
{
	struct story *s = tell();

	(void)state;
	page_write(s->page, PAGE);
	forget(s);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples_are_the_code),
	    cmocka_unit_test(every_example_is_run),
	    cmocka_unit_test(table_is_the_code),
	    cmocka_unit_test(atr_is_the_code),
	};
	const struct CMUnitTest writing[] = {
	    cmocka_unit_test(write_examples),
	};

	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return cmocka_run_group_tests_name(
		    "writing", writing, NULL, NULL);
	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
