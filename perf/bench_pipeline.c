/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole packet path of one worker on one core, between in-memory ports: receive, parse, look
 * up, judge, transmit. A generated cluster's ruleset; smallest frames, uniformly random flows.
 *
 *	bench_pipeline [--json PATH] [--rounds N] [--ms N] [--max-flows N] [--traffic NAME]
 *		[--stages] [--huge]
 *
 * --stages prints how many cycles a packet spends in each stage (and costs some itself).
 * --huge takes mbufs, rules and tables from reserved huge pages; root reserves what is missing,
 * until the program ends.
 *
 * established   live connections, TCP and UDP, both directions
 * established6  the same over IPv6, frames of 74 bytes
 * marked        as established, and a NIC says by a mark where each packet's connection is
 * marked6       the same over IPv6
 * new allowed   each packet begins a connection
 * new denied    each packet is refused by a rule
 * churn         each packet begins a connection, and another one ends: a table that stays full
 * forward       what receiving and transmitting alone costs in the same loop
 *
 * Of the connections of churn a quarter are established ones, TCP and UDP, that stay. The others
 * are begun by one packet, which alone is counted, never answered, and end by their timeout: the
 * sweep, which is a part of the time measured, removes one for each that begins. They last
 * CHURN_LIFE_MS, and time passes as if so many began in that as there are, whatever the speed
 * measured: with 4,000,000, as at 7 million a second. No limit of half-open connections is in the
 * way.
 *
 * Frames are written in batches outside of the measured time, a batch being larger than the
 * first-level cache. The processor time of a round is summed over its batches; medians over rounds.
 * Cycles are of the time stamp counter.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "bench.h"
#include "marks.h"
#include "rig.h"
#include "traffic.h"
#include "worker.h"

#define BATCH 2048u /* frames written at a time */
#define RING (2 * BATCH)
#define PODS 10000u
#define POLICIES 1000u
#define ROUNDS_MAX 99
#define SLOTS (1u << 20)
#define HUGE_TIME (1ull << 20)
#define CHURN_STAY(n) ((n) / 4) /* of so many */
#define CHURN_TIMEOUT_MS 78u
#define CHURN_SWEEP_MS 700u
#define CHURN_LIFE_MS (CHURN_TIMEOUT_MS + CHURN_SWEEP_MS / 2) /* on average */

enum traffic {
	ESTABLISHED,
	ESTABLISHED6,
	MARKED,
	MARKED6,
	NEW_ALLOWED,
	NEW_DENIED,
	CHURN,
	FORWARD
};

struct bench {
	struct tg_datapath *dp;
	struct tg_worker *worker;
	struct marks *marks; /* NULL: nothing is marked */
	uint32_t *mark;	     /* by flow */
	struct tg_stats_worker *stats;
	struct tg_stats_slot *slots;
	struct traffic_rules rules;
	struct rte_mempool *pool;
	struct rig_port port[2];
	struct rig_clock clock;
	uint64_t random;
	uint32_t next; /* flow that no packet has had */
	bool timed;    /* --stages */
	struct tg_stages stages;
};

struct figures {
	const char *name;
	uint32_t flows;
	double mpps, best, worst, cycles;
	double ratio;		      /* of the forward figure */
	double stage[TG_STAGE_COUNT]; /* cycles a packet; --stages */
	const char *pages;	      /* that the table lay in */
};

static bool over_ipv6(enum traffic traffic)
{
	return traffic == ESTABLISHED6 || traffic == MARKED6;
}

static bool marked(enum traffic traffic)
{
	return traffic == MARKED || traffic == MARKED6;
}

static bool established(enum traffic traffic)
{
	return traffic == ESTABLISHED || traffic == ESTABLISHED6 || marked(traffic);
}

/* ---- the gateway ---- */

