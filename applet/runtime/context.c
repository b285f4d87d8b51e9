/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code runs: Java Card 3 JCRE 6, contexts and the applet firewall.
 *
 * The runtime enters an applet around every call of its code.  In strict mode
 * the memory protection unit then leaves the applet its own memory; what the
 * applet calls of the runtime opens the rest for as long as it works.
 */
#include "internal.h"

static void
limit(struct jz_card *card, const struct jz_applet *a)
{
	const struct jz_guard *g = card->setup.guard;
	const struct jz_applet_class *c = a->class;

	g->limit(card->setup.guard_state, jz_span(a->nvm, a->nvm_bytes),
	    jz_span(a->cor, a->cor == NULL ? 0 : c->cor_bytes),
	    jz_span(a->cod, a->cod == NULL ? 0 : c->cod_bytes));
}

void
jz_runtime_open(struct jz_card *card)
{
	if (card->setup.guard != NULL && card->running != NULL)
		card->setup.guard->open(card->setup.guard_state);
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
	jz_runtime_close(card);
	return before;
}

void
jz_leave(struct jz_card *card, struct jz_context before)
{
	jz_runtime_open(card);
	card->running->entered--;
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
