/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's handle: its directory made, opened and closed.
 *
 * A new issuer is made in a directory beside the one asked for and renamed to
 * it when all of it is there: what has the name is an issuer, or is not ours.
 */
#define _POSIX_C_SOURCE 200809L

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "../../keys/store/file.h"
#include "sql.h"

#define PATH_CAP     4096
#define DATABASE     "issuer.db"
#define STORE	     "store" /* a file with a URI, instead of the database */
#define KEYS	     "keys"
#define CURRENCY_MAX 999
#define REMEMBERED   16384u /* 3 MB of signatures */

static int
join(char out[static PATH_CAP], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_CAP, "%s/%s", dir, name);

	return n < 0 || n >= PATH_CAP ? JZ_ERR_RANGE : 0;
}

/* ---- making ------------------------------------------------------------- */

/* Everything that a new issuer may have left behind in its directory. */
static void
remove_new(const char *dir)
{
	static const char *const FILES[] = {KEYS "/root.key",
	    KEYS "/root.cvcert", KEYS "/ca.key", KEYS "/ca.cvcert",
	    KEYS "/host.key", KEYS "/host.cvcert", KEYS "/admin.key",
	    KEYS "/token", STORE, DATABASE, DATABASE "-wal", DATABASE "-shm"};
	char path[PATH_CAP];

	for (size_t k = 0; k < sizeof(FILES) / sizeof(FILES[0]); k++) {
		if (join(path, dir, FILES[k]) == 0)
			(void)unlink(path);
	}
	if (join(path, dir, KEYS) == 0)
		(void)rmdir(path);
	(void)rmdir(dir);
}

static int
open_ledger(struct jz_store *s)
{
	int err = jz_ledger_open(s, JZ_LEDGER_KIND_CASH, JZ_LEDGER_CASH);

	if (err == 0)
		err = jz_ledger_open(
		    s, JZ_LEDGER_KIND_TRANSIT_LOAD, JZ_LEDGER_LOAD);
	if (err == 0)
		err = jz_ledger_open(
		    s, JZ_LEDGER_KIND_TRANSIT_PAYMENT, JZ_LEDGER_PAYMENT);
	if (err == 0)
		err = jz_ledger_open(s, JZ_LEDGER_KIND_FRAUD, JZ_LEDGER_FRAUD);
	if (err == 0)
		err = jz_ledger_open(s, JZ_LEDGER_KIND_LOST, JZ_LEDGER_LOST);
	return err;
}

static int
make_database(const char *path, uint16_t currency, enum jz_suite suite)
{
	struct jz_store *s = NULL;
	int err = jz_store_create(path);

	if (err == 0)
		err = jz_store_open(path, &s);
	if (err == 0)
		err = jz_store_begin(s, true);
	if (err == 0) {
		err = jz_store_set(s, "currency", currency);
		if (err == 0)
			err = jz_store_set(s, "suite", suite);
		if (err == 0)
			err = open_ledger(s);
		err = jz_store_end(s, err);
	}
	jz_store_free(&s);
	return err;
}

/* The keys, in files or in a token. */
static int
make_keys(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const char *uri,
    struct jz_token **token)
{
	struct jz_secret seal = {0};
	struct jz_engine over = *e;
	struct jz_pki pki;
	int err = 0;

	if (uri != NULL) {
		err = jz_issuer_token_create(
		    e, path, passphrase, uri, token, &seal);
		passphrase = &seal;
	}
	if (err == 0 && uri != NULL)
		over = jz_token_engine(*token);
	if (err == 0) {
		err = jz_pki_create(
		    &over, path, passphrase, (int64_t)time(NULL), &pki);
		jz_pki_wipe(&pki);
	}
	jz_secret_wipe(&seal);
	return err;
}

/* Where the books are: in our file, or by the URI that ours names. */
static int
write_store(const char *dir, const char *uri, char out[static PATH_CAP])
{
	char path[PATH_CAP];
	int n, err;

	if (uri == NULL)
		return join(out, dir, DATABASE);
	n = snprintf(out, PATH_CAP, "%s", uri);
	if (n < 0 || n >= PATH_CAP)
		return JZ_ERR_RANGE;
	if (!jz_sql_is_uri(uri))
		return JZ_ERR_ARGUMENT;
	err = join(path, dir, STORE);
	return err != 0
	    ? err
	    : jz_file_write(path, 0600, JZ_FILE_NEW, jz_span(uri, strlen(uri)));
}

