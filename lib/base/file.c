/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int tg_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	ssize_t done;

	while (size > 0) {
		done = write(fd, at, size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

int tg_read_file(const char *path, size_t max, char **text, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	*size = 0;
	*text = malloc(max + 1);
	if (*text == NULL) {
		close(fd);
		return -ENOMEM;
	}
	do {
		got = read(fd, *text + *size, max + 1 - *size);
		*size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (got < 0)
		err = -errno;
	else if (*size > max)
		err = -EFBIG;
	close(fd);
	if (err != 0)
		free(*text);
	return err;
}
