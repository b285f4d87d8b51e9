/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/esign-protocol.md against the code: its examples are one run of a card
 * whose randomness follows from a seed, carried out again and compared byte for
 * byte; its tables of fields are the messages of that run.
 *
 *   test_esign_protocol             checks ../docs/esign-protocol.md
 *   test_esign_protocol --write     writes the examples into it
 */
#include "../support/esignrig.h"
#include "../support/page.h"

#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE	"docs/esign-protocol.md"
#define NOTHING jz_span(NULL, 0)

static struct esign_rig rig;

/* ---- fields ------------------------------------------------------------- */

static const struct {
	uint32_t tag;
	const char *what;
} NAMES[] = {
    {JZ_TAG_ACCOUNT, "payer's account, 1-34 printable ASCII"},
    {JZ_TAG_AMOUNT, "amount, minor units, not 0"},
    {JZ_TAG_CURRENCY, "currency"},
    {JZ_TAG_TO_ACCOUNT, "payee's account, 1-34 printable ASCII"},
    {JZ_TAG_TO_NAME, "payee's name, 1-64 bytes UTF-8; may be absent"},
    {JZ_TAG_DETAILS, "details, 1-1024 bytes UTF-8; may be absent"},
    {JZ_TAG_CARD_ID, "card's ID"},
    {JZ_TAG_PAYER_COUNTER, "card's counter"},
    {JZ_TAG_NONCE, "nonce"},
    {JZ_TAG_KEY_VERSION, "version of the issuer's key"},
    {JZ_TAG_SCHEME, "scheme"},
    {JZ_TAG_SEALED, "encrypted joint password"},
    {JZ_TAG_SIGNATURE, "signature"},
    {JZ_TAG_TYPED, "what the user has typed, 1-16 bytes"},
    {JZ_TAG_MODE, "mode: low byte of the kind"},
    {JZ_TAG_JOINT_LENGTH, "characters of a joint password, 4-16"},
    {JZ_TAG_ALPHABET, "1 digits, 2 small, 4 capitals, 8 symbols"},
    {JZ_TAG_ESIGN_FLAGS, "1 OK after the PIN, 2 guesses may be tested"},
    {JZ_TAG_PIN_ABOVE, "amount up to which a key is enough"},
    {JZ_TAG_WAIT, "seconds for the user, 5 or more"},
    {JZ_TAG_SHOW, "seconds for the joint password, 5 or more"},
    {JZ_TAG_LANGUAGE, "00 English, 01 Chinese"},
    {JZ_TAG_PIN, "PIN, BCD, F-padded"},
    {JZ_TAG_PIN_LIMIT, "tries of the PIN"},
    {JZ_TAG_ISSUER_KEY, "issuer's public key"},
    {JZ_TAG_STATE, "07 selectable, 0F personalised"},
    {JZ_ESIGN_ORDER, "the transaction message"},
    {JZ_ESIGN_SIGNATURE, "the signature"},
    {JZ_TAG_ORDER_DIGEST, "digest of the transaction message"},
};

static const char *
name_of(uint32_t tag)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (NAMES[i].tag == tag)
			return NAMES[i].what;
	fail_msg("no name for %X", (unsigned)tag);
	return "";
}

/* The fields of one message, as they stand in it. */
static void
put_fields(struct page *page, struct jz_span message)
{
	struct jz_cursor c = jz_cursor(message);
	struct jz_tlv t;
	char line[96];

	assert_int_equal(jz_tlv_next(&c, &t), 0);
	snprintf(line, sizeof(line), "%04X\n", (unsigned)t.tag);
	page_text(page, line);
	c = jz_cursor(t.value);
	while (c.len > 0) {
		assert_int_equal(jz_tlv_next(&c, &t), 0);
		snprintf(line, sizeof(line), "  %-5X %4zu  %s\n",
		    (unsigned)t.tag, t.value.len, name_of(t.tag));
		page_text(page, line);
	}
}

/* ---- the run ------------------------------------------------------------ */

static struct page *page;

static void
personalise(void)
{
	struct jz_esign_profile p = esign_profile(&rig);
	struct blob b;
	struct jz_buffer out = jz_buffer(b.data, sizeof(b.data));

	assert_int_equal(jz_esign_put_profile(&p, &out), 0);
	b.len = out.len;
	page_begin(page, "fields-personalisation");
	put_fields(page, blob_span(&b));
	assert_int_equal(esign_personalise(&rig, &p), JZ_SW_OK);
}

