/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer seed ...: a key made by two people, of whom none has it.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../apdu/time.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"

#define TIME_TEXT 21

/* Makes sure that the text is a number of this range and nothing else. */
static int
number(struct jz_cli *c, const char *name, const char *text, uint32_t most,
    uint32_t *out)
{
	uint64_t n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && n <= most; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (p == text || *p != '\0' || n < 1 || n > most)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--%s %s: a number from 1 to %lu",
			"--%s %s：应为 1 至 %lu 的数"),
		    name, text, (unsigned long)most);
	*out = (uint32_t)n;
	return 0;
}

static void
show_seed(struct jz_cli *c, const struct jz_seed *s,
    const uint8_t check[static JZ_CHECK_VALUE_BYTES])
{
	char when[TIME_TEXT];

	jz_time_to_text(s->made, when);
	jz_cli_line(c, jz_tr(c, "half", "半份"), "%u", (unsigned)s->part);
	jz_cli_line(
	    c, jz_tr(c, "ceremony", "仪式"), "%lu", (unsigned long)s->ceremony);
	jz_cli_line(c, jz_tr(c, "made by", "制作人"), "%s", s->by);
	jz_cli_line(c, jz_tr(c, "made", "制作时间"), "%s", when);
	jz_cli_line(c, jz_tr(c, "check value", "校验值"), "%02X%02X%02X",
	    check[0], check[1], check[2]);
	jz_cli_put(c, "part", json_integer(s->part));
	jz_cli_put(c, "ceremony", json_integer((json_int_t)s->ceremony));
	jz_cli_put(c, "by", jz_cli_string(s->by));
	jz_cli_put(c, "made", json_string(when));
	jz_cli_put(
	    c, "check_value", jz_cli_hex(jz_span(check, JZ_CHECK_VALUE_BYTES)));
}

/* ---- create, show ------------------------------------------------------- */

static int
draw(struct jz_cli *c, const struct jz_engine *e, struct jz_seed *out)
{
	const char *by = c->value[JZ_OPT_BY];
	uint32_t part = 0, ceremony = 1;
	int err = number(c, "part", c->value[JZ_OPT_PART], 2, &part);

	if (err == 0 && jz_cli_has(c, JZ_OPT_CEREMONY))
		err = number(c, "ceremony", c->value[JZ_OPT_CEREMONY],
		    UINT32_MAX, &ceremony);
	if (err != 0)
		return err;
	err = jz_seed_draw(e, part, ceremony, by, (int64_t)time(NULL), out);
	if (err == JZ_ERR_RANGE || err == JZ_ERR_ARGUMENT)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT, "--by: %s",
		    jz_tr(c,
			"1 to 32 bytes, no control characters, no blank at "
			"either end",
			"1 至 32 字节，不含控制字符，首尾不为空格"));
	return err;
}

static int
create(struct jz_cli *c, const struct jz_engine *e, struct jz_seed *s)
{
	uint8_t check[JZ_CHECK_VALUE_BYTES];
	struct jz_secret pass = {0};
	int err = draw(c, e, s);

	if (err == 0)
		err = jz_cli_passphrase(c, &pass);
	if (err == 0) {
		err = jz_seed_write(e, c->argument[0], &pass, s);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", c->argument[0]);
	}
	if (err == 0)
		err = jz_seed_check_value(e, s, check);
	if (err == 0)
		show_seed(c, s, check);
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cmd_issuer_seed_create(struct jz_cli *c)
{
	struct jz_engine e = {NULL, NULL};
	struct jz_seed s = {0};
	int err = jz_openssl_new(JZ_SUITE_NIST, &e);

	if (err != 0)
		return err;
	err = create(c, &e, &s);
	jz_wipe(&s, sizeof(s));
	jz_openssl_free(&e);
	return err;
}

/* A seed file by the passphrase of an option. */
static int
read_seed(struct jz_cli *c, const struct jz_engine *e, const char *path,
    enum jz_option option, const char *name, struct jz_seed *out)
{
	struct jz_secret pass = {0};
	char prompt[JZ_CLI_DETAIL_MAX];
	int err;

	snprintf(prompt, sizeof(prompt),
	    jz_tr(c, "Passphrase of %s: ", "%s 的口令："), path);
	err = jz_cli_passphrase_by(c, option, name, prompt, &pass);
	if (err == 0) {
		err = jz_seed_read(e, path, &pass, out);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", path);
	}
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cmd_issuer_seed_show(struct jz_cli *c)
{
	uint8_t check[JZ_CHECK_VALUE_BYTES];
	struct jz_engine e = {NULL, NULL};
	struct jz_seed s = {0};
	int err = jz_openssl_new(JZ_SUITE_NIST, &e);

	if (err != 0)
		return err;
	err = read_seed(
	    c, &e, c->argument[0], JZ_OPT_PASSPHRASE, "passphrase", &s);
	if (err == 0)
		err = jz_seed_check_value(&e, &s, check);
	if (err == 0)
		show_seed(c, &s, check);
	jz_wipe(&s, sizeof(s));
	jz_openssl_free(&e);
	return err;
}

/* ---- combine ------------------------------------------------------------ */

/* What was wrong with the pair, with the names. */
static int
explain(struct jz_cli *c, int err, const struct jz_seed s[static 2])
{
	switch (err) {
	case JZ_ERR_SEED_PERSON:
		return jz_cli_fail(c, err, "%s", s[0].by);
	case JZ_ERR_SEED_HALF:
		return jz_cli_fail(
		    c, err, "%s, %s", c->argument[1], c->argument[2]);
	case JZ_ERR_SEED_CEREMONY:
		return jz_cli_fail(c, err, "%lu, %lu",
		    (unsigned long)s[0].ceremony, (unsigned long)s[1].ceremony);
	default:
		return jz_cli_fail(c, err, "%s", c->argument[0]);
	}
}

static int
combine(struct jz_cli *c, const struct jz_seed s[static 2], uint8_t *version)
{
	struct jz_secret pass = {0};
	int err = jz_cli_passphrase(c, &pass);

	if (err == 0) {
		err = jz_issuer_combine(
		    c->argument[0], &pass, &s[0], &s[1], version);
		if (err != 0)
			err = explain(c, err, s);
	}
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cmd_issuer_seed_combine(struct jz_cli *c)
{
	struct jz_engine e = {NULL, NULL};
	struct jz_seed s[2] = {0};
	uint8_t version = 0;
	int err = jz_openssl_new(JZ_SUITE_NIST, &e);

	if (err != 0)
		return err;
	err = read_seed(
	    c, &e, c->argument[1], JZ_OPT_PASSPHRASE_1, "passphrase-1", &s[0]);
	if (err == 0)
		err = read_seed(c, &e, c->argument[2], JZ_OPT_PASSPHRASE_2,
		    "passphrase-2", &s[1]);
	if (err == 0)
		err = combine(c, s, &version);
	if (err == 0) {
		jz_cli_say(c,
		    jz_tr(c,
			"%s has card master %u now, of %s and %s: destroy "
			"the seed files\n",
			"%s 已有卡主密钥 %u，由 %s 与 %s 制作，请销毁种子文件"
			"\n"),
		    c->argument[0], (unsigned)version, s[0].by, s[1].by);
		jz_cli_put(c, "version", json_integer(version));
	}
	jz_wipe(s, sizeof(s));
	jz_openssl_free(&e);
	return err;
}
