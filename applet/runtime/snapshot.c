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

/* All but the log; the setup stays the card's own. */
static void
restore(struct jz_card *card, const struct head *h, const uint8_t *p)
{
	const struct jz_card_setup setup = card->setup;
	const struct jz_log log = card->log;
	uint8_t *buffer = card->buffer;

	memcpy(card, p, sizeof(*card));
	p += align8(sizeof(*card));
	card->setup = setup;
	card->log = log;
	card->buffer = buffer;
	memcpy(setup.nvm, p, h->used);
	jz_wipe(setup.nvm + h->used, h->nvm_bytes - h->used);
	p += h->used;
	memcpy(setup.ram, p, h->ram_bytes);
	p += h->ram_bytes;
	restore_buffer(card, h, p);
	jz_registry_rebind(card);
}

void
jz_card_restore(struct jz_card *card, const void *snapshot)
{
	const struct jz_card *then =
	    (const struct jz_card *)(const void *)((const uint8_t *)snapshot +
		sizeof(struct head));
	struct head h;

	jz_card_rollback(card);
	memcpy(&h, snapshot, sizeof(h));
	restore(card, &h, (const uint8_t *)snapshot + sizeof(h));
	card->log = then->log;
	/* A second life under the same key would seal two records with one
	 * nonce. */
	jz_log_new_session(&card->log);
}

int
jz_card_rewind(struct jz_card *card, const void *snapshot)
{
	struct jz_log_env env;
	int e;

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
	memset(card, 0, sizeof(*card));
	if (h.nvm_bytes != setup->nvm_bytes || h.ram_bytes != setup->ram_bytes)
		return JZ_ERR_ARGUMENT;
	card->setup = *setup;
	restore(card, &h, (const uint8_t *)snapshot + sizeof(h));
	env = jz_card_log_env(card);
	e = jz_log_format(&card->log, &env, jz_root(card)->used);
	if (e != 0)
		jz_card_close(card);
	return e;
}
