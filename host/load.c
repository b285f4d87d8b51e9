/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load (圈存): request, permission, report.
 *
 * The issuer debits the account before it permits; the card credits before it
 * reports.  A load cut off before the credit is finished by the same load
 * again: the card repeats its open request, the issuer its permission.  When
 * the report is lost, the same permission is given again: the card credits a
 * counter once, and repeats its report.  A report that never comes reaches the
 * issuer as a record at settlement.
 */
#include "pay.h"

/* Credits; asks once more when the card lost its power over the report. */
static int
credit(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *report)
{
	int err = jz_purse_credit_for_load(s, permission, report);

	if (err != JZ_ERR_CARD_RESET && err != JZ_ERR_TRANSMIT)
		return err;
	*report = jz_buffer(report->data, report->cap);
	err = jz_purse_select(s);
	return err != 0 ? err : jz_purse_credit_for_load(s, permission, report);
}

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
		err = credit(s, jz_buffer_span(&permission), &report);
	if (err == 0)
		err = jz_issuer_load_report(issuer, jz_buffer_span(&report));
	return err;
}
