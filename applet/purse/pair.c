/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key and an IC card that belong together: each has the other's number on a
 * list, and proves to the other who it is before money moves between them
 * (LOD-9).  The money itself moves as any payment does, between any two cards;
 * this is for who wants to know the card before a PIN is typed for it.
 *
 * The cardholder keeps the list, with the PIN.  The challenge is in
 * non-volatile memory, since the two may be one card with two purses, of which
 * one is selected at a time (docs/adr/0022-key-and-card.md).
 */
#include "purse.h"

#include <string.h>

static const uint8_t *
find(const struct purse_nvm *p, const uint8_t id[static JZ_ID_BYTES])
{
	for (unsigned i = 0; i < p->peers; i++)
		if (memcmp(p->online.peer[i], id, JZ_ID_BYTES) == 0)
			return p->online.peer[i];
	return NULL;
}

uint16_t
purse_pair_challenge(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint8_t nonce[JZ_NONCE_BYTES];
	int err = jz_card_random(self, nonce, sizeof(nonce));

	if (err != 0)
		return purse_status(err);
	jz_begin(self);
	jz_write(self, p->online.nonce, nonce, sizeof(nonce));
	jz_write_u8(self, &p->challenged, 1);
	if ((err = jz_commit(self)) != 0)
		return purse_status(err);
	jz_put(&apdu->out, nonce, sizeof(nonce));
	return JZ_SW_OK;
}

/* The other's challenge and ID: "I am this card, and say so to that one." */
uint16_t
purse_pair_identify(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	struct jz_message m;
	int err;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_IDENTIFICATION;
	jz_take_bytes(&c, m.nonce, sizeof(m.nonce));
	jz_take_bytes(&c, m.peer_id, sizeof(m.peer_id));
	memcpy(m.card_id, p->id, sizeof(m.card_id));
	m.certificate = jz_span(p->certificate, p->certificate_len);
	if ((err = jz_message_sign(jz_card_engine(self), &m, &p->key)) != 0)
		return purse_status(err);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* Who says so, to whom, and in answer to what; then whether it is known. */
static uint16_t
judge(const struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_certificate peer;
	uint16_t sw = purse_peer(self, m->certificate, &peer);

	if (sw != JZ_SW_OK)
		return sw;
	if (memcmp(m->card_id, peer.holder, JZ_ID_BYTES) != 0 ||
	    memcmp(m->peer_id, p->id, JZ_ID_BYTES) != 0 ||
	    memcmp(m->nonce, p->online.nonce, JZ_NONCE_BYTES) != 0)
		return JZ_SW_MISMATCH;
	if (jz_message_verify(jz_card_engine(self), m, peer.public_key) != 0)
		return JZ_SW_MAC;
	return find(p, m->card_id) == NULL ? JZ_SW_NOT_LISTED : JZ_SW_OK;
}

uint16_t
purse_pair_verify(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;
	uint16_t sw;

	if (jz_message_decode(apdu->command.data, JZ_KIND_IDENTIFICATION, &m) !=
	    0)
		return JZ_SW_DATA;
	if (p->challenged == 0)
		return JZ_SW_CONDITIONS;
	if ((sw = judge(self, &m)) != JZ_SW_OK)
		return sw;
	/* One challenge, one answer. */
	return purse_status(jz_write_u8(self, &p->challenged, 0));
}

/* ---- the list ----------------------------------------------------------- */

uint16_t
purse_pair_add(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const uint8_t *id = apdu->command.data.data;
	const uint8_t n = p->peers;

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if (purse_is_self(p, id))
		return JZ_SW_SAME_CARD;
	if (find(p, id) != NULL)
		return JZ_SW_OK;
	if (n == JZ_PURSE_PEERS)
		return JZ_SW_SPACE;
	jz_begin(self);
	jz_write(self, p->online.peer[n], id, JZ_ID_BYTES);
	jz_write_u8(self, &p->peers, (uint8_t)(n + 1));
	return purse_status(jz_commit(self));
}

/* The last one takes its place. */
uint16_t
purse_pair_remove(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const uint8_t *slot = find(p, apdu->command.data.data);
	uint8_t last[JZ_ID_BYTES];
	uint8_t n = p->peers;

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if (slot == NULL)
		return JZ_SW_REFERENCE;
	memcpy(last, p->online.peer[--n], sizeof(last));
	jz_begin(self);
	jz_write(self, slot, last, sizeof(last));
	jz_fill(self, p->online.peer[n], 0, sizeof(p->online.peer[n]));
	jz_write_u8(self, &p->peers, n);
	return purse_status(jz_commit(self));
}

uint16_t
purse_pair_list(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	jz_put(&apdu->out, p->online.peer, (size_t)p->peers * JZ_ID_BYTES);
	return JZ_SW_OK;
}
