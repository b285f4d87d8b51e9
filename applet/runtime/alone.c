/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that works without a reader: docs/adr/0014-esign.md.
 *
 *   A1  The display is written, and a key is read, inside jz_card_run() alone;
 *       a command can only make it blank.
 *   A2  Who is alone is told of a new contact before the command that makes it
 *       is looked at.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

#define KEYS_MAX 64 /* at once; more wait for the next run */

static struct jz_applet *
owner(struct jz_card *card)
{
	return card->alone.go_on == NULL ? NULL
					 : &card->applet[card->alone.owner];
}

static void
forget(struct jz_card *card)
{
	jz_wipe(&card->alone, sizeof(card->alone));
}

static void
call(struct jz_card *card, enum jz_event event, enum jz_key key)
{
	struct jz_applet *a = owner(card);
	struct jz_context before = jz_enter(a, NULL);

	card->alone.go_on(a, event, key);
	jz_leave(card, before);
	jz_card_rollback(card);
}

static void
blank(struct jz_card *card)
{
	card->setup.panel->clear(card->setup.panel_state);
}

void
jz_alone_contact(struct jz_card *card)
{
	if (card->alone.go_on == NULL)
		return;
	call(card, JZ_EVENT_CONTACT, JZ_KEY_NONE);
	forget(card);
	blank(card);
}

void
jz_alone_forget(struct jz_card *card, unsigned index)
{
	if (card->alone.go_on == NULL || card->alone.owner != index)
		return;
	forget(card);
	blank(card);
}

/* The next key; those that nobody waits for are not kept. */
static enum jz_key
next_key(struct jz_card *card)
{
	return card->setup.panel->key(card->setup.panel_state);
}

static void
drain(struct jz_card *card)
{
	for (unsigned i = 0; i < KEYS_MAX; i++)
		if (next_key(card) == JZ_KEY_NONE)
			return;
}

static void
go_on(struct jz_card *card)
{
	enum jz_key key;

	if (!card->alone.begun) {
		drain(card);
		card->alone.begun = true;
		call(card, JZ_EVENT_BEGIN, JZ_KEY_NONE);
	}
	for (unsigned i = 0; i < KEYS_MAX && card->alone.go_on != NULL; i++) {
		key = next_key(card);
		if (key == JZ_KEY_NONE)
			break;
		call(card, JZ_EVENT_KEY, key);
	}
	if (card->alone.go_on != NULL)
		call(card, JZ_EVENT_TIMER, JZ_KEY_NONE);
}

bool
jz_card_run(struct jz_card *card)
{
	if (card->setup.panel == NULL)
		return false;
	if (card->dead || !card->powered) {
		forget(card);
		blank(card);
		return false;
	}
	if (card->alone.go_on == NULL) {
		drain(card);
		return false;
	}
	/* The answer is not out yet. */
	if (card->rest_len > 0)
		return true;
	/* Locked since. */
	if (!jz_registry_selectable(card, owner(card))) {
		jz_alone_contact(card);
		return false;
	}
	card->alone.running = true;
	go_on(card);
	card->alone.running = false;
	return card->alone.go_on != NULL;
}

/* ---- what applets call -------------------------------------------------- */

bool
jz_is_alone(const struct jz_applet *self)
{
	const struct jz_alone *a = &self->card->alone;

	return a->go_on != NULL && a->owner == self->index;
}

/* Commands alone: an install or a service has no answer to wait for. */
int
jz_alone_begin(struct jz_applet *self, jz_alone_fn *handler)
{
	struct jz_card *card = self->card;

	if (card->setup.panel == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (card->running != self || card->serving || card->alone.running ||
	    card->installing != JZ_NO_APPLET)
		return JZ_ERR_STATE;
	forget(card);
	card->alone.owner = self->index;
	card->alone.go_on = handler;
	return 0;
}

void
jz_alone_end(struct jz_applet *self)
{
	bool running = self->card->alone.running;

	if (!jz_is_alone(self))
		return;
	forget(self->card);
	/* What is left on the display may say why. */
	self->card->alone.running = running;
}

int
jz_standby_read(const struct jz_applet *self, void *out, size_t len)
{
	if (!jz_may_write(self, out, len))
		return JZ_ERR_ARGUMENT;
	memset(out, 0, len);
	if (!jz_is_alone(self))
		return JZ_ERR_STATE;
	if (len > JZ_STANDBY_BYTES)
		return JZ_ERR_RANGE;
	memcpy(out, self->card->alone.standby, len);
	return 0;
}

int
jz_standby_write(struct jz_applet *self, const void *src, size_t len)
{
	if (!jz_is_alone(self))
		return JZ_ERR_STATE;
	if (len > JZ_STANDBY_BYTES)
		return JZ_ERR_RANGE;
	if (!jz_may_read(self, src, len))
		return JZ_ERR_ARGUMENT;
	memcpy(self->card->alone.standby, src, len);
	return 0;
}

unsigned
jz_panel_lines(const struct jz_applet *self)
{
	const struct jz_panel *p = self->card->setup.panel;

	return p == NULL ? 0 : p->lines;
}

unsigned
jz_panel_columns(const struct jz_applet *self)
{
	const struct jz_panel *p = self->card->setup.panel;

	return p == NULL ? 0 : p->columns;
}

/* A1, whatever the applet: also one that has just ended. */
static bool
may_show(const struct jz_applet *self)
{
	return self->card->alone.running && self->card->running == self;
}

int
jz_show(struct jz_applet *self, unsigned line, struct jz_span text)
{
	const struct jz_panel *p = self->card->setup.panel;

	if (!may_show(self))
		return JZ_ERR_STATE;
	if (line >= p->lines || text.len > JZ_PANEL_LINE_BYTES)
		return JZ_ERR_RANGE;
	if (!jz_may_read(self, text.data, text.len))
		return JZ_ERR_ARGUMENT;
	p->show(self->card->setup.panel_state, line, text);
	return 0;
}

int
jz_show_clear(struct jz_applet *self)
{
	if (!may_show(self))
		return JZ_ERR_STATE;
	blank(self->card);
	return 0;
}

int
jz_sound(struct jz_applet *self)
{
	const struct jz_panel *p = self->card->setup.panel;

	if (!may_show(self))
		return JZ_ERR_STATE;
	if (p->sound != NULL)
		p->sound(self->card->setup.panel_state);
	return 0;
}

uint32_t
jz_panel_seconds(const struct jz_applet *self)
{
	const struct jz_panel *p = self->card->setup.panel;

	return p == NULL ? 0 : p->seconds(self->card->setup.panel_state);
}
