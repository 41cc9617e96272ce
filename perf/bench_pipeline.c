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
 * new allowed   each packet begins a connection
 * new denied    each packet is refused by a rule
 * churn         each packet begins a connection, and another one ends: a table that stays full
 * forward       what receiving and transmitting alone costs in the same loop
 *
 * Of the connections of churn a quarter are established ones, TCP and UDP, that stay. The others
 * are begun by one packet, which alone is counted, never answered, and end by their timeout: the
 * sweep, which is a part of the time measured, removes one for each that begins. They last
 * CHURN_LIFE_MS, and time passes as if so many began in that as there are, whatever the speed
 * measured: with 4,000,000, as at 7 million a second. A quicker sweep would be too much for its
 * step after each burst. No limit of half-open connections is in the way.
 *
 * Frames are written in batches outside of the measured time, a batch being larger than the
 * first-level cache. The processor time of a round is summed over its batches; medians over rounds.
 * Cycles are of the time stamp counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

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

enum traffic { ESTABLISHED, ESTABLISHED6, NEW_ALLOWED, NEW_DENIED, CHURN, FORWARD };

struct bench {
	struct tg_datapath *dp;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	struct tg_stats_slot *slots;
	struct traffic_rules rules;
	struct rte_mempool *pool;
	struct rte_ring *rx[2], *tx[2];
	uint16_t ethdev[2];
	uint64_t random;
	uint64_t now;
	uint32_t next;	      /* flow that no packet has had */
	uint64_t nanoseconds; /* of the clock, below a millisecond */
	bool timed;	      /* --stages */
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

static __attribute__((noreturn)) void die(const char *why)
{
	fprintf(stderr, "bench_pipeline: %s\n", why);
	exit(1);
}

static uint64_t next_random(struct bench *b)
{
	uint64_t x = b->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

/* ---- ports ---- */

static void make_port(struct bench *b, unsigned int i)
{
	struct rte_eth_conf conf = {0};
	char name[32];
	int port;

	snprintf(name, sizeof(name), "rx%u", i);
	b->rx[i] = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "tx%u", i);
	b->tx[i] = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (b->rx[i] == NULL || b->tx[i] == NULL)
		die("no ring");
	snprintf(name, sizeof(name), "bench%u", i);
	port = rte_eth_from_rings(name, &b->rx[i], 1, &b->tx[i], 1, 0);
	if (port < 0)
		die("no ring port");
	b->ethdev[i] = (uint16_t)port;
	if (rte_eth_dev_configure(b->ethdev[i], 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(b->ethdev[i], 0, 0, 0, NULL, b->pool) != 0 ||
		rte_eth_tx_queue_setup(b->ethdev[i], 0, 0, 0, NULL) != 0 ||
		rte_eth_dev_start(b->ethdev[i]) != 0)
		die("a port does not start");
}

/* ---- the gateway ---- */

static void open_gateway(struct bench *b, enum traffic traffic, uint32_t connections)
{
	struct tg_datapath_config config;

	tg_datapath_config_default(&config);
	config.n_ports = 2;
	config.conn4_max = traffic == ESTABLISHED6 ? 64 : connections;
	config.conn6_max = traffic == ESTABLISHED6 ? connections : 64;
	config.half_open_max = config.half_open_per_source = UINT32_MAX;
	config.slot_capacity = SLOTS;
	config.pickup_ms = 0;
	if (traffic == CHURN) {
		config.sweep_ms = CHURN_SWEEP_MS;
		config.timeouts.ms[TG_CONN_SYN_SENT] = CHURN_TIMEOUT_MS;
		config.timeouts.ms[TG_CONN_UDP_NEW] = CHURN_TIMEOUT_MS;
	}
	for (uint16_t i = 0; i < 2; i++)
		config.ports[i] = (struct tg_port_config){
			.ethdev = b->ethdev[i],
			.peer = i ^ 1,
			.end = (uint8_t)i,
			.side = TG_SIDE_ANY,
			.mtu = 1500,
			.link_pass = TG_LINK_DEFAULT,
		};
	memset(b->stats, 0, sizeof(*b->stats));
	if (tg_datapath_create(&config, &b->dp) != 0 ||
		tg_worker_create(b->dp, 0, SOCKET_ID_ANY, b->stats, b->slots, &b->worker) != 0)
		die("no worker");
	tg_datapath_publish(b->dp, b->rules.generation);
	tg_datapath_set_link(b->dp, 0, true);
	tg_datapath_set_link(b->dp, 1, true);
	b->now = 0;
	b->next = traffic == CHURN ? CHURN_STAY(connections) : 0;
}

static void close_gateway(struct bench *b)
{
	tg_worker_free(b->worker);
	tg_datapath_free(b->dp);
}

/* ---- frames ---- */

static bool established(enum traffic traffic)
{
	return traffic == ESTABLISHED || traffic == ESTABLISHED6;
}

static const struct traffic_flows *live_flows(const struct bench *b, enum traffic traffic)
{
	return traffic == ESTABLISHED6 ? &b->rules.allowed6 : &b->rules.allowed;
}

/* A batch of frames into a port's receive ring. */
static void fill(struct bench *b, enum traffic traffic, uint32_t flows, unsigned int port)
{
	struct rte_mbuf *m[BATCH];

	if (rte_pktmbuf_alloc_bulk(b->pool, m, BATCH) != 0)
		die("no mbufs");
	for (unsigned int i = 0; i < BATCH; i++) {
		uint32_t any = (uint32_t)((next_random(b) >> 32) * flows >> 32);

		traffic_blank(m[i]);
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
			break;
		}
	}
	if (rte_ring_enqueue_bulk(b->rx[port], (void **)m, BATCH, NULL) != BATCH)
		die("the receive ring is full");
}

static void drain(struct bench *b)
{
	struct rte_mbuf *m[BATCH];
	unsigned int n;

	for (unsigned int i = 0; i < 2; i++) {
		while ((n = rte_ring_dequeue_burst(b->tx[i], (void **)m, BATCH, NULL)) != 0)
			rte_pktmbuf_free_bulk(m, n);
	}
}

/* ---- measured ---- */

static void run_worker(struct bench *b, unsigned int port)
{
	struct rte_mbuf *m[TG_BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(b->ethdev[port], 0, m, TG_BURST)) != 0) {
		tg_worker_burst(b->worker, (uint16_t)port, m, n, b->now);
		tg_worker_handoff(b->worker, b->now);
		tg_worker_sweep(b->worker, b->now);
		tg_worker_flush(b->worker);
	}
}

