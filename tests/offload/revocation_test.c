/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a change of rules denies has left the NIC when the change is answered: connections by the
 * hundred thousand in the NIC's model, a third of them revoked by a ruleset or by a delta, while
 * traffic goes on, offers wait in the rings and insertions have not ended. After the answer not
 * one packet of a revoked connection comes out, and all others stay where they are.
 *
 * Interleaved: calls into what talks to the driver are intercepted (--wrap), and between them
 * packets of all connections pass. So there is traffic at each step of judging, in one thread.
 * Threads: traffic, owner and control have threads of their own.
 *
 *	revocation_test [-n CONNECTIONS] [-p PROFILE] [-t] FOLDER
 *
 * -t: only with threads.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "flow.h"
#include "log.h"
#include "nic_pair.h"
#include "nicmodel.h"
#include "offload.h"
#include "world.h"

#define BURST 32
#define MERIT 3
#define POLL_MS 1000
#define IDLE_MS 100000000u
#define WAIT_MS 20000 /* that a judgement may take, on however slow a machine */
#define GIVE_UP_MS 20 /* when it has to fail */
#define SWEEP_MS 40   /* of virtual time */
#define BATCH 1024    /* connections begun between two passes of the sweep */
#define HOSTS 32u     /* outside, of revoked connections and of others: what a delta names */
#define FIRST_PORT 1024u
#define KEPT_NET 0x08080000u
#define REVOKED_NET 0x09090000u
#define AFTER 100000u	 /* packets of revoked connections after each answer, the least */
#define FRESH 3000u	 /* connections that are offered when the change comes */
#define TAKEN_LATE 1000u /* of these, the owner has begun to insert about so many */
#define STEPS_LATE 40	 /* polls that find no end of an insertion */
#define LATE_MS 3
#define LATE_PACKETS 50
#define CHANGES 6 /* with threads */
#define THREADED_MAX 20000u

enum step { ASK, ANSWER, THERE, BACK, STEPS };

static struct {
	const char *folder, *profile;
	uint32_t n;
} options = {.profile = "mlx5-cx5", .n = 100000};

struct lab {
	struct world w;
	struct nic_pair nic;
	struct tg_nic_profiles *profiles;
	struct tg_stats_offload stats;
	struct tg_offload *offload;
	struct packet frame[2][STEPS]; /* of TCP, UDP; the numbers of a connection are put in */
	bool by_protocol;	       /* what is revoked is UDP; else both protocols are */
	uint32_t n;		       /* connections */
	uint32_t random;
	_Atomic bool answered;	  /* the change: nothing revoked may come out */
	uint64_t sent[2], out[2]; /* packets, by whether they are of revoked connections */
	uint64_t late;		  /* came out after the answer */
};

static uint32_t any(struct lab *l, uint32_t below)
{
	l->random = l->random * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)l->random * below >> 32);
}

/* ---- packets ---- */

static bool revoked(uint32_t i)
{
	return i % 3 == 0;
}

static bool is_udp(const struct lab *l, uint32_t i)
{
	return l->by_protocol ? revoked(i) : i / HOSTS & 1;
}

static void make_frames(struct lab *l)
{
	static const char *const text[2][STEPS] = {
		{"10.1.0.1 > 8.8.8.8 tcp 1>80 S seq=1000",
			"8.8.8.8 > 10.1.0.1 tcp 80>1 SA seq=5000 ack=1001",
			"10.1.0.1 > 8.8.8.8 tcp 1>80 A seq=1001 ack=5001",
			"8.8.8.8 > 10.1.0.1 tcp 80>1 A seq=5001 ack=1001"},
		{"10.1.0.1 > 8.8.8.8 udp 1>53 len=20", "8.8.8.8 > 10.1.0.1 udp 53>1 len=20",
			"10.1.0.1 > 8.8.8.8 udp 1>53 len=20", "8.8.8.8 > 10.1.0.1 udp 53>1 len=20"},
	};

	for (unsigned int udp = 0; udp < 2; udp++)
		for (unsigned int s = 0; s < STEPS; s++)
			packet_make(&l->frame[udp][s], text[udp][s]);
}

