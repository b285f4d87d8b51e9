/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a card, after ISO/IEC 7816-4:2013: command chaining (5.1.1.1
 * of edition 2005, 5.3.3 of 2013), extended length fields (5.2), GET RESPONSE
 * after 61xx (5.3.4) and the second try after 6Cxx (5.6).
 *
 * A command is executed once.  It is issued anew in one case only: 6Cxx says
 * that the card has not executed it and which Le it wants (5.6, table 6).
 * Whatever the reader reports as an error ends the exchange; the caller alone
 * can know what to do after a reset.
 */
#include "card.h"

#include <string.h>

#include "../apdu/atr.h"
#include "../keys/secret.h"

#define INS_VERIFY	 0x20
#define INS_SELECT	 0xA4
#define P1_BY_NAME	 0x04
#define INS_GET_RESPONSE 0xC0

#define BLOCK_MAX 255u /* data bytes of one short command */
#define SHORT_NE  256u
/* What a reader wants room for, at least: 256 bytes and a status word. */
#define SHORT_ANSWER 258u
/* Longest data sent in one command; longer ones are chained. */
#define DATA_MAX    JZ_ANSWER_MAX
#define COMMAND_MAX (4u + 3u + DATA_MAX + 2u)
/* GET RESPONSE in a row: each brings a byte at least, mostly 256. */
#define GET_RESPONSE_MAX 64u

_Static_assert(JZ_ANSWER_MAX > 2 * SHORT_ANSWER, "an answer is gathered");
_Static_assert(
    JZ_ANSWER_MAX / SHORT_NE < GET_RESPONSE_MAX, "full parts all fit");

void
jz_session_init(struct jz_session *s, struct jz_reader *reader)
{
	struct jz_atr atr;

	memset(s, 0, sizeof(*s));
	s->reader = reader;
	/* A card whose ATR is odd still answers short commands. */
	if (jz_atr_parse(jz_reader_atr(reader), &atr) == 0)
		s->extended = atr.extended_length;
}

/*
 * Sends one command and appends the response's data to what was gathered.
 * The command may hold a PIN, so its bytes are wiped whatever happens.
 */
static int
exchange(struct jz_session *s, const struct jz_command *c)
{
	uint8_t cmd[COMMAND_MAX];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));
	struct jz_response rsp;
	uint8_t *at = s->buffer + s->len;
	size_t room = sizeof(s->buffer) - s->len;
	int err;

	s->sw = 0;
	if (room < SHORT_ANSWER)
		return JZ_ERR_SPACE;
	err = jz_command_build(c, &b);
	if (err != 0)
		goto out;
	err = jz_reader_transmit(s->reader, cmd, b.len, at, &room);
	if (err != 0)
		goto out;
	if (jz_response_parse(jz_span(at, room), &rsp) != 0) {
		err = JZ_ERR_ANSWER;
		goto out;
	}
	s->sw = rsp.sw;
	s->len += rsp.data.len;
out:
	jz_wipe(cmd, b.len);
	return err;
}

/*
 * All blocks of a chain but the last.  Their responses go to a buffer of
 * their own: the data sent may lie in the session's.  *left gets the last
 * block, or the chain is over when the card refuses.
 */
static int
send_chain(struct jz_session *s, struct jz_command c, struct jz_span *left)
{
	uint8_t cmd[4 + 1 + BLOCK_MAX], rsp[SHORT_ANSWER];
	int err = 0;

	c.cla |= JZ_CLA_CHAINING;
	c.has_le = false;
	c.ne = 0;
	s->sw = JZ_SW_OK;
	while (err == 0 && s->sw == JZ_SW_OK && left->len > BLOCK_MAX) {
		struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));
		struct jz_response r;
		size_t n = sizeof(rsp);

		c.data = jz_span(left->data, BLOCK_MAX);
		*left = jz_span(left->data + BLOCK_MAX, left->len - BLOCK_MAX);
		err = jz_command_build(&c, &b);
		if (err == 0)
			err =
			    jz_reader_transmit(s->reader, cmd, b.len, rsp, &n);
		if (err == 0 && jz_response_parse(jz_span(rsp, n), &r) != 0)
			err = JZ_ERR_ANSWER;
		s->sw = err == 0 ? r.sw : 0;
	}
	jz_wipe(cmd, sizeof(cmd));
	return err;
}

/* Le as the card asked for it in 61xx or 6Cxx: xx 00 stands for 256. */
static uint32_t
asked_ne(uint16_t sw)
{
	return (sw & 0xFF) == 0 ? SHORT_NE : sw & 0xFFu;
}

/* Fetches the rest of an answer.  GET RESPONSE goes to the same channel. */
static int
get_response(struct jz_session *s, uint8_t cla)
{
	struct jz_command c = {.ins = INS_GET_RESPONSE, .has_le = true};
	int channel = jz_cla_channel(cla), err = 0;
	unsigned i;

	if (channel > 0)
		c.cla = jz_cla_on_channel(0x00, (unsigned)channel);
	for (i = 0; err == 0 && (s->sw & 0xFF00) == JZ_SW_MORE_DATA; i++) {
		if (i == GET_RESPONSE_MAX)
			return JZ_ERR_ANSWER;
		c.ne = asked_ne(s->sw);
		err = exchange(s, &c);
	}
	return err;
}

