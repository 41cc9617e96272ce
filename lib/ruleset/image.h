/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a ruleset image: a view with one pointer and count for each section. Made only by
 * tg_image_check, which accepts an image whose every offset, index, order and string is as
 * <tidegate/ruleset.h> says; whoever holds a view may follow every index without looking.
 */
#ifndef TG_RULESET_IMAGE_H
#define TG_RULESET_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <tidegate/ruleset.h>

#include "addr.h"

struct tg_image {
	const struct tg_image_header *header;
	const struct tg_image_addr4 *addr4;
	const struct tg_image_addr6 *addr6;
	const struct tg_image_prefix4 *prefix4;
	const struct tg_image_prefix6 *prefix6;
	const struct tg_image_class *classes;
	const struct tg_image_cell *cells;
	const struct tg_image_program *programs;
	const struct tg_image_step *steps;
	const struct tg_image_verdict_ext *exts;
	const struct tg_image_rule *rules;
	const char *strings;
	uint32_t n_addr4, n_addr6, n_prefix4, n_prefix6, n_classes, n_cells, n_programs, n_steps,
		n_exts, n_rules, n_strings;
};

/* Where and why an image was refused. */
struct tg_image_error {
	uint16_t section; /* enum tg_section_type; 0: the header */
	uint64_t index;	  /* entry; UINT64_MAX when it concerns the section as a whole */
	char text[160];
};

/*
 * Checks `size` bytes at `data` (64-byte aligned, private memory that nobody else can write) and
 * fills `image` with pointers into it. 0; -EINVAL damaged or hostile; -EPROTONOSUPPORT another
 * major version; -EFBIG too large; -ENOMEM. `error` then says where and `image` is empty. Linear in
 * the image's size.
 */
int tg_image_check(
	const void *data, size_t size, struct tg_image *image, struct tg_image_error *error);
/* CRC-32 of an image as its header's checksum field has it. */
uint32_t tg_image_checksum(const void *data, size_t size);

/* One side's verdict and how it was found; plain portable lookup by binary search. */
struct tg_image_side {
	uint32_t verdict; /* verdict word, EXT resolved */
	uint32_t row;	  /* TG_NONE: none */
	uint32_t column;  /* of the cell that decided; TG_NONE: the default program */
};

struct tg_image_query {
	struct tg_addr src, dst; /* one family */
	uint16_t zone;
	uint8_t protocol;
	uint16_t dport; /* 0 for protocols without ports */
};

struct tg_image_answer {
	uint32_t src_class, dst_class;
	uint32_t src_node, dst_node; /* nodes of the exact entries, TG_NONE */
	struct tg_image_side side[TG_DIRECTION_COUNT];
	enum tg_action action; /* of both together: DENY if either denies, else AUDIT if either is,
				  else ALLOW */
};

/* The class of an address; *node (may be NULL) gets the exact entry's node or TG_NONE. */
uint32_t tg_image_class_of(
	const struct tg_image *image, uint16_t zone, const struct tg_addr *addr, uint32_t *node);
void tg_image_judge(const struct tg_image *image, const struct tg_image_query *query,
	struct tg_image_answer *answer);
/* The rule of a slot, or NULL (built-in rules have no record: tg_builtin_label). */
const struct tg_image_rule *tg_image_rule_of(const struct tg_image *image, uint32_t slot);

#endif
