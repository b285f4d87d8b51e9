/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card with display and keys and the e-signature applet, and who stands
 * around it: the terminal that brings a message, the user, the issuer.
 *
 * Everything here fails the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SUPPORT_ESIGNRIG_H
#define JZ_TEST_SUPPORT_ESIGNRIG_H

#include "../../applet/esign/esign.h"
#include "../../applet/virtual/panel.h"
#include "cardrig.h"
#include "gpclient.h"

#define ESIGN_ID  "CN00000000300001"
#define ESIGN_PIN "123456"

#define AT_SIGN	      0x80A00000u
#define AT_ESIGN_INFO 0x00CAFF3Au

struct esign_rig {
	struct rig rig;
	struct rig_card *card;
	struct jz_screen screen;
	struct jz_key_pair issuer; /* to encrypt to */
	uint8_t point[JZ_POINT_BYTES];
};

/* Six digits; a key up to 10000 CNY, above it the PIN 123456 with three tries;
 * 120 seconds for the user, 30 for the joint password; English. */
struct jz_esign_profile esign_profile(const struct esign_rig *r);

/* A card that nobody has personalised; nothing is selected. */
void esign_rig_empty(struct esign_rig *r);
/* The same, with randomness that is the same in every run. */
void esign_rig_seeded(struct esign_rig *r);
/* Key pair, certificate, parameters: 9000 and the applet selected, or the first
 * refusal. */
uint16_t
esign_personalise(struct esign_rig *r, const struct jz_esign_profile *p);
/* Opens the channel to the applet, for who stores by hand. */
void esign_begin(struct esign_rig *r, struct gp *g);
/* A certificate for the applet's key. */
struct blob esign_certificate(struct esign_rig *r, const char *id);
/* Both, with the usual profile. */
void esign_rig_new(struct esign_rig *r);
void esign_rig_free(struct esign_rig *r);

/*
 * The same for a card in any reader: a channel to its domain under the
 * well-known keys, through which the applet is installed and ready for STORE
 * DATA.  false: it lets nobody in.
 */
bool esign_open_empty(
    const struct jz_engine *e, const struct port *card, struct gp *g);
/* Key pair, certificate, parameters. */
uint16_t esign_fill(const struct bank *b, struct gp *g, const char *id,
    const struct jz_esign_profile *p, uint8_t point[static JZ_POINT_BYTES]);

uint16_t esign_select(struct esign_rig *r);
static inline const struct esign_nvm *
esign_rig_nvm(const struct esign_rig *r)
{
	return r->card->card.applet[0].nvm;
}

/* ---- terminal ----------------------------------------------------------- */

/* 12.34 CNY to Zhang San, no details. */
struct jz_esign_order esign_order(void);
struct blob esign_encode(const struct jz_esign_order *o);
/* SIGN; the signature as it came, which must be one. */
struct blob esign_contact(struct esign_rig *r, const struct blob *order);

/* ---- user --------------------------------------------------------------- */

/* Presses keys and lets the card go on: digits, O for OK, C for Cancel, U and
 * D for up and down.  Whether the card still has something to do. */
bool esign_press(struct esign_rig *r, const char *keys);
/* So many seconds pass. */
bool esign_wait(struct esign_rig *r, uint32_t seconds);
/* Line `n` of the display is this text. */
void esign_shows(const struct esign_rig *r, unsigned n, const char *text);
bool esign_blank(const struct esign_rig *r);

/* ---- issuer ------------------------------------------------------------- */

/* Verifies and deciphers; what the joint password is. */
struct jz_joint esign_open(struct esign_rig *r, const struct blob *order,
    const struct blob *signature);

#endif
