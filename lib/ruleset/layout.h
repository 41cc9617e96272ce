/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer form of an image: header, section table, placement, padding, checksum. Internal to
 * the checker, which looks at the entries after this has said that each section can be read.
 */
#ifndef TG_RULESET_LAYOUT_H
#define TG_RULESET_LAYOUT_H

#include <stddef.h>

#include "image.h"

/*
 * Fills the pointers and counts of `image` from `size` bytes at `data`. Errors as tg_image_check;
 * no entry of a section has been looked at when this returns 0.
 */
int image_layout(
	const void *data, size_t size, struct tg_image *image, struct tg_image_error *error);

/* Writes `error` (index UINT64_MAX: the section as a whole) and returns -EINVAL. */
int image_refuse(struct tg_image_error *error, uint16_t section, uint64_t index, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

#endif
