/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation of a purse through the card's issuer security domain
 * (GlobalPlatform 11.5.2.3.6, 11.11): INITIALIZE UPDATE, EXTERNAL AUTHENTICATE,
 * PUT KEY, INSTALL [for personalisation], then STORE DATA, a block each:
 *
 *   7F49 empty          the purse makes its key pair, or says what it made
 *   7F21                root, CA, host and card certificates
 *   FF71                the parameters: the last block
 *
 * and SET STATUS: the card is SECURED.
 *
 * One that was cut off is done again from the start.  What the card has it
 * keeps: the issuer's keys, which are known by their version, the key pair, and
 * the root.
 */
#include "personalise.h"

#include <string.h>

#include "../keys/secret.h"

#define PIN_TRIES 3
/* GlobalPlatform's well-known test key. */
#define TEST_KEY                                                               \
	{                                                                      \
		0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,    \
		    0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F                         \
	}

/* An issuer that says nothing of offline limits lets the purse spend twice
 * its highest balance, and fill its log, between two settlements. */
#define OFFLINE_SUM_FACTOR 2u

static const struct jz_scp03_keys TEST_KEYS = {TEST_KEY, TEST_KEY, TEST_KEY};
/* An empty public key template: "make your key pair". */
static const uint8_t MAKE_KEY[] = {0x7F, 0x49, 0x00};

static int
check(const struct jz_personal *p)
{
	size_t holder = strlen(p->holder), account = strlen(p->account), len;
	uint8_t bcd[JZ_PIN_BYTES_MAX];
	int err = jz_pin_to_bcd(p->pin, bcd, &len);

	jz_wipe(bcd, sizeof(bcd));
	if (err != 0)
		return err;
	if (holder == 0 || holder > JZ_IDENTITY_MAX || account == 0 ||
	    account > JZ_ACCOUNT_MAX)
		return JZ_ERR_RANGE;
	if (p->max_balance_minor == 0 ||
	    p->max_single_minor > p->max_balance_minor)
		return JZ_ERR_RANGE;
	return 0;
}

static int
check_admin(const struct jz_issuer *issuer)
{
	static const uint8_t kdd[JZ_GP_KDD_BYTES];
	struct jz_scp03_keys keys;
	int err =
	    jz_issuer_card_keys(issuer, kdd, jz_issuer_kvn(issuer), &keys);

	jz_wipe(&keys, sizeof(keys));
	return err;
}

/* JZ_ERR_NOT_FOUND is the issuer's word here; the card's status word has it. */
static int
of_card(int err)
{
	return err == JZ_ERR_NOT_FOUND || err == JZ_ERR_EXISTS ? JZ_ERR_STATUS
							       : err;
}

/* ---- the channel -------------------------------------------------------- */

static int
authenticate_issuer(struct jz_personalising *r)
{
	struct jz_scp03_keys keys;
	int err = r->keys(r->arg, r->gp.kdd, r->gp.kvn, &keys);

	if (err == 0)
		err =
		    of_card(jz_gp_authenticate(&r->gp, &keys, JZ_GP_LEVEL_ALL));
	jz_wipe(&keys, sizeof(keys));
	return err;
}

static uint8_t
transport_kvn(const struct jz_personal *p)
{
	return p->transport_keys != NULL ? p->transport_kvn : JZ_GP_KVN_INITIAL;
}

/* *ours: the card has the issuer's keys already, of whichever version. */
static int
open_channel(struct jz_personalising *r, bool *ours)
{
	const struct jz_personal *p = r->personal;
	const struct jz_scp03_keys *keys =
	    p->transport_keys != NULL ? p->transport_keys : &TEST_KEYS;
	int err = jz_gp_select(&r->gp, NULL);

	if (err == 0)
		err = jz_gp_begin(&r->gp, JZ_GP_KVN_ANY);
	*ours = err == 0 && r->gp.kvn >= 1 && r->gp.kvn <= r->kvn;
	if (*ours) {
		err = authenticate_issuer(r);
		if (err != JZ_ERR_AUTHENTICATION ||
		    transport_kvn(p) != r->gp.kvn)
			return err;
		/* A maker whose keys have the same version. */
		*ours = false;
		err = jz_gp_begin(&r->gp, JZ_GP_KVN_ANY);
	}
	if (err == 0)
		err = jz_gp_authenticate(&r->gp, keys, JZ_GP_LEVEL_ALL);
	return of_card(err);
}

/* The first thing on a new card: from here on it is the issuer's alone. */
static int
take_over(struct jz_personalising *r)
{
	struct jz_scp03_keys keys;
	int err = r->keys(r->arg, r->gp.kdd, r->kvn, &keys);

	if (err == 0)
		err = of_card(jz_gp_put_keys(&r->gp, r->gp.kvn, r->kvn, &keys));
	jz_wipe(&keys, sizeof(keys));
	return err;
}

