/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading values out of a tree strictly, with errors that say where: a reader collects problems,
 * a place is a value and the way to it.
 *
 *	struct tg_at spec, port;
 *	spec = tg_at_field(&object, "spec");       absent and null are the same: value NULL
 *	tg_read_known(reader, &spec, names);       every other member is a problem
 *	port = tg_at_item(&ports, value, 3);
 *	tg_reader_problem(reader, &port, "must be between 1 and 65535");
 *		-> line 12, "spec.ports[3].port: must be between 1 and 65535"
 *
 * Places live on the caller's stack and point to their parents'. Nothing here is thread-safe.
 */
#ifndef TG_YAML_READER_H
#define TG_YAML_READER_H

#include "arena.h"
#include "tree.h"
#include "vec.h"

#define TG_PROBLEMS_MAX 100 /* of one reader; later ones are only counted */

/* A problem: "field.path[3].to: what was expected". Text is owned by the reader's arena. */
struct tg_problem {
	uint32_t line; /* 0: the whole file */
	const char *text;
};

struct tg_problems {
	struct tg_problem *v;
	size_t n, cap;
};

struct tg_reader {
	struct tg_arena *arena; /* where texts of problems go; the caller's */
	struct tg_problems problems;
	size_t dropped; /* problems above TG_PROBLEMS_MAX */
};

struct tg_at {
	const struct tg_at *up;	      /* NULL at the document's root */
	const struct tg_value *value; /* NULL: absent or null */
	const char *key;	      /* NULL in a list */
	size_t index;		      /* in a list */
};

void tg_reader_init(struct tg_reader *reader, struct tg_arena *arena);
void tg_reader_free(struct tg_reader *reader);
/* How many problems there are: one that there was no memory for is one all the same. */
static inline size_t tg_reader_count(const struct tg_reader *reader)
{
	return reader->problems.n + reader->dropped;
}
/* Adds a problem at a place; the line is that of the nearest value that exists. */
void tg_reader_problem(struct tg_reader *reader, const struct tg_at *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds a problem of a line, for texts that are no trees; 0: of the whole file. */
void tg_reader_problem_line(struct tg_reader *reader, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All problems, "file:line: path: what was expected", a line each; to be freed, NULL: no memory. */
char *tg_reader_text(const struct tg_reader *reader, const char *file);
uint32_t tg_at_line(const struct tg_at *at);

struct tg_at tg_at_root(const struct tg_value *value);
/* The member `key` of the map at `up`; its value is NULL when absent, null, or `up` is no map. */
struct tg_at tg_at_field(const struct tg_at *up, const char *key);
/* An item of the list at `up`. A null item has value NULL. */
struct tg_at tg_at_item(const struct tg_at *up, const struct tg_value *item, size_t index);
/* A member of the map at `up` that was found by walking it. */
struct tg_at tg_at_member(const struct tg_at *up, const struct tg_value *member);

/*
 * Type checks. An absent value is fine (the out value is left alone) and returns false; a value of
 * another type is a problem and returns false.
 */
bool tg_read_map(struct tg_reader *reader, const struct tg_at *at);
bool tg_read_list(struct tg_reader *reader, const struct tg_at *at);
bool tg_read_string(struct tg_reader *reader, const struct tg_at *at, const char **out);
bool tg_read_bool(struct tg_reader *reader, const struct tg_at *at, bool *out);
/* An integer within lo..hi. */
bool tg_read_int(
	struct tg_reader *reader, const struct tg_at *at, int64_t lo, int64_t hi, int64_t *out);
/* Every member of the map at `at` that is not in `names` (ends with NULL) is a problem. */
void tg_read_known(struct tg_reader *reader, const struct tg_at *at, const char *const *names);
/* A key that is set twice in a map at or below `at` is a problem; the first one is reported. */
void tg_read_no_duplicates(struct tg_reader *reader, const struct tg_at *at);

/* Walks the list or map at a place: for (v = tg_at_first(&at), i = 0; v != NULL; v = v->next, i++)
 */
static inline const struct tg_value *tg_at_first(const struct tg_at *at)
{
	return at->value != NULL &&
			       (at->value->type == TG_VALUE_LIST || at->value->type == TG_VALUE_MAP)
		       ? at->value->first
		       : NULL;
}

#endif
