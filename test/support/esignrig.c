/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card with the e-signature applet, its terminal, its user and its issuer.
 */
#include "esignrig.h"
#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TAG_PUBLIC 0x7F49
#define TAG_POINT  0x86

static const struct jz_applet_class *const ESIGN_AND_DOMAIN[] = {
    &jz_esign_class, &jz_manager_class};

static const uint8_t PIN_BCD[] = {0x12, 0x34, 0x56};

struct jz_esign_profile
esign_profile(const struct esign_rig *r)
{
	struct jz_esign_profile p = {.mode = JZ_ESIGN_SIGNATURE & 0xFF,
	    .scheme = JZ_SCHEME_DEFAULT,
	    .length = 6,
	    .alphabet = JZ_ALPHABET_DIGITS,
	    .currency = 156,
	    .pin_above = 1000000,
	    .wait_s = 120,
	    .show_s = 30,
	    .pin = jz_span(PIN_BCD, sizeof(PIN_BCD)),
	    .pin_limit = 3,
	    .key_version = 1};

	memcpy(p.issuer_key, r->issuer.public_key, sizeof(p.issuer_key));
	return p;
}

/* On a rig that is there. */
static void
make_empty(struct esign_rig *r)
{
	const struct jz_engine *e = &r->rig.openssl;
	struct rig_card *c;

	assert_int_equal(e->crypto->generate(e->state, &r->issuer), 0);
	c = rig_card_new(&r->rig, ESIGN_AND_DOMAIN, 1, true);
	c->setup.n_classes = c->card.setup.n_classes = 2;
	rig_install_domain(c);
	r->card = c;
	r->screen.own_time = true;
	c->setup.panel = c->card.setup.panel = &jz_screen_panel;
	c->setup.panel_state = c->card.setup.panel_state = &r->screen;
	jz_card_reset(&c->card);
}

void
esign_rig_empty(struct esign_rig *r)
{
	memset(r, 0, sizeof(*r));
	rig_new(&r->rig);
	make_empty(r);
}

void
esign_rig_seeded(struct esign_rig *r)
{
	memset(r, 0, sizeof(*r));
	rig_new_seeded(&r->rig);
	make_empty(r);
}

void
esign_begin(struct esign_rig *r, struct gp *g)
{
	static const uint8_t for_esign[] = {0x00, 0x00, 0x08, 0xF0, 'J', 'I',
	    'A', 'O', 'Z', 'I', 0x02, 0x00, 0x00, 0x00};

	*g = gp_host(r->card);
	assert_int_equal(gp_select(g, &GP_ISD, NULL), JZ_SW_OK);
	gp_login(g);
	assert_int_equal(gp_send(g, GP_AT_INSTALL(JZ_GP_FOR_PERSONALISATION),
			     jz_span(for_esign, sizeof(for_esign)), NULL),
	    JZ_SW_OK);
}

struct blob
esign_certificate(struct esign_rig *r, const char *id)
{
	struct profile p = profile_of(id);
	struct jz_certificate fields =
	    bank_card_fields(&r->rig.bank, &p, r->point);

	return bank_certify(&r->rig.bank, &fields, &r->rig.bank.ca);
}

uint16_t
esign_personalise(struct esign_rig *r, const struct jz_esign_profile *p)
{
	struct blob certificate, parameters;
	struct jz_buffer b =
	    jz_buffer(parameters.data, sizeof(parameters.data));
	struct gp g;
	uint16_t sw;

	esign_begin(r, &g);
	if ((sw = bank_generate(&g, 0, r->point)) != JZ_SW_OK)
		return sw;
	certificate = esign_certificate(r, ESIGN_ID);
	assert_int_equal(jz_esign_put_profile(p, &b), 0);
	parameters.len = b.len;
	if ((sw = bank_store(&g, 1, &certificate, false)) != JZ_SW_OK ||
	    (sw = bank_store(&g, 2, &parameters, true)) != JZ_SW_OK)
		return sw;
	return esign_select(r);
}

/* INSTALL [for install and make selectable]; 6A89: it is there. */
static bool
install(struct gp *g)
{
	struct blob b = gp_bytes("08F04A49414F5A4902 08F04A49414F5A4902"
				 "08F04A49414F5A4902 0100 02C900 00");
	uint16_t sw = gp_send(g, GP_AT_INSTALL(0x0C), blob_span(&b), NULL);

	return sw == JZ_SW_OK || sw == JZ_SW_EXISTS;
}

bool
esign_open_empty(
    const struct jz_engine *e, const struct port *card, struct gp *g)
{
	struct jz_scp03_keys keys = gp_test_keys();
	struct blob to = gp_bytes("000008F04A49414F5A4902000000");

	*g = (struct gp){.port = card, .engine = *e, .domain = GP_ISD};
	return gp_select(g, &GP_ISD, NULL) == JZ_SW_OK &&
	    gp_begin(g, JZ_GP_KVN_INITIAL, &keys) == JZ_SW_OK &&
	    gp_authenticate(g, GP_LEVEL_ALL) == JZ_SW_OK && install(g) &&
	    gp_send(g, GP_AT_INSTALL(JZ_GP_FOR_PERSONALISATION), blob_span(&to),
		NULL) == JZ_SW_OK;
}

