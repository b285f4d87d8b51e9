/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the issuer's database, and how it is opened.
 *
 * The database counts the migrations that it has seen; opening it carries out
 * those that are missing, all in one transaction.  A migration that has left
 * the house is never altered: a change is another one.
 *
 * What has happened is only ever added to.  In SQLite triggers refuse UPDATE
 * and DELETE on those tables, and an INSERT over a row that is there (INSERT OR
 * REPLACE deletes without asking a delete trigger).  In PostgreSQL the daemon's
 * role is not granted UPDATE and DELETE there (docs/adr/0019-daemon.md): not
 * every engine that speaks like it has triggers.
 *
 * A part that begins with "--sqlite\n" or "--postgres\n" is for that one.
 */
#include "sql.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

/* clang-format off */
#define APPEND_ONLY(table, same_row)                                           \
"CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table                   \
" BEGIN SELECT RAISE(ABORT, '" table " is append-only'); END;"                 \
"CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table                   \
" BEGIN SELECT RAISE(ABORT, '" table " is append-only'); END;"                 \
"CREATE TRIGGER " table "_no_replace BEFORE INSERT ON " table                  \
" WHEN EXISTS (SELECT 1 FROM " table " WHERE " same_row ")"                    \
" BEGIN SELECT RAISE(ABORT, '" table " has this row'); END;"

/* A load that is in `other` cannot enter `table`. */
#define NOT_AFTER(table, other)                                                \
"CREATE TRIGGER " table "_not_after_" other " BEFORE INSERT ON " table         \
" WHEN EXISTS (SELECT 1 FROM " other                                           \
" WHERE card = NEW.card AND counter = NEW.counter)"                            \
" BEGIN SELECT RAISE(ABORT, '" table " after " other "'); END;"

static const char V1_LEDGER[] =
"CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
APPEND_ONLY("setting", "name = NEW.name")

"CREATE TABLE sequence (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;"
"INSERT INTO sequence (name, next) VALUES ('ledger account', 1),"
" ('posting', 1), ('deposit', 1), ('card', 1);"

"CREATE TABLE ledger_account (id INTEGER PRIMARY KEY,"
" kind TEXT NOT NULL CHECK (kind IN ('cash', 'customer', 'card',"
" 'transit-load', 'transit-payment')), name TEXT NOT NULL UNIQUE) STRICT;"
APPEND_ONLY("ledger_account", "id = NEW.id OR name = NEW.name")

/* A cache: the audit compares it with the sum of the entries. */
"CREATE TABLE ledger_balance (account INTEGER PRIMARY KEY"
" REFERENCES ledger_account (id), balance INTEGER NOT NULL) STRICT;"
"CREATE TRIGGER ledger_balance_not_overdrawn"
" BEFORE UPDATE ON ledger_balance WHEN NEW.balance < 0 AND EXISTS"
" (SELECT 1 FROM ledger_account WHERE id = NEW.account AND kind = 'customer')"
" BEGIN SELECT RAISE(ABORT, 'customer account below zero'); END;"

"CREATE TABLE ledger_transaction (id INTEGER PRIMARY KEY,"
" time INTEGER NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,"
" UNIQUE (kind, reference)) STRICT;"
APPEND_ONLY("ledger_transaction",
	"id = NEW.id OR (kind = NEW.kind AND reference = NEW.reference)")

"CREATE TABLE ledger_entry ("
" posting INTEGER NOT NULL REFERENCES ledger_transaction (id),"
" account INTEGER NOT NULL REFERENCES ledger_account (id),"
" amount INTEGER NOT NULL CHECK (amount <> 0),"
" PRIMARY KEY (posting, account)) STRICT;"
"CREATE INDEX ledger_entry_account ON ledger_entry (account);"
APPEND_ONLY("ledger_entry",
	"posting = NEW.posting AND account = NEW.account")
;

static const char V1_CARDS[] =
"CREATE TABLE customer (account TEXT PRIMARY KEY, holder TEXT NOT NULL,"
" blocked INTEGER NOT NULL CHECK (blocked IN (0, 1))) STRICT;"
"CREATE TRIGGER customer_only_blocked"
" BEFORE UPDATE OF account, holder ON customer"
" BEGIN SELECT RAISE(ABORT, 'customer is append-only'); END;"
"CREATE TRIGGER customer_no_delete BEFORE DELETE ON customer"
" BEGIN SELECT RAISE(ABORT, 'customer is append-only'); END;"

