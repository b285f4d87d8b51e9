/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command through a private PC/SC daemon to a card that we serve, by our
 * reader, against the same command by the daemon's own library to a card that
 * says the same two bytes to everything; and a payment between two such cards,
 * against as many of those commands and its cryptography.  Daemon, cards and
 * clients share one CPU.  The cards are in memory: no disk is measured.
 */
#define _GNU_SOURCE 1

#include "bench.h"
#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#include "../../apdu/error.h"
#include "../support/pcscd.h"

/* By ports: two of each entry. */
#define ENTRIES	 3u
#define PORTS	 5u
#define CONSTANT "Virtual PCD 3 00 00"
/* Payer and payee of either suite. */
static const char *const OURS[][2] = {
    {"pcsc:Virtual PCD 00 00", "pcsc:Virtual PCD 00 01"},
    {"pcsc:Virtual PCD 2 00 00", "pcsc:Virtual PCD 2 00 01"},
};

#define FRAME_MAX   512u
#define ANSWER_MAX  258u
#define ASK_ATR	    0x04
#define TRIES	    250u /* 5 s */
#define TRY_NS	    20000000
#define FRAME_BYTES 2u

static const uint8_t COMMAND[] = {0x80, 0x5C, 0x00, 0x02, 0x04};

/* ---- the constant card -------------------------------------------------- */

/* Takes len bytes, acknowledging at once; vpcd's sends wait for that. */
static bool
take(int fd, uint8_t *out, size_t len)
{
	const int on = 1;

	for (size_t at = 0; at < len;) {
		ssize_t n = recv(fd, out + at, len - at, 0);

		if (n <= 0)
			return false;
		at += (size_t)n;
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	}
	return true;
}

static void
constant_card(int fd)
{
	/* T=1, no historical bytes. */
	static const uint8_t atr[] = {0, 5, 0x3B, 0x80, 0x80, 0x01, 0x01};
	static const uint8_t answer[] = {0, 2, 0x90, 0x00};
	uint8_t frame[FRAME_MAX];

	while (take(fd, frame, FRAME_BYTES)) {
		const size_t len = (size_t)frame[0] << 8 | frame[1];

		if (len == 0 || len > sizeof(frame) || !take(fd, frame, len))
			return;
		if (len > 1)
			(void)send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
		else if (frame[0] == ASK_ATR)
			(void)send(fd, atr, sizeof(atr), MSG_NOSIGNAL);
	}
}

static void
serve_constant(unsigned short port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		constant_card(fd);
}

/* ---- ours --------------------------------------------------------------- */

/* A copy of the card, as it is now, in a process of its own that ends with this
 * one; NULL: the constant card. */
static pid_t
serve(struct jz_virtual *card, unsigned short port)
{
	struct jz_virtual *cards[] = {card};
	const struct jz_serve s = {.cards = cards, .ports = &port, .n = 1};
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
		if (card != NULL)
			(void)jz_virtual_serve(&s);
		else
			serve_constant(port);
	}
	_exit(1);
}

static void
take_out(pid_t pid)
{
	if (pid > 0 && kill(pid, SIGKILL) == 0)
		(void)waitpid(pid, NULL, 0);
}

/* ---- the two clients ---------------------------------------------------- */

struct clients {
	struct jz_reader *reader, *other;
	struct jz_session payer, payee;
	unsigned apdus; /* of a payment */
	struct world_keys keys;
	SCARDCONTEXT context;
	SCARDHANDLE card;
	bool established, connected;
};

static int
transmit_ours(void *arg)
{
	struct clients *c = arg;
	uint8_t rsp[ANSWER_MAX];
	size_t n = sizeof(rsp);

	return jz_reader_transmit(c->reader, COMMAND, sizeof(COMMAND), rsp, &n);
}

static int
transmit_constant(void *arg)
{
	struct clients *c = arg;
	uint8_t rsp[ANSWER_MAX];
	DWORD n = sizeof(rsp);

	return SCardTransmit(c->card, SCARD_PCI_T1, COMMAND, sizeof(COMMAND),
		   NULL, rsp, &n) == SCARD_S_SUCCESS
	    ? 0
	    : JZ_ERR_NO_CARD;
}

/* Until the daemon, which looks every 400 ms, has seen the cards. */
static int
connect_all(struct clients *c, const char *const ours[static 2])
{
	const struct timespec pause = {0, TRY_NS};
	DWORD protocol;

	if (SCardEstablishContext(
		SCARD_SCOPE_SYSTEM, NULL, NULL, &c->context) != SCARD_S_SUCCESS)
		return JZ_ERR_NO_DAEMON;
	c->established = true;
	for (unsigned i = 0; i < TRIES && !c->connected; i++) {
		c->connected = SCardConnect(c->context, CONSTANT,
				   SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
				   &c->card, &protocol) == SCARD_S_SUCCESS;
		if (!c->connected)
			(void)nanosleep(&pause, NULL);
	}
	for (unsigned i = 0; i < TRIES && c->reader == NULL; i++)
		if (jz_reader_open(ours[0], &c->reader) != 0)
			(void)nanosleep(&pause, NULL);
	for (unsigned i = 0; i < TRIES && c->other == NULL; i++)
		if (jz_reader_open(ours[1], &c->other) != 0)
			(void)nanosleep(&pause, NULL);
	return c->connected && c->reader != NULL && c->other != NULL
	    ? 0
	    : JZ_ERR_NO_CARD;
}

