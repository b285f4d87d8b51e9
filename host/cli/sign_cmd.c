/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi sign, jiaozi card esign: the e-signature card with a joint password.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../keys/esign.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "../../keys/store/keyfile.h"
#include "../../keys/store/x509.h"
#include "../sign.h"
#include "order.h"
#include "screen.h"

#define VIRTUAL	       "virtual:"
#define LENGTH_DEFAULT 6u
#define PATH_CAP       4096
#define WAIT_S	       180
#define SHOW_S	       60
#define TURN_MS	       50
#define DIRECTLY       0x80u   /* no digest: of no scheme */
#define MODE_HIGH      0xFF00u /* of a kind, above its mode */

/* ---- the issuer --------------------------------------------------------- */

struct desk {
	struct jz_issuer *issuer; /* NULL: over HTTPS */
	struct jz_issuer_esign esign;
	struct jz_cli_bank bank; /* over HTTPS, and */
	struct jz_engine engine; /* of its suite, for evidence */
};

static int
open_desk_in(struct jz_cli *c, const char *dir, struct desk *d)
{
	return jz_cli_desk(c, dir, &d->issuer, &d->esign);
}

static int
open_desk(struct jz_cli *c, struct desk *d)
{
	const char *dir = NULL;
	int err = jz_cli_issuer_dir(c, &dir);

	memset(d, 0, sizeof(*d));
	return err != 0 ? err : open_desk_in(c, dir, d);
}

/* The suite of the issuer's certificate. */
static int
engine_of(const struct jz_known *known, struct jz_engine *out)
{
	static const enum jz_suite SUITES[] = {JZ_SUITE_NIST, JZ_SUITE_GM};
	struct jz_certificate ca;
	int err = JZ_ERR_SERVER_ANSWER;

	for (size_t k = 0; err != 0 && k < 2; k++) {
		err = jz_openssl_new(SUITES[k], out);
		if (err != 0)
			return err;
		err = jz_certificate_parse(
		    known->certificate[0], out->crypto, &ca);
		if (err != 0)
			jz_openssl_free(out);
	}
	return err;
}

/* Where what was signed goes: the issuer's directory, or its server. */
static int
open_verifier(struct jz_cli *c, struct desk *d)
{
	struct jz_known known;
	const char *name = NULL;
	int err = jz_cli_issuer_dir(c, &name);

	memset(d, 0, sizeof(*d));
	if (err != 0)
		return err;
	if (strncmp(name, "https://", strlen("https://")) != 0)
		return open_desk_in(c, name, d);
	err = jz_cli_bank(c, &d->bank);
	if (err != 0 || !jz_cli_has(c, JZ_OPT_EVIDENCE))
		return err;
	err = d->bank.bank->ops->known(d->bank.bank, &known);
	if (err == 0)
		err = engine_of(&known, &d->engine);
	return err == 0 ? 0 : jz_cli_bank_error(c, d->bank.bank, err);
}

static void
close_desk(struct desk *d)
{
	jz_issuer_esign_close(&d->esign);
	jz_issuer_free(&d->issuer);
	jz_cli_bank_close(&d->bank);
	if (d->engine.crypto != NULL)
		jz_openssl_free(&d->engine);
}

/* ---- jiaozi card esign -------------------------------------------------- */

/* A word of a list, and the bit that it stands for. */
struct word {
	const char *name;
	uint8_t bit;
};

/* The bits of a comma-separated list of words; 0: one is none of them. */
static uint8_t
bits_of(const char *list, const struct word *words, size_t n)
{
	uint8_t bits = 0;

	while (*list != '\0') {
		size_t len = strcspn(list, ","), i = 0;

		while (i < n &&
		    (strlen(words[i].name) != len ||
			strncmp(words[i].name, list, len) != 0))
			i++;
		if (i == n)
			return 0;
		bits |= words[i].bit;
		list += len + (list[len] == ',' ? 1 : 0);
	}
	return bits;
}

