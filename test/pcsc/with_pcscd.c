/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with-pcscd [-n ENTRIES] [--] COMMAND [ARGUMENT...]
 *
 * Runs a command with a private PC/SC daemon that has two virtual readers per
 * entry (one entry unless told).  The command finds the daemon through
 * PCSCLITE_CSOCK_NAME, and the first reader's port in JIAOZI_VPCD_PORT.  It
 * shares the daemon's network, so that cards are served from inside it.
 *
 * Gives the command's exit status, 128 + n when it died of signal n, 77 when
 * no daemon is installed, 125 when it does not start.  However it ends, the
 * daemon is stopped, its files are removed, and what the command left running
 * in its process group is asked to end.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/pcscd.h"

#define EXIT_SKIPPED 77
#define EXIT_BROKEN  125
#define EXIT_EXEC    127
#define SIGNAL_BASE  128
#define DECIMAL	     10

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: with-pcscd [-n entries] [--] command [argument...]\n");
	return EXIT_BROKEN;
}

/* Whether the keys pressed at the terminal are meant for us. */
static bool
in_foreground(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* In the child: never returns. */
static void
run_command(char **argv, const sigset_t *mask)
{
	const bool foreground = in_foreground();

	(void)setpgid(0, 0);
	if (foreground)
		(void)tcsetpgrp(STDIN_FILENO, getpid());
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(argv[0], argv);
	(void)fprintf(stderr, "with-pcscd: %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_EXEC);
}

/*
 * Waits for the command, and hands it the signals that reach us.  SIGCHLD may
 * also tell of the daemon, which pcscd_stop() looks after.
 */
static int
wait_command(pid_t pid, const sigset_t *watched)
{
	int sig, status = 0;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		sig = sigwaitinfo(watched, NULL);
		if (sig > 0 && sig != SIGCHLD && sig != SIGTTOU)
			(void)kill(-pid, sig);
	}
	if (WIFSIGNALED(status))
		return SIGNAL_BASE + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int
run(char **argv, const sigset_t *watched, const sigset_t *before)
{
	const bool foreground = in_foreground();
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		return EXIT_BROKEN;
	if (pid == 0)
		run_command(argv, before);
	/* Here too, so that no signal comes before the group is there. */
	(void)setpgid(pid, pid);
	status = wait_command(pid, watched);
	(void)kill(-pid, SIGTERM);
	if (foreground)
		(void)tcsetpgrp(STDIN_FILENO, getpgrp());
	return status;
}

/* Signals wait until they are asked for; no handler, no state of its own. */
static void
hold_signals(sigset_t *watched, sigset_t *before)
{
	(void)sigemptyset(watched);
	(void)sigaddset(watched, SIGINT);
	(void)sigaddset(watched, SIGTERM);
	(void)sigaddset(watched, SIGHUP);
	(void)sigaddset(watched, SIGQUIT);
	(void)sigaddset(watched, SIGCHLD);
	/* Blocked, it lets us take the terminal back. */
	(void)sigaddset(watched, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, watched, before);
}

int
main(int argc, char **argv)
{
	const char *missing;
	struct pcscd daemon;
	sigset_t watched, before;
	unsigned long entries = 1;
	int option, status;

	/* The command's own options are not ours: stop at the first word. */
	while ((option = getopt(argc, argv, "+n:")) != -1) {
		if (option != 'n')
			return usage();
		entries = strtoul(optarg, NULL, DECIMAL);
	}
	if (optind >= argc || entries == 0 || entries > PCSCD_ENTRIES_MAX)
		return usage();
	missing = pcscd_missing();
	if (missing != NULL) {
		(void)fprintf(stderr, "with-pcscd: skipped: %s\n", missing);
		return EXIT_SKIPPED;
	}
	hold_signals(&watched, &before);
	if (!pcscd_start(&daemon, (unsigned)entries, pcscd_isolate()))
		return EXIT_BROKEN;
	status = run(argv + optind, &watched, &before);
	pcscd_stop(&daemon);
	return status;
}
