/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of an answer out of the card.  docs/adr/0006-answers.md says why.
 *
 * T=1 (ISO/IEC 7816-3 11) and contactless carry whole APDUs: the answer has
 * what fits into Le, and nothing without Le.  Only an answer that a short Le
 * cannot ask for at once (Le 00, more than 256 bytes), or that the caller has
 * no room for, comes in parts: response chaining, ISO/IEC 7816-4:2013 5.3.4.
 *
 * T=0 (ISO/IEC 7816-3 10 and 12.2.1) has one length byte, P3.  With command
 * data it is Lc: the answer waits for GET RESPONSE (61xx).  Without, it is Le:
 * when it is wrong the answer waits for the same command with the right one
 * (6Cxx), which is then not carried out again.
 *
 * Any other command forgets a waiting answer.
 */
#include "internal.h"
#include "../../apdu/atr.h"
#include "../../keys/secret.h"

#include <string.h>

#define SW_BYTES	 2u
#define SHORT_NE	 256u
#define INS_GET_RESPONSE 0xC0

uint8_t *
jz_buffer_take(struct jz_card *card)
{
	const struct jz_chip *chip = card->setup.chip;

	if (card->buffer == NULL && chip->take != NULL)
		card->buffer =
		    chip->take(card->setup.chip_state, JZ_CARD_COMMAND_MAX);
	return card->buffer;
}

void
jz_buffer_give(struct jz_card *card)
{
	if (card->buffer == NULL)
		return;
	jz_wipe(card->buffer, JZ_CARD_COMMAND_MAX);
	card->setup.chip->give(
	    card->setup.chip_state, card->buffer, JZ_CARD_COMMAND_MAX);
	card->buffer = NULL;
}

void
jz_answer_forget(struct jz_card *card)
{
	card->rest_len = 0;
	card->rest_offset = 0;
	card->rest_repeats = false;
}

static uint16_t
more(uint16_t class, size_t n)
{
	return (uint16_t)(class | (n > 255 ? 0 : n));
}

/* Keeps the answer from `from` on; false when there is no memory for it. */
static bool
keep(struct jz_card *card, const struct jz_apdu *apdu, size_t from, uint16_t sw)
{
	const struct jz_command *c = &apdu->command;
	const uint8_t header[4] = {c->cla, c->ins, c->p1, c->p2};
	size_t n = apdu->out.len - from;

	if (jz_buffer_take(card) == NULL)
		return false;
	memmove(card->buffer, apdu->out.data + from, n);
	memcpy(card->rest_header, header, sizeof(header));
	card->rest_sw = sw;
	card->rest_offset = 0;
	card->rest_len = (uint32_t)n;
	card->rest_repeats = false;
	return true;
}

/* What of n bytes goes out now; the rest is kept, or dropped. */
static size_t
finish_t1(struct jz_card *card, struct jz_apdu *apdu, uint16_t *sw, size_t room)
{
	const struct jz_command *c = &apdu->command;
	size_t n = apdu->out.len, ne = c->ne;
	bool in_parts = ne > room || (!c->extended && ne == SHORT_NE);

	if (ne > room)
		ne = room;
	if (n <= ne)
		return n;
	if (!in_parts)
		return ne;
	if (!keep(card, apdu, ne, *sw)) {
		*sw = JZ_SW_UNKNOWN;
		return 0;
	}
	*sw = more(JZ_SW_MORE_DATA, n - ne);
	return ne;
}

static size_t
finish_t0(struct jz_card *card, struct jz_apdu *apdu, uint16_t *sw, size_t room)
{
	const struct jz_command *c = &apdu->command;
	/* P3 00 is Le 256; a command of four bytes goes over the line as P3 00
	 * too. */
	size_t n = apdu->out.len, ne = c->ne == 0 ? SHORT_NE : c->ne, now = 0;

	if (c->data.len == 0 && n == ne && n <= room)
		return n;
	if (c->data.len == 0 && ne == SHORT_NE && n > ne && ne <= room)
		now = ne;
	if (!keep(card, apdu, now, *sw)) {
		*sw = JZ_SW_UNKNOWN;
		return 0;
	}
	card->rest_repeats = c->data.len == 0 && now == 0;
	*sw = more(
	    card->rest_repeats ? JZ_SW_WRONG_LE : JZ_SW_MORE_DATA, n - now);
	return now;
}

