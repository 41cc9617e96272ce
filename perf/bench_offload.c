/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections in hardware: what their owner costs, against the model of a NIC with the profile
 * mlx5-cx5. The model is software: what the owner spends in calls of rte_flow is the model's share
 * and is told apart; a real driver's is another one.
 *
 *	bench_offload [--json PATH] [--connections N] [--ms N] [--only rules|revoke|mix|workers]
 *
 * rules     connections are taken, two rules each; their counters are polled; all are judged anew,
 *           and those of one address; in each millisecond CHURN go and as many come; all go. The
 *           program plays the worker, and no packet passes: counters grow as they are read
 * revoke    a ruleset by which every second connection is not allowed as before: until the answer
 * mix       the share of packets that the NIC forwards, by min-packets. Sizes of flows are those of
 *           DCTCP's web search (Alizadeh et al., SIGCOMM 2010) as the simulations of HPCC have them
 *           (WebSearch_distribution.txt): ARRIVALS flows a second, each of 1 or of 8 packets of
 *           data a millisecond (12 and 93 Mbit/s) and an acknowledgement for every two, with the
 *           shipped interval of the sweep
 * workers   established flows through a worker that hardware could take connections from, but that
 *           none is worth it, and through one without: in turns, the median of the ratios
 *
 * Processor time of the thread; of it the model's share, by the time stamp counter: on a machine
 *that does something else it is too large.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "bench.h"
#include "flow_internal.h"
#include "log.h"
#include "nic_pair.h"
#include "nicmodel.h"
#include "offload.h"
#include "rig.h"
#include "traffic.h"

#define PODS 10000u
#define POLICIES 1000u
#define SLOTS (1u << 20)
#define BATCH 2048u
#define CHUNK 1024u /* offers at a time */
#define WAIT_MS 60000u
#define POLL_MS 1000u
#define STALE_MS 2001u /* of counters, by the profile */
#define CHURN_MS 10000u
#define CHURN 50u /* connections a millisecond */
#define CHURNED (CHURN * CHURN_MS)
#define LEAVING (CHURN * 5000u) /* at a time: their last counts are late */
#define ARRIVALS 100u
#define SEGMENT 1460.0
#define MIX_MS 20000u

/* ---- the model's share ---- */

static struct {
	uint64_t cycles, calls;
	uint64_t traffic; /* packets that counters claim beyond what they have counted */
} driver;

#define DRIVER(type, call)                             \
	do {                                           \
		uint64_t start_ = rte_rdtsc();         \
		type result_ = (call);                 \
		driver.cycles += rte_rdtsc() - start_; \
		driver.calls++;                        \
		return result_;                        \
	} while (0)

struct rte_flow *__real_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[],
	struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[],
	struct rte_flow_error *error);
int __real_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
struct rte_flow_action_handle *__real_rte_flow_action_handle_create(uint16_t port,
	const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
	struct rte_flow_error *error);
struct rte_flow_action_handle *__wrap_rte_flow_action_handle_create(uint16_t port,
	const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
	struct rte_flow_error *error);
int __real_rte_flow_action_handle_destroy(
	uint16_t port, struct rte_flow_action_handle *handle, struct rte_flow_error *error);
int __wrap_rte_flow_action_handle_destroy(
	uint16_t port, struct rte_flow_action_handle *handle, struct rte_flow_error *error);
int __real_rte_flow_action_handle_query(uint16_t port, const struct rte_flow_action_handle *handle,
	void *data, struct rte_flow_error *error);
int __wrap_rte_flow_action_handle_query(uint16_t port, const struct rte_flow_action_handle *handle,
	void *data, struct rte_flow_error *error);

struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	DRIVER(struct rte_flow *, __real_rte_flow_create(port, attr, items, actions, error));
}

int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	DRIVER(int, __real_rte_flow_destroy(port, flow, error));
}

