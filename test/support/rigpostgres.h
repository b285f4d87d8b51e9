/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rig's database in PostgreSQL, from outside: for issuerrig.c alone.
 */
#ifndef JZ_TEST_SUPPORT_RIGPOSTGRES_H
#define JZ_TEST_SUPPORT_RIGPOSTGRES_H

#include "issuerrig.h"

/* Whether a table holds what is written about a refusal (issuerrig.c). */
bool rig_is_about_refusals(const char *table);
/* A new schema, when JIAOZI_TEST_POSTGRES names a database; r->store. */
void rig_postgres_begin(struct rig *r);
void rig_postgres_end(struct rig *r);
int64_t rig_postgres_number(const struct rig *r, const char *sql);
/* refusals: as rig_snapshot(), else rig_booked(). */
uint64_t rig_postgres_snapshot(const struct rig *r, bool refusals);
/* rig_backup() and rig_put_back(). */
void rig_postgres_backup(const struct rig *r);
void rig_postgres_put_back(const struct rig *r);

#endif
