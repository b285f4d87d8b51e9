/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BER-TLV as smart cards use it: ISO/IEC 7816-4:2013 5.2.2, ISO/IEC 8825-1.
 *
 * Tags have one to three bytes and are written as one number: 0x5A, 0x7F21,
 * 0x5F37.  Lengths are definite, minimal, and at most 65535 (one to three
 * bytes: 00-7F, 81 80-FF, 82 0100-FFFF).  Anything else is refused: two
 * encodings of one value would be two byte strings under one signature.
 *
 * Reading lends spans of the input.  Writing fills a struct jz_buffer; a
 * constructed object is opened, filled and closed, and close moves the
 * content up when its length field needs more than one byte.
 */
#ifndef JZ_APDU_TLV_H
#define JZ_APDU_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define JZ_TLV_MAX_LENGTH 65535u
/* Depth of jz_tlv_check: our deepest object has six levels. */
#define JZ_TLV_MAX_DEPTH 8

struct jz_tlv {
	uint32_t tag;
	struct jz_span value;
	struct jz_span whole; /* tag, length and value */
};

/*
 * Takes the next object.  Returns 0, JZ_ERR_NOT_FOUND when the cursor is at
 * its end, JZ_ERR_TLV_TAG, JZ_ERR_TLV_LENGTH or JZ_ERR_TLV_TRUNCATED; an
 * error marks the cursor bad.  On any error *out is all zero.
 */
int jz_tlv_next(struct jz_cursor *c, struct jz_tlv *out);

/* The tag of the next object, or 0 at the end or when it is malformed. */
uint32_t jz_tlv_peek(const struct jz_cursor *c);

/*
 * Takes the next object, which must have this tag: JZ_ERR_TLV_TAG otherwise
 * (and when there is none).
 */
int jz_tlv_expect(struct jz_cursor *c, uint32_t tag, struct jz_span *value);

/* As jz_tlv_expect, and the value must have exactly len bytes, copied out. */
int
jz_tlv_expect_bytes(struct jz_cursor *c, uint32_t tag, void *out, size_t len);

/* As jz_tlv_expect, for a big-endian number of exactly len (1-8) bytes. */
int jz_tlv_expect_uint(
    struct jz_cursor *c, uint32_t tag, size_t len, uint64_t *out);

/* Finds the first object with this tag at this level; JZ_ERR_NOT_FOUND. */
int jz_tlv_find(struct jz_span level, uint32_t tag, struct jz_span *value);

/*
 * Walks all objects, entering constructed ones, and says whether the whole
 * input is well-formed.  Returns 0 or the first error; deeper than
 * JZ_TLV_MAX_DEPTH is JZ_ERR_TLV_TAG.  Not recursive.
 */
int jz_tlv_check(struct jz_span in);

/* Bytes that a tag and the length field of a value of len bytes take. */
size_t jz_tlv_header_size(uint32_t tag, size_t len);

void jz_tlv_put_header(struct jz_buffer *b, uint32_t tag, size_t len);
void jz_tlv_put(struct jz_buffer *b, uint32_t tag, const void *v, size_t len);
/* A big-endian number in exactly len (1-8) bytes; a larger one sets bad. */
void jz_tlv_put_uint(struct jz_buffer *b, uint32_t tag, uint64_t v, size_t len);

/* Opens a constructed object; hand the returned mark to jz_tlv_close. */
size_t jz_tlv_open(struct jz_buffer *b, uint32_t tag);
void jz_tlv_close(struct jz_buffer *b, size_t mark);

#endif
