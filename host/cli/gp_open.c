/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that administer a card begin with: its issuer's security
 * domain, and the keys to it.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"

#define DEFAULT_KEYS "default"
/* What a card says it can do to responses, in its i. */
#define PARAMETER_R_MAC 0x20
#define PARAMETER_R_ENC 0x40

/* GlobalPlatform's well-known test keys: all three the same. */
static const uint8_t DEFAULT_KEY[JZ_KEY_BYTES] = {0x40, 0x41, 0x42, 0x43, 0x44,
    0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F};

/* ---- AIDs --------------------------------------------------------------- */

int
jz_cli_aid(struct jz_cli *c, const char *text, struct jz_gp_aid *out)
{
	uint8_t bytes[JZ_GP_AID_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_cli_from_hex(text, &b);

	if (err == 0)
		err = jz_gp_aid(jz_buffer_span(&b), out);
	if (err != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "\"%s\" is no AID: 5 to 16 bytes in hexadecimal",
			"“%s”不是 AID：应为 5 至 16 字节的十六进制"),
		    text);
	return 0;
}

const char *
jz_cli_aid_text(const struct jz_gp_aid *aid, char out[static JZ_AID_TEXT])
{
	out[0] = '\0';
	for (size_t i = 0; i < aid->len; i++)
		snprintf(out + 2 * i, 3, "%02X", (unsigned)aid->bytes[i]);
	return out;
}

/* ---- keys --------------------------------------------------------------- */

/* One key for all three, or ENC, MAC, DEK. */
static int
take_keys(struct jz_span in, struct jz_scp03_keys *out)
{
	size_t step = in.len == JZ_KEY_BYTES ? 0 : JZ_KEY_BYTES;

	if (in.len != JZ_KEY_BYTES && in.len != 3 * JZ_KEY_BYTES)
		return JZ_ERR_ARGUMENT;
	memcpy(out->enc, in.data, JZ_KEY_BYTES);
	memcpy(out->mac, in.data + step, JZ_KEY_BYTES);
	memcpy(out->dek, in.data + 2 * step, JZ_KEY_BYTES);
	return 0;
}

static int
keys_from(struct jz_cli *c, const char *option, const char *source,
    struct jz_scp03_keys *out)
{
	uint8_t bytes[3 * JZ_KEY_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_secret text = {0};
	int err = jz_secret_source(source,
	    jz_tr(c, "Keys (ENC MAC DEK): ", "密钥（ENC MAC DEK）："), &text);

	if (err != 0 && err != JZ_ERR_SPACE)
		return jz_cli_no_secret(c, err, option, source);
	if (err == 0)
		err = jz_cli_from_hex_span(jz_secret_span(&text), &b);
	if (err == 0)
		err = take_keys(jz_buffer_span(&b), out);
	jz_secret_wipe(&text);
	jz_wipe(bytes, sizeof(bytes));
	if (err != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"--%s: not 16 or 48 bytes in hexadecimal (one key for "
			"all, or ENC MAC DEK)",
			"--%s：不是 16 或 48 字节的十六进制（三者相同的一个"
			"密钥，或 ENC MAC DEK）"),
		    option);
	return 0;
}

int
jz_cli_keys(struct jz_cli *c, enum jz_option option, const char *value,
    struct jz_scp03_keys *out)
{
	const char *name = option == JZ_OPT_KEYS ? "keys" : "new-keys";

	if (strcmp(value, DEFAULT_KEYS) == 0)
		return take_keys(
		    jz_span(DEFAULT_KEY, sizeof(DEFAULT_KEY)), out);
	return keys_from(c, name, value, out);
}

int
jz_cli_issuer_keys(struct jz_cli *c, const uint8_t kdd[static JZ_GP_KDD_BYTES],
    uint8_t kvn, bool made, struct jz_scp03_keys *out)
{
	struct jz_issuer *issuer = NULL;
	const char *dir;
	int err = jz_cli_issuer_dir(c, &dir);

	if (err == 0)
		err = jz_cli_issuer(c, dir, &issuer);
	if (err != 0)
		return err;
	err = jz_issuer_card_keys(issuer, kdd, kvn, out);
	if (err == JZ_ERR_NOT_FOUND)
		err = jz_cli_fail(c, err,
		    jz_tr(c,
			"%s has no administration key: see jiaozi issuer "
			"admin-key",
			"%s 没有管理密钥，见 jiaozi issuer admin-key"),
		    dir);
	else if (err == 0 && made && !jz_issuer_has_master(issuer, kvn))
		err = jz_cli_fail(c, JZ_ERR_NOT_FOUND,
		    jz_tr(c,
			"%s has no keys of version %02X: see jiaozi issuer key "
			"roll",
			"%s 没有版本 %02X 的密钥，见 jiaozi issuer key roll"),
		    dir, (unsigned)kvn);
	if (err != 0)
		jz_wipe(out, sizeof(*out));
	jz_issuer_free(&issuer);
	return err;
}

int
jz_cli_key_version(struct jz_cli *c, const char *text, unsigned least,
    unsigned most, uint8_t *out)
{
	struct jz_buffer b = jz_buffer(out, 1);
	int err = jz_cli_from_hex(text, &b);

	if (err != 0 || b.len != 1 || *out < least || *out > most)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"\"%s\" is no key version: two hexadecimal digits, "
			"%02X to %02X",
			"“%s”不是密钥版本：应为两位十六进制，%02X 至 %02X"),
		    text, least, most);
	return 0;
}

