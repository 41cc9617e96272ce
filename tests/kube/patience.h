/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop that is run until something is so, with a guard against hanging. */
#ifndef TG_TESTS_KUBE_PATIENCE_H
#define TG_TESTS_KUBE_PATIENCE_H

#include <stdbool.h>

#include <uv.h>

#define PATIENCE_MS 300000 /* no measure of anything */

struct patience {
	uv_loop_t loop;
	uv_timer_t guard;
	bool over;
};

void patience_begin(struct patience *p);
/* Runs until `condition` holds; false: it did not come to that. */
#define patience_until(p, condition)                     \
	({                                               \
		patience_start(p);                       \
		while (!(condition) && !(p)->over)       \
			uv_run(&(p)->loop, UV_RUN_ONCE); \
		patience_stop(p);                        \
	})
void patience_start(struct patience *p);
bool patience_stop(struct patience *p);
/* What was closed is gone when this returns; fails when something was not closed. */
void patience_end(struct patience *p);

#endif
