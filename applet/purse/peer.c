/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end: another card, by its certificate (BSI TR-03110
 * part 3, appendix C); the issuer's host, by the certificate stored here.
 */
#include "purse.h"

#include <string.h>

/* "CN" and the card number: the same card, whatever its key pair. */
#define JZ_CARD_NAME_BYTES 11

bool
purse_is_self(const struct purse_nvm *p, const uint8_t *holder)
{
	return memcmp(p->id, holder, JZ_CARD_NAME_BYTES) == 0;
}

uint16_t
purse_peer(const struct jz_applet *self, struct jz_span certificate,
    struct jz_certificate *out)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_authority ca;
	int err;

	err = jz_certificate_parse(certificate, e->crypto, out);
	if (err != 0)
		return jz_certificate_status(err);
	if (purse_is_self(p, out->holder))
		return JZ_SW_SAME_CARD;
	memcpy(ca.reference, p->ca.reference, sizeof(ca.reference));
	memcpy(ca.public_key, p->ca.public_key, sizeof(ca.public_key));
	err =
	    jz_certificate_verify(e, out, &ca, JZ_ROLE_CARD, jz_card_now(self));
	return err != 0 ? jz_certificate_status(err) : JZ_SW_OK;
}

uint16_t
purse_host_verify(const struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_authority *host = &purse_nvm(self)->host;
	int64_t now = jz_card_now(self);
	int err;

	if (memcmp(m->host_id, host->reference, JZ_ID_BYTES) != 0)
		return JZ_SW_CERT_ISSUER;
	if (now != 0 && now < host->from)
		return JZ_SW_CERT_NOT_YET;
	if (now != 0 && now >= host->to)
		return JZ_SW_CERT_EXPIRED;
	err = jz_message_verify(jz_card_engine(self), m, host->public_key);
	return err != 0 ? JZ_SW_MAC : JZ_SW_OK;
}
