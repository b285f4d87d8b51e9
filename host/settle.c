/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement: six steps between the card and its issuer (与后台联网).
 *
 *   card    sign-in request            ->
 *           <-  challenge                   issuer
 *   card    sign-in, signed            ->
 *           <-  sign-in confirmed, signed   issuer
 *   card    batch of records, signed   ->   } until
 *           <-  processed, signed           } none is left
 *
 * A record leaves the card's log only on the issuer's word that it has it.
 */
#include <string.h>

#include "../apdu/error.h"
#include "../keys/revocation.h"
#include "../keys/store/cvc_view.h"
#include "bank.h"

/* More batches than any card's log can fill: one that never ends is wrong. */
#define BATCHES_MAX 256u

/* An issuer whose ledger was put back from a backup may have lost the card: it
 * is registered again by its certificate. */
static int
challenge(struct jz_session *s, struct jz_bank *bank, struct jz_span request,
    struct jz_buffer *out)
{
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	size_t len = sizeof(certificate);
	int err = bank->ops->challenge(bank, request, out);

	if (err != JZ_ERR_REFUSED || bank->refusal != JZ_REFUSAL_UNKNOWN_CARD)
		return err;
	if (jz_purse_certificate(s, certificate, &len) != 0 ||
	    bank->ops->readmit(bank, jz_span(certificate, len)) != 0) {
		bank->refusal = JZ_REFUSAL_UNKNOWN_CARD;
		return err;
	}
	return bank->ops->challenge(bank, request, out);
}

/*
 * Sign-in does not say by which suite it is signed, and two issuers give their
 * cards the same numbers: an issuer of the other suite does not know the card,
 * or takes its signature for a forgery.  Who has come to it is told why.
 */
static void
tell_suite(struct jz_session *s, struct jz_bank *bank)
{
	enum jz_suite issuer = s->known.n > 0
	    ? jz_cvc_suite(s->known.certificate[0])
	    : (enum jz_suite)0;
	uint8_t card;

	if (issuer == 0 || jz_purse_suite(s, &card) != 0 ||
	    card == (uint8_t)issuer)
		return;
	bank->refusal = JZ_REFUSAL_SUITE;
	bank->detail[0] = '\0';
}

static int
sign_in(struct jz_session *s, struct jz_bank *bank, struct jz_buffer *signed_in)
{
	uint8_t x[JZ_MESSAGE_MAX], y[JZ_MESSAGE_MAX];
	struct jz_buffer card = jz_buffer(x, sizeof(x));
	struct jz_buffer host = jz_buffer(y, sizeof(y));
	int err;

	err = jz_purse_settle(
	    s, JZ_SETTLE_SIGN_IN_REQUEST, jz_span(NULL, 0), &card);
	if (err == 0)
		err = challenge(s, bank, jz_buffer_span(&card), &host);
	card = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_SIGN_IN, jz_buffer_span(&host), signed_in);
	host = jz_buffer(y, sizeof(y));
	if (err == 0)
		err =
		    bank->ops->sign_in(bank, jz_buffer_span(signed_in), &host);
	card = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_CONFIRMED, jz_buffer_span(&host), &card);
	return err;
}

/* The card's signed sign-in stays in *signed_in: it says who asks. */
int
jz_bank_sign_in(
    struct jz_session *s, struct jz_bank *bank, struct jz_buffer *signed_in)
{
	int err = sign_in(s, bank, signed_in);

	if (err == JZ_ERR_REFUSED)
		tell_suite(s, bank);
	return err;
}

/* JZ_ERR_NOT_FOUND when the card has no record left. */
static int
one_batch(struct jz_session *s, struct jz_bank *bank, unsigned *records)
{
	uint8_t x[JZ_BATCH_MAX], y[JZ_MESSAGE_MAX];
	struct jz_buffer batch = jz_buffer(x, sizeof(x));
	struct jz_buffer processed = jz_buffer(y, sizeof(y));
	struct jz_message m;
	int err;

	err = jz_purse_settle(s, JZ_SETTLE_BATCH, jz_span(NULL, 0), &batch);
	if (err != 0)
		return err;
	if (jz_message_decode(jz_buffer_span(&batch), JZ_KIND_BATCH, &m) != 0)
		return JZ_ERR_ANSWER;
	*records = m.count;
	err = bank->ops->batch(bank, jz_buffer_span(&batch), &processed);
	batch = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_PROCESSED, jz_buffer_span(&processed), &batch);
	return err;
}

