/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command that changes the card, from several states of it, with the
 * power cut after bytes that it writes: the card is as before or as after,
 * never between, and the counter of INITIALIZE UPDATE never comes back.  After
 * some cuts a new session says the command again and is cut as well, also while
 * it folds away what was torn.
 *
 * JIAOZI_TEAR=full cuts at each byte with every subset of three unsynced
 * sectors, and all of them.
 *
 * proves: ALL-3
 */
#include "../../support/gpclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOTE_LOAD    "05F04E4F5445 05F04E4F5445 "
#define LEAVER	     5u /* gp_note() of what leaves, and of who hears of it */
#define HEIR	     6u
#define NOTES	     7u
#define STANDING_KVN 0x01 /* of a card whose initial keys were replaced */
#define SPARE_KVN    0x05
#define SUBSETS	     8u /* of three sectors: no record touches more */
/* Bytes between cuts.  Bounded: in a replacement, whose cuts are all alike. */
#define REPLACE_STEP 151u
/* Between the second ones of one first, and between the first ones that have
 * them, at least. */
#define SECOND_STEP	    97u
#define SECOND_STEP_BOUNDED 1021u
#define FIRST_STEP	    3u
#define COUNTER		    offsetof(struct manager_nvm, sequence)

/* What happened to the card before. */
enum prior {
	FRESH,	 /* two notes, the initial keys */
	FULL,	 /* four notes, two key sets */
	SECURED, /* the same, in that state */
	LOCKED,
	PRIORS
};

#define IN_FRESH   (1u << FRESH)
#define IN_FULL	   (1u << FULL)
#define IN_SECURED (1u << SECURED)
#define IN_LOCKED  (1u << LOCKED)
#define IN_OWN	   (IN_FULL | IN_SECURED) /* keys of its own */
#define IN_USE	   (IN_FRESH | IN_OWN)

struct row {
	const char *name;
	unsigned in;
	uint32_t header;
	const char *data; /* NULL: a key set of this version */
	uint8_t kvn;
	uint8_t gone; /* gp_note() that it deletes */
	/* Before it, in the same session. */
	uint32_t first_header;
	const char *first;
};

