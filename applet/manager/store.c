/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STORE DATA: GlobalPlatform 11.11.  Blocks are numbered from 00 on; each
 * stands for itself.  They go to the application that INSTALL [for
 * personalisation] named, until the last block, another INSTALL or the end of
 * the session; else to the domain, which keeps the issuer's and the card's
 * identification numbers.
 */
#include "manager.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define P1_KNOWN (JZ_GP_STORE_LAST | JZ_GP_STORE_TLV | JZ_GP_STORE_ANSWER)

void
manager_personalise(struct jz_applet *self, const struct jz_aid *instance)
{
	struct manager_cod *cod = manager_cod(self);

	memset(&cod->target, 0, sizeof(cod->target));
	if (instance != NULL)
		cod->target = *instance;
	cod->store_next = 0;
}

static uint16_t
write_number(struct jz_applet *self, const uint8_t *field,
    const uint8_t *len_field, size_t max, struct jz_span v)
{
	if (v.len == 0 || v.len > max)
		return JZ_SW_DATA;
	jz_write(self, field, v.data, v.len);
	return jz_runtime_status(jz_write_u8(self, len_field, (uint8_t)v.len));
}

static uint16_t
store_object(struct jz_applet *self, const struct jz_tlv *t)
{
	const struct manager_nvm *p = manager_nvm(self);

	switch (t->tag) {
	case JZ_GP_TAG_IIN:
		return write_number(
		    self, p->iin, &p->iin_len, sizeof(p->iin), t->value);
	case JZ_GP_TAG_CIN:
		return write_number(
		    self, p->cin, &p->cin_len, sizeof(p->cin), t->value);
	default:
		return JZ_SW_DATA;
	}
}

/* All of a block or nothing.  A card that has been issued keeps its numbers. */
static uint16_t
store_own(struct jz_applet *self, struct jz_span block)
{
	struct jz_cursor c = jz_cursor(block);
	uint8_t state = jz_admin_card_state(self);
	struct jz_tlv t;
	uint16_t sw;

	if (state != JZ_CARD_OP_READY && state != JZ_CARD_INITIALIZED)
		return JZ_SW_CONDITIONS;
	jz_begin(self);
	while (c.len > 0) {
		if (jz_tlv_next(&c, &t) != 0)
			return JZ_SW_DATA;
		if ((sw = store_object(self, &t)) != JZ_SW_OK)
			return sw;
	}
	return jz_runtime_status(jz_commit(self));
}

uint16_t
manager_store_data(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	struct manager_cod *cod = manager_cod(self);
	bool last = (c->p1 & JZ_GP_STORE_LAST) != 0;
	uint16_t sw;

	if ((c->p1 & (uint8_t)~P1_KNOWN) != 0 || c->p2 != cod->store_next)
		return JZ_SW_P1P2;
	sw = cod->target.len != 0
	    ? jz_admin_store_data(self, &cod->target, apdu)
	    : store_own(self, c->data);
	if (sw != JZ_SW_OK)
		return sw;
	if (last)
		manager_personalise(self, NULL);
	else
		cod->store_next++;
	return sw;
}
