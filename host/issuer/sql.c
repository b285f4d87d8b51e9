/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of the store, and how they are run: prepared once per handle,
 * with parameters, never put together from text.
 *
 * They keep to SQL-92, so that any engine can take them.
 */
#include "sql.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

/* clang-format off */
#define NOT_WRITTEN_OFF(row)                                                   \
" AND NOT EXISTS (SELECT 1 FROM written_off w"                                 \
" WHERE w.request_digest = " row ".request_digest)"

#define PROPOSALS                                                              \
"SELECT p.id, p.time, p.expires, p.kind, p.subject, p.target, p.amount,"       \
" p.reason, p.operator, p.signature, d.time, d.approved, d.operator,"          \
" d.signature FROM proposal p LEFT JOIN decision d ON d.proposal = p.id"

static const char *const TEXT[] = {
[JZ_SQL_COMMIT] = "COMMIT",
[JZ_SQL_ROLLBACK] = "ROLLBACK",
[JZ_SQL_SAVEPOINT] = "SAVEPOINT one",
[JZ_SQL_RELEASE] = "RELEASE SAVEPOINT one",
[JZ_SQL_ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT one",
[JZ_SQL_SETTING] = "SELECT value FROM setting WHERE name = ?",
[JZ_SQL_SETTING_ADD] = "INSERT INTO setting (name, value) VALUES (?, ?)",
[JZ_SQL_NEXT] = "UPDATE sequence SET next = next + 1 WHERE name = ?",
[JZ_SQL_TAKEN] = "SELECT next - 1 FROM sequence WHERE name = ?",
[JZ_SQL_SKIP] =
"UPDATE sequence SET next = ? WHERE name = ? AND next <= ?",

[JZ_SQL_LEDGER_ACCOUNT] =
"SELECT id, kind FROM ledger_account WHERE name = ?",
[JZ_SQL_LEDGER_BALANCE] =
"SELECT balance FROM ledger_balance WHERE account = ?",
[JZ_SQL_LEDGER_ACCOUNT_ADD] =
"INSERT INTO ledger_account (id, kind, name) VALUES (?, ?, ?)",
[JZ_SQL_LEDGER_BALANCE_ADD] =
"INSERT INTO ledger_balance (account, balance) VALUES (?, 0)",
[JZ_SQL_LEDGER_BALANCE_SET] =
"UPDATE ledger_balance SET balance = ? WHERE account = ?",
[JZ_SQL_LEDGER_TRANSACTION_ADD] =
"INSERT INTO ledger_transaction (id, time, kind, reference)"
" VALUES (?, ?, ?, ?)",
[JZ_SQL_LEDGER_ENTRY_ADD] =
"INSERT INTO ledger_entry (posting, account, amount) VALUES (?, ?, ?)",
[JZ_SQL_LEDGER_POSTED] =
"SELECT COUNT(*) FROM ledger_transaction WHERE kind = ? AND reference = ?",
[JZ_SQL_TRANSFER_REFUSED] =
"SELECT reason FROM transfer_refused WHERE reference = ?",
[JZ_SQL_TRANSFER_REFUSE] =
"INSERT INTO transfer_refused (reference, reason, time) VALUES (?, ?, ?)",
[JZ_SQL_LEDGER_SUM] =
"SELECT COALESCE(SUM(e.amount), 0) FROM ledger_entry e"
" JOIN ledger_account a ON a.id = e.account WHERE a.kind = ?",
[JZ_SQL_LEDGER_EACH] =
"SELECT a.name, b.balance FROM ledger_account a"
" JOIN ledger_balance b ON b.account = a.id ORDER BY a.name",
[JZ_SQL_LEDGER_LINES] =
"SELECT t.time, t.kind, t.reference, e.amount FROM ledger_account a"
" JOIN ledger_entry e ON e.account = a.id"
" JOIN ledger_transaction t ON t.id = e.posting"
" WHERE a.name = ? ORDER BY t.id",
[JZ_SQL_LEDGER_LAST] =
"SELECT t.time, t.kind, t.reference, e.amount FROM ledger_account a"
" JOIN ledger_entry e ON e.account = a.id"
" JOIN ledger_transaction t ON t.id = e.posting"
" WHERE a.name = ? ORDER BY t.id DESC LIMIT 100", /* JZ_ACCOUNT_LAST */

/* Each audit gives a number that is zero when nothing is wrong. */
[JZ_SQL_AUDIT_UNBALANCED] =
"SELECT COUNT(*) FROM (SELECT t.id FROM ledger_transaction t"
" LEFT JOIN ledger_entry e ON e.posting = t.id GROUP BY t.id"
" HAVING COALESCE(SUM(e.amount), 1) <> 0) AS x",
[JZ_SQL_AUDIT_ORPHANS] =
"SELECT COUNT(*) FROM ledger_entry e"
" LEFT JOIN ledger_transaction t ON t.id = e.posting"
" LEFT JOIN ledger_account a ON a.id = e.account"
" WHERE t.id IS NULL OR a.id IS NULL",
[JZ_SQL_AUDIT_GAPS] =
"SELECT s.next - 1 - (SELECT COUNT(*) FROM ledger_transaction)"
" FROM sequence s WHERE s.name = 'posting'",
[JZ_SQL_AUDIT_BALANCES] =
"SELECT COUNT(*) FROM ledger_account a"
" LEFT JOIN ledger_balance b ON b.account = a.id"
" WHERE b.balance IS NULL OR b.balance <> COALESCE("
"(SELECT SUM(e.amount) FROM ledger_entry e WHERE e.account = a.id), 0)",
[JZ_SQL_AUDIT_OVERDRAWN] =
"SELECT COUNT(*) FROM ledger_account a"
" JOIN ledger_balance b ON b.account = a.id"
" WHERE a.kind = 'customer' AND b.balance < 0",
[JZ_SQL_AUDIT_LOADS] =
"SELECT COALESCE((SELECT SUM(amount) FROM load_permission), 0)"
" - COALESCE((SELECT SUM(l.amount) FROM load_permission l"
" JOIN load_report r ON r.card = l.card AND r.counter = l.counter), 0)"
" - COALESCE((SELECT SUM(l.amount) FROM load_permission l"
" JOIN load_cancel x ON x.card = l.card AND x.counter = l.counter), 0)"
" - COALESCE((SELECT SUM(e.amount) FROM ledger_entry e"
" JOIN ledger_account a ON a.id = e.account"
" WHERE a.kind = 'transit-load'), 0)",
[JZ_SQL_AUDIT_LOADS_TWICE] =
"SELECT COUNT(*) FROM load_report r"
" JOIN load_cancel x ON x.card = r.card AND x.counter = r.counter",
[JZ_SQL_AUDIT_PAYMENTS] =
"SELECT COALESCE((SELECT SUM(p.amount) FROM payment p"
" JOIN payment_side x ON x.request_digest = p.request_digest"
" WHERE x.side = 1" NOT_WRITTEN_OFF("p") "), 0)"
" - COALESCE((SELECT SUM(p.amount) FROM payment p"
" JOIN payment_side x ON x.request_digest = p.request_digest"
" WHERE x.side = 2" NOT_WRITTEN_OFF("p") "), 0)"
" - COALESCE((SELECT SUM(x.amount) FROM exception x"
" JOIN exception_paid y ON y.request_digest = x.request_digest"
" WHERE x.amount > 0" NOT_WRITTEN_OFF("x") "), 0)"
" - COALESCE((SELECT SUM(e.amount) FROM ledger_entry e"
" JOIN ledger_account a ON a.id = e.account"
" WHERE a.kind = 'transit-payment'), 0)",
[JZ_SQL_AUDIT_UNLOADS] =
"SELECT (SELECT COUNT(*) FROM unload u WHERE NOT EXISTS"
" (SELECT 1 FROM ledger_transaction t JOIN ledger_entry e ON e.posting = t.id"
" JOIN ledger_account a ON a.id = e.account"
" WHERE t.kind = 'unloaded' AND t.reference = u.card || ':' || u.counter"
" AND a.name = 'account:' || u.account AND e.amount = u.amount))"
" + (SELECT COUNT(*) FROM ledger_transaction t WHERE t.kind = 'unloaded'"
" AND NOT EXISTS (SELECT 1 FROM unload u"
" WHERE t.reference = u.card || ':' || u.counter))",

[JZ_SQL_CUSTOMER] = "SELECT blocked FROM customer WHERE account = ?",
[JZ_SQL_CUSTOMER_ADD] =
"INSERT INTO customer (account, holder, blocked) VALUES (?, ?, 0)",
[JZ_SQL_CUSTOMER_BLOCK] =
"UPDATE customer SET blocked = ? WHERE account = ?",

[JZ_SQL_PASSWORD] =
"SELECT salt, hash, failures FROM account_password WHERE account = ?",
[JZ_SQL_PASSWORD_DROP] = "DELETE FROM account_password WHERE account = ?",
[JZ_SQL_PASSWORD_ADD] =
"INSERT INTO account_password (account, salt, hash, failures, time)"
" VALUES (?, ?, ?, 0, ?)",
[JZ_SQL_PASSWORD_FAILURES] =
"UPDATE account_password SET failures = ? WHERE account = ?",

[JZ_SQL_CARD] =
"SELECT id, asn, account, holder, public_key, flags, blocked, certificate"
" FROM card WHERE id = ?",
[JZ_SQL_CARD_SAME] =
"SELECT id, asn, account, holder, public_key, flags, blocked, certificate"
" FROM card WHERE public_key = ? AND account = ? AND holder = ?"
" AND flags = ?",
[JZ_SQL_CARD_ADD] =
"INSERT INTO card (id, asn, account, holder, public_key, flags, certificate,"
" time, blocked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
[JZ_SQL_CARD_BLOCK] = "UPDATE card SET blocked = ? WHERE id = ?",

[JZ_SQL_REVOCATION] =
"SELECT version, time, generation, card, reason, list FROM revocation"
" ORDER BY version DESC LIMIT 1",
[JZ_SQL_REVOCATION_ADD] =
"INSERT INTO revocation (version, time, generation, card, reason, list)"
" VALUES (?, ?, ?, NULLIF(?, ''), ?, ?)",
[JZ_SQL_EACH_REVOCATION] =
"SELECT version, time, generation, card, reason, list FROM revocation"
" ORDER BY version",

[JZ_SQL_LOAD] =
"SELECT amount, time, request_digest, permission_digest, permission, account"
" FROM load_permission WHERE card = ? AND counter = ?",
[JZ_SQL_LOAD_ADD] =
"INSERT INTO load_permission (card, counter, amount, time, request_digest,"
" permission_digest, permission, request, account)"
" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_REPORT] =
"SELECT digest FROM load_report WHERE card = ? AND counter = ?",
[JZ_SQL_REPORT_ADD] =
"INSERT INTO load_report (card, counter, digest, number, balance, signature,"
" time) VALUES (?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_CANCEL] =
"SELECT request_digest FROM load_cancel WHERE card = ? AND counter = ?",
[JZ_SQL_CANCEL_ADD] =
"INSERT INTO load_cancel (card, counter, request_digest, proof, time)"
" VALUES (?, ?, ?, ?, ?)",

[JZ_SQL_UNLOAD] =
"SELECT amount, digest, acknowledged FROM unload"
" WHERE card = ? AND counter = ?",
[JZ_SQL_UNLOAD_ADD] =
"INSERT INTO unload (card, counter, amount, account, digest, number, balance,"
" signature, acknowledged, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_REPLACEMENT] =
"SELECT r.after, COALESCE((SELECT SUM(u.amount) FROM unload u"
" WHERE u.card = r.before AND u.counter > r.counter), 0),"
" COALESCE((SELECT MAX(l.counter) FROM replacement_load l"
" WHERE l.before = r.before), 0) FROM replacement r WHERE r.before = ?",
[JZ_SQL_REPLACEMENT_ADD] =
"INSERT INTO replacement (before, after, counter, time) VALUES (?, ?, ?, ?)",
[JZ_SQL_REPLACEMENT_LOAD] =
"INSERT INTO replacement_load (before, counter, time) VALUES (?, ?, ?)",

[JZ_SQL_SESSION] =
"SELECT asked, asked_card_nonce, asked_host_nonce, open, host_nonce,"
" sign_in_digest, confirmed FROM session WHERE card = ?",
[JZ_SQL_SESSION_DROP] = "DELETE FROM session WHERE card = ?",
[JZ_SQL_SESSION_ADD] =
"INSERT INTO session (card, asked, asked_card_nonce, asked_host_nonce, open,"
" host_nonce, sign_in_digest, confirmed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",

[JZ_SQL_BATCH] = "SELECT processed FROM batch WHERE card = ? AND digest = ?",
[JZ_SQL_BATCH_ADD] =
"INSERT INTO batch (card, digest, first, number_of_records, bytes, processed,"
" time) VALUES (?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_NEXT_RECORD] =
"SELECT COALESCE(MAX(number), 0) + 1 FROM record WHERE card = ?",
[JZ_SQL_RECORD] =
"SELECT COUNT(*) FROM record WHERE card = ? AND number = ? AND bytes = ?",
[JZ_SQL_RECORD_ADD] =
"INSERT INTO record (card, number, bytes, batch) VALUES (?, ?, ?, ?)",

[JZ_SQL_PAYMENT] =
"SELECT completion_digest FROM payment WHERE request_digest = ?",
[JZ_SQL_PAYMENT_ADD] =
"INSERT INTO payment (request_digest, agreement_digest, completion_digest,"
" amount, currency, payer, payee, payer_counter, payee_counter, time,"
" payer_record, payer_time, payer_signature)"
" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_SIDE] =
"SELECT COUNT(*) FROM payment_side WHERE request_digest = ? AND side = ?",
[JZ_SQL_SIDE_ADD] =
"INSERT INTO payment_side (request_digest, side, number, time,"
" payee_signature) VALUES (?, ?, ?, ?, ?)",
[JZ_SQL_EACH_PAYMENT] =
"SELECT p.request_digest, p.agreement_digest, p.amount, p.currency, p.payer,"
" p.payee, p.payer_counter, p.payee_counter, p.time, p.payer_record,"
" p.payer_time, p.payer_signature, c.payee_signature, r.number, r.time,"
" r.payee_signature, x.outcome, y.time FROM payment p"
" LEFT JOIN payment_side c"
" ON c.request_digest = p.request_digest AND c.side = 1"
" LEFT JOIN payment_side r"
" ON r.request_digest = p.request_digest AND r.side = 2"
" LEFT JOIN exception x ON x.request_digest = p.request_digest"
" LEFT JOIN exception_paid y ON y.request_digest = p.request_digest"
" ORDER BY p.time, p.request_digest",
[JZ_SQL_PAYMENT_DATA] =
"SELECT request_digest, agreement_digest, amount, currency, payer, payee,"
" payer_counter, payee_counter, time FROM payment WHERE request_digest = ?",
[JZ_SQL_EACH_OWED] =
"SELECT p.request_digest, p.agreement_digest, p.amount, p.currency, p.payer,"
" p.payee, p.payer_counter, p.payee_counter, p.time, p.payer_record,"
" p.payer_time, p.payer_signature FROM payment p"
" JOIN payment_side c ON c.request_digest = p.request_digest AND c.side = 1"
" WHERE p.payee = ? AND NOT EXISTS (SELECT 1 FROM payment_side r"
" WHERE r.request_digest = p.request_digest AND r.side = 2)"
" AND NOT EXISTS (SELECT 1 FROM exception x"
" WHERE x.request_digest = p.request_digest)" NOT_WRITTEN_OFF("p")
" ORDER BY p.payee_counter",
[JZ_SQL_EXCEPTION] =
"SELECT request_digest, agreement_digest, amount, currency, payer, payee,"
" payer_counter, payee_counter, time, outcome"
" FROM exception WHERE request_digest = ?",
[JZ_SQL_EXCEPTION_ADD] =
"INSERT INTO exception (request_digest, agreement_digest, amount, currency,"
" payer, payee, payer_counter, payee_counter, time, number, payee_time,"
" outcome, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_EXCEPTION_PAID] =
"INSERT INTO exception_paid (request_digest, time) VALUES (?, ?)",
[JZ_SQL_EXCEPTION_IS_PAID] =
"SELECT COUNT(*) FROM exception_paid WHERE request_digest = ?",
[JZ_SQL_RECORD_BYTES] =
"SELECT bytes FROM record WHERE card = ? AND number = ?",
[JZ_SQL_EXCEPTION_NUMBER] =
"SELECT number FROM exception WHERE request_digest = ?",
[JZ_SQL_SIDE_NUMBER] =
"SELECT number FROM payment_side WHERE request_digest = ? AND side = ?",
[JZ_SQL_TWINS] =
"SELECT COUNT(*) FROM payment WHERE payer = ? AND payer_counter = ?"
" AND request_digest <> ?",
/* Of one counter: when the payer's card has settled one, those that only
 * their payees have. */
[JZ_SQL_TWIN_LOSS] =
"SELECT p.request_digest, p.amount FROM payment p"
" JOIN payment_side r ON r.request_digest = p.request_digest AND r.side = 2"
" WHERE p.payer = ? AND p.payer_counter = ? AND NOT EXISTS"
" (SELECT 1 FROM payment_side c WHERE c.request_digest = p.request_digest"
" AND c.side = 1) AND EXISTS (SELECT 1 FROM payment o JOIN payment_side d"
" ON d.request_digest = o.request_digest AND d.side = 1"
" WHERE o.payer = p.payer AND o.payer_counter = p.payer_counter)"
NOT_WRITTEN_OFF("p") " ORDER BY p.request_digest LIMIT 1",
/* Received from one card, less what was paid to it, as this card has it. */
[JZ_SQL_REFUNDABLE] =
"SELECT CAST(COALESCE((SELECT SUM(p.amount) FROM payment p JOIN payment_side s"
" ON s.request_digest = p.request_digest AND s.side = 2 WHERE p.payee = ?"
" AND p.payer BETWEEN ? AND ?), 0) - COALESCE((SELECT SUM(p.amount)"
" FROM payment p JOIN payment_side s ON s.request_digest = p.request_digest"
" AND s.side = 1 WHERE p.payer = ? AND p.payee BETWEEN ? AND ?), 0) AS BIGINT)",
[JZ_SQL_POSTINGS] =
"SELECT t.id, t.time, t.kind, a.name, e.amount FROM ledger_transaction t"
" JOIN ledger_entry e ON e.posting = t.id"
" JOIN ledger_account a ON a.id = e.account WHERE t.kind IN ('paid',"
" 'received', 'claimed', 'released', 'written off', 'resolved')"
" AND t.reference = ? ORDER BY t.id, e.amount",

[JZ_SQL_TRACED] =
"SELECT request_digest, time FROM payment WHERE ? = '' OR payer = ?"
" OR payee = ? UNION SELECT request_digest, time FROM exception"
" WHERE ? = '' OR payer = ? OR payee = ? ORDER BY 2, 1",

[JZ_SQL_AUDIT_ADD] =
"INSERT INTO audit (id, time, host, actor, text, previous, hash, signature)"
" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_AUDIT_LAST] =
"SELECT id, time, host, actor, text, previous, hash, signature FROM audit"
" ORDER BY id DESC LIMIT 1",
[JZ_SQL_AUDIT_EACH] =
"SELECT id, time, host, actor, text, previous, hash, signature FROM audit"
" ORDER BY id",
[JZ_SQL_AUDIT_NEXT] = "SELECT next FROM sequence WHERE name = 'audit'",

[JZ_SQL_INCIDENT_SAME] =
"SELECT COUNT(*) FROM incident WHERE card = ? AND kind = ? AND number = ?"
" AND reference = ?",
[JZ_SQL_INCIDENTS_OF] = "SELECT COUNT(*) FROM incident WHERE card = ?",
[JZ_SQL_INCIDENT_ADD] =
"INSERT INTO incident (id, time, kind, card, number, reference, evidence)"
" VALUES (?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_INCIDENT_EACH] =
"SELECT id, time, kind, card, number, reference, evidence FROM incident"
" ORDER BY id",
[JZ_SQL_RESTORED] = "SELECT COALESCE(MAX(id), 0) FROM restored",
[JZ_SQL_RESTORED_AT] = "SELECT COALESCE(MAX(time), 0) FROM restored",
[JZ_SQL_RESTORED_ADD] = "INSERT INTO restored (id, time) VALUES (?, ?)",
[JZ_SQL_GAP] = "SELECT COUNT(*) FROM gap WHERE card = ? AND restored >= ?",
[JZ_SQL_GAP_ADD] =
"INSERT INTO gap (card, restored, expected, number) VALUES (?, ?, ?, ?)",
[JZ_SQL_REVOKED_AT] =
"SELECT COALESCE(MIN(time), 0) FROM revocation WHERE card = ?"
" OR generation > ?",

[JZ_SQL_OPERATOR] =
"SELECT o.name, o.public_key, o.time, o.host, o.signature, x.time"
" FROM operator o LEFT JOIN operator_end x ON x.name = o.name"
" WHERE o.name = ?",
[JZ_SQL_OPERATOR_EACH] =
"SELECT o.name, o.public_key, o.time, o.host, o.signature, x.time"
" FROM operator o LEFT JOIN operator_end x ON x.name = o.name"
" ORDER BY o.name",
[JZ_SQL_OPERATOR_ADD] =
"INSERT INTO operator (name, public_key, time, host, signature)"
" VALUES (?, ?, ?, ?, ?)",
[JZ_SQL_OPERATOR_END] = "INSERT INTO operator_end (name, time) VALUES (?, ?)",
[JZ_SQL_PROPOSAL] = PROPOSALS " WHERE p.id = ?",
[JZ_SQL_PROPOSAL_EACH] = PROPOSALS " ORDER BY p.id",
[JZ_SQL_PROPOSAL_ADD] =
"INSERT INTO proposal (id, time, expires, kind, subject, target, amount,"
" reason, operator, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
[JZ_SQL_DECISION_ADD] =
"INSERT INTO decision (proposal, time, approved, operator, signature)"
" VALUES (?, ?, ?, ?, ?)",
[JZ_SQL_WRITTEN_OFF] =
"SELECT target FROM written_off WHERE request_digest = ?",
[JZ_SQL_WRITTEN_OFF_ADD] =
"INSERT INTO written_off (request_digest, amount, target, proposal, time)"
" VALUES (?, ?, ?, ?, ?)",
[JZ_SQL_CARD_CLOSED] = "SELECT COUNT(*) FROM card_closed WHERE card = ?",
[JZ_SQL_CARD_CLOSED_ADD] =
"INSERT INTO card_closed (card, amount, target, proposal, time)"
" VALUES (?, ?, ?, ?, ?)",
};
/* clang-format on */

_Static_assert(
    sizeof(TEXT) / sizeof(TEXT[0]) == JZ_SQL_COUNT, "a text for each");

struct jz_value
jz_v_int(int64_t v)
{
	return (struct jz_value){JZ_VALUE_INT, v, {NULL, 0}};
}

struct jz_value
jz_v_text(const char *v)
{
	return (struct jz_value){JZ_VALUE_TEXT, 0, jz_span(v, strlen(v))};
}

struct jz_value
jz_v_id(const uint8_t id[static JZ_ID_BYTES])
{
	return (struct jz_value){JZ_VALUE_TEXT, 0, jz_span(id, JZ_ID_BYTES)};
}

struct jz_value
jz_v_blob(const void *data, size_t len)
{
	return (struct jz_value){JZ_VALUE_BLOB, 0, jz_span(data, len)};
}

struct jz_value
jz_v_span(struct jz_span v)
{
	return (struct jz_value){JZ_VALUE_BLOB, 0, v};
}

int
jz_sql_wrong(struct jz_store *s, const char *what)
{
	if (s->detail[0] == '\0')
		snprintf(s->detail, sizeof(s->detail), "%s", what);
	return JZ_ERR_DATABASE;
}

static int
query(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, bool brief, struct jz_rows **out)
{
	int err = s->driver->query(s, which, TEXT[which], values, n, brief);

	*out = err == 0 ? &s->rows[which] : NULL;
	return err;
}

int
jz_sql_query(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, struct jz_rows **out)
{
	return query(s, which, values, n, false, out);
}

int
jz_sql_row(struct jz_store *s, struct jz_rows *st)
{
	return s->driver->row(s, st);
}

void
jz_sql_done(struct jz_rows *st)
{
	if (st != NULL)
		st->store->driver->done(st);
}

int64_t
jz_sql_changes(const struct jz_store *s)
{
	return s->driver->changes(s);
}

int64_t
jz_sql_int(struct jz_rows *st, int column)
{
	return st->store->driver->integer(st, column);
}

bool
jz_sql_null(struct jz_rows *st, int column)
{
	return st->store->driver->null(st, column);
}

int
jz_sql_run(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n)
{
	struct jz_rows *st;
	int err = query(s, which, values, n, true, &st);

	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0)
		err = jz_sql_wrong(s, "a row where none belongs");
	jz_sql_done(st);
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

int
jz_sql_number(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, int64_t *out)
{
	struct jz_rows *st;
	int err = query(s, which, values, n, true, &st);

	*out = 0;
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0)
		*out = jz_sql_int(st, 0);
	jz_sql_done(st);
	return err;
}

bool
jz_sql_blob(
    struct jz_rows *st, int column, uint8_t *out, size_t cap, size_t *len)
{
	size_t n = 0;
	const uint8_t *data = st->store->driver->bytes(st, column, &n);

	*len = 0;
	if (n > cap)
		return false;
	if (n > 0)
		memcpy(out, data, n);
	*len = n;
	return true;
}

bool
jz_sql_bytes(struct jz_rows *st, int column, void *out, size_t len)
{
	size_t n;

	return jz_sql_blob(st, column, out, len, &n) && n == len;
}

bool
jz_sql_text(struct jz_rows *st, int column, char *out, size_t cap)
{
	size_t n;

	if (!jz_sql_blob(st, column, (uint8_t *)out, cap - 1, &n))
		return false;
	out[n] = '\0';
	return true;
}
