/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET DATA: GlobalPlatform 11.3, H (card recognition data, capabilities),
 * Amendment D 4.1.5 (sequence counter), ETSI TS 102 226 8.2.1.7.2 (resources).
 * One row for each object.  Everybody can read them; ours, which tells what is
 * on the card, only in a session, as GET STATUS.
 */
#include "manager.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define OBJECT_IDENTIFIER 0x06
#define CPLC_BYTES	  42
/* Places in the CPLC of what is not zero there. */
#define CPLC_FABRICATOR 0      /* of the chip */
#define CPLC_SYSTEM	4      /* operating system */
#define CPLC_SERIAL	12     /* 4 bytes, then 2 of the batch */
#define CPLC_OURS	0x4A5A /* "JZ" */

/* 1.2.840.114283 */
#define OID_GP 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B

struct object {
	uint16_t tag;
	uint16_t (*put)(const struct jz_applet *self, struct jz_buffer *out);
};

static uint16_t
put_identity(struct jz_buffer *out, uint32_t tag, const uint8_t *v, uint8_t len)
{
	if (len == 0)
		return JZ_SW_REFERENCE;
	jz_tlv_put(out, tag, v, len);
	return JZ_SW_OK;
}

static uint16_t
put_iin(const struct jz_applet *self, struct jz_buffer *out)
{
	const struct manager_nvm *p = manager_nvm(self);

	return put_identity(out, JZ_GP_TAG_IIN, p->iin, p->iin_len);
}

static uint16_t
put_cin(const struct jz_applet *self, struct jz_buffer *out)
{
	const struct manager_nvm *p = manager_nvm(self);

	return put_identity(out, JZ_GP_TAG_CIN, p->cin, p->cin_len);
}

static void
put_oid(struct jz_buffer *out, uint32_t tag, const uint8_t *oid, size_t len)
{
	size_t mark = jz_tlv_open(out, tag);

	jz_tlv_put(out, OBJECT_IDENTIFIER, oid, len);
	jz_tlv_close(out, mark);
}

/* Table H-1: GlobalPlatform, its version 2.3, its identification scheme, and
 * SCP03 with i. */
void
manager_put_recognition(struct jz_buffer *out)
{
	static const uint8_t gp[] = {OID_GP, 1};
	static const uint8_t version[] = {OID_GP, 2, 2, 3};
	static const uint8_t scheme[] = {OID_GP, 3};
	static const uint8_t protocol[] = {
	    OID_GP, 4, JZ_GP_SCP03, JZ_SCP03_PARAMETER};
	size_t mark = jz_tlv_open(out, JZ_GP_TAG_RECOGNITION);

	jz_tlv_put(out, OBJECT_IDENTIFIER, gp, sizeof(gp));
	put_oid(out, 0x60, version, sizeof(version));
	put_oid(out, 0x63, scheme, sizeof(scheme));
	put_oid(out, 0x64, protocol, sizeof(protocol));
	jz_tlv_close(out, mark);
}

static uint16_t
put_card_data(const struct jz_applet *self, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, JZ_GP_TAG_CARD_DATA);

	(void)self;
	manager_put_recognition(out);
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

/* Table H-4: A0 { 80 SCP, 81 i, 82 AES-128 }, 82 what applications may get. */
static uint16_t
put_capabilities(const struct jz_applet *self, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, JZ_GP_TAG_CAPABILITIES), scp;

	(void)self;
	scp = jz_tlv_open(out, 0xA0);
	jz_tlv_put_uint(out, 0x80, JZ_GP_SCP03, 1);
	jz_tlv_put_uint(out, 0x81, JZ_SCP03_PARAMETER, 1);
	jz_tlv_put_uint(out, 0x82, 0x01, 1);
	jz_tlv_close(out, scp);
	jz_tlv_put_uint(out, 0x82, JZ_GP_CARD_RESET, JZ_GP_PRIVILEGE_BYTES);
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

