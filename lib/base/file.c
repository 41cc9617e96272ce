/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include <errno.h>
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
