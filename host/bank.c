/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's library as a bank; and what pay.h says of an issuer, said of a
 * bank made of it.
 */
#include "bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct library {
	struct jz_bank bank;
	struct jz_issuer *issuer; /* lent */
};

static struct jz_issuer *
issuer_of(struct jz_bank *b)
{
	return ((struct library *)b)->issuer;
}

/* What the issuer has to say, kept in the handle. */
static int
keep(struct jz_bank *b, int err)
{
	struct jz_issuer *i = issuer_of(b);

	b->refusal = jz_issuer_refusal(i);
	b->incident = jz_issuer_alarm(i);
	snprintf(b->detail, sizeof(b->detail), "%s", jz_issuer_detail(i));
	return err;
}

static int
known(struct jz_bank *b, struct jz_known *out)
{
	*out = jz_known_issuer(issuer_of(b));
	return 0;
}

static int
permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return keep(b, jz_issuer_load_permit(issuer_of(b), request, out));
}

static int
report(struct jz_bank *b, struct jz_span bytes)
{
	return keep(b, jz_issuer_load_report(issuer_of(b), bytes));
}

static int
cancel(struct jz_bank *b, struct jz_span proof, struct jz_cancel_result *result)
{
	struct jz_issuer *i = issuer_of(b);
	struct jz_load_story story;
	struct jz_message m;
	int err = keep(b, jz_issuer_load_cancel(i, proof));

	memset(result, 0, sizeof(*result));
	result->again = jz_issuer_again(i);
	if (err == 0)
		err = jz_message_decode(proof, JZ_KIND_LOAD_CANCEL, &m);
	if (err == 0)
		err = keep(b,
		    jz_issuer_load_story(
			i, m.card_id, m.online_counter, &story));
	if (err == 0)
		result->returned_minor = story.amount_minor;
	return err;
}

static int
find(struct jz_bank *b, struct jz_span sign_in, uint32_t counter,
    struct jz_load_story *story, struct jz_buffer *permission)
{
	struct jz_message m;
	int err = jz_message_decode(sign_in, JZ_KIND_SIGN_IN, &m);

	if (err == 0)
		err = keep(b,
		    jz_issuer_load_story(
			issuer_of(b), m.card_id, counter, story));
	if (err == 0)
		err = keep(b,
		    jz_issuer_load_permission(
			issuer_of(b), m.card_id, counter, permission));
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
unload_permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return keep(b, jz_issuer_unload_permit(issuer_of(b), request, out));
}

static int
unload(struct jz_bank *b, struct jz_span proof, struct jz_buffer *out)
{
	return keep(b, jz_issuer_unload(issuer_of(b), proof, out));
}

/* The cards of a pair. */
static int
pair_of(const struct jz_replace_pair *pair, struct jz_message *before,
    struct jz_message *after)
{
	int err = jz_message_decode(pair->before, JZ_KIND_SIGN_IN, before);

	return err != 0
	    ? err
	    : jz_message_decode(pair->after, JZ_KIND_SIGN_IN, after);
}

static int
replace(struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter,
    struct jz_replacement *out)
{
	struct jz_issuer *i = issuer_of(b);
	struct jz_message old, new;
	int err = pair_of(pair, &old, &new);

	if (err == 0)
		err = keep(
		    b, jz_issuer_replace(i, old.card_id, new.card_id, counter));
	if (err == 0)
		err = keep(b, jz_issuer_replacement(i, old.card_id, out));
	return err;
}

static int
replacement_load(
    struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter)
{
	struct jz_message old, new;
	int err = pair_of(pair, &old, &new);

	return err != 0 ? err
			: keep(b,
			      jz_issuer_replacement_load(
				  issuer_of(b), old.card_id, counter));
}

static int
replaced(struct jz_bank *b, const struct jz_replace_pair *pair)
{
	struct jz_message old, new;
	int err = pair_of(pair, &old, &new);

	return err != 0
	    ? err
	    : keep(b, jz_issuer_replaced(issuer_of(b), old.card_id));
}

static int
challenge(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return keep(b, jz_issuer_challenge(issuer_of(b), request, out));
}

static int
sign_in(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return keep(b, jz_issuer_sign_in(issuer_of(b), bytes, out));
}

static int
readmit(struct jz_bank *b, struct jz_span certificate)
{
	return keep(b, jz_issuer_readmit(issuer_of(b), certificate));
}

