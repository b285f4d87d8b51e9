/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi status, error, version: the tables of apdu/, told to people.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/status.h"

static json_t *
status_row(const struct jz_cli *c, uint16_t sw, const struct jz_status *row)
{
	char text[8];

	snprintf(text, sizeof(text), "%04X", (unsigned)sw);
	return json_pack("{s:s, s:s, s:s, s:s}", "sw", text, "name", row->name,
	    "text", row->text[c->lang], "customer", row->customer[c->lang]);
}

static void
all_statuses(struct jz_cli *c)
{
	unsigned n;
	const struct jz_status *table = jz_status_table(&n);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		jz_cli_say(c, "%04X  %-22s %s\n", (unsigned)table[i].sw,
		    table[i].name, table[i].text[c->lang]);
		json_array_append_new(
		    list, status_row(c, table[i].sw, &table[i]));
	}
	jz_cli_put(c, "statuses", list);
}

int
jz_cmd_status(struct jz_cli *c)
{
	uint8_t bytes[2];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const struct jz_status *row;
	uint16_t sw;

	if (c->arguments == 0) {
		all_statuses(c);
		return 0;
	}
	if (jz_cli_from_hex(c->argument[0], &b) != 0 || b.len != 2)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"\"%s\" is no status word: four hexadecimal digits",
			"“%s”不是状态字：应为四位十六进制"),
		    c->argument[0]);
	sw = (uint16_t)jz_get_be(bytes, sizeof(bytes));
	row = jz_status_find(sw);
	if (strcmp(row->name, "UNKNOWN_STATUS") == 0)
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND,
		    jz_tr(
			c, "no card of ours says %04X", "本系统的卡不用 %04X"),
		    (unsigned)sw);
	jz_cli_say(c, "%04X  %s\n", (unsigned)sw, row->name);
	jz_cli_line(c, jz_tr(c, "means", "含义"), "%s", row->text[c->lang]);
	jz_cli_line(c, jz_tr(c, "tell the customer", "对客户说"), "%s",
	    row->customer[c->lang]);
	json_decref(c->result);
	c->result = status_row(c, sw, row);
	return 0;
}

static const struct {
	const char *name;
	int value;
} ERRORS[] = {
#define X(name, value, en, zh) {#name, (value)},
    JZ_ERROR_LIST(X)
#undef X
};
#define ERROR_ROWS (sizeof(ERRORS) / sizeof(ERRORS[0]))

static json_t *
one_error(const struct jz_cli *c, int value)
{
	int code = (int)jz_exit_code(value);

	jz_cli_say(c, "%5d  %-16s %2d  %s\n", value, jz_error_name(value), code,
	    jz_error_text(value, c->lang));
	return json_pack("{s:s, s:i, s:i, s:s}", "name", jz_error_name(value),
	    "value", value, "exit", code, "text",
	    jz_error_text(value, c->lang));
}

int
jz_cmd_error(struct jz_cli *c)
{
	json_t *list = json_array();
	const char *want = c->arguments > 0 ? c->argument[0] : NULL;
	char number[16];

	for (size_t i = 0; i < ERROR_ROWS; i++) {
		snprintf(number, sizeof(number), "%d", ERRORS[i].value);
		if (want == NULL || strcmp(want, ERRORS[i].name) == 0 ||
		    strcmp(want, number) == 0 || strcmp(want, number + 1) == 0)
			json_array_append_new(
			    list, one_error(c, ERRORS[i].value));
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND,
		    jz_tr(c, "\"%s\" is no error of ours", "没有错误“%s”"),
		    want);
	}
	jz_cli_put(c, "errors", list);
	return 0;
}

int
jz_cmd_version(struct jz_cli *c)
{
	jz_cli_say(c, "jiaozi %s\n", JZ_VERSION);
	jz_cli_put(c, "version", json_string(JZ_VERSION));
	return 0;
}
