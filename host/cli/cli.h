/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the `jiaozi` command share.
 *
 * A subcommand is one row of the table in commands.c: its path, the options
 * it takes, its texts, and a function.  The function does the work, says what
 * it did with jz_cli_say() (silent with --json), puts the same into c->result,
 * and returns 0 or a jz_error; main() prints and turns the error into an exit
 * code.  Nothing here is kept in file-scope variables.
 */
#ifndef JZ_CLI_H
#define JZ_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../apdu/error.h"
#include "../../keys/store/keyfile.h"
#include "../../reader/reader.h"
#include "../card.h"
#include "../gp.h"
#include "../issuer/control.h"
#include "../issuer/esign.h"
#include "../issuer/issuer.h"
#include "../bank.h"
#include "../purse.h"

#ifndef JZ_VERSION
#define JZ_VERSION "0.1.0"
#endif

/* ---- options (options.c) ------------------------------------------------ */

enum jz_option {
	JZ_OPT_HELP,
	JZ_OPT_JSON,
	JZ_OPT_LANG,
	JZ_OPT_TRACE,
	JZ_OPT_CARD,
	JZ_OPT_PAYER,
	JZ_OPT_PAYEE,
	JZ_OPT_ISSUER,
	JZ_OPT_PASSPHRASE,
	JZ_OPT_PIN,
	JZ_OPT_PAYEE_PIN,
	JZ_OPT_AMOUNT,
	JZ_OPT_CURRENCY,
	JZ_OPT_REFERENCE,
	JZ_OPT_ACCOUNT,
	JZ_OPT_HOLDER,
	JZ_OPT_KEY,
	JZ_OPT_PORT,
	JZ_OPT_IN,
	JZ_OPT_OUT,
	JZ_OPT_HEX,
	JZ_OPT_MESSAGES,
	JZ_OPT_TERMINAL,
	JZ_OPT_CANCEL,
	JZ_OPT_NEW_CARD,
	JZ_OPT_NEW_PIN,
	JZ_OPT_PAIR,
	JZ_OPT_CONFIRM_LOADS,
	JZ_OPT_CONFIRM_PAYMENTS,
	JZ_OPT_SEALED_LOADS,
	JZ_OPT_MAX_BALANCE,
	JZ_OPT_MAX_SINGLE,
	JZ_OPT_PIN_ABOVE,
	JZ_OPT_PAYEE_ONLY,
	JZ_OPT_WARM,
	JZ_OPT_KEYS,
	JZ_OPT_KEY_VERSION,
	JZ_OPT_NEW_KEYS,
	JZ_OPT_ADD,
	JZ_OPT_INSTANCE,
	JZ_OPT_PARAMS,
	JZ_OPT_PRIVILEGES,
	JZ_OPT_CASCADE,
	JZ_OPT_YES,
	JZ_OPT_PROTOCOL,
	JZ_OPT_GENERATION,
	JZ_OPT_REASON,
	JZ_OPT_ROOT,
	JZ_OPT_AT,
	JZ_OPT_ROLE,
	JZ_OPT_REVOCATION,
	JZ_OPT_FORM,
	JZ_OPT_HOST,
	JZ_OPT_EMAIL,
	JZ_OPT_SUITE,
	JZ_OPT_PART,
	JZ_OPT_CEREMONY,
	JZ_OPT_BY,
	JZ_OPT_PASSPHRASE_1,
	JZ_OPT_PASSPHRASE_2,
	JZ_OPT_AUTHORITIES,
	JZ_OPT_TOKEN,
	JZ_OPT_COUNT,
	JZ_OPT_FIRST,
	JZ_OPT_LIST,
	JZ_OPT_REPORT,
	JZ_OPT_MAILER,
	JZ_OPT_MAILER_PASSPHRASE,
	JZ_OPT_PRINTER,
	JZ_OPT_JOBS,
	JZ_OPT_QUIET,
	JZ_OPT_SCREEN,
	JZ_OPT_TO,
	JZ_OPT_NAME,
	JZ_OPT_DETAILS,
	JZ_OPT_ORDER,
	JZ_OPT_JOINT,
	JZ_OPT_LENGTH,
	JZ_OPT_ALPHABET,
	JZ_OPT_MODE,
	JZ_OPT_SCHEME,
	JZ_OPT_MAY_BE_GUESSED,
	JZ_OPT_KEY_AFTER_PIN,
	JZ_OPT_QR,
	JZ_OPT_LISTEN,
	JZ_OPT_CERTIFICATE,
	JZ_OPT_CERTIFICATE_KEY,
	JZ_OPT_CLIENT_CA,
	JZ_OPT_WORKERS,
	JZ_OPT_CONNECTIONS,
	JZ_OPT_RATE,
	JZ_OPT_LOG,
	JZ_OPT_CA,
	JZ_OPT_TIMEOUT,
	JZ_OPT_RESUME,
	JZ_OPT_STORE,
	JZ_OPT_PASSWORD,
	JZ_OPT_EVIDENCE,
	JZ_OPT_HELLO,
	JZ_OPT_REFUND_OF,
	JZ_OPT_REVOCATION_OUT,
	JZ_OPT_BY_ID,
	JZ_OPT_ENCRYPTED,
	JZ_OPT_CONNECT,
	JZ_OPT_FORGET,
	JZ_OPT_KEEP,
	JZ_OPT_OPERATOR,
	JZ_OPT_OPERATOR_PASSPHRASE,
	JZ_OPT_HEAD,
	JZ_OPTIONS,
};

