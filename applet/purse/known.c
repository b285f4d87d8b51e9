/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of other cards that this one keeps, so that a message may come
 * with the sender's ID alone.
 *
 * A certificate is verified once, when it is put here, and what a payment needs
 * of it is kept.  Its dates and the revocation list are asked at each use: both
 * may have moved since.  What is kept tells whom the cardholder deals with, so
 * all three commands want the PIN; they do not use it up.
 */
#include "purse.h"
#include "../../apdu/tlv.h"

#include <string.h>

static const struct purse_known *
find(const struct purse_nvm *p, const uint8_t *id)
{
	for (unsigned i = 0; i < JZ_PURSE_KNOWN; i++)
		if (p->known[i].used != 0 &&
		    memcmp(p->known[i].id, id, JZ_ID_BYTES) == 0)
			return &p->known[i];
	return NULL;
}

/* Where a certificate goes: that of the same card before it, or a free one. */
static const struct purse_known *
place(const struct purse_nvm *p, const uint8_t *id)
{
	const struct purse_known *free = NULL;

	for (unsigned i = 0; i < JZ_PURSE_KNOWN; i++) {
		const struct purse_known *k = &p->known[i];

		if (k->used != 0 && purse_same_card(k->id, id))
			return k;
		if (k->used == 0 && free == NULL)
			free = k;
	}
	return free;
}

static uint16_t
judge_dates(const struct jz_applet *self, const struct purse_known *k)
{
	int64_t now = jz_card_now(self);

	/* A clock that fails must not switch the dates off. */
	if (now < 0)
		return JZ_SW_EXECUTION;
	if (now != 0 && now < k->from)
		return JZ_SW_CERT_NOT_YET;
	return now != 0 && now >= k->to ? JZ_SW_CERT_EXPIRED : JZ_SW_OK;
}

uint16_t
purse_recall(const struct jz_applet *self, const uint8_t id[static JZ_ID_BYTES],
    struct jz_certificate *out)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_known *k = find(p, id);
	uint16_t sw;
	int err;

	memset(out, 0, sizeof(*out));
	if (k == NULL)
		return purse_is_self(p, id) ? JZ_SW_SAME_CARD : JZ_SW_STRANGER;
	memcpy(out->holder, k->id, sizeof(out->holder));
	memcpy(out->public_key, k->public_key, sizeof(out->public_key));
	out->role = JZ_ROLE_CARD;
	out->assurance = (enum jz_assurance)k->assurance;
	out->flags = k->flags;
	out->generation = k->generation;
	out->from = k->from;
	out->to = k->to;
	if ((sw = judge_dates(self, k)) != JZ_SW_OK)
		return sw;
	err = purse_judge(p, out);
	return err != 0 ? jz_certificate_status(err) : JZ_SW_OK;
}

static uint16_t
put(struct jz_applet *self, struct jz_span certificate)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_known *slot;
	struct purse_known k = {0};
	struct jz_certificate c;
	uint16_t sw = purse_peer(self, certificate, &c);

	if (sw != JZ_SW_OK)
		return sw;
	if ((slot = place(p, c.holder)) == NULL)
		return JZ_SW_SPACE;
	k.from = c.from;
	k.to = c.to;
	k.generation = c.generation;
	k.assurance = (uint8_t)c.assurance;
	k.flags = c.flags;
	k.used = 1;
	memcpy(k.id, c.holder, sizeof(k.id));
	memcpy(k.public_key, c.public_key, sizeof(k.public_key));
	return purse_status(jz_write(self, slot, &k, sizeof(k)));
}

static uint16_t
list(const struct purse_nvm *p, struct jz_apdu *apdu)
{
	for (unsigned i = 0; i < JZ_PURSE_KNOWN; i++)
		if (p->known[i].used != 0)
			jz_put(&apdu->out, p->known[i].id, JZ_ID_BYTES);
	return JZ_SW_OK;
}

/* 94 ID. */
static uint16_t
forget(struct jz_applet *self, struct jz_span in)
{
	struct jz_cursor c = jz_cursor(in);
	const struct purse_known *k;
	uint8_t id[JZ_ID_BYTES];

	if (jz_tlv_expect_bytes(&c, JZ_TAG_CARD_ID, id, sizeof(id)) != 0 ||
	    !jz_cursor_end(&c))
		return JZ_SW_DATA;
	if ((k = find(purse_nvm(self), id)) == NULL)
		return JZ_SW_REFERENCE;
	return purse_status(jz_fill(self, k, 0, sizeof(*k)));
}

uint16_t
purse_peers(struct jz_applet *self, struct jz_apdu *apdu)
{
	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	switch (apdu->command.p1) {
	case JZ_PEER_PUT:
		return put(self, apdu->command.data);
	case JZ_PEER_LIST:
		return list(purse_nvm(self), apdu);
	default:
		return forget(self, apdu->command.data);
	}
}
