/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's life: format, open, reset, close; and what it does when its storage
 * fails.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/atr.h"
#include "../../../apdu/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INS_WRITE 0x10 /* P1 into persistent memory */
#define INS_READ  0x12 /* persistent, COR, COD */
#define INS_MARK  0x14 /* P1 into both transient memories */
#define INS_LEAVE 0x16 /* P1 into all three, in a transaction left open */

struct cell_nvm {
	struct jz_nvm_head head;
	uint8_t value;
	uint8_t reserved[7];
};

static uint16_t
cell_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct cell_nvm *n = self->nvm;
	uint8_t *cor = self->cor, *cod = self->cod;

	switch (apdu->command.ins) {
	case INS_WRITE:
		return jz_runtime_status(
		    jz_write_u8(self, &n->value, apdu->command.p1));
	case INS_READ:
		jz_put_u8(&apdu->out, n->value);
		jz_put_u8(&apdu->out, *cor);
		jz_put_u8(&apdu->out, *cod);
		return JZ_SW_OK;
	case INS_LEAVE:
		jz_begin(self);
		jz_write_u8(self, &n->value, apdu->command.p1);
		*cor = apdu->command.p1;
		*cod = apdu->command.p1;
		return JZ_SW_OK;
	case INS_MARK:
		*cor = apdu->command.p1;
		*cod = apdu->command.p1;
		return JZ_SW_OK;
	default:
		return JZ_SW_INS;
	}
}

static const struct jz_applet_class CELL = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "cell",
    .aid = {6, {0xF0, 'C', 'E', 'L', 'L', 1}},
    .nvm_bytes = sizeof(struct cell_nvm),
    .cor_bytes = 1,
    .cod_bytes = 1,
    .process = cell_process,
};
static const struct jz_applet_class *const CLASSES[] = {&CELL};
static const char SELECT[] = "00A4040006 F043454C4C01 00";

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_card_new(&f->rig, CLASSES, 1, true);
	assert_int_equal(port_hex(&f->card->port, SELECT, NULL), JZ_SW_OK);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static struct rig_card *
card_of(void **state)
{
	const struct fixture *f = *state;

	return f->card;
}

/* Persistent, CLEAR_ON_RESET, CLEAR_ON_DESELECT. */
static void
check_cell(struct rig_card *c, const char *three)
{
	struct answer a;

	assert_int_equal(port_hex(&c->port, "00120000 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 3);
	assert_memory_equal(a.data, three, 3);
}

static void
test_the_atr_says_what_the_card_can(void **state)
{
	struct jz_span bytes = jz_card_atr(&card_of(state)->card);
	struct jz_atr atr;

	assert_int_equal(jz_atr_parse(bytes, &atr), 0);
	assert_int_equal(atr.protocols, JZ_PROTOCOL_T1);
	assert_true(atr.extended_length);
	assert_true(atr.chaining);
	assert_int_equal(bytes.len, 9);
	assert_memory_equal(
	    bytes.data, "\x3B\x85\x01\x80\x73\xC6\x21\xDF\x4F", 9);
}

static void
test_a_fresh_card_has_nothing_on_it(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_card_new(&f->rig, NULL, 0, true);

	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_FILE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_FILE);
	rig_card_free(&c);
}

static void
test_power_off_keeps_what_is_persistent_and_nothing_else(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00100700", NULL);
	port_hex(&c->port, "00140900", NULL);
	check_cell(c, "\7\11\11");
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(port_hex(&c->port, "00120000 00", NULL), JZ_SW_NO_EF);
	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_OK);
	check_cell(c, "\7\0\0");
}

static void
test_reset_clears_transient_memory_and_the_selection(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00100700", NULL);
	port_hex(&c->port, "00140900", NULL);
	jz_card_reset(&c->card);
	assert_int_equal(port_hex(&c->port, "00120000 00", NULL), JZ_SW_NO_EF);
	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_OK);
	check_cell(c, "\7\0\0");
}

/* JCRE 5.1: what was written there does not come back. */
static void
test_transient_memory_takes_no_part_in_a_transaction(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00100700", NULL);
	port_hex(&c->port, "00140700", NULL);
	assert_int_equal(port_hex(&c->port, "00160900", NULL), JZ_SW_OK);
	check_cell(c, "\7\11\11");
}

static void
test_equal_states_have_equal_hashes(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t first[32], second[32];

	rig_hash(c, first);
	port_hex(&c->port, "00140900", NULL); /* transient */
	rig_hash(c, second);
	assert_memory_equal(first, second, 32);
	port_hex(&c->port, "00100700", NULL);
	rig_hash(c, second);
	assert_memory_not_equal(first, second, 32);
	port_hex(&c->port, "00100000", NULL);
	rig_hash(c, second);
	assert_memory_equal(first, second, 32);
}

