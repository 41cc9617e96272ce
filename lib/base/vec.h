/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A growing array:
 *
 *	struct tg_vec_u32 { uint32_t *v; size_t n, cap; };   TG_VEC(uint32_t) spells the same
 *	tg_vec_push(&vec, value)   0 or -ENOMEM
 *	tg_vec_trim(&vec)          nothing more is coming
 *	tg_vec_free(&vec)
 *
 * Zero-initialised is empty.
 */
#ifndef TG_BASE_VEC_H
#define TG_BASE_VEC_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TG_VEC(type)           \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}

struct tg_vec_u32 {
	uint32_t *v;
	size_t n, cap;
};

/* Room for `want` elements of `size` bytes in *v; 0 or -ENOMEM. */
static inline int tg_vec_reserve_raw(void **v, size_t *cap, size_t want, size_t size)
{
	size_t grown = *cap != 0 ? *cap : 8;
	void *p;

	if (want <= *cap)
		return 0;
	while (grown < want) {
		if (grown > SIZE_MAX / 2)
			return -ENOMEM;
		grown *= 2;
	}
	if (grown > SIZE_MAX / size)
		return -ENOMEM;
	p = realloc(*v, grown * size);
	if (p == NULL)
		return -ENOMEM;
	*v = p;
	*cap = grown;
	return 0;
}

#define tg_vec_reserve(vec, want) \
	tg_vec_reserve_raw((void **)&(vec)->v, &(vec)->cap, (want), sizeof(*(vec)->v))

#define tg_vec_push(vec, value) \
	(tg_vec_reserve(vec, (vec)->n + 1) != 0 ? -ENOMEM : ((vec)->v[(vec)->n++] = (value), 0))

/* Gives back what is reserved beyond the elements. */
static inline void tg_vec_trim_raw(void **v, size_t *cap, size_t n, size_t size)
{
	void *p;

	if (n == 0 || n == *cap)
		return;
	p = realloc(*v, n * size);
	if (p == NULL)
		return;
	*v = p;
	*cap = n;
}

#define tg_vec_trim(vec) \
	tg_vec_trim_raw((void **)&(vec)->v, &(vec)->cap, (vec)->n, sizeof(*(vec)->v))

#define tg_vec_free(vec)                   \
	do {                               \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif
