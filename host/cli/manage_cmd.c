/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card delete, lock, unlock, terminate.
 */
#include "cli.h"

#include <string.h>

#include "manage.h"

#define WHOLE_CARD "card"

/* Runs a change on an open channel; the rest is the same for all. */
typedef int
change_fn(struct jz_cli *c, struct jz_cli_gp *g, const struct jz_gp_aid *aid);

/* aid NULL: the whole card. */
static int
change(struct jz_cli *c, const struct jz_gp_aid *aid, change_fn *fn)
{
	struct jz_cli_gp g;
	int err = jz_cli_gp_open(c, &g);

	if (err == 0) {
		err = fn(c, &g, aid);
		/* What was explained already stays so. */
		if (err != 0 && c->detail[0] == '\0')
			err = jz_cli_gp_error(c, &g, err);
	}
	jz_cli_gp_close(&g);
	return err;
}

/* The argument: an AID, or the word for the whole card. */
static int
target(struct jz_cli *c, struct jz_gp_aid *room, const struct jz_gp_aid **out)
{
	*out = NULL;
	if (strcmp(c->argument[0], WHOLE_CARD) == 0)
		return 0;
	*out = room;
	return jz_cli_aid(c, c->argument[0], room);
}

/* ---- delete ------------------------------------------------------------- */

static int delete (
    struct jz_cli *c, struct jz_cli_gp *g, const struct jz_gp_aid *aid)
{
	char text[JZ_AID_TEXT];
	int err = jz_gp_delete(&g->gp, aid, jz_cli_has(c, JZ_OPT_CASCADE));

	if (err != 0)
		return err;
	jz_cli_aid_text(aid, text);
	jz_cli_say(c, jz_tr(c, "deleted %s\n", "已删除 %s\n"), text);
	jz_cli_put(c, "deleted", json_string(text));
	return 0;
}

int
jz_cmd_card_delete(struct jz_cli *c)
{
	struct jz_gp_aid aid;
	int err = jz_cli_aid(c, c->argument[0], &aid);

	return err != 0 ? err : change(c, &aid, delete);
}

/* ---- lock, unlock ------------------------------------------------------- */

struct wanted {
	struct jz_gp_aid aid;
	bool found;
	uint8_t state;
};

static int
match(const struct jz_gp_entry *e, void *arg)
{
	struct wanted *w = arg;

	if (jz_gp_aid_equal(&e->aid, &w->aid)) {
		w->found = true;
		w->state = e->state;
	}
	return 0;
}

/* An application keeps its own state beneath the lock. */
static int
set_lock(struct jz_cli *c, struct jz_gp *gp, const struct jz_gp_aid *aid,
    bool locked)
{
	struct wanted w = {.aid = *aid};
	unsigned state;
	int err = jz_gp_list(gp, JZ_GP_APPLICATIONS, match, &w);

	if (err != 0)
		return err;
	if (!w.found)
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND,
		    jz_tr(c, "no application %s on this card",
			"此卡上没有应用 %s"),
		    c->argument[0]);
	state = w.state & ~(unsigned)JZ_GP_LOCKED_BIT;
	if (locked)
		state |= JZ_GP_LOCKED_BIT;
	return jz_gp_set_state(gp, aid, (uint8_t)state);
}

static void
say_lock(struct jz_cli *c, bool locked)
{
	jz_cli_say(c,
	    locked ? jz_tr(c, "locked %s\n", "已锁定 %s\n")
		   : jz_tr(c, "unlocked %s\n", "已解锁 %s\n"),
	    c->argument[0]);
	jz_cli_put(c, "target", json_string(c->argument[0]));
	jz_cli_put(c, "locked", json_boolean(locked));
}

static int
lock(struct jz_cli *c, struct jz_cli_gp *g, const struct jz_gp_aid *aid)
{
	int err = aid == NULL ? jz_gp_set_card_state(&g->gp, JZ_GP_CARD_LOCKED)
			      : set_lock(c, &g->gp, aid, true);

	if (err == 0)
		say_lock(c, true);
	return err;
}

static int
unlock(struct jz_cli *c, struct jz_cli_gp *g, const struct jz_gp_aid *aid)
{
	int err = aid == NULL ? jz_gp_set_card_state(&g->gp, JZ_GP_SECURED)
			      : set_lock(c, &g->gp, aid, false);

	if (err == 0)
		say_lock(c, false);
	return err;
}

int
jz_cmd_card_lock(struct jz_cli *c)
{
	const struct jz_gp_aid *aid;
	struct jz_gp_aid room;
	int err = target(c, &room, &aid);

	return err != 0 ? err : change(c, aid, lock);
}

int
jz_cmd_card_unlock(struct jz_cli *c)
{
	const struct jz_gp_aid *aid;
	struct jz_gp_aid room;
	int err = target(c, &room, &aid);

	return err != 0 ? err : change(c, aid, unlock);
}

/* ---- terminate ---------------------------------------------------------- */

static int
terminate(struct jz_cli *c, struct jz_cli_gp *g, const struct jz_gp_aid *aid)
{
	int err = jz_gp_set_card_state(&g->gp, JZ_GP_TERMINATED);

	(void)aid;
	if (err != 0)
		return err;
	jz_cli_say(c, "%s\n", jz_tr(c, "the card is terminated", "卡已终止"));
	jz_cli_put(
	    c, "state", json_string(jz_card_state_name(JZ_GP_TERMINATED)));
	return 0;
}

int
jz_cmd_card_terminate(struct jz_cli *c)
{
	if (!jz_cli_has(c, JZ_OPT_YES))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c,
			"this cannot be undone, and what money the card holds "
			"stays on it: say --yes",
			"此操作不可恢复，卡上的钱也将留在卡上：请加 --yes"));
	return change(c, NULL, terminate);
}
