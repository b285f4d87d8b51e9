/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card-verifiable certificates, object by object: the form of
 * keys/certificate.h, walked with an eye on what is wrong.
 */
#include "cvc_view.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"
#include "../cvc_tags.h"

#define TEXT_OF_DAY 10 /* of "2026-01-31T..." */

struct walk {
	const uint8_t *begin;
	void (*each)(const struct jz_cvc_row *row, void *arg);
	void *arg;
	bool bad;
	int64_t from;
	enum jz_suite suite;
};

struct names {
	uint32_t tag;
	const char *name[2];
};

static const struct names CERTIFICATE = {
    JZ_CVC_CERTIFICATE, {"certificate", "证书"}};
static const struct names BODY = {
    JZ_CVC_BODY, {"body (signed)", "正文（被签名）"}};
static const struct names PROFILE = {
    JZ_CVC_PROFILE, {"profile version", "格式版本"}};
static const struct names AUTHORITY = {
    JZ_CVC_AUTHORITY, {"authority", "颁发者"}};
static const struct names PUBLIC_KEY = {
    JZ_CVC_PUBLIC_KEY, {"public key", "公钥"}};
static const struct names ALGORITHM = {JZ_CVC_OID, {"algorithm", "算法"}};
static const struct names POINT = {JZ_CVC_POINT, {"point", "公钥点"}};
static const struct names HOLDER = {JZ_CVC_HOLDER, {"holder", "持有者"}};
static const struct names TEMPLATE = {
    JZ_CVC_TEMPLATE, {"authorisation", "授权"}};
static const struct names TEMPLATE_OID = {
    JZ_CVC_OID, {"kind of authorisation", "授权类型"}};
static const struct names ROLE = {JZ_CVC_ROLE, {"role object", "角色数据"}};
static const struct names FROM = {JZ_CVC_FROM, {"valid from", "生效日期"}};
static const struct names TO = {JZ_CVC_TO, {"valid through", "失效日期"}};
static const struct names SIGNATURE = {JZ_CVC_SIGNATURE, {"signature", "签名"}};

static const uint8_t ROLE_OID[] = {0x69, 0x81, 0x95, 0x99, 0xC6, 0x8B, 0xDE,
    0xB9, 0x92, 0x92, 0x81, 0xB6, 0xA0, 0x81, 0xC6, 0xC9, 0x98, 0xBE, 0x83,
    0x30};

static const struct {
	enum jz_suite suite;
	const char *name;
	uint8_t len, oid[10];
} ALGORITHMS[] = {
    {JZ_SUITE_NIST, "ECDSA P-256, SHA-256 (nist)", 10,
	{0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03}},
    {JZ_SUITE_GM, "SM2, SM3 (gm)", 8,
	{0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75}},
};

const char *
jz_role_text(enum jz_role role, int lang)
{
	static const struct {
		enum jz_role role;
		const char *text[2];
	} TEXTS[] = {{JZ_ROLE_CARD, {"card", "卡"}},
	    {JZ_ROLE_HOST, {"issuer's host", "发卡行主机"}},
	    {JZ_ROLE_CA, {"CA", "CA"}}, {JZ_ROLE_ROOT, {"root", "根"}}};

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		if (TEXTS[i].role == role)
			return TEXTS[i].text[lang == JZ_LANG_ZH];
	}
	return lang == JZ_LANG_ZH ? "未知" : "unknown";
}

const char *
jz_assurance_text(enum jz_assurance assurance, int lang)
{
	switch (assurance) {
	case JZ_ASSURANCE_TEST:
		return lang == JZ_LANG_ZH ? "测试" : "test";
	case JZ_ASSURANCE_SOFTWARE:
		return lang == JZ_LANG_ZH ? "软件" : "software";
	case JZ_ASSURANCE_HARDWARE:
		return lang == JZ_LANG_ZH ? "硬件" : "hardware";
	default:
		return lang == JZ_LANG_ZH ? "未知" : "unknown";
	}
}

/* ---- rows --------------------------------------------------------------- */

