/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that the daemon answers: one table.
 *
 * What asks about a card (JZ_WIRE_FIND, JZ_WIRE_OWED) carries the card's own
 * signed sign-in: a card's number, which anybody may have seen, tells nothing
 * of its loads and payments.  A card is replaced when it and its successor ask
 * for it, each with its own.
 */
#include "handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../apdu/error.h"
#include "../control.h"
#include "../internal.h"

#define OWED_MAX 256 /* completions in one answer; the next settlement's rest */

struct jz_route {
	const char *path;
	const char *method;
	enum jz_kind kind; /* of its message; 0: it has none */
	bool counter;	   /* it names one */
	bool two;	   /* and another card's sign-in, "successor" */
	int (*run)(struct jz_call *c, struct jz_issuer *i);
};

static struct jz_span
message(const struct jz_call *c)
{
	return jz_span(c->in, c->in_len);
}

static int
put(struct jz_call *c, const char *key, json_t *value)
{
	return json_object_set_new(c->result, key, value) == 0 ? 0
							       : JZ_ERR_MEMORY;
}

static int
outcome(struct jz_call *c, const struct jz_issuer *i)
{
	return put(
	    c, "outcome", json_string(jz_issuer_again(i) ? "exists" : "done"));
}

/* ---- a message in, and one out ------------------------------------------- */

static int
exchange(struct jz_call *c, struct jz_issuer *i,
    int (*f)(struct jz_issuer *, struct jz_span, struct jz_buffer *))
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = f(i, message(c), &b);

	if (err == 0)
		err = outcome(c, i);
	return err != 0 ? err
			: put(c, "message", jz_wire_hex(jz_buffer_span(&b)));
}

static int
permit(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_load_permit);
}

static int
unload_permit(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_unload_permit);
}

static int
unload(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_unload);
}

static int
challenge(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_challenge);
}

static int
sign_in(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_sign_in);
}

static int
batch(struct jz_call *c, struct jz_issuer *i)
{
	return exchange(c, i, jz_issuer_batch);
}

static int
report(struct jz_call *c, struct jz_issuer *i)
{
	int err = jz_issuer_load_report(i, message(c));

	return err != 0 ? err : outcome(c, i);
}

/* ---- what became of a load ----------------------------------------------- */

static int
put_story(struct jz_call *c, const struct jz_load_story *story)
{
	static const char *const STATES[] = JZ_WIRE_STATES;
	int err = put(c, "state", json_string(STATES[story->state]));

	if (err == 0)
		err = put(c, "amount_minor",
		    json_integer((json_int_t)story->amount_minor));
	return err;
}

static int
cancel(struct jz_call *c, struct jz_issuer *i)
{
	struct jz_load_story story;
	struct jz_message m;
	int err = jz_issuer_load_cancel(i, message(c));

	if (err == 0)
		err = outcome(c, i);
	if (err == 0)
		err = jz_message_decode(message(c), JZ_KIND_LOAD_CANCEL, &m);
	if (err == 0)
		err = jz_issuer_load_story(
		    i, m.card_id, m.online_counter, &story);
	return err != 0 ? err : put_story(c, &story);
}

/* A card of a sign-in, which must be its newest. */
static int
card_of(struct jz_issuer *i, struct jz_span sign_in, struct jz_message *m)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_issuer_sign_in(i, sign_in, &b);

	return err != 0 ? err : jz_message_decode(sign_in, JZ_KIND_SIGN_IN, m);
}

/* Who asks. */
static int
signed_in(struct jz_call *c, struct jz_issuer *i, struct jz_message *m)
{
	return card_of(i, message(c), m);
}

static int
find(struct jz_call *c, struct jz_issuer *i)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_load_story story;
	struct jz_message m;
	int err = signed_in(c, i, &m);

	if (err == 0)
		err = jz_issuer_load_story(i, m.card_id, c->counter, &story);
	if (err == 0)
		err = put_story(c, &story);
	if (err != 0)
		return err;
	err = jz_issuer_load_permission(i, m.card_id, c->counter, &b);
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	return err != 0 ? err
			: put(c, "message", jz_wire_hex(jz_buffer_span(&b)));
}

/* ---- a card in the place of another --------------------------------------- */

/* Both ask: the old card, and the new one whose ID is given. */
static int
both_signed_in(struct jz_call *c, struct jz_issuer *i, struct jz_message *old,
    struct jz_message *new)
{
	int err = signed_in(c, i, old);