"CREATE TABLE card (id TEXT PRIMARY KEY CHECK (length(id) = 16),"
" asn BLOB NOT NULL UNIQUE,"
" account TEXT NOT NULL REFERENCES customer (account), holder TEXT NOT NULL,"
" public_key BLOB NOT NULL, flags INTEGER NOT NULL,"
" certificate BLOB NOT NULL, time INTEGER NOT NULL,"
" blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),"
" UNIQUE (public_key, account, holder, flags)) STRICT;"
"CREATE TRIGGER card_only_blocked"
" BEFORE UPDATE OF id, asn, account, holder, public_key, flags, certificate,"
" time ON card BEGIN SELECT RAISE(ABORT, 'card is append-only'); END;"
"CREATE TRIGGER card_no_delete BEFORE DELETE ON card"
" BEGIN SELECT RAISE(ABORT, 'card is append-only'); END;"
;

static const char V1_LOADS[] =
"CREATE TABLE load_permission (card TEXT NOT NULL REFERENCES card (id),"
" counter INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),"
" time INTEGER NOT NULL, request_digest BLOB NOT NULL,"
" permission_digest BLOB NOT NULL, permission BLOB NOT NULL,"
" request BLOB NOT NULL,"
" account TEXT NOT NULL REFERENCES customer (account),"
" PRIMARY KEY (card, counter)) STRICT;"
APPEND_ONLY("load_permission", "card = NEW.card AND counter = NEW.counter")

"CREATE TABLE load_report (card TEXT NOT NULL, counter INTEGER NOT NULL,"
" digest BLOB NOT NULL, number INTEGER NOT NULL, balance INTEGER NOT NULL,"
" signature BLOB NOT NULL, time INTEGER NOT NULL,"
" PRIMARY KEY (card, counter), FOREIGN KEY (card, counter)"
" REFERENCES load_permission (card, counter)) STRICT;"
APPEND_ONLY("load_report", "card = NEW.card AND counter = NEW.counter")

/* The card's word that it will not execute a load, permitted or never seen. */
"CREATE TABLE load_cancel (card TEXT NOT NULL REFERENCES card (id),"
" counter INTEGER NOT NULL, request_digest BLOB NOT NULL,"
" proof BLOB NOT NULL, time INTEGER NOT NULL,"
" PRIMARY KEY (card, counter)) STRICT;"
APPEND_ONLY("load_cancel", "card = NEW.card AND counter = NEW.counter")
NOT_AFTER("load_permission", "load_cancel")
NOT_AFTER("load_report", "load_cancel")
NOT_AFTER("load_cancel", "load_report")
;

static const char V1_SETTLEMENT[] =
"CREATE TABLE session (card TEXT PRIMARY KEY REFERENCES card (id),"
" asked INTEGER NOT NULL, asked_card_nonce BLOB NOT NULL,"
" asked_host_nonce BLOB NOT NULL, open INTEGER NOT NULL,"
" host_nonce BLOB NOT NULL, sign_in_digest BLOB NOT NULL,"
" confirmed BLOB NOT NULL) STRICT;"

"CREATE TABLE batch (card TEXT NOT NULL REFERENCES card (id),"
" digest BLOB NOT NULL, first INTEGER NOT NULL,"
" number_of_records INTEGER NOT NULL, bytes BLOB NOT NULL,"
" processed BLOB NOT NULL, time INTEGER NOT NULL,"
" PRIMARY KEY (card, digest)) STRICT;"
APPEND_ONLY("batch", "card = NEW.card AND digest = NEW.digest")

"CREATE TABLE record (card TEXT NOT NULL, number INTEGER NOT NULL,"
" bytes BLOB NOT NULL, batch BLOB NOT NULL, PRIMARY KEY (card, number),"
" FOREIGN KEY (card, batch) REFERENCES batch (card, digest)) STRICT;"
APPEND_ONLY("record", "card = NEW.card AND number = NEW.number")

