/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message formats of our applets: what cards, terminals and the issuer say
 * to each other.
 *
 * A message is one BER-TLV template.  Its tag is its kind, so no signature can
 * be taken for another's; its fields stand in a fixed order; a signed kind
 * ends with the signature, 5F37, raw r || s.  What is signed is the template
 * as it would be without 5F37 (tag, length, fields): jz_message_encode() with
 * JZ_UNSIGNED gives these bytes.  The digest of a message is the suite's hash
 * of the same bytes.
 *
 * There is one encoding of each message: decoding refuses another order,
 * missing and surplus fields, and lengths that are not minimal.  So a verifier
 * encodes what it has decoded and verifies that.
 *
 * message.c holds the table of kinds; docs/protocol.md shows it field by field
 * with an example of each.
 */
#ifndef JZ_APDU_MESSAGE_H
#define JZ_APDU_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define JZ_ID_BYTES	   16 /* certificate holder reference */
#define JZ_DIGEST_BYTES	   32
#define JZ_SIGNATURE_BYTES 64
#define JZ_POINT_BYTES	   65 /* 04 || X || Y */
#define JZ_NONCE_BYTES	   16
#define JZ_TERMINAL_BYTES  6
#define JZ_ACCOUNT_MAX	   34 /* the longest IBAN */
#define JZ_IDENTITY_MAX	   32
#define JZ_REFERENCE_MAX   32
#define JZ_PIN_BYTES_MAX   6 /* 12 digits in BCD */
/* The longest signed message that carries no batch. */
#define JZ_MESSAGE_MAX 768
/* A batch with JZ_BATCH_RECORDS records. */
#define JZ_BATCH_RECORDS 4
#define JZ_BATCH_MAX	 2048

enum jz_kind {
	/* offline payment */
	JZ_KIND_HELLO = 0xFF21,	    /* of the payer's card: encrypted profile */
	JZ_KIND_REQUEST = 0xFF22,   /* signed by the payee's card */
	JZ_KIND_AGREEMENT = 0xFF23, /* signed by the payer's card */
	JZ_KIND_CONFIRMATION = 0xFF24,	 /* signed by the payee's card */
	JZ_KIND_COMPLETION = 0xFF25,	 /* signed by the payer's card */
	JZ_KIND_RECEIPT = 0xFF26,	 /* signed by the payee's card */
	JZ_KIND_NOT_PAID = 0xFF27,	 /* signed by the payer's card: this
	                                  counter was not paid, and no longer
	                                  can be */
	JZ_KIND_EXCEPTION = 0xFF28,	 /* signed by the payee's card: was not
	                                  credited, and never will be */
	JZ_KIND_IDENTIFICATION = 0xFF2A, /* signed by a card, to another */
	JZ_KIND_SEALED = 0xFF2F,	 /* one of the above, enciphered */
	/* load */
	JZ_KIND_LOAD_REQUEST = 0xFF41,	  /* signed by the card */
	JZ_KIND_LOAD_PERMISSION = 0xFF42, /* signed by the issuer's host */
	JZ_KIND_LOAD_REPORT = 0xFF43,	  /* signed by the card */
	JZ_KIND_LOAD_CANCEL = 0xFF44,	  /* signed by the card: not executed,
	                                     and no longer can be */
	/* unload */
	JZ_KIND_UNLOAD_REQUEST = 0xFF45,      /* signed by the card */
	JZ_KIND_UNLOAD_PERMISSION = 0xFF46,   /* signed by the issuer's host */
	JZ_KIND_UNLOAD_PROOF = 0xFF47,	      /* signed by the card: debited */
	JZ_KIND_UNLOAD_ACKNOWLEDGED = 0xFF48, /* signed by the issuer's host:
	                                         credited to the account */
	JZ_KIND_ONLINE_SEALED = 0xFF4F,	      /* one of the above, enciphered */
	/* settlement */
	JZ_KIND_SIGN_IN_REQUEST = 0xFF51,
	JZ_KIND_CHALLENGE = 0xFF52,
	JZ_KIND_SIGN_IN = 0xFF53,	    /* signed by the card */
	JZ_KIND_SIGN_IN_CONFIRMED = 0xFF54, /* signed by the issuer's host */
	JZ_KIND_BATCH = 0xFF55,		    /* signed by the card */
	JZ_KIND_RECORD_PAID = 0xFF56,	    /* in a batch; carries signatures */
	JZ_KIND_RECORD_RECEIVED = 0xFF57,   /* in a batch; carries signatures */
	JZ_KIND_RECORD_LOAD = 0xFF58,	    /* in a batch; carries signatures */
	JZ_KIND_PROCESSED = 0xFF59,	    /* signed by the issuer's host */
	JZ_KIND_RECORD_EXCEPTION = 0xFF5A, /* in a batch; carries a signature */
	JZ_KIND_RECORD_UNLOAD = 0xFF5B,	   /* in a batch; carries a signature */
	/* what the purse tells about itself, and what personalises it */
	JZ_KIND_PURSE_INFO = 0xFF61,
	JZ_KIND_UNFINISHED = 0xFF62, /* one payment that is not finished */
	JZ_KIND_PERSONALISATION = 0xFF71,
	/* for everybody */
	JZ_KIND_REVOCATION = 0xFF6A, /* signed by the issuer's CA */
};

