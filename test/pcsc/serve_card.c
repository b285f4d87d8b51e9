/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve-card [-f FILE] [-n CARDS] [-p PORT]
 *
 * The rig's card: shows cards with an empty purse to the PC/SC daemon until
 * SIGTERM or SIGINT.  In memory, or the card of a file.  The port is that of
 * the first card, from JIAOZI_VPCD_PORT unless given; the others follow.
 * Each event is a line on standard output: "plug 0", "reset 1".
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../reader/virtual.h"

#define CARDS_MAX 16
#define DECIMAL	  10

/* A signal handler has nowhere else to write to. */
static volatile int stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void
on_event(size_t card, const char *what, void *arg)
{
	(void)arg;
	(void)printf("%s %zu\n", what, card);
	(void)fflush(stdout);
}

static int
serve(const char *file, size_t n, unsigned long port)
{
	const struct jz_virtual_options o = {.path = file};
	struct jz_virtual *cards[CARDS_MAX] = {NULL};
	unsigned short ports[CARDS_MAX];
	const struct jz_serve s = {
	    .cards = cards,
	    .ports = ports,
	    .n = n,
	    .stop = &stop,
	    .event = on_event,
	};
	size_t i;
	int e = 0;

	for (i = 0; i < n && e == 0; i++) {
		ports[i] = (unsigned short)(port + i);
		e = file != NULL ? jz_virtual_open(&o, &cards[i])
				 : jz_virtual_create(&o, &cards[i]);
	}
	if (e == 0)
		e = jz_virtual_serve(&s);
	for (i = 0; i < n; i++)
		jz_virtual_free(&cards[i]);
	return e;
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *port = getenv("JIAOZI_VPCD_PORT");
	struct sigaction a = {.sa_handler = on_signal};
	unsigned long n = 1;
	int option, e;

	while ((option = getopt(argc, argv, "f:n:p:")) != -1) {
		if (option == 'f')
			file = optarg;
		else if (option == 'n')
			n = strtoul(optarg, NULL, DECIMAL);
		else if (option == 'p')
			port = optarg;
		else
			n = 0;
	}
	if (optind != argc || port == NULL || n == 0 || n > CARDS_MAX ||
	    (file != NULL && n != 1)) {
		(void)fprintf(stderr,
		    "usage: serve-card [-f file | -n cards] [-p port]\n");
		return 2;
	}
	/* Without SA_RESTART, so that a wait ends. */
	(void)sigaction(SIGTERM, &a, NULL);
	(void)sigaction(SIGINT, &a, NULL);
	e = serve(file, n, strtoul(port, NULL, DECIMAL));
	if (e != 0)
		(void)fprintf(
		    stderr, "serve-card: %s\n", jz_error_text(e, JZ_LANG_EN));
	return e == 0 ? 0 : 1;
}