static int
whole(struct jz_session *s, const struct jz_command *command,
    struct jz_answer *out)
{
	struct jz_command c = *command;
	int err = 0;

	*out = (struct jz_answer){0};
	c.extended = s->extended && c.data.len <= DATA_MAX &&
	    (c.data.len > BLOCK_MAX || (c.has_le && c.ne > SHORT_NE));
	if (!c.extended && c.ne > SHORT_NE)
		c.ne = SHORT_NE;
	if (!c.extended && c.data.len > BLOCK_MAX) {
		err = send_chain(s, c, &c.data);
		if (err != 0 || s->sw != JZ_SW_OK) {
			s->len = 0;
			goto out;
		}
	}
	s->len = 0;
	err = exchange(s, &c);
	if (err == 0 && c.has_le && (s->sw & 0xFF00) == JZ_SW_WRONG_LE) {
		s->len = 0;
		c.ne = asked_ne(s->sw);
		err = exchange(s, &c);
	}
	if (err == 0)
		err = get_response(s, c.cla);
out:
	if (err == 0)
		*out = (struct jz_answer){jz_span(s->buffer, s->len), s->sw};
	return err;
}

/* Another session of this card has had its own purse selected. */
static int
take_turn(struct jz_session *s)
{
	const struct jz_command c = {.ins = INS_SELECT,
	    .p1 = P1_BY_NAME,
	    .data = {s->purse, s->purse_len},
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer answer;
	int err = whole(s, &c, &answer);

	if (err == 0)
		err = jz_status_error(answer.sw);
	if (err == 0)
		*s->turn = s;
	return err;
}

int
jz_session_exchange(struct jz_session *s, const struct jz_command *command,
    struct jz_answer *out)
{
	int err;

	*out = (struct jz_answer){0};
	if (s->turn != NULL && *s->turn != s && (err = take_turn(s)) != 0)
		return err;
	return whole(s, command, out);
}

int
jz_session_send(struct jz_session *s, uint8_t cla, uint8_t ins, uint8_t p1,
    uint8_t p2, struct jz_span data, struct jz_answer *out)
{
	struct jz_command c = {.cla = cla, .ins = ins, .p1 = p1, .p2 = p2};

	c.data = data;
	/* VERIFY has no answer, and there are cards that refuse its Le. */
	c.has_le = ins != INS_VERIFY;
	if (c.has_le)
		c.ne = s->extended ? JZ_ANSWER_MAX - 2 : SHORT_NE;
	return jz_session_exchange(s, &c, out);
}

int
jz_status_error(uint16_t sw)
{
	if ((sw & 0xFFF0) == JZ_SW_PIN_TRIES)
		return JZ_ERR_PIN;
	switch (sw) {
	case JZ_SW_OK:
		return 0;
	case JZ_SW_BLOCKED:
		return JZ_ERR_PIN_BLOCKED;
	case JZ_SW_AMOUNT:
	case JZ_SW_FUNDS:
		return JZ_ERR_FUNDS;
	case JZ_SW_MAC:
	case JZ_SW_STRANGER:
		return JZ_ERR_AUTHENTICATION;
	case JZ_SW_MISMATCH:
		return JZ_ERR_DATA;
	case JZ_SW_DECRYPT:
		return JZ_ERR_DECRYPT;
	case JZ_SW_CERT_FORGED:
		return JZ_ERR_CERT_FORGED;
	case JZ_SW_CERT_EXPIRED:
		return JZ_ERR_CERT_EXPIRED;
	case JZ_SW_CERT_NOT_YET:
		return JZ_ERR_CERT_NOT_YET;
	case JZ_SW_CERT_REVOKED:
		return JZ_ERR_CERT_REVOKED;
	case JZ_SW_CERT_ROLE:
		return JZ_ERR_CERT_ROLE;
	case JZ_SW_CERT_ISSUER:
		return JZ_ERR_CERT_ISSUER;
	case JZ_SW_CERT_SUITE:
		return JZ_ERR_CERT_SUITE;
	case JZ_SW_CERT_MALFORMED:
		return JZ_ERR_CERT_MALFORMED;
	case JZ_SW_PROFILE:
		return JZ_ERR_PROFILE;
	case JZ_SW_REFUND:
		return JZ_ERR_REFUND;
	case JZ_SW_LIST_OLD:
		return JZ_ERR_LIST_OLD;
	default:
		return JZ_ERR_STATUS;
	}
}

int
jz_session_command(struct jz_session *s, uint8_t cla, uint8_t ins, uint8_t p1,
    uint8_t p2, struct jz_span data, struct jz_answer *out)
{
	int err = jz_session_send(s, cla, ins, p1, p2, data, out);

	return err != 0 ? err : jz_status_error(out->sw);
}
