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

static int
journal_add(
    struct jz_card *card, uint32_t offset, const void *src, uint32_t len)
{
	struct jz_journal *j = card->setup.journal;
	uint8_t *dst = card->setup.nvm + offset;

	if (j->error != 0)
		return j->error;
	if (j->n == JZ_JOURNAL_PATCHES || len > JZ_JOURNAL_BYTES - j->used) {
		j->error = JZ_ERR_CARD_FULL;
		return j->error;
	}
	memcpy(j->undo + j->used, dst, len);
	j->patch[j->n].offset = offset;
	j->patch[j->n].len = len;
	j->n++;
	j->used += len;
	memmove(dst, src, len);
	return 0;
}

int
jz_card_write(
    struct jz_card *card, const void *dst, const void *src, size_t len)
{
	const uint8_t *p = jz_as_runtime(card, dst);
	uint32_t offset = (uint32_t)(p - card->setup.nvm);
	int e;

	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	if (len == 0)
		return 0;
	if (card->rewriting) {
		memmove(card->setup.nvm + offset, src, len);
		return 0;
	}
	if (len > JZ_JOURNAL_BYTES) {
		card->setup.journal->error =
		    card->setup.journal->open ? JZ_ERR_CARD_FULL : 0;
		return JZ_ERR_CARD_FULL;
	}
	if (card->setup.journal->open)
		return journal_add(card, offset, src, (uint32_t)len);
	if ((e = jz_card_begin(card)) != 0)
		return e;
	journal_add(card, offset, src, (uint32_t)len);
	return jz_card_commit(card);
}

/* Outside its memory an applet neither writes nor reads. */
static bool
may_copy(
    const struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	return jz_owns(self, dst, len) && jz_may_read(self, src, len);
}

int
jz_write(struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	struct jz_card *card = self->card;
	int e = JZ_ERR_ARGUMENT;

	jz_runtime_open(card);
	if (may_copy(self, dst, src, len))
		e = jz_card_write(card, dst, src, len);
	else if (card->setup.journal->open)
		card->setup.journal->error = e;
	jz_runtime_close(card);
	return e;
}

int
jz_write_u8(struct jz_applet *self, const uint8_t *dst, uint8_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_write_u32(struct jz_applet *self, const uint32_t *dst, uint32_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_write_u64(struct jz_applet *self, const uint64_t *dst, uint64_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_fill(struct jz_applet *self, const void *dst, uint8_t v, size_t len)
{
	static const size_t step = 64;
	uint8_t bytes[64];
	const uint8_t *at = dst;
	int e = 0;

	memset(bytes, v, sizeof(bytes));
	while (len > 0 && e == 0) {
		size_t n = len < step ? len : step;

		e = jz_write(self, at, bytes, n);
		at += n;
		len -= n;
	}
	return e;
}

/*
 * With a transaction open, its changes are taken out of the image while the
 * one write is stored (a fold would otherwise store them too), and put back
 * over it.  The undo bytes then hold the new value where the two overlap, so
 * that a rollback keeps it.
 */
static int
write_beside(
    struct jz_card *card, uint8_t *at, const uint8_t *value, uint32_t len)
{
	struct jz_patch patch = {(uint32_t)(at - card->setup.nvm), len};
	int e;

	if (card->dead)
		return JZ_ERR_CARD_DEAD;
	swap_back(card);
	memcpy(at, value, len);
	e = store(card, &patch, 1);
	swap_forth(card);
	memcpy(at, value, len);
	return e;
}

/* At most JZ_NONATOMIC_BYTES. */
static int
write_piece(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	struct jz_card *card = self->card;
	uint8_t value[JZ_NONATOMIC_BYTES];
	int e;

	/* What is being installed is not committed, nor is a write to it. */
	if (!card->setup.journal->open || card->installing == self->index)
		return jz_card_write(card, dst, src, len);
	if (len == 0)
		return 0;
	/* The source may lie in the image, which is about to be swapped. */
	memcpy(value, src, len);
	e = write_beside(card, jz_as_runtime(card, dst), value, (uint32_t)len);
	jz_wipe(value, len);
	return e;
}

int
jz_write_now(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	int e = JZ_ERR_ARGUMENT;

	jz_runtime_open(self->card);
	if (may_copy(self, dst, src, len) && len <= JZ_PIN_MAX)
		e = write_piece(self, dst, src, len);
	jz_runtime_close(self->card);
	return e;
}

int
jz_write_nonatomic(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	const uint8_t *to = dst, *from = src;
	int e = JZ_ERR_ARGUMENT;

	jz_runtime_open(self->card);
	if (may_copy(self, dst, src, len))
		e = 0;
	while (e == 0 && len > 0) {
		size_t n = len < JZ_NONATOMIC_BYTES ? len : JZ_NONATOMIC_BYTES;

		e = write_piece(self, to, from, n);
		to += n;
		from += n;
		len -= n;
	}
	jz_runtime_close(self->card);
	return e;
}

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

	return j->n == JZ_JOURNAL_PATCHES ? 0 : JZ_JOURNAL_BYTES - j->used;
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
