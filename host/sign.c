/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One contact with an e-signature card (JPS-18), and its personalisation
 * (GlobalPlatform 11.5.2.3.6, 11.11).
 */
#include "sign.h"

#include <string.h>

#include "../apdu/error.h"
#include "../apdu/tlv.h"
#include "../keys/esign.h"
#include "../keys/secret.h"
#include "../keys/store/x509.h"
#include "purse.h"

#define CLA_ISO	     0x00
#define CLA_OWN	     0x80
#define INS_SELECT   0xA4
#define P1_BY_NAME   0x04
#define P2_NO_ANSWER 0x0C /* ISO/IEC 7816-4 11.2.2, table 63 */
#define PIN_TRIES    3
#define PROFILE_MAX  160

static const struct jz_gp_aid ESIGN = {JZ_AID_ESIGN_BYTES, JZ_AID_ESIGN};
/* An empty public key template: "make your key pair". */
static const uint8_t MAKE_KEY[] = {0x7F, 0x49, 0x00};

int
jz_sign_contact(
    struct jz_session *s, struct jz_span order, struct jz_buffer *signature)
{
	/* Nothing is to be told of the applet: where answers must be fetched
	 * (T=0) that spares a command. */
	const struct jz_command select = {.cla = CLA_ISO,
	    .ins = INS_SELECT,
	    .p1 = P1_BY_NAME,
	    .p2 = P2_NO_ANSWER,
	    .data = jz_span(ESIGN.bytes, ESIGN.len)};
	struct jz_esign_signature m;
	struct jz_answer a;
	int err = jz_session_exchange(s, &select, &a);

	if (err == 0)
		err = jz_status_error(a.sw);
	if (err == 0)
		err = jz_session_command(
		    s, CLA_OWN, JZ_INS_SIGN, 0, 0, order, &a);
	if (err != 0)
		return err;
	if (jz_esign_get_signature(a.data, &m) != 0)
		return JZ_ERR_ANSWER;
	jz_put(signature, a.data.data, a.data.len);
	return signature->bad ? JZ_ERR_SPACE : 0;
}

static int
get_data(struct jz_session *s, uint16_t tag, struct jz_answer *a)
{
	int err = jz_session_command(s, CLA_ISO, INS_SELECT, P1_BY_NAME, 0,
	    jz_span(ESIGN.bytes, ESIGN.len), a);

	return err != 0
	    ? err
	    : jz_session_command(s, CLA_ISO, JZ_INS_GET_DATA,
		  (uint8_t)(tag >> 8), (uint8_t)tag, jz_span(NULL, 0), a);
}

int
jz_sign_info(struct jz_session *s, struct jz_esign_info *out)
{
	struct jz_answer a;
	int err = get_data(s, JZ_ESIGN_INFO, &a);

	memset(out, 0, sizeof(*out));
	if (err == 0 && jz_esign_get_info(a.data, out) != 0)
		err = JZ_ERR_ANSWER;
	return err;
}

int
jz_sign_certificate(struct jz_session *s, struct jz_buffer *der)
{
	struct jz_cursor c;
	struct jz_span in;
	struct jz_answer a;
	int err = get_data(s, JZ_ESIGN_X509, &a);

	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_REFERENCE)
		return JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	c = jz_cursor(a.data);
	if (jz_tlv_expect(&c, JZ_ESIGN_X509, &in) != 0 || !jz_cursor_end(&c))
		return JZ_ERR_ANSWER;
	jz_put(der, in.data, in.len);
	return der->bad ? JZ_ERR_SPACE : 0;
}

int
jz_sign_evidence(const struct jz_engine *e, struct jz_span order,
    struct jz_span signature, struct jz_buffer *to_be_signed,
    struct jz_buffer *der)
{
	struct jz_esign_signature s;
	int err = jz_esign_get_signature(signature, &s);

	if (err == 0)
		err = jz_esign_order(e, order, &s);
	if (err == 0)
		err = jz_esign_signed(e, &s, NULL, to_be_signed);
	if (err == JZ_ERR_ARGUMENT)
		return JZ_ERR_UNSUPPORTED;
	return err != 0 ? err : jz_signature_to_der(s.signature, der);
}

/* ---- personalisation ---------------------------------------------------- */

/* 6A89: it is there. */
static int
install(struct jz_gp *g)
{
	const struct jz_gp_install what = {
	    .load_file = ESIGN, .module = ESIGN, .instance = ESIGN};
	int err = jz_gp_install(g, &what);

	return err == JZ_ERR_EXISTS || g->session->sw == JZ_SW_EXISTS ? 0 : err;
}

static int
make_key(struct jz_gp *g, uint8_t public_key[static JZ_POINT_BYTES])
{
	struct jz_answer a;
	int err = jz_gp_store_data(
	    g, JZ_GP_STORE_TLV, 0, jz_span(MAKE_KEY, sizeof(MAKE_KEY)), &a);

	return err != 0 ? err : jz_purse_parse_key(a.data, public_key);
}

