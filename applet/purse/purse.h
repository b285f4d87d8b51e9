/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purse: an electronic purse after JR/T 0025 that is loaded from an
 * account and pays another purse offline, signed on both sides.
 *
 *   purse.c        the class, the table of instructions, SELECT, PIN, balance
 *   personalise.c  STORE DATA: key pair, certificates, parameters
 *   chain.c        root, CAs, hosts; VERIFY CERTIFICATE
 *   info.c         what may be read: data objects, public file, log
 *   load.c         load, exactly once
 *   sealed.c       loads that are enciphered
 *   unload.c       unload, exactly once; GET TRANSACTION PROVE
 *   confirm.c      a load or payment that is confirmed on the card's display
 *   pair.c         a key and an IC card that know each other
 *   payee.c        request, confirm, credit
 *   payer.c        agree, complete, acknowledge, fetch
 *   hello.c        the encrypted profile: hello, and the keys made of it
 *   known.c        certificates of other cards that this one keeps
 *   unfinished.c   what becomes of a payment that stops half-way: proof of
 *                  non-payment, drop, abandon
 *   limits.c       what this card allows itself to pay and to take
 *   record.c       the log of signed records
 *   revocation.c   which certificates the issuer has revoked
 *   settle.c       settlement with the issuer
 *
 * Money moves in four places, each one commit: credit_for_load() in load.c,
 * debit_for_unload() in unload.c, complete() in payer.c, credit() in payee.c,
 * and nowhere else does the field `balance` change.
 *
 * Invariants, cited by number in the files:
 *   P1  balance + all pending + an open load <= max_balance.
 *   P2  unsettled + pending + open agreement + open load <= JZ_PURSE_RECORDS:
 *       whoever may have to write a record has its room already.
 *   P3  Counters and record numbers only rise; a message leaves the card after
 *       the commit that makes it true.
 *   P4  A request is used up by the first agreement accepted; an agreement by
 *       the completion, or by the proof that there is none.
 *   P5  A pending entry ends in exactly one way: credit, proof of non-payment
 *       by the payer, or a signed exception.
 *   P6  No counter at or below cleared_counter is said to be unpaid: its record
 *       may be gone.
 *   P7  The refunds of a payment received, those agreed included, are together
 *       no more than it was; a payee-only card pays nothing else.
 */
#ifndef JZ_APPLET_PURSE_H
#define JZ_APPLET_PURSE_H

#include "../runtime/applet.h"
#include "../../apdu/message.h"
#include "../../apdu/purse.h"
#include "../../keys/certificate.h"
#include "../../keys/online.h"
#include "../../keys/revocation.h"
#include "../../keys/signed.h"

#define JZ_PURSE_RECORDS   32
#define JZ_PURSE_PENDING   4
#define JZ_PURSE_PEERS	   4
#define JZ_CONFIRM_SECONDS 60
#define JZ_PURSE_LAYOUT	   4
#define JZ_PURSE_KNOWN	   4
/* A refund is kept in three bytes. */
#define JZ_PURSE_REFUND_MAX  0xFFFFFFu
#define JZ_PURSE_COUNTER_MAX 0xFFFFFFFFu
/* The last online counter of a load: unloads go on (docs/adr/0021-unload.md). */
#define JZ_PURSE_LOADS_MAX (JZ_PURSE_COUNTER_MAX - 16u)
/* PBOC amounts have four bytes, and terminals take them as signed. */
#define JZ_PURSE_AMOUNT_MAX 0x7FFFFFFFu

/*
 * Seconds since 1970, big-endian: up to JZ_TIME_LAST.  purse_time() and
 * purse_time_set().
 */
#define JZ_PURSE_TIME_BYTES 5

enum purse_side {
	PURSE_PAYER,
	PURSE_PAYEE,
};

/*
 * struct jz_payment as it is kept.  Currency and our own ID are the purse's,
 * which does not change them while it has a record; which of the two IDs is
 * ours follows from where the payment stands.
 */
struct purse_payment {
	uint32_t amount;
	uint32_t payee_counter;
	uint32_t payer_counter;
	uint8_t time[JZ_PURSE_TIME_BYTES];
	uint8_t refund_of[3]; /* payee counter of the first payment, or 0 */
	uint8_t peer_id[JZ_ID_BYTES];
	uint8_t request_digest[JZ_DIGEST_BYTES];
	uint8_t agreement_digest[JZ_DIGEST_BYTES];
};
_Static_assert(sizeof(struct purse_payment) == 100, "no padding");

