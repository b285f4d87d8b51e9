/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels, applets and transient memory against a model: a long walk of
 * commands drawn from a seed.  After each one the card has selected what the
 * model has, and every block of transient memory holds what was put there.
 */
#include "../../../apdu/apdu.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS	6000u
#define N_NAMES 6
#define MANAGED 6 /* channels that the walk uses; few, so that they meet */
#define UNKNOWN 'z'
#define NO_MARK 0

/* s is the domain, on channel 0 for good; a, b single; m, n multi; d the
 * default, multi. */
static const char NAMES[N_NAMES] = {'s', 'a', 'b', 'm', 'n', 'd'};

struct model {
	uint32_t random;
	bool open[JZ_MAX_CHANNELS];
	char selected[JZ_MAX_CHANNELS]; /* PROBE_NOTHING */
	uint8_t cod[JZ_MAX_CHANNELS];	/* mark; NO_MARK: zeroed */
	uint8_t cor[N_NAMES];
	bool there[N_NAMES], locked[N_NAMES];
	/* What the card is known to be able to give: counted to be sure that
	 * the walk has been everywhere. */
	unsigned seen[9];
};

enum {
	SEEN_OK,
	SEEN_CONDITIONS,
	SEEN_FILE,
	SEEN_SPACE,
	SEEN_FUNCTION,
	SEEN_UNCHANGED,
	SEEN_CHANNEL,
	SEEN_REFERENCE,
};

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct model m;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->rig.loose = true; /* memory is counted to the block */
	f->card = probe_card_new(&f->rig, 0);
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

/* Numerical Recipes' generator; the high bits are good enough. */
static unsigned
draw(struct model *m, unsigned below)
{
	m->random = m->random * 1664525u + 1013904223u;
	return (m->random >> 8) % below;
}

static unsigned
index_of(char name)
{
	const char *at = memchr(NAMES, name, N_NAMES);

	assert_non_null(at);
	return (unsigned)(at - NAMES);
}

static bool
is_single(char name)
{
	return name == 'a' || name == 'b';
}

/* There may be no transient memory for it. */
static void
add(struct fixture *f, char name)
{
	struct jz_install order = {
	    .module = is_single(name) ? probe_single.aid : probe_multi.aid,
	    .instance = probe_aid(name),
	    .selectable = true};
	uint16_t sw;

	if (name == 's')
		order.privileges[0] = JZ_PRIV_SECURITY_DOMAIN;
	if (name == 'd')
		order.privileges[0] = JZ_PRIV_CARD_RESET;
	sw = jz_card_install_as(&f->card->card, &order);
	assert_true(sw == JZ_SW_OK || sw == JZ_SW_SPACE);
	f->m.there[index_of(name)] = sw == JZ_SW_OK;
	f->m.locked[index_of(name)] = false;
	f->m.cor[index_of(name)] = NO_MARK;
}

/* ---- the model ---------------------------------------------------------- */

static bool
selectable(const struct model *m, char name)
{
	return name != UNKNOWN && m->there[index_of(name)] &&
	    !m->locked[index_of(name)];
}

static char
default_name(const struct model *m)
{
	return selectable(m, 'd') ? 'd' : 's';
}

/* Another of its kind, or itself, is on another channel. */
static bool
taken(const struct model *m, char name, unsigned channel)
{
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		if (i != channel && is_single(name) &&
		    is_single(m->selected[i]))
			return true;
	return false;
}

static void
deselect(struct model *m, unsigned channel)
{
	m->selected[channel] = PROBE_NOTHING;
	m->cod[channel] = NO_MARK;
}

static void
reset(struct model *m)
{
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++) {
		m->open[i] = i == 0;
		deselect(m, i);
	}
	memset(m->cor, NO_MARK, sizeof(m->cor));
	m->selected[0] = default_name(m);
}

static void
see(struct model *m, uint16_t sw)
{
	static const uint16_t words[] = {JZ_SW_OK, JZ_SW_CONDITIONS, JZ_SW_FILE,
	    JZ_SW_SPACE, JZ_SW_FUNCTION, JZ_SW_UNCHANGED, JZ_SW_CHANNEL,
	    JZ_SW_REFERENCE, JZ_SW_P1P2};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		m->seen[i] += words[i] == sw;
}

