/* SPDX-License-Identifier: BSD-3-Clause */
/* Each action, by what becomes of packets. */
#include "lab.h"

#include <stdio.h>

#include <rte_thash.h>

#define P4 "10.1.0.1 > 10.2.0.1 "
#define P6 "fd00::1 > fd00::2 "
#define ALL "ingress : eth : "

static void drop_and_count(void **state)
{
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 : count / drop");
	struct rte_flow_query_count count = {0};
	struct nicmodel_stats stats;

	assert_true(lab_dropped(0, P4 "udp 1>2 len=100"));
	assert_true(lab_dropped(0, P4 "udp 1>2 len=58"));
	assert_int_equal(lab_query(0, flow, &count), 0);
	assert_int_equal(count.hits, 2);
	assert_int_equal(count.bytes, 14 + 20 + 8 + 100 + 14 + 20 + 8 + 58);
	count.reset = 1;
	assert_int_equal(lab_query(0, flow, &count), 0);
	assert_int_equal(count.hits, 2);
	assert_int_equal(lab_hits(0, flow), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_hits(0, flow), 1);
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.received, 3);
	assert_int_equal(stats.dropped, 3);
	assert_int_equal(stats.software, 0);
}

static void nothing_to_query(void **state)
{
	struct rte_flow *flow = lab_rule(0, ALL "drop");
	struct rte_flow_query_count count = {0};

	assert_int_equal(lab_query(0, flow, &count), -ENOTSUP);
	assert_int_equal(lab.error.type, RTE_FLOW_ERROR_TYPE_ACTION);
}

