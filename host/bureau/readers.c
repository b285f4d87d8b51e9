/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real cards, one after the other: each is registered before it gets its
 * certificate, so that whatever happens to it afterwards its number is its own.
 * One that was taken out too early is known by its key when it comes again.
 */
#include <stdlib.h>
#include <string.h>

#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "internal.h"

/* The line after `line` that is open and whose number no card has. */
static int
next_line(struct jz_run *r, struct jz_job *job)
{
	struct jz_issuer_card known;
	uint8_t id[JZ_ID_BYTES];
	int err = 0;

	for (; err == 0 && r->next < r->journal.n; r->next++) {
		if (r->journal.status[r->next] == JZ_LINE_DONE)
			continue;
		jz_issuer_number_text(
		    r->journal.first + (uint32_t)r->next, job->text, id);
		err = jz_issuer_registered(r->b->issuer, id, &known);
		if (err == JZ_ERR_NOT_FOUND)
			return jz_job_begin(r, r->next++, job);
	}
	return err != 0 ? err : JZ_ERR_CANCELLED;
}

/* The line of a card that was half-made, by its key. */
static int
line_of_key(
    struct jz_run *r, const uint8_t key[static JZ_POINT_BYTES], size_t *line)
{
	struct jz_issuer_card known;
	char text[JZ_ISSUER_NUMBER_CHARS + 1];
	uint8_t id[JZ_ID_BYTES];
	int err;

	for (size_t k = 0; k < r->journal.n; k++) {
		if (r->journal.status[k] == JZ_LINE_DONE)
			continue;
		jz_issuer_number_text(r->journal.first + (uint32_t)k, text, id);
		err = jz_issuer_registered(r->b->issuer, id, &known);
		if (err == 0 &&
		    memcmp(known.public_key, key, JZ_POINT_BYTES) == 0) {
			*line = k;
			return 0;
		}
		if (err != 0 && err != JZ_ERR_NOT_FOUND)
			return err;
	}
	return JZ_ERR_NOT_FOUND;
}

/* The card's key says which line it is; a new one is the next. */
static int
choose_line(struct jz_run *r, struct jz_job *job, size_t begun)
{
	struct jz_job *other;
	size_t line = 0;
	int err = line_of_key(r, job->r.public_key, &line);

	if (err == JZ_ERR_NOT_FOUND || (err == 0 && line == begun))
		return 0;
	other = malloc(sizeof(*other));
	if (other == NULL)
		return JZ_ERR_MEMORY;
	if (err == 0)
		err = jz_job_begin(r, line, other);
	if (err == 0) {
		/* Channel and session stay; who it is for is another's. */
		job->line = other->line;
		job->number = other->number;
		memcpy(job->text, other->text, sizeof(job->text));
		job->pin = other->pin;
		memcpy(other->card.public_key, job->card.public_key,
		    sizeof(other->card.public_key));
		job->card = other->card;
		job->personal = other->personal;
		job->personal.account = job->card.account;
		job->personal.holder = job->card.holder;
		job->personal.pin = &job->pin;
	}
	jz_wipe(other, sizeof(*other));
	free(other);
	return err;
}

/* B3 and B4, then the card. */
static int
certify(struct jz_run *r, struct jz_job *job)
{
	int err = 0;

	pthread_mutex_lock(&r->lock);
	err = jz_issuer_certificate(r->b->issuer, &job->card);
	if (err == 0)
		err = jz_run_letters(r, &job, 1);
	if (err == 0)
		err = jz_issuer_register(r->b->issuer, &job->card, 1);
	pthread_mutex_unlock(&r->lock);
	if (err == 0)
		err = job->card.error;
	if (err == 0)
		jz_bureau_step(r->b, JZ_STEP_REGISTERED);
	return err;
}

static int
make_card(struct jz_run *r, struct jz_job *job, const struct jz_engine *engine)
{
	size_t begun = job->line;
	int err = jz_personal_check(&job->personal);

	if (err == 0)
		err = jz_job_make(r, job, engine);
	if (err == 0 && job->r.done)
		err = JZ_ERR_STATE; /* of another order, or done before */
	if (err == 0) {
		jz_bureau_step(r->b, JZ_STEP_MADE);
		err = choose_line(r, job, begun);
	}
	if (err == 0)
		err = certify(r, job);
	if (err == 0)
		err = jz_personal_finish(&job->r,
		    jz_span(job->card.certificate, job->card.certificate_len),
		    job->card.asn);
	if (err == 0)
		jz_bureau_step(r->b, JZ_STEP_FINISHED);
	return err;
}

/* One card of the feed.  A line whose card failed is open again: for the next
 * card, or when it was registered, for this one. */
static int
one_card(struct jz_run *r, const struct jz_bureau_feed *feed,
    const struct jz_engine *engine, struct jz_job *job)
{
	struct jz_reader *reader = NULL;
	int err = feed->next(feed->arg, &reader), made;

	if (err != 0)
		return err;
	r->next = 0;
	err = next_line(r, job);
	/* Only cards are waited for that have a number already. */
	if (err == JZ_ERR_CANCELLED && r->progress.done < r->progress.total)
		err = jz_job_begin(r, r->journal.n - 1, job);
	if (err != 0) {
		jz_reader_free(&reader);
		return err;
	}
	job->reader = reader;
	job->personal.transport_keys = feed->transport_keys;
	job->personal.transport_kvn = feed->transport_kvn;
	made = make_card(r, job, engine);
	job->error = made;
	if (made == 0) {
		pthread_mutex_lock(&r->lock);
		err = jz_run_record(r, &job, 1, jz_reader_name(reader));
		pthread_mutex_unlock(&r->lock);
	}
	if (feed->told != NULL)
		feed->told(feed->arg, job->text, made);
	return err;
}

int
jz_bureau_readers(struct jz_bureau *b, const struct jz_bureau_feed *feed,
    struct jz_bureau_progress *out)
{
	struct jz_engine engine = {NULL, NULL};
	struct jz_job *job = calloc(1, sizeof(*job));
	struct jz_run r;
	int err = job == NULL ? JZ_ERR_MEMORY : jz_run_begin(b, &r);

	memset(out, 0, sizeof(*out));
	if (err != 0) {
		free(job);
		return err;
	}
	r.error =
	    jz_openssl_new(jz_issuer_engine(b->issuer)->crypto->suite, &engine);
	while (r.error == 0 && r.progress.done < r.progress.total) {
		r.error = one_card(&r, feed, &engine, job);
		jz_job_end(job);
	}
	if (r.error == JZ_ERR_CANCELLED)
		r.error = 0;
	jz_openssl_free(&engine);
	free(job);
	return jz_run_end(&r, out);
}
