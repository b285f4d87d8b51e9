/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's life between power-up and power-down.
 */
#include "internal.h"
#include "../../apdu/atr.h"
#include "../../keys/secret.h"

#include <string.h>

/*
 * ISO/IEC 7816-4:2013 12.1.1: category 80, then compact TLV 73, card
 * capabilities: selection by full and partial DF name, by SFI and record
 * number; proprietary writing; command chaining, extended length.
 */
static const uint8_t HISTORICAL[] = {0x80, 0x73, 0xC6, 0x21, 0xC0};

static void
power_up(struct jz_card *card)
{
	struct jz_buffer atr = jz_buffer(card->atr, sizeof(card->atr));

	jz_atr_build(
	    JZ_PROTOCOL_T1, jz_span(HISTORICAL, sizeof(HISTORICAL)), &atr);
	card->atr_len = (uint8_t)atr.len;
	card->powered = true;
	jz_card_reset(card);
}

static int
prepare(struct jz_card *card, const struct jz_card_setup *setup)
{
	memset(card, 0, sizeof(*card));
	if (setup->nvm_bytes < sizeof(struct jz_nvm_root) ||
	    (uintptr_t)setup->nvm % 8 != 0 || (uintptr_t)setup->ram % 8 != 0)
		return JZ_ERR_ARGUMENT;
	card->setup = *setup;
	return 0;
}

int
jz_card_format(struct jz_card *card, const struct jz_card_setup *setup)
{
	struct jz_nvm_root root = {0};
	struct jz_log_env env;
	int e;

	if ((e = prepare(card, setup)) != 0)
		goto fail;
	memset(card->setup.nvm, 0, card->setup.nvm_bytes);
	root.layout = JZ_NVM_LAYOUT;
	root.used = jz_align(sizeof(root));
	memcpy(card->setup.nvm, &root, sizeof(root));
	env = jz_card_log_env(card);
	if ((e = jz_log_format(&card->log, &env, root.used)) != 0 ||
	    (e = jz_registry_bind(card)) != 0)
		goto fail;
	power_up(card);
	return 0;
fail:
	jz_card_close(card);
	return e;
}

int
jz_card_open(struct jz_card *card, const struct jz_card_setup *setup)
{
	struct jz_log_env env;
	uint32_t used = 0;
	int e;

	if ((e = prepare(card, setup)) != 0)
		goto fail;
	env = jz_card_log_env(card);
	if ((e = jz_log_open(&card->log, &env, &used)) != 0)
		goto fail;
	if (used < sizeof(struct jz_nvm_root) || used != jz_root(card)->used) {
		e = JZ_ERR_CARD_TAMPERED;
		goto fail;
	}
	if ((e = jz_registry_bind(card)) != 0)
		goto fail;
	power_up(card);
	return 0;
fail:
	jz_card_close(card);
	return e;
}

void
jz_card_close(struct jz_card *card)
{
	if (card->setup.ram != NULL)
		jz_wipe(card->setup.ram, card->setup.ram_bytes);
	jz_wipe(card, sizeof(*card));
}

void
jz_card_reset(struct jz_card *card)
{
	jz_card_rollback(card);
	jz_registry_clear_cor(card);
	jz_wipe(card->buffer, sizeof(card->buffer));
	card->chaining = false;
	card->rest_len = 0;
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++) {
		card->channel[i].open = i == 0;
		card->channel[i].selected = JZ_NO_APPLET;
	}
}

struct jz_span
jz_card_atr(const struct jz_card *card)
{
	return jz_span(card->atr, card->atr_len);
}

int
jz_card_image_hash(const struct jz_card *card, uint8_t out[static 32])
{
	struct jz_span image = jz_span(card->setup.nvm, jz_root(card)->used);

	return card->setup.engine.crypto->hash(
	    card->setup.engine.state, &image, 1, out);
}
