/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: each act makes a list that stands for all that is revoked, signed
 * by the CA and kept beside those before (docs/adr/0011-revocation.md).
 *
 * What a card is judged by is the newest list, verified anew each time: a row
 * that somebody has altered in the database voids no card and frees none.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

/* A list as it is in the database: signed by the CA of its day, which may have
 * been followed by others, and of its row. */
static int
read_list(struct jz_issuer *i, const struct jz_revocation_story *story,
    struct jz_message *list)
{
	struct jz_authority ca;
	int err =
	    jz_revocation_parse(jz_span(story->list, story->list_len), list);

	if (err == 0)
		err = jz_pki_ca(&i->engine, &i->pki, list->host_id, &ca);
	if (err == 0)
		err = jz_revocation_verify(&i->engine, list, &ca);
	if (err == 0 &&
	    (list->list_version != story->version ||
		list->generation != story->generation))
		err = JZ_ERR_MESSAGE;
	return err;
}

int
jz_issuer_list(struct jz_issuer *i, struct jz_revocation_story *story,
    struct jz_message *list)
{
	int err = jz_store_revocation(i->store, story);

	memset(list, 0, sizeof(*list));
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0 && read_list(i, story, list) != 0) {
		jz_store_set_detail(
		    i->store, "the newest revocation list is not the CA's");
		err = JZ_ERR_DATABASE;
	}
	return err;
}

/* ---- making ------------------------------------------------------------- */

struct entries {
	uint8_t id[JZ_REVOCATION_MAX + 1][JZ_ID_BYTES];
	size_t n;
};

/* The certificate's generation of a registered card. */
static int
generation_of(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    struct jz_certificate *c)
{
	struct jz_card_row row;
	int err = jz_store_card(i->store, id, &row);

	return err != 0 ? err
			: jz_issuer_read_certificate(i,
			      jz_span(row.certificate, row.certificate_len), c);
}

/* Those of the list before that the new generation does not void anyway. */
static int
carry_over(struct jz_issuer *i, const struct jz_message *before,
    uint16_t generation, struct entries *e)
{
	struct jz_certificate c;
	int err = 0;

	e->n = 0;
	for (size_t at = 0; err == 0 && at < before->revoked.len;
	     at += JZ_ID_BYTES) {
		const uint8_t *id = before->revoked.data + at;

		err = generation_of(i, id, &c);
		if (err == 0 && c.generation >= generation)
			memcpy(e->id[e->n++], id, JZ_ID_BYTES);
	}
	return err;
}

static void
insert(struct entries *e, const uint8_t id[static JZ_ID_BYTES])
{
	size_t at = e->n;

	for (; at > 0 && memcmp(e->id[at - 1], id, JZ_ID_BYTES) > 0; at--)
		memcpy(e->id[at], e->id[at - 1], JZ_ID_BYTES);
	memcpy(e->id[at], id, JZ_ID_BYTES);
	e->n++;
}

/* The next list, of story's generation and with its card, and its row. */
static int
add_list(struct jz_issuer *i, const struct jz_message *before,
    struct jz_revocation_story *story)
{
	struct jz_buffer b = jz_buffer(story->list, sizeof(story->list));
	struct jz_message list = {0};
	struct entries e;
	int err = carry_over(i, before, story->generation, &e);

	if (err != 0)
		return err;
	if (before->list_version == UINT32_MAX)
		return JZ_ERR_RANGE;
	if (story->has_card)
		insert(&e, story->card_id);
	story->version = before->list_version + 1;
	story->time = jz_issuer_now(i);
	list.list_version = story->version;
	list.payment.time = story->time;
	list.generation = story->generation;
	list.revoked = jz_span(e.id, e.n * JZ_ID_BYTES);
	err = jz_revocation_sign(&i->engine, &list,
	    i->pki.ca.certificate.holder, &i->pki.ca.key, &b);
	story->list_len = b.len;
	return err != 0 ? err : jz_store_revocation_add(i->store, story);
}

static int
revoke(struct jz_issuer *i, struct jz_revocation_story *story)
{
	struct jz_revocation_story last;
	struct jz_message list;
	struct jz_certificate c;
	int err = jz_issuer_list(i, &last, &list);

	if (err == 0 && story->has_card) {
		story->generation = list.generation;
		err = generation_of(i, story->card_id, &c);
		if (err == 0 &&
		    jz_revocation_judge(list.generation, list.revoked, &c) != 0)
			err = JZ_ERR_EXISTS;
	} else if (err == 0 && story->generation <= list.generation) {
		err = JZ_ERR_EXISTS;
	}
	return err != 0 ? err : add_list(i, &list, story);
}

static int
revoke_and_note(struct jz_issuer *i, struct jz_revocation_story *story)
{
	int err = revoke(i, story);

	if (err == 0 && story->has_card)
		err = jz_audit_note(i, JZ_ACTOR_ISSUER,
		    "revocation list %u: card %.16s, %s",
		    (unsigned)story->version, (const char *)story->card_id,
		    story->reason);
	else if (err == 0)
		err = jz_audit_note(i, JZ_ACTOR_ISSUER,
		    "revocation list %u: generation %u, %s",
		    (unsigned)story->version, (unsigned)story->generation,
		    story->reason);
	return err;
}

