/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared statements of the store.  For schema.c, sql*.c, store*.c and ledger.c
 * alone.
 *
 * There are two engines: SQLite, a file, and PostgreSQL or whatever speaks like
 * it, by a URI.  Both get the same statements and the same tables: sql.c and
 * schema.c say them once, in SQL-92 with SAVEPOINT, and dialect.c
 * puts them into what PostgreSQL wants.  What differs otherwise is a table of
 * functions, struct jz_driver.
 */
#ifndef JZ_HOST_ISSUER_SQL_H
#define JZ_HOST_ISSUER_SQL_H

#include "store.h"

/* How long a writer waits for another one. */
#define JZ_BUSY_MS    10000
#define JZ_DETAIL_MAX 192

/* Every statement by name; sql.c has the texts. */
enum jz_statement {
	JZ_SQL_COMMIT,
	JZ_SQL_ROLLBACK,
	JZ_SQL_SAVEPOINT,
	JZ_SQL_RELEASE,
	JZ_SQL_ROLLBACK_TO,
	JZ_SQL_SETTING,
	JZ_SQL_SETTING_ADD,
	JZ_SQL_NEXT,
	JZ_SQL_TAKEN,
	JZ_SQL_SKIP,
	JZ_SQL_LEDGER_ACCOUNT,
	JZ_SQL_LEDGER_BALANCE,
	JZ_SQL_LEDGER_ACCOUNT_ADD,
	JZ_SQL_LEDGER_BALANCE_ADD,
	JZ_SQL_LEDGER_BALANCE_SET,
	JZ_SQL_LEDGER_TRANSACTION_ADD,
	JZ_SQL_LEDGER_ENTRY_ADD,
	JZ_SQL_LEDGER_POSTED,
	JZ_SQL_TRANSFER_REFUSED,
	JZ_SQL_TRANSFER_REFUSE,
	JZ_SQL_LEDGER_SUM,
	JZ_SQL_LEDGER_EACH,
	JZ_SQL_LEDGER_LINES,
	JZ_SQL_LEDGER_LAST,
	JZ_SQL_AUDIT_UNBALANCED,
	JZ_SQL_AUDIT_ORPHANS,
	JZ_SQL_AUDIT_GAPS,
	JZ_SQL_AUDIT_BALANCES,
	JZ_SQL_AUDIT_OVERDRAWN,
	JZ_SQL_AUDIT_LOADS,
	JZ_SQL_AUDIT_LOADS_TWICE,
	JZ_SQL_AUDIT_PAYMENTS,
	JZ_SQL_AUDIT_UNLOADS,
	JZ_SQL_CUSTOMER,
	JZ_SQL_CUSTOMER_ADD,
	JZ_SQL_CUSTOMER_BLOCK,
	JZ_SQL_PASSWORD,
	JZ_SQL_PASSWORD_DROP,
	JZ_SQL_PASSWORD_ADD,
	JZ_SQL_PASSWORD_FAILURES,
	JZ_SQL_CARD,
	JZ_SQL_CARD_SAME,
	JZ_SQL_CARD_ADD,
	JZ_SQL_CARD_BLOCK,
	JZ_SQL_REVOCATION,
	JZ_SQL_REVOCATION_ADD,
	JZ_SQL_EACH_REVOCATION,
	JZ_SQL_LOAD,
	JZ_SQL_LOAD_ADD,
	JZ_SQL_REPORT,
	JZ_SQL_REPORT_ADD,
	JZ_SQL_CANCEL,
	JZ_SQL_CANCEL_ADD,
	JZ_SQL_UNLOAD,
	JZ_SQL_UNLOAD_ADD,
	JZ_SQL_REPLACEMENT,
	JZ_SQL_REPLACEMENT_ADD,
	JZ_SQL_REPLACEMENT_LOAD,
	JZ_SQL_SESSION,
	JZ_SQL_SESSION_DROP,
	JZ_SQL_SESSION_ADD,
	JZ_SQL_BATCH,
	JZ_SQL_BATCH_ADD,
	JZ_SQL_NEXT_RECORD,
	JZ_SQL_RECORD,
	JZ_SQL_RECORD_ADD,
	JZ_SQL_PAYMENT,
	JZ_SQL_PAYMENT_ADD,
	JZ_SQL_SIDE,
	JZ_SQL_SIDE_ADD,
	JZ_SQL_EACH_PAYMENT,
	JZ_SQL_PAYMENT_DATA,
	JZ_SQL_EACH_OWED,
	JZ_SQL_EXCEPTION,
	JZ_SQL_EXCEPTION_ADD,
	JZ_SQL_EXCEPTION_PAID,
	JZ_SQL_EXCEPTION_IS_PAID,
	JZ_SQL_RECORD_BYTES,
	JZ_SQL_EXCEPTION_NUMBER,
	JZ_SQL_SIDE_NUMBER,
	JZ_SQL_TWINS,
	JZ_SQL_TWIN_LOSS,
	JZ_SQL_REFUNDABLE,
	JZ_SQL_POSTINGS,
	JZ_SQL_TRACED,
	JZ_SQL_AUDIT_ADD,
	JZ_SQL_AUDIT_LAST,
	JZ_SQL_AUDIT_EACH,
	JZ_SQL_AUDIT_NEXT,
	JZ_SQL_INCIDENT_SAME,
	JZ_SQL_INCIDENTS_OF,
	JZ_SQL_INCIDENT_ADD,
	JZ_SQL_INCIDENT_EACH,
	JZ_SQL_RESTORED,
	JZ_SQL_RESTORED_AT,
	JZ_SQL_RESTORED_ADD,
	JZ_SQL_GAP,
	JZ_SQL_GAP_ADD,
	JZ_SQL_REVOKED_AT,
	JZ_SQL_OPERATOR,
	JZ_SQL_OPERATOR_EACH,
	JZ_SQL_OPERATOR_ADD,
	JZ_SQL_OPERATOR_END,
	JZ_SQL_PROPOSAL,
	JZ_SQL_PROPOSAL_EACH,
	JZ_SQL_PROPOSAL_ADD,
	JZ_SQL_DECISION_ADD,
	JZ_SQL_WRITTEN_OFF,
	JZ_SQL_WRITTEN_OFF_ADD,
	JZ_SQL_CARD_CLOSED,
	JZ_SQL_CARD_CLOSED_ADD,
	JZ_SQL_COUNT,
};

