/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What card and host say to each other about the card itself: GlobalPlatform
 * Card Specification 2.3.1, chapter 11, and Amendment D (SCP03).  Codes only;
 * docs/globalplatform.md shows each command byte by byte.
 */
#ifndef JZ_APDU_GP_H
#define JZ_APDU_GP_H

/* The issuer security domain: table H-1, and what tools try first. */
#define JZ_GP_AID_ISD                                                          \
	{                                                                      \
		0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00                 \
	}
#define JZ_GP_AID_ISD_BYTES 8

#define JZ_GP_CLA	 0x80 /* GET DATA also 00 */
#define JZ_GP_CLA_SECURE 0x84

enum jz_gp_ins {
	JZ_GP_INITIALIZE_UPDATE = 0x50,	    /* P1: key version, P2 00 */
	JZ_GP_EXTERNAL_AUTHENTICATE = 0x82, /* CLA 84; P1: level, P2 00 */
	JZ_GP_GET_DATA = 0xCA,		    /* P1P2: tag */
	JZ_GP_PUT_KEY = 0xD8,		    /* P1: old version, P2 81 */
	JZ_GP_STORE_DATA = 0xE2,	    /* P1: jz_gp_store, P2: block */
	JZ_GP_DELETE = 0xE4,		    /* P1 00, P2: jz_gp_delete */
	JZ_GP_INSTALL = 0xE6,		    /* P1: jz_gp_install_for, P2 00 */
	JZ_GP_SET_STATUS = 0xF0,	    /* P1: jz_gp_scope, P2: state */
	JZ_GP_GET_STATUS = 0xF2,	    /* P1: jz_gp_scope, P2: 02, 03 */
};

/* INITIALIZE UPDATE, Amendment D 7.1.1. */
#define JZ_GP_KDD_BYTES	  10
#define JZ_GP_KVN_ANY	  0x00 /* the card chooses */
#define JZ_GP_KVN_MAX	  0x7F
#define JZ_GP_KVN_INITIAL 0xFF /* until the first PUT KEY */
#define JZ_GP_SCP03	  0x03
/* The keys of the sets: GlobalPlatform 11.8, Amendment D 5.1. */
#define JZ_GP_KEY_AES	0x88
#define JZ_GP_KCV_BYTES 3
#define JZ_GP_KEYS	3    /* 01 ENC, 02 MAC, 03 DEK */
#define JZ_GP_KEYS_MANY 0x81 /* PUT KEY's P2: several, from 01 on */

/* GET STATUS, SET STATUS P1: tables 11-33, 11-85. */
enum jz_gp_scope {
	JZ_GP_DOMAIN = 0x80,	   /* the issuer's; in SET STATUS the card */
	JZ_GP_APPLICATIONS = 0x40, /* and further security domains */
	JZ_GP_LOAD_FILES = 0x20,
	JZ_GP_MODULES = 0x10, /* load files with their modules */
};
/* GET STATUS P2, table 11-34: as TLV. */
#define JZ_GP_FIRST 0x02
#define JZ_GP_NEXT  0x03 /* after 6310 */

/* INSTALL P1, table 11-42. */
enum jz_gp_install_for {
	JZ_GP_FOR_INSTALL = 0x04,
	JZ_GP_FOR_MAKE_SELECTABLE = 0x08,
	JZ_GP_FOR_PERSONALISATION = 0x20,
};

/* DELETE P2, table 11-22. */
enum jz_gp_delete {
	JZ_GP_DELETE_ONLY = 0x00,
	JZ_GP_DELETE_RELATED = 0x80,
};

/* STORE DATA P1, table 11-89. */
enum jz_gp_store {
	JZ_GP_STORE_PLAIN = 0x00,
	JZ_GP_STORE_ANSWER = 0x01, /* the block has an answer */
	JZ_GP_STORE_TLV = 0x10,
	JZ_GP_STORE_LAST = 0x80,
};

