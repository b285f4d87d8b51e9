/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seed files.  In the sealed file:
 *
 *   4   "JZSD"
 *   1   version, 01
 *   1   part, 01 or 02
 *   4   ceremony
 *   8   when, seconds since 1970
 *   32  by whom: UTF-8, padded with NUL
 *   32  the half
 */
#include "seed.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "../signed.h"
#include "keyfile.h"

#define MAGIC_BYTES 4
#define VERSION	    0x01
#define SEED_BYTES                                                             \
	(MAGIC_BYTES + 1 + 1 + 4 + 8 + JZ_PERSON_MAX + JZ_MASTER_BYTES)
#define PARTS 2

static const uint8_t MAGIC[MAGIC_BYTES] = {'J', 'Z', 'S', 'D'};
static const char CHECK[] = "seed";

/* Two names that look alike to a reader should not be two people. */
static int
check_name(const char *by)
{
	size_t len = strlen(by);

	if (len == 0 || len > JZ_PERSON_MAX)
		return JZ_ERR_RANGE;
	if (by[0] == ' ' || by[len - 1] == ' ')
		return JZ_ERR_ARGUMENT;
	for (size_t k = 0; k < len; k++) {
		if ((unsigned char)by[k] < 0x20 || by[k] == 0x7F)
			return JZ_ERR_ARGUMENT;
	}
	return 0;
}

int
jz_seed_draw(const struct jz_engine *e, unsigned part, uint32_t ceremony,
    const char *by, int64_t now, struct jz_seed *out)
{
	int rc = check_name(by);

	memset(out, 0, sizeof(*out));
	if (rc == 0 && (part < 1 || part > PARTS || ceremony == 0))
		rc = JZ_ERR_RANGE;
	if (rc != 0)
		return rc;
	out->part = (uint8_t)part;
	out->ceremony = ceremony;
	out->made = now;
	memcpy(out->by, by, strlen(by));
	rc = e->crypto->random(e->state,
	    jz_secret_fill(&out->secret, JZ_MASTER_BYTES), JZ_MASTER_BYTES);
	if (rc != 0)
		jz_wipe(out, sizeof(*out));
	return rc;
}

int
jz_seed_write(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const struct jz_seed *seed)
{
	uint8_t bytes[SEED_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int rc;

	jz_put(&b, MAGIC, sizeof(MAGIC));
	jz_put_u8(&b, VERSION);
	jz_put_u8(&b, seed->part);
	jz_put_u32(&b, seed->ceremony);
	jz_put_u64(&b, (uint64_t)seed->made);
	jz_put(&b, seed->by, JZ_PERSON_MAX);
	jz_put(&b, jz_secret_span(&seed->secret).data, JZ_MASTER_BYTES);
	rc = jz_keyfile_store(
	    e, path, JZ_FILE_NEW, passphrase, jz_buffer_span(&b));
	jz_wipe(bytes, sizeof(bytes));
	return rc;
}

static int
decode(struct jz_span in, struct jz_seed *out)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_span magic = jz_take(&c, MAGIC_BYTES);

	if (!jz_span_equal(magic, jz_span(MAGIC, MAGIC_BYTES)) ||
	    jz_take_u8(&c) != VERSION)
		return JZ_ERR_KEYFILE;
	out->part = jz_take_u8(&c);
	out->ceremony = jz_take_u32(&c);
	out->made = (int64_t)jz_take_u64(&c);
	jz_take_bytes(&c, out->by, JZ_PERSON_MAX);
	jz_take_bytes(
	    &c, jz_secret_fill(&out->secret, JZ_MASTER_BYTES), JZ_MASTER_BYTES);
	if (!jz_cursor_end(&c) || out->part < 1 || out->part > PARTS ||
	    out->ceremony == 0 || check_name(out->by) != 0)
		return JZ_ERR_KEYFILE;
	return 0;
}

int
jz_seed_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_seed *out)
{
	/* One more byte, so that a secret that is too long is seen to be. */
	uint8_t bytes[SEED_BYTES + 1];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int rc = jz_keyfile_read(e, path, passphrase, &b);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = decode(jz_buffer_span(&b), out);
	if (rc == JZ_ERR_SPACE)
		rc = JZ_ERR_KEYFILE;
	jz_wipe(bytes, sizeof(bytes));
	if (rc != 0)
		jz_wipe(out, sizeof(*out));
	return rc;
}

int
jz_seed_check_value(const struct jz_engine *e, const struct jz_seed *seed,
    uint8_t out[static JZ_CHECK_VALUE_BYTES])
{
	return jz_check_value(e, CHECK, &seed->secret, out);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
same_person(const char *a, const char *b)
{
	while (*a != 0 && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

static int
check_pair(const struct jz_seed *a, const struct jz_seed *b)
{
	if (a->ceremony != b->ceremony)
		return JZ_ERR_SEED_CEREMONY;
	/* Two files of one secret: their exclusive or is known to all. */
	if (a->part == b->part || jz_secret_equal(&a->secret, &b->secret))
		return JZ_ERR_SEED_HALF;
	return same_person(a->by, b->by) ? JZ_ERR_SEED_PERSON : 0;
}

/* The names stand each in a field of its own: no two pairs read the same. */
static int
derive(const struct jz_engine *e, const struct jz_seed *first,
    const struct jz_seed *second, struct jz_secret *key)
{
	static const char purpose[] = "jiaozi card master of two seeds";
	const uint8_t *one = jz_secret_span(&first->secret).data;
	const uint8_t *other = jz_secret_span(&second->secret).data;
	struct jz_secret both;
	uint8_t *sum = jz_secret_fill(&both, JZ_MASTER_BYTES);
	uint8_t ceremony[4];
	const struct jz_span info[] = {
	    jz_span(purpose, sizeof(purpose) - 1),
	    jz_span(ceremony, sizeof(ceremony)),
	    jz_span(first->by, JZ_PERSON_MAX),
	    jz_span(second->by, JZ_PERSON_MAX),
	};
	int rc;

	jz_set_be(ceremony, sizeof(ceremony), first->ceremony);
	for (size_t k = 0; k < JZ_MASTER_BYTES; k++)
		sum[k] = one[k] ^ other[k];
	rc = jz_kdf(e, jz_secret_span(&both), info, 4,
	    jz_secret_fill(key, JZ_MASTER_BYTES), JZ_MASTER_BYTES);
	jz_secret_wipe(&both);
	return rc;
}

int
jz_seed_combine(const struct jz_engine *e, const struct jz_seed *a,
    const struct jz_seed *b, int64_t now, struct jz_master *out)
{
	const struct jz_seed *first = a->part == 1 ? a : b;
	const struct jz_seed *second = a->part == 1 ? b : a;
	int rc = check_pair(a, b);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = derive(e, first, second, &out->key);
	if (rc != 0)
		return rc;
	out->origin = JZ_MASTER_SEEDS;
	out->made = now;
	out->ceremony = first->ceremony;
	memcpy(out->by[0], first->by, sizeof(first->by));
	memcpy(out->by[1], second->by, sizeof(second->by));
	return 0;
}
