/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/prctl.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "worker_loop.h"

#define LINGER_US 20u  /* polling goes on for so long after the last packet */
#define REST_US 10000u /* the sweep may stand still for so long: it makes up for it */
#define SLEEP_MIN_US 5u
#define IDLE_STEPS 8u /* of the sweep, a few microseconds each */

/* A queue that this worker polls. */
struct source {
	uint16_t port; /* index in the configuration */
	uint16_t ethdev;
	uint16_t queue;
};

/* Counters that rates are made of. */
struct load {
	uint64_t tsc, busy, received, handed;
};

struct state {
	const struct tg_loop_worker *own;
	struct source sources[TG_PORTS_MAX];
	uint32_t n_sources;
	uint64_t tsc_per_ms;
	uint64_t next_ms_tsc; /* when `now` is another number */
	uint64_t now;	      /* milliseconds since started_tsc */
	uint64_t linger;      /* LINGER_US, of the TSC */
	uint64_t worked;      /* TSC: when there was work last */
	uint32_t sleep_us;    /* the next sleep's length, where packets cannot wake */
	struct load load;     /* when it was published last */
	bool armed;	      /* one more round without work, and the worker waits */
	uint32_t pause;	      /* of the loop, as seen last */
};

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void collect_sources(struct state *s)
{
	const struct tg_ports *ports = s->own->loop->ports;

	s->n_sources = 0;
	for (uint32_t i = 0; i < ports->n; i++)
		if (s->own->index < ports->v[i].n_rx_queues &&
			!atomic_load_explicit(&ports->paused[i], memory_order_relaxed))
			s->sources[s->n_sources++] = (struct source){.port = (uint16_t)i,
				.ethdev = ports->v[i].ethdev,
				.queue = (uint16_t)s->own->index};
}

static uint64_t per_second(const struct state *s, uint64_t n, uint64_t cycles)
{
	return (uint64_t)((double)n * (double)(s->tsc_per_ms * 1000) / (double)cycles);
}

/* The gauges of the second that has passed. */
static void publish_load(struct state *s, uint64_t tsc)
{
	struct tg_stats_worker *stats = s->own->stats;
	const struct load now = {.tsc = tsc,
		.busy = stats->busy_cycles,
		.received = stats->rx_packets,
		.handed = stats->handoff_sent};
	const uint64_t cycles = tsc - s->load.tsc;

	if (cycles < s->tsc_per_ms * 1000)
		return;
	stats->busy_permille = (now.busy - s->load.busy) * 1000 / cycles;
	stats->receive_rate = per_second(s, now.received - s->load.received, cycles);
	stats->handoff_rate = per_second(s, now.handed - s->load.handed, cycles);
	s->load = now;
}

/* The clock: a division once a millisecond only. */
static void update_now(struct state *s, uint64_t tsc)
{
	if (tsc < s->next_ms_tsc)
		return;
	s->now = (tsc - s->own->loop->started_tsc) / s->tsc_per_ms;
	s->next_ms_tsc = s->own->loop->started_tsc + (s->now + 1) * s->tsc_per_ms;
	publish_load(s, tsc);
}

static uint32_t receive(struct state *s)
{
	struct rte_mbuf *mbufs[TG_BURST];
	uint32_t total = 0;
	uint16_t n;

	for (uint32_t i = 0; i < s->n_sources; i++) {
		const struct source *from = &s->sources[i];

		n = rte_eth_rx_burst(from->ethdev, from->queue, mbufs, TG_BURST);
		if (n == 0)
			continue;
		tg_worker_burst(s->own->worker, from->port, mbufs, n, s->now);
		total += n;
	}
	return total;
}

/* Steps of it that are due; more at a time when there is nothing else to do. */
static uint32_t sweep(const struct state *s, uint32_t work)
{
	uint32_t due_ms, n = work != 0 ? 1 : IDLE_STEPS;

	do
		due_ms = tg_worker_sweep(s->own->worker, s->now);
	while (due_ms == 0 && --n != 0);
	return due_ms;
}

static void wake_others(struct tg_loop *loop, uint64_t handed)
{
	for (; handed != 0; handed &= handed - 1)
		tg_wake_ring(&loop->wake[__builtin_ctzll(handed)]);
}

/* How long the next wait may last. */
static uint32_t wait_us(struct state *s, const struct tg_wake *wake)
{
	uint32_t us = s->sleep_us;

	if (wake->all)
		return REST_US;
	s->sleep_us = RTE_MIN(s->sleep_us * 2, s->own->loop->sleep_max_us);
	return RTE_MIN(us, REST_US);
}