struct purse_authority {
	int64_t from, to;
	uint8_t reference[JZ_REFERENCE_BYTES];
	uint8_t public_key[JZ_POINT_BYTES];
	uint8_t present;
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct purse_authority) == 104, "no padding");

/* The request that this card, as payee, waits for an agreement to. */
struct purse_request {
	uint64_t amount;
	int64_t time;
	uint32_t counter;
	uint16_t currency;
	uint8_t open;
	uint8_t reserved[1];
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_key_pair ephemeral; /* encrypted profile: its point alone */
	uint8_t refund_of[3];
	uint8_t reserved2[4];
};
_Static_assert(sizeof(struct purse_request) == 160, "no padding");

/* The agreement that this card, as payer, waits for a confirmation of. */
struct purse_agreement {
	struct purse_payment payment;
	struct jz_working_keys keys;
	uint8_t payee_key[JZ_POINT_BYTES]; /* of the verified certificate */
	uint8_t open;
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct purse_agreement) == 200, "no padding");

/* A payment that this card, as payee, has confirmed and awaits. */
struct purse_pending {
	struct purse_payment payment;
	struct jz_working_keys keys;
	uint8_t signature[JZ_SIGNATURE_BYTES]; /* of the confirmation */
	uint8_t payer_key[JZ_POINT_BYTES];
	uint8_t used;
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct purse_pending) == 264, "no padding");

enum purse_load_state {
	LOAD_NONE,
	LOAD_OPEN,
	LOAD_CANCELLED, /* the proof of it may be asked for again */
	UNLOAD_DEBITED, /* the proof of it has not been acknowledged */
};

/* The load that awaits its permission. */
struct purse_load {
	uint64_t amount;
	uint64_t balance;
	int64_t time;
	uint32_t counter;
	uint8_t open; /* enum purse_load_state */
	uint8_t reserved[3];
	uint8_t nonce[JZ_NONCE_BYTES];
	uint8_t terminal[JZ_TERMINAL_BYTES];
	uint8_t reserved2[2];
	uint8_t digest[JZ_DIGEST_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct purse_load) == 152, "no padding");

/*
 * A signed record.  For a payment: both signatures, so that it is evidence
 * with the two certificates alone.  For a load or unload: payment.amount, .time (the
 * server's), .payee_counter (the online counter), .peer_id (begins with the
 * terminal), .agreement_digest (of the permission) and the report's signature
 * in payer_signature.  For an exception: payee_signature alone.
 */
struct purse_record {
	struct purse_payment payment;
	uint32_t number;
	uint32_t peer_number;
	uint32_t balance; /* after it */
	uint8_t type;	  /* enum jz_transaction_type */
	uint8_t payer_time[JZ_PURSE_TIME_BYTES];
	uint8_t payee_time[JZ_PURSE_TIME_BYTES];
	uint8_t keys_held; /* a payment's working keys are still here */
	struct jz_working_keys keys;
	uint8_t payer_signature[JZ_SIGNATURE_BYTES];
	uint8_t payee_signature[JZ_SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct purse_record) == 284, "no padding");

/*
 * The revocation list, its version in list_version: 0 there is none.  Kept
 * with its signature, so that it can be passed on as it was signed.
 */
struct purse_list {
	int64_t time;
	uint16_t generation;
	uint8_t count;
	uint8_t reserved[5];
	uint8_t entry[JZ_REVOCATION_MAX][JZ_ID_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct purse_list) == 592, "no padding");

/* The hello that this card, as payer, waits for a request to. */
struct purse_hello {
	struct jz_key_pair key;
	uint8_t nonce[JZ_NONCE_BYTES];
	uint8_t open;
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct purse_hello) == 120, "no padding");

/* What the encrypted profile adds to the open request. */
struct purse_answer {
	struct jz_working_keys keys;
	uint8_t payer_key[JZ_POINT_BYTES]; /* of the hello */
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct purse_answer) == 104, "no padding");

