/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of virtual cards, and cards made from them.
 */
#include "virtual_card.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../keys/secret.h"

struct jz_virtual_snapshot {
	uint8_t mark[JZ_VIRTUAL_MARK_BYTES]; /* of the card */
	enum jz_suite suite;
	uint32_t nvm_bytes, ram_bytes;
	struct jz_plugs *plugs; /* of the card; NULL: it has none */
	size_t words;
	uint64_t state[]; /* as jz_card_save wrote it */
};

int
jz_virtual_save(const struct jz_virtual *v, struct jz_virtual_snapshot **out)
{
	struct jz_virtual_snapshot *s;
	size_t words;

	*out = NULL;
	if (!v->card.powered)
		return JZ_ERR_CARD_DEAD;
	words = (jz_card_snapshot_bytes(&v->card) + sizeof(uint64_t) - 1) /
	    sizeof(uint64_t);
	s = calloc(1, sizeof(*s) + words * sizeof(s->state[0]));
	*out = s;
	if (s == NULL)
		return JZ_ERR_MEMORY;
	memcpy(s->mark, v->mark, sizeof(s->mark));
	s->suite = v->engine->crypto->suite;
	s->nvm_bytes = v->nvm_bytes;
	s->ram_bytes = v->ram_bytes;
	s->words = words;
	s->plugs = jz_plugs_share(v->plugs);
	jz_card_save(&v->card, s->state);
	return 0;
}

void
jz_virtual_snapshot_free(struct jz_virtual_snapshot **snapshot)
{
	struct jz_virtual_snapshot *s;

	if (snapshot == NULL || *snapshot == NULL)
		return;
	s = *snapshot;
	*snapshot = NULL;
	jz_plugs_free(&s->plugs);
	jz_wipe(s, sizeof(*s) + s->words * sizeof(s->state[0]));
	free(s);
}

int
jz_virtual_restore(struct jz_virtual *v, const struct jz_virtual_snapshot *s)
{
	if (memcmp(s->mark, v->mark, sizeof(s->mark)) != 0)
		return JZ_ERR_ARGUMENT;
	/* Without storage there is nothing to write. */
	return jz_card_rewind(&v->card, s->state);
}

void
jz_virtual_bring_back(struct jz_virtual *v, const struct jz_card_setup *setup,
    const struct jz_virtual_snapshot *s)
{
	v->card.setup = *setup;
	jz_card_restore(&v->card, s->state);
}

/* The plug-ins of the card that the snapshot was taken of. */
static int
adopt(struct jz_virtual *v, const struct jz_virtual_snapshot *s)
{
	struct jz_plugs *own = NULL;
	int e;

	if (s->plugs == NULL)
		return 0;
	if ((e = jz_virtual_plugs(v, &own)) != 0)
		return e;
	return jz_plugs_adopt(own, s->plugs);
}

int
jz_virtual_fork_into(struct jz_virtual *v, const struct jz_card_setup *setup,
    const struct jz_virtual_snapshot *s)
{
	int e = adopt(v, s);

	return e != 0 ? e : jz_card_fork(&v->card, setup, s->state);
}

static int
fork_card(const struct jz_virtual_options *o, struct jz_virtual *v,
    const struct jz_virtual_snapshot *s, struct jz_card_setup *setup)
{
	int e;

	if ((e = jz_virtual_engine(v, s->suite, setup)) != 0 ||
	    (e = jz_virtual_memory(v, s->nvm_bytes, s->ram_bytes, setup)) !=
		0 ||
	    (e = jz_virtual_storage(o, v, setup)) != 0 ||
	    (e = jz_virtual_fork_into(v, setup, s)) != 0)
		return e;
	return v->file == NULL ? 0 : jz_file_publish(v->file);
}

int
jz_virtual_fork(const struct jz_virtual_options *o,
    const struct jz_virtual_snapshot *s, struct jz_virtual **out)
{
	struct jz_card_setup setup;
	struct jz_virtual *v = NULL;
	int e;

	if ((e = jz_virtual_begin(o, &v, &setup)) == 0)
		e = fork_card(o, v, s, &setup);
	return jz_virtual_end(e, v, &setup, out);
}
