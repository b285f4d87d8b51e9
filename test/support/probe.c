/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applets that do what a test tells them.
 */
#include "probe.h"
#include "../../apdu/apdu.h"
#include "../../apdu/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define INS_MANAGE_CHANNEL 0x70

struct probe probe;

void
probe_reset(void)
{
	memset(&probe, 0, sizeof(probe));
}

void
probe_expect(const char *trace)
{
	assert_string_equal(probe.trace, trace);
	probe.len = 0;
	probe.trace[0] = '\0';
}

void
probe_refuse(char event, uint16_t sw)
{
	probe.hook = NULL;
	probe.refused = event;
	probe.refusal = sw;
}

static char
name_of(const struct jz_aid *aid)
{
	return aid->len == 0 ? '?' : (char)aid->bytes[aid->len - 1];
}

static void
note(const struct jz_applet *self, char event, const struct jz_apdu *apdu)
{
	char *at = probe.trace + probe.len;
	size_t room = sizeof(probe.trace) - probe.len;
	int n;

	if (apdu != NULL && event != PROBE_STORE)
		n = snprintf(at, room, "%c%c%u ", event, name_of(&self->aid),
		    apdu->channel);
	else
		n = snprintf(at, room, "%c%c ", event, name_of(&self->aid));
	if (n > 0 && (size_t)n < room)
		probe.len += (size_t)n;
	else
		*at = '\0'; /* more than any test expects */
}

/* Writes the call down and asks the test; 0: as usual. */
static uint16_t
ask(struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	note(self, event, apdu);
	if (probe.hook != NULL)
		return probe.hook(self, event, apdu, in);
	return event == probe.refused ? probe.refusal : 0;
}

/* ---- the class's functions ---------------------------------------------- */

uint16_t
probe_on_install(struct jz_applet *self, struct jz_span params)
{
	const struct probe_nvm *n = self->nvm;
	uint16_t sw = ask(self, PROBE_INSTALL, NULL, params);

	if (sw != 0)
		return sw;
	if (params.len > 0)
		jz_write_u32(self, &n->value, params.data[0]);
	return JZ_SW_OK;
}

uint16_t
probe_on_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint16_t sw = ask(self, PROBE_SELECT, apdu, jz_span(NULL, 0));

	if (sw != 0)
		return sw;
	jz_put_u8(&apdu->out, (uint8_t)name_of(&self->aid));
	return apdu->selecting ? JZ_SW_OK : JZ_SW_UNKNOWN;
}

void
probe_on_deselect(struct jz_applet *self)
{
	(void)ask(self, PROBE_DESELECT, NULL, jz_span(NULL, 0));
}

static uint16_t
obey(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct probe_nvm *n = self->nvm;
	const struct jz_command *c = &apdu->command;
	unsigned number = (unsigned)c->p1 << 8 | c->p2;

	switch (c->ins) {
	case PROBE_WHO:
		jz_put(&apdu->out, self->aid.bytes, self->aid.len);
		return JZ_SW_OK;
	case PROBE_MEMORY:
		jz_put(&apdu->out, self->cor, PROBE_RAM_BYTES);
		jz_put(&apdu->out, self->cod, PROBE_RAM_BYTES);
		return JZ_SW_OK;
	case PROBE_MARK:
		memset(self->cor, c->p1, PROBE_RAM_BYTES);
		memset(self->cod, c->p2, PROBE_RAM_BYTES);
		return JZ_SW_OK;
	case PROBE_WRITE:
		jz_write_u32(self, &n->value, c->p1);
		return jz_runtime_status(
		    jz_fill(self, n->fill, c->p1, PROBE_FILL_BYTES));
	case PROBE_PATTERN:
		for (size_t i = 0; i < number; i++)
			jz_put_u8(&apdu->out, probe_pattern(i));
		return JZ_SW_OK;
	case PROBE_STATUS:
		jz_put(&apdu->out, c->data.data, c->data.len);
		return (uint16_t)number;
	default:
		return JZ_SW_INS;
	}
}

uint16_t
probe_on_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct probe_nvm *n = self->nvm;
	uint16_t sw = ask(self, PROBE_PROCESS, apdu, jz_span(NULL, 0));

	if (sw != 0)
		return sw;
	jz_write_u32(self, &n->count, n->count + 1);
	return obey(self, apdu);
}

uint16_t
probe_on_uninstall(struct jz_applet *self)
{
	uint16_t sw = ask(self, PROBE_UNINSTALL, NULL, jz_span(NULL, 0));

	return sw != 0 ? sw : JZ_SW_OK;
}

uint16_t
probe_on_store(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint16_t sw = ask(self, PROBE_STORE, apdu, apdu->command.data);

	return sw != 0 ? sw : JZ_SW_OK;
}