static int
batch(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return keep(b, jz_issuer_batch(issuer_of(b), bytes, out));
}

static int
owed(struct jz_bank *b, struct jz_span bytes,
    int (*each)(struct jz_span completion, void *arg), void *arg, bool *revoked)
{
	struct jz_message m;
	int err = jz_message_decode(bytes, JZ_KIND_SIGN_IN, &m);

	if (err == 0)
		err = keep(
		    b, jz_issuer_revoked(issuer_of(b), m.card_id, revoked));
	if (err == 0)
		err = keep(
		    b, jz_issuer_each_owed(issuer_of(b), m.card_id, each, arg));
	return err;
}

static int
account(struct jz_bank *b, const struct jz_secret *password,
    struct jz_account_view *view)
{
	struct jz_issuer *i = issuer_of(b);
	int err = keep(b, jz_issuer_account_check(i, view->account, password));

	view->currency = jz_issuer_currency(i);
	if (err == 0)
		err = keep(b,
		    jz_issuer_account_balance(
			i, view->account, &view->balance_minor));
	return err != 0 ? err
			: keep(b,
			      jz_issuer_account_last(
				  i, view->account, view->each, view->arg));
}

static int
list(struct jz_bank *b, struct jz_buffer *out)
{
	return keep(b, jz_issuer_revocation(issuer_of(b), out));
}

static void
free_library(struct jz_bank *b)
{
	free(b);
}

static const struct jz_bank_ops OPS = {
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
    .list = list,
    .free = free_library,
};

int
jz_bank_of_issuer(struct jz_issuer *issuer, struct jz_bank **out)
{
	struct library *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return JZ_ERR_MEMORY;
	l->bank.ops = &OPS;
	l->issuer = issuer;
	*out = &l->bank;
	return 0;
}

void
jz_bank_free(struct jz_bank **bank)
{
	if (*bank == NULL)
		return;
	(*bank)->ops->free(*bank);
	*bank = NULL;
}

enum jz_refusal
jz_bank_refusal(const struct jz_bank *bank)
{
	return bank->refusal;
}

int
jz_bank_account(struct jz_bank *bank, const struct jz_secret *password,
    struct jz_account_view *view)
{
	return bank->ops->account(bank, password, view);
}

int
jz_bank_submit(struct jz_bank *bank, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	return bank->ops->submit == NULL
	    ? JZ_ERR_UNSUPPORTED
	    : bank->ops->submit(bank, submission, verdict);
}

enum jz_incident_kind
jz_bank_incident(const struct jz_bank *bank)
{
	return bank->incident;
}

const char *
jz_bank_detail(const struct jz_bank *bank)
{
	return bank->detail;
}

/* ---- pay.h --------------------------------------------------------------- */

/* The refusal is asked for at the issuer. */
static void
end(struct jz_issuer *issuer, struct jz_bank **bank)
{
	jz_issuer_recall(issuer, (*bank)->refusal);
	jz_bank_free(bank);
}

int
jz_load(struct jz_session *s, struct jz_issuer *issuer, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_load(s, b, amount_minor, terminal, NULL, NULL);
	end(issuer, &b);
	return err;
}

int
jz_load_cancel(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_cancel_result *result)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_load_cancel(s, b, result);
	end(issuer, &b);
	return err;
}

int
jz_unload_resume(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_unload_result *result)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_unload_resume(s, b, result);
	end(issuer, &b);
	return err;
}

int
jz_unload(struct jz_session *s, struct jz_issuer *issuer, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_unload_result *result)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_unload(s, b, amount_minor, terminal, result);
	end(issuer, &b);
	return err;
}

int
jz_replace(struct jz_session *before, struct jz_session *after,
    struct jz_issuer *issuer, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_replace_result *result)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_replace(before, after, b, terminal, result);
	end(issuer, &b);
	return err;
}

int
jz_settle(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_settle_result *result)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	if (err != 0)
		return err;
	err = jz_bank_settle(s, b, result);
	end(issuer, &b);
	return err;
}

int
jz_bring_list(struct jz_session *s, struct jz_issuer *issuer, uint32_t *brought)
{
	struct jz_bank *b = NULL;
	int err = jz_bank_of_issuer(issuer, &b);

	*brought = 0;
	if (err == 0)
		err = jz_bank_bring_list(s, b, brought);
	jz_bank_free(&b);
	return err;
}
