/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers beside one, each on a core of its own with its own queues of in-memory ports:
 * established flows, the same ones however many workers there are.
 *
 *	bench_workers [--json PATH] [--rounds N] [--ms N] [--max-flows N] [--workers N]
 *
 * nic       the ports place each flow at the worker that owns it, as a NIC with symmetric RSS does
 * hand-off  packets arrive at any worker, and half of them have to be handed over
 *
 * What the machine can give at most is measured in the same rounds:
 *
 * spin      arithmetic in registers: below 2 where the processors are threads of one core, or
 *	     neighbours share them
 * forward   receiving and transmitting alone
 *
 * One worker and several take turns within a round; medians over rounds, of throughput and of its
 * ratio. Workers write a batch of frames each, wait for each other, process their batches at the
 *same time, which is measured in processor time of each, and wait again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <rte_thash.h>

#include "traffic.h"
#include "worker.h"

#define BATCH 2048u /* frames written at a time, of one worker */
#define RING (2 * BATCH)
#define PODS 10000u
#define POLICIES 1000u
#define SLOTS (1u << 16)
#define WORKERS_MAX 16u
#define ROUNDS_MAX 99
#define RETA 128u
#define SPIN 64u /* steps of arithmetic that count as a packet */

enum load { SPIN_LOAD, FORWARD, ESTABLISHED };

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
	uint64_t now, below_ms;
	uint64_t ns, packets; /* measured */
	uint64_t waited;      /* ns of a batch in which there was nothing to do */
} __rte_cache_aligned;

/* A datapath of so many workers, and the flows that it knows. */
struct gateway {
	struct tg_datapath *dp;
	struct lane lanes[WORKERS_MAX];
	uint32_t n;
	bool nic;
	enum load load;
};

struct bench {
	struct traffic_rules rules;
	struct tg_rss_config rss;
	struct rte_mempool *pool;
	struct rte_ring *rx[2][WORKERS_MAX], *tx[2][WORKERS_MAX];
	struct tg_stats_slot *slots[WORKERS_MAX];
	uint16_t ethdev[2];
	uint32_t n_workers, n_flows;
	uint64_t deadline;	   /* wall clock, ns */
	atomic_uint arrived, turn; /* barrier */
	atomic_bool stop;
};

struct figures {
	const char *name;
	uint32_t flows, workers;
	double one, all, ratio, best, worst; /* Mpps; ratios */
};

