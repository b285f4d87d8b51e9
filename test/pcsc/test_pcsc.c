/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own client through a real PC/SC daemon, with cards of our own served to
 * its virtual readers by another process.
 *
 * The daemon is private to this program.  Where none is installed the program
 * says so and gives 77.
 */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <winscard.h>

#include "../../apdu/apdu.h"
#include "../../apdu/error.h"
#include "../../apdu/purse.h"
#include "../../reader/reader.h"
#include "../../reader/virtual.h"
#include "../support/pcscd.h"

#define EXIT_SKIPPED 77
#define CARDS_MAX    2u
#define FIRST	     "Virtual PCD 00 00"
#define SECOND	     "Virtual PCD 00 01"
#define STEP_MS	     20
#define STEPS	     250u /* 5 s */
#define ANSWER_MAX   4098u
#define NS_PER_MS    1000000

static void
sleep_ms(long ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * NS_PER_MS};

	(void)nanosleep(&t, NULL);
}

/* ---- cards in another process ------------------------------------------- */

/* In the child: serves n cards until it is killed. */
static void
serve_cards(const struct pcscd *d, size_t n, pid_t parent)
{
	const struct jz_virtual_options in_memory = {.path = NULL};
	struct jz_virtual *card[CARDS_MAX] = {NULL};
	unsigned short port[CARDS_MAX];
	const struct jz_serve s = {.cards = card, .ports = port, .n = n};
	size_t i;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	for (i = 0; i < n; i++) {
		port[i] = (unsigned short)(d->port + i);
		if (jz_virtual_create(&in_memory, &card[i]) != 0)
			_exit(1);
	}
	(void)jz_virtual_serve(&s);
	_exit(1);
}

static int
count_card(const char *name, bool card, struct jz_span atr, void *arg)
{
	(void)name;
	if (card && atr.len > 0)
		++*(size_t *)arg;
	return 0;
}

/* Waits until the daemon, which looks every 400 ms, has seen n cards. */
static void
wait_cards(size_t n)
{
	size_t seen = n + 1;
	unsigned i;

	for (i = 0; i < STEPS && seen != n; i++) {
		if (i > 0)
			sleep_ms(STEP_MS);
		seen = 0;
		assert_int_equal(jz_reader_list(count_card, &seen), 0);
	}
	assert_int_equal(seen, n);
}