/* The version of the card's list; a purse of an earlier release has none. */
static int
list_of_card(struct jz_session *s, uint32_t *version)
{
	uint8_t x[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(x, sizeof(x));
	struct jz_message m;
	int err = jz_purse_list(s, &b);

	*version = 0;
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err != 0)
		return err;
	if (jz_revocation_parse(jz_buffer_span(&b), &m) != 0)
		return JZ_ERR_ANSWER;
	*version = m.list_version;
	return 0;
}

int
jz_bank_bring_list(
    struct jz_session *s, struct jz_bank *bank, uint32_t *brought)
{
	uint8_t x[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(x, sizeof(x));
	struct jz_message m;
	uint32_t have;
	int err = bank->ops->list(bank, &b);

	*brought = 0;
	if (err != 0)
		return err == JZ_ERR_NOT_FOUND ? 0 : err;
	if (jz_revocation_parse(jz_buffer_span(&b), &m) != 0)
		return JZ_ERR_INTERNAL;
	err = list_of_card(s, &have);
	if (err == 0 && have < m.list_version) {
		err = jz_purse_put_list(s, jz_buffer_span(&b));
		if (err == 0)
			*brought = m.list_version;
	}
	/* A card that knows no list does without: it settles all the same. */
	return err == JZ_ERR_STATUS ? 0 : err;
}

struct relay {
	struct jz_session *s;
	struct jz_settle_result *result;
};

/* The card refuses what it does not wait for, and changes nothing. */
static int
relay_one(struct jz_span completion, void *arg)
{
	struct relay *r = arg;
	int err = jz_purse_credit_relayed(r->s, completion);

	if (err == 0)
		r->result->relayed++;
	return err == jz_status_error(r->s->sw) ? 0 : err;
}

/* How many records the card said that it has. */
static int
count_of(const struct jz_buffer *signed_in, unsigned *count)
{
	struct jz_message m;
	int err =
	    jz_message_decode(jz_buffer_span(signed_in), JZ_KIND_SIGN_IN, &m);

	*count = err == 0 ? m.count : 0;
	return err == 0 ? 0 : JZ_ERR_ANSWER;
}

static int
settle(
    struct jz_session *s, struct jz_bank *bank, struct jz_settle_result *result)
{
	uint8_t signed_in[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(signed_in, sizeof(signed_in));
	struct relay r;
	unsigned records, all;
	int err;

	memset(result, 0, sizeof(*result));
	r = (struct relay){s, result};
	err = jz_bank_sign_in(s, bank, &b);
	if (err == 0)
		err = count_of(&b, &all);
	/* The list comes first: what follows may be cut off. */
	if (err == 0)
		err = jz_bank_bring_list(s, bank, &result->list_version);
	if (err == 0)
		err = bank->ops->owed(
		    bank, jz_buffer_span(&b), relay_one, &r, &result->revoked);
	while (err == 0) {
		/* What was relayed is a record more. */
		if (bank->told != NULL)
			bank->told(result->records, all + result->relayed,
			    bank->told_arg);
		if (result->batches == BATCHES_MAX)
			return JZ_ERR_ANSWER;
		err = one_batch(s, bank, &records);
		if (err != 0)
			break;
		result->batches++;
		result->records += records;
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

void
jz_bank_watch(struct jz_bank *bank,
    void (*told)(unsigned records, unsigned all, void *arg), void *arg)
{
	bank->told = told;
	bank->told_arg = arg;
}

int
jz_bank_settle(
    struct jz_session *s, struct jz_bank *bank, struct jz_settle_result *result)
{
	struct jz_known before = s->known;
	int err;

	bank->refusal = JZ_REFUSAL_NONE;
	bank->incident = JZ_INCIDENT_NONE;
	bank->detail[0] = '\0';
	err = bank->ops->known(bank, &s->known);
	if (err == 0)
		err = settle(s, bank, result);
	s->known = before;
	return err;
}
