/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many cards at once: numbers taken in one commit, certificates made without
 * any, cards registered in another.
 *
 * An order's numbers are a setting of the database, which is append-only: the
 * order that comes again is given what it was given.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

#define SETTING_CAP 64
#define PIN_SPACE   1000000u
/* Numbers below this are taken in one draw of 32 bits without bias. */
#define PIN_DRAW_END (UINT32_MAX / PIN_SPACE * PIN_SPACE)
#define PIN_DRAWS    16u /* each is refused once in ten thousand */
_Static_assert(JZ_ISSUER_PIN_DIGITS == 6, "PIN_SPACE");

static void
order_setting(const uint8_t order[static JZ_ISSUER_ORDER_BYTES],
    char out[static SETTING_CAP])
{
	int at = snprintf(out, SETTING_CAP, "cards of order ");

	for (int k = 0; k < JZ_ISSUER_ORDER_BYTES; k++)
		snprintf(out + at + 2 * k, 3, "%02x", (unsigned)order[k]);
}

static int
reserve(struct jz_issuer *i, const char *setting, uint32_t first,
    uint32_t count, int64_t *out)
{
	int64_t next;
	int err = jz_store_setting(i->store, setting, out);

	if (err != JZ_ERR_NOT_FOUND)
		return err;
	/* Taken, so that it is known; given back when others were meant. */
	err = jz_store_next(i->store, "card", &next);
	if (err == 0 && first != 0 && first < next)
		err = JZ_ERR_EXISTS;
	*out = first != 0 ? first : next;
	if (err == 0 && *out + count - 1 > JZ_ISSUER_NUMBER_MAX)
		err = JZ_ERR_RANGE;
	if (err == 0)
		err = jz_store_skip(i->store, "card", *out + count);
	return err != 0 ? err : jz_store_set(i->store, setting, *out);
}

int
jz_issuer_reserve(struct jz_issuer *i,
    const uint8_t order[static JZ_ISSUER_ORDER_BYTES], uint32_t first,
    uint32_t count, uint32_t *out)
{
	char setting[SETTING_CAP];
	int64_t number = 0;
	int err;

	*out = 0;
	jz_issuer_start(i);
	if (count == 0 || count > JZ_ISSUER_NUMBER_MAX ||
	    first > JZ_ISSUER_NUMBER_MAX)
		return JZ_ERR_RANGE;
	order_setting(order, setting);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(
		    i->store, reserve(i, setting, first, count, &number));
	if (err == 0)
		*out = (uint32_t)number;
	return err;
}

void
jz_issuer_number_text(uint32_t number,
    char text[static JZ_ISSUER_NUMBER_CHARS + 1],
    uint8_t id[static JZ_ID_BYTES])
{
	struct jz_card_row row = {0};

	jz_issuer_number_card(number, &row);
	for (size_t k = 0; k < sizeof(row.asn); k++)
		snprintf(text + 2 * k, 3, "%02X", (unsigned)row.asn[k]);
	memcpy(id, row.id, JZ_ID_BYTES);
}

/* ---- certificates ------------------------------------------------------- */

static void
to_row(const struct jz_issuer_card *card, struct jz_card_row *row)
{
	memset(row, 0, sizeof(*row));
	memcpy(row->id, card->id, sizeof(row->id));
	memcpy(row->asn, card->asn, sizeof(row->asn));
	memcpy(row->account, card->account, sizeof(row->account));
	memcpy(row->holder, card->holder, sizeof(row->holder));
	memcpy(row->public_key, card->public_key, sizeof(row->public_key));
	row->flags = card->flags;
	memcpy(row->certificate, card->certificate, card->certificate_len);
	row->certificate_len = card->certificate_len;
}

static void
from_row(const struct jz_card_row *row, struct jz_issuer_card *card)
{
	memcpy(card->id, row->id, sizeof(card->id));
	memcpy(card->asn, row->asn, sizeof(card->asn));
	memcpy(card->account, row->account, sizeof(card->account));
	memcpy(card->holder, row->holder, sizeof(card->holder));
	memcpy(card->public_key, row->public_key, sizeof(card->public_key));
	card->flags = row->flags;
	memcpy(card->certificate, row->certificate, row->certificate_len);
	card->certificate_len = row->certificate_len;
}

int
jz_issuer_certificate(struct jz_issuer *i, struct jz_issuer_card *card)
{
	struct jz_card_row row;
	int err;

	jz_issuer_start(i);
	if (card->number == 0 || card->number > JZ_ISSUER_NUMBER_MAX)
		return JZ_ERR_RANGE;
	err = jz_issuer_check_account(card->account);
	if (err == 0)
		err = jz_issuer_check_holder(card->holder);
	if (err != 0)
		return err;
	to_row(card, &row);
	jz_issuer_number_card(card->number, &row);
	err = jz_issuer_check_key(&i->engine, row.public_key);
	if (err == 0)
		err = jz_issuer_certify_row(i, &row, jz_issuer_now(i));
	if (err == 0)
		from_row(&row, card);
	return err;
}