/* Tags of the fields; the comment gives the form on the wire. */
enum jz_tag {
	JZ_TAG_AMOUNT = 0x80,		 /* 8 bytes, minor units */
	JZ_TAG_CURRENCY = 0x81,		 /* 2 bytes BCD, ISO 4217 numeric */
	JZ_TAG_PAYEE_ID = 0x82,		 /* 16 characters */
	JZ_TAG_PAYER_ID = 0x83,		 /* 16 characters */
	JZ_TAG_PAYEE_COUNTER = 0x84,	 /* 4 bytes */
	JZ_TAG_PAYER_COUNTER = 0x85,	 /* 4 bytes */
	JZ_TAG_TIME = 0x86,		 /* 7 bytes BCD: the stated time */
	JZ_TAG_NONCE = 0x87,		 /* 16 bytes */
	JZ_TAG_PAYEE_KEY = 0x88,	 /* 65 bytes, ephemeral */
	JZ_TAG_PAYER_KEY = 0x89,	 /* 65 bytes, ephemeral */
	JZ_TAG_REQUEST_DIGEST = 0x8A,	 /* 32 bytes; payment or load request */
	JZ_TAG_AGREEMENT_DIGEST = 0x8B,	 /* 32 bytes; agreement or permission */
	JZ_TAG_LIST_VERSION = 0x8C,	 /* 4 bytes, revocation list */
	JZ_TAG_SEALED = 0x8D,		 /* ciphertext || 16-byte tag */
	JZ_TAG_REFERENCE = 0x8E,	 /* 1-32 bytes UTF-8, the merchant's */
	JZ_TAG_PAYER_RECORD = 0x8F,	 /* 4 bytes, record number */
	JZ_TAG_PAYER_TIME = 0x90,	 /* 7 bytes BCD: completion */
	JZ_TAG_PAYEE_RECORD = 0x91,	 /* 4 bytes, record number */
	JZ_TAG_PAYEE_TIME = 0x92,	 /* 7 bytes BCD: credit */
	JZ_TAG_COMPLETION_DIGEST = 0x93, /* 32 bytes; completion, batch or
	                                    unload proof */
	JZ_TAG_CARD_ID = 0x94,		 /* 16 characters */
	JZ_TAG_ACCOUNT = 0x95,		 /* 1-34 characters */
	JZ_TAG_IDENTITY = 0x96,		 /* 1-32 bytes UTF-8: the user */
	JZ_TAG_BALANCE = 0x97,		 /* 8 bytes, minor units */
	JZ_TAG_ONLINE_COUNTER = 0x98,	 /* 4 bytes */
	JZ_TAG_KEY_VERSION = 0x99,	 /* 1 byte */
	JZ_TAG_ALGORITHM = 0x9A,	 /* 1 byte: 01 nist, 02 gm */
	JZ_TAG_TERMINAL = 0x9B,		 /* 6 bytes */
	JZ_TAG_HOST_ID = 0x9C,		 /* 16 characters */
	JZ_TAG_RECORD = 0x9D,		 /* 4 bytes, (first) record number */
	JZ_TAG_COUNT = 0x9E,		 /* 4 bytes */
	JZ_TAG_HOST_NONCE = 0x9F21,	 /* 16 bytes */
	JZ_TAG_PAYEE_SIGNATURE = 0x9F24, /* 64 bytes */
	JZ_TAG_PAYER_SIGNATURE = 0x9F25, /* 64 bytes */
	JZ_TAG_MAX_BALANCE = 0x9F31,	 /* 8 bytes */
	JZ_TAG_MAX_SINGLE = 0x9F32,	 /* 8 bytes */
	JZ_TAG_MAX_OFFLINE_SUM = 0x9F33, /* 8 bytes */
	JZ_TAG_MAX_OFFLINE_COUNT = 0x9F34, /* 4 bytes */
	JZ_TAG_PIN_ABOVE = 0x9F35,	   /* 8 bytes: PIN above this amount */
	JZ_TAG_PIN = 0x9F36,		   /* 2-6 bytes BCD, F-padded */
	JZ_TAG_PIN_LIMIT = 0x9F37,	   /* 1 byte: tries */
	JZ_TAG_STATE = 0x9F38,		   /* 1 byte: life cycle of the purse */
	JZ_TAG_CAPACITY = 0x9F39, /* 4 bytes: records the log can hold */
	JZ_TAG_GENERATION =
	    0x9F3A,		   /* 2 bytes: certificates below it are void */
	JZ_TAG_REVOKED = 0x9F3B,   /* 16 characters for each certificate */
	JZ_TAG_OUTCOME = 0x9F3C,   /* 1 byte: enum jz_outcome */
	JZ_TAG_PIN_SUM = 0x9F3D,   /* 8 bytes: PIN after so much without */
	JZ_TAG_PIN_COUNT = 0x9F3E, /* 4 bytes: PIN after so many without */
	JZ_TAG_PAYER_LEVEL = 0x9F3F, /* 1 byte: assurance of a payer's card */
	JZ_TAG_PAYER_CAP = 0x9F40,   /* 8 bytes: the most of one below that */
	JZ_TAG_PEER_ID = 0x9F48,     /* 16 characters: whom it is said to */
	JZ_TAG_CONFIRM = 0x9F49,     /* 1 byte: sum of enum jz_confirm */
	JZ_TAG_PROFILE = 0x9F50,     /* 1 byte: enum jz_profile */
	JZ_TAG_REFUND_OF = 0x9F51,   /* 4 bytes: payee counter of the payment
	                                that this gives back */
	JZ_TAG_ASN = 0x5A,	     /* 10 bytes BCD */
	JZ_TAG_RECORDS = 0xE1,	     /* the records of a batch */
	JZ_TAG_CERTIFICATE = 0x7F21,
	JZ_TAG_SIGNATURE = 0x5F37, /* 64 bytes r || s */
};

