/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that tries: a card with display and keys is served to the driver of
 * its reader, and the test is that driver, with everything it can send.  It
 * writes nothing to the display, presses no key, and learns no joint password.
 */
#define _GNU_SOURCE 1 /* memmem */

#include "../support/esignrig.h"
#include "../support/hand.h"
#include "../support/suite.h"

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../../reader/virtual.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_S 10
#define FRAME_MAX  65535u
#define LINES	   JZ_VIRTUAL_LINES
#define RANDOM	   2000u /* frames of nothing in particular */

/* What its user sees and does: from the thread that serves, between commands. */
struct user {
	pthread_mutex_t mutex;
	char line[LINES][JZ_VIRTUAL_LINE_BYTES];
	char press[32]; /* keys to come, as esign_press() */
	unsigned long looks;
};

struct host {
	struct jz_engine engine, same;
	struct memo *memo;
	struct bank bank;
	struct jz_key_pair issuer;
	uint8_t point[JZ_POINT_BYTES];
	struct jz_virtual *card;
	struct jz_serve serve;
	unsigned short port;
	int listener, fd;
	volatile int stop;
	pthread_t thread;
	struct user user;
	uint8_t frame[FRAME_MAX];
};

static struct host h;

/* ---- the user ----------------------------------------------------------- */

static void
use(void *arg)
{
	struct user *u = arg;

	pthread_mutex_lock(&u->mutex);
	hand_press(h.card, u->press);
	u->press[0] = '\0';
	for (unsigned i = 0; i < LINES; i++)
		strcpy(u->line[i], jz_virtual_line(h.card, i));
	u->looks++;
	pthread_mutex_unlock(&u->mutex);
}

static unsigned long
looks(void)
{
	unsigned long n;

	pthread_mutex_lock(&h.user.mutex);
	n = h.user.looks;
	pthread_mutex_unlock(&h.user.mutex);
	return n;
}

/* Presses, and waits until the user has looked twice since. */
static void
look(const char *press)
{
	unsigned long from = looks();

	pthread_mutex_lock(&h.user.mutex);
	strcpy(h.user.press, press);
	pthread_mutex_unlock(&h.user.mutex);
	for (unsigned i = 0; looks() < from + 2 && i < PATIENCE_S * 1000; i++)
		usleep(1000);
	assert_true(looks() >= from + 2);
}

static bool
sees(const void *text, size_t len)
{
	for (unsigned i = 0; i < LINES; i++)
		if (memmem(h.user.line[i], strlen(h.user.line[i]), text, len) !=
		    NULL)
			return true;
	return false;
}

static bool
sees_nothing(void)
{
	for (unsigned i = 0; i < LINES; i++)
		if (h.user.line[i][0] != '\0')
			return false;
	return true;
}

/* ---- the driver --------------------------------------------------------- */

static void *
serve(void *arg)
{
	struct host *x = arg;

	(void)jz_virtual_serve(&x->serve);
	return NULL;
}

static void
listen_on_free_port(void)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	h.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(h.listener >= 0);
	assert_int_equal(
	    bind(h.listener, (const struct sockaddr *)(const void *)&a,
		sizeof(a)),
	    0);
	assert_int_equal(listen(h.listener, 1), 0);
	assert_int_equal(
	    getsockname(h.listener, (struct sockaddr *)(void *)&a, &len), 0);
	h.port = ntohs(a.sin_port);
}

static void
connect_card(void)
{
	const struct timeval patience = {PATIENCE_S, 0};
	struct pollfd p = {.fd = h.listener, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_S * 1000), 1);
	h.fd = accept(h.listener, NULL, NULL);
	assert_true(h.fd >= 0);
	assert_int_equal(setsockopt(h.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
}

static void
push(const void *data, size_t len)
{
	uint8_t frame[2 + 512] = {(uint8_t)(len >> 8), (uint8_t)len};

	assert_true(len <= 512);
	memcpy(frame + 2, data, len);
	assert_int_equal(send(h.fd, frame, 2 + len, MSG_NOSIGNAL), 2 + len);
}

static size_t
pull(void)
{
	uint8_t head[2];
	size_t len;

	assert_int_equal(recv(h.fd, head, 2, MSG_WAITALL), 2);
	len = (size_t)head[0] << 8 | head[1];
	assert_int_equal(recv(h.fd, h.frame, len, MSG_WAITALL), len);
	return len;
}

/* A command and its answer, which stays in h.frame. */
static size_t
command(const void *cmd, size_t len)
{
	push(cmd, len);
	return pull();
}

static void
signal_card(uint8_t what)
{
	push(&what, 1);
	if (what == 4) /* the ATR */
		(void)pull();
}

/* ---- the card ----------------------------------------------------------- */

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	return jz_virtual_process(state, cmd, len, rsp, cap);
}

static void
make_card(void)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};
	struct jz_virtual_options o = {.suite = test_suite(), .panel = true};
	struct jz_esign_profile p = {.mode = JZ_ESIGN_SIGNATURE & 0xFF,
	    .scheme = JZ_SCHEME_DEFAULT,
	    .length = 6,
	    .alphabet = JZ_ALPHABET_DIGITS,
	    .currency = 156,
	    .pin_above = 1000000,
	    .wait_s = 600,
	    .show_s = 600,
	    .pin = jz_span(pin, sizeof(pin)),
	    .pin_limit = 3,
	    .key_version = 1};
	struct port port;
	struct gp g;

	memcpy(p.issuer_key, h.issuer.public_key, sizeof(p.issuer_key));
	assert_int_equal(jz_virtual_create(&o, &h.card), 0);
	port = (struct port){transmit, h.card};
	assert_true(esign_open_empty(&h.same, &port, &g));
	assert_int_equal(
	    esign_fill(&h.bank, &g, ESIGN_ID, &p, h.point), JZ_SW_OK);
	jz_virtual_reset(h.card);
}

