/* SPDX-License-Identifier: BSD-3-Clause */
#include "link.h"

static unsigned int lose(struct tg_link *link, unsigned int end)
{
	*link = (struct tg_link){.phase = TG_LINK_LOST, .lost = (uint8_t)end};
	return 1u << !end;
}

static unsigned int step_normal(struct tg_link *link, const bool up[2])
{
	link->phase = TG_LINK_NORMAL;
	/* Both down: nobody is to be told. */
	if (up[0] == up[1])
		return 0;
	return lose(link, up[0] ? 1 : 0);
}

static unsigned int step_lost(struct tg_link *link, const bool up[2], uint64_t now_ms)
{
	unsigned int held = 1u << !link->lost;

	if (!up[link->lost]) {
		link->back = false;
		return held;
	}
	if (!link->back) {
		link->back = true;
		link->since_ms = now_ms;
	}
	if (now_ms - link->since_ms < TG_LINK_HOLD_MS)
		return held;
	link->phase = TG_LINK_SETTLING;
	link->since_ms = now_ms;
	return 0;
}

static unsigned int step_settling(struct tg_link *link, const bool up[2], uint64_t now_ms)
{
	if (!up[link->lost])
		return lose(link, link->lost);
	if (up[!link->lost] || now_ms - link->since_ms >= TG_LINK_SETTLE_MS)
		return step_normal(link, up);
	return 0;
}

unsigned int tg_link_step(struct tg_link *link, const bool up[2], uint64_t now_ms)
{
	switch (link->phase) {
	case TG_LINK_LOST:
		return step_lost(link, up, now_ms);
	case TG_LINK_SETTLING:
		return step_settling(link, up, now_ms);
	default:
		return step_normal(link, up);
	}
}