"CREATE TABLE payment (request_digest BLOB PRIMARY KEY,"
" agreement_digest BLOB NOT NULL, completion_digest BLOB NOT NULL,"
" amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL,"
" payer TEXT NOT NULL REFERENCES card (id),"
" payee TEXT NOT NULL REFERENCES card (id),"
" payer_counter INTEGER NOT NULL, payee_counter INTEGER NOT NULL,"
" time INTEGER NOT NULL, payer_record INTEGER NOT NULL,"
" payer_time INTEGER NOT NULL, payer_signature BLOB NOT NULL) STRICT;"
APPEND_ONLY("payment", "request_digest = NEW.request_digest")

/* Side 1: the payer has uploaded; side 2: the payee has. */
"CREATE TABLE payment_side ("
" request_digest BLOB NOT NULL REFERENCES payment (request_digest),"
" side INTEGER NOT NULL CHECK (side IN (1, 2)), number INTEGER NOT NULL,"
" time INTEGER NOT NULL, payee_signature BLOB NOT NULL,"
" PRIMARY KEY (request_digest, side)) STRICT;"
APPEND_ONLY("payment_side",
	"request_digest = NEW.request_digest AND side = NEW.side")
;

/* Each list is made by one act: a card's, or else a higher generation. */
static const char V2_REVOCATION[] =
"CREATE TABLE revocation (version INTEGER PRIMARY KEY CHECK (version > 0),"
" time INTEGER NOT NULL, generation INTEGER NOT NULL,"
" card TEXT UNIQUE REFERENCES card (id), reason TEXT NOT NULL,"
" list BLOB NOT NULL) STRICT;"
APPEND_ONLY("revocation", "version = NEW.version OR card = NEW.card")
"CREATE TRIGGER revocation_in_order BEFORE INSERT ON revocation"
" WHEN NEW.version <> (SELECT COALESCE(MAX(version), 0) + 1 FROM revocation)"
" OR NEW.generation < (SELECT COALESCE(MAX(generation), 0) FROM revocation)"
" BEGIN SELECT RAISE(ABORT, 'revocation out of order'); END;"
;

/*
 * The payee's word that it was not credited and never will be, and what it
 * asks for.  It is paid at most once, and a payment that the payee has given
 * up is never received, nor the other way round.
 */
static const char V3_EXCEPTIONS[] =
"CREATE TABLE exception (request_digest BLOB PRIMARY KEY,"
" agreement_digest BLOB NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),"
" currency INTEGER NOT NULL, payer TEXT NOT NULL REFERENCES card (id),"
" payee TEXT NOT NULL REFERENCES card (id), payer_counter INTEGER NOT NULL,"
" payee_counter INTEGER NOT NULL, time INTEGER NOT NULL,"
" number INTEGER NOT NULL, payee_time INTEGER NOT NULL,"
" outcome INTEGER NOT NULL CHECK (outcome IN (1, 2)),"
" signature BLOB NOT NULL) STRICT;"
APPEND_ONLY("exception", "request_digest = NEW.request_digest")
"CREATE TABLE exception_paid (request_digest BLOB PRIMARY KEY"
" REFERENCES exception (request_digest), time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("exception_paid", "request_digest = NEW.request_digest")
"CREATE TRIGGER exception_not_after_received BEFORE INSERT ON exception"
" WHEN EXISTS (SELECT 1 FROM payment_side"
" WHERE request_digest = NEW.request_digest AND side = 2)"
" BEGIN SELECT RAISE(ABORT, 'exception after receipt'); END;"
"CREATE TRIGGER received_not_after_exception BEFORE INSERT ON payment_side"
" WHEN NEW.side = 2 AND EXISTS (SELECT 1 FROM exception"
" WHERE request_digest = NEW.request_digest)"
" BEGIN SELECT RAISE(ABORT, 'receipt after exception'); END;"
"CREATE TRIGGER exception_paid_by_the_payer BEFORE INSERT ON exception_paid"
" WHEN NOT EXISTS (SELECT 1 FROM payment_side"
" WHERE request_digest = NEW.request_digest AND side = 1)"
" BEGIN SELECT RAISE(ABORT, 'nobody has paid this'); END;"
;

