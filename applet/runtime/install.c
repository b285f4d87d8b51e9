/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing an applet and plugging in a class: Java Card 3 JCRE 3.1 and 11.2,
 * GlobalPlatform 9.3.  An installation is one transaction: what fails leaves
 * nothing.
 */
#include "internal.h"

#include <string.h>

static int
free_entry(const struct jz_card *card)
{
	for (int i = 0; i < JZ_MAX_APPLETS; i++)
		if (jz_root(card)->entry[i].state == 0)
			return i;
	return -1;
}

static uint32_t
region_bytes(
    const struct jz_install *order, const struct jz_applet_class *class)
{
	return order->nvm_quota > class->nvm_bytes ? order->nvm_quota
						   : class->nvm_bytes;
}

/* Writes registry entry and region head; in the open transaction. */
static void
write_entry(struct jz_card *card, unsigned i, const struct jz_install *order,
    const struct jz_applet_class *class)
{
	const struct jz_nvm_root *root = jz_root(card);
	struct jz_nvm_entry entry = {0};
	struct jz_nvm_head head = {0};
	uint32_t bytes = region_bytes(order, class), used;

	entry.module_len = class->aid.len;
	memcpy(entry.module, class->aid.bytes, class->aid.len);
	entry.instance_len = order->instance.len;
	memcpy(entry.instance, order->instance.bytes, order->instance.len);
	entry.state = order->selectable ? JZ_APP_SELECTABLE : JZ_APP_INSTALLED;
	memcpy(entry.privileges, order->privileges, sizeof(entry.privileges));
	entry.offset = root->used;
	entry.bytes = bytes;
	entry.extra = bytes - class->nvm_bytes;
	head.aid_len = entry.instance_len;
	memcpy(head.aid, entry.instance, sizeof(head.aid));
	head.layout = class->layout;
	head.size = bytes;
	head.taken = class->nvm_bytes;
	used = root->used + jz_align(bytes, root->align);
	jz_card_write(
	    card, card->setup.nvm + entry.offset, &head, sizeof(head));
	jz_card_write(card, &root->entry[i], &entry, sizeof(entry));
	jz_card_write(card, &root->used, &used, sizeof(used));
}

/* The class's own part, in the memory of the new instance. */
static uint16_t
call_install(struct jz_card *card, unsigned i, struct jz_span params)
{
	struct jz_applet *a = &card->applet[i];
	struct jz_context before;
	uint16_t sw;

	if (a->class->install == NULL)
		return JZ_SW_OK;
	card->installing = (uint8_t)i;
	card->registered = false;
	card->held = true;
	before = jz_enter(a, NULL);
	sw = a->class->install(a, params);
	jz_leave(card, before);
	card->held = false;
	card->installing = JZ_NO_APPLET;
	return sw;
}

static uint16_t
check_order(const struct jz_card *card, const struct jz_install *order,
    const struct jz_applet_class **class)
{
	const struct jz_applet_class *c;
	uint32_t ram;

	if (card->dead)
		return JZ_SW_MEMORY_FAILURE;
	if (order->instance.len < JZ_AID_MIN ||
	    order->instance.len > JZ_AID_MAX)
		return JZ_SW_DATA;
	*class = c = jz_registry_class(card, &order->module);
	if (c == NULL)
		return JZ_SW_REFERENCE;
	if (c->nvm_bytes < sizeof(struct jz_nvm_head))
		return JZ_SW_DATA;
	if (jz_registry_index(card, &order->instance) >= 0)
		return JZ_SW_EXISTS;
	if (c->cor_bytes > card->setup.ram_bytes ||
	    c->cod_bytes > card->setup.ram_bytes)
		return JZ_SW_SPACE;
	ram = c->cor_bytes + c->cod_bytes;
	if (order->ram_quota != 0 && ram > order->ram_quota)
		return JZ_SW_SPACE;
	if (order->nvm_quota != 0 && order->nvm_quota < c->nvm_bytes)
		return JZ_SW_SPACE;
	if (!jz_nvm_fits(card, region_bytes(order, c)))
		return JZ_SW_SPACE;
	return JZ_SW_OK;
}