	return err != 0 ? err
			: card_of(i, jz_span(c->other, c->other_len), new);
}

static int
put_replacement(
    struct jz_call *c, struct jz_issuer *i, const struct jz_message *old)
{
	struct jz_replacement r;
	int err = jz_issuer_replacement(i, old->card_id, &r);

	if (err == 0)
		err = put(c, "amount_minor",
		    json_integer((json_int_t)r.amount_minor));
	if (err == 0)
		err = put(c, "counter", json_integer(r.load_counter));
	return err;
}

static int
replace_begin(struct jz_call *c, struct jz_issuer *i)
{
	struct jz_message old, new;
	int err = both_signed_in(c, i, &old, &new);

	if (err == 0 && memcmp(old.card_id, new.card_id, JZ_ID_BYTES) == 0)
		err = jz_refuse(i, JZ_REFUSAL_CONFLICT);
	if (err == 0)
		err =
		    jz_issuer_replace(i, old.card_id, new.card_id, c->counter);
	return err != 0 ? err : put_replacement(c, i, &old);
}

/* The pair is one that has begun. */
static int
replacement_of(struct jz_call *c, struct jz_issuer *i, struct jz_message *old,
    struct jz_replacement *r)
{
	struct jz_message new;
	int err = both_signed_in(c, i, old, &new);

	memset(r, 0, sizeof(*r));
	if (err == 0)
		err = jz_issuer_replacement(i, old->card_id, r);
	if (err == JZ_ERR_NOT_FOUND ||
	    (err == 0 && memcmp(r->after, new.card_id, JZ_ID_BYTES) != 0))
		err = jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return err;
}

/* Told again, it is known; and so is a load that a later one has followed. */
static int
replace_load(struct jz_call *c, struct jz_issuer *i)
{
	struct jz_replacement r;
	struct jz_message old;
	int err = replacement_of(c, i, &old, &r);

	if (err == 0 && c->counter > r.load_counter)
		err = jz_issuer_replacement_load(i, old.card_id, c->counter);
	return err != 0 ? err : put_replacement(c, i, &old);
}

/* Only the PIN says that its holder wants it: without an unload there has been
 * none. */
static int
replace_end(struct jz_call *c, struct jz_issuer *i)
{
	struct jz_replacement r;
	struct jz_message old;
	int err = replacement_of(c, i, &old, &r);

	if (err == 0 && r.amount_minor == 0)
		err = jz_refuse(i, JZ_REFUSAL_AMOUNT);
	if (err == 0)
		err = jz_issuer_replaced(i, old.card_id);
	return err != 0 ? err : outcome(c, i);
}

/* ---- settlement's questions ---------------------------------------------- */

static int
one_owed(struct jz_span completion, void *arg)
{
	json_t *list = arg;

	if (json_array_size(list) == OWED_MAX)
		return 0;
	return json_array_append_new(list, jz_wire_hex(completion)) == 0
	    ? 0
	    : JZ_ERR_MEMORY;
}

static int
owed(struct jz_call *c, struct jz_issuer *i)
{
	json_t *list = json_array();
	struct jz_message m;
	bool revoked = false;
	int err = signed_in(c, i, &m);

	if (err == 0)
		err = jz_issuer_each_owed(i, m.card_id, one_owed, list);
	if (err == 0)
		err = jz_issuer_revoked(i, m.card_id, &revoked);
	if (err == 0)
		err = put(c, "revoked", json_boolean(revoked));
	if (err == 0)
		return put(c, "messages", list);
	json_decref(list);
	return err;
}

static int
revocation(struct jz_call *c, struct jz_issuer *i)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_issuer_revocation(i, &b);

	/* None yet: an answer without one. */
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	return err != 0 ? err
			: put(c, "message", jz_wire_hex(jz_buffer_span(&b)));
}

static int
issuer(struct jz_call *c, struct jz_issuer *i)
{
	int err = put(c, "ca", jz_wire_hex(jz_issuer_ca(i)));

	if (err == 0)
		err = put(c, "host", jz_wire_hex(jz_issuer_host(i)));
	if (err == 0)
		err = put(c, "currency", json_integer(jz_issuer_currency(i)));
	return err;
}

