/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving a card to vpcd: the test plays the driver at the other end of the
 * TCP connection, well behaved and otherwise.
 */
#define _DEFAULT_SOURCE 1

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../apdu/purse.h"
#include "../../reader/virtual.h"

#define CARDS	       2u
#define FRAME_MAX      65535u
#define PATIENCE_S     5
#define PATIENCE_MS    (PATIENCE_S * 1000)
#define STOP_MS	       200
#define EVENTS_MAX     512u
#define DELAYED_ACK_MS 40

/* n cards, served by a thread of their own, and the driver's sockets. */
struct rig {
	size_t n;
	struct jz_virtual *card[CARDS];
	unsigned short port[CARDS];
	int listener[CARDS], fd[CARDS];
	volatile int stop;
	struct jz_serve serve;
	pthread_t thread;
	int result;
	char events[EVENTS_MAX]; /* read it when the thread has ended */
};

static void
note_event(size_t card, const char *what, void *arg)
{
	struct rig *g = arg;
	const size_t len = strlen(g->events);
	const char number[] = {(char)('0' + (int)card), ' ', '\0'};

	/* An assertion belongs in the test's thread. */
	if (len + strlen(what) + 4 >= sizeof(g->events))
		return;
	strcat(g->events, number);
	strcat(g->events, what);
	strcat(g->events, ";");
}

static void *
serve(void *arg)
{
	struct rig *g = arg;

	g->result = jz_virtual_serve(&g->serve);
	return NULL;
}

static void
listen_on_free_port(struct rig *g, size_t i)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g->listener[i] = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(g->listener[i] >= 0);
	assert_int_equal(
	    bind(g->listener[i], (const struct sockaddr *)(const void *)&a,
		sizeof(a)),
	    0);
	assert_int_equal(listen(g->listener[i], 1), 0);
	assert_int_equal(
	    getsockname(g->listener[i], (struct sockaddr *)(void *)&a, &len),
	    0);
	g->port[i] = ntohs(a.sin_port);
}

