/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "internal.h"

void tg_request_drop(struct request *request)
{
	tg_target_unref(request->target);
	memset(request, 0, sizeof(*request));
}

void tg_push_set_live(struct tg_push *p, struct tg_target *target)
{
	if (target != NULL)
		tg_target_ref(target);
	tg_target_unref(p->live);
	p->live = target;
	p->stopped = false;
	p->delta_retry_at = 0;
	p->delta_delay = 0;
}

void tg_push_renew(struct tg_push *p, uint64_t generation)
{
	if (p->renewing || p->wanted == NULL)
		return;
	p->renewing = true;
	p->handler.renew(p->handler.ctx, generation);
}

static bool is_target(const struct tg_target *t, const struct tg_msg_state *state)
{
	return t != NULL && t->generation == state->generation &&
	       t->checksum == state->image_checksum;
}

/* The target with these deltas is what the dataplane says that it has. */
static bool agree(
	struct tg_target *t, uint64_t sequence, size_t acked, const struct tg_msg_state *state)
{
	if (state->delta_sequence != sequence)
		return false;
	t->sequence = sequence;
	t->acked = acked;
	return true;
}

/* Whether the image in force, which is that of `t`, has the deltas that we know of and no other. */
static bool sequence_agrees(
	struct tg_push *p, struct tg_target *t, const struct tg_msg_state *state)
{
	const struct request *r = &p->lost_ruleset, *d = &p->lost_delta;

	if (t == p->live && agree(t, t->sequence, t->acked, state))
		return true;
	if (t == p->live && d->target == t && agree(t, d->sequence, d->end, state))
		return true;
	if (t != p->live && r->target == t && agree(t, r->sequence, r->end, state))
		return true;
	/* The bare image: never had deltas, or lost all of them, and gets the whole log. */
	return agree(t, t->base_sequence, 0, state);
}

static struct tg_target *find_target(struct tg_push *p, const struct tg_msg_state *state)
{
	struct tg_target *candidates[] = {p->live, p->lost_ruleset.target, p->wanted};

	if ((state->flags & TG_STATE_NO_RULESET) || state->generation == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		if (is_target(candidates[i], state))
			return candidates[i];
	return NULL;
}

static void found(struct tg_push *p)
{
	const struct tg_msg_ack ack = {
		.generation = p->live->generation,
		.delta_sequence = p->live->sequence,
		.epoch = p->status.state.epoch,
	};

	p->handler.applied(p->handler.ctx, p->live, &ack, 0);
}

void tg_push_settle(struct tg_push *p)
{
	const struct tg_msg_state *state = &p->status.state;
	bool ours = p->live != NULL;

	if (p->phase != PHASE_UP || p->wanted == NULL || p->wanted == p->live || p->ruleset.active)
		return;
	/* After a restart of this process its first compilation may give what is in force. */
	if (!ours && is_target(p->wanted, state) && sequence_agrees(p, p->wanted, state)) {
		tg_push_set_live(p, p->wanted);
		found(p);
	} else if (p->wanted->generation <= p->server_generation) {
		tg_push_renew(p, p->server_generation);
	}
}

void tg_push_resync(struct tg_push *p, const struct tg_msg_state *state)
{
	struct tg_target *t;

	p->status.state = *state;
	p->server_generation = state->generation;
	p->server_sequence = state->delta_sequence;
	p->status.epoch = state->epoch;
	t = find_target(p, state);
	if (t != NULL && !sequence_agrees(p, t, state))
		t = NULL;
	if (t != p->live)
		tg_push_set_live(p, t);
	tg_request_drop(&p->lost_ruleset);
	tg_request_drop(&p->lost_delta);
	p->handler.state(p->handler.ctx, state);
	if (p->live != NULL)
		found(p);
	tg_push_settle(p);
}