/* ---- registration ------------------------------------------------------- */

static int
account_of(struct jz_issuer *i, const struct jz_issuer_card *card)
{
	bool blocked;
	int err = jz_store_customer(i->store, card->account, &blocked);

	if (err == JZ_ERR_NOT_FOUND && card->own_account)
		return jz_issuer_add_account(i, card->account, card->holder);
	return err == 0 && blocked ? JZ_ERR_STATE : err;
}

static bool
same(const struct jz_card_row *a, const struct jz_card_row *b)
{
	return a->flags == b->flags && strcmp(a->account, b->account) == 0 &&
	    strcmp(a->holder, b->holder) == 0 &&
	    memcmp(a->public_key, b->public_key, JZ_POINT_BYTES) == 0;
}

/* Everything is judged before anything is written. */
static int
add_one(struct jz_issuer *i, struct jz_issuer_card *card)
{
	struct jz_card_row row, there;
	int err;

	to_row(card, &row);
	err = jz_store_card(i->store, card->id, &there);
	if (err == 0 && same(&row, &there)) {
		/* The certificate that was given first stands. */
		from_row(&there, card);
		return card->error = 0;
	}
	card->error = err == 0 ? JZ_ERR_EXISTS : 0;
	if (err == JZ_ERR_NOT_FOUND) {
		err = card->error = account_of(i, card);
		if (err == 0)
			err = jz_issuer_add_row(i, &row);
	}
	return err == JZ_ERR_NOT_FOUND || err == JZ_ERR_STATE ? 0 : err;
}

int
jz_issuer_register(struct jz_issuer *i, struct jz_issuer_card *cards, size_t n)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	for (size_t k = 0; k < n && err == 0; k++)
		err = add_one(i, &cards[k]);
	return jz_store_end(i->store, err);
}

int
jz_issuer_registered(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    struct jz_issuer_card *out)
{
	struct jz_card_row row;
	int err;

	jz_issuer_start(i);
	err = jz_store_card(i->store, id, &row);
	if (err == 0)
		from_row(&row, out);
	return err;
}

/* ---- PINs --------------------------------------------------------------- */

/* One digit six times, or a run up or down. */
static bool
is_weak(const uint8_t pin[static JZ_ISSUER_PIN_DIGITS])
{
	int step = pin[1] - pin[0];

	if (step < -1 || step > 1)
		return false;
	for (size_t k = 2; k < JZ_ISSUER_PIN_DIGITS; k++) {
		if (pin[k] - pin[k - 1] != step)
			return false;
	}
	return true;
}

/* Whether the draw made a PIN. */
static bool
to_pin(const uint8_t draw[static 4], struct jz_secret *out)
{
	uint32_t v = (uint32_t)draw[0] << 24 | (uint32_t)draw[1] << 16 |
	    (uint32_t)draw[2] << 8 | draw[3];
	uint8_t *pin = jz_secret_fill(out, JZ_ISSUER_PIN_DIGITS);
	bool fair = v < PIN_DRAW_END;

	v %= PIN_SPACE;
	for (size_t k = JZ_ISSUER_PIN_DIGITS; k > 0; k--) {
		pin[k - 1] = (uint8_t)('0' + v % 10);
		v /= 10;
	}
	jz_wipe(&v, sizeof(v));
	return fair && !is_weak(pin);
}

int
jz_issuer_card_pin(const struct jz_issuer *i,
    const uint8_t salt[static JZ_ISSUER_SALT_BYTES], uint32_t number,
    struct jz_secret *pin)
{
	static const char purpose[] = "jiaozi card PIN";
	const uint8_t which[] = {(uint8_t)(number >> 24),
	    (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
	const struct jz_span info[] = {jz_span(purpose, sizeof(purpose) - 1),
	    jz_span(salt, JZ_ISSUER_SALT_BYTES), jz_span(which, sizeof(which))};
	uint8_t draws[4 * PIN_DRAWS];
	/* The first, which stays: a roll of the keys must not change the PINs
	 * of an order that is taken up again. */
	const struct jz_master *m = jz_masters_find(&i->pki.masters, 1);
	int err = m != NULL ? 0 : JZ_ERR_NOT_FOUND;

	if (err == 0)
		err = jz_kdf(&i->engine, jz_secret_span(&m->key), info, 3,
		    draws, sizeof(draws));
	if (err == 0) {
		err = JZ_ERR_CRYPTO;
		for (size_t k = 0; err != 0 && k < PIN_DRAWS; k++)
			err = to_pin(draws + 4 * k, pin) ? 0 : JZ_ERR_CRYPTO;
	}
	jz_wipe(draws, sizeof(draws));
	if (err != 0)
		jz_secret_wipe(pin);
	return err;
}
