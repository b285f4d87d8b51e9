/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purse's class and its table of instructions: JR/T 0025 part 2 where it
 * has a command, ISO/IEC 7816-4 and -8 where they have one, our own 8070-807F.
 * docs/protocol.md describes each row.
 */
#include "purse.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define OPERATING 0x01 /* state: personalised */
/* 80 10, 81 4, 86 9, 8E 34, 9F51 7, FF21 88 */
#define TERMS_MAX 152
/* 80 10, and the request. */
#define AGREE_MAX (10 + JZ_MESSAGE_MAX)
#define LAYOUT_1  1 /* release 0.1.0 */
#define LAYOUT_2  2
#define LAYOUT_3  3

#define JZ_APPLICATION_VERSION 0x0001
#define JZ_TAG_FCI	       0x6F
#define JZ_TAG_DF_NAME	       0x84
#define JZ_TAG_FCI_PROPRIETARY 0xA5
#define JZ_TAG_SFI	       0x88
#define JZ_TAG_APP_VERSION     0x9F08
#define JZ_TAG_ISSUER_DATA     0x9F0C

static uint16_t
get_balance(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint64_t balance = purse_nvm(self)->balance;

	jz_put_u32(&apdu->out,
	    (uint32_t)(balance > JZ_PURSE_AMOUNT_MAX ? JZ_PURSE_AMOUNT_MAX
						     : balance));
	return JZ_SW_OK;
}

static uint16_t
verify(struct jz_applet *self, struct jz_apdu *apdu)
{
	return jz_pin_check(self, &purse_nvm(self)->pin,
	    &purse_cod(self)->pin_ok, apdu->command.data);
}

