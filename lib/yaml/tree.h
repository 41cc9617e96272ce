/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A YAML or JSON text as a tree of values. Scalars are resolved as the Kubernetes API server does
 * it when it turns YAML into JSON (sigs.k8s.io/yaml): YAML 1.1 booleans (yes, no, on, off, y, n),
 * null, integers in base 2, 8 (0120 and 0o120), 10 and 16 with underscores, floats; quoted scalars
 * and unknown tags are strings; base 60 and dates are strings; merge keys (<<) are spliced in.
 * Map keys are strings. A NUL inside a string becomes U+FFFD, so that text is never cut short.
 *
 * JSON is read by a fast path; a text that begins like JSON but is not is read as YAML.
 *
 * Bounds: TG_TREE_SIZE_MAX bytes, TG_TREE_VALUES_MAX values, TG_TREE_DEPTH_MAX levels, and aliases
 * may not multiply the values beyond TG_TREE_ALIAS_MAX. Aliases share the values they name (the
 * tree is then a graph without cycles), with the lines of the anchor.
 */
#ifndef TG_YAML_TREE_H
#define TG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_TREE_SIZE_MAX (256u << 20)  /* bytes of text */
#define TG_TREE_VALUES_MAX (32u << 20) /* values of one text */
#define TG_TREE_DEPTH_MAX 128u	       /* nested lists and maps */
#define TG_TREE_ALIAS_MAX 100000u      /* values reached through aliases in one text */
#define TG_TREE_ANCHORS_MAX 1024u      /* in one document */

enum tg_value_type {
	TG_VALUE_NULL,
	TG_VALUE_BOOL,
	TG_VALUE_NUMBER,
	TG_VALUE_STRING,
	TG_VALUE_LIST,
	TG_VALUE_MAP,
};

struct tg_value {
	const struct tg_value *next; /* the next one in the same list or map, in written order */
	const char *key;	     /* in a map; else NULL */
	union {
		bool boolean;
		double number; /* finite */
		const char *text;
		const struct tg_value *first; /* of a list or map */
	};
	uint32_t line;	   /* from 1; of the key for a map's member */
	uint32_t type : 4; /* enum tg_value_type */
	uint32_t n : 28;   /* members of a list or map */
};

/* What is wrong with the syntax of a text, and in which line. */
struct tg_tree_error {
	uint32_t line;
	bool repeats; /* `text` has a piece of what was parsed */
	char text[192];
};

struct tg_tree;

/*
 * Parses `size` bytes, which need not outlive the call. Every document of a multi-document text,
 * empty ones (null) included. 0; -EINVAL for bad syntax or a bound passed (`error` says which);
 * -ENOMEM.
 */
int tg_tree_parse(const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error);
/* The same for a text with secrets: no error repeats a piece of it, and the tree is wiped when
 * freed. */
int tg_tree_parse_secret(
	const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error);
/* The same for a text that is JSON or nothing: what is damaged is not tried as YAML. */
int tg_tree_parse_json(
	const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error);
void tg_tree_free(struct tg_tree *tree);
size_t tg_tree_count(const struct tg_tree *tree);
/* Owned by the tree. */
const struct tg_value *tg_tree_document(const struct tg_tree *tree, size_t index);

/* The member `key` of a map, the last one when it is set twice; NULL when absent or not a map. */
const struct tg_value *tg_value_get(const struct tg_value *map, const char *key);
/* The string that is member `key` of a map; "" when there is none. */
const char *tg_value_text(const struct tg_value *map, const char *key);
/* The first value of the list that is member `key` of a map; NULL when there is none. */
const struct tg_value *tg_value_list(const struct tg_value *map, const char *key);
/* The number when it is an integer of at most 53 bits. */
bool tg_value_int(const struct tg_value *value, int64_t *out);
/* "a string" and the like, for messages. */
const char *tg_value_type_name(const struct tg_value *value);
/* The first member in the subtree whose key its map already has; NULL when there is none. */
const struct tg_value *tg_value_duplicate(const struct tg_value *value);

#endif