struct rte_flow_action_handle *__wrap_rte_flow_action_handle_create(uint16_t port,
	const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
	struct rte_flow_error *error)
{
	DRIVER(struct rte_flow_action_handle *,
		__real_rte_flow_action_handle_create(port, conf, action, error));
}

int __wrap_rte_flow_action_handle_destroy(
	uint16_t port, struct rte_flow_action_handle *handle, struct rte_flow_error *error)
{
	DRIVER(int, __real_rte_flow_action_handle_destroy(port, handle, error));
}

int __wrap_rte_flow_action_handle_query(uint16_t port, const struct rte_flow_action_handle *handle,
	void *data, struct rte_flow_error *error)
{
	struct rte_flow_query_count *count = data;
	uint64_t start = rte_rdtsc();
	int rc = __real_rte_flow_action_handle_query(port, handle, data, error);

	driver.cycles += rte_rdtsc() - start;
	driver.calls++;
	count->hits += driver.traffic;
	count->bytes += 1000 * driver.traffic;
	return rc;
}

/* ---- figures ---- */

struct cost {
	double owner, model; /* ns, or more of them, of one */
};

static struct {
	FILE *json;
	bool any;
} figures;

static void report(const char *name, double value, const char *unit)
{
	printf("%-48s %12.*f %s\n", name, unit[0] == '\0' && value < 10 ? 3 : 1, value, unit);
	fflush(stdout);
	if (figures.json == NULL)
		return;
	fprintf(figures.json, "%s\n  {\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}",
		figures.any ? "," : "", name, value, unit);
	figures.any = true;
}

struct watch {
	uint64_t ns, cycles;
};

static struct watch watch_start(void)
{
	return (struct watch){bench_ns(CLOCK_THREAD_CPUTIME_ID), driver.cycles};
}

static struct cost watch_stop(struct watch w, double n)
{
	const double ns = (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - w.ns);
	const double model = (double)(driver.cycles - w.cycles) * 1e9 / (double)rte_get_tsc_hz();

	return (struct cost){(ns - model) / n, model / n};
}

static void report_cost(const char *name, struct cost cost, const char *unit)
{
	char text[64];

	snprintf(text, sizeof(text), "%s: owner", name);
	report(text, cost.owner, unit);
	snprintf(text, sizeof(text), "%s: model", name);
	report(text, cost.model, unit);
}

/* ---- the owner ---- */

struct bench {
	struct traffic_rules rules;
	struct rte_mempool *pool;
	struct nic_pair nic;
	struct tg_nic_profiles *profiles;
	const struct tg_nic_profile *profile;
	struct tg_datapath_config config;
	struct tg_stats_offload stats;
	struct tg_offload *offload;
	struct tg_hardware_channel *channel;
	struct tg_hardware_offer *offers; /* one for each connection, ticket i + 1 */
	uint32_t *entry;		  /* of each connection that was taken */
	uint32_t n;			  /* at a time */
	uint64_t now;
	uint64_t random;
};

