/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's half of SCP03: GlobalPlatform Amendment D, 7.1.
 */
#include "gpcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/atr.h"

#define INS_INITIALIZE_UPDATE	  0x50
#define INS_EXTERNAL_AUTHENTICATE 0x82
#define INS_SELECT		  0xA4
#define CLEAR_MAX		  4096

struct jz_scp03_keys
gpcard_default_keys(void)
{
	struct jz_scp03_keys k;

	for (uint8_t i = 0; i < JZ_KEY_BYTES; i++)
		k.enc[i] = k.mac[i] = k.dek[i] = (uint8_t)(0x40 + i);
	return k;
}

static void
put_status(struct jz_buffer *out, uint16_t sw)
{
	jz_put_u16(out, sw);
}

static void
initialize_update(
    struct gpcard *c, const struct jz_command *cmd, struct jz_buffer *out)
{
	uint8_t sequence[JZ_SCP03_SEQUENCE_BYTES], challenge[8], cryptogram[8];

	assert_int_equal(cmd->data.len, 8);
	assert_int_equal(cmd->p2, 0);
	assert_true(cmd->has_le);
	c->open = false;
	if (cmd->p1 != 0 && cmd->p1 != c->kvn) {
		put_status(out, JZ_SW_REFERENCE);
		return;
	}
	jz_set_be(sequence, sizeof(sequence), ++c->sequence);
	assert_int_equal(
	    jz_scp03_challenge(&c->engine, &c->keys, sequence,
		jz_span(c->domain.bytes, c->domain.len), challenge),
	    0);
	challenge[0] ^= c->wrong_challenge ? 1 : 0;
	assert_int_equal(jz_scp03_start(&c->engine, &c->keys, cmd->data.data,
			     challenge, &c->channel),
	    0);
	memcpy(cryptogram, c->channel.card_cryptogram, sizeof(cryptogram));
	cryptogram[7] ^= c->wrong_cryptogram ? 1 : 0;
	jz_put(out, c->kdd, sizeof(c->kdd));
	jz_put_u8(out, c->kvn);
	jz_put_u8(out, 0x03);
	jz_put_u8(out, c->parameter);
	jz_put(out, challenge, sizeof(challenge));
	jz_put(out, cryptogram, sizeof(cryptogram));
	if ((c->parameter & 0x10) != 0)
		jz_put(out, sequence, sizeof(sequence));
	put_status(out, JZ_SW_OK);
	c->begun = true;
}

static void
external_authenticate(
    struct gpcard *c, struct jz_command *cmd, struct jz_buffer *out)
{
	uint8_t bytes[16];
	struct jz_buffer clear = jz_buffer(bytes, sizeof(bytes));

	assert_true(c->begun);
	assert_false(cmd->has_le);
	assert_int_equal(cmd->cla, 0x84);
	c->begun = false;
	c->channel.level = JZ_LEVEL_C_MAC;
	assert_int_equal(
	    jz_scp03_unwrap(&c->engine, &c->channel, cmd, &clear), 0);
	if (c->refuse_host) {
		put_status(out, JZ_SW_WARNING);
		return;
	}
	assert_int_equal(clear.len, 8);
	assert_memory_equal(clear.data, c->channel.host_cryptogram, 8);
	c->channel.level = cmd->p1;
	c->channel.counter = 0;
	c->open = true;
	put_status(out, JZ_SW_OK);
}

/* The next line: its command is the one that came, as it was in the clear. */
static const struct line *
next_line(struct gpcard *c, const struct jz_command *cmd)
{
	char text[2 * CLEAR_MAX];
	uint8_t want[CLEAR_MAX];
	const struct line *l;
	size_t n;
	char *dots;

	assert_true(c->at < c->n);
	l = &c->lines[c->at++];
	if (l->command == NULL)
		return l;
	snprintf(text, sizeof(text), "%s", l->command);
	dots = strstr(text, "...");
	if (dots != NULL)
		*dots = '\0';
	n = script_unhex(text, want, sizeof(want));
	assert_true(n >= 4 && n <= 4 + cmd->data.len);
	assert_true(dots != NULL || n == 4 + cmd->data.len);
	assert_int_equal(want[0], cmd->cla);
	assert_int_equal(want[1], cmd->ins);
	assert_int_equal(want[2], cmd->p1);
	assert_int_equal(want[3], cmd->p2);
	if (n > 4)
		assert_memory_equal(want + 4, cmd->data.data, n - 4);
	return l;
}

