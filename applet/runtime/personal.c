/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs and PINs of applets that are personalised. */
#include "personal.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"

#define TAG_POINT 0x86

uint16_t
jz_make_key_pair(struct jz_applet *self, const struct jz_key_pair *slot,
    const uint8_t *has_key, struct jz_span in)
{
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_cursor c = jz_cursor(in);
	struct jz_key_pair key;
	struct jz_span v;
	int err;

	if (jz_tlv_expect(&c, JZ_TAG_PUBLIC, &v) != 0 || v.len != 0 ||
	    !jz_cursor_end(&c))
		return JZ_SW_DATA;
	if (*has_key != 0)
		return JZ_SW_OK;
	err = e->crypto->generate(e->state, &key);
	if (err == 0) {
		jz_write(self, slot, &key, sizeof(key));
		jz_write_u8(self, has_key, 1);
	}
	jz_wipe(&key, sizeof(key));
	return err == 0 ? JZ_SW_OK : jz_runtime_status(err);
}

void
jz_put_public_key(const struct jz_key_pair *key, struct jz_buffer *out)
{
	size_t mark = jz_tlv_open(out, JZ_TAG_PUBLIC);

	jz_tlv_put(out, TAG_POINT, key->public_key, JZ_PUBLIC_BYTES_EC);
	jz_tlv_close(out, mark);
}

bool
jz_pin_is_digits(struct jz_span pin)
{
	for (size_t i = 0; i < pin.len; i++) {
		uint8_t high = pin.data[i] >> 4, low = pin.data[i] & 0xF;

		if (high > 9 || (low > 9 && (low != 0xF || i + 1 != pin.len)))
			return false;
	}
	return true;
}
