/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists: see revocation.h for the form.  Shared by card and host,
 * so that both judge the same certificate alike.
 */
#include "revocation.h"

#include <string.h>

#include "../apdu/error.h"
#include "signed.h"

_Static_assert((unsigned)JZ_REFERENCE_BYTES == (unsigned)JZ_ID_BYTES,
    "an entry is a holder reference");
/* Head, 9C, 8C, 86, 9F3A, 9F3B and 5F37 with their lengths. */
_Static_assert(5 + 18 + 6 + 9 + 5 + 6 + JZ_REVOCATION_MAX * JZ_ID_BYTES + 67 <=
	JZ_MESSAGE_MAX,
    "a full list is a message that a purse's command can carry");

/* References, one after the other, each greater than the one before. */
static bool
in_order(struct jz_span revoked)
{
	bool good = revoked.len % JZ_ID_BYTES == 0;

	for (size_t at = 0; good && at < revoked.len; at += JZ_ID_BYTES) {
		const uint8_t *entry = revoked.data + at;

		good = jz_reference_valid(entry) &&
		    (at == 0 ||
			memcmp(entry - JZ_ID_BYTES, entry, JZ_ID_BYTES) < 0);
	}
	return good;
}

static bool
form_good(const struct jz_message *m)
{
	return m->list_version != 0 &&
	    m->revoked.len <= (size_t)JZ_REVOCATION_MAX * JZ_ID_BYTES &&
	    in_order(m->revoked);
}

int
jz_revocation_parse(struct jz_span in, struct jz_message *out)
{
	if (jz_message_decode(in, JZ_KIND_REVOCATION, out) != 0)
		return JZ_ERR_MESSAGE;
	if (form_good(out))
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

int
jz_revocation_verify(const struct jz_engine *e, const struct jz_message *list,
    const struct jz_authority *ca)
{
	if (memcmp(list->host_id, ca->reference, JZ_REFERENCE_BYTES) != 0)
		return JZ_ERR_CERT_ISSUER;
	return jz_message_verify(e, list, ca->public_key);
}

int
jz_revocation_judge(
    uint16_t generation, struct jz_span revoked, const struct jz_certificate *c)
{
	if (c->generation < generation)
		return JZ_ERR_CERT_REVOKED;
	for (size_t at = 0; at + JZ_ID_BYTES <= revoked.len;
	     at += JZ_ID_BYTES) {
		if (memcmp(revoked.data + at, c->holder, JZ_ID_BYTES) == 0)
			return JZ_ERR_CERT_REVOKED;
	}
	return 0;
}

int
jz_revocation_sign(const struct jz_engine *e, struct jz_message *list,
    const uint8_t reference[static JZ_REFERENCE_BYTES],
    const struct jz_key_pair *ca, struct jz_buffer *out)
{
	int rc;

	if (list->revoked.len > (size_t)JZ_REVOCATION_MAX * JZ_ID_BYTES)
		return JZ_ERR_LIST_FULL;
	if (!form_good(list))
		return JZ_ERR_RANGE;
	list->kind = JZ_KIND_REVOCATION;
	memcpy(list->host_id, reference, JZ_ID_BYTES);
	rc = jz_message_sign(e, list, ca);
	return rc != 0 ? rc : jz_message_encode(list, JZ_SIGNED, out);
}