/* Two more kinds of account, which a CHECK cannot be told later. */
static const char V4_KINDS[] =
"--sqlite\n"
"PRAGMA defer_foreign_keys = ON;"
"CREATE TABLE ledger_account_copy AS SELECT id, kind, name"
" FROM ledger_account;"
"DROP TABLE ledger_account;"
"CREATE TABLE ledger_account (id INTEGER PRIMARY KEY,"
" kind TEXT NOT NULL CHECK (kind IN ('cash', 'customer', 'card',"
" 'transit-load', 'transit-payment', 'fraud', 'lost')),"
" name TEXT NOT NULL UNIQUE) STRICT;"
"INSERT INTO ledger_account (id, kind, name) SELECT id, kind, name"
" FROM ledger_account_copy;"
"DROP TABLE ledger_account_copy;"
APPEND_ONLY("ledger_account", "id = NEW.id OR name = NEW.name")
;
static const char V4_KINDS_POSTGRES[] =
"--postgres\n"
"ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_kind_check;"
"ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_kind_check"
" CHECK (kind IN ('cash', 'customer', 'card', 'transit-load',"
" 'transit-payment', 'fraud', 'lost'));"
;
static const char V4_ACCOUNTS[] =
/* A new issuer opens its accounts itself. */
#define OPEN_ACCOUNT(kind, name)                                               \
"INSERT INTO ledger_account (id, kind, name) SELECT next, '" kind "',"         \
" '" name "' FROM sequence WHERE name = 'ledger account' AND EXISTS"           \
" (SELECT 1 FROM ledger_account WHERE kind = 'cash');"                         \
"INSERT INTO ledger_balance (account, balance) SELECT id, 0"                   \
" FROM ledger_account WHERE name = '" name "';"                                \
"UPDATE sequence SET next = next + 1 WHERE name = 'ledger account'"            \
" AND EXISTS (SELECT 1 FROM ledger_account WHERE name = '" name "');"
OPEN_ACCOUNT("fraud", JZ_LEDGER_FRAUD)
OPEN_ACCOUNT("lost", JZ_LEDGER_LOST)
;

/* What was found wrong, and the log in which every act of people stands. */
static const char V4_AUDIT[] =
"INSERT INTO sequence (name, next) VALUES ('audit', 1), ('incident', 1),"
" ('proposal', 1);"
"CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
" host BLOB NOT NULL, actor TEXT NOT NULL, text TEXT NOT NULL,"
" previous BLOB NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL)"
" STRICT;"
APPEND_ONLY("audit", "id = NEW.id")
"CREATE TABLE incident (id INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
" kind INTEGER NOT NULL, card TEXT NOT NULL, number INTEGER NOT NULL,"
" reference TEXT NOT NULL, evidence BLOB NOT NULL,"
" UNIQUE (card, kind, number, reference)) STRICT;"
APPEND_ONLY("incident", "id = NEW.id OR (card = NEW.card AND"
	" kind = NEW.kind AND number = NEW.number AND"
	" reference = NEW.reference)")
"CREATE INDEX payment_payer ON payment (payer, payer_counter);"
/* The ledger was put back from a backup, and what each card then lacked. */
"CREATE TABLE restored (id INTEGER PRIMARY KEY, time INTEGER NOT NULL)"
" STRICT;"
APPEND_ONLY("restored", "id = NEW.id")
"CREATE TABLE gap (card TEXT NOT NULL REFERENCES card (id),"
" restored INTEGER NOT NULL REFERENCES restored (id),"
" expected INTEGER NOT NULL, number INTEGER NOT NULL,"
" PRIMARY KEY (card, restored)) STRICT;"
APPEND_ONLY("gap", "card = NEW.card AND restored = NEW.restored")
;

