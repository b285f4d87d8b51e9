/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments that stopped half-way, finished by the two cards themselves.
 *
 *   the payer's card has a completion    it is given to the payee's card, which
 *                                        credits once; the receipt goes back
 *   it has none and never will           its proof ends the pending entry
 *   it does not know any more            the issuer knows: both settle
 */
#include "recover.h"

#include <string.h>

#include "../apdu/tlv.h"

/* A card has no more of either. */
#define PENDING_MAX 16u
#define RECORDS_MAX 64u

struct recovery {
	struct jz_session *payer, *payee;
	uint8_t payer_id[JZ_ID_BYTES], payee_id[JZ_ID_BYTES];
	void (*told)(enum jz_recovery, const struct jz_payment *, void *);
	void *arg;
};

static void
tell(
    const struct recovery *r, enum jz_recovery what, const struct jz_payment *p)
{
	if (r->told != NULL)
		r->told(what, p, r->arg);
}

/*
 * The completion to the payee's card, its receipt back.  JZ_ERR_NOT_FOUND: the
 * payee's card does not wait for it (any more).
 */
static int
deliver(const struct recovery *r, struct jz_span completion,
    enum jz_recovery what, const struct jz_payment *p)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer receipt = jz_buffer(bytes, sizeof(bytes));
	int err = jz_purse_credit(r->payee, completion, &receipt);

	if (jz_recover_said(r->payee, err, JZ_SW_NO_PAYMENT))
		return JZ_ERR_NOT_FOUND;
	if (jz_recover_said(r->payee, err, JZ_SW_ABANDONED)) {
		tell(r, JZ_RECOVERY_GIVEN_UP, p);
		return JZ_ERR_NOT_FOUND;
	}
	if (err == 0)
		err = jz_purse_acknowledge(r->payer, jz_buffer_span(&receipt));
	if (err == 0)
		tell(r, what, p);
	return err;
}

static int
prove_and_drop(const struct recovery *r, const struct jz_payment *p)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));
	int err = jz_purse_prove(r->payer, p, &proof);

	if (jz_recover_said(r->payer, err, JZ_SW_SETTLED) ||
	    jz_recover_said(r->payer, err, JZ_SW_PAID)) {
		tell(r, JZ_RECOVERY_ISSUER, p);
		return 0;
	}
	if (err == 0)
		err = jz_purse_drop(r->payee, jz_buffer_span(&proof));
	/* The payee's card may never have confirmed it. */
	if (err == 0 || jz_recover_said(r->payee, err, JZ_SW_NO_PAYMENT)) {
		tell(r, JZ_RECOVERY_DROPPED, p);
		return 0;
	}
	return err;
}

/* One that the payee's card waits for. */
static int
finish_pending(const struct recovery *r, const struct jz_payment *p)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer completion = jz_buffer(bytes, sizeof(bytes));
	int err =
	    jz_purse_fetch_completion(r->payer, p->request_digest, &completion);

	if (jz_recover_said(r->payer, err, JZ_SW_NO_PAYMENT))
		return prove_and_drop(r, p);
	return err != 0
	    ? err
	    : deliver(r, jz_buffer_span(&completion), JZ_RECOVERY_CREDITED, p);
}

/* The list gets shorter while it is worked on: it is taken first. */
static int
finish_all_pending(const struct recovery *r)
{
	struct jz_payment list[PENDING_MAX];
	unsigned n = 0;
	int err = 0;

	while (err == 0 && n < PENDING_MAX) {
		err = jz_purse_pending(r->payee, n, &list[n]);
		n += err == 0;
	}
	if (err == JZ_ERR_NOT_FOUND)
		err = 0;
	for (unsigned i = 0; err == 0 && i < n; i++)
		if (memcmp(list[i].payer_id, r->payer_id, JZ_ID_BYTES) == 0)
			err = finish_pending(r, &list[i]);
	return err;
}

int
jz_recover_digest(struct jz_span sealed, struct jz_payment *out)
{
	struct jz_cursor c = jz_cursor(sealed), in;
	struct jz_span content;

	memset(out, 0, sizeof(*out));
	if (jz_tlv_expect(&c, JZ_KIND_SEALED, &content) != 0)
		return JZ_ERR_ANSWER;
	in = jz_cursor(content);
	return jz_tlv_expect_bytes(&in, JZ_TAG_REQUEST_DIGEST,
		   out->request_digest, JZ_DIGEST_BYTES) != 0
	    ? JZ_ERR_ANSWER
	    : 0;
}

/* One that the payer's card wants a receipt for; those for other cards stay. */
static int
finish_completions(const struct recovery *r)
{
	unsigned other = 0;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < RECORDS_MAX; i++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
		struct jz_payment p;

		err = jz_purse_unacknowledged(r->payer, other, &b);
		if (err == JZ_ERR_NOT_FOUND)
			return 0;
		if (err == 0)
			err = jz_recover_digest(jz_buffer_span(&b), &p);
		if (err == 0)
			err = deliver(r, jz_buffer_span(&b),
			    JZ_RECOVERY_ACKNOWLEDGED, &p);
		if (err == JZ_ERR_NOT_FOUND) {
			other++;
			err = 0;
		}
	}
	return err;
}

/* What the payer's card has agreed to and not paid. */
static int
finish_agreement(const struct recovery *r)
{
	struct jz_payment p;
	int err = jz_purse_agreed(r->payer, &p);

	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err != 0)
		return err;
	return memcmp(p.payee_id, r->payee_id, JZ_ID_BYTES) != 0
	    ? 0
	    : prove_and_drop(r, &p);
}

static int
id_of(struct jz_session *s, uint8_t id[static JZ_ID_BYTES])
{
	struct jz_purse_info info;
	int err = jz_purse_info(s, &info);

	memcpy(id, info.id, JZ_ID_BYTES);
	return err;
}

int
jz_recover(struct jz_session *payer, struct jz_session *payee,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg)
{
	struct recovery r = {
	    .payer = payer, .payee = payee, .told = told, .arg = arg};
	bool payee_hides, payer_hides;
	int err = id_of(payer, r.payer_id);

	if (err == 0)
		err = id_of(payee, r.payee_id);
	if (err != 0)
		return err;
	err = finish_all_pending(&r);
	payee_hides = jz_recover_said(payee, err, JZ_SW_SECURITY);
	if (err != 0 && !payee_hides)
		return err;
	err = finish_completions(&r);
	if (err == 0)
		err = finish_agreement(&r);
	payer_hides = jz_recover_said(payer, err, JZ_SW_SECURITY);
	return payer_hides && !payee_hides ? 0 : err;
}
