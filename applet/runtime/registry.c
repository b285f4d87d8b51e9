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

struct jz_aid
jz_aid_of(const uint8_t *bytes, uint8_t len)
{
	struct jz_aid aid = {0};

	aid.len = len <= JZ_AID_MAX ? len : 0;
	memcpy(aid.bytes, bytes, aid.len);
	return aid;
}

bool
jz_aid_equal(const struct jz_aid *a, const struct jz_aid *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

const struct jz_applet_class *
jz_registry_class(const struct jz_card *card, const struct jz_aid *module)
{
	const struct jz_nvm_root *root = jz_root(card);

	for (size_t i = 0; i < card->setup.n_classes; i++) {
		const struct jz_applet_class *c = card->setup.classes[i];

		if (c->abi == JZ_ABI && jz_aid_equal(&c->aid, module))
			return c;
	}
	for (unsigned i = 0; i < JZ_MAX_FILES && card->setup.plug != NULL;
	     i++) {
		const struct jz_nvm_file *f = &root->file[i];
		struct jz_aid aid = jz_aid_of(f->module, f->module_len);

		if (f->module_len != 0 && jz_aid_equal(&aid, module))
			return card->setup.plug(
			    card->setup.plugs, module, f->hash);
	}
	return NULL;
}

int
jz_registry_index(const struct jz_card *card, const struct jz_aid *aid)
{
	const struct jz_nvm_root *root = jz_root(card);

	for (int i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *e = &root->entry[i];

		if (e->state != 0 && e->instance_len == aid->len &&
		    memcmp(e->instance, aid->bytes, aid->len) == 0)
			return i;
	}
	return -1;
}

/* ---- from the image ----------------------------------------------------- */

static bool
entry_sane(const struct jz_card *card, const struct jz_nvm_entry *e)
{
	const struct jz_nvm_root *root = jz_root(card);

	return e->module_len >= JZ_AID_MIN && e->module_len <= JZ_AID_MAX &&
	    e->instance_len >= JZ_AID_MIN && e->instance_len <= JZ_AID_MAX &&
	    e->offset >= sizeof(struct jz_nvm_root) &&
	    e->offset <= root->used && e->bytes >= sizeof(struct jz_nvm_head) &&
	    e->bytes <= root->used - e->offset &&
	    e->offset % root->align == 0 && e->extra < e->bytes;
}

/* What of an applet follows from its entry. */
static void
refresh(struct jz_card *card, unsigned i)
{
	const struct jz_nvm_entry *e = &jz_root(card)->entry[i];
	struct jz_applet *a = &card->applet[i];

	a->card = card;
	a->index = (uint8_t)i;
	a->state = e->state;
	memcpy(a->privileges, e->privileges, sizeof(a->privileges));
	a->aid = jz_aid_of(e->instance, e->instance_len);
	a->nvm = card->setup.nvm + e->offset;
	a->nvm_bytes = e->bytes;
	a->cor = a->class->cor_bytes == 0 ? NULL : card->setup.ram + a->cor_at;
	if (a->entered != 0)
		jz_show_as_applet(a);
}

void
jz_registry_rebind(struct jz_card *card)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (card->applet[i].present)
			refresh(card, i);
}

void
jz_registry_unbind(struct jz_card *card, unsigned i)
{
	jz_alone_forget(card, i);
	memset(&card->applet[i], 0, sizeof(card->applet[i]));
}

static int
check_layout(const struct jz_card *card, const struct jz_nvm_entry *e,
    const struct jz_applet_class *class)
{
	const struct jz_nvm_head *head =
	    (const struct jz_nvm_head *)(const void *)(card->setup.nvm +
		e->offset);

	if (head->size != e->bytes || head->taken > head->size ||
	    head->taken < sizeof(*head))
		return JZ_ERR_CARD_TAMPERED;
	return head->layout == class->layout &&
		e->bytes == class->nvm_bytes + e->extra
	    ? 0
	    : JZ_ERR_CARD_VERSION;
}

int
jz_registry_bind_one(struct jz_card *card, unsigned i)
{
	const struct jz_nvm_entry *e = &jz_root(card)->entry[i];
	struct jz_applet *a = &card->applet[i];
	const struct jz_applet_class *class;
	struct jz_aid module;
	uint32_t at = 0;
	int err;

	jz_registry_unbind(card, i);
	if (e->state == 0)
		return 0;
	if (!entry_sane(card, e))
		return JZ_ERR_CARD_TAMPERED;
	module = jz_aid_of(e->module, e->module_len);
	class = jz_registry_class(card, &module);
	if (class == NULL)
		return 0; /* its memory is kept for when the class is back */
	if ((err = check_layout(card, e, class)) != 0)
		return err;
	if (!jz_ram_take(card, class->cor_bytes, &at) ||
	    class->cod_bytes > card->setup.ram_bytes)
		return JZ_ERR_CARD_FULL;
	a->class = class;
	a->cor_at = at;
	a->present = true;
	refresh(card, i);
	return 0;
}

/* The layout that the region of an entry has. */
static uint16_t
layout_of(const struct jz_card *card, const struct jz_nvm_entry *e)
{
	return ((const struct jz_nvm_head *)(const void *)(card->setup.nvm +
		    e->offset))
	    ->layout;
}

