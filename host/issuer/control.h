/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What watches over the issuer: incidents, the audit log, operators and what
 * two of them decide.  docs/settlement.md tells it for people.
 *
 * Functions return 0, JZ_ERR_DATABASE, or what is said at each.  Threads: as
 * the issuer's handle.
 */
#ifndef JZ_HOST_ISSUER_CONTROL_H
#define JZ_HOST_ISSUER_CONTROL_H

#include "issuer.h"

/* ---- incidents ----------------------------------------------------------- */

/*
 * What is wrong with a card's records.  A card that proves by its own signature
 * that it was copied or altered goes on the next revocation list at once.
 */
enum jz_incident_kind {
	JZ_INCIDENT_NONE = 0,
	JZ_INCIDENT_DOUBLED_COUNTER, /* two payments of one payer's counter */
	JZ_INCIDENT_DOUBLED_RECORD,  /* one payment in two records */
	JZ_INCIDENT_ALTERED_RECORD,  /* not what was signed, or posted */
	JZ_INCIDENT_CLONED_CARD,     /* two records of one number */
	JZ_INCIDENT_CONTRADICTION,   /* received, and given up */
	JZ_INCIDENT_NEGATIVE_SHADOW, /* paid more than it ever had */
	JZ_INCIDENT_MISSING_RECORD,  /* a gap in the record numbers */
	JZ_INCIDENT_UNKNOWN_CARD,    /* a payment with a card nobody knows */
	/* Booked, because the ledger was put back from a backup: */
	JZ_INCIDENT_RESTORED_RECORD,
	JZ_INCIDENT_RESTORED_CARD,
	/* Uploaded after two people had decided about it; booked. */
	JZ_INCIDENT_LATE,
};
#define JZ_INCIDENT_LAST JZ_INCIDENT_LATE

const char *jz_incident_name(enum jz_incident_kind k);
const char *jz_incident_text(enum jz_incident_kind k, int lang);
/* Whether its card is revoked for it. */
bool jz_incident_blacklists(enum jz_incident_kind k);

struct jz_incident {
	int64_t id, time;
	enum jz_incident_kind kind;
	uint8_t card_id[JZ_ID_BYTES]; /* whose doing it is */
	uint32_t number;	      /* of its record, the counter, or 0 */
	char reference[2 * JZ_DIGEST_BYTES + 1]; /* of the payment, or "" */
	struct jz_span evidence; /* what was uploaded; good for the call */
};
/* In order; `each` as jz_issuer_each_account(). */
int jz_issuer_each_incident(struct jz_issuer *i,
    int (*each)(const struct jz_incident *x, void *arg), void *arg);
/* The one for which the last call refused, or JZ_INCIDENT_NONE. */
enum jz_incident_kind jz_issuer_alarm(const struct jz_issuer *i);

/*
 * Registers a card again by its certificate, after two operators have said that
 * the ledger was put back from a backup.  Its account is "restored", for the
 * real one is not known.  A card that is known: 0.  Refuses UNKNOWN_CARD while
 * nobody has said so; JZ_ERR_CERT_*.
 */
int jz_issuer_readmit(struct jz_issuer *i, struct jz_span certificate);
#define JZ_ISSUER_RESTORED_ACCOUNT "restored"

/* ---- audit log ------------------------------------------------------------ */

#define JZ_AUDIT_ACTOR_MAX 32
#define JZ_AUDIT_TEXT_MAX  256

/*
 * An entry: its hash is over the one before, number, time and texts, and the
 * host signs the hash.
 */
struct jz_audit_entry {
	int64_t number, time;
	uint8_t host[JZ_ID_BYTES];
	char actor[JZ_AUDIT_ACTOR_MAX + 1]; /* an operator, or "issuer" */
	char text[JZ_AUDIT_TEXT_MAX + 1];
	uint8_t previous[JZ_DIGEST_BYTES], hash[JZ_DIGEST_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES]; /* by the host */
};
int jz_issuer_each_audit(struct jz_issuer *i,
    int (*each)(const struct jz_audit_entry *e, void *arg), void *arg);
/* The last entry: kept elsewhere, it shows that the log was cut off at the end.
 * JZ_ERR_NOT_FOUND: there is none. */
int jz_issuer_audit_head(struct jz_issuer *i, struct jz_audit_entry *out);
/*
 * Whether every entry is signed and follows the one before, and `known` (NULL:
 * none), of which number, hash, host and signature count, is one of them.
 * *entries gets how many there are.  JZ_ERR_LOG_ALTERED; then
 * jz_issuer_detail() says where.
 */
int jz_issuer_audit_verify(
    struct jz_issuer *i, const struct jz_audit_entry *known, int64_t *entries);

/* ---- operators ------------------------------------------------------------ */

/* A person and what she signs with; made and kept by herself. */
struct jz_operator {
	char name[JZ_PERSON_MAX + 1];
	struct jz_key_pair key;
};
/* Draws a key pair and writes it, sealed, to a new file.  JZ_ERR_RANGE,
 * JZ_ERR_ARGUMENT (the name), JZ_ERR_EXISTS.  The caller wipes it. */