/* C0: key, version, type, length; for every key of every set. */
static uint16_t
put_keys(const struct jz_applet *self, struct jz_buffer *out)
{
	const struct manager_sets *sets = &manager_nvm(self)->sets;
	size_t mark = jz_tlv_open(out, JZ_GP_TAG_KEYS);

	for (unsigned i = 0; i < sets->count; i++)
		for (unsigned key = 1; key <= JZ_GP_KEYS; key++) {
			const uint8_t v[] = {(uint8_t)key, sets->set[i].kvn,
			    JZ_GP_KEY_AES, JZ_KEY_BYTES};

			jz_tlv_put(out, JZ_GP_TAG_KEY, v, sizeof(v));
		}
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

static uint16_t
put_sequence(const struct jz_applet *self, struct jz_buffer *out)
{
	jz_tlv_put_uint(out, JZ_GP_TAG_SEQUENCE, manager_nvm(self)->sequence,
	    JZ_SCP03_SEQUENCE_BYTES);
	return JZ_SW_OK;
}

static uint16_t
put_kdd(const struct jz_applet *self, struct jz_buffer *out)
{
	jz_tlv_put(out, JZ_GP_TAG_KDD, manager_nvm(self)->kdd, JZ_GP_KDD_BYTES);
	return JZ_SW_OK;
}

/* The chip's serial number and batch are the end of the diversification data,
 * what a card without a factory does not know is zero. */
static uint16_t
put_cplc(const struct jz_applet *self, struct jz_buffer *out)
{
	const uint8_t *kdd = manager_nvm(self)->kdd;
	uint8_t v[CPLC_BYTES] = {0};

	jz_set_be(v + CPLC_FABRICATOR, 2, CPLC_OURS);
	jz_set_be(v + CPLC_SYSTEM, 2, CPLC_OURS);
	memcpy(v + CPLC_SERIAL, kdd + JZ_GP_KDD_BYTES - 6, 6);
	jz_tlv_put(out, JZ_GP_TAG_CPLC, v, sizeof(v));
	return JZ_SW_OK;
}

/* 81 number of applications, 82 persistent and 83 transient bytes left. */
static uint16_t
put_resources(const struct jz_applet *self, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, JZ_GP_TAG_RESOURCES);
	struct jz_app_info info;
	unsigned n = 0;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (jz_admin_app(self, i, &info) == 0 &&
		    (info.privileges[0] & JZ_PRIV_SECURITY_DOMAIN) == 0)
			n++;
	jz_tlv_put_uint(out, 0x81, n, 1);
	jz_tlv_put_uint(out, 0x82, jz_admin_nvm_free(self), 4);
	jz_tlv_put_uint(out, 0x83, jz_admin_ram_free(self), 4);
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

/* 61 for every region: 4F AID (none: the runtime's own), 80 bytes, 81 of them
 * taken, 82 and 83 CLEAR_ON_RESET and CLEAR_ON_DESELECT bytes, 84 writes, 85
 * bytes written, 86 wear. */
static void
put_region(const struct jz_region_info *r, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, 0x61);

	jz_tlv_put(out, JZ_GP_TAG_AID, r->aid.bytes, r->aid.len);
	jz_tlv_put_uint(out, 0x80, r->nvm_bytes, 4);
	jz_tlv_put_uint(out, 0x81, r->nvm_taken, 4);
	jz_tlv_put_uint(out, 0x82, r->cor_bytes, 4);
	jz_tlv_put_uint(out, 0x83, r->cod_bytes, 4);
	jz_tlv_put_uint(out, 0x84, r->writes, 4);
	jz_tlv_put_uint(out, 0x85, r->written, 8);
	jz_tlv_put_uint(out, 0x86, r->wear, 4);
	jz_tlv_close(out, mark);
}

static uint16_t
put_statistics(const struct jz_applet *self, struct jz_buffer *out)
{
	struct jz_region_info r;
	size_t mark;

	if (manager_cod(self)->phase != MANAGER_OPEN)
		return JZ_SW_SECURITY;
	mark = jz_tlv_open(out, JZ_GP_TAG_STATISTICS);
	for (unsigned i = 0; i <= JZ_MAX_APPLETS; i++)
		if (jz_admin_region(self, i, &r) == 0)
			put_region(&r, out);
	jz_tlv_close(out, mark);
	return JZ_SW_OK;
}

static const struct object OBJECTS[] = {
    {JZ_GP_TAG_IIN, put_iin},
    {JZ_GP_TAG_CIN, put_cin},
    {JZ_GP_TAG_CARD_DATA, put_card_data},
    {JZ_GP_TAG_CAPABILITIES, put_capabilities},
    {JZ_GP_TAG_KEYS, put_keys},
    {JZ_GP_TAG_SEQUENCE, put_sequence},
    {JZ_GP_TAG_KDD, put_kdd},
    {JZ_GP_TAG_CPLC, put_cplc},
    {JZ_GP_TAG_RESOURCES, put_resources},
    {JZ_GP_TAG_STATISTICS, put_statistics},
};

uint16_t
manager_get_data(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	unsigned tag = (unsigned)c->p1 << 8 | c->p2;

	for (size_t i = 0; i < sizeof(OBJECTS) / sizeof(OBJECTS[0]); i++)
		if (OBJECTS[i].tag == tag)
			return OBJECTS[i].put(self, &apdu->out);
	return JZ_SW_REFERENCE;
}
