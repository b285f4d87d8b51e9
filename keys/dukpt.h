/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES DUKPT, ANSI X9.24-3:2017: a key of its own for each transaction.
 *
 * A base key (BDK) gives each device one initial key, and the initial key one
 * transaction key for each value of a counter, from which come the working
 * keys for PIN, MAC and data.  A device keeps no key from which a used one
 * follows (forward secrecy); the host finds any of them again from base key
 * and key serial number.
 *
 *   key serial number (KSN), 12 bytes: BDK ID (4), derivation ID (4), counter
 *
 * Portable, no allocation.  Keys are derived with one block of AES under keys
 * of up to 256 bits, which struct jz_crypto has not: its ciphers have keys of
 * 128 bits and may be SM4.  So the block cipher is an argument of its own;
 * keys/openssl/aes.h has one.
 *
 * Keys stand in 32 bytes, those of 16 and 24 followed by zeros.  All functions
 * return 0 or an error; on error the output is zeroed and no state changed.
 * One device is used by one thread at a time.
 *
 * Caveat: a counter has 32 bits with at most 16 ones among them; the last is
 * FFFF0000 (6.1), 2^31.19 transactions.  The 2^21 that is often quoted is of
 * the older DUKPT, with triple DES.
 */
#ifndef JZ_KEYS_DUKPT_H
#define JZ_KEYS_DUKPT_H

#include <stddef.h>
#include <stdint.h>

#define JZ_DUKPT_KEY_MAX   32
#define JZ_DUKPT_ID_BYTES  8 /* initial key ID */
#define JZ_DUKPT_KSN_BYTES 12
#define JZ_DUKPT_REGISTERS 32
#define JZ_DUKPT_ONES_MAX  16
#define JZ_DUKPT_LAST	   UINT32_C(0xFFFF0000)

/* What a key is made for; the algorithm codes of 6.3.2. */
enum jz_dukpt_type {
	JZ_DUKPT_AES128 = 2,
	JZ_DUKPT_AES192 = 3,
	JZ_DUKPT_AES256 = 4,
};

/* The key usage codes of 6.3.2. */
enum jz_dukpt_usage {
	JZ_DUKPT_KEY_ENCRYPTION = 0x0002,
	JZ_DUKPT_PIN = 0x1000,
	JZ_DUKPT_MAC_MAKE = 0x2000,
	JZ_DUKPT_MAC_VERIFY = 0x2001,
	JZ_DUKPT_MAC_BOTH = 0x2002,
	JZ_DUKPT_DATA_ENCRYPT = 0x3000,
	JZ_DUKPT_DATA_DECRYPT = 0x3001,
	JZ_DUKPT_DATA_BOTH = 0x3002,
};

/* AES of one block; key_len is 16, 24 or 32.  0 or an error. */
struct jz_block_cipher {
	int (*encrypt)(void *state, const uint8_t *key, size_t key_len,
	    const uint8_t in[static 16], uint8_t out[static 16]);
	void *state;
};

/* A key with what belongs to it: an initial key, or one of a transaction. */
struct jz_dukpt_key {
	uint8_t key[JZ_DUKPT_KEY_MAX];
	enum jz_dukpt_type type;
	uint8_t id[JZ_DUKPT_ID_BYTES];
	uint32_t counter; /* 0: the initial key */
};

/* ---- the host ------------------------------------------------------------ */

/* The initial key of a device.  JZ_ERR_RANGE: no such type. */
int jz_dukpt_initial(const struct jz_block_cipher *c, enum jz_dukpt_type type,
    const uint8_t *bdk, const uint8_t id[static JZ_DUKPT_ID_BYTES],
    struct jz_dukpt_key *out);
/*
 * The key of one transaction, from the initial key.  JZ_ERR_RANGE: a counter
 * that no device uses (zero, above the last, more than 16 ones).  out may not
 * be initial.
 */
int jz_dukpt_transaction(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, uint32_t counter,
    struct jz_dukpt_key *out);
/*
 * The key under which a device is given its next initial key (6.5.2): that of
 * counter FFFFFFFF, which is no transaction's.
 */
int jz_dukpt_update(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, uint8_t out[static JZ_DUKPT_KEY_MAX]);

/* ---- both ---------------------------------------------------------------- */

/*
 * A working key of a transaction.  JZ_ERR_RANGE: no such type or usage, the key
 * is no transaction's, or the working key would be longer than it (6.2.1: none
 * is stronger than what it comes from).
 */
int jz_dukpt_working(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *transaction, enum jz_dukpt_usage usage,
    enum jz_dukpt_type type, uint8_t out[static JZ_DUKPT_KEY_MAX]);
void jz_dukpt_ksn(
    const struct jz_dukpt_key *key, uint8_t ksn[static JZ_DUKPT_KSN_BYTES]);

/* ---- the device ---------------------------------------------------------- */

/*
 * What a device remembers.  Register i holds the key of the next counter whose
 * lowest one is bit i, as long as its bit in `in_use` is set.  Fixed width, no
 * pointers: it may lie in a card's memory.
 */
struct jz_dukpt_device {
	uint8_t id[JZ_DUKPT_ID_BYTES];
	uint32_t counter; /* of the next transaction; 0: used up */
	uint32_t in_use;
	uint32_t type; /* enum jz_dukpt_type */
	uint8_t registers[JZ_DUKPT_REGISTERS][JZ_DUKPT_KEY_MAX];
};

/*
 * Fills the registers.  The caller wipes the initial key, which the device does
 * not keep.  JZ_ERR_RANGE: not an initial key.
 */
int jz_dukpt_load(const struct jz_block_cipher *c,
    const struct jz_dukpt_key *initial, struct jz_dukpt_device *out);
/*
 * The next transaction's key.  When this returns, the device holds neither it
 * nor anything that it follows from: where the device is persistent, it is
 * stored before the key is used, so that a power cut loses a key and repeats
 * none.  The caller wipes the key.  JZ_ERR_KEYS_SPENT: the counter has come to
 * its end; the device needs another initial key.
 */
int jz_dukpt_next(const struct jz_block_cipher *c, struct jz_dukpt_device *d,
    struct jz_dukpt_key *out);

#endif
