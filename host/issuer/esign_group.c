/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submissions in groups: written in one transaction of the store, executed in
 * one of the executor's if it has such a thing.
 *
 *   V4  A group is in the order in which its submissions came.
 *   V5  A group whose transaction fails is undone as a whole; then each stands
 *       by itself.
 */
#include "esign_case.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

/* ---- the store ---------------------------------------------------------- */

/* Within a transaction, which is ended. */
static int
write_these(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	int err = 0;

	for (size_t k = 0; err == 0 && k < n; k++)
		err = jz_esign_step(v, c[k]);
	return v->store->end(v->store_state, err);
}

/* V5 */
static void
write_each(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		c[k]->err = v->store->begin(v->store_state);
		if (c[k]->err == 0)
			c[k]->err = write_these(v, &c[k], 1);
	}
}

/* Those of them that go on. */
static size_t
going(struct jz_esign_case *const *c, size_t n,
    struct jz_esign_case *go[static JZ_ESIGN_GROUP])
{
	size_t m = 0;

	for (size_t k = 0; k < n; k++)
		if (jz_esign_goes_on(c[k]))
			go[m++] = c[k];
	return m;
}

static void
fail(struct jz_esign_case *const *c, size_t n, int err)
{
	for (size_t k = 0; k < n; k++)
		c[k]->err = err;
}

static void
write_group(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	struct jz_esign_case *go[JZ_ESIGN_GROUP];
	size_t m = going(c, n, go);
	int err;

	if (m == 0)
		return;
	err = v->store->begin(v->store_state);
	/* A store that is busy for long is not waited for by each. */
	if (err != 0) {
		fail(go, m, err);
		return;
	}
	err = write_these(v, go, m);
	if (err != 0 && m > 1)
		write_each(v, go, m);
	else
		fail(go, m, err);
}

void
jz_esign_write(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	for (size_t k = 0; k < n; k += JZ_ESIGN_GROUP) /* V4 */
		write_group(
		    v, c + k, n - k < JZ_ESIGN_GROUP ? n - k : JZ_ESIGN_GROUP);
}

/* ---- the executor ------------------------------------------------------- */

/* What it has said of the same submission, earlier among these. */
static enum jz_esign_state
said_before(struct jz_esign_case *const *c, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (c[i]->said != 0 &&
		    c[i]->entry.counter == c[k]->entry.counter &&
		    memcmp(c[i]->card.id, c[k]->card.id, JZ_ID_BYTES) == 0)
			return c[i]->said;
	return 0;
}

static int
ask(const struct jz_esign_verifier *v, struct jz_esign_case *c)
{
	struct jz_esign_transfer t = {.order = c->order};
	int err;

	snprintf(t.reference, sizeof(t.reference), "%.*s:%lu", JZ_ID_BYTES,
	    (const char *)c->card.id, (unsigned long)c->entry.counter);
	err = v->executor.execute(v->executor.arg, &t);
	if (err == 0)
		c->said = JZ_ESIGN_DONE;
	else if (err == JZ_ERR_REFUSED)
		c->said = JZ_ESIGN_REFUSED;
	return c->said != 0 ? 0 : err;
}

/* Of the same submission twice the first one, if that got an answer. */
static int
ask_one(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t k)
{
	c[k]->said = said_before(c, k);
	c[k]->err = c[k]->said != 0 ? 0 : ask(v, c[k]);
	return c[k]->err;
}

/* Returns why they are to be asked each by itself, or 0. */
static int
ask_these(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	int err = 0;

	for (size_t k = 0; err == 0 && k < n; k++)
		err = ask_one(v, c, k);
	return err;
}

static void
ask_each(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	for (size_t k = 0; k < n; k++)
		(void)ask_one(v, c, k);
}

static void
ask_together(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	const struct jz_esign_executor *x = &v->executor;
	int err = x->begin(x->arg);

	if (err != 0) {
		fail(c, n, err);
		return;
	}
	/* What it has said counts when that is durable, and asked again it says
	 * the same. */
	if (x->end(x->arg, ask_these(v, c, n)) != 0)
		ask_each(v, c, n); /* V5 */
}

static void
execute_group(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	struct jz_esign_case *go[JZ_ESIGN_GROUP];
	size_t m = going(c, n, go);

	if (m > 1 && v->executor.begin != NULL)
		ask_together(v, go, m);
	else
		ask_each(v, go, m);
}

void
jz_esign_execute(
    const struct jz_esign_verifier *v, struct jz_esign_case *const *c, size_t n)
{
	for (size_t k = 0; k < n; k += JZ_ESIGN_GROUP)
		execute_group(
		    v, c + k, n - k < JZ_ESIGN_GROUP ? n - k : JZ_ESIGN_GROUP);
}

void
jz_esign_wipe(struct jz_esign_case *c)
{
	jz_wipe(c, sizeof(*c));
}

int
jz_esign_submit(const struct jz_esign_verifier *v, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	struct jz_esign_case one, *c = &one;
	int err;

	jz_esign_take(c, submission);
	/* Examined where it is judged: to look up its key first would be to read
	 * the card twice. */
	jz_esign_write(v, &c, 1);
	jz_esign_execute(v, &c, 1);
	if (c->said != 0)
		jz_esign_write(v, &c, 1);
	*verdict = c->verdict;
	err = c->err;
	jz_esign_wipe(c);
	return err;
}
