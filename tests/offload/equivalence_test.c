/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two gateways, the same rules and the same packets: one does all in software, the other leaves to
 * a NIC what the NIC's profile allows, and the NIC does all that is wrong with it. What comes out
 * of both has to be the same after every burst, and what is counted after every chapter.
 *
 *	equivalence_test [-n PACKETS] [-s SEED] [-p PROFILE] [-w] FOLDER...
 *
 * -w: hazards are given to the NIC and hidden from the planner, one after the other. What was the
 * same has to be different then: else the check of that hazard would be worth nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ring.h>

#include "conversation.h"
#include "log.h"
#include "nic_pair.h"
#include "nicmodel.h"
#include "offload.h"
#include "world.h"

#define BURST 32
#define CHAPTER 4000 /* packets between two comparisons of counters */
#define MERIT 3
#define DENIALS 4
#define POLL_MS 20
#define IDLE_MS 400
#define WRONG_MARKS 5
#define WAIT_MS 1000
#define SWEEP_MS 40
#define SWEEPS (2 * SWEEP_MS) /* in which everything is visited */
#define SETTLES 64	      /* in which hardware has told all */

struct hard {
	struct world w;
	struct nic_pair nic;
	struct tg_stats_offload stats;
	struct tg_offload *offload; /* NULL: the profile offers nothing */
};

struct run {
	const struct tg_nic_profile *profile;
	struct world soft;
	struct hard hard;
	struct conversations *talk;
	uint64_t packets;
	uint32_t state; /* of the random numbers */
};

static void die(const char *why)
{
	fprintf(stderr, "equivalence: %s\n", why);
	exit(2);
}

static uint32_t any(struct run *r, uint32_t below)
{
	r->state = r->state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)r->state * below >> 32);
}

/* ---- the gateway with a NIC ---- */

/* No table gets full: who has to go then depends on secrets. */
static void configure(struct world *w)
{
	world_defaults(w);
	w->config.sweep_ms = SWEEP_MS;
	w->config.conn4_max = w->config.conn6_max = 1u << 15;
	w->config.half_open_per_source = 1u << 15;
}

/* `seen` is what the planner knows of the NIC. */
static void hard_start(
	struct hard *h, const struct tg_nic_profile *nic, const struct tg_nic_profile *seen)
{
	struct tg_offload_config config = {.connections_max = 64,
		.marks = true,
		.merit = MERIT,
		.idle_ms = IDLE_MS,
		.denials = DENIALS,
		.denial_ms = 10 * POLL_MS,
		.poll_ms = POLL_MS,
		.datapath = &h->w.config,
		.stats = &h->stats};
	struct nicmodel_quirks quirks;
	int rc;

	configure(&h->w);
	nic_pair_open(&h->nic, nic, h->w.pool);
	nicmodel_quirks_get(h->nic.port[0], &quirks);
	/* No profile says of marks that they are wrong; nothing may depend on that. */
	quirks.wrong_marks = WRONG_MARKS;
	quirks.younger_first = nic->hazards[TG_NIC_HAZARD_PRIORITY_IGNORED].present;
	nicmodel_quirks_set(h->nic.port[0], &quirks);
	for (unsigned int i = 0; i < 2; i++) {
		h->w.config.ports[i].ethdev = h->nic.port[i];
		config.ports[i] = (struct tg_offload_port){
			.profile = seen, .ethdev = h->nic.port[i], .switch_domain = 1};
	}
	rc = tg_offload_create(&config, &h->offload);
	if (rc != 0 && rc != -ENOTSUP)
		die("no owner of rules");
	nic_pair_start(&h->nic);
	world_start(&h->w);
	if (h->offload == NULL)
		return;
	tg_offload_link(h->offload, INSIDE, true);
	tg_offload_link(h->offload, OUTSIDE, true);
	if (tg_worker_attach(h->w.worker[0], tg_offload_channel(h->offload, 0)) != 0)
		die("no memory");
}

