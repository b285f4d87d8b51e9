/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rig's database in PostgreSQL, from outside: for issuerrig.c alone.
 */
#ifndef JZ_TEST_SUPPORT_RIGPOSTGRES_H
#define JZ_TEST_SUPPORT_RIGPOSTGRES_H

#include "issuerrig.h"

/* A new schema, when JIAOZI_TEST_POSTGRES names a database; r->store. */
void rig_postgres_begin(struct rig *r);
void rig_postgres_end(struct rig *r);
int64_t rig_postgres_number(const struct rig *r, const char *sql);
uint64_t rig_postgres_snapshot(const struct rig *r);

#endif
