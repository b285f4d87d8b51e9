/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command prints: for people in two languages, or one JSON object
 * (RFC 8259) for programs.  A failure goes to standard error for people and,
 * with --json, to standard output as {"error":{...}}.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/status.h"

#define BAR_WIDTH 30
#define LINE_HEAD 18 /* columns of a line's name */
#define JSON_FORM JSON_PRESERVE_ORDER

enum jz_lang
jz_cli_language(const char *option)
{
	static const char *const variables[] = {
	    "LC_ALL", "LC_MESSAGES", "LANG"};
	const char *v = option;

	/* As POSIX has it: the first that is set and not empty decides. */
	for (size_t i = 0; (v == NULL || v[0] == '\0') && i < 3; i++)
		v = getenv(variables[i]);
	return v != NULL && strncmp(v, "zh", 2) == 0 ? JZ_LANG_ZH : JZ_LANG_EN;
}

const char *
jz_tr(const struct jz_cli *c, const char *en, const char *zh)
{
	return c->lang == JZ_LANG_ZH ? zh : en;
}

void
jz_cli_say(const struct jz_cli *c, const char *format, ...)
{
	va_list ap;

	if (c->json)
		return;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
}

/* Columns that a UTF-8 text takes: East Asian wide characters take two. */
static int
columns(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int n = 0;

	for (; *p != '\0'; p++) {
		if ((*p & 0xC0) == 0x80)
			continue;	 /* a character's further bytes */
		n += *p >= 0xE3 ? 2 : 1; /* U+3000 and above */
	}
	return n;
}

void
jz_cli_cell(const struct jz_cli *c, int width, const char *text)
{
	int n = columns(text);

	if (width < 0)
		jz_cli_say(c, "%*s%s", -width > n ? -width - n : 0, "", text);
	else
		jz_cli_say(c, "%s%*s", text, width > n ? width - n : 0, "");
}

void
jz_cli_line(const struct jz_cli *c, const char *name, const char *format, ...)
{
	va_list ap;

	if (c->json)
		return;
	jz_cli_cell(c, LINE_HEAD, name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- failures ----------------------------------------------------------- */

/* Bytes that a terminal would obey or hide: controls (C0, DEL, and C1 as
 * UTF-8), and U+200B to 202F and 2060 to 206F (bidirectional, invisible). */
static size_t
unprintable(const unsigned char *s)
{
	if (s[0] < 0x20 || s[0] == 0x7F)
		return 1;
	if (s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0)
		return 2;
	if (s[0] != 0xE2)
		return 0;
	return (s[1] == 0x80 && s[2] >= 0x8B && s[2] <= 0xAF) ||
		(s[1] == 0x81 && s[2] >= 0xA0 && s[2] <= 0xAF)
	    ? 3
	    : 0;
}

/* A failure may cite what a stranger has written: a QR code, a file. */
static void
make_printable(char *text)
{
	char *to = text;
	size_t n;

	for (const char *at = text; *at != '\0'; at += n == 0 ? 1 : n) {
		n = unprintable((const unsigned char *)at);
		*to++ = n == 0 ? *at : '?';
	}
	*to = '\0';
}

int
jz_cli_fail(struct jz_cli *c, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->detail, sizeof(c->detail), format, ap);
	va_end(ap);
	make_printable(c->detail);
	return error;
}

void
jz_cli_more(struct jz_cli *c, const char *key, json_t *value)
{
	json_object_set_new(c->more, key, value);
}

int
jz_cli_card_error(struct jz_cli *c, const struct jz_session *s, int error)
{
	const struct jz_status *st;

	if (error == 0 || s->sw == 0 || s->sw == JZ_SW_OK)
		return error;
	c->sw = s->sw;
	st = jz_status_find(s->sw);
	return jz_cli_fail(c, error, "%04X %s: %s", (unsigned)s->sw, st->name,
	    st->text[c->lang]);
}

int
jz_cli_refused(
    struct jz_cli *c, enum jz_refusal why, enum jz_incident_kind incident)
{
	const char *text = jz_refusal_text(why, (int)c->lang);

	jz_cli_more(c, "refusal", jz_cli_string(jz_refusal_name(why)));
	if (incident == JZ_INCIDENT_NONE)
		return jz_cli_fail(c, JZ_ERR_REFUSED, "%s", text);
	jz_cli_more(c, "incident", jz_cli_string(jz_incident_name(incident)));
	return jz_cli_fail(c, JZ_ERR_REFUSED, "%s; %s: %s", text,
	    jz_incident_name(incident),
	    jz_incident_text(incident, (int)c->lang));
}

int
jz_cli_issuer_error(struct jz_cli *c, const struct jz_issuer *issuer, int error)
{
	if (error == JZ_ERR_REFUSED)
		return jz_cli_refused(
		    c, jz_issuer_refusal(issuer), jz_issuer_alarm(issuer));
	if ((error == JZ_ERR_DATABASE || error == JZ_ERR_LOG_ALTERED) &&
	    jz_issuer_detail(issuer) != NULL)
		return jz_cli_fail(c, error, "%s", jz_issuer_detail(issuer));
	return error;
}

/* The certificate or signature of whoever stands on the other side is bad, or
 * what was sealed is not her card's. */
static bool
about_identity(const struct jz_cli *c, int error)
{
	return error == JZ_ERR_SIGNATURE ||
	    (error == JZ_ERR_DECRYPT && c->sw == JZ_SW_DECRYPT) ||
	    (error <= JZ_ERR_CERT_MALFORMED && error >= JZ_ERR_CERT_SUITE);
}

static void
failure_text(const struct jz_cli *c, int error, char *out, size_t cap)
{
	const char *own = jz_error_text(error, c->lang);

	if (c->stranger && about_identity(c, error))
		snprintf(out, cap, "%s: %s",
		    jz_error_text(JZ_ERR_AUTHENTICATION, c->lang), own);
	else
		snprintf(out, cap, "%s", own);
}

static json_t *
failure_object(struct jz_cli *c, int error, const char *text)
{
	json_t *e = json_object();
	char sw[8];

	json_object_set_new(e, "name", json_string(jz_error_name(error)));
	json_object_set_new(e, "text", jz_cli_string(text));
	if (c->detail[0] != '\0')
		json_object_set_new(e, "detail", jz_cli_string(c->detail));
	if (c->sw != 0) {
		snprintf(sw, sizeof(sw), "%04X", (unsigned)c->sw);
		json_object_set_new(e, "sw", json_string(sw));
		json_object_set_new(
		    e, "sw_name", json_string(jz_status_find(c->sw)->name));
	}
	json_object_set_new(
	    e, "exit", json_integer((json_int_t)jz_exit_code(error)));
	json_object_update(e, c->more);
	return json_pack("{s:o}", "error", e);
}

static void
print_failure(struct jz_cli *c, int error)
{
	char text[JZ_CLI_DETAIL_MAX];
	json_t *object;

	failure_text(c, error, text, sizeof(text));
	fprintf(stderr, "jiaozi: %s%s%s\n", text, c->detail[0] ? ": " : "",
	    c->detail);
	if (!c->json)
		return;
	object = failure_object(c, error, text);
	json_dumpf(object, stdout, JSON_FORM);
	putchar('\n');
	json_decref(object);
}

int
jz_cli_finish(struct jz_cli *c, int error)
{
	if (error != 0) {
		fflush(stdout);
		print_failure(c, error);
	} else if (c->json) {
		json_dumpf(c->result, stdout, JSON_FORM);
		putchar('\n');
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "jiaozi: %s\n",
		    jz_tr(c, "writing to standard output failed",
			"写标准输出失败"));
		return error != 0 ? (int)jz_exit_code(error) : JZ_EXIT_IO;
	}
	return (int)jz_exit_code(error);
}

