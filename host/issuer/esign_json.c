/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A submission as a JSON text, for a server's handler.
 */
#include "esign.h"

#include "../../apdu/error.h"
#include "../wire.h"

/* HTTP, RFC 9110 15; 423 is RFC 4918 11.3. */
enum {
	OK = 200,
	BAD_REQUEST = 400,
	FORBIDDEN = 403,
	NOT_FOUND = 404,
	CONFLICT = 409,
	LOCKED = 423,
	UNAVAILABLE = 503,
};

static unsigned
status_of(enum jz_esign_verdict v)
{
	switch (v) {
	case JZ_ESIGN_EXECUTED:
	case JZ_ESIGN_EXECUTED_BEFORE:
		return OK;
	case JZ_ESIGN_MALFORMED:
		return BAD_REQUEST;
	case JZ_ESIGN_UNKNOWN_CARD:
		return NOT_FOUND;
	case JZ_ESIGN_REPLAY:
	case JZ_ESIGN_EXECUTOR_REFUSED:
		return CONFLICT;
	case JZ_ESIGN_LOCKED:
		return LOCKED;
	case JZ_ESIGN_BAD_SIGNATURE:
	case JZ_ESIGN_WRONG_ACCOUNT:
	case JZ_ESIGN_KEY:
	case JZ_ESIGN_PASSWORD:
	case JZ_ESIGN_VERDICTS:
		break;
	}
	return FORBIDDEN;
}

/* One object with this one member, and nothing after it. */
static bool
take_message(struct jz_span request, struct jz_buffer *out)
{
	json_t *o = jz_wire_object(request);
	bool good = json_object_size(o) == 1 &&
	    jz_wire_bytes(json_object_get(o, "message"), out);

	json_decref(o);
	return good;
}

/* What is said of it. */
struct said {
	const char *name;
	const char *text[2]; /* by enum jz_lang */
};

static unsigned
answer(const struct said *a, unsigned status, char **response)
{
	json_t *o = json_pack("{s:s, s:{s:s, s:s}}", "verdict", a->name, "text",
	    "en", a->text[JZ_LANG_EN], "zh", a->text[JZ_LANG_ZH]);

	*response = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return *response == NULL ? UNAVAILABLE : status;
}

unsigned
jz_esign_json(jz_esign_submit_fn *submit, void *arg, struct jz_span request,
    char **response)
{
	static const struct said again = {"AGAIN",
	    {"nothing was decided; send the same again",
		"尚无结论，请原样重新提交"}};
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	enum jz_esign_verdict verdict = JZ_ESIGN_MALFORMED;
	struct said a;
	int err = 0;

	if (take_message(request, &b))
		err = submit(arg, jz_buffer_span(&b), &verdict);
	if (err != 0)
		return answer(&again, UNAVAILABLE, response);
	a = (struct said){jz_esign_verdict_name(verdict),
	    {jz_esign_verdict_text(verdict, JZ_LANG_EN),
		jz_esign_verdict_text(verdict, JZ_LANG_ZH)}};
	return answer(&a, status_of(verdict), response);
}

struct alone {
	const struct jz_esign_verifier *v;
};

static int
submit_alone(
    void *arg, struct jz_span submission, enum jz_esign_verdict *verdict)
{
	const struct alone *a = arg;

	return jz_esign_submit(a->v, submission, verdict);
}

unsigned
jz_esign_submit_json(
    const struct jz_esign_verifier *v, struct jz_span request, char **response)
{
	struct alone a = {v};

	return jz_esign_json(submit_alone, &a, request, response);
}
