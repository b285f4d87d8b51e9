/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The personalisation bureau: many cards by one order, ten thousand in a run.
 *
 * An order is carried out in a folder of its own:
 *
 *	NUMBER.card, .card.key   a virtual card and its key file, each
 *	batch.jsonl              the journal: what became of each line, one JSON
 *	                         object a line, appended and synced
 *	batch.salt               until the order is done: its PINs follow from
 *	                         it and the issuer's secret
 *
 * The same order in the same folder again goes on where it stopped, wherever
 * that was: ended by SIGKILL or by a power cut, nothing is lost, no number is
 * used twice, and a card has its name only when it is complete.  The order of
 * things, for a group of cards:
 *
 *   B1  The order's numbers are taken from the issuer before its first card.
 *   B2  The cards are made, certified and finished in memory, written under
 *       other names, and synced.
 *   B3  Their PINs are in the mailer, synced.
 *   B4  The issuer registers them: one commit.  This decides: what was written
 *       before it and is not registered is removed, and made anew.
 *   B5  The cards get their names.
 *   B6  The journal has them, synced.
 *
 * For a real card (jz_bureau_readers) B3 and B4 come before its certificate
 * does, and a card that was taken out half-made is known again by its key.
 *
 * Threads: jz_bureau_run() starts its own.  Each has cards, engine and
 * sessions to itself; the issuer, the journal and the mailer are used by one at
 * a time, under one lock, and so is `progress` called.  The issuer's handle is
 * the run's until it returns.
 *
 * Caveats.  A mailer or printer may get a letter twice when a run was killed;
 * both have the same PIN.  The PINs of a list are in the memory of the order
 * until jz_order_free().
 */
#ifndef JZ_HOST_BUREAU_H
#define JZ_HOST_BUREAU_H

#include "../issuer/issuer.h"
#include "../pay.h"

#define JZ_BUREAU_LINES_MAX 1000000u
#define JZ_BUREAU_JOBS_MAX  64u
#define JZ_BUREAU_PIN_MAX   12u /* digits */

/* ---- orders (order.c) --------------------------------------------------- */

/* One card to be made. */
struct jz_order_line {
	char account[JZ_ACCOUNT_MAX + 1]; /* "": the number's own */
	char holder[JZ_IDENTITY_MAX + 1]; /* "": the account */
	struct jz_secret pin;		  /* empty: made, for the mailer */
	uint64_t max_balance_minor, max_single_minor, pin_above_minor;
	bool payee_only;
};

struct jz_order {
	struct jz_order_line *lines;
	size_t n;
	uint32_t first; /* number of the first card; 0: the issuer's next */
};

/* How an amount of a list is read: 0 or an error. */
typedef int jz_order_amount(const char *text, void *arg, uint64_t *minor);

/* So many cards alike.  JZ_ERR_RANGE, JZ_ERR_MEMORY. */
int jz_order_of(const struct jz_order_line *like, size_t n, uint32_t first,
    struct jz_order *out);
/*
 * A list of holders: CSV (RFC 4180), UTF-8, whose first row names the columns,
 * in any order: account, holder, max-balance, max-single, pin-above, payee-only
 * (yes or no), pin.  What a row leaves empty, or a list has no column for, is
 * as in `like`.  *bad: the row at fault, counted from 1, or 0.  JZ_ERR_NOT_FOUND,
 * JZ_ERR_ARGUMENT, JZ_ERR_RANGE, JZ_ERR_SYSTEM; JZ_ERR_STATE: the list has PINs
 * and others than its owner may read it.
 */
int jz_order_read(const char *path, const struct jz_order_line *like,
    uint32_t first, jz_order_amount *amount, void *arg, struct jz_order *out,
    size_t *bad);
/* Wipes it. */
void jz_order_free(struct jz_order *o);
/* Whether a line has no PIN of its own. */
bool jz_order_needs_mailer(const struct jz_order *o);

/* ---- letters (mailer.c) ------------------------------------------------- */

/* Where PINs go that were made: the PIN mailer. */
struct jz_mailer;

struct jz_letter {
	char number[JZ_ISSUER_NUMBER_CHARS + 1];
	char holder[JZ_IDENTITY_MAX + 1];
	struct jz_secret pin;
};

