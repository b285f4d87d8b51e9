/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancelled loads: the card's signed word that it has not executed the load of
 * a counter and never will is the one thing against which money goes back
 * (docs/adr/0005-open-load.md).
 *
 * The word names the request by card, counter and digest; the digest covers
 * account, amount and nonce.  A card makes one request for a counter, so a word
 * about another one comes from a copy of the card, and nobody can tell which of
 * them was credited: then nothing moves.
 *
 * The word is remembered for a load never seen as well: its request, coming
 * late, would take money from the account for a card that cannot credit it.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

/* From transit to where it came from. */
static int
give_back(struct jz_issuer *i, const struct jz_message *proof,
    const struct jz_load_row *load, int64_t now)
{
	struct jz_ledger_name account = jz_ledger_customer(load->account);
	char reference[JZ_LOAD_REFERENCE_CAP];

	jz_issuer_load_reference(proof, reference);
	return jz_ledger_move(i->store, now, JZ_LEDGER_LOAD_CANCELLED,
	    reference, JZ_LEDGER_LOAD, account.text, (int64_t)load->amount);
}

/* What was permitted comes back; what was reported has been executed. */
static int
undo(struct jz_issuer *i, const struct jz_message *proof, int64_t now)
{
	uint8_t report[JZ_DIGEST_BYTES];
	struct jz_load_row load;
	int err = jz_store_load(
	    i->store, proof->card_id, proof->online_counter, &load);

	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0 &&
	    memcmp(load.request_digest, proof->payment.request_digest,
		JZ_DIGEST_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	if (err == 0)
		err = jz_store_report(
		    i->store, proof->card_id, proof->online_counter, report);
	if (err == 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return err == JZ_ERR_NOT_FOUND ? give_back(i, proof, &load, now) : err;
}

static int
book(struct jz_issuer *i, const struct jz_message *proof, struct jz_span bytes)
{
	uint8_t known[JZ_DIGEST_BYTES];
	int64_t now = jz_issuer_now(i);
	int err = jz_store_cancel(
	    i->store, proof->card_id, proof->online_counter, known);

	if (err == 0 &&
	    memcmp(known, proof->payment.request_digest, JZ_DIGEST_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	i->again = err == 0;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = undo(i, proof, now);
	if (err == 0)
		err = jz_store_cancel_add(i->store, proof, bytes, now);
	return err;
}

/* What a card will not do is so, blocked or expired as it may be. */
static int
cancel(struct jz_issuer *i, struct jz_span bytes)
{
	struct jz_known_card card;
	struct jz_message m;
	int err;

	if (jz_message_decode(bytes, JZ_KIND_LOAD_CANCEL, &m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	err = jz_issuer_card(i, m.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_issuer_verify(i, &m, &card);
	if (err == 0)
		err = book(i, &m, bytes);
	return err;
}

int
jz_issuer_load_cancel(struct jz_issuer *i, struct jz_span proof)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store, cancel(i, proof));
}

/* ---- what became of a load ---------------------------------------------- */

static int
story(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_load_story *out)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_load_row load;
	int err = jz_store_load(i->store, id, counter, &load);

	if (err == 0) {
		out->state = JZ_LOAD_PERMITTED;
		out->amount_minor = load.amount;
		err = jz_store_report(i->store, id, counter, digest);
	}
	if (err == 0)
		out->state = JZ_LOAD_REPORTED;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_store_cancel(i->store, id, counter, digest);
	if (err == 0)
		out->state = JZ_LOAD_CANCELLED;
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* Sealed as it was, for the same load's key: the same bytes. */
static int
permission(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_buffer *out)
{
	uint8_t point[JZ_POINT_BYTES];
	struct jz_online o = {0};
	struct jz_load_row load;
	int err = jz_store_load(i->store, id, counter, &load);

	if (err != 0)
		return err;
	err = jz_store_load_key(i->store, id, counter, point);
	if (err == 0)
		err = jz_issuer_online_again(i, point, &o);
	else if (err == JZ_ERR_NOT_FOUND)
		err = 0;
	if (err == 0)
		err = jz_issuer_put_online(
		    i, jz_span(load.permission, load.permission_len), &o, out);
	jz_wipe(&o, sizeof(o));
	return err;
}

int
jz_issuer_load_permission(struct jz_issuer *i,
    const uint8_t id[static JZ_ID_BYTES], uint32_t counter,
    struct jz_buffer *out)
{
	size_t start = out->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, false);
	if (err == 0)
		err = jz_store_end(i->store, permission(i, id, counter, out));
	if (err != 0)
		out->len = start;
	return err;
}

int
jz_issuer_load_story(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_load_story *out)
{
	int err;

	jz_issuer_start(i);
	memset(out, 0, sizeof(*out));
	err = jz_store_begin(i->store, false);
	if (err != 0)
		return err;
	return jz_store_end(i->store, story(i, id, counter, out));
}
