/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's daemon in this process, with a certificate of its own.
 */
#ifndef JZ_TEST_SUPPORT_DAEMON_H
#define JZ_TEST_SUPPORT_DAEMON_H

#include "../../host/bank.h"
#include "../../host/issuer/serve/serve.h"

struct daemon {
	char dir[64];
	/* Of the server at 127.0.0.1, which certifies itself; of a stranger. */
	char certificate[96], key[96], other[96], other_key[96];
	char url[64];
	struct jz_server *server;
};

/* Makes the files. */
void daemon_new(struct daemon *d);
/* Starts it; certificate, key and issuer are set here. */
void
daemon_start(struct daemon *d, struct jz_issuer *i, struct jz_server_options o);
/* Stops it, if it runs, and removes the files. */
void daemon_free(struct daemon *d);
/* A bank of it. */
struct jz_bank *daemon_bank(const struct daemon *d, unsigned timeout_s);
/* One question by libcurl: the status, or 0; *text gets the answer. */
long daemon_ask(const struct daemon *d, const char *method, const char *path,
    const char *body, size_t len, char *text, size_t cap);

#endif