int jz_operator_create(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const char *name,
    struct jz_operator *out);
/* JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE. */
int jz_operator_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_operator *out);

struct jz_operator_story {
	char name[JZ_PERSON_MAX + 1];
	uint8_t public_key[JZ_POINT_BYTES];
	int64_t time, retired; /* 0: in service */
};
int jz_issuer_each_operator(struct jz_issuer *i,
    int (*each)(const struct jz_operator_story *o, void *arg), void *arg);
/*
 * The first two operators; JZ_ERR_STATE when there are two: from then on it is
 * proposed.  JZ_ERR_EXISTS: the name, in whatever letters, or the key;
 * JZ_ERR_KEY, JZ_ERR_RANGE, JZ_ERR_ARGUMENT.
 */
int jz_issuer_operator_found(struct jz_issuer *i, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES]);

/* ---- what two people decide ----------------------------------------------- */

/* How long a card's records may still come after it is void. */
#define JZ_SETTLEMENT_PERIOD ((int64_t)90 * 24 * 60 * 60)
/* How long a proposal stands. */
#define JZ_PROPOSAL_LIFE ((int64_t)7 * 24 * 60 * 60)

enum jz_proposal_kind {
	/*
	 * Subject a payment, its request's digest in hexadecimal: what is in
	 * transit goes to the fraud account.  Of a payer's upload alone, when
	 * the payee's card is gone; of a payee's alone, when the payer's card
	 * is gone or has an incident.
	 */
	JZ_PROPOSE_WRITE_OFF = 1,
	/*
	 * The same, and the amount is paid from the fraud account to the
	 * account of target, "payee" or "payer"; also a claim of the payee
	 * without the payer's upload.
	 */
	JZ_PROPOSE_RESOLVE,
	/* Subject a lost card: its shadow to the account of target, or to the
	 * account "lost" for "".  When the card is gone. */
	JZ_PROPOSE_LOST,
	/* Subject a card with an incident: its shadow below zero is made good
	 * from the fraud account. */
	JZ_PROPOSE_CLONE_LOSS,
	/* Subject "ledger": it was put back from a backup, and what cards have
	 * that it lacks is booked with an alarm. */
	JZ_PROPOSE_RESTORED,
	/* Subject a name, target a public key in hexadecimal. */
	JZ_PROPOSE_OPERATOR,
	/* Subject a name; two must stay. */
	JZ_PROPOSE_RETIRE,
};
#define JZ_PROPOSE_LAST JZ_PROPOSE_RETIRE
const char *jz_proposal_name(enum jz_proposal_kind k); /* "write-off" … */

#define JZ_SUBJECT_MAX (2 * JZ_DIGEST_BYTES)
#define JZ_TARGET_MAX  (2 * JZ_POINT_BYTES)

struct jz_proposal {
	int64_t id, time, expires;
	enum jz_proposal_kind kind;
	char subject[JZ_SUBJECT_MAX + 1];
	char target[JZ_TARGET_MAX + 1];
	int64_t amount; /* that moves, as it was when it was proposed */
	char reason[JZ_REASON_MAX + 1];
	char by[JZ_PERSON_MAX + 1];
	uint8_t signature[JZ_SIGNATURE_BYTES];
	/* The hash of all of the above but id and signature. */
	uint8_t digest[JZ_DIGEST_BYTES];
	bool decided, approved;
	int64_t decided_at;
	char decided_by[JZ_PERSON_MAX + 1];
	uint8_t decision_signature[JZ_SIGNATURE_BYTES];
};

/*
 * Proposes p's kind, subject, target and reason; the rest of p is filled in.
 * Nothing moves.  JZ_ERR_OPERATOR_UNKNOWN; JZ_ERR_ARGUMENT, JZ_ERR_RANGE (what
 * is proposed is none); JZ_ERR_NOT_FOUND (no such card, payment or account, or
 * nothing to move), JZ_ERR_EXISTS (done before), JZ_ERR_NOT_DUE.
 */
int jz_issuer_propose(
    struct jz_issuer *i, const struct jz_operator *by, struct jz_proposal *p);
/*
 * Decides a proposal; `digest` is the one that this person has read.  Approved,
 * it is carried out in the same commit.  Who proposed may reject, not approve:
 * JZ_ERR_OPERATOR_SAME.  JZ_ERR_PROPOSAL_ALTERED (another digest, or a
 * signature that does not verify), JZ_ERR_PROPOSAL_EXPIRED,
 * JZ_ERR_PROPOSAL_DECIDED, JZ_ERR_PROPOSAL_STALE (another amount by now),
 * and as jz_issuer_propose().
 */
int jz_issuer_decide(struct jz_issuer *i, const struct jz_operator *by,
    int64_t id, const uint8_t digest[static JZ_DIGEST_BYTES], bool approve);
int jz_issuer_each_proposal(struct jz_issuer *i,
    int (*each)(const struct jz_proposal *p, void *arg), void *arg);

#endif
