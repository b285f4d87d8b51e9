/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power cut of a real process: a child pays from one card file to another,
 * or tries wrong PINs, and is killed (SIGKILL) at some moment; the files are
 * opened again, and what was begun is taken up as any terminal would.
 *
 * JIAOZI_TEAR=full kills many more times.
 *
 * proves: ALL-1 ALL-2 ALL-3
 */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE

#include "../support/tornrig.h"
#include "../../apdu/tlv.h"

#include <fcntl.h>
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

#define LOADED	      400000u
#define PRICE	      100u
#define PIN_TRIES     3
#define CHILD_SECONDS 60
/* What the child says: one byte, then for a digest so many more. */
#define SAY_OPEN   'o'
#define SAY_DIGEST 'd'
#define SAY_PAID   'p'
#define SAY_FULL   'f' /* a log is full; it waits to be killed */

static const struct jz_terms TERMS = {.amount_minor = PRICE,
    .currency = TORN_CNY,
    .time = 1769903999,
    .reference = "kill"};

/* A card file in this process. */
struct seat {
	struct jz_reader *reader;
	struct jz_session session;
};

struct fixture {
	struct world world;
	char alice[160], bob[160];
	unsigned long kills, taken_up;
	unsigned seed;
};

static void
path_of(char *out, size_t size, const struct fixture *f, const char *name)
{
	snprintf(out, size, "%s/%s", f->world.dir, name);
}

static int
seat_open(struct seat *s, const char *path)
{
	const struct jz_virtual_options o = {.path = path};
	struct jz_virtual *v = NULL;
	int err = jz_virtual_open(&o, &v);

	memset(s, 0, sizeof(*s));
	if (err == 0)
		err = jz_reader_take_virtual(&v, &s->reader);
	if (err == 0) {
		jz_session_init(&s->session, s->reader);
		err = jz_purse_select(&s->session);
	}
	return err;
}

static void
seat_close(struct seat *s)
{
	jz_reader_free(&s->reader);
}

static uint64_t
balance(struct seat *s)
{
	uint64_t minor = 0;

	assert_int_equal(jz_purse_balance(&s->session, &minor), 0);
	return minor;
}

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
	assert_int_equal(seat_open(&s, path), 0);
	assert_int_equal(
	    jz_personalise(&s.session, f->world.issuer, &p, id), 0);
	seat_close(&s);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned tries;
	struct seat s;

	assert_non_null(f);
	f->seed = 1;
	world_new(&f->world);
	path_of(f->alice, sizeof(f->alice), f, "alice.card");
	path_of(f->bob, sizeof(f->bob), f, "bob.card");
	make_card(f, f->alice, "alice");
	make_card(f, f->bob, "bob");
	assert_int_equal(seat_open(&s, f->alice), 0);
	assert_int_equal(jz_purse_verify_pin(&s.session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_load(&s.session, f->world.issuer, LOADED, TORN_TERMINAL), 0);
	seat_close(&s);
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

static unsigned
random_below(struct fixture *f, unsigned n)
{
	f->seed = f->seed * 1664525u + 1013904223u;
	return (f->seed >> 8) % n;
}

static unsigned
rounds(unsigned few, unsigned many)
{
	const char *mode = getenv("JIAOZI_TEAR");

	return mode != NULL && strcmp(mode, "full") == 0 ? many : few;
}

/* ---- the child ---------------------------------------------------------- */

static void
say(int fd, const void *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len)
		_exit(3);
}

/* A sealed message begins with the digest of the request it belongs to. */
static void
tell_digest(enum jz_step step, struct jz_span message, void *arg)
{
	uint8_t out[1 + JZ_DIGEST_BYTES] = {SAY_DIGEST};
	struct jz_cursor c = jz_cursor(message), in;
	struct jz_span content;

	if (step != JZ_STEP_CONFIRM ||
	    jz_tlv_expect(&c, JZ_KIND_SEALED, &content) != 0)
		return;
	in = jz_cursor(content);
	if (jz_tlv_expect_bytes(
		&in, JZ_TAG_REQUEST_DIGEST, out + 1, JZ_DIGEST_BYTES) == 0)
		say(*(const int *)arg, out, sizeof(out));
}

