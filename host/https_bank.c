/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bank is asked, put to the issuer's daemon: which path, which members,
 * and what is made of the answer.
 */
#include "https.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../keys/secret.h"
#include "wire.h"

static struct jz_https *
of(struct jz_bank *b)
{
	return (struct jz_https *)b;
}

/* ---- the questions ------------------------------------------------------- */

static json_t *
letter(struct jz_span message)
{
	json_t *j = json_object();

	if (j != NULL &&
	    json_object_set_new(j, "message", jz_wire_hex(message)) == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int
ask_with(
    struct jz_https *h, const char *path, struct jz_span message, json_t **out)
{
	json_t *body = letter(message);
	int err =
	    body == NULL ? JZ_ERR_MEMORY : jz_https_ask(h, path, body, out);

	json_decref(body);
	return err;
}

/* A message for a message. */
static int
exchange(struct jz_bank *b, const char *path, struct jz_span message,
    struct jz_buffer *out)
{
	size_t start = out->len;
	json_t *answer = NULL;
	int err = ask_with(of(b), path, message, &answer);

	if (err == 0 &&
	    !jz_wire_bytes(json_object_get(answer, "message"), out)) {
		out->len = start;
		err = JZ_ERR_SERVER_ANSWER;
	}
	json_decref(answer);
	return err;
}

static int
permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_PERMIT, request, out);
}

static int
unload_permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_UNLOAD_PERMIT, request, out);
}

static int
unload(struct jz_bank *b, struct jz_span proof, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_UNLOAD_PROOF, proof, out);
}

/* counter NULL: it goes without; out NULL: the answer is not looked at. */
static int
ask_with_two(struct jz_bank *b, const char *path,
    const struct jz_replace_pair *pair, const uint32_t *counter, json_t **out)
{
	json_t *body = letter(pair->before), *answer = NULL;
	int err = body != NULL &&
		json_object_set_new(
		    body, "successor", jz_wire_hex(pair->after)) == 0 &&
		(counter == NULL ||
		    json_object_set_new(
			body, "counter", json_integer(*counter)) == 0)
	    ? jz_https_ask(of(b), path, body, &answer)
	    : JZ_ERR_MEMORY;

	json_decref(body);
	if (out != NULL)
		*out = answer;
	else
		json_decref(answer);
	return err;
}

static int
replace(struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter,
    struct jz_replacement *out)
{
	json_t *answer = NULL;
	const json_t *amount, *load;
	int err = ask_with_two(b, JZ_WIRE_REPLACE, pair, &counter, &answer);

	memset(out, 0, sizeof(*out));
	amount = json_object_get(answer, "amount_minor");
	load = json_object_get(answer, "counter");
	if (err == 0 &&
	    (!json_is_integer(amount) || json_integer_value(amount) < 0 ||
		!json_is_integer(load) || json_integer_value(load) < 0 ||
		json_integer_value(load) > UINT32_MAX))
		err = JZ_ERR_SERVER_ANSWER;
	else if (err == 0) {
		out->amount_minor = (uint64_t)json_integer_value(amount);
		out->load_counter = (uint32_t)json_integer_value(load);
	}
	json_decref(answer);
	return err;
}

static int
replacement_load(
    struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter)
{
	return ask_with_two(b, JZ_WIRE_REPLACE_LOAD, pair, &counter, NULL);
}

static int
replaced(struct jz_bank *b, const struct jz_replace_pair *pair)
{
	return ask_with_two(b, JZ_WIRE_REPLACED, pair, NULL, NULL);
}

static int
challenge(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_CHALLENGE, request, out);
}

static int
sign_in(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_SIGN_IN, bytes, out);
}

static int
batch(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_BATCH, bytes, out);
}

/* A message whose answer says no more than that it was taken. */
static int
tell(struct jz_bank *b, const char *path, struct jz_span message)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), path, message, &answer);

	json_decref(answer);
	return err;
}

static int
readmit(struct jz_bank *b, struct jz_span certificate)
{
	return tell(b, JZ_WIRE_READMIT, certificate);
}

