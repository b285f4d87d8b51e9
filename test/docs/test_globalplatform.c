/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/globalplatform.md against the code: its examples are one run of a card
 * and a host, whose bytes follow from the test keys, carried out again here and
 * compared.
 *
 *   test_globalplatform             checks the page (see test/support/page.h)
 *   test_globalplatform --write     writes the examples into it
 */
#include "../support/gpclient.h"
#include "../support/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/apdu.h"

#define PAGE	    "docs/globalplatform.md"
#define COMMAND_MAX 1024
#define NOTE_LOAD   "05F04E4F5445 05F04E4F5445 "

struct story {
	struct rig rig;
	struct rig_card *card;
	struct page *page;
	struct page_recorder recorder;
	struct port port;
	struct gp host;
};

/* The command as it was before it was protected. */
static void
put_clear_command(struct story *s, uint32_t header, struct jz_span data)
{
	uint8_t memory[COMMAND_MAX];
	struct jz_buffer b = jz_buffer(memory, sizeof(memory));
	struct jz_command c = {.has_le = true, .ne = 256, .data = data};

	c.cla = (uint8_t)(header >> 24);
	c.ins = (uint8_t)(header >> 16);
	c.p1 = (uint8_t)(header >> 8);
	c.p2 = (uint8_t)header;
	assert_int_equal(jz_command_build(&c, &b), 0);
	page_bytes(s->page, "= ", jz_buffer_span(&b));
}

static void
put_clear_answer(struct story *s, const struct answer *a)
{
	uint8_t memory[ANSWER_MAX + 2];
	struct jz_buffer b = jz_buffer(memory, sizeof(memory));

	jz_put(&b, a->data, a->len);
	jz_put_u16(&b, a->sw);
	page_bytes(s->page, "= ", jz_buffer_span(&b));
}

/* One command of the session, in clear and as it travels. */
static void
tell_span(struct story *s, uint32_t header, struct jz_span data, uint16_t sw)
{
	struct answer a;

	put_clear_command(s, header, data);
	assert_int_equal(gp_send(&s->host, header, data, &a), sw);
	put_clear_answer(s, &a);
}

static void
tell(struct story *s, uint32_t header, const char *hex)
{
	struct blob b = gp_bytes(hex);

	tell_span(s, header, blob_span(&b), JZ_SW_OK);
}

static void
channel(struct story *s)
{
	struct jz_scp03_keys keys = gp_test_keys();
	struct page *p = s->page;

	page_begin(p, "select");
	assert_int_equal(gp_select(&s->host, &GP_ISD, NULL), JZ_SW_OK);
	page_begin(p, "initialize-update");
	assert_int_equal(gp_begin(&s->host, 0, &keys), JZ_SW_OK);
	page_bytes(p, "S-ENC  = ", jz_span(s->host.channel.s_enc, 16));
	page_bytes(p, "S-MAC  = ", jz_span(s->host.channel.s_mac, 16));
	page_bytes(p, "S-RMAC = ", jz_span(s->host.channel.s_rmac, 16));
	page_begin(p, "external-authenticate");
	assert_int_equal(gp_authenticate(&s->host, GP_LEVEL_ALL), JZ_SW_OK);
	page_bytes(p, "MAC = ", jz_span(s->host.channel.chaining, 16));
}

static void
data(struct story *s)
{
	static const uint16_t tags[] = {0x66, 0x67, 0xE0, 0xC1, 0xCF, 0x9F7F};
	struct blob nothing = {.len = 0};

	page_begin(s->page, "get-data-in-clear");
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		assert_int_equal(gp_clear(&s->host, GP_AT_GET_DATA(tags[i]),
				     blob_span(&nothing), NULL),
		    JZ_SW_OK);
}

