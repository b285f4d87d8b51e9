/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's issuer by --issuer: a directory, or https://HOST.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME	    "https://"
#define TIMEOUT_MAX 86400ul

/* A signal handler is handed nothing: what it sets must live in the file. */
static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* ^C ends the wait, and the command says how to go on; twice ends it all. */
static int
catch_interrupt(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_interrupt;
	sa.sa_flags = (int)SA_RESETHAND;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGINT, &sa, NULL) == 0 ? 0 : JZ_ERR_SYSTEM;
}

static bool
cancelled(void *arg)
{
	(void)arg;
	return interrupted != 0;
}

static int
read_timeout(struct jz_cli *c, unsigned *out)
{
	const char *text = c->value[JZ_OPT_TIMEOUT];
	char *end = NULL;
	unsigned long n;

	if (text == NULL)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || *end != '\0' || n > TIMEOUT_MAX)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--timeout is a number of seconds",
			"--timeout 应为秒数"));
	*out = (unsigned)n;
	return 0;
}

static int
by_url(struct jz_cli *c, const char *url, struct jz_cli_bank *out)
{
	struct jz_https_options o = {.url = url,
	    .ca = c->value[JZ_OPT_CA],
	    .certificate = c->value[JZ_OPT_CERTIFICATE],
	    .key = c->value[JZ_OPT_CERTIFICATE_KEY],
	    .cancelled = cancelled};
	int err = read_timeout(c, &o.timeout_s);

	if (err == 0)
		err = catch_interrupt();
	if (err == 0) {
		err = jz_bank_of_url(&o, &out->bank);
		if (err == JZ_ERR_ARGUMENT)
			err = jz_cli_fail(c, err, "%s", url);
	}
	return err;
}

int
jz_cli_bank(struct jz_cli *c, struct jz_cli_bank *out)
{
	const char *name;
	int err = jz_cli_issuer_dir(c, &name);

	memset(out, 0, sizeof(*out));
	if (err != 0)
		return err;
	if (strncmp(name, SCHEME, strlen(SCHEME)) == 0)
		return by_url(c, name, out);
	if (strncmp(name, "http://", strlen("http://")) == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "an issuer is reached by https:// alone",
			"只能以 https:// 连接发卡行"));
	err = jz_cli_issuer(c, name, &out->issuer);
	return err != 0 ? err : jz_bank_of_issuer(out->issuer, &out->bank);
}

void
jz_cli_bank_close(struct jz_cli_bank *b)
{
	jz_bank_free(&b->bank);
	jz_issuer_free(&b->issuer);
}

int
jz_cli_bank_error(struct jz_cli *c, const struct jz_bank *bank, int error)
{
	enum jz_refusal r = jz_bank_refusal(bank);
	const char *detail = jz_bank_detail(bank);

	if (error == JZ_ERR_REFUSED)
		return jz_cli_refused(c, r, jz_bank_incident(bank));
	return detail[0] != '\0' ? jz_cli_fail(c, error, "%s", detail) : error;
}
