/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secure channel of a GlobalPlatform session: Card Specification 2.3.1,
 * 11.9 (SELECT); Amendment D 1.1.2, 7.1.1 (INITIALIZE UPDATE), 7.1.2 (EXTERNAL
 * AUTHENTICATE), 6.2.4 to 6.2.7 (what is done to commands and responses).
 *
 * A protected command is as long as its MAC says: what does not fit in a short
 * APDU is protected first and chained after.  Up to 255 bytes it goes in the
 * short form, whatever the card could take: so its Lc has one encoding.
 */
#include "gp.h"

#include <string.h>

#include "../apdu/tlv.h"
#include "../keys/secret.h"

#define CLA_ISO	   0x00
#define INS_SELECT 0xA4
#define P1_BY_NAME 0x04
#define SHORT_NE   256u
#define AID_MIN	   5u

#define SCP03	       0x03
#define PARAMETER_S16  0x01
#define PARAMETER_RMAC 0x20
#define PARAMETER_RENC 0x40

/* What protection adds: a block of padding, and the MAC. */
#define ROOM_MAX (JZ_GP_DATA_MAX + JZ_KEY_BYTES + JZ_SCP03_MAC_BYTES)

_Static_assert(ROOM_MAX < JZ_ANSWER_MAX, "a session sends the longest command");

static const struct jz_gp_aid ISSUER_DOMAIN = {
    JZ_GP_AID_ISD_BYTES, JZ_GP_AID_ISD};

void
jz_gp_init(struct jz_gp *g, struct jz_session *s, const struct jz_engine *e)
{
	memset(g, 0, sizeof(*g));
	g->session = s;
	g->engine = e;
}

void
jz_gp_close(struct jz_gp *g)
{
	jz_wipe(&g->channel, sizeof(g->channel));
	jz_wipe(g->dek, sizeof(g->dek));
	jz_wipe(g->answer, sizeof(g->answer));
	g->phase = JZ_GP_CLEAR;
}

int
jz_gp_aid(struct jz_span bytes, struct jz_gp_aid *out)
{
	memset(out, 0, sizeof(*out));
	if (bytes.len < AID_MIN || bytes.len > JZ_GP_AID_MAX)
		return JZ_ERR_RANGE;
	out->len = (uint8_t)bytes.len;
	memcpy(out->bytes, bytes.data, bytes.len);
	return 0;
}