static int
alphabet(struct jz_cli *c, uint8_t *out)
{
	static const struct word sets[] = {{"digits", JZ_ALPHABET_DIGITS},
	    {"small", JZ_ALPHABET_SMALL}, {"capitals", JZ_ALPHABET_CAPITALS},
	    {"symbols", JZ_ALPHABET_SYMBOLS}};
	const char *list = c->value[JZ_OPT_ALPHABET];

	*out = list == NULL ? JZ_ALPHABET_DIGITS : bits_of(list, sets, 4);
	if (*out != 0)
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "--alphabet is a list of digits,small,capitals,symbols",
		"--alphabet 由 digits、small、capitals、symbols 组成"));
}

static int
scheme(struct jz_cli *c, enum jz_esign_kind kind, uint8_t *out)
{
	static const struct word parts[] = {{"direct", DIRECTLY},
	    {"hash", JZ_SCHEME_HASH}, {"mac", JZ_SCHEME_MAC},
	    {"ciphertext", JZ_SCHEME_CIPHERTEXT},
	    {"symmetric", JZ_SCHEME_SYMMETRIC}, {"bare", JZ_SCHEME_BARE}};
	const char *list = c->value[JZ_OPT_SCHEME];
	uint8_t bits =
	    list == NULL ? JZ_SCHEME_DEFAULT : bits_of(list, parts, 6);
	bool digests = (bits & JZ_SCHEME_DIGESTS) != 0;

	*out = (uint8_t)(bits & ~DIRECTLY);
	/* The digest may be left out: then it is the hash. */
	if (!digests && bits == *out)
		*out |= JZ_SCHEME_HASH;
	if (bits != 0 && jz_scheme_is_good(kind, *out) &&
	    (!digests || (bits & DIRECTLY) == 0))
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c,
		"--scheme is a list of hash,mac,ciphertext,symmetric,bare; "
		"direct instead of a digest with --mode JPS-7",
		"--scheme 由 hash、mac、ciphertext、symmetric、bare 组成；"
		"--mode JPS-7 可用 direct 代替摘要"));
}

static int
mode(struct jz_cli *c, enum jz_esign_kind *out)
{
	static const struct {
		const char *name;
		enum jz_esign_kind kind;
	} modes[] = {{"JPS-2", JZ_ESIGN_DIRECT}, {"JPS-3", JZ_ESIGN_DIGESTS},
	    {"JPS-4", JZ_ESIGN_SIGNATURE}, {"JPS-5", JZ_ESIGN_SEALED_DIGEST},
	    {"JPS-7", JZ_ESIGN_SEPARATE}};
	const char *text = c->value[JZ_OPT_MODE];

	*out = JZ_ESIGN_SIGNATURE;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, text) != 0)
			continue;
		*out = modes[i].kind;
		return 0;
	}
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "\"%s\" is no mode", "没有“%s”这种模式"), text);
}

static int
length(struct jz_cli *c, uint8_t *out)
{
	const char *text = c->value[JZ_OPT_LENGTH];
	char *end = NULL;
	unsigned long n =
	    text == NULL ? LENGTH_DEFAULT : strtoul(text, &end, 10);

	*out = (uint8_t)n;
	if (n >= JZ_JOINT_MIN && n <= JZ_JOINT_MAX &&
	    (end == NULL || *end == '\0'))
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "a joint password has 4 to 16 characters",
		"联合密码为 4 至 16 位"));
}

static int
personal(struct jz_cli *c, const struct desk *d, struct jz_sign_personal *p,
    struct jz_secret *pin)
{
	int err = mode(c, &p->mode);

