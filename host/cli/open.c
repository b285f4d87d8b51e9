/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most commands begin with: a card in a reader, a PIN, an issuer.
 */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/secret.h"
#include "../../keys/store/file.h"
#include "../../keys/store/keyfile.h"
#include "../../reader/virtual.h"

#define CERTIFICATE ".cvcert"

int
jz_cli_reader_name(struct jz_cli *c, enum jz_option option, const char **name)
{
	*name = c->value[option];
	if (*name == NULL && option == JZ_OPT_CARD)
		*name = getenv("JIAOZI_READER");
	if (*name == NULL || (*name)[0] == '\0')
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c,
			"which card? use --card READER or set JIAOZI_READER",
			"哪张卡？请用 --card READER 或设置 JIAOZI_READER"));
	return 0;
}

/* An applet of a virtual card that cannot be used is no error of the command,
 * but whoever misses it should know why. */
static void
warn_of_problems(const struct jz_cli *c, struct jz_reader *r)
{
	const struct jz_virtual *v = jz_reader_virtual(r);
	struct jz_virtual_problem p;
	struct jz_gp_aid aid = {0};
	char text[JZ_AID_TEXT];

	for (unsigned i = 0; v != NULL && jz_virtual_problem(v, i, &p); i++) {
		aid.len = (uint8_t)p.aid_len;
		memcpy(aid.bytes, p.aid, p.aid_len);
		fprintf(stderr,
		    jz_tr(c, "jiaozi: warning: %s: plug-in %s: %s\n",
			"jiaozi：警告：%s：插件 %s：%s\n"),
		    jz_reader_name(r), jz_cli_aid_text(&aid, text),
		    jz_error_text(p.error, c->lang));
	}
}

int
jz_cli_open_reader(
    struct jz_cli *c, enum jz_option option, struct jz_reader **out)
{
	const char *name;
	int err = jz_cli_reader_name(c, option, &name);

	*out = NULL;
	if (err != 0)
		return err;
	err = jz_reader_open(name, out);
	if (err == 0)
		err = jz_reader_begin(*out);
	if (err != 0) {
		jz_reader_free(out);
		return jz_cli_fail(c, err, "%s", name);
	}
	warn_of_problems(c, *out);
	return 0;
}

/* ---- authorities -------------------------------------------------------- */

static bool
is_certificate(const char *name)
{
	size_t len = strlen(name), suffix = strlen(CERTIFICATE);

	return len > suffix && strcmp(name + len - suffix, CERTIFICATE) == 0;
}

/* One file into the session's next place. */
static int
take_certificate(
    struct jz_cli *c, const char *dir, const char *name, struct jz_cli_card *to)
{
	struct jz_known *k = &to->session.known;
	struct jz_buffer b;
	char path[JZ_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name), err;

	if (n < 0 || n >= JZ_PATH_MAX || k->n == JZ_KNOWN_MAX)
		return jz_cli_fail(c, JZ_ERR_RANGE, "%s", dir);
	b = jz_buffer(to->known[k->n], sizeof(to->known[k->n]));
	err = jz_file_read(path, &b);
	if (err != 0)
		return jz_cli_fail(c,
		    err == JZ_ERR_SPACE ? JZ_ERR_CERT_MALFORMED : err, "%s",
		    path);
	k->certificate[k->n++] = jz_buffer_span(&b);
	return 0;
}

/* The certificates of --authorities; what a card does not want, it refuses. */
static int
take_authorities(struct jz_cli *c, struct jz_cli_card *card)
{
	const char *dir = c->value[JZ_OPT_AUTHORITIES];
	struct dirent *e;
	int err = 0;
	DIR *d;

	if (dir == NULL)
		dir = getenv("JIAOZI_AUTHORITIES");
	if (dir == NULL || dir[0] == '\0')
		return 0;
	d = opendir(dir);
	if (d == NULL)
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND, "%s", dir);
	while (err == 0 && (e = readdir(d)) != NULL) {
		if (is_certificate(e->d_name))
			err = take_certificate(c, dir, e->d_name, card);
	}
	(void)closedir(d);
	return err;
}

/* Another purse of the card than its first: --instance. */
static int
take_instance(struct jz_cli *c, struct jz_cli_card *card)
{
	struct jz_gp_aid aid;
	int err;

	if (!jz_cli_has(c, JZ_OPT_INSTANCE))
		return 0;
	err = jz_cli_aid(c, c->value[JZ_OPT_INSTANCE], &aid);
	if (err != 0)
		return err;
	memcpy(card->session.purse, aid.bytes, aid.len);
	card->session.purse_len = (uint8_t)aid.len;
	return 0;
}

int
jz_cli_open(struct jz_cli *c, enum jz_option option, struct jz_cli_card *card)
{
	int err;

	memset(card, 0, sizeof(*card));
	err = jz_cli_open_reader(c, option, &card->reader);
	if (err != 0)
		return err;
	jz_session_init(&card->session, card->reader);
	err = option == JZ_OPT_CARD ? take_instance(c, card) : 0;
	if (err == 0)
		err = take_authorities(c, card);
	if (err != 0)
		return err;
	err = jz_purse_select(&card->session);
	if (err == JZ_ERR_STATUS && card->session.sw == JZ_SW_FILE) {
		c->sw = card->session.sw;
		return jz_cli_fail(c, err, "%s: %s",
		    jz_reader_name(card->reader),
		    jz_tr(c, "6A82: no purse on this card",
			"6A82：此卡上没有钱包"));
	}
	return jz_cli_card_error(c, &card->session, err);
}

static const struct {
	enum jz_suite suite;
	const char *name;
} SUITES[] = {{JZ_SUITE_NIST, "nist"}, {JZ_SUITE_GM, "gm"}};

