/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the card's storage: header, image, and the replay of its records.
 * log.c describes the format and the invariants that are cited here.
 *
 * Opening never writes.  What it finds is told apart like this:
 *
 *   magic or checksum wrong                       JZ_ERR_CARD_HEADER
 *   another version, suite or byte order          JZ_ERR_CARD_VERSION
 *   the key check differs                         JZ_ERR_CARD_KEY
 *   shorter than header, image and tag            JZ_ERR_CARD_CUT
 *   the image does not open                       JZ_ERR_CARD_TAMPERED
 *   a bad record, a genuine one there or later    JZ_ERR_CARD_TAMPERED
 *   a bad record, nothing genuine from there on   a torn commit: no error
 *
 * A record that opens under its own salt is genuine, wherever it stands, so
 * that damage to one record hides none behind it.
 */
#include "log_format.h"
#include "../../apdu/error.h"
#include "../../keys/secret.h"

#include <string.h>

static const uint8_t ZERO_NONCE[JZ_SEAL_NONCE_BYTES];

/* ---- reading the header and the image ----------------------------------- */

/* Reads the header and checks what needs no key. */
static int
read_header(const struct jz_chip *chip, void *state,
    uint8_t raw[static JZ_LOG_HEADER_BYTES], uint64_t *size)
{
	size_t have, magic;
	int e;

	memset(raw, 0, JZ_LOG_HEADER_BYTES);
	if (!jz_log_has_storage(chip))
		return JZ_ERR_UNSUPPORTED;
	if ((e = chip->size(state, size)) != 0)
		return e;
	have =
	    *size < JZ_LOG_HEADER_BYTES ? (size_t)*size : JZ_LOG_HEADER_BYTES;
	if (have > 0 && (e = chip->read(state, 0, raw, have)) != 0)
		return e;
	magic = have < JZ_LOG_MAGIC_BYTES ? have : JZ_LOG_MAGIC_BYTES;
	if (memcmp(raw, JZ_LOG_MAGIC, magic) != 0)
		return JZ_ERR_CARD_HEADER;
	if (have < JZ_LOG_HEADER_BYTES)
		return JZ_ERR_CARD_CUT;
	/* Before the checksum: another version may have another one. */
	if (jz_get_be(raw + JZ_LOG_AT_VERSION, 2) != JZ_LOG_VERSION)
		return JZ_ERR_CARD_VERSION;
	if (jz_get_be(raw + JZ_LOG_AT_CRC, 4) != jz_log_crc(raw, JZ_LOG_AT_CRC))
		return JZ_ERR_CARD_HEADER;
	return 0;
}

int
jz_log_read_hint(const struct jz_chip *chip, void *chip_state,
    uint8_t hint[static JZ_LOG_HINT_BYTES])
{
	uint8_t raw[JZ_LOG_HEADER_BYTES];
	uint64_t size;
	int e;

	e = read_header(chip, chip_state, raw, &size);
	if (e == 0)
		memcpy(hint, raw + JZ_LOG_AT_HINT, JZ_LOG_HINT_BYTES);
	else
		memset(hint, 0, JZ_LOG_HINT_BYTES);
	return e;
}

int
jz_log_read_suite(const struct jz_chip *chip, void *chip_state, uint8_t *suite)
{
	uint8_t raw[JZ_LOG_HEADER_BYTES];
	uint64_t size;
	int e = read_header(chip, chip_state, raw, &size);

	*suite = e == 0 ? raw[JZ_LOG_AT_SUITE] : 0;
	return e;
}

/* A card of the other suite, or of a machine with another byte order, is
 * one that this build has no version of. */
static int
check_header(const struct jz_log_env *env,
    const uint8_t raw[static JZ_LOG_HEADER_BYTES], uint64_t size)
{
	uint32_t used = (uint32_t)jz_get_be(raw + JZ_LOG_AT_LENGTH, 4);
	uint8_t check[JZ_LOG_CHECK_BYTES] = {0};
	int e;

	if (raw[JZ_LOG_AT_SUITE] != (uint8_t)env->engine->crypto->suite ||
	    raw[JZ_LOG_AT_ORDER] != jz_log_byte_order())
		return JZ_ERR_CARD_VERSION;
	if ((e = jz_log_key_check(env, raw + JZ_LOG_AT_SALT, check)) != 0)
		return e;
	if (!jz_equal_secret(check, raw + JZ_LOG_AT_CHECK, JZ_LOG_CHECK_BYTES))
		return JZ_ERR_CARD_KEY;
	if (size - JZ_LOG_HEADER_BYTES < (uint64_t)used + JZ_SEAL_TAG_BYTES)
		return JZ_ERR_CARD_CUT;
	return jz_log_has_slack(env, used) ? 0 : JZ_ERR_CARD_FULL;
}