static bool outside(enum step step)
{
	return step == ANSWER || step == BACK;
}

static void send_one(struct lab *l, uint32_t i, enum step step)
{
	struct rte_mbuf *m = packet_mbuf(l->w.pool, &l->frame[is_udp(l, i)][step]);
	uint32_t host = rte_cpu_to_be_32((revoked(i) ? REVOKED_NET : KEPT_NET) + i % HOSTS);
	uint16_t port = rte_cpu_to_be_16((uint16_t)(FIRST_PORT + i / HOSTS));
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(p + (outside(step) ? 26 : 30), &host, 4);
	memcpy(p + (outside(step) ? 36 : 34), &port, 2);
	l->sent[revoked(i)]++;
	if (rte_ring_enqueue(l->nic.in[outside(step)], m) != 0)
		abort();
}

/* Of what has come out of a port. */
static bool is_revoked(const struct rte_mbuf *m, unsigned int port)
{
	uint32_t host;

	memcpy(&host, rte_pktmbuf_mtod_offset(m, const uint8_t *, port == INSIDE ? 26 : 30), 4);
	return rte_be_to_cpu_32(host) >> 16 == REVOKED_NET >> 16;
}

static void drain(struct lab *l, bool answered)
{
	void *m;

	for (unsigned int port = 0; port < 2; port++)
		while (rte_ring_dequeue(l->nic.out[port], &m) == 0) {
			bool of_revoked = is_revoked(m, port);

			l->out[of_revoked]++;
			l->late += of_revoked && answered;
			rte_pktmbuf_free(m);
		}
}

/* What has arrived goes through NIC and worker; what comes out is looked at before more does. */
static void run(struct lab *l)
{
	struct rte_mbuf *m[BURST];
	uint16_t n;

	for (uint16_t port = 0; port < 2; port++)
		do {
			bool answered = atomic_load(&l->answered);

			n = rte_eth_rx_burst(l->nic.port[port], 0, m, BURST);
			if (n != 0)
				tg_worker_burst(l->w.worker[0], port, m, n, l->w.now);
			tg_worker_flush(l->w.worker[0]);
			drain(l, answered);
		} while (n != 0 || rte_ring_count(l->nic.in[port]) != 0);
	tg_worker_sweep(l->w.worker[0], l->w.now);
	tg_worker_flush(l->w.worker[0]);
}

/* Half of them of revoked connections. */
static void any_traffic(struct lab *l, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		uint32_t i = any(l, l->n / 3) * 3 + (any(l, 2) ? 0 : 1 + any(l, 2));

		send_one(l, i < l->n ? i : 0, any(l, 2) ? THERE : BACK);
	}
	run(l);
}

static void pass(struct lab *l, uint32_t ms)
{
	l->w.now += ms;
	nicmodel_clock_advance(ms);
}

/* ---- between calls into drivers ---- */

static struct {
	struct lab *lab; /* NULL: nothing happens between calls */
	uint32_t calls;
	uint32_t polls_late; /* polls to come that find nothing */
	bool inside;
} between;

static void meddle(void)
{
	if (between.lab == NULL || between.inside || ++between.calls % 16 != 0)
		return;
	between.inside = true;
	any_traffic(between.lab, BURST);
	pass(between.lab, between.calls % 256 == 0);
	between.inside = false;
}

uint32_t __real_tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n);
int __real_tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user);
uint32_t __wrap_tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n);
int __wrap_tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user);

uint32_t __wrap_tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n)
{
	meddle();
	if (between.polls_late != 0) {
		between.polls_late--;
		return 0;
	}
	return __real_tg_flow_poll(port, done, n);
}

int __wrap_tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user)
{
	int rc = __real_tg_flow_remove(port, flow, user);

	meddle();
	return rc;
}

/* ---- the gateway ---- */

static void quirks_on(const struct lab *l)
{
	struct nicmodel_quirks quirks;

	nicmodel_quirks_get(l->nic.port[0], &quirks);
	quirks.on |= 1u << TG_NIC_HAZARD_LATE_INSERT | 1u << TG_NIC_HAZARD_COUNTER_FAILS;
	quirks.late_ms = LATE_MS;
	quirks.late_packets = LATE_PACKETS;
	nicmodel_quirks_set(l->nic.port[0], &quirks);
}

