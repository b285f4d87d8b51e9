/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging what an e-signature card has signed and its user has typed.
 *
 *   V1  Nothing is executed but by the right joint password under the card's
 *       signature, over the bytes that are executed.
 *   V2  A counter is used up, durably, before its transfer is executed.
 *   V3  Only what the card has signed, with a counter that is not used up,
 *       counts as a failure.
 */
#include "esign.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/esign.h"
#include "../../keys/secret.h"

static const struct {
	const char *name;
	const char *text[2]; /* by enum jz_lang */
} VERDICTS[] = {
    [JZ_ESIGN_EXECUTED] = {"EXECUTED", {"executed", "已执行"}},
    [JZ_ESIGN_MALFORMED] = {"MALFORMED",
	{"not a submission", "提交报文格式错误"}},
    [JZ_ESIGN_UNKNOWN_CARD] = {"UNKNOWN_CARD",
	{"the card is not registered", "卡未登记"}},
    [JZ_ESIGN_BAD_SIGNATURE] = {"SIGNATURE",
	{"the card has not signed this", "签名验证失败"}},
    [JZ_ESIGN_EXECUTED_BEFORE] = {"EXECUTED_BEFORE",
	{"executed before, and not again", "此前已执行，不再重复"}},
    [JZ_ESIGN_REPLAY] = {"REPLAY",
	{"this signature was used before", "签名已被使用过"}},
    [JZ_ESIGN_LOCKED] = {"LOCKED",
	{"locked after too many wrong passwords", "密码错误次数过多，已锁定"}},
    [JZ_ESIGN_WRONG_ACCOUNT] = {"WRONG_ACCOUNT",
	{"the account is not the one bound to the card",
	    "账户与卡绑定的账户不符"}},
    [JZ_ESIGN_KEY] = {"KEY",
	{"encrypted to another key", "不是以本行公钥加密"}},
    [JZ_ESIGN_PASSWORD] = {"PASSWORD",
	{"wrong joint password", "联合密码错误"}},
    [JZ_ESIGN_EXECUTOR_REFUSED] = {"EXECUTOR_REFUSED",
	{"right, and cannot be executed; sign anew",
	    "验证通过但无法执行，请重新签名"}},
};
#define COUNT (sizeof(VERDICTS) / sizeof(VERDICTS[0]))
_Static_assert(COUNT == JZ_ESIGN_VERDICTS, "a row for each");

const char *
jz_esign_verdict_name(enum jz_esign_verdict v)
{
	return (size_t)v < COUNT ? VERDICTS[v].name : "UNKNOWN";
}

const char *
jz_esign_verdict_text(enum jz_esign_verdict v, int lang)
{
	return (size_t)v < COUNT ? VERDICTS[v].text[lang == JZ_LANG_ZH] : "";
}

/* A submission on its way. */
struct judged {
	struct jz_esign_submission parts;
	struct jz_esign_order order;
	struct jz_esign_signature signature;
	struct jz_esign_ends ends; /* once the card is known */
	struct jz_esign_card card;
	struct jz_esign_entry entry;
	uint8_t digest[JZ_DIGEST_BYTES]; /* of the whole */
};

/* ---- one check after the other ------------------------------------------ */

static int
take_apart(const struct jz_esign_verifier *v, struct jz_span bytes,
    struct judged *j, enum jz_esign_verdict *verdict)
{
	const struct jz_engine *e = &v->engine;

	if (jz_esign_get_submission(bytes, &j->parts) != 0 ||
	    jz_esign_get_order(j->parts.order, &j->order) != 0 ||
	    jz_esign_get_signature(j->parts.signature, &j->signature) != 0) {
		*verdict = JZ_ESIGN_MALFORMED;
		return 0;
	}
	/* V1: over the bytes that are executed. */
	return e->crypto->hash(e->state, &bytes, 1, j->digest) != 0 ||
		jz_esign_order(e, j->parts.order, &j->signature) != 0
	    ? JZ_ERR_CRYPTO
	    : 0;
}

/* JPS-2, JPS-3: what was signed is in the block, and only the card can have
 * made that.  JZ_ERR_SIGNATURE: it has not. */
static int
bind_password(const struct jz_esign_verifier *v, struct judged *j)
{
	struct jz_joint joint;
	int err;

	if (!jz_esign_binds_password(j->signature.kind))
		return 0;
	err = jz_joint_open(&v->engine, &j->signature, &j->ends, &joint);
	if (err == 0)
		jz_esign_bind(&j->signature, &joint);
	jz_wipe(&joint, sizeof(joint));
	return err == JZ_ERR_DECRYPT ? JZ_ERR_SIGNATURE : err;
}

