/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of card-verifiable certificates: root, CA, and what a CA signs.
 */
#include "chain.h"

#include <string.h>

#include "../../apdu/error.h"

static struct jz_authority
authority_of(const struct jz_certificate *c)
{
	struct jz_authority a;

	memcpy(a.reference, c->holder, sizeof(a.reference));
	memcpy(a.public_key, c->public_key, sizeof(a.public_key));
	return a;
}

static int
verify_root(const struct jz_engine *e, const struct jz_chain *by,
    struct jz_certificate *root)
{
	struct jz_authority own;
	int rc = jz_certificate_parse(by->root, e->crypto, root);

	if (rc != 0)
		return rc;
	own = authority_of(root);
	return jz_certificate_verify(e, root, &own, JZ_ROLE_ROOT, by->now);
}

/* The CA of this name, verified under the root. */
static int
find_ca(const struct jz_engine *e, const struct jz_chain *by,
    const struct jz_certificate *root, const uint8_t *reference,
    struct jz_certificate *ca)
{
	struct jz_authority above = authority_of(root);
	int found = JZ_ERR_CERT_ISSUER;

	for (size_t i = 0; i < by->n_between && found != 0; i++) {
		int rc = jz_certificate_parse(by->between[i], e->crypto, ca);

		if (rc != 0 ||
		    memcmp(ca->holder, reference, JZ_REFERENCE_BYTES) != 0)
			continue;
		found =
		    jz_certificate_verify(e, ca, &above, JZ_ROLE_CA, by->now);
	}
	return found;
}

static int
judge_list(const struct jz_engine *e, const struct jz_chain *by,
    const struct jz_authority *ca, struct jz_chain_result *out)
{
	struct jz_message list;
	int rc = jz_revocation_parse(by->list, &list);

	if (rc == 0)
		rc = jz_revocation_verify(e, &list, ca);
	out->of_list = rc != 0;
	return rc != 0 ? rc
		       : jz_revocation_judge(
			     list.generation, list.revoked, &out->certificate);
}

int
jz_chain_verify(const struct jz_engine *e, struct jz_span certificate,
    const struct jz_chain *by, struct jz_chain_result *out)
{
	struct jz_certificate *c = &out->certificate, root, ca = {0};
	struct jz_authority above;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = jz_certificate_parse(certificate, e->crypto, c);
	if (rc != 0)
		return rc;
	rc = verify_root(e, by, &root);
	above = authority_of(&root);
	if (rc == 0 && c->role != JZ_ROLE_ROOT && c->role != JZ_ROLE_CA) {
		rc = find_ca(e, by, &root, c->authority, &ca);
		above = authority_of(&ca);
	}
	if (rc != 0) {
		out->above = true;
		return rc;
	}
	rc = jz_certificate_verify(
	    e, c, &above, by->any_role ? c->role : by->role, by->now);
	if (rc == 0 && by->list.len > 0)
		rc = judge_list(e, by, &above, out);
	return rc;
}
