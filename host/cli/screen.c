/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's display and keys in a terminal: ECMA-48 5.4 (CSI sequences), and
 * DEC's private modes 25 (cursor) and 1049 (a screen of its own, so that a
 * joint password does not stay in the terminal's history).
 */
#define _POSIX_C_SOURCE 200809L

#include "screen.h"

#include <string.h>
#include <unistd.h>

#include "../../keys/secret.h"

#define ESC	  "\x1B"
#define BEGIN	  ESC "[?1049h" ESC "[?25l" ESC "[2J"
#define END	  ESC "[2J" ESC "[?25h" ESC "[?1049l"
#define INTERRUPT 0x03 /* ^C */
#define INPUT_MAX 32

static void
edge(const char *left, const char *right)
{
	fputs(left, stdout);
	for (unsigned i = 0; i < JZ_VIRTUAL_COLUMNS + 2; i++)
		fputs("─", stdout);
	printf("%s" ESC "[K\r\n", right);
}

static void
draw(struct jz_cli_screen *s)
{
	const struct jz_cli *c = s->cli;

	fputs(ESC "[H", stdout);
	edge("┌", "┐");
	for (unsigned i = 0; i < JZ_VIRTUAL_LINES; i++)
		/* What is wide is left to the terminal: the frame's side is
		 * put by column. */
		printf("│ %s" ESC "[K" ESC "[%dG│\r\n",
		    jz_virtual_line(s->card, i), JZ_VIRTUAL_COLUMNS + 4);
	edge("└", "┘");
	printf("%s" ESC "[K\r\n",
	    jz_tr(c, "0-9   Enter: OK   Esc: cancel   arrows: scroll",
		"0-9   回车：确认   Esc：取消   上下键：翻看"));
	printf("%s" ESC "[K\r\n", s->status);
	/* The terminal's own sound. */
	if (s->sounds != jz_virtual_sounds(s->card))
		fputs("\a", stdout);
	s->sounds = jz_virtual_sounds(s->card);
	fflush(stdout);
	s->drawn = true;
	s->shown = jz_virtual_shown(s->card);
}

int
jz_cli_screen_open(struct jz_cli *c, struct jz_virtual *card, bool signals,
    struct jz_cli_screen *s)
{
	struct termios raw;

	memset(s, 0, sizeof(*s));
	s->cli = c;
	s->card = card;
	s->status = "";
	if (c->json || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &s->before) != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--screen needs a terminal", "--screen 需要终端"));
	raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (!signals)
		raw.c_lflag &= ~(tcflag_t)ISIG;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
		return JZ_ERR_SYSTEM;
	s->open = true;
	fputs(BEGIN, stdout);
	draw(s);
	return 0;
}

/* The key that the bytes begin with, and how many they are; 0: none. */
static int
key_of(const char *in, size_t len, size_t *used)
{
	*used = 1;
	if (*in >= '0' && *in <= '9')
		return JZ_VIRTUAL_KEY_0 + (*in - '0');
	if (*in == '\r' || *in == '\n')
		return JZ_VIRTUAL_KEY_OK;
	if (*in == INTERRUPT)
		return JZ_VIRTUAL_KEY_CANCEL;
	if (*in != ESC[0])
		return 0;
	if (len < 3 || (in[1] != '[' && in[1] != 'O'))
		return JZ_VIRTUAL_KEY_CANCEL;
	*used = 3;
	return in[2] == 'A' ? JZ_VIRTUAL_KEY_UP
	    : in[2] == 'B'  ? JZ_VIRTUAL_KEY_DOWN
			    : 0;
}

static void
press_keys(struct jz_cli_screen *s)
{
	char in[INPUT_MAX];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	size_t at = 0, used;

	while (n > 0 && at < (size_t)n) {
		int key = key_of(in + at, (size_t)n - at, &used);

		if (key != 0)
			(void)jz_virtual_press(
			    s->card, (enum jz_virtual_key)key);
		at += used;
	}
	/* It may have been a PIN. */
	jz_wipe(in, sizeof(in));
}

bool
jz_cli_screen_turn(struct jz_cli_screen *s)
{
	bool more;

	press_keys(s);
	more = jz_virtual_run(s->card);
	if (!s->drawn || s->shown != jz_virtual_shown(s->card))
		draw(s);
	return more;
}

void
jz_cli_screen_status(struct jz_cli_screen *s, const char *text)
{
	s->status = text;
	s->drawn = false;
}

void
jz_cli_screen_close(struct jz_cli_screen *s)
{
	if (!s->open)
		return;
	fputs(END, stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before);
	s->open = false;
}
