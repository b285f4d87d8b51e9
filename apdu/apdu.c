/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command and response APDUs: ISO/IEC 7816-4:2013 5.1, 5.2, 5.4.1; ISO/IEC
 * 7816-3:2006 12.1.3, where the seven cases are told apart by their lengths.
 */
#include "apdu.h"

#include <string.h>

#include "error.h"

enum {
	HEADER = 4,
	SHORT_MAX_NC = 255,
	SHORT_MAX_NE = 256,
	CLA_FURTHER = 0x40, /* channels 4-19 */
	CLA_FURTHER_SECURE = 0x20,
	CLA_FURTHER_CHANNEL = 0x0F,
	CLA_FIRST_SECURE = 0x0C,
	CLA_FIRST_CHANNEL = 0x03,
	CLA_PROPRIETARY = 0x80,
	CLA_INVALID = 0xFF,
	CLA_RESERVED_MASK = 0xE0, /* 001xxxxx: reserved */
	CLA_RESERVED = 0x20,
	FIRST_CHANNELS = 4,
};

static uint32_t
be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Cases 2S, 3S and 4S: in has 5 bytes or more; n is the fifth. */
static int
parse_short(struct jz_span in, struct jz_command *out)
{
	size_t nc = in.data[HEADER];
	uint32_t le;
	bool has_le = true;

	if (in.len == HEADER + 1) {
		le = in.data[HEADER];
		nc = 0;
	} else if (in.len == HEADER + 1 + nc) {
		le = 0;
		has_le = false;
	} else if (in.len == HEADER + 1 + nc + 1) {
		le = in.data[in.len - 1];
	} else {
		return JZ_ERR_APDU_LENGTH;
	}
	out->extended = false;
	out->has_le = has_le;
	out->data = jz_span(nc > 0 ? in.data + HEADER + 1 : NULL, nc);
	out->ne = has_le && le == 0 ? SHORT_MAX_NE : le;
	return 0;
}

/* Cases 2E, 3E and 4E: in has 6 bytes or more, the fifth of them zero. */
static int
parse_extended(struct jz_span in, struct jz_command *out)
{
	uint32_t le;
	size_t nc = 0;
	bool has_le = true;

	if (in.len < HEADER + 3)
		return JZ_ERR_APDU_LENGTH;
	le = be16(in.data + HEADER + 1);
	if (in.len > HEADER + 3) {
		nc = le;
		/* Lc 0000 is no Lc: cases 3 and 4 have data. */
		if (nc == 0)
			return JZ_ERR_APDU_LENGTH;
		has_le = in.len == HEADER + 3 + nc + 2;
		if (!has_le && in.len != HEADER + 3 + nc)
			return JZ_ERR_APDU_LENGTH;
		le = has_le ? be16(in.data + in.len - 2) : 0;
	}
	out->extended = true;
	out->has_le = has_le;
	out->data = jz_span(nc > 0 ? in.data + HEADER + 3 : NULL, nc);
	out->ne = has_le && le == 0 ? JZ_APDU_MAX_NE : le;
	return 0;
}

int
jz_command_parse(struct jz_span in, struct jz_command *out)
{
	int rc = 0;

	if (in.len < HEADER)
		return JZ_ERR_APDU_SHORT;
	if (in.len == HEADER) {
		out->extended = false;
		out->has_le = false;
		out->data = jz_span(NULL, 0);
		out->ne = 0;
	} else if (in.len == HEADER + 1 || in.data[HEADER] != 0) {
		rc = parse_short(in, out);
	} else {
		rc = parse_extended(in, out);
	}
	if (rc != 0)
		return rc;
	out->cla = in.data[0];
	out->ins = in.data[1];
	out->p1 = in.data[2];
	out->p2 = in.data[3];
	return 0;
}

/* Lc and data in the extended form; Le alone brings its own zero byte. */
static void
put_extended(const struct jz_command *c, bool le, struct jz_buffer *b)
{
	if (c->data.len > 0 || le)
		jz_put_u8(b, 0);
	if (c->data.len > 0) {
		jz_put_u16(b, (uint16_t)c->data.len);
		jz_put(b, c->data.data, c->data.len);
	}
	/* 65536 is written as 0000. */
	if (le)
		jz_put_u16(b, (uint16_t)c->ne);
}

static void
put_short(const struct jz_command *c, bool le, struct jz_buffer *b)
{
	if (c->data.len > 0) {
		jz_put_u8(b, (uint8_t)c->data.len);
		jz_put(b, c->data.data, c->data.len);
	}
	/* 256 is written as 00. */
	if (le)
		jz_put_u8(b, (uint8_t)c->ne);
}

/*
 * An Le that asks for nothing cannot be written: has_le with ne zero becomes
 * Le 00, as many bytes as the form allows.
 */
int
jz_command_build(const struct jz_command *c, struct jz_buffer *out)
{
	bool le = c->has_le || c->ne > 0;
	size_t start = out->len;

	if (c->data.len > JZ_APDU_MAX_NC || c->ne > JZ_APDU_MAX_NE)
		return JZ_ERR_RANGE;
	jz_put_u8(out, c->cla);
	jz_put_u8(out, c->ins);
	jz_put_u8(out, c->p1);
	jz_put_u8(out, c->p2);
	if (c->extended || c->data.len > SHORT_MAX_NC || c->ne > SHORT_MAX_NE)
		put_extended(c, le, out);
	else
		put_short(c, le, out);
	if (out->bad) {
		out->len = start;
		return JZ_ERR_SPACE;
	}
	return 0;
}

int
jz_response_parse(struct jz_span in, struct jz_response *out)
{
	if (in.len < 2)
		return JZ_ERR_APDU_SHORT;
	out->data = jz_span(in.data, in.len - 2);
	out->sw = (uint16_t)be16(in.data + in.len - 2);
	return 0;
}

int
jz_cla_channel(uint8_t cla)
{
	if (cla == CLA_INVALID || (cla & CLA_RESERVED_MASK) == CLA_RESERVED)
		return -1;
	if ((cla & CLA_FURTHER) != 0)
		return (cla & CLA_FURTHER_CHANNEL) + FIRST_CHANNELS;
	return cla & CLA_FIRST_CHANNEL;
}

bool
jz_cla_secure(uint8_t cla)
{
	if (cla == CLA_INVALID)
		return false;
	if ((cla & CLA_FURTHER) != 0)
		return (cla & CLA_FURTHER_SECURE) != 0;
	return (cla & CLA_FIRST_SECURE) != 0;
}

/*
 * The further coding has one bit for secure messaging, the first coding two.
 * Back from the one bit we write what GlobalPlatform (11.1.4) means by it in
 * a proprietary class, 04, and ISO/IEC 7816-4 table 3 in an interindustry
 * class, 08: the header is not authenticated.
 */
uint8_t
jz_cla_on_channel(uint8_t cla, unsigned channel)
{
	unsigned base = cla & (CLA_PROPRIETARY | JZ_CLA_CHAINING);

	if (channel >= FIRST_CHANNELS) {
		if (jz_cla_secure(cla))
			base |= CLA_FURTHER_SECURE;
		channel = (channel - FIRST_CHANNELS) & CLA_FURTHER_CHANNEL;
		return (uint8_t)(base | CLA_FURTHER | channel);
	}
	if ((cla & CLA_FURTHER) == 0)
		base = cla & ~(unsigned)CLA_FIRST_CHANNEL;
	else if (jz_cla_secure(cla))
		base |= (cla & CLA_PROPRIETARY) != 0 ? 0x04 : 0x08;
	return (uint8_t)(base | channel);
}
