/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account's owner asks about it, and shows himself by its password (LOD-5).
 *
 *	run      a try is counted, in a group's commit
 *	compare  scrypt, by a worker: the gate does not wait for it
 *	run      the count is set back, and what was asked for is answered
 *
 * Whoever guesses at an account that there is not is told what he would be told
 * if there were, and as late.
 */
#include "handle.h"

#include <string.h>

#include "../../../apdu/error.h"
#include "../../../keys/secret.h"

static bool
read_account(struct jz_owner *o, const json_t *text)
{
	const char *s = json_string_value(text);
	size_t len = json_string_length(text);

	if (s == NULL || len == 0 || len >= sizeof(o->account) ||
	    strlen(s) != len)
		return false;
	memcpy(o->account, s, len + 1);
	return true;
}

static bool
read_password(struct jz_owner *o, json_t *text)
{
	uint8_t bytes[JZ_PASSWORD_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	bool good = jz_wire_bytes(text, &b) && b.len > 0 &&
	    jz_secret_set(&o->password, jz_buffer_span(&b)) == 0;

	jz_wire_wipe(text);
	jz_wipe(bytes, sizeof(bytes));
	return good;
}

bool
jz_owner_read(struct jz_owner *o, struct jz_span text)
{
	json_t *body = jz_wire_object(text);
	bool good = read_password(o, json_object_get(body, "password")) &&
	    json_object_size(body) == 2 &&
	    read_account(o, json_object_get(body, "account"));

	json_decref(body);
	return good;
}

static int
one_line(const struct jz_account_line *line, void *arg)
{
	json_t *row = json_pack("{s:I, s:s, s:s, s:I}", "time",
	    (json_int_t)line->time, "reason", line->reason, "reference",
	    line->reference, "amount_minor", (json_int_t)line->amount_minor);

	return json_array_append_new(arg, row) == 0 ? 0 : JZ_ERR_MEMORY;
}

static int
put_account(const struct jz_owner *o, struct jz_issuer *i, json_t *result)
{
	json_t *lines = json_array();
	int64_t minor = 0;
	int err = json_object_set_new(result, "lines", lines) == 0
	    ? jz_issuer_account_balance(i, o->account, &minor)
	    : JZ_ERR_MEMORY;

	if (err == 0)
		err = jz_issuer_account_last(i, o->account, one_line, lines);
	if (err != 0)
		return err;
	return json_object_set_new(result, "balance_minor",
		   json_integer((json_int_t)minor)) == 0 &&
		json_object_set_new(result, "currency",
		    json_integer(jz_issuer_currency(i))) == 0
	    ? 0
	    : JZ_ERR_MEMORY;
}

int
jz_owner_run(struct jz_owner *o, struct jz_issuer *i, json_t *result)
{
	int err;

	if (o->right) {
		err = jz_issuer_password_right(i, o->account);
		return err != 0 ? err : put_account(o, i, result);
	}
	err = jz_issuer_password_count(i, o->account, &o->kept);
	o->nobody = err == JZ_ERR_REFUSED &&
	    jz_issuer_refusal(i) == JZ_REFUSAL_UNKNOWN_ACCOUNT;
	if (!o->nobody)
		return err;
	jz_issuer_recall(i, JZ_REFUSAL_NONE);
	return 0;
}

bool
jz_owner_compare(struct jz_owner *o, int *err)
{
	bool right = false;

	if (o->right)
		return false;
	*err = jz_password_compare(&o->kept, &o->password, &right);
	o->right = *err == 0 && right && !o->nobody;
	if (*err == 0 && !o->right)
		*err = JZ_ERR_REFUSED;
	return o->right;
}
