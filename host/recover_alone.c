/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments that stopped half-way, finished by one card and the messages of the
 * other, which may be far away.
 *
 *   payee   credits a completion, drops on a proof; asks for what it waits for
 *   payer   takes a receipt; answers what is asked with the completion, or the
 *           proof that there is none; brings what it has no receipt for
 *
 * Each leaves its answers in the mailbox, which somebody carries over.  A
 * message that is not for this card, or of another step, it refuses, and
 * changes nothing.
 */
#include <string.h>

#include "../apdu/error.h"
#include "../apdu/message.h"
#include "recover.h"

/* More than two cards can owe each other, and the messages of a payment. */
#define MESSAGES_MAX 256u
#define WAITING_MAX  64u

struct alone {
	struct jz_session *s;
	const struct jz_mailbox *box;
	void (*told)(enum jz_recovery, const struct jz_payment *, void *);
	void *arg;
	bool acted;
};

static void
tell(struct alone *a, enum jz_recovery what, const struct jz_payment *p)
{
	a->acted = true;
	if (a->told != NULL)
		a->told(what, p, a->arg);
}

/* A refusal is about this message, anything else about the card. */
static int
unless_refused(const struct alone *a, int err)
{
	return err == jz_status_error(a->s->sw) && err != 0 ? 0 : err;
}

/* JZ_ERR_EXISTS: it is there already, and told. */
static int
leave(struct alone *a, struct jz_span message, enum jz_recovery what,
    const struct jz_payment *p)
{
	int err = a->box->put(a->box->arg, message);

	if (err == 0)
		tell(a, what, p);
	a->acted |= err == JZ_ERR_EXISTS;
	return err == JZ_ERR_EXISTS ? 0 : err;
}

static int
leave_question(struct alone *a, const struct jz_payment *p)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m = {.kind = JZ_KIND_UNFINISHED, .payment = *p};
	int err = jz_message_encode(&m, JZ_SIGNED, &b);

	return err != 0 ? err
			: leave(a, jz_buffer_span(&b), JZ_RECOVERY_ASKED, p);
}

/* ---- the payee ---------------------------------------------------------- */

static int
try_credit(struct alone *a, struct jz_span sealed)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer receipt = jz_buffer(bytes, sizeof(bytes));
	struct jz_payment p;
	int err = jz_recover_digest(sealed, &p);

	if (err != 0)
		return 0;
	err = jz_purse_credit(a->s, sealed, &receipt);
	if (jz_recover_said(a->s, err, JZ_SW_ABANDONED)) {
		tell(a, JZ_RECOVERY_GIVEN_UP, &p);
		return 0;
	}
	if (err != 0)
		return unless_refused(a, err);
	return leave(a, jz_buffer_span(&receipt), JZ_RECOVERY_CREDITED, &p);
}

static int
try_drop(struct alone *a, struct jz_span proof)
{
	struct jz_message m;
	int err;

	if (jz_message_decode(proof, JZ_KIND_NOT_PAID, &m) != 0)
		return 0;
	err = jz_purse_drop(a->s, proof);
	if (err == 0)
		tell(a, JZ_RECOVERY_DROPPED, &m.payment);
	return unless_refused(a, err);
}

static int
payee_message(struct alone *a, struct jz_span m)
{
	switch (jz_message_peek(m)) {
	case JZ_KIND_SEALED:
		return try_credit(a, m);
	case JZ_KIND_NOT_PAID:
		return try_drop(a, m);
	default:
		return 0;
	}
}

static int
ask_for_pending(struct alone *a)
{
	struct jz_payment p;
	int err = 0;

	for (unsigned n = 0; err == 0 && n < WAITING_MAX; n++) {
		err = jz_purse_pending(a->s, n, &p);
		if (err == 0)
			err = leave_question(a, &p);
	}
	return err;
}

/* ---- the payer ---------------------------------------------------------- */

