/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offline payment and settlement: every step of cards, network and issuer that
 * may follow any other.  docs/model.md says what is left out, and which command
 * each step is.
 *
 * A payment is named (c, m, p, n): the payer c agreed with its counter m to the
 * request that the payee p made with its counter n.  k is its number.  Every
 * payment that can be named is a process; what it may do next depends on the
 * state of the two cards, on what the network has, and on the issuer.
 *
 * The network is a set of messages that only grows, so each may be lost (never
 * used), repeated, late, or in any order.  A step is one command to one card:
 * one commit, and its answer goes into the set.  An answer that is lost is one
 * that nobody uses; a power cut before the commit is the step not taken.  So
 * no property may count on the network, only on cards and issuer.
 *
 * Chosen by -D: a configuration below; at most one variant that leaves a rule
 * out, BROKEN_...; GOAL.  With REPLAY, the steps are those of a trace, and each
 * must be allowed: trace.awk writes it down for that.
 */

/* ---- configurations ------------------------------------------------------ */

#define A 0
#define B 1
#define C 2

/*
 * MORE     counters of one card, 2 of the others; FULL: minutes, and 2 GB
 * HIGHEST  the highest balance of each card
 * SLOTS    pending entries of a card
 * LOG      records that a card can hold
 * AREA     exceptions that a card can hold (the design: at least 4 * SLOTS;
 *          few, so that they run out here)
 */
#ifdef FULL
#define MORE 3
#else
#define MORE 2
#endif

#if defined(REPLAY)
/* Of trace.awk: sizes, limits, VALUE, HIGHEST_OF, the steps. */
#include "replay.h"
#elif defined(ONE_WAY)
#define CARDS	 2
#define BALANCES { 3, 0 }
#define TOTAL	 3
#ifndef HIGHEST
#define HIGHEST	 3
#endif
#define ROUTES	 payee(B, 3); route(A, 3, B, 3, 0)
#define LAST	 8
#elif defined(BOTH_WAYS)
#define CARDS	 2
#define BALANCES { 2, 2 }
#define TOTAL	 4
#ifndef HIGHEST
#define HIGHEST	 3
#endif
#define ROUTES	 payee(A, 2); payee(B, MORE);                                  \
	route(A, 2, B, MORE, 0); route(B, MORE, A, 2, 9)
#define LAST	 13
#elif defined(CHAIN)
#define CARDS	 3
#define BALANCES { 2, 0, 0 }
#define TOTAL	 2
#ifndef HIGHEST
#define HIGHEST	 2
#endif
#define ROUTES	 payee(B, MORE); payee(C, 2);                                  \
	route(A, 2, B, MORE, 0); route(B, MORE, C, 2, 9)
#define LAST	 13
#elif defined(TWO_PAYERS)
#define CARDS	 3
/* POOR: fewer states, where it is the payee's limits that matter. */
#ifdef POOR
#define BALANCES { 1, 1, 0 }
#define TOTAL	 2
#else
#define BALANCES { 2, 2, 0 }
#define TOTAL	 4
#endif
#ifndef HIGHEST
#define HIGHEST	 3
#endif
#define ROUTES	 payee(C, MORE);                                               \
	route(A, 2, C, MORE, 0); route(B, 2, C, MORE, 9)
#define LAST	 13
#endif

#ifndef REPLAY
#define COUNTERS 3 /* of a card, at most */
#define PAYMENTS 18 /* at most: two routes with 3 counters at both ends */
#define USES	 9  /* at most CARDS * COUNTERS */
#define PAIRS	 9  /* at most CARDS * CARDS */
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef LOG
#define LOG 2
#endif
#ifndef AREA
#define AREA 2
#endif

/* ---- sets ---------------------------------------------------------------- */

#ifdef REPLAY
#define SET(name, size) bit name[size]
#define HAS(set, i)	(set[i])
#define ADD(set, i)	set[i] = 1
#define DEL(set, i)	set[i] = 0
#define number		int
#else
#define SET(name, size) unsigned name : size
#define HAS(set, i)	(((set) >> (i)) & 1)
#define ADD(set, i)	set = set | (1 << (i))
#define DEL(set, i)	set = set & ~(1 << (i))
#define VALUE(k)	1
#define STARTS		0
#define HIGHEST_OF(p)	HIGHEST
#define number		byte
#endif

/* Counter i of card x, counted from 1. */
#define AT(x, i) ((x) * COUNTERS + (i) - 1)

/* ---- state --------------------------------------------------------------- */

