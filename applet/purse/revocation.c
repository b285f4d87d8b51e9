/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The revocation list (keys/revocation.h): stored when it is newer, given back
 * as it was signed, and asked about each peer in steps 1 to 3 of a payment.
 *
 * Whoever has a list may bring it: its signature says whose it is, and a list
 * only ever gives way to a newer one.
 */
#include "purse.h"

#include <string.h>

static struct jz_span
entries(const struct purse_nvm *p)
{
	return jz_span(p->list.entry, (size_t)p->list.count * JZ_ID_BYTES);
}

int
purse_judge(const struct purse_nvm *p, const struct jz_certificate *peer)
{
	return jz_revocation_judge(p->list.generation, entries(p), peer);
}

static void
write_list(struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_list l = {0};

	l.time = m->payment.time;
	l.generation = m->generation;
	l.count = (uint8_t)(m->revoked.len / JZ_ID_BYTES);
	if (m->revoked.len > 0)
		memcpy(l.entry, m->revoked.data, m->revoked.len);
	memcpy(l.signature, m->signature, sizeof(l.signature));
	jz_write(self, &p->list, &l, sizeof(l));
	jz_write(self, p->list_ca, m->host_id, sizeof(p->list_ca));
	jz_write_u32(self, &p->list_version, m->list_version);
}

uint16_t
purse_store_list(struct jz_applet *self, struct jz_span in)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_authority *by;
	struct jz_authority ca;
	struct jz_message m;
	int err;

	if (jz_revocation_parse(in, &m) != 0)
		return JZ_SW_DATA;
	by = purse_ca(self, m.host_id);
	if (by->present == 0)
		return JZ_SW_CERT_ISSUER;
	memcpy(ca.reference, by->reference, sizeof(ca.reference));
	memcpy(ca.public_key, by->public_key, sizeof(ca.public_key));
	err = jz_revocation_verify(jz_card_engine(self), &m, &ca);
	if (err == JZ_ERR_CERT_ISSUER)
		return JZ_SW_CERT_ISSUER;
	if (err != 0)
		return purse_status(err);
	if (m.list_version <= p->list_version)
		return JZ_SW_LIST_OLD;
	write_list(self, &m);
	return JZ_SW_OK;
}

uint16_t
purse_put_list(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint16_t sw;

	jz_begin(self);
	sw = purse_store_list(self, apdu->command.data);
	/* A refusal leaves the transaction open: the runtime rolls it back. */
	return sw != JZ_SW_OK ? sw : purse_status(jz_commit(self));
}

uint16_t
purse_get_list(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;

	if (p->list_version == 0)
		return JZ_SW_REFERENCE;
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_REVOCATION;
	memcpy(m.host_id, p->list_ca, sizeof(m.host_id));
	m.list_version = p->list_version;
	m.payment.time = p->list.time;
	m.generation = p->list.generation;
	m.revoked = entries(p);
	memcpy(m.signature, p->list.signature, sizeof(m.signature));
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}