/* Reads the image to its place and opens it there. */
static int
read_image(struct jz_log *log, const struct jz_log_env *env,
    const uint8_t raw[static JZ_LOG_HEADER_BYTES], uint32_t used)
{
	uint8_t key[JZ_KEY_BYTES];
	uint32_t len = used + JZ_SEAL_TAG_BYTES;
	int e;

	e = env->chip->read(
	    env->chip_state, JZ_LOG_HEADER_BYTES, env->image, len);
	if (e != 0)
		return e;
	memcpy(log->last_tag, env->image + used, JZ_SEAL_TAG_BYTES);
	e = jz_log_derive(
	    env, JZ_LOG_LABEL_IMAGE, raw + JZ_LOG_AT_SALT, NULL, key);
	if (e == 0)
		e = env->engine->crypto->open(env->engine->state, key,
		    ZERO_NONCE, jz_span(raw, JZ_LOG_HEADER_BYTES), env->image,
		    len, env->image);
	jz_wipe(key, sizeof(key));
	memset(env->image + used, 0, env->image_bytes - used);
	return e == JZ_ERR_DECRYPT ? JZ_ERR_CARD_TAMPERED : e;
}

/* The storage behind the image, seen through a window. */
struct replay {
	struct jz_log *log;
	const struct jz_log_env *env;
	uint32_t used;
	uint64_t at;  /* of the window in the storage */
	uint64_t end; /* of the storage */
	size_t have;  /* bytes in the window */
	uint8_t window[JZ_LOG_RECORD_MAX];
};

/* Lends `need` bytes of the storage; *out is NULL where it ends before. */
static int
view(struct replay *r, uint64_t at, size_t need, uint8_t **out)
{
	int e;

	*out = NULL;
	if (need > sizeof(r->window) || at > r->end || need > r->end - at)
		return 0;
	if (at < r->at || at - r->at > r->have ||
	    need > r->have - (size_t)(at - r->at)) {
		uint64_t left = r->end - at;

		r->at = at;
		r->have =
		    left < sizeof(r->window) ? (size_t)left : sizeof(r->window);
		e = r->env->chip->read(
		    r->env->chip_state, at, r->window, r->have);
		if (e != 0)
			return e;
	}
	*out = r->window + (at - r->at);
	return 0;
}

/*
 * Looks for a record there: *head lends its 48 bytes and the opened content
 * and tag behind them, or is NULL when nothing genuine stands there.
 */
static int
find_record(struct replay *r, uint64_t at, const uint8_t **head, size_t *len)
{
	const struct jz_crypto *crypto = r->env->engine->crypto;
	uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t *p;
	int e;

	*head = NULL;
	e = view(r, at, JZ_LOG_RECORD_HEAD_BYTES, &p);
	if (e != 0 || p == NULL || memcmp(p, JZ_LOG_RECORD_MAGIC, 4) != 0 ||
	    jz_get_be(p + JZ_LOG_AT_R_ZERO, 2) != 0)
		return e;
	*len = (size_t)jz_get_be(p + JZ_LOG_AT_R_LENGTH, 2);
	e = view(
	    r, at, JZ_LOG_RECORD_HEAD_BYTES + *len + JZ_SEAL_TAG_BYTES, &p);
	if (e != 0 || p == NULL)
		return e;
	if ((e = jz_log_use_salt(r->log, r->env, p + JZ_LOG_AT_R_SALT)) != 0)
		return e;
	jz_log_nonce(p, nonce);
	e = crypto->open(r->env->engine->state, r->log->record_key, nonce,
	    jz_span(p, JZ_LOG_RECORD_HEAD_BYTES), p + JZ_LOG_RECORD_HEAD_BYTES,
	    *len + JZ_SEAL_TAG_BYTES, p + JZ_LOG_RECORD_HEAD_BYTES);
	if (e == 0)
		*head = p;
	else
		r->have = 0; /* opening has spoilt the window */
	return e == JZ_ERR_DECRYPT ? 0 : e;
}

/* Counts what a record wrote, once all of it is in the image. */
static void
count(const struct jz_log_env *env, struct jz_span content)
{
	struct jz_cursor c = jz_cursor(content);

	if (env->written == NULL)
		return;
	(void)jz_take_u32(&c);
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES && c.len > 0; i++) {
		uint32_t offset = jz_take_u32(&c), len = jz_take_u32(&c);

		(void)jz_take(&c, len);
		env->written(env->arg, offset, len);
	}
}