/* The class of an entry whose layout is older, or NULL. */
static const struct jz_applet_class *
newer_class(const struct jz_card *card, unsigned i)
{
	const struct jz_nvm_entry *e = &jz_root(card)->entry[i];
	const struct jz_applet_class *class;
	struct jz_aid module;

	if (e->state == 0 || !entry_sane(card, e))
		return NULL;
	module = jz_aid_of(e->module, e->module_len);
	class = jz_registry_class(card, &module);
	return class != NULL && layout_of(card, e) < class->layout ? class
								   : NULL;
}

/* The one thing that may write when a card is opened.  Whether the new classes
 * find their memory is seen before it is committed. */
static int
upgrade(struct jz_card *card)
{
	int e = 0;

	for (unsigned i = 0; i < JZ_MAX_APPLETS && e == 0; i++) {
		const struct jz_applet_class *class = newer_class(card, i);

		if (class == NULL)
			continue;
		if (!card->rewriting)
			e = jz_rewrite_begin(card);
		if (e == 0)
			e = jz_rewrite_upgrade(card, i, class);
	}
	return e;
}

/* Regions stand side by side: none begins within another. */
static bool
regions_apart(const struct jz_card *card)
{
	const struct jz_nvm_root *root = jz_root(card);

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		for (unsigned k = 0; k < JZ_MAX_APPLETS; k++) {
			const struct jz_nvm_entry *a = &root->entry[i];
			const struct jz_nvm_entry *b = &root->entry[k];

			if (i != k && a->state != 0 && b->state != 0 &&
			    a->offset >= b->offset &&
			    a->offset - b->offset < b->bytes)
				return false;
		}
	return true;
}

int
jz_registry_check(const struct jz_card *card)
{
	const struct jz_nvm_root *root = jz_root(card);
	const struct jz_guard *guard = card->setup.guard;

	if (root->used < sizeof(*root) || root->used > card->setup.nvm_bytes ||
	    root->align < JZ_REGION_ALIGN ||
	    (root->align & (root->align - 1)) != 0 || !regions_apart(card))
		return JZ_ERR_CARD_TAMPERED;
	/* Regions that share a page cannot be kept apart. */
	if (guard != NULL && root->align % guard->page != 0)
		return JZ_ERR_UNSUPPORTED;
	return 0;
}

int
jz_registry_bind(struct jz_card *card)
{
	int e = jz_registry_check(card);

	if (e != 0)
		return e;
	jz_wipe(card->setup.ram, card->setup.ram_bytes);
	memset(card->applet, 0, sizeof(card->applet));
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		card->channel[i] =
		    (struct jz_channel_state){0, 0, JZ_NO_APPLET, false};
	e = upgrade(card);
	for (unsigned i = 0; i < JZ_MAX_APPLETS && e == 0; i++)
		e = jz_registry_bind_one(card, i);
	if (e == 0 && card->rewriting)
		e = jz_rewrite_commit(card);
	return e;
}

/* ---- looking for an applet ---------------------------------------------- */

/* AID order: bytes first, then the shorter. */
static int
aid_compare(const struct jz_aid *a, const struct jz_aid *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int d = memcmp(a->bytes, b->bytes, n);

	return d != 0 ? d : (int)a->len - (int)b->len;
}

static bool
is_domain(const struct jz_applet *a)
{
	return (a->privileges[0] & JZ_PRIV_SECURITY_DOMAIN) != 0;
}

/* GlobalPlatform 5.1.1, 5.3.1: a locked card has its security domain alone,
 * and an application is there from SELECTABLE on, unless it is locked. */
bool
jz_registry_selectable(const struct jz_card *card, const struct jz_applet *a)
{
	uint8_t state = jz_root(card)->state;

	if (!a->present || (a->state & JZ_APP_LOCKED) != 0 ||
	    (a->state & JZ_APP_SELECTABLE) != JZ_APP_SELECTABLE)
		return false;
	return is_domain(a) ||
	    (state != JZ_CARD_LOCKED && state != JZ_CARD_TERMINATED);
}

struct jz_applet *
jz_registry_find(
    struct jz_card *card, struct jz_span name, const struct jz_applet *after)
{
	struct jz_applet *best = NULL;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		struct jz_applet *a = &card->applet[i];

		if (!jz_registry_selectable(card, a) || a->aid.len < name.len ||
		    memcmp(a->aid.bytes, name.data, name.len) != 0)
			continue;
		if (after != NULL && aid_compare(&a->aid, &after->aid) <= 0)
			continue;
		if (best == NULL || aid_compare(&a->aid, &best->aid) < 0)
			best = a;
	}
	return best;
}

struct jz_applet *
jz_registry_default(struct jz_card *card)
{
	struct jz_applet *domain = NULL;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		struct jz_applet *a = &card->applet[i];

		if (!jz_registry_selectable(card, a))
			continue;
		if ((a->privileges[0] & JZ_PRIV_CARD_RESET) != 0 &&
		    !is_domain(a))
			return a;
		if (is_domain(a) && domain == NULL)
			domain = a;
	}
	return domain;
}
