/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation of a purse: key pair on the card, registration and
 * certificate at the issuer, then STORE DATA (GlobalPlatform 11.11) with root,
 * CA, host and card certificates and, last, the parameters.
 *
 * One that was cut off is done again from the start: the card keeps its key
 * pair, and a root it has already is not offered to it twice.
 */
#include "pay.h"

#include <string.h>

#include "../keys/secret.h"

#define PIN_TRIES 3

/* An issuer that says nothing of offline limits lets the purse spend twice
 * its highest balance, and fill its log, between two settlements. */
#define OFFLINE_SUM_FACTOR 2u

static int
check(const struct jz_personal *p)
{
	size_t holder = strlen(p->holder), account = strlen(p->account), len;
	uint8_t bcd[JZ_PIN_BYTES_MAX];
	int err = jz_pin_to_bcd(p->pin, bcd, &len);

	jz_wipe(bcd, sizeof(bcd));
	if (err != 0)
		return err;
	if (holder == 0 || holder > JZ_IDENTITY_MAX || account == 0 ||
	    account > JZ_ACCOUNT_MAX)
		return JZ_ERR_RANGE;
	if (p->max_balance_minor == 0 ||
	    p->max_single_minor > p->max_balance_minor)
		return JZ_ERR_RANGE;
	return 0;
}

/* A new key pair, or the one of a personalisation that was cut off. */
static int
key_pair(struct jz_session *s, uint8_t public_key[static JZ_POINT_BYTES])
{
	int err = jz_purse_generate_key(s, public_key);

	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_CONDITIONS)
		err = jz_purse_public_key(s, public_key);
	return err;
}

static int
store_chain(struct jz_session *s, struct jz_issuer *issuer, struct jz_span card)
{
	int err = jz_purse_store(s, jz_issuer_root(issuer), false);

	/* The root is there already: if it is another issuer's, the card will
	 * refuse the CA. */
	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_CONDITIONS)
		err = 0;
	if (err == 0)
		err = jz_purse_store(s, jz_issuer_ca(issuer), false);
	if (err == 0)
		err = jz_purse_store(s, jz_issuer_host(issuer), false);
	if (err == 0)
		err = jz_purse_store(s, card, false);
	return err;
}

static int
store_parameters(struct jz_session *s, const struct jz_personal *p,
    const uint8_t asn[static 10], uint32_t capacity)
{
	uint8_t bcd[JZ_PIN_BYTES_MAX], bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	size_t len;
	int err;

	memset(&m, 0, sizeof(m));
	err = jz_pin_to_bcd(p->pin, bcd, &len);
	if (err != 0)
		goto out;
	m.kind = JZ_KIND_PERSONALISATION;
	memcpy(m.asn, asn, sizeof(m.asn));
	m.payment.currency = p->currency;
	m.max_balance = p->max_balance_minor;
	m.max_single = p->max_single_minor;
	m.max_offline_sum = OFFLINE_SUM_FACTOR * p->max_balance_minor;
	m.max_offline_count = capacity;
	m.pin_above = p->pin_above_minor;
	m.account = jz_span(p->account, strlen(p->account));
	m.identity = jz_span(p->holder, strlen(p->holder));
	m.pin = jz_span(bcd, len);
	m.pin_limit = PIN_TRIES;
	err = jz_message_encode(&m, JZ_SIGNED, &b);
	if (err == 0)
		err = jz_purse_store(s, jz_buffer_span(&b), true);
out:
	jz_wipe(bcd, sizeof(bcd));
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

int
jz_personalise(struct jz_session *s, struct jz_issuer *issuer,
    const struct jz_personal *p, uint8_t id[static JZ_ID_BYTES])
{
	uint8_t public_key[JZ_POINT_BYTES], bytes[JZ_CERTIFICATE_MAX], asn[10];
	struct jz_buffer certificate = jz_buffer(bytes, sizeof(bytes));
	struct jz_purse_info info;
	int err;

	memset(id, 0, JZ_ID_BYTES);
	err = check(p);
	if (err == 0)
		err = jz_purse_info(s, &info);
	/* Not a card more at the issuer for one that cannot be written. */
	if (err == 0 && info.state != JZ_PURSE_SELECTABLE)
		err = JZ_ERR_STATE;
	if (err == 0)
		err = key_pair(s, public_key);
	if (err == 0)
		err = jz_issuer_certify(issuer, p->account, p->holder,
		    public_key, p->payee_only ? JZ_FLAG_PAYEE_ONLY : 0, id, asn,
		    &certificate);
	if (err == 0)
		err = store_chain(s, issuer, jz_buffer_span(&certificate));
	if (err == 0)
		err = store_parameters(s, p, asn, info.capacity);
	return err;
}
