/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing a ruleset image: hand over each section as an array in the order the format asks for,
 * then finish. The builder lays out, aligns and checksums; it does not judge the content (the
 * checker does).
 */
#ifndef TG_RULESET_BUILDER_H
#define TG_RULESET_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include <tidegate/ruleset.h>

struct tg_image_parts {
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
	const char *strings; /* first byte NUL, last byte NUL */
	size_t n_addr4, n_addr6, n_prefix4, n_prefix6, n_classes, n_cells, n_programs, n_steps,
		n_exts, n_rules, n_strings;
	uint64_t generation, compiled_at, delta_sequence;
	uint32_t n_rows, n_columns, slot_limit;
};

/* A 64-byte aligned image in *out (free with free()), its bytes in *size. 0, -ENOMEM or -E2BIG. */
int tg_image_build(const struct tg_image_parts *parts, void **out, size_t *size);

#endif
