/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to lib/yaml: how the two parsers build a tree. */
#ifndef TG_YAML_BUILD_H
#define TG_YAML_BUILD_H

#include "arena.h"
#include "tree.h"
#include "vec.h"

struct tg_tree {
	struct tg_arena *arena;
	char *text;  /* the JSON parser's own copy, in which strings are unescaped in place */
	size_t size; /* of text, in bytes */
	bool secret;
	size_t n_values;
	TG_VEC(const struct tg_value *) documents;
};

/* A list or map that is being filled. */
struct tree_builder {
	struct tg_value *value;
	const struct tg_value **tail;
};

/* A value that is null so far; NULL with *error filled or untouched when memory is out. */
struct tg_value *tree_value(struct tg_tree *tree, uint32_t line, struct tg_tree_error *error);
void tree_open(struct tree_builder *builder, struct tg_value *value, enum tg_value_type type);
void tree_append(struct tree_builder *builder, struct tg_value *member);
/* Writes the error and returns -EINVAL. */
int tree_fail(struct tg_tree_error *error, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where the error has a piece of the text. */
#define tree_fail_repeating(error, line, ...) \
	(tree_fail(error, line, __VA_ARGS__), (error)->repeats = true, -EINVAL)

/* Both fill tree->documents; 0, -EINVAL with *error, -ENOMEM. */
int json_parse(struct tg_tree *tree, const char *text, size_t size, struct tg_tree_error *error);
int events_parse(struct tg_tree *tree, const char *text, size_t size, struct tg_tree_error *error);

/*
 * Resolves a YAML scalar (`text` is NUL-terminated and has no other NUL) into type and value;
 * strings refer to `text`. `tag` is NULL or the full tag, `plain` says that the scalar has no
 * quotes. 0 or -EINVAL when the tag and the text do not agree, *error then has the text.
 */
int scalar_resolve(struct tg_value *value, char *text, const char *tag, bool plain,
	struct tg_tree_error *error);
/* The text of a scalar value as a map key, allocated when it is no string; NULL: out of memory. */
const char *scalar_key(struct tg_arena *arena, const struct tg_value *value);

/* The length in bytes of the valid UTF-8 sequence at `text`, 0 when there is none. */
size_t utf8_sequence(const char *text, size_t size);
bool utf8_valid(const char *text, size_t size);
/* Writes a code point (never a surrogate), 1..4 bytes; returns the length. */
size_t utf8_encode(char *out, uint32_t code);

#endif
