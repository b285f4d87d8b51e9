/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation: what STORE DATA (GlobalPlatform 11.11) brings, handed on by
 * the issuer security domain.  The purse makes its key pair when it is told
 * to, and takes root, CA and host certificates, its own, the parameters, and a
 * revocation list, which need not be there.
 * The last block closes personalisation, once and for all, if nothing is
 * missing.
 *
 * The private key has no way out: no command reads it.
 */
#include "purse.h"
#include "../../apdu/gp.h"
#include "../../apdu/tlv.h"
#include "../runtime/personal.h"

#include <string.h>

uint16_t
purse_read_key(struct jz_applet *self, struct jz_apdu *apdu)
{
	if (purse_nvm(self)->has_key == 0)
		return JZ_SW_REFERENCE;
	jz_put_public_key(&purse_nvm(self)->key, &apdu->out);
	return JZ_SW_OK;
}

/* The stores write into the transaction of purse_store_data(). */

static uint16_t
store_authority(struct jz_applet *self, const struct purse_authority *slot,
    const struct jz_certificate *c)
{
	struct purse_authority a;

	purse_authority_of(c, &a);
	jz_write(self, slot, &a, sizeof(a));
	return JZ_SW_OK;
}

/* The root is what trust begins with: signed by itself, taken as it is. */
static uint16_t
store_root(struct jz_applet *self, const struct jz_certificate *c)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_authority own;
	int err;

	if (p->root.present != 0)
		return JZ_SW_CONDITIONS;
	memcpy(own.reference, c->holder, sizeof(own.reference));
	memcpy(own.public_key, c->public_key, sizeof(own.public_key));
	err = jz_certificate_verify(
	    jz_card_engine(self), c, &own, JZ_ROLE_ROOT, jz_card_now(self));
	if (err != 0)
		return jz_certificate_status(err);
	return store_authority(self, &p->root, c);
}

static uint16_t
store_own(struct jz_applet *self, const struct jz_certificate *c,
    struct jz_span whole)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint16_t sw = purse_verify_under(self, c, &p->ca), len;

	if (sw != JZ_SW_OK)
		return sw;
	if (p->has_key == 0 ||
	    memcmp(c->public_key, p->key.public_key, JZ_POINT_BYTES) != 0)
		return JZ_SW_MISMATCH;
	len = (uint16_t)whole.len;
	jz_write(self, p->certificate, whole.data, whole.len);
	jz_write(self, &p->certificate_len, &len, sizeof(len));
	jz_write(self, p->id, c->holder, sizeof(p->id));
	jz_write(self, &p->from, &c->from, sizeof(p->from));
	jz_write(self, &p->to, &c->to, sizeof(p->to));
	jz_write_u8(self, &p->flags, c->flags);
	return JZ_SW_OK;
}

static uint16_t
store_certificate(struct jz_applet *self, struct jz_span in)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_certificate c;
	uint16_t sw;
	int err;

	if (in.len > sizeof(p->certificate))
		return JZ_SW_CERT_MALFORMED;
	err = jz_certificate_parse(in, jz_card_engine(self)->crypto, &c);
	if (err != 0)
		return jz_certificate_status(err);
	switch (c.role) {
	case JZ_ROLE_ROOT:
		return store_root(self, &c);
	case JZ_ROLE_CA:
		sw = purse_verify_under(self, &c, &p->root);
		return sw != JZ_SW_OK ? sw : store_authority(self, &p->ca, &c);
	case JZ_ROLE_HOST:
		sw = purse_verify_under(self, &c, &p->ca);
		return sw != JZ_SW_OK ? sw
				      : store_authority(self, &p->host, &c);
	case JZ_ROLE_CARD:
		return store_own(self, &c, in);
	default:
		return JZ_SW_CERT_ROLE;
	}
}

