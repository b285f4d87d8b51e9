/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of commands to a card's issuer, who holds the keys: a secure
 * channel is opened, and opened again whenever it has ended, and the commands
 * travel in it; some go beside it, as they are.  After each the rules that not
 * even an issuer may break are checked: who refuses says nothing and changes
 * nothing; without the channel nothing is administered; money, its key and a
 * purse that holds it stay; keys do not leak; life cycles go on, never back.  A
 * violation traps.
 */
#include "../support/managed.h"
#include "../../keys/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 48u
#define COMMAND_MAX  (JZ_CARD_COMMAND_MAX + 16u)
#define RESPONSE_MAX (JZ_CARD_RESPONSE_MAX + 2u)
#define CLASS_KEPT   0x80 /* the basic channel, nothing chained */
#define AT_CHALLENGE 13	  /* in the answer to INITIALIZE UPDATE */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* The card, the host's end of the channel, and the command of the turn. */
struct desk {
	struct managed *managed;
	struct rig_card *card;
	uint8_t level;
	struct jz_scp03 channel;
	bool open; /* as far as the host knows */
	bool in_channel;
	uint8_t ins;
	size_t len;
	uint8_t command[COMMAND_MAX];
	uint16_t sw;
	size_t answer;
	uint8_t rsp[RESPONSE_MAX];
	_Alignas(uint64_t) uint8_t before[RIG_NVM_BYTES];
};

static const struct jz_nvm_root *
root_of(const uint8_t *image)
{
	return (const struct jz_nvm_root *)(const void *)image;
}

static const struct manager_nvm *
domain_of(const uint8_t *image)
{
	const struct jz_nvm_root *root = root_of(image);

	return (const struct manager_nvm *)(const void *)(image +
	    root->entry[MANAGED_DOMAIN].offset);
}

static const struct purse_nvm *
purse_of(const uint8_t *image)
{
	const struct jz_nvm_root *root = root_of(image);

	return (const struct purse_nvm *)(const void *)(image +
	    root->entry[MANAGED_PURSE].offset);
}

static bool
accepted(const struct desk *d)
{
	return jz_status_may_carry_data(d->sw);
}

/* ---- what must hold ----------------------------------------------------- */

/* Commands of a channel that, accepted, change what lasts. */
static bool
administers(uint8_t ins)
{
	switch (ins) {
	case JZ_GP_PUT_KEY:
	case JZ_GP_STORE_DATA:
	case JZ_GP_DELETE:
	case JZ_GP_INSTALL:
	case JZ_GP_SET_STATUS:
		return true;
	default:
		return false;
	}
}

/* Beside the channel applications live on, and the counter counts: all else
 * that the runtime and the domain remember is as before. */
static void
check_no_administration(const struct desk *d)
{
	const struct jz_nvm_root *is = root_of(d->card->nvm);
	static _Alignas(uint64_t) uint8_t was[RIG_NVM_BYTES];
	struct jz_nvm_root *root = (struct jz_nvm_root *)(void *)was;
	size_t counter =
	    (size_t)((const uint8_t *)&domain_of(d->card->nvm)->sequence -
		d->card->nvm);

	memcpy(was, d->before, sizeof(was));
	memcpy(was + counter, d->card->nvm + counter, sizeof(uint32_t));
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *e = &root->entry[i];

		if (i == MANAGED_DOMAIN || e->state == 0)
			continue;
		memcpy(was + e->offset, d->card->nvm + e->offset, e->bytes);
		/* Its own states are an application's, the lock is not. */
		require(((e->state ^ is->entry[i].state) & JZ_APP_LOCKED) == 0);
		root->entry[i].state = is->entry[i].state;
	}
	require(rig_same_image(d->card->nvm, was));
}

static void
check_changes(const struct desk *d)
{
	bool may_change = !d->in_channel || administers(d->ins);

	/* A wrong PIN is counted. */
	if (!d->in_channel && d->ins == JZ_INS_VERIFY)
		may_change = true;
	else if (!accepted(d))
		may_change = false;
	if (!may_change)
		require(rig_same_image(d->card->nvm, d->before));
	if (!d->in_channel)
		check_no_administration(d);
}

/* A purse with money is there, and is no business of the issuer's. */
static void
check_purse(const struct desk *d)
{
	const struct jz_nvm_entry *is =
	    &root_of(d->card->nvm)->entry[MANAGED_PURSE];
	const struct purse_nvm *was = purse_of(d->before);

	require(
	    (is->state & ~(unsigned)JZ_APP_LOCKED) == JZ_PURSE_PERSONALISED);
	require(purse_of(d->card->nvm)->balance <= was->balance);
	require(jz_equal_secret(
	    &purse_of(d->card->nvm)->key, &was->key, sizeof(was->key)));
	if (d->in_channel)
		require(memcmp(purse_of(d->card->nvm), was, sizeof(*was)) == 0);
}

