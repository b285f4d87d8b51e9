/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MANAGE CHANNEL: ISO/IEC 7816-4:2013 11.1.2, Java Card 3 JCRE 4.4.
 *
 * As JCRE 4.5.1 and 4.6.1 have it: no channel left, a number above 19, another
 * P1, and the basic channel to be closed are 6A81; to open one that is open is
 * 6A86; to close one that is not is the warning 6200.  P2 00 closes the channel
 * that the command came on, as ISO/IEC 7816-4 has it.
 *
 * A locked or terminated card opens no channel (6A81): GlobalPlatform 6.3.2.
 */
#include "internal.h"

#define P1_OPEN	 0x00
#define P1_CLOSE 0x80

bool
jz_channels_may_open(const struct jz_card *card)
{
	uint8_t state = jz_root(card)->state;

	return state != JZ_CARD_LOCKED && state != JZ_CARD_TERMINATED;
}

static int
free_channel(const struct jz_card *card)
{
	for (int i = 1; i < JZ_MAX_CHANNELS; i++)
		if (!card->channel[i].open)
			return i;
	return -1;
}

/*
 * From the basic channel the default applet is selected on the new one, from
 * another the applet that is selected there.
 */
static uint16_t
select_first(struct jz_card *card, unsigned origin, unsigned channel)
{
	struct jz_applet *a =
	    origin == 0 ? jz_registry_default(card) : jz_selected(card, origin);
	uint8_t bytes[JZ_CARD_FCI_MAX];
	struct jz_apdu apdu = {0};

	if (a == NULL)
		return JZ_SW_OK;
	apdu.channel = channel;
	apdu.out = jz_buffer(bytes, sizeof(bytes));
	return jz_select_applet(a, &apdu);
}

static uint16_t
open_channel(struct jz_card *card, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	unsigned origin = apdu->channel;
	int n = c->p2;
	uint16_t sw;

	if (n >= JZ_MAX_CHANNELS)
		return JZ_SW_FUNCTION;
	/* A number that nobody is told of cannot be closed again. */
	if (n == 0 && c->has_le == false && c->ne == 0)
		return JZ_SW_LENGTH;
	if (n == 0)
		n = free_channel(card);
	if (n < 0 || !jz_channels_may_open(card))
		return JZ_SW_FUNCTION;
	if (card->channel[n].open)
		return JZ_SW_P1P2;
	card->channel[n].open = true;
	sw = select_first(card, origin, (unsigned)n);
	if (sw != JZ_SW_OK && (sw & 0xFE00) != 0x6200) {
		card->channel[n].open = false;
		return sw;
	}
	if (c->p2 == 0)
		jz_put_u8(&apdu->out, (uint8_t)n);
	return JZ_SW_OK;
}

static uint16_t
close_channel(struct jz_card *card, const struct jz_apdu *apdu)
{
	unsigned n = apdu->command.p2;

	if (n >= JZ_MAX_CHANNELS)
		return JZ_SW_FUNCTION;
	if (n == 0)
		n = apdu->channel;
	if (n == 0)
		return JZ_SW_FUNCTION;
	if (!card->channel[n].open)
		return JZ_SW_UNCHANGED;
	jz_card_deselect(card, n);
	card->channel[n].open = false;
	return JZ_SW_OK;
}

uint16_t
jz_manage_channel(struct jz_card *card, struct jz_apdu *apdu)
{
	if (apdu->command.data.len != 0)
		return JZ_SW_LENGTH;
	switch (apdu->command.p1) {
	case P1_OPEN:
		return open_channel(card, apdu);
	case P1_CLOSE:
		return close_channel(card, apdu);
	default:
		return JZ_SW_FUNCTION;
	}
}
