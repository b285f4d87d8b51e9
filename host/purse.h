/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A purse, as a terminal sees it.
 */
#ifndef JZ_HOST_PURSE_H
#define JZ_HOST_PURSE_H

#include "../apdu/message.h"
#include "../apdu/purse.h"
#include "../keys/secret.h"
#include "card.h"

struct jz_purse_info {
	uint8_t state; /* enum jz_purse_state */
	uint8_t id[JZ_ID_BYTES];
	uint8_t asn[10];
	uint16_t currency;
	uint64_t balance_minor;
	uint64_t max_balance_minor;
	uint64_t max_single_minor;
	uint32_t online_counter;
	uint32_t offline_counter;
	uint32_t next_record;  /* number the next record will have */
	uint32_t unsettled;    /* records not yet confirmed by the issuer */
	uint32_t capacity;     /* records the log can hold */
	uint32_t list_version; /* of its revocation list; 0: it has none */
	uint8_t profile;       /* enum jz_profile */
};

/* One line of the card's log, JR/T 0025 SFI 18. */
struct jz_log_line {
	uint16_t serial;
	uint32_t amount_minor;
	uint8_t type; /* enum jz_transaction_type */
	uint8_t terminal[JZ_TERMINAL_BYTES];
	int64_t time;
};

/* The AID of the session's purse, s->purse or the usual one; lent. */
struct jz_span jz_purse_aid(const struct jz_session *s);
/* Selects the purse.  JZ_ERR_STATUS (6A82) when the card has none. */
int jz_purse_select(struct jz_session *s);
int jz_purse_info(struct jz_session *s, struct jz_purse_info *out);
/* enum jz_suite, from the public file.  JZ_ERR_ANSWER. */
int jz_purse_suite(struct jz_session *s, uint8_t *suite);
/* GET BALANCE, 805C. */
int jz_purse_balance(struct jz_session *s, uint64_t *minor);
/* The card's certificate, copied; *len in: capacity, out: length. */
int jz_purse_certificate(struct jz_session *s, uint8_t *out, size_t *len);
/*
 * VERIFY with a PIN of 4 to 12 digits.  JZ_ERR_PIN sets *tries_left.
 * The PIN is wiped from the session's buffers.
 */
int jz_purse_verify_pin(
    struct jz_session *s, const struct jz_secret *pin, unsigned *tries_left);
/*
 * A PIN of 4 to 12 digits as cards take it: BCD, an odd last nibble F.  *len
 * gets 2 to 6.  JZ_ERR_ARGUMENT for anything else.  The caller wipes out.
 */
int jz_pin_to_bcd(const struct jz_secret *pin,
    uint8_t out[static JZ_PIN_BYTES_MAX], size_t *len);
/*
 * Shows the purse a CA certificate of the root that it keeps, or the
 * certificate of a host under a CA that it knows; it believes it until it is
 * selected again or reset.  The functions below do so by themselves with the
 * certificates in s->known, when the purse refuses what it was told for want of
 * one (9425), and say it again.  JZ_ERR_CERT_*, JZ_ERR_RANGE (no certificate).
 */
int jz_purse_show(struct jz_session *s, struct jz_span certificate);
/* Newest first; *n in: capacity, out: lines. */
int jz_purse_log(struct jz_session *s, struct jz_log_line *out, size_t *n);

/*
 * The n-th newest record whole, from 1, with its signatures: FF56, FF57, FF58 or
 * FF5A, appended.  After the PIN (JZ_ERR_STATUS, 6982).  JZ_ERR_NOT_FOUND: no
 * n-th.
 */
int jz_purse_record(struct jz_session *s, unsigned n, struct jz_buffer *record);

/* ---- other cards' certificates that it keeps, after the PIN (known.c) ---- */

/* JZ_ERR_CERT_*; JZ_ERR_STATUS: 6A84 there is no room, 9428 it is its own. */
int jz_purse_keep(struct jz_session *s, struct jz_span certificate);
/* The IDs, JZ_ID_BYTES each; *n in: capacity, out: how many. */
int jz_purse_kept(struct jz_session *s, uint8_t (*ids)[JZ_ID_BYTES], size_t *n);
/* JZ_ERR_NOT_FOUND. */
int jz_purse_forget(struct jz_session *s, const uint8_t id[static JZ_ID_BYTES]);

/* ---- its key ------------------------------------------------------------ */

/* The public key of the pair made before; JZ_ERR_STATUS (6A88) when none. */
int jz_purse_public_key(
    struct jz_session *s, uint8_t public_key[static JZ_POINT_BYTES]);
/* The point in 7F49 { 86 point }, ISO/IEC 7816-8.  JZ_ERR_ANSWER; zeroed. */
int jz_purse_parse_key(
    struct jz_span answer, uint8_t public_key[static JZ_POINT_BYTES]);

/* ---- offline payment: one card, one step -------------------------------- */

/* What the payee's terminal asks for. */
struct jz_terms {
	uint64_t amount_minor;
	uint16_t currency;
	int64_t time;	       /* the terminal's, stated in the record */
	const char *reference; /* the merchant's, up to 32 bytes; may be NULL */
	/* A refund: the payee counter of the payment that is given back; 0. */
	uint32_t refund_of;
	/* Encrypted profile: the payer card's hello; else empty.  jz_pay() gets
	 * it by itself. */
	struct jz_span hello;
	/* Without the card's certificate: the other card keeps it. */
	bool id_alone;
	/* Of jz_pay(): as that of struct jz_consent. */
	bool (*confirmed)(void *arg);
	void *confirmed_arg;
};

/* Encrypted profile: the payer card's hello, appended.  JZ_ERR_PROFILE. */
int jz_purse_hello(struct jz_session *payer, struct jz_buffer *out);

