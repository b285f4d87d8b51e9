/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole transactions over open sessions, with a purse selected on each.
 */
#ifndef JZ_HOST_PAY_H
#define JZ_HOST_PAY_H

#include "gp.h"
#include "issuer/issuer.h"
#include "purse.h"

/*
 * A card keeps the CA and the host that it was personalised with.  When the
 * issuer has rolled its keys since (jz_issuer_roll_chain), jz_load() and
 * jz_settle() show the card the new ones.  In a payment each card must know the
 * CA of the other: put the CAs' certificates into the sessions' `known`.
 */

enum jz_step {
	JZ_STEP_REQUEST = 1,
	JZ_STEP_AGREE,
	JZ_STEP_CONFIRM,
	JZ_STEP_COMPLETE, /* the payer's card debits */
	JZ_STEP_CREDIT,	  /* the payee's card credits */
	JZ_STEP_ACKNOWLEDGE,
	JZ_STEP_DONE,
};

struct jz_pay_result {
	enum jz_step step;  /* the one that failed, or DONE */
	uint16_t sw;	    /* the refusing card's status word, or 0 */
	bool payer_refused; /* at REQUEST: it was the payer's card */
	/* The payer may have been debited, the payee has not credited: fetch
	 * the completion and give it to the payee's card. */
	bool in_doubt;
};

/*
 * What a terminal does before the first message, when both cards are before it:
 * finds out the profile, hands the newer of the two revocation lists to the
 * other card, so that both judge by the same, and gets the payer's hello, when
 * there is one, into `hello` (JZ_MESSAGE_MAX bytes are enough).
 * JZ_ERR_PROFILE: the cards pay in different ways; *at gets the session that an
 * error is of.
 */
int jz_pay_prepare(struct jz_session *payer, struct jz_session *payee,
    struct jz_buffer *hello, const struct jz_session **at);
/*
 * The same for one card and a list that came from afar: takes it when it is
 * newer.  What the card does not take, it goes on without.  An error is one of
 * the reader.
 */
int jz_pay_take_list(struct jz_session *s, struct jz_span list);

/*
 * Offline payment between two cards in two readers (PIN already verified where
 * the payer's card wants it), after jz_pay_prepare(), in either profile.
 * `told` is called before each step; may be NULL.  A payer's card with keys may
 * ask its holder: terms->confirmed, and 9437 or 9438 as in struct jz_consent.
 * Errors: those of the step, JZ_ERR_AUTHENTICATION and JZ_ERR_DATA among them.
 */
int jz_pay(struct jz_session *payer, struct jz_session *payee,
    const struct jz_terms *t, struct jz_pay_result *result,
    void (*told)(enum jz_step, struct jz_span message, void *arg), void *arg);

/* Of a load, before each. */
enum jz_load_step {
	JZ_LOAD_REQUEST = 1, /* the card signs */
	JZ_LOAD_PERMIT,	     /* the issuer debits */
	JZ_LOAD_CREDIT,	     /* the card credits */
	JZ_LOAD_REPORT,	     /* the issuer learns of it */
	JZ_LOAD_DONE,
};

/*
 * Load from the account bound to the card (PIN already verified).  The issuer
 * is a library here; bank.h has the same over HTTPS.
 *
 * JZ_ERR_REFUSED: the issuer refused, jz_issuer_refusal() says why; the card
 * has cancelled and is free for another load.  When it could not be freed,
 * jz_issuer_refusal() says why all the same, and the error why not.
 * JZ_ERR_STATUS with 6985: a load of another amount or terminal is open; 9437:
 * the card shows the amount, the same load again goes on once it was confirmed
 * there; 9438: it was not.
 * After any error the same load again takes it up where it was cut off.
 */
int jz_load(struct jz_session *s, struct jz_issuer *issuer,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES]);

/* The issuer's CA and host as they are now, lent by it: for s->known. */
struct jz_known jz_known_issuer(const struct jz_issuer *issuer);

