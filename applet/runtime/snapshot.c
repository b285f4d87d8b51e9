/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot, rewind, fork: a card is one value, so its state is copied.
 *
 * A snapshot is this header, struct jz_card, the image in use, the transient
 * memory, and the buffer of chaining when there is one.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

struct head {
	uint32_t nvm_bytes, used, ram_bytes;
	uint32_t buffered; /* 0 or 1 */
};

static size_t
align8(size_t n)
{
	return (n + 7u) & ~(size_t)7u;
}

size_t
jz_card_snapshot_bytes(const struct jz_card *card)
{
	return sizeof(struct head) + align8(sizeof(struct jz_card)) +
	    card->setup.nvm_bytes + card->setup.ram_bytes + JZ_CARD_COMMAND_MAX;
}

void
jz_card_save(const struct jz_card *card, void *out)
{
	struct head h = {card->setup.nvm_bytes, jz_root(card)->used,
	    card->setup.ram_bytes, card->buffer != NULL};
	uint8_t *p = out;

	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	memcpy(p, card, sizeof(*card));
	p += align8(sizeof(*card));
	memcpy(p, card->setup.nvm, h.used);
	p += h.used;
	memcpy(p, card->setup.ram, h.ram_bytes);
	p += h.ram_bytes;
	if (h.buffered != 0)
		memcpy(p, card->buffer, JZ_CARD_COMMAND_MAX);
}

/* The buffer of chaining, when the snapshot has one. */
static void
restore_buffer(struct jz_card *card, const struct head *h, const uint8_t *p)
{
	if (h->buffered != 0 && jz_buffer_take(card) != NULL) {
		memcpy(card->buffer, p, JZ_CARD_COMMAND_MAX);
		return;
	}
	jz_buffer_give(card);
	card->chaining = false;
	card->chain_len = 0;
	jz_answer_forget(card);
}

/* The CLEAR_ON_DESELECT memory that an applet last had, in this card's. */
static void
relocate(struct jz_card *card, const void *ram)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		struct jz_applet *a = &card->applet[i];

		if (a->cod != NULL)
			a->cod = card->setup.ram +
			    ((uintptr_t)a->cod - (uintptr_t)ram);
	}
}

/* All but log and generator; the setup stays the card's own. */
static void
restore(struct jz_card *card, const struct head *h, const uint8_t *p)
{
	const struct jz_card_setup setup = card->setup;
	const struct jz_log log = card->log;
	const struct jz_generator generator = card->generator;
	const uint8_t *ram;
	uint8_t *buffer = card->buffer;

	memcpy(card, p, sizeof(*card));
	p += align8(sizeof(*card));
	ram = card->setup.ram;
	card->setup = setup;
	card->log = log;
	card->generator = generator;
	card->buffer = buffer;
	/* Handler and standby memory are for this panel, or for none. */
	if (setup.panel == NULL)
		jz_wipe(&card->alone, sizeof(card->alone));
	memcpy(setup.nvm, p, h->used);
	jz_wipe(setup.nvm + h->used, h->nvm_bytes - h->used);
	p += h->used;
	memcpy(setup.ram, p, h->ram_bytes);
	p += h->ram_bytes;
	restore_buffer(card, h, p);
	relocate(card, ram);
	jz_registry_rebind(card);
}

/*
 * Randomness does not go back: with the bytes of the first life again in the
 * second, two messages could meet one nonce.
 */
void
jz_card_restore(struct jz_card *card, const void *snapshot)
{
	const struct jz_card *then =
	    (const struct jz_card *)(const void *)((const uint8_t *)snapshot +
		sizeof(struct head));
	struct jz_nvm_root *root =
	    (struct jz_nvm_root *)(void *)card->setup.nvm;
	uint8_t generator[JZ_GENERATOR_BYTES];
	struct head h;

	jz_card_rollback(card);
	memcpy(generator, root->generator, sizeof(generator));
	memcpy(&h, snapshot, sizeof(h));
	restore(card, &h, (const uint8_t *)snapshot + sizeof(h));
	memcpy(root->generator, generator, sizeof(generator));
	jz_wipe(generator, sizeof(generator));
	card->dead = card->dead || jz_generator_failed(card);
	card->log = then->log;
	/* Nor does the key of the log's records come again. */
	jz_log_new_session(&card->log);
}

int
jz_card_rewind(struct jz_card *card, const void *snapshot)
{
	struct jz_log_env env;
	struct head h;
	int e;

	memcpy(&h, snapshot, sizeof(h));
	if (h.nvm_bytes != card->setup.nvm_bytes ||
	    h.ram_bytes != card->setup.ram_bytes)
		return JZ_ERR_ARGUMENT;
	jz_card_restore(card, snapshot);
	env = jz_card_log_env(card);
	e = jz_log_rewrite(&card->log, &env, jz_root(card)->used);
	if (e != 0)
		card->dead = true;
	return e;
}

int
jz_card_fork(struct jz_card *card, const struct jz_card_setup *setup,
    const void *snapshot)
{
	struct jz_log_env env;
	struct head h;
	int e;

	memcpy(&h, snapshot, sizeof(h));
	if ((e = jz_card_prepare(card, setup)) != 0)
		goto fail;
	if (h.nvm_bytes != setup->nvm_bytes ||
	    h.ram_bytes != setup->ram_bytes) {
		e = JZ_ERR_ARGUMENT;
		goto fail;
	}
	restore(card, &h, (const uint8_t *)snapshot + sizeof(h));
	/* One battery, one card. */
	jz_wipe(&card->alone, sizeof(card->alone));
	env = jz_card_log_env(card);
	if ((e = jz_registry_check(card)) != 0 ||
	    (e = jz_generator_fork(card)) != 0 ||
	    (e = jz_log_format(&card->log, &env, jz_root(card)->used)) != 0)
		goto fail;
	return 0;
fail:
	jz_card_close(card);
	return e;
}