static void
accept_card(struct rig *g, size_t i)
{
	const struct timeval patience = {PATIENCE_S, 0};
	struct pollfd p = {.fd = g->listener[i], .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	g->fd[i] = accept(g->listener[i], NULL, NULL);
	assert_true(g->fd[i] >= 0);
	assert_int_equal(setsockopt(g->fd[i], SOL_SOCKET, SO_RCVTIMEO,
			     &patience, sizeof(patience)),
	    0);
}

static void
start(struct rig *g, size_t n)
{
	const struct jz_virtual_options in_memory = {.path = NULL};
	size_t i;

	memset(g, 0, sizeof(*g));
	g->n = n;
	for (i = 0; i < n; i++) {
		assert_int_equal(jz_virtual_create(&in_memory, &g->card[i]), 0);
		listen_on_free_port(g, i);
	}
	g->serve.cards = g->card;
	g->serve.ports = g->port;
	g->serve.n = n;
	g->serve.stop = &g->stop;
	g->serve.event = note_event;
	g->serve.arg = g;
	assert_int_equal(pthread_create(&g->thread, NULL, serve, g), 0);
	for (i = 0; i < n; i++)
		accept_card(g, i);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Stops the thread and gives how long that took. */
static int64_t
finish(struct rig *g)
{
	const int64_t before = now_ms();
	int64_t took;
	size_t i;

	g->stop = 1;
	assert_int_equal(pthread_join(g->thread, NULL), 0);
	took = now_ms() - before;
	for (i = 0; i < g->n; i++) {
		(void)close(g->fd[i]);
		(void)close(g->listener[i]);
		jz_virtual_free(&g->card[i]);
	}
	return took;
}

/* ---- frames ------------------------------------------------------------- */

static void
push(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

/* As vpcd does it: in two sends. */
static void
push_frame(int fd, const void *data, size_t len)
{
	const uint8_t head[] = {(uint8_t)(len >> 8), (uint8_t)len};

	push(fd, head, sizeof(head));
	if (len > 0)
		push(fd, data, len);
}

static void
push_signal(int fd, uint8_t signal)
{
	push_frame(fd, &signal, 1);
}

static size_t
pull_frame(int fd, uint8_t *out)
{
	uint8_t head[2];
	size_t len;

	assert_int_equal(recv(fd, head, 2, MSG_WAITALL), 2);
	len = (size_t)head[0] << 8 | head[1];
	assert_int_equal(recv(fd, out, len, MSG_WAITALL), len);
	return len;
}

static unsigned
command(int fd, const void *cmd, size_t len)
{
	static uint8_t rsp[FRAME_MAX];
	size_t n;

	push_frame(fd, cmd, len);
	n = pull_frame(fd, rsp);
	assert_true(n >= 2);
	return (unsigned)rsp[n - 2] << 8 | rsp[n - 1];
}

static const uint8_t select_purse[] = {0x00, 0xA4, 0x04, 0x00,
    JZ_AID_PURSE_BYTES, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
static const uint8_t get_info[] = {0x00, 0xCA, 0xFF, 0x61, 0x00};

static bool
selected(int fd)
{
	return command(fd, get_info, sizeof(get_info)) == 0x9000;
}

static void
select_it(int fd)
{
	assert_false(selected(fd));
	assert_int_equal(
	    command(fd, select_purse, sizeof(select_purse)), 0x9000);
	assert_true(selected(fd));
}

static void
assert_serves(int fd, const struct jz_virtual *card)
{
	const struct jz_span atr = jz_virtual_atr(card);
	uint8_t rsp[FRAME_MAX];

	push_signal(fd, 4);
	assert_int_equal(pull_frame(fd, rsp), atr.len);
	assert_memory_equal(rsp, atr.data, atr.len);
}

static void
assert_closed(struct rig *g, size_t i)
{
	uint8_t byte;

	/* Closed, or reset where bytes of ours were unread. */
	assert_true(recv(g->fd[i], &byte, 1, 0) <= 0);
	(void)close(g->fd[i]);
}

/* ---- tests -------------------------------------------------------------- */

static void
signals_and_commands_are_answered(void **state)
{
	struct rig g;

	(void)state;
	start(&g, 1);
	push_signal(g.fd[0], 1);
	assert_serves(g.fd[0], g.card[0]);
	select_it(g.fd[0]);
	push_signal(g.fd[0], 2);
	select_it(g.fd[0]);
	push_signal(g.fd[0], 0);
	push_signal(g.fd[0], 1);
	select_it(g.fd[0]);
	(void)finish(&g);
	assert_int_equal(g.result, 0);
	assert_string_equal(g.events,
	    "0 plug;0 power on;0 reset;0 power off;0 power on;0 unplug;");
}

static void
frames_come_in_any_pieces(void **state)
{
	uint8_t all[2 + sizeof(select_purse) + 3 + 3], rsp[FRAME_MAX];
	struct rig g;
	size_t i, n = 0;
	const int on = 1;

	(void)state;
	start(&g, 1);
	(void)setsockopt(g.fd[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	memcpy(all, "\x00\x01\x02\x00", 4);
	n = 4;
	all[n++] = sizeof(select_purse);
	memcpy(all + n, select_purse, sizeof(select_purse));
	n += sizeof(select_purse);
	memcpy(all + n, "\x00\x01\x04", 3);
	n += 3;
	assert_int_equal(n, sizeof(all));
	/* Byte by byte, then all at once. */
	for (i = 0; i < n; i++)
		push(g.fd[0], all + i, 1);
	assert_true(pull_frame(g.fd[0], rsp) >= 2);
	assert_int_equal(
	    pull_frame(g.fd[0], rsp), jz_virtual_atr(g.card[0]).len);
	push(g.fd[0], all, n);
	assert_true(pull_frame(g.fd[0], rsp) >= 2);
	assert_int_equal(
	    pull_frame(g.fd[0], rsp), jz_virtual_atr(g.card[0]).len);
	assert_true(selected(g.fd[0]));
	(void)finish(&g);
}

/* ALL-4: every byte string gets an answer. */
static void
every_length_gets_an_answer(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 4, 5, 255, 256, 261, 2304,
	    2400, 4096, 32768, 65483, 65534, 65535};
	static uint8_t cmd[FRAME_MAX];
	struct rig g;
	size_t i;

	(void)state;
	memset(cmd, 0xFF, sizeof(cmd));
	start(&g, 1);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_int_not_equal(command(g.fd[0], cmd, lengths[i]), 0x9000);
	assert_serves(g.fd[0], g.card[0]);
	(void)finish(&g);
	assert_string_equal(g.events, "0 plug;0 unplug;");
}

static void
an_empty_frame_closes_and_the_card_comes_back(void **state)
{
	struct rig g;

	(void)state;
	start(&g, 1);
	select_it(g.fd[0]);
	push_frame(g.fd[0], NULL, 0);
	assert_closed(&g, 0);
	accept_card(&g, 0);
	/* It was out of the reader: no power, nothing selected. */
	select_it(g.fd[0]);
	(void)finish(&g);
	assert_string_equal(g.events, "0 plug;0 unplug;0 plug;0 unplug;");
}

static void
a_frame_cut_by_a_lost_connection_is_forgotten(void **state)
{
	struct rig g;

	(void)state;
	start(&g, 1);
	push(g.fd[0], "\x00\x20\x00\xA4", 4);
	(void)close(g.fd[0]);
	accept_card(&g, 0);
	assert_serves(g.fd[0], g.card[0]);
	(void)finish(&g);
}

/*
 * The driver goes while answers are still due: the first comes back refused,
 * and the next would be a SIGPIPE.
 */
static void
an_answer_to_nobody_does_not_end_the_program(void **state)
{
	uint8_t many[50 * (2 + sizeof(get_info))];
	struct rig g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(many); i += 2 + sizeof(get_info)) {
		many[i] = 0;
		many[i + 1] = sizeof(get_info);
		memcpy(many + i + 2, get_info, sizeof(get_info));
	}
	start(&g, 1);
	for (i = 0; i < 5; i++) {
		push(g.fd[0], many, sizeof(many));
		(void)close(g.fd[0]);
		accept_card(&g, 0);
	}
	assert_serves(g.fd[0], g.card[0]);
	(void)finish(&g);
}

static void
cards_are_served_apart(void **state)
{
	struct rig g;

	(void)state;
	start(&g, 2);
	select_it(g.fd[0]);
	assert_false(selected(g.fd[1]));
	/* Half a frame for the one does not keep the other waiting. */
	push(g.fd[0], "\x00\x05\x00", 3);
	select_it(g.fd[1]);
	push(g.fd[0], "\xCA\xFF\x61\x00", 4);
	(void)pull_frame(g.fd[0], (uint8_t[FRAME_MAX]){0});
	push_frame(g.fd[1], NULL, 0);
	assert_closed(&g, 1);
	assert_true(selected(g.fd[0]));
	accept_card(&g, 1);
	select_it(g.fd[1]);
	assert_true(selected(g.fd[0]));
	(void)finish(&g);
	assert_string_equal(
	    g.events, "0 plug;1 plug;1 unplug;1 plug;0 unplug;1 unplug;");
}

static void
it_stops_at_once(void **state)
{
	struct rig g;

	(void)state;
	start(&g, 1);
	assert_true(finish(&g) <= STOP_MS);
	start(&g, 2);
	assert_true(finish(&g) <= STOP_MS);
	/* Also in the middle of a frame. */
	start(&g, 1);
	push(g.fd[0], "\x00", 1);
	assert_true(finish(&g) <= STOP_MS);
	assert_int_equal(g.result, 0);
}

static void
it_stops_while_the_driver_is_not_there(void **state)
{
	struct rig g;
	struct pollfd none;

	(void)state;
	start(&g, 1);
	(void)close(g.listener[0]);
	(void)close(g.fd[0]);
	(void)poll(&none, 0, 300);
	assert_true(finish(&g) <= STOP_MS);
	assert_int_equal(g.result, 0);
	assert_string_equal(g.events, "0 plug;0 unplug;");
}

/*
 * The driver's two sends meet no delayed acknowledgement: each of those would
 * cost 40 ms.
 */
static void
commands_do_not_wait_for_acknowledgements(void **state)
{
	const unsigned n = 200;
	struct rig g;
	int64_t before;
	unsigned i;

	(void)state;
	start(&g, 1);
	before = now_ms();
	for (i = 0; i < n; i++) {
		push_signal(g.fd[0], 2);
		assert_serves(g.fd[0], g.card[0]);
		(void)selected(g.fd[0]);
	}
	assert_true(now_ms() - before < (int64_t)n * DELAYED_ACK_MS / 4);
	(void)finish(&g);
}

static void
no_card_or_too_many_are_refused(void **state)
{
	struct jz_serve s;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_int_equal(jz_virtual_serve(&s), JZ_ERR_RANGE);
	s.n = 1000;
	assert_int_equal(jz_virtual_serve(&s), JZ_ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signals_and_commands_are_answered),
	    cmocka_unit_test(frames_come_in_any_pieces),
	    cmocka_unit_test(every_length_gets_an_answer),
	    cmocka_unit_test(an_empty_frame_closes_and_the_card_comes_back),
	    cmocka_unit_test(a_frame_cut_by_a_lost_connection_is_forgotten),
	    cmocka_unit_test(an_answer_to_nobody_does_not_end_the_program),
	    cmocka_unit_test(cards_are_served_apart),
	    cmocka_unit_test(it_stops_at_once),
	    cmocka_unit_test(it_stops_while_the_driver_is_not_there),
	    cmocka_unit_test(commands_do_not_wait_for_acknowledgements),
	    cmocka_unit_test(no_card_or_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
