/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GlobalPlatform session: the host's side of GlobalPlatform Card
 * Specification 2.3.1 with Secure Channel Protocol 03 (Amendment D), in the
 * form with 8-byte challenges and AES-128 keys.
 *
 *	struct jz_gp g;
 *
 *	jz_gp_init(&g, session, engine);
 *	err = jz_gp_select(&g, NULL);
 *	err = jz_gp_open(&g, &keys, 0, JZ_GP_LEVEL_ALL);
 *	err = jz_gp_delete(&g, &aid, true);
 *	jz_gp_close(&g);
 *
 * Every function returns 0 or an error.  A status word that is no success is
 * JZ_ERR_NOT_FOUND for 6A88 and 6A82, JZ_ERR_EXISTS for 6A89, else as in
 * jz_status_error(); g->session->sw has it.  JZ_ERR_AUTHENTICATION: the card
 * does not know the keys, or its answer was not genuine.  Whatever fails in
 * the channel itself ends it here; the card ends it by itself.
 *
 * Caveats.  A card's error status words are not protected (Amendment D
 * 6.2.5): whoever sits in between can make any command seem to have failed.
 * After a channel has failed every command is JZ_ERR_STATE until jz_gp_close()
 * or one of the functions that begin anew: what was to be protected is never
 * sent in clear.
 * The keys of a card are replaced one set at a time, and an answer to PUT KEY
 * may be lost after the card has them: ask for the key set's version before
 * choosing keys (jz_gp_begin).
 *
 * One thread at a time, as the session beneath.
 */
#ifndef JZ_HOST_GP_H
#define JZ_HOST_GP_H

#include "../apdu/gp.h"
#include "../keys/scp03.h"
#include "card.h"

#define JZ_GP_AID_MAX	    16
#define JZ_GP_FCI_MAX	    256
#define JZ_GP_KDD_BYTES	    10 /* key diversification data */
#define JZ_GP_MODULES_MAX   8
#define JZ_GP_PARAMETER_MAX 128 /* an applet's own install parameters */
/* The longest data of one command, before it is protected. */
#define JZ_GP_DATA_MAX 2048

/* The level of a channel that protects everything. */
#define JZ_GP_LEVEL_ALL                                                        \
	(JZ_LEVEL_C_MAC | JZ_LEVEL_C_ENC | JZ_LEVEL_R_MAC | JZ_LEVEL_R_ENC)

struct jz_gp_aid {
	uint8_t len; /* 0: none */
	uint8_t bytes[JZ_GP_AID_MAX];
};

enum jz_gp_phase {
	JZ_GP_CLEAR,  /* no channel: commands go as they are */
	JZ_GP_BEGUN,  /* INITIALIZE UPDATE is answered */
	JZ_GP_OPEN,   /* commands are protected */
	JZ_GP_BROKEN, /* the channel failed: nothing is sent any more */
};

struct jz_gp {
	struct jz_session *session;	/* lent */
	const struct jz_engine *engine; /* lent */
	struct jz_gp_aid domain;	/* selected; none: not known */
	size_t fci_len;
	uint8_t fci[JZ_GP_FCI_MAX]; /* of the domain */
	bool card_locked;	    /* the card said so (6283) */

	/* From the card's answer to INITIALIZE UPDATE. */
	uint8_t kdd[JZ_GP_KDD_BYTES];
	uint8_t kvn;	   /* the key set that was taken */
	uint8_t parameter; /* i: what the card can do */
	bool pseudo_random;
	uint8_t sequence[JZ_SCP03_SEQUENCE_BYTES];
	uint8_t host_challenge[JZ_SCP03_CHALLENGE_BYTES];
	uint8_t card_challenge[JZ_SCP03_CHALLENGE_BYTES];
	uint8_t card_cryptogram[JZ_SCP03_CHALLENGE_BYTES];

	enum jz_gp_phase phase;
	struct jz_scp03 channel;
	uint8_t dek[JZ_KEY_BYTES];
	uint8_t answer[JZ_ANSWER_MAX];
};

/* Session and engine are lent and must outlive g. */
void
jz_gp_init(struct jz_gp *g, struct jz_session *s, const struct jz_engine *e);
/* Wipes the keys of the channel.  Nothing is sent. */
void jz_gp_close(struct jz_gp *g);

/* 5 to 16 bytes; JZ_ERR_RANGE. */
int jz_gp_aid(struct jz_span bytes, struct jz_gp_aid *out);
bool jz_gp_aid_equal(const struct jz_gp_aid *a, const struct jz_gp_aid *b);

/* ---- the channel -------------------------------------------------------- */

/*
 * Selects a security domain, keeps its FCI and ends the channel.  NULL: the
 * issuer's, A000000151000000.  A locked card (6283) is no error.
 */
int jz_gp_select(struct jz_gp *g, const struct jz_gp_aid *domain);

/*
 * INITIALIZE UPDATE with a key version, 0 for the card's own choice: fills
 * kdd, kvn and parameter, from which the caller may derive the keys.  Nothing
 * is authenticated yet.  JZ_ERR_UNSUPPORTED when the card has another secure
 * channel protocol, JZ_ERR_NOT_FOUND when it has no such key set.
 */
