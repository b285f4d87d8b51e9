/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators: people who decide in pairs, each with a key pair of her own in a
 * file that only she can open.  The issuer has their public keys, each row
 * signed by the host, so that nobody becomes an operator by writing into the
 * database.
 *
 * The file's content, sealed (keys/store/keyfile.h): "JZOP", suite, length of
 * the name, name, private key, public key.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "../../keys/store/file.h"
#include "../../keys/store/keyfile.h"
#include "operator.h"

#define PURPOSE	  "jiaozi operator"
#define MAGIC	  "JZOP"
#define MAGIC_LEN 4
#define FOUNDERS  2

/* ---- files -------------------------------------------------------------- */

/* 1 to 32 bytes, no control characters, no blank at either end. */
static int
check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > JZ_PERSON_MAX)
		return JZ_ERR_RANGE;
	if (name[0] == ' ' || name[len - 1] == ' ')
		return JZ_ERR_ARGUMENT;
	for (size_t k = 0; k < len; k++) {
		if ((unsigned char)name[k] < 0x20 || name[k] == 0x7F)
			return JZ_ERR_ARGUMENT;
	}
	return 0;
}

static int
write_file(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const struct jz_operator *o)
{
	uint8_t bytes[MAGIC_LEN + 2 + JZ_PERSON_MAX + JZ_PRIVATE_BYTES +
	    JZ_PUBLIC_BYTES_EC];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	size_t len = strlen(o->name);
	int err;

	jz_put(&b, MAGIC, MAGIC_LEN);
	jz_put_u8(&b, (uint8_t)e->crypto->suite);
	jz_put_u8(&b, (uint8_t)len);
	jz_put(&b, o->name, len);
	jz_put(&b, o->key.private_key, JZ_PRIVATE_BYTES);
	jz_put(&b, o->key.public_key, JZ_PUBLIC_BYTES_EC);
	err = jz_keyfile_store(
	    e, path, JZ_FILE_NEW, passphrase, jz_buffer_span(&b));
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

int
jz_operator_create(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const char *name,
    struct jz_operator *out)
{
	int err = check_name(name);

	memset(out, 0, sizeof(*out));
	if (err != 0)
		return err;
	snprintf(out->name, sizeof(out->name), "%s", name);
	err = e->crypto->generate(e->state, &out->key);
	if (err == 0)
		err = write_file(e, path, passphrase, out);
	if (err != 0)
		jz_wipe(out, sizeof(*out));
	return err;
}

static int
parse(const struct jz_engine *e, struct jz_span in, struct jz_operator *out)
{
	const uint8_t *p = in.data;
	size_t len, fixed = MAGIC_LEN + 2;

	if (in.len < fixed || memcmp(p, MAGIC, MAGIC_LEN) != 0)
		return JZ_ERR_KEYFILE;
	if (p[MAGIC_LEN] != (uint8_t)e->crypto->suite)
		return JZ_ERR_SUITE;
	len = p[MAGIC_LEN + 1];
	if (len == 0 || len > JZ_PERSON_MAX ||
	    in.len != fixed + len + JZ_PRIVATE_BYTES + JZ_PUBLIC_BYTES_EC)
		return JZ_ERR_KEYFILE;
	memcpy(out->name, p + fixed, len);
	memcpy(out->key.private_key, p + fixed + len, JZ_PRIVATE_BYTES);
	memcpy(out->key.public_key, p + fixed + len + JZ_PRIVATE_BYTES,
	    JZ_PUBLIC_BYTES_EC);
	return 0;
}

int
jz_operator_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_operator *out)
{
	uint8_t bytes[JZ_KEYFILE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_keyfile_read(e, path, passphrase, &b);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = parse(e, jz_buffer_span(&b), out);
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

/* ---- the issuer's ------------------------------------------------------- */

/* What the host signs of a row. */
static struct jz_span
row_bytes(const struct jz_operator_story *o,
    uint8_t out[static 1 + JZ_PERSON_MAX + JZ_POINT_BYTES])
{
	size_t len = strlen(o->name);

	out[0] = (uint8_t)len;
	memcpy(out + 1, o->name, len);
	memcpy(out + 1 + len, o->public_key, JZ_POINT_BYTES);
	return jz_span(out, 1 + len + JZ_POINT_BYTES);
}

int
jz_operator_known(struct jz_issuer *i, const char *name,
    const uint8_t *public_key, struct jz_operator_row *out)
{
	uint8_t bytes[1 + JZ_PERSON_MAX + JZ_POINT_BYTES];
	int err = jz_store_operator(i->store, name, out);

	if (err == JZ_ERR_NOT_FOUND)
		return JZ_ERR_OPERATOR_UNKNOWN;
	if (err != 0)
		return err;
	if ((public_key != NULL &&
		memcmp(out->story.public_key, public_key, JZ_POINT_BYTES) !=
		    0) ||
	    jz_host_verify(i, PURPOSE, row_bytes(&out->story, bytes), out->host,
		out->signature) != 0)
		return JZ_ERR_OPERATOR_UNKNOWN;
	return 0;
}

struct count {
	unsigned active;
	const char *name;	   /* is there one of this name, in whatever */
	const uint8_t *public_key; /* letters, or of this key? */
	bool taken;
};

static int
count_one(const struct jz_operator_row *o, void *arg)
{
	struct count *c = arg;

	c->active += o->story.retired == 0;
	if (c->name != NULL &&
	    (strcasecmp(c->name, o->story.name) == 0 ||
		memcmp(c->public_key, o->story.public_key, JZ_POINT_BYTES) ==
		    0))
		c->taken = true;
	return 0;
}

int
jz_operator_check_new(struct jz_issuer *i, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	struct count c = {0, name, public_key, false};
	int err = check_name(name);

	if (err == 0)
		err = jz_issuer_check_key(&i->engine, public_key);
	if (err == 0)
		err = jz_store_each_operator(i->store, count_one, &c);
	return err == 0 && c.taken ? JZ_ERR_EXISTS : err;
}

int
jz_operator_add(struct jz_issuer *i, const char *actor, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	uint8_t bytes[1 + JZ_PERSON_MAX + JZ_POINT_BYTES];
	struct jz_operator_row row = {0};
	int err = jz_operator_check_new(i, name, public_key);

	if (err != 0)
		return err;
	snprintf(row.story.name, sizeof(row.story.name), "%s", name);
	memcpy(row.story.public_key, public_key, JZ_POINT_BYTES);
	row.story.time = jz_issuer_now(i);
	err = jz_host_sign(
	    i, PURPOSE, row_bytes(&row.story, bytes), row.host, row.signature);
	if (err == 0)
		err = jz_store_operator_add(i->store, &row);
	return err != 0 ? err : jz_audit_note(i, actor, "operator %s", name);
}

int
jz_operator_retire(struct jz_issuer *i, const char *actor, const char *name)
{
	int err = jz_store_operator_end(i->store, name, jz_issuer_now(i));

	return err != 0
	    ? err
	    : jz_audit_note(i, actor, "operator %s is one no more", name);
}

int
jz_operator_check_retire(struct jz_issuer *i, const char *name)
{
	struct count c = {0};
	struct jz_operator_row row = {0};
	int err = jz_operator_known(i, name, NULL, &row);

	if (err == JZ_ERR_OPERATOR_UNKNOWN)
		return JZ_ERR_NOT_FOUND;
	if (err == 0 && row.story.retired != 0)
		return JZ_ERR_EXISTS;
	if (err == 0)
		err = jz_store_each_operator(i->store, count_one, &c);
	return err == 0 && c.active <= FOUNDERS ? JZ_ERR_STATE : err;
}

static int
found(struct jz_issuer *i, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	struct count c = {0};
	int err = jz_store_each_operator(i->store, count_one, &c);

	if (err == 0 && c.active >= FOUNDERS)
		return JZ_ERR_STATE;
	return err != 0 ? err
			: jz_operator_add(i, JZ_ACTOR_ISSUER, name, public_key);
}

int
jz_issuer_operator_found(struct jz_issuer *i, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES])
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err
			: jz_store_end(i->store, found(i, name, public_key));
}

struct each {
	int (*each)(const struct jz_operator_story *o, void *arg);
	void *arg;
};

static int
tell(const struct jz_operator_row *o, void *arg)
{
	const struct each *e = arg;

	return e->each(&o->story, e->arg);
}

int
jz_issuer_each_operator(struct jz_issuer *i,
    int (*each)(const struct jz_operator_story *o, void *arg), void *arg)
{
	struct each e = {each, arg};

	jz_issuer_start(i);
	return jz_store_each_operator(i->store, tell, &e);
}