/* Card life cycle: 5.1, table 11-5. */
enum jz_gp_card_state {
	JZ_GP_OP_READY = 0x01,
	JZ_GP_INITIALIZED = 0x07,
	JZ_GP_SECURED = 0x0F,
	JZ_GP_CARD_LOCKED = 0x7F,
	JZ_GP_TERMINATED = 0xFF,
};
/* Application life cycle: 5.3, table 11-4; of a load file 01. */
#define JZ_GP_LOADED	 0x01
#define JZ_GP_INSTALLED	 0x03
#define JZ_GP_SELECTABLE 0x07
#define JZ_GP_LOCKED_BIT 0x80

/* Privileges: 6.6, tables 11-7 to 11-9; three bytes, the first the highest. */
#define JZ_GP_PRIVILEGE_BYTES 3
enum jz_gp_privilege {
	JZ_GP_SECURITY_DOMAIN = 0x800000,
	JZ_GP_CARD_LOCK = 0x100000,
	JZ_GP_CARD_TERMINATE = 0x080000,
	JZ_GP_CARD_RESET = 0x040000, /* selected after a reset */
	JZ_GP_CVM = 0x020000,
	JZ_GP_AUTHORIZED_MANAGEMENT = 0x004000,
	JZ_GP_GLOBAL_DELETE = 0x001000,
	JZ_GP_GLOBAL_LOCK = 0x000800,
	JZ_GP_GLOBAL_REGISTRY = 0x000400,
	JZ_GP_FINAL_APPLICATION = 0x000200,
};

enum jz_gp_tag {
	JZ_GP_TAG_AID = 0x4F,
	JZ_GP_TAG_LIST = 0x5C, /* of the tags wanted */
	JZ_GP_TAG_FCI = 0x6F,
	JZ_GP_TAG_DF_NAME = 0x84,
	JZ_GP_TAG_PROPRIETARY = 0xA5,
	JZ_GP_TAG_MAX_DATA = 0x9F65, /* of one short command */
	/* GET DATA */
	JZ_GP_TAG_IIN = 0x42,
	JZ_GP_TAG_CIN = 0x45,
	JZ_GP_TAG_CARD_DATA = 0x66,
	JZ_GP_TAG_CAPABILITIES = 0x67,
	JZ_GP_TAG_RECOGNITION = 0x73, /* security domain management data */
	JZ_GP_TAG_SEQUENCE = 0xC1,
	JZ_GP_TAG_KDD = 0xCF,
	JZ_GP_TAG_KEYS = 0xE0,
	JZ_GP_TAG_KEY = 0xC0,
	JZ_GP_TAG_CPLC = 0x9F7F,
	JZ_GP_TAG_RESOURCES = 0xFF21,  /* ETSI TS 102 226 8.2.1.7.2 */
	JZ_GP_TAG_STATISTICS = 0xDF20, /* ours */
	/* GET STATUS, table 11-36 */
	JZ_GP_TAG_ENTRY = 0xE3,
	JZ_GP_TAG_STATE = 0x9F70,
	JZ_GP_TAG_PRIVILEGES = 0xC5,
	JZ_GP_TAG_LOAD_FILE = 0xC4,
	JZ_GP_TAG_MODULE = 0x84,
	JZ_GP_TAG_ITS_DOMAIN = 0xCC,
	/* INSTALL's parameters, table 11-49 */
	JZ_GP_TAG_PARAMETERS = 0xC9, /* the applet's own */
	JZ_GP_TAG_SYSTEM = 0xEF,
	JZ_GP_TAG_VOLATILE = 0xC7,     /* bytes of transient memory */
	JZ_GP_TAG_NON_VOLATILE = 0xC8, /* of persistent memory */
	/* DELETE [key], table 11-24 */
	JZ_GP_TAG_KEY_ID = 0xD0,
	JZ_GP_TAG_KEY_VERSION = 0xD2,
};

#endif
