/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "controller_private.h"
#include "log.h"

static void on_state(void *ctx, const struct tg_msg_state *state)
{
	struct tg_controller *c = ctx;

	if (state->generation > c->generation)
		c->generation = state->generation;
	tg_log_info("dataplane: generation %llu%s, %u workers, %u ports",
		(unsigned long long)state->generation,
		state->flags & TG_STATE_FROM_CHECKPOINT ? " from its checkpoint" : "",
		state->n_workers, state->n_ports);
	/* Compiled before the dataplane said how many rules it can count. */
	if (c->wanted != NULL && state->slot_capacity != 0 &&
		c->wanted->slot_limit > state->slot_capacity)
		controller_renew(c, state->generation);
	notes_publish(c);
}

static void on_down(void *ctx, const char *why)
{
	tg_log_warn("dataplane: %s; trying again", why);
	controller_not_acked(ctx);
	notes_publish(ctx);
}

static void on_applied(
	void *ctx, struct tg_target *target, const struct tg_msg_ack *ack, uint64_t us)
{
	struct tg_controller *c = ctx;
	uint64_t noticed = target == c->wanted ? c->wanted_noticed_at : 0;

	if (us != 0) {
		tg_histogram_add(&c->notice.push_time, us);
		tg_histogram_add(&c->notice.build_time, ack->build_us);
		tg_histogram_add(&c->notice.swap_time, ack->swap_us);
		tg_log_info("generation %llu is in force: built in %.1f ms, swapped in %.1f ms, "
			    "pushed in %.1f ms",
			(unsigned long long)target->generation, ack->build_us / 1e3,
			ack->swap_us / 1e3, (double)us / 1e3);
	}
	if (us != 0 && noticed != 0) {
		tg_histogram_add(&c->notice.change_time, (uv_hrtime() - noticed) / 1000);
		c->wanted_noticed_at = 0;
	}
	controller_acked(c, target->generation);
	notes_publish(c);
}

static void on_delta(void *ctx, size_t n, uint64_t us)
{
	struct tg_controller *c = ctx;

	tg_histogram_add(&c->notice.delta_time, us);
	if (c->delta_noticed_at != 0) {
		uint64_t took = (uv_hrtime() - c->delta_noticed_at) / 1000;

		tg_histogram_add(&c->notice.change_time, took);
		tg_histogram_add(&c->notice.pod_change_time, took);
	}
	c->delta_noticed_at = 0;
	tg_log_debug("%zu addresses changed class in %.1f ms", n, (double)us / 1e3);
	notes_publish(c);
}

static void on_refused(void *ctx, const char *what, const struct tg_msg_nak *nak)
{
	tg_log_err("the dataplane refused a %s: %s (%s, entry %d)", what, nak->reason,
		strerror((int)nak->error), (int)nak->index);
	controller_not_acked(ctx);
	notes_publish(ctx);
}

static void on_renew(void *ctx, uint64_t generation)
{
	struct tg_controller *c = ctx;

	tg_log_info("the dataplane is at generation %llu: a newer one is needed",
		(unsigned long long)generation);
	controller_renew(c, generation);
}

const struct tg_push_handler controller_push_handler = {
	.state = on_state,
	.down = on_down,
	.applied = on_applied,
	.delta = on_delta,
	.refused = on_refused,
	.renew = on_renew,
};