static int
read_store(const char *dir, char out[static PATH_CAP])
{
	struct jz_buffer b = jz_buffer((uint8_t *)out, PATH_CAP - 1);
	char path[PATH_CAP];
	int err = join(path, dir, STORE);

	if (err == 0)
		err = jz_file_read(path, &b);
	if (err == JZ_ERR_NOT_FOUND)
		return join(out, dir, DATABASE);
	out[b.len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return err == 0 && !jz_sql_is_uri(out) ? JZ_ERR_DATABASE : err;
}

/* A new issuer while it is made; the token, if any, is over the engine. */
struct making {
	struct jz_engine engine;
	struct jz_token *token;
};

/* The books last: those behind a URI are not taken back. */
static int
fill(struct making *m, const char *dir, const struct jz_secret *passphrase,
    const struct jz_issuer_options *o)
{
	char path[PATH_CAP], store[PATH_CAP];
	int err = join(path, dir, KEYS);

	if (err == 0 && mkdir(path, 0700) != 0)
		err = JZ_ERR_SYSTEM;
	if (err == 0)
		err = jz_openssl_new(o->suite, &m->engine);
	if (err == 0)
		err = make_keys(
		    &m->engine, path, passphrase, o->token, &m->token);
	if (err == 0)
		err = write_store(dir, o->store, store);
	if (err == 0)
		err = make_database(store, o->currency, o->suite);
	return err;
}

/* Nothing of an issuer that has come to nothing stays in the token. */
static void
end_making(struct making *m, int err)
{
	if (err != 0 && m->token != NULL)
		jz_issuer_token_undo(m->token);
	jz_token_free(&m->token);
	if (m->engine.crypto != NULL)
		jz_openssl_free(&m->engine);
}

/* Names in a directory are on disk when the directory is. */
static void
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

static void
sync_parent(const char *dir)
{
	char path[PATH_CAP];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	slash = strrchr(path, '/');
	if (slash == NULL)
		snprintf(path, sizeof(path), ".");
	else
		slash[slash == path] = '\0';
	sync_directory(path);
}

static int
put_in_place(const char *made, const char *dir)
{
	sync_directory(made);
	if (rename(made, dir) == 0) {
		sync_parent(dir);
		return 0;
	}
	/* Something is there already; an empty directory would have done. */
	return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ||
		errno == EBUSY
	    ? JZ_ERR_EXISTS
	    : JZ_ERR_SYSTEM;
}

/* The directory's name without slashes at its end. */
static int
clean_name(char out[static PATH_CAP], const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 0)
		return JZ_ERR_ARGUMENT;
	if (len >= PATH_CAP)
		return JZ_ERR_RANGE;
	memcpy(out, dir, len);
	out[len] = '\0';
	return 0;
}

int
jz_issuer_create_with(const char *dir, const struct jz_secret *passphrase,
    const struct jz_issuer_options *o)
{
	char name[PATH_CAP], made[PATH_CAP];
	struct making m = {{NULL, NULL}, NULL};
	struct stat st;
	int n, err = clean_name(name, dir);

	if (err != 0)
		return err;
	if (o->currency == 0 || o->currency > CURRENCY_MAX)
		return JZ_ERR_RANGE;
	if (o->token != NULL && o->suite != JZ_SUITE_NIST)
		return JZ_ERR_UNSUPPORTED;
	/* Cheaper said now than after the keys; rename asks again. */
	if (stat(name, &st) == 0 && !S_ISDIR(st.st_mode))
		return JZ_ERR_EXISTS;
	n = snprintf(made, sizeof(made), "%s.XXXXXX", name);
	if (n < 0 || n >= PATH_CAP)
		return JZ_ERR_RANGE;
	if (mkdtemp(made) == NULL)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	err = fill(&m, made, passphrase, o);
	if (err == 0)
		err = put_in_place(made, name);
	end_making(&m, err);
	if (err != 0)
		remove_new(made);
	return err;
}

int
jz_issuer_create(
    const char *dir, const struct jz_secret *passphrase, uint16_t currency)
{
	return jz_issuer_create_suite(dir, passphrase, currency, JZ_SUITE_NIST);
}

int
jz_issuer_create_suite(const char *dir, const struct jz_secret *passphrase,
    uint16_t currency, enum jz_suite suite)
{
	const struct jz_issuer_options o = {
	    .currency = currency, .suite = suite};

	return jz_issuer_create_with(dir, passphrase, &o);
}

int
jz_issuer_create_token(const char *dir, const struct jz_secret *pin,
    uint16_t currency, const char *uri)
{
	const struct jz_issuer_options o = {
	    .currency = currency, .suite = JZ_SUITE_NIST, .token = uri};

	return jz_issuer_create_with(dir, pin, &o);
}

/* ---- opening ------------------------------------------------------------ */

static int64_t
system_clock(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL);
}

static int
read_settings(struct jz_issuer *i, enum jz_suite *suite)
{
	int64_t currency = 0, number = 0;
	int err = jz_store_setting(i->store, "currency", &currency);

	if (err == 0)
		err = jz_store_setting(i->store, "suite", &number);
	if (err == JZ_ERR_NOT_FOUND ||
	    (err == 0 && (currency <= 0 || currency > CURRENCY_MAX)))
		err = JZ_ERR_DATABASE;
	i->currency = (uint16_t)currency;
	*suite = number == JZ_SUITE_GM ? JZ_SUITE_GM : JZ_SUITE_NIST;
	return err;
}

