/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of commands to a purse.  After each the rules that no host may
 * break are checked: who refuses says nothing and changes nothing, reading
 * changes nothing, money comes only with a signature, tries and counters never
 * go the wrong way.  A violation traps.  The issuer's domain is on the card
 * too; fuzz_manager.c has its own rules.
 *
 * The seeds are sessions with genuine messages (test_seeds.c makes them), so
 * one load of SESSION_LOAD and one payment of SESSION_RECEIVE can be credited.
 */
#include "../support/session.h"
#include "../../apdu/gp.h"
#include "../../keys/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 64u
#define RESPONSE_MAX (JZ_CARD_RESPONSE_MAX + 2u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* One command with what it met and what it left. */
struct turn {
	struct jz_span command;
	struct rig_card *card;
	const struct purse_nvm *was, *is;
	uint16_t sw;
	size_t answer;
	_Alignas(uint64_t) uint8_t before[RIG_NVM_BYTES];
	uint8_t rsp[RESPONSE_MAX];
};

static uint8_t
instruction(const struct turn *t)
{
	return t->command.len >= 4 ? t->command.data[1] : 0;
}

static bool
accepted(const struct turn *t)
{
	return jz_status_may_carry_data(t->sw);
}

/* The purse's life cycle state. */
static uint8_t
state_in(const uint8_t *image)
{
	return ((const struct jz_nvm_root *)(const void *)image)
	    ->entry[0]
	    .state;
}

/* The persistent state is as before, but for the tries when they may differ. */
static bool
unchanged(const struct turn *t, bool but_for_tries)
{
	const uint8_t *is = t->card->nvm;
	size_t at = (size_t)((const uint8_t *)&t->is->pin.tries - is);
	uint8_t was[RIG_NVM_BYTES];

	memcpy(was, t->before, sizeof(was));
	if (but_for_tries)
		was[at] = is[at];
	return rig_same_image(is, was);
}

/* Commands that, accepted, change what lasts. */
static bool
may_change(const struct turn *t)
{
	switch (instruction(t)) {
	case JZ_INS_INITIALIZE:
	case JZ_INS_CREDIT_FOR_LOAD:
	case JZ_INS_CANCEL_LOAD:
	case JZ_INS_DEBIT_FOR_UNLOAD:
	case JZ_INS_PAIR:
	case JZ_INS_HELLO:
	case JZ_INS_PEER:
	case JZ_INS_REQUEST:
	case JZ_INS_AGREE:
	case JZ_INS_CONFIRM:
	case JZ_INS_COMPLETE:
	case JZ_INS_CREDIT:
	case JZ_INS_ACKNOWLEDGE:
	case JZ_GP_STORE_DATA: /* of the domain; INITIALIZE UPDATE is 50 */
		return true;
	case JZ_INS_SETTLE:
		return t->command.data[2] == JZ_SETTLE_PROCESSED;
	default:
		return false;
	}
}

static void
check_tries(const struct turn *t)
{
	uint8_t was = t->was->pin.tries, is = t->is->pin.tries;

	if (state_in(t->before) != JZ_PURSE_PERSONALISED)
		return;
	if (instruction(t) == JZ_INS_VERIFY && accepted(t) &&
	    t->sw == JZ_SW_OK && is == t->is->pin.limit)
		return;
	require(
	    is == was || (instruction(t) == JZ_INS_VERIFY && is == was - 1));
}

static void
check_money(const struct turn *t)
{
	uint64_t was = t->was->balance, is = t->is->balance;

	if (is > was) {
		uint64_t more = is - was;

		require(accepted(t));
		require((instruction(t) == JZ_INS_CREDIT_FOR_LOAD &&
			    more == SESSION_LOAD &&
			    t->was->load.open == LOAD_OPEN) ||
		    (instruction(t) == JZ_INS_CREDIT &&
			more == SESSION_RECEIVE));
	}
	if (is < was) {
		require(accepted(t));
		require((instruction(t) == JZ_INS_COMPLETE &&
			    was - is == t->was->agreement.payment.amount) ||
		    (instruction(t) == JZ_INS_DEBIT_FOR_UNLOAD &&
			t->was->online.unload.open == LOAD_OPEN &&
			was - is == t->was->online.unload.amount));
	}
	/* A balance and its record go together. */
	require((is != was) == (t->is->next_record != t->was->next_record));
	require(is + purse_promised(t->is) <= t->is->max_balance || is == 0);
}

static void
check_counters(const struct turn *t)
{
	require(t->is->online_counter >= t->was->online_counter);
	require(t->is->offline_counter >= t->was->offline_counter);
	require(t->is->next_record >= t->was->next_record);
	require(t->is->next_record - t->was->next_record <= 1);
	require(t->is->first_unsettled >= t->was->first_unsettled);
	require(t->is->first_unsettled <= t->is->next_record);
	require(purse_log_room(t->is) <= JZ_PURSE_RECORDS);
	require(state_in(t->card->nvm) >= state_in(t->before));
}

/*
 * The private key, once there, stays, and is in no answer.  A comparison that
 * the fuzzer could watch would teach it the key, and the card would echo it.
 */
static void
check_key(const struct turn *t)
{
	const uint8_t *key = t->is->key.private_key;

	if (t->is->has_key == 0)
		return;
	require(t->was->has_key == 0 ||
	    jz_equal_secret(key, t->was->key.private_key, JZ_PRIVATE_BYTES));
	for (size_t i = 0; i + JZ_PRIVATE_BYTES / 2 <= t->answer; i++)
		require(
		    !jz_equal_secret(t->rsp + i, key, JZ_PRIVATE_BYTES / 2));
}

static void
take_turn(struct turn *t)
{
	size_t offset = (size_t)((const uint8_t *)t->is - t->card->nvm);
	size_t n;

	memcpy(t->before, t->card->nvm, sizeof(t->before));
	t->was = (const struct purse_nvm *)(const void *)(t->before + offset);
	n = jz_card_process(&t->card->card, t->command.data, t->command.len,
	    t->rsp, sizeof(t->rsp));
	require(n >= 2 && n <= sizeof(t->rsp));
	t->answer = n - 2;
	t->sw = (uint16_t)jz_get_be(t->rsp + n - 2, 2);
	require(!t->card->card.setup.journal->open && !t->card->card.dead);
	if (!accepted(t))
		require(t->answer == 0);
	if (!accepted(t) || !may_change(t))
		require(unchanged(t, instruction(t) == JZ_INS_VERIFY));
	check_tries(t);
	check_money(t);
	check_counters(t);
	check_key(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session *session; /* made once: the fuzzer's own state */
	static struct turn *turn;
	struct jz_cursor c = jz_cursor(jz_span(data, size));
	uint8_t start = jz_take_u8(&c) % SESSION_STARTS;

	if (session == NULL) {
		session = session_new();
		turn = calloc(1, sizeof(*turn));
	}
	if (turn == NULL)
		return 0;
	turn->card = session->card[start];
	rig_restore(turn->card, session->start[start]);
	turn->is = rig_purse(turn->card);
	for (unsigned i = 0; i < COMMANDS_MAX && c.len > 2; i++) {
		size_t len = jz_take_u16(&c);

		turn->command = jz_take(&c, len < c.len ? len : c.len);
		take_turn(turn);
	}
	return 0;
}
