/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon on libmicrohttpd: its threads read, verify the form and write;
 * the gate takes requests to the issuer, a group at a time, while their
 * connections sleep.
 */
#define _POSIX_C_SOURCE 200809L

#include "serve.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../../apdu/error.h"
#include "../../../apdu/time.h"
#include "../../../keys/secret.h"
#include "../../../keys/store/file.h"
#include "desk.h"
#include "gate.h"
#include "handle.h"
#include "meter.h"

#define ADDRESS_CAP	64
#define PEM_MAX		16384u
#define IDLE_SECONDS	30u
#define STOP_SECONDS	10
#define MEMORY_PER	(32u * 1024u) /* of one connection: headers and all */
#define WORKERS_DEFAULT 16u
#define WORKERS_MAX	256u
#define DROPPED_MAX	(64u * 1024u)
#define PRIORITIES	"NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define MICRO		UINT64_C(1000000)

struct pem {
	uint8_t bytes[PEM_MAX];
};

struct jz_server {
	struct MHD_Daemon *daemon;
	struct jz_gate *gate;
	struct jz_desk *desk; /* NULL: nobody judges submissions */
	struct jz_meter *meter;
	FILE *log;
	bool client_certificates;
	unsigned short port;
	int listener; /* -1: the daemon's */
	pthread_mutex_t lock;
	unsigned in_flight;
};

/* One request on its way in, and then at the gate. */
struct incoming {
	struct jz_gate_work work; /* first */
	struct jz_server *server;
	struct MHD_Connection *connection;
	struct jz_call call;
	bool asked; /* at the gate, or past it */
	uint64_t began;
	size_t len;
	bool too_long;
	size_t dropped;	  /* of a body that is */
	unsigned refused; /* a status, before anything was read */
	const char *code;
	uint8_t body[JZ_WIRE_REQUEST_MAX];
};

static uint64_t
microseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * MICRO + (uint64_t)t.tv_nsec / 1000;
}

static void
count_in_flight(struct jz_server *s, int by)
{
	(void)pthread_mutex_lock(&s->lock);
	s->in_flight = (unsigned)((int)s->in_flight + by);
	(void)pthread_mutex_unlock(&s->lock);
}

/* ---- the log ------------------------------------------------------------- */

static void
address_text(struct MHD_Connection *c, char out[static ADDRESS_CAP])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	snprintf(out, ADDRESS_CAP, "?");
	if (info == NULL || info->client_addr == NULL)
		return;
	(void)getnameinfo(info->client_addr,
	    info->client_addr->sa_family == AF_INET6
		? sizeof(struct sockaddr_in6)
		: sizeof(struct sockaddr_in),
	    out, ADDRESS_CAP, NULL, 0, NI_NUMERICHOST);
}

/* No member comes from a body but a card's number and counter, and those only
 * from a message that was one. */
static void
log_request(struct jz_server *s, struct MHD_Connection *connection,
    const struct jz_call *c, uint64_t us)
{
	char when[21], address[ADDRESS_CAP];
	json_t *j;
	char *line;

	if (s->log == NULL)
		return;
	jz_time_to_text((int64_t)time(NULL), when);
	address_text(connection, address);
	j = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "time", when, "event",
	    "request", "address", address, "path",
	    jz_route_path(jz_route_of(c)), "status", (int)c->status, "us",
	    (json_int_t)us);
	if (c->code[0] != '\0')
		(void)json_object_set_new(j, "error", json_string(c->code));
	if (c->card[0] != '\0') {
		(void)json_object_set_new(j, "card", json_string(c->card));
		(void)json_object_set_new(
		    j, "counter", json_integer(c->counter));
	}
	line = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (line != NULL) {
		fprintf(s->log, "%s\n", line);
		(void)fflush(s->log);
	}
	free(line);
}

static void
log_event(FILE *log, const char *event, unsigned port)
{
	char when[21];

	if (log == NULL)
		return;
	jz_time_to_text((int64_t)time(NULL), when);
	fprintf(log, "{\"time\":\"%s\",\"event\":\"%s\",\"port\":%u}\n", when,
	    event, port);
	(void)fflush(log);
}

/* ---- answering ----------------------------------------------------------- */

static enum MHD_Result
send_text(struct MHD_Connection *connection, unsigned status, const char *type,
    char *text, size_t len)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", type);
	(void)MHD_add_response_header(r, "Cache-Control", "no-store");
	if (status == 405)
		(void)MHD_add_response_header(r, "Allow", "GET, POST");
	if (status == 429 || status == 503)
		(void)MHD_add_response_header(r, "Retry-After", "1");
	rc = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return rc;
}

