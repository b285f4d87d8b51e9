/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ANSI X9.24-3:2017: key derivation (6.3), the host's side (6.4), the
 * device's (6.5).
 *
 * A counter's key follows from that of the same counter without its lowest
 * one, so each is found from the initial key in as many steps as the counter
 * has ones.  A device goes the same way, but keeps of it only the keys whose
 * turn is still to come.
 *
 * Invariants:
 *   1  bit i of in_use is set when register i has a key, else it is zero
 *   2  a register's key is of a counter not below the device's
 */
#include "dukpt.h"

#include <stdbool.h>
#include <string.h>

#include "../apdu/bytes.h"
#include "../apdu/error.h"
#include "secret.h"

#define BLOCK_BYTES	  16
#define DATA_VERSION	  1
#define USAGE_DERIVATION  0x8000
#define USAGE_INITIAL	  0x8001
#define COUNTER_OF_UPDATE UINT32_C(0xFFFFFFFF)
#define TOP_BIT		  UINT32_C(0x80000000)
/* Of the initial key ID, the half that goes into derivation. */
#define DERIVATION_ID 4

_Static_assert(JZ_DUKPT_KEY_MAX == 2 * BLOCK_BYTES, "keys of two blocks");

/* In bytes; 0 for a type that there is not. */
static size_t
key_bytes(enum jz_dukpt_type type)
{
	switch (type) {
	case JZ_DUKPT_AES128:
		return 16;
	case JZ_DUKPT_AES192:
		return 24;
	case JZ_DUKPT_AES256:
		return 32;
	}
	return 0;
}

static uint32_t
lowest_one(uint32_t counter)
{
	return counter & (0 - counter);
}

static unsigned
count_ones(uint32_t counter)
{
	unsigned n = 0;

	for (; counter != 0; counter ^= lowest_one(counter))
		n++;
	return n;
}

/* The derivation data of 6.3.2, tables 2 and 3. */
static void
put_data(uint8_t data[static BLOCK_BYTES], unsigned usage,
    enum jz_dukpt_type type, const uint8_t id[static JZ_DUKPT_ID_BYTES],
    uint32_t counter)
{
	struct jz_buffer b = jz_buffer(data, BLOCK_BYTES);

	jz_put_u8(&b, DATA_VERSION);
	jz_put_u8(&b, 1); /* which block of the key */
	jz_put_u16(&b, (uint16_t)usage);
	jz_put_u16(&b, (uint16_t)type);
	jz_put_u16(&b, (uint16_t)(8 * key_bytes(type)));
	if (usage == USAGE_INITIAL) {
		jz_put(&b, id, JZ_DUKPT_ID_BYTES);
		return;
	}
	jz_put(&b, id + DERIVATION_ID, JZ_DUKPT_ID_BYTES - DERIVATION_ID);
	jz_put_u32(&b, counter);
}

/* 6.3.1.  out may be the key itself. */
static int
derive(const struct jz_block_cipher *c, const uint8_t *key, size_t key_len,
    uint8_t data[static BLOCK_BYTES], enum jz_dukpt_type type,
    uint8_t out[static JZ_DUKPT_KEY_MAX])
{
	size_t len = key_bytes(type);
	uint8_t blocks[JZ_DUKPT_KEY_MAX];
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += BLOCK_BYTES) {
		rc = c->encrypt(c->state, key, key_len, data, blocks + at);
		data[1]++;
	}
	memset(out, 0, JZ_DUKPT_KEY_MAX);
	if (rc == 0)
		memcpy(out, blocks, len);
	jz_wipe(blocks, sizeof(blocks));
	return rc;
}

int
jz_dukpt_initial(const struct jz_block_cipher *c, enum jz_dukpt_type type,
    const uint8_t *bdk, const uint8_t id[static JZ_DUKPT_ID_BYTES],
    struct jz_dukpt_key *out)
{
	uint8_t data[BLOCK_BYTES];
	int rc;