static struct jz_cvc_row
row_of(const struct walk *w, const struct names *n, const struct jz_tlv *t,
    unsigned depth)
{
	struct jz_cvc_row row = {.depth = depth, .tag = n->tag};

	row.offset = (size_t)(t->whole.data - w->begin);
	row.name[0] = n->name[0];
	row.name[1] = n->name[1];
	row.value = t->value;
	return row;
}

static void
tell(struct walk *w, struct jz_cvc_row *row, bool good, const char *en,
    const char *zh)
{
	if (!good) {
		row->fault[0] = en;
		row->fault[1] = zh;
		w->bad = true;
	}
	w->each(row, w->arg);
}

/* The object that must come next.  False, and told, when it does not. */
static bool
take(struct walk *w, struct jz_cursor *c, const struct names *n, unsigned depth,
    struct jz_tlv *t)
{
	struct jz_cvc_row row = {.depth = depth, .tag = n->tag};
	const char *en = "missing", *zh = "缺失";
	bool empty = c->len == 0;

	row.name[0] = n->name[0];
	row.name[1] = n->name[1];
	row.offset = (size_t)(c->data - w->begin);
	if (!empty && jz_tlv_next(c, t) == 0) {
		if (t->tag == n->tag)
			return true;
		en = "another object stands here";
		zh = "此处是另一个数据对象";
	} else if (!empty) {
		en = "no tag and length that fit here";
		zh = "标签或长度错误";
	}
	tell(w, &row, false, en, zh);
	return false;
}

static bool
end(struct walk *w, const struct jz_cursor *c, unsigned depth)
{
	struct jz_cvc_row row = {.depth = depth, .name = {"rest", "剩余"}};

	if (c->len == 0)
		return true;
	row.offset = (size_t)(c->data - w->begin);
	row.value = jz_span(c->data, c->len);
	tell(w, &row, false, "bytes left over", "有多余字节");
	return false;
}

/* ---- values ------------------------------------------------------------- */

static void
show_reference(struct walk *w, const struct names *n, const struct jz_tlv *t)
{
	struct jz_cvc_row row = row_of(w, n, t, 2);
	uint8_t ref[JZ_REFERENCE_BYTES] = {0};
	bool good = t->value.len <= JZ_REFERENCE_BYTES;

	if (good && t->value.len > 0)
		memcpy(ref, t->value.data, t->value.len);
	good = good && jz_reference_valid(ref) &&
	    memchr(t->value.data, 0, t->value.len) == NULL;
	if (good)
		snprintf(row.text, sizeof(row.text), "%.*s", (int)t->value.len,
		    (const char *)t->value.data);
	tell(w, &row, good, "no holder reference: country, name, five digits",
	    "持有者标识应为国家、名称和五位数字");
}

static void
show_algorithm(struct walk *w, const struct jz_tlv *t)
{
	struct jz_cvc_row row = row_of(w, &ALGORITHM, t, 3);

	for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]);
	     i++) {
		if (jz_span_equal(t->value,
			jz_span(ALGORITHMS[i].oid, ALGORITHMS[i].len))) {
			w->suite = ALGORITHMS[i].suite;
			snprintf(row.text, sizeof(row.text), "%s",
			    ALGORITHMS[i].name);
		}
	}
	tell(w, &row, w->suite != 0, "an algorithm that is not known",
	    "未知算法");
}

static void
show_point(struct walk *w, const struct jz_tlv *t)
{
	struct jz_cvc_row row = row_of(w, &POINT, t, 3);

	tell(w, &row,
	    t->value.len == JZ_PUBLIC_BYTES_EC && t->value.data[0] == 0x04,
	    "not an uncompressed point of 65 bytes", "不是 65 字节的未压缩点");
}

static void
part(struct walk *w, const struct jz_tlv *t, size_t at, struct jz_cvc_row row,
    bool good)
{
	row.depth = 4;
	row.offset = (size_t)(t->value.data - w->begin) + at;
	row.value = jz_span(t->value.data + at, at == 3 ? 2 : 1);
	if (row.word[0] != NULL)
		snprintf(row.text, sizeof(row.text), "%s", row.word[0]);
	tell(w, &row, good, "a value that is not known", "未知的值");
}