static void
child_pays(const struct fixture *f, int out)
{
	struct jz_pay_result r;
	struct seat alice, bob;
	unsigned tries;

	if (seat_open(&alice, f->alice) != 0 || seat_open(&bob, f->bob) != 0)
		_exit(1);
	say(out, (const char[]){SAY_OPEN}, 1);
	for (;;) {
		int err;

		if (jz_purse_verify_pin(&alice.session, TORN_PIN, &tries) != 0)
			_exit(2);
		err = jz_pay(&alice.session, &bob.session, &TERMS, &r,
		    tell_digest, &out);
		if (err == 0)
			say(out, (const char[]){SAY_PAID}, 1);
		else if (r.sw == JZ_SW_LOG_FULL)
			say(out, (const char[]){SAY_FULL}, 1);
		else
			_exit(5);
		if (err != 0)
			(void)pause();
	}
}

static void
child_tries(const char *card, int out)
{
	struct seat s;
	uint8_t left[1];

	if (seat_open(&s, card) != 0)
		_exit(1);
	say(out, (const char[]){SAY_OPEN}, 1);
	for (;;) {
		unsigned tries = 0;
		int err = jz_purse_verify_pin(
		    &s.session, JZ_SECRET("000000"), &tries);

		if (err != JZ_ERR_PIN && err != JZ_ERR_PIN_BLOCKED)
			_exit(2);
		left[0] = (uint8_t)tries;
		say(out, left, 1);
		if (err == JZ_ERR_PIN_BLOCKED)
			(void)pause();
	}
}

/* ---- the parent --------------------------------------------------------- */

struct child {
	pid_t pid;
	int fd; /* what it says */
};

static struct child
start(const struct fixture *f, const char *card)
{
	struct child c;
	int pipe_fd[2];

	assert_int_equal(pipe(pipe_fd), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		alarm(CHILD_SECONDS); /* should nobody come to kill it */
		close(pipe_fd[0]);
		if (card != NULL)
			child_tries(card, pipe_fd[1]);
		else
			child_pays(f, pipe_fd[1]);
		_exit(0);
	}
	close(pipe_fd[1]);
	c.fd = pipe_fd[0];
	return c;
}

/* What the child has said: the digest of the payment it is in, if any. */
struct heard {
	uint8_t digest[JZ_DIGEST_BYTES];
	bool in_one, full;
	unsigned long paid;
};

/* Takes one saying in; false when there is none any more. */
static bool
listen_once(const struct child *c, struct heard *h)
{
	char what;

	if (read(c->fd, &what, 1) != 1)
		return false;
	if (what == SAY_DIGEST) {
		h->in_one =
		    read(c->fd, h->digest, JZ_DIGEST_BYTES) == JZ_DIGEST_BYTES;
	} else if (what == SAY_PAID) {
		h->in_one = false;
		h->paid++;
	} else if (what == SAY_FULL) {
		h->in_one = false;
		h->full = true;
	}
	return true;
}

/* Kills after so long. */
static void
kill_after(struct fixture *f, struct child *c, unsigned microseconds)
{
	int status = 0;

	usleep(microseconds);
	assert_int_equal(kill(c->pid, SIGKILL), 0);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	if (!WIFSIGNALED(status))
		fail_msg("the child ended by itself: %d", WEXITSTATUS(status));
	f->kills++;
}

/* The payment's confirmation once more, from the payee's card. */
static int
fetch_confirmation(struct seat *bob,
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_buffer *out)
{
	uint8_t data[2 + JZ_DIGEST_BYTES] = {0x8A, JZ_DIGEST_BYTES};
	struct jz_answer a;
	int err;

	memcpy(data + 2, digest, JZ_DIGEST_BYTES);
	err = jz_session_command(&bob->session, 0x80, JZ_INS_FETCH, 0x72, 0,
	    jz_span(data, sizeof(data)), &a);
	if (err == 0)
		jz_put(out, a.data.data, a.data.len);
	return err;
}

/* What a terminal does with a payment that was cut off. */
static void
take_up(struct fixture *f, struct seat *alice, struct seat *bob,
    const uint8_t digest[static JZ_DIGEST_BYTES])
{
	uint8_t b1[JZ_MESSAGE_MAX], b2[JZ_MESSAGE_MAX], b3[JZ_MESSAGE_MAX];
	struct jz_buffer confirmation = jz_buffer(b1, sizeof(b1));
	struct jz_buffer completion = jz_buffer(b2, sizeof(b2));
	struct jz_buffer receipt = jz_buffer(b3, sizeof(b3));
	int err;

	err = jz_purse_fetch_completion(&alice->session, digest, &completion);
	if (err != 0) {
		if (fetch_confirmation(bob, digest, &confirmation) != 0)
			return; /* not that far, or acknowledged already */
		assert_int_equal(
		    jz_purse_complete(&alice->session,
			jz_buffer_span(&confirmation), &completion),
		    0);
	}
	f->taken_up++;
	assert_int_equal(jz_purse_credit(&bob->session,
			     jz_buffer_span(&completion), &receipt),
	    0);
	assert_int_equal(
	    jz_purse_acknowledge(&alice->session, jz_buffer_span(&receipt)), 0);
}

