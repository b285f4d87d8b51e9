/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four eyes: one operator proposes and signs, another signs the very same
 * digest, and then it is done.
 *
 *   digest = H("jiaozi proposal" || time || expires || kind || amount ||
 *              subject, target, reason, name, each after its length)
 *
 * with numbers of eight bytes and lengths of one.  The one signs "jiaozi
 * proposes" || digest, the other "jiaozi approves", or "jiaozi rejects", ||
 * digest || time.
 */
#include "operator.h"

#include <string.h>

#include "../../apdu/error.h"

#define TEXTS	 4
#define PROPOSES "jiaozi proposes"
#define APPROVES "jiaozi approves"
#define REJECTS	 "jiaozi rejects"

static const char *const NAMES[] = {
    [JZ_PROPOSE_WRITE_OFF] = "write-off",
    [JZ_PROPOSE_RESOLVE] = "resolve",
    [JZ_PROPOSE_LOST] = "lost",
    [JZ_PROPOSE_CLONE_LOSS] = "clone-loss",
    [JZ_PROPOSE_RESTORED] = "restored",
    [JZ_PROPOSE_OPERATOR] = "operator",
    [JZ_PROPOSE_RETIRE] = "retire",
};
_Static_assert(
    sizeof(NAMES) / sizeof(NAMES[0]) == JZ_PROPOSE_LAST + 1, "a name for each");

static bool
is_kind(enum jz_proposal_kind k)
{
	return k >= JZ_PROPOSE_WRITE_OFF && k <= JZ_PROPOSE_LAST;
}

const char *
jz_proposal_name(enum jz_proposal_kind k)
{
	return is_kind(k) ? NAMES[k] : "?";
}

static int
digest_of(const struct jz_engine *e, const struct jz_proposal *p,
    uint8_t out[static JZ_DIGEST_BYTES])
{
	const char *const texts[TEXTS] = {
	    p->subject, p->target, p->reason, p->by};
	uint8_t numbers[32], length[TEXTS];
	struct jz_span parts[2 + 2 * TEXTS];
	size_t n = 0;

	jz_set_be(numbers, 8, (uint64_t)p->time);
	jz_set_be(numbers + 8, 8, (uint64_t)p->expires);
	jz_set_be(numbers + 16, 8, (uint64_t)p->kind);
	jz_set_be(numbers + 24, 8, (uint64_t)p->amount);
	parts[n++] = jz_span("jiaozi proposal", 15);
	parts[n++] = jz_span(numbers, sizeof(numbers));
	for (size_t k = 0; k < TEXTS; k++) {
		length[k] = (uint8_t)strlen(texts[k]);
		parts[n++] = jz_span(&length[k], 1);
		parts[n++] = jz_span(texts[k], length[k]);
	}
	return e->crypto->hash(e->state, parts, n, out);
}

/* What a person signs: a purpose, the digest and, deciding, the time. */
static size_t
signed_parts(const char *purpose, const struct jz_proposal *p,
    uint8_t time[static 8], struct jz_span out[static 3])
{
	jz_set_be(time, 8, (uint64_t)p->decided_at);
	out[0] = jz_span(purpose, strlen(purpose));
	out[1] = jz_span(p->digest, JZ_DIGEST_BYTES);
	out[2] = jz_span(time, 8);
	return strcmp(purpose, PROPOSES) == 0 ? 2 : 3;
}

static int
sign(struct jz_issuer *i, const struct jz_operator *by, const char *purpose,
    const struct jz_proposal *p, uint8_t signature[static JZ_SIGNATURE_BYTES])
{
	struct jz_span parts[3];
	uint8_t time[8];
	size_t n = signed_parts(purpose, p, time, parts);

	return i->engine.crypto->sign(
	    i->engine.state, &by->key, parts, n, signature);
}

static int
verify(struct jz_issuer *i, const char *name, const char *purpose,
    const struct jz_proposal *p,
    const uint8_t signature[static JZ_SIGNATURE_BYTES])
{
	struct jz_operator_row row = {0};
	struct jz_span parts[3];
	uint8_t time[8];
	size_t n = signed_parts(purpose, p, time, parts);
	int err = jz_operator_known(i, name, NULL, &row);

	if (err == 0)
		err = i->engine.crypto->verify(
		    i->engine.state, row.story.public_key, parts, n, signature);
	return err == JZ_ERR_DATABASE ? err
	    : err != 0		      ? JZ_ERR_PROPOSAL_ALTERED
				      : 0;
}

/* The operator who acts: known, in service, and in possession of the key. */
static int
check_actor(struct jz_issuer *i, const struct jz_operator *by)
{
	struct jz_operator_row row = {0};
	int err = jz_operator_known(i, by->name, by->key.public_key, &row);

	return err == 0 && row.story.retired != 0 ? JZ_ERR_OPERATOR_UNKNOWN
						  : err;
}

