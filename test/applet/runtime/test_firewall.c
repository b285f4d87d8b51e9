/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firewall: Java Card 3 JCRE 6.  Whatever an applet hands to the runtime,
 * only its own memory is changed, and no other applet's is read.
 */
#include "card_bench.h"

#define TEXT_BYTES 512u

struct cell_nvm {
	struct jz_nvm_head head;
	struct jz_pin pin;
	uint8_t reserved[4];
	uint8_t text[TEXT_BYTES];
};

static uint16_t
cell_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_OK;
}

/* The question, if it comes. */
static uint16_t
cell_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out)
{
	(void)self;
	(void)client;
	(void)function;
	jz_put(out, in.data, in.len);
	return JZ_SW_OK;
}

static const struct jz_applet_class CELL = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "cell",
    .aid = {6, {0xF0, 'C', 'E', 'L', 'L', 1}},
    .nvm_bytes = sizeof(struct cell_nvm),
    .cor_bytes = 16,
    .cod_bytes = 16,
    .multi_selectable = true,
    .process = cell_process,
    .service = cell_service,
};
static const struct jz_applet_class NEIGHBOUR = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "neighbour",
    .aid = {6, {0xF0, 'C', 'E', 'L', 'L', 2}},
    .nvm_bytes = sizeof(struct cell_nvm),
    .cor_bytes = 16,
    .cod_bytes = 16,
    .multi_selectable = true,
    .process = cell_process,
    .service = cell_service,
};
static const struct jz_applet_class *const CLASSES[] = {&CELL, &NEIGHBOUR};

/* Both selected, each on a channel: so both have all kinds of memory. */
static int
setup(void **state)
{
	struct rig_card *c;

	bench_new(state, CLASSES, 2);
	c = card_of(state);
	assert_int_equal(select_on(c, &CELL.aid, 0), JZ_SW_OK);
	assert_int_equal(select_on(c, &NEIGHBOUR.aid, 1), JZ_SW_OK);
	return 0;
}

static struct jz_applet *
cell(struct rig_card *c)
{
	return &c->card.applet[0];
}

static struct jz_applet *
neighbour(struct rig_card *c)
{
	return &c->card.applet[1];
}

static const struct cell_nvm *
nvm(struct rig_card *c)
{
	return (const struct cell_nvm *)cell(c)->nvm;
}

/* ---- where an applet may not write -------------------------------------- */

struct place {
	const uint8_t *at;
	size_t len;
};

#define PLACES 13

static void
list_places(struct rig_card *c, struct place *out)
{
	static uint8_t elsewhere[64];
	const uint8_t *from = cell(c)->nvm;
	const uint8_t *end = from + sizeof(struct cell_nvm);
	const uint8_t *other = neighbour(c)->nvm;
	const struct place places[PLACES] = {
	    {from, 1},
	    {from + sizeof(struct jz_nvm_head) - 1, 1},
	    {from + sizeof(struct jz_nvm_head) - 1, 20},
	    {from - 1, 1},
	    {c->nvm, 16},
	    {end, 1},
	    {end - 1, 2},
	    {other + sizeof(struct jz_nvm_head), 8},
	    {elsewhere, 8},
	    {cell(c)->cor, 8}, /* written directly, not by calls */
	    {cell(c)->cod, 8},
	    {neighbour(c)->cor, 8},
	    {NULL, 1},
	};

	memcpy(out, places, sizeof(places));
}

static int
by_write(struct jz_applet *a, const void *p, size_t len)
{
	static const uint8_t ones[32] = {1, 1, 1, 1};

	return jz_write(a, p, ones, len);
}

static int
by_fill(struct jz_applet *a, const void *p, size_t len)
{
	return jz_fill(a, p, 1, len);
}

static int
by_write_now(struct jz_applet *a, const void *p, size_t len)
{
	static const uint8_t ones[JZ_PIN_MAX] = {1, 1, 1, 1};

	return jz_write_now(a, p, ones, len > JZ_PIN_MAX ? 2 : len);
}

static int
by_write_nonatomic(struct jz_applet *a, const void *p, size_t len)
{
	static const uint8_t ones[32] = {1, 1, 1, 1};

	return jz_write_nonatomic(a, p, ones, len);
}

static int
by_pin_update(struct jz_applet *a, const void *p, size_t len)
{
	(void)len;
	return jz_pin_update(a, p, jz_span((const uint8_t *)"1234", 4), 3);
}

static int
by_pin_unblock(struct jz_applet *a, const void *p, size_t len)
{
	(void)len;
	return jz_pin_unblock(a, p);
}

