/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's daemon: HTTPS (TLS 1.3 alone) with libmicrohttpd.  It has no
 * state of its own: whatever it has answered is in the store before it does, so
 * that it may be killed at any time, and any number of daemons may serve one
 * store (docs/adr/0019-daemon.md).
 *
 * Its log is one JSON object a line: time, address, path, status, refusal,
 * card and counter, microseconds; never a body, and never a secret.
 */
#ifndef JZ_HOST_ISSUER_SERVE_SERVE_H
#define JZ_HOST_ISSUER_SERVE_SERVE_H

#include <stdio.h>

#include "../esign.h"
#include "../issuer.h"

struct jz_server;

struct jz_server_options {
	struct jz_issuer *issuer; /* the server's until it is stopped */
	/* Judges submissions with joint passwords; NULL: nobody does.  The
	 * server's until it is stopped; its suite and its executor's issuer are
	 * those of this issuer (desk.h). */
	const struct jz_esign_verifier *signatures;
	const char *address; /* numeric; NULL: 127.0.0.1 */
	unsigned short port; /* 0: any that is free */
	/* Files in PEM: the server's certificate with its chain, and its key.
	 * Those of whoever may connect; NULL: anybody may. */
	const char *certificate, *key;
	const char *client_ca;
	unsigned workers;     /* threads; 0: 16 */
	unsigned connections; /* at once; 0: 1000 */
	unsigned per_address; /* of these, from one address; 0: 100 */
	unsigned rate;	      /* requests a second from one address; 0: any */
	FILE *log;	      /* NULL: none */
};

/*
 * Listens, and answers from threads of its own.  JZ_ERR_ARGUMENT (address),
 * JZ_ERR_NOT_FOUND and JZ_ERR_SPACE (files), JZ_ERR_KEY (certificate or key),
 * JZ_ERR_EXISTS (the port is taken), JZ_ERR_SYSTEM, JZ_ERR_MEMORY.
 */
int jz_server_start(const struct jz_server_options *o, struct jz_server **out);
unsigned short jz_server_port(const struct jz_server *s);
/* Takes no more connections, answers what it has been asked, up to ten seconds,
 * and frees it. */
void jz_server_stop(struct jz_server **server);

#endif
