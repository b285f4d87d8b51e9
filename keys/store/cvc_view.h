/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card-verifiable certificate for people: each object with its place and
 * meaning, and, when it is malformed, what is wrong and where.
 */
#ifndef JZ_KEYS_STORE_CVC_VIEW_H
#define JZ_KEYS_STORE_CVC_VIEW_H

#include "../certificate.h"

#define JZ_CVC_TEXT_MAX 160

/* One object, or one part of an object that has no tag of its own. */
struct jz_cvc_row {
	size_t offset; /* of its tag, or of the part, in what was given */
	unsigned depth;
	uint32_t tag;		    /* 0: a part */
	const char *name[2];	    /* by enum jz_lang; static */
	struct jz_span value;	    /* of a primitive object, lent */
	char text[JZ_CVC_TEXT_MAX]; /* the value for people, or "" */
	const char *word[2];	    /* the same where it is a word; or NULL */
	const char *fault[2]; /* what is wrong here, by language; or NULL */
};

/*
 * Calls `each` for every object in order, to the first that makes no sense.
 * What is wrong with a value is told and the walk goes on; what is wrong with
 * the structure ends it.  Returns what jz_certificate_parse() would, by any
 * suite that is known by name: 0 or JZ_ERR_CERT_MALFORMED.
 */
int jz_cvc_view(struct jz_span in,
    void (*each)(const struct jz_cvc_row *row, void *arg), void *arg);

/* The suite that the algorithm's OID names, or 0. */
enum jz_suite jz_cvc_suite(struct jz_span in);

/*
 * A table that can parse certificates of a suite and nothing else: its suite,
 * its name and OID.  False, and untouched, for a suite that is not known.
 */
bool jz_cvc_crypto(enum jz_suite suite, struct jz_crypto *out);

/* In English and Chinese; static. */
const char *jz_role_text(enum jz_role role, int lang);
const char *jz_assurance_text(enum jz_assurance assurance, int lang);

#endif