bool
jz_gp_aid_equal(const struct jz_gp_aid *a, const struct jz_gp_aid *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The error of a status word, as GlobalPlatform uses them. */
static int
status_error(uint16_t sw)
{
	switch (sw) {
	case JZ_SW_REFERENCE:
	case JZ_SW_FILE:
		return JZ_ERR_NOT_FOUND;
	case JZ_SW_EXISTS:
		return JZ_ERR_EXISTS;
	default:
		return jz_status_error(sw);
	}
}

/* ---- selection ---------------------------------------------------------- */

/* The AID in an FCI: 6F { 84 }, ISO/IEC 7816-4 5.3.3. */
static void
aid_of_fci(struct jz_span fci, struct jz_gp_aid *out)
{
	struct jz_span inner, name;

	memset(out, 0, sizeof(*out));
	if (jz_tlv_find(fci, JZ_GP_TAG_FCI, &inner) == 0 &&
	    jz_tlv_find(inner, JZ_GP_TAG_DF_NAME, &name) == 0)
		(void)jz_gp_aid(name, out);
}

int
jz_gp_select(struct jz_gp *g, const struct jz_gp_aid *domain)
{
	const struct jz_gp_aid *aid = domain != NULL ? domain : &ISSUER_DOMAIN;
	struct jz_command c = {.cla = CLA_ISO,
	    .ins = INS_SELECT,
	    .p1 = P1_BY_NAME,
	    .data = jz_span(aid->bytes, aid->len),
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;
	int err;

	jz_gp_close(g);
	g->fci_len = 0;
	g->domain.len = 0;
	err = jz_session_exchange(g->session, &c, &a);
	if (err != 0)
		return err;
	g->card_locked = a.sw == JZ_SW_SELECTED_LOCKED;
	if (a.sw != JZ_SW_OK && !g->card_locked)
		return status_error(a.sw);
	if (a.data.len > sizeof(g->fci))
		return JZ_ERR_ANSWER;
	memcpy(g->fci, a.data.data, a.data.len);
	g->fci_len = a.data.len;
	aid_of_fci(a.data, &g->domain);
	return 0;
}

/* ---- the channel's beginning -------------------------------------------- */

/* KDD, key version, protocol, i, challenge, cryptogram, sequence counter. */
static int
parse_initialize(struct jz_gp *g, struct jz_span answer)
{
	struct jz_cursor c = jz_cursor(answer);
	uint8_t protocol;

	jz_take_bytes(&c, g->kdd, sizeof(g->kdd));
	g->kvn = jz_take_u8(&c);
	protocol = jz_take_u8(&c);
	g->parameter = jz_take_u8(&c);
	if (c.bad)
		return JZ_ERR_ANSWER;
	if (protocol != JZ_GP_SCP03 || (g->parameter & PARAMETER_S16) != 0)
		return JZ_ERR_UNSUPPORTED;
	jz_take_bytes(&c, g->card_challenge, sizeof(g->card_challenge));
	jz_take_bytes(&c, g->card_cryptogram, sizeof(g->card_cryptogram));
	g->pseudo_random = !c.bad && c.len > 0;
	if (g->pseudo_random)
		jz_take_bytes(&c, g->sequence, sizeof(g->sequence));
	return jz_cursor_end(&c) ? 0 : JZ_ERR_ANSWER;
}

int
jz_gp_begin(struct jz_gp *g, uint8_t kvn)
{
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_INITIALIZE_UPDATE,
	    .p1 = kvn,
	    .data = jz_span(g->host_challenge, sizeof(g->host_challenge)),
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;
	int err;

	jz_gp_close(g);
	err = g->engine->crypto->random(
	    g->engine->state, g->host_challenge, sizeof(g->host_challenge));
	if (err == 0)
		err = jz_gp_command(g, &c, &a);
	if (err == 0)
		err = parse_initialize(g, a.data);
	if (err == 0)
		g->phase = JZ_GP_BEGUN;
	return err;
}

/* A challenge that is not its counter's: another card, or a repeated one. */
static int
check_challenge(const struct jz_gp *g, const struct jz_scp03_keys *keys)
{
	uint8_t want[JZ_SCP03_CHALLENGE_BYTES];
	int err;

	if (!g->pseudo_random || g->domain.len == 0)
		return 0;
	err = jz_scp03_challenge(g->engine, keys, g->sequence,
	    jz_span(g->domain.bytes, g->domain.len), want);
	if (err == 0 && !jz_equal_secret(want, g->card_challenge, sizeof(want)))
		err = JZ_ERR_AUTHENTICATION;
	return err;
}

static int
check_card(struct jz_gp *g, const struct jz_scp03_keys *keys)
{
	int err = jz_scp03_start(
	    g->engine, keys, g->host_challenge, g->card_challenge, &g->channel);

	if (err == 0 &&
	    !jz_equal_secret(g->channel.card_cryptogram, g->card_cryptogram,
		sizeof(g->card_cryptogram)))
		err = JZ_ERR_AUTHENTICATION;
	return err != 0 ? err : check_challenge(g, keys);
}

static int
check_level(const struct jz_gp *g, uint8_t level)
{
	const unsigned needs =
	    ((level & JZ_LEVEL_R_MAC) != 0 ? PARAMETER_RMAC : 0) |
	    ((level & JZ_LEVEL_R_ENC) != 0 ? PARAMETER_RENC : 0);

	switch (level) {
	case 0x01:
	case 0x03:
	case 0x11:
	case 0x13:
	case 0x33:
		return (g->parameter & needs) == needs ? 0 : JZ_ERR_UNSUPPORTED;
	default:
		return JZ_ERR_ARGUMENT;
	}
}

/* A wrong cryptogram, or a wrong MAC: cards differ in how they say it. */
static bool
refuses_host(uint16_t sw)
{
	return sw == JZ_SW_WARNING || sw == JZ_SW_SECURITY ||
	    sw == JZ_SW_SM_WRONG;
}

/* EXTERNAL AUTHENTICATE carries its own C-MAC; the level counts after it. */
static int
external_authenticate(struct jz_gp *g, uint8_t level)
{
	uint8_t bytes[JZ_SCP03_CHALLENGE_BYTES + JZ_SCP03_MAC_BYTES];
	struct jz_buffer room = jz_buffer(bytes, sizeof(bytes));
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_EXTERNAL_AUTHENTICATE,
	    .p1 = level,
	    .data = jz_span(g->channel.host_cryptogram,
		sizeof(g->channel.host_cryptogram))};
	struct jz_answer a;
	int err;

	g->channel.level = JZ_LEVEL_C_MAC;
	err = jz_scp03_wrap(g->engine, &g->channel, &c, &room);
	if (err == 0)
		err = jz_session_exchange(g->session, &c, &a);
	if (err == 0 && a.sw != JZ_SW_OK)
		err = refuses_host(a.sw) ? JZ_ERR_AUTHENTICATION
					 : status_error(a.sw);
	g->channel.level = level;
	/* The commands after it are counted from 1: 6.2.6. */
	g->channel.counter = 0;
	return err;
}

int
jz_gp_authenticate(
    struct jz_gp *g, const struct jz_scp03_keys *keys, uint8_t level)
{
	int err = check_level(g, level);

	if (g->phase != JZ_GP_BEGUN)
		return JZ_ERR_STATE;
	if (err == 0)
		err = check_card(g, keys);
	if (err == 0)
		err = external_authenticate(g, level);
	if (err != 0) {
		jz_gp_close(g);
		return err;
	}
	memcpy(g->dek, keys->dek, sizeof(g->dek));
	g->phase = JZ_GP_OPEN;
	return 0;
}

int
jz_gp_open(struct jz_gp *g, const struct jz_scp03_keys *keys, uint8_t kvn,
    uint8_t level)
{
	int err = jz_gp_begin(g, kvn);

	return err != 0 ? err : jz_gp_authenticate(g, keys, level);
}

/* ---- commands ----------------------------------------------------------- */

/* After these the card has ended the channel: GlobalPlatform 10.2.3. */
static bool
ends_channel(uint16_t sw)
{
	return sw == JZ_SW_SECURITY || sw == JZ_SW_SM_WRONG ||
	    sw == JZ_SW_SM_MISSING;
}

static int
unwrap(struct jz_gp *g, struct jz_answer *a)
{
	struct jz_buffer out = jz_buffer(g->answer, sizeof(g->answer));
	int err = jz_scp03_unwrap_response(
	    g->engine, &g->channel, a->sw, a->data, &out);

	if (err == JZ_ERR_SIGNATURE || err == JZ_ERR_DECRYPT)
		err = JZ_ERR_AUTHENTICATION;
	a->data = jz_buffer_span(&out);
	return err;
}

static int
send_protected(
    struct jz_gp *g, const struct jz_command *command, struct jz_answer *out)
{
	uint8_t bytes[ROOM_MAX];
	struct jz_buffer room = jz_buffer(bytes, sizeof(bytes));
	struct jz_command c = *command;
	int err;

	/* Response data or not, there may be a MAC to fetch. */
	if ((g->channel.level & JZ_LEVEL_R_MAC) != 0)
		c.has_le = true;
	if (c.has_le)
		c.ne = SHORT_NE;
	err = jz_scp03_wrap(g->engine, &g->channel, &c, &room);
	if (err == 0)
		err = jz_session_exchange(g->session, &c, out);
	if (err == 0)
		err = unwrap(g, out);
	jz_wipe(bytes, sizeof(bytes));
	if (err != 0)
		*out = (struct jz_answer){0};
	if (err != 0 || ends_channel(out->sw))
		g->phase = JZ_GP_BROKEN;
	return err;
}

int
jz_gp_send(struct jz_gp *g, const struct jz_command *c, struct jz_answer *out)
{
	*out = (struct jz_answer){0};
	if (c->data.len > JZ_GP_DATA_MAX)
		return JZ_ERR_RANGE;
	if (g->phase == JZ_GP_BROKEN)
		return JZ_ERR_STATE;
	return g->phase == JZ_GP_OPEN ? send_protected(g, c, out)
				      : jz_session_exchange(g->session, c, out);
}

int
jz_gp_command(
    struct jz_gp *g, const struct jz_command *c, struct jz_answer *out)
{
	int err = jz_gp_send(g, c, out);

	return err != 0 ? err : status_error(out->sw);
}