static uint64_t resident(void)
{
	unsigned long pages = 0;
	FILE *from = fopen("/proc/self/statm", "re");

	if (from == NULL || fscanf(from, "%*u %lu", &pages) != 1)
		bench_die("no memory figures");
	fclose(from);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void open_owner(struct bench *b, uint32_t connections, uint32_t merit)
{
	struct tg_offload_config config = {.connections_max = connections,
		.merit = merit,
		.idle_ms = 1u << 30,
		.poll_ms = POLL_MS,
		.datapath = &b->config,
		.stats = &b->stats};

	memset(&b->stats, 0, sizeof(b->stats));
	b->now = 0;
	nicmodel_clock_stop();
	b->profile = nic_pair_profile(NIC_PROFILES, "mlx5-cx5", &b->profiles);
	nic_pair_open(&b->nic, b->profile, b->pool);
	rig_wire(&b->config, b->nic.port[0], b->nic.port[1]);
	for (unsigned int i = 0; i < 2; i++)
		config.ports[i] = (struct tg_offload_port){
			.profile = b->profile, .ethdev = b->nic.port[i], .switch_domain = 1};
	if (tg_offload_create(&config, &b->offload) != 0)
		bench_die("no owner of rules");
	nic_pair_start(&b->nic);
	for (uint16_t i = 0; i < 2; i++)
		tg_offload_link(b->offload, i, true);
	b->channel = tg_offload_channel(b->offload, 0);
}

static void close_owner(struct bench *b)
{
	tg_offload_free(b->offload);
	nic_pair_close(&b->nic);
	tg_nic_profiles_free(b->profiles);
	nicmodel_clock_run();
}

/* All of what is there, or what `entries` may change. */
static void judge(struct bench *b, const struct tg_classmap_entry *entries, uint32_t n)
{
	if (tg_offload_hold(b->offload, WAIT_MS) != 0 ||
		tg_offload_judge(b->offload, b->rules.classifier,
			tg_generation_epoch(b->rules.generation), entries, n, WAIT_MS) != 0)
		bench_die("the owner does not answer");
	tg_offload_release(b->offload);
}

static void take_events(struct bench *b)
{
	struct tg_hardware_event e[64];
	unsigned int n;

	while ((n = rte_ring_sc_dequeue_burst_elem(
			b->channel->events, e, sizeof(e[0]), 64, NULL)) != 0)
		for (unsigned int i = 0; i < n; i++)
			if (e[i].kind == TG_HARDWARE_TAKEN)
				b->entry[e[i].index] = e[i].entry;
}

/* Until there is nothing to do now; what workers do meanwhile is not measured. */
static void step(struct bench *b, struct watch *w)
{
	bool more;

	do {
		const uint64_t before = bench_ns(CLOCK_THREAD_CPUTIME_ID);

		more = tg_offload_step(b->offload, b->now);
		w->ns += bench_ns(CLOCK_THREAD_CPUTIME_ID) - before;
		take_events(b);
	} while (more);
}

static struct watch pause_watch(void)
{
	return (struct watch){0, driver.cycles};
}

static struct cost steps_cost(struct watch w, double n)
{
	const double model = (double)(driver.cycles - w.cycles) * 1e9 / (double)rte_get_tsc_hz();

	return (struct cost){((double)w.ns - model) / n, model / n};
}

static void make_offers(struct bench *b)
{
	const struct traffic_flows *flows = &b->rules.allowed;

	const uint32_t n = b->n + CHURNED;

	b->offers = calloc(n, sizeof(*b->offers));
	b->entry = calloc(n, sizeof(*b->entry));
	if (b->offers == NULL || b->entry == NULL)
		bench_die("no memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct traffic_flow *flow = &flows->v[i % flows->n];
		struct tg_hardware_offer *offer = &b->offers[i];
		const struct tg_tuple *one = &offer->tuple;
		struct tg_judgement j;

		offer->tuple = (struct tg_tuple){.src.v4 = flow->src,
			.dst.v4 = flow->dst,
			.sport = (uint16_t)(1024 + i / flows->n),
			.dport = flow->dport,
			.protocol = flow->protocol,
			.family = 4};
		tg_classify_burst(b->rules.classifier, &one, &j, 1);
		offer->verdict[0] = j.verdict[0];
		offer->verdict[1] = j.verdict[1];
		offer->epoch = tg_generation_epoch(b->rules.generation);
		offer->ticket = i + 1;
		offer->index = i;
		offer->packets = 1000;
	}
}

static void offer(struct bench *b, uint32_t i)
{
	if (rte_ring_sp_enqueue_elem(b->channel->offers, &b->offers[i], sizeof(b->offers[i])) != 0)
		bench_die("the ring of offers is full");
}

static void recall(struct bench *b, uint32_t i)
{
	const struct tg_hardware_offer note = {.kind = TG_HARDWARE_RECALL, .entry = b->entry[i]};

	atomic_store(&b->channel->recall[b->entry[i]], i + 1);
	if (rte_ring_sp_enqueue_elem(b->channel->offers, (void *)(uintptr_t)&note, sizeof(note)) !=
		0)
		bench_die("the ring of offers is full");
}

static struct cost take_all(struct bench *b)
{
	struct watch w = pause_watch();

	for (uint32_t i = 0; i < b->n; i++) {
		offer(b, i);
		if (i % CHUNK == CHUNK - 1 || i == b->n - 1)
			step(b, &w);
	}
	if (b->stats.active != b->n)
		bench_die("%lu connections of %u were taken", (unsigned long)b->stats.active, b->n);
	return steps_cost(w, b->n);
}

/* The clock of all goes on, and whatever is due is done. */
static void pass(struct bench *b, uint32_t ms, struct watch *w)
{
	b->now += ms;
	nicmodel_clock_advance(ms);
	step(b, w);
}

static void poll_all(struct bench *b, bool busy)
{
	struct watch w = pause_watch();
	struct cost cost;

	for (uint32_t ms = 0; ms < POLL_MS; ms++) {
		driver.traffic += ms == 0 && busy;
		pass(b, 1, &w);
	}
	cost = steps_cost(w, 1e6);
	report_cost(
		busy ? "a poll of all, each with packets" : "a poll of all, each idle", cost, "ms");
}

/* In each millisecond those go that have been there for the longest, and as many come. */
static void churn(struct bench *b)
{
	const uint64_t taken = b->stats.taken, removed = b->stats.removed;
	struct watch w = pause_watch();
	struct cost cost;

	for (uint32_t i = 0; i < CHURNED; i += CHURN) {
		for (uint32_t k = i; k < i + CHURN; k++) {
			recall(b, k);
			offer(b, b->n + k);
		}
		driver.traffic += i % (CHURN * POLL_MS) == 0;
		pass(b, 1, &w);
	}
	cost = steps_cost(w, CHURN_MS * 1e4);
	report("churn: taken a second", (double)(b->stats.taken - taken) * 1e3 / CHURN_MS, "");
	report("churn: returned a second",
		(double)(b->stats.removed - removed) / 2 * 1e3 / CHURN_MS, "");
	report("churn: in hardware at its end", (double)b->stats.active, "connections");
	report_cost("churn and a poll of all a second", cost, "% of a core");
}

static void judge_all(struct bench *b)
{
	struct tg_classmap_entry one = {.family = 4, .cls = TG_NONE, .node = TG_NONE};
	const uint64_t active = b->stats.active;
	struct watch w = watch_start();

	judge(b, NULL, 0);
	report_cost("a ruleset judged", watch_stop(w, 1e6), "ms");
	memcpy(one.addr, &b->offers[0].tuple.src, 4);
	w = watch_start();
	judge(b, &one, 1);
	report_cost("a delta of one address judged", watch_stop(w, 1e6), "ms");
	if (b->stats.active != active)
		bench_die("what is allowed has left");
}

/* With their last counts, which are read later. */
static void return_all(struct bench *b)
{
	const uint64_t before = b->stats.removed;
	struct watch w = pause_watch();

	for (uint32_t i = CHURNED; i < b->n + CHURNED; i++) {
		recall(b, i);
		if (i % CHUNK == CHUNK - 1 || i == b->n + CHURNED - 1)
			step(b, &w);
	}
	for (unsigned int k = 0; k < 8 && b->stats.draining != 0; k++)
		pass(b, STALE_MS, &w);
	if (b->stats.active + b->stats.draining != 0)
		bench_die("%lu connections do not go",
			(unsigned long)(b->stats.active + b->stats.draining));
	report_cost("a connection returned", steps_cost(w, (double)(b->stats.removed - before) / 2),
		"ns");
}

static void bench_rules(struct bench *b)
{
	uint64_t before;

	make_offers(b);
	before = resident();
	open_owner(b, b->n + LEAVING, 1000);
	judge(b, NULL, 0);
	pass(b, 1, &(struct watch){0});
	report_cost("a connection taken", take_all(b), "ns");
	report("memory: owner's entries, a connection", (double)b->stats.memory / b->n, "bytes");
	report("memory: rules' records, a connection", 2.0 * sizeof(struct tg_flow), "bytes");
	report("memory: resident with the model, a connection",
		(double)(resident() - before) / b->n, "bytes");
	poll_all(b, false);
	poll_all(b, true);
	judge_all(b);
	churn(b);
	return_all(b);
	close_owner(b);
	free(b->offers);
	free(b->entry);
}

/* ---- the mix ---- */

/* Bytes, share of flows that are not larger; linear between. */
static const struct {
	double bytes, share;
} sizes[] = {{0, 0}, {10e3, .15}, {20e3, .20}, {30e3, .30}, {50e3, .40}, {80e3, .53}, {200e3, .60},
	{1e6, .70}, {2e6, .80}, {5e6, .90}, {10e6, .97}, {30e6, 1}};

struct flow {
	uint32_t index, left; /* segments */
	uint32_t sent;
};

struct mix {
	struct bench *b;
	struct tg_datapath *dp;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	struct tg_stats_slot *slots;
	struct flow *flow;
	uint32_t n, next, rate;
};

static uint32_t any_size(uint64_t *random)
{
	const double share = (double)(bench_random(random) >> 11) * 0x1p-53;
	unsigned int k = 1;

	while (sizes[k].share < share)
		k++;
	return 1 + (uint32_t)((sizes[k - 1].bytes + (sizes[k].bytes - sizes[k - 1].bytes) *
							    (share - sizes[k - 1].share) /
							    (sizes[k].share - sizes[k - 1].share)) /
			      SEGMENT);
}

static void mix_run(struct mix *m)
{
	struct rte_mbuf *v[TG_BURST];
	uint16_t n;
	void *out;

	for (uint16_t port = 0; port < 2; port++) {
		while ((n = rte_eth_rx_burst(m->b->nic.port[port], 0, v, TG_BURST)) != 0)
			tg_worker_burst(m->worker, port, v, n, m->b->now);
		tg_worker_flush(m->worker);
	}
	tg_worker_sweep(m->worker, m->b->now);
	tg_worker_flush(m->worker);
	for (unsigned int port = 0; port < 2; port++)
		while (rte_ring_dequeue(m->b->nic.out[port], &out) == 0)
			rte_pktmbuf_free(out);
}

static void mix_send(struct mix *m, uint32_t index, bool reply, uint8_t flags)
{
	struct rte_mbuf *v = rte_pktmbuf_alloc(m->b->pool);

	if (v == NULL)
		bench_die("no mbufs");
	rig_frame(v);
	traffic_write(v, &m->b->rules.allowed, index, reply, flags);
	if (rte_ring_enqueue(m->b->nic.in[reply], v) != 0)
		bench_die("the wire is full");
	if (rte_ring_count(m->b->nic.in[reply]) >= 256)
		mix_run(m);
}

static void mix_begin(struct mix *m)
{
	struct flow *flow = &m->flow[m->n++];

	*flow = (struct flow){.index = m->next++, .left = any_size(&m->b->random)};
	mix_send(m, flow->index, false, 0x02);
	mix_run(m);
	mix_send(m, flow->index, true, 0x12);
	mix_run(m);
	mix_send(m, flow->index, false, 0x10);
	mix_run(m);
}

/* A millisecond of a flow; false: it has ended. */
static bool mix_speak(struct mix *m, struct flow *flow)
{
	for (unsigned int k = 0; k < m->rate && flow->left != 0; k++, flow->left--) {
		mix_send(m, flow->index, false, 0x10);
		if (++flow->sent % 2 == 0)
			mix_send(m, flow->index, true, 0x10);
	}
	if (flow->left != 0)
		return true;
	mix_run(m);
	mix_send(m, flow->index, false, 0x11);
	mix_run(m);
	mix_send(m, flow->index, true, 0x11);
	return false;
}

static void mix_open(struct mix *m, uint32_t merit)
{
	struct bench *b = m->b;

	open_owner(b, 65536, merit);
	b->config.slot_capacity = SLOTS;
	b->config.conn4_max = 1u << 16;
	b->config.conn6_max = 64;
	memset(m->stats, 0, sizeof(*m->stats));
	if (tg_datapath_create(&b->config, &m->dp) != 0 ||
		tg_worker_create(m->dp, 0, SOCKET_ID_ANY, m->stats, m->slots, &m->worker) != 0 ||
		tg_worker_attach(m->worker, b->channel) != 0)
		bench_die("no worker");
	rig_begin(m->dp, b->rules.generation);
	judge(b, NULL, 0);
	m->n = m->next = 0;
	b->random = 1; /* the same flows for all */
}

static void mix_close(struct mix *m)
{
	tg_worker_free(m->worker);
	tg_datapath_free(m->dp);
	close_owner(m->b);
}

static void mix_one(struct mix *m, uint32_t merit, uint32_t duration)
{
	struct nicmodel_stats stats;
	uint64_t received = 0, forwarded = 0, most = 0;
	char name[64];

	mix_open(m, merit);
	for (uint32_t ms = 0; ms < duration; ms++) {
		if (bench_below(&m->b->random, 1000) < ARRIVALS)
			mix_begin(m);
		for (uint32_t i = 0; i < m->n;)
			if (mix_speak(m, &m->flow[i]))
				i++;
			else
				m->flow[i] = m->flow[--m->n];
		mix_run(m);
		m->b->now++;
		nicmodel_clock_advance(1);
		while (tg_offload_step(m->b->offload, m->b->now))
			mix_run(m);
		most = m->b->stats.active > most ? m->b->stats.active : most;
	}
	for (unsigned int i = 0; i < 2; i++) {
		nicmodel_stats(m->b->nic.port[i], &stats);
		received += stats.received;
		forwarded += stats.forwarded;
	}
	if (rig_drops(m->stats) != 0)
		bench_die("packets of the mix were dropped");
	snprintf(name, sizeof(name), "mix, %u/ms, min-packets %u: in hardware", m->rate, merit);
	report(name, 100.0 * (double)forwarded / (double)received, "% of packets");
	snprintf(name, sizeof(name), "mix, %u/ms, min-packets %u: flows taken", m->rate, merit);
	report(name, 100.0 * (double)m->b->stats.taken / m->next, "% of flows");
	snprintf(name, sizeof(name), "mix, %u/ms, min-packets %u: at a time", m->rate, merit);
	report(name, (double)most, "connections");
	mix_close(m);
}

static void bench_mix(struct bench *b, uint32_t duration)
{
	static const uint32_t merits[] = {10, 100, 1000, 5000, 20000}, rates[] = {1, 8};
	struct mix m = {.b = b,
		.stats = calloc(1, sizeof(*m.stats)),
		.slots = calloc(SLOTS, sizeof(*m.slots)),
		.flow = calloc(duration, sizeof(*m.flow))};

	for (size_t k = 0; k < RTE_DIM(rates) * RTE_DIM(merits); k++) {
		m.rate = rates[k / RTE_DIM(merits)];
		mix_one(&m, merits[k % RTE_DIM(merits)], duration);
	}
	free(m.stats);
	free(m.slots);
	free(m.flow);
}

/* ---- workers ---- */

#define WORKER_FLOWS 100000u
#define WORKER_ROUNDS 401u
#define WORKER_BATCHES 4u

struct gate {
	struct tg_datapath *dp;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	struct tg_stats_slot *slots;
	uint64_t now;
};

static void gate_feed(struct bench *b, struct gate *g, const struct rig_port port[2],
	unsigned int from, uint32_t first, uint32_t n, uint8_t flags)
{
	struct rte_mbuf *m[BATCH];

	if (rte_pktmbuf_alloc_bulk(b->pool, m, n) != 0)
		bench_die("no mbufs");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t flow = first != UINT32_MAX ? first + i
						    : bench_below(&b->random, WORKER_FLOWS);

		rig_frame(m[i]);
		traffic_write(m[i], &b->rules.allowed, flow, from != 0, flags);
	}
	if (rte_ring_enqueue_bulk(port[from].rx[0], (void **)m, n, NULL) != n)
		bench_die("the receive ring is full");
}