/*
 * A file of mode 0600, sealed under a passphrase (scrypt, and the suite's
 * authenticated encryption), appended to when it is there.
 * JZ_ERR_PASSPHRASE: it is sealed under another; JZ_ERR_KEYFILE: it is none;
 * JZ_ERR_STATE: others than its owner may read it; JZ_ERR_SYSTEM.
 */
int jz_mailer_open(const char *path, const struct jz_secret *passphrase,
    struct jz_mailer **out);
/* A command's standard input, a letter a line: NUMBER TAB HOLDER TAB PIN. */
int jz_mailer_printer(const char *command, struct jz_mailer **out);
/* Durable, or taken by the command, when it returns 0. */
int
jz_mailer_write(struct jz_mailer *m, const struct jz_letter *letters, size_t n);
/* JZ_ERR_SYSTEM: the command failed. */
int jz_mailer_close(struct jz_mailer **m);
/* Every letter of a sealed file, the last for each number alone, in order of
 * number.  `each` returns 0 to go on.  As jz_mailer_open, JZ_ERR_NOT_FOUND,
 * JZ_ERR_DECRYPT (altered). */
int jz_mailer_read(const char *path, const struct jz_secret *passphrase,
    int (*each)(const struct jz_letter *l, void *arg), void *arg);

/* ---- runs (run.c, readers.c) -------------------------------------------- */

/* What has just been done: where a test ends the process. */
enum jz_bureau_step {
	JZ_STEP_RESERVED,
	JZ_STEP_JOURNAL, /* begun */
	JZ_STEP_MADE,	 /* a card, in memory or with its key */
	JZ_STEP_STORED,
	JZ_STEP_LETTERS,
	JZ_STEP_REGISTERED,
	JZ_STEP_NAMED,
	JZ_STEP_FINISHED, /* a real card */
	JZ_STEP_TORN,	  /* half of a line is in the journal */
	JZ_STEP_RECORDED,
	JZ_STEP_TAKEN_UP, /* a card that a killed run had left */
};

struct jz_bureau_progress {
	size_t total, done, failed;
	size_t before; /* of done: by runs before this one */
	double seconds;
};

struct jz_bureau {
	struct jz_issuer *issuer;
	const char *dir; /* made when it is not there */
	const struct jz_order *order;
	struct jz_mailer *mailer; /* NULL: every line has its PIN */
	unsigned jobs;
	unsigned group; /* cards at once; 0: as many as is good */
	/* May be NULL. */
	void (*progress)(const struct jz_bureau_progress *p, void *arg);
	void (*step)(enum jz_bureau_step step, void *arg);
	void *arg;
	const char *place; /* set when an error is about a file */
};

/*
 * Makes virtual cards until every line is done or has failed.  A line that
 * failed (no such account, a file in the way) is in the journal and tried again
 * by the next run; it is no error of this one: see out->failed.
 *
 * JZ_ERR_EXISTS: the numbers are taken; JZ_ERR_ORDER_OTHER: the folder holds
 * another order; JZ_ERR_ORDER_BUSY: another run has it; JZ_ERR_ORDER_DAMAGED:
 * the journal; JZ_ERR_ARGUMENT: PINs have to be made and there is no mailer;
 * JZ_ERR_NOT_FOUND: the issuer has no administration key, or the salt is gone;
 * and what issuer, mailer and disk say.
 */
int jz_bureau_run(struct jz_bureau *b, struct jz_bureau_progress *out);

/*
 * Makes real cards, one after the other.  `next` gives a reader with the next
 * one, which this frees; JZ_ERR_CANCELLED ends the run, which is no error.
 * `told` hears what came of it: the card's number and 0 or an error.
 */
struct jz_bureau_feed {
	int (*next)(void *arg, struct jz_reader **out);
	void (*told)(void *arg, const char *number, int error);
	void *arg;
	const struct jz_scp03_keys *transport_keys; /* as in jz_personal */
	uint8_t transport_kvn;
};
int jz_bureau_readers(struct jz_bureau *b, const struct jz_bureau_feed *feed,
    struct jz_bureau_progress *out);

/* ---- reports (report.c) ------------------------------------------------- */

/* The journal's last word on each line, as CSV with a head when path ends in
 * .csv, else as JSON lines and a summary; in the place of what was there. */
int jz_bureau_report(const char *dir, const char *path);

#endif
