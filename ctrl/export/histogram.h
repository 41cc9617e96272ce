/* SPDX-License-Identifier: BSD-3-Clause */
/* A histogram of durations with fixed buckets. Plain values: one thread adds, copies are read. */
#ifndef TG_EXPORT_HISTOGRAM_H
#define TG_EXPORT_HISTOGRAM_H

#include <stdint.h>

#include "buffer.h"

#define TG_HISTOGRAM_BUCKETS 14 /* with a bound; one more counts what is longer */

struct tg_histogram {
	uint64_t counts[TG_HISTOGRAM_BUCKETS + 1]; /* not cumulative */
	uint64_t sum_us;
};

void tg_histogram_add(struct tg_histogram *h, uint64_t us);
/* As a metric `name` in seconds, help text included. */
void tg_histogram_write(
	const struct tg_histogram *h, struct tg_buffer *b, const char *name, const char *help);

#endif