static int
report(struct jz_bank *b, struct jz_span bytes)
{
	return tell(b, JZ_WIRE_REPORT, bytes);
}

static int
read_story(const json_t *answer, struct jz_load_story *story)
{
	static const char *const STATES[] = JZ_WIRE_STATES;
	const json_t *amount = json_object_get(answer, "amount_minor");
	const char *state = json_string_value(json_object_get(answer, "state"));

	if (!json_is_integer(amount) || json_integer_value(amount) < 0)
		return JZ_ERR_SERVER_ANSWER;
	story->amount_minor = (uint64_t)json_integer_value(amount);
	for (int k = JZ_LOAD_UNKNOWN; state != NULL && k <= JZ_LOAD_CANCELLED;
	     k++)
		if (strcmp(state, STATES[k]) == 0) {
			story->state = (enum jz_load_state)k;
			return 0;
		}
	return JZ_ERR_SERVER_ANSWER;
}

static int
cancel(struct jz_bank *b, struct jz_span proof, struct jz_cancel_result *result)
{
	struct jz_load_story story;
	json_t *answer = NULL;
	const char *outcome;
	int err = ask_with(of(b), JZ_WIRE_CANCEL, proof, &answer);

	memset(result, 0, sizeof(*result));
	if (err == 0)
		err = read_story(answer, &story);
	outcome = json_string_value(json_object_get(answer, "outcome"));
	if (err == 0 && outcome == NULL)
		err = JZ_ERR_SERVER_ANSWER;
	if (err == 0) {
		result->again = strcmp(outcome, "exists") == 0;
		result->returned_minor = story.amount_minor;
	}
	json_decref(answer);
	return err;
}

static int
find(struct jz_bank *b, struct jz_span signed_in, uint32_t counter,
    struct jz_load_story *story, struct jz_buffer *permission)
{
	json_t *body = letter(signed_in), *answer = NULL;
	const json_t *message;
	int err = body != NULL &&
		json_object_set_new(body, "counter", json_integer(counter)) == 0
	    ? jz_https_ask(of(b), JZ_WIRE_FIND, body, &answer)
	    : JZ_ERR_MEMORY;

	json_decref(body);
	if (err == 0)
		err = read_story(answer, story);
	message = json_object_get(answer, "message");
	if (err == 0 && message != NULL && !jz_wire_bytes(message, permission))
		err = JZ_ERR_SERVER_ANSWER;
	json_decref(answer);
	return err;
}

static int
each_message(const json_t *list,
    int (*each)(struct jz_span completion, void *arg), void *arg)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	int err = json_is_array(list) ? 0 : JZ_ERR_SERVER_ANSWER;

	for (size_t k = 0; err == 0 && k < json_array_size(list); k++) {
		struct jz_buffer m = jz_buffer(bytes, sizeof(bytes));

		err = jz_wire_bytes(json_array_get(list, k), &m)
		    ? each(jz_buffer_span(&m), arg)
		    : JZ_ERR_SERVER_ANSWER;
	}
	return err;
}

static int
owed(struct jz_bank *b, struct jz_span signed_in,
    int (*each)(struct jz_span completion, void *arg), void *arg, bool *revoked)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), JZ_WIRE_OWED, signed_in, &answer);

	*revoked = json_is_true(json_object_get(answer, "revoked"));
	if (err == 0)
		err = each_message(
		    json_object_get(answer, "messages"), each, arg);
	json_decref(answer);
	return err;
}

static int
submit(struct jz_bank *b, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), JZ_WIRE_SUBMIT, submission, &answer);
	const char *name =
	    json_string_value(json_object_get(answer, "verdict"));
	bool found = false;

	for (int v = 0; name != NULL && !found && v < JZ_ESIGN_VERDICTS; v++) {
		*verdict = (enum jz_esign_verdict)v;
		found = strcmp(name, jz_esign_verdict_name(*verdict)) == 0;
	}
	/* By a question before, whose answer was lost. */
	if (found && *verdict == JZ_ESIGN_EXECUTED_BEFORE)
		*verdict = JZ_ESIGN_EXECUTED;
	json_decref(answer);
	return err == 0 && !found ? JZ_ERR_SERVER_ANSWER : err;
}

