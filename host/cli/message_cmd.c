/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi pay request, agree, confirm, complete, credit, acknowledge, fetch:
 * one message of an offline payment at a time; and pending, prove, drop, claim,
 * release, of one that has stopped.
 *
 * The message before is read, and its channel closed, before the card is
 * touched; the card is given back before the next message is written.  So the
 * six commands work as one pipe over two cards.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/certificate.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/signed.h"
#include "../pay.h"

/* In hexadecimal with line ends. */
#define INPUT_MAX (3u * JZ_MESSAGE_MAX)

struct exchange {
	struct jz_cli *c;
	struct jz_buffer in, out;
	uint8_t in_bytes[INPUT_MAX + 1], out_bytes[JZ_MESSAGE_MAX];
};

static int
read_all(struct exchange *x, FILE *f, const char *name)
{
	size_t n = fread(x->in_bytes, 1, INPUT_MAX + 1, f);

	if (ferror(f))
		return jz_cli_fail(x->c, JZ_ERR_SYSTEM, "%s", name);
	if (n > INPUT_MAX)
		return jz_cli_fail(x->c, JZ_ERR_MESSAGE,
		    jz_tr(x->c, "%s: too long for a message", "%s：报文过长"),
		    name);
	if (n == 0)
		return jz_cli_fail(x->c, JZ_ERR_MESSAGE,
		    jz_tr(x->c, "%s: empty", "%s：空报文"), name);
	x->in = jz_buffer(x->in_bytes, sizeof(x->in_bytes));
	x->in.len = n;
	return 0;
}

/* Our messages begin with FF, which is no hexadecimal digit. */
static int
from_hex(struct exchange *x, const char *name)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err;

	if (x->in_bytes[0] == 0xFF)
		return 0;
	x->in_bytes[x->in.len] = '\0';
	err = jz_cli_from_hex((const char *)x->in_bytes, &b);
	if (err != 0)
		return jz_cli_fail(x->c, JZ_ERR_MESSAGE,
		    jz_tr(x->c, "%s: neither a message nor one in hexadecimal",
			"%s：既不是报文，也不是十六进制报文"),
		    name);
	memcpy(x->in_bytes, bytes, b.len);
	x->in.len = b.len;
	return 0;
}

static int
read_message(struct exchange *x, enum jz_option option)
{
	const char *name = x->c->value[option];
	FILE *f = stdin;
	int err;

	if (name == NULL || strcmp(name, "-") == 0)
		name = jz_tr(x->c, "standard input", "标准输入");
	else if ((f = fopen(name, "rb")) == NULL)
		return jz_cli_fail(x->c,
		    errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM,
		    "%s: %s", name, strerror(errno));
	err = read_all(x, f, name);
	if (f != stdin)
		(void)fclose(f);
	return err != 0 ? err : from_hex(x, name);
}

static size_t
write_bytes(const struct exchange *x, FILE *f)
{
	size_t n = 0;

	if (!jz_cli_has(x->c, JZ_OPT_HEX))
		return fwrite(x->out.data, 1, x->out.len, f);
	for (; n < x->out.len; n++)
		if (fprintf(f, "%02X", (unsigned)x->out.data[n]) < 0)
			return n;
	fputc('\n', f);
	return n;
}

static int
write_message(struct exchange *x)
{
	const char *name = x->c->value[JZ_OPT_OUT];
	bool standard = name == NULL || strcmp(name, "-") == 0;
	FILE *f = stdout;
	size_t n;

	jz_cli_put(x->c, "message", jz_cli_hex(jz_buffer_span(&x->out)));
	if (standard && x->c->json)
		return 0;
	if (!standard && (f = fopen(name, "wb")) == NULL)
		return jz_cli_fail(
		    x->c, JZ_ERR_SYSTEM, "%s: %s", name, strerror(errno));
	n = write_bytes(x, f);
	if ((standard ? fflush(f) : fclose(f)) != 0 || n != x->out.len)
		return jz_cli_fail(
		    x->c, JZ_ERR_SYSTEM, "%s", standard ? "stdout" : name);
	if (!standard)
		jz_cli_say(x->c,
		    jz_tr(x->c, "%s: %zu bytes\n", "%s：%zu 字节\n"), name,
		    x->out.len);
	return 0;
}

/* ---- the steps ---------------------------------------------------------- */

typedef int step_fn(struct exchange *x, struct jz_cli_card *card);

static int
do_request(struct exchange *x, struct jz_cli_card *card)
{
	struct jz_terms t = {0};
	int err = jz_cli_terms(x->c, card, &t);

	if (jz_cli_has(x->c, JZ_OPT_HELLO))
		t.hello = jz_buffer_span(&x->in);
	return err != 0 ? err : jz_purse_request(&card->session, &t, &x->out);
}