/* Of another card's certificate, verified, what a payment needs. */
struct purse_known {
	int64_t from, to;
	uint16_t generation;
	uint8_t assurance; /* enum jz_assurance */
	uint8_t flags;
	uint8_t used;
	uint8_t reserved[2];
	uint8_t id[JZ_ID_BYTES];
	uint8_t public_key[JZ_POINT_BYTES];
};
_Static_assert(sizeof(struct purse_known) == 104, "no padding");

enum purse_confirm {
	CONFIRM_NONE,
	CONFIRM_ASKED,
	CONFIRM_AGREED,
	CONFIRM_DECLINED, /* or nobody was there */
};

enum purse_confirm_of {
	CONFIRM_LOAD,
	CONFIRM_PAYMENT,
};

/* A load or payment that its holder is asked about: one at a time. */
struct purse_confirmation {
	uint32_t amount;
	uint32_t since;		    /* by the panel's seconds */
	uint8_t payee[JZ_ID_BYTES]; /* of a payment */
	/* A load's terminal; of a payment's request the beginning of its digest:
	 * who finds another with it has the same amount and payee agreed to. */
	uint8_t what[JZ_TERMINAL_BYTES];
	uint8_t state; /* enum purse_confirm */
	uint8_t of;    /* enum purse_confirm_of */
};
_Static_assert(sizeof(struct purse_confirmation) == 32, "no padding");

/*
 * The unload that awaits its permission: no more of the request than the
 * permission is compared with, since nothing has been promised yet.
 */
struct purse_unload {
	uint32_t amount;
	uint32_t counter; /* not taken yet */
	uint32_t record;  /* of an unload debited: its number */
	uint8_t digest[JZ_DIGEST_BYTES];
	uint8_t terminal[JZ_TERMINAL_BYTES];
	uint8_t open; /* enum purse_load_state */
	uint8_t reserved[1];
};
_Static_assert(sizeof(struct purse_unload) == 52, "no padding");

/* What came with layout 4. */
struct purse_online {
	struct purse_unload unload;
	struct purse_confirmation confirm;
	uint8_t nonce[JZ_NONCE_BYTES];
	uint8_t peer[JZ_PURSE_PEERS][JZ_ID_BYTES];
	/* Enciphered loads: of the last one begun, and whom they go to. */
	uint8_t load_point[JZ_POINT_BYTES];
	uint8_t issuer_key[JZ_POINT_BYTES];
	struct jz_online_keys load_keys;
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct purse_online) ==
	52 + 32 + JZ_NONCE_BYTES + JZ_PURSE_PEERS * JZ_ID_BYTES + 164,
    "no padding");

struct purse_nvm {
	struct jz_nvm_head head;
	/* the money and what counts it */
	uint64_t balance;
	uint32_t online_counter;  /* of the last load request */
	uint32_t offline_counter; /* of the last request or agreement */
	uint32_t next_record;
	uint32_t first_unsettled; /* == next_record: nothing to settle */
	/* parameters */
	uint64_t max_balance;
	uint64_t max_single;
	uint64_t max_offline_sum;
	uint64_t pin_above;
	uint32_t max_offline_count;
	uint32_t list_version;
	uint16_t currency;
	uint8_t reserved0;
	uint8_t has_key;
	struct jz_pin pin;
	/* who we are */
	uint8_t id[JZ_ID_BYTES];
	uint8_t asn[10];
	uint8_t account_len, identity_len;
	uint8_t account[JZ_ACCOUNT_MAX];
	uint8_t identity[JZ_IDENTITY_MAX];
	uint8_t parameters_set;
	uint8_t flags; /* of our own certificate */
	uint16_t certificate_len;
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	uint8_t reserved1[6];
	int64_t from, to; /* of our own certificate */
	struct jz_key_pair key;
	uint8_t reserved2[7];
	struct purse_authority root, ca, host;
	/* what is open */
	struct purse_request request;
	struct purse_agreement agreement;
	struct purse_load load;
	struct purse_pending pending[JZ_PURSE_PENDING];
	struct purse_record record[JZ_PURSE_RECORDS];
	/* layout 1 ends here */
	struct purse_list list;
	uint8_t list_ca[JZ_REFERENCE_BYTES]; /* who signed it */
	/* more parameters; 0: no such rule */
	uint64_t pin_sum;
	uint64_t payer_cap;
	uint32_t pin_count;
	uint8_t payer_level; /* enum jz_assurance */
	uint8_t reserved3[3];
	/* agreed without PIN since the last one with it */
	uint64_t no_pin_sum;
	uint32_t no_pin_count;
	uint32_t cleared_counter; /* of the payments settled, the highest */
	/* layout 2 ends here */
	struct purse_hello hello;
	struct purse_answer answer;
	struct purse_known known[JZ_PURSE_KNOWN];
	uint8_t profile;    /* enum jz_profile */
	uint8_t peers;	    /* of the list below; in layout 3 reserved, 0 */
	uint8_t challenged; /* its nonce waits for its answer; likewise */
	uint8_t confirm;    /* enum jz_confirm; likewise */
	uint8_t reserved4[4];
	/* layout 3 ends here */
	struct purse_online online;
};
_Static_assert(offsetof(struct purse_nvm, id) == 120, "no padding");
_Static_assert(
    offsetof(struct purse_nvm, certificate) + JZ_CERTIFICATE_MAX + 6 ==
	offsetof(struct purse_nvm, from),
    "no padding");
