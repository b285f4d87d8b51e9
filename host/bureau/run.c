/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: threads that make virtual cards, a group at a time, in the order B1
 * to B6 of bureau.h.  Before them, what a killed run left is taken up.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "../../reader/virtual.h"
#include "internal.h"

#define GROUP_DEFAULT 32u
#define GROUP_MAX     128u

/* One thread's own. */
struct worker {
	struct jz_run *run;
	struct jz_virtual_pool *pool;
	struct jz_engine engine;
	struct jz_job *jobs; /* a group */
	struct jz_job *made[GROUP_MAX], *failed[GROUP_MAX];
	size_t n, n_made, n_failed, group;
	pthread_t thread;
	bool started;
};

/* ---- what was left ------------------------------------------------------ */

/* A card of which the journal says nothing, and the issuer knows it. */
static int
keep_left(struct jz_run *r, struct jz_job *job)
{
	int err = jz_virtual_left(job->path, true);

	if (err == JZ_ERR_NOT_FOUND && access(job->path, F_OK) == 0)
		err = 0;
	if (err == JZ_ERR_CARD_STORAGE || err == JZ_ERR_SYSTEM)
		return err;
	/* Registered, and its card is gone: not to be made a second time. */
	job->error = err == JZ_ERR_NOT_FOUND ? JZ_ERR_EXISTS : err;
	r->progress.before += job->error == 0;
	err = jz_run_record(r, &job, 1, NULL);
	jz_bureau_step(r->b, JZ_STEP_TAKEN_UP);
	return err;
}

static int
take_up_line(struct jz_run *r, size_t line, struct jz_job *job)
{
	struct jz_issuer_card known = {0};
	int err = jz_job_begin(r, line, job);

	if (err == 0) {
		uint8_t id[JZ_ID_BYTES];

		jz_issuer_number_text(job->number, job->text, id);
		err = jz_issuer_registered(r->b->issuer, id, &known);
	}
	if (err == JZ_ERR_NOT_FOUND) {
		err = jz_virtual_left(job->path, false);
		return err == JZ_ERR_NOT_FOUND ? 0 : err;
	}
	if (err != 0)
		return err;
	known.number = job->number;
	job->card = known;
	return keep_left(r, job);
}

static int
take_up(struct jz_run *r)
{
	struct jz_job *job = malloc(sizeof(*job));
	int err = job == NULL ? JZ_ERR_MEMORY : 0;

	for (size_t k = 0; k < r->journal.n && err == 0; k++) {
		if (r->journal.status[k] == JZ_LINE_DONE)
			continue;
		err = take_up_line(r, k, job);
		jz_job_end(job);
	}
	free(job);
	return err;
}

/* ---- a group ------------------------------------------------------------ */

/* The next lines that are open; none when there are none, or a run has ended.
 */
