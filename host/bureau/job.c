/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One card in the making, and what a run does with several of them: letters
 * and the journal.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../keys/secret.h"
#include "internal.h"

#define LETTERS_AT_ONCE 128u

static double
now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a run's beginning and end ------------------------------------------ */

int
jz_run_begin(struct jz_bureau *b, struct jz_run *r)
{
	static const uint8_t kdd[JZ_GP_KDD_BYTES];
	struct jz_scp03_keys keys;
	int err = jz_issuer_card_keys(
	    b->issuer, kdd, jz_issuer_kvn(b->issuer), &keys);

	jz_wipe(&keys, sizeof(keys));
	memset(r, 0, sizeof(*r));
	b->place = NULL;
	if (err == 0 && b->mailer == NULL && jz_order_needs_mailer(b->order))
		err = JZ_ERR_ARGUMENT;
	if (err == 0)
		err = jz_journal_open(b, &r->journal);
	if (err != 0)
		return err;
	r->b = b;
	r->began = now_seconds();
	r->progress.total = r->journal.n;
	for (size_t k = 0; k < r->journal.n; k++)
		r->progress.before += r->journal.status[k] == JZ_LINE_DONE;
	r->progress.done = r->progress.before;
	if (pthread_mutex_init(&r->lock, NULL) == 0)
		return 0;
	jz_journal_close(&r->journal, false);
	return JZ_ERR_SYSTEM;
}

int
jz_run_end(struct jz_run *r, struct jz_bureau_progress *out)
{
	r->progress.seconds = now_seconds() - r->began;
	*out = r->progress;
	jz_journal_close(&r->journal, r->progress.done == r->progress.total);
	pthread_mutex_destroy(&r->lock);
	return r->error;
}

/* ---- a job -------------------------------------------------------------- */

static int
choose_pin(struct jz_run *r, const struct jz_order_line *line, struct jz_job *j)
{
	if (line->pin.len == 0)
		return jz_issuer_card_pin(
		    r->b->issuer, r->journal.salt, j->number, &j->pin);
	j->pin = line->pin;
	return 0;
}

static void
name_holder(const struct jz_order_line *l, struct jz_job *job)
{
	struct jz_issuer_card *c = &job->card;

	c->own_account = l->account[0] == '\0';
	memcpy(c->account, l->account, sizeof(c->account));
	if (c->own_account)
		memcpy(c->account, job->text, sizeof(job->text));
	memcpy(c->holder, l->holder, sizeof(c->holder));
	if (c->holder[0] == '\0')
		memcpy(c->holder, c->account, sizeof(c->holder) - 1);
}

int
jz_job_begin(struct jz_run *r, size_t line, struct jz_job *job)
{
	const struct jz_order_line *l = &r->b->order->lines[line];
	uint8_t id[JZ_ID_BYTES];
	int err;

	memset(job, 0, sizeof(*job));
	job->line = line;
	job->number = r->journal.first + (uint32_t)line;
	jz_issuer_number_text(job->number, job->text, id);
	name_holder(l, job);
	job->card.flags = l->payee_only ? JZ_FLAG_PAYEE_ONLY : 0;
	job->card.number = job->number;
	job->personal = (struct jz_personal){.account = job->card.account,
	    .holder = job->card.holder,
	    .pin = &job->pin,
	    .currency = jz_issuer_currency(r->b->issuer),
	    .max_balance_minor = l->max_balance_minor,
	    .max_single_minor = l->max_single_minor,
	    .pin_above_minor = l->pin_above_minor,
	    .payee_only = l->payee_only};
	err = jz_bureau_join(job->path, r->b->dir, job->text, ".card");
	return err != 0 ? err : choose_pin(r, l, job);
}

void
jz_job_end(struct jz_job *job)
{
	if (job->r.gp.session != NULL)
		jz_gp_close(&job->r.gp);
	jz_reader_free(&job->reader);
	jz_wipe(job, sizeof(*job));
}

/* The issuer's keys for this card, and their check values for the report. */
static int
keys_for(void *arg, const uint8_t kdd[static JZ_GP_KDD_BYTES], uint8_t kvn,
    struct jz_scp03_keys *out)
{
	struct jz_run *r = arg;
	int err;

	pthread_mutex_lock(&r->lock);
	err = jz_issuer_card_keys(r->b->issuer, kdd, kvn, out);
	pthread_mutex_unlock(&r->lock);
	return err;
}

