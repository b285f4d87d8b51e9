/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment whose process is killed at each APDU, before the card has carried
 * it out and after, is finished by `jiaozi recover` in processes of their own:
 * with both cards, and with each card alone and a directory of messages.
 *
 * Where the program is not built ($JIAOZI), the library does it, forked.
 *
 * proves: ALL-1, ALL-2, ALL-3
 */
#define _XOPEN_SOURCE 700

#include "../support/tornrig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/store/file.h"

#define LOADED 400000u
#define PRICE  100u
#define CUTS   64u

static const struct jz_terms TERMS = {.amount_minor = PRICE,
    .currency = TORN_CNY,
    .time = 1769903999,
    .reference = "kill"};

/* ---- a card file whose process dies at an APDU -------------------------- */

static struct {
	unsigned count, at; /* 0: never */
	bool after;
} kill_;

static int
transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	bool now = ++kill_.count == kill_.at;

	if (now && !kill_.after)
		raise(SIGKILL);
	*rsp_len = jz_virtual_process(state, cmd, cmd_len, rsp, *rsp_len);
	if (now)
		raise(SIGKILL);
	return 0;
}

static int
reset(void *state, bool cold)
{
	(void)cold;
	jz_virtual_reset(state);
	return 0;
}

static struct jz_span
atr(void *state)
{
	return jz_virtual_atr(state);
}

static void
release(void *state)
{
	struct jz_virtual *v = state;

	jz_virtual_free(&v);
}

static const struct jz_reader_ops OPS = {
    .scheme = "killed",
    .transmit = transmit,
    .reset = reset,
    .atr = atr,
    .close = release,
};

struct seat {
	struct jz_reader *reader;
	struct jz_session session;
};

static void
seat_open(struct seat *s, const char *path, bool pin)
{
	const struct jz_virtual_options o = {.path = path};
	struct jz_virtual *v = NULL;
	unsigned tries;

	assert_int_equal(jz_virtual_open(&o, &v), 0);
	assert_int_equal(jz_reader_take("killed:", &OPS, v, &s->reader), 0);
	jz_session_init(&s->session, s->reader);
	assert_int_equal(jz_purse_select(&s->session), 0);
	if (pin)
		assert_int_equal(
		    jz_purse_verify_pin(&s->session, TORN_PIN, &tries), 0);
}

static uint64_t
balance_of(const char *path)
{
	struct seat s;
	uint64_t minor = 0;

	seat_open(&s, path, false);
	assert_int_equal(jz_purse_balance(&s.session, &minor), 0);
	jz_reader_free(&s.reader);
	return minor;
}

/* ---- the world ---------------------------------------------------------- */

struct fixture {
	struct world world;
	char alice[160], bob[160], messages[160];
	const char *program; /* or NULL */
};

