/* SPDX-License-Identifier: BSD-3-Clause */
/* Many rules, many masks, and devices made from arguments. */
#include "lab.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_bus_vdev.h>
#include <rte_random.h>

#define RULES 100000
#define MASKS 200

/* The same 5-tuple rule with other addresses, without going through text. */
static struct rte_flow *connection(struct words *w, uint32_t n)
{
	struct rte_flow_item_ipv4 *ip = (void *)w->of_item[1].spec;

	ip->hdr.src_addr = rte_cpu_to_be_32(0x0a000000 + n);
	return rte_flow_create(lab.port[0], &w->attr, w->items, w->actions, &lab.error);
}

static void rule_of(struct words *w)
{
	w->context = NULL;
	words_read(w, "ingress : eth / ipv4 src=10.0.0.0 dst=192.0.2.1 / tcp sport=4000 dport=80 : "
		      "count / age=60 / drop");
}

static const char *packet_of(char *text, size_t size, uint32_t n)
{
	snprintf(text, size, "10.%u.%u.%u > 192.0.2.1 tcp 4000>80 A", n >> 16, n >> 8 & 0xff,
		n & 0xff);
	return text;
}

static void a_hundred_thousand_rules(void **state)
{
	struct rte_flow **flow = calloc(RULES, sizeof(struct rte_flow *));
	struct nicmodel_rules rules;
	struct words w;
	char text[128];
	uint32_t i;

	rule_of(&w);
	for (i = 0; i < RULES; i++) {
		flow[i] = connection(&w, i);
		assert_non_null(flow[i]);
	}
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.rules, RULES);
	assert_int_equal(rules.tuples, 1);
	assert_null(connection(&w, RULES / 2));
	assert_int_equal(rte_errno, EEXIST);
	for (i = 0; i < RULES; i += 997) {
		assert_true(lab_dropped(0, packet_of(text, sizeof(text), i)));
		assert_int_equal(lab_hits(0, flow[i]), 1);
		assert_int_equal(lab_hits(0, flow[i + 1]), 0);
	}
	assert_true(lab_passes(0, packet_of(text, sizeof(text), RULES)));
	/* Every other one goes. */
	for (i = 0; i < RULES; i += 2)
		lab_destroy(0, flow[i]);
	assert_true(lab_passes(0, packet_of(text, sizeof(text), 5000)));
	assert_true(lab_dropped(0, packet_of(text, sizeof(text), 5001)));
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.rules, RULES / 2);
	/* What was not hit for a minute ages. */
	nicmodel_clock_advance(59000);
	assert_true(lab_dropped(0, packet_of(text, sizeof(text), 1)));
	nicmodel_clock_advance(2000);
	assert_int_equal(rte_flow_get_aged_flows(lab.port[0], NULL, 0, &lab.error), RULES / 2 - 1);
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.handles + rules.tuples, 0);
	free(flow);
}

/* Rules as a list: the one of highest priority that matches, and the oldest of these. */
struct listed {
	uint32_t src, mask, priority;
	bool drop, there;
	struct rte_flow *flow;
};

static bool drops(const struct listed *list, unsigned int n, uint32_t src)
{
	const struct listed *best = NULL;

	for (unsigned int i = 0; i < n; i++)
		if (list[i].there && (src & list[i].mask) == list[i].src &&
			(best == NULL || list[i].priority < best->priority))
			best = &list[i];
	return best != NULL && best->drop;
}

static void random_rule(struct listed *rule, uint64_t random)
{
	char text[256];

	/* Few values, so that masks overlap a lot. */
	rule->mask = (uint32_t)(random & 0x00ff00ff);
	rule->src = (uint32_t)(random >> 32) & rule->mask & 0x00030003;
	rule->priority = random >> 56 & 7;
	rule->drop = random >> 55 & 1;
	snprintf(text, sizeof(text), "ingress priority=%u : eth / ipv4 src=%u.%u.%u.%u&0x%08x : %s",
		rule->priority, rule->src >> 24, rule->src >> 16 & 0xff, rule->src >> 8 & 0xff,
		rule->src & 0xff, rule->mask, rule->drop ? "drop" : "queue=0");
	rule->flow = lab_try(0, text);
	rule->there = rule->flow != NULL;
}

