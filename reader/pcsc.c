/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the PC/SC daemon, through libpcsclite (PC/SC part 5).
 *
 * The card is shared: other programs may use it between our commands, and
 * jz_reader_begin() keeps them off for a while.  A reader that another
 * program holds exclusively is JZ_ERR_READER_BUSY at once.  A transaction of
 * another program is waited for, by the daemon and by libpcsclite, which know
 * no time limit.  Closing resets the card, so that a verified PIN never waits
 * for the next program.
 *
 * After another program's reset the card is connected again and the caller is
 * told; nothing is sent twice.  A command that failed, or brought no status
 * word, waits a moment for the daemon's word on whether the card is still
 * there: the daemon looks only every 400 ms, and "removed" tells more than
 * "failed".
 *
 * With T=0 a command goes out as a TPDU: case 1 with P3 = 00, case 4 without
 * Le (ISO/IEC 7816-3:2006 12.2); 61xx and 6Cxx are the caller's.
 */
#define _POSIX_C_SOURCE 200809L

#include "reader.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <winscard.h>

#include "../apdu/apdu.h"
#include "../apdu/atr.h"
#include "../apdu/error.h"
#include "internal.h"

#define SERIAL_PREFIX "serial="
#define NAME_PREFIX   "pcsc:"
#define STATUS_BYTES  2u
/* More readers than the daemon's own table can hold. */
#define READERS_MAX 64u
/* Longer than the 400 ms between two looks of the daemon. */
#define REMOVAL_WAIT_MS 600u
#define HEADER_BYTES	4u
#define SHORT_TPDU_MAX	(HEADER_BYTES + 1u + 255u)

_Static_assert(MAX_ATR_SIZE >= JZ_ATR_MAX, "room for every ATR");

struct pcsc {
	SCARDCONTEXT context;
	SCARDHANDLE card;
	bool has_context;
	bool connected;
	bool in_transaction;
	DWORD protocol;
	char *reader; /* as the daemon names it */
	uint8_t atr[MAX_ATR_SIZE];
	size_t atr_len;
};

/* Names as the daemon gives them, one after the other, and each one's state. */
struct reader_list {
	char *names;
	SCARD_READERSTATE state[READERS_MAX];
	size_t n;
};

static const struct {
	LONG code;
	int error;
} codes[] = {
    {SCARD_S_SUCCESS, 0},
    {SCARD_E_NO_SERVICE, JZ_ERR_NO_DAEMON},
    {SCARD_E_SERVICE_STOPPED, JZ_ERR_NO_DAEMON},
    {SCARD_F_COMM_ERROR, JZ_ERR_NO_DAEMON},
    /* We hold valid handles: this daemon is not the one that gave them. */
    {SCARD_E_INVALID_HANDLE, JZ_ERR_NO_DAEMON},
    {SCARD_E_NO_READERS_AVAILABLE, JZ_ERR_NO_READER},
    {SCARD_E_UNKNOWN_READER, JZ_ERR_NO_READER},
    {SCARD_E_READER_UNAVAILABLE, JZ_ERR_NO_READER},
    {SCARD_E_NO_SMARTCARD, JZ_ERR_NO_CARD},
    {SCARD_E_SHARING_VIOLATION, JZ_ERR_READER_BUSY},
    {SCARD_E_SERVER_TOO_BUSY, JZ_ERR_READER_BUSY},
    {SCARD_W_REMOVED_CARD, JZ_ERR_CARD_REMOVED},
    {SCARD_W_RESET_CARD, JZ_ERR_CARD_RESET},
    {SCARD_W_UNPOWERED_CARD, JZ_ERR_CARD_RESET},
    {SCARD_E_PROTO_MISMATCH, JZ_ERR_UNSUPPORTED},
    {SCARD_E_CARD_UNSUPPORTED, JZ_ERR_UNSUPPORTED},
    {SCARD_E_READER_UNSUPPORTED, JZ_ERR_UNSUPPORTED},
    {SCARD_E_UNSUPPORTED_FEATURE, JZ_ERR_UNSUPPORTED},
    {SCARD_W_UNSUPPORTED_CARD, JZ_ERR_UNSUPPORTED},
    {SCARD_E_INSUFFICIENT_BUFFER, JZ_ERR_SPACE},
    {SCARD_E_NO_MEMORY, JZ_ERR_MEMORY},
    {SCARD_E_CANCELLED, JZ_ERR_CANCELLED},
    {SCARD_E_SYSTEM_CANCELLED, JZ_ERR_CANCELLED},
    {SCARD_W_CANCELLED_BY_USER, JZ_ERR_CANCELLED},
    {SCARD_E_TIMEOUT, JZ_ERR_TIMEOUT},
    {SCARD_E_NOT_TRANSACTED, JZ_ERR_TRANSMIT},
    {SCARD_E_NOT_READY, JZ_ERR_TRANSMIT},
    {SCARD_E_COMM_DATA_LOST, JZ_ERR_TRANSMIT},
    {SCARD_E_PCI_TOO_SMALL, JZ_ERR_TRANSMIT},
    {SCARD_W_UNRESPONSIVE_CARD, JZ_ERR_TRANSMIT},
    {SCARD_E_INVALID_ATR, JZ_ERR_TRANSMIT},
    {SCARD_E_INVALID_PARAMETER, JZ_ERR_ARGUMENT},
    {SCARD_E_INVALID_VALUE, JZ_ERR_ARGUMENT},
    {SCARD_W_SECURITY_VIOLATION, JZ_ERR_SYSTEM},
    {SCARD_E_NO_ACCESS, JZ_ERR_SYSTEM},
    {SCARD_F_INTERNAL_ERROR, JZ_ERR_INTERNAL},
};

