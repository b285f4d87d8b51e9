/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as TLV, as a message of every kind, as a command APDU and as an
 * ATR.  What is taken must be written again as the same bytes; a violation
 * traps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../apdu/apdu.h"
#include "../../apdu/atr.h"
#include "../../apdu/message.h"
#include "../../apdu/tlv.h"

/* Room for the longest command and for the longest TLV object. */
#define OUT_MAX (JZ_APDU_MAX_COMMAND + 16u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum jz_kind KINDS[] = {
    JZ_KIND_REQUEST,
    JZ_KIND_AGREEMENT,
    JZ_KIND_CONFIRMATION,
    JZ_KIND_COMPLETION,
    JZ_KIND_RECEIPT,
    JZ_KIND_IDENTIFICATION,
    JZ_KIND_SEALED,
    JZ_KIND_LOAD_REQUEST,
    JZ_KIND_LOAD_PERMISSION,
    JZ_KIND_LOAD_REPORT,
    JZ_KIND_LOAD_CANCEL,
    JZ_KIND_UNLOAD_REQUEST,
    JZ_KIND_UNLOAD_PERMISSION,
    JZ_KIND_UNLOAD_PROOF,
    JZ_KIND_UNLOAD_ACKNOWLEDGED,
    JZ_KIND_RECORD_UNLOAD,
    JZ_KIND_SIGN_IN_REQUEST,
    JZ_KIND_CHALLENGE,
    JZ_KIND_SIGN_IN,
    JZ_KIND_SIGN_IN_CONFIRMED,
    JZ_KIND_BATCH,
    JZ_KIND_RECORD_PAID,
    JZ_KIND_RECORD_RECEIVED,
    JZ_KIND_RECORD_LOAD,
    JZ_KIND_PROCESSED,
    JZ_KIND_PURSE_INFO,
    JZ_KIND_PERSONALISATION,
    JZ_KIND_REVOCATION,
};

static void
require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void
require_same(const struct jz_buffer *out, struct jz_span in)
{
	require(!out->bad);
	require(jz_span_equal(jz_buffer_span(out), in));
}

/* Each object that is read is written as it was, at once and piece by piece. */
static void
walk(struct jz_span in, uint8_t *mem)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_tlv t;

	while (jz_tlv_next(&c, &t) == 0) {
		struct jz_buffer b = jz_buffer(mem, OUT_MAX);
		size_t mark;

		jz_tlv_put(&b, t.tag, t.value.data, t.value.len);
		require_same(&b, t.whole);
		require(jz_tlv_header_size(t.tag, t.value.len) + t.value.len ==
		    t.whole.len);
		b.len = 0;
		mark = jz_tlv_open(&b, t.tag);
		jz_put(&b, t.value.data, t.value.len);
		jz_tlv_close(&b, mark);
		require_same(&b, t.whole);
	}
	/* What is well-formed all the way down is so at the top. */
	require(jz_tlv_check(in) != 0 || jz_cursor_end(&c));
}

static void
messages(struct jz_span in, uint8_t *mem)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		static const struct jz_message NONE;
		struct jz_message m;
		struct jz_buffer b = jz_buffer(mem, OUT_MAX);

		if (jz_message_decode(in, KINDS[i], &m) != 0) {
			require(memcmp(&m, &NONE, sizeof(m)) == 0);
			continue;
		}
		require(m.kind == KINDS[i] && jz_message_peek(in) == m.kind);
		require(jz_message_encode(&m, JZ_SIGNED, &b) == 0);
		require_same(&b, in);
		b.len = 0;
		require(jz_message_encode(&m, JZ_UNSIGNED, &b) == 0);
		require(b.len < in.len || !jz_kind_signed(m.kind));
	}
}

static void
command(struct jz_span in, uint8_t *mem)
{
	struct jz_command c;
	struct jz_response r;
	struct jz_buffer b = jz_buffer(mem, OUT_MAX);

	if (jz_command_parse(in, &c) == 0) {
		require(c.data.len <= JZ_APDU_MAX_NC);
		require(c.ne <= JZ_APDU_MAX_NE && (c.ne > 0) == c.has_le);
		require(jz_command_build(&c, &b) == 0);
		require_same(&b, in);
	}
	if (jz_response_parse(in, &r) == 0)
		require(r.data.len + 2 == in.len);
}

static void
atr(struct jz_span in, uint8_t *mem)
{
	struct jz_atr a, again;
	struct jz_buffer b = jz_buffer(mem, OUT_MAX);

	if (jz_atr_parse(in, &a) != 0)
		return;
	require(in.len <= JZ_ATR_MAX);
	require(jz_atr_build(JZ_PROTOCOL_T1, a.historical, &b) == 0);
	require(jz_atr_parse(jz_buffer_span(&b), &again) == 0);
	require(again.protocols == JZ_PROTOCOL_T1);
	require(jz_span_equal(again.historical, a.historical));
	require(again.extended_length == a.extended_length);
	require(again.chaining == a.chaining);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t mem[OUT_MAX];
	struct jz_span in = jz_span(data, size);

	walk(in, mem);
	messages(in, mem);
	command(in, mem);
	atr(in, mem);
	return 0;
}
