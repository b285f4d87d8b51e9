/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN: a try is counted, durably, before anything is compared.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 3

struct vault_nvm {
	struct jz_nvm_head head;
	struct jz_pin pin;
	uint32_t number;
};

struct vault_cod {
	uint8_t ok;
};

static uint16_t
vault_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct vault_nvm *n = self->nvm;
	struct vault_cod *cod = self->cod;

	return jz_pin_check(self, &n->pin, &cod->ok, apdu->command.data);
}

static const struct jz_applet_class VAULT = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "vault",
    .aid = {6, {0xF0, 'V', 'A', 'U', 'L', 'T'}},
    .nvm_bytes = sizeof(struct vault_nvm),
    .cod_bytes = sizeof(struct vault_cod),
    .process = vault_process,
};
static const struct jz_applet_class *const CLASSES[] = {&VAULT};

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static struct jz_applet *
vault(struct rig_card *c)
{
	return &c->card.applet[0];
}

static const struct vault_nvm *
nvm(struct rig_card *c)
{
	return (const struct vault_nvm *)vault(c)->nvm;
}

static uint8_t *
ok(struct rig_card *c)
{
	return &((struct vault_cod *)vault(c)->cod)->ok;
}

static void
select_vault(struct rig_card *c)
{
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F05641554C54 00", NULL), JZ_SW_OK);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static const uint8_t value[] = {0x12, 0x34};

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_card_new(&f->rig, CLASSES, 1, true);
	select_vault(f->card);
	assert_int_equal(jz_pin_update(vault(f->card), &nvm(f->card)->pin,
			     jz_span(value, sizeof(value)), LIMIT),
	    0);
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

static const char RIGHT[] = "00200000 02 1234";
static const char WRONG[] = "00200000 02 1235";

static void
test_the_right_pin(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	assert_int_equal(*ok(c), 1);
	assert_int_equal(nvm(c)->pin.tries, LIMIT);
}

static void
test_wrong_pins_count_down_to_blocked(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C2);
	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C1);
	assert_int_equal(port_hex(&c->port, WRONG, NULL), JZ_SW_BLOCKED);
	assert_int_equal(nvm(c)->pin.tries, 0);
	/* The right one is of no use then, nor after power-up. */
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_BLOCKED);
	assert_int_equal(*ok(c), 0);
	assert_int_equal(rig_reopen(c), 0);
	select_vault(c);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_BLOCKED);
	assert_int_equal(nvm(c)->pin.tries, 0);
}

static void
test_the_right_pin_gives_all_tries_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C2);
	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C1);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	assert_int_equal(nvm(c)->pin.tries, LIMIT);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->pin.tries, LIMIT);
}

static void
test_a_wrong_length_counts(void **state)
{
	static const char *const lengths[] = {
	    "00200000 01 12",
	    "00200000 03 123400", /* the right one and the padding's zero */
	    "00200000 10 12340000000000000000000000000000",
	    "00200000 11 1234000000000000000000000000000000",
	    "00200000",
	};
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(port_hex(&c->port, lengths[i], NULL), 0x63C2);
		assert_int_equal(nvm(c)->pin.tries, LIMIT - 1);
		assert_int_equal(*ok(c), 0);
		assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	}
}

static void
test_a_wrong_pin_takes_the_right_one_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C2);
	assert_int_equal(*ok(c), 0);
}

static void
test_unblock(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 0; i < LIMIT; i++)
		port_hex(&c->port, WRONG, NULL);
	assert_int_equal(jz_pin_unblock(vault(c), &nvm(c)->pin), 0);
	assert_int_equal(nvm(c)->pin.tries, LIMIT);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
}

static void
test_update_takes_only_what_can_be_counted(void **state)
{
	static const uint8_t value[JZ_PIN_MAX + 1] = {1};
	struct rig_card *c = card_of(state);
	const struct jz_pin *pin = &nvm(c)->pin;
	struct jz_pin was = *pin;
	static const struct {
		size_t len;
		uint8_t limit;
	} bad[] = {{0, 3}, {JZ_PIN_MAX + 1, 3}, {4, 0}, {4, 16}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(jz_pin_update(vault(c), pin,
				     jz_span(value, bad[i].len), bad[i].limit),
		    JZ_ERR_RANGE);
		assert_memory_equal(pin, &was, sizeof(was));
	}
	assert_int_equal(
	    jz_pin_update(vault(c), pin, jz_span(value, JZ_PIN_MAX), 15), 0);
	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63CE);
}

static void
test_no_transaction_gives_a_try_back(void **state)
{
	static const uint8_t wrong[] = {0x99};
	struct rig_card *c = card_of(state);

	jz_begin(vault(c));
	jz_write_u32(vault(c), &nvm(c)->number, 7);
	assert_int_equal(jz_pin_check(vault(c), &nvm(c)->pin, ok(c),
			     jz_span(wrong, sizeof(wrong))),
	    0x63C2);
	jz_abort(vault(c));
	assert_int_equal(nvm(c)->number, 0);
	assert_int_equal(nvm(c)->pin.tries, LIMIT - 1);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->pin.tries, LIMIT - 1);
}