static int judge(struct lab *l, const struct tg_classmap_entry *entries, uint32_t n, uint32_t ms)
{
	return tg_offload_judge(
		l->offload, l->w.classifier, tg_generation_epoch(l->w.generation), entries, n, ms);
}

static void step(struct lab *l)
{
	while (tg_offload_step(l->offload, l->w.now))
		run(l); /* or the ring of events would be full */
	run(l);
}

static void lab_start(struct lab *l, uint32_t n, bool by_protocol)
{
	struct tg_offload_config config = {.connections_max = n + 2 * FRESH,
		.merit = MERIT,
		.idle_ms = IDLE_MS,
		.poll_ms = POLL_MS,
		.datapath = &l->w.config,
		.stats = &l->stats};
	const struct tg_nic_profile *profile;

	memset(l, 0, sizeof(*l));
	l->n = n;
	l->by_protocol = by_protocol;
	nicmodel_clock_stop();
	world_defaults(&l->w);
	make_frames(l);
	l->w.config.n_ports = 2;
	l->w.config.sweep_ms = SWEEP_MS;
	l->w.config.conn4_max = 2 * (n + 2 * FRESH);
	l->w.config.half_open_per_source = l->w.config.half_open_max = UINT32_MAX;
	profile = nic_pair_profile(options.folder, options.profile, &l->profiles);
	nic_pair_open(&l->nic, profile, l->w.pool);
	for (unsigned int i = 0; i < 2; i++) {
		l->w.config.ports[i].ethdev = l->nic.port[i];
		config.ports[i] = (struct tg_offload_port){
			.profile = profile, .ethdev = l->nic.port[i], .switch_domain = 1};
	}
	assert_int_equal(tg_offload_create(&config, &l->offload), 0);
	nic_pair_start(&l->nic);
	quirks_on(l);
	world_start(&l->w);
	for (uint16_t i = 0; i < 2; i++)
		tg_offload_link(l->offload, i, true);
	assert_int_equal(tg_worker_attach(l->w.worker[0], tg_offload_channel(l->offload, 0)), 0);
	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
	world_rules(&l->w, 0);
	assert_int_equal(judge(l, NULL, 0, WAIT_MS), 0);
	tg_offload_release(l->offload);
	step(l);
}

static void lab_stop(struct lab *l)
{
	between.lab = NULL;
	drain(l, false);
	tg_offload_free(l->offload);
	world_stop(&l->w);
	nic_pair_close(&l->nic);
	tg_nic_profiles_free(l->profiles);
	nicmodel_clock_run();
}

static void begin(struct lab *l, uint32_t from, uint32_t to)
{
	for (uint32_t at = from; at < to; at += BURST)
		for (unsigned int s = 0; s < 2 + MERIT + 1; s++) {
			for (uint32_t i = at; i < at + BURST && i < to; i++)
				send_one(l, i, s < 2 ? (enum step)s : THERE);
			run(l);
		}
}

/* A pass of the sweep: who is worth it is offered. */
static void look_at_all(struct lab *l)
{
	pass(l, SWEEP_MS + 1);
	while (tg_worker_sweep(l->w.worker[0], l->w.now) == 0)
		;
}

/* All connections are in hardware, and their rules act. */
static void offload_all(struct lab *l)
{
	for (uint32_t i = 0; i < l->n; i += BATCH) {
		begin(l, i, i + BATCH < l->n ? i + BATCH : l->n);
		look_at_all(l);
		step(l);
	}
	/* Of some packets were counted in two passes. */
	for (unsigned int round = 0; round < 4 && l->stats.active != l->n; round++)
		for (uint32_t i = 0; i < l->n; i += BATCH) {
			for (uint32_t k = i; k < i + BATCH && k < l->n; k += BURST) {
				for (uint32_t c = k; c < (k + BURST) && c < l->n; c++)
					for (unsigned int s = 0; s < MERIT; s++)
						send_one(l, c, THERE);
				run(l);
			}
			look_at_all(l);
			step(l);
		}
	assert_int_equal(l->stats.active, l->n);
	pass(l, LATE_MS + 1);
	any_traffic(l, LATE_PACKETS + BURST);
}

