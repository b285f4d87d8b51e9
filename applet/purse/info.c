/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be read of a purse: data objects, the public file (SFI 15) and the
 * transaction log (SFI 18) of JR/T 0025.  The log is the cardholder's: it is
 * read after the PIN.
 */
#include "purse.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define JZ_APP_TYPE	   0x02 /* electronic purse only */
#define JZ_APP_VERSION	   0x01
#define JZ_ISSUER_ID_BYTES 8
#define JZ_IIN_BYTES	   3 /* the ASN's first six digits */
#define JZ_DATE_BYTES	   4
#define JZ_OVERDRAFT_BYTES 3

/* The issuer's own two bytes at the end: the suite, before there is a
 * certificate that says it. */
void
purse_public_data(const struct jz_applet *self, struct jz_buffer *out)
{
	const struct purse_nvm *p = purse_nvm(self);
	static const uint8_t zero[JZ_ISSUER_ID_BYTES];
	uint8_t bcd[JZ_TIME_BYTES];

	jz_put(out, zero, JZ_ISSUER_ID_BYTES - JZ_IIN_BYTES);
	jz_put(out, p->asn, JZ_IIN_BYTES);
	jz_put_u8(out, JZ_APP_TYPE);
	jz_put_u8(out, JZ_APP_VERSION);
	jz_put(out, p->asn, sizeof(p->asn));
	jz_time_to_bcd(p->from, bcd);
	jz_put(out, bcd, JZ_DATE_BYTES);
	/* The last day of validity, not the first day after it. */
	jz_time_to_bcd(p->to != 0 ? p->to - 1 : 0, bcd);
	jz_put(out, bcd, JZ_DATE_BYTES);
	jz_put_u16(out, (uint16_t)jz_card_engine(self)->crypto->suite);
}

uint16_t
purse_read_public(struct jz_applet *self, struct jz_apdu *apdu)
{
	purse_public_data(self, &apdu->out);
	return JZ_SW_OK;
}

uint16_t
purse_get_certificate(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);

	jz_put(&apdu->out, p->certificate, p->certificate_len);
	return JZ_SW_OK;
}

uint16_t
purse_get_asn(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);

	jz_tlv_put(&apdu->out, JZ_TAG_ASN, p->asn, sizeof(p->asn));
	return JZ_SW_OK;
}

uint16_t
purse_get_info(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_PURSE_INFO;
	m.state = (uint8_t)purse_state(self);
	memcpy(m.card_id, p->id, sizeof(m.card_id));
	memcpy(m.asn, p->asn, sizeof(m.asn));
	m.payment.currency = p->currency;
	m.balance = p->balance;
	m.max_balance = p->max_balance;
	m.max_single = p->max_single;
	m.online_counter = p->online_counter;
	m.payment.payee_counter = p->offline_counter;
	m.record = p->next_record;
	m.count = p->next_record - p->first_unsettled;
	m.capacity = JZ_PURSE_RECORDS;
	m.list_version = p->list_version;
	m.profile = p->profile;
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

static bool
digits(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/*
 * What stands where JR/T 0025 has the terminal's number: for a load that, for
 * a payment the nine digits of the other card's number in BCD.
 */
static void
put_counterparty(const struct purse_record *r, struct jz_buffer *out)
{
	static const size_t first = 2, count = 9; /* "CN", then the number */
	const uint8_t *id = r->payment.peer_id;
	uint8_t bcd[JZ_TERMINAL_BYTES] = {0};

	if (r->type == JZ_TYPE_EP_LOAD || r->type == JZ_TYPE_UNLOAD) {
		jz_put(out, id, JZ_TERMINAL_BYTES);
		return;
	}
	for (size_t i = 0; i < count && digits(id + first, count); i++) {
		size_t nibble = 2 * sizeof(bcd) - count + i;
		unsigned d = (unsigned)(id[first + i] - '0');

		bcd[nibble / 2] |= (uint8_t)(nibble % 2 == 0 ? d << 4 : d);
	}
	jz_put(out, bcd, sizeof(bcd));
}

/* The low half of the card's own counter, as the standard's serial. */
static uint16_t
serial_of(const struct purse_record *r)
{
	return (uint16_t)(purse_paid(r) ? r->payment.payer_counter
					: r->payment.payee_counter);
}

uint16_t
purse_read_log(struct jz_applet *self, struct jz_apdu *apdu)
{
	static const uint8_t no_overdraft[JZ_OVERDRAFT_BYTES];
	const struct purse_nvm *p = purse_nvm(self);
	uint32_t n = apdu->command.p1;
	const struct purse_record *r;
	uint8_t bcd[JZ_TIME_BYTES];

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if (n == 0 || n > JZ_LOG_RECORDS || n >= p->next_record)
		return JZ_SW_RECORD;
	r = purse_slot(p, p->next_record - n);
	jz_put_u16(&apdu->out, serial_of(r));
	jz_put(&apdu->out, no_overdraft, sizeof(no_overdraft));
	jz_put_u32(&apdu->out, r->payment.amount);
	jz_put_u8(&apdu->out, r->type);
	put_counterparty(r, &apdu->out);
	jz_time_to_bcd(
	    purse_time(purse_time(r->payee_time) != 0 && !purse_paid(r)
		    ? r->payee_time
		    : r->payer_time),
	    bcd);
	jz_put(&apdu->out, bcd, sizeof(bcd));
	return JZ_SW_OK;
}

/*
 * The same record whole, with its signatures, as settlement uploads it.  A
 * number that settlement has freed stays readable until it is overwritten.
 */
uint16_t
purse_fetch_record(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint32_t n = apdu->command.p2;

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if (n == 0 || n > JZ_PURSE_RECORDS || n >= p->next_record)
		return JZ_SW_RECORD;
	return purse_status(purse_record_encode(
	    p, purse_slot(p, p->next_record - n), &apdu->out));
}

/*
 * GET TRANSACTION PROVE: the newest record of this type and serial, as above.
 * The standard answers MAC and TAC, for whoever shares a key with the card.
 */
uint16_t
purse_transaction_prove(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint16_t serial =
	    (uint16_t)jz_get_be(apdu->command.data.data, JZ_SERIAL_BYTES);

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	for (uint32_t back = 1;
	     back <= JZ_PURSE_RECORDS && back < p->next_record; back++) {
		const struct purse_record *r =
		    purse_slot(p, p->next_record - back);

		if (r->type == apdu->command.p2 && serial_of(r) == serial)
			return purse_status(
			    purse_record_encode(p, r, &apdu->out));
	}
	return JZ_SW_NO_MAC;
}
