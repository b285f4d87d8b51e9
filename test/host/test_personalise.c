/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/personalise.c: which keys open the card, what is sent in which order,
 * and what is left to do on a card that has seen some of it.  The issuer is
 * real, the card a script behind a real secure channel.
 */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../host/pay.h"
#include "../support/gpcard.h"
#include "../support/issuerrig.h"

#define TEXT_MAX  1024
#define LINES_MAX 24
#define PURSE	  "F04A49414F5A4901"

/* A script that is written while the issuer's certificates are known. */
struct play {
	struct rig *rig;
	struct gpcard card;
	struct line lines[LINES_MAX];
	char text[LINES_MAX][TEXT_MAX];
	size_t n;
	struct jz_key_pair key; /* of the purse */
	struct jz_personal personal;
	uint8_t id[JZ_ID_BYTES];
};

static void
add_hex(char text[static TEXT_MAX], const uint8_t *bytes, size_t len)
{
	size_t at = strlen(text);

	assert_true(at + 2 * len < TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		snprintf(text + at + 2 * i, 3, "%02X", (unsigned)bytes[i]);
}

static void
expect(struct play *p, const char *command, const char *answer)
{
	assert_true(p->n < LINES_MAX);
	p->lines[p->n++] = (struct line){command, answer, 0};
}

/* The purse tells that it is in this state, and of this suite. */
static void
expect_info_of(struct play *p, enum jz_purse_state purse, const char *public)
{
	struct jz_message m = {.kind = JZ_KIND_PURSE_INFO};
	uint8_t bytes[256];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char *text = p->text[p->n];

	m.state = (uint8_t)purse;
	m.payment.currency = RIG_CURRENCY;
	m.capacity = 32;
	if (purse == JZ_PURSE_PERSONALISED) {
		memset(m.card_id, '7', sizeof(m.card_id));
		memset(m.asn, 0x11, sizeof(m.asn));
	}
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	text[0] = '\0';
	add_hex(text, bytes, b.len);
	strcat(text, "9000");
	expect(p, "00CAFF61", text);
	expect(p, "00B09500", public);
}

#define PUBLIC_BUT_SUITE                                                       \
	"0000000000000000 0201 00000000000000000000 00000000 00000000"

static void
expect_info(struct play *p, enum jz_purse_state purse)
{
	expect_info_of(p, purse, PUBLIC_BUT_SUITE "0001 9000");
}

static void
expect_domain(struct play *p)
{
	expect(p, "00A40400 A000000151000000",
	    "6F10 8408A000000151000000 A504 9F6501FF 9000");
}

static void
expect_state(struct play *p, enum jz_gp_card_state state)
{
	char *text = p->text[p->n];

	snprintf(text, TEXT_MAX, "E30E 4F08A000000151000000 9F7001%02X 9000",
	    (unsigned)state);
	expect(p, "80F28002 4F00", text);
}

static struct jz_scp03_keys
issuer_keys(const struct play *p)
{
	struct jz_scp03_keys keys;

	assert_int_equal(jz_issuer_card_keys(
			     p->rig->issuer, p->card.kdd, JZ_ISSUER_KVN, &keys),
	    0);
	return keys;
}

/* PUT KEY in the place of this version; the card has the issuer's keys. */
static void
expect_put_key(struct play *p, const char *command)
{
	const struct jz_scp03_keys keys = issuer_keys(p);
	const uint8_t *const all[] = {keys.enc, keys.mac, keys.dek};
	char *text = p->text[p->n];
	uint8_t kcv[3];

	snprintf(text, TEXT_MAX, "01");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    jz_key_check_value(&p->rig->engine, all[i], kcv), 0);
		add_hex(text, kcv, sizeof(kcv));
	}
	strcat(text, "9000");
	expect(p, command, text);
}

static void
expect_certificate(
    struct play *p, unsigned number, struct jz_span bytes, const char *answer)
{
	char *text = p->text[p->n];

	snprintf(text, TEXT_MAX, "80E210%02X", number);
	add_hex(text, bytes.data, bytes.len);
	expect(p, text, answer);
}

/* From INSTALL [for personalisation] to the last block. */
static void
expect_purse(struct play *p, bool root_known)
{
	unsigned next = root_known ? 1 : 2;
	char *text;

	expect(p, "80E62000 0000 08" PURSE " 000000", "00 9000");
	text = p->text[p->n];
	snprintf(text, TEXT_MAX, "7F4943 8641");
	add_hex(text, p->key.public_key, JZ_POINT_BYTES);
	strcat(text, "9000");
	expect(p, "80E21100 7F4900", text);
	expect_certificate(
	    p, 1, jz_issuer_root(p->rig->issuer), root_known ? "6985" : "9000");
	expect_certificate(p, next, jz_issuer_ca(p->rig->issuer), "9000");
	expect_certificate(p, next + 1, jz_issuer_host(p->rig->issuer), "9000");
	text = p->text[p->n];
	snprintf(text, TEXT_MAX, "80E210%02X 7F21...", next + 2);
	expect(p, text, "9000");
	text = p->text[p->n];
	snprintf(text, TEXT_MAX, "80E290%02X FF71...", next + 3);
	expect(p, text, "9000");
}