/* The old struct's value and count; a status word from the test refuses. */
int
probe_on_upgrade(struct jz_applet *self, uint16_t from, struct jz_span old)
{
	const struct probe_nvm *n = self->nvm;
	const struct probe_nvm *was =
	    (const struct probe_nvm *)(const void *)old.data;
	uint16_t sw = ask(self, PROBE_UPGRADE, NULL, old);

	if (from == 0 || old.len < offsetof(struct probe_nvm, fill))
		return JZ_ERR_ARGUMENT;
	if (sw != 0)
		return sw == JZ_SW_OK ? 0 : JZ_ERR_STATE;
	jz_write_u32(self, &n->count, was->count);
	return jz_write_u32(self, &n->value, was->value);
}

uint16_t
probe_on_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out)
{
	const struct probe_nvm *n = self->nvm;
	uint16_t sw = ask(self, PROBE_SERVICE, NULL, in);

	if (sw != 0)
		return sw;
	jz_put_u8(out, (uint8_t)name_of(client));
	return jz_runtime_status(jz_write_u32(self, &n->value, function));
}

const struct jz_applet_class probe_single = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "single",
    .aid = {6, {0xF0, 'P', 'R', 'B', 'M', '1'}},
    PROBE_MEMORIES,
    PROBE_FUNCTIONS,
};
const struct jz_applet_class probe_multi = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "multi",
    .aid = {6, {0xF0, 'P', 'R', 'B', 'M', 'N'}},
    .multi_selectable = true,
    PROBE_MEMORIES,
    PROBE_FUNCTIONS,
};
static const struct jz_applet_class *const CLASSES[] = {
    &probe_single, &probe_multi};

/* ---- cards -------------------------------------------------------------- */

void
probe_format(struct rig_card *c)
{
	jz_card_close(&c->card);
	assert_int_equal(jz_card_format(&c->card, &c->setup), 0);
}

struct rig_card *
probe_card_new(struct rig *rig, uint8_t protocol)
{
	struct rig_card *c = rig_card_new(rig, NULL, 0, true);

	c->setup.classes = CLASSES;
	c->setup.n_classes = sizeof(CLASSES) / sizeof(CLASSES[0]);
	c->setup.protocol = protocol;
	probe_format(c);
	return c;
}

struct jz_aid
probe_aid(char name)
{
	return (struct jz_aid){6, {0xF0, 'P', 'R', 'O', 'B', (uint8_t)name}};
}

struct jz_applet *
probe_find(struct rig_card *c, char name)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++) {
		struct jz_applet *a = &c->card.applet[i];

		if (a->present && name_of(&a->aid) == name)
			return a;
	}
	return NULL;
}

struct jz_applet *
probe_add_privileged(struct rig_card *c, const struct jz_applet_class *class,
    char name, uint8_t privileges)
{
	struct jz_install order = {.module = class->aid,
	    .instance = probe_aid(name),
	    .privileges = {privileges},
	    .selectable = true};
	struct jz_applet *a;

	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	a = probe_find(c, name);
	assert_non_null(a);
	return a;
}

struct jz_applet *
probe_add(struct rig_card *c, const struct jz_applet_class *class, char name)
{
	return probe_add_privileged(c, class, name, 0);
}

/* ---- commands ----------------------------------------------------------- */

uint16_t
probe_send(struct rig_card *c, unsigned channel, uint8_t ins, uint8_t p1,
    uint8_t p2, struct answer *out)
{
	const uint8_t cmd[] = {
	    jz_cla_on_channel(0x00, channel), ins, p1, p2, 0x00};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), out);
}

uint16_t
probe_choose(struct rig_card *c, unsigned channel, char name)
{
	const struct jz_aid aid = probe_aid(name);
	uint8_t cmd[4 + 1 + JZ_AID_MAX + 1];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));

	jz_put_u8(&b, jz_cla_on_channel(0x00, channel));
	jz_put(&b, "\xA4\x04\x00", 3);
	jz_put_u8(&b, aid.len);
	jz_put(&b, aid.bytes, aid.len);
	jz_put_u8(&b, 0);
	return port_raw(&c->port, jz_buffer_span(&b), NULL);
}

char
probe_who(struct rig_card *c, unsigned channel)
{
	struct answer a;
	uint16_t sw = probe_send(c, channel, PROBE_WHO, 0, 0, &a);

	if (sw == JZ_SW_CHANNEL)
		return PROBE_CLOSED;
	if (sw == JZ_SW_NO_EF)
		return PROBE_NOTHING;
	assert_int_equal(sw, JZ_SW_OK);
	assert_true(a.len > 0);
	return (char)a.data[a.len - 1];
}

uint16_t
probe_manage(struct rig_card *c, unsigned on, uint8_t p1, unsigned p2,
    struct answer *out)
{
	const uint8_t cmd[] = {jz_cla_on_channel(0x00, on), INS_MANAGE_CHANNEL,
	    p1, (uint8_t)p2, 0x01};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), out);
}

unsigned
probe_open(struct rig_card *c, unsigned on)
{
	struct answer a;

	assert_int_equal(probe_manage(c, on, PROBE_OPEN, 0, &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
	return a.data[0];
}

unsigned
probe_channels(struct rig_card *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		n += probe_who(c, i) != PROBE_CLOSED;
	return n;
}
