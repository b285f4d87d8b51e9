/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation, as the purse's: STORE DATA out of the issuer's channel.  The
 * applet makes its key pair when it is told to, takes the certificate of that
 * key, and the parameters.  The last block closes personalisation for good, if
 * nothing is missing.
 *
 * The private key has no way out: no command reads it.
 */
#include "esign.h"
#include "../../apdu/error.h"
#include "../../apdu/gp.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"
#include "../runtime/personal.h"

#include <string.h>

#define LANGUAGES 2
#define MODE_HIGH 0xFF00u /* of a kind, above its mode */
#define FLAGS	  (JZ_ESIGN_KEY_AFTER_PIN | JZ_ESIGN_MAY_BE_GUESSED)

uint16_t
esign_read_key(struct jz_applet *self, struct jz_apdu *apdu)
{
	if (esign_nvm(self)->has_key == 0)
		return JZ_SW_REFERENCE;
	jz_put_public_key(&esign_nvm(self)->key, &apdu->out);
	return JZ_SW_OK;
}

/* The stores write into the transaction of esign_store_data(). */

/* Who signed it is for those to judge who will verify the card's signatures;
 * here it must be of this key. */
static uint16_t
store_certificate(struct jz_applet *self, struct jz_span in)
{
	const struct esign_nvm *p = esign_nvm(self);
	uint16_t len = (uint16_t)in.len;
	struct jz_certificate c;
	int err;

	if (in.len > sizeof(p->certificate))
		return JZ_SW_CERT_MALFORMED;
	err = jz_certificate_parse(in, jz_card_engine(self)->crypto, &c);
	if (err != 0)
		return jz_certificate_status(err);
	if (c.role != JZ_ROLE_CARD)
		return JZ_SW_CERT_ROLE;
	if (p->has_key == 0 ||
	    memcmp(c.public_key, p->key.public_key, JZ_POINT_BYTES) != 0)
		return JZ_SW_MISMATCH;
	jz_write(self, p->certificate, in.data, in.len);
	jz_write(self, &p->certificate_len, &len, sizeof(len));
	jz_write(self, p->id, c.holder, sizeof(p->id));
	return JZ_SW_OK;
}

/* Of the same key, for programs that know no other certificates.  The card hands
 * it out as it came. */
static uint16_t
store_x509(struct jz_applet *self, struct jz_span in)
{
	const struct esign_nvm *p = esign_nvm(self);
	uint16_t len = (uint16_t)in.len;
	struct jz_cursor c = jz_cursor(in);
	struct jz_span der;

	if (in.len > sizeof(p->x509) ||
	    jz_tlv_expect(&c, JZ_ESIGN_X509, &der) != 0 || !jz_cursor_end(&c) ||
	    der.len == 0)
		return JZ_SW_CERT_MALFORMED;
	jz_write(self, p->x509, in.data, in.len);
	jz_write(self, &p->x509_len, &len, sizeof(len));
	return JZ_SW_OK;
}

/* A key that is no point would make every signature fail. */
static bool
is_point(const struct jz_applet *self, const uint8_t *key)
{
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t shared[32];
	int err = e->crypto->agree(
	    e->state, esign_nvm(self)->key.private_key, key, shared);

	jz_wipe(shared, sizeof(shared));
	return err == 0;
}

/* JPS-17: a guess that can be tested is for who asks for it by name, and for
 * passwords that nobody tries through. */
static bool
password_is_good(const struct jz_esign_profile *m)
{
	uint32_t kind = MODE_HIGH | m->mode;
	bool guessable = jz_esign_guessable(kind, m->scheme);

	return jz_esign_is_mode(kind) && jz_scheme_is_good(kind, m->scheme) &&
	    m->length >= JZ_JOINT_MIN && m->length <= JZ_JOINT_MAX &&
	    (!guessable || (m->flags & JZ_ESIGN_MAY_BE_GUESSED) != 0) &&
	    esign_strong(m->alphabet, m->length, guessable);
}

static bool
profile_is_good(const struct jz_applet *self, const struct jz_esign_profile *m)
{
	return password_is_good(m) && (m->flags & (uint8_t)~FLAGS) == 0 &&
	    m->language < LANGUAGES && m->wait_s >= JZ_ESIGN_SECONDS_MIN &&
	    m->show_s >= JZ_ESIGN_SECONDS_MIN && jz_pin_is_digits(m->pin) &&
	    esign_nvm(self)->has_key != 0 && is_point(self, m->issuer_key);
}

static uint16_t
store_parameters(struct jz_applet *self, struct jz_span in)
{
	const struct esign_nvm *p = esign_nvm(self);
	struct jz_esign_profile m;

	if (jz_esign_get_profile(in, &m) != 0 || !profile_is_good(self, &m))
		return JZ_SW_DATA;
	jz_write_u8(self, &p->mode, m.mode);
	jz_write_u8(self, &p->scheme, m.scheme);
	jz_write_u8(self, &p->length, m.length);
	jz_write_u8(self, &p->alphabet, m.alphabet);
	jz_write_u8(self, &p->flags, m.flags);
	jz_write_u8(self, &p->language, m.language);
	jz_write_u8(self, &p->key_version, m.key_version);
	jz_write(self, &p->currency, &m.currency, sizeof(m.currency));
	jz_write(self, &p->wait_s, &m.wait_s, sizeof(m.wait_s));
	jz_write(self, &p->show_s, &m.show_s, sizeof(m.show_s));
	jz_write_u64(self, &p->pin_above, m.pin_above);
	jz_write(self, p->issuer_key, m.issuer_key, sizeof(m.issuer_key));
	jz_write_u8(self, &p->parameters_set, 1);
	if (jz_pin_update(self, &p->pin, m.pin, m.pin_limit) != 0)
		return JZ_SW_DATA;
	return JZ_SW_OK;
}

static uint16_t
store(struct jz_applet *self, uint32_t tag, struct jz_span in)
{
	const struct esign_nvm *p = esign_nvm(self);

	switch (tag) {
	case JZ_TAG_PUBLIC:
		return jz_make_key_pair(self, &p->key, &p->has_key, in);
	case JZ_TAG_CERTIFICATE:
		return store_certificate(self, in);
	case JZ_ESIGN_X509:
		return store_x509(self, in);
	case JZ_ESIGN_PERSONALISATION:
		return store_parameters(self, in);
	default:
		return JZ_SW_DATA;
	}
}

/* One commit: a last object that does not complete the applet is not stored. */
uint16_t
esign_store_data(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct esign_nvm *p = esign_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint32_t tag = jz_tlv_peek(&c);
	uint16_t sw;

	if (self->state != JZ_PURSE_SELECTABLE)
		return JZ_SW_CONDITIONS;
	jz_begin(self);
	if ((sw = store(self, tag, apdu->command.data)) != JZ_SW_OK)
		return sw;
	if ((apdu->command.p1 & JZ_GP_STORE_LAST) != 0) {
		if (p->certificate_len == 0 || p->parameters_set == 0)
			return JZ_SW_CONDITIONS;
		jz_set_state(self, JZ_PURSE_PERSONALISED);
	}
	sw = jz_runtime_status(jz_commit(self));
	if (sw == JZ_SW_OK && tag == JZ_TAG_PUBLIC)
		jz_put_public_key(&p->key, &apdu->out);
	return sw;
}
