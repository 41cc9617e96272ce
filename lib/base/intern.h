/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interned strings: equal strings have equal numbers. Number 0 is the empty string. Strings live
 * as long as the table; memory is not given back before.
 *
 * Synchronisation: one thread at a time adds (tg_intern_id); any number of others may meanwhile
 * find, read texts and count, without locks. So a compilation in a worker thread and the loading
 * of the next change share one table.
 */
#ifndef TG_BASE_INTERN_H
#define TG_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct tg_intern;

struct tg_intern *tg_intern_create(void);
void tg_intern_free(struct tg_intern *intern);
/* The number of `text`, adding it; UINT32_MAX when memory is out. */
uint32_t tg_intern_id(struct tg_intern *intern, const char *text);
/* The number of `text`, or UINT32_MAX when it was never added. */
uint32_t tg_intern_find(const struct tg_intern *intern, const char *text);
const char *tg_intern_text(const struct tg_intern *intern, uint32_t id);
/* Numbers are 0..count-1. */
uint32_t tg_intern_count(const struct tg_intern *intern);

#endif