static void
show_role(struct walk *w, const struct jz_tlv *t)
{
	struct jz_cvc_row row = row_of(w, &ROLE, t, 3);
	struct jz_cvc_row level = {.name = {"assurance", "安全级别"}};
	struct jz_cvc_row flags = {.name = {"flags", "标志"}};
	struct jz_cvc_row generation = {.name = {"generation", "代次"}};
	struct jz_cvc_row role = {.name = {"role", "角色"}};
	const uint8_t *v = t->value.data;

	tell(w, &row, t->value.len == JZ_CVC_ROLE_BYTES, "not five bytes",
	    "不是五个字节");
	if (t->value.len != JZ_CVC_ROLE_BYTES)
		return;
	for (int lang = JZ_LANG_EN; lang <= JZ_LANG_ZH; lang++) {
		role.word[lang] = jz_role_text((enum jz_role)v[0], lang);
		level.word[lang] =
		    jz_assurance_text((enum jz_assurance)v[1], lang);
	}
	part(w, t, 0, role,
	    v[0] == JZ_ROLE_CARD || v[0] == JZ_ROLE_HOST ||
		v[0] == JZ_ROLE_CA || v[0] == JZ_ROLE_ROOT);
	part(w, t, 1, level,
	    v[1] >= JZ_ASSURANCE_TEST && v[1] <= JZ_ASSURANCE_HARDWARE);
	if (v[2] == JZ_FLAG_PAYEE_ONLY) {
		flags.word[0] = "payee only";
		flags.word[1] = "只能收款";
	}
	part(w, t, 2, flags, (v[2] & ~JZ_FLAG_PAYEE_ONLY) == 0);
	snprintf(generation.text, sizeof(generation.text), "%u",
	    (unsigned)(v[3] << 8 | v[4]));
	part(w, t, 3, generation, true);
}

static void
show_date(struct walk *w, const struct names *n, const struct jz_tlv *t)
{
	struct jz_cvc_row row = row_of(w, n, t, 2);
	char text[21];
	int64_t utc = 0;
	bool good = t->value.len == JZ_CVC_DATE_BYTES &&
	    jz_date_from_digits(t->value.data, &utc) == 0;

	if (good) {
		jz_time_to_text(utc, text);
		snprintf(row.text, sizeof(row.text), "%.*s", TEXT_OF_DAY, text);
	}
	if (good && n->tag == JZ_CVC_TO && w->from != 0 && utc < w->from) {
		tell(w, &row, false, "before the first day of validity",
		    "早于生效日期");
		return;
	}
	if (n->tag == JZ_CVC_FROM)
		w->from = utc;
	tell(w, &row, good, "no date of six digits YYMMDD",
	    "不是六位数字 YYMMDD 日期");
}

/* ---- levels ------------------------------------------------------------- */

static void
plain(struct walk *w, const struct names *n, const struct jz_tlv *t,
    unsigned depth, bool good, const char *en, const char *zh)
{
	struct jz_cvc_row row = row_of(w, n, t, depth);

	tell(w, &row, good, en, zh);
}

/* A constructed object: its value is told by its parts. */
static void
open_level(struct walk *w, const struct names *n, const struct jz_tlv *t,
    unsigned depth)
{
	struct jz_cvc_row row = row_of(w, n, t, depth);

	row.value = jz_span(NULL, 0);
	w->each(&row, w->arg);
}

static bool
view_key(struct walk *w, struct jz_span content)
{
	struct jz_cursor c = jz_cursor(content);
	struct jz_tlv t;

	if (!take(w, &c, &ALGORITHM, 3, &t))
		return false;
	show_algorithm(w, &t);
	if (!take(w, &c, &POINT, 3, &t))
		return false;
	show_point(w, &t);
	return end(w, &c, 3);
}

