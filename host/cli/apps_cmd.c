/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card apps, install: what is on a card, by GlobalPlatform's names.
 */
#include "cli.h"

#include <string.h>

#include "../../keys/secret.h"
#include "manage.h"

#define LIST_TEXT    160
#define STATE_TEXT   24
#define AID_COLUMNS  34
#define NAME_COLUMNS 14

static const struct {
	uint32_t bit;
	const char *name;
} PRIVILEGES[] = {
    {JZ_GP_SECURITY_DOMAIN, "security-domain"},
    {JZ_GP_CARD_LOCK, "card-lock"},
    {JZ_GP_CARD_TERMINATE, "card-terminate"},
    {JZ_GP_CARD_RESET, "default-selected"},
    {JZ_GP_CVM, "cvm"},
    {JZ_GP_AUTHORIZED_MANAGEMENT, "authorized-management"},
    {JZ_GP_GLOBAL_DELETE, "global-delete"},
    {JZ_GP_GLOBAL_LOCK, "global-lock"},
    {JZ_GP_GLOBAL_REGISTRY, "global-registry"},
    {JZ_GP_FINAL_APPLICATION, "final-application"},
};
#define PRIVILEGE_ROWS (sizeof(PRIVILEGES) / sizeof(PRIVILEGES[0]))

/* ---- names -------------------------------------------------------------- */

const char *
jz_card_state_name(uint8_t state)
{
	switch (state) {
	case JZ_GP_OP_READY:
		return "OP_READY";
	case JZ_GP_INITIALIZED:
		return "INITIALIZED";
	case JZ_GP_SECURED:
		return "SECURED";
	case JZ_GP_CARD_LOCKED:
		return "CARD_LOCKED";
	case JZ_GP_TERMINATED:
		return "TERMINATED";
	default:
		return "UNKNOWN";
	}
}

/* From 07 on the states are the application's own. */
static const char *
application_state_name(uint8_t state)
{
	if ((state & JZ_GP_LOCKED_BIT) != 0)
		return "LOCKED";
	switch (state) {
	case JZ_GP_INSTALLED:
		return "INSTALLED";
	case JZ_GP_SELECTABLE:
		return "SELECTABLE";
	default:
		return "PERSONALIZED";
	}
}

/* Names, and what has none in hexadecimal. */
static json_t *
privilege_names(uint32_t privileges, char text[static LIST_TEXT])
{
	json_t *list = json_array();
	size_t at = 0;
	char rest[8];

	text[0] = '\0';
	for (size_t i = 0; i <= PRIVILEGE_ROWS; i++) {
		const char *name = rest;

		if (i == PRIVILEGE_ROWS && privileges == 0)
			break;
		if (i == PRIVILEGE_ROWS)
			snprintf(rest, sizeof(rest), "%06X",
			    (unsigned)privileges & 0xFFFFFF);
		else if ((privileges & PRIVILEGES[i].bit) == 0)
			continue;
		else
			name = PRIVILEGES[i].name;
		if (i < PRIVILEGE_ROWS)
			privileges &= ~PRIVILEGES[i].bit;
		at += (size_t)snprintf(
		    text + at, LIST_TEXT - at, "%s%s", at > 0 ? "," : "", name);
		if (at >= LIST_TEXT)
			at = LIST_TEXT - 1;
		json_array_append_new(list, json_string(name));
	}
	return list;
}

/* ---- card apps ---------------------------------------------------------- */

struct listing {
	struct jz_cli *c;
	json_t *list;
};

static void
put_aid(json_t *o, const char *key, const struct jz_gp_aid *aid)
{
	char text[JZ_AID_TEXT];

	json_object_set_new(o, key, json_string(jz_cli_aid_text(aid, text)));
}

static void
put_state(json_t *o, const char *name, uint8_t state)
{
	char code[3];

	snprintf(code, sizeof(code), "%02X", (unsigned)state);
	json_object_set_new(o, "state", json_string(name));
	json_object_set_new(o, "state_code", json_string(code));
}

static int
show_domain(const struct jz_gp_entry *e, void *arg)
{
	struct listing *l = arg;
	char aid[JZ_AID_TEXT], names[LIST_TEXT];
	json_t *list = privilege_names(e->privileges, names);
	const char *state = jz_card_state_name(e->state);

	jz_cli_say(l->c, "%s\n", jz_tr(l->c, "card", "卡"));
	jz_cli_say(l->c, "  ");
	jz_cli_cell(l->c, AID_COLUMNS, jz_cli_aid_text(&e->aid, aid));
	jz_cli_cell(l->c, NAME_COLUMNS, state);
	jz_cli_say(l->c, "%s\n", names);
	put_aid(l->c->result, "domain", &e->aid);
	put_state(l->c->result, state, e->state);
	jz_cli_put(l->c, "privileges", list);
	return 0;
}

