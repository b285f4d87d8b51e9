/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key sets: PUT KEY (GlobalPlatform 11.8, Amendment D 7.2), DELETE [key]
 * (11.2.2.3.2).
 *
 * A set comes and goes whole, in one commit.  The session that a command comes
 * in goes on with its own keys, the DEK among them.
 */
#include "manager.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"

#include <string.h>

/* Key data with the length of the clear key before it, as for ciphers whose
 * blocks need padding; and without, as some tools send it. */
#define LONG_FORM (1 + JZ_KEY_BYTES)

/* Which set has this version: its place, or -1. */
static int
place_of(const struct manager_sets *sets, uint8_t kvn)
{
	for (int i = 0; i < sets->count; i++)
		if (sets->set[i].kvn == kvn)
			return i;
	return -1;
}

const struct manager_set *
manager_find_set(const struct jz_applet *self, uint8_t kvn)
{
	const struct manager_sets *sets = &manager_nvm(self)->sets;
	int i = kvn == JZ_GP_KVN_ANY ? sets->count - 1 : place_of(sets, kvn);

	return i < 0 ? NULL : &sets->set[i];
}

/* The last place is left wiped. */
static void
remove_set(struct manager_sets *sets, unsigned place)
{
	for (unsigned i = place; i + 1 < sets->count; i++)
		sets->set[i] = sets->set[i + 1];
	sets->count--;
	jz_wipe(&sets->set[sets->count], sizeof(sets->set[0]));
}

static uint16_t
write_sets(struct jz_applet *self, const struct manager_sets *sets)
{
	return jz_runtime_status(
	    jz_write(self, &manager_nvm(self)->sets, sets, sizeof(*sets)));
}

/*
 * One key: 88, length, key enciphered under the DEK, 03, check value.  The
 * value, which is checked, also goes to the answer.
 */
static uint16_t
take_key(const struct jz_applet *self, struct jz_cursor *c,
    uint8_t key[JZ_KEY_BYTES], struct jz_buffer *answer)
{
	static const uint8_t zero[JZ_KEY_BYTES];
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t type = jz_take_u8(c), len = jz_take_u8(c);
	uint8_t inner = len == LONG_FORM ? jz_take_u8(c) : len;
	struct jz_span secret = jz_take(c, JZ_KEY_BYTES);
	struct jz_span said = manager_take_lv(c);
	uint8_t value[JZ_GP_KCV_BYTES];

	if (c->bad)
		return JZ_SW_DATA;
	if (type != JZ_GP_KEY_AES)
		return JZ_SW_ALGORITHM;
	if (inner != JZ_KEY_BYTES || said.len != sizeof(value))
		return JZ_SW_DATA;
	if (e->crypto->aes_cbc(e->state, false, manager_cod(self)->dek, zero,
		secret.data, key, JZ_KEY_BYTES) != 0 ||
	    jz_key_check_value(e, key, value) != 0)
		return JZ_SW_UNKNOWN;
	if (!jz_equal_secret(value, said.data, sizeof(value)))
		return JZ_SW_KEY_CHECK;
	jz_put(answer, value, sizeof(value));
	return JZ_SW_OK;
}

/* The new set, from the whole data field; its version first in the answer. */
static uint16_t
take_set(const struct jz_applet *self, struct jz_span data,
    struct manager_set *out, struct jz_buffer *answer)
{
	struct jz_cursor c = jz_cursor(data);
	uint8_t *const keys[JZ_GP_KEYS] = {
	    out->keys.enc, out->keys.mac, out->keys.dek};
	uint16_t sw = JZ_SW_OK;

	out->kvn = jz_take_u8(&c);
	if (out->kvn == JZ_GP_KVN_ANY || out->kvn > JZ_GP_KVN_MAX)
		return JZ_SW_DATA;
	jz_put_u8(answer, out->kvn);
	for (unsigned i = 0; i < JZ_GP_KEYS && sw == JZ_SW_OK; i++)
		sw = take_key(self, &c, keys[i], answer);
	return sw == JZ_SW_OK && !jz_cursor_end(&c) ? JZ_SW_DATA : sw;
}

/*
 * Makes room in `sets` for a new version in the place of an old one: P1 names
 * that, 00 adds.  The initial set goes with the first that is added.
 */
static uint16_t
make_room(struct manager_sets *sets, uint8_t old, uint8_t kvn)
{
	int i;

	if (old == JZ_GP_KVN_ANY && place_of(sets, JZ_GP_KVN_INITIAL) >= 0)
		old = JZ_GP_KVN_INITIAL;
	if (old != JZ_GP_KVN_ANY) {
		if ((i = place_of(sets, old)) < 0)
			return JZ_SW_REFERENCE;
		remove_set(sets, (unsigned)i);
	}
	if (place_of(sets, kvn) >= 0)
		return JZ_SW_DATA; /* there is another of that version */
	return sets->count == JZ_MANAGER_SETS ? JZ_SW_SPACE : JZ_SW_OK;
}

uint16_t
manager_put_key(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t old = apdu->command.p1;
	struct manager_sets sets = manager_nvm(self)->sets;
	struct manager_set set;
	uint16_t sw = JZ_SW_P1P2;

	memset(&set, 0, sizeof(set));
	if (old > JZ_GP_KVN_MAX && old != JZ_GP_KVN_INITIAL)
		goto out;
	sw = take_set(self, apdu->command.data, &set, &apdu->out);
	if (sw == JZ_SW_OK)
		sw = make_room(&sets, old, set.kvn);
	if (sw == JZ_SW_OK) {
		sets.set[sets.count++] = set;
		sw = write_sets(self, &sets);
	}
out:
	jz_wipe(&set, sizeof(set));
	jz_wipe(&sets, sizeof(sets));
	return sw;
}

/* D2 version: the whole set.  A key alone (D0) is not taken out of its set. */
uint16_t
manager_delete_keys(struct jz_applet *self, struct jz_span data)
{
	struct manager_sets sets = manager_nvm(self)->sets;
	struct jz_cursor c = jz_cursor(data);
	uint8_t kvn = 0;
	uint16_t sw = JZ_SW_DATA;
	int i;

	if (jz_tlv_expect_bytes(&c, JZ_GP_TAG_KEY_VERSION, &kvn, 1) != 0 ||
	    !jz_cursor_end(&c))
		goto out;
	i = place_of(&sets, kvn);
	if (i < 0) {
		sw = JZ_SW_REFERENCE;
	} else if (sets.count == 1) {
		sw = JZ_SW_CONDITIONS; /* nobody could get in any more */
	} else {
		remove_set(&sets, (unsigned)i);
		sw = write_sets(self, &sets);
	}
out:
	jz_wipe(&sets, sizeof(sets));
	return sw;
}
