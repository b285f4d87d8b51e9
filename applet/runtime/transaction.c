/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: Java Card 3 JCRE 7, on an image that is written in place.
 *
 * Invariants, cited by number below:
 *   T1  Outside a transaction the image equals what the storage would replay.
 *   T2  Inside one, taking the undo bytes back in reverse order gives T1.
 *   T3  A commit is one append and one sync: all of its patches or none.
 *   T4  After a failed append or sync nobody knows what the storage holds, so
 *       the card is dead until it is opened again.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

struct jz_log_env
jz_card_log_env(struct jz_card *card)
{
	return (struct jz_log_env){
	    .chip = card->setup.chip,
	    .chip_state = card->setup.chip_state,
	    .engine = &card->setup.engine,
	    .image = card->setup.nvm,
	    .image_bytes = card->setup.nvm_bytes,
	    .seal_key = card->setup.seal_key,
	    .hint = card->setup.hint,
	    .random = jz_generator_salt,
	    .written = jz_count_write,
	    .arg = card,
	};
}

int
jz_card_begin(struct jz_card *card)
{
	struct jz_journal *j = card->setup.journal;

	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	if (j->open || card->rewriting)
		return JZ_ERR_STATE;
	j->open = true;
	j->error = 0;
	j->n = 0;
	j->used = 0;
	return 0;
}

/* Exchanges image and undo bytes of every patch, newest first (T2). */
static void
swap_back(struct jz_card *card)
{
	struct jz_journal *j = card->setup.journal;
	uint32_t at = j->used;

	for (unsigned i = j->n; i-- > 0;) {
		const struct jz_patch *p = &j->patch[i];
		uint8_t *image = card->setup.nvm + p->offset;

		at -= p->len;
		for (uint32_t k = 0; k < p->len; k++) {
			uint8_t t = image[k];

			image[k] = j->undo[at + k];
			j->undo[at + k] = t;
		}
	}
}

/* The way forth again, oldest first. */
static void
swap_forth(struct jz_card *card)
{
	struct jz_journal *j = card->setup.journal;
	uint32_t at = 0;

	for (unsigned i = 0; i < j->n; i++) {
		const struct jz_patch *p = &j->patch[i];
		uint8_t *image = card->setup.nvm + p->offset;

		for (uint32_t k = 0; k < p->len; k++) {
			uint8_t t = image[k];

			image[k] = j->undo[at + k];
			j->undo[at + k] = t;
		}
		at += p->len;
	}
}

static void
journal_close(struct jz_journal *j)
{
	/* Old bytes may be keys and PINs. */
	jz_wipe(j->undo, j->used);
	j->open = false;
	j->error = 0;
	j->n = 0;
	j->used = 0;
}

void
jz_card_rollback(struct jz_card *card)
{
	if (!card->setup.journal->open)
		return;
	swap_back(card);
	journal_close(card->setup.journal);
	jz_registry_rebind(card);
}

int
jz_card_keep(struct jz_card *card)
{
	struct jz_journal *j = card->setup.journal;
	int e = j->error;

	if (e != 0) {
		jz_card_rollback(card);
		return e;
	}
	for (unsigned i = 0; i < j->n; i++)
		jz_count_write(card, j->patch[i].offset, j->patch[i].len);
	journal_close(j);
	return 0;
}

static int
store(struct jz_card *card, const struct jz_patch *patches, size_t n)
{
	struct jz_log_env env = jz_card_log_env(card);
	int e;

	/* Before the commit, which may write the whole image: T1. */
	for (size_t i = 0; i < n; i++)
		jz_count_write(card, patches[i].offset, patches[i].len);
	e = jz_log_commit(&card->log, &env, jz_root(card)->used, patches, n);
	if (e != 0)
		card->dead = true; /* T4 */
	return e;
}

int
jz_card_commit(struct jz_card *card)
{
	struct jz_journal *j = card->setup.journal;
	int e;

	if (!j->open)
		return JZ_ERR_STATE;
	e = j->error;
	if (e != 0) {
		jz_card_rollback(card);
		return e;
	}
	if (j->n > 0)
		e = store(card, j->patch, j->n); /* T3 */
	journal_close(j);
	return e;
}

/* Where in the image a byte is, whichever place it is seen at. */
static uint32_t
offset_of(const struct jz_card *card, const void *p)
{
	const uint8_t *at = jz_as_runtime(card, p);

	return (uint32_t)(at - card->setup.nvm);
}

/* Keeps the old bytes of what is about to be changed. */
static int
journal_add(struct jz_card *card, uint32_t offset, uint32_t len)
{
	struct jz_journal *j = card->setup.journal;

	if (j->error != 0)
		return j->error;
	if (j->n == JZ_JOURNAL_PATCHES || len > JZ_JOURNAL_BYTES - j->used) {
		j->error = JZ_ERR_CARD_FULL;
		return j->error;
	}
	memcpy(j->undo + j->used, card->setup.nvm + offset, len);
	j->patch[j->n].offset = offset;
	j->patch[j->n].len = len;
	j->n++;
	j->used += len;
	return 0;
}

