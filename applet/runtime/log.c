/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage.  The format is ours; version 1, integers big-endian:
 *
 *   header   0  8  magic "JZCARD\r\n"
 *            8  2  version, 1
 *           10  1  suite: 1 nist, 2 gm
 *           11  1  byte order of the image's integers: 1 little, 2 big
 *           12  4  bytes of the image, n
 *           16  8  commits that the image holds
 *           24 32  hint: the key derivation's parameters
 *           56 16  file salt, fresh whenever the image is written
 *           72  8  key check: first bytes of CMAC(Kc, magic)
 *           80 12  zero
 *           92  4  CRC-32 (IEEE 802.3, as in zlib) of bytes 0-91
 *   image   96  n  sealed under Ki, nonce zero, associated data: the header
 *         96+n 16  its tag
 *   record*  0  4  magic "JZR\n"
 *            4  2  zero
 *            6  2  bytes of the sealed content, m
 *            8  8  sequence: 1 for a card's first commit, no gaps
 *           16 16  salt of the opening that wrote the record
 *           32 16  tag of the record before, or of the image
 *           48  m  sealed under Kr, nonce: four zero bytes and the sequence,
 *                  associated data: the 48 bytes before
 *         48+m 16  its tag
 *   content  0  4  bytes of the image in use after this commit
 *            then for each patch: offset (4), length (4), the new bytes
 *
 * Sealing is the suite's authenticated encryption (keys/crypto.h).  With KDF
 * the one of ANSI X9.63 over the suite's hash and K the card's 32-byte key:
 *
 *   Kc = KDF(K, "jiaozi card check " || file salt)
 *   Ki = KDF(K, "jiaozi card image " || file salt)
 *   Kr = KDF(K, "jiaozi card record" || file salt || the record's salt)
 *
 * The checksum needs no key: it tells damage from a wrong key, and lets the
 * hint be read before there is one.  Against alteration stands the seal.
 *
 * A record that opens under its own salt is genuine, wherever it stands.  So
 * when one is bad, or out of its place, and a genuine one is found there or
 * later, the storage was altered.  Otherwise what follows is a torn commit.
 *
 * Invariants, cited by number below:
 *   L1  No key seals twice with one nonce: Ki seals once, and Kr seals each
 *       sequence once, because a failed write ends the log's life in memory.
 *   L2  The storage is header, image and at most JZ_LOG_FOLD_BYTES of records.
 *   L3  Nothing is appended after a torn record.
 *   L4  What an opening has read is durable before it returns.
 */
#include "log_format.h"
#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "../../keys/signed.h"

#include <string.h>

static const uint8_t ZERO_NONCE[JZ_SEAL_NONCE_BYTES];

bool
jz_log_has_storage(const struct jz_chip *chip)
{
	return chip->append != NULL;
}

uint32_t
jz_log_crc(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xFFFFFFFFu;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
	}
	return ~crc;
}

uint8_t
jz_log_byte_order(void)
{
	const uint16_t one = 1;
	uint8_t low;

	memcpy(&low, &one, 1);
	return low == 1 ? 1 : 2;
}

int
jz_log_derive(const struct jz_log_env *env, enum jz_log_label label,
    const uint8_t salt[static JZ_LOG_SALT_BYTES], const uint8_t *salt2,
    uint8_t out[static JZ_KEY_BYTES])
{
	static const char *const text[] = {
	    [JZ_LOG_LABEL_CHECK] = "jiaozi card check ",
	    [JZ_LOG_LABEL_IMAGE] = "jiaozi card image ",
	    [JZ_LOG_LABEL_RECORD] = "jiaozi card record",
	};
	const struct jz_span info[] = {
	    jz_span(text[label], JZ_LOG_LABEL_BYTES),
	    jz_span(salt, JZ_LOG_SALT_BYTES),
	    jz_span(salt2, salt2 == NULL ? 0 : JZ_LOG_SALT_BYTES),
	};

	return jz_kdf(env->engine,
	    jz_span(env->seal_key, JZ_LOG_SEAL_KEY_BYTES), info,
	    sizeof(info) / sizeof(info[0]), out, JZ_KEY_BYTES);
}

