/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that grow. Out of memory: abort, as everything of the double. */
#ifndef TG_KUBE_DOUBLE_BUF_H
#define TG_KUBE_DOUBLE_BUF_H

#include <stddef.h>

struct buf {
	char *v; /* followed by a NUL that does not count, once anything was added */
	size_t n, cap;
};

void buf_add(struct buf *buf, const void *data, size_t n);
void buf_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Quoted and escaped as a JSON string. */
void buf_json(struct buf *buf, const char *text);
/* Takes away the first n bytes. */
void buf_drop(struct buf *buf, size_t n);
void buf_free(struct buf *buf);

void *xrealloc(void *p, size_t n);
void *xzalloc(size_t n);
char *xstrdup(const char *text);
char *xprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define VEC(type)              \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}
#define vec_room(vec, want)                                                            \
	do {                                                                           \
		if ((want) > (vec)->cap) {                                             \
			(vec)->cap = (want) + (vec)->cap / 2 + 8;                      \
			(vec)->v = xrealloc((vec)->v, (vec)->cap * sizeof(*(vec)->v)); \
		}                                                                      \
	} while (0)
#define vec_push(vec, value)                    \
	do {                                    \
		vec_room(vec, (vec)->n + 1);    \
		(vec)->v[(vec)->n++] = (value); \
	} while (0)
#define vec_insert(vec, at, value)                              \
	do {                                                    \
		vec_room(vec, (vec)->n + 1);                    \
		memmove((vec)->v + (at) + 1, (vec)->v + (at),   \
			((vec)->n - (at)) * sizeof(*(vec)->v)); \
		(vec)->v[at] = (value);                         \
		(vec)->n++;                                     \
	} while (0)
#define vec_remove(vec, at)                                     \
	do {                                                    \
		(vec)->n--;                                     \
		memmove((vec)->v + (at), (vec)->v + (at) + 1,   \
			((vec)->n - (at)) * sizeof(*(vec)->v)); \
	} while (0)

#endif
