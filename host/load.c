/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load (圈存): request, permission, report; or request, refusal, cancel.
 *
 * The issuer debits the account before it permits; the card credits before it
 * reports.  A load cut off before the credit is finished by the same load
 * again: the card repeats its open request, the issuer its permission.  When
 * the report is lost, the same permission is given again: the card credits a
 * counter once, and repeats its report.  A report that never comes reaches the
 * issuer as a record at settlement.
 *
 * A load that is refused or given up is cancelled by the card, and its proof
 * brought to the issuer (docs/adr/0005-open-load.md).  The card has the proof
 * until it opens the next load: so one that was cut off on its way is brought
 * before that.
 */
#include "pay.h"

#include <string.h>

/* The card may have carried the command out, and its answer is lost. */
static bool
answer_lost(int err)
{
	return err == JZ_ERR_CARD_RESET || err == JZ_ERR_TRANSMIT;
}

/* Credits; asks once more when the card lost its power over the report. */
static int
credit(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *report)
{
	int err = jz_purse_credit_for_load(s, permission, report);

	if (!answer_lost(err))
		return err;
	*report = jz_buffer(report->data, report->cap);
	err = jz_purse_select(s);
	return err != 0 ? err : jz_purse_credit_for_load(s, permission, report);
}

/* ---- cancel ------------------------------------------------------------- */

/* Likewise: the card gives its proof as often as it is asked for. */
static int
prove(struct jz_session *s, struct jz_buffer *proof)
{
	int err = jz_purse_cancel_load(s, proof);

	if (!answer_lost(err))
		return err;
	*proof = jz_buffer(proof->data, proof->cap);
	err = jz_purse_select(s);
	return err != 0 ? err : jz_purse_cancel_load(s, proof);
}

int
jz_load_cancel(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_cancel_result *result)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));
	struct jz_load_story before, after;
	struct jz_message m;
	int err;

	memset(result, 0, sizeof(*result));
	err = prove(s, &proof);
	if (err != 0)
		return err;
	if (jz_message_decode(
		jz_buffer_span(&proof), JZ_KIND_LOAD_CANCEL, &m) != 0)
		return JZ_ERR_ANSWER;
	err =
	    jz_issuer_load_story(issuer, m.card_id, m.online_counter, &before);
	if (err == 0)
		err = jz_issuer_load_cancel(issuer, jz_buffer_span(&proof));
	if (err == 0)
		err = jz_issuer_load_story(
		    issuer, m.card_id, m.online_counter, &after);
	if (err != 0)
		return err;
	result->again = before.state == JZ_LOAD_CANCELLED;
	result->returned_minor = after.amount_minor;
	return 0;
}

/* The proof of a load that was cancelled before, lest the card forget it. */
static int
bring_proof(struct jz_session *s, struct jz_issuer *issuer)
{
	struct jz_cancel_result unused;
	bool open;
	int err = jz_purse_load_open(s, &open);

	if (err != 0 || open)
		return err;
	err = jz_load_cancel(s, issuer, &unused);
	/* What the issuer knows better now, it knows better ever after. */
	if (err == JZ_ERR_REFUSED &&
	    jz_issuer_refusal(issuer) == JZ_REFUSAL_CONFLICT) {
		jz_issuer_recall(issuer, JZ_REFUSAL_NONE);
		return 0;
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* Frees the card of a load that the issuer has refused. */
static int
refused(struct jz_session *s, struct jz_issuer *issuer)
{
	enum jz_refusal why = jz_issuer_refusal(issuer);
	struct jz_cancel_result unused;
	int err = jz_load_cancel(s, issuer, &unused);

	jz_issuer_recall(issuer, why);
	/* An issuer that does not take the proof either does not hold it up. */
	return err == 0 || err == JZ_ERR_NOT_FOUND ? JZ_ERR_REFUSED : err;
}

/* ---- the whole ---------------------------------------------------------- */

struct jz_known
jz_known_issuer(const struct jz_issuer *issuer)
{
	return (struct jz_known){
	    {jz_issuer_ca(issuer), jz_issuer_host(issuer)}, 2};
}

static int
load(struct jz_session *s, struct jz_issuer *issuer, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	uint8_t ask[JZ_MESSAGE_MAX], may[JZ_MESSAGE_MAX], did[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(ask, sizeof(ask));
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	struct jz_buffer report = jz_buffer(did, sizeof(did));
	uint32_t unused;
	int err;

	/* Whatever fails on the card first is not for an earlier reason. */
	jz_issuer_recall(issuer, JZ_REFUSAL_NONE);
	err = bring_proof(s, issuer);
	if (err == 0)
		err =
		    jz_purse_load_request(s, amount_minor, terminal, &request);
	if (err != 0)
		return err;
	err = jz_issuer_load_permit(
	    issuer, jz_buffer_span(&request), &permission);
	if (err == JZ_ERR_REFUSED)
		return refused(s, issuer);
	if (err == 0)
		err = credit(s, jz_buffer_span(&permission), &report);
	if (err == 0)
		err = jz_issuer_load_report(issuer, jz_buffer_span(&report));
	/* The load is done, whatever comes of this. */
	if (err == 0)
		(void)jz_bring_list(s, issuer, &unused);
	return err;
}

int
jz_load(struct jz_session *s, struct jz_issuer *issuer, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	struct jz_known before = s->known;
	int err;

	s->known = jz_known_issuer(issuer);
	err = load(s, issuer, amount_minor, terminal);
	s->known = before;
	return err;
}
