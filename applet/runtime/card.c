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
 * number; proprietary writing; command chaining, extended length (not over
 * T=0), logical channels numbered by either side, eight or more.
 */
#define CAPABILITIES 0x9F
#define EXTENDED     0x40

static void
power_up(struct jz_card *card)
{
	bool t0 = jz_root(card)->protocol == JZ_PROTOCOL_T0;
	const uint8_t historical[] = {0x80, 0x73, 0xC6, 0x21,
	    t0 ? CAPABILITIES : CAPABILITIES | EXTENDED};
	struct jz_buffer atr = jz_buffer(card->atr, sizeof(card->atr));

	jz_atr_build(t0 ? JZ_PROTOCOL_T0 : JZ_PROTOCOL_T1,
	    jz_span(historical, sizeof(historical)), &atr);
	card->atr_len = (uint8_t)atr.len;
	card->powered = true;
	jz_card_reset(card);
}

static bool
panel_fits(const struct jz_panel *p)
{
	return p == NULL ||
	    (p->lines >= JZ_PANEL_LINES_MIN && p->lines <= JZ_PANEL_LINES_MAX &&
		p->columns >= JZ_PANEL_COLUMNS_MIN &&
		p->columns <= JZ_PANEL_COLUMNS_MAX);
}

int
jz_card_prepare(struct jz_card *card, const struct jz_card_setup *setup)
{
	memset(card, 0, sizeof(*card));
	card->installing = JZ_NO_APPLET;
	if (setup->nvm_bytes < sizeof(struct jz_nvm_root) ||
	    (uintptr_t)setup->nvm % 8 != 0 || (uintptr_t)setup->ram % 8 != 0 ||
	    setup->journal == NULL || !panel_fits(setup->panel) ||
	    (setup->protocol != 0 && setup->protocol != JZ_PROTOCOL_T0 &&
		setup->protocol != JZ_PROTOCOL_T1))
		return JZ_ERR_ARGUMENT;
	card->setup = *setup;
	if (setup->wear != NULL)
		memset(setup->wear, 0,
		    (setup->nvm_bytes / JZ_WEAR_BYTES + 1) *
			sizeof(*setup->wear));
	return 0;
}

int
jz_card_format(struct jz_card *card, const struct jz_card_setup *setup)
{
	struct jz_nvm_root root = {0};
	struct jz_log_env env;
	int e;

	if ((e = jz_card_prepare(card, setup)) != 0)
		goto fail;
	memset(card->setup.nvm, 0, card->setup.nvm_bytes);
	root.layout = JZ_NVM_LAYOUT;
	root.align =
	    setup->guard != NULL ? setup->guard->page : JZ_REGION_ALIGN;
	root.used = jz_align(sizeof(root), root.align);
	root.protocol = setup->protocol != 0 ? setup->protocol : JZ_PROTOCOL_T1;
	root.state = JZ_CARD_OP_READY;
	if (root.used > card->setup.nvm_bytes) {
		e = JZ_ERR_CARD_FULL;
		goto fail;
	}
	if ((e = jz_generator_salt(
		 card, root.generator, sizeof(root.generator))) != 0)
		goto fail;
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

	if ((e = jz_card_prepare(card, setup)) != 0)
		goto fail;
	env = jz_card_log_env(card);
	if ((e = jz_log_open(&card->log, &env, &used)) != 0)
		goto fail;
	/* Before all else: another layout has its fields elsewhere. */
	if (used >= sizeof(uint32_t) &&
	    jz_root(card)->layout != JZ_NVM_LAYOUT) {
		e = JZ_ERR_CARD_VERSION;
		goto fail;
	}
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
	if (card->setup.journal != NULL)
		jz_card_rollback(card);
	jz_buffer_give(card);
	if (card->setup.panel != NULL)
		card->setup.panel->clear(card->setup.panel_state);
	if (card->setup.ram != NULL)
		jz_wipe(card->setup.ram, card->setup.ram_bytes);
	jz_wipe(card, sizeof(*card));
}

void
jz_card_reset(struct jz_card *card)
{
	if (card->setup.nvm == NULL)
		return; /* closed */
	jz_card_rollback(card);
	jz_wipe(card->setup.ram, card->setup.ram_bytes);
	jz_answer_forget(card);
	jz_buffer_give(card);
	card->chaining = false;
	card->chain_len = 0;
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		card->channel[i] =
		    (struct jz_channel_state){0, 0, JZ_NO_APPLET, i == 0};
	if (!card->dead)
		jz_select_default(card, 0);
}

struct jz_span
jz_card_atr(const struct jz_card *card)
{
	return jz_span(card->atr, card->atr_len);
}

static int
hash_image(const struct jz_card *card, uint8_t out[static 32])
{
	const struct jz_nvm_root *root = jz_root(card);
	const size_t generator = offsetof(struct jz_nvm_root, generator);
	const size_t registry = generator + sizeof(root->generator);
	const size_t counts = offsetof(struct jz_nvm_root, count);
	const uint8_t *nvm = card->setup.nvm;
	struct jz_span image[] = {jz_span(nvm, generator),
	    jz_span(nvm + registry, counts - registry),
	    jz_span(nvm + sizeof(*root), root->used - sizeof(*root))};

	return card->setup.engine.crypto->hash(
	    card->setup.engine.state, image, 3, out);
}

int
jz_card_image_hash(const struct jz_card *card, uint8_t out[static 32])
{
	/* Closed. */
	if (card->setup.nvm == NULL)
		return JZ_ERR_CARD_DEAD;
	return hash_image(card, out);
}