/* clang-format off */
static const struct row ROWS[] = {
	{"INITIALIZE UPDATE", IN_USE | IN_LOCKED, GP_AT_INITIALIZE(0), "", 0, 0, 0, NULL},
	{"INSTALL", IN_USE, GP_AT_INSTALL(0x0C), NOTE_LOAD "06F04E4F544507 0100 05C903AABBCC 00", 0, 0, 0, NULL},
	{"INSTALL, with quotas", IN_USE, GP_AT_INSTALL(0x0C), NOTE_LOAD "06F04E4F544507 0100 0CC900EF08C7020018C8020200 00", 0, 0, 0, NULL},
	{"INSTALL [for install]", IN_USE, GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544507 0100 02C900 00", 0, 0, 0, NULL},
	{"INSTALL [for make selectable]", IN_USE, GP_AT_INSTALL(0x08), "00 00 06F04E4F544508 0104 00 00", 0, 0,
	    GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544508 0100 02C900 00"},
	{"DELETE", IN_USE, GP_AT_DELETE, "4F06F04E4F544501", 0, 1, 0, NULL},
	{"DELETE, one among several", IN_OWN, GP_AT_DELETE, "4F06F04E4F544503", 0, 3, 0, NULL},
	{"DELETE, one that writes", IN_USE, GP_AT_DELETE, "4F06F04E4F544505", 0, LEAVER, 0, NULL},
	{"DELETE, key set", IN_OWN, GP_AT_DELETE, "D20105", 0, 0, 0, NULL},
	{"SET STATUS, card initialized", IN_FRESH, GP_AT_SET_CARD(0x07), "", 0, 0, 0, NULL},
	{"SET STATUS, card initialised", IN_FRESH | IN_FULL, GP_AT_SET_CARD(0x07), "", 0, 0, 0, NULL},
	{"SET STATUS, card locked", IN_SECURED, GP_AT_SET_CARD(0x7F), "", 0, 0, 0, NULL},
	{"SET STATUS, card unlocked", IN_LOCKED, GP_AT_SET_CARD(0x0F), "", 0, 0, 0, NULL},
	{"SET STATUS, card terminated", IN_USE | IN_LOCKED, GP_AT_SET_CARD(0xFF), "", 0, 0, 0, NULL},
	{"SET STATUS, application locked", IN_USE | IN_LOCKED, GP_AT_SET_APP(0x83), "F04E4F544502", 0, 0, 0, NULL},
	{"SET STATUS, application unlocked", IN_USE | IN_LOCKED, GP_AT_SET_APP(0x07), "F04E4F544502", 0, 0,
	    GP_AT_SET_APP(0x83), "F04E4F544502"},
	{"PUT KEY, first", IN_FRESH, GP_AT_PUT_KEY(0), NULL, 0x01, 0, 0, NULL},
	{"PUT KEY, initial set by name", IN_FRESH, GP_AT_PUT_KEY(0xFF), NULL, 0x02, 0, 0, NULL},
	{"PUT KEY, one more", IN_OWN, GP_AT_PUT_KEY(0), NULL, 0x03, 0, 0, NULL},
	{"PUT KEY, in place of another", IN_OWN, GP_AT_PUT_KEY(SPARE_KVN), NULL, 0x07, 0, 0, NULL},
	{"PUT KEY, in place of the session's", IN_OWN, GP_AT_PUT_KEY(STANDING_KVN), NULL, 0x07, 0, 0, NULL},
	{"STORE DATA, own", IN_FRESH | IN_FULL, GP_AT_STORE(0x90, 0), "4203123456 4508 0011223344556677", 0, 0, 0, NULL},
	{"STORE DATA, application", IN_USE, GP_AT_STORE(0x91, 0), "0102030405", 0, 0,
	    GP_AT_INSTALL(0x20), "00 00 06F04E4F544501 00 00 00"},
};
/* clang-format on */

#define N_ROWS (sizeof(ROWS) / sizeof(ROWS[0]))

static struct rig rig;
static bool full;

static int
set_up(void **state)
{
	const char *mode = getenv("JIAOZI_TEAR");

	(void)state;
	full = mode != NULL && strcmp(mode, "full") == 0;
	rig_new(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

/* ---- a class whose instances write when they go ------------------------- */

static uint16_t
leave_install(struct jz_applet *self, struct jz_span params)
{
	(void)self;
	(void)params;
	return JZ_SW_OK;
}

static uint16_t
leave_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_INS;
}

static uint16_t
leave_uninstall(struct jz_applet *self)
{
	const struct note_nvm *n = self->nvm;
	const struct jz_aid heir = gp_note(HEIR);
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(jz_fill(self, n->block, 0x5A, sizeof(n->block)), 0);
	return jz_call(self, &heir, 1, jz_span("bye", 3), &out);
}

static uint16_t
leave_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out)
{
	const struct note_nvm *n = self->nvm;

	(void)client;
	(void)function;
	(void)out;
	return jz_runtime_status(jz_write(self, n->block, in.data, in.len));
}

static const struct jz_applet_class LEAVE_CLASS = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "leave",
    .aid = {6, {0xF0, 'L', 'E', 'A', 'V', 'E'}},
    .nvm_bytes = sizeof(struct note_nvm),
    .multi_selectable = true,
    .install = leave_install,
    .process = leave_process,
    .uninstall = leave_uninstall,
    .service = leave_service,
};

/* ---- cards -------------------------------------------------------------- */

static void
add_leaver(struct rig_card *c, unsigned number)
{
	const struct jz_aid aid = gp_note((uint8_t)number);

	assert_int_equal(
	    jz_card_install(&c->card, &LEAVE_CLASS.aid, &aid, jz_span(NULL, 0)),
	    JZ_SW_OK);
}

static void
put(struct gp *g, uint8_t kvn)
{
	struct jz_scp03_keys keys = gp_keys(kvn);
	struct blob b = gp_put_key_data(g, kvn, &keys);

	assert_int_equal(
	    gp_send(g, GP_AT_PUT_KEY(0), blob_span(&b), NULL), JZ_SW_OK);
}

static void
says(struct gp *g, uint32_t header, const char *data)
{
	assert_int_equal(gp_hex(g, header, data, NULL), JZ_SW_OK);
}

static void
make_full(struct gp *g)
{
	gp_add_note(g, 3);
	gp_add_note(g, 4);
	says(g, GP_AT_INSTALL(0x20), "00 00 06F04E4F544504 00 00 00");
	says(g, GP_AT_STORE(0x80, 0), "0A0B0C0D0E0F");
	put(g, STANDING_KVN);
	put(g, SPARE_KVN);
}

/* A card with this behind it, and a session. */
static struct rig_card *
card_in(enum prior prior, struct gp *g)
{
	static const struct jz_applet_class *const classes[] = {
	    &jz_manager_class, &gp_note_class, &LEAVE_CLASS};
	struct rig_card *c = gp_card_new(&rig, true);

	c->setup.classes = c->card.setup.classes = classes;
	c->setup.n_classes = c->card.setup.n_classes = 3;
	add_leaver(c, LEAVER);
	add_leaver(c, HEIR);
	*g = gp_host(c);
	gp_login(g);
	gp_add_note(g, 1);
	gp_add_note(g, 2);
	if (prior != FRESH)
		make_full(g);
	if (prior == SECURED || prior == LOCKED) {
		says(g, GP_AT_SET_CARD(0x07), "");
		says(g, GP_AT_SET_CARD(0x0F), "");
	}
	if (prior == LOCKED)
		says(g, GP_AT_SET_CARD(0x7F), "");
	return c;
}

/* ---- one command -------------------------------------------------------- */

struct trial {
	const struct row *row;
	enum prior prior;
	struct rig_card *card;
	struct gp host, was;
	struct rig_snapshot *start;
	uint8_t before[32], after[32]; /* without the counter */
	uint32_t counter_before, counter_after;
	uint64_t bytes;
	bool replaces;
	unsigned kept, points;
};

static unsigned second_cuts, folds_cut;

static bool
is_begin(const struct row *row)
{
	return row->header == GP_AT_INITIALIZE(0);
}

static uint16_t
begin(struct gp *g, enum prior prior)
{
	struct jz_scp03_keys keys =
	    prior == FRESH ? gp_test_keys() : gp_keys(STANDING_KVN);

	return gp_begin(
	    g, prior == FRESH ? JZ_GP_KVN_INITIAL : STANDING_KVN, &keys);
}

static uint16_t
carry_out(struct trial *t)
{
	const struct row *row = t->row;
	struct jz_scp03_keys keys = gp_keys(row->kvn);
	struct blob b;

	if (is_begin(row))
		return begin(&t->host, t->prior);
	if (row->data != NULL)
		return gp_hex(&t->host, row->header, row->data, NULL);
	b = gp_put_key_data(&t->host, row->kvn, &keys);
	return gp_send(&t->host, row->header, blob_span(&b), NULL);
}

static uint32_t
counter(const struct trial *t)
{
	return gp_nvm(t->card)->sequence;
}

/* The persistent state, but for the counter. */
static void
hash(const struct trial *t, uint8_t out[static 32])
{
	static _Alignas(8) uint8_t image[RIG_NVM_BYTES];
	struct jz_card copy = t->card->card;
	size_t at = (size_t)((const uint8_t *)gp_nvm(t->card) - t->card->nvm);

	memcpy(image, t->card->nvm, sizeof(image));
	memset(image + at + COUNTER, 0, sizeof(uint32_t));
	copy.setup.nvm = image;
	assert_int_equal(jz_card_image_hash(&copy, out), 0);
}

static void
has_notes(const struct trial *t, unsigned gone)
{
	unsigned last = t->prior == FRESH ? 2 : 4;

	for (unsigned i = 1; i < NOTES; i++) {
		struct jz_aid aid = gp_note((uint8_t)i);
		struct jz_app_info info;

		assert_int_equal(
		    manager_find_app(&t->card->card.applet[0], &aid, &info),
		    i != gone && (i <= last || i >= LEAVER));
	}
}

/* Says the command once, whole: what is after, and how much it writes. */
static void
measure(struct trial *t)
{
	struct jz_fault_count was = jz_fault_counters(t->card->fault), now;
	uint16_t sw;

	hash(t, t->before);
	t->counter_before = counter(t);
	has_notes(t, 0);
	t->start = rig_save(t->card);
	t->was = t->host;
	if ((sw = carry_out(t)) != JZ_SW_OK)
		fail_msg("%s: %04X", t->row->name, sw);
	now = jz_fault_counters(t->card->fault);
	t->bytes = now.bytes - was.bytes;
	t->replaces = now.replaces != was.replaces;
	hash(t, t->after);
	t->counter_after = counter(t);
	has_notes(t, t->row->gone);
	assert_int_equal(memcmp(t->before, t->after, sizeof(t->before)) == 0,
	    is_begin(t->row));
	assert_int_equal(
	    t->counter_after, t->counter_before + is_begin(t->row));
}

static bool
is_like(const struct trial *t, const uint8_t image[static 32])
{
	uint8_t now[32];

	hash(t, now);
	return memcmp(now, image, sizeof(now)) == 0;
}

static bool
is_after(const struct trial *t)
{
	return is_like(t, t->after) && counter(t) == t->counter_after;
}

static bool
is_before(const struct trial *t)
{
	return is_like(t, t->before) && counter(t) == t->counter_before;
}

static void
plan(const struct trial *t, uint64_t at, uint64_t keep)
{
	struct jz_fault_plan p = JZ_FAULT_NO_PLAN;

	p.cut_after = at;
	p.keep = keep;
	jz_fault_plan(t->card->fault, &p);
}

static void
reopen(const struct trial *t, uint64_t at)
{
	if (rig_reopen(t->card) != 0)
		fail_msg("%s: does not open after %u bytes", t->row->name,
		    (unsigned)at);
}

/* Power fails at this byte. */
static void
cut(struct trial *t, uint64_t at, uint64_t keep)
{
	uint16_t sw;

	rig_restore(t->card, t->start);
	t->host = t->was;
	plan(t, at, keep);
	sw = carry_out(t);
	reopen(t, at);
	t->points++;
	if (is_after(t))
		t->kept++;
	else if (!is_before(t) || sw == JZ_SW_OK)
		fail_msg("%s: between, or lost, after %u bytes", t->row->name,
		    (unsigned)at);
}

/* ---- a second cut ------------------------------------------------------- */

/* What a session says, until the card fails; the counter last answered. */
static uint16_t
say_again(struct trial *t, uint32_t *answered)
{
	const struct row *row = t->row;
	uint32_t next;
	uint16_t sw;

	t->host = gp_host(t->card);
	if ((sw = begin(&t->host, t->prior)) != JZ_SW_OK)
		return sw;
	next = (uint32_t)jz_get_be(t->host.sequence, sizeof(t->host.sequence));
	assert_true(next > *answered);
	*answered = next;
	if ((sw = gp_authenticate(&t->host, GP_LEVEL_ALL)) != JZ_SW_OK)
		return sw;
	if (row->first_header == GP_AT_INSTALL(0x20) &&
	    (sw = gp_hex(&t->host, row->first_header, row->first, NULL)) !=
		JZ_SW_OK)
		return sw;
	return carry_out(t);
}

/* Of the card after a second cut; `least`: what the counter has reached. */
static void
check_second(const struct trial *t, uint32_t least, uint64_t at)
{
	if (counter(t) < least)
		fail_msg("%s: the counter comes back", t->row->name);
	if (!is_like(t, t->before) && !is_like(t, t->after))
		fail_msg("%s: between, after a second cut at %u", t->row->name,
		    (unsigned)at);
}

/* A new session says it all again and is cut, in the folding as well. */
static void
cut_again(struct trial *t, uint64_t first, uint64_t step)
{
	struct rig_snapshot *torn = rig_save(t->card);
	bool is_cut = true;

	for (uint64_t at = first % step; is_cut; at += step) {
		struct jz_fault_count was = jz_fault_counters(t->card->fault);
		struct jz_fault_count now;
		uint32_t least = counter(t);
		uint16_t sw;

		plan(t, at, at);
		sw = say_again(t, &least);
		now = jz_fault_counters(t->card->fault);
		is_cut = jz_fault_is_cut(t->card->fault);
		assert_int_equal(sw == JZ_SW_OK, !is_cut);
		reopen(t, at);
		check_second(t, least, at);
		assert_true(is_cut || is_like(t, t->after));
		second_cuts += is_cut;
		/* nothing was written but an image */
		folds_cut += is_cut && now.appends == was.appends &&
		    now.replaces != was.replaces;
		if (is_cut)
			rig_restore(t->card, torn);
	}
	rig_snapshot_free(&torn);
}

/* ---- all of them -------------------------------------------------------- */

/* Which unsynced sectors survive, one way after another.  Bounded: none, all,
 * and some that change with the byte. */
static uint64_t
sectors(const struct trial *t, unsigned way, uint64_t at)
{
	if (way == 0 || t->replaces)
		return UINT64_MAX;
	return full ? way - 1 : way == 1 ? 0 : at;
}

static void
cut_everywhere(struct trial *t)
{
	unsigned ways = t->replaces ? 1 : full ? 1 + SUBSETS : 3;
	uint64_t step = t->replaces && !full ? REPLACE_STEP : 1;
	uint64_t apart = t->bytes / (full ? 16 : 2) + FIRST_STEP, next = 1;

	for (uint64_t at = 0; at <= t->bytes; at += step) {
		/* the last bytes of a replacement count most */
		if (step > 1 && at + step >= t->bytes)
			step = 1 + (t->bytes - at) / 4;
		for (unsigned way = 0; way < ways; way++)
			cut(t, at, sectors(t, way, at));
		if (at < next)
			continue;
		next = at + apart;
		cut(t, at, sectors(t, 0, at));
		if (is_before(t))
			cut_again(
			    t, at, full ? SECOND_STEP : SECOND_STEP_BOUNDED);
	}
	assert_in_range(t->kept, 1, t->points - 1);
}

static unsigned
try_row(const struct row *row, enum prior prior)
{
	struct trial t = {.row = row, .prior = prior};

	t.card = card_in(prior, &t.host);
	if (row->first != NULL)
		says(&t.host, row->first_header, row->first);
	measure(&t);
	cut_everywhere(&t);
	rig_snapshot_free(&t.start);
	rig_card_free(&t.card);
	return t.points;
}

static void
before_or_after_and_never_between(void **state)
{
	unsigned points = 0, said = 0;

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++)
		for (unsigned p = 0; p < PRIORS; p++)
			if ((ROWS[i].in & 1u << p) != 0) {
				points += try_row(&ROWS[i], (enum prior)p);
				said++;
			}
	print_message("          %u commands, %u cuts, %u second cuts, %u of "
		      "them folding\n",
	    said, points, second_cuts, folds_cut);
	assert_true(points > 5000 && second_cuts > 200 && folds_cut > 100);
}

/* A store that fails is told as such, and the card is mute. */
static void
fails(const struct row *row, enum prior prior)
{
	struct trial t = {.row = row, .prior = prior};
	struct jz_fault_plan p = JZ_FAULT_NO_PLAN;

	t.card = card_in(prior, &t.host);
	if (row->first != NULL)
		says(&t.host, row->first_header, row->first);
	p.fail_sync = 1;
	/* deletion replaces the storage, which has no sync to fail */
	if (row->header == GP_AT_DELETE)
		p.cut_after = 0;
	jz_fault_plan(t.card->fault, &p);
	assert_int_equal(carry_out(&t), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(
	    gp_select(&t.host, &GP_ISD, NULL), JZ_SW_MEMORY_FAILURE);
	rig_card_free(&t.card);
}

static void
a_failed_store_is_6581(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++)
		for (unsigned p = 0; p < PRIORS; p++)
			if ((ROWS[i].in & 1u << p) != 0)
				fails(&ROWS[i], (enum prior)p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(before_or_after_and_never_between),
	    cmocka_unit_test(a_failed_store_is_6581),
	};

	return cmocka_run_group_tests_name("power", tests, set_up, tear_down);
}
