/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards: registered, certified (BSI TR-03110 part 3, appendix C.1), and known
 * again by the certificate that was given to them.
 *
 * A card's key is taken from its certificate, verified anew each time: a row
 * that somebody has altered in the database speaks for no card.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "../../keys/secret.h"

/* The first six digits of our cards' numbers, ISO/IEC 7812-1. */
#define IIN	    "860001"
#define FIRST_KEY   1u /* counts the key pairs of one card */
#define GENERATION  1u /* the first; later the revocation list's */
#define VALID_YEARS 5
#define ASN_DIGITS  20
#define DATE_BYTES  6

/* Midnight some years after; the day itself is the first no longer valid. */
static int
years_after(int64_t from, unsigned years, int64_t *to)
{
	uint8_t date[DATE_BYTES];
	unsigned year;

	if (jz_date_to_digits(from, date) != 0)
		return JZ_ERR_RANGE;
	year = date[0] * 10u + date[1] + years;
	if (year > 99)
		return JZ_ERR_RANGE;
	date[0] = (uint8_t)(year / 10);
	date[1] = (uint8_t)(year % 10);
	if (jz_date_from_digits(date, to) == 0)
		return 0;
	/* 29 February of a year that has none. */
	memcpy(date + 2, (const uint8_t[]){0, 3, 0, 1}, 4);
	return jz_date_from_digits(date, to);
}

/* ID "CN" and 14 digits; ASN the IIN and the same digits, in BCD. */
void
jz_issuer_number_card(int64_t number, struct jz_card_row *card)
{
	char text[32];

	snprintf(
	    text, sizeof(text), "CN%09lld%05u", (long long)number, FIRST_KEY);
	memcpy(card->id, text, JZ_ID_BYTES);
	snprintf(
	    text, sizeof(text), IIN "%09lld%05u", (long long)number, FIRST_KEY);
	for (size_t k = 0; k < ASN_DIGITS / 2; k++)
		card->asn[k] = (uint8_t)((text[2 * k] - '0') << 4 |
		    (text[2 * k + 1] - '0'));
}

int
jz_issuer_certify_row(
    struct jz_issuer *i, struct jz_card_row *card, int64_t now)
{
	const struct jz_pki_entry *ca = &i->pki.ca;
	struct jz_buffer b =
	    jz_buffer(card->certificate, sizeof(card->certificate));
	struct jz_certificate c = {0};
	struct jz_revocation_story story;
	struct jz_message list;
	int err = years_after(now, VALID_YEARS, &c.to);

	if (err == 0)
		err = jz_issuer_list(i, &story, &list);
	if (err != 0)
		return err;
	memcpy(c.authority, ca->certificate.holder, JZ_REFERENCE_BYTES);
	memcpy(c.holder, card->id, JZ_ID_BYTES);
	memcpy(c.public_key, card->public_key, JZ_POINT_BYTES);
	c.suite = i->engine.crypto->suite;
	c.role = JZ_ROLE_CARD;
	c.assurance = JZ_ASSURANCE_SOFTWARE;
	c.flags = card->flags;
	c.generation =
	    list.generation > GENERATION ? list.generation : GENERATION;
	c.from = now;
	err = jz_certificate_sign(&i->engine, &c, &ca->key, &b);
	card->certificate_len = b.len;
	return err;
}

/* A point of the curve, found out by a signature that cannot be right. */
int
jz_issuer_check_key(
    const struct jz_engine *e, const uint8_t public_key[static JZ_POINT_BYTES])
{
	const uint8_t one[JZ_SIGNATURE_BYTES] = {[31] = 1, [63] = 1};
	struct jz_span nothing = jz_span(one, 0);
	int err = e->crypto->verify(e->state, public_key, &nothing, 1, one);

	return err == JZ_ERR_SIGNATURE ? 0 : err == 0 ? JZ_ERR_KEY : err;
}

int
jz_issuer_add_row(struct jz_issuer *i, const struct jz_card_row *card)
{
	struct jz_ledger_name name = jz_ledger_card(card->id);
	int err = jz_store_card_add(i->store, card, jz_issuer_now(i));

	return err != 0
	    ? err
	    : jz_ledger_open(i->store, JZ_LEDGER_KIND_CARD, name.text);
}

