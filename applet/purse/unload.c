/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unload (圈提), the mirror image of load.c: JR/T 0025 INITIALIZE FOR UNLOAD
 * and DEBIT FOR UNLOAD, with one signed template in place of MAC2 and MAC3.
 *
 * The card debits first: DEBIT commits counter, debit and record at once, and
 * the record is the proof against which the issuer credits the account, once.
 * The proof is given again until the issuer has signed that it has it, or has
 * confirmed the record at settlement; there is no second unload before that.
 *
 * INITIALIZE promises nothing: its counter is the next one, and whoever takes
 * that first makes the request void; so does the next INITIALIZE, of the same
 * amount too.  So an unload that is not executed leaves
 * nothing behind that must be cancelled (docs/adr/0021-unload.md).
 *
 * Neither PIN nor limit is asked at DEBIT and after.
 */
#include "purse.h"
#include "../../apdu/time.h"

#include <string.h>

/* Room for its record: the last numbers are kept for unloads too. */
static bool
has_record(const struct purse_nvm *p)
{
	uint32_t taken = p->next_record - p->first_unsettled;

	if (p->next_record == JZ_PURSE_COUNTER_MAX)
		return false;
	return JZ_PURSE_COUNTER_MAX - p->next_record < JZ_PURSE_RECORDS
	    ? taken < JZ_PURSE_RECORDS
	    : purse_log_room(p) > 0;
}

static uint16_t
can_unload(const struct purse_nvm *p, uint64_t amount)
{
	if (amount > p->balance)
		return JZ_SW_AMOUNT;
	if (p->online_counter == JZ_PURSE_COUNTER_MAX)
		return JZ_SW_COUNTER;
	if (!has_record(p))
		return JZ_SW_LOG_FULL;
	return JZ_SW_OK;
}

/* The open one, and its counter has not been taken by a load since. */
static bool
is_open(const struct purse_nvm *p)
{
	const struct purse_unload *u = &p->online.unload;

	return u->open == LOAD_OPEN && u->counter - 1 == p->online_counter;
}

/* As a load is, as far as it is kept. */
static struct purse_load
as_load(const struct purse_unload *u)
{
	struct purse_load l = {
	    .amount = u->amount, .counter = u->counter, .open = u->open};

	memcpy(l.terminal, u->terminal, sizeof(l.terminal));
	memcpy(l.digest, u->digest, sizeof(l.digest));
	return l;
}

/* Made, signed, committed: nothing leaves before (P3). */
static uint16_t
open_unload(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct purse_load *l)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_unload u = {.amount = amount,
	    .counter = p->online_counter + 1,
	    .open = LOAD_OPEN};
	int err = purse_prepare_request(self, u.counter, amount, terminal, l);

	if (err == 0)
		err = purse_sign_request(self, JZ_KIND_UNLOAD_REQUEST, l);
	if (err != 0)
		return purse_status(err);
	memcpy(u.terminal, terminal, sizeof(u.terminal));
	memcpy(u.digest, l->digest, sizeof(u.digest));
	return purse_status(jz_write(self, &p->online.unload, &u, sizeof(u)));
}

uint16_t
purse_initialize_unload(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint8_t key_index = jz_take_u8(&c);
	uint32_t amount = jz_take_u32(&c);
	uint8_t terminal[JZ_TERMINAL_BYTES];
	struct purse_load l;
	uint16_t sw;

	jz_take_bytes(&c, terminal, sizeof(terminal));
	if (!jz_cursor_end(&c))
		return JZ_SW_LENGTH;
	if ((sw = purse_may_ask(self, key_index, amount)) != JZ_SW_OK)
		return sw;
	/* Its proof first. */
	if (p->online.unload.open == UNLOAD_DEBITED)
		return JZ_SW_CONDITIONS;
	if ((sw = can_unload(p, amount)) != JZ_SW_OK)
		return sw;
	purse_cod(self)->pin_ok = 0;
	if ((sw = open_unload(self, amount, terminal, &l)) != JZ_SW_OK)
		return sw;
	return purse_answer_request(self, JZ_KIND_UNLOAD_REQUEST, &l, apdu);
}