/* A set of them; 64 are too few. */
__extension__ typedef unsigned __int128 jz_option_set;
#define JZ_OPT(name) ((jz_option_set)1 << JZ_OPT_##name)
/* Every command has these. */
#define JZ_OPT_COMMON                                                          \
	(JZ_OPT(HELP) | JZ_OPT(JSON) | JZ_OPT(LANG) | JZ_OPT(TRACE))
_Static_assert(JZ_OPTIONS <= 128, "a set of options");

#define JZ_CLI_ARGUMENTS_MAX 64
#define JZ_CLI_DETAIL_MAX    512

struct jz_cli;

struct jz_cli_command {
	const char *path;	/* "issuer deposit" */
	const char *arguments;	/* "DIR ACCOUNT AMOUNT", "" */
	unsigned min, max;	/* how many arguments */
	jz_option_set options;	/* set of JZ_OPT(), the common ones besides */
	jz_option_set required; /* of these, must be given */
	unsigned exits;		/* set of JZ_EXIT(), OK and USAGE besides */
	int (*run)(struct jz_cli *c);
	const char *summary[2]; /* by enum jz_lang */
	const char *help[2];
};

struct jz_cli {
	enum jz_lang lang;
	bool json;
	const struct jz_cli_command *command;
	char *value[JZ_OPTIONS]; /* owned; "" for a given flag, else NULL */
	char *argument[JZ_CLI_ARGUMENTS_MAX]; /* owned */
	unsigned arguments;
	json_t *result; /* what --json prints */
	/* Of a failure. */
	uint16_t sw;
	bool stranger; /* the error is about the counterparty's identity */
	char detail[JZ_CLI_DETAIL_MAX]; /* after the error's text, or "" */
	json_t *more;			/* further members of the error */
};

/*
 * Reads argv (after the command's path) into c.  JZ_ERR_ARGUMENT with
 * c->detail set for what the command does not take.
 */
int jz_cli_options(struct jz_cli *c, int argc, const char **argv);
/* Prints one line for each option of a set. */
void jz_cli_options_help(const struct jz_cli *c, jz_option_set set, FILE *out);

static inline bool
jz_cli_has(const struct jz_cli *c, enum jz_option o)
{
	return c->value[o] != NULL;
}

/* ---- texts and output (output.c) ---------------------------------------- */

