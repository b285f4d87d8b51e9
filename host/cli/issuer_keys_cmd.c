/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer keys, issuer key roll: what keys the issuer has, and new
 * versions of them.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/secret.h"

#define ADMIN	   "admin"
#define CA	   "ca"
#define HOST	   "host"
#define TIME_TEXT  21
#define DATE_CHARS 10
#define NAME_CELL  7
#define WHERE_CELL 24
#define WHAT_CELL  18

/* ---- keys --------------------------------------------------------------- */

struct listing {
	struct jz_cli *c;
	json_t *list;
};

/* "2026-01-31", or "-". */
static void
date_text(int64_t time, char out[static TIME_TEXT])
{
	jz_time_to_text(time, out);
	if (time != 0)
		out[DATE_CHARS] = '\0';
}

static void
say_origin(const struct jz_cli *c, const struct jz_master *m)
{
	if (m != NULL && m->origin == JZ_MASTER_SEEDS)
		jz_cli_say(c,
		    jz_tr(c, "  ceremony %lu: %s, %s", "  仪式 %lu：%s、%s"),
		    (unsigned long)m->ceremony, m->by[0], m->by[1]);
}

static int
one_key(const struct jz_issuer_key *k, void *arg)
{
	const struct listing *l = arg;
	const struct jz_cli *c = l->c;
	char from[TIME_TEXT], to[TIME_TEXT];
	json_t *row;

	date_text(k->from, from);
	date_text(k->to, to);
	jz_cli_cell(c, NAME_CELL, k->name);
	jz_cli_say(c, "%2u%s  %02X%02X%02X  ", k->version,
	    k->current ? "*" : " ", k->check[0], k->check[1], k->check[2]);
	jz_cli_cell(c, WHAT_CELL, k->reference);
	jz_cli_say(c, "%10s  %10s  ", from, to);
	jz_cli_cell(c, WHERE_CELL, k->where);
	say_origin(c, k->master);
	jz_cli_say(c, "\n");
	row = json_pack("{s:s, s:i, s:b, s:o, s:s, s:s, s:s, s:o}", "key",
	    k->name, "version", (int)k->version, "current", (int)k->current,
	    "check_value", jz_cli_hex(jz_span(k->check, sizeof(k->check))),
	    "reference", k->reference, "from", from, "to", to, "where",
	    jz_cli_string(k->where));
	if (k->master != NULL && k->master->origin == JZ_MASTER_SEEDS)
		json_object_set_new(row, "seeds",
		    json_pack("{s:I, s:o, s:o}", "ceremony",
			(json_int_t)k->master->ceremony, "part_1",
			jz_cli_string(k->master->by[0]), "part_2",
			jz_cli_string(k->master->by[1])));
	json_array_append_new(l->list, row);
	return 0;
}

int
jz_cmd_issuer_keys(struct jz_cli *c)
{
	struct listing l = {c, json_array()};
	struct jz_issuer *issuer = NULL;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	jz_cli_put(c, "keys", l.list);
	if (err == 0)
		err = jz_issuer_each_key(issuer, one_key, &l);
	if (err == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "* in use for what is made from now on",
			"* 今后所用"));
	jz_issuer_free(&issuer);
	return err;
}

/* ---- key roll ----------------------------------------------------------- */

static int
roll(struct jz_cli *c, const char *which, unsigned *version)
{
	struct jz_secret pass = {0};
	uint8_t kvn = 0;
	int err = jz_cli_passphrase(c, &pass);

	if (err == 0 && strcmp(which, ADMIN) == 0) {
		err = jz_issuer_roll_master(c->argument[0], &pass, &kvn);
		*version = kvn;
	} else if (err == 0) {
		err = jz_issuer_roll_chain(
		    c->argument[0], &pass, strcmp(which, CA) == 0, version);
	}
	if (err != 0 && c->detail[0] == '\0')
		err = jz_cli_fail(c, err, "%s", c->argument[0]);
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cmd_issuer_key_roll(struct jz_cli *c)
{
	const char *which = c->arguments > 1 ? c->argument[1] : ADMIN;
	unsigned version = 0;
	int err;

	if (strcmp(which, ADMIN) != 0 && strcmp(which, CA) != 0 &&
	    strcmp(which, HOST) != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"\"%s\" is no key that can be rolled: admin, ca, host",
			"“%s”不是可更新的密钥：admin、ca、host"),
		    which);
	err = roll(c, which, &version);
	if (err != 0)
		return err;
	jz_cli_say(c,
	    jz_tr(c, "%s: key %s has version %u now: keep a copy of it\n",
		"%s：密钥 %s 已有版本 %u，请备份\n"),
	    c->argument[0], which, version);
	jz_cli_put(c, "key", json_string(which));
	jz_cli_put(c, "version", json_integer((json_int_t)version));
	return 0;
}
