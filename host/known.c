/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a card keeps for later: other cards' certificates, whole records.
 */
#include "purse.h"

#include <string.h>

#include "../apdu/tlv.h"

#define CLA_PURSE 0x80

static const struct jz_span nothing = {NULL, 0};

int
jz_purse_keep(struct jz_session *s, struct jz_span certificate)
{
	struct jz_answer a;

	return jz_session_command(
	    s, CLA_PURSE, JZ_INS_PEER, JZ_PEER_PUT, 0, certificate, &a);
}

int
jz_purse_kept(struct jz_session *s, uint8_t (*ids)[JZ_ID_BYTES], size_t *n)
{
	struct jz_answer a;
	size_t cap = *n;
	int err = jz_session_command(
	    s, CLA_PURSE, JZ_INS_PEER, JZ_PEER_LIST, 0, nothing, &a);

	*n = 0;
	if (err != 0)
		return err;
	if (a.data.len % JZ_ID_BYTES != 0)
		return JZ_ERR_ANSWER;
	if (a.data.len / JZ_ID_BYTES > cap)
		return JZ_ERR_SPACE;
	for (; *n < a.data.len / JZ_ID_BYTES; (*n)++)
		memcpy(ids[*n], a.data.data + *n * JZ_ID_BYTES, JZ_ID_BYTES);
	return 0;
}

int
jz_purse_forget(struct jz_session *s, const uint8_t id[static JZ_ID_BYTES])
{
	uint8_t data[2 + JZ_ID_BYTES];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	struct jz_answer a;
	int err;

	jz_tlv_put(&b, JZ_TAG_CARD_ID, id, JZ_ID_BYTES);
	err = jz_session_command(s, CLA_PURSE, JZ_INS_PEER, JZ_PEER_REMOVE, 0,
	    jz_buffer_span(&b), &a);
	return err == JZ_ERR_STATUS && s->sw == JZ_SW_REFERENCE
	    ? JZ_ERR_NOT_FOUND
	    : err;
}

int
jz_purse_record(struct jz_session *s, unsigned n, struct jz_buffer *record)
{
	struct jz_answer a;
	int err;

	if (n == 0 || n > UINT8_MAX)
		return JZ_ERR_NOT_FOUND;
	err = jz_session_command(s, CLA_PURSE, JZ_INS_FETCH, JZ_FETCH_RECORD,
	    (uint8_t)n, nothing, &a);
	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_RECORD)
		return JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	switch ((unsigned)jz_message_peek(a.data)) {
	case JZ_KIND_RECORD_PAID:
	case JZ_KIND_RECORD_RECEIVED:
	case JZ_KIND_RECORD_LOAD:
	case JZ_KIND_RECORD_EXCEPTION:
		jz_put(record, a.data.data, a.data.len);
		return record->bad ? JZ_ERR_SPACE : 0;
	default:
		return JZ_ERR_ANSWER;
	}
}
