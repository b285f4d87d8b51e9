/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT by DF name: ISO/IEC 7816-4:2013 11.1.1, Java Card 3 JCRE 4.5, 4.6.
 *
 * The name may be the beginning of an AID; P2 00 asks for the first such
 * applet in AID order, P2 02 for the next after the selected one.
 */
#include "internal.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define JZ_SELECT_FIRST 0x00
#define JZ_SELECT_NEXT	0x02
#define JZ_STATE_LOCKED 0x80
#define JZ_TAG_FCI	0x6F
#define JZ_TAG_DF_NAME	0x84

static struct jz_applet *
selected(struct jz_card *card, unsigned channel)
{
	uint8_t i = card->channel[channel].selected;

	return i == JZ_NO_APPLET ? NULL : &card->applet[i];
}

void
jz_card_deselect(struct jz_card *card, unsigned channel)
{
	struct jz_applet *a = selected(card, channel);

	if (a == NULL)
		return;
	if (a->class->deselect != NULL)
		a->class->deselect(a);
	jz_card_rollback(card);
	jz_registry_clear_cod(a);
	card->channel[channel].selected = JZ_NO_APPLET;
}

/* The FCI of an applet that brings none of its own: 6F { 84 AID }. */
static uint16_t
plain_fci(const struct jz_applet *a, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, JZ_TAG_FCI);

	jz_tlv_put(out, JZ_TAG_DF_NAME, a->aid.bytes, a->aid.len);
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

static uint16_t
enter(struct jz_card *card, struct jz_applet *a, struct jz_apdu *apdu)
{
	uint16_t sw;

	jz_card_deselect(card, apdu->channel);
	card->channel[apdu->channel].selected = a->index;
	apdu->selecting = true;
	sw = a->class->select != NULL ? a->class->select(a, apdu)
				      : plain_fci(a, &apdu->out);
	jz_card_rollback(card);
	if (sw == JZ_SW_OK)
		return sw;
	/* Refused: nothing is selected, and nothing of it is left. */
	jz_registry_clear_cod(a);
	card->channel[apdu->channel].selected = JZ_NO_APPLET;
	apdu->out.len = 0;
	return JZ_SW_SELECT_FAILED;
}

uint16_t
jz_card_select(struct jz_card *card, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	struct jz_applet *current = selected(card, apdu->channel);
	struct jz_applet *a = NULL;
	uint16_t sw;

	if (c->p2 != JZ_SELECT_FIRST && c->p2 != JZ_SELECT_NEXT)
		return JZ_SW_P1P2;
	if (c->data.len > JZ_AID_MAX)
		return JZ_SW_LENGTH;
	if (c->data.len > 0)
		a = jz_registry_find(
		    card, c->data, c->p2 == JZ_SELECT_NEXT ? current : NULL);
	if (a != NULL && (a->state & JZ_STATE_LOCKED) == 0)
		return enter(card, a, apdu);
	/* No such applet: the selected one may know the name as a file. */
	if (current == NULL)
		return JZ_SW_FILE;
	sw = current->class->process(current, apdu);
	jz_card_rollback(card); /* returned without commit */
	/* One that knows no SELECT has no file of that name either. */
	return sw == JZ_SW_INS || sw == JZ_SW_CLA ? JZ_SW_FILE : sw;
}