static __attribute__((noreturn)) void die(const char *why)
{
	fprintf(stderr, "bench_workers: %s\n", why);
	exit(1);
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- ports ---- */

static void make_port(struct bench *b, unsigned int i)
{
	struct rte_eth_conf conf = {0};
	uint16_t n = (uint16_t)b->n_workers;
	char name[32];
	int port;

	for (unsigned int q = 0; q < n; q++) {
		snprintf(name, sizeof(name), "rx%u_%u", i, q);
		b->rx[i][q] =
			rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "tx%u_%u", i, q);
		b->tx[i][q] = rte_ring_create(
			name, 2 * RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (b->rx[i][q] == NULL || b->tx[i][q] == NULL)
			die("no ring");
	}
	snprintf(name, sizeof(name), "bench%u", i);
	port = rte_eth_from_rings(name, b->rx[i], n, b->tx[i], n, 0);
	if (port < 0 || rte_eth_dev_configure((uint16_t)port, n, n, &conf) != 0)
		die("no ring port");
	b->ethdev[i] = (uint16_t)port;
	for (uint16_t q = 0; q < n; q++)
		if (rte_eth_rx_queue_setup(b->ethdev[i], q, 0, 0, NULL, b->pool) != 0 ||
			rte_eth_tx_queue_setup(b->ethdev[i], q, 0, 0, NULL) != 0)
			die("a port has no queues");
	if (rte_eth_dev_start(b->ethdev[i]) != 0)
		die("a port does not start");
}

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

static void drain(struct bench *b, uint32_t queue)
{
	struct rte_mbuf *m[TG_BURST];
	unsigned int n;

	for (unsigned int i = 0; i < 2; i++)
		while ((n = rte_ring_dequeue_burst(b->tx[i][queue], (void **)m, TG_BURST, NULL)) !=
			0)
			rte_pktmbuf_free_bulk(m, n);
}

static void open_gateway(struct bench *b, struct gateway *g)
{
	struct tg_datapath_config config;

	tg_datapath_config_default(&config);
	config.n_ports = 2;
	config.n_workers = g->n;
	config.conn4_max = b->n_flows;
	config.conn6_max = 64;
	config.half_open_max = config.half_open_per_source = UINT32_MAX;
	config.slot_capacity = SLOTS;
	config.pickup_ms = 0;
	config.handoff_depth = RING;
	if (g->nic)
		config.rss = b->rss;
	for (uint16_t i = 0; i < 2; i++)
		config.ports[i] = (struct tg_port_config){
			.ethdev = b->ethdev[i],
			.peer = i ^ 1,
			.end = (uint8_t)i,
			.side = TG_SIDE_ANY,
			.rss_trusted = g->nic,
			.mtu = 1500,
			.link_pass = TG_LINK_DEFAULT,
		};
	if (tg_datapath_create(&config, &g->dp) != 0)
		die("no datapath");
	for (uint32_t w = 0; w < g->n; w++) {
		struct lane *lane = &g->lanes[w];

		*lane = (struct lane){.bench = b, .gateway = g, .index = w, .random = w};
		lane->stats = calloc(1, sizeof(*lane->stats));
		if (lane->stats == NULL || tg_worker_create(g->dp, w, SOCKET_ID_ANY, lane->stats,
						   b->slots[w], &lane->worker) != 0)
			die("no worker");
	}
	tg_datapath_publish(g->dp, b->rules.generation);
	tg_datapath_set_link(g->dp, 0, true);
	tg_datapath_set_link(g->dp, 1, true);
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
			die("no mbufs");
		traffic_blank(m);
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
			die("no memory");
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
		for (unsigned int i = 0; i < TG_DROP_COUNT; i++)
			dropped += stats->drops[i].packets;
	}
	if (dropped != 0 || created != g->lanes[0].bench->n_flows)
		die("established flows were dropped");
	if (g->n > 1 && (g->nic ? sent != 0 : sent * 3 < received))
		die("packets did not arrive where they should");
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
		die("no mbufs");
	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t n = lane->flows != NULL ? lane->n_flows : b->n_flows;
		uint32_t any = (uint32_t)((next_random(&lane->random) >> 32) * n >> 32);

		traffic_blank(m[i]);
		traffic_write(m[i], &b->rules.allowed, lane->flows != NULL ? lane->flows[any] : any,
			port != 0, 0x10);
	}
	if (rte_ring_enqueue_bulk(b->rx[port][lane->index], (void **)m, BATCH, NULL) != BATCH)
		die("the receive ring is full");
}

static void run_spin(struct lane *lane)
{
	uint64_t x = lane->random;

	for (unsigned int i = 0; i < BATCH * SPIN; i++)
		x = x * 6364136223846793005ull + 1442695040888963407ull;
	lane->random = x;
}

static void run_forward(const struct lane *lane, unsigned int port)
{
	const struct bench *b = lane->bench;
	const uint16_t q = (uint16_t)lane->index;
	struct rte_mbuf *m[TG_BURST];
	uint16_t n, sent;

	while ((n = rte_eth_rx_burst(b->ethdev[port], q, m, TG_BURST)) != 0) {
		sent = rte_eth_tx_burst(b->ethdev[port ^ 1], q, m, n);
		rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
}

static void round_once(const struct lane *lane)
{
	tg_worker_handoff(lane->worker, lane->now);
	tg_worker_sweep(lane->worker, lane->now);
	tg_worker_flush(lane->worker);
}

static void run_worker(struct lane *lane, unsigned int port)
{
	struct bench *b = lane->bench;
	struct rte_mbuf *m[TG_BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(b->ethdev[port], (uint16_t)lane->index, m, TG_BURST)) != 0) {
		tg_worker_burst(lane->worker, (uint16_t)port, m, n, lane->now);
		round_once(lane);
	}
	if (lane->gateway->nic || lane->gateway->n == 1)
		return;
	/* Others may have something for this one until their own queues are empty. */
	lane->waited = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	wait_for_all(b, lane->gateway->n);
	lane->waited = clock_ns(CLOCK_THREAD_CPUTIME_ID) - lane->waited;
	while (tg_worker_handoff(lane->worker, lane->now) != 0)
		tg_worker_flush(lane->worker);
	tg_worker_flush(lane->worker);
}