	if (err == 0)
		err = scheme(c, p->mode, &p->scheme);
	if (err == 0)
		err = alphabet(c, &p->alphabet);
	if (err == 0)
		err = length(c, &p->length);
	if (err == 0 && jz_cli_has(c, JZ_OPT_PIN_ABOVE))
		err = jz_cli_amount(c, c->value[JZ_OPT_PIN_ABOVE],
		    jz_issuer_currency(d->issuer), &p->pin_above_minor);
	if (err == 0)
		err = jz_cli_pin(c, pin);
	p->pin = pin;
	p->account = c->value[JZ_OPT_ACCOUNT];
	p->holder =
	    jz_cli_has(c, JZ_OPT_HOLDER) ? c->value[JZ_OPT_HOLDER] : p->account;
	p->may_be_guessed = jz_cli_has(c, JZ_OPT_MAY_BE_GUESSED);
	p->key_after_pin = jz_cli_has(c, JZ_OPT_KEY_AFTER_PIN);
	if (err == 0 && jz_esign_guessable(p->mode, p->scheme) &&
	    !p->may_be_guessed)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"with this mode and scheme the terminal can test "
			"guesses: --may-be-guessed",
			"此模式下终端可试猜密码，须加 --may-be-guessed"));
	p->language = c->lang == JZ_LANG_ZH;
	p->wait_s = WAIT_S;
	p->show_s = SHOW_S;
	return err;
}

/* With the keys that the issuer gave this card when it became a purse. */
static int
open_channel(struct jz_cli *c, const struct desk *d, struct jz_cli_gp *g)
{
	struct jz_scp03_keys keys;
	int err = jz_cli_gp_select(c, g);

	if (err == 0)
		err = jz_gp_begin(&g->gp, JZ_GP_KVN_ANY);
	if (err == 0)
		err =
		    jz_issuer_card_keys(d->issuer, g->gp.kdd, g->gp.kvn, &keys);
	if (err == 0) {
		err = jz_gp_authenticate(&g->gp, &keys, JZ_GP_LEVEL_ALL);
		jz_wipe(&keys, sizeof(keys));
	}
	return err != 0 && c->detail[0] == '\0' ? jz_cli_gp_error(c, g, err)
						: err;
}

int
jz_cmd_card_esign(struct jz_cli *c)
{
	struct jz_secret pin = {0};
	char id[JZ_ID_BYTES + 1];
	uint8_t raw[JZ_ID_BYTES];
	struct jz_sign_personal p = {0};
	struct jz_cli_gp g = {0};
	struct desk d;
	int err = open_desk(c, &d);

	if (err == 0)
		err = personal(c, &d, &p, &pin);
	if (err == 0)
		err = open_channel(c, &d, &g);
	if (err == 0) {
		err = jz_sign_personalise(
		    &g.gp, d.issuer, &d.esign.verifier, &p, raw);
		if (err == JZ_ERR_REFUSED)
			err = jz_cli_issuer_error(c, d.issuer, err);
		else if (err != 0)
			err = jz_cli_gp_error(c, &g, err);
	}
	if (err == 0) {
		jz_cli_id(raw, sizeof(raw), id);
		jz_cli_say(c,
		    jz_tr(
			c, "%s signs for account %s\n", "%s 为账户 %s 签名\n"),
		    id, p.account);
		jz_cli_put(c, "id", json_string(id));
		jz_cli_put(c, "account", jz_cli_string(p.account));
	}
	jz_secret_wipe(&pin);
	jz_cli_gp_close(&g);
	close_desk(&d);
	return err;
}

/* ---- jiaozi issuer unlock ------------------------------------------------ */

int
jz_cmd_issuer_unlock(struct jz_cli *c)
{
	uint8_t id[JZ_ID_BYTES] = {0};
	struct desk d = {0};
	int err = open_desk_in(c, c->argument[0], &d);

	if (err != 0)
		return err;
	if (strlen(c->argument[1]) != JZ_ID_BYTES) {
		err = JZ_ERR_NOT_FOUND;
	} else {
		memcpy(id, c->argument[1], sizeof(id));
		err = jz_esign_unlock(&d.esign.verifier, id);
	}
	if (err == JZ_ERR_NOT_FOUND)
		err = jz_cli_fail(c, err,
		    jz_tr(c, "no card \"%s\" signs for an account here",
			"没有为账户签名的卡“%s”"),
		    c->argument[1]);
	else if (err == 0)
		jz_cli_say(c,
		    jz_tr(c, "unlocked the account of %s\n",
			"已解锁 %s 的账户\n"),
		    c->argument[1]);
	close_desk(&d);
	return err;
}

/* ---- jiaozi issuer tries ------------------------------------------------- */

