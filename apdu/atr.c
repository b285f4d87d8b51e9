/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answer to reset: ISO/IEC 7816-3:2006 8.2 (TS, T0, interface bytes,
 * historical bytes, TCK); the card capabilities among the historical bytes:
 * ISO/IEC 7816-4:2013 8.1.1 and 8.1.1.2.7.
 */
#include "atr.h"

#include "error.h"

enum {
	TS_DIRECT = 0x3B,
	TS_INVERSE = 0x3F,
	HAS_TA = 0x1, /* in the high half of T0 and TDi */
	HAS_TB = 0x2,
	HAS_TC = 0x4,
	HAS_TD = 0x8,
	T_GLOBAL = 15, /* no protocol: global interface bytes follow */
	HISTORICAL_MAX = 15,
	CATEGORY_STATUS_LAST = 0x00, /* three status bytes end the history */
	CATEGORY_COMPACT = 0x80,
	COMPACT_CAPABILITIES = 0x7,
	CAPABILITY_CHAINING = 0x80,
	CAPABILITY_EXTENDED = 0x40,
};

/* What the interface bytes say. */
struct interface {
	unsigned seen;	/* mask of all T, 15 included */
	unsigned first; /* T used without negotiation */
};

/* TD1 first, then in ascending order of T: 8.2.3. */
static bool
next_protocol(struct interface *f, unsigned group, unsigned t)
{
	if (group == 1) {
		f->first = t;
		f->seen = 1u << t;
		return t != T_GLOBAL;
	}
	f->seen |= 1u << t;
	return f->seen >> t == 1;
}

/* Takes TA1 to the last of the interface bytes; false when malformed. */
static bool
take_interface(struct jz_cursor *c, unsigned present, struct interface *f)
{
	/* T=0 is what an ATR without TD1 offers. */
	f->seen = 1;
	f->first = 0;
	for (unsigned group = 1; group < JZ_ATR_MAX; group++) {
		unsigned ta = (present & HAS_TA) != 0 ? jz_take_u8(c) : 0;
		unsigned td;

		/* TA2: the specific mode, and the protocol used in it. */
		if (group == 2 && (present & HAS_TA) != 0)
			f->first = ta & 0x0F;
		if ((present & HAS_TB) != 0)
			(void)jz_take_u8(c);
		if ((present & HAS_TC) != 0)
			(void)jz_take_u8(c);
		if ((present & HAS_TD) == 0)
			break;
		td = jz_take_u8(c);
		if (c->bad || !next_protocol(f, group, td & 0x0F))
			return false;
		present = td >> 4;
	}
	return !c->bad;
}

/*
 * Looks for the card capabilities.  What cards write here is often not what
 * the standard says, so a malformed history only ends the search.
 */
static void
read_capabilities(struct jz_atr *a)
{
	struct jz_cursor c = jz_cursor(a->historical);
	uint8_t category = jz_take_u8(&c);

	if (c.bad)
		return;
	if (category == CATEGORY_STATUS_LAST && c.len >= 3)
		c.len -= 3;
	else if (category != CATEGORY_COMPACT)
		return;
	while (!c.bad && c.len > 0) {
		unsigned head = jz_take_u8(&c);
		struct jz_span v = jz_take(&c, head & 0x0F);

		if (head >> 4 != COMPACT_CAPABILITIES || v.len < 3)
			continue;
		a->chaining = (v.data[2] & CAPABILITY_CHAINING) != 0;
		a->extended_length = (v.data[2] & CAPABILITY_EXTENDED) != 0;
	}
}

/* Exclusive or of all bytes from T0 to TCK is zero: 8.2.5. */
static bool
check_byte_right(struct jz_span in)
{
	unsigned sum = 0;

	for (size_t i = 1; i < in.len; i++)
		sum ^= in.data[i];
	return sum == 0;
}

int
jz_atr_parse(struct jz_span in, struct jz_atr *out)
{
	struct jz_cursor c = jz_cursor(in);
	struct interface f;
	uint8_t ts = jz_take_u8(&c);
	uint8_t t0 = jz_take_u8(&c);

	*out = (struct jz_atr){0};
	if (c.bad || in.len > JZ_ATR_MAX ||
	    (ts != TS_DIRECT && ts != TS_INVERSE) ||
	    !take_interface(&c, t0 >> 4, &f))
		return JZ_ERR_ATR;
	struct jz_span historical = jz_take(&c, t0 & 0x0F);
	/* TCK is there as soon as anything but T=0 is indicated. */
	if (f.seen != JZ_PROTOCOL_T0) {
		(void)jz_take_u8(&c);
		if (!check_byte_right(in))
			return JZ_ERR_ATR;
	}
	if (!jz_cursor_end(&c))
		return JZ_ERR_ATR;
	out->protocols = f.seen & (JZ_PROTOCOL_T0 | JZ_PROTOCOL_T1);
	out->first = 1u << f.first;
	out->inverse = ts == TS_INVERSE;
	out->historical = historical;
	read_capabilities(out);
	return 0;
}

int
jz_atr_build(
    enum jz_protocol protocol, struct jz_span historical, struct jz_buffer *out)
{
	size_t start = out->len;
	uint8_t sum = 0;

	if (historical.len > HISTORICAL_MAX ||
	    (protocol != JZ_PROTOCOL_T0 && protocol != JZ_PROTOCOL_T1))
		return JZ_ERR_RANGE;
	jz_put_u8(out, TS_DIRECT);
	if (protocol == JZ_PROTOCOL_T1) {
		jz_put_u8(out, (uint8_t)(HAS_TD << 4 | historical.len));
		jz_put_u8(out, 1);
	} else {
		jz_put_u8(out, (uint8_t)historical.len);
	}
	jz_put(out, historical.data, historical.len);
	if (protocol == JZ_PROTOCOL_T1) {
		for (size_t i = start + 1; i < out->len; i++)
			sum ^= out->data[i];
		jz_put_u8(out, sum);
	}
	if (out->bad) {
		out->len = start;
		return JZ_ERR_SPACE;
	}
	return 0;
}
