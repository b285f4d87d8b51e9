/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "loads.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

#define PEM_MAX	   16384u
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3" /* as serve.c has it */

struct constant {
	struct MHD_Daemon *daemon;
	const char *permission, *done;
};

static int begun; /* what marks a request that has begun */

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	const struct constant *c = arg;
	const char *text =
	    strstr(url, "permit") != NULL ? c->permission : c->done;
	struct MHD_Response *r;
	enum MHD_Result rc;

	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL || *len != 0) {
		*state = &begun;
		*len = 0;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	rc = MHD_queue_response(connection, 200, r);
	MHD_destroy_response(r);
	return rc;
}

static bool
read_text(const char *path, char out[static PEM_MAX])
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(out, 1, PEM_MAX - 1, f);
	out[n] = '\0';
	(void)fclose(f);
	return n > 0;
}

int
constant_start(const struct daemon *files, unsigned workers,
    const char *permission, const char *done, struct constant **out)
{
	char certificate[PEM_MAX], key[PEM_MAX];
	struct constant *c = calloc(1, sizeof(*c));

	*out = c;
	if (c == NULL)
		return JZ_ERR_MEMORY;
	c->permission = permission;
	c->done = done;
	if (!read_text(files->certificate, certificate) ||
	    !read_text(files->key, key))
		return JZ_ERR_NOT_FOUND;
	c->daemon = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS, 0,
	    NULL, NULL, on_request, c, MHD_OPTION_THREAD_POOL_SIZE, workers,
	    MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY,
	    key, MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_END);
	return c->daemon != NULL ? 0 : JZ_ERR_SYSTEM;
}

void
constant_daemon(
    const struct constant *c, const struct daemon *like, struct daemon *out)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_BIND_PORT);

	*out = *like;
	snprintf(out->url, sizeof(out->url), "https://127.0.0.1:%u",
	    info != NULL ? (unsigned)info->port : 0u);
}

void
constant_stop(struct constant **c)
{
	if (*c == NULL)
		return;
	if ((*c)->daemon != NULL)
		MHD_stop_daemon((*c)->daemon);
	free(*c);
	*c = NULL;
}