static int
add_card(struct jz_issuer *i, struct jz_card_row *card)
{
	int64_t number;
	int err = jz_store_next(i->store, "card", &number);

	if (err == 0 && number > JZ_ISSUER_NUMBER_MAX)
		err = JZ_ERR_RANGE;
	if (err != 0)
		return err;
	jz_issuer_number_card(number, card);
	err = jz_issuer_certify_row(i, card, jz_issuer_now(i));
	return err != 0 ? err : jz_issuer_add_row(i, card);
}

static int
certify(struct jz_issuer *i, struct jz_card_row *card, struct jz_buffer *out)
{
	bool blocked;
	int err = jz_store_customer(i->store, card->account, &blocked);

	if (err == 0 && blocked)
		return jz_refuse(i, JZ_REFUSAL_ACCOUNT_BLOCKED);
	if (err == 0)
		err = jz_issuer_check_key(&i->engine, card->public_key);
	if (err != 0)
		return err;
	/* A personalisation that is done again gets what it got before. */
	err = jz_store_card_same(i->store, card);
	if (err == JZ_ERR_NOT_FOUND)
		err = add_card(i, card);
	if (err != 0)
		return err;
	jz_put(out, card->certificate, card->certificate_len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_issuer_certify(struct jz_issuer *i, const char *account, const char *holder,
    const uint8_t public_key[static JZ_POINT_BYTES], uint8_t flags,
    uint8_t id[static JZ_ID_BYTES], uint8_t asn[static 10],
    struct jz_buffer *certificate)
{
	struct jz_card_row card = {0};
	size_t start = certificate->len;
	int err;

	jz_issuer_start(i);
	if (strlen(account) > JZ_ACCOUNT_MAX)
		return JZ_ERR_NOT_FOUND;
	if (holder[0] == '\0' || strlen(holder) > JZ_IDENTITY_MAX)
		return JZ_ERR_RANGE;
	snprintf(card.account, sizeof(card.account), "%s", account);
	snprintf(card.holder, sizeof(card.holder), "%s", holder);
	memcpy(card.public_key, public_key, JZ_POINT_BYTES);
	card.flags = flags;
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(i->store, certify(i, &card, certificate));
	if (err != 0) {
		certificate->len = start;
		return err;
	}
	memcpy(id, card.id, JZ_ID_BYTES);
	memcpy(asn, card.asn, sizeof(card.asn));
	return 0;
}

/* ---- administration ----------------------------------------------------- */

int
jz_issuer_card_keys(const struct jz_issuer *i,
    const uint8_t kdd[static JZ_GP_KDD_BYTES], uint8_t kvn,
    struct jz_scp03_keys *out)
{
	static const char purpose[] = "jiaozi card administration";
	uint8_t *const keys[] = {out->enc, out->mac, out->dek};
	const struct jz_master *m = jz_masters_find(&i->pki.masters, kvn);
	int err = m != NULL ? 0 : JZ_ERR_NOT_FOUND;

	for (uint8_t k = 0; err == 0 && k < JZ_GP_KEYS; k++) {
		const uint8_t which[] = {(uint8_t)(k + 1), kvn};
		const struct jz_span info[] = {
		    jz_span(purpose, sizeof(purpose) - 1),
		    jz_span(which, sizeof(which)),
		    jz_span(kdd, JZ_GP_KDD_BYTES)};

		err = jz_kdf(&i->engine, jz_secret_span(&m->key), info, 3,
		    keys[k], JZ_KEY_BYTES);
	}
	if (err != 0)
		jz_wipe(out, sizeof(*out));
	return err;
}

/* ---- known again -------------------------------------------------------- */

/* What cannot be but by an alteration of the database. */
static int
certificate_wrong(struct jz_issuer *i, int error)
{
	if (error == JZ_ERR_CERT_NOT_YET)
		return jz_refuse(i, JZ_REFUSAL_CERT_NOT_YET);
	if (error == JZ_ERR_CERT_EXPIRED)
		return jz_refuse(i, JZ_REFUSAL_CERT_EXPIRED);
	return error;
}

/* By the CA of its day, which may have been followed by others. */
static int
verify_under_ca(
    struct jz_issuer *i, const struct jz_certificate *c, int64_t now)
{
	struct jz_authority ca;
	int err = jz_pki_ca(&i->engine, &i->pki, c->authority, &ca);

	return err != 0
	    ? err
	    : jz_certificate_verify(&i->engine, c, &ca, JZ_ROLE_CARD, now);
}

int
jz_issuer_read_certificate(
    struct jz_issuer *i, struct jz_span bytes, struct jz_certificate *out)
{
	int err = jz_certificate_parse(bytes, i->engine.crypto, out);

	return err != 0 ? err : verify_under_ca(i, out, 0);
}

static int
check_revoked(struct jz_issuer *i, const struct jz_certificate *c)
{
	struct jz_revocation_story story;
	struct jz_message list;
	int err = jz_issuer_list(i, &story, &list);

	if (err == 0 &&
	    jz_revocation_judge(list.generation, list.revoked, c) != 0)
		return jz_refuse(i, JZ_REFUSAL_CARD_REVOKED);
	return err;
}

void
jz_card_memo_clear(struct jz_card_memo *m)
{
	memset(m->there, 0, sizeof(m->there));
}

/* FNV-1a. */
static size_t
place_of(const uint8_t id[static JZ_ID_BYTES])
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t k = 0; k < JZ_ID_BYTES; k++)
		hash = (hash ^ id[k]) * UINT32_C(16777619);
	return hash % JZ_CARD_MEMO;
}

