/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An offline payment between two cards in two readers, message by message:
 *
 *   [hello], request, agreement, confirmation, completion, receipt
 *
 * The payer's card debits when it gives the completion, the payee's card
 * credits when it takes it.  When a card lost its power and with it an answer,
 * the step is taken up again in the one way that cannot move money twice:
 *
 *   confirmation   asked again; it moves nothing
 *   completion     fetched; only a card that has made none is asked to make it
 *   receipt        the same completion again gives the same receipt
 */
#include "pay.h"

#include <string.h>

#include "../apdu/tlv.h"

struct run {
	struct jz_session *payer, *payee;
	const struct jz_terms *terms;
	struct jz_pay_result *result;
	void (*told)(enum jz_step, struct jz_span, void *);
	void *arg;
	uint8_t digest[JZ_DIGEST_BYTES]; /* of the request */
	uint8_t bytes[2][JZ_MESSAGE_MAX];
};

/* The card may have carried the command out, and its answer is lost. */
static bool
answer_lost(int err)
{
	return err == JZ_ERR_CARD_RESET || err == JZ_ERR_TRANSMIT;
}

/* The card stopped in the middle: it may have carried the command out. */
static bool
stopped(const struct jz_session *s, int err)
{
	return err == JZ_ERR_STATUS &&
	    (s->sw == JZ_SW_MEMORY_FAILURE || s->sw == JZ_SW_UNKNOWN);
}

/* The digest of the request that a sealed message belongs to. */
static int
request_digest(struct jz_span sealed, uint8_t out[static JZ_DIGEST_BYTES])
{
	struct jz_cursor c = jz_cursor(sealed), in;
	struct jz_span content;

	if (jz_tlv_expect(&c, JZ_KIND_SEALED, &content) != 0)
		return JZ_ERR_ANSWER;
	in = jz_cursor(content);
	if (jz_tlv_expect_bytes(
		&in, JZ_TAG_REQUEST_DIGEST, out, JZ_DIGEST_BYTES) != 0)
		return JZ_ERR_ANSWER;
	return 0;
}

static int
confirm_again(struct run *r, struct jz_span agreement, struct jz_buffer *out)
{
	int err = jz_purse_select(r->payee);

	*out = jz_buffer(out->data, out->cap);
	return err != 0 ? err : jz_purse_confirm(r->payee, agreement, out);
}

static int
complete_again(
    struct run *r, struct jz_span confirmation, struct jz_buffer *out)
{
	int err = jz_purse_select(r->payer);

	*out = jz_buffer(out->data, out->cap);
	r->result->in_doubt = true;
	if (err != 0)
		return err;
	err = jz_purse_fetch_completion(r->payer, r->digest, out);
	if (err == JZ_ERR_STATUS && r->payer->sw == JZ_SW_NO_PAYMENT)
		err = jz_purse_complete(r->payer, confirmation, out);
	return err;
}

static int
credit_again(struct run *r, struct jz_span completion, struct jz_buffer *out)
{
	int err = jz_purse_select(r->payee);

	*out = jz_buffer(out->data, out->cap);
	return err != 0 ? err : jz_purse_credit(r->payee, completion, out);
}

/* What a sealed request asks for the payer's card alone can see: it is told what
 * was agreed on here. */
static int
agree(struct run *r, struct jz_span in, struct jz_buffer *out)
{
	const struct jz_terms *t = r->terms;
	const struct jz_consent consent = {
	    .amount_minor = t->hello.len == 0 ? 0 : t->amount_minor,
	    .confirmed = t->confirmed,
	    .confirmed_arg = t->confirmed_arg};

	return jz_purse_agree_to(r->payer, in, &consent, out);
}

static int
one_step(
    struct run *r, enum jz_step step, struct jz_span in, struct jz_buffer *out)
{
	int err;

