/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers beside one, each on a core of its own with its own queues of in-memory ports:
 * established flows, the same ones however many workers there are.
 *
 *	bench_workers [--json PATH] [--rounds N] [--ms N] [--max-flows N] [--workers N]
 *
 * forward   receiving and transmitting alone
 * nic       the ports place each flow at the worker that owns it, as a NIC with symmetric RSS does
 * hand-off  packets arrive at any worker, and half of them have to be handed over
 *
 * A machine that others share gives two processors at some times and less at others. So a round is
 * short: for some ten milliseconds each, one worker, then several (in the next round the other way
 * round), and beside them, in the same round, what any program gets of the second processor:
 *
 * spin      arithmetic in registers
 * memory    cache lines at random, as many as connections, asked for 64 at a time and then changed
 *
 * The ratio of each round is taken; printed are the median and the quartiles over rounds, for the
 * controls the medians. "quiet" is the median of those rounds in which the second processor gave
 * both controls at least nine tenths of what the first gives, and how many these were.
 *
 * Workers write a batch of frames each, wait for each other, process their batches at the same
 * time, which is measured in processor time of each, and wait again. The first batches of a turn
 * only bring back what the other turns have displaced from the caches.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <rte_thash.h>

#include "bench.h"
#include "pages.h"
#include "rig.h"
#include "traffic.h"
#include "worker.h"

#define BATCH 2048u /* frames written at a time, of one worker */
#define RING (2 * BATCH)
#define PODS 10000u
#define POLICIES 1000u
#define SLOTS (1u << 16)
#define ROUNDS_MAX 999
#define WARM 16u /* batches */
#define QUIET 0.9
#define RETA 128u
#define SPINS 64u   /* steps of arithmetic that count as a packet */
#define SPREAD 256u /* bytes a line of the control: as a table that is a quarter full */

enum load { SPIN, MEMORY, FORWARD, ESTABLISHED, LOADS };

/* A worker, its core and its part of the traffic. */
struct lane {
	struct bench *bench;
	struct gateway *gateway;
	uint32_t index;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	uint32_t *flows; /* that arrive here; NULL: any */
	uint32_t n_flows;
	uint64_t random;
	struct rig_clock clock;
	uint64_t ns, packets; /* measured */
	uint64_t waited;      /* ns of a batch in which there was nothing to do */
} __rte_cache_aligned;

/* A datapath of so many workers, and the flows that it knows. */
struct gateway {
	struct tg_datapath *dp;
	struct lane lanes[RIG_QUEUES];
	uint32_t n;
	bool nic;
};

struct bench {
	struct traffic_rules rules;
	struct tg_rss_config rss;
	struct rte_mempool *pool;
	struct rig_port port[2];
	struct tg_stats_slot *slots[RIG_QUEUES];
	uint32_t n_workers, n_flows;
	uint8_t *lines;		   /* of the control: SPREAD bytes a flow */
	enum load load;		   /* of the turn */
	uint64_t deadline;	   /* wall clock, ns */
	atomic_uint arrived, turn; /* barrier */
	atomic_bool stop;
};

struct rounds {
	uint32_t n, n_quiet;
	double one[ROUNDS_MAX], all[ROUNDS_MAX]; /* Mpps */
	double ratio[ROUNDS_MAX], spin[ROUNDS_MAX], memory[ROUNDS_MAX];
	double quiet[ROUNDS_MAX];
};

/* Medians of rounds. */
struct figures {
	const char *name;
	uint32_t flows, workers;
	double one, all;	   /* Mpps */
	double scaling, low, high; /* and the quartiles */
	double spin, memory;	   /* scaling of the controls */
	double quiet; /* scaling in rounds in which these were good; 0: there was none */
	uint32_t quiet_rounds;
};

/* As ports that are trusted are set up: one 16-bit word repeated is symmetric. */
static void make_rss(struct bench *b)
{
	b->rss.key_length = 40;
	for (unsigned int i = 0; i < 40; i++)
		b->rss.key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	b->rss.reta_size = RETA;
	for (unsigned int i = 0; i < RETA; i++)
		b->rss.reta[i] = (uint16_t)(i % b->n_workers);
}

/* ---- gateways ---- */

static void drain(const struct bench *b, uint32_t queue)
{
	rig_port_drain(&b->port[0], queue);
	rig_port_drain(&b->port[1], queue);
}

