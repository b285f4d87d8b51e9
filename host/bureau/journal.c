/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of an order: JSON lines (one object, RFC 8259, a line).  The
 * first says which order it is; each other what became of a line, the last one
 * for a line counts.  Appended and synced a group at a time; half a line at the
 * end, which a crash left, is cut off.
 *
 * The order's own name, under which the issuer gives it its numbers, is drawn
 * and synced before they are asked for: so they are asked for only once.
 */
#define _DEFAULT_SOURCE /* flock */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../apdu/time.h"
#include "../../keys/secret.h"
#include "../../keys/store/file.h"
#include "internal.h"

#define JOURNAL	     "batch.jsonl"
#define SALT	     "batch.salt"
#define DRAWN_BYTES  (JZ_ISSUER_SALT_BYTES + JZ_ISSUER_ORDER_BYTES)
#define JOURNAL_MAX  ((off_t)2 * 1024 * 1024 * 1024 - 1)
#define JOURNAL_FORM (JSON_PRESERVE_ORDER | JSON_COMPACT)
#define FORM_VERSION 1
#define FOLDER_MODE  0700

int
jz_bureau_join(char out[static JZ_BUREAU_PATH_CAP], const char *dir,
    const char *name, const char *suffix)
{
	int n = snprintf(out, JZ_BUREAU_PATH_CAP, "%s/%s%s", dir, name, suffix);

	return n < 0 || n >= JZ_BUREAU_PATH_CAP ? JZ_ERR_RANGE : 0;
}

int
jz_bureau_sync_name(const char *path)
{
	char dir[JZ_BUREAU_PATH_CAP];
	int n = snprintf(dir, sizeof(dir), "%s", path), fd, err = 0;
	char *slash;

	if (n < 0 || n >= JZ_BUREAU_PATH_CAP)
		return JZ_ERR_RANGE;
	while (n > 1 && dir[n - 1] == '/')
		dir[--n] = '\0';
	slash = strrchr(dir, '/');
	if (slash == NULL)
		memcpy(dir, ".", 2);
	else
		slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return JZ_ERR_SYSTEM;
	/* Some file systems cannot sync a folder and need not. */
	if (fsync(fd) != 0 && errno != EINVAL)
		err = JZ_ERR_SYSTEM;
	(void)close(fd);
	return err;
}

void
jz_bureau_step(const struct jz_bureau *b, enum jz_bureau_step step)
{
	if (b->step != NULL)
		b->step(step, b->arg);
}

static void
to_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t k = 0; k < len; k++)
		snprintf(out + 2 * k, 3, "%02x", (unsigned)bytes[k]);
}

/* ---- which order -------------------------------------------------------- */

/* Of everything but the PINs, which a digest would give away. */
static int
digest(const struct jz_bureau *b, uint8_t out[static JZ_HASH_BYTES])
{
	const struct jz_engine *e = jz_issuer_engine(b->issuer);
	const struct jz_order *o = b->order;
	const struct jz_order_line *line;
	struct {
		uint8_t before[JZ_HASH_BYTES];
		uint64_t limits[3];
		uint8_t flags[8]; /* no padding */
	} part = {{0}, {0}, {0}};
	struct jz_span all[3];
	int err = 0;

	for (size_t k = 0; k < o->n && err == 0; k++) {
		line = &o->lines[k];
		part.limits[0] = line->max_balance_minor;
		part.limits[1] = line->max_single_minor;
		part.limits[2] = line->pin_above_minor;
		part.flags[0] = line->payee_only;
		part.flags[1] = line->pin.len > 0;
		all[0] = jz_span(&part, sizeof(part));
		all[1] = jz_span(line->account, strlen(line->account) + 1);
		all[2] = jz_span(line->holder, strlen(line->holder) + 1);
		err = e->crypto->hash(e->state, all, 3, out);
		memcpy(part.before, out, sizeof(part.before));
	}
	return err;
}

