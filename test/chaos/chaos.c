/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos [RUNS [SEED]]: loads and unloads over TLS, of a card that does them in
 * clear and of one that enciphers them, and cards that take their places.  At some byte of each the daemon, the
 * client or the cards are killed (SIGKILL), the network cut or the database
 * stopped; or the network loses and repeats messages.  Then they are started
 * again and what was cut off is resumed, which may meet the same.
 *
 * After each run: it was executed once or not at all, and a load that was not
 * is cancelled; the card's log and the issuer's books say the same of it, by
 * card and counter; account, card and transit sum up.
 *
 * proves: LOD-7 LOD-8 LOD-12
 *
 * One seed gives one plan, whatever came before it; the clock and the scheduler
 * have their part in what comes of it.  JIAOZI names the program.  With
 * JIAOZI_TEST_POSTGRES the books are there, and POSTGRES_PIDFILE says what to
 * stop (test/with-postgres.sh); with JIAOZI_VPCD_PORT the cards are in a
 * process of their own (with-pcscd).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/revocation.h"
#include "stage.h"

#define RUNS_DEFAULT 30
/* Some more than what is said, handshake and all. */
#define BYTES_ONE  5500u
#define BYTES_ALL  40000u /* of a replacement */
#define AMOUNT_MAX 300u	  /* minor units */

struct truth {
	int64_t account;
	struct jz_purse_info card;
	struct jz_log_line last; /* of the card's log */
};

static void
look(struct stage *s, const struct holder *h, struct truth *t)
{
	struct jz_reader *reader;
	struct jz_session session;
	unsigned tries;
	size_t n = 1;

	memset(t, 0, sizeof(*t));
	stage_card(s, h, &reader, &session);
	if (jz_purse_info(&session, &t->card) != 0 ||
	    jz_purse_verify_pin(&session, JZ_SECRET(CHAOS_PIN), &tries) != 0 ||
	    jz_purse_log(&session, &t->last, &n) != 0)
		stage_die(s, "the card does not tell");
	jz_reader_free(&reader);
	t->account = stage_account(s, h);
}

/* ---- what must hold ------------------------------------------------------ */

/* *moved: what came to the card; below zero what went. */
static void
check_sums(struct stage *s, const struct holder *h, const struct truth *before,
    struct truth *now, int64_t *moved)
{
	struct jz_books books;
	int64_t shadow = 0;

	look(s, h, now);
	*moved = before->account - now->account;
	if (jz_issuer_books(s->issuer, &books) != 0 || !books.balanced)
		stage_die(s, "the books do not balance");
	if (books.transit_load != 0)
		stage_die(s, "something is in transit still");
	if (now->account + (int64_t)now->card.balance_minor !=
	    (int64_t)CHAOS_DEPOSIT)
		stage_die(s, "account and card do not sum up");
	if (jz_issuer_shadow(s->issuer, now->card.id, &shadow) != 0 ||
	    shadow != (int64_t)now->card.balance_minor)
		stage_die(s, "the books do not know what the card has");
}

/* The card's newest record is of this. */
static void
check_log(
    struct stage *s, const struct truth *now, uint8_t type, uint64_t amount)
{
	if (now->last.type != type || now->last.amount_minor != amount ||
	    now->last.serial != (uint16_t)now->card.online_counter)
		stage_die(s, "the card's log tells another story");
}

static void
check_load(struct stage *s, const struct holder *h, const struct truth *before,
    uint64_t amount)
{
	struct jz_load_story story;
	struct truth now;
	int64_t moved;

	check_sums(s, h, before, &now, &moved);
	if (moved != 0 && moved != (int64_t)amount)
		stage_die(s, "a load was executed twice, or half");
	if (now.card.online_counter == before->card.online_counter) {
		if (moved != 0)
			stage_die(s, "a load without a counter");
		return;
	}
	if (now.card.online_counter != before->card.online_counter + 1)
		stage_die(s, "a load of two counters");
	if (jz_issuer_load_story(
		s->issuer, now.card.id, now.card.online_counter, &story) != 0)
		stage_die(s, "no story");
	if (moved != 0 ? story.state != JZ_LOAD_REPORTED ||
		    story.amount_minor != amount
		       : story.state != JZ_LOAD_CANCELLED)
		stage_die(s, "card and books tell two stories");
	if (moved != 0)
		check_log(s, &now, JZ_TYPE_EP_LOAD, amount);
}

/* Its counter is taken by the debit. */
static void
check_unload(struct stage *s, const struct holder *h,
    const struct truth *before, uint64_t amount)
{
	struct truth now;
	int64_t moved;
	uint64_t known = 0;

	check_sums(s, h, before, &now, &moved);
	if (moved != 0 && moved != -(int64_t)amount)
		stage_die(s, "an unload was executed twice, or half");
	if (now.card.online_counter !=
	    before->card.online_counter + (moved != 0))
		stage_die(s, "an unload and its counter do not go together");
	if (moved == 0)
		return;
	if (jz_issuer_unloaded(
		s->issuer, now.card.id, now.card.online_counter, &known) != 0 ||
	    known != amount)
		stage_die(s, "card and books tell two stories");
	check_log(s, &now, JZ_TYPE_UNLOAD, amount);
}