/* Beyond those: some offers in the ring, some insertions that have not ended. */
static void begin_more(struct lab *l)
{
	begin(l, l->n, l->n + FRESH);
	look_at_all(l);
	between.polls_late = UINT32_MAX;
	for (unsigned int k = 0; k < TAKEN_LATE / BURST; k++)
		tg_offload_step(l->offload, l->w.now);
	between.polls_late = STEPS_LATE;
	assert_true(l->stats.installing > TAKEN_LATE / 2);
	assert_true(rte_ring_count(tg_offload_channel(l->offload, 0)->offers) > FRESH / 4);
}

/* ---- changes ---- */

struct change {
	struct tg_classmap_entry entry[HOSTS];
	bool delta;
};

static void publish(struct lab *l, struct change *change)
{
	char address[16];

	if (!change->delta) {
		world_rules(&l->w, RULES_NO_DNS);
		return;
	}
	for (uint32_t i = 0; i < HOSTS; i++) {
		change->entry[i] = (struct tg_classmap_entry){.addr = {9, 9, 0, (uint8_t)i},
			.family = 4,
			.cls = CLASS_CLOSED,
			.node = TG_NONE};
		snprintf(address, sizeof(address), "9.9.0.%u", i);
		world_remap(&l->w, address, CLASS_CLOSED);
	}
}

static int judge_change(struct lab *l, const struct change *change, uint32_t ms)
{
	return judge(l, change->delta ? change->entry : NULL, change->delta ? HOSTS : 0, ms);
}

/* A third of all is revoked while there is traffic at each step. */
static void change_rules(struct lab *l, struct change *change)
{
	uint64_t out;

	between.lab = l;
	any_traffic(l, BURST);
	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
	any_traffic(l, BURST);
	publish(l, change);
	any_traffic(l, BURST);
	out = l->out[true];
	assert_int_equal(judge_change(l, change, WAIT_MS), 0);
	/* So it is not for want of traffic that nothing comes out later. */
	assert_true(l->out[true] > out);
	tg_offload_release(l->offload);
	atomic_store(&l->answered, true);
}

/* Whatever comes later: not one. */
static void assert_revoked(struct lab *l)
{
	const uint64_t until = l->sent[true] + AFTER;

	while (l->sent[true] < until) {
		any_traffic(l, 4 * BURST);
		pass(l, any(l, 2));
		tg_offload_step(l->offload, l->w.now);
	}
	for (uint32_t i = 0; i < l->n + FRESH; i++) {
		send_one(l, i, revoked(i) ? THERE : BACK);
		send_one(l, i, revoked(i) ? BACK : THERE);
		if (i % BURST == 0)
			run(l);
	}
	run(l);
	step(l);
	assert_int_equal(l->late, 0);
}

/* Every packet of those that are still allowed, and by the NIC alone. */
static void assert_others_in_hardware(struct lab *l)
{
	const uint64_t out = l->out[false], sent = l->sent[false];
	const uint64_t before = l->w.stats[0]->rx_packets;

	assert_true(l->stats.active >= l->n - l->n / 3 - 1);
	for (uint32_t i = 0; i < l->n; i++) {
		if (!revoked(i))
			send_one(l, i, i & 1 ? THERE : BACK);
		if (i % BURST == 0)
			run(l);
	}
	run(l);
	assert_int_equal(l->out[false] - out, l->sent[false] - sent);
	assert_int_equal(l->w.stats[0]->rx_packets, before);
}

static uint32_t n_revoked(uint32_t n)
{
	return (n + 2) / 3;
}