/* A card, what its memory keeps over a reset. */
number balance[CARDS] = BALANCES;
number counter[CARDS] = STARTS; /* of its last request or agreement */
number open_request[CARDS]; /* the counter of the one open request, or 0 */
number agreement[CARDS];    /* the one open agreement: k + 1, or 0 */
number agreed[CARDS];	    /* and its counter */
number floor[CARDS];	    /* the highest counter that was ever cleared */
number promised[CARDS];	    /* the sum of its pending entries */
number slots[CARDS];	    /* how many pending entries are taken */
number records[CARDS];	    /* how many records are not settled */
number area[CARDS];	    /* how many exceptions are not settled */
SET(pending, PAYMENTS);	    /* at the payee: confirmed, awaited */
SET(paid, PAYMENTS);	    /* at the payer: the record with the completion */
SET(received, PAYMENTS);    /* at the payee: the record */
SET(claims, PAYMENTS);	    /* at the payee: exceptions, goods delivered */
SET(releases, PAYMENTS);    /* at the payee: exceptions, not delivered */
SET(paid_with, USES); /* the counters that `paid` is of */
number pending_of[PAIRS]; /* entries of a payer at a payee */

/* The network: all that was ever said. */
SET(requests, USES);
SET(agreements, PAYMENTS);
SET(confirmations, PAYMENTS);
SET(completions, PAYMENTS); /* so also: debited */
SET(receipts, PAYMENTS);    /* so also: credited */
SET(proofs, USES);	    /* by counter: see PROVE */

/* The issuer, what it has booked. */
SET(booked_paid, PAYMENTS); /* it has the completion */
SET(booked_received, PAYMENTS);
SET(booked_claims, PAYMENTS);
SET(booked_releases, PAYMENTS);
SET(paid_payee, PAYMENTS); /* out of transit */
SET(paid_payer, PAYMENTS);
number paid_out;

/* For the properties alone. */
SET(debits_by, USES);  /* counters of payers */
SET(debits_for, USES); /* counters of requests */

/* ---- properties ---------------------------------------------------------- */

/* ONLY one of them is looked at; 0: all. */
#define MONEY_MADE	    1
#define MONEY_LOST	    2
#define EVIDENCE_LOST	    3
#define PROOF_CONTRADICTED  4
#define DEBITED_TWICE	    5
#define ROOM_MISSING	    6
#define SLOTS_TAKEN	    7
#define ISSUER_CONTRADICTED 8
#ifndef ONLY
#define ONLY 0
#endif
#define must(property, condition)                                              \
	assert((condition) || (ONLY != 0 && ONLY != property))

#define IN_TRANSIT(k)                                                          \
	(HAS(completions, k) && !HAS(receipts, k) && !HAS(paid_payee, k) &&    \
	    !HAS(paid_payer, k))
#define PAYER_EVIDENCE (HAS(paid, k) || HAS(booked_paid, k))
#define PAYEE_EVIDENCE                                                         \
	(HAS(pending, k) || HAS(claims, k) || HAS(releases, k) ||              \
	    HAS(booked_claims, k) || HAS(booked_releases, k))

#ifdef REPLAY
#define SUM	sum
#define TRANSIT transit
#define TOTAL	total
int sum, transit, each;
inline add_up()
{
	sum = 0;
	transit = 0;
	for (each : 0 .. CARDS - 1) {
		sum = sum + balance[each]
	}
	for (each : 0 .. PAYMENTS - 1) {
		transit = transit + IN_TRANSIT(each) * VALUE(each)
	}
}
#else
#define BITS(s) (SIX(s) + SIX(s >> 6) + SIX(s >> 12))
#define SIX(s)                                                                 \
	(HAS(s, 0) + HAS(s, 1) + HAS(s, 2) + HAS(s, 3) + HAS(s, 4) + HAS(s, 5))
#define TRANSIT                                                                \
	BITS(((completions & ~(receipts | paid_payee | paid_payer))))
#if CARDS == 2
#define SUM (balance[A] + balance[B])
#else
#define SUM (balance[A] + balance[B] + balance[C])
#endif
#define add_up()	   skip
#endif