static void open_gateway(struct bench *b, enum traffic traffic, uint32_t connections)
{
	struct tg_datapath_config config;

	rig_wire(&config, b->port[0].ethdev, b->port[1].ethdev);
	config.conn4_max = over_ipv6(traffic) ? 64 : connections;
	config.conn6_max = over_ipv6(traffic) ? connections : 64;
	config.half_open_max = config.half_open_per_source = UINT32_MAX;
	config.slot_capacity = SLOTS;
	if (traffic == CHURN) {
		config.sweep_ms = CHURN_SWEEP_MS;
		config.timeouts.ms[TG_CONN_SYN_SENT] = CHURN_TIMEOUT_MS;
		config.timeouts.ms[TG_CONN_UDP_NEW] = CHURN_TIMEOUT_MS;
	}
	memset(b->stats, 0, sizeof(*b->stats));
	if (tg_datapath_create(&config, &b->dp) != 0 ||
		tg_worker_create(b->dp, 0, SOCKET_ID_ANY, b->stats, b->slots, &b->worker) != 0)
		bench_die("no worker");
	if (marked(traffic))
		b->marks = marks_attach(b->worker, connections);
	rig_begin(b->dp, b->rules.generation);
	b->clock = (struct rig_clock){0};
	b->next = traffic == CHURN ? CHURN_STAY(connections) : 0;
}

static void close_gateway(struct bench *b)
{
	tg_worker_free(b->worker);
	marks_free(b->marks);
	free(b->mark);
	b->marks = NULL;
	b->mark = NULL;
	tg_datapath_free(b->dp);
}

/* ---- frames ---- */

static const struct traffic_flows *live_flows(const struct bench *b, enum traffic traffic)
{
	return over_ipv6(traffic) ? &b->rules.allowed6 : &b->rules.allowed;
}

/* A batch of frames into a port's receive ring. */
static void fill(struct bench *b, enum traffic traffic, uint32_t flows, unsigned int port)
{
	struct rte_mbuf *m[BATCH];

	if (rte_pktmbuf_alloc_bulk(b->pool, m, BATCH) != 0)
		bench_die("no mbufs");
	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t any = bench_below(&b->random, flows);

		rig_frame(m[i]);
		switch (traffic) {
		case NEW_ALLOWED:
		case CHURN:
			traffic_write(m[i], &b->rules.allowed, b->next++, false, 2);
			break;
		case NEW_DENIED:
			traffic_write(m[i], &b->rules.denied, any, false, 2);
			break;
		default:
			traffic_write(m[i], live_flows(b, traffic), any, port != 0, 0x10);
			if (b->marks != NULL)
				marks_stamp(m[i], b->mark[any]);
			break;
		}
	}
	if (rte_ring_enqueue_bulk(b->port[port].rx[0], (void **)m, BATCH, NULL) != BATCH)
		bench_die("the receive ring is full");
}

static void drain(const struct bench *b)
{
	rig_port_drain(&b->port[0], 0);
	rig_port_drain(&b->port[1], 0);
}

/* ---- measured ---- */

static void run_worker(struct bench *b, unsigned int port)
{
	struct rte_mbuf *m[TG_BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(b->port[port].ethdev, 0, m, TG_BURST)) != 0) {
		tg_worker_burst(b->worker, (uint16_t)port, m, n, b->clock.ms);
		tg_worker_handoff(b->worker, b->clock.ms);
		tg_worker_sweep(b->worker, b->clock.ms);
		tg_worker_flush(b->worker);
	}
}

/* A batch through the gateway; the nanoseconds it took. */
static uint64_t batch(struct bench *b, enum traffic traffic, uint32_t flows, unsigned int port)
{
	uint64_t start, spent;

	fill(b, traffic, flows, port);
	start = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	if (traffic == FORWARD)
		rig_forward(&b->port[port], &b->port[port ^ 1], 0);
	else
		run_worker(b, port);
	spent = bench_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	drain(b);
	return spent;
}

/* All flows live: a handshake each for TCP, an exchange for UDP. */
static void establish(struct bench *b, enum traffic traffic, uint32_t flows)
{
	static const struct {
		unsigned int port;
		uint8_t flags;
	} steps[] = {{0, 0x02}, {1, 0x12}, {0, 0x10}};
	struct rte_mbuf *m[TG_BURST];

	for (uint32_t done = 0; done < flows; done += TG_BURST) {
		uint32_t n = flows - done < TG_BURST ? flows - done : TG_BURST;

		for (unsigned int s = 0; s < 3; s++) {
			if (rte_pktmbuf_alloc_bulk(b->pool, m, n) != 0)
				bench_die("no mbufs");
			for (uint32_t i = 0; i < n; i++) {
				rig_frame(m[i]);
				traffic_write(m[i], live_flows(b, traffic), done + i,
					steps[s].port != 0, steps[s].flags);
			}
			tg_worker_burst(
				b->worker, (uint16_t)steps[s].port, m, (uint16_t)n, b->clock.ms);
			tg_worker_flush(b->worker);
			drain(b);
		}
	}
}

