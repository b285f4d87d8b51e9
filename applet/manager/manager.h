/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer security domain: GlobalPlatform Card Specification 2.3.1 with
 * Secure Channel Protocol 03 (Amendment D 1.1.2, i = 70).
 *
 * It administers the card through runtime/admin.h.  The maker of a card
 * installs it with jz_card_install_as(), privileges JZ_MANAGER_PRIVILEGES and
 * parameters
 *
 *	key version (01-7F, or FF: until the first PUT KEY)
 *	keys ENC, MAC, DEK, 16 bytes each
 *	key diversification data, 10 bytes
 *
 * docs/globalplatform.md describes every command.  The keys have no way out:
 * no command reads them.
 */
#ifndef JZ_MANAGER_MANAGER_H
#define JZ_MANAGER_MANAGER_H

#include "../../apdu/gp.h"
#include "../../keys/scp03.h"
#include "../runtime/admin.h"

#define JZ_MANAGER_LAYOUT	1
#define JZ_MANAGER_SETS		3
#define JZ_MANAGER_IIN_MAX	8
#define JZ_MANAGER_CIN_MAX	16
#define JZ_MANAGER_SEQUENCE_MAX 0xFFFFFFu
#define JZ_MANAGER_PARAMETER_BYTES                                             \
	(1 + JZ_GP_KEYS * JZ_KEY_BYTES + JZ_GP_KDD_BYTES)

/* Security domain, card lock, card terminate; authorised management, global
 * delete, global lock, global registry, final application. */
#define JZ_MANAGER_PRIVILEGES                                                  \
	{                                                                      \
		0x98, 0x5E, 0x00                                               \
	}

struct manager_set {
	uint8_t kvn;
	struct jz_scp03_keys keys;
};

/* In the order of their coming; the last is the one that version 00 means. */
struct manager_sets {
	uint8_t count;
	struct manager_set set[JZ_MANAGER_SETS];
};

struct manager_nvm {
	struct jz_nvm_head head;
	uint32_t
	    sequence; /* of the last INITIALIZE UPDATE, whatever its keys */
	uint8_t kdd[JZ_GP_KDD_BYTES];
	uint8_t iin_len, cin_len;
	uint8_t iin[JZ_MANAGER_IIN_MAX];
	uint8_t cin[JZ_MANAGER_CIN_MAX];
	struct manager_sets sets;
};
_Static_assert(sizeof(struct manager_sets) == 148, "no padding");
_Static_assert(sizeof(struct manager_nvm) == 220, "no padding");

enum manager_phase {
	MANAGER_CLOSED,
	MANAGER_BEGUN, /* INITIALIZE UPDATE was the last command */
	MANAGER_OPEN,
};

/* GET STATUS: a whole AID, and a list of every tag of an entry and more. */
#define MANAGER_LIST_MAX 36

/* The secure channel of one logical channel, and what hangs on it. */
struct manager_cod {
	struct jz_scp03 channel;
	uint8_t dek[JZ_KEY_BYTES];
	uint8_t phase;	    /* enum manager_phase */
	uint8_t list_scope; /* GET STATUS has more of this; 0: none */
	uint8_t list_next;
	uint8_t list_len;
	uint8_t list_data[MANAGER_LIST_MAX]; /* what was asked for */
	uint16_t store_next;		     /* block of STORE DATA */
	struct jz_aid target; /* of STORE DATA; len 0: the domain itself */
};

extern const struct jz_applet_class jz_manager_class;

/* ---- between the files of the domain ------------------------------------ */

static inline const struct manager_nvm *
manager_nvm(const struct jz_applet *self)
{
	return self->nvm;
}

static inline struct manager_cod *
manager_cod(const struct jz_applet *self)
{
	return self->cod;
}

/* The next object, led by one byte of length. */
static inline struct jz_span
manager_take_lv(struct jz_cursor *c)
{
	return jz_take(c, jz_take_u8(c));
}

/* 5 to 16 bytes. */
bool manager_aid(struct jz_span bytes, struct jz_aid *out);
/* The registry's entry of an instance; false when there is none. */
bool manager_find_app(const struct jz_applet *self, const struct jz_aid *aid,
    struct jz_app_info *out);

/* channel.c */
uint16_t
manager_initialize_update(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t
manager_external_authenticate(struct jz_applet *self, struct jz_apdu *apdu);
/* Unwraps the command, has it handled in clear, wraps the answer. */
uint16_t manager_secured(struct jz_applet *self, struct jz_apdu *apdu,
    uint16_t (*handle)(struct jz_applet *self, struct jz_apdu *apdu));
/* Wipes the session and what hangs on it. */
void manager_end_session(struct jz_applet *self);

/* data.c */
uint16_t manager_get_data(struct jz_applet *self, struct jz_apdu *apdu);
/* Template 73, for GET DATA and for the FCI. */
void manager_put_recognition(struct jz_buffer *out);

/* status.c */
uint16_t manager_get_status(struct jz_applet *self, struct jz_apdu *apdu);

/* content.c */
uint16_t manager_install(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t manager_delete(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t manager_set_card_status(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t manager_set_app_status(struct jz_applet *self, struct jz_apdu *apdu);

/* keys.c */
/* The set of a version, 00 for the newest; NULL when there is none. */
const struct manager_set *
manager_find_set(const struct jz_applet *self, uint8_t kvn);
uint16_t manager_put_key(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t manager_delete_keys(struct jz_applet *self, struct jz_span data);

/* store.c */
/* Where STORE DATA goes from now on; NULL: to the domain itself. */
void manager_personalise(struct jz_applet *self, const struct jz_aid *instance);
uint16_t manager_store_data(struct jz_applet *self, struct jz_apdu *apdu);

#endif
