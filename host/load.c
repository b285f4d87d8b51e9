/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load (圈存): request, permission, report.
 *
 * The issuer debits the account before it permits; the card credits before it
 * reports.  A load that was cut off anywhere is finished by doing the same load
 * again: the card repeats its open request, the issuer its permission, and the
 * card credits that one counter once.
 */
#include "pay.h"

int
jz_load(struct jz_session *s, struct jz_issuer *issuer, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	uint8_t ask[JZ_MESSAGE_MAX], may[JZ_MESSAGE_MAX], did[JZ_MESSAGE_MAX];
	struct jz_buffer request = jz_buffer(ask, sizeof(ask));
	struct jz_buffer permission = jz_buffer(may, sizeof(may));
	struct jz_buffer report = jz_buffer(did, sizeof(did));
	int err;

	err = jz_purse_load_request(s, amount_minor, terminal, &request);
	if (err == 0)
		err = jz_issuer_load_permit(
		    issuer, jz_buffer_span(&request), &permission);
	if (err == 0)
		err = jz_purse_credit_for_load(
		    s, jz_buffer_span(&permission), &report);
	if (err == 0)
		err = jz_issuer_load_report(issuer, jz_buffer_span(&report));
	return err;
}