int
jz_log_key_check(const struct jz_log_env *env,
    const uint8_t salt[static JZ_LOG_SALT_BYTES],
    uint8_t out[static JZ_LOG_CHECK_BYTES])
{
	const struct jz_span magic = jz_span(JZ_LOG_MAGIC, JZ_LOG_MAGIC_BYTES);
	uint8_t key[JZ_KEY_BYTES], mac[JZ_KEY_BYTES];
	int e;

	e = jz_log_derive(env, JZ_LOG_LABEL_CHECK, salt, NULL, key);
	if (e == 0)
		e = env->engine->crypto->cmac(
		    env->engine->state, key, &magic, 1, mac);
	if (e == 0)
		memcpy(out, mac, JZ_LOG_CHECK_BYTES);
	jz_wipe(key, sizeof(key));
	jz_wipe(mac, sizeof(mac));
	return e;
}

int
jz_log_use_salt(struct jz_log *log, const struct jz_log_env *env,
    const uint8_t salt[static JZ_LOG_SALT_BYTES])
{
	int e;

	if (log->session && memcmp(log->salt, salt, JZ_LOG_SALT_BYTES) == 0)
		return 0;
	log->session = false;
	e = jz_log_derive(
	    env, JZ_LOG_LABEL_RECORD, log->file_salt, salt, log->record_key);
	if (e != 0)
		return e;
	memcpy(log->salt, salt, JZ_LOG_SALT_BYTES);
	log->session = true;
	return 0;
}

void
jz_log_nonce(const uint8_t *head, uint8_t nonce[static JZ_SEAL_NONCE_BYTES])
{
	memset(nonce, 0, JZ_SEAL_NONCE_BYTES);
	memcpy(nonce + JZ_SEAL_NONCE_BYTES - 8, head + JZ_LOG_AT_R_SEQUENCE, 8);
}

bool
jz_log_has_slack(const struct jz_log_env *env, uint32_t used)
{
	return env->image_bytes >= JZ_LOG_SLACK_BYTES &&
	    used <= env->image_bytes - JZ_LOG_SLACK_BYTES;
}

/* Salts. */
static int
draw(const struct jz_log_env *env, uint8_t *out, size_t len)
{
	return env->random != NULL
	    ? env->random(env->arg, out, len)
	    : env->engine->crypto->random(env->engine->state, out, len);
}

/* ---- writing the image -------------------------------------------------- */

static int
build_header(const struct jz_log_env *env, uint32_t used, uint64_t sequence,
    uint8_t raw[static JZ_LOG_HEADER_BYTES])
{
	const struct jz_engine *engine = env->engine;
	int e;

	memset(raw, 0, JZ_LOG_HEADER_BYTES);
	memcpy(raw, JZ_LOG_MAGIC, JZ_LOG_MAGIC_BYTES);
	jz_set_be(raw + JZ_LOG_AT_VERSION, 2, JZ_LOG_VERSION);
	raw[JZ_LOG_AT_SUITE] = (uint8_t)engine->crypto->suite;
	raw[JZ_LOG_AT_ORDER] = jz_log_byte_order();
	jz_set_be(raw + JZ_LOG_AT_LENGTH, 4, used);
	jz_set_be(raw + JZ_LOG_AT_SEQUENCE, 8, sequence);
	memcpy(raw + JZ_LOG_AT_HINT, env->hint, JZ_LOG_HINT_BYTES);
	e = draw(env, raw + JZ_LOG_AT_SALT, JZ_LOG_SALT_BYTES);
	if (e == 0)
		e = jz_log_key_check(
		    env, raw + JZ_LOG_AT_SALT, raw + JZ_LOG_AT_CHECK);
	jz_set_be(raw + JZ_LOG_AT_CRC, 4, jz_log_crc(raw, JZ_LOG_AT_CRC));
	return e;
}

