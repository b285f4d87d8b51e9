/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card to talk to, whatever it is behind: the card of a test, or one in a
 * reader.  And what a terminal says to a purse, command by command.
 */
#ifndef JZ_TEST_SUPPORT_PORT_H
#define JZ_TEST_SUPPORT_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "../../apdu/bytes.h"
#include "../../apdu/message.h"
#include "../../apdu/purse.h"
#include "../../apdu/status.h"

#define ANSWER_MAX 2304u
#define BLOB_MAX   1024u

struct port {
	/* As jz_card_process(); 0 when there is no card. */
	size_t (*transmit)(void *state, const uint8_t *cmd, size_t cmd_len,
	    uint8_t *rsp, size_t rsp_cap);
	void *state;
};

struct answer {
	uint16_t sw;
	size_t len;
	uint8_t data[ANSWER_MAX];
};

/* A message kept. */
struct blob {
	size_t len;
	uint8_t data[BLOB_MAX];
};

static inline struct jz_span
blob_span(const struct blob *b)
{
	return jz_span(b->data, b->len);
}

static inline struct jz_span
answer_span(const struct answer *a)
{
	return jz_span(a->data, a->len);
}

/* Fails the running test when it does not fit. */
void blob_set(struct blob *b, struct jz_span s);

/* Exactly these bytes, exactly that answer; `out` may be NULL.  The SW. */
uint16_t port_raw(const struct port *p, struct jz_span cmd, struct answer *out);
/* The same, written in hexadecimal; spaces are skipped. */
uint16_t port_hex(const struct port *p, const char *text, struct answer *out);

/*
 * One command to its end, as any reader can carry it: short length fields,
 * command chaining, GET RESPONSE.  header is CLA INS P1 P2.  The SW.
 */
uint16_t port_send(const struct port *p, uint32_t header, struct jz_span data,
    struct answer *out);

/* ---- what a terminal says to a purse ------------------------------------ */

#define AT_VERIFY	0x00200001u
#define AT_HELLO	0x807C0000u
#define AT_PEER(step)	(0x807D0000u | (uint32_t)(step) << 8)
#define AT_RECORD(n)	(0x80765500u | (uint32_t)(n))
#define AT_SERIAL(type) (0x805A0000u | (uint32_t)(type))
#define AT_ID_ALONE	0x00000100u /* with REQUEST and AGREE */
#define AT_REQUEST	0x80700000u
#define AT_AGREE	0x80710000u
#define AT_CONFIRM	0x80720000u
#define AT_COMPLETE	0x80730000u
#define AT_CREDIT	0x80740000u
#define AT_ACKNOWLEDGE	0x80750000u
#define AT_FETCH	0x80767300u
#define AT_PENDING(n)	(0x80767000u | (uint32_t)(n))
#define AT_AGREED	0x80767100u
#define AT_EXCEPTION	0x80767B00u
#define AT_PROVE	0x80770000u
#define AT_DROP		0x80780000u
#define AT_CLAIM	0x807B0100u
#define AT_RELEASE	0x807B0200u
#define AT_INITIALIZE	0x80500002u
#define AT_CREDIT_LOAD	0x80520000u
#define AT_CANCEL	0x807A0000u
#define AT_UNLOAD	0x80500502u
#define AT_DEBIT	0x80540300u
#define AT_DEBITED	0x80540400u
#define AT_FETCH_UNLOAD 0x80765400u
#define AT_PAIR(step)	(0x807F0000u | (uint32_t)(step) << 8)
#define AT_PUT_LIST	0x807E0000u
#define AT_LIST		0x00CAFF6Au
#define AT_SETTLE(step) (0x80790000u | (uint32_t)(step) << 8)
#define AT_GENERATE	0x00478000u /* as other cards have it */
#define AT_READ_KEY	0x00478100u
#define AT_BALANCE	0x805C0002u
#define AT_INFO		0x00CAFF61u
#define AT_CERTIFICATE	0x00CA7F21u
#define AT_ASN		0x00CA005Au
#define AT_PUBLIC	0x00B09500u
#define AT_READ_LOG(n)	(0x00B200C4u | (uint32_t)(n) << 8)
#define AT_SELECT	0x00A40400u
#define AT_SELECT_NEXT	0x00A40402u

extern const uint8_t PORT_TERMINAL[JZ_TERMINAL_BYTES];

uint16_t port_select(const struct port *p);
uint16_t port_verify(const struct port *p, const char *pin_hex);
/* Fails the running test when the card does not say. */
uint32_t port_balance(const struct port *p);
/* Purse information, decoded. */
struct jz_message port_info(const struct port *p);

/* The terms of a request: amount, currency, time, reference (may be empty). */
struct blob
terms_of(uint64_t amount, uint16_t currency, int64_t time, const char *text);
/* INITIALIZE FOR LOAD's data, with PORT_TERMINAL. */
struct blob load_of(uint32_t amount);
/* PROVE's data, of a payment as FF62 tells it. */
struct blob question_of(const struct jz_payment *pay);
/* FETCH's data. */
struct blob fetch_of(const uint8_t digest[static JZ_DIGEST_BYTES]);

#endif
