/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: transient memory handed out and taken back, quotas of persistent
 * memory (GlobalPlatform 11.5.2.3.7, tags C7 and C8), and the statistics of
 * both.
 *
 * Transient memory has no list of its own: the applets and the channels know
 * their blocks, and a new one goes to the first gap between them.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

#define MAX_BLOCKS (JZ_MAX_APPLETS + JZ_MAX_CHANNELS)

static uint32_t
ram_align(const struct jz_card *card, uint32_t bytes)
{
	const struct jz_guard *g = card->setup.guard;

	return jz_align(bytes, g != NULL ? g->page : JZ_REGION_ALIGN);
}

/* Block i of transient memory; false when there is none. */
static bool
block(const struct jz_card *card, unsigned i, uint32_t *at, uint32_t *bytes)
{
	if (i < JZ_MAX_APPLETS) {
		const struct jz_applet *a = &card->applet[i];

		*at = a->cor_at;
		*bytes = a->cor != NULL ? a->class->cor_bytes : 0;
	} else {
		const struct jz_channel_state *c =
		    &card->channel[i - JZ_MAX_APPLETS];

		*at = c->cod_at;
		*bytes = c->cod_bytes;
	}
	*bytes = ram_align(card, *bytes);
	return *bytes > 0;
}

bool
jz_ram_take(struct jz_card *card, uint32_t bytes, uint32_t *at)
{
	uint32_t need = ram_align(card, bytes), from, size;
	unsigned i = 0;

	*at = 0;
	if (bytes > card->setup.ram_bytes || bytes > JZ_RAM_BLOCK_MAX)
		return false;
	/* Each block met moves the place behind it, and is not met again. */
	while (i < MAX_BLOCKS) {
		if (block(card, i, &from, &size) && from < *at + need &&
		    *at < from + size) {
			*at = from + size;
			i = 0;
		} else {
			i++;
		}
	}
	if (*at > card->setup.ram_bytes || need > card->setup.ram_bytes - *at)
		return false;
	jz_wipe(card->setup.ram + *at, bytes);
	return true;
}

uint32_t
jz_card_ram_free(const struct jz_card *card)
{
	uint32_t left = card->setup.ram_bytes, at, size;

	for (unsigned i = 0; i < MAX_BLOCKS; i++)
		if (block(card, i, &at, &size))
			left -= size;
	return left;
}

uint32_t
jz_card_nvm_free(const struct jz_card *card)
{
	uint32_t room = card->setup.nvm_bytes - jz_root(card)->used;

	return room < JZ_LOG_SLACK_BYTES ? 0 : room - JZ_LOG_SLACK_BYTES;
}

bool
jz_nvm_fits(const struct jz_card *card, uint32_t bytes)
{
	uint32_t room = jz_card_nvm_free(card);

	return bytes <= room && jz_align(bytes, jz_root(card)->align) <= room;
}

/*
 * Memory that nobody has taken is zero, but for what was written beside a
 * transaction that took it and was rolled back.
 */
static int
clean(struct jz_applet *self, uint32_t from, uint32_t bytes)
{
	static const uint8_t zero[JZ_NONATOMIC_BYTES];
	const uint8_t *p = (const uint8_t *)self->nvm + from;
	int e = 0;

	while (bytes > 0 && e == 0) {
		uint32_t n = bytes < sizeof(zero) ? bytes : sizeof(zero);

		if (memcmp(p, zero, n) != 0)
			e = jz_write_piece(self, p, zero, n);
		p += n;
		bytes -= n;
	}
	return e;
}

int
jz_nvm_take(struct jz_applet *self, uint32_t bytes, const void **out)
{
	struct jz_card *card = self->card;
	const struct jz_nvm_head *head = self->nvm;
	uint32_t from, taken;
	int e = 0;

	if (!jz_may_write(self, out, sizeof(*out)))
		return jz_refuse_call(self);
	*out = NULL;
	jz_runtime_open(card);
	from = jz_align(head->taken, JZ_REGION_ALIGN);
	if (from > head->size || bytes > head->size - from) {
		e = JZ_ERR_CARD_FULL;
	} else {
		taken = from + bytes;
		e = clean(self, from, bytes);
		if (e == 0)
			e = jz_card_write(
			    card, &head->taken, &taken, sizeof(taken));
	}
	jz_runtime_close(card);
	if (e == 0)
		*out = (const uint8_t *)self->nvm + from;
	return e;
}

/* ---- statistics --------------------------------------------------------- */

/* The count of the region that holds this byte of the image. */
static struct jz_nvm_count *
count_of(struct jz_card *card, uint32_t offset)
{
	struct jz_nvm_root *root =
	    (struct jz_nvm_root *)(void *)card->setup.nvm;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *e = &root->entry[i];

		if (e->state != 0 && offset >= e->offset &&
		    offset - e->offset < e->bytes)
			return &root->count[i];
	}
	return &root->count[JZ_MAX_APPLETS];
}

void
jz_count_write(void *arg, uint32_t offset, uint32_t len)
{
	struct jz_card *card = arg;
	struct jz_nvm_count *n = count_of(card, offset);

	n->writes++;
	n->written += len;
	if (card->setup.wear == NULL || len == 0)
		return;
	for (uint32_t page = offset / JZ_WEAR_BYTES;
	     page <= (offset + len - 1) / JZ_WEAR_BYTES; page++)
		card->setup.wear[page]++;
}

static uint32_t
hottest(const struct jz_card *card, uint32_t offset, uint32_t bytes)
{
	uint32_t most = 0;

	if (card->setup.wear == NULL || bytes == 0)
		return 0;
	for (uint32_t page = offset / JZ_WEAR_BYTES;
	     page <= (offset + bytes - 1) / JZ_WEAR_BYTES; page++)
		if (card->setup.wear[page] > most)
			most = card->setup.wear[page];
	return most;
}

static void
root_region(const struct jz_card *card, struct jz_region_info *out)
{
	out->nvm_bytes = sizeof(struct jz_nvm_root);
	out->nvm_taken = out->nvm_bytes;
	out->writes = jz_root(card)->count[JZ_MAX_APPLETS].writes;
	out->written = jz_root(card)->count[JZ_MAX_APPLETS].written;
	out->wear = hottest(card, 0, out->nvm_bytes);
}

int
jz_card_region(
    const struct jz_card *card, unsigned index, struct jz_region_info *out)
{
	const struct jz_nvm_root *root = jz_root(card);
	const struct jz_applet *a;
	const struct jz_nvm_entry *e;

	memset(out, 0, sizeof(*out));
	if (index > JZ_MAX_APPLETS)
		return JZ_ERR_RANGE;
	if (index == JZ_MAX_APPLETS) {
		root_region(card, out);
		return 0;
	}
	e = &root->entry[index];
	a = &card->applet[index];
	if (e->state == 0)
		return JZ_ERR_NOT_FOUND;
	out->aid = jz_aid_of(e->instance, e->instance_len);
	out->nvm_bytes = e->bytes;
	out->nvm_taken =
	    ((const struct jz_nvm_head *)(const void *)(card->setup.nvm +
		 e->offset))
		->taken;
	if (a->present) {
		out->cor_bytes = a->class->cor_bytes;
		out->cod_bytes = a->class->cod_bytes;
	}
	out->writes = root->count[index].writes;
	out->written = root->count[index].written;
	out->wear = hottest(card, e->offset, e->bytes);
	return 0;
}
