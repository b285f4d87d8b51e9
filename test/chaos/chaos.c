/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos [RUNS [SEED]]: loads over TLS, and at some byte of each the daemon or
 * the client with its card is killed (SIGKILL), the network cut, or the
 * database stopped; then they are started again and the load resumed, which may
 * meet the same.  After each run: the load was executed once or cancelled once,
 * card and books say the same of it, and account, card and transit sum up.
 *
 * One seed gives one plan; the clock and the scheduler have their part in what
 * comes of it.  JIAOZI names the program.  With JIAOZI_TEST_POSTGRES the books
 * are there, and POSTGRES_PIDFILE says what to stop (test/with-postgres.sh).
 */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../host/bank.h"
#include "../../reader/reader.h"
#include "../support/daemon.h"
#include "proxy.h"
#include "../support/temp.h"

#define RUNS_DEFAULT  30
#define PASSPHRASE    "chaos"
#define PIN	      "123456"
#define ACCOUNT	      "alice"
#define DEPOSIT	      100000000u
#define BYTES_MAX     5500u /* a load and its handshake are some 4500 */
#define DELAY_MAX_US  3000u
#define CLIENT_MAX_MS 100000u
#define ARGUMENTS     24

enum fault {
	FAULT_NONE,
	FAULT_CUT,
	FAULT_DAEMON,
	FAULT_CLIENT,
	FAULT_DATABASE,
	FAULTS,
};
static const char *const FAULT_NAMES[FAULTS] = {"nothing", "network cut",
    "daemon killed", "client killed", "database stopped"};

struct chaos {
	char dir[64];
	struct daemon files; /* of TLS; its server is not used */
	const char *program;
	struct proxy *proxy;
	unsigned short port;
	pid_t daemon, client;
	struct jz_issuer *issuer;
	uint64_t seed, state;
	enum fault fault;
	unsigned delay_us;
	unsigned met[FAULTS], plain;
	uint64_t total; /* account and card together */
};

static struct chaos C;

static void
die(const char *what)
{
	fprintf(
	    stderr, "chaos: seed %llu: %s\n", (unsigned long long)C.seed, what);
	if (C.daemon > 0)
		(void)kill(C.daemon, SIGKILL);
	exit(1);
}

/* xorshift64* */
static uint64_t
draw(void)
{
	C.state ^= C.state >> 12;
	C.state ^= C.state << 25;
	C.state ^= C.state >> 27;
	return C.state * UINT64_C(0x2545F4914F6CDD1D);
}

static void
sleep_us(unsigned us)
{
	const struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};

	(void)nanosleep(&t, NULL);
}

/* ---- programs ------------------------------------------------------------ */