/* The language asked for by --lang, LC_ALL, LC_MESSAGES or LANG. */
enum jz_lang jz_cli_language(const char *option);

/* One of two texts by language. */
const char *jz_tr(const struct jz_cli *c, const char *en, const char *zh)
    __attribute__((format_arg(2), format_arg(3)));

/* To people, on standard output; silent with --json. */
void jz_cli_say(const struct jz_cli *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A text and blanks up to `width` columns; a negative width aligns right. */
void jz_cli_cell(const struct jz_cli *c, int width, const char *text);
/* A progress bar, on standard error, where the one before was; `rest` goes
 * behind it.  It ends its line when all is done. */
void jz_cli_bar(size_t done, size_t all, const char *rest);
/* "name:   value", aligned. */
void jz_cli_line(const struct jz_cli *c, const char *name, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Sets the detail of a failure and returns `error`. */
int jz_cli_fail(struct jz_cli *c, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a member to the failure's JSON object; takes `value`. */
void jz_cli_more(struct jz_cli *c, const char *key, json_t *value);
/* Keeps the status word when the session has one, and returns `error`. */
int jz_cli_card_error(struct jz_cli *c, const struct jz_session *s, int error);
/* Why the issuer refused; JZ_ERR_REFUSED. */
int jz_cli_refused(
    struct jz_cli *c, enum jz_refusal why, enum jz_incident_kind incident);
/* Keeps the issuer's refusal, and returns `error`. */
int jz_cli_issuer_error(
    struct jz_cli *c, const struct jz_issuer *issuer, int error);
/* Prints the outcome and gives the exit code. */
int jz_cli_finish(struct jz_cli *c, int error);

/* A JSON string; bytes that are no UTF-8 become question marks. */
json_t *jz_cli_string(const char *s);
/* Puts a value into c->result; takes `value`. */
void jz_cli_put(struct jz_cli *c, const char *key, json_t *value);
/* Puts KEY_minor, the number, and KEY, the decimal text. */
void jz_cli_put_money(
    json_t *object, const char *key, int64_t minor, uint16_t currency);
/* A string of printable ASCII from a NUL-padded field. */
void jz_cli_id(const uint8_t *id, size_t len, char *out);
json_t *jz_cli_hex(struct jz_span s);
/* Hex digits, blanks between bytes allowed.  JZ_ERR_ARGUMENT, JZ_ERR_SPACE. */
int jz_cli_from_hex(const char *text, struct jz_buffer *out);
int jz_cli_from_hex_span(struct jz_span text, struct jz_buffer *out);

/* ---- files (files.c) ---------------------------------------------------- */

/*
 * Reads a whole file, or standard input for NULL and "-".  One more byte than
 * may be there is room for, so that a file too long is seen to be:
 * JZ_ERR_SPACE.  JZ_ERR_NOT_FOUND, JZ_ERR_SYSTEM.  A failure is explained in c.
 */
int jz_cli_read_file(struct jz_cli *c, const char *name, struct jz_buffer *out);
/* Replaces a file, or writes to standard output for "-". */
int jz_cli_write_file(struct jz_cli *c, const char *name, struct jz_span bytes);
/* The longest file of certificates that is read. */
#define JZ_CLI_FILE_MAX 16384u
/* One object in binary, or in hexadecimal, as bytes: in place. */
void jz_cli_unhex(struct jz_buffer *b);

/* ---- money (money.c) ---------------------------------------------------- */

#define JZ_MONEY_TEXT 40

struct jz_currency {
	uint16_t code; /* ISO 4217 numeric */
	const char *name;
	unsigned digits;
};

/* By name or by number; NULL when not in the table. */
const struct jz_currency *jz_currency_find(const char *text);
/* Always a currency: an unknown number has no name and no minor digits. */
struct jz_currency jz_currency_of(uint16_t code);
/* Exact decimal to minor units; JZ_ERR_ARGUMENT, JZ_ERR_RANGE. */
int jz_money_parse(const char *text, uint16_t currency, uint64_t *minor);
/* "25.00", "-1", without the currency. */
const char *
jz_money_text(int64_t minor, uint16_t currency, char out[static JZ_MONEY_TEXT]);
/* "25.00 CNY" */
const char *
jz_money_name(int64_t minor, uint16_t currency, char out[static JZ_MONEY_TEXT]);
/* The option's amount; a failure is explained in c. */
int jz_cli_amount(
    struct jz_cli *c, const char *text, uint16_t currency, uint64_t *minor);

/* ---- exit codes (exit.c) ------------------------------------------------ */

enum jz_exit {
	JZ_EXIT_OK = 0,
	JZ_EXIT_INTERNAL = 1,
	JZ_EXIT_USAGE = 2,
	JZ_EXIT_READER = 3,
	JZ_EXIT_CARD_FILE = 4,
	JZ_EXIT_CARD = 5,
	JZ_EXIT_PIN = 6,
	JZ_EXIT_ISSUER = 7,
	JZ_EXIT_AUTHENTICATION = 8,
	JZ_EXIT_FUNDS = 9,
	JZ_EXIT_NOT_FOUND = 10,
	JZ_EXIT_EXISTS = 11,
	JZ_EXIT_IO = 12,
	JZ_EXIT_BOOKS = 13,
	JZ_EXIT_PART = 14,
	JZ_EXIT_NETWORK = 15,
	JZ_EXIT_CODES,
};

#define JZ_EXIT(name) (1u << JZ_EXIT_##name)
/* Whatever opens a card, and a card's refusal. */
#define JZ_EXITS_CARD                                                          \
	(JZ_EXIT(READER) | JZ_EXIT(CARD_FILE) | JZ_EXIT(CARD) |                \
	    JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO))
/* Whatever opens an issuer. */
#define JZ_EXITS_ISSUER                                                        \
	(JZ_EXIT(CARD_FILE) | JZ_EXIT(ISSUER) | JZ_EXIT(NOT_FOUND) |           \
	    JZ_EXIT(IO))
/* A message of a payment. */
#define JZ_EXITS_PAY (JZ_EXITS_CARD | JZ_EXIT(AUTHENTICATION) | JZ_EXIT(FUNDS))

/* The exit code for a jz_error. */
enum jz_exit jz_exit_code(int error);
/* What a code means; in both languages. */
const char *jz_exit_text(enum jz_exit code, enum jz_lang lang);

/* ---- what commands need (open.c) ---------------------------------------- */

/* An open card with its purse selected. */
struct jz_cli_card {
	struct jz_reader *reader;
	struct jz_session session;
	/* What the session shows; a byte more tells a file that is too long. */
	uint8_t known[JZ_KNOWN_MAX][JZ_CERTIFICATE_MAX + 1];
};

/* The reader named by an option, or by JIAOZI_READER. */
int
jz_cli_reader_name(struct jz_cli *c, enum jz_option option, const char **name);
/* Opens it, keeps other programs off, and selects the purse.  The session has
 * the certificates of --authorities, or JIAOZI_AUTHORITIES. */
int
jz_cli_open(struct jz_cli *c, enum jz_option option, struct jz_cli_card *card);
/* --suite, nist without it. */
int jz_cli_suite(struct jz_cli *c, enum jz_suite *out);
/* "nist", "gm", "?" */
const char *jz_cli_suite_name(unsigned suite);
void jz_cli_close(struct jz_cli_card *card);
/* A reader without looking for a purse on its card. */
int jz_cli_open_reader(
    struct jz_cli *c, enum jz_option option, struct jz_reader **out);
/* A PIN by --pin; the caller wipes it. */
int jz_cli_pin(struct jz_cli *c, struct jz_secret *out);
/* The terms of a payment by options, in the currency of the card that asks
 * (pay_cmd.c).  A failure is explained in c. */
struct jz_terms;
int
jz_cli_terms(struct jz_cli *c, struct jz_cli_card *payee, struct jz_terms *t);
/* Asks for the PIN by --pin and has the card verify it. */
int jz_cli_verify_pin_of(
    struct jz_cli *c, enum jz_option option, struct jz_cli_card *card);
int jz_cli_verify_pin(struct jz_cli *c, struct jz_cli_card *card);

/* Explains why jz_secret_source() gave no secret for --OPTION; gives err. */
int jz_cli_no_secret(
    struct jz_cli *c, int err, const char *option, const char *source);
/* The passphrase by --passphrase; the caller wipes it. */
int jz_cli_passphrase(struct jz_cli *c, struct jz_secret *out);
/* By another option, asked for by another prompt. */
int jz_cli_passphrase_by(struct jz_cli *c, enum jz_option option,
    const char *name, const char *prompt, struct jz_secret *out);
/* Opens the issuer at `dir` with --passphrase. */
int jz_cli_issuer(struct jz_cli *c, const char *dir, struct jz_issuer **out);
/* With what judges signatures; close it before the issuer is freed. */
int jz_cli_desk(struct jz_cli *c, const char *dir, struct jz_issuer **issuer,
    struct jz_issuer_esign *esign);
/* The directory by --issuer or JIAOZI_ISSUER. */
int jz_cli_issuer_dir(struct jz_cli *c, const char **dir);

/* ---- a card's issuer, here or over HTTPS (bank.c) ------------------------ */

struct jz_cli_bank {
	struct jz_bank *bank;
	struct jz_issuer *issuer; /* NULL: over HTTPS */
};
/* By --issuer; caught from then on: SIGINT, which ends a wait. */
int jz_cli_bank(struct jz_cli *c, struct jz_cli_bank *out);
void jz_cli_bank_close(struct jz_cli_bank *b);
/* As jz_cli_issuer_error(). */
int jz_cli_bank_error(struct jz_cli *c, const struct jz_bank *bank, int error);

/* ---- a card and its issuer (load_cmd.c) ---------------------------------- */

/* Opens both, and does it. */
int jz_cli_with_bank(struct jz_cli *c,
    int (*work)(struct jz_cli *, struct jz_cli_card *, struct jz_bank *));
/* Waits until whoever is at this terminal has been at the card's keys; false:
 * nobody is, or she gave up.  For struct jz_consent, too. */
bool jz_cli_confirmed(void *cli);
/* --terminal, or one that stands for none. */
int jz_cli_terminal(struct jz_cli *c, uint8_t out[static JZ_TERMINAL_BYTES]);
/* Who of the two failed, and why; an issuer's word that the card did not
 * believe is said to be none.  Returns the error. */
int jz_cli_server_error(
    struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank, int err);

/* ---- a card's administration (gp_open.c) -------------------------------- */

/* A card with its issuer's security domain selected. */
struct jz_cli_gp {
	struct jz_reader *reader;
	struct jz_session session;
	struct jz_engine engine;
	struct jz_gp gp;
	struct jz_scp03_keys keys; /* that opened the channel */
};

/* Opens the reader and selects the domain; no keys are asked for. */
int jz_cli_gp_select(struct jz_cli *c, struct jz_cli_gp *g);
/*
 * The same, and opens a secure channel by the keys of --keys, or those that
 * --issuer derives for this card.
 */
int jz_cli_gp_open(struct jz_cli *c, struct jz_cli_gp *g);
/* The same card again, by the same keys, after its reset. */
int jz_cli_gp_again(struct jz_cli *c, struct jz_cli_gp *g);
void jz_cli_gp_close(struct jz_cli_gp *g);
/* A failure of the session, explained; returns `error`. */
int jz_cli_gp_error(struct jz_cli *c, const struct jz_cli_gp *g, int error);

/* Keys by an option whose value is `default` or a source; caller wipes. */
int jz_cli_keys(struct jz_cli *c, enum jz_option option, const char *value,
    struct jz_scp03_keys *out);
/*
 * The issuer's keys for a card; caller wipes.  made: of a version that the
 * issuer has made, for keys that the card is to get.
 */
int
jz_cli_issuer_keys(struct jz_cli *c, const uint8_t kdd[static JZ_GP_KDD_BYTES],
    uint8_t kvn, bool made, struct jz_scp03_keys *out);
/* A key version: a number in hexadecimal, `least` to `most`. */
int jz_cli_key_version(struct jz_cli *c, const char *text, unsigned least,
    unsigned most, uint8_t *out);

#define JZ_AID_TEXT (2 * JZ_GP_AID_MAX + 1)

/* An AID in hexadecimal; a failure is explained in c. */
int jz_cli_aid(struct jz_cli *c, const char *text, struct jz_gp_aid *out);
const char *
jz_cli_aid_text(const struct jz_gp_aid *aid, char out[static JZ_AID_TEXT]);

/* ---- the commands (commands.c and *_cmd.c) ------------------------------ */

/* The i-th row of all tables, in the order of the overview; NULL after. */
const struct jz_cli_command *jz_cli_command(unsigned i);
/* The tables behind it: card, its administration, issuer, its keys,
 * transactions, certificates, and the rest. */
extern const struct jz_cli_command jz_cli_card_commands[];
extern const struct jz_cli_command jz_cli_manage_commands[];
extern const struct jz_cli_command jz_cli_issuer_commands[];
extern const struct jz_cli_command jz_cli_control_commands[];
extern const struct jz_cli_command jz_cli_key_commands[];
extern const struct jz_cli_command jz_cli_pay_commands[];
extern const struct jz_cli_command jz_cli_certificate_commands[];
extern const struct jz_cli_command jz_cli_other_commands[];

int jz_cmd_help(struct jz_cli *c);
int jz_cmd_version(struct jz_cli *c);
int jz_cmd_status(struct jz_cli *c);
int jz_cmd_error(struct jz_cli *c);
int jz_cmd_reader_list(struct jz_cli *c);
int jz_cmd_card_create(struct jz_cli *c);
int jz_cmd_card_info(struct jz_cli *c);
int jz_cmd_card_balance(struct jz_cli *c);
int jz_cmd_card_log(struct jz_cli *c);
int jz_cmd_card_personalise(struct jz_cli *c);
int jz_cmd_card_batch(struct jz_cli *c);
int jz_cmd_card_mailer(struct jz_cli *c);
int jz_cmd_card_replace(struct jz_cli *c);
int jz_cmd_card_serve(struct jz_cli *c);
int jz_cmd_card_apdu(struct jz_cli *c);
int jz_cmd_card_reset(struct jz_cli *c);
int jz_cmd_card_apps(struct jz_cli *c);
int jz_cmd_card_install(struct jz_cli *c);
int jz_cmd_card_delete(struct jz_cli *c);
int jz_cmd_card_lock(struct jz_cli *c);
int jz_cmd_card_unlock(struct jz_cli *c);
int jz_cmd_card_terminate(struct jz_cli *c);
int jz_cmd_card_keys(struct jz_cli *c);
int jz_cmd_card_put_key(struct jz_cli *c);
int jz_cmd_card_data(struct jz_cli *c);
int jz_cmd_card_revocation(struct jz_cli *c);
int jz_cmd_issuer_admin_key(struct jz_cli *c);
int jz_cmd_issuer_init(struct jz_cli *c);
int jz_cmd_issuer_keys(struct jz_cli *c);
int jz_cmd_issuer_key_roll(struct jz_cli *c);
int jz_cmd_issuer_seed_create(struct jz_cli *c);
int jz_cmd_issuer_seed_show(struct jz_cli *c);
int jz_cmd_issuer_seed_combine(struct jz_cli *c);
int jz_cmd_issuer_account_open(struct jz_cli *c);
int jz_cmd_issuer_account_block(struct jz_cli *c);
int jz_cmd_issuer_account_unblock(struct jz_cli *c);
int jz_cmd_issuer_account_password(struct jz_cli *c);
int jz_cmd_issuer_account_statement(struct jz_cli *c);
int jz_cmd_issuer_deposit(struct jz_cli *c);
int jz_cmd_issuer_accounts(struct jz_cli *c);
int jz_cmd_issuer_cards(struct jz_cli *c);
int jz_cmd_issuer_books(struct jz_cli *c);
int jz_cmd_issuer_statement(struct jz_cli *c);
int jz_cmd_issuer_revoke(struct jz_cli *c);
int jz_cmd_issuer_revocation(struct jz_cli *c);
int jz_cmd_issuer_x509(struct jz_cli *c);
int jz_cmd_issuer_serve(struct jz_cli *c);
int jz_cmd_issuer_incidents(struct jz_cli *c);
int jz_cmd_issuer_audit(struct jz_cli *c);
int jz_cmd_issuer_audit_head(struct jz_cli *c);
int jz_cmd_issuer_audit_verify(struct jz_cli *c);
int jz_cmd_issuer_operator_create(struct jz_cli *c);
int jz_cmd_issuer_operator_add(struct jz_cli *c);
int jz_cmd_issuer_operators(struct jz_cli *c);
int jz_cmd_issuer_propose(struct jz_cli *c);
int jz_cmd_issuer_proposals(struct jz_cli *c);
int jz_cmd_issuer_approve(struct jz_cli *c);
int jz_cmd_issuer_reject(struct jz_cli *c);
int jz_cmd_statement_verify(struct jz_cli *c);
int jz_cmd_issuer_crl(struct jz_cli *c);
int jz_cmd_certificate_show(struct jz_cli *c);
int jz_cmd_certificate_verify(struct jz_cli *c);
int jz_cmd_certificate_convert(struct jz_cli *c);
int jz_cmd_certificate_export(struct jz_cli *c);
int jz_cmd_card_esign(struct jz_cli *c);
int jz_cmd_card_user(struct jz_cli *c);
int jz_cmd_sign(struct jz_cli *c);
int jz_cmd_issuer_unlock(struct jz_cli *c);
int jz_cmd_issuer_tries(struct jz_cli *c);
int jz_cmd_qr(struct jz_cli *c);
int jz_cmd_account(struct jz_cli *c);
int jz_cmd_load(struct jz_cli *c);
int jz_cmd_unload(struct jz_cli *c);
int jz_cmd_transfer(struct jz_cli *c);
int jz_cmd_settle(struct jz_cli *c);
int jz_cmd_pay(struct jz_cli *c);
int jz_cmd_pay_hello(struct jz_cli *c);
int jz_cmd_pay_receive(struct jz_cli *c);
int jz_cmd_pay_send(struct jz_cli *c);
int jz_cmd_card_records(struct jz_cli *c);
int jz_cmd_card_known(struct jz_cli *c);
int jz_cmd_pay_request(struct jz_cli *c);
int jz_cmd_pay_agree(struct jz_cli *c);
int jz_cmd_pay_confirm(struct jz_cli *c);
int jz_cmd_pay_complete(struct jz_cli *c);
int jz_cmd_pay_credit(struct jz_cli *c);
int jz_cmd_pay_acknowledge(struct jz_cli *c);
int jz_cmd_pay_fetch(struct jz_cli *c);
int jz_cmd_pay_pending(struct jz_cli *c);
int jz_cmd_pay_prove(struct jz_cli *c);
int jz_cmd_pay_drop(struct jz_cli *c);
int jz_cmd_pay_claim(struct jz_cli *c);
int jz_cmd_pay_release(struct jz_cli *c);
int jz_cmd_recover(struct jz_cli *c);

/* Prints the help of a command (help.c). */
void jz_cli_command_help(
    const struct jz_cli *c, const struct jz_cli_command *command, FILE *out);
/* Prints the list of all commands. */
void jz_cli_overview(const struct jz_cli *c, FILE *out);

#endif
