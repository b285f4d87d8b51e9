/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the bureau share.
 */
#ifndef JZ_HOST_BUREAU_INTERNAL_H
#define JZ_HOST_BUREAU_INTERNAL_H

#include <pthread.h>

#include "../../apdu/error.h"
#include "../personalise.h"
#include "bureau.h"

#define JZ_BUREAU_PATH_CAP 4096
#define JZ_KCV_TEXT	   (3 * 7)
#define JZ_LINE_TEXT_MAX   1024

/* ---- journal.c ---------------------------------------------------------- */

enum jz_line_status {
	JZ_LINE_OPEN,
	JZ_LINE_DONE,
	JZ_LINE_FAILED,
};

/* What became of a line. */
struct jz_entry {
	size_t line;
	enum jz_line_status status;
	int error;
	uint8_t certificate[32]; /* SHA-256, when done */
	char kcv[JZ_KCV_TEXT];	 /* ENC-MAC-DEK; "" when not known */
	const char *where;	 /* the card's file, or its reader */
	const char *account;
};

struct jz_journal {
	int fd;
	uint32_t first;
	size_t n;
	uint8_t *status; /* of each line */
	uint8_t salt[JZ_ISSUER_SALT_BYTES];
	uint8_t order[JZ_ISSUER_ORDER_BYTES];
	char salt_path[JZ_BUREAU_PATH_CAP];
};

/* Opens or makes the folder, the journal in it, and the numbers. */
int jz_journal_open(struct jz_bureau *b, struct jz_journal *out);
/* Appends and syncs. */
int jz_journal_write(struct jz_journal *j, const struct jz_bureau *b,
    const struct jz_entry *entries, size_t n);
/* With `done` its PINs can be made no more. */
void jz_journal_close(struct jz_journal *j, bool done);
int jz_bureau_join(char out[static JZ_BUREAU_PATH_CAP], const char *dir,
    const char *name, const char *suffix);
/* Syncs the folder that a new name is in. */
int jz_bureau_sync_name(const char *path);
/* Tells a test what has been done. */
void jz_bureau_step(const struct jz_bureau *b, enum jz_bureau_step step);

/* ---- run.c -------------------------------------------------------------- */

/* A run: what its threads share. */
struct jz_run {
	struct jz_bureau *b;
	struct jz_journal journal;
	pthread_mutex_t lock;
	size_t next; /* line not yet looked at */
	struct jz_bureau_progress progress;
	double began;
	int error; /* ends the run */
};

/* One card in the making. */
struct jz_job {
	size_t line;
	uint32_t number;
	char text[JZ_ISSUER_NUMBER_CHARS + 1];
	char path[JZ_BUREAU_PATH_CAP];
	struct jz_secret pin;
	struct jz_personal personal;
	struct jz_issuer_card card;
	struct jz_reader *reader;
	struct jz_session session;
	struct jz_personalising r;
	char kcv[JZ_KCV_TEXT];
	int error;
};

int jz_run_begin(struct jz_bureau *b, struct jz_run *r);
int jz_run_end(struct jz_run *r, struct jz_bureau_progress *out);
/* The job of a line, its PIN included.  The lock is held. */
int jz_job_begin(struct jz_run *r, size_t line, struct jz_job *job);
void jz_job_end(struct jz_job *job);
/* The card's own part, until its key is known. */
int jz_job_make(
    struct jz_run *r, struct jz_job *job, const struct jz_engine *engine);
/* Letters for those that got a PIN here.  The lock is held. */
int jz_run_letters(struct jz_run *r, struct jz_job *const *jobs, size_t n);
/* Counts and writes them down.  The lock is held. */
int jz_run_record(
    struct jz_run *r, struct jz_job *const *jobs, size_t n, const char *where);

#endif