static uint64_t gate_run(struct gate *g, const struct rig_port port[2], unsigned int from)
{
	const uint64_t start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	struct rte_mbuf *m[TG_BURST];
	uint64_t spent;
	uint16_t n;

	while ((n = rte_eth_rx_burst(port[from].ethdev, 0, m, TG_BURST)) != 0) {
		tg_worker_burst(g->worker, (uint16_t)from, m, n, g->now);
		tg_worker_handoff(g->worker, g->now);
		tg_worker_sweep(g->worker, g->now);
		tg_worker_flush(g->worker);
	}
	spent = bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	rig_port_drain(&port[0], 0);
	rig_port_drain(&port[1], 0);
	return spent;
}

static void gate_open(struct bench *b, struct gate *g, const struct rig_port port[2],
	struct tg_hardware_channel *channel)
{
	static const uint8_t flags[] = {0x02, 0x12, 0x10};
	struct tg_datapath_config config;

	rig_wire(&config, port[0].ethdev, port[1].ethdev);
	config.conn4_max = WORKER_FLOWS;
	config.conn6_max = 64;
	config.half_open_max = config.half_open_per_source = UINT32_MAX;
	config.slot_capacity = SLOTS;
	g->stats = calloc(1, sizeof(*g->stats));
	g->slots = calloc(SLOTS, sizeof(*g->slots));
	if (g->stats == NULL || g->slots == NULL || tg_datapath_create(&config, &g->dp) != 0 ||
		tg_worker_create(g->dp, 0, SOCKET_ID_ANY, g->stats, g->slots, &g->worker) != 0 ||
		(channel != NULL && tg_worker_attach(g->worker, channel) != 0))
		bench_die("no worker");
	rig_begin(g->dp, b->rules.generation);
	for (uint32_t i = 0; i < WORKER_FLOWS; i += TG_BURST)
		for (unsigned int s = 0; s < 3; s++) {
			gate_feed(b, g, port, s == 1, i,
				WORKER_FLOWS - i < TG_BURST ? WORKER_FLOWS - i : TG_BURST,
				flags[s]);
			gate_run(g, port, s == 1);
		}
}