static int
read_line(const json_t *row, struct jz_account_line *out)
{
	const json_t *time = json_object_get(row, "time");
	const json_t *amount = json_object_get(row, "amount_minor");

	out->time = json_integer_value(time);
	out->amount_minor = json_integer_value(amount);
	out->reason = json_string_value(json_object_get(row, "reason"));
	out->reference = json_string_value(json_object_get(row, "reference"));
	return json_is_integer(time) && json_is_integer(amount) &&
		out->reason != NULL && out->reference != NULL
	    ? 0
	    : JZ_ERR_SERVER_ANSWER;
}

static int
read_account(const json_t *answer, struct jz_account_view *view)
{
	const json_t *balance = json_object_get(answer, "balance_minor");
	const json_t *currency = json_object_get(answer, "currency");
	const json_t *lines = json_object_get(answer, "lines");
	struct jz_account_line line;
	int err = json_is_integer(balance) && json_is_integer(currency) &&
		json_is_array(lines)
	    ? 0
	    : JZ_ERR_SERVER_ANSWER;

	view->balance_minor = json_integer_value(balance);
	view->currency = (uint16_t)json_integer_value(currency);
	for (size_t k = 0; err == 0 && k < json_array_size(lines); k++) {
		err = read_line(json_array_get(lines, k), &line);
		if (err == 0)
			err = view->each(&line, view->arg);
	}
	return err;
}

static int
account(struct jz_bank *b, const struct jz_secret *password,
    struct jz_account_view *view)
{
	json_t *word = jz_wire_hex(jz_secret_span(password));
	json_t *body =
	    json_pack("{s:s, s:O}", "account", view->account, "password", word);
	json_t *answer = NULL;
	int err = JZ_ERR_MEMORY;

	of(b)->once = true;
	if (body != NULL)
		err = jz_https_ask(of(b), JZ_WIRE_ACCOUNT, body, &answer);
	of(b)->once = false;
	json_decref(body);
	jz_wire_wipe(word);
	json_decref(word);
	if (err == 0)
		err = read_account(answer, view);
	json_decref(answer);
	return err;
}

static int
list(struct jz_bank *b, struct jz_buffer *out)
{
	json_t *answer = NULL;
	const json_t *message;
	int err = jz_https_ask(of(b), JZ_WIRE_REVOCATION, NULL, &answer);

	message = json_object_get(answer, "message");
	if (err == 0 && message == NULL)
		err = JZ_ERR_NOT_FOUND;
	if (err == 0 && !jz_wire_bytes(message, out))
		err = JZ_ERR_SERVER_ANSWER;
	json_decref(answer);
	return err;
}

static int
known(struct jz_bank *b, struct jz_known *out)
{
	struct jz_https *h = of(b);
	struct jz_buffer ca = jz_buffer(h->ca_bytes, sizeof(h->ca_bytes));
	struct jz_buffer host = jz_buffer(h->host_bytes, sizeof(h->host_bytes));
	json_t *answer = NULL;
	int err = 0;

	if (h->known.n == 0) {
		err = jz_https_ask(h, JZ_WIRE_ISSUER, NULL, &answer);
		if (err == 0 &&
		    (!jz_wire_bytes(json_object_get(answer, "ca"), &ca) ||
			!jz_wire_bytes(json_object_get(answer, "host"), &host)))
			err = JZ_ERR_SERVER_ANSWER;
		json_decref(answer);
		if (err == 0)
			h->known = (struct jz_known){
			    {jz_buffer_span(&ca), jz_buffer_span(&host)}, 2};
	}
	*out = h->known;
	return err;
}

const struct jz_bank_ops jz_https_ops = {
    .known = known,
    .permit = permit,
    .report = report,
    .cancel = cancel,
    .find = find,
    .unload_permit = unload_permit,
    .unload = unload,
    .replace = replace,
    .replacement_load = replacement_load,
    .replaced = replaced,
    .challenge = challenge,
    .sign_in = sign_in,
    .readmit = readmit,
    .batch = batch,
    .owed = owed,
    .account = account,
    .submit = submit,
    .list = list,
    .free = jz_https_free,
};
