/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's side of a secure channel: Amendment D 6.2, 7.1.1 (INITIALIZE
 * UPDATE), 7.1.2 (EXTERNAL AUTHENTICATE).
 *
 * A session belongs to a logical channel and lives in its CLEAR_ON_DESELECT
 * memory.  It ends with deselection, reset, the next INITIALIZE UPDATE, and
 * whatever is wrong with secure messaging; a command that is refused for
 * another reason does not end it.
 */
#include "manager.h"
#include "../../apdu/error.h"
#include "../../keys/secret.h"

#include <string.h>

/* The longest data of a command, with their protection; what is left of the
 * answer's memory beside them is for the answer. */
#define PROTECTED_MAX (2048u + JZ_KEY_BYTES + JZ_SCP03_MAC_BYTES)
#define ANSWER_ROOM   232u

_Static_assert(PROTECTED_MAX + ANSWER_ROOM <= JZ_CARD_RESPONSE_MAX,
    "a command and its answer");

void
manager_end_session(struct jz_applet *self)
{
	jz_wipe(manager_cod(self), sizeof(struct manager_cod));
}

/* One answer to everything that is wrong with secure messaging: GlobalPlatform
 * 10.6, 11.1.3. */
static uint16_t
unwrap_status(int error)
{
	return error == JZ_ERR_SIGNATURE || error == JZ_ERR_DECRYPT
	    ? JZ_SW_SECURITY
	    : JZ_SW_UNKNOWN;
}

/* The counter goes on, durably, before a challenge is made from it: never is
 * one made twice. */
static uint16_t
next_sequence(struct jz_applet *self, uint8_t out[JZ_SCP03_SEQUENCE_BYTES])
{
	const struct manager_nvm *p = manager_nvm(self);
	int err;

	if (p->sequence >= JZ_MANAGER_SEQUENCE_MAX)
		return JZ_SW_CONDITIONS;
	err = jz_write_u32(self, &p->sequence, p->sequence + 1);
	jz_set_be(out, JZ_SCP03_SEQUENCE_BYTES, p->sequence);
	return jz_runtime_status(err);
}

static uint16_t
begin(struct jz_applet *self, const struct manager_set *set,
    const uint8_t *host_challenge, const uint8_t *sequence,
    struct jz_buffer *out)
{
	const struct jz_engine *e = jz_card_engine(self);
	struct manager_cod *cod = manager_cod(self);
	uint8_t challenge[JZ_SCP03_CHALLENGE_BYTES];

	if (jz_scp03_challenge(e, &set->keys, sequence,
		jz_span(self->aid.bytes, self->aid.len), challenge) != 0 ||
	    jz_scp03_start(
		e, &set->keys, host_challenge, challenge, &cod->channel) != 0)
		return JZ_SW_UNKNOWN;
	memcpy(cod->dek, set->keys.dek, sizeof(cod->dek));
	cod->phase = MANAGER_BEGUN;
	jz_put(out, manager_nvm(self)->kdd, JZ_GP_KDD_BYTES);
	jz_put_u8(out, set->kvn);
	jz_put_u8(out, JZ_GP_SCP03);
	jz_put_u8(out, JZ_SCP03_PARAMETER);
	jz_put(out, challenge, sizeof(challenge));
	jz_put(out, cod->channel.card_cryptogram,
	    sizeof(cod->channel.card_cryptogram));
	jz_put(out, sequence, JZ_SCP03_SEQUENCE_BYTES);
	return JZ_SW_OK;
}

uint16_t
manager_initialize_update(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	const struct manager_set *set = manager_find_set(self, c->p1);
	uint8_t sequence[JZ_SCP03_SEQUENCE_BYTES];
	uint16_t sw;

	manager_end_session(self);
	if (set == NULL)
		return JZ_SW_REFERENCE;
	if ((sw = next_sequence(self, sequence)) != JZ_SW_OK)
		return sw;
	return begin(self, set, c->data.data, sequence, &apdu->out);
}

/* C-MAC alone, with C-ENC, with R-MAC, with both, with R-ENC as well. */
static bool
level_exists(uint8_t level)
{
	switch (level) {
	case 0x01:
	case 0x03:
	case 0x11:
	case 0x13:
	case 0x33:
		return true;
	default:
		return false;
	}
}

uint16_t
manager_external_authenticate(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct manager_cod *cod = manager_cod(self);
	struct jz_command *c = &apdu->command;
	uint8_t level = c->p1, clear[JZ_SCP03_CHALLENGE_BYTES];
	struct jz_buffer room = jz_buffer(clear, sizeof(clear));
	int err;

	if (cod->phase != MANAGER_BEGUN)
		return JZ_SW_CONDITIONS;
	if (!level_exists(level))
		return JZ_SW_P1P2;
	/* Before the MAC, which a wrong key makes wrong too. */
	if (!jz_equal_secret(c->data.data, cod->channel.host_cryptogram,
		sizeof(cod->channel.host_cryptogram)))
		return JZ_SW_WARNING;
	err = jz_scp03_unwrap(jz_card_engine(self), &cod->channel, c, &room);
	if (err != 0)
		return unwrap_status(err);
	c->data = jz_span(NULL, 0);
	/* The first command after this one has the number 1 (6.2.6). */
	cod->channel.counter = 0;
	cod->channel.level = level;
	cod->phase = MANAGER_OPEN;
	return JZ_SW_OK;
}

/*
 * The clear data stand at the end of the answer's memory for as long as the
 * command is handled, and are wiped then.
 */
static uint16_t
handle_clear(struct jz_applet *self, struct jz_apdu *apdu,
    struct jz_buffer *room,
    uint16_t (*handle)(struct jz_applet *self, struct jz_apdu *apdu))
{
	int err = jz_scp03_unwrap(jz_card_engine(self),
	    &manager_cod(self)->channel, &apdu->command, room);

	if (err != 0) {
		manager_end_session(self);
		return unwrap_status(err);
	}
	return handle(self, apdu);
}

uint16_t
manager_secured(struct jz_applet *self, struct jz_apdu *apdu,
    uint16_t (*handle)(struct jz_applet *self, struct jz_apdu *apdu))
{
	struct jz_command *c = &apdu->command;
	struct jz_buffer *out = &apdu->out, room;
	size_t cap = out->cap, need = c->data.len;
	uint16_t sw;

	if (!jz_cla_secure(c->cla)) {
		manager_end_session(self);
		return JZ_SW_SECURITY;
	}
	if (need > PROTECTED_MAX || need + ANSWER_ROOM > cap) {
		manager_end_session(self);
		return JZ_SW_LENGTH;
	}
	out->cap = cap - need;
	room = jz_buffer(out->data + out->cap, need);
	sw = handle_clear(self, apdu, &room, handle);
	jz_wipe(out->data + out->cap, need);
	out->cap = cap;
	c->data = jz_span(NULL, 0);
	if (manager_cod(self)->phase != MANAGER_OPEN)
		return sw;
	if (jz_scp03_wrap_response(jz_card_engine(self),
		&manager_cod(self)->channel, sw, out) != 0) {
		manager_end_session(self);
		return JZ_SW_UNKNOWN;
	}
	return sw;
}