uint16_t
jz_card_install_as(struct jz_card *card, const struct jz_install *order)
{
	const struct jz_applet_class *class = NULL;
	uint16_t sw = check_order(card, order, &class);
	int i = free_entry(card), e;

	if (sw != JZ_SW_OK)
		return sw;
	if (i < 0)
		return JZ_SW_SPACE;
	if ((e = jz_card_begin(card)) != 0)
		return jz_runtime_status(e);
	write_entry(card, (unsigned)i, order, class);
	e = jz_registry_bind_one(card, (unsigned)i);
	if (e == 0)
		sw = call_install(card, (unsigned)i, order->params);
	if (e == 0 && sw == JZ_SW_OK)
		e = jz_card_commit(card);
	jz_card_rollback(card);
	if (e != 0 || sw != JZ_SW_OK)
		jz_registry_unbind(card, (unsigned)i);
	return e != 0 ? jz_runtime_status(e) : sw;
}

uint16_t
jz_card_install(struct jz_card *card, const struct jz_aid *module,
    const struct jz_aid *instance, struct jz_span params)
{
	struct jz_install order = {0};

	order.module = *module;
	order.instance = *instance;
	order.selectable = true;
	order.params = params;
	return jz_card_install_as(card, &order);
}

int
jz_register(struct jz_applet *self, const struct jz_aid *aid)
{
	struct jz_card *card = self->card;
	const struct jz_nvm_head *head = self->nvm;
	const struct jz_nvm_entry *entry;
	uint8_t bytes[1 + JZ_AID_MAX] = {0};
	struct jz_aid name;
	int e = 0, at;

	if (!jz_may_read(self, aid, sizeof(*aid)))
		return jz_refuse_call(self);
	name = *aid;
	if (name.len < JZ_AID_MIN || name.len > JZ_AID_MAX)
		return JZ_ERR_RANGE;
	if (card->installing != self->index || card->registered)
		return JZ_ERR_STATE;
	jz_runtime_open(card);
	entry = &jz_root(card)->entry[self->index];
	at = jz_registry_index(card, &name);
	if (at >= 0 && at != self->index) {
		e = JZ_ERR_EXISTS;
	} else {
		bytes[0] = name.len;
		memcpy(bytes + 1, name.bytes, name.len);
		jz_card_write(card, &entry->instance_len, bytes, sizeof(bytes));
		e = jz_card_write(card, &head->aid_len, bytes, sizeof(bytes));
		card->registered = e == 0;
		self->aid = name;
	}
	jz_runtime_close(card);
	return e;
}

int
jz_set_state(struct jz_applet *self, uint8_t state)
{
	struct jz_card *card = self->card;
	const struct jz_nvm_entry *entry;
	int e = JZ_ERR_STATE;

	if ((state & JZ_APP_SELECTABLE) != JZ_APP_SELECTABLE ||
	    (state & JZ_APP_LOCKED) != 0)
		return JZ_ERR_RANGE;
	if (!jz_is_caller(self))
		return jz_refuse_call(self);
	jz_runtime_open(card);
	entry = &jz_root(card)->entry[self->index];
	state |= entry->state & JZ_APP_LOCKED;
	if ((entry->state & JZ_APP_SELECTABLE) == JZ_APP_SELECTABLE)
		e = jz_card_write(card, &entry->state, &state, 1);
	if (e == 0)
		self->state = state;
	jz_runtime_close(card);
	return e;
}

/* ---- plug-ins ----------------------------------------------------------- */