/* After each step of payment k. */
inline check()
{
	add_up();
	/* No value is made, whatever is still to come. */
	must(MONEY_MADE, SUM + paid_out <= TOTAL);
	/* And none is lost: what is missing is debited and not yet settled. */
	must(MONEY_LOST, SUM + paid_out + TRANSIT == TOTAL);
	/* Each unit of it has two witnesses that no network can lose. */
	must(EVIDENCE_LOST,
	    !IN_TRANSIT(k) || (PAYER_EVIDENCE && PAYEE_EVIDENCE));
	/* Neither a proof after the debit nor a debit after the proof. */
	must(PROOF_CONTRADICTED,
	    !(HAS(proofs, AT(c, m)) && HAS(completions, k)));
	/* What was promised has room. */
	must(ROOM_MISSING,
	    balance[p] <= HIGHEST_OF(p) && records[c] <= LOG &&
		records[p] <= LOG && slots[p] <= SLOTS && area[p] <= AREA);
	/* No single card takes all slots. */
	must(SLOTS_TAKEN, pending_of[p * CARDS + c] <= 1);
	/* The issuer never hears both "credited" and "never credited". */
	must(ISSUER_CONTRADICTED,
	    !(HAS(booked_received, k) &&
		(HAS(booked_claims, k) || HAS(booked_releases, k))));
#ifdef GOAL
	/* To see that the last payment can be credited. */
	assert(!HAS(receipts, LAST));
#endif
}

/* ---- the rules, and what a variant does instead --------------------------- */

/* Before it confirms, a payee has reserved all that the credit will need. */
#ifdef BROKEN_HEADROOM
#define HEADROOM (balance[p] + VALUE(k) <= HIGHEST_OF(p))
#else
#define HEADROOM (balance[p] + promised[p] + VALUE(k) <= HIGHEST_OF(p))
#endif
#ifdef BROKEN_RECORD_ROOM
#define LOG_ROOM(x) (records[x] < LOG)
#else
#define LOG_ROOM(x) (records[x] + slots[x] + (agreement[x] != 0) < LOG)
#endif
#ifdef BROKEN_EXCEPTION_ROOM
#define AREA_ROOM true
#else
#define AREA_ROOM (area[p] + slots[p] < AREA)
#endif
#ifdef BROKEN_ONE_SLOT
#define SLOT_FREE (slots[p] < SLOTS)
#else
#define SLOT_FREE (slots[p] < SLOTS && pending_of[p * CARDS + c] == 0)
#endif

/* A request is used up: left open, it takes another agreement. */
#ifdef BROKEN_REQUEST
#define FIRST (!HAS(confirmations, k))
#else
#define FIRST true
#endif

/* A proof is never from absence alone. */
#ifdef BROKEN_ABSENCE
#define ABOVE_FLOOR true
#else
#define ABOVE_FLOOR (m > floor[c])
#endif
#ifdef BROKEN_COUNTER
#define COUNTER_USED (m <= counter[c] || agreed[c] == m)
#else
#define COUNTER_USED (m <= counter[c])
#endif

/* The issuer pays on two words, and one side. */
#define EXCEPTION (HAS(booked_claims, k) || HAS(booked_releases, k))
#if defined(BROKEN_COMPLETION_ALONE)
#define PAYS_PAYEE (!HAS(paid_payee, k))
#define PAYS_PAYER (HAS(booked_releases, k) && !HAS(paid_payer, k))
#elif defined(BROKEN_BOTH_SIDES)
#define PAYS_PAYEE (EXCEPTION && !HAS(paid_payee, k))
#define PAYS_PAYER (EXCEPTION && !HAS(paid_payer, k))
#elif defined(BROKEN_ONCE)
#define PAYS_PAYEE (HAS(booked_claims, k))
#define PAYS_PAYER (HAS(booked_releases, k))
#else
#define PAYS_PAYEE (HAS(booked_claims, k) && !HAS(paid_payee, k))
#define PAYS_PAYER (HAS(booked_releases, k) && !HAS(paid_payer, k))
#endif

/* ---- steps of cards ------------------------------------------------------ */

/* 8070 REQUEST: counter and open request, an older one forgotten. */
#define can_request (counter[p] + 1 == n)
inline request()
{
	counter[p] = n;
	open_request[p] = n;
	ADD(requests, AT(p, n));
}

/* 8071 AGREE: counter and the one open agreement, in place of an older one. */
#define can_agree                                                              \
	(HAS(requests, AT(p, n)) && counter[c] + 1 == m &&                     \
	    balance[c] >= VALUE(k) && (agreement[c] != 0 || LOG_ROOM(c)))
inline agree()
{
#ifndef BROKEN_COUNTER
	counter[c] = m;
#endif
	agreement[c] = k + 1;
	agreed[c] = m;
	ADD(agreements, k);
	check();
}

/* 8072 CONFIRM: uses the request up, makes the pending entry. */
#define can_confirm                                                            \
	(HAS(agreements, k) && open_request[p] == n && FIRST &&                \
	    SLOT_FREE && HEADROOM && LOG_ROOM(p) && AREA_ROOM)
