/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applets for the tests of the runtime: they do what a test tells them, and
 * write down what of them was called.  Cards that have such applets.
 *
 * An instance is named by one letter, the last byte of its AID.
 */
#ifndef JZ_TEST_SUPPORT_PROBE_H
#define JZ_TEST_SUPPORT_PROBE_H

#include "../../applet/runtime/admin.h"
#include "cardrig.h"

#define PROBE_FILL_BYTES 64
#define PROBE_RAM_BYTES	 4 /* of each kind */

struct probe_nvm {
	struct jz_nvm_head head;
	uint32_t count; /* commands carried out */
	uint32_t value;
	uint8_t fill[PROBE_FILL_BYTES];
};

/* Instructions, class 00; every one of them is counted. */
enum {
	PROBE_WHO = 0x10,     /* answers the AID */
	PROBE_MEMORY = 0x12,  /* answers CLEAR_ON_RESET, CLEAR_ON_DESELECT */
	PROBE_MARK = 0x14,    /* P1 into the one, P2 into the other */
	PROBE_WRITE = 0x16,   /* P1 to value and fill */
	PROBE_PATTERN = 0x18, /* answers P1 P2 bytes, see probe_pattern() */
	PROBE_STATUS = 0x1A,  /* answers the data and status word P1 P2 */
};

/* What is called, as the trace has it. */
enum {
	PROBE_INSTALL = 'I',
	PROBE_SELECT = 'S',
	PROBE_DESELECT = 'D',
	PROBE_PROCESS = 'P',
	PROBE_UNINSTALL = 'U',
	PROBE_STORE = 'T',
	PROBE_UPGRADE = 'V',
	PROBE_SERVICE = 'C',
};

/*
 * A test's own behaviour: gives the status word, or 0 for the usual one.
 * apdu is NULL but in select, process and store_data; `in` is what install,
 * upgrade and service got.
 */
typedef uint16_t probe_hook(struct jz_applet *self, char event,
    struct jz_apdu *apdu, struct jz_span in);

struct probe {
	probe_hook *hook;
	/* Without a hook: this call gives this status word. */
	char refused;
	uint16_t refusal;
	/* One entry a call: what, whom, and the channel where that is known:
	 * "Ia Sa0 Pa0 Da ". */
	size_t len;
	char trace[1024];
};
extern struct probe probe;

/* Before each test. */
void probe_reset(void);
/* Fails the test unless these calls were made, in order; forgets them. */
void probe_expect(const char *trace);

/* This call is refused from now on, and no other. */
void probe_refuse(char event, uint16_t sw);

/* The functions of a class. */
uint16_t probe_on_install(struct jz_applet *self, struct jz_span params);
uint16_t probe_on_select(struct jz_applet *self, struct jz_apdu *apdu);
void probe_on_deselect(struct jz_applet *self);
uint16_t probe_on_process(struct jz_applet *self, struct jz_apdu *apdu);
uint16_t probe_on_uninstall(struct jz_applet *self);
uint16_t probe_on_store(struct jz_applet *self, struct jz_apdu *apdu);
int probe_on_upgrade(struct jz_applet *self, uint16_t from, struct jz_span old);
uint16_t probe_on_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out);

#define PROBE_FUNCTIONS                                                        \
	.install = probe_on_install, .select = probe_on_select,                \
	.deselect = probe_on_deselect, .process = probe_on_process,            \
	.uninstall = probe_on_uninstall, .store_data = probe_on_store,         \
	.service = probe_on_service
#define PROBE_MEMORIES                                                         \
	.nvm_bytes = sizeof(struct probe_nvm), .cor_bytes = PROBE_RAM_BYTES,   \
	.cod_bytes = PROBE_RAM_BYTES

/* On one channel at a time, and on many. */
extern const struct jz_applet_class probe_single, probe_multi;

/* A card with these two classes and no applet; protocol 0: T=1. */
struct rig_card *probe_card_new(struct rig *rig, uint8_t protocol);
/* The card anew, empty, by its setup. */
void probe_format(struct rig_card *c);

struct jz_aid probe_aid(char name);
/* Installs, selectable; what must succeed.  The instance. */
struct jz_applet *
probe_add(struct rig_card *c, const struct jz_applet_class *class, char name);
/* The same with a first byte of privileges. */
struct jz_applet *probe_add_privileged(struct rig_card *c,
    const struct jz_applet_class *class, char name, uint8_t privileges);
/* The instance of this name, or NULL. */
struct jz_applet *probe_find(struct rig_card *c, char name);

static inline const struct probe_nvm *
probe_nvm(const struct jz_applet *a)
{
	return (const struct probe_nvm *)a->nvm;
}

/* A command without data on a channel, Le 00; `out` may be NULL. */
uint16_t probe_send(struct rig_card *c, unsigned channel, uint8_t ins,
    uint8_t p1, uint8_t p2, struct answer *out);
/* SELECT by the whole AID. */
uint16_t probe_choose(struct rig_card *c, unsigned channel, char name);
/* Which instance a channel has. */
#define PROBE_NOTHING '-'
#define PROBE_CLOSED  '!'
char probe_who(struct rig_card *c, unsigned channel);

/* MANAGE CHANNEL with Le 01; `out` may be NULL. */
#define PROBE_OPEN  0x00
#define PROBE_CLOSE 0x80
uint16_t probe_manage(struct rig_card *c, unsigned on, uint8_t p1, unsigned p2,
    struct answer *out);
/* Opens a channel that the card chooses, which must succeed; its number. */
unsigned probe_open(struct rig_card *c, unsigned on);
/* How many are open. */
unsigned probe_channels(struct rig_card *c);
/* Byte i of the pattern. */
static inline uint8_t
probe_pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8);
}

#endif
