/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, for compilers without libFuzzer:
 *
 *   replay FILE-OR-DIRECTORY...
 *
 * Of a directory the files in it are run, not those in its folders.  Prints
 * how many there were; none is a failure, and so is one that cannot be read.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A memory block of the file's exact size, so that a sanitizer sees its end. */
static int
run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return -1;
	if (size > 0)
		memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int
run_file(const char *path, unsigned *count)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;
	int rc = -1;

	if (f == NULL || data == NULL)
		goto out;
	size = fread(data, 1, INPUT_MAX, f);
	/* One more byte, or an error: not a file that we can run whole. */
	if (ferror(f) || fgetc(f) != EOF)
		goto out;
	rc = run(data, size);
	*count += rc == 0;
out:
	if (rc != 0)
		fprintf(stderr, "%s: cannot be run: %s\n", path,
		    errno != 0 ? strerror(errno) : "too long");
	free(data);
	if (f != NULL)
		(void)fclose(f);
	return rc;
}

static int
run_directory(const char *path, unsigned *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		perror(path);
		return -1;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		char name[PATH_MAX];
		struct stat st;
		int n =
		    snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);

		if (n < 0 || (size_t)n >= sizeof(name))
			rc = -1;
		else if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			rc = run_file(name, count);
	}
	(void)closedir(dir);
	return rc;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	int rc = 0;

	for (int i = 1; rc == 0 && i < argc; i++) {
		struct stat st;

		errno = 0;
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			rc = run_directory(argv[i], &count);
		else
			rc = run_file(argv[i], &count);
	}
	printf("%u inputs\n", count);
	return rc == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