/* ---- a transaction that changes the PIN --------------------------------- */

static const uint8_t NEW[] = {0x77, 0x77, 0x77};

static uint16_t
check(struct rig_card *c, const void *value, size_t len)
{
	return jz_pin_check(vault(c), &nvm(c)->pin, ok(c), jz_span(value, len));
}

static void
begin_update(struct rig_card *c)
{
	assert_int_equal(jz_begin(vault(c)), 0);
	assert_int_equal(
	    jz_pin_update(vault(c), &nvm(c)->pin, jz_span(NEW, sizeof(NEW)), 5),
	    0);
}

static void
test_an_update_takes_part_in_the_transaction(void **state)
{
	struct rig_card *c = card_of(state);

	begin_update(c);
	assert_int_equal(nvm(c)->pin.tries, 5);
	jz_abort(vault(c));
	assert_int_equal(nvm(c)->pin.tries, LIMIT);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	begin_update(c);
	assert_int_equal(rig_reopen(c), 0);
	select_vault(c);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_OK);
	begin_update(c);
	assert_int_equal(jz_commit(vault(c)), 0);
	assert_int_equal(rig_reopen(c), 0);
	select_vault(c);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), 0x63C4);
	assert_int_equal(
	    port_hex(&c->port, "00200000 03 777777", NULL), JZ_SW_OK);
	assert_int_equal(nvm(c)->pin.tries, 5);
}

/* A check after the update asks for the new PIN, and its tries go with it. */
static void
test_a_check_after_an_update_is_of_the_new_pin(void **state)
{
	struct rig_card *c = card_of(state);

	begin_update(c);
	assert_int_equal(check(c, "\x12\x34", 2), 0x63C4);
	assert_int_equal(check(c, NEW, sizeof(NEW)), JZ_SW_OK);
	assert_int_equal(check(c, "\x12\x34", 2), 0x63C4);
	assert_int_equal(jz_commit(vault(c)), 0);
	assert_int_equal(nvm(c)->pin.tries, 4);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->pin.tries, 4);
}

/* Without an end: 63Cx for ever, were the old PIN's tries to come back. */
static void
test_rolled_back_updates_give_no_tries(void **state)
{
	struct rig_card *c = card_of(state);
	static const uint8_t same[] = {0x12, 0x34};

	for (unsigned i = 1; i <= LIMIT; i++) {
		jz_begin(vault(c));
		jz_pin_update(vault(c), &nvm(c)->pin, jz_span(same, 2), 15);
		assert_int_equal(check(c, "\x99\x99", 2), 0x63CE);
		jz_abort(vault(c));
		assert_int_equal(nvm(c)->pin.limit, LIMIT);
		assert_int_equal(nvm(c)->pin.tries, LIMIT - i);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(nvm(c)->pin.tries, LIMIT - i);
		select_vault(c);
	}
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_BLOCKED);
	/* Nor does the right new one, nor an unblocking of it. */
	begin_update(c);
	assert_int_equal(check(c, NEW, sizeof(NEW)), JZ_SW_OK);
	assert_int_equal(jz_pin_unblock(vault(c), &nvm(c)->pin), 0);
	assert_int_equal(nvm(c)->pin.tries, 5);
	jz_abort(vault(c));
	assert_int_equal(nvm(c)->pin.tries, 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->pin.tries, 0);
}

/* proves: ALL-3.  Power cut at any byte of update, check, commit. */
static void
test_a_cut_in_such_a_transaction_leaves_no_more_tries(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	bool done = false;
	unsigned old = 0, new = 0;

	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		uint16_t sw;

		rig_restore(c, s);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		begin_update(c);
		sw = check(c, "\x99\x99", 2);
		done = jz_commit(vault(c)) == 0;
		assert_int_equal(rig_reopen(c), 0);
		if (nvm(c)->pin.limit == 5) {
			assert_int_equal(nvm(c)->pin.tries, 4);
			new ++;
		} else {
			/* Told apart, so counted. */
			assert_in_range(nvm(c)->pin.tries, LIMIT - 1,
			    sw == 0x63C4 ? LIMIT - 1 : LIMIT);
			old++;
		}
	}
	assert_true(old > 0 && new > 0);
	rig_snapshot_free(&s);
}

/* ---- power -------------------------------------------------------------- */

static uint16_t
verify_with_cut(struct rig_card *c, const struct rig_snapshot *s,
    const char *command, uint64_t cut_after, uint64_t keep)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	uint64_t was;
	uint16_t sw;

	rig_restore(c, s);
	plan.cut_after = cut_after;
	plan.keep = keep;
	jz_fault_plan(c->fault, &plan);
	was = jz_fault_counters(c->fault).bytes;
	sw = port_hex(&c->port, command, NULL);
	assert_int_equal(jz_fault_counters(c->fault).bytes - was, cut_after);
	return sw;
}

