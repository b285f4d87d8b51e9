/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of what any client can send to the issuer's daemon: a line of method
 * and path, then a body, exactly as the network hands them on.  Each gets one
 * of the daemon's answers, which is a JSON object, and no transaction that is
 * rolled back leaves anything behind.
 */
#define _XOPEN_SOURCE 700

#include "../../apdu/error.h"
#include "../../host/issuer/serve/handle.h"
#include "../support/temp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_MAX 128
#define FILES	 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One for all inputs: making it takes a second. */
static struct jz_issuer *issuer;
static struct jz_issuer_esign desk;
static char parent[64];

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_issuer(void)
{
	jz_issuer_esign_close(&desk);
	jz_issuer_free(&issuer);
	(void)nftw(parent, remove_entry, FILES, FTW_DEPTH | FTW_PHYS);
}

/* Of the number that the seeds name; nobody has its key. */
static void
add_card(void)
{
	uint8_t bytes[JZ_CERTIFICATE_MAX], id[JZ_ID_BYTES], asn[10];
	const struct jz_engine *e = jz_issuer_engine(issuer);
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_key_pair key;

	require(e->crypto->generate(e->state, &key) == 0);
	require(jz_issuer_certify(
		    issuer, "a", "a", key.public_key, 0, id, asn, &b) == 0);
}

static void
make_issuer(void)
{
	char dir[80];

	require(temp_new(parent, sizeof(parent), "jz-fuzz"));
	snprintf(dir, sizeof(dir), "%s/bank", parent);
	require(jz_issuer_create(dir, JZ_SECRET("fuzz"), 156) == 0);
	require(jz_issuer_open(dir, JZ_SECRET("fuzz"), &issuer) == 0);
	require(
	    jz_issuer_esign_open(issuer, dir, JZ_SECRET("fuzz"), &desk) == 0);
	require(jz_issuer_account_open(issuer, "a", "a") == 0);
	add_card();
	add_card();
	require(atexit(remove_issuer) == 0);
}

/* "METHOD PATH" and what is left after the line. */
static bool
split(const uint8_t *data, size_t size, char head[static HEAD_MAX], char **path,
    struct jz_span *body)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t len = end != NULL ? (size_t)(end - data) : size;

	if (len >= HEAD_MAX)
		return false;
	memcpy(head, data, len);
	head[len] = '\0';
	*path = strchr(head, ' ');
	if (*path == NULL)
		return false;
	*(*path)++ = '\0';
	*body =
	    end != NULL ? jz_span(end + 1, size - len - 1) : jz_span(NULL, 0);
	return body->len <= JZ_WIRE_REQUEST_MAX;
}

static void
judge(const struct jz_call *c)
{
	json_t *j = jz_wire_object(jz_span(c->text, c->len));

	require(j != NULL);
	require((c->status == 200) ==
	    (json_object_get(j, "error") == NULL &&
		(json_object_get(j, "verdict") == NULL || c->code[0] == '\0')));
	require(c->status == 200 || (c->status >= 400 && c->status < 500));
	json_decref(j);
}

static int
submit(void *arg, struct jz_span submission, enum jz_esign_verdict *verdict)
{
	return jz_esign_submit(arg, submission, verdict);
}

static int
carry_out(struct jz_call *c)
{
	return jz_call_is_submission(c)
	    ? jz_call_judge(c, submit, &desk.verifier)
	    : jz_call_run(c, issuer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[HEAD_MAX], *path;
	struct jz_span body;
	struct jz_call c;

	if (size == 0 || !split(data, size, head, &path, &body))
		return 0;
	if (issuer == NULL)
		make_issuer();
	if (jz_call_read(&c, head, path, body) &&
	    strcmp(path, JZ_WIRE_METRICS) != 0) {
		require(jz_issuer_group_begin(issuer) == 0);
		jz_call_finish(&c, carry_out(&c));
		require(jz_issuer_group_end(issuer, JZ_ERR_CANCELLED) ==
		    JZ_ERR_CANCELLED);
	}
	if (c.text != NULL)
		judge(&c);
	jz_call_free(&c);
	return 0;
}