static void
disconnect(struct clients *c)
{
	jz_reader_free(&c->reader);
	jz_reader_free(&c->other);
	if (c->connected)
		(void)SCardDisconnect(c->card, SCARD_LEAVE_CARD);
	if (c->established)
		(void)SCardReleaseContext(c->context);
}

/* ---- a payment ---------------------------------------------------------- */

static int
pay_ours(void *arg)
{
	static const struct jz_terms terms = {.amount_minor = 1,
	    .currency = WORLD_CURRENCY,
	    .time = 1769903999,
	    .reference = "bench"};
	struct clients *c = arg;
	struct jz_pay_result result;

	return jz_pay(&c->payer, &c->payee, &terms, &result, NULL, NULL);
}

static int
pay_least(void *arg)
{
	struct clients *c = arg;
	int e = world_crypto(&c->keys, &world_payment);

	for (unsigned i = 0; i < c->apdus && e == 0; i++)
		e = transmit_constant(c);
	return e;
}

static void
count(const char *reader, bool command, struct jz_span apdu, void *arg)
{
	(void)reader;
	(void)apdu;
	if (command)
		++*(unsigned *)arg;
}

static int
run_payment(struct bench *b, struct world *w, struct clients *c)
{
	/* One payment a sample: the cards' logs hold no more. */
	const struct bench_case what = {w->suite == JZ_SUITE_GM
		? "offline payment through pcscd, suite gm"
		: "offline payment through pcscd, suite nist",
	    "its cryptography, and as many commands to the constant card",
	    pay_ours, pay_least, c, 1, "within 1.2 times", 1.2, BENCH_WALL};
	int e = world_keys_new(&c->keys, w->suite);

	jz_session_init(&c->payer, c->reader);
	jz_session_init(&c->payee, c->other);
	if (e == 0)
		e = jz_purse_select(&c->payer);
	if (e == 0)
		e = jz_purse_select(&c->payee);
	jz_reader_trace(count, &c->apdus);
	if (e == 0)
		e = pay_ours(c);
	jz_reader_trace(NULL, NULL);
	if (e == 0)
		e = bench_run(b, &what);
	world_keys_free(&c->keys);
	return e;
}

static int
run_command(struct bench *b, struct clients *c)
{
	static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00,
	    JZ_AID_PURSE_BYTES, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
	const struct bench_case what = {"GET BALANCE, through pcscd and vpcd",
	    "a card that says 9000 to everything, by SCardTransmit",
	    transmit_ours, transmit_constant, c, 0, NULL, 0, BENCH_WALL};
	uint8_t rsp[ANSWER_MAX];
	size_t n = sizeof(rsp);
	int e = jz_reader_transmit(c->reader, select, sizeof(select), rsp, &n);

	return e != 0 ? e : bench_run(b, &what);
}

static int
run(struct bench *b, struct world *w)
{
	const bool gm = w->suite == JZ_SUITE_GM;
	struct clients *c = calloc(1, sizeof(*c));
	int e = c == NULL ? JZ_ERR_MEMORY : connect_all(c, OURS[gm]);

	if (e == 0 && !gm)
		e = run_command(b, c);
	if (e == 0)
		e = run_payment(b, w, c);
	if (c != NULL)
		disconnect(c);
	free(c);
	return e;
}

int
bench_pcsc(struct bench *b, struct world *w)
{
	struct jz_virtual *const card[PORTS] = {w->payer.card, w->payee.card,
	    w->other->payer.card, w->other->payee.card, NULL};
	const char *why = pcscd_missing();
	pid_t pid[PORTS];
	struct pcscd d;
	int e = 0;

	if (why != NULL) {
		bench_skip(b, why);
		return 0;
	}
	if (!pcscd_start(&d, ENTRIES, pcscd_isolate()))
		return JZ_ERR_NO_DAEMON;
	for (unsigned i = 0; i < PORTS; i++) {
		pid[i] = serve(card[i], (unsigned short)(d.port + i));
		if (pid[i] < 0)
			e = JZ_ERR_SYSTEM;
	}
	if (e == 0)
		e = run(b, w);
	if (e == 0)
		e = run(b, w->other);
	for (unsigned i = 0; i < PORTS; i++)
		take_out(pid[i]);
	pcscd_stop(&d);
	return e;
}
