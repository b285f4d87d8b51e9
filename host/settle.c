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

#include "pay.h"

/* More batches than any card's log can fill: one that never ends is wrong. */
#define BATCHES_MAX 256u

static int
sign_in(struct jz_session *s, struct jz_issuer *issuer)
{
	uint8_t x[JZ_MESSAGE_MAX], y[JZ_MESSAGE_MAX];
	struct jz_buffer card = jz_buffer(x, sizeof(x));
	struct jz_buffer host = jz_buffer(y, sizeof(y));
	int err;

	err = jz_purse_settle(
	    s, JZ_SETTLE_SIGN_IN_REQUEST, jz_span(NULL, 0), &card);
	if (err == 0)
		err = jz_issuer_challenge(issuer, jz_buffer_span(&card), &host);
	card = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_SIGN_IN, jz_buffer_span(&host), &card);
	host = jz_buffer(y, sizeof(y));
	if (err == 0)
		err = jz_issuer_sign_in(issuer, jz_buffer_span(&card), &host);
	card = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_CONFIRMED, jz_buffer_span(&host), &card);
	return err;
}

/* JZ_ERR_NOT_FOUND when the card has no record left. */
static int
one_batch(struct jz_session *s, struct jz_issuer *issuer, unsigned *records)
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
	err = jz_issuer_batch(issuer, jz_buffer_span(&batch), &processed);
	batch = jz_buffer(x, sizeof(x));
	if (err == 0)
		err = jz_purse_settle(
		    s, JZ_SETTLE_PROCESSED, jz_buffer_span(&processed), &batch);
	return err;
}

static int
settle(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_settle_result *result)
{
	unsigned records;
	int err;

	memset(result, 0, sizeof(*result));
	err = sign_in(s, issuer);
	while (err == 0) {
		if (result->batches == BATCHES_MAX)
			return JZ_ERR_ANSWER;
		err = one_batch(s, issuer, &records);
		if (err != 0)
			break;
		result->batches++;
		result->records += records;
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

int
jz_settle(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_settle_result *result)
{
	struct jz_known before = s->known;
	int err;

	s->known = jz_known_issuer(issuer);
	err = settle(s, issuer, result);
	s->known = before;
	return err;
}