	switch (step) {
	case JZ_STEP_REQUEST:
		return jz_purse_request(r->payee, r->terms, out);
	case JZ_STEP_AGREE:
		err = agree(r, in, out);
		return err != 0
		    ? err
		    : request_digest(jz_buffer_span(out), r->digest);
	case JZ_STEP_CONFIRM:
		err = jz_purse_confirm(r->payee, in, out);
		return answer_lost(err) ? confirm_again(r, in, out) : err;
	case JZ_STEP_COMPLETE:
		err = jz_purse_complete(r->payer, in, out);
		if (stopped(r->payer, err))
			r->result->in_doubt = true;
		return answer_lost(err) ? complete_again(r, in, out) : err;
	case JZ_STEP_CREDIT:
		r->result->in_doubt = true;
		err = jz_purse_credit(r->payee, in, out);
		return answer_lost(err) ? credit_again(r, in, out) : err;
	case JZ_STEP_ACKNOWLEDGE:
		r->result->in_doubt = false;
		return jz_purse_acknowledge(r->payer, in);
	default:
		return JZ_ERR_INTERNAL;
	}
}

int
jz_pay_take_list(struct jz_session *s, struct jz_span list)
{
	int err = jz_purse_put_list(s, list);

	return err == JZ_ERR_STATUS || err == JZ_ERR_LIST_OLD ||
		(err <= JZ_ERR_CERT_MALFORMED && err >= JZ_ERR_CERT_SUITE) ||
		err == JZ_ERR_AUTHENTICATION
	    ? 0
	    : err;
}

/* The list of one card to the other. */
static int
pass_list(struct jz_session *from, struct jz_session *to,
    const struct jz_session **at)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer list = jz_buffer(bytes, sizeof(bytes));
	int err = jz_purse_list(from, &list);

	*at = from;
	if (err != 0)
		return err;
	*at = to;
	return jz_pay_take_list(to, jz_buffer_span(&list));
}

int
jz_pay_prepare(struct jz_session *payer, struct jz_session *payee,
    struct jz_buffer *hello, const struct jz_session **at)
{
	struct jz_purse_info from, to;
	int err = jz_purse_info(payee, &to);

	*at = payee;
	if (err != 0)
		return err;
	*at = payer;
	if ((err = jz_purse_info(payer, &from)) != 0)
		return err;
	if (from.profile != to.profile)
		return JZ_ERR_PROFILE;
	if (from.list_version > to.list_version)
		err = pass_list(payer, payee, at);
	else if (from.list_version < to.list_version)
		err = pass_list(payee, payer, at);
	if (err != 0 || from.profile == JZ_PROFILE_CLEAR)
		return err;
	*at = payer;
	return jz_purse_hello(payer, hello);
}

static struct jz_session *
who(const struct run *r, enum jz_step step)
{
	bool payee = step == JZ_STEP_REQUEST || step == JZ_STEP_CONFIRM ||
	    step == JZ_STEP_CREDIT;

	return payee ? r->payee : r->payer;
}

int
jz_pay(struct jz_session *payer, struct jz_session *payee,
    const struct jz_terms *t, struct jz_pay_result *result,
    void (*told)(enum jz_step, struct jz_span message, void *arg), void *arg)
{
	struct jz_terms terms = *t;
	struct run r = {
	    .payer = payer, .payee = payee, .terms = &terms, .result = result};
	struct jz_buffer hello = jz_buffer(r.bytes[0], JZ_MESSAGE_MAX);
	const struct jz_session *at = NULL;
	struct jz_span in;
	unsigned step;
	int err;

	*result = (struct jz_pay_result){.step = JZ_STEP_REQUEST};
	err = jz_pay_prepare(payer, payee, &hello, &at);
	if (err != 0) {
		result->sw = at->sw;
		result->payer_refused = at == payer;
		return err;
	}
	in = terms.hello = jz_buffer_span(&hello);
	for (step = JZ_STEP_REQUEST; step < JZ_STEP_DONE; step++) {
		struct jz_buffer out =
		    jz_buffer(r.bytes[step % 2], JZ_MESSAGE_MAX);

		result->step = (enum jz_step)step;
		if (told != NULL)
			told((enum jz_step)step, in, arg);
		err = one_step(&r, (enum jz_step)step, in, &out);
		if (err != 0) {
			result->sw = who(&r, (enum jz_step)step)->sw;
			return err;
		}
		in = jz_buffer_span(&out);
	}
	result->step = JZ_STEP_DONE;
	if (told != NULL)
		told(JZ_STEP_DONE, in, arg);
	return 0;
}
