/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger that was put back from a backup lacks what came after it: records
 * that cards have cleared since, loads, cards.  Two operators say that it was;
 * from then on each card may leave a gap in its record numbers, once, and what
 * it has is booked, with an alarm.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

int
jz_restore_gap(struct jz_issuer *i, const uint8_t card[static JZ_ID_BYTES],
    int64_t next, uint32_t number, int64_t *restored)
{
	bool has = false;
	int64_t id = 0;
	int err = 0;

	*restored = 0;
	if (number <= next)
		return 0;
	err = jz_store_restored(i->store, &id);
	if (err == 0)
		err = jz_store_gap(i->store, card, id, &has);
	if (err == 0 && id != 0 && !has)
		*restored = id;
	return err;
}

static int
alarm(struct jz_issuer *i, enum jz_incident_kind kind,
    const uint8_t card[static JZ_ID_BYTES], uint32_t number,
    struct jz_span evidence)
{
	struct jz_alarm a = {.kind = kind, .number = number};

	memcpy(a.card_id, card, JZ_ID_BYTES);
	return jz_incident_book(i, &a, evidence);
}

int
jz_restore_book_gap(struct jz_issuer *i, const uint8_t card[static JZ_ID_BYTES],
    int64_t next, uint32_t number, int64_t restored, struct jz_span evidence)
{
	int err = jz_store_gap_add(i->store, card, restored, next, number);

	return err != 0
	    ? err
	    : alarm(i, JZ_INCIDENT_RESTORED_RECORD, card, number, evidence);
}

int
jz_restore_alarm(struct jz_issuer *i, const struct jz_record *r)
{
	return alarm(i, JZ_INCIDENT_RESTORED_RECORD, r->report.card_id,
	    r->number, r->bytes);
}

/*
 * Whose money it was the ledger does not know: it comes from "lost", for people
 * to look at, and goes the way of a load.  The permission's row keeps the
 * load's request, should somebody have kept it, from being a new one.
 */
static int
permit_again(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card, struct jz_load_row *load)
{
	char reference[JZ_LOAD_REFERENCE_CAP];
	int err;

	memset(load, 0, sizeof(*load));
	memcpy(load->card_id, r->report.card_id, JZ_ID_BYTES);
	load->counter = r->report.online_counter;
	load->amount = r->m.payment.amount;
	load->time = r->m.payment.time;
	snprintf(load->account, sizeof(load->account), "%s", card->row.account);
	memcpy(load->permission_digest, r->report.payment.agreement_digest,
	    JZ_DIGEST_BYTES);
	jz_issuer_load_reference(&r->report, reference);
	err = jz_store_load_add(i->store, load, jz_span("", 0));
	return err != 0 ? err
			: jz_ledger_move(i->store, jz_issuer_now(i),
			      JZ_LEDGER_RESTORED, reference, JZ_LEDGER_LOST,
			      JZ_LEDGER_LOAD, (int64_t)load->amount);
}

int
jz_restore_load(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	struct jz_load_row load;
	/* Its request may have come once more since: that is this load. */
	int err = jz_store_load(
	    i->store, r->report.card_id, r->report.online_counter, &load);

	if (err == JZ_ERR_NOT_FOUND)
		err = permit_again(i, r, card, &load);
	if (err == 0)
		err = jz_issuer_book_load(i, &r->report, &load);
	return err != 0 ? err : jz_restore_alarm(i, r);
}

/* ---- cards -------------------------------------------------------------- */

#define NUMBER_AT     2 /* "CN", nine digits, five of the key pair */
#define NUMBER_DIGITS 9

/* The number that the ID was made of: 0 when it was not. */
static int64_t
number_of(const uint8_t id[static JZ_ID_BYTES])
{
	struct jz_card_row row;
	int64_t n = 0;

	for (unsigned k = NUMBER_AT; k < NUMBER_AT + NUMBER_DIGITS; k++) {
		if (id[k] < '0' || id[k] > '9')
			return 0;
		n = n * 10 + (id[k] - '0');
	}
	jz_issuer_number_card(n, &row);
	return memcmp(row.id, id, JZ_ID_BYTES) == 0 ? n : 0;
}

static int
open_account(struct jz_issuer *i)
{
	bool blocked;
	int err =
	    jz_store_customer(i->store, JZ_ISSUER_RESTORED_ACCOUNT, &blocked);

	return err == JZ_ERR_NOT_FOUND
	    ? jz_issuer_add_account(
		  i, JZ_ISSUER_RESTORED_ACCOUNT, JZ_ISSUER_RESTORED_ACCOUNT)
	    : err;
}

static int
add_again(
    struct jz_issuer *i, const struct jz_certificate *c, struct jz_span bytes)
{
	struct jz_card_row row = {0};
	int64_t number = number_of(c->holder);
	int err;

	if (number == 0 || bytes.len > sizeof(row.certificate))
		return JZ_ERR_CERT_MALFORMED;
	jz_issuer_number_card(number, &row);
	memcpy(row.account, JZ_ISSUER_RESTORED_ACCOUNT,
	    sizeof(JZ_ISSUER_RESTORED_ACCOUNT));
	memcpy(row.holder, c->holder, JZ_ID_BYTES);
	memcpy(row.public_key, c->public_key, JZ_POINT_BYTES);
	row.flags = c->flags;
	memcpy(row.certificate, bytes.data, bytes.len);
	row.certificate_len = bytes.len;
	err = open_account(i);
	if (err == 0)
		err = jz_issuer_add_row(i, &row);
	if (err == 0)
		err = jz_store_skip(i->store, "card", number + 1);
	return err != 0
	    ? err
	    : alarm(i, JZ_INCIDENT_RESTORED_CARD, c->holder, 0, bytes);
}

static int
readmit(struct jz_issuer *i, struct jz_span bytes)
{
	struct jz_certificate c;
	struct jz_card_row row;
	int64_t restored;
	int err = jz_issuer_read_certificate(i, bytes, &c);

	if (err == 0)
		err = jz_store_card(i->store, c.holder, &row);
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = jz_store_restored(i->store, &restored);
	if (err == 0 && restored == 0)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_CARD);
	return err != 0 ? err : add_again(i, &c, bytes);
}

int
jz_issuer_readmit(struct jz_issuer *i, struct jz_span certificate)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err : jz_store_end(i->store, readmit(i, certificate));
}