/* The place of a module among the plug-ins, or a free one; -1: none. */
static int
file_place(const struct jz_card *card, const struct jz_aid *module)
{
	const struct jz_nvm_root *root = jz_root(card);
	int empty = -1;

	for (int i = JZ_MAX_FILES; i-- > 0;) {
		const struct jz_nvm_file *f = &root->file[i];

		if (f->module_len == 0)
			empty = i;
		else if (f->module_len == module->len &&
		    memcmp(f->module, module->bytes, module->len) == 0)
			return i;
	}
	return empty;
}

static bool
is_built_in(const struct jz_card *card, const struct jz_aid *module)
{
	for (size_t i = 0; i < card->setup.n_classes; i++)
		if (jz_aid_equal(&card->setup.classes[i]->aid, module))
			return true;
	return false;
}

/* Whether entry i is an instance of the class, and its region's head. */
static const struct jz_nvm_head *
head_of(
    const struct jz_card *card, unsigned i, const struct jz_applet_class *class)
{
	const struct jz_nvm_entry *n = &jz_root(card)->entry[i];
	struct jz_aid module = jz_aid_of(n->module, n->module_len);

	if (n->state == 0 || !jz_aid_equal(&module, &class->aid))
		return NULL;
	return (const struct jz_nvm_head *)(const void *)(card->setup.nvm +
	    n->offset);
}

/* The file's layout is newer than that of its applets, or the same. */
static bool
layouts_fit(const struct jz_card *card, const struct jz_applet_class *class)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *n = &jz_root(card)->entry[i];
		const struct jz_nvm_head *head = head_of(card, i, class);

		if (head == NULL || head->layout < class->layout)
			continue;
		if (head->layout > class->layout ||
		    n->bytes != class->nvm_bytes + n->extra)
			return false;
	}
	return true;
}

/* Another file for a module: its applets come along, in the same commit, which
 * jz_registry_bind() makes. */
static int
put_file(struct jz_card *card, unsigned place, const struct jz_nvm_file *file,
    const struct jz_applet_class *class)
{
	struct jz_nvm_root *root =
	    (struct jz_nvm_root *)(void *)card->setup.nvm;
	int e = jz_rewrite_begin(card);

	if (e != 0)
		return e;
	root->file[place] = *file;
	for (unsigned i = 0; i < JZ_MAX_APPLETS && e == 0; i++) {
		const struct jz_nvm_head *head = head_of(card, i, class);

		if (head != NULL && head->layout < class->layout)
			e = jz_rewrite_upgrade(card, i, class);
	}
	return e;
}

int
jz_card_plug(struct jz_card *card, const struct jz_applet_class *class,
    const uint8_t hash[static JZ_FILE_HASH_BYTES])
{
	struct jz_nvm_file file = {0};
	int place, e = 0;

	if (class->abi != JZ_ABI || class->aid.len < JZ_AID_MIN ||
	    class->aid.len > JZ_AID_MAX ||
	    class->nvm_bytes < sizeof(struct jz_nvm_head))
		return JZ_ERR_UNSUPPORTED;
	if (is_built_in(card, &class->aid))
		return JZ_ERR_EXISTS;
	if (!layouts_fit(card, class))
		return JZ_ERR_UNSUPPORTED;
	if (class->cor_bytes > card->setup.ram_bytes ||
	    class->cod_bytes > card->setup.ram_bytes)
		return JZ_ERR_CARD_FULL;
	if ((place = file_place(card, &class->aid)) < 0)
		return JZ_ERR_CARD_FULL;
	file.module_len = class->aid.len;
	memcpy(file.module, class->aid.bytes, class->aid.len);
	memcpy(file.hash, hash, sizeof(file.hash));
	if (memcmp(&jz_root(card)->file[place], &file, sizeof(file)) != 0)
		e = put_file(card, (unsigned)place, &file, class);
	if (e == 0)
		e = jz_registry_bind(card);
	if (e == 0)
		jz_card_reset(card);
	else
		jz_card_close(card);
	return e;
}
