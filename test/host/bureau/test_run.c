/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/bureau/run.c, readers.c: an order is carried out whole, whatever ends
 * the program in between: a child is killed (SIGKILL) after each step in turn,
 * and the same order is run again.
 *
 * JIAOZI_TEAR=full kills twice in a row, too.
 */
#define _DEFAULT_SOURCE

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../host/bureau/bureau.h"
#include "../../../reader/virtual.h"
#include "../../support/issuerrig.h"

#define CARDS	   5u
#define GROUP	   2u
#define PATH_CAP   256
#define STEPS_MAX  200u
#define PASSPHRASE JZ_SECRET("canary of the letters 61d8")

static const struct jz_order_line LIKE = {.max_balance_minor = 100000,
    .max_single_minor = 5000,
    .pin_above_minor = 1000};

struct fixture {
	struct rig *rig;
	char dir[PATH_CAP], mailer[PATH_CAP];
	struct jz_order order;
	unsigned step, end_at; /* 0: never */
	unsigned letters, cards;
	unsigned serial;
};

static void
begin(struct fixture *f, struct rig *rig, size_t n)
{
	static unsigned serial;

	memset(f, 0, sizeof(*f));
	f->rig = rig;
	serial++;
	snprintf(f->dir, sizeof(f->dir), "%s/order%u", rig->parent, serial);
	snprintf(
	    f->mailer, sizeof(f->mailer), "%s/mailer%u", rig->parent, serial);
	assert_int_equal(jz_order_of(&LIKE, n, 0, &f->order), 0);
}

static void
count_step(enum jz_bureau_step step, void *arg)
{
	struct fixture *f = arg;

	(void)step;
	if (++f->step == f->end_at)
		raise(SIGKILL);
}

static struct jz_bureau
bureau(struct fixture *f, struct jz_issuer *issuer, struct jz_mailer *mailer)
{
	return (struct jz_bureau){.issuer = issuer,
	    .dir = f->dir,
	    .order = &f->order,
	    .mailer = mailer,
	    .jobs = 1,
	    .group = GROUP,
	    .step = count_step,
	    .arg = f};
}

static int
run(struct fixture *f, struct jz_issuer *issuer, struct jz_bureau_progress *p)
{
	struct jz_mailer *m = NULL;
	struct jz_bureau b;
	int err = jz_mailer_open(f->mailer, PASSPHRASE, &m);

	assert_int_equal(err, 0);
	b = bureau(f, issuer, m);
	f->step = 0;
	err = jz_bureau_run(&b, p);
	assert_int_equal(jz_mailer_close(&m), 0);
	return err;
}

/* ---- what must be there ------------------------------------------------- */

struct peek {
	struct jz_reader *reader;
	struct jz_session session;
};

static void
open_card(struct peek *p, const char *path)
{
	const struct jz_virtual_options o = {.path = path};
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_open(&o, &v), 0);
	assert_int_equal(jz_reader_take_virtual(&v, &p->reader), 0);
	jz_session_init(&p->session, p->reader);
	assert_int_equal(jz_purse_select(&p->session), 0);
}

/* The card of a number is complete, the issuer's, and has the letter's PIN. */
static int
check_letter(const struct jz_letter *l, void *arg)
{
	struct fixture *f = arg;
	struct jz_issuer_card known = {0};
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	size_t len = sizeof(certificate);
	char path[2 * PATH_CAP];
	struct jz_purse_info info;
	struct peek p;
	unsigned tries;

	snprintf(path, sizeof(path), "%s/%s.card", f->dir, l->number);
	open_card(&p, path);
	assert_int_equal(jz_purse_info(&p.session, &info), 0);
	assert_int_equal(info.state, JZ_PURSE_PERSONALISED);
	assert_int_equal(info.max_balance_minor, LIKE.max_balance_minor);
	assert_int_equal(jz_purse_verify_pin(&p.session, &l->pin, &tries), 0);
	assert_int_equal(
	    jz_purse_certificate(&p.session, certificate, &len), 0);
	assert_int_equal(
	    jz_issuer_registered(f->rig->issuer, info.id, &known), 0);
	assert_int_equal(len, known.certificate_len);
	assert_memory_equal(certificate, known.certificate, len);
	jz_reader_free(&p.reader);
	f->letters++;
	return 0;
}

/* Cards, their keys and the journal, and nothing else. */
static void
check_folder(struct fixture *f)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	unsigned cards = 0, keys = 0, others = 0;
	size_t len;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_name[0] != '.' && len == 25)
			cards++;
		else if (e->d_name[0] != '.' && len == 29)
			keys++;
		else
			others++;
	}
	closedir(d);
	assert_int_equal(cards, f->order.n);
	assert_int_equal(keys, f->order.n);
	assert_int_equal(others, 1);
}