static void gate_close(struct gate *g)
{
	if (rig_drops(g->stats) != 0)
		bench_die("established flows were dropped");
	tg_worker_free(g->worker);
	tg_datapath_free(g->dp);
	free(g->stats);
	free(g->slots);
}

/* Both do the same number of packets, whoever is first changes. */
static void bench_workers(struct bench *b)
{
	struct tg_hardware_channel channel = {.merit = UINT32_MAX};
	struct rig_port port[2];
	struct gate gate[2];
	double ratio[WORKER_ROUNDS], ns[2][WORKER_ROUNDS];
	const double packets = WORKER_BATCHES * BATCH;

	rig_port_open(&port[0], "plain0", 1, 2 * BATCH, b->pool);
	rig_port_open(&port[1], "plain1", 1, 2 * BATCH, b->pool);
	channel.offers = rte_ring_create_elem("offers", sizeof(struct tg_hardware_offer), 4096,
		SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	channel.events = rte_ring_create_elem("events", sizeof(struct tg_hardware_event), 8192,
		SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	gate[0] = gate[1] = (struct gate){0};
	gate_open(b, &gate[0], port, NULL);
	gate_open(b, &gate[1], port, &channel);
	for (uint32_t round = 0; round < WORKER_ROUNDS; round++) {
		uint64_t spent[2] = {0};

		for (uint32_t k = 0; k < 2 * WORKER_BATCHES; k++) {
			struct gate *g = &gate[(k ^ round) & 1];

			gate_feed(b, g, port, k >> 1 & 1, UINT32_MAX, BATCH, 0x10);
			spent[(k ^ round) & 1] += gate_run(g, port, k >> 1 & 1);
			g->now += round % 4 == 0;
		}
		for (unsigned int i = 0; i < 2; i++)
			ns[i][round] = (double)spent[i] / packets;
		ratio[round] = ns[0][round] / ns[1][round];
	}
	report("workers, offload off", 1e3 / bench_median(ns[0], WORKER_ROUNDS), "Mpps");
	report("workers, nothing worth it", 1e3 / bench_median(ns[1], WORKER_ROUNDS), "Mpps");
	report("workers: ratio", bench_median(ratio, WORKER_ROUNDS), "");
	report("workers: ratio, lower quartile", ratio[WORKER_ROUNDS / 4], "");
	report("workers: ratio, upper quartile", ratio[WORKER_ROUNDS * 3 / 4], "");
	gate_close(&gate[0]);
	gate_close(&gate[1]);
	rte_ring_free(channel.offers);
	rte_ring_free(channel.events);
}

/* Of every second one the rules in force say something else than those that it was judged by. */
static void bench_revoke(struct bench *b)
{
	uint64_t began;
	struct watch w;

	make_offers(b);
	for (uint32_t i = 1; i < b->n; i += 2)
		b->offers[i].verdict[0] ^= 1;
	open_owner(b, b->n, 1000);
	judge(b, NULL, 0);
	pass(b, 1, &(struct watch){0});
	take_all(b);
	began = bench_ns(CLOCK_MONOTONIC);
	w = watch_start();
	judge(b, NULL, 0);
	report_cost("half revoked by a ruleset", watch_stop(w, 1e6), "ms");
	report("half revoked by a ruleset: until the answer",
		(double)(bench_ns(CLOCK_MONOTONIC) - began) / 1e6, "ms");
	if (b->stats.active != b->n - b->n / 2 || b->stats.removed != b->n / 2 * 2)
		bench_die("what is revoked has not left");
	close_owner(b);
	free(b->offers);
	free(b->entry);
}

int main(int argc, char **argv)
{
	static struct bench b;
	const char *json = NULL, *only = NULL;
	uint32_t connections = 1000000, ms = MIX_MS;
	const struct bench_option options[] = {
		{.name = "json", .text = &json},
		{.name = "connections", .number = &connections, .least = 10000, .most = 4000000},
		{.name = "ms", .number = &ms, .least = 1000, .most = 10000000},
		{.name = "only", .text = &only},
		{0},
	};

	bench_options(argc, argv, options);
	rig_eal("0", 1024, false);
	tg_log_init("bench_offload", TG_LOG_WARN);
	b.pool = rig_pool(4 * BATCH);
	b.n = connections;
	traffic_rules_make(&b.rules, PODS, POLICIES);
	if (json != NULL) {
		figures.json = bench_figures_open(json);
		fprintf(figures.json, "[");
	}
	if (only == NULL || strcmp(only, "rules") == 0)
		bench_rules(&b);
	if (only == NULL || strcmp(only, "revoke") == 0)
		bench_revoke(&b);
	if (only == NULL || strcmp(only, "mix") == 0)
		bench_mix(&b, ms);
	if (only == NULL || strcmp(only, "workers") == 0)
		bench_workers(&b);
	if (figures.json != NULL) {
		fprintf(figures.json, "\n]\n");
		bench_figures_close(figures.json);
	}
	return 0;
}
