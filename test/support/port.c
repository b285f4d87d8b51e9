/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to a card: ISO/IEC 7816-4:2013 5.1-5.3, with nothing that a reader
 * for T=0 could not carry; 61xx and 6Cxx are followed.
 */
#include "port.h"
#include "../../apdu/apdu.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHORT_NC 255u
#define HEX_MAX	 1024u

const uint8_t PORT_TERMINAL[JZ_TERMINAL_BYTES] = {
    0x00, 0x00, 0x20, 0x26, 0x01, 0x15};

void
blob_set(struct blob *b, struct jz_span s)
{
	assert_true(s.len <= sizeof(b->data));
	if (s.len > 0)
		memcpy(b->data, s.data, s.len);
	b->len = s.len;
}

uint16_t
port_raw(const struct port *p, struct jz_span cmd, struct answer *out)
{
	uint8_t rsp[ANSWER_MAX + 2];
	size_t n = p->transmit(p->state, cmd.data, cmd.len, rsp, sizeof(rsp));
	uint16_t sw;

	assert_in_range(n, 2, sizeof(rsp));
	sw = (uint16_t)jz_get_be(rsp + n - 2, 2);
	if (out != NULL) {
		out->sw = sw;
		out->len = n - 2;
		memcpy(out->data, rsp, out->len);
	}
	return sw;
}

static uint8_t
digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = strchr(digits, c);

	assert_non_null(at);
	return (uint8_t)(at - digits);
}

static size_t
from_hex(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*text != '\0') {
		if (*text == ' ') {
			text++;
			continue;
		}
		assert_true(n < cap);
		out[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text += 2;
	}
	return n;
}

uint16_t
port_hex(const struct port *p, const char *text, struct answer *out)
{
	uint8_t cmd[HEX_MAX];
	size_t n = from_hex(text, cmd, sizeof(cmd));

	return port_raw(p, jz_span(cmd, n), out);
}

/* One block of a command, with Le 00 when it is the last. */
static uint16_t
send_block(const struct port *p, uint32_t header, struct jz_span data,
    bool last, struct answer *out)
{
	uint8_t cmd[4 + 1 + SHORT_NC + 1];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));
	uint16_t sw;

	jz_put_u32(
	    &b, last ? header : header | (uint32_t)JZ_CLA_CHAINING << 24);
	if (data.len > 0) {
		jz_put_u8(&b, (uint8_t)data.len);
		jz_put(&b, data.data, data.len);
	}
	if (last)
		jz_put_u8(&b, 0);
	sw = port_raw(p, jz_buffer_span(&b), out);
	/* T=0: the card has told the right Le. */
	if (last && (sw & 0xFF00) == JZ_SW_WRONG_LE) {
		cmd[b.len - 1] = (uint8_t)sw;
		sw = port_raw(p, jz_buffer_span(&b), out);
	}
	return sw;
}

/* Fetches what is left and puts it behind what is there. */
static uint16_t
collect(const struct port *p, struct answer *out)
{
	struct answer more;

	while ((out->sw & 0xFF00) == JZ_SW_MORE_DATA) {
		const uint8_t get[] = {0, 0xC0, 0, 0, (uint8_t)out->sw};

		port_raw(p, jz_span(get, sizeof(get)), &more);
		assert_true(more.len <= sizeof(out->data) - out->len);
		memcpy(out->data + out->len, more.data, more.len);
		out->len += more.len;
		out->sw = more.sw;
	}
	return out->sw;
}

uint16_t
port_send(const struct port *p, uint32_t header, struct jz_span data,
    struct answer *out)
{
	struct answer own;
	struct jz_cursor c = jz_cursor(data);

	if (out == NULL)
		out = &own;
	while (c.len > SHORT_NC) {
		struct jz_span block = jz_take(&c, SHORT_NC);

		if (send_block(p, header, block, false, out) != JZ_SW_OK)
			return out->sw;
	}
	send_block(p, header, jz_span(c.data, c.len), true, out);
	return collect(p, out);
}

uint16_t
port_select(const struct port *p)
{
	static const uint8_t aid[] = JZ_AID_PURSE;

	return port_send(p, AT_SELECT, jz_span(aid, sizeof(aid)), NULL);
}

uint16_t
port_verify(const struct port *p, const char *pin_hex)
{
	uint8_t pin[SHORT_NC];
	size_t n = from_hex(pin_hex, pin, sizeof(pin));

	return port_send(p, AT_VERIFY, jz_span(pin, n), NULL);
}

uint32_t
port_balance(const struct port *p)
{
	struct answer a;

	assert_int_equal(
	    port_send(p, AT_BALANCE, jz_span(NULL, 0), &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	return (uint32_t)jz_get_be(a.data, 4);
}

struct jz_message
port_info(const struct port *p)
{
	struct jz_message m;
	struct answer a;

	assert_int_equal(port_send(p, AT_INFO, jz_span(NULL, 0), &a), JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_PURSE_INFO, &m), 0);
	return m;
}

struct blob
terms_of(uint64_t amount, uint16_t currency, int64_t time, const char *text)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));
	uint8_t bcd[JZ_TIME_BYTES];
	unsigned v = currency;

	jz_time_to_bcd(time, bcd);
	v = v / 100 << 8 | v / 10 % 10 << 4 | v % 10;
	jz_tlv_put_uint(&b, JZ_TAG_AMOUNT, amount, 8);
	jz_tlv_put_uint(&b, JZ_TAG_CURRENCY, v, 2);
	jz_tlv_put(&b, JZ_TAG_TIME, bcd, sizeof(bcd));
	if (text[0] != '\0')
		jz_tlv_put(&b, JZ_TAG_REFERENCE, text, strlen(text));
	assert_false(b.bad);
	out.len = b.len;
	return out;
}

struct blob
load_of(uint32_t amount)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	jz_put_u8(&b, 1);
	jz_put_u32(&b, amount);
	jz_put(&b, PORT_TERMINAL, sizeof(PORT_TERMINAL));
	out.len = b.len;
	return out;
}

struct blob
question_of(const struct jz_payment *pay)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	jz_tlv_put(&b, JZ_TAG_PAYEE_ID, pay->payee_id, JZ_ID_BYTES);
	jz_tlv_put_uint(&b, JZ_TAG_PAYEE_COUNTER, pay->payee_counter, 4);
	jz_tlv_put_uint(&b, JZ_TAG_PAYER_COUNTER, pay->payer_counter, 4);
	jz_tlv_put(
	    &b, JZ_TAG_REQUEST_DIGEST, pay->request_digest, JZ_DIGEST_BYTES);
	out.len = b.len;
	return out;
}

struct blob
fetch_of(const uint8_t digest[static JZ_DIGEST_BYTES])
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	jz_tlv_put(&b, JZ_TAG_REQUEST_DIGEST, digest, JZ_DIGEST_BYTES);
	out.len = b.len;
	return out;
}