/* The message is a card's certificate. */
static int
readmit(struct jz_call *c, struct jz_issuer *i)
{
	int err = jz_issuer_readmit(i, message(c));

	return err != 0 ? err : outcome(c, i);
}

static int
account(struct jz_call *c, struct jz_issuer *i)
{
	return jz_owner_run(&c->owner, i, c->result);
}

/* The store answers: that is what it is asked for. */
static int
health(struct jz_call *c, struct jz_issuer *i)
{
	static const uint8_t NOBODY[JZ_ID_BYTES] = "0000000000000000";
	struct jz_load_story story;
	int err = jz_issuer_load_story(i, NOBODY, 0, &story);

	return err != 0 ? err : put(c, "status", json_string("ok"));
}

/* ---- the table ----------------------------------------------------------- */

static const struct jz_route ROUTES[] = {
    {JZ_WIRE_PERMIT, "POST", JZ_KIND_LOAD_REQUEST, false, false, permit},
    {JZ_WIRE_REPORT, "POST", JZ_KIND_LOAD_REPORT, false, false, report},
    {JZ_WIRE_CANCEL, "POST", JZ_KIND_LOAD_CANCEL, false, false, cancel},
    {JZ_WIRE_FIND, "POST", JZ_KIND_SIGN_IN, true, false, find},
    {JZ_WIRE_UNLOAD_PERMIT, "POST", JZ_KIND_UNLOAD_REQUEST, false, false,
	unload_permit},
    {JZ_WIRE_UNLOAD_PROOF, "POST", JZ_KIND_UNLOAD_PROOF, false, false, unload},
    {JZ_WIRE_REPLACE, "POST", JZ_KIND_SIGN_IN, true, true, replace_begin},
    {JZ_WIRE_REPLACE_LOAD, "POST", JZ_KIND_SIGN_IN, true, true, replace_load},
    {JZ_WIRE_REPLACED, "POST", JZ_KIND_SIGN_IN, false, true, replace_end},
    {JZ_WIRE_CHALLENGE, "POST", JZ_KIND_SIGN_IN_REQUEST, false, false,
	challenge},
    {JZ_WIRE_SIGN_IN, "POST", JZ_KIND_SIGN_IN, false, false, sign_in},
    {JZ_WIRE_BATCH, "POST", JZ_KIND_BATCH, false, false, batch},
    {JZ_WIRE_OWED, "POST", JZ_KIND_SIGN_IN, false, false, owed},
    /* By jz_call_judge(). */
    {JZ_WIRE_SUBMIT, "POST", 0, false, false, NULL},
    {JZ_WIRE_ACCOUNT, "POST", 0, false, false, account},
    {JZ_WIRE_READMIT, "POST", 0, false, false, readmit},
    {JZ_WIRE_ISSUER, "GET", 0, false, false, issuer},
    {JZ_WIRE_REVOCATION, "GET", 0, false, false, revocation},
    {JZ_WIRE_HEALTH, "GET", 0, false, false, health},
    /* The server's own: it never comes to a run. */
    {JZ_WIRE_METRICS, "GET", 0, false, false, NULL},
};
#define ROUTES_N ((unsigned)(sizeof(ROUTES) / sizeof(ROUTES[0])))

_Static_assert(sizeof(ROUTES) / sizeof(ROUTES[0]) <= JZ_ROUTES_MAX,
    "who counts has a place for each");

unsigned
jz_routes(void)
{
	return ROUTES_N;
}

const char *
jz_route_path(unsigned i)
{
	return i < ROUTES_N ? ROUTES[i].path : "other";
}

unsigned
jz_route_of(const struct jz_call *c)
{
	return c->route != NULL ? (unsigned)(c->route - ROUTES) : ROUTES_N;
}

static const struct jz_route *
route_of(const char *path)
{
	for (unsigned i = 0; i < ROUTES_N; i++)
		if (strcmp(ROUTES[i].path, path) == 0)
			return &ROUTES[i];
	return NULL;
}

bool
jz_call_is_submission(const struct jz_call *c)
{
	return strcmp(c->route->path, JZ_WIRE_SUBMIT) == 0;
}

/* ---- reading ------------------------------------------------------------- */

