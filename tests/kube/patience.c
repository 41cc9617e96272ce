/* SPDX-License-Identifier: BSD-3-Clause */
#include "patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_guard(uv_timer_t *timer)
{
	((struct patience *)timer->data)->over = true;
}

void patience_begin(struct patience *p)
{
	uv_loop_init(&p->loop);
	uv_timer_init(&p->loop, &p->guard);
	p->guard.data = p;
}

void patience_start(struct patience *p)
{
	p->over = false;
	uv_timer_start(&p->guard, on_guard, PATIENCE_MS, 0);
}

bool patience_stop(struct patience *p)
{
	uv_timer_stop(&p->guard);
	return !p->over;
}

void patience_end(struct patience *p)
{
	uv_close((uv_handle_t *)&p->guard, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
}