struct jz_driver;

/* A statement and, while it is being read, where it stands. */
struct jz_rows {
	struct jz_store *store;
	void *made;    /* by the driver: the statement, kept */
	void *answer;  /* by the driver: rows, until jz_sql_done() */
	int at;	       /* the present row */
	uint8_t *room; /* for a column, owned */
	size_t room_len;
};
/* An account of the ledger: its name, number and kind stay as they are. */
struct jz_ledger_known {
	struct jz_ledger_name name;
	int64_t id; /* 0: none */
	bool customer;
};
#define JZ_LEDGER_KNOWN 256u

struct jz_store {
	const struct jz_driver *driver;
	void *connection; /* the driver's */
	struct jz_rows rows[JZ_SQL_COUNT];
	char detail[JZ_DETAIL_MAX];
	unsigned depth; /* of transactions */
	bool ready;	/* the schema is there */
	/* Accounts seen, by a hash of their names; none that a transaction
	 * opened that was rolled back. */
	struct jz_ledger_known known[JZ_LEDGER_KNOWN];
};

enum jz_value_type {
	JZ_VALUE_INT,
	JZ_VALUE_TEXT,
	JZ_VALUE_BLOB,
};

struct jz_value {
	enum jz_value_type type;
	int64_t number;
	struct jz_span bytes;
};

struct jz_value jz_v_int(int64_t v);
struct jz_value jz_v_text(const char *v);
/* Sixteen characters. */
struct jz_value jz_v_id(const uint8_t id[static JZ_ID_BYTES]);
struct jz_value jz_v_blob(const void *data, size_t len);
struct jz_value jz_v_span(struct jz_span v);

