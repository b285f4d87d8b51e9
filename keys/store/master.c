/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the card masters: entries one after the other, oldest first,
 * each
 *
 *   1   version, from 01
 *   1   origin: 00 drawn, 01 of two seeds
 *   8   when, seconds since 1970
 *   4   ceremony; with the names below, zero when it was drawn
 *   32  who made the first seed, 32 the second: UTF-8, padded with NUL
 *   32  the secret
 */
#include "master.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "../signed.h"
#include "keyfile.h"

#define ENTRY_BYTES (1 + 1 + 8 + 4 + 2 * JZ_PERSON_MAX + JZ_MASTER_BYTES)
#define FILE_BYTES  (JZ_MASTERS_MAX * ENTRY_BYTES)

_Static_assert(FILE_BYTES <= JZ_KEYFILE_MAX, "all versions fit one key file");
_Static_assert(ENTRY_BYTES != JZ_MASTER_BYTES, "told from an earlier release");

static void
put_entry(struct jz_buffer *b, const struct jz_master *m)
{
	jz_put_u8(b, m->version);
	jz_put_u8(b, (uint8_t)m->origin);
	jz_put_u64(b, (uint64_t)m->made);
	jz_put_u32(b, m->ceremony);
	for (size_t k = 0; k < 2; k++) {
		uint8_t name[JZ_PERSON_MAX] = {0};

		memcpy(name, m->by[k], strlen(m->by[k]));
		jz_put(b, name, sizeof(name));
	}
	jz_put(b, jz_secret_span(&m->key).data, JZ_MASTER_BYTES);
}

static void
take_entry(struct jz_cursor *c, struct jz_master *out)
{
	out->version = jz_take_u8(c);
	out->origin = (enum jz_master_origin)jz_take_u8(c);
	out->made = (int64_t)jz_take_u64(c);
	out->ceremony = jz_take_u32(c);
	jz_take_bytes(c, out->by[0], JZ_PERSON_MAX);
	jz_take_bytes(c, out->by[1], JZ_PERSON_MAX);
	jz_take_bytes(
	    c, jz_secret_fill(&out->key, JZ_MASTER_BYTES), JZ_MASTER_BYTES);
}

static int
decode(struct jz_span in, struct jz_masters *out)
{
	struct jz_cursor c = jz_cursor(in);
	unsigned last = 0;

	if (in.len == JZ_MASTER_BYTES) {
		out->n = 1;
		out->list[0].version = 1;
		return jz_secret_set(&out->list[0].key, in);
	}
	while (!jz_cursor_end(&c)) {
		struct jz_master *m = &out->list[out->n];

		if (out->n == JZ_MASTERS_MAX)
			return JZ_ERR_KEYFILE;
		take_entry(&c, m);
		if (c.bad || m->version <= last || m->origin > JZ_MASTER_SEEDS)
			return JZ_ERR_KEYFILE;
		last = m->version;
		out->n++;
	}
	return out->n > 0 ? 0 : JZ_ERR_KEYFILE;
}

int
jz_masters_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_masters *out)
{
	uint8_t bytes[FILE_BYTES];
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
jz_masters_write(const struct jz_engine *e, const char *path,
    enum jz_file_write how, const struct jz_secret *passphrase,
    const struct jz_masters *m)
{
	uint8_t bytes[FILE_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int rc;

	for (size_t k = 0; k < m->n; k++)
		put_entry(&b, &m->list[k]);
	rc = jz_keyfile_store(e, path, how, passphrase, jz_buffer_span(&b));
	jz_wipe(bytes, sizeof(bytes));
	return rc;
}

int
jz_master_draw(const struct jz_engine *e, int64_t now, struct jz_master *out)
{
	memset(out, 0, sizeof(*out));
	out->made = now;
	return e->crypto->random(e->state,
	    jz_secret_fill(&out->key, JZ_MASTER_BYTES), JZ_MASTER_BYTES);
}

int
jz_masters_add(struct jz_masters *m, const struct jz_master *master)
{
	uint8_t last = m->n > 0 ? m->list[m->n - 1].version : 0;

	if (m->n == JZ_MASTERS_MAX)
		return JZ_ERR_SPACE;
	m->list[m->n] = *master;
	m->list[m->n].version = (uint8_t)(last + 1);
	m->n++;
	return 0;
}

const struct jz_master *
jz_masters_find(const struct jz_masters *m, uint8_t version)
{
	for (size_t k = 0; k < m->n; k++) {
		if (m->list[k].version == version)
			return &m->list[k];
	}
	return m->n > 0 ? &m->list[0] : NULL;
}

int
jz_check_value(const struct jz_engine *e, const char *what,
    const struct jz_secret *secret, uint8_t out[static JZ_CHECK_VALUE_BYTES])
{
	static const char purpose[] = "jiaozi check value";
	const struct jz_span info[] = {
	    jz_span(purpose, sizeof(purpose) - 1), jz_span(what, strlen(what))};

	return jz_kdf(
	    e, jz_secret_span(secret), info, 2, out, JZ_CHECK_VALUE_BYTES);
}
