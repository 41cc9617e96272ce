/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_errno.h>

#include "candidate.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A read() cannot fault, whatever the sender does with its memfd meanwhile. */
static int copy(int fd, uint8_t *to, size_t size)
{
	off_t at = 0;
	ssize_t n;

	while (size > 0) {
		n = pread(fd, to, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		to += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int tg_candidate_read(int fd, uint64_t size, struct tg_candidate *out, struct tg_wire_error *error)
{
	struct stat st;
	void *data;
	int rc;

	rc = fcntl(fd, F_GET_SEALS);
	if (rc < 0 || (rc & SEALS) != SEALS)
		return tg_wire_refuse(error, -EPERM, TG_NONE, "the image is not a sealed memfd");
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != size || size > TG_IMAGE_MAX_SIZE)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "the memfd has not the size of the image");
	data = aligned_alloc(64, (size + 63) / 64 * 64);
	if (data == NULL)
		return tg_wire_refuse(error, -ENOMEM, TG_NONE, "no memory for the image");
	rc = copy(fd, data, size);
	if (rc != 0) {
		free(data);
		return tg_wire_refuse(
			error, rc, TG_NONE, "the image cannot be read: %s", strerror(-rc));
	}
	tg_candidate_adopt(data, size, out);
	return 0;
}

void tg_candidate_adopt(void *data, size_t size, struct tg_candidate *out)
{
	*out = (struct tg_candidate){.data = data, .size = size};
}

static const char *section_name(uint16_t type)
{
	static const char *const names[] = {"header", "addr4", "addr6", "prefix4", "prefix6",
		"class", "cell", "program", "step", "verdict_ext", "rule", "strings"};
	unsigned int i = type & ~TG_SECTION_REQUIRED;

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "?";
}

static int check(struct tg_candidate *candidate, struct tg_wire_error *error)
{
	struct tg_image_error why = {0};
	int rc;

	rc = tg_image_check(candidate->data, candidate->size, &candidate->image, &why);
	if (rc == 0)
		return 0;
	if (why.index == UINT64_MAX)
		return tg_wire_refuse(
			error, rc, TG_NONE, "section %s: %s", section_name(why.section), why.text);
	return tg_wire_refuse(error, rc, (uint32_t)why.index, "section %s, entry %llu: %s",
		section_name(why.section), (unsigned long long)why.index, why.text);
}

int tg_candidate_build(struct tg_candidate *candidate, struct tg_classifier **spare,
	uint32_t slot_capacity, uint32_t headroom, int socket, struct tg_wire_error *error)
{
	uint32_t slots;
	int rc;

	rc = check(candidate, error);
	if (rc != 0)
		return rc;
	slots = candidate->image.header->slot_limit;
	if (slots > slot_capacity)
		return tg_wire_refuse(error, -E2BIG, TG_NONE,
			"%u rule slots, but slot-capacity is %u: raise it and restart", slots,
			slot_capacity);
	candidate->classifier = tg_classifier_rebuild(*spare, &candidate->image, headroom, socket);
	*spare = NULL;
	if (candidate->classifier == NULL)
		return tg_wire_refuse(error, rte_errno > 0 ? -rte_errno : -ENOMEM, TG_NONE,
			"the lookup tables cannot be built: %s (eal.memory)",
			strerror(rte_errno > 0 ? rte_errno : ENOMEM));
	return 0;
}

void tg_candidate_free(struct tg_candidate *candidate)
{
	if (candidate->classifier != NULL)
		tg_classifier_free(candidate->classifier);
	free(candidate->data);
	*candidate = (struct tg_candidate){0};
}
