/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of fuzz_manager.c: what an issuer says, in clear.  Key sets are
 * enciphered under the card's own DEK, so they are made here.
 *
 *	test_manager_seeds		whether they are so still
 *	test_manager_seeds DIRECTORY	makes them anew
 */
#include "../support/managed.h"
#include "../support/seeds.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS	"test/fuzz/seeds/manager"
#define NOTE	"05F04E4F5445 05F04E4F5445 06F04E4F5445"
#define BESIDE	"!" /* not in the channel */
#define LINES	16
#define PUT_KEY "="

/*
 * Commands in hexadecimal; "!" before one: beside the channel.  "=": PUT KEY
 * with the header that follows, and a good set whose version is after that.
 */
struct seed {
	const char *name;
	uint8_t level; /* in MANAGED_LEVELS */
	const char *command[LINES];
};

/* clang-format off */
static const struct seed LIST[] = {
	{"data", 1, {BESIDE "80CA004200", BESIDE "00CA006600",
	    BESIDE "80CA006700", BESIDE "80CA00E000", "80CA00C100",
	    "80CA00CF00", "80CA9F7F00", "80CAFF2100", "80CADF2000",
	    "80CA004500", "80CA123400"}},
	{"status", 0, {"80F28002024F0000", "80F24002024F0000",
	    "80F22002024F0000", "80F21002024F0000", "80F24003024F0000",
	    "80F240020A4F05F04E4F54455C014F00", "80F24002074F05F04E4F544500"}},
	{"install", 0, {"80E60C0019" NOTE "02 0100 02C900 00 00",
	    "80E6040019" NOTE "03 0100 02C900 00 00",
	    "80E608000D" "00 00 06F04E4F544503 0100 00 00 00",
	    "80E60C0024" NOTE "04 0104 0DC90101EF08C7020020C8020200 00 00",
	    "80F24002024F0000", "80E40000084F06F04E4F54450200",
	    "80E40080084F06F04E4F54450300", "80E400800A4F08F04A49414F5A490100"}},
	{"personalise", 2, {"80E620000C" "00 00 06F04E4F544501 00 00 00 00",
	    "80E2110002AABB00", "80E2910103CCDDEE00", "80E290000B420312345645040011223300",
	    BESIDE "00A4040006F04E4F54450100", BESIDE "8010000000"}},
	{"purse", 0, {"80E620000E" "00 00 08F04A49414F5A4901 00 00 00 00",
	    "80E21100037F490000", BESIDE "00A4040008F04A49414F5A490100",
	    BESIDE "002000010312345600", BESIDE "805C000204",
	    "80F2400202 4F00 00"}},
	{"keys", 0, {PUT_KEY "80D8008102", "80CA00E000", PUT_KEY "80D8018103",
	    PUT_KEY "80D8008104", PUT_KEY "80D8008105", "80E4000003D2010400",
	    "80E4000006D20102D0010100", "80F28002024F0000"}},
	{"locks", 4, {"80F0408306F04E4F544501", "80F24002024F0000",
	    "80F0400706F04E4F544501", "80F0800700", "80F0800F00",
	    "80F0807F00", "80F24002024F0000", BESIDE "00A4040008F04A49414F5A490100",
	    "80F0800F00", "80F0407F08F04A49414F5A4901"}},
	{"terminate", 3, {"80F080FF00", "80F28002024F0000",
	    BESIDE "80CA006600", BESIDE "8050000008010203040506070800"}},
	{"beside", 0, {BESIDE "8050000008010203040506070800",
	    BESIDE "84820100100000000000000000000000000000000000",
	    BESIDE "0070000001", BESIDE "01A4040000", BESIDE "8150000008010203040506070800",
	    "80F28002024F0000", BESIDE "84F28002024F0000", "80F28002024F0000",
	    BESIDE "80E40000084F06F04E4F54450100", "80F28002024F0000"}},
};
/* clang-format on */

static void
put_line(struct jz_buffer *b, const struct gp *g, const char *line)
{
	bool beside = line[0] == BESIDE[0], keys = line[0] == PUT_KEY[0];
	struct blob command = gp_bytes(beside || keys ? line + 1 : line);
	struct jz_scp03_keys set = gp_keys(command.data[command.len - 1]);
	struct blob data;

	if (keys) {
		data = gp_put_key_data(g, command.data[command.len - 1], &set);
		command.data[command.len - 1] = (uint8_t)data.len;
		memcpy(command.data + command.len, data.data, data.len);
		command.len += data.len;
		command.data[command.len++] = 0;
	}
	jz_put_u16(
	    b, (uint16_t)(command.len | (beside ? MANAGED_AS_IT_IS : 0)));
	jz_put(b, command.data, command.len);
}

int
main(int argc, char **argv)
{
	struct seeds s = {SEEDS, argc > 1 ? argv[1] : NULL, 0};
	static uint8_t bytes[SEED_MAX];
	struct managed *m = managed_new();
	struct gp g = {.engine = m->rig.engine};

	memcpy(g.dek, m->keys.dek, sizeof(g.dek));
	for (size_t i = 0; i < sizeof(LIST) / sizeof(LIST[0]); i++) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		jz_put_u8(&b, LIST[i].level);
		for (unsigned k = 0; k < LINES && LIST[i].command[k] != NULL;
		     k++)
			put_line(&b, &g, LIST[i].command[k]);
		assert_false(b.bad);
		seeds_end(&s, LIST[i].name, jz_buffer_span(&b));
	}
	managed_free(&m);
	return s.stale != 0;
}