static void
scripted(struct gpcard *c, struct jz_command *cmd, struct jz_buffer *out)
{
	uint8_t bytes[CLEAR_MAX], answer[CLEAR_MAX];
	struct jz_buffer clear = jz_buffer(bytes, sizeof(bytes));
	const struct line *l;
	uint16_t sw;

	/* A selection ends the channel. */
	if (cmd->cla == 0 && cmd->ins == INS_SELECT)
		c->open = false;
	if (c->open)
		assert_int_equal(
		    jz_scp03_unwrap(&c->engine, &c->channel, cmd, &clear), 0);
	l = next_line(c, cmd);
	out->len = script_unhex(l->answer, answer, sizeof(answer)) - 2;
	sw = (uint16_t)jz_get_be(answer + out->len, 2);
	memcpy(out->data, answer, out->len);
	if (c->open)
		assert_int_equal(
		    jz_scp03_wrap_response(&c->engine, &c->channel, sw, out),
		    0);
	if (c->wrong_mac && out->len > 0)
		out->data[out->len - 1] ^= 1;
	put_status(out, sw);
}

/* Gathers a chain; true when the command is whole. */
static bool
gather(struct gpcard *c, struct jz_command *cmd)
{
	bool last = (cmd->cla & JZ_CLA_CHAINING) == 0;

	assert_true(c->chain_len + cmd->data.len <= sizeof(c->chain));
	if (cmd->data.len > 0)
		memcpy(c->chain + c->chain_len, cmd->data.data, cmd->data.len);
	c->chain_len += cmd->data.len;
	c->blocks++;
	if (!last)
		return false;
	cmd->data = jz_span(c->chain, c->chain_len);
	return true;
}

static int
transmit(void *state, const uint8_t *bytes, size_t len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct gpcard *c = state;
	struct jz_buffer out = jz_buffer(rsp, *rsp_len);
	struct jz_command cmd;

	assert_int_equal(jz_command_parse(jz_span(bytes, len), &cmd), 0);
	if (c->chain_len == 0)
		c->blocks = 0;
	c->extended = cmd.extended;
	if (!gather(c, &cmd)) {
		put_status(&out, JZ_SW_OK);
	} else {
		c->chain_len = 0;
		if (cmd.ins == INS_INITIALIZE_UPDATE)
			initialize_update(c, &cmd, &out);
		else if (cmd.ins == INS_EXTERNAL_AUTHENTICATE)
			external_authenticate(c, &cmd, &out);
		else
			scripted(c, &cmd, &out);
	}
	assert_false(out.bad);
	*rsp_len = out.len;
	return 0;
}

static int
reset(void *state, bool cold)
{
	(void)state;
	(void)cold;
	return 0;
}

static struct jz_span
atr(void *state)
{
	struct gpcard *c = state;

	return jz_span(c->atr, c->atr_len);
}

static void
release(void *state)
{
	(void)state;
}

static const struct jz_reader_ops OPS = {
    .scheme = "gpcard",
    .transmit = transmit,
    .reset = reset,
    .atr = atr,
    .close = release,
};

void
gpcard_open(struct gpcard *c, const struct jz_engine *e, bool extended,
    const struct line *lines, size_t n)
{
	const uint8_t historical[] = {
	    0x80, 0x73, 0xC6, 0x21, extended ? 0xC0 : 0x80};
	const uint8_t domain[] = {0xA0, 0, 0, 1, 0x51, 0, 0, 0};
	struct jz_buffer b = jz_buffer(c->atr, sizeof(c->atr));

	memset(c, 0, sizeof(*c));
	assert_int_equal(jz_atr_build(JZ_PROTOCOL_T1,
			     jz_span(historical, sizeof(historical)), &b),
	    0);
	c->atr_len = b.len;
	c->engine = *e;
	c->keys = gpcard_default_keys();
	assert_int_equal(
	    jz_gp_aid(jz_span(domain, sizeof(domain)), &c->domain), 0);
	memset(c->kdd, 0x11, sizeof(c->kdd));
	c->kdd[0] = 0x4A;
	c->kdd[1] = 0x5A;
	c->kvn = JZ_GP_KVN_INITIAL;
	c->parameter = JZ_SCP03_PARAMETER;
	c->lines = lines;
	c->n = n;
	assert_int_equal(jz_reader_take("gpcard:", &OPS, c, &c->reader), 0);
	jz_session_init(&c->session, c->reader);
	jz_gp_init(&c->gp, &c->session, &c->engine);
	c->gp.domain = c->domain;
}

void
gpcard_close(struct gpcard *c)
{
	assert_int_equal(c->at, c->n);
	jz_gp_close(&c->gp);
	jz_reader_free(&c->reader);
}