static void
check_sets(const struct desk *d)
{
	const struct manager_nvm *p = domain_of(d->card->nvm);
	const struct manager_sets *s = &p->sets;

	require(p->sequence >= domain_of(d->before)->sequence);
	require(p->sequence - domain_of(d->before)->sequence <= 1);
	require(s->count >= 1 && s->count <= JZ_MANAGER_SETS);
	for (unsigned i = 0; i < s->count; i++) {
		require(s->set[i].kvn != 0);
		for (unsigned k = 0; k < i; k++)
			require(s->set[i].kvn != s->set[k].kvn);
	}
}

/* A comparison that the fuzzer could watch would teach it the keys, and an
 * application would echo them. */
static void
check_no_leak(const struct desk *d, struct jz_span said)
{
	const struct manager_sets *s = &domain_of(d->card->nvm)->sets;
	const uint8_t *keys = (const uint8_t *)&d->managed->keys;

	for (size_t at = 0; at + JZ_KEY_BYTES <= said.len; at++)
		for (unsigned k = 0; k < JZ_GP_KEYS; k++) {
			require(!jz_equal_secret(said.data + at,
			    keys + k * JZ_KEY_BYTES, JZ_KEY_BYTES));
			for (unsigned i = 0; i < s->count; i++)
				require(!jz_equal_secret(said.data + at,
				    (const uint8_t *)&s->set[i].keys +
					k * JZ_KEY_BYTES,
				    JZ_KEY_BYTES));
		}
}

static void
check_life_cycle(const struct desk *d)
{
	uint8_t was = root_of(d->before)->state;
	uint8_t is = root_of(d->card->nvm)->state;

	if (is == was)
		return;
	require(was != JZ_CARD_TERMINATED);
	require(is > was || (was == JZ_CARD_LOCKED && is == JZ_CARD_SECURED));
	require(is != JZ_CARD_LOCKED || was == JZ_CARD_SECURED);
}

/* Regions lie side by side in what is used; one domain. */
static void
check_registry(const struct desk *d)
{
	const struct jz_nvm_root *root = root_of(d->card->nvm);

	require(root->used <= RIG_NVM_BYTES);
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *e = &root->entry[i];

		if (e->state == 0)
			continue;
		require((e->state & JZ_APP_INSTALLED) == JZ_APP_INSTALLED);
		require(e->offset >= sizeof(*root));
		require(e->offset <= root->used &&
		    e->bytes <= root->used - e->offset);
		require((i == MANAGED_DOMAIN) ==
		    ((e->privileges[0] & JZ_PRIV_SECURITY_DOMAIN) != 0));
		for (unsigned k = 0; k < i; k++) {
			const struct jz_nvm_entry *o = &root->entry[k];

			require(o->state == 0 ||
			    e->offset >= o->offset + o->bytes ||
			    o->offset >= e->offset + e->bytes);
			require(o->state == 0 ||
			    o->instance_len != e->instance_len ||
			    memcmp(o->instance, e->instance, e->instance_len) !=
				0);
		}
	}
}

/* Sends d->command, and checks everything but what only the channel knows. */
static void
take_turn(struct desk *d)
{
	size_t n;

	memcpy(d->before, d->card->nvm, sizeof(d->before));
	n = jz_card_process(
	    &d->card->card, d->command, d->len, d->rsp, sizeof(d->rsp));
	require(n >= 2 && n <= sizeof(d->rsp));
	d->answer = n - 2;
	d->sw = (uint16_t)jz_get_be(d->rsp + n - 2, 2);
	require(!d->card->card.setup.journal->open && !d->card->card.dead);
	if (!accepted(d))
		require(d->answer == 0);
	check_registry(d);
	check_life_cycle(d);
	check_sets(d);
	check_purse(d);
	check_changes(d);
	check_no_leak(d, jz_span(d->rsp, d->answer));
}

/* ---- the channel -------------------------------------------------------- */

/* The card's end of it; NULL: the domain is not selected. */
static const struct manager_cod *
card_end(const struct desk *d)
{
	const struct jz_card *c = &d->card->card;

	if (c->channel[0].selected != MANAGED_DOMAIN)
		return NULL;
	return (const struct manager_cod *)(const void *)(d->card->ram +
	    c->channel[0].cod_at);
}

/* Both ends have the same last command. */
static bool
in_step(const struct desk *d)
{
	const struct manager_cod *end = card_end(d);

	return end != NULL && end->phase == MANAGER_OPEN &&
	    memcmp(end->channel.chaining, d->channel.chaining,
		sizeof(d->channel.chaining)) == 0;
}