static void
read_out(const struct port *card)
{
	static const uint8_t aid[] = JZ_AID_ESIGN;
	struct answer a;

	page_begin(page, "esign-select");
	port_send(card, AT_SELECT, jz_span(aid, sizeof(aid)), NULL);
	page_begin(page, "esign-certificate");
	port_send(card, AT_CERTIFICATE, NOTHING, NULL);
	page_begin(page, "esign-info");
	port_send(card, AT_ESIGN_INFO, NOTHING, &a);
	page_begin(page, "fields-info");
	put_fields(page, answer_span(&a));
}

/* What the issuer finds, which no capture shows. */
static void
put_clear(const struct blob *order, const struct blob *signature)
{
	struct jz_joint j = esign_open(&rig, order, signature);
	struct jz_esign_signature s;
	uint8_t bytes[JZ_ESIGN_SIGNED_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	jz_esign_get_signature(blob_span(signature), &s);
	jz_esign_order(&rig.rig.openssl, blob_span(order), &s);
	assert_int_equal(jz_esign_signed(&rig.rig.openssl, &s, NULL, &b), 0);
	page_bytes(page, "issuer's private key = ",
	    jz_span(rig.issuer.private_key, JZ_PRIVATE_BYTES));
	page_bytes(page, "password = ", jz_span(j.password, j.len));
	page_bytes(page, "random   = ", jz_span(j.random, sizeof(j.random)));
	page_bytes(page,
	    "digest   = ", jz_span(j.order_digest, sizeof(j.order_digest)));
	page_bytes(page, "signed   = ", jz_buffer_span(&b));
	page_begin(page, "fields-signed");
	put_fields(page, jz_buffer_span(&b));
}

static void
submit(const struct blob *order, const struct blob *signature)
{
	struct jz_joint j = esign_open(&rig, order, signature);
	struct jz_esign_submission m = {.order = blob_span(order),
	    .signature = blob_span(signature),
	    .typed = jz_span(j.password, j.len)};
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(jz_esign_put_submission(&m, &b), 0);
	page_begin(page, "submission");
	page_bytes(page, "= ", jz_buffer_span(&b));
	page_begin(page, "fields-submission");
	put_fields(page, jz_buffer_span(&b));
}

static void
sign(const struct port *card)
{
	struct jz_esign_order o = esign_order();
	struct blob order, signature;
	struct answer a;

	o.details = jz_span("order 7", 7);
	order = esign_encode(&o);
	page_begin(page, "sign");
	port_send(card, AT_SIGN, blob_span(&order), &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	blob_set(&signature, answer_span(&a));
	page_begin(page, "fields-order");
	put_fields(page, blob_span(&order));
	page_begin(page, "fields-signature");
	put_fields(page, blob_span(&signature));
	page_begin(page, "sign-clear");
	put_clear(&order, &signature);
	submit(&order, &signature);
}

/* 80A1 to 80AF are free. */
static void
others(const struct port *card)
{
	struct answer a;

	for (uint32_t ins = 0xA1; ins <= 0xAF; ins++) {
		port_send(card, 0x80000000u | ins << 16, NOTHING, &a);
		assert_int_equal(a.sw, JZ_SW_INS);
	}
}

static void
tell(void)
{
	struct page_recorder r;
	struct port card;

	esign_rig_seeded(&rig);
	page = page_new();
	r = (struct page_recorder){page, &rig.card->port, "> ", "< "};
	card = page_port(&r);
	personalise();
	read_out(&card);
	sign(&card);
	others(&rig.card->port);
}

static void
forget(void)
{
	page_free(&page);
	esign_rig_free(&rig);
}

/* proves: JPS-1 JPS-4 JPS-6 JPS-12 (the documented bytes are the card's) */
static void
test_the_page_is_the_code(void **state)
{
	(void)state;
	tell();
	page_check(page, PAGE);
	page_check_marks(page, PAGE);
	forget();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_page_is_the_code),
	};

	if (argc == 2 && strcmp(argv[1], "--write") == 0) {
		tell();
		page_write(page, PAGE);
		forget();
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