/* What selecting gives, and does; a full memory is the card's to say. */
static uint16_t
expect_select(struct model *m, unsigned channel, char name, uint16_t said)
{
	if (!selectable(m, name))
		return JZ_SW_FILE;
	if (taken(m, name, channel))
		return JZ_SW_CONDITIONS;
	deselect(m, channel);
	if (said == JZ_SW_SPACE)
		return said;
	m->open[channel] = true;
	m->selected[channel] = name;
	return JZ_SW_OK;
}

static uint16_t
expect_open(struct model *m, unsigned origin, unsigned channel, uint16_t said)
{
	char name = origin == 0 ? default_name(m) : m->selected[origin];
	uint16_t sw;

	if (!m->open[origin])
		return JZ_SW_CHANNEL;
	if (m->open[channel])
		return JZ_SW_P1P2;
	if (name == PROBE_NOTHING) {
		m->open[channel] = true;
		return JZ_SW_OK;
	}
	sw = expect_select(m, channel, name, said);
	return sw == JZ_SW_FILE ? JZ_SW_CONDITIONS : sw;
}

static uint16_t
expect_close(struct model *m, unsigned origin, unsigned channel)
{
	if (!m->open[origin])
		return JZ_SW_CHANNEL;
	if (channel == 0)
		channel = origin;
	if (channel == 0)
		return JZ_SW_FUNCTION;
	if (!m->open[channel])
		return JZ_SW_UNCHANGED;
	deselect(m, channel);
	m->open[channel] = false;
	return JZ_SW_OK;
}

/* ---- one step ----------------------------------------------------------- */

static uint16_t
step_select(struct fixture *f, uint16_t *said)
{
	unsigned channel = 1 + draw(&f->m, MANAGED);
	unsigned i = draw(&f->m, N_NAMES + 1);
	char name = i < N_NAMES ? NAMES[i] : UNKNOWN;

	*said = probe_choose(f->card, channel, name);
	return expect_select(&f->m, channel, name, *said);
}

static uint16_t
step_channel(struct fixture *f, uint16_t *said)
{
	unsigned origin = draw(&f->m, MANAGED + 1);
	unsigned channel = draw(&f->m, MANAGED + 1);

	if (draw(&f->m, 2) == 0) {
		*said =
		    probe_manage(f->card, origin, PROBE_CLOSE, channel, NULL);
		return expect_close(&f->m, origin, channel);
	}
	/* Where the card chooses, it chooses the lowest. */
	*said = probe_manage(f->card, origin, PROBE_OPEN, channel, NULL);
	for (unsigned i = 1; channel == 0 && i < JZ_MAX_CHANNELS; i++)
		if (!f->m.open[i])
			channel = i;
	return expect_open(&f->m, origin, channel, *said);
}

static uint16_t
step_mark(struct fixture *f, uint16_t *said)
{
	struct model *m = &f->m;
	unsigned channel = draw(m, MANAGED + 1);
	uint8_t cor = (uint8_t)(1 + draw(m, 255));
	uint8_t cod = (uint8_t)(1 + draw(m, 255));

	*said = probe_send(f->card, channel, PROBE_MARK, cor, cod, NULL);
	if (!m->open[channel])
		return JZ_SW_CHANNEL;
	if (m->selected[channel] == PROBE_NOTHING)
		return JZ_SW_NO_EF;
	if (m->locked[index_of(m->selected[channel])])
		return JZ_SW_CONDITIONS;
	m->cor[index_of(m->selected[channel])] = cor;
	m->cod[channel] = cod;
	return JZ_SW_OK;
}

/* Locks, deletes or installs one of all but the domain. */
static uint16_t
step_admin(struct fixture *f, uint16_t *said)
{
	struct model *m = &f->m;
	unsigned i = 1 + draw(m, N_NAMES - 1);
	const struct jz_aid aid = probe_aid(NAMES[i]);
	struct jz_applet *sd = probe_find(f->card, 's');
	bool lock = !m->locked[i];

	if (m->there[i] && draw(m, 3) != 0) {
		*said = jz_admin_lock(sd, &aid, lock);
		m->locked[i] = lock;
		return JZ_SW_OK;
	}
	*said = jz_admin_delete(sd, &aid, false);
	if (!m->there[i]) {
		if (*said == JZ_SW_REFERENCE)
			add(f, NAMES[i]);
		return JZ_SW_REFERENCE;
	}
	for (unsigned k = 0; k < JZ_MAX_CHANNELS; k++)
		if (m->selected[k] == NAMES[i])
			return JZ_SW_CONDITIONS;
	m->there[i] = false;
	return JZ_SW_OK;
}