void
jz_card_spoil(struct jz_card *card, int error)
{
	struct jz_journal *j = card->setup.journal;

	if (j->open && j->error == 0)
		j->error = error;
}

/* Writes src, or v where there is none, in the open transaction or in one of
 * its own. */
static int
put(struct jz_card *card, uint32_t offset, const void *src, uint8_t v,
    size_t len)
{
	uint8_t *dst = card->setup.nvm + offset;
	bool alone = !card->setup.journal->open && !card->rewriting;
	int e = 0;

	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	if (len == 0)
		return 0;
	if (len > JZ_JOURNAL_BYTES && !card->rewriting) {
		jz_card_spoil(card, JZ_ERR_CARD_FULL);
		return JZ_ERR_CARD_FULL;
	}
	if (alone)
		e = jz_card_begin(card);
	if (e == 0 && !card->rewriting)
		e = journal_add(card, offset, (uint32_t)len);
	if (e != 0)
		return e;
	if (src != NULL)
		memmove(dst, src, len);
	else
		memset(dst, v, len);
	return alone ? jz_card_commit(card) : 0;
}

int
jz_card_write(
    struct jz_card *card, const void *dst, const void *src, size_t len)
{
	return put(card, offset_of(card, dst), src, 0, len);
}

int
jz_card_fill(struct jz_card *card, const void *dst, uint8_t v, size_t len)
{
	return put(card, offset_of(card, dst), NULL, v, len);
}

/* ---- beside a transaction ----------------------------------------------- */

/*
 * The transaction's changes are taken out of the image while the one write is
 * stored (a fold would otherwise store them too), and put back over it.  The
 * undo bytes then hold the new value where the two overlap, so that a rollback
 * keeps it.
 */
static int
write_beside(
    struct jz_card *card, uint32_t offset, const uint8_t *value, uint32_t len)
{
	struct jz_patch patch = {offset, len};
	int e;

	swap_back(card);
	memcpy(card->setup.nvm + offset, value, len);
	e = store(card, &patch, 1);
	swap_forth(card);
	memcpy(card->setup.nvm + offset, value, len);
	return e;
}

int
jz_card_write_beside(
    struct jz_card *card, const void *dst, const void *src, size_t len)
{
	uint8_t value[JZ_NONATOMIC_BYTES];
	int e;

	if (!card->setup.journal->open || len == 0)
		return jz_card_write(card, dst, src, len);
	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	if (len > sizeof(value))
		return JZ_ERR_ARGUMENT;
	/* The source may lie in the image, which is about to be swapped. */
	memcpy(value, src, len);
	e = write_beside(card, offset_of(card, dst), value, (uint32_t)len);
	jz_wipe(value, len);
	return e;
}

bool
jz_card_changed(const struct jz_card *card, const uint8_t *at, uint8_t *old)
{
	const struct jz_journal *j = card->setup.journal;
	uint32_t offset = offset_of(card, at), undo = 0;

	for (unsigned i = 0; i < j->n; i++) {
		const struct jz_patch *p = &j->patch[i];

		if (offset >= p->offset && offset - p->offset < p->len) {
			*old = j->undo[undo + (offset - p->offset)];
			return true;
		}
		undo += p->len;
	}
	return false;
}

int
jz_card_write_both(
    struct jz_card *card, const uint8_t *at, uint8_t beside, uint8_t within)
{
	uint8_t old = beside;
	int e = 0;

	if (jz_card_changed(card, at, &old) && old != beside)
		e = jz_card_write_beside(card, at, &beside, 1);
	/* A patch covers it: the commit takes what stands in the image. */
	if (e == 0)
		card->setup.nvm[offset_of(card, at)] = within;
	return e;
}

/* ---- what applets call -------------------------------------------------- */

int
jz_begin(struct jz_applet *self)
{
	return jz_card_begin(self->card);
}

int
jz_commit(struct jz_applet *self)
{
	int e;

	if (self->card->held)
		return JZ_ERR_STATE;
	jz_runtime_open(self->card);
	e = jz_card_commit(self->card);
	jz_runtime_close(self->card);
	return e;
}

int
jz_abort(struct jz_applet *self)
{
	if (!self->card->setup.journal->open || self->card->held)
		return JZ_ERR_STATE;
	jz_runtime_open(self->card);
	jz_card_rollback(self->card);
	jz_runtime_close(self->card);
	return 0;
}

bool
jz_in_transaction(const struct jz_applet *self)
{
	return self->card->setup.journal->open;
}

size_t
jz_commit_capacity_left(const struct jz_applet *self)
{
	const struct jz_journal *j = self->card->setup.journal;

	return j->error != 0 || j->n == JZ_JOURNAL_PATCHES
	    ? 0
	    : JZ_JOURNAL_BYTES - j->used;
}

uint16_t
jz_runtime_status(int error)
{
	switch (error) {
	case 0:
		return JZ_SW_OK;
	case JZ_ERR_CARD_FULL:
		return JZ_SW_SPACE;
	case JZ_ERR_CARD_DEAD:
	case JZ_ERR_CARD_STORAGE:
		return JZ_SW_MEMORY_FAILURE;
	default:
		return JZ_SW_UNKNOWN;
	}
}
