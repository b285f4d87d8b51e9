/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of card-verifiable certificates, from one to a root that is trusted.
 */
#ifndef JZ_KEYS_STORE_CHAIN_H
#define JZ_KEYS_STORE_CHAIN_H

#include "../revocation.h"

struct jz_chain {
	struct jz_span root;	       /* a root's certificate, trusted */
	const struct jz_span *between; /* CAs, in any order */
	size_t n_between;
	struct jz_span list; /* of the CA that signed it; empty: none */
	bool any_role;	     /* else `role` */
	enum jz_role role;
	int64_t now; /* 0: dates are not looked at */
};

/*
 * Verifies one certificate: the root by itself, a CA by the root, anything else
 * by a CA.  The engine is of the root's suite.  Of the certificate
 * JZ_ERR_CERT_*; of what stands above it the same, with *above true; of the
 * list JZ_ERR_MESSAGE, JZ_ERR_CERT_ISSUER, JZ_ERR_SIGNATURE, with *of_list true.
 * *out has the fields as far as they could be read.
 */
struct jz_chain_result {
	struct jz_certificate certificate;
	bool above, of_list;
};
int jz_chain_verify(const struct jz_engine *e, struct jz_span certificate,
    const struct jz_chain *by, struct jz_chain_result *out);

#endif