/* A new card, and the account that it will be bound to. */
static void
begin(struct play *p, struct rig *r)
{
	/* It outlives this function. */
	static const struct jz_secret pin = {{"123456"}, 6};
	struct fakecard c;

	memset(p, 0, sizeof(*p));
	p->rig = r;
	rig_card(r, &c, 0);
	assert_int_equal(
	    r->engine.crypto->generate(r->engine.state, &p->key), 0);
	p->personal = (struct jz_personal){.holder = "Alice",
	    .account = "6222000001",
	    .pin = &pin,
	    .currency = RIG_CURRENCY,
	    .max_balance_minor = 100000,
	    .max_single_minor = 50000};
	gpcard_open(&p->card, &r->engine, true, p->lines, 0);
}

static int
order(struct play *p)
{
	p->card.n = p->n;
	return jz_personalise(
	    &p->card.session, p->rig->issuer, &p->personal, p->id);
}

/* The purse is selected at the end, whatever the end is. */
static int
run(struct play *p)
{
	expect(p, "00A40400 " PURSE, "9000");
	return order(p);
}

static void
assert_no_id(const struct play *p)
{
	static const uint8_t none[JZ_ID_BYTES];

	assert_memory_equal(p->id, none, sizeof(none));
}

/* Through the security domain alone, in this order. */
static void
test_new_card(void **state)
{
	struct play p;

	begin(&p, *state);
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect_domain(&p);
	expect_state(&p, JZ_GP_OP_READY);
	expect_put_key(&p, "80D8FF81 01...");
	expect_purse(&p, false);
	expect(&p, "80F08007", "9000");
	expect(&p, "80F0800F", "9000");
	assert_int_equal(run(&p), 0);
	assert_int_equal(p.id[0], 'C');
	assert_int_equal(p.card.gp.phase, JZ_GP_CLEAR);
	gpcard_close(&p.card);
}

/* Cut off after PUT KEY and the root: the issuer's keys open it now. */
static void
test_card_with_our_keys(void **state)
{
	struct play p;

	begin(&p, *state);
	p.card.kvn = JZ_ISSUER_KVN;
	p.card.keys = issuer_keys(&p);
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect_domain(&p);
	expect_state(&p, JZ_GP_INITIALIZED);
	expect_purse(&p, true);
	expect(&p, "80F0800F", "9000");
	assert_int_equal(run(&p), 0);
	gpcard_close(&p.card);
}

/* Cut off before the last command: the purse is done, the card is not. */
static void
test_personalised_but_not_secured(void **state)
{
	struct play p;

	begin(&p, *state);
	p.card.kvn = JZ_ISSUER_KVN;
	p.card.keys = issuer_keys(&p);
	expect_info(&p, JZ_PURSE_PERSONALISED);
	expect_domain(&p);
	expect_state(&p, JZ_GP_INITIALIZED);
	expect(&p, "80F0800F", "9000");
	assert_int_equal(run(&p), 0);
	assert_int_equal(p.id[0], '7');
	gpcard_close(&p.card);
}

static void
test_done_already(void **state)
{
	struct play p;

	begin(&p, *state);
	p.card.kvn = JZ_ISSUER_KVN;
	p.card.keys = issuer_keys(&p);
	expect_info(&p, JZ_PURSE_PERSONALISED);
	expect_domain(&p);
	expect_state(&p, JZ_GP_SECURED);
	assert_int_equal(run(&p), JZ_ERR_STATE);
	assert_no_id(&p);
	gpcard_close(&p.card);
}

/* Said by name, before the card's domain has been spoken to. */
static void
test_card_of_the_other_suite(void **state)
{
	struct play p;

	begin(&p, *state);
	expect_info_of(&p, JZ_PURSE_SELECTABLE, PUBLIC_BUT_SUITE "0002 9000");
	assert_int_equal(order(&p), JZ_ERR_SUITE);
	assert_no_id(&p);
	gpcard_close(&p.card);
	assert_string_equal(jz_error_name(JZ_ERR_SUITE), "SUITE");
	assert_string_equal(jz_error_text(JZ_ERR_SUITE, JZ_LANG_EN),
	    "the card is of the other crypto suite");
	assert_string_equal(
	    jz_error_text(JZ_ERR_SUITE, JZ_LANG_ZH), "卡的密码套件不符");
	/* A public file that says nothing. */
	begin(&p, *state);
	expect_info_of(&p, JZ_PURSE_SELECTABLE, "0001 9000");
	assert_int_equal(order(&p), JZ_ERR_ANSWER);
	gpcard_close(&p.card);
}

static void
test_another_issuers_card(void **state)
{
	struct play p;

	begin(&p, *state);
	p.card.kvn = JZ_ISSUER_KVN;
	expect_info(&p, JZ_PURSE_PERSONALISED);
	expect_domain(&p);
	assert_int_equal(run(&p), JZ_ERR_STATE);
	gpcard_close(&p.card);
	/* Whoever holds its keys may not have come to an end with it. */
	begin(&p, *state);
	p.card.kvn = JZ_ISSUER_KVN;
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect_domain(&p);
	assert_int_equal(run(&p), JZ_ERR_AUTHENTICATION);
	gpcard_close(&p.card);
}