/* A list of values and how many, as two arguments. */
#define JZ_VALUES(...)                                                         \
	(const struct jz_value[]){__VA_ARGS__},                                \
	    sizeof((const struct jz_value[]){__VA_ARGS__}) /                   \
	    sizeof(struct jz_value)

/* Says itself what is wrong; gives JZ_ERR_DATABASE. */
int jz_sql_wrong(struct jz_store *s, const char *what);

/*
 * Begins a query with its parameters; rows come by jz_sql_row.  The query is
 * ended by jz_sql_done, which is needed on every path.
 */
int jz_sql_query(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, struct jz_rows **out);
/* 0 with a row, or JZ_ERR_NOT_FOUND when there is none left. */
int jz_sql_row(struct jz_store *s, struct jz_rows *st);
void jz_sql_done(struct jz_rows *st);
/* A statement without rows. */
int jz_sql_run(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n);
/* A query of one row with one number. */
int jz_sql_number(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, int64_t *out);

/* How many rows the last jz_sql_run() has changed. */
int64_t jz_sql_changes(const struct jz_store *s);

/* Columns of the present row.  0 for NULL. */
int64_t jz_sql_int(struct jz_rows *st, int column);
bool jz_sql_null(struct jz_rows *st, int column);
/* False when the length is another one. */
bool jz_sql_bytes(struct jz_rows *st, int column, void *out, size_t len);
/* At most cap bytes; *len says how many. */
bool jz_sql_blob(
    struct jz_rows *st, int column, uint8_t *out, size_t cap, size_t *len);
/* With a NUL at the end, so at most cap - 1 bytes. */
bool jz_sql_text(struct jz_rows *st, int column, char *out, size_t cap);

/* Brings a database to the newest schema (schema.c). */
int jz_schema_migrate(struct jz_store *s);

/* ---- engines (sql_sqlite.c, sql_postgres.c) ------------------------------ */

/*
 * Errors: JZ_ERR_DATABASE with the detail set, JZ_ERR_CONTENDED when others
 * were in the way and the whole transaction may be tried again, JZ_ERR_MEMORY.
 */
struct jz_driver {
	/* create: JZ_ERR_EXISTS; else JZ_ERR_NOT_FOUND. */
	int (*open)(struct jz_store *s, const char *name, bool create);
	void (*close)(struct jz_store *s);
	/* The outermost transaction.  A writer is the only one. */
	int (*begin)(struct jz_store *s, bool write);
	/* Whether there is a transaction still. */
	bool (*within)(const struct jz_store *s);
	/* brief: it is done with before the values are gone. */
	int (*query)(struct jz_store *s, enum jz_statement which,
	    const char *text, const struct jz_value *values, size_t n,
	    bool brief);
	int (*row)(struct jz_store *s, struct jz_rows *st);
	void (*done)(struct jz_rows *st);
	int64_t (*changes)(const struct jz_store *s);
	int64_t (*integer)(struct jz_rows *st, int column);
	bool (*null)(struct jz_rows *st, int column);
	/* Good until the next call for this statement. */
	const uint8_t *(*bytes)(struct jz_rows *st, int column, size_t *len);
	/* Statements of the schema, as schema.c has them. */
	int (*execute)(struct jz_store *s, const char *sql);
	/* How many migrations it has seen: JZ_ERR_DATABASE for a database that
	 * is none of ours. */
	int (*version)(struct jz_store *s, int64_t *version);
	int (*set_version)(struct jz_store *s, int64_t version);
	/* Parts of the schema that begin with this are of this engine. */
	const char *own;
};
extern const struct jz_driver jz_driver_sqlite, jz_driver_postgres;

/* Whether a store's name is a URI of PostgreSQL's. */
bool jz_sql_is_uri(const char *name);

/* ---- dialect.c ----------------------------------------------------------- */

/* $1, $2, ... for each question mark.  Owned; NULL: no memory. */
char *jz_dialect_query(const char *text);
/*
 * Tables as PostgreSQL has them: BIGINT and BYTEA, neither STRICT nor triggers.
 * Owned; NULL: no memory.
 */
char *jz_dialect_schema(const char *text);

#endif
