/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletion and upgrade: changes of more bytes than a record of the log holds.
 * The image is changed in place and then written as a whole, which the chip's
 * replace() makes one commit.  Regions stand without gaps, so what is deleted
 * is erased, and what stands behind it moves down.
 */
#include "internal.h"

#include <string.h>

static struct jz_nvm_root *
root_of(struct jz_card *card)
{
	return (struct jz_nvm_root *)(void *)card->setup.nvm;
}

int
jz_rewrite_begin(struct jz_card *card)
{
	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	if (card->setup.journal->open || card->rewriting)
		return JZ_ERR_STATE;
	card->rewriting = true;
	return 0;
}

int
jz_rewrite_commit(struct jz_card *card)
{
	struct jz_log_env env = jz_card_log_env(card);
	int e = jz_log_rewrite(&card->log, &env, jz_root(card)->used);

	card->rewriting = false;
	if (e != 0)
		card->dead = true;
	return e;
}

/* Erases bytes of the image and closes the gap. */
static void
cut_out(struct jz_card *card, uint32_t offset, uint32_t bytes)
{
	struct jz_nvm_root *root = root_of(card);
	uint32_t gap = jz_align(bytes, root->align), behind = offset + gap;
	uint8_t *nvm = card->setup.nvm;

	memmove(nvm + offset, nvm + behind, root->used - behind);
	memset(nvm + root->used - gap, 0, gap);
	root->used -= gap;
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (root->entry[i].state != 0 && root->entry[i].offset > offset)
			root->entry[i].offset -= gap;
}

void
jz_rewrite_remove(struct jz_card *card, unsigned i)
{
	struct jz_nvm_root *root = root_of(card);
	struct jz_nvm_entry gone = root->entry[i];

	memset(&root->entry[i], 0, sizeof(root->entry[i]));
	memset(&root->count[i], 0, sizeof(root->count[i]));
	cut_out(card, gone.offset, gone.bytes);
}

/* A new region at the end of the image, for the same instance. */
static uint32_t
new_region(struct jz_card *card, const struct jz_nvm_entry *e,
    const struct jz_applet_class *class, uint32_t bytes)
{
	struct jz_nvm_root *root = root_of(card);
	struct jz_nvm_head head = {0};
	uint32_t at = root->used;

	head.aid_len = e->instance_len;
	memcpy(head.aid, e->instance, sizeof(head.aid));
	head.layout = class->layout;
	head.size = bytes;
	head.taken = class->nvm_bytes;
	memset(card->setup.nvm + at, 0, bytes);
	memcpy(card->setup.nvm + at, &head, sizeof(head));
	root->used += jz_align(bytes, root->align);
	return at;
}

int
jz_rewrite_upgrade(
    struct jz_card *card, unsigned i, const struct jz_applet_class *class)
{
	struct jz_nvm_entry *e = &root_of(card)->entry[i];
	const struct jz_nvm_entry old = *e;
	uint32_t bytes = class->nvm_bytes + old.extra, at;
	struct jz_applet self = {0};
	struct jz_context before;
	uint16_t from;
	int err;

	from = ((const struct jz_nvm_head *)(const void *)(card->setup.nvm +
		    old.offset))
		   ->layout;
	if (class->upgrade == NULL || from >= class->layout)
		return JZ_ERR_CARD_VERSION;
	if (!jz_nvm_fits(card, bytes))
		return JZ_ERR_CARD_FULL;
	at = new_region(card, e, class, bytes);
	self.class = class;
	self.card = card;
	self.index = (uint8_t)i;
	self.aid = jz_aid_of(old.instance, old.instance_len);
	self.nvm = card->setup.nvm + at;
	self.nvm_bytes = bytes;
	card->old = jz_span(card->setup.nvm + old.offset, old.bytes);
	before = jz_enter(&self, NULL);
	err = class->upgrade(&self, from,
	    jz_span(jz_as_applet(card, card->old.data), old.bytes));
	jz_leave(card, before);
	card->old = jz_span(NULL, 0);
	if (err != 0)
		return JZ_ERR_CARD_VERSION;
	e->offset = at;
	e->bytes = bytes;
	cut_out(card, old.offset, old.bytes);
	return 0;
}