static void revoke_a_third(bool delta)
{
	struct lab *l = malloc(sizeof(*l));
	struct change change = {.delta = delta};

	lab_start(l, options.n, !delta);
	offload_all(l);
	begin_more(l);
	change_rules(l, &change);
	/* Counters are read once more when they are not late any more. */
	assert_true(l->stats.draining + l->stats.left[TG_OFFLOAD_REVOKED] >= n_revoked(l->n));
	assert_revoked(l);
	if (!delta) /* they were judged by the rules before */
		assert_true(l->stats.left[TG_OFFLOAD_STALE] > 0);
	assert_others_in_hardware(l);
	lab_stop(l);
	free(l);
}

static void a_generation_revokes_a_third(void **state)
{
	revoke_a_third(false);
}

static void a_delta_revokes_a_third(void **state)
{
	revoke_a_third(true);
}

/* ---- faults ---- */

/* However they are asked for: with templates all that fails fails in the end. */
static void fail_destroys(const struct lab *l, int error, uint32_t after, uint32_t times)
{
	for (unsigned int port = 0; port < 2; port++) {
		nicmodel_fail(l->nic.port[port], NICMODEL_DESTROY, error, after, times);
		nicmodel_fail(l->nic.port[port], NICMODEL_ASYNC_DESTROY, error, after, times);
	}
}

static void with_removals_that_fail(int error, bool delta, bool others_stay)
{
	struct lab *l = malloc(sizeof(*l));
	struct change change = {.delta = delta};

	lab_start(l, options.n / 5, !delta);
	offload_all(l);
	begin_more(l);
	fail_destroys(l, error, 100, others_stay ? 500 : 1);
	change_rules(l, &change);
	assert_revoked(l);
	if (others_stay)
		assert_others_in_hardware(l);
	else
		assert_true(l->stats.left[TG_OFFLOAD_LOST] > 0);
	lab_stop(l);
	free(l);
}

static bool by_templates(void)
{
	struct tg_nic_profiles *profiles;
	bool templates = nic_pair_profile(options.folder, options.profile, &profiles)->templates;

	tg_nic_profiles_free(profiles);
	return templates;
}

static void removals_that_are_not_taken_are_repeated(void **state)
{
	if (by_templates())
		skip(); /* a queue is full often enough without help */
	with_removals_that_fail(EAGAIN, false, true);
	with_removals_that_fail(EAGAIN, true, true);
}

static void removals_that_fail_cost_a_port_its_rules(void **state)
{
	with_removals_that_fail(EIO, false, false);
	with_removals_that_fail(EIO, true, false);
}

static void fail_removals(const struct lab *l, uint32_t times)
{
	fail_destroys(l, EIO, 0, times);
	for (unsigned int port = 0; port < 2; port++)
		nicmodel_fail(l->nic.port[port], NICMODEL_FLUSH, EIO, 0, times);
}

/* No answer while a rule may be left, and nothing new; the next try ends well. */
static void without_a_flush(bool delta)
{
	struct lab *l = malloc(sizeof(*l));
	struct change change = {.delta = delta};
	uint64_t inserted;

	lab_start(l, options.n / 20, !delta);
	offload_all(l);
	begin_more(l);
	fail_removals(l, UINT32_MAX);
	between.lab = l;
	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
	publish(l, &change);
	assert_int_not_equal(judge_change(l, &change, GIVE_UP_MS), 0);
	tg_offload_release(l->offload);
	between.polls_late = 0;
	step(l); /* what was under way ends */
	inserted = l->stats.inserted;
	/* New ones of those that are allowed are offered by the rules in force. */
	begin(l, l->n + FRESH, l->n + 2 * FRESH);
	look_at_all(l);
	tg_offload_step(l->offload, l->w.now);
	step(l);
	assert_true(l->stats.left[TG_OFFLOAD_STALE] >= FRESH);
	assert_int_equal(l->stats.inserted, inserted);
	/* A judgement of other addresses is one of all, as long as the last one has not ended. */
	fail_removals(l, 0);
	between.lab = NULL;
	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
	assert_int_equal(judge(l, change.entry, 1, WAIT_MS), 0);
	tg_offload_release(l->offload);
	atomic_store(&l->answered, true);
	assert_revoked(l);
	lab_stop(l);
	free(l);
}

static void without_a_flush_there_is_no_answer(void **state)
{
	without_a_flush(false);
	without_a_flush(true);
}