struct jz_cancel_result {
	bool again;		 /* the issuer had the card's proof already */
	uint64_t returned_minor; /* by it, now or then, to the account */
};
/*
 * Gives up a load left open: the card cancels it, the issuer gives back what
 * it had taken from the account.  No PIN.  JZ_ERR_NOT_FOUND when none is open.
 * After any other error the same again finishes it.
 */
int jz_load_cancel(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_cancel_result *result);

struct jz_unload_result {
	bool found;	  /* one that was cut off was finished */
	uint32_t counter; /* of the last that was finished now; 0: none */
	uint64_t credited_minor; /* by it to the account */
};
/*
 * Finishes an unload that was cut off after the card's debit: its proof goes to
 * the issuer, and the issuer's word back to the card.  No PIN.  Nothing to do:
 * 0, and *result says so.  After any error the same again finishes it.
 */
int jz_unload_resume(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_unload_result *result);
/*
 * Unload to the account bound to the card (PIN already verified): one that was
 * cut off is finished first, then this one begun; so after an error it is
 * jz_unload_resume() that finishes it.  *result is of the last one finished.
 *
 * JZ_ERR_REFUSED: the issuer refused; nothing has changed, or, after the
 * card's debit, the proof stays on the card.
 */
int jz_unload(struct jz_session *s, struct jz_issuer *issuer,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_unload_result *result);

struct jz_replace_result {
	uint64_t moved_minor; /* from the old card to the new one, altogether */
};
/*
 * Moves all of a card's money to its successor, of the same account and holder:
 * unload, load, and the old card is revoked.  Both purses selected, both PINs
 * verified.  What was cut off, at whatever point, is gone on with by the same
 * call; done again it moves nothing.
 *
 * JZ_ERR_STATE: payments to the old card are not finished (jz_recover()).
 * JZ_ERR_REFUSED: WRONG_ACCOUNT, WRONG_USER, UNKNOWN_CARD, CARD_BLOCKED,
 * EXISTS_DIFFERENT (it has another successor); or as jz_unload() and jz_load(),
 * the money being in the account in between.
 */
int jz_replace(struct jz_session *before, struct jz_session *after,
    struct jz_issuer *issuer, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_replace_result *result);

/*
 * Brings the card the issuer's newest revocation list, unless its own is as new
 * or there is none; *brought gets the version, or 0.
 */
int jz_bring_list(
    struct jz_session *s, struct jz_issuer *issuer, uint32_t *brought);

/*
 * Each card proves to the other who it is, and looks it up on its list.
 * JZ_ERR_STATUS with 9436: it is not on it; JZ_ERR_CERT_*; JZ_ERR_AUTHENTICATION.
 * The refusing card is the one whose session says other than 9000.
 */
int jz_identify(struct jz_session *key, struct jz_session *card);

/* ---- payments that stopped half-way -------------------------------------- */

enum jz_recovery {
	JZ_RECOVERY_CREDITED,	  /* the payee's card has the money now */
	JZ_RECOVERY_ACKNOWLEDGED, /* it had it; the payer's card knows now */
	JZ_RECOVERY_DROPPED,	  /* it was not paid, and no longer can be */
	JZ_RECOVERY_GIVEN_UP,	  /* the payee had given it up: settle */
	JZ_RECOVERY_ISSUER,	  /* too old for the payer's card: settle */
	/* With one card alone, left for the other: */
	JZ_RECOVERY_ASKED, /* what the payee's card waits for */
	JZ_RECOVERY_SENT,  /* a completion */
};

/*
 * Finishes every payment from one card to the other that can be seen: what the
 * payee's card has confirmed, when its PIN was verified, and what the payer's
 * card has agreed to or paid, when its was; with neither JZ_ERR_STATUS, 6982.
 * `told` is called for each, the payment's data with it as far as it is known
 * (its request's digest always is); may be NULL.
 *
 * After an error (a card that was taken away) the same again goes on.
 */
