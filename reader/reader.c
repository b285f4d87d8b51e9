/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader handle: names, the table of operations behind them, and what
 * holds for readers of every kind.
 *
 * A response has at least its status word (ISO/IEC 7816-4:2013 5.1), so fewer
 * than two bytes never count as success: some PC/SC drivers report success
 * with an empty response when the card is torn out under a command.
 */
#define _POSIX_C_SOURCE 200809L

#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/apdu.h"
#include "../apdu/error.h"
#include "internal.h"

#define STATUS_BYTES	   2u
#define SHORT_RESPONSE_MAX 258u

struct jz_reader {
	const struct jz_reader_ops *ops;
	void *state;
	char *name;
	struct jz_trace_file *trace;
};

static const struct {
	const char *prefix;
	int (*open)(const char *rest, struct jz_reader **out);
} schemes[] = {
    {"virtual:", jz_reader_open_virtual},
    {"pcsc:", jz_reader_open_pcsc},
};

int
jz_reader_open(const char *name, struct jz_reader **out)
{
	size_t i, len;

	*out = NULL;
	if (name == NULL)
		return JZ_ERR_READER_NAME;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i].prefix);
		if (strncmp(name, schemes[i].prefix, len) != 0)
			continue;
		if (name[len] == '\0')
			return JZ_ERR_READER_NAME;
		return schemes[i].open(name + len, out);
	}
	return JZ_ERR_READER_NAME;
}

int
jz_reader_take(const char *name, const struct jz_reader_ops *ops, void *state,
    struct jz_reader **out)
{
	struct jz_reader *r = NULL;
	int e = JZ_ERR_MEMORY;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		ops->close(state);
		return e;
	}
	r->ops = ops;
	r->state = state;
	r->name = strdup(name);
	if (r->name == NULL)
		goto out;
	e = jz_trace_open(&r->trace);
	if (e != 0)
		goto out;
	*out = r;
	r = NULL;
out:
	jz_reader_free(&r);
	return e;
}

void *
jz_reader_state(const struct jz_reader *r, const struct jz_reader_ops *ops)
{
	return r->ops == ops ? r->state : NULL;
}

void
jz_reader_free(struct jz_reader **reader)
{
	struct jz_reader *r;

	if (reader == NULL || *reader == NULL)
		return;
	r = *reader;
	*reader = NULL;
	r->ops->close(r->state);
	jz_trace_free(&r->trace);
	free(r->name);
	free(r);
}

int
jz_reader_transmit(struct jz_reader *r, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t *rsp_len)
{
	const size_t cap = *rsp_len;
	int e;

	*rsp_len = 0;
	if (cmd == NULL || cmd_len == 0 || cmd_len > JZ_APDU_MAX_COMMAND)
		return JZ_ERR_ARGUMENT;
	if (cap < SHORT_RESPONSE_MAX)
		return JZ_ERR_SPACE;

	jz_trace_apdu(r->trace, r->name, true, jz_span(cmd, cmd_len));
	*rsp_len = cap;
	e = r->ops->transmit(r->state, cmd, cmd_len, rsp, rsp_len);
	if (e == 0 && *rsp_len < STATUS_BYTES)
		e = JZ_ERR_TRANSMIT;
	if (e != 0) {
		*rsp_len = 0;
		jz_trace_error(r->trace, r->name, e);
		return e;
	}
	jz_trace_apdu(r->trace, r->name, false, jz_span(rsp, *rsp_len));
	return 0;
}

int
jz_reader_reset(struct jz_reader *r, bool cold)
{
	int e = r->ops->reset(r->state, cold);

	if (e != 0)
		jz_trace_error(r->trace, r->name, e);
	else
		jz_trace_reset(r->trace, r->name, cold, jz_reader_atr(r));
	return e;
}

int
jz_reader_begin(struct jz_reader *r)
{
	return r->ops->begin != NULL ? r->ops->begin(r->state) : 0;
}

int
jz_reader_end(struct jz_reader *r)
{
	return r->ops->end != NULL ? r->ops->end(r->state) : 0;
}

struct jz_span
jz_reader_atr(const struct jz_reader *r)
{
	return r->ops->atr(r->state);
}

const char *
jz_reader_name(const struct jz_reader *r)
{
	return r->name;
}
