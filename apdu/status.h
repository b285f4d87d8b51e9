/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status words: ISO/IEC 7816-4:2013 5.6, JR/T 0025 (PBOC), GlobalPlatform.
 *
 * One table, status.c, gives each word its name, what it means in English and
 * Chinese, and what to tell the customer in both.
 */
#ifndef JZ_APDU_STATUS_H
#define JZ_APDU_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum {
	JZ_SW_OK = 0x9000,
	JZ_SW_MORE_DATA = 0x6100, /* 61xx: xx bytes left */
	JZ_SW_UNCHANGED = 0x6200, /* a warning: there was nothing to do */
	JZ_SW_WARNING = 0x6300,
	JZ_SW_PIN_TRIES = 0x63C0,      /* 63Cx: x tries left */
	JZ_SW_MORE_AVAILABLE = 0x6310, /* GET STATUS has more */
	JZ_SW_SELECTED_LOCKED = 0x6283,
	JZ_SW_EXECUTION = 0x6400,      /* nothing changed */
	JZ_SW_MEMORY_FAILURE = 0x6581, /* storage failed */
	JZ_SW_LENGTH = 0x6700,
	JZ_SW_CHANNEL = 0x6881,
	JZ_SW_SECURE_MESSAGING = 0x6882,
	JZ_SW_LAST_BLOCK = 0x6883, /* last command of a chain expected */
	JZ_SW_CHAINING = 0x6884,
	JZ_SW_NOT_ACCEPTED = 0x6901, /* PBOC: command not accepted */
	JZ_SW_SECURITY = 0x6982,
	JZ_SW_BLOCKED = 0x6983,
	JZ_SW_REFERENCE_UNUSABLE = 0x6984,
	JZ_SW_CONDITIONS = 0x6985,
	JZ_SW_NO_EF = 0x6986, /* no applet selected */
	JZ_SW_SM_MISSING = 0x6987,
	JZ_SW_SM_WRONG = 0x6988,
	JZ_SW_SELECT_FAILED = 0x6999,
	JZ_SW_DATA = 0x6A80,
	JZ_SW_FUNCTION = 0x6A81,
	JZ_SW_FILE = 0x6A82,
	JZ_SW_RECORD = 0x6A83,
	JZ_SW_SPACE = 0x6A84,
	JZ_SW_P1P2 = 0x6A86,
	JZ_SW_REFERENCE = 0x6A88,
	JZ_SW_EXISTS = 0x6A89,
	JZ_SW_OFFSET = 0x6B00,
	JZ_SW_WRONG_LE = 0x6C00, /* 6Cxx: ask again with Le xx */
	JZ_SW_INS = 0x6D00,
	JZ_SW_CLA = 0x6E00,
	JZ_SW_UNKNOWN = 0x6F00,
	JZ_SW_FUNDS = 0x9301,	   /* PBOC */
	JZ_SW_MAC = 0x9302,	   /* PBOC: MAC invalid; our signatures */
	JZ_SW_APP_LOCKED = 0x9303, /* PBOC: application locked for good */
	JZ_SW_AMOUNT = 0x9401,	   /* PBOC: balance below the amount */
	JZ_SW_COUNTER = 0x9402,	   /* PBOC: counter at its maximum */
	JZ_SW_KEY_INDEX = 0x9403,  /* PBOC: key index not supported */
	JZ_SW_NO_MAC = 0x9406,	   /* PBOC: MAC/TAC not available */
	JZ_SW_ALGORITHM = 0x9484,  /* GlobalPlatform: of a key */
	JZ_SW_KEY_CHECK = 0x9485,  /* GlobalPlatform: its check value */
	/*
	 * Ours, in PBOC's class 94xx.  A refusal has one word each, so that a
	 * terminal can say what was wrong.
	 */
	JZ_SW_BALANCE_LIMIT = 0x9410, /* would pass the highest balance */
	JZ_SW_SINGLE_LIMIT = 0x9411,  /* above the highest single amount */
	JZ_SW_OFFLINE_LIMIT = 0x9412, /* offline sum or count used up */
	JZ_SW_LOG_FULL = 0x9413,      /* settle first */
	JZ_SW_PENDING = 0x9414,	      /* pending entry of this payer, or no
	                                    slot left */
	JZ_SW_CERT_FORGED = 0x9420,
	JZ_SW_CERT_EXPIRED = 0x9421,
	JZ_SW_CERT_NOT_YET = 0x9422,
	JZ_SW_CERT_REVOKED = 0x9423,
	JZ_SW_CERT_ROLE = 0x9424,
	JZ_SW_CERT_ISSUER = 0x9425,
	JZ_SW_CERT_SUITE = 0x9426,
	JZ_SW_CERT_MALFORMED = 0x9427,
	JZ_SW_SAME_CARD = 0x9428, /* a card does not pay itself */
	JZ_SW_MISMATCH = 0x9429,  /* data error: not what was agreed */
	JZ_SW_CURRENCY = 0x942A,
	JZ_SW_NO_PAYMENT = 0x942B, /* no open step for this message */
	JZ_SW_NOT_PERSONALISED = 0x942C,
	JZ_SW_DECRYPT = 0x942D,	  /* working key or ciphertext wrong */
	JZ_SW_PAID = 0x942E,	  /* no proof of non-payment: it was paid */
	JZ_SW_SETTLED = 0x942F,	  /* older than the log: ask the issuer */
	JZ_SW_LIST_OLD = 0x9430,  /* revocation list not newer */
	JZ_SW_ABANDONED = 0x9431, /* given up: the issuer settles it */
	JZ_SW_LEVEL = 0x9432,	  /* the payer's card is of too low assurance */
	JZ_SW_PROFILE = 0x9433,	  /* in clear where all is sealed, or sealed
	                             where it is in clear */
	JZ_SW_STRANGER = 0x9434,  /* no certificate, and none kept of that ID */
	JZ_SW_REFUND = 0x9435,	  /* not of a payment received from that card,
	                             or more than is left of it */
	JZ_SW_NOT_LISTED = 0x9436, /* the other card is not on the list */
	JZ_SW_CONFIRM = 0x9437,	   /* confirm on the card, then ask again */
	JZ_SW_DECLINED = 0x9438,   /* not confirmed on the card */
};

struct jz_status {
	uint16_t sw;   /* with x as 0 for 61xx, 63Cx, 6Cxx */
	uint16_t mask; /* FFFF, FF00 or FFF0 */
	const char *name;
	const char *text[2];	 /* by enum jz_lang: for a technician */
	const char *customer[2]; /* by enum jz_lang: for the cardholder */
};

/* The row for a status word; a row named "UNKNOWN_STATUS" when none fits. */
const struct jz_status *jz_status_find(uint16_t sw);

/* The whole table, for documents and tests; *n rows. */
const struct jz_status *jz_status_table(unsigned *n);

/* 9000, 61xx, 62xx, 63xx: the command was carried out or may carry data. */
bool jz_status_may_carry_data(uint16_t sw);

#endif