_Static_assert(offsetof(struct purse_nvm, from) == 480, "no padding");
_Static_assert(offsetof(struct purse_nvm, root) == 600, "no padding");
_Static_assert(sizeof(struct purse_nvm) ==
	600 + 3 * 104 + 160 + 200 + 152 + 264 * JZ_PURSE_PENDING +
	    284 * JZ_PURSE_RECORDS + sizeof(struct purse_list) + 16 + 40 + 120 +
	    104 + 104 * JZ_PURSE_KNOWN + 8 + sizeof(struct purse_online),
    "no padding");
_Static_assert(offsetof(struct purse_nvm, list) % 8 == 0, "no padding");

enum purse_settle_stage {
	SETTLE_NONE,
	SETTLE_ASKED,	  /* sign-in request given */
	SETTLE_SIGNED_IN, /* sign-in given */
	SETTLE_OPEN,	  /* confirmed by the issuer */
	SETTLE_BATCH,	  /* a batch is out */
};

/* CLEAR_ON_DESELECT. */
struct purse_cod {
	uint8_t pin_ok; /* serves one agreement or one load */
	uint8_t stage;	/* enum purse_settle_stage */
	uint8_t card_nonce[JZ_NONCE_BYTES];
	uint8_t host_nonce[JZ_NONCE_BYTES];
	uint32_t batch_first, batch_count;
	uint8_t batch_digest[JZ_DIGEST_BYTES];
	/* By VERIFY CERTIFICATE: besides those of our personalisation. */
	struct purse_authority ca, host;
};

extern const struct jz_applet_class jz_purse_class;

static inline const struct purse_nvm *
purse_nvm(const struct jz_applet *self)
{
	return (const struct purse_nvm *)self->nvm;
}

static inline struct purse_cod *
purse_cod(const struct jz_applet *self)
{
	return (struct purse_cod *)self->cod;
}

/* The card's registry has it; locked or not. */
static inline enum jz_purse_state
purse_state(const struct jz_applet *self)
{
	return (self->state & JZ_PURSE_PERSONALISED) == JZ_PURSE_PERSONALISED
	    ? JZ_PURSE_PERSONALISED
	    : JZ_PURSE_SELECTABLE;
}

/* ---- handlers, one for each row of the table in purse.c ----------------- */