static void open_gateway(struct bench *b, struct gateway *g)
{
	struct tg_datapath_config config;

	rig_wire(&config, b->port[0].ethdev, b->port[1].ethdev);
	config.n_workers = g->n;
	config.conn4_max = b->n_flows;
	config.conn6_max = 64;
	config.half_open_max = config.half_open_per_source = UINT32_MAX;
	config.slot_capacity = SLOTS;
	config.handoff_depth = RING;
	if (g->nic)
		config.rss = b->rss;
	config.ports[0].placed = config.ports[1].placed = g->nic ? TG_PLACED_ALL : 0;
	if (tg_datapath_create(&config, &g->dp) != 0)
		bench_die("no datapath");
	for (uint32_t w = 0; w < g->n; w++) {
		struct lane *lane = &g->lanes[w];

		*lane = (struct lane){.bench = b, .gateway = g, .index = w, .random = w};
		lane->stats = calloc(1, sizeof(*lane->stats));
		if (lane->stats == NULL || tg_worker_create(g->dp, w, SOCKET_ID_ANY, lane->stats,
						   b->slots[w], &lane->worker) != 0)
			bench_die("no worker");
	}
	rig_begin(g->dp, b->rules.generation);
}

static void close_gateway(struct gateway *g)
{
	for (uint32_t w = 0; w < g->n; w++) {
		tg_worker_free(g->lanes[w].worker);
		free(g->lanes[w].stats);
		free(g->lanes[w].flows);
	}
	tg_datapath_free(g->dp);
}

/* Where a NIC that is trusted would put it. */
static uint32_t place(const struct bench *b, struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t words[3];

	memcpy(words, p + 26, sizeof(words));
	for (unsigned int i = 0; i < 3; i++)
		words[i] = rte_be_to_cpu_32(words[i]);
	return b->rss.reta[rte_softrss(words, 3, b->rss.key) % RETA];
}

static void settle(struct gateway *g)
{
	bool busy = true;

	while (busy) {
		busy = false;
		for (uint32_t w = 0; w < g->n; w++) {
			busy |= tg_worker_handoff(g->lanes[w].worker, 0) != 0;
			tg_worker_flush(g->lanes[w].worker);
			drain(g->lanes[w].bench, w);
		}
	}
}

/* One flow lives: a handshake for TCP, an exchange for UDP. */
static void establish_one(struct gateway *g, uint32_t index)
{
	static const struct {
		uint8_t port, flags;
	} steps[] = {{0, 0x02}, {1, 0x12}, {0, 0x10}};
	struct bench *b = g->lanes[0].bench;
	struct lane *lane = NULL;
	struct rte_mbuf *m;

	for (unsigned int s = 0; s < 3; s++) {
		m = rte_pktmbuf_alloc(b->pool);
		if (m == NULL)
			bench_die("no mbufs");
		rig_frame(m);
		traffic_write(m, &b->rules.allowed, index, steps[s].port != 0, steps[s].flags);
		lane = &g->lanes[g->nic ? place(b, m) : index % g->n];
		tg_worker_burst(lane->worker, steps[s].port, &m, 1, 0);
		tg_worker_flush(lane->worker);
		settle(g);
	}
	if (g->nic)
		lane->flows[lane->n_flows++] = index;
}

static void establish(struct gateway *g)
{
	uint32_t n = g->lanes[0].bench->n_flows;

	for (uint32_t w = 0; w < g->n && g->nic; w++) {
		g->lanes[w].flows = calloc(n, sizeof(uint32_t));
		if (g->lanes[w].flows == NULL)
			bench_die("no memory");
	}
	for (uint32_t i = 0; i < n; i++)
		establish_one(g, i);
}

/* Figures that were not made by what they claim are worth nothing. */
static void check(const struct gateway *g)
{
	uint64_t created = 0, dropped = 0, sent = 0, received = 0;

	for (uint32_t w = 0; w < g->n; w++) {
		const struct tg_stats_worker *stats = g->lanes[w].stats;

		created += stats->conn_created;
		sent += stats->handoff_sent;
		received += stats->rx_packets;
		dropped += rig_drops(stats);
	}
	if (dropped != 0 || created != g->lanes[0].bench->n_flows)
		bench_die("established flows were dropped");
	if (g->n > 1 && (g->nic ? sent != 0 : sent * 3 < received))
		bench_die("packets did not arrive where they should");
}