/*
 * Seals the image in its place, stores it, and opens it again: there is no
 * memory for a second one.  The tag stands in the slack behind it.
 */
static int
store_image(struct jz_log *log, const struct jz_log_env *env, uint32_t used,
    const uint8_t raw[static JZ_LOG_HEADER_BYTES],
    const uint8_t key[static JZ_KEY_BYTES])
{
	const struct jz_crypto *crypto = env->engine->crypto;
	const struct jz_span header = jz_span(raw, JZ_LOG_HEADER_BYTES);
	const struct jz_span parts[] = {
	    header, jz_span(env->image, used + JZ_SEAL_TAG_BYTES)};
	uint8_t tag[JZ_SEAL_TAG_BYTES];
	int e, stored;

	e = crypto->seal(env->engine->state, key, ZERO_NONCE, header,
	    env->image, used, env->image);
	if (e != 0)
		return e;
	memcpy(tag, env->image + used, sizeof(tag));
	stored = env->chip->replace(env->chip_state, parts, 2);
	e = crypto->open(env->engine->state, key, ZERO_NONCE, header,
	    env->image, used + JZ_SEAL_TAG_BYTES, env->image);
	memset(env->image + used, 0, JZ_SEAL_TAG_BYTES);
	memcpy(log->last_tag, tag, sizeof(tag));
	return stored != 0 ? JZ_ERR_CARD_STORAGE : e;
}

/*
 * Writes header and image; the log is empty then, and needs a new salt.
 * Whatever fails, the log is not used again: what is stored, and after a
 * failed seal the image itself, is unknown.
 */
static int
write_image(struct jz_log *log, const struct jz_log_env *env, uint32_t used,
    uint64_t sequence)
{
	uint8_t raw[JZ_LOG_HEADER_BYTES], key[JZ_KEY_BYTES];
	int e;

	log->failed = true;
	e = build_header(env, used, sequence, raw);
	if (e == 0)
		e = jz_log_derive(
		    env, JZ_LOG_LABEL_IMAGE, raw + JZ_LOG_AT_SALT, NULL, key);
	if (e == 0)
		e = store_image(log, env, used, raw, key);
	jz_wipe(key, sizeof(key));
	if (e != 0)
		return e;
	memcpy(log->file_salt, raw + JZ_LOG_AT_SALT, JZ_LOG_SALT_BYTES);
	jz_wipe(log->record_key, sizeof(log->record_key));
	log->failed = false;
	log->session = false;
	log->torn = false;
	log->sequence = sequence + 1;
	log->log_bytes = 0;
	return 0;
}

int
jz_log_format(struct jz_log *log, const struct jz_log_env *env, uint32_t used)
{
	memset(log, 0, sizeof(*log));
	if (!jz_log_has_storage(env->chip))
		return 0;
	if (!jz_log_has_slack(env, used))
		return JZ_ERR_CARD_FULL;
	log->present = true;
	return write_image(log, env, used, 0);
}

/* ---- commit ------------------------------------------------------------- */

/* Draws this opening's salt. */
static int
start_session(struct jz_log *log, const struct jz_log_env *env)
{
	uint8_t salt[JZ_LOG_SALT_BYTES];
	int e;

	if (log->session)
		return 0;
	e = draw(env, salt, sizeof(salt));
	return e != 0 ? e : jz_log_use_salt(log, env, salt);
}

static void
build_content(const struct jz_log_env *env, uint32_t used,
    const struct jz_patch *patches, size_t n, struct jz_buffer *out)
{
	jz_put_u32(out, used);
	for (size_t i = 0; i < n; i++) {
		jz_put_u32(out, patches[i].offset);
		jz_put_u32(out, patches[i].len);
		jz_put(out, env->image + patches[i].offset, patches[i].len);
	}
}

