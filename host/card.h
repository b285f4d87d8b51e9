/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a card: the APDU exchange that everything on the host side
 * uses.  It adds what a terminal must do and a reader must not: extended
 * length where the card offers it, command chaining where it does not,
 * GET RESPONSE after 61xx, a second try with the right Le after 6Cxx (both
 * bounded), and an error when the card was reset in between: nothing that
 * moves money is ever sent twice.
 *
 * One thread at a time per session.
 */
#ifndef JZ_HOST_CARD_H
#define JZ_HOST_CARD_H

#include "../apdu/apdu.h"
#include "../apdu/status.h"
#include "../reader/reader.h"

#define JZ_ANSWER_MAX 4096

/* What a card said; kept in the session until the next command. */
struct jz_answer {
	struct jz_span data;
	uint16_t sw;
};

#define JZ_KNOWN_MAX 32

/* Certificates of issuers, to show to a card that does not know one. */
struct jz_known {
	struct jz_span certificate[JZ_KNOWN_MAX]; /* lent */
	size_t n;
};

#define JZ_SESSION_AID_MAX 16

struct jz_session {
	struct jz_reader *reader; /* lent */
	/* The caller's to fill: the purse's AID, when a card has several. */
	uint8_t purse[JZ_SESSION_AID_MAX];
	uint8_t purse_len; /* 0: the one that a card has */
	/* The caller's to fill: for several sessions of one card, of which one
	 * is selected at a time.  Each selects its purse when it was another's
	 * turn; what that purse knew until it is deselected, a PIN, is gone. */
	struct jz_session **turn;
	/* The caller's to fill: what the purse is shown when it refuses a
	 * certificate or a host of an issuer's key that it does not know. */
	struct jz_known known;
	bool extended;
	uint16_t sw; /* of the last command */
	uint8_t buffer[JZ_ANSWER_MAX];
	size_t len;
};

/* The reader is lent and must outlive the session. */
void jz_session_init(struct jz_session *s, struct jz_reader *reader);

/*
 * Sends one command of any length and gathers the whole answer.  Returns 0
 * whenever the card answered, whatever its status word: look at out->sw.
 */
int jz_session_send(struct jz_session *s, uint8_t cla, uint8_t ins, uint8_t p1,
    uint8_t p2, struct jz_span data, struct jz_answer *out);

/*
 * The same for a command whose Le is the caller's to say: without has_le none
 * is sent; ne is how many bytes are expected (the extended form is used only
 * when data or ne need it and the card has it).  c->extended is not looked at.
 */
int jz_session_exchange(struct jz_session *s, const struct jz_command *command,
    struct jz_answer *out);

/*
 * As jz_session_send, and any status word but 9000 is an error: JZ_ERR_PIN,
 * JZ_ERR_PIN_BLOCKED, JZ_ERR_FUNDS, JZ_ERR_AUTHENTICATION, JZ_ERR_DATA,
 * JZ_ERR_DECRYPT, JZ_ERR_CERT_* where the word says so, else JZ_ERR_STATUS.
 * s->sw has it.
 */
int jz_session_command(struct jz_session *s, uint8_t cla, uint8_t ins,
    uint8_t p1, uint8_t p2, struct jz_span data, struct jz_answer *out);

/* The error that jz_session_command gives for a status word. */
int jz_status_error(uint16_t sw);

#endif