static void marks(void **state)
{
	struct lab_seen seen;

	lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : mark=0xabcdef / queue=0");
	lab_rule(0, "ingress : eth / ipv4 / udp dport=3 : flag / queue=0");
	lab_rule(0, "ingress : eth / ipv4 / udp dport=4 : mark=0 / queue=0");
	lab_send(0, P4 "udp 1>2", &seen);
	assert_true(seen.software && seen.marked && seen.flagged);
	assert_int_equal(seen.mark, 0xabcdef);
	lab_send(0, P4 "udp 1>3", &seen);
	assert_true(seen.software && !seen.marked && seen.flagged);
	lab_send(0, P4 "udp 1>4", &seen);
	assert_true(seen.software && seen.marked);
	assert_int_equal(seen.mark, 0);
	lab_send(0, P4 "udp 1>5", &seen);
	assert_true(seen.software && !seen.marked && !seen.flagged);
	lab_refused(0, ALL "mark=0x1000000 / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
}

static void queues(void **state)
{
	struct lab_seen seen;

	lab_rule(0, "ingress : eth / ipv4 : queue=1");
	lab_send(0, P4 "udp 1>2", &seen);
	assert_true(seen.software);
	assert_int_equal(seen.queue, 1);
	lab_send(0, P6 "udp 1>2", &seen);
	assert_int_equal(seen.queue, 0);
	lab_refused(0, ALL "queue=2", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
	lab_refused(0, "transfer : eth : queue=0", ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION);
}

/* Both directions of a flow on one queue, different flows on different ones. */
static void symmetric_rss(void **state)
{
	unsigned int used[LAB_QUEUES] = {0};
	struct lab_seen there, back;
	char packet[128];

	lab_rule(0, ALL "rsssym=0,1");
	for (unsigned int i = 0; i < 64; i++) {
		snprintf(packet, sizeof(packet), "10.0.0.%u > 10.2.0.1 udp %u>53", i, 1000 + i);
		lab_send(0, packet, &there);
		snprintf(packet, sizeof(packet), "10.2.0.1 > 10.0.0.%u udp 53>%u", i, 1000 + i);
		lab_send(0, packet, &back);
		assert_true(there.software && back.software);
		assert_int_equal(there.queue, back.queue);
		used[there.queue]++;
	}
	assert_true(used[0] > 8 && used[1] > 8);
}

static void symmetric_key(uint8_t key[40])
{
	for (unsigned int i = 0; i < 40; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

/* The port is told to place by a key that is the same for both directions. */
static void place_by_key(unsigned int port)
{
	uint8_t key[40], read[40];
	struct rte_eth_rss_conf rss = {.rss_key = key,
		.rss_key_len = sizeof(key),
		.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP};
	struct rte_eth_conf conf = {
		.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS, .rx_adv_conf.rss_conf = rss};
	struct rte_eth_rss_reta_entry64 reta[2] = {{.mask = UINT64_MAX}, {.mask = UINT64_MAX}};

	symmetric_key(key);
	assert_int_equal(rte_eth_dev_stop(lab.port[port]), 0);
	lab_configure_with(port, &conf);
	assert_int_equal(rte_eth_dev_start(lab.port[port]), 0);
	for (unsigned int i = 0; i < 128; i++)
		reta[i / 64].reta[i % 64] = i % LAB_QUEUES;
	assert_int_equal(rte_eth_dev_rss_reta_update(lab.port[port], reta, 128), 0);
	rss.rss_key = read;
	assert_int_equal(rte_eth_dev_rss_hash_conf_get(lab.port[port], &rss), 0);
	assert_memory_equal(read, key, sizeof(key));
	assert_int_not_equal(rte_eth_dev_rss_reta_query(lab.port[port], reta, 64), 0);
}

/* How many of 64 flows are placed where the key that was set says, in both directions. */
static unsigned int well_placed(void)
{
	unsigned int right = 0;

	for (unsigned int i = 0; i < 64; i++) {
		uint32_t words[3] = {0x0a000000 + i, 0x0a020001, (1000 + i) << 16 | 53};
		struct lab_seen there, back;
		uint8_t key[40];
		char packet[128];
		uint16_t queue;

		symmetric_key(key);
		queue = rte_softrss(words, 3, key) % 128 % LAB_QUEUES;
		snprintf(packet, sizeof(packet), "10.0.0.%u > 10.2.0.1 udp %u>53", i, 1000 + i);
		lab_send(0, packet, &there);
		snprintf(packet, sizeof(packet), "10.2.0.1 > 10.0.0.%u udp 53>%u", i, 1000 + i);
		lab_send(0, packet, &back);
		assert_true(there.software && back.software);
		right += there.queue == queue && back.queue == queue;
	}
	return right;
}

static void placement_by_key(void **state)
{
	struct lab_seen seen;

	place_by_key(0);
	assert_int_equal(well_placed(), 64);
	/* what was not asked for stays where it arrived */
	for (unsigned int i = 0; i < 16; i++) {
		char packet[64];

		snprintf(packet, sizeof(packet), "10.0.0.1 > 10.2.0.1 tcp %u>80 S", 1000 + i);
		lab_send(0, packet, &seen);
		assert_int_equal(seen.queue, 0);
	}
	lab_quirk(TG_NIC_HAZARD_KEY_IGNORED);
	assert_true(well_placed() < 48);
}

static void passthru_goes_on(void **state)
{
	struct rte_flow *first = lab_rule(0, "ingress priority=0 : eth / ipv4 : count / passthru");
	struct rte_flow *second =
		lab_rule(0, "ingress priority=1 : eth / ipv4 / udp : count / drop");

	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_passes(0, P4 "tcp 1>2 S"));
	assert_int_equal(lab_hits(0, first), 2);
	assert_int_equal(lab_hits(0, second), 1);
}

static void priorities(void **state)
{
	lab_rule(0, "ingress priority=5 : eth / ipv4 / udp dport=2 : drop");
	lab_rule(0, "ingress priority=2 : eth / ipv4 src=10.1.0.0&255.255.0.0 : queue=0");
	lab_rule(0, "ingress priority=0 : eth / ipv4 src=10.1.0.9 : drop");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, "10.1.0.9 > 10.2.0.1 udp 1>2"));
	assert_true(lab_dropped(0, "11.1.0.9 > 10.2.0.1 udp 1>2"));
}

static void jumps(void **state)
{
	struct nicmodel_stats stats;

	lab_rule(0, "ingress : eth / ipv4 : jump=1");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	lab_rule(0, "ingress group=1 priority=1 : eth / ipv4 : jump=3");
	lab_rule(0, "ingress group=3 : eth / ipv4 / udp dport=2 : drop");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_passes(0, P4 "udp 1>3"));
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.jump_missed, 2);
	/* Nothing reaches a group that nobody jumps to. */
	lab_rule(0, "ingress group=2 : eth : drop");
	assert_true(lab_passes(0, P4 "udp 1>3"));
	lab_refused(0, "ingress group=3 : eth : jump=3", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
	lab_refused(0, "ingress group=3 : eth : jump=1", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
}

static const char *with_port(char *text, size_t size, const char *format, unsigned int port)
{
	snprintf(text, size, format, lab.port[port]);
	return text;
}

static void forwards_between_ports(void **state)
{
	struct nicmodel_stats stats;
	struct rte_flow *flow;
	struct lab_seen seen;
	char rule[128];

	flow = lab_rule(0, with_port(rule, sizeof(rule),
				   "transfer : eth / ipv4 / udp dport=2 : count / to=%u", 1));
	lab_send(0, P4 "udp 1>2 len=9", &seen);
	assert_true(seen.wire[1] && !seen.software && !seen.wire[0]);
	lab_assert_packet(&seen, P4 "udp 1>2 len=9");
	assert_int_equal(lab_hits(0, flow), 1);
	lab_send(0, P4 "udp 1>3", &seen);
	assert_true(seen.software && !seen.wire[1]);
	/* Hairpin: the rule names no origin. */
	lab_send(1, P4 "udp 1>2", &seen);
	assert_true(seen.wire[1] && !seen.software);
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.forwarded, 1);
	assert_int_equal(stats.software, 1);
	lab_rule(0, with_port(rule, sizeof(rule), "transfer : eth / ipv4 / tcp : port_id=%u", 1));
	lab_send(0, P4 "tcp 1>2 S", &seen);
	assert_true(seen.wire[1]);
	lab_refused(0, with_port(rule, sizeof(rule), "ingress : eth : to=%u", 1), EINVAL,
		RTE_FLOW_ERROR_TYPE_ACTION);
	lab_refused(0, "transfer : eth : to=31", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
}

static void leaves_to_software_in_the_switch(void **state)
{
	struct lab_seen seen;
	char rule[128];

	lab_rule(0, with_port(rule, sizeof(rule), "transfer priority=1 : eth : to=%u", 1));
	lab_rule(
		0, with_port(rule, sizeof(rule),
			   "transfer priority=0 : eth / ipv4 / tcp flags=2&0x02 : software=%u", 0));
	lab_send(0, P4 "tcp 1>2 S", &seen);
	assert_true(seen.software);
	lab_send(0, P4 "tcp 1>2 A", &seen);
	assert_true(seen.wire[1]);
	/* The port's own rules come after those of the switch. */
	lab_rule(0, "ingress : eth / ipv4 / tcp dport=9 : drop");
	assert_true(lab_dropped(0, P4 "tcp 1>9 S"));
}

static void nothing_gets_out_of_a_wire_that_is_down(void **state)
{
	struct nicmodel_stats stats;
	char rule[128];

	lab_rule(0, with_port(rule, sizeof(rule), "transfer : eth : to=%u", 1));
	nicmodel_link(lab.port[1], false);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	nicmodel_link(lab.port[1], true);
	assert_false(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(rte_eth_dev_set_mtu(lab.port[1], 1000), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2 len=1000"));
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.lost, 2);
}

/* --- headers ----------------------------------------------------------------------------- */

/* What a rule with these actions makes of the first packet is the second, checksums and all. */
static const struct {
	const char *items, *actions, *before, *after;
} rewrites[] = {
	{"eth / ipv4", "dec_ttl", P4 "ttl=64 udp 1>2 len=5", P4 "ttl=63 udp 1>2 len=5"},
	{"eth / ipv4", "set_ttl=9", P4 "ttl=64 udp 1>2 len=5", P4 "ttl=9 udp 1>2 len=5"},
	{"eth / ipv6", "dec_ttl", P6 "ttl=64 udp 1>2", P6 "ttl=63 udp 1>2"},
	{"eth / ipv4", "dec_ttl", P4 "ttl=64 opt=01010101 tcp 1>2 S",
		P4 "ttl=63 opt=01010101 tcp 1>2 S"},
	{"eth / ipv4", "dec_ttl", "vlan=5 " P4 "udp 1>2", "vlan=5 " P4 "udp 1>2"}, /* no match */
	{"eth / ipv4", "dmac=02:00:00:00:00:77", P4 "udp 1>2",
		"dmac=02:00:00:00:00:77 " P4 "udp 1>2"},
	{"eth / ipv4 / tcp", "src4=192.0.2.7", P4 "tcp 1>2 SA len=7",
		"192.0.2.7 > 10.2.0.1 tcp 1>2 SA len=7"},
	{"eth / ipv4 / udp", "dst4=192.0.2.7", P4 "udp 1>2 len=7",
		"10.1.0.1 > 192.0.2.7 udp 1>2 len=7"},
	{"eth / ipv4", "src4=192.0.2.7", P4 "icmp type=8 icmpid=3 len=9",
		"192.0.2.7 > 10.2.0.1 icmp type=8 icmpid=3 len=9"},
	{"eth / ipv4", "src4=192.0.2.7", P4 "frag=80 udp 1>2", NULL},
	{"eth / ipv6 / tcp", "src6=fd00::77", P6 "tcp 1>2 S len=3",
		"fd00::77 > fd00::2 tcp 1>2 S len=3"},
	{"eth / ipv6 / icmp6", "dst6=fd00::77", P6 "icmp6 type=128 len=3",
		"fd00::1 > fd00::77 icmp6 type=128 len=3"},
	{"eth / ipv4 / tcp", "sport=7 / dport=8", P4 "tcp 1>2 S", P4 "tcp 7>8 S"},
	{"eth / ipv6 / udp", "sport=7 / dport=8", P6 "udp 1>2 len=3", P6 "udp 7>8 len=3"},
	{"eth / ipv4 / udp",
		"dec_ttl / dmac=02:00:00:00:00:77 / src4=192.0.2.7 / dst4=192.0.2.8 / sport=5 / dport=6",
		P4 "ttl=9 udp 1>2 len=33",
		"dmac=02:00:00:00:00:77 192.0.2.7 > 192.0.2.8 ttl=8 udp 5>6 len=33"},
	/* The same by MODIFY_FIELD */
	{"eth / ipv4", "m.ttl-=1", P4 "ttl=64 udp 1>2", P4 "ttl=63 udp 1>2"},
	{"eth / ipv4", "m.ttl+=255", P4 "ttl=64 udp 1>2", P4 "ttl=63 udp 1>2"},
	{"eth / ipv6", "m.hop-=1", P6 "ttl=64 udp 1>2", P6 "ttl=63 udp 1>2"},
	{"eth / ipv4 / tcp",
		"m.src4=192.0.2.7 / m.tcp.sport=7 / m.tcp.dport=8 / m.dmac=02:00:00:00:00:77",
		P4 "tcp 1>2 S", "dmac=02:00:00:00:00:77 192.0.2.7 > 10.2.0.1 tcp 7>8 S"},
	{"eth / ipv4 / udp", "m.dst4=192.0.2.7 / m.udp.sport=7", P4 "udp 1>2",
		"10.1.0.1 > 192.0.2.7 udp 7>2"},
	{"eth / ipv6 / udp", "m.src6=fd00::77 / m.dst6=fd00::78 / m.udp.dport=9",
		P6 "udp 1>2 len=8", "fd00::77 > fd00::78 udp 1>9 len=8"},
};

static void headers_are_rewritten(void **state)
{
	char rule[512];

	for (size_t i = 0; i < RTE_DIM(rewrites); i++) {
		struct rte_flow *flow;
		struct lab_seen seen;

		snprintf(rule, sizeof(rule), "ingress : %s : %s / queue=0", rewrites[i].items,
			rewrites[i].actions);
		flow = lab_rule(0, rule);
		lab_send(0, rewrites[i].before, &seen);
		assert_true(seen.software);
		if (rewrites[i].after != NULL)
			lab_assert_packet(&seen, rewrites[i].after);
		lab_destroy(0, flow);
	}
}

/* A mbuf that somebody else holds is not written to. */
static void shared_packets_are_copied(void **state)
{
	struct rte_mbuf *m = lab_mbuf(P4 "ttl=64 udp 1>2"), *mine = m;
	const uint8_t *ttl = rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 8);

	lab_rule(0, "ingress : eth / ipv4 : dec_ttl / queue=0");
	rte_mbuf_refcnt_update(m, 1);
	assert_int_equal(lab_burst(0, &m, 1), 1);
	assert_int_equal(*ttl, 64);
	rte_pktmbuf_free(mine);
}

static void rewritten_packets_are_matched_anew(void **state)
{
	lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : dport=3 / jump=1");
	lab_rule(0, "ingress group=1 : eth / ipv4 / udp dport=3 : drop");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
}

static const struct {
	const char *rule;
	int error;
	enum rte_flow_error_type type;
} refused[] = {
	{ALL "count", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{ALL "drop / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{ALL "count / count / drop", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{ALL "age=0 / drop", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF},
	{ALL "vxlan_decap / drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{ALL "dec_ttl / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{ALL "src4=1.2.3.4 / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{"ingress : eth / ipv4 : sport=4 / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{"ingress : eth / ipv6 : src4=1.2.3.4 / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{"ingress : eth / ipv6 : m.ttl-=1 / queue=0", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION},
	{"ingress : eth / ipv4 / udp : m.tcp.dport=1 / queue=0", ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ACTION},
	{"ingress : eth / ipv4 / udp : dport=1 / dport=2 / queue=0", EINVAL,
		RTE_FLOW_ERROR_TYPE_ACTION},
};

static void nonsense_is_refused(void **state)
{
	for (size_t i = 0; i < RTE_DIM(refused); i++)
		lab_refused(0, refused[i].rule, refused[i].error, refused[i].type);
}

/* --- shared ------------------------------------------------------------------------------ */

static void counters_are_shared(void **state)
{
	struct rte_flow_indir_action_conf conf = {.ingress = 1};
	struct rte_flow_action count = {.type = RTE_FLOW_ACTION_TYPE_COUNT};
	struct rte_flow_query_count query = {0};
	struct rte_flow *a, *b;

	words_indirect[0] = rte_flow_action_handle_create(lab.port[0], &conf, &count, &lab.error);
	assert_non_null(words_indirect[0]);
	a = lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : indirect=0 / drop");
	b = lab_rule(0, "ingress : eth / ipv4 / udp dport=3 : indirect=0 / drop");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	assert_int_equal(
		rte_flow_action_handle_query(lab.port[0], words_indirect[0], &query, &lab.error),
		0);
	assert_int_equal(query.hits, 2);
	assert_int_equal(lab_hits(0, a), 2);
	assert_int_equal(
		rte_flow_action_handle_destroy(lab.port[0], words_indirect[0], &lab.error), -EBUSY);
	lab_destroy(0, a);
	lab_destroy(0, b);
	/* What was counted stays. */
	query.reset = 1;
	assert_int_equal(
		rte_flow_action_handle_query(lab.port[0], words_indirect[0], &query, &lab.error),
		0);
	assert_int_equal(query.hits, 2);
	assert_int_equal(
		rte_flow_action_handle_destroy(lab.port[0], words_indirect[0], &lab.error), 0);
	assert_int_equal(rte_flow_action_handle_destroy(lab.port[0], words_indirect[0], &lab.error),
		-EINVAL);
	lab_refused(0, ALL "indirect=0 / drop", EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
}

static void only_counters_and_ages_are_shared(void **state)
{
	struct rte_flow_indir_action_conf conf = {.ingress = 1}, none = {0};
	struct rte_flow_action drop = {.type = RTE_FLOW_ACTION_TYPE_DROP};
	struct rte_flow_action count = {.type = RTE_FLOW_ACTION_TYPE_COUNT};

	assert_null(rte_flow_action_handle_create(lab.port[0], &conf, &drop, &lab.error));
	assert_int_equal(rte_errno, ENOTSUP);
	assert_null(rte_flow_action_handle_create(lab.port[0], &none, &count, &lab.error));
	assert_int_equal(rte_errno, EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

int run_action_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(drop_and_count),
		TEST(nothing_to_query),
		TEST(marks),
		TEST(queues),
		TEST(symmetric_rss),
		TEST(placement_by_key),
		TEST(passthru_goes_on),
		TEST(priorities),
		TEST(jumps),
		TEST(forwards_between_ports),
		TEST(leaves_to_software_in_the_switch),
		TEST(nothing_gets_out_of_a_wire_that_is_down),
		TEST(headers_are_rewritten),
		TEST(shared_packets_are_copied),
		TEST(rewritten_packets_are_matched_anew),
		TEST(nonsense_is_refused),
		TEST(counters_are_shared),
		TEST(only_counters_and_ages_are_shared),
	};

	return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