static int
take_lines(struct worker *w)
{
	struct jz_run *r = w->run;
	int err = 0;

	pthread_mutex_lock(&r->lock);
	w->n = 0;
	for (; r->error == 0 && err == 0 && w->n < w->group &&
	     r->next < r->journal.n;
	     r->next++) {
		if (r->journal.status[r->next] == JZ_LINE_OPEN)
			err = jz_job_begin(r, r->next, &w->jobs[w->n++]);
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

/* What is not the card's fault ends the run. */
static bool
is_grave(int err)
{
	return err == JZ_ERR_MEMORY || err == JZ_ERR_SYSTEM ||
	    err == JZ_ERR_CARD_STORAGE || err == JZ_ERR_CRYPTO ||
	    err == JZ_ERR_DATABASE;
}

static void
sort_out(struct worker *w)
{
	w->n_made = 0;
	w->n_failed = 0;
	for (size_t k = 0; k < w->n; k++) {
		if (w->jobs[k].error == 0)
			w->made[w->n_made++] = &w->jobs[k];
		else
			w->failed[w->n_failed++] = &w->jobs[k];
	}
}

/* A new card in memory, until its key is known. */
static int
make_one(struct worker *w, struct jz_job *job)
{
	const struct jz_virtual_options o = {
	    .pool = w->pool, .compact = true, .suite = w->engine.crypto->suite};
	struct jz_virtual *card = NULL;
	int err = jz_personal_check(&job->personal);

	if (err == 0)
		err = jz_virtual_create(&o, &card);
	if (err == 0)
		err = jz_reader_take_virtual(&card, &job->reader);
	if (err == 0)
		err = jz_job_make(w->run, job, &w->engine);
	return err;
}

static int
finish_one(struct jz_job *job)
{
	return jz_personal_finish(&job->r,
	    jz_span(job->card.certificate, job->card.certificate_len),
	    job->card.asn);
}

/* B2, in memory. */
static int
make_group(struct worker *w)
{
	struct jz_run *r = w->run;

	for (size_t k = 0; k < w->n; k++) {
		struct jz_job *job = &w->jobs[k];

		job->error = make_one(w, job);
		if (job->error == 0) {
			pthread_mutex_lock(&r->lock);
			job->error =
			    jz_issuer_certificate(r->b->issuer, &job->card);
			pthread_mutex_unlock(&r->lock);
		}
		if (job->error == 0)
			job->error = finish_one(job);
		jz_gp_close(&job->r.gp);
		if (is_grave(job->error))
			return job->error;
		jz_bureau_step(r->b, JZ_STEP_MADE);
	}
	return 0;
}

/* B2, on the disk: a card that cannot be written is left out. */
static int
store_group(struct worker *w, struct jz_virtual_stored **out)
{
	struct jz_virtual *cards[GROUP_MAX];
	const char *paths[GROUP_MAX];
	size_t failed = 0;
	int err;

	do {
		sort_out(w);
		for (size_t k = 0; k < w->n_made; k++) {
			cards[k] = jz_reader_virtual(w->made[k]->reader);
			paths[k] = w->made[k]->path;
		}
		err = jz_virtual_store(cards, paths, w->n_made, out, &failed);
		if (err == 0 || is_grave(err) || failed == w->n_made)
			return err;
		w->made[failed]->error = err;
	} while (w->n_made > 1);
	sort_out(w);
	return jz_virtual_store(NULL, NULL, 0, out, &failed);
}

/* B4.  Only what is registered may be named. */
static int
register_group(struct worker *w)
{
	struct jz_issuer_card *cards = calloc(w->n_made + 1, sizeof(*cards));
	int err;

	if (cards == NULL)
		return JZ_ERR_MEMORY;
	for (size_t k = 0; k < w->n_made; k++)
		cards[k] = w->made[k]->card;
	err = jz_issuer_register(w->run->b->issuer, cards, w->n_made);
	for (size_t k = 0; k < w->n_made && err == 0; k++)
		w->made[k]->error = cards[k].error;
	free(cards);
	return err;
}

/* What the issuer does not take leaves the group before it gets a name. */
static int
commit_group(struct worker *w, struct jz_virtual_stored *stored)
{
	int err;

	pthread_mutex_lock(&w->run->lock);
	err = jz_run_letters(w->run, w->made, w->n_made);
	if (err == 0)
		err = register_group(w);
	pthread_mutex_unlock(&w->run->lock);
	if (err != 0)
		return err;
	jz_bureau_step(w->run->b, JZ_STEP_REGISTERED);
	for (size_t k = 0; k < w->n_made; k++)
		if (w->made[k]->error != 0)
			jz_virtual_stored_drop(stored, k);
	sort_out(w);
	return 0;
}

static int
record_group(struct worker *w)
{
	int err;

	pthread_mutex_lock(&w->run->lock);
	err = jz_run_record(w->run, w->made, w->n_made, NULL);
	if (err == 0)
		err = jz_run_record(w->run, w->failed, w->n_failed, NULL);
	pthread_mutex_unlock(&w->run->lock);
	return err;
}

static int
do_group(struct worker *w)
{
	struct jz_virtual_stored *stored = NULL;
	struct jz_bureau *b = w->run->b;
	int err = make_group(w);

	if (err == 0)
		err = store_group(w, &stored);
	if (err == 0) {
		jz_bureau_step(b, JZ_STEP_STORED);
		err = commit_group(w, stored);
	}
	if (err == 0)
		err = jz_virtual_stored_publish(stored);
	if (err == 0) {
		jz_bureau_step(b, JZ_STEP_NAMED);
		err = record_group(w);
	}
	jz_virtual_stored_free(&stored);
	return err;
}

/* ---- threads ------------------------------------------------------------ */

static void *
work(void *arg)
{
	struct worker *w = arg;
	int err = take_lines(w);

	while (err == 0 && w->n > 0) {
		err = do_group(w);
		for (size_t k = 0; k < w->n; k++)
			jz_job_end(&w->jobs[k]);
		if (err == 0)
			err = take_lines(w);
	}
	for (size_t k = 0; k < w->n; k++)
		jz_job_end(&w->jobs[k]);
	pthread_mutex_lock(&w->run->lock);
	if (w->run->error == 0)
		w->run->error = err;
	pthread_mutex_unlock(&w->run->lock);
	return NULL;
}

static int
start(struct worker *w, struct jz_run *r)
{
	const struct jz_bureau *b = r->b;
	int err;

	w->run = r;
	w->group = b->group == 0   ? GROUP_DEFAULT
	    : b->group > GROUP_MAX ? GROUP_MAX
				   : b->group;
	w->jobs = calloc(w->group, sizeof(*w->jobs));
	if (w->jobs == NULL)
		return JZ_ERR_MEMORY;
	err = jz_virtual_pool_new(&w->pool);
	if (err == 0)
		err = jz_openssl_new(
		    jz_issuer_engine(b->issuer)->crypto->suite, &w->engine);
	if (err == 0 && pthread_create(&w->thread, NULL, work, w) != 0)
		err = JZ_ERR_SYSTEM;
	w->started = err == 0;
	return err;
}

static void
stop(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	jz_virtual_pool_free(&w->pool);
	jz_openssl_free(&w->engine);
	free(w->jobs);
}

static int
work_all(struct jz_run *r)
{
	unsigned jobs = r->b->jobs == 0 ? 1 : r->b->jobs, n = 0;
	struct worker *all;
	int err = 0;

	if (jobs > JZ_BUREAU_JOBS_MAX)
		jobs = JZ_BUREAU_JOBS_MAX;
	all = calloc(jobs, sizeof(*all));
	if (all == NULL)
		return JZ_ERR_MEMORY;
	while (n < jobs && err == 0)
		err = start(&all[n++], r);
	if (err != 0) {
		pthread_mutex_lock(&r->lock);
		r->error = err;
		pthread_mutex_unlock(&r->lock);
	}
	for (unsigned k = 0; k < n; k++)
		stop(&all[k]);
	free(all);
	return r->error;
}

/* What failed before is tried again. */
static void
open_failed(struct jz_journal *j)
{
	for (size_t k = 0; k < j->n; k++)
		if (j->status[k] == JZ_LINE_FAILED)
			j->status[k] = JZ_LINE_OPEN;
}

int
jz_bureau_run(struct jz_bureau *b, struct jz_bureau_progress *out)
{
	struct jz_run r;
	int err = jz_run_begin(b, &r);

	memset(out, 0, sizeof(*out));
	if (err != 0)
		return err;
	open_failed(&r.journal);
	r.error = take_up(&r);
	if (r.error == 0 && r.progress.done + r.progress.failed < r.journal.n)
		(void)work_all(&r);
	return jz_run_end(&r, out);
}
