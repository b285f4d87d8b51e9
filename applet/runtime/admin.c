/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer security domain may do: GlobalPlatform 5 (life cycles), 9.3
 * (content management).
 */
#include "admin.h"
#include "internal.h"

#include <string.h>

/* With the privilege, in its own name, and no transaction of its own open. */
static bool
may(const struct jz_applet *sd)
{
	return (sd->privileges[0] & JZ_PRIV_SECURITY_DOMAIN) != 0 &&
	    jz_is_caller(sd) && !sd->card->setup.journal->open;
}

static uint16_t
refusal(const struct jz_applet *sd)
{
	return (sd->privileges[0] & JZ_PRIV_SECURITY_DOMAIN) == 0
	    ? JZ_SW_SECURITY
	    : JZ_SW_UNKNOWN;
}

int
jz_admin_app(const struct jz_applet *sd, unsigned i, struct jz_app_info *out)
{
	struct jz_card *card = sd->card;
	const struct jz_nvm_entry *e;
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (i >= JZ_MAX_APPLETS)
		return JZ_ERR_RANGE;
	if (!may(sd))
		return JZ_ERR_STATE;
	jz_runtime_open(card);
	e = &jz_root(card)->entry[i];
	if (e->state == 0) {
		err = JZ_ERR_NOT_FOUND;
	} else {
		out->instance = jz_aid_of(e->instance, e->instance_len);
		out->module = jz_aid_of(e->module, e->module_len);
		out->state = e->state;
		memcpy(out->privileges, e->privileges, JZ_PRIVILEGE_BYTES);
		out->present = card->applet[i].present;
	}
	jz_runtime_close(card);
	return err;
}

int
jz_admin_module(const struct jz_applet *sd, unsigned i, struct jz_aid *out)
{
	struct jz_card *card = sd->card;
	size_t n = card->setup.n_classes;
	const struct jz_nvm_file *f;

	memset(out, 0, sizeof(*out));
	if (!may(sd))
		return JZ_ERR_STATE;
	if (i < n) {
		*out = card->setup.classes[i]->aid;
		return 0;
	}
	if (i - n >= JZ_MAX_FILES)
		return JZ_ERR_RANGE;
	jz_runtime_open(card);
	f = &jz_root(card)->file[i - n];
	*out = jz_aid_of(f->module, f->module_len);
	jz_runtime_close(card);
	return out->len == 0 ? JZ_ERR_NOT_FOUND : 0;
}

uint16_t
jz_admin_install(struct jz_applet *sd, const struct jz_install *order)
{
	uint16_t sw;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(sd->card);
	sw = jz_card_install_as(sd->card, order);
	jz_runtime_close(sd->card);
	return sw;
}

/* ---- application life cycle --------------------------------------------- */

/* Writes state and privileges of an entry, in one commit. */
static uint16_t
set_entry(
    struct jz_card *card, unsigned i, uint8_t state, const uint8_t *privileges)
{
	const struct jz_nvm_entry *e = &jz_root(card)->entry[i];
	uint8_t bytes[1 + JZ_PRIVILEGE_BYTES];
	int err;

	bytes[0] = state;
	memcpy(bytes + 1, privileges != NULL ? privileges : e->privileges,
	    JZ_PRIVILEGE_BYTES);
	err = jz_card_write(card, &e->state, bytes, sizeof(bytes));
	jz_registry_rebind(card);
	return jz_runtime_status(err);
}

uint16_t
jz_admin_make_selectable(struct jz_applet *sd, const struct jz_aid *instance,
    const uint8_t *privileges)
{
	struct jz_card *card = sd->card;
	uint16_t sw = JZ_SW_CONDITIONS;
	int i;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(card);
	i = jz_registry_index(card, instance);
	if (i < 0)
		sw = JZ_SW_REFERENCE;
	else if (jz_root(card)->entry[i].state == JZ_APP_INSTALLED)
		sw =
		    set_entry(card, (unsigned)i, JZ_APP_SELECTABLE, privileges);
	jz_runtime_close(card);
	return sw;
}