static int64_t
cards_registered(const struct rig *r)
{
	return rig_number(r, "SELECT COUNT(*) FROM card");
}

static int64_t
next_number(const struct rig *r)
{
	return rig_number(r, "SELECT next FROM sequence WHERE name = 'card'");
}

static void
check_all(struct fixture *f, int64_t cards, int64_t next)
{
	f->letters = 0;
	assert_int_equal(
	    jz_mailer_read(f->mailer, PASSPHRASE, check_letter, f), 0);
	assert_int_equal(f->letters, f->order.n);
	check_folder(f);
	assert_int_equal(cards_registered(f->rig), cards + (int64_t)f->order.n);
	assert_int_equal(next_number(f->rig), next + (int64_t)f->order.n);
}

/* ---- whole runs --------------------------------------------------------- */

static void
test_whole_order(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	int64_t cards, next;

	begin(&f, *state, CARDS);
	cards = cards_registered(f.rig);
	next = next_number(f.rig);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(p.done, CARDS);
	assert_int_equal(p.before, 0);
	check_all(&f, cards, next);
	/* Again: nothing is left to do. */
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(p.before, CARDS);
	check_all(&f, cards, next);
	jz_order_free(&f.order);
}

static void
test_threads(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	struct jz_mailer *m = NULL;
	struct jz_bureau b;
	int64_t cards, next;

	begin(&f, *state, 40);
	cards = cards_registered(f.rig);
	next = next_number(f.rig);
	assert_int_equal(jz_mailer_open(f.mailer, PASSPHRASE, &m), 0);
	b = bureau(&f, f.rig->issuer, m);
	b.step = NULL;
	b.jobs = 4;
	b.group = 3;
	assert_int_equal(jz_bureau_run(&b, &p), 0);
	assert_int_equal(jz_mailer_close(&m), 0);
	assert_int_equal(p.done, 40);
	check_all(&f, cards, next);
	jz_order_free(&f.order);
}

/* ---- killed ------------------------------------------------------------- */

/* True when the child was killed, false when it came to the end. */
static bool
killed_at(struct fixture *f, unsigned step)
{
	struct jz_issuer child;
	struct jz_bureau_progress p;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* The same keys; a database handle must not be shared. */
		child = *f->rig->issuer;
		if (jz_store_open(f->rig->database, &child.store) != 0)
			_exit(2);
		f->end_at = step;
		/* By a signal: a checker of leaks would have its say in the
		 * exit code, for what is the parent's. */
		if (run(f, &child, &p) == 0 && p.done == f->order.n)
			raise(SIGTERM);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	if (WTERMSIG(status) == SIGKILL)
		return true;
	assert_int_equal(WTERMSIG(status), SIGTERM);
	return false;
}

static void
test_killed_anywhere(void **state)
{
	struct jz_bureau_progress p;
	struct fixture f;
	unsigned step = 1;
	bool killed = true;

	for (; killed; step++) {
		int64_t cards, next;

		assert_true(step < STEPS_MAX);
		begin(&f, *state, CARDS);
		cards = cards_registered(f.rig);
		next = next_number(f.rig);
		killed = killed_at(&f, step);
		assert_int_equal(run(&f, f.rig->issuer, &p), 0);
		assert_int_equal(p.done, CARDS);
		check_all(&f, cards, next);
		jz_order_free(&f.order);
	}
	print_message("killed after each of %u steps\n", step - 2);
	assert_true(step > 20);
}

/* Killed again and again, a few steps further each time. */
static void
test_killed_over_and_over(void **state)
{
	const bool full = getenv("JIAOZI_TEAR") != NULL;
	struct jz_bureau_progress p;
	struct fixture f;

	for (unsigned stride = full ? 7 : 11; stride < 14; stride++) {
		int64_t cards, next;
		unsigned kills = 0;

		begin(&f, *state, CARDS);
		cards = cards_registered(f.rig);
		next = next_number(f.rig);
		while (killed_at(&f, stride))
			assert_true(++kills < STEPS_MAX);
		assert_true(kills > 0);
		assert_int_equal(run(&f, f.rig->issuer, &p), 0);
		assert_int_equal(p.before, CARDS);
		check_all(&f, cards, next);
		jz_order_free(&f.order);
	}
}

/* ---- what can be wrong -------------------------------------------------- */

static void
test_other_order(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	struct jz_order other;

	begin(&f, *state, 2);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(jz_order_of(&LIKE, 3, 0, &other), 0);
	jz_order_free(&f.order);
	f.order = other;
	assert_int_equal(run(&f, f.rig->issuer, &p), JZ_ERR_ORDER_OTHER);
	jz_order_free(&f.order);
}

