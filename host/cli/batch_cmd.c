/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card batch, card mailer.
 */
#define _DEFAULT_SOURCE

#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../keys/secret.h"
#include "../bureau/bureau.h"

#define MAX_BALANCE_DEFAULT "1000"
#define BAR_EVERY_S	    0.1
#define LINE_EVERY_S	    10.0
#define POLL_NS		    300000000L
#define SCHEME_PCSC	    "pcsc:"
/* Of one worker, and of everything else. */
#define FILES_OF_JOB 160u
#define FILES_BESIDE 64u

/* What the callbacks of a run need. */
struct batch {
	struct jz_cli *c;
	struct jz_issuer *issuer;
	struct jz_order order;
	struct jz_mailer *mailer;
	struct jz_scp03_keys keys; /* that real cards came with */
	bool quiet, terminal;
	double told; /* when the progress was shown */
	size_t shown;
	const char *reader; /* NULL: virtual cards */
	bool card_in, made; /* the card before, and whether it was made */
};

/* ---- progress ----------------------------------------------------------- */

static void
clock_text(double seconds, char out[static 16])
{
	unsigned long s = seconds < 0 ? 0 : (unsigned long)(seconds + 0.5);

	snprintf(
	    out, 16, "%lu:%02lu:%02lu", s / 3600 % 10000, s / 60 % 60, s % 60);
}

static void
show_progress(const struct jz_bureau_progress *p, void *arg)
{
	struct batch *b = arg;
	size_t all = p->done + p->failed, now = all - p->before;
	double rate = p->seconds > 0 ? (double)now / p->seconds : 0;
	char text[160], elapsed[16], left[16];
	bool last = all == p->total;

	if (b->quiet ||
	    (!last &&
		p->seconds - b->told <
		    (b->terminal ? BAR_EVERY_S : LINE_EVERY_S)))
		return;
	b->told = p->seconds;
	clock_text(p->seconds, elapsed);
	clock_text(rate > 0 ? (double)(p->total - all) / rate : 0, left);
	snprintf(text, sizeof(text),
	    jz_tr(b->c, "  %.0f cards/s  elapsed %s  left %s%s",
		"  %.0f 张/秒  已用 %s  剩余 %s%s"),
	    rate, elapsed, left,
	    p->failed > 0 ? jz_tr(b->c, "  some failed", "  有失败") : "");
	if (b->terminal)
		jz_cli_bar(all, p->total, text);
	else
		fprintf(stderr, "%zu/%zu%s\n", all, p->total, text);
}

/* ---- real cards --------------------------------------------------------- */

static void
pause_a_little(void)
{
	const struct timespec t = {0, POLL_NS};

	(void)nanosleep(&t, NULL);
}

static bool
is_absent(int err)
{
	return err == JZ_ERR_NO_CARD || err == JZ_ERR_CARD_REMOVED;
}

/* While a card is put in the daemon and other programs look at it, too. */
static bool
passes(int err)
{
	return err == JZ_ERR_READER_BUSY || err == JZ_ERR_CARD_RESET ||
	    err == JZ_ERR_TRANSMIT;
}

/* After a card that was made, one with an empty purse is another. */
static bool
is_empty(struct jz_reader *r)
{
	struct jz_session s;
	struct jz_purse_info info;

	jz_session_init(&s, r);
	return jz_purse_select(&s) == 0 && jz_purse_info(&s, &info) == 0 &&
	    info.state == JZ_PURSE_SELECTABLE;
}

/* Opens the reader when it has another card than the one before. */
static int
next_card(void *arg, struct jz_reader **out)
{
	struct batch *b = arg;
	int err;

	fprintf(stderr, "%s\n",
	    b->card_in ? jz_tr(b->c, "take the card out, insert the next card",
			     "请取出卡，放入下一张卡")
		       : jz_tr(b->c, "insert the next card", "请放入下一张卡"));
	for (;;) {
		err = jz_reader_open(b->reader, out);
		/* Cards may be changed faster than we look. */
		if (err == 0 && b->card_in && b->made && is_empty(*out))
			b->card_in = false;
		if (err == 0 && !b->card_in)
			err = jz_reader_begin(*out);
		if (err == 0 && !b->card_in)
			break;
		jz_reader_free(out);
		if (is_absent(err))
			b->card_in = false;
		else if (err != 0 && !passes(err))
			return jz_cli_fail(b->c, err, "%s", b->reader);
		pause_a_little();
	}
	b->card_in = true;
	return 0;
}

static void
tell_card(void *arg, const char *number, int error)
{
	struct batch *b = arg;

	b->made = error == 0;
	if (error != 0)
		fprintf(stderr,
		    jz_tr(b->c, "this card was not made: %s\n",
			"此卡未制成：%s\n"),
		    jz_error_text(error, b->c->lang));
	else if (!b->quiet)
		fprintf(stderr, jz_tr(b->c, "made card %s\n", "已制成卡 %s\n"),
		    number);
}