static int
by_pin_check(struct jz_applet *a, const void *p, size_t len)
{
	uint8_t validated = 7;
	uint16_t sw;

	(void)len;
	sw =
	    jz_pin_check(a, p, &validated, jz_span((const uint8_t *)"1234", 4));
	assert_int_equal(sw, JZ_SW_UNKNOWN);
	assert_int_equal(validated, 0);
	return JZ_ERR_ARGUMENT;
}

static int (*const CALLS[])(struct jz_applet *, const void *, size_t) = {
    by_write, by_fill, by_write_now, by_write_nonatomic, by_pin_update,
    by_pin_unblock, by_pin_check};
#define N_CALLS (sizeof(CALLS) / sizeof(CALLS[0]))

static void
test_no_call_writes_outside_the_own_memory(void **state)
{
	struct rig_card *c = card_of(state);
	struct place places[PLACES];
	struct rig_snapshot *s = rig_save(c);
	uint8_t ram[RIG_RAM_BYTES];

	list_places(c, places);
	memcpy(ram, c->ram, sizeof(ram));
	for (size_t k = 0; k < N_CALLS; k++)
		for (size_t i = 0; i < PLACES; i++) {
			assert_int_equal(
			    CALLS[k](cell(c), places[i].at, places[i].len),
			    JZ_ERR_ARGUMENT);
			assert_true(rig_unchanged(c, s));
			assert_memory_equal(ram, c->ram, sizeof(ram));
		}
	/* What is refused to one is allowed to the other. */
	assert_int_equal(by_write(neighbour(c), places[7].at, 8), 0);
	rig_snapshot_free(&s);
}

static void
test_a_refused_call_spoils_the_transaction(void **state)
{
	struct rig_card *c = card_of(state);
	struct place places[PLACES];
	struct rig_snapshot *s = rig_save(c);

	list_places(c, places);
	for (size_t k = 0; k < N_CALLS; k++) {
		assert_int_equal(jz_begin(cell(c)), 0);
		assert_int_equal(jz_write(cell(c), nvm(c)->text, "a", 1), 0);
		CALLS[k](cell(c), places[7].at, places[7].len);
		assert_int_equal(jz_commit_capacity_left(cell(c)), 0);
		assert_int_equal(
		    jz_write(cell(c), nvm(c)->text, "b", 1), JZ_ERR_ARGUMENT);
		assert_int_equal(jz_commit(cell(c)), JZ_ERR_ARGUMENT);
		assert_true(rig_unchanged(c, s));
	}
	rig_snapshot_free(&s);
}

static void
test_the_first_error_stays(void **state)
{
	static const uint8_t big[JZ_JOURNAL_BYTES + 1];
	struct rig_card *c = card_of(state);

	jz_begin(cell(c));
	jz_write(cell(c), c->nvm, "a", 1);
	jz_fill(cell(c), nvm(c)->text, 0, TEXT_BYTES);
	assert_int_equal(
	    jz_write(cell(c), nvm(c)->text, big, sizeof(big)), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_commit(cell(c)), JZ_ERR_ARGUMENT);
	jz_begin(cell(c));
	for (unsigned i = 0; i <= JZ_JOURNAL_PATCHES; i++)
		jz_write(cell(c), nvm(c)->text, "a", 1);
	assert_int_equal(jz_write(cell(c), c->nvm, "a", 1), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_commit(cell(c)), JZ_ERR_CARD_FULL);
}

static void
test_write_now_takes_a_counter_and_no_more(void **state)
{
	struct rig_card *c = card_of(state);
	static const uint8_t ones[JZ_PIN_MAX + 1] = {1};

	jz_begin(cell(c));
	assert_int_equal(
	    jz_write_now(cell(c), nvm(c)->text, ones, JZ_PIN_MAX), 0);
	assert_int_equal(
	    jz_write_now(cell(c), nvm(c)->text, ones, JZ_PIN_MAX + 1),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(jz_commit(cell(c)), JZ_ERR_ARGUMENT);
}

/* ---- what an applet may not hand over ----------------------------------- */

static void
test_no_call_reads_another_applets_memory(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *own = cell(c)->nvm, *other = neighbour(c)->nvm;
	const struct place places[] = {
	    {c->nvm, 4},
	    {other, 8},
	    {other + 40, 8},
	    {own - 1, 2},
	    {own + sizeof(struct cell_nvm) - 1, 2},
	    {neighbour(c)->cor, 4},
	    {neighbour(c)->cod, 4},
	    {(const uint8_t *)cell(c)->cor + 12, 8},
	    {(const uint8_t *)cell(c)->cod + 12, 8},
	    {NULL, 4},
	};
	uint8_t bytes[64];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	struct rig_snapshot *s = rig_save(c);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *p = &places[i];

		assert_int_equal(jz_write(cell(c), nvm(c)->text, p->at, p->len),
		    JZ_ERR_ARGUMENT);
		assert_int_equal(
		    jz_write_now(cell(c), nvm(c)->text, p->at, p->len),
		    JZ_ERR_ARGUMENT);
		assert_int_equal(
		    jz_write_nonatomic(cell(c), nvm(c)->text, p->at, p->len),
		    JZ_ERR_ARGUMENT);
		assert_int_equal(jz_call(cell(c), &NEIGHBOUR.aid, 0,
				     jz_span(p->at, p->len), &out),
		    JZ_SW_UNKNOWN);
		assert_int_equal(out.len, 0);
		assert_true(rig_unchanged(c, s));
	}
	rig_snapshot_free(&s);
}