static void
test_locked_and_terminated_cards(void **state)
{
	static const enum jz_gp_card_state states[] = {
	    JZ_GP_CARD_LOCKED, JZ_GP_TERMINATED};
	struct play p;

	for (size_t i = 0; i < 2; i++) {
		begin(&p, *state);
		expect_info(&p, JZ_PURSE_SELECTABLE);
		expect_domain(&p);
		expect_state(&p, states[i]);
		assert_int_equal(run(&p), JZ_ERR_STATE);
		assert_no_id(&p);
		gpcard_close(&p.card);
	}
}

/* The maker's keys instead of the well-known ones, whatever their version. */
static void
test_transport_keys(void **state)
{
	static const struct {
		uint8_t kvn;
		const char *put_key;
	} cases[] = {
	    {0x20, "80D82081 01..."}, {JZ_ISSUER_KVN, "80D80181 01..."}};
	struct jz_scp03_keys keys;
	struct play p;

	memset(&keys, 0x77, sizeof(keys));
	for (size_t i = 0; i < 2; i++) {
		begin(&p, *state);
		p.personal.transport_keys = &keys;
		p.personal.transport_kvn = p.card.kvn = cases[i].kvn;
		p.card.keys = keys;
		expect_info(&p, JZ_PURSE_SELECTABLE);
		expect_domain(&p);
		expect_state(&p, JZ_GP_SECURED);
		expect_put_key(&p, cases[i].put_key);
		expect_purse(&p, false);
		assert_int_equal(run(&p), 0);
		gpcard_close(&p.card);
	}
}

/* The card does not say that it has the keys: nothing more is trusted to it. */
static void
test_wrong_key_check_values(void **state)
{
	struct play p;

	begin(&p, *state);
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect_domain(&p);
	expect_state(&p, JZ_GP_OP_READY);
	expect(&p, "80D8FF81 01...", "01 00*9 9000");
	assert_int_equal(run(&p), JZ_ERR_ANSWER);
	assert_no_id(&p);
	gpcard_close(&p.card);
}

/* 6A88 and 6A82 of a card are not the issuer's "no such account". */
static void
test_cards_refusals(void **state)
{
	struct play p;

	begin(&p, *state);
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect(&p, "00A40400 A000000151000000", "6A82");
	assert_int_equal(run(&p), JZ_ERR_STATUS);
	assert_int_equal(p.card.session.sw, JZ_SW_FILE);
	gpcard_close(&p.card);
	begin(&p, *state);
	expect_info(&p, JZ_PURSE_SELECTABLE);
	expect_domain(&p);
	expect_state(&p, JZ_GP_OP_READY);
	expect_put_key(&p, "80D8FF81 01...");
	expect(&p, "80E62000 ...", "6A88");
	assert_int_equal(run(&p), JZ_ERR_STATUS);
	assert_int_equal(p.card.session.sw, JZ_SW_REFERENCE);
	gpcard_close(&p.card);
}

/* What cannot come to an end does not begin: the card sees nothing of it. */
static void
test_bad_orders(void **state)
{
	struct play p;

	begin(&p, *state);
	p.personal.account = "nobody";
	assert_int_equal(order(&p), JZ_ERR_NOT_FOUND);
	p.personal.account = "6222000001";
	p.personal.pin = JZ_SECRET("12a4");
	assert_int_equal(order(&p), JZ_ERR_ARGUMENT);
	p.personal.pin = JZ_SECRET("123456");
	p.personal.holder = "";
	assert_int_equal(order(&p), JZ_ERR_RANGE);
	p.personal.holder = "Alice";
	p.personal.max_single_minor = p.personal.max_balance_minor + 1;
	assert_int_equal(order(&p), JZ_ERR_RANGE);
	gpcard_close(&p.card);
}

static void
test_issuer_without_admin_key(void **state)
{
	struct rig *r = *state;
	struct play p;

	begin(&p, r);
	r->issuer->pki.masters.n = 0;
	assert_int_equal(order(&p), JZ_ERR_NOT_FOUND);
	r->issuer->pki.masters.n = 1;
	gpcard_close(&p.card);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new_card),
	    cmocka_unit_test(test_card_with_our_keys),
	    cmocka_unit_test(test_personalised_but_not_secured),
	    cmocka_unit_test(test_done_already),
	    cmocka_unit_test(test_card_of_the_other_suite),
	    cmocka_unit_test(test_another_issuers_card),
	    cmocka_unit_test(test_locked_and_terminated_cards),
	    cmocka_unit_test(test_transport_keys),
	    cmocka_unit_test(test_wrong_key_check_values),
	    cmocka_unit_test(test_cards_refusals),
	    cmocka_unit_test(test_bad_orders),
	    cmocka_unit_test(test_issuer_without_admin_key),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