/* ---- the order ---------------------------------------------------------- */

static int
number_of(struct jz_cli *c, enum jz_option o, const char *name,
    unsigned long most, unsigned long *out)
{
	const char *text = c->value[o];
	char *end;

	if (text == NULL)
		return 0;
	*out = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || *out == 0 ||
	    *out > most)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--%s is a number from 1 to %lu, not \"%s\"",
			"--%s 是 1 至 %lu 的数，不能是“%s”"),
		    name, most, text);
	return 0;
}

static int
amount(const char *text, void *arg, uint64_t *minor)
{
	struct batch *b = arg;

	return jz_money_parse(text, jz_issuer_currency(b->issuer), minor);
}

static int
limit(struct batch *b, enum jz_option o, const char *otherwise, uint64_t *out)
{
	const char *text = b->c->value[o] != NULL ? b->c->value[o] : otherwise;

	return text == NULL
	    ? 0
	    : jz_cli_amount(b->c, text, jz_issuer_currency(b->issuer), out);
}

static int
like(struct batch *b, struct jz_order_line *line)
{
	struct jz_cli *c = b->c;
	const char *account = c->value[JZ_OPT_ACCOUNT];
	const char *holder = c->value[JZ_OPT_HOLDER];
	int err = limit(b, JZ_OPT_MAX_BALANCE, MAX_BALANCE_DEFAULT,
	    &line->max_balance_minor);

	line->max_single_minor = line->max_balance_minor;
	if (err == 0)
		err =
		    limit(b, JZ_OPT_MAX_SINGLE, NULL, &line->max_single_minor);
	if (err == 0)
		err = limit(b, JZ_OPT_PIN_ABOVE, NULL, &line->pin_above_minor);
	if (err == 0 && account != NULL &&
	    strlen(account) >= sizeof(line->account))
		err = jz_cli_fail(c, JZ_ERR_RANGE, "--account");
	if (err == 0 && holder != NULL &&
	    strlen(holder) >= sizeof(line->holder))
		err = jz_cli_fail(c, JZ_ERR_RANGE, "--holder");
	if (err != 0)
		return err;
	snprintf(line->account, sizeof(line->account), "%s",
	    account != NULL ? account : "");
	snprintf(line->holder, sizeof(line->holder), "%s",
	    holder != NULL ? holder : "");
	line->payee_only = jz_cli_has(c, JZ_OPT_PAYEE_ONLY);
	return 0;
}

static int
list_error(struct jz_cli *c, int err, const char *path, size_t row)
{
	if (err == JZ_ERR_STATE)
		return jz_cli_fail(c, err,
		    jz_tr(c, "%s has PINs and others may read it: chmod 600",
			"%s 含有 PIN 而他人可读：请 chmod 600"),
		    path);
	if (row > 0)
		return jz_cli_fail(
		    c, err, jz_tr(c, "%s, row %zu", "%s 第 %zu 行"), path, row);
	return jz_cli_fail(c, err, "%s", path);
}

static int
read_order(struct batch *b)
{
	struct jz_cli *c = b->c;
	const char *list = c->value[JZ_OPT_LIST];
	struct jz_order_line line = {0};
	unsigned long count = 0, first = 0;
	size_t row = 0;
	int err =
	    number_of(c, JZ_OPT_COUNT, "count", JZ_BUREAU_LINES_MAX, &count);

	if (err == 0)
		err = number_of(
		    c, JZ_OPT_FIRST, "first", JZ_ISSUER_NUMBER_MAX, &first);
	if (err == 0 && (count == 0) == (list == NULL))
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "how many cards? --count N, or --list FILE",
			"要多少张卡？请用 --count N 或 --list FILE"));
	if (err == 0)
		err = like(b, &line);
	if (err != 0)
		return err;
	if (list == NULL)
		return jz_order_of(&line, count, (uint32_t)first, &b->order);
	err = jz_order_read(
	    list, &line, (uint32_t)first, amount, b, &b->order, &row);
	return err != 0 ? list_error(c, err, list, row) : 0;
}

static int
mailer_error(struct jz_cli *c, int err, const char *path)
{
	return jz_cli_fail(c, err, "%s%s", path,
	    err == JZ_ERR_STATE ? jz_tr(c, ": others may read it: chmod 600",
				      "：他人可读，请 chmod 600")
				: "");
}

