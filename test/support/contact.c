/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An e-signature card made as an issuer makes one.
 */
#include "contact.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

#define CURRENCY   156
#define AMOUNT_MAX 100000u
#define WAIT_S	   180
#define SHOW_S	   60
#define DIGITS	   6
#define LINES_MAX  32 /* of a short order: down to its end */
#define PRESSES	   40

/* The purse is there already, and with it the issuer's keys. */
static int
make_purse(
    struct contact_card *c, struct jz_issuer *issuer, const char *account)
{
	const struct jz_personal p = {.holder = account,
	    .account = account,
	    .pin = CONTACT_PIN,
	    .currency = CURRENCY,
	    .max_balance_minor = AMOUNT_MAX,
	    .max_single_minor = AMOUNT_MAX};
	uint8_t id[JZ_ID_BYTES];
	int err = jz_purse_select(&c->session);

	return err != 0 ? err : jz_personalise(&c->session, issuer, &p, id);
}

static int
make_signer(struct contact_card *c, struct jz_issuer *issuer,
    const struct jz_esign_verifier *v, const char *account)
{
	const struct jz_sign_personal p = {.holder = account,
	    .account = account,
	    .pin = CONTACT_PIN,
	    .pin_above_minor = AMOUNT_MAX,
	    .mode = JZ_ESIGN_SIGNATURE,
	    .scheme = JZ_SCHEME_DEFAULT,
	    .length = DIGITS,
	    .alphabet = JZ_ALPHABET_DIGITS,
	    .wait_s = WAIT_S,
	    .show_s = SHOW_S};
	struct jz_scp03_keys keys;
	struct jz_gp g;
	int err;

	jz_gp_init(&g, &c->session, jz_issuer_engine(issuer));
	err = jz_gp_select(&g, NULL);
	if (err == 0)
		err = jz_gp_begin(&g, JZ_GP_KVN_ANY);
	if (err == 0)
		err = jz_issuer_card_keys(issuer, g.kdd, g.kvn, &keys);
	if (err == 0) {
		err = jz_gp_authenticate(&g, &keys, JZ_GP_LEVEL_ALL);
		jz_wipe(&keys, sizeof(keys));
	}
	if (err == 0)
		err = jz_sign_personalise(&g, issuer, v, &p, c->id);
	jz_gp_close(&g);
	return err;
}

int
contact_card_new(struct contact_card *c, struct jz_issuer *issuer,
    const struct jz_esign_verifier *v, const char *account, enum jz_suite suite,
    enum jz_protocol protocol)
{
	const struct jz_virtual_options o = {
	    .suite = suite, .protocol = protocol, .panel = true};
	struct jz_virtual *card = NULL;
	int err;

	memset(c, 0, sizeof(*c));
	err = jz_virtual_create(&o, &card);
	if (err != 0)
		return err;
	c->card = card;
	err = jz_reader_take_virtual(&card, &c->reader);
	if (err != 0)
		return err;
	jz_session_init(&c->session, c->reader);
	err = make_purse(c, issuer, account);
	return err != 0 ? err : make_signer(c, issuer, v, account);
}

void
contact_card_free(struct contact_card *c)
{
	jz_reader_free(&c->reader);
}

int
contact_order(
    const char *account, const char *to, uint8_t *out, size_t cap, size_t *len)
{
	const struct jz_esign_order o = {
	    .account = jz_span(account, strlen(account)),
	    .amount = 1,
	    .currency = CURRENCY,
	    .to_account = jz_span(to, strlen(to)),
	    .to_name = jz_span("Zhang San", 9)};
	struct jz_buffer b = jz_buffer(out, cap);
	int err = jz_esign_put_order(&o, &b);

	*len = b.len;
	return err;
}

/* A line of that many digits and blanks. */
static bool
is_password(const char *line, char out[static JZ_VIRTUAL_LINE_BYTES])
{
	size_t n = 0;

	for (; *line != '\0'; line++) {
		if (*line == ' ')
			continue;
		if (*line < '0' || *line > '9' || n == DIGITS)
			return false;
		out[n++] = *line;
	}
	out[n] = '\0';
	return n == DIGITS;
}

bool
contact_password(struct contact_card *c, char out[static JZ_VIRTUAL_LINE_BYTES])
{
	(void)jz_virtual_run(c->card);
	for (unsigned i = 0; i < PRESSES; i++) {
		for (unsigned k = 0; k < JZ_VIRTUAL_LINES; k++)
			if (is_password(jz_virtual_line(c->card, k), out))
				return true;
		(void)jz_virtual_press(c->card,
		    i < LINES_MAX ? JZ_VIRTUAL_KEY_DOWN : JZ_VIRTUAL_KEY_OK);
		(void)jz_virtual_run(c->card);
	}
	return false;
}