static bool
view_template(struct walk *w, struct jz_span content)
{
	struct jz_cursor c = jz_cursor(content);
	struct jz_tlv t;

	if (!take(w, &c, &TEMPLATE_OID, 3, &t))
		return false;
	plain(w, &TEMPLATE_OID, &t, 3,
	    jz_span_equal(t.value, jz_span(ROLE_OID, sizeof(ROLE_OID))),
	    "not the OID of our roles", "不是本系统的角色 OID");
	if (!take(w, &c, &ROLE, 3, &t))
		return false;
	show_role(w, &t);
	return end(w, &c, 3);
}

static bool
view_body(struct walk *w, struct jz_span content)
{
	struct jz_cursor c = jz_cursor(content);
	struct jz_tlv t;

	if (!take(w, &c, &PROFILE, 2, &t))
		return false;
	plain(w, &PROFILE, &t, 2, t.value.len == 1 && t.value.data[0] == 0,
	    "another version than 0", "版本不是 0");
	if (!take(w, &c, &AUTHORITY, 2, &t))
		return false;
	show_reference(w, &AUTHORITY, &t);
	if (!take(w, &c, &PUBLIC_KEY, 2, &t))
		return false;
	open_level(w, &PUBLIC_KEY, &t, 2);
	if (!view_key(w, t.value) || !take(w, &c, &HOLDER, 2, &t))
		return false;
	show_reference(w, &HOLDER, &t);
	if (!take(w, &c, &TEMPLATE, 2, &t))
		return false;
	open_level(w, &TEMPLATE, &t, 2);
	if (!view_template(w, t.value) || !take(w, &c, &FROM, 2, &t))
		return false;
	show_date(w, &FROM, &t);
	if (!take(w, &c, &TO, 2, &t))
		return false;
	show_date(w, &TO, &t);
	return end(w, &c, 2);
}

static bool
view_whole(struct walk *w, struct jz_span in)
{
	struct jz_cursor c = jz_cursor(in), inner;
	struct jz_tlv t, body;

	if (!take(w, &c, &CERTIFICATE, 0, &t))
		return false;
	open_level(w, &CERTIFICATE, &t, 0);
	inner = jz_cursor(t.value);
	if (!take(w, &inner, &BODY, 1, &body))
		return false;
	open_level(w, &BODY, &body, 1);
	if (!view_body(w, body.value) || !take(w, &inner, &SIGNATURE, 1, &t))
		return false;
	plain(w, &SIGNATURE, &t, 1, t.value.len == JZ_SIG_BYTES, "not 64 bytes",
	    "不是 64 字节");
	return end(w, &inner, 1) && end(w, &c, 0);
}

static void
too_long(struct walk *w)
{
	struct jz_cvc_row row = {
	    .offset = JZ_CERTIFICATE_MAX, .name = {"certificate", "证书"}};

	tell(w, &row, false, "longer than 256 bytes", "超过 256 字节");
}

int
jz_cvc_view(struct jz_span in,
    void (*each)(const struct jz_cvc_row *row, void *arg), void *arg)
{
	struct walk w = {.begin = in.data, .each = each, .arg = arg};
	bool whole = view_whole(&w, in);

	if (in.len > JZ_CERTIFICATE_MAX)
		too_long(&w);
	return whole && !w.bad ? 0 : JZ_ERR_CERT_MALFORMED;
}

static void
say_nothing(const struct jz_cvc_row *row, void *arg)
{
	(void)row;
	(void)arg;
}

enum jz_suite
jz_cvc_suite(struct jz_span in)
{
	struct walk w = {.begin = in.data, .each = say_nothing};

	(void)view_whole(&w, in);
	return w.suite;
}

bool
jz_cvc_crypto(enum jz_suite suite, struct jz_crypto *out)
{
	for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]);
	     i++) {
		if (ALGORITHMS[i].suite != suite)
			continue;
		memset(out, 0, sizeof(*out));
		out->suite = suite;
		out->name = ALGORITHMS[i].name;
		memcpy(out->oid, ALGORITHMS[i].oid, ALGORITHMS[i].len);
		out->oid_len = ALGORITHMS[i].len;
		return true;
	}
	return false;
}