/* ---- the workers' cores ---- */

static void wait_for_all(struct bench *b, uint32_t n)
{
	unsigned int turn = atomic_load(&b->turn);

	if (atomic_fetch_add(&b->arrived, 1) + 1 == n) {
		atomic_store(&b->arrived, 0);
		atomic_store(&b->turn, turn + 1);
		return;
	}
	while (atomic_load(&b->turn) == turn)
		rte_pause();
}

static void fill(struct lane *lane, unsigned int port)
{
	struct bench *b = lane->bench;
	struct rte_mbuf *m[BATCH];

	if (rte_pktmbuf_alloc_bulk(b->pool, m, BATCH) != 0)
		bench_die("no mbufs");
	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t n = lane->flows != NULL ? lane->n_flows : b->n_flows;
		uint32_t any = bench_below(&lane->random, n);

		rig_frame(m[i]);
		traffic_write(m[i], &b->rules.allowed, lane->flows != NULL ? lane->flows[any] : any,
			port != 0, 0x10);
	}
	if (rte_ring_enqueue_bulk(b->port[port].rx[lane->index], (void **)m, BATCH, NULL) != BATCH)
		bench_die("the receive ring is full");
}

static void run_spin(struct lane *lane)
{
	uint64_t x = lane->random;

	for (unsigned int i = 0; i < BATCH * SPINS; i++)
		x = x * 6364136223846793005ull + 1442695040888963407ull;
	lane->random = x;
}

/* Each worker has its part of the lines. */
static void run_memory(struct lane *lane)
{
	const uint32_t part = lane->bench->n_flows / lane->gateway->n;
	uint8_t *first = lane->bench->lines + (size_t)lane->index * part * SPREAD;
	uint64_t *line[TG_BURST];

	for (unsigned int done = 0; done < BATCH; done += TG_BURST) {
		for (unsigned int i = 0; i < TG_BURST; i++) {
			const size_t any = bench_below(&lane->random, part);

			line[i] = (uint64_t *)(void *)(first + any * SPREAD);
			rte_prefetch0(line[i]);
		}
		for (unsigned int i = 0; i < TG_BURST; i++)
			++*line[i];
	}
}

static void round_once(const struct lane *lane)
{
	tg_worker_handoff(lane->worker, lane->clock.ms);
	tg_worker_sweep(lane->worker, lane->clock.ms);
	tg_worker_flush(lane->worker);
}

static void run_worker(struct lane *lane, unsigned int port)
{
	struct bench *b = lane->bench;
	struct rte_mbuf *m[TG_BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(b->port[port].ethdev, (uint16_t)lane->index, m, TG_BURST)) !=
		0) {
		tg_worker_burst(lane->worker, (uint16_t)port, m, n, lane->clock.ms);
		round_once(lane);
	}
	if (lane->gateway->nic || lane->gateway->n == 1)
		return;
	/* Others may have something for this one until their own queues are empty. */
	lane->waited = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	wait_for_all(b, lane->gateway->n);
	lane->waited = bench_ns(CLOCK_THREAD_CPUTIME_ID) - lane->waited;
	while (tg_worker_handoff(lane->worker, lane->clock.ms) != 0)
		tg_worker_flush(lane->worker);
	tg_worker_flush(lane->worker);
}

static void run(struct lane *lane, unsigned int port)
{
	const struct bench *b = lane->bench;

	switch (b->load) {
	case SPIN:
		run_spin(lane);
		break;
	case MEMORY:
		run_memory(lane);
		break;
	case FORWARD:
		rig_forward(&b->port[port], &b->port[port ^ 1], (uint16_t)lane->index);
		break;
	default:
		run_worker(lane, port);
		break;
	}
}

/* A batch of each worker at the same time; the nanoseconds that this one took. */
static uint64_t batch(struct lane *lane, unsigned int port)
{
	struct bench *b = lane->bench;
	const uint32_t n = lane->gateway->n;
	const bool frames = b->load == FORWARD || b->load == ESTABLISHED;
	uint64_t spent;

	if (frames)
		fill(lane, port);
	lane->waited = 0;
	wait_for_all(b, n);
	spent = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	run(lane, port);
	spent = bench_ns(CLOCK_THREAD_CPUTIME_ID) - spent - lane->waited;
	if (lane->index == 0 && bench_ns(CLOCK_MONOTONIC) > b->deadline)
		atomic_store(&b->stop, true);
	wait_for_all(b, n);
	if (frames)
		drain(b, lane->index);
	return spent;
}