const char *
jz_cli_suite_name(unsigned suite)
{
	for (size_t i = 0; i < sizeof(SUITES) / sizeof(SUITES[0]); i++)
		if (SUITES[i].suite == suite)
			return SUITES[i].name;
	return "?";
}

int
jz_cli_suite(struct jz_cli *c, enum jz_suite *out)
{
	const char *text = c->value[JZ_OPT_SUITE];

	*out = JZ_SUITE_NIST;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(SUITES) / sizeof(SUITES[0]); i++)
		if (strcmp(SUITES[i].name, text) == 0) {
			*out = SUITES[i].suite;
			return 0;
		}
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "--suite is nist or gm, not \"%s\"",
		"--suite 只能是 nist 或 gm，不能是“%s”"),
	    text);
}

void
jz_cli_close(struct jz_cli_card *card)
{
	if (card->reader != NULL)
		(void)jz_reader_end(card->reader);
	jz_reader_free(&card->reader);
	jz_wipe(&card->session, sizeof(card->session));
}

int
jz_cli_no_secret(
    struct jz_cli *c, int err, const char *option, const char *source)
{
	if (err == JZ_ERR_ARGUMENT)
		return jz_cli_fail(c, err,
		    jz_tr(c,
			"--%s takes prompt, env:NAME, file:PATH or fd:N, not "
			"the secret itself: it would stand in the process list",
			"--%s 只接受 prompt、env:变量、file:路径或 "
			"fd:编号；直接写出的秘密会出现在进程列表中"),
		    option);
	if (err == JZ_ERR_CANCELLED)
		return jz_cli_fail(c, err,
		    jz_tr(c, "no terminal to ask at: use --%s SOURCE",
			"没有可供输入的终端，请用 --%s SOURCE"),
		    option);
	return jz_cli_fail(c, err, "--%s %s", option, source);
}

static int
pin_of(struct jz_cli *c, enum jz_option option, struct jz_secret *out)
{
	const char *source = c->value[option];
	int err = jz_secret_source(source, jz_tr(c, "PIN: ", "PIN:"), out);

	if (err == JZ_ERR_SPACE)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "a PIN has 4 to 12 digits",
			"PIN 为 4 至 12 位数字"));
	return err != 0 ? jz_cli_no_secret(c, err, "pin", source ? source : "")
			: 0;
}

int
jz_cli_pin(struct jz_cli *c, struct jz_secret *out)
{
	return pin_of(c, JZ_OPT_PIN, out);
}

int
jz_cli_verify_pin(struct jz_cli *c, struct jz_cli_card *card)
{
	return jz_cli_verify_pin_of(c, JZ_OPT_PIN, card);
}

int
jz_cli_verify_pin_of(
    struct jz_cli *c, enum jz_option option, struct jz_cli_card *card)
{
	struct jz_secret pin = {0};
	unsigned tries = 0;
	int err = pin_of(c, option, &pin);

	if (err == 0) {
		err = jz_purse_verify_pin(&card->session, &pin, &tries);
		if (err == JZ_ERR_ARGUMENT)
			err = jz_cli_fail(c, err, "%s",
			    jz_tr(c, "a PIN has 4 to 12 digits",
				"PIN 为 4 至 12 位数字"));
		else
			err = jz_cli_card_error(c, &card->session, err);
	}
	jz_secret_wipe(&pin);
	if (err == JZ_ERR_PIN) {
		jz_cli_more(c, "tries_left", json_integer((json_int_t)tries));
		return jz_cli_fail(
		    c, err, jz_tr(c, "%u tries left", "还可再试 %u 次"), tries);
	}
	return err;
}

int
jz_cli_issuer_dir(struct jz_cli *c, const char **dir)
{
	*dir = c->value[JZ_OPT_ISSUER];
	if (*dir == NULL)
		*dir = getenv("JIAOZI_ISSUER");
	if (*dir == NULL || (*dir)[0] == '\0')
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c,
			"which issuer? use --issuer DIR or set JIAOZI_ISSUER",
			"哪个发卡行？请用 --issuer DIR 或设置 "
			"JIAOZI_ISSUER"));
	return 0;
}

int
jz_cli_passphrase_by(struct jz_cli *c, enum jz_option option, const char *name,
    const char *prompt, struct jz_secret *out)
{
	const char *source = c->value[option];
	int err = jz_secret_source(source, prompt, out);

	if (err == 0 && out->len == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "the passphrase is empty", "口令为空"));
	return err != 0 ? jz_cli_no_secret(c, err, name, source ? source : "")
			: 0;
}

int
jz_cli_passphrase(struct jz_cli *c, struct jz_secret *out)
{
	return jz_cli_passphrase_by(c, JZ_OPT_PASSPHRASE, "passphrase",
	    jz_tr(c, "Passphrase: ", "口令："), out);
}

int
jz_cli_desk(struct jz_cli *c, const char *dir, struct jz_issuer **issuer,
    struct jz_issuer_esign *esign)
{
	struct jz_secret pass = {0};
	int err = jz_cli_passphrase(c, &pass);

	*issuer = NULL;
	if (err == 0) {
		err = jz_issuer_open(dir, &pass, issuer);
		if (err == 0)
			err = jz_issuer_esign_open(*issuer, dir, &pass, esign);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", dir);
	}
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cli_issuer(struct jz_cli *c, const char *dir, struct jz_issuer **out)
{
	struct jz_secret pass = {0};
	int err = jz_cli_passphrase(c, &pass);

	*out = NULL;
	if (err == 0) {
		err = jz_issuer_open(dir, &pass, out);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", dir);
	}
	jz_secret_wipe(&pass);
	return err;
}
