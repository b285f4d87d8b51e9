/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the store for incidents, the audit log, operators and decisions; as
 * store.h.
 */
#ifndef JZ_HOST_ISSUER_STORE_CONTROL_H
#define JZ_HOST_ISSUER_STORE_CONTROL_H

#include "control.h"
#include "statement.h"
#include "store.h"

/* ---- audit log ----------------------------------------------------------- */

int jz_store_audit_add(struct jz_store *s, const struct jz_audit_entry *e);
int jz_store_audit_last(struct jz_store *s, struct jz_audit_entry *out);
int jz_store_each_audit(struct jz_store *s,
    int (*each)(const struct jz_audit_entry *e, void *arg), void *arg);
/* The number that the next entry gets. */
int jz_store_audit_next(struct jz_store *s, int64_t *out);

/* What a card has received from another one, whatever its key pair, less what
 * it has paid to it, by its own records. */
int
jz_store_refundable(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    const uint8_t other[static JZ_ID_BYTES], int64_t *amount);

/* ---- incidents ----------------------------------------------------------- */

int jz_store_incident_add(struct jz_store *s, const struct jz_incident *x);
/* Whether it is known already: card, kind, number and reference. */
int jz_store_incident_has(
    struct jz_store *s, const struct jz_incident *x, bool *has);
int jz_store_incidents_of(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], int64_t *n);
int jz_store_each_incident(struct jz_store *s,
    int (*each)(const struct jz_incident *x, void *arg), void *arg);

/* ---- a ledger put back from a backup ------------------------------------- */

/* The last time: its number, 0 when never. */
int jz_store_restored(struct jz_store *s, int64_t *id);
/* When that was; 0. */
int jz_store_restored_at(struct jz_store *s, int64_t *time);
int jz_store_restored_add(struct jz_store *s, int64_t id, int64_t time);
/* Whether this card has had its gap since restoration `id`. */
int jz_store_gap(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    int64_t id, bool *has);
int jz_store_gap_add(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    int64_t id, int64_t expected, uint32_t number);
/* When the card was revoked first, or its generation; 0: never. */
int jz_store_revoked_at(struct jz_store *s,
    const uint8_t card[static JZ_ID_BYTES], uint16_t generation, int64_t *time);

/* ---- operators, proposals ------------------------------------------------ */

struct jz_operator_row {
	struct jz_operator_story story;
	uint8_t host[JZ_ID_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES]; /* the host's, over both */
};
int jz_store_operator(
    struct jz_store *s, const char *name, struct jz_operator_row *out);
int
jz_store_operator_add(struct jz_store *s, const struct jz_operator_row *row);
int jz_store_operator_end(struct jz_store *s, const char *name, int64_t time);
int jz_store_each_operator(struct jz_store *s,
    int (*each)(const struct jz_operator_row *o, void *arg), void *arg);

/* Without the digest. */
int jz_store_proposal(struct jz_store *s, int64_t id, struct jz_proposal *out);
int jz_store_proposal_add(struct jz_store *s, const struct jz_proposal *p);
int jz_store_decision_add(struct jz_store *s, const struct jz_proposal *p);
int jz_store_each_proposal(struct jz_store *s,
    int (*each)(const struct jz_proposal *p, void *arg), void *arg);

/* ---- what was decided ---------------------------------------------------- */

/* Whose account it went to, "" for nobody's: JZ_ERR_NOT_FOUND. */
int jz_store_written_off(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    char target[static JZ_LEDGER_NAME_MAX]);
int jz_store_written_off_add(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t amount,
    const char *target, int64_t proposal, int64_t time);
int jz_store_card_closed(
    struct jz_store *s, const uint8_t card[static JZ_ID_BYTES], bool *closed);
int jz_store_card_closed_add(struct jz_store *s,
    const uint8_t card[static JZ_ID_BYTES], int64_t amount, const char *target,
    int64_t proposal, int64_t time);

/* ---- payments ------------------------------------------------------------ */

int jz_store_exception_is_paid(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], bool *paid);
/* Whether the payer has another payment of this counter. */
int
jz_store_has_twin(struct jz_store *s, const struct jz_payment *p, bool *has);
/* A payment of this payer and counter that only the payee has settled, while
 * the payer's card has settled another: JZ_ERR_NOT_FOUND. */
int jz_store_twin_loss(struct jz_store *s, const struct jz_payment *p,
    uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t *amount);

/* A record as it was uploaded, appended. */
int
jz_store_record_bytes(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t number, struct jz_buffer *out);
/* The number of a side's record, or of the exception's: JZ_ERR_NOT_FOUND. */
int jz_store_side_number(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], enum jz_side side,
    int64_t *number);
int jz_store_exception_number(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t *number);

/* As jz_issuer_each_traced(). */
int jz_store_each_traced(struct jz_store *s, const uint8_t *card,
    int (*each)(
	const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg),
    void *arg);
/* The entries of the transactions of this reference. */
int jz_store_each_posting(struct jz_store *s, const char *reference,
    int (*each)(const struct jz_posting *p, void *arg), void *arg);

#endif