/* What a payee says of a payment that it gives up. */
enum jz_outcome {
	JZ_OUTCOME_CLAIM = 1,	/* the goods were delivered: pay me */
	JZ_OUTCOME_RELEASE = 2, /* they were not: pay the payer back */
};

/* How the messages of a payment travel: a parameter of the purse. */
enum jz_profile {
	JZ_PROFILE_CLEAR = 0,	  /* the request in clear, the rest sealed */
	JZ_PROFILE_ENCRYPTED = 1, /* all of them sealed */
};

/* What a card with display and keys asks its holder about: a parameter. */
enum jz_confirm {
	JZ_CONFIRM_LOADS = 1,
	/* A key stands for the PIN where a payment would need it. */
	JZ_CONFIRM_PAYMENTS = 2,
};
#define JZ_CONFIRM_MAX (JZ_CONFIRM_LOADS | JZ_CONFIRM_PAYMENTS)

/* The data of one payment, equal in confirmation, completion and records. */
struct jz_payment {
	uint64_t amount;
	uint16_t currency; /* as a number: 156, 840, 978 */
	uint8_t payee_id[JZ_ID_BYTES];
	uint8_t payer_id[JZ_ID_BYTES];
	uint32_t payee_counter;
	uint32_t payer_counter;
	int64_t time; /* the payee's stated time */
	uint8_t request_digest[JZ_DIGEST_BYTES];
	uint8_t agreement_digest[JZ_DIGEST_BYTES];
};