static int
find_card(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    enum jz_judgement judgement, struct jz_known_card *out)
{
	struct jz_certificate c;
	bool all = judgement == JZ_JUDGE_ALL;
	int err = jz_store_card(i->store, id, &out->row);

	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_CARD);
	if (err != 0)
		return err;
	if (all && out->row.blocked)
		return jz_refuse(i, JZ_REFUSAL_CARD_BLOCKED);
	err = jz_certificate_parse(
	    jz_span(out->row.certificate, out->row.certificate_len),
	    i->engine.crypto, &c);
	if (err == 0)
		err = verify_under_ca(i, &c, all ? jz_issuer_now(i) : 0);
	if (err != 0)
		return certificate_wrong(i, err);
	if (memcmp(c.holder, id, JZ_ID_BYTES) != 0)
		return JZ_ERR_CERT_FORGED;
	if (all)
		err = check_revoked(i, &c);
	if (err != 0)
		return err;
	memcpy(out->public_key, c.public_key, JZ_POINT_BYTES);
	out->row.flags = c.flags;
	return 0;
}

int
jz_issuer_card(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    enum jz_judgement judgement, struct jz_known_card *out)
{
	struct jz_card_memo *m =
	    judgement == JZ_JUDGE_SIGNATURE ? i->memo : NULL;
	size_t k = place_of(id);
	int err;

	if (m != NULL && m->there[k] &&
	    memcmp(m->card[k].row.id, id, JZ_ID_BYTES) == 0) {
		*out = m->card[k];
		return 0;
	}
	err = find_card(i, id, judgement, out);
	if (err == 0 && m != NULL) {
		m->card[k] = *out;
		m->there[k] = true;
	}
	return err;
}

int
jz_issuer_verify(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card)
{
	int err = jz_message_verify(&i->engine, m, card->public_key);

	return err == JZ_ERR_SIGNATURE ? jz_refuse(i, JZ_REFUSAL_SIGNATURE)
				       : err;
}

void
jz_issuer_ahead(const struct jz_message *m, const struct jz_known_card *card,
    struct jz_ahead_list *out)
{
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	if (jz_message_encode(m, JZ_UNSIGNED, &b) == 0)
		jz_ahead_add(
		    out, card->public_key, jz_buffer_span(&b), m->signature);
}

int
jz_issuer_answer(
    struct jz_issuer *i, struct jz_message *m, struct jz_buffer *out)
{
	int err;

	memcpy(m->host_id, i->pki.host.certificate.holder, JZ_ID_BYTES);
	err = jz_message_sign(&i->engine, m, &i->pki.host.key);
	return err != 0 ? err : jz_message_encode(m, JZ_SIGNED, out);
}

int
jz_issuer_check_amount(struct jz_issuer *i, const struct jz_payment *p)
{
	if (p->currency != i->currency)
		return jz_refuse(i, JZ_REFUSAL_CURRENCY);
	if (p->amount == 0 || p->amount > JZ_ISSUER_AMOUNT_MAX)
		return jz_refuse(i, JZ_REFUSAL_AMOUNT);
	return 0;
}

int
jz_issuer_block_card(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], bool blocked)
{
	jz_issuer_start(i);
	return jz_store_card_block(i->store, id, blocked);
}

int
jz_issuer_shadow(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], int64_t *minor)
{
	struct jz_ledger_name name = jz_ledger_card(id);

	jz_issuer_start(i);
	return jz_ledger_balance(i->store, name.text, minor);
}