static unsigned replaced; /* cards */

/* All of it is on the new card, and the old one has had its last unload. */
static void
check_replaced(struct stage *s, const struct holder *old,
    const struct holder *new, const struct truth *before)
{
	uint64_t amount = before->card.balance_minor, known = 0;
	struct truth was, now;
	bool revoked = false;
	int64_t moved;

	look(s, old, &was);
	if (was.card.balance_minor != 0)
		stage_die(s, "the old card has money still");
	/* Those that the list has no room for are blocked. */
	if (jz_issuer_revoked(s->issuer, was.card.id, &revoked) != 0 ||
	    (!revoked && replaced < JZ_REVOCATION_MAX))
		stage_die(s, "the old card is not revoked");
	if (jz_issuer_unloaded(
		s->issuer, was.card.id, was.card.online_counter, &known) != 0 ||
	    known != amount)
		stage_die(s, "card and books tell two stories");
	check_log(s, &was, JZ_TYPE_UNLOAD, amount);
	check_sums(s, new, before, &now, &moved);
	if (moved != 0 || now.card.balance_minor != amount)
		stage_die(s, "what the old card had is not on the new one");
	check_log(s, &now, JZ_TYPE_EP_LOAD, amount);
	replaced++;
}

/* ---- a run --------------------------------------------------------------- */

static unsigned plain; /* went through at once */

/* A replacement is resumed by itself; then the new card has its place. */
static void
replace(struct stage *s, struct holder *h, const struct truth *before)
{
	struct holder new;
	const char *again[] = {"card", "replace", "--new-card", new.reader,
	    "--pin", "env:PIN", "--new-pin", "env:PIN", NULL};
	unsigned more = (unsigned)(stage_draw(s) % 3) + 1;

	stage_successor(s, h, &new);
	s->bytes_max = BYTES_ALL;
	plain += stage_client(s, h, again, true) == 0;
	while (--more > 0)
		(void)stage_client(s, h, again, true);
	stage_must(s, h, again);
	s->bytes_max = BYTES_ONE;
	check_replaced(s, h, &new, before);
	*h = new;
}

static void
do_and_resume(struct stage *s, const struct holder *h, const char *command,
    const char *amount)
{
	const char *const first[] = {
	    command, "--amount", amount, "--pin", "env:PIN", NULL};
	const char *const resume[] = {command, "--resume", NULL};
	unsigned more = (unsigned)(stage_draw(s) % 3);

	plain += stage_client(s, h, first, true) == 0;
	while (more-- > 0)
		(void)stage_client(s, h, resume, true);
	stage_must(s, h, resume);
}

/* Room in its log, and something to unload. */
static void
prepare(struct stage *s, const struct holder *h, struct truth *t)
{
	static const char *const SETTLE[] = {"settle", NULL};
	static const char *const LOAD[] = {
	    "load", "--amount", "100.00", "--pin", "env:PIN", NULL};

	look(s, h, t);
	if (t->card.unsettled + 4 > t->card.capacity) {
		(void)stage_client(s, h, SETTLE, true);
		stage_must(s, h, SETTLE);
	}
	if (t->card.balance_minor < AMOUNT_MAX)
		stage_must(s, h, LOAD);
	look(s, h, t);
}

static void
one_run(struct stage *s)
{
	struct holder *h;
	struct truth before;
	char amount[32];
	uint64_t minor, what;
	bool load;

	prepare(s, &s->holder[0], &before);
	prepare(s, &s->holder[1], &before);
	h = &s->holder[stage_draw(s) % CHAOS_HOLDERS];
	what = stage_draw(s) % 8;
	load = what % 2 == 0;
	minor = stage_draw(s) % AMOUNT_MAX + 1;
	look(s, h, &before);
	if (what == 0 && !s->served) {
		replace(s, h, &before);
		return;
	}
	snprintf(amount, sizeof(amount), "%u.%02u", (unsigned)(minor / 100),
	    (unsigned)(minor % 100));
	do_and_resume(s, h, load ? "load" : "unload", amount);
	(load ? check_load : check_unload)(s, h, &before, minor);
}

int
main(int argc, char **argv)
{
	unsigned long runs =
	    argc > 1 ? strtoul(argv[1], NULL, 10) : RUNS_DEFAULT;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct stage s;

	stage_set_up(&s);
	s.bytes_max = BYTES_ONE;
	for (unsigned long n = 0; n < runs; n++) {
		stage_seed(&s, first + n);
		one_run(&s);
	}
	stage_clean_up(&s);
	printf("%lu runs from seed %llu: %u went through at once\n", runs,
	    (unsigned long long)first, plain);
	for (int f = FAULT_CUT; f < FAULTS; f++)
		printf("%s: %u times\n", FAULT_NAMES[f], s.met[f]);
	return 0;
}
