/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's money to its successor: unloaded from the old card, loaded to the
 * new one, each exactly once, whatever is cut off and begun again; then the old
 * card is revoked.
 *
 * In between the money is in the account.  Which load of the new card it is
 * that brings it is agreed with the issuer before it is begun, by its counter;
 * so a load that was executed and not heard of is found, and not done again.
 */
#include "pay.h"

#include <string.h>

struct replace {
	struct jz_session *before, *after;
	struct jz_issuer *issuer;
	const uint8_t *terminal;
	struct jz_purse_info old, new;
	struct jz_replacement story;
};

/* What the card has proved of loads that it will not execute. */
static int
bring_proof(struct jz_session *s, struct jz_issuer *issuer)
{
	struct jz_cancel_result unused;
	int err = jz_load_cancel(s, issuer, &unused);

	if (err == JZ_ERR_REFUSED &&
	    jz_issuer_refusal(issuer) == JZ_REFUSAL_CONFLICT)
		err = 0;
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* ---- the old card ------------------------------------------------------- */

/* Payments that may still come to it are finished or given up first. */
static int
nothing_pending(struct replace *r)
{
	struct jz_payment unused;
	int err = jz_purse_pending(r->before, 0, &unused);

	if (err == 0)
		return JZ_ERR_STATE;
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
empty(struct replace *r)
{
	struct jz_unload_result u;
	struct jz_settle_result settled;
	int err = bring_proof(r->before, r->issuer);

	if (err == 0)
		err = jz_settle(r->before, r->issuer, &settled);
	if (err == 0)
		err = nothing_pending(r);
	if (err == 0)
		err = jz_unload_resume(r->before, r->issuer, &u);
	if (err == 0)
		err = jz_purse_info(r->before, &r->old);
	if (err == 0 && r->old.balance_minor > 0)
		err = jz_unload(r->before, r->issuer, r->old.balance_minor,
		    r->terminal, &u);
	/* The record, too: nothing is left to be brought by this card. */
	if (err == 0)
		err = jz_settle(r->before, r->issuer, &settled);
	return err;
}

/* ---- the new card ------------------------------------------------------- */

/* Whether the load agreed on has been executed; else, what became of it. */
static int
look(struct replace *r, bool *open, struct jz_load_story *story)
{
	struct jz_settle_result settled;
	int err = jz_settle(r->after, r->issuer, &settled);

	if (err == 0)
		err = jz_purse_load_open(r->after, open);
	if (err == 0 && !*open)
		err = bring_proof(r->after, r->issuer);
	if (err == 0)
		err = jz_purse_info(r->after, &r->new);
	if (err == 0)
		err = jz_issuer_load_story(
		    r->issuer, r->new.id, r->story.load_counter, story);
	return err;
}

static bool
done(const struct replace *r, const struct jz_load_story *story)
{
	return r->story.load_counter != 0 && story->state == JZ_LOAD_REPORTED &&
	    story->amount_minor == r->story.amount_minor;
}

/* The load agreed on is the next of this card, or is open on it. */
static bool
stands(const struct replace *r, bool open)
{
	return r->story.load_counter == r->new.online_counter + !open;
}

static int
fill(struct replace *r)
{
	struct jz_load_story story;
	bool open;
	int err = look(r, &open, &story);

	if (err != 0 || done(r, &story))
		return err;
	if (!stands(r, open)) {
		r->story.load_counter = r->new.online_counter + !open;
		err = jz_issuer_replacement_load(
		    r->issuer, r->old.id, r->story.load_counter);
	}
	if (err == 0)
		err = jz_load(
		    r->after, r->issuer, r->story.amount_minor, r->terminal);
	return err;
}

/* ---- the whole ---------------------------------------------------------- */

static int
replace(struct replace *r)
{
	int err = jz_purse_info(r->before, &r->old);

	if (err == 0)
		err = jz_purse_info(r->after, &r->new);
	if (err == 0)
		err = jz_issuer_replace(
		    r->issuer, r->old.id, r->new.id, r->old.online_counter);
	if (err == 0)
		err = empty(r);
	if (err == 0)
		err = jz_issuer_replacement(r->issuer, r->old.id, &r->story);
	if (err == 0 && r->story.amount_minor > 0)
		err = fill(r);
	if (err == 0)
		err = jz_issuer_revoke(r->issuer, r->old.id, "replaced");
	return err == JZ_ERR_EXISTS ? 0 : err;
}

int
jz_replace(struct jz_session *before, struct jz_session *after,
    struct jz_issuer *issuer, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_replace_result *result)
{
	struct replace r = {.before = before,
	    .after = after,
	    .issuer = issuer,
	    .terminal = terminal};
	struct jz_known old = before->known, new = after->known;
	int err;

	memset(result, 0, sizeof(*result));
	jz_issuer_recall(issuer, JZ_REFUSAL_NONE);
	before->known = after->known = jz_known_issuer(issuer);
	err = replace(&r);
	before->known = old;
	after->known = new;
	result->moved_minor = r.story.amount_minor;
	return err;
}
