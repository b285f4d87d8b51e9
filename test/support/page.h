/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of docs/ whose examples are a run of the code: the run is carried out
 * again and compared byte for byte, or written into the page.
 *
 * An example stands in a page behind a mark with its name, fenced:
 *
 *	<!-- example: name -->
 *	```
 *	text
 *	```
 *
 * JIAOZI_SOURCE names the source folder, default ".".  Everything here fails
 * the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SUPPORT_PAGE_H
#define JZ_TEST_SUPPORT_PAGE_H

#include "port.h"

/* The examples of a run. */
struct page;

struct page *page_new(void);
void page_free(struct page **p);

/* What is put from now on belongs to this example; the name is lent. */
void page_begin(struct page *p, const char *name);
void page_text(struct page *p, const char *text);
/* A label, the bytes in hexadecimal on as many lines as they need. */
void page_bytes(struct page *p, const char *label, struct jz_span s);
/* The text of the example so far; lent. */
const char *page_so_far(const struct page *p);

/* A port that writes down what passes through another. */
struct page_recorder {
	struct page *page;
	const struct port *port;
	const char *out, *in; /* labels */
};
struct port page_port(struct page_recorder *r);

/* The page, whose path is seen from the source folder; the caller frees. */
char *page_read(const char *path);
/* Every example of the run is in the page as it is. */
void page_check(const struct page *p, const char *path);
/* The page has no other. */
void page_check_marks(const struct page *p, const char *path);
/* Puts the examples behind their marks. */
void page_write(const struct page *p, const char *path);

#endif