inline confirm()
{
#ifndef BROKEN_REQUEST
	open_request[p] = 0;
#endif
	put_pending();
	ADD(confirmations, k);
	check();
}

inline put_pending()
{
	ADD(pending, k);
	slots[p] = slots[p] + 1;
	pending_of[p * CARDS + c] = pending_of[p * CARDS + c] + 1;
	promised[p] = promised[p] + VALUE(k)
}

inline drop_pending()
{
	DEL(pending, k);
	slots[p] = slots[p] - 1;
	pending_of[p * CARDS + c] = pending_of[p * CARDS + c] - 1;
	promised[p] = promised[p] - VALUE(k)
}

/* 8073 COMPLETE: debit, record, completion, end of the agreement. */
#define can_complete                                                           \
	(HAS(confirmations, k) && agreement[c] == k + 1 &&                     \
	    balance[c] >= VALUE(k))
inline complete()
{
	must(DEBITED_TWICE,
	    !HAS(debits_by, AT(c, m)) && !HAS(debits_for, AT(p, n)));
	ADD(debits_by, AT(c, m));
	ADD(debits_for, AT(p, n));
	balance[c] = balance[c] - VALUE(k);
#ifdef BROKEN_COUNTER
	counter[c] = m;
#endif
#ifndef BROKEN_NOT_STORED
	ADD(paid, k);
#endif
	ADD(paid_with, AT(c, m));
	records[c] = records[c] + 1;
#ifndef BROKEN_AGREEMENT_STAYS
	agreement[c] = 0;
	agreed[c] = 0;
#endif
	ADD(completions, k);
	check();
}

/* 8074 CREDIT: credit, record, end of the pending entry. */
#define can_credit (HAS(completions, k) && HAS(pending, k))
inline credit()
{
	balance[p] = balance[p] + VALUE(k);
	ADD(received, k);
	records[p] = records[p] + 1;
#ifndef BROKEN_SECOND_COMMIT
	drop_pending();
#endif
	ADD(receipts, k);
	check();
}

/* The second commit of that variant: a reset of the card comes before it. */
#define can_drop_late (HAS(received, k) && HAS(pending, k))

/*
 * PROVE: closes the agreement of this counter, then signs.  The card signs
 * for whatever payee and request it is asked about, as its counter decides; so
 * the proof of a counter stands for all payments that it could name.
 */
#define can_prove                                                              \
	(COUNTER_USED && !HAS(paid_with, AT(c, m)) && ABOVE_FLOOR)
inline prove()
{
#ifndef BROKEN_PROOF_OPEN
	if
	:: agreed[c] == m ->
		agreement[c] = 0;
		agreed[c] = 0
	:: else
	fi;
#endif
	ADD(proofs, AT(c, m));
	check();
}

/* DROP, with the proof: the pending entry ends without an exception. */
#define can_drop (HAS(proofs, AT(c, m)) && HAS(pending, k))
inline drop()
{
	drop_pending();
	check();
}

/* ABANDON: the entry is dropped, with a signed exception. */
#define can_abandon (HAS(pending, k))
inline abandon()
{
	area[p] = area[p] + 1;
#ifndef BROKEN_ABANDON_KEEPS
	drop_pending();
#endif
	check();
}

/*
 * 8079 SETTLE: the issuer books a record that the card has signed; the card
 * clears what the issuer has confirmed.  A batch is several of these.
 */
#define can_book(set, booked) (HAS(set, k) && !HAS(booked, k))

#ifdef BROKEN_UNCONFIRMED
#define can_clear(set, booked) (HAS(set, k))
#else
#define can_clear(set, booked) (HAS(set, k) && HAS(booked, k))
#endif
inline clear_paid()
{
	DEL(paid, k);
	DEL(paid_with, AT(c, m));
	records[c] = records[c] - 1;
	if
	:: floor[c] < m -> floor[c] = m
	:: else
	fi;
	check();
}

inline clear_received()
{
	DEL(received, k);
	records[p] = records[p] - 1;
	check();
}

inline clear_exception()
{
	area[p] = area[p] - 1;
	check();
}

/* ---- steps of the issuer -------------------------------------------------- */

/* Out of transit, to the payee on `claim`, to the payer on `release`. */
#define can_pay    (HAS(booked_paid, k) && PAYS_PAYEE)
#define can_refund (HAS(booked_paid, k) && PAYS_PAYER)
inline pay()
{
	paid_out = paid_out + VALUE(k);
	check();
}

/* ---- everything that may happen ------------------------------------------- */

/*
 * A step is taken when it is allowed, and a run prints it as a line of a trace.
 * A replay takes the step that the trace has next.
 */