/* Printable, for the log; a card's number is no secret. */
static void
note_card(struct jz_call *c, const uint8_t id[static JZ_ID_BYTES])
{
	for (size_t k = 0; k < JZ_ID_BYTES; k++)
		c->card[k] = id[k] > 0x20 && id[k] < 0x7F ? (char)id[k] : '?';
	c->card[JZ_ID_BYTES] = '\0';
}

static bool
read_counter(struct jz_call *c, const json_t *body)
{
	const json_t *n = json_object_get(body, "counter");

	if (!json_is_integer(n) || json_integer_value(n) < 0 ||
	    json_integer_value(n) > UINT32_MAX)
		return false;
	c->counter = (uint32_t)json_integer_value(n);
	return true;
}

/* The route's kind, or one of a load that only the issuer can read. */
static enum jz_kind
kind_of(const struct jz_call *c)
{
	enum jz_kind kind = c->route->kind;

	return (kind == JZ_KIND_LOAD_REQUEST || kind == JZ_KIND_LOAD_REPORT) &&
		jz_message_peek(message(c)) == JZ_KIND_ONLINE_SEALED
	    ? JZ_KIND_ONLINE_SEALED
	    : kind;
}

static bool
read_other(struct jz_call *c, const json_t *body)
{
	struct jz_buffer b = jz_buffer(c->other, sizeof(c->other));
	struct jz_message m;

	if (!jz_wire_bytes(json_object_get(body, "successor"), &b) ||
	    jz_message_decode(jz_buffer_span(&b), c->route->kind, &m) != 0)
		return false;
	c->other_len = b.len;
	return true;
}

/* {"message": HEX} and, where there are, "counter" and "successor": nothing
 * else. */
static bool
read_body(struct jz_call *c, struct jz_span text)
{
	struct jz_buffer b = jz_buffer(c->in, sizeof(c->in));
	json_t *body = jz_wire_object(text);
	struct jz_message m;
	bool good = body != NULL &&
	    json_object_size(body) == 1u + c->route->counter + c->route->two &&
	    jz_wire_bytes(json_object_get(body, "message"), &b) &&
	    (!c->route->counter || read_counter(c, body)) &&
	    (!c->route->two || read_other(c, body));

	json_decref(body);
	c->in_len = b.len;
	if (good && c->route->kind == 0)
		return true;
	if (!good || jz_message_decode(message(c), kind_of(c), &m) != 0)
		return false;
	note_card(c, m.card_id);
	if (!c->route->counter)
		c->counter = m.online_counter;
	return true;
}

static bool
keep_body(struct jz_call *c, struct jz_span body)
{
	c->body = malloc(body.len + 1);
	if (c->body == NULL)
		return false;
	if (body.len > 0)
		memcpy(c->body, body.data, body.len);
	c->body_len = body.len;
	return true;
}

static bool
take_body(struct jz_call *c, struct jz_span body)
{
	if (jz_call_is_submission(c))
		return keep_body(c, body);
	if (c->route->run == account)
		return jz_owner_read(&c->owner, body);
	return strcmp(c->route->method, "GET") == 0 ? body.len == 0
						    : read_body(c, body);
}

bool
jz_call_read(struct jz_call *c, const char *method, const char *path,
    struct jz_span body)
{
	memset(c, 0, sizeof(*c));
	c->code = "";
	c->route = route_of(path);
	if (c->route == NULL) {
		jz_call_answer(c, 404, "NO_SUCH_PATH");
		return false;
	}
	if (strcmp(method, c->route->method) != 0) {
		jz_call_answer(c, 405, "METHOD");
		return false;
	}
	if (!take_body(c, body)) {
		jz_call_answer(c, 400, jz_refusal_name(JZ_REFUSAL_MALFORMED));
		return false;
	}
	return true;
}

/* ---- running and answering ----------------------------------------------- */

int
jz_call_run(struct jz_call *c, struct jz_issuer *i)
{
	int err;

	json_decref(c->result);
	c->result = json_object();
	if (c->result == NULL)
		return JZ_ERR_MEMORY;
	err = c->route->run(c, i);
	c->refusal = jz_issuer_refusal(i);
	c->incident = jz_issuer_alarm(i);
	snprintf(c->detail, sizeof(c->detail), "%s",
	    c->refusal == JZ_REFUSAL_EXISTS_DIFFERENT ? jz_issuer_detail(i)
						      : "");
	return err;
}

