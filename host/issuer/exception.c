/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments that the payee has given up.
 *
 * Its card has signed that it was not credited and never will be, and what is
 * to become of the money: claim, or release.  The issuer pays when it has that
 * and the payer's completion, both, whichever comes first, and once: a
 * completion alone may still be credited by the payee's card, an exception
 * alone may never have been paid.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

void
jz_payment_reference(const uint8_t request_digest[static JZ_DIGEST_BYTES],
    char out[static JZ_PAYMENT_REFERENCE_CAP])
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t k = 0; k < JZ_DIGEST_BYTES; k++) {
		out[2 * k] = DIGITS[request_digest[k] >> 4];
		out[2 * k + 1] = DIGITS[request_digest[k] & 0xF];
	}
	out[2 * JZ_DIGEST_BYTES] = '\0';
}

/* To the payee's account on a claim, on a release to the payer's: no card can
 * be credited any more. */
int
jz_exception_pay(
    struct jz_issuer *i, const uint8_t request_digest[static JZ_DIGEST_BYTES])
{
	char reference[JZ_PAYMENT_REFERENCE_CAP], target[JZ_LEDGER_NAME_MAX];
	const char *transit = NULL;
	struct jz_ledger_name account;
	enum jz_outcome outcome;
	struct jz_payment p;
	struct jz_card_row card;
	bool paid = false;
	bool claim;
	int err = jz_store_exception(i->store, request_digest, &p, &outcome);

	if (err == 0)
		err = jz_store_payment_has(
		    i->store, request_digest, JZ_SIDE_PAYER, &paid);
	if (err == JZ_ERR_NOT_FOUND || (err == 0 && !paid))
		return 0;
	claim = outcome == JZ_OUTCOME_CLAIM;
	if (err == 0)
		err = jz_payment_transit(i, request_digest, &transit, target);
	/* Two people have paid it already. */
	if (err == 0 && target[0] != '\0')
		return 0;
	if (err == 0)
		err = jz_store_card(
		    i->store, claim ? p.payee_id : p.payer_id, &card);
	if (err != 0)
		return err;
	account = jz_ledger_customer(card.account);
	jz_payment_reference(request_digest, reference);
	err =
	    jz_store_exception_paid(i->store, request_digest, jz_issuer_now(i));
	if (err != 0)
		return err;
	return jz_ledger_move(i->store, jz_issuer_now(i),
	    claim ? JZ_LEDGER_CLAIMED : JZ_LEDGER_RELEASED, reference, transit,
	    account.text, (int64_t)p.amount);
}

/* The payee's card has signed both: exception, and confirmation or receipt. */
static int
payees_doing(
    struct jz_issuer *i, enum jz_incident_kind kind, const struct jz_record *r)
{
	return jz_alarm(i, JZ_REFUSAL_CONFLICT, kind, r->m.payment.payee_id,
	    r->number, r->m.payment.request_digest);
}

int
jz_exception_post(struct jz_issuer *i, const struct jz_record *r)
{
	const uint8_t *request = r->m.payment.request_digest;
	enum jz_outcome outcome;
	struct jz_payment known;
	bool received = false;
	int err = jz_store_payment_data(i->store, request, &known);

	if (err == 0 && !jz_payment_equal(&known, &r->m.payment))
		return payees_doing(i, JZ_INCIDENT_ALTERED_RECORD, r);
	if (err == 0)
		err = jz_store_payment_has(
		    i->store, request, JZ_SIDE_PAYEE, &received);
	if (err == 0 && received)
		return payees_doing(i, JZ_INCIDENT_CONTRADICTION, r);
	if (err != 0 && err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_store_exception(i->store, request, &known, &outcome);
	if (err == 0) /* under another record number */
		return payees_doing(i, JZ_INCIDENT_DOUBLED_RECORD, r);
	if (err == JZ_ERR_NOT_FOUND)
		err = jz_store_exception_add(i->store, &r->m);
	return err != 0 ? err : jz_exception_pay(i, request);
}

int
jz_exception_check(struct jz_issuer *i, const struct jz_record *r)
{
	enum jz_outcome outcome;
	struct jz_payment known;
	int err = jz_store_exception(
	    i->store, r->m.payment.request_digest, &known, &outcome);

	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0 && r->m.kind != JZ_KIND_RECORD_PAID)
		return payees_doing(i, JZ_INCIDENT_CONTRADICTION, r);
	if (err == 0 && !jz_payment_equal(&known, &r->m.payment))
		return payees_doing(i, JZ_INCIDENT_ALTERED_RECORD, r);
	return err;
}

/* ---- what a payee's card may still be given ------------------------------ */

struct owed {
	int (*each)(struct jz_span completion, void *arg);
	void *arg;
};

static int
encode_owed(const struct jz_message *completion, void *arg)
{
	const struct owed *o = arg;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_message_encode(completion, JZ_SIGNED, &b);

	return err != 0 ? err : o->each(jz_buffer_span(&b), o->arg);
}

int
jz_issuer_each_owed(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    int (*each)(struct jz_span completion, void *arg), void *arg)
{
	struct owed o = {each, arg};

	jz_issuer_start(i);
	return jz_store_each_owed(i->store, id, encode_owed, &o);
}
