/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command from every state: whatever a host says in the life of two
 * purses (test/support/story.c) is said to both cards at every place of that
 * life, fitting or not, and power is cut at bytes that it writes.  The card
 * then opens in the state before or after, or, for VERIFY, with the try
 * counted.
 *
 * JIAOZI_TEAR=full cuts at each byte with every subset of three unsynced
 * sectors, and all of them.
 *
 * proves: ALL-1 ALL-2 ALL-3 ALL-4
 */
#include "../support/story.h"
#include "../support/stride.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COMMANDS_MAX 128u
#define SUBSETS	     8u /* of three sectors: no record touches more */
#define SECOND_EVERY 4u /* of the cuts are followed by a second one */
#define SECOND_STEP  4001u
#define INS_AT	     1u

struct command {
	size_t len;
	uint8_t bytes[JZ_CARD_COMMAND_MAX + 9];
};

/* A place in the story: before a step. */
struct place {
	struct story story;
	struct rig_snapshot *payee, *payer;
};

struct matrix {
	struct rig rig;
	struct story story;
	struct place *place; /* one for each step, and the end */
	unsigned steps, n;
	struct command command[COMMANDS_MAX];
	struct command chain; /* on its way */
	bool full;
	unsigned long said, wrote, cuts, second;
};

/* What the recording functions, which cmocka knows nothing of, write to. */
static struct matrix *recorder;

/* ---- recording ---------------------------------------------------------- */

/* The whole of a chained command, in the extended form. */
static void
join(struct command *whole, const struct command *last)
{
	size_t n = whole->len + last->bytes[4];
	uint8_t *b = whole->bytes;

	memcpy(b + 7 + whole->len, last->bytes + 5, last->bytes[4]);
	memcpy(b, last->bytes, 4);
	b[4] = 0;
	b[5] = (uint8_t)(n >> 8);
	b[6] = (uint8_t)n;
	b[7 + n] = 0;
	b[8 + n] = 0;
	whole->len = 9 + n;
}

static void
keep(struct matrix *m, const struct command *c)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->command[i].len == c->len &&
		    memcmp(m->command[i].bytes, c->bytes, c->len) == 0)
			return;
	assert_true(m->n < COMMANDS_MAX);
	m->command[m->n++] = *c;
}

static size_t
record(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct rig_card *card = state;
	struct matrix *m = recorder;
	struct command c;

	assert_true(len <= sizeof(c.bytes));
	c.len = len;
	memcpy(c.bytes, cmd, len);
	if ((cmd[0] & JZ_CLA_CHAINING) != 0) {
		memcpy(m->chain.bytes + 7 + m->chain.len, cmd + 5, cmd[4]);
		m->chain.len += cmd[4];
	} else if (m->chain.len > 0) {
		join(&m->chain, &c);
		keep(m, &m->chain);
		m->chain.len = 0;
	} else {
		keep(m, &c);
	}
	return jz_card_process(&card->card, cmd, len, rsp, cap);
}

static void
mark(struct matrix *m, unsigned step)
{
	m->place[step].story = m->story;
	m->place[step].payee = rig_save(m->story.payee);
	m->place[step].payer = rig_save(m->story.payer);
}

static int
setup(void **state)
{
	struct matrix *m = calloc(1, sizeof(*m));
	const char *mode = getenv("JIAOZI_TEAR");

	assert_non_null(m);
	recorder = m;
	m->full = mode != NULL && strcmp(mode, "full") == 0;
	m->steps = story_steps();
	m->place = calloc(m->steps + 1, sizeof(*m->place));
	assert_non_null(m->place);
	rig_new(&m->rig);
	story_new(&m->story, &m->rig);
	m->story.payee->port.transmit = record;
	m->story.payer->port.transmit = record;
	for (unsigned i = 0; i < m->steps; i++) {
		mark(m, i);
		if (story_step(&m->story, i) != JZ_SW_OK)
			fail_msg("%s is refused", story_name(i));
	}
	mark(m, m->steps);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	struct matrix *m = *state;

	for (unsigned i = 0; i <= m->steps; i++) {
		rig_snapshot_free(&m->place[i].payee);
		rig_snapshot_free(&m->place[i].payer);
	}
	free(m->place);
	story_free(&m->story);
	rig_free(&m->rig);
	free(m);
	recorder = NULL;
	return 0;
}

/* ---- one command at one place ------------------------------------------- */

struct probe {
	struct rig_card *card;
	const struct rig_snapshot *before;
	const struct command *command;
	unsigned place;
	uint8_t after[RIG_NVM_BYTES];
};

static uint16_t
say(const struct probe *p)
{
	static uint8_t rsp[JZ_CARD_RESPONSE_MAX + 2];
	size_t n = jz_card_process(&p->card->card, p->command->bytes,
	    p->command->len, rsp, sizeof(rsp));

	return (uint16_t)(rsp[n - 2] << 8 | rsp[n - 1]);
}

/* The state before, but for one try that is counted. */
static bool
is_counted(const struct probe *p, const uint8_t *before)
{
	size_t at = (size_t)(&rig_purse(p->card)->pin.tries - p->card->nvm);
	uint8_t counted[RIG_NVM_BYTES];

	if (p->command->bytes[INS_AT] != JZ_INS_VERIFY || before[at] == 0)
		return false;
	memcpy(counted, before, sizeof(counted));
	counted[at]--;
	return rig_same_image(p->card->nvm, counted);
}