/* The name under which the issuer keeps the numbers: of this very order. */
static int
order_name(const struct jz_bureau *b, const uint8_t drawn[static DRAWN_BYTES],
    const uint8_t of[static JZ_HASH_BYTES], struct jz_journal *j)
{
	const struct jz_engine *e = jz_issuer_engine(b->issuer);
	const struct jz_span all[] = {
	    jz_span(drawn + JZ_ISSUER_SALT_BYTES, JZ_ISSUER_ORDER_BYTES),
	    jz_span(of, JZ_HASH_BYTES)};
	uint8_t name[JZ_HASH_BYTES];
	int err = e->crypto->hash(e->state, all, 2, name);

	memcpy(j->order, name, sizeof(j->order));
	memcpy(j->salt, drawn, sizeof(j->salt));
	return err;
}

/* *there: it was drawn before. */
static int
draw(struct jz_bureau *b, struct jz_journal *j,
    uint8_t drawn[static DRAWN_BYTES], bool *there)
{
	const struct jz_engine *e = jz_issuer_engine(b->issuer);
	struct jz_buffer room = jz_buffer(drawn, DRAWN_BYTES + 1);
	int err = jz_file_read(j->salt_path, &room);

	*there = err == 0;
	if (err == 0 && room.len != DRAWN_BYTES)
		return JZ_ERR_ORDER_DAMAGED;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	err = e->crypto->random(e->state, drawn, DRAWN_BYTES);
	return err != 0 ? err
			: jz_file_write(j->salt_path, S_IRUSR | S_IWUSR,
			      JZ_FILE_NEW, jz_span(drawn, DRAWN_BYTES));
}

/* ---- writing ------------------------------------------------------------ */

static int
append(struct jz_journal *j, const struct jz_bureau *b, const char *text,
    size_t len)
{
	/* A test may end us in the middle of a line. */
	const size_t parts[] = {b->step != NULL ? len / 2 : 0, len};
	size_t at = 0;
	ssize_t n;

	for (size_t k = 0; k < 2; k++) {
		while (at < parts[k]) {
			n = write(j->fd, text + at, parts[k] - at);
			if (n < 0 && errno != EINTR)
				return JZ_ERR_SYSTEM;
			at += n > 0 ? (size_t)n : 0;
		}
		if (k == 0)
			jz_bureau_step(b, JZ_STEP_TORN);
	}
	return 0;
}

static int
append_object(struct jz_journal *j, const struct jz_bureau *b, json_t *object)
{
	char text[JZ_LINE_TEXT_MAX + JZ_BUREAU_PATH_CAP];
	size_t len;

	if (object == NULL)
		return JZ_ERR_MEMORY;
	len = json_dumpb(object, text, sizeof(text) - 1, JOURNAL_FORM);
	json_decref(object);
	if (len == 0 || len >= sizeof(text))
		return JZ_ERR_RANGE;
	text[len++] = '\n';
	return append(j, b, text, len);
}

static json_t *
entry_object(const struct jz_journal *j, const struct jz_entry *e)
{
	char number[JZ_ISSUER_NUMBER_CHARS + 1], id[JZ_ID_BYTES + 1] = {0};
	char hash[2 * sizeof(e->certificate) + 1], when[21];
	bool done = e->status == JZ_LINE_DONE;

	jz_issuer_number_text(
	    j->first + (uint32_t)e->line, number, (uint8_t *)id);
	to_hex(e->certificate, sizeof(e->certificate), hash);
	jz_time_to_text((int64_t)time(NULL), when);
	return json_pack(
	    "{s:I, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s?, s:s?}",
	    "line", (json_int_t)e->line + 1, "number", number, "id", id,
	    "account", e->account, "card", e->where, "status",
	    done ? "done" : "failed", "certificate", done ? hash : NULL,
	    "key_version", done ? "01" : NULL, "kcv",
	    done && e->kcv[0] != '\0' ? e->kcv : NULL, "time", when, "error",
	    done ? NULL : jz_error_name(e->error), "text",
	    done ? NULL : jz_error_text(e->error, JZ_LANG_EN));
}