/* What has been established gets its marks. */
static void mark_all(struct bench *b, enum traffic traffic, uint32_t flows)
{
	struct rte_mbuf *m;

	for (uint32_t left = flows; left != 0; left -= marks_take(b->marks))
		tg_worker_sweep(b->worker, ++b->clock.ms);
	while (!marks_told(b->marks))
		tg_worker_sweep(b->worker, b->clock.ms);
	b->mark = calloc(flows, sizeof(*b->mark));
	if (b->mark == NULL)
		bench_die("no memory");
	for (uint32_t i = 0; i < flows; i++) {
		m = rte_pktmbuf_alloc(b->pool);
		if (m == NULL)
			bench_die("no mbufs");
		rig_frame(m);
		traffic_write(m, live_flows(b, traffic), i, false, 0x10);
		b->mark[i] = marks_of(b->marks, m);
		rte_pktmbuf_free(m);
	}
}

/* What a batch of churn takes, so that as many end as begin. */
static uint64_t churn_ns(uint32_t flows)
{
	return BATCH * (CHURN_LIFE_MS * 1000000ull) / (flows - CHURN_STAY(flows));
}

/* Empties the table of what new connections have left in it. */
static void forget_all(struct bench *b)
{
	tg_worker_time(b->worker, NULL); /* not a part of what is measured */
	b->clock.ms += HUGE_TIME;
	while (b->stats->conn4_used != 0) {
		b->clock.ms++;
		while (tg_worker_sweep(b->worker, b->clock.ms) == 0)
			;
	}
	if (b->timed)
		tg_worker_time(b->worker, &b->stages);
	b->next = 0;
}

/* Nanoseconds a packet. */
static double round_of(struct bench *b, enum traffic traffic, uint32_t flows, double seconds)
{
	uint64_t total = 0, packets = 0;
	unsigned int port = 0;

	while ((double)total < seconds * 1e9) {
		uint64_t spent = batch(b, traffic, flows, port);

		total += spent;
		packets += BATCH;
		rig_clock_pass(&b->clock, traffic == CHURN ? churn_ns(flows) : spent);
		if (established(traffic))
			port ^= 1;
		if (traffic == NEW_ALLOWED && b->next + BATCH > flows)
			forget_all(b);
	}
	return (double)total / (double)packets;
}

/* A full table: what was begun first has ended. */
static void fill_table(struct bench *b, uint32_t flows)
{
	uint64_t end = b->clock.ms + CHURN_TIMEOUT_MS + 2 * CHURN_SWEEP_MS;

	establish(b, CHURN, CHURN_STAY(flows));
	while (b->clock.ms < end) {
		batch(b, CHURN, flows, 0);
		rig_clock_pass(&b->clock, churn_ns(flows));
	}
}

static void print_drops(const struct bench *b)
{
	for (unsigned int i = 0; i < TG_DROP_COUNT; i++) {
		if (b->stats->drops[i].packets != 0)
			fprintf(stderr, "bench_pipeline: %s %lu\n", tg_drop_label(i),
				(unsigned long)b->stats->drops[i].packets);
	}
}

/* Figures that were not made by what they claim are worth nothing. */
static void check_traffic(const struct bench *b, enum traffic traffic, uint32_t flows)
{
	if (established(traffic) && (rig_drops(b->stats) != 0 || b->stats->conn_created != flows)) {
		print_drops(b);
		bench_die("established flows were dropped");
	}
	if (marked(traffic) && (b->stats->marks_right == 0 ||
				       (b->stats->marks_stale | b->stats->marks_wrong) != 0))
		bench_die("marks were not what they should be");
	if (traffic == NEW_ALLOWED && rig_drops(b->stats) * 1000 > b->stats->conn_created)
		bench_die("new connections were refused");
	if (traffic == CHURN &&
		(rig_drops(b->stats) != 0 || b->stats->conn4_used < flows - flows / 50 ||
			b->stats->conn4_used > flows + flows / 50)) {
		print_drops(b);
		fprintf(stderr, "bench_pipeline: %lu connections\n",
			(unsigned long)b->stats->conn4_used);
		bench_die("the table is not as full as it should be");
	}
	if (traffic == NEW_DENIED && rig_drops(b->stats) != b->stats->rx_packets)
		bench_die("denied packets passed");
}

