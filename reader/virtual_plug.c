/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins of virtual cards: what the host side may know of
 * applet/virtual/plugs.h.
 */
#include "virtual_card.h"

#include <string.h>

#include "../apdu/error.h"

_Static_assert(JZ_VIRTUAL_AID_MAX == JZ_AID_MAX, "an AID");

int
jz_virtual_plugs(struct jz_virtual *v, struct jz_plugs **out)
{
	const char *path = v->name + sizeof(JZ_VIRTUAL_SCHEME) - 1;
	int e = 0;

	if (v->plugs == NULL)
		e = jz_plugs_new(
		    v->engine, v->file == NULL ? NULL : path, &v->plugs);
	*out = v->plugs;
	return e;
}

const struct jz_applet_class *
jz_virtual_find_plug(void *virtual, const struct jz_aid *module,
    const uint8_t hash[static JZ_FILE_HASH_BYTES])
{
	struct jz_plugs *plugs = NULL;

	if (jz_virtual_plugs(virtual, &plugs) != 0)
		return NULL;
	return jz_plugs_find(plugs, module, hash);
}

int
jz_virtual_plug(struct jz_virtual *v, const char *path,
    uint8_t aid[static JZ_VIRTUAL_AID_MAX], size_t *aid_len)
{
	const struct jz_card_setup setup = v->card.setup;
	struct jz_virtual_snapshot *before = NULL;
	struct jz_plugs *plugs = NULL;
	struct jz_aid module = {0};
	int e;

	memset(aid, 0, JZ_VIRTUAL_AID_MAX);
	*aid_len = 0;
	if ((e = jz_virtual_plugs(v, &plugs)) != 0 ||
	    (e = jz_virtual_save(v, &before)) != 0)
		return e;
	e = jz_plugs_add(plugs, &v->card, path, &module);
	/* The runtime has closed the card and stored nothing. */
	if (e != 0 && !v->card.powered)
		jz_virtual_bring_back(v, &setup, before);
	jz_virtual_snapshot_free(&before);
	if (e != 0)
		return e;
	memcpy(aid, module.bytes, module.len);
	*aid_len = module.len;
	return 0;
}

bool
jz_virtual_problem(
    const struct jz_virtual *v, unsigned i, struct jz_virtual_problem *out)
{
	const struct jz_plugs_problem *p =
	    v->plugs == NULL ? NULL : jz_plugs_problem(v->plugs, i);

	memset(out, 0, sizeof(*out));
	if (p == NULL)
		return false;
	memcpy(out->aid, p->module.bytes, p->module.len);
	out->aid_len = p->module.len;
	out->error = p->error;
	return true;
}