static pid_t
insert(const struct pcscd *d, size_t n)
{
	const pid_t parent = getpid();
	pid_t pid;

	wait_cards(0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve_cards(d, n, parent);
	wait_cards(n);
	return pid;
}

static void
remove_cards(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- commands ----------------------------------------------------------- */

static const uint8_t select_purse[] = {0x00, 0xA4, 0x04, 0x00,
    JZ_AID_PURSE_BYTES, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
static const uint8_t get_balance[] = {0x80, 0x5C, 0x00, 0x02, 0x04};
static const uint8_t get_info[] = {0x00, 0xCA, 0xFF, 0x61, 0x00};

static struct jz_reader *
open_reader(const char *name)
{
	struct jz_reader *r = NULL;

	assert_int_equal(jz_reader_open(name, &r), 0);
	assert_non_null(r);
	return r;
}

static int
transmit(struct jz_reader *r, const uint8_t *cmd, size_t len, unsigned *sw)
{
	uint8_t rsp[ANSWER_MAX];
	size_t n = sizeof(rsp);
	int e;

	*sw = 0;
	e = jz_reader_transmit(r, cmd, len, rsp, &n);
	if (e == 0)
		*sw = (unsigned)rsp[n - 2] << 8 | rsp[n - 1];
	else
		assert_int_equal(n, 0);
	return e;
}

static unsigned
status(struct jz_reader *r, const uint8_t *cmd, size_t len)
{
	unsigned sw;

	assert_int_equal(transmit(r, cmd, len, &sw), 0);
	return sw;
}

static bool
selected(struct jz_reader *r)
{
	return status(r, get_info, sizeof(get_info)) == 0x9000;
}

static void
select_it(struct jz_reader *r)
{
	assert_false(selected(r));
	assert_int_equal(status(r, select_purse, sizeof(select_purse)), 0x9000);
	assert_true(selected(r));
}

/* The served card answers what a card in this process answers. */
static void
assert_same(
    struct jz_reader *r, struct jz_virtual *v, const uint8_t *cmd, size_t len)
{
	static uint8_t here[JZ_APDU_MAX_RESPONSE], there[JZ_APDU_MAX_RESPONSE];
	size_t n = sizeof(there), expected;

	expected = jz_virtual_process(v, cmd, len, here, sizeof(here));
	assert_int_equal(jz_reader_transmit(r, cmd, len, there, &n), 0);
	assert_int_equal(n, expected);
	assert_memory_equal(there, here, n);
}

/* ---- tests -------------------------------------------------------------- */

struct listed {
	unsigned readers, cards;
	uint8_t atr[64];
	size_t atr_len;
	int stop;
};

static int
note_reader(const char *name, bool card, struct jz_span atr, void *arg)
{
	struct listed *l = arg;

	l->readers++;
	if (!card) {
		assert_int_equal(atr.len, 0);
		return l->stop;
	}
	assert_string_equal(name, FIRST);
	l->cards++;
	memcpy(l->atr, atr.data, atr.len);
	l->atr_len = atr.len;
	return l->stop;
}

static void
readers_are_listed_with_their_cards(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	struct listed l;

	memset(&l, 0, sizeof(l));
	assert_int_equal(jz_reader_list(note_reader, &l), 0);
	assert_int_equal(l.readers, 2);
	assert_int_equal(l.cards, 1);
	assert_int_equal(l.atr_len, jz_reader_atr(r).len);
	assert_memory_equal(l.atr, jz_reader_atr(r).data, l.atr_len);
	memset(&l, 0, sizeof(l));
	l.stop = 42;
	assert_int_equal(jz_reader_list(note_reader, &l), 42);
	assert_int_equal(l.readers, 1);
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
names_choose_the_reader(void **state)
{
	static const struct {
		const char *name;
		int with_one, with_two;
	} cases[] = {
	    {"pcsc:*", 0, JZ_ERR_READER_MANY},
	    {"pcsc:Virtual PCD *", 0, JZ_ERR_READER_MANY},
	    {"pcsc:*00", 0, 0},
	    {"pcsc:*0[0]", 0, 0},
	    {"pcsc:*1", JZ_ERR_NO_CARD, 0},
	    {"pcsc:" FIRST, 0, 0},
	    {"pcsc:" SECOND, JZ_ERR_NO_CARD, 0},
	    {"pcsc:serial=" FIRST, 0, 0},
	    {"pcsc:serial=" SECOND, JZ_ERR_NO_CARD, 0},
	    {"pcsc:serial=*", JZ_ERR_NO_READER, JZ_ERR_NO_READER},
	    {"pcsc:serial=Virtual PCD 00", JZ_ERR_NO_READER, JZ_ERR_NO_READER},
	    {"pcsc:virtual*", JZ_ERR_NO_READER, JZ_ERR_NO_READER},
	    {"pcsc:nothing*", JZ_ERR_NO_READER, JZ_ERR_NO_READER},
	};
	struct jz_reader *r;
	size_t i, n;
	pid_t cards;
	int e;

	for (n = 1; n <= 2; n++) {
		cards = insert(*state, n);
		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			e = n == 1 ? cases[i].with_one : cases[i].with_two;
			assert_int_equal(jz_reader_open(cases[i].name, &r), e);
			assert_true((r == NULL) == (e != 0));
			jz_reader_free(&r);
		}
		remove_cards(cards);
	}
}

static void
a_handles_name_opens_it_again(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:V*"), *again;

	assert_string_equal(jz_reader_name(r), "pcsc:" FIRST);
	again = open_reader(jz_reader_name(r));
	jz_reader_free(&again);
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
no_card_is_told_from_no_reader(void **state)
{
	struct jz_reader *r;

	(void)state;
	wait_cards(0);
	assert_int_equal(jz_reader_open("pcsc:*", &r), JZ_ERR_NO_CARD);
	assert_int_equal(jz_reader_open("pcsc:x", &r), JZ_ERR_NO_READER);
}

static void
a_served_card_answers_as_one_in_process(void **state)
{
	static const size_t lengths[] = {
	    2, 3, 4, 5, 6, 255, 256, 261, 263, 2304, 2305, 4096, 32768, 65535};
	static uint8_t cmd[65535];
	const struct jz_virtual_options in_memory = {.path = NULL};
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	struct jz_virtual *v = NULL;
	size_t i, nc;

	assert_int_equal(jz_virtual_create(&in_memory, &v), 0);
	assert_true(jz_span_equal(jz_reader_atr(r), jz_virtual_atr(v)));
	assert_same(r, v, get_balance, sizeof(get_balance));
	assert_same(r, v, select_purse, sizeof(select_purse));
	assert_same(r, v, get_balance, sizeof(get_balance));
	assert_same(r, v, get_info, sizeof(get_info));
	/* STORE DATA, extended, of every size up to the driver's limit. */
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(cmd, 0xFF, sizeof(cmd));
		memcpy(cmd, "\x80\xE2\x80\x00\x00", 5);
		nc = lengths[i] > 7 ? lengths[i] - 7 : 0;
		cmd[5] = (uint8_t)(nc >> 8);
		cmd[6] = (uint8_t)nc;
		assert_same(r, v, cmd, lengths[i]);
	}
	assert_same(r, v, get_info, sizeof(get_info));
	jz_virtual_free(&v);
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
a_reset_ends_the_session(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	const size_t atr_len = jz_reader_atr(r).len;

	select_it(r);
	assert_int_equal(jz_reader_reset(r, false), 0);
	select_it(r);
	assert_int_equal(jz_reader_reset(r, true), 0);
	select_it(r);
	assert_int_equal(jz_reader_atr(r).len, atr_len);
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
closing_resets_the_card(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *watch = open_reader("pcsc:*");
	struct jz_reader *r = open_reader("pcsc:*");
	unsigned sw;

	select_it(r);
	jz_reader_free(&r);
	assert_int_equal(transmit(watch, get_info, sizeof(get_info), &sw),
	    JZ_ERR_CARD_RESET);
	assert_false(selected(watch));
	jz_reader_free(&watch);
	remove_cards(cards);
}

static void
anothers_reset_is_told_once(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *a = open_reader("pcsc:*");
	struct jz_reader *b = open_reader("pcsc:*");
	unsigned sw;

	select_it(a);
	assert_int_equal(jz_reader_reset(b, false), 0);
	/* Not sent: had it been, the purse would be selected again. */
	assert_int_equal(transmit(a, select_purse, sizeof(select_purse), &sw),
	    JZ_ERR_CARD_RESET);
	select_it(a);
	assert_int_equal(jz_reader_reset(b, true), 0);
	assert_int_equal(jz_reader_begin(a), JZ_ERR_CARD_RESET);
	assert_int_equal(jz_reader_begin(a), 0);
	select_it(a);
	assert_int_equal(jz_reader_end(a), 0);
	jz_reader_free(&a);
	jz_reader_free(&b);
	remove_cards(cards);
}

/* Another program: connects, tells the pipe, waits, and goes. */
static pid_t
run_holder(bool exclusive, long ms)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		SCARDCONTEXT context;
		SCARDHANDLE card;
		DWORD protocol;

		if (SCardEstablishContext(
			SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != 0 ||
		    SCardConnect(context, FIRST,
			exclusive ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED,
			SCARD_PROTOCOL_T1, &card, &protocol) != 0 ||
		    (!exclusive && SCardBeginTransaction(card) != 0) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		sleep_ms(ms);
		(void)SCardDisconnect(card, SCARD_LEAVE_CARD);
		_exit(0);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void
an_exclusive_holder_makes_the_reader_busy(void **state)
{
	const pid_t cards = insert(*state, 1);
	const pid_t holder = run_holder(true, 60000);
	struct jz_reader *r;

	assert_int_equal(jz_reader_open("pcsc:*", &r), JZ_ERR_READER_BUSY);
	assert_null(r);
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	sleep_ms(200);
	r = open_reader("pcsc:*");
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
anothers_transaction_is_waited_for(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	const pid_t holder = run_holder(false, 300);
	int result;

	assert_int_equal(jz_reader_begin(r), 0);
	/* It has gone, or is just going: it does not hold the card. */
	assert_int_equal(waitpid(holder, &result, 0), holder);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
	assert_int_equal(jz_reader_begin(r), JZ_ERR_STATE);
	select_it(r);
	assert_int_equal(jz_reader_end(r), 0);
	assert_int_equal(jz_reader_end(r), JZ_ERR_STATE);
	jz_reader_free(&r);
	remove_cards(cards);
}

static void
a_removed_card_is_named_and_can_come_back(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	unsigned sw;
	pid_t other;

	select_it(r);
	remove_cards(cards);
	/* At once, before the daemon has looked. */
	assert_int_equal(
	    transmit(r, get_info, sizeof(get_info), &sw), JZ_ERR_CARD_REMOVED);
	assert_int_equal(
	    transmit(r, get_info, sizeof(get_info), &sw), JZ_ERR_CARD_REMOVED);
	other = insert(*state, 1);
	/* Another card in the reader is not the card that we opened. */
	assert_int_equal(
	    transmit(r, get_info, sizeof(get_info), &sw), JZ_ERR_CARD_REMOVED);
	assert_int_equal(jz_reader_reset(r, false), 0);
	select_it(r);
	jz_reader_free(&r);
	remove_cards(other);
}

static void
a_card_torn_out_under_a_command_is_named(void **state)
{
	const pid_t cards = insert(*state, 1);
	struct jz_reader *r = open_reader("pcsc:*");
	unsigned sw;
	pid_t hand;

	select_it(r);
	/* The card falls silent, and is pulled while we wait for it. */
	assert_int_equal(kill(cards, SIGSTOP), 0);
	hand = fork();
	assert_true(hand >= 0);
	if (hand == 0) {
		sleep_ms(200);
		_exit(kill(cards, SIGKILL) == 0 ? 0 : 1);
	}
	assert_int_equal(
	    transmit(r, get_info, sizeof(get_info), &sw), JZ_ERR_CARD_REMOVED);
	assert_int_equal(waitpid(hand, NULL, 0), hand);
	assert_int_equal(waitpid(cards, NULL, 0), cards);
	jz_reader_free(&r);
}

/* In the child: a card for T=0 alone that answers a command with itself. */
static void
serve_echo(unsigned short port, pid_t parent)
{
	static const uint8_t atr[] = {
	    0x00, 0x09, 0x3B, 0x65, 0x00, 0x00, 0x20, 0x63, 0xCB, 0x68, 0x00};
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	uint8_t frame[2 + 261 + 2];
	const int on = 1;
	size_t len;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    connect(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) !=
		0)
		_exit(1);
	while (recv(fd, frame, 2, MSG_WAITALL) == 2) {
		len = (size_t)frame[0] << 8 | frame[1];
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
		if (len > 261 ||
		    recv(fd, frame + 2, len, MSG_WAITALL) != (ssize_t)len)
			break;
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
		if (len == 1 && frame[2] == 4)
			(void)send(fd, atr, sizeof(atr), 0);
		if (len == 1)
			continue;
		frame[0] = (uint8_t)((len + 2) >> 8);
		frame[1] = (uint8_t)(len + 2);
		memcpy(frame + 2 + len, "\x90\x00", 2);
		(void)send(fd, frame, len + 4, 0);
	}
	_exit(1);
}

static void
t0_gets_tpdus(void **state)
{
	static const struct {
		const char *sent;
		size_t sent_len, got_len;
	} cases[] = {
	    {"\x00\x70\x80\x01\x00", 4, 5},		/* 1: P3 added */
	    {"\x00\xB0\x00\x00\x00", 5, 5},		/* 2 */
	    {"\x00\xD6\x00\x00\x02\xAA\xBB", 7, 7},	/* 3 */
	    {"\x00\xA4\x04\x00\x02\xF0\x4A\x00", 8, 7}, /* 4: no Le */
	    {"\x00\xA4\x04", 3, 3},			/* not a command */
	};
	const struct pcscd *d = *state;
	const pid_t parent = getpid();
	uint8_t rsp[ANSWER_MAX];
	struct jz_reader *r;
	size_t i, len;
	pid_t card;

	wait_cards(0);
	card = fork();
	assert_true(card >= 0);
	if (card == 0)
		serve_echo(d->port, parent);
	wait_cards(1);
	r = open_reader("pcsc:*");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = sizeof(rsp);
		assert_int_equal(
		    jz_reader_transmit(r, (const uint8_t *)cases[i].sent,
			cases[i].sent_len, rsp, &len),
		    0);
		assert_int_equal(len, cases[i].got_len + 2);
		assert_memory_equal(rsp, cases[i].sent, cases[i].got_len);
	}
	jz_reader_free(&r);
	remove_cards(card);
}

/* The last: it ends the daemon. */
static void
a_daemon_that_is_gone_is_named(void **state)
{
	struct pcscd *d = *state;
	const pid_t cards = insert(d, 1);
	struct jz_reader *r = open_reader("pcsc:*"), *again;
	size_t n = 0;
	unsigned sw;

	select_it(r);
	pcscd_stop(d);
	assert_int_equal(
	    transmit(r, get_info, sizeof(get_info), &sw), JZ_ERR_NO_DAEMON);
	assert_int_equal(jz_reader_reset(r, true), JZ_ERR_NO_DAEMON);
	assert_int_equal(jz_reader_open("pcsc:*", &again), JZ_ERR_NO_DAEMON);
	assert_int_equal(jz_reader_list(count_card, &n), JZ_ERR_NO_DAEMON);
	jz_reader_free(&r);
	remove_cards(cards);
}

static int
start_daemon(void **state)
{
	static struct pcscd daemon;

	*state = &daemon;
	return pcscd_start(&daemon, 1, pcscd_isolate()) ? 0 : -1;
}

static int
stop_daemon(void **state)
{
	pcscd_stop(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readers_are_listed_with_their_cards),
	    cmocka_unit_test(names_choose_the_reader),
	    cmocka_unit_test(a_handles_name_opens_it_again),
	    cmocka_unit_test(no_card_is_told_from_no_reader),
	    cmocka_unit_test(a_served_card_answers_as_one_in_process),
	    cmocka_unit_test(a_reset_ends_the_session),
	    cmocka_unit_test(closing_resets_the_card),
	    cmocka_unit_test(anothers_reset_is_told_once),
	    cmocka_unit_test(an_exclusive_holder_makes_the_reader_busy),
	    cmocka_unit_test(anothers_transaction_is_waited_for),
	    cmocka_unit_test(a_removed_card_is_named_and_can_come_back),
	    cmocka_unit_test(a_card_torn_out_under_a_command_is_named),
	    cmocka_unit_test(t0_gets_tpdus),
	    cmocka_unit_test(a_daemon_that_is_gone_is_named),
	};
	const char *missing = pcscd_missing();

	if (missing != NULL) {
		(void)fprintf(stderr, "test_pcsc: skipped: %s\n", missing);
		return EXIT_SKIPPED;
	}
	return cmocka_run_group_tests(tests, start_daemon, stop_daemon);
}