/* Puts the command, protected or not, and takes a turn. */
static void
say(struct desk *d, struct jz_command *c, bool protect)
{
	static uint8_t memory[COMMAND_MAX];
	struct jz_buffer room = jz_buffer(memory, sizeof(memory));
	struct jz_buffer b = jz_buffer(d->command, sizeof(d->command));

	d->ins = c->ins;
	if (protect)
		require(jz_scp03_wrap(&d->managed->rig.engine, &d->channel, c,
			    &room) == 0);
	require(jz_command_build(c, &b) == 0);
	d->len = b.len;
	take_turn(d);
}

/* What was protected came whole: the host can open it. */
static void
open_answer(struct desk *d)
{
	static uint8_t memory[RESPONSE_MAX];
	struct jz_buffer clear = jz_buffer(memory, sizeof(memory));

	require(jz_scp03_unwrap_response(&d->managed->rig.engine, &d->channel,
		    d->sw, jz_span(d->rsp, d->answer), &clear) == 0);
	check_no_leak(d, jz_buffer_span(&clear));
}

static void
authenticate(struct desk *d, const uint8_t *host_challenge)
{
	const struct manager_sets *s = &domain_of(d->card->nvm)->sets;
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_EXTERNAL_AUTHENTICATE,
	    .p1 = d->level};

	require(
	    jz_scp03_start(&d->managed->rig.engine, &s->set[s->count - 1].keys,
		host_challenge, d->rsp + AT_CHALLENGE, &d->channel) == 0);
	c.data = jz_span(
	    d->channel.host_cryptogram, sizeof(d->channel.host_cryptogram));
	say(d, &c, true);
	require(d->sw == JZ_SW_OK);
	d->channel.level = d->level;
	d->channel.counter = 0;
	d->open = true;
}

/* With the newest keys, as long as the card takes any. */
static void
open_channel(struct desk *d)
{
	static const uint8_t challenge[JZ_SCP03_CHALLENGE_BYTES] = {
	    1, 2, 3, 4, 5, 6, 7, 8};
	struct jz_command select = {
	    .ins = 0xA4, .p1 = 0x04, .data = jz_span(GP_ISD.bytes, GP_ISD.len)};
	struct jz_command update = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_INITIALIZE_UPDATE,
	    .data = jz_span(challenge, sizeof(challenge)),
	    .has_le = true,
	    .ne = 256};

	d->in_channel = false;
	d->open = false;
	say(d, &select, false);
	if (!accepted(d)) /* it has ended a chain that was on its way */
		say(d, &select, false);
	require(accepted(d));
	say(d, &update, false);
	if (d->sw == JZ_SW_OK)
		authenticate(d, challenge);
	else
		require(root_of(d->card->nvm)->state == JZ_CARD_TERMINATED);
}

static void
send_in_channel(struct desk *d, struct jz_command *c)
{
	c->cla &= CLASS_KEPT;
	c->extended = true;
	c->has_le = true;
	c->ne = JZ_APDU_MAX_NE;
	d->in_channel = true;
	say(d, c, true);
	if (in_step(d))
		open_answer(d);
	else
		d->open = false;
}

static void
send_as_it_is(struct desk *d, struct jz_span command)
{
	d->in_channel = false;
	d->ins = command.len >= 2 ? command.data[1] : 0;
	d->len = command.len < COMMAND_MAX ? command.len : COMMAND_MAX;
	memcpy(d->command, command.data, d->len);
	take_turn(d);
	d->open = d->open && in_step(d);
}

static void
send(struct desk *d, struct jz_span command, bool as_it_is)
{
	struct jz_command c;

	if (as_it_is || jz_command_parse(command, &c) != 0 ||
	    c.data.len > JZ_CARD_COMMAND_MAX - JZ_KEY_BYTES * 2) {
		send_as_it_is(d, command);
		return;
	}
	if (!d->open)
		open_channel(d);
	if (d->open)
		send_in_channel(d, &c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct desk *d; /* made once: the fuzzer's own state */
	struct jz_cursor c = jz_cursor(jz_span(data, size));
	uint8_t level = jz_take_u8(&c) % MANAGED_LEVEL_COUNT;

	if (d == NULL) {
		if ((d = calloc(1, sizeof(*d))) == NULL)
			return 0;
		d->managed = managed_new();
		d->card = d->managed->card;
	}
	rig_restore(d->card, d->managed->start);
	d->level = MANAGED_LEVELS[level];
	d->open = false;
	for (unsigned i = 0; i < COMMANDS_MAX && c.len > 2; i++) {
		uint16_t head = jz_take_u16(&c);
		size_t len = head & ~MANAGED_AS_IT_IS;

		send(d, jz_take(&c, len < c.len ? len : c.len),
		    (head & MANAGED_AS_IT_IS) != 0);
	}
	return 0;
}
