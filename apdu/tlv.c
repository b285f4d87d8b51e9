/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BER-TLV: ISO/IEC 7816-4:2013 5.2.2, ISO/IEC 8825-1:2015 8.1.
 *
 * One leniency: the standard wants tag numbers up to 30 in a single byte, but
 * the field writes 9F08 and 9F0C (EMV, JR/T 0025), so these second bytes are
 * taken.  A second byte of 80, a number with a leading zero, stays refused,
 * and so does the tag 00, which is padding or an end mark elsewhere.
 */
#include "tlv.h"

#include <string.h>

#include "error.h"

enum {
	TAG_MORE = 0x1F,	/* low bits of a first byte: more follow */
	TAG_CONSTRUCTED = 0x20, /* in a first byte */
	TAG_MAX_BYTES = 3,
};

static int
take_tag(struct jz_cursor *c, uint32_t *tag)
{
	uint32_t t = jz_take_u8(c);

	if (c->bad)
		return JZ_ERR_TLV_TRUNCATED;
	if (t == 0)
		return JZ_ERR_TLV_TAG;
	if ((t & TAG_MORE) == TAG_MORE) {
		t = t << 8 | jz_take_u8(c);
		if ((t & 0xFF) == 0x80)
			return JZ_ERR_TLV_TAG;
		if ((t & 0x80) != 0)
			t = t << 8 | jz_take_u8(c);
		if (c->bad)
			return JZ_ERR_TLV_TRUNCATED;
		if ((t & 0x80) != 0)
			return JZ_ERR_TLV_TAG;
	}
	*tag = t;
	return 0;
}

static int
take_length(struct jz_cursor *c, size_t *len)
{
	size_t first = jz_take_u8(c);
	size_t n = first;
	size_t least = 0;

	if (first == 0x81) {
		n = jz_take_u8(c);
		least = 0x80;
	} else if (first == 0x82) {
		n = jz_take_u16(c);
		least = 0x100;
	} else if (first >= 0x80) {
		return JZ_ERR_TLV_LENGTH;
	}
	if (c->bad)
		return JZ_ERR_TLV_TRUNCATED;
	if (n < least)
		return JZ_ERR_TLV_LENGTH;
	*len = n;
	return 0;
}

int
jz_tlv_next(struct jz_cursor *c, struct jz_tlv *out)
{
	const uint8_t *start = c->data;
	size_t before = c->len;
	uint32_t tag = 0;
	size_t len = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	if (c->bad)
		return JZ_ERR_TLV_TRUNCATED;
	if (c->len == 0)
		return JZ_ERR_NOT_FOUND;
	rc = take_tag(c, &tag);
	if (rc == 0)
		rc = take_length(c, &len);
	if (rc == 0 && len > c->len)
		rc = JZ_ERR_TLV_TRUNCATED;
	if (rc != 0) {
		c->bad = true;
		return rc;
	}
	out->tag = tag;
	out->value = jz_take(c, len);
	out->whole = jz_span(start, before - c->len);
	return 0;
}

uint32_t
jz_tlv_peek(const struct jz_cursor *c)
{
	struct jz_cursor copy = *c;
	struct jz_tlv t;

	/* On an error t is all zero, and so is its tag. */
	(void)jz_tlv_next(&copy, &t);
	return t.tag;
}

int
jz_tlv_expect(struct jz_cursor *c, uint32_t tag, struct jz_span *value)
{
	struct jz_tlv t;
	int rc = jz_tlv_next(c, &t);

	*value = jz_span(NULL, 0);
	if (rc == JZ_ERR_NOT_FOUND || (rc == 0 && t.tag != tag))
		rc = JZ_ERR_TLV_TAG;
	if (rc != 0) {
		c->bad = true;
		return rc;
	}
	*value = t.value;
	return 0;
}

static int
expect_len(struct jz_cursor *c, uint32_t tag, size_t len, struct jz_span *value)
{
	int rc = jz_tlv_expect(c, tag, value);

	if (rc == 0 && value->len != len) {
		c->bad = true;
		rc = JZ_ERR_TLV_LENGTH;
	}
	return rc;
}

int
jz_tlv_expect_bytes(struct jz_cursor *c, uint32_t tag, void *out, size_t len)
{
	struct jz_span v;
	int rc = expect_len(c, tag, len, &v);

	if (len == 0)
		return rc;
	if (rc != 0)
		memset(out, 0, len);
	else
		memcpy(out, v.data, len);
	return rc;
}

int
jz_tlv_expect_uint(struct jz_cursor *c, uint32_t tag, size_t len, uint64_t *out)
{
	struct jz_span v;
	int rc;

	*out = 0;
	if (len < 1 || len > 8)
		return JZ_ERR_ARGUMENT;
	rc = expect_len(c, tag, len, &v);
	if (rc == 0)
		*out = jz_get_be(v.data, len);
	return rc;
}