static int
check_values(struct jz_run *r, struct jz_job *job, const struct jz_engine *e)
{
	struct jz_scp03_keys keys;
	uint8_t v[9];
	int err = keys_for(r, job->r.gp.kdd, job->r.kvn, &keys);

	if (err == 0)
		err = jz_key_check_value(e, keys.enc, v);
	if (err == 0)
		err = jz_key_check_value(e, keys.mac, v + 3);
	if (err == 0)
		err = jz_key_check_value(e, keys.dek, v + 6);
	jz_wipe(&keys, sizeof(keys));
	if (err == 0)
		snprintf(job->kcv, sizeof(job->kcv),
		    "%02X%02X%02X-%02X%02X%02X-%02X%02X%02X", (unsigned)v[0],
		    (unsigned)v[1], (unsigned)v[2], (unsigned)v[3],
		    (unsigned)v[4], (unsigned)v[5], (unsigned)v[6],
		    (unsigned)v[7], (unsigned)v[8]);
	return err;
}

int
jz_job_make(
    struct jz_run *r, struct jz_job *job, const struct jz_engine *engine)
{
	int err;

	job->r.personal = &job->personal;
	job->r.keys = keys_for;
	job->r.arg = r;
	job->r.kvn = jz_issuer_kvn(r->b->issuer);
	job->r.root = jz_issuer_root(r->b->issuer);
	job->r.ca = jz_issuer_ca(r->b->issuer);
	job->r.host = jz_issuer_host(r->b->issuer);
	jz_session_init(&job->session, job->reader);
	err = jz_purse_select(&job->session);
	/* A card that has just been put in may miss its first command. */
	if ((err == JZ_ERR_TRANSMIT || err == JZ_ERR_CARD_RESET) &&
	    jz_reader_reset(job->reader, true) == 0)
		err = jz_purse_select(&job->session);
	if (err == 0)
		err = jz_personal_begin(&job->r, &job->session, engine);
	if (err == 0)
		err = check_values(r, job, engine);
	if (err == 0)
		memcpy(job->card.public_key, job->r.public_key,
		    sizeof(job->card.public_key));
	return err;
}

/* ---- together ----------------------------------------------------------- */

static int
letters(struct jz_run *r, struct jz_job *const *jobs, size_t n,
    struct jz_letter *out)
{
	const struct jz_order *o = r->b->order;
	size_t many = 0;
	int err;

	for (size_t k = 0; k < n; k++) {
		const struct jz_job *j = jobs[k];

		if (j->error != 0 || o->lines[j->line].pin.len > 0)
			continue;
		memcpy(out[many].number, j->text, sizeof(out[many].number));
		memcpy(
		    out[many].holder, j->card.holder, sizeof(out[many].holder));
		out[many].pin = j->pin;
		many++;
	}
	err = many > 0 ? jz_mailer_write(r->b->mailer, out, many) : 0;
	jz_wipe(out, many * sizeof(*out));
	return err;
}

int
jz_run_letters(struct jz_run *r, struct jz_job *const *jobs, size_t n)
{
	struct jz_letter out[LETTERS_AT_ONCE];
	size_t part;
	int err = 0;

	for (size_t k = 0; k < n && err == 0; k += part) {
		part = n - k < LETTERS_AT_ONCE ? n - k : LETTERS_AT_ONCE;
		err = letters(r, jobs + k, part, out);
	}
	if (err == 0)
		jz_bureau_step(r->b, JZ_STEP_LETTERS);
	return err;
}

static int
fingerprint(const struct jz_run *r, const struct jz_issuer_card *card,
    uint8_t out[static JZ_HASH_BYTES])
{
	const struct jz_engine *e = jz_issuer_engine(r->b->issuer);
	const struct jz_span all =
	    jz_span(card->certificate, card->certificate_len);

	return e->crypto->hash(e->state, &all, 1, out);
}

int
jz_run_record(
    struct jz_run *r, struct jz_job *const *jobs, size_t n, const char *where)
{
	struct jz_entry entries[LETTERS_AT_ONCE];
	int err = 0;

	if (n == 0)
		return 0;
	for (size_t k = 0; k < n && err == 0; k++) {
		struct jz_entry *e = &entries[k];
		const struct jz_job *j = jobs[k];

		*e = (struct jz_entry){.line = j->line,
		    .status = j->error == 0 ? JZ_LINE_DONE : JZ_LINE_FAILED,
		    .error = j->error,
		    .where = where != NULL ? where : j->path,
		    .account = j->card.account};
		memcpy(e->kcv, j->kcv, sizeof(e->kcv));
		if (j->error == 0)
			err = fingerprint(r, &j->card, e->certificate);
		r->progress.done += j->error == 0;
		r->progress.failed += j->error != 0;
	}
	if (err == 0)
		err = jz_journal_write(&r->journal, r->b, entries, n);
	r->progress.seconds = now_seconds() - r->began;
	if (err == 0 && r->b->progress != NULL)
		r->b->progress(&r->progress, r->b->arg);
	return err;
}
