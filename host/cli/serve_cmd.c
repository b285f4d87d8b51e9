/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card serve: shows virtual cards to the PC/SC daemon through vpcd.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/secret.h"
#include "../../reader/virtual.h"
#include "screen.h"

#define CARDS_MAX    16 /* readers of one PC/SC daemon */
#define PORT_DEFAULT 35963ul

/* A signal handler is handed nothing: what it sets must live in the file. */
static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGINT, &sa, NULL) != 0 ||
	    sigaction(SIGTERM, &sa, NULL) != 0)
		return JZ_ERR_SYSTEM;
	return 0;
}

static int
port_of(struct jz_cli *c, unsigned cards, unsigned short *out)
{
	const char *text = c->value[JZ_OPT_PORT];
	unsigned long port = PORT_DEFAULT;
	char *end = NULL;

	if (text == NULL)
		text = getenv("JIAOZI_VPCD_PORT");
	if (text != NULL) {
		port = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '\0')
			port = 0;
	}
	if (port == 0 || port + cards > 65536)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "\"%s\" is no TCP port", "“%s”不是 TCP 端口"),
		    text != NULL ? text : "");
	*out = (unsigned short)port;
	return 0;
}

struct serving {
	struct jz_cli *cli;
	struct jz_cli_screen screen;
};

static void
event(size_t card, const char *what, void *arg)
{
	struct serving *v = arg;
	const struct jz_cli *c = v->cli;

	if (v->screen.open) {
		jz_cli_screen_status(&v->screen, what);
		return;
	}
	jz_cli_say(c, "%s: %s\n", c->argument[card], what);
	fflush(stdout);
}

static void
idle(void *arg)
{
	struct serving *v = arg;

	if (v->screen.open)
		(void)jz_cli_screen_turn(&v->screen);
}

static int
open_screen(struct jz_cli *c, struct jz_virtual *card, struct serving *v)
{
	if (c->value[JZ_OPT_SCREEN] == NULL)
		return 0;
	if (c->arguments != 1)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--screen shows one card",
			"--screen 只能显示一张卡"));
	return jz_cli_screen_open(c, card, true, &v->screen);
}

static int
open_cards(struct jz_cli *c, struct jz_virtual *cards[static CARDS_MAX])
{
	struct jz_virtual_options o = {.key_path = c->value[JZ_OPT_KEY],
	    .panel = jz_cli_has(c, JZ_OPT_SCREEN)};
	struct jz_secret pass = {0};
	int err = 0;

	if (jz_cli_has(c, JZ_OPT_PASSPHRASE)) {
		err = jz_cli_passphrase(c, &pass);
		o.passphrase = &pass;
	}
	for (unsigned i = 0; err == 0 && i < c->arguments; i++) {
		o.path = c->argument[i];
		err = jz_virtual_open(&o, &cards[i]);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", o.path);
	}
	jz_secret_wipe(&pass);
	return err;
}

int
jz_cmd_card_serve(struct jz_cli *c)
{
	struct jz_virtual *cards[CARDS_MAX] = {NULL};
	unsigned short ports[CARDS_MAX], first = 0;
	struct serving v = {.cli = c};
	struct jz_serve s = {
	    cards, ports, c->arguments, &stop, event, &v, idle};
	int err = port_of(c, c->arguments, &first);

	if (err == 0)
		err = open_cards(c, cards);
	if (err == 0)
		err = catch_signals();
	if (err == 0) {
		for (unsigned i = 0; i < c->arguments; i++)
			ports[i] = (unsigned short)(first + i);
		jz_cli_say(c,
		    jz_tr(c,
			"serving %u card(s) from port %u on; end with ^C\n",
			"提供 %u 张卡，端口自 %u 起，按 ^C 结束\n"),
		    c->arguments, (unsigned)first);
		fflush(stdout);
		if ((err = open_screen(c, cards[0], &v)) == 0)
			err = jz_virtual_serve(&s);
		jz_cli_screen_close(&v.screen);
		jz_cli_put(c, "cards", json_integer((json_int_t)s.n));
	}
	for (unsigned i = 0; i < c->arguments; i++)
		jz_virtual_free(&cards[i]);
	return err;
}
