/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature applet with a joint password: docs/adr/0014-esign.md.
 *
 *   esign.c        the class, the table of instructions, what may be read
 *   personalise.c  STORE DATA: key pair, certificate, parameters
 *   password.c     the joint password, drawn without bias
 *   sign.c         SIGN: one contact
 *   user.c         what comes after it: display, keys, PIN, time
 *   lines.c        the lines on the display
 *
 * Invariants, cited by number in the files:
 *   E1  The counter rises, and what waits is stored, in one commit before the
 *       signature leaves.
 *   E2  The joint password is in persistent memory enciphered only, under a key
 *       that is in standby memory only, until it is on the display.
 *   E3  What is shown comes from the stored bytes whose digest was signed.
 *   E4  What has ended is erased before the display says so.
 */
#ifndef JZ_APPLET_ESIGN_H
#define JZ_APPLET_ESIGN_H

#include "../runtime/alone.h"
#include "../runtime/applet.h"
#include "../runtime/text.h"
#include "../../apdu/esign.h"
#include "../../apdu/purse.h"
#include "../../keys/certificate.h"
#include "../../keys/esign.h"

#define JZ_ESIGN_LAYOUT	     2
#define JZ_ESIGN_COUNTER_MAX 0xFFFFFFFFu
/* Nobody guesses it in the three tries that the issuer allows. */
#define JZ_JOINT_CHOICES_MIN 1000000u
#define JZ_ESIGN_SECONDS_MIN 5u /* of both times */

/* What it takes to see the joint password: JPS-11. */
enum esign_need {
	NEED_KEY,
	NEED_PIN,
	NEED_PIN_AND_KEY,
};

/* What waits for the user. */
struct esign_pending {
	uint8_t open;
	uint8_t need; /* enum esign_need */
	uint16_t order_len;
	uint8_t password_len;
	uint8_t reserved[3];
	uint8_t sealed[JZ_JOINT_MAX + JZ_SEAL_TAG_BYTES]; /* E2 */
	uint8_t order[JZ_ESIGN_ORDER_MAX];		  /* whole FF31 */
	uint8_t reserved2[2];
};
_Static_assert(sizeof(struct esign_pending) == 8 + 32 + JZ_ESIGN_ORDER_MAX + 2,
    "no padding");

struct esign_nvm {
	struct jz_nvm_head head;
	uint64_t pin_above;
	uint32_t counter; /* of the last signature */
	uint16_t currency, wait_s, show_s;
	uint8_t mode, length, alphabet, flags, language, key_version;
	uint8_t has_key, parameters_set;
	uint16_t certificate_len;
	uint8_t id[JZ_ID_BYTES];
	struct jz_pin pin;
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	struct jz_key_pair key;
	uint8_t issuer_key[JZ_POINT_BYTES];
	uint8_t scheme;
	uint8_t reserved;
	struct esign_pending pending;
	/* Layout 1 ended here. */
	uint16_t x509_len;
	uint8_t x509[JZ_ESIGN_X509_MAX]; /* whole FF38 */
	uint8_t reserved2[2];
};
_Static_assert(offsetof(struct esign_nvm, pending) ==
	32 + 28 + 16 + 20 + JZ_CERTIFICATE_MAX + 97 + 65 + 2,
    "no padding");
_Static_assert(sizeof(struct esign_nvm) % 8 == 0, "no padding");

/* CLEAR_ON_DESELECT: none is needed, and there must be some for a channel. */
struct esign_cod {
	uint8_t unused;
};

extern const struct jz_applet_class jz_esign_class;

static inline const struct esign_nvm *
esign_nvm(const struct jz_applet *self)
{
	return (const struct esign_nvm *)self->nvm;
}

/* The same life cycle as the purse's. */
static inline enum jz_purse_state
esign_state(const struct jz_applet *self)
{
	return (self->state & JZ_PURSE_PERSONALISED) == JZ_PURSE_PERSONALISED
	    ? JZ_PURSE_PERSONALISED
	    : JZ_PURSE_SELECTABLE;
}

uint16_t esign_sign(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t esign_read_key(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t esign_store_data(struct jz_applet *self, struct jz_apdu *apdu);

/* password.c ------------------------------------------------------------- */

/* How many characters an alphabet has; 0: there is no such alphabet. */
unsigned esign_alphabet(uint8_t alphabet);
/* The character that a random byte chooses, or 0: take another byte. */
uint8_t esign_choose(uint8_t alphabet, uint8_t random);
/* Whether there are JZ_JOINT_CHOICES_MIN passwords of this kind or more; where
 * guesses can be tested, 2^64 (JPS-17). */
bool esign_strong(uint8_t alphabet, unsigned length, bool guessable);
/* Draws one.  JZ_ERR_CRYPTO and what jz_card_random() says; zeroed then. */
int esign_draw(
    struct jz_applet *self, uint8_t alphabet, uint8_t *out, unsigned length);

/* user.c ----------------------------------------------------------------- */

/* Standby memory: what must not outlive the battery. */
struct esign_standby {
	uint8_t key[JZ_KEY_BYTES]; /* E2 */
	uint32_t since;		   /* jz_panel_seconds() of the last event */
	uint16_t top;		   /* first line of the message shown */
	uint8_t stage;
	uint8_t seen; /* the message's last line was on the display */
	uint8_t digits;
	uint8_t pin[2 * JZ_PIN_BYTES_MAX]; /* as typed */
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct esign_standby) == 40, "no padding");
_Static_assert(sizeof(struct esign_standby) <= JZ_STANDBY_BYTES, "fits");

jz_alone_fn esign_go_on;
/* Nothing waits any more; 0 or the runtime's error. */
int esign_erase(struct jz_applet *self);
/* The nonce under which what waits is enciphered; its key is used once. */
extern const uint8_t ESIGN_NONCE[JZ_SEAL_NONCE_BYTES];

/* lines.c ---------------------------------------------------------------- */

enum esign_text {
	TEXT_PAY,
	TEXT_FROM,
	TEXT_TO,
	TEXT_DETAILS,
	TEXT_MINOR,
	TEXT_MORE,
	TEXT_QUESTION,
	TEXT_PIN,
	TEXT_PIN_AGAIN,
	TEXT_PIN_BLOCKED,
	TEXT_JOINT,
	TEXT_PRESS_OK,
	TEXT_CANCELLED,
	TEXT_TIME_OUT,
	TEXT_DONE,
	TEXT_FAILED,
	TEXTS,
};

/* A text of the card's own, in its language. */
struct jz_span esign_text(const struct esign_nvm *p, enum esign_text text);
/* The message's line `index` at this width (E3), or false after the last. */
bool esign_line(const struct esign_nvm *p, unsigned columns, unsigned index,
    struct jz_line *out);
unsigned esign_lines(const struct esign_nvm *p, unsigned columns);

#endif