/* Through INITIALIZED, which no state but SECURED follows. */
static int
secure(struct jz_personalising *r, uint8_t state)
{
	int err = 0;

	if (state == JZ_GP_OP_READY)
		err = jz_gp_set_card_state(&r->gp, JZ_GP_INITIALIZED);
	if (err == 0 && state != JZ_GP_SECURED)
		err = jz_gp_set_card_state(&r->gp, JZ_GP_SECURED);
	return of_card(err);
}

/* ---- the purse ---------------------------------------------------------- */

/* A block that is refused does not count. */
static int
store(struct jz_personalising *r, unsigned p1, struct jz_span object)
{
	int err = jz_gp_store_data(
	    &r->gp, p1 | JZ_GP_STORE_TLV, r->block, object, NULL);

	if (err == 0)
		r->block++;
	return of_card(err);
}

static int
key_pair(struct jz_personalising *r, uint8_t public_key[static JZ_POINT_BYTES])
{
	struct jz_answer a;
	int err = jz_gp_store_data(&r->gp, JZ_GP_STORE_TLV, r->block,
	    jz_span(MAKE_KEY, sizeof(MAKE_KEY)), &a);

	if (err != 0)
		return of_card(err);
	r->block++;
	return jz_purse_parse_key(a.data, public_key);
}

static int
store_chain(struct jz_personalising *r, struct jz_span card)
{
	int err = store(r, 0, r->root);

	/* The root is there already: if it is another issuer's, the card will
	 * refuse the CA. */
	if (err == JZ_ERR_STATUS && r->gp.session->sw == JZ_SW_CONDITIONS)
		err = 0;
	if (err == 0)
		err = store(r, 0, r->ca);
	if (err == 0)
		err = store(r, 0, r->host);
	if (err == 0)
		err = store(r, 0, card);
	return err;
}