size_t
jz_answer_finish(
    struct jz_card *card, struct jz_apdu *apdu, uint16_t sw, size_t room)
{
	struct jz_buffer *out = &apdu->out;
	size_t n;

	if (out->bad) {
		sw = JZ_SW_UNKNOWN;
		out->len = 0;
	}
	if (!jz_status_may_carry_data(sw))
		out->len = 0;
	if (out->len == 0)
		n = 0;
	else if (jz_root(card)->protocol == JZ_PROTOCOL_T0)
		n = finish_t0(card, apdu, &sw, room - SW_BYTES);
	else
		n = finish_t1(card, apdu, &sw, room - SW_BYTES);
	if (!card->chaining && card->rest_len == 0)
		jz_buffer_give(card);
	out->data[n] = (uint8_t)(sw >> 8);
	out->data[n + 1] = (uint8_t)sw;
	return n + SW_BYTES;
}

/* ---- what was kept ------------------------------------------------------ */

/* Gives up to ne bytes of what is kept; they are what was asked for. */
static uint16_t
give_part(struct jz_card *card, struct jz_apdu *apdu, size_t ne)
{
	size_t n = card->rest_len < ne ? card->rest_len : ne;

	jz_put(&apdu->out, card->buffer + card->rest_offset, n);
	apdu->command.ne = (uint32_t)n;
	card->rest_offset += (uint32_t)n;
	card->rest_len -= (uint32_t)n;
	card->rest_repeats = false;
	return card->rest_len > 0 ? more(JZ_SW_MORE_DATA, card->rest_len)
				  : card->rest_sw;
}

static uint16_t
get_response(struct jz_card *card, struct jz_apdu *apdu, size_t room)
{
	const struct jz_command *c = &apdu->command;
	bool t0 = jz_root(card)->protocol == JZ_PROTOCOL_T0;
	size_t ne = t0 && c->ne == 0 ? SHORT_NE : c->ne;

	if (c->p1 != 0 || c->p2 != 0)
		return JZ_SW_P1P2;
	if (c->data.len != 0)
		return JZ_SW_LENGTH;
	if (card->rest_len == 0 || card->rest_repeats ||
	    jz_cla_channel(c->cla) != jz_cla_channel(card->rest_header[0])) {
		jz_answer_forget(card);
		return JZ_SW_CONDITIONS;
	}
	if (t0 && ne > card->rest_len)
		return more(JZ_SW_WRONG_LE, card->rest_len);
	return give_part(card, apdu, ne < room ? ne : room);
}

/* T=0: the command that 6Cxx answered. */
static bool
is_repetition(const struct jz_card *card, const struct jz_command *c)
{
	const uint8_t header[4] = {c->cla, c->ins, c->p1, c->p2};

	return card->rest_repeats && c->data.len == 0 &&
	    memcmp(card->rest_header, header, sizeof(header)) == 0;
}

/* A short Le asks for 256 bytes at most: the rest is then for GET RESPONSE. */
static uint16_t
repeat(struct jz_card *card, struct jz_apdu *apdu, size_t room)
{
	size_t ne = apdu->command.ne == 0 ? SHORT_NE : apdu->command.ne;
	size_t right = card->rest_len < SHORT_NE ? card->rest_len : SHORT_NE;

	if (ne != right)
		return more(JZ_SW_WRONG_LE, card->rest_len);
	return give_part(card, apdu, ne < room ? ne : room);
}

bool
jz_answer_continue(
    struct jz_card *card, struct jz_apdu *apdu, size_t room, uint16_t *sw)
{
	const struct jz_command *c = &apdu->command;

	room -= SW_BYTES;
	if ((c->cla & 0x80) == 0 && !jz_cla_secure(c->cla) &&
	    (c->cla & JZ_CLA_CHAINING) == 0 && c->ins == INS_GET_RESPONSE) {
		*sw = get_response(card, apdu, room);
		return true;
	}
	if (!is_repetition(card, c))
		return false;
	*sw = repeat(card, apdu, room);
	return true;
}
