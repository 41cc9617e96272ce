/* SPDX-License-Identifier: BSD-3-Clause */
/* What a clock of clock_gettime(2) says, as one number. Any thread. */
#ifndef TG_CLOCK_H
#define TG_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds; of CLOCK_REALTIME since 1970. */
static inline uint64_t tg_clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* Milliseconds. */
static inline uint64_t tg_clock_ms(clockid_t clock)
{
	return tg_clock_us(clock) / 1000u;
}

#endif
