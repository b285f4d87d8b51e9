/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows virtual cards to the PC/SC daemon through vpcd, the virtual reader of
 * vsmartcard 3.3.
 *
 * The card is the TCP client.  A frame is a 2-byte big-endian length and that
 * many bytes.  One byte from the driver is a signal: 00 power off, 01 power
 * on, 02 reset (none of them answered), 04 give the ATR; everything else is a
 * command APDU and is answered with the response.  An empty frame means
 * nothing and ends the connection.
 *
 * vpcd sends length and bytes in two sends without TCP_NODELAY, so that
 * Nagle's algorithm holds the second back until the first is acknowledged,
 * and a receiver that takes its time with that (40 ms) gets 21 commands a
 * second.  So the acknowledgement is asked for with TCP_QUICKACK after every
 * receive but one: when a whole command is there its answer carries it.  An
 * answer leaves in one send.
 *
 * All cards are served by the calling thread, so that the events come from it
 * alone and a card needs no lock.  One card costs no poll(): its socket
 * blocks, with a time limit that keeps an eye on *stop.  Who wants cards in
 * parallel calls this from a thread for each, since different cards are
 * independent.  Nothing is allocated after the start.
 *
 * While a driver has never been there it is waited for without end.  A driver
 * that goes away gets LOST_MS to come back, which a restart of the daemon
 * needs; then its card counts as lost.
 */
#define _DEFAULT_SOURCE 1

#include "virtual.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../apdu/error.h"

#define LENGTH_BYTES 2u
#define FRAME_MAX    65535u
#define RESPONSE_MIN 2u
/* How long any wait may last before *stop is looked at again. */
#define TICK_MS	  100
#define RETRY_MS  100
#define LOST_MS	  10000
#define CARDS_MAX 64u
#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define US_PER_MS 1000

enum signal_byte {
	SIGNAL_OFF = 0x00,
	SIGNAL_ON = 0x01,
	SIGNAL_RESET = 0x02,
	SIGNAL_ATR = 0x04,
};

/* What became of a frame or of a wait for one. */
enum outcome {
	GOING_ON, /* nothing to acknowledge apart */
	SILENT,	  /* nothing will be sent: acknowledge */
	CLOSED,	  /* lost, malformed or unanswerable: close and come back */
};

struct connection {
	struct jz_virtual *card; /* lent */
	int fd;			 /* -1: not connected */
	unsigned short port;
	bool seen; /* was connected once */
	bool told; /* that nobody listens */
	bool lost;
	int64_t retry_at, lost_at; /* ms */
	size_t received;
	uint8_t in[LENGTH_BYTES + FRAME_MAX];
	uint8_t out[LENGTH_BYTES + FRAME_MAX];
};

struct server {
	const struct jz_serve *s;
	struct connection *connection;
	struct pollfd poll[CARDS_MAX];
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

static bool
stopped(const struct server *v)
{
	return v->s->stop != NULL && *v->s->stop != 0;
}

static void
tell(const struct server *v, const struct connection *c, const char *what)
{
	if (v->s->event != NULL)
		v->s->event((size_t)(c - v->connection), what, v->s->arg);
}

/* ---- connections -------------------------------------------------------- */

static void
set_option(int fd, int level, int option)
{
	const int on = 1;

	/* Slower, but right, where the system does not know the option. */
	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

/* A socket connected to a port of this machine, or -1. */
static int
connect_port(unsigned short port)
{
	const struct timeval tick = {0, (suseconds_t)TICK_MS * US_PER_MS};
	struct sockaddr_in a;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick)) != 0 ||
	    connect(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) !=
		0) {
		(void)close(fd);
		return -1;
	}
	set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	set_option(fd, IPPROTO_TCP, TCP_QUICKACK);
	return fd;
}

static void
plug(struct server *v, struct connection *c)
{
	const int64_t now = now_ms();

	if (c->fd >= 0 || c->lost || now < c->retry_at)
		return;
	c->received = 0;
	c->fd = connect_port(c->port);
	if (c->fd >= 0) {
		c->seen = true;
		tell(v, c, "plug");
		return;
	}
	c->retry_at = now + RETRY_MS;
	if (!c->seen && !c->told) {
		c->told = true;
		tell(v, c,
		    "waiting: nothing listens at its port; is pcscd running, "
		    "with vpcd?");
	}
	if (c->seen && now >= c->lost_at)
		c->lost = true;
}

static void
unplug(struct server *v, struct connection *c)
{
	if (c->fd < 0)
		return;
	(void)close(c->fd);
	c->fd = -1;
	explicit_bzero(c->in, c->received);
	c->retry_at = now_ms() + RETRY_MS;
	c->lost_at = now_ms() + LOST_MS;
	/* A card out of its reader has no power. */
	jz_virtual_reset(c->card);
	tell(v, c, "unplug");
}

/* ---- frames ------------------------------------------------------------- */