/* Puts a record's patches into the image. */
static int
apply(struct replay *r, struct jz_span content)
{
	const struct jz_log_env *env = r->env;
	struct jz_cursor c = jz_cursor(content);
	uint32_t used = jz_take_u32(&c);

	if (!jz_log_has_slack(env, used))
		return JZ_ERR_CARD_FULL;
	if (used < r->used)
		memset(env->image + used, 0, r->used - used);
	r->used = used;
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES && c.len > 0; i++) {
		uint32_t offset = jz_take_u32(&c);
		struct jz_span bytes = jz_take(&c, jz_take_u32(&c));

		if (c.bad || offset > used || bytes.len > used - offset)
			return JZ_ERR_CARD_TAMPERED;
		if (bytes.len > 0)
			memcpy(env->image + offset, bytes.data, bytes.len);
	}
	if (!jz_cursor_end(&c))
		return JZ_ERR_CARD_TAMPERED;
	count(env, content);
	return 0;
}

/*
 * From a bad record on: a genuine one there or later was not left by a power
 * cut.  Without one it is a torn commit.
 */
static int
judge_tail(struct replay *r, uint64_t at)
{
	const uint8_t *head;
	size_t len;
	int e;

	/* L3: a power cut tears one record, and nothing comes after it. */
	if (r->end - at > JZ_LOG_RECORD_MAX)
		return JZ_ERR_CARD_TAMPERED;
	for (; r->end - at >= JZ_LOG_RECORD_MIN; at++) {
		if ((e = find_record(r, at, &head, &len)) != 0)
			return e;
		if (head != NULL)
			return JZ_ERR_CARD_TAMPERED;
	}
	r->log->torn = true;
	return 0;
}

static int
replay_records(struct replay *r, uint64_t at)
{
	struct jz_log *log = r->log;
	const uint8_t *head;
	size_t len;
	int e;

	if (r->end - at > JZ_LOG_FOLD_BYTES)
		return JZ_ERR_CARD_TAMPERED; /* L2 */
	while (at < r->end) {
		if ((e = find_record(r, at, &head, &len)) != 0)
			return e;
		if (head == NULL)
			return judge_tail(r, at);
		if (jz_get_be(head + JZ_LOG_AT_R_SEQUENCE, 8) !=
			log->sequence ||
		    !jz_equal_secret(head + JZ_LOG_AT_R_PREVIOUS, log->last_tag,
			JZ_SEAL_TAG_BYTES))
			return JZ_ERR_CARD_TAMPERED;
		e = apply(r, jz_span(head + JZ_LOG_RECORD_HEAD_BYTES, len));
		if (e != 0)
			return e;
		memcpy(log->last_tag, head + JZ_LOG_RECORD_HEAD_BYTES + len,
		    JZ_SEAL_TAG_BYTES);
		log->sequence++;
		len += JZ_LOG_RECORD_HEAD_BYTES + JZ_SEAL_TAG_BYTES;
		log->log_bytes += len;
		at += len;
	}
	return 0;
}

static int
replay(struct jz_log *log, const struct jz_log_env *env, uint32_t *used,
    uint64_t size)
{
	struct replay r;
	int e;

	r.log = log;
	r.env = env;
	r.used = *used;
	r.at = 0;
	r.end = size;
	r.have = 0;
	e = replay_records(
	    &r, JZ_LOG_HEADER_BYTES + (uint64_t)*used + JZ_SEAL_TAG_BYTES);
	*used = r.used;
	jz_wipe(r.window, sizeof(r.window));
	/* L1: this opening will write under a salt of its own. */
	log->session = false;
	jz_wipe(log->record_key, sizeof(log->record_key));
	return e;
}

int
jz_log_open(struct jz_log *log, const struct jz_log_env *env, uint32_t *used)
{
	uint8_t raw[JZ_LOG_HEADER_BYTES];
	uint64_t size = 0;
	int e;

	memset(log, 0, sizeof(*log));
	*used = 0;
	if ((e = read_header(env->chip, env->chip_state, raw, &size)) != 0 ||
	    (e = check_header(env, raw, size)) != 0)
		goto fail;
	*used = (uint32_t)jz_get_be(raw + JZ_LOG_AT_LENGTH, 4);
	log->present = true;
	log->sequence = jz_get_be(raw + JZ_LOG_AT_SEQUENCE, 8) + 1;
	memcpy(log->file_salt, raw + JZ_LOG_AT_SALT, JZ_LOG_SALT_BYTES);
	if ((e = read_image(log, env, raw, *used)) != 0 ||
	    (e = replay(log, env, used, size)) != 0)
		goto fail;
	/* L4: a record whose writer was killed before its sync would be told
	 * about, and could still be lost. */
	if (env->chip->sync(env->chip_state) != 0) {
		e = JZ_ERR_CARD_STORAGE;
		goto fail;
	}
	memcpy(env->hint, raw + JZ_LOG_AT_HINT, JZ_LOG_HINT_BYTES);
	return 0;
fail:
	*used = 0;
	jz_wipe(log, sizeof(*log));
	jz_wipe(env->image, env->image_bytes);
	return e;
}