static uint16_t
step_power(struct fixture *f, uint16_t *said)
{
	*said = JZ_SW_OK;
	if (draw(&f->m, 2) == 0)
		jz_card_reset(&f->card->card);
	else
		assert_int_equal(rig_reopen(f->card), 0);
	reset(&f->m);
	return JZ_SW_OK;
}

static uint16_t
step(struct fixture *f, uint16_t *said)
{
	unsigned what = draw(&f->m, 100);

	if (what < 35)
		return step_select(f, said);
	if (what < 65)
		return step_channel(f, said);
	if (what < 88)
		return step_mark(f, said);
	if (what < 98)
		return step_admin(f, said);
	return step_power(f, said);
}

/* ---- what must hold ----------------------------------------------------- */

static bool
filled(const uint8_t *p, uint8_t mark)
{
	for (unsigned i = 0; i < PROBE_RAM_BYTES; i++)
		if (p[i] != mark)
			return false;
	return true;
}

/* The card and the model have the same. */
static bool
agrees(const struct fixture *f)
{
	const struct jz_card *card = &f->card->card;

	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++) {
		const struct jz_channel_state *c = &card->channel[i];
		char name = f->m.selected[i];

		if (c->open != f->m.open[i] ||
		    (c->selected == JZ_NO_APPLET) != (name == PROBE_NOTHING))
			return false;
		if (name == PROBE_NOTHING)
			continue;
		if (card->applet[c->selected].aid.bytes[5] != (uint8_t)name ||
		    c->cod_bytes != PROBE_RAM_BYTES ||
		    !filled(f->card->ram + c->cod_at, f->m.cod[i]))
			return false;
	}
	for (unsigned i = 0; i < N_NAMES; i++) {
		const struct jz_applet *a = probe_find(f->card, NAMES[i]);

		if ((a != NULL) != f->m.there[i] ||
		    (a != NULL && !filled(a->cor, f->m.cor[i])))
			return false;
	}
	return true;
}

static void
walk(void **state, uint32_t seed)
{
	struct fixture *f = *state;

	f->m.random = seed;
	for (unsigned i = 0; i < N_NAMES; i++)
		add(f, NAMES[i]);
	assert_true(f->m.there[N_NAMES - 1]);
	jz_card_reset(&f->card->card);
	reset(&f->m);
	for (unsigned i = 0; i < STEPS; i++) {
		uint16_t said = 0, expected = step(f, &said);

		probe_reset();
		see(&f->m, said);
		if (said != expected)
			fail_msg("seed %u, step %u: %04X, not %04X", seed, i,
			    said, expected);
		if (!agrees(f))
			fail_msg("seed %u, step %u (%04X): the card and the "
				 "model differ",
			    seed, i, said);
	}
	/* It has been everywhere. */
	for (unsigned i = 0; i < sizeof(f->m.seen) / sizeof(f->m.seen[0]); i++)
		if (i != SEEN_SPACE)
			assert_true(f->m.seen[i] > 10);
	assert_true(f->m.seen[SEEN_OK] > STEPS / 4);
}

static void
test_a_walk(void **state)
{
	walk(state, 20260115);
}

static void
test_another_walk(void **state)
{
	walk(state, 4711);
}

/* Memory for two sessions beside the applets' own, and no more. */
static void
test_a_walk_with_little_transient_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t before = jz_card_ram_free(&f->card->card), block;

	add(f, 'm');
	block = before - jz_card_ram_free(&f->card->card);
	f->card->setup.ram_bytes = (N_NAMES + 3) * block;
	probe_format(f->card);
	walk(state, 99);
	assert_true(f->m.seen[SEEN_SPACE] > 10);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_walk),
	    TEST(test_another_walk),
	    TEST(test_a_walk_with_little_transient_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