/* ---- the card ----------------------------------------------------------- */

int
jz_cli_gp_error(struct jz_cli *c, const struct jz_cli_gp *g, int error)
{
	if (error == JZ_ERR_AUTHENTICATION && g->gp.phase == JZ_GP_BROKEN)
		return jz_cli_fail(c, error, "%s",
		    jz_tr(c, "the card's answer is not genuine",
			"卡的应答不真实"));
	if (error == JZ_ERR_AUTHENTICATION)
		return jz_cli_fail(c, error,
		    jz_tr(c,
			"the card does not have these keys (its key version: "
			"%02X)",
			"卡没有这些密钥（其密钥版本：%02X）"),
		    (unsigned)g->gp.kvn);
	return jz_cli_card_error(c, &g->session, error);
}

int
jz_cli_gp_select(struct jz_cli *c, struct jz_cli_gp *g)
{
	int err;

	memset(g, 0, sizeof(*g));
	err = jz_cli_open_reader(c, JZ_OPT_CARD, &g->reader);
	if (err == 0)
		err = jz_openssl_new(JZ_SUITE_NIST, &g->engine);
	if (err != 0)
		return err;
	jz_session_init(&g->session, g->reader);
	jz_gp_init(&g->gp, &g->session, &g->engine);
	err = jz_gp_select(&g->gp, NULL);
	if (err == JZ_ERR_NOT_FOUND) {
		c->sw = g->session.sw;
		return jz_cli_fail(c, JZ_ERR_STATUS, "%s: %s",
		    jz_reader_name(g->reader),
		    jz_tr(c, "no issuer security domain on this card",
			"此卡上没有发卡方安全域"));
	}
	return jz_cli_card_error(c, &g->session, err);
}

/* --keys before --issuer: whoever names keys means them. */
static int
find_keys(struct jz_cli *c, const struct jz_gp *gp, struct jz_scp03_keys *out)
{
	const char *issuer = c->value[JZ_OPT_ISSUER];

	if (jz_cli_has(c, JZ_OPT_KEYS))
		return jz_cli_keys(c, JZ_OPT_KEYS, c->value[JZ_OPT_KEYS], out);
	if (issuer == NULL)
		issuer = getenv("JIAOZI_ISSUER");
	if (issuer == NULL || issuer[0] == '\0')
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c,
			"which keys? use --keys SOURCE (`default` for a new "
			"card) or --issuer DIR",
			"用什么密钥？请用 --keys 来源（新卡用 default）或 "
			"--issuer DIR"));
	return jz_cli_issuer_keys(c, gp->kdd, gp->kvn, false, out);
}

/* As much as the card can do. */
static uint8_t
level_of(uint8_t parameter)
{
	unsigned level = JZ_LEVEL_C_MAC | JZ_LEVEL_C_ENC;

	if ((parameter & PARAMETER_R_MAC) != 0) {
		level |= JZ_LEVEL_R_MAC;
		if ((parameter & PARAMETER_R_ENC) != 0)
			level |= JZ_LEVEL_R_ENC;
	}
	return (uint8_t)level;
}

static int
authenticate(struct jz_cli *c, struct jz_cli_gp *g)
{
	int err =
	    jz_gp_authenticate(&g->gp, &g->keys, level_of(g->gp.parameter));

	return err != 0 ? jz_cli_gp_error(c, g, err) : 0;
}

int
jz_cli_gp_open(struct jz_cli *c, struct jz_cli_gp *g)
{
	const char *version = c->value[JZ_OPT_KEY_VERSION];
	uint8_t kvn = JZ_GP_KVN_ANY;
	int err = 0;

	memset(g, 0, sizeof(*g));
	if (version != NULL)
		err = jz_cli_key_version(c, version, 0x01, 0xFF, &kvn);
	if (err == 0)
		err = jz_cli_gp_select(c, g);
	if (err != 0)
		return err;
	err = jz_gp_begin(&g->gp, kvn);
	if (err != 0)
		return jz_cli_gp_error(c, g, err);
	err = find_keys(c, &g->gp, &g->keys);
	return err != 0 ? err : authenticate(c, g);
}

int
jz_cli_gp_again(struct jz_cli *c, struct jz_cli_gp *g)
{
	uint8_t kvn = g->gp.kvn;
	int err;

	jz_gp_close(&g->gp);
	jz_session_init(&g->session, g->reader);
	jz_gp_init(&g->gp, &g->session, &g->engine);
	err = jz_gp_select(&g->gp, NULL);
	if (err == 0)
		err = jz_gp_begin(&g->gp, kvn);
	return err != 0 ? jz_cli_gp_error(c, g, err) : authenticate(c, g);
}

void
jz_cli_gp_close(struct jz_cli_gp *g)
{
	jz_gp_close(&g->gp);
	if (g->reader != NULL)
		(void)jz_reader_end(g->reader);
	jz_reader_free(&g->reader);
	if (g->engine.crypto != NULL)
		jz_openssl_free(&g->engine);
	jz_wipe(&g->session, sizeof(g->session));
	jz_wipe(&g->keys, sizeof(g->keys));
}