#ifdef REPLAY
#define step(verb, allowed, action)                                            \
	d_step {                                                               \
		event == V_##verb ->                                           \
		if                                                             \
		:: allowed -> action                                           \
		:: else -> refuse()                                            \
		fi                                                             \
	}                                                                      \
	break

inline refuse()
{
	printf("refused: line %d\n", line[at]);
	assert(false)
}

/* The rest of what is done to a card, as far as it matters here. */
inline move(x, value)
{
	balance[x] = balance[x] + value;
	total = total + value
}
#else
#define step(verb, allowed, action)                                            \
	d_step { allowed -> say(verb); action }
#define say(verb)                                                              \
	printf(#verb);                                                         \
	printf(" %c %d %c %d\n", 'A' + c, m, 'A' + p, n)
#endif

proctype payment(number k, c, m, p, n)
{
	do
	:: step(agree, can_agree, agree())
	:: step(confirm, can_confirm, confirm())
	:: step(complete, can_complete, complete())
	:: step(credit, can_credit, credit())
	:: step(prove, can_prove, prove())
	:: step(drop, can_drop, drop())
	:: step(claim, can_abandon, ADD(claims, k); abandon())
	:: step(release, can_abandon, ADD(releases, k); abandon())
#ifdef BROKEN_SECOND_COMMIT
	:: step(drop_late, can_drop_late, drop())
#endif
	:: step(book_paid, can_book(paid, booked_paid),
	       ADD(booked_paid, k); check())
	:: step(book_received, can_book(received, booked_received),
	       ADD(booked_received, k); check())
	:: step(book_claim, can_book(claims, booked_claims),
	       ADD(booked_claims, k); check())
	:: step(book_release, can_book(releases, booked_releases),
	       ADD(booked_releases, k); check())
	:: step(clear_paid, can_clear(paid, booked_paid), clear_paid())
	:: step(clear_received, can_clear(received, booked_received),
	       clear_received())
	:: step(clear_claim, can_clear(claims, booked_claims),
	       DEL(claims, k); clear_exception())
	:: step(clear_release, can_clear(releases, booked_releases),
	       DEL(releases, k); clear_exception())
	:: step(pay, can_pay, ADD(paid_payee, k); pay())
	:: step(refund, can_refund, ADD(paid_payer, k); pay())
#ifdef REPLAY
	/*
	 * These lead nowhere new, for what was said is in the network already;
	 * but they must be allowed where a trace has them.  Messages that a
	 * card gets a second time, FETCH, ACKNOWLEDGE, the issuer's relay.
	 */
	:: step(confirm_again, HAS(agreements, k) && HAS(pending, k), skip)
	:: step(credit_again, HAS(completions, k) && HAS(receipts, k), skip)
	:: step(fetch_confirmation, HAS(pending, k), skip)
	:: step(fetch_completion, HAS(completions, k), skip)
	:: step(acknowledge, HAS(receipts, k), skip)
	:: step(relay, HAS(booked_paid, k), skip)
	/* Of a card alone: k is an amount, c the card. */
	:: step(request, can_request, request())
	:: step(credit_load, true, move(c, k))
	:: step(unload, balance[c] >= k, move(c, -k))
	:: step(receive, true, move(c, k))
	:: step(spend, balance[c] >= k, move(c, -k))
#endif
	od
}

#ifdef REPLAY

init
{
	do
	:: at < EVENTS ->
		event = verbs[at];
		run payment(ks[at], cs[at], ms[at], ps[at], ns[at]);
		/* It takes one step. */
		_nr_pr == 1;
		at = at + 1
	:: else -> break
	od;
	printf("accepted: %d steps\n", EVENTS)
}

#else

proctype request_of(byte p, n)
{
	do
	:: d_step {
		can_request ->
		printf("request %c %d\n", 'A' + p, n);
		request()
	}
	od
}

/* All payments from c to p, numbered from `first`. */
inline route(c, agreements_max, p, requests_max, first)
{
	for (m : 1 .. agreements_max) {
		for (n : 1 .. requests_max) {
			run payment(first + (m - 1) * COUNTERS + n - 1,
			    c, m, p, n)
		}
	}
}

inline payee(p, requests_max)
{
	for (n : 1 .. requests_max) {
		run request_of(p, n)
	}
}

init
{
	byte m, n;

	atomic {
		printf("limits %d %d %d\n", SLOTS, LOG, AREA);
		for (m : 0 .. CARDS - 1) {
			printf("card %c %d %d\n", 'A' + m, balance[m], HIGHEST)
		}
		ROUTES;
		m = 0;
		n = 0
	}
}

#endif
