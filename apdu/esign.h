/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature card with a joint password (JPS-1 to JPS-21): command codes
 * and message formats.  docs/adr/0014-esign.md says why they are as they are.
 *
 * Messages are as in message.h: a BER-TLV template whose tag is its kind,
 * fields in a fixed order, one encoding of each, the signature last.  What is
 * signed has fields that are not sent, which the verifier has to compute:
 * keys/esign.h.
 *
 * Spans of a decoded message point into the decoded bytes.
 */
#ifndef JZ_APDU_ESIGN_H
#define JZ_APDU_ESIGN_H

#include <stdint.h>

#include "bytes.h"
#include "message.h"

/* F0 "JIAOZI" 02: unregistered range (ISO/IEC 7816-4:2013 12.2.3). */
#define JZ_AID_ESIGN                                                           \
	{                                                                      \
		0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x02                       \
	}
#define JZ_AID_ESIGN_BYTES 8

/* CLA 80; 80A1-80AF stay free.  What else there is, is in purse.h: GENERATE
 * KEY, GET DATA 7F21 and FF3A. */
enum jz_esign_ins {
	JZ_INS_SIGN = 0xA0, /* transaction message -> signature */
};

enum jz_esign_kind {
	JZ_ESIGN_ORDER = 0xFF31, /* transaction message, by a terminal */
	/* Signed by the card, a kind for each mode. */
	JZ_ESIGN_DIRECT = 0xFF32,    /* JPS-2: over message and password */
	JZ_ESIGN_DIGESTS = 0xFF33,   /* JPS-3: over the digests of both */
	JZ_ESIGN_SIGNATURE = 0xFF34, /* JPS-4: over the encrypted password */
	JZ_ESIGN_SEALED_DIGEST = 0xFF35, /* JPS-5: over its digest */
	JZ_ESIGN_SEPARATE = 0xFF36,	 /* JPS-7: over the message alone */
	JZ_ESIGN_SUBMISSION = 0xFF37,	 /* to the issuer */
	JZ_ESIGN_X509 = 0xFF38,		 /* the user's certificate, DER */
	JZ_ESIGN_PERSONALISATION = 0xFF39,
	JZ_ESIGN_INFO = 0xFF3A,
};

/* Tags of fields that message.h has not. */
enum jz_esign_tag {
	JZ_TAG_TO_ACCOUNT = 0x9F61, /* 1-34 characters */
	JZ_TAG_TO_NAME = 0x9F62,    /* 1-64 bytes UTF-8 */
	JZ_TAG_DETAILS = 0x9F63,    /* 1-1024 bytes UTF-8 */
	/* Signed, not sent; a digest is as long as its scheme makes it. */
	JZ_TAG_ORDER_DIGEST = 0x9F65,
	JZ_TAG_SEALED_DIGEST = 0x9F66,
	JZ_TAG_PASSWORD = 0x9F70, /* 4-16 bytes */
	JZ_TAG_RANDOM = 0x9F71,	  /* 16 bytes */
	JZ_TAG_PASSWORD_DIGEST = 0x9F72,
	/* 1 byte: enum jz_scheme.  Short, so that a signature with a password of
	 * six fits into one answer. */
	JZ_TAG_SCHEME = 0xC1,
	JZ_TAG_MODE = 0x9F67,	      /* 1 byte: low byte of the kind */
	JZ_TAG_JOINT_LENGTH = 0x9F68, /* 1 byte: 4-16 characters */
	JZ_TAG_ALPHABET = 0x9F69,     /* 1 byte: enum jz_alphabet */
	JZ_TAG_ESIGN_FLAGS = 0x9F6A,  /* 1 byte: enum jz_esign_flags */
	JZ_TAG_WAIT = 0x9F6B,	      /* 2 bytes: seconds for the user */
	JZ_TAG_SHOW = 0x9F6C,	      /* 2 bytes: seconds for the password */
	JZ_TAG_LANGUAGE = 0x9F6D,     /* 1 byte: 00 English, 01 Chinese */
	JZ_TAG_ISSUER_KEY = 0x9F6E,   /* 65 bytes: to encrypt to */
	JZ_TAG_TYPED = 0x9F6F,	      /* 1-16 bytes: what the user typed */
};

#define JZ_ESIGN_NAME_MAX    64
#define JZ_ESIGN_DETAILS_MAX 1024
/* Template and fields: 4+4, 36, 10, 4, 37, 67, 1028. */
#define JZ_ESIGN_ORDER_MAX    1190
#define JZ_JOINT_MIN	      4
#define JZ_JOINT_MAX	      16
#define JZ_JOINT_RANDOM_BYTES 16
/* Without its 04 an ephemeral key has 64 bytes.  This is the longest scheme. */
#define JZ_JOINT_SEALED_BYTES(len)                                             \
	(64 + (len) + JZ_JOINT_RANDOM_BYTES + JZ_DIGEST_BYTES + 16)
#define JZ_ESIGN_SIGNATURE_MAX 300
#define JZ_ESIGN_X509_MAX      768 /* with its template */
/* 5 of its own, and what stands in it. */
#define JZ_ESIGN_SUBMISSION_MAX                                                \
	(5 + JZ_ESIGN_ORDER_MAX + JZ_ESIGN_SIGNATURE_MAX + 3 + JZ_JOINT_MAX)

enum jz_alphabet {
	JZ_ALPHABET_DIGITS = 0x01,
	JZ_ALPHABET_SMALL = 0x02,
	JZ_ALPHABET_CAPITALS = 0x04,
	JZ_ALPHABET_SYMBOLS = 0x08,
};