static void hard_stop(struct hard *h)
{
	tg_offload_free(h->offload);
	world_stop(&h->w);
	nic_pair_close(&h->nic);
}

/* A step of the sweep is bounded: until nothing is due. */
static void turn(struct world *w)
{
	while (tg_worker_sweep(w->worker[0], w->now) == 0)
		;
	tg_worker_flush(w->worker[0]);
}

static void hard_turn(struct hard *h)
{
	struct rte_mbuf *m[BURST];
	uint16_t n;

	for (uint16_t port = 0; port < 2; port++)
		while ((n = rte_eth_rx_burst(h->nic.port[port], 0, m, BURST)) != 0)
			tg_worker_burst(h->w.worker[0], port, m, n, h->w.now);
	turn(&h->w);
	if (h->offload != NULL)
		tg_offload_step(h->offload, h->w.now);
}

/* ---- both ---- */

static void pass(struct run *r, uint32_t ms)
{
	r->soft.now += ms;
	r->hard.w.now += ms;
	nicmodel_clock_advance(ms);
}

static void sweep_both(struct run *r)
{
	turn(&r->soft);
	hard_turn(&r->hard);
}

/* Everything is judged again before the next packet comes: in which order the sweeps go is chance.
 */
static void sweep_all(struct run *r)
{
	for (unsigned int i = 0; i < SWEEPS; i++) {
		pass(r, 1);
		sweep_both(r);
	}
}

static void enforce(struct run *r, uint32_t rules)
{
	struct hard *h = &r->hard;

	world_rules(&r->soft, rules);
	if (h->offload != NULL && tg_offload_hold(h->offload, WAIT_MS) != 0)
		die("the owner does not let go");
	world_rules(&h->w, rules);
	if (h->offload == NULL) {
		sweep_all(r);
		return;
	}
	if (tg_offload_judge(h->offload, h->w.classifier, tg_generation_epoch(h->w.generation),
		    NULL, 0, WAIT_MS) != 0)
		die("rules do not leave the NIC");
	tg_offload_release(h->offload);
	sweep_all(r);
}

/* What came out, in no order: packets of different flows may overtake each other. */
struct outcome {
	uint64_t sum, packets, bytes;
};

static void take(struct outcome *o, struct rte_mbuf *m, unsigned int port)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t hash = 0xcbf29ce484222325ull ^ port;

	for (uint32_t i = 0; i < rte_pktmbuf_data_len(m); i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	o->sum += hash;
	o->packets++;
	o->bytes += rte_pktmbuf_pkt_len(m);
	rte_pktmbuf_free(m);
}

static struct outcome soft_out(struct run *r)
{
	struct outcome o = {0};
	struct rte_mbuf *m;
	unsigned int port;

	turn(&r->soft);
	while ((m = world_take(&port)) != NULL)
		take(&o, m, port);
	return o;
}

static struct outcome hard_out(struct run *r)
{
	struct outcome o = {0};
	void *m;

	hard_turn(&r->hard);
	for (unsigned int port = 0; port < 2; port++)
		while (rte_ring_dequeue(r->hard.nic.out[port], &m) == 0)
			take(&o, m, port);
	return o;
}

static bool play(struct run *r, unsigned int port, const struct packet *packets, unsigned int n)
{
	struct rte_mbuf *m[BURST];
	struct outcome soft, hard;

	for (unsigned int i = 0; i < n; i++)
		m[i] = packet_mbuf(r->soft.pool, &packets[i]);
	tg_worker_burst(r->soft.worker[0], (uint16_t)port, m, (uint16_t)n, r->soft.now);
	for (unsigned int i = 0; i < n; i++)
		rte_ring_enqueue(r->hard.nic.in[port], packet_mbuf(r->hard.w.pool, &packets[i]));
	soft = soft_out(r);
	hard = hard_out(r);
	r->packets += n;
	conversations_heard(r->talk, soft.packets == n);
	if (memcmp(&soft, &hard, sizeof(soft)) == 0)
		return true;
	printf("after %" PRIu64 " packets: software sends %" PRIu64 " of %u, with the NIC %" PRIu64
	       " (%s)\n",
		r->packets, soft.packets, n, hard.packets, conversations_last(r->talk));
	return false;
}