static int
set_tries(struct jz_cli *c, struct jz_esign_db *db)
{
	const char *text = c->argument[1];
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);
	int err = JZ_ERR_RANGE;

	if (*text >= '0' && *text <= '9' && *end == '\0' &&
	    n <= JZ_ESIGN_FAILURES_MAX)
		err = jz_esign_db_set_limit(db, (uint32_t)n);
	if (err != JZ_ERR_RANGE)
		return err;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "1 to %d wrong joint passwords lock an account",
		"联合密码错误 1 至 %d 次锁定账户"),
	    JZ_ESIGN_FAILURES_MAX);
}

int
jz_cmd_issuer_tries(struct jz_cli *c)
{
	struct desk d = {0};
	uint32_t n = 0;
	int err = open_desk_in(c, c->argument[0], &d);

	if (err != 0)
		return err;
	if (c->argument[1] != NULL)
		err = set_tries(c, d.esign.db);
	if (err == 0)
		err = jz_esign_db_limit(d.esign.db, &n);
	if (err == 0) {
		jz_cli_say(c,
		    jz_tr(c,
			"%u wrong joint passwords in a row lock an account\n",
			"联合密码连错 %u 次锁定账户\n"),
		    (unsigned)n);
		jz_cli_put(c, "tries", json_integer(n));
	}
	close_desk(&d);
	return err;
}

/* ---- the contact -------------------------------------------------------- */

/* The card in a file, with this terminal as its display. */
static int
open_screen_card(struct jz_cli *c, struct jz_reader **out)
{
	struct jz_virtual_options o = {.panel = true};
	struct jz_virtual *v = NULL;
	const char *name = NULL;
	int err = jz_cli_reader_name(c, JZ_OPT_CARD, &name);

	if (err != 0)
		return err;
	if (strncmp(name, VIRTUAL, strlen(VIRTUAL)) != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--screen needs --card virtual:FILE",
			"--screen 须用 --card virtual:文件"));
	o.path = name + strlen(VIRTUAL);
	err = jz_virtual_open(&o, &v);
	if (err == 0)
		err = jz_reader_take_virtual(&v, out);
	return err != 0 ? jz_cli_fail(c, err, "%s", o.path) : 0;
}

/* Why this card does not sign. */
static int
contact_failed(struct jz_cli *c, const struct jz_session *s, int err)
{
	err = jz_cli_card_error(c, s, err);
	if (c->sw == JZ_SW_FUNCTION)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"6A81: the card has no display; use --screen, or "
			"`jiaozi card serve --screen`",
			"6A81：卡没有显示屏，请用 --screen 或 jiaozi card "
			"serve --screen"));
	if (c->sw == JZ_SW_FILE)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"6A82: no e-signature applet on this card: `jiaozi "
			"card esign`",
			"6A82：卡上没有电子签名应用，见 jiaozi card esign"));
	return err;
}

/* The user at the card's own display. */
static int
play(struct jz_cli *c, struct jz_virtual *card)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct jz_cli_screen s;
	int err = jz_cli_screen_open(c, card, false, &s);

	if (err != 0)
		return err;
	while (jz_cli_screen_turn(&s))
		(void)poll(&in, 1, TURN_MS);
	jz_cli_screen_close(&s);
	return 0;
}

static int
no_evidence(struct jz_cli *c)
{
	return jz_cli_fail(c, JZ_ERR_UNSUPPORTED,
	    jz_tr(c,
		"--evidence: in this card's mode and scheme only card and "
		"issuer know what was signed",
		"--evidence：此模式下只有卡与发卡行知道所签内容"));
}

/* Before the card signs and its user has looked. */
static int
check_evidence(struct jz_cli *c, struct jz_session *s)
{
	struct jz_esign_info info;
	int err;

	if (!jz_cli_has(c, JZ_OPT_EVIDENCE))
		return 0;
	err = jz_sign_info(s, &info);
	if (err != 0)
		return err;
	return jz_esign_is_secret(MODE_HIGH | info.mode, info.scheme)
	    ? no_evidence(c)
	    : 0;
}

