/* SPDX-License-Identifier: BSD-3-Clause */
/* What read(2) and write(2) may do in pieces, as a whole. No state; any thread. */
#ifndef TG_FILE_H
#define TG_FILE_H

#include <stddef.h>

/* Writes all of it where the descriptor stands. 0 or -errno, and then perhaps a part is written. */
int tg_write_all(int fd, const void *data, size_t size);
/*
 * A file of at most `max` bytes, *text to be freed, with room for one more. 0; -EFBIG: it is
 * larger; -errno.
 */
int tg_read_file(const char *path, size_t max, char **text, size_t *size);

#endif
