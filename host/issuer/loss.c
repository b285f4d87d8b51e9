/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments whose other half will not come.
 *
 * A payment passes through transit, half by half.  Once it is written off its
 * account there is the fraud account: what was in transit is taken there, and
 * a half that comes later goes through it, so that nothing is paid twice
 * unseen and nothing is refused that a card has signed.
 *
 * A copied card's second payment of one counter is written off by itself, as
 * soon as the payer's card has settled the other: it settles one of each.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

int
jz_payment_transit(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], const char **account,
    char target[static JZ_LEDGER_NAME_MAX])
{
	int err = jz_store_written_off(i->store, request_digest, target);

	*account = err == 0 ? JZ_LEDGER_FRAUD : JZ_LEDGER_PAYMENT;
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

int
jz_payment_write_off(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t in_transit,
    const char *target, int64_t proposal)
{
	char reference[JZ_PAYMENT_REFERENCE_CAP];
	int64_t now = jz_issuer_now(i);
	int err = jz_store_written_off_add(
	    i->store, request_digest, in_transit, target, proposal, now);

	jz_payment_reference(request_digest, reference);
	if (err == 0 && in_transit > 0)
		err = jz_ledger_move(i->store, now, JZ_LEDGER_WRITTEN_OFF,
		    reference, JZ_LEDGER_PAYMENT, JZ_LEDGER_FRAUD, in_transit);
	if (err == 0 && in_transit < 0)
		err = jz_ledger_move(i->store, now, JZ_LEDGER_WRITTEN_OFF,
		    reference, JZ_LEDGER_FRAUD, JZ_LEDGER_PAYMENT, -in_transit);
	return err;
}

static int
book(struct jz_issuer *i, enum jz_incident_kind kind, const struct jz_record *r,
    const uint8_t card[static JZ_ID_BYTES])
{
	struct jz_alarm a = {.kind = kind, .number = r->number};

	memcpy(a.card_id, card, JZ_ID_BYTES);
	if (kind == JZ_INCIDENT_DOUBLED_COUNTER) {
		/* One for all payments of a counter. */
		a.number = r->m.payment.payer_counter;
		return jz_incident_book(i, &a, r->bytes);
	}
	a.has_payment = true;
	memcpy(a.request_digest, r->m.payment.request_digest, JZ_DIGEST_BYTES);
	return jz_incident_book(i, &a, r->bytes);
}

/* Both payments stand: each payee has what the payer's card has signed. */
static int
watch_counter(struct jz_issuer *i, const struct jz_record *r)
{
	const struct jz_payment *p = &r->m.payment;
	uint8_t request[JZ_DIGEST_BYTES];
	int64_t amount;
	bool twin;
	int err = jz_store_has_twin(i->store, p, &twin);

	if (err != 0 || !twin)
		return err;
	err = book(i, JZ_INCIDENT_DOUBLED_COUNTER, r, p->payer_id);
	while (err == 0) {
		err = jz_store_twin_loss(i->store, p, request, &amount);
		if (err == 0)
			err = jz_payment_write_off(i, request, -amount, "", 0);
		if (err == 0)
			err = jz_audit_note(i, JZ_ACTOR_ISSUER,
			    "clone loss of %lld, card %.16s, counter %u",
			    (long long)amount, (const char *)p->payer_id,
			    (unsigned)p->payer_counter);
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* Its own records, in order, are all that lowers a shadow. */
static int
watch_shadow(struct jz_issuer *i, const struct jz_record *r)
{
	struct jz_ledger_name card = jz_ledger_card(r->m.payment.payer_id);
	int64_t shadow;
	int err = jz_ledger_balance(i->store, card.text, &shadow);

	if (err == 0 && shadow < 0)
		err = book(
		    i, JZ_INCIDENT_NEGATIVE_SHADOW, r, r->m.payment.payer_id);
	return err;
}

static int
watch_late(struct jz_issuer *i, const struct jz_record *r)
{
	const struct jz_payment *p = &r->m.payment;
	char target[JZ_LEDGER_NAME_MAX];
	const char *account;
	int err = jz_payment_transit(i, p->request_digest, &account, target);

	if (err == 0 && target[0] != '\0')
		err = book(i, JZ_INCIDENT_LATE, r,
		    r->m.kind == JZ_KIND_RECORD_PAID ? p->payer_id
						     : p->payee_id);
	return err;
}

/*
 * A payee-only card gives back what it was paid, and pays nothing else.  What
 * is a refund only its uploader says, so it counts against the uploader: the
 * payer's card, which never refunds more than it received; or the payee's,
 * which takes nothing else from such a card.
 */
static int
watch_refund(struct jz_issuer *i, const struct jz_record *r)
{
	const struct jz_payment *p = &r->m.payment;
	bool paid = r->m.kind == JZ_KIND_RECORD_PAID, gap = false;
	int64_t left = r->m.refund_of == 0 ? -1 : 0;
	int err = 0;

	if (!r->from_payee_only)
		return 0;
	/* The ledger may have lost what is given back. */
	if (left == 0 && paid)
		err = jz_store_gap(i->store, p->payer_id, 0, &gap);
	if (err == 0 && left == 0 && paid && !gap)
		err = jz_store_refundable(
		    i->store, p->payer_id, p->payee_id, &left);
	return err != 0 || left >= 0 ? err
				     : book(i, JZ_INCIDENT_NOT_A_REFUND, r,
					   paid ? p->payer_id : p->payee_id);
}

int
jz_payment_watch(struct jz_issuer *i, const struct jz_record *r)
{
	int err = watch_late(i, r);

	if (err == 0)
		err = watch_counter(i, r);
	if (err == 0)
		err = watch_refund(i, r);
	if (err == 0 && r->m.kind == JZ_KIND_RECORD_PAID)
		err = watch_shadow(i, r);
	return err;
}