static int
make_contact(
    struct jz_cli *c, const struct jz_cli_order *o, struct jz_buffer *out)
{
	bool screen = jz_cli_has(c, JZ_OPT_SCREEN);
	struct jz_reader *reader = NULL;
	struct jz_session s;
	int err = screen ? open_screen_card(c, &reader)
			 : jz_cli_open_reader(c, JZ_OPT_CARD, &reader);

	if (err != 0)
		return err;
	jz_session_init(&s, reader);
	err = check_evidence(c, &s);
	if (err == 0)
		err = jz_sign_contact(&s, jz_span(o->bytes, o->len), out);
	if (err != 0)
		err = contact_failed(c, &s, err);
	else if (screen)
		err = play(c, jz_reader_virtual(reader));
	if (!screen)
		(void)jz_reader_end(reader);
	jz_reader_free(&reader);
	return err;
}

/* ---- for others to verify ------------------------------------------------ */

static int
write_part(struct jz_cli *c, const char *prefix, const char *suffix,
    struct jz_span bytes)
{
	char path[PATH_CAP];
	int n = snprintf(path, sizeof(path), "%s.%s", prefix, suffix);

	if (n < 0 || (size_t)n >= sizeof(path))
		return JZ_ERR_RANGE;
	return jz_cli_write_file(c, path, bytes);
}