static void
content(struct story *s)
{
	struct page *p = s->page;

	page_begin(p, "install");
	tell(s, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544501 0100 05C903AABBCC 00");
	page_begin(p, "install-in-two");
	tell(s, GP_AT_INSTALL(0x04),
	    NOTE_LOAD "06F04E4F544502 0100 0AC900EF06C80400000180 00");
	tell(s, GP_AT_INSTALL(0x08), "00 00 06F04E4F544502 0104 00 00");
	page_begin(p, "get-status");
	tell(s, GP_AT_STATUS(0x80), "4F00");
	tell(s, GP_AT_STATUS(0x40), "4F05F04E4F5445");
	tell(s, GP_AT_STATUS(0x10), "4F05F04E4F5445 5C034F9F70");
	page_begin(p, "personalise");
	tell(s, GP_AT_INSTALL(0x20), "00 00 06F04E4F544501 00 00 00");
	tell(s, GP_AT_STORE(0x10, 0), "0102030405");
	tell(s, GP_AT_STORE(0x91, 1), "0607");
	page_begin(p, "store-data");
	tell(s, GP_AT_STORE(0x90, 0), "4203123456 45080011223344556677");
	page_begin(p, "set-status");
	tell(s, GP_AT_SET_APP(0x83), "F04E4F544502");
	tell(s, GP_AT_SET_APP(0x07), "F04E4F544502");
	page_begin(p, "delete");
	tell(s, GP_AT_DELETE, "4F06F04E4F544502");
}

/* More applications than one answer holds. */
static void
pages(struct story *s)
{
	struct blob search = gp_bytes("4F00");

	s->host.port = &s->card->port; /* unrecorded */
	for (uint8_t i = 3; i <= 8; i++)
		gp_add_note(&s->host, i);
	s->host.port = &s->port;
	page_begin(s->page, "get-status-next");
	tell_span(
	    s, GP_AT_STATUS(0x40), blob_span(&search), JZ_SW_MORE_AVAILABLE);
	tell(s, GP_AT_STATUS_NEXT(0x40), "4F00");
}

static void
keys(struct story *s)
{
	struct jz_scp03_keys one = gp_keys(1), two = gp_keys(2);
	struct page *p = s->page;
	struct blob b;

	page_begin(p, "put-key");
	page_bytes(p, "ENC = ", jz_span(one.enc, 16));
	page_bytes(p, "MAC = ", jz_span(one.mac, 16));
	page_bytes(p, "DEK = ", jz_span(one.dek, 16));
	b = gp_put_key_data(&s->host, 0x01, &one);
	tell_span(s, GP_AT_PUT_KEY(0), blob_span(&b), JZ_SW_OK);
	page_begin(p, "delete-key");
	b = gp_put_key_data(&s->host, 0x02, &two);
	tell_span(s, GP_AT_PUT_KEY(0), blob_span(&b), JZ_SW_OK);
	tell(s, GP_AT_DELETE, "D20101");
	page_begin(p, "set-status-of-the-card");
	tell(s, GP_AT_SET_CARD(0x07), "");
	tell(s, GP_AT_SET_CARD(0x0F), "");
}

static struct story *
told(void)
{
	struct story *s = test_calloc(1, sizeof(*s));

	rig_new_seeded(&s->rig);
	s->rig.loose = true; /* the sizes of a card that is issued */
	s->card = gp_card_new(&s->rig, false);
	s->page = page_new();
	s->recorder =
	    (struct page_recorder){s->page, &s->card->port, "> ", "< "};
	s->port = page_port(&s->recorder);
	s->host = gp_host(s->card);
	s->host.port = &s->port;
	data(s);
	channel(s);
	content(s);
	pages(s);
	keys(s);
	return s;
}

static void
forget(struct story *s)
{
	rig_card_free(&s->card);
	rig_free(&s->rig);
	page_free(&s->page);
	test_free(s);
}

static void
examples_are_the_code(void **state)
{
	struct story *s = told();

	(void)state;
	page_check(s->page, PAGE);
	forget(s);
}

static void
every_example_is_run(void **state)
{
	struct story *s = told();

	(void)state;
	page_check_marks(s->page, PAGE);
	forget(s);
}

static void
write_examples(void **state)
{
	struct story *s = told();

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
	};
	const struct CMUnitTest writing[] = {
	    cmocka_unit_test(write_examples),
	};

	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return cmocka_run_group_tests_name(
		    "writing", writing, NULL, NULL);
	return cmocka_run_group_tests_name("globalplatform", tests, NULL, NULL);
}