static int
try_acknowledge(struct alone *a, struct jz_span sealed)
{
	struct jz_payment p;
	int err = jz_recover_digest(sealed, &p);

	if (err != 0)
		return 0;
	err = jz_purse_acknowledge(a->s, sealed);
	if (err == 0)
		tell(a, JZ_RECOVERY_ACKNOWLEDGED, &p);
	return unless_refused(a, err);
}

static int
leave_proof(struct alone *a, const struct jz_payment *p)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));
	int err = jz_purse_prove(a->s, p, &proof);

	if (jz_recover_said(a->s, err, JZ_SW_SETTLED) ||
	    jz_recover_said(a->s, err, JZ_SW_PAID)) {
		tell(a, JZ_RECOVERY_ISSUER, p);
		return 0;
	}
	if (err != 0)
		return unless_refused(a, err);
	return leave(a, jz_buffer_span(&proof), JZ_RECOVERY_DROPPED, p);
}

static int
answer(struct alone *a, struct jz_span question)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_purse_info info;
	struct jz_message m;
	int err;

	if (jz_message_decode(question, JZ_KIND_UNFINISHED, &m) != 0)
		return 0;
	err = jz_purse_info(a->s, &info);
	if (err != 0 || memcmp(m.payment.payer_id, info.id, JZ_ID_BYTES) != 0)
		return err;
	err = jz_purse_fetch_completion(a->s, m.payment.request_digest, &b);
	if (jz_recover_said(a->s, err, JZ_SW_NO_PAYMENT))
		return leave_proof(a, &m.payment);
	return err != 0
	    ? err
	    : leave(a, jz_buffer_span(&b), JZ_RECOVERY_SENT, &m.payment);
}

static int
payer_message(struct alone *a, struct jz_span m)
{
	switch (jz_message_peek(m)) {
	case JZ_KIND_SEALED:
		return try_acknowledge(a, m);
	case JZ_KIND_UNFINISHED:
		return answer(a, m);
	default:
		return 0;
	}
}

/* What it has paid and has no receipt for, and what it has agreed to. */
static int
send_unacknowledged(struct alone *a)
{
	struct jz_payment p;
	int err = 0;

	for (unsigned n = 0; err == 0 && n < WAITING_MAX; n++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		err = jz_purse_unacknowledged(a->s, n, &b);
		if (err == 0)
			err = jz_recover_digest(jz_buffer_span(&b), &p);
		if (err == 0)
			err =
			    leave(a, jz_buffer_span(&b), JZ_RECOVERY_SENT, &p);
	}
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_purse_agreed(a->s, &p);
	return err != 0 ? err : leave_proof(a, &p);
}

/* ---- both --------------------------------------------------------------- */

static int
each_message(struct alone *a, int (*f)(struct alone *a, struct jz_span m))
{
	int err = 0;

	for (unsigned n = 0; err == 0 && n < MESSAGES_MAX; n++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		err = a->box->get(a->box->arg, n, &b);
		if (err == 0)
			err = f(a, jz_buffer_span(&b));
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
recover(struct alone *a, int (*f)(struct alone *a, struct jz_span m),
    int (*rest)(struct alone *a))
{
	int err = each_message(a, f);

	if (err == 0)
		err = rest(a);
	/* Without a PIN the card says nothing of what was not asked for. */
	if (err == JZ_ERR_NOT_FOUND ||
	    (a->acted && jz_recover_said(a->s, err, JZ_SW_SECURITY)))
		return 0;
	return err;
}

int
jz_recover_payee(struct jz_session *payee, const struct jz_mailbox *box,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg)
{
	struct alone a = {payee, box, told, arg, false};

	return recover(&a, payee_message, ask_for_pending);
}

int
jz_recover_payer(struct jz_session *payer, const struct jz_mailbox *box,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg)
{
	struct alone a = {payer, box, told, arg, false};

	return recover(&a, payer_message, send_unacknowledged);
}