int
jz_journal_write(struct jz_journal *j, const struct jz_bureau *b,
    const struct jz_entry *entries, size_t n)
{
	int err = 0;

	for (size_t k = 0; k < n && err == 0; k++) {
		err = append_object(j, b, entry_object(j, &entries[k]));
		if (err == 0)
			j->status[entries[k].line] = (uint8_t)entries[k].status;
	}
	if (err == 0 && n > 0 && fdatasync(j->fd) != 0)
		err = JZ_ERR_SYSTEM;
	if (err == 0 && n > 0)
		jz_bureau_step(b, JZ_STEP_RECORDED);
	return err;
}

/* ---- opening ------------------------------------------------------------ */

/* Of an order that was refused; the folder, when it was made for it. */
static void
leave_nothing(const struct jz_bureau *b, const struct jz_journal *j)
{
	char path[JZ_BUREAU_PATH_CAP];

	(void)unlink(j->salt_path);
	if (jz_bureau_join(path, b->dir, JOURNAL, "") == 0)
		(void)unlink(path);
	(void)rmdir(b->dir);
}

static int
begin(struct jz_bureau *b, struct jz_journal *j, const char *hash)
{
	char order[2 * JZ_ISSUER_ORDER_BYTES + 1];
	int err = jz_issuer_reserve(
	    b->issuer, j->order, b->order->first, (uint32_t)j->n, &j->first);

	if (err != 0) {
		leave_nothing(b, j);
		return err;
	}
	jz_bureau_step(b, JZ_STEP_RESERVED);
	to_hex(j->order, sizeof(j->order), order);
	err = append_object(j, b,
	    json_pack("{s:i, s:s, s:s, s:I, s:I}", "batch", FORM_VERSION,
		"order", order, "lines", hash, "first", (json_int_t)j->first,
		"count", (json_int_t)j->n));
	if (err == 0 && fsync(j->fd) != 0)
		err = JZ_ERR_SYSTEM;
	if (err == 0)
		jz_bureau_step(b, JZ_STEP_JOURNAL);
	return err;
}

static int
take_head(const struct jz_bureau *b, struct jz_journal *j, json_t *o,
    const char *hash)
{
	json_int_t version = 0, first = 0, count = 0;
	const char *lines = "", *order = "";

	if (json_unpack(o, "{s:I, s:s, s:s, s:I, s:I}", "batch", &version,
		"order", &order, "lines", &lines, "first", &first, "count",
		&count) != 0 ||
	    version != FORM_VERSION || first < 1 ||
	    first > JZ_ISSUER_NUMBER_MAX)
		return JZ_ERR_ORDER_DAMAGED;
	if (strcmp(lines, hash) != 0 || count != (json_int_t)j->n ||
	    (b->order->first != 0 && first != b->order->first))
		return JZ_ERR_ORDER_OTHER;
	j->first = (uint32_t)first;
	return 0;
}

static int
take_entry(struct jz_journal *j, json_t *o)
{
	const char *status = "";
	json_int_t line = 0;

	if (json_unpack(o, "{s:I, s:s}", "line", &line, "status", &status) !=
		0 ||
	    line < 1 || line > (json_int_t)j->n)
		return JZ_ERR_ORDER_DAMAGED;
	j->status[line - 1] =
	    strcmp(status, "done") == 0 ? JZ_LINE_DONE : JZ_LINE_FAILED;
	return 0;
}

/* All lines of the journal; the rest after the last has been cut off. */
static int
take_lines(const struct jz_bureau *b, struct jz_journal *j, char *text,
    size_t len, const char *hash)
{
	char *at = text, *end;
	json_t *o;
	int err = 0;

	while (err == 0 && at < text + len) {
		end = memchr(at, '\n', (size_t)(text + len - at));
		if (end == NULL)
			return JZ_ERR_ORDER_DAMAGED;
		o = json_loadb(at, (size_t)(end - at), 0, NULL);
		if (o == NULL)
			return JZ_ERR_ORDER_DAMAGED;
		err = at == text ? take_head(b, j, o, hash) : take_entry(j, o);
		json_decref(o);
		at = end + 1;
	}
	return err;
}