uint16_t purse_read_key(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_get_certificate(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_get_asn(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_get_info(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_read_public(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_read_log(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_initialize_load(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_credit_for_load(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_cancel_load(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_greet(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_peers(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_initialize_unload(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_debit_for_unload(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_acknowledge_unload(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_unload(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_challenge(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_identify(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_verify(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_add(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_remove(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_pair_list(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_request(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_confirm(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_credit(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_agree(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_complete(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_acknowledge(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_confirmation(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_completion(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_pending(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_agreed(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_exception(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_fetch_record(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_transaction_prove(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_prove(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_drop(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_abandon(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_settle(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_put_list(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_get_list(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t purse_verify_certificate(struct jz_applet *self, struct jz_apdu *apdu);

/* ---- shared between the files ------------------------------------------- */

/* personalise.c: the class's store_data. */
uint16_t purse_store_data(struct jz_applet *self, struct jz_apdu *apdu);

/* info.c: the 30 bytes of SFI 15. */
void purse_public_data(const struct jz_applet *self, struct jz_buffer *out);

/* purse.c: the status word for an error of keys/ or of the runtime. */
uint16_t purse_status(int error);

/* peer.c: parses, verifies and judges a certificate of another card. */
uint16_t purse_peer(const struct jz_applet *self, struct jz_span certificate,
    struct jz_certificate *out);
/*
 * The card that sent a message: by the certificate in it, or, without one, by
 * the one that is kept of this ID, as it is judged today.
 */
uint16_t purse_sender(const struct jz_applet *self, const struct jz_message *m,
    const uint8_t id[static JZ_ID_BYTES], struct jz_certificate *out);
/* known.c: what is kept of this ID; JZ_SW_STRANGER.  Dates are judged. */
uint16_t purse_recall(const struct jz_applet *self,
    const uint8_t id[static JZ_ID_BYTES], struct jz_certificate *out);
/* "CN" and the card number: the same card, whatever its key pair. */
bool purse_same_card(const uint8_t *a, const uint8_t *b);
/* Whether the holder reference names this card (whatever its key pair). */
bool purse_is_self(const struct purse_nvm *p, const uint8_t *holder);
/* chain.c: the CA of this reference, or our own, which has another. */
const struct purse_authority *purse_ca(const struct jz_applet *self,
    const uint8_t reference[static JZ_REFERENCE_BYTES]);
/* The host of this reference, or NULL. */
const struct purse_authority *purse_host(const struct jz_applet *self,
    const uint8_t reference[static JZ_REFERENCE_BYTES]);
/* A certificate under an authority, its own role, by the card's clock. */
uint16_t purse_verify_under(const struct jz_applet *self,
    const struct jz_certificate *c, const struct purse_authority *by);
void
purse_authority_of(const struct jz_certificate *c, struct purse_authority *out);
/* The issuer's host spoke: its reference and signature. */
uint16_t
purse_host_verify(const struct jz_applet *self, const struct jz_message *m);

/* revocation.c: verifies a list and writes it, within the caller's
 * transaction, when it is newer than the one that is here. */
uint16_t purse_store_list(struct jz_applet *self, struct jz_span in);
/* 0 or JZ_ERR_CERT_REVOKED, by the list that is here. */
int purse_judge(const struct purse_nvm *p, const struct jz_certificate *peer);

/* limits.c: what must be true to pay and to take so much. */
uint16_t
purse_can_pay(struct jz_applet *self, const struct jz_message *request);
uint16_t purse_can_receive(const struct purse_nvm *p, uint64_t amount);
/* Of this payer's card. */
uint16_t purse_can_receive_from(const struct purse_nvm *p, uint64_t amount,
    const struct jz_certificate *payer);
/* Counts an agreement with or without PIN or key; within the caller's
 * transaction. */
void purse_count_agreement(struct jz_applet *self, uint64_t amount, bool pin);

/* hello.c */
static inline bool
purse_encrypted(const struct purse_nvm *p)
{
	return p->profile == JZ_PROFILE_ENCRYPTED;
}
/* The hello in a request's terms, to the point of this pair. */
int purse_answer_hello(const struct jz_applet *self, struct jz_span hello,
    const struct jz_key_pair *own, struct purse_answer *out);
/* Opens a sealed request that answers the open hello. */
uint16_t purse_open_request(const struct jz_applet *self, struct jz_span in,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_working_keys *keys,
    struct jz_message *out);

/* payee.c: of a payment confirmed and not finished; NULL. */
const struct purse_pending *
purse_find_pending(const struct purse_nvm *p, const uint8_t *request_digest);
const struct purse_pending *purse_free_pending(const struct purse_nvm *p);

/* confirm.c: whether the holder agrees to this load or payment, if the issuer
 * wants her to be asked; 9437: asked just now. */
uint16_t purse_load_confirmed(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES]);
uint16_t purse_payment_confirmed(
    struct jz_applet *self, const struct jz_message *request);
/* Whether a key stands for the PIN in payments, and there is one. */
bool purse_confirms_payments(const struct jz_applet *self);

/* sealed.c: loads enciphered between card and issuer, when the certificate
 * says so; and then no others. */
bool purse_seals_loads(const struct purse_nvm *p);
/* The keys of a new load; within the caller's transaction. */
int purse_load_keys(struct jz_applet *self);
/* A request or report, sealed or in clear. */
uint16_t purse_put_online(
    struct jz_applet *self, const struct jz_message *m, struct jz_buffer *out);
/* A permission, sealed or in clear, of CREDIT FOR LOAD's data. */
uint16_t purse_take_online(const struct jz_applet *self, struct jz_span data,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *m);

/* load.c: what a load and an unload have alike. */

/* Key index, PIN, amount: the first refusals. */
uint16_t
purse_may_ask(const struct jz_applet *self, uint8_t key_index, uint32_t amount);
/* A request of this counter, and its random number. */
int
purse_prepare_request(struct jz_applet *self, uint32_t counter, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct purse_load *out);
/* Signs it: signature and digest. */
int purse_sign_request(
    struct jz_applet *self, enum jz_kind kind, struct purse_load *l);
void purse_request_of(const struct jz_applet *self, enum jz_kind kind,
    const struct purse_load *l, struct jz_message *m);
uint16_t purse_answer_request(struct jz_applet *self, enum jz_kind kind,
    const struct purse_load *l, struct jz_apdu *apdu);
uint16_t purse_permission_fits(const struct jz_applet *self,
    const struct purse_load *l, const struct jz_message *m);
/* Fills the record of type and balance from the request, and signs the report. */
int purse_report(struct jz_applet *self, const struct purse_load *l,
    const struct jz_message *permission,
    const uint8_t permission_digest[static JZ_DIGEST_BYTES],
    struct purse_record *r);
/* The report of a load, or the proof of an unload, from its record. */
void purse_report_of(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_message *m);
/* What this permission has executed, if the log has it still. */
const struct purse_record *purse_executed(const struct purse_nvm *p,
    uint8_t type, const uint8_t permission_digest[static JZ_DIGEST_BYTES]);

/* record.c */
void purse_time_set(uint8_t out[static JZ_PURSE_TIME_BYTES], int64_t time);
int64_t purse_time(const uint8_t in[static JZ_PURSE_TIME_BYTES]);
/* `own` is this card's side.  The amount is one that the purse accepts. */
void purse_payment_store(struct purse_payment *out, const struct jz_payment *in,
    enum purse_side own);
void purse_payment_load(const struct purse_nvm *p, struct jz_payment *out,
    const struct purse_payment *in, enum purse_side own);
/* All fields, both IDs and the currency too. */
bool
purse_payment_equal(const struct purse_nvm *p, const struct purse_payment *a,
    enum purse_side own, const struct jz_payment *b);
/* The payee counter of the payment that this one gives back, or 0. */
uint32_t purse_refund_of(const struct purse_payment *pay);
uint32_t purse_refund_get(const uint8_t in[static 3]);
void purse_refund_set(uint8_t out[static 3], uint32_t counter);
/* Records that may still be promised (P2). */
uint32_t purse_log_room(const struct purse_nvm *p);
/* Sum of what pending payments and an open load may still add (P1). */
uint64_t purse_promised(const struct purse_nvm *p);
/* The slot of a record number; its content may be another record. */
const struct purse_record *
purse_slot(const struct purse_nvm *p, uint32_t number);
/* The record of this type with this request digest, if the log has it still. */
const struct purse_record *purse_find_record(const struct purse_nvm *p,
    uint8_t type, const uint8_t digest[static JZ_DIGEST_BYTES]);
/* This card paid: number and payer_time are its own. */
bool purse_paid(const struct purse_record *r);
/* As purse_find_record, of an exception; and what it asks of the issuer. */
const struct purse_record *purse_find_exception(
    const struct purse_nvm *p, const uint8_t digest[static JZ_DIGEST_BYTES]);
enum jz_outcome purse_outcome(const struct purse_record *r);
/* Writes the next record; within the caller's transaction. */
void purse_append_record(struct jz_applet *self, struct purse_record *r);
/* The completion that a paid or received record is evidence of. */
void purse_completion_of(const struct purse_nvm *p,
    const struct purse_record *r, struct jz_message *out);
/* Appends the record as an object of a batch (FF56 to FF58, FF5A, FF5B). */
int purse_record_encode(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_buffer *out);

#endif