/* Whether they agree in every field. */
bool jz_payment_equal(const struct jz_payment *a, const struct jz_payment *b);

/*
 * One message of any kind; the fields that its kind does not have are ignored
 * by the encoder and zero after decoding.  Spans are lent: after decoding they
 * point into the decoded bytes.
 */
struct jz_message {
	enum jz_kind kind;
	struct jz_payment payment;
	uint8_t nonce[JZ_NONCE_BYTES];
	uint8_t host_nonce[JZ_NONCE_BYTES];
	uint8_t payee_key[JZ_POINT_BYTES];
	uint8_t payer_key[JZ_POINT_BYTES];
	uint32_t list_version;
	uint32_t payer_record;
	uint32_t payee_record;
	int64_t payer_time;
	int64_t payee_time;
	uint8_t completion_digest[JZ_DIGEST_BYTES];
	uint8_t card_id[JZ_ID_BYTES];
	uint8_t host_id[JZ_ID_BYTES];
	uint8_t peer_id[JZ_ID_BYTES];
	uint64_t balance;
	uint32_t online_counter;
	uint8_t key_version;
	uint8_t algorithm;
	uint8_t terminal[JZ_TERMINAL_BYTES];
	uint32_t record;
	uint32_t count;
	uint64_t max_balance;
	uint64_t max_single;
	uint64_t max_offline_sum;
	uint32_t max_offline_count;
	uint64_t pin_above;
	uint8_t pin_limit;
	uint64_t pin_sum;
	uint32_t pin_count;
	uint8_t payer_level;
	uint64_t payer_cap;
	uint8_t profile;
	uint32_t refund_of;
	uint8_t confirm;
	uint8_t outcome;
	uint8_t state;
	uint32_t capacity;
	uint16_t generation;
	uint8_t asn[10];
	struct jz_span pin;
	struct jz_span account;
	struct jz_span identity;
	struct jz_span reference;
	struct jz_span certificate; /* whole 7F21 object */
	struct jz_span sealed;
	struct jz_span records; /* content of E1 */
	struct jz_span revoked; /* holder references, 16 bytes each */
	uint8_t payee_signature[JZ_SIGNATURE_BYTES];
	uint8_t payer_signature[JZ_SIGNATURE_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES];
};

enum jz_form {
	JZ_UNSIGNED, /* without 5F37: what is signed, and digested */
	JZ_SIGNED,   /* as sent */
};

/*
 * Appends the message.  Kinds without a signature are the same in both forms.
 * Returns 0, JZ_ERR_ARGUMENT (unknown kind), JZ_ERR_RANGE (a span longer than
 * its field allows, or a number that its field cannot hold) or JZ_ERR_SPACE.
 */
int jz_message_encode(
    const struct jz_message *m, enum jz_form form, struct jz_buffer *out);

/*
 * Decodes exactly one message of this kind, in signed form where the kind has
 * a signature.  Returns 0, or JZ_ERR_MESSAGE for another kind or any fault;
 * then *out is all zero.
 */
int
jz_message_decode(struct jz_span in, enum jz_kind kind, struct jz_message *out);

/* The kind of the template that the bytes begin with, or 0. */
enum jz_kind jz_message_peek(struct jz_span in);

/* "payment request" …, in English or Chinese, for people; static. */
const char *jz_kind_name(enum jz_kind kind, int lang);

/* Whether the kind ends with a signature. */
bool jz_kind_signed(enum jz_kind kind);

/* One field of a kind, for documents, dumps and tests that walk the table. */
struct jz_field {
	uint32_t tag;
	/* Bytes on the wire; min 0: may be absent; max 0: any length. */
	uint8_t min, max;
	const char *name;
};

/* Calls `each` for every field of the kind in order, 5F37 included. */
int jz_kind_fields(enum jz_kind kind,
    void (*each)(const struct jz_field *, void *), void *arg);

#endif