static void run_forward(struct bench *b, unsigned int port)
{
	struct rte_mbuf *m[TG_BURST];
	uint16_t n, sent;

	while ((n = rte_eth_rx_burst(b->ethdev[port], 0, m, TG_BURST)) != 0) {
		sent = rte_eth_tx_burst(b->ethdev[port ^ 1], 0, m, n);
		rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
}

/* The thread's own time: what others do on a busy machine is not counted. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A batch through the gateway; the nanoseconds it took. */
static uint64_t batch(struct bench *b, enum traffic traffic, uint32_t flows, unsigned int port)
{
	uint64_t start, spent;

	fill(b, traffic, flows, port);
	start = cpu_ns();
	if (traffic == FORWARD)
		run_forward(b, port);
	else
		run_worker(b, port);
	spent = cpu_ns() - start;
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
				die("no mbufs");
			for (uint32_t i = 0; i < n; i++) {
				traffic_blank(m[i]);
				traffic_write(m[i], live_flows(b, traffic), done + i,
					steps[s].port != 0, steps[s].flags);
			}
			tg_worker_burst(b->worker, (uint16_t)steps[s].port, m, (uint16_t)n, b->now);
			tg_worker_flush(b->worker);
			drain(b);
		}
	}
}

/* A little of the clock, as time would pass at the speed measured. */
static void pass_time(struct bench *b, uint64_t ns)
{
	b->nanoseconds += ns;
	b->now += b->nanoseconds / 1000000;
	b->nanoseconds %= 1000000;
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
	b->now += HUGE_TIME;
	while (b->stats->conn4_used != 0) {
		b->now++;
		while (tg_worker_sweep(b->worker, b->now) == 0)
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
		pass_time(b, traffic == CHURN ? churn_ns(flows) : spent);
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
	uint64_t end = b->now + CHURN_TIMEOUT_MS + 2 * CHURN_SWEEP_MS;

	establish(b, CHURN, CHURN_STAY(flows));
	while (b->now < end) {
		batch(b, CHURN, flows, 0);
		pass_time(b, churn_ns(flows));
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint64_t drops(const struct bench *b)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < TG_DROP_COUNT; i++)
		n += b->stats->drops[i].packets;
	return n;
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
	if (established(traffic) && (drops(b) != 0 || b->stats->conn_created != flows)) {
		print_drops(b);
		die("established flows were dropped");
	}
	if (traffic == NEW_ALLOWED && drops(b) * 1000 > b->stats->conn_created)
		die("new connections were refused");
	if (traffic == CHURN && (drops(b) != 0 || b->stats->conn4_used < flows - flows / 50 ||
					b->stats->conn4_used > flows + flows / 50)) {
		print_drops(b);
		fprintf(stderr, "bench_pipeline: %lu connections\n",
			(unsigned long)b->stats->conn4_used);
		die("the table is not as full as it should be");
	}
	if (traffic == NEW_DENIED && drops(b) != b->stats->rx_packets)
		die("denied packets passed");
}

static void measure(struct bench *b, enum traffic traffic, uint32_t flows, int rounds,
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
	else if (traffic == CHURN)
		fill_table(b, flows);
	round_of(b, traffic, flows, seconds / 4); /* warm up */
	memset(&b->stages, 0, sizeof(b->stages));
	packets = b->stats->rx_packets;
	if (b->timed)
		tg_worker_time(b->worker, &b->stages);
	for (int i = 0; i < rounds; i++)
		ns[i] = round_of(b, traffic, flows, seconds);
	packets = b->stats->rx_packets - packets;
	for (unsigned int i = 0; i < TG_STAGE_COUNT && packets != 0; i++)
		out->stage[i] = (double)b->stages.cycles[i] / (double)packets;
	out->pages = tg_worker_pages(b->worker, traffic == ESTABLISHED6 ? 6 : 4);
	check_traffic(b, traffic, flows);
	qsort(ns, (size_t)rounds, sizeof(ns[0]), compare);
	out->flows = flows;
	out->cycles = ns[rounds / 2] * cycles_per_ns;
	out->mpps = 1e3 / ns[rounds / 2];
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
		die("no huge pages on this machine");
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
	char *argv[] = {(char *)"bench_pipeline",
		huge ? (char *)"--in-memory" : (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--no-telemetry", (char *)"--log-level=error",
		(char *)"-l", (char *)"0", (char *)"-m", huge ? (char *)"512" : (char *)"1024",
		NULL};

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		die("no EAL");
	b->pool = rte_pktmbuf_pool_create("bench", 4 * BATCH, 256, 0, 256 + 128, SOCKET_ID_ANY);
	b->stats = calloc(1, sizeof(*b->stats));
	b->slots = calloc(SLOTS, sizeof(*b->slots));
	if (b->pool == NULL || b->stats == NULL || b->slots == NULL)
		die("no memory");
	make_port(b, 0);
	make_port(b, 1);
	traffic_rules_make(&b->rules, PODS, POLICIES);
}

static int write_json(const char *path, const struct figures *f, size_t n)
{
	FILE *to = fopen(path, "w");

	if (to == NULL) {
		fprintf(stderr, "bench_pipeline: %s: %s\n", path, strerror(errno));
		return 1;
	}
	fprintf(to, "[\n");
	for (size_t i = 0; i < n; i++)
		fprintf(to,
			"  {\"traffic\": \"%s\", \"flows\": %u, \"mpps\": %.2f, "
			"\"best_mpps\": %.2f, \"worst_mpps\": %.2f, \"cycles\": %.1f, "
			"\"of_forward\": %.3f, \"pages\": \"%s\"}%s\n",
			f[i].name, f[i].flows, f[i].mpps, f[i].best, f[i].worst, f[i].cycles,
			f[i].ratio, f[i].pages, i + 1 < n ? "," : "");
	fprintf(to, "]\n");
	return fclose(to) == 0 ? 0 : 1;
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
	{"established", ESTABLISHED, 100000},
	{"established", ESTABLISHED, 1000000},
	{"established", ESTABLISHED, 4000000},
	{"established6", ESTABLISHED6, 1000},
	{"established6", ESTABLISHED6, 100000},
	{"established6", ESTABLISHED6, 1000000},
	{"established6", ESTABLISHED6, 4000000},
	{"new denied", NEW_DENIED, 1000000},
	{"new allowed", NEW_ALLOWED, 1000000},
	{"churn", CHURN, 1000000},
	{"churn", CHURN, 4000000},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", required_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'},
		{"ms", required_argument, NULL, 'm'},
		{"max-flows", required_argument, NULL, 'f'},
		{"traffic", required_argument, NULL, 't'},
		{"stages", no_argument, NULL, 's'},
		{"huge", no_argument, NULL, 'h'},
		{0},
	};
	static struct bench b;
	struct figures figures[CASES];
	const char *json = NULL, *only = NULL;
	unsigned long max_flows = UINT32_MAX;
	int rounds = 9, ms = 200, c;
	bool huge = false;
	uint32_t most = 0;
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
		else if (c == 't')
			only = optarg;
		else if (c == 's')
			b.timed = true;
		else if (c == 'h')
			huge = true;
		else
			return 2;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || ms < 1)
		die("--rounds 1..99, --ms at least 1");
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
	return json != NULL ? write_json(json, figures, n) : 0;
}