/* ---- proposing ---------------------------------------------------------- */

static int
propose(
    struct jz_issuer *i, const struct jz_operator *by, struct jz_proposal *p)
{
	int err = check_actor(i, by);

	if (err == 0 && !is_kind(p->kind))
		err = JZ_ERR_ARGUMENT;
	if (err == 0)
		err = jz_decision_check(i, p, &p->amount);
	if (err != 0)
		return err;
	p->time = jz_issuer_now(i);
	p->expires = p->time + JZ_PROPOSAL_LIFE;
	memcpy(p->by, by->name, sizeof(p->by));
	err = digest_of(&i->engine, p, p->digest);
	if (err == 0)
		err = sign(i, by, PROPOSES, p, p->signature);
	if (err == 0)
		err = jz_store_next(i->store, "proposal", &p->id);
	if (err == 0)
		err = jz_store_proposal_add(i->store, p);
	return err != 0
	    ? err
	    : jz_audit_note(i, by->name, "proposal %lld: %s %.64s, amount %lld",
		  (long long)p->id, jz_proposal_name(p->kind), p->subject,
		  (long long)p->amount);
}

int
jz_issuer_propose(
    struct jz_issuer *i, const struct jz_operator *by, struct jz_proposal *p)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0 ? err : jz_store_end(i->store, propose(i, by, p));
}

/* ---- deciding ----------------------------------------------------------- */

/* The proposal as its maker signed it. */
static int
read_signed(struct jz_issuer *i, int64_t id, struct jz_proposal *p)
{
	int err = jz_store_proposal(i->store, id, p);

	if (err == 0)
		err = digest_of(&i->engine, p, p->digest);
	return err != 0 ? err : verify(i, p->by, PROPOSES, p, p->signature);
}

static int
check_approval(struct jz_issuer *i, const struct jz_operator *by,
    const struct jz_proposal *p)
{
	int64_t amount;
	int err;

	if (strcmp(p->by, by->name) == 0)
		return JZ_ERR_OPERATOR_SAME;
	if (jz_issuer_now(i) > p->expires)
		return JZ_ERR_PROPOSAL_EXPIRED;
	err = jz_decision_check(i, p, &amount);
	return err == 0 && amount != p->amount ? JZ_ERR_PROPOSAL_STALE : err;
}

static int
record_decision(struct jz_issuer *i, const struct jz_operator *by,
    struct jz_proposal *p, bool approve)
{
	int err;

	p->decided = true;
	p->approved = approve;
	p->decided_at = jz_issuer_now(i);
	memcpy(p->decided_by, by->name, sizeof(p->decided_by));
	err =
	    sign(i, by, approve ? APPROVES : REJECTS, p, p->decision_signature);
	if (err == 0)
		err = jz_store_decision_add(i->store, p);
	return err != 0
	    ? err
	    : jz_audit_note(i, by->name, "proposal %lld of %s %s: %s %.64s",
		  (long long)p->id, p->by, approve ? "approved" : "rejected",
		  jz_proposal_name(p->kind), p->subject);
}

static int
decide(struct jz_issuer *i, const struct jz_operator *by, int64_t id,
    const uint8_t digest[static JZ_DIGEST_BYTES], bool approve)
{
	struct jz_proposal p = {0};
	int err = check_actor(i, by);

	if (err == 0)
		err = read_signed(i, id, &p);
	if (err == 0 && memcmp(p.digest, digest, JZ_DIGEST_BYTES) != 0)
		err = JZ_ERR_PROPOSAL_ALTERED;
	if (err == 0 && p.decided)
		err = JZ_ERR_PROPOSAL_DECIDED;
	if (err == 0 && approve)
		err = check_approval(i, by, &p);
	if (err == 0)
		err = record_decision(i, by, &p, approve);
	if (err == 0 && approve)
		err = jz_decision_carry_out(i, &p);
	return err;
}

int
jz_issuer_decide(struct jz_issuer *i, const struct jz_operator *by, int64_t id,
    const uint8_t digest[static JZ_DIGEST_BYTES], bool approve)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	return err != 0
	    ? err
	    : jz_store_end(i->store, decide(i, by, id, digest, approve));
}

struct each {
	struct jz_issuer *issuer;
	int (*each)(const struct jz_proposal *p, void *arg);
	void *arg;
};

static int
tell(const struct jz_proposal *row, void *arg)
{
	const struct each *e = arg;
	struct jz_proposal p = *row;
	int err = digest_of(&e->issuer->engine, &p, p.digest);

	return err != 0 ? err : e->each(&p, e->arg);
}

int
jz_issuer_each_proposal(struct jz_issuer *i,
    int (*each)(const struct jz_proposal *p, void *arg), void *arg)
{
	struct each e = {i, each, arg};

	jz_issuer_start(i);
	return jz_store_each_proposal(i->store, tell, &e);
}