static void
test_folder_in_use(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	char path[2 * PATH_CAP];
	int fd;

	begin(&f, *state, 1);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	snprintf(path, sizeof(path), "%s/batch.jsonl", f.dir);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(run(&f, f.rig->issuer, &p), JZ_ERR_ORDER_BUSY);
	close(fd);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	jz_order_free(&f.order);
}

static void
test_numbers_are_given_once(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	uint32_t next;

	begin(&f, *state, 2);
	next = (uint32_t)next_number(f.rig);
	f.order.first = next - 1;
	assert_int_equal(run(&f, f.rig->issuer, &p), JZ_ERR_EXISTS);
	assert_int_equal(next_number(f.rig), next);
	f.order.first = next + 5;
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(next_number(f.rig), next + 7);
	jz_order_free(&f.order);
}

/* An account that is not there fails its line; opened, the line is made. */
static void
test_failed_line_is_tried_again(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;

	begin(&f, *state, 3);
	strcpy(f.order.lines[1].account, "late");
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(p.done, 2);
	assert_int_equal(p.failed, 1);
	assert_int_equal(
	    jz_issuer_account_open(f.rig->issuer, "late", "Late"), 0);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(p.done, 3);
	assert_int_equal(p.before, 2);
	check_folder(&f);
	jz_order_free(&f.order);
}

static void
test_pins_need_a_mailer(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	struct jz_bureau b;

	begin(&f, *state, 1);
	b = bureau(&f, f.rig->issuer, NULL);
	assert_int_equal(jz_bureau_run(&b, &p), JZ_ERR_ARGUMENT);
	f.order.lines[0].pin = *JZ_SECRET("271828");
	assert_int_equal(jz_bureau_run(&b, &p), 0);
	assert_int_equal(p.done, 1);
	jz_order_free(&f.order);
}

/* Half a line at the end is cut off; a broken one before it is damage. */
static void
test_damaged_journal(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	char path[2 * PATH_CAP];
	FILE *file;

	begin(&f, *state, 2);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	snprintf(path, sizeof(path), "%s/batch.jsonl", f.dir);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("{\"line\":2,\"sta", file);
	fclose(file);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(p.before, 2);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("{\"line\":3,\"status\":\"done\"}\n", file);
	fclose(file);
	assert_int_equal(run(&f, f.rig->issuer, &p), JZ_ERR_ORDER_DAMAGED);
	jz_order_free(&f.order);
}

/* ---- real cards --------------------------------------------------------- */

/* Cards in the order in which somebody puts them in. */
struct tray {
	struct jz_virtual_pool *pool;
	const char *path; /* of one in a file, to be put in next; or NULL */
	bool again;	  /* it has been there before */
	unsigned fed, made, end_after;
	int last_error;
	char last[JZ_ISSUER_NUMBER_CHARS + 1];
};

static int
next_card(void *arg, struct jz_reader **out)
{
	struct tray *t = arg;
	const struct jz_virtual_options o = {
	    .path = t->path, .pool = t->pool, .compact = true};
	struct jz_virtual *v = NULL;

	*out = NULL;
	if (t->fed++ == t->end_after)
		return JZ_ERR_CANCELLED;
	if (t->again)
		assert_int_equal(jz_virtual_open(&o, &v), 0);
	else
		assert_int_equal(jz_virtual_create(&o, &v), 0);
	t->path = NULL;
	t->again = false;
	return jz_reader_take_virtual(&v, out);
}

static void
told(void *arg, const char *number, int error)
{
	struct tray *t = arg;

	t->last_error = error;
	strcpy(t->last, number);
	t->made += error == 0;
}

static void
test_real_cards(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	struct tray tray = {.end_after = 2};
	const struct jz_bureau_feed feed = {next_card, told, &tray, NULL, 0};
	struct jz_mailer *m = NULL;
	struct jz_bureau b;

	begin(&f, *state, 3);
	assert_int_equal(jz_virtual_pool_new(&tray.pool), 0);
	assert_int_equal(jz_mailer_open(f.mailer, PASSPHRASE, &m), 0);
	b = bureau(&f, f.rig->issuer, m);
	assert_int_equal(jz_bureau_readers(&b, &feed, &p), 0);
	assert_int_equal(p.done, 2);
	assert_int_equal(p.failed, 0);
	tray.end_after = 100;
	assert_int_equal(jz_bureau_readers(&b, &feed, &p), 0);
	assert_int_equal(p.done, 3);
	assert_int_equal(p.before, 2);
	assert_int_equal(tray.made, 3);
	assert_int_equal(jz_mailer_close(&m), 0);
	jz_virtual_pool_free(&tray.pool);
	jz_order_free(&f.order);
}

