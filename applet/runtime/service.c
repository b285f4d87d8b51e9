/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the card does for its applets: cryptography, time, and the services
 * that applets offer each other (Java Card 3 JCRE 6.2, shareable interfaces).
 */
#include "internal.h"
#include "../../apdu/time.h"
#include "../../keys/secret.h"

#include <string.h>

const struct jz_engine *
jz_card_engine(const struct jz_applet *self)
{
	return &self->card->setup.engine;
}

int64_t
jz_card_now(const struct jz_applet *self)
{
	const struct jz_chip *chip = self->card->setup.chip;
	int64_t utc = 0;

	if (chip == NULL || chip->now == NULL)
		return JZ_NO_CLOCK;
	if (chip->now(self->card->setup.chip_state, &utc) != 0 || utc <= 0 ||
	    utc > JZ_TIME_LAST)
		return JZ_CLOCK_FAILED;
	return utc;
}

/* JCRE 4.2.2: one of the server's class, which is not multi-selectable, is
 * selected, and it is not the client. */
static bool
in_use(const struct jz_card *card, const struct jz_applet *client,
    const struct jz_applet *server)
{
	if (server->class->multi_selectable)
		return false;
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (card->applet[i].class == server->class &&
		    i != client->index && jz_selected_on(card, i, -1))
			return true;
	return false;
}

/* The server of a call, or why there is none. */
static uint16_t
find_server(struct jz_card *card, const struct jz_applet *client,
    const struct jz_aid *aid, struct jz_applet **out)
{
	int i = jz_registry_index(card, aid);
	struct jz_applet *a;

	if (i < 0)
		return JZ_SW_REFERENCE;
	a = &card->applet[i];
	if (!jz_registry_selectable(card, a))
		return JZ_SW_REFERENCE;
	if (a->class->service == NULL)
		return JZ_SW_FUNCTION;
	if (card->serving || card->rewriting || a == client ||
	    in_use(card, client, a))
		return JZ_SW_CONDITIONS;
	*out = a;
	return JZ_SW_OK;
}

/* The client's memory cannot be reached from the server: both ways are
 * copied. */
static uint16_t
ask(struct jz_applet *client, struct jz_applet *server, uint16_t function,
    struct jz_span in, struct jz_buffer *answer)
{
	struct jz_card *card = client->card;
	bool open = card->setup.journal->open;
	struct jz_context before;
	uint16_t sw;

	card->serving = true;
	before = jz_enter(server, NULL);
	sw = server->class->service(server, &client->aid, function, in, answer);
	jz_leave(card, before);
	card->serving = false;
	if (!open)
		jz_card_rollback(card); /* returned without commit */
	return sw;
}

uint16_t
jz_call(struct jz_applet *self, const struct jz_aid *server, uint16_t function,
    struct jz_span in, struct jz_buffer *out)
{
	struct jz_card *card = self->card;
	uint8_t bytes[JZ_SERVICE_BYTES], question[JZ_SERVICE_BYTES];
	struct jz_buffer answer = jz_buffer(bytes, sizeof(bytes));
	struct jz_applet *to = NULL;
	struct jz_aid name;
	uint16_t sw;

	if (in.len > sizeof(question))
		return JZ_SW_LENGTH;
	if (!jz_may_read(self, server, sizeof(*server)) ||
	    !jz_may_read(self, in.data, in.len) ||
	    !jz_may_write(self, out, sizeof(*out)) ||
	    !jz_may_write(self, out->data, out->cap))
		return jz_runtime_status(jz_refuse_call(self));
	jz_runtime_open(card);
	memcpy(&name, jz_as_runtime(card, server), sizeof(name));
	if (in.len > 0)
		memcpy(question, jz_as_runtime(card, in.data), in.len);
	sw = find_server(card, self, &name, &to);
	if (sw == JZ_SW_OK)
		sw =
		    ask(self, to, function, jz_span(question, in.len), &answer);
	jz_runtime_close(card);
	if (sw == JZ_SW_OK && answer.bad)
		sw = JZ_SW_UNKNOWN;
	if (sw == JZ_SW_OK)
		jz_put(out, bytes, answer.len);
	jz_wipe(question, sizeof(question));
	jz_wipe(bytes, sizeof(bytes));
	return sw;
}