/* ---- counters ---- */

/* Until hardware has nothing more to tell. */
static void settle_counts(struct run *r)
{
	for (unsigned int i = 0; i < SETTLES; i++) {
		pass(r, 5 * POLL_MS);
		sweep_both(r);
	}
}

static bool same_counts(struct run *r)
{
	const struct tg_stats_worker *soft = r->soft.stats[0], *hard = r->hard.w.stats[0];
	bool same = true;

	for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
		const struct tg_stats_slot *a = &r->soft.slots[0][i], *b = &r->hard.w.slots[0][i];

		if (memcmp(a, b, sizeof(*a)) == 0)
			continue;
		printf("rule %u: software counts %" PRIu64 "/%" PRIu64 "/%" PRIu64
		       ", with the NIC %" PRIu64 "/%" PRIu64 "/%" PRIu64
		       " (packets/bytes/connections)\n",
			i, a->packets, a->bytes, a->connections, b->packets, b->bytes,
			b->connections);
		same = false;
	}
	for (uint32_t i = 0; i < TG_DROP_COUNT; i++) {
		if (soft->drops[i].packets == hard->drops[i].packets &&
			soft->drops[i].bytes == hard->drops[i].bytes)
			continue;
		printf("drops %s: software counts %" PRIu64 ", with the NIC %" PRIu64 "\n",
			tg_drop_label(i), soft->drops[i].packets, hard->drops[i].packets);
		same = false;
	}
	return same;
}

/* What is tagged is for software to judge: it may belong elsewhere. */
static bool tags_left_alone(const struct run *r)
{
	struct nicmodel_stats stats;
	uint64_t tagged = 0;

	for (unsigned int i = 0; i < 2; i++) {
		nicmodel_stats(r->hard.nic.port[i], &stats);
		tagged += stats.tagged;
	}
	if (tagged != 0)
		printf("the NIC dropped or forwarded %" PRIu64 " tagged packets\n", tagged);
	return tagged == 0;
}

/* ---- a run ---- */

static bool chapter(struct run *r)
{
	static const uint32_t rules[] = {0, RULES_NO_WEB, RULES_NO_DNS, RULES_NEW_WEB,
		RULES_WEB_BOTH, RULES_OPEN_IN, RULES_NO_WEB | RULES_NO_DNS};
	struct packet packets[BURST];

	enforce(r, rules[any(r, 3) == 0 ? any(r, sizeof(rules) / sizeof(rules[0])) : 0]);
	for (uint64_t end = r->packets + CHAPTER; r->packets < end;) {
		unsigned int port, n = conversations_next(r->talk, packets, BURST, &port);

		if (!play(r, port, packets, n))
			return false;
		pass(r, any(r, 2));
		if (any(r, 400) == 0)
			enforce(r, rules[any(r, sizeof(rules) / sizeof(rules[0]))]);
		if (any(r, 2000) == 0)
			conversations_forget(r->talk), pass(r, 100000), settle_counts(r);
	}
	settle_counts(r);
	return same_counts(r) && tags_left_alone(r);
}

/* `stats`: what hardware did; NULL: nobody asks. */
/* NICs whose marks are few do not tell so many entries apart; what else they do with them is tried.
 */
static struct tg_nic_profile with_many_marks(const struct tg_nic_profile *nic)
{
	struct tg_nic_profile many = *nic;

	for (size_t i = 0; i < many.n_engines; i++)
		if (many.engines[i].marks.max != 0)
			many.engines[i].marks.max = UINT32_MAX;
	return many;
}

/* Does it mark, and forward nothing? */
static bool marks_wanted(const struct tg_nic_profile *nic)
{
	return (nic->strategies & 1u << TG_NIC_STRATEGY_MARK_HINT) != 0 &&
	       (nic->strategies & 1u << TG_NIC_STRATEGY_CONNECTIONS) == 0;
}