/* What two people decide, and what became of it. */
static const char V4_DECISIONS[] =
"CREATE TABLE operator (name TEXT PRIMARY KEY,"
" public_key BLOB NOT NULL UNIQUE, time INTEGER NOT NULL,"
" host BLOB NOT NULL, signature BLOB NOT NULL) STRICT;"
APPEND_ONLY("operator", "name = NEW.name OR public_key = NEW.public_key")
"CREATE TABLE operator_end (name TEXT PRIMARY KEY REFERENCES operator (name),"
" time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("operator_end", "name = NEW.name")
"CREATE TABLE proposal (id INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
" expires INTEGER NOT NULL, kind INTEGER NOT NULL, subject TEXT NOT NULL,"
" target TEXT NOT NULL, amount INTEGER NOT NULL, reason TEXT NOT NULL,"
" operator TEXT NOT NULL REFERENCES operator (name),"
" signature BLOB NOT NULL) STRICT;"
APPEND_ONLY("proposal", "id = NEW.id")
"CREATE TABLE decision (proposal INTEGER PRIMARY KEY"
" REFERENCES proposal (id), time INTEGER NOT NULL,"
" approved INTEGER NOT NULL CHECK (approved IN (0, 1)),"
" operator TEXT NOT NULL REFERENCES operator (name),"
" signature BLOB NOT NULL) STRICT;"
APPEND_ONLY("decision", "proposal = NEW.proposal")
"CREATE TRIGGER decision_by_another BEFORE INSERT ON decision"
" WHEN NEW.approved = 1 AND NEW.operator = (SELECT operator FROM proposal"
" WHERE id = NEW.proposal)"
" BEGIN SELECT RAISE(ABORT, 'approved by the one who proposed'); END;"
/* A payment whose transit is with the fraud account from now on. */
"CREATE TABLE written_off (request_digest BLOB PRIMARY KEY,"
" amount INTEGER NOT NULL, target TEXT NOT NULL,"
" proposal INTEGER NOT NULL, time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("written_off", "request_digest = NEW.request_digest")
"CREATE TABLE card_closed (card TEXT PRIMARY KEY REFERENCES card (id),"
" amount INTEGER NOT NULL, target TEXT NOT NULL,"
" proposal INTEGER NOT NULL REFERENCES proposal (id),"
" time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("card_closed", "card = NEW.card")
;

/* As scrypt makes them, and how many wrong ones came in a row. */
static const char V5_PASSWORDS[] =
"CREATE TABLE account_password (account TEXT PRIMARY KEY"
" REFERENCES customer (account), salt BLOB NOT NULL, hash BLOB NOT NULL,"
" failures INTEGER NOT NULL CHECK (failures >= 0), time INTEGER NOT NULL)"
" STRICT;"
;

/* What the bank has refused by a signature stays refused. */
static const char V6_REFUSED[] =
"CREATE TABLE transfer_refused (reference TEXT PRIMARY KEY,"
" reason INTEGER NOT NULL CHECK (reason > 0), time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("transfer_refused", "reference = NEW.reference")
;

/* The card's word that it has debited itself, and what was answered. */
static const char V7_UNLOADS[] =
"CREATE TABLE unload (card TEXT NOT NULL REFERENCES card (id),"
" counter INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),"
" account TEXT NOT NULL REFERENCES customer (account),"
" digest BLOB NOT NULL, number INTEGER NOT NULL, balance INTEGER NOT NULL,"
" signature BLOB NOT NULL, acknowledged BLOB NOT NULL, time INTEGER NOT NULL,"
" PRIMARY KEY (card, counter)) STRICT;"
APPEND_ONLY("unload", "card = NEW.card AND counter = NEW.counter")
NOT_AFTER("unload", "load_report")
NOT_AFTER("load_report", "unload")

/* A card that took another's place, and the loads that were to fill it. */
"CREATE TABLE replacement (before TEXT PRIMARY KEY REFERENCES card (id),"
" after TEXT NOT NULL REFERENCES card (id), counter INTEGER NOT NULL,"
" time INTEGER NOT NULL) STRICT;"
APPEND_ONLY("replacement", "before = NEW.before")
"CREATE TABLE replacement_load ("
" before TEXT NOT NULL REFERENCES replacement (before),"
" counter INTEGER NOT NULL, time INTEGER NOT NULL,"
" PRIMARY KEY (before, counter)) STRICT;"
APPEND_ONLY("replacement_load",
	"before = NEW.before AND counter = NEW.counter")
;

/* The card's key of an enciphered load: its permission is sealed again for it,
 * whoever asks. */