	memset(out, 0, sizeof(*out));
	if (key_bytes(type) == 0)
		return JZ_ERR_RANGE;
	put_data(data, USAGE_INITIAL, type, id, 0);
	rc = derive(c, bdk, key_bytes(type), data, type, out->key);
	if (rc != 0)
		return rc;
	out->type = type;
	memcpy(out->id, id, JZ_DUKPT_ID_BYTES);
	return 0;
}

/* From the key of a counter to that of the same with one more, lower, one. */
static int
step(const struct jz_block_cipher *c, enum jz_dukpt_type type,
    const uint8_t id[static JZ_DUKPT_ID_BYTES], uint32_t counter,
    const uint8_t from[static JZ_DUKPT_KEY_MAX],
    uint8_t out[static JZ_DUKPT_KEY_MAX])
{
	uint8_t data[BLOCK_BYTES];

	put_data(data, USAGE_DERIVATION, type, id, counter);
	return derive(c, from, key_bytes(type), data, type, out);
}

/* 6.4: bit by bit from the highest. */
static int
walk(const struct jz_block_cipher *c, const struct jz_dukpt_key *initial,
    uint32_t counter, struct jz_dukpt_key *out)
{
	uint32_t so_far = 0;
	int rc = 0;

	*out = *initial;
	for (uint32_t bit = TOP_BIT; rc == 0 && bit != 0; bit >>= 1) {
		if ((counter & bit) == 0)
			continue;
		so_far |= bit;
		rc = step(c, out->type, out->id, so_far, out->key, out->key);
	}
	out->counter = counter;
	if (rc != 0)
		jz_wipe(out, sizeof(*out));
	return rc;
}

static bool
is_initial(const struct jz_dukpt_key *key)
{
	return key_bytes(key->type) != 0 && key->counter == 0;
}

int
jz_dukpt_transaction(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, uint32_t counter,
    struct jz_dukpt_key *out)
{
	memset(out, 0, sizeof(*out));
	if (!is_initial(initial) || counter == 0 || counter > JZ_DUKPT_LAST ||
	    count_ones(counter) > JZ_DUKPT_ONES_MAX)
		return JZ_ERR_RANGE;
	return walk(c, initial, counter, out);
}

static int
working(const struct jz_block_cipher *c, const struct jz_dukpt_key *from,
    enum jz_dukpt_usage usage, enum jz_dukpt_type type,
    uint8_t out[static JZ_DUKPT_KEY_MAX])
{
	uint8_t data[BLOCK_BYTES];

	put_data(data, usage, type, from->id, from->counter);
	return derive(c, from->key, key_bytes(from->type), data, type, out);
}

int
jz_dukpt_update(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, uint8_t out[static JZ_DUKPT_KEY_MAX])
{
	struct jz_dukpt_key key;
	int rc;

	memset(out, 0, JZ_DUKPT_KEY_MAX);
	if (!is_initial(initial))
		return JZ_ERR_RANGE;
	rc = walk(c, initial, COUNTER_OF_UPDATE, &key);
	if (rc == 0)
		rc = working(c, &key, JZ_DUKPT_KEY_ENCRYPTION, key.type, out);
	jz_wipe(&key, sizeof(key));
	return rc;
}

static bool
usage_known(enum jz_dukpt_usage usage)
{
	switch (usage) {
	case JZ_DUKPT_KEY_ENCRYPTION:
	case JZ_DUKPT_PIN:
	case JZ_DUKPT_MAC_MAKE:
	case JZ_DUKPT_MAC_VERIFY:
	case JZ_DUKPT_MAC_BOTH:
	case JZ_DUKPT_DATA_ENCRYPT:
	case JZ_DUKPT_DATA_DECRYPT:
	case JZ_DUKPT_DATA_BOTH:
		return true;
	}
	return false;
}

