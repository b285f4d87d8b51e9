/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program it makes a core file of it when everything else has
 * ended: after main() and the exit handlers.  The core file shows what a
 * program leaves behind of what it has given back.
 *
 * With CANARY_DIR in the environment a copy of the process ends for it, in a
 * folder of its own there, and the process goes on to its own end; before, it
 * runs CANARY_EXAMINE with its number.  What stood in the environment and on
 * the command line is the caller's and is not in such a core file.  Without,
 * the process itself ends with SIGABRT, where it is.
 */
#define _DEFAULT_SOURCE

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_CAP 4096

extern char **environ;

static char **arguments;
static char folder[PATH_CAP], examine[PATH_CAP];

static void
take(const char *name, char *out)
{
	const char *value = getenv(name);

	if (value != NULL)
		(void)snprintf(out, PATH_CAP, "%s", value);
}

/* What the program runs itself ends as it likes. */
static void __attribute__((constructor)) alone(int argc, char **argv)
{
	(void)argc;
	arguments = argv;
	take("CANARY_DIR", folder);
	take("CANARY_EXAMINE", examine);
	(void)unsetenv("LD_PRELOAD");
}

static void
clear(char **list)
{
	for (; *list != NULL; list++)
		memset(*list, 0, strlen(*list));
}

/*
 * The C library reads strings with the widest registers that there are, and
 * what it read last stays in them: of the environment, in which the test itself
 * has put its secrets.  The same functions read zeros now.
 */
static void
clear_registers(void)
{
	static char zeros[2][4096];
	char *volatile a = zeros[0], *volatile b = zeros[1];
	volatile size_t read = 0;

	read += memchr(a, 1, sizeof(zeros[0])) != NULL;
	read += (size_t)memcmp(a, b, sizeof(zeros[0]));
	memset(a, ' ', sizeof(zeros[0]) - 1);
	memset(b, ' ', sizeof(zeros[1]) - 1);
	read += strlen(a) + (size_t)strncmp(a, b, sizeof(zeros[0]));
	read += strchr(a, '=') != NULL;
	(void)read;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall");
#endif
}

/* The program allows itself none: its secrets are still there when it fails. */
static void
end(void)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = core.rlim_max;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	(void)signal(SIGABRT, SIG_DFL);
	clear_registers();
	abort();
}

static void
end_there(const char *place)
{
	if (chdir(place) != 0)
		_exit(1);
	clear(environ);
	clear(arguments + 1);
	end();
}

static void __attribute__((destructor)) end_in_core(void)
{
	char place[PATH_CAP + 32], number[16];
	pid_t copy;

	if (folder[0] == '\0')
		end();
	(void)snprintf(number, sizeof(number), "%ld", (long)getpid());
	(void)snprintf(
	    place, sizeof(place), "%.4000s/cores/%s", folder, number);
	if (mkdir(place, 0700) != 0)
		return;
	copy = fork();
	if (copy == 0)
		end_there(place);
	if (copy > 0)
		(void)waitpid(copy, NULL, 0);
	copy = fork();
	if (copy == 0) {
		(void)execl(examine, examine, number, (char *)NULL);
		_exit(127);
	}
	if (copy > 0)
		(void)waitpid(copy, NULL, 0);
}
