/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which applets are on the card, and where their memory is.
 *
 * The registry proper is struct jz_nvm_root at the head of the image; the
 * table in struct jz_card is made from it at each opening.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

static const struct jz_applet_class *
find_class(const struct jz_card *card, const uint8_t *aid, size_t len)
{
	for (size_t i = 0; i < card->setup.n_classes; i++) {
		const struct jz_applet_class *c = card->setup.classes[i];

		if (c->abi == JZ_ABI && c->aid.len == len &&
		    memcmp(c->aid.bytes, aid, len) == 0)
			return c;
	}
	return NULL;
}

/* Hands out transient memory; NULL when the card has no more. */
static void *
take_ram(struct jz_card *card, uint32_t *at, uint32_t bytes)
{
	void *p = card->setup.ram + *at;

	if (jz_align(bytes) > card->setup.ram_bytes - *at)
		return NULL;
	*at += jz_align(bytes);
	return p;
}

static bool
entry_sane(const struct jz_card *card, const struct jz_nvm_entry *e)
{
	uint32_t used = jz_root(card)->used;

	return e->module_len >= JZ_AID_MIN && e->module_len <= JZ_AID_MAX &&
	    e->instance_len >= JZ_AID_MIN && e->instance_len <= JZ_AID_MAX &&
	    e->offset >= sizeof(struct jz_nvm_root) && e->offset <= used &&
	    e->bytes >= sizeof(struct jz_nvm_head) &&
	    e->bytes <= used - e->offset && e->offset % 8 == 0;
}

static int
bind_one(struct jz_card *card, unsigned i, uint32_t *ram)
{
	const struct jz_nvm_entry *entry = &jz_root(card)->entry[i];
	struct jz_applet *a = &card->applet[i];

	memset(a, 0, sizeof(*a));
	if (entry->state == 0)
		return 0;
	if (!entry_sane(card, entry))
		return JZ_ERR_CARD_TAMPERED;
	a->class = find_class(card, entry->module, entry->module_len);
	if (a->class == NULL)
		return 0; /* its memory is kept for when the class is back */
	a->card = card;
	a->index = (uint8_t)i;
	a->state = entry->state;
	a->aid.len = entry->instance_len;
	memcpy(a->aid.bytes, entry->instance, entry->instance_len);
	a->nvm = card->setup.nvm + entry->offset;
	a->nvm_bytes = entry->bytes;
	if (((const struct jz_nvm_head *)a->nvm)->layout != a->class->layout ||
	    a->nvm_bytes != a->class->nvm_bytes)
		return JZ_ERR_CARD_VERSION;
	a->cor = take_ram(card, ram, a->class->cor_bytes);
	a->cod = take_ram(card, ram, a->class->cod_bytes);
	if (a->cor == NULL || a->cod == NULL)
		return JZ_ERR_CARD_FULL;
	a->present = true;
	return 0;
}

int
jz_registry_bind(struct jz_card *card)
{
	const struct jz_nvm_root *root = jz_root(card);
	uint32_t ram = 0;
	int e = 0;

	if (root->layout != JZ_NVM_LAYOUT)
		return JZ_ERR_CARD_VERSION;
	if (root->used < sizeof(*root) || root->used > card->setup.nvm_bytes)
		return JZ_ERR_CARD_TAMPERED;
	jz_wipe(card->setup.ram, card->setup.ram_bytes);
	for (unsigned i = 0; i < JZ_MAX_APPLETS && e == 0; i++)
		e = bind_one(card, i, &ram);
	return e;
}

void
jz_registry_clear_cor(struct jz_card *card)
{
	jz_wipe(card->setup.ram, card->setup.ram_bytes);
}

void
jz_registry_clear_cod(struct jz_applet *applet)
{
	jz_wipe(applet->cod, applet->class->cod_bytes);
}

/* AID order: bytes first, then the shorter. */
static int
aid_compare(const struct jz_aid *a, const struct jz_aid *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int d = memcmp(a->bytes, b->bytes, n);

	return d != 0 ? d : (int)a->len - (int)b->len;
}

