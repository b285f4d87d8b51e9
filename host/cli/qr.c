/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QR codes in pictures.
 */
#define _POSIX_C_SOURCE 200809L

#include "qr.h"

#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>
#include <zbar.h>

#define SIDE_MAX    4096u /* of a picture that is read */
#define FILE_MAX    (4u << 20)
#define GREY	    0x30303859 /* "Y800", as zbar names it */
#define QUIET	    4u	       /* ISO/IEC 18004 6.3.8: modules around */
#define MODULE_DOTS 8u
#define LIGHT	    0xFF

/* ---- reading ------------------------------------------------------------ */

static int
no_picture(struct jz_cli *c, const char *path, const char *why)
{
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "%s: not a PNG picture: %s", "%s：不是 PNG 图片：%s"),
	    path, why);
}

/* A grey picture, to be freed. */
static int
read_grey(struct jz_cli *c, const char *path, struct jz_span file,
    png_image *image, uint8_t **pixels)
{
	memset(image, 0, sizeof(*image));
	image->version = PNG_IMAGE_VERSION;
	if (png_image_begin_read_from_memory(image, file.data, file.len) == 0)
		return no_picture(c, path, image->message);
	if (image->width > SIDE_MAX || image->height > SIDE_MAX) {
		png_image_free(image);
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s: a picture of more than %u x %u dots",
			"%s：图片超过 %u x %u 点"),
		    path, SIDE_MAX, SIDE_MAX);
	}
	image->format = PNG_FORMAT_GRAY;
	*pixels = malloc(PNG_IMAGE_SIZE(*image));
	if (*pixels == NULL) {
		png_image_free(image);
		return JZ_ERR_MEMORY;
	}
	/* What is transparent is paper. */
	if (png_image_finish_read(image, &(png_color){LIGHT, LIGHT, LIGHT},
		*pixels, 0, NULL) == 0)
		return no_picture(c, path, image->message);
	return 0;
}

static int
take_symbol(struct jz_cli *c, const char *path, const zbar_image_t *image,
    int found, struct jz_buffer *out)
{
	const zbar_symbol_t *s;

	if (found <= 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s: no QR code in the picture",
			"%s：图片中没有二维码"),
		    path);
	if (found > 1)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s: more than one QR code in the picture",
			"%s：图片中有多个二维码"),
		    path);
	s = zbar_image_first_symbol(image);
	jz_put(out, zbar_symbol_get_data(s), zbar_symbol_get_data_length(s));
	return out->bad ? JZ_ERR_SPACE : 0;
}

/* Bytes as they are: zbar would guess at a character set. */
static int
scan(struct jz_cli *c, const char *path, const png_image *picture,
    const uint8_t *pixels, struct jz_buffer *out)
{
	zbar_image_scanner_t *scanner = zbar_image_scanner_create();
	zbar_image_t *image = zbar_image_create();
	int err = JZ_ERR_MEMORY;

	if (scanner != NULL && image != NULL) {
		zbar_image_scanner_set_config(
		    scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
		zbar_image_scanner_set_config(
		    scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
		zbar_image_scanner_set_config(
		    scanner, ZBAR_QRCODE, ZBAR_CFG_BINARY, 1);
		zbar_image_set_format(image, GREY);
		zbar_image_set_size(image, picture->width, picture->height);
		zbar_image_set_data(
		    image, pixels, PNG_IMAGE_SIZE(*picture), NULL);
		err = take_symbol(
		    c, path, image, zbar_scan_image(scanner, image), out);
	}
	if (image != NULL)
		zbar_image_destroy(image);
	if (scanner != NULL)
		zbar_image_scanner_destroy(scanner);
	return err;
}

int
jz_cli_qr_read(struct jz_cli *c, const char *path, struct jz_buffer *out)
{
	uint8_t *bytes = malloc(FILE_MAX), *pixels = NULL;
	struct jz_buffer file = jz_buffer(bytes, FILE_MAX);
	png_image picture;
	int err =
	    bytes == NULL ? JZ_ERR_MEMORY : jz_cli_read_file(c, path, &file);

	if (err == 0)
		err = read_grey(
		    c, path, jz_buffer_span(&file), &picture, &pixels);
	if (err == 0)
		err = scan(c, path, &picture, pixels, out);
	free(pixels);
	free(bytes);
	return err;
}

/* ---- making ------------------------------------------------------------- */

/* Whether the module is dark; around the code nothing is. */
static bool
is_dark(const QRcode *code, unsigned x, unsigned y)
{
	unsigned w = (unsigned)code->width;

	return x >= QUIET && y >= QUIET && x < QUIET + w && y < QUIET + w &&
	    (code->data[(y - QUIET) * w + x - QUIET] & 1) != 0;
}

/* Two modules in a character; light is what is drawn, since terminals are
 * dark more often than not, and colours are said besides. */
static void
print_code(const QRcode *code)
{
	static const char *const cells[] = {"█", "▀", "▄", " "};
	unsigned side = (unsigned)code->width + 2 * QUIET;

	for (unsigned y = 0; y < side; y += 2) {
		fputs("\x1B[97;40m", stdout);
		for (unsigned x = 0; x < side; x++) {
			unsigned upper = is_dark(code, x, y) ? 2 : 0;
			unsigned lower = is_dark(code, x, y + 1) ? 1 : 0;

			fputs(cells[upper + lower], stdout);
		}
		fputs("\x1B[0m\n", stdout);
	}
}

static int
write_png(struct jz_cli *c, const char *path, const QRcode *code)
{
	unsigned side = ((unsigned)code->width + 2 * QUIET) * MODULE_DOTS;
	png_image image = {.version = PNG_IMAGE_VERSION,
	    .width = side,
	    .height = side,
	    .format = PNG_FORMAT_GRAY};
	uint8_t *dots = malloc((size_t)side * side), *file = NULL;
	png_alloc_size_t len = 0;
	int err = JZ_ERR_MEMORY;

	if (dots == NULL)
		return err;
	for (unsigned y = 0; y < side; y++)
		for (unsigned x = 0; x < side; x++)
			dots[(size_t)y * side + x] =
			    is_dark(code, x / MODULE_DOTS, y / MODULE_DOTS)
			    ? 0
			    : LIGHT;
	if (png_image_write_get_memory_size(image, len, 0, dots, 0, NULL) != 0)
		file = malloc(len);
	if (file != NULL &&
	    png_image_write_to_memory(&image, file, &len, 0, dots, 0, NULL) !=
		0)
		err = jz_cli_write_file(c, path, jz_span(file, len));
	free(file);
	free(dots);
	return err;
}

int
jz_cli_qr_write(struct jz_cli *c, const char *path, const char *text)
{
	QRcode *code = NULL;
	int err = 0;

	if (strlen(text) <= JZ_QR_TEXT_MAX)
		code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (code == NULL)
		return jz_cli_fail(c, JZ_ERR_RANGE,
		    jz_tr(c, "more than a QR code can hold (%u bytes)",
			"超过二维码容量（%u 字节）"),
		    JZ_QR_TEXT_MAX);
	if (path != NULL)
		err = write_png(c, path, code);
	else
		print_code(code);
	QRcode_free(code);
	return err;
}
