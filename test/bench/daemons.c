/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads by 1, 2 and 4 daemons, each a process, that serve one PostgreSQL; and
 * how much of the CPUs clients, daemons and PostgreSQL take meanwhile.
 */
#define _GNU_SOURCE 1 /* wait4 */

#include "bench.h"
#include "loads.h"
#include "world.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../apdu/error.h"

#define DAEMONS 4u
#define ROUNDS	3u
#define PIDFILE "POSTGRES_PIDFILE"
#define PATH	64u

struct child {
	pid_t pid;
	int stop; /* closed: it stops */
};

struct serving {
	struct rig *rig;
	struct daemon files;
	struct child child[DAEMONS];
	unsigned n;
	struct buyer buyer[LOADS_CLIENTS];
};

/* Microseconds a load, and CPU seconds in those loads. */
struct shares {
	double us, wall, clients, daemons, engine;
};

/* ---- daemons ------------------------------------------------------------- */

/* Serves until nobody holds the other end of `stop`. */
static void
serve(struct serving *s, int stop, int told)
{
	struct jz_issuer *i = rig_open(s->rig);
	unsigned short port;
	char c;

	daemon_start(
	    &s->files, i, (struct jz_server_options){.workers = LOADS_CLIENTS});
	port = jz_server_port(s->files.server);
	if (write(told, &port, sizeof(port)) == (ssize_t)sizeof(port))
		while (read(stop, &c, 1) > 0)
			continue;
	jz_server_stop(&s->files.server);
	jz_issuer_free(&i);
	_exit(0);
}

static int
start_child(struct serving *s, struct child *c, unsigned short *port)
{
	int stop[2], told[2];

	if (pipe(stop) != 0 || pipe(told) != 0)
		return JZ_ERR_SYSTEM;
	c->pid = fork();
	if (c->pid < 0)
		return JZ_ERR_SYSTEM;
	if (c->pid == 0) {
		close(stop[1]);
		close(told[0]);
		for (unsigned k = 0; k < s->n; k++)
			close(s->child[k].stop);
		serve(s, stop[0], told[1]);
	}
	close(stop[0]);
	close(told[1]);
	c->stop = stop[1];
	s->n++;
	*port = 0;
	if (read(told[0], port, sizeof(*port)) != (ssize_t)sizeof(*port))
		*port = 0;
	close(told[0]);
	return *port != 0 ? 0 : JZ_ERR_SYSTEM;
}

static int
start(struct serving *s, unsigned daemons)
{
	struct daemon at[DAEMONS];
	void *state = NULL;
	int e = 0;

	(void)rig_setup(&state);
	s->rig = state;
	daemon_new(&s->files);
	for (unsigned k = 0; e == 0 && k < daemons; k++) {
		unsigned short port;

		e = start_child(s, &s->child[k], &port);
		at[k] = s->files;
		snprintf(at[k].url, sizeof(at[k].url), "https://127.0.0.1:%u",
		    (unsigned)port);
	}
	for (unsigned k = 0; e == 0 && k < LOADS_CLIENTS; k++)
		buyer_new(
		    &s->buyer[k], s->rig, &at[k % daemons], JZ_SUITE_NIST);
	return e;
}

static double
seconds_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	    1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static void
stop(struct serving *s)
{
	void *state = s->rig;

	for (unsigned k = 0; k < LOADS_CLIENTS; k++)
		buyer_free(&s->buyer[k]);
	for (unsigned k = 0; k < s->n; k++) {
		close(s->child[k].stop);
		(void)waitpid(s->child[k].pid, NULL, 0);
	}
	daemon_free(&s->files);
	(void)rig_teardown(&state);
}

/* ---- CPU time ------------------------------------------------------------ */

/* Of a process, in seconds, and its parent. */
static double
cpu_of(const char *pid, long *parent)
{
	char path[PATH], text[1024];
	unsigned long user = 0, system = 0;
	const char *at;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	*parent = -1;
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL ||
	    sscanf(at + 1,
		" %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", parent,
		&user, &system) != 3)
		return 0;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Of the postmaster and whoever it has started. */