int
jz_blacklist(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    const char *reason)
{
	struct jz_revocation_story story = {.has_card = true};
	int err;

	memcpy(story.card_id, id, JZ_ID_BYTES);
	snprintf(story.reason, sizeof(story.reason), "%s", reason);
	err = revoke_and_note(i, &story);
	if (err == JZ_ERR_LIST_FULL) {
		err = jz_store_card_block(i->store, id, true);
		if (err == 0)
			err = jz_audit_note(i, JZ_ACTOR_ISSUER,
			    "the revocation list is full: card %.16s is "
			    "blocked, raise the generation",
			    (const char *)id);
	}
	return err == JZ_ERR_EXISTS ? 0 : err;
}

static int
carry_out(
    struct jz_issuer *i, struct jz_revocation_story *story, const char *reason)
{
	int err;

	jz_issuer_start(i);
	if (strlen(reason) > JZ_REASON_MAX)
		return JZ_ERR_RANGE;
	snprintf(story->reason, sizeof(story->reason), "%s", reason);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err
			: jz_store_end(i->store, revoke_and_note(i, story));
}

int
jz_issuer_revoke(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    const char *reason)
{
	struct jz_revocation_story story = {.has_card = true};

	memcpy(story.card_id, id, JZ_ID_BYTES);
	return carry_out(i, &story, reason);
}

int
jz_issuer_revoke_below(
    struct jz_issuer *i, uint16_t generation, const char *reason)
{
	struct jz_revocation_story story = {.generation = generation};

	return carry_out(i, &story, reason);
}

/* ---- asking ------------------------------------------------------------- */

int
jz_issuer_revocation(struct jz_issuer *i, struct jz_buffer *out)
{
	struct jz_revocation_story story;
	struct jz_message list;
	int err;

	jz_issuer_start(i);
	err = jz_issuer_list(i, &story, &list);
	if (err == 0 && list.list_version == 0)
		err = JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	jz_put(out, story.list, story.list_len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_issuer_revoked(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], bool *revoked)
{
	struct jz_revocation_story story;
	struct jz_message list;
	struct jz_certificate c;
	int err;

	*revoked = false;
	jz_issuer_start(i);
	err = jz_issuer_list(i, &story, &list);
	if (err == 0)
		err = generation_of(i, id, &c);
	if (err == 0)
		*revoked =
		    jz_revocation_judge(list.generation, list.revoked, &c) != 0;
	return err;
}

int
jz_issuer_each_revocation(struct jz_issuer *i,
    int (*each)(const struct jz_revocation_story *r, void *arg), void *arg)
{
	jz_issuer_start(i);
	return jz_store_each_revocation(i->store, each, arg);
}

/* ---- audit -------------------------------------------------------------- */

struct audit {
	struct jz_issuer *issuer;
	struct jz_revocation_story last; /* version 0: none before */
	const char *fault;
};

static bool
names(struct jz_span revoked, const uint8_t *id)
{
	for (size_t at = 0; at < revoked.len; at += JZ_ID_BYTES) {
		if (memcmp(revoked.data + at, id, JZ_ID_BYTES) == 0)
			return true;
	}
	return false;
}

/* Everything that was void before is void now. */
static bool
keeps(struct jz_issuer *i, const struct jz_message *before,
    const struct jz_message *now)
{
	struct jz_certificate c;

	if (now->generation < before->generation)
		return false;
	for (size_t at = 0; at < before->revoked.len; at += JZ_ID_BYTES) {
		if (generation_of(i, before->revoked.data + at, &c) != 0 ||
		    jz_revocation_judge(now->generation, now->revoked, &c) == 0)
			return false;
	}
	return true;
}

static int
audit_one(const struct jz_revocation_story *r, void *arg)
{
	struct audit *a = arg;
	struct jz_message before = {0}, now;

	if (r->version != a->last.version + 1)
		a->fault = "a revocation list is missing";
	else if (read_list(a->issuer, r, &now) != 0)
		a->fault = "a revocation list is not the CA's";
	else if (r->has_card && !names(now.revoked, r->card_id))
		a->fault = "a revocation list lacks its own card";
	else if (a->last.version != 0 &&
	    (read_list(a->issuer, &a->last, &before) != 0 ||
		!keeps(a->issuer, &before, &now)))
		a->fault = "a revocation list has lost a card";
	a->last = *r;
	return a->fault != NULL ? JZ_ERR_AUDIT : 0;
}

int
jz_issuer_revocation_audit(struct jz_issuer *i)
{
	struct audit a = {.issuer = i};
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, false);
	if (err == 0)
		err = jz_store_end(i->store,
		    jz_store_each_revocation(i->store, audit_one, &a));
	if (a.fault != NULL)
		jz_store_set_detail(i->store, a.fault);
	return err;
}
