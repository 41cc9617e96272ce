/* SPDX-License-Identifier: BSD-3-Clause */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "vec.h"

static int sealed_copy(const void *image, size_t size, int *out)
{
	int fd = memfd_create("tidegate-ruleset", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	err = tg_write_all(fd, image, size);
	if (err == 0 && fcntl(fd, F_ADD_SEALS,
				F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
		err = -errno;
	if (err != 0) {
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static void read_header(struct tg_target *t)
{
	const struct tg_image_header *header = t->image;

	t->generation = header->generation;
	t->base_sequence = header->delta_sequence;
	t->checksum = header->checksum;
	t->slot_limit = header->slot_limit;
}

int tg_target_create(const void *image, size_t size, struct tg_target **out)
{
	struct tg_target *t;
	int err;

	if (size < sizeof(struct tg_image_header))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	err = sealed_copy(image, size, &t->fd);
	if (err != 0)
		goto free_target;
	t->image = mmap(NULL, size, PROT_READ, MAP_SHARED, t->fd, 0);
	if (t->image == MAP_FAILED) {
		err = -errno;
		goto close_fd;
	}
	t->size = size;
	t->refs = 1;
	read_header(t);
	*out = t;
	return 0;

close_fd:
	close(t->fd);
free_target:
	free(t);
	return err;
}

struct tg_target *tg_target_ref(struct tg_target *target)
{
	__atomic_fetch_add(&target->refs, 1, __ATOMIC_RELAXED);
	return target;
}

void tg_target_unref(struct tg_target *target)
{
	if (target == NULL || __atomic_sub_fetch(&target->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (target->owner_free != NULL)
		target->owner_free(target->owner);
	munmap((void *)(uintptr_t)target->image, target->size);
	close(target->fd);
	free(target->log);
	free(target);
}

int tg_target_append(struct tg_target *target, const struct tg_classmap_entry *entries, size_t n)
{
	if (tg_vec_reserve_raw((void **)&target->log, &target->log_cap, target->n_log + n,
		    sizeof(*entries)) != 0)
		return -ENOMEM;
	memcpy(target->log + target->n_log, entries, n * sizeof(*entries));
	target->n_log += n;
	return 0;
}