uint16_t
esign_fill(const struct bank *b, struct gp *g, const char *id,
    const struct jz_esign_profile *p, uint8_t point[static JZ_POINT_BYTES])
{
	struct profile holder = profile_of(id);
	struct jz_certificate fields;
	struct blob certificate, parameters;
	struct jz_buffer out =
	    jz_buffer(parameters.data, sizeof(parameters.data));
	uint16_t sw = bank_generate(g, 0, point);

	if (sw != JZ_SW_OK)
		return sw;
	fields = bank_card_fields(b, &holder, point);
	certificate = bank_certify(b, &fields, &b->ca);
	assert_int_equal(jz_esign_put_profile(p, &out), 0);
	parameters.len = out.len;
	sw = bank_store(g, 1, &certificate, false);
	return sw != JZ_SW_OK ? sw : bank_store(g, 2, &parameters, true);
}

void
esign_rig_new(struct esign_rig *r)
{
	struct jz_esign_profile p;

	esign_rig_empty(r);
	p = esign_profile(r);
	assert_int_equal(esign_personalise(r, &p), JZ_SW_OK);
}

void
esign_rig_free(struct esign_rig *r)
{
	rig_card_free(&r->card);
	rig_free(&r->rig);
}

uint16_t
esign_select(struct esign_rig *r)
{
	static const uint8_t aid[] = JZ_AID_ESIGN;

	return port_send(
	    &r->card->port, AT_SELECT, jz_span(aid, sizeof(aid)), NULL);
}

/* ---- terminal ----------------------------------------------------------- */

static struct jz_span
text(const char *s)
{
	return jz_span(s, strlen(s));
}

struct jz_esign_order
esign_order(void)
{
	return (struct jz_esign_order){.account = text("6222020000000001234"),
	    .amount = 1234,
	    .currency = 156,
	    .to_account = text("6217000000000005678"),
	    .to_name = text("张三")};
}

struct blob
esign_encode(const struct jz_esign_order *o)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_esign_put_order(o, &b), 0);
	out.len = b.len;
	return out;
}

struct blob
esign_contact(struct esign_rig *r, const struct blob *order)
{
	struct jz_esign_signature s;
	struct answer a;
	struct blob out;

	rig_accepts(r->card, AT_SIGN, blob_span(order), &a);
	blob_set(&out, answer_span(&a));
	assert_int_equal(jz_esign_get_signature(blob_span(&out), &s), 0);
	return out;
}

/* ---- user --------------------------------------------------------------- */

static enum jz_key
key_of(char c)
{
	static const char letters[] = "OCUD";
	const char *at = strchr(letters, c);

	if (c >= '0' && c <= '9')
		return (enum jz_key)(JZ_KEY_0 + (c - '0'));
	assert_non_null(at);
	return (enum jz_key)(JZ_KEY_OK + (at - letters));
}

bool
esign_press(struct esign_rig *r, const char *keys)
{
	bool more = jz_card_run(&r->card->card);

	for (; *keys != '\0'; keys++) {
		assert_true(jz_screen_press(&r->screen, key_of(*keys)));
		more = jz_card_run(&r->card->card);
	}
	return more;
}

bool
esign_wait(struct esign_rig *r, uint32_t seconds)
{
	r->screen.seconds += seconds;
	return jz_card_run(&r->card->card);
}

void
esign_shows(const struct esign_rig *r, unsigned n, const char *expected)
{
	assert_true(n < JZ_SCREEN_LINES);
	assert_string_equal(r->screen.line[n], expected);
}

bool
esign_blank(const struct esign_rig *r)
{
	for (unsigned i = 0; i < JZ_SCREEN_LINES; i++)
		if (r->screen.line[i][0] != '\0')
			return false;
	return true;
}

/* ---- issuer ------------------------------------------------------------- */

struct jz_joint
esign_open(
    struct esign_rig *r, const struct blob *order, const struct blob *signature)
{
	const struct jz_engine *e = &r->rig.openssl;
	struct jz_esign_signature s;
	struct jz_esign_ends ends;
	struct jz_joint j;

	assert_int_equal(jz_esign_get_signature(blob_span(signature), &s), 0);
	assert_int_equal(jz_esign_order(e, blob_span(order), &s), 0);
	assert_int_equal(jz_esign_meet(e, &s, &r->issuer, r->point, &ends), 0);
	assert_int_equal(jz_joint_open(e, &s, &ends, &j), 0);
	assert_memory_equal(j.order_digest, s.order_digest, JZ_DIGEST_BYTES);
	jz_esign_bind(&s, &j);
	assert_int_equal(jz_esign_verify(e, &s, &ends), 0);
	return j;
}