/* Bytes that the counting of a try writes. */
static uint64_t
bytes_of_wrong(struct rig_card *c, const struct rig_snapshot *s)
{
	uint64_t was;

	rig_restore(c, s);
	was = jz_fault_counters(c->fault).bytes;
	assert_int_equal(port_hex(&c->port, WRONG, NULL), 0x63C2);
	return jz_fault_counters(c->fault).bytes - was;
}

/*
 * With the power cut at any byte of the counting, right and wrong PIN look the
 * same: nothing was compared.  Once it is counted, no cut gives it back.
 * proves: ALL-3
 */
static void
test_a_cut_at_any_byte_of_verify_gives_no_try_back(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	uint64_t n = bytes_of_wrong(c, s);

	assert_true(n > 64);
	for (uint64_t at = 0; at <= n; at++) {
		for (uint64_t keep = 0; keep < 2; keep++) {
			assert_int_equal(
			    verify_with_cut(c, s, WRONG, at, keep - 1),
			    JZ_SW_MEMORY_FAILURE);
			assert_int_equal(rig_reopen(c), 0);
			assert_in_range(nvm(c)->pin.tries, LIMIT - 1, LIMIT);
			assert_int_equal(
			    verify_with_cut(c, s, RIGHT, at, keep - 1),
			    JZ_SW_MEMORY_FAILURE);
			assert_int_equal(*ok(c), 0);
			assert_int_equal(rig_reopen(c), 0);
			assert_in_range(nvm(c)->pin.tries, LIMIT - 1, LIMIT);
		}
	}
	/* The cut after the last byte, and not torn: counted. */
	verify_with_cut(c, s, WRONG, n, UINT64_MAX);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->pin.tries, LIMIT - 1);
	rig_snapshot_free(&s);
}

/* Between the counting and the giving back, a cut leaves the try counted. */
static void
test_a_cut_while_tries_are_given_back_leaves_the_try_counted(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	uint64_t n = bytes_of_wrong(c, s);

	for (uint64_t at = n + 1; at < 2 * n; at++) {
		assert_int_equal(
		    verify_with_cut(c, s, RIGHT, at, 0), JZ_SW_MEMORY_FAILURE);
		assert_int_equal(*ok(c), 0);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(nvm(c)->pin.tries, LIMIT - 1);
	}
	rig_snapshot_free(&s);
}

/* The last try, cut again and again: there is no fourth comparison. */
static void
test_cuts_in_a_row_never_give_more_tries_than_the_limit(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t tries = nvm(c)->pin.tries;
	uint64_t image = c->card.setup.nvm_bytes - jz_card_nvm_free(&c->card);
	unsigned answered = 0;

	for (uint64_t round = 0; round < 200; round++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		uint16_t sw;

		/* Also past the image, which a torn commit makes anew. */
		plan.cut_after = (round * 331) % (image + 400);
		plan.keep = round;
		jz_fault_plan(c->fault, &plan);
		sw = port_hex(&c->port, WRONG, NULL);
		answered += sw != JZ_SW_MEMORY_FAILURE;
		assert_int_equal(rig_reopen(c), 0);
		select_vault(c);
		assert_true(nvm(c)->pin.tries <= tries);
		tries = nvm(c)->pin.tries;
		if (tries == 0)
			break;
	}
	assert_int_equal(tries, 0);
	assert_true(answered <= LIMIT);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_BLOCKED);
}

static void
test_a_failed_sync_compares_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.fail_sync = 1;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(port_hex(&c->port, RIGHT, NULL), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(*ok(c), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_right_pin),
	    TEST(test_wrong_pins_count_down_to_blocked),
	    TEST(test_the_right_pin_gives_all_tries_back),
	    TEST(test_a_wrong_length_counts),
	    TEST(test_a_wrong_pin_takes_the_right_one_back),
	    TEST(test_unblock),
	    TEST(test_update_takes_only_what_can_be_counted),
	    TEST(test_no_transaction_gives_a_try_back),
	    TEST(test_an_update_takes_part_in_the_transaction),
	    TEST(test_a_check_after_an_update_is_of_the_new_pin),
	    TEST(test_rolled_back_updates_give_no_tries),
	    TEST(test_a_cut_in_such_a_transaction_leaves_no_more_tries),
	    TEST(test_a_cut_at_any_byte_of_verify_gives_no_try_back),
	    TEST(test_a_cut_while_tries_are_given_back_leaves_the_try_counted),
	    TEST(test_cuts_in_a_row_never_give_more_tries_than_the_limit),
	    TEST(test_a_failed_sync_compares_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
