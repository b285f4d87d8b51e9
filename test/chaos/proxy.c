/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS	16
#define CHUNK	512
#define TICK_MS 20

struct proxy {
	pthread_t thread;
	pthread_mutex_t lock;
	int listener;
	unsigned short port, to;
	bool stop;
	/* fds[2k] is the client's, fds[2k + 1] the server's; -1: none. */
	int fds[2 * PAIRS];
	uint64_t passed, at;
	bool cut;
	void (*then)(void *arg);
	void *arg;
};

static void
close_pair(struct proxy *p, unsigned k)
{
	for (unsigned n = 2 * k; n < 2 * k + 2; n++) {
		if (p->fds[n] >= 0)
			close(p->fds[n]);
		p->fds[n] = -1;
	}
}

static struct sockaddr_in
here(unsigned short port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* A chunk does not wait for the last one's acknowledgement. */
static void
at_once(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
accept_one(struct proxy *p)
{
	struct sockaddr_in a = here(p->to);
	int client = accept(p->listener, NULL, NULL), server;
	unsigned k = 0;

	while (k < PAIRS && p->fds[2 * k] >= 0)
		k++;
	if (client < 0)
		return;
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (k == PAIRS || server < 0 ||
	    connect(server, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(client);
		if (server >= 0)
			close(server);
		return;
	}
	at_once(client);
	at_once(server);
	p->fds[2 * k] = client;
	p->fds[2 * k + 1] = server;
}

/* What is planned for now. */
static void
act(struct proxy *p)
{
	void (*then)(void *arg) = p->then;
	void *arg = p->arg;
	bool cut = p->cut;

	p->at = UINT64_MAX;
	p->then = NULL;
	(void)pthread_mutex_unlock(&p->lock);
	if (then != NULL)
		then(arg);
	for (unsigned k = 0; cut && k < PAIRS; k++)
		close_pair(p, k);
	(void)pthread_mutex_lock(&p->lock);
}

/* At most to the byte where something is planned. */
static size_t
allowed(struct proxy *p)
{
	uint64_t left = p->at - p->passed;

	return left < CHUNK ? (size_t)left : CHUNK;
}

static void
relay(struct proxy *p, unsigned n)
{
	uint8_t bytes[CHUNK];
	size_t most;
	ssize_t len;

	(void)pthread_mutex_lock(&p->lock);
	if (p->passed >= p->at)
		act(p);
	most = allowed(p);
	(void)pthread_mutex_unlock(&p->lock);
	if (p->fds[n] < 0)
		return;
	len = recv(p->fds[n], bytes, most, 0);
	if (len <= 0 ||
	    send(p->fds[n ^ 1], bytes, (size_t)len, MSG_NOSIGNAL) != len) {
		close_pair(p, n / 2);
		return;
	}
	(void)pthread_mutex_lock(&p->lock);
	p->passed += (uint64_t)len;
	if (p->passed >= p->at)
		act(p);
	(void)pthread_mutex_unlock(&p->lock);
}

static void *
run(void *arg)
{
	struct proxy *p = arg;
	struct pollfd polled[2 * PAIRS + 1];
	bool stop = false;

	while (!stop) {
		for (unsigned n = 0; n < 2 * PAIRS; n++)
			polled[n] = (struct pollfd){p->fds[n], POLLIN, 0};
		polled[2 * PAIRS] = (struct pollfd){p->listener, POLLIN, 0};
		(void)poll(polled, 2 * PAIRS + 1, TICK_MS);
		for (unsigned n = 0; n < 2 * PAIRS; n++)
			if (polled[n].fd >= 0 && polled[n].revents != 0 &&
			    p->fds[n] == polled[n].fd)
				relay(p, n);
		if (polled[2 * PAIRS].revents != 0)
			accept_one(p);
		(void)pthread_mutex_lock(&p->lock);
		stop = p->stop;
		(void)pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

struct proxy *
proxy_new(unsigned short to)
{
	struct proxy *p = calloc(1, sizeof(*p));
	struct sockaddr_in a = here(0);
	socklen_t len = sizeof(a);

	if (p == NULL)
		return NULL;
	for (unsigned n = 0; n < 2 * PAIRS; n++)
		p->fds[n] = -1;
	p->to = to;
	p->at = UINT64_MAX;
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 ||
	    bind(p->listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(p->listener, PAIRS) != 0 ||
	    getsockname(p->listener, (struct sockaddr *)&a, &len) != 0 ||
	    pthread_mutex_init(&p->lock, NULL) != 0 ||
	    pthread_create(&p->thread, NULL, run, p) != 0) {
		if (p->listener >= 0)
			close(p->listener);
		free(p);
		return NULL;
	}
	p->port = ntohs(a.sin_port);
	return p;
}

void
proxy_free(struct proxy *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	for (unsigned k = 0; k < PAIRS; k++)
		close_pair(p, k);
	close(p->listener);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned short
proxy_port(const struct proxy *p)
{
	return p->port;
}

void
proxy_plan(struct proxy *p, uint64_t bytes, bool cut, void (*then)(void *arg),
    void *arg)
{
	(void)pthread_mutex_lock(&p->lock);
	p->passed = 0;
	p->at = bytes;
	p->cut = cut;
	p->then = then;
	p->arg = arg;
	(void)pthread_mutex_unlock(&p->lock);
}
