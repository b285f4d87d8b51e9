/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose signature counts: root, CAs, hosts (BSI TR-03110 part 3, 2.5).
 *
 * A purse keeps the CA and the host that it was personalised with.  When the
 * issuer has others by now, it is shown their certificates with PSO: VERIFY
 * CERTIFICATE (ISO/IEC 7816-8:2016 11.11): a CA under the root that the purse
 * keeps, a host under a CA that it knows.  It believes them until it is
 * deselected or loses its power: docs/adr/0015-issuer-roll.md.
 */
#include "purse.h"
#include "../../apdu/tlv.h"

#include <string.h>

static bool
named(const struct purse_authority *a,
    const uint8_t reference[static JZ_REFERENCE_BYTES])
{
	return a->present != 0 &&
	    memcmp(a->reference, reference, JZ_REFERENCE_BYTES) == 0;
}

const struct purse_authority *
purse_ca(const struct jz_applet *self,
    const uint8_t reference[static JZ_REFERENCE_BYTES])
{
	const struct purse_authority *own = &purse_nvm(self)->ca;
	const struct purse_authority *shown;

	/* Within STORE DATA nothing has been shown. */
	if (named(own, reference) || self->cod == NULL)
		return own;
	shown = &purse_cod(self)->ca;
	return named(shown, reference) ? shown : own;
}

const struct purse_authority *
purse_host(const struct jz_applet *self,
    const uint8_t reference[static JZ_REFERENCE_BYTES])
{
	const struct purse_authority *shown = &purse_cod(self)->host;
	const struct purse_authority *own = &purse_nvm(self)->host;

	if (named(own, reference))
		return own;
	return named(shown, reference) ? shown : NULL;
}

uint16_t
purse_verify_under(const struct jz_applet *self, const struct jz_certificate *c,
    const struct purse_authority *by)
{
	int64_t now = jz_card_now(self);
	struct jz_authority a;
	int err;

	if (by->present == 0)
		return JZ_SW_CERT_ISSUER;
	/* A clock that fails must not switch the dates off. */
	if (now < 0)
		return JZ_SW_EXECUTION;
	memcpy(a.reference, by->reference, sizeof(a.reference));
	memcpy(a.public_key, by->public_key, sizeof(a.public_key));
	err = jz_certificate_verify(jz_card_engine(self), c, &a, c->role, now);
	return err != 0 ? jz_certificate_status(err) : JZ_SW_OK;
}

void
purse_authority_of(const struct jz_certificate *c, struct purse_authority *out)
{
	memset(out, 0, sizeof(*out));
	out->from = c->from;
	out->to = c->to;
	memcpy(out->reference, c->holder, sizeof(out->reference));
	memcpy(out->public_key, c->public_key, sizeof(out->public_key));
	out->present = 1;
}

static uint16_t
believe(struct jz_applet *self, const struct jz_certificate *c)
{
	struct purse_cod *cod = purse_cod(self);
	uint16_t sw;

	switch (c->role) {
	case JZ_ROLE_CA:
		sw = purse_verify_under(self, c, &purse_nvm(self)->root);
		if (sw == JZ_SW_OK)
			purse_authority_of(c, &cod->ca);
		return sw;
	case JZ_ROLE_HOST:
		sw = purse_verify_under(self, c, purse_ca(self, c->authority));
		if (sw == JZ_SW_OK)
			purse_authority_of(c, &cod->host);
		return sw;
	default:
		return JZ_SW_CERT_ROLE;
	}
}

/* The command brings what is in 7F21: body and signature (TR-03110 part 3,
 * B.4). */
uint16_t
purse_verify_certificate(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_certificate c;
	int err;

	jz_tlv_put(&b, JZ_TAG_CERTIFICATE, apdu->command.data.data,
	    apdu->command.data.len);
	if (b.bad)
		return JZ_SW_CERT_MALFORMED;
	err = jz_certificate_parse(
	    jz_buffer_span(&b), jz_card_engine(self)->crypto, &c);
	return err != 0 ? jz_certificate_status(err) : believe(self, &c);
}
