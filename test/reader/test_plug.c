/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins on virtual cards, as the host side sees them: put on, made into
 * applets by GlobalPlatform, kept, upgraded, lost and found again; and strict
 * mode.
 */
#define _XOPEN_SOURCE 700

#include "../../reader/virtual.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/gpclient.h"
#include "../support/plugins.h"

static const char SELECT[] = "00A4040005 F043415345 00";
static const char ADD[] = "80100000";
static const char READ[] = "8012000004";
/* Load file, module and instance of that AID, limit of tries and PIN. */
static const char INSTALL[] =
    "05F043415345 05F043415345 05F043415345 0100 07C90503 31323334 00";

struct fixture {
	struct jz_engine engine;
	struct jz_virtual *card;
	struct port port;
	char dir[PATH_MAX / 4];
	char path[PATH_MAX / 2];
	char applets[PATH_MAX / 2];
};

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	const struct fixture *f = state;

	return jz_virtual_process(f->card, cmd, len, rsp, cap);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->port = (struct port){transmit, f};
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &f->engine), 0);
	folder_new(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/a.card", f->dir);
	snprintf(f->applets, sizeof(f->applets), "%s/a.card.applets", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	jz_virtual_free(&f->card);
	folder_remove(f->dir);
	jz_openssl_free(&f->engine);
	free(f);
	return 0;
}

static void
create(struct fixture *f, const char *path, bool strict)
{
	const struct jz_virtual_options o = {.path = path, .strict = strict};

	assert_int_equal(jz_virtual_create(&o, &f->card), 0);
}

static void
reopen(struct fixture *f, bool strict)
{
	const struct jz_virtual_options o = {.path = f->path, .strict = strict};

	jz_virtual_free(&f->card);
	assert_int_equal(jz_virtual_open(&o, &f->card), 0);
}

static int
plug(struct fixture *f, const char *name)
{
	uint8_t aid[JZ_VIRTUAL_AID_MAX];
	size_t len = 0;

	return jz_virtual_plug(f->card, plugin_path(name), aid, &len);
}

/* By the card's issuer security domain, with the keys of a new card. */
static uint16_t
install(const struct fixture *f)
{
	const struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = {.port = &f->port, .engine = f->engine, .domain = GP_ISD};

	gp_open(&g, JZ_GP_KVN_INITIAL, &keys, GP_LEVEL_ALL);
	return gp_hex(&g, GP_AT_INSTALL(0x0C), INSTALL, NULL);
}

/* A card with the applet of "good", whose value is 1. */
static void
begin(struct fixture *f, const char *path, bool strict)
{
	create(f, path, strict);
	assert_int_equal(plug(f, "good"), 0);
	assert_int_equal(install(f), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
}

static void
value_is(const struct fixture *f, uint32_t value)
{
	struct jz_virtual_problem p;
	struct answer a;

	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, READ, &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	assert_int_equal(jz_get_be(a.data, 4), value);
	assert_false(jz_virtual_problem(f->card, 0, &p));
}

/* Takes the one copy beside the card away. */
static void
lose_copy(const struct fixture *f)
{
	DIR *dir = opendir(f->applets);
	struct dirent *d;
	unsigned n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			n += unlinkat(dirfd(dir), d->d_name, 0) == 0;
	closedir(dir);
	assert_int_equal(n, 1);
}

static void
test_a_plug_in_becomes_an_applet(void **state)
{
	struct fixture *f = *state;
	uint8_t aid[JZ_VIRTUAL_AID_MAX];
	size_t len = 0;

	create(f, f->path, false);
	assert_int_equal(
	    jz_virtual_plug(f->card, plugin_path("good"), aid, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(aid, "\360CASE", 5);
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_FILE);
	assert_int_equal(install(f), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
	value_is(f, 1);
	reopen(f, false);
	value_is(f, 1);
	assert_int_equal(plug(f, "later"), 0);
	value_is(f, 1001);
	reopen(f, false);
	value_is(f, 1001);
}

static void
test_a_card_without_the_copy_works_but_for_the_applet(void **state)
{
	struct fixture *f = *state;
	struct jz_virtual_problem p;

	begin(f, f->path, false);
	lose_copy(f);
	reopen(f, false);
	assert_true(jz_virtual_problem(f->card, 0, &p));
	assert_int_equal(p.error, JZ_ERR_NOT_FOUND);
	assert_int_equal(p.aid_len, 5);
	assert_memory_equal(p.aid, "\360CASE", 5);
	assert_false(jz_virtual_problem(f->card, 1, &p));
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_FILE);
	assert_int_equal(port_select(&f->port), JZ_SW_OK);
	assert_int_equal(plug(f, "good"), 0);
	value_is(f, 1);
}

static void
test_a_wrong_plug_in_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t before[32], after[32];

	create(f, f->path, false);
	assert_int_equal(jz_virtual_image_hash(f->card, before), 0);
	assert_int_equal(plug(f, "bss"), JZ_ERR_PLUGIN_DATA);
	assert_int_equal(plug(f, "abi"), JZ_ERR_PLUGIN_ABI);
	assert_int_equal(plug(f, "start"), JZ_ERR_PLUGIN_START);
	assert_int_equal(jz_virtual_image_hash(f->card, after), 0);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(folder_files(f->dir), 2); /* card and key */
	assert_int_equal(access(f->applets, F_OK), -1);
}

static void
test_a_card_in_memory_takes_plug_ins(void **state)
{
	struct fixture *f = *state;

	begin(f, NULL, false);
	value_is(f, 1);
	assert_int_equal(folder_files(f->dir), 0);
}

/* The fork lives on when the first card and the snapshot are gone. */
static void
fork_of(struct fixture *f, const struct jz_virtual_options *o)
{
	struct jz_virtual_snapshot *s = NULL;
	struct jz_virtual *fork = NULL;

	assert_int_equal(jz_virtual_save(f->card, &s), 0);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
	jz_virtual_free(&f->card);
	assert_int_equal(jz_virtual_fork(o, s, &fork), 0);
	jz_virtual_snapshot_free(&s);
	f->card = fork;
	value_is(f, 1);
}

static void
test_a_fork_has_the_plug_ins_too(void **state)
{
	struct fixture *f = *state;
	const struct jz_virtual_options memory = {.path = NULL};
	const struct jz_virtual_options file = {.path = f->path};

	begin(f, NULL, false);
	fork_of(f, &memory);
	jz_virtual_free(&f->card);
	begin(f, NULL, false);
	fork_of(f, &file);
	reopen(f, false);
	value_is(f, 1);
}

static void
test_a_reader_lends_its_virtual_card(void **state)
{
	struct fixture *f = *state;
	struct jz_virtual *v;
	struct jz_reader *r = NULL;

	create(f, NULL, false);
	v = f->card;
	assert_int_equal(jz_reader_take_virtual(&f->card, &r), 0);
	assert_ptr_equal(jz_reader_virtual(r), v);
	jz_reader_free(&r);
}

static int
nothing(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	(void)state;
	(void)cmd;
	(void)cmd_len;
	(void)rsp;
	*rsp_len = 0;
	return 0;
}

static void
close_nothing(void *state)
{
	(void)state;
}

static void
test_another_reader_has_none(void **state)
{
	static const struct jz_reader_ops ops = {
	    .scheme = "virtual", .transmit = nothing, .close = close_nothing};
	struct jz_reader *r = NULL;

	assert_int_equal(jz_reader_take("virtual:x", &ops, state, &r), 0);
	assert_null(jz_reader_virtual(r));
	jz_reader_free(&r);
}

/* ---- strict mode -------------------------------------------------------- */

/* Cards of this system may be strict; says why not. */
static bool
skipped(void)
{
	const struct jz_virtual_options o = {.path = NULL, .strict = true};
	struct jz_virtual *v = NULL;
	int e = jz_virtual_create(&o, &v);

	jz_virtual_free(&v);
	if (e == 0)
		return false;
	assert_int_equal(e, JZ_ERR_ARGUMENT);
	print_message("this system's pages are larger than 4096 bytes\n");
	skip();
	return true;
}

static void
test_a_strict_card_works_like_any_other(void **state)
{
	struct fixture *f = *state;

	if (skipped())
		return;
	begin(f, f->path, true);
	value_is(f, 1);
	assert_int_equal(port_select(&f->port), JZ_SW_OK);
	reopen(f, true);
	value_is(f, 1);
	assert_int_equal(plug(f, "later"), 0);
	value_is(f, 1001);
	/* Its file is as any other, only larger. */
	reopen(f, false);
	value_is(f, 1001);
}

static void
test_a_card_whose_regions_share_pages_cannot_be_strict(void **state)
{
	struct fixture *f = *state;
	const struct jz_virtual_options o = {.path = f->path, .strict = true};

	if (skipped())
		return;
	create(f, f->path, false);
	jz_virtual_free(&f->card);
	assert_int_equal(jz_virtual_open(&o, &f->card), JZ_ERR_UNSUPPORTED);
	assert_null(f->card);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_plug_in_becomes_an_applet),
	    TEST(test_a_card_without_the_copy_works_but_for_the_applet),
	    TEST(test_a_wrong_plug_in_changes_nothing),
	    TEST(test_a_card_in_memory_takes_plug_ins),
	    TEST(test_a_fork_has_the_plug_ins_too),
	    TEST(test_a_reader_lends_its_virtual_card),
	    TEST(test_another_reader_has_none),
	    TEST(test_a_strict_card_works_like_any_other),
	    TEST(test_a_card_whose_regions_share_pages_cannot_be_strict),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
