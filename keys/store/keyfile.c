/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw and sealed key files.
 *
 * A raw key file is 64 hexadecimal digits and a line feed.  A sealed key file:
 *
 *   4   "JZKF"
 *   1   version, 01: scrypt (RFC 7914) with N = 2^15, r = 8, p = 1
 *   1   suite
 *   16  salt
 *   n   the secret, enciphered, and its tag of 16 bytes
 *   32  hash of all bytes before
 *
 * The first 22 bytes are the associated data.  Each file has a fresh salt and
 * so a key of its own, under which one thing is sealed: the nonce is zero.
 * The hash tells a damaged file from a wrong passphrase; against alteration
 * stands the tag.
 */
#define _POSIX_C_SOURCE 200809L

#include "keyfile.h"

#include <string.h>
#include <sys/random.h>

#include "../../apdu/error.h"
#include "../openssl/openssl.h"
#include "../secret.h"
#include "file.h"

#define HEX_BYTES      JZ_RAW_KEY_TEXT_BYTES
#define MODE_PRIVATE   0600
#define MAGIC_BYTES    4
#define SALT_BYTES     16
#define HEAD_BYTES     (MAGIC_BYTES + 2 + SALT_BYTES)
#define OVERHEAD_BYTES (HEAD_BYTES + JZ_SEAL_TAG_BYTES + JZ_HASH_BYTES)
/* One more, so that a file that is too long is seen to be. */
#define FILE_MAX (OVERHEAD_BYTES + JZ_KEYFILE_MAX + 1)
#define SCRYPT_R 8
#define SCRYPT_P 1

/* Slow checks of our own code build with less; a file that such a build writes
 * has another version, and opens nowhere else. */
#ifdef JZ_WEAK_SCRYPT_N_LOG2
#define SCRYPT_N_LOG2 JZ_WEAK_SCRYPT_N_LOG2
#define VERSION	      (0x80 | SCRYPT_N_LOG2)
#else
#define SCRYPT_N_LOG2 15
#define VERSION	      0x01
#endif

static const uint8_t MAGIC[MAGIC_BYTES] = {'J', 'Z', 'K', 'F'};
static const uint8_t NONCE[JZ_SEAL_NONCE_BYTES] = {0};

void
jz_rawkey_text(const struct jz_secret *secret, uint8_t text[static HEX_BYTES])
{
	static const char DIGITS[] = "0123456789abcdef";
	const uint8_t *key = jz_secret_span(secret).data;

	for (size_t i = 0; i < JZ_RAW_KEY_BYTES; i++) {
		text[2 * i] = (uint8_t)DIGITS[key[i] >> 4];
		text[2 * i + 1] = (uint8_t)DIGITS[key[i] & 0x0F];
	}
	text[HEX_BYTES - 1] = '\n';
}

/* The digit's value, or 16. */
static unsigned
from_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	if (c >= 'a' && c <= 'f')
		return c - (unsigned)'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - (unsigned)'A' + 10;
	return 16;
}