static void measure(struct bench *b, enum traffic traffic, uint32_t flows, uint32_t rounds,
	double seconds, struct figures *out)
{
	const double cycles_per_ns = (double)rte_get_tsc_hz() * 1e-9;
	double ns[ROUNDS_MAX];
	uint64_t packets;

	if (traffic == FORWARD)
		seconds /= 20; /* most of the time goes into writing frames */
	open_gateway(b, traffic, flows);
	if (established(traffic))
		establish(b, traffic, flows);
	if (marked(traffic))
		mark_all(b, traffic, flows);
	else if (traffic == CHURN)
		fill_table(b, flows);
	round_of(b, traffic, flows, seconds / 4); /* warm up */
	memset(&b->stages, 0, sizeof(b->stages));
	packets = b->stats->rx_packets;
	if (b->timed)
		tg_worker_time(b->worker, &b->stages);
	for (uint32_t i = 0; i < rounds; i++)
		ns[i] = round_of(b, traffic, flows, seconds);
	packets = b->stats->rx_packets - packets;
	for (unsigned int i = 0; i < TG_STAGE_COUNT && packets != 0; i++)
		out->stage[i] = (double)b->stages.cycles[i] / (double)packets;
	out->pages = tg_worker_pages(b->worker, over_ipv6(traffic) ? 6 : 4);
	check_traffic(b, traffic, flows);
	out->flows = flows;
	out->mpps = 1e3 / bench_median(ns, rounds);
	out->cycles = 1e3 / out->mpps * cycles_per_ns;
	out->best = 1e3 / ns[0];
	out->worst = 1e3 / ns[rounds - 1];
	close_gateway(b);
}

/* ---- huge pages ---- */

#define NR_HUGE "/proc/sys/vm/nr_hugepages"
#define HUGE_MIB 2u
#define EAL_MIB 512u
#define LINE_BYTES 160u /* of hot and cold entry of IPv6 */
#define LOAD 4u		/* lines a connection */

static char huge_before[24]; /* what the kernel had reserved; empty: nothing was changed */

static long huge_read(void)
{
	FILE *from = fopen(NR_HUGE, "re");
	long n = 0;

	if (from == NULL || fscanf(from, "%ld", &n) != 1)
		bench_die("no huge pages on this machine");
	fclose(from);
	return n;
}