static int run_lane(void *arg)
{
	struct lane *lane = arg;
	unsigned int done = 0;

	do {
		const uint64_t spent = batch(lane, done & 1);

		rig_clock_pass(&lane->clock, spent);
		if (++done <= WARM)
			continue;
		lane->ns += spent;
		lane->packets += BATCH;
	} while (!atomic_load(&lane->bench->stop) || lane->packets == 0);
	return 0;
}

/* A turn: Mpps of all workers together. */
static double measure(struct bench *b, struct gateway *g, enum load load, double seconds)
{
	double mpps = 0;

	b->load = load;
	atomic_store(&b->stop, false);
	b->deadline = bench_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	for (uint32_t w = 0; w < g->n; w++)
		g->lanes[w].ns = g->lanes[w].packets = 0;
	for (uint32_t w = 1; w < g->n; w++)
		rte_eal_remote_launch(run_lane, &g->lanes[w], w);
	run_lane(&g->lanes[0]);
	rte_eal_mp_wait_lcore();
	for (uint32_t w = 0; w < g->n; w++)
		mpps += 1e3 * (double)g->lanes[w].packets / (double)g->lanes[w].ns;
	return mpps;
}

/* ---- figures ---- */

/* One worker and several, neither always first; Mpps of both, and their ratio. */
static double take_turns(struct bench *b, struct gateway gateways[2], enum load load,
	uint32_t round, double seconds, double mpps[2])
{
	const unsigned int first = round & 1;

	mpps[first] = measure(b, &gateways[first], load, seconds);
	mpps[first ^ 1] = measure(b, &gateways[first ^ 1], load, seconds);
	return mpps[1] / mpps[0];
}

static void take_round(struct bench *b, struct gateway gateways[2], enum load load, double seconds,
	struct rounds *r)
{
	const double least = QUIET * gateways[1].n;
	const uint32_t i = r->n++;
	double mpps[2];

	r->spin[i] = take_turns(b, gateways, SPIN, i, seconds, mpps);
	r->memory[i] = take_turns(b, gateways, MEMORY, i, seconds, mpps);
	r->ratio[i] = take_turns(b, gateways, load, i, seconds, mpps);
	r->one[i] = mpps[0];
	r->all[i] = mpps[1];
	if (r->spin[i] >= least && r->memory[i] >= least)
		r->quiet[r->n_quiet++] = r->ratio[i];
}

static void sum_up(struct rounds *r, struct figures *f)
{
	const uint32_t n = r->n;

	f->one = bench_median(r->one, n);
	f->all = bench_median(r->all, n);
	f->spin = bench_median(r->spin, n);
	f->memory = bench_median(r->memory, n);
	f->scaling = bench_median(r->ratio, n);
	f->low = r->ratio[n / 4];
	f->high = r->ratio[n - 1 - n / 4];
	f->quiet = r->n_quiet != 0 ? bench_median(r->quiet, r->n_quiet) : 0;
	f->quiet_rounds = r->n_quiet;
}

