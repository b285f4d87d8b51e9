/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents: what is wrong with a card's records, named, kept with what was
 * uploaded, in the audit log, and the card on the next revocation list when it
 * has proved it by its own signature.
 *
 * A batch that is refused changes nothing; so its incident is booked after it
 * has been rolled back.  Only what the card has signed itself comes this far:
 * no terminal can have a card revoked.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

static const struct {
	const char *name;
	const char *text[2]; /* by enum jz_lang */
	bool blacklists;
} TABLE[] = {
    [JZ_INCIDENT_NONE] = {"NONE", {"nothing is wrong", "无异常"}, false},
    [JZ_INCIDENT_DOUBLED_COUNTER] = {"DOUBLED_COUNTER",
	{"the payer's card has signed two payments of one counter",
	    "付款卡以同一交易序号签署了两笔付款"},
	true},
    [JZ_INCIDENT_DOUBLED_RECORD] = {"DOUBLED_RECORD",
	{"one payment stands in two of the card's records",
	    "同一笔付款出现在卡的两条记录中"},
	true},
    [JZ_INCIDENT_ALTERED_RECORD] = {"ALTERED_RECORD",
	{"a record is not what was signed, or not what was posted",
	    "记录与所签署或已入账的内容不符"},
	true},
    [JZ_INCIDENT_CLONED_CARD] = {"CLONED_CARD",
	{"the card was copied: another record has this number",
	    "卡被复制：同一记录序号有不同的交易"},
	true},
    [JZ_INCIDENT_CONTRADICTION] = {"CONTRADICTION",
	{"the payee's card has signed that it received a payment and that it "
	 "never will",
	    "收款卡既签署已收款，又签署永不收款"},
	true},
    [JZ_INCIDENT_NEGATIVE_SHADOW] = {"NEGATIVE_SHADOW",
	{"the card has paid more than it ever had",
	    "卡付出的金额超过其曾有的金额"},
	true},
    [JZ_INCIDENT_MISSING_RECORD] = {"MISSING_RECORD",
	{"records are missing before these", "此前的记录缺失"}, false},
    [JZ_INCIDENT_UNKNOWN_CARD] = {"UNKNOWN_CARD",
	{"a record is about a payment with a card that nobody knows",
	    "记录的交易对方是未登记的卡"},
	false},
    [JZ_INCIDENT_RESTORED_RECORD] = {"RESTORED_RECORD",
	{"booked, though the restored ledger lacks what came before",
	    "已入账，但恢复后的账本缺少此前的记录"},
	false},
    [JZ_INCIDENT_RESTORED_CARD] = {"RESTORED_CARD",
	{"registered again by its certificate: the restored ledger lacked it",
	    "恢复后的账本中没有此卡，已凭证书重新登记"},
	false},
    [JZ_INCIDENT_LATE] = {"LATE",
	{"booked, after two people had decided about this payment",
	    "已入账，但此前已由两人对该笔付款作出决定"},
	false},
    [JZ_INCIDENT_NOT_A_REFUND] = {"NOT_A_REFUND",
	{"a payee-only card has paid what is no refund",
	    "只收款的卡支付了并非退款的款项"},
	true},
};
#define KINDS (sizeof(TABLE) / sizeof(TABLE[0]))
_Static_assert(KINDS == JZ_INCIDENT_LAST + 1, "a row for each");

static size_t
row(enum jz_incident_kind k)
{
	return (size_t)k < KINDS ? (size_t)k : 0;
}

const char *
jz_incident_name(enum jz_incident_kind k)
{
	return TABLE[row(k)].name;
}

const char *
jz_incident_text(enum jz_incident_kind k, int lang)
{
	return TABLE[row(k)].text[lang == JZ_LANG_ZH];
}

bool
jz_incident_blacklists(enum jz_incident_kind k)
{
	return TABLE[row(k)].blacklists;
}

enum jz_incident_kind
jz_issuer_alarm(const struct jz_issuer *i)
{
	return i->alarm.kind;
}

int
jz_issuer_each_incident(struct jz_issuer *i,
    int (*each)(const struct jz_incident *x, void *arg), void *arg)
{
	jz_issuer_start(i);
	return jz_store_each_incident(i->store, each, arg);
}

/* ---- booking ------------------------------------------------------------ */

static int
add(struct jz_issuer *i, struct jz_incident *x)
{
	int err = jz_store_next(i->store, "incident", &x->id);

	x->time = jz_issuer_now(i);
	if (err == 0)
		err = jz_store_incident_add(i->store, x);
	if (err == 0)
		err = jz_audit_note(i, JZ_ACTOR_ISSUER,
		    "incident %lld: %s, card %.16s, record %u%s%s",
		    (long long)x->id, jz_incident_name(x->kind),
		    (const char *)x->card_id, (unsigned)x->number,
		    x->reference[0] != '\0' ? ", payment " : "", x->reference);
	return err;
}

/* A card with a gap in its records is not judged by its shadow. */
static int
is_proof(struct jz_issuer *i, const struct jz_incident *x, bool *proof)
{
	bool gap;
	int err = 0;

	*proof = jz_incident_blacklists(x->kind);
	if (*proof && x->kind == JZ_INCIDENT_NEGATIVE_SHADOW) {
		err = jz_store_gap(i->store, x->card_id, 0, &gap);
		*proof = !gap;
	}
	return err;
}

int
jz_incident_book(
    struct jz_issuer *i, const struct jz_alarm *what, struct jz_span evidence)
{
	struct jz_incident x = {
	    .kind = what->kind, .number = what->number, .evidence = evidence};
	bool has, proof;
	int err;

	memcpy(x.card_id, what->card_id, JZ_ID_BYTES);
	if (what->has_payment)
		jz_payment_reference(what->request_digest, x.reference);
	err = jz_store_incident_has(i->store, &x, &has);
	if (err != 0 || has)
		return err;
	err = add(i, &x);
	if (err == 0)
		err = is_proof(i, &x, &proof);
	if (err == 0 && proof)
		err = jz_blacklist(i, x.card_id, jz_incident_name(x.kind));
	return err;
}

int
jz_alarm(struct jz_issuer *i, enum jz_refusal why, enum jz_incident_kind kind,
    const uint8_t card[static JZ_ID_BYTES], uint32_t number,
    const uint8_t *request_digest)
{
	struct jz_alarm *a = &i->alarm;

	if (a->kind == JZ_INCIDENT_NONE) {
		a->kind = kind;
		memcpy(a->card_id, card, JZ_ID_BYTES);
		a->number = number;
		a->has_payment = request_digest != NULL;
		if (request_digest != NULL)
			memcpy(
			    a->request_digest, request_digest, JZ_DIGEST_BYTES);
	}
	return jz_refuse(i, why);
}

int
jz_alarm_keep(struct jz_issuer *i, struct jz_span evidence)
{
	int err;

	if (i->alarm.kind == JZ_INCIDENT_NONE)
		return 0;
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store, jz_incident_book(i, &i->alarm, evidence));
}
