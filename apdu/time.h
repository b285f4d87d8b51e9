/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time on the wire: JR/T 0025 writes a date as YYYYMMDD and a time as HHMMSS
 * in BCD; we write both in a row, seven bytes, UTC.  In memory a time is the
 * number of seconds since 1970-01-01T00:00:00Z; 0 stands for "not known" and
 * is written as seven zero bytes.  Certificates use six unpacked digits
 * YYMMDD (TR-03110 part 3, D.2.1.3).
 */
#ifndef JZ_APDU_TIME_H
#define JZ_APDU_TIME_H

#include <stdint.h>

#define JZ_TIME_BYTES 7
#define JZ_TIME_LAST  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Writes a time from 1970 to 9999; out of range writes zeros. */
void jz_time_to_bcd(int64_t utc, uint8_t out[static JZ_TIME_BYTES]);

/* 0 on success, JZ_ERR_MESSAGE when it is no date or no time of day. */
int jz_time_from_bcd(const uint8_t in[static JZ_TIME_BYTES], int64_t *utc);

/* Six unpacked digits YYMMDD of 2000-2099, midnight UTC; JZ_ERR_MESSAGE. */
int jz_date_from_digits(const uint8_t in[static 6], int64_t *utc);
int jz_date_to_digits(int64_t utc, uint8_t out[static 6]);

/* "2026-01-31T23:59:59Z" (20 characters and NUL), or "-" for 0. */
void jz_time_to_text(int64_t utc, char out[static 21]);

#endif