static int
setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	assert_int_equal(jz_openssl_new(test_suite(), &h.engine), 0);
	assert_int_equal(memo_new(&h.engine, &h.memo), 0);
	h.same = memo_engine(h.memo);
	bank_new(&h.bank, &h.same, (int64_t)time(NULL));
	assert_int_equal(
	    h.engine.crypto->generate(h.engine.state, &h.issuer), 0);
	make_card();
	listen_on_free_port();
	pthread_mutex_init(&h.user.mutex, NULL);
	h.serve = (struct jz_serve){.cards = &h.card,
	    .ports = &h.port,
	    .n = 1,
	    .stop = &h.stop,
	    .arg = &h.user,
	    .idle = use};
	assert_int_equal(pthread_create(&h.thread, NULL, serve, &h), 0);
	connect_card();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	h.stop = 1;
	pthread_join(h.thread, NULL);
	close(h.fd);
	close(h.listener);
	jz_virtual_free(&h.card);
	pthread_mutex_destroy(&h.user.mutex);
	memo_free(&h.memo);
	jz_openssl_free(&h.engine);
	return 0;
}

/* One contact through the socket; what the issuer will read. */
static struct jz_joint
contact(void)
{
	static const uint8_t select[] = {
	    0x00, 0xA4, 4, 0, 8, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 2, 0};
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);
	uint8_t cmd[5 + 255 + 1] = {0x80, 0xA0, 0, 0, (uint8_t)order.len};
	struct jz_esign_signature s;
	struct jz_esign_ends ends;
	struct jz_joint j;
	size_t n;

	signal_card(1);
	(void)command(select, sizeof(select));
	memcpy(cmd + 5, order.data, order.len);
	n = command(cmd, 5 + order.len + 1);
	assert_true(n > 2);
	assert_int_equal(jz_get_be(h.frame + n - 2, 2), JZ_SW_OK);
	assert_int_equal(
	    jz_esign_get_signature(jz_span(h.frame, n - 2), &s), 0);
	jz_esign_order(&h.engine, blob_span(&order), &s);
	jz_esign_meet(&h.engine, &s, &h.issuer, h.point, &ends);
	assert_int_equal(jz_joint_open(&h.engine, &s, &ends, &j), 0);
	return j;
}

/* ---- what the host tries ------------------------------------------------- */

/* Whatever is no command: the display stays, and nothing is pressed.
 * proves: JPS-9 JPS-18 */
static void
test_no_signal_of_the_reader_moves_the_display(void **state)
{
	struct jz_joint j = contact();
	struct user before;

	(void)state;
	look("DD");
	assert_true(sees("OK or CANCEL?", 13));
	before = h.user;
	for (unsigned i = 0; i < 100; i++) {
		signal_card(4);
		signal_card(2); /* reset */
		signal_card(0); /* off */
		signal_card(1);
	}
	signal_card(0);
	look("");
	assert_memory_equal(h.user.line, before.line, sizeof(before.line));
	/* The user alone goes on, with no reader there. */
	look("O");
	assert_true(sees(j.password, j.len));
	/* Nor do they bring the password back, or tell it. */
	signal_card(0);
	signal_card(1);
	look("O");
	assert_false(sees(j.password, j.len));
}

/* Every class and instruction, and bytes of no form: the display goes blank at
 * the first and stays so.  proves: JPS-9 JPS-18 */
static void
test_no_command_writes_presses_or_learns(void **state)
{
	struct jz_joint j = contact();
	uint32_t random = 1;

	(void)state;
	look("DD");
	assert_true(sees("OK or CANCEL?", 13));
	for (unsigned i = 0; i < 65536 + RANDOM; i++) {
		uint8_t cmd[64] = {(uint8_t)(i >> 8), (uint8_t)i, 0, 0, 0};
		size_t len = 5, n;

		if (i >= 65536) {
			for (size_t k = 0; k < sizeof(cmd); k++) {
				random = random * 1664525u + 1013904223u;
				cmd[k] = (uint8_t)(random >> 24);
			}
			len = 2 + random % (sizeof(cmd) - 2);
		} else if (i % 7 != 0 && cmd[0] != 0x80 && cmd[0] != 0x00) {
			continue; /* a seventh of what nobody uses */
		}
		n = command(cmd, len);
		assert_null(memmem(h.frame, n, j.password, j.len));
		if (i % 1024 == 0 || i + 1 == 65536 + RANDOM) {
			look("");
			assert_true(sees_nothing());
		}
	}
	look("DDO123456O");
	assert_true(sees_nothing());
}

/* The reader is torn away in the middle: the card goes on with its user.
 * proves: JPS-18 */
static void
test_a_reader_that_goes_changes_nothing(void **state)
{
	struct jz_joint j = contact();

	(void)state;
	/* Three bytes of a command of 32. */
	assert_int_equal(send(h.fd, "\0\x20\x80\xA0\0", 5, MSG_NOSIGNAL), 5);
	shutdown(h.fd, SHUT_RDWR);
	close(h.fd);
	connect_card();
	look("DD");
	assert_true(sees("OK or CANCEL?", 13));
	look("O");
	assert_true(sees(j.password, j.len));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_no_signal_of_the_reader_moves_the_display),
	    TEST(test_no_command_writes_presses_or_learns),
	    TEST(test_a_reader_that_goes_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