static int
to_error(LONG code)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].error;
	return JZ_ERR_TRANSMIT;
}

/* ---- one card ----------------------------------------------------------- */

static int
read_atr(struct pcsc *p)
{
	DWORD len = sizeof(p->atr), state = 0, protocol = 0;
	LONG rv;

	p->atr_len = 0;
	rv = SCardStatus(p->card, NULL, NULL, &state, &protocol, p->atr, &len);
	if (rv == SCARD_S_SUCCESS)
		p->atr_len = len;
	return to_error(rv);
}

/* Takes up the connection again; `action` is what happens to the card. */
static int
reconnect(struct pcsc *p, DWORD action)
{
	LONG rv;

	p->in_transaction = false;
	rv = SCardReconnect(p->card, SCARD_SHARE_SHARED,
	    SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, action, &p->protocol);
	return rv != SCARD_S_SUCCESS ? to_error(rv) : read_atr(p);
}

/* What to tell the caller; after a reset, with the card connected again. */
static int
report(struct pcsc *p, LONG code)
{
	int e = to_error(code), again;

	if (e != JZ_ERR_CARD_RESET)
		return e;
	again = reconnect(p, SCARD_LEAVE_CARD);
	return again != 0 ? again : e;
}

/* The card did not answer.  Is it still there? */
static int
report_silence(struct pcsc *p)
{
	SCARD_READERSTATE state;
	LONG rv;

	memset(&state, 0, sizeof(state));
	state.szReader = p->reader;
	state.dwCurrentState = SCARD_STATE_UNAWARE;
	rv = SCardGetStatusChange(p->context, 0, &state, 1);
	if (rv == SCARD_S_SUCCESS &&
	    (state.dwEventState & SCARD_STATE_PRESENT) != 0) {
		state.dwCurrentState =
		    state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
		(void)SCardGetStatusChange(
		    p->context, REMOVAL_WAIT_MS, &state, 1);
	}
	rv = SCardStatus(p->card, NULL, NULL, NULL, NULL, NULL, NULL);
	return rv == SCARD_S_SUCCESS ? JZ_ERR_TRANSMIT : report(p, rv);
}

/*
 * The TPDU for a command that T=0 cannot carry as it is, in buf; otherwise
 * the command itself.
 */
static struct jz_span
to_tpdu(struct jz_span cmd, uint8_t buf[static SHORT_TPDU_MAX])
{
	struct jz_command c;

	if (jz_command_parse(cmd, &c) != 0 || c.extended)
		return cmd;
	if (c.data.len == 0 && !c.has_le) {
		memcpy(buf, cmd.data, HEADER_BYTES);
		buf[HEADER_BYTES] = 0;
		return jz_span(buf, HEADER_BYTES + 1u);
	}
	if (c.data.len > 0 && c.has_le)
		cmd.len--;
	return cmd;
}

