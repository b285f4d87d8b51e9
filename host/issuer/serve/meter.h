/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon counts, in Prometheus' text format, and how fast one address
 * may ask.
 */
#ifndef JZ_HOST_ISSUER_SERVE_METER_H
#define JZ_HOST_ISSUER_SERVE_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../issuer.h"

struct jz_meter;

/* rate: requests a second from one address, twice that at once; 0: any. */
int jz_meter_new(unsigned rate, struct jz_meter **out);
void jz_meter_free(struct jz_meter **meter);

/* Any thread, these three. */

/* One answer: path (jz_route_of), status, code ("" or a static string). */
void jz_meter_count(struct jz_meter *m, unsigned route, unsigned status,
    const char *code, uint64_t microseconds);
/* May this address (its bytes) ask now?  Counts the question. */
bool jz_meter_admits(struct jz_meter *m, const void *address, size_t len,
    uint64_t now_microseconds);
/* Writes all of it. */
void jz_meter_print(struct jz_meter *m, FILE *out);

#endif
