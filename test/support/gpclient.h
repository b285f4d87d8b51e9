/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards with an issuer security domain, and a host for them that knows SCP03
 * and nothing else: commands go in and answers come out in clear, what is on
 * the wire between is checked.
 *
 * Everything here fails the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SUPPORT_GPCLIENT_H
#define JZ_TEST_SUPPORT_GPCLIENT_H

#include "../../applet/manager/manager.h"
#include "cardrig.h"

#define GP_AT_INITIALIZE(kvn)	  (0x80500000u | (uint32_t)(kvn) << 8)
#define GP_AT_AUTHENTICATE(level) (0x80820000u | (uint32_t)(level) << 8)
#define GP_AT_GET_DATA(tag)	  (0x80CA0000u | (uint32_t)(tag))
#define GP_AT_PUT_KEY(old)	  (0x80D80081u | (uint32_t)(old) << 8)
#define GP_AT_STORE(p1, block)                                                 \
	(0x80E20000u | (uint32_t)(p1) << 8 | (uint32_t)(block))
#define GP_AT_DELETE		 0x80E40000u
#define GP_AT_INSTALL(p1)	 (0x80E60000u | (uint32_t)(p1) << 8)
#define GP_AT_SET_CARD(s)	 (0x80F08000u | (uint32_t)(s))
#define GP_AT_SET_APP(s)	 (0x80F04000u | (uint32_t)(s))
#define GP_AT_STATUS(scope)	 (0x80F20002u | (uint32_t)(scope) << 8)
#define GP_AT_STATUS_NEXT(scope) (0x80F20003u | (uint32_t)(scope) << 8)

#define GP_LEVEL_ALL 0x33
#define GP_KVN	     0x20 /* of a card whose initial keys were replaced */

/* ---- cards -------------------------------------------------------------- */

/*
 * An application for tests.  It keeps the last block of STORE DATA, answers
 * with it, says which block it was, and counts them; a block that begins with
 * 6F is refused with 6A80.  80 10 gives the block, 80 11 refuses deletion from
 * now on, 80 12 sets a state of its own.
 */
struct note_nvm {
	struct jz_nvm_head head;
	uint8_t stays, len, p1, p2;
	uint8_t params_len;
	uint8_t params[15];
	uint8_t block[108];
	uint32_t blocks;
};

extern const struct jz_applet_class gp_note_class;
#define GP_NOTE_AID                                                            \
	{                                                                      \
		0xF0, 'N', 'O', 'T', 'E'                                       \
	}
#define GP_NOTE_AID_BYTES 5

/* GlobalPlatform's well-known test keys, 40..4F three times. */
struct jz_scp03_keys gp_test_keys(void);
/* Three different keys for each number. */
struct jz_scp03_keys gp_keys(uint8_t number);
extern const uint8_t GP_KDD[JZ_GP_KDD_BYTES];
extern const struct jz_aid GP_ISD;

/* A card with the domain in place 0, its test keys under version FF, and the
 * class of the application for tests.  The domain is selected. */
struct rig_card *gp_card_new(struct rig *rig, bool storage);
/* The same with other keys, diversification data and AID. */
struct rig_card *gp_card_with(struct rig *rig, bool storage, uint8_t kvn,
    const struct jz_scp03_keys *keys, const uint8_t kdd[JZ_GP_KDD_BYTES],
    const struct jz_aid *aid);

static inline const struct manager_nvm *
gp_nvm(const struct rig_card *c)
{
	return (const struct manager_nvm *)c->card.applet[0].nvm;
}

/* ---- the host ----------------------------------------------------------- */

struct gp {
	const struct port *port;
	struct jz_engine engine;
	unsigned number; /* of the logical channel */
	struct jz_aid domain;
	struct jz_scp03 channel;
	uint8_t dek[JZ_KEY_BYTES];
	uint8_t host_challenge[JZ_SCP03_CHALLENGE_BYTES];
	uint8_t sequence[JZ_SCP03_SEQUENCE_BYTES];
};

struct gp gp_host(struct rig_card *c);

/* SELECT by AID, in clear; the SW. */
uint16_t
gp_select(const struct gp *g, const struct jz_aid *aid, struct answer *out);
/* A command in clear, on the host's channel. */
uint16_t gp_clear(const struct gp *g, uint32_t header, struct jz_span data,
    struct answer *out);
/* INITIALIZE UPDATE; when it is answered, the answer is checked against the
 * keys and the channel is ready for EXTERNAL AUTHENTICATE. */
uint16_t gp_begin(struct gp *g, uint8_t kvn, const struct jz_scp03_keys *keys);
uint16_t gp_authenticate(struct gp *g, uint8_t level);
/* Both, which must succeed. */
void gp_open(
    struct gp *g, uint8_t kvn, const struct jz_scp03_keys *keys, uint8_t level);
/* With the test keys, version FF and every protection. */
void gp_login(struct gp *g);

/* A command of the session.  The answer comes in clear; `out` may be NULL. */
uint16_t
gp_send(struct gp *g, uint32_t header, struct jz_span data, struct answer *out);
/* The same written in hexadecimal. */
uint16_t
gp_hex(struct gp *g, uint32_t header, const char *data, struct answer *out);
/* What a command of the session looks like on the wire. */
struct blob gp_wrap(struct gp *g, uint32_t header, struct jz_span data);

/* The card refuses this within the session, which goes on, and nothing else
 * changes. */
void gp_refuses(struct rig_card *c, struct gp *g, uint32_t header,
    const char *data, uint16_t sw);

/* ---- data fields -------------------------------------------------------- */

struct blob gp_bytes(const char *hex);
/* INSTALL [for install] of an application for tests: AID F0 4E4F5445 number. */
struct blob gp_install_note(uint8_t number);
struct jz_aid gp_note(uint8_t number);
/* Puts it there, selectable. */
void gp_add_note(struct gp *g, uint8_t number);
/* PUT KEY's data, enciphered under the session's DEK. */
struct blob
gp_put_key_data(const struct gp *g, uint8_t kvn, const struct jz_scp03_keys *k);

#endif