int
jz_dukpt_working(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *transaction, enum jz_dukpt_usage usage,
    enum jz_dukpt_type type, uint8_t out[static JZ_DUKPT_KEY_MAX])
{
	memset(out, 0, JZ_DUKPT_KEY_MAX);
	if (!usage_known(usage) || transaction->counter == 0 ||
	    key_bytes(type) == 0 ||
	    key_bytes(type) > key_bytes(transaction->type))
		return JZ_ERR_RANGE;
	return working(c, transaction, usage, type, out);
}

void
jz_dukpt_ksn(
    const struct jz_dukpt_key *key, uint8_t ksn[static JZ_DUKPT_KSN_BYTES])
{
	struct jz_buffer b = jz_buffer(ksn, JZ_DUKPT_KSN_BYTES);

	jz_put(&b, key->id, JZ_DUKPT_ID_BYTES);
	jz_put_u32(&b, key->counter);
}

/*
 * Update_Derivation_Keys of 6.5: the registers below bit `top` get the keys of
 * the counters that have one more one, all from this key.
 */
static int
fill_below(const struct jz_block_cipher *c, struct jz_dukpt_device *d,
    uint64_t top, uint32_t counter, const uint8_t key[static JZ_DUKPT_KEY_MAX])
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && UINT64_C(1) << i < top; i++) {
		uint32_t bit = UINT32_C(1) << i;

		rc = step(c, (enum jz_dukpt_type)d->type, d->id, counter | bit,
		    key, d->registers[i]);
		d->in_use |= bit;
	}
	return rc;
}

int
jz_dukpt_load(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, struct jz_dukpt_device *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if (!is_initial(initial))
		return JZ_ERR_RANGE;
	out->type = initial->type;
	memcpy(out->id, initial->id, JZ_DUKPT_ID_BYTES);
	out->counter = 1;
	rc = fill_below(
	    c, out, UINT64_C(1) << JZ_DUKPT_REGISTERS, 0, initial->key);
	if (rc != 0)
		jz_wipe(out, sizeof(*out));
	return rc;
}

/* The register of the device's counter; invariant 1 says whether it is good. */
static unsigned
current_register(const struct jz_dukpt_device *d)
{
	unsigned i = 0;

	while (i < JZ_DUKPT_REGISTERS - 1 && (d->counter >> i & 1) == 0)
		i++;
	return i;
}

/*
 * Past the counter whose key has been taken.  With 16 ones, those with more
 * are passed over: the sum clears the lowest run of ones (after the last it is
 * zero).
 */
static int
move_on(const struct jz_block_cipher *c, struct jz_dukpt_device *d, unsigned i)
{
	uint32_t bit = UINT32_C(1) << i;
	int rc = 0;

	if (count_ones(d->counter) < JZ_DUKPT_ONES_MAX) {
		rc = fill_below(c, d, bit, d->counter, d->registers[i]);
		bit = 1;
	}
	jz_wipe(d->registers[i], JZ_DUKPT_KEY_MAX);
	d->in_use &= ~(UINT32_C(1) << i);
	d->counter += bit;
	return rc;
}

int
jz_dukpt_next(const struct jz_block_cipher *c, struct jz_dukpt_device *d,
    struct jz_dukpt_key *out)
{
	struct jz_dukpt_device after = *d;
	unsigned i = current_register(d);
	int rc;

	memset(out, 0, sizeof(*out));
	if (d->counter == 0 || d->counter > JZ_DUKPT_LAST ||
	    (d->in_use >> i & 1) == 0)
		rc = JZ_ERR_KEYS_SPENT;
	else
		rc = move_on(c, &after, i);
	if (rc == 0) {
		memcpy(out->key, d->registers[i], JZ_DUKPT_KEY_MAX);
		memcpy(out->id, d->id, JZ_DUKPT_ID_BYTES);
		out->type = (enum jz_dukpt_type)d->type;
		out->counter = d->counter;
		*d = after;
	}
	jz_wipe(&after, sizeof(after));
	return rc;
}