static void
print_gate(struct jz_server *s, FILE *out)
{
	uint64_t groups, done;
	unsigned in_flight;

	jz_gate_counts(s->gate, &groups, &done);
	(void)pthread_mutex_lock(&s->lock);
	in_flight = s->in_flight;
	(void)pthread_mutex_unlock(&s->lock);
	fprintf(out,
	    "# HELP jiaozi_commits_total Commits of the store.\n"
	    "# TYPE jiaozi_commits_total counter\n"
	    "jiaozi_commits_total %" PRIu64 "\n"
	    "# HELP jiaozi_committed_total Requests in them.\n"
	    "# TYPE jiaozi_committed_total counter\n"
	    "jiaozi_committed_total %" PRIu64 "\n"
	    "# HELP jiaozi_in_flight Requests not yet answered.\n"
	    "# TYPE jiaozi_in_flight gauge\n"
	    "jiaozi_in_flight %u\n",
	    groups, done, in_flight);
}

static enum MHD_Result
send_metrics(struct jz_server *s, struct MHD_Connection *connection)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	enum MHD_Result rc;

	if (f == NULL)
		return MHD_NO;
	jz_meter_print(s->meter, f);
	print_gate(s, f);
	if (fclose(f) != 0) {
		free(text);
		return MHD_NO;
	}
	rc = send_text(connection, 200,
	    "text/plain; version=0.0.4; charset=utf-8", text, len);
	free(text);
	return rc;
}

static int
run(void *arg, struct jz_issuer *i)
{
	return jz_call_run(arg, i);
}

static void
note(struct jz_server *s, struct MHD_Connection *connection,
    const struct incoming *in)
{
	const struct jz_call *c = &in->call;
	uint64_t us = microseconds() - in->began;

	jz_meter_count(s->meter, jz_route_of(c), c->status, c->code, us);
	log_request(s, connection, c, us);
}

/* Says what has come of it. */
static enum MHD_Result
conclude(
    struct jz_server *s, struct MHD_Connection *connection, struct incoming *in)
{
	const struct jz_call *c = &in->call;
	enum MHD_Result rc = MHD_NO;

	if (c->text != NULL)
		rc = send_text(
		    connection, c->status, "application/json", c->text, c->len);
	note(s, connection, in);
	return rc;
}

/* In the thread of the gate or the desk: a worker goes on with it. */
static void
resume(struct jz_gate_work *w)
{
	MHD_resume_connection(((struct incoming *)w)->connection);
}

static int
submit(void *arg, struct jz_span submission, enum jz_esign_verdict *verdict)
{
	return jz_desk_submit(arg, submission, verdict);
}

static int
judge(void *arg, struct jz_issuer *none)
{
	struct incoming *in = arg;

	(void)none;
	return jz_call_judge(&in->call, submit, in->server->desk);
}

/* Its connection sleeps meanwhile, and its worker serves others. */
static enum MHD_Result
go_in(
    struct jz_server *s, struct MHD_Connection *connection, struct incoming *in)
{
	const bool submission = jz_call_is_submission(&in->call);

	in->asked = true;
	in->server = s;
	in->connection = connection;
	in->work.f = submission ? judge : run;
	in->work.arg = submission ? (void *)in : &in->call;
	in->work.told = resume;
	MHD_suspend_connection(connection);
	if (submission)
		jz_desk_post(s->desk, &in->work);
	else
		jz_gate_post(s->gate, &in->work);
	return MHD_YES;
}

static enum MHD_Result
answer(struct jz_server *s, struct MHD_Connection *connection, const char *path,
    const char *method, struct incoming *in)
{
	struct jz_call *c = &in->call;
	enum MHD_Result rc;

	c->code = "";
	if (in->refused != 0)
		jz_call_answer(c, in->refused, in->code);
	else if (in->too_long)
		jz_call_answer(c, 413, "TOO_LONG");
	else if (jz_call_read(c, method, path, jz_span(in->body, in->len))) {
		if (jz_call_is_submission(c) && s->desk == NULL)
			jz_call_finish(c, jz_call_judge(c, NULL, NULL));
		else if (strcmp(path, JZ_WIRE_METRICS) != 0)
			return go_in(s, connection, in);
		else {
			c->status = 200;
			rc = send_metrics(s, connection);
			note(s, connection, in);
			return rc;
		}
	}
	return conclude(s, connection, in);
}