enum jz_esign_flags {
	JZ_ESIGN_KEY_AFTER_PIN = 0x01, /* PIN and then OK (JPS-9) */
	/* The issuer knows that guesses can be tested: jz_esign_guessable(). */
	JZ_ESIGN_MAY_BE_GUESSED = 0x02,
};

/*
 * How digests and ciphertexts are made (JPS-6, JPS-8).  A digest is what is
 * chosen of the three, one or more, joined in this order.  MAC and ciphertext
 * are under keys that card and issuer alone have.  In JZ_ESIGN_SEPARATE it may
 * be none: the message is signed directly (JPS-7).
 */
enum jz_scheme {
	JZ_SCHEME_HASH = 0x01,
	JZ_SCHEME_MAC = 0x02,
	JZ_SCHEME_CIPHERTEXT = 0x04,
	JZ_SCHEME_DIGESTS = 0x07,
	/* Under a key of both instead of to the issuer's public key. */
	JZ_SCHEME_SYMMETRIC = 0x08,
	/* No random number, neither beside the password nor in encryption. */
	JZ_SCHEME_BARE = 0x10,
	JZ_SCHEME_DEFAULT = JZ_SCHEME_HASH,
};

struct jz_esign_order {
	struct jz_span account; /* 1-34 printable ASCII */
	uint64_t amount;	/* minor units, not 0 */
	uint16_t currency;	/* as a number */
	struct jz_span to_account;
	struct jz_span to_name; /* may be empty */
	struct jz_span details; /* may be empty */
};

struct jz_esign_signature {
	enum jz_esign_kind kind;
	uint8_t card_id[JZ_ID_BYTES];
	uint32_t counter;
	uint8_t nonce[JZ_NONCE_BYTES];
	uint8_t key_version; /* of the issuer's encryption key */
	uint8_t scheme;	     /* enum jz_scheme */
	/* Not sent: see jz_esign_order(), jz_esign_bind(). */
	struct jz_span order;		       /* whole FF31 */
	uint8_t order_digest[JZ_DIGEST_BYTES]; /* its hash */
	uint8_t password[JZ_JOINT_MAX];	       /* of FF32 and FF33 */
	uint8_t password_len;
	uint8_t random[JZ_JOINT_RANDOM_BYTES];
	struct jz_span sealed; /* jz_joint_sealed_bytes() */
	uint8_t signature[JZ_SIGNATURE_BYTES];
};

struct jz_esign_submission {
	struct jz_span order;	  /* whole FF31 */
	struct jz_span signature; /* whole FF34 */
	struct jz_span typed;
};

struct jz_esign_profile {
	uint8_t mode, scheme, length, alphabet, flags, language;
	uint16_t currency;  /* of key_up_to; another one always needs the PIN */
	uint64_t pin_above; /* up to it a key is enough */
	uint16_t wait_s, show_s;
	struct jz_span pin; /* BCD, F-padded */
	uint8_t pin_limit;
	uint8_t key_version;
	uint8_t issuer_key[JZ_POINT_BYTES];
};

struct jz_esign_info {
	uint8_t state; /* enum jz_purse_state */
	uint8_t card_id[JZ_ID_BYTES];
	uint8_t mode, scheme, length, alphabet, key_version;
};

/*
 * Append a message.  JZ_ERR_RANGE (a field that is too short or too long, or an
 * amount of 0), JZ_ERR_SPACE.
 */
int jz_esign_put_order(const struct jz_esign_order *m, struct jz_buffer *out);
int jz_esign_put_signature(
    const struct jz_esign_signature *m, struct jz_buffer *out);
int jz_esign_put_submission(
    const struct jz_esign_submission *m, struct jz_buffer *out);
int
jz_esign_put_profile(const struct jz_esign_profile *m, struct jz_buffer *out);
int jz_esign_put_info(const struct jz_esign_info *m, struct jz_buffer *out);

/* What a signature begins with, signed and sent: card, counter, nonce, key
 * version, scheme. */
void
jz_esign_put_head(const struct jz_esign_signature *m, struct jz_buffer *out);

/* Whether the card signs messages of this kind: it is a mode. */
bool jz_esign_is_mode(uint32_t kind);
/* Whether the joint password is in what this mode signs: JPS-2, JPS-3. */
bool jz_esign_binds_password(uint32_t kind);
/* Whether there is such a scheme in this mode. */
bool jz_scheme_is_good(uint32_t kind, uint8_t scheme);
/*
 * Whether who has what the card emits, and knows its public keys, can test a
 * guess of the joint password (JPS-17): it is signed with nothing unknown
 * beside it, or is all that a public-key encryption takes.
 */
bool jz_esign_guessable(uint32_t kind, uint8_t scheme);
/* Of a joint password with so many characters. */
size_t jz_joint_sealed_bytes(uint8_t scheme, size_t len);

/* Decode exactly one message.  JZ_ERR_MESSAGE; *out is all zero then. */
int jz_esign_get_order(struct jz_span in, struct jz_esign_order *out);
int jz_esign_get_signature(struct jz_span in, struct jz_esign_signature *out);
int jz_esign_get_submission(struct jz_span in, struct jz_esign_submission *out);
int jz_esign_get_profile(struct jz_span in, struct jz_esign_profile *out);
int jz_esign_get_info(struct jz_span in, struct jz_esign_info *out);

#endif
