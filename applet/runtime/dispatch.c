/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a command: ISO/IEC 7816-4:2013 5.1-5.4.
 *
 *   jz_card_process   parse, whole command, whole answer
 *     carry_out       class byte, channel, chaining
 *       runtime's own commands (SELECT, MANAGE CHANNEL, GET RESPONSE)
 *       the selected applet's process()
 *         jz_dispatch -> handler
 *   answer.c          what goes out now, and what is kept
 */
#include "internal.h"
#include "../../apdu/atr.h"
#include "../../keys/secret.h"

#include <string.h>

#define JZ_INS_SELECT_FILE    0xA4
#define JZ_INS_MANAGE_CHANNEL 0x70
#define JZ_P1_BY_NAME	      0x04
#define JZ_SW_BYTES	      2u

uint16_t
jz_dispatch(const struct jz_instruction *table, size_t n, uint8_t state,
    struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	uint8_t cla = jz_cla_on_channel(c->cla, 0);
	uint16_t sw = JZ_SW_CLA;

	for (size_t i = 0; i < n; i++) {
		const struct jz_instruction *row = &table[i];

		if (row->cla != cla)
			continue;
		if (row->ins != c->ins) {
			sw = sw == JZ_SW_CLA ? JZ_SW_INS : sw;
			continue;
		}
		if ((row->p1 != JZ_ANY && row->p1 != c->p1) ||
		    (row->p2 != JZ_ANY && row->p2 != c->p2)) {
			sw = JZ_SW_P1P2;
			continue;
		}
		if (c->data.len < row->nc_min || c->data.len > row->nc_max)
			return JZ_SW_LENGTH;
		if (row->states != 0 && (row->states & state) == 0)
			return JZ_SW_CONDITIONS;
		return row->handle(self, apdu);
	}
	return sw;
}

static uint16_t
to_applet(struct jz_card *card, struct jz_apdu *apdu)
{
	struct jz_applet *a = jz_selected(card, apdu->channel);
	struct jz_context before;
	uint16_t sw;

	if (a == NULL)
		return JZ_SW_NO_EF;
	/* Locked since it was selected, or the card is. */
	if (!jz_registry_selectable(card, a))
		return JZ_SW_CONDITIONS;
	before = jz_enter(a, jz_channel_cod(card, apdu->channel));
	sw = a->class->process(a, apdu);
	jz_leave(card, before);
	jz_card_rollback(card); /* returned without commit */
	return sw;
}

/* Puts a piece of a chained command with the others. */
static uint16_t
gather(struct jz_card *card, const struct jz_command *c)
{
	const uint8_t header[4] = {c->cla, c->ins, c->p1, c->p2};

	if (!card->chaining) {
		memcpy(card->chain_header, header, sizeof(header));
		card->chain_len = 0;
		card->chaining = true;
	} else if (memcmp(card->chain_header, header, sizeof(header)) != 0) {
		card->chaining = false;
		return JZ_SW_LAST_BLOCK;
	}
	if (jz_buffer_take(card) == NULL) {
		card->chaining = false;
		return JZ_SW_CHAINING;
	}
	if (c->data.len > JZ_CARD_COMMAND_MAX - card->chain_len) {
		card->chaining = false;
		return JZ_SW_LENGTH;
	}
	if (c->data.len > 0)
		memcpy(
		    card->buffer + card->chain_len, c->data.data, c->data.len);
	card->chain_len += (uint32_t)c->data.len;
	return JZ_SW_OK;
}

/* The last piece: makes the command whole. */
static uint16_t
assemble(struct jz_card *card, struct jz_command *c)
{
	uint16_t sw;

	c->cla |= JZ_CLA_CHAINING;
	sw = gather(card, c);
	c->cla &= (uint8_t)~JZ_CLA_CHAINING;
	if (sw == JZ_SW_OK)
		c->data = jz_span(card->buffer, card->chain_len);
	card->chaining = false;
	return sw;
}

/* A chained command's bytes may be a PIN. */
static void
forget_chain(struct jz_card *card)
{
	if (card->chain_len == 0)
		return;
	if (card->buffer != NULL)
		jz_wipe(card->buffer, card->chain_len);
	card->chain_len = 0;
}

static bool
is_select(const struct jz_command *c)
{
	return (c->cla & 0x80) == 0 && !jz_cla_secure(c->cla) &&
	    c->ins == JZ_INS_SELECT_FILE && c->p1 == JZ_P1_BY_NAME;
}

/* What the class byte asks for: a channel that is open, or that SELECT opens;
 * secure messaging only of an applet that knows it. */
