/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key and an IC card find each other (LOD-9): each is asked to prove who it
 * is to the other, and each looks the other up on its own list.  What the
 * messages say is between the cards; this carries them.
 */
#include "pay.h"

#include <string.h>

#define CLA_PURSE 0x80

static int
peer(struct jz_session *s, enum jz_pair_step step, struct jz_span in,
    struct jz_answer *out)
{
	return jz_session_command(
	    s, CLA_PURSE, JZ_INS_PAIR, (uint8_t)step, 0, in, out);
}

/* `who` proves to `to` that it is who it is. */
static int
prove(struct jz_session *who, struct jz_session *to,
    const uint8_t to_id[static JZ_ID_BYTES])
{
	uint8_t question[JZ_NONCE_BYTES + JZ_ID_BYTES], word[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(word, sizeof(word));
	struct jz_answer a;
	int err = peer(to, JZ_PAIR_CHALLENGE, jz_span(NULL, 0), &a);

	if (err != 0)
		return err;
	if (a.data.len != JZ_NONCE_BYTES)
		return JZ_ERR_ANSWER;
	memcpy(question, a.data.data, JZ_NONCE_BYTES);
	memcpy(question + JZ_NONCE_BYTES, to_id, JZ_ID_BYTES);
	err = peer(
	    who, JZ_PAIR_IDENTIFY, jz_span(question, sizeof(question)), &a);
	if (err != 0)
		return err;
	if (jz_message_peek(a.data) != JZ_KIND_IDENTIFICATION)
		return JZ_ERR_ANSWER;
	jz_put(&b, a.data.data, a.data.len);
	return b.bad ? JZ_ERR_SPACE
		     : peer(to, JZ_PAIR_VERIFY, jz_buffer_span(&b), &a);
}

int
jz_identify(struct jz_session *key, struct jz_session *card)
{
	struct jz_purse_info k, c;
	int err = jz_purse_info(key, &k);

	if (err == 0)
		err = jz_purse_info(card, &c);
	if (err == 0)
		err = prove(card, key, k.id);
	if (err == 0)
		err = prove(key, card, c.id);
	return err;
}

int
jz_purse_pair(
    struct jz_session *s, const uint8_t id[static JZ_ID_BYTES], bool paired)
{
	struct jz_answer a;
	int err = peer(s, paired ? JZ_PAIR_ADD : JZ_PAIR_REMOVE,
	    jz_span(id, JZ_ID_BYTES), &a);

	return err == JZ_ERR_STATUS && s->sw == JZ_SW_REFERENCE
	    ? JZ_ERR_NOT_FOUND
	    : err;
}
