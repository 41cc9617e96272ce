/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* Less than a page stays as it is: a huge one would be wasted on it. */
static size_t rounded(size_t size)
{
	return size < HUGE_PAGE ? size : (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

static void *map(size_t size, int flags)
{
	void *p = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Writes to every page. 0, -EINVAL when the kernel is older, else a page could not be had. */
static int populate(void *p, size_t size)
{
	return madvise(p, size, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
}

/*
 * Pages that the cgroup may not have look available until they are touched, which then is fatal:
 * a kernel that cannot be asked for them now is not asked at all.
 */
static void *map_reserved(size_t size)
{
	void *p = map(size, MAP_HUGETLB | MAP_HUGE_2MB);

	if (p == NULL || populate(p, size) == 0)
		return p;
	munmap(p, size);
	return NULL;
}

/* At a multiple of the page's size: before Linux 6.7 mmap does not see to that. */
static void *map_aligned(size_t size)
{
	uint8_t *p = map(size + HUGE_PAGE, 0);
	size_t head;

	if (p == NULL)
		return NULL;
	head = -(uintptr_t)p & (HUGE_PAGE - 1);
	if (head != 0)
		munmap(p, head);
	munmap(p + head + size, HUGE_PAGE - head);
	return p + head;
}

/* How much of the memory of the mapping around `p` lies in huge pages: at least nine tenths? */
static bool mostly_huge(const void *p)
{
	unsigned long from, to, kib, rss = 0, huge = 0;
	bool inside = false;
	char line[512];
	FILE *smaps = fopen("/proc/self/smaps", "re");

	if (smaps == NULL)
		return false;
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (inside && sscanf(line, "Rss: %lu kB", &kib) == 1)
			rss = kib;
		else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			huge = kib;
	}
	fclose(smaps);
	return rss != 0 && huge >= rss / 10 * 9;
}

void *tg_pages_map(size_t size, enum tg_pages *pages)
{
	void *p;
	int rc;

	*pages = TG_PAGES_SMALL;
	if (size < HUGE_PAGE)
		return map(size, 0);
	size = rounded(size);
	p = map_reserved(size);
	if (p != NULL) {
		*pages = TG_PAGES_RESERVED;
		return p;
	}
	p = map_aligned(size);
	if (p == NULL)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	rc = populate(p, size);
	if (rc != 0 && rc != -EINVAL) {
		munmap(p, size);
		return NULL;
	}
	if (mostly_huge(p))
		*pages = TG_PAGES_TRANSPARENT;
	return p;
}

void tg_pages_unmap(void *p, size_t size)
{
	if (p != NULL)
		munmap(p, rounded(size));
}

const char *tg_pages_text(enum tg_pages pages)
{
	static const char *const text[] = {
		[TG_PAGES_SMALL] = "small pages",
		[TG_PAGES_TRANSPARENT] = "transparent huge pages",
		[TG_PAGES_RESERVED] = "reserved huge pages",
	};

	return text[pages];
}