/* The text is the answer. */
int
jz_call_judge(struct jz_call *c, jz_esign_submit_fn *submit, void *arg)
{
	char *text = NULL;

	if (submit == NULL) {
		jz_call_answer(c, 404, "NO_SUCH_PATH");
		return 0;
	}
	c->status =
	    jz_esign_json(submit, arg, jz_span(c->body, c->body_len), &text);
	free(c->text);
	c->text = text;
	c->len = text != NULL ? strlen(text) : 0;
	c->code = c->status == 200 ? "" : "VERDICT";
	return text != NULL ? 0 : JZ_ERR_MEMORY;
}

bool
jz_call_goes_on(struct jz_call *c, int *err)
{
	bool on = *err == 0 && c->route->run == account &&
	    jz_owner_compare(&c->owner, err);

	if (*err == JZ_ERR_REFUSED && c->refusal == JZ_REFUSAL_NONE)
		c->refusal = JZ_REFUSAL_PASSWORD;
	return on;
}

static unsigned
refusal_status(enum jz_refusal r)
{
	switch (r) {
	case JZ_REFUSAL_MALFORMED:
		return 400;
	case JZ_REFUSAL_FUNDS:
		return 402;
	case JZ_REFUSAL_UNKNOWN_CARD:
	case JZ_REFUSAL_CARD_BLOCKED:
	case JZ_REFUSAL_CERT_NOT_YET:
	case JZ_REFUSAL_CERT_EXPIRED:
	case JZ_REFUSAL_CARD_REVOKED:
	case JZ_REFUSAL_SIGNATURE:
	case JZ_REFUSAL_WRONG_ACCOUNT:
	case JZ_REFUSAL_WRONG_USER:
	case JZ_REFUSAL_UNKNOWN_ACCOUNT:
	case JZ_REFUSAL_ACCOUNT_BLOCKED:
	case JZ_REFUSAL_PASSWORD_LOCKED:
	case JZ_REFUSAL_PASSWORD:
		return 403;
	case JZ_REFUSAL_CANCELLED:
	case JZ_REFUSAL_EXISTS_DIFFERENT:
	case JZ_REFUSAL_CONFLICT:
		return 409;
	default:
		return 422;
	}
}

static void
set_text(struct jz_call *c, unsigned status, const char *code, json_t *object)
{
	free(c->text);
	c->text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	c->status = c->text != NULL ? status : 500;
	c->code = code;
	c->len = c->text != NULL ? strlen(c->text) : 0;
}

void
jz_call_answer(struct jz_call *c, unsigned status, const char *code)
{
	set_text(c, status, code, json_pack("{s:s}", "error", code));
}

static void
answer_refusal(struct jz_call *c)
{
	const char *name = jz_refusal_name(c->refusal);
	json_t *j = json_pack("{s:s, s:s}", "error", name, "text",
	    jz_refusal_text(c->refusal, JZ_LANG_EN));

	if (c->detail[0] != '\0' && j != NULL)
		(void)json_object_set_new(
		    j, "different", json_string(c->detail));
	if (c->incident != JZ_INCIDENT_NONE && j != NULL)
		(void)json_object_set_new(
		    j, "incident", json_string(jz_incident_name(c->incident)));
	set_text(c, refusal_status(c->refusal), name, j);
}

static unsigned
error_status(int err)
{
	if (err == JZ_ERR_CERT_MALFORMED)
		return 400;
	if (err < JZ_ERR_CERT_MALFORMED && err >= JZ_ERR_CERT_SUITE)
		return 403;
	return err == JZ_ERR_DATABASE || err == JZ_ERR_CONTENDED ? 503 : 500;
}

void
jz_call_finish(struct jz_call *c, int err)
{
	const char *name = jz_error_name(err);

	if (err == 0 && jz_call_is_submission(c))
		return;
	if (err == 0)
		set_text(c, 200, "", json_incref(c->result));
	else if (err == JZ_ERR_REFUSED)
		answer_refusal(c);
	else
		set_text(c, error_status(err), name,
		    json_pack("{s:s, s:s}", "error", name, "text",
			jz_error_text(err, JZ_LANG_EN)));
}

void
jz_call_free(struct jz_call *c)
{
	json_decref(c->result);
	free(c->text);
	if (c->body != NULL)
		jz_wipe(c->body, c->body_len);
	free(c->body);
	jz_wipe(&c->owner, sizeof(c->owner));
	memset(c, 0, sizeof(*c));
}
