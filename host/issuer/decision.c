/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two operators can decide: when it may be, and what it moves.
 *
 * A card is gone when it is revoked, its certificate has expired, and a
 * settlement period has passed since: what it has signed and has not been
 * uploaded by then is not waited for.
 */
#include "operator.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

#define PAYEE "payee"
#define PAYER "payer"

/* ---- texts -------------------------------------------------------------- */

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly len bytes in small hexadecimal. */
static int
unhex(const char *text, uint8_t *out, size_t len)
{
	if (strlen(text) != 2 * len)
		return JZ_ERR_ARGUMENT;
	for (size_t k = 0; k < len; k++) {
		int high = nibble(text[2 * k]), low = nibble(text[2 * k + 1]);

		if (high < 0 || low < 0)
			return JZ_ERR_ARGUMENT;
		out[k] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int
card_of(
    struct jz_issuer *i, const struct jz_proposal *p, struct jz_card_row *out)
{
	if (strlen(p->subject) != JZ_ID_BYTES)
		return JZ_ERR_ARGUMENT;
	return jz_store_card(i->store, (const uint8_t *)p->subject, out);
}

/* ---- cards -------------------------------------------------------------- */

/* JZ_ERR_NOT_DUE: it may still come. */
static int
check_gone(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES])
{
	struct jz_card_row row;
	struct jz_certificate c;
	int64_t revoked = 0, since;
	int err = jz_store_card(i->store, id, &row);

	if (err == 0)
		err = jz_issuer_read_certificate(
		    i, jz_span(row.certificate, row.certificate_len), &c);
	if (err == 0)
		err = jz_store_revoked_at(i->store, id, c.generation, &revoked);
	if (err != 0)
		return err;
	since = revoked > c.to ? revoked : c.to;
	return revoked == 0 || jz_issuer_now(i) < since + JZ_SETTLEMENT_PERIOD
	    ? JZ_ERR_NOT_DUE
	    : 0;
}

static int
check_suspect(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES])
{
	int64_t n = 0;
	int err = jz_store_incidents_of(i->store, id, &n);

	return err != 0 || n > 0 ? err : check_gone(i, id);
}

static int
check_lost(struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount)
{
	struct jz_ledger_name name;
	struct jz_card_row row;
	bool closed, blocked;
	int err = card_of(i, p, &row);

	if (err == 0)
		err = jz_store_card_closed(i->store, row.id, &closed);
	if (err == 0 && closed)
		return JZ_ERR_EXISTS;
	if (err == 0 && p->target[0] != '\0')
		err = jz_store_customer(i->store, p->target, &blocked);
	if (err == 0)
		err = check_gone(i, row.id);
	if (err != 0)
		return err;
	name = jz_ledger_card(row.id);
	err = jz_ledger_balance(i->store, name.text, amount);
	return err == 0 && *amount <= 0 ? JZ_ERR_NOT_FOUND : err;
}

static int
check_clone_loss(
    struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount)
{
	struct jz_ledger_name name;
	struct jz_card_row row;
	int64_t n = 0, shadow = 0;
	int err = card_of(i, p, &row);

	if (err == 0)
		err = jz_store_incidents_of(i->store, row.id, &n);
	if (err == 0 && n == 0)
		return JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	name = jz_ledger_card(row.id);
	err = jz_ledger_balance(i->store, name.text, &shadow);
	*amount = -shadow;
	return err == 0 && shadow >= 0 ? JZ_ERR_NOT_FOUND : err;
}

/* ---- payments ----------------------------------------------------------- */

/* What is known of a payment, and which half is missing. */
struct half {
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_payment payment;
	bool paid, received;	 /* has the payer uploaded, the payee? */
	enum jz_outcome outcome; /* of an exception, 0: none */
	bool paid_out;
	int64_t in_transit;
};

static int
read_exception(struct jz_issuer *i, struct half *h)
{
	struct jz_payment p;
	int err = jz_store_exception(i->store, h->digest, &p, &h->outcome);

	if (err != 0)
		return err == JZ_ERR_NOT_FOUND ? 0 : err;
	h->payment = p;
	return jz_store_exception_is_paid(i->store, h->digest, &h->paid_out);
}

static int
read_sides(struct jz_issuer *i, struct half *h)
{
	int err =
	    jz_store_payment_has(i->store, h->digest, JZ_SIDE_PAYER, &h->paid);

	return err != 0 ? err
			: jz_store_payment_has(
			      i->store, h->digest, JZ_SIDE_PAYEE, &h->received);
}

static int
read_half(struct jz_issuer *i, const struct jz_proposal *p, struct half *h)
{
	char target[JZ_LEDGER_NAME_MAX];
	int64_t amount;
	int err;

	memset(h, 0, sizeof(*h));
	err = unhex(p->subject, h->digest, JZ_DIGEST_BYTES);
	if (err == 0)
		err = jz_store_written_off(i->store, h->digest, target);
	if (err != JZ_ERR_NOT_FOUND)
		return err == 0 ? JZ_ERR_EXISTS : err;
	err = jz_store_payment_data(i->store, h->digest, &h->payment);
	if (err == JZ_ERR_NOT_FOUND)
		err = 0;
	if (err == 0)
		err = read_sides(i, h);
	if (err == 0)
		err = read_exception(i, h);
	if (err == 0 && h->payment.amount == 0)
		err = JZ_ERR_NOT_FOUND;
	amount = (int64_t)h->payment.amount;
	h->in_transit = (h->paid ? amount : 0) - (h->received ? amount : 0) -
	    (h->paid_out ? amount : 0);
	return err;
}

