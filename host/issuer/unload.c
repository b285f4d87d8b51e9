/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unloads (圈提): the card has debited itself and signed that; the account is
 * credited against this proof, once, and the answer kept with it.
 *
 * A permission moves nothing and promises only that the account is there, so
 * none is kept: a card may ask for the same counter as often as it likes, and
 * the first proof of that counter is the one that counts.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

/* ---- permission --------------------------------------------------------- */

static int
permit(struct jz_issuer *i, struct jz_span bytes, struct jz_buffer *out)
{
	struct jz_known_card card;
	struct jz_message request, m = {0};
	int err;

	if (jz_message_decode(bytes, JZ_KIND_UNLOAD_REQUEST, &request) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	if (request.algorithm != (uint8_t)i->engine.crypto->suite)
		return jz_refuse(i, JZ_REFUSAL_SUITE);
	/* Money comes back from a card that is blocked or expired, too. */
	err = jz_issuer_card(i, request.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_issuer_verify(i, &request, &card);
	if (err == 0)
		err = jz_issuer_check_binding(i, &request, &card);
	if (err == 0)
		err = jz_issuer_check_amount(i, &request.payment);
	if (err == 0)
		err = jz_message_digest(
		    &i->engine, &request, m.payment.request_digest);
	if (err != 0)
		return err;
	m.kind = JZ_KIND_UNLOAD_PERMISSION;
	memcpy(m.card_id, request.card_id, JZ_ID_BYTES);
	m.online_counter = request.online_counter;
	m.payment.amount = request.payment.amount;
	m.payment.currency = request.payment.currency;
	m.payment.time = jz_issuer_now(i);
	return jz_issuer_answer(i, &m, out);
}

int
jz_issuer_unload_permit(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *permission)
{
	size_t start = permission->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, false);
	if (err == 0)
		err = jz_store_end(i->store, permit(i, request, permission));
	if (err != 0)
		permission->len = start;
	return err;
}

/* ---- proof -------------------------------------------------------------- */

static int
acknowledge(struct jz_issuer *i, const struct jz_message *proof,
    struct jz_unload_row *row)
{
	struct jz_buffer b =
	    jz_buffer(row->acknowledged, sizeof(row->acknowledged));
	struct jz_message m = {0};
	int err;

	m.kind = JZ_KIND_UNLOAD_ACKNOWLEDGED;
	memcpy(m.card_id, proof->card_id, JZ_ID_BYTES);
	m.online_counter = proof->online_counter;
	memcpy(m.completion_digest, row->digest, JZ_DIGEST_BYTES);
	err = jz_issuer_answer(i, &m, &b);
	row->acknowledged_len = b.len;
	return err;
}

/* A counter that a load has had is of another card with this one's key. */
static int
check_no_load(struct jz_issuer *i, const struct jz_message *proof)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = jz_store_report(
	    i->store, proof->card_id, proof->online_counter, digest);

	if (err == 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* Credit, proof and acknowledgement. */
static int
credit(struct jz_issuer *i, const struct jz_message *proof,
    const struct jz_known_card *card, struct jz_unload_row *row)
{
	struct jz_ledger_name from = jz_ledger_card(proof->card_id);
	struct jz_ledger_name to = jz_ledger_customer(card->row.account);
	char reference[JZ_LOAD_REFERENCE_CAP];
	int64_t now = jz_issuer_now(i);
	int err = check_no_load(i, proof);

	if (err == 0)
		err = acknowledge(i, proof, row);
	if (err == 0)
		err = jz_store_unload_add(
		    i->store, proof, card->row.account, row, now);
	if (err != 0)
		return err;
	jz_issuer_load_reference(proof, reference);
	return jz_ledger_move(i->store, now, JZ_LEDGER_UNLOADED, reference,
	    from.text, to.text, (int64_t)proof->payment.amount);
}

int
jz_issuer_book_unload(struct jz_issuer *i, const struct jz_message *proof,
    const struct jz_known_card *card, enum jz_refusal different,
    struct jz_unload_row *row)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = jz_message_digest(&i->engine, proof, digest);

	if (err != 0)
		return err;
	err = jz_store_unload(
	    i->store, proof->card_id, proof->online_counter, row);
	if (err == 0 && memcmp(row->digest, digest, sizeof(digest)) != 0)
		return jz_refuse(i, different);
	i->again = err == 0;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	memcpy(row->digest, digest, sizeof(digest));
	return credit(i, proof, card, row);
}

/* What a card has debited is credited, blocked or expired as it may be. */
static int
unload(struct jz_issuer *i, struct jz_span bytes, struct jz_buffer *out)
{
	struct jz_known_card card;
	struct jz_unload_row row;
	struct jz_message m;
	int err;

	if (jz_message_decode(bytes, JZ_KIND_UNLOAD_PROOF, &m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	err = jz_issuer_card(i, m.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_issuer_verify(i, &m, &card);
	if (err == 0)
		err = jz_issuer_check_amount(i, &m.payment);
	if (err == 0)
		err = jz_issuer_book_unload(
		    i, &m, &card, JZ_REFUSAL_EXISTS_DIFFERENT, &row);
	if (err != 0)
		return err;
	jz_put(out, row.acknowledged, row.acknowledged_len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_issuer_unload(
    struct jz_issuer *i, struct jz_span proof, struct jz_buffer *acknowledged)
{
	size_t start = acknowledged->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, unload(i, proof, acknowledged));
	if (err != 0)
		acknowledged->len = start;
	return err;
}

int
jz_issuer_unloaded(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint64_t *amount_minor)
{
	struct jz_unload_row row;
	int err;

	jz_issuer_start(i);
	err = jz_store_unload(i->store, id, counter, &row);
	*amount_minor = err == 0 ? row.amount : 0;
	return err;
}