static pid_t
start(const char *const argv[], const char *output)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(C.dir) != 0)
		_exit(126);
	execv(C.program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int
run(const char *const argv[])
{
	int status = -1;
	pid_t pid = start(argv, "/dev/null");

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("a program cannot be run");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
answers(unsigned short port)
{
	struct sockaddr_in a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	good = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

static void
start_daemon(void)
{
	char where[32], log[96];
	const char *argv[] = {C.program, "issuer", "serve", "bank", "--listen",
	    where, "--certificate", C.files.certificate, "--certificate-key",
	    C.files.key, "--passphrase", "env:PASS", "--rate", "0", "--workers",
	    "4", NULL};

	snprintf(where, sizeof(where), "127.0.0.1:%u", (unsigned)C.port);
	snprintf(log, sizeof(log), "%s/log", C.dir);
	C.daemon = start(argv, log);
	if (C.daemon < 0)
		die("no daemon");
}

/* A daemon whose database is down gives up; it is started until it stays. */
static void
need_daemon(void)
{
	for (unsigned n = 0; n < 12000; n++) {
		if (C.daemon > 0 && waitpid(C.daemon, NULL, WNOHANG) != 0)
			C.daemon = -1;
		if (C.daemon < 0)
			start_daemon();
		else if (answers(C.port))
			return;
		sleep_us(5000);
	}
	die("the daemon does not start");
}

/* ---- faults -------------------------------------------------------------- */

static void
stop_database(void)
{
	const char *name = getenv("POSTGRES_PIDFILE");
	FILE *f = name != NULL ? fopen(name, "re") : NULL;
	long pid = 0;

	if (f == NULL)
		return;
	if (fscanf(f, "%ld", &pid) == 1 && pid > 1)
		(void)kill((pid_t)pid, SIGQUIT);
	fclose(f);
}

static void
strike(void *arg)
{
	(void)arg;
	sleep_us(C.delay_us);
	C.met[C.fault]++;
	if (C.fault == FAULT_DAEMON && C.daemon > 0)
		(void)kill(C.daemon, SIGKILL);
	if (C.fault == FAULT_CLIENT && C.client > 0)
		(void)kill(C.client, SIGKILL);
	if (C.fault == FAULT_DATABASE)
		stop_database();
}

static void
plan(bool faults)
{
	unsigned kinds =
	    getenv("POSTGRES_PIDFILE") != NULL ? FAULTS : FAULT_DATABASE;

	C.fault = faults ? (enum fault)(draw() % (kinds - 1) + 1) : FAULT_NONE;
	C.delay_us = (unsigned)(draw() % DELAY_MAX_US);
	proxy_plan(C.proxy, faults ? draw() % BYTES_MAX : UINT64_MAX,
	    C.fault == FAULT_CUT, C.fault != FAULT_NONE ? strike : NULL, NULL);
}

/* ---- one command, whatever happens to it ---------------------------------- */

/* Its exit code; -1: it was killed. */
static int
client(const char *const more[], bool faults)
{
	char url[64], output[96];
	const char *argv[ARGUMENTS] = {C.program};
	int status = 0, n = 1;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u",
	    (unsigned)proxy_port(C.proxy));
	snprintf(output, sizeof(output), "%s/client", C.dir);
	for (; *more != NULL; more++)
		argv[n++] = *more;
	argv[n++] = "--card";
	argv[n++] = "virtual:alice.card";
	argv[n++] = "--issuer";
	argv[n++] = url;
	argv[n++] = "--ca";
	argv[n++] = C.files.certificate;
	argv[n++] = "--timeout";
	argv[n++] = faults ? "2" : "60";
	argv[n++] = "--json";
	argv[n] = NULL;
	(void)unlink(output);
	plan(faults);
	C.client = start(argv, output);
	for (unsigned ms = 0; waitpid(C.client, &status, WNOHANG) == 0; ms++) {
		if (ms > CLIENT_MAX_MS) {
			(void)kill(C.client, SIGKILL);
			die("the client does not end");
		}
		/* As systemd would. */
		if (C.daemon > 0 && waitpid(C.daemon, NULL, WNOHANG) != 0)
			C.daemon = -1;
		if (C.daemon < 0)
			start_daemon();
		sleep_us(1000);
	}
	C.client = -1;
	proxy_plan(C.proxy, UINT64_MAX, false, NULL, NULL);
	need_daemon();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
show_client(void)
{
	char name[96], text[512];
	size_t n;
	FILE *f;

	snprintf(name, sizeof(name), "%s/client", C.dir);
	f = fopen(name, "re");
	n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	fprintf(stderr, "%s\n", text);
}

static void
must(const char *const more[])
{
	if (client(more, false) == 0)
		return;
	show_client();
	die(more[0]);
}

/* ---- what must hold ------------------------------------------------------ */

struct truth {
	int64_t account;
	struct jz_purse_info card;
};

static void
open_issuer(void)
{
	char bank[96];

	snprintf(bank, sizeof(bank), "%s/bank", C.dir);
	jz_issuer_free(&C.issuer);
	for (unsigned n = 0; n < 100; n++) {
		if (jz_issuer_open(bank, JZ_SECRET(PASSPHRASE), &C.issuer) == 0)
			return;
		sleep_us(50000);
	}
	die("the issuer does not open");
}

static void
look(struct truth *t)
{
	struct jz_reader *reader = NULL;
	struct jz_session s;
	char name[96];

	snprintf(name, sizeof(name), "virtual:%s/alice.card", C.dir);
	if (jz_reader_open(name, &reader) != 0)
		die("the card does not open");
	jz_session_init(&s, reader);
	if (jz_purse_select(&s) != 0 || jz_purse_info(&s, &t->card) != 0)
		die("the card does not answer");
	jz_reader_free(&reader);
	/* The connection may have gone with the database. */
	if (jz_issuer_account_balance(C.issuer, ACCOUNT, &t->account) != 0) {
		open_issuer();
		if (jz_issuer_account_balance(C.issuer, ACCOUNT, &t->account) !=
		    0)
			die("no balance");
	}
}

static void
check(const struct truth *before, uint64_t amount)
{
	struct jz_load_story story;
	struct jz_books books;
	struct truth now;
	int64_t moved;

	look(&now);
	moved = before->account - now.account;
	if (jz_issuer_books(C.issuer, &books) != 0 || !books.balanced)
		die("the books do not balance");
	if (books.transit_load != 0)
		die("something is in transit still");
	if ((uint64_t)now.account + now.card.balance_minor != C.total)
		die("account and card do not sum up");
	if (moved != 0 && moved != (int64_t)amount)
		die("executed twice, or half");
	if (now.card.online_counter == before->card.online_counter) {
		if (moved != 0)
			die("a load without a counter");
		return;
	}
	if (jz_issuer_load_story(
		C.issuer, now.card.id, now.card.online_counter, &story) != 0)
		die("no story");
	if (moved != 0 ? story.state != JZ_LOAD_REPORTED
		       : story.state != JZ_LOAD_CANCELLED)
		die("card and books tell two stories");
}

/* ---- a run --------------------------------------------------------------- */

static void
one_run(void)
{
	char amount[32];
	uint64_t minor = draw() % 300 + 1;
	const char *load[] = {
	    "load", "--amount", amount, "--pin", "env:PIN", NULL};
	const char *resume[] = {"load", "--resume", NULL};
	unsigned more = (unsigned)(draw() % 3);
	struct truth before;

	look(&before);
	snprintf(amount, sizeof(amount), "%u.%02u", (unsigned)(minor / 100),
	    (unsigned)(minor % 100));
	C.plain += client(load, true) == 0;
	while (more-- > 0)
		(void)client(resume, true);
	must(resume);
	check(&before, minor);
	/* The card's log has room for so many. */
	if (before.card.unsettled + 4 > before.card.capacity) {
		const char *settle[] = {"settle", NULL};

		(void)client(settle, true);
		must(settle);
	}
}

static void
set_up(void)
{
	const char *postgres = getenv("JIAOZI_TEST_POSTGRES");
	const char *init[] = {C.program, "issuer", "init", "bank",
	    "--passphrase", "env:PASS", postgres != NULL ? "--store" : NULL,
	    postgres, NULL};
	const char *open_account[] = {C.program, "issuer", "account-open",
	    "bank", ACCOUNT, "--passphrase", "env:PASS", NULL};
	const char *deposit[] = {C.program, "issuer", "deposit", "bank",
	    ACCOUNT, "1000000.00", "--passphrase", "env:PASS", NULL};
	const char *create[] = {
	    C.program, "card", "create", "alice.card", NULL};
	const char *personalise[] = {C.program, "card", "personalise", "--card",
	    "virtual:alice.card", "--issuer", "bank", "--account", ACCOUNT,
	    "--holder", ACCOUNT, "--pin", "env:PIN", "--passphrase", "env:PASS",
	    "--max-balance", "1000000.00", NULL};

	if (!temp_new(C.dir, sizeof(C.dir), "jz-chaos") ||
	    setenv("PASS", PASSPHRASE, 1) != 0 || setenv("PIN", PIN, 1) != 0)
		die("no directory");
	daemon_new(&C.files);
	if (run(init) != 0 || run(open_account) != 0 || run(deposit) != 0 ||
	    run(create) != 0 || run(personalise) != 0)
		die("no bank, or no card");
	C.total = DEPOSIT;
	open_issuer();
	C.port = (unsigned short)(20000 + getpid() % 20000);
	C.proxy = proxy_new(C.port);
	if (C.proxy == NULL)
		die("no proxy");
	C.daemon = -1;
	need_daemon();
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	int status = 0;

	proxy_free(C.proxy);
	jz_issuer_free(&C.issuer);
	(void)kill(C.daemon, SIGTERM);
	if (waitpid(C.daemon, &status, 0) != C.daemon || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		die("the daemon did not end well");
	daemon_free(&C.files);
	(void)nftw(C.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(int argc, char **argv)
{
	unsigned long runs =
	    argc > 1 ? strtoul(argv[1], NULL, 10) : RUNS_DEFAULT;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	C.program = getenv("JIAOZI");
	if (C.program == NULL)
		die("JIAOZI is not set");
	set_up();
	for (unsigned long n = 0; n < runs; n++) {
		C.seed = first + n;
		C.state = C.seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
		one_run();
	}
	clean_up();
	printf("%lu runs from seed %llu: %u loads went through at once\n", runs,
	    (unsigned long long)first, C.plain);
	for (int f = FAULT_CUT; f < FAULTS; f++)
		printf("%s: %u times\n", FAULT_NAMES[f], C.met[f]);
	return 0;
}
