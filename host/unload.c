/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unload (圈提): request, permission, proof, acknowledgement.
 *
 * The card debits before it proves; the issuer credits the account against the
 * proof, once, whoever brings it and how often.  Cut off before the debit
 * nothing has happened; cut off after it, the card has the proof until it is
 * told that the account has the money (docs/adr/0021-unload.md).
 */
#include "bank.h"

#include <string.h>

static bool
answer_lost(int err)
{
	return err == JZ_ERR_CARD_RESET || err == JZ_ERR_TRANSMIT;
}

/* Proof to the issuer, its word to the card. */
static int
bring(struct jz_session *s, struct jz_bank *bank, struct jz_span proof,
    struct jz_unload_result *result)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer word = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	int err;

	if (jz_message_decode(proof, JZ_KIND_UNLOAD_PROOF, &m) != 0)
		return JZ_ERR_ANSWER;
	err = bank->ops->unload(bank, proof, &word);
	if (err != 0)
		return err;
	result->counter = m.online_counter;
	result->credited_minor = m.payment.amount;
	err = jz_purse_acknowledge_unload(s, jz_buffer_span(&word));
	if (answer_lost(err)) {
		err = jz_purse_select(s);
		if (err == 0)
			err = jz_purse_acknowledge_unload(
			    s, jz_buffer_span(&word));
	}
	/* It knew already: the answer to the same was lost. */
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
resume(
    struct jz_session *s, struct jz_bank *bank, struct jz_unload_result *result)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));
	int err = jz_purse_fetch_unload(s, &proof);

	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0)
		err = bring(s, bank, jz_buffer_span(&proof), result);
	result->found = err == 0;
	return err;
}

/* Whatever fails on the card first is not for an earlier reason. */
static void
forget(struct jz_bank *bank)
{
	bank->refusal = JZ_REFUSAL_NONE;
	bank->detail[0] = '\0';
}

int
jz_bank_unload_resume(
    struct jz_session *s, struct jz_bank *bank, struct jz_unload_result *result)
{
	struct jz_known before = s->known;
	int err;

	memset(result, 0, sizeof(*result));
	forget(bank);
	err = bank->ops->known(bank, &s->known);
	if (err == 0)
		err = resume(s, bank, result);
	s->known = before;
	return err;
}

/* Debits; asks once more when the card lost its power over the proof. */
static int
debit(struct jz_session *s, struct jz_span permission, struct jz_buffer *proof)
{
	int err = jz_purse_debit_for_unload(s, permission, proof);

	if (!answer_lost(err))
		return err;
	*proof = jz_buffer(proof->data, proof->cap);
	err = jz_purse_select(s);
	return err != 0 ? err : jz_purse_debit_for_unload(s, permission, proof);
}

static int
unload(struct jz_session *s, struct jz_bank *bank, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_unload_result *result)
{
	uint8_t ask[JZ_MESSAGE_MAX], may[JZ_MESSAGE_MAX], did[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(ask, sizeof(ask));
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	struct jz_buffer proof = jz_buffer(did, sizeof(did));
	int err = resume(s, bank, result);

	if (err == 0)
		err = jz_purse_unload_request(
		    s, amount_minor, terminal, &request);
	if (err == 0)
		err = bank->ops->unload_permit(
		    bank, jz_buffer_span(&request), &permission);
	if (err == 0)
		err = debit(s, jz_buffer_span(&permission), &proof);
	if (err == 0)
		err = bring(s, bank, jz_buffer_span(&proof), result);
	return err;
}

int
jz_bank_unload(struct jz_session *s, struct jz_bank *bank,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_unload_result *result)
{
	struct jz_known before = s->known;
	int err;

	memset(result, 0, sizeof(*result));
	forget(bank);
	err = bank->ops->known(bank, &s->known);
	if (err == 0)
		err = unload(s, bank, amount_minor, terminal, result);
	s->known = before;
	return err;
}