/* The passphrase that a mailer is sealed under; the caller wipes it. */
static int
mailer_passphrase(struct jz_cli *c, struct jz_secret *out)
{
	const char *source = c->value[JZ_OPT_MAILER_PASSPHRASE];
	int err = jz_secret_source(source,
	    jz_tr(c, "Passphrase of the PIN mailer: ", "密码信口令："), out);

	if (err == 0 && out->len == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "the passphrase is empty", "口令为空"));
	return err == 0 ? 0
			: jz_cli_no_secret(c, err, "mailer-passphrase",
			      source != NULL ? source : "");
}

static int
open_mailer(struct batch *b)
{
	struct jz_cli *c = b->c;
	const char *path = c->value[JZ_OPT_MAILER];
	const char *printer = c->value[JZ_OPT_PRINTER];
	struct jz_secret pass = {0};
	int err = 0;

	if (path != NULL && printer != NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--mailer or --printer, not both",
			"--mailer 与 --printer 只能用一个"));
	if (path == NULL && printer == NULL)
		return !jz_order_needs_mailer(&b->order)
		    ? 0
		    : jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
			  jz_tr(c,
			      "where do the PINs go? --mailer FILE or "
			      "--printer COMMAND",
			      "PIN 送到哪里？请用 --mailer FILE 或 --printer "
			      "COMMAND"));
	if (printer != NULL) {
		err = jz_mailer_printer(printer, &b->mailer);
		return err != 0 ? jz_cli_fail(c, err, "%s", printer) : 0;
	}
	err = mailer_passphrase(c, &pass);
	if (err == 0) {
		err = jz_mailer_open(path, &pass, &b->mailer);
		if (err != 0)
			err = mailer_error(c, err, path);
	}
	jz_secret_wipe(&pass);
	return err;
}

/* ---- the run ------------------------------------------------------------ */

/* How many threads: --jobs, or the processors; as files allow. */
static int
choose_jobs(struct jz_cli *c, unsigned *jobs)
{
	unsigned long n = 0;
	struct rlimit files;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int err = number_of(c, JZ_OPT_JOBS, "jobs", JZ_BUREAU_JOBS_MAX, &n);

	if (n == 0)
		n = processors < 1 ? 1 : (unsigned long)processors;
	if (n > JZ_BUREAU_JOBS_MAX)
		n = JZ_BUREAU_JOBS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		if (files.rlim_cur < FILES_BESIDE + n * FILES_OF_JOB)
			n = files.rlim_cur <= FILES_BESIDE + FILES_OF_JOB
			    ? 1
			    : (files.rlim_cur - FILES_BESIDE) / FILES_OF_JOB;
	}
	/* A trace is of one thread. */
	*jobs = jz_cli_has(c, JZ_OPT_TRACE) ? 1 : (unsigned)n;
	return err;
}

static int
run_error(struct jz_cli *c, const struct jz_bureau *b, int err)
{
	if (c->detail[0] != '\0')
		return err;
	if (b->place != NULL)
		return jz_cli_fail(c, err, "%s", b->place);
	if (err == JZ_ERR_EXISTS)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "numbers from --first on", "--first 起的卡号"));
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"the issuer has no administration key: see jiaozi "
			"issuer admin-key",
			"发卡行没有管理密钥，见 jiaozi issuer admin-key"));
	return jz_cli_issuer_error(c, b->issuer, err);
}

static void
say_result(
    struct jz_cli *c, const char *dir, const struct jz_bureau_progress *p)
{
	size_t open = p->total - p->done - p->failed;
	size_t now = p->done - p->before;

	jz_cli_say(c,
	    jz_tr(c,
		"%s: %zu cards: %zu made (%zu of them before), %zu failed, "
		"%zu open\n",
		"%s：共 %zu 张：制成 %zu 张（其中此前 %zu 张），失败 %zu "
		"张，未做 %zu 张\n"),
	    dir, p->total, p->done, p->before, p->failed, open);
	if (now > 0 && p->seconds > 0)
		jz_cli_say(c,
		    jz_tr(c, "%.1f s, %.0f cards/s\n", "%.1f 秒，%.0f 张/秒\n"),
		    p->seconds, (double)now / p->seconds);
	jz_cli_put(c, "dir", jz_cli_string(dir));
	jz_cli_put(c, "total", json_integer((json_int_t)p->total));
	jz_cli_put(c, "done", json_integer((json_int_t)p->done));
	jz_cli_put(c, "before", json_integer((json_int_t)p->before));
	jz_cli_put(c, "failed", json_integer((json_int_t)p->failed));
	jz_cli_put(c, "open", json_integer((json_int_t)open));
	jz_cli_put(c, "seconds", json_real(p->seconds));
}