/* Builds a record and seals it in its place. */
static int
build_record(struct jz_log *log, const struct jz_log_env *env, uint32_t used,
    const struct jz_patch *patches, size_t n, struct jz_buffer *out)
{
	const struct jz_engine *engine = env->engine;
	uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	uint8_t *head, *content;
	size_t len;
	int e;

	if ((e = start_session(log, env)) != 0)
		return e;
	jz_put(out, JZ_LOG_RECORD_MAGIC, 4);
	jz_put_u32(out, 0);
	jz_put_u64(out, log->sequence);
	jz_put(out, log->salt, JZ_LOG_SALT_BYTES);
	jz_put(out, log->last_tag, JZ_SEAL_TAG_BYTES);
	build_content(env, used, patches, n, out);
	len = out->len - JZ_LOG_RECORD_HEAD_BYTES;
	jz_reserve(out, JZ_SEAL_TAG_BYTES);
	if (out->bad)
		return JZ_ERR_CARD_FULL;
	head = out->data;
	content = head + JZ_LOG_RECORD_HEAD_BYTES;
	jz_set_be(head + JZ_LOG_AT_R_LENGTH, 2, len);
	jz_log_nonce(head, nonce);
	return engine->crypto->seal(engine->state, log->record_key, nonce,
	    jz_span(head, JZ_LOG_RECORD_HEAD_BYTES), content, len, content);
}

/* One append and one sync.  Whatever fails, the log is not used again (L1). */
static int
append_record(struct jz_log *log, const struct jz_log_env *env,
    const struct jz_buffer *record)
{
	log->failed = true;
	if (env->chip->append(env->chip_state, record->data, record->len) !=
		0 ||
	    env->chip->sync(env->chip_state) != 0)
		return JZ_ERR_CARD_STORAGE;
	log->failed = false;
	memcpy(log->last_tag, record->data + record->len - JZ_SEAL_TAG_BYTES,
	    JZ_SEAL_TAG_BYTES);
	log->sequence++;
	log->log_bytes += record->len;
	return 0;
}

/* What a record of these patches takes, or an error. */
static int
measure(const struct jz_log_env *env, uint32_t used,
    const struct jz_patch *patches, size_t n, size_t *total)
{
	size_t bytes = 0;

	if (!jz_log_has_slack(env, used) || n > JZ_JOURNAL_PATCHES)
		return JZ_ERR_CARD_FULL;
	for (size_t i = 0; i < n; i++) {
		const struct jz_patch *p = &patches[i];

		if (p->offset > used || p->len > used - p->offset)
			return JZ_ERR_ARGUMENT;
		if (p->len > JZ_LOG_COMMIT_BYTES - bytes)
			return JZ_ERR_CARD_FULL;
		bytes += p->len;
	}
	*total = JZ_LOG_RECORD_MIN + 8 * n + bytes;
	return 0;
}

int
jz_log_commit(struct jz_log *log, const struct jz_log_env *env, uint32_t used,
    const struct jz_patch *patches, size_t n)
{
	uint8_t raw[JZ_LOG_RECORD_MAX];
	struct jz_buffer record = jz_buffer(raw, sizeof(raw));
	size_t total;
	int e;

	if (!log->present)
		return 0;
	if (log->failed)
		return JZ_ERR_CARD_DEAD;
	if ((e = measure(env, used, patches, n, &total)) != 0)
		return e;
	/* L2, L3: the new image itself is the commit. */
	if (log->torn || total > JZ_LOG_FOLD_BYTES - log->log_bytes)
		return write_image(log, env, used, log->sequence);
	e = build_record(log, env, used, patches, n, &record);
	if (e == 0)
		e = append_record(log, env, &record);
	/* When sealing failed there may be clear bytes in it. */
	jz_wipe(raw, record.len);
	return e;
}

int
jz_log_rewrite(struct jz_log *log, const struct jz_log_env *env, uint32_t used)
{
	if (!log->present)
		return 0;
	if (log->failed)
		return JZ_ERR_CARD_DEAD;
	if (!jz_log_has_slack(env, used))
		return JZ_ERR_CARD_FULL;
	return write_image(log, env, used, log->sequence);
}

void
jz_log_new_session(struct jz_log *log)
{
	log->session = false;
	jz_wipe(log->record_key, sizeof(log->record_key));
}