static double
cpu_of_engine(void)
{
	const char *name = getenv(PIDFILE);
	FILE *f = name != NULL ? fopen(name, "r") : NULL;
	char line[32] = "";
	double sum = 0;
	struct dirent *d;
	long master, parent;
	DIR *proc;

	if (f == NULL)
		return 0;
	master =
	    fgets(line, sizeof(line), f) != NULL ? strtol(line, NULL, 10) : 0;
	(void)fclose(f);
	proc = master > 0 ? opendir("/proc") : NULL;
	while (proc != NULL && (d = readdir(proc)) != NULL) {
		double s;

		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		s = cpu_of(d->d_name, &parent);
		if (parent == master || strtol(d->d_name, NULL, 10) == master)
			sum += s;
	}
	if (proc != NULL)
		(void)closedir(proc);
	return sum;
}

static double
cpu_of_daemons(const struct serving *s)
{
	char pid[24];
	double sum = 0;
	long parent;

	for (unsigned k = 0; k < s->n; k++) {
		snprintf(pid, sizeof(pid), "%ld", (long)s->child[k].pid);
		sum += cpu_of(pid, &parent);
	}
	return sum;
}

static double
cpu_of_clients(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return seconds_of(&u);
}

/* ---- the rows ------------------------------------------------------------ */

static int
measure(unsigned daemons, struct shares *out)
{
	struct serving *s = calloc(1, sizeof(*s));
	int e;

	if (s == NULL)
		return JZ_ERR_MEMORY;
	e = start(s, daemons);
	if (e == 0)
		e = loads_run(s->buyer, LOADS_CLIENTS, LOADS_LOAD, LOADS_EACH);
	out->wall = -loads_now();
	out->clients = -cpu_of_clients();
	out->daemons = -cpu_of_daemons(s);
	out->engine = -cpu_of_engine();
	for (unsigned n = 0; e == 0 && n < ROUNDS; n++)
		e = loads_run(s->buyer, LOADS_CLIENTS, LOADS_LOAD, LOADS_EACH);
	out->wall += loads_now();
	out->clients += cpu_of_clients();
	out->daemons += cpu_of_daemons(s);
	out->engine += cpu_of_engine();
	out->us = 1e6 * out->wall / (ROUNDS * LOADS);
	stop(s);
	free(s);
	return e;
}

static void
row(struct bench *b, const char *name, const char *than, double value,
    double floor)
{
	bench_figure(b,
	    &(struct bench_result){.name = name,
		.floor_name = than,
		.unit = "us",
		.clock = BENCH_WALL,
		.value = value,
		.floor = floor});
}

static const struct {
	unsigned daemons;
	const char *name, *clients, *served, *engine;
} ROWS[] = {
    {1, "load over TLS, PostgreSQL, 1 daemon", "  of a CPU: clients, 1 daemon",
	"  of a CPU: 1 daemon", "  of a CPU: PostgreSQL, 1 daemon"},
    {2, "load over TLS, PostgreSQL, 2 daemons",
	"  of a CPU: clients, 2 daemons", "  of a CPU: 2 daemons",
	"  of a CPU: PostgreSQL, 2 daemons"},
    {DAEMONS, "load over TLS, PostgreSQL, 4 daemons",
	"  of a CPU: clients, 4 daemons", "  of a CPU: 4 daemons",
	"  of a CPU: PostgreSQL, 4 daemons"},
};

int
bench_daemons(struct bench *b, struct world *w)
{
	double one = 0;
	int e = 0;

	(void)w;
	if (getenv(LOADS_POSTGRES) == NULL) {
		bench_skip(b, "loads with PostgreSQL: there is none");
		return 0;
	}
	bench_unpin();
	for (size_t k = 0; e == 0 && k < sizeof(ROWS) / sizeof(ROWS[0]); k++) {
		struct shares s;

		e = measure(ROWS[k].daemons, &s);
		if (e != 0)
			break;
		if (k == 0)
			one = s.us;
		row(b, ROWS[k].name, "1 daemon", s.us, one);
		row(b, ROWS[k].clients, "the time on the wall", 1e6 * s.clients,
		    1e6 * s.wall);
		row(b, ROWS[k].served, "the time on the wall", 1e6 * s.daemons,
		    1e6 * s.wall);
		row(b, ROWS[k].engine, "the time on the wall", 1e6 * s.engine,
		    1e6 * s.wall);
	}
	bench_pin(b);
	return e;
}