static int
do_hello(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_hello(&card->session, &x->out);
}

static int
do_agree(struct exchange *x, struct jz_cli_card *card)
{
	struct jz_consent told = {.id_alone = jz_cli_has(x->c, JZ_OPT_BY_ID),
	    .confirmed = jz_cli_confirmed,
	    .confirmed_arg = x->c};
	const char *amount = x->c->value[JZ_OPT_AMOUNT];
	struct jz_purse_info info;
	int err = 0;

	if (jz_cli_has(x->c, JZ_OPT_PIN))
		err = jz_cli_verify_pin(x->c, card);
	if (err == 0 && amount != NULL) {
		err = jz_purse_info(&card->session, &info);
		if (err == 0)
			err = jz_cli_amount(
			    x->c, amount, info.currency, &told.amount_minor);
	}
	return err != 0 ? err
			: jz_purse_agree_to(&card->session,
			      jz_buffer_span(&x->in), &told, &x->out);
}

static int
do_confirm(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_confirm(
	    &card->session, jz_buffer_span(&x->in), &x->out);
}

static int
do_complete(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_complete(
	    &card->session, jz_buffer_span(&x->in), &x->out);
}

static int
do_credit(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_credit(&card->session, jz_buffer_span(&x->in), &x->out);
}

static int
do_acknowledge(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_acknowledge(&card->session, jz_buffer_span(&x->in));
}

/* The digest of a request, by the suite of the certificate in it. */
static int
digest_of_request(struct jz_span request, uint8_t *digest)
{
	static const enum jz_suite suites[] = {JZ_SUITE_NIST, JZ_SUITE_GM};
	struct jz_message m;
	int err = jz_message_decode(request, JZ_KIND_REQUEST, &m);

	for (size_t i = 0; err == 0 && i < 2; i++) {
		struct jz_certificate cert;
		struct jz_engine e;

		err = jz_openssl_new(suites[i], &e);
		if (err != 0)
			return err;
		err = jz_certificate_parse(m.certificate, e.crypto, &cert);
		if (err == 0)
			err = jz_message_digest(&e, &m, digest);
		jz_openssl_free(&e);
		if (err != JZ_ERR_CERT_SUITE)
			return err;
		err = 0;
	}
	return err != 0 ? err : JZ_ERR_CERT_SUITE;
}

/* The digest of the payment that this message belongs to. */
static int
digest_of(struct jz_span in, uint8_t *digest)
{
	struct jz_sealed sealed;
	struct jz_message m;
	int err;

	switch ((unsigned)jz_message_peek(in)) {
	case JZ_KIND_REQUEST:
		return digest_of_request(in, digest);
	case JZ_KIND_UNFINISHED:
		err = jz_message_decode(in, JZ_KIND_UNFINISHED, &m);
		memcpy(digest, m.payment.request_digest, JZ_DIGEST_BYTES);
		return err;
	default:
		err = jz_sealed_parse(in, &sealed);
		if (err == 0)
			memcpy(digest, sealed.request_digest, JZ_DIGEST_BYTES);
		return err;
	}
}

static int
do_fetch(struct exchange *x, struct jz_cli_card *card)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = digest_of(jz_buffer_span(&x->in), digest);

	return err != 0
	    ? err
	    : jz_purse_fetch_completion(&card->session, digest, &x->out);
}

/* ---- payments that stopped ----------------------------------------------- */

static int
do_pending(struct exchange *x, struct jz_cli_card *card)
{
	const char *which = x->c->argument[0];
	struct jz_message m = {.kind = JZ_KIND_UNFINISHED};
	char *end = NULL;
	unsigned long n = which == NULL ? 0 : strtoul(which, &end, 10);
	int err;

	if (which != NULL && (end == which || *end != '\0' || n > UINT8_MAX))
		return jz_cli_fail(x->c, JZ_ERR_ARGUMENT, "%s", which);
	err = jz_cli_verify_pin(x->c, card);
	if (err == 0)
		err = jz_purse_pending(&card->session, (unsigned)n, &m.payment);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(x->c, err, "%s",
		    jz_tr(x->c, "the card waits for no such payment",
			"卡上没有等待中的这笔交易"));
	return err != 0 ? err : jz_message_encode(&m, JZ_SIGNED, &x->out);
}

static int
do_prove(struct exchange *x, struct jz_cli_card *card)
{
	struct jz_message m;
	int err =
	    jz_message_decode(jz_buffer_span(&x->in), JZ_KIND_UNFINISHED, &m);

	return err != 0 ? err
			: jz_purse_prove(&card->session, &m.payment, &x->out);
}

static int
do_drop(struct exchange *x, struct jz_cli_card *card)
{
	return jz_purse_drop(&card->session, jz_buffer_span(&x->in));
}

