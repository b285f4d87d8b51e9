/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a virtual card cheap: an engine and a transaction shared with
 * others, and no more memory than its applets need.
 */
#include "virtual_card.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../keys/openssl/openssl.h"
#include "../keys/secret.h"

/* Transient memory of a compact card: each applet selected on two channels, if
 * it can be. */
#define COMPACT_CHANNELS 2u
#define WORD		 sizeof(uint64_t)
_Static_assert(WORD == JZ_REGION_ALIGN, "a region begins on a word");

/* Pages of most systems; a strict card's memory is whole ones. */
#define STRICT_ALIGN 4096u

_Static_assert(JZ_VIRTUAL_SEED_BYTES == JZ_SEED_BYTES, "one seed");

static uint32_t
align(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

void
jz_virtual_compact(uint32_t *nvm_bytes, uint32_t *ram_bytes)
{
	*nvm_bytes =
	    align(sizeof(struct jz_nvm_root), WORD) + JZ_LOG_SLACK_BYTES;
	*ram_bytes = 0;
	for (size_t i = 0; i < JZ_VIRTUAL_INSTALLED; i++) {
		const struct jz_applet_class *c = jz_virtual_classes[i];

		*nvm_bytes += align(c->nvm_bytes, WORD);
		*ram_bytes += align(c->cor_bytes, WORD) +
		    (c->multi_selectable ? COMPACT_CHANNELS : 1) *
			align(c->cod_bytes, WORD);
	}
}

/* JZ_ERR_ARGUMENT: the system's pages are larger than those sizes. */
static int
guard_memory(struct jz_virtual *v, struct jz_card_setup *setup)
{
	int e;

	memset(v->memory, 0, v->nvm_bytes + v->ram_bytes);
	v->guard = calloc(1, sizeof(*v->guard));
	if (v->guard == NULL)
		return JZ_ERR_MEMORY;
	e = jz_page_guard_init(v->guard, setup->nvm, setup->nvm_bytes,
	    setup->ram, setup->ram_bytes);
	if (e != 0)
		return e;
	setup->guard = &v->guard->guard;
	setup->guard_state = v->guard;
	return 0;
}

int
jz_virtual_memory(struct jz_virtual *v, uint32_t nvm_bytes, uint32_t ram_bytes,
    struct jz_card_setup *setup)
{
	jz_virtual_memory_free(v);
	nvm_bytes = align(nvm_bytes, v->strict ? STRICT_ALIGN : WORD);
	ram_bytes = align(ram_bytes, v->strict ? STRICT_ALIGN : WORD);
	v->memory = v->strict
	    ? aligned_alloc(STRICT_ALIGN, nvm_bytes + ram_bytes)
	    : calloc((nvm_bytes + ram_bytes) / WORD, WORD);
	if (v->memory == NULL)
		return JZ_ERR_MEMORY;
	v->nvm_bytes = nvm_bytes;
	v->ram_bytes = ram_bytes;
	setup->nvm = (uint8_t *)v->memory;
	setup->nvm_bytes = nvm_bytes;
	setup->ram = setup->nvm + nvm_bytes;
	setup->ram_bytes = ram_bytes;
	return v->strict ? guard_memory(v, setup) : 0;
}

void
jz_virtual_memory_free(struct jz_virtual *v)
{
	if (v->guard != NULL)
		jz_page_guard_end(v->guard);
	free(v->guard);
	v->guard = NULL;
	if (v->memory != NULL)
		jz_wipe(v->memory, v->nvm_bytes + v->ram_bytes);
	free(v->memory);
	v->memory = NULL;
	v->nvm_bytes = 0;
	v->ram_bytes = 0;
}

/* Of a seed, or of none. */
static int
new_pool(const uint8_t *seed, int64_t now, struct jz_virtual_pool **out)
{
	struct jz_virtual_pool *p = calloc(1, sizeof(*p));

	*out = p;
	if (p == NULL)
		return JZ_ERR_MEMORY;
	p->now = now;
	p->seeded = seed != NULL;
	if (seed != NULL)
		memcpy(p->seed, seed, sizeof(p->seed));
	return 0;
}

static int
new_engine(
    const struct jz_virtual_pool *p, enum jz_suite suite, struct jz_engine *out)
{
	return p->seeded ? jz_openssl_new_seeded(suite, p->seed, out)
			 : jz_openssl_new(suite, out);
}

int
jz_virtual_engine(
    struct jz_virtual *v, enum jz_suite suite, struct jz_card_setup *setup)
{
	struct jz_engine *free = NULL;
	int e;

	v->engine = NULL;
	for (size_t i = 0; i < JZ_SUITES && v->engine == NULL; i++) {
		struct jz_engine *engine = &v->pool->engine[i];

		if (engine->crypto == NULL)
			free = engine;
		else if (engine->crypto->suite == suite)
			v->engine = engine;
	}
	if (v->engine == NULL) {
		if (free == NULL)
			return JZ_ERR_UNSUPPORTED;
		if ((e = new_engine(v->pool, suite, free)) != 0)
			return e;
		if (free->crypto == NULL)
			return JZ_ERR_INTERNAL;
		v->engine = free;
	}
	setup->engine = *v->engine;
	return v->engine->crypto->random(
	    v->engine->state, v->mark, sizeof(v->mark));
}

int
jz_virtual_pool_new(struct jz_virtual_pool **out)
{
	return new_pool(NULL, 0, out);
}

int
jz_virtual_pool_new_seeded(const uint8_t seed[static JZ_VIRTUAL_SEED_BYTES],
    int64_t now, struct jz_virtual_pool **out)
{
	return new_pool(seed, now, out);
}

void
jz_virtual_pool_set_time(struct jz_virtual_pool *pool, int64_t now)
{
	pool->now = now;
}

void
jz_virtual_pool_free(struct jz_virtual_pool **pool)
{
	struct jz_virtual_pool *p;

	if (pool == NULL || *pool == NULL)
		return;
	p = *pool;
	*pool = NULL;
	for (size_t i = 0; i < JZ_SUITES; i++)
		jz_openssl_free(&p->engine[i]);
	jz_wipe(p, sizeof(*p));
	free(p);
}