/* ---- threads ---- */

struct threads {
	struct lab *lab;
	_Atomic uint64_t now, sent;
	_Atomic bool stop, pause, paused;
};

/* The worker's thread, and the wire's. */
static void *traffic(void *arg)
{
	struct threads *t = arg;
	struct lab *l = t->lab;

	while (!atomic_load(&t->stop)) {
		while (atomic_load(&t->pause) && !atomic_load(&t->stop)) {
			atomic_store(&t->paused, true);
			sched_yield();
		}
		atomic_store(&t->paused, false);
		l->w.now = atomic_load(&t->now);
		any_traffic(l, BURST);
		atomic_store(&t->sent, l->sent[true]);
	}
	return NULL;
}

static void *own(void *arg)
{
	struct threads *t = arg;

	while (!atomic_load(&t->stop)) {
		nicmodel_clock_advance(1);
		tg_offload_step(t->lab->offload, atomic_fetch_add(&t->now, 1) + 1);
	}
	return NULL;
}

/* Rules change while the worker has no packet. */
static void publish_between_packets(struct threads *t, uint32_t rules)
{
	atomic_store(&t->pause, true);
	while (!atomic_load(&t->paused))
		sched_yield();
	atomic_store(&t->lab->answered, false);
	world_rules(&t->lab->w, rules);
	atomic_store(&t->paused, false);
	atomic_store(&t->pause, false);
}

static void change_with_threads(struct threads *t, uint32_t rules)
{
	struct lab *l = t->lab;

	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
	publish_between_packets(t, rules);
	assert_int_equal(judge(l, NULL, 0, WAIT_MS), 0);
	tg_offload_release(l->offload);
}

static void wait_for_packets(struct threads *t, uint64_t n)
{
	const uint64_t until = atomic_load(&t->sent) + n;

	while (atomic_load(&t->sent) < until)
		sched_yield();
}

static void changes_with_threads(void **state)
{
	struct lab *l = malloc(sizeof(*l));
	struct threads t = {.lab = l};
	pthread_t worker, owner;

	lab_start(l, options.n < THREADED_MAX ? options.n : THREADED_MAX, true);
	offload_all(l);
	between.lab = NULL;
	atomic_store(&t.now, l->w.now);
	assert_int_equal(pthread_create(&worker, NULL, traffic, &t), 0);
	assert_int_equal(pthread_create(&owner, NULL, own, &t), 0);
	for (unsigned int k = 0; k < CHANGES; k++) {
		change_with_threads(&t, RULES_NO_DNS);
		atomic_store(&l->answered, true);
		wait_for_packets(&t, AFTER);
		change_with_threads(&t, 0);
		wait_for_packets(&t, AFTER / 4); /* they begin anew, and are offered */
	}
	atomic_store(&t.stop, true);
	pthread_join(worker, NULL);
	pthread_join(owner, NULL);
	assert_int_equal(l->late, 0);
	assert_true(l->stats.left[TG_OFFLOAD_REVOKED] >= n_revoked(l->n));
	assert_true(l->stats.taken > l->n);
	lab_stop(l);
	free(l);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_with_threads),
		cmocka_unit_test(a_generation_revokes_a_third),
		cmocka_unit_test(a_delta_revokes_a_third),
		cmocka_unit_test(removals_that_are_not_taken_are_repeated),
		cmocka_unit_test(removals_that_fail_cost_a_port_its_rules),
		cmocka_unit_test(without_a_flush_there_is_no_answer),
	};
	bool threads = false;
	int c;

	while ((c = getopt(argc, argv, "n:p:t")) != -1) {
		if (c == 'n')
			options.n = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			options.profile = optarg;
		else if (c == 't')
			threads = true;
		else
			return 2;
	}
	if (optind + 1 != argc || options.n < 1000)
		return 2;
	options.folder = argv[optind];
	world_eal();
	tg_log_init("revocation", TG_LOG_ERR);
	return threads ? _cmocka_run_group_tests("threads", tests, 1, NULL, NULL)
		       : cmocka_run_group_tests(tests, NULL, NULL);
}
