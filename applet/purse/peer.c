/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end: another card, by its certificate (BSI TR-03110
 * part 3, appendix C); the issuer's host, by the certificate that we have.
 */
#include "purse.h"

#include <string.h>

#define JZ_CARD_NAME_BYTES 11 /* "CN" and the card number */

bool
purse_same_card(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, JZ_CARD_NAME_BYTES) == 0;
}

bool
purse_is_self(const struct purse_nvm *p, const uint8_t *holder)
{
	return purse_same_card(p->id, holder);
}

uint16_t
purse_peer(const struct jz_applet *self, struct jz_span certificate,
    struct jz_certificate *out)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	const struct purse_authority *by;
	int64_t now = jz_card_now(self);
	struct jz_authority ca;
	int err;

	err = jz_certificate_parse(certificate, e->crypto, out);
	if (err != 0)
		return jz_certificate_status(err);
	by = purse_ca(self, out->authority);
	memcpy(ca.reference, by->reference, sizeof(ca.reference));
	memcpy(ca.public_key, by->public_key, sizeof(ca.public_key));
	/* A clock that fails must not switch the dates off. */
	if (now < 0)
		return JZ_SW_EXECUTION;
	err = jz_certificate_verify(e, out, &ca, JZ_ROLE_CARD, now);
	if (err == 0)
		err = purse_judge(p, out);
	if (err != 0)
		return jz_certificate_status(err);
	return purse_is_self(p, out->holder) ? JZ_SW_SAME_CARD : JZ_SW_OK;
}

uint16_t
purse_sender(const struct jz_applet *self, const struct jz_message *m,
    const uint8_t id[static JZ_ID_BYTES], struct jz_certificate *out)
{
	uint16_t sw;

	if (m->certificate.len == 0)
		return purse_recall(self, id, out);
	if ((sw = purse_peer(self, m->certificate, out)) != JZ_SW_OK)
		return sw;
	return memcmp(out->holder, id, JZ_ID_BYTES) == 0 ? JZ_SW_OK
							 : JZ_SW_MISMATCH;
}

/*
 * The host's certificate was judged when it was stored or shown.  A load permitted, or
 * a record settled, is due, however old the certificate has become since.
 */
uint16_t
purse_host_verify(const struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_authority *host = purse_host(self, m->host_id);
	int err;

	if (host == NULL)
		return JZ_SW_CERT_ISSUER;
	err = jz_message_verify(jz_card_engine(self), m, host->public_key);
	return err != 0 ? JZ_SW_MAC : JZ_SW_OK;
}
