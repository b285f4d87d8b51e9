/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command through a private PC/SC daemon to a card that we serve, by our
 * reader, against the same command by the daemon's own library to a card that
 * says the same two bytes to everything.  Daemon, cards and clients share one
 * CPU.
 */
#define _GNU_SOURCE 1

#include "bench.h"
#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#include "../../apdu/error.h"
#include "../support/pcscd.h"

#define OURS	    "Virtual PCD 00 00"
#define CONSTANT    "Virtual PCD 00 01"
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

static void
serve_ours(const char *path, unsigned short port)
{
	const struct jz_virtual_options options = {.path = path};
	struct jz_virtual *card = NULL;
	struct jz_virtual *cards[1];
	const struct jz_serve s = {.cards = cards, .ports = &port, .n = 1};

	if (jz_virtual_open(&options, &card) != 0)
		return;
	cards[0] = card;
	(void)jz_virtual_serve(&s);
}

/* A card in a process of its own, which ends with this one. */
static pid_t
serve(const char *path, unsigned short port)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
		if (path != NULL)
			serve_ours(path, port);
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
	struct jz_reader *reader;
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

/* Until the daemon, which looks every 400 ms, has seen both cards. */
static int
connect_both(struct clients *c)
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
		if (jz_reader_open("pcsc:" OURS, &c->reader) != 0)
			(void)nanosleep(&pause, NULL);
	return c->connected && c->reader != NULL ? 0 : JZ_ERR_NO_CARD;
}

static void
disconnect(struct clients *c)
{
	jz_reader_free(&c->reader);
	if (c->connected)
		(void)SCardDisconnect(c->card, SCARD_LEAVE_CARD);
	if (c->established)
		(void)SCardReleaseContext(c->context);
}

static int
run(struct bench *b)
{
	static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00,
	    JZ_AID_PURSE_BYTES, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
	struct clients c = {NULL, 0, 0, false, false};
	const struct bench_case what = {"GET BALANCE, through pcscd and vpcd",
	    "a card that says 9000 to everything, by SCardTransmit",
	    transmit_ours, transmit_constant, &c, 0, NULL, 0, BENCH_WALL};
	uint8_t rsp[ANSWER_MAX];
	size_t n = sizeof(rsp);
	int e = connect_both(&c);

	if (e == 0)
		e = jz_reader_transmit(
		    c.reader, select, sizeof(select), rsp, &n);
	if (e == 0)
		e = bench_run(b, &what);
	disconnect(&c);
	return e;
}

int
bench_pcsc(struct bench *b, struct world *w)
{
	const char *why = pcscd_missing();
	char path[WORLD_PATH_MAX];
	struct pcscd d;
	pid_t ours = 0, constant = 0;
	int e;

	if (why != NULL) {
		bench_skip(b, why);
		return 0;
	}
	if (!pcscd_start(&d, 1, pcscd_isolate()))
		return JZ_ERR_NO_DAEMON;
	world_path(w, "bench.card", path);
	ours = serve(path, d.port);
	constant = serve(NULL, (unsigned short)(d.port + 1));
	e = ours > 0 && constant > 0 ? run(b) : JZ_ERR_SYSTEM;
	take_out(ours);
	take_out(constant);
	pcscd_stop(&d);
	return e;
}