/* clang-format off */
static const struct jz_instruction TABLE[] = {
	/* CLA   INS                     P1      P2    Nc from, to  states */
	{ 0x80, JZ_INS_GET_BALANCE,      0x00,   0x02,   0,    0, 0,         get_balance },
	{ 0x80, JZ_INS_HELLO,            0x00,   0x00,   0,    0, OPERATING, purse_greet },
	{ 0x80, JZ_INS_REQUEST,          JZ_WITH_CERTIFICATE, 0x00, 23, TERMS_MAX, OPERATING, purse_request },
	{ 0x80, JZ_INS_REQUEST,          JZ_ID_ALONE, 0x00, 23, TERMS_MAX, OPERATING, purse_request },
	{ 0x80, JZ_INS_AGREE,            JZ_WITH_CERTIFICATE, 0x00, 1, AGREE_MAX, OPERATING, purse_agree },
	{ 0x80, JZ_INS_AGREE,            JZ_ID_ALONE, 0x00, 1, AGREE_MAX, OPERATING, purse_agree },
	{ 0x80, JZ_INS_CONFIRM,          0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_confirm },
	{ 0x80, JZ_INS_COMPLETE,         0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_complete },
	{ 0x80, JZ_INS_CREDIT,           0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_credit },
	{ 0x80, JZ_INS_ACKNOWLEDGE,      0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_acknowledge },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_RECORD, JZ_ANY, 0, 0, OPERATING, purse_fetch_record },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_PENDING, JZ_ANY, 0, 0, OPERATING, purse_fetch_pending },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_AGREED, 0x00, 0,  0, OPERATING, purse_fetch_agreed },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_CONFIRMATION, 0x00, 34, 34, OPERATING, purse_fetch_confirmation },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_COMPLETION, JZ_ANY, 0, 34, OPERATING, purse_fetch_completion },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_EXCEPTION, 0x00, 34, 34, OPERATING, purse_fetch_exception },
	{ 0x80, JZ_INS_PROVE,            0x00,   0x00,  64,   64, OPERATING, purse_prove },
	{ 0x80, JZ_INS_DROP,             0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_drop },
	{ 0x80, JZ_INS_ABANDON,          JZ_OUTCOME_CLAIM, 0x00, 34, 34, OPERATING, purse_abandon },
	{ 0x80, JZ_INS_ABANDON,          JZ_OUTCOME_RELEASE, 0x00, 34, 34, OPERATING, purse_abandon },
	{ 0x80, JZ_INS_INITIALIZE,       0x00,   0x02,  11,   11, OPERATING, purse_initialize_load },
	{ 0x80, JZ_INS_CREDIT_FOR_LOAD,  0x00,   0x00,   8, JZ_MESSAGE_MAX, OPERATING, purse_credit_for_load },
	{ 0x80, JZ_INS_CANCEL_LOAD,      0x00,   0x00,   0,    0, OPERATING, purse_cancel_load },
	{ 0x80, JZ_INS_INITIALIZE,       0x05,   0x02,  11,   11, OPERATING, purse_initialize_unload },
	{ 0x80, JZ_INS_DEBIT_FOR_UNLOAD, 0x03,   0x00,   8, JZ_MESSAGE_MAX, OPERATING, purse_debit_for_unload },
	{ 0x80, JZ_INS_DEBIT_FOR_UNLOAD, 0x04,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_acknowledge_unload },
	{ 0x80, JZ_INS_FETCH,            JZ_FETCH_UNLOAD, 0x00, 0,  0, OPERATING, purse_fetch_unload },
	{ 0x80, JZ_INS_TRANSACTION_PROVE, 0x00,  JZ_ANY, 2,    2, OPERATING, purse_transaction_prove },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_CHALLENGE,  0x00,   0,    0, OPERATING, purse_pair_challenge },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_IDENTIFY,   0x00,  32,   32, OPERATING, purse_pair_identify },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_VERIFY,     0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_pair_verify },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_ADD,        0x00,  16,   16, OPERATING, purse_pair_add },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_REMOVE,     0x00,  16,   16, OPERATING, purse_pair_remove },
	{ 0x80, JZ_INS_PAIR, JZ_PAIR_LIST,       0x00,   0,    0, OPERATING, purse_pair_list },
	{ 0x80, JZ_INS_SETTLE,           JZ_ANY, 0x00,   0, JZ_MESSAGE_MAX, OPERATING, purse_settle },
	{ 0x80, JZ_INS_PEER,             JZ_PEER_PUT, 0x00, 1, JZ_CERTIFICATE_MAX, OPERATING, purse_peers },
	{ 0x80, JZ_INS_PEER,             JZ_PEER_LIST, 0x00, 0, 0, OPERATING, purse_peers },
	{ 0x80, JZ_INS_PEER,             JZ_PEER_REMOVE, 0x00, 18, 18, OPERATING, purse_peers },
	{ 0x80, JZ_INS_PUT_LIST,         0x00,   0x00,   1, JZ_MESSAGE_MAX, OPERATING, purse_put_list },
	{ 0x00, JZ_INS_PERFORM,          0x00,   0xBE,   1, JZ_CERTIFICATE_MAX, OPERATING, purse_verify_certificate },
	{ 0x00, JZ_INS_VERIFY,           0x00,   JZ_PIN_REFERENCE, 1, JZ_PIN_MAX, OPERATING, verify },
	{ 0x00, JZ_INS_READ_RECORD,      JZ_ANY, (JZ_SFI_LOG << 3) | 4, 0, 0, OPERATING, purse_read_log },
	{ 0x00, JZ_INS_READ_BINARY,      0x80 | JZ_SFI_PUBLIC, 0x00, 0, 0, 0, purse_read_public },
	{ 0x00, JZ_INS_GET_DATA,         0x7F,   0x21,   0,    0, OPERATING, purse_get_certificate },
	{ 0x00, JZ_INS_GET_DATA,         0x00,   0x5A,   0,    0, OPERATING, purse_get_asn },
	{ 0x00, JZ_INS_GET_DATA,         0xFF,   0x61,   0,    0, 0,         purse_get_info },
	{ 0x00, JZ_INS_GET_DATA,         0xFF,   0x6A,   0,    0, 0,         purse_get_list },
	{ 0x00, JZ_INS_GENERATE_KEY,     0x81,   0x00,   0,    0, 0,         purse_read_key },
};
/* clang-format on */

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	bool ready = purse_state(self) == JZ_PURSE_PERSONALISED;

	return jz_dispatch(TABLE, sizeof(TABLE) / sizeof(TABLE[0]),
	    ready ? OPERATING : 0, self, apdu);
}