static int
store_parameters(struct jz_personalising *r, const uint8_t asn[static 10])
{
	uint8_t bcd[JZ_PIN_BYTES_MAX], bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const struct jz_personal *p = r->personal;
	struct jz_message m;
	size_t len;
	int err;

	memset(&m, 0, sizeof(m));
	err = jz_pin_to_bcd(p->pin, bcd, &len);
	if (err != 0)
		goto out;
	m.kind = JZ_KIND_PERSONALISATION;
	memcpy(m.asn, asn, sizeof(m.asn));
	m.payment.currency = p->currency;
	m.max_balance = p->max_balance_minor;
	m.max_single = p->max_single_minor;
	m.max_offline_sum = OFFLINE_SUM_FACTOR * p->max_balance_minor;
	m.max_offline_count = r->capacity;
	m.pin_above = p->pin_above_minor;
	m.profile = p->encrypted ? JZ_PROFILE_ENCRYPTED : JZ_PROFILE_CLEAR;
	m.confirm = (uint8_t)((p->confirm_loads ? JZ_CONFIRM_LOADS : 0) |
	    (p->confirm_payments ? JZ_CONFIRM_PAYMENTS : 0));
	if (p->sealed_loads)
		memcpy(m.payee_key, r->load_key, sizeof(m.payee_key));
	m.account = jz_span(p->account, strlen(p->account));
	m.identity = jz_span(p->holder, strlen(p->holder));
	m.pin = jz_span(bcd, len);
	m.pin_limit = PIN_TRIES;
	err = jz_message_encode(&m, JZ_SIGNED, &b);
	if (err == 0)
		err = store(r, JZ_GP_STORE_LAST, jz_buffer_span(&b));
out:
	jz_wipe(bcd, sizeof(bcd));
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

/* What the purse's state leaves to be done, up to its key. */
static int
begin(struct jz_personalising *r, const struct jz_purse_info *info)
{
	struct jz_gp_aid purse;
	bool ours;
	int err = open_channel(r, &ours);

	r->done = info->state == JZ_PURSE_PERSONALISED;
	/* Another issuer's card, and nothing of it is ours to do. */
	if (err == JZ_ERR_AUTHENTICATION && r->done)
		return JZ_ERR_STATE;
	if (err == 0)
		err = of_card(jz_gp_card_state(&r->gp, &r->state));
	if (err == 0 &&
	    (r->state > JZ_GP_SECURED ||
		(r->done && ours && r->state == JZ_GP_SECURED)))
		err = JZ_ERR_STATE;
	if (err == 0 && !ours)
		err = take_over(r);
	if (err != 0 || r->done)
		return err;
	err = jz_gp_aid(jz_purse_aid(r->gp.session), &purse);
	if (err == 0)
		err = of_card(jz_gp_personalise(&r->gp, &purse));
	return err != 0 ? err : key_pair(r, r->public_key);
}

int
jz_personal_check(const struct jz_personal *p)
{
	return check(p);
}

/* Said before anything is changed. */
static int
check_suite(struct jz_session *s, const struct jz_engine *engine)
{
	uint8_t suite;
	int err = jz_purse_suite(s, &suite);

	return err == 0 && suite != (uint8_t)engine->crypto->suite
	    ? JZ_ERR_SUITE
	    : err;
}

int
jz_personal_begin(struct jz_personalising *r, struct jz_session *s,
    const struct jz_engine *engine)
{
	int err = jz_purse_info(s, &r->info);

	if (err == 0)
		err = check_suite(s, engine);
	if (err == 0 && r->info.state != JZ_PURSE_SELECTABLE &&
	    r->info.state != JZ_PURSE_PERSONALISED)
		err = JZ_ERR_STATE;
	if (err != 0)
		return err;
	jz_gp_init(&r->gp, s, engine);
	r->block = 0;
	r->capacity = r->info.capacity;
	return begin(r, &r->info);
}

int
jz_personal_finish(struct jz_personalising *r, struct jz_span certificate,
    const uint8_t asn[static 10])
{
	int err = 0;

	if (!r->done) {
		err = store_chain(r, certificate);
		if (err == 0)
			err = store_parameters(r, asn);
	}
	return err != 0 ? err : secure(r, r->state);
}

/* Whatever came of it; but what is told is what came of it. */
static int
select_again(struct jz_session *s, int err)
{
	uint16_t sw = s->sw;
	int again = jz_purse_select(s);

	if (err == 0)
		return again;
	s->sw = sw;
	return err;
}

/* What can be judged before the card is touched. */
static int
check_order(struct jz_issuer *issuer, const struct jz_personal *p)
{
	int64_t balance;
	int err = check(p);

	if (err == 0)
		err = jz_issuer_account_balance(issuer, p->account, &balance);
	return err != 0 ? err : check_admin(issuer);
}

static int
issuer_keys(void *arg, const uint8_t kdd[static JZ_GP_KDD_BYTES], uint8_t kvn,
    struct jz_scp03_keys *out)
{
	return jz_issuer_card_keys(arg, kdd, kvn, out);
}

static uint8_t
flags_of(const struct jz_personal *p)
{
	return (uint8_t)((p->payee_only ? JZ_FLAG_PAYEE_ONLY : 0) |
	    (p->sealed_loads ? JZ_FLAG_SEALED_LOADS : 0));
}

/* Registered and certified by the issuer, before the card has any of it. */
static int
certify(struct jz_personalising *r, struct jz_issuer *issuer,
    uint8_t id[static JZ_ID_BYTES])
{
	uint8_t bytes[JZ_CERTIFICATE_MAX], asn[10] = {0};
	struct jz_buffer certificate = jz_buffer(bytes, sizeof(bytes));
	const struct jz_personal *p = r->personal;
	int err = 0;

	if (r->done)
		memcpy(id, r->info.id, JZ_ID_BYTES);
	else
		err = jz_issuer_certify(issuer, p->account, p->holder,
		    r->public_key, flags_of(p), id, asn, &certificate);
	/* The CA of the certificate's day, when that is not the newest. */
	if (err == 0 && !r->done)
		err = jz_issuer_chain(
		    issuer, jz_buffer_span(&certificate), &r->ca, &r->host);
	return err != 0
	    ? err
	    : jz_personal_finish(r, jz_buffer_span(&certificate), asn);
}

int
jz_personalise(struct jz_session *s, struct jz_issuer *issuer,
    const struct jz_personal *p, uint8_t id[static JZ_ID_BYTES])
{
	struct jz_personalising r = {.personal = p,
	    .keys = issuer_keys,
	    .arg = issuer,
	    .kvn = jz_issuer_kvn(issuer),
	    .root = jz_issuer_root(issuer)};
	struct jz_key_pair load;
	int err = check_order(issuer, p);

	if (err == 0 && p->sealed_loads) {
		err = jz_issuer_load_key(issuer, &load);
		memcpy(r.load_key, load.public_key, sizeof(r.load_key));
		jz_wipe(&load, sizeof(load));
	}

	memset(id, 0, JZ_ID_BYTES);
	if (err != 0)
		return err;
	err = jz_personal_begin(&r, s, jz_issuer_engine(issuer));
	if (err == 0)
		err = certify(&r, issuer, id);
	if (r.gp.session == NULL) /* the purse is still selected */
		return err;
	jz_gp_close(&r.gp);
	return select_again(s, err);
}
