/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, also stale ones, and ages. */
#include "model.h"

/*
 * A stale counter shows what was counted before the present period. The first packet or query of a
 * period keeps what there was until then, so nobody has to go over all counters.
 */
static void enter_period(struct nm_counter *c, uint64_t now, uint32_t stale_ms)
{
	uint64_t period = stale_ms != 0 ? now / stale_ms : UINT64_MAX;

	if (stale_ms != 0 && c->period == period)
		return;
	c->period = period;
	c->seen_hits = c->hits;
	c->seen_bytes = c->bytes;
}

void nm_counter_add(struct nm_counter *c, uint64_t now, uint32_t stale_ms, uint32_t bytes)
{
	rte_spinlock_lock(&c->lock);
	enter_period(c, now, stale_ms);
	c->hits++;
	c->bytes += bytes;
	rte_spinlock_unlock(&c->lock);
}

void nm_counter_read(struct nm_counter *c, uint64_t now, uint32_t stale_ms, bool reset,
	uint64_t *hits, uint64_t *bytes)
{
	rte_spinlock_lock(&c->lock);
	enter_period(c, now, stale_ms);
	*hits = c->seen_hits - c->base_hits;
	*bytes = c->seen_bytes - c->base_bytes;
	if (reset) {
		c->base_hits = c->seen_hits;
		c->base_bytes = c->seen_bytes;
	}
	rte_spinlock_unlock(&c->lock);
}

/* --- ages: a wheel of seconds; whoever was hit since is put on it again -------------------- */

static uint64_t deadline_ms(const struct nm_age *age)
{
	return __atomic_load_n(&age->hit_ms, __ATOMIC_RELAXED) + age->timeout_s * 1000ull;
}

static void wheel_put(struct nm_age *age)
{
	struct nm_nic *nic = age->port->nic;
	uint64_t due_s = (deadline_ms(age) + 999) / 1000;

	if (due_s <= nic->wheel_s)
		due_s = nic->wheel_s + 1;
	if (due_s >= nic->wheel_s + NM_WHEEL)
		due_s = nic->wheel_s + NM_WHEEL - 1;
	age->slot = (uint16_t)(due_s % NM_WHEEL);
	age->in_wheel = true;
	TAILQ_INSERT_TAIL(&nic->wheel[age->slot], age, link);
}

void nm_age_start(struct nm_age *age, struct nm_port *port, uint32_t timeout_s, uint64_t hit_ms,
	void *context)
{
	if (port->nic->ages++ == 0)
		port->nic->wheel_s = nicmodel_clock() / 1000;
	age->port = port;
	age->timeout_s = timeout_s;
	age->context = context;
	age->hit_ms = hit_ms;
	age->aged = false;
	wheel_put(age);
}

void nm_age_stop(struct nm_age *age)
{
	if (age->port == NULL)
		return;
	if (age->in_wheel)
		TAILQ_REMOVE(&age->port->nic->wheel[age->slot], age, link);
	if (age->in_aged) {
		TAILQ_REMOVE(&age->port->aged, age, link);
		age->port->n_aged--;
	}
	age->in_wheel = age->in_aged = false;
	age->port->nic->ages--;
	age->port = NULL;
}

static void look_at(struct nm_age *age, uint64_t now)
{
	struct nm_port *port = age->port;

	age->in_wheel = false;
	if (deadline_ms(age) > now) {
		wheel_put(age);
		return;
	}
	age->aged = age->in_aged = true;
	TAILQ_INSERT_TAIL(&port->aged, age, link);
	port->n_aged++;
	port->nic->stats.aged++;
	if (!port->told_aged)
		port->tell_aged = port->told_aged = true;
}

void nm_age_run(struct nm_nic *nic, uint64_t now)
{
	struct nm_ages due;
	struct nm_age *age;

	if (nic->ages == 0)
		return;
	/* After a long time each slot has come up; what is in it is looked at once. */
	if (now / 1000 > nic->wheel_s + NM_WHEEL)
		nic->wheel_s = now / 1000 - NM_WHEEL;
	while (nic->wheel_s < now / 1000) {
		struct nm_ages *slot = &nic->wheel[++nic->wheel_s % NM_WHEEL];

		TAILQ_INIT(&due);
		TAILQ_CONCAT(&due, slot, link);
		while ((age = TAILQ_FIRST(&due)) != NULL) {
			TAILQ_REMOVE(&due, age, link);
			look_at(age, now);
		}
	}
}

void nm_age_query(const struct nm_age *age, uint64_t now, struct rte_flow_query_age *query)
{
	uint64_t hit = __atomic_load_n(&age->hit_ms, __ATOMIC_RELAXED);

	*query = (struct rte_flow_query_age){.aged = age->aged,
		.sec_since_last_hit_valid = 1,
		.sec_since_last_hit = now > hit ? (uint32_t)((now - hit) / 1000) & 0xffffff : 0};
}