static int
check_card(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_verdict *verdict)
{
	int err =
	    v->store->card(v->store_state, j->signature.card_id, &j->card);

	if (err == JZ_ERR_NOT_FOUND) {
		*verdict = JZ_ESIGN_UNKNOWN_CARD;
		return 0;
	}
	if (err == 0)
		err = jz_esign_meet(&v->engine, &j->signature, v->key,
		    j->card.public_key, &j->ends);
	if (err == 0)
		err = bind_password(v, j);
	if (err == 0)
		err = jz_esign_verify(&v->engine, &j->signature, &j->ends);
	if (err != JZ_ERR_SIGNATURE)
		return err;
	*verdict = JZ_ESIGN_BAD_SIGNATURE;
	return 0;
}

/* What came of a submission whose counter is used up. */
static void
verdict_again(const struct judged *j, enum jz_esign_verdict *verdict)
{
	if (memcmp(j->entry.digest, j->digest, sizeof(j->digest)) != 0)
		*verdict = JZ_ESIGN_REPLAY;
	else if (j->entry.state == JZ_ESIGN_REFUSED)
		*verdict = JZ_ESIGN_EXECUTOR_REFUSED;
	else if (j->entry.state == JZ_ESIGN_DONE)
		*verdict = JZ_ESIGN_EXECUTED_BEFORE;
	/* Else the executor is asked again. */
}

/* JPS-15 */
static int
check_counter(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_verdict *verdict)
{
	int err;

	if (j->signature.counter > j->card.counter)
		return 0;
	err = v->store->entry(
	    v->store_state, j->card.id, j->signature.counter, &j->entry);
	if (err == 0)
		verdict_again(j, verdict);
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	/* Passed over by a later one. */
	*verdict = JZ_ESIGN_REPLAY;
	return 0;
}

static bool
same_text(struct jz_span a, const char *b)
{
	return jz_span_equal(a, jz_span(b, strlen(b)));
}

/* V3 */
static int
count_failure(const struct jz_esign_verifier *v, struct judged *j)
{
	int err;

	if (memcmp(j->card.failed, j->digest, sizeof(j->digest)) == 0)
		return 0;
	memcpy(j->card.failed, j->digest, sizeof(j->digest));
	j->card.failures++;
	j->card.locked = j->card.failures >= v->limit;
	err = v->store->card_set(v->store_state, &j->card);
	if (err != 0 || !j->card.locked)
		return err;
	return v->store->lock(v->store_state, j->card.account, true);
}

/* In constant time. */
static bool
same_password(const struct jz_joint *joint, struct jz_span typed)
{
	uint8_t padded[JZ_JOINT_MAX] = {0};
	bool same;

	memcpy(padded, typed.data, typed.len);
	same = jz_equal_secret(padded, joint->password, sizeof(padded));
	jz_wipe(padded, sizeof(padded));
	return same && typed.len == joint->len;
}

/* JPS-13, JPS-14 */
static int
check_password(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_verdict *verdict)
{
	struct jz_joint joint;
	bool same;
	int err = JZ_ERR_DECRYPT;

	if (j->signature.key_version == v->key_version)
		err =
		    jz_joint_open(&v->engine, &j->signature, &j->ends, &joint);
	if (err == JZ_ERR_DECRYPT) {
		*verdict = JZ_ESIGN_KEY;
		return 0;
	}
	if (err != 0)
		return err;
	/* JPS-7: the block belongs to this message. */
	same = jz_equal_secret(joint.order_digest, j->signature.order_digest,
		   JZ_DIGEST_BYTES) &&
	    same_password(&joint, j->parts.typed);
	jz_wipe(&joint, sizeof(joint));
	if (same)
		return 0;
	*verdict = JZ_ESIGN_PASSWORD;
	return count_failure(v, j);
}

/* V2 */
static int
accept(const struct jz_esign_verifier *v, struct judged *j)
{
	int err;

	j->card.counter = j->signature.counter;
	j->card.failures = 0;
	memset(j->card.failed, 0, sizeof(j->card.failed));
	memcpy(j->entry.card_id, j->card.id, sizeof(j->entry.card_id));
	memcpy(j->entry.digest, j->digest, sizeof(j->entry.digest));
	j->entry.counter = j->signature.counter;
	j->entry.state = JZ_ESIGN_ACCEPTED;
	err = v->store->card_set(v->store_state, &j->card);
	return err != 0 ? err : v->store->entry_set(v->store_state, &j->entry);
}