int jz_gp_begin(struct jz_gp *g, uint8_t kvn);
/*
 * Checks the card's cryptogram and, where the domain's AID is known, that its
 * challenge is the one of its sequence counter; then EXTERNAL AUTHENTICATE.
 * level: C-MAC and any that need it, 01 03 11 13 33 (JZ_ERR_ARGUMENT);
 * JZ_ERR_UNSUPPORTED when the card cannot protect responses.
 * JZ_ERR_AUTHENTICATION before anything is sent when the card does not know
 * the keys, and after, when it finds that we do not.  JZ_ERR_STATE without
 * jz_gp_begin.
 */
int jz_gp_authenticate(
    struct jz_gp *g, const struct jz_scp03_keys *keys, uint8_t level);
/* Both. */
int jz_gp_open(struct jz_gp *g, const struct jz_scp03_keys *keys, uint8_t kvn,
    uint8_t level);

/*
 * Sends a command, protected when the channel is open, and gives the answer in
 * clear: 0 whatever the status word, as jz_session_send().  The answer is lent
 * until the next command.  Data over 255 bytes are protected as one command
 * and then chained, or sent with extended length.  c->ne counts what is
 * expected in clear; c->extended is not looked at.  JZ_ERR_RANGE over
 * JZ_GP_DATA_MAX.
 */
int
jz_gp_send(struct jz_gp *g, const struct jz_command *c, struct jz_answer *out);
/* As jz_gp_send, and a status word other than 9000 is an error. */
int jz_gp_command(
    struct jz_gp *g, const struct jz_command *c, struct jz_answer *out);

/* ---- what is on the card ------------------------------------------------ */

struct jz_gp_entry {
	struct jz_gp_aid aid;
	uint8_t state;		    /* 9F70 */
	uint32_t privileges;	    /* C5, three bytes */
	struct jz_gp_aid load_file; /* C4: of an application */
	size_t modules;
	struct jz_gp_aid module[JZ_GP_MODULES_MAX]; /* 84 */
};

/* GET DATA of a tag of one or two bytes: appends the whole answer. */
int jz_gp_get_data(struct jz_gp *g, uint16_t tag, struct jz_buffer *out);

/*
 * GET STATUS, in as many parts as the card gives (6310), up to a bound:
 * JZ_ERR_ANSWER above it, and when an answer is malformed.  `each` returns 0
 * to go on; anything else ends the walk and is returned.  It must not use g.
 * None at all is no error.
 */
int jz_gp_list(struct jz_gp *g, enum jz_gp_scope scope,
    int (*each)(const struct jz_gp_entry *entry, void *arg), void *arg);
/* The state of the card, which is that of the issuer's domain. */
int jz_gp_card_state(struct jz_gp *g, uint8_t *state);

/* ---- changing it -------------------------------------------------------- */

struct jz_gp_install {
	struct jz_gp_aid load_file, module, instance;
	uint32_t privileges;
	struct jz_span parameters;   /* the applet's own: C9 */
	uint32_t volatile_quota;     /* EF C7, bytes; 0: not said */
	uint32_t non_volatile_quota; /* EF C8 */
};
/* INSTALL [for install and make selectable].  JZ_ERR_RANGE. */
int jz_gp_install(struct jz_gp *g, const struct jz_gp_install *what);
/* INSTALL [for install] alone, and [for make selectable]. */
int jz_gp_install_only(struct jz_gp *g, const struct jz_gp_install *what);
int jz_gp_make_selectable(
    struct jz_gp *g, const struct jz_gp_aid *instance, uint32_t privileges);
/* INSTALL [for personalisation]: STORE DATA goes to this application. */
int jz_gp_personalise(struct jz_gp *g, const struct jz_gp_aid *instance);

/*
 * One block of STORE DATA.  With out, an answer is asked for (P1 bit 1) and
 * lent until the next command; NULL: none is.
 */
int jz_gp_store_data(struct jz_gp *g, unsigned p1, uint8_t number,
    struct jz_span block, struct jz_answer *out);

/* DELETE of an application or load file; `related`: what came from it, too. */
int jz_gp_delete(struct jz_gp *g, const struct jz_gp_aid *aid, bool related);
/* DELETE of a whole key set. */
int jz_gp_delete_keys(struct jz_gp *g, uint8_t kvn);

/* SET STATUS of the card, and of an application. */
int jz_gp_set_card_state(struct jz_gp *g, enum jz_gp_card_state state);
int
jz_gp_set_state(struct jz_gp *g, const struct jz_gp_aid *aid, uint8_t state);

/*
 * PUT KEY: a key set under a new version (01-7F), beside the others (old 0) or
 * in the place of one.  The keys travel enciphered under the channel's DEK.
 * JZ_ERR_ANSWER when the card's key check values are not those of the keys.
 * The channel goes on with its session keys.  JZ_ERR_STATE without a channel.
 */
int jz_gp_put_keys(struct jz_gp *g, uint8_t old_kvn, uint8_t new_kvn,
    const struct jz_scp03_keys *keys);

#endif