/* Counter, debit, record, and what is to be acknowledged: one commit. */
static int
debit_for_unload(struct jz_applet *self, const struct jz_message *permission,
    const uint8_t *permission_digest)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_unload *u = &p->online.unload;
	const struct purse_load l = as_load(u);
	struct purse_record r = {0};
	int err;

	r.type = JZ_TYPE_UNLOAD;
	r.balance = (uint32_t)(p->balance - u->amount);
	err = purse_report(self, &l, permission, permission_digest, &r);
	if (err != 0)
		return err;
	jz_begin(self);
	jz_write_u32(self, &p->online_counter, u->counter);
	jz_write_u64(self, &p->balance, r.balance);
	purse_append_record(self, &r);
	jz_write_u32(self, &u->record, r.number);
	jz_write_u8(self, &u->open, UNLOAD_DEBITED);
	return jz_commit(self);
}

static uint16_t
answer_proof(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_apdu *apdu)
{
	struct jz_message m;

	purse_report_of(p, r, &m);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* Date and time of JR/T 0025 before the permission are the permission's. */
static uint16_t
read_permission(struct jz_span data, struct jz_message *m)
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_span host_time = jz_take(&c, JZ_TIME_BYTES);
	uint8_t bcd[JZ_TIME_BYTES];

	if (jz_message_decode(
		jz_span(c.data, c.len), JZ_KIND_UNLOAD_PERMISSION, m) != 0)
		return JZ_SW_DATA;
	jz_time_to_bcd(m->payment.time, bcd);
	return memcmp(host_time.data, bcd, sizeof(bcd)) != 0 ? JZ_SW_MISMATCH
							     : JZ_SW_OK;
}

static uint16_t
can_debit(const struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);

	const struct purse_load l = as_load(&p->online.unload);

	if (l.open == LOAD_OPEN && !is_open(p))
		return JZ_SW_CONDITIONS;
	return purse_permission_fits(self, &l, m);
}

uint16_t
purse_debit_for_unload(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint8_t digest[JZ_DIGEST_BYTES];
	const struct purse_record *r;
	struct jz_message m;
	uint16_t sw;
	int err;

	if ((sw = read_permission(apdu->command.data, &m)) != JZ_SW_OK)
		return sw;
	if ((err = jz_message_digest(jz_card_engine(self), &m, digest)) != 0)
		return purse_status(err);
	r = purse_executed(p, JZ_TYPE_UNLOAD, digest);
	if (r == NULL && (sw = can_debit(self, &m)) != JZ_SW_OK)
		return sw;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	if (r == NULL) {
		sw = can_unload(p, p->online.unload.amount);
		if (sw != JZ_SW_OK)
			return sw;
		if ((err = debit_for_unload(self, &m, digest)) != 0)
			return purse_status(err);
		r = purse_slot(p, p->next_record - 1);
	}
	return answer_proof(p, r, apdu);
}

/* While it is not acknowledged, its record is not settled and stays. */
static const struct purse_record *
debited(const struct purse_nvm *p)
{
	return p->online.unload.open == UNLOAD_DEBITED
	    ? purse_slot(p, p->online.unload.record)
	    : NULL;
}

uint16_t
purse_fetch_unload(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_record *r = debited(p);

	return r == NULL ? JZ_SW_NO_PAYMENT : answer_proof(p, r, apdu);
}

uint16_t
purse_acknowledge_unload(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_record *r = debited(p);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message m, proof;
	uint16_t sw;
	int err;

	if (jz_message_decode(
		apdu->command.data, JZ_KIND_UNLOAD_ACKNOWLEDGED, &m) != 0)
		return JZ_SW_DATA;
	if (r == NULL)
		return JZ_SW_NO_PAYMENT;
	purse_report_of(p, r, &proof);
	if ((err = jz_message_digest(jz_card_engine(self), &proof, digest)) !=
	    0)
		return purse_status(err);
	if (memcmp(m.card_id, p->id, sizeof(p->id)) != 0 ||
	    m.online_counter != r->payment.payee_counter ||
	    memcmp(m.completion_digest, digest, sizeof(digest)) != 0)
		return JZ_SW_MISMATCH;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	return purse_status(
	    jz_write_u8(self, &p->online.unload.open, LOAD_NONE));
}
