/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdatomic.h>
#include <stdlib.h>

#include "compiled.h"

struct frame *frame_create(void)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (frame != NULL)
		atomic_init(&frame->refs, 1);
	return frame;
}

struct frame *frame_ref(struct frame *frame)
{
	atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
	return frame;
}

void frame_unref(struct frame *frame)
{
	if (frame == NULL || atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) != 1)
		return;
	zones_free(&frame->zones);
	scopes_free(&frame->scopes);
	selectors_free(&frame->pod_selectors);
	selectors_free(&frame->ns_selectors);
	terms_free(&frame->terms);
	prefixes_free(&frame->prefixes);
	policies_free(&frame->policies);
	matcher_free(&frame->matcher);
	row_set_free(&frame->rows);
	profiles_free(&frame->profiles);
	classes_free(&frame->classes);
	free(frame);
}