static int
check_write_off(
    struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount)
{
	struct half h;
	int err = read_half(i, p, &h);

	if (err == 0 && p->target[0] != '\0')
		err = JZ_ERR_ARGUMENT;
	if (err == 0 && h.in_transit == 0)
		err = JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	*amount = h.in_transit;
	return h.in_transit > 0 ? check_gone(i, h.payment.payee_id)
				: check_suspect(i, h.payment.payer_id);
}

/*
 * Paid and neither received nor given up: somebody's, when the payee's card is
 * gone.  Claimed, and not known to be paid: the payee's, when the payer's card
 * is gone or is known for something.
 */
static int
check_resolve(struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount)
{
	bool payee = strcmp(p->target, PAYEE) == 0;
	struct half h;
	int err = read_half(i, p, &h);

	if (err == 0 && !payee && strcmp(p->target, PAYER) != 0)
		err = JZ_ERR_ARGUMENT;
	if (err != 0)
		return err;
	*amount = (int64_t)h.payment.amount;
	if (h.in_transit > 0 && h.outcome == 0)
		return check_gone(i, h.payment.payee_id);
	if (h.outcome == JZ_OUTCOME_CLAIM && !h.paid && payee)
		return check_suspect(i, h.payment.payer_id);
	return JZ_ERR_NOT_FOUND;
}

/* ---- people, the ledger ------------------------------------------------- */

static int
check_operator(struct jz_issuer *i, const struct jz_proposal *p)
{
	uint8_t key[JZ_POINT_BYTES];
	int err = unhex(p->target, key, sizeof(key));

	return err != 0 ? err : jz_operator_check_new(i, p->subject, key);
}

int
jz_decision_check(
    struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount)
{
	*amount = 0;
	switch (p->kind) {
	case JZ_PROPOSE_WRITE_OFF:
		return check_write_off(i, p, amount);
	case JZ_PROPOSE_RESOLVE:
		return check_resolve(i, p, amount);
	case JZ_PROPOSE_LOST:
		return check_lost(i, p, amount);
	case JZ_PROPOSE_CLONE_LOSS:
		return check_clone_loss(i, p, amount);
	case JZ_PROPOSE_RESTORED:
		return strcmp(p->subject, "ledger") == 0 ? 0 : JZ_ERR_ARGUMENT;
	case JZ_PROPOSE_OPERATOR:
		return check_operator(i, p);
	case JZ_PROPOSE_RETIRE:
		return jz_operator_check_retire(i, p->subject);
	default:
		return JZ_ERR_ARGUMENT;
	}
}

/* ---- doing it ----------------------------------------------------------- */

static int
write_off(struct jz_issuer *i, const struct jz_proposal *p)
{
	struct half h;
	int err = read_half(i, p, &h);

	return err != 0
	    ? err
	    : jz_payment_write_off(i, h.digest, h.in_transit, "", p->id);
}

static int
resolve(struct jz_issuer *i, const struct jz_proposal *p)
{
	struct jz_ledger_name to;
	struct jz_card_row row;
	struct half h;
	int err = read_half(i, p, &h);

	if (err == 0)
		err = jz_store_card(i->store,
		    strcmp(p->target, PAYEE) == 0 ? h.payment.payee_id
						  : h.payment.payer_id,
		    &row);
	if (err != 0)
		return err;
	to = jz_ledger_customer(row.account);
	err =
	    jz_payment_write_off(i, h.digest, h.in_transit, row.account, p->id);
	return err != 0
	    ? err
	    : jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_RESOLVED,
		  p->subject, JZ_LEDGER_FRAUD, to.text, p->amount);
}

static int
close_card(struct jz_issuer *i, const struct jz_proposal *p)
{
	const uint8_t *id = (const uint8_t *)p->subject;
	struct jz_ledger_name card = jz_ledger_card(id);
	struct jz_ledger_name to = jz_ledger_customer(p->target);
	int64_t now = jz_issuer_now(i);
	int err = jz_store_card_closed_add(
	    i->store, id, p->amount, p->target, p->id, now);

	return err != 0
	    ? err
	    : jz_ledger_move(i->store, now, JZ_LEDGER_CARD_LOST, p->subject,
		  card.text, p->target[0] != '\0' ? to.text : JZ_LEDGER_LOST,
		  p->amount);
}

static int
make_good(struct jz_issuer *i, const struct jz_proposal *p)
{
	struct jz_ledger_name card =
	    jz_ledger_card((const uint8_t *)p->subject);
	char reference[JZ_SUBJECT_MAX];

	/* A card may fall below zero again. */
	snprintf(reference, sizeof(reference), "%.16s:%lld", p->subject,
	    (long long)p->id);
	return jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_CLONE_LOSS,
	    reference, JZ_LEDGER_FRAUD, card.text, p->amount);
}

static int
add_operator(struct jz_issuer *i, const struct jz_proposal *p)
{
	uint8_t key[JZ_POINT_BYTES];
	int err = unhex(p->target, key, sizeof(key));

	return err != 0 ? err
			: jz_operator_add(i, p->decided_by, p->subject, key);
}

int
jz_decision_carry_out(struct jz_issuer *i, const struct jz_proposal *p)
{
	switch (p->kind) {
	case JZ_PROPOSE_WRITE_OFF:
		return write_off(i, p);
	case JZ_PROPOSE_RESOLVE:
		return resolve(i, p);
	case JZ_PROPOSE_LOST:
		return close_card(i, p);
	case JZ_PROPOSE_CLONE_LOSS:
		return make_good(i, p);
	case JZ_PROPOSE_RESTORED:
		return jz_store_restored_add(i->store, p->id, jz_issuer_now(i));
	case JZ_PROPOSE_OPERATOR:
		return add_operator(i, p);
	case JZ_PROPOSE_RETIRE:
		return jz_operator_retire(i, p->decided_by, p->subject);
	default:
		return JZ_ERR_INTERNAL;
	}
}
