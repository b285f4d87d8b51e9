/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment that stopped half-way: the purse's commands for it as functions.
 */
#include "purse.h"

#include "../apdu/tlv.h"

#define CLA_PURSE 0x80

static const struct jz_span nothing = {NULL, 0};

/* One purse command; its answer must be a message of this kind. */
static int
ask(struct jz_session *s, uint8_t ins, uint8_t p1, uint8_t p2,
    struct jz_span in, enum jz_kind kind, struct jz_buffer *out)
{
	struct jz_answer a;
	int err = jz_session_command(s, CLA_PURSE, ins, p1, p2, in, &a);

	if (err == JZ_ERR_STATUS &&
	    (s->sw == JZ_SW_RECORD ||
		(s->sw == JZ_SW_NO_PAYMENT && in.len == 0)))
		return JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	if (jz_message_peek(a.data) != kind)
		return JZ_ERR_ANSWER;
	jz_put(out, a.data.data, a.data.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

static int
unfinished(struct jz_session *s, uint8_t p1, uint8_t p2, struct jz_payment *out)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	int err = ask(s, JZ_INS_FETCH, p1, p2, nothing, JZ_KIND_UNFINISHED, &b);

	if (err != 0)
		return err;
	if (jz_message_decode(jz_buffer_span(&b), JZ_KIND_UNFINISHED, &m) != 0)
		return JZ_ERR_ANSWER;
	*out = m.payment;
	return 0;
}

int
jz_purse_pending(struct jz_session *payee, unsigned n, struct jz_payment *out)
{
	return n > UINT8_MAX
	    ? JZ_ERR_NOT_FOUND
	    : unfinished(payee, JZ_FETCH_PENDING, (uint8_t)n, out);
}

int
jz_purse_agreed(struct jz_session *payer, struct jz_payment *out)
{
	return unfinished(payer, JZ_FETCH_AGREED, 0, out);
}

int
jz_purse_unacknowledged(
    struct jz_session *payer, unsigned n, struct jz_buffer *out)
{
	return n > UINT8_MAX ? JZ_ERR_NOT_FOUND
			     : ask(payer, JZ_INS_FETCH, JZ_FETCH_COMPLETION,
				   (uint8_t)n, nothing, JZ_KIND_SEALED, out);
}

int
jz_purse_prove(struct jz_session *payer, const struct jz_payment *p,
    struct jz_buffer *proof)
{
	uint8_t data[128];
	struct jz_buffer b = jz_buffer(data, sizeof(data));

	jz_tlv_put(&b, JZ_TAG_PAYEE_ID, p->payee_id, JZ_ID_BYTES);
	jz_tlv_put_uint(&b, JZ_TAG_PAYEE_COUNTER, p->payee_counter, 4);
	jz_tlv_put_uint(&b, JZ_TAG_PAYER_COUNTER, p->payer_counter, 4);
	jz_tlv_put(
	    &b, JZ_TAG_REQUEST_DIGEST, p->request_digest, JZ_DIGEST_BYTES);
	return ask(payer, JZ_INS_PROVE, 0, 0, jz_buffer_span(&b),
	    JZ_KIND_NOT_PAID, proof);
}

int
jz_purse_drop(struct jz_session *payee, struct jz_span proof)
{
	struct jz_answer a;

	return jz_session_command(
	    payee, CLA_PURSE, JZ_INS_DROP, 0, 0, proof, &a);
}

int
jz_purse_abandon(struct jz_session *payee,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    enum jz_outcome outcome, struct jz_buffer *exception)
{
	uint8_t data[2 + JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(data, sizeof(data));

	jz_tlv_put(&b, JZ_TAG_REQUEST_DIGEST, request_digest, JZ_DIGEST_BYTES);
	return ask(payee, JZ_INS_ABANDON, (uint8_t)outcome, 0,
	    jz_buffer_span(&b), JZ_KIND_EXCEPTION, exception);
}