/*
 * Each takes the message before it and gives the next one.  Messages are
 * self-contained byte strings that any channel can carry: `out` is the
 * caller's, JZ_MESSAGE_MAX bytes are always enough.
 */
int jz_purse_request(
    struct jz_session *payee, const struct jz_terms *t, struct jz_buffer *out);
int jz_purse_agree(
    struct jz_session *payer, struct jz_span request, struct jz_buffer *out);
/* What the payer's terminal says to its own card. */
struct jz_consent {
	/* What the cardholder was told; another amount: JZ_ERR_DATA.  0: any. */
	uint64_t amount_minor;
	/* Without the card's certificate: the payee's card keeps it. */
	bool id_alone;
	/*
	 * The card shows the amount: true when its holder has been at its keys,
	 * and the card is asked again; false, or NULL: 9437 is the answer, and
	 * the same request goes through once it was confirmed there.  The card
	 * gets no command in between: that would end the question.
	 */
	bool (*confirmed)(void *arg);
	void *confirmed_arg;
};
/* The same, with it.  JZ_ERR_STATUS with 9438: not confirmed on the card. */
int jz_purse_agree_to(struct jz_session *payer, struct jz_span request,
    const struct jz_consent *consent, struct jz_buffer *out);
int jz_purse_confirm(
    struct jz_session *payee, struct jz_span agreement, struct jz_buffer *out);
int jz_purse_complete(struct jz_session *payer, struct jz_span confirmation,
    struct jz_buffer *out);
int jz_purse_credit(
    struct jz_session *payee, struct jz_span completion, struct jz_buffer *out);
int jz_purse_acknowledge(struct jz_session *payer, struct jz_span receipt);
/* A completion in clear, as the issuer has it: no receipt comes back. */
int
jz_purse_credit_relayed(struct jz_session *payee, struct jz_span completion);
/* The completion of a payment once more, by its request's digest. */
int jz_purse_fetch_completion(struct jz_session *payer,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_buffer *out);

/* ---- a payment that stopped half-way (unfinished.c) ---------------------- */

/*
 * The n-th payment that this card, as payee, has confirmed and not finished,
 * from 0.  After the PIN (JZ_ERR_STATUS, 6982).  JZ_ERR_NOT_FOUND: no n-th.
 */
int
jz_purse_pending(struct jz_session *payee, unsigned n, struct jz_payment *out);
/* The open agreement of this card, as payer; as above. */
int jz_purse_agreed(struct jz_session *payer, struct jz_payment *out);
/* The n-th newest completion that has no receipt, sealed; as above. */
int jz_purse_unacknowledged(
    struct jz_session *payer, unsigned n, struct jz_buffer *out);
/*
 * The payer's proof that this payment was not made and no longer can be; closes
 * its agreement.  JZ_ERR_STATUS: 942E it was made, 942F ask the issuer.
 */
int jz_purse_prove(struct jz_session *payer, const struct jz_payment *p,
    struct jz_buffer *proof);
/* With it the payee's card is done with that payment. */
int jz_purse_drop(struct jz_session *payee, struct jz_span proof);
/*
 * The payee gives a payment up, for good; the issuer pays, or pays back, at
 * settlement.  A release after the PIN.
 */
int jz_purse_abandon(struct jz_session *payee,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    enum jz_outcome outcome, struct jz_buffer *exception);

/* ---- load: one step ------------------------------------------------------ */

int jz_purse_load_request(struct jz_session *s, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct jz_buffer *out);
int jz_purse_credit_for_load(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *report);

/*
 * Whether the card waits for the permission of a load.  Changes nothing: the
 * card is shown a permission that fits none, and says why it refuses it.
 */
int jz_purse_load_open(struct jz_session *s, bool *open);
/*
 * Closes the open load and gives the card's proof that it has not executed it
 * and never will; again, until the next load is opened.  JZ_ERR_NOT_FOUND when
 * there is none to close.
 */
int jz_purse_cancel_load(struct jz_session *s, struct jz_buffer *proof);

/* ---- unload: one step ---------------------------------------------------- */

/* JZ_ERR_STATUS with 6985: the proof of the last one is to be brought first. */
int jz_purse_unload_request(struct jz_session *s, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct jz_buffer *out);
int jz_purse_debit_for_unload(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *proof);
/* The proof that nobody has acknowledged; JZ_ERR_NOT_FOUND: there is none. */
int jz_purse_fetch_unload(struct jz_session *s, struct jz_buffer *proof);
int
jz_purse_acknowledge_unload(struct jz_session *s, struct jz_span acknowledged);

/* ---- a key and an IC card ------------------------------------------------ */

/*
 * Puts another card's ID on this card's list, or takes it off; after the PIN.
 * JZ_ERR_STATUS with 6A84: the list is full, 9428: it is this card;
 * JZ_ERR_NOT_FOUND: it is not on it.
 */
int jz_purse_pair(
    struct jz_session *s, const uint8_t id[static JZ_ID_BYTES], bool paired);

/* ---- revocation list: keys/revocation.h --------------------------------- */

/* Gives the card a list; JZ_ERR_LIST_OLD when its own is as new or newer. */
int jz_purse_put_list(struct jz_session *s, struct jz_span list);
/* The card's list, appended; JZ_ERR_NOT_FOUND when it has none. */
int jz_purse_list(struct jz_session *s, struct jz_buffer *list);

/* ---- settlement: one step ------------------------------------------------ */

/* step: enum jz_settle_step.  A batch when none is left: JZ_ERR_NOT_FOUND. */
int jz_purse_settle(struct jz_session *s, unsigned step, struct jz_span in,
    struct jz_buffer *out);

#endif
