/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE

#include "stage.h"

#include <arpa/inet.h>
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

#include "../support/temp.h"

#define PASSPHRASE    "chaos"
#define DEPOSIT_TEXT  "1000000.00"
#define DELAY_MAX_US  3000u
#define CLIENT_MAX_MS 100000u
#define ARGUMENTS     24

const char *const FAULT_NAMES[FAULTS] = {"nothing", "network cut",
    "messages lost or repeated", "daemon killed", "client killed",
    "cards killed", "database stopped"};

void
stage_die(struct stage *s, const char *what)
{
	const pid_t all[] = {s->daemon, s->client, s->cards};

	fprintf(stderr, "chaos: seed %llu: %s; fault: %s\n",
	    (unsigned long long)s->seed, what, FAULT_NAMES[s->fault]);
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		if (all[k] > 0)
			(void)kill(all[k], SIGKILL);
	exit(1);
}

void
stage_seed(struct stage *s, uint64_t seed)
{
	s->seed = seed;
	s->state = random_state(seed);
}

uint64_t
stage_draw(struct stage *s)
{
	return random_next(&s->state);
}

static void
sleep_us(unsigned us)
{
	const struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};

	(void)nanosleep(&t, NULL);
}

/* ---- programs ------------------------------------------------------------ */

static pid_t
start(const struct stage *s, const char *const argv[], const char *output)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(s->dir) != 0)
		_exit(126);
	execv(s->program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
run(struct stage *s, const char *const argv[])
{
	int status = -1;
	pid_t pid = start(s, argv, "/dev/null");

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		stage_die(s, argv[2]);
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
start_daemon(struct stage *s)
{
	char where[32], log[96];
	const char *argv[] = {s->program, "issuer", "serve", "bank", "--listen",
	    where, "--certificate", s->files.certificate, "--certificate-key",
	    s->files.key, "--passphrase", "env:PASS", "--rate", "0",
	    "--workers", "4", NULL};

	snprintf(where, sizeof(where), "127.0.0.1:%u", (unsigned)s->port);
	snprintf(log, sizeof(log), "%s/log", s->dir);
	s->daemon = start(s, argv, log);
	if (s->daemon < 0)
		stage_die(s, "no daemon");
}

static void
start_cards(struct stage *s)
{
	char log[96];
	const char *argv[] = {s->program, "card", "serve", s->holder[0].file,
	    s->holder[1].file, NULL};

	snprintf(log, sizeof(log), "%s/cards", s->dir);
	s->cards = start(s, argv, log);
	if (s->cards < 0)
		stage_die(s, "no cards");
}

/* What has ended begins again, as under systemd. */
static void
tend(struct stage *s)
{
	if (s->daemon > 0 && waitpid(s->daemon, NULL, WNOHANG) != 0)
		s->daemon = -1;
	if (s->daemon < 0)
		start_daemon(s);
	if (!s->served)
		return;
	if (s->cards > 0 && waitpid(s->cards, NULL, WNOHANG) != 0)
		s->cards = -1;
	if (s->cards < 0)
		start_cards(s);
}

/* A daemon whose database is down gives up; it is started until it stays. */
static void
need_daemon(struct stage *s)
{
	for (unsigned n = 0; n < 12000; n++) {
		tend(s);
		if (answers(s->port))
			return;
		sleep_us(5000);
	}
	stage_die(s, "the daemon does not start");
}

static bool
card_answers(const struct holder *h)
{
	struct jz_reader *reader = NULL;
	struct jz_session session;
	bool good = jz_reader_open(h->reader, &reader) == 0;

	if (good) {
		jz_session_init(&session, reader);
		good = jz_purse_select(&session) == 0;
		jz_reader_free(&reader);
	}
	return good;
}

/* The PC/SC daemon looks for cards a few times a second. */
static void
need_cards(struct stage *s)
{
	for (unsigned k = 0; s->served && k < CHAOS_HOLDERS; k++)
		for (unsigned n = 0; !card_answers(&s->holder[k]); n++) {
			if (n > 2000)
				stage_die(s, "a card does not come back");
			tend(s);
			sleep_us(10000);
		}
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
	struct stage *s = arg;

	sleep_us(s->delay_us);
	s->met[s->fault]++;
	if (s->fault == FAULT_DAEMON && s->daemon > 0)
		(void)kill(s->daemon, SIGKILL);
	if (s->fault == FAULT_CLIENT && s->client > 0)
		(void)kill(s->client, SIGKILL);
	if (s->fault == FAULT_CARD && s->cards > 0)
		(void)kill(s->cards, SIGKILL);
	if (s->fault == FAULT_DATABASE)
		stop_database();
}

static bool
possible(const struct stage *s, enum fault f)
{
	if (f == FAULT_DATABASE)
		return getenv("POSTGRES_PIDFILE") != NULL;
	return f != FAULT_CARD || s->served;
}

/* Of what is possible here. */
static void
plan(struct stage *s, bool faults)
{
	enum fault kinds[FAULTS];
	uint64_t kind, delay, bytes;
	unsigned n = 0;

	proxy_plan(s->proxy, UINT64_MAX, false, NULL, NULL);
	repeater_plan(s->repeater, 0);
	s->fault = FAULT_NONE;
	if (!faults)
		return;
	for (int f = FAULT_CUT; f < FAULTS; f++)
		if (possible(s, (enum fault)f))
			kinds[n++] = (enum fault)f;
	kind = stage_draw(s);
	delay = stage_draw(s);
	bytes = stage_draw(s);
	s->fault = kinds[kind % n];
	s->delay_us = (unsigned)(delay % DELAY_MAX_US);
	if (s->fault == FAULT_MESSAGES)
		repeater_plan(s->repeater, bytes | 1);
	else
		proxy_plan(s->proxy, bytes % s->bytes_max,
		    s->fault == FAULT_CUT, strike, s);
}

/* ---- one command, whatever happens to it ---------------------------------- */

static unsigned
add(const char *argv[static ARGUMENTS], unsigned n, const char *const more[])
{
	for (; *more != NULL; more++)
		argv[n++] = *more;
	return n;
}

static int
wait_for_client(struct stage *s)
{
	int status = 0;

	for (unsigned ms = 0; waitpid(s->client, &status, WNOHANG) == 0; ms++) {
		if (ms > CLIENT_MAX_MS)
			stage_die(s, "the client does not end");
		tend(s);
		sleep_us(1000);
	}
	s->client = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
stage_client(struct stage *s, const struct holder *h, const char *const more[],
    bool faults)
{
	char url[64], output[96];
	const char *argv[ARGUMENTS] = {s->program};
	unsigned n = add(argv, 1, more);
	int code;

	plan(s, faults);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u",
	    (unsigned)(s->fault == FAULT_MESSAGES ? repeater_port(s->repeater)
						  : proxy_port(s->proxy)));
	snprintf(output, sizeof(output), "%s/client", s->dir);
	n = add(argv, n,
	    (const char *const[]){"--card", h->reader, "--issuer", url, "--ca",
		s->files.certificate, "--timeout", faults ? "2" : "60",
		"--json", NULL});
	argv[n] = NULL;
	(void)unlink(output);
	s->client = start(s, argv, output);
	code = wait_for_client(s);
	proxy_plan(s->proxy, UINT64_MAX, false, NULL, NULL);
	need_daemon(s);
	need_cards(s);
	return code;
}

static void
show_client(const struct stage *s)
{
	char name[96], text[1024];
	size_t n;
	FILE *f;

	snprintf(name, sizeof(name), "%s/client", s->dir);
	f = fopen(name, "re");
	n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	fprintf(stderr, "%s\n", text);
}

void
stage_must(struct stage *s, const struct holder *h, const char *const more[])
{
	enum fault before = s->fault;

	if (stage_client(s, h, more, false) == 0) {
		s->fault = before;
		return;
	}
	show_client(s);
	s->fault = before;
	stage_die(s, more[0]);
}

/* ---- what there is ------------------------------------------------------- */

static void
open_issuer(struct stage *s)
{
	char bank[96];

	snprintf(bank, sizeof(bank), "%s/bank", s->dir);
	jz_issuer_free(&s->issuer);
	for (unsigned n = 0; n < 100; n++) {
		if (jz_issuer_open(bank, JZ_SECRET(PASSPHRASE), &s->issuer) ==
		    0)
			return;
		sleep_us(50000);
	}
	stage_die(s, "the issuer does not open");
}

int64_t
stage_account(struct stage *s, const struct holder *h)
{
	int64_t minor;

	/* The connection may have gone with the database. */
	if (jz_issuer_account_balance(s->issuer, h->name, &minor) != 0) {
		open_issuer(s);
		if (jz_issuer_account_balance(s->issuer, h->name, &minor) != 0)
			stage_die(s, "no balance");
	}
	return minor;
}

void
stage_card(struct stage *s, const struct holder *h, struct jz_reader **reader,
    struct jz_session *session)
{
	*reader = NULL;
	if (jz_reader_open(h->reader, reader) != 0)
		stage_die(s, "the card does not open");
	jz_session_init(session, *reader);
	if (jz_purse_select(session) != 0)
		stage_die(s, "the card does not answer");
}

/* ---- set up -------------------------------------------------------------- */

static void
make_bank(struct stage *s)
{
	const char *postgres = getenv("JIAOZI_TEST_POSTGRES");

	run(s,
	    (const char *const[]){s->program, "issuer", "init", "bank",
		"--passphrase", "env:PASS", postgres != NULL ? "--store" : NULL,
		postgres, NULL});
	for (unsigned k = 0; k < CHAOS_HOLDERS; k++) {
		const char *name = s->holder[k].name;

		run(s,
		    (const char *const[]){s->program, "issuer", "account-open",
			"bank", name, "--passphrase", "env:PASS", NULL});
		run(s,
		    (const char *const[]){s->program, "issuer", "deposit",
			"bank", name, DEPOSIT_TEXT, "--passphrase", "env:PASS",
			NULL});
	}
}

static void
make_card(struct stage *s, struct holder *h, const char *name,
    const char *profile, unsigned slot)
{
	char in_file[128];

	h->name = name;
	h->profile = profile;
	snprintf(h->file, sizeof(h->file), "%s/%u.card", s->dir, s->made++);
	snprintf(in_file, sizeof(in_file), "virtual:%s", h->file);
	if (s->served)
		snprintf(h->reader, sizeof(h->reader),
		    "pcsc:Virtual PCD 00 %02u", slot);
	else
		snprintf(h->reader, sizeof(h->reader), "%s", in_file);
	run(s,
	    (const char *const[]){s->program, "card", "create", h->file, NULL});
	run(s,
	    (const char *const[]){s->program, "card", "personalise", "--card",
		in_file, "--issuer", "bank", "--account", name, "--holder",
		name, "--pin", "env:PIN", "--passphrase", "env:PASS",
		"--max-balance", "1000000.00", profile, NULL});
}

void
stage_successor(struct stage *s, const struct holder *h, struct holder *out)
{
	make_card(s, out, h->name, h->profile, 0);
}

void
stage_set_up(struct stage *s)
{
	memset(s, 0, sizeof(*s));
	s->daemon = s->client = s->cards = -1;
	s->program = getenv("JIAOZI");
	s->served = getenv("JIAOZI_VPCD_PORT") != NULL;
	if (s->program == NULL)
		stage_die(s, "JIAOZI is not set");
	if (!temp_new(s->dir, sizeof(s->dir), "jz-chaos") ||
	    setenv("PASS", PASSPHRASE, 1) != 0 ||
	    setenv("PIN", CHAOS_PIN, 1) != 0)
		stage_die(s, "no directory");
	daemon_new(&s->files);
	s->holder[0].name = "clear";
	s->holder[1].name = "sealed";
	make_bank(s);
	make_card(s, &s->holder[0], "clear", NULL, 0);
	make_card(s, &s->holder[1], "sealed", "--sealed-loads", 1);
	open_issuer(s);
	s->port = (unsigned short)(20000 + getpid() % 20000);
	s->proxy = proxy_new(s->port);
	s->repeater = repeater_new(s->port, s->files.certificate, s->files.key);
	if (s->proxy == NULL || s->repeater == NULL)
		stage_die(s, "no network");
	need_daemon(s);
	need_cards(s);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool
ends_well(pid_t pid)
{
	int status = 0;

	(void)kill(pid, SIGTERM);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

void
stage_clean_up(struct stage *s)
{
	proxy_free(s->proxy);
	s->met[FAULT_MESSAGES] = repeater_met(s->repeater);
	repeater_free(s->repeater);
	jz_issuer_free(&s->issuer);
	if (!ends_well(s->daemon))
		stage_die(s, "the daemon did not end well");
	if (s->served && !ends_well(s->cards))
		stage_die(s, "the cards did not end well");
	daemon_free(&s->files);
	(void)nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
