/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interned strings: equal strings have equal numbers. Number 0 is the empty string. A string stays,
 * with its number and at its address, until a sweep finds that nobody needs it any more; then its
 * number may be given to another one.
 *
 * Synchronisation: one thread at a time adds (tg_intern_id); any number of others may meanwhile
 * find, read texts and count, without locks. So a compilation in a worker thread and the loading
 * of the next change share one table. A sweep has the table for itself.
 */
#ifndef TG_BASE_INTERN_H
#define TG_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "bits.h"
#include "vec.h"

struct tg_intern;

struct tg_intern *tg_intern_create(void);
void tg_intern_free(struct tg_intern *intern);
/* The number of `text`, adding it; UINT32_MAX when memory is out. */
uint32_t tg_intern_id(struct tg_intern *intern, const char *text);
/* The number of `text`, or UINT32_MAX when it is not there. */
uint32_t tg_intern_find(const struct tg_intern *intern, const char *text);
/* Empty for a number that is nobody's. */
const char *tg_intern_text(const struct tg_intern *intern, uint32_t id);
/* Numbers are 0..count-1; after a sweep some of them may be nobody's for a while. */
uint32_t tg_intern_count(const struct tg_intern *intern);
/* How many strings there are; asked by the thread that adds. */
uint32_t tg_intern_used(const struct tg_intern *intern);

/*
 * From now on every number that tg_intern_id gives is put into `log`, each once (0 is left out, as
 * it always stays); NULL ends that. A caller that keeps the log keeps account of all that it has
 * numbers of. tg_intern_id fails when the log cannot grow.
 */
void tg_intern_record(struct tg_intern *intern, struct tg_vec_u32 *log);
/*
 * Frees every string that is not in `keep`. The others keep number and address. Nobody else may
 * use the table meanwhile. 0, or -ENOMEM and nothing has changed.
 */
int tg_intern_sweep(struct tg_intern *intern, const struct tg_bits *keep);

#endif
