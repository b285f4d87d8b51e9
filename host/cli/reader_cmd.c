/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi reader list, card reset, card apdu: what needs no purse.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/status.h"
#include "../../keys/secret.h"

#define LINE_CHARS_MAX 16384
#define COMMAND_BYTES  8192
#define ANSWER_BYTES   JZ_APDU_MAX_RESPONSE

static void
say_hex(const struct jz_cli *c, struct jz_span s)
{
	for (size_t i = 0; i < s.len; i++)
		jz_cli_say(c, "%02X", (unsigned)s.data[i]);
}

/* ---- reader list -------------------------------------------------------- */

struct listing {
	struct jz_cli *c;
	json_t *list;
};

static int
one_reader(const char *name, bool card, struct jz_span atr, void *arg)
{
	struct listing *l = arg;
	json_t *row = json_object();
	char full[300];

	snprintf(full, sizeof(full), "pcsc:serial=%s", name);
	jz_cli_say(l->c, "%s\n    ", full);
	if (card) {
		jz_cli_say(l->c, "ATR ");
		say_hex(l->c, atr);
	} else {
		jz_cli_say(l->c, "%s", jz_tr(l->c, "no card", "无卡"));
	}
	jz_cli_say(l->c, "\n");
	json_object_set_new(row, "reader", jz_cli_string(full));
	json_object_set_new(row, "card", json_boolean(card));
	json_object_set_new(row, "atr", card ? jz_cli_hex(atr) : json_null());
	json_array_append_new(l->list, row);
	return 0;
}

int
jz_cmd_reader_list(struct jz_cli *c)
{
	struct listing l = {c, json_array()};
	int err = jz_reader_list(one_reader, &l);

	if (err != 0) {
		json_decref(l.list);
		return err;
	}
	jz_cli_put(c, "readers", l.list);
	return 0;
}

/* ---- card reset --------------------------------------------------------- */

int
jz_cmd_card_reset(struct jz_cli *c)
{
	bool cold = !jz_cli_has(c, JZ_OPT_WARM);
	struct jz_reader *r = NULL;
	int err = jz_cli_open_reader(c, JZ_OPT_CARD, &r);

	if (err != 0)
		return err;
	err = jz_reader_reset(r, cold);
	if (err == 0) {
		jz_cli_say(c, "ATR ");
		say_hex(c, jz_reader_atr(r));
		jz_cli_say(c, "\n");
		jz_cli_put(c, "atr", jz_cli_hex(jz_reader_atr(r)));
		jz_cli_put(c, "cold", json_boolean(cold));
	}
	(void)jz_reader_end(r);
	jz_reader_free(&r);
	return err;
}

/* ---- card apdu ---------------------------------------------------------- */

/* The command as the trace shows it: with stars for a PIN. */
static void
show_command(const char *reader, bool command, struct jz_span apdu, void *arg)
{
	struct listing *l = arg;

	(void)reader;
	if (!command)
		return;
	jz_cli_say(l->c, ">> ");
	say_hex(l->c, apdu);
	jz_cli_say(l->c, "\n");
	json_array_append_new(
	    l->list, json_pack("{s:o}", "command", jz_cli_hex(apdu)));
}

static void
show_response(struct listing *l, struct jz_response r)
{
	json_t *row = json_array_get(l->list, json_array_size(l->list) - 1);
	const char *name = jz_status_find(r.sw)->name;
	char sw[8];

	snprintf(sw, sizeof(sw), "%04X", (unsigned)r.sw);
	jz_cli_say(l->c, "<< ");
	say_hex(l->c, r.data);
	jz_cli_say(l->c, "%s%s %s\n", r.data.len > 0 ? " " : "", sw, name);
	json_object_set_new(row, "data", jz_cli_hex(r.data));
	json_object_set_new(row, "sw", json_string(sw));
	json_object_set_new(row, "sw_name", json_string(name));
}

static int
one_apdu(struct listing *l, struct jz_reader *r, const char *text)
{
	uint8_t cmd[COMMAND_BYTES];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));
	size_t n = ANSWER_BYTES;
	uint8_t *rsp = NULL;
	struct jz_response parsed;
	int err = jz_cli_from_hex(text, &b);

	if (err != 0 || b.len == 0) {
		err = jz_cli_fail(l->c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(l->c,
			"an APDU is an even number of hexadecimal digits",
			"APDU 应为偶数个十六进制数字"));
		goto out;
	}
	rsp = malloc(n);
	err = rsp == NULL ? JZ_ERR_MEMORY
			  : jz_reader_transmit(r, cmd, b.len, rsp, &n);
	if (err == 0)
		err = jz_response_parse(jz_span(rsp, n), &parsed);
	if (err == 0) {
		show_response(l, parsed);
		l->c->sw = parsed.sw;
	}
out:
	jz_wipe(cmd, b.len);
	free(rsp);
	return err;
}

/* One APDU a line; empty lines and what follows # are skipped. */
static int
from_input(struct listing *l, struct jz_reader *r)
{
	char *line = malloc(LINE_CHARS_MAX);
	int err = line == NULL ? JZ_ERR_MEMORY : 0;

	while (err == 0 && fgets(line, LINE_CHARS_MAX, stdin) != NULL) {
		size_t n = strcspn(line, "#\r\n");

		if (strchr(line, '\n') == NULL && !feof(stdin)) {
			err = jz_cli_fail(l->c, JZ_ERR_ARGUMENT, "%s",
			    jz_tr(l->c, "line too long", "行过长"));
			break;
		}
		line[n] = '\0';
		if (strspn(line, " \t") < n)
			err = one_apdu(l, r, line);
	}
	if (line != NULL)
		jz_wipe(line, LINE_CHARS_MAX);
	free(line);
	return err;
}

int
jz_cmd_card_apdu(struct jz_cli *c)
{
	struct listing l = {c, json_array()};
	struct jz_reader *r = NULL;
	int err = jz_cli_open_reader(c, JZ_OPT_CARD, &r);
	uint16_t sw;

	if (err == 0) {
		jz_reader_trace(show_command, &l);
		for (unsigned i = 0; err == 0 && i < c->arguments; i++)
			err = one_apdu(&l, r, c->argument[i]);
		if (c->arguments == 0)
			err = from_input(&l, r);
		(void)jz_reader_end(r);
	}
	jz_reader_free(&r);
	jz_cli_put(c, "exchanges", l.list);
	sw = c->sw;
	c->sw = 0;
	if (err != 0 || sw == 0 || sw == JZ_SW_OK ||
	    (sw & 0xFF00) == JZ_SW_MORE_DATA)
		return err;
	/* The last answer decides, as a script's last command does. */
	c->sw = sw;
	json_object_set(c->more, "exchanges", l.list);
	return jz_cli_fail(c, JZ_ERR_STATUS, "%04X %s: %s", (unsigned)sw,
	    jz_status_find(sw)->name, jz_status_find(sw)->text[c->lang]);
}