static void
test_own_memory_may_be_handed_over(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t bytes[64];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	memcpy(cell(c)->cor, "reset...", 8);
	memcpy(cell(c)->cod, "deselect", 8);
	assert_int_equal(jz_write(cell(c), nvm(c)->text, cell(c)->cor, 16), 0);
	assert_memory_equal(nvm(c)->text, "reset...", 8);
	assert_int_equal(jz_write(cell(c), nvm(c)->text, cell(c)->cod, 16), 0);
	assert_memory_equal(nvm(c)->text, "deselect", 8);
	assert_int_equal(
	    jz_write(cell(c), nvm(c)->text + 4, nvm(c)->text, 8), 0);
	assert_memory_equal(nvm(c)->text, "desedeselect", 12);
	assert_int_equal(
	    jz_write(cell(c), nvm(c)->text, &nvm(c)->head.aid, 6), 0);
	assert_memory_equal(nvm(c)->text, CELL.aid.bytes, 6);
	assert_int_equal(
	    jz_call(cell(c), &NEIGHBOUR.aid, 0, jz_span(nvm(c)->text, 6), &out),
	    JZ_SW_OK);
	assert_memory_equal(bytes, CELL.aid.bytes, 6);
}

/* ---- what a call answers into, and who calls ----------------------------- */

/* Names and places for an answer are memory, too. */
static void
test_no_call_answers_into_another_applets_memory(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *at = ((const struct cell_nvm *)neighbour(c)->nvm)->text;
	const void **place = (const void **)(uintptr_t)at;
	static struct jz_buffer out; /* its padding is written, too */
	uint8_t bytes[64];
	struct rig_snapshot *s;

	out.data = bytes;
	out.cap = sizeof(bytes);
	assert_int_equal(jz_write(neighbour(c), at, &out, sizeof(out)), 0);
	s = rig_save(c);
	assert_int_equal(jz_nvm_take(cell(c), 0, place), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_nvm_take(cell(c), 99999, place), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_call(cell(c), &NEIGHBOUR.aid, 0, jz_span("a", 1),
			     (struct jz_buffer *)(uintptr_t)at),
	    JZ_SW_UNKNOWN);
	assert_true(rig_unchanged(c, s));
	assert_int_equal(out.len, 0);
	rig_snapshot_free(&s);
}

static void
test_no_call_takes_a_name_from_another_applets_memory(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *at = ((const struct cell_nvm *)neighbour(c)->nvm)->text;
	const struct jz_aid *name = (const struct jz_aid *)(uintptr_t)at;
	uint8_t bytes[64];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(
	    jz_write(neighbour(c), at, &NEIGHBOUR.aid, sizeof(*name)), 0);
	assert_int_equal(
	    jz_call(cell(c), name, 0, jz_span("a", 1), &out), JZ_SW_UNKNOWN);
	assert_int_equal(out.len, 0);
	assert_int_equal(jz_register(cell(c), name), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_register(neighbour(c), name), JZ_ERR_STATE);
}

/* Whatever is handed over and is not the applet's, the transaction is lost: a
 * handler that looks at its commit alone sees it. */
