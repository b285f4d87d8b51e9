/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction on its way to an e-signature card: typed as options, or in a
 * JSON object of texts that comes from a file, standard input, or a QR code
 * (JPS-21).  An option says what the object does not.
 */
#ifndef JZ_CLI_ORDER_H
#define JZ_CLI_ORDER_H

#include "../../apdu/esign.h"
#include "cli.h"

struct jz_cli_order {
	const char *account, *amount, *currency, *to, *name, *details;
	json_t *json; /* lends the texts */
	uint16_t code;
	uint64_t minor;
	uint8_t bytes[JZ_ESIGN_ORDER_MAX]; /* whole FF31 */
	size_t len;
};

/* What is said, amount and payee at least; explained.  Freed by
 * jz_cli_order_free(), also after an error. */
int jz_cli_order_read(struct jz_cli *c, struct jz_cli_order *o);
/* The message: with an account too. */
int jz_cli_order_make(struct jz_cli *c, struct jz_cli_order *o);
void jz_cli_order_free(struct jz_cli_order *o);

#endif
