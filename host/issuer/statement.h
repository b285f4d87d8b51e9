/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The full story of a payment (OFP-12): what each side has uploaded, the
 * certificates that verify it, and what was posted for it.
 *
 * A statement is verified with its certificates and the issuer's root alone: by
 * anybody, without the issuer.  The messages that were signed are rebuilt from
 * the records (docs/protocol.md, Evidence).
 */
#ifndef JZ_HOST_ISSUER_STATEMENT_H
#define JZ_HOST_ISSUER_STATEMENT_H

#include "issuer.h"

struct jz_posting {
	int64_t id, time;
	char kind[32], account[64];
	int64_t amount;
};

struct jz_statement_part {
	uint8_t bytes[JZ_MESSAGE_MAX];
	size_t len; /* 0: there is none */
};

#define JZ_STATEMENT_POSTINGS_MAX 16

struct jz_bank_statement {
	uint8_t request_digest[JZ_DIGEST_BYTES];
	/* FF56, FF57, FF5A, as they were uploaded. */
	struct jz_statement_part payer_record, payee_record, exception;
	/* Of the cards, the CAs that certified them, and the root. */
	struct jz_statement_part payer, payee, payer_ca, payee_ca, root;
	struct jz_posting posting[JZ_STATEMENT_POSTINGS_MAX];
	size_t postings;
};

/* JZ_ERR_NOT_FOUND: neither side has uploaded it. */
int jz_issuer_statement(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_bank_statement *out);
/* The requests' digests of all payments that a card (NULL: any) has had a part
 * in, with exceptions of which nothing else is known. */
int jz_issuer_each_traced(struct jz_issuer *i, const uint8_t *card,
    int (*each)(
	const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg),
    void *arg);

/* One signature of a statement. */
struct jz_proof {
	enum jz_kind kind; /* CONFIRMATION, COMPLETION, RECEIPT, EXCEPTION */
	bool by_payer;	   /* the payer's card has signed it, or the payee's */
	bool from_payer;   /* the payer's upload has it, or the payee's */
	int64_t time;	   /* that it states */
	int err;	   /* 0: it verifies */
	uint8_t signature[JZ_SIGNATURE_BYTES];
	struct jz_statement_part message; /* as the card signed it */
};
#define JZ_PROOFS_MAX 5

struct jz_verdict {
	struct jz_payment payment; /* what all of it is about */
	struct jz_proof proof[JZ_PROOFS_MAX];
	size_t n;
	enum jz_outcome outcome; /* of an exception, or 0 */
	/* The payee counter, of the payer's card, of the payment that this one
	 * gives back, or 0.  Whoever uploaded it says so: no signature does. */
	uint32_t refund_of;
	/*
	 * 0: every signature verifies under the two certificates, and these
	 * under the root.  JZ_ERR_CERT_*; JZ_ERR_MESSAGE (a record is none);
	 * JZ_ERR_DATA (parts are about different payments or cards);
	 * JZ_ERR_SIGNATURE.
	 */
	int err;
};
/* `root`: trusted; the statement's own must be the same.  Dates are not looked
 * at: what was signed stays signed. */
void jz_statement_verify(const struct jz_engine *e, struct jz_span root,
    const struct jz_bank_statement *s, struct jz_verdict *out);

#endif
