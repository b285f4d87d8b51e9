/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One card in the place of another: which, what the old one has unloaded for
 * it, and by which load the new one gets it.  Money moves by unload and load
 * alone (unload.c, load.c); this only remembers what belongs together, so that
 * a replacement that was cut off goes on where it stood.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

static int
same_owner(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES])
{
	struct jz_card_row a, b;
	int err = jz_store_card(i->store, before, &a);

	if (err == 0)
		err = jz_store_card(i->store, after, &b);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_CARD);
	if (err != 0)
		return err;
	if (strcmp(a.account, b.account) != 0)
		return jz_refuse(i, JZ_REFUSAL_WRONG_ACCOUNT);
	if (strcmp(a.holder, b.holder) != 0)
		return jz_refuse(i, JZ_REFUSAL_WRONG_USER);
	return b.blocked ? jz_refuse(i, JZ_REFUSAL_CARD_BLOCKED) : 0;
}

static int
begin(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES], uint32_t counter)
{
	struct jz_replacement known;
	int err = same_owner(i, before, after);

	if (err != 0)
		return err;
	err = jz_store_replacement(i->store, before, &known);
	if (err == 0)
		return memcmp(known.after, after, JZ_ID_BYTES) == 0
		    ? 0
		    : jz_refuse(i, JZ_REFUSAL_EXISTS_DIFFERENT);
	if (err == JZ_ERR_NOT_FOUND)
		err = jz_store_replacement_add(
		    i->store, before, after, counter, jz_issuer_now(i));
	return err != 0
	    ? err
	    : jz_audit_note(i, JZ_ACTOR_ISSUER, "card %.*s is replaced by %.*s",
		  JZ_ID_BYTES, (const char *)before, JZ_ID_BYTES,
		  (const char *)after);
}

int
jz_issuer_replace(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES], uint32_t counter)
{
	int err;

	jz_issuer_start(i);
	if (memcmp(before, after, JZ_ID_BYTES) == 0)
		return JZ_ERR_ARGUMENT;
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store, begin(i, before, after, counter));
}

int
jz_issuer_replacement(struct jz_issuer *i,
    const uint8_t before[static JZ_ID_BYTES], struct jz_replacement *out)
{
	jz_issuer_start(i);
	return jz_store_replacement(i->store, before, out);
}

int
jz_issuer_replacement_load(struct jz_issuer *i,
    const uint8_t before[static JZ_ID_BYTES], uint32_t counter)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store,
	    jz_store_replacement_load(
		i->store, before, counter, jz_issuer_now(i)));
}

/* What the old card has unloaded is on the new one. */
static int
check_done(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES])
{
	struct jz_replacement r;
	struct jz_load_story story;
	int64_t left = 0;
	int err = jz_issuer_replacement(i, before, &r);

	if (err == 0)
		err = jz_issuer_shadow(i, before, &left);
	if (err == JZ_ERR_NOT_FOUND || (err == 0 && left > 0))
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	if (err != 0 || r.amount_minor == 0)
		return err;
	err = jz_issuer_load_story(i, r.after, r.load_counter, &story);
	if (err == 0 &&
	    (story.state != JZ_LOAD_REPORTED ||
		story.amount_minor != r.amount_minor))
		err = jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return err;
}

static int
finish(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES])
{
	bool revoked = false;
	int err = check_done(i, before);

	if (err == 0)
		err = jz_issuer_revoked(i, before, &revoked);
	if (err == 0 && !revoked)
		err = jz_blacklist(i, before, "replaced");
	i->again = err == 0 && revoked;
	return err;
}

int
jz_issuer_replaced(
    struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES])
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err : jz_store_end(i->store, finish(i, before));
}
