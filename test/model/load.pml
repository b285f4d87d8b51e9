/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load and unload, as payment.pml has payment: a step is one command to a card
 * or one request to the server, one commit each, and the network keeps all
 * that was ever said.
 *
 * A load or unload is named (x, n): the card and its online counter.
 *
 * Chosen by -D as there.
 */

#define A 0
#define B 1

/*
 * OUTSIDE  what may come to the cards and go from them by payments, which
 *          need the same room in a purse
 */
#if defined(REPLAY)
#include "replay.h"
#elif defined(ONE_CARD)
#define CARDS	 1
#define COUNTERS 4
#define BALANCES { 1 }
#define ACCOUNT	 2
#define OUTSIDE	 1
#define TOTAL	 4
#define HIGHEST	 2
#define LOADS	 4
#define LAST	 3
#elif defined(TWO_CARDS)
#define CARDS	 2
#define COUNTERS 2
#define BALANCES { 1, 0 }
#define ACCOUNT	 2
#define OUTSIDE	 1
#define TOTAL	 4
#define HIGHEST	 2
#define LOADS	 4
#define LAST	 3
#endif

#ifndef LOG
#define LOG 2
#endif

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
#define HIGHEST_OF(x)	HIGHEST
#define number		byte
#endif

/* ---- state --------------------------------------------------------------- */

/* A card. */
number balance[CARDS] = BALANCES;
number counter[CARDS] = STARTS;	 /* online, of its last load or unload */
number open_load[CARDS]; /* the counter of the one open load, or 0 */
number promised[CARDS];	 /* and its amount */
number floor[CARDS];	 /* the highest counter that was ever cleared */
number records[CARDS];	 /* how many records are not settled */
SET(executed, LOADS);	 /* records of loads */
SET(unloaded, LOADS);	 /* records of unloads */
number outside = OUTSIDE;

/* The network. */
SET(requests, LOADS);
SET(permissions, LOADS); /* so also: debited to the account */
SET(reports, LOADS);	 /* so also: credited to the card */
SET(proofs, LOADS);
SET(unloads, LOADS);	 /* so also: debited to the card */

/* The server. */
number account = ACCOUNT;
SET(booked, LOADS);    /* reported */
SET(cancelled, LOADS); /* proven not to be executed */
SET(refunded, LOADS);
SET(credited, LOADS);  /* unloads */

/* For the properties alone: proofs that the server has been given. */
SET(seen, LOADS);

/* ---- properties ---------------------------------------------------------- */

#define MONEY_MADE	    1
#define MONEY_LOST	    2
#define EVIDENCE_LOST	    3
#define PROOF_CONTRADICTED  4
#define DEBITED_AFTER_PROOF 5
#define ROOM_MISSING	    6
#define LOGS_DIFFER	    7
#ifndef ONLY
#define ONLY 0
#endif
#define must(property, condition)                                              \
	assert((condition) || (ONLY != 0 && ONLY != property))

#define LOADING(k)                                                             \
	(HAS(permissions, k) && !HAS(reports, k) && !HAS(refunded, k))
#define UNLOADING(k) (HAS(unloads, k) && !HAS(credited, k))

#ifdef REPLAY
#define SUM	sum
#define TRANSIT transit
#define TOTAL	total
int sum, transit, each;
inline add_up()
{
	sum = account + outside;
	transit = 0;
	for (each : 0 .. CARDS - 1) {
		sum = sum + balance[each]
	}
	for (each : 0 .. LOADS - 1) {
		transit = transit +
		    VALUE(each) * (LOADING(each) + UNLOADING(each))
	}
}
#else
#define FOUR(s) (HAS(s, 0) + HAS(s, 1) + HAS(s, 2) + HAS(s, 3))
#define TRANSIT                                                                \
	(FOUR((permissions & ~(reports | refunded))) +                         \
	    FOUR((unloads & ~credited)))
#if CARDS == 1
#define SUM (account + outside + balance[A])
#else
#define SUM (account + outside + balance[A] + balance[B])
#endif
#define add_up() skip
#endif

/* After each step of load or unload k of card x. */
inline check(k, x)
{
	add_up();
	must(MONEY_MADE, SUM <= TOTAL);
	must(MONEY_LOST, SUM + TRANSIT == TOTAL);
	/* What the server does not know yet, the card has a record of. */
	must(EVIDENCE_LOST,
	    (!HAS(reports, k) || HAS(booked, k) || HAS(executed, k)) &&
		(!UNLOADING(k) || HAS(unloaded, k)));
	must(PROOF_CONTRADICTED, !(HAS(proofs, k) && HAS(reports, k)));
	/* Who has been given the proof keeps no money for that load. */
	must(DEBITED_AFTER_PROOF, !(HAS(seen, k) && LOADING(k)));
	must(ROOM_MISSING, balance[x] <= HIGHEST_OF(x) && records[x] <= LOG);
	/* Executed or cancelled, in both logs. */
	must(LOGS_DIFFER,
	    !(HAS(booked, k) && HAS(cancelled, k)) &&
		(!HAS(booked, k) || HAS(reports, k)) &&
		!(HAS(refunded, k) && HAS(reports, k)));
#ifdef GOAL
	/* To see that the last load can be booked. */
	assert(!HAS(booked, LAST));
#endif
}