static int
pcsc_transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct pcsc *p = state;
	uint8_t tpdu[SHORT_TPDU_MAX];
	struct jz_span out = {cmd, cmd_len};
	const SCARD_IO_REQUEST *pci = SCARD_PCI_T1;
	DWORD len = *rsp_len;
	LONG rv;

	if (p->protocol == SCARD_PROTOCOL_T0) {
		pci = SCARD_PCI_T0;
		out = to_tpdu(out, tpdu);
	}
	*rsp_len = 0;
	rv = SCardTransmit(
	    p->card, pci, out.data, (DWORD)out.len, NULL, rsp, &len);
	if (rv == SCARD_S_SUCCESS && len >= STATUS_BYTES) {
		*rsp_len = len;
		return 0;
	}
	if (rv == SCARD_S_SUCCESS || to_error(rv) == JZ_ERR_TRANSMIT)
		return report_silence(p);
	return report(p, rv);
}

static int
pcsc_reset(void *state, bool cold)
{
	return reconnect(state, cold ? SCARD_UNPOWER_CARD : SCARD_RESET_CARD);
}

static struct jz_span
pcsc_atr(void *state)
{
	const struct pcsc *p = state;

	return jz_span(p->atr, p->atr_len);
}

static int
pcsc_begin(void *state)
{
	struct pcsc *p = state;
	LONG rv;

	if (p->in_transaction)
		return JZ_ERR_STATE;
	rv = SCardBeginTransaction(p->card);
	if (rv != SCARD_S_SUCCESS)
		return report(p, rv);
	p->in_transaction = true;
	return 0;
}

static int
pcsc_end(void *state)
{
	struct pcsc *p = state;

	if (!p->in_transaction)
		return JZ_ERR_STATE;
	p->in_transaction = false;
	return report(p, SCardEndTransaction(p->card, SCARD_LEAVE_CARD));
}

static void
pcsc_close(void *state)
{
	struct pcsc *p = state;

	if (p->in_transaction)
		(void)SCardEndTransaction(p->card, SCARD_LEAVE_CARD);
	if (p->connected)
		(void)SCardDisconnect(p->card, SCARD_RESET_CARD);
	if (p->has_context)
		(void)SCardReleaseContext(p->context);
	free(p->reader);
	free(p);
}

static const struct jz_reader_ops pcsc_ops = {
    .scheme = "pcsc",
    .transmit = pcsc_transmit,
    .reset = pcsc_reset,
    .atr = pcsc_atr,
    .begin = pcsc_begin,
    .end = pcsc_end,
    .close = pcsc_close,
};

/* ---- all readers -------------------------------------------------------- */

static void
list_free(SCARDCONTEXT context, struct reader_list *l)
{
	if (l->names != NULL)
		(void)SCardFreeMemory(context, l->names);
	l->names = NULL;
	l->n = 0;
}

/* Fills the list; on error there is nothing to free. */
static int
list_readers(SCARDCONTEXT context, struct reader_list *l)
{
	DWORD len = SCARD_AUTOALLOCATE;
	const char *name;
	LONG rv;

	memset(l, 0, sizeof(*l));
	rv = SCardListReaders(context, NULL, (LPSTR)(void *)&l->names, &len);
	if (rv != SCARD_S_SUCCESS) {
		l->names = NULL;
		return to_error(rv);
	}
	for (name = l->names; *name != '\0' && l->n < READERS_MAX;
	     name += strlen(name) + 1) {
		l->state[l->n].szReader = name;
		l->state[l->n].dwCurrentState = SCARD_STATE_UNAWARE;
		l->n++;
	}
	rv = l->n == 0 ? SCARD_E_NO_READERS_AVAILABLE
		       : SCardGetStatusChange(context, 0, l->state, l->n);
	if (rv != SCARD_S_SUCCESS)
		list_free(context, l);
	return to_error(rv);
}

static bool
has_card(const SCARD_READERSTATE *s)
{
	return (s->dwEventState & SCARD_STATE_PRESENT) != 0;
}

