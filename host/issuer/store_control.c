/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the SQLite store: incidents, the audit log, operators, proposals,
 * and what was decided.
 */
#include "store_control.h"
#include "sql.h"

#include <string.h>

#include "../../apdu/error.h"

#define DAMAGED "a row of the controls is damaged"

/*
 * Reads the rows of a query, each by `read` into `row`, and hands them on.
 */
struct walk {
	enum jz_statement which;
	const struct jz_value *values;
	size_t n;
	bool (*read)(struct jz_rows *st, void *row);
	void *row;
};

static int
next_row(struct jz_store *s, const struct walk *w, struct jz_rows *st)
{
	int err = jz_sql_row(s, st);

	if (err == 0 && !w->read(st, w->row))
		err = jz_sql_wrong(s, DAMAGED);
	return err;
}

/* JZ_ERR_NOT_FOUND without a row. */
static int
one(struct jz_store *s, const struct walk *w)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, w->which, w->values, w->n, &st);

	if (err == 0)
		err = next_row(s, w, st);
	jz_sql_done(st);
	return err;
}

/* `each` is called by `call`, which knows the row's type. */
static int
all(struct jz_store *s, const struct walk *w,
    int (*call)(const void *row, void *arg), void *arg)
{
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(s, w->which, w->values, w->n, &st);

	while (err == 0 && stop == 0) {
		err = next_row(s, w, st);
		if (err == 0)
			stop = call(w->row, arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

static int
counted(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, bool *has)
{
	int64_t count = 0;
	int err = jz_sql_number(s, which, values, n, &count);

	*has = count > 0;
	return err;
}

/* ---- audit log ---------------------------------------------------------- */

static bool
audit_row(struct jz_rows *st, void *row)
{
	struct jz_audit_entry *e = row;

	memset(e, 0, sizeof(*e));
	e->number = jz_sql_int(st, 0);
	e->time = jz_sql_int(st, 1);
	return jz_sql_bytes(st, 2, e->host, sizeof(e->host)) &&
	    jz_sql_text(st, 3, e->actor, sizeof(e->actor)) &&
	    jz_sql_text(st, 4, e->text, sizeof(e->text)) &&
	    jz_sql_bytes(st, 5, e->previous, sizeof(e->previous)) &&
	    jz_sql_bytes(st, 6, e->hash, sizeof(e->hash)) &&
	    jz_sql_bytes(st, 7, e->signature, sizeof(e->signature));
}

int
jz_store_audit_add(struct jz_store *s, const struct jz_audit_entry *e)
{
	return jz_sql_run(s, JZ_SQL_AUDIT_ADD,
	    JZ_VALUES(jz_v_int(e->number), jz_v_int(e->time),
		jz_v_blob(e->host, sizeof(e->host)), jz_v_text(e->actor),
		jz_v_text(e->text), jz_v_blob(e->previous, JZ_DIGEST_BYTES),
		jz_v_blob(e->hash, JZ_DIGEST_BYTES),
		jz_v_blob(e->signature, JZ_SIGNATURE_BYTES)));
}

int
jz_store_audit_last(struct jz_store *s, struct jz_audit_entry *out)
{
	const struct walk w = {JZ_SQL_AUDIT_LAST, NULL, 0, audit_row, out};

	memset(out, 0, sizeof(*out));
	return one(s, &w);
}

struct audit_call {
	int (*each)(const struct jz_audit_entry *e, void *arg);
	void *arg;
};

static int
call_audit(const void *row, void *arg)
{
	const struct audit_call *c = arg;

	return c->each(row, c->arg);
}

int
jz_store_each_audit(struct jz_store *s,
    int (*each)(const struct jz_audit_entry *e, void *arg), void *arg)
{
	struct jz_audit_entry e = {0};
	const struct walk w = {JZ_SQL_AUDIT_EACH, NULL, 0, audit_row, &e};
	struct audit_call c = {each, arg};

	return all(s, &w, call_audit, &c);
}

int
jz_store_audit_next(struct jz_store *s, int64_t *out)
{
	return jz_sql_number(s, JZ_SQL_AUDIT_NEXT, NULL, 0, out);
}

/* ---- incidents ---------------------------------------------------------- */

struct incident_row {
	struct jz_incident x;
	uint8_t evidence[JZ_BATCH_MAX];
};

static bool
read_incident(struct jz_rows *st, void *row)
{
	struct incident_row *r = row;
	struct jz_incident *x = &r->x;
	size_t len;

	memset(x, 0, sizeof(*x));
	x->id = jz_sql_int(st, 0);
	x->time = jz_sql_int(st, 1);
	x->kind = (enum jz_incident_kind)jz_sql_int(st, 2);
	x->number = (uint32_t)jz_sql_int(st, 4);
	if (!jz_sql_bytes(st, 3, x->card_id, JZ_ID_BYTES) ||
	    !jz_sql_text(st, 5, x->reference, sizeof(x->reference)) ||
	    !jz_sql_blob(st, 6, r->evidence, sizeof(r->evidence), &len))
		return false;
	x->evidence = jz_span(r->evidence, len);
	return true;
}

int
jz_store_incident_add(struct jz_store *s, const struct jz_incident *x)
{
	return jz_sql_run(s, JZ_SQL_INCIDENT_ADD,
	    JZ_VALUES(jz_v_int(x->id), jz_v_int(x->time), jz_v_int(x->kind),
		jz_v_id(x->card_id), jz_v_int(x->number),
		jz_v_text(x->reference), jz_v_span(x->evidence)));
}

int
jz_store_incident_has(
    struct jz_store *s, const struct jz_incident *x, bool *has)
{
	return counted(s, JZ_SQL_INCIDENT_SAME,
	    JZ_VALUES(jz_v_id(x->card_id), jz_v_int(x->kind),
		jz_v_int(x->number), jz_v_text(x->reference)),
	    has);
}

int
jz_store_incidents_of(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], int64_t *n)
{
	return jz_sql_number(s, JZ_SQL_INCIDENTS_OF, JZ_VALUES(jz_v_id(id)), n);
}

struct incident_call {
	int (*each)(const struct jz_incident *x, void *arg);
	void *arg;
};

static int
call_incident(const void *row, void *arg)
{
	const struct incident_call *c = arg;

	return c->each(&((const struct incident_row *)row)->x, c->arg);
}

int
jz_store_each_incident(struct jz_store *s,
    int (*each)(const struct jz_incident *x, void *arg), void *arg)
{
	struct incident_row row;
	const struct walk w = {
	    JZ_SQL_INCIDENT_EACH, NULL, 0, read_incident, &row};
	struct incident_call c = {each, arg};

	return all(s, &w, call_incident, &c);
}

/* ---- a ledger put back from a backup ------------------------------------ */

int
jz_store_restored(struct jz_store *s, int64_t *id)
{
	return jz_sql_number(s, JZ_SQL_RESTORED, NULL, 0, id);
}

int
jz_store_restored_at(struct jz_store *s, int64_t *time)
{
	return jz_sql_number(s, JZ_SQL_RESTORED_AT, NULL, 0, time);
}

int
jz_store_restored_add(struct jz_store *s, int64_t id, int64_t time)
{
	return jz_sql_run(
	    s, JZ_SQL_RESTORED_ADD, JZ_VALUES(jz_v_int(id), jz_v_int(time)));
}

int
jz_store_gap(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    int64_t id, bool *has)
{
	return counted(
	    s, JZ_SQL_GAP, JZ_VALUES(jz_v_id(card), jz_v_int(id)), has);
}

int
jz_store_gap_add(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    int64_t id, int64_t expected, uint32_t number)
{
	return jz_sql_run(s, JZ_SQL_GAP_ADD,
	    JZ_VALUES(jz_v_id(card), jz_v_int(id), jz_v_int(expected),
		jz_v_int(number)));
}

int
jz_store_revoked_at(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    uint16_t generation, int64_t *time)
{
	return jz_sql_number(s, JZ_SQL_REVOKED_AT,
	    JZ_VALUES(jz_v_id(card), jz_v_int(generation)), time);
}

/* ---- operators ---------------------------------------------------------- */

static bool
operator_row(struct jz_rows *st, void *row)
{
	struct jz_operator_row *o = row;
	struct jz_operator_story *story = &o->story;

	memset(o, 0, sizeof(*o));
	story->time = jz_sql_int(st, 2);
	story->retired = jz_sql_int(st, 5);
	return jz_sql_text(st, 0, story->name, sizeof(story->name)) &&
	    jz_sql_bytes(st, 1, story->public_key, JZ_POINT_BYTES) &&
	    jz_sql_bytes(st, 3, o->host, sizeof(o->host)) &&
	    jz_sql_bytes(st, 4, o->signature, sizeof(o->signature));
}

int
jz_store_operator(
    struct jz_store *s, const char *name, struct jz_operator_row *out)
{
	const struct jz_value by_name = jz_v_text(name);
	const struct walk w = {JZ_SQL_OPERATOR, &by_name, 1, operator_row, out};

	memset(out, 0, sizeof(*out));
	return one(s, &w);
}

int
jz_store_operator_add(struct jz_store *s, const struct jz_operator_row *row)
{
	return jz_sql_run(s, JZ_SQL_OPERATOR_ADD,
	    JZ_VALUES(jz_v_text(row->story.name),
		jz_v_blob(row->story.public_key, JZ_POINT_BYTES),
		jz_v_int(row->story.time),
		jz_v_blob(row->host, sizeof(row->host)),
		jz_v_blob(row->signature, JZ_SIGNATURE_BYTES)));
}

int
jz_store_operator_end(struct jz_store *s, const char *name, int64_t time)
{
	return jz_sql_run(
	    s, JZ_SQL_OPERATOR_END, JZ_VALUES(jz_v_text(name), jz_v_int(time)));
}

struct operator_call {
	int (*each)(const struct jz_operator_row *o, void *arg);
	void *arg;
};

static int
call_operator(const void *row, void *arg)
{
	const struct operator_call *c = arg;

	return c->each(row, c->arg);
}

int
jz_store_each_operator(struct jz_store *s,
    int (*each)(const struct jz_operator_row *o, void *arg), void *arg)
{
	struct jz_operator_row row = {0};
	const struct walk w = {
	    JZ_SQL_OPERATOR_EACH, NULL, 0, operator_row, &row};
	struct operator_call c = {each, arg};

	return all(s, &w, call_operator, &c);
}

/* ---- proposals ---------------------------------------------------------- */

static bool
proposal_row(struct jz_rows *st, void *row)
{
	struct jz_proposal *p = row;

	memset(p, 0, sizeof(*p));
	p->id = jz_sql_int(st, 0);
	p->time = jz_sql_int(st, 1);
	p->expires = jz_sql_int(st, 2);
	p->kind = (enum jz_proposal_kind)jz_sql_int(st, 3);
	p->amount = jz_sql_int(st, 6);
	p->decided = !jz_sql_null(st, 10);
	p->decided_at = jz_sql_int(st, 10);
	p->approved = jz_sql_int(st, 11) != 0;
	if (!jz_sql_text(st, 4, p->subject, sizeof(p->subject)) ||
	    !jz_sql_text(st, 5, p->target, sizeof(p->target)) ||
	    !jz_sql_text(st, 7, p->reason, sizeof(p->reason)) ||
	    !jz_sql_text(st, 8, p->by, sizeof(p->by)) ||
	    !jz_sql_bytes(st, 9, p->signature, JZ_SIGNATURE_BYTES))
		return false;
	return !p->decided ||
	    (jz_sql_text(st, 12, p->decided_by, sizeof(p->decided_by)) &&
		jz_sql_bytes(
		    st, 13, p->decision_signature, JZ_SIGNATURE_BYTES));
}

int
jz_store_proposal(struct jz_store *s, int64_t id, struct jz_proposal *out)
{
	const struct jz_value by_id = jz_v_int(id);
	const struct walk w = {JZ_SQL_PROPOSAL, &by_id, 1, proposal_row, out};

	memset(out, 0, sizeof(*out));
	return one(s, &w);
}

int
jz_store_proposal_add(struct jz_store *s, const struct jz_proposal *p)
{
	return jz_sql_run(s, JZ_SQL_PROPOSAL_ADD,
	    JZ_VALUES(jz_v_int(p->id), jz_v_int(p->time), jz_v_int(p->expires),
		jz_v_int(p->kind), jz_v_text(p->subject), jz_v_text(p->target),
		jz_v_int(p->amount), jz_v_text(p->reason), jz_v_text(p->by),
		jz_v_blob(p->signature, JZ_SIGNATURE_BYTES)));
}

int
jz_store_decision_add(struct jz_store *s, const struct jz_proposal *p)
{
	return jz_sql_run(s, JZ_SQL_DECISION_ADD,
	    JZ_VALUES(jz_v_int(p->id), jz_v_int(p->decided_at),
		jz_v_int(p->approved), jz_v_text(p->decided_by),
		jz_v_blob(p->decision_signature, JZ_SIGNATURE_BYTES)));
}

struct proposal_call {
	int (*each)(const struct jz_proposal *p, void *arg);
	void *arg;
};

static int
call_proposal(const void *row, void *arg)
{
	const struct proposal_call *c = arg;

	return c->each(row, c->arg);
}

int
jz_store_each_proposal(struct jz_store *s,
    int (*each)(const struct jz_proposal *p, void *arg), void *arg)
{
	struct jz_proposal row;
	const struct walk w = {
	    JZ_SQL_PROPOSAL_EACH, NULL, 0, proposal_row, &row};
	struct proposal_call c = {each, arg};

	return all(s, &w, call_proposal, &c);
}

/* ---- what was decided --------------------------------------------------- */

static bool
target_row(struct jz_rows *st, void *row)
{
	return jz_sql_text(st, 0, row, JZ_LEDGER_NAME_MAX);
}

int
jz_store_written_off(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    char target[static JZ_LEDGER_NAME_MAX])
{
	const struct jz_value by = jz_v_blob(request_digest, JZ_DIGEST_BYTES);
	const struct walk w = {JZ_SQL_WRITTEN_OFF, &by, 1, target_row, target};

	target[0] = '\0';
	return one(s, &w);
}

int
jz_store_written_off_add(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t amount,
    const char *target, int64_t proposal, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_WRITTEN_OFF_ADD,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES),
		jz_v_int(amount), jz_v_text(target), jz_v_int(proposal),
		jz_v_int(time)));
}

int
jz_store_card_closed(
    struct jz_store *s, const uint8_t card[static JZ_ID_BYTES], bool *closed)
{
	return counted(s, JZ_SQL_CARD_CLOSED, JZ_VALUES(jz_v_id(card)), closed);
}

int
jz_store_card_closed_add(struct jz_store *s,
    const uint8_t card[static JZ_ID_BYTES], int64_t amount, const char *target,
    int64_t proposal, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_CARD_CLOSED_ADD,
	    JZ_VALUES(jz_v_id(card), jz_v_int(amount), jz_v_text(target),
		jz_v_int(proposal), jz_v_int(time)));
}