/* What openssl wants: PREFIX.signed and PREFIX.sig. */
static int
write_evidence(struct jz_cli *c, const struct desk *d,
    const struct jz_cli_order *o, struct jz_span signature)
{
	const char *prefix = c->value[JZ_OPT_EVIDENCE];
	uint8_t bytes[JZ_ESIGN_SIGNED_MAX], sig[JZ_DER_SIG_MAX_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer der = jz_buffer(sig, sizeof(sig));
	int err;

	if (prefix == NULL)
		return 0;
	err = jz_sign_evidence(
	    d->issuer != NULL ? &d->esign.verifier.engine : &d->engine,
	    jz_span(o->bytes, o->len), signature, &b, &der);
	if (err == JZ_ERR_UNSUPPORTED)
		return no_evidence(c);
	if (err == 0)
		err = write_part(c, prefix, "signed", jz_buffer_span(&b));
	if (err == 0)
		err = write_part(c, prefix, "sig", jz_buffer_span(&der));
	return err;
}

int
jz_cmd_card_user(struct jz_cli *c)
{
	uint8_t bytes[JZ_ESIGN_X509_MAX];
	char text[2 * JZ_ESIGN_X509_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer pem = jz_buffer(text, sizeof(text));
	struct jz_reader *reader = NULL;
	struct jz_session s;
	int err = jz_cli_open_reader(c, JZ_OPT_CARD, &reader);

	if (err != 0)
		return err;
	jz_session_init(&s, reader);
	err = jz_sign_certificate(&s, &der);
	if (err == JZ_ERR_NOT_FOUND && s.sw == JZ_SW_REFERENCE)
		err = jz_cli_fail(c, err, "%s",
		    jz_tr(c, "the card has no X.509 certificate of its user",
			"卡中没有用户的 X.509 证书"));
	else if (err != 0)
		err = contact_failed(c, &s, err);
	if (err == 0)
		err = jz_pem_write("CERTIFICATE", jz_buffer_span(&der), &pem);
	if (err == 0)
		err = jz_cli_write_file(
		    c, c->value[JZ_OPT_OUT], jz_buffer_span(&pem));
	(void)jz_reader_end(reader);
	jz_reader_free(&reader);
	return err;
}

/* ---- the joint password ------------------------------------------------- */

static int
judge(struct jz_cli *c, const struct desk *d, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	int err;

	if (d->issuer != NULL)
		return jz_esign_submit(&d->esign.verifier, submission, verdict);
	err = jz_bank_submit(d->bank.bank, submission, verdict);
	return err == 0 ? 0 : jz_cli_bank_error(c, d->bank.bank, err);
}

static int
submit(struct jz_cli *c, const struct desk *d, const struct jz_cli_order *o,
    struct jz_span signature, enum jz_esign_verdict *verdict)
{
	const char *source = c->value[JZ_OPT_JOINT];
	struct jz_secret typed = {0};
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_esign_submission m = {
	    .order = jz_span(o->bytes, o->len), .signature = signature};
	int err = jz_secret_source(source,
	    jz_tr(c, "Joint password on the card: ", "卡上显示的联合密码："),
	    &typed);

	if (err != 0)
		return jz_cli_no_secret(
		    c, err, "joint", source != NULL ? source : "");
	m.typed = jz_secret_span(&typed);
	/* No card shows such a one: as wrong as any other, and not sent. */
	if (m.typed.len > JZ_JOINT_MAX) {
		*verdict = JZ_ESIGN_PASSWORD;
		goto out;
	}
	err = jz_esign_put_submission(&m, &b);
	if (err == JZ_ERR_RANGE)
		err = jz_cli_fail(c, JZ_ERR_CANCELLED, "%s",
		    jz_tr(c, "no joint password, nothing was sent",
			"未输入联合密码，未提交"));
	if (err == 0)
		err = judge(c, d, jz_buffer_span(&b), verdict);
out:
	jz_secret_wipe(&typed);
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

static int
refused(struct jz_cli *c, const struct desk *d, enum jz_esign_verdict v)
{
	enum jz_refusal why =
	    d->issuer != NULL ? jz_issuer_refusal(d->issuer) : JZ_REFUSAL_NONE;
	bool books = v == JZ_ESIGN_EXECUTOR_REFUSED && why != JZ_REFUSAL_NONE;

	jz_cli_more(c, "verdict", json_string(jz_esign_verdict_name(v)));
	return jz_cli_fail(c, JZ_ERR_REFUSED, "%s%s%s",
	    jz_esign_verdict_text(v, (int)c->lang), books ? ": " : "",
	    books ? jz_refusal_text(why, (int)c->lang) : "");
}

/* Typed at a terminal it may be typed again; the issuer counts. */
static int
confirm(struct jz_cli *c, const struct desk *d, const struct jz_cli_order *o,
    struct jz_span signature)
{
	const char *source = c->value[JZ_OPT_JOINT];
	bool again = source == NULL || strcmp(source, "prompt") == 0;
	enum jz_esign_verdict v = JZ_ESIGN_EXECUTED;
	int err;

	do {
		err = submit(c, d, o, signature, &v);
		if (err == 0 && again && v == JZ_ESIGN_PASSWORD)
			fprintf(stderr, "%s\n",
			    jz_esign_verdict_text(v, (int)c->lang));
	} while (err == 0 && again && v == JZ_ESIGN_PASSWORD);
	return err != 0 || v == JZ_ESIGN_EXECUTED ? err : refused(c, d, v);
}

static void
report(struct jz_cli *c, const struct jz_cli_order *o)
{
	char x[JZ_MONEY_TEXT];

	jz_cli_say(c,
	    jz_tr(c, "executed: %s from %s to %s\n", "已执行：%s，%s → %s\n"),
	    jz_money_name((int64_t)o->minor, o->code, x), o->account, o->to);
	jz_cli_put(c, "verdict",
	    json_string(jz_esign_verdict_name(JZ_ESIGN_EXECUTED)));
	jz_cli_put(c, "account", jz_cli_string(o->account));
	jz_cli_put(c, "to", jz_cli_string(o->to));
	jz_cli_put_money(c->result, "amount", (int64_t)o->minor, o->code);
}

int
jz_cmd_sign(struct jz_cli *c)
{
	uint8_t bytes[JZ_ESIGN_SIGNATURE_MAX];
	struct jz_buffer signature = jz_buffer(bytes, sizeof(bytes));
	struct jz_cli_order o = {0};
	struct desk d = {0};
	int err = jz_cli_order_make(c, &o);

	if (err == 0)
		err = open_verifier(c, &d);
	if (err == 0)
		err = make_contact(c, &o, &signature);
	if (err == 0)
		err = write_evidence(c, &d, &o, jz_buffer_span(&signature));
	if (err == 0)
		err = confirm(c, &d, &o, jz_buffer_span(&signature));
	if (err == 0)
		report(c, &o);
	close_desk(&d);
	jz_cli_order_free(&o);
	return err;
}
