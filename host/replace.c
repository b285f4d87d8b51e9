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
#include "bank.h"

#include <string.h>

struct replace {
	struct jz_session *before, *after;
	struct jz_bank *bank;
	const uint8_t *terminal;
	struct jz_purse_info old, new;
	struct jz_replacement story;
	/* The cards' newest sign-ins. */
	uint8_t one[JZ_MESSAGE_MAX], two[JZ_MESSAGE_MAX];
	struct jz_replace_pair pair;
};

/* What the issuer does for a pair of cards it does when both ask for it. */
static int
sign_in(struct replace *r)
{
	struct jz_buffer a = jz_buffer(r->one, sizeof(r->one));
	struct jz_buffer b = jz_buffer(r->two, sizeof(r->two));
	int err = jz_bank_sign_in(r->before, r->bank, &a);

	if (err == 0)
		err = jz_bank_sign_in(r->after, r->bank, &b);
	r->pair.before = jz_buffer_span(&a);
	r->pair.after = jz_buffer_span(&b);
	return err;
}

/* Begins it, or asks how it stands. */
static int
ask(struct replace *r)
{
	int err = sign_in(r);

	return err != 0 ? err
			: r->bank->ops->replace(r->bank, &r->pair,
			      r->old.online_counter, &r->story);
}

/* What the card has proved of loads that it will not execute. */
static int
bring_proof(struct jz_session *s, struct jz_bank *bank)
{
	struct jz_cancel_result unused;
	int err = jz_bank_load_cancel(s, bank, &unused);

	if (err == JZ_ERR_REFUSED && bank->refusal == JZ_REFUSAL_CONFLICT) {
		bank->refusal = JZ_REFUSAL_NONE;
		err = 0;
	}
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
	int err = bring_proof(r->before, r->bank);

	if (err == 0)
		err = jz_bank_settle(r->before, r->bank, &settled);
	if (err == 0)
		err = nothing_pending(r);
	if (err == 0)
		err = jz_bank_unload_resume(r->before, r->bank, &u);
	if (err == 0)
		err = jz_purse_info(r->before, &r->old);
	if (err == 0 && r->old.balance_minor > 0)
		err = jz_bank_unload(
		    r->before, r->bank, r->old.balance_minor, r->terminal, &u);
	/* The record, too: nothing is left to be brought by this card. */
	if (err == 0)
		err = jz_bank_settle(r->before, r->bank, &settled);
	return err;
}

/* ---- the new card ------------------------------------------------------- */

static int
find(struct replace *r, struct jz_load_story *story)
{
	uint8_t may[JZ_MESSAGE_MAX];
	struct jz_buffer unused = jz_buffer(may, sizeof(may));
	int err = sign_in(r);

	return err != 0 ? err
			: r->bank->ops->find(r->bank, r->pair.after,
			      r->story.load_counter, story, &unused);
}

/* Whether the load agreed on has been executed; else, what became of it. */
static int
look(struct replace *r, bool *open, struct jz_load_story *story)
{
	struct jz_settle_result settled;
	int err = jz_bank_settle(r->after, r->bank, &settled);

	if (err == 0)
		err = jz_purse_load_open(r->after, open);
	if (err == 0 && !*open)
		err = bring_proof(r->after, r->bank);
	if (err == 0)
		err = jz_purse_info(r->after, &r->new);
	return err != 0 ? err : find(r, story);
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
		err = r->bank->ops->replacement_load(
		    r->bank, &r->pair, r->story.load_counter);
	}
	if (err == 0)
		err = jz_bank_load(r->after, r->bank, r->story.amount_minor,
		    r->terminal, NULL, NULL);
	return err;
}

/* ---- the whole ---------------------------------------------------------- */

static int
replace(struct replace *r)
{
	int err = jz_purse_info(r->before, &r->old);

	if (err == 0)
		err = ask(r);
	if (err == 0)
		err = empty(r);
	if (err == 0)
		err = ask(r);
	if (err == 0 && r->story.amount_minor > 0)
		err = fill(r);
	if (err == 0)
		err = sign_in(r);
	return err != 0 ? err : r->bank->ops->replaced(r->bank, &r->pair);
}

int
jz_bank_replace(struct jz_session *before, struct jz_session *after,
    struct jz_bank *bank, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_replace_result *result)
{
	struct replace r = {.before = before,
	    .after = after,
	    .bank = bank,
	    .terminal = terminal};
	struct jz_known old = before->known, new = after->known;
	int err;

	memset(result, 0, sizeof(*result));
	bank->refusal = JZ_REFUSAL_NONE;
	bank->detail[0] = '\0';
	err = bank->ops->known(bank, &before->known);
	after->known = before->known;
	if (err == 0)
		err = replace(&r);
	before->known = old;
	after->known = new;
	result->moved_minor = r.story.amount_minor;
	return err;
}