struct jz_applet *
jz_registry_find(
    struct jz_card *card, struct jz_span name, const struct jz_applet *after)
{
	struct jz_applet *best = NULL;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		struct jz_applet *a = &card->applet[i];

		if (!a->present || a->aid.len < name.len ||
		    memcmp(a->aid.bytes, name.data, name.len) != 0)
			continue;
		if (after != NULL && aid_compare(&a->aid, &after->aid) <= 0)
			continue;
		if (best == NULL || aid_compare(&a->aid, &best->aid) < 0)
			best = a;
	}
	return best;
}

static int
free_entry(const struct jz_card *card, const struct jz_aid *instance)
{
	const struct jz_nvm_root *root = jz_root(card);
	int found = JZ_ERR_CARD_FULL;

	for (int i = JZ_MAX_APPLETS; i-- > 0;) {
		const struct jz_nvm_entry *e = &root->entry[i];

		if (e->state == 0)
			found = i;
		else if (e->instance_len == instance->len &&
		    memcmp(e->instance, instance->bytes, instance->len) == 0)
			return JZ_ERR_EXISTS;
	}
	return found;
}

/* Writes registry entry and region head; in the open transaction. */
static void
write_entry(struct jz_card *card, unsigned i,
    const struct jz_applet_class *class, const struct jz_aid *instance)
{
	const struct jz_nvm_root *root = jz_root(card);
	struct jz_nvm_entry entry = {0};
	struct jz_nvm_head head = {0};
	uint32_t used;

	entry.module_len = class->aid.len;
	memcpy(entry.module, class->aid.bytes, class->aid.len);
	entry.instance_len = instance->len;
	memcpy(entry.instance, instance->bytes, instance->len);
	entry.state = 0x07; /* SELECTABLE */
	entry.offset = root->used;
	entry.bytes = class->nvm_bytes;
	head.aid_len = instance->len;
	memcpy(head.aid, instance->bytes, instance->len);
	head.layout = class->layout;
	head.size = class->nvm_bytes;
	used = root->used + jz_align(class->nvm_bytes);
	jz_card_write(
	    card, card->setup.nvm + entry.offset, &head, sizeof(head));
	jz_card_write(card, &root->entry[i], &entry, sizeof(entry));
	jz_card_write(card, &root->used, &used, sizeof(used));
}

/* The log needs some slack behind what is in use, to seal the image. */
static bool
fits(const struct jz_card *card, uint32_t bytes)
{
	uint32_t room = card->setup.nvm_bytes - jz_root(card)->used;

	return room >= JZ_LOG_SLACK_BYTES &&
	    jz_align(bytes) <= room - JZ_LOG_SLACK_BYTES;
}

uint16_t
jz_card_install(struct jz_card *card, const struct jz_aid *module,
    const struct jz_aid *instance, struct jz_span params)
{
	const struct jz_applet_class *class;
	uint16_t sw = JZ_SW_OK;
	int i, e;

	if (instance->len < JZ_AID_MIN || instance->len > JZ_AID_MAX)
		return JZ_SW_DATA;
	class = find_class(card, module->bytes, module->len);
	if (class == NULL)
		return JZ_SW_REFERENCE;
	i = free_entry(card, instance);
	if (i < 0)
		return i == JZ_ERR_EXISTS ? JZ_SW_EXISTS : JZ_SW_SPACE;
	if (!fits(card, class->nvm_bytes))
		return JZ_SW_SPACE;
	if ((e = jz_card_begin(card)) != 0)
		return jz_runtime_status(e);
	write_entry(card, (unsigned)i, class, instance);
	e = jz_registry_bind(card);
	if (e == 0 && class->install != NULL)
		sw = class->install(&card->applet[i], params);
	if (e == 0 && sw == JZ_SW_OK)
		e = jz_card_commit(card);
	jz_card_rollback(card);
	if (e != 0 || sw != JZ_SW_OK)
		jz_registry_bind(card);
	return e != 0 ? jz_runtime_status(e) : sw;
}
