/* SPDX-License-Identifier: BSD-3-Clause */
#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "folder.h"
#include "image.h"
#include "log.h"

#define NAME_FORMAT "ruleset-%" PRIu64 ".image"

static int file_path(char *path, size_t size, const char *directory, uint64_t generation)
{
	int n = snprintf(path, size, "%s/" NAME_FORMAT, directory, generation);

	return n < (int)size ? 0 : -ENAMETOOLONG;
}

/* The generation that a file's name says; 0: not one of ours. */
static uint64_t name_generation(const char *name)
{
	char again[64];
	uint64_t generation;

	if (sscanf(name, NAME_FORMAT, &generation) != 1)
		return 0;
	snprintf(again, sizeof(again), NAME_FORMAT, generation);
	return strcmp(name, again) == 0 ? generation : 0;
}

int tg_archive_open(const char *directory)
{
	return tg_folder_make(directory, 0700);
}

static int read_all(int fd, void *to, size_t size)
{
	char *at = to;
	ssize_t got;

	while (size > 0) {
		got = read(fd, at, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		at += got;
		size -= (size_t)got;
	}
	return 0;
}

static int read_image(const char *path, void **image, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	struct tg_image_error bad;
	struct tg_image view;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size == 0 ||
		 (uint64_t)st.st_size > TG_IMAGE_MAX_SIZE)
		err = -EINVAL;
	if (err != 0)
		goto close_fd;
	*size = (size_t)st.st_size;
	*image = aligned_alloc(TG_IMAGE_ALIGN, (*size + TG_IMAGE_ALIGN - 1) & -TG_IMAGE_ALIGN);
	if (*image == NULL) {
		err = -ENOMEM;
		goto close_fd;
	}
	err = read_all(fd, *image, *size);
	if (err == 0)
		err = tg_image_check(*image, *size, &view, &bad);
	if (err != 0)
		free(*image);
close_fd:
	close(fd);
	return err;
}

/* The highest generation below `limit` that there is a file of; 0: none. */
static int highest_below(const char *directory, uint64_t limit, uint64_t *out)
{
	const struct dirent *entry;
	DIR *dir = opendir(directory);

	if (dir == NULL)
		return -errno;
	*out = 0;
	while ((entry = readdir(dir)) != NULL) {
		uint64_t generation = name_generation(entry->d_name);

		if (generation > *out && generation < limit)
			*out = generation;
	}
	closedir(dir);
	return 0;
}

int tg_archive_load(const char *directory, void **image, size_t *size)
{
	uint64_t generation = UINT64_MAX;
	char path[PATH_MAX];
	int err;

	for (;;) {
		err = highest_below(directory, generation, &generation);
		if (err != 0)
			return err;
		if (generation == 0)
			return -ENOENT;
		err = file_path(path, sizeof(path), directory, generation);
		if (err == 0)
			err = read_image(path, image, size);
		if (err == 0 || err == -ENOMEM)
			return err;
		tg_log_warn("%s is not used: %s", path, strerror(-err));
	}
}

int tg_archive_write(const char *directory, uint64_t generation, const void *image, size_t size)
{
	char path[PATH_MAX], draft[PATH_MAX];
	int fd, err = file_path(path, sizeof(path), directory, generation);

	if (err != 0 || snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
		return -ENAMETOOLONG;
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = tg_write_all(fd, image, size);
	if (close(fd) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(draft, path) != 0)
		err = -errno;
	if (err != 0)
		unlink(draft);
	return err;
}

static int flush(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		err = -errno;
	close(fd);
	return err;
}

int tg_archive_commit(const char *directory, uint64_t generation)
{
	char path[PATH_MAX];
	int err = file_path(path, sizeof(path), directory, generation);

	if (err == 0)
		err = flush(path, 0);
	if (err == 0)
		err = flush(directory, O_DIRECTORY);
	while (err == 0) {
		uint64_t older;

		err = highest_below(directory, generation, &older);
		if (err != 0 || older == 0)
			break;
		err = file_path(path, sizeof(path), directory, older);
		if (err == 0 && unlink(path) != 0)
			err = -errno;
		generation = older;
	}
	return err;
}