int
jz_reader_list(
    int (*each)(const char *name, bool card, struct jz_span atr, void *arg),
    void *arg)
{
	SCARDCONTEXT context;
	struct reader_list l;
	LONG rv;
	size_t i;
	int e;

	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
	if (rv != SCARD_S_SUCCESS)
		return to_error(rv);
	e = list_readers(context, &l);
	for (i = 0; e == 0 && i < l.n; i++)
		e = each(l.state[i].szReader, has_card(&l.state[i]),
		    jz_span(l.state[i].rgbAtr, l.state[i].cbAtr), arg);
	list_free(context, &l);
	(void)SCardReleaseContext(context);
	return e;
}

/* ---- opening ------------------------------------------------------------ */

/*
 * The one reader that the pattern means.  A reader's full name always means
 * that reader, whatever brackets are in it.  Readers with a card go before
 * readers without; two with a card are one too many.
 */
static int
choose(const struct reader_list *l, const char *pattern, bool exact,
    const SCARD_READERSTATE **out)
{
	const SCARD_READERSTATE *s, *found = NULL;
	bool many = false;
	size_t i;

	for (i = 0; i < l->n; i++) {
		s = &l->state[i];
		if (strcmp(s->szReader, pattern) == 0) {
			*out = s;
			return 0;
		}
		if (exact || fnmatch(pattern, s->szReader, 0) != 0)
			continue;
		if (found != NULL && has_card(found) && has_card(s))
			many = true;
		if (found == NULL || (has_card(s) && !has_card(found)))
			found = s;
	}
	if (many)
		return JZ_ERR_READER_MANY;
	*out = found;
	return found != NULL ? 0 : JZ_ERR_NO_READER;
}

/* Finds the reader and keeps its name. */
static int
find_reader(struct pcsc *p, const char *pattern, bool exact)
{
	struct reader_list l;
	const SCARD_READERSTATE *s = NULL;
	int e;

	e = list_readers(p->context, &l);
	if (e != 0)
		return e;
	e = choose(&l, pattern, exact, &s);
	if (e == 0) {
		p->reader = strdup(s->szReader);
		if (p->reader == NULL)
			e = JZ_ERR_MEMORY;
	}
	list_free(p->context, &l);
	return e;
}

static int
connect_card(struct pcsc *p)
{
	LONG rv;
	int e;

	rv = SCardConnect(p->context, p->reader, SCARD_SHARE_SHARED,
	    SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &p->card, &p->protocol);
	if (rv != SCARD_S_SUCCESS) {
		e = to_error(rv);
		return e == JZ_ERR_CARD_REMOVED ? JZ_ERR_NO_CARD : e;
	}
	p->connected = true;
	e = read_atr(p);
	/* Reset by another program since: nothing of ours is lost. */
	return e == JZ_ERR_CARD_RESET ? reconnect(p, SCARD_LEAVE_CARD) : e;
}

/* Hands the state over to a handle, whose name can be opened again. */
static int
take(struct pcsc *p, struct jz_reader **out)
{
	const size_t prefix = strlen(NAME_PREFIX);
	const size_t len = strlen(p->reader) + 1;
	char *name = malloc(prefix + len);
	int e;

	if (name == NULL) {
		pcsc_close(p);
		return JZ_ERR_MEMORY;
	}
	memcpy(name, NAME_PREFIX, prefix);
	memcpy(name + prefix, p->reader, len);
	e = jz_reader_take(name, &pcsc_ops, p, out);
	free(name);
	return e;
}

int
jz_reader_open_pcsc(const char *rest, struct jz_reader **out)
{
	const size_t prefix = strlen(SERIAL_PREFIX);
	const bool exact = strncmp(rest, SERIAL_PREFIX, prefix) == 0;
	struct pcsc *p = NULL;
	LONG rv;
	int e;

	*out = NULL;
	if (exact)
		rest += prefix;
	if (*rest == '\0')
		return JZ_ERR_READER_NAME;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return JZ_ERR_MEMORY;
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
	e = to_error(rv);
	if (e != 0)
		goto out;
	p->has_context = true;
	e = find_reader(p, rest, exact);
	if (e != 0)
		goto out;
	e = connect_card(p);
	if (e != 0)
		goto out;
	e = take(p, out);
	p = NULL;
out:
	if (p != NULL)
		pcsc_close(p);
	return e;
}
