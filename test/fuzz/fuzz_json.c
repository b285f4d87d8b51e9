/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the JSON that strangers write about a transaction: what a shop's
 * file or QR code says is to be signed, and what a terminal submits to the
 * issuer.  What is taken is what goes to the card; a failure cites nothing that
 * a terminal obeys; and without a card's signature nothing is executed or
 * counted.
 */
#define _POSIX_C_SOURCE 200809L

#include "../../host/issuer/esign.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../host/cli/order.h"
#include "../../keys/openssl/openssl.h"

#define ACCOUNT "6222020000000001234"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* ---- a transaction ------------------------------------------------------ */

static void
same(struct jz_span field, const char *text)
{
	require(jz_span_equal(
	    field, jz_span(text, text == NULL ? 0 : strlen(text))));
}

static void
order(const uint8_t *data, size_t size)
{
	static char from_input[] = "-", payer[] = ACCOUNT;
	struct jz_cli c = {.lang = JZ_LANG_EN};
	struct jz_cli_order o = {0};
	struct jz_esign_order m;
	FILE *before = stdin;

	stdin = fmemopen((void *)(uintptr_t)data, size, "rb");
	require(stdin != NULL);
	c.value[JZ_OPT_ORDER] = from_input;
	c.value[JZ_OPT_ACCOUNT] = payer;
	if (jz_cli_order_make(&c, &o) == 0) {
		require(jz_esign_get_order(jz_span(o.bytes, o.len), &m) == 0);
		same(m.account, ACCOUNT);
		same(m.to_account, o.to);
		same(m.to_name, o.name);
		same(m.details, o.details);
		require(m.amount == o.minor && m.currency == o.code);
	}
	for (const char *at = c.detail; *at != '\0'; at++)
		require((unsigned char)*at >= ' ' && *at != 0x7F);
	jz_cli_order_free(&o);
	fclose(stdin);
	stdin = before;
}

/* ---- a submission ------------------------------------------------------- */

static int
begin(void *store)
{
	(void)store;
	return 0;
}

static int
end(void *store, int rc)
{
	(void)store;
	return rc;
}

/* The verifier's own key: whoever's the card is, nobody here has signed. */
static int
card(void *store, const uint8_t id[static JZ_ID_BYTES],
    struct jz_esign_card *out)
{
	const struct jz_key_pair *key = store;

	memset(out, 0, sizeof(*out));
	if (id[0] != 'C')
		return JZ_ERR_NOT_FOUND;
	memcpy(out->id, id, sizeof(out->id));
	memcpy(out->public_key, key->public_key, sizeof(out->public_key));
	memcpy(out->account, ACCOUNT, sizeof(ACCOUNT));
	return 0;
}

static int
card_set(void *store, const struct jz_esign_card *row)
{
	(void)store;
	(void)row;
	abort();
}

static int
entry(void *store, const uint8_t id[static JZ_ID_BYTES], uint32_t counter,
    struct jz_esign_entry *out)
{
	(void)store;
	(void)id;
	(void)counter;
	(void)out;
	abort();
}

static int
entry_set(void *store, const struct jz_esign_entry *row)
{
	(void)store;
	(void)row;
	abort();
}

static int
lock(void *store, const char *account, bool locked)
{
	(void)store;
	(void)account;
	(void)locked;
	abort();
}

static int
execute(void *arg, const struct jz_esign_transfer *transfer)
{
	(void)arg;
	(void)transfer;
	abort();
}

static void
submission(const struct jz_esign_verifier *v, struct jz_span in)
{
	char *response = NULL;
	unsigned status = jz_esign_submit_json(v, in, &response);
	json_t *o;
	const char *verdict;

	require(response != NULL);
	o = json_loads(response, 0, NULL);
	verdict = json_string_value(json_object_get(o, "verdict"));
	require(verdict != NULL);
	require((status == 400 && strcmp(verdict, "MALFORMED") == 0) ||
	    (status == 404 && strcmp(verdict, "UNKNOWN_CARD") == 0) ||
	    (status == 403 && strcmp(verdict, "SIGNATURE") == 0));
	json_decref(o);
	free(response);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct jz_esign_store store = {
	    begin, end, card, card_set, entry, entry_set, lock};
	static struct jz_key_pair key;
	static struct jz_esign_verifier v;

	if (v.store == NULL) {
		require(jz_openssl_new(JZ_SUITE_NIST, &v.engine) == 0);
		require(v.engine.crypto->generate(v.engine.state, &key) == 0);
		v.key = &key;
		v.key_version = 1;
		v.limit = JZ_ESIGN_FAILURES_DEFAULT;
		v.store = &store;
		v.store_state = &key;
		v.executor.execute = execute;
	}
	if (size > 0) /* no stream of nothing */
		order(data, size);
	submission(&v, jz_span(data, size));
	return 0;
}
