/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi pay receive, pay send: a payment between two terminals far apart, over
 * a socket (unix:PATH, or tcp:HOST:PORT).
 *
 *   payer (pay send)             payee (pay receive)
 *   [list] hello            ->
 *                           <-   [list] request
 *   agreement               ->
 *                           <-   confirmation
 *   completion              ->
 *                           <-   receipt
 *
 * Each message is one BER-TLV object, as docs/protocol.md has it, and nothing
 * is put around it.  FF21 without content is the hello of the clear profile.  A
 * list goes first where a terminal's card has one.  What comes from the other
 * side is bytes: it is taken when it is one message of the kind that is due,
 * and in time.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../pay.h"

#define SECONDS_DEFAULT 60
#define SECONDS_MAX	3600
#define HOST_MAX	256
#define HEADER_MAX	5u /* FFxx 82 xxxx */
#define NO_CONTENT	3u /* FFxx 00 */

struct far {
	struct jz_cli *c;
	struct jz_cli_card card;
	struct jz_purse_info info;
	int fd;
	int64_t deadline; /* of the message that is due, milliseconds */
	int wait;	  /* milliseconds for each */
	struct jz_buffer in, out;
	uint8_t in_bytes[JZ_MESSAGE_MAX], out_bytes[JZ_MESSAGE_MAX];
};

/* ---- addresses ---------------------------------------------------------- */

static int
no_socket(struct jz_cli *c, const char *address)
{
	return jz_cli_fail(
	    c, JZ_ERR_SYSTEM, "%s: %s", address, strerror(errno));
}