/* ---- the rules, and what a variant does instead --------------------------- */

/* A payment received leaves the room that an open load has reserved. */
#ifdef BROKEN_HEADROOM
#define HEADROOM(x, value) (balance[x] + value <= HIGHEST_OF(x))
#else
#define HEADROOM(x, value) (balance[x] + promised[x] + value <= HIGHEST_OF(x))
#endif
#ifdef BROKEN_RECORD_ROOM
#define LOG_ROOM(x) (records[x] < LOG)
#else
#define LOG_ROOM(x) (records[x] + (open_load[x] != 0) < LOG)
#endif
/* No proof from absence when the ring has moved on. */
#ifdef BROKEN_RING
#define ABOVE_FLOOR(x, n) true
#else
#define ABOVE_FLOOR(x, n) (n > floor[x])
#endif
/* No time-out ever refunds. */
#ifdef BROKEN_TIMEOUT
#define MAY_REFUND(k) true
#else
#define MAY_REFUND(k) (HAS(proofs, k))
#endif
#ifdef BROKEN_UNLOAD_TWICE
#define ONCE(k) true
#else
#define ONCE(k) (!HAS(credited, k))
#endif
/* The same request gets the same permission. */
#ifdef BROKEN_PERMIT_TWICE
#define NEW(k) true
#else
#define NEW(k) (!HAS(permissions, k))
#endif

/* ---- steps of cards ------------------------------------------------------ */

/* 8050 00 INITIALIZE FOR LOAD: counter and the one open load. */
#define can_open_load(k, x, n)                                                 \
	(counter[x] + 1 == n && open_load[x] == 0 && HEADROOM(x, VALUE(k)) &&  \
	    LOG_ROOM(x))
inline open_a_load(k, x, n)
{
	counter[x] = n;
	open_load[x] = n;
	promised[x] = VALUE(k);
	ADD(requests, k);
	check(k, x);
}

inline close_load(x)
{
	open_load[x] = 0;
	promised[x] = 0;
}

/* 8052 CREDIT FOR LOAD: credit, record, end of the open load. */
#define can_credit_load(k, x, n) (HAS(permissions, k) && open_load[x] == n)
inline credit_load(k, x)
{
	balance[x] = balance[x] + VALUE(k);
	ADD(executed, k);
	records[x] = records[x] + 1;
#ifndef BROKEN_SECOND_COMMIT
	close_load(x);
#endif
	ADD(reports, k);
	check(k, x);
}

/* 807A CANCEL LOAD: closes the load of this counter, then signs. */
#define can_cancel_load(k, x, n)                                               \
	(n <= counter[x] && !HAS(executed, k) && ABOVE_FLOOR(x, n) &&          \
	    !HAS(proofs, k))
inline cancel_load(k, x, n)
{
#ifndef BROKEN_PROOF_OPEN
	if
	:: open_load[x] == n -> close_load(x)
	:: else
	fi;
#endif
	ADD(proofs, k);
	check(k, x);
}

/* 8054 03 DEBIT FOR UNLOAD: counter, debit, record. */
#define can_unload(k, x, n)                                                    \
	(counter[x] + 1 == n && balance[x] >= VALUE(k) && LOG_ROOM(x))
inline unload(k, x, n)
{
	counter[x] = n;
	balance[x] = balance[x] - VALUE(k);
	ADD(unloaded, k);
	records[x] = records[x] + 1;
	ADD(unloads, k);
	check(k, x);
}

/* Payments, of which only the room matters here: payment.pml has the rest. */
#define can_receive(x, value) (outside >= value && HEADROOM(x, value))
inline move(x, value)
{
	balance[x] = balance[x] + value;
	outside = outside - value;
}

/* ---- steps of the server -------------------------------------------------- */

/* Permission: the account debited and the permission kept, before it goes. */
#define can_permit(k)                                                          \
	(HAS(requests, k) && NEW(k) && !HAS(cancelled, k) &&                   \
	    account >= VALUE(k))
inline permit(k, x)
{
	account = account - VALUE(k);
	ADD(permissions, k);
	check(k, x);
}

