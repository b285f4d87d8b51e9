/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card-verifiable certificates: BSI TR-03110 part 3, appendix C.1, D.
 *
 *   7F21 { 7F4E { 5F29 00, 42 CAR, 7F49 { 06 OID, 86 point }, 5F20 CHR,
 *                 7F4C { 06 role OID, 53 role }, 5F25 from, 5F24 to },
 *          5F37 r || s }
 *
 * The signature is over the whole 7F4E object.  Domain parameters are never
 * carried: the suite fixes them.  Holder references are two letters of a
 * country, a mnemonic and five digits; a card's is "CN", nine digits of the
 * card number, five digits that count its key pairs: 16 characters, and its
 * identity (ID) everywhere in our messages.
 *
 * The role object 53 has five bytes: role, assurance level, flags, and the
 * two-byte generation that a revocation list can refuse by.
 */
#ifndef JZ_KEYS_CERTIFICATE_H
#define JZ_KEYS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../apdu/bytes.h"
#include "crypto.h"

#define JZ_REFERENCE_BYTES 16
#define JZ_CERTIFICATE_MAX 256

enum jz_role {
	JZ_ROLE_CARD = 0x00, /* signs payments, loads, settlement */
	JZ_ROLE_HOST = 0x40, /* issuer's host: permissions, confirmations */
	JZ_ROLE_CA = 0x80,   /* signs cards and hosts */
	JZ_ROLE_ROOT = 0xC0, /* signs CAs and itself */
};

enum jz_assurance {
	JZ_ASSURANCE_TEST = 1,
	JZ_ASSURANCE_SOFTWARE = 2,
	JZ_ASSURANCE_HARDWARE = 3,
};

#define JZ_FLAG_PAYEE_ONLY   0x01
#define JZ_FLAG_SEALED_LOADS 0x02 /* its loads are enciphered (online.h) */
#define JZ_FLAGS	     (JZ_FLAG_PAYEE_ONLY | JZ_FLAG_SEALED_LOADS)

struct jz_certificate {
	/* References are padded with NUL to 16 bytes. */
	uint8_t authority[JZ_REFERENCE_BYTES];
	uint8_t holder[JZ_REFERENCE_BYTES];
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	enum jz_suite suite;
	enum jz_role role;
	enum jz_assurance assurance;
	uint8_t flags;
	uint16_t generation;
	int64_t from; /* first second of validity */
	int64_t to;   /* first second after the expiry date */
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_span body; /* whole 7F4E, lent from the parsed bytes */
};

/*
 * Parses one whole 7F21 object and nothing after it.  Does not verify.
 * Returns 0, JZ_ERR_CERT_MALFORMED or JZ_ERR_CERT_SUITE (known but other
 * algorithm than `crypto`'s).
 */
int jz_certificate_parse(struct jz_span in, const struct jz_crypto *crypto,
    struct jz_certificate *out);

/* Who may have signed a certificate. */
struct jz_authority {
	uint8_t reference[JZ_REFERENCE_BYTES];
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
};

/*
 * Verifies, in this order: the authority's reference (JZ_ERR_CERT_ISSUER),
 * the role (JZ_ERR_CERT_ROLE), the signature (JZ_ERR_CERT_FORGED), the dates
 * (JZ_ERR_CERT_NOT_YET, JZ_ERR_CERT_EXPIRED).  now 0: no clock, dates are not
 * looked at.
 */
int
jz_certificate_verify(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_authority *by, enum jz_role role, int64_t now);

/*
 * Signs a certificate with the given fields (signature and body are ignored)
 * and appends it.  A root is signed by its own key with authority = holder.
 * from and to are widened to whole days.  JZ_ERR_RANGE (a field that a
 * certificate cannot hold), JZ_ERR_CERT_SUITE, JZ_ERR_SPACE, or an error of
 * the signature; then nothing is appended.
 */
int
jz_certificate_sign(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_key_pair *by, struct jz_buffer *out);

/* Country, mnemonic, five digits, padded with NUL: TR-03110 part 3, A.6.1. */
bool jz_reference_valid(const uint8_t ref[static JZ_REFERENCE_BYTES]);

/* The status word that a card gives for an error of this file. */
uint16_t jz_certificate_status(int error);

#endif