/* Both files open; nothing is created, nothing is lost. */
static void
check_and_take_up(struct fixture *f, const struct heard *h)
{
	struct seat alice, bob;
	uint64_t sum;

	assert_int_equal(seat_open(&alice, f->alice), 0);
	assert_int_equal(seat_open(&bob, f->bob), 0);
	sum = balance(&alice) + balance(&bob);
	if (h->in_one)
		assert_true(sum == LOADED || sum == LOADED - PRICE);
	else
		assert_int_equal(sum, LOADED);
	if (h->in_one)
		take_up(f, &alice, &bob, h->digest);
	assert_int_equal(balance(&alice) + balance(&bob), LOADED);
	seat_close(&alice);
	seat_close(&bob);
}

/* Both cards settle, which makes room in their logs; the books balance. */
static void
settle(struct fixture *f)
{
	struct seat alice, bob;
	struct jz_settle_result r;
	struct jz_books b;

	assert_int_equal(seat_open(&alice, f->alice), 0);
	assert_int_equal(seat_open(&bob, f->bob), 0);
	assert_int_equal(jz_settle(&alice.session, f->world.issuer, &r), 0);
	assert_int_equal(jz_settle(&bob.session, f->world.issuer, &r), 0);
	b = world_books(&f->world);
	assert_int_equal(b.transit_payment, 0);
	assert_int_equal(b.cards, balance(&alice) + balance(&bob));
	seat_close(&alice);
	seat_close(&bob);
}

static void
test_a_killed_terminal_loses_no_money(void **state)
{
	struct fixture *f = *state;
	unsigned n = rounds(60, 2000);
	unsigned long paid = 0;

	for (unsigned i = 0; i < n; i++) {
		struct child c = start(f, NULL);
		struct heard h = {0};

		/* To begin with: the cards are open. */
		for (unsigned k = random_below(f, 6) + 1; k > 0 && !h.full; k--)
			assert_true(listen_once(&c, &h));
		kill_after(f, &c, random_below(f, 4000));
		while (listen_once(&c, &h))
			;
		close(c.fd);
		check_and_take_up(f, &h);
		paid += h.paid;
		if (h.full)
			settle(f);
	}
	settle(f);
	print_message("          %lu kills, %lu payments, %lu taken up\n",
	    f->kills, paid, f->taken_up);
	assert_true(paid > 0 && f->taken_up > 0);
}

static void
copy_file(const char *from, const char *to)
{
	uint8_t bytes[4096];
	int in = open(from, O_RDONLY), out;
	ssize_t n;

	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

/* The tries that were left, found out by using one up: at least and at most. */
static void
tries_left(const char *card, unsigned *least, unsigned *most)
{
	unsigned tries = 0;
	struct seat s;
	int err;

	assert_int_equal(seat_open(&s, card), 0);
	err = jz_purse_verify_pin(&s.session, JZ_SECRET("000000"), &tries);
	seat_close(&s);
	*least = err == JZ_ERR_PIN_BLOCKED ? 0 : tries + 1;
	*most = err == JZ_ERR_PIN_BLOCKED ? 1 : tries + 1;
}

/* A try whose answer was seen is counted; at most one more is. */
static void
test_a_killed_try_stays_counted(void **state)
{
	struct fixture *f = *state;
	unsigned n = rounds(30, 1000);
	char card[160], key[170], from[170];

	path_of(card, sizeof(card), f, "try.card");
	snprintf(key, sizeof(key), "%s.key", card);
	snprintf(from, sizeof(from), "%s.key", f->alice);
	copy_file(from, key);
	for (unsigned i = 0; i < n; i++) {
		unsigned told = PIN_TRIES, least, most;
		struct child c;
		uint8_t what;

		copy_file(f->alice, card);
		c = start(f, card);
		assert_int_equal(read(c.fd, &what, 1), 1);
		for (unsigned k = random_below(f, PIN_TRIES); k > 0; k--) {
			assert_int_equal(read(c.fd, &what, 1), 1);
			told = what;
		}
		kill_after(f, &c, random_below(f, 900));
		while (read(c.fd, &what, 1) == 1)
			told = what;
		close(c.fd);
		tries_left(card, &least, &most);
		assert_true(least <= told);
		assert_true(told <= most + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_a_killed_terminal_loses_no_money, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_a_killed_try_stays_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