/* In a transaction of the store.  The verdict stays JZ_ESIGN_EXECUTED for what
 * the executor is to be asked. */
static int
judge(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_verdict *verdict)
{
	int err = check_card(v, j, verdict);

	if (err == 0 && *verdict == 0)
		err = check_counter(v, j, verdict);
	/* Accepted before, and not executed as yet. */
	if (err != 0 || *verdict != 0 || j->entry.state == JZ_ESIGN_ACCEPTED)
		return err;
	if (j->card.locked)
		*verdict = JZ_ESIGN_LOCKED;
	else if (!same_text(j->order.account, j->card.account))
		*verdict = JZ_ESIGN_WRONG_ACCOUNT;
	else
		err = check_password(v, j, verdict);
	return err != 0 || *verdict != 0 ? err : accept(v, j);
}

/* What the executor has said, if another process with the same submission has
 * not written it yet. */
static int
write_down(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_state said, enum jz_esign_verdict *verdict)
{
	int err = v->store->entry(
	    v->store_state, j->card.id, j->signature.counter, &j->entry);

	if (err != 0)
		return err;
	if (j->entry.state != JZ_ESIGN_ACCEPTED) {
		verdict_again(j, verdict);
		return 0;
	}
	j->entry.state = said;
	return v->store->entry_set(v->store_state, &j->entry);
}

static int
execute(const struct jz_esign_verifier *v, struct judged *j,
    enum jz_esign_verdict *verdict)
{
	struct jz_esign_transfer t = {.order = j->order};
	enum jz_esign_state said;
	int err;

	snprintf(t.reference, sizeof(t.reference), "%.*s:%lu", JZ_ID_BYTES,
	    (const char *)j->card.id, (unsigned long)j->entry.counter);
	err = v->executor.execute(v->executor.arg, &t);
	if (err != 0 && err != JZ_ERR_REFUSED)
		return err;
	if (err != 0)
		*verdict = JZ_ESIGN_EXECUTOR_REFUSED;
	said = err == 0 ? JZ_ESIGN_DONE : JZ_ESIGN_REFUSED;
	err = v->store->begin(v->store_state);
	if (err != 0)
		return err;
	return v->store->end(v->store_state, write_down(v, j, said, verdict));
}

static int
submit(const struct jz_esign_verifier *v, struct jz_span submission,
    struct judged *j, enum jz_esign_verdict *verdict)
{
	int err = take_apart(v, submission, j, verdict);

	if (err != 0 || *verdict != JZ_ESIGN_EXECUTED)
		return err;
	err = v->store->begin(v->store_state);
	if (err != 0)
		return err;
	err = v->store->end(v->store_state, judge(v, j, verdict));
	if (err != 0 || *verdict != JZ_ESIGN_EXECUTED)
		return err;
	return execute(v, j, verdict);
}

int
jz_esign_submit(const struct jz_esign_verifier *v, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	struct judged j;
	int err;

	memset(&j, 0, sizeof(j));
	*verdict = JZ_ESIGN_EXECUTED;
	err = submit(v, submission, &j, verdict);
	jz_wipe(&j, sizeof(j));
	return err;
}

/* ---- cards -------------------------------------------------------------- */

int
jz_esign_register(const struct jz_esign_verifier *v,
    const uint8_t id[static JZ_ID_BYTES],
    const uint8_t public_key[static JZ_POINT_BYTES], const char *account)
{
	struct jz_esign_card card, other;
	size_t len = strlen(account);
	int err;

	if (len == 0 || len > JZ_ACCOUNT_MAX)
		return JZ_ERR_RANGE;
	memset(&card, 0, sizeof(card));
	memcpy(card.id, id, sizeof(card.id));
	memcpy(card.public_key, public_key, sizeof(card.public_key));
	memcpy(card.account, account, len);
	err = v->store->begin(v->store_state);
	if (err != 0)
		return err;
	err = v->store->card(v->store_state, id, &other);
	err = err == 0 ? JZ_ERR_EXISTS
	    : err == JZ_ERR_NOT_FOUND
	    ? v->store->card_set(v->store_state, &card)
	    : err;
	return v->store->end(v->store_state, err);
}

int
jz_esign_unlock(
    const struct jz_esign_verifier *v, const uint8_t id[static JZ_ID_BYTES])
{
	struct jz_esign_card card;
	int err = v->store->begin(v->store_state);

	if (err != 0)
		return err;
	err = v->store->card(v->store_state, id, &card);
	if (err == 0)
		err = v->store->lock(v->store_state, card.account, false);
	return v->store->end(v->store_state, err);
}
