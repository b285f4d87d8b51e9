/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code runs: Java Card 3 JCRE 6, contexts and the applet firewall.
 *
 * The runtime enters an applet around every call of its code.  In strict mode
 * the memory protection unit then leaves the applet its own memory; what the
 * applet calls of the runtime opens the rest for as long as it works.
 *
 * Where the guard shows applets the memory at a place of their own, the
 * pointers of an applet lead there while it is entered, and to the runtime's
 * place otherwise.  A pointer that an applet hands to the runtime may be of
 * either.
 */
#include "internal.h"

/* ---- the two places of a byte ------------------------------------------- */

static bool
shift(uintptr_t *p, const uint8_t *from, const uint8_t *to, uint32_t bytes)
{
	uintptr_t at = *p - (uintptr_t)from;

	if (to == NULL || from == NULL || at >= bytes)
		return false;
	*p = (uintptr_t)to + at;
	return true;
}

void *
jz_as_runtime(const struct jz_card *card, const void *p)
{
	const struct jz_card_setup *s = &card->setup;
	uintptr_t at = (uintptr_t)p;

	if (s->guard != NULL &&
	    !shift(&at, s->guard->nvm, s->nvm, s->nvm_bytes))
		(void)shift(&at, s->guard->ram, s->ram, s->ram_bytes);
	return (void *)at;
}

void *
jz_as_applet(const struct jz_card *card, const void *p)
{
	const struct jz_card_setup *s = &card->setup;
	uintptr_t at = (uintptr_t)p;

	if (s->guard != NULL &&
	    !shift(&at, s->nvm, s->guard->nvm, s->nvm_bytes))
		(void)shift(&at, s->ram, s->guard->ram, s->ram_bytes);
	return (void *)at;
}

const void *
jz_as_seen(const struct jz_card *card, const void *p)
{
	return card->running != NULL ? jz_as_applet(card, p)
				     : jz_as_runtime(card, p);
}

static void
show_as_runtime(struct jz_applet *a)
{
	a->nvm = jz_as_runtime(a->card, a->nvm);
	a->cor = jz_as_runtime(a->card, a->cor);
	a->cod = jz_as_runtime(a->card, a->cod);
}

void
jz_show_as_applet(struct jz_applet *a)
{
	a->nvm = jz_as_applet(a->card, a->nvm);
	a->cor = jz_as_applet(a->card, a->cor);
	a->cod = jz_as_applet(a->card, a->cod);
}

/* ---- entering and leaving ----------------------------------------------- */

static void
limit(struct jz_card *card, const struct jz_applet *a)
{
	const struct jz_guard *g = card->setup.guard;
	const struct jz_applet_class *c = a->class;

	const struct jz_limits open = {
	    .nvm = jz_span(a->nvm, a->nvm_bytes),
	    .old = jz_span(jz_as_applet(card, card->old.data), card->old.len),
	    .cor = jz_span(a->cor, a->cor == NULL ? 0 : c->cor_bytes),
	    .cod = jz_span(a->cod, a->cod == NULL ? 0 : c->cod_bytes),
	};

	g->limit(card->setup.guard_state, &open);
}

void
jz_runtime_open(struct jz_card *card)
{
	const struct jz_guard *g = card->setup.guard;

	if (g != NULL && g->open != NULL && card->running != NULL)
		g->open(card->setup.guard_state);
}

void
jz_runtime_close(struct jz_card *card)
{
	if (card->setup.guard != NULL && card->running != NULL)
		limit(card, card->running);
}

struct jz_context
jz_enter(struct jz_applet *a, void *cod)
{
	struct jz_card *card = a->card;
	struct jz_context before = {card->running, NULL};

	if (card->running != NULL)
		before.cod = card->running->cod;
	a->cod = cod;
	a->entered++;
	card->running = a;
	jz_show_as_applet(a);
	jz_runtime_close(card);
	return before;
}

void
jz_leave(struct jz_card *card, struct jz_context before)
{
	jz_runtime_open(card);
	if (--card->running->entered == 0)
		show_as_runtime(card->running);
	card->running = before.applet;
	if (before.applet != NULL)
		before.applet->cod = before.cod;
}

void *
jz_channel_cod(const struct jz_card *card, unsigned channel)
{
	const struct jz_channel_state *c = &card->channel[channel];

	return c->cod_bytes == 0 ? NULL : card->setup.ram + c->cod_at;
}