/* A report, or the record in a batch (8079 SETTLE), which has it too. */
#define can_book_load(k)                                                       \
	(HAS(reports, k) && HAS(permissions, k) && !HAS(cancelled, k) &&       \
	    !HAS(booked, k))
inline book_load(k, x)
{
	ADD(booked, k);
	check(k, x);
}

/* A proof: refunds once, and is kept, also for a load not seen. */
#define can_refund_load(k)                                                     \
	(MAY_REFUND(k) && !HAS(cancelled, k) && !HAS(booked, k))
inline refund_load(k, x)
{
	if
	:: HAS(permissions, k) ->
		account = account + VALUE(k);
		ADD(refunded, k);
		ADD(cancelled, k)
	:: else ->
#ifdef BROKEN_LATE_REQUEST
		skip
#else
		ADD(cancelled, k)
#endif
	fi;
	if
	:: HAS(proofs, k) -> ADD(seen, k)
	:: else
	fi;
	check(k, x);
}

#define can_credit_account(k) (HAS(unloads, k) && ONCE(k))
inline credit_account(k, x)
{
	account = account + VALUE(k);
	ADD(credited, k);
	check(k, x);
}

/* 8079 SETTLE: the card clears what the issuer has confirmed. */
#ifdef BROKEN_UNCONFIRMED
#define can_clear(k, set, known) (HAS(set, k))
#else
#define can_clear(k, set, known) (HAS(set, k) && HAS(known, k))
#endif
inline clear(k, x, n)
{
	records[x] = records[x] - 1;
	if
	:: floor[x] < n -> floor[x] = n
	:: else
	fi;
	check(k, x);
}

/* ---- everything that may happen ------------------------------------------- */

/* As in payment.pml. */
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
#else
#define step(verb, allowed, action)                                            \
	d_step { allowed -> say(verb); action }
#define say(verb)                                                              \
	printf(#verb);                                                         \
	printf(" %c %d\n", 'A' + x, n)
#endif

proctype load(number k, x, n)
{
	do
	:: step(open_load, can_open_load(k, x, n), open_a_load(k, x, n))
	:: step(permit, can_permit(k), permit(k, x))
	:: step(credit_load, can_credit_load(k, x, n), credit_load(k, x))
	:: step(book_load, can_book_load(k), book_load(k, x))
	:: step(cancel_load, can_cancel_load(k, x, n), cancel_load(k, x, n))
	:: step(refund_load, can_refund_load(k), refund_load(k, x))
	:: step(unload, can_unload(k, x, n), unload(k, x, n))
	:: step(credit_account, can_credit_account(k), credit_account(k, x))
	:: step(clear_load, can_clear(k, executed, booked),
	       DEL(executed, k); clear(k, x, n))
	:: step(clear_unload, can_clear(k, unloaded, credited),
	       DEL(unloaded, k); clear(k, x, n))
#ifdef REPLAY
	/* The same again, which leads nowhere new. */
	:: step(open_again, open_load[x] == n, skip)
	:: step(permit_again, HAS(permissions, k) && !HAS(cancelled, k), skip)
	:: step(credit_load_again, HAS(reports, k), skip)
	:: step(cancel_again, HAS(proofs, k), skip)
	:: step(book_load_again, HAS(booked, k), skip)
	:: step(refund_again, HAS(cancelled, k), skip)
	:: step(credit_account_again, HAS(credited, k), skip)
	/* Payments, of which the balance alone matters: k is the amount. */
	:: step(receive, HEADROOM(x, k), move(x, k))
	:: step(spend, balance[x] >= k, move(x, -k))
	:: step(complete, balance[x] >= k, move(x, -k))
	:: step(credit, true, move(x, k))
#endif
	od
}

#ifdef REPLAY

init
{
	do
	:: at < EVENTS ->
		event = verbs[at];
		run load(ks[at], cs[at], ns[at]);
		_nr_pr == 1;
		at = at + 1
	:: else -> break
	od;
	printf("accepted: %d steps\n", EVENTS)
}

#else

proctype payments(byte x)
{
	do
	:: d_step {
		can_receive(x, 1) ->
		printf("receive %c 1\n", 'A' + x);
		move(x, 1)
	}
	:: d_step {
		balance[x] > 0 ->
		printf("spend %c 1\n", 'A' + x);
		move(x, -1)
	}
	od
}

init
{
	byte x, n;

	atomic {
		printf("limits 1 %d 1\n", LOG);
		printf("account %d\n", ACCOUNT);
		for (x : 0 .. CARDS - 1) {
			printf("card %c %d %d\n", 'A' + x, balance[x], HIGHEST);
			run payments(x);
			for (n : 1 .. COUNTERS) {
				run load(x * COUNTERS + n - 1, x, n)
			}
		}
		x = 0;
		n = 0
	}
}

#endif