static uint16_t
lock(struct jz_card *card, const struct jz_applet *sd, int i, bool on)
{
	uint8_t state;

	if (i < 0)
		return JZ_SW_REFERENCE;
	state = jz_root(card)->entry[i].state;
	if (i == sd->index || ((state & JZ_APP_LOCKED) != 0) == on)
		return JZ_SW_CONDITIONS;
	state = on ? state | JZ_APP_LOCKED
		   : state & (uint8_t) ~(unsigned)JZ_APP_LOCKED;
	return set_entry(card, (unsigned)i, state, NULL);
}

uint16_t
jz_admin_lock(struct jz_applet *sd, const struct jz_aid *instance, bool on)
{
	uint16_t sw;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(sd->card);
	sw = lock(sd->card, sd, jz_registry_index(sd->card, instance), on);
	jz_runtime_close(sd->card);
	return sw;
}

/* ---- deletion ----------------------------------------------------------- */

/* The applet itself is asked. */
static uint16_t
ask_uninstall(struct jz_card *card, unsigned i)
{
	struct jz_applet *a = &card->applet[i];
	struct jz_context before;
	uint16_t sw;

	if (!a->present || a->class->uninstall == NULL)
		return JZ_SW_OK;
	before = jz_enter(a, NULL);
	sw = a->class->uninstall(a);
	jz_leave(card, before);
	return sw;
}

/* An applet whose class is absent cannot be asked whether it holds money. */
static uint16_t
may_delete(struct jz_card *card, const struct jz_applet *sd, unsigned i)
{
	if (i == sd->index || !card->applet[i].present ||
	    card->applet[i].entered != 0 || jz_selected_on(card, i, -1))
		return JZ_SW_CONDITIONS;
	return ask_uninstall(card, i);
}

/* Entries by bit mask, and a plug-in when there is one; one commit. */
static uint16_t
delete_all(struct jz_card *card, unsigned mask, struct jz_nvm_file *file)
{
	int e = jz_card_keep(card);

	if (e == 0)
		e = jz_rewrite_begin(card);
	if (e != 0)
		return jz_runtime_status(e);
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if ((mask & 1u << i) != 0) {
			jz_rewrite_remove(card, i);
			jz_registry_unbind(card, i);
		}
	if (file != NULL)
		memset(file, 0, sizeof(*file));
	e = jz_rewrite_commit(card);
	jz_registry_rebind(card);
	return jz_runtime_status(e);
}

static uint16_t
delete_app(struct jz_card *card, const struct jz_applet *sd, unsigned i)
{
	uint16_t sw = may_delete(card, sd, i);

	return sw != JZ_SW_OK ? sw : delete_all(card, 1u << i, NULL);
}

static uint16_t
delete_file(struct jz_card *card, const struct jz_applet *sd,
    struct jz_nvm_file *file, bool related)
{
	struct jz_aid module = jz_aid_of(file->module, file->module_len);
	unsigned mask = 0;
	uint16_t sw;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		const struct jz_nvm_entry *e = &jz_root(card)->entry[i];
		struct jz_aid aid = jz_aid_of(e->module, e->module_len);

		if (e->state == 0 || !jz_aid_equal(&aid, &module))
			continue;
		if (!related)
			return JZ_SW_CONDITIONS;
		if ((sw = may_delete(card, sd, i)) != JZ_SW_OK)
			return sw;
		mask |= 1u << i;
	}
	return delete_all(card, mask, file);
}

static uint16_t
delete_aid(struct jz_card *card, const struct jz_applet *sd,
    const struct jz_aid *aid, bool related)
{
	struct jz_nvm_root *root =
	    (struct jz_nvm_root *)(void *)card->setup.nvm;
	int i = jz_registry_index(card, aid);

	if (i >= 0)
		return delete_app(card, sd, (unsigned)i);
	for (unsigned k = 0; k < JZ_MAX_FILES; k++) {
		struct jz_aid file =
		    jz_aid_of(root->file[k].module, root->file[k].module_len);

		if (file.len != 0 && jz_aid_equal(&file, aid))
			return delete_file(card, sd, &root->file[k], related);
	}
	for (size_t k = 0; k < card->setup.n_classes; k++)
		if (jz_aid_equal(&card->setup.classes[k]->aid, aid))
			return JZ_SW_CONDITIONS;
	return JZ_SW_REFERENCE;
}

