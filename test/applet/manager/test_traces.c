/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of real cards, published with pySim (Osmocom,
 * tests/unittests/test_globalplatform.py) and with GlobalPlatform by kaoh
 * (scp03Test.c): a card with the same keys, AID and counter gives the same
 * challenges and cryptograms, and takes the same commands.
 */
#include "group.h"

#include <stdio.h>
#include <string.h>

#define COMMANDS 5

struct trace {
	const char *name;
	const char *enc, *mac, *dek, *aid;
	uint8_t kvn;
	uint32_t sequence; /* of the session */
	const char *initialize, *answer, *authenticate;
	struct {
		const char *wrapped;
		uint16_t sw; /* of our card, whose contents are others */
	} command[COMMANDS];
};

#define PYSIM_ENC "000102030405060708090A0B0C0D0E0F"
#define PYSIM_MAC "101112131415161718191A1B1C1D1E1F"
#define PYSIM_DEK "202122232425262728292A2B2C2D2E2F"
#define PYSIM_AID "A0000005591010FFFFFFFF8900000100"
#define KAOH_ENC  "F995D0A069335C7DF42E590317FFEA6D"
#define KAOH_MAC  "58563362EC5A4541ABCD32B34B1EAE7D"
#define KAOH_DEK  "0A02A6D687406DCFA09DC70B3EDB7E38"
#define KAOH_AID  "A000000151000000"
#define ZERO_KDD  "00000000000000000000"

/* clang-format off */
/* The commands of pySim are STORE DATA P1 91 for a domain of eUICCs (BF3E),
 * GET STATUS without data, GET DATA 66, GET STATUS with a tag list of the
 * wrong form, and the domain itself. */
static const struct trace TRACES[] = {
{"pySim, level 11", PYSIM_ENC, PYSIM_MAC, PYSIM_DEK, PYSIM_AID, 0x30, 2,
 "8050300008B13E5F938FC108C400",
 ZERO_KDD "3003703EB51047495B249F66C484C1D2EF1948000002",
 "84821100107D5F5826A993EBC89EEA24957FA0B3CE",
 {{"84E291000EBF3E035C015A558D036518A2829700", JZ_SW_DATA},
  {"84F220020863A63F8959827FB2", JZ_SW_LENGTH},
  {"84CA006608A0C6A4A74166F7CE00", JZ_SW_OK},
  {"84F22002124F0212345C054F9F70C52249B50272656536", JZ_SW_DATA},
  {"84F280020A4F00E91443F6DCE6B8ED00", JZ_SW_OK}}},
{"pySim, level 03", PYSIM_ENC, PYSIM_MAC, PYSIM_DEK, PYSIM_AID, 0x30, 1,
 "80503000088E1552D0513C60F300",
 ZERO_KDD "30037030760CD2C47C1DD395065FE5EAD8A9D7000001",
 "8482030010FD4721A14D9B07003C451D2F8AE6BB21",
 {{"84E2910018CA9C00F6713D79BC8BAA642BDFF51C3F6A4082D3BD9AD26C00", JZ_SW_DATA},
  {"84F2200208C9811B11F1264CF1", JZ_SW_LENGTH},
  {"84CA006608E10AB60B3054798800", JZ_SW_OK},
  {"84F22002184E2908BDB48B2315A55482E9E936CA122D6ECFAE7D17416E", JZ_SW_DATA},
  {"84F28002180DD10A6B6193E5340B9E77D32D5A179CD710AC2773AEFB2800", JZ_SW_OK}}},
{"pySim, level 33", PYSIM_ENC, PYSIM_MAC, PYSIM_DEK, PYSIM_AID, 0x30, 3,
 "8050300008FDF38259A1E0DE4400",
 ZERO_KDD "3003703B1ACA81E821F219081CDC01C26B372D000003",
 "84823300108C36F96BCC00724A4E13AD591D7DA3F0",
 {{"84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F00", JZ_SW_DATA},
  {"84F2200208AC6A59024BED84CC", JZ_SW_LENGTH},
  {"84CA006608409912AD8FB7AED000", JZ_SW_OK},
  {"84F22002185F3DAFC3AC14C381536A488BF44E06D056DF9D74DBD21E5A", JZ_SW_DATA},
  {"84F280021865165105BE3373347D0424D4400AF2AC393F569EC779389E00", JZ_SW_OK}}},
{"kaoh, DELETE", KAOH_ENC, KAOH_MAC, KAOH_DEK, KAOH_AID, 0x30, 0x15,
 "8050000008B2BDE1A2DC66BD5600",
 ZERO_KDD "300370C40932A6FEFEAEB2E127185170F45FCA000015",
 "848203001059D54D932423D29F6313C970875F8C2F",
 {{"84E400801829F06AEC3180B3EFE91FF662310B945DE0D5FE66AD67A5B6", JZ_SW_OK}}},
{"kaoh, authentication", KAOH_ENC, KAOH_MAC, KAOH_DEK, KAOH_AID, 0x30, 0x1E,
 "80500000089BD6BF878FB8E99100",
 ZERO_KDD "3003703C80C2CC87EB3A35E4EDBA35E629C33600001E",
 "848203001023EBFEDC579D22CDCDB6A25A5FF7891F", {{NULL, 0}}},
{"kaoh, GET STATUS", KAOH_ENC, KAOH_MAC, KAOH_DEK, KAOH_AID, 0x30, 0x85,
 "8050000008DA2390D378D94B0A00",
 ZERO_KDD "300370A7EFE2BFDB3A27A6EAE3FF0EA0D175240000" "85",
 "8482030010953EEC5B4A81BF393ADC2ADFD638827A",
 {{"84F2200218705C4D16C7BAC5496AEE0ED9963222455472F3CFAC97BCCA00", JZ_SW_OK},
  {"84F240021834AF0FEDDAE7C07308600587E1B1E6EC87811520D9A6AAAD00", JZ_SW_OK},
  {"84F28002188D6CFE9EB359EACB9594D8EC161E45C10ED0138E34A10BF300", JZ_SW_OK},
  {"84F21002183D98B6DE9CBF3905EAE4FAF5E141C58DAB7013D1076745C700", JZ_SW_OK}}},
};
/* clang-format on */