static void
die_when_registered(enum jz_bureau_step step, void *arg)
{
	(void)arg;
	if (step == JZ_STEP_REGISTERED)
		raise(SIGKILL);
}

/* Ends itself when the first card is registered and has no certificate. */
static void
tear_card(struct fixture *f, struct tray *tray)
{
	const struct jz_bureau_feed feed = {next_card, told, tray, NULL, 0};
	struct jz_issuer child = *f->rig->issuer;
	struct jz_bureau_progress p;
	struct jz_mailer *m = NULL;
	struct jz_bureau b;

	if (jz_store_open(f->rig->database, &child.store) != 0 ||
	    jz_mailer_open(f->mailer, PASSPHRASE, &m) != 0)
		_exit(2);
	b = bureau(f, &child, m);
	b.step = die_when_registered;
	(void)jz_bureau_readers(&b, &feed, &p);
	_exit(1);
}

/* The torn card comes second: it gets the number that it was registered for,
 * and the new card before it the next one. */
static void
test_torn_real_card(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	struct tray tray = {.end_after = 1};
	const struct jz_bureau_feed feed = {next_card, told, &tray, NULL, 0};
	struct jz_mailer *m = NULL;
	char path[2 * PATH_CAP], first[JZ_ISSUER_NUMBER_CHARS + 1];
	uint8_t id[JZ_ID_BYTES];
	struct jz_bureau b;
	uint32_t next;
	int status;
	pid_t pid;

	begin(&f, *state, 2);
	next = (uint32_t)next_number(f.rig);
	snprintf(path, sizeof(path), "%s/torn.card", f.rig->parent);
	assert_int_equal(jz_virtual_pool_new(&tray.pool), 0);
	tray.path = path;
	pid = fork();
	if (pid == 0)
		tear_card(&f, &tray);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(jz_mailer_open(f.mailer, PASSPHRASE, &m), 0);
	b = bureau(&f, f.rig->issuer, m);
	tray.path = NULL;
	assert_int_equal(jz_bureau_readers(&b, &feed, &p), 0);
	assert_int_equal(tray.last_error, 0);
	jz_issuer_number_text(next + 1, first, id);
	assert_string_equal(tray.last, first);
	tray.path = path;
	tray.again = true;
	tray.end_after = 100;
	assert_int_equal(jz_bureau_readers(&b, &feed, &p), 0);
	jz_issuer_number_text(next, first, id);
	assert_string_equal(tray.last, first);
	assert_int_equal(p.done, 2);
	assert_int_equal(jz_mailer_close(&m), 0);
	jz_virtual_pool_free(&tray.pool);
	jz_order_free(&f.order);
}

/* ---- reports ------------------------------------------------------------ */

static void
test_reports(void **state)
{
	struct fixture f;
	struct jz_bureau_progress p;
	char path[2 * PATH_CAP], line[2048];
	unsigned rows = 0;
	FILE *file;

	begin(&f, *state, 3);
	strcpy(f.order.lines[1].account, "missing");
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	assert_int_equal(run(&f, f.rig->issuer, &p), 0);
	snprintf(path, sizeof(path), "%s/report.csv", f.rig->parent);
	assert_int_equal(jz_bureau_report(f.dir, path), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		rows++;
		if (rows == 3)
			assert_non_null(strstr(line, ",failed,"));
	}
	fclose(file);
	assert_int_equal(rows, 4);
	snprintf(path, sizeof(path), "%s/report.jsonl", f.rig->parent);
	assert_int_equal(jz_bureau_report(f.dir, path), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	for (rows = 0; fgets(line, sizeof(line), file) != NULL;)
		rows++;
	fclose(file);
	assert_int_equal(rows, 4);
	assert_string_equal(
	    line, "{\"total\":3,\"done\":2,\"failed\":1,\"open\":0}\n");
	jz_order_free(&f.order);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole_order),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_killed_anywhere),
	    cmocka_unit_test(test_killed_over_and_over),
	    cmocka_unit_test(test_other_order),
	    cmocka_unit_test(test_folder_in_use),
	    cmocka_unit_test(test_numbers_are_given_once),
	    cmocka_unit_test(test_failed_line_is_tried_again),
	    cmocka_unit_test(test_pins_need_a_mailer),
	    cmocka_unit_test(test_damaged_journal),
	    cmocka_unit_test(test_real_cards),
	    cmocka_unit_test(test_torn_real_card),
	    cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