static uint8_t
flags_of(const struct jz_sign_personal *p)
{
	return (uint8_t)((p->key_after_pin ? JZ_ESIGN_KEY_AFTER_PIN : 0) |
	    (p->may_be_guessed ? JZ_ESIGN_MAY_BE_GUESSED : 0));
}

static int
put_profile(const struct jz_issuer *issuer, const struct jz_esign_verifier *v,
    const struct jz_sign_personal *p, struct jz_buffer *out)
{
	uint8_t bcd[JZ_PIN_BYTES_MAX];
	struct jz_esign_profile m = {.mode = (uint8_t)p->mode,
	    .scheme = p->scheme,
	    .length = p->length,
	    .alphabet = p->alphabet,
	    .flags = flags_of(p),
	    .language = p->language,
	    .currency = jz_issuer_currency(issuer),
	    .pin_above = p->pin_above_minor,
	    .wait_s = p->wait_s,
	    .show_s = p->show_s,
	    .pin_limit = PIN_TRIES,
	    .key_version = v->key_version};
	size_t len;
	int err = jz_pin_to_bcd(p->pin, bcd, &len);

	memcpy(m.issuer_key, v->key->public_key, sizeof(m.issuer_key));
	if (err == 0) {
		m.pin = jz_span(bcd, len);
		err = jz_esign_put_profile(&m, out);
	}
	jz_wipe(bcd, sizeof(bcd));
	return err;
}

/* Registered before the card is told: what is cut off is registered again. */
static int
certify(struct jz_issuer *issuer, const struct jz_esign_verifier *v,
    const struct jz_sign_personal *p,
    const uint8_t public_key[static JZ_POINT_BYTES],
    uint8_t id[static JZ_ID_BYTES], struct jz_buffer *certificate)
{
	uint8_t asn[10];
	int err = jz_issuer_certify(
	    issuer, p->account, p->holder, public_key, 0, id, asn, certificate);

	if (err == 0)
		err = jz_esign_register(v, id, public_key, p->account);
	return err == JZ_ERR_EXISTS ? 0 : err;
}

/* The same key for programs that know X.509: FF38. */
static int
put_x509(struct jz_issuer *issuer, const struct jz_sign_personal *p,
    const uint8_t public_key[static JZ_POINT_BYTES], struct jz_buffer *out)
{
	struct jz_x509_terms terms = {.purpose = JZ_X509_SIGNER,
	    .subject = {.unit = p->account, .common = p->holder}};
	size_t mark = jz_tlv_open(out, JZ_ESIGN_X509);
	int err;

	memcpy(terms.public_key, public_key, sizeof(terms.public_key));
	err = jz_issuer_x509_certify(issuer, &terms, out);
	jz_tlv_close(out, mark);
	return err == 0 && out->bad ? JZ_ERR_SPACE : err;
}

static int
store(struct jz_gp *g, uint8_t block, const struct jz_buffer *b)
{
	return jz_gp_store_data(
	    g, JZ_GP_STORE_TLV, block, jz_buffer_span(b), NULL);
}

static int
fill(struct jz_gp *g, struct jz_issuer *issuer,
    const struct jz_esign_verifier *v, const struct jz_sign_personal *p,
    uint8_t id[static JZ_ID_BYTES])
{
	uint8_t public_key[JZ_POINT_BYTES], bytes[JZ_CERTIFICATE_MAX];
	uint8_t profile[PROFILE_MAX], der[JZ_ESIGN_X509_MAX];
	struct jz_buffer certificate = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer x509 = jz_buffer(der, sizeof(der));
	struct jz_buffer b = jz_buffer(profile, sizeof(profile));
	int err = put_profile(issuer, v, p, &b);

	if (err == 0)
		err = make_key(g, public_key);
	if (err == 0)
		err = certify(issuer, v, p, public_key, id, &certificate);
	if (err == 0)
		err = put_x509(issuer, p, public_key, &x509);
	if (err == 0)
		err = store(g, 1, &certificate);
	if (err == 0)
		err = store(g, 2, &x509);
	if (err == 0)
		err = jz_gp_store_data(g, JZ_GP_STORE_TLV | JZ_GP_STORE_LAST, 3,
		    jz_buffer_span(&b), NULL);
	jz_wipe(profile, sizeof(profile));
	return err;
}

int
jz_sign_personalise(struct jz_gp *g, struct jz_issuer *issuer,
    const struct jz_esign_verifier *verifier, const struct jz_sign_personal *p,
    uint8_t id[static JZ_ID_BYTES])
{
	int err = install(g);

	memset(id, 0, JZ_ID_BYTES);
	if (err == 0)
		err = jz_gp_personalise(g, &ESIGN);
	return err != 0 ? err : fill(g, issuer, verifier, p, id);
}
