/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that commands read and write whole: certificates, lists, messages.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

static bool
is_standard(const char *name)
{
	return name == NULL || strcmp(name, "-") == 0;
}

int
jz_cli_read_file(struct jz_cli *c, const char *name, struct jz_buffer *out)
{
	bool standard = is_standard(name);
	FILE *f = stdin;
	size_t n;
	int err = 0;

	if (standard)
		name = jz_tr(c, "standard input", "标准输入");
	else if ((f = fopen(name, "rb")) == NULL)
		return jz_cli_fail(c,
		    errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM,
		    "%s: %s", name, strerror(errno));
	n = fread(out->data, 1, out->cap, f);
	if (ferror(f) != 0)
		err = jz_cli_fail(
		    c, JZ_ERR_SYSTEM, "%s: %s", name, strerror(errno));
	else if (n == out->cap)
		err = jz_cli_fail(c, JZ_ERR_SPACE,
		    jz_tr(c, "%s: too long", "%s：过长"), name);
	out->len = err == 0 ? n : 0;
	if (!standard)
		(void)fclose(f);
	return err;
}

int
jz_cli_write_file(struct jz_cli *c, const char *name, struct jz_span bytes)
{
	bool standard = is_standard(name);
	FILE *f = stdout;
	size_t n;

	if (!standard && (f = fopen(name, "wb")) == NULL)
		return jz_cli_fail(
		    c, JZ_ERR_SYSTEM, "%s: %s", name, strerror(errno));
	n = fwrite(bytes.data, 1, bytes.len, f);
	if ((standard ? fflush(f) : fclose(f)) != 0 || n != bytes.len)
		return jz_cli_fail(
		    c, JZ_ERR_SYSTEM, "%s", standard ? "stdout" : name);
	return 0;
}

/* A copy with a NUL behind it is read; what is no hexadecimal stays. */
void
jz_cli_unhex(struct jz_buffer *b)
{
	char text[4 * JZ_CLI_FILE_MAX + 1];
	struct jz_buffer out = *b;

	if (b->len == 0 || b->len >= sizeof(text))
		return;
	memcpy(text, b->data, b->len);
	text[b->len] = '\0';
	if (strlen(text) != b->len)
		return;
	out.len = 0;
	if (jz_cli_from_hex(text, &out) == 0)
		b->len = out.len;
	else
		memcpy(b->data, text, b->len);
}