static struct jz_scp03_keys
keys_of(const struct trace *t)
{
	struct jz_scp03_keys k;

	memcpy(k.enc, gp_bytes(t->enc).data, sizeof(k.enc));
	memcpy(k.mac, gp_bytes(t->mac).data, sizeof(k.mac));
	memcpy(k.dek, gp_bytes(t->dek).data, sizeof(k.dek));
	return k;
}

/* The card of the trace, an application on it that kaoh's deletes. */
static struct rig_card *
card_of(const struct trace *t)
{
	static const struct jz_aid theirs = {
	    8, {0xA0, 0x01, 0x00, 0x01, 0x51, 0x41, 0x43, 0x4C}};
	static const uint8_t kdd[JZ_GP_KDD_BYTES];
	struct jz_scp03_keys keys = keys_of(t);
	struct blob name = gp_bytes(t->aid);
	struct jz_aid aid;
	struct rig_card *c;

	assert_true(manager_aid(blob_span(&name), &aid));
	c = gp_card_with(&rig, false, t->kvn, &keys, kdd, &aid);
	assert_int_equal(jz_card_install(&c->card, &gp_note_class.aid, &theirs,
			     jz_span(NULL, 0)),
	    JZ_SW_OK);
	rig_poke_u32(c, &gp_nvm(c)->sequence, t->sequence - 1);
	return c;
}

static void
run(const struct trace *t)
{
	struct rig_card *c = card_of(t);
	struct blob want = gp_bytes(t->answer);
	struct answer a;

	assert_int_equal(port_hex(&c->port, t->initialize, &a), JZ_SW_OK);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
	assert_int_equal(port_hex(&c->port, t->authenticate, NULL), JZ_SW_OK);
	for (size_t i = 0; i < COMMANDS && t->command[i].wrapped != NULL; i++)
		if (port_hex(&c->port, t->command[i].wrapped, &a) !=
		    t->command[i].sw)
			fail_msg("%s: %s gives %04X", t->name,
			    t->command[i].wrapped, a.sw);
	rig_card_free(&c);
}

static void
published_sessions_are_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(TRACES) / sizeof(TRACES[0]); i++)
		run(&TRACES[i]);
}

/* kaoh's DELETE has the data 4F 08 A00100015141434C and the answer 00. */
static void
the_published_deletion_deletes(void **state)
{
	const struct trace *t = &TRACES[3];
	struct rig_card *c = card_of(t);
	struct answer a;
	char command[128];

	(void)state;
	assert_true(c->card.applet[1].present);
	port_hex(&c->port, t->initialize, NULL);
	port_hex(&c->port, t->authenticate, NULL);
	/* which no response of a T=1 card has without Le */
	snprintf(command, sizeof(command), "%s00", t->command[0].wrapped);
	assert_int_equal(port_hex(&c->port, command, &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
	assert_int_equal(a.data[0], 0);
	assert_false(c->card.applet[1].present);
	rig_card_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_sessions_are_ours),
	    cmocka_unit_test(the_published_deletion_deletes),
	};

	return cmocka_run_group_tests_name("traces", tests, set_up, tear_down);
}