/* ---- values ------------------------------------------------------------- */

json_t *
jz_cli_string(const char *s)
{
	json_t *j = json_string(s);
	char *copy;

	if (j != NULL)
		return j;
	copy = strdup(s);
	if (copy == NULL)
		return json_null();
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	j = json_string(copy);
	free(copy);
	return j;
}

void
jz_cli_put(struct jz_cli *c, const char *key, json_t *value)
{
	json_object_set_new(c->result, key, value);
}

void
jz_cli_put_money(
    json_t *object, const char *key, int64_t minor, uint16_t currency)
{
	char text[JZ_MONEY_TEXT], name[64];

	snprintf(name, sizeof(name), "%s_minor", key);
	json_object_set_new(object, name, json_integer(minor));
	json_object_set_new(
	    object, key, json_string(jz_money_text(minor, currency, text)));
}

void
jz_cli_id(const uint8_t *id, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len && id[i] != 0; i++)
		out[n++] = id[i] > ' ' && id[i] < 0x7F ? (char)id[i] : '?';
	out[n] = '\0';
}

json_t *
jz_cli_hex(struct jz_span s)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = malloc(2 * s.len + 1);
	json_t *j;

	if (text == NULL)
		return json_null();
	for (size_t i = 0; i < s.len; i++) {
		text[2 * i] = digits[s.data[i] >> 4];
		text[2 * i + 1] = digits[s.data[i] & 0xF];
	}
	text[2 * s.len] = '\0';
	j = json_string(text);
	free(text);
	return j;
}

void
jz_cli_bar(size_t done, size_t all, const char *rest)
{
	size_t filled = all == 0 ? 0 : done * BAR_WIDTH / all;
	char bar[BAR_WIDTH + 1];

	for (size_t k = 0; k < BAR_WIDTH; k++)
		bar[k] = k < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %zu/%zu%s\033[K%s", bar, done, all, rest,
	    done >= all ? "\n" : "");
}

static int
hex_digit(char ch)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = ch != '\0' ? strchr(digits, ch) : NULL;

	return p != NULL ? (int)((p - digits) % 16) : -1;
}

int
jz_cli_from_hex_span(struct jz_span text, struct jz_buffer *out)
{
	const char *p = (const char *)text.data, *end = p + text.len;

	while (p < end) {
		int high = hex_digit(*p), low;

		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' ||
		    *p == ':') {
			p++;
			continue;
		}
		low = high >= 0 && end - p > 1 ? hex_digit(p[1]) : -1;
		if (low < 0)
			return JZ_ERR_ARGUMENT;
		jz_put_u8(out, (uint8_t)(high << 4 | low));
		p += 2;
	}
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_cli_from_hex(const char *text, struct jz_buffer *out)
{
	return jz_cli_from_hex_span(jz_span(text, strlen(text)), out);
}