static void run(struct lane *lane, unsigned int port)
{
	switch (lane->gateway->load) {
	case SPIN_LOAD:
		run_spin(lane);
		break;
	case FORWARD:
		run_forward(lane, port);
		break;
	case ESTABLISHED:
		run_worker(lane, port);
		break;
	}
}

static void pass_time(struct lane *lane, uint64_t ns)
{
	lane->below_ms += ns;
	lane->now += lane->below_ms / 1000000;
	lane->below_ms %= 1000000;
}

static int run_lane(void *arg)
{
	struct lane *lane = arg;
	struct bench *b = lane->bench;
	const uint32_t n = lane->gateway->n;
	unsigned int port = 0;
	uint64_t spent;

	do {
		if (lane->gateway->load != SPIN_LOAD)
			fill(lane, port);
		wait_for_all(b, n);
		spent = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		run(lane, port);
		spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - spent - lane->waited;
		if (lane->index == 0 && clock_ns(CLOCK_MONOTONIC) > b->deadline)
			atomic_store(&b->stop, true);
		wait_for_all(b, n);
		drain(b, lane->index);
		lane->ns += spent;
		lane->packets += BATCH;
		pass_time(lane, spent);
		port ^= 1;
	} while (!atomic_load(&b->stop));
	return 0;
}

/* Mpps of all workers together. */
static double measure(struct bench *b, struct gateway *g, double seconds)
{
	double mpps = 0;

	atomic_store(&b->stop, false);
	b->deadline = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
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

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return v[n / 2];
}

static void compare_gateways(
	struct bench *b, struct gateway *pair[2], int rounds, double seconds, struct figures *f)
{
	double one[ROUNDS_MAX], all[ROUNDS_MAX], ratio[ROUNDS_MAX];

	for (int i = -1; i < rounds; i++) { /* the first warms up */
		int to = i < 0 ? 0 : i;

		one[to] = measure(b, pair[0], seconds);
		all[to] = measure(b, pair[1], seconds);
		ratio[to] = all[to] / one[to];
	}
	f->workers = pair[1]->n;
	f->one = median(one, rounds);
	f->all = median(all, rounds);
	f->ratio = median(ratio, rounds);
	f->worst = ratio[0];
	f->best = ratio[rounds - 1];
}