static const struct {
	const char *name;
	enum load load;
	bool nic;
	uint32_t flows;
} cases[] = {
	{"forward", FORWARD, true, 1024},
	{"nic", ESTABLISHED, true, 100000},
	{"hand-off", ESTABLISHED, false, 100000},
	{"nic", ESTABLISHED, true, 1000000},
	{"hand-off", ESTABLISHED, false, 1000000},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void run_case(
	struct bench *b, size_t which, uint32_t rounds, double seconds, struct figures *f)
{
	static struct gateway gateways[2];
	static struct rounds r;
	const enum load load = cases[which].load;

	b->n_flows = cases[which].flows;
	for (unsigned int i = 0; i < 2; i++) {
		gateways[i] = (struct gateway){
			.n = i == 0 ? 1 : b->n_workers, .nic = cases[which].nic && i == 1};
		open_gateway(b, &gateways[i]);
		if (load == ESTABLISHED)
			establish(&gateways[i]);
	}
	r.n = r.n_quiet = 0;
	for (uint32_t i = 0; i < rounds; i++)
		take_round(b, gateways, load, seconds, &r);
	for (unsigned int i = 0; i < 2; i++) {
		if (load == ESTABLISHED)
			check(&gateways[i]);
		close_gateway(&gateways[i]);
	}
	f->name = cases[which].name;
	f->flows = load == ESTABLISHED ? cases[which].flows : 0;
	f->workers = b->n_workers;
	sum_up(&r, f);
}

static void start(struct bench *b, uint32_t most_flows)
{
	enum tg_pages pages;
	char cores[16];

	snprintf(cores, sizeof(cores), "0-%u", b->n_workers - 1);
	rig_eal(cores, 1024, false);
	b->pool = rig_pool(b->n_workers * 4 * BATCH);
	b->lines = tg_pages_map((size_t)most_flows * SPREAD, &pages);
	if (b->lines == NULL)
		bench_die("no memory");
	for (uint32_t w = 0; w < b->n_workers; w++) {
		b->slots[w] = calloc(SLOTS, sizeof(*b->slots[w]));
		if (b->slots[w] == NULL)
			bench_die("no memory");
	}
	rig_port_open(&b->port[0], "port0", b->n_workers, RING, b->pool);
	rig_port_open(&b->port[1], "port1", b->n_workers, RING, b->pool);
	make_rss(b);
	traffic_rules_make(&b->rules, PODS, POLICIES);
}

static void write_json(const char *path, const struct figures *f, size_t n)
{
	FILE *to = bench_figures_open(path);

	fprintf(to, "[\n");
	for (size_t i = 0; i < n; i++)
		fprintf(to,
			"  {\"load\": \"%s\", \"flows\": %u, \"workers\": %u, "
			"\"one_mpps\": %.2f, \"mpps\": %.2f, \"scaling\": %.3f, "
			"\"scaling_low_quartile\": %.3f, \"scaling_high_quartile\": %.3f, "
			"\"scaling_spin\": %.3f, \"scaling_memory\": %.3f, "
			"\"scaling_quiet\": %.3f, \"quiet_rounds\": %u}%s\n",
			f[i].name, f[i].flows, f[i].workers, f[i].one, f[i].all, f[i].scaling,
			f[i].low, f[i].high, f[i].spin, f[i].memory, f[i].quiet, f[i].quiet_rounds,
			i + 1 < n ? "," : "");
	fprintf(to, "]\n");
	bench_figures_close(to);
}

static void print_figures(const struct figures *f)
{
	printf("%-10s %8u | %8.2f %8.2f | %6.2f %6.2f %6.2f | %6.2f %6.2f | ", f->name, f->flows,
		f->one, f->all, f->low, f->scaling, f->high, f->spin, f->memory);
	if (f->quiet_rounds != 0)
		printf("%6.2f %6u\n", f->quiet, f->quiet_rounds);
	else
		printf("%6s %6u\n", "-", 0);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct bench b = {.n_workers = 2};
	static struct figures figures[CASES];
	uint32_t rounds = 60, ms = 20, max_flows = UINT32_MAX, most = 0;
	const char *json = NULL;
	size_t n = 0;
	const struct bench_option options[] = {
		{.name = "json", .text = &json},
		{.name = "rounds", .number = &rounds, .least = 1, .most = ROUNDS_MAX},
		{.name = "ms", .number = &ms, .least = 1, .most = 60000},
		{.name = "max-flows", .number = &max_flows, .least = 1024, .most = UINT32_MAX},
		{.name = "workers", .number = &b.n_workers, .least = 2, .most = RIG_QUEUES},
		{0},
	};

	bench_options(argc, argv, options);
	if (sysconf(_SC_NPROCESSORS_ONLN) < (long)b.n_workers) {
		printf("skipped: fewer than %u processors\n", b.n_workers);
		if (json != NULL)
			write_json(json, figures, 0);
		return 0;
	}
	for (size_t i = 0; i < CASES; i++)
		if (cases[i].flows <= max_flows && cases[i].flows > most)
			most = cases[i].flows;
	start(&b, most);
	printf("%-10s %8s | %8s %8s | %6s %6s %6s | %6s %6s | %6s %6s\n", "load", "flows",
		"1 worker", "workers", "low", "median", "high", "spin", "memory", "quiet",
		"rounds");
	for (size_t i = 0; i < CASES; i++) {
		if (cases[i].flows > max_flows)
			continue;
		run_case(&b, i, rounds, ms / 1e3, &figures[n]);
		print_figures(&figures[n++]);
	}
	if (json != NULL)
		write_json(json, figures, n);
	return 0;
}