static int
unix_socket(struct jz_cli *c, const char *address, bool listen_on, int *fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path = address + strlen("unix:");
	int e;

	if (path[0] == '\0' || strlen(path) >= sizeof(a.sun_path))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", address);
	memcpy(a.sun_path, path, strlen(path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return no_socket(c, address);
	e = listen_on ? bind(*fd, (struct sockaddr *)&a, sizeof(a))
		      : connect(*fd, (struct sockaddr *)&a, sizeof(a));
	if (e == 0 && listen_on)
		e = listen(*fd, 1);
	return e == 0 ? 0 : no_socket(c, address);
}

static int
try_address(const struct addrinfo *i, bool listen_on, int *fd)
{
	static const int yes = 1;

	*fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -1;
	if (listen_on) {
		(void)setsockopt(
		    *fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (bind(*fd, i->ai_addr, i->ai_addrlen) == 0 &&
		    listen(*fd, 1) == 0)
			return 0;
	} else if (connect(*fd, i->ai_addr, i->ai_addrlen) == 0) {
		return 0;
	}
	(void)close(*fd);
	*fd = -1;
	return -1;
}

static int
tcp_socket(struct jz_cli *c, const char *address, bool listen_on, int *fd)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	const char *name = address + strlen("tcp:"), *port = strrchr(name, ':');
	struct addrinfo *list = NULL;
	char host[HOST_MAX];
	int e = -1;

	if (port == NULL || port == name ||
	    (size_t)(port - name) >= sizeof(host))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", address);
	memcpy(host, name, (size_t)(port - name));
	host[port - name] = '\0';
	e = getaddrinfo(host, port + 1, &hints, &list);
	if (e != 0)
		return jz_cli_fail(
		    c, JZ_ERR_ARGUMENT, "%s: %s", address, gai_strerror(e));
	e = -1;
	for (const struct addrinfo *i = list; i != NULL && e != 0;
	     i = i->ai_next)
		e = try_address(i, listen_on, fd);
	freeaddrinfo(list);
	return e == 0 ? 0 : no_socket(c, address);
}

static int
open_socket(struct jz_cli *c, const char *address, bool listen_on, int *fd)
{
	if (strncmp(address, "unix:", 5) == 0)
		return unix_socket(c, address, listen_on, fd);
	if (strncmp(address, "tcp:", 4) == 0)
		return tcp_socket(c, address, listen_on, fd);
	return jz_cli_fail(
	    c, JZ_ERR_ARGUMENT, "%s: unix:PATH, tcp:HOST:PORT", address);
}

/* ---- bytes -------------------------------------------------------------- */

static int64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
ready(const struct far *f, short what)
{
	struct pollfd p = {.fd = f->fd, .events = what};
	int n;

	do {
		int64_t left = f->deadline - now();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return JZ_ERR_SYSTEM;
	return n == 0 ? JZ_ERR_TIMEOUT : 0;
}

static int
read_bytes(struct far *f, uint8_t *out, size_t len)
{
	while (len > 0) {
		int err = ready(f, POLLIN);
		ssize_t n;

		if (err != 0)
			return err;
		n = recv(f->fd, out, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return JZ_ERR_PEER_GONE;
		out += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
send_bytes(struct far *f, struct jz_span s)
{
	f->deadline = now() + f->wait;
	while (s.len > 0) {
		int err = ready(f, POLLOUT);
		ssize_t n;

		if (err != 0)
			return err;
		n = send(f->fd, s.data, s.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return JZ_ERR_PEER_GONE;
		s = jz_span(s.data + n, s.len - (size_t)n);
	}
	return 0;
}

/* Tag and length: FF xx, then 00..7F, 81 xx or 82 xxxx. */
static int
read_header(struct far *f, size_t *header, size_t *content)
{
	uint8_t *b = f->in_bytes;
	int err = read_bytes(f, b, NO_CONTENT);
	size_t more;

	if (err != 0)
		return err;
	if (b[0] != 0xFF || b[2] > 0x82 || b[2] == 0x80)
		return JZ_ERR_PEER;
	more = b[2] < 0x80 ? 0 : b[2] - 0x80u;
	if ((err = read_bytes(f, b + NO_CONTENT, more)) != 0)
		return err;
	*header = NO_CONTENT + more;
	*content = more == 0 ? b[2] : (size_t)jz_get_be(b + NO_CONTENT, more);
	return *header + *content > sizeof(f->in_bytes) ? JZ_ERR_PEER : 0;
}

/* One object; its tag. */
static int
receive_object(struct far *f, unsigned *tag)
{
	size_t header = 0, content = 0;
	int err;

	f->deadline = now() + f->wait;
	err = read_header(f, &header, &content);
	if (err == 0)
		err = read_bytes(f, f->in_bytes + header, content);
	if (err != 0)
		return err;
	f->in = jz_buffer(f->in_bytes, sizeof(f->in_bytes));
	f->in.len = header + content;
	*tag = (unsigned)f->in_bytes[0] << 8 | f->in_bytes[1];
	return 0;
}

/* The message that is due; a list may come before it, and is taken. */
static int
receive(struct far *f, unsigned due, unsigned or_due)
{
	unsigned tag = 0;
	int err = receive_object(f, &tag);

	if (err == 0 && tag == JZ_KIND_REVOCATION) {
		err =
		    jz_pay_take_list(&f->card.session, jz_buffer_span(&f->in));
		if (err == 0)
			err = receive_object(f, &tag);
	}
	if (err != 0)
		return err;
	return tag == due || tag == or_due ? 0 : JZ_ERR_PEER;
}

static int
send_message(struct far *f, const char *name)
{
	int err = send_bytes(f, jz_buffer_span(&f->out));

	if (err == 0)
		jz_cli_say(
		    f->c, jz_tr(f->c, "  sent  %s\n", "  已发  %s\n"), name);
	return err;
}

/* ---- the two sides ------------------------------------------------------ */

static int
send_list(struct far *f)
{
	int err;

	f->out = jz_buffer(f->out_bytes, sizeof(f->out_bytes));
	err = jz_purse_list(&f->card.session, &f->out);
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	return err != 0 ? err : send_bytes(f, jz_buffer_span(&f->out));
}

static int
greet(struct far *f)
{
	static const uint8_t clear[NO_CONTENT] = {
	    JZ_KIND_HELLO >> 8, JZ_KIND_HELLO & 0xFF, 0};
	int err = send_list(f);

	f->out = jz_buffer(f->out_bytes, sizeof(f->out_bytes));
	if (err != 0)
		return err;
	if (f->info.profile == JZ_PROFILE_CLEAR)
		jz_put(&f->out, clear, sizeof(clear));
	else if ((err = jz_purse_hello(&f->card.session, &f->out)) != 0)
		return err;
	return send_message(f, jz_tr(f->c, "hello", "问候"));
}

/* The next message of this card, out of the last one of the other. */
typedef int
next_fn(struct jz_session *s, struct jz_span in, struct jz_buffer *out);

static int
answer(struct far *f, next_fn *next, const char *name)
{
	int err;

	f->out = jz_buffer(f->out_bytes, sizeof(f->out_bytes));
	err = next(&f->card.session, jz_buffer_span(&f->in), &f->out);
	return err != 0 ? err : send_message(f, name);
}

/*
 * What a failure means for the money; *doubt: the payer has debited, or may
 * have, and nobody here knows that the payee has credited.
 */
static int
failed(struct far *f, int err, bool doubt, bool by_card)
{
	struct jz_cli *c = f->c;
	char why[JZ_CLI_DETAIL_MAX] = "";

	c->stranger = true;
	if (by_card)
		err = jz_cli_card_error(c, &f->card.session, err);
	if (c->detail[0] != '\0')
		snprintf(why, sizeof(why), "%.300s; ", c->detail);
	return jz_cli_fail(c, err, "%s%s", why,
	    doubt ? jz_tr(c,
			"the payer may have been debited and the payee not "
			"credited: \"jiaozi pay fetch\" gives the completion "
			"again",
			"付款卡可能已扣款而收款卡未入账：用“jiaozi pay "
			"fetch”可再次取出支付完成报文")
		  : jz_tr(c, "no money moved", "款项未动"));
}

static bool
of_card(int err)
{
	return err != JZ_ERR_PEER && err != JZ_ERR_PEER_GONE &&
	    err != JZ_ERR_TIMEOUT && err != JZ_ERR_SYSTEM &&
	    err != JZ_ERR_PROFILE;
}

/* With the amount that the payer was told, when --amount says it. */
static int
agree_to(struct far *f)
{
	const char *text = f->c->value[JZ_OPT_AMOUNT];
	struct jz_consent told = {
	    .confirmed = jz_cli_confirmed, .confirmed_arg = f->c};
	int err = 0;

	if (text != NULL)
		err = jz_cli_amount(
		    f->c, text, f->info.currency, &told.amount_minor);
	f->out = jz_buffer(f->out_bytes, sizeof(f->out_bytes));
	if (err == 0)
		err = jz_purse_agree_to(
		    &f->card.session, jz_buffer_span(&f->in), &told, &f->out);
	return err != 0 ? err
			: send_message(f, jz_tr(f->c, "agreement", "同意支付"));
}

static int
pay_out(struct far *f)
{
	bool doubt = false;
	int err = greet(f);

	if (err == 0)
		err = receive(f, JZ_KIND_REQUEST, JZ_KIND_SEALED);
	if (err == 0)
		err = agree_to(f);
	if (err == 0)
		err = receive(f, JZ_KIND_SEALED, 0);
	if (err == 0) {
		doubt = true;
		err = answer(f, jz_purse_complete,
		    jz_tr(f->c, "completion: debited", "支付完成：已扣款"));
		/* A card that refuses has not debited. */
		if (err != 0 && f->card.session.sw != JZ_SW_OK)
			doubt = f->card.session.sw == JZ_SW_MEMORY_FAILURE;
	}
	if (err == 0)
		err = receive(f, JZ_KIND_SEALED, 0);
	if (err == 0)
		err = jz_purse_acknowledge(
		    &f->card.session, jz_buffer_span(&f->in));
	return err == 0 ? 0 : failed(f, err, doubt, of_card(err));
}

static int
ask(struct far *f)
{
	struct jz_terms t = {0};
	int err = jz_cli_terms(f->c, &f->card, &t);

	if (err != 0)
		return err;
	if ((f->in.len > NO_CONTENT) !=
	    (f->info.profile == JZ_PROFILE_ENCRYPTED))
		return JZ_ERR_PROFILE;
	if (f->in.len > NO_CONTENT)
		t.hello = jz_buffer_span(&f->in);
	if ((err = send_list(f)) != 0)
		return err;
	f->out = jz_buffer(f->out_bytes, sizeof(f->out_bytes));
	err = jz_purse_request(&f->card.session, &t, &f->out);
	return err != 0
	    ? err
	    : send_message(f, jz_tr(f->c, "payment request", "支付请求"));
}

static int
be_paid(struct far *f)
{
	bool doubt = false;
	int err = receive(f, JZ_KIND_HELLO, 0);

	if (err == 0)
		err = ask(f);
	if (err == 0)
		err = receive(f, JZ_KIND_SEALED, 0);
	if (err == 0)
		err = answer(f, jz_purse_confirm,
		    jz_tr(f->c, "confirmation", "支付确认"));
	/* From here on the payer may complete it whenever he likes. */
	if (err == 0) {
		doubt = true;
		err = receive(f, JZ_KIND_SEALED, 0);
	}
	if (err == 0)
		err = answer(f, jz_purse_credit,
		    jz_tr(f->c, "receipt: credited", "收据：已入账"));
	return err == 0 ? 0 : failed(f, err, doubt, of_card(err));
}

/* ---- the commands ------------------------------------------------------- */

static int
seconds(struct jz_cli *c, int *wait)
{
	const char *text = c->value[JZ_OPT_TIMEOUT];
	char *end = NULL;
	long n = text != NULL ? strtol(text, &end, 10) : SECONDS_DEFAULT;

	if (text != NULL && (end == text || *end != '\0' || n < 1))
		n = 0;
	if (n < 1 || n > SECONDS_MAX)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "--timeout %s", text);
	*wait = (int)n * 1000;
	return 0;
}

/* The one caller, and no other. */
static int
take_caller(struct far *f, const char *address)
{
	int listening = f->fd, err;

	f->deadline = now() + f->wait;
	err = ready(f, POLLIN);
	f->fd = -1;
	if (err == 0) {
		f->fd = accept(listening, NULL, NULL);
		if (f->fd < 0)
			err = no_socket(f->c, address);
	}
	(void)close(listening);
	if (strncmp(address, "unix:", 5) == 0)
		(void)unlink(address + 5);
	return err;
}

static int
result(struct far *f)
{
	char x[JZ_MONEY_TEXT];
	struct jz_purse_info p;

	if (jz_purse_info(&f->card.session, &p) != 0)
		return 0;
	jz_cli_say(f->c, jz_tr(f->c, "the card holds %s\n", "卡内余额 %s\n"),
	    jz_money_name((int64_t)p.balance_minor, p.currency, x));
	jz_cli_put_money(
	    f->c->result, "balance", (int64_t)p.balance_minor, p.currency);
	return 0;
}

static int
far_payment(struct jz_cli *c, enum jz_option address, bool payee)
{
	struct far f = {.c = c, .fd = -1};
	const char *at = c->value[address];
	int err = seconds(c, &f.wait);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &f.card);
	if (err == 0) {
		err = jz_purse_info(&f.card.session, &f.info);
		if (err != 0)
			err = jz_cli_card_error(c, &f.card.session, err);
	}
	if (err == 0 && jz_cli_has(c, JZ_OPT_PIN))
		err = jz_cli_verify_pin(c, &f.card);
	if (err == 0)
		err = open_socket(c, at, payee, &f.fd);
	if (err == 0 && payee)
		err = take_caller(&f, at);
	if (err == 0)
		err = payee ? be_paid(&f) : pay_out(&f);
	if (err == 0)
		err = result(&f);
	if (f.fd >= 0)
		(void)close(f.fd);
	jz_cli_close(&f.card);
	return err;
}

int
jz_cmd_pay_receive(struct jz_cli *c)
{
	return far_payment(c, JZ_OPT_LISTEN, true);
}

int
jz_cmd_pay_send(struct jz_cli *c)
{
	return far_payment(c, JZ_OPT_CONNECT, false);
}
