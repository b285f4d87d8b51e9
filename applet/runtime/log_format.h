/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the log share: log.c writes, replay.c reads.  The
 * format is described in log.c.
 */
#ifndef JZ_RUNTIME_LOG_FORMAT_H
#define JZ_RUNTIME_LOG_FORMAT_H

#include "../../keys/crypto.h"
#include "log.h"

#define JZ_LOG_MAGIC_BYTES	 8
#define JZ_LOG_LABEL_BYTES	 18
#define JZ_LOG_CHECK_BYTES	 8
#define JZ_LOG_SEAL_KEY_BYTES	 32
#define JZ_LOG_RECORD_MAGIC	 "JZR\n"
#define JZ_LOG_RECORD_HEAD_BYTES 48
/* Content of a record: bytes in use, patch heads, new bytes. */
#define JZ_LOG_CONTENT_MAX (4u + 8u * JZ_JOURNAL_PATCHES + JZ_LOG_COMMIT_BYTES)
#define JZ_LOG_RECORD_MAX                                                      \
	(JZ_LOG_RECORD_HEAD_BYTES + JZ_LOG_CONTENT_MAX + JZ_SEAL_TAG_BYTES)
#define JZ_LOG_RECORD_MIN (JZ_LOG_RECORD_HEAD_BYTES + 4u + JZ_SEAL_TAG_BYTES)

_Static_assert(JZ_LOG_CONTENT_MAX <= UINT16_MAX, "fits the length field");
_Static_assert(JZ_LOG_RECORD_MAX <= JZ_LOG_FOLD_BYTES, "a record fits the log");

/* Where the header's fields are. */
enum {
	JZ_LOG_AT_VERSION = 8,
	JZ_LOG_AT_SUITE = 10,
	JZ_LOG_AT_ORDER = 11,
	JZ_LOG_AT_LENGTH = 12,
	JZ_LOG_AT_SEQUENCE = 16,
	JZ_LOG_AT_HINT = 24,
	JZ_LOG_AT_SALT = 56,
	JZ_LOG_AT_CHECK = 72,
	JZ_LOG_AT_CRC = 92,
};
_Static_assert(JZ_LOG_AT_SALT == JZ_LOG_AT_HINT + JZ_LOG_HINT_BYTES, "hint");
_Static_assert(JZ_LOG_AT_CHECK == JZ_LOG_AT_SALT + JZ_LOG_SALT_BYTES, "salt");
_Static_assert(
    JZ_LOG_AT_CRC + 4 == JZ_LOG_HEADER_BYTES, "checksum ends the header");

/* Where the fields of a record's head are. */
enum {
	JZ_LOG_AT_R_ZERO = 4,
	JZ_LOG_AT_R_LENGTH = 6,
	JZ_LOG_AT_R_SEQUENCE = 8,
	JZ_LOG_AT_R_SALT = 16,
	JZ_LOG_AT_R_PREVIOUS = 32,
};

/* One for each key; the KDF's input begins with it. */
enum jz_log_label {
	JZ_LOG_LABEL_CHECK,
	JZ_LOG_LABEL_IMAGE,
	JZ_LOG_LABEL_RECORD,
};

bool jz_log_has_storage(const struct jz_chip *chip);
/* Whether so much of the image may be in use. */
bool jz_log_has_slack(const struct jz_log_env *env, uint32_t used);
uint32_t jz_log_crc(const uint8_t *p, size_t len);
uint8_t jz_log_byte_order(void);
/* salt2 may be NULL. */
int jz_log_derive(const struct jz_log_env *env, enum jz_log_label label,
    const uint8_t salt[static JZ_LOG_SALT_BYTES], const uint8_t *salt2,
    uint8_t out[static JZ_KEY_BYTES]);
int jz_log_key_check(const struct jz_log_env *env,
    const uint8_t salt[static JZ_LOG_SALT_BYTES],
    uint8_t out[static JZ_LOG_CHECK_BYTES]);
/* Puts the key of records with this salt into log->record_key. */
int jz_log_use_salt(struct jz_log *log, const struct jz_log_env *env,
    const uint8_t salt[static JZ_LOG_SALT_BYTES]);
/* The nonce of the record with this head. */
void
jz_log_nonce(const uint8_t *head, uint8_t nonce[static JZ_SEAL_NONCE_BYTES]);

#endif