static int
show_application(const struct jz_gp_entry *e, void *arg)
{
	struct listing *l = arg;
	char aid[JZ_AID_TEXT], from[JZ_AID_TEXT], names[LIST_TEXT];
	json_t *o = json_object();
	json_t *list = privilege_names(e->privileges, names);
	const char *state = application_state_name(e->state);

	jz_cli_say(l->c, "  ");
	jz_cli_cell(l->c, AID_COLUMNS, jz_cli_aid_text(&e->aid, aid));
	jz_cli_cell(l->c, NAME_COLUMNS, state);
	if (e->load_file.len > 0)
		jz_cli_say(l->c, jz_tr(l->c, "of %s", "来自 %s"),
		    jz_cli_aid_text(&e->load_file, from));
	jz_cli_say(l->c, "%s%s\n", names[0] != '\0' ? "  " : "", names);
	put_aid(o, "aid", &e->aid);
	put_state(o, state, e->state);
	json_object_set_new(
	    o, "locked", json_boolean((e->state & JZ_GP_LOCKED_BIT) != 0));
	put_aid(o, "load_file", &e->load_file);
	json_object_set_new(o, "privileges", list);
	json_array_append_new(l->list, o);
	return 0;
}

static int
show_load_file(const struct jz_gp_entry *e, void *arg)
{
	struct listing *l = arg;
	char aid[JZ_AID_TEXT];
	json_t *o = json_object(), *modules = json_array();

	jz_cli_say(l->c, "  ");
	jz_cli_cell(l->c, AID_COLUMNS, jz_cli_aid_text(&e->aid, aid));
	put_aid(o, "aid", &e->aid);
	for (size_t i = 0; i < e->modules; i++) {
		jz_cli_say(l->c, "%s%s", i > 0 ? " " : "",
		    jz_cli_aid_text(&e->module[i], aid));
		json_array_append_new(modules, json_string(aid));
	}
	jz_cli_say(l->c, "\n");
	json_object_set_new(o, "modules", modules);
	json_array_append_new(l->list, o);
	return 0;
}

static int
list_all(struct jz_cli *c, struct jz_gp *gp)
{
	struct listing l = {.c = c};
	int err = jz_gp_list(gp, JZ_GP_DOMAIN, show_domain, &l);

	if (err != 0)
		return err;
	jz_cli_say(c, "%s\n", jz_tr(c, "applications", "应用"));
	l.list = json_array();
	jz_cli_put(c, "applications", l.list);
	err = jz_gp_list(gp, JZ_GP_APPLICATIONS, show_application, &l);
	if (err != 0)
		return err;
	jz_cli_say(c, "%s\n",
	    jz_tr(c, "load files and their modules", "加载文件及其模块"));
	l.list = json_array();
	jz_cli_put(c, "load_files", l.list);
	return jz_gp_list(gp, JZ_GP_MODULES, show_load_file, &l);
}

int
jz_cmd_card_apps(struct jz_cli *c)
{
	struct jz_cli_gp g;
	int err = jz_cli_gp_open(c, &g);

	if (err == 0)
		err = jz_cli_gp_error(c, &g, list_all(c, &g.gp));
	jz_cli_gp_close(&g);
	return err;
}

/* ---- card install ------------------------------------------------------- */

/* A module on the card, and the load file that it is in. */
struct search {
	struct jz_gp_aid module, load_file;
};

/* A load file's own AID will do when it has one module. */
static int
match(const struct jz_gp_entry *e, void *arg)
{
	struct search *s = arg;

	if (jz_gp_aid_equal(&e->aid, &s->module) && s->load_file.len == 0) {
		s->load_file = e->aid;
		if (e->modules == 1)
			s->module = e->module[0];
	}
	for (size_t i = 0; i < e->modules; i++)
		if (jz_gp_aid_equal(&e->module[i], &s->module))
			s->load_file = e->aid;
	return 0;
}

static int
find_module(struct jz_cli *c, struct jz_cli_gp *g, const char *text,
    struct jz_gp_install *what)
{
	struct search s = {.module = what->module};
	int err;

	err = jz_gp_list(&g->gp, JZ_GP_MODULES, match, &s);
	if (err != 0)
		return jz_cli_gp_error(c, g, err);
	if (s.load_file.len == 0)
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND,
		    jz_tr(c, "no module %s on this card", "此卡上没有模块 %s"),
		    text);
	what->load_file = s.load_file;
	what->module = s.module;
	return 0;
}