int
jz_tlv_find(struct jz_span level, uint32_t tag, struct jz_span *value)
{
	struct jz_cursor c = jz_cursor(level);
	struct jz_tlv t;
	int rc;

	*value = jz_span(NULL, 0);
	/* Each turn takes at least two bytes or fails. */
	do {
		rc = jz_tlv_next(&c, &t);
	} while (rc == 0 && t.tag != tag);
	if (rc == 0)
		*value = t.value;
	return rc;
}

int
jz_tlv_check(struct jz_span in)
{
	struct jz_cursor level[JZ_TLV_MAX_DEPTH];
	size_t depth = 1;
	struct jz_tlv t;
	int rc;

	level[0] = jz_cursor(in);
	/* Each turn takes at least two bytes, leaves a level, or fails. */
	while (depth > 0) {
		rc = jz_tlv_next(&level[depth - 1], &t);
		if (rc == JZ_ERR_NOT_FOUND) {
			depth--;
			continue;
		}
		if (rc != 0)
			return rc;
		if ((t.whole.data[0] & TAG_CONSTRUCTED) == 0 ||
		    t.value.len == 0)
			continue;
		if (depth == JZ_TLV_MAX_DEPTH)
			return JZ_ERR_TLV_TAG;
		level[depth++] = jz_cursor(t.value);
	}
	return 0;
}

static size_t
tag_size(uint32_t tag)
{
	return tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1;
}

static size_t
length_size(size_t len)
{
	return len > 0xFF ? 3 : len > 0x7F ? 2 : 1;
}

size_t
jz_tlv_header_size(uint32_t tag, size_t len)
{
	return tag_size(tag) + length_size(len);
}

/* Whether we would read this tag back: nothing else is ever written. */
static bool
tag_valid(uint32_t tag)
{
	uint8_t bytes[TAG_MAX_BYTES];
	struct jz_cursor c = jz_cursor(jz_span(bytes, tag_size(tag)));
	uint32_t again = 0;

	jz_set_be(bytes, tag_size(tag), tag);
	return take_tag(&c, &again) == 0 && jz_cursor_end(&c) && again == tag;
}

static void
write_length(uint8_t *p, size_t len)
{
	size_t n = length_size(len);

	if (n > 1)
		*p++ = (uint8_t)(0x80 + n - 1);
	jz_set_be(p, n > 1 ? n - 1 : 1, len);
}

/* Writes the header and lends the value's bytes, all of it or nothing. */
static uint8_t *
reserve_object(struct jz_buffer *b, uint32_t tag, size_t len, size_t value)
{
	size_t header = jz_tlv_header_size(tag, len);
	uint8_t *p;

	if (!tag_valid(tag) || len > JZ_TLV_MAX_LENGTH) {
		b->bad = true;
		return NULL;
	}
	p = jz_reserve(b, header + value);
	if (p == NULL)
		return NULL;
	jz_set_be(p, tag_size(tag), tag);
	write_length(p + tag_size(tag), len);
	return p + header;
}

void
jz_tlv_put_header(struct jz_buffer *b, uint32_t tag, size_t len)
{
	(void)reserve_object(b, tag, len, 0);
}

void
jz_tlv_put(struct jz_buffer *b, uint32_t tag, const void *v, size_t len)
{
	uint8_t *p = reserve_object(b, tag, len, len);

	if (p != NULL && len > 0)
		memcpy(p, v, len);
}

/* A number that its bytes cannot hold would be another number: refused. */
void
jz_tlv_put_uint(struct jz_buffer *b, uint32_t tag, uint64_t v, size_t len)
{
	uint8_t *p;

	if (len < 1 || len > 8 || (len < 8 && v >> (8 * len) != 0)) {
		b->bad = true;
		return;
	}
	p = reserve_object(b, tag, len, len);
	if (p != NULL)
		jz_set_be(p, len, v);
}

/* The mark is where the length field stands, one byte long for now. */
size_t
jz_tlv_open(struct jz_buffer *b, uint32_t tag)
{
	jz_tlv_put_header(b, tag, 0);
	return b->bad ? 0 : b->len - 1;
}

void
jz_tlv_close(struct jz_buffer *b, size_t mark)
{
	size_t content, more;

	if (b->bad || mark >= b->len) {
		b->bad = true;
		return;
	}
	content = b->len - mark - 1;
	more = length_size(content) - 1;
	if (content > JZ_TLV_MAX_LENGTH || jz_reserve(b, more) == NULL) {
		b->bad = true;
		return;
	}
	if (more > 0)
		memmove(b->data + mark + 1 + more, b->data + mark + 1, content);
	write_length(b->data + mark, content);
}