static int
from_hex(struct jz_span text, uint8_t key[static JZ_RAW_KEY_BYTES])
{
	unsigned high, low;

	/* An editor may have dropped the line feed. */
	if (text.len != HEX_BYTES && text.len != HEX_BYTES - 1)
		return JZ_ERR_KEYFILE;
	if (text.len == HEX_BYTES && text.data[HEX_BYTES - 1] != '\n')
		return JZ_ERR_KEYFILE;
	for (size_t i = 0; i < JZ_RAW_KEY_BYTES; i++) {
		high = from_digit(text.data[2 * i]);
		low = from_digit(text.data[2 * i + 1]);
		if (high > 15 || low > 15)
			return JZ_ERR_KEYFILE;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int
jz_rawkey_create(const char *path, struct jz_secret *out)
{
	uint8_t *key = jz_secret_fill(out, JZ_RAW_KEY_BYTES);
	uint8_t text[HEX_BYTES];
	int rc = JZ_ERR_SYSTEM;

	/* Up to 256 bytes come whole (getrandom(2)). */
	if (getrandom(key, JZ_RAW_KEY_BYTES, 0) == JZ_RAW_KEY_BYTES) {
		jz_rawkey_text(out, text);
		rc = jz_file_write(path, MODE_PRIVATE, JZ_FILE_NEW,
		    jz_span(text, sizeof(text)));
	}
	jz_wipe(text, sizeof(text));
	if (rc != 0)
		jz_secret_wipe(out);
	return rc;
}

int
jz_rawkey_read(const char *path, struct jz_secret *out)
{
	uint8_t text[HEX_BYTES + 1];
	struct jz_buffer b = jz_buffer(text, sizeof(text));
	int rc = jz_file_read(path, &b);

	if (rc == 0)
		rc = from_hex(
		    jz_buffer_span(&b), jz_secret_fill(out, JZ_RAW_KEY_BYTES));
	else if (rc == JZ_ERR_SPACE)
		rc = JZ_ERR_KEYFILE;
	jz_wipe(text, sizeof(text));
	if (rc != 0)
		jz_secret_wipe(out);
	return rc;
}

static int
derive(const struct jz_secret *passphrase, const uint8_t *salt,
    uint8_t key[static JZ_KEY_BYTES])
{
	return jz_openssl_scrypt(passphrase, jz_span(salt, SALT_BYTES),
	    SCRYPT_N_LOG2, SCRYPT_R, SCRYPT_P, key, JZ_KEY_BYTES);
}

static int
put_sealed(const struct jz_engine *e, const struct jz_secret *passphrase,
    struct jz_span secret, struct jz_buffer *out)
{
	uint8_t key[JZ_KEY_BYTES];
	uint8_t *salt, *sealed, *hash;
	struct jz_span all;
	int rc;

	jz_put(out, MAGIC, sizeof(MAGIC));
	jz_put_u8(out, VERSION);
	jz_put_u8(out, (uint8_t)e->crypto->suite);
	salt = jz_reserve(out, SALT_BYTES);
	sealed = jz_reserve(out, secret.len + JZ_SEAL_TAG_BYTES);
	all = jz_buffer_span(out);
	hash = jz_reserve(out, JZ_HASH_BYTES);
	if (out->bad)
		return JZ_ERR_SPACE;
	rc = e->crypto->random(e->state, salt, SALT_BYTES);
	if (rc == 0)
		rc = derive(passphrase, salt, key);
	if (rc == 0)
		rc = e->crypto->seal(e->state, key, NONCE,
		    jz_span(out->data, HEAD_BYTES), secret.data, secret.len,
		    sealed);
	if (rc == 0)
		rc = e->crypto->hash(e->state, &all, 1, hash);
	jz_wipe(key, sizeof(key));
	return rc;
}

int
jz_keyfile_store(const struct jz_engine *e, const char *path,
    enum jz_file_write how, const struct jz_secret *passphrase,
    struct jz_span secret)
{
	uint8_t bytes[FILE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int rc;

	if (secret.len < 1 || secret.len > JZ_KEYFILE_MAX)
		return JZ_ERR_RANGE;
	rc = put_sealed(e, passphrase, secret, &b);
	if (rc == 0)
		rc = jz_file_write(path, MODE_PRIVATE, how, jz_buffer_span(&b));
	return rc;
}

int
jz_keyfile_write(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_span secret)
{
	return jz_keyfile_store(e, path, JZ_FILE_REPLACE, passphrase, secret);
}

/* Whether the file is whole and of our version and suite. */
static int
check_form(const struct jz_engine *e, struct jz_span file)
{
	uint8_t hash[JZ_HASH_BYTES];
	struct jz_span all;
	int rc;

	if (file.len <= OVERHEAD_BYTES ||
	    file.len > OVERHEAD_BYTES + JZ_KEYFILE_MAX)
		return JZ_ERR_KEYFILE;
	all = jz_span(file.data, file.len - JZ_HASH_BYTES);
	rc = e->crypto->hash(e->state, &all, 1, hash);
	if (rc != 0)
		return rc;
	if (memcmp(hash, file.data + all.len, JZ_HASH_BYTES) != 0 ||
	    memcmp(file.data, MAGIC, MAGIC_BYTES) != 0 ||
	    file.data[MAGIC_BYTES] != VERSION ||
	    file.data[MAGIC_BYTES + 1] != e->crypto->suite)
		return JZ_ERR_KEYFILE;
	return 0;
}

static int
take_sealed(const struct jz_engine *e, const struct jz_secret *passphrase,
    struct jz_span file, struct jz_buffer *out)
{
	struct jz_span head = jz_span(file.data, HEAD_BYTES);
	size_t sealed = file.len - HEAD_BYTES - JZ_HASH_BYTES;
	uint8_t key[JZ_KEY_BYTES];
	size_t start = out->len;
	uint8_t *secret = jz_reserve(out, sealed - JZ_SEAL_TAG_BYTES);
	int rc;

	if (secret == NULL)
		return JZ_ERR_SPACE;
	rc = derive(passphrase, head.data + MAGIC_BYTES + 2, key);
	if (rc == 0)
		rc = e->crypto->open(e->state, key, NONCE, head,
		    file.data + HEAD_BYTES, sealed, secret);
	jz_wipe(key, sizeof(key));
	if (rc != 0)
		out->len = start;
	return rc == JZ_ERR_DECRYPT ? JZ_ERR_PASSPHRASE : rc;
}

int
jz_keyfile_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_buffer *out)
{
	uint8_t bytes[FILE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int rc = jz_file_read(path, &b);

	if (rc == JZ_ERR_SPACE)
		return JZ_ERR_KEYFILE;
	if (rc == 0)
		rc = check_form(e, jz_buffer_span(&b));
	if (rc == 0)
		rc = take_sealed(e, passphrase, jz_buffer_span(&b), out);
	return rc;
}