static void
test_every_refused_call_spoils_the_transaction(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t *other = (uint8_t *)(uintptr_t)neighbour(c)->nvm + 40;
	struct jz_span pin = jz_span((const uint8_t *)"1234", 4);
	uint8_t bytes[64], ok;
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(jz_begin(cell(c)), 0);
		switch (i) {
		case 0:
			jz_nvm_take(cell(c), 0, (const void **)(void *)other);
			break;
		case 1:
			jz_call(cell(c), &NEIGHBOUR.aid, 0, jz_span(other, 1),
			    &out);
			break;
		case 2:
			jz_pin_update(
			    cell(c), &nvm(c)->pin, jz_span(other, 4), 3);
			break;
		case 3:
			jz_pin_check(cell(c), &nvm(c)->pin, other, pin);
			break;
		case 4:
			jz_pin_check(
			    cell(c), &nvm(c)->pin, &ok, jz_span(other, 4));
			break;
		case 5:
			assert_int_equal(
			    jz_card_random(cell(c), other, 8), JZ_ERR_ARGUMENT);
			break;
		default:
			jz_register(
			    cell(c), (const struct jz_aid *)(void *)other);
			break;
		}
		if (jz_commit(cell(c)) != JZ_ERR_ARGUMENT)
			fail_msg("call %u does not spoil", i);
	}
	/* A PIN that cannot be is as good as not written. */
	assert_int_equal(jz_begin(cell(c)), 0);
	assert_int_equal(
	    jz_pin_update(cell(c), &nvm(c)->pin, pin, 0), JZ_ERR_RANGE);
	assert_int_equal(jz_commit(cell(c)), JZ_ERR_RANGE);
}

/* In the name of its neighbour, which stands beside it: what would it write? */
static struct rig_card *forger_card;
static unsigned forged;

static uint16_t
forge(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_applet *other = neighbour(forger_card);
	const struct cell_nvm *n = (const struct cell_nvm *)other->nvm;
	uint8_t bytes[16], ok = 0;
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	struct jz_span pin = jz_span((const uint8_t *)"1234", 4);
	const void *p;

	(void)self;
	(void)apdu;
	forged += jz_write(other, n->text, "mine", 4) == 0;
	forged += jz_fill(other, n->text, 1, 4) == 0;
	forged += jz_write_now(other, n->text, "mine", 4) == 0;
	forged += jz_write_nonatomic(other, n->text, "mine", 4) == 0;
	forged += jz_pin_update(other, &n->pin, pin, 3) == 0;
	forged += jz_pin_unblock(other, &n->pin) == 0;
	forged += jz_pin_check(other, &n->pin, &ok, pin) != JZ_SW_UNKNOWN;
	forged += jz_nvm_take(other, 0, &p) == 0;
	forged += jz_set_state(other, 0x0F) == 0;
	forged +=
	    jz_call(other, &CELL.aid, 0, jz_span("a", 1), &out) == JZ_SW_OK;
	return JZ_SW_OK;
}

static void
test_nobody_calls_in_anothers_name(void **state)
{
	static struct jz_applet_class forger;
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);

	forger = CELL;
	forger.process = forge;
	forger_card = c;
	forged = 0;
	cell(c)->class = &forger;
	assert_int_equal(port_hex(&c->port, "80010000", NULL), JZ_SW_OK);
	assert_int_equal(forged, 0);
	assert_true(rig_unchanged(c, s));
	rig_snapshot_free(&s);
}

/* ---- what was taken ------------------------------------------------------ */

static void
test_memory_that_is_not_taken_is_not_the_applets(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_install order = {0};
	struct jz_applet *a = &c->card.applet[2];
	const uint8_t *behind;
	const void *p;

	order.module = CELL.aid;
	order.instance = (struct jz_aid){6, {0xF0, 'C', 'E', 'L', 'L', 3}};
	order.selectable = true;
	order.nvm_quota = sizeof(struct cell_nvm) + 64;
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	behind = (const uint8_t *)a->nvm + sizeof(struct cell_nvm);
	for (size_t k = 0; k < N_CALLS; k++)
		assert_int_equal(CALLS[k](a, behind, 8), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_nvm_take(a, 32, &p), 0);
	assert_ptr_equal(p, behind);
	for (size_t k = 0; k < 4; k++)
		assert_int_equal(CALLS[k](a, behind, 8), 0);
	assert_int_equal(by_write(a, behind + 31, 1), 0);
	assert_int_equal(by_write(a, behind + 31, 2), JZ_ERR_ARGUMENT);
	assert_int_equal(by_pin_update(a, p, 0), 0);
	assert_int_equal(by_pin_unblock(a, p, 0), 0);
	assert_int_equal(by_pin_update(a, behind + 13, 0), JZ_ERR_ARGUMENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_no_call_writes_outside_the_own_memory),
	    T(test_a_refused_call_spoils_the_transaction),
	    T(test_the_first_error_stays),
	    T(test_write_now_takes_a_counter_and_no_more),
	    T(test_no_call_reads_another_applets_memory),
	    T(test_own_memory_may_be_handed_over),
	    T(test_no_call_answers_into_another_applets_memory),
	    T(test_no_call_takes_a_name_from_another_applets_memory),
	    T(test_every_refused_call_spoils_the_transaction),
	    T(test_nobody_calls_in_anothers_name),
	    T(test_memory_that_is_not_taken_is_not_the_applets),
	};

	return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