/* At the end and in signal handlers: async-signal-safe. */
static void huge_write(const char *text)
{
	int fd = open(NR_HUGE, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		text = NULL; /* the kernel keeps what it had */
	close(fd);
}

static void huge_return(void)
{
	if (huge_before[0] != '\0')
		huge_write(huge_before);
}

static void interrupted(int signal)
{
	huge_return();
	_exit(128 + signal);
}

/* As many pages more as the largest case needs. */
static void huge_reserve(uint32_t flows)
{
	uint64_t lines = 1, bytes;
	long before = huge_read(), wanted, got;
	char text[24];

	while (lines < (uint64_t)flows * LOAD)
		lines *= 2;
	bytes = lines * LINE_BYTES;
	wanted = (long)(bytes / HUGE_MIB >> 20) + (long)(EAL_MIB / HUGE_MIB) + 8;
	atexit(huge_return);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	snprintf(huge_before, sizeof(huge_before), "%ld\n", before);
	snprintf(text, sizeof(text), "%ld\n", before + wanted);
	huge_write(text);
	got = huge_read() - before;
	if (got < wanted)
		fprintf(stderr, "bench_pipeline: %ld huge pages of %ld\n", got, wanted);
}

static void start(struct bench *b, bool huge)
{
	rig_eal("0", huge ? EAL_MIB : 1024, huge);
	b->pool = rig_pool(4 * BATCH);
	b->stats = calloc(1, sizeof(*b->stats));
	b->slots = calloc(SLOTS, sizeof(*b->slots));
	if (b->stats == NULL || b->slots == NULL)
		bench_die("no memory");
	rig_port_open(&b->port[0], "port0", 1, RING, b->pool);
	rig_port_open(&b->port[1], "port1", 1, RING, b->pool);
	traffic_rules_make(&b->rules, PODS, POLICIES);
}

static void write_json(const char *path, const struct figures *f, size_t n)
{
	FILE *to = bench_figures_open(path);

	fprintf(to, "[\n");
	for (size_t i = 0; i < n; i++)
		fprintf(to,
			"  {\"traffic\": \"%s\", \"flows\": %u, \"mpps\": %.2f, "
			"\"best_mpps\": %.2f, \"worst_mpps\": %.2f, \"cycles\": %.1f, "
			"\"of_forward\": %.3f, \"pages\": \"%s\"}%s\n",
			f[i].name, f[i].flows, f[i].mpps, f[i].best, f[i].worst, f[i].cycles,
			f[i].ratio, f[i].pages, i + 1 < n ? "," : "");
	fprintf(to, "]\n");
	bench_figures_close(to);
}

static void print_stages(const struct figures *f)
{
	static const char *const names[] = {
#define X(sym, name) name,
		TG_STAGES(X)
#undef X
	};

	for (unsigned int i = 0; i < TG_STAGE_COUNT; i++)
		printf("%s%s %.1f", i == 0 ? "    " : ", ", names[i], f->stage[i]);
	printf("; table in %s\n", f->pages);
}

static const struct {
	const char *name;
	enum traffic traffic;
	uint32_t flows;
} cases[] = {
	{"forward", FORWARD, 1024},
	{"established", ESTABLISHED, 1000},
	{"established", ESTABLISHED, 10000},
	{"established", ESTABLISHED, 100000},
	{"established", ESTABLISHED, 1000000},
	{"established", ESTABLISHED, 4000000},
	{"established6", ESTABLISHED6, 1000},
	{"established6", ESTABLISHED6, 100000},
	{"established6", ESTABLISHED6, 1000000},
	{"established6", ESTABLISHED6, 4000000},
	{"marked", MARKED, 1000},
	{"marked", MARKED, 10000},
	{"marked", MARKED, 100000},
	{"marked", MARKED, 1000000},
	{"marked6", MARKED6, 1000},
	{"marked6", MARKED6, 100000},
	{"marked6", MARKED6, 1000000},
	{"new denied", NEW_DENIED, 1000000},
	{"new allowed", NEW_ALLOWED, 1000000},
	{"churn", CHURN, 1000000},
	{"churn", CHURN, 4000000},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

int main(int argc, char **argv)
{
	static struct bench b;
	struct figures figures[CASES];
	const char *json = NULL, *only = NULL;
	uint32_t rounds = 9, ms = 200, max_flows = UINT32_MAX, most = 0;
	bool huge = false;
	size_t n = 0;
	const struct bench_option options[] = {
		{.name = "json", .text = &json},
		{.name = "rounds", .number = &rounds, .least = 1, .most = ROUNDS_MAX},
		{.name = "ms", .number = &ms, .least = 1, .most = 60000},
		{.name = "max-flows", .number = &max_flows, .least = 1, .most = UINT32_MAX},
		{.name = "traffic", .text = &only},
		{.name = "stages", .flag = &b.timed},
		{.name = "huge", .flag = &huge},
		{0},
	};

	bench_options(argc, argv, options);
	for (size_t i = 0; i < CASES; i++)
		if (cases[i].flows <= max_flows && cases[i].flows > most)
			most = cases[i].flows;
	if (huge)
		huge_reserve(most);
	start(&b, huge);
	printf("%-12s %8s | %8s %8s %8s | %8s %8s\n", "traffic", "flows", "Mpps", "best", "worst",
		"cycles", "forward");
	for (size_t i = 0; i < CASES; i++) {
		struct figures *f = &figures[n];

		if (cases[i].flows > max_flows ||
			(only != NULL && i != 0 && strcmp(only, cases[i].name) != 0))
			continue;
		f->name = cases[i].name;
		measure(&b, cases[i].traffic, cases[i].flows, rounds, ms / 1e3, f);
		f->ratio = f->mpps / figures[0].mpps;
		printf("%-12s %8u | %8.2f %8.2f %8.2f | %8.1f %8.3f\n", f->name, f->flows, f->mpps,
			f->best, f->worst, f->cycles, f->ratio);
		if (b.timed && cases[i].traffic != FORWARD)
			print_stages(f);
		fflush(stdout);
		n++;
	}
	if (json != NULL)
		write_json(json, figures, n);
	return 0;
}
