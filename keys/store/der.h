/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of DER (ITU-T X.690) that X.509 is put together from.  For the files
 * of this folder alone.  Nothing here fails but by the buffer's `bad`, or
 * JZ_ERR_RANGE for what cannot be encoded.
 */
#ifndef JZ_KEYS_STORE_DER_H
#define JZ_KEYS_STORE_DER_H

#include "x509.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_UTF8 = 0x0C,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xA0,
	DER_CONTEXT_3 = 0xA3,
};

/* What X.509 calls a suite's algorithms; NULL when there is no such suite. */
struct jz_x509_suite {
	enum jz_suite suite;
	int curve; /* OpenSSL's number */
	uint8_t signature_len, curve_len;
	uint8_t signature[10], curve_oid[10];
	const char *id; /* the signer's identifier, of SM2; NULL: none */
};
const struct jz_x509_suite *jz_x509_suite(enum jz_suite suite);
const struct jz_x509_suite *jz_x509_suite_of_curve(int curve);

/* A number, minimal and positive. */
void der_integer(struct jz_buffer *b, const uint8_t *bytes, size_t len);
void der_bits(struct jz_buffer *b, uint8_t unused, struct jz_span bits);
/* UTCTime to 2049, GeneralizedTime after: RFC 5280 4.1.2.5. */
int der_time(struct jz_buffer *b, int64_t t);
int der_name(struct jz_buffer *b, const struct jz_x509_name *name);
void der_algorithm(struct jz_buffer *b, const struct jz_x509_suite *suite);
void der_key(struct jz_buffer *b, const struct jz_x509_suite *suite,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);
/* SEQUENCE { body, algorithm, signature }: what is signed, and how. */
int der_sign(const struct jz_engine *e, const struct jz_key_pair *key,
    struct jz_span body, struct jz_buffer *out);

#endif