static bool run(const struct tg_nic_profile *nic, const struct tg_nic_profile *seen,
	uint64_t packets, uint32_t seed, struct tg_stats_offload *stats)
{
	const struct tg_nic_profile many = with_many_marks(nic), seen_many = with_many_marks(seen);
	struct run *r = calloc(1, sizeof(*r));
	const struct tg_stats_worker *worker;
	bool same = true;

	r->profile = nic;
	r->state = seed;
	r->talk = conversations_create(seed);
	nicmodel_clock_stop();
	configure(&r->soft);
	world_start(&r->soft);
	hard_start(&r->hard, &many, &seen_many);
	worker = r->hard.w.stats[0];
	while (same && r->packets < packets)
		same = chapter(r);
	printf("%-24s %s: %" PRIu64 " packets, %" PRIu64 " forwarded and %" PRIu64
	       " dropped by the NIC, %" PRIu64 " rules; marks: %" PRIu64 " right, %" PRIu64
	       " stale, %" PRIu64 " wrong\n",
		nic->name, same ? "same" : "DIFFERENT", r->packets, r->hard.stats.packets,
		r->hard.stats.dropped, r->hard.stats.inserted, worker->marks_right,
		worker->marks_stale, worker->marks_wrong);
	if (nic == seen && marks_wanted(nic) && worker->marks_right == 0)
		die("a NIC that marks has marked nothing");
	if (stats != NULL)
		*stats = r->hard.stats;
	hard_stop(&r->hard);
	world_stop(&r->soft);
	conversations_free(r->talk);
	free(r);
	return same;
}

/* ---- what has to be in hardware: equality of nothing shows nothing ---- */

/* All others carry neither. */
static const struct {
	const char *profile;
	bool connections, denials;
} carried[] = {
	{"enic", false, true},
	{"mlx5-cx5", true, true},
	{"mlx5-cx6dx", true, true},
	{"mlx5-cx6dx-templates", true, true},
};

static bool as_expected(const char *profile, const struct tg_stats_offload *stats)
{
	bool connections = false, denials = false;

	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++)
		if (strcmp(carried[i].profile, profile) == 0) {
			connections = carried[i].connections;
			denials = carried[i].denials;
		}
	if ((stats->packets != 0) == connections && (stats->dropped != 0) == denials)
		return true;
	printf("%s: was to forward %s and to drop %s\n", profile,
		connections ? "something" : "nothing", denials ? "something" : "nothing");
	return false;
}

/* ---- hazards ---- */

/* Hazards whose check can be taken away, and what the NIC then cannot do either. */
static const struct {
	enum tg_nic_hazard_id id;
	uint32_t cannot; /* 1 << enum tg_nic_field */
	uint32_t widened;
	bool root;   /* rules are in group 0: no others lead to them */
	bool guards; /* of NICs where rules of higher priority keep tagged packets out */
} spoilers[] = {
	{.id = TG_NIC_HAZARD_FRAGMENT_MATCHED, .cannot = 1u << TG_NIC_IPV4_FRAGMENT},
	{.id = TG_NIC_HAZARD_NO_OPTIONS, .cannot = 1u << TG_NIC_IPV4_IHL},
	{.id = TG_NIC_HAZARD_MASK_WIDENED, .widened = 1u << TG_NIC_TCP_FLAGS},
	{.id = TG_NIC_HAZARD_ONE_MASK, .root = true},
	{.id = TG_NIC_HAZARD_STALE_COUNTER},
	{.id = TG_NIC_HAZARD_VLAN_BLIND, .guards = true},
	{.id = TG_NIC_HAZARD_PRIORITY_IGNORED, .guards = true},
};
#define N_SPOILERS (sizeof(spoilers) / sizeof(spoilers[0]))