static int
give_up(struct exchange *x, struct jz_cli_card *card, enum jz_outcome outcome)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = digest_of(jz_buffer_span(&x->in), digest);

	if (err == 0 && outcome == JZ_OUTCOME_RELEASE)
		err = jz_cli_verify_pin(x->c, card);
	return err != 0
	    ? err
	    : jz_purse_abandon(&card->session, digest, outcome, &x->out);
}

static int
do_claim(struct exchange *x, struct jz_cli_card *card)
{
	return give_up(x, card, JZ_OUTCOME_CLAIM);
}

static int
do_release(struct exchange *x, struct jz_cli_card *card)
{
	return give_up(x, card, JZ_OUTCOME_RELEASE);
}

/* --revocation: what the other card's terminal wrote, before it is judged. */
static int
take_list(struct jz_cli *c, struct jz_cli_card *card)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err;

	if (!jz_cli_has(c, JZ_OPT_REVOCATION))
		return 0;
	err = jz_cli_read_file(c, c->value[JZ_OPT_REVOCATION], &b);
	if (err == 0 &&
	    jz_message_peek(jz_buffer_span(&b)) != JZ_KIND_REVOCATION)
		return jz_cli_fail(c, JZ_ERR_MESSAGE, "--revocation %s",
		    c->value[JZ_OPT_REVOCATION]);
	return err != 0 ? err
			: jz_pay_take_list(&card->session, jz_buffer_span(&b));
}

/* --revocation-out: this card's, if it has one. */
static int
give_list(struct jz_cli *c, struct jz_cli_card *card)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err;

	if (!jz_cli_has(c, JZ_OPT_REVOCATION_OUT))
		return 0;
	err = jz_purse_list(&card->session, &b);
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	return err != 0 ? jz_cli_card_error(c, &card->session, err)
			: jz_cli_write_file(c, c->value[JZ_OPT_REVOCATION_OUT],
			      jz_buffer_span(&b));
}

static int
one_step(struct jz_cli *c, step_fn *step, bool reads, bool writes)
{
	struct exchange x = {.c = c};
	struct jz_cli_card card = {0};
	int err = 0;

	x.out = jz_buffer(x.out_bytes, sizeof(x.out_bytes));
	c->stranger = true;
	if (reads)
		err = read_message(&x, JZ_OPT_IN);
	else if (jz_cli_has(c, JZ_OPT_HELLO))
		err = read_message(&x, JZ_OPT_HELLO);
	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0)
		err = take_list(c, &card);
	if (err == 0) {
		err = step(&x, &card);
		/* A step that failed before its command has explained it. */
		if (err != 0 && c->detail[0] == '\0')
			err = jz_cli_card_error(c, &card.session, err);
	}
	if (err == 0)
		err = give_list(c, &card);
	jz_cli_close(&card);
	if (err == 0 && writes)
		err = write_message(&x);
	return err;
}

int
jz_cmd_pay_hello(struct jz_cli *c)
{
	return one_step(c, do_hello, false, true);
}

int
jz_cmd_pay_request(struct jz_cli *c)
{
	return one_step(c, do_request, false, true);
}

int
jz_cmd_pay_agree(struct jz_cli *c)
{
	return one_step(c, do_agree, true, true);
}

int
jz_cmd_pay_confirm(struct jz_cli *c)
{
	return one_step(c, do_confirm, true, true);
}

int
jz_cmd_pay_complete(struct jz_cli *c)
{
	return one_step(c, do_complete, true, true);
}

int
jz_cmd_pay_credit(struct jz_cli *c)
{
	return one_step(c, do_credit, true, true);
}

int
jz_cmd_pay_acknowledge(struct jz_cli *c)
{
	int err = one_step(c, do_acknowledge, true, false);

	if (err == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "the payee has the money; the payment is finished",
			"收款方已入账，支付完毕"));
	return err;
}

int
jz_cmd_pay_fetch(struct jz_cli *c)
{
	return one_step(c, do_fetch, true, true);
}

int
jz_cmd_pay_pending(struct jz_cli *c)
{
	return one_step(c, do_pending, false, true);
}

int
jz_cmd_pay_prove(struct jz_cli *c)
{
	return one_step(c, do_prove, true, true);
}

int
jz_cmd_pay_drop(struct jz_cli *c)
{
	int err = one_step(c, do_drop, true, false);

	if (err == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "the card waits for this payment no more",
			"卡不再等待这笔交易"));
	return err;
}

int
jz_cmd_pay_claim(struct jz_cli *c)
{
	return one_step(c, do_claim, true, true);
}

int
jz_cmd_pay_release(struct jz_cli *c)
{
	return one_step(c, do_release, true, true);
}
