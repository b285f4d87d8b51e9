/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer's daemon and its clients say to each other: JSON objects over
 * HTTPS, in which a card's message is hexadecimal (docs/adr/0019-daemon.md).
 */
#ifndef JZ_HOST_WIRE_H
#define JZ_HOST_WIRE_H

#include <jansson.h>

#include "../apdu/bytes.h"

/* The longest body that is read, by either side. */
#define JZ_WIRE_REQUEST_MAX 16384u
#define JZ_WIRE_ANSWER_MAX  (1024u * 1024u)

#define JZ_WIRE_PERMIT	      "/v1/load/permit"
#define JZ_WIRE_REPORT	      "/v1/load/report"
#define JZ_WIRE_CANCEL	      "/v1/load/cancel"
#define JZ_WIRE_FIND	      "/v1/load/find"
#define JZ_WIRE_UNLOAD_PERMIT "/v1/unload/permit"
#define JZ_WIRE_UNLOAD_PROOF  "/v1/unload/proof"
#define JZ_WIRE_REPLACE	      "/v1/replace/begin"
#define JZ_WIRE_REPLACE_LOAD  "/v1/replace/load"
#define JZ_WIRE_REPLACED      "/v1/replace/end"
#define JZ_WIRE_CHALLENGE     "/v1/settle/challenge"
#define JZ_WIRE_SIGN_IN	      "/v1/settle/sign-in"
#define JZ_WIRE_BATCH	      "/v1/settle/batch"
#define JZ_WIRE_OWED	      "/v1/settle/owed"
#define JZ_WIRE_SUBMIT	      "/v1/sign/submit"
#define JZ_WIRE_ACCOUNT	      "/v1/account"
#define JZ_WIRE_READMIT	      "/v1/card/readmit"
#define JZ_WIRE_ISSUER	      "/v1/issuer"
#define JZ_WIRE_REVOCATION    "/v1/revocation"
#define JZ_WIRE_HEALTH	      "/health"
#define JZ_WIRE_METRICS	      "/metrics"

/* What JZ_WIRE_FIND calls the states of a load, by enum jz_load_state. */
#define JZ_WIRE_STATES                                                         \
	{                                                                      \
		"unknown", "permitted", "reported", "cancelled"                \
	}

/* Hexadecimal; NULL when there is no memory. */
json_t *jz_wire_hex(struct jz_span bytes);
/* Appends a hexadecimal string's bytes.  False for anything else. */
bool jz_wire_bytes(const json_t *hex, struct jz_buffer *out);
/* Wipes a string's own copy of a secret. */
void jz_wire_wipe(json_t *text);
/* One JSON object and nothing after it, no member twice; NULL. */
json_t *jz_wire_object(struct jz_span text);

#endif