/* Names with commas between them, or two or six hexadecimal digits. */
static int
parse_privileges(struct jz_cli *c, const char *text, uint32_t *out)
{
	uint8_t bytes[3] = {0};
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const char *p = text;
	size_t i, len;

	*out = 0;
	if (jz_cli_from_hex(text, &b) == 0 && (b.len == 1 || b.len == 3)) {
		*out = (uint32_t)jz_get_be(bytes, sizeof(bytes));
		return 0;
	}
	while (*p != '\0') {
		len = strcspn(p, ",");
		for (i = 0; i < PRIVILEGE_ROWS; i++)
			if (strlen(PRIVILEGES[i].name) == len &&
			    strncmp(PRIVILEGES[i].name, p, len) == 0)
				break;
		if (i == PRIVILEGE_ROWS)
			return jz_cli_fail(c, JZ_ERR_ARGUMENT,
			    jz_tr(c, "--privileges: \"%.*s\" is none",
				"--privileges：没有“%.*s”这种权限"),
			    (int)len, p);
		*out |= PRIVILEGES[i].bit;
		p += len;
		p += *p == ',';
	}
	return 0;
}

struct parameters {
	uint8_t bytes[JZ_GP_PARAMETER_MAX];
	struct jz_buffer b;
};

/* What can be judged before a card is looked for. */
static int
install_options(
    struct jz_cli *c, struct jz_gp_install *what, struct parameters *p)
{
	const char *privileges = c->value[JZ_OPT_PRIVILEGES];
	const char *instance = c->value[JZ_OPT_INSTANCE];
	const char *params = c->value[JZ_OPT_PARAMS];
	int err = 0;

	if (!jz_cli_is_file(c->argument[0]))
		err = jz_cli_aid(c, c->argument[0], &what->module);
	if (err == 0 && privileges != NULL)
		err = parse_privileges(c, privileges, &what->privileges);
	if (err == 0 && instance != NULL)
		err = jz_cli_aid(c, instance, &what->instance);
	p->b = jz_buffer(p->bytes, sizeof(p->bytes));
	if (err == 0 && params != NULL && jz_cli_from_hex(params, &p->b) != 0)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--params: not at most %d bytes in hexadecimal",
			"--params：不是至多 %d 字节的十六进制"),
		    JZ_GP_PARAMETER_MAX);
	what->parameters = jz_buffer_span(&p->b);
	return err;
}

/* Whether the card has this application. */
struct presence {
	const struct jz_gp_aid *aid;
	bool found;
};

static int
look_for(const struct jz_gp_entry *e, void *arg)
{
	struct presence *p = arg;

	p->found = p->found || jz_gp_aid_equal(&e->aid, p->aid);
	return 0;
}

/*
 * A file first puts its module on the card.  Where that has its application
 * already, the file has taken the place of the one before, and no more is to
 * be done: *replaced.
 */
static int
install(struct jz_cli *c, struct jz_cli_gp *g, struct jz_gp_install *what,
    bool *replaced)
{
	const char *argument = c->argument[0];
	struct presence p = {&what->module, false};
	int err = 0;

	*replaced = false;
	if (jz_cli_is_file(argument)) {
		err = jz_cli_plug(c, g, argument, &what->module);
		if (err == 0 && what->instance.len == 0)
			err = jz_cli_gp_error(c, g,
			    jz_gp_list(
				&g->gp, JZ_GP_APPLICATIONS, look_for, &p));
		*replaced = p.found;
	}
	if (err == 0 && !*replaced)
		err = find_module(c, g, argument, what);
	if (what->instance.len == 0)
		what->instance = what->module;
	if (err == 0 && !*replaced)
		err = jz_cli_gp_error(c, g, jz_gp_install(&g->gp, what));
	return err;
}

static void
report(struct jz_cli *c, const struct jz_gp_install *what, bool replaced)
{
	char instance[JZ_AID_TEXT], module[JZ_AID_TEXT];

	jz_cli_aid_text(&what->instance, instance);
	jz_cli_aid_text(&what->module, module);
	jz_cli_say(c,
	    replaced ? jz_tr(c, "%s runs the new file of module %s\n",
			   "%s 现使用模块 %s 的新文件\n")
		     : jz_tr(c, "installed %s from module %s\n",
			   "已安装 %s，来自模块 %s\n"),
	    instance, module);
	jz_cli_put(c, "instance", json_string(instance));
	jz_cli_put(c, "module", json_string(module));
	jz_cli_put(c, "replaced", json_boolean(replaced));
}

int
jz_cmd_card_install(struct jz_cli *c)
{
	struct jz_gp_install what = {0};
	struct parameters p;
	struct jz_cli_gp g = {0};
	bool replaced = false;
	int err = install_options(c, &what, &p);

	if (err == 0)
		err = jz_cli_gp_open(c, &g);
	if (err == 0)
		err = install(c, &g, &what, &replaced);
	jz_cli_gp_close(&g);
	jz_wipe(&p, sizeof(p));
	if (err == 0)
		report(c, &what, replaced);
	return err;
}