/* Sends the len bytes at c->out + LENGTH_BYTES as a frame. */
static enum outcome
answer(const struct server *v, struct connection *c, size_t len)
{
	const size_t total = LENGTH_BYTES + len;
	size_t done = 0;
	ssize_t n;

	c->out[0] = (uint8_t)(len >> 8);
	c->out[1] = (uint8_t)len;
	while (done < total) {
		n = send(c->fd, c->out + done, total - done, MSG_NOSIGNAL);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
		    stopped(v))
			return CLOSED;
	}
	return GOING_ON;
}

static enum outcome
answer_atr(const struct server *v, struct connection *c)
{
	const struct jz_span atr = jz_virtual_atr(c->card);

	memcpy(c->out + LENGTH_BYTES, atr.data, atr.len);
	return answer(v, c, atr.len);
}

static enum outcome
power(const struct server *v, struct connection *c, const char *what)
{
	jz_virtual_reset(c->card);
	tell(v, c, what);
	return SILENT;
}

static enum outcome
process_frame(const struct server *v, struct connection *c, size_t len)
{
	uint8_t *const frame = c->in + LENGTH_BYTES;
	size_t n;

	if (len == 0)
		return CLOSED;
	if (len == 1 && frame[0] == SIGNAL_ATR)
		return answer_atr(v, c);
	if (len == 1 && frame[0] == SIGNAL_OFF)
		return power(v, c, "power off");
	if (len == 1 && frame[0] == SIGNAL_ON)
		return power(v, c, "power on");
	if (len == 1 && frame[0] == SIGNAL_RESET)
		return power(v, c, "reset");
	n = jz_virtual_process(
	    c->card, frame, len, c->out + LENGTH_BYTES, FRAME_MAX);
	/* It may have been a PIN. */
	explicit_bzero(frame, len);
	return n < RESPONSE_MIN ? CLOSED : answer(v, c, n);
}

/* Deals with every whole frame that has come. */
static enum outcome
process_frames(const struct server *v, struct connection *c)
{
	enum outcome o = SILENT;
	size_t len, frame;

	while (c->received >= LENGTH_BYTES) {
		len = (size_t)c->in[0] << 8 | c->in[1];
		frame = LENGTH_BYTES + len;
		if (c->received < frame)
			return SILENT;
		o = process_frame(v, c, len);
		if (o == CLOSED)
			return o;
		c->received -= frame;
		if (c->received > 0)
			memmove(c->in, c->in + frame, c->received);
	}
	return c->received > 0 ? SILENT : o;
}

static void
receive(struct server *v, struct connection *c, int flags)
{
	enum outcome o;
	ssize_t n;

	n = recv(
	    c->fd, c->in + c->received, sizeof(c->in) - c->received, flags);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		unplug(v, c);
		return;
	}
	c->received += (size_t)n;
	o = process_frames(v, c);
	if (o == SILENT)
		set_option(c->fd, IPPROTO_TCP, TCP_QUICKACK);
	else if (o == CLOSED)
		unplug(v, c);
}

/* ---- serving ------------------------------------------------------------ */

/* One wait, at most TICK_MS long, and what it brought. */
static void
serve_once(struct server *v)
{
	const size_t n = v->s->n;
	size_t i;

	if (n == 1 && v->connection[0].fd >= 0) {
		receive(v, &v->connection[0], 0);
		return;
	}
	for (i = 0; i < n; i++)
		v->poll[i].fd = v->connection[i].fd;
	if (poll(v->poll, (nfds_t)n, TICK_MS) <= 0)
		return;
	for (i = 0; i < n; i++)
		if (v->connection[i].fd >= 0 && v->poll[i].revents != 0)
			receive(v, &v->connection[i], MSG_DONTWAIT);
}

/* Connects who is not connected; false when every card is lost. */
static bool
plug_all(struct server *v)
{
	bool any = false;
	size_t i;

	for (i = 0; i < v->s->n; i++) {
		if (v->connection[i].fd < 0)
			plug(v, &v->connection[i]);
		any = any || !v->connection[i].lost;
	}
	return any;
}

int
jz_virtual_serve(const struct jz_serve *s)
{
	struct server v;
	int e = 0;
	size_t i;

	if (s->n == 0 || s->n > CARDS_MAX)
		return JZ_ERR_RANGE;
	memset(&v, 0, sizeof(v));
	v.s = s;
	v.connection = calloc(s->n, sizeof(*v.connection));
	if (v.connection == NULL)
		return JZ_ERR_MEMORY;
	for (i = 0; i < s->n; i++) {
		v.connection[i].card = s->cards[i];
		v.connection[i].port = s->ports[i];
		v.connection[i].fd = -1;
		v.poll[i].events = POLLIN;
	}
	while (!stopped(&v)) {
		if (!plug_all(&v)) {
			e = JZ_ERR_NO_DAEMON;
			break;
		}
		serve_once(&v);
		if (s->idle != NULL)
			s->idle(s->arg);
	}
	for (i = 0; i < s->n; i++)
		unplug(&v, &v.connection[i]);
	free(v.connection);
	return e;
}