static void overlapping_rules_are_a_list(void **state)
{
	static struct listed list[MASKS];
	char packet[128];

	rte_srand(4711);
	for (unsigned int i = 0; i < MASKS; i++)
		random_rule(&list[i], rte_rand());
	for (unsigned int k = 0; k < 2000; k++) {
		uint32_t src = (uint32_t)rte_rand() & 0x00030003;

		if (k % 10 == 0 && list[k / 10].there) {
			lab_destroy(0, list[k / 10].flow);
			list[k / 10].there = false;
		}
		snprintf(packet, sizeof(packet), "%u.%u.%u.%u > 10.2.0.1 udp 1>2", src >> 24,
			src >> 16 & 0xff, src >> 8 & 0xff, src & 0xff);
		assert_int_equal(lab_dropped(0, packet), drops(list, MASKS, src));
	}
}

#define PASSING 20000

static bool changing; /* atomic; main thread: there is more to come */

static void *pass_packets(void *seen)
{
	unsigned int *software = seen, sent = 0;

	while (sent < PASSING || __atomic_load_n(&changing, __ATOMIC_ACQUIRE)) {
		*software += lab_flood(0, "10.0.0.7 > 192.0.2.1 tcp 4000>80 A", 32);
		sent += 32;
	}
	return NULL;
}

/* One thread polls, another makes and destroys rules of all kinds: no packet is lost or seen twice.
 */
static void rules_change_while_packets_pass(void **state)
{
	struct rte_flow_query_count count = {0};
	struct nicmodel_stats stats;
	unsigned int software = 0;
	struct rte_flow *flow;
	uint64_t hits = 0;
	struct words w;
	pthread_t thread;

	rule_of(&w);
	__atomic_store_n(&changing, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&thread, NULL, pass_packets, &software), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		flow = connection(&w, i % 16);
		assert_non_null(flow);
		assert_non_null(connection(&w, 100 + i));
		sched_yield();
		/* Packets may come between the last query and the end. */
		assert_int_equal(lab_query(0, flow, &count), 0);
		hits += count.hits;
		lab_destroy(0, flow);
	}
	__atomic_store_n(&changing, false, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.software, software);
	assert_int_equal(stats.received, stats.software + stats.dropped);
	assert_true(hits <= stats.dropped);
}

static void devices_from_arguments(void **state)
{
	static const char *const wrong[] = {"", "profile=x", "lower=nothing",
		"lower=net_ring_wire0,on=x", "lower=net_ring_wire0,switch=x",
		"lower=net_ring_wire0,profile=/nowhere.yaml", "lower=net_ring_wire0,unknown=1"};
	struct nicmodel_quirks quirks;
	uint16_t port;

	lab_close();
	for (size_t i = 0; i < RTE_DIM(wrong); i++)
		assert_int_not_equal(rte_vdev_init("net_tgmodel9", wrong[i]), 0);
	assert_int_equal(rte_vdev_init("net_tgmodel9", "lower=net_ring_wire0,profile=" NIC_PROFILES
						       "/ice.yaml,on=counter-fails,off=vlan-blind"),
		0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_tgmodel9", &port), 0);
	nicmodel_quirks_get(port, &quirks);
	assert_true(quirks.on >> TG_NIC_HAZARD_COUNTER_FAILS & 1);
	assert_false(quirks.on >> TG_NIC_HAZARD_VLAN_BLIND & 1);
	assert_true(quirks.on >> TG_NIC_HAZARD_ENGINE_FALLBACK & 1);
	/* A port is wrapped once. */
	assert_int_not_equal(rte_vdev_init("net_tgmodel8", "lower=net_ring_wire0"), 0);
	assert_int_equal(nicmodel_destroy(port), 0);
	lab_open(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

int run_scale_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_hundred_thousand_rules),
		TEST(overlapping_rules_are_a_list),
		TEST(rules_change_while_packets_pass),
		TEST(devices_from_arguments),
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