int jz_recover(struct jz_session *payer, struct jz_session *payee,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg);

/* Messages that came from the other card, and those for it. */
struct jz_mailbox {
	/* The n-th, from 0, appended; JZ_ERR_NOT_FOUND after the last. */
	int (*get)(void *arg, unsigned n, struct jz_buffer *out);
	/* Keeps one; JZ_ERR_EXISTS: these very bytes are there. */
	int (*put)(void *arg, struct jz_span message);
	void *arg;
};
/*
 * The same with one card, and the other's messages: whatever is in the mailbox
 * is tried, and what the other card needs is put there.  Done at both ends in
 * turn, payee first, and once more at the payer's, everything is finished.
 * With the card's PIN verified also what no message speaks of is seen; without,
 * and nothing to do by messages, JZ_ERR_STATUS, 6982.
 */
int jz_recover_payee(struct jz_session *payee, const struct jz_mailbox *box,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg);
int jz_recover_payer(struct jz_session *payer, const struct jz_mailbox *box,
    void (*told)(enum jz_recovery what, const struct jz_payment *p, void *arg),
    void *arg);

struct jz_settle_result {
	unsigned relayed; /* completions that its terminals had lost */
	unsigned records; /* confirmed and cleared on the card */
	unsigned batches;
	uint32_t list_version; /* of the revocation list brought; 0: none */
	bool revoked;	       /* the card itself is, by the newest list */
};
/*
 * Signs the card in, brings it the issuer's revocation list when that is newer
 * than its own, credits it with what it was paid and has not got (the issuer
 * knows that from the payer's settlement), and uploads its records.
 */
int jz_settle(struct jz_session *s, struct jz_issuer *issuer,
    struct jz_settle_result *result);

struct jz_personal {
	const char *holder;	     /* user identity, up to 32 bytes */
	const char *account;	     /* account at the issuer */
	const struct jz_secret *pin; /* 4-12 digits */
	uint16_t currency;
	uint64_t max_balance_minor;
	uint64_t max_single_minor;
	uint64_t pin_above_minor; /* PIN for amounts above this */
	bool payee_only;
	bool encrypted;	    /* the profile: docs/protocol.md, section 4 */
	bool sealed_loads;  /* enciphered between card and issuer */
	bool confirm_loads; /* on the card's own display, which it must have */
	bool confirm_payments; /* a key of the card stands for the PIN */
	/* The keys that the card came with.  NULL: the well-known test keys,
	 * 404142434445464748494A4B4C4D4E4F three times, under version FF. */
	const struct jz_scp03_keys *transport_keys;
	uint8_t transport_kvn; /* of transport_keys */
};

/* The first version of the issuer's own keys; jz_issuer_kvn() has the last. */
#define JZ_ISSUER_KVN 0x01

/*
 * Personalises the purse through the card's issuer security domain, in an SCP03
 * channel that protects everything: the card's administration keys are replaced
 * by the issuer's (jz_issuer_card_keys, the last version), the purse makes its key
 * pair, the issuer registers the card and certifies the key, everything is
 * stored, the purse becomes PERSONALISED and the card SECURED.  id gets the
 * card's ID.  The purse is selected again, also after an error if it can be.
 *
 * What was cut off, at whatever point, is done by the same call once more, the
 * purse selected.  JZ_ERR_STATE: the card is personalised, and nothing is left
 * to be done by this issuer.  JZ_ERR_AUTHENTICATION: the card's administration
 * keys are neither the issuer's nor the transport keys.  JZ_ERR_NOT_FOUND: no
 * such account, or the issuer has no administration key; the card is as it was.
 */
int jz_personalise(struct jz_session *s, struct jz_issuer *issuer,
    const struct jz_personal *p, uint8_t id[static JZ_ID_BYTES]);

#endif
