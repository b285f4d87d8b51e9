/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements: payments' full stories, for the commands that show them.
 */
#ifndef JZ_CLI_STATEMENT_H
#define JZ_CLI_STATEMENT_H

#include "../issuer/statement.h"
#include "cli.h"

/*
 * Tells one payment by its request's digest, or all, or all of a card (16
 * characters), in the form of --form.  Errors: the issuer's; the fault of the
 * first that does not verify.
 */
int jz_cli_story(struct jz_cli *c, struct jz_issuer *issuer, const char *card,
    const uint8_t *digest);
/* What a signed message proves, for people. */
const char *jz_proof_text(const struct jz_cli *c, enum jz_kind kind);
/* Writes the stories as one page of HTML that needs nothing else: to --out, or
 * standard output. */
int jz_statement_html(struct jz_cli *c, const json_t *payments);

#endif
