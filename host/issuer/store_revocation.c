/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts of revocation in and out of the store.
 */
#include "sql.h"

#include <string.h>

#include "../../apdu/error.h"

static bool
story_row(struct jz_rows *st, struct jz_revocation_story *out)
{
	memset(out, 0, sizeof(*out));
	out->version = (uint32_t)jz_sql_int(st, 0);
	out->time = jz_sql_int(st, 1);
	out->generation = (uint16_t)jz_sql_int(st, 2);
	out->has_card = !jz_sql_null(st, 3);
	return (!out->has_card ||
		   jz_sql_bytes(st, 3, out->card_id, JZ_ID_BYTES)) &&
	    jz_sql_text(st, 4, out->reason, sizeof(out->reason)) &&
	    jz_sql_blob(st, 5, out->list, sizeof(out->list), &out->list_len);
}

int
jz_store_revocation(struct jz_store *s, struct jz_revocation_story *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, JZ_SQL_REVOCATION, NULL, 0, &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !story_row(st, out))
		err = jz_sql_wrong(s, "a revocation's row is damaged");
	jz_sql_done(st);
	return err;
}

int
jz_store_revocation_add(struct jz_store *s, const struct jz_revocation_story *r)
{
	return jz_sql_run(s, JZ_SQL_REVOCATION_ADD,
	    JZ_VALUES(jz_v_int(r->version), jz_v_int(r->time),
		jz_v_int(r->generation),
		r->has_card ? jz_v_id(r->card_id) : jz_v_text(""),
		jz_v_text(r->reason), jz_v_blob(r->list, r->list_len)));
}

int
jz_store_each_revocation(struct jz_store *s,
    int (*each)(const struct jz_revocation_story *r, void *arg), void *arg)
{
	struct jz_revocation_story story;
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(s, JZ_SQL_EACH_REVOCATION, NULL, 0, &st);

	while (err == 0 && stop == 0) {
		err = jz_sql_row(s, st);
		if (err == 0 && !story_row(st, &story))
			err = jz_sql_wrong(s, "a revocation's row is damaged");
		if (err == 0)
			stop = each(&story, arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}
