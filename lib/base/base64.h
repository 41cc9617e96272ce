/* SPDX-License-Identifier: BSD-3-Clause */
/* Base64 with the standard alphabet and padding (RFC 4648 section 4). No state; any thread. */
#ifndef TG_BASE_BASE64_H
#define TG_BASE_BASE64_H

#include <stddef.h>

/* Bytes of text for `size` bytes of data, with the NUL. */
#define TG_BASE64_TEXT(size) (((size) + 2) / 3 * 4 + 1)

/*
 * Decodes a NUL-terminated text where it stands, passing over line ends; what follows the data is
 * a NUL. 0 with the size in *size; -EINVAL, and then the text is partly overwritten.
 */
int tg_base64_decode(char *text, size_t *size);
/* TG_BASE64_TEXT(size) bytes are written to `text`. */
void tg_base64_encode(const void *data, size_t size, char *text);

#endif
