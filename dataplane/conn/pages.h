/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of tables that are touched at random, from the largest pages there are: with small ones
 * the misses of the TLB cost more than those of the cache. Pages that were reserved for hugetlbfs
 * and that nobody has taken come first, then transparent huge pages, then small pages.
 */
#ifndef TG_CONN_PAGES_H
#define TG_CONN_PAGES_H

#include <stddef.h>

/* From worst to best. */
enum tg_pages { TG_PAGES_SMALL, TG_PAGES_TRANSPARENT, TG_PAGES_RESERVED };

/*
 * `size` bytes, zeroed and populated, so that no fault is left to the packet path; *pages says what
 * they lie in. NULL when there is no memory. The caller's, until tg_pages_unmap with the same size.
 */
void *tg_pages_map(size_t size, enum tg_pages *pages);
/* `p` may be NULL. */
void tg_pages_unmap(void *p, size_t size);
/* "reserved huge pages", "transparent huge pages" or "small pages". */
const char *tg_pages_text(enum tg_pages pages);

#endif