/* FCI: 6F { 84 AID, A5 { 9F08 version, 88 SFI, 9F0C public data } }. */
static uint16_t
answer_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_buffer *out = &apdu->out;
	size_t fci = jz_tlv_open(out, JZ_TAG_FCI), own, data;

	jz_tlv_put(out, JZ_TAG_DF_NAME, self->aid.bytes, self->aid.len);
	own = jz_tlv_open(out, JZ_TAG_FCI_PROPRIETARY);
	jz_tlv_put_uint(out, JZ_TAG_APP_VERSION, JZ_APPLICATION_VERSION, 2);
	jz_tlv_put_uint(out, JZ_TAG_SFI, JZ_SFI_PUBLIC, 1);
	data = jz_tlv_open(out, JZ_TAG_ISSUER_DATA);
	purse_public_data(self, out);
	jz_tlv_close(out, data);
	jz_tlv_close(out, own);
	jz_tlv_close(out, fci);
	return out->bad ? JZ_SW_UNKNOWN : JZ_SW_OK;
}

/* Record numbers start at 1: 0 is in no message a record. */
static uint16_t
install(struct jz_applet *self, struct jz_span params)
{
	const struct purse_nvm *p = purse_nvm(self);

	if (params.len != 0)
		return JZ_SW_DATA;
	jz_write_u32(self, &p->next_record, 1);
	jz_write_u32(self, &p->first_unsettled, 1);
	return JZ_SW_OK;
}

/* A purse that holds money, or owes or is owed an answer, stays. */
static uint16_t
uninstall(struct jz_applet *self)
{
	const struct purse_nvm *p = purse_nvm(self);

	if (p->balance != 0 || purse_log_room(p) != JZ_PURSE_RECORDS)
		return JZ_SW_CONDITIONS;
	return JZ_SW_OK;
}

/*
 * All that a layout has is where it was; each later one has more behind it, and
 * what is new is zero: the clear profile, no unload.  Layout 1 ended before the
 * revocation list, layout 2 before the hello, layout 3 before the unload.
 * What was paid and cleared layout 1 does not say: of no earlier counter can be
 * said that it was not paid (P6), but of the agreement that is still open.
 */
static size_t
end_of(uint16_t layout)
{
	switch (layout) {
	case LAYOUT_1:
		return offsetof(struct purse_nvm, list);
	case LAYOUT_2:
		return offsetof(struct purse_nvm, hello);
	case LAYOUT_3:
		return offsetof(struct purse_nvm, online);
	default:
		return 0;
	}
}

static int
upgrade(struct jz_applet *self, uint16_t from, struct jz_span old)
{
	const struct purse_nvm *p = purse_nvm(self);
	const size_t head = offsetof(struct purse_nvm, balance);
	const size_t end = end_of(from);
	uint32_t cleared;
	int err;

	if (end == 0 || old.len < end)
		return JZ_ERR_CARD_VERSION;
	err =
	    jz_write_nonatomic(self, &p->balance, old.data + head, end - head);
	if (err != 0 || from != LAYOUT_1)
		return err;
	cleared = p->agreement.open != 0
	    ? p->agreement.payment.payer_counter - 1
	    : p->offline_counter;
	return jz_write_nonatomic(
	    self, &p->cleared_counter, &cleared, sizeof(cleared));
}

uint16_t
purse_status(int error)
{
	switch (error) {
	case 0:
		return JZ_SW_OK;
	case JZ_ERR_SIGNATURE:
		return JZ_SW_MAC;
	case JZ_ERR_DECRYPT:
		return JZ_SW_DECRYPT;
	case JZ_ERR_KEY: /* no point of our curve */
		return JZ_SW_CERT_SUITE;
	case JZ_ERR_MESSAGE:
		return JZ_SW_DATA;
	default:
		return jz_runtime_status(error);
	}
}

const struct jz_applet_class jz_purse_class = {
    .abi = JZ_ABI,
    .layout = JZ_PURSE_LAYOUT,
    .name = "purse",
    .aid = {JZ_AID_PURSE_BYTES, JZ_AID_PURSE},
    .nvm_bytes = sizeof(struct purse_nvm),
    .cod_bytes = sizeof(struct purse_cod),
    .install = install,
    .select = answer_select,
    .process = process,
    .uninstall = uninstall,
    .upgrade = upgrade,
    .store_data = purse_store_data,
};
