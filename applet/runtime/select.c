/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT by DF name: ISO/IEC 7816-4:2013 11.1.1, Java Card 3 JCRE 4.5, 4.6.
 *
 * The name may be the beginning of an AID; P2 00 asks for the first such
 * applet in AID order, P2 02 for the next after the selected one.  An empty
 * name asks for the default applet.  SELECT on a closed channel opens it.
 *
 * What P2's bits 4 and 3 ask to be told (FCI, FCP, FMD, nothing) chooses no
 * applet: JCRE 4.5.2 has them "don't care", and hands them to the applet.
 */
#include "internal.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"

#include <string.h>

#define JZ_SELECT_FIRST 0x00
#define JZ_SELECT_NEXT	0x02
#define JZ_SELECT_TELL	0x0C /* of P2: what the answer is to be */
#define JZ_TAG_FCI	0x6F
#define JZ_TAG_DF_NAME	0x84

struct jz_applet *
jz_selected(struct jz_card *card, unsigned channel)
{
	uint8_t i = card->channel[channel].selected;

	return i == JZ_NO_APPLET ? NULL : &card->applet[i];
}

bool
jz_selected_on(const struct jz_card *card, unsigned index, int besides)
{
	for (int i = 0; i < JZ_MAX_CHANNELS; i++)
		if (i != besides && card->channel[i].selected == index)
			return true;
	return false;
}

bool
jz_selected_elsewhere(const struct jz_applet *self)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		n += self->card->channel[i].selected == self->index;
	return n > 1;
}

/* Forgets what a channel has selected, and its memory. */
static void
release(struct jz_card *card, unsigned channel)
{
	struct jz_channel_state *c = &card->channel[channel];

	jz_wipe(card->setup.ram + c->cod_at, c->cod_bytes);
	c->cod_bytes = 0;
	c->cod_at = 0;
	c->selected = JZ_NO_APPLET;
}

void
jz_card_deselect(struct jz_card *card, unsigned channel)
{
	struct jz_applet *a = jz_selected(card, channel);
	struct jz_context before;

	if (a == NULL)
		return;
	if (a->class->deselect != NULL) {
		before = jz_enter(a, jz_channel_cod(card, channel));
		a->class->deselect(a);
		jz_leave(card, before);
		jz_card_rollback(card);
	}
	release(card, channel);
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
call_select(struct jz_applet *a, struct jz_apdu *apdu)
{
	struct jz_card *card = a->card;
	struct jz_context before;
	uint16_t sw;

	apdu->selecting = true;
	if (a->class->select == NULL)
		return plain_fci(a, &apdu->out);
	before = jz_enter(a, jz_channel_cod(card, apdu->channel));
	sw = a->class->select(a, apdu);
	jz_leave(card, before);
	jz_card_rollback(card);
	return sw;
}

/* JCRE 4.2: instances of a class that is not multi-selectable are selected on
 * one channel at a time. */
static bool
taken(const struct jz_card *card, const struct jz_applet *a, unsigned channel)
{
	if (a->class->multi_selectable)
		return false;
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (card->applet[i].present &&
		    card->applet[i].class == a->class &&
		    jz_selected_on(card, i, (int)channel))
			return true;
	return false;
}

uint16_t
jz_select_applet(struct jz_applet *a, struct jz_apdu *apdu)
{
	struct jz_card *card = a->card;
	struct jz_channel_state *c = &card->channel[apdu->channel];
	bool was_open = c->open;
	uint16_t sw;

	if (!was_open && !jz_channels_may_open(card))
		return JZ_SW_FUNCTION;
	/* Locked since it was selected on the channel that asks. */
	if (!jz_registry_selectable(card, a) || taken(card, a, apdu->channel))
		return JZ_SW_CONDITIONS;
	jz_card_deselect(card, apdu->channel);
	/* A security domain may do much in its deselect. */
	if (!jz_registry_selectable(card, a))
		return JZ_SW_CONDITIONS;
	if (!jz_ram_take(card, a->class->cod_bytes, &c->cod_at))
		return JZ_SW_SPACE;
	c->cod_bytes = (uint16_t)a->class->cod_bytes;
	c->open = true;
	c->selected = a->index;
	a->cod = jz_channel_cod(card, apdu->channel);
	sw = call_select(a, apdu);
	if (sw == JZ_SW_OK || (sw & 0xFE00) == 0x6200)
		return sw;
	/* Refused: nothing is selected, and nothing of it is left. */
	release(card, apdu->channel);
	c->open = was_open;
	apdu->out.len = 0;
	return JZ_SW_SELECT_FAILED;
}

void
jz_select_default(struct jz_card *card, unsigned channel)
{
	struct jz_applet *a = jz_registry_default(card);
	uint8_t bytes[JZ_CARD_FCI_MAX];
	struct jz_apdu apdu = {0};

	if (a == NULL)
		return;
	apdu.channel = channel;
	apdu.out = jz_buffer(bytes, sizeof(bytes));
	(void)jz_select_applet(a, &apdu);
}

/* No such applet: the selected one may know the name as a file. */
static uint16_t
to_current(struct jz_card *card, struct jz_applet *a, struct jz_apdu *apdu)
{
	struct jz_context before;
	uint16_t sw;

	if (a == NULL || !jz_registry_selectable(card, a))
		return JZ_SW_FILE;
	before = jz_enter(a, jz_channel_cod(card, apdu->channel));
	sw = a->class->process(a, apdu);
	jz_leave(card, before);
	jz_card_rollback(card); /* returned without commit */
	/* One that knows no SELECT has no file of that name either. */
	return sw == JZ_SW_INS || sw == JZ_SW_CLA ? JZ_SW_FILE : sw;
}

/* P2 0C without Le asks for no answer, which T=0 would offer otherwise. */
static uint16_t
select_told(struct jz_applet *a, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	uint16_t sw = jz_select_applet(a, apdu);

	if ((c->p2 & JZ_SELECT_TELL) == JZ_SELECT_TELL && c->ne == 0)
		apdu->out.len = 0;
	return sw;
}

uint16_t
jz_card_select(struct jz_card *card, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	struct jz_applet *current = jz_selected(card, apdu->channel), *a;
	uint8_t which = c->p2 & (uint8_t)~JZ_SELECT_TELL;

	if (which != JZ_SELECT_FIRST && which != JZ_SELECT_NEXT)
		return JZ_SW_P1P2;
	if (c->data.len > JZ_AID_MAX)
		return JZ_SW_LENGTH;
	if (c->data.len == 0) {
		a = which == JZ_SELECT_FIRST ? jz_registry_default(card) : NULL;
		return a == NULL ? JZ_SW_FILE : select_told(a, apdu);
	}
	a = jz_registry_find(
	    card, c->data, which == JZ_SELECT_NEXT ? current : NULL);
	return a != NULL ? select_told(a, apdu)
			 : to_current(card, current, apdu);
}