static const char V8_SEALED[] =
"CREATE TABLE load_key (card TEXT NOT NULL, counter INTEGER NOT NULL,"
" point BLOB NOT NULL, PRIMARY KEY (card, counter),"
" FOREIGN KEY (card, counter)"
" REFERENCES load_permission (card, counter)) STRICT;"
APPEND_ONLY("load_key", "card = NEW.card AND counter = NEW.counter")
;
/* clang-format on */

#define PARTS_MAX 6

/* Migration n makes version n + 1; its parts end with NULL. */
static const char *const MIGRATIONS[][PARTS_MAX] = {
    {V1_LEDGER, V1_CARDS, V1_LOADS, V1_SETTLEMENT, NULL},
    {V2_REVOCATION, NULL},
    {V3_EXCEPTIONS, NULL},
    {V4_KINDS, V4_KINDS_POSTGRES, V4_ACCOUNTS, V4_AUDIT, V4_DECISIONS, NULL},
    {V5_PASSWORDS, NULL},
    {V6_REFUSED, NULL},
    {V7_UNLOADS, NULL},
    {V8_SEALED, NULL},
};

#define VERSION (sizeof(MIGRATIONS) / sizeof(MIGRATIONS[0]))

/* Whether a part is for this engine. */
static bool
for_us(const struct jz_store *s, const char *part)
{
	return strncmp(part, "--", 2) != 0 ||
	    strncmp(part, s->driver->own, strlen(s->driver->own)) == 0;
}

static int
migrate_one(struct jz_store *s, size_t version)
{
	int err = 0;

	for (size_t k = 0; err == 0 && MIGRATIONS[version][k] != NULL; k++) {
		if (for_us(s, MIGRATIONS[version][k]))
			err = s->driver->execute(s, MIGRATIONS[version][k]);
	}
	return err != 0 ? err : s->driver->set_version(s, (int64_t)version + 1);
}

/* How old?  To be asked within a transaction. */
static int
version_of(struct jz_store *s, int64_t *version)
{
	int err = s->driver->version(s, version);

	if (err == 0 && (*version < 0 || *version > (int64_t)VERSION))
		err = JZ_ERR_UNSUPPORTED;
	return err;
}

int
jz_schema_migrate(struct jz_store *s)
{
	int64_t version;
	int err = version_of(s, &version);

	if (err == 0 && version == (int64_t)VERSION)
		s->ready = true;
	if (err != 0 || s->ready)
		return err;
	err = jz_store_begin(s, true);
	if (err != 0)
		return err;
	/* Another process may have been first. */
	err = version_of(s, &version);
	for (size_t v = (size_t)version; err == 0 && v < VERSION; v++)
		err = migrate_one(s, v);
	err = jz_store_end(s, err);
	s->ready = err == 0;
	return err;
}

bool
jz_sql_is_uri(const char *name)
{
	return strncmp(name, "postgresql://", 13) == 0 ||
	    strncmp(name, "postgres://", 11) == 0;
}

static int
open_store(const char *name, bool create, struct jz_store **out)
{
	struct jz_store *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (s == NULL)
		return JZ_ERR_MEMORY;
	s->driver =
	    jz_sql_is_uri(name) ? &jz_driver_postgres : &jz_driver_sqlite;
	for (size_t k = 0; k < JZ_SQL_COUNT; k++)
		s->rows[k].store = s;
	err = s->driver->open(s, name, create);
	if (err == 0)
		err = jz_schema_migrate(s);
	if (err == 0)
		*out = s;
	else
		jz_store_free(&s);
	return err;
}

int
jz_store_create(const char *name)
{
	struct jz_store *s = NULL;
	int err = open_store(name, true, &s);

	jz_store_free(&s);
	return err;
}

int
jz_store_open(const char *name, struct jz_store **out)
{
	return open_store(name, false, out);
}

void
jz_store_free(struct jz_store **store)
{
	struct jz_store *s = *store;

	if (s == NULL)
		return;
	s->driver->close(s);
	for (size_t k = 0; k < JZ_SQL_COUNT; k++)
		free(s->rows[k].room);
	free(s);
	*store = NULL;
}
