/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: so many cards alike, or a list of holders in CSV (RFC 4180).
 */
#define _POSIX_C_SOURCE 200809L

#include "bureau.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../keys/secret.h"

#define LIST_BYTES_MAX (256u * 1024 * 1024)
#define FIELD_CAP      128
#define READ_BY_OTHERS (S_IRWXG | S_IRWXO)

enum column {
	ACCOUNT,
	HOLDER,
	MAX_BALANCE,
	MAX_SINGLE,
	PIN_ABOVE,
	PAYEE_ONLY,
	PIN,
	COLUMNS,
};

static const char *const NAMES[COLUMNS] = {"account", "holder", "max-balance",
    "max-single", "pin-above", "payee-only", "pin"};

/* A list while it is read. */
struct list {
	char *text;
	size_t len, at, row;
	enum column column[COLUMNS];
	size_t columns;
	bool private; /* nobody else may read it */
	jz_order_amount *amount;
	void *arg;
};

static int
add_line(struct jz_order *o, size_t *cap, const struct jz_order_line *like)
{
	struct jz_order_line *more;
	size_t n = *cap == 0 ? 64 : 2 * *cap;

	if (o->n == JZ_BUREAU_LINES_MAX)
		return JZ_ERR_RANGE;
	if (o->n == *cap) {
		/* Not realloc: what it leaves behind has PINs. */
		more = calloc(n, sizeof(*more));
		if (more == NULL)
			return JZ_ERR_MEMORY;
		if (o->n > 0)
			memcpy(more, o->lines, o->n * sizeof(*more));
		jz_wipe(o->lines, o->n * sizeof(*more));
		free(o->lines);
		o->lines = more;
		*cap = n;
	}
	o->lines[o->n++] = *like;
	return 0;
}

int
jz_order_of(const struct jz_order_line *like, size_t n, uint32_t first,
    struct jz_order *out)
{
	memset(out, 0, sizeof(*out));
	if (n == 0 || n > JZ_BUREAU_LINES_MAX)
		return JZ_ERR_RANGE;
	out->lines = calloc(n, sizeof(*out->lines));
	if (out->lines == NULL)
		return JZ_ERR_MEMORY;
	for (size_t k = 0; k < n; k++)
		out->lines[k] = *like;
	out->n = n;
	out->first = first;
	return 0;
}

void
jz_order_free(struct jz_order *o)
{
	jz_wipe(o->lines, o->n * sizeof(*o->lines));
	free(o->lines);
	memset(o, 0, sizeof(*o));
}

bool
jz_order_needs_mailer(const struct jz_order *o)
{
	for (size_t k = 0; k < o->n; k++)
		if (o->lines[k].pin.len == 0)
			return true;
	return false;
}

/* ---- CSV ---------------------------------------------------------------- */

/* The next field without its quotes, and whether it ends the row. */
static int
field(struct list *l, char out[static FIELD_CAP], bool *last)
{
	size_t n = 0;
	bool quoted = l->at < l->len && l->text[l->at] == '"';
	char c = '\n';

	for (l->at += quoted; l->at < l->len; l->at++) {
		c = l->text[l->at];
		if (quoted && c == '"') {
			if (l->at + 1 == l->len || l->text[l->at + 1] != '"') {
				quoted = false;
				continue;
			}
			l->at++;
		} else if (!quoted && (c == ',' || c == '\n')) {
			break;
		} else if (!quoted && c == '\r') {
			continue;
		}
		if (n + 1 == FIELD_CAP || c == '\0')
			return JZ_ERR_RANGE;
		out[n++] = c;
	}
	out[n] = '\0';
	*last = l->at >= l->len || c == '\n';
	l->at++;
	return quoted ? JZ_ERR_ARGUMENT : 0;
}

static int
copy(char *out, size_t cap, const char *text)
{
	size_t len = strlen(text);

	if (len >= cap)
		return JZ_ERR_RANGE;
	memcpy(out, text, len + 1);
	return 0;
}

static int
yes_or_no(const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 ? 0 : JZ_ERR_ARGUMENT;
}

static int
pin(const struct list *l, const char *text, struct jz_order_line *line)
{
	uint8_t bcd[JZ_PIN_BYTES_MAX];
	size_t len;
	int err = l->private ? 0 : JZ_ERR_STATE;

	if (err == 0)
		err = jz_secret_set(&line->pin, jz_span(text, strlen(text)));
	if (err == 0)
		err = jz_pin_to_bcd(&line->pin, bcd, &len);
	jz_wipe(bcd, sizeof(bcd));
	return err;
}