static const struct {
	const char *name;
	enum load load;
	bool nic;
	uint32_t flows;
} cases[] = {
	{"spin", SPIN_LOAD, true, 1024},
	{"forward", FORWARD, true, 1024},
	{"nic", ESTABLISHED, true, 100000},
	{"hand-off", ESTABLISHED, false, 100000},
	{"nic", ESTABLISHED, true, 1000000},
	{"hand-off", ESTABLISHED, false, 1000000},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void run_case(struct bench *b, size_t which, int rounds, double seconds, struct figures *f)
{
	static struct gateway gateways[2];
	struct gateway *pair[2] = {&gateways[0], &gateways[1]};

	b->n_flows = cases[which].flows;
	for (unsigned int i = 0; i < 2; i++) {
		gateways[i] = (struct gateway){.n = i == 0 ? 1 : b->n_workers,
			.nic = cases[which].nic && i == 1,
			.load = cases[which].load};
		open_gateway(b, &gateways[i]);
		if (gateways[i].load == ESTABLISHED)
			establish(&gateways[i]);
	}
	compare_gateways(b, pair, rounds, seconds, f);
	for (unsigned int i = 0; i < 2; i++) {
		if (gateways[i].load == ESTABLISHED)
			check(&gateways[i]);
		close_gateway(&gateways[i]);
	}
	f->name = cases[which].name;
	f->flows = cases[which].load == ESTABLISHED ? cases[which].flows : 0;
}

static void start(struct bench *b)
{
	char cores[16];
	char *argv[] = {(char *)"bench_workers", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--no-telemetry", (char *)"--log-level=error",
		(char *)"-l", cores, (char *)"-m", (char *)"1024", NULL};

	snprintf(cores, sizeof(cores), "0-%u", b->n_workers - 1);
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		die("no EAL");
	b->pool = rte_pktmbuf_pool_create(
		"bench", b->n_workers * 4 * BATCH, 256, 0, 256 + 128, SOCKET_ID_ANY);
	for (uint32_t w = 0; w < b->n_workers; w++) {
		b->slots[w] = calloc(SLOTS, sizeof(*b->slots[w]));
		if (b->slots[w] == NULL)
			die("no memory");
	}
	if (b->pool == NULL)
		die("no memory");
	make_port(b, 0);
	make_port(b, 1);
	make_rss(b);
	traffic_rules_make(&b->rules, PODS, POLICIES);
}

static int write_json(const char *path, const struct figures *f, size_t n)
{
	FILE *to = fopen(path, "w");

	if (to == NULL) {
		fprintf(stderr, "bench_workers: %s: %s\n", path, strerror(errno));
		return 1;
	}
	fprintf(to, "[\n");
	for (size_t i = 0; i < n; i++)
		fprintf(to,
			"  {\"load\": \"%s\", \"flows\": %u, \"workers\": %u, "
			"\"one_mpps\": %.2f, \"mpps\": %.2f, \"scaling\": %.3f, "
			"\"scaling_best\": %.3f, \"scaling_worst\": %.3f}%s\n",
			f[i].name, f[i].flows, f[i].workers, f[i].one, f[i].all, f[i].ratio,
			f[i].best, f[i].worst, i + 1 < n ? "," : "");
	fprintf(to, "]\n");
	return fclose(to) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", required_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'},
		{"ms", required_argument, NULL, 'm'},
		{"max-flows", required_argument, NULL, 'f'},
		{"workers", required_argument, NULL, 'w'},
		{0},
	};
	static struct bench b = {.n_workers = 2};
	static struct figures figures[CASES];
	unsigned long max_flows = UINT32_MAX;
	const char *json = NULL;
	int rounds = 7, ms = 300, c;
	size_t n = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'r')
			rounds = atoi(optarg);
		else if (c == 'm')
			ms = atoi(optarg);
		else if (c == 'f')
			max_flows = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			b.n_workers = (uint32_t)atoi(optarg);
		else
			return 2;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || ms < 1 || b.n_workers < 2 ||
		b.n_workers > WORKERS_MAX)
		die("--rounds 1..99, --ms at least 1, --workers 2..16");
	if (sysconf(_SC_NPROCESSORS_ONLN) < (long)b.n_workers) {
		printf("skipped: fewer than %u processors\n", b.n_workers);
		return json != NULL ? write_json(json, figures, 0) : 0;
	}
	start(&b);
	printf("%-10s %8s | %8s %9s | %8s %8s %8s\n", "load", "flows", "1 worker", "workers",
		"scaling", "best", "worst");
	for (size_t i = 0; i < CASES; i++) {
		struct figures *f = &figures[n];

		if (cases[i].flows > max_flows)
			continue;
		run_case(&b, i, rounds, ms / 1e3, f);
		printf("%-10s %8u | %8.2f %9.2f | %8.2f %8.2f %8.2f\n", f->name, f->flows, f->one,
			f->all, f->ratio, f->best, f->worst);
		fflush(stdout);
		n++;
	}
	return json != NULL ? write_json(json, figures, n) : 0;
}