static void
write_parameters(struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint16_t currency = m->payment.currency;

	jz_write(self, p->asn, m->asn, sizeof(p->asn));
	jz_write(self, &p->currency, &currency, sizeof(currency));
	jz_write_u64(self, &p->max_balance, m->max_balance);
	jz_write_u64(self, &p->max_single, m->max_single);
	jz_write_u64(self, &p->max_offline_sum, m->max_offline_sum);
	jz_write_u32(self, &p->max_offline_count, m->max_offline_count);
	jz_write_u64(self, &p->pin_above, m->pin_above);
	jz_write_u64(self, &p->pin_sum, m->pin_sum);
	jz_write_u32(self, &p->pin_count, m->pin_count);
	jz_write_u8(self, &p->payer_level, m->payer_level);
	jz_write_u64(self, &p->payer_cap, m->payer_cap);
	jz_write_u8(self, &p->profile, m->profile);
	jz_write_u8(self, &p->confirm, m->confirm);
	jz_write(self, p->online.issuer_key, m->payee_key, JZ_POINT_BYTES);
	jz_write(self, p->account, m->account.data, m->account.len);
	jz_write_u8(self, &p->account_len, (uint8_t)m->account.len);
	jz_write(self, p->identity, m->identity.data, m->identity.len);
	jz_write_u8(self, &p->identity_len, (uint8_t)m->identity.len);
	jz_write_u8(self, &p->parameters_set, 1);
}

static uint16_t
store_parameters(struct jz_applet *self, struct jz_span in)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;

	if (jz_message_decode(in, JZ_KIND_PERSONALISATION, &m) != 0)
		return JZ_SW_DATA;
	if (m.max_balance == 0 || m.max_balance > JZ_PURSE_AMOUNT_MAX ||
	    m.max_single > m.max_balance || !jz_pin_is_digits(m.pin) ||
	    m.payer_level > JZ_ASSURANCE_HARDWARE ||
	    m.profile > JZ_PROFILE_ENCRYPTED || m.confirm > JZ_CONFIRM_MAX)
		return JZ_SW_DATA;
	write_parameters(self, &m);
	if (jz_pin_update(self, &p->pin, m.pin, m.pin_limit) != 0)
		return JZ_SW_DATA;
	return JZ_SW_OK;
}

static bool
complete(const struct purse_nvm *p)
{
	return p->has_key != 0 && p->root.present != 0 && p->ca.present != 0 &&
	    p->host.present != 0 && p->certificate_len != 0 &&
	    p->parameters_set != 0 &&
	    (!purse_seals_loads(p) || p->online.issuer_key[0] != 0);
}

static uint16_t
store(struct jz_applet *self, uint32_t tag, struct jz_span in)
{
	const struct purse_nvm *p = purse_nvm(self);

	switch (tag) {
	case JZ_TAG_PUBLIC:
		return jz_make_key_pair(self, &p->key, &p->has_key, in);
	case JZ_TAG_CERTIFICATE:
		return store_certificate(self, in);
	case JZ_KIND_PERSONALISATION:
		return store_parameters(self, in);
	case JZ_KIND_REVOCATION:
		return purse_store_list(self, in);
	default:
		return JZ_SW_DATA;
	}
}

/* One commit: a last object that does not complete the purse is not stored. */
uint16_t
purse_store_data(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint32_t tag = jz_tlv_peek(&c);
	uint16_t sw;

	if (self->state != JZ_PURSE_SELECTABLE)
		return JZ_SW_CONDITIONS;
	jz_begin(self);
	if ((sw = store(self, tag, apdu->command.data)) != JZ_SW_OK)
		return sw;
	if ((apdu->command.p1 & JZ_GP_STORE_LAST) != 0) {
		if (!complete(p))
			return JZ_SW_CONDITIONS;
		jz_set_state(self, JZ_PURSE_PERSONALISED);
	}
	sw = purse_status(jz_commit(self));
	if (sw == JZ_SW_OK && tag == JZ_TAG_PUBLIC)
		jz_put_public_key(&p->key, &apdu->out);
	return sw;
}