static uint16_t
check_class(struct jz_card *card, const struct jz_command *c, unsigned *out)
{
	int channel = jz_cla_channel(c->cla);
	const struct jz_applet *a;

	if (channel < 0)
		return JZ_SW_CLA;
	if (!card->channel[channel].open && !is_select(c))
		return JZ_SW_CHANNEL;
	a = jz_selected(card, (unsigned)channel);
	if (jz_cla_secure(c->cla) && (a == NULL || !a->class->secure_messaging))
		return JZ_SW_SECURE_MESSAGING;
	*out = (unsigned)channel;
	return JZ_SW_OK;
}

/* *kept: it was asked for what was kept of the answer before. */
static uint16_t
carry_out(struct jz_card *card, struct jz_apdu *apdu, size_t room, bool *kept)
{
	struct jz_command *c = &apdu->command;
	uint16_t sw = check_class(card, c, &apdu->channel);

	if (sw != JZ_SW_OK) {
		card->chaining = false;
		jz_answer_forget(card);
		jz_alone_contact(card);
		return sw;
	}
	*kept = !card->chaining && jz_answer_continue(card, apdu, room, &sw);
	if (*kept)
		return sw;
	jz_alone_contact(card);
	jz_answer_forget(card);
	if ((c->cla & JZ_CLA_CHAINING) != 0)
		return gather(card, c);
	if (card->chaining && (sw = assemble(card, c)) != JZ_SW_OK)
		return sw;
	if (is_select(c))
		return jz_card_select(card, apdu);
	/* Of no applet's business, so in no session of one: JCRE 4.5.1. */
	if ((c->cla & 0x80) == 0 && c->ins == JZ_INS_MANAGE_CHANNEL)
		return jz_cla_secure(c->cla) ? JZ_SW_SECURE_MESSAGING
					     : jz_manage_channel(card, apdu);
	return to_applet(card, apdu);
}

/* T=0 has no extended length: ISO/IEC 7816-3:2006 12.2. */
static bool
parse(const struct jz_card *card, struct jz_span in, struct jz_command *out)
{
	return jz_command_parse(in, out) == 0 &&
	    !(out->extended && jz_root(card)->protocol == JZ_PROTOCOL_T0);
}

static uint16_t
dead_status(const struct jz_card *card)
{
	return jz_generator_failed(card) ? JZ_SW_UNKNOWN : JZ_SW_MEMORY_FAILURE;
}

static size_t
run(struct jz_card *card, struct jz_span cmd, uint8_t *rsp, size_t room)
{
	struct jz_command sent;
	struct jz_apdu apdu;
	bool kept = false;
	uint16_t sw;

	apdu.out = jz_buffer(rsp, JZ_CARD_RESPONSE_MAX);
	apdu.channel = 0;
	apdu.selecting = false;
	if (!parse(card, cmd, &apdu.command)) {
		memset(&apdu.command, 0, sizeof(apdu.command));
		card->chaining = false;
		jz_answer_forget(card);
		jz_alone_contact(card);
		sent = apdu.command;
		sw = JZ_SW_LENGTH;
	} else {
		sent = apdu.command;
		sw = carry_out(card, &apdu, room, &kept);
	}
	/* Secure messaging takes the command out of its cover: how the answer
	 * goes is judged by what came.  A part of a kept one is what was asked
	 * for. */
	if (!kept)
		apdu.command = sent;
	if (!card->chaining)
		forget_chain(card);
	if (card->dead)
		sw = dead_status(card);
	return jz_answer_finish(card, &apdu, sw, room);
}

static size_t
status_only(uint8_t *rsp, uint16_t sw)
{
	rsp[0] = (uint8_t)(sw >> 8);
	rsp[1] = (uint8_t)sw;
	return JZ_SW_BYTES;
}

/* A caller with little room: the answer is made aside, and cut to it. */
static size_t
run_aside(struct jz_card *card, struct jz_span cmd, uint8_t *rsp, size_t room)
{
	uint8_t big[JZ_CARD_RESPONSE_MAX + JZ_SW_BYTES];
	size_t n = run(card, cmd, big, room);

	memcpy(rsp, big, n);
	jz_wipe(big, sizeof(big));
	return n;
}

size_t
jz_card_process(struct jz_card *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t rsp_cap)
{
	struct jz_span in = jz_span(cmd, cmd_len);

	if (rsp_cap < JZ_SW_BYTES)
		return 0;
	if (card->dead || !card->powered)
		return status_only(rsp, dead_status(card));
	if (rsp_cap < JZ_CARD_RESPONSE_MAX + JZ_SW_BYTES)
		return run_aside(card, in, rsp, rsp_cap);
	return run(card, in, rsp, rsp_cap);
}
