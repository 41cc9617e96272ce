/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "worker_loop.h"

#define IDLE_ROUNDS 256u /* empty ones in a row before the first sleep */
#define SLEEP_MIN_US 5u

/* A queue that this worker polls. */
struct source {
	uint16_t port; /* index in the configuration */
	uint16_t ethdev;
	uint16_t queue;
};

struct state {
	const struct tg_loop_worker *own;
	struct source sources[TG_PORTS_MAX];
	uint32_t n_sources;
	uint64_t tsc_per_ms;
	uint64_t next_ms_tsc; /* when `now` is another number */
	uint64_t now;	      /* milliseconds since started_tsc */
	uint32_t idle_rounds; /* in a row */
	uint32_t sleep_us;    /* the next sleep's length */
};

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void collect_sources(struct state *s)
{
	const struct tg_ports *ports = s->own->loop->ports;

	for (uint32_t i = 0; i < ports->n; i++)
		if (s->own->index < ports->v[i].n_rx_queues)
			s->sources[s->n_sources++] = (struct source){.port = (uint16_t)i,
				.ethdev = ports->v[i].ethdev,
				.queue = (uint16_t)s->own->index};
}

/* The clock: a division once a millisecond only. */
static void update_now(struct state *s, uint64_t tsc)
{
	if (tsc < s->next_ms_tsc)
		return;
	s->now = (tsc - s->own->loop->started_tsc) / s->tsc_per_ms;
	s->next_ms_tsc = s->own->loop->started_tsc + (s->now + 1) * s->tsc_per_ms;
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

static void sleep_us(uint32_t us)
{
	struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	nanosleep(&ts, NULL);
}

/*
 * Nothing came for a while: sleep, longer each time, but not past the next step of the sweep.
 */
static void rest(struct state *s, uint32_t sweep_due_ms)
{
	const struct tg_loop *loop = s->own->loop;
	uint64_t us = RTE_MIN(s->sleep_us, (uint64_t)sweep_due_ms * 1000);

	if (loop->sleep_max_us == 0 || ++s->idle_rounds < IDLE_ROUNDS || us == 0)
		return;
	rte_rcu_qsbr_thread_offline(loop->qsbr, s->own->index);
	sleep_us((uint32_t)us);
	rte_rcu_qsbr_thread_online(loop->qsbr, s->own->index);
	s->sleep_us = RTE_MIN(s->sleep_us * 2, loop->sleep_max_us);
}

static void wake(struct state *s)
{
	s->idle_rounds = 0;
	s->sleep_us = SLEEP_MIN_US;
}

static void round_once(struct state *s)
{
	const struct tg_loop_worker *own = s->own;
	uint64_t from = rte_rdtsc(), spent;
	uint32_t work, due_ms;

	update_now(s, from);
	work = receive(s);
	work += tg_worker_handoff(own->worker, s->now);
	due_ms = tg_worker_sweep(own->worker, s->now);
	tg_worker_flush(own->worker);
	rte_rcu_qsbr_quiescent(own->loop->qsbr, own->index);
	add(&own->stats->polls, 1);
	if (work != 0) {
		wake(s);
		spent = rte_rdtsc() - from;
		add(&own->stats->busy_cycles, spent);
	} else {
		add(&own->stats->idle_polls, 1);
		rest(s, due_ms);
		spent = rte_rdtsc() - from;
	}
	add(&own->stats->total_cycles, spent);
}

int tg_loop_run(void *arg)
{
	struct state s = {.own = arg};
	const struct tg_loop *loop = s.own->loop;

	/* Sleeps are as short as they are meant: the kernel's slack is 50 us otherwise. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	s.tsc_per_ms = rte_get_tsc_hz() / 1000;
	collect_sources(&s);
	wake(&s);
	rte_rcu_qsbr_thread_register(loop->qsbr, s.own->index);
	rte_rcu_qsbr_thread_online(loop->qsbr, s.own->index);
	while (!__atomic_load_n(&loop->stop, __ATOMIC_RELAXED))
		round_once(&s);
	rte_rcu_qsbr_thread_offline(loop->qsbr, s.own->index);
	rte_rcu_qsbr_thread_unregister(loop->qsbr, s.own->index);
	return 0;
}

void tg_loop_stop(struct tg_loop *loop)
{
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELAXED);
}
