/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our SQL in PostgreSQL's words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../host/issuer/sql.h"

static void
test_queries(void **state)
{
	static const char *const CASES[][2] = {
	    {"", ""},
	    {"SELECT 1", "SELECT 1"},
	    {"SELECT a FROM b WHERE c = ? AND d = ?",
		"SELECT a FROM b WHERE c = $1 AND d = $2"},
	    {"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"},
	    {"?", "$1"},
	    {"??????????", "$1$2$3$4$5$6$7$8$9$10"},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(CASES) / sizeof(CASES[0]); k++) {
		char *text = jz_dialect_query(CASES[k][0]);

		assert_string_equal(text, CASES[k][1]);
		free(text);
	}
}

static void
test_schema(void **state)
{
	static const char *const CASES[][2] = {
	    {"", ""},
	    {"CREATE TABLE a (b INTEGER, c BLOB, d TEXT) STRICT;",
		"CREATE TABLE a (b BIGINT, c BYTEA, d TEXT) ;"},
	    {"INTEGER;INTEGERS;AN_INTEGER;BLOB",
		"BIGINT;INTEGERS;AN_INTEGER;"
		"BYTEA"},
	    {"A;CREATE TRIGGER x BEFORE UPDATE ON y BEGIN SELECT 1; END;B;",
		"A;B;"},
	    {"CREATE TRIGGER x BEGIN SELECT 1; END;", ""},
	    {"CREATE TRIGGER x BEGIN SELECT 1; END;CREATE TRIGGER y BEGIN "
	     "SELECT 2; END;CREATE INDEX z;",
		"CREATE INDEX z;"},
	    {"CREATE TRIGGER x without an end", ""},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(CASES) / sizeof(CASES[0]); k++) {
		char *text = jz_dialect_schema(CASES[k][0]);

		assert_string_equal(text, CASES[k][1]);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_queries),
	    cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