static void
test_cards_are_independent(void **state)
{
	struct fixture *f = *state;
	struct rig_card *other = rig_card_new(&f->rig, CLASSES, 1, true);

	assert_int_equal(port_hex(&other->port, SELECT, NULL), JZ_SW_OK);
	port_hex(&f->card->port, "00100700", NULL);
	check_cell(other, "\0\0\0");
	port_hex(&other->port, "00100500", NULL);
	check_cell(f->card, "\7\0\0");
	rig_card_free(&other);
}

static void
test_another_key_does_not_open_the_card(void **state)
{
	struct rig_card *c = card_of(state);

	c->setup.seal_key[31] ^= 1;
	assert_int_equal(rig_reopen(c), JZ_ERR_CARD_KEY);
	/* What did not open answers nothing but that. */
	assert_int_equal(
	    port_hex(&c->port, SELECT, NULL), JZ_SW_MEMORY_FAILURE);
	c->setup.seal_key[31] ^= 1;
	assert_int_equal(rig_reopen(c), 0);
}

static void
test_memory_that_cannot_hold_a_card_is_refused(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_card_setup setup = c->setup;

	setup.nvm_bytes = sizeof(struct jz_nvm_root) - 1;
	assert_int_equal(jz_card_format(&c->card, &setup), JZ_ERR_ARGUMENT);
	setup.nvm_bytes = sizeof(struct jz_nvm_root);
	assert_int_equal(jz_card_format(&c->card, &setup), JZ_ERR_CARD_FULL);
	setup = c->setup;
	setup.nvm += 4;
	assert_int_equal(jz_card_format(&c->card, &setup), JZ_ERR_ARGUMENT);
	setup = c->setup;
	setup.ram += 1;
	assert_int_equal(jz_card_open(&c->card, &setup), JZ_ERR_ARGUMENT);
}

static bool
all_zero(const void *p, size_t len)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void
test_close_wipes_the_key_and_transient_memory(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00140900", NULL);
	assert_false(all_zero(c->ram, sizeof(c->ram)));
	jz_card_close(&c->card);
	assert_true(all_zero(c->ram, sizeof(c->ram)));
	assert_true(all_zero(&c->card, sizeof(c->card)));
	assert_int_equal(
	    port_hex(&c->port, SELECT, NULL), JZ_SW_MEMORY_FAILURE);
}

/* proves: ALL-3 (a failed sync) */
static void
test_after_a_failed_sync_the_card_is_mute_until_opened(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct answer a;

	plan.fail_sync = 1;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(
	    port_hex(&c->port, "00100700", NULL), JZ_SW_MEMORY_FAILURE);
	/* Not even a reset brings it back, and it tells nothing. */
	assert_int_equal(
	    port_hex(&c->port, "00120000 00", &a), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(a.len, 0);
	jz_card_reset(&c->card);
	assert_int_equal(
	    port_hex(&c->port, SELECT, NULL), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "00100500", NULL), JZ_SW_OK);
	check_cell(c, "\5\0\0");
}

static void
test_a_power_cut_leaves_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);

	jz_fault_power_cut(c->fault);
	assert_int_equal(
	    port_hex(&c->port, "00100700", NULL), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_OK);
	check_cell(c, "\0\0\0");
}

static void
test_opening_changes_no_stored_byte(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault);

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
}

/* Cut within the image: nothing to go back to. */
static void
test_a_cut_file_is_an_error(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_span content = jz_fault_content(c->fault);
	uint8_t *copy = malloc(content.len);
	size_t cut = JZ_LOG_HEADER_BYTES + sizeof(struct jz_nvm_root) / 2;

	assert_non_null(copy);
	memcpy(copy, content.data, content.len);
	assert_int_equal(jz_fault_set(c->fault, jz_span(copy, cut)), 0);
	assert_int_equal(rig_reopen(c), JZ_ERR_CARD_CUT);
	free(copy);
}

/* A card without storage lives and dies with its memory. */
static void
test_a_card_without_storage_works(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_card_new(&f->rig, CLASSES, 1, false);

	assert_int_equal(port_hex(&c->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "00100700", NULL), JZ_SW_OK);
	check_cell(c, "\7\0\0");
	assert_int_equal(jz_card_open(&c->card, &c->setup), JZ_ERR_UNSUPPORTED);
	rig_card_free(&c);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_atr_says_what_the_card_can),
	    TEST(test_a_fresh_card_has_nothing_on_it),
	    TEST(test_power_off_keeps_what_is_persistent_and_nothing_else),
	    TEST(test_reset_clears_transient_memory_and_the_selection),
	    TEST(test_transient_memory_takes_no_part_in_a_transaction),
	    TEST(test_equal_states_have_equal_hashes),
	    TEST(test_cards_are_independent),
	    TEST(test_another_key_does_not_open_the_card),
	    TEST(test_memory_that_cannot_hold_a_card_is_refused),
	    TEST(test_close_wipes_the_key_and_transient_memory),
	    TEST(test_after_a_failed_sync_the_card_is_mute_until_opened),
	    TEST(test_a_power_cut_leaves_the_card_mute),
	    TEST(test_opening_changes_no_stored_byte),
	    TEST(test_a_cut_file_is_an_error),
	    TEST(test_a_card_without_storage_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