const struct jz_secret *
jz_issuer_secret(const struct jz_issuer *i, const struct jz_secret *passphrase)
{
	return i->token == NULL ? passphrase : &i->seal;
}

static int
open_keys(
    struct jz_issuer *i, const char *path, const struct jz_secret *passphrase)
{
	int err = jz_issuer_token_open(
	    &i->base, path, passphrase, &i->token, &i->seal);

	if (err != 0)
		return err;
	i->engine = i->token != NULL ? jz_token_engine(i->token) : i->base;
	return jz_pki_load(
	    &i->engine, path, jz_issuer_secret(i, passphrase), &i->pki);
}

int
jz_issuer_open(
    const char *dir, const struct jz_secret *passphrase, struct jz_issuer **out)
{
	struct jz_issuer *i = calloc(1, sizeof(*i));
	char path[PATH_CAP];
	enum jz_suite suite;
	int err;

	*out = NULL;
	if (i == NULL)
		return JZ_ERR_MEMORY;
	jz_issuer_set_clock(i, NULL, NULL);
	err = read_store(dir, path);
	if (err == 0)
		err = jz_store_open(path, &i->store);
	if (err == 0)
		err = read_settings(i, &suite);
	if (err == 0)
		err = jz_openssl_new(suite, &i->base);
	if (err == 0)
		err = join(path, dir, KEYS);
	if (err == 0)
		err = open_keys(i, path, passphrase);
	if (err == 0)
		*out = i;
	else
		jz_issuer_free(&i);
	return err;
}

void
jz_issuer_free(struct jz_issuer **issuer)
{
	struct jz_issuer *i = *issuer;

	if (i == NULL)
		return;
	jz_store_free(&i->store);
	jz_token_free(&i->token);
	if (i->base.crypto != NULL)
		jz_openssl_free(&i->base);
	jz_pki_wipe(&i->pki);
	jz_secret_wipe(&i->seal);
	free(i);
	*issuer = NULL;
}

int
jz_issuer_add_admin(const char *dir, const struct jz_secret *passphrase)
{
	struct jz_issuer *i = NULL;
	char path[PATH_CAP];
	int err = jz_issuer_open(dir, passphrase, &i);

	if (err == 0)
		err = join(path, dir, KEYS);
	if (err == 0)
		err = jz_pki_add_admin(&i->engine, path,
		    jz_issuer_secret(i, passphrase), jz_issuer_now(i));
	jz_issuer_free(&i);
	return err;
}

void
jz_issuer_set_clock(struct jz_issuer *i, int64_t (*now)(void *arg), void *arg)
{
	i->now = now != NULL ? now : system_clock;
	i->now_arg = arg;
}

int64_t
jz_issuer_now(const struct jz_issuer *i)
{
	return i->now(i->now_arg);
}

void
jz_issuer_start(struct jz_issuer *i)
{
	i->refusal = JZ_REFUSAL_NONE;
	i->again = false;
	memset(&i->alarm, 0, sizeof(i->alarm));
	jz_store_clear_detail(i->store);
}

enum jz_refusal
jz_issuer_refusal(const struct jz_issuer *i)
{
	return i->refusal;
}

int
jz_issuer_group_begin(struct jz_issuer *i)
{
	jz_issuer_start(i);
	return jz_store_begin(i->store, true);
}

int
jz_issuer_group_end(struct jz_issuer *i, int rc)
{
	return jz_store_end(i->store, rc);
}

int
jz_issuer_remember(struct jz_issuer *i)
{
	return jz_openssl_remember(&i->base, REMEMBERED);
}

bool
jz_issuer_again(const struct jz_issuer *i)
{
	return i->again;
}

void
jz_issuer_recall(struct jz_issuer *i, enum jz_refusal why)
{
	i->refusal = why;
}

const char *
jz_issuer_detail(const struct jz_issuer *i)
{
	return jz_store_detail(i->store);
}

uint16_t
jz_issuer_currency(const struct jz_issuer *i)
{
	return i->currency;
}

const struct jz_engine *
jz_issuer_engine(const struct jz_issuer *i)
{
	return &i->engine;
}

struct jz_span
jz_issuer_root(const struct jz_issuer *i)
{
	return jz_span(i->pki.root.bytes, i->pki.root.len);
}

struct jz_span
jz_issuer_ca(const struct jz_issuer *i)
{
	return jz_span(i->pki.ca.bytes, i->pki.ca.len);
}

struct jz_span
jz_issuer_host(const struct jz_issuer *i)
{
	return jz_span(i->pki.host.bytes, i->pki.host.len);
}