static int
set(const struct list *l, enum column column, const char *text,
    struct jz_order_line *line)
{
	if (text[0] == '\0')
		return 0;
	switch (column) {
	case ACCOUNT:
		return copy(line->account, sizeof(line->account), text);
	case HOLDER:
		return copy(line->holder, sizeof(line->holder), text);
	case MAX_BALANCE:
		return l->amount(text, l->arg, &line->max_balance_minor);
	case MAX_SINGLE:
		return l->amount(text, l->arg, &line->max_single_minor);
	case PIN_ABOVE:
		return l->amount(text, l->arg, &line->pin_above_minor);
	case PAYEE_ONLY:
		return yes_or_no(text, &line->payee_only);
	default:
		return pin(l, text, line);
	}
}

/* The first row: which columns there are. */
static int
head(struct list *l)
{
	char text[FIELD_CAP];
	bool last = false;
	size_t c;
	int err = 0;

	while (err == 0 && !last) {
		err = field(l, text, &last);
		for (c = 0; c < COLUMNS && strcmp(text, NAMES[c]) != 0; c++)
			;
		if (c == COLUMNS || l->columns == COLUMNS)
			return JZ_ERR_ARGUMENT;
		for (size_t k = 0; k < l->columns; k++)
			if (l->column[k] == (enum column)c)
				return JZ_ERR_ARGUMENT;
		l->column[l->columns++] = (enum column)c;
	}
	return err;
}

static int
row(struct list *l, struct jz_order_line *line)
{
	char text[FIELD_CAP];
	bool last = false;
	size_t k = 0;
	int err = 0;

	while (err == 0 && !last) {
		err = field(l, text, &last);
		if (err == 0)
			err = k == l->columns
			    ? JZ_ERR_ARGUMENT
			    : set(l, l->column[k++], text, line);
	}
	if (err == 0 && k != l->columns)
		err = JZ_ERR_ARGUMENT;
	if (err == 0 &&
	    (line->max_balance_minor == 0 ||
		line->max_single_minor > line->max_balance_minor))
		err = JZ_ERR_RANGE;
	jz_wipe(text, sizeof(text));
	return err;
}

static int
rows(struct list *l, const struct jz_order_line *like, struct jz_order *out)
{
	struct jz_order_line line;
	size_t cap = 0;
	int err;

	l->row = 1;
	err = head(l);
	while (err == 0 && l->at < l->len) {
		l->row++;
		line = *like;
		err = row(l, &line);
		if (err == 0)
			err = add_line(out, &cap, &line);
		jz_wipe(&line, sizeof(line));
	}
	return err == 0 && out->n == 0 ? JZ_ERR_RANGE : err;
}

/* ---- the file ----------------------------------------------------------- */

static int
read_all(int fd, char *out, size_t len)
{
	size_t at = 0;
	ssize_t n = 1;

	while (at < len && n > 0) {
		n = read(fd, out + at, len - at);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			at += (size_t)n;
	}
	return at == len ? 0 : JZ_ERR_SYSTEM;
}

static int
load(struct list *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		err = JZ_ERR_SYSTEM;
	else if (st.st_size < 0 || st.st_size > (off_t)LIST_BYTES_MAX)
		err = JZ_ERR_RANGE;
	if (err == 0) {
		l->private = (st.st_mode & READ_BY_OTHERS) == 0;
		l->len = (size_t)st.st_size;
		l->text = malloc(l->len + 1);
		err = l->text == NULL ? JZ_ERR_MEMORY
				      : read_all(fd, l->text, l->len);
	}
	(void)close(fd);
	return err;
}

int
jz_order_read(const char *path, const struct jz_order_line *like,
    uint32_t first, jz_order_amount *amount, void *arg, struct jz_order *out,
    size_t *bad)
{
	struct list l = {.amount = amount, .arg = arg};
	int err = load(&l, path);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = rows(&l, like, out);
	out->first = first;
	*bad = err != 0 ? l.row : 0;
	if (l.text != NULL)
		jz_wipe(l.text, l.len);
	free(l.text);
	if (err != 0)
		jz_order_free(out);
	return err;
}