/* There was nothing to do in a round that began at `tsc`. */
static void rest(struct state *s, uint64_t tsc)
{
	struct tg_loop *loop = s->own->loop;
	struct tg_wake *wake = &loop->wake[s->own->index];

	if (loop->sleep_max_us == 0 || tsc - s->worked < s->linger)
		return;
	if (!s->armed) {
		tg_wake_arm(wake);
		s->armed = true;
		return;
	}
	rte_rcu_qsbr_thread_offline(loop->qsbr, s->own->index);
	tg_wake_wait(wake, wait_us(s, wake));
	rte_rcu_qsbr_thread_online(loop->qsbr, s->own->index);
	tg_wake_disarm(wake);
	s->armed = false;
}

static void stay_awake(struct state *s, uint64_t tsc)
{
	if (s->armed)
		tg_wake_disarm(&s->own->loop->wake[s->own->index]);
	s->armed = false;
	s->worked = tsc;
	s->sleep_us = SLEEP_MIN_US;
}

/* Between two rounds: what was sent has been flushed. */
static void look_at_ports(struct state *s)
{
	struct tg_loop *loop = s->own->loop;
	uint32_t pause = atomic_load_explicit(&loop->pause, memory_order_acquire);

	if (likely(pause == s->pause))
		return;
	s->pause = pause;
	stay_awake(s, rte_rdtsc());
	collect_sources(s);
	tg_wake_ports(&loop->wake[s->own->index], loop->ports, s->own->index);
	atomic_store_explicit(&loop->paused[s->own->index], pause, memory_order_release);
}

static void round_once(struct state *s)
{
	const struct tg_loop_worker *own = s->own;
	uint64_t from = rte_rdtsc(), spent;
	uint32_t work, due_ms;

	look_at_ports(s);
	update_now(s, from);
	work = receive(s);
	work += tg_worker_handoff(own->worker, s->now);
	due_ms = sweep(s, work);
	tg_worker_flush(own->worker);
	wake_others(own->loop, tg_worker_handed(own->worker));
	rte_rcu_qsbr_quiescent(own->loop->qsbr, own->index);
	add(&own->stats->polls, 1);
	if (work != 0) {
		spent = rte_rdtsc() - from;
		stay_awake(s, from + spent);
		add(&own->stats->busy_cycles, spent);
	} else {
		add(&own->stats->idle_polls, 1);
		if (due_ms != 0)
			rest(s, from);
		spent = rte_rdtsc() - from;
	}
	add(&own->stats->total_cycles, spent);
}

int tg_loop_run(void *arg)
{
	struct state s = {.own = arg};
	struct tg_loop *loop = s.own->loop;

	/* Sleeps are as short as they are meant: the kernel's slack is 50 us otherwise. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	s.tsc_per_ms = rte_get_tsc_hz() / 1000;
	s.linger = rte_get_tsc_hz() / 1000000 * LINGER_US;
	stay_awake(&s, rte_rdtsc());
	s.load.tsc = s.worked;
	collect_sources(&s);
	rte_rcu_qsbr_thread_register(loop->qsbr, s.own->index);
	rte_rcu_qsbr_thread_online(loop->qsbr, s.own->index);
	while (!__atomic_load_n(&loop->stop, __ATOMIC_RELAXED))
		round_once(&s);
	rte_rcu_qsbr_thread_offline(loop->qsbr, s.own->index);
	rte_rcu_qsbr_thread_unregister(loop->qsbr, s.own->index);
	return 0;
}

static void ring_all(struct tg_loop *loop)
{
	for (uint32_t w = 0; w < loop->n_workers; w++)
		tg_wake_ring(&loop->wake[w]);
}

void tg_loop_stop(struct tg_loop *loop)
{
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELAXED);
	ring_all(loop);
}

void tg_loop_pause(struct tg_loop *loop)
{
	atomic_fetch_add_explicit(&loop->pause, 1, memory_order_release);
	ring_all(loop);
}

bool tg_loop_paused(const struct tg_loop *loop)
{
	uint32_t pause = atomic_load_explicit(&loop->pause, memory_order_relaxed);

	for (uint32_t w = 0; w < loop->n_workers; w++)
		if (atomic_load_explicit(&loop->paused[w], memory_order_acquire) != pause)
			return false;
	return true;
}
