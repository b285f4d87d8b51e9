/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-in for settlement (与后台联网): the card's request, a random number, the
 * card's signature over it, and the host's confirmation.
 *
 * A request is not signed and anybody can send one.  So it only replaces the
 * challenge that waits; a session that a card has signed in to ends with its
 * next sign-in.
 *
 * A blocked card, or one whose certificate has expired, may settle: what it
 * uploads has happened already.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

static int
challenge(struct jz_issuer *i, struct jz_span bytes, struct jz_buffer *out)
{
	const struct jz_engine *e = &i->engine;
	struct jz_session_row row;
	struct jz_known_card card;
	struct jz_message m, answer = {0};
	int err;

	if (jz_message_decode(bytes, JZ_KIND_SIGN_IN_REQUEST, &m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	err = jz_issuer_card(i, m.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_store_session(i->store, m.card_id, &row);
	if (err == 0)
		err = e->crypto->random(
		    e->state, row.asked_host_nonce, JZ_NONCE_BYTES);
	if (err != 0)
		return err;
	row.asked = true;
	memcpy(row.asked_card_nonce, m.nonce, JZ_NONCE_BYTES);
	err = jz_store_session_set(i->store, &row);
	answer.kind = JZ_KIND_CHALLENGE;
	memcpy(answer.host_id, i->pki.host.certificate.holder, JZ_ID_BYTES);
	memcpy(answer.host_nonce, row.asked_host_nonce, JZ_NONCE_BYTES);
	return err != 0 ? err : jz_message_encode(&answer, JZ_SIGNED, out);
}

int
jz_issuer_challenge(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *out)
{
	size_t start = out->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, challenge(i, request, out));
	if (err != 0)
		out->len = start;
	return err;
}

/* The challenge becomes the session; its answer is kept for a repetition. */
static int
open_session(struct jz_issuer *i, const struct jz_message *m,
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_session_row *row)
{
	struct jz_buffer b = jz_buffer(row->confirmed, sizeof(row->confirmed));
	struct jz_message answer = {0};
	int err;

	answer.kind = JZ_KIND_SIGN_IN_CONFIRMED;
	memcpy(answer.card_id, m->card_id, JZ_ID_BYTES);
	memcpy(answer.nonce, m->nonce, JZ_NONCE_BYTES);
	memcpy(answer.host_nonce, m->host_nonce, JZ_NONCE_BYTES);
	answer.payment.time = jz_issuer_now(i);
	err = jz_issuer_answer(i, &answer, &b);
	if (err != 0)
		return err;
	row->confirmed_len = b.len;
	row->open = true;
	memcpy(row->host_nonce, m->host_nonce, JZ_NONCE_BYTES);
	memcpy(row->sign_in_digest, digest, JZ_DIGEST_BYTES);
	row->asked = false;
	memset(row->asked_card_nonce, 0, JZ_NONCE_BYTES);
	memset(row->asked_host_nonce, 0, JZ_NONCE_BYTES);
	return jz_store_session_set(i->store, row);
}

static bool
answers_challenge(const struct jz_message *m, const struct jz_session_row *row)
{
	return row->asked &&
	    memcmp(m->nonce, row->asked_card_nonce, JZ_NONCE_BYTES) == 0 &&
	    memcmp(m->host_nonce, row->asked_host_nonce, JZ_NONCE_BYTES) == 0;
}

static int
sign_in(struct jz_issuer *i, struct jz_span bytes, struct jz_buffer *out)
{
	struct jz_session_row row;
	struct jz_known_card card;
	struct jz_message m;
	uint8_t digest[JZ_DIGEST_BYTES];
	bool again;
	int err;

	if (jz_message_decode(bytes, JZ_KIND_SIGN_IN, &m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	err = jz_issuer_card(i, m.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_issuer_verify(i, &m, &card);
	if (err == 0)
		err = jz_message_digest(&i->engine, &m, digest);
	if (err == 0)
		err = jz_store_session(i->store, m.card_id, &row);
	if (err != 0)
		return err;
	again = row.open &&
	    memcmp(row.sign_in_digest, digest, JZ_DIGEST_BYTES) == 0;
	if (!again && !answers_challenge(&m, &row))
		return jz_refuse(i, JZ_REFUSAL_NO_SESSION);
	i->again = again;
	if (!again)
		err = open_session(i, &m, digest, &row);
	if (err != 0)
		return err;
	jz_put(out, row.confirmed, row.confirmed_len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_issuer_sign_in(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *confirmed)
{
	size_t start = confirmed->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, sign_in(i, request, confirmed));
	if (err != 0)
		confirmed->len = start;
	return err;
}