/* `was`: what the command was said to. */
static void
check(const struct probe *p, const uint8_t *was, uint64_t at)
{
	if (rig_same_image(p->card->nvm, was) ||
	    rig_same_image(p->card->nvm, p->after) || is_counted(p, was))
		return;
	fail_msg("place %u, command %02X %02X, byte %llu: neither before nor "
		 "after",
	    p->place, p->command->bytes[0], p->command->bytes[INS_AT],
	    (unsigned long long)at);
}

/* Power fails at this byte; false when the command does not write so many. */
static bool
cut(const struct probe *p, uint64_t at, uint64_t sectors)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint16_t sw;

	plan.cut_after = at;
	plan.keep = sectors;
	jz_fault_plan(p->card->fault, &plan);
	sw = say(p);
	if (!jz_fault_is_cut(p->card->fault)) {
		jz_fault_power_up(p->card->fault);
		return false;
	}
	assert_int_equal(sw, JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(p->card), 0);
	return true;
}

/* After a cut the same again, which must fold away what was torn, is cut as
 * well; and once the opening itself fails. */
static void
cut_again(struct matrix *m, const struct probe *p, uint64_t first)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint8_t was[RIG_NVM_BYTES];

	memcpy(was, p->card->nvm, sizeof(was));
	for (uint64_t at = first % SECOND_STEP;; at += SECOND_STEP) {
		if (port_select(&p->card->port) != JZ_SW_OK)
			fail_msg("no purse any more");
		if (!cut(p, at, at))
			break;
		m->second++;
		/* A try may be counted each time; given back by the right. */
		if (!rig_unchanged(p->card, p->before))
			check(p, was, at);
		rig_restore(p->card, p->before);
		(void)cut(p, first, 0);
	}
	plan.fail_sync = 1;
	jz_card_close(&p->card->card);
	jz_fault_plan(p->card->fault, &plan);
	assert_int_equal(
	    jz_card_open(&p->card->card, &p->card->setup), JZ_ERR_CARD_STORAGE);
	assert_int_equal(rig_reopen(p->card), 0);
}

/* At every byte; which unsynced sectors survive changes, or is `sectors`. */
static void
cut_everywhere(struct matrix *m, struct probe *p, const uint64_t *sectors)
{
	const unsigned stride = test_stride();

	for (uint64_t at = m->said % stride;; at += stride) {
		uint64_t some = at % 2 == 0 ? UINT64_MAX : at;

		rig_restore(p->card, p->before);
		if (!cut(p, at, sectors != NULL ? *sectors : some))
			break;
		check(p, rig_image(p->before), at);
		m->cuts++;
		if (at % SECOND_EVERY == 1)
			cut_again(m, p, at);
	}
}

static void
walk(struct matrix *m, struct probe *p)
{
	rig_restore(p->card, p->before);
	(void)say(p);
	memcpy(p->after, p->card->nvm, sizeof(p->after));
	m->said++;
	m->wrote += !rig_unchanged(p->card, p->before);
	cut_everywhere(m, p, NULL);
	for (uint64_t sectors = 0; m->full && sectors < SUBSETS; sectors++)
		cut_everywhere(m, p, &sectors);
}

static void
test_every_command_at_every_place(void **state)
{
	struct matrix *m = *state;
	struct probe p;

	for (unsigned i = 0; i <= m->steps; i++)
		for (unsigned k = 0; k < 2 * m->n; k++) {
			m->story = m->place[i].story;
			p.place = i;
			p.command = &m->command[k / 2];
			p.card = k % 2 == 0 ? m->story.payee : m->story.payer;
			p.before =
			    k % 2 == 0 ? m->place[i].payee : m->place[i].payer;
			walk(m, &p);
		}
	print_message("          %u commands at %u places: %lu said, %lu "
		      "write, %lu cuts, %lu second cuts\n",
	    m->n, m->steps + 1, m->said, m->wrote, m->cuts, m->second);
	assert_true(m->cuts * test_stride() > 500 && m->second > 50);
}

/* The commands of the purse and what personalises it are among those said. */
static void
test_no_command_of_the_purse_is_left_out(void **state)
{
	static const uint8_t all[] = {JZ_INS_VERIFY, JZ_INS_INITIALIZE,
	    JZ_INS_CREDIT_FOR_LOAD, JZ_INS_CANCEL_LOAD, JZ_INS_DEBIT_FOR_UNLOAD,
	    JZ_INS_FETCH, JZ_INS_REQUEST, JZ_INS_AGREE, JZ_INS_CONFIRM,
	    JZ_INS_COMPLETE, JZ_INS_CREDIT, JZ_INS_ACKNOWLEDGE, JZ_INS_SETTLE,
	    JZ_INS_GET_DATA, JZ_GP_STORE_DATA};
	const struct matrix *m = *state;

	for (unsigned i = 0; i < sizeof(all); i++) {
		bool found = false;

		for (unsigned k = 0; k < m->n; k++)
			found = found || m->command[k].bytes[INS_AT] == all[i];
		if (!found)
			fail_msg("%02X is never said", all[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_every_command_at_every_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_no_command_of_the_purse_is_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