/* ---- one request, as libmicrohttpd tells of it ----------------------------- */

/* A chain to --client-ca, still valid. */
static bool
certified(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned status = 0;

	return info != NULL && info->tls_session != NULL &&
	    gnutls_certificate_verify_peers2(info->tls_session, &status) == 0 &&
	    status == 0;
}

static bool
admitted(struct jz_server *s, struct MHD_Connection *connection, uint64_t now)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info != NULL ? info->client_addr : NULL;

	if (a == NULL)
		return true;
	if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const void *)a;

		/* One of IPv4 at a socket for both. */
		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
			return jz_meter_admits(
			    s->meter, &six->sin6_addr.s6_addr[12], 4, now);
		/* Half of it: one customer has all of a network. */
		return jz_meter_admits(s->meter, &six->sin6_addr, 8, now);
	}
	return jz_meter_admits(s->meter,
	    &((const struct sockaddr_in *)(const void *)a)->sin_addr,
	    sizeof(struct in_addr), now);
}

/* Whether it says itself that it is too long. */
static bool
says_too_long(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text != NULL && strtoull(text, NULL, 10) > JZ_WIRE_REQUEST_MAX;
}

static struct incoming *
begin(struct jz_server *s, struct MHD_Connection *connection)
{
	struct incoming *in = malloc(sizeof(*in));

	if (in == NULL)
		return NULL;
	memset(&in->call, 0, sizeof(in->call));
	in->asked = false;
	in->began = microseconds();
	in->len = in->dropped = 0;
	in->refused = 0;
	in->code = "";
	in->too_long = says_too_long(connection);
	if (s->client_certificates && !certified(connection)) {
		in->refused = 401;
		in->code = "CLIENT_CERTIFICATE";
	} else if (!admitted(s, connection, in->began)) {
		in->refused = 429;
		in->code = "TOO_FAST";
	}
	count_in_flight(s, 1);
	return in;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct jz_server *s = arg;
	struct incoming *in = *state;

	(void)version;
	if (in == NULL) {
		*state = in = begin(s, connection);
		if (in == NULL)
			return MHD_NO;
		/* Not a byte more of it. */
		if (in->too_long || in->refused != 0)
			return answer(s, connection, url, method, in);
		return MHD_YES;
	}
	if (in->asked) {
		int err = in->work.err;

		if (jz_call_goes_on(&in->call, &err))
			return go_in(s, connection, in);
		jz_call_finish(&in->call, err);
		return conclude(s, connection, in);
	}
	if (*len == 0)
		return answer(s, connection, url, method, in);
	if (in->len + *len > sizeof(in->body)) {
		/* Whoever has not said how long it is gets his answer at its
		 * end; who has none gets no answer. */
		in->too_long = true;
		in->dropped += *len;
		if (in->dropped > DROPPED_MAX)
			return MHD_NO;
	} else {
		memcpy(in->body + in->len, data, *len);
		in->len += *len;
	}
	*len = 0;
	return MHD_YES;
}

static void
on_end(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct incoming *in = *state;

	(void)connection;
	(void)why;
	if (in == NULL)
		return;
	jz_call_free(&in->call);
	jz_wipe(in->body, in->len);
	free(in);
	*state = NULL;
	count_in_flight(arg, -1);
}

/* What libmicrohttpd has to say is of broken connections: counted elsewhere. */
static void
say_nothing(void *arg, const char *format, va_list ap)
{
	(void)arg;
	(void)format;
	(void)ap;
}

/* ---- start and stop ------------------------------------------------------ */

/* A text with its NUL. */
static int
read_pem(const char *path, struct pem *out)
{
	struct jz_buffer b = jz_buffer(out->bytes, sizeof(out->bytes) - 1);
	int err = jz_file_read(path, &b);

	if (err == 0)
		out->bytes[b.len] = '\0';
	return err;
}

static int
open_socket(const char *address, unsigned short port, int *out)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *a = NULL;
	char text[8];
	int fd, one = 1, err = 0;

	snprintf(text, sizeof(text), "%u", (unsigned)port);
	if (getaddrinfo(
		address != NULL ? address : "127.0.0.1", text, &hints, &a) != 0)
		return JZ_ERR_ARGUMENT;
	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		err = errno == EADDRINUSE ? JZ_ERR_EXISTS : JZ_ERR_SYSTEM;
	freeaddrinfo(a);
	if (err != 0 && fd >= 0)
		close(fd);
	else
		*out = fd;
	return err;
}

static unsigned short
port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&a)->sin6_port
		: ((struct sockaddr_in *)&a)->sin_port);
}