static int
report(struct jz_cli *c, const char *dir)
{
	const char *path = c->value[JZ_OPT_REPORT];
	int err;

	if (path == NULL)
		return 0;
	err = jz_bureau_report(dir, path);
	if (err != 0)
		return jz_cli_fail(c, err, "%s", path);
	jz_cli_say(c, jz_tr(c, "report: %s\n", "报告：%s\n"), path);
	jz_cli_put(c, "report", jz_cli_string(path));
	return 0;
}

static int
run(struct batch *b)
{
	struct jz_cli *c = b->c;
	struct jz_bureau bureau = {.issuer = b->issuer,
	    .dir = c->argument[0],
	    .order = &b->order,
	    .mailer = b->mailer,
	    .progress = show_progress,
	    .arg = b};
	const struct jz_bureau_feed feed = {next_card, tell_card, b,
	    jz_cli_has(c, JZ_OPT_KEYS) ? &b->keys : NULL, JZ_GP_KVN_INITIAL};
	struct jz_bureau_progress p = {0};
	int err = choose_jobs(c, &bureau.jobs), reported;

	if (err != 0)
		return err;
	b->quiet = jz_cli_has(c, JZ_OPT_QUIET);
	b->terminal = isatty(STDERR_FILENO) == 1;
	err = b->reader == NULL ? jz_bureau_run(&bureau, &p)
				: jz_bureau_readers(&bureau, &feed, &p);
	if (err != 0)
		err = run_error(c, &bureau, err);
	if (p.total == 0)
		return err;
	say_result(c, c->argument[0], &p);
	reported = report(c, c->argument[0]);
	if (err == 0)
		err = reported;
	if (err == 0 && p.done < p.total) {
		jz_cli_more(c, "done", json_integer((json_int_t)p.done));
		jz_cli_more(c, "failed", json_integer((json_int_t)p.failed));
		err = jz_cli_fail(c, JZ_ERR_ORDER_PART,
		    jz_tr(c, "%zu of %zu made", "制成 %zu 张，共 %zu 张"),
		    p.done, p.total);
	}
	return err;
}

static int
check_reader(struct batch *b)
{
	struct jz_cli *c = b->c;

	b->reader = c->value[JZ_OPT_CARD];
	if (b->reader != NULL &&
	    strncmp(b->reader, SCHEME_PCSC, sizeof(SCHEME_PCSC) - 1) != 0)
		return jz_cli_fail(c, JZ_ERR_READER_NAME, "%s",
		    jz_tr(c,
			"--card is a pcsc: reader; without it the cards are "
			"virtual",
			"--card 须为 pcsc: 读卡器；不给出则制作虚拟卡"));
	if (jz_cli_has(c, JZ_OPT_KEYS))
		return jz_cli_keys(
		    c, JZ_OPT_KEYS, c->value[JZ_OPT_KEYS], &b->keys);
	return 0;
}

int
jz_cmd_card_batch(struct jz_cli *c)
{
	struct batch b = {.c = c};
	const char *dir;
	int err = jz_cli_issuer_dir(c, &dir), closed;

	if (err == 0)
		err = check_reader(&b);
	if (err == 0)
		err = jz_cli_issuer(c, dir, &b.issuer);
	if (err == 0)
		err = read_order(&b);
	if (err == 0)
		err = open_mailer(&b);
	if (err == 0)
		err = run(&b);
	closed = jz_mailer_close(&b.mailer);
	if (err == 0 && closed != 0)
		err = jz_cli_fail(c, closed, "--printer %s",
		    c->value[JZ_OPT_PRINTER] ? c->value[JZ_OPT_PRINTER] : "");
	jz_order_free(&b.order);
	jz_wipe(&b.keys, sizeof(b.keys));
	jz_issuer_free(&b.issuer);
	return err;
}

/* ---- the mailer --------------------------------------------------------- */

static int
show_letter(const struct jz_letter *l, void *arg)
{
	struct jz_span pin = jz_secret_span(&l->pin);

	(void)arg;
	printf("%s\t%s\t", l->number, l->holder);
	return fwrite(pin.data, 1, pin.len, stdout) == pin.len &&
		putchar('\n') != EOF
	    ? 0
	    : JZ_ERR_SYSTEM;
}

int
jz_cmd_card_mailer(struct jz_cli *c)
{
	struct jz_secret pass = {0};
	const char *path = c->argument[0];
	int err;

	/* What is printed here must not stay in a buffer. */
	setvbuf(stdout, NULL, _IONBF, 0);
	if (c->json)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "PINs go to a printer, not into JSON",
			"PIN 只供打印，不输出 JSON"));
	err = mailer_passphrase(c, &pass);
	if (err == 0) {
		err = jz_mailer_read(path, &pass, show_letter, NULL);
		if (err != 0)
			err = mailer_error(c, err, path);
	}
	jz_secret_wipe(&pass);
	return err;
}
