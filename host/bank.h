/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's issuer, as a terminal reaches it: the library beside it, with the
 * issuer's directory, or its daemon over HTTPS.  Load, unload and
 * settlement do not care which.
 *
 * Whatever is asked may be asked again: the issuer knows a card's messages by
 * card and counter, and does each once.  So a request whose answer is lost is
 * repeated, as often as it takes.
 *
 * A handle is used by one thread at a time.
 */
#ifndef JZ_HOST_BANK_H
#define JZ_HOST_BANK_H

#include "issuer/control.h"
#include "issuer/esign.h"
#include "pay.h"

struct jz_bank;

/* The issuer is lent. */
int jz_bank_of_issuer(struct jz_issuer *issuer, struct jz_bank **out);

struct jz_https_options {
	const char *url; /* https://HOST[:PORT], nothing after it */
	const char *ca;	 /* PEM file; NULL: the system's */
	/* Of this client, where the server asks; PEM files, or NULL. */
	const char *certificate, *key;
	unsigned timeout_s; /* for one question with its retries; 0: 30 */
	/* Asked several times a second while it waits; NULL: never.  True ends
	 * the wait with JZ_ERR_CANCELLED. */
	bool (*cancelled)(void *arg);
	void *arg;
};
/* Connects when it is first asked something.  JZ_ERR_ARGUMENT: the URL. */
int jz_bank_of_url(const struct jz_https_options *o, struct jz_bank **out);
void jz_bank_free(struct jz_bank **bank);

/* Why it refused last (JZ_ERR_REFUSED). */
enum jz_refusal jz_bank_refusal(const struct jz_bank *bank);
/* What the issuer has against the card, when that is why; by its name and text
 * as issuer/control.h has them. */
enum jz_incident_kind jz_bank_incident(const struct jz_bank *bank);
/* What more is known of the last error, for people; "" when nothing is. */
const char *jz_bank_detail(const struct jz_bank *bank);

/*
 * Those of pay.h; besides their errors: JZ_ERR_NETWORK, JZ_ERR_SERVER (its
 * certificate), JZ_ERR_SERVER_BUSY, JZ_ERR_SERVER_ANSWER, JZ_ERR_CANCELLED.
 * After any of these nobody knows whether the issuer has done what it was
 * asked: jz_bank_resume().
 */
int jz_bank_load(struct jz_session *s, struct jz_bank *bank,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    void (*told)(enum jz_load_step, void *arg), void *arg);
int jz_bank_load_cancel(struct jz_session *s, struct jz_bank *bank,
    struct jz_cancel_result *result);
int jz_bank_settle(struct jz_session *s, struct jz_bank *bank,
    struct jz_settle_result *result);

/*
 * From now on `told` is called in settlement before the first batch and after
 * each: `records` of `all` that the card had are settled.  NULL: no more.
 */
void jz_bank_watch(struct jz_bank *bank,
    void (*told)(unsigned records, unsigned all, void *arg), void *arg);

/* That of pay.h; over HTTPS it is refused (AMOUNT) for an empty card, whose
 * holder nothing would have asked for the PIN. */
int jz_bank_replace(struct jz_session *before, struct jz_session *after,
    struct jz_bank *bank, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_replace_result *result);

/* Those of pay.h; after an error of the network it is jz_bank_unload_resume()
 * that finishes what was begun. */
int jz_bank_unload_resume(struct jz_session *s, struct jz_bank *bank,
    struct jz_unload_result *result);
int jz_bank_unload(struct jz_session *s, struct jz_bank *bank,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_unload_result *result);

enum jz_resumption {
	JZ_RESUME_NOTHING,   /* no load was cut off */
	JZ_RESUME_FINISHED,  /* it was permitted: credited and reported now */
	JZ_RESUME_REPORTED,  /* it was credited: the report was missing */
	JZ_RESUME_CANCELLED, /* the issuer had not seen it: given up */
	JZ_RESUME_RETURNED,  /* it had been given up: the issuer knows now */
};
struct jz_resume_result {
	enum jz_resumption what;
	uint64_t amount_minor; /* credited, or back in the account */
};
/*
 * Finishes the card's last load, wherever it was cut off: without a PIN, and
 * without its amount, which card and issuer know.  Again: NOTHING.
 */
int jz_bank_resume(struct jz_session *s, struct jz_bank *bank,
    struct jz_resume_result *result);