static unsigned
or_default(unsigned value, unsigned otherwise)
{
	return value != 0 ? value : otherwise;
}

static int
start_daemon(struct jz_server *s, const struct jz_server_options *o,
    const struct pem *certificate, const struct pem *key, const struct pem *ca)
{
	unsigned workers = or_default(o->workers, WORKERS_DEFAULT);
	struct MHD_OptionItem last = {MHD_OPTION_END, 0, NULL};
	struct MHD_OptionItem trust = last;

	if (workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	if (ca != NULL)
		trust = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0,
		    (void *)(uintptr_t)ca->bytes};
	s->daemon =
	    MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
		    MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
		say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, s->listener,
		MHD_OPTION_THREAD_POOL_SIZE, workers,
		MHD_OPTION_CONNECTION_LIMIT, or_default(o->connections, 1000),
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		or_default(o->per_address, 100), MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER, MHD_OPTION_NOTIFY_COMPLETED, on_end, s,
		MHD_OPTION_HTTPS_MEM_CERT, (const char *)certificate->bytes,
		MHD_OPTION_HTTPS_MEM_KEY, (const char *)key->bytes,
		MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_ARRAY,
		(struct MHD_OptionItem[]){trust, last}, MHD_OPTION_END);
	if (s->daemon == NULL)
		return JZ_ERR_KEY;
	return 0;
}

/* The daemon keeps its own copies of what is in the files. */
static int
start_with_files(struct jz_server *s, const struct jz_server_options *o)
{
	struct pem *pem = calloc(3, sizeof(*pem));
	int err = pem == NULL ? JZ_ERR_MEMORY : 0;

	if (err == 0)
		err = read_pem(o->certificate, &pem[0]);
	if (err == 0)
		err = read_pem(o->key, &pem[1]);
	if (err == 0 && o->client_ca != NULL)
		err = read_pem(o->client_ca, &pem[2]);
	if (err == 0)
		err = start_daemon(s, o, &pem[0], &pem[1],
		    o->client_ca != NULL ? &pem[2] : NULL);
	if (pem != NULL)
		jz_wipe(pem, 3 * sizeof(*pem));
	free(pem);
	return err;
}

static void
free_server(struct jz_server *s)
{
	if (s->listener >= 0)
		close(s->listener);
	jz_desk_free(&s->desk);
	jz_gate_free(&s->gate);
	jz_meter_free(&s->meter);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

int
jz_server_start(const struct jz_server_options *o, struct jz_server **out)
{
	struct jz_server *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (s == NULL)
		return JZ_ERR_MEMORY;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return JZ_ERR_SYSTEM;
	}
	s->listener = -1;
	s->log = o->log;
	s->client_certificates = o->client_ca != NULL;
	err = jz_issuer_remember(o->issuer);
	if (err == 0)
		err = jz_gate_new(o->issuer, &s->gate);
	if (err == 0 && o->signatures != NULL)
		err = jz_desk_new(o->signatures, s->gate, &s->desk);
	if (err == 0)
		err = jz_meter_new(o->rate, &s->meter);
	if (err == 0)
		err = open_socket(o->address, o->port, &s->listener);
	if (err == 0) {
		s->port = port_of(s->listener);
		err = start_with_files(s, o);
	}
	if (err != 0) {
		free_server(s);
		return err;
	}
	s->listener = -1;
	log_event(s->log, "start", s->port);
	*out = s;
	return 0;
}

unsigned short
jz_server_port(const struct jz_server *s)
{
	return s->port;
}

static bool
idle(struct jz_server *s)
{
	bool none;

	(void)pthread_mutex_lock(&s->lock);
	none = s->in_flight == 0;
	(void)pthread_mutex_unlock(&s->lock);
	return none;
}

void
jz_server_stop(struct jz_server **server)
{
	static const struct timespec TICK = {0, 10 * 1000 * 1000};
	struct jz_server *s = *server;
	int fd;

	if (s == NULL)
		return;
	log_event(s->log, "stopping", s->port);
	fd = MHD_quiesce_daemon(s->daemon);
	for (unsigned n = 0; n < STOP_SECONDS * 100 && !idle(s); n++)
		(void)nanosleep(&TICK, NULL);
	/* Nobody sleeps there. */
	if (s->desk != NULL)
		jz_desk_close(s->desk);
	jz_gate_close(s->gate);
	MHD_stop_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
	log_event(s->log, "stopped", s->port);
	free_server(s);
	*server = NULL;
}
