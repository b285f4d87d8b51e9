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
#include "bank.h"

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
jz_bank_load_cancel(
    struct jz_session *s, struct jz_bank *bank, struct jz_cancel_result *result)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	int err;

	memset(result, 0, sizeof(*result));
	err = prove(s, &proof);
	if (err != 0)
		return err;
	if (jz_message_decode(
		jz_buffer_span(&proof), JZ_KIND_LOAD_CANCEL, &m) != 0)
		return JZ_ERR_ANSWER;
	return bank->ops->cancel(bank, jz_buffer_span(&proof), result);
}

/* The proof of a load that was cancelled before, lest the card forget it. */
static int
bring_proof(struct jz_session *s, struct jz_bank *bank)
{
	struct jz_cancel_result unused;
	bool open;
	int err = jz_purse_load_open(s, &open);

	if (err != 0 || open)
		return err;
	err = jz_bank_load_cancel(s, bank, &unused);
	/* What the issuer knows better now, it knows better ever after. */
	if (err == JZ_ERR_REFUSED && bank->refusal == JZ_REFUSAL_CONFLICT) {
		bank->refusal = JZ_REFUSAL_NONE;
		return 0;
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* Frees the card of a load that the issuer has refused. */
static int
refused(struct jz_session *s, struct jz_bank *bank)
{
	enum jz_refusal why = bank->refusal;
	struct jz_cancel_result unused;
	int err = jz_bank_load_cancel(s, bank, &unused);

	bank->refusal = why;
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

struct told {
	void (*told)(enum jz_load_step, void *arg);
	void *arg;
};

static void
tell(const struct told *t, enum jz_load_step step)
{
	if (t->told != NULL)
		t->told(step, t->arg);
}

/* What is permitted: credited, then reported. */
static int
finish(struct jz_session *s, struct jz_bank *bank, struct jz_span permission,
    const struct told *t)
{
	uint8_t did[JZ_MESSAGE_MAX];
	struct jz_buffer report = jz_buffer(did, sizeof(did));
	uint32_t unused;
	int err;

	tell(t, JZ_LOAD_CREDIT);
	err = credit(s, permission, &report);
	if (err != 0)
		return err;
	tell(t, JZ_LOAD_REPORT);
	err = bank->ops->report(bank, jz_buffer_span(&report));
	/* The load is done, whatever comes of this. */
	if (err == 0)
		(void)jz_bank_bring_list(s, bank, &unused);
	return err;
}

static int
load(struct jz_session *s, struct jz_bank *bank, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], const struct told *t)
{
	uint8_t ask[JZ_MESSAGE_MAX], may[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(ask, sizeof(ask));
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	int err;

	err = bring_proof(s, bank);
	tell(t, JZ_LOAD_REQUEST);
	if (err == 0)
		err =
		    jz_purse_load_request(s, amount_minor, terminal, &request);
	if (err != 0)
		return err;
	tell(t, JZ_LOAD_PERMIT);
	err = bank->ops->permit(bank, jz_buffer_span(&request), &permission);
	if (err == JZ_ERR_REFUSED)
		return refused(s, bank);
	if (err == 0)
		err = finish(s, bank, jz_buffer_span(&permission), t);
	if (err == 0)
		tell(t, JZ_LOAD_DONE);
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
jz_bank_load(struct jz_session *s, struct jz_bank *bank, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES],
    void (*told)(enum jz_load_step, void *arg), void *arg)
{
	const struct told t = {told, arg};
	struct jz_known before = s->known;
	int err;

	forget(bank);
	err = bank->ops->known(bank, &s->known);
	if (err == 0)
		err = load(s, bank, amount_minor, terminal, &t);
	s->known = before;
	return err;
}

/* ---- a load that was cut off --------------------------------------------- */

/* What the issuer has of the card's last load. */
static int
look_for(struct jz_session *s, struct jz_bank *bank,
    struct jz_load_story *story, struct jz_buffer *permission)
{
	uint8_t signed_in[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(signed_in, sizeof(signed_in));
	struct jz_purse_info p;
	int err = jz_purse_info(s, &p);

	memset(story, 0, sizeof(*story));
	if (err == 0)
		err = jz_bank_sign_in(s, bank, &b);
	return err != 0 ? err
			: bank->ops->find(bank, jz_buffer_span(&b),
			      p.online_counter, story, permission);
}

int
jz_bank_look(
    struct jz_session *s, struct jz_bank *bank, struct jz_load_story *story)
{
	uint8_t may[JZ_MESSAGE_MAX];
	struct jz_buffer unused = jz_buffer(may, sizeof(may));
	struct jz_known before = s->known;
	int err = bank->ops->known(bank, &s->known);

	if (err == 0)
		err = look_for(s, bank, story, &unused);
	s->known = before;
	return err;
}

/* It is closed on the card, and the issuer is told, if it was not. */
static int
give_up(struct jz_session *s, struct jz_bank *bank, enum jz_resumption what,
    struct jz_resume_result *result)
{
	struct jz_cancel_result r;
	int err = jz_bank_load_cancel(s, bank, &r);

	if (err != 0)
		return err;
	result->what = r.again ? JZ_RESUME_NOTHING : what;
	result->amount_minor = r.returned_minor;
	return 0;
}

static int
resume(
    struct jz_session *s, struct jz_bank *bank, struct jz_resume_result *result)
{
	uint8_t may[JZ_MESSAGE_MAX];
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	const struct told nobody = {NULL, NULL};
	struct jz_load_story story;
	bool open;
	int err = jz_purse_load_open(s, &open);

	/* What was given up before has its proof on the card. */
	if (err == 0 && !open) {
		err = give_up(s, bank, JZ_RESUME_RETURNED, result);
		if (err != JZ_ERR_NOT_FOUND)
			return err;
		err = 0;
	}
	if (err == 0)
		err = look_for(s, bank, &story, &permission);
	if (err != 0)
		return err;
	if (story.state != JZ_LOAD_PERMITTED)
		return open ? give_up(s, bank, JZ_RESUME_CANCELLED, result) : 0;
	err = finish(s, bank, jz_buffer_span(&permission), &nobody);
	if (err != 0)
		return err;
	result->what = open ? JZ_RESUME_FINISHED : JZ_RESUME_REPORTED;
	result->amount_minor = story.amount_minor;
	return 0;
}

int
jz_bank_resume(
    struct jz_session *s, struct jz_bank *bank, struct jz_resume_result *result)
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