static void
make_card(struct fixture *f, const char *path, const char *account)
{
	const struct jz_virtual_options o = {.path = path};
	const struct jz_personal p = {.holder = account,
	    .account = account,
	    .pin = TORN_PIN,
	    .currency = TORN_CNY,
	    .max_balance_minor = 500000,
	    .max_single_minor = 500000};
	struct jz_virtual *v = NULL;
	uint8_t id[JZ_ID_BYTES];
	struct seat s;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	jz_virtual_free(&v);
	seat_open(&s, path, false);
	assert_int_equal(
	    jz_personalise(&s.session, f->world.issuer, &p, id), 0);
	jz_reader_free(&s.reader);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct seat s;

	assert_non_null(f);
	world_new(&f->world);
	snprintf(f->alice, sizeof(f->alice), "%s/alice.card", f->world.dir);
	snprintf(f->bob, sizeof(f->bob), "%s/bob.card", f->world.dir);
	snprintf(f->messages, sizeof(f->messages), "%s/messages", f->world.dir);
	make_card(f, f->alice, "alice");
	make_card(f, f->bob, "bob");
	seat_open(&s, f->alice, true);
	assert_int_equal(
	    jz_load(&s.session, f->world.issuer, LOADED, TORN_TERMINAL), 0);
	jz_reader_free(&s.reader);
	f->program = getenv("JIAOZI");
	if (f->program != NULL && access(f->program, X_OK) != 0)
		f->program = NULL;
	assert_int_equal(setenv("RECOVER_PIN", TORN_DIGITS, 1), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	world_free(&f->world);
	free(f);
	return 0;
}

/* ---- processes ---------------------------------------------------------- */

/* Whether the payment's process was killed: at APDU n. */
static bool
pay_and_die(const struct fixture *f, unsigned n, bool after)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct jz_pay_result r;
		struct seat alice, bob;

		seat_open(&alice, f->alice, true);
		seat_open(&bob, f->bob, false);
		kill_.count = 0;
		kill_.at = n;
		kill_.after = after;
		_exit(jz_pay(&alice.session, &bob.session, &TERMS, &r, NULL,
			  NULL) == 0
			? 0
			: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

enum way { BOTH, PAYEE, PAYER };

/* A mailbox of files, for the library alone. */
struct box {
	const char *dir;
	unsigned n;
};

static int
get(void *arg, unsigned n, struct jz_buffer *out)
{
	const struct box *b = arg;
	char path[200];

	snprintf(path, sizeof(path), "%s/%03u.tlv", b->dir, n);
	return jz_file_read(path, out);
}

static int
put(void *arg, struct jz_span message)
{
	struct box *b = arg;
	char path[200];

	for (b->n = 0;; b->n++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer there = jz_buffer(bytes, sizeof(bytes));

		if (get(b, b->n, &there) != 0)
			break;
		if (jz_span_equal(jz_buffer_span(&there), message))
			return JZ_ERR_EXISTS;
	}
	snprintf(path, sizeof(path), "%s/%03u.tlv", b->dir, b->n);
	return jz_file_write(path, 0600, JZ_FILE_NEW, message);
}

static int
recover_here(const struct fixture *f, enum way way)
{
	struct box b = {f->messages, 0};
	const struct jz_mailbox box = {get, put, &b};
	struct seat alice, bob;

	if (way != PAYEE)
		seat_open(&alice, f->alice, true);
	if (way != PAYER)
		seat_open(&bob, f->bob, true);
	switch (way) {
	case PAYEE:
		return jz_recover_payee(&bob.session, &box, NULL, NULL);
	case PAYER:
		return jz_recover_payer(&alice.session, &box, NULL, NULL);
	default:
		return jz_recover(&alice.session, &bob.session, NULL, NULL);
	}
}

static void
recover_by_program(const struct fixture *f, enum way way)
{
	char payer[180], payee[180];
	const char *args[16];
	unsigned n = 0;

	snprintf(payer, sizeof(payer), "virtual:%s", f->alice);
	snprintf(payee, sizeof(payee), "virtual:%s", f->bob);
	args[n++] = f->program;
	args[n++] = "recover";
	if (way != PAYEE) {
		args[n++] = "--payer";
		args[n++] = payer;
		args[n++] = "--pin";
		args[n++] = "env:RECOVER_PIN";
	}
	if (way != PAYER) {
		args[n++] = "--payee";
		args[n++] = payee;
		args[n++] = "--payee-pin";
		args[n++] = "env:RECOVER_PIN";
	}
	if (way != BOTH) {
		args[n++] = "--messages";
		args[n++] = f->messages;
	}
	args[n] = NULL;
	(void)!freopen("/dev/null", "w", stdout);
	execv(f->program, (char *const *)(const void *)args);
	_exit(127);
}

static void
recover(const struct fixture *f, enum way way)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (f->program != NULL)
			recover_by_program(f, way);
		_exit(recover_here(f, way) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Neither card waits for anything. */
static void
check_finished(const struct fixture *f)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_payment p;
	struct seat s;

	seat_open(&s, f->bob, true);
	assert_int_equal(jz_purse_pending(&s.session, 0, &p), JZ_ERR_NOT_FOUND);
	jz_reader_free(&s.reader);
	seat_open(&s, f->alice, true);
	assert_int_equal(jz_purse_agreed(&s.session, &p), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_purse_unacknowledged(&s.session, 0, &b), JZ_ERR_NOT_FOUND);
	jz_reader_free(&s.reader);
}

static void
settle(struct fixture *f)
{
	const char *const paths[] = {f->alice, f->bob};
	struct jz_settle_result r;

	for (unsigned k = 0; k < 2; k++) {
		struct seat s;

		seat_open(&s, paths[k], false);
		assert_int_equal(jz_settle(&s.session, f->world.issuer, &r), 0);
		jz_reader_free(&s.reader);
	}
	assert_int_equal(world_books(&f->world).transit_payment, 0);
	assert_int_equal(world_books(&f->world).cards,
	    balance_of(f->alice) + balance_of(f->bob));
}

static void
empty_messages(const struct fixture *f)
{
	char path[200];
	unsigned k;

	for (k = 0; k < CUTS; k++) {
		snprintf(path, sizeof(path), "%s/%03u.tlv", f->messages, k);
		(void)unlink(path);
		snprintf(
		    path, sizeof(path), "%s/recover-%03u.tlv", f->messages, k);
		(void)unlink(path);
	}
	(void)rmdir(f->messages);
}

/* Killed at every APDU; what comes of it is what `finish` makes of it. */
static void
every_cut(struct fixture *f, void (*finish)(const struct fixture *f))
{
	unsigned paid = 0, not_paid = 0, n;
	bool killed = true;

	for (n = 1; killed && n < CUTS; n++) {
		for (unsigned after = 0; after < 2; after++) {
			uint64_t alice = balance_of(f->alice);
			uint64_t bob = balance_of(f->bob), moved;

			killed = pay_and_die(f, n, after != 0);
			finish(f);
			check_finished(f);
			moved = balance_of(f->bob) - bob;
			assert_true(moved == 0 || moved == PRICE);
			assert_int_equal(balance_of(f->alice), alice - moved);
			paid += moved != 0;
			not_paid += moved == 0;
		}
		settle(f);
	}
	assert_true(n > 6 && n < CUTS);
	assert_true(paid > 2 && not_paid > 2);
}

static void
both_cards(const struct fixture *f)
{
	recover(f, BOTH);
}

static void
test_both_cards(void **state)
{
	every_cut(*state, both_cards);
}

/* To the payer and back, and to the payer once more. */
static void
far_apart(const struct fixture *f)
{
	assert_int_equal(mkdir(f->messages, 0700), 0);
	recover(f, PAYEE);
	recover(f, PAYER);
	recover(f, PAYEE);
	recover(f, PAYER);
	empty_messages(f);
}

static void
test_one_card_and_the_others_messages(void **state)
{
	every_cut(*state, far_apart);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_cards),
	    cmocka_unit_test(test_one_card_and_the_others_messages),
	};

	return cmocka_run_group_tests_name(
	    "killed payments", tests, setup, teardown);
}