static void spoil(struct tg_nic_profile *nic, size_t k)
{
	for (size_t i = 0; i < nic->n_engines; i++) {
		for (unsigned int f = 0; f < TG_NIC_FIELD_COUNT; f++)
			if (spoilers[k].cannot >> f & 1)
				nic->engines[i].masking[f] = TG_NIC_MASK_NEVER;
		if (spoilers[k].root)
			nic->engines[i].first_group = 0;
	}
	nic->hazards[spoilers[k].id] = (struct tg_nic_hazard){
		.present = true, .engines = UINT8_MAX, .fields = spoilers[k].widened};
}

static void hide(struct tg_nic_profile *seen, enum tg_nic_hazard_id id)
{
	seen->hazards[id] = (struct tg_nic_hazard){0};
	for (size_t i = 0; i < seen->n_engines && id == TG_NIC_HAZARD_STALE_COUNTER; i++)
		seen->engines[i].counters.stale_ms = 0;
}

/* Does it say anything of this NIC? */
static bool applies(const struct tg_nic_profile *nic, size_t k)
{
	const struct tg_nic_engine *e = &nic->engines[0];

	if (spoilers[k].id == TG_NIC_HAZARD_STALE_COUNTER)
		return e->counters.stale_ms != 0;
	/* Of what is denied either way they would be dropped for the same reason. */
	if (spoilers[k].id == TG_NIC_HAZARD_FRAGMENT_MATCHED ||
		spoilers[k].id == TG_NIC_HAZARD_NO_OPTIONS)
		return nic->strategies & 1u << TG_NIC_STRATEGY_CONNECTIONS;
	return !spoilers[k].guards || (e->tagged && !e->untagged);
}

/* With the hazard known all is the same; with the hazard unknown it is not. */
static bool run_hazards(const struct tg_nic_profile *good, uint64_t packets, uint32_t seed)
{
	bool right = true;

	for (size_t k = 0; k < N_SPOILERS; k++) {
		struct tg_nic_profile nic = *good, seen;
		const char *name = tg_nic_hazard_id_name(spoilers[k].id);

		if (!applies(good, k))
			continue;
		spoil(&nic, k);
		seen = nic;
		printf("%s, known: ", name);
		right = run(&nic, &seen, packets, seed, NULL) && right;
		hide(&seen, spoilers[k].id);
		printf("%s, hidden: ", name);
		if (!run(&nic, &seen, packets, seed, NULL))
			continue;
		printf("%s: its check is worth nothing\n", name);
		right = false;
	}
	return right;
}

static bool run_profile(const struct tg_nic_profile *nic, uint64_t packets, uint32_t seed)
{
	struct tg_stats_offload stats;
	bool same = run(nic, nic, packets, seed, &stats);

	return as_expected(nic->name, &stats) && same;
}

static struct tg_nic_profiles *load(const char *path)
{
	struct tg_nic_profiles *profiles;
	char *errors = NULL;

	if (tg_nic_profiles_load(path, &profiles, &errors) != 0)
		die(errors != NULL ? errors : path);
	return profiles;
}

int main(int argc, char **argv)
{
	bool same = true, hazards = false;
	const char *only = NULL;
	uint64_t packets = 100000;
	uint32_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:s:p:w")) != -1) {
		if (c == 'n')
			packets = strtoull(optarg, NULL, 10);
		else if (c == 's')
			seed = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			only = optarg;
		else if (c == 'w')
			hazards = true;
		else
			return 2;
	}
	world_eal();
	tg_log_init("equivalence", TG_LOG_WARN);
	for (int i = optind; i < argc; i++) {
		struct tg_nic_profiles *profiles = load(argv[i]);

		for (size_t k = 0; k < tg_nic_profiles_count(profiles); k++) {
			const struct tg_nic_profile *nic = tg_nic_profiles_at(profiles, k);

			if (only != NULL && strcmp(only, nic->name) != 0)
				continue;
			same = (hazards ? run_hazards(nic, packets, seed)
					: run_profile(nic, packets, seed)) &&
			       same;
		}
		tg_nic_profiles_free(profiles);
	}
	return same ? 0 : 1;
}