uint16_t
jz_admin_delete(struct jz_applet *sd, const struct jz_aid *aid, bool related)
{
	struct jz_card *card = sd->card;
	uint16_t sw;
	int e;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(card);
	/* What uninstall writes is committed with the deletion, or undone. */
	e = jz_card_begin(card);
	sw = jz_runtime_status(e);
	if (e == 0) {
		card->held = true;
		sw = delete_aid(card, sd, aid, related);
		card->held = false;
		jz_card_rollback(card);
	}
	jz_runtime_close(card);
	return sw;
}

/* ---- card life cycle ---------------------------------------------------- */

uint8_t
jz_admin_card_state(const struct jz_applet *sd)
{
	uint8_t state;

	jz_runtime_open(sd->card);
	state = jz_root(sd->card)->state;
	jz_runtime_close(sd->card);
	return state;
}

/* GlobalPlatform 5.1.2: onward, to and fro between SECURED and CARD_LOCKED,
 * and to the end from anywhere. */
static bool
transition(uint8_t from, uint8_t to)
{
	if (from == JZ_CARD_TERMINATED)
		return false;
	switch (to) {
	case JZ_CARD_INITIALIZED:
		return from == JZ_CARD_OP_READY;
	case JZ_CARD_SECURED:
		return from == JZ_CARD_INITIALIZED || from == JZ_CARD_LOCKED;
	case JZ_CARD_LOCKED:
		return from == JZ_CARD_SECURED;
	case JZ_CARD_TERMINATED:
		return true;
	default:
		return false;
	}
}

uint16_t
jz_admin_set_card_state(struct jz_applet *sd, uint8_t state)
{
	struct jz_card *card = sd->card;
	uint16_t sw = JZ_SW_CONDITIONS;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(card);
	if (transition(jz_root(card)->state, state))
		sw = jz_runtime_status(
		    jz_card_write(card, &jz_root(card)->state, &state, 1));
	jz_runtime_close(card);
	return sw;
}

/* ---- personalisation ---------------------------------------------------- */

uint16_t
jz_admin_store_data(
    struct jz_applet *sd, const struct jz_aid *instance, struct jz_apdu *apdu)
{
	struct jz_card *card = sd->card;
	struct jz_context before;
	struct jz_applet *a;
	uint16_t sw = JZ_SW_CONDITIONS;
	int i;

	if (!may(sd))
		return refusal(sd);
	jz_runtime_open(card);
	i = jz_registry_index(card, instance);
	if (i < 0) {
		sw = JZ_SW_REFERENCE;
		goto out;
	}
	a = &card->applet[i];
	if (!a->present || a->class->store_data == NULL || a->entered != 0 ||
	    (a->state & JZ_APP_LOCKED) != 0)
		goto out;
	before = jz_enter(a, NULL);
	sw = a->class->store_data(a, apdu);
	jz_leave(card, before);
	jz_card_rollback(card);
out:
	jz_runtime_close(card);
	return sw;
}

/* ---- statistics --------------------------------------------------------- */

int
jz_admin_region(
    const struct jz_applet *sd, unsigned i, struct jz_region_info *out)
{
	int err;

	if (!may(sd))
		return JZ_ERR_STATE;
	jz_runtime_open(sd->card);
	err = jz_card_region(sd->card, i, out);
	jz_runtime_close(sd->card);
	return err;
}

uint32_t
jz_admin_nvm_free(const struct jz_applet *sd)
{
	uint32_t n;

	jz_runtime_open(sd->card);
	n = jz_card_nvm_free(sd->card);
	jz_runtime_close(sd->card);
	return n;
}

uint32_t
jz_admin_ram_free(const struct jz_applet *sd)
{
	uint32_t n;

	jz_runtime_open(sd->card);
	n = jz_card_ram_free(sd->card);
	jz_runtime_close(sd->card);
	return n;
}
