/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in one line for people, bounded in length, and the image's string section. */
#ifndef TG_COMPILE_TEXT_H
#define TG_COMPILE_TEXT_H

#include "compile.h"
#include "model.h"
#include "vec.h"

#define TEXT_MAX 768u /* bytes of one line, NUL included; what does not fit ends in "..." */

struct text {
	char *buf;
	size_t size, n;
	bool full;
};

struct text text_start(char *buf, size_t size);
void text_add(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, with "..." at its end if something did not fit. */
const char *text_end(struct text *t);

void text_policy_rule(struct text *t, const struct tg_intern *strings,
	const struct tg_policy *policy, enum tg_direction dir, const struct tg_policy_rule *rule);
/* The zone is told when it is not `home`. */
void text_infrastructure(struct text *t, const struct tg_infrastructure *tuple, uint16_t home);

/* The string section: offsets by text; intern numbers keep theirs. */
struct string_table {
	TG_VEC(char) v;
	uint32_t *of_intern; /* offset; 0: not there yet */
};

int string_table_init(struct string_table *s, const struct tg_intern *strings);
void string_table_free(struct string_table *s);
/* The offset of a copy of `text`; TG_NONE when memory is out. */
uint32_t string_table_add(struct string_table *s, const char *text);
uint32_t string_table_intern(
	struct string_table *s, const struct tg_intern *strings, uint32_t string);

#endif
