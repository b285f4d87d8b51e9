/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer serve: the daemon, until a signal ends it.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../issuer/serve/serve.h"

#define LISTEN_DEFAULT "127.0.0.1:8443"
#define ADDRESS_CAP    64
#define RATE_DEFAULT   200ul

/* A number of an option, 0 to most; *out stays without it. */
static int
number(struct jz_cli *c, enum jz_option option, const char *name,
    unsigned long most, unsigned *out)
{
	const char *text = c->value[option];
	char *end = NULL;
	unsigned long n;

	if (text == NULL)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || n > most)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--%s is a number up to %lu",
			"--%s 应为不超过 %lu 的数"),
		    name, most);
	*out = (unsigned)n;
	return 0;
}

/* ADDRESS:PORT, [ADDRESS]:PORT */
static int
split(struct jz_cli *c, char address[static ADDRESS_CAP], unsigned short *port)
{
	const char *text = c->value[JZ_OPT_LISTEN], *colon, *begin;
	unsigned long n = 0;
	char *end = NULL;
	size_t len;

	if (text == NULL)
		text = LISTEN_DEFAULT;
	begin = text;
	colon = strrchr(text, ':');
	len = colon != NULL ? (size_t)(colon - text) : 0;
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		begin++;
		len -= 2;
	}
	if (colon != NULL && colon[1] >= '0' && colon[1] <= '9')
		n = strtoul(colon + 1, &end, 10);
	if (end == NULL || *end != '\0' || n > 65535 || len == 0 ||
	    len >= ADDRESS_CAP)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--listen is ADDRESS:PORT, not \"%s\"",
			"--listen 应为 地址:端口，而非“%s”"),
		    text);
	memcpy(address, begin, len);
	address[len] = '\0';
	*port = (unsigned short)n;
	return 0;
}

static int
read_options(struct jz_cli *c, struct jz_server_options *o,
    char address[static ADDRESS_CAP])
{
	int err = split(c, address, &o->port);

	o->address = address;
	o->certificate = c->value[JZ_OPT_CERTIFICATE];
	o->key = c->value[JZ_OPT_CERTIFICATE_KEY];
	o->client_ca = c->value[JZ_OPT_CLIENT_CA];
	o->rate = RATE_DEFAULT;
	if (err == 0)
		err = number(c, JZ_OPT_WORKERS, "workers", 256, &o->workers);
	if (err == 0)
		err = number(c, JZ_OPT_CONNECTIONS, "connections", 100000,
		    &o->connections);
	if (err == 0)
		err = number(c, JZ_OPT_RATE, "rate", 1000000, &o->rate);
	/* One machine may be all there is before us: a proxy. */
	o->per_address = o->connections;
	return err;
}

static int
open_log(struct jz_cli *c, FILE **out)
{
	const char *name = c->value[JZ_OPT_LOG];

	*out = name != NULL ? fopen(name, "ae") : stderr;
	return *out != NULL ? 0 : jz_cli_fail(c, JZ_ERR_SYSTEM, "%s", name);
}

/* Blocked in every thread, so that the one below gets them. */
static int
hold_signals(sigset_t *set)
{
	struct sigaction ignore;

	memset(&ignore, 0, sizeof(ignore));
	ignore.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigemptyset(set) != 0 ||
	    sigaddset(set, SIGINT) != 0 || sigaddset(set, SIGTERM) != 0 ||
	    pthread_sigmask(SIG_BLOCK, set, NULL) != 0)
		return JZ_ERR_SYSTEM;
	return 0;
}

static int
serve(struct jz_cli *c, const struct jz_server_options *o)
{
	struct jz_server *server = NULL;
	sigset_t set;
	int signal_number, err = hold_signals(&set);

	if (err == 0)
		err = jz_server_start(o, &server);
	if (err == JZ_ERR_KEY)
		return jz_cli_fail(c, err, "%s, %s", o->certificate, o->key);
	if (err != 0)
		return jz_cli_fail(
		    c, err, "%s:%u", o->address, (unsigned)o->port);
	jz_cli_say(c,
	    jz_tr(c, "serving %s on %s, port %u; end with ^C\n",
		"服务 %s，地址 %s，端口 %u，按 ^C 结束\n"),
	    c->argument[0], o->address, (unsigned)jz_server_port(server));
	fflush(stdout);
	(void)sigwait(&set, &signal_number);
	jz_server_stop(&server);
	jz_cli_put(c, "issuer", jz_cli_string(c->argument[0]));
	return 0;
}

int
jz_cmd_issuer_serve(struct jz_cli *c)
{
	struct jz_server_options o = {0};
	struct jz_issuer_esign esign = {0};
	char address[ADDRESS_CAP];
	int err = read_options(c, &o, address);

	if (err == 0)
		err = open_log(c, &o.log);
	if (err == 0)
		err = jz_cli_desk(c, c->argument[0], &o.issuer, &esign);
	o.signatures = &esign.verifier;
	if (err == 0)
		err = serve(c, &o);
	jz_issuer_esign_close(&esign);
	jz_issuer_free(&o.issuer);
	if (o.log != NULL && o.log != stderr)
		fclose(o.log);
	return err;
}
