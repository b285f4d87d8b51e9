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
#include "esign_case.h"

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

/* ---- what depends on nobody else ---------------------------------------- */

void
jz_esign_take(struct jz_esign_case *c, struct jz_span submission)
{
	struct jz_buffer b = jz_buffer(c->bytes, sizeof(c->bytes));

	memset(c, 0, sizeof(*c));
	jz_put(&b, submission.data, submission.len);
	if (b.bad ||
	    jz_esign_get_submission(jz_buffer_span(&b), &c->parts) != 0 ||
	    jz_esign_get_order(c->parts.order, &c->order) != 0 ||
	    jz_esign_get_signature(c->parts.signature, &c->signature) != 0)
		c->verdict = JZ_ESIGN_MALFORMED;
	c->len = b.len;
}

void
jz_esign_look(
    const struct jz_esign_verifier *v, void *state, struct jz_esign_case *c)
{
	if (!jz_esign_goes_on(c))
		return;
	/* What cannot be read now is read again when it is judged. */
	c->looked = v->store->card(state, c->signature.card_id, &c->card) == 0;
	memcpy(c->key, c->card.public_key, sizeof(c->key));
}

static int
hashes(const struct jz_engine *e, struct jz_esign_case *c)
{
	const struct jz_span bytes = jz_span(c->bytes, c->len);

	/* V1: over the bytes that are executed. */
	return e->crypto->hash(e->state, &bytes, 1, c->digest) != 0 ||
		jz_esign_order(e, c->parts.order, &c->signature) != 0
	    ? JZ_ERR_CRYPTO
	    : 0;
}

/* JPS-2, JPS-3: what was signed is in the block, and only the card can have
 * made that.  JZ_ERR_SIGNATURE: it has not. */
static int
bind_password(const struct jz_engine *e, struct jz_esign_case *c)
{
	if (!jz_esign_binds_password(c->signature.kind))
		return 0;
	c->opened = jz_joint_open(e, &c->signature, &c->ends, &c->joint);
	if (c->opened == 0)
		jz_esign_bind(&c->signature, &c->joint);
	return c->opened == JZ_ERR_DECRYPT ? JZ_ERR_SIGNATURE : c->opened;
}

void
jz_esign_examine(const struct jz_esign_verifier *v, const struct jz_engine *e,
    struct jz_esign_case *c)
{
	int err = hashes(e, c);

	if (err == 0)
		err = jz_esign_meet(e, &c->signature, v->key, c->key, &c->ends);
	if (err == 0)
		err = bind_password(e, c);
	if (err == 0)
		err = jz_esign_verify(e, &c->signature, &c->ends);
	if (err == 0 && c->signature.key_version != v->key_version)
		c->opened = JZ_ERR_DECRYPT;
	else if (err == 0 && !jz_esign_binds_password(c->signature.kind))
		c->opened =
		    jz_joint_open(e, &c->signature, &c->ends, &c->joint);
	c->found = err;
	c->examined = true;
}

/* ---- one check after the other ------------------------------------------ */

static int
check_card(const struct jz_esign_verifier *v, struct jz_esign_case *j,
    enum jz_esign_verdict *verdict)
{
	int err =
	    v->store->card(v->store_state, j->signature.card_id, &j->card);

	if (err == JZ_ERR_NOT_FOUND) {
		*verdict = JZ_ESIGN_UNKNOWN_CARD;
		return 0;
	}
	if (err != 0)
		return err;
	if (!j->examined ||
	    memcmp(j->key, j->card.public_key, sizeof(j->key)) != 0) {
		memcpy(j->key, j->card.public_key, sizeof(j->key));
		jz_esign_examine(v, &v->engine, j);
	}
	if (j->found != JZ_ERR_SIGNATURE)
		return j->found;
	*verdict = JZ_ESIGN_BAD_SIGNATURE;
	return 0;
}

/* What came of a submission whose counter is used up. */
static void
verdict_again(const struct jz_esign_case *j, enum jz_esign_verdict *verdict)
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
check_counter(const struct jz_esign_verifier *v, struct jz_esign_case *j,
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
count_failure(const struct jz_esign_verifier *v, struct jz_esign_case *j)
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
check_password(const struct jz_esign_verifier *v, struct jz_esign_case *j,
    enum jz_esign_verdict *verdict)
{
	bool same;

	if (j->opened == JZ_ERR_DECRYPT) {
		*verdict = JZ_ESIGN_KEY;
		return 0;
	}
	if (j->opened != 0)
		return j->opened;
	/* JPS-7: the block belongs to this message. */
	same = jz_equal_secret(j->joint.order_digest, j->signature.order_digest,
		   JZ_DIGEST_BYTES) &&
	    same_password(&j->joint, j->parts.typed);
	if (same)
		return 0;
	*verdict = JZ_ESIGN_PASSWORD;
	return count_failure(v, j);
}

/* V2 */
static int
accept(const struct jz_esign_verifier *v, struct jz_esign_case *j)
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

/* The verdict stays JZ_ESIGN_EXECUTED for what the executor is to be asked. */
static int
judge(const struct jz_esign_verifier *v, struct jz_esign_case *j,
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
write_down(const struct jz_esign_verifier *v, struct jz_esign_case *j,
    enum jz_esign_verdict *verdict)
{
	int err = v->store->entry(
	    v->store_state, j->card.id, j->signature.counter, &j->entry);

	if (err != 0)
		return err;
	if (j->entry.state != JZ_ESIGN_ACCEPTED) {
		verdict_again(j, verdict);
		return 0;
	}
	j->entry.state = j->said;
	if (j->said == JZ_ESIGN_REFUSED)
		*verdict = JZ_ESIGN_EXECUTOR_REFUSED;
	return v->store->entry_set(v->store_state, &j->entry);
}

int
jz_esign_step(const struct jz_esign_verifier *v, struct jz_esign_case *c)
{
	memset(&c->entry, 0, sizeof(c->entry));
	c->verdict = JZ_ESIGN_EXECUTED;
	c->err = c->said == 0 ? judge(v, c, &c->verdict)
			      : write_down(v, c, &c->verdict);
	return c->err;
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
