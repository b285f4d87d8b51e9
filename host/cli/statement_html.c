/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements as one page of HTML: no script, nothing from elsewhere, every
 * text escaped.
 */
#define _POSIX_C_SOURCE 200809L

#include "statement.h"

#include <stdlib.h>
#include <string.h>

static void
escape(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fputc(*text, f);
		}
	}
}

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

static void
cell(FILE *f, const char *class, const char *text)
{
	fprintf(f, "<td%s>", class);
	escape(f, text);
	fputs("</td>", f);
}

static void
line(FILE *f, const char *name, const char *text)
{
	fputs("<tr><th>", f);
	escape(f, name);
	fputs("</th>", f);
	cell(f, "", text);
	fputs("</tr>\n", f);
}

static void
write_proofs(const struct jz_cli *c, FILE *f, const json_t *row)
{
	const json_t *p;
	size_t k;

	fprintf(f, "<h3>%s</h3>\n<table>\n", jz_tr(c, "Evidence", "证据"));
	json_array_foreach(json_object_get(row, "proofs"), k, p)
	{
		bool good = json_is_true(json_object_get(p, "verifies"));

		fputs("<tr>", f);
		cell(f, "", text_of(p, "time"));
		cell(f, "", text_of(p, "message"));
		cell(f, "",
		    strcmp(text_of(p, "signed_by"), "payer") == 0
			? jz_tr(c, "signed by the payer", "付款方签名")
			: jz_tr(c, "signed by the payee", "收款方签名"));
		cell(f, "",
		    strcmp(text_of(p, "uploaded_by"), "payer") == 0
			? jz_tr(c, "payer's upload", "付款方上传")
			: jz_tr(c, "payee's upload", "收款方上传"));
		cell(f, good ? " class=\"good\"" : " class=\"bad\"",
		    good ? jz_tr(c, "verifies", "验证通过")
			 : jz_tr(c, "does not verify", "验证不通过"));
		fputs("</tr>\n<tr><td colspan=\"5\" class=\"hex\">", f);
		escape(f, text_of(p, "signature"));
		fputs("</td></tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void
write_postings(const struct jz_cli *c, FILE *f, const json_t *row)
{
	const json_t *p;
	char number[24];
	size_t k;

	fprintf(f, "<h3>%s</h3>\n<table>\n", jz_tr(c, "Postings", "分录"));
	json_array_foreach(json_object_get(row, "postings"), k, p)
	{
		snprintf(number, sizeof(number), "#%lld",
		    (long long)json_integer_value(
			json_object_get(p, "transaction")));
		fputs("<tr>", f);
		cell(f, "", text_of(p, "time"));
		cell(f, "", number);
		cell(f, "", jz_ledger_text(text_of(p, "kind"), c->lang));
		cell(f, "", text_of(p, "account"));
		cell(f, " class=\"money\"", text_of(p, "amount"));
		fputs("</tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void
write_payment(const struct jz_cli *c, FILE *f, const json_t *row)
{
	bool good = json_is_true(json_object_get(row, "verifies"));
	char money[JZ_MONEY_TEXT + 16], first[24];

	snprintf(money, sizeof(money), "%s %s", text_of(row, "amount"),
	    text_of(row, "currency"));
	fputs("<section>\n<h2 class=\"hex\">", f);
	escape(f, text_of(row, "request_digest"));
	fputs("</h2>\n<table>\n", f);
	line(f, jz_tr(c, "payer", "付款卡"), text_of(row, "payer"));
	line(f, jz_tr(c, "payee", "收款卡"), text_of(row, "payee"));
	line(f, jz_tr(c, "amount", "金额"), money);
	line(f, jz_tr(c, "time", "时间"), text_of(row, "time"));
	snprintf(first, sizeof(first), "%lld",
	    (long long)json_integer_value(json_object_get(row, "refund_of")));
	if (json_object_get(row, "refund_of") != NULL)
		line(f, jz_tr(c, "refund of", "退款，原收款序号"), first);
	fputs("</table>\n", f);
	write_proofs(c, f, row);
	write_postings(c, f, row);
	fprintf(f, "<p class=\"%s\">%s</p>\n</section>\n",
	    good ? "good" : "bad",
	    good ? jz_tr(c,
		       "All of it verifies with the two certificates and the "
		       "root alone.",
		       "仅凭两张证书与根证书即全部验证通过。")
		 : jz_tr(c, "Does not verify.", "验证不通过。"));
}

static void
write_page(const struct jz_cli *c, FILE *f, const json_t *payments)
{
	const json_t *row;
	size_t k;

	fprintf(f,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<title>%s</title>\n<style>\n"
	    "body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;"
	    "padding:0 1em}\n"
	    "table{border-collapse:collapse}\n"
	    "td,th{padding:.2em .8em .2em 0;text-align:left;"
	    "vertical-align:top}\n"
	    ".hex{font-family:monospace;font-size:12px;"
	    "word-break:break-all}\n"
	    ".money{text-align:right}\n.good{color:#060}\n.bad{color:#a00}\n"
	    "section{border-top:1px solid #999;margin-top:2em}\n"
	    "</style>\n</head>\n<body>\n<h1>%s</h1>\n",
	    c->lang == JZ_LANG_ZH ? "zh" : "en",
	    jz_tr(c, "Statement", "对账单"), jz_tr(c, "Statement", "对账单"));
	json_array_foreach(payments, k, row)
	{
		write_payment(c, f, row);
	}
	fputs("</body>\n</html>\n", f);
}

int
jz_statement_html(struct jz_cli *c, const json_t *payments)
{
	const char *out = c->value[JZ_OPT_OUT];
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int err;

	if (c->json && out == NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--form html with --json needs --out",
			"--form html 与 --json 同用时须给出 --out"));
	f = open_memstream(&text, &len);
	if (f == NULL)
		return JZ_ERR_MEMORY;
	write_page(c, f, payments);
	err = fclose(f) != 0
	    ? JZ_ERR_MEMORY
	    : jz_cli_write_file(c, out != NULL ? out : "-", jz_span(text, len));
	free(text);
	return err;
}