/* The card's last load as the issuer knows it; changes nothing. */
int jz_bank_look(
    struct jz_session *s, struct jz_bank *bank, struct jz_load_story *story);

/*
 * A joint password with what was signed (jz_esign_put_submission()), over HTTPS;
 * JZ_ERR_UNSUPPORTED for the library, which has jz_esign_submit().  It is sent
 * again until there is an answer: EXECUTED may be an earlier one's doing.
 */
int jz_bank_submit(struct jz_bank *bank, struct jz_span submission,
    enum jz_esign_verdict *verdict);

/* An account's balance, and its last movements, the last first. */
struct jz_account_view {
	int64_t balance_minor;
	uint16_t currency;
	const char *account;
	int (*each)(const struct jz_account_line *line, void *arg);
	void *arg;
};
/*
 * What an account's owner may see, by its password.  A try that is wrong is
 * counted, and the fifth locks it; so this is asked once, and an answer that is
 * lost is not asked for again.
 */
int jz_bank_account(struct jz_bank *bank, const struct jz_secret *password,
    struct jz_account_view *view);

/*
 * Steps of the above.  The card signs in; *signed_in gets its message.  Brings
 * it the issuer's newest list, as jz_bring_list().
 */
int jz_bank_sign_in(
    struct jz_session *s, struct jz_bank *bank, struct jz_buffer *signed_in);
int jz_bank_bring_list(
    struct jz_session *s, struct jz_bank *bank, uint32_t *brought);

/* ---- for those who make one ---------------------------------------------- */

/* Sign-ins of the old card and of the new one. */
struct jz_replace_pair {
	struct jz_span before, after;
};

/*
 * Each asks the issuer one thing, as the functions of issuer.h do.  They keep a
 * refusal in the handle.
 */
struct jz_bank_ops {
	int (*known)(struct jz_bank *b, struct jz_known *out); /* lent by it */
	int (*permit)(
	    struct jz_bank *b, struct jz_span request, struct jz_buffer *out);
	int (*report)(struct jz_bank *b, struct jz_span report);
	int (*cancel)(struct jz_bank *b, struct jz_span proof,
	    struct jz_cancel_result *result);
	/* The load of a counter of the card that signed the sign-in, and its
	 * permission if it has one. */
	int (*find)(struct jz_bank *b, struct jz_span sign_in, uint32_t counter,
	    struct jz_load_story *story, struct jz_buffer *permission);
	int (*unload_permit)(
	    struct jz_bank *b, struct jz_span request, struct jz_buffer *out);
	int (*unload)(
	    struct jz_bank *b, struct jz_span proof, struct jz_buffer *out);
	/* Of the cards that signed these: begun at this online counter of the
	 * old card, or known; told by which load it is filled; done. */
	int (*replace)(struct jz_bank *b, const struct jz_replace_pair *pair,
	    uint32_t counter, struct jz_replacement *out);
	int (*replacement_load)(struct jz_bank *b,
	    const struct jz_replace_pair *pair, uint32_t counter);
	int (*replaced)(struct jz_bank *b, const struct jz_replace_pair *pair);
	int (*challenge)(
	    struct jz_bank *b, struct jz_span request, struct jz_buffer *out);
	int (*sign_in)(
	    struct jz_bank *b, struct jz_span sign_in, struct jz_buffer *out);
	/* A card that a ledger from a backup has lost (issuer/control.h). */
	int (*readmit)(struct jz_bank *b, struct jz_span certificate);
	int (*batch)(
	    struct jz_bank *b, struct jz_span batch, struct jz_buffer *out);
	int (*owed)(struct jz_bank *b, struct jz_span sign_in,
	    int (*each)(struct jz_span completion, void *arg), void *arg,
	    bool *revoked);
	int (*account)(struct jz_bank *b, const struct jz_secret *password,
	    struct jz_account_view *view);
	/* NULL: it judges no signatures. */
	int (*submit)(struct jz_bank *b, struct jz_span submission,
	    enum jz_esign_verdict *verdict);
	/* JZ_ERR_NOT_FOUND: there is none yet. */
	int (*list)(struct jz_bank *b, struct jz_buffer *out);
	void (*free)(struct jz_bank *b);
};
struct jz_bank {
	const struct jz_bank_ops *ops;
	enum jz_refusal refusal;
	enum jz_incident_kind incident;
	char detail[192];
	void (*told)(unsigned records, unsigned all, void *arg);
	void *told_arg;
};

#endif