/* *len: without half a line at the end, which is cut off. */
static int
read_journal(const struct jz_journal *j, char **out, size_t *len)
{
	struct stat st;
	size_t at = 0;
	ssize_t n = 1;

	if (fstat(j->fd, &st) != 0 || st.st_size > JOURNAL_MAX)
		return JZ_ERR_SYSTEM;
	*out = malloc((size_t)st.st_size + 1);
	if (*out == NULL)
		return JZ_ERR_MEMORY;
	while (at < (size_t)st.st_size && n > 0) {
		n = pread(j->fd, *out + at, (size_t)st.st_size - at, (off_t)at);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (at != (size_t)st.st_size)
		return JZ_ERR_SYSTEM;
	while (at > 0 && (*out)[at - 1] != '\n')
		at--;
	*len = at;
	return at == (size_t)st.st_size || ftruncate(j->fd, (off_t)at) == 0
	    ? 0
	    : JZ_ERR_SYSTEM;
}

static int
open_folder(struct jz_bureau *b, struct jz_journal *j)
{
	char path[JZ_BUREAU_PATH_CAP];
	int err = jz_bureau_join(path, b->dir, JOURNAL, "");

	if (err == 0)
		err = jz_bureau_join(j->salt_path, b->dir, SALT, "");
	if (err != 0)
		return err;
	if (mkdir(b->dir, FOLDER_MODE) == 0)
		err = jz_bureau_sync_name(b->dir);
	else if (errno != EEXIST)
		err = errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	if (err != 0)
		return err;
	j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
	    S_IRUSR | S_IWUSR);
	if (j->fd < 0)
		return errno == ENOTDIR ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? JZ_ERR_ORDER_BUSY : JZ_ERR_SYSTEM;
	return 0;
}

/* The salt, which an order that is done has no more and no need of. */
static int
find_salt(struct jz_bureau *b, struct jz_journal *j,
    const uint8_t of[static JZ_HASH_BYTES], bool begun)
{
	uint8_t drawn[DRAWN_BYTES + 1];
	bool there = false;
	int err = 0;

	for (size_t k = 0; begun && k < j->n; k++)
		there |= j->status[k] != JZ_LINE_DONE;
	if (begun && !there)
		return 0;
	err = draw(b, j, drawn, &there);
	if (err == 0 && begun && !there) {
		/* What is drawn now would make other PINs. */
		(void)unlink(j->salt_path);
		err = JZ_ERR_NOT_FOUND;
		b->place = SALT;
	}
	if (err == 0)
		err = order_name(b, drawn, of, j);
	jz_wipe(drawn, sizeof(drawn));
	return err;
}

static int
take_up(struct jz_bureau *b, struct jz_journal *j)
{
	uint8_t of[JZ_HASH_BYTES] = {0};
	char hash[2 * JZ_HASH_BYTES + 1];
	char *text = NULL;
	size_t len = 0;
	int err = digest(b, of);

	to_hex(of, sizeof(of), hash);
	if (err == 0)
		err = read_journal(j, &text, &len);
	if (err == 0)
		err = take_lines(b, j, text, len, hash);
	if (err == 0)
		err = find_salt(b, j, of, len > 0);
	if (err == 0 && len == 0)
		err = begin(b, j, hash);
	free(text);
	return err;
}

int
jz_journal_open(struct jz_bureau *b, struct jz_journal *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	out->n = b->order->n;
	b->place = b->dir;
	out->status = calloc(out->n, 1);
	err = out->status == NULL ? JZ_ERR_MEMORY : open_folder(b, out);
	if (err == 0)
		err = take_up(b, out);
	if (err == 0)
		b->place = NULL;
	else
		jz_journal_close(out, false);
	return err;
}

void
jz_journal_close(struct jz_journal *j, bool done)
{
	if (done)
		(void)unlink(j->salt_path);
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j->status);
	jz_wipe(j, sizeof(*j));
	j->fd = -1;
}
