/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tiny ruleset for tests of what is around the rules: class 0 is denied everything, class 1
 * allowed everything, class 2 too. 10.0.0.1 is of class 1, everything else of class 0.
 */
#ifndef TG_TEST_TINY_H
#define TG_TEST_TINY_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

#include <tidegate/control.h>

#include "builder.h"

#define TINY_CLASSES 3

#define TINY_CLASS(verdict, family_)                                                        \
	{                                                                                   \
		.row = {TG_NONE, TG_NONE}, .column = {TG_NONE, TG_NONE, TG_NONE},           \
		.default_program = {(verdict), (verdict)},                                  \
		.kind = (family_) == 0 ? TG_KIND_UNKNOWN : TG_KIND_POD, .family = (family_) \
	}
#define TINY_DENY TG_PROGRAM_DIRECT
#define TINY_ALLOW \
	(TG_PROGRAM_DIRECT | TG_ACTION_ALLOW << TG_VERDICT_ACTION_SHIFT | TG_BUILTIN_DEFAULT_ALLOW)

/* Free it with free(). */
static inline void *tiny_image(uint64_t generation, uint64_t delta_sequence, size_t *size)
{
	static const struct tg_image_class classes[TINY_CLASSES] = {
		TINY_CLASS(TINY_DENY, 0), TINY_CLASS(TINY_ALLOW, 4), TINY_CLASS(TINY_ALLOW, 4)};
	static const struct tg_image_addr4 addr4[] = {
		{.addr = 0x0a000001, .cls = 1, .node = TG_NONE}};
	static const struct tg_image_prefix4 prefix4[] = {{.cls = 0}};
	static const struct tg_image_prefix6 prefix6[] = {{.cls = 0}};
	struct tg_image_parts parts = {
		.addr4 = addr4,
		.n_addr4 = 1,
		.prefix4 = prefix4,
		.n_prefix4 = 1,
		.prefix6 = prefix6,
		.n_prefix6 = 1,
		.classes = classes,
		.n_classes = TINY_CLASSES,
		.strings = "",
		.n_strings = 1,
		.generation = generation,
		.delta_sequence = delta_sequence,
		.slot_limit = TG_SLOT_FIRST,
	};
	void *image;

	if (tg_image_build(&parts, &image, size) != 0)
		abort();
	return image;
}

#define TINY_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A memfd with `size` bytes and these seals. */
static inline int tiny_memfd(const void *data, size_t size, int seals)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, seals) != 0)
		abort();
	return fd;
}

static inline struct tg_classmap_entry tiny_entry(uint8_t last, uint32_t cls)
{
	return (struct tg_classmap_entry){
		.addr = {10, 0, 0, last}, .family = 4, .cls = cls, .node = TG_NONE};
}

#endif
